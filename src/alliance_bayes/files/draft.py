"""The first model file for some data: what was found in them, with comments on what to decide."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from os import PathLike
from typing import Any

import pandas as pd

from ..basics.calls import checked
from ..basics.names import choices, in_words, number, quoted
from ..basics.problems import ModelFileError, Problems
from ..panel.checks import label
from ..panel.factors import indicator_names
from ..panel.missing_codes import MissingCodes
from ..panel.overview import Overview, overview, pooled_shape
from ..panel.value_shapes import ValueShape
from ..spec.models import CLPM, RICLPM
from ..spec.steps import equal_intervals, steps_per_interval
from .reading import document_of
from .writing import key_of

__all__ = ["draft"]

MOST_STEPS = 40
OTHERWISE = {
    "days": '  # of counts without an upper limit: "count", without window',
    "count": '  # where nobody can report more than a number of days: "days", with window',
}
FEWEST_TIMES = {"riclpm": RICLPM.fewest_waves, "clpm": CLPM.fewest_waves}


@checked(ModelFileError, apart=["data", "missing", "delimiter", "encoding", "decimal"])
def draft(
    data: pd.DataFrame | str | PathLike[str],
    *,
    measures: Sequence[str] | None = None,
    person: str | None = None,
    time: str | None = None,
    times: Sequence[float] | None = None,
    time_unit: str | None = None,
    group: str | None = None,
    title: str | None = None,
    missing: MissingCodes | None = None,
    delimiter: str | None = None,
    encoding: str | None = None,
    decimal: str | None = None,
) -> str:
    """The text of a model file for some data, with a comment on each decision; `load` reads it once it is saved.

    Parameters
    ----------
    data, delimiter, encoding, decimal
        As in `Panel.from_long`.
    measures
        Measures whose direction is in question; of data with one row per person the names of their columns without
        the number of the wave. Left open where exactly two columns of numbers vary within persons.
    person, time, times, time_unit, group
        As in `Panel.from_long`; what is left open is found in the data, where one answer fits.
    title
        What is asked, in words.
    missing
        Codes for missing answers; those that `overview` suspects where they are left open. None is written with ``()``.

    Raises
    ------
    PanelError
        If the data cannot be read.
    ModelFileError
        If a choice is open that the data do not settle; says which columns there are.

    Examples
    --------
    >>> frame = pd.DataFrame({"id": [1, 1, 2, 2], "month": [0, 6, 0, 6], "x": [1.5, 2, 3, 4], "y": [7, 9.5, 8, 1]})
    >>> print(draft(frame).splitlines()[2])
    format = 1
    """
    seen = overview(
        data,
        person=person,
        time=time,
        missing=missing or (),
        delimiter=delimiter,
        encoding=encoding,
        decimal=decimal,
    )
    given = {"delimiter": delimiter, "encoding": encoding, "decimal": decimal}
    problems = Problems(f"No model file can be drafted for {seen.table.source} yet")
    chosen = _measures(seen, measures, problems)
    if seen.person is None:
        problems.add(f"No column looks like the person's id; name it (person). Columns: {_names(seen)}.")
    if seen.time is None and not seen.is_wide:
        problems.add(f"No column looks like the time; name it (time). Columns: {_names(seen)}.")
    if group is not None and group not in seen.table.frame.columns:
        problems.add(f"No column '{group}' for the groups. Columns: {_names(seen)}.")
    waves, labels = _times(seen, times, problems)
    problems.raise_as(ModelFileError)
    shapes = {name: pooled_shape(seen, name) for name in chosen}
    codes: Any = seen.codes if missing is None else missing
    lines = [
        f"# Model file for {seen.table.source}, drafted by alliance-bayes init. Read each line; # begins a comment.",
        "# All keys: docs/model_file.md. Check it before it is run: alliance-bayes check MODEL.toml DATA",
        "format = 1",
        f"title = {_value(title or _title(chosen))}",
        "",
        "[panel]",
        *_panel(seen, chosen, waves, labels, times, time_unit, group, codes, given),
        "",
        *_model(waves, shapes, group, seen),
        "",
        *_questions(chosen, shapes, group, seen),
    ]
    text = "\n".join(lines) + "\n"
    document_of(text, "the draft")
    return text


def _names(seen: Overview) -> str:
    return quoted([column.name for column in seen.columns], most=30)


def _measures(seen: Overview, given: Sequence[str] | None, problems: Problems) -> list[str]:
    """The measures that are asked about."""
    found = [name for name, columns in seen.measures.items() if not seen.is_wide or len(columns) > 1]
    if given is None:
        if len(found) != 2:
            listed = f"; these vary within persons: {quoted(found, most=30)}" if found else ""
            problems.add(f"Name the two or more measures whose direction is in question (measures){listed or '.'}")
        return found
    known = found if seen.is_wide else [column.name for column in seen.columns if column.kind == "numbers"]
    for name in given:
        if name not in known:
            problems.add(f"'{name}' is no column of numbers{choices(name, known, 'There are')}")
    if len(set(given)) < 2:
        problems.add(f"Two or more different measures are needed; got {quoted(given)}.")
    return list(dict.fromkeys(given))


def _times(
    seen: Overview, given: Sequence[float] | None, problems: Problems
) -> tuple[list[float], dict[str, float] | None]:
    """Times of the waves, and the labels that stand for them in the data."""
    if seen.is_wide:
        n_waves = max(len(columns) for columns in seen.measures.values())
        if given is not None and len(given) != n_waves:
            problems.add(f"The data have {n_waves} waves, and times are {len(given)}: give one for each.")
        return list(map(float, given or seen.times)), None
    if seen.time is None:
        return [], None
    column = seen.column(seen.time)
    if column.kind == "dates" and given is None:
        problems.add(
            f"'{seen.time}' holds dates; say the planned times of the waves in months (times), such as 0, 6, 12."
        )
    if column.kind != "categories":
        return list(map(float, given or seen.times)), None
    labels = sorted(map(str, seen.table.frame[seen.time].dropna().unique()), key=_in_order)
    waves = list(map(float, given or range(len(labels))))
    if len(waves) != len(labels):
        problems.add(f"'{seen.time}' holds {quoted(labels)}, and times are {len(waves)}: give one for each.")
    return waves, dict(zip(labels, waves, strict=False))


def _in_order(label: str) -> tuple[float, str]:
    found = re.search(r"\d+", label)
    return (float(found[0]) if found else -1.0, label)


def _title(measures: Sequence[str]) -> str:
    return f"Which way does it run between {in_words(measures)}?"


def _panel(
    seen: Overview,
    measures: Sequence[str],
    waves: Sequence[float],
    labels: Mapping[str, float] | None,
    times: Sequence[float] | None,
    time_unit: str | None,
    group: str | None,
    codes: Any,
    layout: Mapping[str, str | None],
) -> Iterable[str]:
    yield f"person = {_value(seen.person)}"
    if seen.is_wide:
        columns = {name: list(seen.measures[name]) for name in measures}
        yield "# One row per person: each measure with its columns, one for each time."
        yield f"measures = {_value(columns)}"
        note = "" if times is not None else "  # the numbers in the names of the columns: write the real times"
        yield f"times = {_value(list(waves))}{note}"
    else:
        yield f"time = {_value(seen.time)}"
        dated = seen.time is not None and seen.column(seen.time).kind == "dates"
        if dated:
            yield 'dates_from = "person"  # months from each person\'s first date, or "all": from the first of all'
        yield f"measures = {_value(list(measures))}"
        if labels is not None:
            note = "" if times is not None else "  # write the real time of each label"
            yield f"times = {_value(labels)}{note}"
        elif dated or times is not None:
            yield f"times = {_value(list(waves))}"
        else:
            yield f"# times = {_value(list(waves))}  # all that were found; leave some out to leave waves out"
        time_unit = time_unit or ("months" if dated else None)
    yield f"time_unit = {_value(time_unit)}" if time_unit else '# time_unit = "months"  # printed after times'
    yield from (f"{name} = {_value(value)}" for name, value in layout.items() if value is not None)
    yield from _codes(seen, measures, codes)
    if seen.repeated and not seen.is_wide:
        yield f'identical_rows = "drop"  # {seen.repeated:,} repeat another in every column'
    if group:
        yield f"group = {_value(group)}"
    elif seen.categories:
        yield f"# group = {_value(seen.categories[0])}  # with group_lags in [model], and group in a question"
    if seen.covariates:
        yield f"# covariates = {_value(list(seen.covariates))}  # with covariates in [model]; constant within persons"
    if categories := _categories(seen, group):
        yield f"# factor = {_value(categories)}  # columns of 0 and 1, the first category the reference"
    named = dict.fromkeys([*([group] if group else []), *seen.covariates, *categories])
    if gaps := [name for name in named if seen.table.frame[name].isna().any()]:
        yield f'# without_covariates = "leave_out"  # people without {in_words(gaps)}, if named above'


def _categories(seen: Overview, group: str | None) -> dict[str, list[str]]:
    """Columns of categories but that of the groups, with their categories."""
    frame = seen.table.frame
    return {name: sorted(map(str, frame[name].dropna().unique())) for name in seen.categories if name != group}


def _codes(seen: Overview, measures: Sequence[str], codes: Any) -> Iterable[str]:
    """The codes for missing answers that are used, with the counts of those that were found."""
    if isinstance(codes, Mapping):
        used = {column for name in measures for column in seen.measures.get(name, (name,))}
        chosen = {name: list(of_column) for name, of_column in codes.items() if name in used}
        if not chosen:
            return
        found = []
        for name in measures:
            counts: dict[float | str, int] = {}
            for column in seen.measures.get(name, (name,)):
                for code, count in seen.column(column).codes.items():
                    counts[code] = counts.get(code, 0) + count
            found += [f"{label(code)} in {name} ({count:,} times)" for code, count in counts.items()]
        if found:
            yield f"# Apart from all other values and taken as missing, which is to be checked: {in_words(found)}"
        different = {tuple(of_column) for of_column in chosen.values()}
        beyond = all(isinstance(code, str) or code < 0 for of_column in different for code in of_column)
        if len(different) == 1 and len(chosen) == len(used) and beyond:
            yield f"missing = {_value(list(next(iter(different))))}"
        else:
            yield f"missing = {_value(chosen)}"
    elif codes:
        yield f"missing = {_value(list(codes))}"


def _model(
    waves: Sequence[float], shapes: Mapping[str, ValueShape], group: str | None, seen: Overview
) -> Iterable[str]:
    yield "[model]"
    yield "# riclpm: stable differences between people apart from lagged effects; clpm (two waves): mixed with them"
    enough = len(waves) >= FEWEST_TIMES["riclpm"]
    if enough:
        yield 'kind = "riclpm"'
    else:
        yield 'kind = "clpm"'
    if equal_intervals(tuple(waves)):
        yield 'lags = "equal"  # the same effects at each interval; "free": their own at each'
    elif _has_grid(waves):
        yield 'lags = "grid"  # unequal intervals: one step as long as their common divisor; or "continuous", or "free"'
    else:
        yield 'lags = "continuous"  # unequal intervals without a common step'
    if group or seen.categories:
        off = "" if group else "# "
        yield f'{off}group_lags = "equal"  # or "free": each group its own effects, "pooled": drawn together'
    indicators = (indicator_names(name, categories) for name, categories in _categories(seen, group).items())
    if constant := [*seen.covariates, *chain.from_iterable(indicators)]:
        enters = dict.fromkeys(constant, "intercepts" if enough else "first_wave")
        yield f"# covariates = {_value(enters)}  # of those that [panel] reads"
    yield from _families(shapes, grouped=group is not None)


def _families(shapes: Mapping[str, ValueShape], *, grouped: bool) -> Iterable[str]:
    """Families of values that are not normal, and, as comments, those of values that may be days."""
    not_normal = {name: shape for name, shape in shapes.items() if shape.family or shape.may_be}
    if not_normal:
        yield ""
        if grouped:
            yield "# Families and groups do not go together; without groups these measures would have:"
    for name, shape in not_normal.items():
        off = "# " if grouped or shape.family is None else ""
        what = shape.in_words if shape.family else "may be days of a window (then ask no maximum_likelihood)"
        yield f"# {name}: {what}{f', {shape.reason}' if shape.reason else ''}"
        yield f"{off}[model.families.{key_of(name)}]"
        yield f"{off}family = {_value(shape.family or shape.may_be)}{OTHERWISE.get(shape.family or '', '')}"
        if shape.window is not None:
            yield f"{off}window = {shape.window}"


def _has_grid(waves: Sequence[float]) -> bool:
    try:
        return sum(steps_per_interval(tuple(waves))) <= MOST_STEPS
    except ValueError:
        return False


def _questions(
    measures: Sequence[str], shapes: Mapping[str, ValueShape], group: str | None, seen: Overview
) -> Iterable[str]:
    labelled = []
    if group or seen.categories:
        groups = sorted(map(str, seen.table.frame[group or seen.categories[0]].dropna().unique()))
        off = "" if group else "# "
        labelled = [f"{off}group = {_value(groups[0])}  # the group that is asked about, of {quoted(groups, most=8)}"]
    yield "[[question]]"
    yield 'ask = "directionality"'
    yield f"between = {_value(list(measures))}"
    yield "margin = 0.03  # the smallest effect, and difference in size, that counts; SD per SD"
    yield from labelled
    if group or not any(shape.family for shape in shapes.values()):
        yield ""
        yield "[[question]]"
        yield 'ask = "maximum_likelihood"  # the same model without priors, and how well it fits'
    yield ""
    yield "# [[question]]"
    yield '# ask = "robustness"  # other models, lags and priors'
    yield f"# between = {_value(list(measures)[:2])}"
    yield ""
    yield "# [sampling]"
    yield "# draws = 1000"
    yield "# chains = 4"
    yield "# target_accept = 0.98  # nearer to 1 where the fit reports divergent draws"


def _value(value: Any) -> str:
    """A plain value as TOML."""
    match value:
        case Mapping():
            return f"{{ {', '.join(f'{key_of(str(name))} = {_value(part)}' for name, part in value.items())} }}"
        case list() | tuple():
            return f"[{', '.join(map(_value, value))}]"
        case bool() | str():
            return json.dumps(value, ensure_ascii=False)
        case _:
            return number(value)
