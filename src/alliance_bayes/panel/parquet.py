"""Parquet files too large for memory: asked in SQL, read once in the order of the persons, kept as moments."""

import os
from collections.abc import Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.api import types

from ..basics.names import quoted
from ..basics.problems import PanelError, Problems
from .arrays import no_label
from .checks import (
    LARGEST,
    Kind,
    case,
    check_decision,
    check_measures,
    check_requires,
    label,
    missing_text,
    numbers,
    numbers_as_text,
    out_of_range,
    repeated_text,
    text_text,
    usable_columns,
    waves_of_labels,
)
from .delimited import check_once
from .frames import MOST_DATES, Grid, check_dates, check_size, only_present, persons_left_out
from .patterns import PatternSums
from .reading import no_file, not_installed, path_of, unreadable
from .records import Absence, Arrays, LeftOut, Moments
from .settling import (
    Extent,
    absences,
    check_contradictions,
    check_states,
    check_variation,
    decided,
    extent_of,
    no_contradictions,
    warn_of_single_values,
)

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection
    from pyarrow import Table

__all__ = ["Reduced", "from_parquet"]

MEMORY = "1GB"  # for sorting; what is beyond goes to a folder of temporary files
MOST_THREADS = 16  # each needs memory of its own
N_ROWS = 500_000  # held at a time
STRANGE = {  # what is out of range, and in SQL where it is
    "measure": {"measure": "isinf({0})", "size": f"NOT isinf({{0}}) AND abs({{0}}) > {LARGEST}"},
    "state": {"state": "{0} NOT IN (0, 1)"},
}


class Reduced(NamedTuple):
    """What a file is reduced to, and what of it is not in the panel."""

    measures: tuple[str, ...]
    times: tuple[float, ...]
    requires: dict[str, str]
    moments: Moments
    left_out: tuple[LeftOut, ...]
    contradictions: pd.DataFrame


def from_parquet(
    path: str | PathLike[str],
    *,
    person: str,
    time: str,
    measures: Sequence[str],
    times: Sequence[float] | Mapping[Hashable, float] | None,
    requires: Mapping[str, str] | None,
    contradictions: str,
    problems: Problems,
) -> Reduced:
    """Moments of a file with one row per person and time, checked as `frames.from_long` checks a frame."""
    with opened(path_of(path)) as connection:
        frame = connection.sql("SELECT * FROM file LIMIT 0").df()
        check_size(connection.sql("SELECT count(*) FROM file").fetchall()[0][0], len(frame.columns), problems)
        problems.raise_as(PanelError)
        check_decision(contradictions, problems)
        measures = check_measures(measures, problems)
        required = check_requires(requires, measures, problems)
        states = list(dict.fromkeys(required.values()))
        uses: list[tuple[Kind, str]] = [("measure", name) for name in measures]
        uses += [("state", name) for name in states]
        usable = usable_columns(frame, [("person", person), ("time", time), *uses], problems)

        rows = Rows(connection, frame, person, time, usable)
        identified = (
            person in usable
            and rows.all_known("person", f"The person, '{person}',", "whose it is", problems)
            and rows.are_ids(person, problems)
        )
        waved = rows.waves(time, times, problems) if time in usable else None
        found = {name for kind, name in uses if name in usable and rows.are_numbers(name, kind, problems)}
        if not identified or waved is None:
            problems.raise_as(PanelError)
            raise AssertionError("an unusable person or time is a problem")

        real, left_out = waved
        if len(real) > MOST_DATES:
            check_dates(time, len(real), *rows.size(), problems)
        measures, states = [name for name in measures if name in found], [name for name in states if name in found]
        gathered = Gathered(real, measures, states, required, contradictions)
        for block in rows.blocks([*measures, *states]):
            gathered.add(block)

    if gathered.n_repeated:
        what = f"({person}, {time}) cells"
        problems.add(repeated_text(what, "one person at one time", gathered.n_repeated, gathered.repeated))
    left_out += persons_left_out(gathered.n_gone, gathered.gone)
    reduced = Reduced(tuple(measures), real, required, gathered.moments(), tuple(left_out), gathered.contradictions())
    check_states((name for name in states if not gathered.states[name]), problems)
    check_contradictions(reduced.contradictions, contradictions, problems)
    check_variation(measures, gathered.extent, problems)
    problems.raise_as(PanelError)
    warn_of_single_values(measures, gathered.extent)
    return reduced


