"""What every question is answered with: a heading, a table, draws, a verdict or none, and what they depend on."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
import xarray as xr

from ..basics.assumptions import assumptions_about, error_first, further_assumptions
from ..basics.problems import AllianceBayesError
from ..basics.text_tables import TextTable
from ..basics.whole_tables import WholeTable
from ..posterior.health import Diagnostics

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["CAUSES", "LIMITS", "Answer", "Sampling", "untrusted"]

CAUSES = "About prediction; about causes only under these assumptions:"
LIMITS = "What this says, and what it does not:"
APPROXIMATE = "Approximate:"


@dataclass(frozen=True)
class Sampling(Diagnostics):
    """What is wrong with the draws of several fits.

    Attributes
    ----------
    problems
        Each with the name of its fit; empty where nothing is wrong.
    approximate
        Whether any of the draws approximate their posterior.
    """

    problems: tuple[str, ...]
    approximate: bool = False

    @classmethod
    def of(cls, fits: Mapping[str, Diagnostics]) -> Self:
        """Join the diagnostics of fits by their names."""
        return cls(
            tuple(f"{name}: {problem}" for name, health in fits.items() for problem in health.problems),
            any(health.approximate for health in fits.values()),
        )


def untrusted(health: Diagnostics) -> tuple[str, ...]:
    """A reason to doubt every number, where something is wrong with the draws."""
    return () if health.healthy else (f"The draws cannot be trusted: {' '.join(health.problems)}",)


@dataclass(frozen=True, eq=False, repr=False)
class Answer:
    """The answer to one question; the page of the function that was called says what its table and draws hold.

    Attributes
    ----------
    question
        Name of the function that was called.
    arguments
        What it was asked with, by argument.
    heading
        Estimand, scale and sample, in words.
    table
        The quantities in question with their uncertainty, one row each.
    body
        What is printed below the heading: sentences and tables of texts.
    health
        Of the computation.
    evidence
        Probabilities of events after and before the data; empty where the question is about none.
    tables
        Further tables by name.
    draws
        The quantities draw by draw, dims ``(chain, draw, ...)``; empty where there are none.
    verdict
        What the evidence comes to, or None where the question has no verdict.
    reasons
        Why the verdict is not more, or what makes the numbers doubtful.
    assumptions
        What must hold, and what the numbers do not say, those on measurement error first. Those on missing values,
        states and how the model is built are printed once, with the fit.
    before_assumptions
        The line above them.
    parts
        Answers that this one is made of, by name: of pairs of measures, of models, of shifts.
    basis
        What further questions about this answer are worked out from, or None.
    computation
        What `health` is about, as printed before it: sampling, or maximisation.
    interrupted
        One sentence where somebody interrupted it, on how much of it was done; or nothing.
    figure
        Draws the answer.
    """

    question: str
    arguments: Mapping[str, Any]
    heading: str
    table: pd.DataFrame
    body: tuple[str | TextTable, ...]
    health: Diagnostics
    evidence: pd.DataFrame = field(default_factory=pd.DataFrame)
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    draws: xr.Dataset = field(default_factory=xr.Dataset)
    verdict: str | None = None
    reasons: tuple[str, ...] = ()
    assumptions: tuple[str, ...] = ()
    before_assumptions: str = CAUSES
    parts: Mapping[str, "Answer"] = field(default_factory=dict)
    basis: object = None
    computation: str = "Sampling"
    interrupted: str = ""
    figure: "Callable[[Answer], Figure] | None" = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "assumptions", error_first(self.assumptions))
        for name in ("table", "evidence"):
            object.__setattr__(self, name, WholeTable(getattr(self, name)))
        object.__setattr__(self, "tables", {name: WholeTable(table) for name, table in self.tables.items()})

    @property
    def head(self) -> str:
        """The heading, which says first where the draws are approximate."""
        return f"{APPROXIMATE} {self.heading}" if self.health.approximate else self.heading

    @property
    def n_draws(self) -> int:
        """Draws over all chains; 0 where the answer keeps none."""
        return self.draws.sizes.get("chain", 0) * self.draws.sizes.get("draw", 0)

    @property
    def verdicts(self) -> Mapping[str, str]:
        """Verdict of each part that has one."""
        return {name: part.verdict for name, part in self.parts.items() if part.verdict is not None}

    @property
    def every_table(self) -> Mapping[str, pd.DataFrame]:
        """All tables that are not empty, by name."""
        named = {"table": self.table, "evidence": self.evidence, **self.tables}
        return {name: table for name, table in named.items() if not table.empty}

    def plot(self) -> "Figure":
        """Draw the answer.

        Raises
        ------
        AllianceBayesError
            If this question has no figure.
        """
        if self.figure is None:
            raise AllianceBayesError(f"There is no figure of '{self.question}'; print its answer.")
        return self.figure(self)

    def to_dict(self) -> dict[str, Any]:
        """Everything but the draws as plain values for JSON; what is no finite number is None.

        Tables are lists of their rows, each with the names of the index before those of the columns.
        """
        return {
            "question": self.question,
            "arguments": _plain(self.arguments),
            "heading": self.head,
            "verdict": self.verdict,
            "reasons": list(self.reasons),
            "tables": {name: _rows(table) for name, table in self.every_table.items()},
            "assumptions": list(self.assumptions),
            "sampling": {"healthy": self.health.healthy, "problems": list(self.health.problems)},
            "interrupted": self.interrupted,
            "parts": {name: part.to_dict() for name, part in self.parts.items()},
        }

    def conclusion(self) -> tuple[str, ...]:
        """Verdict and reasons, line by line."""
        if self.verdict is None:
            return tuple(f"Warning: {reason}" for reason in self.reasons)
        return (f"Verdict: {self.verdict}.", *self.reasons)

    def __str__(self) -> str:
        numbered = [f"  {index}. {sentence}" for index, sentence in enumerate(self._shown_assumptions, start=1)]
        further = further_assumptions(self.assumptions)
        lines = [self.head, *map(str, self.body), *self.conclusion(), *self._end(), *numbered]
        return "\n".join([*lines, further] if further else lines)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        parts = [f"<p><b>{_lines(self.head)}</b></p>"]
        parts += [part.to_html() if isinstance(part, TextTable) else f"<p>{_lines(part)}</p>" for part in self.body]
        parts += [f"<p>{escape(line)}</p>" for line in (*self.conclusion(), *self._end())]
        if self._shown_assumptions:
            parts.append(f"<ol>{''.join(f'<li>{escape(sentence)}</li>' for sentence in self._shown_assumptions)}</ol>")
        if further := further_assumptions(self.assumptions):
            parts.append(f"<p>{escape(further)}</p>")
        return f"<div>{''.join(parts)}</div>"

    def _end(self) -> Iterator[str]:
        said = " ".join(self.reasons)
        unsaid = [problem for problem in self.health.problems if problem not in said]
        wrong = f"PROBLEMS: {' '.join(unsaid)}" if unsaid else "PROBLEMS, see above."
        yield f"{self.computation}: {'no problems.' if self.health.healthy else wrong}"
        if self.interrupted:
            yield self.interrupted
        if self._shown_assumptions:
            yield self.before_assumptions

    @property
    def _shown_assumptions(self) -> tuple[str, ...]:
        """What an effect's meaning rests on; how missing values are treated and the model is built is the fit's."""
        return assumptions_about(self.assumptions, "error", "meaning")


def _lines(text: str) -> str:
    """A text as HTML that keeps its lines."""
    return escape(text).replace("\n", "<br>")


def _rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    named = [name for name in table.index.names if name is not None]
    flat = table.reset_index() if named else table
    return [{str(name): _plain(value) for name, value in row.items()} for row in flat.to_dict("records")]


def _plain(value: Any) -> Any:
    """A value as JSON can hold it."""
    match value:
        case None | str() | bool() | int():
            return value
        case np.generic():
            return _plain(value.item())
        case float():
            return value if math.isfinite(value) else None
        case Mapping():
            return {str(name): _plain(part) for name, part in value.items()}
        case tuple() | list() | np.ndarray():
            return [_plain(part) for part in value]
    return str(value)
