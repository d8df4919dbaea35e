"""Compiled kernels kept on disk, and thrown away when any of them changes.

numba keeps one compiled file per function, stamped with the source file of that function alone. A
kernel that calls another, from another file, would go on with the old one inside it. Here every
kernel is stamped with the sources of all files, in the folders that hold kernels, that a kernel is made of.
"""

import hashlib
from pathlib import Path
from typing import Any

from numba.core.caching import CacheImpl

__all__ = ["SOURCES", "share_one_stamp"]

FOLDERS = tuple(Path(__file__).parents[1] / name for name in ("moments", "latent"))
PARTS = (b"@compiled", b"@cfunc", b"njit(", b"(NamedTuple)")  # what makes a file one that kernels are made of
TEXTS = [file.read_bytes() for folder in FOLDERS for file in sorted(folder.glob("*.py"))]
SOURCES = hashlib.sha256(b"".join(text for text in TEXTS if any(part in text for part in PARTS))).hexdigest()


def share_one_stamp() -> None:
    """Let numba's own places for compiled functions take `SOURCES` as the stamp of our kernels."""
    locators = CacheImpl._locator_classes
    if not any(getattr(locator, "of_alliance_bayes", False) for locator in locators):
        locators[:0] = [_stamped(locator) for locator in locators]


def _stamped(locator: Any) -> Any:
    class Stamped(locator):
        of_alliance_bayes = True

        def get_source_stamp(self) -> str:
            return SOURCES

        @classmethod
        def from_function(cls, py_func: Any, py_file: str) -> Any:
            return super().from_function(py_func, py_file) if Path(py_file).parent in FOLDERS else None

    return Stamped
