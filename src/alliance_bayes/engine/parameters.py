"""The free numbers of a cross-lagged model: their names, their units, and the arrays they stand in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations_with_replacement
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from ..basics.names import number, split_path
from ..spec.cross_lagged import CrossLagged
from .design import Design
from .keys import Key, Kind
from .program import NOTHING, Writer

__all__ = ["Addresses", "Parameter", "ParameterTable", "Shared", "TableBuilder", "Workspace", "ends_of"]

type Addresses = npt.NDArray[np.int64]

Shared = Literal["lags", "variances", "residuals", "means"]


@dataclass(frozen=True)
class Parameter:
    """One free number of a model."""

    # How its name begins and what it is of, such as ``"between variance"`` and ``"days"``
    word: str
    of: str
    kind: Kind
    # Positions of the measures: ``(outcome, predictor)`` of a lagged effect, both measures of a variance or covariance,
    # ``(measure,)`` of a mean
    measures: tuple[int, ...]
    # Position of its interval (lagged effects, innovations) or wave (means), or None where it holds for all
    occasion: int | None = None
    group: int | None = None  # position of its group, or None where it holds for all
    scope: str = ""  # beginning of its name where it belongs to one group
    units: tuple[str, ...] = ()  # columns in whose unit it counts: their SDs are multiplied
    per: tuple[str, ...] = ()  # columns per whose unit it counts: their SDs are divided by
    located: str | None = None  # column whose mean is added, or None
    # Position of a loading and a column: the loading times the column's mean is subtracted
    less: tuple[int, str] | None = None
    is_variance: bool = False  # whether it is a variance, which an admissible solution keeps above 0
    start: float = 0.0  # where maximisation starts, in the model's unit

    @property
    def name(self) -> str:
        """As in every table, such as ``"alliance -> days, 6 to 12"`` or ``"mean days, 6"``."""
        return f"{self.scope}{self.word}{' ' if self.word else ''}{self.of}"


@dataclass(frozen=True, eq=False)
class ParameterTable:
    """The parameters of a model on a design, in the order of the vector theta."""

    # The model, and what it knows of the panel
    spec: CrossLagged
    design: Design
    parameters: tuple[Parameter, ...]  # in order of the parts of the model
    # Key, group and occasion to an array of positions in theta, -1 for what is fixed at 0
    arrays: Mapping[tuple[Key, int, int | None], Addresses]

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the parameters, in order."""
        return tuple(parameter.name for parameter in self.parameters)

    def __len__(self) -> int:
        return len(self.parameters)

    def has(self, key: Key, group: int, occasion: int | None = None) -> bool:
        """Whether there is such an array."""
        return (key, group, occasion) in self.arrays or (key, group, None) in self.arrays

    def at(self, key: Key, group: int, occasion: int | None = None) -> Addresses:
        """Positions of an array; one that holds for all occasions answers for each."""
        array = self.arrays.get((key, group, occasion))
        return self.arrays[key, group, None] if array is None else array


def ends_of(path: str, names: Sequence[str]) -> tuple[int, int]:
    """Positions of the outcome and the predictor of a path."""
    predictor, outcome = split_path(path) or ("", "")
    return names.index(outcome), names.index(predictor)


