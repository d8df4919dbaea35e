"""Standard errors and tests of fit that do not take the model's distribution of people for granted.

With ``s_i`` the score (gradient of the log-likelihood) of person i, ``w_i`` the weight, A the observed information of
the weighted log-likelihood, and ``B = C / (C - 1) sum over clusters of (sum w_i s_i)(sum w_i s_i)'``, C the number of
clusters, the covariance of the estimates is ``A^-1 B A^-1`` [1]_. Without clusters every person is one, and the factor
is left out, as in lavaan.

References
----------
.. [1] White (1982). Maximum likelihood estimation of misspecified models. Econometrica 50, 1-25.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ..engine.kernels.interpreter import run
from ..engine.kernels.moments import moment_slopes, moments
from ..engine.linear_system import saturated_system
from ..engine.model_on_panel import PanelModel
from ..engine.statistics import by_pattern
from .estimates import Estimates
from .fit_indices import Scaling, baseline_degrees_of_freedom, n_degrees_of_freedom
from .maximising import hessian_of
from .saturated import Saturated, cell_patterns, saturated, saturated_theta
from .survey_design import Sampling

__all__ = [
    "group_members",
    "middle",
    "model_scores",
    "moment_information",
    "moment_scores",
    "observed_values",
    "sandwich",
]

MOST_PERSONS = 20_000  # whose scores of moments are held at a time

type FloatArray = npt.NDArray[np.float64]


def moment_scores(mean: FloatArray, covariance: FloatArray, values: FloatArray, slopes: FloatArray) -> FloatArray:
    """Gradient of each person's normal log density in what the moments depend on, shape ``(person, parameter)``.

    0 for a person without any value. `values` has the shape ``(person, value)``, NaN where missing; `slopes` are
    derivatives of the means, then of the lower triangle of the covariances row by row, ``(moment, parameter)``.
    """
    result = np.zeros((len(values), slopes.shape[1]))
    n_values = len(mean)
    rows, columns = np.tril_indices(n_values)
    both = np.where(rows == columns, 0.5, 1.0)  # an entry off the diagonal stands for two
    masks, pattern = np.unique(~np.isnan(values), axis=0, return_inverse=True)
    for index, mask in enumerate(masks):
        members = np.flatnonzero(pattern == index)
        precision = np.zeros_like(covariance)
        precision[np.ix_(mask, mask)] = np.linalg.inv(covariance[np.ix_(mask, mask)])
        for start in range(0, len(members), MOST_PERSONS):
            block = members[start : start + MOST_PERSONS]
            weighted = np.where(mask, values[block] - mean, 0.0) @ precision
            products = both * (weighted[:, rows] * weighted[:, columns] - precision[rows, columns])
            result[block] = weighted @ slopes[:n_values] + products @ slopes[n_values:]
    return result


def model_scores(model: PanelModel, theta: FloatArray) -> FloatArray:
    """Gradient of each person's log density in theta, shape ``(person, parameter)``, given the covariates."""
    system, values = model.system, observed_values(model)
    registers, _ = run(theta, system.structure_arrays)
    result = np.zeros((len(values), len(theta)))
    for cell, linear in enumerate(system.systems):
        members = group_members(model, cell)
        slopes = moment_slopes(theta, system.structure_arrays, system.arrays, cell)
        mean, covariance = moments(registers, linear.arrays)
        result[members] = moment_scores(mean, covariance, values[members], slopes)
    return result


def middle(scores: FloatArray, sampling: Sampling) -> FloatArray:
    """B of the sandwich, shape ``(parameter, parameter)``."""
    if sampling.weights is not None:
        scores = sampling.weights[:, None] * scores
    if sampling.clusters is not None:
        sums = np.zeros((sampling.n_clusters, scores.shape[1]))
        sampled = sampling.clusters >= 0
        np.add.at(sums, sampling.clusters[sampled], scores[sampled])
        scores = sums * np.sqrt(sampling.n_clusters / (sampling.n_clusters - 1))
    return scores.T @ scores


def moment_information(model: PanelModel, cell: int, estimates: Saturated) -> FloatArray:
    """Observed information of a group's saturated model in means and covariances, shape ``(moment, moment)``."""
    size = len(estimates.mean)
    system = saturated_system(size)
    theta = saturated_theta(system, estimates)
    order = moment_slopes(theta, system.structure_arrays, system.arrays, 0)
    return np.asarray(order @ hessian_of(system, cell_patterns(model, cell), theta) @ order.T)


