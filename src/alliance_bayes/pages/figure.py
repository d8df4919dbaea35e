"""What stands on the page: figures, each with its numbers, and tables of texts."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np
import pandas as pd
from markupsafe import Markup

from ..basics.names import number
from ..basics.text_tables import TextTable

__all__ = ["Figure", "Table", "first_line", "rows_of"]

SHARES = ("p_", "probability", "prior", "mcse", "share", "no_sign")


@dataclass(frozen=True)
class Table:
    """Heads and rows of texts; the first `n_labels` cells of a row name it."""

    caption: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    n_labels: int = 1

    @classmethod
    def of_frame(cls, frame: pd.DataFrame, caption: str) -> Self:
        """A table of a data frame, its index first; numbers with three digits."""
        named = [name for name in frame.index.names if name is not None]
        flat = frame.reset_index() if named else frame
        heads = tuple(str(name).replace("_", " ") for name in flat.columns)
        rows = tuple(
            tuple(_cell(str(name), value) for name, value in zip(flat.columns, row, strict=True))
            for row in flat.itertuples(index=False, name=None)
        )
        return cls(caption, heads, rows, max(1, len(named)))

    @classmethod
    def of_texts(cls, table: TextTable, caption: str) -> Self:
        """A table as an answer prints it."""
        heads = tuple(column.head.strip() for column in table.columns)
        rows = tuple(zip(*(column.cells for column in table.columns), strict=True))
        return cls(caption, heads, rows)

    @classmethod
    def of_pairs(cls, pairs: Mapping[str, str], caption: str, heads: tuple[str, str]) -> Self:
        """A table of two columns."""
        return cls(caption, heads, tuple(pairs.items()))


@dataclass(frozen=True)
class Figure:
    """A picture with its title, a sentence on how to read it, and its numbers as tables."""

    title: str
    pictures: tuple[Markup, ...]
    caption: str
    tables: tuple[Table, ...]
    keys: tuple[tuple[str, str], ...] = field(default=())
    """Names of what is drawn with the class of its mark."""
    wide: bool = False
    column: bool = False
    """Whether its pictures stand one below the other on any screen."""

    def __post_init__(self) -> None:
        if not self.tables:
            raise ValueError(f"The figure '{self.title}' has no table.")


def _cell(column: str, value: object) -> str:
    match value:
        case bool() | np.bool_():
            return "yes" if value else "no"
        case float() | np.floating():
            return _of_number(column, float(value))
        case int() | np.integer():
            return number(float(value))
        case list() | tuple():
            return ", ".join(map(str, value))
    return str(value)


def _of_number(column: str, value: float) -> str:
    if not math.isfinite(value):
        return "–"
    if column.startswith(SHARES) and 0 <= value <= 1:
        return f"{value:.3f}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def first_line(text: str) -> str:
    """The first line of a text, as of a heading of several."""
    return text.partition("\n")[0]


def rows_of(values: Sequence[Sequence[object]]) -> tuple[tuple[str, ...], ...]:
    """Cells of a table as texts."""
    return tuple(tuple(_cell("", value) for value in row) for row in values)
