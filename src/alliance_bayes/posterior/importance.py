"""Importance sampling of a density about its mode, with proposals that adapt to the weighted draws."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.linalg import solve_triangular
from scipy.optimize import minimize
from scipy.special import logsumexp

from ..pymc_models.curvature import Density, curvature_at, principal

__all__ = ["LARGEST_K_HAT", "Weighted", "importance_sample", "smoothed"]

type FloatArray = npt.NDArray[np.float64]

# Measured beside sampling: with more degrees of freedom single draws in long tails weigh too much, where people are few
# or random intercepts hardly vary; with fewer, more draws are needed for the same answer. More draws to adapt to cost
# more than they save.
DF = 10.0
ADAPTING = (500, 500, 1000)  # draws that proposals adapt to, round by round
# Means differ from sampled ones by .027 to .033 SD (RMSE), to which the sampled ones contribute.
ENOUGH = 2200  # effective draws aimed at
FEWEST, MOST = 4000, 32_000  # draws that are weighted
PRIOR_WEIGHT = 20.0  # effective draws per parameter that the curvature counts as, beside the weighted draws
SAME_WEIGHT = 1e-9  # range of log weights
TOLERANCE = 1e-3  # of the gradient at the mode
LARGEST_K_HAT = 0.7
"""From it on, draws miss a part of the density that weights cannot make up for."""


@dataclass(frozen=True, eq=False)
class Weighted:
    """Points with importance weights.

    Attributes
    ----------
    points
        Shape ``(point, parameter)``.
    weights
        Smoothed, of sum 1, shape ``(point,)``.
    k_hat
        Estimated shape of the tail of the raw weights; infinity where hardly any point has a density.
    """

    points: FloatArray
    weights: FloatArray
    k_hat: float

    @property
    def n_effective(self) -> float:
        """Effective number of independent draws, ``1 / sum(weights ** 2)``."""
        return float(1 / np.sum(self.weights**2))

    def resampled(self, n_draws: int, rng: np.random.Generator) -> npt.NDArray[np.int64]:
        """Positions of equally weighted draws among the points, by systematic resampling, shape ``(draw,)``.

        Points come in random order and repeats of one follow each other, so that effective sample sizes and Monte Carlo
        errors, which look at neighbours, count them.
        """
        order = rng.permutation(len(self.points))
        steps = (np.arange(n_draws) + rng.random()) / n_draws
        reached = np.cumsum(self.weights[order])
        return np.asarray(order[np.searchsorted(reached, steps * reached[-1])])


def importance_sample(density: Density, start: FloatArray, rng: np.random.Generator) -> Weighted:
    """Weighted draws of a density.

    The first proposal is a multivariate t about the mode with the curvature there; each next one has mean and
    covariance of the draws so far, weighted by the mixture of all proposals [1]_. The last one gives the draws that are
    returned, as many as the efficiency of those before suggests. Neither they nor their number depend on their own
    weights, so that nothing hides a heavy tail from k-hat.

    References
    ----------
    .. [1] Cornuet, Marin, Mira & Robert (2012). Adaptive multiple importance sampling. Scandinavian Journal of
       Statistics 39, 798-812. https://doi.org/10.1111/j.1467-9469.2011.00756.x
    """
    mode = _mode(density, start)
    curved = _inverse(curvature_at(density, mode))
    proposal, proposals = _Proposal(mode, np.linalg.cholesky(curved)), []
    points, values = np.empty((0, len(mode))), np.empty(0)
    for n_draws in ADAPTING:
        drawn = proposal.draw(n_draws, rng)
        points, values = np.concatenate([points, drawn]), np.concatenate([values, density(drawn)[0]])
        proposals.append(proposal.log_density)
        shares = np.array(ADAPTING[: len(proposals)])[:, None] / len(points)
        weighted = smoothed(points, values - logsumexp([each(points) for each in proposals], axis=0, b=shares))
        proposal = _adapted(weighted, curved)
    wanted = ENOUGH * len(points) / weighted.n_effective
    points = proposal.draw(int(np.clip(wanted, FEWEST, MOST)), rng)
    return smoothed(points, density(points)[0] - proposal.log_density(points))


@dataclass(frozen=True, eq=False)
class _Proposal:
    """A multivariate t with this centre and lower root of its scale matrix."""

    centre: FloatArray
    root: FloatArray

    def draw(self, n_draws: int, rng: np.random.Generator) -> FloatArray:
        normal = rng.standard_normal((n_draws, len(self.centre)))
        widths = np.sqrt(rng.chisquare(DF, n_draws) / DF)
        return np.asarray(self.centre + (normal / widths[:, None]) @ self.root.T)

    def log_density(self, points: FloatArray) -> FloatArray:
        """Up to a constant that all proposals share."""
        size = len(self.centre)
        distances = np.sum(solve_triangular(self.root, (points - self.centre).T, lower=True) ** 2, axis=0)
        return np.asarray(-np.sum(np.log(np.diag(self.root))) - (DF + size) / 2 * np.log1p(distances / DF))


def _adapted(weighted: Weighted, curved: FloatArray) -> _Proposal:
    """The proposal with mean and covariance of weighted draws, the latter shrunk to the inverse curvature."""
    mean = weighted.weights @ weighted.points
    deviations = weighted.points - mean
    covariance = deviations.T @ (weighted.weights[:, None] * deviations)
    share = weighted.n_effective / (weighted.n_effective + PRIOR_WEIGHT * len(mean))
    return _Proposal(mean, np.linalg.cholesky(share * covariance + (1 - share) * curved))


def smoothed(points: FloatArray, log_ratios: FloatArray) -> Weighted:
    """Pareto-smoothed weights of points; k-hat is minus infinity where all weigh the same."""
    from arviz_stats.base import array_stats

    inside = log_ratios > -np.inf
    if inside.all() and np.ptp(log_ratios) < SAME_WEIGHT:
        return Weighted(points, np.full(len(points), 1 / len(points)), -np.inf)
    log_weights = np.full(len(points), -np.inf)
    smoothed, k_hat = array_stats.psislw(-log_ratios[inside])
    log_weights[inside] = smoothed
    weights = np.exp(log_weights - log_weights.max())
    return Weighted(points, weights / weights.sum(), float(k_hat) if np.isfinite(k_hat) else np.inf)


def _mode(density: Density, start: FloatArray) -> FloatArray:
    """Where the density is largest, from a point where there is one."""

    def descent(point: FloatArray) -> tuple[float, FloatArray]:
        values, gradients = density(point[None])
        return (-values[0], -gradients[0]) if values[0] > -np.inf else (np.finfo(float).max, gradients[0])

    return np.asarray(minimize(descent, start, jac=True, method="BFGS", options={"gtol": TOLERANCE}).x)


def _inverse(curvature: FloatArray) -> FloatArray:
    precisions, directions = principal(curvature)
    return np.asarray((directions / precisions) @ directions.T)
