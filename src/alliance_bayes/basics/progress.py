"""A progress bar on the terminal, for what takes longer than a breath."""

import sys
from collections.abc import Iterator, Sequence

__all__ = ["shown"]


def shown[Step](steps: Sequence[Step], description: str, progress: bool | None) -> Iterator[Step]:
    """The steps, with a bar that moves on with each; left open, there is one in a terminal."""
    if not (sys.stderr.isatty() if progress is None else progress):
        yield from steps
        return
    from rich.console import Console
    from rich.progress import track

    yield from track(steps, description=description, console=Console(file=sys.stderr), transient=True)