class TableBuilder:
    """What parts add their parameters to; the same parameter added for another group or occasion is one parameter."""

    def __init__(self, spec: CrossLagged, design: Design) -> None:
        self.spec, self.design = spec, design
        self.names, self.size = list(spec.measures), len(spec.measures)
        self.lags = spec.lags_for(design.times)
        self.parameters: list[Parameter] = []
        self.arrays: dict[tuple[Key, int, int | None], Addresses] = {}
        self._positions: dict[tuple[Key, str, tuple[float, ...], int | None], int] = {}

    def table(self) -> ParameterTable:
        """The parameters added so far."""
        return ParameterTable(self.spec, self.design, tuple(self.parameters), self.arrays)

    def owner(self, what: Shared, group: int) -> int | None:
        """The group that such parameters belong to; None where they are those of all."""
        shared = self.spec.group_lags == "equal" if what == "lags" else what in self.spec.equal_across_groups
        return None if shared or not self.design.groups else group

    def unit(self, measure: int) -> str:
        """Column in whose unit a measure is: its own, or its first indicator's."""
        name = self.names[measure]
        return self.spec.indicators.get(name, (name,))[0]

    def put(self, key: Key, group: int, occasion: int | None, positions: object) -> None:
        """Note where the parameters of an array stand."""
        self.arrays[key, group, occasion] = np.asarray(positions, dtype=np.int64)

    def add(
        self,
        key: Key,
        of: str,
        measures: tuple[int, ...] = (),
        owner: int | None = None,
        *,
        word: str | None = None,
        form: str = "",
        occasion: int | None = None,
        times: tuple[float, ...] = (),
        **numbers: Any,
    ) -> int:
        """Position of a parameter, added where it is not there yet.

        Parameters
        ----------
        key
            Of its array.
        of
            What it is of.
        measures, owner, occasion
            See `Parameter`; the owner is its group.
        word, form
            How its name begins, where not with the word of its key, and what follows, such as ``"variance"``.
        times
            Its wave, or both ends of its interval; none where it holds for all.
        **numbers
            Other attributes of the `Parameter`.
        """
        identity = key, f"{form} {of}", times, owner
        position = self._positions.setdefault(identity, len(self.parameters))
        if position == len(self.parameters):
            when = f", {' to '.join(map(number, times))}" if times else ""
            words, scope = f"{key.word if word is None else word} {form}".strip(), self.design.scope(owner)
            self.parameters.append(Parameter(words, of + when, key.kind, measures, occasion, owner, scope, **numbers))
        return position

    def effect(
        self,
        key: Key,
        path: str,
        owner: int | None,
        *,
        word: str | None = None,
        ending: str = "",
        unitless: bool = False,
        per: tuple[str, ...] = (),
        start: float = 0.0,
        occasion: int | None = None,
        times: tuple[float, ...] = (),
    ) -> tuple[tuple[int, int], int]:
        """Outcome and predictor of an effect between measures, and its position; `start` is that of a carry-over."""
        outcome, predictor = ends_of(path, self.names)
        unitless = unitless or outcome == predictor
        position = self.add(
            key,
            path + ending,
            (outcome, predictor),
            owner,
            word=word,
            occasion=occasion,
            times=times,
            units=() if unitless else (self.unit(outcome),),
            per=(*(() if unitless else (self.unit(predictor),)), *per),
            start=start if outcome == predictor else 0.0,
        )
        return (outcome, predictor), position

    def effects(self, key: Key, paths: Sequence[str], group: int, owner: int | None, **options: Any) -> None:
        """Add effects between measures that hold for all intervals; options as of `effect`."""
        matrix = self.no_effects()
        for path in paths:
            ends, position = self.effect(key, path, owner, **options)
            matrix[ends] = position
        self.put(key, group, None, matrix)

    def no_effects(self) -> Addresses:
        """A matrix of effects that are all fixed at 0, dims (outcome, predictor)."""
        return np.full((self.size, self.size), NOTHING)

    def covariance(
        self,
        key: Key,
        group: int,
        owner: int | None,
        *,
        start: float,
        word: str | None = None,
        occasion: int | None = None,
        times: tuple[float, ...] = (),
    ) -> None:
        """Add a covariance matrix of the measures."""
        matrix = self.no_effects()
        for first, second in combinations_with_replacement(range(self.size), 2):
            same = first == second
            matrix[first, second] = matrix[second, first] = self.add(
                key,
                self.names[first] if same else f"{self.names[first]}, {self.names[second]}",
                (second, first),
                owner,
                word=word,
                form="variance" if same else "covariance",
                occasion=occasion,
                times=times,
                units=(self.unit(first), self.unit(second)),
                is_variance=same,
                start=start if same else 0.0,
            )
        self.put(key, group, occasion, matrix)

    def crossing(self, key: Key, group: int, owner: int | None) -> None:
        """Add all covariances of one vector of measures (rows) with another (columns)."""
        matrix = self.no_effects()
        for row, column in np.ndindex(self.size, self.size):
            of, units = f"{self.names[row]}, {self.names[column]}", (self.unit(row), self.unit(column))
            matrix[row, column] = self.add(key, of, (row, column), owner, units=units)
        self.put(key, group, None, matrix)

    def vector(
        self,
        key: Key,
        group: int,
        owner: int | None,
        *,
        measures: Sequence[int] | None = None,
        occasion: int | None = None,
        times: tuple[float, ...] = (),
        unitless: bool = False,
        located: bool = False,
        is_variance: bool = False,
        **numbers: Any,
    ) -> None:
        """Add a number, or a variance, of each measure, or of some; the others' are fixed at 0."""
        positions = np.full(self.size, NOTHING)
        for measure in range(self.size) if measures is None else measures:
            unit = self.unit(measure)
            positions[measure] = self.add(
                key,
                self.names[measure],
                (measure, measure) if is_variance else (measure,),
                owner,
                occasion=occasion,
                times=times,
                units=() if unitless else (unit, unit) if is_variance else (unit,),
                located=unit if located else None,
                is_variance=is_variance,
                **numbers,
            )
        self.put(key, group, occasion, positions)

    def effects_on(self, key: Key, predictors: Sequence[str], of: str, times: tuple[float, ...] = ()) -> None:
        """Add effects of measures and covariates on a linear predictor, which has no unit.

        `of` follows a predictor in the name of its effect, such as ``"-> sponsor kept"``.
        """
        positions = []
        for name in predictors:
            measures = (self.names.index(name),) if name in self.names else ()
            per = self.unit(measures[0]) if measures else name
            positions.append(self.add(key, f"{name} {of}", measures, times=times, per=(per,)))
        self.put(key, 0, None, positions)


class Workspace:
    """A program being written, and where the parameters of a model stand among its inputs."""

    def __init__(self, table: ParameterTable, writer: Writer) -> None:
        self.table, self.writer = table, writer
        self.spec, self.design = table.spec, table.design

    @cached_property
    def lags(self) -> str:
        """How lagged effects depend on the interval."""
        return self.spec.lags_for(self.design.times)

    def at(self, key: Key, group: int, occasion: int | None = None) -> Addresses:
        """Addresses of an array of parameters, `NOTHING` for what is fixed at 0."""
        return self.table.at(key, group, occasion)
