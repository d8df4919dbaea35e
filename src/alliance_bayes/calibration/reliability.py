"""Probabilities of events beside their frequencies: reliability diagrams and tests of miscalibration."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

__all__ = ["Reliability", "reliability", "table_of_events", "table_of_verdicts"]

type Array = npt.NDArray[np.float64]

N_RESAMPLED = 19_999
FEWEST, MOST, ENOUGH = 500, 20_000, 20
"""Worlds that are drawn for a band; at most for a p value; and how many as bad ones settle it."""
BAND = (2.5, 97.5)


@dataclass(frozen=True, eq=False)
class Reliability:
    """One event: stated probabilities in rising order, and what they come to.

    Attributes
    ----------
    stated
        Probabilities, rising, shape ``(replicate,)``.
    recalibrated
        Frequency of the event among replicates with such a probability, by isotonic regression.
    lower, upper
        Where 95 % of these lie at each stated probability if that is the frequency.
    miscalibration
        Brier score that recalibration would gain.
    p
        Share of worlds in which the stated probabilities are right with at least this gain.
    """

    stated: Array
    recalibrated: Array
    lower: Array
    upper: Array
    miscalibration: float
    p: float


def reliability(stated: Array, holds: Array, rng: np.random.Generator) -> Reliability:
    """Reliability diagram and test of miscalibration by the CORP approach.

    Frequencies are an isotonic regression of the event on its probability; the test's statistic is the miscalibration
    part of the Brier score, ``mean (p - y)^2 - mean (p_recalibrated - y)^2``, and its null distribution that of events
    that are drawn with the stated probabilities [1]_, drawn until 20 have been as bad [2]_.

    Parameters
    ----------
    stated
        Probabilities in (0, 1), shape ``(replicate,)``.
    holds
        1 where the event holds, else 0, same shape.
    rng
        For the null distribution.

    References
    ----------
    .. [1] Dimitriadis, Gneiting & Jordan (2021). Stable reliability diagrams for probabilistic classifiers.
       Proceedings of the National Academy of Sciences 118, e2016191118. https://doi.org/10.1073/pnas.2016191118
    .. [2] Besag & Clifford (1991). Sequential Monte Carlo p-values. Biometrika 78, 301-304.
       https://doi.org/10.1093/biomet/78.2.301
    """
    order = np.argsort(stated, kind="stable")
    stated, holds = np.asarray(stated, dtype=float)[order], np.asarray(holds, dtype=float)[order]
    distinct, group, n_alike = np.unique(stated, return_inverse=True, return_counts=True)
    recalibrated, gain = _recalibrated(distinct, group, n_alike, stated, holds)
    curves, n_as_bad, p = list[Array](), 0, 0.0
    for n_drawn in range(1, MOST + 1):
        drawn = (rng.random(len(stated)) < stated).astype(float)
        curve, gain_by_chance = _recalibrated(distinct, group, n_alike, stated, drawn)
        if n_drawn <= FEWEST:
            curves.append(curve)
        n_as_bad += gain_by_chance >= gain - 1e-12
        p = p or (n_as_bad / n_drawn if n_as_bad == ENOUGH else 0.0)
        if p and n_drawn >= FEWEST:
            break
    lower, upper = np.percentile(curves, BAND, axis=0)
    p = p or (1 + n_as_bad) / (1 + MOST)
    return Reliability(stated, recalibrated[group], lower[group], upper[group], gain, float(p))


def _recalibrated(
    distinct: Array, group: npt.NDArray[Any], n_alike: npt.NDArray[Any], stated: Array, holds: Array
) -> tuple[Array, float]:
    """Frequencies at the distinct probabilities, and the Brier score they gain."""
    from scipy.optimize import isotonic_regression

    frequency = np.bincount(group, holds, len(distinct)) / n_alike
    fitted = isotonic_regression(frequency, weights=n_alike).x
    return fitted, float(np.mean((stated - holds) ** 2) - np.mean((fitted[group] - holds) ** 2))


def spiegelhalter(stated: Array, holds: Array) -> float:
    """Z of the Brier score about its expectation under the stated probabilities; 0 where it is fixed.

    ``sum (y - p)(1 - 2p) / sqrt(sum (1 - 2p)^2 p (1 - p))`` [1]_; positive where probabilities are too near 0 and 1.

    References
    ----------
    .. [1] Spiegelhalter (1986). Probabilistic prediction in patient management and clinical trials. Statistics in
       Medicine 5, 421-433. https://doi.org/10.1002/sim.4780050506
    """
    spread = np.sqrt(np.sum((1 - 2 * stated) ** 2 * stated * (1 - stated)))
    return float(np.sum((holds - stated) * (1 - 2 * stated)) / spread) if spread > 0 else 0.0


def table_of_events(
    stated: pd.DataFrame, holds: pd.DataFrame, rng: np.random.Generator
) -> tuple[pd.DataFrame, dict[str, Reliability]]:
    """How the probabilities of each event compare with its frequency.

    Parameters
    ----------
    stated, holds
        One column for each event, one row for each replicate; NaN where there is none.
    rng
        For the null distributions.

    Returns
    -------
    tuple
        A table indexed by event: ``n``, ``stated`` (mean probability), ``frequency``, ``miscalibration`` (of the Brier
        score), ``z`` (Spiegelhalter's) and ``p`` (of the miscalibration); and the diagram of each event.
    """
    rows, diagrams = {}, {}
    for event in stated.columns:
        known = stated[event].notna() & holds[event].notna()
        p, y = stated.loc[known, event].to_numpy(float), holds.loc[known, event].to_numpy(float)
        if not len(p):
            continue
        diagrams[str(event)] = diagram = reliability(p, y, rng)
        rows[event] = {
            "n": len(p),
            "stated": p.mean(),
            "frequency": y.mean(),
            "miscalibration": diagram.miscalibration,
            "z": spiegelhalter(p, y),
            "p": diagram.p,
        }
    columns = ["n", "stated", "frequency", "miscalibration", "z", "p"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns, dtype=float).rename_axis("event"), diagrams


def table_of_verdicts(given: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """How often verdicts are right, beside the probability that they stated.

    Parameters
    ----------
    given
        One row for each verdict that was given: ``verdict``, ``stated``, the probability of its event, and ``holds``.
    rng
        For the test.

    Returns
    -------
    pandas.DataFrame
        Indexed by verdict: ``n``, ``stated`` (mean), ``right`` (share), and ``p``, two-sided, of the number of right
        ones if each is right with the stated probability.
    """
    rows = {}
    for verdict, group in given.groupby("verdict"):
        stated, holds = group["stated"].to_numpy(float), group["holds"].to_numpy(float)
        drawn = np.abs((rng.random((N_RESAMPLED, len(stated))) < stated).sum(axis=1) - stated.sum())
        off = abs(holds.sum() - stated.sum())
        rows[verdict] = {
            "n": len(stated),
            "stated": stated.mean(),
            "right": holds.mean(),
            "p": (1 + np.sum(drawn >= off - 1e-12)) / (1 + N_RESAMPLED),
        }
    columns = ["n", "stated", "right", "p"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns, dtype=float).rename_axis("verdict")
