"""Shares become cut points by their distribution function, and gradients come back."""

import numpy as np
import pytest
from scipy.special import expit, logit
from scipy.stats import norm

from alliance_bayes.families.cut_points import LOGIT, PLAIN, PROBIT, normal_quantile, to_phi, to_sampled_gradient
from helpers import slope

NOT_A_SHARE = (PLAIN, 0)
LINKS = {
    "logit": (np.array([NOT_A_SHARE, *[(LOGIT, 0)] * 3, NOT_A_SHARE, *[(LOGIT, 4)] * 2]), logit, 256 / (75 * np.pi**2)),
    "probit": (np.array([*[(PROBIT, 2)] * 2, NOT_A_SHARE, NOT_A_SHARE, *[(PROBIT, 3)] * 3]), norm.ppf, 1.0),
}
SAMPLED = {
    "logit": np.array([1.7, 0.2, 0.45, 0.1, 0.9, 0.6, 0.02]),
    "probit": np.array([0.2, 0.45, 1.7, 0.9, 0.35, 0.6, 0.02]),
}


@pytest.mark.parametrize("link", LINKS)
def test_cuts_are_quantiles_of_cumulative_probabilities_in_all_people(link):
    links, quantile, k = LINKS[link]
    sampled = SAMPLED[link]
    phi = to_phi(sampled, links)
    for place in np.unique(links[links[:, 0] != PLAIN, 1]):
        of_scale = (links[:, 0] != PLAIN) & (links[:, 1] == place)
        want = quantile(1 - np.cumprod(1 - sampled[of_scale])) * np.sqrt(1 + k * sampled[place] ** 2)
        np.testing.assert_allclose(phi[of_scale], want, rtol=1e-12)
    np.testing.assert_array_equal(phi[links[:, 0] == PLAIN], sampled[links[:, 0] == PLAIN])


@pytest.mark.parametrize(("link", "function", "off"), [("logit", expit, 0.011), ("probit", norm.cdf, 1e-10)])
@pytest.mark.parametrize("of_slope", [0.3, 1.0, 2.0, 5.0])
def test_shares_are_those_of_all_people_whatever_the_slope(link, function, off, of_slope):
    """Averaged over standard normal linear predictors, by quadrature."""
    code = {"logit": LOGIT, "probit": PROBIT}[link]
    sampled = np.array([of_slope, 0.05, 0.3, 0.5, 0.8])
    cuts = to_phi(sampled, np.array([NOT_A_SHARE, *[(code, 0)] * 4]))[1:]
    eta, weights = np.polynomial.hermite_e.hermegauss(200)
    reached = function(cuts[:, None] - of_slope * eta) @ weights / weights.sum()
    np.testing.assert_allclose(reached, 1 - np.cumprod(1 - sampled[1:]), atol=off)


@pytest.mark.parametrize("link", LINKS)
def test_the_gradient_comes_back(link):
    links, sampled = LINKS[link][0], SAMPLED[link]
    weights = np.array([0.3, -1.2, 0.8, 2.0, -0.5, 1.1, 0.7])
    found = to_sampled_gradient(sampled, to_phi(sampled, links), weights, links)
    want = slope(lambda numbers: weights @ to_phi(numbers, links), sampled, width=1e-4)
    np.testing.assert_allclose(found, want, rtol=1e-7)


@pytest.mark.parametrize("below", [1e-300, 1e-20, 1e-5, 0.2, 0.499999, 0.5])
def test_normal_quantiles_are_those_of_scipy(below):
    np.testing.assert_allclose(normal_quantile(below, 1 - below), norm.ppf(below), rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(normal_quantile(1 - below, below), norm.isf(below), rtol=1e-12, atol=1e-15)
