"""What a counterfactual question needs before anything is simulated."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Literal

import numpy as np
import pandas as pd

from ..basics.calls import checked
from ..basics.given import check_seed, is_number, is_whole, shown
from ..basics.memory import refuse_beyond_memory
from ..basics.names import choices, in_words, quoted
from ..basics.problems import Problems, SpecError
from ..causal.g_formula.causal_order import CausalOrder
from ..causal.g_formula.regimes import Policy, Shift, is_set, policy_in_words
from ..causal.g_formula.simulating import Simulation, depends_on_what_does_not_exist
from .arguments import check_certainty

__all__ = ["Kind", "MonteCarlo", "Question", "check"]

Kind = Literal["interventional", "natural", "controlled", "split"]
WORLDS = 4  # simulated for each regime at most, with mediators as they would be under another


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
class Question:
    """A question that can be simulated.

    Attributes
    ----------
    simulation
        Equations, regimes and numbers of draws and copies.
    treatments
        Variables that any regime sets or moves.
    moved
        Those of them that an equation makes.
    mediators
        Variables of all mediators, in causal order.
    variables_of
        The same by mediator.
    certainty
        Probability that a verdict needs.
    regimes_in_words
        What each regime does.
    """

    simulation: Simulation
    treatments: tuple[str, ...]
    moved: tuple[str, ...]
    mediators: tuple[str, ...]
    variables_of: Mapping[str, tuple[str, ...]]
    certainty: float
    regimes_in_words: str


NOT_DEFINED = (
    "'{mediator}' exists only where there is '{state}', which the regimes change, so its value without '{state}', and "
    "with it this effect, is not defined. Ask ab.split_by_existence{or_both}."
)


def check(
    order: CausalOrder,
    regimes: Mapping[str, Mapping[str, Policy]],
    mediators: tuple[str, ...],
    outcome: str,
    seed: int,
    monte_carlo: MonteCarlo | None,
    certainty: float,
    *,
    kind: Kind = "interventional",
    levels: Mapping[str, Sequence[float]] | None = None,
    strata: Sequence[object] | None = None,
) -> Question:
    """Settle how a question is simulated, or raise one `SpecError` with all that is wrong with it."""
    problems = Problems("This counterfactual question cannot be asked")
    options = monte_carlo or MonteCarlo()
    if order.equation_of(outcome) is None:
        problems.add(f"No equation makes the outcome '{outcome}'{choices(outcome, order.variables, 'Variables')}")
    resolved = {name: _resolved(order, regime, outcome, problems) for name, regime in regimes.items()}
    for name, policies in resolved.items():
        for unknown in _unknown(order, policies):
            problems.add(f"Equations read '{unknown}', which people do not have and '{name}' does not set.")
    if len(resolved) < 2:
        problems.add("Effects compare regimes; give two or more.")
    treatments = tuple(dict.fromkeys(name for regime in resolved.values() for name in regime))
    if not treatments:
        problems.add("No regime sets or moves anything.")
    variables_of = {name: _mediator(order, name, treatments, outcome, problems) for name in dict.fromkeys(mediators)}
    chosen = tuple(sorted((each for found in variables_of.values() for each in found), key=order.place))
    if not problems.found:
        _check_mediators(order, treatments, mediators, chosen, outcome, kind, problems)
    if levels is not None:
        _check_levels(levels, problems)
    _check_numbers(options, seed, certainty, problems)
    strata_codes = None
    if strata is not None:
        if len(strata) != len(order.people):
            problems.add(f"strata must have one label for each of {len(order.people)} people; got {len(strata)}.")
        else:
            strata_codes = pd.factorize(pd.Series(list(strata)))[0].astype(np.int64)
    problems.raise_as(SpecError)
    chains, draws = order.posterior
    if options.draws is not None:
        draws = min(draws, options.draws)
    refuse_beyond_memory(
        "This counterfactual question cannot be asked",
        f"{options.copies:,} copies of everybody in each of {chains * draws:,} draws and {len(resolved)} regimes",
        WORLDS * len(resolved) * chains * draws * options.copies,
        "Use fewer copies, ab.MonteCarlo(copies=4), or fewer draws.",
    )
    simulation = Simulation(
        order=order,
        regimes=resolved,
        outcome=outcome,
        strata=strata_codes,
        bootstrap=options.resample,
        chains=chains,
        draws=draws,
        copies=options.copies,
        seed=int(seed),
        progress=sys.stderr.isatty() if options.progress is None else options.progress,
    )
    if order.requires and depends_on_what_does_not_exist(simulation):
        problems.add(
            f"'{outcome}' depends on {quoted(order.requires)} where it does not exist. Write its effect as a product "
            "with its state, such as doctor:alliance, in every equation after it."
        )
        problems.raise_as(SpecError)
    moved = tuple(name for name in treatments if order.equation_of(name) is not None)
    return Question(simulation, treatments, moved, chosen, variables_of, certainty, _in_words(regimes))


def _resolved(order: CausalOrder, regime: Mapping[str, Policy], outcome: str, problems: Problems) -> dict[str, Policy]:
    found: dict[str, Policy] = {}
    if not isinstance(regime, Mapping):
        problems.add(f"A regime must be a table from variables to what they are set to; got {shown(regime)}.")
        return found
    for name, policy in regime.items():
        if name not in order.known_names:
            problems.add(f"No variable '{name}' can be set{choices(name, order.known_names, 'Variables')}")
            continue
        if not callable(policy) and not isinstance(policy, Shift) and not is_number(policy):
            problems.add(f"'{name}' must be set to a number, ab.Shift(...) or a function; got {shown(policy)}.")
            continue
        variables = [each for each in order.resolved(name) if _before(order, each, outcome)]
        if not variables:
            problems.add(f"'{name}' does not come before the outcome '{outcome}'.")
        for each in variables:
            if isinstance(policy, Shift) and order.equation_of(each) is None and each not in order.people:
                problems.add(f"'{each}' cannot be shifted: nobody has a value of it. Set it, or add its equation.")
            found[each] = policy
    return found


def _unknown(order: CausalOrder, policies: Mapping[str, Policy]) -> list[str]:
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
    return order.equation_of(outcome) is None or order.place(variable) < order.place(outcome)


def _mediator(
    order: CausalOrder, name: str, treatments: tuple[str, ...], outcome: str, problems: Problems
) -> tuple[str, ...]:
    if name not in order.known_names:
        problems.add(f"No equation makes the mediator '{name}'{choices(name, order.variables, 'Variables')}")
        return ()
    found = []
    for each in order.resolved(name):
        equation = order.equation_of(each)
        if equation is not None and not equation.at_baseline and _before(order, each, outcome):
            found.append(each)
    if not found:
        problems.add(f"The mediator '{name}' must be made by an equation after the baseline and before '{outcome}'.")
    if set(found) & set(treatments):
        problems.add(f"'{name}' is both treatment and mediator.")
    return tuple(found)


def _check_mediators(
    order: CausalOrder,
    treatments: tuple[str, ...],
    names: tuple[str, ...],
    mediators: tuple[str, ...],
    outcome: str,
    kind: Kind,
    problems: Problems,
) -> None:
    if not mediators:
        return
    changed = {*treatments, *order.descendants(treatments)}
    for name in mediators if kind != "split" else ():
        state = order.requires.get(name)
        if state in treatments or (state in changed and state not in mediators):
            both = "" if state in treatments else f", or name '{state}' as a mediator too"
            problems.add(NOT_DEFINED.format(mediator=name, state=state, or_both=both))
    words = quoted(names)
    if kind != "controlled" and not set(mediators) & changed:
        problems.add(f"The regimes do not change {words}, so the indirect effect is 0 by construction.")
    if outcome not in order.descendants(mediators):
        problems.add(f"{words} does not affect '{outcome}' in these equations, so nothing is mediated by construction.")
    if kind == "natural":
        witnesses = order.confounders_that_treatment_changes(treatments, mediators, outcome)
        if witnesses:
            problems.add(
                f"Natural effects are not identified: treatment changes {quoted(witnesses, most=4)}, which also "
                f"{'affects' if len(witnesses) == 1 else 'affect'} mediator and outcome. "
                "Ask ab.interventional_effects."
            )


def _check_levels(levels: Mapping[str, Sequence[float]], problems: Problems) -> None:
    lengths = set()
    for name, values in levels.items():
        if isinstance(values, str | Real) or not len(values) or not all(map(is_number, values)):
            problems.add(f"levels of '{name}' must be a list of numbers; got {shown(values)}.")
        else:
            lengths.add(len(values))
    if not levels:
        problems.add("No mediator was given levels, such as levels={'visits': [0, 2]}.")
    if len(lengths) > 1:
        problems.add("All mediators need equally many levels: the first of each are set together, then the second.")


def _check_numbers(options: MonteCarlo, seed: object, certainty: float, problems: Problems) -> None:
    if not is_whole(options.copies, least=2):
        problems.add(f"copies must be a whole number of 2 or more; got {shown(options.copies)}.")
    if options.draws is not None and not is_whole(options.draws, least=1):
        problems.add(f"draws must be a whole number above 0; got {shown(options.draws)}.")
    check_seed(seed, problems)
    check_certainty(certainty, problems)


def _in_words(regimes: Mapping[str, Mapping[str, Policy]]) -> str:
    def one(regime: Mapping[str, Policy]) -> str:
        if not regime:
            return "as it is"
        return in_words([f"{name} at {policy_in_words(policy)}" for name, policy in regime.items()])

    return "; ".join(f"{name}: {one(regime)}" for name, regime in regimes.items())
