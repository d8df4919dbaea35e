"""What the values of a column look like: two-valued, days of a window, counts, shares, a scale or numbers."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

__all__ = ["NOT_NORMAL", "ValueShape", "value_shape"]

Kind = Literal["empty", "constant", "two-valued", "days", "counts", "shares", "scale", "numbers"]
WINDOWS = (7, 14, 28, 30, 31, 60, 90, 91, 180, 182, 183, 360, 365)
OF_WEEKS = (7, 14)  # windows that counts reach, too, so that only a heap at the end shows days
NOT_NORMAL: dict[Kind, str] = {"two-valued": "yes_no", "days": "days", "counts": "count", "shares": "proportion"}
"""The family of the kinds whose values are not those of a normal distribution."""
FEWEST = 20  # values that show a shape
LONGEST_SCALE = 12
AT_END, AT_ZERO = 0.1, 0.15  # share of values at the ends of a window, or at 0, that a normal distribution cannot have
MOST_SKEWED = 1.5
HEAP, HEAP_OF = 1.5, 10  # how much more often than the three values beside it, and how often, an end is a heap


@dataclass(frozen=True)
class ValueShape:
    """What values look like.

    Attributes
    ----------
    kind
        One of the kinds.
    window
        Of days, and of numbers that may be days: the largest value that people can report.
    reason
        What shows that values are days or counts, or may be days, in words.
    """

    kind: Kind
    window: int | None = None
    reason: str = ""

    @property
    def family(self) -> str | None:
        """The word of the response family for such values; None where the normal distribution may do."""
        return NOT_NORMAL.get(self.kind)

    @property
    def may_be(self) -> str | None:
        """The word of the family that is worth a look although the normal distribution may do."""
        return "days" if self.family is None and self.window else None

    @property
    def in_words(self) -> str:
        """Such as "days out of 30"."""
        return f"days out of {self.window}" if self.kind == "days" else self.kind

    @property
    def as_family(self) -> str:
        """The family as a model file writes it."""
        options = f", window = {self.window}" if self.window else ""
        return f'{{ family = "{self.family or self.may_be}"{options} }}'


def value_shape(values: npt.NDArray[np.float64]) -> ValueShape:
    """What numbers look like, NaN left out.

    Examples
    --------
    >>> value_shape(np.repeat([0.0, 1.0], 20)).in_words
    'two-valued'
    >>> value_shape(np.repeat([0.0, 12, 25, 30], 20)).in_words
    'days out of 30'
    >>> value_shape(np.repeat([0.0, 1, 2, 7], [40, 30, 20, 1])).in_words
    'counts'
    """
    known = values[~np.isnan(values)]
    different = np.unique(known)
    if different.size < 3:
        return ValueShape(("empty", "constant", "two-valued")[different.size])
    low, high = float(different[0]), float(different[-1])
    if known.size < FEWEST or low < 0:
        return ValueShape("numbers")
    if (known % 1 != 0).any():
        return ValueShape("shares" if high <= 1 else "numbers")
    at_zero, at_high = float(np.mean(known == 0)), float(np.mean(known == high))
    of_window = low == 0 and high in WINDOWS
    if of_window and max(at_high, 0.0 if high in OF_WEEKS else at_zero) >= AT_END:
        ends = f"{at_zero:.0%} are 0 and {at_high:.0%} are {high:.0f}".replace("%", " %")
        return ValueShape("days", int(high), f"whole numbers of which {ends}, the end of a window of so many days")
    skewness = float(np.mean(((known - known.mean()) / known.std()) ** 3))
    if low == 0 and high > 2 and (skewness > MOST_SKEWED or (at_zero >= AT_ZERO and skewness > 0.5)):
        return ValueShape(
            "counts", reason=f"whole numbers from 0, most of them small, {at_zero:.0%} 0".replace("%", " %")
        )
    heaps = [f"at {end:.0f} ({count})" for end in (0.0, high) if (count := _heap(known, end))]
    if of_window and high not in OF_WEEKS and heaps:
        return ValueShape("numbers", int(high), f"whole numbers from 0 to {high:.0f} that heap {' and '.join(heaps)}")
    return ValueShape("scale" if different.size <= LONGEST_SCALE else "numbers")


def _heap(known: npt.NDArray[np.float64], end: float) -> int:
    """How often whole numbers lie at an end, if clearly more often than at each of the three values beside it."""
    beside = [np.count_nonzero(known == abs(end - step)) for step in (1, 2, 3)]
    count = np.count_nonzero(known == end)
    return int(count) if count >= HEAP_OF and count > HEAP * max(beside) else 0
