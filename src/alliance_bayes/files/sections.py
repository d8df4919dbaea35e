"""The sections of a model file: what each may hold, and what they are read into."""

from collections.abc import Iterable
from dataclasses import fields, replace
from typing import Any

from ..basics.given import is_number, is_whole, shown
from ..basics.names import did_you_mean, number, quoted
from ..basics.problems import Problems
from ..families.registry import AMOUNT_OPTIONS
from ..panel.checks import check_times
from ..panel.records import DECISIONS
from ..simulation import GroupTruth, Truth
from ..spec.cross_lagged import CrossLagged
from ..spec.mapping import KINDS, spec_from_mapping
from ..spec.priors import Priors
from .columns import DerivedColumn, MeanOf, Minus
from .keys import (
    COLUMN,
    MEASURES,
    WHOLE,
    Key,
    Table,
    are_lists_of_texts,
    are_operands,
    are_times,
    is_count,
    is_table,
    is_tables,
    is_text,
    is_text_table,
    is_texts,
    read_keys,
    read_sampling,
)
from .questions import check_measures, read_question

__all__ = ["FORMAT", "MODEL", "read_sections"]

FORMAT = 1

FILE = {
    "format": Key(f"the number {FORMAT}", lambda value: value == FORMAT and is_count(value), required=True),
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
        is_text_table,
    ),
    "contradictions": Key(f"one of {quoted(DECISIONS)}", lambda value: is_text(value) and value in DECISIONS),
    "interviewed": Key(COLUMN, is_text),
    "covariates": Key("a list of columns, such as ['commitment']", is_texts),
    "group": Key(COLUMN, is_text),
    "own_time": Key(COLUMN, is_text),
}
MODEL = {
    "kind": Key("a text, such as 'riclpm'", is_text, required=True),
    "measures": Key(MEASURES, lambda value: is_texts(value, least=2)),
    "lags": Key("a text", is_text),
    "residuals": Key("a text", is_text),
    "means": Key("a text", is_text),
    "remove": Key("a list of paths, such as ['x -> y']", lambda value: is_texts(value, least=0)),
    "equal": Key("a list of lists of paths, such as [['x -> y, 0 to 1', 'x -> y, 1 to 2']]", are_lists_of_texts),
    "lag_2": Key("a list of paths, such as ['x -> y']", is_texts),
    "covariates": Key(
        "a table from covariates to where they act, such as { commitment = 'intercepts' }",
        lambda value: is_table(value) and all(is_text(each) or is_texts(each) for each in value.values()),
    ),
    "predetermined": Key("a list of covariates, such as ['commitment']", is_texts),
    "moderated": Key("a table from paths to covariates, such as { 'x -> y' = 'commitment' }", is_text_table),
    "reliability": Key(
        "a table from measures to numbers, such as { alliance = 0.95 }",
        lambda value: is_table(value) and all(map(is_number, value.values())),
    ),
    "indicators": Key(
        "a table from measures to columns, such as { alliance = ['item_1', 'item_2', 'item_3'] }",
        lambda value: is_table(value) and all(map(is_texts, value.values())),
    ),
    "invariance": Key("a text", is_text),
    "group_lags": Key("a text", is_text),
    "equal_across_groups": Key("a list of texts, such as ['residuals']", is_texts),
    "nonexistent": Key("a text", is_text),
    "families": Key(
        "a table from measures to families, such as { days = { family = 'days', window = 30 } }",
        lambda value: is_table(value) and all(is_text(each) or is_table(each) for each in value.values()),
    ),
    "state": Key("a section, [model.state]", is_table),
    "selection": Key("one or more sections, [[model.selection]]", is_tables),
    "trait_loadings": Key("a text", is_text),
    "stationary": Key("true or false", lambda value: isinstance(value, bool)),
}
SAMPLING = {
    "draws": Key(WHOLE, is_count),
    "tune": Key(WHOLE, is_count),
    "chains": Key(WHOLE, is_count),
    "target_accept": Key("a number between 0 and 1", lambda value: is_number(value) and 0 < value < 1),
    "seed": Key("a whole number of 0 or more", lambda value: is_whole(value, least=0)),
}
DERIVED = {
    "mean_of": Key("a list of two or more columns", lambda value: is_texts(value, least=2)),
    "at_least": Key(WHOLE, is_count),
    "minus": Key("two columns, or a column and a number, such as [30, 'drinking_days']", are_operands),
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
    sampling = read_sampling(found.get("sampling", {}), SAMPLING, problems)
    spec = read_spec(found["model"], layout, times, problems) if "model" in found else None
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
        problems.add(f"{where} must be a table, such as {{ mean_of = ['item_1', 'item_2'] }}; got {shown(table)}.")
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


def read_spec(table: Table, layout: Table, times: tuple[float, ...] | None, problems: Problems) -> CrossLagged | None:
    """Read the model without its priors; its measures are the panel's, unless it names them.

    Less its covariates, its state and what its families are given.
    """
    kind, measures = KINDS.get(str(table.get("kind"))), layout.get("measures")
    options = {"kind", *(option.name for option in fields(kind))} if kind else set(MODEL)
    good = read_keys("[model]", table, {name: key for name, key in MODEL.items() if name in options}, problems)
    if measures:
        check_columns(good, layout, problems)
        others = {*good.get("covariates", {}), good.get("state", {}).get("name"), *given_columns(good)}
        good = {"measures": [name for name in measures if name not in others]} | good
    if "kind" not in good or "measures" not in good:
        return None
    with problems.collecting("[model] "):
        spec = spec_from_mapping(good)
        for problem in spec.problems_with(times) if times else ():
            problems.add(f"[model] {problem}")
        return spec
    return None


def given_columns(model: Table) -> list[str]:
    """Measures of the panel that hold windows, trials and exposures of the families."""
    tables = [table for table in model.get("families", {}).values() if is_table(table)]
    named = [table.get(option) for table in tables for option in AMOUNT_OPTIONS]
    return [name for name in named if is_text(name)]


def items_of(model: Table) -> dict[str, list[str]]:
    """Measures whose family is one of items, and these."""
    families = {name: table for name, table in model.get("families", {}).items() if is_table(table)}
    return {name: table["items"] for name, table in families.items() if is_texts(table.get("items"))}


def check_columns(model: Table, layout: Table, problems: Problems) -> None:
    """Whether the panel holds what the model names: measures or what measures them, covariates, groups, times."""
    measures, indicators, items = layout["measures"], model.get("indicators", {}), items_of(model)
    replaced = {**indicators, **items}
    check_measures(
        "[model] measures", [name for name in model.get("measures", []) if name not in replaced], measures, problems
    )
    for columns in indicators.values():
        check_measures("[model] indicators", columns, measures, problems)
    for columns in (*items.values(), given_columns(model)):
        check_measures("[model] families", columns, measures, problems)
    of_persons = layout.get("covariates", [])
    for option, names, known in (
        ("covariates", model.get("covariates", {}), [*of_persons, *measures]),
        ("moderated", dict.fromkeys(model.get("moderated", {}).values()), of_persons),
    ):
        for name in names:
            if name not in known:
                problems.add(
                    f"[model] {option} names '{name}', which [panel] does not read. Put it among the covariates there"
                    f"{', or among the measures if it varies over time' if option == 'covariates' else ''}"
                    f"{did_you_mean(name, known) or '.'}"
                )
    check_state(model.get("state", {}), model.get("measures", measures), layout, problems)
    if "group_lags" in model and "group" not in layout:
        problems.add("[model] group_lags needs groups: name their column in [panel] group.")
    if "group" in layout and "group_lags" not in model:
        problems.add("[panel] group needs group_lags in [model]: 'free', 'equal' or 'pooled'.")
    if "own_time" in layout and model.get("lags") != "continuous":
        problems.add("[panel] own_time needs lags = 'continuous' in [model].")


def check_state(state: Table, of_model: list[str], layout: Table, problems: Problems) -> None:
    """Whether the panel holds the state, and the covariates in its regressions."""
    known = [*layout.get("requires", {}).values(), *layout["measures"]]
    if is_text(state.get("name")) and state["name"] not in known:
        problems.add(
            f"[model.state] name is '{state['name']}', which [panel] does not read. Put it among the measures there, "
            f"or in requires{did_you_mean(state['name'], known) or '.'}"
        )
    of_persons = [*of_model, *layout.get("covariates", [])]
    for option in ("first", "acquire", "keep"):
        named = state.get(option, [])
        for name in named if is_texts(named) else []:
            if name not in of_persons:
                problems.add(
                    f"[model.state] {option} names '{name}', which is no measure of the model and no covariate of "
                    f"[panel]{did_you_mean(name, of_persons) or '.'}"
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


def listed(times: Iterable[float]) -> str:
    return ", ".join(map(number, times))
