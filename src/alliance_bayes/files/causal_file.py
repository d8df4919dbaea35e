"""A model file of the kind "causal_order": regressions in causal order, and what would be under other regimes."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from os import PathLike
from pathlib import Path
from typing import Any

import pandas as pd
import tomlkit

from ..basics.calls import checked
from ..basics.given import is_number, is_whole, shown
from ..basics.names import choices, in_words, number, quoted
from ..basics.problems import ModelFileError, Problems
from ..basics.writing import write_text
from ..causal.bambi_fit import fit_by_bambi
from ..causal.causal_order import CausalOrder
from ..causal.regimes import Policy, Shift, is_set
from ..causal.regression import FAMILIES, Regression, regression
from ..panel import read_frame
from ..questions.answer import Answer
from ..questions.counterfactual_plan import MonteCarlo
from ..questions.registry import questions
from ..spec.association import NAME
from .keys import (
    CERTAINTY,
    COLUMN,
    WHOLE,
    Key,
    Table,
    is_count,
    is_table,
    is_tables,
    is_text,
    is_text_table,
    is_texts,
    read_keys,
    read_sampling,
)
from .reading import document_of, named_text
from .sections import FORMAT

__all__ = ["CausalFile", "CausalQuestion", "CausalRegression", "load_causal", "save_causal"]

KIND = "causal_order"
AT = "_at_"
SEED = 1
SAMPLING = {"draws": 1000, "tune": 1000, "chains": 4, "seed": SEED}

REGIMES = ("regimes", "treated", "control")
ASK = questions("regressions in causal order")


@checked(ModelFileError)
@dataclass(frozen=True)
class CausalRegression:
    """One regression of a causal file.

    Attributes
    ----------
    formula
        In Bambi's language, such as ``"prop(days_at_6, 90) ~ sponsor_at_3 + severity"``. A column at a time is
        named ``column_at_time``, time a whole number; one that is the same at all times of a person by itself.
    family
        As Bambi names it, of those that `regression` can simulate.
    zero_without
        State without which the response is 0 by definition, or None.
    """

    formula: str
    family: str = "gaussian"
    zero_without: str | None = None

    @property
    def variables(self) -> tuple[str, ...]:
        """Names in the formula, the response first."""
        return tuple(dict.fromkeys(NAME.findall(self.formula)))

    @property
    def response(self) -> str:
        """What it makes."""
        return self.variables[0]

    def __str__(self) -> str:
        state = f", and 0 without {self.zero_without}" if self.zero_without else ""
        return f"{self.formula} ({self.family}{state})"


@checked(ModelFileError)
@dataclass(frozen=True)
class CausalQuestion:
    """One question of a causal file.

    Attributes
    ----------
    name
        Of the question, in words.
    ask
        The function that answers it, such as "interventional_effects".
    options
        Its arguments by name. What is done to a treatment is a number, or `Shift`.
    people
        Covariate to what is done to it before anybody is simulated: a number for all, or `Shift`; for
        other people than those of the data, as far as they differ in this alone.
    """

    name: str
    ask: str
    options: Mapping[str, Any]
    people: Mapping[str, Policy] = field(default_factory=dict)

    @property
    def outcome(self) -> str:
        """Variable whose mean is compared."""
        return str(self.options["outcome"])

    @property
    def _regimes(self) -> list[Mapping[str, Policy]]:
        if self.ask == "contrast_of_regimes":
            return list(self.options["regimes"].values())
        if "treated" in self.options:
            return [self.options["treated"], self.options["control"]]
        return [{str(self.options["assigned" if self.ask == "randomised_push" else "state"]): 1.0}]

    @property
    def treatments(self) -> tuple[str, ...]:
        """Variables that any regime sets or moves."""
        return tuple(dict.fromkeys(name for regime in self._regimes for name in regime))

    @property
    def always_set(self) -> set[str]:
        """Variables that every regime sets to a number, so that nobody's own value is needed."""
        return {name for name in self.treatments if all(is_set(regime.get(name)) for regime in self._regimes)}

    def __str__(self) -> str:
        moved = "".join(f", {name} of people {policy}" for name, policy in self.people.items())
        return f"{self.name}: {self.ask} on {self.outcome}{moved}"


