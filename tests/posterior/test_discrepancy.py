"""The overall chi-square of posterior predictive checks: beside scipy, maximum likelihood, and its distribution."""

import numpy as np
import pytest
from scipy.stats import kstest, multivariate_normal

import alliance_bayes as ab
from alliance_bayes.engine.kernels.interpreter import run
from alliance_bayes.engine.kernels.moments import moments
from alliance_bayes.engine.model_on_panel import panel_model
from alliance_bayes.posterior.predictions.normal import NormalPeople, chi_square_of
from helpers import grouped_panel, random_panel

SPEC = ab.CLPM(["alliance", "days"])


def solved(panel, spec=SPEC):
    found = ab.maximum_likelihood(spec, panel)
    return panel_model(spec, panel), found


@pytest.mark.parametrize("n_waves", [3, 4])
def test_twice_the_gain_in_log_likelihood(n_waves):
    panel = random_panel(2, range(n_waves), np.random.default_rng(n_waves), persons=40)
    model, found = solved(panel)
    theta = found.theta * 1.02
    values = model.values()
    mean, covariance = moments(run(theta, model.system.structure_arrays)[0], model.system.systems[0].arrays)
    free = multivariate_normal.logpdf(values, values.mean(axis=0), np.cov(values.T, ddof=0)).sum()
    want = 2 * (free - multivariate_normal.logpdf(values, mean, covariance).sum())
    assert chi_square_of(model.system, theta, values) == pytest.approx(want)


@pytest.mark.parametrize("options", [{}, {"covariates": {"age": ["intercepts", "first_wave"]}}])
def test_at_the_maximum_it_is_that_of_maximum_likelihood(options):
    panel = grouped_panel(200)
    seen = ~np.isnan(panel.values).any(axis=(1, 2))
    panel = ab.Panel.from_arrays(
        panel.values[seen],
        measures=panel.measures,
        times=panel.times,
        covariates={"age": panel.covariates["age"][seen]},
        groups=panel.groups[seen],
    )
    model, found = solved(panel, ab.RICLPM(["x", "y"], group_lags="equal", **options))
    value = chi_square_of(model.system, found.theta, model.values(), model.design.person_cell)
    assert value == pytest.approx(found.chi_square, abs=1e-5)


def test_replicated_ones_are_those_of_new_people():
    """A panel of the model itself and its replicates have one distribution, whatever the theta and what is missing."""
    panel = random_panel(2, (0, 1, 2), np.random.default_rng(5), persons=100, missing=0.2)
    model, found = solved(panel)
    thetas = np.tile(found.theta, (150, 1))
    rng = np.random.default_rng(6)
    _, replicated = NormalPeople(model).chi_squares(thetas, rng)
    assert replicated.shape == (150,)
    wishart = [chi_of_new_people(rng, 100, 6) for _ in range(150)]
    assert kstest(replicated, wishart).pvalue > 0.01


def chi_of_new_people(rng, n, size):
    """Of independent standard normal values and the model that knows this; the same as of any other truth."""
    values = rng.normal(size=(n, size))
    covariance = np.cov(values.T, ddof=0)
    _, whole = np.linalg.slogdet(covariance)
    return n * (-whole + np.trace(values.T @ values / n) - size)


def test_too_few_people_have_none():
    panel = random_panel(2, (0, 1, 2), np.random.default_rng(7), persons=7)
    model = panel_model(SPEC, panel)
    theta = np.array([parameter.start for parameter in model.system.parameters])
    observed, replicated = NormalPeople(model).chi_squares(theta[None], np.random.default_rng(8))
    assert np.isnan([*observed, *replicated]).all()


def test_a_wrong_model_is_found_out():
    """Stable differences of half the variance, and a model without them: small p; with them: no misfit."""
    rng = np.random.default_rng(9)
    values = rng.normal(size=(300, 1, 2)) + rng.normal(size=(300, 5, 2))
    values[rng.random(values.shape) < 0.1] = np.nan
    panel = ab.Panel.from_arrays(values, measures=["x", "y"], times=range(5))
    rows = {
        kind: ab.fit(model(["x", "y"]), panel, seed=1, draws=100, tune=200, chains=2, cores=1).check().iloc[0]
        for kind, model in {"right": ab.RICLPM, "wrong": ab.CLPM}.items()
    }
    assert rows["wrong"].name == ("chi-square", "means and covariances")
    assert rows["wrong"]["p"] == 0
    assert rows["wrong"]["verdict"] == "misfit"
    assert rows["wrong"]["observed"] > rows["wrong"]["upper"]
    assert rows["right"]["verdict"] == ""
    assert 0.025 < rows["right"]["p"] < 0.999


def test_a_numerically_singular_model_has_a_chi_square():
    """A measure that is another one, to rounding: the chi-square is finite, and huge for panels of other people."""
    panel = random_panel(2, (0, 1, 2), np.random.default_rng(10), persons=60)
    model, found = solved(panel)
    theta = found.theta.copy()
    for place, name in enumerate(model.system.names):
        if name.startswith(("within ", "innovation ")):
            theta[place] = 1.0
        if "->" in name:
            theta[place] = 0.4
    value = chi_square_of(model.system, theta, model.values())
    assert np.isfinite(value)
    assert value > 1e6
