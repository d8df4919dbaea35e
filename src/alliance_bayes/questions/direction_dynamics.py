"""Basis of an answer on direction: what a question about hidden causes needs of the fit, and no more."""

from dataclasses import dataclass
from typing import Self

import xarray as xr

from ..posterior.posterior import Posterior
from ..spec.cross_lagged import CrossLagged
from .lengths import length_labels

__all__ = ["DirectionDynamics"]

NEEDED = ("lagged_standardized", "within_correlation")


@dataclass(frozen=True, eq=False)
class DirectionDynamics:
    """The model, lengths of intervals as text, and draws of standardised effects and within-person correlations."""

    spec: CrossLagged
    lengths: tuple[str, ...]
    draws: xr.Dataset

    @classmethod
    def of(cls, fit: Posterior) -> Self:
        """Read off a fit."""
        draws = fit.posterior
        return cls(fit.spec, tuple(length_labels(fit)), draws[[name for name in NEEDED if name in draws]])
