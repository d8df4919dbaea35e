"""Log densities of responses, and cut points, in PyTensor, as `latent.families` has them."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytensor.tensor as pt
from scipy.special import gammaln

from ..engine.latent.cut_points import PLAIN, PROBIT, SPREAD
from ..engine.latent.families import (
    BETA_BINOMIAL,
    COUNT,
    DAYS,
    DAYS_PROBIT,
    HURDLE_COUNT,
    ORDINAL,
    ORDINAL_PROBIT,
    PREDICTED,
    YES_NO,
)
from ..engine.latent.responses import Responses

__all__ = ["cut_points", "response_log_densities"]

FARTHEST = 15.0
"""Logit beyond which the beta-binomial without its ends is taken as constant: it moves by less than 1e-6 there."""


def cut_points(sampled: pt.TensorVariable, links: np.ndarray) -> pt.TensorVariable:
    """Family parameters phi of the numbers that are sampled, both of shape ``(phi,)``: `cut_points.to_phi`.

    With ``t_c = log(1 - s_1) + ... + log(1 - s_c)`` the shares before cut c leave ``exp(t_c)`` above it.
    """
    link, slope = links.T
    shares = np.flatnonzero(link != PLAIN)
    if not len(shares):
        return sampled
    summed = ((slope[shares][:, None] == slope[shares]) & (shares[:, None] >= shares)).astype(float)
    log_above = pt.as_tensor(summed) @ pt.log1p(-sampled[shares])
    spread = pt.sqrt(1.0 + np.array(SPREAD)[link[shares]] * sampled[slope[shares]] ** 2)
    phi = sampled
    probit = link[shares] == PROBIT
    if not probit.all():
        some = log_above[np.flatnonzero(~probit)]
        phi = phi[shares[~probit]].set((pt.log(-pt.expm1(some)) - some) * spread[np.flatnonzero(~probit)])
    if probit.any():
        some = log_above[np.flatnonzero(probit)]
        below, above = -pt.expm1(some), pt.exp(some)
        quantile = np.sqrt(2.0) * pt.erfcinv(2.0 * pt.minimum(below, above))
        phi = phi[shares[probit]].set(pt.switch(below < above, -quantile, quantile) * spread[np.flatnonzero(probit)])
    return phi


def response_log_densities(
    responses: Responses, phi: pt.TensorVariable, eta: pt.TensorVariable
) -> tuple[np.ndarray, pt.TensorVariable]:
    """Log densities of responses, by family and by what was answered.

    Parameters
    ----------
    responses
        One row each; cases and positions are not read.
    phi
        Parameters of all families, shape ``(phi,)``.
    eta
        Linear predictor of each response, shape ``(response,)``.

    Returns
    -------
    numpy.ndarray
        Rows of the responses in the order of the densities, shape ``(response,)``.
    pytensor.tensor.TensorVariable
        Their log densities, shape ``(response,)``.
    """
    rows, densities = [], []
    for code in np.unique(responses.code):
        of_family = np.flatnonzero(responses.code == code)
        value, size = responses.value[of_family], responses.size[of_family]
        for chosen, density in _DENSITIES[int(code)](value, size):
            if not chosen.any():
                continue
            some = of_family[chosen]
            rows.append(some)
            densities.append(density(value[chosen], size[chosen], _numbers(phi, responses.start[some]), eta[some]))
    return np.concatenate(rows), pt.concatenate(densities)


type Numbers = Callable[[int | np.ndarray], Any]
type Density = Callable[[np.ndarray, np.ndarray, Numbers, Any], Any]
type Parts = Iterator[tuple[np.ndarray, Density]]


def _numbers(phi: pt.TensorVariable, start: np.ndarray) -> Numbers:
    """Parameters by their place in the family: one number where all responses share it, else one for each."""

    def at(place: int | np.ndarray) -> Any:
        places = start + place
        return phi[int(places[0])] if (places == places[0]).all() else phi[places]

    return at


# ---- days ----


def _days(value: np.ndarray, size: np.ndarray) -> Parts:
    yield from _three_parts(value, size, _log_logistic, _log_logistic_between)


def _days_probit(value: np.ndarray, size: np.ndarray) -> Parts:
    yield from _three_parts(value, size, _log_normal, _log_normal_between)


def _three_parts(value: np.ndarray, size: np.ndarray, below: Any, between: Any) -> Parts:
    def none(value: Any, size: Any, number: Numbers, eta: Any) -> Any:
        return below(number(0) - number(2) * eta)

    def every(value: Any, size: Any, number: Numbers, eta: Any) -> Any:
        return below(number(2) * eta - number(1))

    def some(value: Any, size: Any, number: Numbers, eta: Any) -> Any:
        inside = between(number(0) - number(2) * eta, number(1) - number(2) * eta)
        logit = pt.clip(number(3) + number(4) * eta, -FARTHEST, FARTHEST)
        precision = number(5)
        ends = sum(pt.exp(_log_beta_binomial(end, size, logit, precision)) for end in (np.zeros_like(size), size))
        return inside + _log_beta_binomial(value, size, logit, precision) - pt.log1p(-ends)

    yield value == 0, none
    yield value == size, every
    yield (value > 0) & (value < size), some


def _beta_binomial(value: np.ndarray, size: np.ndarray) -> Parts:
    def density(value: Any, size: Any, number: Numbers, eta: Any) -> Any:
        return _log_beta_binomial(value, size, number(0) + number(1) * eta, number(2))

    yield value >= 0, density


def _log_beta_binomial(value: np.ndarray, size: np.ndarray, logit: Any, precision: Any) -> Any:
    """Log probability of so many of `size`, whose mean share has this logit."""
    ways = gammaln(size + 1) - gammaln(value + 1) - gammaln(size - value + 1)
    total = ways - _log_rising(precision, size)
    if (value > 0).any():
        total = total + _log_rising(precision * pt.sigmoid(logit), value)
    if (value < size).any():
        total = total + _log_rising(precision * pt.sigmoid(-logit), size - value)
    return total


def _log_rising(first: Any, count: np.ndarray) -> Any:
    """``log Gamma(first + count) - log Gamma(first)``."""
    return pt.gammaln(first + count) - pt.gammaln(first)


# ---- counts ----


def _count(value: np.ndarray, size: np.ndarray) -> Parts:
    yield value >= 0, _log_negative_binomial


def _hurdle_count(value: np.ndarray, size: np.ndarray) -> Parts:
    def none(value: Any, size: Any, number: Numbers, eta: Any) -> Any:
        return -pt.softplus(number(3) + number(4) * eta)

    def some(value: Any, size: Any, number: Numbers, eta: Any) -> Any:
        log_none = _log_negative_binomial(np.zeros_like(value), size, number, eta)
        log_truncated = _log_negative_binomial(value, size, number, eta) - pt.log(-pt.expm1(log_none))
        return log_truncated - pt.softplus(-number(3) - number(4) * eta)

    yield value == 0, none
    yield value > 0, some


def _log_negative_binomial(value: np.ndarray, size: np.ndarray, number: Numbers, eta: Any) -> Any:
    dispersion = number(2)
    log_ratio = size + number(0) + number(1) * eta - pt.log(dispersion)
    total = value * log_ratio - (value + dispersion) * pt.softplus(log_ratio) - gammaln(value + 1)
    return total + _log_rising(dispersion, value) if (value > 0).any() else total


# ---- yes or no, and categories ----


def _yes_no(value: np.ndarray, size: np.ndarray) -> Parts:
    def density(value: Any, size: Any, number: Numbers, eta: Any) -> Any:
        return -pt.softplus((1 - 2 * value) * (number(0) + number(1) * eta))

    yield value >= 0, density


def _predicted(value: np.ndarray, size: np.ndarray) -> Parts:
    yield value >= 0, lambda value, size, number, eta: -pt.softplus((1 - 2 * value) * eta)


def _ordinal(value: np.ndarray, size: np.ndarray) -> Parts:
    yield from _categories(value, size, _log_logistic, _log_logistic_between)


def _ordinal_probit(value: np.ndarray, size: np.ndarray) -> Parts:
    yield from _categories(value, size, _log_normal, _log_normal_between)


def _categories(value: np.ndarray, size: np.ndarray, below: Any, between: Any) -> Parts:
    def lowest(value: Any, size: Any, number: Numbers, eta: Any) -> Any:
        return below(number(1) - number(0) * eta)

    def highest(value: Any, size: Any, number: Numbers, eta: Any) -> Any:
        return below(number(0) * eta - number(value.astype(int)))

    def middle(value: Any, size: Any, number: Numbers, eta: Any) -> Any:
        category, shift = value.astype(int), number(0) * eta
        return between(number(category) - shift, number(category + 1) - shift)

    yield value == 0, lowest
    yield value == size - 1, highest
    yield (value > 0) & (value < size - 1), middle


def _log_logistic(cut: Any) -> Any:
    return -pt.softplus(-cut)


def _log_logistic_between(lower: Any, upper: Any) -> Any:
    return -pt.softplus(-upper) - pt.softplus(lower) + pt.log(-pt.expm1(lower - upper))


def _log_normal(cut: Any) -> Any:
    """Logarithm of the standard normal distribution function."""
    low, high = pt.minimum(cut, 0.0), pt.maximum(cut, 0.0)
    in_tail = pt.log(0.5 * pt.erfcx(-low / np.sqrt(2.0))) - 0.5 * low**2
    return pt.switch(cut < 0.0, in_tail, pt.log1p(-0.5 * pt.erfc(high / np.sqrt(2.0))))


def _log_normal_between(lower: Any, upper: Any) -> Any:
    mirrored = lower + upper > 0.0
    low, high = pt.switch(mirrored, -upper, lower), pt.switch(mirrored, -lower, upper)
    log_high = _log_normal(high)
    return log_high + pt.log(-pt.expm1(_log_normal(low) - log_high))


_DENSITIES = {
    DAYS: _days,
    DAYS_PROBIT: _days_probit,
    BETA_BINOMIAL: _beta_binomial,
    COUNT: _count,
    HURDLE_COUNT: _hurdle_count,
    YES_NO: _yes_no,
    ORDINAL: _ordinal,
    ORDINAL_PROBIT: _ordinal_probit,
    PREDICTED: _predicted,
}
