"""What nutpie samples of a model on a panel: data for functions compiled once, and nothing compiled per model.

`to_pymc` makes a `pm.Model` of the same blocks of priors, the same programs and the same statistics; tests hold that
both are one density.
"""

from ctypes import POINTER, c_double, c_int64
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from nutpie.compile_pymc import CompiledPyMCModel

from ..engine.kernels.arrays import INTERVAL, LOG_NORMAL, NORMAL, PriorTable
from ..engine.kernels.entry_points import expand, log_density, pack_model
from ..engine.latent.panel_likelihood import latent_log_density
from ..engine.model_on_panel import PanelModel
from ..engine.prior_scale import Block
from ..engine.quantities import Quantity
from .prior_table import coordinates_of, prior_table

__all__ = ["compile_model", "floats_of", "words_of"]


def compile_model(model: PanelModel) -> CompiledPyMCModel:
    """What `nutpie.sample` takes: random variables on the scale of the priors, then the derived quantities."""
    scale, derived, is_latent = model.scale, model.derived, model.spec.is_latent
    table = prior_table(scale.blocks)
    data = (model.families.links, *model.latent_data) if is_latent else model.statistics.arrays
    variables: tuple[Block | Quantity, ...] = (*scale.blocks, *derived.quantities)
    names = [each.name for each in variables]
    shapes = [each.shape for each in variables]
    starts = np.cumsum([0, *(block.size for block in scale.blocks)]).tolist()
    places = [slice(start, start + block.size) for start, block in zip(starts, scale.blocks, strict=False)]
    places += [slice(scale.size + each.where.start, scale.size + each.where.stop) for each in derived.quantities]
    return CompiledPyMCModel(
        dims={each.name: each.dims for each in variables},
        _n_dim=scale.size,
        _coords={
            **{name: pd.Index(labels) for name, labels in coordinates_of(model).items()},
            "unconstrained_parameter": pd.RangeIndex(scale.size),
        },
        _shapes=dict(zip(names, shapes, strict=True)),
        compiled_logp_func=latent_log_density if is_latent else log_density,
        compiled_expand_func=expand,
        initial_point_func=partial(_initial_point, *_middle(table)),
        shared_data={},
        shared_var_keys={},
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
        n_expanded=scale.size + derived.size,
        shape_info=(names, places, shapes),
        logp_func=None,
        expand_func=None,
        reparameterized_names=[],
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


def floats_of(array: np.ndarray) -> Any:
    """Pointer to the numbers of an array, as a compiled density takes them."""
    return array.ctypes.data_as(POINTER(c_double))


def words_of(array: np.ndarray) -> Any:
    """Pointer to the words of a packed model."""
    return array.ctypes.data_as(POINTER(c_int64))
