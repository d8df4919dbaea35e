"""Which cells people have, and the moments of those who have the same ones."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from .records import Moments

__all__ = ["Pattern", "PatternSums", "means_of_waves", "pattern_codes", "pooled"]

FloatArray = npt.NDArray[np.float64]

COLUMNS_AT_ONCE = 30  # as bits of one number, beside the number of the pattern so far


def pattern_codes(
    observed: npt.NDArray[np.bool_], within: npt.NDArray[np.int64] | None = None
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Number of each row's pattern, shape ``(row,)``, and the first row of each pattern.

    `within` are such numbers of other columns, whose patterns are divided further.

    Examples
    --------
    >>> pattern_codes(np.array([[True, False], [True, True], [True, False]]))
    (array([0, 1, 0]), array([0, 1]))
    """
    codes = np.zeros(len(observed), dtype=np.int64) if within is None else within
    for start in range(0, observed.shape[1], COLUMNS_AT_ONCE):
        for column in observed.T[start : start + COLUMNS_AT_ONCE]:
            codes = 2 * codes + column
        codes = pd.factorize(codes)[0]
    first = np.empty(codes.max(initial=-1) + 1, dtype=np.int64)
    first[codes[::-1]] = np.arange(len(codes))[::-1]
    return codes, first


class Pattern(NamedTuple):
    """Moments of the people who have the same values."""

    observed: npt.NDArray[np.bool_]  # which values they have, shape (value,)
    n: int  # number of people
    mean: FloatArray  # of the observed values alone, in order
    scatter: FloatArray  # sum over people of (y - mean)(y - mean)'


class PatternSums:
    """Moments of each missing-data pattern, gathered part by part.

    Parts are joined about their own means, so that no digits are lost where a mean is far from 0
    (Chan, Golub and LeVeque 1983, https://doi.org/10.1080/00031305.1983.10483115).

    Examples
    --------
    >>> sums = PatternSums()
    >>> sums.add_values(np.array([[1.0, np.nan], [3.0, np.nan], [1.0, 2.0]]))
    >>> sums.add_values(np.array([[5.0, np.nan]]))
    >>> [(pattern.n, pattern.mean.tolist(), pattern.scatter.tolist()) for pattern in sums]
    [(3, [3.0], [[8.0]]), (1, [1.0, 2.0], [[0.0, 0.0], [0.0, 0.0]])]
    """

    def __init__(self) -> None:
        self.patterns: dict[bytes, Pattern] = {}

    @classmethod
    def of(cls, moments: Moments, measures: Sequence[int]) -> "PatternSums":
        """Moments of some of the measures, by position, values wave by wave."""
        _, n_times, n_measures = moments.observed.shape
        stacked = (np.arange(n_times)[:, None] * n_measures + np.asarray(measures)).ravel()
        sums = cls()
        for n, observed_cells, means, covariance in zip(
            moments.n.tolist(), moments.observed, moments.means, moments.covariance, strict=True
        ):
            observed = observed_cells.ravel()[stacked]
            where = stacked[observed]
            sums.add(Pattern(observed, n, means.ravel()[where], n * covariance[np.ix_(where, where)]))
        return sums

    def add_values(self, values: FloatArray) -> None:
        """Add people, shape ``(person, value)``, NaN where absent."""
        self.add_groups(values, *pattern_codes(~np.isnan(values)))

    def add_groups(self, values: FloatArray, codes: npt.NDArray[np.int64], first: npt.NDArray[np.int64]) -> None:
        """Add people whose `pattern_codes` are known."""
        ends = np.cumsum(np.bincount(codes)).tolist()
        in_patterns = np.argsort(codes.astype(np.min_scalar_type(len(ends))), kind="stable")  # small numbers sort fast
        columns = values.T.take(in_patterns, axis=1)
        for person, start, end in zip(first, (0, *ends), ends, strict=False):
            present = ~np.isnan(values[person])
            known = columns[np.flatnonzero(present), start:end]
            mean = known.mean(axis=1)
            known -= mean[:, None]
            self.add(Pattern(present, end - start, mean, known @ known.T))

    def add(self, part: Pattern) -> None:
        """Add people who have the same values, known by their moments."""
        key = part.observed.tobytes()
        if key in self.patterns:
            before = self.patterns[key]
            total, shift = before.n + part.n, part.mean - before.mean
            mean = before.mean + shift * (part.n / total)
            scatter = before.scatter + part.scatter + np.outer(shift, shift) * (before.n * part.n / total)
            part = Pattern(part.observed, total, mean, scatter)
        self.patterns[key] = part

    def __iter__(self) -> Iterator[Pattern]:
        """The patterns, the most frequent first; then by which values they have, so that the order is certain."""
        return iter(sorted(self.patterns.values(), key=lambda pattern: (-pattern.n, *pattern.observed[::-1])))

    def arrays(
        self, n_times: int, n_measures: int
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_], FloatArray, FloatArray]:
        """The first four arrays of `Moments`."""
        patterns, size = list(self), n_times * n_measures
        means = np.full((len(patterns), size), np.nan)
        covariance = np.full((len(patterns), size, size), np.nan)
        for position, pattern in enumerate(patterns):
            where = np.flatnonzero(pattern.observed)
            means[position, where] = pattern.mean
            covariance[np.ix_([position], where, where)] = pattern.scatter / pattern.n
        shape = (len(patterns), n_times, n_measures)
        observed = np.array([pattern.observed for pattern in patterns], dtype=bool).reshape(shape)
        return np.array([pattern.n for pattern in patterns]), observed, means.reshape(shape), covariance


def means_of_waves(moments: Moments) -> FloatArray:
    """Means of all people who have a value, shape ``(time, measure)``; NaN where nobody has."""
    weights = moments.n[:, None, None] * moments.observed
    with np.errstate(invalid="ignore"):
        return np.asarray((weights * np.where(moments.observed, moments.means, 0)).sum(axis=0) / weights.sum(axis=0))


def pooled(moments: Moments) -> tuple[FloatArray, FloatArray]:
    """`Panel.pooled_scale` of moments: overall mean and SD about the means of the times, each ``(measure,)``."""
    weights = moments.n[:, None, None] * moments.observed
    means = np.where(moments.observed, moments.means, 0)
    variances = np.diagonal(moments.covariance, axis1=1, axis2=2).reshape(means.shape)
    count, wave_means = weights.sum(axis=0), means_of_waves(moments)
    centre = (count * wave_means).sum(axis=0) / count.sum(axis=0)
    squares = weights * (np.where(moments.observed, variances, 0) + (means - wave_means) ** 2)
    return centre, np.sqrt(squares.sum(axis=(0, 1)) / count.sum(axis=0))
