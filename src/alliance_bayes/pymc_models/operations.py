"""The compiled kernels as PyTensor operations, with gradient and numba dispatch."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytensor.tensor as pt
from numba import njit, types
from pytensor.gradient import disconnected_type
from pytensor.graph.basic import Apply, Variable
from pytensor.graph.op import Op
from pytensor.link.numba.dispatch.basic import register_funcify_default_op_cache_key

from ..basics.caching import PACKAGE, STAMPS
from ..engine.kernels.arrays import PatternArrays
from ..engine.kernels.entry_points import (
    DERIVED_SYMBOL,
    LIKELIHOOD_SYMBOL,
    derived_quantities,
    derived_vector,
    likelihood_and_gradient,
    log_likelihood,
    unpack_derived,
    unpack_likelihood,
)
from ..engine.latent.panel_likelihood import (
    AFTER_SYSTEM,
    LATENT_SYMBOL,
    latent_likelihood_and_gradient,
    latent_log_likelihood,
    unpack_latent_likelihood,
)

__all__ = ["DerivedQuantities", "LatentLogLikelihood", "PanelLogLikelihood"]

_data, _length = types.voidptr, types.intp
_source = Path(__file__).read_bytes()


def _version(folder: str) -> int:
    """Tell PyTensor which of the functions that it keeps compiled are of these kernels and these layouts of data."""
    return int(hashlib.sha256(STAMPS[PACKAGE / folder].encode() + _source).hexdigest()[:15], 16)


class _LogLikelihood(Op):
    """Log-likelihood at a prior-scale vector psi, and its gradient there as second output: differentiate the first."""

    __props__ = ()

    def likelihood(self, psi: Any, data: Any, *statistics: Any) -> tuple[float, np.ndarray]:
        """Value and gradient."""
        raise NotImplementedError

    def make_node(self, psi: Any, data: Any, *statistics: Any) -> Apply:
        """Make the graph node; see the class for the inputs."""
        dtypes = dict.fromkeys(("people", "mean", "factor", "scatter", "given"), "float64")
        arrays = [
            pt.cast(value, dtypes.get(name, "int64"))
            for name, value in zip(PatternArrays._fields, statistics, strict=False)
        ]
        inputs = [pt.as_tensor(psi, dtype="float64"), pt.as_tensor(data, dtype="int64"), *arrays]
        return Apply(self, inputs, [pt.dscalar(), pt.dvector()])

    def perform(self, node: Apply, inputs: Any, outputs: Any) -> None:
        """Evaluate without compiling the graph."""
        value, slope = self.likelihood(*map(np.ascontiguousarray, inputs))
        outputs[0][0] = np.asarray(value)
        outputs[1][0] = slope

    def pullback(self, inputs: Any, outputs: Any, cotangents: Any) -> list[Variable]:
        """Gradient in psi; data have none."""
        return [cotangents[0] * outputs[1], *(disconnected_type() for _ in inputs[1:])]

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        """Only psi is connected, and only to the log-likelihood."""
        return [[position == 0, False] for position in range(len(node.inputs))]

    def infer_shape(self, node: Apply, shapes: Any) -> list[tuple[Any, ...]]:
        """Shapes of the outputs."""
        return [(), shapes[0]]


class PanelLogLikelihood(_LogLikelihood):
    """Log-likelihood of a panel from its pattern statistics.

    Inputs: psi; the packed programs and linear systems; then the arrays of `PatternArrays`, which may be `pm.Data`.
    """

    def likelihood(self, psi: Any, data: Any, *statistics: Any) -> tuple[float, np.ndarray]:
        """Value and gradient."""
        value, slope = likelihood_and_gradient(psi, *unpack_likelihood(data), PatternArrays(*statistics))
        return value, slope


class LatentLogLikelihood(_LogLikelihood):
    """Log-likelihood of a panel with linear predictors integrated out.

    Inputs: psi; programs, linear systems and data in one packed vector.
    """

    def likelihood(self, psi: Any, data: Any, *statistics: Any) -> tuple[float, np.ndarray]:
        """Value and gradient."""
        value, slope = latent_likelihood_and_gradient(psi, *unpack_latent_likelihood(data))
        return value, slope


class DerivedQuantities(Op):
    """Derived vector of a model, without a gradient.

    Inputs: the prior-scale vector psi; the packed programs; centre and scale of each measure.
    """

    __props__ = ("size",)

    def __init__(self, size: int) -> None:
        self.size = size

    def make_node(self, psi: Any, layout: Any, centre: Any, scale: Any) -> Apply:
        """Make the graph node; see the class for the inputs."""
        floats = [pt.as_tensor(value, dtype="float64") for value in (psi, centre, scale)]
        inputs = [floats[0], pt.as_tensor(layout, dtype="int64"), *floats[1:]]
        return Apply(self, inputs, [pt.TensorType("float64", shape=(self.size,))()])

    def perform(self, node: Apply, inputs: Any, outputs: Any) -> None:
        """Evaluate without compiling the graph."""
        psi, packed, centre, scale = map(np.ascontiguousarray, inputs)
        outputs[0][0] = derived_vector(psi, *unpack_derived(packed), centre, scale)

    def infer_shape(self, node: Apply, shapes: Any) -> list[tuple[Any, ...]]:
        """Shape of the output."""
        return [(self.size,)]


_log_likelihood = types.ExternalFunction(
    LIKELIHOOD_SYMBOL,
    types.float64(
        _data, _length, _data, _length, _data, _length, _data, _data, _data, _length, _data, _data, _data, _data,
        _data, _length, _data, _data,
    ),
)  # fmt: skip
_latent_log_likelihood = types.ExternalFunction(
    LATENT_SYMBOL, types.float64(_data, _length, _data, _length, _length, _data)
)
_derived = types.ExternalFunction(
    DERIVED_SYMBOL, types.void(_data, _length, _data, _length, _data, _data, _length, _data, _length)
)


@register_funcify_default_op_cache_key(PanelLogLikelihood)
def _numba_log_likelihood(op: PanelLogLikelihood, **_: Any) -> Any:
    log_likelihood.link()

    @njit
    def evaluate(psi, layout, people, size, position, mean, rank, factor, completed, scatter, cell_start, given):
        gradient = np.empty(psi.size)
        # The kernel reads plain memory, and data that users set may be laid out otherwise.
        point, packed = np.ascontiguousarray(psi), np.ascontiguousarray(layout)
        people, size, rank = np.ascontiguousarray(people), np.ascontiguousarray(size), np.ascontiguousarray(rank)
        position, completed = np.ascontiguousarray(position), np.ascontiguousarray(completed)
        mean, factor, scatter = np.ascontiguousarray(mean), np.ascontiguousarray(factor), np.ascontiguousarray(scatter)
        cell_start, given = np.ascontiguousarray(cell_start), np.ascontiguousarray(given)
        value = _log_likelihood(
            point.ctypes, point.size, packed.ctypes, packed.size, people.ctypes, people.size, size.ctypes,
            position.ctypes, mean.ctypes, mean.shape[1], rank.ctypes, factor.ctypes, completed.ctypes,
            scatter.ctypes, cell_start.ctypes, len(scatter), given.ctypes, gradient.ctypes,
        )  # fmt: skip
        return np.asarray(value), gradient

    return evaluate, _version("engine/kernels")


@register_funcify_default_op_cache_key(LatentLogLikelihood)
def _numba_latent_log_likelihood(op: LatentLogLikelihood, **_: Any) -> Any:
    latent_log_likelihood.link()

    @njit
    def evaluate(psi, packed):
        gradient = np.empty(psi.size)
        point, words = np.ascontiguousarray(psi), np.ascontiguousarray(packed)
        value = _latent_log_likelihood(
            point.ctypes, point.size, words.ctypes, words.size, AFTER_SYSTEM, gradient.ctypes
        )
        return np.asarray(value), gradient

    return evaluate, _version("engine/latent")


@register_funcify_default_op_cache_key(DerivedQuantities)
def _numba_derived(op: DerivedQuantities, **_: Any) -> Any:
    n_result = op.size
    derived_quantities.link()

    @njit
    def evaluate(psi, layout, centre, scale):
        result = np.empty(n_result)
        point, packed = np.ascontiguousarray(psi), np.ascontiguousarray(layout)
        centre, scale = np.ascontiguousarray(centre), np.ascontiguousarray(scale)
        _derived(
            point.ctypes, point.size, packed.ctypes, packed.size, centre.ctypes, scale.ctypes, scale.size,
            result.ctypes, result.size,
        )  # fmt: skip
        return result

    return evaluate, _version("engine/kernels")
