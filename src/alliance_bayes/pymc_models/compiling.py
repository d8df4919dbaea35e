"""From a `pm.Model` to what nutpie samples, without compiling anything per model.

The random variables, their transforms and their parameters are read off the `pm.Model` and
written into a table that one compiled function interprets; the likelihood is the kernel behind
the model's own Potential. A model that was changed beyond this vocabulary is refused here and
left to nutpie's own compiler.
"""

from ctypes import POINTER, c_double, c_int64
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pymc as pm
import pytensor.tensor as pt
from nutpie import compile_pymc_model
from nutpie.compile_pymc import CompiledPyMCModel
from pymc.distributions.transforms import Interval
from pymc.logprob.transforms import LogOddsTransform, LogTransform
from pymc.pytensorf import constant_fold
from pytensor.graph.basic import Constant
from pytensor.graph.op import Op
from pytensor.graph.traversal import ancestors
from pytensor.tensor.basic import Join
from pytensor.tensor.shape import Reshape
from scipy.special import betaln, ndtr

from ..engine.latent.panel_likelihood import latent_log_density
from ..engine.moments.entry_points import N_PROGRAM, N_SYSTEM, expand, log_density, pack
from ..engine.moments.prior_density import FAMILIES, TRANSFORMS, PriorTable
from .operations import DerivedQuantities, LatentLogLikelihood, PanelLogLikelihood

__all__ = ["NotTabularError", "compile_model", "floats_of", "prior_table", "unpacked", "words_of"]

N_LAYOUT = 2 * N_PROGRAM + N_SYSTEM
HALF_LOG_2_PI = 0.5 * np.log(2 * np.pi)


class NotTabularError(Exception):
    """A model that the table of priors cannot express; it has to be compiled."""


def compile_model(model: pm.Model) -> Any:
    """What `nutpie.sample` takes: read off the model where it can be, else compiled by nutpie.

    Parameters
    ----------
    model
        A model made by `to_pymc`, or a changed one.
    """
    try:
        return _interpreted(model)
    except NotTabularError:
        return compile_pymc_model(model)


def prior_table(model: pm.Model) -> PriorTable:
    """Families, transforms and parameters of a model's random variables, one row per number.

    Raises
    ------
    NotTabularError
        If a random variable is of another family or transform, or its parameters are not constant.
    """
    rows = [_rows(model, variable) for variable in model.free_RVs]
    return PriorTable(*(np.concatenate(column) for column in zip(*rows, strict=True)))


def _rows(model: pm.Model, variable: Any) -> tuple[np.ndarray, ...]:
    node, shape = variable.owner, _shape(model, variable.name)
    name = type(node.op).__name__
    parameters = [_constant(parameter) for parameter in node.op.dist_params(node)]
    match name:
        case "NormalRV" | "LogNormalRV":
            family, (first, second) = ("normal" if name == "NormalRV" else "log_normal"), parameters
            constant = -HALF_LOG_2_PI - np.log(second)
        case "TruncatedNormalRV":
            family, (first, second, lower, upper) = "normal", parameters
            mass = ndtr((upper - first) / second) - ndtr((lower - first) / second)
            constant = -HALF_LOG_2_PI - np.log(second) - np.log(mass)
        case "HalfNormalRV" if not parameters[0].any():
            family, (second, first) = "half_normal", parameters
            constant = np.log(2) - HALF_LOG_2_PI - np.log(first)
        case "BetaRV":
            family, (first, second) = "beta", parameters
            constant = -betaln(first, second)
        case _:
            raise NotTabularError(f"{variable.name} is a {name}.")
    transform, lower, upper = _transform(model.rvs_to_transforms[variable], node)
    floats = (np.asarray(column, dtype=float) for column in (first, second, lower, upper, constant))
    columns: list[Any] = [np.int64(FAMILIES[family]), np.int64(TRANSFORMS[transform]), *floats]
    return tuple(np.broadcast_to(column, shape).ravel() for column in columns)


def _transform(transform: Any, node: Any) -> tuple[str, np.ndarray, np.ndarray]:
    """Name of a transform and its bounds."""
    match transform:
        case None:
            return "none", np.zeros(()), np.zeros(())
        case LogTransform():
            return "log", np.zeros(()), np.zeros(())
        case LogOddsTransform():
            return "interval", np.zeros(()), np.ones(())
        case Interval():
            lower, upper = transform.args_fn(*node.inputs)
            if lower is not None and upper is not None:
                return "interval", _constant(lower), _constant(upper)
    raise NotTabularError(f"The transform {type(transform).__name__} is not in the table.")


def _constant(value: Any) -> np.ndarray:
    (folded,) = constant_fold([pt.as_tensor(value)], raise_not_constant=False)
    if not isinstance(folded, np.ndarray | np.generic):
        raise NotTabularError(f"{value} is not constant.")
    return np.asarray(folded, dtype=float)


