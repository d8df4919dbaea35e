"""The Gaussian log-likelihood of pattern statistics, compiled, with its gradient."""

import math

import numpy as np

from ...basics.compiled import compiled, inlined
from .alike import is_alike, log_likelihood_of_alike
from .arrays import PatternArrays, ProgramArrays, SystemArrays
from .interpreter import pull_back, run
from .matrices import LOG_2_PI, cholesky, inverse_and_log_determinant
from .moments import backward, forward, observed, system_of

__all__ = ["log_likelihood_and_gradient"]


@compiled
def _completed_pattern(people, size, rank, position, factor, deviation, precision, moment, work):
    """Add a pattern with few values missing to the completed moments; return ``log det P_uu``.

    With P the precision of all values, u the missing and o the observed positions, deviations F of
    the observed values are completed by their expectation ``F_u = -P_uu^-1 P_uo F_o``. `deviation`,
    the last column of F, is completed in place.
    """
    n_missing = len(position) - size
    for row in range(size):
        for column in range(row + 1):
            moment[position[row], position[column]] += deviation[row] * deviation[column]
    if n_missing == 0:
        return 0.0
    matrix, inverse, cross, filled = work
    for row in range(n_missing):
        for column in range(row + 1):
            matrix[row, column] = precision[position[size + row], position[size + column]]
    log_determinant = inverse_and_log_determinant(matrix, matrix, inverse, n_missing)
    for row in range(n_missing):
        weighted = 0.0
        for column in range(rank):
            cross[row, column] = 0.0
        for inner in range(size):
            weight = precision[position[size + row], position[inner]]
            weighted += weight * deviation[inner]
            for column in range(rank):
                cross[row, column] += weight * factor[inner, column]
        matrix[row, 0] = weighted
    for row in range(n_missing):
        expected = 0.0
        for column in range(rank):
            filled[row, column] = 0.0
        for inner in range(n_missing):
            weight = inverse[row, inner]
            expected -= weight * matrix[inner, 0]
            for column in range(rank):
                filled[row, column] -= weight * cross[inner, column]
        deviation[size + row] = expected
    for row in range(n_missing):
        missing, expected = position[size + row], deviation[size + row]
        for other in range(size):
            value = expected * deviation[other]
            for column in range(rank):
                value += filled[row, column] * factor[other, column]
            observed_at = position[other]
            moment[max(missing, observed_at), min(missing, observed_at)] += value
        for other in range(row + 1):
            value = people * inverse[row, other] + expected * deviation[size + other]
            for column in range(rank):
                value += filled[row, column] * filled[other, column]
            moment[missing, position[size + other]] += value
    return log_determinant


@compiled
def _small_pattern(people, size, rank, position, factor, deviation, covariance, slopes, covariance_gradient, work):
    """Return log determinant and quadratic form of a pattern with few values observed; add its gradients.

    `slopes` is overwritten with the inverse covariance times `deviation`.
    """
    matrix, inverse, solved, _ = work
    for row in range(size):
        for column in range(row + 1):
            matrix[row, column] = covariance[position[row], position[column]]
    log_determinant = inverse_and_log_determinant(matrix, matrix, inverse, size)
    quadratic = 0.0
    for row in range(size):
        slope = 0.0
        for column in range(rank):
            solved[row, column] = 0.0
        for inner in range(size):
            weight = inverse[row, inner]
            slope += weight * deviation[inner]
            for column in range(rank):
                solved[row, column] += weight * factor[inner, column]
        slopes[row] = slope
        quadratic += slope * deviation[row]
        for column in range(rank):
            quadratic += solved[row, column] * factor[row, column]
        for other in range(row + 1):
            value = slope * slopes[other] - people * inverse[row, other]
            for column in range(rank):
                value += solved[row, column] * solved[other, column]
            covariance_gradient[position[row], position[other]] += 0.5 * value
    return log_determinant, quadratic


