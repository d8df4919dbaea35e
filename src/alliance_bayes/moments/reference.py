"""The textbook formulas in plain numpy: slow, obvious, and what every fast path must equal."""

import numpy as np

from .linear_system import LinearSystem

__all__ = ["implied_moments", "log_likelihood_per_person"]


def implied_moments(system: LinearSystem, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and covariance of the stacked waves.

    ``(I - A)^-1 alpha`` and ``(I - A)^-1 S (I - A)^-T``, rows and columns of the observed
    variables.

    Parameters
    ----------
    system
        The model.
    theta
        Values of `system.parameters`, shape ``(parameter,)``.

    Returns
    -------
    tuple of numpy.ndarray
        Shapes ``(value,)`` and ``(value, value)``, wave-major.
    """
    size = len(system.variables)
    effects, disturbances, intercepts = np.zeros((size, size)), np.zeros((size, size)), np.zeros(size)
    for row, column, free in system.paths:
        effects[row, column] = 1.0 if free is None else theta[free]
    for row, column, free in system.covariances:
        disturbances[row, column] = disturbances[column, row] = theta[free]
    for row, free in system.intercepts:
        intercepts[row] = theta[free]
    total = np.linalg.inv(np.eye(size) - effects)
    seen = list(system.observed)
    return (total @ intercepts)[seen], (total @ disturbances @ total.T)[np.ix_(seen, seen)]


def log_likelihood_per_person(mean: np.ndarray, covariance: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Log density of each person's observed values under one multivariate normal.

    Parameters
    ----------
    mean, covariance
        Moments of the stacked waves, shapes ``(value,)`` and ``(value, value)``.
    values
        Shape ``(person, value)``, NaN where nothing was observed.

    Returns
    -------
    numpy.ndarray
        Shape ``(person,)``; 0 for a person without any value.
    """
    result = np.zeros(len(values))
    for person, row in enumerate(values):
        seen = ~np.isnan(row)
        deviation = (row - mean)[seen]
        sub = covariance[np.ix_(seen, seen)]
        _, log_determinant = np.linalg.slogdet(sub)
        quadratic = deviation @ np.linalg.solve(sub, deviation)
        result[person] = -0.5 * (seen.sum() * np.log(2 * np.pi) + log_determinant + quadratic)
    return result
