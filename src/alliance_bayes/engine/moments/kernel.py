"""The compiled arithmetic: implied moments, pattern likelihood, and their gradients.

Every function here has its plain counterpart in `reference`, and equals it to rounding.
Gradients with respect to a covariance treat its entries (i, j) and (j, i) as separate numbers.
"""

import math

import numpy as np

from ...basics.compiled import compiled
from .linear_system import SystemArrays
from .matrices import cholesky, semidefinite_cholesky
from .program import ProgramArrays
from .program_kernel import pull_back, run
from .statistics import PatternArrays

__all__ = [
    "conditional_draws",
    "forward",
    "log_likelihood_and_gradient",
    "log_likelihoods_per_person",
    "moment_slopes",
    "moments",
    "moments_of_cells",
    "pull_back_moments",
    "system_of",
]

LOG_2_PI = math.log(2 * math.pi)


@compiled
def system_of(systems: SystemArrays, cell: int):
    """The arrays of one cell's system."""
    first, last = systems.start[cell], systems.start[cell + 1]
    return SystemArrays(
        systems.path_row[first[0] : last[0]],
        systems.path_column[first[0] : last[0]],
        systems.path_register[first[0] : last[0]],
        systems.covariance_row[first[1] : last[1]],
        systems.covariance_column[first[1] : last[1]],
        systems.covariance_register[first[1] : last[1]],
        systems.intercept_row[first[2] : last[2]],
        systems.intercept_register[first[2] : last[2]],
        systems.disturbance[first[3] : last[3]],
        systems.observed[first[4] : last[4]],
        systems.start,
    )


@compiled
def _path_values(registers: np.ndarray, system: SystemArrays) -> np.ndarray:
    values = np.ones(len(system.path_register))
    for entry in range(len(values)):
        if system.path_register[entry] >= 0:
            values[entry] = registers[system.path_register[entry]]
    return values


@compiled
def forward(registers: np.ndarray, system: SystemArrays):
    """Mean of every variable, and its covariances with disturbances and with observed variables.

    Returns
    -------
    tuple
        Path values; means ``(variable,)``; ``Cov(eta, u)`` of shape ``(variable, disturbance)``;
        ``Cov(eta, y)`` of shape ``(variable, value)``.
    """
    n_variables, n_values = len(system.disturbance), len(system.observed)
    n_disturbances = system.disturbance.max() + 1
    paths = _path_values(registers, system)
    mean = np.zeros(n_variables)
    with_disturbance = np.zeros((n_variables, n_disturbances))
    with_observed = np.zeros((n_variables, n_values))

    for entry in range(len(system.intercept_row)):
        mean[system.intercept_row[entry]] = registers[system.intercept_register[entry]]
    for entry in range(len(system.covariance_row)):
        row, column = system.covariance_row[entry], system.covariance_column[entry]
        register = system.covariance_register[entry]
        value = registers[register] if register >= 0 else 1.0
        with_disturbance[row, system.disturbance[column]] = value
        with_disturbance[column, system.disturbance[row]] = value
    for entry in range(len(paths)):
        row, column, value = system.path_row[entry], system.path_column[entry], paths[entry]
        mean[row] += value * mean[column]
        for disturbance in range(n_disturbances):
            with_disturbance[row, disturbance] += value * with_disturbance[column, disturbance]

    for variable in range(n_variables):
        disturbance = system.disturbance[variable]
        if disturbance >= 0:
            for position in range(n_values):
                with_observed[variable, position] = with_disturbance[system.observed[position], disturbance]
    for entry in range(len(paths)):
        row, column, value = system.path_row[entry], system.path_column[entry], paths[entry]
        for position in range(n_values):
            with_observed[row, position] += value * with_observed[column, position]
    return paths, mean, with_disturbance, with_observed


@compiled
def moments(registers: np.ndarray, system: SystemArrays):
    """Mean and covariance of the stacked waves; shapes ``(value,)`` and ``(value, value)``."""
    _, mean, _, with_observed = forward(registers, system)
    return _observed(mean, with_observed, system)


@compiled
def _observed(mean, with_observed, system):
    n_values = len(system.observed)
    observed_mean = np.empty(n_values)
    covariance = np.empty((n_values, n_values))
    for position in range(n_values):
        observed_mean[position] = mean[system.observed[position]]
        for other in range(n_values):
            covariance[position, other] = with_observed[system.observed[position], other]
    return observed_mean, covariance


