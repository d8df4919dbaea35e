"""What can be wrong with columns, ids and times, as sentences added to the list of problems."""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence, Set
from itertools import islice, pairwise
from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..basics.given import entries, shown
from ..basics.names import did_you_mean, in_words, number, quoted
from ..basics.problems import PanelError, Problems
from .arrays import masked_as_missing, no_label
from .dates import first_date, formula_of
from .records import DECISIONS, LeftOut

__all__ = [
    "LARGEST",
    "SMALLEST",
    "case",
    "check_decision",
    "check_measures",
    "check_people",
    "check_requires",
    "check_resolution",
    "check_times",
    "check_unit",
    "first",
    "missing_text",
    "repeated",
    "repeated_text",
    "usable_columns",
    "waves_of_labels",
]

MOST_LISTED = 60
RESERVED = ("interviewed", "person", "time")
LARGEST, SMALLEST = 1e60, 1e-60  # errors of variances are in fourth powers of a unit, which float64 has to about 1e77
RESOLUTION = 1e-12  # of values relative to their size, what is left of 16 digits after differences of differences
SHORTEST = 1e-4  # of an interval, since these are rounded to 9 decimals
MOST_UNEQUAL = 1e9  # longest interval to shortest


def exactly(value: float) -> str:
    return number(value) if float(number(value)) == value else repr(float(value))


def label(value: object) -> str:
    """A value in a message: text in quotes, numbers without a decimal point they do not need."""
    return exactly(float(value)) if isinstance(value, Real) else quoted([value])


def case(person: object, time: object) -> str:
    """One cell of the panel in a message."""
    return f"({label(person)}, {label(time)})"


def first(cases: Iterable[str], *, most: int = 3) -> str:
    """The first few cases in a message."""
    return f"first {', '.join(islice(cases, most))}"


def ended(text: str) -> str:
    return text if text.endswith("?") else f"{text}."


def listed(values: Iterable[object]) -> str:
    texts = [label(value) for value in values]
    more = [f"and {len(texts) - MOST_LISTED} more"] if len(texts) > MOST_LISTED else []
    return f"[{', '.join([*texts[:MOST_LISTED], *more])}]"


def check_measures(measures: object, problems: Problems) -> list[str]:
    """The measures' names, without those that cannot be names."""
    if isinstance(measures, str):
        problems.add(f"measures is the text '{measures}'; pass a list, measures=['{measures}'].")
        return [measures]
    if isinstance(measures, Set):
        problems.add(f"measures is a set, which has no order; pass a list, measures={sorted(map(str, measures))}.")
        return []
    names = tuple(measures) if isinstance(measures, Mapping) else entries(measures) or ()
    if not names:
        problems.add("No measures; name at least one column, such as measures=['alliance', 'days'].")
    good = []
    for name in names:
        if not isinstance(name, str) or not name:
            problems.add(f"The measure {name!r} is not a name; rename that column to a text.")
        elif name in RESERVED:
            problems.add(f"A measure cannot be named '{name}', which `Panel.to_frame` needs; rename that column.")
        elif name != name.strip() or not name.isprintable():
            problems.add(
                f"The measure {name!r} has spaces at its ends or characters that cannot be printed; rename that column."
            )
        elif "->" in name:
            problems.add(f"The measure '{name}' holds '->', which is kept for lagged effects; rename that column.")
        else:
            good.append(name)
    return good


def check_requires(requires: object, measures: Sequence[str], problems: Problems) -> dict[str, str]:
    """Measure to state, without pairs that name an unknown measure."""
    if requires is None:
        return {}
    if not isinstance(requires, Mapping):
        problems.add("requires must map a measure to its state, such as requires={'alliance': 'regular_doctor'}.")
        return {}
    for name in requires:
        if name not in measures:
            problems.add(
                f"requires names '{name}', which is not a measure{ended(did_you_mean(str(name), measures))} "
                f"Measures: {quoted(measures)}."
            )
    for state in requires.values():
        if not isinstance(state, str):
            problems.add(f"requires must map a measure to the name of its state; got {shown(state)}.")
    return {measure: state for measure, state in requires.items() if measure in measures and isinstance(state, str)}


def check_decision(contradictions: str, problems: Problems) -> None:
    """Whether what to do with contradictions is one of the choices."""
    if contradictions not in DECISIONS:
        problems.add(
            f"contradictions={contradictions!r} is not a choice{ended(did_you_mean(str(contradictions), DECISIONS))} "
            f"Use {quoted(DECISIONS[:-1])} or '{DECISIONS[-1]}'."
        )


