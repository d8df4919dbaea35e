"""From sampled shares to cut points and back: the rest of a family's parameters are sampled as they are.

Share c of a scale is the probability of category c among categories c and above, in people whose linear predictor
is spread as at the first wave, with mean 0 and variance 1. With ``r_c = (1 - s_1) ... (1 - s_c)``

    cut_c = F^-1(1 - r_c) sqrt(1 + k slope^2),

so that cuts rise: k is 1 for the probit, where this is exact, and about 0.35 for the logit [1]_.

References
----------
.. [1] Zeger, Liang & Albert (1988). Models for longitudinal data: a generalized estimating equation approach.
   Biometrics, 44, 1049-1060. https://doi.org/10.2307/2531734
"""

import math

import numpy as np

from ...basics.compiled import compiled
from .special import HALF_LOG_2_PI, inverse_mills, log_normal_cdf

__all__ = ["LOGIT", "PLAIN", "PROBIT", "SPREAD", "normal_quantile", "to_phi", "to_sampled_gradient"]

PLAIN, LOGIT, PROBIT = range(3)
SPREAD = (0.0, (16.0 * math.sqrt(3.0) / (15.0 * math.pi)) ** 2, 1.0)
"""k of each link."""


@compiled
def normal_quantile(below, above):
    """Where the standard normal distribution function is `below`, given also ``above = 1 - below``."""
    tail = math.log(min(below, above))
    t = math.sqrt(max(-2.0 * tail, 1e-12))
    x = -t + (2.515517 + t * (0.802853 + t * 0.010328)) / (1.0 + t * (1.432788 + t * (0.189269 + t * 0.001308)))
    for _ in range(4):
        slope = inverse_mills(x)
        excess = (log_normal_cdf(x) - tail) / slope
        x -= excess / (1.0 + 0.5 * excess * (x + slope))
    return x if below < above else -x


@compiled
def _spread(sampled, link):
    """Factor of a cut point: by how much answers are spread in all people, against those of a predictor of 0."""
    return math.sqrt(1.0 + SPREAD[link[0]] * sampled[link[1]] ** 2)


@compiled
def to_phi(sampled: np.ndarray, links: np.ndarray):
    """Family parameters of sampled numbers, shape ``(phi,)``.

    Parameters
    ----------
    sampled
        Numbers as they are sampled, shape ``(phi,)``.
    links
        For each, its link, and the entry that holds the slope of its scale, shape ``(phi, 2)``; `PLAIN` for what is
        no share.
    """
    phi = sampled.copy()
    below, above = 0.0, 1.0
    for entry in range(len(sampled)):
        if links[entry, 0] == PLAIN:
            continue
        if _opens(links, entry):
            below, above = 0.0, 1.0
        below += above * sampled[entry]
        above *= 1.0 - sampled[entry]
        quantile = normal_quantile(below, above) if links[entry, 0] == PROBIT else math.log(below / above)
        phi[entry] = quantile * _spread(sampled, links[entry])
    return phi


@compiled
def _opens(links, entry):
    """Whether this share is the first of its scale."""
    return entry == 0 or links[entry - 1, 0] == PLAIN or links[entry - 1, 1] != links[entry, 1]


@compiled
def to_sampled_gradient(sampled: np.ndarray, phi: np.ndarray, phi_bar: np.ndarray, links: np.ndarray):
    """Gradient in the sampled numbers of what has the gradient `phi_bar` in the family parameters.

    As ``d cut_c / d s_j = (r_c / F'(q_c)) / (1 - s_j) sqrt(1 + k slope^2)`` for j up to c, with q the quantile, and
    ``d cut_c / d slope = cut_c k slope / (1 + k slope^2)``.
    """
    gradient = phi_bar.copy()
    total = 0.0
    for entry in range(len(sampled) - 1, -1, -1):
        if links[entry, 0] == PLAIN:
            continue
        if entry + 1 == len(sampled) or links[entry + 1, 0] == PLAIN or _opens(links, entry + 1):
            total = 0.0
        slope, spread = links[entry, 1], _spread(sampled, links[entry])
        quantile = phi[entry] / spread
        if links[entry, 0] == PROBIT:
            per_share = math.exp(log_normal_cdf(-quantile) + 0.5 * quantile * quantile + HALF_LOG_2_PI)
        else:
            per_share = 1.0 + math.exp(-quantile)
        total += phi_bar[entry] * per_share * spread
        gradient[entry] = total / (1.0 - sampled[entry])
        gradient[slope] += phi_bar[entry] * phi[entry] * SPREAD[links[entry, 0]] * sampled[slope] / spread**2
    return gradient
