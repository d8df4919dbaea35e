"""Exact draws of random-intercept regressions, against dense algebra, quadrature and simulation-based calibration."""

import numpy as np
import pytest
from scipy import stats

from alliance_bayes.causal.exact_posterior import NormalRegression, _log_density, _Sums, draw_posterior


def half_normal(scale):
    return lambda sd: -0.5 * (sd / scale) ** 2


def simulated(seed, persons=40, coefficients=(1.0, 0.5, -0.3), residual=1.0, person_sd=0.8, prior_sd=3.0):
    random = np.random.default_rng(seed)
    sizes = random.integers(1, 4, persons)
    person = np.repeat(np.arange(persons), sizes)
    design = np.column_stack([np.ones(len(person)), random.normal(size=(len(person), len(coefficients) - 1))])
    intercepts = person_sd * random.normal(size=persons)
    outcome = design @ np.array(coefficients) + intercepts[person] + residual * random.normal(size=len(person))
    return NormalRegression(
        outcome=outcome,
        design=design,
        person=person,
        prior_mean=np.zeros(len(coefficients)),
        prior_sd=np.full(len(coefficients), prior_sd),
        residual_sd_prior=half_normal(2.0),
        person_sd_prior=half_normal(1.0),
    )


@pytest.mark.parametrize(("persons", "coefficients"), [(8, (1.0,)), (15, (1.0, 0.5, -0.3, 0.2))])
def test_the_density_of_the_sds_is_that_of_one_large_normal(persons, coefficients):
    """y ~ N(X m, X S X' + Z Z' tau^2 + sigma^2 I), up to a constant."""
    regression = simulated(3, persons, coefficients)
    n = len(regression.outcome)
    same = regression.person[:, None] == regression.person[None, :]
    pairs = np.array([[0.7, 0.0], [1.0, 0.5], [1.3, 1.1], [0.5, 2.0]])
    want = []
    for residual, person in pairs:
        spread = regression.design * regression.prior_sd @ (regression.design * regression.prior_sd).T
        covariance = spread + person**2 * same + residual**2 * np.eye(n)
        likelihood = stats.multivariate_normal(np.zeros(n), covariance).logpdf(regression.outcome)
        want.append(likelihood + half_normal(2.0)(residual) + half_normal(1.0)(person))
    got = _log_density(regression, _Sums.of(regression), pairs)
    np.testing.assert_allclose(got - got[0], np.array(want) - want[0], rtol=1e-9, atol=1e-9)


def test_draws_have_the_moments_of_quadrature():
    regression = simulated(4, persons=60)
    drawn = draw_posterior(regression, draws=4000, chains=2, seed=5)
    assert drawn.coefficients.shape == (2, 4000, 3)
    assert drawn.accepted > 0.9
    residual, person = np.meshgrid(np.linspace(0.4, 2.5, 300), np.linspace(0.0, 3.0, 301), indexing="ij")
    log_density = _log_density(regression, _Sums.of(regression), np.column_stack([residual.ravel(), person.ravel()]))
    weights = np.exp(log_density - log_density.max()).reshape(residual.shape)
    weights[:, 0] /= 2  # trapezoidal: the density does not vanish where persons do not differ
    weights /= weights.sum()
    for values, moment in (
        (drawn.residual_sd, residual),
        (drawn.person_sd, person),
        (drawn.person_sd**2, person**2),
    ):
        error = 1.2 * values.std() / np.sqrt(values.size)
        assert abs(values.mean() - (weights * moment).sum()) < 4 * error


def test_the_same_seed_gives_the_same_draws():
    regression = simulated(6)
    first, again, other = (draw_posterior(regression, draws=20, chains=2, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.coefficients, again.coefficients)
    assert not np.array_equal(first.coefficients, other.coefficients)


@pytest.mark.slow
def test_ranks_of_the_truth_are_uniform():
    """300 truths drawn from the priors: ranks of coefficients and SDs among independent draws."""
    random = np.random.default_rng(7)
    ranks = []
    for repeat in range(300):
        truth = random.normal(0, 1, 2)
        residual, person_sd = abs(random.normal(0, 2)), abs(random.normal(0, 1))
        regression = simulated(1000 + repeat, 30, tuple(truth), residual, person_sd, prior_sd=1.0)
        drawn = draw_posterior(regression, draws=99, chains=1, seed=repeat)
        draws = np.column_stack([drawn.coefficients[0], drawn.residual_sd[0], drawn.person_sd[0]])
        ranks.append((draws < [*truth, residual, person_sd]).sum(axis=0))
    for column in np.array(ranks).T:
        assert stats.kstest((column + 0.5) / 100, "uniform").pvalue > 0.001
