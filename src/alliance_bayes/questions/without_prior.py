"""Beside every lagged effect, what the data say of it without the prior of the lags; large differences in words."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import xarray as xr

from ..basics.names import in_words
from ..posterior.posterior import Posterior
from ..posterior.without_prior import HEADS, AtMaximum, Reweighted, with_error
from .cells import labels
from .directionality_effects import SIDES, Effects, drawn_effects

__all__ = ["COLUMNS", "differences_in_words", "estimates_without_prior", "with_estimates_without_prior"]

COLUMNS = ("without_prior", "without_prior_sd", "without_prior_by")
N_SHOWN = 2
LARGE = 0.5
"""Difference from the posterior mean, in posterior SDs, from which it is said in words."""
IN_WORDS = {
    AtMaximum.by: "Without priors, by maximum likelihood,",
    Reweighted.by: "With a prior SD of 1 for lags between measures",
}


def with_estimates_without_prior(
    table: pd.DataFrame, fit: Posterior, pair: tuple[str, str], lag: float, effects: Sequence[Effects]
) -> pd.DataFrame:
    """A table of effects with columns on the same effects without the prior of the lags; NaN where not to be had."""
    found = fit.without_prior
    if found is None:
        return table.assign(**dict(zip(COLUMNS, (np.nan, np.nan, ""), strict=True)))
    without = replace(fit, sample=replace(fit.sample, draws=xr.DataTree.from_dict({"/posterior": found.draws})))
    by_interval, averages = drawn_effects(without, pair, lag)
    names = [str(name) for name in by_interval["interval"].to_numpy()]

    def of(side: str, over: str) -> xr.DataArray:
        if over in names:
            return by_interval[side].sel(interval=over)
        return averages[side].isel(length=[one.over for one in effects].index(over))

    sides = dict(zip(effects[0].paths, SIDES, strict=True))
    estimates = [found.estimate(of(sides[path], over)) for path, over in table.index]
    values, sds = zip(*estimates, strict=True)
    return table.assign(**dict(zip(COLUMNS, (values, sds, found.by), strict=True)))


def estimates_without_prior(shown: pd.DataFrame) -> dict[str, list[str]]:
    """A printed column of these estimates with their errors."""
    by = str(shown["without_prior_by"].iloc[0])
    if not by:
        return {"without prior": ["not to be had"] * len(shown)}
    cells = zip(shown["without_prior"], shown["without_prior_sd"], strict=True)
    return {HEADS[by]: [with_error(*cell) for cell in cells]}


def differences_in_words(shown: pd.DataFrame) -> Iterator[str]:
    """One sentence where the prior moves effects by more than half a posterior SD, the most moved first."""
    distance = (shown["without_prior"] - shown["mean"]).abs() / shown["sd"].where(shown["sd"] > 0)
    moved = distance[distance > LARGE].sort_values(ascending=False, kind="stable")
    if moved.empty:
        return
    names = dict(zip(shown.index, labels(shown), strict=True))
    said = [
        f"{names[key]} is {shown.loc[key, 'without_prior']:.2f}, not {shown.loc[key, 'mean']:.2f} "
        f"({away:.1f} posterior SDs away)"
        for key, away in moved.iloc[:N_SHOWN].items()
    ]
    more = len(moved) - N_SHOWN
    others = [f"{more} more effect{'s' * (more > 1)} differ{'s' * (more == 1)} by more than half a posterior SD"]
    yield f"{IN_WORDS[str(shown['without_prior_by'].iloc[0])]} {in_words(said + others * (more > 0))}."
