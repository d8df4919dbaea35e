"""Natural direct and indirect effects: the mediators that the same person would have under the other regime."""

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

__all__ = ["natural_effects"]


@checked(apart=["seed", "certainty"], outside=["treated", "control"])
def natural_effects(
    order: CausalOrder,
    *,
    treated: Mapping[str, Policy],
    control: Mapping[str, Policy],
    mediators: Sequence[str],
    outcome: str,
    seed: int,
    monte_carlo: MonteCarlo | None = None,
    certainty: float = CERTAINTY,
) -> Answer:
    """Natural direct and indirect effects, where they are identified.

    With M(a) the mediators that the same person would have under regime a, the total effect is split in two ways [2]_:
    the direct effect with the mediators of control, ``E[Y(1, M(0))] - E[Y(0, M(0))]`` (pure direct), and the indirect
    one under treatment, ``E[Y(1, M(1))] - E[Y(1, M(0))]`` (total indirect); or the total direct effect, with the
    mediators of treatment, ``E[Y(1, M(1))] - E[Y(0, M(1))]``, and the pure indirect one under control, ``E[Y(0, M(1))]
    - E[Y(0, M(0))]``. With a confounder of mediator and outcome that treatment changes they are not identified,
    whatever the data [1]_.

    Parameters
    ----------
    order, outcome, seed, monte_carlo, certainty
        As in `contrast_of_regimes`.
    treated, control
        Regimes to be compared.
    mediators
        Taken together.

    Returns
    -------
    Answer
        As of `contrast_of_regimes`, with the effects ``total``, ``direct`` and ``indirect``, ``total direct`` and
        ``pure indirect``. On the scales of ``tables["ratios"]`` total is direct times indirect, and total direct times
        pure indirect.

    Raises
    ------
    SpecError
        As in `contrast_of_regimes`, or if treatment changes a confounder of mediator and outcome, or
        a mediator does not exist without treatment.

    References
    ----------
    .. [1] VanderWeele & Tchetgen Tchetgen (2017). Mediation analysis with time varying exposures and
       mediators. Journal of the Royal Statistical Society B 79, 917-938.
       https://doi.org/10.1111/rssb.12194
    .. [2] Robins & Greenland (1992). Identifiability and exchangeability for direct and indirect effects.
       Epidemiology 3, 143-155. https://doi.org/10.1097/00001648-199203000-00013
    """
    regimes = {"treated": treated, "control": control}
    plan = plan_of(order, regimes, outcome, seed, monte_carlo, certainty, kind="natural", mediators=mediators)
    named = in_words(list(mediators))
    return answer_of(
        "natural_effects",
        plan,
        _contrasts(plan),
        estimand=(
            f"Effect of treated instead of control ({plan.regimes_in_words}) on {outcome}, split into the effect if "
            f"everyone kept the {named} of control (direct) and total minus direct (indirect), or into the effect if "
            f"everyone had the {named} of treated (total direct) and total minus that (pure indirect): natural effects."
        ),
        assumptions=(
            f"Given the covariates, nothing unmeasured drives {named} and {outcome}.",
            f"Potential values of {outcome} under one regime are independent, given the covariates, of those of "
            f"{named} under the other (no experiment can check this).",
        ),
        asked=regimes | {"mediators": tuple(mediators)},
    )


def _contrasts(plan: CounterfactualPlan) -> Contrasts:
    without, only = "treated, mediators of control", "control, mediators of treated"
    mediators_of = {regime: Source(plan.mediators, "own", regime=regime) for regime in ("treated", "control")}
    return Contrasts(
        worlds={
            "treated": World("treated"),
            "control": World("control"),
            without: World("treated", (mediators_of["control"],)),
            only: World("control", (mediators_of["treated"],)),
        },
        effects={
            "total": {"treated": 1.0, "control": -1.0},
            "direct": {without: 1.0, "control": -1.0},
            "indirect": {"treated": 1.0, without: -1.0},
            "total direct": {"treated": 1.0, only: -1.0},
            "pure indirect": {only: 1.0, "control": -1.0},
        },
    )


register(counterfactual_question(natural_effects, MediatorArguments))
