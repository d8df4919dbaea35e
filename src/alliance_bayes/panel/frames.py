"""Long and wide data frames to person x time x measure, without a loop over people."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..basics.given import shown
from ..basics.names import quoted
from ..basics.problems import PanelError, Problems
from .arrays import labels_of, numbers_of
from .background import check_background, check_names, check_own_times, read_groups, same_within_persons
from .checks import (
    Kind,
    case,
    check_measures,
    check_requires,
    check_times,
    in_range,
    label,
    numbers,
    people,
    repeated,
    repeated_text,
    usable_columns,
    waves,
)
from .records import Arrays, Background, LeftOut

__all__ = ["check_frame", "from_long", "from_wide"]

MOST_DATES = 40  # times beyond this must be shared by
FULL_ENOUGH = 0.05  # at least this share of the persons


def check_frame(frame: object, problems: Problems) -> None:
    """Whether there is a data frame with values in it."""
    if not isinstance(frame, pd.DataFrame):
        problems.add(
            f"Got a value of type {type(frame).__name__}; pass a pandas DataFrame, "
            "or the path of a .csv, .parquet, .sav or .dta file."
        )
    else:
        check_size(len(frame), len(frame.columns), problems)
    problems.raise_as(PanelError)


def check_size(n_rows: int, n_columns: int, problems: Problems) -> None:
    """Whether there is a row and a column."""
    if not n_rows or not n_columns:
        problems.add(f"There are {n_rows} rows and {n_columns} columns, hence no values.")


def from_long(
    frame: pd.DataFrame,
    *,
    person: str,
    time: str,
    measures: Sequence[str],
    times: Sequence[float] | Mapping[Hashable, float] | None,
    requires: Mapping[str, str] | None,
    interviewed: str | None,
    covariates: Sequence[str],
    group: str | None,
    own_time: str | None,
    problems: Problems,
) -> tuple[Arrays, dict[str, str]]:
    """Arrays of a frame with one row per person and time, and the checked `requires`."""
    measures = check_measures(measures, problems)
    required = check_requires(requires, measures, problems)
    constant = check_names(covariates, problems)
    states = list(dict.fromkeys(required.values()))
    uses: list[tuple[Kind, str]] = [("measure", name) for name in measures]
    uses += [("state", name) for name in states]
    uses += [] if interviewed is None else [("interview", interviewed)]
    uses += [("covariate", name) for name in constant]
    uses += [] if own_time is None else [("own time", own_time)]
    labelled = [] if group is None else [("group", group)]
    usable = usable_columns(frame, [("person", person), ("time", time), *uses, *labelled], problems)

    persons = people(frame[person], f"The person, '{person}',", problems) if person in usable else None
    waved = waves(frame[time], time, times, problems) if time in usable else None
    kept = None if waved is None or waved[2] is None else waved[0] >= 0

    def column(name: str) -> pd.Series:
        return frame[name] if kept is None else frame[name][kept]

    def where(row: int) -> str:
        cell = [column(name).iloc[row] for name in (person, time) if name in usable]
        if len(cell) == 2 and not pd.isna(cell).any():
            return case(*cell)
        return f"in row {row if kept is None else np.flatnonzero(kept)[row]}"

    read = {name: numbers(column(name), name, kind, where, problems) for kind, name in uses if name in usable}
    found = {name: values for name, values in read.items() if values is not None}
    if persons is None or waved is None:
        problems.raise_as(PanelError)
        raise AssertionError("an unusable person or time is a problem")

    rows, ids = persons
    slots, real, unasked = waved
    left_out = [] if unasked is None else [unasked]
    if kept is not None:
        rows, ids, gone = only_present(rows[kept], ids)
        slots = slots[kept]
        left_out += persons_left_out(len(gone), gone[:5])
    check_dates(time, len(real), rows.size, len(ids), problems)

    grid = Grid(ids, real, rows, slots)
    n_repeated, cases = grid.repeated()
    if n_repeated:
        problems.add(repeated_text(f"({person}, {time}) cells", "one person at one time", n_repeated, cases))
    own_times = grid.placed(found[own_time]) if own_time in found else None
    if own_times is not None:
        check_own_times(own_times, problems)
    background = Background(
        {name: same_within_persons(name, found[name], rows, ids, problems) for name in constant if name in found},
        read_groups(group, column(group), rows, ids, problems) if group is not None and group in usable else None,
        own_times,
    )
    arrays = Arrays(
        persons=ids,
        times=real,
        measures=tuple(name for name in measures if name in found),
        answers=grid.stacked([found[name] for name in measures if name in found]),
        states={name: grid.placed(found[name]) for name in states if name in found},
        interviewed=grid.placed(found[interviewed], 0.0) == 1 if interviewed in found else None,
        left_out=tuple(left_out),
        background=background,
    )
    return arrays, required


def check_dates(name: str, n_times: int, n_rows: int, n_persons: int, problems: Problems) -> None:
    """Whether the times are shared by the persons; raises all problems found so far where they are not."""
    if n_times > MOST_DATES and n_rows < FULL_ENOUGH * n_persons * n_times:
        problems.add(
            f"'{name}' has {n_times:,} different values in {n_rows:,} rows: dates of single people rather than "
            "times shared by all. Round it to the planned interviews."
        )
        problems.raise_as(PanelError)


@dataclass(frozen=True)
class Grid:
    """Rows that find their places among persons and times.

    Attributes
    ----------
    persons, times
        Sorted ids and times.
    rows, slots
        Position of each row's person and time, shape ``(row,)``.
    """

    persons: npt.NDArray[np.generic]
    times: tuple[float, ...]
    rows: npt.NDArray[np.int64]
    slots: npt.NDArray[np.int64]

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

    def stacked(self, columns: Sequence[npt.NDArray[np.float64]]) -> npt.NDArray[np.float64]:
        """Several columns of the rows, shape ``(person, time, column)``."""
        grid = np.full((len(self.persons) * len(self.times), len(columns)), np.nan)
        for position, values in enumerate(columns):
            grid[self.cells, position] = values
        return grid.reshape(len(self.persons), len(self.times), len(columns))


def only_present(
    rows: npt.NDArray[np.int64], ids: npt.NDArray[np.generic]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.generic], npt.NDArray[np.generic]]:
    """Renumber the persons so that only those who still have a row are counted; the others come last."""
    present = np.zeros(len(ids), dtype=bool)
    present[rows] = True
    if present.all():
        return rows, ids, ids[:0]
    return (np.cumsum(present) - 1)[rows], ids[present], ids[~present]


def persons_left_out(count: int, first_five: Iterable[object]) -> list[LeftOut]:
    """Persons without a row at the times asked for, if there are any."""
    cases = (*map(label, first_five), *((f"and {count - 5:,} more",) if count > 5 else ()))
    return [LeftOut("persons", count, cases, "no row at the times asked for")] if count else []


def from_wide(
    frame: pd.DataFrame,
    *,
    measures: Mapping[str, Sequence[str]],
    times: Sequence[float],
    person: str | None,
    requires: Mapping[str, str] | None,
    states: Mapping[str, Sequence[str]] | None,
    covariates: Sequence[str],
    group: str | None,
    problems: Problems,
) -> tuple[Arrays, dict[str, str]]:
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
    columns: dict[str, Sequence[str]] = {}
    for name, given in [*((name, measures[name]) for name in names), *states.items()]:
        listed = [given] if isinstance(given, str) or not isinstance(given, Iterable) else list(given)
        if real is None or len(listed) == len(real):
            columns[name] = listed
        else:
            count = f"{len(listed)} column{'s' if len(listed) != 1 else ''}"
            problems.add(f"'{name}' has {count} for {len(real)} times; name one for each.")
    uses = [] if person is None else [("person", person)]
    uses += [(f"'{name}'", column) for name, given in columns.items() for column in given]
    uses += [("covariate", name) for name in constant]
    uses += [] if group is None else [("group", group)]
    usable = usable_columns(frame, uses, problems)

    persons = None
    if person is None:
        persons = people(frame.index.to_series(), "The person, the frame's index,", problems)
    elif person in usable:
        persons = people(frame[person], f"The person, '{person}',", problems)
    if persons is None or real is None:
        problems.raise_as(PanelError)
        raise AssertionError("an unusable person or time is a problem")
    rows, ids = persons
    n_repeated, cases = repeated(rows, len(ids), lambda found: label(ids[found]))
    if n_repeated:
        problems.add(repeated_text(f"persons ({person or 'the index'})", "one person", n_repeated, cases))

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
    return Arrays(ids, real, tuple(good), answers, held, background=background), required


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
    *,
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
) -> tuple[Arrays, dict[str, str]]:
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
    seen = None
    if interviewed is not None:
        seen = numbers_of(interviewed, "interviewed", [cells], "(person, time)", problems, yes_no=True)
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
        in_range(grid[:, :, position].ravel(), name, "measure", where, problems)
    known = {name: state for name, state in held.items() if state is not None}
    for name, state in known.items():
        in_range(state.ravel(), name, "state", where, problems)
    if seen is not None:
        in_range(seen.ravel(), "interviewed", "interview", where, problems)
    problems.raise_as(PanelError)
    interviews = None if seen is None else seen == 1
    return Arrays(ids, real, tuple(names), grid, known, interviews, background=background), required


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
