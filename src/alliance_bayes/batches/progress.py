"""How many replicates are done, and how long the others take: a bar in a terminal, lines in a log."""

import sys
from collections.abc import Iterable, Iterator
from time import monotonic

__all__ = ["followed"]

SECONDS_BETWEEN_LINES = 30.0


def followed[Step](steps: Iterable[Step], total: int, description: str, progress: bool | None) -> Iterator[Step]:
    """The steps, as they come; left open, they are followed in a terminal."""
    in_terminal = sys.stderr.isatty()
    if total == 0 or not (in_terminal if progress is None else progress):
        return iter(steps)
    return _with_bar(steps, total, description) if in_terminal else _with_lines(steps, total, description)


def _with_bar[Step](steps: Iterable[Step], total: int, description: str) -> Iterator[Step]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn(description), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(file=sys.stderr), transient=True, speed_estimate_period=300) as bar:
        yield from bar.track(steps, total=total)


def _with_lines[Step](steps: Iterable[Step], total: int, description: str) -> Iterator[Step]:
    start = said = monotonic()
    for n_done, step in enumerate(steps, start=1):
        yield step
        now = monotonic()
        if now - said >= SECONDS_BETWEEN_LINES or n_done == total:
            said = now
            minutes = (now - start) / n_done * (total - n_done) / 60
            sys.stderr.write(f"{description}: {n_done:,} of {total:,} done, about {minutes:.0f} min left\n")
            sys.stderr.flush()
