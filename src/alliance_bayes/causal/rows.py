"""Rows of a regression: chosen, complete, centred and split; and outcomes that include their own predictors."""

import numpy as np
import pandas as pd

from ..basics.names import choices, quoted
from ..basics.problems import Problems, SpecError
from ..spec.association import BETWEEN, WITHIN, RandomInterceptRegression, part_whole

__all__ = ["complete_rows", "eligible_rows"]

LEAST_PERSONS = 10
# Of SDs, in the data's units: squares of ratios of two, as in the priors, and third powers stay in double precision.
SMALLEST, LARGEST = 1e-30, 1e30


def complete_rows(regression: RandomInterceptRegression, data: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Complete rows of each outcome, time in steps and exposures centred and split."""
    problems = Problems("This association cannot be asked of these data")
    for name in regression.columns:
        if name not in data.columns:
            problems.add(f"No column '{name}'{choices(name, list(map(str, data.columns)), 'Columns')}")
    problems.raise_as(SpecError)
    for name in (regression.time, *regression.outcomes, *regression.exposures):
        if not pd.api.types.is_numeric_dtype(data[name]):
            problems.add(f"'{name}' is not numeric; code it as numbers, a state as 1 and 0.")
    split = [f"{name}{end}" for name in regression.exposures for end in (WITHIN, BETWEEN)]
    if taken := [name for name in split if name in data.columns]:
        problems.add(f"The data already have {quoted(taken)}, names that the split creates; rename them.")
    problems.raise_as(SpecError)
    for outcome in regression.outcomes:
        items = _items_among(outcome, regression.variables, data)
        problems.found += part_whole(outcome, items, regression.variables)
    chosen = eligible_rows(regression, data)
    rows_of = {}
    for outcome in regression.outcomes:
        complete = chosen.dropna(subset=[outcome, *regression.variables])
        persons = complete[regression.person]
        if persons.nunique() < LEAST_PERSONS or not persons.duplicated().any():
            problems.add(
                f"'{outcome}' has {len(complete)} complete rows of {persons.nunique()} persons; at least "
                f"{LEAST_PERSONS} persons are needed, and some of them twice."
            )
            continue
        if complete[outcome].eq(complete.groupby(regression.person, observed=True)[outcome].transform("first")).all():
            problems.add(
                f"The outcome '{outcome}' does not change within any person, so that the residual SD would be 0. "
                "Use a regression with one row for each person."
            )
        odd_units = _odd_units(regression, outcome, complete)
        problems.found += odd_units
        constant = [name for name in regression.exposures if complete[name].min() == complete[name].max()]
        for name in constant:
            problems.add(f"The exposure '{name}' does not vary over the rows of '{outcome}'.")
        if not constant and not odd_units:
            rows_of[outcome] = _prepared(regression, complete)
    problems.raise_as(SpecError)
    return rows_of


def eligible_rows(regression: RandomInterceptRegression, data: pd.DataFrame) -> pd.DataFrame:
    """Rows at the times in question, and with the state where one is required."""
    rows = np.ones(len(data), dtype=bool)
    if regression.times is not None:
        rows &= data[regression.time].isin(regression.times).to_numpy()
    if regression.rows_with is not None:
        rows &= (data[regression.rows_with] == 1).to_numpy()
    return data.loc[rows, list(regression.columns)]


def _odd_units(regression: RandomInterceptRegression, outcome: str, rows: pd.DataFrame) -> list[str]:
    """Columns with infinite values, or with SDs whose squares double precision cannot hold."""
    problems = []
    for name in dict.fromkeys((outcome, *regression.variables)):
        if not pd.api.types.is_numeric_dtype(rows[name]):
            continue
        values = rows[name].to_numpy(float)
        sizes = np.abs(values)
        largest = float(sizes.max())
        of_whom = f"of person {rows[regression.person].tolist()[int(sizes.argmax())]!r}"
        if not np.isfinite(largest):
            problems.append(
                f"'{name}' is infinite in {np.isinf(sizes).sum():,} of the rows of '{outcome}', first {of_whom}. Give "
                "the value, or leave it missing."
            )
            continue
        timed = name == regression.time
        spread = float((values / (largest or 1.0)).std()) * (largest / (regression.time_step if timed else 1.0))
        if values.min() < values.max() and not SMALLEST <= spread <= LARGEST:
            problems.append(
                f"'{name}' has an SD of {spread:.2g}{' time steps' if timed else ''} over the rows of '{outcome}', and "
                f"its largest value in size is {largest:.2g}, {of_whom}. SDs from {SMALLEST:g} to {LARGEST:g} can be "
                f"used: give it in another unit{' or time_step' if timed else ''}."
            )
    return problems


def _prepared(regression: RandomInterceptRegression, rows: pd.DataFrame) -> pd.DataFrame:
    texts = [name for name in rows if not pd.api.types.is_numeric_dtype(rows[name])]
    prepared = rows.astype(dict.fromkeys(texts, "category"))
    prepared[regression.time] = (rows[regression.time] - regression.time_zero) / regression.time_step
    for name in regression.exposures:
        prepared[name] = rows[name] - rows[name].mean()
        mean = prepared.groupby(regression.person)[name].transform("mean")
        prepared[name + BETWEEN] = mean
        prepared[name + WITHIN] = prepared[name] - mean
    return prepared


def _items_among(outcome: str, variables: tuple[str, ...], data: pd.DataFrame) -> list[str]:
    """Variables on which the outcome includes a yes/no item: it is a sum of columns, one of them variable > 0."""
    numeric = data.select_dtypes("number")
    yes_no = [name for name in numeric if name not in variables and name != outcome and _is_yes_no(numeric[name])]
    complete = numeric[[outcome, *yes_no]].dropna() if yes_no else numeric.iloc[:0]
    if len(complete) <= len(yes_no):
        return []
    weights, *_ = np.linalg.lstsq(complete[yes_no].to_numpy(float), complete[outcome].to_numpy(float), rcond=None)
    if not np.allclose(complete[yes_no].to_numpy(float) @ weights, complete[outcome], atol=1e-6):
        return []
    items = [name for name, weight in zip(yes_no, weights, strict=True) if abs(weight) > 1e-6]
    return [
        name
        for name in variables
        if name in numeric and any(_same(numeric[name] > 0, numeric[item], numeric[name].notna()) for item in items)
    ]


def _is_yes_no(column: pd.Series) -> bool:
    return set(column.dropna().unique()) == {0, 1}


def _same(holds: pd.Series, item: pd.Series, known: pd.Series) -> bool:
    both = known & item.notna()
    return item[both].nunique() == 2 and bool((holds[both] == (item[both] == 1)).all())
