"""How a counterfactual question is simulated, and its problems, before anything is simulated."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..basics.calls import checked
from ..basics.given import check_seed, is_number, is_whole, shown
from ..basics.memory import refuse_beyond_memory
from ..basics.names import choices, in_words, quoted
from ..basics.problems import Problems, SpecError
from ..causal.causal_order import CausalOrder
from ..causal.regimes import Policy, Regime, Shift, is_set, policy_in_words
from ..causal.simulate_regimes import Simulation, depends_on_undefined_values
from .arguments import check_certainty

__all__ = ["CounterfactualPlan", "Kind", "MonteCarlo", "level_problems", "plan_of"]

Kind = Literal["contrast", "controlled", "interventional", "natural", "split"]
WORLDS = 4  # simulated for each regime at most, with mediators as they would be under another
NOT_DEFINED = (
    "'{mediator}' exists only where there is '{state}', which the regimes change, so its value without '{state}' is "
    "undefined, and so is this effect. Ask ab.split_by_existence{or_both}."
)


@checked(apart=["draws", "copies"])
@dataclass(frozen=True)
class MonteCarlo:
    """How people are simulated.

    Attributes
    ----------
    draws
        Posterior draws to use of each chain, evenly spaced; all when left open.
    copies
        Simulated copies of every person in each draw, at least 2; their spread is the
        simulation's error.
    resample
        Whether people stand for a population: in each draw they get weights of the Bayesian
        bootstrap. Without it effects are those of these people.
    progress
        Whether to show a progress bar; left open, it is shown in a terminal.
    """

    draws: int | None = None
    copies: int = 4
    resample: bool = False
    progress: bool | None = None


@dataclass(frozen=True, eq=False)
class CounterfactualPlan:
    """A question that can be simulated."""

    simulation: Simulation
    treatments: tuple[str, ...]  # variables that any regime sets or moves
    mediators: tuple[str, ...]  # variables of all mediators, in causal order
    variables_of: Mapping[str, tuple[str, ...]]  # the same by mediator
    monte_carlo: MonteCarlo
    certainty: float
    regimes_in_words: str

    @property
    def moved(self) -> tuple[str, ...]:
        """Treatments that an equation makes."""
        return tuple(name for name in self.treatments if self.simulation.order.equation_of(name) is not None)


def plan_of(
    order: CausalOrder,
    regimes: Mapping[str, Regime],
    outcome: str,
    seed: int,
    monte_carlo: MonteCarlo | None,
    certainty: float,
    *,
    kind: Kind = "contrast",
    mediators: Sequence[str] = (),
    levels: Mapping[str, Sequence[float]] | None = None,
    strata: Sequence[object] | None = None,
) -> CounterfactualPlan:
    """How a question is simulated, or one `SpecError` with all its problems."""
    problems = Problems("This counterfactual question cannot be asked")
    options = monte_carlo or MonteCarlo()
    if order.equation_of(outcome) is None:
        problems.add(f"No equation makes the outcome '{outcome}'{choices(outcome, order.variables, 'Variables')}")
    resolved = {name: _resolved(order, regime, outcome, problems) for name, regime in regimes.items()}
    problems.found += _regime_problems(order, resolved)
    treatments = tuple(dict.fromkeys(name for regime in resolved.values() for name in regime))
    variables_of = {
        name: _variables_of(order, name, treatments, outcome, problems) for name in dict.fromkeys(mediators)
    }
    every = tuple(sorted((name for names in variables_of.values() for name in names), key=order.position))
    if not mediators and kind in ("interventional", "natural"):
        problems.add("No mediator was named, such as mediators=['alliance_at_3'].")
    if every and not problems.found:
        problems.found += _existence_problems(order, treatments, every) if kind != "split" else ()
        problems.found += _mediation_problems(order, treatments, mediators, every, outcome, kind)
    problems.found += level_problems(levels) if levels is not None else ()
    _check_numbers(options, seed, certainty, problems)
    codes = _codes(strata, order, problems)
    problems.raise_as(SpecError)
    simulation = _simulation(order, resolved, outcome, codes, options, seed)
    if order.requires and depends_on_undefined_values(simulation):
        problems.add(
            f"'{outcome}' depends on {quoted(order.requires)} where it does not exist. Write its effect as a product "
            "with its state, such as doctor:alliance, in every equation after it."
        )
        problems.raise_as(SpecError)
    return CounterfactualPlan(simulation, treatments, every, variables_of, options, certainty, _in_words(regimes))


def _simulation(
    order: CausalOrder,
    regimes: Mapping[str, Regime],
    outcome: str,
    strata: NDArray[np.int64] | None,
    options: MonteCarlo,
    seed: int,
) -> Simulation:
    chains, draws = order.posterior
    if options.draws is not None:
        draws = min(draws, options.draws)
    refuse_beyond_memory(
        "This counterfactual question cannot be asked",
        f"{options.copies:,} copies of everybody in each of {chains * draws:,} draws and {len(regimes)} regimes",
        WORLDS * len(regimes) * chains * draws * options.copies,
        "Use fewer copies, ab.MonteCarlo(copies=4), or fewer draws.",
    )
    return Simulation(
        order=order,
        regimes=regimes,
        outcome=outcome,
        strata=strata,
        bootstrap=options.resample,
        chains=chains,
        draws=draws,
        copies=options.copies,
        seed=int(seed),
        progress=sys.stderr.isatty() if options.progress is None else options.progress,
    )


def _resolved(order: CausalOrder, regime: Regime, outcome: str, problems: Problems) -> dict[str, Policy]:
    """Policy for each variable: a measure of a panel stands for itself at every wave."""
    by_variable: dict[str, Policy] = {}
    if not isinstance(regime, Mapping):
        problems.add(f"A regime must be a table from variables to what they are set to; got {shown(regime)}.")
        return by_variable
    for name, policy in regime.items():
        if name not in order.known_names:
            problems.add(f"No variable '{name}' can be set{choices(name, order.known_names, 'Variables')}")
            continue
        if not callable(policy) and not isinstance(policy, Shift) and not is_number(policy):
            problems.add(f"'{name}' must be set to a number, ab.Shift(...) or a function; got {shown(policy)}.")
            continue
        variables = [variable for variable in order.resolved(name) if _before(order, variable, outcome)]
        if not variables:
            problems.add(f"'{name}' does not come before the outcome '{outcome}'.")
        for variable in variables:
            if isinstance(policy, Shift) and order.equation_of(variable) is None and variable not in order.people:
                problems.add(
                    f"'{variable}' cannot be shifted: no person has a value of it. Set it, or add its equation."
                )
            by_variable[variable] = policy
    return by_variable


def _regime_problems(order: CausalOrder, regimes: Mapping[str, Regime]) -> Iterator[str]:
    for name, policies in regimes.items():
        for unknown in _unknown(order, policies):
            yield f"Equations read '{unknown}', which people do not have and '{name}' does not set."
    if len(regimes) < 2:
        yield "Effects compare regimes; give two or more."
    if not any(regimes.values()):
        yield "No regime sets or moves anything."


def _unknown(order: CausalOrder, policies: Regime) -> list[str]:
    """Variables that equations read and nothing provides, but for equations whose variables are all set."""
    read = {
        parent
        for equation in order.equations
        if not all(is_set(policies.get(variable)) for variable in equation.variables)
        for variable in equation.variables
        for parent in equation.parents_of(variable)
    }
    return [name for name in order.exogenous if name in read and name not in order.people and name not in policies]


def _before(order: CausalOrder, variable: str, outcome: str) -> bool:
    """Whether a variable comes before the outcome, which is taken to be last where nothing makes it."""
    return order.equation_of(outcome) is None or order.position(variable) < order.position(outcome)


def _variables_of(
    order: CausalOrder, mediator: str, treatments: Sequence[str], outcome: str, problems: Problems
) -> tuple[str, ...]:
    if mediator not in order.known_names:
        problems.add(f"No equation makes the mediator '{mediator}'{choices(mediator, order.variables, 'Variables')}")
        return ()
    variables = []
    for variable in order.resolved(mediator):
        equation = order.equation_of(variable)
        if equation is not None and not equation.at_baseline and _before(order, variable, outcome):
            variables.append(variable)
    if not variables:
        problems.add(
            f"The mediator '{mediator}' must be made by an equation after the baseline and before '{outcome}'."
        )
    if set(variables) & set(treatments):
        problems.add(f"'{mediator}' is both treatment and mediator.")
    return tuple(variables)


def _existence_problems(order: CausalOrder, treatments: Sequence[str], mediators: Sequence[str]) -> Iterator[str]:
    """Mediators whose value the regimes leave undefined, since they change the state that these need."""
    changed = {*treatments, *order.descendants(treatments)}
    for name in mediators:
        state = order.requires.get(name)
        if state in treatments or (state in changed and state not in mediators):
            both = "" if state in treatments else f", or name '{state}' as a mediator too"
            yield NOT_DEFINED.format(mediator=name, state=state, or_both=both)


def _mediation_problems(
    order: CausalOrder,
    treatments: Sequence[str],
    names: Sequence[str],
    mediators: Sequence[str],
    outcome: str,
    kind: Kind,
) -> Iterator[str]:
    """Reasons why nothing is mediated, or why effects are not identified."""
    words = quoted(names)
    if kind != "controlled" and not set(mediators) & {*treatments, *order.descendants(treatments)}:
        yield f"The regimes do not change {words}, so the indirect effect is 0 by construction."
    if outcome not in order.descendants(mediators):
        yield f"{words} does not affect '{outcome}' in these equations, so nothing is mediated by construction."
    if kind != "natural":
        return
    witnesses = order.confounders_that_treatment_changes(treatments, mediators, outcome)
    if witnesses:
        yield (
            f"Natural effects are not identified: treatment changes {quoted(witnesses, most=4)}, which also "
            f"{'affects' if len(witnesses) == 1 else 'affect'} mediator and outcome. "
            "Ask ab.interventional_effects."
        )


def level_problems(levels: Mapping[str, Sequence[float]]) -> Iterator[str]:
    """Reasons why mediators cannot be set to these values, those at one position together."""
    lengths = set()
    for name, values in levels.items():
        if isinstance(values, str | Real) or not len(values) or not all(map(is_number, values)):
            yield f"levels of '{name}' must be a list of numbers; got {shown(values)}."
        else:
            lengths.add(len(values))
    if not levels:
        yield "No mediator was given levels, such as levels={'visits': [0, 2]}."
    if len(lengths) > 1:
        yield "All mediators need equally many levels: the first of each are set together, then the second."


def _codes(strata: Sequence[object] | None, order: CausalOrder, problems: Problems) -> NDArray[np.int64] | None:
    """Number of each person's stratum."""
    if strata is None:
        return None
    if len(strata) != len(order.people):
        problems.add(f"strata must have one label for each of {len(order.people)} people; got {len(strata)}.")
    return np.asarray(pd.factorize(pd.Series(list(strata)))[0], dtype=np.int64)


def _check_numbers(options: MonteCarlo, seed: object, certainty: float, problems: Problems) -> None:
    if not is_whole(options.copies, least=2):
        problems.add(f"copies must be a whole number of 2 or more; got {shown(options.copies)}.")
    if options.draws is not None and not is_whole(options.draws, least=1):
        problems.add(f"draws must be a whole number above 0; got {shown(options.draws)}.")
    check_seed(seed, problems)
    check_certainty(certainty, problems)


def _in_words(regimes: Mapping[str, Regime]) -> str:
    def one(regime: Regime) -> str:
        if not regime:
            return "as it is"
        return in_words([f"{name} at {policy_in_words(policy)}" for name, policy in regime.items()])

    return "; ".join(f"{name}: {one(regime)}" for name, regime in regimes.items())
