"""Codes for missing answers, such as -99: those that are declared, and values that look like some."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.api import types

from ..basics.given import entries, is_number, shown
from ..basics.names import choices, in_words, number
from ..basics.problems import Problems
from .checks import label

__all__ = [
    "MissingCodes",
    "among_others",
    "code_counts",
    "codes_by_column",
    "suspected_codes",
    "suspicions",
    "texts_among_numbers",
    "without_codes",
]

type Code = float | str
type MissingCodes = Sequence[Code] | Mapping[str, Sequence[Code] | Code]
"""Codes of all columns but those of person and time, or codes by column."""

CODES = np.array([sign * digit * int("1" * n) for sign in (-1, 1) for digit in (7, 8, 9) for n in range(1, 7)])
CODES = CODES[(CODES < 0) | (CODES > 10)]
DIGITS = (7, 8, 9)
MOST_CASES = 5  # in one sentence
MOST_TEXTS = 0.5  # share of values that are texts among numbers
NEXT = 2  # how far beyond a scale a digit must lie


def codes_by_column(
    missing: object, columns: Iterable[str], apart: Iterable[str | None], problems: Problems
) -> dict[str, tuple[Code, ...]]:
    """The codes of each column, where there are any; problems with codes that cannot be some."""
    names, left = list(columns), [name for name in apart if isinstance(name, str)]
    if isinstance(missing, Mapping):
        given = dict(missing)
        for name in given:
            if name not in names:
                problems.add(f"missing names '{name}', which is no column{choices(str(name), names, 'Columns')}")
    else:
        given = {name: missing for name in names if name not in left}
    coded = {name: _codes(codes) for name, codes in given.items() if name in names}
    wrong = next((given[name] for name, codes in coded.items() if codes is None), None)
    if wrong is not None:
        problems.add(
            "missing must be a list of numbers and texts, such as missing=[-99, 'NA'], or such lists by column, "
            f"missing={{'days': [-99]}}; got {shown(wrong)}."
        )
    return {name: codes for name, codes in coded.items() if codes}


def _codes(codes: object) -> tuple[Code, ...] | None:
    listed = (codes,) if isinstance(codes, str) or is_number(codes) else entries(codes, ordered=False)
    if listed is None or not all(isinstance(code, str) or is_number(code) for code in listed):
        return None
    return listed


def without_codes(
    frame: pd.DataFrame, codes: Mapping[str, Sequence[Code]], decimal: str = "."
) -> tuple[pd.DataFrame, Mapping[str, Mapping[Code, int]]]:
    """The frame with codes as missing values, and how many there were, by column and code.

    A column of text whose other values are numbers becomes one of numbers.
    """
    counts: dict[str, dict[Code, int]] = {}
    cleaned: dict[str, pd.Series] = {}
    for name, codes_of in codes.items():
        column = frame[name]
        if not isinstance(column, pd.Series):  # a name that occurs twice, which is said later
            continue
        counts[name] = {}
        for code in codes_of:
            where = _holds(column, code)
            counts[name][code] = int(np.count_nonzero(where))
            column = column.mask(where) if counts[name][code] else column
        if any(counts[name].values()):
            cleaned[name] = _as_numbers(column, decimal)
    return (frame.assign(**cleaned) if cleaned else frame), counts


def code_counts(counts: Mapping[str, Mapping[Code, int]]) -> tuple[str, ...]:
    """A sentence for each code on how many values of which columns it was, by column and code."""
    codes = dict.fromkeys(code for of_column in counts.values() for code in of_column)
    found = {
        code: [f"{of_column[code]:,} of {name}" for name, of_column in counts.items() if of_column.get(code)]
        for code in codes
    }
    return tuple(f"{label(code)} is missing: {in_words(of_code) or 'found nowhere'}" for code, of_code in found.items())


def among_others(counts: Mapping[str, Mapping[Code, int]], extents: Mapping[str, tuple[float, float]]) -> str:
    """A sentence on codes of all columns that lie among a column's other values, whose range is given; or nothing."""
    cases = [
        f"{label(code)} in '{name}' ({count:,} times; all other values lie from {label(low)} to {label(high)})"
        for name, (low, high) in extents.items()
        for code, count in counts[name].items()
        if count and is_number(code) and low < code < high
    ]
    if not cases:
        return ""
    more = f" and {len(cases) - MOST_CASES} more" if len(cases) > MOST_CASES else ""
    return (
        f"Codes for missing answers that may be values: {', '.join(cases[:MOST_CASES])}{more}. They are taken as "
        "missing; if they are answers there, give codes by column, such as missing={'alliance': [9]}."
    )


