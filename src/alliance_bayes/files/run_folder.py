"""The folder of a run: its files, and a manifest of what was asked and whether all of it was answered."""

import hashlib
import json
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from ..basics.json_records import read_record
from ..basics.names import quoted
from ..basics.problems import AllianceBayesError, Problems
from ..basics.writing import UNFINISHED, keep_names, make_folder, try_folder, write_file, write_text

if sys.platform != "win32":
    import fcntl

__all__ = ["MANIFEST", "Asked", "Manifest", "Run", "finished", "read_manifest", "run_folder", "sha256_of"]

MANIFEST, ANSWER = "run.json", "answer.txt"
ASIDE, LOCK = f".run{UNFINISHED}", ".run.lock"
OF_A_RUN = re.compile(r"run\.json|draws\.nc|answer\.txt|summary\.csv|coverage\.csv|[0-9]+-[a-z-]+\.(csv|png)")
FORMAT = 1
OTHER_FOLDER = "Name another folder with --out"

Status = Literal["unfinished", "interrupted", "incomplete", "finished"]


@dataclass(frozen=True)
class Asked:
    """What a run was asked to do; two runs that were asked the same give the same answer.

    Attributes
    ----------
    model, data
        Names of the files.
    model_sha256, data_sha256
        Checksums of their bytes.
    settings
        How it was sampled: the model file's settings, those of the command line in their place.
    """

    model: str
    model_sha256: str
    data: str
    data_sha256: str
    settings: Mapping[str, Any]


@dataclass(frozen=True)
class Manifest:
    """What a folder says of the run in it.

    Attributes
    ----------
    format
        Number of the manifest's format.
    status
        "finished" once every file is written; "interrupted" where they are, and somebody stopped the sampling or a
        question; "incomplete" where they are, and something after sampling failed; "unfinished" until then, and for
        ever where the run was killed.
    asked
        What was asked.
    versions
        Package to version.
    started, ended
        Times in UTC; None while it is unfinished.
    incomplete
        What the fit and the answers lack.
    files
        Name to SHA-256 of the run's files; None of one that may be there in part.
    """

    format: int
    status: Status
    asked: Asked
    versions: Mapping[str, str]
    started: str
    ended: str | None
    incomplete: tuple[str, ...]
    files: Mapping[str, str | None]