@compiled
def _backward(
    registers, gradient, system, paths, mean, with_disturbance, with_observed, mean_gradient, covariance_gradient
):
    """Add the gradient in the registers."""
    n_variables, n_values = with_observed.shape
    n_disturbances = with_disturbance.shape[1]
    mean_bar = np.zeros(n_variables)
    disturbance_bar = np.zeros((n_variables, n_disturbances))
    observed_bar = np.zeros((n_variables, n_values))
    for position in range(n_values):
        mean_bar[system.observed[position]] = mean_gradient[position]
        for other in range(n_values):
            observed_bar[system.observed[position], other] = covariance_gradient[position, other]

    for entry in range(len(paths) - 1, -1, -1):
        row, column, value = system.path_row[entry], system.path_column[entry], paths[entry]
        slope = 0.0
        for position in range(n_values):
            slope += observed_bar[row, position] * with_observed[column, position]
            observed_bar[column, position] += value * observed_bar[row, position]
        if system.path_register[entry] >= 0:
            gradient[system.path_register[entry]] += slope
    for variable in range(n_variables):
        disturbance = system.disturbance[variable]
        if disturbance >= 0:
            for position in range(n_values):
                disturbance_bar[system.observed[position], disturbance] += observed_bar[variable, position]

    for entry in range(len(paths) - 1, -1, -1):
        row, column, value = system.path_row[entry], system.path_column[entry], paths[entry]
        slope = mean_bar[row] * mean[column]
        mean_bar[column] += value * mean_bar[row]
        for disturbance in range(n_disturbances):
            slope += disturbance_bar[row, disturbance] * with_disturbance[column, disturbance]
            disturbance_bar[column, disturbance] += value * disturbance_bar[row, disturbance]
        if system.path_register[entry] >= 0:
            gradient[system.path_register[entry]] += slope
    for entry in range(len(system.covariance_row)):
        row, column = system.covariance_row[entry], system.covariance_column[entry]
        slope = disturbance_bar[row, system.disturbance[column]]
        if row != column:
            slope += disturbance_bar[column, system.disturbance[row]]
        if system.covariance_register[entry] >= 0:
            gradient[system.covariance_register[entry]] += slope
    for entry in range(len(system.intercept_row)):
        gradient[system.intercept_register[entry]] += mean_bar[system.intercept_row[entry]]


@compiled
def _inverse_of_factor(factor, inverse, size):
    """Inverse of a lower triangular matrix; the strictly upper part of `inverse` is not touched."""
    for row in range(size):
        reciprocal = 1.0 / factor[row, row]
        for column in range(row):
            inverse[row, column] = 0.0
        for inner in range(row):
            weight = factor[row, inner] * reciprocal
            for column in range(inner + 1):
                inverse[row, column] -= weight * inverse[inner, column]
        inverse[row, row] = reciprocal


@compiled
def _invert(matrix, factor, inverse, size):
    """Logarithm of the determinant of a symmetric matrix, and its inverse in both triangles.

    Infinity where the matrix is not positive definite. Only its lower triangle is read, and it may
    be the same array as the work space `factor`.
    """
    for row in range(size):
        for column in range(row + 1):
            factor[row, column] = matrix[row, column]
    if not cholesky(factor, size):
        return np.inf
    log_determinant, product = 0.0, 1.0
    for row in range(size):
        product *= factor[row, row]
        if row % 8 == 7:
            log_determinant += 2.0 * math.log(product)
            product = 1.0
    log_determinant += 2.0 * math.log(product)
    _inverse_of_factor(factor, inverse, size)
    for row in range(size):
        for column in range(row + 1):
            factor[row, column] = 0.0
        for inner in range(row, size):
            weight = inverse[inner, row]
            for column in range(row + 1):
                factor[row, column] += weight * inverse[inner, column]
    for row in range(size):
        for column in range(row + 1):
            inverse[row, column] = inverse[column, row] = factor[row, column]
    return log_determinant


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
    log_determinant = _invert(matrix, matrix, inverse, n_missing)
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
        here, expected = position[size + row], deviation[size + row]
        for other in range(size):
            value = expected * deviation[other]
            for column in range(rank):
                value += filled[row, column] * factor[other, column]
            there = position[other]
            moment[max(here, there), min(here, there)] += value
        for other in range(row + 1):
            value = people * inverse[row, other] + expected * deviation[size + other]
            for column in range(rank):
                value += filled[row, column] * filled[other, column]
            moment[here, position[size + other]] += value
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
    log_determinant = _invert(matrix, matrix, inverse, size)
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
    of values missing, and their gradient ``(P M P - n P) / 2``, so that products with the whole
    precision P are needed only once.
    """
    n_values = len(mean)
    precision, product = np.empty((n_values, n_values)), np.empty((n_values, n_values))
    work = np.empty((4, n_values, n_values))
    deviation, slopes, first_moment = np.empty(n_values), np.empty(n_values), np.zeros(n_values)
    moment = patterns.scatter[cell, :n_values, :n_values].copy()
    whole = _invert(covariance, product, precision, n_values)
    if whole == np.inf:
        return -np.inf
    total, completed = 0.0, 0.0
    for pattern in range(patterns.cell_start[cell], patterns.cell_start[cell + 1]):
        people, size, rank = patterns.people[pattern], patterns.size[pattern], patterns.rank[pattern]
        position, factor, root = patterns.position[pattern, :n_values], patterns.factor[pattern], math.sqrt(people)
        for row in range(size):
            deviation[row] = root * (patterns.mean[pattern, row] - mean[position[row]])
        if patterns.completed[pattern]:
            part = _completed_pattern(people, size, rank, position, factor, deviation, precision, moment, work)
            for row in range(n_values):
                first_moment[position[row]] += root * deviation[row]
            completed += people
            total -= 0.5 * people * (size * LOG_2_PI + whole + part - (n_values - size))
        else:
            log_determinant, quadratic = _small_pattern(
                people, size, rank, position, factor, deviation, covariance, slopes, covariance_gradient, work
            )
            for row in range(size):
                mean_gradient[position[row]] += root * slopes[row]
            total -= 0.5 * (people * (size * LOG_2_PI + log_determinant) + quadratic)

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


@compiled
def _cell(registers, bars, system, patterns, cell):
    """Log-likelihood of one cell's people; adds its gradient to `bars`."""
    paths, mean, with_disturbance, with_observed = forward(registers, system)
    observed_mean, covariance = _observed(mean, with_observed, system)
    n_values = len(observed_mean)
    mean_gradient = np.zeros(n_values)
    covariance_gradient = np.zeros((n_values, n_values))
    total = _patterns(observed_mean, covariance, patterns, cell, mean_gradient, covariance_gradient)
    if total == -np.inf:
        return total
    for position in range(n_values):
        for other in range(position):
            covariance_gradient[other, position] = covariance_gradient[position, other]
    _backward(registers, bars, system, paths, mean, with_disturbance, with_observed, mean_gradient, covariance_gradient)
    return total


