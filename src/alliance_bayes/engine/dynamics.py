"""How lagged effects, innovations and within-person covariances follow from the parameters, as program steps."""

from collections.abc import Sequence
from functools import cached_property, partial, reduce
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

FEW_LENGTHS = 8  # up to which each interval has a transition of its own
DIGIT = 16
MOST_STEPS = DIGIT**4


class Interval(NamedTuple):
    """Effects and innovations from one wave to the next, step by step."""

    # Addresses of Phi of one step, dims (outcome, predictor), `NOTHING` where an effect is fixed at 0
    effects: Addresses
    innovation: Addresses  # addresses of the innovation covariance of one step
    n_steps: int  # steps in the interval; all but the last end at waves nobody observed


class Dynamics:
    """The within-person part of a model, written into a program over its parameters."""

    def __init__(self, workspace: Workspace) -> None:
        self.at = workspace.at
        self.spec, self.design, self.writer = workspace.spec, workspace.design, workspace.writer
        self.lags = workspace.lags
        self._over: dict[tuple[Who, float], tuple[Addresses, Addresses]] = {}
        self._powers: dict[tuple[Who, int], tuple[Addresses, Addresses]] = {}

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
                intervals = [Interval(*self._over_time(cell, length), 1) for length in lengths]
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
        who, length = (cell.group, cell.moderators), round(length, self.design.decimals)
        if (who, length) not in self._over:
            steps = self._steps.get(length)
            if steps is None:
                self._over[who, length] = self._transition(cell, length)
            else:
                self._over[who, length] = self._composed(cell, self._step, steps)
        return self._over[who, length]

    def _transition(self, cell: Cell, length: float) -> tuple[Addresses, Addresses]:
        """Both by one step of the program, or Phi alone where innovations follow from it."""
        writer = self.writer
        d = writer.constant(length)
        moved = writer.multiply(self.drift(cell), d)
        if self.spec.is_stationary:
            return writer.matrix_exponential(moved), np.array(())
        return writer.transition(moved, writer.multiply(self.at(DIFFUSION, cell.group), d))

    @cached_property
    def _steps(self) -> dict[float, int]:
        """Many different intervals as numbers of one short step; empty where they are few, or have no common step."""
        every, decimals = [pairwise(cell.times) for cell in self.design.cells], self.design.decimals
        lengths = sorted({round(later - earlier, decimals) for pairs in every for earlier, later in pairs})
        if len(lengths) <= FEW_LENGTHS:
            return {}
        shortest = lengths[-1] / MOST_STEPS
        step = reduce(partial(_common_divisor, least=0.1 * shortest), lengths)
        counts = np.round(np.array(lengths) / step)
        step = float(lengths[-1] / counts[-1])
        # Only rounding may be left: effects of fast processes hang on every digit of the time.
        left = np.abs(np.array(lengths) - counts * step).max()
        if step < shortest or left > 4 * 10.0**-decimals:
            return {}
        self._step = step
        return dict(zip(lengths, counts.astype(int).tolist(), strict=True))

    def _composed(self, cell: Cell, step: float, count: int) -> tuple[Addresses, Addresses]:
        """Effects and innovations over several steps, digit by digit, each digit once."""
        key = (cell.group, cell.moderators), count
        if key in self._powers:
            return self._powers[key]
        if count == 1:
            composed = self._transition(cell, step)
        else:
            unit = DIGIT ** int(np.log(count) / np.log(DIGIT) + 1e-9)
            part = unit if count > unit else count // DIGIT
            if count % unit and count > unit:
                part = count - count % unit
            elif count > unit:
                part = count - unit
            composed = self._joined(self._composed(cell, step, part), self._composed(cell, step, count - part))
        self._powers[key] = composed
        return composed

    def _joined(
        self, earlier: tuple[Addresses, Addresses], later: tuple[Addresses, Addresses]
    ) -> tuple[Addresses, Addresses]:
        """One interval after another."""
        effects = self.writer.product(later[0], earlier[0])
        if self.spec.is_stationary:
            return effects, np.array(())
        return effects, self.writer.add(self.writer.quadratic_form(later[0], earlier[1]), later[1])

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


def _common_divisor(first: float, second: float, *, least: float) -> float:
    """Euclid's algorithm for numbers that are rounded; what is below `least` is rounding."""
    while second > least:
        first, second = second, abs(first - second * round(first / second))
    return first
