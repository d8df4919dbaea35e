"""Coordinates about the mode: the same density and quantities, and a posterior that is about standard normal."""

import numpy as np
import pytest

import alliance_bayes as ab
from alliance_bayes.engine.model_on_panel import panel_model
from alliance_bayes.pymc_models.compiling import compile_model
from alliance_bayes.pymc_models.scaling import scaled
from alliance_bayes.pymc_models.unconstrained import Unconstrained
from helpers import slope

SPEC = ab.RICLPM(["x", "y"], lags="equal")


@pytest.fixture(scope="module")
def pair():
    """The same model in its own coordinates and in those about the mode."""
    truth = ab.Truth(SPEC, times=[0, 1, 2, 3], carry_over=0.4, icc=0.5, within_correlation=0.3, between_correlation=0.4)
    plain = compile_model(panel_model(SPEC, ab.simulate(truth, persons=200, seed=1)))
    return plain, scaled(plain)


def density(compiled, point):
    (value,), (gradient,) = Unconstrained(compiled).log_density(point[None])
    return float(value), gradient


def expanded(compiled, point):
    return Unconstrained(compiled).expanded(point[None])[0]


def mode_and_root(compiled):
    size, numbers = compiled.n_dim, np.ascontiguousarray(compiled.user_data).view(float)
    return numbers[-size * (size + 1) : -size * size], numbers[-size * size :].reshape(size, size)


def test_density_gradient_and_quantities_are_those_of_the_model(pair):
    plain, about_mode = pair
    mode, root = mode_and_root(about_mode)
    for seed in range(3):
        u = np.random.default_rng(seed).normal(size=plain.n_dim)
        x = mode + root @ u
        (want, gradient), (found, in_u) = density(plain, x), density(about_mode, u)
        assert found == pytest.approx(want, abs=1e-9)
        np.testing.assert_allclose(in_u, root.T @ gradient, rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(expanded(about_mode, u), expanded(plain, x), rtol=1e-12, atol=1e-12)


def test_the_curvature_at_the_mode_is_that_of_a_standard_normal(pair):
    _, about_mode = pair
    origin = np.zeros(about_mode.n_dim)
    assert np.abs(density(about_mode, origin)[1]).max() < 0.01  # of posterior SDs
    curvature = -slope(lambda u: density(about_mode, u)[1], origin, width=1e-3)
    np.testing.assert_allclose(curvature, np.eye(about_mode.n_dim), atol=1e-3)


def test_starts_lie_about_the_mode_and_differ_by_seed(pair):
    _, about_mode = pair
    first, second = (about_mode.initial_point_func(seed) for seed in (1, 2))
    assert np.abs([first, second]).max() <= 1
    assert np.abs(first - second).max() > 0.1
