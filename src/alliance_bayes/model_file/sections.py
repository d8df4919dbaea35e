"""The sections of a model file: which keys they have, what each may be, and what they are read into."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..names import ARROW, choices, in_words, number, quoted
from ..panel.checks import check_times
from ..panel.records import DECISIONS
from ..problems import Problems
from ..simulation import GroupTruth, Truth
from ..spec.cross_lagged import CrossLagged
from ..spec.mapping import spec_from_mapping
from ..spec.priors import Priors
from .columns import DerivedColumn, MeanOf, Minus

__all__ = ["FORMAT", "Question", "frozen", "read_sections"]

FORMAT = 1

type Table = Mapping[str, Any]


@dataclass(frozen=True)
class Question:
    """One question of a model file.

    Attributes
    ----------
    ask
        Which question: "directionality" or "mediation".
    options
        Its arguments by name, those that the file has. Of "directionality" ``between``, two or more
        measures, ``margin`` and ``certainty``; of "mediation" those of `mediation`, such as
        ``treatment``, ``mediators``, ``outcome`` and ``horizon``. See there for their units.
    """

    ask: str
    options: Table = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "options", frozen(self.options))

    def __str__(self) -> str:
        options = dict(self.options)
        if self.ask == "mediation":
            through = in_words(options.pop("mediators"))
            about = f"of {options.pop('treatment')}{ARROW}{options.pop('outcome')} through {through}"
        else:
            about = f"between {in_words(options.pop('between'))}"
        rest = "".join(f", {name} {_option_in_words(value)}" for name, value in options.items())
        return f"{self.ask} {about}{rest}"


def _option_in_words(value: Any) -> str:
    if isinstance(value, str):
        return value
    return in_words(value) if isinstance(value, tuple) else number(value)


def frozen(options: Table) -> dict[str, Any]:
    """Options with their lists as tuples, so that equal ones compare as equal."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in options.items()}


@dataclass(frozen=True)
class Key:
    """What one key may hold, and whether it must be there."""

    expected: str
    accepts: Callable[[Any], bool]
    required: bool = False


def is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value)


def is_texts(value: object, *, least: int = 1) -> bool:
    return isinstance(value, list) and len(value) >= least and all(map(is_text, value))


def is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def is_whole(value: object, *, least: int = 1) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def is_table(value: object) -> bool:
    return isinstance(value, dict)


def is_tables(value: object) -> bool:
    return isinstance(value, list) and all(map(is_table, value))


def are_times(value: object) -> bool:
    given = list(value.values()) if isinstance(value, dict) else value
    return isinstance(given, list) and bool(given) and all(map(is_number, given))


def are_operands(value: object) -> bool:
    return (
        isinstance(value, list)
        and len(value) == 2
        and all(is_text(part) or is_number(part) for part in value)
        and any(map(is_text, value))
    )


COLUMN = "the name of a column"
MEASURES = "a list of two or more names, such as ['alliance', 'days']"
WHOLE = "a whole number above 0"

