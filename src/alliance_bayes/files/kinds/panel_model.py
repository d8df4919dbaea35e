"""Model files about a panel: a cross-lagged model, questions asked of its fit, and true values to simulate from."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Annotated, Any

import pandas as pd
from pydantic import Field

from ...basics.declared import Column, Listed, Measures, Name, Table, Text, read_partly
from ...basics.names import choices, counted, did_you_mean, in_words, number
from ...basics.problems import PanelError, Problems, SpecError
from ...engine.model_on_panel import PanelModel, panel_model
from ...families.registry import family_from_mapping
from ...panel import Panel
from ...panel.checks import check_times, usable_columns
from ...panel.factors import indicator_names
from ...panel.preparing import check_frame
from ...panel.printing import suspicions_of
from ...panel.reading import Table as DataTable
from ...panel.records import Contradictions, IdenticalRows, WithoutCovariates
from ...panel.times_of_dates import DatesFrom
from ...panel.value_shapes import ValueShape, value_shape
from ...posterior.fit import Fit
from ...posterior.preview import preview
from ...posterior.sampling import fit
from ...posterior.settings import Settings
from ...questions.rehearsal import Rehearsal
from ...simulation import GroupTruth, Truth
from ...spec.cross_lagged import CrossLagged
from ...spec.mapping import KINDS as MODELS, spec_from_mapping, spec_to_mapping
from ...spec.priors import Priors
from ..columns import add_derived, read_columns
from ..content import Content, Kind
from ..questions import PANEL, answers, by_name, read_questions
from ..sections import KINDS, Head, Reading, SamplingWithWarmUp, Tables, reading_of
from ..writing import key_of

__all__ = ["KIND"]


class PanelHead(Head):
    """The sections of a file about a panel."""

    priors: Table = Field({}, description="a section, [priors]")
    question: Tables = Field([], description="one or more sections, [[question]]")
    truth: Table | None = Field(None, description="a section, [truth]")


ColumnsByMeasure = Annotated[dict[str, Annotated[Listed[Name], Field(min_length=2)]], Field(min_length=2)]
Categories = Annotated[Listed[str | int | float], Field(min_length=2)]


class PanelSection(Reading):
    """How a panel is read: the arguments of `Panel.from_long`, or, with a table of measures, of `Panel.from_wide`."""

    person: Column
    time: Column | None = None
    measures: Measures | ColumnsByMeasure = Field(
        description="a list of two or more names, such as ['alliance', 'days'], or, for one row per person, a table "
        "from measures to their columns, such as { alliance = ['alliance_0', 'alliance_6'], days = [...] }"
    )
    times: Annotated[Listed[float], Field(min_length=1)] | Annotated[dict[str, float], Field(min_length=1)] | None = (
        Field(None, description="a list of numbers, or a table from labels to numbers, such as { w1 = 0, w2 = 6 }")
    )
    time_unit: Text | None = Field(None, description="a text, such as 'months'")
    requires: dict[str, Name] = Field(
        {}, description="a table from measures to columns, such as { alliance = 'doctor' }"
    )
    states: dict[str, Annotated[Listed[Name], Field(min_length=2)]] = Field(
        {}, description="a table from states to their columns, such as { doctor = ['doctor_0', 'doctor_6'] }"
    )
    contradictions: Contradictions = "refuse"
    interviewed: Column | None = None
    covariates: Listed[Name] = Field((), min_length=1, description="a list of columns, such as ['commitment']")
    factor: (
        Annotated[Listed[Name], Field(min_length=1)] | Annotated[dict[str, Categories], Field(min_length=1)] | None
    ) = Field(
        None,
        description="a list of columns, or a table from columns to their categories, the reference first, such as "
        "{ education = ['low', 'middle', 'high'] }",
    )
    group: Column | None = None
    own_time: Column | None = None
    dates_from: DatesFrom | None = None
    identical_rows: IdenticalRows = "refuse"
    without_covariates: WithoutCovariates = "keep"

    @property
    def is_wide(self) -> bool:
        """Whether the data have one row per person."""
        return isinstance(self.measures, Mapping)

    @property
    def covariate_names(self) -> tuple[str, ...]:
        """Covariates, with those that factors become; those of a factor without categories are unknown."""
        factor = self.factor if isinstance(self.factor, Mapping) else {}
        made = [name for column, categories in factor.items() for name in indicator_names(column, categories)]
        return (*self.covariates, *made)

    def may_become(self, name: str) -> bool:
        """Whether a factor whose categories are not named may become a covariate of this name."""
        return isinstance(self.factor, tuple) and any(name.startswith(f"{column}_") for column in self.factor)


AS_A_RULE: dict[str, Any] = {
    "draws": 1000,
    "tune": 400,
    "chains": 4,
    "cores": 1,
    "target_accept": 0.8,
    "seed": 1,
    "sampler": "nutpie",
}
"""Settings of a rehearsal, which samples nothing."""
ONLY_LONG = ("time", "interviewed", "own_time", "dates_from", "identical_rows")


class PanelSampling(SamplingWithWarmUp):
    """Arguments of `fit`."""

    target_accept: float | None = Field(None, gt=0, lt=1, description="a number between 0 and 1")


def _read(document: Table, problems: Problems) -> dict[str, Any]:
    head = read_partly(PanelHead, document, "The file", problems)
    section = read_partly(PanelSection, head.panel, "[panel]", problems)
    times = _times(section.times, problems)
    problems.found += [f"[panel] {problem}" for problem in _of_shape(section, head.panel or {})]
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
        "panel_options": section.given(*Reading.model_fields),
        "reading": reading_of(section),
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


def _of_shape(section: PanelSection, given: Table) -> Iterable[str]:
    """Keys that do not go with one row per person and time, or with one row per person."""
    if section.measures is None:
        return
    if not section.is_wide:
        if "time" not in given:
            yield (
                "needs 'time': the name of a column; or, where the data have one row per person, measures as a table "
                "from measures to their columns, such as { alliance = ['alliance_0', 'alliance_6'] }."
            )
        if section.states:
            yield "states are for data with one row per person; here requires names the columns of states."
        return
    for name in ONLY_LONG:
        if name in given:
            yield f"{name} is for one row per person and time; measures by their columns are one row per person."
    if not isinstance(section.times, tuple):
        yield "times are needed with measures by their columns: a list of numbers, one for each column."
        return
    for name, columns in {**section.measures, **section.states}.items():  # type: ignore[dict-item]
        if len(columns) != len(section.times):
            yield f"'{name}' has {len(columns)} columns for {len(section.times)} times; name one for each."
    for measure, state in section.requires.items():
        if state not in section.states:
            yield f"requires of '{measure}' names '{state}', which is not in states: its columns, one for each time."


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
    measures, of_persons = section.measures, section.covariate_names
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
            if name not in known and not section.may_become(name):
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
    predictors = (*spec.measures, *section.covariate_names)
    for option in ("first", "acquire", "keep"):
        for name in getattr(spec.state, option):
            if name not in predictors and not section.may_become(name):
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
    if list(model["measures"]) == list(content.panel_options["measures"]):
        del model["measures"]
    truth = {} if content.truth is None else content.truth.to_mapping()
    return {"panel": {**content.panel_options, **content.reading}, "model": model, "priors": priors, "truth": truth}


def _lines(content: Content) -> list[str]:
    lines = [f"Model: {content.spec}", "Priors:"]
    lines += [f"  {line}" for line in str(content.spec.priors).splitlines()]
    return lines + [f"  {parameter}: {prior}" for parameter, prior in content.spec.priors_of_options.items()]


def _identity(content: Content) -> list[str]:
    return [content.panel_options[name] for name in ("person", "time") if content.panel_options.get(name)]


def _labels(content: Content) -> list[str]:
    options = content.panel_options
    return [*(options[name] for name in ("person", "group") if options.get(name)), *(options.get("factor") or ())]


def _panel(content: Content, table: DataTable) -> Panel:
    options = content.panel_options
    wide = isinstance(options["measures"], Mapping)
    problems = Problems(
        f"{table.source} is not yet a panel of {options['person']} by {'time' if wide else options['time']}"
    )
    check_frame(table.frame, problems)
    data, failed = add_derived(table.frame, content.columns, problems)
    table = replace(table, frame=data)
    panel = None
    if wide:
        readable = _readable_wide(dict(options), failed)
        with problems.collecting():
            panel = Panel.from_wide(table, **readable) if readable else None
    else:
        readable = _readable(_with_labels(options, data), failed, data, problems)
        with problems.collecting():
            panel = Panel.from_long(table, **readable) if readable else None
    problems.raise_as(PanelError)
    assert panel is not None
    return panel


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


def _readable_wide(options: dict[str, Any], failed: set[str]) -> dict[str, Any] | None:
    """Options without the measures and covariates that failed; None if nothing is left."""
    measures = {name: columns for name, columns in options["measures"].items() if not failed.intersection(columns)}
    if not measures or options["person"] in failed:
        return None
    states = {name: columns for name, columns in options.get("states", {}).items() if not failed.intersection(columns)}
    requires = {
        name: state for name, state in options.get("requires", {}).items() if name in measures and state in states
    }
    known = [name for name in options.get("covariates", ()) if name not in failed]
    group = None if options.get("group") in failed else options.get("group")
    return {
        **options,
        "measures": measures,
        "covariates": known,
        "group": group,
        **({"states": states, "requires": requires} if states else {}),
    }


def _askable(content: Content, panel: Panel) -> PanelModel:
    """The model on its panel; refused where a question would be refused once it is fitted."""
    model = panel_model(content.spec, panel)
    given = {name: value for name, value in content.sampling.items() if name in ("draws", "tune", "chains", "seed")}
    rehearsal = Rehearsal.of(model, Settings(**(AS_A_RULE | given)))
    problems = Problems("These questions cannot be asked of this model and these data")
    for name, question in by_name(content.questions).items():
        if not question.of_an_answer:
            problems.found += [f"'{name}': {reason}" for reason in question.refusals(rehearsal)]
    problems.raise_as(SpecError)
    return model


def _check(content: Content, panel: Panel) -> list[str]:
    model = _askable(content, panel)
    warnings = [*_doubts(content, panel), *model.doubts]
    suspects = list(suspicions_of(panel))
    fitted = f"{model.system.n_parameters} free parameters can be fitted"
    doubtful = [f"{counted(len(warnings), 'warning')} below"] if warnings else []
    doubtful += [f"{counted(len(suspects), 'suspect')} above"] if suspects else []
    judged = f"{fitted}, with {in_words(doubtful)}." if doubtful else f"No problems: {fitted}."
    unused = f"Priors that this model does not use: {', '.join(_unused_priors(model))}."
    return [unused, judged, *(f"Warning: {warning}" for warning in warnings)]


def _unused_priors(model: PanelModel) -> Iterable[str]:
    """Names of the priors that no parameter of the model has."""
    priors, blocks = model.spec.priors, model.scale.blocks
    for name in priors.to_mapping():
        # The log-normal prior of effects that are pooled over groups is the normal one of the mean of their logarithms.
        if not any(block.prior is getattr(priors, name) or block.name == f"{name}_mean" for block in blocks):
            yield name


def _doubts(content: Content, panel: Panel) -> list[str]:
    """Measures that are modelled as normal although their values cannot be."""
    spec, values = content.spec, panel.values
    if values is None:
        return []
    normal = [name for name in spec.measures if name not in spec.families and name not in spec.indicators]
    shapes = {name: value_shape(values[:, :, panel.measures.index(name)].ravel()) for name in normal}
    return [sentence for name, shape in shapes.items() for sentence in _not_normal(name, shape, bool(spec.group_lags))]


def _not_normal(name: str, shape: ValueShape, grouped: bool) -> Iterable[str]:
    """What is doubtful about values that are modelled as normal, and the family that they may have."""
    family = f"{key_of(name)} = {shape.as_family} in [model.families]"
    where = f"Families do not go with groups; without groups it would be {family}." if grouped else ""
    if shape.family is not None:
        yield (
            f"'{name}' is modelled as normal, and its values are {shape.in_words}: effects then are those of a "
            f"straight line that leaves their range. {where or f'Its family is {family}.'}"
        )
    elif shape.may_be is not None:
        yield (
            f"'{name}' is modelled as normal, and its values are {shape.reason}, as days of a window do. "
            f"{where or f'If they are, its family is {family}.'}"
        )


def _fit(content: Content, panel: Panel) -> Fit | PanelModel:
    model = _askable(content, panel)
    if _needs_no_draws(content):
        return model
    return fit(content.spec, panel, **content.sampling)


def _needs_no_draws(content: Content) -> bool:
    """Whether every question is about maximum likelihood."""
    return bool(content.questions) and all(question.of_model for question in content.questions)


def _preview(content: Content, panel: Panel) -> str:
    """Lagged effects, and verdicts of the questions about draws."""
    if content.spec.is_latent or _needs_no_draws(content):
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
    identity=_identity,
    labels=_labels,
    read=_read,
    sections=_sections,
    lines=_lines,
    names=lambda content: tuple(by_name(content.questions)),
    panel=_panel,
    data=_panel,
    check=_check,
    doubts=_doubts,
    fit=_fit,
    preview=_preview,
    ask=lambda content, fit: answers(content.questions, lambda name, position: fit),
)
