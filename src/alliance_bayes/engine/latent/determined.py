"""Cases whose linear predictors follow from their exact values: their normal density from mean and scatter.

Where every linear predictor of a case follows from its exact values, as the logit of a state does that depends on
observed values alone, its log density is the normal one of the exact values and a logistic probability for each state.
The first is, over the n people of a pattern, a function of their mean and scatter; the second is a logistic regression,
and needs each of them. With d the deviation of a person's exact values from their mean in the model, the linear
predictors are ``m_L + G d``.
"""

import math

import numpy as np

from ...basics.compiled import compiled, in_place
from ..kernels.matrices import LOG_2_PI
from .conditional import condition, work_conditional

__all__ = ["add_determined_cases", "is_determined", "means_and_scatters", "rows_to_integrate"]

MOST_FACTORS = 1e100  # product before one logarithm, far from overflow


def means_and_scatters(
    exact: np.ndarray, bounds: np.ndarray, n_exact: np.ndarray, wanted: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Mean of a pattern's exact values and their scatter about it, for the patterns wanted.

    Parameters
    ----------
    exact
        Values sorted by pattern, a pattern's exact ones first; shape ``(row, value)``.
    bounds, n_exact
        Where each pattern's rows start, and the last one's end; its number of exact values.
    wanted
        Shape ``(pattern,)``.

    Returns
    -------
    tuple of numpy.ndarray
        Where each pattern's numbers start, and the end, shape ``(pattern + 1,)``; its mean, then its scatter.
    """
    moments = [np.zeros(0)]
    for pattern in np.flatnonzero(wanted):
        values = exact[bounds[pattern] : bounds[pattern + 1], : n_exact[pattern]]
        mean = values.mean(axis=0)
        moments += [mean, ((values - mean).T @ (values - mean)).ravel()]
    lengths = np.where(wanted, n_exact + n_exact**2, 0)
    return np.append(0, np.cumsum(lengths)), np.concatenate(moments)


@compiled
def is_determined(pattern, data, given):
    """Whether all linear predictors of a pattern, prepared by `condition`, follow from exact values, summarised."""
    if data.moments_start[pattern] == data.moments_start[pattern + 1]:
        return False
    size = data.n_latent[pattern]
    return not (np.diag(given.covariance[:size, :size]) > 0.0).any()


@compiled
def rows_to_integrate(means, covariances, data):
    """Whether each row of `data` has linear predictors to integrate out, at allowed moments; shape ``(row,)``."""
    integrated, given = np.ones(len(data.case), dtype=np.bool_), work_conditional(means.shape[1])
    for pattern in range(len(data.cell)):
        condition(pattern, means, covariances, data, given)
        integrated[data.bounds[pattern] : data.bounds[pattern + 1]] = not is_determined(pattern, data, given)
    return integrated


@in_place
def add_determined_cases(pattern, log_determinant, data, given):
    """Log-likelihood of a pattern's people; adds their gradients to the sums of the pattern, as `add_to_pattern` does.

    The linear predictors have no variance at any parameters near these, so that no gradient is sought in it. The
    factors ``1 + exp(-|x|)`` of the logistic probabilities, each from 1 to 2, are multiplied before one logarithm.
    """
    n_exact, n_latent = data.n_exact[pattern], data.n_latent[pattern]
    first_row, last_row = data.bounds[pattern], data.bounds[pattern + 1]
    people, start = last_row - first_row, data.moments_start[pattern]
    average = data.moments[start : start + n_exact]
    scatter = data.moments[start + n_exact : data.moments_start[pattern + 1]].reshape(n_exact, n_exact)
    quadratic = 0.0
    for row in range(n_exact):
        given.deviation[row] = average[row] - given.mean[row]
        given.total[row] += people * given.deviation[row]
        for column in range(row + 1):
            about = scatter[row, column] + people * given.deviation[row] * given.deviation[column]
            given.scatter[row, column] += about
            quadratic += (1.0 if row == column else 2.0) * given.precision[row, column] * about
    total = -0.5 * (people * (n_exact * LOG_2_PI + log_determinant) + quadratic)
    factors = 1.0
    for row in range(first_row, last_row):
        total += data.constant[row]
        for value in range(n_exact):
            given.deviation[value] = data.exact[row, value] - given.mean[value]
        for number in range(n_latent):
            predictor, slope, site = given.mean[n_exact + number], 0.0, data.site[row] + number
            for value in range(n_exact):
                predictor += given.weights[number, value] * given.deviation[value]
            for response in range(data.first[site], data.first[site + 1]):
                sign = 2.0 * data.value[data.kind[response]] - 1.0
                power = math.exp(-abs(predictor))
                factors *= 1.0 + power
                total += min(sign * predictor, 0.0)
                slope += sign * (power if sign * predictor >= 0.0 else 1.0) / (1.0 + power)
            given.mean_bar[number] += slope
            for value in range(n_exact):
                given.cross_bar[number, value] += slope * given.deviation[value]
        if factors > MOST_FACTORS:
            total -= math.log(factors)
            factors = 1.0
    return total - math.log(factors)
