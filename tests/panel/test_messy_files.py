"""Files as they come: delimiters, encodings, codes for missing answers, categories, dates, each said in the panel."""

import numpy as np
import pandas as pd
import pytest

import alliance_bayes as ab
from alliance_bayes.panel import Panel, PanelWarning, read_frame
from alliance_bayes.panel.missing_codes import suspected_codes
from messy_files import french, german

MEASURES = ["Bündnis (WAI)", "Tage abst."]
READ = "Read: fields separated by semicolons, decimal commas and encoding Latin-1 (cp1252), since it is not UTF-8"
CODED = "Read: -99 is missing: 57 of Bündnis (WAI) and 39 of Tage abst."


def panel_of(path, **options):
    given = {"person": "Nr", "time": "Monat", "measures": MEASURES, "missing": [-99], "identical_rows": "drop"}
    return Panel.from_long(path, **(given | options))


def test_a_messy_file_is_a_panel_that_says_how_it_was_read(tmp_path):
    lines = str(panel_of(german(tmp_path), factor=["Bildung"], group="Klinik", covariates=["Alter"])).splitlines()
    assert lines[1:4] == [
        READ,
        CODED,
        "Read: 'Bildung' as Bildung_mittel and Bildung_niedrig, each 0 or 1 against 'hoch' (rows: hoch 318, mittel 378 "
        "and niedrig 376)",
    ]
    assert "  1 row the same as another in every column: line 1,074 of the file (identical_rows='drop')" in lines
    assert "Excluded: nothing" not in lines
    assert (
        german(tmp_path).read_text("latin-1").splitlines()[1073]
        == german(tmp_path).read_text("latin-1").splitlines()[4]
    )
    assert "Groups: Köln 91, Mainz 95, Trier 64" in lines
    assert not any(line.startswith("Suspect") for line in lines)


def test_codes_that_are_not_named_are_suspects_with_their_counts(tmp_path):
    with pytest.warns(PanelWarning) as caught:
        panel = panel_of(german(tmp_path), missing=())
    suspects = [line.removeprefix("Suspect: ") for line in str(panel).splitlines() if line.startswith("Suspect")]
    assert suspects == [str(warning.message) for warning in caught]
    assert suspects[0] == (
        "'Bündnis (WAI)' holds -99 (57), and all other values lie from 1.06 to 7. If these are codes for missing "
        "answers, write missing={'Bündnis (WAI)': [-99]}."
    )


def test_codes_by_column_leave_other_columns_alone(tmp_path):
    with pytest.warns(PanelWarning, match="'Tage abst.' holds -99"):
        panel = panel_of(german(tmp_path), missing={"Bündnis (WAI)": [-99, -98]})
    assert "Read: -99 is missing: 57 of Bündnis (WAI)" in str(panel)
    assert "Read: -98 is missing: found nowhere" in str(panel)
    assert (panel.values[:, :, 1] == -99).sum() == 39


def test_identical_rows_are_refused_with_their_cure(tmp_path):
    with pytest.raises(ab.PanelError, match=r"x2\. .* 1 repeat another in every column: identical_rows='drop' drops"):
        panel_of(german(tmp_path), identical_rows="refuse")


def test_dropped_rows_are_named_by_line_where_rows_are_lines_and_by_position_otherwise(tmp_path):
    frame = pd.DataFrame({"id": [1, 1, 2, 2, 2, 1], "t": [0, 1, 0, 1, 1, 0], "x": [1.0, 2, 3, 5, 5, 1], "y": ["a"] * 6})
    given = {"person": "id", "time": "t", "measures": ["x"], "identical_rows": "drop"}

    def excluded(data):
        return str(Panel.from_long(data, **given).left_out[0])

    why = "2 rows the same as another in every column: {} (identical_rows='drop')"
    assert excluded(frame) == why.format("row positions 4 and 5 (counted from 0)")
    assert excluded(frame.set_index(pd.Index([0] * 6))) == why.format("row positions 4 and 5 (counted from 0)")
    frame.to_csv(tmp_path / "a.csv", index=False)
    assert excluded(tmp_path / "a.csv") == why.format("lines 6 and 7 of the file")
    frame.to_excel(tmp_path / "a.xlsx", index=False)
    assert excluded(tmp_path / "a.xlsx") == why.format("rows 6 and 7 of the file")
    frame.assign(y="two\nlines").to_csv(tmp_path / "b.csv", index=False)
    assert excluded(tmp_path / "b.csv") == why.format("row positions 4 and 5 (counted from 0)")


