"""Bayes factors as values: their size, their Monte Carlo error, and what draws can only bound."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from ..basics.names import number
from ..posterior.summaries import Probability

__all__ = ["Ratio", "odds_of"]

LARGEST = 10_000.0


@dataclass(frozen=True)
class Ratio:
    """How many times as likely the data are under one hypothesis as under another.

    `error` is the Monte Carlo standard error of its logarithm `log`, NaN where there is only a bound: no draw, or every
    draw, satisfies a hypothesis, so that the ratio is known only to lie below or above ``exp(log)``.

    Examples
    --------
    >>> print(Ratio(np.log(3.217), 0.02), Ratio(np.log(0.004), np.nan, "<"), Ratio(20.0, 0.1))
    3.22 < 0.004 > 10000
    """

    log: float
    error: float
    bound: Literal["", "<", ">"] = ""

    @property
    def value(self) -> float:
        """The ratio itself."""
        return float(np.exp(self.log))

    @property
    def inverse(self) -> "Ratio":
        """The ratio the other way round."""
        turned: dict[str, Literal["", "<", ">"]] = {"": "", "<": ">", ">": "<"}
        return Ratio(-self.log, self.error, turned[self.bound])

    def times(self, other: "Ratio") -> "Ratio":
        """Product with an independently estimated ratio; NaN where two bounds point in different directions."""
        bounds = {self.bound, other.bound} - {""}
        if len(bounds) > 1:
            return Ratio(np.nan, np.nan)
        error = float(np.nan if bounds else np.hypot(self.error, other.error))
        return Ratio(self.log + other.log, error, bounds.pop() if bounds else "")

    def __str__(self) -> str:
        if np.isnan(self.log):
            return "unknown"
        if self.bound != "<" and self.log > np.log(LARGEST):
            return f"> {LARGEST:g}"
        if self.bound != ">" and self.log < -np.log(LARGEST):
            return f"< {1 / LARGEST:g}"
        return f"{self.bound} {_rounded(self.value)}".strip()

    def with_error(self) -> str:
        """In words, with two Monte Carlo errors to each side where there are any.

        Examples
        --------
        >>> Ratio(0.0, 0.1).with_error()
        '1 [0.819, 1.22]'
        """
        text = str(self)
        if text[:1] in "<>u" or not np.isfinite(self.error):
            return text
        lower, upper = np.exp([self.log - 2 * self.error, self.log + 2 * self.error])
        return f"{text} [{_rounded(lower)}, {_rounded(upper)}]"


def odds_of(event: Probability) -> Ratio:
    """Odds of an event, ``p / (1 - p)``; a bound where no draw, or every draw, has it.

    Examples
    --------
    >>> print(odds_of(Probability(0.75, 0.007, 4000)), odds_of(Probability(1.0, 0.0, 4000)))
    3 > 4000
    """
    if event.value in (0.0, 1.0):
        bound = Ratio(-float(np.log(event.n_draws)), np.nan, "<")
        return bound if not event.value else bound.inverse
    complement = 1 - event.value
    return Ratio(float(np.log(event.value / complement)), event.mcse / (event.value * complement))


def _rounded(value: float) -> str:
    return number(float(f"{value:.3g}"))
