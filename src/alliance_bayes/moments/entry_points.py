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

from .derived import DerivedArrays, derive
from .kernel import compiled, log_likelihood_and_gradient
from .linear_system import SystemArrays
from .prior_density import PriorTable, log_prior_and_gradient, to_constrained
from .prior_scale import PriorScaleArrays, to_prior_scale_gradient, to_theta
from .statistics import PatternArrays

__all__ = [
    "DERIVED_SYMBOL",
    "LIKELIHOOD_SYMBOL",
    "expand",
    "log_density",
    "pack",
    "unpack_derived",
    "unpack_system",
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


@compiled
def _scale(packed, start):
    return PriorScaleArrays(
        _integers(packed, start),
        _integers(packed, start + 1),
        _integers(packed, start + 2)[0],
        _integers(packed, start + 3)[0],
        _integers(packed, start + 4)[0],
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
    )


@compiled
def _derived(packed, start, size):
    between, steps = _integers(packed, start + 1), _integers(packed, start + 5)
    n_intervals = len(steps)
    return DerivedArrays(
        _integers(packed, start).reshape(n_intervals, size, size),
        between.reshape(len(between) // (size * size), size, size),
        _integers(packed, start + 2).reshape(1, size, size),
        _integers(packed, start + 3).reshape(n_intervals, size, size),
        _integers(packed, start + 4).reshape(n_intervals + 1, size),
        steps,
        _integers(packed, start + 6)[0],
    )


@compiled
def _patterns(packed, start, n_values):
    people = _floats(packed, start)
    n_patterns = len(people)
    return PatternArrays(
        people,
        _integers(packed, start + 1),
        _integers(packed, start + 2).reshape(n_patterns, n_values),
        _floats(packed, start + 3).reshape(n_patterns, n_values),
        _integers(packed, start + 4),
        _floats(packed, start + 5).reshape(n_patterns, n_values, n_values),
        _integers(packed, start + 6),
        _floats(packed, start + 7).reshape(n_values, n_values),
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
def unpack_system(packed):
    """Prior scale and linear system, from ``pack(scale.arrays, system.arrays)``."""
    return _scale(packed, 0), _system(packed, 5)


@compiled
def unpack_derived(packed):
    """Prior scale and derived quantities, from ``pack(scale.arrays, derived.arrays)``."""
    scale = _scale(packed, 0)
    return scale, _derived(packed, 5, scale.n_measures)


_word, _number, _length = types.CPointer(types.int64), types.CPointer(types.float64), types.intp
_options = {"cache": True, "error_model": "numpy"}


@compiled
def _all_words(packed):
    n_starts = carray(packed, (1,))[0]
    return carray(packed, (carray(packed, (n_starts,))[n_starts - 1],))


@cfunc(types.int64(types.uint64, _number, _number, _number, _word), **_options)
def log_density(n_point, point, gradient, value, packed):
    """Log posterior density and its gradient at an unconstrained point, as nutpie calls it.

    `packed` is ``pack(scale, system, patterns, priors, derived, (centre, unit))``. Returns 0, or 3
    where density or gradient is not finite.
    """
    words = _all_words(packed)
    scale, system = _scale(words, 0), _system(words, 5)
    patterns, table = _patterns(words, 15, len(system.observed)), _priors(words, 23)
    here, slope = carray(point, (n_point,)), carray(gradient, (n_point,))
    psi = to_constrained(here, table)
    likelihood, theta_bar = log_likelihood_and_gradient(to_theta(psi, scale), system, patterns)
    psi_bar = to_prior_scale_gradient(psi, theta_bar, scale)
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
    scale, table = _scale(words, 0), _priors(words, 23)
    derived = _derived(words, 30, scale.n_measures)
    psi = to_constrained(carray(point, (n_point,)), table)
    result = carray(expanded, (n_expanded,))
    for entry in range(n_point):
        result[entry] = psi[entry]
    vector = derive(to_theta(psi, scale), derived, _floats(words, 37), _floats(words, 38))
    for entry in range(len(vector)):
        result[n_point + entry] = vector[entry]
    return 0


@cfunc(
    types.float64(
        _number, _length, _word, _length, _number, _length, _word, _word, _number, _length, _word, _number, _word,
        _number, _number,
    ),
    **_options,
)  # fmt: skip
def _log_likelihood(
    psi, n_psi, packed, n_packed, people, n_patterns, size, position, mean, n_values, rank, factor, completed,
    scatter, gradient,
):  # fmt: skip
    scale, system = unpack_system(carray(packed, (n_packed,)))
    patterns = PatternArrays(
        carray(people, (n_patterns,)),
        carray(size, (n_patterns,)),
        carray(position, (n_patterns, n_values)),
        carray(mean, (n_patterns, n_values)),
        carray(rank, (n_patterns,)),
        carray(factor, (n_patterns, n_values, n_values)),
        carray(completed, (n_patterns,)),
        carray(scatter, (n_values, n_values)),
    )
    point = carray(psi, (n_psi,))
    value, slope = log_likelihood_and_gradient(to_theta(point, scale), system, patterns)
    carray(gradient, (n_psi,))[:] = to_prior_scale_gradient(point, slope, scale)
    return value


@cfunc(types.void(_number, _length, _word, _length, _number, _number, _length, _number, _length), **_options)
def _derived_quantities(psi, n_psi, packed, n_packed, centre, unit, n_measures, result, n_result):
    scale, derived = unpack_derived(carray(packed, (n_packed,)))
    theta = to_theta(carray(psi, (n_psi,)), scale)
    carray(result, (n_result,))[:] = derive(theta, derived, carray(centre, (n_measures,)), carray(unit, (n_measures,)))


binding.add_symbol(LIKELIHOOD_SYMBOL, _log_likelihood.address)
binding.add_symbol(DERIVED_SYMBOL, _derived_quantities.address)
