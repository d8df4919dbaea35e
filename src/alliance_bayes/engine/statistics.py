"""What the Gaussian likelihood needs of a panel: counts, means and scatter per missing pattern."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from ..panel.patterns import PatternSums
from ..panel.records import Moments
from .design import Design, plain_design
from .kernels.arrays import PatternArrays

if TYPE_CHECKING:
    from ..panel import Panel
else:
    Panel = object

__all__ = [
    "PatternStatistics",
    "by_pattern",
    "covariate_density",
    "pattern_statistics",
    "patterns_of_moments",
    "people_by_pattern",
    "standardized_values",
]


BLOCK = 65_536


@dataclass(frozen=True, eq=False)
class PatternStatistics:
    """A panel in the model's unit, reduced to one set of moments per missing pattern."""

    arrays: PatternArrays  # count, mean and scatter of each pattern
    # What was subtracted from, and what divided, each column of the model (measure or indicator), shape ``(column,)``
    centre: np.ndarray
    scale: np.ndarray
    # Pattern of each person, shape ``(person,)``, -1 for people without any value; None for a panel that holds moments
    # alone
    person_pattern: np.ndarray | None
    n_waves: int
    columns: tuple[str, ...]

    @property
    def n_persons(self) -> int:
        """People with at least one value."""
        return round(float(self.arrays.people.sum()))

    @property
    def log_jacobian(self) -> float:
        """What is added to the log-likelihood when values go back to their own units."""
        counts, n_values = np.zeros(len(self.scale)), self.n_waves * len(self.scale)
        for count, size, index in zip(self.arrays.people, self.arrays.size, self.arrays.position, strict=True):
            seen = index[:size]
            np.add.at(counts, seen[seen < n_values] % len(self.scale), count)
        return float(-(counts * np.log(self.scale)).sum())


def people_by_pattern(person_pattern: np.ndarray, n_patterns: int) -> tuple[np.ndarray, np.ndarray]:
    """People sorted by pattern, and where each pattern starts and the last one ends.

    People without any value, whose pattern is -1, come before the first pattern.
    """
    order = np.argsort(person_pattern, kind="stable")
    return order, np.searchsorted(person_pattern[order], np.arange(n_patterns + 1))


def pattern_statistics(
    panel: Panel,
    columns: Sequence[str],
    design: Design | None = None,
    weights: np.ndarray | None = None,
    units: tuple[np.ndarray, np.ndarray] | None = None,
) -> PatternStatistics:
    """Reduce these columns of a panel to moments per missing pattern, without a loop over people.

    Each column is centred at its overall mean and divided by its SD about its wave means, or by the centres and scales
    in `units`. Covariates
    of the design follow the values; people without any value are left out, whatever their covariates.
    `weights`, of mean 1 over the others, say how often each person counts.
    """
    design = design or plain_design(panel.times)
    chosen = [panel.measures.index(name) for name in columns]
    centre, scale = units or (constants[chosen] for constants in panel.pooled_scale())
    n_waves = len(panel.times)
    if panel.moments is not None:
        groups = design.groups if design.group_times else ("",)
        cells = [
            _parts_of(panel.moments if not label else panel.of_group(label).moments, chosen, centre, scale)
            for label in groups
        ]
        sizes = [len(cell.times) * len(chosen) for cell in design.cells]
        arrays = _pattern_arrays(cells, max(sizes), sizes=sizes)
        return PatternStatistics(arrays, centre, scale, None, n_waves, tuple(columns))
    values = panel.require_persons("The likelihood of each person")
    if chosen != list(range(len(panel.measures))):
        values = values[:, :, chosen]
    stacked = values.reshape(len(values), -1)
    given = 0.0
    shift, unit = np.tile(centre, n_waves), np.tile(scale, n_waves)
    if design.covariate_values is not None:
        known = np.where(np.isnan(stacked).all(axis=1)[:, None], np.nan, design.covariate_values)
        stacked = np.hstack([stacked, known])
        n_known = known.shape[1]
        shift, unit = np.append(shift, np.zeros(n_known)), np.append(unit, np.ones(n_known))
        seen = ~np.isnan(known).any(axis=1)
        counts = np.ones(len(known)) if weights is None else weights
        given = float((counts[seen] * covariate_density(known[seen])).sum())
    arrays, person_pattern = by_pattern(
        stacked, shift, unit, person_cell=design.person_cell, n_cells=len(design.cells), given=given, weights=weights
    )
    return PatternStatistics(arrays, centre, scale, person_pattern, n_waves, tuple(columns))


def _parts_of(moments: Moments | None, chosen: Sequence[int], centre: np.ndarray, scale: np.ndarray) -> "list[_Part]":
    """Patterns of moments in the model's unit."""
    assert moments is not None
    n_waves = moments.observed.shape[1]
    shift, unit = np.tile(centre, n_waves), np.tile(scale, n_waves)
    return [
        _Part(
            pattern.n,
            pattern.observed,
            (pattern.mean - shift[pattern.observed]) / unit[pattern.observed],
            _factor(pattern.scatter / np.outer(unit[pattern.observed], unit[pattern.observed])),
        )
        for pattern in PatternSums.of(moments, chosen)
        if pattern.observed.any()
    ]


