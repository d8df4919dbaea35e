"""Log densities of every kind of response on a grid of linear predictors, made once for each set of parameters.

Between grid points a polynomial through six of them holds; beyond the grid, 10 SDs of the first
wave away from its mean, a parabola through three. Gradients are those of what is so evaluated.
"""

import math

import numpy as np

from ...basics.compiled import compiled, in_place
from ...families.registry import add_phi_gradients, log_densities, steepness
from .exponentials import exponentials

__all__ = ["LOWEST", "N_GRID", "STEP", "add_rows", "interpolated", "pull_back", "scatter", "tabulate"]

LOWEST = -10.0  # SDs of the first wave: what lies outside is off by ten of them
STEP = 0.125  # the sixth order of a polynomial leaves 2e-6 of a log density of usual steepness
N_GRID = 161  # up to 10 SDs
FIRST_COARSE, N_COARSE = 8, 72  # every second point from -9 to 9 SDs, for the first guess of a site
APART = 4  # points between those of the parabola beyond the grid: over half an SD its curvature is no rounding
LEAST_GUESS = 0.02  # variance of a first guess, so that no site starts out much too narrow
WIDEST = 1.2  # over the steepness s: a density analytic up to pi / s is summed to exp(-2 pi^2 / 1.2) = 7e-8


@compiled
def tabulate(data, phi):
    """Tables of the log densities, and what each kind of response says of a standard normal linear predictor.

    Returns
    -------
    tuple
        Log densities, shape ``(kind, grid)``; of each kind, shape ``(kind, 3)``, precision and shift of
        the normal density that leaves the same mean and variance, and the largest distance between
        points at which sums are near integrals; whether all log densities are finite.
    """
    table, guess = np.empty((len(data.value), N_GRID)), np.empty((len(data.value), 3))
    eta = LOWEST + STEP * np.arange(N_GRID)
    for group in range(len(data.code)):
        first, last = data.group[group], data.group[group + 1]
        numbers = phi[data.start[group] :]
        log_densities(data.code[group], data.size[group], data.value[first:last], numbers, eta, table[first:last])
        guess[first:last, 2] = WIDEST / max(steepness(data.code[group], numbers), STEP)
    return table, guess, _guess(table, guess, np.empty((2, N_COARSE)))


@in_place
def _guess(table, guess, work):
    """Write down what `tabulate` returns of each kind; whether all log densities are finite."""
    weight, proper = work[0], True
    for kind in range(len(table)):
        all_of_them = 0.0
        for node in range(N_GRID):
            all_of_them += table[kind, node]
        proper = proper and math.isfinite(all_of_them)
        for coarse in range(N_COARSE):
            point = LOWEST + STEP * (FIRST_COARSE + 2 * coarse)
            weight[coarse] = table[kind, FIRST_COARSE + 2 * coarse] - 0.5 * point * point
        exponentials(weight, N_COARSE, work[1])
        total, first_moment, second_moment = 0.0, 0.0, 0.0
        for coarse in range(N_COARSE):
            point = LOWEST + STEP * (FIRST_COARSE + 2 * coarse)
            total += weight[coarse]
            first_moment += weight[coarse] * point
            second_moment += weight[coarse] * point * point
        mean = first_moment / total
        variance = second_moment / total - mean * mean
        guess[kind, 0] = max(1.0 / max(variance, LEAST_GUESS) - 1.0, 0.0)
        guess[kind, 1] = mean * (1.0 + guess[kind, 0])
    return proper


@in_place
def add_rows(kinds, table, row):
    """Overwrite `row`, shape ``(grid,)``, with the sum of the log densities of several kinds."""
    row[:] = 0.0
    for kind in kinds:
        for node in range(N_GRID):
            row[node] += table[kind, node]


@in_place
def _weights(eta):
    """First grid point that counts at eta, the distance between those that count, and the weights of six."""
    x = (eta - LOWEST) / STEP
    if x < 0.0 or x > N_GRID - 1:
        first = 0 if x < 0.0 else N_GRID - 1 - 2 * APART
        x = (x - first) / APART
        return first, APART, 0.5 * (x - 1.0) * (x - 2.0), x * (2.0 - x), 0.5 * x * (x - 1.0), 0.0, 0.0, 0.0
    first = min(max(int(x) - 2, 0), N_GRID - 6)
    x -= first
    a, b, c, d, e, f = x, x - 1.0, x - 2.0, x - 3.0, x - 4.0, x - 5.0
    left, right = a * b * c, d * e * f
    return (
        first,
        1,
        -b * c * right / 120.0,
        a * c * right / 24.0,
        -a * b * right / 12.0,
        left * e * f / 12.0,
        -left * d * f / 24.0,
        left * d * e / 120.0,
    )


@in_place
def interpolated(row, eta):
    """Value at any linear predictor of what has the values `row` on the grid."""
    first, apart, a, b, c, d, e, f = _weights(eta)
    total = a * row[first] + b * row[first + apart] + c * row[first + 2 * apart]
    if apart == 1:
        total += d * row[first + 3] + e * row[first + 4] + f * row[first + 5]
    return total


@in_place
def scatter(eta, weight, row_bar):
    """Add the gradient of `weight` times `interpolated` to that of the values on the grid."""
    first, apart, a, b, c, d, e, f = _weights(eta)
    row_bar[first] += weight * a
    row_bar[first + apart] += weight * b
    row_bar[first + 2 * apart] += weight * c
    if apart == 1:
        row_bar[first + 3] += weight * d
        row_bar[first + 4] += weight * e
        row_bar[first + 5] += weight * f


@compiled
def pull_back(data, phi, table_bar, phi_bar):
    """Add the gradient in phi of what has the gradient `table_bar` in the tables."""
    eta = LOWEST + STEP * np.arange(N_GRID)
    for group in range(len(data.code)):
        first, last = data.group[group], data.group[group + 1]
        value, weights = data.value[first:last], table_bar[first:last]
        start = data.start[group]
        add_phi_gradients(data.code[group], data.size[group], value, phi[start:], eta, weights, phi_bar[start:])
