"""What a file or data frame holds, before anybody says what its columns mean."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from os import PathLike
from typing import Any

import numpy as np
import pandas as pd
from pandas.api import types

from ..basics.calls import checked
from ..basics.names import in_words, number, quoted
from ..basics.problems import PanelError, Problems
from ..basics.text_tables import TextTable
from .checks import label
from .dates import parsed_dates
from .delimited import Layout
from .missing_codes import MissingCodes, suspected_codes, texts_among_numbers, without_codes
from .preparing import check_frame, recoded, table_of
from .reading import Table
from .value_shapes import ValueShape, value_shape

__all__ = ["ColumnSeen", "Overview", "overview", "pooled_shape"]

MOST_TIMES, MOST_CATEGORIES = 40, 20
SAME = 0.98  # share of rows that are told apart by person and time, since some may repeat
ID_WORDS = re.compile(
    r"(^|[_ .-])(id|nr|no|code|person|patient(en)?|subject|case|participant|ident\w*|vpn?|pid|subj)($|[_ .\d-])", re.I
)
TIME_WORDS = re.compile(
    r"time|wave|month|week|day|year|visit|monat|woche|welle|zeit|mois|temps|vague|zeitpunkt|^t$", re.I
)
WAVE = re.compile(r"^(?P<stem>.*?\D?)[ _.\-]?(?:t|w|m|wave|time)?(?P<wave>\d+)$", re.I)


@dataclass(frozen=True)
class ColumnSeen:
    """One column as it was found.

    Attributes
    ----------
    name
        Its name.
    kind
        "numbers", "dates", "categories", "text" or "empty".
    shape
        What its numbers look like, without suspected codes.
    n_values, n_different
        Values that are not missing, and how many of them differ.
    values
        Its range, its categories or its first values, in words.
    codes
        Values that look like codes for missing answers, with their counts.
    labels
        Labels of its values, where the file has some.
    """

    name: str
    kind: str
    shape: ValueShape
    n_values: int
    n_different: int
    values: str
    codes: Mapping[float | str, int]
    labels: Mapping[Any, str]

    @property
    def looks(self) -> str:
        """What it looks like, in words."""
        return self.shape.in_words if self.kind == "numbers" else self.kind


@dataclass(frozen=True, eq=False)
class Overview:
    """What a file or data frame holds, and what its columns may be.

    Attributes
    ----------
    table
        The data as read.
    columns
        One for each column, in order.
    person, time
        Columns that look like the person's id and the time; None where there is none, or more than one may be.
    measures
        Columns of numbers that vary within persons; of one row per person, stem to its columns.
    covariates, categories
        Columns of numbers, and of categories, that do not vary within persons.
    times
        Times in `time`, or the numbers in the names of the columns.
    repeated
        Rows that repeat another in every column.
    """

    table: Table
    columns: tuple[ColumnSeen, ...]
    person: str | None
    time: str | None
    measures: Mapping[str, tuple[str, ...]]
    covariates: tuple[str, ...]
    categories: tuple[str, ...]
    times: tuple[float, ...]
    repeated: int

    @property
    def is_wide(self) -> bool:
        """Whether there is one row per person, with a column for each measure and time."""
        return self.time is None and any(len(columns) > 1 for columns in self.measures.values())

    def column(self, name: str) -> ColumnSeen:
        """The column of this name."""
        return next(column for column in self.columns if column.name == name)

    @property
    def codes(self) -> dict[str, tuple[float | str, ...]]:
        """Suspected codes for missing answers, by column."""
        return {column.name: tuple(column.codes) for column in self.columns if column.codes}

    def __str__(self) -> str:
        n_rows, n_columns = self.table.frame.shape
        lines = [f"{self.table.source}: {n_rows:,} rows and {n_columns} columns"]
        lines += [f"Read: {note}" for note in self.table.notes]
        rows = [
            [
                column.name,
                column.looks,
                f"{column.n_values:,}",
                f"{n_rows - column.n_values:,}",
                f"{column.n_different:,}",
                column.values,
                ", ".join(f"{label(code)} ({count:,})" for code, count in column.codes.items()),
            ]
            for column in self.columns
        ]
        header = ("column", "looks like", "values", "missing", "different", "from - to", "suspected codes")
        cells = zip(*rows, strict=True)
        lines += str(TextTable.of(dict(zip(header, map(list, cells), strict=True)))).splitlines()
        for column in self.columns:
            labels = ", ".join(f"{_shown(value)} {label}" for value, label in column.labels.items())
            lines += [f"Labels of '{column.name}': {labels}"] if labels else []
        lines += [*self._guesses()]
        return "\n".join(lines)

    __repr__ = __str__

    def _guesses(self) -> Iterable[str]:
        times = ", ".join(map(number, self.times))
        if self.is_wide:
            yield f"It looks like one row per person{f', {quoted([self.person])}' if self.person else ''}, at {times}."
            for name, columns in self.measures.items():
                if len(columns) > 1:
                    yield f"  {name}: {in_words(columns)}"
        elif self.person and self.time:
            yield f"It looks like one row per person, '{self.person}', and time, '{self.time}': {times or 'dates'}."
            yield f"Vary within persons: {quoted(self.measures) or 'no numbers'}"
        else:
            yield "No two columns look like a person and a time; name them."
        known = [*self.covariates, *self.categories]
        if known and self.person:
            yield f"Do not vary within persons: {quoted(known)}"
        if self.repeated:
            yield f"Rows that repeat another in every column: {self.repeated:,}"


@checked(PanelError, apart=["data", "missing", "delimiter", "encoding", "decimal"])
def overview(
    data: pd.DataFrame | str | PathLike[str],
    *,
    person: str | None = None,
    time: str | None = None,
    missing: MissingCodes = (),
    delimiter: str | None = None,
    encoding: str | None = None,
    decimal: str | None = None,
) -> Overview:
    """Look at data before anything is said about them: columns, times, shapes of distributions, codes.

    Parameters
    ----------
    data, missing, delimiter, encoding, decimal
        As in `Panel.from_long`.
    person, time
        Columns of the person's id and the time, where they are known.

    Returns
    -------
    Overview
        Prints as a table, with what the columns may be. Guesses are from names and values; check them.

    Raises
    ------
    PanelError
        If the data cannot be read, or have no such column.

    Examples
    --------
    >>> frame = pd.DataFrame({"id": [1, 1, 2, 2], "month": [0, 6, 0, 6], "days": [3, 9, 4, 30]})
    >>> seen = overview(frame)
    >>> seen.person, seen.time, seen.times
    ('id', 'month', (0.0, 6.0))
    """
    layout = Layout[str | None](delimiter, encoding, decimal)
    table = table_of(data, [person], layout)
    problems = Problems(f"{table.source} cannot be described")
    check_frame(table.frame, problems)
    table = recoded(table, missing, [person, time], problems)
    texts = {str(name): texts_among_numbers(table.frame[name], table.decimal) for name in table.frame.columns}
    frame, _ = without_codes(table.frame, {name: tuple(of_column) for name, of_column in texts.items()}, table.decimal)
    table = replace(table, frame=frame)
    for name in (person, time):
        if name is not None and name not in frame.columns:
            problems.add(f"No column '{name}'. Columns: {quoted(map(str, frame.columns))}.")
    problems.raise_as(PanelError)
    columns = tuple(_seen(str(name), frame[name], texts[str(name)], table) for name in frame.columns)
    repeated = int(frame.astype(object).duplicated().sum())
    rows = frame[~frame.astype(object).duplicated()]
    stems = {} if time is not None else _stems(columns)
    pair = (person, time) if person and time else _person_and_time(rows, columns, person, time)
    if pair is None and stems:
        return _wide(table, columns, rows, stems, person, repeated)
    chosen_person, chosen_time = pair or (person, time)
    varying = _varying(rows, chosen_person, [column.name for column in columns])
    clock = (chosen_person, chosen_time)
    others = [column for column in columns if column.name not in clock]
    numeric = [column.name for column in others if column.kind == "numbers" and column.n_different > 1]
    return Overview(
        table=table,
        columns=columns,
        person=chosen_person,
        time=chosen_time,
        measures={name: (name,) for name in numeric if varying.get(name, True)},
        covariates=tuple(name for name in numeric if not varying.get(name, True)),
        categories=tuple(
            each.name for each in others if each.kind == "categories" and not varying.get(each.name, True)
        ),
        times=_times(rows, chosen_time),
        repeated=repeated,
    )


def _seen(name: str, column: pd.Series, texts: Mapping[float | str, int], table: Table) -> ColumnSeen:
    """One column; `texts` were found among its numbers."""
    known = column.dropna()
    labels = table.value_labels.get(name, {})
    codes: Mapping[float | str, int] = texts
    numbers = np.array([])
    different = pd.unique(known.astype(object).astype(str)) if known.dtype == object else pd.unique(known)
    if not len(known):
        kind, values = "empty", ""
    elif types.is_numeric_dtype(column) and not types.is_complex_dtype(column):
        kind = "numbers"
        given = column.astype("boolean") if types.is_bool_dtype(column) else column
        numbers = np.asarray(given.astype("Float64").to_numpy(np.float64, na_value=np.nan))
        suspected, _, _ = suspected_codes(numbers)
        codes = {**texts, **suspected}
        numbers = numbers[~np.isin(numbers, list(suspected)) & ~np.isnan(numbers)]
        values = f"{number(numbers.min())} to {number(numbers.max())}" if numbers.size else ""
    elif (dates := parsed_dates(column)) is not None:
        kind, values = "dates", f"{dates.min().date()} to {dates.max().date()}"
    else:
        few = len(different) <= min(MOST_CATEGORIES, max(2, len(known) // 2))
        kind, values = ("categories" if few else "text"), quoted(map(str, sorted(map(str, different))), most=3)
    return ColumnSeen(name, kind, value_shape(numbers), len(known), len(different), values, codes, labels)


def _person_and_time(
    rows: pd.DataFrame, columns: Sequence[ColumnSeen], person: str | None, time: str | None
) -> tuple[str, str] | None:
    """The columns that tell rows apart, of those that may be an id and a time; None where no two do."""
    candidates = []
    ids = [each for each in columns if person in (None, each.name) and each.kind != "dates" and each.n_different > 1]
    clocks = [each for each in columns if time in (None, each.name) and each.kind in ("numbers", "dates", "categories")]
    for one in ids:
        if one.n_values < len(rows) or one.n_different > len(rows) * 0.75:
            continue
        if person is None and one.kind == "numbers" and (one.shape.kind == "shares" or not _are_whole(rows[one.name])):
            continue
        for other in clocks:
            few = other.kind == "dates" or other.n_different <= MOST_TIMES
            if other.name == one.name or not few or other.n_different < 2 or other.n_values < len(rows):
                continue
            apart = 1 - rows.duplicated([one.name, other.name]).mean()
            if apart >= SAME:
                words = (bool(ID_WORDS.search(one.name)), bool(TIME_WORDS.search(other.name)))
                kinds = (other.kind == "numbers", other.kind == "categories")
                candidates.append(((words[0], words[1], *kinds, one.n_different), one.name, other.name))
    if not candidates:
        return None
    _, chosen, clock = max(candidates)
    return chosen, clock


def _are_whole(values: pd.Series) -> bool:
    """Whether numbers have no decimals, as those of persons have none."""
    known = pd.to_numeric(values, errors="coerce").dropna()
    return bool((known % 1 == 0).all())


def _times(rows: pd.DataFrame, time: str | None) -> tuple[float, ...]:
    if time is None or not types.is_numeric_dtype(rows[time]):
        return ()
    return tuple(sorted(float(value) for value in pd.unique(rows[time].dropna())))


def _varying(rows: pd.DataFrame, person: str | None, names: Sequence[str]) -> dict[str, bool]:
    if person is None:
        return {}
    different = rows.groupby(person, observed=True)[[name for name in names if name != person]].nunique().max()
    return {str(name): int(count) > 1 for name, count in different.items()}


def _stems(columns: Sequence[ColumnSeen]) -> dict[str, dict[int, str]]:
    """Measures whose columns' names end in a number, with the column of each."""
    found: dict[str, dict[int, str]] = {}
    for column in columns:
        match = WAVE.match(column.name)
        if match and match["stem"].strip(" _.-") and column.kind == "numbers":
            found.setdefault(match["stem"].strip(" _.-"), {})[int(match["wave"])] = column.name
    several = {stem: waves for stem, waves in found.items() if len(waves) > 1}
    most = max((len(waves) for waves in several.values()), default=0)
    return {stem: waves for stem, waves in several.items() if len(waves) == most}


