"""Exact relations between columns of the data, which leave no density: looked for before anything is sampled."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..basics.names import in_words, number
from ..panel import Panel
from ..spec.cross_lagged import CrossLagged

__all__ = ["Relation", "dependent_covariates", "exact_relations"]

type FloatArray = npt.NDArray[np.float64]

TOLERANCE = 1e-5  # SD of what a relation leaves, per SD of its outcome; 1e-7 is what 32-bit numbers leave
NONE = 1e-4  # smallest coefficient, SD per SD, that counts
ALIKE = 1e-6
ROUNDING = 8 * float(np.finfo(np.float64).eps)
SPARE = 3  # people beyond the number of columns, so that a relation does not hold for want of people
# From so many people on, chains fell into a variance of 0 at one wave (RI-CLPM of 2 measures, 40 to 500 people): where
# that wave has parameters of its own, and where they are shared with other intervals. And from so many of all people on
# too few are left who would prevent it.
MANY_ALONE, MANY, LARGE_SHARE, NEARLY_ALL = 12, 24, 0.15, 0.75
MOST_TIMES = 12  # written out
MOST_PEOPLE, MOST_PATTERNS = 2_000, 30  # looked through for relations, which are then checked in all


@dataclass(frozen=True)
class Term:
    """A column of a relation."""

    name: str  # of a measure or covariate
    place: int  # 0 at the wave of the outcome, -1 at the wave before


@dataclass(frozen=True)
class Relation:
    """A measure that is an exact linear function of others."""

    outcome: str
    terms: tuple[Term, ...]  # the columns that it is a function of
    # Wave where it holds (position) to coefficients of the terms, then the constant, in the columns' units
    coefficients: Mapping[int, FloatArray]
    people: Mapping[int, int]  # position of each of these waves to how many people have all of its columns there
    # Position of each of these waves to the number of people from which draws run into a variance of 0 there
    limits: Mapping[int, float]
    n_people: int  # how many people have any value of the measures
    everywhere: bool  # whether it holds at every wave with enough people to check

    @property
    def measures(self) -> frozenset[str]:
        """Names of its columns."""
        return frozenset([self.outcome, *(term.name for term in self.terms)])

    @property
    def ruins_a_fit(self) -> bool:
        """Whether draws would run into a variance of 0: at every wave, or at one where it holds in many people."""
        return self.everywhere or any(count >= self.limits[wave] for wave, count in self.people.items())

    def sentence(
        self, times: Sequence[float], covariates: Sequence[str] = (), *, fewest_waves: int = 2, families: bool = True
    ) -> str:
        """The relation, and what to do about it."""
        if not self.everywhere:
            return self._at_some_times(times, covariates, fewest_waves, families)
        if self._unchanged:
            return (
                f"'{self.outcome}' does not change within persons"
                f"{', except for a shift common to all' if self._shifted else ''}, so that it has no "
                "variation within persons to model. Use it as a covariate of persons, "
                f"covariates=['{self.outcome}'], or leave it out."
            )
        cure = "Leave one of them out" if self.measures - {self.outcome} else "Leave it out"
        is_what, formula = self._in_words(covariates)
        return f"'{self.outcome}' {is_what} at every time{formula}, so that it has no residual variance. {cure}."

    def _at_some_times(
        self, times: Sequence[float], covariates: Sequence[str], fewest_waves: int, families: bool
    ) -> str:
        waves = sorted(self.coefficients)
        plural = "s" if len(waves) > 1 else ""
        counts = in_words([f"{self.people[wave]:,}" for wave in waves])
        is_what, formula = self._in_words(covariates)
        if self._unchanged:
            shift = ", except for a shift common to all," if self._shifted else ""
            is_what = f"is the same as at the time before{shift}"
        relation = (
            f"'{self.outcome}' at time{plural} {in_words([number(times[wave]) for wave in waves])} {is_what}{formula} "
            f"in all {counts} people who have {'both' if len(self.terms) == 1 else 'all these'} values, of "
            f"{self.n_people:,} people with any"
        )
        kept = [number(time) for wave, time in enumerate(times) if wave not in self.coefficients]
        those, given = "those times" if plural else "that time", f", times=[{', '.join(kept)}]"
        cures = [f"leave out {those}{given if len(kept) <= MOST_TIMES else ''}"] if len(kept) >= fewest_waves else []
        columns = sorted({self.outcome, *(term.name for term in self.terms)})
        cures.append(f"leave out {' or '.join(map(repr, columns))}")
        if families:
            cures.append(
                f"give '{self.outcome}' a family if it is a count or ordinal, families={{'{self.outcome}': ...}}"
            )
        cure = f"{', '.join(cures[:-1])}, or {cures[-1]}" if cures[1:] else cures[0]
        if self.ruins_a_fit:
            return (
                f"{relation}, so that it has no residual variance there, and draws would run into a variance of 0. "
                f"{cure[0].upper()}{cure[1:]}."
            )
        return (
            f"{relation}. With so few the model can be fitted, but that variance is weakly identified. Where the "
            f"fit's health is doubtful, {cure}."
        )

    @property
    def _each(self) -> FloatArray:
        return np.array(list(self.coefficients.values()))

    @property
    def _same(self) -> bool:
        return bool(np.allclose(self._each, self._each[0], rtol=ALIKE, atol=ALIKE))

    @property
    def _copied(self) -> bool:
        return len(self.terms) == 1 and bool((np.abs(self._each[:, 0] - 1) < ALIKE).all())

    @property
    def _shifted(self) -> bool:
        return not self._same or abs(self._each[0, -1]) > ALIKE * max(1.0, float(np.abs(self._each).max()))

    @property
    def _unchanged(self) -> bool:
        return self._copied and self.terms[0] == Term(self.outcome, -1)

    def _in_words(self, covariates: Sequence[str]) -> tuple[str, str]:
        """What the outcome is, and the formula in brackets where it is one."""
        columns = [
            f"the covariate '{term.name}'"
            if term.name in covariates
            else f"'{term.name}'{' one time earlier' if term.place else ''}"
            for term in self.terms
        ]
        if self._copied and not self._shifted:
            return f"is the same as {columns[0]}", ""
        stated = self._same and not any(term.place for term in self.terms)
        formula = f" ({self.outcome} = {self._formula(self._each[0])})" if stated else ""
        return f"is an exact linear function of {in_words(columns)}", formula

    def _formula(self, coefficients: FloatArray) -> str:
        *slopes, constant = (float(value) for value in coefficients)
        words = [f"{slope:.6g} {term.name}" for slope, term in zip(slopes, self.terms, strict=True)]
        words += [f"{constant:.6g}"] if abs(constant) > ALIKE else []
        return " + ".join(words).replace("+ -", "- ")


@dataclass(frozen=True, eq=False)
class Columns:
    """Columns of a panel, and how many people each row stands for."""

    values: FloatArray  # shape ``(row, wave, column)``, NaN where missing
    people: FloatArray  # shape ``(row,)``
    # Of the columns; covariates of persons first
    names: tuple[str, ...]
    scale: FloatArray
    n_fixed: int  # how many columns do not vary over time

    def of(self, terms: Sequence[Term], wave: int) -> FloatArray:
        """Columns of a relation at one wave, in SDs, shape ``(row, term)``."""
        places = [self.names.index(term.name) for term in terms]
        columns = [self.values[:, wave + term.place, place] for term, place in zip(terms, places, strict=True)]
        return np.column_stack(columns) / self.scale[places]

    def some(self) -> "Columns":
        """A part of the rows, evenly spaced."""
        rows = np.unique(np.linspace(0, len(self.values) - 1, min(len(self.values), MOST_PEOPLE)).astype(int))
        return Columns(self.values[rows], self.people[rows], self.names, self.scale, self.n_fixed)


def exact_relations(spec: CrossLagged, panel: Panel) -> list[Relation]:
    """Measures of a model that are exact linear functions of others, of the wave before, or of its covariates.

    The likelihood of a normal one has no bound: the variance that is left to it can go to 0.

    Several studies at once have none: their matrices were checked when they were read.
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
            measure, of = terms[outcome], [terms[place] for place in others]
            if measure.name not in spec.response_columns:
                continue
            if measure.place < 0:
                measure, of = Term(measure.name, 0), [Term(term.name, 0) for term in of]
            candidates[measure, tuple(of)] = None
    responses = [columns.names.index(name) for name in dict.fromkeys(spec.response_columns)]
    has_value = ~np.isnan(columns.values[:, :, responses]).all(axis=(1, 2))
    n_people = round(float(columns.people[has_value].sum()))
    checked = [_checked(columns, outcome, terms, n_people, spec.lags_by_interval) for outcome, terms in candidates]
    relations = [relation for relation in checked if relation.coefficients]
    always = {relation.outcome for relation in relations if relation.everywhere}
    return [relation for relation in relations if relation.everywhere or relation.outcome not in always]


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
                    f"{in_words([repr(names[place]) for place in others])}, so that their effects are not "
                    "identified. Leave one of them out."
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


