"""Columns that a model file derives from others, such as the mean of a scale's items."""

from collections.abc import Mapping
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import AfterValidator, Field, Strict

from ..basics.declared import Count, Declared, Listed, Name, read_partly
from ..basics.given import shown
from ..basics.names import number, quoted
from ..basics.problems import Problems
from ..panel.checks import usable_columns
from ..panel.columns import numbers

__all__ = ["DerivedColumn", "add_derived", "read_columns"]

FloatArray = npt.NDArray[np.float64]
Operand = Name | int | float


def _different(items: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(items)) < len(items):
        raise ValueError(f"names a column twice: {quoted(items)}.")
    return items


def _with_a_column(operands: tuple[Any, Any]) -> tuple[Any, Any]:
    if not any(isinstance(operand, str) for operand in operands):
        raise ValueError("")
    return operands


class DerivedColumn(Declared):
    """The mean of several columns in each row, or the difference of two columns or of a column and a number.

    Attributes
    ----------
    mean_of
        Two or more columns of numbers.
    at_least
        How many of them a row must hold, by default all. The mean of a row with fewer is missing.
    minus
        The first minus the second; texts are columns.

    Examples
    --------
    >>> mean = DerivedColumn(mean_of=("U22A", "U22B", "U22C"), at_least=2)
    >>> mean.values([np.array([1, 1.0]), np.array([3, 4.0]), np.array([5, np.nan])])
    array([3. , 2.5])
    >>> DerivedColumn(minus=(30, "H1_30")).values([np.array([0.0, 28.0])])
    array([30.,  2.])
    """

    mean_of: Annotated[Listed[Name], Field(min_length=2), AfterValidator(_different)] = Field(
        (), description="a list of two or more columns"
    )
    at_least: Count | None = None
    minus: Annotated[tuple[Operand, Operand], Strict(False), AfterValidator(_with_a_column)] | None = Field(
        None, description="two columns, or a column and a number, such as [30, 'drinking_days']"
    )

    @property
    def sources(self) -> tuple[str, ...]:
        """The columns it is derived from."""
        return tuple(part for part in self.minus or self.mean_of if isinstance(part, str))

    def values(self, columns: list[FloatArray]) -> FloatArray:
        """The derived values, shape ``(row,)``, of the sources, each of shape ``(row,)``."""
        if self.minus is None:
            return self._mean(np.array(columns))
        of_source = dict(zip(self.sources, columns, strict=True))
        first, second = (of_source[part] if isinstance(part, str) else np.float64(part) for part in self.minus)
        return np.asarray(first - second, dtype=np.float64)

    def _mean(self, items: FloatArray) -> FloatArray:
        present = np.count_nonzero(~np.isnan(items), axis=0)
        enough = present >= (self.at_least or len(self.mean_of))
        mean: FloatArray = np.full(items.shape[1], np.nan)
        np.divide(np.nansum(items, axis=0), present, out=mean, where=enough)
        return mean

    def __str__(self) -> str:
        if self.minus is not None:
            return " - ".join(part if isinstance(part, str) else number(part) for part in self.minus)
        enough = "all present" if self.at_least is None else f"{self.at_least} or more present"
        return f"mean of {', '.join(self.mean_of)} ({enough})"


def read_columns(tables: Mapping[str, object], problems: Problems) -> dict[str, DerivedColumn]:
    """Read the section [columns], adding its problems."""
    columns: dict[str, DerivedColumn] = {}
    for name, table in tables.items():
        where = f"[columns] {name}"
        if not isinstance(table, dict):
            problems.add(f"{where} must be a table, such as {{ mean_of = ['item_1', 'item_2'] }}; got {shown(table)}.")
            continue
        columns[name] = column = read_partly(DerivedColumn, table, where, problems)
        rules = [rule for rule in ("mean_of", "minus") if rule in table]
        if len(rules) != 1:
            problems.add(f"{where} needs one of 'mean_of' and 'minus'; it has {quoted(rules) or 'neither'}.")
        elif rules == ["minus"] and column.at_least is not None:
            problems.add(f"{where} at_least belongs to 'mean_of', not to 'minus'.")
        elif column.mean_of and (column.at_least or 0) > len(column.mean_of):
            most = len(column.mean_of)
            problems.add(f"{where} at_least must be at most {most}, the number of its columns; got {column.at_least}.")
    return columns


def add_derived(
    frame: pd.DataFrame, derived: Mapping[str, DerivedColumn], problems: Problems
) -> tuple[pd.DataFrame, set[str]]:
    """The frame with the derived columns, and the names of those that could not be derived.

    Each may use the data's columns and those derived before it.
    """
    values: dict[str, FloatArray] = {}
    failed: set[str] = set()
    for name, column in derived.items():
        if name in frame.columns:
            problems.add(f"[columns] {name} is already a column of the data; give the derived column another name.")
            failed.add(name)
            continue
        if failed.intersection(column.sources):
            failed.add(name)
            continue
        of_sources = Problems("sources")
        sources = [
            values[source] if source in values else _source(frame, source, of_sources) for source in column.sources
        ]
        usable = [source for source in sources if source is not None]
        if len(usable) == len(sources):
            values[name] = column.values(usable)
        else:
            failed.add(name)
        for problem in of_sources.found:
            problems.add(f"[columns] {name}: {problem}")
    if not values:
        return frame, failed
    return pd.concat([frame, pd.DataFrame(values, index=frame.index)], axis=1), failed


def _source(frame: pd.DataFrame, name: str, problems: Problems) -> FloatArray | None:
    """A column of the data as float64, or None and a problem where it does not hold numbers."""
    if not usable_columns(frame, [("item", name)], problems):
        return None
    return numbers(frame[name], name, "measure", "in row {}".format, problems)
