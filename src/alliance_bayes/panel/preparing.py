"""Data of any kind as a table that a panel is made of: read, codes taken as missing, categories as columns."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from os import PathLike
from typing import Any, get_args

import numpy as np
import pandas as pd
from pandas.api import types

from ..basics.given import entries, is_one_of, shown
from ..basics.names import in_words
from ..basics.problems import PanelError, Problems
from ..basics.warning import warn
from .delimited import OPEN, Asked
from .factors import labelled, with_factors
from .frames import factorized, sorted_ids
from .long import check_size, persons_left_out
from .missing_codes import among_others, code_counts, codes_by_column, without_codes
from .reading import Table, read_table
from .records import IdenticalRows, LeftOut, PanelWarning, WithoutCovariates

__all__ = ["Preparing", "check_frame", "recoded", "table_of"]

MOST_ROWS = 5  # that a sentence names


@dataclass(frozen=True)
class Preparing:
    """How a table is prepared before a panel is made of it; `identity` are its person and time, the person's first."""

    identity: Sequence[str | None]
    group: object
    factor: object
    covariates: object
    missing: object
    without_covariates: object
    identical_rows: object = "refuse"

    def table(self, data: object, layout: Asked, problems: Problems) -> tuple[Table, tuple[str, ...]]:
        """The table that a panel is made of, and the names of the covariates that its factors became."""
        person = self.identity[0]
        factors = list(self.factor) if isinstance(self.factor, Iterable) else []
        table = table_of(data, [name for name in (person, self.group, *factors) if isinstance(name, str)], layout)
        check_frame(table.frame, problems)
        table = without_identical_rows(
            recoded(table, self.missing, self.identity, problems), self.identical_rows, problems
        )
        constant = [*(entries(self.covariates) or ()), *factors, *([] if self.group is None else [self.group])]
        table = without_incomplete(table, self.without_covariates, person, constant, problems)
        return with_labels_and_factors(table, self.group, self.factor, problems)


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
    if not _acts("identical_rows", decision, get_args(IdenticalRows), problems):
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


def without_incomplete(
    table: Table, decision: object, person: str | None, columns: Iterable[object], problems: Problems
) -> Table:
    """The table without the rows of persons who have no value of one of the columns in any row, where they shall go.

    Without a column of the person, rows are persons by the frame's index. Raises a PanelError where nobody would be
    left.
    """
    frame = table.frame
    acts = _acts("without_covariates", decision, get_args(WithoutCovariates), problems)
    present = [name for name in dict.fromkeys(map(str, columns)) if np.count_nonzero(frame.columns == name) == 1]
    if not acts or not present or (person is not None and np.count_nonzero(frame.columns == person) != 1):
        return table
    codes, labels = factorized(frame.index.to_series() if person is None else frame[person])
    identified = codes >= 0  # the others are refused where persons are read
    places, persons = sorted_ids(codes[identified], labels)
    known = {name: frame[name].notna().to_numpy()[identified] for name in present}
    without = {name: np.bincount(places[has], minlength=len(persons)) == 0 for name, has in known.items()}
    lacking = {name: persons_without for name, persons_without in without.items() if persons_without.any()}
    if not lacking:
        return table
    gone = np.logical_or.reduce(list(lacking.values()))
    counts = in_words(
        [f"'{name}' ({np.count_nonzero(persons_without):,})" for name, persons_without in lacking.items()]
    )
    if gone.all():
        problems.add(
            f"Of everybody a covariate, a factor or the group is missing: {counts}. Leave out the columns rather than "
            "all people."
        )
        problems.raise_as(PanelError)
    why = f"no value of {counts}; without_covariates='leave_out'"
    left_out = persons_left_out(int(np.count_nonzero(gone)), persons[gone][:5], why)
    kept = np.ones(len(frame), dtype=bool)
    kept[identified] = ~gone[places]
    return replace(table, frame=frame.loc[kept], left_out=(*table.left_out, *left_out))


def _acts(name: str, decision: object, words: tuple[str, str], problems: Problems) -> bool:
    """Whether the second of two words was said rather than the first; a problem where neither was."""
    if not is_one_of(decision, words):
        problems.add(f"{name} must be '{words[0]}' or '{words[1]}'; got {shown(decision)}.")
    return is_one_of(decision, words[1:])


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
