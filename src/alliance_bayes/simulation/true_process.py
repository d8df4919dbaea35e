"""What follows from true values: stable factors, effects and covariances in raw units."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.linalg import expm

from ..spec.steps import steps_per_interval
from .reading import Array, Correlation, correlations
from .stable_factors import StableFactors, stable_factors
from .true_values import TrueValues

__all__ = ["TrueProcess"]


@dataclass(frozen=True)
class TrueProcess(TrueValues):
    """Stable factors and within-person process of a `Truth`."""

    @property
    def standardized(self) -> Array:
        """Lagged effects, in within-person SDs of the outcome per within-person SD of the predictor.

        Dims (interval, outcome, predictor). In a DPM or ALT, the SDs given the accumulating factors.
        """
        if self.spec.lags == "continuous":
            lengths = np.diff(self.times)
            return np.asarray(expm(self._by_path(self.drift or {}) * lengths[:, None, None]))
        effects = self._effects
        if self.spec.lags != "grid":
            return effects
        return np.array([np.linalg.matrix_power(effects[0], steps) for steps in steps_per_interval(tuple(self.times))])

    @property
    def raw(self) -> Array:
        """Lagged effects Phi_t, in raw units of the outcome per raw unit of the predictor.

        Dims (interval, outcome, predictor).
        """
        sds = self._within_sds_by_wave
        return self.standardized * sds[1:, :, None] / sds[:-1, None, :]

    @property
    def step_effects(self) -> Array:
        """As `raw`; with a grid, of one base step of each interval."""
        sds = self._within_sds_by_wave
        return self._effects * sds[1:, :, None] / sds[:-1, None, :]

    @property
    def raw_drift(self) -> Array:
        """Drift A of a truth in continuous time, raw units per unit of time; dims (outcome, predictor)."""
        sds = self._within_sds
        return self._by_path(self.drift or {}) * sds[:, None] / sds

    @property
    def diffusion(self) -> Array:
        """Diffusion Q of a truth in continuous time, raw units; dims (measure, measure).

        As given by `innovations`, or ``-(A W + W A')``.
        """
        if self.innovations is not None:
            return np.asarray(self.innovations, dtype=float) * np.outer(self._within_sds, self._within_sds)
        carried = self.raw_drift @ self.within_covariance
        return -(carried + carried.T)

    @property
    def within_covariance(self) -> Array:
        """Within-person covariance W, raw units; dims (measure, measure).

        At every wave; with a `within_scale`, at the first.
        """
        return _covariance(self.within_correlation, self._within_sds, self.spec.measures)

    @property
    def between_covariance(self) -> Array:
        """Covariance of what is stable between persons at the first wave, raw units; dims (measure, measure).

        B of the random intercepts; in a DPM or ALT, of what the factors are responsible for; 0 in a CLPM.
        """
        if self.spec.random_intercepts:
            return _covariance(self.between_correlation, self._between_sds, self.spec.measures)
        return self.factors.first_covariance

    @cached_property
    def factors(self) -> StableFactors:
        """What is stable in a person, apart from covariates: see `StableFactors`."""
        return stable_factors(self)

    @property
    def factor_covariance(self) -> Array:
        """Covariance of the stable factors, raw units; dims (factor, factor), slopes after the others."""
        return self.factors.covariance

    @property
    def first_with_factors(self) -> Array:
        """Covariance of the first wave with the accumulating factors of a DPM or ALT; dims (measure, factor)."""
        return np.asarray(self.factors.at_first @ self.factors.covariance)

    @property
    def first_covariance(self) -> Array:
        """Covariance of the first wave's state of a DPM or ALT, ``Cov(s_1)``; dims (measure, measure)."""
        return self.factors.first_covariance + self.within_covariance

    @property
    def _shares(self) -> Array:
        """Share of the first wave's variance that is stable between persons."""
        if self.spec.accumulating and not self.equilibrium:
            return np.asarray(np.diag(self.factors.first_covariance) / self._total_sds**2)
        return self._each(self.icc)

    @property
    def _within_sds(self) -> Array:
        sds: Array = self._total_sds * np.sqrt(self._reliability - self._shares)
        return sds * np.sqrt(1 - self._each(self.error_share)) if self.spec.error else sds

    @property
    def _within_sds_by_wave(self) -> Array:
        return self._within_scale * self._within_sds

    @property
    def _step_innovations(self) -> Array:
        sds = self._within_sds_by_wave[1:]
        return self._standard_innovations * sds[:, :, None] * sds[:, None, :]


def _covariance(correlation: Correlation, sds: Array, measures: Sequence[str]) -> Array:
    return correlations(correlation, measures) * np.outer(sds, sds)
