"""Effects over time of linear within-person dynamics: pulses and steps, held mediators, single paths.

Matrices have dims ``(..., outcome, predictor)``; a transition is the lagged effects over one step,
a drift those per unit of time.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "along_path",
    "held_at_expectation",
    "matrix_exponential",
    "own_lags",
    "peak_of_lag",
    "responses",
    "sustained_drift",
    "sustained_transitions",
]

type Array = NDArray[np.float64]

TAYLOR_DEGREE = 14
LARGEST_NORM = 0.5
MOST_STEPS = 60
SMALLEST_STEP = 1e-10
RIVALS = 3
RIVAL_SIZE = 0.95
SHORTEST_SEARCHED = 0.05
PER_DOUBLING = 6


def matrix_exponential(matrices: Array) -> Array:
    """``exp(M)`` of many small matrices at once, shape ``(..., n, n)``; ValueError where an entry is not finite.

    A Taylor series after halving until every norm is small, then squaring; for thousands of
    draws some hundred times faster than one call of ``scipy.linalg.expm`` for each.

    Examples
    --------
    >>> matrix_exponential(np.array([[0.0, 1.0], [0.0, 0.0]]))
    array([[1., 1.],
           [0., 1.]])
    """
    norms = np.abs(matrices).sum(axis=-2).max(axis=-1, initial=0.0)
    if not np.isfinite(norms).all():
        raise ValueError("the exponential of a matrix needs finite entries")
    # Each has its own number: squaring one as often as the longest needs would lose digits of the shortest.
    halvings = np.ceil(np.log2(np.maximum(norms, LARGEST_NORM) / LARGEST_NORM)).astype(int)
    scaled = matrices / 2.0 ** halvings[..., None, None]
    identity = np.broadcast_to(np.eye(matrices.shape[-1]), matrices.shape)
    result: Array = identity.copy()
    for degree in range(TAYLOR_DEGREE, 0, -1):
        result = identity + _product(scaled, result) / degree
    for squaring in range(halvings.max(initial=0)):
        some = squaring < halvings
        result[some] = _product(result[some], result[some])
    return result


def responses(transitions: Array, treatment: int) -> Array:
    """What one unit of one measure does to all measures after 0, 1, ..., n steps, shape ``(..., n + 1, measure)``.

    ``w_t = Phi_t w_t-1`` from ``w_0 = 1`` for the treatment and 0 for all others, with transitions
    ``Phi_1, ..., Phi_n``, shape ``(..., n, measure, measure)``.

    Examples
    --------
    >>> step = np.array([[0.5, 0.0], [0.2, 0.4]])
    >>> responses(np.stack([step, step]), 0)[:, 1]
    array([0.  , 0.2 , 0.18])
    """
    *leading, n_steps, size, _ = transitions.shape
    result = np.zeros((*leading, n_steps + 1, size))
    result[..., 0, treatment] = 1.0
    for step in range(n_steps):
        result[..., step + 1, :] = (transitions[..., step, :, :] * result[..., step, None, :]).sum(axis=-1)
    return result


def held_at_expectation(matrices: Array, held: Sequence[int]) -> Array:
    """Transitions or drift when some measures stay on their expected course, so that nothing reaches or leaves them.

    ``J M J`` with J zero for the measures at these positions.
    """
    free = np.ones(matrices.shape[-1])
    free[list(held)] = 0.0
    kept: Array = matrices * np.outer(free, free)
    return kept


def along_path(matrices: Array, path: Sequence[int]) -> Array:
    """Transitions or drift along one path alone, positions of measures in causal order, and of these on themselves."""
    allowed = np.zeros(matrices.shape[-2:])
    allowed[list(path), list(path)] = 1.0
    allowed[list(path[1:]), list(path[:-1])] = 1.0
    kept: Array = matrices * allowed
    return kept


def sustained_transitions(transitions: Array, treatment: int) -> Array:
    """Transitions when the treatment is kept where it was put: nothing moves it, so it stays."""
    kept = transitions.copy()
    kept[..., treatment, :] = 0.0
    kept[..., treatment, treatment] = 1.0
    return kept


def sustained_drift(drift: Array, treatment: int) -> Array:
    """Drift when the treatment is kept where it was put: its row is zero."""
    kept = drift.copy()
    kept[..., treatment, :] = 0.0
    return kept


def own_lags(drift: Array, longest: float) -> Array:
    """Lags on the scale of the process itself: 0, then from well below the time in which it changes to the longest.

    They grow by one ratio; the first is a twentieth of the time in which the fastest draw of the drift A, shape
    ``(draw, measure, measure)``, changes.
    """
    fastest = float(np.abs(drift).sum(axis=-2).max(initial=0.0))
    shortest = SHORTEST_SEARCHED * (min(longest, 1 / fastest) if fastest > 0 else longest)
    n_lags = int(np.ceil(PER_DOUBLING * np.log2(longest / shortest))) + 1
    return np.concatenate([[0.0], np.geomspace(shortest, longest, n_lags)])


def peak_of_lag(drift: Array, predictor: int, outcome: int, lags: Array, effects: Array) -> Array:
    """Lag of each draw at which a lagged effect ``exp(A d)`` is largest in size, between 0 and the last lag.

    The last lag where the effect still grows there, NaN where it is 0 at every lag. A peak is looked for around the
    largest `effects`, shape ``(draw, lag)``, at increasing lags from 0, which must be dense on the process's own scale
    (`own_lags`).
    """
    sizes = np.where(np.isfinite(effects), np.abs(effects), np.inf)  # a process that explodes grows to the end
    before, after = (np.pad(sizes, ((0, 0), side), constant_values=-1.0) for side in ((1, 0), (0, 1)))
    tops = np.where((sizes >= before[:, :-1]) & (sizes > after[:, 1:]), sizes, 0.0)
    peak, largest = np.full(len(drift), np.nan), np.zeros(len(drift))
    for index in np.argsort(-tops, axis=1)[:, :RIVALS].T:
        height = tops[np.arange(len(drift)), index]
        # Of two tops nearly as high at these lags, the lower may be the higher in between.
        some = np.flatnonzero((height > 0) & (height >= RIVAL_SIZE * largest))
        lag, size = _top(drift[some], predictor, outcome, lags, index[some])
        higher = size > largest[some]
        peak[some[higher]], largest[some[higher]] = lag[higher], size[higher]
    return peak


def _top(drift: Array, predictor: int, outcome: int, lags: Array, index: NDArray[np.int64]) -> tuple[Array, Array]:
    """Lag and size of the top of a curve near one of the lags, whose neighbours are no higher."""

    def at(some: NDArray[np.int64], lag: Array) -> tuple[Array, Array, Array]:
        with np.errstate(over="ignore", invalid="ignore"):
            level = matrix_exponential(drift[some] * lag[:, None, None])
            slope = _product(drift[some], level)
            bend = _product(drift[some], slope)
        level, slope, bend = (part[:, outcome, predictor] for part in (level, slope, bend))
        sign = np.sign(level)
        return np.where(np.isfinite(level), sign * level, np.inf), sign * slope, sign * bend

    lag = lags[index].astype(float)
    everyone = np.arange(len(drift))
    size, slope, bend = at(everyone, lag)
    # The curve rises from one end of this cell, and at the other end it falls or is no higher.
    up = slope > 0
    near, far = lag.copy(), np.where(up, lags[np.minimum(index + 1, len(lags) - 1)], lags[np.maximum(index - 1, 0)])
    level = size.copy()
    some = everyone[(slope != 0) & (near != far) & np.isfinite(size)]
    for _ in range(MOST_STEPS):
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            newton = lag - slope / bend
        still = (np.abs(newton - lag) > SMALLEST_STEP * lag) | (bend >= 0) | (level < size * (1 - SMALLEST_STEP))
        some = some[still[some] & (np.abs(far - near) > SMALLEST_STEP * lag)[some]]
        if not len(some):
            break
        inside = (newton > np.minimum(near, far)) & (newton < np.maximum(near, far)) & (bend < 0)
        lag[some] = np.where(inside, newton, (near + far) / 2)[some]
        level[some], slope[some], bend[some] = at(some, lag[some])
        onwards = (np.where(up, slope > 0, slope < 0) & (level >= size))[some]
        further, back = some[onwards], some[~onwards]
        near[further], size[further] = lag[further], level[further]
        far[back] = lag[back]
    return lag, at(everyone, lag)[0]


def _product(left: Array, right: Array) -> Array:
    """Matrix product; for small matrices and many draws faster than ``left @ right``."""
    total = left[..., :, 0, None] * right[..., 0, None, :]
    for inner in range(1, left.shape[-1]):
        total += left[..., :, inner, None] * right[..., inner, None, :]
    product: Array = total
    return product
