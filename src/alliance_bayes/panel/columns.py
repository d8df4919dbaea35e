"""Which numbers a column can hold, by its use: one set of rules, for columns in memory and on disk."""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.api import types

from ..basics.names import quoted
from ..basics.problems import Problems
from .arrays import first_rounded, rounding_text
from .checks import LARGEST, first, label
from .dates import first_date, formula_of

__all__ = ["Column", "Kind", "MemoryColumn", "Rule", "numbers"]

Kind = Literal["measure", "state", "interview", "covariate", "own time"]
Content = Literal["numbers", "yes or no", "text", "categories", "other"]
FloatArray = npt.NDArray[np.float64]


class Rule(NamedTuple):
    """Values that a column cannot hold: what it holds instead, where they are in memory and in SQL, and a cure.

    `doubtful` is true of all of them, in SQL that a file's own smallest and largest numbers can answer.
    """

    expected: str
    broken: Callable[[Any], Any]
    sql: str
    cure: str = ""
    doubtful: str = "true"


BEYOND = f"({{0}} > {LARGEST} OR {{0}} < -{LARGEST})"
FINITE = Rule("must hold finite numbers, or be missing; others", np.isinf, "isinf({0})", doubtful=BEYOND)
SIZE = Rule(
    f"must hold numbers of at most {LARGEST:g} in size; others",
    lambda values: ~np.isinf(values) & (np.abs(values) > LARGEST),
    f"NOT isinf({{0}}) AND abs({{0}}) > {LARGEST}",
    " Correct them, or give it in a larger unit.",
    BEYOND,
)
STATE = Rule(
    "is a state and must be 1 (on), 0 (off) or missing; others",
    lambda values: (values != 0) & (values != 1) & ~np.isnan(values),
    "{0} NOT IN (0, 1)",
)
INTERVIEW = Rule(
    "must be 1 (interviewed) or 0 (not) in every row; others",
    lambda values: (values != 0) & (values != 1),
    "{0} IS NULL OR {0} NOT IN (0, 1)",
)
NUMBER = Rule(
    "holds text where numbers are expected",
    lambda values: (values.notna() & pd.to_numeric(values, errors="coerce").isna()).to_numpy(),
    "{0} IS NOT NULL AND TRY_CAST({0} AS DOUBLE) IS NULL",
)
RULES: Mapping[Kind, tuple[Rule, ...]] = {
    "measure": (FINITE, SIZE),
    "covariate": (FINITE, SIZE),
    "own time": (FINITE, SIZE),
    "state": (STATE,),
    "interview": (INTERVIEW,),
}

THOUSANDS = re.compile(r"'[+-]?\d{1,3}(?P<sign>[,.'\u2019 \u00a0\u202f])\d{3}(?:(?P=sign)\d{3})*(?:[,.]\d+)?'")