@compiled
def _patterns(mean, covariance, patterns, cell, mean_gradient, covariance_gradient):
    """Log-likelihood over the patterns of a cell; adds the gradients, of the covariance in its lower triangle.

    Patterns with few values missing are summed as completed moments M, each ``F F' + n P_uu^-1`` in
    the notation of `_completed_pattern`. Their quadratic forms are then ``tr(P M)`` less the number
    of values missing, and their gradient ``(P M P - n P) / 2``, so that products with the
    precision P of all values are needed only once, and not at all where no pattern is completed.
    """
    n_values = len(mean)
    squares, vectors = np.empty((7, n_values, n_values)), np.zeros((3, n_values))
    work, precision, product, moment = squares[:4], squares[4], squares[5], squares[6]
    deviation, slopes, first_moment = vectors[0], vectors[1], vectors[2]
    first, last = patterns.cell_start[cell], patterns.cell_start[cell + 1]
    log_determinant_of_all, any_completed = 0.0, patterns.completed[first:last].any()
    if any_completed:
        moment[:] = patterns.scatter[cell, :n_values, :n_values]
        log_determinant_of_all = inverse_and_log_determinant(covariance, product, precision, n_values)
        if log_determinant_of_all == np.inf:
            return -np.inf
    elif (patterns.size[first:last] < n_values).any():  # a pattern without missing values says so itself
        product[:] = covariance
        if not cholesky(product, n_values):
            return -np.inf
    total, completed = 0.0, 0.0
    for pattern in range(first, last):
        people, size, rank = patterns.people[pattern], patterns.size[pattern], patterns.rank[pattern]
        position, factor, root = patterns.position[pattern, :n_values], patterns.factor[pattern], math.sqrt(people)
        for row in range(size):
            deviation[row] = root * (patterns.mean[pattern, row] - mean[position[row]])
        if patterns.completed[pattern]:
            part = _completed_pattern(people, size, rank, position, factor, deviation, precision, moment, work)
            for row in range(n_values):
                first_moment[position[row]] += root * deviation[row]
            completed += people
            total -= 0.5 * people * (size * LOG_2_PI + log_determinant_of_all + part - (n_values - size))
        else:
            log_determinant, quadratic = _small_pattern(
                people, size, rank, position, factor, deviation, covariance, slopes, covariance_gradient, work
            )
            for row in range(size):
                mean_gradient[position[row]] += root * slopes[row]
            total -= 0.5 * (people * (size * LOG_2_PI + log_determinant) + quadratic)
    if not any_completed:
        return total

    for row in range(n_values):
        for column in range(row):
            moment[column, row] = moment[row, column]
    for row in range(n_values):
        for column in range(n_values):
            product[row, column] = 0.0
        for inner in range(n_values):
            weight = precision[row, inner]
            mean_gradient[row] += weight * first_moment[inner]
            for column in range(n_values):
                product[row, column] += weight * moment[inner, column]
        total -= 0.5 * product[row, row]
        for column in range(row + 1):
            value = -completed * precision[row, column]
            for inner in range(n_values):
                value += product[row, inner] * precision[column, inner]
            covariance_gradient[row, column] += 0.5 * value
    return total


@inlined
def _cell(registers, bars, system, patterns, cell):
    """Log-likelihood of one cell's people; adds its gradient to `bars`."""
    paths, mean, with_disturbance, with_observed = forward(registers, system)
    observed_mean, covariance = observed(mean, with_observed, system)
    n_values = len(observed_mean)
    mean_gradient = np.zeros(n_values)
    covariance_gradient = np.zeros((n_values, n_values))
    total = _patterns(observed_mean, covariance, patterns, cell, mean_gradient, covariance_gradient)
    if total == -np.inf:
        return total
    for position in range(n_values):
        for other in range(position):
            covariance_gradient[other, position] = covariance_gradient[position, other]
    backward(registers, bars, system, paths, mean, with_disturbance, with_observed, mean_gradient, covariance_gradient)
    return total


@inlined
def _alike(registers, bars, systems, patterns):
    """Log-likelihood of the cells that are alike, compiled when a model first has such; adds its gradient to `bars`."""
    n_patterns, n_values = patterns.position.shape
    return log_likelihood_of_alike(
        registers.ctypes,
        bars.ctypes,
        len(registers),
        systems.path_row.ctypes,
        systems.path_column.ctypes,
        systems.path_register.ctypes,
        systems.covariance_row.ctypes,
        systems.covariance_column.ctypes,
        systems.covariance_register.ctypes,
        systems.intercept_row.ctypes,
        systems.intercept_register.ctypes,
        systems.disturbance.ctypes,
        systems.observed.ctypes,
        systems.start.ctypes,
        systems.form.ctypes,
        len(systems.form),
        patterns.people.ctypes,
        patterns.size.ctypes,
        patterns.position.ctypes,
        patterns.mean.ctypes,
        patterns.rank.ctypes,
        patterns.factor.ctypes,
        patterns.completed.ctypes,
        patterns.cell_start.ctypes,
        n_patterns,
        n_values,
    )


@inlined
def log_likelihood_and_gradient(
    theta: np.ndarray, structure: ProgramArrays, systems: SystemArrays, patterns: PatternArrays
):
    """Log-likelihood of a panel, given its covariates, and its gradient in theta.

    Returns
    -------
    tuple
        Log-likelihood, minus infinity where an implied covariance is not positive definite; its
        gradient, shape ``(parameter,)``, 0 in that case.
    """
    registers, proper = run(theta, structure)
    bars = np.zeros(len(registers))
    total = -patterns.given[0] if proper else -np.inf
    n_alike, n_cells = 0, len(systems.form)
    for cell in range(n_cells):
        if is_alike(systems, patterns, cell):
            n_alike += 1
        elif total > -np.inf:
            total += _cell(registers, bars, system_of(systems, cell), patterns, cell)
    if n_alike and total > -np.inf:
        total += _alike(registers, bars, systems, patterns)
    if not -np.inf < total < np.inf:
        return -np.inf, np.zeros(len(theta))
    pull_back(registers, bars, structure)
    return total, bars[: len(theta)].copy()
