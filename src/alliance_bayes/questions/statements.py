"""Hypotheses about lagged effects written as text, and whether draws satisfy them."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise

import numpy as np
import xarray as xr

from ..basics.given import entries, shown
from ..basics.names import choices, lagged_path, number, quoted
from ..basics.problems import Problems, SpecError
from ..posterior.posterior import Posterior
from ..posterior.summaries import above, average_by_length, below, indicator
from ..spec.cross_lagged import CrossLagged
from ..spec.steps import interval_names
from .arguments import MARGIN, canonical_path
from .lengths import average_over, length_labels
from .structure import FIXED, fixed_intervals

__all__ = [
    "Side",
    "Statement",
    "all_hold",
    "effects_of",
    "fixed_effects",
    "parse",
    "read_statements",
    "statement_problems",
]

LEADS = "leads"
LEAD = re.compile(r"(\S.*?) leads ([^,]+?)(, .+)?")
NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")


@dataclass(frozen=True)
class Side:
    """One side of a comparison: a number, or a path with what it is over (``"x -> y, 0 to 6"``), or its size."""

    text: str
    absolute: bool = False

    @property
    def value(self) -> float | None:
        """The number, or None for an effect."""
        return float(self.text) if NUMBER.fullmatch(self.text) else None

    @property
    def number(self) -> float:
        """The number, without its sign between bars; NaN for an effect."""
        value = np.nan if self.value is None else self.value
        return abs(value) if self.absolute else value

    def __str__(self) -> str:
        return f"|{self.text}|" if self.absolute else self.text


@dataclass(frozen=True)
class Statement:
    """Comparisons that hold together, each a left side, ``"<"``, ``">"`` or ``"leads"``, and a right side.

    The left side leads where it is larger by more than the margin.
    """

    text: str
    comparisons: tuple[tuple[Side, str, Side], ...]
    margin: float = MARGIN

    def holds(self, effects: Mapping[str, xr.DataArray]) -> xr.DataArray:
        """1 where a draw of the effects, dims ``(chain, draw)``, satisfies all comparisons, 0 where it fails one.

        NaN where an effect has no value, or where both sides of a comparison are equal and no other one fails.
        """

        def read(side: Side) -> xr.DataArray | float:
            if side.value is not None:
                return side.number
            return abs(effects[side.text]) if side.absolute else effects[side.text]

        def leads(one: xr.DataArray | float, other: xr.DataArray | float) -> xr.DataArray:
            first, second = xr.DataArray(one), xr.DataArray(other)
            return indicator(first - second > self.margin, first, second)

        compare = {"<": below, ">": above, LEADS: leads}
        answer = all_hold([compare[sign](read(left), read(right)) for left, sign, right in self.comparisons])
        sides = [side for left, _, right in self.comparisons for side in (left, right)]
        known = indicator(answer, *(effects[side.text] for side in sides if side.value is None))
        return known.transpose(*next(iter(effects.values())).dims)


def all_hold(answers: Sequence[xr.DataArray]) -> xr.DataArray:
    """1 where all of several answers are 1, 0 where one is 0, and NaN where it depends on one without a value."""
    together = xr.concat(answers, "statement")
    return together.min("statement").where((together == 0).any("statement") | together.notnull().all("statement"))


def effects_of(fit: Posterior, group: str) -> dict[str, xr.DataArray]:
    """Draws of all standardised lagged effects by path and what they are over, dims ``(chain, draw)``.

    Over each interval, over the average of intervals of one length, and without saying over what
    where all intervals are of one length.
    """
    draws = fit.drawn(group)["lagged_standardized"]
    lengths = length_labels(fit)
    effects = {}
    for outcome in fit.spec.measures:
        for predictor in fit.spec.measures:
            path = lagged_path(predictor, outcome)
            of_path = draws.sel(path=path, drop=True)
            for index, interval in enumerate(draws["interval"].to_numpy()):
                effects[f"{path}, {interval}"] = of_path.isel(interval=index, drop=True)
            averages = average_by_length(of_path, lengths)
            for length in dict.fromkeys(lengths):
                average = averages.sel(length=length, drop=True)
                effects[f"{path}, {average_over(length)}"] = average
                if len(set(lengths)) == 1:
                    effects[path] = average
    return effects


def fixed_effects(fit: Posterior) -> set[str]:
    """Names, among those of `effects_of`, of effects that are 0 by construction."""
    lengths = length_labels(fit)
    names, named = interval_names(fit.panel.times), set()
    for outcome in fit.spec.measures:
        for predictor in fit.spec.measures:
            path, fixed = lagged_path(predictor, outcome), fixed_intervals(fit, (predictor, outcome))
            named |= {f"{path}, {name}" for name in fixed}
            for length in dict.fromkeys(lengths):
                alike = {name for name, each in zip(names, lengths, strict=True) if each == length}
                if alike <= set(fixed):
                    named |= {f"{path}, {average_over(length)}"} | ({path} if len(set(lengths)) == 1 else set())
    return named


def read_statements(
    texts: Sequence[str] | Mapping[str, str],
    known: Iterable[str],
    fixed: set[str],
    problems: Problems,
    *,
    margin: float,
) -> dict[str, Statement]:
    """Statements by name; all that is wrong with them, or was noted before, in one SpecError."""
    given = list(texts.values()) if isinstance(texts, Mapping) else entries(texts)
    if not given or not all(isinstance(text, str) for text in given):
        raise SpecError(f"statements must be a list of texts, such as ['|x -> y| > |y -> x|']; got {shown(texts)}.")
    named = dict(texts) if isinstance(texts, Mapping) else {text: text for text in given}
    read = {name: parse(text, known, problems, margin=margin) for name, text in named.items()}
    for statement in read.values():
        _check_free_sides(statement, fixed, problems)
    problems.raise_as(SpecError)
    return read


def _check_free_sides(statement: Statement, fixed: set[str], problems: Problems) -> None:
    """Note comparisons of effects that are 0 by construction with nothing that could differ from draw to draw."""
    for left, _, right in statement.comparisons:
        known = [side.text for side in (left, right) if side.text in fixed]
        if known and all(side.text in fixed or side.value is not None for side in (left, right)):
            problems.add(
                f"'{statement.text}': {quoted(known)} {'is' if len(known) == 1 else 'are'} {FIXED}, so that this holds "
                "or not without any data. Compare effects that the model has."
            )


def parse(
    text: str, known: Iterable[str], problems: Problems, *, margin: float = MARGIN, any_interval: bool = False
) -> Statement:
    """Read a hypothesis such as ``"|x -> y| > |y -> x| & x -> y > 0.03"``, noting anything that cannot be read.

    Comparisons by ``<`` and ``>``, which may be chained, and leads such as ``x leads y``, ``|x -> y|`` larger than
    ``|y -> x|`` by more than the margin, are joined by ``&``. Sides are numbers, effects by `known`
    names, or sizes of effects between bars. With `any_interval` the names are paths alone, and what an effect is over
    is not checked yet.
    """
    names, comparisons = list(known), []
    for clause in text.split("&"):
        parts = re.split(r"((?<!-)>|<)", clause)
        lead = LEAD.fullmatch(clause.strip())
        if lead is not None and len(parts) == 1:
            first, second, over = lead.groups(default="")
            parts = [f"|{lagged_path(first, second)}{over}|", LEADS, f"|{lagged_path(second, first)}{over}|"]
        if len(parts) < 3:
            problems.add(
                f"'{text}': '{clause.strip()}' compares nothing; write '<' or '>' between two effects or numbers."
            )
            continue
        sides = [_side(part, text, names, problems, any_interval) for part in parts[::2]]
        pairs = zip(pairwise(sides), parts[1::2], strict=True)
        comparisons += [(left, sign, right) for (left, right), sign in pairs]
    for problem in _decided_before_the_data(comparisons):
        problems.add(f"'{text}': {problem}")
    return Statement(text, tuple(comparisons), margin)


def statement_problems(texts: Iterable[str] | Mapping[str, str], model: CrossLagged) -> Iterator[str]:
    """What is wrong with statements about a model's effects, but for what these are over: the data say that."""
    every = (lagged_path(predictor, outcome) for outcome in model.measures for predictor in model.measures)
    known, problems = [path for path in every if path not in model.remove], Problems("")
    for text in texts.values() if isinstance(texts, Mapping) else texts:
        parse(text, known, problems, any_interval=True)
    yield from (f"statements: {problem}" for problem in problems.found)


