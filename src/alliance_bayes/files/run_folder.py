"""The folder of a run: its files, and a manifest of its input, its settings and whether it is complete."""

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
from ..posterior.keeping import KEPT, MANIFEST, Kept

if sys.platform != "win32":
    import fcntl

__all__ = [
    "Asked",
    "Manifest",
    "Run",
    "already_finished",
    "finished",
    "read_manifest",
    "run_folder",
    "sha256_of",
    "unfinished",
]

ANSWER = "answer.txt"
ASIDE, LOCK = f".run{UNFINISHED}", ".run.lock"
OF_A_RUN = re.compile(
    r"run\.json|draws\.nc|answer\.txt|report\.html|summary\.csv|coverage\.csv|[0-9]+-[a-z-]+\.(csv|png)"
)
FORMAT = 1
OTHER_FOLDER = "Name another folder with --out"

Status = Literal["unfinished", "incomplete", "finished"]


@dataclass(frozen=True)
class Asked:
    """Names and checksums of the input files, and the settings of sampling; the same of all gives the same answer."""

    model: str
    model_sha256: str
    data: str
    data_sha256: str
    settings: Mapping[str, Any]


@dataclass(frozen=True)
class Manifest:
    """Description of the run in a folder.

    Attributes
    ----------
    status
        "unfinished" until every file is written: the same run goes on from what is kept; then "finished", or
        "incomplete" if something after sampling failed.
    started, ended
        Times in UTC; None while it is unfinished.
    incomplete
        What the fit and the answers lack.
    files
        Name of each file to its SHA-256, or to None where it may be partly written.
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
    """The manifest of a folder; None if it is missing or unreadable."""
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
    """Whether a folder holds a finished run whose files are unchanged."""
    path = Path(folder)
    manifest = read_manifest(path)
    if manifest is None or manifest.status != "finished":
        return False
    return all(_sha256_at(path / name) == digest is not None for name, digest in manifest.files.items())


def unfinished(folder: Path) -> bool:
    """Whether a folder holds a run that was begun and not finished, and no earlier one."""
    manifest = read_manifest(folder)
    return (folder / KEPT).is_dir() if manifest is None else manifest.status == "unfinished"


def sha256_of(file: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal digits."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


class Run:
    """The files of one run, in the order in which they are written.

    They are written directly into an empty folder. In any other folder they are written aside and replace the older
    ones once all are complete, so that a failure leaves the older run unchanged. What is finished before that, such as
    chains, is in `kept`, which goes when the run is finished.
    """

    def __init__(self, folder: Path, asked: Asked, versions: Mapping[str, str], older: Manifest | None) -> None:
        self.folder, self.older = folder, older
        self.begun = False
        self._writing_to = folder / ASIDE if _visible(folder) else folder
        self._manifest = Manifest(FORMAT, "unfinished", asked, versions, _now(), None, (), {})
        self.kept = Kept(
            folder / KEPT, [asdict(asked), versions], lambda: _write_manifest(folder / KEPT, self._manifest)
        )

    @property
    def asked(self) -> Asked:
        """What the run was asked with."""
        return self._manifest.asked

    def save(self, name: str, write: Callable[[Path], object]) -> Path:
        """Call `write` with the path to write to; returns the final path of the file."""
        if not self.begun:
            self._begin()
        path = self._writing_to / name
        self._declare(replace(self._manifest, files={**self._manifest.files, name: None}))
        write(path)
        self._manifest = replace(self._manifest, files={**self._manifest.files, name: _sha256_at(path)})
        return self.folder / name

    def write(self, name: str, content: bytes) -> Path:
        """Write a file of these bytes."""
        return self.save(name, lambda path: write_file(path, content))

    def where(self, name: str) -> Path:
        """Present path of a written file."""
        aside = self._writing_to / name
        return aside if aside.is_file() else self.folder / name

    def finish(self, incomplete: tuple[str, ...] = ()) -> None:
        """Write into the manifest, last of all, that every file is written, and what the fit and the answers lack."""
        status: Status = "incomplete" if incomplete else "finished"
        self._declare(replace(self._manifest, status=status, ended=_now(), incomplete=incomplete))
        if self._writing_to != self.folder:
            self._replace_older()
        if status == "finished":
            self.kept.remove()

    def give_up(self) -> None:
        """Remove what was written aside, unless a file of it is complete."""
        if self._writing_to != self.folder and not any(self._manifest.files.values()):
            shutil.rmtree(self._writing_to, ignore_errors=True)

    def _begin(self) -> None:
        shutil.rmtree(self.folder / ASIDE, ignore_errors=True)  # of a failed run
        for part in self.folder.glob(f".*.????????{UNFINISHED}"):  # of a run that was killed while writing
            with suppress(OSError):
                part.unlink(missing_ok=True)
        make_folder(self._writing_to)
        self.begun = True

    def _replace_older(self) -> None:
        """Move the files into the folder, which is marked unfinished first; only its manifest needs disk space."""
        older, newer = () if self.older is None else tuple(self.older.files), tuple(self._manifest.files)
        unfinished = replace(
            self._manifest, status="unfinished", ended=None, incomplete=(), files=dict.fromkeys((*older, *newer))
        )
        _write_manifest(self.folder, unfinished)
        try:
            for name in older:
                (self.folder / name).unlink(missing_ok=True)
            for name in (*newer, MANIFEST):
                (self._writing_to / name).replace(self.folder / name)
        except OSError as error:
            raise AllianceBayesError(
                f"{error.filename} cannot be removed or replaced: {error.strerror}. The new files are in "
                f"{self.folder} and {self._writing_to}. {OTHER_FOLDER}."
            ) from error
        keep_names(self.folder)
        shutil.rmtree(self._writing_to, ignore_errors=True)

    def _declare(self, manifest: Manifest) -> None:
        self._manifest = manifest
        _write_manifest(self._writing_to, manifest)


def _write_manifest(folder: Path, manifest: Manifest) -> None:
    write_text(folder / MANIFEST, json.dumps(asdict(manifest), indent=1, ensure_ascii=False) + "\n")


def _visible(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir() if not file.name.startswith("."))


@contextmanager
def run_folder(folder: Path, asked: Asked, versions: Mapping[str, str], *, overwrite: bool) -> Iterator[Run]:
    """A folder that a run may write to; made if missing, and removed again if nothing is written.

    Raises
    ------
    AllianceBayesError
        If another run is writing to it, it is not writable, or, without `overwrite`, it holds a finished run, another
        run (of another model, other data or settings, or by other versions), or files that are not of a run.
    """
    if os.path.lexists(folder) and not folder.is_dir():
        raise AllianceBayesError(f"{folder} is a file, and a run needs a folder. {OTHER_FOLDER}.")
    made = not os.path.lexists(folder)
    run: Run | None = None
    try:
        make_folder(folder)
        with _alone(folder):
            older, kept = read_manifest(folder), read_manifest(folder / KEPT)
            if not overwrite:
                _refuse_mixes(folder, asked, versions, older, kept)
            run = Run(folder, asked, versions, older)
            if kept is None or _differences(kept, asked, versions):
                run.kept.remove()
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
                pass  # some network disks have no locks
            if not _is_at(path, lock):
                continue  # a run that ended meanwhile removed it
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


def already_finished(folder: Path, asked: Asked, versions: Mapping[str, str]) -> str:
    """A sentence where the folder holds exactly this run, finished and unchanged; else nothing."""
    older = read_manifest(folder)
    if older is None or _differences(older, asked, versions) or not finished(folder):
        return ""
    return (
        f"{folder} already holds exactly this run ({_when(older)}); its answer is in {folder / ANSWER}. Nothing was "
        "done; --overwrite does it again."
    )


def _refuse_mixes(
    folder: Path, asked: Asked, versions: Mapping[str, str], older: Manifest | None, kept: Manifest | None
) -> None:
    of_older = set() if older is None else {MANIFEST, *older.files}
    foreign = [name for name in _visible(folder) if name not in of_older]
    for other in (older, kept):
        if other is not None and (differences := _differences(other, asked, versions)):
            raise AllianceBayesError(
                f"{folder} holds another run ({_when(other)}): {'; '.join(differences)}. {OTHER_FOLDER}, or pass "
                "--overwrite to replace that run."
            )
    if older is not None and older.status == "finished":
        raise AllianceBayesError(
            f"{folder} already holds exactly this run ({_when(older)}), but its files were changed since. "
            f"{OTHER_FOLDER}, or pass --overwrite to do it again."
        )
    if foreign:
        raise AllianceBayesError(_foreign(folder, foreign))


def _foreign(folder: Path, names: Sequence[str]) -> str:
    of_a_run = [name for name in names if OF_A_RUN.fullmatch(name)]
    if MANIFEST in names:
        others = quoted([name for name in names if name != MANIFEST], most=5) or "no other files"
        content = f"{folder / MANIFEST}, which describes a run, cannot be read; beside it are {others}"
    elif len(of_a_run) > 1:
        content = (
            f"{folder} holds files without the {MANIFEST} that says which run they are of: {quoted(names, most=5)}"
        )
    else:
        content = f"{folder} holds files that are not of this run: {quoted(names, most=5)}"
    replaced = f"; this run would replace {quoted(of_a_run)} if it writes files of these names" if of_a_run else ""
    return f"{content}. {OTHER_FOLDER}, or pass --overwrite to write beside them{replaced}."


def _differences(manifest: Manifest, newer: Asked, versions: Mapping[str, str]) -> list[str]:
    older, differences = manifest.asked, []
    if older.model_sha256 != newer.model_sha256:
        differences.append(_changed("model", older.model, newer.model))
    if older.data_sha256 != newer.data_sha256:
        differences.append(_changed("data", older.data, newer.data))
    for name in sorted({*older.settings, *newer.settings}):
        before, now = (asked.settings.get(name, "not set") for asked in (older, newer))
        if before != now:
            differences.append(f"{name} was {before}, and is {now} now")
    for name in sorted({*manifest.versions, *versions}):
        before, now = (of.get(name, "not installed") for of in (manifest.versions, versions))
        if before != now:
            differences.append(f"the version of {name} was {before}, and is {now} now")
    return differences


def _changed(role: str, before: str, now: str) -> str:
    if before == now:
        return f"the {role} file ({now}) has changed since then"
    return f"the {role} file was {before}, and is {now} now"


def _when(manifest: Manifest) -> str:
    return f"{manifest.status}, {manifest.ended or manifest.started}"


def _sha256_at(path: Path) -> str | None:
    try:
        return sha256_of(path)
    except OSError:
        return None


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
