"""What is known of each person besides the measures: covariates, the group, and the times of their own interviews."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..given import entries
from ..names import quoted
from ..problems import Problems
from .checks import first, label
from .records import Background

__all__ = ["check_background", "check_names", "check_own_times", "read_groups", "same_within_persons"]

FloatArray = npt.NDArray[np.float64]


def check_names(covariates: object, problems: Problems) -> tuple[str, ...]:
    """Names of covariates, without those that cannot be names."""
    names = entries(covariates)
    if names is None or not all(isinstance(name, str) and name for name in names):
        problems.add(f"covariates must be a list of names, such as covariates=['commitment']; got {covariates!r}.")
        return ()
    return names


def same_within_persons(
    name: str,
    values: FloatArray,
    rows: npt.NDArray[np.int64],
    persons: npt.NDArray[np.generic],
    problems: Problems,
) -> FloatArray:
    """One value of each person, from the rows that have it; a problem where these differ."""
    found = np.full(len(persons), np.nan)
    known = ~np.isnan(values)
    found[rows[known][::-1]] = values[known][::-1]
    different = np.unique(rows[known][values[known] != found[rows[known]]])
    if different.size:
        problems.add(
            f"The covariate '{name}' changes within persons: {different.size}, "
            f"{first(label(persons[place]) for place in different)}. "
            "Name it among the measures if it varies over time; the model then takes it as a time-varying covariate."
        )
    return found


def read_groups(
    name: str,
    labels: pd.Series,
    rows: npt.NDArray[np.int64],
    persons: npt.NDArray[np.generic],
    problems: Problems,
) -> npt.NDArray[np.str_] | None:
    """The group of each person, as text; a problem where one has none, or several."""
    codes, groups = pd.factorize(labels, sort=True)
    found = np.full(len(persons), -1)
    known = codes >= 0
    found[rows[known][::-1]] = codes[known][::-1]
    different = np.unique(rows[known][codes[known] != found[rows[known]]])
    if different.size:
        cases = first(label(persons[place]) for place in different)
        problems.add(
            f"The group '{name}' changes within persons: {different.size}, {cases}. One person is in one group."
        )
    without = np.flatnonzero(found < 0)
    if without.size:
        cases = first(label(persons[place]) for place in without)
        problems.add(
            f"The group '{name}' is missing for {without.size} persons, {cases}; fill it in or leave them out."
        )
    if different.size or without.size:
        return None
    if len(groups) < 2:
        problems.add(f"The group '{name}' is {quoted(map(str, groups))} for everybody; leave it out.")
    return np.array([str(groups[code]) for code in found])


def check_background(
    covariates: Mapping[str, npt.ArrayLike],
    groups: npt.ArrayLike | None,
    own_times: npt.ArrayLike | None,
    n_persons: int,
    measures: Sequence[str],
    times: tuple[float, ...],
    problems: Problems,
) -> Background:
    """A background of plain arrays, their shapes and values checked."""
    held: dict[str, FloatArray] = {}
    for name, given in covariates.items():
        array = np.array(given, dtype=np.float64)
        if name in measures:
            problems.add(f"'{name}' is both a measure and a covariate; choose one.")
        if array.shape != (n_persons,):
            problems.add(f"The covariate '{name}' has shape {array.shape}; expected {(n_persons,)}, (person,).")
        else:
            held[name] = array
    labels = None if groups is None else np.array(groups).astype(str)
    if labels is not None and labels.shape != (n_persons,):
        problems.add(f"groups has shape {labels.shape}; expected {(n_persons,)}, (person,).")
        labels = None
    moments = None if own_times is None else np.array(own_times, dtype=np.float64)
    if moments is not None:
        if moments.shape != (n_persons, len(times)):
            problems.add(f"own_times has shape {moments.shape}; expected {(n_persons, len(times))}, (person, time).")
            return Background(held, labels)
        check_own_times(moments, problems)
    return Background(held, labels, moments)


def check_own_times(own_times: FloatArray, problems: Problems) -> None:
    """Whether each person's times increase; those without a time are skipped."""
    filled = np.where(np.isnan(own_times), -np.inf, own_times)
    latest = np.maximum.accumulate(filled, axis=1)[:, :-1]
    wrong = np.flatnonzero((~np.isnan(own_times[:, 1:]) & (own_times[:, 1:] <= latest)).any(axis=1))
    if wrong.size:
        problems.add(
            f"The own times of {wrong.size} persons do not increase from wave to wave, first in row {wrong[0]}: "
            f"{', '.join(f'{time:g}' for time in own_times[wrong[0]])}. Correct them, or use the planned times."
        )
