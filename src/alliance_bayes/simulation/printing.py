"""A truth in words and tables."""

from typing import Any

import numpy as np
import pandas as pd

from ..basics.names import in_words, lagged_path, number
from ..spec.steps import interval_names
from .reading import Array, pairs_in_words
from .true_process import TrueProcess

__all__ = ["describe"]

_FURTHER = {
    "lag_2": "Effects over two waves, in the same SDs",
    "moderation": "Change of effects per SD of the moderator",
    "within_scale": "Within-person SDs at later waves, relative to the first",
    "innovations": "Covariances of the innovations, in within-person SDs at the first wave",
    "trait_loadings": "Loadings of the traits at later waves",
    "accumulating_correlation": "Correlations of the accumulating factors",
    "first_accumulating_correlation": "Correlations of the first wave with the accumulating factors",
    "slope_correlation": "Correlations of the slopes",
    "intercept_slope_correlation": "Correlations of the factors with the slopes",
    "first_slope_correlation": "Correlations of the first wave with the slopes",
    "loadings": "Loadings",
    "item_intercepts": "Intercepts of indicators",
    "unique_sds": "Unique SDs of indicators",
    "covariates": "Covariates",
    "responses": "Families",
    "state": "State",
    "selection": "Selection",
}


def describe(truth: TrueProcess) -> str:
    """The printed form of a truth."""
    spec = truth.spec
    within = "" if spec.stable == "none" else "within-person "
    table = pd.DataFrame(_by_path(truth, truth.standardized), index=list(interval_names(tuple(truth.times)))).T
    lines = [
        f"True values of a {spec.title} of {in_words(spec.measures)} "
        f"at times {in_words([number(time) for time in truth.times])}",
        f"Lagged effects, in {within}SDs of the outcome per {within}SD of the predictor:",
        _printed(table),
    ]
    if truth.drift is not None:
        drift = _by_path(truth, truth._by_path(truth.drift)[None])
        lines += ["Drift per unit of time, in the same SDs:", _printed(pd.DataFrame(drift, index=["drift"]).T)]
    lines += [
        "Measures, in raw units:",
        _printed(pd.DataFrame(_columns(truth), index=list(spec.measures))),
        f"Correlations {'within persons' if within else 'at every wave'}: "
        + pairs_in_words(truth.within_correlation, spec.measures),
    ]
    if spec.random_intercepts or truth.equilibrium:
        lines.append("Correlations between persons: " + pairs_in_words(truth.between_correlation, spec.measures))
    if truth.equilibrium:
        lines.append("Everybody starts at equilibrium: the same population as an RI-CLPM.")
    given = ((words, getattr(truth, name)) for name, words in _FURTHER.items())
    return "\n".join(lines + [f"{words}: {_in_words(value)}" for words, value in given if value is not None])


def _by_path(truth: TrueProcess, effects: Array) -> dict[str, Array]:
    """Effects by path, each over intervals; from dims (interval, outcome, predictor)."""
    return {
        lagged_path(predictor, outcome): over_intervals
        for outcome, by_predictor in zip(truth.spec.measures, effects.transpose(1, 2, 0), strict=True)
        for predictor, over_intervals in zip(truth.spec.measures, by_predictor, strict=True)
    }


def _columns(truth: TrueProcess) -> dict[str, Array]:
    """Columns of the table of measures, by the heading of its column."""
    spec, columns = truth.spec, dict[str, Array]()
    if spec.stable != "none":
        columns["ICC"] = truth._shares
    if spec.error:
        columns["error share"] = truth._each(truth.error_share)
    columns["SD"] = truth._total_sds
    for name, heading in (("accumulating", "accumulating"), ("slope", "slope")):
        for part, word in (("sds", "SD"), ("means", "mean")):
            if (value := getattr(truth, f"{name}_{part}")) is not None:
                columns[f"{heading} {word}"] = truth._each(value)
    means = truth._wave_means
    if np.ptp(means, axis=0).any():
        times = (f"mean at {number(time)}" for time in truth.times)
        return columns | dict(zip(times, means, strict=True))
    return columns | {"mean": means[0]}


def _in_words(value: Any) -> str:
    if isinstance(value, dict):
        return "; ".join(f"{name} {_in_words(entry)}" for name, entry in value.items())
    if isinstance(value, tuple):
        return ", ".join(map(_in_words, value))
    return number(value) if isinstance(value, float) else str(value)


def _printed(table: pd.DataFrame) -> str:
    return str(table.map(lambda value: number(round(value, 4))).to_string())
