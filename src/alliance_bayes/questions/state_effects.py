"""Effects of a state: split by a mediator that exists only in it, and pushed by a random assignment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import xarray as xr

from ..basics.calls import checked
from ..basics.given import shown
from ..basics.names import choices, number
from ..basics.problems import Problems, SpecError
from ..causal.g_formula.causal_order import CausalOrder
from ..causal.g_formula.regimes import Policy, Shift
from ..causal.g_formula.simulating import Source, World, simulate_worlds, simulated_values
from ..figures.bars import Bar
from ..figures.effects import Histogram, bars_and_histograms_figure
from ..posterior.summaries import indicator, interval, interval_name, probability
from .arguments import CERTAINTY
from .counterfactual import Counterfactual, answer
from .counterfactual_checks import MonteCarlo, check
from .structure import labelled_bars

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["RandomisedPush", "randomised_push", "split_by_existence"]

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
) -> Counterfactual:
    """Effect of a state, split by the quality of something that exists only in it.

    Without a sponsor there is no alliance, so direct and indirect effects of the sponsor through
    the alliance are not defined. Defined is, for a reference alliance a,

    ``E[Y(1)] - E[Y(0)] = {E[Y(1, a)] - E[Y(0)]} + {E[Y(1)] - E[Y(1, a)]}``:

    the state with the mediator at a reference, and the mediator as it is above that reference. The
    split depends on the reference, so several are given; and, among those in the state, what moving
    everyone's own value would do (a modified treatment policy).

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
        References: percentiles, in (0, 100), of the mediator as it would be if everyone had the state.
    shift
        By how many of its SDs, there, everyone's own value is moved.
    seed, monte_carlo, certainty
        As in `contrast_of_regimes`.

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
    if not len(percentiles) or not all(0 < each < 100 for each in percentiles):
        problems.add(f"percentiles must lie between 0 and 100; got {shown(list(percentiles))}.")
    if shift == 0:
        problems.add(f"shift must be a number of SDs other than 0; got {shown(shift)}.")
    problems.raise_as(SpecError)
    regimes: dict[str, Mapping[str, Policy]] = {f"with {state}": {state: 1.0}, f"without {state}": {state: 0.0}}
    on, off = regimes
    first = check(order, regimes, (mediator,), outcome, seed, monte_carlo, certainty, kind="split")
    values = np.concatenate([simulated_values(first.simulation, on, name, N_REFERENCE) for name in variables])
    values = values[~np.isnan(values)]
    sd = float(values.std(ddof=1))
    moved, move = f"with {state}, {mediator} shifted", Shift(shift * sd)
    shifted = {**first.simulation.regimes[on], **dict.fromkeys(variables, move)}
    regimes_and_shift = {**first.simulation.regimes, moved: shifted}
    question = replace(first, simulation=replace(first.simulation, regimes=regimes_and_shift))
    worlds = {on: World(on), off: World(off), moved: World(moved)}
    effects = {f"{state}, all": {on: 1.0, off: -1.0}}
    for percentile, value in zip(percentiles, np.percentile(values, list(percentiles)), strict=True):
        place = f"{mediator} at percentile {number(percentile)} ({value:.3g})"
        fixed = f"{on}, {place}"
        worlds[fixed] = World(on, (Source(variables, "set", level=(float(value),) * len(variables)),))
        effects[f"{state} with {place}"] = {fixed: 1.0, off: -1.0}
        effects[f"{mediator} above percentile {number(percentile)}"] = {on: 1.0, fixed: -1.0}
    amount = f"{number(shift)} SD ({shift * sd:.3g})"
    effects[f"{mediator} moved by {amount}"] = {moved: 1.0, on: -1.0}
    estimand = (
        f"What {state} for everyone instead of for no one would do to {outcome}: with {mediator}, which does not exist "
        f"otherwise, at a reference, plus {mediator} as it is above that reference. Last, with {state} for everyone, "
        f"what moving everyone's own {mediator} by {amount} would do."
    )
    assumptions = (
        f"Among people with {state}, given what came before, nothing unmeasured drives {mediator} and {outcome}.",
        f"People who have no {state} would, with one, have the {mediator} that the equations say.",
    )
    return answer(question, worlds, effects, estimand, assumptions)


NEEDS = (
    "the assignment was random",
    "nothing unmeasured drives {state} and {outcome}",
    "the assignment acts through {state} alone",
    "the assignment keeps nobody from {state}",
)


