"""Overlap: simulated values under the regimes beside those that were observed."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..causal.causal_order import CausalOrder
from ..causal.simulate_regimes import expected_values, simulated_values
from .counterfactual_plan import CounterfactualPlan

__all__ = ["SimulatedValues", "overlap_doubts", "overlap_table", "values_by_regime"]

MOST_VALUES = 20_000
NOTICEABLE = 0.02
EXTREME = 0.05
OBSERVED = "observed"

type SimulatedValues = Mapping[str, Mapping[str, NDArray[Any]]]
"""Values by variable and then by regime, or group of people; "observed" where there are data."""


def values_by_regime(plan: CounterfactualPlan) -> SimulatedValues:
    """Values of treatments and mediators under each regime; of a yes/no treatment its probability, where known."""
    simulation, order = plan.simulation, plan.simulation.order
    most = max(1, min(simulation.chains * simulation.draws, MOST_VALUES // len(order.people)))
    by_variable: dict[str, Mapping[str, NDArray[Any]]] = {}
    for name in dict.fromkeys((*plan.moved, *plan.mediators)):
        if name in plan.moved and (propensity := _propensity(plan, name, most)) is not None:
            by_variable[_propensity_name(name)] = propensity
            continue
        values = {regime: simulated_values(simulation, regime, name, most) for regime in simulation.regimes}
        if (observed := order.observed(name)) is not None:
            values[OBSERVED] = observed
        existing = {under: array[~np.isnan(array)] for under, array in values.items()}
        by_variable[name] = {under: array for under, array in existing.items() if len(array)}
    return by_variable


def overlap_table(values: SimulatedValues) -> pd.DataFrame:
    """Mean and central 98 % of simulated values, and the share outside the range that was observed."""
    rows = {}
    for variable, by_regime in values.items():
        observed = by_regime.get(OBSERVED)
        for under, array in by_regime.items():
            low, high = np.quantile(array, [0.01, 0.99])
            rows[variable, under] = {
                "mean": float(array.mean()),
                "lower": float(low),
                "upper": float(high),
                "outside": np.nan if observed is None else _share_outside(array, observed),
            }
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["mean", "lower", "upper", "outside"])
    table.index = pd.MultiIndex.from_tuples(list(rows), names=["variable", "under"])
    return table


def overlap_doubts(plan: CounterfactualPlan, values: SimulatedValues, table: pd.DataFrame) -> Iterator[str]:
    """Sentences where many simulated values lie outside the data, or some people nearly never have a treatment."""
    for (variable, under), share in table["outside"][table["outside"] > NOTICEABLE].items():
        yield (
            f"{100 * share:.0f} % of the simulated '{variable}' under {under} lie outside the observed range: there "
            "the answer rests on the equations alone."
        )
    for propensity in map(_propensity_name, plan.moved):
        if propensity not in values:
            continue
        probabilities = np.concatenate(list(values[propensity].values()))
        share = float(((probabilities < EXTREME) | (probabilities > 1 - EXTREME)).mean())
        if share > NOTICEABLE:
            yield (
                f"{100 * share:.0f} % of the people have {propensity} below {EXTREME} or above {1 - EXTREME}: their "
                "outcome under the other treatment is known from the equations alone."
            )


def _share_outside(values: NDArray[Any], observed: NDArray[Any]) -> float:
    return float(((values < observed.min()) | (values > observed.max())).mean())


def _propensity_name(state: str) -> str:
    return f"P({state} = 1)"


def _propensity(plan: CounterfactualPlan, state: str, most_draws: int) -> dict[str, NDArray[Any]] | None:
    """Probability of a yes/no treatment for the people who had it and for those who had not.

    If some of the simulated people were not asked, those of the treatment's regression.
    """
    simulation = plan.simulation
    order = simulation.order
    observed, data = order.observed(state), order.data_of(state)
    if observed is None or set(observed) != {0.0, 1.0}:
        return None
    if len(observed) != len(order.people):
        equation = order.equation_of(state)
        if data is None or equation is None:
            return None
        simulation = replace(simulation, order=CausalOrder(data, [equation]), strata=None, bootstrap=False)
    expected = expected_values(simulation, state, most_draws)
    if expected is None:
        return None
    return {f"people with {state}": expected[observed == 1], f"people without {state}": expected[observed == 0]}
