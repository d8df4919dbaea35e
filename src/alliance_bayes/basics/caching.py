"""Compiled kernels kept on disk, and thrown away when any of those they may be made of changes.

numba keeps one compiled file per function, stamped with the source file of that function alone. A
kernel that calls another, from another file, would go on with the old one inside it. Here every
kernel is stamped with the sources of all files that hold kernels, in its own folder and those it may call.

numba looks for one folder that it can write to, and knows no other. Here a kernel is read wherever it lies, and
written where that is possible: an installation that cannot be written serves those who use it, and where nothing
can be written, kernels are compiled without being kept.
"""

import hashlib
import platform
import sys
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

from llvmlite import binding
from numba.core import config
from numba.core.caching import (
    CompileResultCacheImpl,
    FunctionCache,
    IndexDataCacheFile,
    InTreeCacheLocator,
    UserProvidedCacheLocator,
    UserWideCacheLocator,
    _Cache,
)

from .compile_progress import announce, count

__all__ = ["LEVELS", "OBJECT_CODE", "PACKAGE", "STAMPS", "KernelCache", "level"]

OBJECT_CODE = "object_code"
"""Folder beside kernels, with one folder for each level."""
LEVELS = ("x86-64", "x86-64-v3") if platform.machine() in ("x86_64", "AMD64") else ("generic",)
"""Levels of instructions for which a wheel brings object code."""
V3 = ("avx2", "bmi", "bmi2", "f16c", "fma", "lzcnt", "movbe")

PACKAGE = Path(__file__).parents[1]
CALLED = {
    "families": ("families",),
    "engine/kernels": ("engine/kernels",),
    "engine/latent": ("families", "engine/kernels", "engine/latent"),
}
"""Folders whose kernels a folder's kernels call."""
# What makes a file one that kernels are made of.
PARTS = (b"@compiled", b"@in_place", b"@inlined", b"@callback", b"Kernel", b"(NamedTuple)")


def _stamp(folders: tuple[str, ...]) -> str:
    files = [(name, file) for name in folders for file in sorted((PACKAGE / name).glob("*.py"))]
    texts = [(name, file.read_bytes()) for name, file in files]
    made_of = [text for name, text in texts if name == "engine/kernels" or any(part in text for part in PARTS)]
    how = [Path(__file__).with_name(name).read_bytes() for name in ("compiled.py", "dispatching.py")]
    return hashlib.sha256(b"".join([*how, *made_of])).hexdigest()


STAMPS = {PACKAGE / name: _stamp(folders) for name, folders in CALLED.items()}


class _Files(IndexDataCacheFile):
    """Index and kernels of one function on disk; what cannot be read counts as not kept.

    So it is where another version of the package wrote them, whose classes have gone or moved since.
    """

    def _load_index(self) -> Any:
        try:
            return super()._load_index()
        except OSError:
            raise
        except Exception:
            return {}

    def _load_data(self, name: str) -> Any:
        try:
            return super()._load_data(name)
        except OSError:
            raise
        except Exception as error:
            raise OSError(f"{name} cannot be read") from error


class _Kept(CompileResultCacheImpl):
    """How one kernel is written down: with the stamp beside it, and not in the index of its file alone.

    An index is written before what it speaks of. A process that is killed in between, or another that reads then,
    would take the kernel of an older source for that of this one.
    """

    def reduce(self, compiled: Any) -> tuple[str, Any]:
        compiled.library._ensure_finalized()  # a callback's is not yet
        needed = compiled._replace(reload_init=list(compiled.library._reload_init))
        return self.locator.get_source_stamp(), super().reduce(needed)

    def rebuild(self, target_context: Any, kept: tuple[str, Any]) -> Any:
        stamp, reduced = kept
        return super().rebuild(target_context, reduced) if stamp == self.locator.get_source_stamp() else None


def _place(locator: Any) -> type[Any]:
    """One place for numba's cache, whether that can be written or not."""

    class Stamped(locator):
        def get_source_stamp(self) -> str:
            return STAMPS[Path(self._py_file).parent]

        @classmethod
        def from_function(cls, function: Any, file: str) -> Any:
            return cls(function, file)

    class KeptThere(_Kept):
        _locator_classes = (Stamped,)

    class Place(FunctionCache):
        _impl_class = KeptThere

        def __init__(self, function: Any) -> None:
            super().__init__(function)
            base, stamp = self._impl.filename_base, self._impl.locator.get_source_stamp()
            self._cache_file = _Files(self._cache_path, base, stamp)

    return Place


