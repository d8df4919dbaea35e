"""What kernels read: programs, linear systems, priors and statistics as named arrays, and these packed into one vector.

Each part of a packed vector is one of the named tuples here, its arrays in the order of its fields. `PROGRAM.code` is
the number of the array `code` within a packed `ProgramArrays`, and so on.
"""

from collections.abc import Iterable
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ...basics.compiled import compiled

__all__ = [
    "BETA",
    "COVARIANCES",
    "HALF_NORMAL",
    "INTERCEPTS",
    "INTERVAL",
    "LOG",
    "LOG_NORMAL",
    "NORMAL",
    "N_STARTS",
    "OBSERVED",
    "PATHS",
    "PROGRAM",
    "SYSTEM",
    "UNTRANSFORMED",
    "VARIABLES",
    "PatternArrays",
    "PriorTable",
    "ProgramArrays",
    "SystemArrays",
    "floats_at",
    "integers_at",
    "pack",
    "patterns_at",
    "priors_at",
    "program_at",
    "system_at",
    "unpack",
]

NORMAL, HALF_NORMAL, LOG_NORMAL, BETA = range(4)
"""Families of priors."""
UNTRANSFORMED, LOG, INTERVAL = range(3)
"""Transforms from a random variable to an unconstrained number."""

PATHS, COVARIANCES, INTERCEPTS, VARIABLES, OBSERVED = range(5)
"""Columns of `SystemArrays.start`."""
N_STARTS = 5


class ProgramArrays(NamedTuple):
    """A program as the compiled interpreter reads it."""

    code: npt.NDArray[np.int64]  # the steps one after the other, each as `steps` says
    start: npt.NDArray[np.int64]  # where each step starts in `code`, shape ``(step,)``
    constants: npt.NDArray[np.float64]  # numbers that follow the inputs among the registers
    # Length of the input, and of everything
    n_inputs: int
    n_registers: int
    # First register of the output, and its length
    output: int
    n_outputs: int


class SystemArrays(NamedTuple):
    """The systems of all cells as index arrays, one after the other: what the compiled kernel reads.

    A path or covariance whose register is -1 is the constant 1. Row c of `start` has the first entry of
    cell c in `path_*` (its column `PATHS`), `covariance_*`, `intercept_*`, `disturbance` (`VARIABLES`) and `observed`;
    the last row their lengths. `form` is the first cell whose system differs from that of cell c in registers alone.
    """

    path_row: np.ndarray
    path_column: np.ndarray
    path_register: np.ndarray
    covariance_row: np.ndarray
    covariance_column: np.ndarray
    covariance_register: np.ndarray
    intercept_row: np.ndarray
    intercept_register: np.ndarray
    disturbance: np.ndarray
    observed: np.ndarray
    start: np.ndarray
    form: np.ndarray


class PriorTable(NamedTuple):
    """One row for each unconstrained number of a model."""

    # Their codes: `NORMAL`, ..., and `UNTRANSFORMED`, ...
    family: np.ndarray
    transform: np.ndarray
    # Parameters of the family: mean and SD (normal, log-normal), SD (half-normal), alpha and beta
    first: np.ndarray
    second: np.ndarray
    # Bounds of an interval transform: ``x = lower + (upper - lower) / (1 + exp(-v))``
    lower: np.ndarray
    upper: np.ndarray
    constant: np.ndarray  # logarithm of the normalising constant, truncation included


class PatternArrays(NamedTuple):
    """Statistics per missing pattern, as the compiled kernel reads them."""

    people: np.ndarray  # how many have the pattern, or the sum of their weights, shape ``(pattern,)``
    size: np.ndarray  # values observed, shape ``(pattern,)``
    # Stacked positions, shape ``(pattern, value)``: the `size` observed ones in order, then the missing ones in order
    position: np.ndarray
    mean: np.ndarray  # means of the observed values, shape ``(pattern, value)``, in the order of `position`
    rank: np.ndarray  # columns of `factor` in use, shape ``(pattern,)``
    factor: np.ndarray  # F with ``F F' = sum over people of (y - mean)(y - mean)'``, shape ``(pattern, value, value)``
    completed: np.ndarray  # 1 for patterns that are cheaper to complete than to work out alone, shape ``(pattern,)``
    scatter: np.ndarray  # sum of ``F F'`` over those patterns of each cell, shape ``(cell, value, value)``
    cell_start: np.ndarray  # first pattern of each cell, and their number, shape ``(cell + 1,)``
    given: np.ndarray  # log density of the covariates, which is taken off, shape ``(1,)``


PROGRAM = ProgramArrays(*range(len(ProgramArrays._fields)))
SYSTEM = SystemArrays(*range(len(SystemArrays._fields)))
PRIORS = PriorTable(*range(len(PriorTable._fields)))
PATTERNS = PatternArrays(*range(len(PatternArrays._fields)))


