"""A model file: data, model, priors and the questions to be asked, all in one; one class for every kind."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import Any

import pandas as pd

from ..basics.calls import checked
from ..basics.declared import Table as TomlTable, read_partly
from ..basics.given import shown
from ..basics.names import number
from ..basics.problems import ModelFileError, PanelError, Problems
from ..basics.writing import write_text
from ..panel import Panel
from ..panel.delimited import OPEN, Layout
from ..panel.preparing import check_frame, recoded, table_of
from ..panel.reading import Table
from ..questions.answer import Answer
from ..simulation import simulate
from .content import Content, Kind, Rows
from .kinds import association, causal_order, panel_model
from .reading import document_of, packaged_text, text_at
from .sections import FORMAT
from .terms import as_in_a_file
from .writing import as_toml

__all__ = ["ModelFile", "load", "packaged_model"]

KINDS = (panel_model.KIND, causal_order.KIND, association.KIND)
SEED = 1

type Data = Any
"""A data frame of pandas, Polars or PyArrow, or the path of a file."""


@checked(ModelFileError)
@dataclass(frozen=True, kw_only=True)
class ModelFile(Content):
    """Everything about an analysis that can be decided before the data are analysed.

    Made by `load` or `packaged_model`, which check it; written by `save`.

    Attributes
    ----------
    title
        What is asked, in words.
    spec
        What is fitted: a cross-lagged model with its priors, such as `RICLPM`; `CausalRegressions`; or a
        `RandomInterceptRegression` by name, for associations.
    panel_options
        The given arguments of `Panel.from_long` by name, such as ``person``, ``time``, ``measures`` and ``times``.
        Where the times are numbers, labels in ``times`` are read as numbers. Empty for associations. Measures by the
        names of their columns are those of `Panel.from_wide`.
    reading
        The given ones of ``missing``, ``delimiter``, ``encoding`` and ``decimal``, as in `Panel.from_long`.
    columns
        Name of each derived column to its rule, in order.
    questions
        What `ask` answers. In files of associations the regressions are the questions.
    sampling
        The given ones of ``draws``, ``tune``, ``chains``, ``target_accept`` and ``seed``.
    truth
        True values to simulate a panel from, or None.

    Examples
    --------
    >>> file = packaged_model("help-direction")
    >>> print(file.questions[0])
    directionality between alliance and days, margin 0.03, certainty 0.95
    """

    def __post_init__(self) -> None:
        if not any(isinstance(self.spec, kind.spec) for kind in KINDS):
            raise ModelFileError(
                "spec must be a model, such as ab.RICLPM(['x', 'y']), ab.CausalRegressions(...), or a dict from names "
                f"to ab.RandomInterceptRegression(...); got {shown(self.spec)}."
            )
        for name in ("panel_options", "reading", "sampling"):
            object.__setattr__(self, name, _frozen(getattr(self, name)))

    @property
    def kind(self) -> str:
        """Which kind of file this is, in words."""
        return self._kind.name

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the answers that `ask` gives, in order."""
        return self._kind.names(self)

    @property
    def settings(self) -> tuple[str, ...]:
        """Names of the settings that `sampling` may hold."""
        return tuple(self._kind.sampling.model_fields)

    @property
    def _kind(self) -> Kind:
        return next(kind for kind in KINDS if isinstance(self.spec, kind.spec))

    @checked(ModelFileError)
    def panel(self, data: Data) -> Panel:
        """Panel of the data, with the derived columns made first.

        Parameters
        ----------
        data
            A data frame with one row per person and time, or, where the file says so, with one row per person; or the
            path of a file that `read_frame` reads.

        Returns
        -------
        Panel
            For regressions, of the columns that they read; those that vary within persons are its measures.

        Raises
        ------
        PanelError
            If the file cannot be read, a derived column cannot be made or would replace a column,
            or the data are not a panel; lists every problem.

        Warns
        -----
        PanelWarning
            As `Panel.from_long`.
        """
        return self._kind.panel(self, self._table(data))

    @checked(ModelFileError)
    def read(self, data: Data | Panel | Rows) -> Panel | Rows:
        """The data as the spec is fitted to them; printing them describes them.

        Parameters
        ----------
        data
            As in `panel`; a panel or rows read before are returned unchanged.

        Returns
        -------
        Panel or Rows
            A panel for a model of a panel. For regressions in causal order one row per person and one column per
            variable; where a state is off, the variables that require it, or are 0 without it, are 0. For associations
            the rows of the data.

        Raises
        ------
        PanelError
            As in `panel`.
        ModelFileError
            If the data do not hold a variable of a regression.
        """
        return data if isinstance(data, Panel | Rows) else self._kind.data(self, self._table(data))

    @checked(ModelFileError)
    def check(self, data: Data) -> str:
        """What would be fitted to these data, without sampling.

        Parameters
        ----------
        data
            As in `panel`.

        Returns
        -------
        str
            The file in words, the data, and what can be fitted to them.

        Raises
        ------
        PanelError
            As in `panel`.
        SpecError
            If the model is not identified on these data, or does not fit them.
        ModelFileError
            If the data do not hold a variable of a regression.
        """
        read = self.read(data)
        return "\n".join([f"{self}\n\n{read}\n", *self._kind.check(self, read)])

    def doubts(self, data: Panel | Rows) -> list[str]:
        """What is doubtful about this model of these data, such as counts that are modelled as normal."""
        return self._kind.doubts(self, data)

    @checked(ModelFileError)
    def preview(self, data: Data | Panel | Rows, **settings: Any) -> str:
        """One line on what sampling may come to: approximate effects and verdicts, by `ab.preview`.

        Parameters
        ----------
        data
            As in `panel`, or what `read` made of it.
        settings
            As in `fit`.

        Returns
        -------
        str
            Empty for what has no preview: regressions, and models with families, a state or a selection.
        """
        file = self.with_settings(**settings)
        return self._kind.preview(file, self.read(data))

    @checked(ModelFileError)
    def fit(self, data: Data | Panel | Rows, **settings: Any) -> Any:
        """Sample the fit, or fits, that the questions are asked of.

        Parameters
        ----------
        data
            As in `panel`, or what `read` made of it.
        settings
            Replace those of the file; names in `settings`. The default seed is 1.

        Returns
        -------
        Fit or dict
            For a model of a panel its fit, or, where every question is about maximum likelihood, the model on its
            panel, nothing sampled; for regressions in causal order a dict from the name of each question to
            its `CausalOrder`; for associations the answers by name.
        """
        file = self.with_settings(**settings)
        return self._kind.fit(file, self.read(data))

    @checked(ModelFileError)
    def ask(self, data: Any, **settings: Any) -> dict[str, Answer]:
        """Answers to the file's questions, in order.

        Parameters
        ----------
        data
            As in `fit`, or what `fit` returned.
        settings
            As in `fit`.

        Returns
        -------
        dict
            Name of each question to its answer. A question without a name is called what it asks, such as
            "directionality", and a second one "directionality 2".
        """
        file = self.with_settings(**settings)
        is_data = isinstance(data, pd.DataFrame | str | PathLike | Panel | Rows) or hasattr(data, "to_pandas")
        fitted = file.fit(data) if is_data else data
        return dict(self._kind.ask(file, fitted))

    def with_settings(self, **settings: Any) -> "ModelFile":
        """The file with other settings of sampling.

        Raises
        ------
        ModelFileError
            If there is no such setting, or a value is out of range.
        """
        problems = Problems(f"'{self.title}' cannot be sampled so")
        given = read_partly(self._kind.sampling, settings, "", problems).given()
        problems.raise_as(ModelFileError)
        chosen = {"seed": SEED, **self.sampling, **given}
        return replace(self, sampling={name: chosen[name] for name in self.settings if name in chosen})

    @checked(ModelFileError)
    def simulate(self, *, persons: int, seed: int) -> pd.DataFrame:
        """Draw a long data frame from `truth`, laid out as the file reads it.

        Parameters
        ----------
        persons
            How many, at least 2; with groups, in each group.
        seed
            Whole number, at least 0; the same seed gives the same frame.

        Returns
        -------
        pandas.DataFrame
            One row per person and time, without missing values: columns of interviews, and of states that the model
            does not have, are 1, and every interview is at its planned time.

        Raises
        ------
        ModelFileError
            If the file has no truth, or derives a measure from columns that a truth does not have.
        SpecError
            If `persons` or `seed` is out of range.
        """
        options = self.panel_options
        if self._kind is not panel_model.KIND:
            raise ModelFileError(f"'{self.title}' is about {self.kind}; only a model of a panel can be simulated.")
        if self.truth is None:
            raise ModelFileError(f"'{self.title}' has no [truth] to simulate from; add that section to the file.")
        derived = [name for name in self.columns if name in options["measures"]]
        if derived:
            raise ModelFileError(
                f"'{self.title}' derives '{derived[0]}' from other columns, which a truth does not have. "
                "Use ab.simulate(file.truth, ...), or take the measure out of [columns]."
            )
        frame = simulate(self.truth, persons=persons, seed=seed).to_frame()
        if isinstance(options["measures"], Mapping):
            return _wide(frame, options)
        frame["own_time"] = frame["time"]
        times = options.get("times")
        if isinstance(times, Mapping):
            frame["time"] = frame["time"].map({time: label for label, time in times.items()})
        states = {name: 1 for name in options.get("requires", {}).values() if name not in frame}
        names = {name: options[name] for name in ("person", "time", "group", "own_time") if name in options}
        names["interviewed"] = options.get("interviewed")
        frame = frame.drop(columns=[name for name in ("interviewed", "own_time") if name not in options])
        return frame.assign(**states).rename(columns=names)

    @checked(ModelFileError)
    def save(self, path: str | PathLike[str]) -> Path:
        """Write the file; `load` reads it as an equal one.

        Parameters
        ----------
        path
            The TOML file; an existing one is replaced.

        Raises
        ------
        ModelFileError
            If it cannot be read back as an equal one; nothing is written then.
        """
        sections: dict[str, Any] = {"format": FORMAT, "title": self.title, "panel": {}}
        sections["columns"] = {name: column.given() for name, column in self.columns.items()}
        sections |= self._kind.sections(self)
        sections["sampling"] = self.sampling
        sections["question"] = [question.to_table() for question in self.questions]
        needed = ("format", "title", "panel", "model")
        try:
            text = as_toml({name: value for name, value in sections.items() if value or name in needed})
        except (TypeError, ValueError) as error:
            raise ModelFileError(f"'{self.title}' cannot be written as TOML: {error}") from None
        if _read(text, Path(path).name) != self:
            raise ModelFileError(f"'{self.title}' cannot be written as TOML: it would be read as a different file.")
        return write_text(path, text)

    def __str__(self) -> str:
        lines = [self.title, *(f"Column: {name} = {column}" for name, column in self.columns.items())]
        lines += self._kind.lines(self)
        lines += [f"Question {position}: {question}" for position, question in enumerate(self.questions, start=1)]
        if self.sampling:
            lines.append("Sampling: " + ", ".join(f"{name} {number(value)}" for name, value in self.sampling.items()))
        return "\n".join(lines)

    def _table(self, data: Data) -> Table:
        """The data as a table, with codes for missing answers taken out."""
        layout = Layout[str | None](*(self.reading.get(name) for name in ("delimiter", "encoding", "decimal")))
        table = table_of(data, self._kind.labels(self), layout if isinstance(data, str | PathLike) else OPEN)
        problems = Problems(f"{table.source} cannot be read")
        check_frame(table.frame, problems)
        table = recoded(table, self.reading.get("missing", ()), self._kind.identity(self), problems)
        problems.raise_as(PanelError)
        return table