@contextmanager
def opened(path: Path) -> Iterator["DuckDBPyConnection"]:
    """A data base whose view ``file`` is the file, or all Parquet files of the folder, one after another."""
    if not path.exists():
        raise no_file(path)
    files = sorted(path.rglob("*.parquet")) if path.is_dir() else [path]
    if not files:
        raise PanelError(f"The folder '{path}' holds no file ending in '.parquet'.")
    try:
        import duckdb
        import pyarrow  # noqa: F401
    except ImportError as error:
        raise not_installed(path, ".parquet") from error
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        settings: dict[str, Any] = {
            "memory_limit": MEMORY,
            "temp_directory": folder,
            "threads": min(MOST_THREADS, os.cpu_count() or 1),
        }
        connection = duckdb.connect(config=settings)
        check_schemas(files)
        try:
            connection.read_parquet([str(file) for file in files]).create_view("file")
            yield connection
        except duckdb.Error as error:
            raise unreadable(path, ".parquet", error) from error
        finally:
            connection.close()


def check_schemas(files: Sequence[Path]) -> None:
    """Whether all files have the same columns, of the same types, each name once."""
    import pyarrow
    from pyarrow.parquet import read_schema

    reference: dict[str, Any] = {}
    for file in files:
        try:
            schema = read_schema(file)
        except (OSError, pyarrow.ArrowException) as error:
            raise unreadable(file, ".parquet", error) from error
        check_once(file, schema.names)
        columns = dict(zip(schema.names, schema.types, strict=True))
        reference = reference or columns
        different = [name for name in {**reference, **columns} if reference.get(name) != columns.get(name)]
        if different:
            name = different[0]
            types = " and ".join(str(each.get(name, "absent")) for each in (reference, columns))
            raise PanelError(
                f"The files of '{file.parent.name}' differ in {quoted(different)}: '{name}' is {types} in "
                f"{files[0].name} and {file.name}. Write all with the same columns and types."
            )


class Block(NamedTuple):
    """Rows of some persons, all that they have.

    Attributes
    ----------
    persons
        Sorted ids.
    rows
        Position of each row's person among them.
    slots
        Position of each row's time, -1 where it was not asked for.
    columns
        Name to numbers, NaN where missing, each of shape ``(row,)``.
    """

    persons: npt.NDArray[np.generic]
    rows: npt.NDArray[np.int64]
    slots: npt.NDArray[np.int64]
    columns: dict[str, npt.NDArray[np.float64]]


