"""A model file of the kind "association": regressions instead of a cross-lagged model, hence a reader of its own."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import tomlkit

from ..basics.calls import checked
from ..basics.given import SEED as A_SEED, is_whole, shown
from ..basics.names import choices, quoted
from ..basics.problems import ModelFileError, Problems
from ..basics.writing import write_text
from ..spec.association import RandomInterceptRegression
from .keys import WHOLE, Key, is_count, is_text, read_sampling
from .reading import document_of, named_text
from .sections import FORMAT

if TYPE_CHECKING:
    from ..questions.answer import Answer

__all__ = ["AssociationFile", "load_association", "save_association"]

KIND = "association"
SECTIONS = ("format", "title", "panel", "model", "regression", "sampling")
OPTIONS = tuple(option.name for option in fields(RandomInterceptRegression))
SHARED = {"panel": ("person", "time", "times", "time_unit"), "model": ("time_zero", "time_step")}
OWN = ("name", *(name for name in OPTIONS if name not in SHARED["panel"] + SHARED["model"]))
SAMPLING = {
    "draws": Key(WHOLE, is_count),
    "chains": Key(WHOLE, is_count),
    "seed": Key(A_SEED, lambda value: is_whole(value, least=0)),
}
SEED = 1


@checked(ModelFileError)
@dataclass(frozen=True, kw_only=True)
class AssociationFile:
    """Regressions that can be written down before the data are seen.

    Made by `load_association`; written by `save_association`.

    Attributes
    ----------
    title
        What is asked, in words.
    regressions
        By name, in order; all of the same persons and times.
    sampling
        Arguments of `association` by name, those that are given: ``draws``, ``chains``, ``seed``.

    Examples
    --------
    >>> list(load_association("association-kelly-2016").regressions)
    ['alliance beyond contact', 'sponsor']
    """

    title: str
    regressions: Mapping[str, RandomInterceptRegression]
    sampling: Mapping[str, int] = field(default_factory=dict)

    @checked(ModelFileError)
    def ask(self, frame: pd.DataFrame | str | PathLike[str], **settings: int) -> "dict[str, Answer]":
        """Answer each regression of the file.

        Parameters
        ----------
        frame
            One row per person and time, or the path of a file.
        settings
            Arguments of `association`, instead of the file's.
        """
        from ..questions.association import association

        chosen: dict[str, Any] = {"seed": SEED, **self.sampling, **settings}
        return {name: association(regression, frame, **chosen) for name, regression in self.regressions.items()}

    def __str__(self) -> str:
        return "\n".join([self.title, *(f"{name}: {regression}" for name, regression in self.regressions.items())])


@checked(ModelFileError)
def load_association(path: str | PathLike[str]) -> AssociationFile:
    """Read a TOML model file whose ``[model]`` has ``kind = "association"``.

    Parameters
    ----------
    path
        The file, or the name of one that comes with the package, "association-kelly-2016".

    Raises
    ------
    ModelFileError
        If there is no such file, or it cannot be read as one; lists every problem found.
    """
    return _read(*named_text(path))


@checked(ModelFileError)
def save_association(file: AssociationFile, path: str | PathLike[str]) -> Path:
    """Write an association file, which `load_association` reads as an equal one.

    Parameters
    ----------
    file
        What to write; its regressions share person and time.
    path
        The TOML file; an existing one is replaced.
    """
    first = next(iter(file.regressions.values())).to_mapping()
    document: dict[str, Any] = {"format": FORMAT, "title": file.title}
    document["panel"] = {name: first[name] for name in SHARED["panel"] if name in first}
    document["model"] = {"kind": KIND} | {name: first[name] for name in SHARED["model"] if name in first}
    document["regression"] = [
        {"name": name} | {key: value for key, value in each.to_mapping().items() if key in OWN}
        for name, each in file.regressions.items()
    ]
    if file.sampling:
        document["sampling"] = dict(file.sampling)
    text = tomlkit.dumps(document)
    if _read(text, Path(path).name) != file:
        raise ModelFileError("The regressions differ in person or time, which one file cannot hold.")
    return write_text(path, text)


def _read(text: str, name: str) -> AssociationFile:
    document = document_of(text, name)
    problems = Problems(f"{name} cannot be used as an association file")
    _check_keys(document, SECTIONS, "The file", problems)
    if not is_whole(document.get("format"), least=FORMAT, most=FORMAT):
        problems.add(f"format must be the number {FORMAT}; got {shown(document.get('format'))}.")
    if not isinstance(document.get("title"), str):
        problems.add("title must be a text.")
    shared: dict[str, Any] = {}
    for section, names in SHARED.items():
        found = document.get(section, {})
        if not isinstance(found, dict):
            problems.add(f"{section} must be a section, [{section}].")
            continue
        _check_keys(found, (*names, "kind") if section == "model" else names, f"[{section}]", problems)
        shared |= {key: value for key, value in found.items() if key in names}
    kind = document["model"].get("kind") if isinstance(document.get("model"), dict) else None
    if kind != KIND:
        problems.add(f"[model] kind must be '{KIND}'; got {shown(kind)}. Other kinds are read by ab.load_model.")
    sampling = document.get("sampling", {})
    if isinstance(sampling, dict):
        sampling = read_sampling(sampling, SAMPLING, problems)
    else:
        problems.add("sampling must be a section, [sampling].")
    regressions = _regressions(document.get("regression"), shared, problems)
    problems.raise_as(ModelFileError)
    return AssociationFile(title=document["title"], regressions=regressions, sampling=sampling)


def _regressions(given: object, shared: Mapping[str, Any], problems: Problems) -> dict[str, RandomInterceptRegression]:
    if not isinstance(given, list) or not given or not all(isinstance(each, dict) for each in given):
        problems.add("regression must be one or more sections, [[regression]].")
        return {}
    found: dict[str, RandomInterceptRegression] = {}
    for place, section in enumerate(given, start=1):
        label = f"[[regression]] {place}"
        _check_keys(section, OWN, label, problems)
        missing = [name for name in ("name", "outcomes", "exposures", "formula") if name not in section]
        if missing:
            problems.add(f"{label} needs {quoted(missing)}.")
        elif not is_text(section["name"]):
            problems.add(f"{label} name must be a text; got {shown(section['name'])}.")
        elif section["name"] in found:
            problems.add(f"{label} has the name of another, '{section['name']}'.")
        else:
            options = {key: value for key, value in section.items() if key in OWN and key != "name"}
            with problems.collecting(f"{label}: "):
                found[section["name"]] = RandomInterceptRegression(**options, **shared)
    return found


def _check_keys(found: Mapping[str, Any], known: tuple[str, ...], where: str, problems: Problems) -> None:
    for key in found:
        if key not in known:
            problems.add(f"{where} has no key '{key}'{choices(key, known, 'Keys')}")