def _wide(
    table: Table,
    columns: tuple[ColumnSeen, ...],
    rows: pd.DataFrame,
    stems: Mapping[str, Mapping[int, str]],
    person: str | None,
    repeated: int,
) -> Overview:
    used = {name for waves in stems.values() for name in waves.values()}
    others = [column for column in columns if column.name not in used]
    unique = [column for column in others if column.n_values == column.n_different == len(rows)]
    named = [column.name for column in unique if ID_WORDS.search(column.name)] + [column.name for column in unique]
    chosen = person or (named[0] if named else None)
    columns = tuple(_with_codes_of(column, stems, rows) for column in columns)
    waves = sorted({wave for of_stem in stems.values() for wave in of_stem})
    return Overview(
        table=table,
        columns=columns,
        person=chosen,
        time=None,
        measures={stem: tuple(of_stem[wave] for wave in sorted(of_stem)) for stem, of_stem in stems.items()},
        covariates=tuple(each.name for each in others if each.kind == "numbers" and each.name != chosen),
        categories=tuple(each.name for each in others if each.kind == "categories" and each.name != chosen),
        times=tuple(map(float, waves)),
        repeated=repeated,
    )


def _with_codes_of(column: ColumnSeen, stems: Mapping[str, Mapping[int, str]], rows: pd.DataFrame) -> ColumnSeen:
    """A column with the suspected codes of its measure, at all times together."""
    names = next((list(waves.values()) for waves in stems.values() if column.name in waves.values()), [])
    codes, _, _ = suspected_codes(rows[names].to_numpy(float).ravel()) if names else ({}, 0.0, 0.0)
    held = rows[column.name] if codes else None
    counts = {} if held is None else {code: int((held == code).sum()) for code in codes}
    if not any(counts.values()):
        return column
    numbers = rows[column.name].to_numpy(float)
    numbers = numbers[~np.isin(numbers, list(codes)) & ~np.isnan(numbers)]
    return replace(
        column,
        codes={
            **{code: count for code, count in column.codes.items() if isinstance(code, str)},
            **{code: count for code, count in counts.items() if count},
        },
        shape=value_shape(numbers),
        values=f"{number(numbers.min())} to {number(numbers.max())}" if numbers.size else "",
    )


def pooled_shape(seen: Overview, measure: str) -> ValueShape:
    """What the values of a measure look like, at all times together and without suspected codes."""
    columns = list(seen.measures.get(measure, (measure,)))
    values = seen.table.frame[columns].to_numpy(float, na_value=np.nan)
    codes = [code for name in columns for code in seen.codes.get(name, ()) if not isinstance(code, str)]
    return value_shape(np.where(np.isin(values, codes), np.nan, values).ravel())


def _shown(value: Any) -> str:
    return number(value) if isinstance(value, float) else str(value)
