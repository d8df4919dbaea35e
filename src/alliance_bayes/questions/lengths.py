"""Intervals of one length: their labels, averages over them, and how far apart waves are in words."""

from ..basics.names import in_words, number
from ..posterior.posterior import Posterior

__all__ = ["average_over", "lag_label", "length_labels", "spacing_in_words", "time_in_words"]


def lag_label(lag: float) -> str:
    """A lag as text, so that equal ones are equal whatever their last digits are."""
    return number(round(float(lag), 9))


def length_labels(fit: Posterior) -> list[str]:
    """Length of each interval as text."""
    return [lag_label(length) for length in fit.panel.intervals]


def average_over(length: str) -> str:
    """Name of the average over all intervals of one length."""
    return f"average of intervals of {length}"


def time_in_words(fit: Posterior, length: float | str) -> str:
    """A length of time with the panel's unit."""
    text, unit = length if isinstance(length, str) else number(length), fit.panel.time_unit
    if not unit:
        return text
    return f"{text} {unit.removesuffix('s') if text == '1' else unit}"


def spacing_in_words(fit: Posterior) -> str:
    """How far apart neighbouring waves are: "6 months apart", or "3 and 6 months apart"."""
    *others, last = dict.fromkeys(length_labels(fit))
    return f"{in_words([*others, time_in_words(fit, last)])} apart"
