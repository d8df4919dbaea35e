"""Counterfactual effects by simulation: what the outcome would be under other regimes, in its own unit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from ..basics.calls import checked
from ..basics.names import in_words, number
from ..basics.problems import SpecError
from ..causal.g_formula.causal_order import CausalOrder
from ..causal.g_formula.regimes import Policy
from ..causal.g_formula.simulating import (
    Simulation,
    Source,
    World,
    expected_values,
    may_differ,
    simulate_worlds,
    simulated_values,
)
from ..figures.effects import Histogram, bars_and_histograms_figure
from ..posterior.summaries import indicator, interval, interval_name, probability
from .arguments import CERTAINTY
from .counterfactual_checks import MonteCarlo, Question, check
from .structure import FIXED, labelled_bars, sign_in_words, sign_width, with_fixed

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = [
    "Counterfactual",
    "contrast_of_regimes",
    "controlled_direct_effects",
    "interventional_effects",
    "natural_effects",
]

LARGEST_NOISE = 0.05
N_SHOWN = 20_000
NOTICEABLE = 0.02
EXTREME = 0.05
NEGLIGIBLE = 1e-9
PROBABILITIES = ("p_positive", "p_positive_mcse")


@dataclass(frozen=True, eq=False, repr=False)
class Counterfactual:
    """Effects on an outcome, as contrasts of simulated worlds.

    Attributes
    ----------
    outcome
        Variable whose mean is compared.
    table
        Indexed by ``effect``, in the outcome's own unit. ``mean``, ``sd``, ``lower``, ``upper``:
        of the posterior, ``sd`` without the simulation's noise. ``simulation_error``: Monte Carlo
        standard error of ``mean`` from simulating people; more copies make it smaller, more data do
        not. ``p_positive`` with its Monte Carlo error ``p_positive_mcse``, NaN where the effect is ``fixed``: 0 by
        construction, since nothing that differs between the worlds affects the outcome in these equations.
    means
        Mean outcome of each world, with the same columns but the last three.
    draws
        Each effect, averaged over simulated people and copies; dims ``(chain, draw)``.
    verdicts
        Of each effect: "positive", "negative", "undecided" or "0 by construction".
    overlap
        Indexed by ``variable`` and ``under``: mean and central 98 % of simulated values, and
        ``outside``, the share of them outside the range that was observed. Where it is large, the
        equations alone speak. Of a yes/no treatment with data, the probability of having it, for
        the people who had it and for those who had not.
    shown
        Values from which `overlap` was computed, by variable and then regime; ``"observed"`` where
        there are data.
    regimes
        Names of the regimes.
    estimand
        What is compared with what.
    warnings, assumptions
        What to distrust, and what must hold before these are causal effects.
    sampling
        What is wrong with the posterior draws; empty where nothing is.
    certainty
        Probability that a verdict needs.
    heading
        Outcome, people and draws, in words.
    question
        What was simulated.
    """

    outcome: str
    table: pd.DataFrame
    means: pd.DataFrame
    draws: xr.Dataset
    verdicts: Mapping[str, str]
    overlap: pd.DataFrame
    shown: Mapping[str, Mapping[str, NDArray[Any]]]
    regimes: tuple[str, ...]
    estimand: str
    warnings: tuple[str, ...]
    assumptions: tuple[str, ...]
    sampling: tuple[str, ...]
    certainty: float
    heading: str
    question: Question

    @property
    def n_draws(self) -> int:
        """Posterior draws over all chains."""
        return self.draws.sizes["chain"] * self.draws.sizes["draw"]

    def plot(self) -> "Figure":
        """Draw the effects with their intervals, and whether the compared worlds overlap with the data."""
        bars = labelled_bars(self.table)
        panels = [
            (variable, [Histogram(under, values) for under, values in by_regime.items()])
            for variable, by_regime in self.shown.items()
        ]
        return bars_and_histograms_figure(
            bars, panels, title=f"Effects on {self.outcome}", unit=f"difference in {self.outcome}"
        )

    def __str__(self) -> str:
        numbered = [f"  {place}. {sentence}" for place, sentence in enumerate(self.assumptions, start=1)]
        verdicts = ", ".join(f"{name} {verdict}" for name, verdict in self.verdicts.items())
        return "\n".join(
            [
                self.heading,
                self.estimand,
                *self._effects_in_words(),
                f"Verdict: {verdicts}.",
                *self.warnings,
                f"Sampling: {' '.join(self.sampling) or 'no problems.'} About causes only under these assumptions:",
                *numbered,
            ]
        )

    __repr__ = __str__

    def _effects_in_words(self) -> list[str]:
        plain = [name for name in self.means.index if name in self.regimes]
        rows = {f"mean under {name}": self.means.loc[name] for name in plain} | dict(self.table.iterrows())
        n_characters, width, n_sign = max(map(len, map(str, rows))), interval_name(), sign_width(self.table)
        lines = [
            f"{'':{n_characters}}     mean  {width:^19}  posterior SD  simulation error  {'P(effect > 0)':>{n_sign}}"
        ]
        for name, row in rows.items():
            bounds = f"[{row['lower']:.3g}, {row['upper']:.3g}]"
            line = f"{name:{n_characters}}  {row['mean']:7.3g}  {bounds:^19}  {row['sd']:12.2g}"
            error = row["simulation_error"]
            line += f"  {error if error > NEGLIGIBLE else 0:16.1g}"
            if "p_positive" in row:
                line += f"  {sign_in_words(row, self.n_draws):>{n_sign}}"
            lines.append(line)
        return lines


@checked(apart=["seed", "certainty"], outside=["regimes"])
def contrast_of_regimes(
    order: CausalOrder,
    *,
    regimes: Mapping[str, Mapping[str, Policy]],
    outcome: str,
    seed: int,
    monte_carlo: MonteCarlo | None = None,
    certainty: float = CERTAINTY,
) -> Counterfactual:
    """Mean outcome under each regime, and each regime's difference from the first.

    The g-formula [1]_: per posterior draw, every person is simulated forward under each regime with
    the same random numbers, and the outcome's conditional mean is averaged.

    Parameters
    ----------
    order
        Equations in causal order, from `causal_order` or `CausalOrder`.
    regimes
        By name, what is done to which treatments: a number to set, `Shift` to move everyone's own
        value, or a function of the values so far. An empty regime leaves everything as it is. A
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
    Counterfactual
        With one effect for each regime but the first.

    Raises
    ------
    SpecError
        If a name is unknown, a treatment comes after the outcome, or a number makes no sense.

    References
    ----------
    .. [1] Keil, Daza, Engel, Buckley & Edwards (2018). A Bayesian approach to the g-formula.
       Statistical Methods in Medical Research 27, 3183-3204.
    """
    question = check(order, regimes, (), outcome, seed, monte_carlo, certainty)
    names = list(regimes)
    worlds = {name: World(name) for name in names}
    effects = {f"{name} against {names[0]}": {name: 1.0, names[0]: -1.0} for name in names[1:]}
    estimand = f"Mean {outcome} of these people if all were under each regime: {question.regimes_in_words}."
    return answer(question, worlds, effects, estimand, ())


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
) -> Counterfactual:
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

    Raises
    ------
    SpecError
        As in `contrast_of_regimes`, or if the lists of values differ in length.
    """
    regimes = {"treated": treated, "control": control}
    question = check(
        order, regimes, tuple(levels), outcome, seed, monte_carlo, certainty, kind="controlled", levels=levels
    )
    worlds, effects = {}, {}
    for values in zip(*levels.values(), strict=True):
        setting = ", ".join(f"{name} = {number(float(value))}" for name, value in zip(levels, values, strict=True))
        variables = tuple(each for name in levels for each in question.variables_of[name])
        level = tuple(
            float(value) for name, value in zip(levels, values, strict=True) for _ in question.variables_of[name]
        )
        for regime in regimes:
            worlds[f"{regime}, {setting}"] = World(regime, (Source(variables, "set", level=level),))
        effects[f"direct, {setting}"] = {f"treated, {setting}": 1.0, f"control, {setting}": -1.0}
    estimand = (
        f"What treated instead of control ({question.regimes_in_words}) would do to {outcome} with "
        f"{in_words(list(levels))} set to the same value for everyone (controlled direct effect)."
    )
    assumptions = (
        f"Given what came before, nothing unmeasured drives {in_words(list(levels))} and {outcome}.",
        f"Setting {in_words(list(levels))} is possible, whatever the way of setting it.",
    )
    return answer(question, worlds, effects, estimand, assumptions)


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
) -> Counterfactual:
    """Natural direct and indirect effects, where they are identified.

    ``NDE = E[Y(1, M(0))] - E[Y(0, M(0))]`` and ``NIE = E[Y(1, M(1))] - E[Y(1, M(0))]``, with M(a) the
    mediators that the same person would have under regime a. With a confounder of mediator and
    outcome that treatment changes they are not identified, whatever the data [1]_.

    Parameters
    ----------
    order, outcome, seed, monte_carlo, certainty
        As in `contrast_of_regimes`.
    treated, control
        Regimes to be compared.
    mediators
        Taken together.

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
    """
    regimes = {"treated": treated, "control": control}
    _require_mediators(mediators)
    question = check(order, regimes, tuple(mediators), outcome, seed, monte_carlo, certainty, kind="natural")
    as_control = Source(question.mediators, "own", regime="control")
    worlds = {
        "treated": World("treated"),
        "control": World("control"),
        "treated, mediators of control": World("treated", (as_control,)),
    }
    effects = {
        "total": {"treated": 1.0, "control": -1.0},
        "direct": {"treated, mediators of control": 1.0, "control": -1.0},
        "indirect": {"treated": 1.0, "treated, mediators of control": -1.0},
    }
    named = in_words(list(mediators))
    estimand = (
        f"What treated instead of control ({question.regimes_in_words}) would do to {outcome}, split into what would "
        f"remain if everyone kept the {named} of control (direct) and the rest (indirect): natural effects."
    )
    assumptions = (
        f"Given the covariates, nothing unmeasured drives {named} and {outcome}.",
        f"What {outcome} would be under one regime is independent, given the covariates, of what {named} would be "
        "under the other (no experiment can check this).",
    )
    return answer(question, worlds, effects, estimand, assumptions)


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
) -> Counterfactual:
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
        Label of each person, of the people within which mediator histories are drawn from
        anyone; left open, each person is given a new draw from the law of people with the same
        covariates.

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
    _require_mediators(mediators)
    regimes = {"treated": treated, "control": control}
    named = tuple(mediators)
    question = check(order, regimes, named, outcome, seed, monte_carlo, certainty, strata=strata)

    def drawn(regime: str, variables: tuple[str, ...], pool: int = 1) -> Source:
        return Source(variables, "drawn", regime=regime, pool=pool)

    joint = {regime: drawn(regime, question.mediators) for regime in regimes}
    worlds = {
        "treated": World("treated"),
        "control": World("control"),
        "treated, draws of treated": World("treated", (joint["treated"],)),
        "treated, draws of control": World("treated", (joint["control"],)),
        "control, draws of control": World("control", (joint["control"],)),
    }
    indirect = {"treated, draws of treated": 1.0, "treated, draws of control": -1.0}
    effects = {
        "total": {"treated": 1.0, "control": -1.0},
        "overall": {"treated, draws of treated": 1.0, "control, draws of control": -1.0},
        "direct": {"treated, draws of control": 1.0, "control, draws of control": -1.0},
        "indirect": indirect,
    }
    if len(named) > 1:
        remainder = dict(indirect)
        separately = {name: drawn("control", question.variables_of[name], 2 + k) for k, name in enumerate(named)}
        base = "treated, separate draws of control"
        worlds[base] = World("treated", tuple(separately.values()))
        for place, name in enumerate(named):
            moved = {**separately, name: drawn("treated", question.variables_of[name], 2 + place)}
            label = f"treated, separate draws, {name} of treated"
            worlds[label] = World("treated", tuple(moved.values()))
            effects[f"through {name} alone"] = {label: 1.0, base: -1.0}
            remainder[label] = -1.0
            remainder[base] = remainder.get(base, 0.0) + 1.0
        effects["jointly"] = remainder
    words = in_words(list(named))
    whom = "with the same covariates" if strata is None else "of the same stratum"
    estimand = (
        f"What treated instead of control ({question.regimes_in_words}) would do to {outcome} with {words} given as "
        f"random draws from people {whom}: as under control (direct); and what moving these draws from control to "
        "treated would do (indirect): interventional effects. Total is the effect without giving anything."
    )
    assumptions = (
        f"Given what came before, nothing unmeasured drives {words} and {outcome}.",
        "An indirect effect is one of moving the mediators' distribution; it may differ from 0 although no single "
        "person's outcome changes through their own mediator.",
    )
    return answer(question, worlds, effects, estimand, assumptions)


