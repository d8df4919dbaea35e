"""Values that were given: whether they are numbers, words or lists, and how they are shown in a message."""

import datetime
import math
from collections.abc import Iterable, Mapping
from itertools import islice
from numbers import Integral, Real
from reprlib import Repr
from typing import Any, TypeGuard

import numpy.typing as npt

from .problems import Problems

__all__ = [
    "LARGEST_SEED",
    "SEED",
    "Numbers",
    "check_count",
    "check_number",
    "check_seed",
    "check_whole",
    "entries",
    "is_number",
    "is_one_of",
    "is_whole",
    "seed_problem",
    "shown",
]

type Numbers = npt.ArrayLike
"""Numbers in an array, or in lists of equal lengths."""

LARGEST_SEED = 2**63 - 1
"""The sampler's seeds have 64 bits, and refits count on from the seed that was given."""
SEED = "a whole number of 0 or more"
LONGEST = 400
MOST_DIGITS = 40
LOG2_OF_10 = math.log2(10)


def is_number(value: object) -> TypeGuard[float]:
    """Whether this is one finite real number, and no truth value.

    Examples
    --------
    >>> is_number(0.5), is_number(True), is_number(float("nan")), is_number(10**400)
    (True, False, False, False)
    """
    if not isinstance(value, Real) or isinstance(value, bool):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number beyond the largest float
        return False


def is_whole(value: object, *, least: float = -math.inf, most: float = math.inf) -> TypeGuard[int]:
    """Whether this is a whole number in a range, and no truth value.

    Examples
    --------
    >>> is_whole(3, least=1), is_whole(3.0), is_whole(True)
    (True, False, False)
    """
    return isinstance(value, Integral) and not isinstance(value, bool) and least <= int(value) <= most


def is_one_of(value: object, words: Iterable[object]) -> bool:
    """Whether this is one of some words, whatever else it may be.

    Examples
    --------
    >>> is_one_of("free", ["equal", "free"]), is_one_of(["free"], ["equal", "free"]), is_one_of(1, [False, True])
    (True, False, False)
    """
    return any(isinstance(value, type(word)) and value == word for word in words)


def entries(value: object, *, ordered: bool = True) -> tuple[Any, ...] | None:
    """The entries of a list, tuple or column, or of a set where no order is needed; None of a text, a table or else.

    Examples
    --------
    >>> entries(["x", "y"]), entries("xy"), entries({"x"}), entries({"x"}, ordered=False), entries(3)
    (('x', 'y'), None, None, ('x',), None)
    """
    without = (str, bytes, Mapping, *((set, frozenset) if ordered else ()))
    if isinstance(value, without) or getattr(value, "ndim", 1) != 1:
        return None
    return tuple(value) if isinstance(value, Iterable) else None


def check_number(name: str, value: object, problems: Problems, *, above: float, below: float, unit: str = "") -> None:
    """Note what is no number strictly between two others."""
    if not is_number(value) or not above < value < below:
        problems.add(f"{name} must lie between {above:g} and {below:g}{unit}; got {shown(value)}.")


def check_whole(name: str, value: object, problems: Problems, *, expected: str, least: int) -> None:
    """Note what is no whole number of at least so much; `expected` says so in words."""
    if not is_whole(value, least=least):
        problems.add(f"{name} must be {expected}; got {shown(value)}.")


def check_count(name: str, value: object, problems: Problems, *, most: int, cure: str) -> None:
    """Note what is no whole number above 0, or more than anything can be done with."""
    check_whole(name, value, problems, expected="a whole number above 0", least=1)
    if is_whole(value, least=most + 1):
        problems.add(f"{name} must be at most {most:,}; got {shown(value)}. {cure}")


def seed_problem(value: object, name: str = "seed") -> str:
    """What is wrong with a seed; nothing where it is one."""
    if not is_whole(value, least=0):
        return f"{name} must be {SEED}; got {shown(value)}."
    if not is_whole(value, most=LARGEST_SEED):
        return f"{name} must be below 2^63, or 9,223,372,036,854,775,808; got {shown(value)}. Any small number will do."
    return ""


def check_seed(value: object, problems: Problems, name: str = "seed") -> None:
    """Note what is no seed."""
    if problem := seed_problem(value, name):
        problems.add(problem)


class _Short(Repr):
    """Values of a message: as Python writes them, cut where they are long, objects by their type alone."""

    def __init__(self) -> None:
        super().__init__(maxlevel=5, maxtuple=12, maxlist=12, maxdict=8, maxset=8, maxstring=80, maxlong=MOST_DIGITS)

    def repr_int(self, value: int, level: int) -> str:
        if value.bit_length() <= MOST_DIGITS * LOG2_OF_10:
            return repr(value)
        sign = "-" if value < 0 else ""
        return f"a whole number of about {sign}10^{round(value.bit_length() / LOG2_OF_10)}"

    def repr_dict(self, value: dict[Any, Any], level: int) -> str:
        if not value or level <= 0:
            return "{...}" if value else "{}"
        first = islice(value.items(), self.maxdict)
        pairs = [f"{self.repr1(key, level - 1)}: {self.repr1(each, level - 1)}" for key, each in first]
        return "{" + ", ".join([*pairs, *(["..."] if len(value) > self.maxdict else [])]) + "}"

    def repr_instance(self, value: Any, level: int) -> str:
        kind = type(value)
        if isinstance(value, type):
            return f"the class {value.__name__}"
        if isinstance(value, datetime.date | datetime.time):
            return f"the {kind.__name__} {value}"
        if kind.__module__ in ("builtins", "numpy", "decimal", "fractions") and not hasattr(value, "shape"):
            return super().repr_instance(value, level)
        if kind.__module__ == "numpy" and value.shape == ():
            return repr(value) if kind.__name__ != "ndarray" else f"{value!r}, an array"
        if kind.__module__ == "numpy":
            return f"an array of shape {value.shape} and type {value.dtype}"
        return f"{'an' if kind.__name__[0] in 'aeiouAEIOU' else 'a'} {kind.__name__}"


def shown(value: object) -> str:
    """A value in a message: as Python writes it, but short, and an object by its type alone.

    Examples
    --------
    >>> shown(0.5), shown("days"), shown([1, 2])
    ('0.5', "'days'", '[1, 2]')
    >>> shown(10**5000)
    'a whole number of about 10^5000'
    """
    text = _Short().repr(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 4]} ..."
