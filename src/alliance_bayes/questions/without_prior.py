"""Beside every lagged effect, what it is without any prior and with a wide one of the lags; differences in words."""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import xarray as xr

from ..basics.names import in_words
from ..posterior.posterior import Posterior
from ..posterior.without_prior import HEADS, IN_WORDS, MAXIMUM, WIDE, WIDE_AVERAGES, WithoutPrior, with_error
from .cells import labels
from .directionality_effects import SIDES, Effects, drawn_effects

__all__ = ["COLUMNS", "differences_in_words", "estimates_without_prior", "with_estimates_without_prior"]

COLUMNS = ("without_prior", "without_prior_sd", "without_prior_by")
WITH_WIDE_PRIOR = ("with_wide_prior", "with_wide_prior_sd", "with_wide_prior_by")
N_SHOWN = 2
LARGE = 0.5
"""Difference from the posterior mean, in posterior SDs, from which it is said in words."""


def with_estimates_without_prior(
    table: pd.DataFrame, fit: Posterior, pair: tuple[str, str], lag: float, effects: Sequence[Effects]
) -> pd.DataFrame:
    """A table of effects with columns on the same effects without priors; NaN where not to be had."""
    for columns, found in ((COLUMNS, fit.without_prior), (WITH_WIDE_PRIOR, fit.with_wide_prior)):
        values, spreads = _estimates(table, fit, found, pair, lag, effects)
        by = "" if found is None else found.by
        table = table.assign(**dict(zip(columns, (values, spreads, by), strict=True)))
    return table


def _estimates(
    table: pd.DataFrame,
    fit: Posterior,
    found: WithoutPrior | None,
    pair: tuple[str, str],
    lag: float,
    effects: Sequence[Effects],
) -> tuple[list[float], list[float]]:
    """Estimates of the effects of a table, and their standard errors or SDs."""
    if found is None:
        return [np.nan] * len(table), [np.nan] * len(table)
    without = replace(
        fit, sample=replace(fit.sample, draws=xr.DataTree.from_dict({"/posterior": found.draws}), examined=None)
    )
    by_interval, averages = drawn_effects(without, pair, lag)
    names = [str(name) for name in by_interval["interval"].to_numpy()]

    def of(side: str, over: str) -> xr.DataArray:
        if over in names:
            return by_interval[side].sel(interval=over)
        return averages[side].isel(length=[one.over for one in effects].index(over))

    sides = dict(zip(effects[0].paths, SIDES, strict=True))
    estimates = [found.estimate(of(sides[path], over)) for path, over in table.index]
    return [value for value, _ in estimates], [spread for _, spread in estimates]


def estimates_without_prior(shown: pd.DataFrame) -> dict[str, list[str]]:
    """A printed column of these estimates with their errors."""
    by = str(shown["without_prior_by"].iloc[0])
    if not by:
        return {"without prior": ["not to be had"] * len(shown)}
    cells = zip(shown["without_prior"], shown["without_prior_sd"], strict=True)
    return {HEADS[by]: [with_error(*cell) for cell in cells]}


def differences_in_words(shown: pd.DataFrame) -> Iterator[str]:
    """One sentence where priors move effects by more than half a posterior SD, the most moved first, and which do."""
    distances = _in_sds(shown, "without_prior").abs()
    moved = distances[distances > LARGE].sort_values(ascending=False, kind="stable")
    if moved.empty:
        return
    names = dict(zip(shown.index, labels(shown), strict=True))
    by, which = str(shown["without_prior_by"].iloc[0]), _which_prior(shown)
    said = [
        f"{names[key]} is {shown.loc[key, 'without_prior']:.2f}, not {shown.loc[key, 'mean']:.2f} "
        f"({away:.1f} posterior SDs away{f'; {which[key]}' if by == MAXIMUM else ''})"
        for key, away in moved.iloc[:N_SHOWN].items()
    ]
    more = len(moved) - N_SHOWN
    others = [f"{more} more effect{'s' * (more > 1)} differ{'s' * (more == 1)} by more than half a posterior SD"]
    words = IN_WORDS[by]
    yield f"{words[0].upper()}{words[1:]}, {in_words(said + others * (more > 0))}."


def _in_sds(shown: pd.DataFrame, column: str) -> pd.Series:
    """How far estimates are from posterior means, in posterior SDs; NaN where the draws do not vary."""
    return (shown[column] - shown["mean"]) / shown["sd"].where(shown["sd"] > 0)


def _which_prior(shown: pd.DataFrame) -> dict[Hashable, str]:
    """Whether the prior of the lags is what moves an effect away from its maximum likelihood, or other priors are."""
    wide, best = _in_sds(shown, "with_wide_prior"), _in_sds(shown, "without_prior")
    of_averages = str(shown["with_wide_prior_by"].iloc[0]) == WIDE_AVERAGES
    of, other = (
        ("average lags", "other priors, or that of differences from averages,")
        if of_averages
        else ("the lags", "other priors")
    )

    def said(key: Hashable) -> str:
        if not np.isfinite(wide[key]):
            return "which prior moves it is not known"
        by_lags = wide[key] * np.sign(best[key]) > LARGE
        by_others = abs(best[key] - wide[key]) > LARGE
        whose = f"the prior of {of} moves it" if by_lags else f"{other} move it"
        if by_lags and by_others:
            whose = f"the prior of {of} moves it, and so do {other.rstrip(',')}"
        return f"{shown.loc[key, 'with_wide_prior']:.2f} with a prior SD of {WIDE:g} for {of}: {whose}"

    return {key: said(key) for key in shown.index}
