"""A linear system as entries and equations, in no program's words."""

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

from ..basics.names import lagged_path, number
from ..basics.problems import SpecError
from ..engine.layout import lay_out
from ..engine.linear_system import ONE, Variable
from ..spec.cross_lagged import CrossLagged
from ..spec.steps import interval_names
from .constraints import Within, equal_innovations, stationarity, unit_variances
from .facts import Facts
from .statements import Entry, Equation, Kind, Layout, Section

__all__ = ["layout_of"]

type Values = tuple[float | str, ...]
type Key = Callable[[Entry], tuple[float, ...]]

FACTORS = ("intercept", "accumulating", "slope")
ROLES = (*FACTORS, "within", "value")  # in the order in which entries are written


def layout_of(spec: CrossLagged, facts: Facts) -> Layout:
    """The model's linear system, entry by entry.

    Observed values are wave means, stable differences and within-person deviations; each deviation is a latent
    variable that loads 1 on its value. With a grid, deviations at base steps that nobody observed stand between them.
    With equal standardised lags the deviations have variance 1 and load their SD.
    """
    system = _System(spec, facts)
    sections = (section for section in system.sections() if section.entries)
    return Layout(str(spec), tuple(sections), tuple(system.equations()), facts.design.groups, system.observed)


class _System:
    """The linear systems of all groups, read together: they differ in their registers alone."""

    def __init__(self, spec: CrossLagged, facts: Facts) -> None:
        self.spec, self.facts, self.design = spec, facts, facts.design
        self.measures = list(spec.measures)
        self.standardized = spec.lags_for(self.design.times) == "equal_standardized"
        self.system = system = lay_out(spec, self.design).system
        self.variables = variables = system.systems[0].variables
        self.observed = frozenset(variables[number] for number in system.systems[0].observed)
        self.waves = self.at_each_time("within")

        paths, covariances, intercepts = (
            [
                (*(variables[number] for number in entries[0][:-1]), tuple(entry[-1] for entry in entries))
                for entries in zip(*(getattr(each, part) for each in system.systems), strict=True)
            ]
            for part in ("paths", "covariances", "intercepts")
        )
        self.paths: list[Entry] = [self.path(*path) for path in paths]
        self.covariances = [self.covariance(*covariance) for covariance in covariances]
        self.means = [Entry("mean", variable, None, self.values(registers)) for variable, registers in intercepts]

    def at_each_time(self, role: str) -> list[list[Variable]]:
        """Variables of one role, time by time, by measure."""
        chosen = [variable for variable in self.variables if variable.role == role]
        times = dict.fromkeys(variable.time for variable in chosen)
        return [[variable for variable in chosen if variable.time == time] for time in times]

    # ---- numbers ----

    def path(self, first: Variable, second: Variable, registers: Sequence[int]) -> Entry:
        kind: Kind = "effect" if second.role == "covariate" or first.role == second.role else "loading"
        if not self.standardized or second.role != "within":
            return Entry(kind, first, second, self.values(registers))
        if first.role == "within":
            return Entry(
                kind, first, second, self.named(f"standardized {lagged_path(second.name, first.name)}", "lags")
            )
        part = "variances" if second in self.waves[0] else ""
        return Entry(kind, first, second, self.named(f"within SD {second.name}, {_time(second)}", part))

    def covariance(self, later: Variable, earlier: Variable, registers: Sequence[int]) -> Entry:
        """Of one kind, the later measure first; of two, factors before what they go with."""
        first, second = (later, earlier) if later.role == earlier.role else (earlier, later)
        values = None
        if first.role == "within":
            is_innovation = first not in self.waves[0]
            if is_innovation and (self.standardized or self.spec.is_stationary):
                values = self.named(self.innovation(first, second))
            elif self.standardized:
                correlation = f"within correlation {second.name}, {first.name}, {_time(first)}"
                values = self.fixed(1.0) if first == second else self.named(correlation, "variances")
        unit = self.facts.variances.get(first.name, 1.0) if first.role == "value" else 1.0
        return Entry("covariance", first, second, values or self.values(registers, unit))

    def innovation(self, first: Variable, second: Variable) -> str:
        """Name of an innovation that an equation ties to other parameters."""
        what = f"variance {first.name}" if first == second else f"covariance {second.name}, {first.name}"
        if self.spec.lags_for(self.design.times) not in ("free", "equal_standardized"):
            return f"innovation {what}"
        step = next(step for step, wave in enumerate(self.waves[1:]) if first in wave)
        return f"innovation {what}, {interval_names(self.design.times)[step]}"

    def values(self, registers: Sequence[int], unit: float = 1.0) -> Values:
        """In each group, a parameter's name, or a constant, in the measure's own unit."""
        return tuple(self.value(register, unit) for register in registers)

    def value(self, register: int, unit: float) -> float | str:
        names, constants = self.system.names, self.system.structure.constants
        if register == ONE:
            return 1.0
        if register < len(names):
            return names[register]
        if register < len(names) + len(constants):
            return constants[register - len(names)] * unit
        raise SpecError(f"{self.spec.title} has a number that follows from others in a way not written for programs.")

    def named(self, name: str, part: str = "") -> Values:
        """A name in each group, the same where groups have that part of the model in common."""
        shared = part in self.spec.equal_across_groups or (part == "lags" and self.spec.group_lags == "equal")
        return tuple(self.design.scope(None if shared else group) + name for group in range(self.design.n_groups))

    def fixed(self, number: float) -> Values:
        return (number,) * self.design.n_groups

    # ---- order ----

    def position(self, variable: Variable | None) -> tuple[int, int, float]:
        """Where a variable comes: kind by kind, measure by measure, over time."""
        assert variable is not None
        return ROLES.index(variable.role), self.measures.index(variable.name), variable.time or 0.0

    def by_measure(self, entry: Entry) -> tuple[float, ...]:
        role, measure, time = self.position(entry.first)
        return measure, role, time

    def by_kind(self, entry: Entry) -> tuple[float, ...]:
        """Kind by kind, what two kinds have in common after each alone; row by row, what is fixed first."""
        (first_kind, first, _), (second_kind, second, _) = self.position(entry.first), self.position(entry.second)
        if first_kind != second_kind:
            return 1, first_kind, second_kind, 0, first, second
        return 0, first_kind, second_kind, isinstance(entry.values[0], str), second, first

    def by_factor(self, entry: Entry) -> tuple[float, ...]:
        kind, measure, _ = self.position(entry.second)
        return measure, kind, *self.position(entry.first)

    def by_item(self, entry: Entry) -> tuple[float, ...]:
        _, measure, time = self.position(entry.second)
        return measure, time, self.variables.index(entry.first)

    def by_covariate(self, entry: Entry) -> tuple[float, ...]:
        assert entry.second is not None
        return list(self.spec.covariates).index(entry.second.name), *self.position(entry.first)

    def by_time(self, entry: Entry) -> tuple[float, ...]:
        """Effects of the wave before, then those of earlier ones; over time."""
        before = next(wave for wave, later in pairwise(self.waves) if entry.first in later)
        _, outcome, time = self.position(entry.first)
        return entry.second not in before, time, outcome, self.position(entry.second)[1]

    # ---- sections ----

    def sections(self) -> Iterable[Section]:
        between = [wave for wave in self.waves if wave[0].time not in self.design.times]
        yield Section("Indicators", tuple(self.indicators()))
        yield Section("Within-person deviations, and measurement error", tuple(self.deviations(between)))
        yield self.section("Stable differences between people", self.stable_differences(), self.by_factor)
        factors = [entry for entry in self.covariances if entry.first.role in FACTORS]
        yield self.section("Their variances and covariances", factors, self.by_kind)
        deviations = [entry for entry in self.covariances if entry.roles == ("within", "within")]
        first = [entry for entry in deviations if entry.first in self.waves[0]]
        yield self.section("First wave", first, self.by_kind)
        title = "Lagged effects over one base step; nobody observed the deviations between waves"
        lagged = [entry for entry in self.paths if entry.roles == ("within", "within")]
        yield self.section(title if between else "Lagged effects", lagged, self.by_time)
        title = "Innovations, standardized like the deviations" if self.standardized else "Innovations"
        innovations = [entry for entry in deviations if entry not in first]
        yield self.section(title, innovations, lambda entry: (self.position(entry.first)[2], *self.by_kind(entry)))
        means = [entry for entry in self.means if entry.roles != ("indicator",)]
        yield self.section("Means", means, self.by_measure)
        effects = [entry for entry in self.paths if entry.roles[1] == "covariate"]
        yield self.section("Covariates", effects, self.by_covariate)

    def section(self, title: str, entries: Iterable[Entry], order: Key) -> Section:
        return Section(title, tuple(sorted(entries, key=order)))

    def indicators(self) -> Iterable[Entry]:
        means = {entry.first: entry for entry in self.means}
        unique = {entry.first: entry for entry in self.covariances}
        loadings = [entry for entry in self.paths if entry.roles == ("indicator", "value")]
        for entry in sorted(loadings, key=self.by_item):
            yield entry
            yield means.get(entry.first) or self.nothing("mean", entry.first)
            yield unique[entry.first]

    def deviations(self, between: Sequence[Sequence[Variable]]) -> Iterable[Entry]:
        errors = {entry.first: entry for entry in self.covariances if entry.roles == ("value", "value")}
        loadings = [entry for entry in self.paths if entry.roles == ("value", "within")]
        for entry in sorted(loadings, key=self.by_measure):
            yield entry
            yield errors.get(entry.first) or self.nothing("covariance", entry.first, entry.first)
        values = self.at_each_time("value")

        def next_wave(step: Variable) -> tuple[int, int, float]:
            _, measure, time = self.position(step)
            return next(later for later, wave in enumerate(values) if self.position(wave[0])[2] > time), measure, time

        for step in sorted((step for wave in between for step in wave), key=next_wave):
            wave, measure, _ = next_wave(step)
            # a loading of 0 tells the program that the variable is latent
            yield self.nothing("loading", values[wave][measure], step)

    def stable_differences(self) -> Iterable[Entry]:
        """Loadings on each factor; those of a slope on values begin with the 0 of the first wave."""
        loadings = [entry for entry in self.paths if entry.kind == "loading" and entry.roles[1] in FACTORS]
        first_wave = {value.name: value for value in self.at_each_time("value")[0]}
        yield from loadings
        for slope in self.at_each_time("slope"):
            if not self.spec.accumulating:
                yield from (self.nothing("loading", first_wave[each.name], each) for each in slope)

    def nothing(self, kind: Kind, first: Variable, second: Variable | None = None) -> Entry:
        """An entry that is 0, written where a program's default may differ."""
        return Entry(kind, first, second, self.fixed(0.0))

    # ---- constraints ----

    def equations(self) -> Iterable[Equation]:
        equations: list[Equation] = []
        for group in range(self.design.n_groups):
            within = self.within(group)
            if self.standardized:
                equations += unit_variances(within)
                if self.spec.residuals == "equal":
                    equations += equal_innovations(within)
            elif self.spec.is_stationary:
                equations += stationarity(within)
        return dict.fromkeys(equations)

    def within(self, group: int) -> Within:
        """The within-person part of one group, for constraints."""

        def of(entries: Iterable[Entry], kind: str) -> dict[tuple[Variable, Variable], str]:
            return {
                (entry.first, entry.second): str(entry.values[group])
                for entry in entries
                if entry.second is not None and entry.second.role == "within" and entry.kind == kind
            }

        covariances = of(self.covariances, "covariance")
        covariances |= {(second, first): name for (first, second), name in covariances.items()}
        loadings = {deviation: name for (_, deviation), name in of(self.paths, "loading").items()}
        scope = self.design.scope(group)
        return Within(self.waves, of(self.paths, "effect"), covariances, loadings, scope)


def _time(variable: Variable) -> str:
    assert variable.time is not None
    return number(variable.time)
