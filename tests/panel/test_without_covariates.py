"""Persons without a covariate, a factor or a group: kept as long as nothing needs these, or left out and listed."""

import numpy as np
import pandas as pd
import pytest

import alliance_bayes as ab
from alliance_bayes.panel import Panel

TIMES = (0, 3, 6)
USED = {"person": "id", "time": "month", "measures": ["x", "y"]}
KNOWN = {"covariates": ["age"], "factor": {"school": ["low", "high"]}, "group": "site"}


def people(n_persons=12, **missing):
    """A frame of one row per person and time; `missing` names the persons without a value of a column."""
    rng = np.random.default_rng(1)
    one_each = pd.DataFrame(
        {
            "id": [f"P{number:02}" for number in range(n_persons)],
            "age": rng.normal(30.0, 5.0, n_persons).round(),
            "school": np.resize(["low", "high", "high"], n_persons),
            "site": np.resize(["A", "B"], n_persons),
        }
    )
    for column, persons in missing.items():
        one_each.loc[list(persons), column] = None
    rows = one_each.loc[np.repeat(one_each.index, len(TIMES))].reset_index(drop=True)
    return rows.assign(month=np.tile(TIMES, n_persons), **{name: rng.normal(size=len(rows)) for name in ("x", "y")})


def assert_same(panel, other):
    assert panel.persons.tolist() == other.persons.tolist()
    np.testing.assert_array_equal(panel.values, other.values)
    np.testing.assert_array_equal(panel.absence, other.absence)
    np.testing.assert_array_equal(panel.groups, other.groups)
    for name, values in other.covariates.items():
        np.testing.assert_array_equal(panel.covariates[name], values)


def test_the_others_are_as_if_those_left_out_had_never_been_there():
    frame = people(age=[3, 7], school=[8], site=[7, 10])
    panel = Panel.from_long(frame, **USED, **KNOWN, without_covariates="leave_out")
    complete = frame[~frame["id"].isin(["P03", "P07", "P08", "P10"])]
    assert_same(panel, Panel.from_long(complete, **USED, **KNOWN))
    assert str(panel).endswith(
        "Excluded:\n  4 persons: 'P03', 'P07', 'P08', 'P10' (no value of 'age' (2), 'school' (1) and 'site' (2); "
        "without_covariates='leave_out')"
    )


def test_one_row_per_person_leaves_out_the_same():
    frame = people(age=[3, 7], school=[8], site=[7, 10])
    wide = frame.pivot_table(index="id", columns="month", values=["x", "y"])
    wide.columns = [f"{name}_{month}" for name, month in wide.columns]
    wide = wide.join(frame.groupby("id")[["age", "school", "site"]].first())
    measures = {name: [f"{name}_{month}" for month in TIMES] for name in ("x", "y")}
    options = {"measures": measures, "times": TIMES, **KNOWN, "without_covariates": "leave_out"}
    long = Panel.from_long(frame, **USED, **KNOWN, without_covariates="leave_out")
    by_column = Panel.from_wide(wide.reset_index().sample(frac=1.0, random_state=1), person="id", **options)
    for panel in (by_column, Panel.from_wide(wide, **options)):
        assert_same(panel, long)
        assert panel.left_out == long.left_out


@pytest.mark.parametrize("decision", ["keep", "leave_out"])
def test_one_row_with_a_value_is_enough_at_a_time_that_is_not_kept_too(decision):
    frame = people()
    frame.loc[frame["month"] != 0, ["age", "school", "site"]] = None
    whole = Panel.from_long(people(), **USED, **KNOWN, times=[3, 6])
    later = Panel.from_long(frame, **USED, **KNOWN, times=[3, 6], without_covariates=decision)
    assert_same(later, whole)
    assert [each.what for each in later.left_out] == ["rows at times not asked for"]


def test_values_at_the_times_kept_come_first():
    frame = people()
    frame.loc[(frame["month"] == 0), "age"] = 99.0
    frame.loc[(frame["id"] == "P04") & (frame["month"] > 0), "age"] = np.nan
    panel = Panel.from_long(frame, **USED, covariates=["age"], times=[3, 6])
    expected = people()[people()["month"] == 3]["age"].to_numpy().copy()
    expected[4] = 99.0
    np.testing.assert_array_equal(panel.covariates["age"], expected)


def test_what_is_no_number_at_another_time_is_refused_by_its_row():
    frame = people()
    frame.loc[(frame["id"] == "P04"), "age"] = [np.inf, np.nan, np.nan]
    with pytest.raises(ab.PanelError, match=r"'age' .*: 1, first inf \('P04', 0\)"):
        Panel.from_long(frame, **USED, covariates=["age"], times=[3, 6])


def test_categories_are_those_of_the_people_left():
    frame = people(age=[3]).astype({"school": object})
    frame.loc[frame["id"] == "P03", "school"] = "aaa"
    panel = Panel.from_long(frame, **USED, covariates=["age"], factor=["school"], without_covariates="leave_out")
    assert list(panel.covariates) == ["age", "school_low"]
    assert "(rows: high 24 and low 9)" in str(panel)
    declared = {"factor": {"school": ["low", "high"]}, "covariates": ["age"], "without_covariates": "leave_out"}
    assert list(Panel.from_long(frame, **USED, **declared).covariates) == ["age", "school_high"]


