"""A model of the cross-lagged family laid out as entries and equations, in no program's words."""

from collections.abc import Callable, Iterable, Sequence
from itertools import combinations, combinations_with_replacement, product

from ..names import lagged_path, number
from ..spec.cross_lagged import CrossLagged
from ..spec.steps import base_step, interval_names, steps_per_interval
from .facts import Facts
from .statements import Entry, Equation, Layout, Part, Product, Section, Variable

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
        self.lags = spec.lags_for(facts.times)
        self.measures = tuple(spec.measures)
        self.waves = tuple(map(number, facts.times))
        self.intervals = interval_names(facts.times)
        self.standardized = self.lags == "equal_standardized"
        self.names_of_equal = {path: paths[0] for paths in spec.equal for path in paths}
        self.sections: list[Section] = []
        self.equations: list[Equation] = []

    def laid_out(self) -> Layout:
        self.measurement()
        self.deviations()
        self.stable_differences()
        self.first_wave()
        self.lagged_effects()
        self.innovations()
        self.means()
        self.covariates()
        if self.standardized:
            self.unit_variances()
        elif self.spec.is_stationary:
            self.stationarity()
        same = {*self.spec.equal_across_groups, *(["lags"] if self.spec.group_lags == "equal" else [])}
        entries = (entry for section in self.sections for entry in section.entries)
        shared = frozenset(entry.value for entry in entries if isinstance(entry.value, str) and entry.part in same)
        return Layout(str(self.spec), tuple(self.sections), tuple(self.equations), self.facts.groups, shared)

    def add(self, title: str, entries: Iterable[Entry]) -> None:
        listed = tuple(entries)
        if listed:
            self.sections.append(Section(title, listed))

    # Variables

    def score(self, measure: str, time: str) -> Variable:
        return Variable("latent" if measure in self.spec.indicators else "observed", measure, time)

    def states(self) -> list[list[tuple[str, int | None]]]:
        """Times of the deviations in each interval, its end last, each with the wave it is, or None between waves."""
        if self.lags != "grid":
            return [[(time, wave)] for wave, time in enumerate(self.waves[1:], start=1)]
        step = base_step(self.facts.times) or 0.0
        return [
            [
                *((number(start + step * passed), None) for passed in range(1, steps)),
                (self.waves[wave], wave),
            ]
            for wave, (start, steps) in enumerate(
                zip(self.facts.times, steps_per_interval(self.facts.times), strict=False), start=1
            )
        ]

    def transitions(self) -> list[tuple[int, str, str]]:
        """Every step from one deviation to the next: its interval, and the times it joins."""
        found = []
        before = self.waves[0]
        for interval, states in enumerate(self.states()):
            for time, _ in states:
                found.append((interval, before, time))
                before = time
        return found

    def within(self, measure: str, time: str) -> Variable:
        return Variable("within", measure, time)

    def sd(self, measure: str, time: str) -> str:
        return f"within SD {measure}, {time}"

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
                entries += [
                    Entry("loading", column, self.score(measure, time), 1.0 if place == 0 else name("loading", "weak")),
                    Entry("mean", column, None, 0.0 if identified else name("item intercept", "strong")),
                    Entry("covariance", column, column, name("unique variance", "strict")),
                ]
        self.add("Indicators", entries)

    def deviations(self) -> None:
        entries = []
        for measure, time in product(self.measures, self.waves):
            loading: float | str = self.sd(measure, time) if self.standardized else 1.0
            part: Part = "variances" if time == self.waves[0] else "other"
            error: float | str = self.facts.error_variances.get(measure, 0.0)
            if self.spec.error:
                error = f"error variance {measure}"
            score = self.score(measure, time)
            entries.append(Entry("loading", score, self.within(measure, time), loading, part))
            entries.append(Entry("covariance", score, score, error))
        for interval, states in enumerate(self.states()):
            between = [time for time, wave in states if wave is None]
            for measure, time in product(self.measures, between):
                # a loading of 0 tells the program that the variable is latent
                entries.append(Entry("loading", self.score(measure, self.waves[interval + 1]), self.within(measure, time), 0.0))
        self.add("Within-person deviations, and measurement error", entries)

    def stable_differences(self) -> None:
        if self.spec.stable == "none":
            return
        intercepts = [Variable("intercept", measure) for measure in self.measures]
        slopes = [Variable("slope", measure) for measure in self.measures]
        along = {time: (at - self.facts.times[0]) / (self.facts.times[-1] - self.facts.times[0])
                 for time, at in zip(self.waves, self.facts.times, strict=True)}
        entries = []
        for measure, intercept, slope in zip(self.measures, intercepts, slopes, strict=True):
            targets = {
                time: self.within(measure, time) if self.spec.accumulating else self.score(measure, time)
                for time in self.waves[1 if self.spec.accumulating else 0 :]
            }
            for time, target in targets.items():
                free = self.spec.free_loadings and time != self.waves[0]
                entries.append(Entry("loading", target, intercept, f"loading {measure}, {time}" if free else 1.0))
            if self.spec.growth:
                entries += [Entry("loading", target, slope, along[time]) for time, target in targets.items()]
        self.add("Stable differences between people", entries)

        first = [self.within(measure, self.waves[0]) for measure in self.measures]
        kind = "accumulating" if self.spec.accumulating else "between"
        sloped = "accumulating slope" if self.spec.accumulating else "slope"
        entries = list(self.block(kind, lambda measure: Variable("intercept", measure)))
        if self.spec.growth:
            entries += self.block(sloped, lambda measure: Variable("slope", measure))
            entries += self.crossed(f"{kind} with {sloped}", intercepts, slopes)
        if self.spec.accumulating:
            entries += self.crossed(f"{kind} with first", intercepts, first)
        if self.spec.stable == "accumulating growth":
            entries += self.crossed(f"{sloped} with first", slopes, first)
        self.add("Their variances and covariances", entries)

    def first_wave(self) -> None:
        kind = "first" if self.spec.accumulating else "within"
        entries = self.block(kind, lambda measure: self.within(measure, self.waves[0]), f", {self.waves[0]}")
        if self.standardized:
            entries = [self.as_correlation(entry, kind) for entry in entries]
        self.add("First wave", entries)

    def as_correlation(self, entry: Entry, kind: str) -> Entry:
        if entry.first == entry.second:
            return Entry("covariance", entry.first, entry.second, 1.0)
        name = f"{kind} correlation {entry.second.name}, {entry.first.name}, {self.waves[0]}" if entry.second else ""
        return Entry("covariance", entry.first, entry.second, name, "variances")

    def lagged_effects(self) -> None:
        entries = []
        for interval, before, time in self.transitions():
            for outcome, predictor in product(self.measures, repeat=2):
                effect = self.effect(lagged_path(predictor, outcome), interval)
                if effect is not None:
                    entries.append(Entry("effect", self.within(outcome, time), self.within(predictor, before), effect, "lags"))
        for earlier, time in zip(self.waves, self.waves[2:], strict=False):
            for outcome, predictor in product(self.measures, repeat=2):
                path = lagged_path(predictor, outcome)
                if path in self.spec.lag_2:
                    effect = f"{path}, lag 2"
                    entries.append(Entry("effect", self.within(outcome, time), self.within(predictor, earlier), effect, "lags"))
        title = "Lagged effects"
        if self.lags == "grid":
            title += ", over one base step; deviations at times between waves are observed by nobody"
        self.add(title, entries)

    def effect(self, path: str, interval: int) -> str | None:
        """Name of the effect of a path over an interval; None where it is 0."""
        over = f"{path}, {self.intervals[interval]}"
        if path in self.spec.remove or over in self.spec.remove:
            return None
        if self.standardized:
            return f"standardized {path}"
        return self.names_of_equal.get(over, over) if self.lags == "free" else path

    def innovations(self) -> None:
        entries: list[Entry] = []
        part: Part = "other" if self.spec.is_stationary or self.standardized else "residuals"
        for interval, _, time in self.transitions():
            new = {measure: self.within(measure, time) for measure in self.measures}
            entries += self.block("innovation", new.__getitem__, self.ending(interval), part)
        title = "Innovations"
        self.add(f"{title}, standardized like the deviations" if self.standardized else title, entries)

    def ending(self, interval: int) -> str:
        """What the names of innovations of an interval end in."""
        alike = self.lags != "free" if self.spec.is_stationary else self.spec.residuals == "equal"
        return "" if alike and not self.standardized else f", {self.intervals[interval]}"

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
        for covariate, targets in self.spec.covariates.items():
            for target, measure in product(targets, self.measures):
                constant = Variable("covariate", covariate)
                match target:
                    case "intercepts":
                        onto = Variable("intercept", measure)
                        entries.append(Entry("effect", onto, constant, f"{covariate} -> intercept {measure}"))
                    case "slopes":
                        onto = Variable("slope", measure)
                        entries.append(Entry("effect", onto, constant, f"{covariate} -> slope {measure}"))
                    case "first_wave":
                        onto = self.within(measure, self.waves[0])
                        entries.append(Entry("effect", onto, constant, f"{covariate} -> within {measure}"))
                    case _:
                        for time in self.waves:
                            source = Variable("covariate", covariate, time if covariate in self.facts.varying else "")
                            when = f", {time}" if target == "each_wave" else ""
                            name = f"{covariate} -> {measure}{when}"
                            entries.append(Entry("effect", self.score(measure, time), source, name))
        self.add("Covariates", entries)

    # Equations

    def stationarity(self) -> None:
        """``Psi = P - Phi P Phi'``: the deviations' covariance is the same at every wave."""
        when = f", {self.waves[0]}"
        endings = dict.fromkeys((self.ending(interval), interval) for interval, _, _ in self.transitions())
        done = set()
        for ending, interval in endings:
            if ending in done:
                continue
            done.add(ending)
            for first, second in combinations_with_replacement(self.measures, 2):
                terms = [Product(1.0, (self.cell("within", first, second, when),))]
                for one, other in product(self.measures, repeat=2):
                    effects = (
                        self.effect(lagged_path(one, first), interval),
                        self.effect(lagged_path(other, second), interval),
                    )
                    if effects[0] is not None and effects[1] is not None:
                        middle = self.cell("within", one, other, when)
                        terms.append(Product(-1.0, (effects[0], middle, effects[1])))
                self.equations.append(Equation((self.cell("innovation", first, second, ending),), tuple(terms)))

    def unit_variances(self) -> None:
        """``R_t = S R_t-1 S' + Psi_t`` with 1 on the diagonal: S holds the standardised effects."""
        correlation = {pair: f"within correlation {', '.join(pair)}, {self.waves[0]}" for pair in self.pairs()}
        for interval, _, time in self.transitions():
            ending = self.ending(interval)
            for measure in self.measures:
                terms = [Product(1.0, ()), *self.carried(measure, measure, correlation, -1.0)]
                self.equations.append(Equation((self.cell("innovation", measure, measure, ending),), tuple(terms)))
            if interval + 1 == len(self.intervals):
                break
            later = {pair: f"within correlation {', '.join(pair)}, {time}" for pair in self.pairs()}
            for first, second in self.pairs():
                left = Product(1.0, (self.cell("innovation", first, second, ending),))
                terms = [left, *self.carried(first, second, correlation, 1.0)]
                self.equations.append(Equation((later[first, second],), tuple(terms), auxiliary=True))
            correlation = later
        if self.spec.residuals == "equal":
            self.equal_innovations()

    def equal_innovations(self) -> None:
        """Innovation covariances in the measures' own units, ``D_t Psi_t D_t``, are the same in every interval."""
        unscaled = {}
        for interval, time in enumerate(self.waves[1:]):
            for pair in combinations_with_replacement(self.measures, 2):
                psi = self.cell("innovation", *pair, self.ending(interval))
                unscaled[interval, pair] = (*(self.sd(measure, time) for measure in pair), psi)
        for (interval, pair), cell in unscaled.items():
            if interval > 0:
                self.equations.append(Equation(cell, (Product(1.0, unscaled[0, pair]),)))

    def carried(
        self, first: str, second: str, correlation: dict[tuple[str, str], str], sign: float
    ) -> Iterable[Product]:
        """Terms of ``S R S'`` for two measures, where R has 1 on its diagonal."""
        for one, other in product(self.measures, repeat=2):
            effects = self.effect(lagged_path(one, first), 0), self.effect(lagged_path(other, second), 0)
            if effects[0] is None or effects[1] is None:
                continue
            order = (one, other) if (one, other) in correlation else (other, one)
            middle = () if one == other else (correlation[order],)
            yield Product(sign, (effects[0], *middle, effects[1]))

    # Blocks of entries

    def pairs(self) -> list[tuple[str, str]]:
        return list(combinations(self.measures, 2))

    def cell(self, kind: str, one: str, other: str, ending: str) -> str:
        """Name of a variance or covariance."""
        first, second = sorted((one, other), key=self.measures.index)
        what = f"variance {first}" if first == second else f"covariance {first}, {second}"
        return f"{kind} {what}{ending}"

    def block(
        self, kind: str, variable: Callable[[str], Variable], ending: str = "", part: Part = "variances"
    ) -> list[Entry]:
        """A free covariance matrix over measures."""
        return [
            Entry("covariance", variable(second), variable(first), self.cell(kind, first, second, ending), part)
            for first, second in combinations_with_replacement(self.measures, 2)
        ]

    def crossed(self, kind: str, rows: Sequence[Variable], columns: Sequence[Variable]) -> list[Entry]:
        """Every covariance of one list of variables with another."""
        return [
            Entry("covariance", row, column, f"{kind} {row.name}, {column.name}", "variances")
            for row, column in product(rows, columns)
        ]
