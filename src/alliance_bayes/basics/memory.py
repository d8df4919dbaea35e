"""How much memory a call will need, and a refusal before it is asked for where there is not so much."""

import os
from collections.abc import Iterator
from pathlib import Path

from .problems import Problems, SpecError

__all__ = ["available_bytes", "in_bytes", "memory_problem", "refuse_beyond_memory"]

NUMBER = 8
MOST = 10**300  # beyond which a whole number is no float
LEFT_FREE = 0.1
"""Share of the free memory that an estimate leaves alone, since the system and the estimate both need some room."""
CGROUPS = (
    (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory.current")),
    (Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"), Path("/sys/fs/cgroup/memory/memory.usage_in_bytes")),
)
MEMORY = Path("/proc/meminfo")


def available_bytes() -> int | None:
    """Memory that can still be asked for; None where the system does not say."""
    return min(_limits(), default=None)


def _limits() -> Iterator[int]:
    yield from _free_memory()
    for limit, used in CGROUPS:
        try:
            most, taken = limit.read_text().strip(), used.read_text().strip()
        except OSError:
            continue
        if most.isdigit() and taken.isdigit():
            yield max(0, int(most) - int(taken))


def _free_memory() -> Iterator[int]:
    try:
        lines = MEMORY.read_text().splitlines()
    except OSError:
        lines = []
    kilobytes = [line.split()[1] for line in lines if line.startswith("MemAvailable:")]
    if kilobytes:
        yield int(kilobytes[0]) * 1024
        return
    names = getattr(os, "sysconf_names", {})
    if "SC_PHYS_PAGES" in names and "SC_PAGE_SIZE" in names:
        yield os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def in_bytes(size: float) -> str:
    """A size in words.

    Examples
    --------
    >>> in_bytes(3_000_000), in_bytes(8e12), in_bytes(8e30)
    ('3.0 MB', '8.0 TB', '8e+18 TB')
    """
    for unit, scale in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if size >= scale or unit == "MB":
            return f"{size / scale:.1f} {unit}" if size < 1e17 else f"{size / scale:.0e} {unit}"
    raise AssertionError("sizes end with MB")


def memory_problem(what: str, n_numbers: float, cure: str) -> str:
    """What is wrong with asking for memory for so many numbers; nothing where there is enough."""
    needed, available = min(n_numbers, MOST) * NUMBER, available_bytes()
    if available is None or needed <= (1 - LEFT_FREE) * available:
        return ""
    return f"{what} need about {in_bytes(needed)} of memory, and {in_bytes(available)} are free. {cure}"


def refuse_beyond_memory(heading: str, what: str, n_numbers: float, cure: str) -> None:
    """Raise a SpecError if so many numbers need more memory than there is."""
    problems = Problems(heading)
    if problem := memory_problem(what, n_numbers, cure):
        problems.add(problem)
    problems.raise_as(SpecError)