def _shape(model: pm.Model, name: str) -> tuple[int, ...]:
    dims = model.named_vars_to_dims.get(name)
    if dims is None:
        raise NotTabularError(f"{name} has no dims.")
    return tuple(len(model.coords[dim]) for dim in dims)


def _interpreted(model: pm.Model) -> CompiledPyMCModel:
    likelihood = _only(model.potentials, (PanelLogLikelihood, LatentLogLikelihood))
    if len(model.potentials) != 1 or model.potentials[0].owner is not likelihood:
        raise NotTabularError("The potential is not the likelihood alone.")
    derived = _only(model.deterministics, DerivedQuantities)
    names = [variable.name for variable in model.free_RVs]
    if [variable.name for variable in _joined(likelihood.inputs[0])] != names or model.observed_RVs:
        raise NotTabularError("The likelihood does not read the random variables in order, or is not the only one.")
    names += [variable.name for variable in model.deterministics]
    shapes = [_shape(model, name) for name in names]
    sizes = [int(np.prod(shape)) for shape in shapes]
    n_point = sum(sizes[: len(model.free_RVs)])
    if sum(sizes) != n_point + derived.op.size:
        raise NotTabularError("The deterministics are not the derived quantities.")
    bounds = np.cumsum([0, *sizes])
    table = prior_table(model)
    # Both layouts begin with the program from psi to theta; the second one's copy of it is left out.
    layout, quantities = (unpacked(node.inputs[1].data) for node in (likelihood, derived))
    data = [*layout[N_LAYOUT:], *(_data(variable) for variable in likelihood.inputs[2:])]
    units = [_data(variable) for variable in derived.inputs[2:]]
    packed = pack(layout[:N_LAYOUT], table, quantities[N_PROGRAM:], units, data)
    return CompiledPyMCModel(
        dims=dict(model.named_vars_to_dims),
        _n_dim=n_point,
        _coords={
            **{name: pd.Index(labels) for name, labels in model.coords.items()},
            "unconstrained_parameter": pd.RangeIndex(n_point),
        },
        _shapes=dict(zip(names, shapes, strict=True)),
        compiled_logp_func=log_density if isinstance(likelihood.op, PanelLogLikelihood) else latent_log_density,
        compiled_expand_func=expand,
        initial_point_func=partial(_initial_point, table),
        shared_data={},
        shared_var_keys={},
        user_data=packed,
        n_expanded=int(bounds[-1]),
        shape_info=(names, [slice(*pair) for pair in pairwise(bounds.tolist())], shapes),
        logp_func=None,
        expand_func=None,
        reparameterized_names=[],
    )


def _only(variables: list[Any], kind: type[Op] | tuple[type[Op], ...]) -> Any:
    """The one node of this kind, or these, that all variables come from."""
    nodes = {
        node
        for variable in variables
        for node in [ancestor.owner for ancestor in ancestors([variable]) if ancestor.owner is not None]
        if isinstance(node.op, kind)
    }
    if len(nodes) != 1:
        raise NotTabularError(f"There are {len(nodes)} nodes of {kind}.")
    return nodes.pop()


def _joined(psi: Any) -> list[Any]:
    """Random variables that a join of raveled ones is made of."""
    if psi.owner is None or not isinstance(psi.owner.op, Join):
        raise NotTabularError("The likelihood does not read a join of random variables.")
    parts = list(psi.owner.inputs)
    if isinstance(parts[0], Constant):
        parts = parts[1:]
    return [part.owner.inputs[0] if isinstance(part.owner.op, Reshape) else part for part in parts]


def unpacked(layout: np.ndarray) -> list[np.ndarray]:
    """The arrays that `pack` put into one vector."""
    return [layout[start:stop] for start, stop in pairwise(layout[: layout[0]].tolist())]


def _data(variable: Any) -> np.ndarray:
    """Value of a `pm.Data`, behind a cast where there is one."""
    if variable.owner is not None:
        return _data(variable.owner.inputs[0]).astype(variable.dtype)
    return np.asarray(variable.get_value())


def _initial_point(table: PriorTable, seed: int) -> np.ndarray:
    """Random start around the middle of every prior."""
    rng = np.random.default_rng(seed)
    centre = np.where(table.family == FAMILIES["normal"], table.first, 0.0)
    inside = (table.transform == TRANSFORMS["interval"]) & (table.family == FAMILIES["normal"])
    share = np.clip((centre[inside] - table.lower[inside]) / (table.upper - table.lower)[inside], 0.01, 0.99)
    centre[inside] = np.log(share / (1 - share))
    return np.asarray(centre + rng.uniform(-0.5, 0.5, len(centre)))


def floats_of(array: np.ndarray) -> Any:
    """Pointer to the numbers of an array, as a compiled density takes them."""
    return array.ctypes.data_as(POINTER(c_double))


def words_of(array: np.ndarray) -> Any:
    """Pointer to the words of a packed model."""
    return array.ctypes.data_as(POINTER(c_int64))
