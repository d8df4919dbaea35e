"""Tables of regressions: coefficients of each term, at each time, and numbers of rows."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from ..basics.names import number
from ..causal.rows import eligible_rows
from ..spec.association import BETWEEN, WITHIN, RandomInterceptRegression
from .cells import mean_and_interval, sign

__all__ = ["Posterior", "associations_by_time", "coefficients", "draws_by_model", "rows_used"]

COLUMNS = ["mean", "lower", "upper", "p_positive", "p_positive_mcse", "unit"]

type Posterior = Mapping[tuple[str, str], xr.DataArray]
"""Draws by outcome and model, dims ``(chain, draw, term)``."""


def coefficients(regression: RandomInterceptRegression, posterior: Posterior) -> pd.DataFrame:
    """One row for each outcome, model and term."""
    rows = {
        (outcome, model, term): _row(draws.sel(term=term, drop=True), _unit(regression, outcome, term))
        for (outcome, model), draws in posterior.items()
        for term in map(str, draws["term"].to_numpy())
    }
    return _frame(rows, ["outcome", "model", "term"])


def associations_by_time(
    regression: RandomInterceptRegression, posterior: Posterior, used: Mapping[str, pd.DataFrame]
) -> pd.DataFrame:
    """One row for each outcome, model, exposure that has a product with time, and time of the rows used."""
    rows: dict[Any, dict[str, Any]] = {}
    for (outcome, model), draws in posterior.items():
        for exposure, product in _changing(regression, [str(term) for term in draws["term"].to_numpy()]):
            at_zero, per_step = draws.sel(term=exposure, drop=True), draws.sel(term=product, drop=True)
            for time in _times(regression, used[outcome]):
                slope = at_zero + per_step * (time - regression.time_zero) / regression.time_step
                rows[outcome, model, exposure, time] = _row(slope, f"{outcome} per {exposure}")
    return _frame(rows, ["outcome", "model", "exposure", "time"])


def rows_used(
    regression: RandomInterceptRegression, data: pd.DataFrame, used: Mapping[str, pd.DataFrame]
) -> pd.DataFrame:
    """Rows and persons of each outcome's regressions."""
    eligible = len(eligible_rows(regression, data))
    counts = {
        outcome: {
            "rows": len(rows),
            "persons": rows[regression.person].nunique(),
            "repeated": int((rows[regression.person].value_counts() > 1).sum()),
            "rows_excluded": eligible - len(rows),
        }
        for outcome, rows in used.items()
    }
    return pd.DataFrame.from_dict(counts, orient="index").rename_axis("outcome")


def draws_by_model(posterior: Posterior, dims: Mapping[str, str]) -> xr.Dataset:
    """Draws of each model as one variable, dims ``(chain, draw, outcome, <dimension of its terms>)``."""
    models = {}
    for model, dim in dims.items():
        by_outcome = {outcome: draws for (outcome, of), draws in posterior.items() if of == model}
        outcomes = pd.Index(list(by_outcome), name="outcome")
        together = xr.concat(list(by_outcome.values()), outcomes, join="outer", coords="minimal", compat="override")
        models[model] = together.rename(term=dim).transpose("chain", "draw", "outcome", dim)
    return xr.Dataset(models)


def _row(draws: xr.DataArray, unit: str) -> dict[str, Any]:
    return mean_and_interval(draws) | sign(draws) | {"unit": unit}


def _frame(rows: dict[Any, dict[str, Any]], names: list[str]) -> pd.DataFrame:
    empty = pd.MultiIndex.from_arrays([[]] * len(names), names=names)
    index = pd.MultiIndex.from_tuples(rows, names=names) if rows else empty
    return pd.DataFrame(list(rows.values()), columns=COLUMNS, index=index)


def _unit(regression: RandomInterceptRegression, outcome: str, term: str) -> str:
    if term in ("Intercept", "sigma", f"1|{regression.person}_sigma"):
        return outcome
    step = f"{number(regression.time_step)} {regression.time_unit or 'of ' + regression.time}"
    others = [part for part in term.split(":") if part != regression.time]
    per = "".join(f" per {part}" for part in others)
    return f"{outcome}{per}" + (f" per {step}" if len(others) < len(term.split(":")) else "")


def _times(regression: RandomInterceptRegression, rows: pd.DataFrame) -> list[float]:
    steps = np.unique(rows[regression.time])
    return [round(float(step) * regression.time_step + regression.time_zero, 9) for step in steps]


def _changing(regression: RandomInterceptRegression, terms: list[str]) -> Iterator[tuple[str, str]]:
    """Exposures, split or not, whose only other term is a product with time, and that term."""
    for exposure in (name + end for name in regression.exposures for end in ("", WITHIN, BETWEEN)):
        holding = [term for term in terms if exposure in term.split(":")]
        products = [f"{exposure}:{regression.time}", f"{regression.time}:{exposure}"]
        product = [term for term in holding if term in products]
        if len(holding) == 2 and exposure in holding and product:
            yield exposure, product[0]
