"""Intervals between waves, and the base step they are multiples of."""

from fractions import Fraction
from functools import reduce
from itertools import pairwise
from math import gcd, isclose, isfinite

__all__ = ["MOST_AHEAD", "base_step", "equal_intervals", "interval_names", "steps_per_interval", "whole_steps"]

LARGEST_DENOMINATOR = 1000
MOST_AHEAD = 1000
"""Steps that a question may look ahead; effects have long died away, or exploded, by then."""


def equal_intervals(times: tuple[float, ...]) -> bool:
    """Whether all waves are equally far apart.

    Examples
    --------
    >>> equal_intervals((6, 12, 18)), equal_intervals((3, 6, 12))
    (True, False)
    """
    lengths = _lengths(times)
    return all(isclose(length, lengths[0], rel_tol=1e-9) for length in lengths)


def base_step(times: tuple[float, ...]) -> float | None:
    """Greatest common divisor of the intervals, or None where they have none.

    Intervals are taken as fractions with a denominator of at most 1,000.

    Examples
    --------
    >>> base_step((3, 6, 12)), base_step((0, 0.5, 1.25))
    (3.0, 0.25)
    """
    fractions = [Fraction(length).limit_denominator(LARGEST_DENOMINATOR) for length in _lengths(times)]
    if any(
        fraction <= 0 or not isclose(fraction, length, rel_tol=1e-9)
        for fraction, length in zip(fractions, _lengths(times), strict=True)
    ):
        return None
    return float(reduce(_common_divisor, fractions))


def steps_per_interval(times: tuple[float, ...]) -> tuple[int, ...]:
    """Base steps in each interval.

    Examples
    --------
    >>> steps_per_interval((3, 6, 12))
    (1, 2)
    """
    step = base_step(times)
    if step is None:
        raise ValueError("the intervals have no common step")
    return tuple(round(length / step) for length in _lengths(times))


def whole_steps(length: float, step: float) -> int | None:
    """How many whole steps make up a length, or None where no number of them does.

    Examples
    --------
    >>> whole_steps(9.0, 3.0), whole_steps(4.0, 3.0), whole_steps(0.3, 0.1)
    (3, None, 3)
    """
    steps = length / step
    if not isfinite(steps) or steps < 0.5:
        return None
    return round(steps) if isclose(steps, round(steps), rel_tol=1e-9) else None


def interval_names(times: tuple[float, ...]) -> tuple[str, ...]:
    """Intervals by the times they join.

    Examples
    --------
    >>> interval_names((6, 12, 18))
    ('6 to 12', '12 to 18')
    """
    return tuple(f"{earlier:.10g} to {later:.10g}" for earlier, later in pairwise(times))


def _lengths(times: tuple[float, ...]) -> list[float]:
    return [later - earlier for earlier, later in pairwise(times)]


def _common_divisor(first: Fraction, second: Fraction) -> Fraction:
    denominator = first.denominator * second.denominator
    return Fraction(gcd(first.numerator * second.denominator, second.numerator * first.denominator), denominator)
