"""What is shown while chains are drawn: a bar for each in a terminal or notebook, else a line now and then."""

import sys
from collections.abc import Callable, Sequence
from time import perf_counter
from types import TracebackType
from typing import Any, Self

from ..basics.names import counted
from .settings import Settings

__all__ = ["SamplingProgress"]

REFRESH_SECONDS = 0.2
FIRST_LINE, LINES_APART = 10.0, 30.0  # seconds; what is done sooner needs no line


class SamplingProgress:
    """Draws of all chains so far, and about how long the rest takes."""

    def __init__(self, settings: Settings, finished: Sequence[int], *, shown: bool) -> None:
        self._per_chain = settings.tune + settings.draws
        self._chains = range(settings.chains)
        self._drawn = {chain: self._per_chain * (chain in finished) for chain in self._chains}
        self._latest: dict[int, Any] = {}
        self._at_start = sum(self._drawn.values())
        self._started = perf_counter()
        self._next = self._started
        self._is_shown = shown
        self._bars: Any = None

    def __enter__(self) -> Self:
        if self._is_shown:
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

            console = Console(file=sys.stderr)
            if console.is_terminal or console.is_jupyter:
                columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[words]}"))
                self._bars = Progress(*columns, TimeRemainingColumn(), console=console, transient=True)
                for chain in self._chains:
                    words = "finished before" if self._drawn[chain] else ""
                    self._bars.add_task(
                        f"Chain {chain + 1}", total=self._per_chain, completed=self._drawn[chain], words=words
                    )
                self._bars.start()
            else:
                self._next += FIRST_LINE
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._bars is not None:
            self._bars.stop()

    def callback_of(self, chain: int) -> Callable[[Sequence[Any]], None] | None:
        """What nutpie calls with the progress of a chain, from a thread of its own."""
        if not self._is_shown:
            return None

        def note(progress: Sequence[Any]) -> None:
            self._latest[chain] = progress[0]

        return note

    def finished(self, chain: int) -> None:
        """Note that all draws of a chain are there."""
        self._drawn[chain] = self._per_chain

    def update(self) -> None:
        """Show where the chains are, if it is time to."""
        if not self._is_shown or perf_counter() < self._next:
            return
        for chain, progress in self._latest.items():
            self._drawn[chain] = max(self._drawn[chain], progress.finished_draws)
        if self._bars is None:
            self._next += LINES_APART
            sys.stderr.write(f"{self._line()}\n")
            sys.stderr.flush()
            return
        self._next += REFRESH_SECONDS
        for chain, progress in self._latest.items():
            steps = progress.total_num_steps / max(progress.finished_draws, 1)
            words = (
                f"{'warm-up' if progress.tuning else 'draws'} {self._drawn[chain]:,} of {self._per_chain:,}, "
                f"{counted(progress.divergences, 'divergence')}, step {progress.step_size:.2g}, "
                f"{steps:.0f} gradients a draw"
            )
            self._bars.update(self._bars.task_ids[chain], completed=self._drawn[chain], words=words)

    def _line(self) -> str:
        drawn, total = sum(self._drawn.values()), self._per_chain * len(self._chains)
        rate = (drawn - self._at_start) / (perf_counter() - self._started)
        left = f", about {_in_words((total - drawn) / rate)} left" if rate else ""
        return f"Sampling: {drawn:,} of {total:,} draws, warm-up included{left}."


def _in_words(seconds: float) -> str:
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds >= 1.5 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(seconds, 1):.0f} s"