@checked(ModelFileError)
@dataclass(frozen=True, kw_only=True)
class CausalFile:
    """Regressions in causal order and questions on regimes, written down before the data are seen.

    Made by `load_causal`; written by `save_causal`.

    Attributes
    ----------
    title
        What is asked, in words.
    layout
        ``person`` and ``time``, columns of the long data frame, and ``times``, those that are read.
    regressions
        In causal order.
    questions
        What `ask` answers.
    requires
        Variable to the state without which it does not exist, as in `CausalOrder`.
    randomised
        Treatments that were assigned at random.
    sampling
        ``draws``, ``tune``, ``chains`` and ``seed`` of the regressions, those that are given.
    simulation
        Arguments of `MonteCarlo` by name, those that are given.

    Examples
    --------
    >>> print(load_causal("sponsor-outcomes").questions[0])
    days: contrast_of_regimes on days_at_6
    """

    title: str
    layout: Mapping[str, Any]
    regressions: tuple[CausalRegression, ...]
    questions: tuple[CausalQuestion, ...]
    requires: Mapping[str, str] = field(default_factory=dict)
    randomised: tuple[str, ...] = ()
    sampling: Mapping[str, int] = field(default_factory=dict)
    simulation: Mapping[str, Any] = field(default_factory=dict)

    @checked(ModelFileError)
    def wide(self, frame: pd.DataFrame | str | PathLike[str]) -> pd.DataFrame:
        """One row per person, with the columns that the regressions read.

        Where a state is off, what requires it and what is 0 without it are 0.

        Parameters
        ----------
        frame
            One row per person and time, or the path of a file as in `Panel.from_long`.

        Raises
        ------
        ModelFileError
            If a name is no column, or a column without a time varies over time; all problems at once.
        """
        data = read_frame(frame, labels=[self.layout["person"]]) if isinstance(frame, str | PathLike) else frame
        problems = Problems(f"These data cannot be asked '{self.title}'")
        for name in (self.layout["person"], self.layout["time"]):
            if name not in data.columns:
                problems.add(f"No column '{name}'{choices(name, list(map(str, data.columns)), 'Columns')}")
        problems.raise_as(ModelFileError)
        times = {number(time): time for time in self.layout["times"]}
        by_person = data.set_index(self.layout["person"])
        columns: dict[str, pd.Series] = {}
        for name in dict.fromkeys(name for each in self.regressions for name in each.variables):
            stem, _, at = name.rpartition(AT)
            if name in data.columns:
                if by_person[name].groupby(level=0).nunique().max() > 1:
                    problems.add(f"'{name}' varies over time; say at which, such as '{name}{AT}{next(iter(times))}'.")
                columns[name] = by_person[name].groupby(level=0).first()
            elif stem in data.columns and at in times:
                columns[name] = by_person.loc[by_person[self.layout["time"]] == times[at], stem]
            else:
                known = [*map(str, data.columns), *(f"{each}{AT}{at}" for each in data.columns for at in times)]
                problems.add(f"'{name}' is neither a column nor a column at a time{choices(name, known, 'Such are')}")
        problems.raise_as(ModelFileError)
        wide = pd.DataFrame(columns)
        for name, state in {**self.requires, **self._zero_without}.items():
            wide[name] = wide[name].where(wide[state] != 0, 0)
        return wide.infer_objects()

    @property
    def _zero_without(self) -> dict[str, str]:
        return {each.response: each.zero_without for each in self.regressions if each.zero_without is not None}

    @checked(ModelFileError)
    def orders(self, frame: pd.DataFrame | str | PathLike[str], **settings: int) -> dict[str, CausalOrder]:
        """Fit the regressions, and put those that each question's outcome rests on into their order.

        Each regression is fitted to the persons of whom all that it reads is known, with the state where its
        response needs one. A question simulates what its treatments change, up to its outcome; all that comes
        before is as it was observed, and the question is asked of the persons of whom it is known.

        Parameters
        ----------
        frame
            As in `wide`.
        settings
            ``draws``, ``tune``, ``chains`` or ``seed``, instead of the file's.

        Returns
        -------
        dict
            Name of the question to its `CausalOrder`, to go on asking.
        """
        wide = self.wide(frame)
        chosen = {**SAMPLING, **self.sampling, **settings}
        seed = chosen.pop("seed")
        equations: dict[str, Regression] = {}
        for place, each in enumerate(self.regressions):
            state = each.zero_without or self.requires.get(each.response)
            rows = wide if state is None else wide[wide[state] == 1]
            rows = _whole_numbers(rows[list(each.variables)].dropna())
            model, found = fit_by_bambi(each.formula, each.family, rows, seed=seed + place, **chosen)
            equations[each.response] = regression(model, found, zero_without=each.zero_without)
        return {question.name: self._order(question, equations, wide) for question in self.questions}

    def _order(self, question: CausalQuestion, equations: Mapping[str, Regression], wide: pd.DataFrame) -> CausalOrder:
        changed, needed = set(question.treatments), {question.outcome}
        for name, equation in equations.items():
            if changed & {*equation.parents, self.requires.get(name)}:
                changed.add(name)
        for name in reversed(list(equations)):
            if name in needed & changed:
                needed |= {*equations[name].parents, *([self.requires[name]] if name in self.requires else [])}
        simulated = (needed & changed) - (set(question.treatments) - question.always_set) | {question.outcome}
        kept = {name: equation for name, equation in equations.items() if name in simulated}
        read = {parent for equation in kept.values() for parent in equation.parents}
        people = wide[[name for name in wide if name in read - {*kept} - question.always_set]].dropna()
        for name, policy in question.people.items():
            people = people.assign(**{name: people[name] + policy.by if isinstance(policy, Shift) else policy})
        known = {*kept, *read}
        return CausalOrder(
            people,
            list(kept.values()),
            requires={name: state for name, state in self.requires.items() if name in known},
            randomised=[name for name in self.randomised if name in known],
        )

    @checked(ModelFileError)
    def ask(self, frame: pd.DataFrame | str | PathLike[str], **settings: int) -> dict[str, Answer]:
        """Answer the questions of the file.

        Parameters
        ----------
        frame, settings
            As in `orders`.

        Returns
        -------
        dict
            Name of the question to what its function gives.
        """
        seed = settings.get("seed", self.sampling.get("seed", SEED))
        orders, monte_carlo = self.orders(frame, **settings), MonteCarlo(**self.simulation)
        return {
            each.name: ASK[each.ask].answer(
                (orders[each.name], seed + place, monte_carlo),
                ASK[each.ask].arguments.model_validate(dict(each.options)),
            )
            for place, each in enumerate(self.questions, start=1)
        }

    def __str__(self) -> str:
        lines = [self.title, "In causal order:"]
        lines += [f"  {place}. {each}" for place, each in enumerate(self.regressions, start=1)]
        if self.requires:
            lines.append("Exist only in a state: " + "; ".join(f"{a} with {b}" for a, b in self.requires.items()))
        if self.randomised:
            lines.append(f"Assigned at random: {in_words(self.randomised)}")
        lines += [f"Question {place}: {each}" for place, each in enumerate(self.questions, start=1)]
        return "\n".join(lines)


