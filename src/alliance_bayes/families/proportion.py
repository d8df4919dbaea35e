"""Shares in [0, 1], some of them 0 or 1: ordered beta regression on one linear predictor."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar

import numpy as np
from scipy.special import expit

from ..basics.compiled import compiled, in_place
from ..basics.distributions import LogNormal, Normal
from ..basics.problems import Problems
from .cut_points import InducedDirichlet
from .family import Density, FamilyParameter, Numbers, Parts, ResponseFamily, shares
from .links import Link, add_three_way_gradient, check_link, cumulative, log_below, log_between
from .special import digamma, logistic

__all__ = ["DENSITIES", "Proportion", "add_gradient", "log_densities", "steepness"]

NONE_CUT, ALL_CUT, SLOPE, INTERCEPT, PRECISION = range(5)
"""Positions in phi."""
FARTHEST = 30.0  # logit beyond which a mean or one minus it, below 1e-13, would be lost in rounding
FEWEST = 5  # values at an end, below which the prior of its cut point outweighs them


@dataclass(frozen=True)
class Proportion(ResponseFamily):
    """A share y in [0, 1], with mass at 0 and at 1: a percentage whose window is not known.

    Ordered beta regression [1]_. With F the logistic (or standard normal) distribution function,

    - ``P(y = 0) = F(cut_1 - slope eta)``, ``P(y = 1) = 1 - F(cut_2 - slope eta)``,
    - in between the density is ``(F(cut_2 - slope eta) - F(cut_1 - slope eta)) Beta(y; m f, (1 - m) f)``,
      ``logit m = intercept + slope eta``.

    One slope moves both ends and the mean between them. Where the window is known, `Days` or `BetaBinomial` use it.

    Parameters
    ----------
    link
        Of the three-way cut.
    cuts, slope, intercept, precision
        Priors. That of `cuts` is stated as the shares of 0, of what is between, and of 1 in all people at the first
        wave. The slope is above 0, which says that a higher predictor is a larger share. `precision` is f.

    References
    ----------
    .. [1] Kubinec (2023). Ordered beta regression: a parsimonious, well-fitting model for continuous data with lower
       and upper bounds. Political Analysis 31, 519-536. https://doi.org/10.1017/pan.2022.20
    """

    link: Link = field(default="logit", kw_only=True)
    cuts: InducedDirichlet = field(default=InducedDirichlet(), kw_only=True)
    slope: LogNormal = field(default=LogNormal(0.0, 0.5), kw_only=True)
    intercept: Normal = field(default=Normal(0.0, 1.5), kw_only=True)
    precision: LogNormal = field(default=LogNormal(math.log(5), 1.0), kw_only=True)
    word: ClassVar[str] = "proportion"

    def _check(self, problems: Problems) -> None:
        check_link(self.link, problems)

    @property
    def parameters(self) -> tuple[FamilyParameter, ...]:
        """Two shares behind the cuts, the slope, and intercept and precision of what is between."""
        return (
            *shares(self.cuts, 3, self.link),
            *(FamilyParameter(name, getattr(self, name)) for name in ("slope", "intercept", "precision")),
        )

    @property
    def densities(self) -> tuple[str, ...]:
        """By the link."""
        return ("proportion" if self.link == "logit" else "proportion_probit",)

    @property
    def in_words(self) -> str:
        """What a value is."""
        return "a share from 0 to 1, both ends included"

    def misfits(self, values: np.ndarray, sizes: np.ndarray) -> Iterator[tuple[np.ndarray, str]]:
        """Values that are no share."""
        yield (
            ~((values >= 0) & (values <= 1)),
            "must be shares from 0 to 1; divide percentages, from 0 to 100, by 100",
        )

    def sparse(self, column: str, values: np.ndarray) -> tuple[str, ...]:
        """Ends at which there are fewer than 5 values."""
        counts = {end: int((values == end).sum()) for end in (0, 1)}
        return tuple(
            f"'{column}': fewer than {FEWEST} values are {end} ({count}). The cut point of that end rests on its prior."
            for end, count in counts.items()
            if count < FEWEST
        )

    def ends(self, sizes: np.ndarray) -> tuple[np.ndarray | None, np.ndarray | None]:
        """0 and 1."""
        return np.asarray(0.0), np.asarray(1.0)

    def _draw(
        self, phi: Sequence[float] | np.ndarray, eta: np.ndarray, sizes: np.ndarray, rng: np.random.Generator
    ) -> list[np.ndarray]:
        none_cut, all_cut, slope, intercept, precision = phi
        u = rng.uniform(size=eta.shape)
        none = u < cumulative(self.link, none_cut - slope * eta)
        every = u > cumulative(self.link, all_cut - slope * eta)
        mean, least = expit(intercept + slope * eta), np.finfo(float).tiny
        inside = rng.beta(np.maximum(mean * precision, least), np.maximum((1 - mean) * precision, least))
        inside = np.clip(inside, least, 1 - np.finfo(float).epsneg)  # a double may be rounded to an end
        return [np.where(none, 0.0, np.where(every, 1.0, inside))]


# ---- density ----


@in_place
def _slopes(mean, complement, precision, count, log_values, log_complements):
    """Slopes, in the shapes a = m f and b = (1 - m) f, of the sum of so many log beta densities less log Gamma(f).

    `log_values` and `log_complements` are the sums of log y and of log(1 - y).
    """
    by_a = log_values - count * digamma(precision * mean)
    return by_a, log_complements - count * digamma(precision * complement)


@compiled
def log_densities(values, phi, eta, result, probit):
    """Log density of each value at each linear predictor, between the ends times y (1 - y); see `registry`.

    The mean is logistic up to `FARTHEST`; beyond, the log density is continued as a straight line in its logit.
    """
    precision, log_value, log_complement = phi[PRECISION], np.empty(len(values)), np.empty(len(values))
    for row in range(len(values)):
        log_value[row], log_complement[row] = math.log(values[row]), math.log1p(-values[row])
    for node in range(len(eta)):
        shift = phi[SLOPE] * eta[node]
        none, every = log_below(phi[NONE_CUT] - shift, probit), log_below(shift - phi[ALL_CUT], probit)
        logit = phi[INTERCEPT] + shift
        bounded = min(max(logit, -FARTHEST), FARTHEST)
        mean, complement = logistic(bounded), logistic(-bounded)
        a, b = precision * mean, precision * complement
        some = log_between(phi[NONE_CUT] - shift, phi[ALL_CUT] - shift, probit)
        some += math.lgamma(precision) - math.lgamma(a) - math.lgamma(b)
        for row in range(len(values)):
            if values[row] <= 0.0:
                result[row, node] = none
            elif values[row] >= 1.0:
                result[row, node] = every
            else:
                result[row, node] = some + a * log_value[row] + b * log_complement[row]
                if logit != bounded:
                    by_a, by_b = _slopes(mean, complement, precision, 1.0, log_value[row], log_complement[row])
                    result[row, node] += (logit - bounded) * a * complement * (by_a - by_b)


@compiled
def add_gradient(values, phi, eta, weights, phi_bar, probit):
    """Add the gradient in phi of the weighted sum of `log_densities`; see `registry`."""
    precision, log_value, log_complement = phi[PRECISION], np.empty(len(values)), np.empty(len(values))
    for row in range(len(values)):
        log_value[row], log_complement[row] = math.log(values[row]), math.log1p(-values[row])
    for node in range(len(eta)):
        none, every, some, log_values, log_complements = 0.0, 0.0, 0.0, 0.0, 0.0
        for row in range(len(values)):
            weight = weights[row, node]
            if values[row] <= 0.0:
                none += weight
            elif values[row] >= 1.0:
                every += weight
            else:
                some += weight
                log_values += weight * log_value[row]
                log_complements += weight * log_complement[row]
        shift = phi[SLOPE] * eta[node]
        by_shift = add_three_way_gradient((none, some, every), phi, shift, probit, phi_bar)
        if some != 0.0:
            bounded = min(max(phi[INTERCEPT] + shift, -FARTHEST), FARTHEST)
            mean, complement = logistic(bounded), logistic(-bounded)
            by_a, by_b = _slopes(mean, complement, precision, some, log_values, log_complements)
            by_logit = precision * mean * complement * (by_a - by_b)
            by_shift += by_logit
            phi_bar[INTERCEPT] += by_logit
            phi_bar[PRECISION] += some * digamma(precision) + mean * by_a + complement * by_b
        phi_bar[SLOPE] += by_shift * eta[node]


@in_place
def steepness(phi):
    """Slope in size; see `registry`."""
    return abs(phi[SLOPE])


def _log_constant(value: np.ndarray, size: np.ndarray) -> np.ndarray:
    """``1 / (y (1 - y))`` between the ends."""
    inside = (value > 0) & (value < 1)
    share = np.where(inside, value, 0.5)
    return np.where(inside, -np.log(share) - np.log1p(-share), 0.0)


# ---- density in PyTensor ----


def _symbolic(value: np.ndarray, size: np.ndarray, link: Link) -> Parts:
    import pytensor.tensor as pt

    from .symbolic import at_the_ends, between

    none, every = at_the_ends(NONE_CUT, ALL_CUT, SLOPE, link)

    def some(value: np.ndarray, size: np.ndarray, number: Numbers, eta: Any) -> Any:
        shift, precision = number(SLOPE) * eta, number(PRECISION)
        a = precision * pt.sigmoid(number(INTERCEPT) + shift)
        b = precision * pt.sigmoid(-number(INTERCEPT) - shift)
        log_beta = pt.gammaln(precision) - pt.gammaln(a) - pt.gammaln(b)
        log_beta = log_beta + (a - 1) * np.log(value) + (b - 1) * np.log1p(-value)
        return between(number(NONE_CUT) - shift, number(ALL_CUT) - shift, link) + log_beta

    yield value == 0, none
    yield value == 1, every
    yield (value > 0) & (value < 1), some


DENSITIES = {
    "proportion": Density(partial(_symbolic, link="logit"), _log_constant),
    "proportion_probit": Density(partial(_symbolic, link="probit"), _log_constant),
}
