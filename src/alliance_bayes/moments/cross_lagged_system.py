"""Models of the cross-lagged family, laid out as linear systems."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from ..names import number
from ..spec.cross_lagged import CrossLagged
from ..spec.steps import interval_names
from .design import Cell, Covariate, Design
from .dynamics import Dynamics
from .linear_system import ONE, LinearSystem, PanelSystem
from .parameters import ParameterTable, lay_out_parameters
from .program import NOTHING, Writer

__all__ = ["cross_lagged_system"]

type Addresses = npt.NDArray[np.int64]


def cross_lagged_system(spec: CrossLagged, design: Design) -> PanelSystem:
    """Lay out a model of the cross-lagged family for a panel.

    Parameters
    ----------
    spec
        The model.
    design
        What it has to know of the panel.
    """
    table = lay_out_parameters(spec, design)
    writer = Writer(len(table))
    dynamics = Dynamics(spec, design, table, writer)
    cells = [_CellLayout(spec, design, table, dynamics, cell) for cell in design.cells]
    structure = writer.program()
    return PanelSystem(
        table.parameters, structure, tuple(cell.system(writer) for cell in cells), len(design.covariates)
    )


class _CellLayout:
    """The variables of one cell's people in causal order, and what joins them."""

    def __init__(
        self, spec: CrossLagged, design: Design, table: ParameterTable, dynamics: Dynamics, cell: Cell
    ) -> None:
        self.spec, self.design, self.table, self.dynamics, self.cell = spec, design, table, dynamics, cell
        self.writer = dynamics.writer
        self.names, self.group = list(spec.measures), cell.group
        self.variables: list[str] = []
        self.paths: list[tuple[int, int, int]] = []
        self.covariances: list[tuple[int, int, int]] = []
        self.intercepts: list[tuple[int, int]] = []
        self.observed: list[int] = []

        self.covariates = [self.variable(_covariate_name(each, design)) for each in design.covariates]
        self.covariances += [(row, row, ONE) for row in self.covariates]
        intercepts, slopes = self.stable_factors()
        self.waves = self.states(intercepts, slopes)
        for wave, time in enumerate(design.times_of(cell.group)):
            for measure, name in enumerate(self.names):
                self.value(wave, number(time), measure, name, intercepts, slopes)
        self.observed += self.covariates

    def system(self, writer: Writer) -> LinearSystem:
        """The system, once the program is complete."""

        def settled[Entry: tuple[int, ...]](entries: Sequence[Entry]) -> tuple[Entry, ...]:
            registers = writer.settled(np.array([entry[-1] for entry in entries], dtype=np.int64))
            return tuple((*entry[:-1], int(register)) for entry, register in zip(entries, registers, strict=True))  # type: ignore[misc]

        return LinearSystem(
            tuple(self.variables),
            settled(self.paths),
            settled(self.covariances),
            settled(self.intercepts),
            tuple(self.observed),
        )

    def variable(self, name: str) -> int:
        self.variables.append(name)
        return len(self.variables) - 1

    def at(self, name: str, occasion: int | None = None) -> Addresses:
        return self.table.at(name, self.group, occasion)

    def path(self, row: int, column: int, address: int) -> None:
        if address != NOTHING:
            self.paths.append((row, column, int(address)))

    def fixed_path(self, row: int, column: int) -> None:
        self.paths.append((row, column, ONE))

    def covariance(self, rows: Sequence[int], addresses: Addresses) -> None:
        for second in range(len(rows)):
            for first in range(second + 1):
                self.covariances.append((rows[second], rows[first], int(addresses[second, first])))

    def crossing(self, rows: Sequence[int], columns: Sequence[int], addresses: Addresses) -> None:
        for row, line in zip(rows, addresses, strict=True):
            for column, address in zip(columns, line, strict=True):
                self.covariances.append((max(row, column), min(row, column), int(address)))

    def regressed(self, variables: Mapping[int, int], target: str, wave: int | None = None) -> None:
        """Effects of the covariates that act on this target; variables by the position of their measure."""
        for name in (name for name, targets in self.spec.covariates.items() if target in targets):
            effects = self.at(f"{name} on {target}", wave if target == "each_wave" else None)
            for row, each in zip(self.covariates, self.design.covariates, strict=True):
                if each.name == name and (each.wave is None or each.wave == wave):
                    for measure, variable in variables.items():
                        self.path(variable, row, effects[measure])

    def stable_factors(self) -> tuple[list[int], list[int]]:
        """Random intercepts (or accumulating factors) and slopes, where the model has them."""
        spec = self.spec
        if spec.stable == "none":
            return [], []
        word = "accumulating" if spec.accumulating else "intercept"
        intercepts = [self.variable(f"{word} {name}") for name in self.names]
        self.covariance(intercepts, self.at("accumulating" if spec.accumulating else "between"))
        self.regressed(dict(enumerate(intercepts)), "intercepts")
        slopes: list[int] = []
        if spec.growth:
            slopes = [self.variable(f"slope {name}") for name in self.names]
            self.covariance(slopes, self.at("accumulating slope" if spec.accumulating else "slope"))
            name = "accumulating with accumulating slope" if spec.accumulating else "between with slope"
            self.crossing(intercepts, slopes, self.at(name))
            self.regressed(dict(enumerate(slopes)), "slopes")
            words = ("accumulating", "accumulating slope") if spec.accumulating else ("intercept", "slope")
            for factors, mean in zip((intercepts, slopes), words, strict=True):
                self.intercepts += list(zip(factors, map(int, self.at(f"mean {mean}")), strict=True))
        return intercepts, slopes

    def states(self, intercepts: Sequence[int], slopes: Sequence[int]) -> list[list[int]]:
        """Within-person parts (or the scores themselves) at every wave."""
        spec, times = self.spec, self.design.times_of(self.group)
        state = [self.variable(f"within {name}, {number(times[0])}") for name in self.names]
        self.covariance(state, self.at("within"))
        self.regressed(dict(enumerate(state)), "first_wave")
        if spec.accumulating:
            self.crossing(intercepts, state, self.at("accumulating with first"))
        if spec.accumulating and slopes:
            self.crossing(slopes, state, self.at("accumulating slope with first"))
            self.intercepts += list(zip(state, map(int, self.at("mean", 0)), strict=True))
        waves = [state]
        for place, interval in enumerate(self.dynamics.intervals(self.cell)):
            name_of_interval = interval_names(times)[place]
            for step in range(interval.n_steps):
                share = (step + 1) / interval.n_steps
                last = step + 1 == interval.n_steps
                wave = number(times[place + 1]) if last else f"{name_of_interval} step {step + 1}"
                new = [self.variable(f"within {name}, {wave}") for name in self.names]
                for row, variable in enumerate(new):
                    for column, before in enumerate(state):
                        self.path(variable, before, interval.effects[row, column])
                if spec.lag_2 and place > 0:
                    self.second_lag(new, waves[place - 1])
                if spec.accumulating:
                    time = times[place] + share * (times[place + 1] - times[place])
                    self.accumulate(new, intercepts, slopes, time)
                self.covariance(new, interval.innovation)
                state = new
            waves.append(state)
        return waves

    def second_lag(self, new: Sequence[int], before: Sequence[int]) -> None:
        effects = self.at("lag 2")
        for row, variable in enumerate(new):
            for column, earlier in enumerate(before):
                self.path(variable, earlier, effects[row, column])

    def accumulate(self, new: Sequence[int], intercepts: Sequence[int], slopes: Sequence[int], time: float) -> None:
        for variable, factor in zip(new, intercepts, strict=True):
            self.fixed_path(variable, factor)
        for variable, factor in zip(new, slopes, strict=False):
            self.path(variable, factor, int(self.writer.constant(self.design.along(time))))

    def value(
        self, wave: int, time: str, measure: int, name: str, intercepts: Sequence[int], slopes: Sequence[int]
    ) -> None:
        """One value of one measure: an observed variable, or a latent one with its indicators."""
        spec = self.spec
        value = self.variable(f"{name}, {time}")
        self.fixed_path(value, self.waves[wave][measure])
        if spec.random_intercepts:
            loading = self.at("loading", wave)[measure] if spec.free_loadings and wave > 0 else ONE
            self.paths.append((value, intercepts[measure], int(loading)))
        if spec.stable == "growth" and wave > 0:
            self.path(
                value,
                slopes[measure],
                int(self.writer.constant(self.design.along(self.cell.times[wave]))),
            )
        if not spec.growth and self.at("mean", wave)[measure] != NOTHING:
            self.intercepts.append((value, int(self.at("mean", wave)[measure])))
        for target in ("each_wave", "every_wave"):
            self.regressed({measure: value}, target, wave)
        if spec.error:
            self.covariances.append((value, value, int(self.at("error")[measure])))
        elif name in spec.reliability:
            self.covariances.append((value, value, int(self.writer.constant(1 - spec.reliability[name]))))
        if name not in spec.indicators:
            self.observed.append(value)
            return
        for item, (loading, intercept, unique) in zip(
            spec.indicators[name], self.at(f"items of {name}", wave), strict=True
        ):
            indicator = self.variable(f"{item}, {time}")
            self.paths.append((indicator, value, ONE if loading == NOTHING else int(loading)))
            if intercept != NOTHING:
                self.intercepts.append((indicator, int(intercept)))
            self.covariances.append((indicator, indicator, int(unique)))
            self.observed.append(indicator)


def _covariate_name(covariate: Covariate, design: Design) -> str:
    return covariate.name if covariate.wave is None else f"{covariate.name}, {number(design.times[covariate.wave])}"
