"""The compiled kernels behind plain C addresses, so that nothing compiles them a second time.

A sampler compiles the whole log density of a model into one function. Called as numba functions,
the kernels would be inlined into it and optimised anew for every model, at ten times the cost of
everything else. Registered as external symbols they are called as they were compiled once and
cached on disk.
"""

from collections.abc import Iterable

import numpy as np
from llvmlite import binding
from numba import carray, cfunc, types

from .derived import DerivedArrays, derive
from .kernel import compiled, log_likelihood_and_gradient
from .linear_system import SystemArrays
from .prior_scale import PriorScaleArrays, to_prior_scale_gradient, to_theta
from .statistics import PatternArrays

__all__ = ["DERIVED_SYMBOL", "LIKELIHOOD_SYMBOL", "pack", "unpack_derived", "unpack_system"]

LIKELIHOOD_SYMBOL = "alliance_bayes_log_likelihood"
DERIVED_SYMBOL = "alliance_bayes_derived"


def pack(*parts: Iterable[np.ndarray | int]) -> np.ndarray:
    """Integer arrays in one vector: their number, their lengths, then their entries.

    Examples
    --------
    >>> pack([np.array([7, 8]), 5])
    array([2, 2, 1, 7, 8, 5])
    """
    arrays = [np.atleast_1d(np.asarray(array)).astype(np.int64).ravel() for part in parts for array in part]
    lengths = np.array([len(array) for array in arrays], dtype=np.int64)
    return np.concatenate([[len(arrays)], lengths, *arrays]).astype(np.int64)


@compiled
def _part(packed, number):
    start = 1 + packed[0]
    for earlier in range(number):
        start += packed[1 + earlier]
    return packed[start : start + packed[1 + number]]


@compiled
def _unpack_scale(packed):
    return PriorScaleArrays(
        _part(packed, 0), _part(packed, 1), _part(packed, 2)[0], _part(packed, 3)[0], _part(packed, 4)[0]
    )


@compiled
def unpack_system(packed):
    """Prior scale and linear system, from ``pack(scale.arrays, system.arrays)``."""
    return _unpack_scale(packed), SystemArrays(
        _part(packed, 5),
        _part(packed, 6),
        _part(packed, 7),
        _part(packed, 8),
        _part(packed, 9),
        _part(packed, 10),
        _part(packed, 11),
        _part(packed, 12),
        _part(packed, 13),
        _part(packed, 14),
    )


@compiled
def unpack_derived(packed):
    """Prior scale and derived quantities, from ``pack(scale.arrays, derived.arrays)``."""
    scale = _unpack_scale(packed)
    size, n_intervals = scale.n_measures, len(_part(packed, 10))
    between = _part(packed, 6)
    return scale, DerivedArrays(
        _part(packed, 5).reshape(n_intervals, size, size),
        between.reshape(len(between) // (size * size), size, size),
        _part(packed, 7).reshape(1, size, size),
        _part(packed, 8).reshape(n_intervals, size, size),
        _part(packed, 9).reshape(n_intervals + 1, size),
        _part(packed, 10),
        _part(packed, 11)[0],
    )


_integers, _floats = types.CPointer(types.int64), types.CPointer(types.float64)


@cfunc(
    types.float64(
        _floats, types.intp, _integers, types.intp, _floats, types.intp, _integers, _integers, _floats, types.intp,
        _integers, _floats, _floats,
    ),
    cache=True,
    error_model="numpy",
)  # fmt: skip
def _log_likelihood(
    psi, n_psi, packed, n_packed, people, n_patterns, size, position, mean, n_values, rank, factor, gradient
):
    scale, system = unpack_system(carray(packed, (n_packed,)))
    patterns = PatternArrays(
        carray(people, (n_patterns,)),
        carray(size, (n_patterns,)),
        carray(position, (n_patterns, n_values)),
        carray(mean, (n_patterns, n_values)),
        carray(rank, (n_patterns,)),
        carray(factor, (n_patterns, n_values, n_values)),
    )
    point = carray(psi, (n_psi,))
    value, slope = log_likelihood_and_gradient(to_theta(point, scale), system, patterns)
    carray(gradient, (n_psi,))[:] = to_prior_scale_gradient(point, slope, scale)
    return value


@cfunc(
    types.void(_floats, types.intp, _integers, types.intp, _floats, _floats, types.intp, _floats, types.intp),
    cache=True,
    error_model="numpy",
)
def _derived(psi, n_psi, packed, n_packed, centre, scale, n_measures, result, n_result):
    layout, derived = unpack_derived(carray(packed, (n_packed,)))
    theta = to_theta(carray(psi, (n_psi,)), layout)
    carray(result, (n_result,))[:] = derive(theta, derived, carray(centre, (n_measures,)), carray(scale, (n_measures,)))


binding.add_symbol(LIKELIHOOD_SYMBOL, _log_likelihood.address)
binding.add_symbol(DERIVED_SYMBOL, _derived.address)
