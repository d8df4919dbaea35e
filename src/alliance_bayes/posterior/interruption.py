"""Draws that are kept after an interruption, and messages about it."""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np

from ..basics.interrupts import Interrupts
from ..basics.problems import InterruptionError
from .sample import STOPPED
from .settings import Settings

__all__ = [
    "FEWEST_DRAWS",
    "FitWarning",
    "equal_lengths",
    "too_few_draws",
    "without_interruption_warnings",
    "without_keeping",
]

FEWEST_DRAWS = 20  # of a chain after an interruption: with fewer, not even diagnostics say anything


class FitWarning(UserWarning):
    """A fit has its posterior but is not complete: it was interrupted, or a computation after sampling failed."""


@contextmanager
def without_interruption_warnings() -> Iterator[None]:
    """Silence warnings of interrupted fits, where the answer made of these fits reports the interruption itself."""
    with warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore", message=rf"{STOPPED} (after (\d|sampling\. Missing)|in a second)", category=FitWarning
        )
        yield


@contextmanager
def without_keeping(interrupts: Interrupts, when: str) -> Iterator[None]:
    """Let a Ctrl-C end a step that has nothing to keep, as an InterruptionError."""
    try:
        with interrupts.let_through():
            yield
    except KeyboardInterrupt:
        raise InterruptionError(f"Interrupted {when}. Nothing was kept. Run it again.") from None


def equal_lengths(lengths: Sequence[int], settings: Settings) -> tuple[int, list[int]]:
    """How many first draws of which chains are kept after an interruption: those of at least n, for the best n.

    The best n keeps most draws of all chains together.

    Examples
    --------
    >>> equal_lengths([150, 100, 98, 3], Settings(1000, 100, 4, 2, 0.8, 1, "nutpie"))
    (98, [0, 1, 2])
    """
    longest_first = np.sort(lengths)[::-1]
    n_draws = int(longest_first[(longest_first * np.arange(1, len(lengths) + 1)).argmax()]) if len(lengths) else 0
    kept = [chain for chain, length in enumerate(lengths) if n_draws and length >= n_draws]
    if n_draws < settings.draws and n_draws < FEWEST_DRAWS:
        raise too_few_draws(n_draws * len(kept), settings)
    return n_draws, kept


def too_few_draws(n_draws: int, settings: Settings) -> InterruptionError:
    """Error that says that there are not enough draws to keep."""
    when = f"after {n_draws:,} of {settings.draws * settings.chains:,} draws" if n_draws else "in the warm-up"
    return InterruptionError(
        f"Sampling was interrupted {when}, before each chain had {FEWEST_DRAWS} draws, the fewest that can be used. "
        "Nothing was kept. Run it again; if it takes too long, use fewer draws or a shorter warm-up (tune)."
    )
