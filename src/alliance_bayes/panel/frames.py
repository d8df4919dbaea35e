"""Long and wide data frames to person x time x measure, without a loop over people."""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from functools import partial

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..names import quoted
from ..problems import PanelError, Problems
from .checks import (
    Kind,
    case,
    check_measures,
    check_requires,
    check_times,
    first,
    in_range,
    label,
    numbers,
    people,
    repeated,
    usable_columns,
    waves,
)
from .records import Arrays, LeftOut

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
    elif frame.empty:
        problems.add(f"There are {len(frame)} rows and {len(frame.columns)} columns, hence no values.")
    problems.raise_as(PanelError)


def from_long(
    frame: pd.DataFrame,
    *,
    person: str,
    time: str,
    measures: Sequence[str],
    times: Sequence[float] | Mapping[Hashable, float] | None,
    requires: Mapping[str, str] | None,
    interviewed: str | None,
    problems: Problems,
) -> tuple[Arrays, dict[str, str]]:
    """Arrays of a frame with one row per person and time, and the checked `requires`."""
    measures = check_measures(measures, problems)
    required = check_requires(requires, measures, problems)
    states = list(dict.fromkeys(required.values()))
    uses: list[tuple[Kind, str]] = [("measure", name) for name in measures]
    uses += [("state", name) for name in states]
    uses += [] if interviewed is None else [("interview", interviewed)]
    usable = usable_columns(frame, [("person", person), ("time", time), *uses], problems)

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
        left_out += [] if gone is None else [gone]
    if len(real) > MOST_DATES and rows.size < FULL_ENOUGH * len(ids) * len(real):
        problems.add(
            f"'{time}' has {len(real):,} different values in {rows.size:,} rows: dates of single people rather than "
            "times shared by all. Round it to the planned interviews."
        )
        problems.raise_as(PanelError)

    shape = (len(ids), len(real))
    size = len(ids) * len(real)
    cells = rows * len(real) + slots
    twice = repeated(cells, size, lambda cell: case(ids[cell // len(real)], real[cell % len(real)]))
    if twice is not None:
        problems.add(repeated_text(f"({person}, {time}) cells", "one person at one time", twice))

    def placed(values: npt.NDArray[np.float64], empty: float = np.nan) -> npt.NDArray[np.float64]:
        grid = np.full(size, empty)
        grid[cells] = values
        return grid.reshape(shape)

    good = [name for name in measures if name in found]
    answers = np.full((size, len(good)), np.nan)
    for position, name in enumerate(good):
        answers[cells, position] = found[name]
    arrays = Arrays(
        persons=ids,
        times=real,
        measures=tuple(good),
        answers=answers.reshape(*shape, len(good)),
        states={name: placed(found[name]) for name in states if name in found},
        interviewed=placed(found[interviewed], 0.0) == 1 if interviewed in found else None,
        left_out=tuple(left_out),
    )
    return arrays, required


def repeated_text(what: str, one_row: str, cases: Iterator[str]) -> str:
    found = list(cases)
    return (
        f"Repeated {what}: {len(found):,}, {first(found)}. One row must be {one_row}; average or drop the extra rows."
    )


def only_present(
    rows: npt.NDArray[np.int64], ids: npt.NDArray[np.generic]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.generic], LeftOut | None]:
    """Renumber the persons so that only those who still have a row are counted."""
    present = np.zeros(len(ids), dtype=bool)
    present[rows] = True
    if present.all():
        return rows, ids, None
    gone = ids[~present]
    cases = tuple(label(found) for found in gone[:5]) + ((f"and {len(gone) - 5:,} more",) if len(gone) > 5 else ())
    left_out = LeftOut("persons", len(gone), cases, "no row at the times asked for")
    return (np.cumsum(present) - 1)[rows], ids[present], left_out


def from_wide(
    frame: pd.DataFrame,
    *,
    measures: Mapping[str, Sequence[str]],
    times: Sequence[float],
    person: str | None,
    requires: Mapping[str, str] | None,
    states: Mapping[str, Sequence[str]] | None,
    problems: Problems,
) -> tuple[Arrays, dict[str, str]]:
    """Arrays of a frame with one row per person and one column per measure and time."""
    real = check_times(times, problems)
    if not isinstance(measures, Mapping):
        problems.add(
            "measures must map each measure to its columns, one for each time, such as "
            "measures={'alliance': ['alliance_0', 'alliance_6']}."
        )
        problems.raise_as(PanelError)
    names = check_measures(measures, problems)
    required = check_requires(requires, names, problems)
    states = dict(states or {})
    check_states(states, required, names, problems)
    columns: dict[str, Sequence[str]] = {}
    for name, given in [*((name, measures[name]) for name in names), *states.items()]:
        listed = [given] if isinstance(given, str) else list(given)
        if real is None or len(listed) == len(real):
            columns[name] = listed
        else:
            count = f"{len(listed)} column{'s' if len(listed) != 1 else ''}"
            problems.add(f"'{name}' has {count} for {len(real)} times; name one for each.")
    uses = [] if person is None else [("person", person)]
    uses += [(f"'{name}'", column) for name, given in columns.items() for column in given]
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
    twice = repeated(rows, len(ids), lambda found: label(ids[found]))
    if twice is not None:
        problems.add(repeated_text(f"persons ({person or 'the index'})", "one person", twice))

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
    return Arrays(ids, real, tuple(good), answers, held), required


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
    problems: Problems,
) -> tuple[Arrays, dict[str, str]]:
    """Copies of numpy arrays, their shapes checked."""
    real = check_times(times, problems)
    names = check_measures(measures, problems)
    required = check_requires(requires, names, problems)
    check_states(states or {}, required, names, problems)
    grid = np.atleast_1d(np.array(values, dtype=np.float64))
    expected = (*grid.shape[:1], np.size(times), len(names))
    ids = np.arange(len(grid)) if persons is None else np.array(persons)
    shapes = [("values", grid, expected), ("persons", ids, expected[:1])]
    held = {name: np.array(state, dtype=np.float64) for name, state in (states or {}).items()}
    shapes += [(f"the state '{name}'", state, expected[:2]) for name, state in held.items()]
    seen = None if interviewed is None else np.array(interviewed, dtype=bool)
    shapes += [] if seen is None else [("interviewed", seen, expected[:2])]
    for name, array, shape in shapes:
        if array.shape != shape:
            axes = ", ".join(("person", "time", "measure")[: len(shape)])
            problems.add(f"{name} has shape {array.shape}; expected {shape}, ({axes}).")
    if not problems.found and len(np.unique(names)) < len(names):
        problems.add(f"measures are named twice: {quoted(names)}.")
    if not problems.found and persons is not None and (ids[1:] <= ids[:-1]).any():
        problems.add("persons must be in sorted order, each once; sort them and the arrays.")
    problems.raise_as(PanelError)
    assert real is not None

    def where(cell: int) -> str:
        return case(ids[cell // len(real)], real[cell % len(real)])

    for position, name in enumerate(names):
        in_range(grid[:, :, position].ravel(), name, "measure", where, problems)
    for name, state in held.items():
        in_range(state.ravel(), name, "state", where, problems)
    return Arrays(ids, real, tuple(names), grid, held, seen), required
