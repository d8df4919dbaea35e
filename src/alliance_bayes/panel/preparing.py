"""Data of any kind as a table that a panel is made of: read, codes taken as missing, categories as columns."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from os import PathLike
from typing import Any

import numpy as np
import pandas as pd
from pandas.api import types

from ..basics.given import shown
from ..basics.problems import PanelError, Problems
from ..basics.warning import warn
from .delimited import OPEN, Asked
from .factors import labelled, with_factors
from .long import check_size
from .missing_codes import among_others, code_counts, codes_by_column, without_codes
from .reading import Table, read_table
from .records import LeftOut, PanelWarning

__all__ = ["check_frame", "recoded", "table_of", "with_labels_and_factors", "without_identical_rows"]

MOST_ROWS = 5  # that a sentence names


def table_of(data: object, labels: Sequence[str | None], layout: Asked = OPEN) -> Table:
    """The table of a file, a data frame of any kind, or one that was read before.

    Frames that are not of pandas, such as those of Polars and PyArrow, are converted by their own ``to_pandas``.
    """
    if isinstance(data, Table):
        return data
    if isinstance(data, str | PathLike):
        return read_table(data, [name for name in labels if isinstance(name, str)], layout)
    if layout != OPEN:
        raise PanelError("delimiter, encoding and decimal are those of a text file; a data frame has none.")
    convert = getattr(data, "to_pandas", None)
    if isinstance(data, pd.DataFrame) or convert is None or isinstance(data, type):
        return Table(data)  # `check_frame` says what is wrong with anything but a data frame of pandas
    try:
        return Table(convert())
    except ImportError as error:
        raise PanelError(
            f"This {type(data).__module__.split('.')[0]} {type(data).__name__} cannot be converted to pandas: {error}. "
            'Run: pip install "alliance-bayes[files]"'
        ) from error


def check_frame(frame: object, problems: Problems) -> None:
    """Whether there is a data frame with values in it."""
    if not isinstance(frame, pd.DataFrame):
        lazy = " Collect a lazy frame first, frame.collect()." if hasattr(frame, "collect") else ""
        problems.add(
            f"Got a value of type {type(frame).__name__}; pass a data frame of pandas, Polars or PyArrow, "
            f"or the path of a .csv, .xlsx, .parquet, .sav or .dta file.{lazy}"
        )
    else:
        check_size(len(frame), len(frame.columns), problems)
    problems.raise_as(PanelError)


def recoded(table: Table, missing: object, apart: Iterable[str | None], problems: Problems) -> Table:
    """The table with codes as missing values; without a mapping those of all columns but some."""
    columns = [name for name in table.frame.columns if isinstance(name, str)]
    codes = codes_by_column(missing, columns, apart, problems)
    frame, counts = without_codes(table.frame, codes, table.decimal)
    if not isinstance(missing, Mapping):
        extents = {name: _extent(frame[name]) for name, of_column in counts.items() if any(of_column.values())}
        if sentence := among_others(counts, extents):
            warn(sentence, PanelWarning)
    return replace(table, frame=frame, notes=(*table.notes, *code_counts(counts)))


def _extent(column: pd.Series) -> tuple[float, float]:
    """Smallest and largest number of a column; NaN where it holds none."""
    known = column.dropna()
    if not len(known) or not types.is_numeric_dtype(column) or types.is_bool_dtype(column):
        return np.nan, np.nan
    return float(known.min()), float(known.max())


def without_identical_rows(table: Table, decision: object, problems: Problems) -> Table:
    """The table without rows that repeat another in every column, where these shall be dropped."""
    if decision != "drop":
        if decision != "refuse":
            problems.add(f"identical_rows must be 'refuse' or 'drop'; got {shown(decision)}.")
        return table
    repeats = np.flatnonzero(table.frame.astype(object).duplicated().to_numpy())
    if not repeats.size:
        return table
    more = (f"and {repeats.size - MOST_ROWS:,} more",) if repeats.size > MOST_ROWS else ()
    left_out = LeftOut(
        f"row{'s' * (repeats.size > 1)} the same as another in every column",
        int(repeats.size),
        (table.rows_in_words(repeats[:MOST_ROWS].tolist()), *more),
        "identical_rows='drop'",
    )
    kept = np.delete(np.arange(len(table.frame)), repeats)
    return replace(table, frame=table.frame.iloc[kept], left_out=(*table.left_out, left_out))


def with_labels_and_factors(
    table: Table, group: object, factor: object, problems: Problems
) -> tuple[Table, tuple[str, ...]]:
    """The table with groups by their labels and factors as columns of 0 and 1, and the names of these."""
    labels: Mapping[Any, str] = table.value_labels.get(group, {}) if isinstance(group, str) else {}
    if labels and group in table.frame:
        named = labelled(table.frame[group], labels)
        table = replace(
            table,
            frame=table.frame.assign(**{str(group): named}),
            notes=(*table.notes, f"'{group}' by its value labels"),
        )
    frame, made, notes = with_factors(table.frame, factor, table.value_labels, problems)
    return replace(table, frame=frame, notes=(*table.notes, *notes)), made