def sandwich(
    model: PanelModel, estimates: Estimates, saturated: Sequence[Saturated], sampling: Sampling
) -> tuple[FloatArray, Scaling]:
    """Covariance of estimates in the model's unit and scaling of chi-squares; NaN where the information is singular."""
    inverse = estimates.covariance
    if np.isnan(inverse).any():
        return inverse, Scaling(np.nan, np.nan)
    scores = model_scores(model, estimates.theta)
    covariance = inverse @ middle(scores, sampling) @ inverse
    if not saturated:
        return covariance, Scaling(np.nan, np.nan)
    information = hessian_of(model.system, model.statistics.arrays, estimates.theta)
    return covariance, _scaling(model, _trace(information, scores, sampling), saturated, sampling)


def _scaling(model: PanelModel, trace: float, saturated: Sequence[Saturated], sampling: Sampling) -> Scaling:
    """Mean of what stands for chi-square 1 per degree of freedom, of the model and of independent values.

    ``c = (tr(A1^-1 B1) - tr(A0^-1 B0)) / df`` with A and B of the saturated model (1) and of the model (0), as lavaan
    and Mplus scale the test of their estimator MLR. Covariates are conditioned on: what they add to the traces of the
    saturated model and of independent values alike is taken off.
    """
    traces = [_saturated_traces(model, cell, estimates, sampling) for cell, estimates in enumerate(saturated)]
    unrestricted, independent = (sum(parts) for parts in zip(*traces, strict=True))
    df, baseline_df = n_degrees_of_freedom(model), baseline_degrees_of_freedom(model)
    return Scaling((unrestricted - trace) / df if df else 1.0, (unrestricted - independent) / baseline_df)


def _saturated_traces(model: PanelModel, cell: int, estimates: Saturated, sampling: Sampling) -> tuple[float, float]:
    """Traces of a group's saturated model given the covariates, and of the model of independent values."""
    size, members = model.system.n_values, group_members(model, cell)
    values, part = observed_values(model)[members], sampling.of_persons(members)
    n_variables = size + model.system.n_covariates
    identity = np.eye(n_variables * (n_variables + 3) // 2)
    scores = moment_scores(estimates.mean, estimates.covariance, values, identity)
    trace = _trace(moment_information(model, cell, estimates), scores, part)
    if model.system.n_covariates:
        trace -= _trace_of_covariates(values[:, size:], part)
    return trace, _trace_of_single_values(values[:, :size], part)


def _trace(information: FloatArray, scores: FloatArray, sampling: Sampling) -> float:
    return float(np.trace(np.linalg.solve(information, middle(scores, sampling))))


def _trace_of_covariates(values: FloatArray, sampling: Sampling) -> float:
    """Trace of the saturated model of the covariates alone, which are complete."""
    values = np.where(np.isnan(values).any(axis=1)[:, None], np.nan, values)
    arrays, _ = by_pattern(values, weights=sampling.weights)
    estimates = saturated(arrays)
    if estimates is None:
        return np.nan
    system = saturated_system(values.shape[1])
    theta = saturated_theta(system, estimates)
    slopes = moment_slopes(theta, system.structure_arrays, system.arrays, 0)
    scores = moment_scores(estimates.mean, estimates.covariance, values, slopes)
    return _trace(hessian_of(system, arrays, theta), scores, sampling)


def _trace_of_single_values(values: FloatArray, sampling: Sampling) -> float:
    """Trace of means and variances of values that are independent."""
    total = 0.0
    for value in values.T:
        counts = np.where(np.isnan(value), 0.0, 1.0 if sampling.weights is None else sampling.weights)
        n, known = counts.sum(), np.nan_to_num(value)
        mean = (counts * known).sum() / n
        variance = (counts * (known - mean) ** 2).sum() / n
        deviation = np.where(np.isnan(value), 0.0, value - mean)
        squares = np.where(np.isnan(value), 0.0, deviation**2 / variance - 1) / (2 * variance)
        scores = np.column_stack([deviation / variance, squares])
        total += _trace(n * np.diag([1 / variance, 0.5 / variance**2]), scores, sampling)
    return total


def observed_values(model: PanelModel) -> FloatArray:
    """Values and covariates in the model's unit, all NaN for a person without any value."""
    values = model.values()
    assert model.statistics.person_pattern is not None
    return np.where((model.statistics.person_pattern >= 0)[:, None], values, np.nan)


def group_members(model: PanelModel, cell: int) -> npt.NDArray[np.int64]:
    """Positions of the persons of a cell."""
    cells = model.design.person_cell
    return np.arange(model.panel.n_persons) if cells is None else np.flatnonzero(cells == cell)
