"""What is given is taken as it is: masks are missing values, ids stay apart, and what is doubtful is said."""

import warnings

import numpy as np
import pandas as pd
import pytest

import alliance_bayes as ab
from alliance_bayes.panel import Panel, PanelWarning, read_frame

N, TIMES = 12, [0, 1, 2]
VALUES = np.random.default_rng(1).normal(size=(N, 3, 2))
LONG = pd.DataFrame(
    {"id": np.repeat(np.arange(1, N + 1), 3), "t": np.tile(TIMES, N), "x": VALUES[:, :, 0].ravel(), "g": 1}
)


def arrays(values=VALUES, **options):
    return Panel.from_arrays(values, **({"measures": ["x", "y"], "times": TIMES} | options))


def long(frame, **options):
    return Panel.from_long(frame, **({"person": "id", "time": "t", "measures": ["x"]} | options))


def said(make):
    """Text of the only warning, and what was made."""
    with pytest.warns(PanelWarning) as caught:
        made = make()
    (warning,) = caught
    assert warning.filename == __file__
    return str(warning.message), made


@pytest.mark.parametrize(
    "wrapped", [np.ma.masked_greater, lambda values, top: [np.ma.masked_greater(v, top) for v in values]]
)
def test_masked_values_are_missing(wrapped):
    panel = arrays(wrapped(VALUES, 1))
    np.testing.assert_array_equal(panel.values, np.where(VALUES > 1, np.nan, VALUES))
    assert np.isnan(panel.values).sum() == (VALUES > 1).sum() > 0


def test_masked_states_covariates_and_own_times_are_missing():
    state, mask = np.ones((N, 3)), np.zeros((N, 3), dtype=bool)
    state[0, 0], mask[0, 1] = 0, True
    values = VALUES.copy()
    values[0, :2] = np.nan
    panel = arrays(
        values,
        requires={"x": "on"},
        states={"on": np.ma.masked_array(state, mask)},
        covariates={"age": np.ma.masked_equal(np.arange(N), 3)},
        own_times=np.ma.masked_array(np.tile([0.0, 1.1, 2], (N, 1)), mask),
    )
    assert np.flatnonzero(np.isnan(panel.states["on"])).tolist() == [1]
    assert np.flatnonzero(np.isnan(panel.covariates["age"])).tolist() == [3]
    assert np.flatnonzero(np.isnan(panel.own_times)).tolist() == [1]


@pytest.mark.parametrize("kind", [bool, int, float, object])
def test_interviewed_is_true_or_1(kind):
    values = VALUES.copy()
    values[:3, 1] = np.nan
    seen = ~np.isnan(values[:, :, 0])
    seen[2, 1] = True
    panel = arrays(values, interviewed=seen.astype(kind))
    assert (panel.absence[:, 1, 0] == 1).tolist() == [True, True] + [False] * (N - 2)


def test_none_and_pandas_missing_values_are_missing():
    values = VALUES.astype(object)
    values[0, 0, 0], values[1, 0, 0] = None, pd.NA
    assert np.flatnonzero(np.isnan(arrays(values).values)).tolist() == [0, 6]


# ---- ids ----


def write_sav(frame, path):
    import pyreadstat

    pyreadstat.write_sav(frame, str(path))


WRITERS = {
    "csv": lambda frame, path: frame.to_csv(path, index=False),
    "parquet": lambda frame, path: frame.to_parquet(path),
    "dta": lambda frame, path: frame.to_stata(path, write_index=False),
    "sav": write_sav,
}


@pytest.mark.parametrize(("one", "other"), [("01", "1"), ("1E2", "100"), ("1.0", "1"), (" P1", "P1"), ("p1", "P1")])
@pytest.mark.parametrize("suffix", WRITERS)
def test_ids_that_look_alike_stay_two_people(one, other, suffix, tmp_path):
    names = [one, other, *(f"Q{person}" for person in range(3, N + 1))]
    WRITERS[suffix](LONG.assign(id=np.repeat(names, 3)), tmp_path / f"clinic.{suffix}")
    text, panel = said(lambda: long(tmp_path / f"clinic.{suffix}"))
    assert panel.persons.tolist() == sorted(names)
    pair = ", ".join(f"'{name}'" for name in sorted([one, other]))
    assert text == (
        f"2 ids look like other ids, first ({pair}): they differ only in spaces, capitals or how a number is "
        "written. They are treated as different persons; if they are one person, give one id."
    )


def test_numbers_and_text_are_two_people():
    text, panel = said(lambda: long(LONG.assign(id=np.repeat(np.array([1, "1", *range(2, N)], dtype=object), 3))))
    assert panel.n_persons == N
    assert "first (1, '1')" in text


