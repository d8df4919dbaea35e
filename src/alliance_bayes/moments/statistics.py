"""What the Gaussian likelihood needs of a panel: counts, means and scatter per missing pattern."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from ..panel import Panel
else:
    Panel = object

__all__ = [
    "PatternArrays",
    "PatternStatistics",
    "by_pattern",
    "pattern_statistics",
    "people_by_pattern",
    "standardized_values",
]


class PatternArrays(NamedTuple):
    """Statistics per missing pattern, as the compiled kernel reads them.

    Attributes
    ----------
    people
        How many have the pattern, shape ``(pattern,)``.
    size
        Values observed, shape ``(pattern,)``.
    position
        Stacked positions, shape ``(pattern, value)``: the `size` observed ones in order, then the
        missing ones in order.
    mean
        Means of the observed values, shape ``(pattern, value)``, in the order of `position`.
    rank
        Columns of `factor` in use, shape ``(pattern,)``.
    factor
        F with ``F F' = sum over people of (y - mean)(y - mean)'``, shape ``(pattern, value, value)``.
    completed
        1 for patterns that are cheaper to complete than to work out alone, shape ``(pattern,)``.
    scatter
        Sum of ``F F'`` over those patterns, shape ``(value, value)``.
    """

    people: np.ndarray
    size: np.ndarray
    position: np.ndarray
    mean: np.ndarray
    rank: np.ndarray
    factor: np.ndarray
    completed: np.ndarray
    scatter: np.ndarray


@dataclass(frozen=True, eq=False)
class PatternStatistics:
    """A panel in the model's unit, reduced to one set of moments per missing pattern.

    Attributes
    ----------
    arrays
        Count, mean and scatter of each pattern.
    centre, scale
        What was subtracted from, and what divided, each measure; shape ``(measure,)``.
    person_pattern
        Pattern of each person, shape ``(person,)``, -1 for people without any value; None for a
        panel of published moments.
    n_waves
        Number of waves.
    """

    arrays: PatternArrays
    centre: np.ndarray
    scale: np.ndarray
    person_pattern: np.ndarray | None
    n_waves: int

    @property
    def n_persons(self) -> int:
        """People with at least one value."""
        return int(self.arrays.people.sum())

    @property
    def log_jacobian(self) -> float:
        """What is added to the log-likelihood when values go back to their own units."""
        counts = np.zeros(len(self.scale))
        for count, size, index in zip(self.arrays.people, self.arrays.size, self.arrays.position, strict=True):
            np.add.at(counts, index[:size] % len(self.scale), count)
        return float(-(counts * np.log(self.scale)).sum())


def people_by_pattern(person_pattern: np.ndarray, n_patterns: int) -> tuple[np.ndarray, np.ndarray]:
    """People sorted by pattern, and where each pattern starts and the last one ends.

    People without any value, whose pattern is -1, come before the first pattern.
    """
    order = np.argsort(person_pattern, kind="stable")
    return order, np.searchsorted(person_pattern[order], np.arange(n_patterns + 1))


def pattern_statistics(panel: Panel, measures: Sequence[str]) -> PatternStatistics:
    """Reduce these measures of a panel to moments per missing pattern, without a loop over people.

    Each measure is centred at its overall mean and divided by its SD about its wave means.
    """
    chosen = [panel.measures.index(name) for name in measures]
    centre, scale = (constants[chosen] for constants in panel.pooled_scale())
    if panel.published is not None:
        published = panel.published
        n_waves = len(panel.times)
        tiled = np.tile(scale, n_waves)
        stacked = (np.arange(n_waves)[:, None] * len(panel.measures) + chosen).ravel()
        mean = ((published.means[:, chosen] - centre) / scale).reshape(1, -1)
        covariance = published.covariance[np.ix_(stacked, stacked)] / np.outer(tiled, tiled)
        size = mean.shape[1]
        factor = np.linalg.cholesky(covariance * published.n)
        arrays = PatternArrays(
            people=np.array([float(published.n)]),
            size=np.array([size]),
            position=np.arange(size).reshape(1, -1),
            mean=mean,
            rank=np.array([size]),
            factor=np.ascontiguousarray(factor[None]),
            completed=np.array([1]),
            scatter=factor @ factor.T,
        )
        return PatternStatistics(arrays, centre, scale, None, len(panel.times))
    arrays, person_pattern = by_pattern(standardized_values(panel, measures, centre, scale))
    return PatternStatistics(arrays, centre, scale, person_pattern, len(panel.times))


def standardized_values(panel: Panel, measures: Sequence[str], centre: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Values in the model's unit, stacked wave by wave; shape ``(person, wave * measure)``.

    Raises
    ------
    PanelError
        If the panel was made from published moments.
    """
    panel.require_persons("The likelihood of each person")
    assert panel.values is not None
    chosen = [panel.measures.index(name) for name in measures]
    return np.asarray((panel.values[:, :, chosen] - centre) / scale).reshape(len(panel.values), -1)


