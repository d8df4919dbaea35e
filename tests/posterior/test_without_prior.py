"""Lagged effects without the prior of the lags: beside lavaan, beside conjugate normals, and beside a wide prior."""

import json
import sys
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import xarray as xr

import alliance_bayes as ab
from alliance_bayes.engine.model_on_panel import panel_model
from alliance_bayes.posterior.without_prior import AtMaximum, Reweighted, without_prior
from fabricated import HEALTHY
from helpers import REFERENCES, improper_panel
from saved_fits import made_up_fit_of

sys.path.insert(0, str(REFERENCES))
from family_models import family_panel, family_spec

FITS = json.loads((REFERENCES / "lavaan_tables.json").read_text())["fits"]
KEYS = (
    "help/riclpm/equal",
    "wages5/riclpm/free",
    "wages5/clpm/equal",
    "sites2/riclpm/equal/groups/free",
    "items2/riclpm/equal/indicators/weak",
)


@pytest.mark.parametrize("key", KEYS)
def test_estimates_and_errors_are_lavaans(key):
    """Each effect over each interval, of each group."""
    fit = made_up_fit_of(family_spec(key), family_panel(key.split("/")[0]))
    fit.__dict__["health"] = HEALTHY
    times = [f"{time:g}" for time in fit.panel.times]
    for place, group in enumerate(fit.groups or ("",), start=1):
        found = (fit.of_group(group) if group else fit).without_prior
        assert isinstance(found, AtMaximum)
        effects = found.draws["lagged_standardized"]
        for path in effects["path"].to_numpy():
            predictor, outcome = path.split(" -> ")
            for index, (before, after) in enumerate(pairwise(times)):
                name = f"w_{outcome}_{after} ~ w_{predictor}_{before}" + (f", group {place}" if group else "")
                estimate = found.estimate(effects.sel(path=path).isel(interval=index))
                np.testing.assert_allclose(estimate, FITS[key]["standardized"][name], atol=3e-5, err_msg=name)


MEAN, SD, PRIOR = np.array([0.25, -0.1]), np.array([0.08, 0.12]), ab.Normal(0.0, 0.15)


def conjugate(likelihood_sd=SD, *, prior=PRIOR, chains=4, draws=5000, imputations=None):
    """Draws of two lags whose likelihood is normal, under a normal prior; and the model that they are of."""
    precision = likelihood_sd**-2 + prior.sd**-2
    means = (MEAN * likelihood_sd**-2 + prior.mean * prior.sd**-2) / precision
    rng = np.random.default_rng(4)
    lags = rng.normal(means, precision**-0.5, size=(chains, draws, 2))
    values = rng.normal(size=(30, 3, 2))
    spec = ab.RICLPM(["x", "y"], priors=ab.Priors(cross_lagged=prior))
    model = panel_model(spec, ab.Panel.from_arrays(values, measures=["x", "y"], times=[0, 1, 2]))
    posterior = xr.Dataset({"cross_lagged": (("chain", "draw", "cross_lagged_path"), lags)}, {"chain": range(chains)})
    if imputations:
        posterior = posterior.assign_coords(imputation=("chain", np.arange(chains) % imputations))
    return model, posterior


@pytest.mark.parametrize("prior", [PRIOR, ab.Normal(0.1, 0.2)])
@pytest.mark.parametrize("imputations", [None, 2])
def test_reweighted_draws_have_the_posterior_of_a_wide_prior(prior, imputations):
    model, posterior = conjugate(prior=prior, imputations=imputations)
    found = without_prior(model, posterior, (), n_panels=imputations or 1)
    assert isinstance(found, Reweighted)
    assert 0 < found.k_hat < 0.7
    precision = SD**-2 + 1
    wanted = (MEAN * SD**-2 + prior.mean) / precision, precision**-0.5
    for place in range(2):
        mean, sd = found.estimate(posterior["cross_lagged"].isel(cross_lagged_path=place))
        assert mean == pytest.approx(wanted[0][place], abs=0.01)
        assert sd == pytest.approx(wanted[1][place], rel=0.05)


def test_a_prior_that_is_wide_already_leaves_the_draws_alone():
    model, posterior = conjugate(prior=ab.Normal(0.0, 1.5))
    found = without_prior(model, posterior, (), n_panels=1)
    effect = posterior["cross_lagged"].isel(cross_lagged_path=0)
    assert found.estimate(effect) == pytest.approx((float(effect.mean()), float(effect.std())))


def test_of_free_lags_the_prior_of_averages_is_widened():
    spec = ab.RICLPM(["x", "y"], lags="free", priors=ab.Priors(cross_lagged=PRIOR))
    values = np.random.default_rng(1).normal(size=(60, 4, 2))
    model = panel_model(spec, ab.Panel.from_arrays(values, measures=["x", "y"], times=range(4)))
    equal, posterior = conjugate()
    found = without_prior(model, posterior, (), n_panels=1)
    assert found.by == "prior SD 1 of averages"
    assert without_prior(equal, posterior, (), n_panels=1).by == "prior SD 1"
    mean, _ = found.estimate(posterior["cross_lagged"].isel(cross_lagged_path=0))
    assert mean == pytest.approx(MEAN[0] / (1 + SD[0] ** 2), abs=0.01)


