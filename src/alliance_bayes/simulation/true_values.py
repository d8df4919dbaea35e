"""True values as given, as arrays: by path, by measure and by wave."""

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import Any

import numpy as np

from ..basics.names import ARROW, lagged_path
from ..spec.cross_lagged import CrossLagged
from .reading import Array, Correlation, Each, PerMeasure, by_name, correlations, table

__all__ = ["TrueValues", "effects_by_path", "stationary_innovations"]

type OneEach = float | Mapping[str, float]


@dataclass(frozen=True)
class TrueValues:
    """The arguments of a `Truth`, which checks them, and their arrays."""

    spec: CrossLagged
    _: KW_ONLY
    times: Sequence[float]
    lagged: Mapping[str, Each] = field(default_factory=dict)
    carry_over: PerMeasure | None = None
    icc: OneEach | None = None
    within_correlation: Correlation = 0.0
    between_correlation: Correlation = 0.0
    means: PerMeasure | None = None
    sds: OneEach | None = None
    drift: Mapping[str, float] | None = None
    lag_2: Mapping[str, float] | None = None
    moderation: Mapping[str, float] | None = None
    within_scale: PerMeasure | None = None
    innovations: Sequence[Any] | Array | None = None
    trait_loadings: PerMeasure | None = None
    error_share: OneEach | None = None
    equilibrium: bool | None = None
    accumulating_sds: OneEach | None = None
    accumulating_correlation: Correlation | None = None
    first_accumulating_correlation: OneEach | None = None
    accumulating_means: OneEach | None = None
    slope_sds: OneEach | None = None
    slope_means: OneEach | None = None
    slope_correlation: Correlation | None = None
    intercept_slope_correlation: OneEach | None = None
    first_slope_correlation: OneEach | None = None
    loadings: Mapping[str, Each] | None = None
    item_intercepts: Mapping[str, Each] | None = None
    unique_sds: PerMeasure | None = None
    covariates: Mapping[str, Mapping[str, Any]] | None = None
    responses: Mapping[str, Mapping[str, Each]] | None = None
    state: Mapping[str, Any] | None = None
    selection: Mapping[str, Mapping[str, Any]] | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of a simulated panel that the model describes: the measures, or their indicators or items."""
        return self.spec.response_columns

    def along(self, times: Array) -> Array:
        """Times as shares of the way from the first wave to the last, over which slopes are counted."""
        return np.asarray((times - self.times[0]) / (self.times[-1] - self.times[0]))

    @property
    def _paths(self) -> dict[str, Each]:
        """Effects given, by path: carry-over, then `lagged`; in continuous time the drift."""
        return self._own_paths | dict(self.lagged) | dict(self.drift or {})

    @property
    def _own_paths(self) -> dict[str, Each]:
        effects = {} if self.carry_over is None else by_name(self.carry_over, self.spec.measures)
        return {lagged_path(name, name): effect for name, effect in effects.items()}

    @property
    def _effects(self) -> Array:
        """Standardised effects over each interval, with a grid over a base step; dims as `standardized`."""
        measures = self.spec.measures
        effects = np.zeros((len(self.times) - 1, len(measures), len(measures)))
        for path, effect in self._paths.items():
            predictor, outcome = (measures.index(name) for name in path.split(ARROW))
            effects[:, outcome, predictor] = effect
        return effects

    @property
    def _total_sds(self) -> Array:
        return self._each(1.0 if self.sds is None else self.sds)

    @property
    def _reliability(self) -> Array:
        return np.array([self.spec.reliability.get(name, 1.0) for name in self.spec.measures])

    @property
    def _true_sds(self) -> Array:
        """Total SDs without known measurement error."""
        return np.asarray(self._total_sds * np.sqrt(self._reliability))

    @property
    def _within_scale(self) -> Array:
        """Within-person SDs relative to those at the first wave; dims (wave, measure)."""
        scale = np.ones((len(self.times), len(self.spec.measures)))
        if self.within_scale is not None:
            scale[1:] = table(self.within_scale, self.spec.measures, len(self.times) - 1)
        return scale

    @property
    def _between_sds(self) -> Array:
        return np.asarray(self._total_sds * np.sqrt(self._each(self.icc)))

    @property
    def _standard_innovations(self) -> Array:
        """Innovation covariances of a step, in within-person SDs at its end; dims (interval, measure, measure)."""
        if self.innovations is not None:
            shape = (len(self.times) - 1, *2 * (len(self.spec.measures),))
            return np.broadcast_to(np.asarray(self.innovations, dtype=float), shape)
        within = correlations(self.within_correlation, self.spec.measures)
        if self.lag_2 is None:
            return stationary_innovations(self._effects, within)
        second, before, covariances = self._by_path(self.lag_2), np.zeros_like(within), []
        for index, effects in enumerate(self._effects):
            both = np.hstack([effects, second if index else 0 * second])
            joint = np.block([[within, before], [before.T, within]])
            covariances.append(within - both @ joint @ both.T)
            before = effects @ within + (second @ before.T if index else 0)
        return np.array(covariances)

    @property
    def _wave_means(self) -> Array:
        """Means of the measures as given; dims (wave, measure)."""
        return table(0.0 if self.means is None else self.means, self.spec.measures, len(self.times))

    def _each(self, value: PerMeasure | None) -> Array:
        """A value of each measure, 0 where nothing is given; shape ``(measure,)``."""
        return table(0.0 if value is None else value, self.spec.measures, 1).ravel()

    def _by_path(self, effects: Mapping[str, float]) -> Array:
        return effects_by_path(effects, self.spec.measures)


def effects_by_path(effects: Mapping[str, Any], measures: Sequence[str]) -> Array:
    """Effects in full, dims (outcome, predictor)."""
    matrix = np.zeros((len(measures), len(measures)))
    for path, effect in effects.items():
        predictor, outcome = (measures.index(name) for name in path.split(ARROW))
        matrix[outcome, predictor] = effect
    return matrix


def stationary_innovations(lagged: Array, within: Array) -> Array:
    """``W - Phi W Phi'`` for each interval."""
    return within - lagged @ within @ lagged.swapaxes(-1, -2)
