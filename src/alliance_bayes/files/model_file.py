"""A model file: data, model, priors and the questions to be asked, all in one."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import tomlkit

from ..basics.calls import checked
from ..basics.names import number
from ..basics.problems import ModelFileError, PanelError, Problems
from ..basics.writing import write_text
from ..panel import Panel, read_frame
from ..panel.checks import usable_columns
from ..panel.frames import check_frame
from ..simulation import GroupTruth, Truth, simulate
from ..spec.cross_lagged import CrossLagged
from ..spec.mapping import spec_to_mapping
from .columns import DerivedColumn, add_derived
from .questions import Question, frozen
from .reading import document_of, packaged_text, text_at
from .sections import FORMAT, read_sections

if TYPE_CHECKING:
    from ..posterior.fitting import Fit
    from .asking import Answer

__all__ = ["ModelFile", "Question", "load_model", "packaged_model", "save_model"]

SECTIONS_OF_MODEL = ("families", "state", "selection")


@checked(ModelFileError)
@dataclass(frozen=True, kw_only=True)
class ModelFile:
    """Everything about an analysis that can be written down before the data are seen.

    Made by `load_model` or `packaged_model`, which check it; written by `save_model`.

    Attributes
    ----------
    title
        What is asked, in words.
    layout
        Arguments of `Panel.from_long` by name: ``person``, ``time`` and ``measures``, and those of
        ``times``, ``time_unit``, ``requires``, ``contradictions``, ``interviewed``, ``covariates``,
        ``group`` and ``own_time`` that are given.
        Where the times are numbers, labels in ``times`` are read as numbers.
    columns
        Derived column to the rule that makes it of others, in order.
    spec
        The model with its priors.
    questions
        What `ask` answers.
    sampling
        Arguments of `fit` by name, those that are given: ``draws``, ``tune``, ``chains``,
        ``target_accept``, ``seed``.
    truth
        True values to simulate from, or None.

    Examples
    --------
    >>> file = packaged_model("help-direction")
    >>> print(file.questions[0])
    directionality between alliance and days, margin 0.03, certainty 0.95
    """

    title: str
    layout: Mapping[str, Any]
    spec: CrossLagged
    columns: Mapping[str, DerivedColumn] = field(default_factory=dict)
    questions: tuple[Question, ...] = ()
    sampling: Mapping[str, Any] = field(default_factory=dict)
    truth: Truth | GroupTruth | None = None

    def __post_init__(self) -> None:
        for name in ("layout", "sampling"):
            object.__setattr__(self, name, frozen(getattr(self, name)))

    @checked(ModelFileError)
    def panel(self, frame: pd.DataFrame | str | PathLike[str]) -> Panel:
        """Panel of a long data frame, with the derived columns made first.

        Parameters
        ----------
        frame
            The data, one row per person and time, or the path of a ``.csv``, ``.parquet``,
            ``.sav``, ``.zsav`` or ``.dta`` file.

        Raises
        ------
        PanelError
            If the file cannot be read, a derived column cannot be made or would replace a column,
            or the data are not a panel; lists every problem found.

        Warns
        -----
        PanelWarning
            As `Panel.from_long`.
        """
        source = "data frame" if isinstance(frame, pd.DataFrame) else Path(frame).name
        labels = [self.layout["person"], *([self.layout["group"]] if self.layout.get("group") else [])]
        data = frame if isinstance(frame, pd.DataFrame) else read_frame(frame, labels=labels)
        problems = Problems(f"{source} is not yet a panel of {self.layout['person']} by {self.layout['time']}")
        check_frame(data, problems)
        data, failed = add_derived(data, self.columns, problems)
        layout = _readable(_with_labels(self.layout, data), failed, data, problems)
        panel = None
        with problems.collecting():
            panel = Panel.from_long(data, **layout) if layout else None
        problems.raise_as(PanelError)
        assert panel is not None
        return replace(panel, source=source)

    @checked(ModelFileError)
    def check(self, frame: pd.DataFrame | str | PathLike[str]) -> str:
        """What would be fitted to these data, without sampling.

        Parameters
        ----------
        frame
            As in `panel`.

        Returns
        -------
        str
            The file in words, the number of free parameters, and the panel.

        Raises
        ------
        PanelError
            As in `panel`.
        SpecError
            If the model is not identified on these data, or does not fit them.
        """
        from ..engine.model_on_panel import panel_model

        panel = self.panel(frame)
        model = panel_model(self.spec, panel)
        fitted = f"No problems: {model.system.n_parameters} free parameters can be fitted."
        return "\n".join([f"{self}\n\n{panel}\n\n{fitted}", *(f"Beware: {each}" for each in model.few_people)])

    def ask(self, fit: "Fit") -> "tuple[Answer, ...]":
        """Answers to the file's questions, in order.

        Parameters
        ----------
        fit
            A fit of `spec` to `panel`.

        Returns
        -------
        tuple
            What the functions give that the questions are called by; for a question of direction
            that names more than two measures a `DirectionalityOfPairs`.
        """
        from .asking import answer

        return tuple(answer(question, fit) for question in self.questions)

    @checked(ModelFileError)
    def simulate(self, *, persons: int, seed: int) -> pd.DataFrame:
        """Draw a long data frame from `truth`, laid out as the file reads it.

        Parameters
        ----------
        persons
            How many, at least 2; where the truth has groups, of each.
        seed
            Whole number, at least 0; the same seed gives the same frame.

        Returns
        -------
        pandas.DataFrame
            One row per person and time. Every value is there, so that interviews are 1, and so are states that the
            model does not have; everybody was asked at the planned times.

        Raises
        ------
        ModelFileError
            If the file has no truth, or derives a measure, whose items a truth does not have.
        SpecError
            If `persons` or `seed` is out of range.
        """
        if self.truth is None:
            raise ModelFileError(f"'{self.title}' has no [truth] to simulate from; add that section to the file.")
        derived = [name for name in self.columns if name in self.layout["measures"]]
        if derived:
            raise ModelFileError(
                f"'{self.title}' makes '{derived[0]}' of other columns, which a truth does not have. "
                "Use ab.simulate(file.truth, ...), or read the measure as a column of its own."
            )
        frame = simulate(self.truth, persons=persons, seed=seed).to_frame()
        frame["own_time"] = frame["time"]
        times = self.layout.get("times")
        if isinstance(times, Mapping):
            frame["time"] = frame["time"].map({time: label for label, time in times.items()})
        states = {name: 1 for name in self.layout.get("requires", {}).values() if name not in frame}
        seen = self.layout.get("interviewed")
        names = {name: self.layout[name] for name in ("person", "time", "group", "own_time") if name in self.layout}
        names["interviewed"] = seen
        frame = frame.drop(columns=[name for name in ("interviewed", "own_time") if name not in self.layout])
        return frame.assign(**states).rename(columns=names)

    def __str__(self) -> str:
        lines = [self.title, f"Model: {self.spec}"]
        lines += [f"Column: {name} = {column}" for name, column in self.columns.items()]
        lines += ["Priors:", *(f"  {line}" for line in str(self.spec.priors).splitlines())]
        lines += [f"  {what}: {prior}" for what, prior in self.spec.priors_of_options.items()]
        lines += [f"Question {place}: {question}" for place, question in enumerate(self.questions, start=1)]
        if self.sampling:
            lines.append("Sampling: " + ", ".join(f"{name} {number(value)}" for name, value in self.sampling.items()))
        return "\n".join(lines)


@checked(ModelFileError)
def load_model(path: str | PathLike[str]) -> ModelFile:
    """Read a model file.

    Parameters
    ----------
    path
        A TOML file of format 1. Sections: ``[panel]``, ``[columns]``, ``[model]``, ``[priors]``,
        ``[sampling]``, ``[[question]]`` and ``[truth]``, of which the first and the third must be there. The model
        may have sections of its own: ``[model.families.days]``, ``[model.state]`` and ``[[model.selection]]``.

    Raises
    ------
    ModelFileError
        If there is no such file, it is not TOML, a key is unknown or missing, or a value is not what
        it may be; lists every problem found.

    Examples
    --------
    >>> load_model("help.toml")
    Traceback (most recent call last):
    ...
    alliance_bayes.ModelFileError: No model file 'help.toml'.
    """
    return _read(*text_at(path))


@checked(ModelFileError)
def packaged_model(name: str) -> ModelFile:
    """One of the model files that come with the package.

    Parameters
    ----------
    name
        The file's name, with or without ``.toml``.

    Raises
    ------
    ModelFileError
        If there is no such file.

    Examples
    --------
    >>> packaged_model("wages-direction").title
    'Do hours of work lead wages, or wages hours?'
    """
    return _read(packaged_text(name), f"{name.removesuffix('.toml')}.toml")


@checked(ModelFileError)
def save_model(model_file: ModelFile, path: str | PathLike[str]) -> Path:
    """Write a model file, which `load_model` reads as an equal one.

    Parameters
    ----------
    model_file
        What to write.
    path
        The TOML file; an existing one is replaced.

    Raises
    ------
    ModelFileError
        If what it holds cannot be read back; nothing is written then.
    """
    file = Path(path)
    text = _written(model_file)
    _read(text, file.name)
    return write_text(file, text)


def _read(text: str, name: str) -> ModelFile:
    document = document_of(text, name)
    kind = document["model"].get("kind") if isinstance(document.get("model"), dict) else None
    if kind == "association":
        raise ModelFileError(f"{name} asks for an association; read it with ab.load_association.")
    if kind == "causal_order":
        raise ModelFileError(f"{name} asks what would be under other regimes; read it with ab.load_causal.")
    problems = Problems(f"{name} cannot be used as a model file")
    parts = read_sections(document, problems)
    problems.raise_as(ModelFileError)
    return ModelFile(**parts)


def _written(file: ModelFile) -> str:
    model = spec_to_mapping(file.spec)
    priors = model.pop("priors", {})
    if model["measures"] == list(file.layout["measures"]):
        del model["measures"]
    document = tomlkit.document()
    document.add("format", tomlkit.item(FORMAT))
    document.add("title", tomlkit.item(file.title))
    sections: dict[str, Mapping[str, Any]] = {
        "panel": file.layout,
        "columns": {name: column.to_mapping() for name, column in file.columns.items()},
        "model": model,
        "priors": priors,
        "sampling": file.sampling,
        "truth": {} if file.truth is None else file.truth.to_mapping(),
    }
    for name, section in sections.items():
        if section:
            document.add(name, _model_table(section) if name == "model" else _table(section))
    if file.questions:
        questions = tomlkit.aot()
        for question in file.questions:
            questions.append(_table({"ask": question.ask, **question.options}))
        document.add("question", questions)
    return tomlkit.dumps(document)


def _table(values: Mapping[str, Any]) -> tomlkit.items.Table:
    table = tomlkit.table()
    for name, value in values.items():
        table.add(name, _inline(value) if isinstance(value, Mapping) else value)
    return table


def _model_table(model: Mapping[str, Any]) -> tomlkit.items.Table:
    """The model, with families, state and selection as sections of their own after all else."""
    table = _table({name: value for name, value in model.items() if name not in SECTIONS_OF_MODEL})
    if "families" in model:
        families = tomlkit.table(is_super_table=True)
        for name, family in model["families"].items():
            families.add(name, _table(family))
        table.add("families", families)
    if "state" in model:
        table.add("state", _table(model["state"]))
    if "selection" in model:
        selections = tomlkit.aot()
        for selection in model["selection"]:
            selections.append(_table(selection))
        table.add("selection", selections)
    return table


def _inline(values: Mapping[str, Any]) -> tomlkit.items.InlineTable:
    table = tomlkit.inline_table()
    table.update(values)
    return table


def _with_labels(layout: Mapping[str, Any], frame: pd.DataFrame) -> dict[str, Any]:
    """The layout with the labels of its times as numbers where the column holds numbers."""
    times, column = layout.get("times"), layout["time"]
    if not isinstance(times, Mapping) or column not in frame or not pd.api.types.is_numeric_dtype(frame[column]):
        return dict(layout)
    return {**layout, "times": {_number_or_text(label): time for label, time in times.items()}}


def _number_or_text(label: str) -> float | str:
    try:
        return float(label)
    except ValueError:
        return label


def _readable(
    layout: dict[str, Any], failed: set[str], frame: pd.DataFrame, problems: Problems
) -> dict[str, Any] | None:
    """What of the layout can be read without the columns that failed, to find the other problems; None if nothing."""
    if not failed:
        return layout
    needed = {"person": layout["person"], "time": layout["time"]}
    measures = [name for name in layout["measures"] if name not in failed]
    if not measures or failed.intersection(needed.values()):
        usable_columns(frame, [(use, name) for use, name in needed.items() if name not in failed], problems)
        return None
    states = {name: state for name, state in layout.get("requires", {}).items() if not failed & {name, state}}
    known = [name for name in layout.get("covariates", ()) if name not in failed]
    others = {name: None for name in ("interviewed", "group", "own_time") if layout.get(name) in failed}
    return {**layout, "measures": measures, "requires": states, "covariates": known, **others}
