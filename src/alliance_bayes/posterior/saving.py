"""A panel as an xarray data set and back, and a fit as one sealed netCDF file and back, everything read checked."""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, TypeGuard

import numpy as np
import pandas as pd
import xarray as xr

from ..basics.json_records import read_record
from ..basics.names import quoted
from ..basics.problems import AllianceBayesError, PanelError, Problems
from ..basics.seals import has_seal, read_seal, seal_of
from ..basics.writing import write_file
from ..panel import Absence, Background, LeftOut, Moments, Panel
from ..panel.background import check_background
from ..panel.checks import check_decision, check_measures, check_requires, check_times
from ..panel.frames import check_states
from ..panel.settling import no_contradictions

__all__ = ["FORMAT", "FitRecord", "panel_from_dataset", "panel_to_dataset", "read_fit", "readable", "write_fit"]

FORMAT, FIRST_WITH_SEAL = 3, 2  # 3: lagged effects by path
NAME = "alliance_bayes"
HEAD = 4096
HDF5 = b"\x89HDF"
DRAWS = "draws.nc"
BARE_DIMENSION = b"This is a netCDF dimension but not a netCDF variable"
MOST_WIDENING = 64
TRUSTED = "Go back to an unchanged copy, or fit the model again."

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
    contradictions: Mapping[str, tuple[Any, ...]]
    contradictions_dtypes: Mapping[str, str]
    decision: Literal["refuse", "drop_value", "state_on"]
    persons_dtype: str | None = None
    persons_in_json: bool = False
    groups: tuple[str, ...] | None = None
    pattern_groups: tuple[str, ...] | None = None
    group_times: Mapping[str, tuple[float, ...]] | None = None


@dataclass(frozen=True)
class FitRecord:
    """What a fit holds besides its panel and draws, as it stands in JSON."""

    spec: Mapping[str, Any]
    settings: Mapping[str, Any]
    incomplete: tuple[str, ...] = ()


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
        contradictions={str(name): tuple(column) for name, column in panel.contradictions.to_dict("list").items()},
        contradictions_dtypes={str(name): str(dtype) for name, dtype in panel.contradictions.dtypes.items()},
        decision=panel.decision,
        persons_dtype=None if panel.persons is None else panel.persons.dtype.str,
        persons_in_json=_is_mixed(panel.persons),
        groups=_listed(background.groups),
        pattern_groups=_listed(background.pattern_groups),
        group_times={name: tuple(times) for name, times in background.group_times.items()} or None,
    )
    if panel.moments is not None:
        held = {f"moments {name}": array for name, array in vars(panel.moments).items()}
    else:
        persons = panel.persons
        held = {
            "persons": _in_json(persons) if _is_mixed(persons) else persons,
            "values": panel.values,
            "absence": panel.absence,
        }
        held |= {f"state {name}": state for name, state in panel.states.items()}
        held |= {f"covariate {name}": covariate for name, covariate in panel.covariates.items()}
        held["own_times"] = panel.own_times
    variables = {name: (_described(name)[0], array) for name, array in held.items() if array is not None}
    return xr.Dataset(variables, attrs={"panel": json.dumps(asdict(record), default=_plain)})


def panel_from_dataset(dataset: xr.Dataset) -> Panel:
    """Read what `panel_to_dataset` made.

    Raises
    ------
    PanelError
        If it is not what a panel would have made; lists every problem found.
    """
    problems = Problems("The panel cannot be read")
    record = read_record(PanelRecord, json.loads(dataset.attrs.get("panel", "null")), "The panel", problems)
    held = {str(name): array.to_numpy() for name, array in dataset.data_vars.items()}
    _check_variables(dataset, held, problems)
    problems.raise_as(PanelError)
    assert record is not None
    if record.persons_in_json and "persons" in held:
        held["persons"] = _out_of_json(held["persons"], "The ids", problems)
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
        contradictions=contradictions,
        decision=record.decision,
        background=background,
    )