def test_there_is_nothing_where_the_prior_decides():
    """Data that say next to nothing: draws under the narrow prior hardly reach where the wide one has its mass."""
    model, posterior = conjugate(np.array([5.0, 5.0]))
    assert without_prior(model, posterior, (), n_panels=1) is None


def test_an_improper_maximum_is_not_used():
    spec, panel = ab.RICLPM(["x", "y"]), improper_panel()
    maximum = ab.maximum_likelihood(spec, panel)
    assert maximum.estimates.messages
    _, posterior = conjugate()
    model = panel_model(spec, panel)
    assert isinstance(without_prior(model, posterior, (maximum,), n_panels=1), Reweighted)
    unsettled = replace(maximum, estimates=replace(maximum.estimates, converged=False, messages=()))
    assert isinstance(without_prior(model, posterior, (unsettled,), n_panels=1), Reweighted)
    proper = replace(maximum, estimates=replace(maximum.estimates, messages=()))
    assert isinstance(without_prior(model, posterior, (proper,), n_panels=1), AtMaximum)
    assert isinstance(without_prior(model, posterior, (proper,), n_panels=2), Reweighted)


def test_maxima_of_imputed_panels_are_pooled():
    rng = np.random.default_rng(2)
    people = rng.normal(size=(80, 1, 2)) + rng.normal(size=(80, 4, 2))
    spec, panels = ab.RICLPM(["x", "y"]), []
    for _ in range(2):
        values = people + 0.3 * rng.normal(size=people.shape)
        panels.append(ab.Panel.from_arrays(values, measures=["x", "y"], times=range(4)))
    maxima = [ab.maximum_likelihood(spec, panel) for panel in panels]
    found = without_prior(maxima[0].model, xr.Dataset(), maxima, n_panels=2)
    tables = [maximum.summary(["lagged_standardized"]) for maximum in maxima]
    for path in ("x -> y", "y -> x"):
        rows = [table.loc[f"lagged_standardized[0 to 1, {path}]"] for table in tables]
        estimates, errors = (np.array([row[name] for row in rows]) for name in ("estimate", "se"))
        effect = found.draws["lagged_standardized"].sel(path=path, interval="0 to 1")
        total = np.sqrt((errors**2).mean() + 1.5 * estimates.var(ddof=1))
        assert found.estimate(effect) == pytest.approx((estimates.mean(), total), abs=1e-6)


def test_a_question_of_many_pairs_maximises_once(monkeypatch):
    rng = np.random.default_rng(5)
    values = rng.normal(size=(100, 1, 3)) + rng.normal(size=(100, 4, 3))
    panel = ab.Panel.from_arrays(values, measures=["x", "m", "y"], times=range(4))
    fit, calls = made_up_fit_of(ab.RICLPM(["x", "m", "y"]), panel, with_all_groups=True), []
    fit.__dict__["health"] = HEALTHY
    maximise = ab.maximum_likelihood

    def counted(*given, **options):
        calls.append(given[0].lags_for(panel.times))
        return maximise(*given, **options)

    monkeypatch.setattr("alliance_bayes.posterior.model_fit.maximum_likelihood", counted)
    answers = [ab.directionality(fit), ab.directionality(fit, "x", "y", lag=2)]
    assert calls == ["equal", "free"]
    assert [len(answer.tables["model_fit"]) for answer in answers] == [2, 2]
    assert answers[0].table["without_prior"].notna().all()
    over_two = answers[1].table.loc[("x -> y", "lag of 2")]
    maximum = fit.maxima[0]
    lags = maximum.model.derive(maximum.theta[None])[0][maximum.model.derived["lagged"].where].reshape(3, 3, 3)[0]
    sds = maximum.model.derive(maximum.theta[None])[0][maximum.model.derived["within_sd"].where].reshape(4, 3)[0]
    assert over_two["without_prior"] == pytest.approx((lags @ lags)[2, 0] * sds[0] / sds[2])


@pytest.mark.slow
def test_reweighted_draws_agree_with_sampling_under_a_wide_prior():
    truth = ab.Truth(ab.RICLPM(["x", "y"]), times=[0, 1, 2], lagged={"x -> y": 0.25}, carry_over=0.4, icc=0.5)
    panel, options = ab.simulate(truth, persons=300, seed=3), {"draws": 2000, "chains": 4, "progress": False}
    fit = ab.fit(truth.spec, panel, seed=1, **options)
    wide = ab.fit(replace(truth.spec, priors=ab.Priors(cross_lagged=ab.Normal(0, 1))), panel, seed=2, **options)
    found = without_prior(fit.model, fit.posterior, (), n_panels=1)
    for path in ("x -> y", "y -> x"):
        one, other = (
            draws["lagged_standardized"].sel(path=path).mean("interval") for draws in (found.draws, wide.posterior)
        )
        mean, sd = found.estimate(one)
        assert mean == pytest.approx(float(other.mean()), abs=0.15 * sd)
        assert sd == pytest.approx(float(other.std()), rel=0.15)