def covariate_density(values: np.ndarray) -> np.ndarray:
    """Log density of each person's covariates under the independent standard normals they are given.

    Which density it is does not matter: it is taken off the density of values and covariates together.
    """
    return np.asarray(-0.5 * (values**2 + np.log(2 * np.pi)).sum(axis=1))


def standardized_values(
    panel: Panel,
    columns: Sequence[str],
    centre: np.ndarray,
    scale: np.ndarray,
    persons: np.ndarray | None = None,
    design: Design | None = None,
) -> np.ndarray:
    """Values in the model's unit, stacked wave by wave, then covariates; shape ``(person, wave * column + covariate)``.

    Of all persons, or of those at some positions.
    """
    values = panel.require_persons("The likelihood of each person")
    chosen = [panel.measures.index(name) for name in columns]
    values = (values if persons is None else values[persons])[:, :, chosen]
    stacked = np.asarray((values - centre) / scale).reshape(len(values), -1)
    if design is None or design.covariate_values is None:
        return stacked
    return np.hstack([stacked, design.covariate_values if persons is None else design.covariate_values[persons]])


def by_pattern(
    values: np.ndarray,
    centre: np.ndarray | None = None,
    unit: np.ndarray | None = None,
    *,
    person_cell: np.ndarray | None = None,
    n_cells: int = 1,
    given: float = 0.0,
    keep_empty: bool = False,
    weights: np.ndarray | None = None,
) -> tuple[PatternArrays, np.ndarray]:
    """Reduce stacked values to moments per missing pattern.

    Parameters
    ----------
    values
        Shape ``(person, value)``, NaN where absent.
    centre, unit
        What to subtract from, and divide, each of the stacked values, shape ``(value,)``.
    person_cell, n_cells
        Cell of each person, shape ``(person,)``, and how many there are; one where left open.
    given
        As in `PatternArrays`.
    keep_empty
        Whether people without any value make a pattern.
    weights
        How often each person counts, above 0, shape ``(person,)``; once where left open.

    Returns
    -------
    tuple
        The moments, cell by cell, the most frequent pattern first, and the pattern of each person, -1
        for people in none.
    """
    n_values = values.shape[1]
    observed = ~np.isnan(values)
    _, first, codes = np.unique(_pattern_keys(observed), return_index=True, return_inverse=True)
    if person_cell is not None:
        keys = person_cell * len(first) + codes
        _, first, codes = np.unique(keys, return_index=True, return_inverse=True)
    masks = observed[first]
    cells = np.zeros(len(first), dtype=np.int64) if person_cell is None else person_cell[first]
    kept = np.flatnonzero(masks.any(axis=1) | keep_empty)
    # Large patterns first, so that the numbering does not hang on how bits sort.
    counts = np.bincount(codes, minlength=len(masks))
    kept = kept[np.lexsort((kept, -counts[kept], cells[kept]))]
    renumbered = np.full(len(masks), -1)
    renumbered[kept] = np.arange(len(kept))
    person_pattern = renumbered[codes]

    shift = np.zeros(n_values) if centre is None else centre
    divisor = np.ones(n_values) if unit is None else unit
    order, bounds = people_by_pattern(person_pattern, len(kept))
    parts: list[list[_Part]] = [[] for _ in range(n_cells)]
    for pattern, (mask, cell) in enumerate(zip(masks[kept], cells[kept], strict=True)):
        members = order[bounds[pattern] : bounds[pattern + 1]]
        where, of_members = np.flatnonzero(mask), None if weights is None else weights[members]
        mean, factor = _mean_and_factor(values, members, where, shift[mask], divisor[mask], of_members)
        parts[cell].append(_Part(len(members) if of_members is None else float(of_members.sum()), mask, mean, factor))
    return _pattern_arrays(parts, n_values, given), person_pattern


def patterns_of_moments(people: np.ndarray, cells: Sequence[tuple[np.ndarray, np.ndarray]]) -> PatternArrays:
    """People of each cell, without missing values, who have exactly this mean and covariance (divisor n)."""
    parts = [
        [_Part(float(count), np.ones(len(mean), dtype=bool), mean, np.linalg.cholesky(count * covariance))]
        for count, (mean, covariance) in zip(people, cells, strict=True)
    ]
    sizes = [len(mean) for mean, _ in cells]
    return _pattern_arrays(parts, max(sizes), sizes=sizes)


class _Part(NamedTuple):
    """People who have the same values: which ones, their means, and the factor of their scatter."""

    people: float
    observed: np.ndarray
    mean: np.ndarray
    factor: np.ndarray