@dataclass(frozen=True, eq=False, repr=False)
class RandomisedPush:
    """What a random assignment did, by itself and through the state that it pushed.

    Attributes
    ----------
    effects
        Intention-to-treat effect, the interventional effects through the state and not through it,
        and the effect of having the state, as a `Counterfactual`.
    push
        Effect of the assignment on the share of people with the state: ``mean``, ``lower``, ``upper``.
    instrument
        Effect of the state among those whom the assignment moves into it, intention-to-treat effect
        divided by push: ``mean`` (median of the draws), ``lower``, ``upper``; None where the push may be 0.
    instrument_in_words
        The same, or why there is none.
    needs
        Effect by assumption, True where it needs that assumption.
    """

    effects: Counterfactual
    push: Mapping[str, float]
    instrument: Mapping[str, float] | None
    instrument_in_words: str
    needs: pd.DataFrame

    @property
    def table(self) -> pd.DataFrame:
        """Effects with one column for each assumption: whether the effect needs it."""
        return self.effects.table.join(self.needs)

    @property
    def draws(self) -> xr.Dataset:
        """Effects draw by draw, dims ``(chain, draw)``."""
        return self.effects.draws

    @property
    def assumptions(self) -> tuple[str, ...]:
        """What all of the effects need besides those of `needs`."""
        return self.effects.assumptions

    def plot(self) -> "Figure":
        """Draw the effects, and who could have been in the state and out of it."""
        bars = labelled_bars(self.table)
        if self.instrument is not None:
            found = self.instrument
            bars.append((str(self.needs.index[-1]), Bar(found["mean"], found["lower"], found["upper"])))
        panels = [
            (variable, [Histogram(under, values) for under, values in by_regime.items()])
            for variable, by_regime in self.effects.shown.items()
        ]
        outcome = self.effects.outcome
        return bars_and_histograms_figure(bars, panels, title=f"Effects on {outcome}", unit=f"difference in {outcome}")

    def __str__(self) -> str:
        n_characters = max(map(len, map(str, self.needs.index)))
        letters = "abcdefgh"
        columns = [f"({letters[place]})" for place in range(self.needs.shape[1])]
        lines = [f"{'':{n_characters}}  needs  {'  '.join(columns)}"]
        for name, row in self.needs.iterrows():
            marks = "  ".join(" x " if needed else " . " for needed in row)
            lines.append(f"{name!s:{n_characters}}         {marks}")
        lines += [f"  ({letters[place]}) {needed}" for place, needed in enumerate(self.needs.columns)]
        push = self.push
        return "\n".join(
            [
                str(self.effects),
                f"The assignment moved the share with the state by {push['mean']:.2f} "
                f"[{push['lower']:.2f}, {push['upper']:.2f}].",
                self.instrument_in_words,
                "Besides those assumptions:",
                *lines,
            ]
        )

    __repr__ = __str__


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
) -> RandomisedPush:
    """What a random assignment that pushes a state did, with the assumptions of each reading side by side.

    The intention-to-treat effect needs the randomisation alone. Each way of saying what the *state*
    does needs more: interventional effects through and around it, and the effect of having it, that
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
    names = {"assigned": {assigned: 1.0}, "not assigned": {assigned: 0.0}}
    check(order, names, (state,), outcome, seed, monte_carlo, certainty, kind="split")
    on, off = f"with {state}", f"without {state}"
    regimes: dict[str, Mapping[str, Policy]] = {**names, on: {state: 1.0}, off: {state: 0.0}}
    question = check(order, regimes, (), outcome, seed, monte_carlo, certainty)
    drawn = {name: Source((state,), "drawn", regime=name) for name in names}
    worlds = {name: World(name) for name in regimes}
    worlds["through"] = World("assigned", (drawn["assigned"],))
    worlds["around"] = World("assigned", (drawn["not assigned"],))
    worlds["neither"] = World("not assigned", (drawn["not assigned"],))
    intention, having = "intention to treat", f"having {state}"
    through, around = f"assignment through {state}", f"assignment not through {state}"
    effects = {
        intention: {"assigned": 1.0, "not assigned": -1.0},
        through: {"through": 1.0, "around": -1.0},
        around: {"around": 1.0, "neither": -1.0},
        having: {on: 1.0, off: -1.0},
    }
    estimand = (
        f"What assigning everyone instead of no one would do to {outcome}; how much of it by moving {state} and how "
        f"much otherwise (interventional effects); and what {state} for everyone instead of no one would do."
    )
    found = answer(replace(question, treatments=()), worlds, effects, estimand, ())
    state_means = simulate_worlds(replace(question.simulation, outcome=state), [World(name) for name in names])
    pushed_outcome = found.draws[intention]
    push = pushed_outcome.copy(data=(state_means[0] - state_means[1]).mean(axis=-1).reshape(pushed_outcome.shape))
    label = f"{state} in those whom the assignment moves"
    instrument, said = _instrument(pushed_outcome, push, label, outcome, certainty)
    columns = [each.format(state=state, outcome=outcome) for each in NEEDS]
    needed = {
        intention: (True, False, False, False),
        through: (True, True, False, False),
        around: (True, True, False, False),
        having: (False, True, False, False),
        label: (True, False, True, True),
    }
    lower, upper = interval(push, "chain", "draw")
    return RandomisedPush(
        effects=found,
        push={"mean": float(push.mean()), "lower": float(lower), "upper": float(upper)},
        instrument=instrument,
        instrument_in_words=said,
        needs=pd.DataFrame.from_dict(needed, orient="index", columns=columns).rename_axis("effect"),
    )


def _instrument(
    intention: xr.DataArray, push: xr.DataArray, label: str, outcome: str, certainty: float
) -> tuple[dict[str, float] | None, str]:
    sure = probability(indicator(push > 0, push))
    if not sure.reaches(certainty):
        return None, (
            f"Effect of {label}: not defined, since the assignment may not move anybody (P(push > 0) = {sure})."
        ).replace("= >", ">").replace("= <", "<")
    ratio = intention / push
    lower, upper = (float(bound) for bound in interval(ratio, "chain", "draw"))
    median = float(ratio.median())
    positive = probability(indicator(ratio > 0, ratio))
    said = (
        f"Effect of {label}, intention-to-treat effect divided by push: {median:.3g}, {interval_name()} "
        f"[{lower:.3g}, {upper:.3g}] in {outcome}, P(> 0) = {positive}"
    )
    return {"mean": median, "lower": lower, "upper": upper}, said.replace("= >", ">").replace("= <", "<") + "."
