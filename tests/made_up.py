"""Bambi models with made-up draws of their parameters: nothing is compiled or sampled, so it is fast."""

import warnings

import bambi
import numpy as np
import xarray as xr

POSITIVE = ("sigma", "nu", "alpha", "kappa")


def made_up_fit(formula, frame, family, *, spread=0.4, **options):
    """A model and draws of its parameters, dims ``(chain, draw, ...)``, 2 chains of 10."""
    rng = np.random.default_rng(1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = bambi.Model(formula, frame, family=family, **options)
        model.build()
    inside = model.backend.model
    variables = {}
    for name in (variable.name for variable in inside.free_RVs):
        dims = inside.named_vars_to_dims.get(name, ())
        values = rng.normal(0, spread, (2, 10, *(len(inside.coords[dim]) for dim in dims)))
        values = np.exp(values) if name in POSITIVE else np.clip(abs(values), 0.1, 0.9) if name == "psi" else values
        variables[name] = (("chain", "draw", *dims), values)
    coordinates = {dim: list(inside.coords[dim]) for dims, _ in variables.values() for dim in dims[2:]}
    return model, xr.DataTree.from_dict({"/posterior": xr.Dataset(variables, coords=coordinates)})


def made_up_by_bambi(formula, family, rows, **_):
    """Instead of `regressions.families.fit_by_bambi`; effects are small enough that no count explodes."""
    return made_up_fit(formula, rows, family, spread=0.002)
