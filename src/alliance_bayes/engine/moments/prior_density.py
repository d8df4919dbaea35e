"""Log densities of the priors on the sampler's unconstrained scale, element by element."""

import math
from typing import NamedTuple

import numpy as np

from ...basics.compiled import compiled

__all__ = ["FAMILIES", "TRANSFORMS", "PriorTable", "log_prior_and_gradient", "to_constrained"]

FAMILIES = {"normal": 0, "half_normal": 1, "log_normal": 2, "beta": 3}
TRANSFORMS = {"none": 0, "log": 1, "interval": 2}


class PriorTable(NamedTuple):
    """One row for each unconstrained number of a model.

    Attributes
    ----------
    family, transform
        Codes of `FAMILIES` and `TRANSFORMS`.
    first, second
        Parameters of the family: mean and SD (normal, log-normal), SD (half-normal), alpha and
        beta.
    lower, upper
        Bounds of an interval transform: ``x = lower + (upper - lower) / (1 + exp(-v))``.
    constant
        Logarithm of the normalising constant, truncation included.
    """

    family: np.ndarray
    transform: np.ndarray
    first: np.ndarray
    second: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    constant: np.ndarray


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
        if transform == 1:
            value = math.exp(value)
        elif transform == 2:
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
        if family == 0:
            deviation = (value - first) / second
            total += table.constant[entry] - 0.5 * deviation * deviation
            slope = -deviation / second
        elif family == 1:
            deviation = value / first
            total += table.constant[entry] - 0.5 * deviation * deviation
            slope = -deviation / first
        elif family == 2:
            deviation = (math.log(value) - first) / second
            total += table.constant[entry] - 0.5 * deviation * deviation - math.log(value)
            slope = -(deviation / second + 1.0) / value
        else:
            total += table.constant[entry] + (first - 1.0) * math.log(value) + (second - 1.0) * math.log1p(-value)
            slope = (first - 1.0) / value - (second - 1.0) / (1.0 - value)
        slope += psi_bar[entry]
        if transform == 1:
            total += point[entry]
            slope = slope * value + 1.0
        elif transform == 2:
            width = table.upper[entry] - table.lower[entry]
            share = (value - table.lower[entry]) / width
            total += math.log(width * share * (1.0 - share))
            slope = slope * width * share * (1.0 - share) + 1.0 - 2.0 * share
        gradient[entry] = slope
    return total
