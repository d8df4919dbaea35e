"""Shares become cut points by their distribution function, and gradients come back."""

import numpy as np
import pytest
from scipy.special import logit
from scipy.stats import norm

from alliance_bayes.latent.cut_points import PLAIN, PROBIT, SHARE, normal_quantile, to_phi, to_sampled_gradient
from helpers import slope

KINDS = {
    "logit": (np.array([PLAIN, SHARE, SHARE + 1, SHARE + 1, PLAIN, SHARE, SHARE + 1]), logit),
    "probit": (np.array([PROBIT, PROBIT + 1, PLAIN, PROBIT, PROBIT + 1, PROBIT + 1, PROBIT + 1]), norm.ppf),
}
SHARES = np.array([0.2, 0.45, 0.1, 0.9, 0.35, 0.6, 0.02])


@pytest.mark.parametrize("link", KINDS)
def test_cuts_are_quantiles_of_cumulative_probabilities(link):
    kind, quantile = KINDS[link]
    phi, rest = to_phi(SHARES, kind), 1.0
    for entry, code in enumerate(kind):
        rest = (1.0 if code in (SHARE, PROBIT) else rest) * (1 - SHARES[entry])
        want = SHARES[entry] if code == PLAIN else quantile(1 - rest)
        np.testing.assert_allclose(phi[entry], want, rtol=1e-12)


@pytest.mark.parametrize("link", KINDS)
def test_the_gradient_comes_back(link):
    kind, _ = KINDS[link]
    weights = np.array([0.3, -1.2, 0.8, 2.0, -0.5, 1.1, 0.7])
    found = to_sampled_gradient(SHARES, to_phi(SHARES, kind), weights, kind)
    want = slope(lambda shares: weights @ to_phi(shares, kind), SHARES, width=1e-4)
    np.testing.assert_allclose(found, want, rtol=1e-7)


@pytest.mark.parametrize("below", [1e-300, 1e-20, 1e-5, 0.2, 0.499999, 0.5])
def test_normal_quantiles_are_those_of_scipy(below):
    np.testing.assert_allclose(normal_quantile(below, 1 - below), norm.ppf(below), rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(normal_quantile(1 - below, below), norm.isf(below), rtol=1e-12, atol=1e-15)