def _checked(columns: Columns, outcome: Term, terms: tuple[Term, ...], n_people: int, lags_free: bool) -> Relation:
    """The relation at each wave where all rows that have its columns can tell."""
    first = 1 if any(term.place for term in terms) else 0
    everything, coefficients, people, n_tested = [*terms, outcome], dict[int, FloatArray](), dict[int, int](), 0
    units = columns.scale[[columns.names.index(term.name) for term in everything]]
    for wave in range(first, columns.values.shape[1]):
        block = columns.of(everything, wave)
        rows = ~np.isnan(block).any(axis=1)
        if columns.people[rows].sum() < len(everything) + SPARE:
            continue
        n_tested += 1
        middle, block = block[rows].mean(axis=0), block[rows]
        slopes, *_ = np.linalg.lstsq(block[:, :-1] - middle[:-1], block[:, -1] - middle[-1], rcond=None)
        residual = block[:, -1] - middle[-1] - (block[:, :-1] - middle[:-1]) @ slopes
        flat = _flat(block)[-1]
        if np.abs(residual).max() <= TOLERANCE * np.ptp(block[:, -1]) and not flat:
            constant = units[-1] * (middle[-1] - middle[:-1] @ slopes)
            coefficients[wave] = np.append(slopes * units[-1] / units[:-1], constant)
            people[wave] = round(float(columns.people[rows].sum()))
    shared = max(MANY, LARGE_SHARE * n_people)
    limits = {
        wave: min(MANY_ALONE if first == 0 and (wave == 0 or lags_free) else shared, NEARLY_ALL * n_people)
        for wave in people
    }
    everywhere = len(coefficients) == n_tested
    return Relation(outcome.name, terms, coefficients, people, limits, n_people, everywhere)


def _flat(block: FloatArray) -> npt.NDArray[np.bool_]:
    """Columns that are the same in all rows but for rounding."""
    return np.asarray(np.ptp(block, axis=0) <= ROUNDING * np.abs(block).max(axis=0))


def _dependent(block: FloatArray, people: FloatArray) -> Iterator[tuple[int, tuple[int, ...]]]:
    """Columns that are exact linear functions of earlier ones, and of which, in any set of columns that rows have."""
    observed = ~np.isnan(block)
    patterns, counts = np.unique(observed, axis=0, return_counts=True)
    relations = set()
    for pattern in patterns[np.argsort(-counts)][:MOST_PATTERNS]:
        columns = np.flatnonzero(pattern)
        rows = observed[:, columns].all(axis=1)
        if len(columns) and people[rows].sum() >= len(columns) + SPARE:
            relations |= {
                (int(columns[outcome]), tuple(columns[list(others)].tolist()))
                for outcome, others in _dependent_of_complete(block[np.ix_(rows, columns)])
            }
    yield from sorted(relations)


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
