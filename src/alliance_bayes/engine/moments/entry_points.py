"""The compiled kernels behind plain C addresses, so that no model has to be compiled.

A sampler would compile the whole log density of each model, kernels and all, which takes far
longer than sampling it. Everything that differs between models is therefore data here: layout,
statistics and priors are packed into one vector, and the same few functions, compiled once and
cached on disk, read it. As external symbols they also serve the PyTensor operations, so that
whoever compiles those does not optimise the kernels a second time.
"""

from collections.abc import Iterable

import numpy as np
from numba import carray, types

from ...basics.compiled import callback, compiled
from .kernel import log_likelihood_and_gradient
from .linear_system import SystemArrays
from .prior_density import PriorTable, log_prior_and_gradient, to_constrained
from .program import ProgramArrays
from .program_kernel import pull_back, run
from .statistics import PatternArrays

__all__ = [
    "DATA",
    "DERIVED_SYMBOL",
    "LIKELIHOOD_SYMBOL",
    "N_PROGRAM",
    "N_SYSTEM",
    "PRIORS",
    "STRUCTURE",
    "SYSTEM",
    "all_finite",
    "all_words",
    "derived_quantities",
    "derived_vector",
    "expand",
    "expand_into",
    "floats_at",
    "integers_at",
    "likelihood_and_gradient",
    "log_density",
    "log_likelihood",
    "pack",
    "priors_at",
    "program_at",
    "system_at",
    "unpack_derived",
    "unpack_likelihood",
]

LIKELIHOOD_SYMBOL = "alliance_bayes_log_likelihood"
DERIVED_SYMBOL = "alliance_bayes_derived"


def pack(*parts: Iterable[np.ndarray | int]) -> np.ndarray:
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


N_PROGRAM, N_SYSTEM, N_PRIORS = len(ProgramArrays._fields), len(SystemArrays._fields), len(PriorTable._fields)
STRUCTURE = N_PROGRAM
SYSTEM = STRUCTURE + N_PROGRAM
PRIORS = SYSTEM + N_SYSTEM
DERIVED = PRIORS + N_PRIORS
UNITS = DERIVED + N_PROGRAM
DATA = UNITS + 2
"""Where the data of the likelihood begin, whatever kind they are of."""


@compiled
def program_at(packed, start):
    """The program whose arrays begin at this number."""
    return ProgramArrays(
        integers_at(packed, start),
        integers_at(packed, start + 1),
        floats_at(packed, start + 2),
        integers_at(packed, start + 3)[0],
        integers_at(packed, start + 4)[0],
        integers_at(packed, start + 5)[0],
        integers_at(packed, start + 6)[0],
    )


@compiled
def system_at(packed, start):
    """The linear systems whose arrays begin at this number."""
    return SystemArrays(
        integers_at(packed, start),
        integers_at(packed, start + 1),
        integers_at(packed, start + 2),
        integers_at(packed, start + 3),
        integers_at(packed, start + 4),
        integers_at(packed, start + 5),
        integers_at(packed, start + 6),
        integers_at(packed, start + 7),
        integers_at(packed, start + 8),
        integers_at(packed, start + 9),
        integers_at(packed, start + 10).reshape(-1, 5),
    )


@compiled
def _patterns(packed, start):
    people = floats_at(packed, start)
    n_patterns = len(people)
    position = integers_at(packed, start + 2)
    n_values = len(position) // n_patterns
    return PatternArrays(
        people,
        integers_at(packed, start + 1),
        position.reshape(n_patterns, n_values),
        floats_at(packed, start + 3).reshape(n_patterns, n_values),
        integers_at(packed, start + 4),
        floats_at(packed, start + 5).reshape(n_patterns, n_values, n_values),
        integers_at(packed, start + 6),
        floats_at(packed, start + 7).reshape(-1, n_values, n_values),
        integers_at(packed, start + 8),
        floats_at(packed, start + 9),
    )


@compiled
def priors_at(packed, start):
    """The table of priors whose arrays begin at this number."""
    return PriorTable(
        integers_at(packed, start),
        integers_at(packed, start + 1),
        floats_at(packed, start + 2),
        floats_at(packed, start + 3),
        floats_at(packed, start + 4),
        floats_at(packed, start + 5),
        floats_at(packed, start + 6),
    )


@compiled
def likelihood_and_gradient(psi, to_theta, structure, system, patterns):
    """Log-likelihood at a prior-scale vector, and its gradient there; minus infinity outside the model's range."""
    registers, proper = run(psi, to_theta)
    first, last = to_theta.output, to_theta.output + to_theta.n_outputs
    value, theta_bar = log_likelihood_and_gradient(registers[first:last], structure, system, patterns)
    bars = np.zeros(len(registers))
    if not proper or not value > -np.inf:
        return -np.inf, bars[: len(psi)].copy()
    bars[first:last] = theta_bar
    pull_back(registers, bars, to_theta)
    return value, bars[: len(psi)].copy()


