"""Reads what a truth was given into plain numbers, tuples and dicts, and tables of these into arrays."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..basics.given import is_number, shown
from ..basics.names import choices, lagged_path, number, quoted, split_path
from ..basics.problems import Problems

__all__ = [
    "NUMBER",
    "SD",
    "SHARE",
    "SMALLEST_EIGENVALUE",
    "Array",
    "Correlation",
    "Each",
    "Entry",
    "PerMeasure",
    "Plain",
    "Reader",
    "by_name",
    "correlations",
    "crossed",
    "pairs_in_words",
    "plain",
    "plain_numbers",
    "table",
]

type Array = NDArray[np.float64]
type Each = float | Sequence[float]
type PerMeasure = Each | Mapping[str, Each]
type Plain = float | tuple[float, ...] | None
type Correlation = float | Mapping[str, float] | Sequence[Sequence[float]] | Array

SMALLEST_EIGENVALUE = 1e-9


@dataclass(frozen=True)
class Entry:
    """What one value of a truth may be: a number in a range, or also a list of `count` of them."""

    expected: str
    count: int = 0
    accepts: Callable[[float], bool] = math.isfinite

    def plain(self, value: object) -> Plain:
        """The value as plain numbers, or None where it is not what is expected."""
        plain = plain_numbers(value)
        if isinstance(plain, tuple):
            return plain if len(plain) == self.count and all(map(self.accepts, plain)) else None
        return None if plain is None or not self.accepts(plain) else plain


SHARE = Entry("a number at least 0 and below 1", accepts=lambda value: 0 <= value < 1)
NUMBER = Entry("a number")
SD = Entry("a number above 0", accepts=lambda value: value > 0)


@dataclass(frozen=True)
class Reader:
    """Reads what a truth was given into plain numbers, tuples and dicts; None where it cannot."""

    measures: Sequence[str]
    problems: Problems
    noun: str = "measure"

    def entry(self, label: str, value: object, entry: Entry) -> Plain:
        """One value, or the problem that it is none."""
        plain = entry.plain(value)
        if plain is None:
            self.problems.add(f"{label} must be {entry.expected}; got {shown(value)}.")
        return plain

    def by_measure(
        self, name: str, value: object, entry: Entry, *, complete: bool = True
    ) -> Plain | dict[object, Plain]:
        """One value for all measures, or a value for each."""
        if value is None:
            return None
        if not isinstance(value, Mapping):
            return self.entry(name, value, entry)
        if complete:
            self._all_named(name, [measure for measure in self.measures if measure not in value], self.noun)
        return {
            measure: self.entry(f"{name} of '{measure}'", one_value, entry)
            for measure, one_value in value.items()
            if self._known(name, [measure])
        }

    def by_path(self, name: str, value: object, entry: Entry) -> dict[str, Plain]:
        """A value for each lagged path named."""
        if not isinstance(value, Mapping):
            self.problems.add(f"{name} must be a table of paths, such as {{'x -> y': 0.1}}; got {shown(value)}.")
            return {}
        effects: dict[str, Plain] = {}
        for path, effect in value.items():
            pair = split_path(str(path))
            if pair is None:
                self.problems.add(f"{name}: {shown(path)} is not a lagged path; write 'predictor -> outcome'.")
            elif self._known(name, pair):
                self._once(name, lagged_path(*pair), effects)
                effects[lagged_path(*pair)] = self.entry(f"{name} '{lagged_path(*pair)}'", effect, entry)
        return effects

    def correlation(self, name: str, value: object) -> float | dict[str, float] | None:
        """One number, or a number by pair with every pair in the order of the measures."""
        pairs = self._named_pairs(name, value) if isinstance(value, Mapping) else self._unnamed_pairs(name, value)
        if pairs is None:
            return None
        smallest = float(np.linalg.eigvalsh(correlations(pairs, self.measures)).min())
        if smallest <= SMALLEST_EIGENVALUE:
            self.problems.add(
                f"{name} must be positive definite, and no measures have these correlations (smallest eigenvalue "
                f"{smallest:.3g}): {pairs_in_words(pairs, self.measures)}. Move them towards 0."
            )
        return pairs

    def covariances(self, name: str, value: object, count: int) -> tuple[Any, ...] | None:
        """One covariance matrix of the measures, or a list of `count` of them, as tuples of rows."""
        size = len(self.measures)
        try:
            matrices = np.asarray(value, dtype=float)
        except (TypeError, ValueError):
            matrices = np.empty(0)
        of_each = f" or a list of {count} of them, one for each interval" if count else ""
        if matrices.shape not in ((size, size), *([(count, size, size)] if count else [])) or not np.allclose(
            matrices, matrices.swapaxes(-1, -2), atol=1e-12
        ):
            self.problems.add(
                f"{name} must be a symmetric {size} x {size} covariance matrix{of_each}; got {shown(value)}."
            )
            return None
        smallest = float(np.linalg.eigvalsh(matrices).min())
        if smallest <= SMALLEST_EIGENVALUE:
            self.problems.add(f"{name} must be positive definite; the smallest eigenvalue is {smallest:.3g}.")
        return tuple(_rows(matrices))

    def crossed(self, name: str, value: object) -> float | dict[str, float] | None:
        """Correlations of two parts of the measures: each measure's own, or by ordered pairs, unnamed ones 0."""
        if not isinstance(value, Mapping):
            got = self.entry(name, value, NUMBER)
            return got if isinstance(got, float) else None
        return self._by_pair(name, value, ordered=True)

    def _unnamed_pairs(self, name: str, value: object) -> float | dict[str, float] | None:
        given = value.tolist() if isinstance(value, np.ndarray) else value
        if isinstance(single := NUMBER.plain(given), float):
            return single
        size, pairs = len(self.measures), _pairs(self.measures)
        rows = [plain_numbers(row) for row in given] if isinstance(given, list | tuple) else []
        if [np.shape(row or 0.0) for row in rows] == [(size,)] * size:
            matrix = np.array(rows, dtype=float)
            if np.allclose(matrix, matrix.T, atol=1e-12) and np.allclose(np.diag(matrix), 1, atol=1e-12):
                return dict(zip(pairs, matrix[np.triu_indices(size, 1)].tolist(), strict=True))
        self.problems.add(
            f"{name} must be a number, a table of pairs such as {{'{pairs[0]}': 0.3}}, or a symmetric {size} x {size} "
            f"matrix with ones on its diagonal; got {shown(value)}."
        )
        return None

    def _named_pairs(self, name: str, value: Mapping[Any, object]) -> dict[str, float] | None:
        pairs, before = _pairs(self.measures), len(self.problems.found)
        numbers = self._by_pair(name, value, ordered=False)
        self._all_named(name, [pair for pair in pairs if pair not in numbers], "pair")
        return {pair: numbers[pair] for pair in pairs} if len(self.problems.found) == before else None

    def _by_pair(self, name: str, value: Mapping[Any, object], *, ordered: bool) -> dict[str, float]:
        """A number by pair; NaN where it is none. Ordered pairs may also be of a measure with itself."""
        numbers: dict[str, float] = {}
        for key, correlation in value.items():
            names = [part.strip() for part in str(key).split(",")]
            if len(names) != 2 or (names[0] == names[1] and not ordered):
                example = ", ".join(self.measures[:2])
                self.problems.add(f"{name}: {shown(key)} is not a pair of measures; write '{example}'.")
            elif self._known(name, names):
                pair = ", ".join(names if ordered else sorted(names, key=self.measures.index))
                self._once(name, pair, numbers)
                number_read = self.entry(f"{name} of '{pair}'", correlation, NUMBER)
                numbers[pair] = number_read if isinstance(number_read, float) else math.nan
        return numbers

    def _known(self, where: str, names: Sequence[object]) -> bool:
        unknown = [name for name in dict.fromkeys(names) if name not in self.measures]
        article = "an" if self.noun[0] in "aeiou" else "a"
        for name in unknown:
            self.problems.add(
                f"{where} names '{name}', which is not {article} {self.noun}"
                f"{choices(str(name), self.measures, self.noun.capitalize() + 's')}"
            )
        return not unknown

    def _once(self, where: str, name: str, read: Mapping[str, object]) -> None:
        if name in read:
            self.problems.add(f"{where}: '{name}' is given twice; give it once.")

    def _all_named(self, where: str, missing: Sequence[str], noun: str) -> None:
        if missing:
            self.problems.add(f"{where} leaves out {quoted(missing)}; name every {noun}, or give one number for all.")


