"""Tipping points: the shift of missing values at which the sign of an effect is no longer certain."""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
import xarray as xr
from scipy.special import ndtr, ndtri

from ..basics.names import in_words, number
from ..posterior.summaries import Probability
from .cells import stated

__all__ = [
    "between_share",
    "probability_along",
    "shift_in_words",
    "tipping_points",
    "tipping_sentences",
]

# With fewer draws on one side of 0 their share is imprecise, and the mean in SDs is interpolated instead.
FEW = 10


def shift_in_words(delta: float) -> str:
    """A shift as it is printed.

    Examples
    --------
    >>> shift_in_words(-0.5)
    '-0.5'
    """
    return f"{delta:.3g}"


def between_share(draws: xr.DataArray) -> float:
    """``(1 + 1/m) B / (W + (1 + 1/m) B)``, B the variance of the m means and W the mean variance."""
    by_imputation = draws.groupby("imputation")
    means, within = by_imputation.mean(("chain", "draw")), by_imputation.var(("chain", "draw"), ddof=1)
    between = (1 + 1 / means.size) * float(means.var(ddof=1))
    return between / (between + float(within.mean()))


def tipping_points(table: pd.DataFrame, certainty: float, unit: float, n_draws: int) -> pd.DataFrame:
    """Where the probability of each effect's sign falls below the certainty, outward from delta 0.

    From ``table`` of `delta_adjustment` its ``tables["tipping"]``; `unit` is one SD of the measure, NaN where it has
    none, and `n_draws` are the draws at each delta.
    """
    rows: dict[tuple[str, str, str], dict[str, object]] = {}
    for path in table.index.unique("path"):
        for over in table.index.unique("over"):
            along = table.xs((path, over), level=("path", "over"))
            sign = _sign(float(along.loc[0.0, "p_positive"]), certainty)
            direction = -1 if sign == "negative" else 1
            for toward, side in (("lower", along.index <= 0), ("higher", along.index >= 0)):
                if side.sum() < 2:
                    continue
                outward = along[side].sort_index(key=np.abs)
                tips = {
                    name: np.nan
                    if sign == "uncertain"
                    else _first_below(direction * _quantiles(outward, direction * errors, n_draws), certainty)
                    for name, errors in {"delta": 0, "earliest": -2, "latest": 2}.items()
                }
                rows[path, over, toward] = {"sign": sign, **tips, "raw": tips["delta"] * unit}
    index = pd.MultiIndex.from_tuples(rows, names=["path", "over", "toward"])
    return pd.DataFrame(list(rows.values()), index=index, columns=["sign", "delta", "raw", "earliest", "latest"])


def probability_along(rows: pd.DataFrame, deltas: np.ndarray, n_draws: int, errors: float) -> np.ndarray:
    """Probability of a positive effect at deltas between the rows' (in increasing order), so many MC errors higher."""
    return np.asarray(ndtr(np.interp(deltas, rows.index.to_numpy(float), _quantiles(rows, errors, n_draws))))


def _sign(p_positive: float, certainty: float) -> str:
    if p_positive >= certainty:
        return "positive"
    return "negative" if 1 - p_positive >= certainty else "uncertain"


def _quantiles(rows: pd.DataFrame, errors: float, n_draws: int) -> pd.Series:
    """Normal quantiles of the probabilities of a positive effect, so many Monte Carlo errors higher.

    Where few draws are on the other side of 0, the mean in SDs takes the place of the quantile.
    """
    chance = np.clip(rows["p_positive"] + errors * rows["p_positive_mcse"], 0.5 / n_draws, 1 - 0.5 / n_draws)
    few = np.minimum(rows["p_positive"], 1 - rows["p_positive"]) * n_draws < FEW
    quantiles = pd.Series(ndtri(chance), index=rows.index)
    return quantiles.mask(few, rows["mean"] / rows["sd"])


def _first_below(quantiles: pd.Series, certainty: float) -> float:
    """Where a probability, given by its quantiles outward from delta 0, first falls below the certainty, or NaN."""
    deltas, excess = quantiles.index.to_numpy(float), quantiles.to_numpy() - ndtri(certainty)
    below = np.flatnonzero(excess < 0)
    if not below.size:
        return np.nan
    first = int(below[0])
    if first == 0:
        return 0.0
    share = excess[first - 1] / (excess[first - 1] - excess[first])
    return float(deltas[first - 1] + share * (deltas[first] - deltas[first - 1]))


def tipping_sentences(table: pd.DataFrame, tipping: pd.DataFrame, certainty: float, n_draws: int) -> Iterator[str]:
    """Where the signs tip, one sentence for each effect and side."""
    several = len(table.index.unique("over")) > 1
    for (path, over, toward), row in tipping.iterrows():
        effect = f"{path}, {over}" if several else path
        side = [delta for delta in table.index.unique("delta") if (delta < 0 if toward == "lower" else delta > 0)]
        if row["sign"] == "uncertain":
            along = table.xs((path, over), level=("path", "over"))["p_positive"]
            yield _never_certain(along, effect, toward, side, certainty, n_draws)
            continue
        event = f"P({path} {'>' if row['sign'] == 'positive' else '<'} 0){f', {over},' if several else ''}"
        farthest = shift_in_words(max(side, key=abs))
        if np.isnan(row["delta"]):
            yield (
                f"{event} stays at {number(certainty)} or above for every delta from 0 to {farthest}: no tipping point "
                "within the range."
            )
            continue
        latest = f"{row['latest']:.2f}" if np.isfinite(row["latest"]) else f"beyond {farthest}"
        raw = "" if np.isnan(row["raw"]) else f", {row['raw']:.3g} in the measure's unit"
        yield (
            f"{event} falls below {number(certainty)} at delta {row['delta']:.2f}{raw} (two Monte Carlo errors to "
            f"either side: {row['earliest']:.2f}, {latest})."
        )


def _never_certain(
    along: pd.Series, effect: str, toward: str, side: Sequence[float], certainty: float, n_draws: int
) -> str:
    becomes = [delta for delta in side if _sign(float(along.loc[delta]), certainty) != "uncertain"]
    at_random = stated("effect > 0", Probability(float(along.loc[0.0]), 0.0, n_draws))
    start = f"The sign of {effect} is uncertain at delta 0 ({at_random})"
    if not becomes:
        return f"{start} and at every delta with {toward} values."
    deltas = in_words([shift_in_words(delta) for delta in sorted(becomes, key=abs)])
    return f"{start}, but not at delta {deltas}, where it is {_sign(float(along.loc[becomes[0]]), certainty)}."
