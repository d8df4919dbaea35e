"""Data frames that print all their columns."""

from collections.abc import Iterator
from typing import Any

import pandas as pd
from pandas.api import types

from .names import number

__all__ = ["MOST_PRINTED", "WholeTable"]

MOST_PRINTED = 200
LARGEST = 1e9  # that is printed with all its digits


class WholeTable(pd.DataFrame):  # type: ignore[misc]
    """A data frame that prints every column, to three digits, and says how many rows it does not print."""

    @property
    def _constructor(self) -> type["WholeTable"]:
        return WholeTable

    def __str__(self) -> str:
        return "\n".join([self._first_rows().to_string(float_format=_short), *self._other_rows()])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        with pd.option_context("display.max_colwidth", None):
            return "\n".join([self._first_rows().to_html(float_format=_short), *self._other_rows()])

    def _first_rows(self) -> pd.DataFrame:
        shown = pd.DataFrame(self.head(MOST_PRINTED))
        shown.index = _plain(shown.index)
        return shown

    def _other_rows(self) -> Iterator[str]:
        if (n_more := len(self) - MOST_PRINTED) > 0:
            yield f"{n_more:,} more rows; .to_string() prints all."


def _short(value: float) -> str:
    return f"{value:,.0f}" if 1000 <= abs(value) < LARGEST else f"{value:.3g}"


def _plain(index: Any) -> Any:
    """An index whose times are written without the decimals that they do not have."""
    if isinstance(index, pd.MultiIndex):
        return index.set_levels([_plain(level) for level in index.levels], verify_integrity=False)
    return index.map(number) if types.is_float_dtype(index) else index
