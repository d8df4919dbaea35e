"""Model files about regimes: regressions in causal order, and outcomes under other treatments."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Annotated, Any, Literal

import pandas as pd
from pydantic import AfterValidator, Field

from ...basics.calls import checked
from ...basics.declared import Count, Declared, Listed, Name, Table, read, read_partly
from ...basics.names import choices, in_words, number, quoted
from ...basics.problems import ModelFileError, Problems
from ...causal.bambi_fit import fit_by_bambi
from ...causal.causal_order import CausalOrder
from ...causal.regimes import Shift, is_set
from ...causal.regression import FAMILIES, Regression, regression as equation_of
from ...panel import Panel
from ...panel.reading import Table as DataTable
from ...posterior.keeping import kept_result
from ...questions.answer import Answer
from ...questions.counterfactual_arguments import CounterfactualArguments
from ...questions.counterfactual_plan import MonteCarlo
from ...spec.association import NAME
from ..columns import read_columns
from ..content import Content, Kind, Rows, panel_of_columns, with_derived, with_notes
from ..questions import CAUSAL, Question, answers, by_name, read_questions
from ..sections import A_KIND, CAUSAL_ORDER, Head, PersonAndTime, Reading, SamplingWithWarmUp, Tables, reading_of

__all__ = ["KIND", "CausalRegression", "CausalRegressions"]

AT = "_at_"


def _of_one_response(formula: str) -> str:
    if formula.count("~") != 1:
        raise ValueError("")
    return " ".join(formula.split())


def _simulated(family: str) -> str:
    if family not in FAMILIES:
        raise ValueError("")
    return family


class RegressionSection(Declared):
    """Keys of one regression."""

    formula: Annotated[Name, AfterValidator(_of_one_response)] = Field(
        description="a text, such as 'days_at_6 ~ sponsor_at_3 + severity'"
    )
    family: Annotated[str, AfterValidator(_simulated)] = Field("gaussian", description=f"one of {quoted(FAMILIES)}")
    zero_without: Name | None = Field(None, description="the name of a state, such as 'sponsor_at_3'")


@checked(ModelFileError)
@dataclass(frozen=True)
class CausalRegression:
    """One regression of a file about regimes.

    Attributes
    ----------
    formula
        In Bambi's language, such as ``"prop(days_at_6, 90) ~ sponsor_at_3 + severity"``. A column at a time is
        ``column_at_time``, the time a whole number; a column that is constant within persons has its own name.
    family
        Bambi's name of a family that `regression` can simulate.
    zero_without
        State without which the response is 0 by definition.

    Raises
    ------
    ModelFileError
        If the formula has no response, or the family cannot be simulated.
    """

    formula: str
    family: str = "gaussian"
    zero_without: str | None = None

    def __post_init__(self) -> None:
        problems = Problems("This regression cannot be used")
        section = read(RegressionSection, asdict(self), "", problems)
        problems.raise_as(ModelFileError)
        assert section is not None
        object.__setattr__(self, "formula", section.formula)

    @property
    def variables(self) -> tuple[str, ...]:
        """Variables of the formula, the response first."""
        return tuple(dict.fromkeys(NAME.findall(self.formula)))

    @property
    def response(self) -> str:
        """The variable that it predicts."""
        return self.variables[0]

    def __str__(self) -> str:
        state = f", and 0 without {self.zero_without}" if self.zero_without else ""
        return f"{self.formula} ({self.family}{state})"


@checked(ModelFileError)
@dataclass(frozen=True)
class CausalRegressions:
    """Regressions in causal order, and how regimes are simulated by them.

    Attributes
    ----------
    regressions
        In causal order.
    requires
        Variable to the state without which it is not applicable, as in `CausalOrder`.
    randomised
        Treatments that were assigned at random.
    simulation
        The given arguments of `MonteCarlo` by name.
    """

    regressions: tuple[CausalRegression, ...]
    requires: Mapping[str, str] = field(default_factory=dict)
    randomised: tuple[str, ...] = ()
    simulation: Mapping[str, Any] = field(default_factory=dict)

    @property
    def variables(self) -> tuple[str, ...]:
        """Variables of all formulas."""
        return tuple(dict.fromkeys(name for regression in self.regressions for name in regression.variables))

    @property
    def responses(self) -> tuple[str, ...]:
        """The variables that the regressions predict."""
        return tuple(regression.response for regression in self.regressions)

    def __str__(self) -> str:
        lines = ["In causal order:"]
        lines += [f"  {position}. {regression}" for position, regression in enumerate(self.regressions, start=1)]
        if self.requires:
            pairs = "; ".join(f"{variable} with {state}" for variable, state in self.requires.items())
            lines.append(f"Exist only in a state: {pairs}")
        if self.randomised:
            lines.append(f"Assigned at random: {in_words(self.randomised)}")
        return "\n".join(lines)


class CausalHead(Head):
    """The sections of a file about regimes."""

    regression: Tables = Field(min_length=1, description="one or more sections, [[regression]]")
    question: Tables = Field(min_length=1, description="one or more sections, [[question]]")
    simulation: Table = Field({}, description="a section, [simulation]")


class CausalPanel(PersonAndTime):
    """Which rows of a data frame are read."""

    times: Listed[Annotated[int, Field(ge=0)]] = Field(min_length=1, description="a list of whole numbers of 0 or more")


class CausalModel(Declared):
    """What the regressions do not say about the variables."""

    kind: Literal["causal_order"] = A_KIND
    requires: dict[str, Name] = Field(
        {}, description="a table from variables to states, such as { alliance_at_3 = 'sponsor_at_3' }"
    )
    randomised: Listed[Name] = Field((), min_length=1, description="a list of variables")


class Simulation(Declared):
    """Arguments of `MonteCarlo`."""

    draws: Count | None = None
    copies: Annotated[int, Field(ge=2)] | None = Field(None, description="a whole number of 2 or more")
    resample: bool | None = None


def _read(document: Table, problems: Problems) -> dict[str, Any]:
    head = read_partly(CausalHead, document, "The file", problems)
    panel = read_partly(CausalPanel, head.panel, "[panel]", problems)
    model = read_partly(CausalModel, head.model, "[model]", problems)
    tables = enumerate(head.regression or (), start=1)
    sections = [read(RegressionSection, table, f"[[regression]] {position}", problems) for position, table in tables]
    spec = CausalRegressions(
        tuple(CausalRegression(**section.given()) for section in sections if section is not None),
        model.requires,
        model.randomised,
        read_partly(Simulation, head.simulation, "[simulation]", problems).given(),
    )
    questions = read_questions(CAUSAL, head.question or [], spec, problems)
    problems.found += _unknown_names(spec, questions)
    return {
        "title": head.title,
        "spec": spec,
        "panel_options": panel.given(*Reading.model_fields),
        "reading": reading_of(panel),
        "columns": read_columns(head.columns, problems),
        "questions": questions,
        "sampling": read_partly(SamplingWithWarmUp, head.sampling, "[sampling]", problems).given(),
    }


def _unknown_names(spec: CausalRegressions, questions: tuple[Question, ...]) -> list[str]:
    """Problems with names; `CausalOrder` checks the order."""
    responses, known = spec.responses, spec.variables
    problems = [f"Two regressions predict '{name}'." for name in sorted(set(responses)) if responses.count(name) > 1]
    named = [(f"[model] requires: '{name}'", name) for pair in spec.requires.items() for name in pair]
    named += [(f"[model] randomised: '{name}'", name) for name in spec.randomised]
    named += [
        (f"zero_without = '{regression.zero_without}'", regression.zero_without)
        for regression in spec.regressions
        if regression.zero_without
    ]
    for question in questions:
        if question.of_an_answer:
            continue
        if (outcome := _arguments(question).outcome) not in responses:
            valid = choices(outcome, responses, "They predict")
            problems.append(f"'{question.name}': no regression predicts '{outcome}'{valid}")
        named += [(f"'{question.name}' people: '{name}'", name) for name in question.people]
    problems += [
        f"{where} is in no formula{choices(name, known, 'Formulas hold')}" for where, name in named if name not in known
    ]
    return problems


def _sections(content: Content) -> dict[str, Any]:
    spec = content.spec
    return {
        "panel": {**content.panel_options, **content.reading},
        "model": {
            "kind": CAUSAL_ORDER,
            **{name: value for name in ("requires", "randomised") if (value := getattr(spec, name))},
        },
        "regression": [
            {key: value for key, value in asdict(regression).items() if value is not None}
            for regression in spec.regressions
        ],
        "simulation": spec.simulation,
    }


def _panel(content: Content, table: DataTable) -> Panel:
    data = _with_derived(content, table)
    names = (name if name in data.frame.columns else name.rpartition(AT)[0] for name in content.spec.variables)
    return panel_of_columns(data, list(dict.fromkeys(names)), **content.panel_options)


def _wide(content: Content, table: DataTable) -> Rows:
    """One row per person, with the columns that the regressions read; 0 where a state that they require is off."""
    derived = _with_derived(content, table)
    data = derived.frame
    options, problems = content.panel_options, Problems(f"{table.source} cannot be asked '{content.title}'")
    times = {number(time): time for time in options["times"]}
    by_person = data.set_index(options["person"])
    columns: dict[str, pd.Series] = {}
    for name in content.spec.variables:
        stem, _, at = name.rpartition(AT)
        if name in data.columns:
            of_person = by_person[name].groupby(level=0)
            if of_person.nunique().max() > 1:
                problems.add(f"'{name}' varies over time; name one, such as '{name}{AT}{next(iter(times))}'.")
            columns[name] = of_person.first()
        elif stem in data.columns and at in times:
            columns[name] = by_person.loc[by_person[options["time"]] == times[at], stem]
        else:
            known = [*map(str, data.columns), *(f"{column}{AT}{at}" for column in data.columns for at in times)]
            problems.add(f"'{name}' is neither a column nor a column at a time{choices(name, known, 'Valid names')}")
    problems.raise_as(ModelFileError)
    wide = pd.DataFrame(columns)
    without = {
        regression.response: regression.zero_without
        for regression in content.spec.regressions
        if regression.zero_without
    }
    for name, state in {**content.spec.requires, **without}.items():
        wide[name] = wide[name].where(wide[state] != 0, 0)
    return Rows(wide.infer_objects(), with_notes(f"{table.source}: {len(wide):,} persons, one row each", derived))


def _with_derived(content: Content, table: DataTable) -> DataTable:
    return with_derived(content, table, [content.panel_options[name] for name in ("person", "time")])


def _known(spec: CausalRegressions, regression: CausalRegression, wide: pd.DataFrame) -> pd.DataFrame:
    """Persons to whom a regression is fitted: its variables are observed, and its response is applicable."""
    state = regression.zero_without or spec.requires.get(regression.response)
    rows = wide if state is None else wide[wide[state] == 1]
    return rows[list(regression.variables)].dropna()


def _check(content: Content, rows: Rows) -> list[str]:
    lines, problems = [], Problems(f"'{content.title}' cannot be asked of these data")
    for regression in content.spec.regressions:
        persons = len(_known(content.spec, regression, rows.frame))
        lines.append(f"{regression.response}: {persons:,} persons with all variables of its regression.")
        if not persons:
            problems.add(f"No person has all variables of the regression of '{regression.response}'.")
    problems.raise_as(ModelFileError)
    return [*lines, "No problems: all regressions can be fitted."]


def _orders(content: Content, rows: Rows) -> dict[str, CausalOrder]:
    """The regressions that each question simulates, in causal order.

    A question simulates what its treatments change, up to its outcome. All other variables keep their observed values,
    and the question is asked of the persons in whom these were observed.
    """
    settings = dict(content.sampling)
    seed, wide = settings.pop("seed"), rows.frame
    equations: dict[str, Regression] = {}

    def equation(position: int, regression: CausalRegression) -> Regression:
        known = _whole_numbers(_known(content.spec, regression, wide))
        model, draws = fit_by_bambi(regression.formula, regression.family, known, seed=seed + position, **settings)
        return equation_of(model, draws, zero_without=regression.zero_without)

    for position, regression in enumerate(content.spec.regressions):
        equations[regression.response] = kept_result(
            ["regression", position, asdict(regression)], partial(equation, position, regression)
        )
    return {
        name: _order(content.spec, question, equations, wide)
        for name, question in by_name(content.questions).items()
        if not question.of_an_answer
    }


def _order(
    spec: CausalRegressions, question: Question, equations: Mapping[str, Regression], wide: pd.DataFrame
) -> CausalOrder:
    arguments = _arguments(question)
    regimes, outcome = arguments.interventions, arguments.outcome
    treatments = {name for regime in regimes for name in regime}
    always_set = {name for name in treatments if all(is_set(regime.get(name)) for regime in regimes)}
    changed, needed = set(treatments), {outcome}
    for name, equation in equations.items():
        if changed & {*equation.parents, spec.requires.get(name)}:
            changed.add(name)
    for name in reversed(list(equations)):
        if name in needed & changed:
            needed |= {*equations[name].parents, *([spec.requires[name]] if name in spec.requires else [])}
    simulated = (needed & changed) - (treatments - always_set) | {outcome}
    kept = {name: equation for name, equation in equations.items() if name in simulated}
    parents = {parent for equation in kept.values() for parent in equation.parents}
    people = wide[[name for name in wide if name in parents - {*kept} - always_set]].dropna()
    for name, policy in question.people.items():
        people = people.assign(**{name: people[name] + policy.by if isinstance(policy, Shift) else policy})
    known = {*kept, *parents}
    return CausalOrder(
        people,
        list(kept.values()),
        requires={name: state for name, state in spec.requires.items() if name in known},
        randomised=[name for name in spec.randomised if name in known],
    )


def _arguments(question: Question) -> CounterfactualArguments:
    arguments = question.arguments
    assert isinstance(arguments, CounterfactualArguments)
    return arguments


def _whole_numbers(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with integers where a column holds whole numbers alone, as responses of counts and yes or no need."""
    names = [name for name in rows if pd.api.types.is_float_dtype(rows[name]) and (rows[name] % 1 == 0).all()]
    return rows.astype(dict.fromkeys(names, int))


def _ask(content: Content, orders: Mapping[str, CausalOrder]) -> dict[str, Answer]:
    monte_carlo, seed = MonteCarlo(**content.spec.simulation), content.sampling["seed"]
    return answers(content.questions, lambda name, position: (orders[name], seed + position, monte_carlo))


KIND = Kind(
    name="regressions in causal order",
    models=(CAUSAL_ORDER,),
    spec=CausalRegressions,
    sampling=SamplingWithWarmUp,
    identity=lambda content: [content.panel_options[name] for name in ("person", "time")],
    labels=lambda content: [content.panel_options["person"]],
    read=_read,
    sections=_sections,
    lines=lambda content: str(content.spec).splitlines(),
    names=lambda content: tuple(by_name(content.questions)),
    panel=_panel,
    data=_wide,
    check=_check,
    doubts=lambda content, rows: [],
    fit=_orders,
    ask=_ask,
)
