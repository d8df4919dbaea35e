"""Columns of categories as columns of 0 and 1, with a reference category."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ..basics.given import entries, is_number, shown
from ..basics.names import choices, in_words, number, quoted
from ..basics.problems import Problems
from .checks import first, label

__all__ = ["Factors", "indicator_names", "labelled", "with_factors"]

type Factors = Sequence[str] | Mapping[str, Sequence[Any]]
"""Columns of categories; or each with its categories in order, the first of which is the reference."""

MOST_CATEGORIES = 20


def indicator_names(column: str, categories: Iterable[Any]) -> list[str]:
    """Names of the columns of 0 and 1, one for each category but the reference.

    Examples
    --------
    >>> indicator_names("education", ["low", "middle", "high"])
    ['education_middle', 'education_high']
    """
    return [f"{column}_{_text(category)}" for category in list(categories)[1:]]


def with_factors(
    frame: pd.DataFrame, factor: object, labels: Mapping[str, Mapping[Any, str]], problems: Problems
) -> tuple[pd.DataFrame, tuple[str, ...], tuple[str, ...]]:
    """The frame with columns of 0 and 1 for each factor, their names, and sentences about the reference categories.

    `labels` are those of values, by column; categories are known by them where there are any.
    """
    given: dict[str, Any] = dict(factor) if isinstance(factor, Mapping) else dict.fromkeys(entries(factor) or ())
    if not all(isinstance(name, str) for name in given) or (not given and factor not in ((), [], {}, None)):
        problems.add(
            "factor must be a list of columns, such as factor=['education'], or their categories, the reference "
            f"first, factor={{'education': ['low', 'high']}}; got {shown(factor)}."
        )
        return frame, (), ()
    made: dict[str, pd.Series] = {}
    notes = []
    for name, named in given.items():
        if name not in frame.columns:
            problems.add(
                f"factor names '{name}', which is no column{choices(name, map(str, frame.columns), 'Columns')}"
            )
            continue
        of_column = labels.get(name)
        column = frame[name] if of_column is None else labelled(frame[name], of_column)
        categories = _categories(name, column, named, problems)
        if not categories:
            continue
        known = column.map(_text, na_action="ignore")
        for category, indicator in zip(categories[1:], indicator_names(name, categories), strict=True):
            if indicator in frame.columns:
                problems.add(f"factor '{name}' makes a column '{indicator}', which is there already; rename that one.")
            made[indicator] = (known == category).astype(float).where(known.notna(), np.nan)
        counts = known.value_counts()
        shares = in_words([f"{category} {int(counts.get(category, 0)):,}" for category in categories])
        notes.append(
            f"'{name}' as {in_words(indicator_names(name, categories))}, each 0 or 1 against '{categories[0]}' "
            f"(rows: {shares})"
        )
    return (frame.assign(**made) if made else frame), tuple(made), tuple(notes)


def labelled(column: pd.Series, labels: Mapping[Any, str]) -> pd.Series:
    """A column by the labels of its values; those without one stay."""
    return column.map(lambda value: labels.get(value, value), na_action="ignore")


def _categories(name: str, column: pd.Series, named: Any, problems: Problems) -> list[str]:
    """The categories as texts, the reference first; none where there is a problem."""
    held = column.dropna()
    present = list(dict.fromkeys(map(_text, held)))
    if named is None:
        ordered = isinstance(column.dtype, pd.CategoricalDtype)
        categories = [_text(each) for each in column.dtype.categories if _text(each) in present] if ordered else []
        categories = categories or sorted(present, key=_sorted_by)
    else:
        categories = [_text(each) for each in entries(named) or ()]
        unknown = [text for text in present if text not in categories]
        if unknown or len(set(categories)) < max(len(categories), 2):
            of_unknown = held[held.map(_text).isin(unknown)]
            rows = first(f"{label(value)} in row {row}" for row, value in of_unknown.items())
            problems.add(
                f"factor '{name}' needs its two or more categories, the reference first; got {shown(named)}"
                f"{f', and the column also holds {quoted(unknown, most=5)}, {rows}' if unknown else ''}."
            )
            return []
    if not 2 <= len(categories) <= MOST_CATEGORIES:
        problems.add(
            f"factor '{name}' has {len(categories)} categories ({quoted(categories, most=4) or 'no value'}); a factor "
            f"has from 2 to {MOST_CATEGORIES}."
        )
        return []
    return categories


def _text(value: Any) -> str:
    return number(value) if is_number(value) else str(value).strip()


def _sorted_by(text: str) -> tuple[bool, float, str]:
    try:
        return False, float(text), ""
    except ValueError:
        return True, 0.0, text
