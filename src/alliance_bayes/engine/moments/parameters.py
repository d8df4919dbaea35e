"""The free numbers of a cross-lagged model: their names, their units, and where each matrix finds them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations_with_replacement
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from ...basics.names import number, split_path
from ...spec.cross_lagged import CrossLagged
from ...spec.steps import interval_names
from .design import Design

__all__ = ["Kind", "Parameter", "ParameterTable", "lay_out_parameters"]

type Addresses = npt.NDArray[np.int64]

Kind = Literal[
    "lagged",
    "drift",
    "moderation",
    "between",
    "growth",
    "loading",
    "accumulating",
    "within",
    "innovation",
    "diffusion",
    "error",
    "item",
    "covariate",
    "mean",
    "covariance",
    "restart",
    "state",
    "selection",
    "family",
]


@dataclass(frozen=True)
class Parameter:
    """One free number of a model.

    Attributes
    ----------
    name
        As in every table, such as ``"alliance -> days, 6 to 12"`` or ``"mean days, 6"``.
    kind
        What it describes.
    measures
        Positions of the measures: ``(outcome, predictor)`` of a lagged effect, both measures of
        a variance or covariance, ``(measure,)`` of a mean.
    occasion
        Position of its interval (lagged effects, innovations) or wave (means), or None where it
        holds for all.
    group
        Position of its group, or None where it holds for all.
    times
        Columns whose unit it has: their SDs are multiplied.
    per
        Columns in whose unit it counts: their SDs are divided by.
    located
        Column whose mean is added, or None.
    is_variance
        Whether it is a variance, which an admissible solution keeps above 0.
    start
        Where maximisation starts, in the model's unit.
    """

    name: str
    kind: Kind
    measures: tuple[int, ...]
    occasion: int | None
    group: int | None = None
    times: tuple[str, ...] = ()
    per: tuple[str, ...] = ()
    located: str | None = None
    is_variance: bool = False
    start: float = 0.0


@dataclass(frozen=True, eq=False)
class ParameterTable:
    """The parameters of a model, in the order of the vector theta, and matrices of positions in it.

    Attributes
    ----------
    parameters
        In order: lagged effects (carry-over, then across; interval by interval) or drift, moderation and
        lag-2 effects, random intercepts, first wave, innovations, and the rest; then means, what belongs to a
        state or to selection, and the numbers of the families as they are sampled.
    matrices
        Name, group and occasion to an array of positions in theta, -1 for what is fixed at 0.
    """

    parameters: tuple[Parameter, ...]
    matrices: Mapping[tuple[str, int, int | None], Addresses]

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the parameters, in order."""
        return tuple(parameter.name for parameter in self.parameters)

    def __len__(self) -> int:
        return len(self.parameters)

    def has(self, name: str, group: int, occasion: int | None = None) -> bool:
        """Whether there is such a matrix."""
        return (name, group, occasion) in self.matrices or (name, group, None) in self.matrices

    def at(self, name: str, group: int, occasion: int | None = None) -> Addresses:
        """Positions of a matrix; one that holds for all occasions answers for each."""
        key = (name, group, occasion)
        return self.matrices[key if key in self.matrices else (name, group, None)]


@dataclass
class _Registry:
    parameters: list[Parameter] = field(default_factory=list)
    positions: dict[str, int] = field(default_factory=dict)
    matrices: dict[tuple[str, int, int | None], Addresses] = field(default_factory=dict)

    def add(self, parameter: Parameter) -> int:
        position = self.positions.setdefault(parameter.name, len(self.parameters))
        if position == len(self.parameters):
            self.parameters.append(parameter)
        return position


def lay_out_parameters(spec: CrossLagged, design: Design) -> ParameterTable:
    """Lay out the free numbers of a model of the cross-lagged family."""
    lay = _Layout(spec, design, _Registry())
    for part in (
        lay.lags,
        lay.moderation,
        lay.lag_2,
        lay.stable_factors,
        lay.first_wave,
        lay.innovations,
        lay.errors,
        lay.loadings,
        lay.items,
        lay.covariates,
        lay.means,
        lay.restarts,
        lay.states,
        lay.selections,
        lay.families,
    ):
        for group in range(design.n_groups):
            part(group)
    return ParameterTable(tuple(lay.registry.parameters), lay.registry.matrices)


