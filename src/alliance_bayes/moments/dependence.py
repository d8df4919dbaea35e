"""Exact relations between columns of the data, of which no density can be made: found before anything is sampled."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..names import in_words, number
from ..panel import Panel
from ..spec.cross_lagged import CrossLagged

__all__ = ["Relation", "dependent_covariates", "exact_relations"]

type FloatArray = npt.NDArray[np.float64]

TOLERANCE = 1e-5  # SD of what a relation leaves, per SD of its outcome; 1e-7 is what 32-bit numbers leave
NONE = 1e-4  # smallest coefficient, SD per SD, that counts
ALIKE = 1e-6
ROUNDING = 8 * float(np.finfo(np.float64).eps)
SPARE = 3  # people beyond the number of columns, so that a relation does not hold for want of people
MOST_PEOPLE, MOST_PATTERNS = 2_000, 30  # looked through for relations, which are then checked in all


@dataclass(frozen=True)
class Term:
    """A column of a relation.

    Attributes
    ----------
    name
        Of a measure or covariate.
    place
        0 at the wave of the outcome, -1 at the wave before.
    """

    name: str
    place: int


@dataclass(frozen=True)
class Relation:
    """A measure that others say exactly.

    Attributes
    ----------
    outcome
        The measure.
    terms
        What says it.
    coefficients
        Position of each wave where it holds to the coefficients of the terms and the constant, in the columns' units.
    everywhere
        Whether it holds at every wave where there are people enough to tell.
    """

    outcome: str
    terms: tuple[Term, ...]
    coefficients: Mapping[int, FloatArray]
    everywhere: bool

    @property
    def measures(self) -> frozenset[str]:
        """Names of its columns."""
        return frozenset([self.outcome, *(term.name for term in self.terms)])

    def sentence(self, times: Sequence[float], covariates: Sequence[str] = ()) -> str:
        """What was found and what to do about it, of a panel with these times and covariates of persons."""
        waves = in_words([number(times[wave]) for wave in sorted(self.coefficients)])
        at = "at every time" if self.everywhere else f"at time {waves}"
        each = np.array(list(self.coefficients.values()))
        same = bool(np.allclose(each, each[0], rtol=ALIKE, atol=ALIKE))
        copied = len(self.terms) == 1 and bool((np.abs(each[:, 0] - 1) < ALIKE).all())
        shifted = not same or abs(each[0, -1]) > ALIKE * max(1.0, float(np.abs(each).max()))
        if copied and self.terms[0] == Term(self.outcome, -1):
            until = "" if self.everywhere else f", from the time before, {at}"
            return (
                f"'{self.outcome}' does not change within persons{until}"
                f"{', but for a shift that all have in common' if shifted else ''}, so that nothing within persons "
                f"can be learned of it. Take it as a covariate of persons, covariates=['{self.outcome}'], or leave it "
                "out."
            )
        said = [
            f"the covariate '{term.name}'"
            if term.name in covariates
            else f"'{term.name}'{' one time earlier' if term.place else ''}"
            for term in self.terms
        ]
        if copied and not shifted:
            says = f"is the same as {said[0]} {at}"
        else:
            stated = same and not any(term.place for term in self.terms)
            formula = f" ({self.outcome} = {self._formula(each[0])})" if stated else ""
            says = f"is an exact linear function of {in_words(said)} {at}{formula}"
        cure = "Leave one of them out" if self.measures - {self.outcome} else "Leave it out"
        return f"'{self.outcome}' {says}, so that it has no variation of its own. {cure}."

    def _formula(self, coefficients: FloatArray) -> str:
        *slopes, constant = (float(value) for value in coefficients)
        words = [f"{slope:.6g} {term.name}" for slope, term in zip(slopes, self.terms, strict=True)]
        words += [f"{constant:.6g}"] if abs(constant) > ALIKE else []
        return " + ".join(words).replace("+ -", "- ")


@dataclass(frozen=True, eq=False)
class Columns:
    """Columns of a panel, and how many people each row stands for.

    Attributes
    ----------
    values
        Shape ``(row, wave, column)``, NaN where missing.
    people
        Shape ``(row,)``.
    names, scale
        Of the columns; covariates of persons first.
    n_fixed
        How many columns do not vary over time.
    """

    values: FloatArray
    people: FloatArray
    names: tuple[str, ...]
    scale: FloatArray
    n_fixed: int

    def of(self, terms: Sequence[Term], wave: int) -> FloatArray:
        """Columns of a relation at one wave, in SDs, shape ``(row, term)``."""
        places = [self.names.index(term.name) for term in terms]
        found = [self.values[:, wave + term.place, place] for term, place in zip(terms, places, strict=True)]
        return np.column_stack(found) / self.scale[places]

    def some(self) -> "Columns":
        """A part of the rows, evenly spaced."""
        rows = np.unique(np.linspace(0, len(self.values) - 1, min(len(self.values), MOST_PEOPLE)).astype(int))
        return Columns(self.values[rows], self.people[rows], self.names, self.scale, self.n_fixed)


def exact_relations(spec: CrossLagged, panel: Panel) -> list[Relation]:
    """Measures of a model that are exact linear functions of others, of the wave before, or of its covariates.

    The likelihood of a normal one has no bound: the variance of what is its own can go to 0.

    Parameters
    ----------
    spec
        The model.
    panel
        Its panel. Of several studies at once nothing is found; their matrices were checked when they were read.
    """
    if panel.background.group_times:
        return []
    columns = _columns(spec, panel)
    n_waves, fixed = columns.values.shape[1], columns.names[: columns.n_fixed]
    varying = columns.names[columns.n_fixed :]
    part, candidates = columns.some(), dict[tuple[Term, tuple[Term, ...]], None]()
    for wave in range(1, n_waves):
        terms = [Term(name, 0) for name in fixed] + [Term(name, place) for place in (-1, 0) for name in varying]
        for outcome, others in _dependent(part.of(terms, wave), part.people):
            said, by = terms[outcome], [terms[place] for place in others]
            if said.name not in spec.response_columns:
                continue
            if said.place < 0:
                said, by = Term(said.name, 0), [Term(term.name, 0) for term in by]
            candidates[said, tuple(by)] = None
    found = [_checked(columns, outcome, terms) for outcome, terms in candidates]
    always = {relation.outcome for relation in found if relation.coefficients and relation.everywhere}
    return [each for each in found if each.coefficients and (each.everywhere or each.outcome not in always)]


def dependent_covariates(spec: CrossLagged, panel: Panel) -> Iterator[str]:
    """Sentences about covariates of persons that are exact linear functions of others that act on the same."""
    targets = dict.fromkeys(target for each in spec.covariates.values() for target in each)
    seen, named = ~np.isnan(panel.require_persons("A covariate")).all(axis=(1, 2)), set[str]()
    for target in targets:
        names = [name for name, each in spec.covariates.items() if target in each and name in panel.covariates]
        values = np.column_stack([panel.covariates[name][seen] for name in names]) if names else np.zeros((0, 0))
        for outcome, others in _dependent(values, np.ones(len(values))):
            if names[outcome] not in named:
                named.add(names[outcome])
                yield (
                    f"The covariate '{names[outcome]}' is an exact linear function of "
                    f"{in_words([repr(names[place]) for place in others])}, so that their effects cannot be told "
                    "apart. Leave one of them out."
                )


def _columns(spec: CrossLagged, panel: Panel) -> Columns:
    measures = list(dict.fromkeys(spec.response_columns))
    fixed = [name for name in spec.conditioned_on if name in panel.covariates]
    varying = [name for name in spec.conditioned_on if name not in (*fixed, *measures) and name in panel.measures]
    chosen = [panel.measures.index(name) for name in (*varying, *measures)]
    _, scale = panel.pooled_scale()
    if panel.moments is None:
        values = panel.require_persons("A relation")[:, :, chosen]
        people = np.ones(len(values))
    else:
        values, people = _rows_of_moments(panel, chosen)
    given = [np.repeat(panel.covariates[name][:, None, None], panel.n_times, axis=1) for name in fixed]
    spread = [max(float(np.nanstd(panel.covariates[name])), 1e-300) for name in fixed]
    return Columns(
        np.concatenate([*given, values], axis=2),
        people,
        (*fixed, *varying, *measures),
        np.array([*spread, *scale[chosen]]),
        len(fixed),
    )


def _rows_of_moments(panel: Panel, chosen: Sequence[int]) -> tuple[FloatArray, FloatArray]:
    """Rows that span what each pattern's people do: on both sides of its mean, along each direction of its scatter."""
    assert panel.moments is not None
    rows, people = [], []
    for n, means, covariance in zip(
        panel.moments.n.tolist(), panel.moments.means, panel.moments.covariance, strict=True
    ):
        mean = means.ravel()
        seen = np.flatnonzero(~np.isnan(mean))
        variances, directions = np.linalg.eigh(covariance[np.ix_(seen, seen)])
        steps = (directions * np.sqrt(np.maximum(variances, 0))).T
        block = np.full((max(2 * len(steps), 1), len(mean)), np.nan)
        block[:, seen] = mean[seen] + np.concatenate([steps, -steps]) if len(seen) else mean[seen]
        rows.append(block.reshape(len(block), *means.shape))
        people.append(np.full(len(block), n / len(block)))
    return np.concatenate(rows)[:, :, chosen], np.concatenate(people)


