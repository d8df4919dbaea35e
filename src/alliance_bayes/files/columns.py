"""Columns that a model file makes of others, such as a scale's mean of its items."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..basics.names import number
from ..basics.problems import Problems
from ..panel.checks import usable_columns
from ..panel.columns import numbers

__all__ = ["DerivedColumn", "MeanOf", "Minus", "add_derived"]

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class MeanOf:
    """Mean of several columns in each row.

    Parameters
    ----------
    items
        Two or more columns of numbers.
    at_least
        How many of them a row must hold; without it all. A row with fewer is missing.

    Examples
    --------
    >>> MeanOf(("U22A", "U22B", "U22C"), at_least=2).of([np.array([1, 1.0]), np.array([3, 4.0]), np.array([5, np.nan])])
    array([3. , 2.5])
    """

    items: tuple[str, ...]
    at_least: int | None = None

    @property
    def sources(self) -> tuple[str, ...]:
        """The columns it is made of."""
        return self.items

    def of(self, columns: list[FloatArray]) -> FloatArray:
        """The mean, shape ``(row,)``, of the sources, each of that shape."""
        stacked = np.array(columns)
        present = np.count_nonzero(~np.isnan(stacked), axis=0)
        enough = present >= (self.at_least or len(self.items))
        mean: FloatArray = np.full(stacked.shape[1], np.nan)
        np.divide(np.nansum(stacked, axis=0), present, out=mean, where=enough)
        return mean

    def to_mapping(self) -> dict[str, object]:
        """What a model file writes."""
        return {"mean_of": list(self.items)} | ({} if self.at_least is None else {"at_least": self.at_least})

    def __str__(self) -> str:
        enough = "all present" if self.at_least is None else f"{self.at_least} or more present"
        return f"mean of {', '.join(self.items)} ({enough})"


@dataclass(frozen=True)
class Minus:
    """Difference of two columns, or of a column and a number, in each row.

    Parameters
    ----------
    first, second
        ``first - second``; a text is a column, a number itself.

    Examples
    --------
    >>> Minus(30, "H1_30").of([np.array([0.0, 28.0])])
    array([30.,  2.])
    """

    first: str | float
    second: str | float

    @property
    def sources(self) -> tuple[str, ...]:
        """The columns it is made of."""
        return tuple(part for part in (self.first, self.second) if isinstance(part, str))

    def of(self, columns: list[FloatArray]) -> FloatArray:
        """The difference, shape ``(row,)``, of the sources, each of that shape."""
        of_source = dict(zip(self.sources, columns, strict=True))
        first, second = (
            of_source[part] if isinstance(part, str) else np.float64(part) for part in (self.first, self.second)
        )
        return np.asarray(first - second, dtype=np.float64)

    def to_mapping(self) -> dict[str, object]:
        """What a model file writes."""
        return {"minus": [self.first, self.second]}

    def __str__(self) -> str:
        first, second = (part if isinstance(part, str) else number(part) for part in (self.first, self.second))
        return f"{first} - {second}"


DerivedColumn = MeanOf | Minus


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
        elif failed.intersection(column.sources):
            failed.add(name)
        else:
            found = Problems("sources")
            read = [values[each] if each in values else source(frame, each, found) for each in column.sources]
            usable = [each for each in read if each is not None]
            if len(usable) == len(read):
                values[name] = column.of(usable)
            else:
                failed.add(name)
            for problem in found.found:
                problems.add(f"[columns] {name}: {problem}")
    if not values:
        return frame, failed
    return pd.concat([frame, pd.DataFrame(values, index=frame.index)], axis=1), failed


def source(frame: pd.DataFrame, name: str, problems: Problems) -> FloatArray | None:
    """A column of the data as float64, or None and a problem where it does not hold numbers."""
    where: Callable[[int], str] = "in row {}".format
    if not usable_columns(frame, [("item", name)], problems):
        return None
    return numbers(frame[name], name, "measure", where, problems)
