"""The rows of large files, segment by segment of their persons: what stays of each, and of all of them.

Where segments begin follows from the rows alone, and they are joined in their order. So it does not matter which of
them are worked on together, or where: the moments are the same to the last bit.
"""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from threadpoolctl import threadpool_limits

from .frames import Grid, only_present
from .long import LongTable
from .patterns import PatternSums, pattern_codes
from .records import Absence, Arrays, Moments
from .settling import Extent, absences, decided, extent_of, no_contradictions

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection
    from pyarrow import Array, ChunkedArray, Field, RecordBatchReader, Table

__all__ = ["CELL", "N_ROWS", "THREADS", "Gathered", "OutOfOrderError", "Segments", "connected", "gathered_by"]

MEMORY = "1GB"  # for sorting; what is beyond goes to a folder of temporary files
THREADS = min(16, os.cpu_count() or 1)  # each needs memory of its own
N_ROWS = 250_000  # read at a time, and of a segment on average
TASKS_PER_WORKER = 4
CELL = ("person", "time")
MOST_CASES, MOST_ABSENT = 3, 5


@contextmanager
def connected(files: Sequence[str], *, threads: int = THREADS) -> Iterator["DuckDBPyConnection"]:
    """A data base whose view ``file`` is all these files, one after another."""
    import duckdb

    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        settings: dict[str, Any] = {
            "memory_limit": MEMORY,
            "temp_directory": folder,
            "threads": threads,
            # Limits that files state leave NaN out, and conditions that look for it would be left out with them.
            "disabled_optimizers": "statistics_propagation",
        }
        connection = duckdb.connect(config=settings)
        try:
            connection.read_parquet(list(files)).create_view("file")
            yield connection
        finally:
            connection.close()


class Block(NamedTuple):
    """All rows of the persons of one segment."""

    persons: npt.NDArray[np.generic]  # sorted ids
    rows: npt.NDArray[np.int64]  # position of each row's person among them
    slots: npt.NDArray[np.int64]  # position of each row's time, -1 where it was not asked for
    columns: dict[str, npt.NDArray[np.float64]]  # name to numbers, NaN where missing, each of shape (row,)

    def at_times(self) -> "Block":
        """Without rows at times that were not asked for."""
        kept = self.slots >= 0
        if kept.all():
            return self
        columns = {name: values[kept] for name, values in self.columns.items()}
        return Block(self.persons, self.rows[kept], self.slots[kept], columns)


@dataclass(frozen=True, eq=False)
class Gathered:
    """What stays of the persons of some segments."""

    times: tuple[float, ...]
    measures: tuple[str, ...]
    sums: PatternSums
    counts: npt.NDArray[np.int64]  # of each kind of absence, shape (kind, time, measure)
    extent: Extent
    states: Mapping[str, bool]  # whether any value of a state was seen
    n_repeated: int = 0
    repeated: tuple[str, ...] = ()
    n_absent: int = 0
    absent: tuple[object, ...] = ()
    off: tuple[pd.DataFrame, ...] = ()  # values whose state is off

    @classmethod
    def empty(cls, table: LongTable) -> Self:
        """Of no persons."""
        shape = (len(table.times), len(table.measures))
        extent = Extent(table.times, np.zeros(shape, dtype=np.int64), np.full(shape, np.nan), np.full(shape, np.nan), 0)
        counts = np.zeros((len(Absence), *shape), dtype=np.int64)
        return cls(table.times, table.measures, PatternSums(), counts, extent, dict.fromkeys(table.states, False))

    @classmethod
    def of(cls, block: Block, table: LongTable, decision: str) -> Self:
        """Of the persons of a block."""
        nothing, block = cls.empty(table), block.at_times()
        rows, persons, absent = only_present(block.rows, block.persons)
        nothing = replace(nothing, n_absent=len(absent), absent=tuple(absent[:MOST_ABSENT].tolist()))
        if not len(persons):
            return nothing
        grid = Grid(persons, table.times, rows, block.slots)
        n_repeated, cases = grid.repeated()
        answers = grid.stacked([block.columns[name] for name in table.measures], order="F")
        arrays = Arrays(
            persons,
            table.times,
            table.measures,
            answers,
            {name: grid.placed(block.columns[name]) for name in table.states},
            table.requires,
        )
        off = decided(arrays, decision) if arrays.states else no_contradictions()
        values = answers.reshape(len(persons), -1)
        groups = pattern_codes(~np.isnan(values))
        nothing.sums.add_groups(values, *groups)
        return replace(
            nothing,
            counts=_counts_of_absences(arrays, *groups),
            extent=nothing.extent.joined(extent_of(arrays)),
            states={name: not np.isnan(state).all() for name, state in arrays.states.items()},
            n_repeated=n_repeated,
            repeated=tuple(cases[:MOST_CASES]),
            off=(off,) if len(off) else (),
        )

    def joined(self, later: "Gathered") -> "Gathered":
        """With the persons of later segments, one segment after the other."""
        for pattern in later.sums.patterns.values():
            self.sums.add(pattern)
        return replace(
            self,
            counts=self.counts + later.counts,
            extent=self.extent.joined(later.extent),
            states={name: seen | later.states[name] for name, seen in self.states.items()},
            n_repeated=self.n_repeated + later.n_repeated,
            repeated=(*self.repeated, *later.repeated)[:MOST_CASES],
            n_absent=self.n_absent + later.n_absent,
            absent=(*self.absent, *later.absent)[:MOST_ABSENT],
            off=(*self.off, *later.off),
        )

    def moments(self) -> Moments:
        """The moments of all of them."""
        arrays = self.sums.arrays(len(self.times), len(self.measures))
        return Moments(*arrays, self.counts, self.extent.lowest, self.extent.highest)

    def contradictions(self) -> pd.DataFrame:
        """Values whose state is off."""
        return pd.concat(self.off, ignore_index=True) if self.off else no_contradictions()


