"""How compiled kernels are joined: small ones become part of those that call them, large ones are called.

numba optimises and translates a function, with everything it calls, again in every caller. Here that is so of small
functions alone. A large one is translated once, and its callers know the name of its machine code. C callbacks are
called by an address that is looked up in memory, and compiled when that happens for the first time.
"""

import ctypes
import signal
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from llvmlite import binding, ir
from numba import types
from numba.core.datamodel.models import ExternalFuncPointerModel
from numba.core.imputils import lower_constant
from numba.core.registry import CPUDispatcher
from numba.core.sigutils import normalize_signature
from numba.core.typing import signature
from numba.core.typing.ctypes_utils import to_ctypes
from numba.extending import register_model

from .compile_progress import compiling

__all__ = ["KernelDispatcher", "LateFunction", "SharedDispatcher"]


class KernelDispatcher(CPUDispatcher):
    """Versions of a kernel, one for each types of its arguments, whether these are constants or not."""

    def get_call_template(self, args: Any, kws: Any) -> Any:
        """The version for a call in another kernel."""
        return super().get_call_template(tuple(map(types.unliteral, args)), kws)

    def compile(self, sig: Any) -> Any:
        """Make a version, or read it from disk."""
        with compiling():
            return super().compile(sig)

    def add_overload(self, cres: Any) -> None:
        """Keep a version that was made or read."""
        # What numba reads from disk forgets what it needs, which its callers take over from its library.
        cres.library._reload_init.update(cres.reload_init or ())
        super().add_overload(cres)


class SharedDispatcher(KernelDispatcher):
    """Versions of a kernel that others call by the names of their machine code, instead of holding copies."""

    def add_overload(self, cres: Any) -> None:
        """Keep a version that was made or read."""
        super().add_overload(cres)
        name = cres.fndesc.llvm_func_name
        _set_symbol(name, cres)
        needed = _Needed(self.py_func.__module__, self.py_func.__name__, cres.signature.args, name)
        self.targetctx.remove_user_function(cres.entry_point)
        self.targetctx.insert_user_function(cres.entry_point, cres.fndesc, [_nothing_but(needed, name, cres)])


@dataclass(frozen=True)
class _Needed:
    """A kernel that must be there before the code of its callers is; numba calls this when it reads them from disk."""

    module: str
    name: str
    arguments: tuple[Any, ...] | None  # types of its version's arguments; None of a callback
    symbol: str = ""  # by which its callers know it; numba numbers these names in each process

    def __call__(self) -> None:
        kernel = getattr(import_module(self.module), self.name)
        if self.arguments is None:
            assert kernel._numba_type_
        else:
            kernel.dispatcher.compile(self.arguments)
            _set_symbol(self.symbol, kernel.dispatcher.overloads[self.arguments])


def _set_symbol(symbol: str, cres: Any) -> None:
    binding.add_symbol(symbol, cres.library.get_pointer_to_function(cres.fndesc.llvm_func_name))


def _nothing_but(needed: _Needed, name: str, cres: Any) -> Any:
    """What numba links into callers: no code, but a note of what they need."""
    library = cres.library.codegen.create_library(f"needs.{name}")
    module = library.create_ir_module(library.name)
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), []), library.name)  # numba links no empty library
    ir.IRBuilder(function.append_basic_block()).ret_void()
    library.add_ir_module(module)
    library._reload_init.add(needed)
    return library


class LateFunction(types.ExternalFunctionPointer):
    """A C callback as kernels see it: code at an address that stands in a slot, and compiles itself when first called.

    Parameters
    ----------
    slot
        Name by which compiled code finds the slot.
    sig
        Its signature, of numbers and pointers.
    address
        Compiles it, and returns the address.
    """

    def __init__(self, slot: str, sig: Any, address: Callable[[], int]) -> None:
        arguments, result = normalize_signature(sig)
        plain = [types.voidptr if isinstance(each, types.CPointer) else each for each in arguments]
        super().__init__(signature(result, *plain), get_pointer=lambda _: address())
        self.slot = slot
        function = ctypes.CFUNCTYPE(None if result is types.void else to_ctypes(result), *map(to_ctypes, plain))

        def first(*values: Any) -> Any:
            try:
                self._held.value = address()
            except KeyboardInterrupt:  # C does not pass it on
                signal.raise_signal(signal.SIGINT)
                return None
            return function(self._held.value)(*values)

        self._first = function(first)
        self._held = ctypes.c_void_p(ctypes.cast(self._first, ctypes.c_void_p).value)
        binding.add_symbol(slot, ctypes.addressof(self._held))


register_model(LateFunction)(ExternalFuncPointerModel)


@lower_constant(LateFunction)
def _address_in_slot(context: Any, builder: Any, kind: LateFunction, value: Any) -> Any:
    pointer = context.get_function_pointer_type(kind)
    context.active_code_library._reload_init.add(_Needed(value.function.__module__, value.function.__name__, None))
    known = builder.module.globals.get(kind.slot)
    return builder.load(ir.GlobalVariable(builder.module, pointer, kind.slot) if known is None else known)