def check_times(times: object, problems: Problems) -> tuple[float, ...] | None:
    """Times as numbers, increasing, at least two; None where they are not."""
    given = entries(masked_as_missing(times)) or ()
    if not given or not all(is_real(time) for time in given):
        problems.add(f"times must be a list of numbers in real units, such as times=[0, 6, 12]; got {shown(times)}.")
        return None
    real = tuple(float(time) for time in given)
    if not np.isfinite(real).all():
        problems.add(f"times must be finite; got {listed(real)}.")
        return None
    if max(map(abs, real)) > LARGEST:
        problems.add(f"times must be at most {LARGEST:g} in size; got {listed(real)}.")
        return None
    if len(real) < 2:
        problems.add(f"There is only one time ({exactly(real[0])}); a panel needs at least two.")
        return None
    if any(later <= earlier for earlier, later in pairwise(real)):
        problems.add(f"times must increase, each given once; got {listed(real)}.")
        return None
    return real if are_apart(real, problems) else None


def are_apart(times: Sequence[float], problems: Problems) -> bool:
    """Whether increasing times have intervals, and names, that can be distinguished."""
    intervals = np.diff(times)
    close, far = int(np.argmin(intervals)), int(np.argmax(intervals))
    pair = f"{exactly(times[close])} and {exactly(times[close + 1])}"
    named = [number(time) for time in times]
    if intervals[far] > MOST_UNEQUAL * intervals[close]:
        problems.add(
            f"The interval from {exactly(times[far])} to {exactly(times[far + 1])} is more than {MOST_UNEQUAL:,.0f} "
            f"times as long as that from {exactly(times[close])} to {exactly(times[close + 1])}; a code for a missing "
            "time, or a misprint? Correct the times."
        )
    elif intervals[close] < SHORTEST:
        problems.add(
            f"The times {pair} are less than {SHORTEST:g} apart; count time in a smaller unit, or join times that "
            "differ by rounding."
        )
    elif len(set(named)) < len(named):
        problems.add(f"The times {pair} are the same to ten digits; count from the first, time - {exactly(times[0])}.")
    else:
        return True
    return False


def check_resolution(name: str, size: float, spread: float, problems: Problems) -> None:
    """Whether what reaches over `spread` at values of `size` differs by more than rounding."""
    if spread < RESOLUTION * size:
        problems.add(
            f"'{name}' has values of about {size:.4g} that differ by {spread:.2g} only, which is lost in rounding. "
            "Subtract a constant from it before it is stored as numbers with a decimal point."
        )
    elif spread < SMALLEST:
        problems.add(
            f"'{name}' varies by {spread:.2g} only; what lies below {SMALLEST:g} cannot be computed with. Give it in "
            "another unit, such as millionths."
        )


def check_unit(time_unit: object, problems: Problems) -> None:
    """Whether what is printed after times is a word."""
    if time_unit is not None and not isinstance(time_unit, str):
        problems.add(f"time_unit must be a word such as 'months', or left out; got {shown(time_unit)}.")


def is_real(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool | np.bool_)


def usable_columns(frame: pd.DataFrame, uses: Iterable[tuple[str, Hashable]], problems: Problems) -> set[Hashable]:
    """Those of the columns in use, as (what for, name), that the frame holds exactly once."""
    purposes: dict[Hashable, list[str]] = {}
    if isinstance(frame.columns, pd.MultiIndex):
        problems.add("The columns have several levels; give each one name, such as frame.columns.map('_'.join).")
        return set()
    for purpose, name in uses:
        try:
            purposes.setdefault(name, []).append(purpose)
        except TypeError:
            problems.add(f"The {purpose} must be the name of a column; got {shown(name)}.")
            problems.raise_as(PanelError)
    usable = set()
    for name, roles in purposes.items():
        occurrences = int((frame.columns == name).sum())
        if len(roles) > 1:
            problems.add(f"Column '{name}' is used {len(roles)} times: {in_words([f'as {role}' for role in roles])}.")
        elif occurrences == 1:
            usable.add(name)
        elif occurrences:
            problems.add(f"Column '{name}' occurs {occurrences} times in the data; keep one, or rename the others.")
        else:
            valid = [str(column) for column in frame.columns]
            near = ended(did_you_mean(str(name), valid))
            problems.add(f"No column '{name}'{near} Columns: {quoted(frame.columns)}.")
    return usable


def check_people(missing: tuple[int, Sequence[int]], ids: npt.NDArray[Any], name: str, problems: Problems) -> bool:
    """Whether every row says whose it is, by what can be an id.

    `missing` counts the rows that do not, with the positions of the first five; `ids` are different ids, or those that
    show whether all can be used.
    """
    if missing[0]:
        problems.add(missing_text(name, *missing, "whose it is"))
        return False
    strange = no_label(ids)
    if strange:
        problems.add(f"{name} holds {strange}")
    return not strange


def missing_text(name: str, count: int, rows: Sequence[int], what: str) -> str:
    """Sentence about rows that do not say whose or of when they are; `rows` are the first five."""
    shown = ", ".join(map(str, rows))
    where = f"position {shown}" if count == 1 else f"{'first ' if count > 5 else ''}positions {shown}"
    noun = "row" if count == 1 else "rows"
    return f"{name} is missing in {count:,} {noun}, {where} (counted from 0). Every row must say {what}."