def _counts_of_absences(
    arrays: Arrays, codes: npt.NDArray[np.int64], first: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """How many persons lack a value for each reason, shape (kind, time, measure).

    It is the same for all who have the same values and states, so the first of them stands for all.
    """
    if arrays.states:
        states = np.concatenate([state == on for state in arrays.states.values() for on in (0, 1)], axis=1)
        codes, first = pattern_codes(states, codes)
    absence = absences(
        replace(
            arrays,
            persons=arrays.persons[first],
            answers=arrays.answers[first],
            states={name: state[first] for name, state in arrays.states.items()},
        )
    )
    n = np.bincount(codes)
    return np.stack([np.tensordot(n, absence == code, 1) for code in Absence])


@dataclass(frozen=True, eq=False)
class Segments:
    """The rows of files, divided by their persons."""

    files: tuple[str, ...]
    sql: str  # columns ``person``, ``time`` and numbers of the rows, codes of missing values as NULL
    as_they_are: Mapping[str, str] | None  # these columns in the files, where there are no such codes
    numbers: Mapping[str, str]  # measure or state to its column
    times: "Array"  # the different times in the rows
    slots: npt.NDArray[np.int64]  # position of each among the panel's times, -1 where it was not asked for
    table: LongTable
    decision: str
    starts: tuple[object, ...] | None = None  # first person of each segment; None where no row needs to be sorted

    def gathered(
        self, connection: "DuckDBPyConnection", first: object = None, end: object = None, *, threads: int = 1
    ) -> Iterator[Gathered]:
        """Of each segment from one start to another, in order; from the first, or to the last, where left open."""
        gather = partial(Gathered.of, table=self.table, decision=self.decision)
        with threadpool_limits(1):  # the bits of a product of matrices depend on how many threads share it
            yield from _in_turn(gather, self._blocks(connection, first, end), threads)

    def _blocks(self, connection: "DuckDBPyConnection", first: object, end: object) -> Iterator[Block]:
        import pyarrow

        left, n_read = list(self.starts or ()), 0
        with self._reader(connection, first, end) as reader:
            remaining = reader.schema.empty_table()
            for batch in reader:
                remaining = pyarrow.concat_tables([remaining, pyarrow.Table.from_batches([batch])])
                if self.starts is None:
                    _check_order(remaining["person"][-len(batch) - 1 :])
                    left += [batch["person"][row].as_py() for row in range(-n_read % N_ROWS, len(batch), N_ROWS)]
                    n_read += len(batch)
                while left and len(remaining) and not remaining["person"][-1].as_py() < left[0]:
                    start = left.pop(0)
                    position = _position_of(start, remaining)
                    if position:
                        yield self._block(remaining[:position])
                    remaining = remaining[position:]
        if len(remaining):
            yield self._block(remaining)

    def _reader(self, connection: "DuckDBPyConnection", first: object, end: object) -> "RecordBatchReader":
        """The rows, in the order of the persons unless they are in it already."""
        if self.starts is None and (reader := self._reader_of_files(connection)):
            return reader
        bounds = [(sign, bound) for sign, bound in ((">=", first), ("<", end)) if bound is not None]
        where = " AND ".join(["true", *(f"person {sign} ?" for sign, _ in bounds)])
        order = "" if self.starts is None else "ORDER BY person"
        rows = connection.sql(f"FROM ({self.sql}) WHERE {where} {order}", params=[bound for _, bound in bounds])
        return rows.to_arrow_reader(N_ROWS)

    def _reader_of_files(self, connection: "DuckDBPyConnection") -> "RecordBatchReader | None":
        """The rows in the order of the files, which takes half as long, where SQL would select the same."""
        from pyarrow.dataset import dataset, field

        if self.as_they_are is None:
            return None
        files, schema = dataset(list(self.files)), connection.sql(f"{self.sql} LIMIT 0").to_arrow_table().schema
        if not all(_alike(files.schema.field(self.as_they_are[name]), schema.field(name)) for name in CELL):
            return None
        columns = {each.name: field(self.as_they_are[each.name]).cast(each.type, safe=False) for each in schema}
        return files.scanner(columns=columns).to_reader()

    def _block(self, table: "Table") -> Block:
        """The rows of a table that is sorted by person."""
        starts = _starts_of_persons(table)
        return Block(
            table["person"].take(starts).to_numpy(),
            np.repeat(np.arange(len(starts)), np.diff(starts, append=len(table))),
            self.slots[_positions(table["time"], self.times)],
            {name: table[column].to_numpy() for name, column in self.numbers.items()},
        )


def _in_turn[Item, Result](work: Callable[[Item], Result], items: Iterable[Item], threads: int) -> Iterator[Result]:
    """What comes of each item, in order, while as many are under way as there are threads."""
    with ThreadPoolExecutor(threads) as pool:
        waiting = deque[Future[Result]]()
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) > threads:
                yield waiting.popleft().result()
        yield from (each.result() for each in waiting)


