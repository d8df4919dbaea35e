"""Robust indices of fit with missing values: the discrepancy that complete data would have, and its expected size.

With missing values the likelihood-ratio statistic hides misfit behind what was not observed. Therefore the moments that
the model implies are compared, as those of complete data, with the unrestricted full-information estimates, and the
discrepancy ``T`` is taken for what misfit leaves of it, ``T - tr(U W^-1 C W^-1 U G)`` [1]_: W the observed information
of the unrestricted moments per person, C their information in complete data, ``G = W^-1 J W^-1`` with J the mean
product of scores, and ``U = W - W D (D'WD)^-1 D'W`` with D the slopes of the model's moments. These are lavaan's
``cfi.robust`` and ``rmsea.robust`` (FIML-C, version 3).

References
----------
.. [1] Zhang & Savalei (2023). New computations for RMSEA and CFI following FIML and TS estimation with missing data.
   Psychological Methods 28, 263-283. https://doi.org/10.1037/met0000445
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.linalg import block_diag

from ..engine.kernels.moments import moment_slopes
from ..engine.model_on_panel import PanelModel
from .estimates import Estimates
from .fit_indices import (
    Discrepancy,
    baseline_degrees_of_freedom,
    implied_moments,
    n_degrees_of_freedom,
)
from .robust_errors import group_members, middle, moment_information, moment_scores, observed_values
from .saturated import Saturated, cell_patterns
from .survey_design import Sampling

__all__ = ["complete_data_fit"]

type FloatArray = npt.NDArray[np.float64]


def complete_data_fit(
    model: PanelModel, estimates: Estimates, saturated: Sequence[Saturated], sampling: Sampling
) -> tuple[Discrepancy, Discrepancy] | None:
    """Of the model and of independent values; None with covariates, without a saturated model or df."""
    df = n_degrees_of_freedom(model)
    if model.system.n_covariates or not saturated or not df or np.isnan(estimates.covariance).any():
        return None
    people = np.array([float(cell_patterns(model, cell).people.sum()) for cell in range(len(saturated))])
    share = people / people.sum()
    values = observed_values(model)
    informations, complete, products = [], [], []
    statistics, slopes, single_slopes = np.zeros(2), [], []
    for cell, group in enumerate(saturated):
        members = group_members(model, cell)
        information = moment_information(model, cell, group) / people[cell]
        scores = moment_scores(group.mean, group.covariance, values[members], np.eye(len(information)))
        informations.append(share[cell] * information)
        products.append(share[cell] * middle(scores, sampling.of_persons(members)) / people[cell])
        complete.append(share[cell] * _complete_information(group.covariance))
        weights = None if sampling.weights is None else sampling.weights[members]
        implied = (implied_moments(model, estimates.theta, cell, group), _single_moments(values[members], weights))
        statistics += [people[cell] * _discrepancy(group, *moments) for moments in implied]
        slopes.append(moment_slopes(estimates.theta, model.system.structure_arrays, model.system.arrays, cell))
        single_slopes.append(_single_slopes(len(group.mean)))
    inverse = np.linalg.inv(block_diag(*informations))
    parts = (inverse, block_diag(*complete), inverse @ block_diag(*products) @ inverse)
    expected = [_expected(all_slopes, *parts) for all_slopes in (np.concatenate(slopes), block_diag(*single_slopes))]
    sizes = (df, baseline_degrees_of_freedom(model))
    ours, independent = (
        Discrepancy(float(statistic), size / n) for statistic, size, n in zip(statistics, expected, sizes, strict=True)
    )
    return ours, independent


def _expected(slopes: FloatArray, inverse: FloatArray, complete: FloatArray, gamma: FloatArray) -> float:
    """Size of a discrepancy where the model is right."""
    information = np.linalg.inv(inverse)
    weighted = information @ slopes
    residual = information - weighted @ np.linalg.solve(slopes.T @ weighted, weighted.T)
    return float(np.trace(residual @ inverse @ complete @ inverse @ residual @ gamma))


def _discrepancy(group: Saturated, mean: FloatArray, covariance: FloatArray) -> float:
    """Twice the normal discrepancy per person of moments from unrestricted ones, both as of complete data."""
    away, precision = group.mean - mean, np.linalg.inv(covariance)
    log_ratio = np.linalg.slogdet(covariance)[1] - np.linalg.slogdet(group.covariance)[1]
    return float(log_ratio + np.sum(precision * group.covariance) - len(mean) + away @ precision @ away)


def _complete_information(covariance: FloatArray) -> FloatArray:
    """Information of one complete person in means and the lower triangle of covariances, row by row."""
    precision = np.linalg.inv(covariance)
    rows, columns = np.tril_indices(len(covariance))
    twice = np.where(rows == columns, 1.0, 2.0)
    products = (
        precision[np.ix_(rows, rows)] * precision[np.ix_(columns, columns)]
        + precision[np.ix_(rows, columns)] * precision[np.ix_(columns, rows)]
    )
    return np.asarray(block_diag(precision, products * np.outer(twice, twice) / 4))


def _single_moments(values: FloatArray, weights: FloatArray | None) -> tuple[FloatArray, FloatArray]:
    """Means and variances of independent values."""
    counts = np.where(np.isnan(values), 0.0, 1.0 if weights is None else weights[:, None])
    mean = (counts * np.nan_to_num(values)).sum(axis=0) / counts.sum(axis=0)
    squares = np.nan_to_num(values - mean) ** 2
    return mean, np.diag((counts * squares).sum(axis=0) / counts.sum(axis=0))


def _single_slopes(size: int) -> FloatArray:
    """Slopes of all moments in means and variances."""
    rows, columns = np.tril_indices(size)
    variances = np.zeros((len(rows), size))
    variances[rows == columns] = np.eye(size)
    return np.asarray(block_diag(np.eye(size), variances))
