"""Modification indices: beside lavaan's, and beside the larger models fitted."""

import json
import sys

import numpy as np
import pandas as pd
import pytest

import alliance_bayes as ab
from alliance_bayes.basics.problems import SpecError
from alliance_bayes.engine.kernels.likelihood import log_likelihood_and_gradient
from alliance_bayes.export.names import long_names
from alliance_bayes.likelihood.information import expected_information
from alliance_bayes.likelihood.maximising import hessian_of
from alliance_bayes.likelihood.score_tests import possible_changes, widened
from helpers import REFERENCES

sys.path.insert(0, str(REFERENCES))
from family_models import family_panel, family_spec

FITS = json.loads((REFERENCES / "lavaan_tables.json").read_text())["fits"]
KEYS = [key for key, tables in FITS.items() if "modification indices" in tables]
OPERATORS = {"effect": "~", "loading": "=~", "covariance": "~~"}


def fitted(key, **options):
    return ab.maximum_likelihood(family_spec(key), family_panel(key.split("/")[0]), **options)


def sides(answer, change):
    linear = answer.model.system.systems[change.cell]
    names = long_names(linear.variables, {linear.variables[row] for row in linear.observed})
    return [names[linear.variables[place]] for place in (change.row, change.column)]


@pytest.mark.parametrize("key", KEYS)
def test_lavaans_modification_indices(key):
    found, want = fitted(key), FITS[key]["modification indices"]
    table, n_compared = ab.modification_indices(found).table, 0
    for change in possible_changes(found.model):
        if change.name not in table.index or "apart" in change.name:
            continue
        first, second = sides(found, change)
        pairs = [(first, second), (second, first)]
        ways = [f"{a} {OPERATORS[change.kind]} {b}" for a, b in (pairs[change.kind == "loading" :] or pairs)]
        theirs = next((want[way] for way in ways if way in want), None)
        if theirs is None:
            continue
        n_compared += 1
        ours = table.loc[change.name, ["index", "expected_change", "standardized_change"]].astype(float)
        np.testing.assert_allclose(ours, theirs, atol=2e-4, rtol=2e-4, err_msg=change.name)
    assert n_compared > 40


@pytest.mark.parametrize("key", [key for key in KEYS if FITS[key]["released"]])
def test_lavaans_tests_of_released_equalities(key):
    """lavaan releases one number from the first of its kind; that is ours wherever it is not the first itself."""
    found = fitted(key)
    table, n_compared = ab.modification_indices(found).table, 0
    theirs = {names.split(" == ")[1]: index for names, index in FITS[key]["released"].items()}
    for change in possible_changes(found.model):
        if change.kind != "effect" or not change.name.endswith("apart"):
            continue
        want = theirs.get(" ~ ".join(sides(found, change)))
        if want is not None:
            n_compared += 1
            assert table.loc[change.name, "index"] == pytest.approx(want, abs=1e-3), change.name
    assert n_compared >= 8


@pytest.mark.parametrize("key", ["help/riclpm/equal", "sites2/riclpm/equal/groups/lags equal", "help_gap/riclpm/grid"])
def test_a_widened_model_is_the_model_where_the_changes_are_0(key):
    found = fitted(key)
    model, changes = found.model, possible_changes(found.model)
    wider = widened(model.system, changes)
    point = np.append(found.theta, np.zeros(len(changes)))
    value, gradient = log_likelihood_and_gradient(point, wider.structure_arrays, wider.arrays, model.statistics.arrays)
    assert value == pytest.approx(found.estimates.log_likelihood, abs=1e-9)
    assert np.abs(gradient[: len(found.theta)]).max() < 1e-3


def test_expected_information_is_the_mean_of_the_observed_one():
    """At the truth of many complete normal people both agree."""
    panel = family_panel("starts2")
    found = ab.maximum_likelihood(ab.CLPM(panel.measures, lags="free"), panel)
    system, patterns = found.model.system, found.model.statistics.arrays
    expected, observed = expected_information(system, patterns, found.theta), hessian_of(system, patterns, found.theta)
    scale = np.sqrt(np.diag(observed))
    assert np.abs(np.diag(expected) / np.diag(observed) - 1).max() < 0.2
    assert np.abs((expected - observed) / np.outer(scale, scale)).max() < 0.25


def test_an_effect_that_is_there_is_found_with_its_size():
    """Of a lagged effect that was removed, the index is near the ratio test, the expected change near its estimate."""
    truth = ab.Truth(
        ab.CLPM(["x", "y"], lags="free"),
        times=[0, 1, 2],
        lagged={"x -> y": 0.15},
        carry_over=0.4,
        within_correlation=0.2,
    )
    panel = ab.simulate(truth, persons=3000, seed=4)
    frame_scale = ab.Panel.from_arrays(panel.values * [1.0, 30.0], measures=["x", "y"], times=[0, 1, 2])
    small, large = (
        ab.maximum_likelihood(ab.CLPM(["x", "y"], lags="free", remove=remove), frame_scale)
        for remove in (["x -> y, 1 to 2"], [])
    )
    top = ab.modification_indices(small).table.loc["x -> y, 1 to 2"]
    test = ab.likelihood_ratio_test(small, large).table.iloc[0]
    assert top["index"] == pytest.approx(test["chi_square"], rel=0.05)
    assert top["expected_change"] == pytest.approx(large.table.loc["x -> y, 1 to 2", "estimate"], rel=0.05)
    assert 3 < top["expected_change"] < 6


def test_printed_with_what_chance_makes_of_many():
    answer = ab.modification_indices(fitted("help/riclpm/equal"))
    lines = str(answer).splitlines()
    assert lines[2].startswith("within days, 12 with within days, 18       8.62  .003")
    assert "  1. Of 72 indices some 4 have p < .05 by chance; p < 0.00069 holds for all together (Bonferroni)." in lines
    robust = ab.modification_indices(fitted("help/riclpm/equal", standard_errors="robust"))
    assert robust.reasons[0].startswith("The indices are not scaled")
    np.testing.assert_array_equal(robust.table["index"], answer.table["index"])


def test_people_with_times_of_their_own_have_none():
    rng = np.random.default_rng(1)
    values = rng.normal(size=(60, 1, 2)) + 0.5 * rng.normal(size=(60, 3, 2)).cumsum(axis=1)
    frame = np.column_stack([np.repeat(np.arange(60), 3), np.tile([0, 1, 2], 60), values.reshape(-1, 2)])

    data = pd.DataFrame(frame, columns=["id", "wave", "x", "y"])
    data["age"] = data["wave"] + rng.integers(0, 3, 180) / 10
    panel = ab.Panel.from_long(data, person="id", time="wave", measures=["x", "y"], own_time="age")
    found = ab.maximum_likelihood(ab.CLPM(["x", "y"], lags="continuous"), panel)
    with pytest.raises(SpecError, match="no modification indices where effects differ from person to person"):
        ab.modification_indices(found)
