"""Indicators of a truth: loadings, intercepts and what is unique to each."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..basics.given import shown
from ..basics.names import quoted
from ..basics.problems import Problems
from .reading import Array, Entry, Reader, by_name
from .true_values import TrueValues

__all__ = ["Items", "items_of", "read_items"]


@dataclass(frozen=True, eq=False)
class Items:
    """How the columns of a panel measure the measures; a measure without indicators is its own column."""

    measure: list[int]  # position of the measure of each column
    loadings: Array  # dims (wave, column), as the next two
    intercepts: Array
    unique_sds: Array


def items_of(truth: TrueValues) -> Items:
    """The columns of a truth."""
    spec, waves = truth.spec, len(truth.times)
    measure = [index for index, name in enumerate(spec.measures) for _ in spec.indicators.get(name, (name,))]
    columns = spec.columns
    indicators = [item for items in spec.indicators.values() for item in items]
    unique = {} if truth.unique_sds is None else by_name(truth.unique_sds, indicators)

    def filled(given: Mapping[str, Any] | None, otherwise: float) -> Array:
        values = given or {}
        return np.column_stack([np.broadcast_to(values.get(name, otherwise), waves) for name in columns]).astype(float)

    return Items(measure, filled(truth.loadings, 1.0), filled(truth.item_intercepts, 0.0), filled(unique, 0.0))


def read_items(truth: TrueValues, problems: Problems) -> dict[str, object]:
    """Read what a truth says of its indicators, noting all problems."""
    spec, waves = truth.spec, len(truth.times)
    indicators = [item for items in spec.indicators.values() for item in items]
    if not indicators:
        return {}
    first = [items[0] for items in spec.indicators.values()]
    changing = {"configural": 3, "weak": 2, "strong": 1, "strict": 0, "approximate": 3}[spec.invariance]
    read = Reader(indicators, problems, noun="indicator")

    def entry(rank: int, *, positive: bool = False) -> Entry:
        number = "a number above 0" if positive else "a number"
        accepts = (lambda value: value > 0) if positive else np.isfinite
        if changing >= rank:
            return Entry(f"{number}, or a list of {waves}, one for each wave", waves, accepts)
        return Entry(f"{number}, for every wave alike ({spec.invariance} invariance)", accepts=accepts)

    items_read: dict[str, object] = {}
    for name, rank in (("loadings", 3), ("item_intercepts", 2)):
        given = getattr(truth, name)
        if given is None:
            continue
        if not isinstance(given, Mapping):
            problems.add(f"{name} must be a table from indicators to numbers; got {shown(given)}.")
            continue
        items_read[name] = read.by_measure(name, given, entry(rank), complete=False)
        fixed = [
            item
            for item in first
            if item in given and (name == "loadings" or spec.invariance not in ("configural", "weak"))
        ]
        if fixed:
            value = "1" if name == "loadings" else "0"
            problems.add(f"{name}: those of the first indicators are fixed at {value}; leave out {quoted(fixed)}.")
    if truth.unique_sds is not None:
        items_read["unique_sds"] = read.by_measure("unique_sds", truth.unique_sds, entry(1, positive=True))
    return items_read
