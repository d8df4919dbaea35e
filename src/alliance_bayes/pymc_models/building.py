"""Spec and panel to `pm.Model`: random variables, likelihood, and quantities under their names."""

from dataclasses import fields
from typing import Any, Literal, get_args

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from ..moments.entry_points import pack
from ..moments.linear_system import LinearSystem, PanelSystem
from ..moments.panel_model import PanelModel, panel_model
from ..moments.prior_scale import Block, PriorScale
from ..moments.program import evaluate
from ..moments.statistics import PatternArrays, PatternStatistics
from ..names import quoted
from ..panel import Panel
from ..problems import SpecError
from ..spec.cross_lagged import CrossLagged
from ..spec.priors import LKJ, Beta, HalfNormal, LogNormal, Normal
from .operations import DerivedQuantities, PanelLogLikelihood

__all__ = ["STATISTICS", "pymc_model_of", "to_pymc"]

STATISTICS = PatternArrays._fields
Likelihood = Literal["moments", "persons"]


def to_pymc(spec: CrossLagged, panel: Panel, *, likelihood: Likelihood = "moments") -> pm.Model:
    """The model of a spec and a panel as a plain `pm.Model`.

    Random variables are on the scale on which priors are stated (`Priors`); deterministics
    carry the field's names in the measures' own units (see `Fit.draws`).

    Parameters
    ----------
    spec
        The model.
    panel
        The data.
    likelihood
        ``"moments"``: one Potential whose cost does not depend on the number of people, its
        data in `pm.Data` named ``pattern_*``. ``"persons"``: one observed `MvNormal` for each
        missing pattern, written in PyTensor throughout; slower, the same density.

    Returns
    -------
    pymc.Model
        Coordinates ``measure``, ``outcome``, ``predictor``, ``time``, ``interval`` and ``pair``.

    Raises
    ------
    SpecError
        If the model is not identified at these times or does not fit the panel's measures, or
        `likelihood` is neither.
    PanelError
        If ``"persons"`` is asked of a panel that holds moments alone.
    """
    if likelihood not in get_args(Likelihood):
        raise SpecError(f"likelihood must be one of {quoted(get_args(Likelihood))}; got {likelihood!r}.")
    return pymc_model_of(panel_model(spec, panel), likelihood)


def pymc_model_of(whole: PanelModel, likelihood: Likelihood = "moments") -> pm.Model:
    """`to_pymc` of a model that is already laid out for its panel."""
    system, scale, derived, statistics = whole.system, whole.scale, whole.derived, whole.statistics
    used = {dim for block in scale.blocks for dim in block.dims} | {
        dim for quantity in derived.quantities for dim in quantity.dims
    }
    coordinates = {name: list(labels) for name, labels in scale.coordinates.items() if name in used | {"measure"}}
    with pm.Model(coords=coordinates) as model:
        blocks = {block.name: _random_variable(block) for block in scale.blocks}
        psi = pt.concatenate([pt.as_tensor(blocks[block.name]).ravel() for block in scale.blocks])
        centre = pm.Data("centre", whole.centre, dims="measure")
        unit = pm.Data("scale", whole.unit, dims="measure")
        vector = DerivedQuantities(derived.size)(psi, pack(scale.arrays, derived.arrays), centre, unit)
        for quantity in derived.quantities:
            pm.Deterministic(quantity.name, vector[quantity.where].reshape(quantity.shape), dims=quantity.dims)
        if likelihood == "moments":
            data = [pm.Data(f"pattern_{name}", getattr(statistics.arrays, name)) for name in STATISTICS]
            layout = pack(scale.arrays, system.structure_arrays, system.arrays)
            value, _ = PanelLogLikelihood()(psi, layout, *data)
            pm.Potential("log_likelihood", value)
        else:
            _add_persons(scale, system, psi, whole.values(), statistics)
    return model


