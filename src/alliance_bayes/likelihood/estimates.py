"""Estimates of a model's parameters and of quantities derived from them, with their standard errors."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import ndtr, ndtri

from ..basics.names import quoted
from ..engine.kernels.interpreter import run
from ..engine.linear_system import PanelSystem
from ..engine.model_on_panel import PanelModel
from .maximising import inverse_information, maximise, wave_means

__all__ = [
    "WIDTH",
    "Estimates",
    "delta_errors",
    "derived_estimates",
    "estimate",
    "normal_tests",
    "parameter_table",
    "start_of",
]

type FloatArray = npt.NDArray[np.float64]

# Central differences: the rounding error, 1e-16 / width, and the truncation error, width squared, are below 1e-9.
WIDTH = 1e-5


@dataclass(frozen=True, eq=False)
class Estimates:
    """Maximum-likelihood estimates, in the model's unit.

    Attributes
    ----------
    theta
        Shape ``(parameter,)``.
    log_likelihood
        Given the covariates.
    covariance
        Inverse of the observed information, or a robust one, shape ``(parameter, parameter)``; NaN where the
        information is singular.
    converged
        Whether the gradient vanishes and the information is positive definite.
    messages
        What to know before trusting them, in words.
    """

    theta: FloatArray
    log_likelihood: float
    covariance: FloatArray
    converged: bool
    messages: tuple[str, ...]


def estimate(model: PanelModel) -> Estimates:
    """Maximise the likelihood of a panel."""
    system, patterns = model.system, model.statistics.arrays
    maximum = maximise(system, patterns, start_of(model))
    inverse, definite = inverse_information(system, patterns, maximum.theta)
    return Estimates(
        maximum.theta,
        maximum.log_likelihood,
        inverse,
        maximum.converged and definite,
        _messages(system, maximum.theta, maximum.converged, definite),
    )


def parameter_table(model: PanelModel, estimates: Estimates) -> pd.DataFrame:
    """`MaximumLikelihood.table`."""
    system = model.system
    values, errors = model.to_raw(estimates.theta), np.sqrt(np.diag(estimates.covariance)) * model.raw_factors
    kinds = [parameter.kind for parameter in system.parameters]
    return pd.DataFrame({"kind": kinds, **normal_tests(values, errors)}, index=pd.Index(system.names, name="parameter"))


def normal_tests(values: FloatArray, errors: FloatArray) -> dict[str, FloatArray]:
    """Columns of a table: estimates, standard errors, tests against 0 and normal 95 % intervals."""
    with np.errstate(invalid="ignore", divide="ignore"):
        ratios = np.where(errors > 0, values / errors, np.nan)
    return {
        "estimate": values,
        "se": errors,
        "z": ratios,
        "p": 2 * ndtr(-np.abs(ratios)),
        **_interval(values, errors),
    }


def delta_errors(estimates: Estimates, function: Callable[[FloatArray], FloatArray]) -> FloatArray:
    """Standard errors of a function of the estimates, by the delta method with central differences."""
    theta = estimates.theta
    widths = WIDTH * np.maximum(1.0, np.abs(theta))
    jacobian = np.array(
        [
            (function(theta + step) - function(theta - step)) / (2 * width)
            for step, width in zip(np.diag(widths), widths, strict=True)
        ]
    )
    return np.asarray(np.sqrt(np.sum(jacobian * (estimates.covariance @ jacobian), axis=0)))


def derived_estimates(model: PanelModel, estimates: Estimates, names: Sequence[str]) -> pd.DataFrame:
    """`MaximumLikelihood.summary` of these derived quantities."""
    values = model.derive(estimates.theta[None])[0]
    errors = delta_errors(estimates, lambda theta: model.derive(theta[None])[0])
    table = pd.DataFrame(
        {"estimate": values, "se": errors, **_interval(values, errors)},
        index=pd.Index(
            [label for quantity in model.derived.quantities for label in quantity.labels(model.scale.coordinates)],
            name="quantity",
        ),
    )
    chosen = [np.arange(model.derived.size)[model.derived[name].where] for name in names]
    return table.iloc[np.concatenate(chosen)]


def _interval(values: FloatArray, errors: FloatArray) -> dict[str, FloatArray]:
    """Normal 95 % interval."""
    width = ndtri(0.975) * errors
    return {"lower": values - width, "upper": values + width}


def start_of(model: PanelModel) -> FloatArray:
    """Where maximisation starts: the parameters' own starts, with the means of the values."""
    system = model.system
    theta = np.array([parameter.start for parameter in system.parameters])
    means = wave_means(model.statistics.arrays)
    for linear in system.systems:
        for row, register in linear.intercepts:
            if row in linear.observed and register < len(theta):
                theta[register] = means[linear.observed.index(row)]
    return theta


def _messages(system: PanelSystem, theta: FloatArray, gradient_vanishes: bool, definite: bool) -> tuple[str, ...]:
    messages = []
    if not gradient_vanishes:
        messages.append("Not converged: the gradient is not 0. Do not use the numbers of this table.")
    if not definite:
        messages.append(
            "The information is singular at the solution: some parameters are not identified by these data, "
            "and there are no standard errors."
        )
    negative = [
        parameter.name
        for parameter, value in zip(system.parameters, theta, strict=True)
        if parameter.is_variance and value <= 0
    ]
    if negative:
        messages.append(
            f"Improper solution: {quoted(negative)} is not above 0, so these data do not separate stable differences "
            "from carry-over."
        )
    elif not _covariances_proper(system, theta):
        messages.append("Improper solution: an estimated covariance matrix has a correlation beyond -1 or 1.")
    return tuple(messages)


def _covariances_proper(system: PanelSystem, theta: FloatArray) -> bool:
    registers, _ = run(theta, system.structure_arrays)
    for linear in system.systems:
        size = len(linear.variables)
        disturbances = np.zeros((size, size))
        for row, column, register in linear.covariances:
            disturbances[row, column] = disturbances[column, row] = 1.0 if register < 0 else registers[register]
        if not np.linalg.eigvalsh(disturbances)[0] > -1e-9:
            return False
    return True
