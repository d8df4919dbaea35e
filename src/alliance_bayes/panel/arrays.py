"""Arrays as they were given to arrays of numbers or labels: nothing unmasked, nothing read as a number that is none."""

from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..basics.given import shown
from ..basics.problems import Problems

__all__ = ["first_rounded", "labels_of", "masked_as_missing", "no_label", "numbers_of", "rounding_text"]

FloatArray = npt.NDArray[np.float64]

MOST_EXACT = 2.0**53  # from here on float64 skips whole numbers
MOST = 10**300  # larger ones are refused for their size


def masked_as_missing(given: Any) -> Any:
    """The same, with NaN (None in text and objects) wherever it is masked, lists of masked arrays included."""
    if isinstance(given, np.ma.MaskedArray):
        if not np.ma.getmaskarray(given).any():
            return given.data
        of_numbers = given.dtype.kind in "biuf"
        return np.ma.filled(given.astype(np.float64 if of_numbers else object), np.nan if of_numbers else None)
    if isinstance(given, list | tuple) and any(isinstance(part, list | tuple | np.ma.MaskedArray) for part in given):
        return [masked_as_missing(part) for part in given]
    return given


def numbers_of(
    given: Any,
    name: str,
    shapes: Sequence[tuple[int, ...]],
    axes: str,
    problems: Problems,
    *,
    yes_no: bool = False,
) -> FloatArray | None:
    """A copy as float64, NaN where it is missing or masked; None, and a problem, where it is not numbers.

    `axes` names the axes in messages; with `yes_no`, True and False are 1 and 0.
    """
    expected = f"{' or '.join(map(str, shapes))}, {axes}"
    try:
        array = np.asarray(masked_as_missing(given))
    except (TypeError, ValueError):
        problems.add(f"{name} is ragged, its rows are not all of one length; give numbers of shape {expected}.")
        return None
    strange = _no_number(array, yes_no)
    rounded = None if strange else first_rounded(array)
    if rounded is not None:
        strange = rounding_text(rounded)
    if array.shape not in shapes:
        was = f"has shape {array.shape}" if array.ndim or not strange else f"is {shown(given)}"
        problems.add(f"{name} {was}; expected {expected}.")
        return None
    if strange:
        problems.add(f"{name} holds {strange}")
        return None
    if array.dtype.kind == "O":
        array = np.where(pd.isna(array), np.nan, array)
    with np.errstate(over="ignore"):  # a long double beyond the largest number is infinite, and refused as that
        return np.array(array, dtype=np.float64)


def _no_number(array: npt.NDArray[Any], yes_no: bool) -> str:
    """What an array holds that is no number, and the cure; empty where there is nothing of the kind."""
    kind = array.dtype.kind
    if kind in "iuf" or (kind == "b" and yes_no):
        return ""
    if kind == "b":
        return "True and False; if 1 and 0 are meant, pass array.astype(float)."
    if kind in "UST":
        return f"text, such as {array.ravel()[0].item()!r}; pass numbers." if array.size else "text; pass numbers."
    if kind == "c":
        return "complex numbers; pass real ones."
    if kind != "O":
        return f"{array.dtype} values; pass numbers in real units."
    for value in array.ravel():
        if isinstance(value, bool | np.bool_):
            if not yes_no:
                return f"{value} among its numbers; if 1 and 0 are meant, pass array.astype(float)."
        elif not isinstance(value, Real) and value is not None and value is not pd.NA:
            return f"{shown(value)}, no number; pass numbers, NaN where there is none."
    return ""


def first_rounded(array: npt.NDArray[Any]) -> int | None:
    """The first whole number that float64 cannot hold; None where it holds all.

    Examples
    --------
    >>> first_rounded(np.array([1, 2**60 + 1]))
    1152921504606846977
    """
    if array.dtype.kind not in "iuO":
        return None
    integers = (
        [value for value in array.ravel() if isinstance(value, Integral)] if array.dtype.kind == "O" else array.ravel()
    )
    beyond = (
        integers
        if isinstance(integers, list)
        else integers[(integers > MOST_EXACT) | (integers < -MOST_EXACT)].tolist()
    )
    return next((int(value) for value in beyond if abs(int(value)) < MOST and int(float(value)) != int(value)), None)


def rounding_text(value: int) -> str:
    """What is wrong with a whole number that float64 cannot hold, as the end of a sentence."""
    return f"{value}, and whole numbers beyond 2^53 are rounded; subtract a constant or divide."


def labels_of(given: Any, name: str, n_persons: int, problems: Problems) -> npt.NDArray[np.generic] | None:
    """Ids or labels of all persons, shape ``(person,)``; None, and a problem, where they cannot be."""
    unmasked = masked_as_missing(given)
    array = np.array(unmasked, dtype=object)
    if array.shape != (n_persons,):
        problems.add(f"{name} has shape {array.shape}; expected {(n_persons,)}, (person,).")
        return None
    missing = np.flatnonzero(pd.isna(array))
    if missing.size:
        rows = ", ".join(map(str, missing[:5]))
        one = "person" if missing.size == 1 else "persons"
        problems.add(f"{name} has no label for {missing.size:,} {one}, first in row {rows}; give one for each.")
        return None
    strange = no_label(array)
    if strange:
        problems.add(f"{name} holds {strange}")
        return None
    mixed = len({isinstance(label, str) for label in array}) > 1  # numpy would write numbers beside text as text
    return array if mixed else np.array(unmasked)


def no_label(array: npt.NDArray[Any]) -> str:
    """What cannot be an id or a label, and the cure; empty where there is nothing of the kind.

    Examples
    --------
    >>> no_label(np.array(["P1", "P2"])), no_label(np.array([1.0, np.inf]))
    ('', 'inf; ids are text or finite numbers.')
    """
    kind = array.dtype.kind
    if kind in "iuUTM":
        return ""
    if kind == "f":
        if not np.isfinite(array).all():
            return f"{float(array[~np.isfinite(array)][0])!r}; ids are text or finite numbers."
        beyond = array[np.abs(array) >= MOST_EXACT]
        if beyond.size:
            return (
                f"{float(beyond[0]):.0f} as a number with a decimal point, which distinguishes whole numbers only "
                "below 2^53; read the ids as text."
            )
        return ""
    for value in array.tolist() if kind != "O" else array:
        if isinstance(value, bool | np.bool_) or not isinstance(value, str | Real):
            return f"{type(value).__name__} values, such as {shown(value)}; make them text, .astype(str)."
        if isinstance(value, float | np.floating):
            strange = no_label(np.array([float(value)]))
            if strange:
                return strange
    return ""