def answer(
    question: Question,
    worlds: Mapping[str, World],
    effects: Mapping[str, Mapping[str, float]],
    estimand: str,
    assumptions: tuple[str, ...],
) -> Counterfactual:
    """Simulate the worlds and compare them."""
    simulation = question.simulation
    means = simulate_worlds(simulation, list(worlds.values()))
    by_world = dict(zip(worlds, means, strict=True))
    contrasts = {
        name: sum(weight * by_world[world] for world, weight in parts.items()) for name, parts in effects.items()
    }
    table, noise = _table(contrasts, simulation)
    draws = xr.Dataset({name: _averaged(array, simulation) for name, array in contrasts.items()})
    fixed = {name: _is_fixed(simulation, worlds, effects[name], array) for name, array in contrasts.items()}
    order = simulation.order
    shown, propensities = _shown(question)
    overlap = _overlap(shown)
    return Counterfactual(
        outcome=simulation.outcome,
        table=with_fixed(_with_probabilities(table, draws), np.array(list(fixed.values())), PROBABILITIES),
        means=_table(by_world, simulation)[0].rename_axis("world"),
        draws=draws,
        verdicts={
            str(name): FIXED if fixed[str(name)] else _verdict(effect, question.certainty, order.sampling)
            for name, effect in draws.items()
        },
        overlap=overlap,
        shown=shown,
        regimes=tuple(simulation.regimes),
        estimand=estimand,
        warnings=(*_noisy(noise), *_outside(overlap), *_extreme(propensities)),
        assumptions=(*_common_assumptions(question), *assumptions, *order.model_assumptions),
        sampling=order.sampling,
        certainty=question.certainty,
        heading=_heading(question),
        question=question,
    )


