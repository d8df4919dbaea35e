"""What a first use says while it compiles: one line with an estimate, and a bar in a terminal."""

import gc
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from time import perf_counter
from typing import Any

__all__ = ["announce", "compiling", "count"]

# For each folder of kernels: how many a first fit compiles, and its seconds for each second of the trial below.
EXPECTED = {"kernels": (38, 100.0), "latent": (110, 300.0), "families": (110, 300.0)}
ROUND = (2, 5, 8, 10, 12, 15, 20, 25, 30, 40, 50, 60, 80, 100, 120, 150, 180, 240, 300, 400, 600, 900)

_said: set[int] = set()
_stack: list[ExitStack] = []  # of the outermost compilation under way
_bars: list[Any] = []
_done = 0


@contextmanager
def compiling() -> Iterator[None]:
    """Compile something meanwhile, which may need other things compiled; the bar goes when all is done.

    No search for garbage happens: a compiler makes millions of objects that stay, which would take a sixth of its time.
    """
    if _stack:
        yield
        return
    enabled = gc.isenabled()
    gc.disable()
    with ExitStack() as stack:
        _stack.append(stack)
        stack.callback(_bars.clear)
        stack.callback(_stack.clear)
        if enabled:
            stack.callback(gc.enable)
        yield


def announce(folder: str) -> None:
    """Say that kernels of a folder are compiled, once for each of the two paths in a process."""
    expected, share = EXPECTED[folder]
    if expected not in _said:
        _said.add(expected)
        seconds = share * _trial()
        about = next((each for each in ROUND if each >= 0.9 * seconds), ROUND[-1])
        what = (
            "numerical code" if expected == EXPECTED["kernels"][0] else "numerical code of measures that are not normal"
        )
        sys.stderr.write(f"alliance_bayes compiles its {what} once for this machine, up to about {about} s.\n")
    if _stack and not _bars and sys.stderr.isatty():
        from rich.console import Console
        from rich.progress import Progress

        bar = _stack[0].enter_context(Progress(console=Console(file=sys.stderr), transient=True))
        _bars.append((bar, bar.add_task("Compiling", total=max(_said), completed=_done)))


def count() -> None:
    """Move the bar on by one kernel."""
    global _done
    _done += 1
    for bar, task in _bars:
        bar.update(task, completed=_done, total=max(*_said, _done + 1))


def _trial() -> float:
    """Seconds that compiling a small function takes here."""
    from numba import njit

    njit("float64(float64)")(lambda value: value + 1.0)  # what numba does once in a process
    start = perf_counter()

    def small(values: Any, scale: float) -> float:
        total = 0.0
        for row in range(len(values)):
            for column in range(row):
                total += scale * values[row, column]
        return total

    njit("float64(float64[:, ::1], float64)")(small)
    return perf_counter() - start
