"""Draws in which an effect has no value are left out of every answer, and never count as "not above 0"."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import alliance_bayes as ab
from alliance_bayes.basics.problems import Problems
from alliance_bayes.questions import mediation as mediation_module, randomised_push
from alliance_bayes.questions.statements import parse
from fabricated import HEALTHY, fabricated_fit

LAGGED = [[0.4, 0.0, 0.0], [0.1, 0.4, 0.0], [0.05, 0.15, 0.4]]
MOST = 90


def healthy(fit):
    fit.__dict__["health"] = HEALTHY
    return fit


def with_and_without(fit, names):
    """The fit with no value of some quantities in the last draws of each chain, and the fit without these draws."""
    groups = {f"/{name}": fit.draws[name].to_dataset() for name in fit.draws.children}
    posterior = groups["/posterior"]
    n_draws = posterior.sizes["draw"] * 6 // 10
    known = posterior["draw"] < posterior["draw"][n_draws]
    undefined = posterior.assign({name: posterior[name].where(known) for name in names})
    return [
        healthy(fit.with_draws(xr.DataTree.from_dict({**groups, "/posterior": part})))
        for part in (undefined, posterior.isel(draw=slice(n_draws)))
    ]


def assert_same_shares(found, wanted):
    columns = [name for name in found if name.startswith(("p_", "prob", "mean", "lower", "upper", "inside", "below"))]
    columns = [name for name in columns if "mcse" not in name]
    assert columns
    pd.testing.assert_frame_equal(found[columns], wanted[columns], rtol=1e-9)


@pytest.mark.parametrize("question", ["directionality", "hypotheses"])
def test_questions_of_direction(small_fit, question):
    undefined, known = with_and_without(small_fit, ["lagged", "lagged_standardized"])
    found, wanted = (getattr(ab, question)(fit, "alliance", "days") for fit in (undefined, known))
    if question == "hypotheses":
        np.testing.assert_allclose(found.table["posterior"], wanted.table["posterior"], rtol=1e-12)
        assert_same_shares(found.tables["rope"], wanted.tables["rope"])
    else:
        assert_same_shares(found.table, wanted.table)
        assert_same_shares(found.evidence, wanted.evidence)
    assert found.table.notna().any(axis=None)


def test_curves_and_mediation():
    undefined, known = with_and_without(fabricated_fit(LAGGED, times=(0, 3, 6, 9), sd=0.1, shape=(2, 200)), ["lagged"])
    assert_same_shares(ab.lag_curve(undefined).table, ab.lag_curve(known).table)
    asked = {"treatment": "x", "mediators": ["m"], "outcome": "y", "horizon": 6}
    answers = [ab.mediation(fit, **asked) for fit in (undefined, known)]
    assert_same_shares(*(answer.table for answer in answers))
    assert_same_shares(*(answer.evidence for answer in answers))
    assert answers[0].table["p_positive"].between(0.05, 1).all()


def test_explosive_prior_draws_are_left_out_and_said():
    prior = xr.Dataset({"total": ("draw", [1.0, np.nan, -1.0, 2.0]), "direct": ("draw", [1.0, 1.0, 1.0, 1.0])})
    assert mediation_module._without_value(prior) == (
        "In 25 % of prior draws the dynamics explode and an effect is undefined; the prior's probabilities are those "
        "of the other draws.",
    )
    assert mediation_module._without_value(prior.fillna(0.0)) == ()
    assert mediation_module._without_value(np.nan * prior) == ()  # a fit without its prior


def test_a_statement_about_draws_without_a_value():
    problems = Problems("")
    statement = parse("x -> y > 0.1 & |y -> x| < 1", ["x -> y", "y -> x"], problems)
    first = xr.DataArray([[0.2, np.nan, 0.0, 0.3]], dims=("chain", "draw"))
    second = xr.DataArray([[0.5, 0.5, 0.5, np.nan]], dims=("chain", "draw"))
    np.testing.assert_array_equal(statement.holds({"x -> y": first, "y -> x": second}), [[1.0, np.nan, 0.0, np.nan]])


def test_a_ratio_that_is_undefined_in_some_draws():
    """Nobody is moved, and nothing happens, in one draw of a hundred."""
    rng = np.random.default_rng(1)
    push, intention = (xr.DataArray(rng.normal(0.5, 0.1, (2, 100)), dims=("chain", "draw")) for _ in range(2))
    push[0, :2], intention[0, :2] = 0.0, 0.0
    with np.errstate(invalid="ignore"):
        numbers, said = randomised_push._instrument(intention, push, "label", "days", 0.8)
    assert np.isfinite(list(numbers.values())).all()
    assert "P(> 0) > 0.99 (of the 99 % of draws that have a value)." in said


def test_replicated_statistics_without_a_value(small_fit, monkeypatch):
    """In a third of the replicated panels a statistic cannot be found: p is the share of the others."""
    from alliance_bayes.posterior.predictions import checking
    from alliance_bayes.posterior.predictions.normal import NormalPeople

    found = small_fit.check()
    calls = []
    statistics = checking.response_statistics

    def sometimes(model, responses):
        calls.append(0)
        table = statistics(model, responses)
        if len(calls) > 1 and len(calls) % 3 == 0:  # the observed statistics come last
            table.iloc[:] = np.nan
        return table

    monkeypatch.setattr(checking, "response_statistics", sometimes)
    monkeypatch.setattr(NormalPeople, "n_checks", MOST)
    with_nan = small_fit.check().iloc[1:]
    middle = found.iloc[1:]["p"].between(0.2, 0.8)
    assert middle.sum() > 10
    assert (with_nan.loc[middle, "p"].dropna() > 0.05).all()
    assert with_nan.loc[middle, "p"].mean() == pytest.approx(found.iloc[1:].loc[middle, "p"].mean(), abs=0.08)
