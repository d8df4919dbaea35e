"""Model files about a panel: a cross-lagged model, questions asked of its fit, and true values to simulate from."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Annotated, Any

import pandas as pd
from pydantic import Field

from ...basics.declared import Column, Listed, Measures, Name, Table, Text, read_partly
from ...basics.names import choices, did_you_mean, number
from ...basics.problems import PanelError, Problems
from ...engine.model_on_panel import panel_model
from ...families.registry import family_from_mapping
from ...panel import Panel
from ...panel.checks import check_times, usable_columns
from ...panel.frames import check_frame
from ...panel.records import Contradictions
from ...posterior.fit import Fit
from ...posterior.preview import preview
from ...posterior.sampling import fit
from ...simulation import GroupTruth, Truth
from ...spec.cross_lagged import CrossLagged
from ...spec.mapping import KINDS as MODELS, spec_from_mapping, spec_to_mapping
from ...spec.priors import Priors
from ..columns import add_derived, read_columns
from ..content import Content, Kind
from ..questions import PANEL, by_name, read_questions
from ..sections import KINDS, Head, PersonAndTime, SamplingWithWarmUp, Tables

__all__ = ["KIND"]


class PanelHead(Head):
    """The sections of a file about a panel."""

    priors: Table = Field({}, description="a section, [priors]")
    question: Tables = Field([], description="one or more sections, [[question]]")
    truth: Table | None = Field(None, description="a section, [truth]")


class PanelSection(PersonAndTime):
    """How a panel is read: the arguments of `Panel.from_long`."""

    measures: Measures
    times: Annotated[Listed[float], Field(min_length=1)] | Annotated[dict[str, float], Field(min_length=1)] | None = (
        Field(None, description="a list of numbers, or a table from labels to numbers, such as { w1 = 0, w2 = 6 }")
    )
    time_unit: Text | None = Field(None, description="a text, such as 'months'")
    requires: dict[str, Name] = Field(
        {}, description="a table from measures to columns, such as { alliance = 'doctor' }"
    )
    contradictions: Contradictions = "refuse"
    interviewed: Column | None = None
    covariates: Listed[Name] = Field((), min_length=1, description="a list of columns, such as ['commitment']")
    group: Column | None = None
    own_time: Column | None = None


class PanelSampling(SamplingWithWarmUp):
    """Arguments of `fit`."""

    target_accept: float | None = Field(None, gt=0, lt=1, description="a number between 0 and 1")


def _read(document: Table, problems: Problems) -> dict[str, Any]:
    head = read_partly(PanelHead, document, "The file", problems)
    section = read_partly(PanelSection, head.panel, "[panel]", problems)
    times = _times(section.times, problems)
    if section.measures:
        for name in section.requires:
            if name not in section.measures:
                known = choices(name, section.measures, "Measures")
                problems.add(f"[panel] requires names '{name}', which is not a measure{known}")
    columns = read_columns(head.columns, problems)
    sampling = read_partly(PanelSampling, head.sampling, "[sampling]", problems)
    spec = None if head.model is None else _spec(head, section, times, problems)
    questions = read_questions(PANEL, head.question, spec, problems)
    truth = None if spec is None or head.truth is None else _truth(spec, head.truth, times, problems)
    return {
        "title": head.title,
        "spec": spec,
        "panel_options": section.given(),
        "columns": columns,
        "questions": questions,
        "sampling": sampling.given(),
        "truth": truth,
    }


def _times(given: tuple[float, ...] | Mapping[str, float] | None, problems: Problems) -> tuple[float, ...] | None:
    """Times of the waves, if given."""
    if given is None:
        return None
    of_times = Problems("[panel]")
    times = check_times(sorted(given.values()) if isinstance(given, Mapping) else given, of_times)
    problems.found += [f"[panel] {problem}" for problem in of_times.found]
    return times


def _spec(
    head: PanelHead, section: PanelSection, times: tuple[float, ...] | None, problems: Problems
) -> CrossLagged | None:
    """The model with its priors; its default measures are those of the panel that serve nothing else."""
    table, spec = dict(head.model), None
    if "priors" in table:
        problems.add("[model] priors stand in a section of their own, [priors].")
        del table["priors"]
    if "measures" not in table and section.measures:
        table["measures"] = [name for name in section.measures if name not in _named_elsewhere(table)]
    with problems.collecting("[model] "):
        if "measures" in table:
            spec = spec_from_mapping(table, KINDS)
        else:  # [panel] lacks them, which is a problem already; are there others?
            spec_from_mapping({"kind": table.get("kind"), "measures": ["x", "y"]}, KINDS)
    with problems.collecting("[priors] "):
        priors = Priors.from_mapping(head.priors)
        spec = spec and replace(spec, priors=priors)
    if spec is not None:
        problems.found += [f"[model] {problem}" for problem in (spec.problems_with(times) if times else ())]
        problems.found += _not_in_panel(spec, section) if section.measures else ()
    return spec


def _named_elsewhere(model: Table) -> set[str]:
    """Measures of the panel that are covariates, the state, or given to a family, such as a window."""
    covariates, state, families = (model.get(name, {}) for name in ("covariates", "state", "families"))
    names = set(covariates) if isinstance(covariates, Mapping) else set()
    if isinstance(state, Mapping) and isinstance(state.get("name"), str):
        names.add(state["name"])
    for measure, table in families.items() if isinstance(families, Mapping) else ():
        if isinstance(table, Mapping):
            with Problems("not a family, as reading the model says").collecting():
                names.update(family_from_mapping(measure, table).given_columns)
    return names


def _not_in_panel(spec: CrossLagged, section: PanelSection) -> Iterable[str]:
    """Where [model] and [panel] do not agree on names."""
    measures, of_persons = section.measures, section.covariates
    named = dict.fromkeys(spec.response_columns, "measures")
    named |= {name: "families" for name in (*named, *spec.given_columns) if name not in spec.measures}
    named |= {name: "indicators" for indicators in spec.indicators.values() for name in indicators}
    for name, option in named.items():
        if name not in measures:
            yield f"[model] {option} names '{name}', which is not a measure{choices(name, measures, 'Measures')}"
    for option, names, known, where in (
        ("covariates", spec.covariates, (*of_persons, *measures), ", or among the measures if it varies over time"),
        ("moderated", dict.fromkeys(spec.moderated.values()), of_persons, ""),
    ):
        for name in names:
            if name not in known:
                yield (
                    f"[model] {option} names '{name}', which [panel] does not read. Put it among the covariates there"
                    f"{where}{did_you_mean(name, known) or '.'}"
                )
    yield from _of_state(spec, section)
    if spec.group_lags and not section.group:
        yield "[model] group_lags needs groups: name their column in [panel] group."
    if section.group and not spec.group_lags:
        yield "[panel] group needs group_lags in [model]: 'free', 'equal' or 'pooled'."
    if section.own_time and spec.lags != "continuous":
        yield "[panel] own_time needs lags = 'continuous' in [model]."


def _of_state(spec: CrossLagged, section: PanelSection) -> Iterable[str]:
    if spec.state is None:
        return
    states = (*section.requires.values(), *section.measures)
    if spec.state.name not in states:
        yield (
            f"[model.state] name is '{spec.state.name}', which [panel] does not read. Put it among the measures there, "
            f"or in requires{did_you_mean(spec.state.name, states) or '.'}"
        )
    predictors = (*spec.measures, *section.covariates)
    for option in ("first", "acquire", "keep"):
        for name in getattr(spec.state, option):
            if name not in predictors:
                yield (
                    f"[model.state] {option} names '{name}', which is no measure of the model and no covariate of "
                    f"[panel]{did_you_mean(name, predictors) or '.'}"
                )


def _truth(
    spec: CrossLagged, table: Table, times: tuple[float, ...] | None, problems: Problems
) -> Truth | GroupTruth | None:
    """The true values, of one population or by group; their times are by default the panel's."""
    kind: type[Truth] | type[GroupTruth] = GroupTruth if "groups" in table else Truth
    with problems.collecting("[truth] "):
        truth = kind.from_mapping(spec, table if times is None else {"times": times, **table})
        if times is not None and truth.times != times:
            of_truth, of_panel = (", ".join(map(number, given)) for given in (truth.times, times))
            problems.add(f"[truth] times are {of_truth}, and those of [panel] {of_panel}; give one.")
        return truth
    return None


