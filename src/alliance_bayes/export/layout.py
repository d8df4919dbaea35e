"""A model of the cross-lagged family laid out as entries and equations, in no program's words."""

from collections.abc import Callable, Iterable, Sequence
from itertools import combinations_with_replacement, product

from ..basics.names import lagged_path
from ..spec.cross_lagged import CrossLagged
from .constraints import equal_innovations, stationarity, unit_variances
from .facts import Facts
from .naming import Naming
from .statements import Entry, Equation, Layout, Part, Section, Variable

__all__ = ["layout_of"]

LADDER = ("configural", "weak", "strong", "strict")


def layout_of(spec: CrossLagged, facts: Facts) -> Layout:
    """Lay out a model for waves at known times.

    Observed values are wave means, stable differences and within-person deviations; each deviation is a latent
    variable that loads 1 on its value. With a grid, deviations at base steps that nobody observed stand between them.
    With equal standardised lags the deviations have variance 1 and load their SD.

    Parameters
    ----------
    spec
        The model.
    facts
        What it needs to know of the panel.
    """
    return _Layout(spec, facts).laid_out()


class _Layout:
    """Collects sections and equations while a model is laid out."""

    def __init__(self, spec: CrossLagged, facts: Facts) -> None:
        self.spec = spec
        self.facts = facts
        self.naming = naming = Naming(spec, facts)
        self.measures, self.waves, self.standardized = naming.measures, naming.waves, naming.standardized
        self.sections: list[Section] = []

    def laid_out(self) -> Layout:
        self.measurement()
        self.deviations()
        self.stable_differences()
        self.first_wave()
        self.lagged_effects()
        self.innovations()
        self.means()
        self.covariates()
        same = {"items", *self.spec.equal_across_groups, *(["lags"] if self.spec.group_lags == "equal" else [])}
        entries = (entry for section in self.sections for entry in section.entries)
        shared = frozenset(entry.value for entry in entries if isinstance(entry.value, str) and entry.part in same)
        return Layout(str(self.spec), tuple(self.sections), tuple(self.equations()), self.facts.groups, shared)

    def add(self, title: str, entries: Iterable[Entry]) -> None:
        listed = tuple(entries)
        if listed:
            self.sections.append(Section(title, listed))

    def equations(self) -> Iterable[Equation]:
        if self.standardized:
            yield from unit_variances(self.naming)
            if self.spec.residuals == "equal":
                yield from equal_innovations(self.naming)
        elif self.spec.is_stationary:
            yield from stationarity(self.naming)

    # Variables

    def score(self, measure: str, time: str) -> Variable:
        return Variable("latent" if measure in self.spec.indicators else "observed", measure, time)

    def within(self, measure: str, time: str) -> Variable:
        return Variable("within", measure, time)

    def first_deviations(self) -> list[Variable]:
        return [self.within(measure, self.waves[0]) for measure in self.measures]

    # Sections

    def measurement(self) -> None:
        reached = LADDER.index(self.spec.invariance) if self.spec.indicators else 0
        entries = []
        for measure, items in self.spec.indicators.items():
            for time, (place, item) in product(self.waves, enumerate(items)):
                column = Variable("observed", item, time)

                def name(what: str, same_from: str, item: str = item, time: str = time) -> str:
                    return f"{what} {item}" + ("" if reached >= LADDER.index(same_from) else f", {time}")

                identified = place == 0 and reached >= LADDER.index("strong")
                loading = 1.0 if place == 0 else name("loading", "weak")
                intercept = 0.0 if identified else name("item intercept", "strong")
                entries += [
                    Entry("loading", column, self.score(measure, time), loading, "items"),
                    Entry("mean", column, None, intercept, "items"),
                    Entry("covariance", column, column, name("unique variance", "strict"), "items"),
                ]
        self.add("Indicators", entries)

    def deviations(self) -> None:
        entries = []
        for measure, time in product(self.measures, self.waves):
            loading: float | str = self.naming.within_sd(measure, time) if self.standardized else 1.0
            part: Part = "variances" if time == self.waves[0] else "other"
            error: float | str = self.facts.error_variances.get(measure, 0.0)
            if self.spec.error:
                error = f"error variance {measure}"
            score = self.score(measure, time)
            entries.append(Entry("loading", score, self.within(measure, time), loading, part))
            entries.append(Entry("covariance", score, score, error, "residuals"))
        for times, wave in zip(self.naming.between_waves, self.waves[1:], strict=True):
            for measure, time in product(self.measures, times):
                # a loading of 0 tells the program that the variable is latent
                entries.append(Entry("loading", self.score(measure, wave), self.within(measure, time), 0.0))
        self.add("Within-person deviations, and measurement error", entries)

    def stable_differences(self) -> None:
        if self.spec.stable == "none":
            return
        intercepts = [Variable("intercept", measure) for measure in self.measures]
        slopes = [Variable("slope", measure) for measure in self.measures]
        entries = []
        for measure, intercept, slope in zip(self.measures, intercepts, slopes, strict=True):
            targets = self.touched(measure)
            for place, (time, target) in enumerate(targets.items()):
                free = self.spec.free_loadings and place > 0
                loading: float | str = f"loading {measure}, {time}" if free else 1.0
                entries.append(Entry("loading", target, intercept, loading, "variances"))
            if self.spec.growth:
                entries += [Entry("loading", target, slope, self.along(time)) for time, target in targets.items()]
        self.add("Stable differences between people", entries)

        kind = "accumulating" if self.spec.accumulating else "between"
        sloped = "accumulating slope" if self.spec.accumulating else "slope"
        entries = list(self.block(kind, lambda measure: Variable("intercept", measure)))
        if self.spec.growth:
            entries += self.block(sloped, lambda measure: Variable("slope", measure))
            entries += self.crossed(f"{kind} with {sloped}", intercepts, slopes)
        if self.spec.accumulating:
            entries += self.crossed(f"{kind} with first", intercepts, self.first_deviations())
        if self.spec.stable == "accumulating growth":
            entries += self.crossed(f"{sloped} with first", slopes, self.first_deviations())
        self.add("Their variances and covariances", entries)

    def touched(self, measure: str) -> dict[str, Variable]:
        """What a stable factor acts on, by time: values, or where it accumulates every deviation after the first."""
        if not self.spec.accumulating:
            return {time: self.score(measure, time) for time in self.waves}
        return {time: self.within(measure, time) for _, _, time in self.naming.transitions}

    def along(self, time: str) -> float:
        """Time as a share of the way from the first wave to the last."""
        first, last = self.facts.times[0], self.facts.times[-1]
        return (self.naming.time_of[time] - first) / (last - first)

    def first_wave(self) -> None:
        kind = "first" if self.spec.accumulating else "within"
        entries = self.block(kind, lambda measure: self.within(measure, self.waves[0]), f", {self.waves[0]}")
        if self.standardized:
            entries = [Entry("covariance", variable, variable, 1.0) for variable in self.first_deviations()]
            for one, other in self.naming.pairs:
                name = self.naming.correlation(one, other, self.waves[0])
                first, second = self.within(one, self.waves[0]), self.within(other, self.waves[0])
                entries.append(Entry("covariance", second, first, name, "variances"))
        self.add("First wave", entries)

    def lagged_effects(self) -> None:
        entries = []
        for interval, before, time in self.naming.transitions:
            for outcome, predictor in product(self.measures, repeat=2):
                effect = self.naming.effect(predictor, outcome, interval)
                if effect is not None:
                    entries.append(self.lag(outcome, time, predictor, before, effect))
        for earlier, time in zip(self.waves, self.waves[2:], strict=False):
            for outcome, predictor in product(self.measures, repeat=2):
                path = lagged_path(predictor, outcome)
                if path in self.spec.lag_2:
                    entries.append(self.lag(outcome, time, predictor, earlier, f"{path}, lag 2"))
        title = "Lagged effects over one base step; nobody observed the deviations between waves"
        self.add(title if any(self.naming.between_waves) else "Lagged effects", entries)

    def lag(self, outcome: str, time: str, predictor: str, before: str, effect: str) -> Entry:
        return Entry("effect", self.within(outcome, time), self.within(predictor, before), effect, "lags")

    def innovations(self) -> None:
        entries: list[Entry] = []
        part: Part = "other" if self.spec.is_stationary or self.standardized else "residuals"
        for interval, _, time in self.naming.transitions:
            new = {measure: self.within(measure, time) for measure in self.measures}
            entries += [
                Entry("covariance", new[second], new[first], self.naming.innovation(first, second, interval), part)
                for first, second in combinations_with_replacement(self.measures, 2)
            ]
        title = "Innovations"
        self.add(f"{title}, standardized like the deviations" if self.standardized else title, entries)

    def means(self) -> None:
        entries = []
        unset = self.spec.indicators and self.spec.invariance in ("configural", "weak")
        for measure in self.measures:
            if self.spec.growth:
                kind = "accumulating" if self.spec.accumulating else "intercept"
                slope = "accumulating slope" if self.spec.accumulating else "slope"
                entries.append(Entry("mean", Variable("intercept", measure), None, f"mean {kind} {measure}", "means"))
                entries.append(Entry("mean", Variable("slope", measure), None, f"mean {slope} {measure}", "means"))
                if self.spec.accumulating:
                    first = self.within(measure, self.waves[0])
                    entries.append(Entry("mean", first, None, f"mean {measure}, {self.waves[0]}", "means"))
            elif not (unset and measure in self.spec.indicators):
                for time in self.waves:
                    name = f"mean {measure}" if self.spec.means == "equal" else f"mean {measure}, {time}"
                    entries.append(Entry("mean", self.score(measure, time), None, name, "means"))
        self.add("Means", entries)

    def covariates(self) -> None:
        entries = []
        factor = "accumulating" if self.spec.accumulating else "intercept"
        for covariate, targets in self.spec.covariates.items():
            for target, measure in product(targets, self.measures):
                constant = Variable("covariate", covariate)
                match target:
                    case "intercepts":
                        onto = Variable("intercept", measure)
                        entries.append(Entry("effect", onto, constant, f"{covariate} -> {factor} {measure}", "means"))
                    case "slopes":
                        onto = Variable("slope", measure)
                        entries.append(Entry("effect", onto, constant, f"{covariate} -> slope {measure}", "means"))
                    case "first_wave":
                        onto = self.within(measure, self.waves[0])
                        entries.append(Entry("effect", onto, constant, f"{covariate} -> within {measure}", "means"))
                    case _:
                        for time in self.waves:
                            source = Variable("covariate", covariate, time if covariate in self.facts.varying else "")
                            when = f", {time}" if target == "each_wave" else ""
                            name = f"{covariate} -> {measure}{when}"
                            entries.append(Entry("effect", self.score(measure, time), source, name, "means"))
        self.add("Covariates", entries)

    # Blocks of entries

    def block(self, kind: str, variable: Callable[[str], Variable], ending: str = "") -> list[Entry]:
        """A free covariance matrix over measures."""
        return [
            Entry(
                "covariance",
                variable(second),
                variable(first),
                self.naming.cell(kind, first, second, ending),
                "variances",
            )
            for first, second in combinations_with_replacement(self.measures, 2)
        ]

    def crossed(self, kind: str, rows: Sequence[Variable], columns: Sequence[Variable]) -> list[Entry]:
        """Every covariance of one list of variables with another."""
        return [
            Entry("covariance", row, column, f"{kind} {row.name}, {column.name}", "variances")
            for row, column in product(rows, columns)
        ]