def test_codes_of_all_columns_that_lie_among_the_values_of_one_are_warned_of(tmp_path):
    rng = np.random.default_rng(2)
    frame = pd.DataFrame(
        {"id": np.repeat(np.arange(40), 2), "t": [0, 1] * 40,
         "x": rng.integers(1, 6, 80), "days": rng.integers(0, 31, 80)}
    )  # fmt: skip
    frame.loc[:4, "x"], frame.loc[:2, "days"] = 9, 9
    given = {"person": "id", "time": "t", "measures": ["x", "days"]}
    n_days = int((frame["days"] == 9).sum())
    sentence = rf"may be values: 9 in 'days' \({n_days} times; all other values lie from 0 to 30\)\. They are taken"
    frame.to_parquet(tmp_path / "a.parquet")
    with pytest.warns(PanelWarning, match=sentence):
        Panel.from_long(frame, missing=[9], **given)
    with pytest.warns(PanelWarning, match=sentence):
        Panel.from_parquet(tmp_path / "a.parquet", missing=[9], **given)
    Panel.from_long(frame, missing={"x": [9]}, **given)


def test_a_wide_file_of_tabs_is_a_panel(tmp_path):
    columns = {name: [f"{name}_t{wave}" for wave in (1, 2, 3)] for name in ("alliance", "jours")}
    missing = {column: [9] for column in columns["alliance"]} | {column: [999] for column in columns["jours"]}
    panel = Panel.from_wide(
        french(tmp_path), person="identifiant", times=[0, 3, 6], measures=columns, missing=missing,
        factor={"sexe": ["homme", "femme"]},
    )  # fmt: skip
    text = str(panel)
    assert "Read: fields separated by tabs and encoding UTF-8 with a byte order mark" in text
    assert "Read: 'sexe' as sexe_femme, each 0 or 1 against 'homme' (rows: homme 68 and femme 52)" in text
    assert np.nanmax(panel.values[:, :, 0]) == 5
    assert panel.persons[0] == "0000"  # ids stay text


def test_missing_codes_of_a_file_too_large_for_memory_are_those_of_a_frame(tmp_path):
    frame = read_frame(german(tmp_path, twice=False))
    frame.to_parquet(tmp_path / "Daten.parquet")
    on_disk = Panel.from_parquet(
        tmp_path / "Daten.parquet", person="Nr", time="Monat", measures=MEASURES, missing=[-99]
    )
    in_memory = panel_of(frame, identical_rows="refuse")
    assert on_disk.notes == in_memory.notes == (CODED.removeprefix("Read: "),)
    np.testing.assert_array_equal(on_disk.coverage()["observed"], in_memory.coverage()["observed"])


# ---- dates ----


def test_dates_of_interviews_are_own_times_by_a_formula_that_is_printed(tmp_path):
    panel = panel_of(german(tmp_path), own_time="Datum", dates_from="person", time_unit="months")
    assert "Read: 'Datum' as ('Datum' - each person's first date) in days / 30.4375, months" in str(panel)
    assert (panel.own_times[:, 0] == 0).all()
    assert np.nanmax(np.abs(panel.own_times - np.array(panel.times))) < 0.2


def test_dates_of_waves_are_the_nearest_planned_times(tmp_path):
    options = {"time": "Datum", "times": [0, 1, 3, 6, 12], "dates_from": "person", "time_unit": "months"}
    dated, numbered = panel_of(german(tmp_path), **options), panel_of(german(tmp_path))
    np.testing.assert_array_equal(dated.values, numbered.values)
    assert "months, at the nearest of 0, 1, 3, 6, 12 (at most 0.185 away)" in str(dated)
    with pytest.raises(ab.PanelError, match=r"dates lie far from every planned time, first .'P001', 2.85"):
        panel_of(german(tmp_path), **(options | {"times": [0, 1]}))
    with pytest.raises(ab.PanelError, match=r"need their planned times, such as times=\[0, 6, 12\]"):
        panel_of(german(tmp_path), **(options | {"times": None}))


