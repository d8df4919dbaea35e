"""Counts, overdispersed, with or without a hurdle."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from scipy.special import expit, gammaln

from ..basics.compiled import compiled, in_place
from ..basics.distributions import LogNormal, Normal
from ..basics.given import shown
from ..basics.problems import Problems
from .family import (
    LARGEST_AMOUNT,
    AmountFamily,
    Density,
    FamilyParameter,
    Numbers,
    Parts,
    is_above_0,
    is_count,
)
from .special import log_logistic, log_rising, logistic, rising_slope

__all__ = ["DENSITIES", "Count", "add_gradient", "log_densities", "steepness"]

INTERCEPT, SLOPE, DISPERSION, ANY_INTERCEPT, ANY_SLOPE = range(5)
"""Positions in phi, the last two with a hurdle only."""
FARTHEST = 30.0  # below minus this log mean, P(y > 0) is the mean to the last digit
MOST_LOG_MEAN = 60.0  # of a draw: more than any number that is later capped
MOST_MEAN = 1e15  # of a draw: the largest that numpy's Poisson numbers take, about


@dataclass(frozen=True)
class Count(AmountFamily):
    """A count y, overdispersed: negative binomial.

    ``log mean = log exposure + intercept + slope eta``, variance ``mean + mean^2 / dispersion``. With a
    hurdle, ``P(y > 0) = logistic(any_intercept + any_slope eta)`` whatever the exposure, and counts
    above 0 are negative binomial, truncated there.

    Parameters
    ----------
    exposure
        Time or number at risk, above 0; or one for each wave; or the name of the measure that holds it.
    hurdle
        Whether none is a matter of its own.
    intercept, slope, dispersion, any_intercept, any_slope
        Priors. The slope is above 0. The last two are used with a hurdle only.
    """

    exposure: float | str | Sequence[float] = 1.0
    hurdle: bool = field(default=False, kw_only=True)
    intercept: Normal = field(default=Normal(0.0, 2.0), kw_only=True)
    slope: LogNormal = field(default=LogNormal(0.0, 0.5), kw_only=True)
    dispersion: LogNormal = field(default=LogNormal(float(np.log(5)), 1.0), kw_only=True)
    any_intercept: Normal = field(default=Normal(0.0, 1.5), kw_only=True)
    any_slope: Normal = field(default=Normal(0.5, 0.5), kw_only=True)
    word: ClassVar[str] = "count"
    amount_option: ClassVar[str] = "exposure"
    amount_in_words: ClassVar[str] = "a number above 0"

    @classmethod
    def is_amount(cls, value: object) -> bool:
        """Whether this is an exposure."""
        return is_above_0(value)

    def _check(self, problems: Problems) -> None:
        super()._check(problems)
        if not isinstance(self.hurdle, bool):
            problems.add(f"hurdle must be True or False; got {shown(self.hurdle)}.")

    @property
    def parameters(self) -> tuple[FamilyParameter, ...]:
        """Intercept, slope and dispersion; with a hurdle also those of any at all."""
        names = ["intercept", "slope", "dispersion", *(["any_intercept", "any_slope"] if self.hurdle else [])]
        return tuple(FamilyParameter(name, getattr(self, name)) for name in names)

    @property
    def densities(self) -> tuple[str, ...]:
        """With or without a hurdle."""
        return ("hurdle_count" if self.hurdle else "count",)

    @property
    def in_words(self) -> str:
        """What a value is."""
        exposure = "" if self.exposure == 1 else f", exposure {self._amount_shown}"
        return f"a count{' with a hurdle' if self.hurdle else ''}{exposure}"

    def density_size(self, sizes: np.ndarray) -> np.ndarray:
        """Log exposure."""
        return np.asarray(np.log(np.where(sizes > 0, sizes, 1.0)))

    def misfits(self, values: np.ndarray, sizes: np.ndarray) -> Iterator[tuple[np.ndarray, str]]:
        """Values that are no count, or have no exposure."""
        most = LARGEST_AMOUNT
        usable = (sizes > 0) & np.isfinite(sizes)
        yield ~usable, "need an exposure above 0 wherever they are observed"
        yield usable & ((sizes < 1 / most) | (sizes > most)), f"need an exposure from {1 / most:g} to {most:g}"
        yield ~is_count(values), "must be whole numbers, 0 or more"
        yield is_count(values) & (values > most), f"must be at most {most:,}"

    def _draw(
        self, phi: Sequence[float] | np.ndarray, eta: np.ndarray, sizes: np.ndarray, rng: np.random.Generator
    ) -> list[np.ndarray]:
        mean = sizes * np.exp(np.minimum(phi[INTERCEPT] + phi[SLOPE] * eta, MOST_LOG_MEAN))
        if not self.hurdle:
            return [_draw_negative_binomial(mean, phi[DISPERSION], rng)]
        some = rng.uniform(size=eta.shape) < expit(phi[ANY_INTERCEPT] + phi[ANY_SLOPE] * eta)
        return [np.where(some, _draw_above_0(mean, phi[DISPERSION], rng), 0.0)]


def _draw_negative_binomial(mean: np.ndarray, dispersion: float, rng: np.random.Generator) -> np.ndarray:
    rate = np.minimum(mean * rng.gamma(dispersion, 1 / dispersion, mean.shape), MOST_MEAN)
    return np.asarray(rng.poisson(rate), dtype=float)


def _draw_above_0(mean: np.ndarray, dispersion: float, rng: np.random.Generator) -> np.ndarray:
    """Truncated at 0: the quantile beyond which lies a uniform share of what is above 0."""
    from scipy.stats import nbinom

    some = -np.expm1(-dispersion * np.log1p(mean / dispersion))
    drawn = nbinom.isf(some * rng.uniform(size=mean.shape), dispersion, dispersion / (dispersion + mean))
    return np.asarray(np.maximum(drawn, 1.0))


# ---- density ----


@compiled
def log_densities(size, values, phi, eta, result, hurdle):
    """Log density of each value at each linear predictor, without the factorial; `size` is the log exposure.

    See `registry`.
    """
    dispersion = phi[DISPERSION]
    log_dispersion = math.log(dispersion)
    constant = np.empty(len(values))
    for row in range(len(values)):
        constant[row] = log_rising(values[row], dispersion) - values[row] * log_dispersion
    for node in range(len(eta)):
        log_mean = size + phi[INTERCEPT] + phi[SLOPE] * eta[node]
        log_term = -log_logistic(log_dispersion - log_mean)
        log_none, log_some = 0.0, 0.0
        if hurdle:
            gate = phi[ANY_INTERCEPT] + phi[ANY_SLOPE] * eta[node]
            log_none = log_logistic(-gate)
            log_some = log_logistic(gate) - _log_any(log_mean, dispersion, log_term)
        for row in range(len(values)):
            value = values[row]
            if hurdle and value <= 0.0:
                result[row, node] = log_none
                continue
            negative_binomial = constant[row] + value * log_mean - (value + dispersion) * log_term
            result[row, node] = negative_binomial + log_some


@in_place
def _log_any(log_mean, dispersion, log_term):
    """Logarithm of the negative binomial's probability above 0; ``log_term = log(1 + mean / dispersion)``."""
    return log_mean if log_mean < -FARTHEST else math.log(-math.expm1(-dispersion * log_term))


