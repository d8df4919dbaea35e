"""From values as read to a panel: contradictions are resolved, kinds of absence distinguished, variation checked."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..basics.names import counted, number, quoted
from ..basics.problems import PanelError, Problems
from ..basics.warning import warn
from ..basics.whole_tables import WholeTable
from .checks import case, check_resolution, first, label, listed
from .missing_codes import suspicions
from .records import Absence, Arrays, PanelWarning

__all__ = [
    "Extent",
    "absences",
    "check_contradictions",
    "check_states",
    "check_variation",
    "columns_of",
    "decided",
    "extent_of",
    "no_contradictions",
    "settle",
    "warn_of_single_values",
]

ROUNDING = 4 * float(np.finfo(np.float64).eps)
DIGITS = 15  # of a number that float64 holds exactly
MOST_STRETCHED = 3
TAIL, MOST_FAR = 0.01, 1000  # share at each end that does not count as usual, and SDs of the others
MOST_UNEVEN = 1e9  # reach of values at one time to that at another; beyond, chains stand still


def settle(arrays: Arrays, contradictions: str, problems: Problems) -> tuple[npt.NDArray[np.uint8], pd.DataFrame]:
    """Resolve contradictions, distinguish the kinds of absence, and return both; raise all problems so far.

    Changes `arrays.answers` and `arrays.states` in place where a contradiction is decided.
    """
    check_states((name for name, state in arrays.states.items() if np.isnan(state).all()), problems)
    table = decided(arrays, contradictions)
    check_contradictions(table, contradictions, problems)
    absence = absences(arrays)
    check_interviews(arrays, problems)
    extent = extent_of(arrays)
    check_variation(arrays.measures, extent, problems)
    problems.raise_as(PanelError)
    warn_of_single_values(arrays.measures, extent)
    warn_of_lookalikes(arrays.persons)
    warn_of_outliers(arrays)
    warn_of_codes(arrays)
    warn_of_other_units(arrays)
    return absence, table


class Extent(NamedTuple):
    """How many values there are, and their range, shape (time, measure); NaN where there are none."""

    times: tuple[float, ...]
    counts: npt.NDArray[np.int64]
    lowest: npt.NDArray[np.float64]
    highest: npt.NDArray[np.float64]
    n_repeated: int  # persons with values at two times or more

    @property
    def flat(self) -> npt.NDArray[np.bool_]:
        """Where all values are the same but for rounding, shape ``(time, measure)``."""
        size = np.maximum(np.abs(self.lowest), np.abs(self.highest))
        return np.asarray(self.highest - self.lowest <= ROUNDING * size)

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


def states_of_measures(arrays: Arrays) -> Iterator[tuple[int, str]]:
    """Position of each measure that requires a state, and that state, where both could be read."""
    for measure, state in arrays.requires.items():
        if measure in arrays.measures and state in arrays.states:
            yield arrays.measures.index(measure), state


def decided(arrays: Arrays, contradictions: str) -> pd.DataFrame:
    """Decide contradictions in place, and list them, one row for each value."""
    off = np.zeros(arrays.answers.shape, dtype=bool)
    for position, state in states_of_measures(arrays):
        off[:, :, position] = (arrays.states[state] == 0) & ~np.isnan(arrays.answers[:, :, position])
    table = contradiction_table(arrays, off)
    if contradictions == "drop_value":
        arrays.answers[off] = np.nan
    elif contradictions == "state_on":
        for position, state in states_of_measures(arrays):
            arrays.states[state][off[:, :, position]] = 1.0
    return table


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


def contradiction_table(arrays: Arrays, off: npt.NDArray[np.bool_]) -> pd.DataFrame:
    person, time, measure = np.nonzero(off)
    names = np.array(arrays.measures, dtype=object)[measure]
    states = np.array([arrays.requires.get(name) for name in arrays.measures], dtype=object)[measure]
    return WholeTable(
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
    return WholeTable({"person": [], "time": [], "measure": [], "value": [], "state": []})


def check_contradictions(table: pd.DataFrame, contradictions: str, problems: Problems) -> None:
    """Whether values whose state is off are allowed for."""
    if contradictions in ("drop_value", "state_on"):
        return
    for (measure, state), rows in table.groupby(["measure", "state"], sort=False):
        cases = (case(person, time) for person, time in zip(rows["person"], rows["time"], strict=True))
        problems.add(
            f"{counted(len(rows), 'value')} of '{measure}' although the state '{state}' is 0, "
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


def absences(arrays: Arrays) -> npt.NDArray[np.uint8]:
    """Code of `Absence` in every cell, shape ``(person, time, measure)``."""
    absent = np.isnan(arrays.answers)
    absence = np.zeros(absent.shape, dtype=np.uint8)
    absence[absent] = Absence.ITEM_MISSING
    for position, name in states_of_measures(arrays):
        state = arrays.states[name]
        absence[:, :, position][absent[:, :, position] & (state == 0)] = Absence.NOT_APPLICABLE
        absence[:, :, position][absent[:, :, position] & np.isnan(state)] = Absence.UNKNOWN
    interviewed = answered(arrays) if arrays.interviewed is None else arrays.interviewed
    absence[absent & ~interviewed[:, :, None]] = Absence.WAVE_MISSING
    return absence


def check_interviews(arrays: Arrays, problems: Problems) -> None:
    """Whether interviews with answers are marked as held, and their own times known."""
    answers, own_times = answered(arrays), arrays.background.own_times
    if arrays.interviewed is not None and (impossible := answers & ~arrays.interviewed).any():
        problems.add(
            f"{impossible.sum():,} interviews are marked as not held although something was answered, "
            f"{first(cells(arrays, impossible))}. Correct the mark or the answers."
        )
    if own_times is not None and (unknown := answers & np.isnan(own_times)).any():
        problems.add(
            f"{unknown.sum():,} interviews have answers but no time of their own, {first(cells(arrays, unknown))}. "
            "Fill in when they were, or make the answers missing."
        )


def check_variation(measures: Sequence[str], extent: Extent, problems: Problems) -> None:
    """Whether every measure varies, at every time has a value, and someone is observed twice."""
    times, counts = extent.times, extent.counts
    complete = [time for time, row in zip(times, counts, strict=True) if row.all()]
    cure = f"Leave such times out, times={listed(complete)}, or leave" if len(complete) > 1 else "Leave"
    for position, measure in enumerate(measures):
        never = [time for time, count in zip(times, counts[:, position], strict=True) if count == 0]
        if len(never) == len(times):
            problems.add(f"'{measure}' has no value at any time; leave it out of the measures.")
        elif never:
            problems.add(
                f"'{measure}' has no value at {at(never)}, so its mean there cannot be estimated. "
                f"{cure} the measure out."
            )
        else:
            low, high = extent.lowest[:, position], extent.highest[:, position]
            if (low == high).all():
                same = np.ptp(low) == 0
                always = f"is {label(low[0])} in every cell" if same else "is the same for all at each time"
                problems.add(
                    f"'{measure}' {always}: a measure without differences between persons cannot be modelled. "
                    "If it is the window or exposure of another measure, give that number to its family."
                )
            else:
                check_reach(measure, position, extent, problems)
    if not problems.found and not extent.n_repeated:
        problems.add(
            "No person has values at two times or more, so change within persons cannot be estimated. "
            "Check that the same person has the same id at all times."
        )


def check_reach(measure: str, position: int, extent: Extent, problems: Problems) -> None:
    """Whether values differ by more than rounding, and by about as much at each time."""
    low, high = extent.lowest[:, position], extent.highest[:, position]
    spread, size = high - low, np.maximum(np.abs(low), np.abs(high))
    widest = int(np.argmax(spread))
    check_resolution(measure, float(size[widest]), float(spread[widest]), problems)
    varied = np.flatnonzero(~extent.flat[:, position])
    if not varied.size:
        return
    narrowest = int(varied[np.argmin(spread[varied])])
    if spread[narrowest] * MOST_UNEVEN < spread[widest]:
        reach = (
            f"from {label(low[time])} to {label(high[time])} at time {number(extent.times[time])}"
            for time in (narrowest, widest)
        )
        problems.add(
            f"'{measure}' reaches {' but '.join(reach)}, so differences at the first are lost in rounding at "
            "the second. Look for a misprint or a code for a missing value, or bring the times to one unit."
        )


def at(times: Sequence[float]) -> str:
    return f"time{'s' if len(times) > 1 else ''} {', '.join(map(number, times))}"


def warn_of_single_values(measures: Sequence[str], extent: Extent) -> None:
    """Warn of measures that have one value for all at some time."""
    for position, measure in enumerate(measures):
        low, counts = extent.lowest[:, position], extent.counts[:, position]
        flat = np.flatnonzero(extent.flat[:, position] & (counts > 1))
        same = [f"{number(extent.times[t])} (all {counts[t]:,} are {number(low[t])})" for t in flat]
        if same:
            doubt(f"'{measure}' does not vary at time {', '.join(same)}, so it cannot distinguish persons there.")


def warn_of_lookalikes(persons: npt.NDArray[np.generic]) -> None:
    """Warn of ids that differ only in spaces at their ends, capitals, or how a number is written."""
    if persons.dtype.kind in "iuf":
        return
    keys = pd.Series([looks(str(person)) for person in persons.tolist()])
    alike = keys[keys.duplicated(keep=False)]
    if len(alike):
        groups = [quoted(persons[list(places)].tolist()) for places in alike.groupby(alike, sort=False).groups.values()]
        doubt(
            f"{len(alike)} ids look like other ids, {first(f'({group})' for group in groups)}: they differ only "
            "in spaces, capitals or how a number is written. They are treated as different persons; if they are one "
            "person, give one id."
        )


def looks(name: str) -> str | float:
    """What an id looks like: its number, or its text without spaces at the ends and capitals."""
    text = name.strip().casefold()
    if len(text) > DIGITS or not text or text[0] not in "+-.0123456789":
        return text
    try:
        return float(text)
    except ValueError:
        return text


def warn_of_outliers(arrays: Arrays) -> None:
    """Warn of values that are very far from nearly all others."""
    for position, measure in enumerate(arrays.measures):
        values = arrays.answers[:, :, position]
        low, middle, high = np.nanquantile(values, (TAIL, 0.5, 1 - TAIL))
        spread = float(np.nanstd(values[(values >= low) & (values <= high)]))
        far = np.abs(values - middle) > MOST_FAR * spread
        if spread > 0 and far.any():
            chosen = np.argwhere(far)[:3]
            cases = (f"{label(values[p, t])} {case(arrays.persons[p], arrays.times[t])}" for p, t in chosen)
            doubt(
                f"'{measure}' has {counted(int(far.sum()), 'value')} more than {MOST_FAR:,} SDs away "
                f"from nearly all others, {first(cases)}: a misprint, or a code for a missing value?"
            )


def warn_of_codes(arrays: Arrays) -> None:
    """Warn of numbers that look like codes for missing answers."""
    for sentence in suspicions(columns_of(arrays.measures, arrays.answers, arrays.background.covariates)):
        doubt(sentence)


def columns_of(
    measures: Sequence[str], values: npt.NDArray[np.float64], covariates: Mapping[str, npt.NDArray[np.float64]]
) -> Iterator[tuple[str, npt.NDArray[np.float64]]]:
    """Name and values of each measure and covariate."""
    yield from ((name, values[:, :, position].ravel()) for position, name in enumerate(measures))
    yield from covariates.items()


def warn_of_other_units(arrays: Arrays) -> None:
    """Warn of own times that count in another unit than the planned ones."""
    if arrays.background.own_times is None:
        return
    intervals = np.diff(arrays.background.own_times, axis=1) / np.diff(arrays.times)
    known = intervals[~np.isnan(intervals)]
    ratio = float(np.median(known)) if known.size else 1.0
    if not 1 / MOST_STRETCHED < ratio < MOST_STRETCHED:
        doubt(
            f"People's own times lie {ratio:.3g} times as far apart as the planned ones (median). Are both in the "
            "same unit?"
        )


def doubt(message: str) -> None:
    """Warn of a panel."""
    warn(message, PanelWarning)
