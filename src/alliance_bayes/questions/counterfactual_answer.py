"""The answer to every counterfactual question: worlds are simulated and compared."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from ..basics.assumptions import ERROR_IN_REGRESSIONS
from ..basics.names import in_words
from ..basics.text_tables import TextTable
from ..causal.simulate_regimes import Simulation, World, may_differ, simulate_worlds, simulated_values
from ..figures.bars import Bar
from ..figures.effects import Histogram, bars_and_histograms_figure
from ..posterior.summaries import indicator, interval_name, probability
from .answer import Answer, Sampling
from .cells import estimates, intervals, mean_and_interval, median_and_interval, table_of
from .counterfactual_overlap import SimulatedValues, overlap_doubts, overlap_table, values_by_regime
from .counterfactual_plan import CounterfactualPlan
from .structure import FIXED, labelled_bars, signs, with_fixed

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["WORLD_MEANS", "Contrasts", "SimulatedRegimes", "answer_of", "averaged_over_copies"]

LARGEST_NOISE = 0.05
WORLD_MEANS = "world_means"
FEW_DRAWS = 4  # to see which values an outcome has
NEGLIGIBLE = 1e-9
PROBABILITIES = ("p_positive", "p_positive_mcse")

type Array = NDArray[Any]


@dataclass(frozen=True)
class Contrasts:
    """Worlds to simulate by name, and for each effect the weights of the worlds whose mean outcomes it compares."""

    worlds: Mapping[str, World]
    effects: Mapping[str, Mapping[str, float]]


@dataclass(frozen=True, eq=False)
class SimulatedRegimes:
    """Basis of a counterfactual answer: its plan, and values that were simulated."""

    plan: CounterfactualPlan
    values: SimulatedValues


def answer_of(
    question: str,
    plan: CounterfactualPlan,
    contrasts: Contrasts,
    *,
    estimand: str,
    assumptions: Sequence[str] = (),
    exchangeable: bool = True,
    asked: Mapping[str, Any],
) -> Answer:
    """Simulate worlds and compare them, as `contrast_of_regimes` describes.

    To the assumptions of all such answers others are added; not all effects need that nothing unmeasured drives
    treatments and outcome (`exchangeable`). What else the question was asked with is kept in the arguments.
    """
    simulation = plan.simulation
    order = simulation.order
    by_world = dict(zip(contrasts.worlds, simulate_worlds(simulation, list(contrasts.worlds.values())), strict=True))
    by_effect = {
        name: sum(weight * by_world[world] for world, weight in weights.items())
        for name, weights in contrasts.effects.items()
    }
    draws = xr.Dataset({name: averaged_over_copies(array, simulation) for name, array in by_effect.items()})
    summaries, noise = _table(by_effect, simulation)
    fixed = {
        name: _is_fixed(simulation, [contrasts.worlds[world] for world in contrasts.effects[name]], array)
        for name, array in by_effect.items()
    }
    table = with_fixed(_with_probabilities(summaries, draws), np.array(list(fixed.values())), PROBABILITIES).assign(
        verdict=[FIXED if fixed[name] else _verdict(draws[name], plan.certainty, order.sampling) for name in by_effect]
    )
    means = _table(by_world, simulation)[0].rename_axis("world")
    world_means = xr.concat(
        [averaged_over_copies(array, simulation) for array in by_world.values()], pd.Index(list(by_world), name="world")
    )
    ratios = _ratios(contrasts, world_means, _values_of_outcome(simulation))
    values = values_by_regime(plan)
    overlap = overlap_table(values)
    return Answer(
        question=question,
        arguments={
            **asked,
            "outcome": simulation.outcome,
            "seed": simulation.seed,
            "monte_carlo": plan.monte_carlo,
            "certainty": plan.certainty,
        },
        heading=_heading(plan),
        table=table,
        body=(
            estimand,
            _in_words(table, means, list(simulation.regimes), simulation.chains * simulation.draws),
            *(() if ratios.empty else (_ratios_in_words(ratios),)),
        ),
        tables={"means": means, "overlap": overlap, **({} if ratios.empty else {"ratios": ratios})},
        draws=draws.assign({WORLD_MEANS: world_means.transpose("chain", "draw", "world")}),
        verdict="; ".join(f"{name}: {verdict}" for name, verdict in table["verdict"].items()),
        reasons=(*_noisy(noise), *overlap_doubts(plan, values, overlap)),
        assumptions=(*_common_assumptions(plan, exchangeable), *assumptions, *order.model_assumptions),
        before_assumptions="About causes only under these assumptions:",
        health=Sampling(order.sampling),
        basis=SimulatedRegimes(plan, values),
        figure=_figure,
    )


def _ratios(contrasts: Contrasts, means: xr.DataArray, known: Array) -> pd.DataFrame:
    """Ratios of two worlds' means, where no known value is negative, and odds ratios, where all are yes or no."""
    scales = []
    if (known >= 0).all() and float(means.min()) > 0:
        scales.append("ratio")
        if np.isin(known, (0, 1)).all() and float(means.max()) < 1:
            scales.append("odds ratio")
    rows: dict[tuple[str, str], dict[str, float]] = {}
    for effect, weights in contrasts.effects.items():
        by_weight = {weight: world for world, weight in weights.items()}
        if len(weights) != 2 or set(by_weight) != {1.0, -1.0}:
            continue
        first, second = (means.sel(world=by_weight[weight], drop=True) for weight in (1.0, -1.0))
        of_scale = {"ratio": first / second, "odds ratio": first / (1 - first) * (1 - second) / second}
        rows |= {(effect, scale): median_and_interval(of_scale[scale], "median") for scale in scales}
    return table_of(rows, "effect", "scale") if rows else pd.DataFrame()


