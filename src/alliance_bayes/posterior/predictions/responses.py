"""Responses of all people of a panel, observed or predicted, and the statistics of them that checks compare."""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from ...basics.names import number
from ...engine.latent.family_layout import response_sizes
from ...engine.model_on_panel import PanelModel
from ...panel import reported_states

__all__ = ["Responses", "observed_responses", "response_statistics", "statistic_table"]

type FloatArray = npt.NDArray[np.float64]


class Responses(NamedTuple):
    """Responses and states of people.

    Attributes
    ----------
    values
        Of the spec's `response_columns` in their own units, shape ``(person, wave * column)``; NaN where absent.
    state
        1 where the state is on, 0 where it is off, NaN where it is not known, shape ``(person, wave)``; without columns
        where the model has none.
    """

    values: FloatArray
    state: FloatArray


def observed_responses(model: PanelModel) -> Responses:
    """Responses of the panel itself."""
    spec, panel = model.spec, model.panel
    columns = [panel.measures.index(name) for name in spec.response_columns]
    values = panel.require_persons("A posterior predictive check")[:, :, columns].reshape(panel.n_persons, -1)
    state = np.zeros((panel.n_persons, 0)) if spec.state is None else reported_states(spec.state.name, panel)
    return Responses(np.asarray(values), state)


def response_statistics(model: PanelModel, responses: Responses) -> pd.Series:
    """Means, SDs and correlations of responses, shares at their lowest and highest, and transitions of the state."""
    waves = [number(time) for time in model.panel.times]
    return _series(
        _moments(responses.values, model.spec.response_columns, waves)
        | dict(_shares_at_the_ends(model, responses.values, waves))
        | dict(_transitions(responses.state, waves))
    )


def _shares_at_the_ends(
    model: PanelModel, values: FloatArray, waves: Sequence[str]
) -> Iterator[tuple[tuple[str, str], float]]:
    spec = model.spec
    by_wave = values.reshape(len(values), len(waves), -1)
    for name, family in spec.random_families.items():
        ends = dict(
            zip(("share lowest", "share highest"), family.ends(response_sizes(name, family, model.panel)), strict=True)
        )
        for column in spec.columns_of(name):
            responses = by_wave[:, :, spec.response_columns.index(column)]
            with np.errstate(invalid="ignore", divide="ignore"):
                for words, end in ends.items():
                    if end is not None:
                        shares = (responses == end).sum(axis=0) / (~np.isnan(responses)).sum(axis=0)
                        yield from (((words, f"{column}, {label}"), shares[wave]) for wave, label in enumerate(waves))


def _transitions(state: FloatArray, waves: Sequence[str]) -> Iterator[tuple[tuple[str, str], float]]:
    for wave in range(state.shape[1]):
        yield ("share on", waves[wave]), _mean(state[:, wave])
    for wave in range(1, state.shape[1]):
        before, after = state[:, wave - 1], state[:, wave]
        for word, at_start in (("acquired", 0.0), ("kept", 1.0)):
            yield (word, f"{waves[wave - 1]} to {waves[wave]}"), _mean(after[before == at_start])


def _mean(values: FloatArray) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else np.nan


def statistic_table(values: np.ndarray, measures: Sequence[str], waves: Sequence[str]) -> pd.Series:
    """Means, SDs, correlations within a wave and with the next, of values ``(person, value)`` stacked wave by wave.

    Each from the people who have both values; NaN where these are fewer than three.
    """
    return _series(_moments(values, measures, waves))


def _series(rows: Mapping[tuple[str, str], float]) -> pd.Series:
    return pd.Series(list(rows.values()), index=_index(tuple(rows)), name="value")


@lru_cache(maxsize=4)
def _index(names: tuple[tuple[str, str], ...]) -> pd.MultiIndex:
    """The same for each of a thousand predicted panels, and dearer to make than their statistics."""
    return pd.MultiIndex.from_tuples(names, names=["statistic", "of"])


def _moments(values: np.ndarray, measures: Sequence[str], waves: Sequence[str]) -> dict[tuple[str, str], float]:
    n_measures = len(measures)
    positions = [
        (wave * n_measures + measure, f"{name}, {label}")
        for wave, label in enumerate(waves)
        for measure, name in enumerate(measures)
    ]
    observed = ~np.isnan(values)
    filled = np.where(observed, values, 0.0)
    counts = observed.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        means = filled.sum(axis=0) / counts
        deviations = np.where(observed, filled - means, 0.0)  # a large mean would swamp sums of squares
        sds = np.sqrt((deviations**2).sum(axis=0) / (counts - 1))
        correlations = _pairwise_correlations(deviations, observed)
    rows: dict[tuple[str, str], float] = {("mean", name): means[index] for index, name in positions}
    rows |= {("sd", name): sds[index] for index, name in positions}
    for earlier, first in positions:
        for later, second in positions:
            gap = later // n_measures - earlier // n_measures
            if gap == 0 and earlier < later:
                rows["correlation", f"{first} and {second}"] = correlations[earlier, later]
            elif gap == 1:
                rows["lagged correlation", f"{first} and {second}"] = correlations[earlier, later]
    return rows


def _pairwise_correlations(deviations: np.ndarray, observed: np.ndarray) -> np.ndarray:
    weights = observed.astype(float)
    counts = weights.T @ weights
    sums = deviations.T @ weights
    squares = (deviations**2).T @ weights
    products = deviations.T @ deviations
    covariance = products / counts - (sums / counts) * (sums / counts).T
    variance = squares / counts - (sums / counts) ** 2
    correlations = covariance / np.sqrt(variance * variance.T)
    return np.where(counts >= 3, correlations, np.nan)
