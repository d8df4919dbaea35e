"""Densities of a person's values, given earlier ones or not, at every draw and in the measures' own units.

In own units, so that draws of one panel can score people of another, whatever constants either was
standardised by.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr

from .fitting import Fit
from .moments.kernel import moments
from .panel import Absence, Panel

__all__ = [
    "ImpliedMoments",
    "implied_moments",
    "log_densities",
    "stacked_values",
    "unseen_from",
    "without_person",
]

MOST_NUMBERS = 20_000_000


@dataclass(frozen=True, eq=False)
class ImpliedMoments:
    """Moments of one person's stacked waves for every draw, in the measures' own units.

    Attributes
    ----------
    mean
        Shape ``(draw, wave * measure)``, wave by wave, over all chains.
    covariance
        Shape ``(draw, wave * measure, wave * measure)``, random intercepts and states integrated out.
    chains, draws
        Sizes of the two dims that were joined into the first axis.
    """

    mean: np.ndarray
    covariance: np.ndarray
    chains: int
    draws: int


def implied_moments(fit: Fit) -> ImpliedMoments:
    """Mean and covariance of a person's waves at every posterior draw, from the model's linear system."""
    thetas, arrays = fit.thetas, fit.system.arrays
    size = len(fit.system.observed)
    mean, covariance = np.empty((len(thetas), size)), np.empty((len(thetas), size, size))
    for draw, theta in enumerate(thetas):
        mean[draw], covariance[draw] = moments(theta, arrays)
    n_waves = size // len(fit.spec.measures)
    centre, unit = (np.tile(part, n_waves) for part in (fit.statistics.centre, fit.statistics.scale))
    sizes = fit.posterior.sizes
    return ImpliedMoments(mean * unit + centre, covariance * np.outer(unit, unit), sizes["chain"], sizes["draw"])


def log_densities(moments: ImpliedMoments, values: np.ndarray, given: np.ndarray | None = None) -> xr.DataArray:
    """Log density of each person's values at every draw, dims ``(chain, draw, person)``.

    Parameters
    ----------
    moments
        Of the model.
    values
        Shape ``(person, wave * measure)``, in the measures' own units, NaN where absent.
    given
        Which of the values are conditioned on, shape ``(wave * measure,)``:
        ``log p(all) - log p(given)``. None for the density of all values.

    Returns
    -------
    xarray.DataArray
        0 for a person without any value that is not conditioned on.
    """
    found = _joint(moments, values)
    if given is not None and given.any():
        found -= _joint(moments, np.where(given, values, np.nan))
    shape = (moments.chains, moments.draws, len(values))
    return xr.DataArray(
        found.reshape(shape),
        dims=("chain", "draw", "person"),
        coords={"chain": np.arange(moments.chains), "draw": np.arange(moments.draws)},
    )


def stacked_values(panel: Panel, measures: Sequence[str]) -> np.ndarray:
    """Values of these measures wave by wave, in their own units; shape ``(person, wave * measure)``.

    Raises
    ------
    PanelError
        If the panel holds moments alone.
    """
    values = panel.require_persons("Scoring predictions of persons")
    chosen = [panel.measures.index(name) for name in measures]
    return np.asarray(values[:, :, chosen].reshape(len(values), -1))


def without_person(panel: Panel, place: int) -> Panel:
    """The panel without the person at this position."""
    values, absence = _persons_of(panel)
    assert panel.persons is not None
    return replace(
        panel,
        persons=np.delete(panel.persons, place),
        values=np.delete(values, place, axis=0),
        absence=np.delete(absence, place, axis=0),
        states={name: np.delete(state, place, axis=0) for name, state in panel.states.items()},
        source=f"{panel.source} without person {panel.persons[place]}",
    )


def unseen_from(panel: Panel, n_waves: int, places: slice | int = slice(None)) -> Panel:
    """The panel with the waves after the first `n_waves` of these persons unseen; its times stay."""
    values, absence = (array.copy() for array in _persons_of(panel))
    kinds = absence[places, n_waves:]
    absence[places, n_waves:] = np.where(kinds == Absence.OBSERVED, Absence.NOT_INTERVIEWED, kinds)
    values[places, n_waves:] = np.nan
    states = {name: state.copy() for name, state in panel.states.items()}
    for state in states.values():
        state[places, n_waves:] = np.nan
    return replace(panel, values=values, absence=absence, states=states, source=f"{panel.source}, part of it unseen")


def _persons_of(panel: Panel) -> tuple[np.ndarray, np.ndarray]:
    values = panel.require_persons("Leaving out persons")
    assert panel.absence is not None
    return values, panel.absence


def _joint(moments: ImpliedMoments, values: np.ndarray) -> np.ndarray:
    found = np.zeros((len(moments.mean), len(values)))
    patterns, membership = np.unique(~np.isnan(values), axis=0, return_inverse=True)
    for pattern, seen in enumerate(patterns):
        if not seen.any():
            continue
        people, where = np.flatnonzero(membership.ravel() == pattern), np.flatnonzero(seen)
        factor = np.linalg.cholesky(moments.covariance[:, where[:, None], where])
        constant = -np.log(np.diagonal(factor, axis1=1, axis2=2)).sum(axis=1) - 0.5 * len(where) * np.log(2 * np.pi)
        inverse = np.linalg.inv(factor)
        at_once = max(1, MOST_NUMBERS // (len(found) * len(where)))
        for start in range(0, len(people), at_once):
            block = people[start : start + at_once]
            deviations = values[block][:, where][None] - moments.mean[:, None, where]
            scaled = deviations @ inverse.transpose(0, 2, 1)
            found[:, block] = constant[:, None] - 0.5 * (scaled**2).sum(axis=2)
    return found