@pytest.mark.parametrize("wrong", [{"x": np.inf}, {"on": 3}, {"asked": np.nan}, {"x": np.inf, "on": 0}])
def test_nothing_of_who_is_left_out_is_read(wrong):
    frame = people(age=[3]).assign(on=1.0, asked=1.0)
    frame.loc[frame["id"] == "P03", list(wrong)] = list(wrong.values())
    options = {**USED, "requires": {"x": "on"}, "interviewed": "asked", "covariates": ["age"]}
    panel = Panel.from_long(frame, **options, without_covariates="leave_out")
    assert_same(panel, Panel.from_long(frame[frame["id"] != "P03"], **options))


def test_groups_of_whole_numbers_stay_whole():
    frame = people(site=[2]).replace({"site": {"A": 1, "B": 2}}).astype({"site": float})
    panel = Panel.from_long(frame, **USED, group="site", without_covariates="leave_out")
    assert sorted(set(panel.groups.tolist())) == ["1", "2"]


def test_who_has_no_row_is_listed_apart():
    frame = people(age=[0])
    frame = frame[(frame["id"] != "P01") | (frame["month"] == 6)]
    panel = Panel.from_long(frame, **USED, times=[0, 3], covariates=["age"], without_covariates="leave_out")
    assert [str(each) for each in panel.left_out if each.what == "person"] == [
        "1 person: 'P00' (no value of 'age' (1); without_covariates='leave_out')",
        "1 person: 'P01' (no row at the times asked for)",
    ]


def test_many_are_counted_and_some_named():
    (left_out,) = Panel.from_long(
        people(age=range(3, 10)), **USED, covariates=["age"], without_covariates="leave_out"
    ).left_out
    assert (left_out.count, left_out.cases) == (7, ("'P03'", "'P04'", "'P05'", "'P06'", "'P07'", "and 2 more"))


def test_states_interviews_and_own_times_go_with_their_persons():
    frame = people(age=[2]).assign(on=1, asked=1)
    frame["day"] = frame["month"] + np.arange(len(frame)) / 1000
    options = {
        **USED,
        "requires": {"x": "on"},
        "interviewed": "asked",
        "own_time": "day",
        "covariates": ["age"],
    }
    panel = Panel.from_long(frame, **options, without_covariates="leave_out")
    other = Panel.from_long(frame[frame["id"] != "P02"], **options)
    assert panel.persons.tolist() == other.persons.tolist()
    np.testing.assert_array_equal(panel.own_times, other.own_times)
    np.testing.assert_array_equal(panel.states["on"], other.states["on"])


@pytest.mark.parametrize(
    ("missing", "options", "problem"),
    [
        (
            {"age": range(1, 12), "site": [0]},
            {"covariates": ["age"], "group": "site", "without_covariates": "leave_out"},
            "Of everybody a covariate, a factor or the group is missing: 'age' (11) and 'site' (1). Leave out the "
            "columns rather than all people.",
        ),
        (
            {"site": [2]},
            {"group": "site"},
            "The group 'site' is missing for 1 person, first 'P02'; fill it in, or leave out who has none: "
            "without_covariates='leave_out'.",
        ),
        ({}, {"without_covariates": "drop"}, "without_covariates must be 'keep' or 'leave_out'; got 'drop'."),
        (
            {},
            {"identical_rows": np.array(["drop"])},
            "identical_rows must be 'refuse' or 'drop'; got an array of shape (1,) and type <U4.",
        ),
    ],
    ids=["everybody", "kept", "no choice", "an array"],
)
def test_refusals(missing, options, problem):
    with pytest.raises(ab.PanelError) as caught:
        Panel.from_long(people(**missing), **USED, **options)
    assert caught.value.problems == (problem,)


def test_a_model_says_how_to_leave_out_and_a_file_does(tmp_path):
    frame = people(age=[4])
    spec = ab.RICLPM(["x", "y"], lags="equal", covariates={"age": "intercepts"})
    with pytest.raises(ab.SpecError, match=r"missing for 1 people, such as 'P04'\. .*without_covariates='leave_out'"):
        ab.to_pymc(spec, Panel.from_long(frame, **USED, covariates=["age"]))
    frame.to_csv(tmp_path / "data.csv", index=False)
    (tmp_path / "model.toml").write_text(
        """
        format = 1
        title = "ages"
        [panel]
        person = "id"
        time = "month"
        measures = ["x", "y"]
        covariates = ["age"]
        without_covariates = "leave_out"
        [model]
        kind = "riclpm"
        lags = "equal"
        covariates = { age = "intercepts" }
        """
    )
    panel = ab.load(tmp_path / "model.toml").panel(tmp_path / "data.csv")
    assert (panel.n_persons, [str(each) for each in panel.left_out]) == (
        11,
        ["1 person: 'P04' (no value of 'age' (1); without_covariates='leave_out')"],
    )
    assert ab.to_pymc(spec, panel).free_RVs
