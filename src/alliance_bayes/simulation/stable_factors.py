"""What is stable in a person, kind by kind: random intercepts, lines, and factors that enter at each wave."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .reading import Array, correlations, crossed, table
from .true_values import TrueValues

__all__ = ["StableFactors", "stable_factors"]


@dataclass(frozen=True, eq=False)
class StableFactors:
    """Normal factors of a person, one for each measure, then one slope for each where there are slopes.

    `loadings` are those of the factors of the measures on values, dims (wave, measure); or, where they enter each wave,
    their effects on it, 0 at the first.
    """

    root: Array  # a matrix whose product with its transpose is their covariance, dims (factor, shock)
    means: Array  # shape (factor,)
    at_first: Array  # regression of the first wave on them, besides its within-person part; dims (measure, factor)
    loadings: Array
    slopes: bool = False  # whether the second half are slopes, which count by the share of time gone by
    enters_each_wave: bool = False  # whether they act on the next wave through the dynamics instead of being added

    @property
    def covariance(self) -> Array:
        """Covariance of the factors, raw units; dims (factor, factor)."""
        return np.asarray(self.root @ self.root.T)

    @property
    def first_covariance(self) -> Array:
        """Covariance of what they are responsible for at the first wave; dims (measure, measure)."""
        reach = self.at_first @ self.root
        if not self.enters_each_wave:
            reach = self.loadings[0][:, None] * self.root[: self.loadings.shape[1]]
        return np.asarray(reach @ reach.T)

    def added(self, factors: Array, along: Array, wave: int) -> Array:
        """Their part of the values at a wave, dims (person, measure).

        `factors` have dims (person, factor); `along` is the share of time gone by, of all or by person.
        """
        size = self.loadings.shape[1]
        if self.enters_each_wave:
            return np.zeros((len(factors), size))
        added: Array = self.loadings[wave] * factors[:, :size]
        return added + along[..., None] * factors[:, size:] if self.slopes else added

    def acting(self, along: Array, wave: int) -> Array:
        """Their effects on a wave or a step on the way to it, `along` of the time having gone by; (measure, factor)."""
        loadings: Array = np.diag(self.loadings[wave])
        return np.hstack([loadings, along * np.eye(len(loadings))]) if self.slopes else loadings


def stable_factors(truth: TrueValues) -> StableFactors:
    """The stable factors of a truth."""
    return _KINDS[truth.spec.stable](truth)


def _none(truth: TrueValues) -> StableFactors:
    waves, size = len(truth.times), len(truth.spec.measures)
    return StableFactors(np.zeros((size, size)), np.zeros(size), np.zeros((size, size)), np.zeros((waves, size)))


def _trait(truth: TrueValues) -> StableFactors:
    """``y = mu + Lambda_t b + w``."""
    size = len(truth.spec.measures)
    return StableFactors(_intercept_root(truth), np.zeros(size), np.zeros((size, size)), _loadings(truth, 0))


def _growth(truth: TrueValues) -> StableFactors:
    """``y = b + s tau_t + w``."""
    size = len(truth.spec.measures)
    means = np.concatenate([truth._each(truth.means), truth._each(truth.slope_means)])
    sds = np.concatenate([truth._between_sds, truth._each(truth.slope_sds)])
    together = _joined(truth, truth.between_correlation)
    root = sds[:, None] * np.linalg.cholesky(together)
    return StableFactors(root, means, np.zeros((size, 2 * size)), np.ones((len(truth.times), size)), slopes=True)


def _accumulating(truth: TrueValues) -> StableFactors:
    """``s_t = Phi_t s_t-1 + Lambda_t alpha + z_t``, and at equilibrium ``alpha = (I - Phi) b``."""
    size, loadings = len(truth.spec.measures), _loadings(truth, 1)
    if truth.equilibrium:
        within = np.sqrt(truth._true_sds**2 - truth._between_sds**2) * truth._within_scale
        remaining = np.eye(size) - truth._effects[0] * within[1][:, None] / within[0]
        return StableFactors(
            remaining @ _intercept_root(truth),
            np.zeros(size),
            np.linalg.inv(remaining),
            loadings,
            enters_each_wave=True,
        )
    sds = truth._each(truth.accumulating_sds)
    root = sds[:, None] * np.linalg.cholesky(correlations(truth.accumulating_correlation or 0.0, truth.spec.measures))
    return StableFactors(root, np.zeros(size), _at_first(truth, root), loadings, enters_each_wave=True)


def _accumulating_growth(truth: TrueValues) -> StableFactors:
    """``y_t = Phi_t y_t-1 + alpha + beta tau_t + z_t``."""
    means = np.concatenate([truth._each(truth.accumulating_means), truth._each(truth.slope_means)])
    sds = np.concatenate([truth._each(truth.accumulating_sds), truth._each(truth.slope_sds)])
    root = sds[:, None] * np.linalg.cholesky(_joined(truth, truth.accumulating_correlation or 0.0))
    return StableFactors(root, means, _at_first(truth, root), _loadings(truth, 1), slopes=True, enters_each_wave=True)


_KINDS: dict[str, Callable[[TrueValues], StableFactors]] = {
    "none": _none,
    "trait": _trait,
    "growth": _growth,
    "accumulating": _accumulating,
    "accumulating growth": _accumulating_growth,
}


def _loadings(truth: TrueValues, first: int) -> Array:
    """1 from the first wave that the factors act on, and at later ones where the truth does not say otherwise."""
    waves, measures = len(truth.times), truth.spec.measures
    loadings = np.ones((waves, len(measures)))
    loadings[:first] = 0.0
    if truth.trait_loadings is not None:
        loadings[first + 1 :] = table(truth.trait_loadings, measures, waves - first - 1)
    return loadings


def _intercept_root(truth: TrueValues) -> Array:
    root: Array = truth._between_sds[:, None] * np.linalg.cholesky(
        correlations(truth.between_correlation, truth.spec.measures)
    )
    return root


def _joined(truth: TrueValues, intercepts: object) -> Array:
    """Correlations of the factors of the measures and the slopes."""
    measures = truth.spec.measures
    across = crossed(truth.intercept_slope_correlation, measures)
    upper = correlations(intercepts, measures)  # type: ignore[arg-type]
    return np.block([[upper, across], [across.T, correlations(truth.slope_correlation or 0.0, measures)]])


def _at_first(truth: TrueValues, root: Array) -> Array:
    """Regression of the first wave on the factors, from their correlations with it."""
    measures, sds = truth.spec.measures, np.sqrt(np.sum(root**2, axis=1))
    with_factors = crossed(truth.first_accumulating_correlation, measures)
    if truth.spec.growth:
        with_factors = np.hstack([with_factors, crossed(truth.first_slope_correlation, measures)])
    covariance = with_factors * truth._true_sds[:, None] * sds
    return np.asarray(np.linalg.solve(root @ root.T, covariance.T).T)