def _values_of_outcome(simulation: Simulation) -> Array:
    """Observed values of the outcome, or simulated ones where there are no data."""
    observed = simulation.order.observed(simulation.outcome)
    if observed is None:
        regimes = list(simulation.regimes)
        drawn = [simulated_values(simulation, regime, simulation.outcome, FEW_DRAWS) for regime in regimes]
        observed = np.concatenate(drawn)
    return observed[~np.isnan(observed)]


def _ratios_in_words(ratios: pd.DataFrame) -> TextTable:
    return TextTable.of(
        {
            "": [f"{effect}, {scale}" for effect, scale in ratios.index],
            "median": [f"{median:.3g}" for median in ratios["median"]],
            interval_name(): intervals(ratios, form=".3g"),
        }
    )


def averaged_over_copies(by_copy: Array, simulation: Simulation) -> xr.DataArray:
    """Mean over copies, dims ``(chain, draw)``, of an array with dims ``(draw of any chain, copy)``."""
    by_chain = by_copy.mean(axis=-1).reshape(simulation.chains, simulation.draws)
    averaged = xr.DataArray(by_chain, dims=("chain", "draw"))
    imputation = simulation.order.imputation
    if imputation is None or len(imputation) != simulation.chains:
        return averaged
    return averaged.assign_coords(imputation=("chain", imputation))


def _figure(answer: Answer) -> "Figure":
    assert isinstance(answer.basis, SimulatedRegimes)
    bars = labelled_bars(answer.table)
    if "instrument" in answer.tables:
        bars += [(str(name), Bar.of(row)) for name, row in answer.tables["instrument"].iterrows()]
    panels = [
        (variable, [Histogram(under, values) for under, values in by_regime.items()])
        for variable, by_regime in answer.basis.values.items()
    ]
    outcome = answer.arguments["outcome"]
    return bars_and_histograms_figure(bars, panels, title=f"Effects on {outcome}", unit=f"difference in {outcome}")


def _is_fixed(simulation: Simulation, worlds: Sequence[World], contrast: Array) -> bool:
    """Whether a contrast is 0 by construction: the difference between its two worlds does not affect the outcome.

    Functions that users write may read more than their parents, so that the simulated differences have to be 0 too.
    """
    return len(worlds) == 2 and not contrast.any() and not may_differ(simulation, *worlds)


def _table(arrays: Mapping[str, Array], simulation: Simulation) -> tuple[pd.DataFrame, dict[str, float]]:
    """Rows, and each one's share of the simulation's noise in the variance of the draws."""
    rows, shares = {}, {}
    for name, by_copy in arrays.items():
        draws = averaged_over_copies(by_copy, simulation)
        noise = float((by_copy.var(axis=-1, ddof=1) / by_copy.shape[-1]).mean())
        variance = float(draws.var(ddof=1)) if draws.size > 1 else 0.0
        shares[name] = noise / variance if variance > 0 else 0.0
        rows[name] = {
            **mean_and_interval(draws),
            "sd": float(np.sqrt(max(variance - noise, 0.0))),
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


def _common_assumptions(plan: CounterfactualPlan, exchangeable: bool) -> Iterator[str]:
    order = plan.simulation.order
    if not order.model_assumptions:  # which say it of a panel model
        yield ERROR_IN_REGRESSIONS
    free = [f"'{name}'" for name in plan.treatments if name not in order.randomised]
    randomised = [f"'{name}'" for name in plan.treatments if name in order.randomised]
    if exchangeable and free:
        yield (
            f"Given what came before, nothing unmeasured drives {in_words(free)} and '{plan.simulation.outcome}' "
            "(sequential exchangeability)."
        )
    if exchangeable and randomised:
        yield f"{in_words(randomised)} {'was' if len(randomised) == 1 else 'were'} assigned at random."
    yield (
        "However treatments and mediators come about, the same consequences follow (consistency), and people do not "
        "affect each other."
    )
    yield "People of every kind could be under each regime (positivity; see the overlap)."
    yield "The conditional models are right: " + "; ".join(equation.in_words for equation in order.equations) + "."
    yield "Missing values are missing at random given what the models condition on."


def _heading(plan: CounterfactualPlan) -> str:
    simulation = plan.simulation
    order = simulation.order
    people = "new people" if order.new_people else "people, resampled" if simulation.bootstrap else "people"
    return (
        f"Effects on {simulation.outcome}, in its own unit; {len(order.people)} {people}, "
        f"{simulation.chains * simulation.draws} draws, {simulation.copies} simulated copies of each person"
    )


def _in_words(table: pd.DataFrame, means: pd.DataFrame, regimes: Sequence[str], n_draws: int) -> TextTable:
    under = means.loc[[name for name in means.index if name in regimes]]
    rows = pd.concat([under.rename(index="mean under {}".format), table[under.columns]])
    return TextTable.of(
        {
            "": [str(name) for name in rows.index],
            **estimates(rows, ".3g"),
            "posterior SD": [f"{sd:.2g}" for sd in rows["sd"]],
            "simulation error": [f"{error if error > NEGLIGIBLE else 0:.1g}" for error in rows["simulation_error"]],
            "P(effect > 0)": [""] * len(under) + signs(table, n_draws),
        }
    )