@compiled
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
    for cell in range(len(systems.start) - 1):
        if total > -np.inf:
            total += _cell(registers, bars, system_of(systems, cell), patterns, cell)
    if not total > -np.inf:
        return -np.inf, np.zeros(len(theta))
    pull_back(registers, bars, structure)
    return total, bars[: len(theta)].copy()


@compiled
def moments_of_cells(registers: np.ndarray, systems: SystemArrays):
    """Means and covariances of all cells, shapes ``(cell, value)`` and ``(cell, value, value)``."""
    n_cells = len(systems.start) - 1
    n_values = systems.start[1, 4] - systems.start[0, 4]
    means, covariances = np.empty((n_cells, n_values)), np.empty((n_cells, n_values, n_values))
    for cell in range(n_cells):
        means[cell], covariances[cell] = moments(registers, system_of(systems, cell))
    return means, covariances


@compiled
def pull_back_moments(registers, bars, systems, means_bar, covariances_bar):
    """Add to `bars` what the registers owe to gradients in the means and covariances of all cells."""
    for cell in range(len(systems.start) - 1):
        system = system_of(systems, cell)
        paths, mean, with_disturbance, with_observed = forward(registers, system)
        _backward(
            registers,
            bars,
            system,
            paths,
            mean,
            with_disturbance,
            with_observed,
            means_bar[cell],
            covariances_bar[cell],
        )


@compiled
def moment_slopes(theta: np.ndarray, structure: ProgramArrays, systems: SystemArrays, cell: int):
    """Derivatives of one cell's means, and of its covariances row by row of the lower triangle, in theta.

    Returns
    -------
    numpy.ndarray
        Shape ``(value + value * (value + 1) / 2, parameter)``.
    """
    registers, _ = run(theta, structure)
    system = system_of(systems, cell)
    paths, mean, with_disturbance, with_observed = forward(registers, system)
    n_values = len(system.observed)
    result = np.empty((n_values + n_values * (n_values + 1) // 2, len(theta)))
    mean_gradient, covariance_gradient = np.zeros(n_values), np.zeros((n_values, n_values))
    place = 0
    for row in range(-1, n_values):
        for column in range(n_values if row < 0 else row + 1):
            if row < 0:
                mean_gradient[column] = 1.0
            else:
                covariance_gradient[row, column] = 1.0
            bars = np.zeros(len(registers))
            _backward(
                registers,
                bars,
                system,
                paths,
                mean,
                with_disturbance,
                with_observed,
                mean_gradient,
                covariance_gradient,
            )
            pull_back(registers, bars, structure)
            result[place] = bars[: len(theta)]
            place += 1
            if row < 0:
                mean_gradient[column] = 0.0
            else:
                covariance_gradient[row, column] = 0.0
    return result


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
    rest = np.empty((n_targets, n_targets))
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
                        rest[target, other] = value
                semidefinite_cholesky(rest, n_targets)
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
                            value += rest[target, inner] * normals[draw, person, inner]
                        result[draw, person, target] = value