def _sections(content: Content) -> dict[str, Any]:
    model = spec_to_mapping(content.spec)
    priors = model.pop("priors", {})
    if model["measures"] == list(content.panel_options["measures"]):
        del model["measures"]
    truth = {} if content.truth is None else content.truth.to_mapping()
    return {"panel": content.panel_options, "model": model, "priors": priors, "truth": truth}


def _lines(content: Content) -> list[str]:
    lines = [f"Model: {content.spec}", "Priors:"]
    lines += [f"  {line}" for line in str(content.spec.priors).splitlines()]
    return lines + [f"  {parameter}: {prior}" for parameter, prior in content.spec.priors_of_options.items()]


def _labels(content: Content) -> list[str]:
    return [content.panel_options[name] for name in ("person", "group") if content.panel_options.get(name)]


def _panel(content: Content, frame: pd.DataFrame, source: str) -> Panel:
    options = content.panel_options
    problems = Problems(f"{source} is not yet a panel of {options['person']} by {options['time']}")
    check_frame(frame, problems)
    data, failed = add_derived(frame, content.columns, problems)
    readable = _readable(_with_labels(options, data), failed, data, problems)
    panel = None
    with problems.collecting():
        panel = Panel.from_long(data, **readable) if readable else None
    problems.raise_as(PanelError)
    assert panel is not None
    return replace(panel, source=source)


