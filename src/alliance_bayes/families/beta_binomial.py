"""Successes out of a number of trials, beta-binomial; and what `days` needs of the beta-binomial."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from scipy.special import expit, gammaln

from ..basics.compiled import compiled, in_place
from ..basics.distributions import LogNormal, Normal
from ..basics.given import is_whole
from .family import LARGEST_AMOUNT, AmountFamily, Density, FamilyParameter, Numbers, Parts, is_count
from .special import add_logarithms, log_rising, logistic, rising_slope

__all__ = [
    "DENSITIES",
    "BetaBinomial",
    "add_beta_binomial_gradient",
    "add_beta_binomials",
    "add_gradient",
    "draw_beta_binomial",
    "log_coefficients",
    "log_densities",
    "misfits_of_trials",
    "steepness",
    "symbolic_beta_binomial",
]

FARTHEST = 30.0  # logit beyond which a mean or one minus it, below 1e-13, would be lost in rounding
SMALL = 1e-3  # mean below which the probability of neither end, of its order, would lose digits as a difference
SAFE_FACTORS = 16.0  # whose product neither overflows nor underflows: each is between 1e-18 and 1e18


@dataclass(frozen=True)
class BetaBinomial(AmountFamily):
    """Successes d of W trials, beta-binomial.

    With parameters ``m f`` and ``(1 - m) f``, ``logit m = intercept + slope eta``. The rival of `Days`
    without ends of their own, and what fits the sum of a few binary items.

    Parameters
    ----------
    trials
        W, 1 or more; or one for each wave; or the name of the measure that holds it for each person and
        time.
    intercept, slope, precision
        Priors. The slope is above 0; `precision` is f.
    """

    trials: int | str | Sequence[int]
    intercept: Normal = field(default=Normal(0.0, 1.5), kw_only=True)
    slope: LogNormal = field(default=LogNormal(0.0, 0.5), kw_only=True)
    precision: LogNormal = field(default=LogNormal(float(np.log(5)), 1.0), kw_only=True)
    word: ClassVar[str] = "beta_binomial"
    amount_option: ClassVar[str] = "trials"
    amount_in_words: ClassVar[str] = "a whole number, 1 or more"

    @classmethod
    def is_amount(cls, value: object) -> bool:
        """Whether this is a number of trials."""
        return is_whole(value, least=1)

    @property
    def parameters(self) -> tuple[FamilyParameter, ...]:
        """Intercept, slope and precision."""
        return tuple(FamilyParameter(name, getattr(self, name)) for name in ("intercept", "slope", "precision"))

    @property
    def in_words(self) -> str:
        """What a value is."""
        return f"beta-binomial, out of {self._amount_shown}"

    def misfits(self, values: np.ndarray, sizes: np.ndarray) -> Iterator[tuple[np.ndarray, str]]:
        """Values that are no whole number from 0 to the number of trials, or have none."""
        yield from misfits_of_trials(values, sizes, 1, "number of trials")

    def ends(self, sizes: np.ndarray) -> tuple[np.ndarray | None, np.ndarray | None]:
        """None and all of the trials."""
        return np.asarray(0.0), sizes

    def _draw(
        self, phi: Sequence[float] | np.ndarray, eta: np.ndarray, sizes: np.ndarray, rng: np.random.Generator
    ) -> list[np.ndarray]:
        intercept, slope, precision = phi
        return [draw_beta_binomial(sizes, expit(intercept + slope * eta), precision, rng)]


def misfits_of_trials(values: np.ndarray, sizes: np.ndarray, least: int, what: str) -> Iterator[tuple[np.ndarray, str]]:
    """Which values are not out of a whole number of trials of at least so many."""
    usable = (sizes >= least) & (sizes == np.floor(sizes))
    yield ~usable, f"need a {what} that is a whole number, {least} or more, wherever they are observed"
    yield sizes > LARGEST_AMOUNT, f"need a {what} of at most {LARGEST_AMOUNT:,}"
    yield usable & ~(is_count(values) & (values <= sizes)), f"must be whole numbers from 0 to the {what}"


def draw_beta_binomial(size: np.ndarray, mean: np.ndarray, precision: float, rng: np.random.Generator) -> np.ndarray:
    """Successes of so many trials at these means."""
    tiny = np.finfo(float).tiny
    share = rng.beta(np.maximum(mean * precision, tiny), np.maximum((1 - mean) * precision, tiny))
    return np.asarray(rng.binomial(np.asarray(size, dtype=int), np.nan_to_num(share, nan=0.5)), dtype=float)


# ---- density ----


@compiled
def log_densities(size, values, phi, eta, result):
    """Log density of each value at each linear predictor, without binomial coefficients; see `registry`."""
    result[:, :] = 0.0
    add_beta_binomials(phi[0], phi[1], phi[2], size, values, False, eta, result)


@compiled
def add_gradient(size, values, phi, eta, weights, phi_bar):
    """Add the gradient in phi of the weighted sum of `log_densities`; see `registry`."""
    add_beta_binomial_gradient(0, phi, size, values, False, eta, weights, phi_bar)


@in_place
def steepness(phi):
    """Largest slope in size; see `registry`."""
    return abs(phi[1])


@in_place
def _probability_above_0(trials, mean, precision):
    """1 minus the beta-binomial probability of 0, for a small mean, without cancellation."""
    total = 0.0
    for trial in range(int(trials)):
        total += math.log1p(-precision * mean / (precision + trial))
    return -math.expm1(total)


@in_place
def _ends(trials, mean, complement, precision, log_total):
    """Beta-binomial probabilities of none and of all of the trials, and of anything in between.

    `complement` is 1 minus the mean, and `log_total` is ``log_rising(trials, precision)``.
    """
    none = math.exp(log_rising(trials, precision * complement) - log_total)
    every = math.exp(log_rising(trials, precision * mean) - log_total)
    inside = 1.0 - none - every
    if mean < SMALL:
        inside = _probability_above_0(trials, mean, precision) - every
    elif complement < SMALL:
        inside = _probability_above_0(trials, complement, precision) - none
    return none, every, inside


@compiled
def add_beta_binomials(intercept, slope, precision, trials, values, truncated, eta, result):
    """Add log beta-binomials, of 1 .. trials - 1 alone if `truncated`, without binomial coefficients.

    The mean is logistic up to `FARTHEST`; beyond, a truncated density no longer depends on its logit,
    and the other one is linear in it. With ``a = f m`` and ``b = f (1 - m)`` each value follows from the one
    before by the factor ``(a + v) / (b + trials - 1 - v)``, so that it costs one logarithm if values rise.
    """
    log_total, n_nodes = log_rising(trials, precision), len(eta)
    work = np.empty((6, n_nodes))
    a, last, log_none, total, ratio, exponent = work[0], work[1], work[2], work[3], work[4], work[5]
    for node in range(n_nodes):
        bounded = min(max(intercept + slope * eta[node], -FARTHEST), FARTHEST)
        mean, complement = logistic(bounded), logistic(-bounded)
        a[node], last[node] = precision * mean, precision * complement + trials - 1.0
        log_none[node] = log_rising(trials, precision * complement) - log_total
        if truncated:
            log_none[node] -= math.log(_ends(trials, mean, complement, precision, log_total)[2])
    reached = 0.0
    total[:] = log_none
    for row in range(len(values)):
        value = values[row]
        if truncated and (value <= 0.0 or value >= trials):
            continue
        if value < reached:
            reached = 0.0
            total[:] = log_none
        while reached < value:
            stop = min(value, reached + SAFE_FACTORS)
            ratio[:] = 1.0
            while reached < stop:
                for node in range(n_nodes):
                    ratio[node] *= (a[node] + reached) / (last[node] - reached)
                reached += 1.0
            add_logarithms(ratio, total, exponent)
        for node in range(n_nodes):
            result[row, node] += total[node]
        if not truncated:
            _continue_beyond(intercept, slope, precision, trials, value, eta, result[row])


@in_place
def _continue_beyond(intercept, slope, precision, trials, value, eta, result):
    """Continue a log beta-binomial as a straight line in its logit, where that is beyond `FARTHEST`."""
    for node in range(len(eta)):
        logit = intercept + slope * eta[node]
        bounded = min(max(logit, -FARTHEST), FARTHEST)
        if logit != bounded:
            mean, complement = logistic(bounded), logistic(-bounded)
            up = rising_slope(value, precision * mean) - rising_slope(trials - value, precision * complement)
            result[node] += (logit - bounded) * up * precision * mean * complement


@compiled
def add_beta_binomial_gradient(first, phi, trials, values, truncated, eta, weights, phi_bar):
    """Add the gradient of `add_beta_binomials`, whose parameters stand in phi from position `first` on."""
    intercept, slope, precision = phi[first], phi[first + 1], phi[first + 2]
    log_total, total_slope = log_rising(trials, precision), rising_slope(trials, precision)
    work, n_nodes = np.zeros((7, len(eta))), len(eta)
    a, last, by_a, by_b, totals, ups, downs = work[0], work[1], work[2], work[3], work[4], work[5], work[6]
    for node in range(n_nodes):
        bounded = min(max(intercept + slope * eta[node], -FARTHEST), FARTHEST)
        a[node], last[node] = precision * logistic(bounded), precision * logistic(-bounded) + trials - 1.0
    reached = 0.0
    for row in range(len(values)):
        value = values[row]
        if truncated and (value <= 0.0 or value >= trials):
            continue
        if value < reached:
            reached = 0.0
            by_a[:] = 0.0
            by_b[:] = 0.0
        while reached < value:
            for node in range(n_nodes):
                by_a[node] += 1.0 / (a[node] + reached)
                by_b[node] -= 1.0 / (last[node] - reached)
            reached += 1.0
        for node in range(n_nodes):
            weight = weights[row, node]
            totals[node] += weight
            ups[node] += weight * by_a[node]
            downs[node] += weight * by_b[node]
    for node in range(n_nodes):
        total, up = totals[node], ups[node]
        if total == 0.0 and up == 0.0:
            continue
        logit = intercept + slope * eta[node]
        bounded = min(max(logit, -FARTHEST), FARTHEST)
        mean, complement = logistic(bounded), logistic(-bounded)
        slope_of_none = rising_slope(trials, precision * complement)
        down = downs[node] + total * slope_of_none
        by_precision = mean * up + complement * down - total * total_slope
        by_logit = precision * mean * complement * (up - down)
        if truncated:
            none, every, inside = _ends(trials, mean, complement, precision, log_total)
            slope_of_all = rising_slope(trials, precision * mean)
            ends = none * (complement * slope_of_none - total_slope) + every * (mean * slope_of_all - total_slope)
            by_precision += total * ends / inside
            by_logit += total * precision * mean * complement * (every * slope_of_all - none * slope_of_none) / inside
            if logit != bounded:
                by_logit = 0.0
        phi_bar[first] += by_logit
        phi_bar[first + 1] += by_logit * eta[node]
        phi_bar[first + 2] += by_precision


def log_coefficients(value: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Logarithms of binomial coefficients.

    Examples
    --------
    >>> np.exp(log_coefficients(np.array([0.0, 2.0]), np.array([4.0, 4.0]))).round(9)
    array([1., 6.])
    """
    return np.asarray(gammaln(size + 1) - gammaln(value + 1) - gammaln(size - value + 1))


# ---- density in PyTensor ----


def _symbolic(value: np.ndarray, size: np.ndarray) -> Parts:
    def density(value: np.ndarray, size: np.ndarray, number: Numbers, eta: Any) -> Any:
        return symbolic_beta_binomial(value, size, number(0) + number(1) * eta, number(2))

    yield value >= 0, density


def symbolic_beta_binomial(value: np.ndarray, size: np.ndarray, logit: Any, precision: Any) -> Any:
    """Log probability of so many of `size`, whose mean share has this logit."""
    import pytensor.tensor as pt

    from .symbolic import log_rising

    total = log_coefficients(value, size) - log_rising(precision, size)
    if (value > 0).any():
        total = total + log_rising(precision * pt.sigmoid(logit), value)
    if (value < size).any():
        total = total + log_rising(precision * pt.sigmoid(-logit), size - value)
    return total


DENSITIES = {"beta_binomial": Density(_symbolic, log_coefficients)}