def _random_variable(block: Block) -> pt.TensorVariable:
    # As float64 arrays: PyTensor stores plain numbers such as 0.25 in float32, and their logarithms too.
    numbers = [np.float64(getattr(block.prior, part.name)) for part in fields(block.prior)]
    match block.prior:
        case Normal() if block.bounds is not None:
            lower, upper = map(np.float64, block.bounds)
            return pm.TruncatedNormal(block.name, *numbers, lower=lower, upper=upper, dims=block.dims)
        case Normal():
            return pm.Normal(block.name, *numbers, dims=block.dims)
        case HalfNormal():
            return pm.HalfNormal(block.name, *numbers, dims=block.dims)
        case LogNormal():
            return pm.LogNormal(block.name, *numbers, dims=block.dims)
        case Beta():
            return pm.Beta(block.name, *numbers, dims=block.dims)
        case LKJ():
            return pm.Beta(block.name, block.partial_shapes, block.partial_shapes, dims=block.dims)


class _Symbolic:
    """Programs in PyTensor, so that the compiled interpreter can be held against another."""

    def stack(self, values: list[Any]) -> Any:
        return pt.stack([pt.as_tensor(value, dtype="float64") for value in values])

    def square_root(self, values: Any) -> Any:
        return pt.sqrt(values)

    def exponential(self, values: Any) -> Any:
        return pt.exp(values)

    def matrix_exponential(self, matrix: Any) -> Any:
        return pt.linalg.expm(matrix)

    def inverse(self, matrix: Any) -> Any:
        return pt.linalg.inv(matrix)

    def require_positive_definite(self, matrix: Any) -> None:
        smallest = pt.linalg.eigh(matrix)[0][0]
        pm.Potential(f"proper_{len(pm.modelcontext(None).potentials)}", pt.switch(smallest > 0, 0.0, -np.inf))


def _add_persons(
    scale: PriorScale,
    system: PanelSystem,
    psi: pt.TensorVariable,
    values: np.ndarray,
    statistics: PatternStatistics,
) -> None:
    backend = _Symbolic()
    inside = evaluate(scale.to_theta, [psi[place] for place in range(scale.size)], backend)
    theta = [inside[place] for place in scale.to_theta.output]
    registers = evaluate(system.structure, theta, backend)
    starts = statistics.arrays.cell_start
    for cell, linear in enumerate(system.systems):
        mean, covariance = _implied(linear, registers)
        n_values = len(linear.observed) - system.n_covariates
        for pattern in range(starts[cell], starts[cell + 1]):
            where = statistics.arrays.position[pattern, : statistics.arrays.size[pattern]]
            members = values[statistics.person_pattern == pattern]
            seen, known = where[where < n_values], where[where >= n_values]
            within = covariance[seen][:, seen]
            centre = mean[seen]
            if len(known):
                # Covariates are independent standard normals, so that slopes are covariances.
                slopes = covariance[seen][:, known]
                within = within - slopes @ slopes.T
                centre = centre + members[:, known] @ slopes.T
            pm.MvNormal(f"values_{pattern}", centre, cov=within, observed=members[:, seen])


def _implied(linear: LinearSystem, registers: list[Any]) -> tuple[pt.TensorVariable, pt.TensorVariable]:
    size = len(linear.variables)
    effects, disturbances, intercepts = pt.zeros((size, size)), pt.zeros((size, size)), pt.zeros(size)
    for row, column, register in linear.paths:
        effects = effects[row, column].set(1.0 if register < 0 else registers[register])
    for row, column, register in linear.covariances:
        value = 1.0 if register < 0 else registers[register]
        disturbances = disturbances[row, column].set(value)
        disturbances = disturbances[column, row].set(value)
    for row, register in linear.intercepts:
        intercepts = intercepts[row].set(registers[register])
    total = pt.linalg.inv(pt.eye(size) - effects)
    seen = np.array(linear.observed)
    return (total @ intercepts)[seen], (total @ disturbances @ total.T)[seen][:, seen]
