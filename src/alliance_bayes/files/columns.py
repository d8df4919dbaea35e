"""Columns that a model file makes of others, such as a scale's mean of its items."""

from collections.abc import Mapping
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import AfterValidator, Field, Strict

from ..basics.declared import Count, Declared, Listed, Name, read
from ..basics.given import shown
from ..basics.names import number, quoted
from ..basics.problems import Problems
from ..panel.checks import numbers, usable_columns

__all__ = ["DerivedColumn", "MeanOf", "Minus", "add_derived", "read_columns"]

FloatArray = npt.NDArray[np.float64]


def _different(items: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(items)) < len(items):
        raise ValueError(f"names a column twice: {quoted(items)}.")
    return items


def _with_a_column(operands: tuple[Any, Any]) -> tuple[Any, Any]:
    if not any(isinstance(operand, str) for operand in operands):
        raise ValueError("")
    return operands


class MeanOf(Declared):
    """Mean of several columns in each row.

    Attributes
    ----------
    mean_of
        Two or more columns of numbers.
    at_least
        How many of them a row must hold; without it all. A row with fewer is missing.

    Examples
    --------
    >>> rule = MeanOf(mean_of=("U22A", "U22B", "U22C"), at_least=2)
    >>> rule.values([np.array([1, 1.0]), np.array([3, 4.0]), np.array([5, np.nan])])
    array([3. , 2.5])
    """

    mean_of: Annotated[Listed[Name], AfterValidator(_different)] = Field(
        min_length=2, description="a list of two or more columns"
    )
    at_least: Count | None = Field(None, description="a whole number above 0")

    @property
    def sources(self) -> tuple[str, ...]:
        """The columns it is made of."""
        return self.mean_of

    def values(self, columns: list[FloatArray]) -> FloatArray:
        """The mean, shape ``(row,)``, of the sources, each of that shape."""
        stacked = np.array(columns)
        present = np.count_nonzero(~np.isnan(stacked), axis=0)
        enough = present >= (self.at_least or len(self.mean_of))
        mean: FloatArray = np.full(stacked.shape[1], np.nan)
        np.divide(np.nansum(stacked, axis=0), present, out=mean, where=enough)
        return mean

    def __str__(self) -> str:
        enough = "all present" if self.at_least is None else f"{self.at_least} or more present"
        return f"mean of {', '.join(self.mean_of)} ({enough})"


class Minus(Declared):
    """Difference of two columns, or of a column and a number, in each row.

    Attributes
    ----------
    minus
        The first less the second; a text is a column.

    Examples
    --------
    >>> Minus(minus=(30, "H1_30")).values([np.array([0.0, 28.0])])
    array([30.,  2.])
    """

    minus: Annotated[tuple[Name | int | float, Name | int | float], Strict(False), AfterValidator(_with_a_column)] = (
        Field(description="two columns, or a column and a number, such as [30, 'drinking_days']")
    )

    @property
    def sources(self) -> tuple[str, ...]:
        """The columns it is made of."""
        return tuple(part for part in self.minus if isinstance(part, str))

    def values(self, columns: list[FloatArray]) -> FloatArray:
        """The difference, shape ``(row,)``, of the sources, each of that shape."""
        of_source = dict(zip(self.sources, columns, strict=True))
        first, second = (of_source[part] if isinstance(part, str) else np.float64(part) for part in self.minus)
        return np.asarray(first - second, dtype=np.float64)

    def __str__(self) -> str:
        first, second = (part if isinstance(part, str) else number(part) for part in self.minus)
        return f"{first} - {second}"


type DerivedColumn = MeanOf | Minus
RULES: dict[str, type[MeanOf] | type[Minus]] = {"mean_of": MeanOf, "minus": Minus}


def read_columns(tables: Mapping[str, object], problems: Problems) -> dict[str, DerivedColumn]:
    """Read the section [columns], adding all that is wrong with it to the problems."""
    columns: dict[str, DerivedColumn] = {}
    for name, table in tables.items():
        where = f"[columns] {name}"
        if not isinstance(table, dict):
            problems.add(f"{where} must be a table, such as {{ mean_of = ['item_1', 'item_2'] }}; got {shown(table)}.")
            continue
        rules = [rule for rule in RULES if rule in table]
        if len(rules) != 1:
            problems.add(f"{where} needs one of 'mean_of' and 'minus'; it has {quoted(rules) or 'neither'}.")
            continue
        rule = read(RULES[rules[0]], table, where, problems)
        if isinstance(rule, MeanOf) and (rule.at_least or 0) > len(rule.mean_of):
            problems.add(
                f"{where} at_least must be at most {len(rule.mean_of)}, the number of its columns; got {rule.at_least}."
            )
        if rule is not None:
            columns[name] = rule
    return columns


def add_derived(
    frame: pd.DataFrame, derived: Mapping[str, DerivedColumn], problems: Problems
) -> tuple[pd.DataFrame, set[str]]:
    """The frame with the derived columns, and the names of those that could not be made.

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
        sources = [values[source] if source in values else _source(frame, source, of_sources) for source in column.sources]
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
