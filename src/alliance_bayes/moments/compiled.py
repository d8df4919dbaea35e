"""How every kernel is compiled, and kept."""

from collections.abc import Callable
from typing import Any

from numba import njit
from numba.core.ccallback import CFunc
from numba.core.dispatcher import Dispatcher
from numba.core.sigutils import normalize_signature

from .caching import KernelCache

__all__ = ["callback", "compiled", "kept"]

_jit = njit(nogil=True, error_model="numpy", fastmath={"reassoc", "contract", "nsz", "arcp"})


def kept(kernel: Any) -> Any:
    """Keep what numba compiles of a function on disk, as `caching` says."""
    if isinstance(kernel, Dispatcher):  # not where compiling is switched off
        kernel._cache = KernelCache(kernel.py_func)  # type: ignore[attr-defined]
    return kernel


def compiled(function: Callable[..., Any]) -> Any:
    """Compile a function that other kernels and Python call."""
    return kept(_jit(function))


def callback(signature: Any) -> Callable[[Callable[..., Any]], Any]:
    """Compile a function that C calls."""

    def wrapped(function: Callable[..., Any]) -> Any:
        made = CFunc(function, normalize_signature(signature), locals={}, options={"error_model": "numpy"})
        made._cache = KernelCache(function)  # type: ignore[attr-defined]
        made.compile()
        return made

    return wrapped
