"""Models of the cross-lagged family, laid out as linear systems."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from ...spec.cross_lagged import CrossLagged
from .design import Cell, Covariate, Design
from .dynamics import Dynamics, Interval
from .histories import NEW, OFF
from .linear_system import ONE, LinearSystem, PanelSystem, Role, Variable
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
        self.variables: list[Variable] = []
        self.paths: list[tuple[int, int, int]] = []
        self.covariances: list[tuple[int, int, int]] = []
        self.intercepts: list[tuple[int, int]] = []
        self.observed: list[int] = []

        self.covariates = [self.variable("covariate", each.name, self.time_of(each)) for each in design.covariates]
        self.covariances += [(row, row, ONE) for row in self.covariates]
        intercepts, slopes = self.stable_factors()
        self.waves = self.states(intercepts, slopes)
        for wave, time in enumerate(design.times_of(cell.group)):
            for measure, name in enumerate(self.names):
                self.value(wave, time, measure, name, intercepts, slopes)
        self.predictors(intercepts)
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

    def variable(self, role: Role, name: str, time: float | None = None) -> int:
        return self.add(Variable(role, name, time))

    def add(self, variable: Variable) -> int:
        self.variables.append(variable)
        return len(self.variables) - 1

    def time_of(self, covariate: Covariate) -> float | None:
        return None if covariate.wave is None else self.design.times[covariate.wave]

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
        role: Role = "accumulating" if spec.accumulating else "intercept"
        intercepts = [self.variable(role, name) for name in self.names]
        self.covariance(intercepts, self.at("accumulating" if spec.accumulating else "between"))
        self.regressed(dict(enumerate(intercepts)), "intercepts")
        slopes: list[int] = []
        if spec.growth:
            slopes = [self.variable("slope", name) for name in self.names]
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
        state = [self.variable("within", name, times[0]) for name in self.names]
        exists = self.exists(0)
        self.covariance([state[row] for row in exists], self.at("within")[np.ix_(exists, exists)])
        self.regressed({row: state[row] for row in exists}, "first_wave")
        if spec.accumulating:
            self.crossing(intercepts, state, self.at("accumulating with first"))
        if spec.accumulating and slopes:
            self.crossing(slopes, state, self.at("accumulating slope with first"))
            self.intercepts += list(zip(state, map(int, self.at("mean", 0)), strict=True))
        waves = [state]
        for place, interval in enumerate(self.dynamics.intervals(self.cell)):
            for step in range(interval.n_steps):
                share = (step + 1) / interval.n_steps
                last = step + 1 == interval.n_steps
                time = times[place + 1] if last else times[place] + share * (times[place + 1] - times[place])
                new = [self.variable("within", name, time) for name in self.names]
                earlier, exists = exists, self.exists(place + 1)
                if not last:
                    exists = [row for row in exists if row in earlier]
                beginning = self.beginning(place + 1, earlier, exists) if last else []
                for row in exists:
                    for column in earlier if row not in beginning else ():
                        self.path(new[row], state[column], interval.effects[row, column])
                if spec.lag_2 and place > 0:
                    there = {row: new[row] for row in exists if row not in beginning}
                    self.second_lag(there, {row: waves[place - 1][row] for row in self.exists(place - 1)})
                if spec.accumulating:
                    self.accumulate(new, intercepts, slopes, time)
                innovation = self.innovation(interval, beginning)[np.ix_(exists, exists)]
                self.covariance([new[row] for row in exists], innovation)
                self.intercepts += [(new[row], int(self.at("restart mean")[row])) for row in beginning]
                state = new
            waves.append(state)
        return waves

    def exists(self, wave: int) -> list[int]:
        """Positions of the measures that exist at a wave."""
        on = not self.cell.history or self.cell.history[wave] != OFF
        required = () if self.spec.state is None else self.spec.state.required_by
        return [row for row, name in enumerate(self.names) if on or name not in required]

    def beginning(self, wave: int, earlier: Sequence[int], exists: Sequence[int]) -> list[int]:
        """Positions of the measures that begin anew: they were not there, or the state is a new one."""
        if not self.cell.history:
            return []
        assert self.spec.state is not None
        new = self.cell.history[wave] == NEW
        return [row for row in exists if row not in earlier or (new and self.names[row] in self.spec.state.required_by)]

    def innovation(self, interval: Interval, beginning: Sequence[int]) -> Addresses:
        """Innovation covariance with the variances of what begins anew, and the same correlations."""
        if not beginning:
            return interval.innovation
        writer, variances = self.writer, self.at("restart variance")
        ratios = np.full(len(self.names), writer.constant(1.0))
        for row in beginning:
            ratios[row] = writer.square_root(writer.divide(variances[row], interval.innovation[row, row]))
        return writer.multiply(writer.multiply(interval.innovation, ratios[:, None]), ratios[None, :])

    def predictors(self, intercepts: Sequence[int]) -> None:
        """Linear predictors of the state at every wave, then of who is interviewed and who answers."""
        spec, times = self.spec, self.design.times
        if spec.state is not None:
            for wave, time in enumerate(times):
                word = "first"
                if wave > 0:
                    word = "kept" if self.cell.history[wave - 1] != OFF else "acquired"
                names = {"first": spec.state.first, "acquired": spec.state.acquire, "kept": spec.state.keep}[word]
                predictor = self.predictor(Variable("state", spec.state.name, time), f"{word} intercept", wave)
                self.predicted(predictor, wave - 1, names, f"{word} on", intercepts)
        for each in spec.selection:
            for wave, time in enumerate(times):
                variable = Variable("selection", each.of, time)
                if wave < each.first_wave:
                    self.observed.append(self.add(variable))
                    continue
                predictor = self.predictor(variable, f"{each.of} seen intercept", wave)
                self.predicted(predictor, wave, each.on, f"{each.of} seen on", intercepts)
                if wave > 0:
                    self.predicted(predictor, wave - 1, each.before, f"{each.of} seen before", intercepts)

    def predictor(self, variable: Variable, intercept: str, wave: int) -> int:
        predictor = self.add(variable)
        self.observed.append(predictor)
        self.intercepts.append((predictor, int(self.at(intercept, wave)[0])))
        return predictor

    def predicted(
        self, predictor: int, wave: int, names: Sequence[str], effects: str, intercepts: Sequence[int]
    ) -> None:
        """Effects of deviations at a wave, random intercept and within-person part together, and of covariates."""
        for place, name in enumerate(names):
            effect = int(self.at(effects)[place])
            if name not in self.names:
                columns = [each.name for each in self.design.covariates]
                self.path(predictor, self.covariates[columns.index(name)], effect)
                continue
            measure = self.names.index(name)
            if measure in self.exists(wave):
                self.path(predictor, self.waves[wave][measure], effect)
                if intercepts:
                    self.path(predictor, intercepts[measure], self.loaded(effect, measure, wave))

    def loaded(self, effect: int, measure: int, wave: int) -> int:
        """An effect times the trait's loading at a wave."""
        if not self.spec.free_loadings or wave == 0:
            return effect
        return int(self.writer.multiply(np.array(effect), self.at("loading", wave)[measure]))

    def second_lag(self, new: Mapping[int, int], before: Mapping[int, int]) -> None:
        effects = self.at("lag 2")
        for row, variable in new.items():
            for column, earlier in before.items():
                self.path(variable, earlier, effects[row, column])

    def accumulate(self, new: Sequence[int], intercepts: Sequence[int], slopes: Sequence[int], time: float) -> None:
        for variable, factor in zip(new, intercepts, strict=True):
            self.fixed_path(variable, factor)
        for variable, factor in zip(new, slopes, strict=False):
            self.path(variable, factor, int(self.writer.constant(self.design.along(time))))

    def value(
        self, wave: int, time: float, measure: int, name: str, intercepts: Sequence[int], slopes: Sequence[int]
    ) -> None:
        """One value of one measure: an observed variable, or a latent one with its indicators."""
        spec = self.spec
        value = self.variable("value", name, time)
        if measure not in self.exists(wave):
            self.observed.append(value)
            return
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
        mean = NOTHING if spec.growth else int(self.at("mean", wave)[measure])
        if spec.state is not None and self.cell.history[wave] != OFF:
            shift = int(self.at("state effect")[measure])
            if shift != NOTHING:
                mean = shift if mean == NOTHING else int(self.writer.add(np.array(mean), np.array(shift)))
        if mean != NOTHING:
            self.intercepts.append((value, mean))
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
            indicator = self.variable("indicator", item, time)
            self.paths.append((indicator, value, ONE if loading == NOTHING else int(loading)))
            if intercept != NOTHING:
                self.intercepts.append((indicator, int(intercept)))
            self.covariances.append((indicator, indicator, int(unique)))
            self.observed.append(indicator)
