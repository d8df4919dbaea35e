"""What is sampled of a model, at many points and from Python, without compiling anything for it."""

from ctypes import CFUNCTYPE, c_int64, c_uint64, c_void_p
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from .packed import PackedModel

if TYPE_CHECKING:
    from nutpie.compile_pymc import CompiledPyMCModel

__all__ = ["Unconstrained"]

type FloatArray = npt.NDArray[np.float64]

LOG_DENSITY = CFUNCTYPE(c_int64, c_uint64, c_void_p, c_void_p, c_void_p, c_void_p)
EXPAND = CFUNCTYPE(c_int64, c_uint64, c_uint64, c_void_p, c_void_p, c_void_p)


class Unconstrained:
    """A model at unconstrained points.

    Parameters
    ----------
    compiled
        What `packed_model` or `compile_model` makes of a model.
    """

    def __init__(self, compiled: "PackedModel | CompiledPyMCModel") -> None:
        self.size, self.n_expanded = int(compiled.n_dim), int(compiled.n_expanded)
        self._log_density = LOG_DENSITY(compiled.compiled_logp_func.address)
        self._expand = EXPAND(compiled.compiled_expand_func.address)
        self._words = np.ascontiguousarray(compiled.user_data)

    def log_density(self, points: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Log posterior densities, shape ``(point,)``, and their gradients, shape ``(point, parameter)``.

        Minus infinity and a gradient of 0 where there is no density.
        """
        points = np.ascontiguousarray(points)
        values, gradients = np.empty(len(points)), np.empty(points.shape)
        rows, words = zip(*map(_rows, (points, gradients, values)), strict=True), self._words.ctypes.data
        for index, (point, gradient, value) in enumerate(rows):
            if self._log_density(self.size, point, gradient, value, words):
                values[index], gradients[index] = -np.inf, 0.0
        return values, gradients

    def expanded(self, points: FloatArray) -> FloatArray:
        """Random variables, then derived quantities, shape ``(point, number)``."""
        points = np.ascontiguousarray(points)
        result, words = np.empty((len(points), self.n_expanded)), self._words.ctypes.data
        for point, expanded in zip(_rows(points), _rows(result), strict=True):
            self._expand(self.size, self.n_expanded, point, expanded, words)
        return result


def _rows(array: FloatArray) -> list[int]:
    """Address of each row."""
    addresses: list[int] = (array.ctypes.data + array.strides[0] * np.arange(len(array))).tolist()
    return addresses
