"""What is stable in a person, kind by kind: random intercepts, lines, and factors that enter at each wave."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .reading import Array, correlations, crossed, table

if TYPE_CHECKING:
    from .truth import Truth

__all__ = ["StableFactors", "stable_factors"]


@dataclass(frozen=True, eq=False)
class StableFactors:
    """Normal factors of a person, one for each measure, then one slope for each where there are slopes.

    Attributes
    ----------
    root
        A matrix whose product with its transpose is their covariance, dims (factor, shock).
    means
        Their means, shape ``(factor,)``.
    at_first
        How the first wave depends on them besides the within-person part there, dims (measure, factor).
    loadings
        What of the factors of the measures is added to values, dims (wave, measure).
    slopes
        Whether the second half are slopes, which count by the share of time gone by.
    enters_each_wave
        Whether they act on the next wave through the dynamics instead of being added to values.
    """

    root: Array
    means: Array
    at_first: Array
    loadings: Array
    slopes: bool = False
    enters_each_wave: bool = False

    @property
    def covariance(self) -> Array:
        """Covariance of the factors, raw units; dims (factor, factor)."""
        covariance: Array = self.root @ self.root.T
        return covariance

    @property
    def first_covariance(self) -> Array:
        """Covariance of what they are responsible for at the first wave; dims (measure, measure)."""
        reach = self.at_first @ self.root
        if not self.enters_each_wave:
            reach = self.loadings[0][:, None] * self.root[: self.loadings.shape[1]]
        covariance: Array = reach @ reach.T
        return covariance

    def added(self, factors: Array, along: Array, wave: int) -> Array:
        """What is added to the values at a wave; dims (person, measure).

        Parameters
        ----------
        factors
            Dims (person, factor).
        along
            Share of time gone by at the wave, of all or by person, shape ``()`` or ``(person,)``.
        wave
            Its position.
        """
        size = self.loadings.shape[1]
        added: Array = self.loadings[wave] * factors[:, :size]
        return added + along[..., None] * factors[:, size:] if self.slopes and not self.enters_each_wave else added


def stable_factors(truth: "Truth") -> StableFactors:
    """The stable factors of a truth."""
    return _KINDS[truth.spec.stable](truth)


def _none(truth: "Truth") -> StableFactors:
    waves, size = len(truth.times), len(truth.spec.measures)
    return StableFactors(np.zeros((size, size)), np.zeros(size), np.zeros((size, size)), np.zeros((waves, size)))


def _trait(truth: "Truth") -> StableFactors:
    """``y = mu + Lambda_t b + w``."""
    size = len(truth.spec.measures)
    loadings = np.ones((len(truth.times), size))
    if truth.trait_loadings is not None:
        loadings[1:] = table(truth.trait_loadings, truth.spec.measures, len(truth.times) - 1)
    return StableFactors(_intercept_root(truth), np.zeros(size), np.zeros((size, size)), loadings)


def _growth(truth: "Truth") -> StableFactors:
    """``y = b + s tau_t + w``."""
    size = len(truth.spec.measures)
    means = np.concatenate([truth._each(truth.means), truth._each(truth.slope_means)])
    sds = np.concatenate([truth._between_sds, truth._each(truth.slope_sds)])
    together = _joined(truth, truth.between_correlation)
    root = sds[:, None] * np.linalg.cholesky(together)
    return StableFactors(root, means, np.zeros((size, 2 * size)), np.ones((len(truth.times), size)), slopes=True)


def _accumulating(truth: "Truth") -> StableFactors:
    """``s_t = Phi_t s_t-1 + alpha + z_t``, and at equilibrium ``alpha = (I - Phi) b``."""
    size = len(truth.spec.measures)
    loadings = np.zeros((len(truth.times), size))
    if truth.equilibrium:
        rest = np.eye(size) - truth.step_effects[0]
        return StableFactors(
            rest @ _intercept_root(truth), np.zeros(size), np.linalg.inv(rest), loadings, enters_each_wave=True
        )
    sds = truth._each(truth.accumulating_sds)
    root = sds[:, None] * np.linalg.cholesky(correlations(truth.accumulating_correlation or 0.0, truth.spec.measures))
    return StableFactors(root, np.zeros(size), _at_first(truth, root), loadings, enters_each_wave=True)


def _accumulating_growth(truth: "Truth") -> StableFactors:
    """``y_t = Phi_t y_t-1 + alpha + beta tau_t + z_t``."""
    size = len(truth.spec.measures)
    means = np.concatenate([truth._each(truth.accumulating_means), truth._each(truth.slope_means)])
    sds = np.concatenate([truth._each(truth.accumulating_sds), truth._each(truth.slope_sds)])
    root = sds[:, None] * np.linalg.cholesky(_joined(truth, truth.accumulating_correlation or 0.0))
    return StableFactors(
        root, means, _at_first(truth, root), np.zeros((len(truth.times), size)), slopes=True, enters_each_wave=True
    )


_KINDS: dict[str, Callable[["Truth"], StableFactors]] = {
    "none": _none,
    "trait": _trait,
    "growth": _growth,
    "accumulating": _accumulating,
    "accumulating growth": _accumulating_growth,
}


def _intercept_root(truth: "Truth") -> Array:
    root: Array = truth._between_sds[:, None] * np.linalg.cholesky(
        correlations(truth.between_correlation, truth.spec.measures)
    )
    return root


def _joined(truth: "Truth", intercepts: object) -> Array:
    """Correlations of the factors of the measures and the slopes."""
    measures = truth.spec.measures
    across = crossed(truth.intercept_slope_correlation, measures)
    upper = correlations(intercepts, measures)  # type: ignore[arg-type]
    return np.block([[upper, across], [across.T, correlations(truth.slope_correlation or 0.0, measures)]])


def _at_first(truth: "Truth", root: Array) -> Array:
    """Regression of the first wave on the factors, from their correlations with it."""
    measures, sds = truth.spec.measures, np.sqrt(np.sum(root**2, axis=1))
    with_factors = crossed(truth.first_accumulating_correlation, measures)
    if truth.spec.growth:
        with_factors = np.hstack([with_factors, crossed(truth.first_slope_correlation, measures)])
    covariance = with_factors * truth._true_sds[:, None] * sds
    at_first: Array = np.linalg.solve(root @ root.T, covariance.T).T
    return at_first
