"""Draws of a fit as figures of arviz-plots, of a few quantities each."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import xarray as xr

from ..basics.names import number
from .sample import Sample
from .summaries import check_quantities

if TYPE_CHECKING:
    from arviz_plots import PlotCollection

__all__ = ["plot_of_draws", "plot_of_replicates"]

LAGGED = ("lagged_standardized",)


def plot_of_draws(function: str, sample: Sample, names: Sequence[str] | None) -> "PlotCollection":
    """A figure of arviz-plots, by the name of its function, of some quantities or the lagged effects."""
    chosen = list(LAGGED if names is None else names)
    check_quantities(sample.posterior, chosen, "These quantities cannot be drawn")
    groups = {f"/{group}": sample.group(group)[chosen] for group in ("posterior", "prior")}
    return _plotted(function, xr.DataTree.from_dict(groups), var_names=chosen)


def plot_of_replicates(sample: Sample) -> "PlotCollection":
    """Replicated and observed values of each measure at each time, of the people who have one there."""
    replicated, observed = sample.group("posterior_predictive")["values"], sample.group("observed_data")["values"]
    replicates: dict[str, xr.DataArray] = {}
    values: dict[str, xr.DataArray] = {}
    for measure in observed["measure"].to_numpy():
        for time in observed["time"].to_numpy():
            at, person = {"measure": measure, "time": time}, f"person with {measure} at {number(float(time))}"
            there = observed.sel(at, drop=True).rename(person=person).dropna(person)
            if there.size:
                name = f"{measure} at {number(float(time))}"
                values[name] = there
                replicates[name] = replicated.sel(at, drop=True).rename(person=person).sel({person: there[person]})
    tree = {"/posterior_predictive": xr.Dataset(replicates), "/observed_data": xr.Dataset(values)}
    return _plotted("plot_ppc_dist", xr.DataTree.from_dict(tree), num_samples=50)


def _plotted(function: str, tree: xr.DataTree, **options: Any) -> "PlotCollection":
    import arviz_base
    import arviz_plots

    with arviz_base.rc_context({"plot.max_subplots": None}):
        return getattr(arviz_plots, function)(tree, backend="matplotlib", **options)