def waves_of_labels(
    labels: Sequence[object], rows: npt.NDArray[np.int64], name: str, times: object, problems: Problems
) -> tuple[npt.NDArray[np.int64], tuple[float, ...], LeftOut | None] | None:
    """Position among the panel's times of each different time in the data, which so many rows have; -1 is unasked."""
    unequal = next((value for value in labels if not isinstance(value, Hashable)), None)
    if unequal is not None:
        problems.add(f"'{name}' holds {type(unequal).__name__} values; make it a number.")
        return None
    if not len(labels) or not (isinstance(times, Mapping) or are_times(labels, name, problems)):
        return None
    asked = asked_times(labels, times, problems)
    if asked is None:
        return None
    real = tuple(sorted(asked.values()))
    slot_of = {value: slot for slot, value in enumerate(sorted(asked, key=lambda value: asked[value]))}
    slots = np.array([slot_of.get(value, -1) for value in labels])
    unasked = np.flatnonzero(slots < 0)
    if not unasked.size:
        return slots, real, None
    cases = tuple(f"{rows[i]:,} at {label(labels[i])}" for i in unasked[:5])
    more = (f"and {unasked.size - 5} more times",) if unasked.size > 5 else ()
    count = int(rows[unasked].sum())
    return slots, real, LeftOut("rows at times not asked for", count, cases + more, f"times={listed(asked)}")


def are_times(labels: Sequence[object], name: str, problems: Problems) -> bool:
    """Whether all labels are finite numbers, clearly apart from one another."""
    strange = next((value for value in labels if not is_real(value)), None)
    date = None if strange is None else first_date(pd.Series(list(labels)))
    if date is not None:
        problems.add(
            f"'{name}' holds dates such as {date}, and times shared by all are needed. {formula_of(name)} Dates of "
            "waves also need their planned times, times=[0, 6, 12], the nearest of which each becomes."
        )
    elif isinstance(strange, str):
        meaning = ", ".join(f"{label(value)}: ..." for value in labels[:2])
        problems.add(
            f"'{name}' holds text such as '{strange}', which has no distance. Make it a number, "
            f"or say what each label means, times={{{meaning}}}."
        )
    elif strange is not None:
        problems.add(f"'{name}' holds {type(strange).__name__} values such as {strange}; make it a number.")
    else:
        real = np.sort(np.array(labels, dtype=float))
        if np.isinf(real).any():
            problems.add(f"'{name}' holds infinite times; correct or remove those rows.")
            return False
        close = np.flatnonzero(np.diff(real) < 1e-12 * np.abs(real).max())
        if close.size:
            problems.add(
                f"The times {exactly(real[close[0]])} and {exactly(real[close[0] + 1])} differ only by rounding; "
                f"write frame['{name}'] = frame['{name}'].round(6)."
            )
            return False
    return strange is None


def asked_times(labels: Sequence[object], times: object, problems: Problems) -> dict[object, float] | None:
    """Label in the data to real time, for the times that the panel shall hold."""
    if isinstance(times, Mapping):
        if not all(is_real(time) for time in times.values()):
            problems.add(f"times must map each label to a number, such as {{'w1': 0, 'w2': 6}}; got {dict(times)!r}.")
            return None
        asked = dict(sorted(times.items(), key=lambda pair: pair[1]))
        if check_times(list(asked.values()), problems) is None:
            return None
    else:
        present = sorted(float(value) for value in labels)  # type: ignore[arg-type]
        checked = check_times(present if times is None else times, problems)
        if checked is None:
            return None
        asked = {time: time for time in checked}
    in_data = set(labels)
    absent = [value for value in asked if value not in in_data]
    if absent:
        known = labels if isinstance(times, Mapping) else present
        problems.add(
            f"times asks for {', '.join(map(label, absent))}, where the data have no rows. Times in the data: "
            f"{', '.join(map(label, known[:30]))}{', ...' if len(known) > 30 else ''}."
        )
        return None
    return {value: float(time) for value, time in asked.items()}


def repeated(codes: npt.NDArray[np.int64], n_codes: int, describe: Callable[[int], str]) -> tuple[int, list[str]]:
    """How many codes occur more than once, and the first three as text with their number.

    Examples
    --------
    >>> repeated(np.array([0, 2, 2]), 3, str)
    (1, ['2 x2'])
    """
    present = np.zeros(n_codes, dtype=bool)
    present[codes] = True
    if np.count_nonzero(present) == codes.size:
        return 0, []
    counts = np.bincount(codes)
    twice = np.flatnonzero(counts > 1)
    return len(twice), [f"{describe(code)} x{counts[code]}" for code in twice[:3].tolist()]


def repeated_text(what: str, one_row: str, count: int, cases: Iterable[str]) -> str:
    """Sentence about several rows for what must be one."""
    return f"Repeated {what}: {count:,}, {first(cases)}. One row must be {one_row}; average or drop the extra rows."