def _checked(columns: Columns, outcome: Term, terms: tuple[Term, ...]) -> Relation:
    """The relation at each wave where all rows that have its columns can tell."""
    first = 1 if any(term.place for term in terms) else 0
    everything, coefficients, n_tested = [*terms, outcome], dict[int, FloatArray](), 0
    units = columns.scale[[columns.names.index(term.name) for term in everything]]
    for wave in range(first, columns.values.shape[1]):
        block = columns.of(everything, wave)
        rows = ~np.isnan(block).any(axis=1)
        if columns.people[rows].sum() < len(everything) + SPARE:
            continue
        n_tested += 1
        middle, block = block[rows].mean(axis=0), block[rows]
        slopes, *_ = np.linalg.lstsq(block[:, :-1] - middle[:-1], block[:, -1] - middle[-1], rcond=None)
        left = block[:, -1] - middle[-1] - (block[:, :-1] - middle[:-1]) @ slopes
        flat = _flat(block)[-1]
        if np.abs(left).max() <= TOLERANCE * np.ptp(block[:, -1]) and not flat:
            constant = units[-1] * (middle[-1] - middle[:-1] @ slopes)
            coefficients[wave] = np.append(slopes * units[-1] / units[:-1], constant)
    return Relation(outcome.name, terms, coefficients, everywhere=len(coefficients) == n_tested)