def _with_labels(options: Mapping[str, Any], frame: pd.DataFrame) -> dict[str, Any]:
    """The options with the labels of the times as numbers where the column holds numbers."""
    times, column = options.get("times"), options["time"]
    if not isinstance(times, Mapping) or column not in frame or not pd.api.types.is_numeric_dtype(frame[column]):
        return dict(options)
    return {**options, "times": {_number_or_text(label): time for label, time in times.items()}}


def _number_or_text(label: str) -> float | str:
    try:
        return float(label)
    except ValueError:
        return label


def _readable(
    options: dict[str, Any], failed: set[str], frame: pd.DataFrame, problems: Problems
) -> dict[str, Any] | None:
    """Options without the columns that failed, to look for other problems; None if too few are left."""
    if not failed:
        return options
    needed = {"person": options["person"], "time": options["time"]}
    measures = [name for name in options["measures"] if name not in failed]
    if not measures or failed.intersection(needed.values()):
        usable_columns(frame, [(use, name) for use, name in needed.items() if name not in failed], problems)
        return None
    states = {name: state for name, state in options.get("requires", {}).items() if not failed & {name, state}}
    known = [name for name in options.get("covariates", ()) if name not in failed]
    others = {name: None for name in ("interviewed", "group", "own_time") if options.get(name) in failed}
    return {**options, "measures": measures, "requires": states, "covariates": known, **others}


def _check(content: Content, panel: Panel) -> list[str]:
    model = panel_model(content.spec, panel)
    fitted = f"No problems: {model.system.n_parameters} free parameters can be fitted."
    return [fitted, *(f"Warning: {problem}" for problem in model.few_people)]


def _fit(content: Content, panel: Panel) -> Fit:
    return fit(content.spec, panel, **content.sampling)


def _preview(content: Content, panel: Panel) -> str:
    """Lagged effects, and verdicts of the questions about draws."""
    if content.spec.is_latent:
        return ""
    previewed = preview(content.spec, panel, seed=content.sampling["seed"])
    answers = {name: asked.answer(previewed) for name, asked in by_name(content.questions).items() if asked.of_draws}
    verdicts = [f"{name}: {answer.verdict}" for name, answer in answers.items() if answer.verdict is not None]
    return "; ".join([previewed.in_short, *verdicts])


KIND = Kind(
    name="model of a panel",
    models=tuple(MODELS),
    spec=CrossLagged,
    sampling=PanelSampling,
    labels=_labels,
    read=_read,
    sections=_sections,
    lines=_lines,
    names=lambda content: tuple(by_name(content.questions)),
    panel=_panel,
    data=_panel,
    check=_check,
    fit=_fit,
    preview=_preview,
    ask=lambda content, fit: {name: asked.answer(fit) for name, asked in by_name(content.questions).items()},
)