@in_place
def add_gradient(size, values, phi, eta, weights, phi_bar, hurdle):
    """Add the gradient in phi of the weighted sum of `log_densities`; see `registry`."""
    dispersion = phi[DISPERSION]
    log_dispersion = math.log(dispersion)
    for row in range(len(values)):
        value = values[row]
        constant = rising_slope(value, dispersion) - value / dispersion
        for node in range(len(eta)):
            weight = weights[row, node]
            if weight == 0.0:
                continue
            if hurdle:
                gate = phi[ANY_INTERCEPT] + phi[ANY_SLOPE] * eta[node]
                by_gate = weight * (logistic(-gate) if value > 0.0 else -logistic(gate))
                phi_bar[ANY_INTERCEPT] += by_gate
                phi_bar[ANY_SLOPE] += by_gate * eta[node]
                if value <= 0.0:
                    continue
            log_mean = size + phi[INTERCEPT] + phi[SLOPE] * eta[node]
            log_term, share = -log_logistic(log_dispersion - log_mean), logistic(log_mean - log_dispersion)
            by_log_mean = value - (value + dispersion) * share
            by_dispersion = constant - log_term + (value / dispersion + 1.0) * share
            if hurdle:
                if log_mean < -FARTHEST:
                    by_log_mean -= 1.0
                else:
                    rate = 1.0 / math.expm1(dispersion * log_term)
                    by_log_mean -= rate * dispersion * share
                    by_dispersion -= rate * (log_term - share)
            phi_bar[INTERCEPT] += weight * by_log_mean
            phi_bar[SLOPE] += weight * by_log_mean * eta[node]
            phi_bar[DISPERSION] += weight * by_dispersion


@in_place
def steepness(phi, hurdle):
    """Largest slope in size; see `registry`."""
    return max(abs(phi[SLOPE]), abs(phi[ANY_SLOPE])) if hurdle else abs(phi[SLOPE])


def _log_constant(value: np.ndarray, size: np.ndarray) -> np.ndarray:
    """``1 / y!``."""
    return np.asarray(-gammaln(value + 1))


# ---- density in PyTensor ----


def _symbolic(value: np.ndarray, size: np.ndarray) -> Parts:
    yield value >= 0, _symbolic_negative_binomial


def _symbolic_hurdle(value: np.ndarray, size: np.ndarray) -> Parts:
    import pytensor.tensor as pt

    def none(value: np.ndarray, size: np.ndarray, number: Numbers, eta: Any) -> Any:
        return -pt.softplus(number(ANY_INTERCEPT) + number(ANY_SLOPE) * eta)

    def some(value: np.ndarray, size: np.ndarray, number: Numbers, eta: Any) -> Any:
        log_none = _symbolic_negative_binomial(np.zeros_like(value), size, number, eta)
        log_truncated = _symbolic_negative_binomial(value, size, number, eta) - pt.log(-pt.expm1(log_none))
        return log_truncated - pt.softplus(-number(ANY_INTERCEPT) - number(ANY_SLOPE) * eta)

    yield value == 0, none
    yield value > 0, some


def _symbolic_negative_binomial(value: np.ndarray, size: np.ndarray, number: Numbers, eta: Any) -> Any:
    import pytensor.tensor as pt

    from .symbolic import log_rising

    dispersion = number(DISPERSION)
    log_ratio = size + number(INTERCEPT) + number(SLOPE) * eta - pt.log(dispersion)
    total = value * log_ratio - (value + dispersion) * pt.softplus(log_ratio) - gammaln(value + 1)
    return total + log_rising(dispersion, value) if (value > 0).any() else total


DENSITIES = {"count": Density(_symbolic, _log_constant), "hurdle_count": Density(_symbolic_hurdle, _log_constant)}
