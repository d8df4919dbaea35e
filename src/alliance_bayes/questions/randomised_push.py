"""Effects of a random assignment that pushes a state, with the assumptions of each reading side by side."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import pandas as pd
import xarray as xr

from ..basics.calls import checked
from ..basics.names import choices
from ..basics.problems import SpecError
from ..basics.text_tables import TextTable
from ..causal.causal_order import CausalOrder
from ..causal.regimes import Regime
from ..causal.simulate_regimes import Source, World, simulate_worlds
from ..posterior.summaries import indicator, interval, interval_name, probability
from .answer import Answer
from .arguments import CERTAINTY
from .cells import bounds, mean_and_interval, stated
from .counterfactual_answer import Contrasts, answer_of, averaged_over_copies
from .counterfactual_arguments import CounterfactualArguments, Variable, counterfactual_question
from .counterfactual_plan import MonteCarlo, plan_of
from .registry import register

__all__ = ["randomised_push"]

ASSIGNED, NOT_ASSIGNED = "assigned", "not assigned"
INTENTION = "intention to treat"
NEEDS = (
    "the assignment was random",
    "nothing unmeasured drives {state} and {outcome}",
    "the assignment acts through {state} alone",
    "the assignment keeps nobody from {state}",
)


@checked(apart=["seed", "certainty"])
def randomised_push(
    order: CausalOrder,
    *,
    assigned: str,
    state: str,
    outcome: str,
    seed: int,
    monte_carlo: MonteCarlo | None = None,
    certainty: float = CERTAINTY,
) -> Answer:
    """Effects of a random assignment that pushes a state, with the assumptions of each reading side by side.

    The intention-to-treat effect needs the randomisation alone. Each effect of the *state* needs
    more: interventional effects through and around it, and the effect of having it, that
    nothing unmeasured drives state and outcome; the ratio of intention-to-treat effect and push [1]_,
    that the assignment acts through the state alone and keeps nobody from it.

    Parameters
    ----------
    order
        Equations in causal order, with ``randomised=assigned``.
    assigned, state
        0 or 1; the state is made by an equation that reads the assignment.
    outcome
        Variable whose mean is compared.
    seed, monte_carlo, certainty
        As in `contrast_of_regimes`.

    Returns
    -------
    Answer
        As of `contrast_of_regimes`: the intention-to-treat effect, the interventional effects through the state and
        not through it, and the effect of having the state.

        ``tables["needs"]``: effect by assumption, True where it needs that assumption; ``table`` has them too.
        ``tables["push"]``: effect of the assignment on the share of people with the state, ``mean``, ``lower``,
        ``upper``. ``tables["instrument"]``: effect of the state among those whom the assignment moves into it,
        intention-to-treat effect divided by push: ``mean`` (median of the draws), ``lower``, ``upper``; undefined, as
        the text says, and missing where the push may be 0.

    Raises
    ------
    SpecError
        If the assignment is not declared as randomised, or as in `interventional_effects`.

    References
    ----------
    .. [1] Angrist, Imbens & Rubin (1996). Identification of causal effects using instrumental
       variables. Journal of the American Statistical Association 91, 444-455.
    """
    if assigned not in order.randomised:
        raise SpecError(
            f"'{assigned}' is not declared as assigned at random{choices(assigned, order.randomised, 'Randomised')} "
            f"Pass randomised='{assigned}' to the CausalOrder."
        )
    of_assignment: dict[str, Regime] = {ASSIGNED: {assigned: 1.0}, NOT_ASSIGNED: {assigned: 0.0}}
    of_state: dict[str, Regime] = {f"with {state}": {state: 1.0}, f"without {state}": {state: 0.0}}
    plan_of(order, of_assignment, outcome, seed, monte_carlo, certainty, kind="split", mediators=(state,))
    plan = plan_of(order, of_assignment | of_state, outcome, seed, monte_carlo, certainty)
    answer = answer_of(
        "randomised_push",
        plan,
        _contrasts(state),
        estimand=(
            f"Effect of assigning everyone instead of no one on {outcome}; its parts through {state} and not through "
            f"it (interventional effects); and effect of {state} for everyone instead of no one."
        ),
        exchangeable=False,  # tables["needs"] has the assumptions of each effect
        asked={"assigned": assigned, "state": state},
    )
    state_means = simulate_worlds(
        replace(plan.simulation, outcome=state), [World(name) for name in (ASSIGNED, NOT_ASSIGNED)]
    )
    push = averaged_over_copies(state_means[0] - state_means[1], plan.simulation)
    label = f"{state} in those whom the assignment moves"
    instrument, instrument_in_words = _instrument(answer.draws[INTENTION], push, label, outcome, certainty)
    needs = _needs(state, outcome, label)
    pushed = pd.DataFrame(mean_and_interval(push), index=pd.Index([state], name="state"))
    tables = {**answer.tables, "needs": needs, "push": pushed}
    if instrument:
        tables["instrument"] = pd.DataFrame(instrument, index=pd.Index([label], name="effect"))
    return replace(
        answer,
        table=answer.table.join(needs),
        tables=tables,
        body=(
            *answer.body,
            f"The assignment moved the share with the state by {pushed['mean'].item():.2f} {bounds(pushed.iloc[0])}.",
            instrument_in_words,
            *_needs_in_words(needs),
        ),
    )


def _contrasts(state: str) -> Contrasts:
    drawn = {name: Source((state,), "drawn", regime=name) for name in (ASSIGNED, NOT_ASSIGNED)}
    on, off = f"with {state}", f"without {state}"
    return Contrasts(
        worlds={
            **{name: World(name) for name in (ASSIGNED, NOT_ASSIGNED, on, off)},
            "through": World(ASSIGNED, (drawn[ASSIGNED],)),
            "around": World(ASSIGNED, (drawn[NOT_ASSIGNED],)),
            "neither": World(NOT_ASSIGNED, (drawn[NOT_ASSIGNED],)),
        },
        effects={
            INTENTION: {ASSIGNED: 1.0, NOT_ASSIGNED: -1.0},
            f"assignment through {state}": {"through": 1.0, "around": -1.0},
            f"assignment not through {state}": {"around": 1.0, "neither": -1.0},
            f"having {state}": {on: 1.0, off: -1.0},
        },
    )


def _instrument(
    intention: xr.DataArray, push: xr.DataArray, label: str, outcome: str, certainty: float
) -> tuple[dict[str, float], str]:
    """Effect among those whom the assignment moves, empty where it may move nobody, and a sentence about it."""
    sure = probability(indicator(push > 0, push))
    if not sure.reaches(certainty):
        return {}, (
            f"Effect of {label}: undefined, since the assignment may not move anybody ({stated('push > 0', sure)})."
        )
    ratio = intention / push
    lower, upper = (float(bound) for bound in interval(ratio, "chain", "draw"))
    median, positive = float(ratio.median()), probability(indicator(ratio > 0, ratio))
    return {"mean": median, "lower": lower, "upper": upper}, (
        f"Effect of {label}, intention-to-treat effect divided by push: {median:.3g}, {interval_name()} "
        f"[{lower:.3g}, {upper:.3g}] in {outcome}, {stated('> 0', positive)}."
    )


def _needs(state: str, outcome: str, label: str) -> pd.DataFrame:
    """Which of the assumptions each effect needs."""
    needed = {
        INTENTION: (True, False, False, False),
        f"assignment through {state}": (True, True, False, False),
        f"assignment not through {state}": (True, True, False, False),
        f"having {state}": (False, True, False, False),
        label: (True, False, True, True),
    }
    columns = [assumption.format(state=state, outcome=outcome) for assumption in NEEDS]
    return pd.DataFrame.from_dict(needed, orient="index", columns=columns).rename_axis("effect")


def _needs_in_words(needs: pd.DataFrame) -> Iterator[str | TextTable]:
    letters = dict(zip("abcdefgh", needs.columns, strict=False))
    yield "Besides the assumptions below, effects need:"
    marks: Mapping[str, list[str]] = {
        f"({letter})": ["x" if needed else "." for needed in needs[assumption]]
        for letter, assumption in letters.items()
    }
    yield TextTable.of({"": [str(name) for name in needs.index], **marks})
    yield from (f"  ({letter}) {assumption}" for letter, assumption in letters.items())


class PushArguments(CounterfactualArguments):
    """Keys of a randomised push."""

    assigned: Variable
    state: Variable

    @property
    def interventions(self) -> tuple[Regime, ...]:
        """Assigned, and not assigned."""
        return ({self.assigned: 1.0}, {self.assigned: 0.0})

    @property
    def mediating(self) -> tuple[str, ...]:
        """The state that is pushed."""
        return (self.state,)


register(counterfactual_question(randomised_push, PushArguments))
