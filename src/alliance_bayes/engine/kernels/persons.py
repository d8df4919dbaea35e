"""Densities of people's values, and draws of what was not observed of them, compiled."""

import math

import numpy as np

from ...basics.compiled import compiled
from .interpreter import run
from .matrices import LOG_2_PI, cholesky, semidefinite_cholesky
from .moments import moments, system_of

__all__ = ["conditional_draws", "log_likelihoods_per_person"]


@compiled
def log_likelihoods_per_person(thetas, structure, systems, patterns, values, order, bounds, result):
    """Log density of each person's values at each of several theta, written into `result`.

    Parameters
    ----------
    thetas
        Shape ``(draw, parameter)``.
    structure, systems
        As in `log_likelihood_and_gradient`.
    patterns
        Only `size`, `position` and `cell_start` are used.
    values
        Values in the model's unit, shape ``(person, value)``.
    order, bounds
        People sorted by pattern, and where each pattern starts and the last one ends.
    result
        Shape ``(draw, person)``; people outside every pattern are left as they are.
    """
    lower = np.empty((values.shape[1], values.shape[1]))
    deviation = np.empty(values.shape[1])
    for draw in range(len(thetas)):
        registers, _ = run(thetas[draw], structure)
        for cell in range(len(systems.start) - 1):
            mean, covariance = moments(registers, system_of(systems, cell))
            for pattern in range(patterns.cell_start[cell], patterns.cell_start[cell + 1]):
                size, index = patterns.size[pattern], patterns.position[pattern]
                for row in range(size):
                    for column in range(row + 1):
                        lower[row, column] = covariance[index[row], index[column]]
                proper = cholesky(lower, size)
                constant = size * LOG_2_PI
                for row in range(size):
                    constant += 2.0 * math.log(lower[row, row])
                for position in range(bounds[pattern], bounds[pattern + 1]):
                    person = order[position]
                    quadratic = 0.0
                    for row in range(size):
                        value = values[person, index[row]] - mean[index[row]]
                        for inner in range(row):
                            value -= lower[row, inner] * deviation[inner]
                        value /= lower[row, row]
                        deviation[row] = value
                        quadratic += value * value
                    result[draw, person] = -0.5 * (constant + quadratic) if proper else -np.inf


@compiled
def conditional_draws(thetas, structure, systems, n_targets, patterns, values, order, bounds, normals, result):
    """Draw unobserved variables of each person given the observed values, one draw per theta.

    Parameters
    ----------
    thetas
        Shape ``(draw, parameter)``.
    structure, systems
        Systems whose first `n_targets` observed variables are the ones to draw, and whose
        remaining ones are the values the patterns index.
    patterns
        Only `size`, `position` and `cell_start` are used; people without any value are a pattern too.
    values
        Values in the model's unit, shape ``(person, value)``.
    order, bounds
        People sorted by pattern, and where each pattern starts and the last one ends.
    normals
        Standard normal numbers, shape ``(draw, person, target)``.
    result
        Shape ``(draw, person, target)``, overwritten; NaN where the values' covariance is not positive definite.
    """
    n_values = values.shape[1]
    lower = np.empty((n_values, n_values))
    weights = np.empty((n_values, n_targets))
    deviation = np.empty(n_values)
    residual = np.empty((n_targets, n_targets))
    for draw in range(len(thetas)):
        registers, _ = run(thetas[draw], structure)
        for cell in range(len(systems.start) - 1):
            mean, covariance = moments(registers, system_of(systems, cell))
            for pattern in range(patterns.cell_start[cell], patterns.cell_start[cell + 1]):
                size, index = patterns.size[pattern], patterns.position[pattern]
                for row in range(size):
                    for column in range(row + 1):
                        lower[row, column] = covariance[n_targets + index[row], n_targets + index[column]]
                if not cholesky(lower, size):
                    for row in range(size):
                        lower[row, row] = np.nan
                for target in range(n_targets):
                    for row in range(size):
                        value = covariance[n_targets + index[row], target]
                        for inner in range(row):
                            value -= lower[row, inner] * weights[inner, target]
                        weights[row, target] = value / lower[row, row]
                for target in range(n_targets):
                    for other in range(target + 1):
                        value = covariance[target, other]
                        for inner in range(size):
                            value -= weights[inner, target] * weights[inner, other]
                        residual[target, other] = value
                semidefinite_cholesky(residual, n_targets)
                for position in range(bounds[pattern], bounds[pattern + 1]):
                    person = order[position]
                    for row in range(size):
                        value = values[person, index[row]] - mean[n_targets + index[row]]
                        for inner in range(row):
                            value -= lower[row, inner] * deviation[inner]
                        deviation[row] = value / lower[row, row]
                    for target in range(n_targets):
                        value = mean[target]
                        for row in range(size):
                            value += weights[row, target] * deviation[row]
                        for inner in range(target + 1):
                            value += residual[target, inner] * normals[draw, person, inner]
                        result[draw, person, target] = value
