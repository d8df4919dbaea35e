"""What a model file holds, and what is particular to one kind of file."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd

from ..basics.declared import Declared, Table
from ..basics.names import choices
from ..basics.problems import PanelError, Problems
from ..panel import Panel
from ..panel.preparing import check_frame
from ..panel.reading import Table as DataTable
from ..questions.answer import Answer
from ..simulation import GroupTruth, Truth
from .columns import DerivedColumn, add_derived
from .questions import Question

__all__ = ["Content", "Kind", "Rows", "panel_of_columns", "with_derived", "with_notes"]


@dataclass(frozen=True, kw_only=True)
class Content:
    """What a model file of any kind holds; see `ModelFile`."""

    title: str
    spec: Any
    panel_options: Mapping[str, Any] = field(default_factory=dict)
    reading: Mapping[str, Any] = field(default_factory=dict)
    columns: Mapping[str, DerivedColumn] = field(default_factory=dict)
    questions: tuple[Question, ...] = ()
    sampling: Mapping[str, Any] = field(default_factory=dict)
    truth: Truth | GroupTruth | None = None


@dataclass(frozen=True, eq=False)
class Rows:
    """A data frame as regressions read it, and what its rows are, in words."""

    frame: pd.DataFrame
    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Kind:
    """One kind of model file: its name in words, the values of ``kind`` in [model], and what is particular to it.

    Attributes
    ----------
    spec, sampling
        Class of what is fitted, and of the section [sampling].
    identity, labels
        Columns of a data frame that say whose a row is and of when; those that hold ids or labels.
    read
        Fields of `Content` from a parsed file, adding all that is wrong with it to the problems.
    sections, lines
        The kind's own sections as plain values, and in words.
    names
        Names of its answers.
    panel, data
        Panel of a table; the data as the spec is fitted to them, a panel or `Rows`.
    check, doubts
        Lines on what would be fitted to these data; sentences on what is doubtful about that.
    fit, ask
        Samples the fit, or fits, that the questions are asked of; answers by name, given these.
    preview
        A line on what these may come to, before anything is sampled; empty where there is no preview.
    """

    name: str
    models: tuple[str, ...]
    spec: type
    sampling: type[Declared]
    identity: Callable[[Content], list[str]]
    labels: Callable[[Content], list[str]]
    read: Callable[[Table, Problems], dict[str, Any]]
    sections: Callable[[Content], dict[str, Any]]
    lines: Callable[[Content], list[str]]
    names: Callable[[Content], tuple[str, ...]]
    panel: Callable[[Content, DataTable], Panel]
    data: Callable[[Content, DataTable], Any]
    check: Callable[[Content, Any], list[str]]
    doubts: Callable[[Content, Any], list[str]]
    fit: Callable[[Content, Any], Any]
    ask: Callable[[Content, Any], Mapping[str, Answer]]
    preview: Callable[[Content, Any], str] = lambda content, data: ""


def with_derived(content: Content, table: DataTable, needed: Iterable[str]) -> DataTable:
    """The table with the file's derived columns; each needed column must be one of the frame or derived."""
    problems = Problems(f"{table.source} cannot be asked '{content.title}'")
    check_frame(table.frame, problems)
    data, failed = add_derived(table.frame, content.columns, problems)
    for name in needed:
        if name not in data.columns and name not in failed:
            problems.add(f"No column '{name}'{choices(name, list(map(str, data.columns)), 'Columns')}")
    problems.raise_as(PanelError)
    return replace(table, frame=data)


def with_notes(text: str, table: DataTable) -> str:
    """A description of the data, and how they were read."""
    return "\n".join([text, *(f"Read: {note}" for note in table.notes)])


def panel_of_columns(table: DataTable, columns: Sequence[str], *, person: str, time: str, **options: Any) -> Panel:
    """Panel of the columns that regressions read: varying within persons: measures; the others: covariates."""
    varying = table.frame.groupby(person, observed=True)[list(columns)].nunique().max() > 1
    measures = [name for name in columns if varying[name]]
    covariates = [name for name in columns if not varying[name]]
    return Panel.from_long(table, person=person, time=time, measures=measures, covariates=covariates, **options)
