"""From what was read to what is known: contradictions decided, absences told apart, use for a panel judged."""

import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..names import number
from ..problems import PanelError, Problems
from .checks import case, first, label, listed
from .records import Absence, Arrays, PanelWarning

__all__ = [
    "Extent",
    "Settled",
    "absences",
    "check_contradictions",
    "check_states",
    "check_variation",
    "decided",
    "extent_of",
    "no_contradictions",
    "settle",
    "warn_of_single_values",
]

PACKAGE = str(Path(__file__).parents[1])


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
    check_states((name for name, state in arrays.states.items() if np.isnan(state).all()), problems)
    found = decided(arrays, requires, contradictions)
    check_contradictions(found, contradictions, problems)
    absence = absences(arrays, requires)
    check_interviews(arrays, problems)
    extent = extent_of(arrays)
    check_variation(arrays.measures, extent, problems)
    problems.raise_as(PanelError)
    warn_of_single_values(arrays.measures, extent)
    return Settled(arrays.answers, absence, dict(arrays.states), found)


class Extent(NamedTuple):
    """How many values there are, and how far they reach.

    Attributes
    ----------
    times
        In order.
    counts, lowest, highest
        Of the values, shape ``(time, measure)``; NaN where there are none.
    n_repeated
        Number of persons with values at two times or more.
    """

    times: tuple[float, ...]
    counts: npt.NDArray[np.int64]
    lowest: npt.NDArray[np.float64]
    highest: npt.NDArray[np.float64]
    n_repeated: int

    def joined(self, other: "Extent") -> "Extent":
        """Extent of these persons and of others."""
        return Extent(
            self.times,
            self.counts + other.counts,
            np.fmin(self.lowest, other.lowest),
            np.fmax(self.highest, other.highest),
            self.n_repeated + other.n_repeated,
        )


def extent_of(arrays: Arrays) -> Extent:
    """Extent of the values of these persons."""
    observed = ~np.isnan(arrays.answers)
    return Extent(
        arrays.times,
        observed.sum(axis=0),
        np.fmin.reduce(arrays.answers, axis=0),
        np.fmax.reduce(arrays.answers, axis=0),
        int(np.count_nonzero(observed.any(axis=2).sum(axis=1) > 1)),
    )


def states_of_measures(arrays: Arrays, requires: Mapping[str, str]) -> Iterator[tuple[int, str]]:
    """Position of each measure that requires a state, and that state, where both could be read."""
    for measure, state in requires.items():
        if measure in arrays.measures and state in arrays.states:
            yield arrays.measures.index(measure), state


def decided(arrays: Arrays, requires: Mapping[str, str], contradictions: str) -> pd.DataFrame:
    """Decide contradictions in place, and list them, one row for each value."""
    off = np.zeros(arrays.answers.shape, dtype=bool)
    for position, state in states_of_measures(arrays, requires):
        off[:, :, position] = (arrays.states[state] == 0) & ~np.isnan(arrays.answers[:, :, position])
    found = contradiction_table(arrays, requires, off)
    if contradictions == "drop_value":
        arrays.answers[off] = np.nan
    elif contradictions == "state_on":
        for position, state in states_of_measures(arrays, requires):
            arrays.states[state][off[:, :, position]] = 1.0
    return found