@pytest.mark.parametrize("options", [{"time": "Datum"}, {"own_time": "Datum"}])
def test_dates_without_an_origin_are_refused_with_the_formula(tmp_path, options):
    with pytest.raises(ab.PanelError) as caught:
        panel_of(german(tmp_path), **options)
    assert "dates_from='person'" in str(caught.value)
    assert "(date - date.groupby(frame[person]).transform('min')).dt.days / 30.4375" in str(caught.value)


def test_dates_without_a_unit_are_one_problem(tmp_path):
    with pytest.raises(
        ab.PanelError, match=r"1 problem:\n.*dates_from needs time_unit, .*'months', 'years'; it is missing"
    ):
        panel_of(german(tmp_path), time="Datum", times=[0, 1, 3, 6, 12], dates_from="person")


# ---- categories ----


def test_a_text_covariate_is_pointed_to_its_factor(tmp_path):
    with pytest.raises(ab.PanelError) as caught:
        panel_of(german(tmp_path), covariates=["Bildung"])
    assert "Name it in factor=['Bildung'] instead, which makes a column of 0 and 1 of each category" in str(
        caught.value
    )
    assert "its number" not in str(caught.value)


def test_the_reference_is_the_first_category_and_what_is_unknown_is_missing():
    frame = pd.DataFrame(
        {"id": np.repeat([1, 2, 3, 4], 2), "t": [0, 1] * 4, "x": [1.0, 2, 3, 4, 5, 6, 7, 9],
         "school": ["low", "low", "high", "high", None, None, "middle", "middle"]}
    )  # fmt: skip
    given = {"person": "id", "time": "t", "measures": ["x"]}
    panel = Panel.from_long(frame, factor={"school": ["low", "middle", "high"]}, **given)
    assert list(panel.covariates) == ["school_middle", "school_high"]
    np.testing.assert_array_equal(panel.covariates["school_high"], [0, 1, np.nan, 0])
    ordered = frame.assign(school=pd.Categorical(frame["school"], ["middle", "low", "high"]))
    assert list(Panel.from_long(ordered, factor=["school"], **given).covariates) == ["school_low", "school_high"]
    with pytest.raises(ab.PanelError, match=r"the column also holds 'middle', first 'middle' in row 6"):
        Panel.from_long(frame, factor={"school": ["low", "high"]}, **given)
    with pytest.raises(ab.PanelError, match="'education', which is no column"):
        Panel.from_long(frame, factor=["education"], **given)
    with pytest.raises(ab.PanelError, match="makes a column 'school_low', which is there already"):
        Panel.from_long(frame.assign(school_low=1), factor=["school"], **given)


def test_points_that_separate_thousands_beside_decimal_commas_are_recognised(tmp_path):
    (tmp_path / "a.csv").write_text("id;x;income\n1;4,5;1.483\n2;3,1;2.090\n")
    with pytest.raises(
        ab.PanelError, match=r"for init and describe --decimal.*It looks like decimal=',', the other sign"
    ):
        read_frame(tmp_path / "a.csv")


def test_texts_among_numbers_are_suspected_and_drafted(tmp_path):
    rng = np.random.default_rng(5)
    frame = pd.DataFrame(
        {"id": np.repeat(np.arange(30), 3), "month": [0, 6, 12] * 30, "x": rng.normal(size=90).round(2)}
    )
    frame["y"] = [f"{value:.1f}" for value in rng.normal(size=90)]
    frame.loc[:4, "y"] = "k.A."
    seen = ab.overview(frame)
    assert dict(seen.column("y").codes) == {"k.A.": 5}
    assert seen.column("y").kind == "numbers"
    (tmp_path / "m.toml").write_text(ab.draft(frame), encoding="utf-8")
    assert "Read: 'k.A.' is missing: 5 of y" in ab.load(tmp_path / "m.toml").check(frame)


@pytest.mark.parametrize("number", ["4,591", "12 250", "1'234'567.5"])
def test_thousands_separators_are_named_with_their_cure(number):
    frame = pd.DataFrame({"id": [1, 1, 2, 2], "t": [0, 1] * 2, "x": [number] * 4})
    with pytest.raises(ab.PanelError) as caught:
        Panel.from_long(frame, person="id", time="t", measures=["x"])
    cure = str(caught.value).partition("take it out, ")[2].partition(";")[0].rstrip(".")
    assert (
        eval(cure, {"frame": frame}).tolist() == [float("".join(sign for sign in number if sign in "0123456789."))] * 4
    )