def by_pattern(values: np.ndarray) -> tuple[PatternArrays, np.ndarray]:
    """Reduce stacked values to moments per missing pattern.

    Parameters
    ----------
    values
        Shape ``(person, value)``, NaN where absent.

    Returns
    -------
    tuple
        The moments, the most frequent pattern first, and the pattern of each person, -1 for
        people without any value.
    """
    n_values = values.shape[1]
    observed = ~np.isnan(values)
    _, first, codes = np.unique(_pattern_keys(observed), return_index=True, return_inverse=True)
    masks = observed[first]
    kept = np.flatnonzero(masks.any(axis=1))
    # Large patterns first, so that the numbering does not hang on how bits sort.
    counts = np.bincount(codes, minlength=len(masks))
    kept = kept[np.lexsort((kept, -counts[kept]))]
    renumbered = np.full(len(masks), -1)
    renumbered[kept] = np.arange(len(kept))
    person_pattern = renumbered[codes]

    n_patterns = len(kept)
    arrays = PatternArrays(
        people=counts[kept].astype(float),
        size=masks[kept].sum(axis=1).astype(np.int64),
        position=np.zeros((n_patterns, n_values), dtype=np.int64),
        mean=np.zeros((n_patterns, n_values)),
        rank=np.zeros(n_patterns, dtype=np.int64),
        factor=np.zeros((n_patterns, n_values, n_values)),
        completed=np.zeros(n_patterns, dtype=np.int64),
        scatter=np.zeros((n_values, n_values)),
    )
    order = np.argsort(person_pattern, kind="stable")
    bounds = np.searchsorted(person_pattern[order], np.arange(n_patterns + 1))
    for pattern in range(n_patterns):
        members = order[bounds[pattern] : bounds[pattern + 1]]
        where = np.flatnonzero(masks[kept[pattern]])
        mean, factor = _mean_and_factor(values[members][:, where])
        arrays.position[pattern] = np.concatenate([where, np.flatnonzero(~masks[kept[pattern]])])
        arrays.mean[pattern, : len(where)] = mean
        arrays.rank[pattern] = factor.shape[1]
        arrays.factor[pattern, : len(where), : factor.shape[1]] = factor
        if _cheaper_completed(len(where), n_values - len(where), factor.shape[1] + 1):
            arrays.completed[pattern] = 1
            arrays.scatter[np.ix_(where, where)] += factor @ factor.T
    return arrays, person_pattern


def _cheaper_completed(n_seen: int, n_missing: int, n_columns: int) -> bool:
    """Compare the multiplications of the kernel's two ways to work out a pattern."""
    alone = n_seen**3 / 2 + 1.5 * n_seen**2 * n_columns
    return n_missing**3 / 2 + (2 * n_missing * n_seen + 1.5 * n_missing**2) * n_columns + n_seen**2 / 2 <= alone


def _pattern_keys(observed: np.ndarray) -> np.ndarray:
    if observed.shape[1] <= 62:
        return np.asarray(observed @ (1 << np.arange(observed.shape[1], dtype=np.int64)))
    packed = np.packbits(observed, axis=1)
    return packed.view(np.dtype((np.void, packed.shape[1]))).ravel()


def _mean_and_factor(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    n_people, n_values = values.shape
    mean = values.mean(axis=0)
    deviations = values - mean
    if n_people == 1:
        return mean, np.zeros((n_values, 0))
    if n_people <= n_values:
        return mean, np.ascontiguousarray(deviations.T)
    return mean, np.linalg.qr(deviations, mode="r").T
