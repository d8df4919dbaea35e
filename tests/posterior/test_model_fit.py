"""Fit beside a verdict: the numbers of lavaan and of likelihood-ratio tests, predictive p-values, reliability."""

import json
import sys

import numpy as np
import pandas as pd
import pytest

import alliance_bayes as ab
from alliance_bayes.posterior.predictions.checking import largest_deviation_row
from fabricated import HEALTHY
from helpers import REFERENCES, improper_panel
from saved_fits import made_up_fit_of

sys.path.insert(0, str(REFERENCES))
from family_models import family_panel, family_spec

TABLES = json.loads((REFERENCES / "lavaan_tables.json").read_text())


def made_up(key):
    fit = made_up_fit_of(family_spec(key), family_panel(key.split("/")[0]), with_all_groups=True)
    fit.__dict__["health"] = HEALTHY
    return fit


def test_fit_and_equality_are_lavaans():
    found = made_up("help/riclpm/equal").model_fit
    measures = TABLES["fits"]["help/riclpm/equal"]["measures ML"]
    model, equal = found.table.loc["model"], found.table.loc["equal lags"]
    for ours, theirs in (("chi_square", "chisq"), ("df", "df"), ("cfi", "cfi"), ("rmsea", "rmsea")):
        assert model[ours] == pytest.approx(measures[theirs], abs=1e-4)
    test = TABLES["tests"]["help/riclpm/equal in help/riclpm/free, ML"]
    assert equal["chi_square"] == pytest.approx(test["chisq"], abs=1e-4)
    assert (equal["df"], equal["p"]) == (test["df"], pytest.approx(test["p"], abs=1e-7))
    assert (model["verdict"], equal["verdict"]) == ("misfit", "rejected")
    assert found.notes == ()
    assert found.doubts == (
        "Model fit: chi-square 34.2 on 17 df, p .008, CFI 0.945, RMSEA 0.050: misfit.",
        "Equal lags against free ones: chi-square 25.3 on 8 df, p .001: rejected.",
    )


def test_a_model_that_fits_is_no_doubt():
    found = made_up("help/riclpm/free").model_fit
    assert list(found.table.index) == ["model"]
    assert found.doubts == ()
    assert found.notes == ("Model fit: chi-square 8.9 on 9 df, p .445, CFI 1.000, RMSEA 0.000.",)


def test_equal_residuals_are_tested():
    found = made_up("dpm2_missing/dpm/equal/residuals equal")
    table = found.model_fit.table
    assert list(table.index) == ["model", "equal lags", "equal residuals"]
    smaller = found.maxima[0]
    larger = ab.maximum_likelihood(family_spec("dpm2_missing/dpm/equal"), found.panel)
    row = table.loc["equal residuals"]
    assert row["chi_square"] == pytest.approx(2 * (larger.log_likelihood - smaller.log_likelihood), abs=1e-6)
    assert row["df"] == larger.n_parameters - smaller.n_parameters


def normal_panel(persons, misfit):
    """A CLPM's data, and a stable part that it does not have."""
    truth = ab.Truth(
        ab.RICLPM(["x", "y"]),
        times=[0, 1, 2, 3],
        lagged={"x -> y": 0.1},
        carry_over=0.4,
        icc=misfit,
        within_correlation=0.2,
        between_correlation=0.2,
    )
    return ab.simulate(truth, persons=persons, seed=2)


def test_a_misfit_too_small_to_matter_is_none():
    """A tiny p of very many people, and an RMSEA below .03."""
    spec = ab.CLPM(["x", "y"])
    small, large = (made_up_fit_of(spec, normal_panel(20_000, icc)).model_fit.table for icc in (0.02, 0.5))
    assert small.loc["model", "p"] < 0.01
    assert small.loc["model", "rmsea"] < 0.03
    assert (small.loc["model", "verdict"], large.loc["model", "verdict"]) == ("", "misfit")