class OutOfOrderError(Exception):
    """Rows are not in the order of their persons."""


def _alike(one: "Field", other: "Field") -> bool:
    """Whether values of these columns are the same, as far as their types say."""
    from pyarrow import large_string, string

    return one.type == other.type or {one.type, other.type} == {string(), large_string()}


def _check_order(persons: "ChunkedArray") -> None:
    from pyarrow import compute

    if compute.any(compute.less(persons[1:], persons[:-1])).as_py():
        raise OutOfOrderError


def _position_of(person: object, table: "Table") -> int:
    """Position of the first row of this or a later person in a table that is sorted by person."""
    persons, low, high = table["person"], 0, len(table)
    while low < high:
        middle = (low + high) // 2
        if persons[middle].as_py() < person:
            low = middle + 1
        else:
            high = middle
    return low


def _starts_of_persons(table: "Table") -> npt.NDArray[np.int64]:
    """Position of each person's first row in a table that is sorted by person."""
    from pyarrow.compute import not_equal

    persons = table["person"]
    changed = not_equal(persons[1:], persons[:-1]).to_numpy()
    return np.append(0, np.flatnonzero(changed) + 1)


def _positions(times: "ChunkedArray", among: "Array") -> npt.NDArray[np.int32]:
    """Position of each time among different ones."""
    from pyarrow import compute, types

    if types.is_floating(among.type):
        times, among = compute.add(times, 0.0), compute.add(among, 0.0)  # -0 is 0
    return np.asarray(compute.index_in(times, among))


def gathered_by(client: Any, segments: Segments) -> Iterator[Gathered]:
    """Of each segment, in order, worked on by the workers of a Dask cluster, who read the same files."""
    n_tasks, starts = TASKS_PER_WORKER * max(1, len(client.nthreads())), segments.starts or ()
    chosen = np.linspace(0, len(starts), min(n_tasks, len(starts)), endpoint=False, dtype=int)
    bounds = [None, *(starts[index] for index in chosen[1:]), None]
    futures = [client.submit(_gathered_between, segments, *pair, pure=False) for pair in pairwise(bounds)]
    for future in futures:
        yield from future.result()


def _gathered_between(segments: Segments, first: object, end: object) -> list[Gathered]:
    with connected(segments.files, threads=1) as connection:
        return list(segments.gathered(connection, first, end))
