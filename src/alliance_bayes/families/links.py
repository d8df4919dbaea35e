"""The two links of ordered categories: probabilities below a cut point, between two, and their slopes.

With F the logistic or the standard normal distribution function, a category between the cut points ``lower`` and
``upper`` of a scale has the probability ``F(upper - slope eta) - F(lower - slope eta)``.
"""

import math
from typing import Any, Literal

import numpy as np
from scipy.special import expit, ndtr

from ..basics.compiled import in_place
from ..basics.given import is_one_of, shown
from ..basics.names import quoted
from ..basics.problems import Problems
from .special import HALF_LOG_2_PI, inverse_mills, log_logistic, log_normal_cdf, log_of_difference, logistic

__all__ = [
    "INFINITE",
    "Link",
    "add_category_gradient",
    "add_three_way_gradient",
    "check_link",
    "cumulative",
    "draw_category",
    "log_below",
    "log_between",
    "log_category",
]

Link = Literal["logit", "probit"]
INFINITE = -1  # position of the cut point below the lowest category, 0, and of that above the highest one


def check_link(link: object, problems: Problems) -> None:
    """Note a link that is none of the two."""
    if not is_one_of(link, ("logit", "probit")):
        problems.add(f"link must be one of {quoted(['logit', 'probit'])}; got {shown(link)}.")


def cumulative(link: str, cut: Any) -> np.ndarray:
    """F of numbers of any shape."""
    return np.asarray(expit(cut) if link == "logit" else ndtr(cut))


def draw_category(slope: float, cuts: Any, eta: np.ndarray, link: str, rng: np.random.Generator) -> np.ndarray:
    """Categories, the lowest being 0, drawn at linear predictors of any shape."""
    u = rng.uniform(size=eta.shape)
    below = cumulative(link, np.asarray(cuts) - slope * eta[..., None])
    return np.asarray((u[..., None] > below).sum(axis=-1), dtype=float)


@in_place
def log_below(cut, probit):
    """``log F(cut)``."""
    return log_normal_cdf(cut) if probit else log_logistic(cut)


@in_place
def _slope_below(cut, probit):
    return inverse_mills(cut) if probit else logistic(-cut)


@in_place
def log_between(lower, upper, probit):
    """``log(F(upper) - F(lower))``."""
    if not probit:
        return log_logistic(upper) + log_logistic(-lower) + log_of_difference(upper - lower)
    if lower + upper > 0.0:  # the lower tail, whose probabilities keep their digits
        lower, upper = -upper, -lower
    log_high = log_normal_cdf(upper)
    return log_high + log_of_difference(log_high - log_normal_cdf(lower))


@in_place
def _slopes_between(lower, upper, probit):
    """Slopes of `log_between` in the upper and the lower cut."""
    if not probit:
        gap = 1.0 / math.expm1(upper - lower)
        return logistic(-upper) + gap, -logistic(lower) - gap
    value = log_between(lower, upper, probit) + HALF_LOG_2_PI
    return math.exp(-0.5 * upper * upper - value), -math.exp(-0.5 * lower * lower - value)


@in_place
def log_category(lower, upper, phi, shift, probit):
    """Log probability of a category between the cut points at two positions in phi, either of which may be `INFINITE`.

    `shift` is the slope times the linear predictor.
    """
    if lower == INFINITE:
        return log_below(phi[upper] - shift, probit)
    if upper == INFINITE:
        return log_below(shift - phi[lower], probit)
    return log_between(phi[lower] - shift, phi[upper] - shift, probit)


@in_place
def add_category_gradient(lower, upper, phi, shift, probit, weight, phi_bar):
    """Add `weight` times the gradient of `log_category` in its cuts; returns that in the shift.

    numba compiles a kernel once more for each constant that it is called with, so that callers give it variables.
    """
    up, down = 0.0, 0.0
    if lower == INFINITE:
        up = _slope_below(phi[upper] - shift, probit)
    elif upper == INFINITE:
        down = -_slope_below(shift - phi[lower], probit)
    else:
        up, down = _slopes_between(phi[lower] - shift, phi[upper] - shift, probit)
    if upper != INFINITE:
        phi_bar[upper] += weight * up
    if lower != INFINITE:
        phi_bar[lower] += weight * down
    return -weight * (up + down)


@in_place
def add_three_way_gradient(weights, phi, shift, probit, phi_bar):
    """As `add_category_gradient` for none, some and all, whose two cut points stand first in phi."""
    total = 0.0
    for category in range(3):
        if weights[category] != 0.0:
            lower, upper = category - 1, category if category < 2 else INFINITE
            total += add_category_gradient(lower, upper, phi, shift, probit, weights[category], phi_bar)
    return total
