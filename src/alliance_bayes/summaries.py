"""Intervals of draws, of the width and kind that ArviZ's settings ask for."""

import xarray as xr

__all__ = ["interval", "interval_name"]


def interval(draws: xr.DataArray, *dims: str) -> tuple[xr.DataArray, xr.DataArray]:
    """Lower and upper bound over the named dims."""
    import arviz_base
    import arviz_stats

    kind = {"eti": arviz_stats.eti, "hdi": arviz_stats.hdi}[arviz_base.rcParams["stats.ci_kind"]]
    bounds = kind(draws, dim=list(dims))
    return bounds.sel(ci_bound="lower", drop=True), bounds.sel(ci_bound="upper", drop=True)


def interval_name() -> str:
    """Width of the interval in words, such as "89 % interval"."""
    import arviz_base

    return f"{100 * arviz_base.rcParams['stats.ci_prob']:.3g} % interval"
