"""A fit as one sealed netCDF file, and back as its parts."""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from ..basics.json_records import read_record
from ..basics.problems import AllianceBayesError, Problems
from ..basics.seals import has_seal, read_seal, seal_of
from ..basics.writing import check_path, write_file
from ..panel import Panel
from ..panel.dataset import ids_from_json, ids_to_json, is_mixed, panel_from_dataset, panel_to_dataset
from .keeping import AGAIN, KEPT, MANIFEST

__all__ = ["FORMAT", "FitRecord", "file_of_draws", "read_fit", "readable", "write_fit"]

FORMAT, FIRST_WITH_SEAL = 3, 2  # 3: lagged effects by path
NAME = "alliance_bayes"
HEAD = 4096
HDF5 = b"\x89HDF"
DRAWS = "draws.nc"
BARE_DIMENSION = b"This is a netCDF dimension but not a netCDF variable"
TRUSTED = "Go back to an unchanged copy, or fit the model again."


@dataclass(frozen=True)
class FitRecord:
    """A fit without its panel and draws, as in JSON."""

    spec: Mapping[str, Any]
    settings: Mapping[str, Any]
    incomplete: tuple[str, ...] = ()


def write_fit(path: str | os.PathLike[str], record: FitRecord, panel: Panel, draws: xr.DataTree) -> Path:
    """Write a fit to one netCDF file that ends in its seal, unless it would replace what is not a fit."""
    _check_older(path)
    # Encodings of an earlier file could compress the draws, and `_check_sizes` compares sizes with the file's length.
    groups = {name: group.drop_encoding() for name, group in draws.to_dict().items()}
    try:
        if is_mixed(panel.persons):
            groups = {name: _with_ids(group, ids_to_json) for name, group in groups.items()}
        tree = xr.DataTree.from_dict({**groups, "/panel": panel_to_dataset(panel)})
        tree.attrs[NAME] = json.dumps(asdict(record))
        # In memory first: HDF5 ends the process when the disk is full.
        content = tree.to_netcdf(engine="h5netcdf")
    except (TypeError, ValueError, MemoryError, OSError) as error:
        raise AllianceBayesError(
            f"These draws cannot be written as a netCDF file: {error}. Remove from fit.draws what is not numbers or "
            "text, or free memory."
        ) from error
    assert content is not None
    with content:  # released at once: a failure's traceback would hold it, and end the process when collected
        return write_file(path, content, seal_of(content, FORMAT))


def file_of_draws(path: str | os.PathLike[str]) -> str | os.PathLike[str]:
    """The path of a saved fit; of the folder of a run, that of its draws, refused where it is not finished."""
    check_path(path)
    folder = Path(path)
    try:
        status = json.loads((folder / MANIFEST).read_text("utf-8"))["status"]
    except (OSError, ValueError, TypeError, KeyError):
        status = "unfinished" if (folder / KEPT).is_dir() else ""
    if status == "unfinished":
        raise AllianceBayesError(f"The run in {path} is not finished. {AGAIN}")
    return folder / DRAWS if (folder / DRAWS).is_file() else path


def read_fit(path: str | os.PathLike[str]) -> tuple[FitRecord, Panel, xr.DataTree]:
    """Read what `write_fit` wrote, after checking every byte against the seal."""
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
        if is_mixed(panel.persons):
            for name, group in groups.items():
                read = partial(ids_from_json, what=f"The ids of '{name.removeprefix('/')}'", problems=problems)
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
        return  # writing reports whether a new file can be written there
    raise AllianceBayesError(
        f"{path} exists and was not written by Fit.save; it was left unchanged. Name another file, or remove that one."
    )


@contextmanager
def readable(path: str | os.PathLike[str]) -> Iterator[Problems]:
    """Report all errors of reading a sealed file in one message."""
    problems = Problems(
        f"{path} does not hold what Fit.save writes; go back to an unchanged copy, or fit the model again"
    )
    try:
        yield problems
    except AllianceBayesError as error:
        if str(error) != str(problems):
            problems.found += error.problems
        raise AllianceBayesError(str(problems), problems.found) from error
    except Exception as error:  # libraries may raise anything for a forged file
        first, *_ = f"{type(error).__name__}: {error}".splitlines()
        problems.add(f"{first}.")
        raise AllianceBayesError(str(problems), problems.found) from error


def _check_seal(path: str | os.PathLike[str]) -> None:
    check_path(path)
    try:
        if Path(path).is_dir():
            raise AllianceBayesError(
                f"{path} is a folder without {DRAWS}; name that of a finished run, or a file that Fit.save wrote."
            )
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
    """Whether the file has as many bytes as its variables declare, before memory is allocated."""
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


def _with_ids(group: xr.Dataset, change: Callable[[np.ndarray], np.ndarray]) -> xr.Dataset:
    """A group of draws with the ids of its people changed."""
    if "person" not in group.coords or group["person"].dims != ("person",):
        return group
    return group.assign_coords(person=("person", change(group["person"].to_numpy())))
