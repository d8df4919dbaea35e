"""Long and wide data frames to person x time x measure, without a loop over people."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, partial
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..basics.given import shown
from ..basics.names import counted, quoted
from ..basics.problems import PanelError, Problems
from .arrays import labels_of, numbers_of
from .background import check_background, check_names, check_own_times, read_groups, same_within_persons
from .checks import (
    case,
    check_measures,
    check_people,
    check_requires,
    check_times,
    label,
    repeated,
    repeated_text,
    usable_columns,
)
from .columns import Kind, MemoryColumn, numbers
from .long import LongColumns, LongRows, check_long, persons_left_out
from .records import Arrays, Background

__all__ = ["from_long", "from_wide"]


def from_long(frame: pd.DataFrame, columns: LongColumns, problems: Problems) -> Arrays:
    """Arrays of a frame with one row per person and time."""
    person, time, own_time, group = columns.person, columns.time, columns.own_time, columns.group
    rows = FrameRows(frame, person, time)
    table = check_long(rows, columns, problems)

    def values(name: str) -> npt.NDArray[np.float64]:
        return rows.column(name).numbers

    places, ids, absent = rows.people()
    grid = Grid(ids, table.times, places, rows.slots)
    n_repeated, cases = grid.repeated()
    if n_repeated:
        identical = int(frame.astype(object).duplicated().sum())
        cure = f" {identical:,} repeat another in every column: identical_rows='drop' drops them." if identical else ""
        problems.add(repeated_text(f"({person}, {time}) cells", "one person at one time", n_repeated, cases) + cure)
    own_times = grid.placed(values(own_time)) if own_time in table.others else None
    if own_times is not None:
        check_own_times(own_times, problems)
    covariates = {}
    for name in table.covariates:
        column, whose = rows.of_persons(name)
        if column.check("covariate", problems):
            covariates[name] = same_within_persons(name, column.numbers, whose, ids, problems)
    groups = None
    if group in table.labels:
        column, whose = rows.of_persons(group)
        groups = read_groups(group, column.values, whose, ids, problems)
    background = Background(covariates, groups, own_times)
    interviewed = columns.interviewed
    return Arrays(
        persons=ids,
        times=table.times,
        measures=table.measures,
        answers=grid.stacked([values(name) for name in table.measures]),
        states={name: grid.placed(values(name)) for name in table.states},
        requires=table.requires,
        interviewed=grid.placed(values(interviewed), 0.0) == 1 if interviewed in table.others else None,
        left_out=(*table.left_out, *persons_left_out(len(absent), absent[:5])),
        background=background,
    )


class FrameRows(LongRows):
    """The rows of a data frame; `slots` holds the position of the time of each row kept."""

    def __init__(self, frame: pd.DataFrame, person: str, time: str) -> None:
        self.header, self.slots = frame.iloc[:0], np.zeros(len(frame), dtype=np.int64)
        self._frame, self._cell = frame, (person, time)
        self._rows: Any = slice(None)
        self._codes = cache(lambda name: factorized(frame[name]))

    def missing(self, name: str) -> tuple[int, list[int]]:
        return missing_rows(self._codes(name)[0])

    def ids(self, name: str) -> npt.NDArray[Any]:
        return np.asarray(self._codes(name)[1])

    def times(self, name: str) -> tuple[list[object], npt.NDArray[np.int64]]:
        codes, labels = self._codes(name)
        return list(labels), np.bincount(codes[codes >= 0] if codes.min() < 0 else codes, minlength=len(labels))

    def keep(self, name: str, slots: npt.NDArray[np.int64]) -> None:
        self.slots = slots[self._codes(name)[0]]
        if (slots < 0).any():
            self._rows = np.flatnonzero(self.slots >= 0)
            self.slots = self.slots[self._rows]

    def column(self, name: str) -> MemoryColumn:
        return MemoryColumn(self._frame[name].iloc[self._rows], name, self._where)

    def of_persons(self, name: str) -> tuple[MemoryColumn, npt.NDArray[np.int64]]:
        """A column of what does not change in a person, and whose each of its values is.

        Holds the rows kept and, of persons without a value in these, their rows at other times.
        """
        places, ids, _ = self.people()
        if isinstance(self._rows, slice):
            return self.column(name), places
        has_value = self._frame[name].notna().to_numpy()
        known = np.bincount(places[has_value[self._rows]], minlength=len(ids)) > 0
        of_all, all_ids = sorted_ids(*self._codes(self._cell[0]))
        present = np.isin(np.arange(len(all_ids)), of_all[self._rows])
        place = np.where(present, np.cumsum(present) - 1, -1)[of_all]
        wanted = np.append(~known, False)[place]  # the last stands for -1, persons without a row that is kept
        wanted[self._rows] = True
        positions = np.flatnonzero(wanted)
        column = MemoryColumn(self._frame[name].iloc[positions], name, lambda row: self._at(positions[row]))
        return column, place[positions]

    def size(self) -> tuple[int, int]:
        places, ids, _ = self.people()
        return places.size, len(ids)

    def people(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.generic], npt.NDArray[np.generic]]:
        """Position of each kept row's person among the sorted ids, these, and ids without a row."""
        places, ids = sorted_ids(*self._codes(self._cell[0]))
        return only_present(places[self._rows], ids)

    def _where(self, row: int) -> str:
        return self._at(int(np.arange(len(self._frame))[self._rows][row]))

    def _at(self, position: int) -> str:
        names = [name for name in self._cell if np.count_nonzero(self._frame.columns == name) == 1]
        cell = [self._frame[name].iloc[position] for name in names]
        return case(*cell) if len(cell) == 2 and not pd.isna(cell).any() else f"in row {position}"