def cells(arrays: Arrays, where: npt.NDArray[np.bool_]) -> Iterator[str]:
    """(person, time) of the true cells, as text."""
    return (
        case(arrays.persons[row // len(arrays.times)], arrays.times[row % len(arrays.times)])
        for row in np.flatnonzero(where)
    )


def check_states(never_observed: Iterable[str], problems: Problems) -> None:
    """Whether every state is observed at some time."""
    for name in never_observed:
        problems.add(f"The state '{name}' is never observed; leave it out of requires, or correct the column.")


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


def check_contradictions(found: pd.DataFrame, contradictions: str, problems: Problems) -> None:
    """Whether values whose state is off are allowed for."""
    if contradictions in ("drop_value", "state_on"):
        return
    for (measure, state), rows in found.groupby(["measure", "state"], sort=False):
        cases = (case(person, time) for person, time in zip(rows["person"], rows["time"], strict=True))
        problems.add(
            f"{len(rows):,} value{'s' if len(rows) > 1 else ''} of '{measure}' although the state '{state}' is 0, "
            f"{first(cases)}. Say which is right: contradictions='drop_value' removes the values, "
            "contradictions='state_on' keeps them and sets the state to 1; "
            "contradictions='refuse', the default, leaves the correction to you."
        )


def answered(arrays: Arrays) -> npt.NDArray[np.bool_]:
    """Where a person has any value or state, shape ``(person, time)``."""
    anything = ~np.isnan(arrays.answers).all(axis=2)
    for state in arrays.states.values():
        anything |= ~np.isnan(state)
    return anything


def absences(arrays: Arrays, requires: Mapping[str, str]) -> npt.NDArray[np.uint8]:
    """Code of `Absence` in every cell, shape ``(person, time, measure)``."""
    absent = np.isnan(arrays.answers)
    absence = np.zeros(absent.shape, dtype=np.uint8)
    absence[absent] = Absence.UNANSWERED
    for position, name in states_of_measures(arrays, requires):
        state = arrays.states[name]
        absence[:, :, position][absent[:, :, position] & (state == 0)] = Absence.DOES_NOT_EXIST
        absence[:, :, position][absent[:, :, position] & np.isnan(state)] = Absence.UNKNOWN
    interviewed = answered(arrays) if arrays.interviewed is None else arrays.interviewed
    absence[absent & ~interviewed[:, :, None]] = Absence.NOT_INTERVIEWED
    return absence


def check_interviews(arrays: Arrays, problems: Problems) -> None:
    if arrays.interviewed is None:
        return
    impossible = answered(arrays) & ~arrays.interviewed
    if impossible.any():
        problems.add(
            f"{impossible.sum():,} interviews are marked as not held although something was answered, "
            f"{first(cells(arrays, impossible))}. Correct the mark or the answers."
        )


def check_variation(measures: Sequence[str], extent: Extent, problems: Problems) -> None:
    """Whether every measure varies, at every time has a value, and someone is seen twice."""
    times, counts = extent.times, extent.counts
    whole = [time for time, row in zip(times, counts, strict=True) if row.all()]
    cure = f"Leave such times out, times={listed(whole)}, or leave" if len(whole) > 1 else "Leave"
    for position, measure in enumerate(measures):
        never = [time for time, count in zip(times, counts[:, position], strict=True) if count == 0]
        if len(never) == len(times):
            problems.add(f"'{measure}' has no value at any time; leave it out of the measures.")
        elif never:
            problems.add(
                f"'{measure}' has no value at {at(never)}, so that its mean there cannot be known. "
                f"{cure} the measure out."
            )
        else:
            low, high = extent.lowest[:, position], extent.highest[:, position]
            if (low == high).all():
                always = f"is {label(low[0])} in every cell" if np.ptp(low) == 0 else "is the same for all at each time"
                problems.add(
                    f"'{measure}' {always}: what does not vary between persons cannot be modelled. If it is the window "
                    "or exposure of another measure, give that number to its family."
                )
    if not problems.found and not extent.n_repeated:
        problems.add(
            "Nobody has values at two times or more, so that nothing can be said about change within persons. "
            "Check that the same person has the same id at all times."
        )


def at(times: Sequence[float]) -> str:
    return f"time{'s' if len(times) > 1 else ''} {', '.join(map(number, times))}"


def warn_of_single_values(measures: Sequence[str], extent: Extent) -> None:
    """Warn of measures that have one value for all at some time."""
    for position, measure in enumerate(measures):
        low, counts = extent.lowest[:, position], extent.counts[:, position]
        flat = np.flatnonzero((low == extent.highest[:, position]) & (counts > 1))
        same = [f"{number(extent.times[t])} (all {counts[t]:,} are {number(low[t])})" for t in flat]
        if same:
            warnings.warn(
                f"'{measure}' does not vary at time {', '.join(same)}: nothing there tells one person from another.",
                PanelWarning,
                skip_file_prefixes=(PACKAGE,),
            )
