"""A panel as an xarray data set and back, everything read checked."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any, Literal, TypeGuard

import numpy as np
import pandas as pd
import xarray as xr

from ..basics.json_records import read_record
from ..basics.names import quoted
from ..basics.problems import PanelError, Problems
from ..basics.whole_tables import WholeTable
from .background import check_background
from .checks import check_decision, check_measures, check_requires, check_times
from .frames import check_states
from .panel import Panel
from .records import Absence, Background, LeftOut, Moments
from .settling import no_contradictions

__all__ = ["ids_from_json", "ids_to_json", "is_mixed", "panel_from_dataset", "panel_to_dataset"]

MOST_WIDENING = 64

PERSON, CELLS = "panel_person", ("panel_time", "panel_measure")
VARIABLES: dict[str, tuple[tuple[str, ...], str]] = {
    "persons": ((PERSON,), "iufUSMO"),
    "values": ((PERSON, *CELLS), "f"),
    "absence": ((PERSON, *CELLS), "u"),
    "state": ((PERSON, "panel_time"), "f"),
    "covariate": ((PERSON,), "f"),
    "own_times": ((PERSON, "panel_time"), "f"),
    "moments n": (("pattern",), "iu"),
    "moments observed": (("pattern", *CELLS), "b"),
    "moments means": (("pattern", *CELLS), "f"),
    "moments covariance": (("pattern", "value", "value_2"), "f"),
    "moments counts": (("absence_code", *CELLS), "iu"),
    "moments lowest": (CELLS, "f"),
    "moments highest": (CELLS, "f"),
}
"""Dims of each variable, or of each with such a prefix, and the kinds of numbers that it holds."""
NEEDED = {True: ("n", "observed", "means", "covariance", "counts"), False: ("persons", "values", "absence")}


@dataclass(frozen=True)
class PanelRecord:
    """What a panel holds besides arrays, as it stands in JSON."""

    measures: tuple[str, ...]
    times: tuple[float, ...]
    requires: Mapping[str, str]
    time_unit: str | None
    source: str
    left_out: tuple[LeftOut, ...]
    notes: tuple[str, ...]
    contradictions: Mapping[str, tuple[Any, ...]]
    contradictions_dtypes: Mapping[str, str]
    decision: Literal["refuse", "drop_value", "state_on"]
    persons_dtype: str | None = None
    persons_in_json: bool = False
    groups: tuple[str, ...] | None = None
    pattern_groups: tuple[str, ...] | None = None
    group_times: Mapping[str, tuple[float, ...]] | None = None


def panel_to_dataset(panel: Panel) -> xr.Dataset:
    """Everything a panel holds, as variables and one JSON attribute."""
    background = panel.background
    record = PanelRecord(
        measures=tuple(panel.measures),
        times=tuple(panel.times),
        requires=dict(panel.requires),
        time_unit=panel.time_unit,
        source=panel.source,
        left_out=panel.left_out,
        notes=panel.notes,
        contradictions={str(name): tuple(column) for name, column in panel.contradictions.to_dict("list").items()},
        contradictions_dtypes={str(name): str(dtype) for name, dtype in panel.contradictions.dtypes.items()},
        decision=panel.decision,
        persons_dtype=None if panel.persons is None else panel.persons.dtype.str,
        persons_in_json=is_mixed(panel.persons),
        groups=_listed(background.groups),
        pattern_groups=_listed(background.pattern_groups),
        group_times={name: tuple(times) for name, times in background.group_times.items()} or None,
    )
    if panel.moments is not None:
        held = {f"moments {name}": array for name, array in vars(panel.moments).items()}
    else:
        persons = panel.persons
        held = {
            "persons": ids_to_json(persons) if is_mixed(persons) else persons,
            "values": panel.values,
            "absence": panel.absence,
        }
        held |= {f"state {name}": state for name, state in panel.states.items()}
        held |= {f"covariate {name}": covariate for name, covariate in panel.covariates.items()}
        held["own_times"] = panel.own_times
    variables = {name: (_described(name)[0], array) for name, array in held.items() if array is not None}
    return xr.Dataset(variables, attrs={"panel": json.dumps(asdict(record), default=_plain)})


def panel_from_dataset(dataset: xr.Dataset) -> Panel:
    """Read what `panel_to_dataset` made, or raise a PanelError with every problem."""
    problems = Problems("The panel cannot be read")
    record = read_record(PanelRecord, json.loads(dataset.attrs.get("panel", "null")), "The panel", problems)
    held = {str(name): array.to_numpy() for name, array in dataset.data_vars.items()}
    _check_variables(dataset, held, problems)
    problems.raise_as(PanelError)
    assert record is not None
    if record.persons_in_json and "persons" in held:
        held["persons"] = ids_from_json(held["persons"], "The ids", problems)
    moments, states, covariates = (
        {name.removeprefix(prefix): array for name, array in held.items() if name.startswith(prefix)}
        for prefix in ("moments ", "state ", "covariate ")
    )
    _check_names(record, dataset, problems)
    problems.raise_as(PanelError)
    if moments:
        _check_moments(record, moments, problems)
        _check_studies(record, len(moments["n"]), problems)
        groups, pattern_groups = (
            None if labels is None else np.array(labels) for labels in (record.groups, record.pattern_groups)
        )
        background = Background({}, groups, None, pattern_groups, record.group_times or {})
    else:
        background = _checked_people(record, held, states, covariates, problems)
    contradictions = _checked_contradictions(record, problems)
    problems.raise_as(PanelError)
    return Panel(
        measures=record.measures,
        times=record.times,
        persons=None if moments else held["persons"].astype(record.persons_dtype),
        values=held.get("values"),
        absence=held.get("absence"),
        requires=record.requires,
        states=states,
        moments=Moments(**moments) if moments else None,
        time_unit=record.time_unit,
        source=record.source,
        left_out=record.left_out,
        notes=record.notes,
        contradictions=contradictions,
        decision=record.decision,
        background=background,
    )


def is_mixed(ids: np.ndarray | None) -> TypeGuard[np.ndarray]:
    """Whether ids are numbers and text, or numbers of several kinds, which no variable of a file holds."""
    return ids is not None and ids.dtype == object and not all(isinstance(one, str) for one in ids)


def ids_to_json(ids: np.ndarray) -> np.ndarray:
    """Mixed ids as JSON, which tells 1 from "1"."""
    return np.array([json.dumps(one, default=_plain) for one in ids], dtype=object)


def _plain(value: object) -> object:
    """The number of Python that a number of numpy is."""
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"ids are {type(value).__name__} values")


def ids_from_json(texts: np.ndarray, what: str, problems: Problems) -> np.ndarray:
    """Ids as they were before `ids_to_json`; notes a problem where that is not possible."""
    ids = np.empty(len(texts), dtype=object)
    for index, text in enumerate(texts.tolist()):
        try:
            ids[index] = json.loads(text)
        except (TypeError, ValueError):
            ids[index] = None
        if type(ids[index]) not in (str, int, float) or ids[index] != ids[index]:
            problems.add(f"{what} must be numbers and text in JSON; got {quoted([text])[:60]}.")
            break
    return ids


def _in_order(ids: np.ndarray) -> bool:
    """Whether ids are sorted, numbers before text, each once."""
    if ids.dtype != object:
        return bool((ids[1:] > ids[:-1]).all())
    ranks = [(isinstance(one, str), one) for one in ids]
    return all(before < after for before, after in pairwise(ranks))


def _listed(labels: np.ndarray | None) -> tuple[str, ...] | None:
    return None if labels is None else tuple(map(str, labels))


def _described(name: str) -> tuple[tuple[str, ...], str]:
    """Dims and kinds of a variable of a panel; a `KeyError` where a panel has none of that name."""
    prefix = name.split(" ", 1)[0]
    return VARIABLES[prefix if prefix in ("state", "covariate") and prefix != name else name]


def _check_variables(dataset: xr.Dataset, held: Mapping[str, np.ndarray], problems: Problems) -> None:
    """Whether all variables are there, and each has its dims and kind."""
    of_moments = any(name.startswith("moments ") for name in held)
    for needed in NEEDED[of_moments]:
        name = f"moments {needed}" if of_moments else needed
        if name not in held:
            problems.add(f"The panel: the variable '{name}' is missing.")
    for name, array in held.items():
        try:
            dims, kinds = _described(name)
        except KeyError:
            problems.add(f"The panel: the variable '{name}' is unknown.")
            continue
        if name.startswith("moments ") != of_moments:
            problems.add(f"The panel holds moments and '{name}', which is of single persons.")
        if dataset[name].dims != dims or array.dtype.kind not in kinds:
            problems.add(
                f"The panel: '{name}' has the dims {quoted(dataset[name].dims)} and the type {array.dtype}; expected "
                f"{quoted(dims)} and {'/'.join(kinds)}."
            )


def _check_names(record: PanelRecord, dataset: xr.Dataset, problems: Problems) -> None:
    """Whether measures, times and states are usable, and as many as the arrays have."""
    check_measures(record.measures, problems)
    if len(set(record.measures)) < len(record.measures):
        problems.add(f"measures are named twice: {quoted(record.measures)}.")
    check_times(record.times, problems)
    check_requires(record.requires, record.measures, problems)
    check_decision(record.decision, problems)
    n_cells = len(record.times) * len(record.measures)
    expected = {"panel_time": len(record.times), "panel_measure": len(record.measures)}
    expected |= {"value": n_cells, "value_2": n_cells, "absence_code": len(Absence)}
    for dim, size in dataset.sizes.items():
        if size != expected.get(str(dim), size):
            problems.add(
                f"The arrays have {size} along '{dim}'; expected {expected[str(dim)]} by {len(record.times)} times and "
                f"{len(record.measures)} measures."
            )


def _checked_people(
    record: PanelRecord,
    held: Mapping[str, np.ndarray],
    states: Mapping[str, np.ndarray],
    covariates: Mapping[str, np.ndarray],
    problems: Problems,
) -> Background:
    persons, values, absence = held["persons"], held["values"], held["absence"]
    check_states(states, record.requires, record.measures, problems)
    wanted = np.dtype(record.persons_dtype)
    fits = wanted.kind == persons.dtype.kind or (wanted.kind, persons.dtype.kind) == ("O", "U")
    if not fits or wanted.itemsize > MOST_WIDENING * persons.dtype.itemsize:
        problems.add(f"The ids are {persons.dtype}, and '{record.persons_dtype}' is declared.")
    if not _in_order(persons):
        problems.add("The ids are not in sorted order, each once.")
    if np.isinf(values).any():
        problems.add("Some values are infinite.")
    if not np.isin(absence, list(Absence)).all() or ((absence == Absence.OBSERVED) == np.isnan(values)).any():
        problems.add("The codes of absence do not say which values are there.")
    for name, state in states.items():
        if not (np.isnan(state) | np.isin(state, (0, 1))).all():
            problems.add(f"The state '{name}' holds other values than 0, 1 and missing.")
    if record.pattern_groups is not None or record.group_times is not None:
        problems.add("The panel holds persons and groups of patterns, which are of moments.")
    return check_background(
        covariates, record.groups, held.get("own_times"), persons, len(persons), record.measures, record.times, problems
    )


def _check_moments(record: PanelRecord, moments: Mapping[str, np.ndarray], problems: Problems) -> None:
    n, observed, means, covariance = (moments[name] for name in ("n", "observed", "means", "covariance"))
    if record.persons_dtype is not None or record.groups is not None:
        problems.add("The panel holds moments and ids or groups of persons.")
    if (n < 1).any() or (moments["counts"] < 0).any():
        problems.add("The patterns have numbers of persons below 1.")
    if not np.isfinite(means[observed]).all():
        problems.add("Means are missing where values were observed.")
    present = observed.reshape(len(n), -1)
    both = present[:, :, None] & present[:, None, :]
    mirrored = covariance.transpose(0, 2, 1)
    if not (np.isfinite(covariance[both]).all() and (covariance[both] == mirrored[both]).all()):
        problems.add("Covariances are missing where values were observed, or are not symmetric.")


def _check_studies(record: PanelRecord, n_patterns: int, problems: Problems) -> None:
    labels, times = record.pattern_groups, record.group_times or {}
    if labels is not None and len(labels) != n_patterns:
        problems.add(f"pattern_groups names {len(labels)} patterns; expected {n_patterns}.")
    if times and set(times) != set(labels or ()):
        problems.add(f"group_times is of {quoted(times)}; expected {quoted(sorted(set(labels or ())))}.")
    for name, group_times in times.items():
        with problems.collecting(f"'{name}': "):
            alone = Problems("")
            check_times(group_times, alone)
            alone.raise_as(PanelError)


def _checked_contradictions(record: PanelRecord, problems: Problems) -> pd.DataFrame:
    columns = list(no_contradictions())
    if list(record.contradictions) != columns or list(record.contradictions_dtypes) != columns:
        problems.add(
            f"The contradictions have the columns {quoted(record.contradictions)}; expected {quoted(columns)}."
        )
        return no_contradictions()
    table = {name: list(column) for name, column in record.contradictions.items()}
    return WholeTable(table).astype(dict(record.contradictions_dtypes))