def _whole_numbers(rows: pd.DataFrame) -> pd.DataFrame:
    """Columns of whole numbers as such: responses of counts and of yes and no must be."""
    whole = [name for name in rows if pd.api.types.is_float_dtype(rows[name]) and (rows[name] % 1 == 0).all()]
    return rows.astype(dict.fromkeys(whole, int))


@checked(ModelFileError)
def load_causal(path: str | PathLike[str]) -> CausalFile:
    """Read a TOML model file whose ``[model]`` has ``kind = "causal_order"``.

    Parameters
    ----------
    path
        The file, or the name of one that comes with the package, such as "sponsor-outcomes".

    Raises
    ------
    ModelFileError
        If there is no such file, or it cannot be read as one; lists every problem found.
    """
    return _read(*named_text(path))


@checked(ModelFileError)
def save_causal(file: CausalFile, path: str | PathLike[str]) -> Path:
    """Write a causal file, which `load_causal` reads as an equal one.

    Parameters
    ----------
    file
        What to write.
    path
        The TOML file; an existing one is replaced.

    Raises
    ------
    ModelFileError
        If what it holds cannot be read back; nothing is written then.
    """
    document: dict[str, Any] = {"format": FORMAT, "title": file.title, "panel": _plain(file.layout)}
    document["model"] = {"kind": KIND}
    document["model"] |= {
        name: _plain(getattr(file, name)) for name in ("requires", "randomised") if getattr(file, name)
    }
    document["regression"] = [
        {each.name: getattr(one, each.name) for each in fields(one) if getattr(one, each.name) is not None}
        for one in file.regressions
    ]
    document |= {name: _plain(getattr(file, name)) for name in ("sampling", "simulation") if getattr(file, name)}
    document["question"] = [
        {"name": one.name, "ask": one.ask}
        | _plain(one.options)
        | ({"people": _plain(one.people)} if one.people else {})
        for one in file.questions
    ]
    try:
        text = tomlkit.dumps(document)
        same = _read(text, Path(path).name) == file
    except (ModelFileError, TypeError, ValueError):
        same = False
    if not same:
        raise ModelFileError(f"'{file.title}' holds what a file cannot, such as a function as a regime.")
    return write_text(path, text)