@checked(ModelFileError)
def load(path: str | PathLike[str]) -> ModelFile:
    """Read a model file of any kind.

    Parameters
    ----------
    path
        A TOML file of format 1 with the sections ``[panel]`` and ``[model]``; ``[columns]`` and ``[sampling]`` are
        optional. The other sections depend on the ``kind`` of the model. Models of a panel have ``[priors]``,
        ``[[question]]`` and ``[truth]``, and within the model ``[model.families.days]``, ``[model.state]`` and
        ``[[model.selection]]``; "causal_order" has ``[[regression]]``, ``[[question]]`` and ``[simulation]``;
        "association" has ``[[regression]]``.

    Raises
    ------
    ModelFileError
        If there is no such file, it is not TOML, a key is unknown or missing, or a value is invalid; lists every
        problem.

    Examples
    --------
    >>> load("help.toml")
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


def _read(text: str, name: str) -> ModelFile:
    document = document_of(text, name)
    problems = Problems(f"{name} cannot be used as a model file")
    content = _kind_of(document).read(document, problems)
    problems.found = [as_in_a_file(problem) for problem in problems.found]
    problems.raise_as(ModelFileError)
    return ModelFile(**content)


def _wide(frame: pd.DataFrame, options: Mapping[str, Any]) -> pd.DataFrame:
    """One row per person, with a column for each measure, or state, and time."""
    people = frame.drop_duplicates("person").set_index("person")
    columns: dict[str, pd.Series] = {}
    for name, names in {**options["measures"], **options.get("states", {})}.items():
        for column, (_, rows) in zip(names, frame.groupby("time"), strict=True):
            columns[column] = rows.set_index("person")[name] if name in frame else pd.Series(1, people.index)
    others = {name: people[name] for name in options.get("covariates", ()) if name in people}
    others |= {options["group"]: people["group"]} if "group" in options else {}
    return pd.DataFrame(columns | others).rename_axis(options["person"]).reset_index()


def _kind_of(document: TomlTable) -> Kind:
    """The kind of file by its model, or, where that is unknown and will be refused, by its sections."""
    model = document.get("model")
    named = model.get("kind") if isinstance(model, dict) else None
    for kind in KINDS:
        if named in kind.models:
            return kind
    if "regression" not in document:
        return panel_model.KIND
    return causal_order.KIND if "question" in document else association.KIND


def _frozen(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options with their lists as tuples, so that equal ones compare as equal."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in options.items()}
