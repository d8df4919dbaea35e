"""How lagged effects, innovations and within-person covariances follow from the parameters, as program steps."""

from collections.abc import Sequence
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from .design import Cell
from .keys import (
    ACCUMULATING,
    ACCUMULATING_SLOPE,
    ACCUMULATING_SLOPE_WITH_FIRST,
    ACCUMULATING_WITH_FIRST,
    ACCUMULATING_WITH_SLOPE,
    DIFFUSION,
    DRIFT,
    FIRST,
    INNOVATION,
    LAGGED,
    MODERATION,
)
from .parameters import Addresses, Workspace
from .program import NOTHING

__all__ = ["Dynamics", "Interval"]

type Who = tuple[int, tuple[float, ...]]


class Interval(NamedTuple):
    """Effects and innovations from one wave to the next, step by step."""

    # Addresses of Phi of one step, dims (outcome, predictor), `NOTHING` where an effect is fixed at 0
    effects: Addresses
    innovation: Addresses  # addresses of the innovation covariance of one step
    n_steps: int  # steps in the interval; all but the last end at waves nobody observed


class Dynamics:
    """The within-person part of a model, written into a program over its parameters.

    Parameters
    ----------
    workspace
        The program.
    cells
        Cells whose intervals are asked for: those of one process are worked out together.
    """

    def __init__(self, workspace: Workspace, cells: Sequence[Cell] = ()) -> None:
        self.at = workspace.at
        self.spec, self.design, self.writer = workspace.spec, workspace.design, workspace.writer
        self.lags, self.cells = workspace.lags, cells
        self._over: dict[tuple[Who, float], Sequence[Addresses]] = {}

    def first(self, group: int) -> Addresses:
        """Covariance of the first wave: of the within-person parts, or given the accumulating factors."""
        covariance = self.at(FIRST, group)
        if not self.spec.accumulating:
            return covariance
        factors, crossing = self._factors(group)
        weights = self.writer.product(crossing.T, self.writer.inverse(factors))
        return self.writer.subtract(covariance, self.writer.product(weights, crossing))

    def _factors(self, group: int) -> tuple[Addresses, Addresses]:
        """Covariance of the accumulating factors, and theirs with the first wave, dims (factor, measure)."""
        alpha, crossing = self.at(ACCUMULATING, group), self.at(ACCUMULATING_WITH_FIRST, group)
        if not self.spec.growth:
            return alpha, crossing
        both = self.at(ACCUMULATING_WITH_SLOPE, group)
        return (
            np.block([[alpha, both], [both.T, self.at(ACCUMULATING_SLOPE, group)]]),
            np.vstack([crossing, self.at(ACCUMULATING_SLOPE_WITH_FIRST, group)]),
        )

    def intervals(self, cell: Cell) -> list[Interval]:
        """Every interval of a cell's waves."""
        lengths = [later - earlier for earlier, later in pairwise(cell.times)]
        match self.lags:
            case "continuous":
                return [Interval(*self._over_time(cell, length), 1) for length in lengths]
            case "equal_standardized":
                intervals = self._equal_standardized(cell.group, len(lengths))
            case lags:
                steps = [round(length / self.design.step) if lags == "grid" else 1 for length in lengths]
                intervals = [
                    Interval(
                        self._moderated(self.at(LAGGED, cell.group, occasion), cell),
                        self._innovation(cell.group, occasion),
                        n_steps,
                    )
                    for occasion, n_steps in enumerate(steps)
                ]
        return self._stationary(cell.group, intervals) if self.spec.is_stationary else intervals

    def _innovation(self, group: int, occasion: int) -> Addresses:
        return np.array(()) if self.spec.is_stationary else self.at(INNOVATION, group, occasion)

    def _moderated(self, effects: Addresses, cell: Cell) -> Addresses:
        for place, value in enumerate(cell.moderators):
            change = self.at(MODERATION, cell.group, place)
            moved = self.writer.add(effects, self.writer.multiply(change, self.writer.constant(value)))
            effects = np.where(change == NOTHING, effects, moved)
        return effects

    def drift(self, cell: Cell) -> Addresses:
        """The drift A of a cell, dims (outcome, predictor)."""
        return self._moderated(self.at(DRIFT, cell.group), cell)

    def _over_time(self, cell: Cell, length: float) -> tuple[Addresses, Addresses]:
        """``exp(A d)`` and ``int_0^d exp(A s) Q exp(A' s) ds`` of a cell."""
        who, length = _who(cell), self._rounded(length)
        if (who, length) not in self._over:
            lengths = sorted(self._lengths.get(who, set()) | self._lengths_of(cell))
            effects, innovations = self.writer.transitions(self.drift(cell), self._diffusion(cell), lengths)
            self._over |= {(who, d): pair for d, *pair in zip(lengths, effects, innovations, strict=True)}
        effects, innovation = self._over[who, length]
        return effects, innovation

    @cached_property
    def _lengths(self) -> dict[Who, set[float]]:
        """Lengths of all intervals of the cells that have the same drift."""
        lengths: dict[Who, set[float]] = {}
        for cell in self.cells:
            lengths.setdefault(_who(cell), set()).update(self._lengths_of(cell))
        return lengths

    def _lengths_of(self, cell: Cell) -> set[float]:
        return {self._rounded(later - earlier) for earlier, later in pairwise(cell.times)}

    def _rounded(self, length: float) -> float:
        return round(length, self.design.decimals)

    def _diffusion(self, cell: Cell) -> Addresses:
        """The diffusion Q; where the covariance P stays the same it is ``-(A P + P A')``."""
        if not self.spec.is_stationary:
            return self.at(DIFFUSION, cell.group)
        moved = self.writer.product(self.drift(cell), self.at(FIRST, cell.group))
        return self.writer.subtract(np.full(moved.shape, NOTHING), self.writer.add(moved, moved.T))

    def _stationary(self, group: int, intervals: Sequence[Interval]) -> list[Interval]:
        """Innovations that keep the within-person covariance: ``Psi = P - Phi P Phi'`` of each step."""
        covariance, innovations = self.at(FIRST, group), dict[bytes, Addresses]()
        for interval in intervals:
            key = interval.effects.tobytes()
            if key not in innovations:
                carried = self.writer.quadratic_form(interval.effects, covariance)
                innovations[key] = self.writer.subtract(covariance, carried)
        return [interval._replace(innovation=innovations[interval.effects.tobytes()]) for interval in intervals]

    def _equal_standardized(self, group: int, n_intervals: int) -> list[Interval]:
        """``Phi_t = D_t S D_t-1^-1`` with D_t the within-person SDs at wave t.

        With R the within-person correlation, ``Var(w_t) (1 - diag(S R_t-1 S')) = diag Psi_t``.
        """
        writer, effects = self.writer, self.at(LAGGED, group)
        covariance, intervals = self.at(FIRST, group), []
        one = writer.constant(1.0)
        for occasion in range(n_intervals):
            innovation = self.at(INNOVATION, group, occasion)
            before = writer.sds(covariance)
            correlation = writer.divide(writer.divide(covariance, before[:, None]), before[None, :])
            explained = np.diagonal(writer.quadratic_form(effects, correlation))
            after = writer.square_root(writer.divide(np.diagonal(innovation), writer.subtract(one, explained)))
            raw = writer.divide(writer.multiply(effects, after[:, None]), before[None, :])
            raw = np.where(effects == NOTHING, NOTHING, raw)
            intervals.append(Interval(raw, innovation, 1))
            covariance = writer.add(writer.quadratic_form(raw, covariance), innovation)
        return intervals


def _who(cell: Cell) -> Who:
    return cell.group, cell.moderators
