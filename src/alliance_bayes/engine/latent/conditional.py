"""Latent numbers given the values observed exactly, and gradients carried back to the moments of all values.

For one pattern let N be the exact values and L the latent numbers with responses. With R the inverse
of S_NN and G = S_LN R, the latent numbers are normal with mean ``m_L + G (y_N - m_N)`` and covariance
``C = S_LL - G S_NL``, which may be singular.
"""

import math
from typing import NamedTuple

import numpy as np

from ...basics.compiled import compiled, in_place
from ..kernels.matrices import inverse_and_log_determinant, semidefinite_cholesky

__all__ = [
    "JITTER",
    "Conditional",
    "add_pattern",
    "add_to_pattern",
    "clear",
    "condition",
    "exact_part",
    "work_conditional",
]

JITTER = 1e-8
"""Variance added to a predictor of a state or of selection, which may follow exactly from other latent numbers.

So that a covariance has a Cholesky factor, whose rounding error is about 1e-15, wherever linear predictors are
integrated out, sampled or drawn. On a logit it is normal noise of SD 0.0001, which changes the log probability of a
response by less than 2e-9.
"""
LEAST_VARIANCE = 1e-9  # of a latent number that follows from others but for rounding: a site divides by it
DETERMINED = 1e-8  # share of a predictor's variance that is left where it follows from exact values, but for rounding
ROUNDING = 1e-7  # share of a variance by which rounding may make it too small or negative: beyond, no covariance


class Conditional(NamedTuple):
    """Moments of a pattern's latent numbers given its exact values, and sums of their gradients over its cases.

    Attributes
    ----------
    mean
        Of exact values, then of latent numbers, shape ``(value,)``.
    precision, weights
        R and G, shape ``(value, value)``.
    covariance, root
        C, and a lower triangular root of it, shape ``(value, value)``.
    work
        Shape ``(value, value)``.
    deviation
        Of a case's exact values from their mean, shape ``(value,)``.
    total, scatter
        Sums of the deviations and of their products, shapes ``(value,)`` and ``(value, value)``.
    mean_bar, cross_bar, covariance_bar
        Sums of the gradient in mu, of its products with the deviations, and of the gradient in C; shapes
        ``(value,)`` and ``(value, value)``.
    """

    mean: np.ndarray
    precision: np.ndarray
    weights: np.ndarray
    covariance: np.ndarray
    root: np.ndarray
    work: np.ndarray
    deviation: np.ndarray
    scatter: np.ndarray
    total: np.ndarray
    mean_bar: np.ndarray
    cross_bar: np.ndarray
    covariance_bar: np.ndarray


@compiled
def work_conditional(size):
    """Return a `Conditional` for so many values."""
    vectors, matrices = np.zeros((4, size)), np.zeros((8, size, size))
    return Conditional(
        mean=vectors[3],
        precision=matrices[0],
        weights=matrices[1],
        covariance=matrices[2],
        root=matrices[3],
        work=matrices[4],
        deviation=vectors[0],
        scatter=matrices[5],
        total=vectors[1],
        mean_bar=vectors[2],
        cross_bar=matrices[6],
        covariance_bar=matrices[7],
    )


@in_place
def condition(pattern, means, covariances, data, given):
    """Prepare a pattern: log determinant of its exact values' covariance; infinity where that is not positive definite.

    Infinity also where the latent numbers' covariance has a variance below 0. Leaves that covariance
    and a lower triangular root. Latent numbers with an occurrence that follow from the exact values
    have a variance of exactly 0; the others of them, which may follow from other latent numbers, get `JITTER` more in
    the covariance. The root goes without, so that integrals over it are those of the model itself.
    """
    n_exact, n_latent, position = data.n_exact[pattern], data.n_latent[pattern], data.position[pattern]
    mean, covariance = means[data.cell[pattern]], covariances[data.cell[pattern]]
    work, conditional = given.work, given.covariance
    for number in range(n_exact + n_latent):
        given.mean[number] = mean[position[number]]
    for row in range(n_exact):
        for column in range(row + 1):
            work[row, column] = covariance[position[row], position[column]]
    log_determinant = inverse_and_log_determinant(work, work, given.precision, n_exact)
    if not log_determinant < math.inf:
        return math.inf
    for row in range(n_latent):
        latent = position[n_exact + row]
        for column in range(n_exact):
            weight = 0.0
            for inner in range(n_exact):
                weight += covariance[latent, position[inner]] * given.precision[inner, column]
            given.weights[row, column] = weight
        for other in range(row + 1):
            value = covariance[latent, position[n_exact + other]]
            for inner in range(n_exact):
                value -= given.weights[row, inner] * covariance[position[n_exact + other], position[inner]]
            if other < row and conditional[other, other] == 0.0:
                value = 0.0
            conditional[row, other] = conditional[other, row] = given.root[row, other] = value
        least = -ROUNDING * (1.0 + abs(covariance[latent, latent]))
        if not conditional[row, row] > least:
            return math.inf
        if row >= n_latent - data.n_occurrences[pattern]:
            if conditional[row, row] < DETERMINED * (1.0 + abs(covariance[latent, latent])):
                for other in range(row + 1):
                    conditional[row, other] = conditional[other, row] = given.root[row, other] = 0.0
                continue
            given.root[row, row] = conditional[row, row]
            conditional[row, row] += JITTER
            continue
        conditional[row, row] = given.root[row, row] = max(conditional[row, row], LEAST_VARIANCE)
    semidefinite_cholesky(given.root, n_latent)
    for row in range(n_latent):
        residual = conditional[row, row] * (1.0 + ROUNDING) + ROUNDING
        for column in range(row + 1):
            residual -= given.root[row, column] ** 2
        if not residual > 0.0:
            return math.inf
    return log_determinant


