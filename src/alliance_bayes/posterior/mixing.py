"""Draws of several imputations as one, and how much differs between them."""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
import xarray as xr

from ..engine.quantities import Quantity

__all__ = ["imputation_of_chains", "mixed", "share_between"]


def imputation_of_chains(draws: xr.Dataset) -> dict[str, tuple[str, np.ndarray]]:
    """The coordinate by which draws computed from these stay known by their imputation; empty where there are none."""
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
    """Share of the posterior variance that lies between imputations, the largest first.

    Parameters
    ----------
    posteriors
        Posterior draws of each imputation.
    quantities
        Derived quantities that they hold.

    Returns
    -------
    pandas.Series
        ``(1 + 1/m) B / (W + (1 + 1/m) B)``, B the variance of the m posterior means and W the mean posterior variance,
        in [0, 1]; indexed by the quantity with its coordinates, such as ``"lagged[0 to 6, alliance -> days]"``.
    """
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
