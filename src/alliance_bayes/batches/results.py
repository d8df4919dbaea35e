"""The results of a batch, one row for each replicate."""

import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any

import pandas as pd

from ..basics.calls import checked
from ..basics.given import LARGEST_SEED
from ..basics.html import html_of
from ..basics.names import quoted
from ..basics.problems import AllianceBayesError
from ..basics.whole_tables import WholeTable
from .records import COLUMNS, UNREADABLE, Record, Value, record_in
from .replicates import Replicate

__all__ = ["BatchResults", "read_batch"]

MOST_NAMED = 5


@dataclass(frozen=True, eq=False, repr=False)
class BatchResults:
    """What came out of the replicates of a batch.

    Attributes
    ----------
    folder
        Where the results are.
    replicates, records
        The replicates in the order in which they were given, and the record of each.
    """

    folder: Path
    replicates: tuple[Replicate, ...]
    records: tuple[Record, ...]

    def __len__(self) -> int:
        """How many replicates there are."""
        return len(self.records)

    def __getitem__(self, position: int) -> pd.Series:
        """The row of `table` of one replicate."""
        return self.table.iloc[position]

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row per replicate, in the order in which they were given.

        Returns
        -------
        pandas.DataFrame
            ``plan``, ``cell``, ``number``; ``status``, "done" or "failed"; ``error`` and ``message`` of what failed;
            ``warnings``, one sentence a line; then a column for each value that any of them returned, but data frames
            (see `table_of`), NaN (None, or <NA> of whole numbers) where one did not. Workers, order and interruptions
            change nothing in it.
        """
        rows = [
            {
                **asdict(replicate),
                "status": record.status,
                "error": record.error,
                "message": record.message,
                "warnings": "\n".join(record.warnings),
                **{name: value for name, value in record.values.items() if not isinstance(value, pd.DataFrame)},
            }
            for replicate, record in zip(self.replicates, self.records, strict=True)
        ]
        names = list(dict.fromkeys([*COLUMNS, *chain.from_iterable(rows)]))
        return WholeTable(pd.DataFrame({name: _column([row.get(name) for row in rows]) for name in names}))

    def table_of(self, name: str) -> pd.DataFrame:
        """The data frames that the work returned under one name, one below the other.

        Returns
        -------
        pandas.DataFrame
            With ``cell`` and ``number`` before the index of each; empty where there is none.
        """
        tables = {
            (replicate.cell, replicate.number): record.values[name]
            for replicate, record in zip(self.replicates, self.records, strict=True)
            if isinstance(record.values.get(name), pd.DataFrame)
        }
        return pd.concat(tables, names=["cell", "number"]) if tables else pd.DataFrame()

    @property
    def seconds(self) -> pd.Series:
        """Processor seconds of each replicate, which differ from run to run; in the order of `table`."""
        return pd.Series([record.seconds for record in self.records], name="seconds")

    @property
    def n_failed(self) -> int:
        """How many of them raised an error."""
        return sum(record.status == "failed" for record in self.records)

    @property
    def text(self) -> str:
        """How many were done, what failed and what was warned of."""
        cells = dict.fromkeys(replicate.cell for replicate in self.replicates)
        heading = (
            f"{len(self.records):,} replicates of {len(cells):,} cell{'s' * (len(cells) != 1)} in {self.folder}, "
            f"{self.n_failed:,} failed, {self.seconds.sum():,.0f} processor seconds"
        )
        failures = Counter(f"{each.error}: {each.message}" for each in self.records if each.status == "failed")
        warned = Counter(sentence for record in self.records for sentence in record.warnings)
        return "\n".join([heading, *_counted("failed", failures), *_counted("warned", warned)])

    def __str__(self) -> str:
        return self.text

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return html_of(self)


@checked()
def read_batch(replicates: Iterable[Replicate], folder: str | os.PathLike[str]) -> BatchResults:
    """Results of those of the replicates that are done, with nothing run.

    Raises
    ------
    AllianceBayesError
        If files cannot be read.
    """
    where, found, damaged = Path(folder), dict[Replicate, Record](), list[str]()
    for replicate in replicates:
        path = replicate.path(where)
        if path.exists():
            try:
                found[replicate] = record_in(path)
            except UNREADABLE:
                damaged.append(str(path.relative_to(where)))
    if damaged:
        raise AllianceBayesError(
            f"{len(damaged):,} of the results in {where} cannot be read: {quoted(damaged, most=MOST_NAMED)}. The files "
            "are damaged, as after a power failure. Delete them, and the same call computes them again."
        )
    return BatchResults(where, tuple(found), tuple(found.values()))


def _column(values: list[Value]) -> "pd.Series[Any]":
    """One column; whole numbers beside missing ones keep all their digits, which seeds need."""
    given = [value for value in values if value is not None]
    whole = len(given) < len(values) and all(type(value) is int and abs(value) <= LARGEST_SEED for value in given)
    return pd.Series(values, dtype="Int64" if given and whole else None)


def _counted(what: str, counts: Counter[str]) -> list[str]:
    lines = [f"  {n:,} {what}: {sentence}" for sentence, n in counts.most_common(MOST_NAMED)]
    n_more = len(counts) - MOST_NAMED
    return [*lines, f"  and {n_more:,} more kinds"] if n_more > 0 else lines
