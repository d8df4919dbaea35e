"""Numbers of several people side by side, on which a processor computes with one instruction.

A loop over them would be the same, but a compiler makes such instructions of it only where it can prove that no array
overlaps with another, and takes a number from memory and back for each step of a sum.
"""

import operator
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core.datamodel.models import PrimitiveModel
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import intrinsic, lower_builtin, register_model

from ...basics.compiled import FAST

__all__ = ["LANES", "lanes_at", "put_lanes", "spread"]

LANES = 8
"""People, whatever the processor: one register of AVX-512, two of AVX2, four of SSE2 or NEON."""
VECTOR = ir.VectorType(ir.DoubleType(), LANES)


class LanesType(types.Type):
    """A number of each lane; sums, differences, products and quotients are lane by lane."""

    def __init__(self) -> None:
        super().__init__(name="lanes")


lanes = LanesType()


@register_model(LanesType)
class _LanesModel(PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, VECTOR)


def _address(context: Any, builder: Any, kind: Any, array: Any, row: Any) -> Any:
    data = context.make_array(kind)(context, builder, array).data
    first = builder.gep(data, [builder.mul(row, ir.Constant(row.type, LANES))])
    return builder.bitcast(first, VECTOR.as_pointer())


@intrinsic
def lanes_at(_: Any, array: Any, row: Any) -> Any:
    """A row of an array of shape ``(row, LANES)``."""

    def read(context: Any, builder: Any, called: Any, given: Any) -> Any:
        value = builder.load(_address(context, builder, called.args[0], *given))
        value.align = 8
        return value

    return lanes(array, types.intp), read


@intrinsic
def put_lanes(_: Any, array: Any, row: Any, value: Any) -> Any:
    """Write a row of an array of shape ``(row, LANES)``."""

    def write(context: Any, builder: Any, called: Any, given: Any) -> Any:
        builder.store(given[2], _address(context, builder, called.args[0], *given[:2])).align = 8
        return context.get_dummy_value()

    return types.void(array, types.intp, lanes), write


@intrinsic
def spread(_: Any, number: Any) -> Any:
    """One number in every lane."""

    def fill(context: Any, builder: Any, called: Any, given: Any) -> Any:
        nothing, first = ir.Constant(VECTOR, ir.Undefined), ir.Constant(ir.IntType(32), 0)
        every = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
        return builder.shuffle_vector(builder.insert_element(nothing, given[0], first), nothing, every)

    return lanes(types.float64), fill


def _let_compute(function: Callable[[Any, Any], Any], instruction: str) -> None:
    @infer_global(function)
    class OfLanes(AbstractTemplate):
        def generic(self, given: Any, _: Any) -> Any:
            return signature(lanes, lanes, lanes) if given == (lanes, lanes) else None

    @lower_builtin(function, lanes, lanes)
    def compute(context: Any, builder: Any, called: Any, given: Any) -> Any:
        return getattr(builder, instruction)(*given, flags=sorted(FAST))


_let_compute(operator.add, "fadd")
_let_compute(operator.sub, "fsub")
_let_compute(operator.mul, "fmul")
_let_compute(operator.truediv, "fdiv")