# ---- files and frames of other programs ----


def test_excel_polars_arrow_and_nullable_frames_make_the_same_panel(tmp_path):
    import polars

    frame = read_frame(german(tmp_path))
    expected = panel_of(frame)
    frame.to_excel(tmp_path / "Daten.xlsx", index=False)
    of_polars = polars.from_pandas(frame)
    alike = [tmp_path / "Daten.xlsx", of_polars, of_polars.to_arrow(), frame.convert_dtypes()]
    for data in alike:
        panel = panel_of(data)
        np.testing.assert_array_equal(panel.values, expected.values)
        np.testing.assert_array_equal(np.asarray(panel.persons, dtype=str), np.asarray(expected.persons, dtype=str))
    with pytest.raises(ab.PanelError, match=r"type LazyFrame; .* Collect a lazy frame first"):
        panel_of(of_polars.lazy())


def test_a_missing_reader_is_named_with_its_extra(tmp_path, monkeypatch):
    (tmp_path / "Daten.xlsx").write_bytes(b"PK\x03\x04")
    monkeypatch.setitem(__import__("sys").modules, "openpyxl", None)
    with pytest.raises(ab.PanelError, match=r"a package that reads \.xlsx is not installed.*alliance-bayes\[files\]"):
        read_frame(tmp_path / "Daten.xlsx")


def test_the_labels_of_spss_name_groups_and_categories(tmp_path):
    import pyreadstat

    frame = pd.DataFrame(
        {"id": np.repeat(np.arange(8.0), 2), "t": [0.0, 1] * 8, "x": np.random.default_rng(1).normal(size=16),
         "site": np.repeat([1.0, 2] * 4, 2), "school": np.repeat([1.0, 2, 3, 1] * 2, 2)}
    )  # fmt: skip
    labels = {"site": {1: "Köln", 2: "Mainz"}, "school": {1: "low", 2: "middle", 3: "high"}}
    pyreadstat.write_sav(frame, str(tmp_path / "clinic.sav"), variable_value_labels=labels)
    panel = Panel.from_long(
        tmp_path / "clinic.sav", person="id", time="t", measures=["x"], group="site",
        factor={"school": ["low", "middle", "high"]},
    )  # fmt: skip
    assert panel.background.group_labels == ("Köln", "Mainz")
    assert list(panel.covariates) == ["school_middle", "school_high"]
    assert panel.notes[0] == "'site' by its value labels"
    assert "Labels of 'site': 1 Köln, 2 Mainz" in str(ab.overview(tmp_path / "clinic.sav"))


@pytest.mark.parametrize(
    ("text", "options", "expected"),
    [
        ("a;b\n1,5;2\n", {}, [1.5, 2]),
        ("a|b\n1.5|2\n", {}, [1.5, 2]),
        ("a;b\n1,500;2\n", {"decimal": "."}, ["1,500", 2]),
        ("a\tb\n1\t2\n", {"delimiter": "\t"}, [1, 2]),
        ('a,b\n"1,5",2\n', {"decimal": ","}, [1.5, 2]),
    ],
)
def test_delimiters_and_decimal_signs_are_found_or_given(tmp_path, text, options, expected):
    (tmp_path / "a.csv").write_text(text)
    assert read_frame(tmp_path / "a.csv", **options).iloc[0].tolist() == expected


def test_utf_16_with_its_mark_is_read(tmp_path):
    (tmp_path / "a.csv").write_bytes("Größe,b\n1,2\n".encode("utf-16"))
    assert list(read_frame(tmp_path / "a.csv")) == ["Größe", "b"]


@pytest.mark.parametrize(
    ("values", "suspects"),
    [
        ([0, 1, 1, 9, 9], [9]),
        ([1, 2, 3, 4, 5, 8, 9, 8, 9], [8, 9]),
        ([1, 2, 3, 4, 5, 6, 7, 9, 9], [9]),
        ([0, 1, 2, 7, 7], []),  # counts
        ([1, 2, 3, 4, 5, 9], []),  # one alone
        ([90, 95, 99, 99, 70], []),
        ([1.5, 2.5, -9], [-9]),
        ([-1, 0.5, -9], []),
    ],
)
def test_what_lies_apart_from_all_others_is_suspected(values, suspects):
    assert list(suspected_codes(np.array(values, dtype=float))[0]) == suspects