def write_fit(path: str | os.PathLike[str], record: FitRecord, panel: Panel, draws: xr.DataTree) -> Path:
    """Write a fit to one netCDF file that ends in its seal.

    Raises
    ------
    AllianceBayesError
        If it cannot be written, or would replace what is not a fit; an older file is as it was.
    """
    _check_older(path)
    # Encodings of where draws came from could compress them, and the sizes of a file are held against its length.
    groups = {name: group.drop_encoding() for name, group in draws.to_dict().items()}
    try:
        if _is_mixed(panel.persons):
            groups = {name: _with_ids(group, _in_json) for name, group in groups.items()}
        tree = xr.DataTree.from_dict({**groups, "/panel": panel_to_dataset(panel)})
        tree.attrs[NAME] = json.dumps(asdict(record))
        # In memory first: HDF5 ends the process when the disk is full.
        content = tree.to_netcdf(engine="h5netcdf")
    except (TypeError, ValueError, MemoryError, OSError) as error:
        raise AllianceBayesError(
            f"These draws cannot be laid out as a netCDF file: {error}. Remove from fit.draws what is not numbers or "
            "text, or free memory."
        ) from error
    assert content is not None
    with content:  # released at once: a failure's traceback would hold it, and end the process when collected
        return write_file(path, content, seal_of(content, FORMAT))


def read_fit(path: str | os.PathLike[str]) -> tuple[FitRecord, Panel, xr.DataTree]:
    """What `write_fit` wrote, after every byte was held against the seal.

    Raises
    ------
    AllianceBayesError
        If there is no such file, it was changed or cut off, or what it holds is not a fit.
    """
    _check_seal(path)
    with readable(path) as problems:
        _check_sizes(path, problems)
        problems.raise_as(AllianceBayesError)
        with xr.open_datatree(Path(path), engine="h5netcdf") as opened:
            tree = opened.load()
        record = read_record(FitRecord, json.loads(tree.attrs.pop(NAME, "null")), "The fit", problems)
        if "panel" not in tree.children:
            problems.add("The panel is missing.")
        problems.raise_as(AllianceBayesError)
        assert record is not None
        groups = {name: group for name, group in tree.to_dict().items() if name != "/panel"}
        panel = panel_from_dataset(tree["panel"].to_dataset())
        if _is_mixed(panel.persons):
            for name, group in groups.items():
                read = partial(_out_of_json, what=f"The ids of '{name.removeprefix('/')}'", problems=problems)
                groups[name] = _with_ids(group, read)
            problems.raise_as(AllianceBayesError)
        return record, panel, xr.DataTree.from_dict(groups)


def _check_older(path: str | os.PathLike[str]) -> None:
    """Refuse to replace a file that no fit was written to."""
    try:
        with Path(path).open("rb") as file:
            head = _head(file)
            if not head or has_seal(file) or (head.startswith(HDF5) and NAME.encode() in head):
                return
    except (OSError, TypeError, ValueError):
        return  # whether a new file can be written there is said where it is
    raise AllianceBayesError(
        f"{path} exists and was not written by Fit.save; it is left as it was. Name another file, or remove that one."
    )


@contextmanager
def readable(path: str | os.PathLike[str]) -> Iterator[Problems]:
    """Whatever goes wrong while a sealed file is read is said as its problems, in one message."""
    problems = Problems(
        f"{path} does not hold what Fit.save writes; go back to an unchanged copy, or fit the model again"
    )
    try:
        yield problems
    except AllianceBayesError as error:
        if str(error) != str(problems):
            problems.found += error.problems
        raise AllianceBayesError(str(problems), problems.found) from error
    except Exception as error:  # what libraries raise for a file that was forged is without limits
        first, *_ = f"{type(error).__name__}: {error}".splitlines()
        problems.add(f"{first}.")
        raise AllianceBayesError(str(problems), problems.found) from error


def _check_seal(path: str | os.PathLike[str]) -> None:
    if not isinstance(path, str | os.PathLike):
        raise AllianceBayesError(f"A file's path must be text or a pathlib.Path; got {path!r}.")
    try:
        if Path(path).is_dir():
            draws = Path(path) / DRAWS
            where = f"its draws are in {draws}" if draws.is_file() else "name a file in it"
            raise AllianceBayesError(f"{path} is a folder; {where}.")
        if not Path(path).is_file():
            raise AllianceBayesError(f"There is no file {path}.")
        with Path(path).open("rb") as file:
            seal, head = read_seal(file), _head(file)
    except OSError as error:
        raise AllianceBayesError(f"{path} cannot be read: {error.strerror or error}.") from error
    if seal is None and NAME.encode() in head:
        raise AllianceBayesError(
            f"{path} does not end in the checksum that Fit.save writes: it is cut off, was changed at its end, or was "
            f"written before format {FIRST_WITH_SEAL}. {TRUSTED}"
        )
    if seal is None:
        raise AllianceBayesError(f"{path} was not written by Fit.save.")
    if seal.format != FORMAT:
        raise AllianceBayesError(
            f"{path} has format {seal.format}; this version reads {FORMAT}. Read it with the version that wrote it, or "
            "fit the model again."
        )
    if not seal.intact:
        raise AllianceBayesError(f"{path} was changed since Fit.save wrote it: its checksum differs. {TRUSTED}")


