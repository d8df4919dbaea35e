"""Matrices of a linear system at one point of the parameters."""

import numpy as np

from .linear_system import LinearSystem

__all__ = ["structural_matrices"]


def structural_matrices(linear: LinearSystem, registers: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Effects A, covariance S of the disturbances and intercepts alpha of a linear system, from its registers.

    Shapes ``(variable, variable)`` twice and ``(variable,)``.
    """
    size = len(linear.variables)
    effects, disturbances, intercepts = np.zeros((size, size)), np.zeros((size, size)), np.zeros(size)
    for row, column, register in linear.paths:
        effects[row, column] = 1.0 if register < 0 else registers[register]
    for row, column, register in linear.covariances:
        disturbances[row, column] = disturbances[column, row] = 1.0 if register < 0 else registers[register]
    for row, register in linear.intercepts:
        intercepts[row] = registers[register]
    return effects, disturbances, intercepts
