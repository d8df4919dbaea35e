"""Interventional direct and indirect effects: mediators are given as random draws."""

from collections.abc import Mapping, Sequence

from ..basics.calls import checked
from ..basics.names import in_words
from ..causal.causal_order import CausalOrder
from ..causal.regimes import Policy
from ..causal.simulate_regimes import Source, World
from .answer import Answer
from .arguments import CERTAINTY
from .counterfactual_answer import Contrasts, answer_of
from .counterfactual_arguments import MediatorArguments, counterfactual_question
from .counterfactual_plan import CounterfactualPlan, MonteCarlo, plan_of
from .registry import register

__all__ = ["interventional_effects"]


@checked(apart=["seed", "certainty"], outside=["treated", "control"])
def interventional_effects(
    order: CausalOrder,
    *,
    treated: Mapping[str, Policy],
    control: Mapping[str, Policy],
    mediators: Sequence[str],
    outcome: str,
    seed: int,
    strata: Sequence[object] | None = None,
    monte_carlo: MonteCarlo | None = None,
    certainty: float = CERTAINTY,
) -> Answer:
    """Interventional direct and indirect effects: mediators are given as random draws.

    With ``G_a`` a random draw of the mediators' joint history as it would be under regime a, given
    covariates: ``IDE = E[Y(1, G_0)] - E[Y(0, G_0)]``, ``IIE = E[Y(1, G_1)] - E[Y(1, G_0)]``, and
    their sum, the overall effect. They are identified with confounders that treatment changes, and
    with mediators that change over time [1]_. With several mediators, ``through <mediator> alone``
    moves that mediator's draws alone from G_0 to G_1, all of them drawn separately, and
    ``jointly``, what remains of the IIE, is what the mediators do through each other or through
    their dependence [2]_.

    Parameters
    ----------
    order, outcome, seed, monte_carlo, certainty
        As in `contrast_of_regimes`.
    treated, control
        Regimes to be compared.
    mediators
        A measure of a panel stands for itself at every wave between treatment and outcome.
    strata
        Label of each person; mediator histories are drawn from anyone with the same label. Left open,
        each person is given a new draw from the distribution of people with the same covariates.

    Returns
    -------
    Answer
        As of `contrast_of_regimes`, with the effects ``total``, ``overall``, ``direct``, ``indirect`` and, with several
        mediators, ``through <mediator> alone`` and ``jointly``.

    Raises
    ------
    SpecError
        As in `contrast_of_regimes`, or if a mediator does not exist without treatment.

    Notes
    -----
    An interventional indirect effect can be there although treatment changes the outcome through
    the mediator in no single person: another part of the people may have each of the two steps.

    References
    ----------
    .. [1] VanderWeele, Vansteelandt & Robins (2014). Effect decomposition in the presence of an
       exposure-induced mediator-outcome confounder. Epidemiology 25, 300-306.
    .. [2] Vansteelandt & Daniel (2017). Interventional effects for mediation analysis with multiple
       mediators. Epidemiology 28, 258-265.
    """
    regimes = {"treated": treated, "control": control}
    plan = plan_of(
        order, regimes, outcome, seed, monte_carlo, certainty, kind="interventional", mediators=mediators, strata=strata
    )
    named = in_words(list(mediators))
    whom = "with the same covariates" if strata is None else "of the same stratum"
    return answer_of(
        "interventional_effects",
        plan,
        _contrasts(plan, mediators),
        estimand=(
            f"Effect of treated instead of control ({plan.regimes_in_words}) on {outcome} with {named} given as random "
            f"draws from people {whom} under control (direct); and effect of moving these draws from control to "
            "treated (indirect): interventional effects. Total is the effect with nothing given."
        ),
        assumptions=(
            f"Given what came before, nothing unmeasured drives {named} and {outcome}.",
            "An indirect effect is one of moving the mediators' distribution; it may differ from 0 although no "
            "person's outcome changes through their own mediator.",
        ),
        asked=regimes | {"mediators": tuple(mediators), "strata": strata},
    )


def _contrasts(plan: CounterfactualPlan, mediators: Sequence[str]) -> Contrasts:
    draws_of = {regime: Source(plan.mediators, "drawn", regime=regime) for regime in ("treated", "control")}
    worlds = {
        "treated": World("treated"),
        "control": World("control"),
        "treated, draws of treated": World("treated", (draws_of["treated"],)),
        "treated, draws of control": World("treated", (draws_of["control"],)),
        "control, draws of control": World("control", (draws_of["control"],)),
    }
    effects = {
        "total": {"treated": 1.0, "control": -1.0},
        "overall": {"treated, draws of treated": 1.0, "control, draws of control": -1.0},
        "direct": {"treated, draws of control": 1.0, "control, draws of control": -1.0},
        "indirect": {"treated, draws of treated": 1.0, "treated, draws of control": -1.0},
    }
    if len(mediators) == 1:
        return Contrasts(worlds, effects)
    separate = _one_by_one(plan, mediators)
    jointly = dict(effects["indirect"])
    for parts in separate.effects.values():
        for world, weight in parts.items():
            jointly[world] = jointly.get(world, 0.0) - weight
    return Contrasts(worlds={**worlds, **separate.worlds}, effects={**effects, **separate.effects, "jointly": jointly})


def _one_by_one(plan: CounterfactualPlan, mediators: Sequence[str]) -> Contrasts:
    """Each mediator's draws alone moved from control to treated, all of them drawn separately."""

    def drawn(regime: str, index: int, name: str) -> Source:
        return Source(plan.variables_of[name], "drawn", regime=regime, pool=2 + index)

    base = "treated, separate draws of control"
    of_control = {name: drawn("control", index, name) for index, name in enumerate(mediators)}
    worlds, effects = {base: World("treated", tuple(of_control.values()))}, {}
    for index, name in enumerate(mediators):
        moved = f"treated, separate draws, {name} of treated"
        sources = of_control | {name: drawn("treated", index, name)}
        worlds[moved] = World("treated", tuple(sources.values()))
        effects[f"through {name} alone"] = {moved: 1.0, base: -1.0}
    return Contrasts(worlds, effects)


register(counterfactual_question(interventional_effects, MediatorArguments))
