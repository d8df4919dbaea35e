"""Small dense matrices, compiled: factors and inverses."""

import math

import numpy as np

from ...basics.compiled import compiled, in_place

__all__ = [
    "LOG_2_PI",
    "cholesky",
    "inverse_and_log_determinant",
    "inverse_in_place",
    "semidefinite_cholesky",
]

LOG_2_PI = math.log(2 * math.pi)
ROUNDING = 1e-12  # share of a variance that is left over by rounding where nothing should be


@in_place
def cholesky(matrix, size):
    """Lower factor in place; False where the matrix is not positive definite."""
    for column in range(size):
        pivot = matrix[column, column]
        for inner in range(column):
            pivot -= matrix[column, inner] * matrix[column, inner]
        if not pivot > 0.0:
            return False
        pivot = math.sqrt(pivot)
        matrix[column, column] = pivot
        for row in range(column + 1, size):
            value = matrix[row, column]
            for inner in range(column):
                value -= matrix[row, inner] * matrix[column, inner]
            matrix[row, column] = value / pivot
    return True


@in_place
def semidefinite_cholesky(matrix, size):
    """Lower factor in place; a pivot of which nothing but rounding is left gives a column of 0."""
    for column in range(size):
        pivot = matrix[column, column]
        least = ROUNDING * pivot
        for inner in range(column):
            pivot -= matrix[column, inner] * matrix[column, inner]
        pivot = math.sqrt(pivot) if pivot > least and pivot > 0.0 else 0.0
        matrix[column, column] = pivot
        for row in range(column + 1, size):
            value = matrix[row, column]
            for inner in range(column):
                value -= matrix[row, inner] * matrix[column, inner]
            matrix[row, column] = value / pivot if pivot > 0.0 else 0.0


@in_place
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


@in_place
def inverse_and_log_determinant(matrix, factor, inverse, size):
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
        if row % 8 == 7:  # a logarithm costs as much as a row of a small matrix; eight pivots do not overflow
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
def _solve(matrix, right):
    """Solve ``M X = R``; X replaces R, and M is overwritten. Elimination with row exchanges."""
    size, columns = len(matrix), right.shape[1]
    for pivot in range(size):
        best = pivot
        for row in range(pivot + 1, size):
            if abs(matrix[row, pivot]) > abs(matrix[best, pivot]):
                best = row
        if best != pivot:
            for column in range(size):
                matrix[pivot, column], matrix[best, column] = matrix[best, column], matrix[pivot, column]
            for column in range(columns):
                right[pivot, column], right[best, column] = right[best, column], right[pivot, column]
        for row in range(pivot + 1, size):
            weight = matrix[row, pivot] / matrix[pivot, pivot]
            if weight != 0.0:
                for column in range(pivot + 1, size):
                    matrix[row, column] -= weight * matrix[pivot, column]
                for column in range(columns):
                    right[row, column] -= weight * right[pivot, column]
    for row in range(size - 1, -1, -1):
        for column in range(columns):
            value = right[row, column]
            for inner in range(row + 1, size):
                value -= matrix[row, inner] * right[inner, column]
            right[row, column] = value / matrix[row, row]


@compiled
def inverse_in_place(matrix):
    """Replace a square matrix by its inverse; not finite where it is singular."""
    work, size = matrix.copy(), len(matrix)
    for row in range(size):
        for column in range(size):
            matrix[row, column] = 1.0 if row == column else 0.0
    _solve(work, matrix)
