"""What a model file holds, and what is particular to one kind of file."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from ..basics.declared import Declared, Table
from ..basics.problems import Problems
from ..panel import Panel
from ..questions.answer import Answer
from ..simulation import GroupTruth, Truth
from .columns import DerivedColumn
from .questions import Question

__all__ = ["Content", "Kind", "Rows"]


@dataclass(frozen=True, kw_only=True)
class Content:
    """What a model file of any kind holds; see `ModelFile`."""

    title: str
    spec: Any
    panel_options: Mapping[str, Any] = field(default_factory=dict)
    columns: Mapping[str, DerivedColumn] = field(default_factory=dict)
    questions: tuple[Question, ...] = ()
    sampling: Mapping[str, Any] = field(default_factory=dict)
    truth: Truth | GroupTruth | None = None


@dataclass(frozen=True, eq=False)
class Rows:
    """A data frame as regressions read it.

    Attributes
    ----------
    frame
        The rows.
    text
        What they are, in words.
    """

    frame: pd.DataFrame
    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Kind:
    """One kind of model file.

    Attributes
    ----------
    name
        In words.
    models
        What ``kind`` in the section [model] may be.
    spec
        Class of what such a file fits.
    sampling
        Keys of the section [sampling].
    labels
        Columns of a data frame that hold ids or labels.
    read
        The content of a parsed file by name, what is wrong with it added to the problems.
    sections
        What is particular to the kind as plain values, section by section.
    lines
        The same in words.
    names
        Names of its answers.
    panel
        Panel of a data frame, given where the frame is from.
    data
        What the spec is fitted to, of a data frame and where it is from: a panel, or `Rows`.
    check
        What would be fitted to these data, line by line.
    fit
        What the questions are asked of, sampled.
    ask
        Answers by the name of the question, given what `fit` returned.
    """

    name: str
    models: tuple[str, ...]
    spec: type
    sampling: type[Declared]
    labels: Callable[[Content], list[str]]
    read: Callable[[Table, Problems], dict[str, Any]]
    sections: Callable[[Content], dict[str, Any]]
    lines: Callable[[Content], list[str]]
    names: Callable[[Content], tuple[str, ...]]
    panel: Callable[[Content, pd.DataFrame, str], Panel]
    data: Callable[[Content, pd.DataFrame, str], Any]
    check: Callable[[Content, Any], list[str]]
    fit: Callable[[Content, Any], Any]
    ask: Callable[[Content, Any], Mapping[str, Answer]]
