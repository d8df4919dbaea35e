"""Yes or no."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from scipy.special import expit

from ..basics.compiled import in_place
from ..basics.distributions import LogNormal, Normal
from .family import Density, FamilyParameter, Numbers, Parts, ResponseFamily, is_count
from .special import log_logistic, logistic

__all__ = ["DENSITIES", "YesNo", "add_gradient", "log_densities", "steepness"]

INTERCEPT, SLOPE = range(2)
"""Positions in phi."""


@dataclass(frozen=True)
class YesNo(ResponseFamily):
    """Yes (1) or no (0): ``P(yes) = logistic(intercept + slope eta)``.

    Parameters
    ----------
    intercept, slope
        Priors. The slope is above 0.
    """

    intercept: Normal = field(default=Normal(0.0, 1.5), kw_only=True)
    slope: LogNormal = field(default=LogNormal(0.0, 0.5), kw_only=True)
    word: ClassVar[str] = "yes_no"
    tells_variance: ClassVar[bool] = False

    @property
    def parameters(self) -> tuple[FamilyParameter, ...]:
        """Intercept and slope."""
        return FamilyParameter("intercept", self.intercept), FamilyParameter("slope", self.slope)

    @property
    def in_words(self) -> str:
        """What a value is."""
        return "yes or no"

    def misfits(self, values: np.ndarray, sizes: np.ndarray) -> Iterator[tuple[np.ndarray, str]]:
        """Values other than 0 and 1."""
        yield ~(is_count(values) & (values <= 1)), "must be 0 or 1"

    def ends(self, sizes: np.ndarray) -> tuple[np.ndarray | None, np.ndarray | None]:
        """Yes alone, whose share says it all."""
        return None, np.asarray(1.0)

    def _draw(
        self, phi: Sequence[float] | np.ndarray, eta: np.ndarray, sizes: np.ndarray, rng: np.random.Generator
    ) -> list[np.ndarray]:
        return [(rng.uniform(size=eta.shape) < expit(phi[INTERCEPT] + phi[SLOPE] * eta)).astype(float)]


@in_place
def log_densities(values, phi, eta, result):
    """Log density of each value at each linear predictor; see `registry`."""
    for row in range(len(values)):
        sign = 1.0 if values[row] > 0.0 else -1.0
        for node in range(len(eta)):
            result[row, node] = log_logistic(sign * (phi[INTERCEPT] + phi[SLOPE] * eta[node]))


@in_place
def add_gradient(values, phi, eta, weights, phi_bar):
    """Add the gradient in phi of the weighted sum of `log_densities`; see `registry`."""
    for row in range(len(values)):
        for node in range(len(eta)):
            weight = weights[row, node]
            if weight == 0.0:
                continue
            logit = phi[INTERCEPT] + phi[SLOPE] * eta[node]
            by_logit = weight * (logistic(-logit) if values[row] > 0.0 else -logistic(logit))
            phi_bar[INTERCEPT] += by_logit
            phi_bar[SLOPE] += by_logit * eta[node]


@in_place
def steepness(phi):
    """Slope in size; see `registry`."""
    return abs(phi[SLOPE])


def _symbolic(value: np.ndarray, size: np.ndarray) -> Parts:
    import pytensor.tensor as pt

    def density(value: np.ndarray, size: np.ndarray, number: Numbers, eta: Any) -> Any:
        return -pt.softplus((1 - 2 * value) * (number(INTERCEPT) + number(SLOPE) * eta))

    yield value >= 0, density


DENSITIES = {"yes_no": Density(_symbolic)}
