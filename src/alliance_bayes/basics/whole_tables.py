"""Data frames that print all their columns."""

from typing import Any

import pandas as pd

__all__ = ["MOST_PRINTED", "WholeTable"]

MOST_PRINTED = 200


class WholeTable(pd.DataFrame):  # type: ignore[misc]
    """A data frame that prints every column, to three digits, and says how many rows it does not print."""

    @property
    def _constructor(self) -> type["WholeTable"]:
        return WholeTable

    def __str__(self) -> str:
        text: str = pd.DataFrame(self.head(MOST_PRINTED)).to_string(float_format=_short)
        n_more = len(self) - MOST_PRINTED
        return f"{text}\n{n_more:,} more rows; .to_string() prints all." if n_more > 0 else text

    __repr__ = __str__


def _short(value: Any) -> str:
    return f"{value:.3g}"
