"""Dates of interviews as numbers in the unit of time."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal, get_args

import numpy as np
import pandas as pd

from ..basics.given import entries, is_number, is_one_of, shown
from ..basics.names import number, quoted
from ..basics.problems import PanelError, Problems
from .checks import case
from .dates import DAYS, parsed_dates
from .reading import Table

__all__ = ["DatesFrom", "with_dates"]

DatesFrom = Literal["person", "all"]
ORIGINS = {"person": "each person's first date", "all": "the first date of all"}


def with_dates(
    table: Table,
    person: str,
    time: str,
    own_time: object,
    times: object,
    dates_from: object,
    time_unit: object,
    problems: Problems,
) -> Table:
    """The table with dates as numbers in the unit of time; those of waves at the nearest of their planned times."""
    if dates_from is None:
        return table
    if not is_one_of(dates_from, get_args(DatesFrom)):
        problems.add(f"dates_from must be one of {quoted(get_args(DatesFrom))}; got {shown(dates_from)}.")
        return table
    if not is_one_of(time_unit, DAYS):
        given = "it is missing" if time_unit is None else f"got {shown(time_unit)}"
        problems.add(f"dates_from needs time_unit, the unit that dates are counted in, one of {quoted(DAYS)}; {given}.")
        problems.raise_as(PanelError)  # without it every date would be a problem of its own
    counted = False
    for name in (time, own_time):
        dates = parsed_dates(table.frame[name]) if isinstance(name, str) and name in table.frame else None
        if dates is None:
            continue
        counted = True
        days = _since(dates, table.frame.get(person), str(dates_from))
        values = days / DAYS[str(time_unit)]
        note = (
            f"'{name}' as ('{name}' - {ORIGINS[str(dates_from)]}) in days / {number(DAYS[str(time_unit)])}, {time_unit}"
        )
        if name == time:
            values, note = _nearest(values, note, table, person, times, problems)
        table = replace(table, frame=table.frame.assign(**{str(name): values}), notes=(*table.notes, note))
    if not counted:
        problems.add(f"dates_from='{dates_from}' is for dates, and neither time nor own_time holds any; leave it out.")
    return table


def _since(dates: pd.Series, persons: pd.Series | None, origin: str) -> pd.Series:
    first = dates.min() if origin == "all" or persons is None else dates.groupby(persons).transform("min")
    return (dates - first).dt.total_seconds() / 86400


def _nearest(
    values: pd.Series, note: str, table: Table, person: str, times: object, problems: Problems
) -> tuple[pd.Series, str]:
    """Each value at the nearest planned time; a problem where one lies beyond half an interval."""
    planned = None if isinstance(times, Mapping) else entries(times)
    if not planned or len(planned) < 2 or not all(is_number(each) for each in planned):
        problems.add(
            "Dates as waves need their planned times, such as times=[0, 6, 12], the nearest of which each becomes."
        )
        return values, note
    grid = np.sort(np.array(planned, dtype=float))
    numbers = values.to_numpy(float)
    slots = np.abs(numbers[:, None] - grid).argmin(axis=1)
    off = np.where(np.isnan(numbers), 0.0, numbers - grid[slots])
    ends = np.array([grid[1] - grid[0], *(np.minimum(np.diff(grid)[1:], np.diff(grid)[:-1])), grid[-1] - grid[-2]])
    if (far := np.abs(off) > ends[slots] / 2 + 1e-9).any():
        row = int(np.argmax(far))
        who = table.frame[person].iloc[row] if person in table.frame else row
        problems.add(
            f"{int(far.sum()):,} dates lie far from every planned time, first {case(who, numbers[row])}. Correct them, "
            "or add their time to times."
        )
    widest = number(float(f"{np.abs(off).max():.3g}"))
    nearest = pd.Series(np.where(np.isnan(numbers), np.nan, grid[slots]), index=values.index)
    return nearest, f"{note}, at the nearest of {', '.join(map(number, grid))} (at most {widest} away)"
