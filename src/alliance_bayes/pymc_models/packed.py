"""A model on a panel as data for functions compiled once: nothing is compiled per model.

`to_pymc` makes a `pm.Model` of the same blocks of priors, the same programs and the same statistics; tests hold that
both are one density.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from ..basics.compiled import Callback
from ..engine.kernels.arrays import INTERVAL, LOG_NORMAL, NORMAL, PriorTable
from ..engine.kernels.entry_points import expand, log_density, pack_model
from ..engine.latent.panel_likelihood import latent_log_density
from ..engine.model_on_panel import PanelModel
from .prior_table import prior_table

__all__ = ["PackedModel", "packed_model"]

type FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class PackedModel:
    """What is sampled, under nutpie's names; nutpie, whose import takes longer than a preview, is not needed for it."""

    n_dim: int  # unconstrained numbers
    n_expanded: int  # random variables and derived quantities
    compiled_logp_func: Callback
    compiled_expand_func: Callback
    initial_point_func: Callable[[int], FloatArray]
    user_data: npt.NDArray[np.int64]  # what both functions read


def packed_model(model: PanelModel) -> PackedModel:
    """Random variables on the scale of the priors, then the derived quantities."""
    scale, derived, is_latent = model.scale, model.derived, model.spec.is_latent
    table = prior_table(scale.blocks)
    data = (model.families.links, *model.latent_data) if is_latent else model.statistics.arrays
    return PackedModel(
        n_dim=scale.size,
        n_expanded=scale.size + derived.size,
        compiled_logp_func=latent_log_density if is_latent else log_density,
        compiled_expand_func=expand,
        initial_point_func=partial(_initial_point, *_middle(table)),
        user_data=pack_model(
            to_theta=scale.arrays,
            structure=model.system.structure_arrays,
            systems=model.system.arrays,
            priors=table,
            derived=derived.arrays,
            centre=model.centre,
            unit=model.unit,
            data=data,
        ),
    )


def _initial_point(centre: np.ndarray, width: np.ndarray, seed: int) -> np.ndarray:
    """Random start around the middle of every prior."""
    return np.asarray(centre + width * np.random.default_rng(seed).uniform(-0.5, 0.5, len(centre)))


def _middle(table: PriorTable) -> tuple[np.ndarray, np.ndarray]:
    """Middle of every prior, and how wide starts are spread there: at most its SD where it is normal there."""
    normal = (table.family == NORMAL) | (table.family == LOG_NORMAL)
    centre, width = np.where(normal, table.first, 0.0), np.where(normal, table.second, 1.0)
    inside = (table.transform == INTERVAL) & (table.family == NORMAL)
    # Away from the bounds, where a start would have hardly any density.
    share = np.clip((centre[inside] - table.lower[inside]) / (table.upper - table.lower)[inside], 0.01, 0.99)
    centre[inside] = np.log(share / (1 - share))
    width[inside] = 1.0
    return centre, np.minimum(width, 1.0)