def _plain(value: Any) -> Any:
    match value:
        case Shift():
            return {"shift": value.by}
        case Mapping():
            return {name: _plain(each) for name, each in value.items()}
        case tuple():
            return [_plain(each) for each in value]
        case _:
            return value


def _are_numbers(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(map(is_number, value))


def _are_whole(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(is_whole(each, least=0) for each in value)


def _is_policy(value: object) -> bool:
    if isinstance(value, dict):
        return set(value) == {"shift"} and is_number(value["shift"])
    return is_number(value)


def _is_regime(value: object) -> bool:
    return isinstance(value, dict) and all(map(_is_policy, value.values()))


FILE = {
    "format": Key(f"the number {FORMAT}", lambda value: value == FORMAT and is_count(value), required=True),
    "title": Key("a text", is_text, required=True),
    "panel": Key("a section, [panel]", is_table, required=True),
    "model": Key("a section, [model]", is_table, required=True),
    "regression": Key("one or more sections, [[regression]]", lambda v: is_tables(v) and bool(v), required=True),
    "question": Key("one or more sections, [[question]]", lambda v: is_tables(v) and bool(v), required=True),
    "sampling": Key("a section, [sampling]", is_table),
    "simulation": Key("a section, [simulation]", is_table),
}
PANEL = {
    "person": Key(COLUMN, is_text, required=True),
    "time": Key(COLUMN, is_text, required=True),
    "times": Key("a list of whole numbers of 0 or more", _are_whole, required=True),
}
MODEL = {
    "kind": Key(f"'{KIND}'; other kinds are read by ab.load_model", lambda value: value == KIND, required=True),
    "requires": Key("a table from variables to states, such as { alliance_at_3 = 'sponsor_at_3' }", is_text_table),
    "randomised": Key("a list of variables", is_texts),
}
REGRESSION = {
    "formula": Key(
        "a text, such as 'days_at_6 ~ sponsor_at_3 + severity'", lambda v: is_text(v) and v.count("~") == 1, True
    ),
    "family": Key(f"one of {quoted(FAMILIES)}", lambda value: is_text(value) and value in FAMILIES),
    "zero_without": Key("the name of a state, such as 'sponsor_at_3'", is_text),
}
SAMPLING_KEYS = {
    "draws": Key(WHOLE, is_count),
    "tune": Key(WHOLE, is_count),
    "chains": Key(WHOLE, is_count),
    "seed": Key("a whole number of 0 or more", lambda value: is_whole(value, least=0)),
}
SIMULATION = {
    "draws": Key(WHOLE, is_count),
    "copies": Key("a whole number of 2 or more", lambda value: is_whole(value, least=2)),
    "resample": Key("true or false", lambda value: isinstance(value, bool)),
}
VARIABLE = Key("the name of a variable", is_text, required=True)
REGIME = Key("a table, such as { sponsor_at_3 = 1 } or { alliance_at_3 = { shift = 1 } }", _is_regime, required=True)
MEDIATORS = Key("a list of variables", is_texts, required=True)
SHARED = {
    "name": Key("a text", is_text, required=True),
    "ask": Key(f"one of {quoted(ASK)}", lambda value: is_text(value) and value in ASK, required=True),
    "outcome": VARIABLE,
    "certainty": CERTAINTY,
    "people": Key("a table, such as { commitment = { shift = -1 } }", _is_regime),
}
PAIR = {"treated": REGIME, "control": REGIME}
QUESTIONS: dict[str, dict[str, Key]] = {
    "contrast_of_regimes": {
        "regimes": Key(
            "a table of two or more regimes by name",
            lambda value: isinstance(value, dict) and len(value) > 1 and all(map(_is_regime, value.values())),
            required=True,
        )
    },
    "controlled_direct_effects": PAIR
    | {
        "levels": Key(
            "a table from mediators to lists of numbers",
            lambda value: isinstance(value, dict) and bool(value) and all(map(_are_numbers, value.values())),
            required=True,
        )
    },
    "interventional_effects": PAIR | {"mediators": MEDIATORS},
    "natural_effects": PAIR | {"mediators": MEDIATORS},
    "randomised_push": {"assigned": VARIABLE, "state": VARIABLE},
    "split_by_existence": {
        "state": VARIABLE,
        "mediator": VARIABLE,
        "percentiles": Key("a list of numbers between 0 and 100", _are_numbers),
        "shift": Key("a number of SDs other than 0", lambda value: is_number(value) and value != 0),
    },
}


def _read(text: str, name: str) -> CausalFile:
    document = document_of(text, name)
    problems = Problems(f"{name} cannot be used as a causal file")
    found = read_keys("The file", document, FILE, problems)
    layout = read_keys("[panel]", found.get("panel", {}), PANEL, problems) if "panel" in found else {}
    model = read_keys("[model]", found["model"], MODEL, problems) if "model" in found else {}
    regressions = [
        CausalRegression(**good)
        for place, table in enumerate(found.get("regression", []), start=1)
        if "formula" in (good := read_keys(f"[[regression]] {place}", table, REGRESSION, problems))
    ]
    questions = [
        question
        for place, table in enumerate(found.get("question", []), start=1)
        if (question := _question(f"[[question]] {place}", table, problems)) is not None
    ]
    sampling = read_sampling(found.get("sampling", {}), SAMPLING_KEYS, problems)
    simulation = read_keys("[simulation]", found.get("simulation", {}), SIMULATION, problems)
    _check_names(regressions, questions, model, problems)
    problems.raise_as(ModelFileError)
    return CausalFile(
        title=found["title"],
        layout={**layout, "times": tuple(layout["times"])},
        regressions=tuple(replace(each, formula=" ".join(each.formula.split())) for each in regressions),
        questions=tuple(questions),
        requires=model.get("requires", {}),
        randomised=tuple(model.get("randomised", ())),
        sampling=sampling,
        simulation=simulation,
    )


def _question(where: str, table: Table, problems: Problems) -> CausalQuestion | None:
    own = QUESTIONS.get(str(table.get("ask")))
    if own is None:
        problems.add(f"{where} ask must be {SHARED['ask'].expected}; got {shown(table.get('ask'))}.")
        return None
    keys = SHARED | own
    good = read_keys(where, table, keys, problems)
    if any(key.required and name not in good for name, key in keys.items()):
        return None
    options = {name: _value(name, each) for name, each in good.items() if name not in ("name", "ask", "people")}
    return CausalQuestion(good["name"], good["ask"], options, _regime(good.get("people", {})))


def _value(name: str, given: Any) -> Any:
    if name == "regimes":
        return {each: _regime(regime) for each, regime in given.items()}
    if name in REGIMES:
        return _regime(given)
    if name == "levels":
        return {each: tuple(values) for each, values in given.items()}
    return tuple(given) if isinstance(given, list) else given


def _regime(given: Table) -> dict[str, Policy]:
    return {name: Shift(each["shift"]) if isinstance(each, dict) else each for name, each in given.items()}


def _check_names(
    regressions: list[CausalRegression], questions: list[CausalQuestion], model: Table, problems: Problems
) -> None:
    """Whether what is named elsewhere is in a formula; the order itself is checked where it is made."""
    made = [each.response for each in regressions]
    known = list(dict.fromkeys(name for each in regressions for name in each.variables))
    for name in sorted({name for name in made if made.count(name) > 1}):
        problems.add(f"Two regressions make '{name}'.")
    named = [(f"[model] requires: '{name}'", name) for pair in model.get("requires", {}).items() for name in pair]
    named += [(f"[model] randomised: '{name}'", name) for name in model.get("randomised", [])]
    for each in regressions:
        if each.zero_without is not None:
            named.append((f"zero_without = '{each.zero_without}'", each.zero_without))
    for question in questions:
        if question.outcome not in made:
            there_are = choices(question.outcome, made, "They make")
            problems.add(f"'{question.name}': no regression makes '{question.outcome}'{there_are}")
        named += [(f"'{question.name}' people: '{name}'", name) for name in question.people]
    for where, name in named:
        if name not in known:
            problems.add(f"{where} is in no formula{choices(name, known, 'Formulas hold')}")
    names = [question.name for question in questions]
    for name in sorted({name for name in names if names.count(name) > 1}):
        problems.add(f"Two questions are named '{name}'.")