@in_place
def exact_part(n_exact, n_latent, values, mean, precision, weights, deviation, state):
    """Quadratic form of a case's exact values; leaves their deviation, and the latent numbers' centres in `state`."""
    for value in range(n_exact):
        deviation[value] = values[value] - mean[value]
    quadratic = 0.0
    for value in range(n_exact):
        inner_product = 0.0
        for inner in range(n_exact):
            inner_product += precision[value, inner] * deviation[inner]
        quadratic += inner_product * deviation[value]
    for number in range(n_latent):
        expected = mean[n_exact + number]
        for inner in range(n_exact):
            expected += weights[number, inner] * deviation[inner]
        state[number].centre = expected
    return quadratic


@in_place
def clear(given, n_exact, n_latent):
    """Set the sums of a pattern's gradients to 0."""
    for row in range(n_exact):
        given.total[row] = 0.0
        for column in range(row + 1):
            given.scatter[row, column] = 0.0
    for row in range(n_latent):
        given.mean_bar[row] = 0.0
        for column in range(n_exact):
            given.cross_bar[row, column] = 0.0
        for column in range(row + 1):
            given.covariance_bar[row, column] = 0.0


@in_place
def add_to_pattern(weight, n_exact, n_latent, state, spread, given):
    """Add `weight` times a case's gradient to the sums of its pattern.

    With g the gradient in the latent numbers' mean, D the precision of the sites and V their covariance
    given everything (`spread`), the gradient in C is ``(g g' - D + D V D) / 2``.
    """
    for row in range(n_exact):
        weighted = weight * given.deviation[row]
        given.total[row] += weighted
        for column in range(row + 1):
            given.scatter[row, column] += weighted * given.deviation[column]
    for row in range(n_latent):
        slope = weight * state[row].slope
        given.mean_bar[row] += slope
        for column in range(n_exact):
            given.cross_bar[row, column] += slope * given.deviation[column]
        scaled = weight * state[row].precision
        for column in range(row + 1):
            value = slope * state[column].slope + scaled * spread[row, column] * state[column].precision
            given.covariance_bar[row, column] += 0.5 * value
        given.covariance_bar[row, row] -= 0.5 * scaled


@in_place
def add_pattern(pattern, people, data, given, means_bar, covariances_bar):
    """Carry a pattern's gradients from its conditional moments back to the mean and covariance of all values.

    With D the scatter of the exact values' deviations d over n people, each counted with its weight,
    M the sum of ``mu_bar d'`` and C_bar the gradient in C: the blocks are ``C_bar`` for (L, L),
    ``M R / 2 - C_bar G`` for (L, N), and for (N, N)
    ``G' C_bar G - (G' M R + R M' G) / 2 + (R D R - n R) / 2``.
    """
    n_exact, n_latent, position = data.n_exact[pattern], data.n_latent[pattern], data.position[pattern]
    mean_bar, covariance_bar = means_bar[data.cell[pattern]], covariances_bar[data.cell[pattern]]
    precision, weights, cross, inner_bar = given.precision, given.weights, given.cross_bar, given.covariance_bar
    for row in range(n_exact):
        for column in range(row):
            given.scatter[column, row] = given.scatter[row, column]
    for row in range(n_latent):
        for column in range(row):
            inner_bar[column, row] = inner_bar[row, column]
    for row in range(n_latent):
        latent = position[n_exact + row]
        mean_bar[latent] += given.mean_bar[row]
        for other in range(n_latent):
            covariance_bar[latent, position[n_exact + other]] += inner_bar[row, other]
        for column in range(n_exact):
            exact = position[column]
            mean_bar[exact] -= weights[row, column] * given.mean_bar[row]
            value, carried = 0.0, 0.0
            for inner in range(n_exact):
                value += cross[row, inner] * precision[inner, column]
            for inner in range(n_latent):
                carried += inner_bar[row, inner] * weights[inner, column]
            given.work[row, column] = 0.5 * carried - 0.5 * value
            covariance_bar[latent, exact] += 0.5 * value - carried
            covariance_bar[exact, latent] += 0.5 * value - carried
    for row in range(n_exact):
        exact = position[row]
        for column in range(n_exact):
            mean_bar[exact] += precision[row, column] * given.total[column]
            value = 0.0
            for inner in range(n_latent):
                value += weights[inner, row] * given.work[inner, column]
                value += weights[inner, column] * given.work[inner, row]
            covariance_bar[exact, position[column]] += value - 0.5 * people * precision[row, column]
    for row in range(n_exact):
        for column in range(n_exact):
            value = 0.0
            for inner in range(n_exact):
                value += precision[row, inner] * given.scatter[inner, column]
            given.work[row, column] = value
    for row in range(n_exact):
        for column in range(n_exact):
            value = 0.0
            for inner in range(n_exact):
                value += given.work[row, inner] * precision[inner, column]
            covariance_bar[position[row], position[column]] += 0.5 * value