def factorized(column: pd.Series) -> tuple[npt.NDArray[np.int64], Any]:
    """Position of each row's value among the different values, -1 where it is missing, and these.

    Of values that cannot be compared, such as lists, the first stands for all.
    """
    try:
        return pd.factorize(column)  # type: ignore[no-any-return]
    except TypeError:
        labels = np.empty(1, dtype=object)
        labels[0] = column.iloc[0]
        return np.zeros(len(column), dtype=np.int64), labels


def missing_rows(codes: npt.NDArray[np.int64]) -> tuple[int, list[int]]:
    """How many rows have no value, and the positions of the first five."""
    rows = np.flatnonzero(codes < 0) if codes.min() < 0 else codes[:0]
    return rows.size, rows[:5].tolist()


def sorted_ids(codes: npt.NDArray[np.int64], labels: Any) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.generic]]:
    """Position of each row's person among the sorted ids, and these."""
    ranks, ids = pd.factorize(np.asarray(labels), sort=True)
    return ranks[codes], np.asarray(ids)


@dataclass(frozen=True)
class Grid:
    """Rows and their positions among sorted persons and times."""

    persons: npt.NDArray[np.generic]
    times: tuple[float, ...]
    rows: npt.NDArray[np.int64]  # position of each row's person
    slots: npt.NDArray[np.int64]  # position of each row's time

    @cached_property
    def cells(self) -> npt.NDArray[np.int64]:
        """Position of each row among the cells, time by time within persons."""
        return self.rows * len(self.times) + self.slots

    def repeated(self) -> tuple[int, list[str]]:
        """Number of cells with more than one row, and the first three as text."""
        n_times = len(self.times)

        def describe(cell: int) -> str:
            return case(self.persons[cell // n_times], self.times[cell % n_times])

        return repeated(self.cells, len(self.persons) * n_times, describe)

    def placed(self, values: npt.NDArray[np.float64], empty: float = np.nan) -> npt.NDArray[np.float64]:
        """Values of the rows, shape ``(person, time)``."""
        grid = np.full(len(self.persons) * len(self.times), empty)
        grid[self.cells] = values
        return grid.reshape(len(self.persons), len(self.times))

    def stacked(
        self, columns: Sequence[npt.NDArray[np.float64]], order: Literal["C", "F"] = "C"
    ) -> npt.NDArray[np.float64]:
        """Several columns of the rows, shape ``(person, time, column)``.

        In memory the cells of a person lie together ("C"), or the persons of a cell ("F").
        """
        n_persons, n_times, n_columns = len(self.persons), len(self.times), len(columns)
        grid = np.full(n_persons * n_times * n_columns, np.nan)
        if order == "C":
            where, apart = self.cells * n_columns, 1
            cells = grid.reshape(n_persons, n_times, n_columns)
        else:
            where, apart = self.slots * (n_columns * n_persons) + self.rows, n_persons
            cells = grid.reshape(n_times, n_columns, n_persons).transpose(2, 0, 1)
        for position, values in enumerate(columns):
            grid[position * apart :][where] = values
        return cells


def only_present(
    rows: npt.NDArray[np.int64], ids: npt.NDArray[np.generic]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.generic], npt.NDArray[np.generic]]:
    """Renumber the persons so that only those who still have a row are counted; the others come last."""
    present = np.zeros(len(ids), dtype=bool)
    present[rows] = True
    if present.all():
        return rows, ids, ids[:0]
    return (np.cumsum(present) - 1)[rows], ids[present], ids[~present]


def from_wide(
    frame: pd.DataFrame,
    measures: Mapping[str, Sequence[str]],
    times: Sequence[float],
    person: str | None,
    requires: Mapping[str, str] | None,
    states: Mapping[str, Sequence[str]] | None,
    covariates: Sequence[str],
    group: str | None,
    problems: Problems,
) -> Arrays:
    """Arrays of a frame with one row per person and one column per measure and time."""
    constant = check_names(covariates, problems)
    real = check_times(times, problems)
    if not isinstance(measures, Mapping):
        problems.add(
            "measures must map each measure to its columns, one for each time, such as "
            "measures={'alliance': ['alliance_0', 'alliance_6']}."
        )
        problems.raise_as(PanelError)
    names = check_measures(measures, problems)
    required = check_requires(requires, names, problems)
    if states is not None and not isinstance(states, Mapping):
        problems.add(f"states must map each state to its columns; got {shown(states)}.")
    states = dict(states) if isinstance(states, Mapping) else {}
    check_states(states, required, names, problems)
    columns = columns_by_time([*((name, measures[name]) for name in names), *states.items()], real, problems)
    uses = [] if person is None else [("person", person)]
    uses += [(f"'{name}'", column) for name, given in columns.items() for column in given]
    uses += [("covariate", name) for name in constant]
    uses += [] if group is None else [("group", group)]
    usable = usable_columns(frame, uses, problems)

    people = people_of(frame, person, problems) if person is None or person in usable else None
    if people is None or real is None:
        problems.raise_as(PanelError)
        raise AssertionError("an unusable person or time is a problem")
    rows, ids = people

    def placed(given: Sequence[str], kind: Kind) -> npt.NDArray[np.float64] | None:
        grid = np.full((len(ids), len(real)), np.nan)
        good = usable.issuperset(given)
        for slot, column in enumerate(given):
            if column in usable:
                where = partial(cell_of, slot)
                values = numbers(frame[column], column, kind, where, problems)
                good &= values is not None
                grid[rows, slot] = np.nan if values is None else values
        return grid if good else None

    def cell_of(slot: int, row: int) -> str:
        return case(ids[rows[row]], real[slot])

    read = {name: placed(given, "measure" if name in names else "state") for name, given in columns.items()}
    grids = {name: grid for name, grid in read.items() if grid is not None}
    good = [name for name in names if name in grids]
    answers = np.full((len(ids), len(real), len(good)), np.nan)
    for position, name in enumerate(good):
        answers[:, :, position] = grids[name]
    held = {name: grid for name, grid in grids.items() if name not in names}

    def whose(row: int) -> str:
        return f"of {label(ids[rows[row]])}"

    known = {name: numbers(frame[name], name, "covariate", whose, problems) for name in constant if name in usable}
    background = Background(
        {
            name: same_within_persons(name, values, rows, ids, problems)
            for name, values in known.items()
            if values is not None
        },
        read_groups(group, frame[group], rows, ids, problems) if group is not None and group in usable else None,
    )
    return Arrays(ids, real, tuple(good), answers, held, required, background=background)


def columns_by_time(
    given: Iterable[tuple[str, Sequence[str]]], times: Sequence[float] | None, problems: Problems
) -> dict[str, Sequence[str]]:
    """The columns of each measure or state that has one for each time."""
    columns: dict[str, Sequence[str]] = {}
    for name, names in given:
        listed = [names] if isinstance(names, str) or not isinstance(names, Iterable) else list(names)
        if times is None or len(listed) == len(times):
            columns[name] = listed
        else:
            count = counted(len(listed), "column")
            problems.add(f"'{name}' has {count} for {len(times)} times; name one for each.")
    return columns


def people_of(
    frame: pd.DataFrame, person: str | None, problems: Problems
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.generic]] | None:
    """Position of each row's person among the sorted ids, and these; None where rows do not say whose they are."""
    name = "The person, the frame's index," if person is None else f"The person, '{person}',"
    codes, labels = factorized(frame.index.to_series() if person is None else frame[person])
    if not check_people(missing_rows(codes), np.asarray(labels), name, problems):
        return None
    rows, ids = sorted_ids(codes, labels)
    n_repeated, cases = repeated(rows, len(ids), lambda index: label(ids[index]))
    if n_repeated:
        problems.add(repeated_text(f"persons ({person or 'the index'})", "one person", n_repeated, cases))
    return rows, ids


