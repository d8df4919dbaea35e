"""What is known of each person besides the measures: covariates, the group, and the times of their own interviews."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..basics.given import entries, shown
from ..basics.names import counted, quoted
from ..basics.problems import Problems
from .arrays import labels_of, no_label, numbers_of
from .checks import case, first, label
from .columns import numbers
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
    first_values = np.full(len(persons), np.nan)
    known = ~np.isnan(values)
    first_values[rows[known][::-1]] = values[known][::-1]
    different = np.unique(rows[known][values[known] != first_values[rows[known]]])
    if different.size:
        problems.add(
            f"The covariate '{name}' changes within persons: {different.size}, "
            f"{first(label(persons[index]) for index in different)}. "
            "Name it among the measures if it varies over time; the model then takes it as a time-varying covariate."
        )
    return first_values


def read_groups(
    name: str,
    labels: pd.Series,
    rows: npt.NDArray[np.int64],
    persons: npt.NDArray[np.generic],
    problems: Problems,
) -> npt.NDArray[np.str_] | None:
    """The group of each person, as text; a problem where one has none, or several."""
    codes, groups = pd.factorize(labels)
    strange = no_label(np.asarray(groups))
    if strange:
        problems.add(f"The group '{name}' holds {strange}")
        return None
    codes_of_persons = np.full(len(persons), -1)
    known = codes >= 0
    codes_of_persons[rows[known][::-1]] = codes[known][::-1]
    different = np.unique(rows[known][codes[known] != codes_of_persons[rows[known]]])
    if different.size:
        cases = first(label(persons[index]) for index in different)
        problems.add(
            f"The group '{name}' changes within persons: {different.size}, {cases}. One person is in one group."
        )
    without = np.flatnonzero(codes_of_persons < 0)
    if without.size:
        cases = first(label(persons[index]) for index in without)
        problems.add(
            f"The group '{name}' is missing for {counted(without.size, 'person')}, {cases}; fill it in, or leave "
            "out who has none: without_covariates='leave_out'."
        )
    if different.size or without.size:
        return None
    return group_texts(np.asarray(groups, dtype=object)[codes_of_persons], name, problems)


def check_background(
    covariates: object,
    groups: npt.ArrayLike | None,
    own_times: npt.ArrayLike | None,
    ids: npt.NDArray[np.generic] | None,
    n_persons: int,
    measures: Sequence[str],
    times: tuple[float, ...],
    problems: Problems,
) -> Background:
    """A background of plain arrays, their shapes and values checked."""

    def whose(row: int) -> str:
        return f"of {label(row if ids is None else ids[row])}"

    def when(cell: int) -> str:
        row, wave = divmod(cell, len(times))
        return case(row if ids is None else ids[row], times[wave])

    held: dict[str, FloatArray] = {}
    if covariates is not None and not isinstance(covariates, Mapping):
        problems.add(f"covariates must map each name to its values; got {shown(covariates)}.")
        covariates = None
    names = check_names(list(covariates or {}), problems)
    for name in names:
        assert isinstance(covariates, Mapping)
        if name in measures:
            problems.add(f"'{name}' is both a measure and a covariate; choose one.")
        array = numbers_of(covariates[name], f"The covariate '{name}'", [(n_persons,)], "(person,)", problems)
        if array is not None and numbers(array, name, "covariate", whose, problems) is not None:
            held[name] = array
    labels = None if groups is None else labels_of(groups, "groups", n_persons, problems)
    texts = None if labels is None else group_texts(labels, "groups", problems)
    moments = None
    if own_times is not None:
        shape = (n_persons, len(times))
        moments = numbers_of(own_times, "own_times", [shape], "(person, time)", problems)
    if moments is not None and numbers(moments.ravel(), "own_times", "own time", when, problems) is not None:
        check_own_times(moments, problems)
    return Background(held, texts, moments)


def group_texts(labels: npt.NDArray[np.generic], name: str, problems: Problems) -> npt.NDArray[np.str_] | None:
    """Labels of groups as text; a problem where different ones read the same, or there is one alone."""
    different = pd.unique(labels)
    texts = pd.Series([_text(label) for label in different])
    if texts.duplicated().any():
        alike = [label for label in different if _text(label) == texts[texts.duplicated()].iloc[0]]
        problems.add(f"'{name}' holds {quoted(alike)}, which read the same; give each group one label.")
        return None
    if len(different) < 2:
        problems.add(f"The group '{name}' is {quoted(texts)} for everybody; leave it out.")
    if len(labels) > 3 and len(different) > len(labels) / 2:
        problems.add(
            f"The group '{name}' has {len(different):,} labels for {len(labels):,} persons, such as "
            f"{quoted(texts, most=3)}; a group is a site, an arm or a cohort, with several people in each."
        )
    return np.array([_text(label) for label in labels])


def _text(value: object) -> str:
    """The label of a group: whole numbers are floats where a file has missing values among them."""
    whole = isinstance(value, float | np.floating) and float(value).is_integer()
    return f"{value:.0f}" if whole else str(value)


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