def _pattern_arrays(
    cells: Sequence[Sequence[_Part]], n_values: int, given: float = 0.0, sizes: Sequence[int] | None = None
) -> PatternArrays:
    """Arrays of all cells' patterns; cells with fewer than `n_values` values leave the rest unused."""
    parts = [part for cell in cells for part in cell]
    n_patterns = len(parts)
    arrays = PatternArrays(
        people=np.array([part.people for part in parts], dtype=float),
        size=np.array([np.count_nonzero(part.observed) for part in parts], dtype=np.int64),
        position=np.zeros((n_patterns, n_values), dtype=np.int64),
        mean=np.zeros((n_patterns, n_values)),
        rank=np.zeros(n_patterns, dtype=np.int64),
        factor=np.zeros((n_patterns, n_values, n_values)),
        completed=np.zeros(n_patterns, dtype=np.int64),
        scatter=np.zeros((len(cells), n_values, n_values)),
        cell_start=np.cumsum([0, *map(len, cells)]),
        given=np.array([given]),
    )
    cell_of = np.repeat(np.arange(len(cells)), np.diff(arrays.cell_start))
    for pattern, (_, observed, mean, factor) in enumerate(parts):
        where, missing = np.flatnonzero(observed), np.flatnonzero(~observed)
        size = n_values if sizes is None else sizes[cell_of[pattern]]
        arrays.position[pattern, :size] = np.concatenate([where, missing])
        arrays.mean[pattern, : len(where)] = mean
        arrays.rank[pattern] = factor.shape[1]
        arrays.factor[pattern, : len(where), : factor.shape[1]] = factor
    for cell, (first, last) in enumerate(pairwise(arrays.cell_start.tolist())):
        size = n_values if sizes is None else sizes[cell]
        arrays.completed[first:last] = _completed(arrays.size[first:last], size, arrays.rank[first:last] + 1)
    for completed in np.flatnonzero(arrays.completed).tolist():
        _, observed, _, factor = parts[completed]
        where = np.flatnonzero(observed)
        arrays.scatter[np.ix_([cell_of[completed]], where, where)] += factor @ factor.T
    return arrays


def _completed(n_seen: np.ndarray, n_values: int, n_columns: np.ndarray) -> npt.NDArray[np.bool_]:
    """Which patterns of a cell take fewer multiplications when they are completed than when worked out alone.

    None where all alone take fewer than the products of the completed ones together: those of a person or two.
    """
    n_missing = n_values - n_seen
    alone = n_seen**3 / 2 + 1.5 * n_seen**2 * n_columns
    filled = n_missing**3 / 2 + (2 * n_missing * n_seen + 1.5 * n_missing**2) * n_columns + n_seen**2 / 2
    cheaper = filled <= alone
    pays = bool((alone - filled)[cheaper].sum() >= 2 * n_values**3)
    return np.asarray(cheaper & pays)


def _pattern_keys(observed: np.ndarray) -> np.ndarray:
    if observed.shape[1] <= 62:
        keys = np.zeros(len(observed), dtype=np.int64)
        for position in range(observed.shape[1]):
            keys |= observed[:, position].astype(np.int64) << position
        return keys
    packed = np.packbits(observed, axis=1)
    return packed.view(np.dtype((np.void, packed.shape[1]))).ravel()


def _mean_and_factor(
    values: np.ndarray,
    members: np.ndarray,
    where: np.ndarray,
    centre: np.ndarray,
    unit: np.ndarray,
    weights: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and scatter factor of some people's values, a block of people at a time."""
    if weights is not None:
        chosen = (values[np.ix_(members, where)] - centre) / unit
        mean = np.average(chosen, axis=0, weights=weights)
        rows = np.sqrt(weights)[:, None] * (chosen - mean)
        return mean, np.ascontiguousarray((rows if len(rows) <= len(where) else np.linalg.qr(rows, mode="r")).T)
    blocks = [members[start : start + BLOCK] for start in range(0, len(members), BLOCK)]

    def standardized(block: np.ndarray) -> np.ndarray:
        chosen = np.asarray(values[block][:, where])
        chosen -= centre
        chosen /= unit
        return chosen

    mean = np.sum([standardized(block).sum(axis=0) for block in blocks], axis=0) / len(members)
    if len(members) == 1:
        return mean, np.zeros((len(where), 0))
    if len(members) <= len(where):
        return mean, np.ascontiguousarray((standardized(members) - mean).T)
    triangle = np.zeros((0, len(where)))
    for block in blocks:
        triangle = np.linalg.qr(np.vstack([triangle, standardized(block) - mean]), mode="r")
    return mean, np.ascontiguousarray(triangle.T)


def _factor(scatter: np.ndarray) -> np.ndarray:
    """F with ``F F' = scatter``, and no more columns than it has dimensions."""
    values, vectors = np.linalg.eigh(scatter)
    present = values > len(values) * np.finfo(float).eps * values[-1]
    return np.ascontiguousarray(vectors[:, present] * np.sqrt(values[present]))
