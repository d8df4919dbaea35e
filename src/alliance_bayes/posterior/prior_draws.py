"""Draws of the prior, of every random variable and of all that is derived from them."""

from typing import Any

import numpy as np
import xarray as xr

from ..basics.problems import SpecError
from ..engine.kernels.interpreter import run_many
from ..engine.model_on_panel import PanelModel
from ..engine.prior_scale import PriorScale

__all__ = ["N_PRIOR_DRAWS", "prior_draws", "proper_draws"]

N_PRIOR_DRAWS = 4000
MOST_PRIOR_DRAWS = 100 * N_PRIOR_DRAWS


def prior_draws(model: PanelModel, rng: np.random.Generator) -> xr.Dataset:
    """Prior draws of every random variable and derived quantity, named as in the posterior."""
    blocks, thetas = proper_draws(model.scale, rng)
    vectors = model.derive(thetas)
    variables: dict[str, Any] = {
        block.name: (("chain", "draw", *block.dims), blocks[block.name][None]) for block in model.scale.blocks
    }
    for quantity in model.derived.quantities:
        array = vectors[:, quantity.where].reshape(1, -1, *quantity.shape)
        variables[quantity.name] = (("chain", "draw", *quantity.dims), array)
    used = {dim for dims, _ in variables.values() for dim in dims}
    coordinates = {name: list(labels) for name, labels in model.scale.coordinates.items() if name in used}
    return xr.Dataset(variables, coords={"chain": [0], "draw": np.arange(N_PRIOR_DRAWS), **coordinates})


def proper_draws(scale: PriorScale, rng: np.random.Generator) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Prior draws of every random variable, and their theta; draws without a proper model are replaced."""
    kept: list[tuple[dict[str, np.ndarray], np.ndarray]] = []
    while (n_proper := sum(len(thetas) for _, thetas in kept)) < N_PRIOR_DRAWS:
        if len(kept) * N_PRIOR_DRAWS >= MOST_PRIOR_DRAWS:
            raise SpecError(
                f"The prior hardly ever gives a proper model: {n_proper:,} of {MOST_PRIOR_DRAWS:,} draws of its "
                "parameters have covariance matrices that are positive definite. Make the priors of lagged effects "
                "narrower and nearer 0."
            )
        blocks = scale.draw(N_PRIOR_DRAWS, rng)
        thetas, proper = run_many(scale.join(blocks), scale.arrays)
        kept.append(({name: block[proper] for name, block in blocks.items()}, thetas[proper]))
    joined = {name: np.concatenate([blocks[name] for blocks, _ in kept])[:N_PRIOR_DRAWS] for name in kept[0][0]}
    return joined, np.concatenate([thetas for _, thetas in kept])[:N_PRIOR_DRAWS]