def pack(*parts: Iterable[np.ndarray | int]) -> npt.NDArray[np.int64]:
    """Arrays in one vector of 8-byte words: where each starts, where the last ends, their entries.

    Floats are stored bit for bit; integers as they are. Shapes are not kept.

    Examples
    --------
    >>> pack([np.array([7, 8]), 5])
    array([3, 5, 6, 7, 8, 5])
    """
    arrays = [_words(array) for part in parts for array in part]
    starts = len(arrays) + 1 + np.cumsum([0, *map(len, arrays)])
    return np.concatenate([starts, *arrays]).astype(np.int64)


def unpack(packed: npt.NDArray[np.int64]) -> list[npt.NDArray[np.int64]]:
    """The arrays in a packed vector, as words.

    Examples
    --------
    >>> unpack(pack([np.array([7, 8]), 5]))
    [array([7, 8]), array([5])]
    """
    return [packed[start:stop] for start, stop in pairwise(packed[: packed[0]].tolist())]


def _words(array: np.ndarray | int) -> np.ndarray:
    flat = np.atleast_1d(np.asarray(array)).ravel()
    if flat.dtype == np.float64:
        return np.ascontiguousarray(flat).view(np.int64)
    return flat.astype(np.int64)


@compiled
def integers_at(packed, number):
    """One of the packed arrays."""
    return packed[packed[number] : packed[number + 1]]


@compiled
def floats_at(packed, number):
    """One of the packed arrays of floats."""
    return packed[packed[number] : packed[number + 1]].view(np.float64)


@compiled
def program_at(packed, first):
    """The program whose first array has this number."""
    return ProgramArrays(
        code=integers_at(packed, first + PROGRAM.code),
        start=integers_at(packed, first + PROGRAM.start),
        constants=floats_at(packed, first + PROGRAM.constants),
        n_inputs=integers_at(packed, first + PROGRAM.n_inputs)[0],
        n_registers=integers_at(packed, first + PROGRAM.n_registers)[0],
        output=integers_at(packed, first + PROGRAM.output)[0],
        n_outputs=integers_at(packed, first + PROGRAM.n_outputs)[0],
    )


@compiled
def system_at(packed, first):
    """The linear systems whose first array has this number."""
    return SystemArrays(
        path_row=integers_at(packed, first + SYSTEM.path_row),
        path_column=integers_at(packed, first + SYSTEM.path_column),
        path_register=integers_at(packed, first + SYSTEM.path_register),
        covariance_row=integers_at(packed, first + SYSTEM.covariance_row),
        covariance_column=integers_at(packed, first + SYSTEM.covariance_column),
        covariance_register=integers_at(packed, first + SYSTEM.covariance_register),
        intercept_row=integers_at(packed, first + SYSTEM.intercept_row),
        intercept_register=integers_at(packed, first + SYSTEM.intercept_register),
        disturbance=integers_at(packed, first + SYSTEM.disturbance),
        observed=integers_at(packed, first + SYSTEM.observed),
        start=integers_at(packed, first + SYSTEM.start).reshape(-1, N_STARTS),
        form=integers_at(packed, first + SYSTEM.form),
    )


@compiled
def priors_at(packed, first):
    """The table of priors whose first array has this number."""
    return PriorTable(
        family=integers_at(packed, first + PRIORS.family),
        transform=integers_at(packed, first + PRIORS.transform),
        first=floats_at(packed, first + PRIORS.first),
        second=floats_at(packed, first + PRIORS.second),
        lower=floats_at(packed, first + PRIORS.lower),
        upper=floats_at(packed, first + PRIORS.upper),
        constant=floats_at(packed, first + PRIORS.constant),
    )


@compiled
def patterns_at(packed, first):
    """The statistics whose first array has this number."""
    people = floats_at(packed, first + PATTERNS.people)
    n_patterns = len(people)
    position = integers_at(packed, first + PATTERNS.position)
    n_values = len(position) // n_patterns
    return PatternArrays(
        people=people,
        size=integers_at(packed, first + PATTERNS.size),
        position=position.reshape(n_patterns, n_values),
        mean=floats_at(packed, first + PATTERNS.mean).reshape(n_patterns, n_values),
        rank=integers_at(packed, first + PATTERNS.rank),
        factor=floats_at(packed, first + PATTERNS.factor).reshape(n_patterns, n_values, n_values),
        completed=integers_at(packed, first + PATTERNS.completed),
        scatter=floats_at(packed, first + PATTERNS.scatter).reshape(-1, n_values, n_values),
        cell_start=integers_at(packed, first + PATTERNS.cell_start),
        given=floats_at(packed, first + PATTERNS.given),
    )
