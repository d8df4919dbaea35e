"""The folder of a run: its files, and a manifest of what was asked and whether all of it was answered."""

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from .json_records import read_record
from .names import quoted
from .problems import AllianceBayesError, Problems
from .writing import UNFINISHED, make_folder, write_file, write_text

__all__ = ["MANIFEST", "Asked", "Manifest", "Run", "finished", "read_manifest", "run_folder", "sha256_of"]

MANIFEST = "run.json"
FORMAT = 1
OTHER_FOLDER = "Name another folder with --out"


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
        "finished" once every file is written; "incomplete" where they are, and the sampling was interrupted;
        "unfinished" until then, and for ever where the run was killed.
    asked
        What was asked.
    versions
        Package to version.
    started, ended
        Times in UTC; None while it is unfinished.
    incomplete
        What the fit lacks.
    files
        Name to SHA-256 of the run's files; None of one that may be there in part.
    """

    format: int
    status: Literal["unfinished", "incomplete", "finished"]
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
    """Files of one run on their way into its folder, in the order in which they are written."""

    def __init__(self, folder: Path, asked: Asked, versions: Mapping[str, str], older: Manifest | None) -> None:
        self.folder, self.older = folder, older
        self.begun = False
        self._manifest = Manifest(FORMAT, "unfinished", asked, versions, _now(), None, (), {})

    def save(self, name: str, write: Callable[[Path], object]) -> Path:
        """Have a file written to the path that `write` is given.

        The files of an older run go before the first one is written, so that there are never files of both; and no
        sooner, so that they stay where the new one fails before it has anything.
        """
        if not self.begun:
            self._begin()
        path = self.folder / name
        self._declare(replace(self._manifest, files={**self._manifest.files, name: None}))
        write(path)
        self._manifest = replace(self._manifest, files={**self._manifest.files, name: _sha256_at(path)})
        return path

    def write(self, name: str, content: bytes) -> Path:
        """Write a file of these bytes."""
        return self.save(name, lambda path: write_file(path, content))

    def finish(self, incomplete: tuple[str, ...] = ()) -> None:
        """Say that every file is there, as the last thing that is written."""
        status: Literal["incomplete", "finished"] = "incomplete" if incomplete else "finished"
        self._declare(replace(self._manifest, status=status, ended=_now(), incomplete=incomplete))

    def _begin(self) -> None:
        older = {} if self.older is None else dict.fromkeys(self.older.files)
        self._declare(replace(self._manifest, files=older))
        try:
            for name in older:
                (self.folder / name).unlink(missing_ok=True)
            for part in self.folder.glob(f".*.????????{UNFINISHED}"):  # of a run that was killed while it wrote
                part.unlink(missing_ok=True)
        except OSError as error:
            raise AllianceBayesError(
                f"{error.filename} of an older run cannot be removed: {error.strerror}. {OTHER_FOLDER}."
            ) from error
        self._declare(replace(self._manifest, files={}))
        self.begun = True

    def _declare(self, manifest: Manifest) -> None:
        self._manifest = manifest
        write_text(self.folder / MANIFEST, json.dumps(asdict(manifest), indent=1, ensure_ascii=False) + "\n")


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
        If they may not, or nothing can be written there; before anything is sampled.
    """
    older = read_manifest(folder)
    if os.path.lexists(folder) and not folder.is_dir():
        raise AllianceBayesError(f"{folder} is a file, and a run needs a folder. {OTHER_FOLDER}.")
    if not overwrite:
        _refuse_mixes(folder, asked, older)
    made = _made(folder)
    run = Run(folder, asked, versions, older)
    try:
        yield run
    except BaseException:
        if made and not run.begun:
            with suppress(OSError):
                folder.rmdir()
        raise


def _refuse_mixes(folder: Path, asked: Asked, older: Manifest | None) -> None:
    found = sorted(file.name for file in folder.iterdir()) if os.path.lexists(folder) else []
    own = set() if older is None else {MANIFEST, *older.files}
    foreign = [name for name in found if name not in own and not name.startswith(".")]
    if older is not None and (differences := _differences(older.asked, asked)):
        raise AllianceBayesError(
            f"{folder} holds another run ({_when(older)}): {'; '.join(differences)}. {OTHER_FOLDER}, or pass "
            "--overwrite to replace that run."
        )
    if older is not None and older.status == "finished":
        raise AllianceBayesError(
            f"{folder} holds this very run ({_when(older)}); its answer is in {folder / 'answer.txt'}. {OTHER_FOLDER}, "
            "or pass --overwrite to do it again."
        )
    if foreign:
        raise AllianceBayesError(
            f"{folder} holds files that are not of this run: {quoted(foreign, most=5)}. {OTHER_FOLDER}, or pass "
            "--overwrite to write beside them; one of the same name would be replaced."
        )


def _differences(older: Asked, newer: Asked) -> list[str]:
    found = []
    if older.model_sha256 != newer.model_sha256:
        found.append(f"the model file was another ({older.model})")
    if older.data_sha256 != newer.data_sha256:
        found.append(f"the data were others ({older.data})")
    for name in sorted({*older.settings, *newer.settings}):
        before, now = (asked.settings.get(name, "left open") for asked in (older, newer))
        if before != now:
            found.append(f"{name} was {before} and is {now}")
    return found


def _when(manifest: Manifest) -> str:
    return f"{manifest.status}, {manifest.ended or manifest.started}"


def _made(folder: Path) -> bool:
    """Make a folder where there is none, and see whether files can be written to it; whether it was made."""
    is_new = not os.path.lexists(folder)
    make_folder(folder)
    trial = folder / f".trial{UNFINISHED}"
    try:
        write_file(trial, b"\n")
        trial.unlink()
    except (AllianceBayesError, OSError):
        if is_new:
            with suppress(OSError):
                folder.rmdir()
        raise
    return is_new


def _sha256_at(path: Path) -> str | None:
    try:
        return sha256_of(path)
    except OSError:
        return None


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