FILE = {
    "format": Key(f"the number {FORMAT}", lambda value: value == FORMAT and is_whole(value), required=True),
    "title": Key("a text", is_text, required=True),
    "panel": Key("a section, [panel]", is_table, required=True),
    "columns": Key("a section, [columns]", is_table),
    "model": Key("a section, [model]", is_table, required=True),
    "priors": Key("a section, [priors]", is_table),
    "sampling": Key("a section, [sampling]", is_table),
    "question": Key("one or more sections, [[question]]", is_tables),
    "truth": Key("a section, [truth]", is_table),
}
PANEL = {
    "person": Key(COLUMN, is_text, required=True),
    "time": Key(COLUMN, is_text, required=True),
    "measures": Key(MEASURES, lambda value: is_texts(value, least=2), required=True),
    "times": Key("a list of numbers, or a table from labels to numbers, such as { w1 = 0, w2 = 6 }", are_times),
    "time_unit": Key("a text, such as 'months'", is_text),
    "requires": Key(
        "a table from measures to columns, such as { alliance = 'doctor' }",
        lambda value: is_table(value) and all(map(is_text, value.values())),
    ),
    "contradictions": Key(f"one of {quoted(DECISIONS)}", lambda value: is_text(value) and value in DECISIONS),
    "interviewed": Key(COLUMN, is_text),
}
MODEL = {
    "kind": Key("a text, such as 'riclpm'", is_text, required=True),
    "measures": Key(MEASURES, lambda value: is_texts(value, least=2)),
    "lags": Key("a text", is_text),
    "residuals": Key("a text", is_text),
    "means": Key("a text", is_text),
    "remove": Key("a list of paths, such as ['x -> y']", lambda value: is_texts(value, least=0)),
    "nonexistent": Key("a text", is_text),
}
SAMPLING = {
    "draws": Key(WHOLE, is_whole),
    "tune": Key(WHOLE, is_whole),
    "chains": Key(WHOLE, is_whole),
    "target_accept": Key("a number between 0 and 1", lambda value: is_number(value) and 0 < value < 1),
    "seed": Key("a whole number of 0 or more", lambda value: is_whole(value, least=0)),
}
DERIVED = {
    "mean_of": Key("a list of two or more columns", lambda value: is_texts(value, least=2)),
    "at_least": Key(WHOLE, is_whole),
    "minus": Key("two columns, or a column and a number, such as [30, 'drinking_days']", are_operands),
}
ASK = Key("a text", is_text, required=True)
MEASURE = Key("the name of a measure", is_text, required=True)
MARGIN = Key("a number between 0 and 1", lambda value: is_number(value) and 0 < value < 1)
CERTAINTY = Key("a number between 0.5 and 1", lambda value: is_number(value) and 0.5 < value < 1)
QUESTIONS = {
    "directionality": {
        "ask": ASK,
        "between": Key(MEASURES, lambda value: is_texts(value, least=2), required=True),
        "margin": MARGIN,
        "certainty": CERTAINTY,
    },
    "mediation": {
        "ask": ASK,
        "treatment": MEASURE,
        "mediators": Key("a list of names, such as ['contact']", is_texts, required=True),
        "outcome": MEASURE,
        "horizon": Key(
            "a number above 0, in the panel's unit of time", lambda value: is_number(value) and value > 0, required=True
        ),
        "start": Key("a number, the time of a wave", is_number),
        "change": Key("'pulse' or 'sustained'", lambda value: value in ("pulse", "sustained")),
        "timing": Key("'waves' or 'continuous'", lambda value: value in ("waves", "continuous")),
        "paths": Key("a list of paths, such as ['x -> m -> y']", lambda value: is_texts(value, least=0)),
        "margin": MARGIN,
        "certainty": CERTAINTY,
    },
}


def read_sections(document: Table, problems: Problems) -> dict[str, Any]:
    """Read a parsed model file, adding all that is wrong with it to the problems.

    Returns
    -------
    dict
        Attributes of a `ModelFile` by name, complete where no problem was found.
    """
    found = read_keys("The file", document, FILE, problems)
    layout = read_keys("[panel]", found["panel"], PANEL, problems) if "panel" in found else {}
    measures, times = layout.get("measures"), read_times(layout.get("times"), problems)
    if measures:
        check_measures("[panel] requires", layout.get("requires", {}), measures, problems)
    columns = {name: read_column(name, table, problems) for name, table in found.get("columns", {}).items()}
    sampling = read_keys("[sampling]", found.get("sampling", {}), SAMPLING, problems)
    spec = read_spec(found["model"], measures, times, problems) if "model" in found else None
    with problems.collecting("[priors] "):
        priors = Priors.from_mapping(found.get("priors", {}))
        spec = spec and replace(spec, priors=priors)
    questions = [
        read_question(f"[[question]] {place}", table, spec, problems)
        for place, table in enumerate(found.get("question", []), start=1)
    ]
    return {
        "title": found.get("title"),
        "layout": layout,
        "columns": columns,
        "spec": spec,
        "questions": tuple(questions),
        "sampling": sampling,
        "truth": read_truth(spec, found["truth"], times, problems) if spec and "truth" in found else None,
    }


def read_keys(where: str, table: Table, keys: Mapping[str, Key], problems: Problems) -> dict[str, Any]:
    """Those entries of a table that are what its keys may hold."""
    good: dict[str, Any] = {}
    for name, value in table.items():
        if name not in keys:
            problems.add(f"{where} has no key '{name}'{choices(name, keys, 'Keys')}")
        elif not keys[name].accepts(value):
            problems.add(f"{where} {name} must be {keys[name].expected}; got {value!r}.")
        else:
            good[name] = value
    for name, key in keys.items():
        if key.required and name not in table:
            problems.add(f"{where} needs '{name}': {key.expected}.")
    return good


def read_times(given: list[float] | dict[str, float] | None, problems: Problems) -> tuple[float, ...] | None:
    """Times of the waves, where the file fixes them."""
    if given is None:
        return None
    found = Problems("[panel]")
    times = check_times(sorted(given.values()) if isinstance(given, dict) else given, found)
    for problem in found.found:
        problems.add(f"[panel] {problem}")
    return times


