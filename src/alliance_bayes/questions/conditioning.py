"""Densities of a person's values given earlier ones, from the named draws in the measures' own units.

Written from the quantities a reader knows (means, lagged effects, within- and between-person
covariances), so that draws of one panel can score another, whatever constants either was
standardised by.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from ..fitting import Fit
from ..panel import Absence, Panel
from ..problems import SpecError

__all__ = ["ImpliedMoments", "implied_moments", "log_densities", "stacked_values"]

KINDS = ("riclpm", "clpm")
MOST_NUMBERS = 20_000_000


@dataclass(frozen=True, eq=False)
class ImpliedMoments:
    """Moments of one person's stacked waves for every draw, in the measures' own units.

    Attributes
    ----------
    mean
        Shape ``(draw, wave * measure)``, wave by wave, over all chains.
    covariance
        Shape ``(draw, wave * measure, wave * measure)``.
    chains, draws
        Sizes of the two dims that were joined into the first axis.
    """

    mean: np.ndarray
    covariance: np.ndarray
    chains: int
    draws: int


def implied_moments(fit: Fit) -> ImpliedMoments:
    """Mean and covariance of a person's waves at every posterior draw.

    With B the covariance of the random intercepts (0 in a CLPM), P_s that of the within-person
    parts at wave s, and Phi(t <- s) the product of the lagged effects from s to t:
    ``Cov(y_t, y_s) = B + Phi(t <- s) P_s`` for t >= s.

    Raises
    ------
    SpecError
        If the model is not a RI-CLPM or CLPM.
    """
    if fit.spec.kind not in KINDS:
        raise SpecError(f"The waves of a {fit.spec.title} cannot be conditioned on each other yet; use a RICLPM or CLPM.")
    draws, size, n_waves = fit.posterior, len(fit.spec.measures), len(fit.panel.times)

    def read(name: str, *dims: str) -> np.ndarray:
        array = draws[name].transpose("chain", "draw", *dims).to_numpy()
        return array.reshape(-1, *array.shape[2:])

    lagged = read("lagged", "interval", "outcome", "predictor")
    within = _covariances(read("within_sd", "time", "measure"), read("within_correlation", "time", "pair"))
    between = np.zeros((len(lagged), size, size))
    if fit.spec.random_intercepts:
        between = _covariances(read("between_sd", "measure"), read("between_correlation", "pair"))
    covariance = np.empty((len(lagged), n_waves, size, n_waves, size))
    for earlier in range(n_waves):
        carried = within[:, earlier]
        for later in range(earlier, n_waves):
            if later > earlier:
                carried = lagged[:, later - 1] @ carried
            block = between + carried
            covariance[:, later, :, earlier] = block
            covariance[:, earlier, :, later] = block.transpose(0, 2, 1)
    return ImpliedMoments(
        read("mean", "time", "measure").reshape(len(lagged), -1),
        covariance.reshape(len(lagged), n_waves * size, n_waves * size),
        draws.sizes["chain"],
        draws.sizes["draw"],
    )


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


def unseen(absence: np.ndarray) -> np.ndarray:
    """The same kinds of absence where there are any, and "not interviewed" elsewhere."""
    return np.where(absence == Absence.OBSERVED, Absence.NOT_INTERVIEWED, absence).astype(absence.dtype)


def _covariances(sd: np.ndarray, correlations: np.ndarray) -> np.ndarray:
    size = sd.shape[-1]
    matrix = np.broadcast_to(np.eye(size), (*sd.shape, size)).copy()
    rows, columns = np.tril_indices(size, -1)
    matrix[..., rows, columns] = matrix[..., columns, rows] = correlations
    return matrix * sd[..., :, None] * sd[..., None, :]


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
