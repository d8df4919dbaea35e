"""Spec and panel to `pm.Model`: random variables, likelihood, and quantities under their names."""

from dataclasses import fields
from typing import Literal, get_args

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from ..moments.derived import Derived, derived_quantities
from ..moments.entry_points import pack
from ..moments.identification import check_spec_against_panel
from ..moments.linear_system import LinearSystem, cross_lagged_system
from ..moments.prior_scale import Block, PriorScale, prior_scale
from ..moments.statistics import PatternArrays, PatternStatistics, pattern_statistics, standardized_values
from ..names import quoted
from ..panel import Panel
from ..problems import SpecError
from ..spec.cross_lagged import CrossLagged
from ..spec.priors import LKJ, Beta, HalfNormal, LogNormal, Normal
from .operations import DerivedQuantities, PanelLogLikelihood

__all__ = ["STATISTICS", "to_pymc"]

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
    check_spec_against_panel(spec, panel)
    system = cross_lagged_system(spec, panel.times)
    scale = prior_scale(spec, panel.times)
    derived = derived_quantities(spec, panel.times, system)
    statistics = pattern_statistics(panel, spec.measures)
    with pm.Model(coords={name: list(labels) for name, labels in scale.coordinates.items()}) as model:
        blocks = {block.name: _random_variable(block, len(spec.measures)) for block in scale.blocks}
        psi = pt.concatenate([pt.as_tensor(blocks[block.name]).ravel() for block in scale.blocks])
        centre = pm.Data("centre", statistics.centre, dims="measure")
        unit = pm.Data("scale", statistics.scale, dims="measure")
        _add_derived(scale, derived, psi, centre, unit)
        if likelihood == "moments":
            data = [pm.Data(f"pattern_{name}", getattr(statistics.arrays, name)) for name in STATISTICS]
            value, _ = PanelLogLikelihood()(psi, pack(scale.arrays, system.arrays), *data)
            pm.Potential("log_likelihood", value)
        else:
            values = standardized_values(panel, spec.measures, statistics.centre, statistics.scale)
            _add_persons(spec, scale, system, blocks, values, statistics)
    return model


def _random_variable(block: Block, n_measures: int) -> pt.TensorVariable:
    # As float64 arrays: PyTensor stores plain numbers such as 0.25 in float32, and their logarithms too.
    numbers = [np.float64(getattr(block.prior, part.name)) for part in fields(block.prior)]
    match block.prior:
        case Normal() if block.name == "carry_over":
            return pm.TruncatedNormal(block.name, *numbers, lower=np.float64(-1), upper=np.float64(1), dims=block.dims)
        case Normal():
            return pm.Normal(block.name, *numbers, dims=block.dims)
        case HalfNormal():
            return pm.HalfNormal(block.name, *numbers, dims=block.dims)
        case LogNormal():
            return pm.LogNormal(block.name, *numbers, dims=block.dims)
        case Beta():
            return pm.Beta(block.name, *numbers, dims=block.dims)
        case LKJ() as lkj:
            shapes = lkj.partial_shapes(n_measures)
            return pm.Beta(block.name, shapes, shapes, dims=block.dims)


def _add_derived(
    scale: PriorScale, derived: Derived, psi: pt.TensorVariable, centre: pt.TensorVariable, unit: pt.TensorVariable
) -> None:
    vector = DerivedQuantities(derived.arrays.size)(psi, pack(scale.arrays, derived.arrays), centre, unit)
    for quantity in derived.quantities:
        pm.Deterministic(quantity.name, vector[quantity.where].reshape(quantity.shape), dims=quantity.dims)


def _add_persons(
    spec: CrossLagged,
    scale: PriorScale,
    system: LinearSystem,
    blocks: dict[str, pt.TensorVariable],
    values: np.ndarray,
    statistics: PatternStatistics,
) -> None:
    theta = _theta_in_pytensor(spec, scale, blocks)
    size = len(system.variables)
    effects, disturbances, intercepts = pt.zeros((size, size)), pt.zeros((size, size)), pt.zeros(size)
    for row, column, free in system.paths:
        effects = effects[row, column].set(1.0 if free is None else theta[free])
    for row, column, free in system.covariances:
        disturbances = disturbances[row, column].set(theta[free])
        disturbances = disturbances[column, row].set(theta[free])
    for row, free in system.intercepts:
        intercepts = intercepts[row].set(theta[free])
    total = pt.linalg.inv(pt.eye(size) - effects)
    seen = np.array(system.observed)
    mean = (total @ intercepts)[seen]
    covariance = (total @ disturbances @ total.T)[seen][:, seen]
    for pattern in range(len(statistics.arrays.people)):
        where = statistics.arrays.position[pattern, : statistics.arrays.size[pattern]]
        members = statistics.person_pattern == pattern
        observed = values[members][:, where]
        pm.MvNormal(f"values_{pattern}", mean[where], cov=covariance[where][:, where], observed=observed)


def _theta_in_pytensor(
    spec: CrossLagged, scale: PriorScale, blocks: dict[str, pt.TensorVariable]
) -> list[pt.TensorVariable]:
    """`to_theta` once more, in plain PyTensor, so that the two can be held against each other."""
    size = len(spec.measures)
    sd = blocks["relative_total_sd"]
    theta: list[pt.TensorVariable] = []
    if spec.random_intercepts:
        theta += _covariances(sd * pt.sqrt(blocks["icc"]), blocks["between_partial_unit"], size)
        sd = sd * pt.sqrt(1 - blocks["icc"])
    theta += _covariances(sd, blocks["within_partial_unit"], size)
    innovation_sd = blocks["relative_innovation_sd"].reshape((-1, size))
    innovation_partial = blocks["innovation_partial_unit"].reshape((-1, size * (size - 1) // 2))
    for occasion in range(scale.arrays.n_innovations):
        theta += _covariances(innovation_sd[occasion], innovation_partial[occasion], size)
    means = blocks["relative_mean"].ravel()
    theta += [means[position] for position in range(_length(scale, "relative_mean"))]
    standardized = [
        blocks[name].ravel()[position]
        for name in ("carry_over", "cross_lagged")
        if name in blocks
        for position in range(_length(scale, name))
    ]
    lagged = [
        effect * sd[outcome] / sd[predictor]
        for effect, outcome, predictor in zip(
            standardized, scale.arrays.outcome.tolist(), scale.arrays.predictor.tolist(), strict=True
        )
    ]
    return lagged + theta


def _length(scale: PriorScale, name: str) -> int:
    return next(block.size for block in scale.blocks if block.name == name)


def _covariances(sd: pt.TensorVariable, units: pt.TensorVariable, size: int) -> list[pt.TensorVariable]:
    partial = {}
    entry = 0
    for row in range(size):
        for column in range(row):
            partial[row, column] = 2 * units[entry] - 1
            entry += 1
    factor = pt.zeros((size, size))
    for row in range(size):
        left = pt.constant(1.0)
        for column in range(row):
            factor = factor[row, column].set(partial[row, column] * left)
            left = left * pt.sqrt(1 - partial[row, column] ** 2)
        factor = factor[row, row].set(left)
    covariance = pt.outer(sd, sd) * (factor @ factor.T)
    return [covariance[first, second] for first in range(size) for second in range(first, size)]
