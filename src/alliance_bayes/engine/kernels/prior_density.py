"""Log densities of the priors on the sampler's unconstrained scale, element by element."""

import math

import numpy as np

from ...basics.compiled import compiled
from .arrays import HALF_NORMAL, INTERVAL, LOG, LOG_NORMAL, NORMAL, PriorTable

__all__ = ["log_prior_and_gradient", "to_constrained"]


@compiled
def _logistic(value):
    if value >= 0.0:
        return 1.0 / (1.0 + math.exp(-value))
    power = math.exp(value)
    return power / (1.0 + power)


@compiled
def to_constrained(point: np.ndarray, table: PriorTable):
    """Values of the random variables at an unconstrained point, shape ``(psi,)``."""
    psi = np.empty(len(point))
    for entry in range(len(point)):
        transform, value = table.transform[entry], point[entry]
        if transform == LOG:
            value = math.exp(value)
        elif transform == INTERVAL:
            value = table.lower[entry] + (table.upper[entry] - table.lower[entry]) * _logistic(value)
        psi[entry] = value
    return psi


@compiled
def log_prior_and_gradient(point: np.ndarray, psi: np.ndarray, psi_bar: np.ndarray, table: PriorTable, gradient):
    """Log prior density with the transforms' Jacobians, and the gradient of it and of the likelihood.

    Parameters
    ----------
    point, psi
        Unconstrained point and the values it stands for, shape ``(psi,)``.
    psi_bar
        Gradient of the log-likelihood in psi.
    table
        The priors.
    gradient
        Overwritten with the gradient of log-likelihood plus log prior in `point`.

    Returns
    -------
    float
        The log prior density.
    """
    total = 0.0
    for entry in range(len(point)):
        family, transform = table.family[entry], table.transform[entry]
        first, second, value = table.first[entry], table.second[entry], psi[entry]
        if family == NORMAL:
            deviation = (value - first) / second
            total += table.constant[entry] - 0.5 * deviation * deviation
            slope = -deviation / second
        elif family == HALF_NORMAL:
            deviation = value / first
            total += table.constant[entry] - 0.5 * deviation * deviation
            slope = -deviation / first
        elif family == LOG_NORMAL:
            deviation = (math.log(value) - first) / second
            total += table.constant[entry] - 0.5 * deviation * deviation - math.log(value)
            slope = -(deviation / second + 1.0) / value
        else:  # BETA
            total += table.constant[entry] + (first - 1.0) * math.log(value) + (second - 1.0) * math.log1p(-value)
            slope = (first - 1.0) / value - (second - 1.0) / (1.0 - value)
        slope += psi_bar[entry]
        if transform == LOG:
            total += point[entry]
            slope = slope * value + 1.0
        elif transform == INTERVAL:
            width = table.upper[entry] - table.lower[entry]
            share = (value - table.lower[entry]) / width
            total += math.log(width * share * (1.0 - share))
            slope = slope * width * share * (1.0 - share) + 1.0 - 2.0 * share
        gradient[entry] = slope
    return total
