"""The questions that exist: each file of this folder registers its own, and model files and pages find them here.

The `Arguments` of a question are its keys in a model file; they say why a model cannot be asked (`against`, before
anything is sampled) and put the question to a fit (`put`). Nothing else lists the questions.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from inspect import signature
from pkgutil import iter_modules
from typing import Any, ClassVar, Literal, Self

from ..basics.declared import Declared
from ..basics.names import in_words, number
from ..posterior.posterior import Posterior
from .answer import Answer

__all__ = ["Arguments", "Question", "Subject", "question", "questions", "register"]

Subject = Literal["panel model", "regressions in causal order", "associations"]


class Arguments(Declared):
    """Keys of a question in a model file; the text of such a value says what is asked."""

    named_first: ClassVar[tuple[str, ...]] = ()
    """Fields that `about` names."""

    def about(self) -> str:
        """What is asked about, such as "between alliance and days"."""
        return ""

    def against(self, model: Any) -> Iterable[str]:
        """Sentences on why this model cannot be asked, each to stand after the name of the question."""
        return ()

    def put(self, function: Callable[..., Answer], asked: Any) -> Answer:
        """The answer of a public function about a fit."""
        return function(asked, **self.given())

    def __str__(self) -> str:
        options = self.given(*self.named_first)
        return ", ".join(
            filter(None, [self.about(), *(f"{name} {_in_words(value)}" for name, value in options.items())])
        )


@dataclass(frozen=True)
class Question[Asked, Given: Arguments]:
    """One kind of question.

    Attributes
    ----------
    name
        What it is asked by in a model file, the name of its public function.
    arguments
        The keys it may have.
    answer
        Puts it to a fit, to regressions in causal order, or to rows of data.
    check
        Sentences on why it cannot be asked of a model, given the arguments and the model.
    subject
        What it is asked of; None where any subject has answers to ask about.
    of_an_answer
        Whether it is asked of an earlier answer of the same file, which the argument ``of`` names.
    rehearse
        Checks it against a fit without draws, where its answer would sample or compute something before that.
    of_draws
        Whether draws of parameters are enough, so that a preview can be asked too.
    of_model
        Whether the model on its panel is enough, so that nothing need be sampled.
    """

    name: str
    arguments: type[Given]
    answer: Callable[[Asked, Given], Answer]
    check: Callable[[Given, Any], Iterable[str]] = lambda given, model: given.against(model)
    subject: Subject | None = "panel model"
    of_an_answer: bool = False
    rehearse: Callable[[Asked, Given], object] | None = None
    of_draws: bool = False
    of_model: bool = False

    @classmethod
    def of(cls, function: Callable[..., Answer], arguments: type[Given]) -> Self:
        """A question about a fit, by the public function that answers it."""
        first = next(iter(signature(function).parameters.values()))
        return cls(
            function.__name__,
            arguments,
            lambda asked, given: given.put(function, asked),
            of_draws=first.annotation is Posterior,
        )


_REGISTERED: dict[str, Question[Any, Any]] = {}


def register(new: Question[Any, Any]) -> None:
    """Make a question known, or known again where its file is loaded again; the last line of that file."""
    older = _REGISTERED.get(new.name, new)
    if older.arguments.__module__ != new.arguments.__module__:
        raise ValueError(f"Two questions are named '{new.name}'.")
    _REGISTERED[new.name] = new


def question(name: str) -> Question[Any, Any] | None:
    """The question of this name, or None; of the questions only this one is imported, by its public function."""
    getattr(import_module(__package__.rpartition(".")[0]), name, None)
    if name not in _REGISTERED:  # its function is a method, or stands elsewhere
        questions()
    return _REGISTERED.get(name)


def questions(subject: Subject = "panel model") -> Mapping[str, Question[Any, Any]]:
    """All questions that can be asked of a subject, by name."""
    folder = import_module(__package__)
    for module in sorted(entry.name for entry in iter_modules(folder.__path__)):
        import_module(f"{__package__}.{module}")
    return {name: each for name, each in sorted(_REGISTERED.items()) if each.subject in (subject, None)}


def _in_words(value: Any) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case str():
            return value
        case tuple():
            return in_words([_in_words(part) for part in value]) if value else "none"
        case Mapping():
            return "; ".join(f"{name}: {_in_words(part)}" for name, part in value.items())
        case _:
            return number(value)