class Column(ABC):
    """A column of a table in memory or on disk: its name in messages, and its type in pandas."""

    name: str
    dtype: Any

    @property
    def content(self) -> Content:
        """What it holds, by its type."""
        if isinstance(self.dtype, pd.CategoricalDtype):
            return "categories"
        if types.is_bool_dtype(self.dtype):
            return "yes or no"
        if types.is_numeric_dtype(self.dtype) and not types.is_complex_dtype(self.dtype):
            return "numbers"
        return "text" if types.is_object_dtype(self.dtype) or types.is_string_dtype(self.dtype) else "other"

    def date(self) -> str | None:
        """The first of its values where all are dates."""
        return None

    @abstractmethod
    def is_empty(self) -> bool:
        """Whether no row has a value."""

    @abstractmethod
    def rounded(self) -> int | None:
        """The first whole number that float64 cannot hold."""

    @abstractmethod
    def counts(self, rules: Sequence[Rule]) -> list[int]:
        """How many values break each rule."""

    @abstractmethod
    def cases(self, rule: Rule) -> Iterator[str]:
        """The first values that break a rule, as text."""

    def check(self, kind: Kind, problems: Problems) -> bool:
        """Whether it holds numbers that its use allows; says what else it holds."""
        cell = f"frame['{self.name}']"
        match self.content:
            case "categories" if kind == "covariate":
                problems.add(
                    f"The covariate '{self.name}' is categorical ({quoted(self.dtype.categories, most=4)}). "
                    f"{self._as_factor}"
                )
            case "categories":
                problems.add(
                    f"'{self.name}' is categorical ({quoted(self.dtype.categories, most=4)}); give each category its "
                    f"number, {cell}.map({{...}}).astype(float)."
                )
            case "yes or no" if kind == "measure":
                problems.add(f"'{self.name}' holds True and False; if 1 and 0 are meant, write {cell}.astype(float).")
            case "other" | "text" if kind == "own time" and (date := self.date()) is not None:
                problems.add(f"'{self.name}' holds dates such as {date}. {formula_of(self.name)}")
            case "other":
                problems.add(f"'{self.name}' is {self.dtype}, not a number; make it a number in real units.")
            case "text":
                if self.is_empty():
                    return True
                if self._follows((NUMBER._replace(cure=self._cure_of_text(kind)),), problems):
                    problems.add(f"'{self.name}' holds numbers stored as text or objects; write pd.to_numeric({cell}).")
            case _:
                rounded = self.rounded()
                if rounded is None:
                    return self._follows(RULES[kind], problems)
                problems.add(f"'{self.name}' holds {rounding_text(rounded)}")
        return False

    @property
    def _as_factor(self) -> str:
        return f"Name it in factor=['{self.name}'] instead, which makes a column of 0 and 1 of each category but one."

    def _cure_of_text(self, kind: Kind) -> str:
        code = next(self.cases(NUMBER), "").partition(" (")[0].partition(" in row ")[0]
        if separated := THOUSANDS.fullmatch(code):
            sign = separated["sign"]
            decimal = "; a decimal comma is named in decimal=','" if sign == "," else ""
            removed = f"frame['{self.name}'].str.replace({sign!r}, '', regex=False).astype(float)"
            return f" If {sign!r} separates thousands, take it out, {removed}{decimal}."
        match kind:
            case "covariate":
                return f" {self._as_factor}"
            case "state" | "interview":
                return " Make it 1 and 0."
            case _:
                return f" A code for a missing answer is named in missing=[{code}], a decimal comma in decimal=','."

    def _follows(self, rules: Sequence[Rule], problems: Problems) -> bool:
        counts = self.counts(rules)
        for rule, count in zip(rules, counts, strict=True):
            if count:
                problems.add(f"'{self.name}' {rule.expected}: {count:,}, {first(self.cases(rule))}.{rule.cure}")
        return not any(counts)


class MemoryColumn(Column):
    """A column of a data frame; `where` says of the row at a position whose it is and when."""

    def __init__(self, values: pd.Series, name: str, where: Callable[[int], str]) -> None:
        self.values, self.name, self.where = values, name, where
        objects = types.is_object_dtype(values.dtype)
        self.dtype = bool if objects and types.infer_dtype(values, skipna=True) == "boolean" else values.dtype

    @cached_property
    def numbers(self) -> FloatArray:
        """Its values as float64, NaN where missing, shape ``(row,)``."""
        if self.content == "text":  # an empty one
            return np.full(len(self.values), np.nan)
        values = self.values.astype("boolean") if self.content == "yes or no" else self.values
        missing = {} if isinstance(values.dtype, np.dtype) else {"na_value": np.nan}  # which would copy
        return np.asarray(values.to_numpy(np.float64, **missing))

    def date(self) -> str | None:
        """The first of its values where all are dates."""
        return first_date(self.values)

    def is_empty(self) -> bool:
        """Whether no row has a value."""
        return not self.values.notna().any()

    def rounded(self) -> int | None:
        """The first whole number that float64 cannot hold."""
        return first_rounded(self.values.dropna().to_numpy()) if types.is_integer_dtype(self.dtype) else None

    def counts(self, rules: Sequence[Rule]) -> list[int]:
        """How many values break each rule."""
        return [int(np.count_nonzero(rule.broken(self._judged))) for rule in rules]

    def cases(self, rule: Rule) -> Iterator[str]:
        """The values that break a rule, as text."""
        for row in np.flatnonzero(rule.broken(self._judged)).tolist():
            yield f"{label(self._judged[row])} {self.where(row)}"

    @cached_property
    def _judged(self) -> Any:
        return self.values.reset_index(drop=True) if self.content == "text" else self.numbers


def numbers(
    values: pd.Series | FloatArray, name: str, kind: Kind, where: Callable[[int], str], problems: Problems
) -> FloatArray | None:
    """Numbers as float64, shape ``(row,)``; None, and a problem, where something else is held."""
    column = MemoryColumn(pd.Series(values), name, where)
    return column.numbers if column.check(kind, problems) else None
