"""Mean of an outcome under several regimes, and differences from the first."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from ..basics.calls import checked
from ..causal.causal_order import CausalOrder
from ..causal.regimes import Policy, Regime
from ..causal.simulate_regimes import World
from .answer import Answer
from .arguments import CERTAINTY
from .counterfactual_answer import Contrasts, answer_of
from .counterfactual_arguments import CounterfactualArguments, Policies, counterfactual_question
from .counterfactual_plan import MonteCarlo, plan_of
from .registry import register

__all__ = ["contrast_of_regimes"]


@checked(apart=["seed", "certainty"], outside=["regimes"])
def contrast_of_regimes(
    order: CausalOrder,
    *,
    regimes: Mapping[str, Mapping[str, Policy]],
    outcome: str,
    seed: int,
    monte_carlo: MonteCarlo | None = None,
    certainty: float = CERTAINTY,
) -> Answer:
    """Mean outcome under each regime, and each regime's difference from the first.

    The g-formula [1]_: per posterior draw, every person is simulated forward under each regime with
    the same random numbers, and the outcome's conditional mean is averaged.

    Parameters
    ----------
    order
        Equations in causal order, from `causal_order` or `CausalOrder`.
    regimes
        By name, what is done to which treatments: a number to set, `Shift` to move everyone's own
        value, or a function of the values so far. An empty regime changes nothing. A
        measure of a panel stands for itself at every wave.
    outcome
        Variable of the last equation that matters, such as ``"days, 12"``.
    seed
        The same seed gives the same answer.
    monte_carlo
        Draws, copies, whether people are resampled.
    certainty
        Probability that a verdict needs, in (0.5, 1).

    Returns
    -------
    Answer
        ``table``, indexed by ``effect``, in the outcome's own unit. ``mean``, ``sd``, ``lower``, ``upper``: of the
        posterior, ``sd`` without the simulation's noise. ``simulation_error``: Monte Carlo standard error of ``mean``
        from simulating people; more copies make it smaller, more data do not. ``p_positive`` with its Monte Carlo
        error ``p_positive_mcse``, NaN where the effect is ``fixed``: 0 by construction, since nothing that differs
        between the worlds affects the outcome in these equations. ``verdict``: "positive", "negative", "undecided" or
        "0 by construction"; ``verdict`` of the answer joins them.

        ``tables["means"]``: mean outcome of each world, with the first five columns. ``tables["overlap"]``, indexed by
        ``variable`` and ``under``: mean and central 98 % of simulated values, and ``outside``, the share of them
        outside the range that was observed. Where it is large, the answer rests on the equations alone. Of a yes/no
        treatment with data, the probability of having it, for the people who had it and for those who had not.

        ``tables["ratios"]``, indexed by ``effect`` and ``scale``: the same comparisons as ``ratio`` of the two worlds'
        means, where the outcome is never negative, and as ``odds ratio``, where it is yes or no; ``median``, ``lower``,
        ``upper``.

        ``draws``: each effect by its name, averaged over simulated people and copies; dims ``(chain, draw)``. And
        ``world_means``, the mean outcome of each world, dims ``(chain, draw, world)``.

    Raises
    ------
    SpecError
        If a name is unknown, a treatment comes after the outcome, or a number is invalid.

    References
    ----------
    .. [1] Keil, Daza, Engel, Buckley & Edwards (2018). A Bayesian approach to the g-formula.
       Statistical Methods in Medical Research 27, 3183-3204.
    """
    plan = plan_of(order, regimes, outcome, seed, monte_carlo, certainty)
    first, *others = regimes
    contrasts = Contrasts(
        worlds={name: World(name) for name in regimes},
        effects={f"{name} against {first}": {name: 1.0, first: -1.0} for name in others},
    )
    return answer_of(
        "contrast_of_regimes",
        plan,
        contrasts,
        estimand=f"Mean {outcome} of these people if all were under each regime: {plan.regimes_in_words}.",
        asked={"regimes": regimes},
    )


class ContrastArguments(CounterfactualArguments):
    """Keys of a contrast of regimes."""

    regimes: Annotated[dict[str, Policies], Field(min_length=2, description="a table of two or more regimes by name")]

    @property
    def interventions(self) -> tuple[Regime, ...]:
        """Every regime."""
        return tuple(self.regimes.values())


register(counterfactual_question(contrast_of_regimes, ContrastArguments))