def read_manifest(folder: Path) -> Manifest | None:
    """The manifest of a folder; None where there is none that can be read."""
    problems = Problems("")
    try:
        values = json.loads((folder / MANIFEST).read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    manifest = read_record(Manifest, values, "", problems)
    if manifest is None or manifest.format != FORMAT or any(Path(name).name != name for name in manifest.files):
        return None
    return manifest


def finished(folder: str | os.PathLike[str]) -> bool:
    """Whether a folder holds a run that was finished, each of its files as it was written then."""
    path = Path(folder)
    manifest = read_manifest(path)
    if manifest is None or manifest.status != "finished":
        return False
    return all(_sha256_at(path / name) == digest is not None for name, digest in manifest.files.items())


def sha256_of(file: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal digits."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


class Run:
    """Files of one run on their way into its folder, in the order in which they are written.

    In a folder that holds nothing they are written to their places. Where it holds anything, they are written aside,
    and take the places of the older ones when all are there: a failure before leaves the older run as it was.
    """

    def __init__(self, folder: Path, asked: Asked, versions: Mapping[str, str], older: Manifest | None) -> None:
        self.folder, self.older = folder, older
        self.begun = False
        self._place = folder / ASIDE if _visible(folder) else folder
        self._manifest = Manifest(FORMAT, "unfinished", asked, versions, _now(), None, (), {})

    def save(self, name: str, write: Callable[[Path], object]) -> Path:
        """Have a file written to the path that `write` is given; the path where it will be at the end."""
        if not self.begun:
            self._begin()
        path = self._place / name
        self._declare(replace(self._manifest, files={**self._manifest.files, name: None}))
        write(path)
        self._manifest = replace(self._manifest, files={**self._manifest.files, name: _sha256_at(path)})
        return self.folder / name

    def write(self, name: str, content: bytes) -> Path:
        """Write a file of these bytes."""
        return self.save(name, lambda path: write_file(path, content))

    def where(self, name: str) -> Path:
        """Where a file that was written is now."""
        return next((path for path in (self._place / name, self.folder / name) if path.is_file()), self.folder / name)

    def finish(self, incomplete: tuple[str, ...] = (), *, interrupted: bool = False) -> None:
        """Say that every file is there, as the last thing that is written.

        Parameters
        ----------
        incomplete
            What the fit and the answers lack.
        interrupted
            Whether that is since somebody stopped them.
        """
        status: Status = "interrupted" if interrupted else "incomplete" if incomplete else "finished"
        self._declare(replace(self._manifest, status=status, ended=_now(), incomplete=incomplete))
        if self._place != self.folder:
            self._take_places()

    def give_up(self) -> None:
        """Remove what was written aside, where none of it is whole."""
        if self._place != self.folder and not any(self._manifest.files.values()):
            shutil.rmtree(self._place, ignore_errors=True)

    def _begin(self) -> None:
        shutil.rmtree(self.folder / ASIDE, ignore_errors=True)  # of a run that failed before all was written
        for part in self.folder.glob(f".*.????????{UNFINISHED}"):  # of a run that was killed while it wrote
            with suppress(OSError):
                part.unlink(missing_ok=True)
        make_folder(self._place)
        self.begun = True

    def _take_places(self) -> None:
        """From the first step on the folder holds this run unfinished; nothing but its manifest needs room."""
        older, newer = () if self.older is None else tuple(self.older.files), tuple(self._manifest.files)
        unfinished = replace(
            self._manifest, status="unfinished", ended=None, incomplete=(), files=dict.fromkeys((*older, *newer))
        )
        _write_manifest(self.folder, unfinished)
        try:
            for name in older:
                (self.folder / name).unlink(missing_ok=True)
            for name in (*newer, MANIFEST):
                (self._place / name).replace(self.folder / name)
        except OSError as error:
            raise AllianceBayesError(
                f"{error.filename} cannot be removed or replaced: {error.strerror}. The new files are in "
                f"{self.folder} and {self._place}. {OTHER_FOLDER}."
            ) from error
        keep_names(self.folder)
        shutil.rmtree(self._place, ignore_errors=True)

    def _declare(self, manifest: Manifest) -> None:
        self._manifest = manifest
        _write_manifest(self._place, manifest)


def _write_manifest(folder: Path, manifest: Manifest) -> None:
    write_text(folder / MANIFEST, json.dumps(asdict(manifest), indent=1, ensure_ascii=False) + "\n")


def _visible(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir() if not file.name.startswith("."))


@contextmanager
def run_folder(folder: Path, asked: Asked, versions: Mapping[str, str], *, overwrite: bool) -> Iterator[Run]:
    """A folder that a run may write to; it is made where there is none, and removed again where nothing is written.

    Parameters
    ----------
    folder
        Where to.
    asked
        What is asked.
    versions
        Package to version.
    overwrite
        Whether a finished run, another run, or files that are not of a run may be there.

    Raises
    ------
    AllianceBayesError
        If they may not, another run is at work there, or nothing can be written there; before anything is sampled.
    """
    if os.path.lexists(folder) and not folder.is_dir():
        raise AllianceBayesError(f"{folder} is a file, and a run needs a folder. {OTHER_FOLDER}.")
    made = not os.path.lexists(folder)
    run: Run | None = None
    try:
        make_folder(folder)
        with _alone(folder):
            older = read_manifest(folder)
            if not overwrite:
                _refuse_mixes(folder, asked, older)
            run = Run(folder, asked, versions, older)
            try:
                yield run
            except BaseException:
                run.give_up()
                raise
    except BaseException:
        if made and (run is None or not run.begun):
            with suppress(OSError):
                folder.rmdir()
        raise


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold a lock on a folder, which ends with the process that holds it."""
    if sys.platform == "win32":
        try_folder(folder)
        yield
        return
    path = folder / LOCK
    while True:
        with _lock_file(path, folder) as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise AllianceBayesError(
                    f"Another run (process {os.pread(lock, 20, 0).decode() or 'unknown'}) is writing to {folder}. "
                    "Wait until it has ended, or name another folder with --out."
                ) from None
            except OSError:
                pass  # some network disks know no locks
            if not _is_at(path, lock):
                continue  # removed by a run that ended just now
            try:
                with suppress(OSError):
                    os.ftruncate(lock, 0)
                    os.pwrite(lock, str(os.getpid()).encode(), 0)
                try_folder(folder)
                yield
            finally:
                with suppress(OSError):
                    path.unlink()
            return


@contextmanager
def _lock_file(path: Path, folder: Path) -> Iterator[int]:
    try:
        lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError:
        try_folder(folder)
        raise
    try:
        yield lock
    finally:
        os.close(lock)


def _is_at(path: Path, opened: int) -> bool:
    try:
        return os.path.samestat(os.fstat(opened), path.stat())
    except OSError:
        return False


def _refuse_mixes(folder: Path, asked: Asked, older: Manifest | None) -> None:
    own = set() if older is None else {MANIFEST, *older.files}
    foreign = [name for name in _visible(folder) if name not in own]
    if older is not None and (differences := _differences(older.asked, asked)):
        raise AllianceBayesError(
            f"{folder} holds another run ({_when(older)}): {'; '.join(differences)}. {OTHER_FOLDER}, or pass "
            "--overwrite to replace that run."
        )
    if older is not None and older.status == "finished":
        raise AllianceBayesError(
            f"{folder} already holds exactly this run ({_when(older)}); its answer is in {folder / ANSWER}. "
            f"{OTHER_FOLDER}, or pass --overwrite to do it again."
        )
    if foreign:
        raise AllianceBayesError(_foreign(folder, foreign))


def _foreign(folder: Path, names: Sequence[str]) -> str:
    of_a_run = [name for name in names if OF_A_RUN.fullmatch(name)]
    if MANIFEST in names:
        found = f"{folder / MANIFEST}, which says what a run was asked, cannot be read; beside it are "
        others = [name for name in names if name != MANIFEST]
        found += quoted(others, most=5) if others else "no other files"
    elif len(of_a_run) > 1:
        found = f"{folder} holds files, and no {MANIFEST} that says of which run they are: {quoted(names, most=5)}"
    else:
        found = f"{folder} holds files that are not of this run: {quoted(names, most=5)}"
    replaced = f"; {quoted(of_a_run)} would be replaced where this run writes the same name" if of_a_run else ""
    return f"{found}. {OTHER_FOLDER}, or pass --overwrite to write beside them{replaced}."


def _differences(older: Asked, newer: Asked) -> list[str]:
    found = []
    if older.model_sha256 != newer.model_sha256:
        found.append(_changed("model", older.model, newer.model))
    if older.data_sha256 != newer.data_sha256:
        found.append(_changed("data", older.data, newer.data))
    for name in sorted({*older.settings, *newer.settings}):
        before, now = (asked.settings.get(name, "left open") for asked in (older, newer))
        if before != now:
            found.append(f"{name}: {before} there, {now} now")
    return found


def _changed(what: str, before: str, now: str) -> str:
    if before == now:
        return f"the {what} file ({now}) has changed since then"
    return f"the {what} file was {before} there, and is {now} now"


def _when(manifest: Manifest) -> str:
    return f"{manifest.status}, {manifest.ended or manifest.started}"


def _sha256_at(path: Path) -> str | None:
    try:
        return sha256_of(path)
    except OSError:
        return None


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