def _flat(block: FloatArray) -> npt.NDArray[np.bool_]:
    """Columns that are the same in all rows but for rounding."""
    return np.asarray(np.ptp(block, axis=0) <= ROUNDING * np.abs(block).max(axis=0))


def _dependent(block: FloatArray, people: FloatArray) -> Iterator[tuple[int, tuple[int, ...]]]:
    """Columns that are exact linear functions of earlier ones, and of which, in any set of columns that rows have."""
    observed = ~np.isnan(block)
    patterns, counts = np.unique(observed, axis=0, return_counts=True)
    found = set()
    for pattern in patterns[np.argsort(-counts)][:MOST_PATTERNS]:
        columns = np.flatnonzero(pattern)
        rows = observed[:, columns].all(axis=1)
        if len(columns) and people[rows].sum() >= len(columns) + SPARE:
            found |= {
                (int(columns[outcome]), tuple(columns[list(others)].tolist()))
                for outcome, others in _dependent_of_complete(block[np.ix_(rows, columns)])
            }
    yield from sorted(found)


def _dependent_of_complete(block: FloatArray) -> Iterator[tuple[int, tuple[int, ...]]]:
    """The same of rows without a missing value."""
    triangle, flat = np.linalg.qr(block - block.mean(axis=0), mode="r"), _flat(block)
    lengths = np.linalg.norm(triangle, axis=0)
    free: list[int] = []
    for place, length in enumerate(lengths):
        if flat[place]:  # of which a panel warns
            continue
        unit = triangle[:, place] / length
        if free:
            others = triangle[:, free] / lengths[free]
            slopes, *_ = np.linalg.lstsq(others, unit, rcond=None)
            if np.linalg.norm(unit - others @ slopes) <= TOLERANCE:
                yield place, tuple(one for one, slope in zip(free, slopes, strict=True) if abs(slope) > NONE)
                continue
        free.append(place)