def test_ids_of_a_csv_file_are_whole_numbers_where_all_are_written_as_such(tmp_path):
    path = tmp_path / "clinic.csv"
    for ids, kind in (
        (range(-1, N - 1), np.integer),
        ([f"{person:03d}" for person in range(N)], str),
        ([10**18 + person for person in range(N)], str),
        ([f"{person}.0" for person in range(N)], str),
    ):
        LONG.assign(id=np.repeat(list(ids), 3)).to_csv(path, index=False)
        panel = long(path)
        assert list(panel.persons) == sorted(map(str, ids) if kind is str else ids)
        assert all(isinstance(person, kind) for person in panel.persons)


def test_groups_of_a_csv_file_are_text(tmp_path):
    LONG.assign(g=np.repeat(["01", "1", "2"] * 4, 3)).to_csv(tmp_path / "clinic.csv", index=False)
    assert long(tmp_path / "clinic.csv", group="g").background.group_labels == ("01", "1", "2")


def test_ids_of_a_frame_are_what_they_are():
    """Whole numbers that stood beside missing ones are floats in pandas, and still match 1, 2, 3."""
    frame = pd.concat([LONG.astype({"id": float}), pd.DataFrame({"id": [np.nan], "t": [0], "x": [1.0], "g": [1]})])
    panel = long(frame.dropna())
    assert panel.persons.dtype == float
    assert panel.persons.tolist() == list(range(1, N + 1))


# ---- text files ----


@pytest.mark.parametrize(
    "edit",
    [
        lambda text: b"\xef\xbb\xbf" + text.encode(),
        lambda text: text.replace("\n", "\r\n").encode(),
        lambda text: text.replace("\n", "\r").encode(),
        lambda text: f"\n{text}\n  \n".encode(),
        lambda text: text.replace("id,t", '"id","t"', 1).encode(),
        lambda text: text.replace("g\n", '"g, ""group""\nof two lines"\n', 1).encode(),
        lambda text: text.replace("\n", ",,\n").encode(),
    ],
    ids=[
        "byte order mark",
        "Windows",
        "old Mac",
        "empty lines",
        "quotes",
        "quotes, commas and line ends",
        "empty names",
    ],
)
def test_csv_files_of_many_programs_are_read(edit, tmp_path):
    path = tmp_path / "clinic.csv"
    path.write_bytes(edit(LONG.to_csv(index=False)))
    frame = read_frame(path)
    pd.testing.assert_frame_equal(frame[["id", "t", "x"]], LONG[["id", "t", "x"]])
    np.testing.assert_array_equal(long(path).values, long(LONG).values)


# ---- doubts ----


def test_a_value_far_from_all_others_is_doubtful():
    values = VALUES.copy()
    values[3, 1, 0] = 1e6
    text, _ = said(lambda: arrays(values))
    assert text == (
        "'x' has 1 value more than 1,000 SDs away from nearly all others, first 1000000 (3, 1): a misprint, or a code "
        "for a missing value?"
    )


def test_codes_for_missing_answers_are_doubtful():
    values = np.random.default_rng(3).integers(0, 7, size=(N, 3, 2)).astype(float)
    values[:2, 0, 0], values[4:6, 1, 1] = -9, 99
    with pytest.warns(PanelWarning) as caught:
        arrays(values)
    assert [str(warning.message) for warning in caught] == [
        f"'{name}' holds {code} (2), and all other values lie from 0 to 6. If these are codes for missing answers, "
        f"write missing={{'{name}': [{code}]}}."
        for name, code in (("x", -9), ("y", 99))
    ]


def test_scales_that_reach_99_are_not_doubtful():
    values = np.random.default_rng(3).integers(60, 101, size=(N, 3, 2)).astype(float)
    values[:3, 0, 0] = 99
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        arrays(values)


@pytest.mark.parametrize("factor", [30, 1 / 30])
def test_own_times_in_another_unit_are_doubtful(factor):
    text, _ = said(lambda: arrays(own_times=np.tile(np.array(TIMES) * factor, (N, 1))))
    assert text == (
        f"People's own times lie {factor:.3g} times as far apart as the planned ones (median). Are both in the same "
        "unit?"
    )


TOML = """
format = 1
title = "x"
[panel]
person = "id"
time = "t"
measures = ["x", "y"]
[model]
kind = "clpm"
"""


def test_a_model_file_reads_ids_as_text_too(tmp_path):
    (tmp_path / "model.toml").write_text(TOML)
    names = ["01", "1", *(str(person) for person in range(3, N + 1))]
    LONG.assign(id=np.repeat(names, 3), y=VALUES[:, :, 1].ravel()).to_csv(tmp_path / "clinic.csv", index=False)
    file = ab.load(tmp_path / "model.toml")
    text, panel = said(lambda: file.panel(tmp_path / "clinic.csv"))
    assert panel.persons.tolist() == sorted(names)
    assert "('01', '1')" in text
