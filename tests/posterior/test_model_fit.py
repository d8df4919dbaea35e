"""Fit beside a verdict: the numbers of lavaan and of likelihood-ratio tests, predictive p-values, reliability."""

import json
import sys

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2

import alliance_bayes as ab
from alliance_bayes.likelihood.small_samples import swain_factor
from alliance_bayes.posterior import model_fit as fitting
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
    factor, df = swain_factor(made_up("help/riclpm/equal").maxima[0]), measures["df"]
    assert 0.98 < factor < 1
    assert model["df"] == df
    assert model["chi_square"] == pytest.approx(factor * measures["chisq"], abs=1e-4)
    assert model["p"] == pytest.approx(chi2.sf(factor * measures["chisq"], df), abs=1e-6)
    left = (factor * measures["chisq"] - df) / (measures["chisq"] - df)
    assert model["rmsea"] == pytest.approx(measures["rmsea"] * np.sqrt(left), abs=1e-4)
    assert 1 - model["cfi"] == pytest.approx((1 - measures["cfi"]) * left, abs=1e-4)
    test = TABLES["tests"]["help/riclpm/equal in help/riclpm/free, ML"]
    assert equal["chi_square"] == pytest.approx(test["chisq"], abs=1e-4)
    assert (equal["df"], equal["p"]) == (test["df"], pytest.approx(test["p"], abs=1e-7))
    assert (model["verdict"], equal["verdict"]) == ("misfit", "rejected")
    assert found.notes == ()
    assert found.doubts == (
        "Model fit: chi-square 33.5 on 17 df (Swain's correction), p .010, CFI 0.947, RMSEA 0.049: misfit.",
        "Equal lags against free ones: chi-square 25.3 on 8 df, p .001: rejected.",
    )


def test_a_model_that_fits_is_no_doubt():
    found = made_up("help/riclpm/free").model_fit
    assert list(found.table.index) == ["model"]
    assert found.doubts == ()
    assert found.notes == ("Model fit: chi-square 8.7 on 9 df (Swain's correction), p .462, CFI 1.000, RMSEA 0.000.",)


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
    assert ("misfit, " in said) == (table.loc["model", "verdict"] == "misfit")


def ar_panel(rng, people, waves, *, second=0.0, missing=0.0):
    """Stable differences and within-person deviations of two measures; `second` is the effect of two waves before."""
    within = np.zeros((people, waves + 20, 2))
    for wave in range(2, waves + 20):
        before, earlier = within[:, wave - 1], within[:, wave - 2]
        within[:, wave] = 0.4 * before + 0.1 * before[:, ::-1] + second * earlier + rng.normal(size=(people, 2))
    values = within[:, 20:] + rng.normal(size=(people, 1, 2))
    values[:, 1:][rng.random((people, waves - 1)) < missing] = np.nan
    return ab.Panel.from_arrays(values, measures=["x", "y"], times=range(waves))


def test_a_true_model_of_few_people_seldom_misfits_and_a_wrong_one_of_many_does():
    """Eight waves of 60 people: 11 % of uncorrected chi-squares reject. A lag of two waves in 300 is found."""
    rng, rejected, misfits = np.random.default_rng(6), 0, 0
    for _ in range(40):
        maximum = ab.maximum_likelihood(ab.RICLPM(["x", "y"], lags="equal"), ar_panel(rng, 60, 8))
        rejected += maximum.p_value < 0.01
        found = fitting.model_fit(maximum.model, [maximum], pd.DataFrame, n_panels=1)
        misfits += found.table.loc["model", "verdict"] == "misfit"
    assert misfits <= 2 < rejected
    wrong = ab.maximum_likelihood(ab.RICLPM(["x", "y"], lags="equal"), ar_panel(rng, 300, 6, second=0.3))
    found = fitting.model_fit(wrong.model, [wrong], pd.DataFrame, n_panels=1)
    assert found.table.loc["model", "verdict"] == "misfit"
    assert "(Swain's correction), p" in found.doubts[0]


def test_swains_factor_is_bartletts_where_covariances_are_known(monkeypatch):
    """Without free covariances 1 - (2 p^2 + 3 p - 1) / (6 n (p + 1)) is exact to order 1 / n (Muirhead 1982, 8.4)."""
    maximum = ab.maximum_likelihood(ab.CLPM(["x", "y"]), ar_panel(np.random.default_rng(1), 40, 4))
    monkeypatch.setattr(type(maximum), "df", 8 * 9 // 2)
    assert swain_factor(maximum) == pytest.approx(1 - (2 * 64 + 24 - 1) / (6 * 39 * 9))


@pytest.mark.parametrize(("people", "by"), [(100, "posterior predictive"), (600, "maximum likelihood")])
def test_of_few_people_with_missing_values_the_check_is_predictive(people, by):
    panel = ar_panel(np.random.default_rng(2), people, 6, missing=0.1)
    maximum = ab.maximum_likelihood(ab.RICLPM(["x", "y"], lags="equal"), panel)
    assert maximum.converged
    assert not maximum.estimates.messages
    rows = pd.DataFrame({"p": [0.4]})
    found = fitting.model_fit(maximum.model, [maximum], lambda: rows, n_panels=1).table.loc["model"]
    assert found["by"] == by
    unknown = fitting.model_fit(maximum.model, [maximum], lambda: rows * np.nan, n_panels=1).table.loc["model"]
    assert unknown["by"] == "maximum likelihood"


def test_only_statistics_outside_their_predicted_range_are_named():
    """The first is the further away in units of its range's width, but inside it, which is not symmetric."""
    index = pd.MultiIndex.from_tuples([("chi-square", "all"), ("mean", "x, 0"), ("SD", "y, 1")])
    columns = ["completed", "mean", "lower", "upper", "p"]
    rows = [[9, 4, 1, 8, 0.001], [9, 2, 0, 10, 0.05], [1.5, 1.0, 0.6, 1.4, 0.01]]
    table = pd.DataFrame(rows, index=index, columns=columns, dtype=float)
    maximum = ab.maximum_likelihood(ab.CLPM(["x", "y"]), ar_panel(np.random.default_rng(1), 40, 3))
    for given, said in (
        (table, "misfit, most in SD of y, 1 (1.5, predicted 0.6 to 1.4)."),
        (table.iloc[:2], "misfit, though no statistic by itself is outside its predicted range."),
    ):
        (doubt,) = fitting.model_fit(maximum.model, [], lambda given=given: given, n_panels=1).doubts
        assert doubt.endswith(said)


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
