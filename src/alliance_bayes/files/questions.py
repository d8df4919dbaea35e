"""The questions of a model file; which there are, the questions themselves register."""

from collections.abc import Callable, Iterable, Mapping
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
from ..questions.registry import Arguments, Subject, questions

__all__ = ["CAUSAL", "PANEL", "Question", "answers", "by_name", "read_questions"]

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
        subject = CAUSAL if self.ask in questions(CAUSAL) else PANEL
        question = _read(subject, {"ask": self.ask, **self.options}, "", None, problems)
        problems.raise_as(ModelFileError)
        assert question is not None
        object.__setattr__(self, "options", question.given())

    @property
    def arguments(self) -> Arguments:
        """The options as the question declares them."""
        subject = CAUSAL if self.ask in questions(CAUSAL) else PANEL
        arguments: Arguments = questions(subject)[self.ask].arguments.model_validate(dict(self.options))
        return arguments

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


def answers(subject: Subject, asked: Iterable[Question], fitted: Callable[[str], Any]) -> dict[str, Answer]:
    """Answers by the name of the question, given what each is put to by its name."""
    known = questions(subject)
    return {
        name: known[question.ask].answer(fitted(name), question.arguments) for name, question in by_name(asked).items()
    }


def _read(subject: Subject, table: Table, where: str, spec: Any, problems: Problems) -> Arguments | None:
    """Arguments of one question; None where one that it needs is missing or wrong."""
    known, ask = questions(subject), table.get("ask")
    if ask is None:
        problems.add(f"{where} needs 'ask': one of {quoted(known)}.")
        return None
    if not isinstance(ask, str) or ask not in known:
        problems.add(f"{where or 'A model file'} cannot ask {shown(ask)}{choices(ask, known, 'Questions')}")
        return None
    options = {key: value for key, value in table.items() if key not in ("ask", *QuestionHead.model_fields)}
    arguments = read(known[ask].arguments, options, where, problems)
    if arguments is not None and spec is not None:
        problems.found += [f"{where}: {sentence}" for sentence in known[ask].check(arguments, spec)]
    return arguments
