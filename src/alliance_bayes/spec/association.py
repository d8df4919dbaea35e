"""The published kind of analysis as a value: regressions with a random intercept per person."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from ..basics.calls import checked
from ..basics.given import entries, shown
from ..basics.names import choices, in_words, number, quoted
from ..basics.problems import Problems, SpecError

__all__ = ["RandomInterceptRegression"]

NAME = re.compile(r"[A-Za-z_]\w*(?!\w*\s*\()")
WITHIN, BETWEEN = "_within", "_between"


@checked(apart=["outcomes", "exposures", "formula"])
@dataclass(frozen=True, init=False)
class RandomInterceptRegression:
    """Regressions of outcomes on exposures of the same time, with a random intercept per person.

    Parameters
    ----------
    outcomes
        Columns of numbers, one regression for each.
    exposures
        Columns of numbers whose association with the outcomes is asked for, 1 and 0 for a state. They
        are centred at their mean over the rows used, and split into person mean and deviation in the
        second model.
    formula
        Right-hand side in Bambi's language, such as ``"time + alliance + alliance:time + age"``,
        without the random intercept.
    person, time
        Columns of the person's id and of the time.
    times
        Times whose rows are used; all when left open.
    time_zero, time_step
        In the formula time counts from `time_zero` in steps of `time_step`, so that the effect of an
        exposure without a product with time is that at `time_zero`.
    time_unit
        Unit of the times, for printing.
    rows_with
        A state, 1 or 0: only rows where it is 1 are used, as exposures do not exist elsewhere.
    parts
        Outcome to the variables of which it holds items, as an index of involvement holds one on having
        a sponsor. Such an outcome and such a variable are refused together: their association is partly
        arithmetic.

    Examples
    --------
    >>> regression = RandomInterceptRegression(["days"], ["alliance"], "time + alliance + alliance:time + age")
    >>> regression.right_side(split=True)
    'time + (alliance_within + alliance_between) + (alliance_within + alliance_between):time + age'
    """

    outcomes: tuple[str, ...]
    exposures: tuple[str, ...]
    formula: str
    person: str = "person"
    time: str = "time"
    times: tuple[float, ...] | None = None
    time_zero: float = 0.0
    time_step: float = 1.0
    time_unit: str | None = None
    rows_with: str | None = None
    parts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __init__(
        self,
        outcomes: Sequence[str],
        exposures: Sequence[str],
        formula: str,
        *,
        person: str = "person",
        time: str = "time",
        times: Sequence[float] | None = None,
        time_zero: float = 0.0,
        time_step: float = 1.0,
        time_unit: str | None = None,
        rows_with: str | None = None,
        parts: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        given = {
            "outcomes": _tuple(outcomes),
            "exposures": _tuple(exposures),
            "formula": " ".join(formula.split()) if isinstance(formula, str) else formula,
            "person": person,
            "time": time,
            "times": None if times is None else tuple(float(each) for each in times),
            "time_zero": time_zero,
            "time_step": time_step,
            "time_unit": time_unit,
            "rows_with": rows_with,
            "parts": {name: _tuple(held) for name, held in (parts or {}).items()},
        }
        for name, value in given.items():
            object.__setattr__(self, name, value)
        self._check()

    def __hash__(self) -> int:
        return hash((self.outcomes, self.exposures, self.formula, self.rows_with))

    def _check(self) -> None:
        problems = Problems("This association cannot be asked for")
        for label, names in (("outcomes", self.outcomes), ("exposures", self.exposures)):
            if not names:
                problems.add(f"{label} is empty; name at least one column.")
            odd = [name for name in names if not (isinstance(name, str) and name.isidentifier())]
            if odd:
                problems.add(f"{label} holds {quoted(odd)}, which a formula cannot name; use letters, digits and _.")
        if not isinstance(self.formula, str) or not self.formula:
            problems.add("formula must be a text such as 'time + alliance + alliance:time + age'.")
            problems.raise_as(SpecError)
        for sign, meaning in (("~", "an outcome; name outcomes in outcomes"), ("|", "a random effect; it is added")):
            if sign in self.formula:
                problems.add(f"formula holds '{sign}', hence {meaning}. Give the right-hand side alone.")
        for name in self.exposures:
            if name not in self.variables:
                problems.add(f"The exposure '{name}' is not in the formula{choices(name, self.variables, 'It holds')}")
        for name in self.outcomes:
            if name in self.variables:
                problems.add(f"The outcome '{name}' is also in the formula; leave it out of one of them.")
        for name, held in self.parts.items():
            problems.found += part_whole(name, held, self.variables) if name in self.outcomes else []
        if not self.time_step > 0:
            problems.add(f"time_step must be above 0; got {shown(self.time_step)}.")
        problems.raise_as(SpecError)

    @property
    def variables(self) -> tuple[str, ...]:
        """Columns that the formula reads, in order."""
        return tuple(dict.fromkeys(NAME.findall(self.formula)))

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns that the regressions read."""
        state = () if self.rows_with is None else (self.rows_with,)
        return tuple(dict.fromkeys((self.person, self.time, *state, *self.outcomes, *self.variables)))

    def right_side(self, *, split: bool) -> str:
        """The formula, each exposure split into deviation from the person's mean and that mean where asked for."""
        if not split:
            return self.formula
        return NAME.sub(
            lambda match: f"({match[0]}{WITHIN} + {match[0]}{BETWEEN})" if match[0] in self.exposures else match[0],
            self.formula,
        )

    def to_mapping(self) -> dict[str, Any]:
        """Plain values; options at their defaults are left out."""
        mapping: dict[str, Any] = {}
        for option in fields(self):
            value = getattr(self, option.name)
            if option.name in ("outcomes", "exposures", "formula") or (
                value != option.default and not (option.name == "parts" and not value)
            ):
                mapping[option.name] = list(value) if isinstance(value, tuple) else value
        if self.parts:
            mapping["parts"] = {name: list(held) for name, held in self.parts.items()}
        return mapping

    def __str__(self) -> str:
        rows = f", rows with {self.rows_with}" if self.rows_with else ""
        unit = f" {self.time_unit}" if self.time_unit else ""
        clock = f"{self.time} counts from {number(self.time_zero)} in steps of {number(self.time_step)}{unit}"
        return f"{in_words(self.outcomes)} ~ {self.formula} + (1 | {self.person}){rows}; {clock}"


def part_whole(outcome: str, held: Iterable[str], variables: Sequence[str]) -> list[str]:
    """Problems of an outcome that holds items of variables beside it in a regression."""
    return [
        f"The outcome '{outcome}' holds an item on '{name}', which is in the formula: their association is partly "
        f"arithmetic. Use an index without that item, or leave '{name}' out of the formula."
        for name in held
        if name in variables
    ]


def _tuple(names: object) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else entries(names) or ()
