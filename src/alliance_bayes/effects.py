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
    "peak_of_lag",
    "responses",
    "sustained_drift",
    "sustained_transitions",
]

type Array = NDArray[np.float64]

TAYLOR_DEGREE = 14
LARGEST_NORM = 0.5
NEWTON_STEPS = 6


def matrix_exponential(matrices: Array) -> Array:
    """``exp(M)`` of many small matrices at once.

    A Taylor series after halving until every norm is small, then squaring; for thousands of
    draws some hundred times faster than one call of ``scipy.linalg.expm`` for each.

    Parameters
    ----------
    matrices
        Shape ``(..., n, n)``, finite.

    Returns
    -------
    numpy.ndarray
        The same shape.

    Raises
    ------
    ValueError
        If an entry is not finite.

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
    """What one unit of one measure does to all measures, after 0, 1, ..., n steps.

    ``w_t = Phi_t w_t-1`` from ``w_0 = 1`` for the treatment and 0 for all others.

    Parameters
    ----------
    transitions
        ``Phi_1, ..., Phi_n``, shape ``(..., n, measure, measure)``.
    treatment
        Position of the measure that is raised.

    Returns
    -------
    numpy.ndarray
        Shape ``(..., n + 1, measure)``.

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
    """Transitions or drift when some measures stay on their expected course whatever happens.

    ``J M J`` with J zero for the held measures: nothing reaches them and nothing leaves them.

    Parameters
    ----------
    matrices
        Shape ``(..., measure, measure)``.
    held
        Positions of the held measures.
    """
    free = np.ones(matrices.shape[-1])
    free[list(held)] = 0.0
    kept: Array = matrices * np.outer(free, free)
    return kept


def along_path(matrices: Array, path: Sequence[int]) -> Array:
    """Transitions or drift that only follow one path: its edges, and each of its measures on itself.

    Parameters
    ----------
    matrices
        Shape ``(..., measure, measure)``.
    path
        Positions of the measures in causal order, none twice.
    """
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


def peak_of_lag(drift: Array, predictor: int, outcome: int, lags: Array) -> Array:
    """Lag at which a lagged effect ``exp(A d)`` is largest in size, between the first and last lag.

    Parameters
    ----------
    drift
        A, shape ``(draw, measure, measure)``.
    predictor, outcome
        Positions.
    lags
        Increasing, evenly spaced, from 0; the best of them is refined by Newton's method.

    Returns
    -------
    numpy.ndarray
        Shape ``(draw,)``; the last lag where the effect still grows there.
    """
    width = lags[1] - lags[0]
    transition = matrix_exponential(drift * width)
    curve = responses(np.broadcast_to(transition[:, None], (len(drift), len(lags) - 1, *drift.shape[1:])), predictor)
    place = np.abs(curve[:, :, outcome]).argmax(axis=1)
    peak = lags[place]
    inner = (place > 0) & (place < len(lags) - 1)
    lower, upper = np.maximum(peak - width, lags[0]), np.minimum(peak + width, lags[-1])
    for _ in range(NEWTON_STEPS):
        speed = _product(drift, matrix_exponential(drift * peak[:, None, None]))
        slope, bend = speed[:, outcome, predictor], _product(drift, speed)[:, outcome, predictor]
        with np.errstate(divide="ignore", invalid="ignore"):
            better = np.clip(peak - slope / bend, lower, upper)
        peak = np.where(inner & np.isfinite(better), better, peak)
    return peak


def _product(left: Array, right: Array) -> Array:
    """Matrix product; for small matrices and many draws faster than ``left @ right``."""
    total = left[..., :, 0, None] * right[..., 0, None, :]
    for inner in range(1, left.shape[-1]):
        total += left[..., :, inner, None] * right[..., inner, None, :]
    product: Array = total
    return product
