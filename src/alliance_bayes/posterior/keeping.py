"""Finished parts of long work, kept in a folder until all of it is done, so that after a kill it goes on from them.

Each part is kept under a checksum of all that it rests on: where any of that changes, it is not found, and made again.
"""

import hashlib
import hmac
import io
import json
import os
import pickle
import platform
import secrets
import shutil
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from ..basics.names import counted
from ..basics.writing import make_folder, write_file

if TYPE_CHECKING:
    import numpy as np

__all__ = [
    "AGAIN",
    "KEPT",
    "MANIFEST",
    "PACKAGES",
    "Arrays",
    "Kept",
    "KeptChains",
    "keeping",
    "kept_now",
    "kept_result",
    "versions",
]

MANIFEST, KEPT = "run.json", ".run.kept"
"""In the folder of a run: its description, and what is finished of it until all is."""
CHAIN, RESULT = ".chain.npz", ".result"
ENDINGS = {"chain": CHAIN, "result": RESULT}
AGAIN = "Run it again: what is finished is kept."
PACKAGES = ("alliance-bayes", "pymc", "nutpie", "arviz", "numpy", "numba", "scipy")
DIGITS, SIGNATURE = 32, 32
POSTERIOR, STATISTICS, SECONDS = "posterior ", "statistics ", "seconds"

type Arrays = Mapping[str, "np.ndarray"]


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that numbers depend on."""
    return {"python": platform.python_version(), **{package: version(package) for package in PACKAGES}}


class Kept:
    """The finished parts in a folder, which is made with the first of them.

    `rests_on` is what all of them rest on, such as versions; `begin` is called when the folder was made.
    """

    def __init__(self, folder: Path, rests_on: Any, begin: Callable[[], None] = lambda: None) -> None:
        self.folder, self._rests_on, self._begin = folder, rests_on, begin
        self._used: set[Path] = set()

    def chains_of(self, rests_on: Any, data: bytes) -> "KeptChains":
        """The finished chains of one fit."""
        return KeptChains(self, self._key([*rests_on, hashlib.sha256(data).hexdigest()]))

    def result[Result](self, rests_on: Any, make: Callable[[], Result]) -> Result:
        """What `make` returns, or returned earlier; once it is kept, the chains that it needed are removed."""
        path = self.folder / f"{self._key(rests_on)}{RESULT}"
        content = _unsigned(path)
        if content is not None:
            return cast(Result, pickle.loads(content))
        of_others, self._used = self._used, set()
        try:
            result = make()
            signed = _signed(result)
            if signed is not None:
                self.save(path, signed)
                for chain in self._used - of_others:
                    chain.unlink(missing_ok=True)
            return result
        finally:
            self._used = of_others

    @property
    def in_words(self) -> str:
        """How many parts there are, such as "2 finished chains and 1 finished result"; nothing where there are none."""
        names = [file.name for file in self.folder.iterdir()] if self.folder.is_dir() else []
        counts = {what: sum(name.endswith(end) for name in names) for what, end in ENDINGS.items()}
        return " and ".join(counted(count, f"finished {what}") for what, count in counts.items() if count)

    def save(self, path: Path, content: bytes) -> None:
        """Write a part, completely or not at all."""
        if not self.folder.is_dir():
            make_folder(self.folder)
            self._begin()
        write_file(path, content)

    def use(self, path: Path) -> Path:
        """Note that a chain is needed by what is made now."""
        self._used.add(path)
        return path

    def remove(self) -> None:
        """Remove all parts."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _key(self, rests_on: Any) -> str:
        text = json.dumps([self._rests_on, rests_on], sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:DIGITS]


class KeptChains:
    """The finished chains of one fit, by number."""

    def __init__(self, kept: Kept, key: str) -> None:
        self._kept, self._key = kept, key

    def load(self, chain: int) -> tuple[Arrays, Arrays, float] | None:
        """Draws and statistics of a chain, and the seconds of sampling until it was finished; None if it is not."""
        import numpy as np

        path = self._path(chain)
        try:
            with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as held:
                arrays = {name: held[name] for name in held}
        except (OSError, ValueError, zipfile.BadZipFile):
            return None
        posterior, statistics = (
            {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
            for prefix in (POSTERIOR, STATISTICS)
        )
        return posterior, statistics, float(arrays[SECONDS])

    def save(self, chain: int, posterior: Arrays, statistics: Arrays, seconds: float) -> None:
        """Keep a finished chain."""
        import numpy as np

        arrays: dict[str, Any] = {f"{POSTERIOR}{name}": array for name, array in posterior.items()}
        arrays |= {f"{STATISTICS}{name}": array for name, array in statistics.items()}
        content = io.BytesIO()
        np.savez(content, **(arrays | {SECONDS: np.array(seconds)}))
        self._kept.save(self._path(chain), content.getvalue())

    def remove(self, chains: int) -> None:
        """Remove the chains, and their folder if nothing else is in it."""
        for chain in range(chains):
            self._path(chain).unlink(missing_ok=True)
        with suppress(OSError):
            self._kept.folder.rmdir()

    def _path(self, chain: int) -> Path:
        return self._kept.use(self._kept.folder / f"{self._key}-{chain}{CHAIN}")


_now: ContextVar[Kept | None] = ContextVar("kept", default=None)


@contextmanager
def keeping(kept: Kept | None) -> Iterator[None]:
    """Keep what is finished meanwhile; where nothing is given, go on as before."""
    token = _now.set(kept or _now.get())
    try:
        yield
    finally:
        _now.reset(token)


def kept_now() -> Kept | None:
    """Where finished parts are kept, if they are."""
    return _now.get()


def kept_result[Result](rests_on: Any, make: Callable[[], Result]) -> Result:
    """What `make` returns, kept where finished parts are."""
    kept = kept_now()
    return make() if kept is None else kept.result(rests_on, make)


# A pickle runs as a program when it is read. Only what this user wrote is read: it is signed with a secret of theirs.


def _signed(result: object) -> bytes | None:
    """The result as it is kept; None where it cannot be, and is made again in the next run."""
    secret = _secret()
    if secret is None:
        return None
    try:
        content = pickle.dumps(result)
    except Exception:  # other packages' objects may raise anything
        return None
    return hmac.digest(secret, content, "sha256") + content


def _unsigned(path: Path) -> bytes | None:
    """What a file holds, where there is one that this user signed."""
    secret = _secret()
    try:
        signed = path.read_bytes()
    except OSError:
        return None
    signature, content = signed[:SIGNATURE], signed[SIGNATURE:]
    if secret is None or not hmac.compare_digest(signature, hmac.digest(secret, content, "sha256")):
        return None
    return content


def _secret() -> bytes | None:
    """Random bytes in the user's cache folder; None where nothing can be written there."""
    path = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "alliance_bayes" / "secret"
    try:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            with suppress(FileExistsError):
                handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
                os.write(handle, secrets.token_bytes(32))
                os.close(handle)
        secret = path.read_bytes()
    except (OSError, RuntimeError):
        return None
    return secret if len(secret) == 32 else None
