"""The questions of a model file; which there are, the questions themselves register."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import Field

from ..basics.calls import checked
from ..basics.declared import Declared, Name, Table, read, read_partly
from ..basics.given import shown
from ..basics.names import choices, quoted
from ..basics.problems import ModelFileError, Problems
from ..causal.regimes import Policy
from ..questions.answer import Answer
from ..questions.counterfactual_arguments import Policies
from ..questions.registry import Arguments, Question as Registered, Subject, question as registered, questions

__all__ = ["CAUSAL", "PANEL", "Question", "by_name", "read_questions"]

PANEL: Subject = "panel model"
CAUSAL: Subject = "regressions in causal order"


class QuestionHead(Declared):
    """Keys that any question may have, beside what it asks."""

    name: Name = Field("", description="a text")
    people: Policies = Field({}, description="a table, such as { commitment = { shift = -1 } }")


@checked(ModelFileError)
@dataclass(frozen=True)
class Question:
    """One question of a model file.

    Attributes
    ----------
    ask
        Which question: the name of the function that answers it, such as "directionality".
    options
        Its arguments by name, those that are given; see the function for their units. Measures whose direction is in
        question are ``between``. Of "robustness" the ``models`` (by their kinds, such as "clpm"), ``lags`` and
        ``prior_widths`` are those of `robustness_variants`; its fits are sampled like the one that is asked.
    name
        By which its answer is found; without it what is asked.
    people
        Of regressions in causal order: covariate to what is done to it before anybody is simulated, a number for all,
        or `Shift`; for other people than those of the data, as far as they differ in this alone.

    Raises
    ------
    ModelFileError
        If there is no such question, or an option is unknown or not what it may be; lists every problem found.

    Examples
    --------
    >>> print(Question("directionality", {"between": ["alliance", "days"], "margin": 0.05}))
    directionality between alliance and days, margin 0.05
    """

    ask: str
    options: Mapping[str, Any] = field(default_factory=dict)
    name: str = ""
    people: Mapping[str, Policy] = field(default_factory=dict)

    def __post_init__(self) -> None:
        problems = Problems("This question cannot be asked")
        subject = CAUSAL if _registered(CAUSAL, self.ask) else PANEL
        arguments = _read(subject, {"ask": self.ask, **self.options}, "", None, problems)
        problems.raise_as(ModelFileError)
        assert arguments is not None
        object.__setattr__(self, "options", arguments.given())

    @property
    def arguments(self) -> Arguments:
        """The options as the question declares them."""
        arguments: Arguments = self._registered.arguments.model_validate(dict(self.options))
        return arguments

    def answer(self, asked: Any) -> Answer:
        """The answer of what it is put to: a fit, or regressions in causal order with how they are simulated."""
        return self._registered.answer(asked, self.arguments)

    @property
    def _registered(self) -> Registered[Any, Any]:
        kind = registered(self.ask)
        assert kind is not None
        return kind

    def to_table(self) -> Table:
        """The question as a file holds it."""
        head = {"name": self.name, "ask": self.ask, "people": self.people}
        return {key: value for key, value in head.items() if value} | dict(self.options)

    def __str__(self) -> str:
        before = f"{self.name}: " if self.name else ""
        moved = "".join(f", {name} of people {policy}" for name, policy in self.people.items())
        return f"{before}{self.ask} {self.arguments}{moved}"


def read_questions(subject: Subject, tables: Iterable[Table], spec: Any, problems: Problems) -> tuple[Question, ...]:
    """Read the sections [[question]], adding all that is wrong with them to the problems.

    Parameters
    ----------
    subject
        What is asked about.
    tables
        A table for each question.
    spec
        The model that is asked about, or None where it could not be read.
    problems
        Where to note what is wrong.
    """
    read_ones = []
    for place, table in enumerate(tables, start=1):
        where = f"[[question]] {place}"
        of_head = {key: value for key, value in table.items() if key in QuestionHead.model_fields}
        head = read_partly(QuestionHead, of_head, where, problems)
        arguments = _read(subject, table, where, spec, problems)
        if head.people and subject != CAUSAL:
            problems.add(f"{where} people: only regressions in causal order can be asked about other people.")
        if arguments is not None:
            read_ones.append(Question(table["ask"], arguments.given(), head.name, head.people))
    named = [question.name for question in read_ones if question.name]
    for name in sorted({name for name in named if named.count(name) > 1}):
        problems.add(f"Two questions are named '{name}'.")
    return tuple(read_ones)


def by_name(asked: Iterable[Question]) -> dict[str, Question]:
    """The questions by their names; one without is named by what it asks, and a second one numbered.

    Examples
    --------
    >>> curve = Question("lag_curve")
    >>> list(by_name([curve, curve]))
    ['lag_curve', 'lag_curve 2']
    """
    named: dict[str, Question] = {}
    for question in asked:
        name, number = question.name or question.ask, 1
        while name in named:
            number += 1
            name = f"{question.name or question.ask} {number}"
        named[name] = question
    return named


def _registered(subject: Subject, ask: object) -> Registered[Any, Any] | None:
    """What can be asked of a subject by a name."""
    kind = registered(ask) if isinstance(ask, str) else None
    return kind if kind is not None and kind.subject == subject else None


def _read(subject: Subject, table: Table, where: str, spec: Any, problems: Problems) -> Arguments | None:
    """Arguments of one question; None where one that it needs is missing or wrong."""
    ask = table.get("ask")
    if ask is None:
        problems.add(f"{where} needs 'ask': one of {quoted(questions(subject))}.")
        return None
    kind = _registered(subject, ask)
    if kind is None:
        known = choices(ask, questions(subject), "Questions")
        problems.add(f"{where or 'A model file'} cannot ask {shown(ask)}{known}")
        return None
    options = {key: value for key, value in table.items() if key not in ("ask", *QuestionHead.model_fields)}
    arguments = read(kind.arguments, options, where, problems)
    if arguments is not None and spec is not None:
        problems.found += [f"{where}: {sentence}" for sentence in kind.check(arguments, spec)]
    return arguments
