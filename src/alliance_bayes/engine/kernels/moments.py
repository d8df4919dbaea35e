"""Means and covariances that linear systems imply, compiled, with their gradients.

Every function has its plain counterpart among the tests, and equals it to rounding.
Gradients with respect to a covariance treat its entries (i, j) and (j, i) as separate numbers.
"""

import numpy as np

from ...basics.compiled import compiled
from .arrays import COVARIANCES, INTERCEPTS, OBSERVED, PATHS, VARIABLES, ProgramArrays, SystemArrays
from .interpreter import pull_back, run

__all__ = [
    "backward",
    "forward",
    "moment_slopes",
    "moments",
    "moments_of_cells",
    "observed",
    "pull_back_moments",
    "system_of",
]


@compiled
def system_of(systems: SystemArrays, cell: int):
    """The arrays of one cell's system."""
    first, last = systems.start[cell], systems.start[cell + 1]
    return SystemArrays(
        path_row=systems.path_row[first[PATHS] : last[PATHS]],
        path_column=systems.path_column[first[PATHS] : last[PATHS]],
        path_register=systems.path_register[first[PATHS] : last[PATHS]],
        covariance_row=systems.covariance_row[first[COVARIANCES] : last[COVARIANCES]],
        covariance_column=systems.covariance_column[first[COVARIANCES] : last[COVARIANCES]],
        covariance_register=systems.covariance_register[first[COVARIANCES] : last[COVARIANCES]],
        intercept_row=systems.intercept_row[first[INTERCEPTS] : last[INTERCEPTS]],
        intercept_register=systems.intercept_register[first[INTERCEPTS] : last[INTERCEPTS]],
        disturbance=systems.disturbance[first[VARIABLES] : last[VARIABLES]],
        observed=systems.observed[first[OBSERVED] : last[OBSERVED]],
        start=systems.start,
        form=systems.form,
    )


@compiled
def _path_values(registers: np.ndarray, system: SystemArrays) -> np.ndarray:
    values = np.ones(len(system.path_register))
    for entry in range(len(values)):
        if system.path_register[entry] >= 0:
            values[entry] = registers[system.path_register[entry]]
    return values


@compiled
def _zeros(n_variables, n_disturbances, n_values):
    """A vector and two matrices with a row for each variable, in one block of memory: many systems are small."""
    first, second = n_variables, n_variables * (1 + n_disturbances)
    block = np.zeros(second + n_variables * n_values)
    with_disturbance = block[first:second].reshape(n_variables, n_disturbances)
    return block[:first], with_disturbance, block[second:].reshape(n_variables, n_values)


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
    n_disturbances = 0
    for variable in range(n_variables):
        n_disturbances = max(n_disturbances, system.disturbance[variable] + 1)
    paths = _path_values(registers, system)
    mean, with_disturbance, with_observed = _zeros(n_variables, n_disturbances, n_values)

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
    return observed(mean, with_observed, system)


@compiled
def observed(mean, with_observed, system):
    """Mean and covariance of the observed ones among all variables."""
    n_values = len(system.observed)
    observed_mean = np.empty(n_values)
    covariance = np.empty((n_values, n_values))
    for position in range(n_values):
        observed_mean[position] = mean[system.observed[position]]
        for other in range(n_values):
            covariance[position, other] = with_observed[system.observed[position], other]
    return observed_mean, covariance


@compiled
def backward(
    registers, gradient, system, paths, mean, with_disturbance, with_observed, mean_gradient, covariance_gradient
):
    """Add the gradient in the registers."""
    n_variables, n_values = with_observed.shape
    n_disturbances = with_disturbance.shape[1]
    mean_bar, disturbance_bar, observed_bar = _zeros(n_variables, n_disturbances, n_values)
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
def moments_of_cells(registers: np.ndarray, systems: SystemArrays):
    """Means and covariances of all cells, shapes ``(cell, value)`` and ``(cell, value, value)``."""
    n_cells = len(systems.start) - 1
    n_values = systems.start[1, OBSERVED] - systems.start[0, OBSERVED]
    means, covariances = np.empty((n_cells, n_values)), np.empty((n_cells, n_values, n_values))
    for cell in range(n_cells):
        mean, covariance = moments(registers, system_of(systems, cell))
        for position in range(n_values):
            means[cell, position] = mean[position]
            for other in range(n_values):
                covariances[cell, position, other] = covariance[position, other]
    return means, covariances


@compiled
def pull_back_moments(registers, bars, systems, means_bar, covariances_bar):
    """Add to `bars` what the registers owe to gradients in the means and covariances of all cells."""
    for cell in range(len(systems.start) - 1):
        system = system_of(systems, cell)
        paths, mean, with_disturbance, with_observed = forward(registers, system)
        backward(
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
            backward(
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
            for parameter in range(len(theta)):
                result[place, parameter] = bars[parameter]
            place += 1
            if row < 0:
                mean_gradient[column] = 0.0
            else:
                covariance_gradient[row, column] = 0.0
    return result