def _is_fixed(
    simulation: Simulation, worlds: Mapping[str, World], parts: Mapping[str, float], contrast: NDArray[Any]
) -> bool:
    """Whether a contrast is 0 by construction: of two worlds whose difference the outcome does not answer to.

    Functions that users write may read more than they say, so that the simulated differences have to be 0 too.
    """
    if len(parts) != 2 or contrast.any():
        return False
    return not may_differ(simulation, *(worlds[name] for name in parts))


def _averaged(by_copy: NDArray[Any], simulation: Simulation) -> xr.DataArray:
    by_chain = by_copy.mean(axis=-1).reshape(simulation.chains, simulation.draws)
    averaged = xr.DataArray(by_chain, dims=("chain", "draw"))
    imputation = simulation.order.imputation
    if imputation is None or len(imputation) != simulation.chains:
        return averaged
    return averaged.assign_coords(imputation=("chain", imputation))


def _table(arrays: Mapping[str, NDArray[Any]], simulation: Simulation) -> tuple[pd.DataFrame, dict[str, float]]:
    """Rows, and each one's share of the simulation's noise in the variance of the draws."""
    rows, shares = {}, {}
    for name, by_copy in arrays.items():
        draws = _averaged(by_copy, simulation)
        lower, upper = interval(draws, "chain", "draw")
        noise = float((by_copy.var(axis=-1, ddof=1) / by_copy.shape[-1]).mean())
        variance = float(draws.var(ddof=1)) if draws.size > 1 else 0.0
        shares[name] = noise / variance if variance > 0 else 0.0
        rows[name] = {
            "mean": float(draws.mean()),
            "sd": float(np.sqrt(max(variance - noise, 0.0))),
            "lower": float(lower),
            "upper": float(upper),
            "simulation_error": float(np.sqrt(noise / draws.size)),
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("effect"), shares


def _with_probabilities(table: pd.DataFrame, draws: xr.Dataset) -> pd.DataFrame:
    positive = [probability(indicator(draws[name] > 0, draws[name])) for name in table.index]
    return table.assign(
        p_positive=[share.value for share in positive], p_positive_mcse=[share.mcse for share in positive]
    )


def _verdict(effect: xr.DataArray, certainty: float, sampling: tuple[str, ...]) -> str:
    if not sampling and probability(indicator(effect > 0, effect)).reaches(certainty):
        return "positive"
    return "negative" if not sampling and probability(indicator(effect < 0, effect)).reaches(certainty) else "undecided"


def _noisy(shares: Mapping[str, float]) -> tuple[str, ...]:
    noisy = [name for name, share in shares.items() if share > LARGEST_NOISE]
    if not noisy:
        return ()
    return (
        f"Simulation noise makes up more than {100 * LARGEST_NOISE:.0f} % of the draws' variance of "
        f"{in_words(noisy)}, and widens the intervals; raise copies.",
    )


def _outside(overlap: pd.DataFrame) -> tuple[str, ...]:
    if "outside" not in overlap:
        return ()
    far = overlap["outside"][overlap["outside"] > NOTICEABLE]
    return tuple(
        f"{100 * share:.0f} % of the simulated '{variable}' under {under} lie outside what was observed: there the "
        "equations alone speak."
        for (variable, under), share in far.items()
    )


def _extreme(propensities: Mapping[str, Mapping[str, NDArray[Any]]]) -> tuple[str, ...]:
    """A sentence for each yes/no treatment that some people nearly always, or nearly never, have."""
    found = []
    for variable, by_group in propensities.items():
        values = np.concatenate(list(by_group.values()))
        share = float(((values < EXTREME) | (values > 1 - EXTREME)).mean())
        if share > NOTICEABLE:
            found.append(
                f"{100 * share:.0f} % of the people have {variable} below {EXTREME} or above {1 - EXTREME}: what they "
                "would be like the other way rests on the equations."
            )
    return tuple(found)


type Shown = dict[str, dict[str, NDArray[Any]]]


def _shown(question: Question) -> tuple[Shown, Shown]:
    """Simulated values of what is changed or drawn, by regime, and what was observed of it; propensities among them."""
    simulation = question.simulation
    most = max(1, min(simulation.chains * simulation.draws, N_SHOWN // len(simulation.order.people)))
    found: Shown = {}
    propensities: Shown = {}
    for name in dict.fromkeys((*question.moved, *question.mediators)):
        propensity = _propensity(question, name, most) if name in question.moved else None
        if propensity is not None:
            found[f"P({name} = 1)"] = propensities[f"P({name} = 1)"] = propensity
            continue
        by_regime = {regime: simulated_values(simulation, regime, name, most) for regime in simulation.regimes}
        observed = simulation.order.observed(name)
        if observed is not None:
            by_regime["observed"] = observed
        exists = {under: values[~np.isnan(values)] for under, values in by_regime.items()}
        found[name] = {under: values for under, values in exists.items() if len(values)}
    return found, propensities


def _propensity(question: Question, state: str, most: int) -> dict[str, NDArray[Any]] | None:
    """Probability of a yes/no treatment for the people who had it and for those who had not.

    Where they are not the people who are simulated, as some of these were not asked, those of its regression.
    """
    simulation = question.simulation
    order = simulation.order
    observed, data = order.observed(state), order.data_of(state)
    if observed is None or set(observed) != {0.0, 1.0}:
        return None
    if len(observed) != len(order.people):
        equation = order.equation_of(state)
        if data is None or equation is None:
            return None
        simulation = replace(simulation, order=CausalOrder(data, [equation]), strata=None, bootstrap=False)
    expected = expected_values(simulation, state, most)
    if expected is None:
        return None
    return {f"people with {state}": expected[observed == 1], f"people without {state}": expected[observed == 0]}


def _overlap(shown: Mapping[str, Mapping[str, NDArray[Any]]]) -> pd.DataFrame:
    rows = {}
    for variable, by_regime in shown.items():
        observed = by_regime.get("observed")
        for under, values in by_regime.items():
            low, high = np.quantile(values, [0.01, 0.99])
            outside = np.nan
            if observed is not None:
                outside = float(((values < observed.min()) | (values > observed.max())).mean())
            rows[variable, under] = {
                "mean": float(values.mean()),
                "lower": float(low),
                "upper": float(high),
                "outside": outside,
            }
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["mean", "lower", "upper", "outside"])
    table.index = pd.MultiIndex.from_tuples(list(rows), names=["variable", "under"])
    return table


def _common_assumptions(question: Question) -> tuple[str, ...]:
    order = question.simulation.order
    treatments = question.treatments
    free = [name for name in treatments if name not in order.randomised]
    randomised = [name for name in treatments if name in order.randomised]
    found = []
    if free:
        found.append(
            f"Given what came before, nothing unmeasured drives {_listed(free)} and '{question.simulation.outcome}' "
            "(sequential exchangeability)."
        )
    if randomised:
        found.append(f"{_listed(randomised)} was assigned at random.")
    found += [
        "However treatments and mediators come to be what they are, the same consequences follow (consistency), and "
        "people do not affect each other.",
        "People of every kind could be under each regime (positivity; see the overlap).",
        "The conditional models are right: " + "; ".join(equation.in_words for equation in order.equations) + ".",
        "Missing values are missing at random given what the models condition on.",
    ]
    return tuple(found)


def _listed(names: Sequence[str]) -> str:
    return in_words([f"'{name}'" for name in names])


def _require_mediators(mediators: Sequence[str]) -> None:
    if not len(mediators):
        raise SpecError("No mediator was named, such as mediators=['alliance_at_3'].")


def _heading(question: Question) -> str:
    simulation = question.simulation
    order = simulation.order
    people = "new people" if order.new_people else "people, resampled" if simulation.bootstrap else "people"
    return (
        f"Effects on {simulation.outcome}, in its own unit; {len(order.people)} {people}, "
        f"{simulation.chains * simulation.draws} draws, {simulation.copies} simulated copies of each person"
    )
