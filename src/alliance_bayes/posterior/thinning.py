"""Keeping some of the draws, with statistics that count all of them."""

import numpy as np
import xarray as xr

__all__ = ["ALL_DIVERGENCES", "ENERGY_CHANGE", "as_if_thinned", "every"]

ALL_DIVERGENCES = "n_diverging"
"""Statistic of a thinned sample: trajectories that diverged on the way from the draw before, dropped draws included."""
ENERGY_CHANGE = "energy_change"
"""Statistic of a thinned sample: energy less that of the draw directly before, whether that was kept or not."""


def every(thin: int, tree: xr.DataTree) -> xr.DataTree:
    """Of every `thin` draws of each chain the last.

    It is diverging where any of these draws is, all of which are counted, as are the steps of all; other statistics,
    such as energies, are those of the draws kept.
    """
    if thin == 1:
        return tree
    n_kept = tree["posterior"].sizes["draw"] // thin
    of_all = tree["sample_stats"].to_dataset().isel(draw=slice(n_kept * thin))
    last = slice(thin - 1, n_kept * thin, thin)
    posterior, statistics = (
        tree[name].to_dataset().isel(draw=last).copy(deep=True).assign_coords(draw=np.arange(n_kept))
        for name in ("posterior", "sample_stats")
    )
    for name, of in {ALL_DIVERGENCES: "diverging", "n_steps": "n_steps"}.items():
        if of in of_all:
            array = of_all[of].transpose("chain", "draw").to_numpy()
            statistics[name] = (("chain", "draw"), array.reshape(len(array), n_kept, thin).sum(axis=2))
    statistics["diverging"] = statistics[ALL_DIVERGENCES] > 0
    if "energy" in of_all:
        statistics[ENERGY_CHANGE] = (("chain", "draw"), _changes(of_all)[:, thin - 1 :: thin])
    return xr.DataTree.from_dict({"/posterior": posterior, "/sample_stats": statistics})


def as_if_thinned(statistics: xr.Dataset) -> xr.Dataset:
    """Statistics of a sample of which all draws were kept, with those of a thinned one."""
    if ALL_DIVERGENCES in statistics:
        return statistics
    changes = {ENERGY_CHANGE: (("chain", "draw"), _changes(statistics))} if "energy" in statistics else {}
    return statistics.assign({ALL_DIVERGENCES: statistics["diverging"].astype(np.int64), **changes})


def _changes(statistics: xr.Dataset) -> np.ndarray:
    energy = statistics["energy"].transpose("chain", "draw").to_numpy()
    return np.diff(energy, axis=1, prepend=np.nan)
