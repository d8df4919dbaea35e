"""Parquet files too large for memory: asked in SQL, read once in the order of the persons, kept as moments."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import reduce
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.api import types

from ..basics.given import is_number
from ..basics.names import number, quoted
from ..basics.problems import PanelError, Problems
from ..basics.warning import warn
from .checks import case, check_decision, label, repeated_text
from .columns import Column, Rule
from .delimited import check_once
from .long import LongColumns, LongRows, LongTable, check_long, check_size, persons_left_out
from .missing_codes import among_others, code_counts, codes_by_column
from .reading import no_file, not_installed, path_of, unreadable
from .records import Moments, PanelWarning
from .segments import CELL, N_ROWS, THREADS, Gathered, OutOfOrderError, Segments, connected, gathered_by
from .settling import check_contradictions, check_states, check_variation, warn_of_single_values

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["from_parquet"]

ROUNDED = (  # whole numbers that a double does not hold
    "{0} NOT BETWEEN -9007199254740992 AND 9007199254740992 AND CAST(CAST({0} AS DOUBLE) AS HUGEINT) <> {0}"
)


def from_parquet(
    path: str | PathLike[str],
    columns: LongColumns,
    missing: object,
    contradictions: str,
    problems: Problems,
    client: Any = None,
) -> tuple[LongTable, Moments, pd.DataFrame, tuple[str, ...]]:
    """What is used of a file with one row per person and time, its moments, values whose state is off, and notes."""
    person, time = columns.person, columns.time
    with opened(path_of(path)) as (connection, files):
        rows = FileRows(connection, files, person, time, missing, problems)
        check_size(rows.n_rows, len(rows.header.columns), problems)
        problems.raise_as(PanelError)
        check_decision(contradictions, problems)
        table = check_long(rows, columns, problems)
        gathered = rows.gathered(table, contradictions, client)

    if gathered.n_repeated:
        what = f"({person}, {time}) cells"
        problems.add(repeated_text(what, "one person at one time", gathered.n_repeated, gathered.repeated))
    off = gathered.contradictions()
    check_states((name for name, observed in gathered.states.items() if not observed), problems)
    check_contradictions(off, contradictions, problems)
    check_variation(table.measures, gathered.extent, problems)
    problems.raise_as(PanelError)
    warn_of_single_values(table.measures, gathered.extent)
    left_out = (*table.left_out, *persons_left_out(gathered.n_absent, gathered.absent))
    return table._replace(left_out=left_out), gathered.moments(), off, rows.recoded


@contextmanager
def opened(path: Path) -> Iterator[tuple["DuckDBPyConnection", list[str]]]:
    """A data base whose view ``file`` is the file, or all Parquet files of the folder one after another, and these."""
    if not path.exists():
        raise no_file(path)
    files = sorted(path.rglob("*.parquet")) if path.is_dir() else [path]
    if not files:
        raise PanelError(f"The folder '{path}' holds no file ending in '.parquet'.")
    try:
        import duckdb
        import pyarrow
    except ImportError as error:
        raise not_installed(path, ".parquet") from error
    check_schemas(files)
    try:
        with connected(paths := [str(file.absolute()) for file in files]) as connection:
            yield connection, paths
    except (duckdb.Error, pyarrow.ArrowException) as error:
        raise unreadable(path, ".parquet", error) from error


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
            types = " and ".join(str(types_of.get(name, "absent")) for types_of in (reference, columns))
            raise PanelError(
                f"The files of '{file.parent.name}' differ in {quoted(different)}: '{name}' is {types} in "
                f"{files[0].name} and {file.name}. Write all with the same columns and types."
            )


def in_sql(name: str) -> str:
    """The name of a column in SQL."""
    return '"' + name.replace('"', '""') + '"'


class FileRows(LongRows):
    """The rows of a file, as `check_long` asks for them, in SQL.

    The view ``cleaned`` holds all columns, under aliases, NaN as missing, and ``rows`` also ``position``, from 0.
    """

    def __init__(
        self,
        connection: "DuckDBPyConnection",
        files: Sequence[str],
        person: str,
        time: str,
        missing: object,
        problems: Problems,
    ) -> None:
        self.connection, self.files, self.named = connection, files, (person, time)
        self.header = connection.sql("SELECT * FROM file LIMIT 0").df()
        self.codes = codes_by_column(missing, self.header.columns, (person, time), problems)
        counts = {name: self._counts(name, codes) for name, codes in self.codes.items()}
        self.recoded = code_counts(counts)
        self.n_rows: int = self.ask("SELECT count(*) FROM file")[0][0]
        self.aliases = {name: f"column{index}" for index, name in enumerate(self.header.columns)}
        self.cell = [self.aliases[name] for name in self.named if name in self.aliases]
        self.person, self.time = self.aliases.get(person, ""), self.aliases.get(time, "")
        self.kept = "true"
        columns = [f"{self._cleaned(name)} AS {alias}" for name, alias in self.aliases.items()]
        self.cleaned = f"SELECT {', '.join(columns)} FROM file"
        connection.execute(f"CREATE VIEW cleaned AS {self.cleaned}")
        connection.execute("CREATE VIEW rows AS SELECT row_number() OVER () - 1 AS position, * FROM cleaned")
        if not isinstance(missing, Mapping):
            extents = {name: self._extent(name) for name, of_column in counts.items() if any(of_column.values())}
            if sentence := among_others(counts, extents):
                warn(sentence, PanelWarning)

    def _cleaned(self, name: str) -> str:
        """A column in SQL without codes: floats as doubles without NaN, what is neither number nor text as text."""
        dtype, column = self.header[name].dtype, in_sql(name)
        if types.is_float_dtype(dtype):
            column = f"nullif(CAST({column} AS DOUBLE), 'nan')"
        elif types.is_object_dtype(dtype):
            column = f"CAST({column} AS VARCHAR)"
        for code in self.codes.get(name, ()):
            column = f"CASE WHEN {self._is_code(name, code)} THEN NULL ELSE {column} END"
        return column

    def _is_code(self, name: str, code: float | str) -> str:
        """Whether a column holds a code, in SQL: as a number, or as its text."""
        if types.is_numeric_dtype(self.header[name].dtype):
            return f"{in_sql(name)} = {code}" if is_number(code) else "false"
        text = number(code) if is_number(code) else str(code).strip().replace("'", "''")
        return f"trim(CAST({in_sql(name)} AS VARCHAR)) = '{text}'"

    def _counts(self, name: str, codes: Sequence[float | str]) -> dict[float | str, int]:
        counted = ", ".join(f"count(*) FILTER (WHERE {self._is_code(name, code)})" for code in codes)
        return dict(zip(codes, self.ask(f"SELECT {counted} FROM file")[0], strict=True))

    def _extent(self, name: str) -> tuple[float, float]:
        """Smallest and largest number of a column without codes; NaN where it holds none."""
        if not types.is_numeric_dtype(self.header[name].dtype):
            return np.nan, np.nan
        low, high = self.ask(f"SELECT min({self.aliases[name]}), max({self.aliases[name]}) FROM cleaned")[0]
        return (np.nan, np.nan) if low is None else (float(low), float(high))

    def ask(self, question: str) -> list[Any]:
        """Rows of an answer."""
        return self.connection.sql(question).fetchall()

    def missing(self, name: str) -> tuple[int, list[int]]:
        where = f"WHERE {self.aliases[name]} IS NULL"
        count = self.ask(f"SELECT count(*) FROM cleaned {where}")[0][0]
        first = self.ask(f"SELECT position FROM rows {where} ORDER BY position LIMIT 5") if count else []
        return count, [position for (position,) in first]

    def ids(self, name: str) -> npt.NDArray[Any]:
        """Smallest and largest id: they show whether all can be used."""
        alias, none = self.aliases[name], self.header[name]
        if types.is_integer_dtype(none.dtype):
            return np.asarray(none)  # whole numbers can
        question = f"SELECT unnest([min({alias}), max({alias})]) AS id FROM cleaned"
        return np.asarray(self.connection.sql(question).df()["id"])

    def times(self, name: str) -> tuple[list[object], npt.NDArray[np.int64]]:
        alias = self.aliases[name]
        different = self.connection.sql(
            f"SELECT {alias} AS time, count(*) AS n FROM cleaned WHERE {alias} IS NOT NULL GROUP BY time ORDER BY time"
        ).to_arrow_table()
        self.different_times = different["time"].combine_chunks()
        counted = self.connection.from_arrow(different).df()
        return counted["time"].tolist(), counted["n"].to_numpy()

    def keep(self, name: str, slots: npt.NDArray[np.int64]) -> None:
        import pyarrow

        self.slots = slots
        if (slots < 0).any():
            self.waves = pyarrow.table({"time": self.different_times.filter(pyarrow.array(slots >= 0))})
            self.connection.register("waves", self.waves)
            self.kept = f"{self.aliases[name]} IN (SELECT time FROM waves)"

    def column(self, name: str) -> "FileColumn":
        return FileColumn(self, name)

    def size(self) -> tuple[int, int]:
        counts = self.ask(f"SELECT count(*), approx_count_distinct({self.person}) FROM rows WHERE {self.kept}")
        return counts[0][0], counts[0][1]

    def gathered(self, table: LongTable, decision: str, client: Any) -> Gathered:
        """What stays of the rows kept."""
        numbers = {name: self.aliases[name] for name in (*table.measures, *table.states)}
        selected = [f"{self.person} AS person", f"{self.time} AS time"]
        selected += [f"CAST({alias} AS DOUBLE) AS {alias}" for alias in numbers.values()]
        in_files = dict(zip(CELL, self.named, strict=True)) | {numbers[name]: name for name in numbers}
        segments = Segments(
            tuple(self.files),
            f"SELECT {', '.join(selected)} FROM ({self.cleaned}) AS rows",
            None if set(self.codes).intersection(in_files.values()) else in_files,
            numbers,
            self.different_times,
            self.slots,
            table,
            decision,
        )

        def joined(parts: Iterable[Gathered]) -> Gathered:
            return reduce(Gathered.joined, parts, Gathered.empty(table))

        if client is not None:
            return joined(gathered_by(client, replace(segments, starts=self._starts())))
        try:
            return joined(segments.gathered(self.connection, threads=THREADS))
        except OutOfOrderError:
            segments = replace(segments, starts=self._starts())
            return joined(segments.gathered(self.connection, threads=THREADS))

    def _starts(self) -> tuple[object, ...]:
        """First persons of segments, which the rows decide alone."""
        starts = self.ask(
            f"SELECT DISTINCT {self.person} AS person FROM rows WHERE position % {N_ROWS} = 0 ORDER BY person"
        )
        return tuple(start for (start,) in starts)


class FileColumn(Column):
    """A column of a file."""

    def __init__(self, rows: FileRows, name: str) -> None:
        self.rows, self.name, self.dtype = rows, name, rows.header[name].dtype
        self.alias = rows.aliases[name]
        self.value = self.alias if self.content == "text" else f"CAST({self.alias} AS DOUBLE)"

    def is_empty(self) -> bool:
        return not self._ask(f"count({self.alias})")[0][0]

    def rounded(self) -> int | None:
        integers = types.is_integer_dtype(self.dtype)
        rounded = self._ask(self.alias, ROUNDED.format(self.alias), "ORDER BY position LIMIT 1") if integers else []
        return int(rounded[0][0]) if rounded else None

    def counts(self, rules: Sequence[Rule]) -> list[int]:
        counted = ", ".join(f"count(*) FILTER ({rule.sql.format(self.value)})" for rule in rules)
        doubtful = " OR ".join(rule.doubtful.format(in_sql(self.name)) for rule in rules)
        return list(
            self.rows.ask(f"SELECT {counted} FROM ({self.rows.cleaned} WHERE {doubtful}) WHERE {self.rows.kept}")[0]
        )

    def cases(self, rule: Rule) -> Iterator[str]:
        selected = ", ".join([self.value, "position", *self.rows.cell])
        for value, position, *cell in self._ask(selected, rule.sql.format(self.value), "ORDER BY position LIMIT 3"):
            where = case(*cell) if len(cell) == 2 and None not in cell else f"in row {position}"
            yield f"{label(value)} {where}"

    def _ask(self, selected: str, condition: str = "true", end: str = "") -> list[Any]:
        return self.rows.ask(f"SELECT {selected} FROM rows WHERE {self.rows.kept} AND ({condition}) {end}")
