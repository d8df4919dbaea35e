"""Posterior predictive checks: statistics of the panel, completed, beside those of replicated panels."""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from ..summaries import indicator, interval
from .people import People
from .responses import observed_responses, response_statistics

__all__ = ["check", "compared"]

LOW, HIGH = 0.025, 0.975  # posterior predictive p-values beyond which a statistic is a misfit

type FloatArray = npt.NDArray[np.float64]


def check(people: People, thetas: FloatArray, rng_for: Callable[[str], np.random.Generator]) -> pd.DataFrame:
    """`Fit.check`, at one draw of the parameters per row; `rng_for` gives random numbers for a purpose."""
    pairs = [
        [response_statistics(people.model, responses) for responses in pair]
        for pair in people.completed_and_replicated(thetas, rng_for("check"))
    ]
    table = compared(response_statistics(people.model, observed_responses(people.model)), pairs)
    chi_squares = people.chi_squares(thetas, rng_for("overall check"))
    overall = largest_deviation_row(pairs) if chi_squares is None else chi_square_row(*chi_squares)
    return pd.concat([overall, table])


def compared(observed: pd.Series, pairs: Sequence[Sequence[pd.Series]]) -> pd.DataFrame:
    """Observed statistics beside completed and replicated ones, of each draw."""
    completed, replicated = (
        xr.DataArray(np.array(part), dims=("sample", "statistic")) for part in zip(*pairs, strict=True)
    )
    with np.errstate(invalid="ignore"):
        lower, upper = interval(replicated, "sample")
        larger = indicator(replicated > completed, replicated, completed).mean("sample").to_numpy()
        larger = np.where(observed.isna(), np.nan, larger)  # too few people have both values
    return pd.DataFrame(
        {
            "observed": observed,
            "completed": completed.mean("sample").to_numpy(),
            "mean": replicated.mean("sample").to_numpy(),
            "lower": lower.to_numpy(),
            "upper": upper.to_numpy(),
            "p": larger,
            "verdict": np.where((larger < LOW) | (larger > HIGH), "misfit", ""),
        },
        index=observed.index,
    )


def chi_square_row(completed: FloatArray, replicated: FloatArray) -> pd.DataFrame:
    """Chi-squares against the saturated model as a row of the table; only large ones are a misfit."""
    return _overall_row(completed, replicated, ("chi-square", "means and covariances"))


def largest_deviation_row(pairs: Sequence[Sequence[pd.Series]]) -> pd.DataFrame:
    """Largest deviation of any statistic from its mean over replicated panels, in their SDs, as a row of the table."""
    completed, replicated = (np.array(part) for part in zip(*pairs, strict=True))
    name, mean, sd = ("largest deviation", "all statistics"), replicated.mean(axis=0), replicated.std(axis=0)
    known = np.isfinite(completed).all(axis=0) & (sd > 0)  # an SD of NaN is not above 0
    if not known.any():
        unknown = np.full(len(completed), np.nan)
        return _overall_row(unknown, unknown, name)
    first, second = (np.abs((part - mean)[:, known] / sd[known]).max(axis=1) for part in (completed, replicated))
    return _overall_row(first, second, name)


def _overall_row(completed: FloatArray, replicated: FloatArray, name: tuple[str, str]) -> pd.DataFrame:
    first, second = (xr.DataArray(part, dims="sample") for part in (completed, replicated))
    larger = float(indicator(second > first, first, second).mean())
    lower, upper = interval(second, "sample")
    row = {
        "observed": float(first.mean()),
        "completed": float(first.mean()),
        "mean": float(second.mean()),
        "lower": float(lower),
        "upper": float(upper),
        "p": larger,
        "verdict": "misfit" if larger < LOW else "",
    }
    index = pd.MultiIndex.from_tuples([name], names=["statistic", "of"])
    return pd.DataFrame([row], index=index)
