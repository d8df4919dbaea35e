"""The questions of a model file; those that exist are in `questions.registry`."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import Field

from ..basics.calls import checked
from ..basics.declared import Declared, Name, Table, read, read_partly
from ..basics.given import shown
from ..basics.names import choices, quoted
from ..basics.problems import InterruptionError, ModelFileError, Problems
from ..causal.regimes import Policy
from ..posterior.keeping import kept_now, kept_result
from ..questions.answer import Answer
from ..questions.counterfactual_arguments import Policies
from ..questions.number_of_questions import counted_in_run
from ..questions.registry import Arguments, Question as Registered, Subject, question as registered, questions
from ..questions.rehearsal import Rehearsal, refusals

__all__ = ["CAUSAL", "PANEL", "Question", "answers", "by_name", "read_questions"]

PANEL: Subject = "panel model"
CAUSAL: Subject = "regressions in causal order"
OF_EFFECTS = {"effect", "mediator", "rho", "certainty"}


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
        The given arguments by name; see the function for their units. ``between`` are the measures whose direction is
        in question. The ``models`` (by kind, such as "clpm"), ``lags`` and ``prior_widths`` of "robustness" are those
        of `robustness_variants`; its fits are sampled with the settings of the file.
    name
        Name of its answer; without one it is called what it asks.
    people
        For regressions in causal order only: covariate to a number for everyone, or a `Shift`, set before the
        simulation. The answer is then about people who differ from those of the data in these covariates alone.

    Raises
    ------
    ModelFileError
        If there is no such question, or an option is unknown or invalid; lists every problem.

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
        """The options, read and checked."""
        arguments: Arguments = self._registered.arguments.model_validate(dict(self.options))
        return arguments

    def answer(self, asked: Any) -> Answer:
        """The answer, given a fit, or regressions in causal order with the settings of their simulation."""
        return self._registered.answer(asked, self.arguments)

    @property
    def _registered(self) -> Registered[Any, Any]:
        kind = registered(self.ask)
        assert kind is not None
        return kind

    def refusals(self, rehearsal: Rehearsal) -> tuple[str, ...]:
        """Why it will be refused once the model is fitted."""
        return refusals(self._registered, self.arguments, rehearsal)

    @property
    def of_an_answer(self) -> bool:
        """Whether it is asked of the answer of an earlier question."""
        return self._registered.of_an_answer

    @property
    def has_hidden_causes(self) -> bool:
        """Whether its answer can be asked what a hidden cause would have to be like."""
        if self.ask == "directionality":
            return len(self.options["between"]) == 2
        return self.ask == "mediation" or self._registered.subject == CAUSAL

    @property
    def of_model(self) -> bool:
        """Whether it needs no draws."""
        return self._registered.of_model

    @property
    def of_draws(self) -> bool:
        """Whether a preview can be asked, too."""
        return self._registered.of_draws

    def to_table(self) -> Table:
        """The question as a file holds it."""
        head = {"name": self.name, "ask": self.ask, "people": self.people}
        return {key: value for key, value in head.items() if value} | dict(self.options)

    def __str__(self) -> str:
        before = f"{self.name}: " if self.name else ""
        moved = "".join(f", {name} of people {policy}" for name, policy in self.people.items())
        return f"{before}{self.ask} {self.arguments}".rstrip() + moved


def read_questions(subject: Subject, tables: Iterable[Table], spec: Any, problems: Problems) -> tuple[Question, ...]:
    """Read the sections [[question]], adding their problems; `spec` is None where the model could not be read."""
    asked = []
    for position, table in enumerate(tables, start=1):
        where = f"[[question]] {position}"
        of_head = {key: value for key, value in table.items() if key in QuestionHead.model_fields}
        head = read_partly(QuestionHead, of_head, where, problems)
        arguments = _read(subject, table, where, spec, problems)
        if head.people and subject != CAUSAL:
            problems.add(f"{where} people: only questions about regressions in causal order have this key.")
        if arguments is not None:
            asked.append(Question(table["ask"], arguments.given(), head.name, head.people))
    problems.found += _of_answers(asked)
    named = [question.name for question in asked if question.name]
    for name in sorted({name for name in named if named.count(name) > 1}):
        problems.add(f"Two questions are named '{name}'.")
    return tuple(asked)


def by_name(asked: Iterable[Question]) -> dict[str, Question]:
    """The questions by name; one without a name is called what it asks, with a number from the second on.

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


def answers(asked: Iterable[Question], subject: Callable[[str, int], Any]) -> dict[str, Answer]:
    """Answers by name; `subject` gives what a question is asked of, by its name and its position from 1.

    Where finished parts of a run are kept, so are answers, and a question that is interrupted ends the run.
    """
    found: dict[str, Answer] = {}
    for position, (name, question) in enumerate(by_name(asked).items(), start=1):
        of = question.options.get("of")

        def whole(question: Question = question, name: str = name, position: int = position, of: Any = of) -> Answer:
            answer = question.answer(found[str(of)] if question.of_an_answer else subject(name, position))
            if answer.interrupted and kept_now():
                raise InterruptionError(f"Question {position}: {answer.interrupted}")
            return answer

        found[name] = kept_result([position, name, question.to_table()], whole)
    return counted_in_run(found)


def _of_answers(asked: Iterable[Question]) -> Iterator[str]:
    """Questions about the answers of questions that are not there, not before, or not of that kind."""
    earlier: dict[str, Question] = {}
    for name, question in by_name(asked).items():
        if question.of_an_answer:
            of = str(question.options["of"])
            able = [known for known, each in earlier.items() if each.has_hidden_causes]
            if of not in able:
                yield (
                    f"'{name}' of '{of}' must name an earlier question about the direction of one pair, mediation or "
                    f"regimes{choices(of, able, 'There are')}"
                )
            elif earlier[of].ask == "directionality" and (others := OF_EFFECTS & set(question.options)):
                yield f"'{name}' of '{of}' has keys that are for mediation and regimes: {quoted(sorted(others))}."
        earlier[name] = question


def _registered(subject: Subject, ask: object) -> Registered[Any, Any] | None:
    """The question of this name, if it can be asked of the subject."""
    kind = registered(ask) if isinstance(ask, str) else None
    return kind if kind is not None and kind.subject in (subject, None) else None


def _read(subject: Subject, table: Table, where: str, spec: Any, problems: Problems) -> Arguments | None:
    """Arguments of one question; None where a required one is missing or invalid."""
    ask = table.get("ask")
    if ask is None:
        problems.add(f"{where} needs 'ask': one of {quoted(questions(subject), most=len(questions(subject)))}.")
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
