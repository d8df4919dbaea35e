"""Spec and panel to `pm.Model`: random variables, likelihood, and quantities under their names."""

from dataclasses import fields
from typing import Literal, get_args

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from ..basics.calls import checked
from ..basics.distributions import LKJ, Beta, HalfNormal, LogNormal, Normal
from ..basics.given import is_one_of, shown
from ..basics.names import quoted
from ..basics.problems import SpecError
from ..engine.kernels.arrays import PatternArrays, pack
from ..engine.linear_system import PanelSystem
from ..engine.model_on_panel import Latent, PanelModel, check_latent, panel_model
from ..engine.prior_scale import Block, PriorScale
from ..engine.statistics import PatternStatistics
from ..panel import Panel
from ..spec.cross_lagged import CrossLagged
from .operations import DerivedQuantities, LatentLogLikelihood, PanelLogLikelihood
from .prior_table import coordinates_of
from .sampled_latents import add_sampled_latents
from .symbolic import implied_moments, theta_and_registers

__all__ = ["pymc_model_of", "to_pymc"]

Likelihood = Literal["moments", "persons"]


@checked()
def to_pymc(
    spec: CrossLagged, panel: Panel, *, likelihood: Likelihood = "moments", latent: Latent = "integrate"
) -> pm.Model:
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
        missing pattern, written in PyTensor throughout; slower, the same density. Not for models with families, a
        state or selection, which are one Potential.
    latent
        What happens to linear predictors of measures that are not normal, of a state or of selection.
        ``"integrate"``: they are integrated out. ``"sample"``: each is a random variable, made of the standard
        normal ``z``, and the model is written in PyTensor throughout; slower, without the error of integration.

    Returns
    -------
    pymc.Model
        Coordinates ``measure``, ``outcome``, ``predictor``, ``time``, ``interval`` and ``pair``.

    Raises
    ------
    SpecError
        If the model is not identified at these times or does not fit the panel's measures, `likelihood` or
        `latent` is neither, ``"persons"`` is asked of a model whose measures are not all normal, or linear
        predictors are to be sampled where there are none, or where somebody's state is not known.
    PanelError
        If ``"persons"`` is asked of a panel that holds moments alone.
    """
    if not is_one_of(likelihood, get_args(Likelihood)):
        raise SpecError(f"likelihood must be one of {quoted(get_args(Likelihood))}; got {shown(likelihood)}.")
    if likelihood == "persons":
        spec.require_normal('likelihood="persons"')
    check_latent(spec, latent)
    return pymc_model_of(panel_model(spec, panel), likelihood, latent)


def pymc_model_of(on_panel: PanelModel, likelihood: Likelihood = "moments", latent: Latent = "integrate") -> pm.Model:
    """`to_pymc` of a model that is already laid out for its panel."""
    system, scale, derived = on_panel.system, on_panel.scale, on_panel.derived
    with pm.Model(coords=coordinates_of(on_panel)) as model:
        blocks = {block.name: _random_variable(block) for block in scale.blocks}
        psi = pt.concatenate([pt.as_tensor(blocks[block.name]).ravel() for block in scale.blocks])
        centre = pm.Data("centre", on_panel.centre, dims="measure")
        unit = pm.Data("scale", on_panel.unit, dims="measure")
        vector = DerivedQuantities(derived.size)(psi, pack(scale.arrays, derived.arrays), centre, unit)
        for quantity in derived.quantities:
            pm.Deterministic(quantity.name, vector[quantity.where].reshape(quantity.shape), dims=quantity.dims)
        if latent == "sample":
            add_sampled_latents(on_panel, psi)
        elif on_panel.spec.is_latent:
            packed = pack(
                scale.arrays, system.structure_arrays, system.arrays, (on_panel.families.links,), on_panel.latent_data
            )
            pm.Potential("log_likelihood", LatentLogLikelihood()(psi, packed)[0])
        elif likelihood == "moments":
            statistics = zip(PatternArrays._fields, on_panel.statistics.arrays, strict=True)
            data = [pm.Data(f"pattern_{name}", values) for name, values in statistics]
            layout = pack(scale.arrays, system.structure_arrays, system.arrays)
            value, _ = PanelLogLikelihood()(psi, layout, *data)
            pm.Potential("log_likelihood", value)
        else:
            _add_persons(scale, system, psi, on_panel.values(), on_panel.statistics)
    return model


def _random_variable(block: Block) -> pt.TensorVariable:
    if isinstance(block.prior, LKJ | Beta):
        return pm.Beta(block.name, *block.beta_shapes, dims=block.dims)
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


def _add_persons(
    scale: PriorScale,
    system: PanelSystem,
    psi: pt.TensorVariable,
    values: np.ndarray,
    statistics: PatternStatistics,
) -> None:
    means, covariances = implied_moments(system.systems, theta_and_registers(scale, system, psi)[1])
    starts = statistics.arrays.cell_start
    for cell, linear in enumerate(system.systems):
        mean, covariance = means[cell], covariances[cell]
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