class Rows:
    """The rows of a file, asked in SQL.

    The view ``rows`` holds ``position`` (counted from 0), ``person``, ``time``, and the other columns
    in use by short names of their own; NaN is missing, numbers and truth values are doubles.
    """

    def __init__(
        self, connection: "DuckDBPyConnection", frame: pd.DataFrame, person: str, time: str, usable: set[Hashable]
    ) -> None:
        self.connection, self.frame = connection, frame
        self.columns = {name: f"column{position}" for position, name in enumerate(usable - {person, time})}
        self.cell = {alias: name for alias, name in (("person", person), ("time", time)) if name in usable}
        self.kept = "true"
        selected = ["row_number() OVER () - 1 AS position"]
        selected += [f"{self.cleaned(name)} AS {alias}" for alias, name in self.cell.items()]
        selected += [f"{self.cleaned(name, number=True)} AS {alias}" for name, alias in self.columns.items()]
        connection.execute(f"CREATE VIEW rows AS SELECT {', '.join(selected)} FROM file")

    def cleaned(self, name: Any, *, number: bool = False) -> str:
        """A column in SQL: floats, and where asked for all numbers, as doubles without NaN; what is odd as text."""
        dtype, column = self.frame[name].dtype, '"' + str(name).replace('"', '""') + '"'
        if types.is_float_dtype(dtype) or (number and types.is_numeric_dtype(dtype)):
            return f"nullif(CAST({column} AS DOUBLE), 'nan')"
        return f"CAST({column} AS VARCHAR)" if types.is_object_dtype(dtype) else column

    def ask(self, question: str) -> list[Any]:
        """Rows of an answer."""
        return self.connection.sql(question).fetchall()

    def size(self) -> tuple[int, int]:
        """Number of rows kept, and roughly that of their persons."""
        counts = self.ask(f"SELECT count(*), approx_count_distinct(person) FROM rows WHERE {self.kept}")
        return counts[0][0], counts[0][1]

    def all_known(self, column: str, name: str, what: str, problems: Problems) -> bool:
        """Whether every row has a person, or a time."""
        count = self.ask(f"SELECT count(*) FROM rows WHERE {column} IS NULL")[0][0]
        if count:
            first = self.ask(f"SELECT position FROM rows WHERE {column} IS NULL ORDER BY position LIMIT 5")
            problems.add(missing_text(name, count, [position for (position,) in first], what))
        return not count

    def are_ids(self, name: str, problems: Problems) -> bool:
        """Whether the column of persons holds what ids can be."""
        extremes = self.connection.sql("SELECT min(person) AS person FROM rows UNION ALL SELECT max(person) FROM rows")
        strange = no_label(extremes.df()["person"].to_numpy())
        if strange:
            problems.add(f"The person, '{name}', holds {strange}")
        return not strange

    def waves(self, name: str, times: object, problems: Problems) -> tuple[tuple[float, ...], list[LeftOut]] | None:
        """Times of the panel and rows at others; from then on, the rows at these times are those kept."""
        known = self.all_known("time", f"'{name}'", "when it was", problems)
        found = self.connection.sql(
            "SELECT time, count(*) AS n FROM rows WHERE time IS NOT NULL GROUP BY time ORDER BY time"
        ).df()
        waved = waves_of_labels(found["time"].tolist(), found["n"].to_numpy(), name, times, problems)
        if waved is None or not known:
            return None
        slots, real, unasked = waved
        self.connection.register("waves", found.assign(slot=slots))
        self.kept = "time IN (SELECT time FROM waves WHERE slot >= 0)"
        return real, [] if unasked is None else [unasked]

    def are_numbers(self, name: str, kind: Kind, problems: Problems) -> bool:
        """Whether a column holds what its use needs; says what else it holds."""
        empty, column = self.frame[name], self.columns[name]
        if numbers(empty, name, kind, str, problems) is None:
            return False
        text = not types.is_numeric_dtype(empty.dtype)
        as_text = {"text": f"TRY_CAST({column} AS DOUBLE) IS NULL AND {column} IS NOT NULL"}
        strange = as_text if text else {what: where.format(column) for what, where in STRANGE[kind].items()}
        counted = ", ".join(f"count(*) FILTER ({where})" for where in strange.values())
        present, *counts = self.ask(f"SELECT count({column}), {counted} FROM rows WHERE {self.kept}")[0]
        for (what, where), count in zip(strange.items(), counts, strict=True):
            if count:
                cases = self.cases(column, where, text)
                problems.add(text_text(name, count, cases) if text else out_of_range(name, what, count, cases))
        if text and present and not any(counts):
            problems.add(numbers_as_text(name))
        return not (any(counts) or (text and present))

    def cases(self, column: str, strange: str, text: bool) -> Iterator[str]:
        """The first few strange values of a column, and where they are."""
        found = self.ask(
            f"SELECT {', '.join([column, 'position', *self.cell])} FROM rows "
            f"WHERE {self.kept} AND {strange} ORDER BY position LIMIT 3"
        )
        for value, position, *cell in found:
            where = case(*cell) if len(cell) == 2 and None not in cell else f"in row {position}"
            yield f"{quoted([value]) if text else label(value)} {where}"

    def blocks(self, names: Sequence[str]) -> Iterator[Block]:
        """All rows in the order of their persons, sorted on disk where they are many."""
        import pyarrow

        selected = [f"CAST({self.columns[name]} AS DOUBLE) AS {self.columns[name]}" for name in names]
        reader = self.connection.sql(
            f"SELECT {', '.join(['person', 'slot', *selected])} FROM rows JOIN waves USING (time) ORDER BY person"
        ).to_arrow_reader(N_ROWS)
        rest = reader.schema.empty_table()
        for batch in reader:
            table = pyarrow.concat_tables([rest, pyarrow.Table.from_batches([batch])]).combine_chunks()
            starts = starts_of_persons(table)
            if len(starts) > 1:  # the last person may go on in the next batch
                yield self.block(table[: starts[-1]], starts[:-1], names)
            rest = table[starts[-1] :]
        yield self.block(rest, starts_of_persons(rest), names)

    def block(self, table: "Table", starts: npt.NDArray[np.int64], names: Sequence[str]) -> Block:
        """The rows of a table that is sorted by person."""
        return Block(
            table["person"].take(starts).to_numpy(),
            np.repeat(np.arange(len(starts)), np.diff(starts, append=len(table))),
            table["slot"].to_numpy(),
            {name: table[self.columns[name]].to_numpy() for name in names},
        )


