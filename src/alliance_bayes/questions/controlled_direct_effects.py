"""The effect of treatment with mediators set to fixed values."""

from collections.abc import Mapping, Sequence
from typing import Annotated

from pydantic import Field

from ..basics.calls import checked
from ..basics.declared import Listed
from ..basics.names import in_words, number
from ..causal.causal_order import CausalOrder
from ..causal.regimes import Policy
from ..causal.simulate_regimes import Source, World
from .answer import Answer
from .arguments import CERTAINTY
from .counterfactual_answer import Contrasts, answer_of
from .counterfactual_arguments import TreatedAndControl, counterfactual_question
from .counterfactual_plan import CounterfactualPlan, MonteCarlo, level_problems, plan_of
from .registry import register

__all__ = ["controlled_direct_effects"]


@checked(apart=["seed", "certainty"], outside=["treated", "control"])
def controlled_direct_effects(
    order: CausalOrder,
    *,
    treated: Mapping[str, Policy],
    control: Mapping[str, Policy],
    levels: Mapping[str, Sequence[float]],
    outcome: str,
    seed: int,
    monte_carlo: MonteCarlo | None = None,
    certainty: float = CERTAINTY,
) -> Answer:
    """Effect of treatment with mediators set to fixed values, one effect for each set of values.

    ``E[Y(treated, m)] - E[Y(control, m)]``. It needs no assumption across worlds, and it differs
    from value to value where treatment and mediator interact.

    Parameters
    ----------
    order, outcome, seed, monte_carlo, certainty
        As in `contrast_of_regimes`.
    treated, control
        Regimes to be compared.
    levels
        Mediator to the values it is set to, lists of one length: the first values of all
        mediators together, then the second, and so on.

    Returns
    -------
    Answer
        As of `contrast_of_regimes`.

    Raises
    ------
    SpecError
        As in `contrast_of_regimes`, or if the lists of values differ in length.
    """
    regimes = {"treated": treated, "control": control}
    plan = plan_of(
        order, regimes, outcome, seed, monte_carlo, certainty, kind="controlled", mediators=tuple(levels), levels=levels
    )
    named = in_words(list(levels))
    return answer_of(
        "controlled_direct_effects",
        plan,
        _contrasts(plan, levels),
        estimand=(
            f"Effect of treated instead of control ({plan.regimes_in_words}) on {outcome} with {named} set to the same "
            "value for everyone (controlled direct effect)."
        ),
        assumptions=(
            f"Given what came before, nothing unmeasured drives {named} and {outcome}.",
            f"{named} can be set, and the way of setting does not matter.",
        ),
        asked=regimes | {"levels": levels},
    )


def _contrasts(plan: CounterfactualPlan, levels: Mapping[str, Sequence[float]]) -> Contrasts:
    """Treated and control at each set of values."""
    worlds: dict[str, World] = {}
    effects: dict[str, dict[str, float]] = {}
    for values in zip(*levels.values(), strict=True):
        by_mediator = {name: float(value) for name, value in zip(levels, values, strict=True)}
        setting = ", ".join(f"{name} = {number(value)}" for name, value in by_mediator.items())
        level = {variable: value for name, value in by_mediator.items() for variable in plan.variables_of[name]}
        source = Source(tuple(level), "set", level=tuple(level.values()))
        worlds |= {f"{regime}, {setting}": World(regime, (source,)) for regime in ("treated", "control")}
        effects[f"direct, {setting}"] = {f"treated, {setting}": 1.0, f"control, {setting}": -1.0}
    return Contrasts(worlds, effects)


class ControlledArguments(TreatedAndControl):
    """Keys of controlled direct effects."""

    levels: Annotated[
        dict[str, Annotated[Listed[float], Field(min_length=1)]],
        Field(min_length=1, description="a table from mediators to lists of numbers"),
    ]

    @property
    def mediating(self) -> tuple[str, ...]:
        """The mediators that are set."""
        return tuple(self.levels)


register(
    counterfactual_question(controlled_direct_effects, ControlledArguments, lambda given: level_problems(given.levels))
)
