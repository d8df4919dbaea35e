"""A small fit made without sampling, its file, and files forged from it with a seal that is right."""

import io
import json
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import xarray as xr

import alliance_bayes as ab
from alliance_bayes.basics.seals import seal_of
from alliance_bayes.engine.model_on_panel import panel_model
from alliance_bayes.posterior.after_sampling import with_other_groups
from alliance_bayes.posterior.prior_draws import prior_draws
from alliance_bayes.posterior.sample import Sample
from alliance_bayes.posterior.saving import FORMAT
from alliance_bayes.posterior.settings import Settings

__all__ = ["content", "forged", "made_up_fit", "made_up_fit_of", "sealed", "whole_file"]

Groups = dict[str, xr.Dataset]
N_DRAWS = 4


@cache
def made_up_fit(kind: str = "persons") -> ab.Fit:
    """Prior draws in the place of posterior ones: a fit in everything that a file holds."""
    if kind == "moments":
        spec = ab.CLPM(["x", "y"])
        panel = ab.Panel.from_moments(
            measures=["x", "y"], times=[0, 1], n=200, means=np.zeros(4), covariance=0.7 * np.eye(4) + 0.3
        )
    elif kind == "groups":
        spec = ab.RICLPM(["x", "y"], group_lags="free")
        values = np.random.default_rng(2).normal(size=(40, 3, 2))
        panel = ab.Panel.from_arrays(values, measures=["x", "y"], times=[0, 6, 12], groups=["a", "b"] * 20)
    elif kind == "mixed ids":
        spec = ab.RICLPM(["x", "y"])
        values = np.random.default_rng(3).normal(size=(6, 3, 2))
        values[[0, 2]] = np.nan
        persons = np.array([1, 2.5, 20, "30", "P1", "a"], dtype=object)
        panel = ab.Panel.from_arrays(values, measures=["x", "y"], times=[0, 6, 12], persons=persons)
    else:
        spec = ab.RICLPM(["x", "y"])
        values = np.random.default_rng(1).normal(size=(7, 3, 2))
        values[2, 1, 0] = np.nan
        panel = ab.Panel.from_arrays(values, measures=["x", "y"], times=[0, 6, 12], time_unit="months")
    return made_up_fit_of(spec, panel, with_all_groups=kind == "mixed ids")


def made_up_fit_of(spec: ab.RICLPM | ab.CLPM, panel: ab.Panel, *, with_all_groups: bool = False) -> ab.Fit:
    """A fit of any model to any panel, its draws from the prior; with what is found after sampling, if wanted."""
    settings, model = Settings(N_DRAWS, 5, 1, 1, 0.8, 3, "nutpie", 0.1, 0.2), panel_model(spec, panel)
    prior = prior_draws(model, settings.rng("prior")).isel(draw=slice(N_DRAWS))
    sampler = xr.Dataset({"diverging": (("chain", "draw"), np.zeros((1, N_DRAWS), dtype=bool))})
    draws = {"/posterior": prior, "/sample_stats": sampler.assign_coords(prior[["chain", "draw"]].coords)}
    sample = Sample(xr.DataTree.from_dict(draws), settings)
    return ab.Fit(model, with_other_groups(model, sample, prior) if with_all_groups else sample)


@cache
def whole_file(kind: str = "persons") -> bytes:
    """Bytes of the file that `Fit.save` writes."""
    with tempfile.TemporaryDirectory() as folder:
        return made_up_fit(kind).save(Path(folder) / "fit.nc").read_bytes()


def content(kind: str = "persons") -> bytes:
    """The file without its seal."""
    return whole_file(kind)[: whole_file(kind).rindex(b"\nalliance_bayes fit, format")]


def sealed(path: Path, body: bytes, file_format: int = FORMAT) -> Path:
    """A file of these bytes and the seal that belongs to them."""
    path.write_bytes(body + seal_of(body, file_format))
    return path


@cache
def _groups(kind: str) -> Groups:
    with xr.open_datatree(io.BytesIO(content(kind)), engine="h5netcdf") as opened:
        return {name: group.drop_encoding() for name, group in opened.load().to_dict().items()}


def forged(
    folder: Path,
    *,
    fit: Callable[[dict], object] | None = None,
    panel: Callable[[dict], object] | None = None,
    groups: Callable[[Groups], object] | None = None,
    kind: str = "persons",
) -> Path:
    """The file with its JSON or its arrays changed in place, sealed again."""
    held = {name: group.copy() for name, group in _groups(kind).items()}
    for change, (group, name) in {fit: ("/", "alliance_bayes"), panel: ("/panel", "panel")}.items():
        if change is not None:
            record = json.loads(held[group].attrs[name])
            changed = change(record)
            held[group].attrs[name] = json.dumps(changed if isinstance(changed, str | list | int) else record)
    if groups is not None:
        groups(held)
    body = xr.DataTree.from_dict(held).to_netcdf(engine="h5netcdf")
    return sealed(folder / "forged.nc", bytes(body))
