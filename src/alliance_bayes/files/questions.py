"""The questions of a model file: what each may be asked with, and whether the model can be asked it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, get_args

from ..basics.calls import checked
from ..basics.given import is_number, is_one_of, is_whole, shown
from ..basics.names import ARROW, choices, in_words, lagged_path, number, quoted, split_path
from ..basics.problems import ModelFileError, Problems
from ..panel.records import MISSING
from ..spec.cross_lagged import CrossLagged, Lags
from ..spec.mapping import KINDS
from .keys import (
    CERTAINTY,
    MARGIN,
    MEASURES,
    Key,
    Table,
    is_table,
    is_text,
    is_text_table,
    is_texts,
    read_keys,
)

__all__ = ["QUESTIONS", "Question", "check_measures", "frozen", "read_question"]


@checked(ModelFileError)
@dataclass(frozen=True)
class Question:
    """One question of a model file.

    Attributes
    ----------
    ask
        Which question: "directionality", "mediation", "lag_curve", "hypotheses", "bayes_factors",
        "robustness", "delta_adjustment" or "group_contrast".
    options
        Arguments by name of the function that is called so, those that the file has; see there for their
        units. Measures whose direction is in question are ``between``, of "directionality" two or more.
        Of "robustness" the ``models`` (by their kinds, such as "clpm"), ``lags`` and ``prior_widths`` are
        those of `robustness_variants`; its fits are sampled like the one that is asked.
    """

    ask: str
    options: Table = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "options", frozen(self.options))

    def __str__(self) -> str:
        options = dict(self.options)
        match self.ask:
            case "mediation":
                through = in_words(options.pop("mediators"))
                about = f"of {options.pop('treatment')}{ARROW}{options.pop('outcome')} through {through}"
            case "lag_curve":
                about = f"of {in_words(options.pop('paths', ('all paths between measures',)))}"
            case "group_contrast":
                about = f"of {options.pop('path')}"
            case "delta_adjustment":
                shifted = options.pop("measure")
                about = f"between {in_words(options.pop('between'))}, missing values of {shifted} shifted"
            case _:
                about = f"between {in_words(options.pop('between'))}"
        rest = "".join(f", {name} {_in_words(value)}" for name, value in options.items())
        return f"{self.ask} {about}{rest}"


def _in_words(value: Any) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case str():
            return value
        case tuple():
            return in_words([_in_words(each) for each in value]) if value else "none"
        case Mapping():
            return "; ".join(f"{name}: {_in_words(each)}" for name, each in value.items())
        case _:
            return number(value)


def frozen(options: Table) -> dict[str, Any]:
    """Options with their lists as tuples, so that equal ones compare as equal."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in options.items()}


ASK = Key("a text", is_text, required=True)
MEASURE = Key("the name of a measure", is_text, required=True)
GROUP = Key("the label of a group", is_text)
PATHS = Key("a list of paths, such as ['x -> y']", is_texts)
BETWEEN = Key(MEASURES, lambda value: is_texts(value, least=2), required=True)
PAIR = Key("a list of two names, such as ['alliance', 'days']", lambda value: is_texts(value, least=2), required=True)
LENGTH = "a number above 0, in the panel's unit of time"


