"""What nutpie samples of a model on a panel."""

import numpy as np
import pandas as pd
from nutpie.compile_pymc import CompiledPyMCModel

from ..engine.model_on_panel import PanelModel
from ..engine.prior_scale import Block
from ..engine.quantities import Quantity
from .packed import packed_model
from .prior_table import coordinates_of

__all__ = ["compile_model"]


def compile_model(model: PanelModel) -> CompiledPyMCModel:
    """What `nutpie.sample` takes: a packed model, and the names, shapes and labels of what it draws."""
    packed, scale, derived = packed_model(model), model.scale, model.derived
    variables: tuple[Block | Quantity, ...] = (*scale.blocks, *derived.quantities)
    names = [each.name for each in variables]
    shapes = [each.shape for each in variables]
    starts = np.cumsum([0, *(block.size for block in scale.blocks)]).tolist()
    places = [slice(start, start + block.size) for start, block in zip(starts, scale.blocks, strict=False)]
    places += [slice(scale.size + each.where.start, scale.size + each.where.stop) for each in derived.quantities]
    return CompiledPyMCModel(
        dims={each.name: each.dims for each in variables},
        _n_dim=packed.n_dim,
        _coords={
            **{name: pd.Index(labels) for name, labels in coordinates_of(model).items()},
            "unconstrained_parameter": pd.RangeIndex(scale.size),
        },
        _shapes=dict(zip(names, shapes, strict=True)),
        compiled_logp_func=packed.compiled_logp_func,
        compiled_expand_func=packed.compiled_expand_func,
        initial_point_func=packed.initial_point_func,
        shared_data={},
        shared_var_keys={},
        user_data=packed.user_data,
        n_expanded=packed.n_expanded,
        shape_info=(names, places, shapes),
        logp_func=None,
        expand_func=None,
        reparameterized_names=[],
    )
