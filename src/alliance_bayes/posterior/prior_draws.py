"""Draws of the prior, of every random variable and of all that is derived from them."""

import numpy as np
import xarray as xr

from ..basics.problems import SpecError
from ..engine.kernels.interpreter import run_many
from ..engine.model_on_panel import PanelModel
from ..engine.prior_scale import Block
from ..engine.quantities import Quantity
from ..pymc_models.prior_table import coordinates_of

__all__ = ["N_PRIOR_DRAWS", "named_draws", "prior_draws", "proper_draws", "rejected_in_words"]

N_PRIOR_DRAWS = 4000
REJECTED = "share_rejected"
MOST_PRIOR_DRAWS = 100 * N_PRIOR_DRAWS


def prior_draws(model: PanelModel, rng: np.random.Generator) -> xr.Dataset:
    """Prior draws of every random variable and derived quantity, named as in the posterior."""
    blocks, thetas, n_tried = proper_draws(model, rng)
    draws = named_draws(model, np.hstack([model.scale.join(blocks), model.derive(thetas)]), n_chains=1)
    return draws.assign_attrs({REJECTED: 1 - N_PRIOR_DRAWS / n_tried})


def rejected_in_words(draws: xr.DataTree) -> tuple[str, ...]:
    """How many draws of the prior were no model, where any were."""
    share = float(draws["prior"].attrs.get(REJECTED, 0.0)) if "prior" in draws.children else 0.0
    if not share:
        return ()
    return (
        f"{100 * share:.2g} % of prior draws were left out: their process explodes, or their covariance matrices are "
        "not positive definite. The posterior has no such draws either.",
    )


def named_draws(model: PanelModel, vectors: np.ndarray, *, n_chains: int) -> xr.Dataset:
    """Draws by name, from vectors of all random variables and then all derived quantities, shape ``(draw, number)``."""
    scale, derived = model.scale, model.derived
    named: tuple[Block | Quantity, ...] = (*scale.blocks, *derived.quantities)
    starts = np.cumsum([0, *(block.size for block in scale.blocks)]).tolist()
    places = [slice(start, start + block.size) for start, block in zip(starts, scale.blocks, strict=False)]
    places += [slice(scale.size + each.where.start, scale.size + each.where.stop) for each in derived.quantities]
    chains = {"chain": n_chains, "draw": len(vectors) // n_chains}
    variables = {
        each.name: ((*chains, *each.dims), vectors[:, place].reshape(*chains.values(), *each.shape))
        for each, place in zip(named, places, strict=True)
    }
    coordinates = {name: np.arange(size) for name, size in chains.items()} | coordinates_of(model)
    used = {dim for dims, _ in variables.values() for dim in dims}
    return xr.Dataset(variables, coords={name: labels for name, labels in coordinates.items() if name in used})


def proper_draws(model: PanelModel, rng: np.random.Generator) -> tuple[dict[str, np.ndarray], np.ndarray, float]:
    """Prior draws of every random variable, their theta, and how many draws so many proper ones take.

    Draws without a proper model are replaced; so are those whose standardised effects would explain more than all of a
    later wave's variance, of which no likelihood exists.
    """
    scale, within = model.scale, _within_sds(model)
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
        proper[proper] = ~np.isnan(model.derive(thetas[proper])[:, within]).any(axis=1)
        kept.append(({name: block[proper] for name, block in blocks.items()}, thetas[proper]))
    n_tried = N_PRIOR_DRAWS * N_PRIOR_DRAWS * len(kept) / n_proper
    joined = {name: np.concatenate([blocks[name] for blocks, _ in kept])[:N_PRIOR_DRAWS] for name in kept[0][0]}
    return joined, np.concatenate([thetas for _, thetas in kept])[:N_PRIOR_DRAWS], n_tried


def _within_sds(model: PanelModel) -> np.ndarray:
    """Which derived numbers are within-person SDs, of each group at its own waves."""
    within = model.derived["within_sd"]
    columns = np.arange(within.where.start, within.where.stop).reshape(within.shape)
    each = model.design.group_times
    return np.concatenate(
        [columns[group, : len(times)].ravel() for group, times in enumerate(each)] or [columns.ravel()]
    )