class _Layout:
    """Names the parameters of one model, part by part and group by group."""

    def __init__(self, spec: CrossLagged, design: Design, registry: _Registry) -> None:
        self.spec, self.design, self.registry = spec, design, registry
        self.names = list(spec.measures)
        self.kind_of_lags = spec.lags_for(design.times)
        self.size = len(self.names)

    def unit(self, measure: int) -> str:
        """Column in whose unit a measure is: its own, or its first indicator's."""
        name = self.names[measure]
        return self.spec.indicators.get(name, (name,))[0]

    def group_of(self, part: str, group: int) -> int | None:
        shared = self.spec.group_lags == "equal" if part == "lags" else part in self.spec.equal_across_groups
        return None if shared or not self.design.groups else group

    def put(self, name: str, group: int, occasion: int | None, positions: object) -> None:
        self.registry.matrices[name, group, occasion] = np.asarray(positions, dtype=np.int64)

    def effects(
        self,
        paths: Sequence[str],
        group: int | None,
        occasion: int | None,
        label: Callable[[str], str],
        kind: Kind,
        start: float = 0.3,
        standardized: bool = False,
    ) -> Addresses:
        """Positions of effects between measures, dims (outcome, predictor); standardised ones have no unit."""
        matrix = np.full((self.size, self.size), -1)
        for path in paths:
            predictor, outcome = (self.names.index(name) for name in split_path(path) or ())
            own = predictor == outcome
            unitless = own or standardized
            matrix[outcome, predictor] = self.registry.add(
                Parameter(
                    self.design.scope(group) + label(path),
                    kind,
                    (outcome, predictor),
                    occasion,
                    group,
                    () if unitless else (self.unit(outcome),),
                    () if unitless else (self.unit(predictor),),
                    start=start if own else 0.0,
                )
            )
        return matrix

    def lags(self, group: int) -> None:
        owner = self.group_of("lags", group)
        groups = (self.spec.carry_over_paths, self.spec.cross_lagged_paths)
        if self.kind_of_lags == "continuous":
            shortest = min(self.design.intervals)
            parts = [
                self.effects(paths, owner, None, lambda path: f"drift {path}", "drift", -0.75 / shortest)
                for paths in groups
            ]
            self.put("drift", group, None, np.maximum(*parts))
            return
        if self.kind_of_lags != "free":
            standardized = self.kind_of_lags == "equal_standardized"
            word = "standardized " if standardized else ""
            parts = [
                self.effects(paths, owner, None, lambda path: word + path, "lagged", standardized=standardized)
                for paths in groups
            ]
            self.put("lagged", group, None, np.maximum(*parts))
            return
        intervals = interval_names(self.design.times_of(group))
        same = {path: same[0] for same in self.spec.equal for path in same}
        matrices = {occasion: np.full((self.size, self.size), -1) for occasion in range(len(intervals))}
        for paths in groups:
            for occasion, interval in enumerate(intervals):
                kept = [path for path in paths if f"{path}, {interval}" not in self.spec.remove]
                found = self.effects(
                    kept,
                    owner,
                    occasion,
                    lambda path, interval=interval: same.get(f"{path}, {interval}", f"{path}, {interval}"),  # type: ignore[misc]
                    "lagged",
                )
                matrices[occasion] = np.maximum(matrices[occasion], found)
        for occasion, matrix in matrices.items():
            self.put("lagged", group, occasion, matrix)

    def moderation(self, group: int) -> None:
        for place, (path, name) in enumerate(self.spec.moderated.items()):
            owner = self.group_of("lags", group)
            matrix = self.effects([path], owner, None, lambda path, name=name: f"{path} by {name}", "moderation", 0.0)  # type: ignore[misc]
            self.put("moderation", group, place, matrix)
            position = int(matrix.max())
            old = self.registry.parameters[position]
            self.registry.parameters[position] = Parameter(
                old.name, old.kind, old.measures, None, old.group, old.times, (*old.per, name)
            )

    def lag_2(self, group: int) -> None:
        if self.spec.lag_2:
            owner = self.group_of("lags", group)
            matrix = self.effects(self.spec.lag_2, owner, None, lambda path: f"{path}, lag 2", "lagged", 0.0)
            self.put("lag 2", group, None, matrix)

    def covariance(
        self,
        name: str,
        word: str,
        kind: Kind,
        group: int,
        owner: int | None,
        occasion: int | None,
        suffix: str,
        start: float,
    ) -> None:
        """A symmetric matrix over measures, by the names of its lower triangle."""
        matrix = np.empty((self.size, self.size), dtype=np.int64)
        for first, second in combinations_with_replacement(range(self.size), 2):
            same = first == second
            what = f"variance {self.names[first]}" if same else f"covariance {self.names[first]}, {self.names[second]}"
            matrix[first, second] = matrix[second, first] = self.registry.add(
                Parameter(
                    f"{self.design.scope(owner)}{word} {what}{suffix}",
                    kind,
                    (second, first),
                    occasion,
                    owner,
                    (self.unit(first), self.unit(second)),
                    is_variance=same,
                    start=start if same else 0.0,
                )
            )
        self.put(name, group, occasion, matrix)

    def crossing(self, name: str, word: str, kind: Kind, group: int, owner: int | None) -> None:
        """A matrix of covariances between two vectors of measures, by rows and columns."""
        matrix = np.empty((self.size, self.size), dtype=np.int64)
        for row in range(self.size):
            for column in range(self.size):
                matrix[row, column] = self.registry.add(
                    Parameter(
                        f"{self.design.scope(owner)}{word} {self.names[row]}, {self.names[column]}",
                        kind,
                        (row, column),
                        None,
                        owner,
                        (self.unit(row), self.unit(column)),
                    )
                )
        self.put(name, group, None, matrix)

    def stable_factors(self, group: int) -> None:
        owner = self.group_of("variances", group)
        if self.spec.random_intercepts:
            self.covariance("between", "between", "between", group, owner, None, "", 0.4)
        if self.spec.stable == "growth":
            self.covariance("slope", "slope", "growth", group, owner, None, "", 0.2)
            self.crossing("between with slope", "between with slope", "growth", group, owner)
        if self.spec.accumulating:
            self.covariance("accumulating", "accumulating", "accumulating", group, owner, None, "", 0.2)
            self.crossing("accumulating with first", "accumulating with first", "accumulating", group, owner)
        if self.spec.stable == "accumulating growth":
            self.covariance("accumulating slope", "accumulating slope", "growth", group, owner, None, "", 0.1)
            for name in ("accumulating with accumulating slope", "accumulating slope with first"):
                self.crossing(name, name, "growth", group, owner)

    def first_wave(self, group: int) -> None:
        owner = self.group_of("variances", group)
        word = "first" if self.spec.accumulating else "within"
        start = 1.0 if self.spec.accumulating else 0.6
        self.covariance(
            "within", word, "within", group, owner, None, f", {number(self.design.times_of(group)[0])}", start
        )

    def innovations(self, group: int) -> None:
        if self.spec.is_stationary:
            return
        owner = self.group_of("residuals", group)
        if self.kind_of_lags == "continuous":
            start = 0.5 / min(self.design.intervals)
            self.covariance("diffusion", "diffusion", "diffusion", group, owner, None, "", start)
        elif self.spec.residuals == "equal":
            self.covariance("innovation", "innovation", "innovation", group, owner, None, "", 0.5)
        else:
            for occasion, interval in enumerate(interval_names(self.design.times_of(group))):
                self.covariance("innovation", "innovation", "innovation", group, owner, occasion, f", {interval}", 0.5)

    def errors(self, group: int) -> None:
        if not self.spec.error:
            return
        owner = self.group_of("residuals", group)
        self.put(
            "error",
            group,
            None,
            [
                self.registry.add(
                    Parameter(
                        f"{self.design.scope(owner)}error variance {name}",
                        "error",
                        (measure, measure),
                        None,
                        owner,
                        (name, name),
                        is_variance=True,
                        start=0.2,
                    )
                )
                for measure, name in enumerate(self.names)
            ],
        )

    def loadings(self, group: int) -> None:
        if not self.spec.free_loadings:
            return
        owner = self.group_of("variances", group)
        for wave, time in enumerate(self.design.times_of(group)[1:], start=1):
            self.put(
                "loading",
                group,
                wave,
                [
                    self.registry.add(
                        Parameter(
                            f"{self.design.scope(owner)}loading {name}, {number(time)}",
                            "loading",
                            (measure,),
                            wave,
                            owner,
                            start=1.0,
                        )
                    )
                    for measure, name in enumerate(self.names)
                ],
            )

    def items(self, group: int) -> None:
        """Loadings, intercepts and unique variances of indicators; -1 for a first indicator's loading and intercept."""
        ladder = ("configural", "weak", "strong", "strict")
        approximate = self.spec.invariance == "approximate"
        rank = 2 if approximate else ladder.index(self.spec.invariance)
        for measure, name in enumerate(self.names):
            for wave in range(len(self.design.times)):
                table = []
                for item in self.spec.indicators.get(name, ()):
                    marker = item == self.spec.indicators[name][0]

                    def add(
                        what: str, least: int, item: str = item, wave: int = wave, measure: int = measure, **unit: Any
                    ) -> int:
                        same = rank >= least and not (approximate and least < 3)
                        each = "" if same else f", {number(self.design.times[wave])}"
                        return self.registry.add(
                            Parameter(f"{what} {item}{each}", "item", (measure,), None if same else wave, None, **unit)
                        )

                    table.append(
                        [
                            -1 if marker else add("loading", 1, times=(item,), per=(self.unit(measure),), start=1.0),
                            -1 if marker and rank >= 2 else add("item intercept", 2, times=(item,), located=item),
                            add("unique variance", 3, times=(item, item), is_variance=True, start=0.4),
                        ]
                    )
                if table:
                    self.put(f"items of {name}", group, wave, table)

    def covariates(self, group: int) -> None:
        owner = self.group_of("means", group)
        factor = "accumulating" if self.spec.accumulating else "intercept"
        for covariate, targets in self.spec.covariates.items():
            for target in targets:
                for wave, time in enumerate(self.design.times_of(group) if target == "each_wave" else (None,)):
                    word = {"intercepts": f"{factor} ", "slopes": "slope ", "first_wave": "within "}.get(target, "")
                    suffix = "" if time is None else f", {number(time)}"
                    self.put(
                        f"{covariate} on {target}",
                        group,
                        None if time is None else wave,
                        [
                            self.registry.add(
                                Parameter(
                                    f"{self.design.scope(owner)}{covariate} -> {word}{name}{suffix}",
                                    "covariate",
                                    (measure,),
                                    None if time is None else wave,
                                    owner,
                                    (self.unit(measure),),
                                    (covariate,),
                                )
                            )
                            for measure, name in enumerate(self.names)
                        ],
                    )

    def means(self, group: int) -> None:
        owner = self.group_of("means", group)

        # Intercepts of the indicators at each wave leave no mean to their measure.
        told = self.spec.indicators if self.spec.invariance in ("configural", "weak") else {}
        fixed = self.spec.random_families

        def vector(name: str, label: Callable[[str], str], occasion: int | None, located: bool) -> None:
            self.put(
                name,
                group,
                occasion,
                [
                    -1
                    if measure_name in told or (located and occasion in (None, 0) and measure_name in fixed)
                    else self.registry.add(
                        Parameter(
                            self.design.scope(owner) + label(measure_name),
                            "mean",
                            (measure,),
                            occasion,
                            owner,
                            (self.unit(measure),),
                            located=self.unit(measure) if located else None,
                        )
                    )
                    for measure, measure_name in enumerate(self.names)
                ],
            )

        if self.spec.stable == "growth":
            vector("mean intercept", lambda name: f"mean intercept {name}", None, True)
            vector("mean slope", lambda name: f"mean slope {name}", None, False)
        elif self.spec.stable == "accumulating growth":
            vector("mean", lambda name: f"mean {name}, {number(self.design.times_of(group)[0])}", 0, True)
            vector("mean accumulating", lambda name: f"mean accumulating {name}", None, False)
            vector("mean accumulating slope", lambda name: f"mean accumulating slope {name}", None, False)
        elif self.spec.means == "equal":
            vector("mean", lambda name: f"mean {name}", None, True)
        else:
            for wave, time in enumerate(self.design.times_of(group)):
                vector("mean", lambda name, time=time: f"mean {name}, {number(time)}", wave, True)  # type: ignore[misc]

    def numbers(
        self,
        name: str,
        kind: Kind,
        labels: Sequence[str],
        occasion: int | None = None,
        units: Sequence[tuple[tuple[str, ...], tuple[str, ...]]] | None = None,
        measures: Sequence[tuple[int, ...]] | None = None,
    ) -> None:
        """A vector of numbers with names of their own."""
        positions = [
            self.registry.add(
                Parameter(
                    label, kind, measures[place] if measures else (), occasion, None, *(units[place] if units else ())
                )
            )
            for place, label in enumerate(labels)
        ]
        self.put(name, 0, occasion, np.array(positions, dtype=np.int64))

    def restarts(self, group: int) -> None:
        """Where what requires the state begins anew: its mean and variance there."""
        state = self.spec.state
        if state is None or not state.required_by:
            return
        for word in ("mean", "variance"):
            vector = np.full(self.size, -1)
            for name in state.required_by:
                measure, unit = self.names.index(name), self.unit(self.names.index(name))
                vector[measure] = self.registry.add(
                    Parameter(
                        f"restart {word} {name}",
                        "restart",
                        (measure, measure) if word == "variance" else (measure,),
                        None,
                        times=(unit, unit) if word == "variance" else (unit,),
                        is_variance=word == "variance",
                        start=0.5 if word == "variance" else 0.0,
                    )
                )
            self.put(f"restart {word}", group, None, vector)

    def effects_on(self, name: str, kind: Kind, predictors: Sequence[str], label: Callable[[str], str]) -> None:
        """Effects of measures and covariates on a linear predictor without a unit."""
        known = self.names
        self.numbers(
            name,
            kind,
            [label(predictor) for predictor in predictors],
            units=[((), (self.unit(known.index(each)) if each in known else each,)) for each in predictors],
            measures=[(known.index(each),) if each in known else () for each in predictors],
        )

    def states(self, group: int) -> None:
        """Regressions of the state, and what it shifts."""
        state, times = self.spec.state, self.design.times
        if state is None:
            return
        self.numbers("first intercept", "state", [f"intercept {state.name}, {number(times[0])}"])
        self.effects_on("first on", "state", state.first, lambda name: f"{name} -> {state.name}, {number(times[0])}")
        for word, predictors in (("acquired", state.acquire), ("kept", state.keep)):
            for wave, time in enumerate(times[1:], start=1):
                label = f"intercept {state.name} {word}, {number(time)}"
                self.numbers(f"{word} intercept", "state", [label], occasion=wave)
            self.effects_on(
                f"{word} on",
                "state",
                predictors,
                lambda name, word=word: f"{name} -> {state.name} {word}",  # type: ignore[misc]
            )
        shifted = np.full(self.size, -1)
        for name in state.acts_on:
            measure = self.names.index(name)
            shifted[measure] = self.registry.add(
                Parameter(f"{state.name} -> {name}", "state", (measure,), None, times=(self.unit(measure),))
            )
        self.put("state effect", group, None, shifted)

    def selections(self, group: int) -> None:
        """Regressions of who is interviewed, and of who answers."""
        for each in self.spec.selection:
            for wave, time in enumerate(self.design.times):
                if wave >= each.first_wave:
                    label = f"intercept {each.of} seen, {number(time)}"
                    self.numbers(f"{each.of} seen intercept", "selection", [label], occasion=wave)
            self.effects_on(f"{each.of} seen on", "selection", each.on, lambda name, of=each.of: f"{name} -> {of} seen")  # type: ignore[misc]
            self.effects_on(
                f"{each.of} seen before",
                "selection",
                each.before,
                lambda name, of=each.of: f"{name} before -> {of} seen",  # type: ignore[misc]
            )

    def families(self, group: int) -> None:
        """Numbers of the families, as they are sampled."""
        for name, family in self.spec.random_families.items():
            labels = [f"{parameter.name} {name}" for parameter in family.parameters]
            self.numbers(f"family of {name}", "family", labels, measures=[(self.names.index(name),)] * len(labels))
