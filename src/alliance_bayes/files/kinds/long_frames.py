"""Data frames with one row per person and time, as regressions read them."""

from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd

from ...basics.names import choices
from ...basics.problems import PanelError, Problems
from ...panel import Panel
from ...panel.frames import check_frame
from ..columns import add_derived
from ..content import Content

__all__ = ["panel_of_columns", "with_derived"]


def with_derived(content: Content, frame: pd.DataFrame, source: str, needed: Iterable[str]) -> pd.DataFrame:
    """The frame with the file's derived columns, those that are needed among them."""
    problems = Problems(f"{source} cannot be asked '{content.title}'")
    check_frame(frame, problems)
    data, failed = add_derived(frame, content.columns, problems)
    for name in needed:
        if name not in data.columns and name not in failed:
            problems.add(f"No column '{name}'{choices(name, list(map(str, data.columns)), 'Columns')}")
    problems.raise_as(PanelError)
    return data


def panel_of_columns(data: pd.DataFrame, columns: Sequence[str], *, person: str, time: str, **options: Any) -> Panel:
    """Panel of the columns that regressions read: what varies within persons as measures, all else as covariates."""
    varying = data.groupby(person, observed=True)[list(columns)].nunique().max() > 1
    measures = [name for name in columns if varying[name]]
    covariates = [name for name in columns if not varying[name]]
    return Panel.from_long(data, person=person, time=time, measures=measures, covariates=covariates, **options)
