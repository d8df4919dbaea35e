"""Tables with one row per person and time: what must hold of them, whether they are in memory or on disk."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..basics.problems import PanelError, Problems
from .background import check_names
from .checks import (
    check_measures,
    check_people,
    check_requires,
    label,
    missing_text,
    usable_columns,
    waves_of_labels,
)
from .columns import Column, Kind
from .records import LeftOut

__all__ = ["LongColumns", "LongRows", "LongTable", "check_long", "check_size", "persons_left_out"]

MOST_DATES = 40  # times beyond this must be shared by
FULL_ENOUGH = 0.05  # at least this share of the persons


@dataclass(frozen=True)
class LongColumns:
    """The arguments of `Panel.from_long` that say which columns and times are used."""

    person: str
    time: str
    measures: Sequence[str]
    times: Sequence[float] | Mapping[Hashable, float] | None
    requires: Mapping[str, str] | None
    interviewed: str | None = None
    covariates: Sequence[str] = ()
    group: str | None = None
    own_time: str | None = None


class LongRows(ABC):
    """The rows of a table, counted from 0; `header` holds names and types of the columns."""

    header: pd.DataFrame

    @abstractmethod
    def missing(self, name: str) -> tuple[int, list[int]]:
        """How many rows have no value in a column, and the positions of the first five."""

    @abstractmethod
    def ids(self, name: str) -> npt.NDArray[Any]:
        """Different ids in a column, or those that show whether all can be used."""

    @abstractmethod
    def times(self, name: str) -> tuple[Sequence[object], npt.NDArray[np.int64]]:
        """Different times in a column, and how many rows have each."""

    @abstractmethod
    def keep(self, name: str, slots: npt.NDArray[np.int64]) -> None:
        """Keep only rows whose time has a slot of 0 or more, given for each of the different times."""

    @abstractmethod
    def column(self, name: str) -> Column:
        """A column of the rows kept."""

    @abstractmethod
    def size(self) -> tuple[int, int]:
        """How many rows are kept, and roughly how many persons have them."""


class LongTable(NamedTuple):
    """What of a table can be used: columns of numbers by their use, columns of labels, times, and rows at others."""

    measures: tuple[str, ...]
    states: tuple[str, ...]
    others: tuple[str, ...]
    covariates: tuple[str, ...]
    labels: tuple[str, ...]
    times: tuple[float, ...]
    requires: dict[str, str]
    left_out: tuple[LeftOut, ...]


def check_long(rows: LongRows, columns: LongColumns, problems: Problems) -> LongTable:
    """Whether a table can be a panel: every problem is added to the list, raised where nothing can be read without.

    From here on `rows` are without those at times that were not asked for.
    """
    person, time = columns.person, columns.time
    others: list[tuple[Kind, str]] = []
    if columns.interviewed is not None:
        others.append(("interview", columns.interviewed))
    others += [("covariate", name) for name in check_names(columns.covariates, problems)]
    if columns.own_time is not None:
        others.append(("own time", columns.own_time))
    labels = [] if columns.group is None else [("group", columns.group)]
    names = check_measures(columns.measures, problems)
    required = check_requires(columns.requires, names, problems)
    states = tuple(dict.fromkeys(required.values()))
    uses: list[tuple[Kind, str]] = [("measure", name) for name in names]
    uses += [*(("state", name) for name in states), *others]
    usable = usable_columns(rows.header, [("person", person), ("time", time), *uses, *labels], problems)

    identified = person in usable and check_people(
        rows.missing(person), rows.ids(person), f"The person, '{person}',", problems
    )
    waves = _waves(rows, time, columns.times, problems) if time in usable else None
    numbers = {name for kind, name in uses if name in usable and rows.column(name).check(kind, problems)}
    if not identified or waves is None:
        problems.raise_as(PanelError)
        raise AssertionError("an unusable person or time is a problem")
    real, left_out = waves
    _check_dates(time, len(real), rows.size, problems)
    return LongTable(
        measures=tuple(name for name in names if name in numbers),
        states=tuple(name for name in states if name in numbers),
        others=tuple(name for _, name in others if name in numbers),
        covariates=tuple(name for kind, name in others if kind == "covariate" and name in numbers),
        labels=tuple(name for _, name in labels if name in usable),
        times=real,
        requires=required,
        left_out=left_out,
    )


def _waves(
    rows: LongRows, time: str, times: object, problems: Problems
) -> tuple[tuple[float, ...], tuple[LeftOut, ...]] | None:
    """Times of the panel and rows at others, which are dropped; None where there is a problem."""
    count, positions = rows.missing(time)
    if count:
        problems.add(missing_text(f"'{time}'", count, positions, "when it was"))
    waves = waves_of_labels(*rows.times(time), time, times, problems)
    if waves is None or count:
        return None
    slots, real, unasked = waves
    rows.keep(time, slots)
    return real, () if unasked is None else (unasked,)


def _check_dates(name: str, n_times: int, size: Callable[[], tuple[int, int]], problems: Problems) -> None:
    """Whether the times are shared by the persons; raises all problems so far where they are not."""
    if n_times <= MOST_DATES:
        return
    n_rows, n_persons = size()
    if n_rows < FULL_ENOUGH * n_persons * n_times:
        problems.add(
            f"'{name}' has {n_times:,} different values in {n_rows:,} rows: dates of single people rather than "
            "times shared by all. Round it to the planned interviews."
        )
        problems.raise_as(PanelError)


def check_size(n_rows: int, n_columns: int, problems: Problems) -> None:
    """Whether there is a row and a column."""
    if not n_rows or not n_columns:
        problems.add(f"There are {n_rows} rows and {n_columns} columns, so there are no values.")


def persons_left_out(
    count: int, first_five: Iterable[object], why: str = "no row at the times asked for"
) -> tuple[LeftOut, ...]:
    """So many persons who are not in the panel, if there are any, and why."""
    cases = (*map(label, first_five), *((f"and {count - 5:,} more",) if count > 5 else ()))
    what = f"person{'s' * (count > 1)}"
    return (LeftOut(what, count, cases, why),) if count else ()
