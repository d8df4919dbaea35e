"""Questions about regimes, as model files ask them of regressions in causal order."""

from collections.abc import Callable
from typing import Annotated, Any, ClassVar

from pydantic import Field, PlainValidator

from ..basics.declared import Certainty, Listed, Name
from ..basics.given import is_number
from ..basics.names import in_words
from ..causal.g_formula.causal_order import CausalOrder
from ..causal.g_formula.regimes import Policy, Regime, Shift
from .answer import Answer
from .arguments import CERTAINTY
from .counterfactual import (
    contrast_of_regimes,
    controlled_direct_effects,
    interventional_effects,
    natural_effects,
)
from .counterfactual_checks import MonteCarlo
from .registry import Arguments, Question, register
from .state_effects import randomised_push, split_by_existence

__all__ = ["AskedOfOrder", "RegimeArguments", "RegimeTable"]

type AskedOfOrder = tuple[CausalOrder, int, MonteCarlo]
"""What such a question is put to: the regressions, a seed, and how people are simulated."""


def _policy(value: object) -> Policy:
    if isinstance(value, dict) and set(value) == {"shift"} and is_number(value["shift"]):
        return Shift(float(value["shift"]))
    if not isinstance(value, Shift) and not is_number(value):
        raise ValueError("")
    return value


RegimeTable = Annotated[
    dict[str, Annotated[Any, PlainValidator(_policy)]],
    Field(description="a table, such as { sponsor_at_3 = 1 } or { alliance_at_3 = { shift = 1 } }"),
]
Variable = Annotated[Name, Field(description="the name of a variable")]
Variables = Annotated[Listed[Name], Field(min_length=1, description="a list of variables")]


class RegimeArguments(Arguments):
    """Keys of any question about regimes."""

    named_first: ClassVar[tuple[str, ...]] = ("outcome", "regimes", "treated", "control", "assigned", "state")

    outcome: Variable
    certainty: Certainty = CERTAINTY

    def about(self) -> str:
        """The outcome."""
        return f"on {self.outcome}"

    @property
    def interventions(self) -> tuple[Regime, ...]:
        """What is done to treatments, regime by regime."""
        raise NotImplementedError


class ContrastArguments(RegimeArguments):
    """Keys of a contrast of two or more regimes."""

    regimes: dict[str, RegimeTable] = Field(min_length=2, description="a table of two or more regimes by name")

    @property
    def interventions(self) -> tuple[Regime, ...]:
        """The regimes."""
        return tuple(self.regimes.values())


class TreatmentArguments(RegimeArguments):
    """Keys of a question about a treatment."""

    treated: RegimeTable
    control: RegimeTable

    @property
    def interventions(self) -> tuple[Regime, ...]:
        """With the treatment, and without."""
        return (self.treated, self.control)


class ControlledArguments(TreatmentArguments):
    """Keys of direct effects with mediators held at levels."""

    levels: dict[str, Annotated[Listed[float], Field(min_length=1)]] = Field(
        min_length=1, description="a table from mediators to lists of numbers"
    )


class MediatorArguments(TreatmentArguments):
    """Keys of effects through mediators."""

    named_first: ClassVar[tuple[str, ...]] = (*RegimeArguments.named_first, "mediators")

    mediators: Variables

    def about(self) -> str:
        """The outcome, and what effects go through."""
        return f"{super().about()} through {in_words(self.mediators)}"


class PushArguments(RegimeArguments):
    """Keys of a randomised push."""

    assigned: Variable
    state: Variable

    @property
    def interventions(self) -> tuple[Regime, ...]:
        """Being assigned."""
        return ({self.assigned: 1.0},)


class SplitArguments(RegimeArguments):
    """Keys of the effect of a state, split by a mediator that exists only with it."""

    state: Variable
    mediator: Variable
    percentiles: Listed[float] | None = Field(None, description="a list of numbers between 0 and 100")
    shift: float | None = Field(None, description="a number of SDs other than 0")

    @property
    def interventions(self) -> tuple[Regime, ...]:
        """The state on."""
        return ({self.state: 1.0},)


def _put_by(function: Callable[..., Any]) -> Callable[[AskedOfOrder, RegimeArguments], Answer]:
    def put(asked: AskedOfOrder, given: RegimeArguments) -> Answer:
        order, seed, monte_carlo = asked
        answer: Answer = function(order, **given.options(), seed=seed, monte_carlo=monte_carlo)
        return answer

    return put


ARGUMENTS: dict[Callable[..., Any], type[RegimeArguments]] = {
    contrast_of_regimes: ContrastArguments,
    controlled_direct_effects: ControlledArguments,
    interventional_effects: MediatorArguments,
    natural_effects: MediatorArguments,
    randomised_push: PushArguments,
    split_by_existence: SplitArguments,
}
for function, arguments in ARGUMENTS.items():
    name = function.__name__
    register(Question(name, arguments, _put_by(function), subject="regressions in causal order"))