def check_states(
    states: Mapping[str, object], required: Mapping[str, str], measures: Sequence[str], problems: Problems
) -> None:
    """Whether the states given apart are those that `requires` names."""
    for name in dict.fromkeys(required.values()):
        if name not in states:
            problems.add(f"requires names the state '{name}', of which nothing is given; add states={{'{name}': ...}}.")
    for name in states:
        if name in measures:
            problems.add(f"'{name}' is both a measure and a state; give the state a name of its own.")
        elif name not in required.values():
            problems.add(f"No measure requires the state '{name}'; name it in requires, or leave it out.")


def from_arrays(
    values: npt.ArrayLike,
    measures: Sequence[str],
    times: Sequence[float],
    persons: npt.ArrayLike | None,
    requires: Mapping[str, str] | None,
    states: Mapping[str, npt.ArrayLike] | None,
    interviewed: npt.ArrayLike | None,
    covariates: Mapping[str, npt.ArrayLike] | None,
    groups: npt.ArrayLike | None,
    own_times: npt.ArrayLike | None,
    problems: Problems,
) -> Arrays:
    """Copies of numpy arrays, their shapes checked."""
    real = check_times(times, problems)
    names = check_measures(measures, problems)
    required = check_requires(requires, names, problems)
    if states is not None and not isinstance(states, Mapping):
        problems.add(f"states must map each state to its values; got {shown(states)}.")
        states = None
    check_states(states or {}, required, names, problems)
    n_times = n_rows(times) if real is None else len(real)
    n_persons = n_rows(values)
    cells = (n_persons, n_times)
    grid = numbers_of(values, "values", [(*cells, len(names))], "(person, time, measure)", problems)
    ids = np.arange(n_persons) if persons is None else labels_of(persons, "persons", n_persons, problems)
    held = {
        name: numbers_of(state, f"the state '{name}'", [cells], "(person, time)", problems, yes_no=True)
        for name, state in (states or {}).items()
    }
    interviews_read = None
    if interviewed is not None:
        interviews_read = numbers_of(interviewed, "interviewed", [cells], "(person, time)", problems, yes_no=True)
    if len(set(names)) < len(names):
        problems.add(f"measures are named twice: {quoted(names)}.")
    if ids is not None and persons is not None and not is_sorted(ids):
        problems.add("persons must be in sorted order, each once; sort them and the arrays.")
    background = check_background(covariates, groups, own_times, ids, n_persons, names, real or (), problems)
    if problems.found or real is None or grid is None or ids is None:
        problems.raise_as(PanelError)
        raise AssertionError("what could not be read is a problem")

    def where(cell: int) -> str:
        return case(ids[cell // len(real)], real[cell % len(real)])

    for position, name in enumerate(names):
        numbers(grid[:, :, position].ravel(), name, "measure", where, problems)
    known = {name: state for name, state in held.items() if state is not None}
    for name, state in known.items():
        numbers(state.ravel(), name, "state", where, problems)
    if interviews_read is not None:
        numbers(interviews_read.ravel(), "interviewed", "interview", where, problems)
    problems.raise_as(PanelError)
    interviews = None if interviews_read is None else interviews_read == 1
    return Arrays(ids, real, tuple(names), grid, known, required, interviews, background=background)


def n_rows(values: object) -> int:
    """Length of what may be an array, 0 where it has none."""
    try:
        return len(values)  # type: ignore[arg-type]
    except TypeError:
        return 0


def is_sorted(ids: npt.NDArray[np.generic]) -> bool:
    """Whether ids increase, text after numbers, as they do in a panel made of a frame."""
    places, _ = pd.factorize(ids, sort=True)
    return bool((np.diff(places) > 0).all())