def _head(file: Any) -> bytes:
    file.seek(0)
    return bytes(file.read(HEAD))


def _check_sizes(path: str | os.PathLike[str], problems: Problems) -> None:
    """Whether the file holds as many bytes as its variables declare, before memory is asked for."""
    import h5py

    size, total = Path(path).stat().st_size, 0

    def add(name: str, item: object) -> None:
        nonlocal total
        if not isinstance(item, h5py.Dataset) or item.size == 0:
            return
        if bytes(item.attrs.get("NAME", b"")).startswith(BARE_DIMENSION) and None not in item.maxshape:
            return
        declared, stored = (item.size or 0) * item.id.get_type().get_size(), item.id.get_storage_size()
        total += stored
        if declared > stored or None in item.maxshape:
            problems.add(f"'{name}' declares {declared:,} bytes, and {stored:,} are stored.")

    with h5py.File(path, "r") as file:
        file.visititems(add)
    if total > size:
        problems.add(f"The variables declare {total:,} bytes, and the file has {size:,}.")


def _is_mixed(ids: np.ndarray | None) -> TypeGuard[np.ndarray]:
    """Whether ids are numbers and text, or numbers of several kinds, which no variable of a file holds."""
    return ids is not None and ids.dtype == object and not all(isinstance(one, str) for one in ids)


def _in_json(ids: np.ndarray) -> np.ndarray:
    """Mixed ids as JSON, which tells 1 from "1"."""
    return np.array([json.dumps(one, default=_plain) for one in ids], dtype=object)


def _plain(value: object) -> object:
    """The number of Python that a number of numpy is."""
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"ids are {type(value).__name__} values")


def _out_of_json(texts: np.ndarray, what: str, problems: Problems) -> np.ndarray:
    """The ids that `_in_json` made text of."""
    ids = np.empty(len(texts), dtype=object)
    for place, text in enumerate(texts.tolist()):
        try:
            ids[place] = json.loads(text)
        except (TypeError, ValueError):
            ids[place] = None
        if type(ids[place]) not in (str, int, float) or ids[place] != ids[place]:
            problems.add(f"{what} must be numbers and text in JSON; got {quoted([text])[:60]}.")
            break
    return ids


def _with_ids(group: xr.Dataset, change: Callable[[np.ndarray], np.ndarray]) -> xr.Dataset:
    """A group of draws with the ids of its people changed."""
    if "person" not in group.coords or group["person"].dims != ("person",):
        return group
    return group.assign_coords(person=("person", change(group["person"].to_numpy())))


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
    seen = observed.reshape(len(n), -1)
    both = seen[:, :, None] & seen[:, None, :]
    mirrored = covariance.transpose(0, 2, 1)
    if not (np.isfinite(covariance[both]).all() and (covariance[both] == mirrored[both]).all()):
        problems.add("Covariances are missing where values were observed, or are not symmetric.")


def _check_studies(record: PanelRecord, n_patterns: int, problems: Problems) -> None:
    labels, times = record.pattern_groups, record.group_times or {}
    if labels is not None and len(labels) != n_patterns:
        problems.add(f"pattern_groups names {len(labels)} patterns; expected {n_patterns}.")
    if times and set(times) != set(labels or ()):
        problems.add(f"group_times is of {quoted(times)}; expected {quoted(sorted(set(labels or ())))}.")
    for name, own in times.items():
        with problems.collecting(f"'{name}': "):
            alone = Problems("")
            check_times(own, alone)
            alone.raise_as(PanelError)


def _checked_contradictions(record: PanelRecord, problems: Problems) -> pd.DataFrame:
    columns = list(no_contradictions())
    if list(record.contradictions) != columns or list(record.contradictions_dtypes) != columns:
        problems.add(
            f"The contradictions have the columns {quoted(record.contradictions)}; expected {quoted(columns)}."
        )
        return no_contradictions()
    table = {name: list(column) for name, column in record.contradictions.items()}
    return pd.DataFrame(table).astype(dict(record.contradictions_dtypes))
