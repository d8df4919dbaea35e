"""Dates where a time is expected: how they are recognised, and the formula that makes them numbers."""

import re

import pandas as pd
from pandas.api import types

__all__ = ["DAYS", "first_date", "formula_of", "parsed_dates"]

ISO = re.compile(r"\d{4}-\d{2}-\d{2}([ T].*)?")
BY_DAY = re.compile(r"\d{1,2}([./])\d{1,2}\1\d{4}")
DAYS = {"days": 1.0, "weeks": 7.0, "months": 30.4375, "years": 365.25}
"""Days in each unit of time."""


def parsed_dates(values: pd.Series) -> pd.Series | None:
    """The values as dates, in pandas' own type; None where they are not all dates."""
    if types.is_datetime64_any_dtype(values):
        return values
    if not (types.is_object_dtype(values) or types.is_string_dtype(values)):
        return None
    known = values.dropna()
    texts = known.astype(str).str.strip()
    pattern = next((pattern for pattern in (ISO, BY_DAY) if len(texts) and pattern.fullmatch(texts.iloc[0])), None)
    if pattern is None or not texts.str.fullmatch(pattern).all():
        return None
    by_day = "%d.%m.%Y" if "." in texts.iloc[0] else "%d/%m/%Y"
    dates = pd.to_datetime(texts, errors="coerce", format="ISO8601" if pattern is ISO else by_day)
    return None if dates.isna().any() else dates.reindex(values.index)


def first_date(values: pd.Series) -> str | None:
    """The first date as its day; None where the values are not all dates."""
    dates = parsed_dates(values)
    if dates is None or dates.isna().all():
        return None
    return str(dates.dropna().iloc[0].date())


def formula_of(name: str) -> str:
    """The formulas that make a column of dates a number, and how to have them applied."""
    return (
        "Say what they are counted from: dates_from='person' (each person's first date) or dates_from='all' (the "
        f"first of all), with time_unit='months'. The formula, for date = pd.to_datetime(frame['{name}']), with "
        "dayfirst=True where the day comes before the month, and months: "
        f"(date - date.groupby(frame[person]).transform('min')).dt.days / {DAYS['months']}, or "
        f"(date - date.min()).dt.days / {DAYS['months']}."
    )
