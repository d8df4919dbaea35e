"""The linear system of a cell of people, made of what each part adds to it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from .design import Cell
from .dynamics import Dynamics, Interval
from .histories import NEW, OFF
from .keys import Key
from .linear_system import ONE, LinearSystem, Role, Variable
from .parameters import Addresses, Workspace
from .program import NOTHING

__all__ = ["Step", "SystemBuilder"]


class Step(NamedTuple):
    """From one wave, or from a base step between waves, to the next."""

    interval: Interval  # its effects and innovations
    wave: int  # position of the wave at the end of the interval
    time: float  # when it ends, which may be between waves
    # Within-person part of each measure at its beginning and its end
    before: list[Variable]
    after: list[Variable]
    # Positions of the measures that exist at its beginning, and at its end
    existed: list[int]
    exists: list[int]
    restarts: list[int]  # positions of those that restart at its end: they did not exist, or the state is a new one


class SystemBuilder:
    """What parts add the variables, paths, covariances and intercepts of one cell's people to.

    Every measure has a within-person part at each wave (in models without stable factors that are added to the values,
    its score) and a value, which is that part and what the parts of the model add.

    Attributes
    ----------
    within
        Within-person part of each measure at each wave.
    values
        Value of each measure at each wave.
    steps
        What leads from each wave to the next.
    factors
        Stable factors by role, one for each measure.
    covariates
        Variables of the covariates, in the order of the design.
    """

    def __init__(self, workspace: Workspace, dynamics: Dynamics, cell: Cell) -> None:
        self.workspace, self.cell, self.group = workspace, cell, cell.group
        self.spec, self.design, self.writer = workspace.spec, workspace.design, workspace.writer
        self.names, self.times = list(self.spec.measures), self.design.times_of(cell.group)
        self.factors: dict[Role, list[Variable]] = {}
        self.covariates: list[Variable] = []
        self.values = [[Variable("value", name, time) for name in self.names] for time in self.times]
        self._indicators: dict[Variable, list[Variable]] = {}
        self._regressions: list[Variable] = []
        self._paths: list[tuple[Variable, Variable, int]] = []
        self._covariances: list[tuple[Variable, Variable, int]] = []
        self._intercepts: dict[Variable, int] = {}
        self.within = [self._deviations(self.times[0])]
        self.steps = list(self._steps(dynamics.intervals(cell)))
        for wave, values in enumerate(self.values):
            for measure in self.exists(wave):
                self.path(values[measure], self.within[wave][measure])

    # ---- what parts ask ----

    def at(self, key: Key, occasion: int | None = None) -> Addresses:
        """Addresses of an array of parameters."""
        return self.workspace.at(key, self.group, occasion)

    def exists(self, wave: int) -> list[int]:
        """Positions of the measures that exist at a wave."""
        on = not self.cell.history or self.cell.history[wave] != OFF
        return [row for row, name in enumerate(self.names) if on or not self.spec.needs_state(name)]

    # ---- what parts add ----

    def path(self, row: Variable, column: Variable, address: int | None = None) -> None:
        """Add an effect of one variable on another; of 1 without an address, and none at `NOTHING`."""
        if address != NOTHING:
            self._paths.append((row, column, ONE if address is None else int(address)))

    def variance(self, variable: Variable, address: int | None = None) -> None:
        """Add the variance of a variable's disturbance; 1 without an address."""
        self._covariances.append((variable, variable, ONE if address is None else int(address)))

    def covariance(self, variables: Sequence[Variable], addresses: Addresses) -> None:
        """Add the covariance matrix of the disturbances of some variables."""
        for second, row in enumerate(addresses.tolist()):
            self._covariances += [(variables[second], variables[first], row[first]) for first in range(second + 1)]

    def crossing(self, rows: Sequence[Variable], columns: Sequence[Variable], addresses: Addresses) -> None:
        """Add the covariances of the disturbances of some variables with those of others."""
        for row, line in zip(rows, addresses.tolist(), strict=True):
            self._covariances += [(row, column, address) for column, address in zip(columns, line, strict=True)]

    def intercept(self, variable: Variable, address: int) -> None:
        """Add to the intercept of a variable; nothing at `NOTHING`."""
        if address == NOTHING:
            return
        known = self._intercepts.get(variable)
        total = address if known is None else self.writer.add(np.array(known), np.array(address))
        self._intercepts[variable] = int(total)

    def indicator(self, value: Variable, name: str) -> Variable:
        """Add an indicator that is observed in a value's place."""
        indicator = Variable("indicator", name, value.time)
        self._indicators.setdefault(value, []).append(indicator)
        return indicator

    def regression(self, role: Role, name: str, time: float) -> Variable:
        """Add a linear predictor of something that is yes or no."""
        predictor = Variable(role, name, time)
        self._regressions.append(predictor)
        return predictor

    # ---- the system ----

    def order(self) -> list[Variable]:
        """All variables in causal order."""
        measured = [
            each for wave in self.values for value in wave for each in (value, *self._indicators.get(value, ()))
        ]
        factors = [each for of_role in self.factors.values() for each in of_role]
        within = [*self.within[0], *(each for step in self.steps for each in step.after)]
        return [*self.covariates, *factors, *within, *measured, *self._regressions]

    def observed(self) -> list[Variable]:
        """What a panel holds values of: wave by wave, then regressions, then covariates."""
        measured = [each for wave in self.values for value in wave for each in self._indicators.get(value, [value])]
        return [*measured, *self._regressions, *self.covariates]

    def system(self) -> LinearSystem:
        """The system, once every part has added what it has and the program is complete."""
        variables = self.order()
        place = {variable: position for position, variable in enumerate(variables)}
        paths = _placed(self._paths, place)
        covariances = [(max(pair), min(pair)) for pair in _placed(self._covariances, place)]
        settled = self.writer.settled
        registers = [
            settled(np.array([entry[-1] for entry in entries], dtype=np.int64)).tolist()
            for entries in (self._paths, self._covariances)
        ]
        intercepts = settled(np.array(list(self._intercepts.values()), dtype=np.int64)).tolist()
        return LinearSystem(
            tuple(variables),
            tuple((*pair, register) for pair, register in zip(paths, registers[0], strict=True)),
            tuple((*pair, register) for pair, register in zip(covariances, registers[1], strict=True)),
            tuple((place[variable], register) for variable, register in zip(self._intercepts, intercepts, strict=True)),
            tuple(place[variable] for variable in self.observed()),
        )

    def _deviations(self, time: float) -> list[Variable]:
        return [Variable("within", name, time) for name in self.names]

    def _steps(self, intervals: Iterable[Interval]) -> Iterable[Step]:
        before, existed = self.within[0], self.exists(0)
        for wave, interval in enumerate(intervals, start=1):
            start, end = self.times[wave - 1], self.times[wave]
            for number in range(1, interval.n_steps + 1):
                ends = number == interval.n_steps
                time = end if ends else start + number / interval.n_steps * (end - start)
                after, exists, restarts = self._deviations(time), self.exists(wave), list[int]()
                if ends:
                    restarts = self._restarting(wave, existed, exists)
                else:
                    exists = [row for row in exists if row in existed]
                yield Step(interval, wave, time, before, after, existed, exists, restarts)
                before, existed = after, exists
            self.within.append(before)

    def _restarting(self, wave: int, existed: Sequence[int], exists: Sequence[int]) -> list[int]:
        if not self.cell.history:
            return []
        is_new = self.cell.history[wave] == NEW
        return [row for row in exists if row not in existed or (is_new and self.spec.needs_state(self.names[row]))]


def _placed(entries: Iterable[tuple[Variable, Variable, int]], place: Mapping[Variable, int]) -> list[tuple[int, int]]:
    return [(place[row], place[column]) for row, column, _ in entries]