def read_column(name: str, table: object, problems: Problems) -> DerivedColumn | None:
    where = f"[columns] {name}"
    if not isinstance(table, dict):
        problems.add(f"{where} must be a table, such as {{ mean_of = ['item_1', 'item_2'] }}; got {table!r}.")
        return None
    good = read_keys(where, table, DERIVED, problems)
    rules = [rule for rule in ("mean_of", "minus") if rule in table]
    if len(rules) != 1:
        problems.add(f"{where} needs one of 'mean_of' and 'minus'; it has {quoted(rules) or 'neither'}.")
    elif rules == ["mean_of"] and "mean_of" in good:
        items, least = tuple(good["mean_of"]), good.get("at_least")
        if len(set(items)) < len(items):
            problems.add(f"{where} names a column twice: {quoted(items)}.")
        if least is not None and least > len(items):
            problems.add(f"{where} at_least must be at most {len(items)}, the number of its columns; got {least}.")
        return MeanOf(items, least)
    elif rules == ["minus"] and "at_least" in good:
        problems.add(f"{where} at_least belongs to 'mean_of', not to 'minus'.")
    elif "minus" in good:
        return Minus(*good["minus"])
    return None


def read_spec(
    table: Table, measures: list[str] | None, times: tuple[float, ...] | None, problems: Problems
) -> CrossLagged | None:
    """Read the model without its priors; its measures are the panel's unless it names them."""
    good = read_keys("[model]", table, MODEL, problems)
    if measures and "measures" in good:
        check_measures("[model] measures", good["measures"], measures, problems)
    given = {"measures": measures} | good
    if "kind" not in given or given["measures"] is None:
        return None
    with problems.collecting("[model] "):
        spec = spec_from_mapping(given)
        for problem in spec.problems_with(times) if times else ():
            problems.add(f"[model] {problem}")
        return spec
    return None


def read_question(where: str, table: Table, spec: CrossLagged | None, problems: Problems) -> Question | None:
    ask = table.get("ask")
    if ask is None:
        problems.add(f"{where} needs 'ask': one of {quoted(QUESTIONS)}.")
        return None
    if ask not in QUESTIONS:
        problems.add(f"{where} cannot ask {ask!r}{choices(str(ask), QUESTIONS, 'Questions')}")
        return None
    good = read_keys(where, table, QUESTIONS[ask], problems)
    check = check_mediation if ask == "mediation" else check_between
    check(where, good, spec, problems)
    return Question(ask, {name: value for name, value in good.items() if name != "ask"})


def check_mediation(where: str, good: Table, spec: CrossLagged | None, problems: Problems) -> None:
    """Names of a question of mediation; what the fit must allow is checked when it is asked."""
    named = [good[name] for name in ("treatment", "outcome") if name in good] + good.get("mediators", [])
    repeated = sorted({name for name in named if named.count(name) > 1})
    if repeated:
        problems.add(f"{where} treatment, mediators and outcome must all differ; named twice: {quoted(repeated)}.")
    if spec:
        check_measures(where, dict.fromkeys(named), spec.measures, problems)


def check_between(where: str, good: Table, spec: CrossLagged | None, problems: Problems) -> None:
    """Measures of a question of direction, with both paths between them free."""
    between = good.get("between", [])
    if len(set(between)) < len(between):
        problems.add(f"{where} between must be different measures; got {quoted(between)}.")
    elif spec:
        check_measures(f"{where} between", between, spec.measures, problems)
        for path in spec.remove:
            predictor, outcome = path.split(ARROW)
            if predictor != outcome and {predictor, outcome} <= set(between):
                problems.add(
                    f"{where}: '{path}' is fixed at 0 in this model, so nothing can be compared with it. "
                    "Take it out of [model] remove, or the question out of the file."
                )


def read_truth(
    spec: CrossLagged, table: Table, times: tuple[float, ...] | None, problems: Problems
) -> Truth | GroupTruth | None:
    """Read the true values, of all or by group; their times are the panel's unless they are given."""
    kind: type[Truth] | type[GroupTruth] = GroupTruth if "groups" in table else Truth
    with problems.collecting("[truth] "):
        truth = kind.from_mapping(spec, table if times is None else {"times": times, **table})
        if times is not None and truth.times != times:
            problems.add(f"[truth] times are {listed(truth.times)}, and those of [panel] {listed(times)}; give one.")
        return truth
    return None


def check_measures(where: str, names: Iterable[str], measures: Sequence[str], problems: Problems) -> None:
    for name in names:
        if name not in measures:
            problems.add(f"{where} names '{name}', which is not a measure{choices(name, measures, 'Measures')}")


def listed(times: Iterable[float]) -> str:
    return ", ".join(map(number, times))
