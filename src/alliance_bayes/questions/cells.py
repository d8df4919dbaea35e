"""Draws in the rows of a table, and such rows in the cells of a printed one."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd
import xarray as xr

from ..posterior.summaries import Probability, above, interval, interval_name, probability

__all__ = [
    "bounds",
    "estimates",
    "intervals",
    "known_draws",
    "labels",
    "mean_and_interval",
    "median_and_interval",
    "probabilities",
    "sign",
    "stated",
    "table_of",
]


def table_of(rows: Mapping[Any, Mapping[str, Any]], *levels: str) -> pd.DataFrame:
    """A table of rows by their keys, whose parts have these names."""
    table = pd.DataFrame.from_dict(rows, orient="index")
    table.index = pd.MultiIndex.from_tuples(rows, names=levels)
    return table


def mean_and_interval(draws: xr.DataArray, before: str = "") -> dict[str, float]:
    """Columns ``mean``, ``lower`` and ``upper`` of draws with dims ``(chain, draw)``, with a text before each name."""
    lower, upper = interval(draws, "chain", "draw")
    return {f"{before}mean": float(draws.mean()), f"{before}lower": float(lower), f"{before}upper": float(upper)}


def median_and_interval(draws: xr.DataArray, name: str, before: str = "") -> dict[str, float]:
    """The median by its name and the interval's ends, of draws that may have no mean; NaN where none has a value."""
    lower, upper = interval(draws, "chain", "draw")
    median = float(draws.median()) if draws.count() else math.nan
    return {name: median, f"{before}lower": float(lower), f"{before}upper": float(upper)}


def sign(draws: xr.DataArray, prior: xr.DataArray | None = None) -> dict[str, float]:
    """Columns on the probability that an effect is positive, after the data and before, and on draws without a sign.

    ``p_positive`` with its Monte Carlo error ``p_positive_mcse``, and ``no_sign``; with the prior's draws also
    ``p_positive_prior`` and ``no_sign_prior``.
    """
    positive = probability(above(draws, 0))
    row = {"p_positive": positive.value, "p_positive_mcse": positive.mcse, "no_sign": positive.undefined}
    if prior is None:
        return row
    before = probability(above(prior, 0))
    return row | {"p_positive_prior": before.value, "no_sign_prior": before.undefined}


def bounds(row: "pd.Series[float]", before: str = "", form: str = ".2f") -> str:
    """An interval in brackets."""
    return f"[{row[f'{before}lower']:{form}}, {row[f'{before}upper']:{form}}]"


def intervals(table: pd.DataFrame, before: str = "", form: str = ".2f") -> list[str]:
    """The interval of each row."""
    return [bounds(row, before, form) for _, row in table.iterrows()]


def estimates(table: pd.DataFrame, form: str = ".2f") -> dict[str, list[str]]:
    """Printed columns of means and intervals."""
    return {"mean": [f"{mean:{form}}" for mean in table["mean"]], interval_name(): intervals(table, form=form)}


def labels(table: pd.DataFrame) -> list[str]:
    """Rows by their names, and by what they are over where that differs between rows."""
    several = len(table.index.unique("over")) > 1
    return [f"{name}, {over}" if several else str(name) for name, over in table.index]


def known_draws(n_draws: int, undefined: float) -> int:
    """How many draws have a value, where a share of them has none."""
    return round(n_draws * (1 - undefined))


def probabilities(shares: Iterable[float], n_draws: int, undefined: Iterable[float] | None = None) -> list[str]:
    """Shares of draws in words, where a part of the draws may have no value."""
    values = list(shares)
    without = [0.0] * len(values) if undefined is None else list(undefined)
    return [
        str(Probability(value, 0.0, known_draws(n_draws, part))) for value, part in zip(values, without, strict=True)
    ]


def stated(event: str, probable: object) -> str:
    """``P(event)`` with its value, such as "P(effect > 0) = 0.512" or "P(effect > 0) > 0.999"."""
    value = str(probable)
    return f"P({event}) {value if value[0] in '<>' else f'= {value}'}"
