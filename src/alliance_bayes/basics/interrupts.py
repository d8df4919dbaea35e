"""Ctrl-C while something is made that must not be lost: it is noted, and acted upon where that is safe."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["Interrupts", "held_interrupts"]


class Interrupts:
    """The Ctrl-C's since somebody began to hold them back."""

    def __init__(self) -> None:
        self._held = 0
        self._through = False
        self._process = os.getpid()

    def note(self, _signal: int, _frame: FrameType | None) -> None:
        """Handle SIGINT: hold it back, or raise KeyboardInterrupt where one is let through."""
        if self._through or os.getpid() != self._process:  # a forked process keeps its way of stopping
            self._through = False
            raise KeyboardInterrupt
        self._held += 1

    def taken(self) -> bool:
        """Whether there was a Ctrl-C that nobody acted upon; it is acted upon now."""
        if not self._held:
            return False
        self._held -= 1
        return True

    @contextmanager
    def let_through(self) -> Iterator[None]:
        """Let one Ctrl-C, held back or to come, raise KeyboardInterrupt; those after it are held back again."""
        self._through = True
        try:
            if self._held:
                self._held, self._through = 0, False
                raise KeyboardInterrupt
            yield
        finally:
            self._through = False


@contextmanager
def held_interrupts() -> Iterator[Interrupts]:
    """Hold Ctrl-C back until the end, where what is done else leaves it to Python; inside another one, be that one.

    Where a thread gets no signals, or somebody handles Ctrl-C in a way of their own, nothing is held back.
    """
    interrupts = Interrupts()
    if threading.current_thread() is not threading.main_thread():
        yield interrupts
        return
    previous = signal.getsignal(signal.SIGINT)
    outer = getattr(previous, "__self__", None)
    if isinstance(outer, Interrupts):
        yield outer
        return
    if previous is not signal.default_int_handler:
        yield interrupts
        return
    handler = interrupts.note
    signal.signal(signal.SIGINT, handler)
    try:
        yield interrupts
    finally:
        if signal.getsignal(signal.SIGINT) == handler:
            signal.signal(signal.SIGINT, previous)
