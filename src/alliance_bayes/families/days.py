"""Days out of a window, often none or all."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar

import numpy as np
from scipy.special import expit

from ..basics.compiled import compiled, in_place
from ..basics.distributions import LogNormal, Normal
from ..basics.given import is_whole
from ..basics.problems import Problems
from .beta_binomial import (
    add_beta_binomial_gradient,
    add_beta_binomials,
    draw_beta_binomial,
    log_coefficients,
    misfits_of_trials,
    symbolic_beta_binomial,
)
from .cut_points import InducedDirichlet
from .family import AmountFamily, Density, FamilyParameter, Numbers, Parts, shares
from .links import Link, add_three_way_gradient, check_link, cumulative, log_below, log_between

__all__ = ["DENSITIES", "Days", "add_gradient", "log_densities", "steepness"]

NONE_CUT, ALL_CUT, SLOPE, INTERCEPT, INTERIOR_SLOPE, PRECISION = range(6)
"""Positions in phi."""
MOST_REDRAWS = 5  # after which a day inside the window, rare at its linear predictor, is drawn by its probabilities
SYMBOLIC_FARTHEST = 15.0  # logit beyond which the log probability of days inside, given that, moves by less than 1e-6


@dataclass(frozen=True)
class Days(AmountFamily):
    """Days d out of a window of W, often none or all.

    With F the logistic (or standard normal) distribution function and BB the beta-binomial
    probability with parameters ``m f`` and ``(1 - m) f``,

    - ``P(d = 0) = F(cut_1 - slope eta)``, ``P(d = W) = 1 - F(cut_2 - slope eta)``,
    - in between ``P(d) = (F(cut_2 - slope eta) - F(cut_1 - slope eta)) BB(d) / (1 - BB(0) - BB(W))``,
      ``logit m = intercept + interior_slope eta``.

    Parameters
    ----------
    window
        Days that were asked about, 2 or more; or so many at each wave; or the name of the measure that
        holds them for each person and time, less days in a controlled environment, for instance.
    link
        Of the three-way cut.
    cuts, slope, intercept, interior_slope, precision
        Priors. The slope is above 0, which says that a higher predictor is more days. `precision` is f.
    """

    window: int | str | Sequence[int]
    link: Link = field(default="logit", kw_only=True)
    cuts: InducedDirichlet = field(default=InducedDirichlet(), kw_only=True)
    slope: LogNormal = field(default=LogNormal(0.5, 0.5), kw_only=True)
    intercept: Normal = field(default=Normal(0.0, 1.5), kw_only=True)
    interior_slope: Normal = field(default=Normal(0.5, 0.5), kw_only=True)
    precision: LogNormal = field(default=LogNormal(float(np.log(5)), 1.0), kw_only=True)
    word: ClassVar[str] = "days"
    amount_option: ClassVar[str] = "window"
    amount_in_words: ClassVar[str] = "a whole number of days, 2 or more"

    @classmethod
    def is_amount(cls, value: object) -> bool:
        """Whether this is a window."""
        return is_whole(value, least=2)

    def _check(self, problems: Problems) -> None:
        super()._check(problems)
        check_link(self.link, problems)

    @property
    def parameters(self) -> tuple[FamilyParameter, ...]:
        """Two shares behind the cuts, the slope, and the three numbers of the days inside the window."""
        return (
            *shares(self.cuts, 3, self.link),
            FamilyParameter("slope", self.slope),
            FamilyParameter("intercept", self.intercept),
            FamilyParameter("interior_slope", self.interior_slope),
            FamilyParameter("precision", self.precision),
        )

    @property
    def densities(self) -> tuple[str, ...]:
        """By the link."""
        return ("days" if self.link == "logit" else "days_probit",)

    @property
    def in_words(self) -> str:
        """What a value is."""
        return f"days out of {self._amount_shown}"

    def misfits(self, values: np.ndarray, sizes: np.ndarray) -> Iterator[tuple[np.ndarray, str]]:
        """Values that are no whole number from 0 to the window, or have none."""
        yield from misfits_of_trials(values, sizes, 2, "window")

    def ends(self, sizes: np.ndarray) -> tuple[np.ndarray | None, np.ndarray | None]:
        """None and all of the days."""
        return np.asarray(0.0), sizes

    def _draw(
        self, phi: Sequence[float] | np.ndarray, eta: np.ndarray, sizes: np.ndarray, rng: np.random.Generator
    ) -> list[np.ndarray]:
        none_cut, all_cut, slope, intercept, interior_slope, precision = phi
        u = rng.uniform(size=eta.shape)
        none = u < cumulative(self.link, none_cut - slope * eta)
        every = u > cumulative(self.link, all_cut - slope * eta)
        inside = _draw_inside(sizes, expit(intercept + interior_slope * eta), precision, rng)
        return [np.where(none, 0.0, np.where(every, sizes, inside))]


def _draw_inside(size: np.ndarray, mean: np.ndarray, precision: float, rng: np.random.Generator) -> np.ndarray:
    """Beta-binomial given that it is neither 0 nor all, by its probabilities where redrawing takes long."""
    drawn = draw_beta_binomial(size, mean, precision, rng)
    outside = (drawn <= 0) | (drawn >= size)
    for _ in range(MOST_REDRAWS):
        drawn[outside] = draw_beta_binomial(size[outside], mean[outside], precision, rng)
        outside = (drawn <= 0) | (drawn >= size)
    if not outside.any():
        return drawn
    from scipy.stats import betabinom

    tiny = np.finfo(float).tiny
    for window in np.unique(size[outside]):
        chosen = outside & (size == window)
        shapes = (np.maximum(share * precision, tiny)[:, None] for share in (mean[chosen], 1 - mean[chosen]))
        log_weights = betabinom.logpmf(np.arange(1, int(window)), int(window), *shapes)
        drawn[chosen] = 1 + np.argmax(log_weights + rng.gumbel(size=log_weights.shape), axis=1)
    return drawn


# ---- density ----


@compiled
def log_densities(size, values, phi, eta, result, probit):
    """Log density of each value at each linear predictor, without binomial coefficients; see `registry`."""
    for node in range(len(eta)):
        shift = phi[SLOPE] * eta[node]
        some = log_between(phi[NONE_CUT] - shift, phi[ALL_CUT] - shift, probit)
        none = log_below(phi[NONE_CUT] - shift, probit)
        every = log_below(shift - phi[ALL_CUT], probit)
        for row in range(len(values)):
            value = values[row]
            result[row, node] = none if value <= 0.0 else (every if value >= size else some)
    add_beta_binomials(phi[INTERCEPT], phi[INTERIOR_SLOPE], phi[PRECISION], size, values, True, eta, result)


@compiled
def add_gradient(size, values, phi, eta, weights, phi_bar, probit):
    """Add the gradient in phi of the weighted sum of `log_densities`; see `registry`."""
    for node in range(len(eta)):
        none, some, every = 0.0, 0.0, 0.0
        for row in range(len(values)):
            value, weight = values[row], weights[row, node]
            if value <= 0.0:
                none += weight
            elif value >= size:
                every += weight
            else:
                some += weight
        by_shift = add_three_way_gradient((none, some, every), phi, phi[SLOPE] * eta[node], probit, phi_bar)
        phi_bar[SLOPE] += by_shift * eta[node]
    add_beta_binomial_gradient(INTERCEPT, phi, size, values, True, eta, weights, phi_bar)


@in_place
def steepness(phi):
    """Largest slope in size; see `registry`."""
    return max(abs(phi[SLOPE]), abs(phi[INTERIOR_SLOPE]))


# ---- density in PyTensor ----


def _symbolic(value: np.ndarray, size: np.ndarray, link: Link) -> Parts:
    import pytensor.tensor as pt

    from .symbolic import at_the_ends, between

    none, every = at_the_ends(NONE_CUT, ALL_CUT, SLOPE, link)

    def some(value: np.ndarray, size: np.ndarray, number: Numbers, eta: Any) -> Any:
        shift = number(SLOPE) * eta
        log_inside = between(number(NONE_CUT) - shift, number(ALL_CUT) - shift, link)
        logit = pt.clip(number(INTERCEPT) + number(INTERIOR_SLOPE) * eta, -SYMBOLIC_FARTHEST, SYMBOLIC_FARTHEST)
        precision = number(PRECISION)
        ends = sum(pt.exp(symbolic_beta_binomial(end, size, logit, precision)) for end in (np.zeros_like(size), size))
        return log_inside + symbolic_beta_binomial(value, size, logit, precision) - pt.log1p(-ends)

    yield value == 0, none
    yield value == size, every
    yield (value > 0) & (value < size), some


DENSITIES = {
    "days": Density(partial(_symbolic, link="logit"), log_coefficients),
    "days_probit": Density(partial(_symbolic, link="probit"), log_coefficients),
}
