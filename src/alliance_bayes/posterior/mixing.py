"""Draws of several imputations as one, and how much differs between them."""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
import xarray as xr

from ..engine.quantities import Quantity

__all__ = ["imputation_of_chains", "mixed", "share_between"]


def imputation_of_chains(draws: xr.Dataset) -> dict[str, tuple[str, np.ndarray]]:
    """Coordinate that names the imputation of each chain, for draws computed from these; empty where there is none."""
    return {"imputation": ("chain", draws["imputation"].to_numpy())} if "imputation" in draws.coords else {}


def mixed(parts: Sequence[xr.Dataset]) -> xr.Dataset:
    """Draws of several imputations as chains of one data set, whose coordinate ``imputation`` tells them apart."""
    n_chains = [part.sizes["chain"] for part in parts]
    n_draws = min(part.sizes["draw"] for part in parts)  # fewer after an interruption
    return xr.concat(
        [
            part.isel(draw=slice(n_draws)).assign_coords(
                chain=np.arange(size) + sum(n_chains[:index]), imputation=("chain", np.full(size, index))
            )
            for index, (part, size) in enumerate(zip(parts, n_chains, strict=True))
        ],
        dim="chain",
    )


def share_between(posteriors: Sequence[xr.Dataset], quantities: Iterable[Quantity]) -> pd.Series:
    """`Fit.between_share`, of the posterior draws of each imputation."""
    values: dict[str, float] = {}
    for quantity in quantities if posteriors else ():
        draws = [posterior[quantity.name] for posterior in posteriors]
        means = np.stack([part.mean(("chain", "draw")).to_numpy() for part in draws])
        within = np.mean([part.var(("chain", "draw"), ddof=1).to_numpy() for part in draws], axis=0)
        between = (1 + 1 / len(draws)) * means.var(axis=0, ddof=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            shares = between / (within + between)
        labels = quantity.labels({dim: draws[0][dim].values.tolist() for dim in quantity.dims})
        values |= dict(zip(labels, shares.ravel().tolist(), strict=True))
    return pd.Series(values, name="between_share", dtype=float).dropna().sort_values(ascending=False, kind="stable")
