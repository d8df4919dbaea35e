"""Densities in coordinates u of ``x = x0 + R u``, x0 and R being the last two arrays of a packed model, compiled."""

import numpy as np
from numba import carray, types

from ...basics.compiled import callback, compiled
from .arrays import floats_at
from .entry_points import DENSITY_SYMBOL, all_words, expand_into, log_density

__all__ = ["scaled_expand", "scaled_log_density", "straightened"]

_word, _number = types.CPointer(types.int64), types.CPointer(types.float64)

# As an external symbol the density is not compiled a second time.
_log_density = types.ExternalFunction(
    DENSITY_SYMBOL, types.int64(types.uint64, types.voidptr, types.voidptr, types.voidptr, types.voidptr)
)


@compiled
def straightened(point, words):
    """``x0 + R u``; and R."""
    n_arrays = words[0] - 1
    mode, root = floats_at(words, n_arrays - 2), floats_at(words, n_arrays - 1).reshape(len(point), len(point))
    return mode + root @ point, root


@callback(types.int64(types.uint64, _number, _number, _number, _word), needs=(log_density,))
def scaled_log_density(n_point, point, gradient, value, packed):
    """`log_density` of x and its gradient in u."""
    words = all_words(packed)
    unconstrained, root = straightened(carray(point, (n_point,)), words)
    slope = np.empty(n_point)
    refused = _log_density(n_point, unconstrained.ctypes, slope.ctypes, carray(value, (1,)).ctypes, words.ctypes)
    carray(gradient, (n_point,))[:] = slope @ root
    return refused


@callback(types.int64(types.uint64, types.uint64, _number, _number, _word))
def scaled_expand(n_point, n_expanded, point, expanded, packed):
    """Random variables and derived quantities at a point u, as nutpie calls it."""
    words = all_words(packed)
    unconstrained, _ = straightened(carray(point, (n_point,)), words)
    expand_into(unconstrained, words, carray(expanded, (n_expanded,)))
    return 0