class _BesideTheSource(InTreeCacheLocator):
    """Object code that a wheel brings."""

    def get_cache_path(self) -> str:
        return str(Path(self._py_file).parent / OBJECT_CODE / level())


class Shipped(_place(_BesideTheSource)):  # type: ignore[misc]
    """Where a wheel's object code is looked for: by the name of its level, not by that of this processor."""

    def _index_key(self, signature: Any, codegen: Any) -> Any:
        kinds, (system, _, _), function = super()._index_key(signature, codegen)
        return kinds, (system, level(), ""), function

    def save_overload(self, signature: Any, compiled: Any) -> None:
        raise OSError("object code comes with a wheel alone")


CHOSEN = _place(UserProvidedCacheLocator)  # NUMBA_CACHE_DIR
IN_TREE = _place(InTreeCacheLocator)
OF_USER = _place(UserWideCacheLocator)


@cache
def level() -> str:
    """The most demanding of the levels of instructions which this processor has, as LLVM names it."""
    if platform.machine() not in ("x86_64", "AMD64"):
        return "generic"
    has = binding.get_host_cpu_features()
    return "x86-64-v3" if all(has.get(name) for name in V3) else "x86-64"


class KernelCache(_Cache):
    """Where one kernel is looked for, in this order, and kept in the first of these that can be written."""

    kept: ClassVar[set[Path]] = set()
    """Folders in which this process has kept something."""
    _said = False

    def __init__(self, function: Any) -> None:
        folders = [CHOSEN, IN_TREE, OF_USER] if config.CACHE_DIR else [IN_TREE, OF_USER]
        if (Path(function.__code__.co_filename).parent / OBJECT_CODE).is_dir():
            folders.insert(0, Shipped)
        self._places = [folder(function) for folder in folders]
        self._folder = Path(function.__code__.co_filename).parent.name

    @property
    def cache_path(self) -> str:
        """Folder that is looked into first."""
        return str(self._places[0].cache_path)

    def load_overload(self, signature: Any, target_context: Any) -> Any:
        """What was compiled for these types, or None."""
        for folder in self._places:
            try:
                kernel = folder.load_overload(signature, target_context)
            except OSError:  # nobody may read there
                continue
            # Two processes that compile other overloads at once may both have written them under one name.
            if kernel is not None and kernel.signature.args == _arguments(signature):
                return kernel
        announce(self._folder)
        return None

    def save_overload(self, signature: Any, compiled: Any) -> None:
        """Keep what was compiled, where that is possible."""
        count()
        for folder in self._places:
            try:
                folder.save_overload(signature, compiled)
            except OSError:  # nobody may write there, or no room is left
                continue
            KernelCache.kept.add(Path(folder.cache_path))
            return
        self._say()

    def _say(self) -> None:
        """What happens where nothing can be kept, once in a process."""
        if KernelCache._said:
            return
        KernelCache._said = True
        paths = " nor ".join(str(folder.cache_path) for folder in self._places)
        sys.stderr.write(
            f"alliance_bayes cannot keep compiled code: neither {paths} can be written. It is compiled again in every "
            "process, which takes minutes. Set NUMBA_CACHE_DIR to a folder that can be written.\n"
        )

    def enable(self) -> None:
        """Use what is kept."""
        for folder in self._places:
            folder.enable()

    def disable(self) -> None:
        """Go on without."""
        for folder in self._places:
            folder.disable()

    def flush(self) -> None:
        """Forget what is kept."""
        for folder in self._places:
            try:
                folder.flush()
            except OSError:
                continue


def _arguments(signature: Any) -> tuple[Any, ...]:
    """Types of the arguments, which numba gives alone, or with that of the result in one of two ways."""
    if hasattr(signature, "args"):
        return tuple(signature.args)
    return tuple(signature[0]) if signature and isinstance(signature[0], tuple) else tuple(signature)