@compiled
def derived_vector(psi, to_theta, derived, centre, unit):
    """Derived quantities at a prior-scale vector, shape ``(derived,)``."""
    registers, _ = run(psi, to_theta)
    theta = registers[to_theta.output : to_theta.output + to_theta.n_outputs]
    n_theta, n_units = len(theta), len(unit)
    inputs = np.empty(n_theta + 2 * n_units)
    inputs[:n_theta] = theta
    inputs[n_theta : n_theta + n_units] = centre
    inputs[n_theta + n_units :] = unit
    found, _ = run(inputs, derived)
    return found[derived.output : derived.output + derived.n_outputs].copy()


@compiled
def unpack_likelihood(packed):
    """The parts of ``pack(to_theta, structure, systems)``."""
    return program_at(packed, 0), program_at(packed, STRUCTURE), system_at(packed, SYSTEM)


@compiled
def unpack_derived(packed):
    """The parts of ``pack(to_theta, derived)``."""
    return program_at(packed, 0), program_at(packed, N_PROGRAM)


_word, _number, _length = types.CPointer(types.int64), types.CPointer(types.float64), types.intp


@compiled
def all_words(packed):
    """All words behind a pointer, whose number the first ones tell."""
    n_starts = carray(packed, (1,))[0]
    return carray(packed, (carray(packed, (n_starts,))[n_starts - 1],))


@compiled
def all_finite(total, slope):
    """Whether a density and its gradient are numbers."""
    finite = np.isfinite(total)
    for entry in range(len(slope)):
        finite = finite and np.isfinite(slope[entry])
    return finite


@callback(types.int64(types.uint64, _number, _number, _number, _word))
def log_density(n_point, point, gradient, value, packed):
    """Log posterior density and its gradient at an unconstrained point, as nutpie calls it.

    `packed` is ``pack(to_theta, structure, systems, priors, derived, (centre, unit), patterns)``. Returns 0, or 3
    where density or gradient is not finite.
    """
    words = all_words(packed)
    table = priors_at(words, PRIORS)
    here, slope = carray(point, (n_point,)), carray(gradient, (n_point,))
    psi = to_constrained(here, table)
    likelihood, psi_bar = likelihood_and_gradient(
        psi, program_at(words, 0), program_at(words, STRUCTURE), system_at(words, SYSTEM), _patterns(words, DATA)
    )
    carray(value, (1,))[0] = total = likelihood + log_prior_and_gradient(here, psi, psi_bar, table, slope)
    return 0 if all_finite(total, slope) else 3


@compiled
def expand_into(point, words, result):
    """Write random variables and derived quantities at an unconstrained point into `result`."""
    n_point = len(point)
    psi = to_constrained(point, priors_at(words, PRIORS))
    for entry in range(n_point):
        result[entry] = psi[entry]
    vector = derived_vector(
        psi, program_at(words, 0), program_at(words, DERIVED), floats_at(words, UNITS), floats_at(words, UNITS + 1)
    )
    for entry in range(len(vector)):
        result[n_point + entry] = vector[entry]


@callback(types.int64(types.uint64, types.uint64, _number, _number, _word))
def expand(n_point, n_expanded, point, expanded, packed):
    """Random variables and derived quantities at an unconstrained point, as nutpie calls it."""
    expand_into(carray(point, (n_point,)), all_words(packed), carray(expanded, (n_expanded,)))
    return 0


@callback(
    types.float64(
        _number, _length, _word, _length, _number, _length, _word, _word, _number, _length, _word, _number, _word,
        _number, _word, _length, _number, _number,
    ),
    symbol=LIKELIHOOD_SYMBOL,
)  # fmt: skip
def log_likelihood(
    psi, n_psi, packed, n_packed, people, n_patterns, size, position, mean, n_values, rank, factor, completed,
    scatter, cell_start, n_cells, given, gradient,
):  # fmt: skip
    """Log-likelihood of pattern statistics at a prior-scale vector, and its gradient, as PyTensor's code calls it."""
    words = carray(packed, (n_packed,))
    patterns = PatternArrays(
        carray(people, (n_patterns,)),
        carray(size, (n_patterns,)),
        carray(position, (n_patterns, n_values)),
        carray(mean, (n_patterns, n_values)),
        carray(rank, (n_patterns,)),
        carray(factor, (n_patterns, n_values, n_values)),
        carray(completed, (n_patterns,)),
        carray(scatter, (n_cells, n_values, n_values)),
        carray(cell_start, (n_cells + 1,)),
        carray(given, (1,)),
    )
    value, slope = likelihood_and_gradient(
        carray(psi, (n_psi,)), program_at(words, 0), program_at(words, STRUCTURE), system_at(words, SYSTEM), patterns
    )
    carray(gradient, (n_psi,))[:] = slope
    return value


@callback(
    types.void(_number, _length, _word, _length, _number, _number, _length, _number, _length), symbol=DERIVED_SYMBOL
)
def derived_quantities(psi, n_psi, packed, n_packed, centre, unit, n_measures, result, n_result):
    """Derived quantities at a prior-scale vector, as PyTensor's code calls them."""
    words = carray(packed, (n_packed,))
    carray(result, (n_result,))[:] = derived_vector(
        carray(psi, (n_psi,)),
        program_at(words, 0),
        program_at(words, N_PROGRAM),
        carray(centre, (n_measures,)),
        carray(unit, (n_measures,)),
    )
