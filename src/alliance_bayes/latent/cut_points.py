"""From sampled shares to cut points and back: the rest of a family's parameters are sampled as they are.

Share c of a scale is the probability of category c among categories c and above, at a linear
predictor of 0. With ``r_c = (1 - s_1) ... (1 - s_c)`` cut c is ``F^-1(1 - r_c)``, so that cuts rise.
"""

import math

import numpy as np

from ..moments.caching import share_one_stamp
from ..moments.compiled import compiled
from .special import HALF_LOG_2_PI, inverse_mills, log_normal_cdf

__all__ = ["PLAIN", "PROBIT", "SHARE", "normal_quantile", "to_phi", "to_sampled_gradient"]

share_one_stamp()
PLAIN, SHARE, NEXT_SHARE, PROBIT, NEXT_PROBIT = range(5)


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
def to_phi(sampled: np.ndarray, kind: np.ndarray):
    """Family parameters of sampled numbers, shape ``(phi,)``, from a code of this module for each."""
    phi = sampled.copy()
    below, above = 0.0, 1.0
    for entry in range(len(sampled)):
        if kind[entry] == PLAIN:
            continue
        if kind[entry] == SHARE or kind[entry] == PROBIT:
            below, above = 0.0, 1.0
        below += above * sampled[entry]
        above *= 1.0 - sampled[entry]
        if kind[entry] >= PROBIT:
            phi[entry] = normal_quantile(below, above)
        else:
            phi[entry] = math.log(below / above)
    return phi


@compiled
def to_sampled_gradient(sampled: np.ndarray, phi: np.ndarray, phi_bar: np.ndarray, kind: np.ndarray):
    """Gradient in the sampled numbers of what has the gradient `phi_bar` in the family parameters.

    As ``d cut_c / d s_j = (r_c / F'(cut_c)) / (1 - s_j)`` for j up to c.
    """
    gradient = phi_bar.copy()
    total = 0.0
    for entry in range(len(sampled) - 1, -1, -1):
        if kind[entry] == PLAIN:
            continue
        if entry + 1 == len(sampled) or not (kind[entry + 1] == NEXT_SHARE or kind[entry + 1] == NEXT_PROBIT):
            total = 0.0
        cut = phi[entry]
        if kind[entry] >= PROBIT:
            total += phi_bar[entry] * math.exp(log_normal_cdf(-cut) + 0.5 * cut * cut + HALF_LOG_2_PI)
        else:
            total += phi_bar[entry] * (1.0 + math.exp(-cut))
        gradient[entry] = total / (1.0 - sampled[entry])
    return gradient
