"""How a file is written: aside in the same folder, then renamed, so that a failure leaves the older file as it was."""

import errno
import os
import secrets
import shutil
from contextlib import suppress
from pathlib import Path

from .problems import AllianceBayesError

__all__ = [
    "UNFINISHED",
    "check_path",
    "holds_file",
    "keep_names",
    "make_folder",
    "try_folder",
    "write_file",
    "write_text",
]

UNFINISHED = ".unfinished"
LONGEST_STEM = 40
ROOM = "make room, or name a path on another disk"
FOLDER = "choose a folder where you may write"
FORBIDDEN = "you have no permission to write there"
CAUSES = {
    errno.ENOSPC: ("the disk is full", ROOM),
    errno.EDQUOT: ("the quota of this disk is used up", ROOM),
    errno.EFBIG: (
        "the file would exceed the size limit of this account (ulimit -f)",
        "raise it, or save to another disk",
    ),
    errno.EACCES: (FORBIDDEN, FOLDER),
    errno.EPERM: (FORBIDDEN, FOLDER),
    errno.EROFS: ("that disk can only be read", FOLDER),
    errno.ENOENT: ("its folder does not exist", "make the folder first"),
    errno.ENOTDIR: ("a part of its path is a file", "name a path in a folder"),
    errno.EISDIR: ("it is a folder", "name a file in it"),
    errno.EEXIST: ("it is not a plain file", "name another path"),
    errno.ENAMETOOLONG: ("its name is too long", "choose a shorter one"),
}


def holds_file(path: str | os.PathLike[str]) -> bool:
    """Whether there is a plain file; False for a path that cannot be."""
    try:
        return Path(path).is_file()
    except (OSError, ValueError):
        return False


def make_folder(path: Path) -> None:
    """Make a folder, and those above it, where there is none, or raise an AllianceBayesError."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        words = error.strerror if isinstance(error, OSError) else error
        raise AllianceBayesError(f"The folder {path} cannot be made: {words}; {FOLDER}.") from error


def try_folder(path: Path) -> None:
    """Raise an AllianceBayesError, which names the folder, where no file can be written in it."""
    trial = path / f".trial{UNFINISHED}"
    try:
        _write(trial, b"\n")
        trial.unlink()
    except (OSError, ValueError) as error:
        cause, cure = _cause(error)
        raise AllianceBayesError(f"No file can be written in the folder {path}: {cause}; {cure}.") from error


def check_path(path: object) -> None:
    """Refuse what is no path of a file."""
    if not isinstance(path, str | os.PathLike):
        raise AllianceBayesError(f"A file's path must be text or a pathlib.Path; got {path!r}.")


def write_text(path: str | os.PathLike[str], text: str) -> Path:
    """Write a text in UTF-8 as `write_file` does."""
    return write_file(path, text.encode())


def write_file(path: str | os.PathLike[str], *parts: bytes | memoryview) -> Path:
    """Write a file completely or not at all.

    An existing one is replaced once the new one is on the disk, and not before. Where that fails, with an
    AllianceBayesError, nothing is left of the attempt, and an older file is as it was.
    """
    check_path(path)
    try:
        _write(path, *parts)
    except (OSError, ValueError) as error:  # a path with a null character is a ValueError
        raise AllianceBayesError(_refusal(path, error)) from error
    return Path(path)


def _write(path: str | os.PathLike[str], *parts: bytes | memoryview) -> None:
    target = Path(os.path.realpath(path))  # a link goes on to point at its file
    older = target.exists()
    _check_replaceable(target)
    aside = target.with_name(f".{target.name[:LONGEST_STEM]}.{secrets.token_hex(4)}{UNFINISHED}")
    try:
        with aside.open("xb") as file:
            for part in parts:
                file.write(part)
            file.flush()
            os.fsync(file.fileno())
        if older:
            shutil.copymode(target, aside)
        aside.replace(target)
        keep_names(target.parent)
    finally:
        with suppress(OSError):
            aside.unlink(missing_ok=True)


def _check_replaceable(target: Path) -> None:
    if target.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if target.exists() and not target.is_file():
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
    if target.exists() and not os.access(target, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


def keep_names(folder: Path) -> None:
    """Have new names in a folder outlive a power cut, where folders can be synchronised."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _refusal(path: str | os.PathLike[str], error: OSError | ValueError) -> str:
    cause, cure = _cause(error)
    unharmed = "; the older file there is as it was" if holds_file(path) else ""
    return f"{os.fspath(path)!s} cannot be written: {cause}; {cure}{unharmed}."


def _cause(error: OSError | ValueError) -> tuple[str, str]:
    """What went wrong, and the cure."""
    number = error.errno if isinstance(error, OSError) else None
    words = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return CAUSES.get(number or 0, (words, "name another path"))
