"""Reading a saved fit, and comparing its draws with the model on its panel."""

import os

import numpy as np
import xarray as xr

from ..basics.calls import checked
from ..basics.json_records import read_record
from ..basics.names import quoted
from ..basics.problems import AllianceBayesError, Problems
from ..engine.model_on_panel import PanelModel, panel_model
from ..spec.mapping import spec_from_mapping
from .fit import Fit
from .sample import Sample
from .saving import file_of_draws, read_fit, readable
from .settings import Settings, check_settings

__all__ = ["load_fit"]


@checked()
def load_fit(path: str | os.PathLike[str]) -> Fit:
    """Read a fit that `Fit.save` or a run of the command line wrote.

    Parameters
    ----------
    path
        The netCDF file, or the folder of a finished run, which holds one.

    Raises
    ------
    AllianceBayesError
        If the run is not finished, or the file is missing, was not written by `Fit.save`, or was changed or truncated
        since: every byte is checked against the checksum at its end before anything else is read.
    """
    path = file_of_draws(path)
    record, panel, draws = read_fit(path)
    with readable(path) as problems:
        settings = read_record(Settings, record.settings, "The settings", problems)
        if settings is not None:
            with problems.collecting():
                check_settings(
                    *(settings.draws, settings.tune, settings.chains, settings.cores),
                    *(settings.target_accept, settings.seed, settings.sampler, settings.thin),
                )
        spec = None
        with problems.collecting():
            spec = spec_from_mapping(record.spec)
        problems.raise_as(AllianceBayesError)
        assert spec is not None
        assert settings is not None
        model = panel_model(spec, panel)
        _check_draws(draws, model, settings, problems)
        _check_people(draws, model, problems)
        problems.raise_as(AllianceBayesError)
        return Fit(model, Sample(draws, settings, record.incomplete))


def _check_draws(draws: xr.DataTree, model: PanelModel, settings: Settings, problems: Problems) -> None:
    """Whether draws are those of the model's parameters at these measures and times, and no more than requested."""
    for group in ("posterior", "sample_stats"):
        if group not in draws.children:
            problems.add(f"The group '{group}' is missing.")
    problems.raise_as(AllianceBayesError)
    posterior, labels = draws["posterior"].to_dataset(), model.scale.coordinates
    sizes, of_statistics = (dict(draws[group].to_dataset().sizes) for group in ("posterior", "sample_stats"))
    for dim in ("chain", "draw"):
        if not sizes.get(dim) or sizes[dim] != of_statistics.get(dim):
            problems.add(f"posterior has {sizes.get(dim, 0)} along '{dim}', sample_stats {of_statistics.get(dim, 0)}.")
        labels_of_draws = posterior[dim].to_numpy().tolist() if dim in posterior.coords else []
        if len(set(labels_of_draws)) < len(labels_of_draws):
            problems.add(f"Along '{dim}' the draws have {quoted(labels_of_draws)}; expected each once.")
    for dim, requested in (("chain", settings.chains), ("draw", settings.draws)):
        if sizes.get(dim, 0) > requested:
            problems.add(f"posterior has {sizes[dim]:,} along '{dim}'; the settings ask for {requested:,}.")
    expected = {block.name: block.dims for block in model.scale.blocks}
    expected |= {quantity.name: quantity.dims for quantity in model.derived.quantities}
    for name, dims_of_draw in expected.items():
        dims = ("chain", "draw", *dims_of_draw)
        if name not in posterior or set(posterior[name].dims) != set(dims):
            problems.add(f"posterior has no '{name}' of the dims {quoted(dims)}.")
        elif posterior[name].dtype.kind != "f":
            problems.add(f"posterior: '{name}' is of the type {posterior[name].dtype}; expected numbers.")
    for dim in sorted(map(str, set(sizes) & set(labels))):
        held = posterior[dim].to_numpy().tolist() if dim in posterior.coords else []
        if held != list(labels[dim]):
            problems.add(f"Along '{dim}' the draws have {quoted(held)}; the model has {quoted(labels[dim])}.")


def _check_people(draws: xr.DataTree, model: PanelModel, problems: Problems) -> None:
    """Whether draws of persons are of the panel's persons."""
    persons = model.panel.persons
    no_ids = np.empty(0, dtype=object)
    for name, group in draws.children.items():
        if "person" not in group.dims:
            continue
        held = group["person"].to_numpy() if "person" in group.coords else no_ids
        known = no_ids if persons is None else persons[model.has_value] if name == "log_likelihood" else persons
        if not np.array_equal(held, known):  # dates come back in another unit
            problems.add(
                f"{name} is of the people {quoted(held.tolist(), most=5)}; expected those of the panel, "
                f"{quoted(known.tolist(), most=5)}."
            )
