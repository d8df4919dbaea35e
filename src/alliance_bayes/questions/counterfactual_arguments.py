"""Counterfactual questions in a model file: their keys, and their problems before regressions are sampled."""

from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, Any, ClassVar, Protocol

from pydantic import Field, PlainValidator

from ..basics.declared import Certainty, Listed, Name
from ..basics.given import is_number
from ..basics.names import choices
from ..causal.causal_order import CausalOrder
from ..causal.regimes import Policy, Regime, Shift
from .answer import Answer
from .arguments import CERTAINTY
from .counterfactual_plan import MonteCarlo
from .registry import Arguments, Question

__all__ = [
    "CounterfactualArguments",
    "MediatorArguments",
    "Policies",
    "TreatedAndControl",
    "Variable",
    "counterfactual_question",
    "policy",
]

type Asked = tuple[CausalOrder, int, MonteCarlo | None]
"""Equations, the seed, and how people are simulated."""


def policy(value: object) -> Policy:
    """A policy of a model file: a number, or ``{ shift = number }``."""
    if isinstance(value, dict) and set(value) == {"shift"} and is_number(value["shift"]):
        return Shift(float(value["shift"]))
    if not isinstance(value, Shift) and not is_number(value):
        raise ValueError("")
    return value


A_REGIME = "a table, such as { sponsor_at_3 = 1 } or { alliance_at_3 = { shift = 1 } }"

Variable = Annotated[Name, Field(description="the name of a variable")]
Policies = Annotated[dict[str, Annotated[Any, PlainValidator(policy)]], Field(description=A_REGIME)]


class Regressions(Protocol):
    """Regressions of a model file."""

    @property
    def variables(self) -> Sequence[str]:
        """Names in any formula."""
        ...

    @property
    def responses(self) -> Sequence[str]:
        """Variables that the regressions make."""
        ...


class CounterfactualArguments(Arguments):
    """Keys of every counterfactual question."""

    named_first: ClassVar[tuple[str, ...]] = (
        *("outcome", "regimes", "treated", "control", "levels", "mediators"),
        *("assigned", "state", "mediator"),
    )
    outcome: Variable
    certainty: Certainty = CERTAINTY

    def about(self) -> str:
        """The outcome."""
        return f"on {self.outcome}"

    @property
    def interventions(self) -> tuple[Regime, ...]:
        """The regimes that are compared."""
        raise NotImplementedError

    @property
    def mediating(self) -> tuple[str, ...]:
        """Mediators that are asked about."""
        return ()


class TreatedAndControl(CounterfactualArguments):
    """Keys of a question that compares two regimes."""

    treated: Policies
    control: Policies

    @property
    def interventions(self) -> tuple[Regime, ...]:
        """Both regimes."""
        return (self.treated, self.control)


class MediatorArguments(TreatedAndControl):
    """Keys of a question on effects through mediators between two regimes."""

    mediators: Annotated[Listed[Name], Field(min_length=1, description="a list of variables")]

    @property
    def mediating(self) -> tuple[str, ...]:
        """The mediators."""
        return self.mediators


def counterfactual_question[Given: CounterfactualArguments](
    ask: Callable[..., Answer],
    arguments: type[Given],
    also: Callable[[Given], Iterator[str]] = lambda _: iter(()),
) -> Question[Asked, Given]:
    """A counterfactual question to register; `also` finds problems of its arguments whatever the regressions are."""

    def answer(asked: Asked, given: Given) -> Answer:
        order, seed, monte_carlo = asked
        return ask(order, **given.given(), seed=seed, monte_carlo=monte_carlo)

    def check(given: Given, regressions: Regressions) -> Iterator[str]:
        yield from _unknown_names(given, regressions)
        yield from also(given)

    return Question(ask.__name__, arguments, answer, check, subject="regressions in causal order")


def _unknown_names(given: CounterfactualArguments, regressions: Regressions) -> Iterator[str]:
    changed = dict.fromkeys(name for regime in given.interventions for name in regime)
    for name in changed:
        if name not in regressions.variables:
            yield f"'{name}' is in no formula{choices(name, regressions.variables, 'Formulas hold')}"
    for name in given.mediating:
        if name not in regressions.responses:
            yield f"No regression makes the mediator '{name}'{choices(name, regressions.responses, 'They make')}"
