"""Densities of a person's values, given earlier ones or not, at every draw of a fit of these or other people."""

import numpy as np
import xarray as xr

from ...engine.kernels.persons import log_likelihoods_per_person
from ...engine.model_on_panel import PanelModel
from ...engine.moments.statistics import by_pattern, people_by_pattern
from ...panel import Panel
from ..fitting import Fit
from .latent_predictions import latent_per_person

__all__ = ["log_densities", "without_person"]


def log_densities(fit: Fit, draws_of: Fit, places: np.ndarray, n_given: int = 0) -> xr.DataArray:
    """Log density of people's waves after the first `n_given` of them, dims ``(chain, draw, person)``.

    ``log p(all) - log p(given)``, in the values' own units, random intercepts and states integrated
    out, given the covariates where the model has any.

    Parameters
    ----------
    fit
        Whose people are scored.
    draws_of
        Whose draws score them: the same model, on this panel or on part of it.
    places
        Positions of the people in the panel.
    n_given
        How many waves are conditioned on.
    """
    thetas = draws_of.thetas
    model = fit.model if draws_of.panel is fit.panel else draws_of.model.on(fit.panel)
    if fit.spec.is_latent:
        found = latent_per_person(model, thetas, places)
        if n_given:
            found = found - latent_per_person(model.before(n_given), thetas, places)
    else:
        found = _normal_densities(model, thetas, places, n_given)
    sizes = draws_of.posterior.sizes
    assert fit.panel.persons is not None
    return xr.DataArray(
        found.reshape(sizes["chain"], sizes["draw"], len(places)),
        dims=("chain", "draw", "person"),
        coords={
            "chain": np.arange(sizes["chain"]),
            "draw": np.arange(sizes["draw"]),
            "person": fit.panel.persons[places],
        },
    )


def _normal_densities(model: PanelModel, thetas: np.ndarray, places: np.ndarray, n_given: int) -> np.ndarray:
    """Densities where all measures are normal, shape ``(draw, person)``."""
    values, n_values = model.values(places), model.system.n_values
    n_columns, given = len(model.spec.columns), values.copy()
    given[:, n_given * n_columns : n_values] = np.nan
    scored = ~np.isnan(values[:, :n_values]) & np.isnan(given[:, :n_values])
    log_scale = np.tile(np.log(model.column_units[1]), n_values // n_columns)
    found = _joint(model, thetas, values, places) - _joint(model, thetas, given, places)
    return np.asarray(found - scored @ log_scale)


def without_person(panel: Panel, place: int) -> Panel:
    """The panel without the person at this position."""
    panel.require_persons("Leaving out persons")
    assert panel.persons is not None
    others = np.delete(np.arange(len(panel.persons)), place)
    return panel.of_persons(others, source=f"{panel.source} without person {panel.persons[place]}")


def _joint(model: PanelModel, thetas: np.ndarray, values: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Log density of values and covariates in the model's unit, shape ``(draw, person)``; 0 where there are none."""
    system, cells = model.system, model.design.person_cell
    members = None if cells is None else cells[places]
    patterns, of_person = by_pattern(values, person_cell=members, n_cells=len(system.systems))
    order, bounds = people_by_pattern(of_person, len(patterns.people))
    found = np.zeros((len(thetas), len(values)))
    if len(patterns.people):
        log_likelihoods_per_person(
            np.ascontiguousarray(thetas),
            system.structure_arrays,
            system.arrays,
            patterns,
            values,
            order,
            bounds,
            found,
        )
    return found
