"""Model files about associations at the same time: regressions with a random intercept per person."""

from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any, Literal

from pydantic import Field

from ...basics.declared import Column, Declared, Listed, Positive, Table, Text, read, read_partly
from ...basics.problems import ModelFileError, Problems, SpecError
from ...causal.rows import complete_rows
from ...panel import Panel
from ...panel.reading import Table as DataTable
from ...posterior.keeping import kept_result
from ...questions.answer import Answer
from ...questions.association import AssociationArguments, association
from ...spec.association import RandomInterceptRegression
from ..columns import read_columns
from ..content import Content, Kind, Rows, panel_of_columns, with_derived, with_notes
from ..sections import A_KIND, ASSOCIATION, Head, Reading, SamplingOfChains, Tables, reading_of

__all__ = ["KIND"]


class AssociationHead(Head):
    """The sections of a file about association."""

    regression: Tables = Field(min_length=1, description="one or more sections, [[regression]]")


class AssociationPanel(Reading):
    """Columns and times of all its regressions."""

    person: Column = "person"
    time: Column = "time"
    times: Annotated[Listed[float], Field(min_length=1)] | None = Field(None, description="a list of numbers")
    time_unit: Text | None = None


class AssociationModel(Declared):
    """What time means in its formulas."""

    kind: Literal["association"] = A_KIND
    time_zero: float = 0.0
    time_step: Positive = 1.0


class AssociationRegression(AssociationArguments):
    """One of its regressions."""

    name: Text


SHARED: dict[str, type[Declared]] = {"panel": AssociationPanel, "model": AssociationModel}


def _read(document: Table, problems: Problems) -> dict[str, Any]:
    head = read_partly(AssociationHead, document, "The file", problems)
    shared: dict[str, Any] = {}
    reading: dict[str, Any] = {}
    for name, declared in SHARED.items():
        section = read_partly(declared, getattr(head, name), f"[{name}]", problems)
        shared |= section.given("kind", *Reading.model_fields)
        reading |= reading_of(section) if isinstance(section, Reading) else {}
    regressions: dict[str, RandomInterceptRegression] = {}
    for position, table in enumerate(head.regression or (), start=1):
        where = f"[[regression]] {position}"
        keys = read(AssociationRegression, table, where, problems)
        if keys is None:
            continue
        if keys.name in regressions:
            problems.add(f"Two regressions are named '{keys.name}'.")
        with problems.collecting(f"{where}: "):
            regressions[keys.name] = RandomInterceptRegression(**keys.given("name"), **shared)
    return {
        "title": head.title,
        "spec": regressions,
        "reading": reading,
        "columns": read_columns(head.columns, problems),
        "sampling": read_partly(SamplingOfChains, head.sampling, "[sampling]", problems).given(),
    }


def _sections(content: Content) -> dict[str, Any]:
    written = {name: regression.to_mapping() for name, regression in content.spec.items()}
    shared = [
        {name: {key: table[key] for key in declared.model_fields if key in table} for name, declared in SHARED.items()}
        for table in written.values()
    ]
    if any(tables != shared[0] for tables in shared):
        raise ModelFileError("The regressions differ in person or time, which one file cannot hold.")
    keys = AssociationRegression.model_fields
    regressions = [
        {"name": name} | {key: value for key, value in table.items() if key in keys} for name, table in written.items()
    ]
    return {
        "panel": {**shared[0]["panel"], **content.reading},
        "model": {"kind": ASSOCIATION, **shared[0]["model"]},
        "regression": regressions,
    }


def _labels(content: Content) -> list[str]:
    return list(dict.fromkeys(regression.person for regression in content.spec.values()))


def _columns(content: Content) -> list[str]:
    return list(dict.fromkeys(name for regression in content.spec.values() for name in regression.columns))


def _rows(content: Content, table: DataTable) -> Rows:
    derived = with_derived(content, table, _columns(content))
    data = derived.frame
    persons = data[next(iter(content.spec.values())).person].nunique()
    return Rows(data, with_notes(f"{table.source}: {len(data):,} rows of {persons:,} persons", derived))


def _panel(content: Content, table: DataTable) -> Panel:
    first = next(iter(content.spec.values()))
    clock = (first.person, first.time)
    return panel_of_columns(
        with_derived(content, table, _columns(content)),
        [name for name in _columns(content) if name not in clock],
        person=first.person,
        time=first.time,
        times=first.times,
        time_unit=first.time_unit,
    )


def _check(content: Content, rows: Rows) -> list[str]:
    lines, problems = [], Problems("These associations cannot be asked of these data")
    for name, regression in content.spec.items():
        with problems.collecting(f"{name}: "):
            for outcome, complete in complete_rows(regression, rows.frame).items():
                persons = complete[regression.person].nunique()
                lines.append(f"{name}: {outcome} in {len(complete):,} complete rows of {persons:,} persons.")
    problems.raise_as(SpecError)
    return [*lines, "No problems: all regressions can be fitted."]


def _fit(content: Content, rows: Rows) -> dict[str, Answer]:
    return {
        name: kept_result(["association", name], partial(association, regression, rows.frame, **content.sampling))
        for name, regression in content.spec.items()
    }


KIND = Kind(
    name="associations",
    models=(ASSOCIATION,),
    spec=Mapping,
    sampling=SamplingOfChains,
    identity=lambda content: [name for spec in content.spec.values() for name in (spec.person, spec.time)],
    labels=_labels,
    read=_read,
    sections=_sections,
    lines=lambda content: [f"{name}: {regression}" for name, regression in content.spec.items()],
    names=lambda content: tuple(content.spec),
    panel=_panel,
    data=_rows,
    check=_check,
    doubts=lambda content, rows: [],
    fit=_fit,
    ask=lambda content, answers: answers,
)