def are_positive(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(is_number(each) and each > 0 for each in value)


def is_positive(value: Any) -> bool:
    return is_number(value) and value > 0


def are_deltas(value: object) -> bool:
    return isinstance(value, list) and all(map(is_number, value)) and any(value) and len(set(value)) == len(value)


def among(valid: Iterable[str], *, least: int = 0) -> Key:
    """A list of some of these texts."""
    known = tuple(valid)
    return Key(f"a list of {quoted(known)}", lambda value: is_texts(value, least=least) and set(value) <= set(known))


QUESTIONS = {
    "directionality": {"ask": ASK, "between": BETWEEN, "margin": MARGIN, "certainty": CERTAINTY},
    "mediation": {
        "ask": ASK,
        "treatment": MEASURE,
        "mediators": Key("a list of names, such as ['contact']", is_texts, required=True),
        "outcome": MEASURE,
        "horizon": Key(LENGTH, is_positive, required=True),
        "start": Key("a number, the time of a wave", is_number),
        "group": GROUP,
        "change": Key("'pulse' or 'sustained'", lambda value: value in ("pulse", "sustained")),
        "timing": Key("'waves' or 'continuous'", lambda value: value in ("waves", "continuous")),
        "paths": Key("a list of paths, such as ['x -> m -> y']", lambda value: is_texts(value, least=0)),
        "margin": MARGIN,
        "certainty": CERTAINTY,
    },
    "lag_curve": {
        "ask": ASK,
        "paths": PATHS,
        "longest": Key(LENGTH, is_positive),
        "margin": MARGIN,
        "group": GROUP,
    },
    "hypotheses": {
        "ask": ASK,
        "between": PAIR,
        "statements": Key(
            "a list of texts, such as ['|x -> y| > |y -> x|'], or a table from names to them",
            lambda value: is_texts(value) or (is_table(value) and bool(value) and is_text_table(value)),
        ),
        "margin": MARGIN,
    },
    "bayes_factors": {
        "ask": ASK,
        "between": PAIR,
        "widths": Key("a list of numbers above 0, SDs of the prior", are_positive),
        "refit": Key("true or false", lambda value: isinstance(value, bool)),
    },
    "robustness": {
        "ask": ASK,
        "between": PAIR,
        "models": among(KINDS),
        "lags": among(get_args(Lags)),
        "prior_widths": Key("a list of numbers above 0, factors on the SD of the prior", are_positive),
        "margin": MARGIN,
        "certainty": CERTAINTY,
    },
    "delta_adjustment": {
        "ask": ASK,
        "between": PAIR,
        "measure": MEASURE,
        "deltas": Key("a list of numbers, in SDs of the measure, one of them not 0", are_deltas),
        "absences": among(MISSING, least=1),
        "imputations": Key("a whole number of 2 or more", lambda value: is_whole(value, least=2)),
        "margin": MARGIN,
        "certainty": CERTAINTY,
    },
    "group_contrast": {
        "ask": ASK,
        "path": Key("a path, such as 'x -> y'", is_text, required=True),
        "margin": MARGIN,
        "certainty": CERTAINTY,
    },
}


def read_question(where: str, table: Table, spec: CrossLagged | None, problems: Problems) -> Question | None:
    """Read one question, adding all that is wrong with it to the problems."""
    ask = table.get("ask")
    if ask is None:
        problems.add(f"{where} needs 'ask': one of {quoted(QUESTIONS)}.")
        return None
    if not is_one_of(ask, QUESTIONS):
        problems.add(f"{where} cannot ask {shown(ask)}{choices(ask, QUESTIONS, 'Questions')}")
        return None
    good = read_keys(where, table, QUESTIONS[ask], problems)
    for check in _CHECKS[ask]:
        check(where, good, spec, problems)
    return Question(ask, {name: value for name, value in good.items() if name != "ask"})


def check_measures(where: str, names: Iterable[str], measures: Sequence[str], problems: Problems) -> None:
    """Note names that are no measures."""
    for name in names:
        if name not in measures:
            problems.add(f"{where} names '{name}', which is not a measure{choices(name, measures, 'Measures')}")


def _check_mediation(where: str, good: Table, spec: CrossLagged | None, problems: Problems) -> None:
    """Names of a question of mediation; what the fit must allow is checked when it is asked."""
    named = [good[name] for name in ("treatment", "outcome") if name in good] + good.get("mediators", [])
    repeated = sorted({name for name in named if named.count(name) > 1})
    if repeated:
        problems.add(f"{where} treatment, mediators and outcome must all differ; named twice: {quoted(repeated)}.")
    if spec:
        check_measures(where, dict.fromkeys(named), spec.measures, problems)


def _check_between(where: str, good: Table, spec: CrossLagged | None, problems: Problems) -> None:
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


def _check_pair(where: str, good: Table, _: CrossLagged | None, problems: Problems) -> None:
    between = good.get("between", [])
    if len(between) > 2:
        problems.add(f"{where} between must be two measures; got {quoted(between)}. Ask of each pair in turn.")


def _check_paths(where: str, good: Table, spec: CrossLagged | None, problems: Problems) -> None:
    given = [good["path"]] if "path" in good else good.get("paths", [])
    for path in given:
        if spec and lagged_path(*(split_path(path) or ("", path))) not in spec.paths:
            problems.add(f"{where}: '{path}' is no lagged path of the model{choices(path, spec.paths, 'Paths')}")


def _check_statements(where: str, good: Table, spec: CrossLagged | None, problems: Problems) -> None:
    """Effects and comparisons of hypotheses; the intervals they name are known once the data are."""
    given = good.get("statements", [])
    if spec and given:
        from ..questions.statements import parse

        every = (lagged_path(predictor, outcome) for outcome in spec.measures for predictor in spec.measures)
        known, found = [path for path in every if path not in spec.remove], Problems(where)
        for text in given.values() if isinstance(given, dict) else given:
            parse(text, known, found, any_interval=True)
        for problem in found.found:
            problems.add(f"{where} statements: {problem}")


def _check_groups(where: str, _: Table, spec: CrossLagged | None, problems: Problems) -> None:
    if spec and spec.group_lags not in ("free", "pooled"):
        problems.add(
            f"{where} compares groups, and this model has no effects that differ between them. "
            "Say group_lags = 'free' or 'pooled' in [model], and name the column of the groups in [panel] group."
        )


def _check_shifted(where: str, good: Table, spec: CrossLagged | None, problems: Problems) -> None:
    if spec and "measure" in good:
        check_measures(f"{where} measure", [good["measure"]], spec.measures, problems)
    if spec and spec.group_lags is not None:
        problems.add(f"{where} imputes values and reads effects in one population, and this model has groups.")


type _Check = Callable[[str, Table, CrossLagged | None, Problems], None]

_CHECKS: dict[str, tuple[_Check, ...]] = {
    "directionality": (_check_between,),
    "mediation": (_check_mediation,),
    "lag_curve": (_check_paths,),
    "hypotheses": (_check_pair, _check_between, _check_statements),
    "bayes_factors": (_check_pair, _check_between),
    "robustness": (_check_pair, _check_between),
    "delta_adjustment": (_check_pair, _check_between, _check_shifted),
    "group_contrast": (_check_paths, _check_groups),
}
