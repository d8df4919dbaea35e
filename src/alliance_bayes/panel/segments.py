"""The rows of large files, segment by segment of their persons: what stays of each, and of all of them.

Where segments begin follows from the rows alone, and they are joined in their order. So it does not matter which of
them are worked on together, or where: the moments are the same to the last bit.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import pairwise
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from threadpoolctl import threadpool_limits

from .frames import Grid, only_present
from .long import LongTable
from .patterns import PatternSums
from .records import Absence, Arrays, Moments
from .settling import Extent, absences, decided, extent_of, no_contradictions

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection
    from pyarrow import Table

__all__ = ["N_ROWS", "Gathered", "Segments", "connected", "gathered_by"]

MEMORY = "1GB"  # for sorting; what is beyond goes to a folder of temporary files
MOST_THREADS = 16  # each needs memory of its own
N_ROWS = 250_000  # read at a time, and of a segment on average
TASKS_PER_WORKER = 4
MOST_CASES, MOST_ABSENT = 3, 5


@contextmanager
def connected(files: Sequence[str], *, threads: int | None = None) -> Iterator["DuckDBPyConnection"]:
    """A data base whose view ``file`` is all these files, one after another."""
    import duckdb

    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        settings: dict[str, Any] = {
            "memory_limit": MEMORY,
            "temp_directory": folder,
            "threads": threads or min(MOST_THREADS, os.cpu_count() or 1),
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
        nothing, kept = cls.empty(table), block.slots >= 0
        rows, persons, absent = only_present(block.rows[kept], block.persons)
        nothing = replace(nothing, n_absent=len(absent), absent=tuple(absent[:MOST_ABSENT].tolist()))
        if not len(persons):
            return nothing
        grid = Grid(persons, table.times, rows, block.slots[kept])
        n_repeated, cases = grid.repeated()
        columns = {name: values[kept] for name, values in block.columns.items()}
        arrays = Arrays(
            persons,
            table.times,
            table.measures,
            grid.stacked([columns[name] for name in table.measures]),
            {name: grid.placed(columns[name]) for name in table.states},
            table.requires,
        )
        off = decided(arrays, decision)
        absence = absences(arrays)
        with threadpool_limits(1):  # the bits of a product of matrices depend on how many threads share it
            nothing.sums.add_values(arrays.answers.reshape(len(persons), -1))
        return replace(
            nothing,
            counts=np.stack([np.count_nonzero(absence == code, axis=0) for code in Absence]),
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


@dataclass(frozen=True, eq=False)
class Segments:
    """The rows of files, divided by their persons."""

    files: tuple[str, ...]
    cleaned: str  # the rows in SQL, under aliases, NaN and codes of missing values as NULL
    person: str
    time: str
    names: Mapping[str, str]  # measure or state to its alias
    waves: pd.DataFrame  # each time and its slot
    starts: tuple[object, ...]  # first person of each segment but the first, in order
    table: LongTable
    decision: str

    def gathered(
        self, connection: "DuckDBPyConnection", first: object = None, end: object = None
    ) -> Iterator[Gathered]:
        """Of each segment from one start to another, in order; from the first, or to the last, where left open."""
        for block in self._blocks(connection, first, end):
            yield Gathered.of(block, self.table, self.decision)

    def _blocks(self, connection: "DuckDBPyConnection", first: object, end: object) -> Iterator[Block]:
        import pyarrow

        connection.register("waves", self.waves)
        selected = [f"CAST({alias} AS DOUBLE) AS {alias}" for alias in self.names.values()]
        bounds = [(sign, bound) for sign, bound in ((">=", first), ("<", end)) if bound is not None]
        where = " AND ".join(["true", *(f"{self.person} {sign} ?" for sign, _ in bounds)])
        reader = connection.sql(
            f"SELECT {', '.join([f'{self.person} AS person', 'slot', *selected])} FROM ({self.cleaned}) AS rows "
            f"JOIN waves ON {self.time} = waves.time WHERE {where} ORDER BY person",
            params=[bound for _, bound in bounds],
        ).to_arrow_reader(N_ROWS)
        left = list(self.starts)
        remaining = reader.schema.empty_table()
        for batch in reader:
            remaining = pyarrow.concat_tables([remaining, pyarrow.Table.from_batches([batch])]).combine_chunks()
            while left and len(remaining) and not remaining["person"][-1].as_py() < left[0]:
                start = left.pop(0)
                position = _position_of(start, remaining)
                if position:
                    yield self._block(remaining[:position])
                remaining = remaining[position:]
        if len(remaining):
            yield self._block(remaining)

    def _block(self, table: "Table") -> Block:
        """The rows of a table that is sorted by person."""
        starts = _starts_of_persons(table)
        return Block(
            table["person"].take(starts).to_numpy(),
            np.repeat(np.arange(len(starts)), np.diff(starts, append=len(table))),
            table["slot"].to_numpy(),
            {name: table[alias].to_numpy() for name, alias in self.names.items()},
        )


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


def gathered_by(client: Any, segments: Segments) -> Iterator[Gathered]:
    """Of each segment, in order, worked on by the workers of a Dask cluster, who read the same files."""
    n_tasks = TASKS_PER_WORKER * max(1, len(client.nthreads()))
    chosen = np.linspace(0, len(segments.starts), min(n_tasks, len(segments.starts)), endpoint=False, dtype=int)
    bounds = [None, *(segments.starts[index] for index in chosen[1:]), None]
    futures = [client.submit(_gathered_between, segments, *pair, pure=False) for pair in pairwise(bounds)]
    for future in futures:
        yield from future.result()


def _gathered_between(segments: Segments, first: object, end: object) -> list[Gathered]:
    with connected(segments.files, threads=1) as connection:
        return list(segments.gathered(connection, first, end))