def _decided_before_the_data(comparisons: Sequence[tuple[Side, str, Side]]) -> Iterator[str]:
    """Comparisons that hold always or never, whatever the effects are."""
    above, below, order = dict[Side, float](), dict[Side, float](), TopologicalSorter[Side]()
    for left, sign, right in comparisons:
        smaller, larger = (left, right) if sign == "<" else (right, left)
        written = f"'{left} {sign} {right}'"
        if left.value is not None and right.value is not None:
            yield f"{written} names no effect; compare an effect, such as 'x -> y', with a number or another effect."
        elif left == right:
            yield f"{written} compares an effect with itself."
        elif smaller.value is not None:
            above[larger] = max(above.get(larger, -np.inf), smaller.number)
        elif larger.value is not None:
            below[smaller] = min(below.get(smaller, np.inf), larger.number)
        else:
            order.add(larger, smaller)
    for side in dict.fromkeys([*above, *below]):
        least, most = above.get(side, -np.inf), below.get(side, np.inf)
        if side.absolute and (most <= 0 or (least <= 0 and side in above and side not in below)):
            yield f"'{side}' is a size, which is never below 0; compare it with a number above 0."
        elif least >= most and np.isfinite(least):
            yield f"'{side}' cannot be above {number(least)} and below {number(most)}; no effects satisfy both."
    try:
        order.prepare()
    except CycleError as cycle:
        chain = " < ".join(f"'{each}'" for each in cycle.args[1])
        yield f"it says {chain}; no effects satisfy that."


def _side(part: str, text: str, names: list[str], problems: Problems, any_interval: bool) -> Side:
    inner = part.strip()
    absolute = len(inner) > 1 and inner[0] == inner[-1] == "|"
    inner = inner.strip("|").strip() if absolute else inner
    side = Side(_canonical(inner), absolute)
    name = side.text.partition(", ")[0] if any_interval else side.text
    if side.value is None and name not in names:
        problems.add(_unknown(name, text, names))
    elif side.value is not None and not np.isfinite(side.value):
        problems.add(f"'{text}': {side.text} is too large for a number.")
    return side


def _canonical(name: str) -> str:
    path, comma, over = name.partition(",")
    return canonical_path(path) + (f", {over.strip()}" if comma else "")


def _unknown(name: str, text: str, names: list[str]) -> str:
    path = name.partition(", ")[0]
    same = [other.partition(", ")[2] for other in names if other.startswith(f"{path}, ")]
    if same:
        return f"'{text}': say over what '{path}' is: {quoted(f'{path}, {over}' for over in same)}."
    paths = dict.fromkeys(other.partition(", ")[0] for other in names)
    return f"'{text}': '{name}' is neither a number nor an effect of the model{choices(path, paths, 'Effects')}"
