"""From what was read to what is known: contradictions decided, absences told apart, use for a panel judged."""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..names import number
from ..problems import PanelError, Problems
from .checks import case, first, label, listed
from .records import Absence, Arrays, PanelWarning

__all__ = ["Settled", "no_contradictions", "settle"]

STACK_LEVEL = 5  # the caller of Panel.from_long


class Settled(NamedTuple):
    """The part of a panel that depends on decisions."""

    values: npt.NDArray[np.float64]
    absence: npt.NDArray[np.uint8]
    states: dict[str, npt.NDArray[np.float64]]
    contradictions: pd.DataFrame


def settle(arrays: Arrays, requires: Mapping[str, str], contradictions: str, problems: Problems) -> Settled:
    """Decide contradictions and tell absences apart; raise all problems found so far and here.

    Changes `arrays.answers` and `arrays.states` in place where a contradiction is decided.
    """
    check_states(arrays, problems)
    requires = {
        measure: state for measure, state in requires.items() if measure in arrays.measures and state in arrays.states
    }
    off = contradicting(arrays, requires)
    found = contradiction_table(arrays, requires, off)
    if contradictions == "drop_value":
        arrays.answers[off] = np.nan
    elif contradictions == "state_on":
        for measure, state in requires.items():
            arrays.states[state][off[:, :, arrays.measures.index(measure)]] = 1.0
    else:
        refuse(found, problems)
    absence = absences(arrays, requires, problems)
    check_variation(arrays, problems)
    problems.raise_as(PanelError)
    warn_of_single_values(arrays)
    return Settled(arrays.answers, absence, dict(arrays.states), found)


def cells(arrays: Arrays, where: npt.NDArray[np.bool_]) -> Iterator[str]:
    """(person, time) of the true cells, as text."""
    return (
        case(arrays.persons[row // len(arrays.times)], arrays.times[row % len(arrays.times)])
        for row in np.flatnonzero(where)
    )


def check_states(arrays: Arrays, problems: Problems) -> None:
    for name, state in arrays.states.items():
        if np.isnan(state).all():
            problems.add(f"The state '{name}' is never observed; leave it out of requires, or correct the column.")


def contradicting(arrays: Arrays, requires: Mapping[str, str]) -> npt.NDArray[np.bool_]:
    """Where a value is present although its state is off, shape ``(person, time, measure)``."""
    off = np.zeros(arrays.answers.shape, dtype=bool)
    for measure, state in requires.items():
        position = arrays.measures.index(measure)
        off[:, :, position] = (arrays.states[state] == 0) & ~np.isnan(arrays.answers[:, :, position])
    return off


def contradiction_table(arrays: Arrays, requires: Mapping[str, str], off: npt.NDArray[np.bool_]) -> pd.DataFrame:
    person, time, measure = np.nonzero(off)
    names = np.array(arrays.measures, dtype=object)[measure]
    states = np.array([requires.get(name) for name in arrays.measures], dtype=object)[measure]
    return pd.DataFrame(
        {
            "person": arrays.persons[person],
            "time": np.array(arrays.times)[time],
            "measure": pd.Series(names, dtype="str"),
            "value": arrays.answers[off],
            "state": pd.Series(states, dtype="str"),
        }
    )


def no_contradictions() -> pd.DataFrame:
    """Table of contradictions without a row."""
    return pd.DataFrame({"person": [], "time": [], "measure": [], "value": [], "state": []})


def refuse(found: pd.DataFrame, problems: Problems) -> None:
    for (measure, state), rows in found.groupby(["measure", "state"], sort=False):
        cases = (case(person, time) for person, time in zip(rows["person"], rows["time"], strict=True))
        problems.add(
            f"{len(rows):,} value{'s' if len(rows) > 1 else ''} of '{measure}' although the state '{state}' is 0, "
            f"{first(cases)}. Say which is right: contradictions='drop_value' removes the values, "
            "contradictions='state_on' keeps them and sets the state to 1; "
            "contradictions='refuse', the default, leaves the correction to you."
        )


def absences(arrays: Arrays, requires: Mapping[str, str], problems: Problems) -> npt.NDArray[np.uint8]:
    """Code of `Absence` in every cell, shape ``(person, time, measure)``."""
    absent = np.isnan(arrays.answers)
    answered = ~absent.all(axis=2)
    for state in arrays.states.values():
        answered |= ~np.isnan(state)
    absence = np.zeros(absent.shape, dtype=np.uint8)
    absence[absent] = Absence.UNANSWERED
    for measure, state_name in requires.items():
        position, state = arrays.measures.index(measure), arrays.states[state_name]
        absence[:, :, position][absent[:, :, position] & (state == 0)] = Absence.DOES_NOT_EXIST
        absence[:, :, position][absent[:, :, position] & np.isnan(state)] = Absence.UNKNOWN
    interviewed = answered if arrays.interviewed is None else arrays.interviewed
    absence[absent & ~interviewed[:, :, None]] = Absence.NOT_INTERVIEWED
    if arrays.interviewed is not None:
        impossible = answered & ~interviewed
        if impossible.any():
            problems.add(
                f"{impossible.sum():,} interviews are marked as not held although something was answered, "
                f"{first(cells(arrays, impossible))}. Correct the mark or the answers."
            )
    return absence


def check_variation(arrays: Arrays, problems: Problems) -> None:
    """Whether every measure varies, at every time has a value, and someone is seen twice."""
    observed = ~np.isnan(arrays.answers)
    counts = observed.sum(axis=0)
    whole = [time for time, row in zip(arrays.times, counts, strict=True) if row.all()]
    cure = f"Leave such times out, times={listed(whole)}, or leave" if len(whole) > 1 else "Leave"
    for position, measure in enumerate(arrays.measures):
        never = [time for time, count in zip(arrays.times, counts[:, position], strict=True) if count == 0]
        if len(never) == len(arrays.times):
            problems.add(f"'{measure}' has no value at any time; leave it out of the measures.")
        elif never:
            problems.add(
                f"'{measure}' has no value at {at(never)}, so that its mean there cannot be known. "
                f"{cure} the measure out."
            )
        else:
            low, high = extremes(arrays, position)
            if (low == high).all():
                always = f"is {label(low[0])} in every cell" if np.ptp(low) == 0 else "is the same for all at each time"
                problems.add(f"'{measure}' {always}: what does not vary between persons cannot be modelled.")
    if not problems.found and not (observed.any(axis=2).sum(axis=1) > 1).any():
        problems.add(
            "Nobody has values at two times or more, so that nothing can be said about change within persons. "
            "Check that the same person has the same id at all times."
        )


def at(times: Sequence[float]) -> str:
    return f"time{'s' if len(times) > 1 else ''} {', '.join(map(number, times))}"


def extremes(arrays: Arrays, position: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Smallest and largest value of one measure at each time."""
    values = arrays.answers[:, :, position]
    return np.fmin.reduce(values, axis=0), np.fmax.reduce(values, axis=0)


def warn_of_single_values(arrays: Arrays) -> None:
    for position, measure in enumerate(arrays.measures):
        low, high = extremes(arrays, position)
        counts = np.count_nonzero(~np.isnan(arrays.answers[:, :, position]), axis=0)
        flat = np.flatnonzero((low == high) & (counts > 1))
        same = [f"{number(arrays.times[t])} (all {counts[t]:,} are {number(low[t])})" for t in flat]
        if same:
            warnings.warn(
                f"'{measure}' does not vary at time {', '.join(same)}: nothing there tells one person from another.",
                PanelWarning,
                stacklevel=STACK_LEVEL,
            )
