"""The effect of a state, split by the quality of something that exists only in it."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ..basics.calls import checked
from ..basics.declared import Listed
from ..basics.given import shown
from ..basics.names import number
from ..basics.problems import Problems, SpecError
from ..causal.causal_order import CausalOrder
from ..causal.regimes import Regime, Shift
from ..causal.simulate_regimes import Source, World, simulated_values
from .answer import Answer
from .arguments import CERTAINTY
from .counterfactual_answer import Contrasts, answer_of
from .counterfactual_arguments import CounterfactualArguments, Variable, counterfactual_question
from .counterfactual_plan import CounterfactualPlan, MonteCarlo, plan_of
from .registry import register

__all__ = ["split_by_existence"]

PERCENTILES = (10, 25, 50, 75, 90)
N_REFERENCE = 50


@checked(apart=["seed", "certainty"])
def split_by_existence(
    order: CausalOrder,
    *,
    state: str,
    mediator: str,
    outcome: str,
    percentiles: Sequence[float] = PERCENTILES,
    shift: float = 1.0,
    seed: int,
    monte_carlo: MonteCarlo | None = None,
    certainty: float = CERTAINTY,
) -> Answer:
    """Effect of a state, split by the quality of something that exists only in it.

    Without a sponsor there is no alliance, so direct and indirect effects of the sponsor through
    the alliance are undefined. Defined is, for a reference alliance a,

    ``E[Y(1)] - E[Y(0)] = {E[Y(1, a)] - E[Y(0)]} + {E[Y(1)] - E[Y(1, a)]}``:

    the state with the mediator at a reference, and the mediator as it is above that reference. The
    split depends on the reference, so several are given; and, among those in the state, the effect of
    moving everyone's own value (a modified treatment policy).

    Parameters
    ----------
    order
        Equations in causal order, with ``requires={mediator: state}``.
    state
        0 or 1; set to both for everyone.
    mediator
        Exists only where the state is 1.
    outcome
        Variable whose mean is compared.
    percentiles
        References: percentiles, in (0, 100), of the mediator if everyone had the state.
    shift
        By how many of its SDs, under that regime, everyone's own value is moved.
    seed, monte_carlo, certainty
        As in `contrast_of_regimes`.

    Returns
    -------
    Answer
        As of `contrast_of_regimes`: the total effect of the state, its two parts at each reference, and the effect of
        the shift.

    Raises
    ------
    SpecError
        If the mediator does not require the state, or as in `contrast_of_regimes`.
    """
    problems = Problems("This effect cannot be split")
    variables = order.resolved(mediator)
    if any(order.requires.get(name) not in order.resolved(state) for name in variables):
        problems.add(
            f"'{mediator}' does not require '{state}' in these equations, so ordinary effects are defined: ask "
            "ab.interventional_effects, or declare requires in the CausalOrder."
        )
    problems.found += _number_problems(percentiles, shift)
    problems.raise_as(SpecError)
    regimes: dict[str, Regime] = {f"with {state}": {state: 1.0}, f"without {state}": {state: 0.0}}
    plan = plan_of(order, regimes, outcome, seed, monte_carlo, certainty, kind="split", mediators=(mediator,))
    values = _values_with(plan, f"with {state}", variables)
    references = dict(zip(percentiles, map(float, np.percentile(values, list(percentiles))), strict=True))
    amount = shift * float(values.std(ddof=1))
    plan, contrasts = _contrasts(plan, state, mediator, variables, references, shift, amount)
    return answer_of(
        "split_by_existence",
        plan,
        contrasts,
        estimand=(
            f"Effect of {state} for everyone instead of for no one on {outcome}: with {mediator}, which does not exist "
            f"otherwise, at a reference, plus {mediator} as it is above that reference. Last, with {state} for "
            f"everyone, the effect of moving everyone's own {mediator} by {_moved(shift, amount)}."
        ),
        assumptions=(
            f"Among people with {state}, given what came before, nothing unmeasured drives {mediator} and {outcome}.",
            f"People who have no {state} would, with one, have {mediator} as the equations predict.",
        ),
        asked={"state": state, "mediator": mediator, "percentiles": tuple(percentiles), "shift": shift},
    )


def _values_with(plan: CounterfactualPlan, regime: str, variables: Sequence[str]) -> NDArray[Any]:
    """The mediator as it would be if everyone had the state."""
    simulated = [simulated_values(plan.simulation, regime, name, N_REFERENCE) for name in variables]
    values = np.concatenate(simulated)
    return np.asarray(values[~np.isnan(values)])


def _contrasts(
    plan: CounterfactualPlan,
    state: str,
    mediator: str,
    variables: tuple[str, ...],
    references: dict[float, float],
    shift: float,
    amount: float,
) -> tuple[CounterfactualPlan, Contrasts]:
    """The plan with the shift as another regime, and the contrasts."""
    on, off = plan.simulation.regimes
    moved = f"{on}, {mediator} shifted"
    regimes = plan.simulation.regimes
    shifted = {moved: {**regimes[on], **dict.fromkeys(variables, Shift(amount))}}
    worlds = {on: World(on), off: World(off), moved: World(moved)}
    effects = {f"{state}, all": {on: 1.0, off: -1.0}}
    for percentile, value in references.items():
        reference = f"{mediator} at percentile {number(percentile)} ({value:.3g})"
        fixed = f"{on}, {reference}"
        worlds[fixed] = World(on, (Source(variables, "set", level=(value,) * len(variables)),))
        effects[f"{state} with {reference}"] = {fixed: 1.0, off: -1.0}
        effects[f"{mediator} above percentile {number(percentile)}"] = {on: 1.0, fixed: -1.0}
    effects[f"{mediator} moved by {_moved(shift, amount)}"] = {moved: 1.0, on: -1.0}
    simulation = replace(plan.simulation, regimes={**regimes, **shifted})
    return replace(plan, simulation=simulation), Contrasts(worlds, effects)


def _moved(shift: float, amount: float) -> str:
    return f"{number(shift)} SD ({amount:.3g})"


def _number_problems(percentiles: Sequence[float], shift: float) -> Iterator[str]:
    if not len(percentiles) or not all(0 < percentile < 100 for percentile in percentiles):
        yield f"percentiles must lie between 0 and 100; got {shown(list(percentiles))}."
    if shift == 0:
        yield f"shift must be a number of SDs other than 0; got {shown(shift)}."


class SplitArguments(CounterfactualArguments):
    """Keys of a split by existence."""

    state: Variable
    mediator: Variable
    percentiles: Listed[float] = Field(PERCENTILES, description="a list of numbers between 0 and 100")
    shift: float = 1.0

    @property
    def interventions(self) -> tuple[Regime, ...]:
        """With the state, and without."""
        return ({self.state: 1.0}, {self.state: 0.0})

    @property
    def mediating(self) -> tuple[str, ...]:
        """The mediator that exists only in the state."""
        return (self.mediator,)


register(
    counterfactual_question(
        split_by_existence, SplitArguments, lambda given: _number_problems(given.percentiles, given.shift)
    )
)
