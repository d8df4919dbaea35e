"""Importance sampling on densities whose moments are known, and resampling by weights."""

import arviz_stats
import numpy as np
import pytest
import xarray as xr
from scipy import stats
from scipy.special import polygamma

from alliance_bayes.posterior.importance import Weighted, importance_sample

N_SEEDS = 3


def normal(points):
    """A correlated normal, with its gradient."""
    precision = np.linalg.inv(COVARIANCE)
    deviations = points - MEAN
    return -0.5 * np.einsum("ni,ij,nj->n", deviations, precision, deviations), -deviations @ precision


MEAN = np.array([1.0, -2.0, 3.0])
COVARIANCE = np.array([[4.0, 1.5, 0.0], [1.5, 1.0, -0.2], [0.0, -0.2, 0.25]])


def log_gamma(points):
    """Independent logarithms of Gamma(3) variables, skewed to the left as logarithms of SDs are."""
    return np.sum(3 * points - np.exp(points), axis=1), 3 - np.exp(points)


def cauchy(points):
    """A product of Cauchy densities, whose tails no proposal here reaches."""
    return -np.sum(np.log1p(points**2), axis=1), -2 * points / (1 + points**2)


def moments(weighted):
    mean = weighted.weights @ weighted.points
    return mean, np.sqrt(weighted.weights @ (weighted.points - mean) ** 2)


@pytest.mark.parametrize("seed", range(N_SEEDS))
@pytest.mark.parametrize(
    ("density", "mean", "sd"),
    [
        (normal, MEAN, np.sqrt(np.diag(COVARIANCE))),
        (log_gamma, np.full(8, polygamma(0, 3)), np.full(8, np.sqrt(polygamma(1, 3)))),
    ],
    ids=["normal", "log-gamma"],
)
def test_moments_are_those_of_the_density(density, mean, sd, seed):
    weighted = importance_sample(density, np.zeros(len(mean)), np.random.default_rng(seed))
    found_mean, found_sd = moments(weighted)
    assert weighted.k_hat < 0.7
    error = 4 / np.sqrt(weighted.n_effective)
    assert (np.abs(found_mean - mean) / sd).max() < error
    assert np.abs(found_sd / sd - 1).max() < 1.5 * error


def test_weights_sum_to_one_and_count_as_draws():
    weighted = importance_sample(normal, np.zeros(3), np.random.default_rng(1))
    assert weighted.weights.sum() == pytest.approx(1, rel=1e-12)
    assert 0.3 * len(weighted.points) < weighted.n_effective < len(weighted.points)


@pytest.mark.parametrize("seed", range(N_SEEDS))
def test_tails_that_proposals_do_not_reach_are_noticed(seed):
    assert importance_sample(cauchy, np.full(6, 0.1), np.random.default_rng(seed)).k_hat >= 0.7


def test_points_without_density_have_no_weight():
    """Half a normal: the other side is outside of the model."""

    def half(points):
        values, gradients = normal(points)
        outside = points[:, 0] < MEAN[0] - 1
        return np.where(outside, -np.inf, values), np.where(outside[:, None], 0.0, gradients)

    weighted = importance_sample(half, MEAN, np.random.default_rng(2))
    assert (weighted.weights[weighted.points[:, 0] < MEAN[0] - 1] == 0).all()
    expected = stats.truncnorm(-0.5, np.inf, loc=1, scale=2)
    assert moments(weighted)[0][0] == pytest.approx(expected.mean(), abs=4 * expected.std() / 30)


def test_resampling_repeats_by_weight_and_keeps_repeats_together():
    weights = np.array([0.1, 0.4, 0.0, 0.25, 0.25])
    weighted = Weighted(np.arange(5.0)[:, None], weights, 0.1)
    drawn = weighted.points[weighted.resampled(40, np.random.default_rng(3)), 0]
    values, counts = np.unique(drawn, return_counts=True)
    assert values.tolist() == [0, 1, 3, 4]
    assert np.abs(counts - 40 * weights[weights > 0]).max() < 1
    assert (np.diff(drawn) != 0).sum() == 3
    assert weighted.n_effective == pytest.approx(1 / 0.295)


def test_monte_carlo_errors_of_resampled_draws_are_those_of_the_weights():
    """Repeats follow each other, so that ArviZ's error of a mean is that of the weighted draws."""
    weighted = importance_sample(log_gamma, np.zeros(8), np.random.default_rng(4))
    drawn = weighted.points[weighted.resampled(4000, np.random.default_rng(5))].reshape(4, 1000, 8)
    n_effective = arviz_stats.ess(xr.Dataset({"x": (("chain", "draw", "number"), drawn)}), method="mean")[
        "x"
    ].to_numpy()
    assert n_effective.mean() < 1.15 * weighted.n_effective
