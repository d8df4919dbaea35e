"""Ranks of true values: tests of uniformity, bands of their distribution function, and coverage of intervals."""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import ndtr

from ..questions.loo_pit import off_in_words

__all__ = ["LARGEST_FACTOR", "LEVELS", "band", "holm", "rank", "smallest_found", "table_of_ranks"]

type Array = npt.NDArray[np.float64]

LEVELS = (0.5, 0.8, 0.95)
"""Of the central intervals whose coverage is counted."""
COLUMNS = (
    "n",
    "mean",
    "spread",
    "p",
    *(f"cover_{100 * level:.0f}{end}" for level in LEVELS for end in ("", "_lower", "_upper")),
)
BAND = 0.95
N_SIMULATIONS = 2000
N_OF_POWER, POWER = 100, 0.8
LARGEST_FACTOR, N_HALVINGS = 16.0, 7


def rank(draws: Array, truth: float, rng: np.random.Generator) -> float:
    """Share of draws below a true value, uniform between 0 and 1 if that is one more draw from the same distribution.

    With L draws ``(below + U (1 + equal)) / (L + 1)``, U uniform, so that ties have no order [1]_.

    References
    ----------
    .. [1] Talts, Betancourt, Simpson, Vehtari & Gelman (2018). Validating Bayesian inference algorithms with
       simulation-based calibration. https://arxiv.org/abs/1804.06788
    """
    below, equal = int(np.sum(draws < truth)), int(np.sum(draws == truth))
    return float((below + rng.random() * (1 + equal)) / (len(draws) + 1))


def table_of_ranks(ranks: pd.DataFrame, below: pd.DataFrame) -> pd.DataFrame:
    """Whether the ranks of each quantity are uniform, and how often its intervals hold the truth.

    Parameters
    ----------
    ranks
        One column for each quantity, one row for each replicate, in (0, 1); NaN where there is none.
    below
        The same: shares of all draws below the truth, from which coverage is counted.

    Returns
    -------
    pandas.DataFrame
        Indexed by quantity: ``n``; ``mean`` of the ranks, and their ``spread``, the SD as a multiple of a uniform's;
        ``p`` of ArviZ's test of uniformity, which combines the binomial tails of the distribution function at all
        ranks [1]_ [2]_; for each level such as 50: ``cover_50``, the share of central intervals that hold the truth,
        with ``cover_50_lower`` and ``cover_50_upper``, its exact 95 % interval.

    References
    ----------
    .. [1] Saeilynoja, Buerkner & Vehtari (2022). Graphical test for discrete uniformity and its applications in
       goodness-of-fit evaluation and multiple sample comparison. Statistics and Computing 32, 32.
       https://doi.org/10.1007/s11222-022-10090-6
    .. [2] ArviZ, ``uniformity_test(method="prit_c")``.
    """
    rows = {}
    for name in ranks.columns:
        values, shares = ranks[name].dropna().to_numpy(), below[name].dropna().to_numpy()
        row = {
            "n": len(values),
            "mean": values.mean(),
            "spread": values.std() * np.sqrt(12),
            "p": _p_of_uniformity(values),
        }
        for level in LEVELS:
            row |= _coverage(shares, level)
        rows[name] = row
    return pd.DataFrame.from_dict(rows, orient="index", columns=list(COLUMNS), dtype=float).rename_axis("quantity")


def _p_of_uniformity(values: Array) -> float:
    """P value of the ranks; 1 where there are too few to tell."""
    if len(values) < 2:
        return 1.0
    from arviz_stats.base import array_stats

    return float(np.ravel(array_stats.uniformity_test(values, method="prit_c")[0])[0])


def smallest_found(n: int, level: float, n_ranked: int) -> tuple[float, float]:
    """Which wrong SDs of a posterior the ranks of one quantity show with probability .8, by simulation.

    The posterior is normal, and its SD a multiple of that of the truth about its mean.

    Parameters
    ----------
    n
        Replicates.
    level
        At which the test of uniformity is made.
    n_ranked
        Draws that a truth is ranked among.

    Returns
    -------
    tuple
        The multiple below 1 that is found, and that above 1; NaN where not even 1/16 and 16 are.
    """
    rng = np.random.default_rng(214)
    z, ties = rng.standard_normal((N_OF_POWER, n)), rng.random((N_OF_POWER, n))

    def is_found(multiple: float) -> bool:
        below = rng.binomial(n_ranked, ndtr(z / multiple))
        p_values = [_p_of_uniformity(ranks) for ranks in (below + ties) / (n_ranked + 1)]
        return bool(np.mean(np.array(p_values) < level) >= POWER)

    narrow = 1 / _smallest_factor(lambda factor: is_found(1 / factor))
    return narrow, _smallest_factor(is_found)


def _smallest_factor(is_found: Callable[[float], bool]) -> float:
    """The smallest factor above 1 that is found, by bisection of its logarithm; NaN where none is."""
    if not is_found(LARGEST_FACTOR):
        return np.nan
    found, missed = np.log(LARGEST_FACTOR), 0.0
    for _ in range(N_HALVINGS):
        middle = (found + missed) / 2
        found, missed = (middle, missed) if is_found(np.exp(middle)) else (found, middle)
    return float(np.exp(found))


def _coverage(shares: Array, level: float) -> dict[str, float]:
    from scipy.stats import binomtest

    inside, name = int(np.sum(np.abs(2 * shares - 1) <= level)), f"cover_{100 * level:.0f}"
    interval = binomtest(inside, len(shares)).proportion_ci(0.95)
    return {name: inside / len(shares), f"{name}_lower": interval.low, f"{name}_upper": interval.high}


def shape_in_words(row: pd.Series) -> str:
    """What is most wrong with the ranks of a quantity."""
    return off_in_words(row["n"], row["mean"], row["spread"], "posteriors")


def holm(p_values: Sequence[float]) -> Array:
    """P values that allow for their number, by Holm's step-down procedure [1]_.

    References
    ----------
    .. [1] Holm (1979). A simple sequentially rejective multiple test procedure. Scandinavian Journal of Statistics 6,
       65-70.

    Examples
    --------
    >>> holm([0.01, 0.5, 0.03]).round(2)
    array([0.03, 0.5 , 0.06])
    """
    p = np.asarray(p_values, dtype=float)
    order = np.argsort(p)
    adjusted = np.maximum.accumulate(p[order] * (len(p) - np.arange(len(p))))
    result = np.empty(len(p))
    result[order] = np.minimum(adjusted, 1.0)
    return result


def band(n: int) -> tuple[Array, Array, Array]:
    """Where 95 % of uniform samples of this size lie as a whole: points, and lower and upper bound less the points.

    The simultaneous band of Saeilynoja, Buerkner & Vehtari (2022), from ArviZ.
    """
    from arviz_stats.ecdf_utils import ecdf_pit

    uniform = (np.arange(n) + 0.5) / n
    points, _, lower, upper = ecdf_pit(uniform, BAND, N_SIMULATIONS, rng=np.random.default_rng(214))
    return points, lower - points, upper - points