def test_without_a_proper_maximum_the_check_is_predictive():
    """Draws of a fit of other people: their means and SDs misfit, those that misfit most are named."""
    rng = np.random.default_rng(3)
    values = rng.normal(size=(60, 3, 2))
    values[:, 1, 0] = 4 + 0.1 * values[:, 1, 0]
    panel = ab.Panel.from_arrays(values, measures=["x", "y"], times=[0, 1, 2])
    found = made_up_fit_of(ab.RICLPM(["x", "y"], invariance="strong"), panel)
    found.__dict__["maxima"] = ()
    table = found.model_fit.table
    assert table.loc["model", "by"] == "posterior predictive"
    (said,) = found.model_fit.doubts or found.model_fit.notes
    assert said.startswith("Model fit, posterior predictive: p ")
    assert ("most in " in said) == (table.loc["model", "verdict"] == "misfit")


def test_moments_without_a_proper_maximum_have_no_known_fit():
    found = made_up_fit_of(ab.RICLPM(["x", "y"], lags="free"), improper_panel()).model_fit
    assert found.table.empty
    assert found.notes == (
        "Model fit: not known, for want of proper maximum likelihood and of an overall predictive check.",
    )


def test_a_saturated_model_has_nothing_to_test():
    panel = ab.Panel.from_arrays(np.random.default_rng(1).normal(size=(50, 2, 2)), measures=["x", "y"], times=[0, 1])
    found = made_up_fit_of(ab.CLPM(["x", "y"]), panel).model_fit
    assert found.table.empty
    assert found.notes == (
        "Model fit: nothing to test, since the model has as many parameters as there are means and covariances.",
    )


def test_the_largest_deviation_is_a_misfit_where_one_statistic_is_far_off():
    """Completed and replicated statistics of one distribution: p is near .5; one that is five SDs off makes it 0."""
    rng = np.random.default_rng(1)
    completed, replicated = rng.normal(size=(2, 400, 12))
    shares = []
    for moved in (0.0, 5.0):
        found = completed + moved * (np.arange(12) == 3)
        pairs = [[pd.Series(part) for part in pair] for pair in zip(found, replicated, strict=True)]
        row = largest_deviation_row(pairs).iloc[0]
        scaled = (replicated - replicated.mean(axis=0)) / replicated.std(axis=0)
        assert row["mean"] == pytest.approx(abs(scaled).max(axis=1).mean())
        shares.append(row["p"])
    assert shares[0] == pytest.approx(0.5, abs=0.1)
    assert shares[1] < 0.01
    unknown = [[pd.Series([np.nan]), pd.Series([np.nan])]] * 5
    assert np.isnan(largest_deviation_row(unknown)["p"].iloc[0])


def test_reliability_stands_beside_measures_that_have_one():
    fit = made_up("items2/riclpm/equal/indicators/weak")
    row = fit.model_fit.reliability.loc["x"]
    items = fit.spec.columns_of("x")
    assert row["reliability"] == ab.internal_consistency(fit.panel, items).alpha
    assert row["by"] == "Cronbach's alpha of 3 items"
    assert any(note.startswith("Reliability: x 0.") for note in fit.model_fit.notes)
    known = made_up_fit_of(ab.RICLPM(["x", "y"], reliability={"x": 0.8}), normal_panel(100, 0.5))
    assert known.model_fit.reliability.loc["x"].tolist() == [0.8, "assumed"]
    assert known.model_fit.notes[-1] == "Reliability: x 0.80 (assumed)."


def test_misfit_stands_beside_the_verdict_and_does_not_change_it():
    fit = made_up("help/riclpm/equal")
    answer = ab.directionality(fit, "alliance", "days")
    assert set(fit.model_fit.doubts) <= set(answer.reasons)
    pd.testing.assert_frame_equal(answer.tables["model_fit"], fit.model_fit.table)
    assert answer.to_dict()["tables"]["model_fit"][0]["verdict"] == "misfit"
    fit.__dict__["model_fit"] = made_up("help/riclpm/free").model_fit
    assert ab.directionality(fit, "alliance", "days").verdict == answer.verdict
