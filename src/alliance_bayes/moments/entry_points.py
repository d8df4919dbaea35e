"""The compiled kernels behind plain C addresses, so that no model has to be compiled.

A sampler would compile the whole log density of each model, kernels and all, which takes far
longer than sampling it. Everything that differs between models is therefore data here: layout,
statistics and priors are packed into one vector, and the same few functions, compiled once and
cached on disk, read it. As external symbols they also serve the PyTensor operations, so that
whoever compiles those does not optimise the kernels a second time.
"""

from collections.abc import Iterable

import numpy as np
from llvmlite import binding
from numba import carray, cfunc, types

from .compiled import compiled
from .kernel import log_likelihood_and_gradient
from .linear_system import SystemArrays
from .prior_density import PriorTable, log_prior_and_gradient, to_constrained
from .program import ProgramArrays
from .program_kernel import pull_back, run
from .statistics import PatternArrays

__all__ = [
    "DERIVED_SYMBOL",
    "LIKELIHOOD_SYMBOL",
    "derived_vector",
    "expand",
    "likelihood_and_gradient",
    "log_density",
    "pack",
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
def _integers(packed, number):
    return packed[packed[number] : packed[number + 1]]


@compiled
def _floats(packed, number):
    return packed[packed[number] : packed[number + 1]].view(np.float64)


N_PROGRAM, N_SYSTEM, N_PATTERNS = len(ProgramArrays._fields), len(SystemArrays._fields), len(PatternArrays._fields)
N_PRIORS = len(PriorTable._fields)
STRUCTURE = N_PROGRAM
SYSTEM = STRUCTURE + N_PROGRAM
PATTERNS = SYSTEM + N_SYSTEM
PRIORS = PATTERNS + N_PATTERNS
DERIVED = PRIORS + N_PRIORS
UNITS = DERIVED + N_PROGRAM


@compiled
def _program(packed, start):
    return ProgramArrays(
        _integers(packed, start),
        _integers(packed, start + 1),
        _floats(packed, start + 2),
        _integers(packed, start + 3)[0],
        _integers(packed, start + 4)[0],
        _integers(packed, start + 5)[0],
        _integers(packed, start + 6)[0],
    )


@compiled
def _system(packed, start):
    return SystemArrays(
        _integers(packed, start),
        _integers(packed, start + 1),
        _integers(packed, start + 2),
        _integers(packed, start + 3),
        _integers(packed, start + 4),
        _integers(packed, start + 5),
        _integers(packed, start + 6),
        _integers(packed, start + 7),
        _integers(packed, start + 8),
        _integers(packed, start + 9),
        _integers(packed, start + 10).reshape(-1, 5),
    )


@compiled
def _patterns(packed, start):
    people = _floats(packed, start)
    n_patterns = len(people)
    position = _integers(packed, start + 2)
    n_values = len(position) // n_patterns
    return PatternArrays(
        people,
        _integers(packed, start + 1),
        position.reshape(n_patterns, n_values),
        _floats(packed, start + 3).reshape(n_patterns, n_values),
        _integers(packed, start + 4),
        _floats(packed, start + 5).reshape(n_patterns, n_values, n_values),
        _integers(packed, start + 6),
        _floats(packed, start + 7).reshape(-1, n_values, n_values),
        _integers(packed, start + 8),
        _floats(packed, start + 9),
    )


@compiled
def _priors(packed, start):
    return PriorTable(
        _integers(packed, start),
        _integers(packed, start + 1),
        _floats(packed, start + 2),
        _floats(packed, start + 3),
        _floats(packed, start + 4),
        _floats(packed, start + 5),
        _floats(packed, start + 6),
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
    return _program(packed, 0), _program(packed, STRUCTURE), _system(packed, SYSTEM)


@compiled
def unpack_derived(packed):
    """The parts of ``pack(to_theta, derived)``."""
    return _program(packed, 0), _program(packed, N_PROGRAM)


_word, _number, _length = types.CPointer(types.int64), types.CPointer(types.float64), types.intp
_options = {"cache": True, "error_model": "numpy"}


@compiled
def _all_words(packed):
    n_starts = carray(packed, (1,))[0]
    return carray(packed, (carray(packed, (n_starts,))[n_starts - 1],))


@cfunc(types.int64(types.uint64, _number, _number, _number, _word), **_options)
def log_density(n_point, point, gradient, value, packed):
    """Log posterior density and its gradient at an unconstrained point, as nutpie calls it.

    `packed` is ``pack(to_theta, structure, systems, patterns, priors, derived, (centre, unit))``. Returns 0, or 3
    where density or gradient is not finite.
    """
    words = _all_words(packed)
    table = _priors(words, PRIORS)
    here, slope = carray(point, (n_point,)), carray(gradient, (n_point,))
    psi = to_constrained(here, table)
    likelihood, psi_bar = likelihood_and_gradient(
        psi, _program(words, 0), _program(words, STRUCTURE), _system(words, SYSTEM), _patterns(words, PATTERNS)
    )
    total = likelihood + log_prior_and_gradient(here, psi, psi_bar, table, slope)
    carray(value, (1,))[0] = total
    finite = np.isfinite(total)
    for entry in range(n_point):
        finite = finite and np.isfinite(slope[entry])
    return 0 if finite else 3


@cfunc(types.int64(types.uint64, types.uint64, _number, _number, _word), **_options)
def expand(n_point, n_expanded, point, expanded, packed):
    """Random variables and derived quantities at an unconstrained point, as nutpie calls it."""
    words = _all_words(packed)
    psi = to_constrained(carray(point, (n_point,)), _priors(words, PRIORS))
    result = carray(expanded, (n_expanded,))
    for entry in range(n_point):
        result[entry] = psi[entry]
    vector = derived_vector(
        psi, _program(words, 0), _program(words, DERIVED), _floats(words, UNITS), _floats(words, UNITS + 1)
    )
    for entry in range(len(vector)):
        result[n_point + entry] = vector[entry]
    return 0


@cfunc(
    types.float64(
        _number, _length, _word, _length, _number, _length, _word, _word, _number, _length, _word, _number, _word,
        _number, _word, _length, _number, _number,
    ),
    **_options,
)  # fmt: skip
def _log_likelihood(
    psi, n_psi, packed, n_packed, people, n_patterns, size, position, mean, n_values, rank, factor, completed,
    scatter, cell_start, n_cells, given, gradient,
):  # fmt: skip
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
        carray(psi, (n_psi,)), _program(words, 0), _program(words, STRUCTURE), _system(words, SYSTEM), patterns
    )
    carray(gradient, (n_psi,))[:] = slope
    return value


@cfunc(types.void(_number, _length, _word, _length, _number, _number, _length, _number, _length), **_options)
def _derived_quantities(psi, n_psi, packed, n_packed, centre, unit, n_measures, result, n_result):
    words = carray(packed, (n_packed,))
    carray(result, (n_result,))[:] = derived_vector(
        carray(psi, (n_psi,)),
        _program(words, 0),
        _program(words, N_PROGRAM),
        carray(centre, (n_measures,)),
        carray(unit, (n_measures,)),
    )


binding.add_symbol(LIKELIHOOD_SYMBOL, _log_likelihood.address)
binding.add_symbol(DERIVED_SYMBOL, _derived_quantities.address)
