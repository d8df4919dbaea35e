"""One replicate of a plan: its name, its random numbers, its work, and the file of its result."""

import re
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
from threadpoolctl import ThreadpoolController

from ..basics.given import is_whole, shown
from ..basics.problems import InterruptionError, Problems, SpecError
from .records import Record, Status, Value, as_value, record_in

__all__ = ["Replicate", "Work", "run_replicate"]

type Work = Callable[[Replicate, np.random.Generator], Mapping[str, Value]]

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.,=+ -]{0,99}")
MOST = 10**8
OF_THE_MACHINE = (OSError, MemoryError, ImportError, InterruptionError)
"""Errors that another run need not have: they end the batch, and are no result."""


@dataclass(frozen=True, order=True)
class Replicate:
    """One repetition of a plan.

    Attributes
    ----------
    plan, cell
        Names of the plan and of one of its cells, such as ``"n=302, icc=0.5"``; they are names of folders too.
    number
        Which repetition of the cell, 0 or more.

    Examples
    --------
    >>> Replicate("coverage", "n=302", 7).rng(seed=1).integers(10**6)
    np.int64(295851)
    """

    plan: str
    cell: str
    number: int

    def __post_init__(self) -> None:
        problems = Problems("This is no replicate")
        for role, name in (("plan", self.plan), ("cell", self.cell)):
            if not isinstance(name, str) or not NAME.fullmatch(name) or name[-1] in " .":
                problems.add(
                    f"The name of a {role} consists of letters, digits, spaces and any of _ . , = + -, 100 at most, "
                    f"since a folder is named after it; got {shown(name)}."
                )
        if not is_whole(self.number, least=0, most=MOST):
            problems.add(f"The number of a replicate is a whole number from 0 to {MOST:,}; got {shown(self.number)}.")
        problems.raise_as(SpecError)

    def seed_sequence(self, seed: int) -> np.random.SeedSequence:
        """Seeds of this replicate in a plan with this seed; worker, order and other replicates do not matter."""
        return np.random.SeedSequence(seed, spawn_key=(*self.cell.encode(), int(self.number)))

    def rng(self, seed: int) -> np.random.Generator:
        """Random numbers of this replicate in a plan with this seed."""
        return np.random.default_rng(self.seed_sequence(seed))

    def path(self, folder: Path) -> Path:
        """File of the result."""
        return folder / self.plan / self.cell / f"{self.number:06d}.npz"

    def __str__(self) -> str:
        return f"{self.plan}, {self.cell}, {self.number}"


def run_replicate(work: Work, replicate: Replicate, seed: int, folder: Path) -> Status:
    """Do the work of a replicate and write its result, unless it is there already."""
    path = replicate.path(folder)
    if path.exists():
        return record_in(path).status
    start = time.process_time()
    with _no_part_of_it(), _threads(len(sys.modules)).limit(limits=1), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            record = Record(
                "done", values={name: as_value(name, value) for name, value in _returned(work, replicate, seed)}
            )
        except OF_THE_MACHINE:
            raise
        except Exception as error:
            record = Record("failed", type(error).__name__, str(error))
    sentences = dict.fromkeys(str(each.message) for each in caught if issubclass(each.category, UserWarning))
    seconds = time.process_time() - start
    replace(record, warnings=tuple(sentences), seconds=seconds).write(path)
    return record.status


def _returned(work: Work, replicate: Replicate, seed: int) -> Iterator[tuple[str, Any]]:
    values = work(replicate, replicate.rng(seed))
    if not isinstance(values, Mapping):
        raise TypeError(f"The work must return a mapping of names to values; it returned {shown(values)}.")
    yield from values.items()


@lru_cache(maxsize=1)
def _threads(_n_modules: int) -> ThreadpoolController:
    """Libraries that use threads; they come with modules, and looking for them takes as long as some work."""
    return ThreadpoolController()


@contextmanager
def _no_part_of_it() -> Iterator[None]:
    """Raise KeyboardInterrupt after the block if there was a Ctrl-C meanwhile, whatever the block made of it.

    A fit that is interrupted returns the draws it has; they are no result of a replicate.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    interrupted = False

    def note(_signal: int, _frame: FrameType | None) -> None:
        nonlocal interrupted
        interrupted = True
        raise KeyboardInterrupt

    previous = signal.signal(signal.SIGINT, note)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)
        if interrupted:
            raise KeyboardInterrupt
