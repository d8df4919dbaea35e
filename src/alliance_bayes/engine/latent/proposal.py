"""The normal posterior of expectation propagation as a proposal, for covariances that may be singular.

With ``C = T T'`` and ``eta = mu + T z`` the prior of z is standard normal, and the sites make it normal with
precision ``A = I + T' D T = L L'`` and mean ``A^-1 T' (nu - D mu)``. Points are ``z = mean + L'^-1 e``.
"""

import math
from typing import NamedTuple

import numpy as np

from ...basics.compiled import compiled
from .tables import N_GRID, add_rows, interpolated

__all__ = ["Proposal", "log_joint", "prepare", "work_proposal"]


class Proposal(NamedTuple):
    """Work arrays of one case."""

    factor: np.ndarray  # L with reciprocals in its diagonal, shape ``(value, value)``
    mean: np.ndarray  # of z, shape ``(value,)``
    # ``L'^-1 e``, and what it leads to, shape ``(value,)``
    step: np.ndarray
    z: np.ndarray
    eta: np.ndarray
    rows: np.ndarray  # log densities of the sites on the grid, shape ``(value, grid)``


@compiled
def work_proposal(size):
    """Return a `Proposal` for so many values."""
    return Proposal(
        factor=np.zeros((size, size)),
        mean=np.zeros(size),
        step=np.zeros(size),
        z=np.zeros(size),
        eta=np.zeros(size),
        rows=np.zeros((size, N_GRID)),
    )


@compiled
def _factorise(root, state, size, factor, least):
    """Factor of A, precisions of sites below `least` raised to it; half the log determinant, infinity where none is."""
    half_log = 0.0
    for column in range(size):
        for row in range(column, size):
            value = 1.0 if row == column else 0.0
            for inner in range(row, size):
                value += root[inner, row] * max(state[inner].precision, least) * root[inner, column]
            for inner in range(column):
                value -= factor[row, inner] * factor[column, inner]
            if row > column:
                factor[row, column] = value * factor[column, column]
            elif value > 0.0:
                half_log += 0.5 * math.log(value)
                factor[column, column] = 1.0 / math.sqrt(value)
            else:
                return math.inf
    return half_log


@compiled
def prepare(size, first, kind, table, root, state, proposal):
    """Prepare a case whose sites stand in `state`; returns half the log determinant of A.

    Parameters
    ----------
    size, first, kind, table
        As of `propagation.settle`.
    root
        T.
    """
    factor, mean = proposal.factor, proposal.mean
    half_log = _factorise(root, state, size, factor, -math.inf)
    if half_log == math.inf:
        half_log = _factorise(root, state, size, factor, 0.0)
    for number in range(size):
        add_rows(kind[first[number] : first[number + 1]], table, proposal.rows[number])
        value = 0.0
        for inner in range(number, size):
            site = state[inner]
            value += root[inner, number] * (site.shift - site.precision * site.centre)
        for inner in range(number):
            value -= factor[number, inner] * mean[inner]
        mean[number] = value * factor[number, number]
    for number in range(size - 1, -1, -1):
        value = mean[number]
        for inner in range(number + 1, size):
            value -= factor[inner, number] * mean[inner]
        mean[number] = value * factor[number, number]
    return half_log


@compiled
def log_joint(size, point, sign, root, state, proposal):
    """Log density of the responses less ``z'z / 2`` at ``e = sign * point``; leaves z and eta."""
    z, eta, total = proposal.z, proposal.eta, 0.0
    for number in range(size - 1, -1, -1):
        value = sign * point[number]
        for inner in range(number + 1, size):
            value -= proposal.factor[inner, number] * proposal.step[inner]
        proposal.step[number] = value * proposal.factor[number, number]
        z[number] = proposal.mean[number] + proposal.step[number]
        total -= 0.5 * z[number] * z[number]
    for number in range(size):
        value = state[number].centre
        for inner in range(number + 1):
            value += root[number, inner] * z[inner]
        eta[number] = value
        total += interpolated(proposal.rows[number], value)
    return total
