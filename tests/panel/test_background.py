"""What a panel knows of each person besides the measures: covariates, groups, own times; refusals in full."""

import numpy as np
import pandas as pd
import pytest

import alliance_bayes as ab
from alliance_bayes.basics.problems import PanelError
from alliance_bayes.engine.design import design_of

VALUES = np.random.default_rng(1).normal(size=(20, 4, 2))
COVARIATE, GROUPS = np.random.default_rng(2).normal(size=20), np.repeat(["B", "A"], 10)
OWN = np.tile(np.arange(4.0), (20, 1))


def refusal(make):
    with pytest.raises(PanelError) as caught:
        make()
    return str(caught.value).split("1 problem:\n  1. ")[1]


def arrays(**options):
    return ab.Panel.from_arrays(VALUES, measures=["x", "y"], times=range(4), **options)


def not_increasing():
    own = OWN.copy()
    own[3, 1] = 5
    return own


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"covariates": {"x": COVARIATE}}, "'x' is both a measure and a covariate; choose one."),
        ({"covariates": {"c": COVARIATE[:5]}}, "The covariate 'c' has shape (5,); expected (20,), (person,)."),
        ({"groups": GROUPS[:5]}, "groups has shape (5,); expected (20,), (person,)."),
        ({"own_times": OWN[:, :2]}, "own_times has shape (20, 2); expected (20, 4), (person, time)."),
        (
            {"own_times": not_increasing()},
            "The own times of 1 persons do not increase from wave to wave, first in row 3: 0, 5, 2, 3. Correct them, "
            "or use the planned times.",
        ),
    ],
)
def test_arrays_that_cannot_be_meant(options, problem):
    assert refusal(lambda: arrays(**options)) == problem


def frame(**changes):
    rows = [
        {"id": person, "t": wave, "x": wave + person, "y": 2.0 * person + wave**2, "c": float(person)}
        | {"g": "A" if person < 2 else "B", "s": wave + 0.1 * person}
        for person in range(4)
        for wave in range(3)
    ]
    found = pd.DataFrame(rows)
    for (column, row), value in changes.get("cells", {}).items():
        found.loc[row, column] = value
    return found


def from_long(data, **options):
    return ab.Panel.from_long(data, person="id", time="t", measures=["x", "y"], **options)


@pytest.mark.parametrize(
    ("cells", "options", "problem"),
    [
        (
            {("c", 1): 9.0},
            {"covariates": ["c"]},
            "The covariate 'c' changes within persons: 1, first 0. Name it among the measures if it varies over time; "
            "the model then takes it as a time-varying covariate.",
        ),
        (
            {("g", 4): "B"},
            {"group": "g"},
            "The group 'g' changes within persons: 1, first 1. One person is in one group.",
        ),
        (
            {("g", 3): None, ("g", 4): None, ("g", 5): None},
            {"group": "g"},
            "The group 'g' is missing for 1 person, first 1; fill it in, or leave out who has none: "
            "without_covariates='leave_out'.",
        ),
        (
            {("g", row): "A" for row in range(12)},
            {"group": "g"},
            "The group 'g' is 'A' for everybody; leave it out.",
        ),
        ({}, {"covariates": "c"}, "covariates must be a list of names, such as covariates=['commitment']; got 'c'."),
        ({}, {"group": "h"}, "No column 'h'. Columns: 'id', 't', 'x', 'y', 'c', 'g', 's'."),
        ({}, {"own_time": "u"}, "No column 'u'. Columns: 'id', 't', 'x', 'y', 'c', 'g', 's'."),
        ({}, {"covariates": ["x"]}, "Column 'x' is used 2 times: as measure and as covariate."),
        (
            {("s", 4): 0.0},
            {"own_time": "s"},
            "The own times of 1 persons do not increase from wave to wave, first in row 1: 0.1, 0, 2.1. Correct "
            "them, or use the planned times.",
        ),
    ],
)
def test_frames_that_cannot_be_meant(cells, options, problem):
    assert refusal(lambda: from_long(frame(cells=cells), **options)) == problem


def test_a_frame_gives_what_it_holds():
    panel = from_long(frame(), covariates=["c"], group="g", own_time="s")
    np.testing.assert_array_equal(panel.covariates["c"], [0, 1, 2, 3])
    assert panel.groups.tolist() == ["A", "A", "B", "B"]
    np.testing.assert_allclose(panel.own_times, np.arange(3) + 0.1 * np.arange(4)[:, None])


# ---- designs ----


def test_a_design_of_groups_has_a_cell_for_each():
    design = design_of(ab.RICLPM(["x", "y"], group_lags="free"), arrays(groups=GROUPS))
    assert design.groups == ("A", "B")
    assert [(cell.group, cell.times) for cell in design.cells] == [(0, (0, 1, 2, 3)), (1, (0, 1, 2, 3))]
    np.testing.assert_array_equal(design.person_cell, np.repeat([1, 0], 10))


def test_a_design_of_own_times_starts_everybody_at_the_first_wave():
    own = OWN + np.repeat([0.0, 0.5, 2.0], [8, 8, 4])[:, None]
    own[16:, 3] += 1
    own[0, 2] = own[8, 0] = own[19, 3] = np.nan
    panel = ab.Panel.from_arrays(
        np.where(np.isnan(own)[:, :, None], np.nan, VALUES), measures=["x", "y"], times=range(4), own_times=own
    )
    design = design_of(ab.RICLPM(["x", "y"], lags="continuous"), panel)
    assert [cell.times for cell in design.cells] == [(0, 1, 2, 3), (0, 1, 2, 4)]
    assert np.bincount(design.person_cell).tolist() == [17, 3]
    assert design.person_cell[[16, 17, 18]].tolist() == [1, 1, 1]


def test_a_design_of_moderators_has_a_cell_for_each_value():
    covariate = np.repeat([1.0, 2.0, 4.0], [10, 6, 4])
    design = design_of(ab.RICLPM(["x", "y"], moderated={"x -> y": "c"}), arrays(covariates={"c": covariate}))
    centre, spread = covariate.mean(), covariate.std()
    np.testing.assert_allclose([cell.moderators[0] for cell in design.cells], (np.array([1, 2, 4]) - centre) / spread)
    np.testing.assert_array_equal(design.person_cell, np.repeat([0, 1, 2], [10, 6, 4]))
    assert design.scales["c"] == pytest.approx(spread)


def test_a_design_of_covariates_of_persons_and_of_waves():
    values = np.concatenate([VALUES, np.random.default_rng(3).normal(5, 2, (20, 4, 1))], axis=2)
    panel = ab.Panel.from_arrays(values, measures=["x", "y", "z"], times=range(4), covariates={"c": COVARIATE})
    design = design_of(ab.RICLPM(["x", "y"], covariates={"c": "intercepts", "z": "every_wave"}), panel)
    assert [(each.name, each.wave) for each in design.covariates] == [("c", None), *(("z", wave) for wave in range(4))]
    np.testing.assert_allclose(design.covariate_values[:, 0], (COVARIATE - COVARIATE.mean()) / COVARIATE.std())
    z = values[:, :, 2]
    spread = np.sqrt(np.mean((z - z.mean(axis=0)) ** 2))
    np.testing.assert_allclose(design.covariate_values[:, 1:], (z - z.mean()) / spread)
    assert design.person_cell is None
    assert len(design.cells) == 1
