"""Small records that a panel is made of."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from types import MappingProxyType
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

__all__ = [
    "DECISIONS",
    "MISSING",
    "REASONS",
    "Absence",
    "Arrays",
    "Background",
    "Contradictions",
    "IdenticalRows",
    "LeftOut",
    "Moments",
    "PanelWarning",
    "WithoutCovariates",
]

Contradictions = Literal["refuse", "drop_value", "state_on"]
IdenticalRows = Literal["refuse", "drop"]
WithoutCovariates = Literal["keep", "leave_out"]
DECISIONS: tuple[str, ...] = get_args(Contradictions)


class Absence(IntEnum):
    """Why a cell of a panel holds no value; `OBSERVED` where it does."""

    OBSERVED = 0
    WAVE_MISSING = 1
    """The person was not interviewed at that time."""
    NOT_APPLICABLE = 2
    """Interviewed, and the state that the measure requires is off: no sponsor, so no alliance."""
    ITEM_MISSING = 3
    """Interviewed, and the measure applies, but there is no answer."""
    UNKNOWN = 4
    """Interviewed, but the state itself is not reported, so it is unknown whether the measure applies."""


REASONS = (Absence.ITEM_MISSING, Absence.NOT_APPLICABLE, Absence.UNKNOWN, Absence.WAVE_MISSING)
MISSING: Mapping[str, Absence] = MappingProxyType(
    {
        "wave_missing": Absence.WAVE_MISSING,
        "item_missing": Absence.ITEM_MISSING,
        "unknown": Absence.UNKNOWN,
    }
)
"""Names of the kinds of absence of values that exist, or may."""


class PanelWarning(UserWarning):
    """Something doubtful about a panel that can nevertheless be used."""


@dataclass(frozen=True)
class LeftOut:
    """Part of the input that is not in the panel.

    Attributes
    ----------
    what
        What was left out, in the plural: "rows at times not asked for".
    count
        How many.
    cases
        The first few of them, as text.
    why
        The reason.
    """

    what: str
    count: int
    cases: tuple[str, ...]
    why: str

    def __str__(self) -> str:
        return f"{self.count:,} {self.what}: {', '.join(self.cases)} ({self.why})"


@dataclass(frozen=True, eq=False)
class Moments:
    """Counts, means and covariances of each missing-data pattern, without the persons behind them.

    Attributes
    ----------
    n
        Persons with each pattern, shape ``(pattern,)``, the most frequent first; persons without
        any value are a pattern too.
    observed
        Which cells these persons have, shape ``(pattern, time, measure)``.
    means
        Shape ``(pattern, time, measure)``, in the measures' own units, NaN where not observed.
    covariance
        Shape ``(pattern, time * measure, time * measure)``, wave-major (x1, y1, x2, y2, ...),
        divisor `n`, NaN where not observed.
    counts
        Persons with each code of `Absence`, shape ``(code, time, measure)``.
    lowest, highest
        Smallest and largest value, shape ``(time, measure)``; None where it is not known.
    """

    n: npt.NDArray[np.int64]
    observed: npt.NDArray[np.bool_]
    means: npt.NDArray[np.float64]
    covariance: npt.NDArray[np.float64]
    counts: npt.NDArray[np.int64]
    lowest: npt.NDArray[np.float64] | None = None
    highest: npt.NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        for array in vars(self).values():
            if array is not None:
                array.flags.writeable = False


@dataclass(frozen=True, eq=False)
class Background:
    """What does not change in a person, and when each interview really was.

    Attributes
    ----------
    covariates
        Name to values, each of shape ``(person,)``, NaN where unknown.
    groups
        Label of each person's group, shape ``(person,)``; None where there are no groups.
    own_times
        Time of each interview, in the unit of the panel's times, shape ``(person, time)``; NaN where the
        wave is missing; None where the panel's times hold for everybody.
    pattern_groups
        Where only moments are held: label of the group of each missing-data pattern, shape ``(pattern,)``.
    group_times
        Times of each group's own waves, where they are not those of the panel (several studies).
    """

    covariates: Mapping[str, npt.NDArray[np.float64]] = field(default_factory=dict)
    groups: npt.NDArray[np.str_] | None = None
    own_times: npt.NDArray[np.float64] | None = None
    pattern_groups: npt.NDArray[np.str_] | None = None
    group_times: Mapping[str, tuple[float, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "covariates", MappingProxyType(dict(self.covariates)))
        object.__setattr__(self, "group_times", MappingProxyType(dict(self.group_times)))
        for array in (*self.covariates.values(), self.groups, self.own_times, self.pattern_groups):
            if array is not None:
                array.flags.writeable = False

    def __reduce__(self) -> tuple[Any, ...]:
        parts = (dict(self.covariates), self.groups, self.own_times, self.pattern_groups, dict(self.group_times))
        return Background, parts

    @property
    def group_labels(self) -> tuple[str, ...]:
        """The groups, in sorted order."""
        labels = self.pattern_groups if self.groups is None else self.groups
        return () if labels is None else tuple(map(str, np.unique(labels)))

    def of(self, persons: npt.NDArray[Any]) -> "Background":
        """The background of some persons, by position or mask."""
        return Background(
            {name: values[persons].copy() for name, values in self.covariates.items()},
            None if self.groups is None else self.groups[persons].copy(),
            None if self.own_times is None else self.own_times[persons].copy(),
        )


@dataclass(frozen=True, eq=False)
class Arrays:
    """Person x time x measure as read, before the kinds of absence are distinguished."""

    persons: npt.NDArray[np.generic]  # sorted ids, shape (person,)
    times: tuple[float, ...]  # increasing, in real units
    measures: tuple[str, ...]
    answers: npt.NDArray[np.float64]  # shape (person, time, measure), NaN where nothing was read
    states: Mapping[str, npt.NDArray[np.float64]]  # state to 0, 1 or NaN, each of shape (person, time)
    requires: Mapping[str, str]  # measure to state
    interviewed: npt.NDArray[np.bool_] | None = None  # shape (person, time); None where it follows from the values
    left_out: tuple[LeftOut, ...] = ()
    background: Background = field(default_factory=Background)
