"""How every kernel is compiled, when it is first used, and kept."""

from collections.abc import Callable
from functools import cached_property, update_wrapper
from typing import Any, Literal

__all__ = ["CALLBACKS", "Callback", "Kernel", "callback", "compiled", "in_place", "inlined"]

FAST = frozenset({"reassoc", "contract", "nsz", "arcp"})
"""Liberties with arithmetic, except those that assume no infinities and no NaN: kernels test for both."""

LARGE = 400
"""Bytes of bytecode beyond which a kernel is called by others, and below which it becomes part of them."""


class Kernel:
    """A function that other kernels and Python call; numba is imported, and compiles it, when it is first used.

    Parameters
    ----------
    function
        Its body.
    fastmath
        Liberties that the compiler may take with its arithmetic.
    inline
        ``"always"`` where it is compiled as part of the kernels that call it.
    allocates
        Whether it makes or returns arrays. What does neither need not count who holds those that it is given.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        fastmath: frozenset[str] = FAST,
        *,
        inline: Literal["never", "always"] = "never",
        allocates: bool = True,
    ) -> None:
        self.py_func, self.fastmath, self.allocates = function, fastmath, allocates
        self.targetoptions = {"inline": inline}  # with `py_func`, what numba reads of a kernel that others call
        update_wrapper(self, function)

    @cached_property
    def dispatcher(self) -> Any:
        """What numba makes of it, kept on disk as `caching` says."""
        from numba.core import config

        from .caching import KernelCache
        from .dispatching import KernelDispatcher, SharedDispatcher

        if config.DISABLE_JIT:
            return self.py_func
        options = {
            "nopython": True,
            "nogil": True,
            "error_model": "numpy",
            "fastmath": set(self.fastmath),
            "no_cfunc_wrapper": True,  # C calls callbacks alone
            "_nrt": self.allocates,  # numba's runtime counts references, an atomic operation for each view of an array
            **self.targetoptions,
        }
        large = len(self.py_func.__code__.co_code) > LARGE and self.targetoptions["inline"] == "never"
        made: Any = (SharedDispatcher if large else KernelDispatcher)(self.py_func, targetoptions=options)
        made._cache = KernelCache(self.py_func)
        return made

    @property
    def _numba_type_(self) -> Any:
        """Its type inside other kernels, by which numba finds what they call."""
        return self.dispatcher._numba_type_

    def __call__(self, *arguments: Any) -> Any:
        """Call what was compiled."""
        return self.dispatcher(*arguments)


def compiled(function: Callable[..., Any]) -> Kernel:
    """Compile a function that other kernels and Python call."""
    return Kernel(function)


def in_place(function: Callable[..., Any]) -> Kernel:
    """Compile a function that makes no arrays and returns none: twice as fast where it takes views in long loops."""
    return Kernel(function, allocates=False)


def inlined(function: Callable[..., Any]) -> Kernel:
    """Compile a function as part of the few kernels that call it, which saves compiling it alone before."""
    return Kernel(function, inline="always")


class Callback:
    """A function that C calls by its address, compiled when that is first asked for and not when it is imported.

    Kernels that call it call that address, too: they do not compile it, and it is compiled when they first do.

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
        from llvmlite import binding
        from numba.core.ccallback import CFunc
        from numba.core.sigutils import normalize_signature

        from .caching import KernelCache
        from .compile_progress import compiling

        for other in self.needs:
            other.link()
        made: Any = CFunc(
            self.function, normalize_signature(self.signature), locals={}, options={"error_model": "numpy"}
        )
        made._cache = KernelCache(self.function)
        with compiling():
            made.compile()
        if self.symbol is not None:
            binding.add_symbol(self.symbol, made.address)
        return made

    @cached_property
    def _numba_type_(self) -> Any:
        """Its type inside kernels, by which numba finds what they call."""
        from .dispatching import LateFunction

        name = f"{self.function.__module__}.{self.function.__name__}"
        return LateFunction(name, self.signature, lambda: self.address)

    def __call__(self, *arguments: Any) -> Any:
        """Call what was compiled, with numbers and pointers."""
        return self.ctypes(*arguments)

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


CALLBACKS: list[Callback] = []
"""All callbacks of the modules imported so far."""


def callback(
    signature: Any, *, symbol: str | None = None, needs: tuple[Callback, ...] = ()
) -> Callable[[Callable[..., Any]], Callback]:
    """Make a function one that C calls."""

    def listed(function: Callable[..., Any]) -> Callback:
        CALLBACKS.append(Callback(function, signature, symbol, needs))
        return CALLBACKS[-1]

    return listed
