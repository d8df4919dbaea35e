"""The last line of a file of ours: its format, and the checksum of every byte before, read before anything else is."""

import hashlib
import re
from dataclasses import dataclass
from typing import BinaryIO

__all__ = ["Seal", "has_seal", "read_seal", "seal_of"]

LINE = "\nalliance_bayes fit, format {format}, SHA-256 {digest}\n"
PATTERN = re.compile(rb"\nalliance_bayes fit, format ([1-9][0-9]{0,5}), SHA-256 ([0-9a-f]{64})\n\Z")
LONGEST = len(LINE.format(format=10**6 - 1, digest="0" * 64))
BLOCK = 1 << 20


@dataclass(frozen=True)
class Seal:
    """What the last line of a file says of it."""

    format: int  # number of the file's format
    intact: bool  # whether the bytes before are those that it was written for
    size: int  # number of bytes before it


def seal_of(content: bytes | memoryview, file_format: int) -> bytes:
    """The line that closes a file of this content. HDF5 reads such a file as if the line were not there."""
    return LINE.format(format=file_format, digest=hashlib.sha256(content).hexdigest()).encode()


def has_seal(file: BinaryIO) -> bool:
    """Whether a file ends in a seal, right or wrong."""
    return _last_line(file) is not None


def read_seal(file: BinaryIO) -> Seal | None:
    """The seal of a file, or None where it does not end in one."""
    found = _last_line(file)
    if found is None:
        return None
    size = file.tell() - len(found[0])
    file.seek(0)
    digest, left = hashlib.sha256(), size
    while block := file.read(min(BLOCK, left)):
        digest.update(block)
        left -= len(block)
    return Seal(int(found[1]), digest.hexdigest() == found[2].decode(), size)


def _last_line(file: BinaryIO) -> re.Match[bytes] | None:
    file.seek(max(0, file.seek(0, 2) - LONGEST))
    return PATTERN.search(file.read())