def _holds(column: pd.Series, code: Code) -> npt.NDArray[np.bool_]:
    """Where a column holds a code, as a number or as its text."""
    if types.is_numeric_dtype(column) and not types.is_bool_dtype(column):
        try:
            return np.asarray((column == float(code)).fillna(False), dtype=bool)
        except ValueError:
            return np.zeros(len(column), dtype=bool)
    if isinstance(column.dtype, pd.CategoricalDtype) or types.is_object_dtype(column) or types.is_string_dtype(column):
        text = code.strip() if isinstance(code, str) else number(code)
        texts = column.astype(object).map(_as_text, na_action="ignore")
        return np.asarray(texts.eq(text).fillna(False), dtype=bool)
    return np.zeros(len(column), dtype=bool)


def _as_text(value: Any) -> str:
    return number(value) if is_number(value) else str(value).strip()


def _as_numbers(column: pd.Series, decimal: str) -> pd.Series:
    if not (types.is_object_dtype(column) or types.is_string_dtype(column)):
        return column
    known = column.dropna().astype(str).str.strip()
    numbers = pd.to_numeric(known.str.replace(decimal, ".") if decimal != "." else known, errors="coerce")
    return column if numbers.isna().any() else numbers.reindex(column.index).astype(float)


def texts_among_numbers(column: pd.Series, decimal: str) -> dict[Code, int]:
    """The few texts, with their counts, in a column whose other values are numbers; nothing of any other column."""
    if not (types.is_object_dtype(column) or types.is_string_dtype(column)):
        return {}
    known = column.dropna().astype(str).str.strip()
    numbers = pd.to_numeric(known.str.replace(decimal, ".") if decimal != "." else known, errors="coerce")
    texts = known[numbers.isna()].value_counts()
    if not len(known) or len(texts) > MOST_CASES or texts.sum() > MOST_TEXTS * len(known):
        return {}
    return {str(text): int(count) for text, count in texts.items()}


def suspected_codes(values: npt.NDArray[np.float64]) -> tuple[dict[Code, int], float, float]:
    """Values that look like codes for missing answers, with their counts, and the range of all others.

    These are numbers such as -9 or 999 that lie apart from all others, and 7, 8 or 9 beyond a scale of whole numbers.

    Examples
    --------
    >>> suspected_codes(np.array([1.0, 3, 4, 7, 2, -99, -99]))
    ({-99.0: 2}, 1.0, 7.0)
    >>> suspected_codes(np.array([1.0, 2, 3, 4, 5, 9, 9]))
    ({9.0: 2}, 1.0, 5.0)
    """
    different, counts = np.unique(values[~np.isnan(values)], return_counts=True)
    beyond = _beyond_scale(different) & (counts > 1)
    coded = np.isin(different, CODES) | beyond
    others = different[~coded]
    if not others.size or not coded.any():
        return {}, np.nan, np.nan
    low, high = float(others.min()), float(others.max())
    gap = np.maximum(low - different, different - high)
    isolated = (gap > high - low) & (counts > 1)
    doubtful = coded & (((different < 0) & (low >= 0)) | isolated | beyond)
    return (
        {float(value): int(count) for value, count in zip(different[doubtful], counts[doubtful], strict=True)},
        low,
        high,
    )


def _beyond_scale(different: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """Which of sorted values are a 7, 8 or 9 beyond 0 and 1 or beyond a scale 1, 2, ...; counts begin with 0."""
    scale = different[(different >= 0) & ~np.isin(different, CODES)]
    jumps = np.flatnonzero(np.diff(scale) >= NEXT)
    if not jumps.size or scale[0] not in (0, 1):
        return np.zeros(different.size, dtype=bool)
    end = int(jumps[0]) + 1
    is_scale = bool((np.diff(scale[:end]) == 1).all()) and (end > 1 if scale[0] == 1 else end == 2)
    digits = scale[end:]
    return np.isin(different, digits) if is_scale and np.isin(digits, DIGITS).all() else np.zeros(different.size, bool)


def suspicions(columns: Iterable[tuple[str, npt.NDArray[np.float64]]]) -> Iterator[str]:
    """A sentence for each column with values that look like codes for missing answers."""
    for name, values in columns:
        found, low, high = suspected_codes(values)
        if found:
            cases = ", ".join(f"{label(value)} ({count:,})" for value, count in found.items())
            codes = ", ".join(label(value) for value in found)
            yield (
                f"'{name}' holds {cases}, and all other values lie from {label(low)} to {label(high)}. If these are "
                f"codes for missing answers, write missing={{'{name}': [{codes}]}}."
            )
