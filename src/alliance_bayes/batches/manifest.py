"""What a folder of results is of: plan, seed, work and versions, so that results of two are never mixed."""

import json
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ..basics.json_records import read_record
from ..basics.problems import AllianceBayesError, Problems
from ..basics.writing import make_folder, write_text

__all__ = ["OTHER_FOLDER", "Manifest", "agree", "versions"]

MANIFEST = "plan.json"
PACKAGES = ("alliance_bayes", "numpy", "scipy", "numba", "nutpie", "pymc", "arviz-stats")
OTHER_FOLDER = "Name another folder, or remove this one to begin again."


@dataclass(frozen=True)
class Manifest:
    """Plan, seed and a description of the work, as plain JSON values, and the versions it is done with."""

    plan: str
    seed: int
    work: Mapping[str, Any]
    versions: Mapping[str, str]


def versions() -> dict[str, str]:
    """Versions of what decides the numbers."""
    return {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}}


def agree(folder: Path, manifest: Manifest) -> None:
    """Write the manifest of a plan into its folder, or refuse a folder with results of another."""
    path = folder / manifest.plan / MANIFEST
    values = json.loads(json.dumps(asdict(manifest)))
    if path.exists():
        problems = Problems(f"{path} describes no plan. {OTHER_FOLDER}")
        try:
            older = json.loads(path.read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise AllianceBayesError(f"{path} cannot be read: {error}. {OTHER_FOLDER}") from error
        read_record(Manifest, older, "The plan", problems)
        problems.raise_as(AllianceBayesError)
        if different := [*_differences(older, values)]:
            raise AllianceBayesError(
                f"{path.parent} holds results of another plan: {'; '.join(different)}. {OTHER_FOLDER}"
            )
        return
    make_folder(path.parent)
    write_text(path, json.dumps(values, indent=1, ensure_ascii=False) + "\n")


def _differences(older: Mapping[str, Any], newer: Mapping[str, Any]) -> list[str]:
    """What differs, named as in the file; the entries of sections one by one."""
    different = []
    for name in dict.fromkeys((*older, *newer)):
        before, now = older.get(name, "not there"), newer.get(name, "not there")
        if isinstance(before, Mapping) and isinstance(now, Mapping):
            different += _differences(before, now)
        elif before != now:
            different.append(f"{name} was {json.dumps(before)} and is {json.dumps(now)} now")
    return different