def starts_of_persons(table: "Table") -> npt.NDArray[np.int64]:
    """Position of each person's first row in a table that is sorted by person."""
    from pyarrow.compute import not_equal

    persons = table["person"]
    changed = not_equal(persons[1:], persons[:-1]).to_numpy()
    return np.append(0, np.flatnonzero(changed) + 1)


class Gathered:
    """What stays of persons that come block by block.

    Attributes
    ----------
    sums
        Moments of each missing-data pattern.
    counts
        Persons with each code of `Absence`, shape ``(code, time, measure)``.
    extent
        Of the values.
    states
        State to whether it was ever observed.
    n_repeated, repeated
        Cells with more than one row, and the first as text.
    n_gone, gone
        Persons without a row at the times asked for, and the first of them.
    """

    def __init__(
        self,
        times: tuple[float, ...],
        measures: Sequence[str],
        states: Sequence[str],
        requires: Mapping[str, str],
        decision: str,
    ) -> None:
        self.times, self.measures, self.requires, self.decision = times, tuple(measures), requires, decision
        shape = (len(times), len(measures))
        self.sums = PatternSums()
        self.counts = np.zeros((len(Absence), *shape), dtype=np.int64)
        self.extent = Extent(times, np.zeros(shape, dtype=np.int64), np.full(shape, np.nan), np.full(shape, np.nan), 0)
        self.states = dict.fromkeys(states, False)
        self.n_repeated, self.repeated = 0, list[str]()
        self.n_gone, self.gone = 0, list[object]()
        self.found = list[pd.DataFrame]()

    def add(self, block: Block) -> None:
        """Take in the persons of a block."""
        kept = block.slots >= 0
        rows, persons, gone = only_present(block.rows[kept], block.persons)
        self.n_gone += len(gone)
        self.gone += gone[: 5 - len(self.gone)].tolist()
        if not len(persons):
            return
        grid = Grid(persons, self.times, rows, block.slots[kept])
        n_repeated, cases = grid.repeated()
        self.n_repeated += n_repeated
        self.repeated += cases[: 3 - len(self.repeated)]
        columns = {name: values[kept] for name, values in block.columns.items()}
        arrays = Arrays(
            persons,
            self.times,
            self.measures,
            grid.stacked([columns[name] for name in self.measures]),
            {name: grid.placed(columns[name]) for name in self.states},
        )
        for name, state in arrays.states.items():
            self.states[name] |= not np.isnan(state).all()
        self.found.append(decided(arrays, self.requires, self.decision))
        absence = absences(arrays, self.requires)
        for code in Absence:
            self.counts[code] += np.count_nonzero(absence == code, axis=0)
        self.extent = self.extent.joined(extent_of(arrays))
        self.sums.add_values(arrays.answers.reshape(len(persons), -1))

    def moments(self) -> Moments:
        """The moments so far."""
        arrays = self.sums.arrays(len(self.times), len(self.measures))
        return Moments(*arrays, self.counts, self.extent.lowest, self.extent.highest)

    def contradictions(self) -> pd.DataFrame:
        """Values whose state is off, so far."""
        found = [table for table in self.found if len(table)]
        return pd.concat(found, ignore_index=True) if found else no_contradictions()