def plain_numbers(value: object) -> Plain:
    """A finite number, or several as a tuple; None where the value is neither."""
    given = value.tolist() if isinstance(value, np.ndarray) else value
    if isinstance(given, Real):
        return float(given) if is_number(given) else None
    several = [plain_numbers(entry) for entry in given] if isinstance(given, list | tuple) else []
    numbers = tuple(entry for entry in several if isinstance(entry, float))
    return numbers if numbers and len(numbers) == len(several) else None


def by_name(value: object, names: Sequence[str]) -> Mapping[str, Any]:
    """The values by name; a single one holds for all names."""
    return value if isinstance(value, Mapping) else dict.fromkeys(names, value)


def table(value: PerMeasure, measures: Sequence[str], rows: int) -> Array:
    """Values in full, dims (row, measure)."""
    entries = by_name(value, measures)
    return np.column_stack([np.broadcast_to(np.asarray(entries[name], dtype=float), rows) for name in measures])


def _rows(array: Array) -> tuple[Any, ...]:
    """Numbers of an array in nested tuples."""
    return tuple(float(row) if np.ndim(row) == 0 else _rows(row) for row in array)


def _pairs(measures: Sequence[str]) -> list[str]:
    return [f"{first}, {second}" for first, second in combinations(measures, 2)]


def correlations(value: Correlation, measures: Sequence[str]) -> Array:
    """Correlations in full, dims (measure, measure)."""
    upper = np.zeros((len(measures), len(measures)))
    upper[np.triu_indices(len(measures), 1)] = list(by_name(value, _pairs(measures)).values())
    return upper + upper.T + np.eye(len(measures))


def crossed(value: float | Mapping[str, float] | None, measures: Sequence[str]) -> Array:
    """Correlations of two parts of the measures in full, dims (measure of the first, measure of the second)."""
    if not isinstance(value, Mapping):
        return (value or 0.0) * np.eye(len(measures))
    matrix = np.zeros((len(measures), len(measures)))
    for pair, correlation in value.items():
        row, column = (measures.index(name) for name in pair.split(", "))
        matrix[row, column] = correlation
    return matrix


def pairs_in_words(value: Correlation, measures: Sequence[str]) -> str:
    """Correlations, each after its pair."""
    return "; ".join(f"{pair} {number(correlation)}" for pair, correlation in by_name(value, _pairs(measures)).items())


def plain(value: Any) -> Any:
    """Tuples as lists and mappings as dicts, all the way down."""
    if isinstance(value, Mapping):
        return {name: plain(entry) for name, entry in value.items()}
    return [plain(entry) for entry in value] if isinstance(value, tuple) else value
