"""Log densities of persons at every draw of a posterior."""

import numpy as np
import numpy.typing as npt
import xarray as xr

from .predictions.people import People

__all__ = ["log_densities"]

type FloatArray = npt.NDArray[np.float64]


def log_densities(
    people: People, thetas: FloatArray, posterior: xr.Dataset, persons: npt.NDArray[np.int64], *, n_known: int = 0
) -> xr.DataArray:
    """Log density of persons' values given those of their first waves, dims ``(chain, draw, person)``.

    In the values' own units, random intercepts and states integrated out, given the covariates where the model has any.

    Parameters
    ----------
    people
        Of the panel.
    thetas
        Posterior draws of the parameters, shape ``(draw, parameter)``, of the same model on this panel or part of it.
    posterior
        The same draws by chain and draw.
    persons
        Positions of the persons in the panel.
    n_known
        How many waves are conditioned on.
    """
    ids = people.model.panel.persons
    assert ids is not None
    density = people.log_densities(thetas, persons, n_known=n_known)
    chains, draws = (posterior[dim].to_numpy() for dim in ("chain", "draw"))
    return xr.DataArray(
        density.reshape(len(chains), len(draws), len(persons)),
        dims=("chain", "draw", "person"),
        coords={"chain": chains, "draw": draws, "person": ids[persons]},
        name="values",
    )
