"""People in cells of their own are worked out several at a time: their log-likelihood is that of one normal each."""

import numpy as np
import pytest

import alliance_bayes as ab
from alliance_bayes.engine.kernels.alike import _log_determinant
from alliance_bayes.engine.kernels.interpreter import run_many
from alliance_bayes.engine.kernels.lanes import LANES
from alliance_bayes.engine.model_on_panel import panel_model
from engine_calls import log_likelihood_and_gradient
from helpers import slope
from oracles.moments import implied_moments, log_likelihood_per_person

M = ["x", "y"]
SPECS = {
    "own times": ab.RICLPM(M, lags="continuous"),
    "stationary": ab.RICLPM(M, lags="continuous", stationary=True),
    "groups": ab.RICLPM(M, lags="continuous", group_lags="free"),
    "moderator": ab.RICLPM(M, lags="continuous", moderated={"x -> y": "age"}),
    "covariate": ab.RICLPM(M, lags="continuous", covariates={"age": "intercepts"}),
}


def model_of(spec, persons=37, repeated=0):
    """Times of their own, shared by the last `repeated` people in threes, with values and waves missing."""
    rng = np.random.default_rng(1)
    times = np.cumsum(rng.uniform(0.5, 2.0, (persons, 4)), axis=1)
    if repeated:
        times[-repeated:] = np.repeat(times[-repeated::3], 3, axis=0)
    values = rng.normal(size=(persons, 4, 2)) + rng.normal(size=(persons, 1, 2))
    values[rng.random(values.shape) < 0.15] = np.nan
    groups = {"groups": ["a" if person % 2 else "b" for person in range(persons)]} if spec.group_lags else {}
    age = {"age": rng.normal(size=persons)}
    panel = ab.Panel.from_arrays(values, measures=M, times=range(4), own_times=times, covariates=age, **groups)
    return panel_model(spec, panel)


def theta_of(model):
    psi = model.scale.join(model.scale.draw(100, np.random.default_rng(0)))
    thetas, proper = run_many(psi, model.scale.arrays)
    return thetas[np.argmax(proper & np.isfinite(thetas).all(axis=1))]


def by_person(model, theta):
    cells, values, total = model.design.person_cell, model.values(), 0.0
    for cell in np.unique(cells):
        total += log_likelihood_per_person(*implied_moments(model.system, theta, cell), values[cells == cell]).sum()
    return total - model.statistics.arrays.given[0]


@pytest.mark.parametrize("repeated", [0, 18])
@pytest.mark.parametrize("kind", SPECS)
def test_log_likelihood_and_gradient(kind, repeated):
    model = model_of(SPECS[kind], repeated=repeated)
    theta = theta_of(model)
    value, gradient = log_likelihood_and_gradient(model.system, theta, model.statistics.arrays)
    assert value == pytest.approx(by_person(model, theta), rel=1e-9)

    def moved(shares):
        return log_likelihood_and_gradient(model.system, (1 + shares) * theta, model.statistics.arrays)[0]

    want = slope(moved, np.zeros(len(theta)))
    np.testing.assert_allclose(theta * gradient, want, rtol=1e-6, atol=1e-6 * np.abs(want).max())


def test_forms_are_those_of_systems_that_differ_in_registers_alone():
    arrays = model_of(SPECS["own times"]).system.arrays
    assert set(arrays.form.tolist()) == {0}
    assert len(arrays.form) > LANES


def test_a_covariance_that_is_not_positive_definite_has_no_density():
    """Neither of values that were observed, nor of a wave that somebody misses."""
    model = model_of(SPECS["own times"])
    theta = theta_of(model)
    for place, parameter in enumerate(model.system.parameters):
        if parameter.name.startswith("within variance"):
            theta[place] = -5.0
    value, gradient = log_likelihood_and_gradient(model.system, theta, model.statistics.arrays)
    assert value == -np.inf
    assert not gradient.any()


@pytest.mark.parametrize("log_size", [-170.0, -92.0, 92.0, 170.0])
def test_determinants_of_variances_of_any_size(log_size):
    pivots = np.exp(log_size) * np.random.default_rng(1).uniform(0.5, 2.0, (13, LANES))
    assert _log_determinant(pivots, 3) == pytest.approx(np.log(pivots[:, 3]).sum(), rel=1e-12)
