"""How every kernel is compiled, and kept."""

from collections.abc import Callable
from functools import cached_property, partial
from typing import Any

from llvmlite import binding
from numba import njit
from numba.core.ccallback import CFunc
from numba.core.dispatcher import Dispatcher
from numba.core.sigutils import normalize_signature

from .caching import KernelCache

__all__ = ["Callback", "callback", "compiled", "inlined", "kept"]

_jit = partial(
    njit,
    nogil=True,
    error_model="numpy",
    fastmath={"reassoc", "contract", "nsz", "arcp"},
    no_cfunc_wrapper=True,  # C calls callbacks alone
)


def kept(kernel: Any) -> Any:
    """Keep what numba compiles of a function on disk, as `caching` says."""
    if isinstance(kernel, Dispatcher):  # not where compiling is switched off
        kernel._cache = KernelCache(kernel.py_func)  # type: ignore[attr-defined]
    return kernel


def compiled(function: Callable[..., Any]) -> Any:
    """Compile a function that other kernels and Python call."""
    return kept(_jit()(function))


def inlined(function: Callable[..., Any]) -> Any:
    """Compile a function as part of the few kernels that call it, which saves compiling it alone before."""
    return kept(_jit(inline="always")(function))


class Callback:
    """A function that C calls by its address, compiled when that is first asked for and not when it is imported.

    Parameters
    ----------
    function
        Its body.
    signature
        Its numba signature, of numbers and pointers.
    symbol
        Name under which other compiled code finds it, once `address` was asked for; none where left open.
    needs
        Callbacks whose symbols its body calls.
    """

    def __init__(
        self, function: Callable[..., Any], signature: Any, symbol: str | None, needs: tuple["Callback", ...]
    ) -> None:
        self.function, self.signature, self.symbol, self.needs = function, signature, symbol, needs

    @cached_property
    def _made(self) -> Any:
        for other in self.needs:
            other.link()
        made: Any = CFunc(
            self.function, normalize_signature(self.signature), locals={}, options={"error_model": "numpy"}
        )
        made._cache = KernelCache(self.function)
        made.compile()
        if self.symbol is not None:
            binding.add_symbol(self.symbol, made.address)
        return made

    @property
    def address(self) -> int:
        """Where the machine code is."""
        return int(self._made.address)

    @property
    def ctypes(self) -> Any:
        """The function, for calls from Python."""
        return self._made.ctypes

    def link(self) -> None:
        """Let other compiled code find it by its symbol."""
        assert self.symbol is not None
        assert self.address


def callback(
    signature: Any, *, symbol: str | None = None, needs: tuple[Callback, ...] = ()
) -> Callable[[Callable[..., Any]], Callback]:
    """Make a function one that C calls."""
    return lambda function: Callback(function, signature, symbol, needs)
