"""How far expectation propagation is off: each integral by importance sampling around the propagated posterior.

With the posterior of one case in the form of `proposal`, the integral is the propagated value times

    1 + mean over e of (exp(psi(z) - log |A| / 2 - propagated) - exp(-e'e / 2)) / ((2 pi)^(n/2) q(e)),

psi being the log density of the responses less ``z'z / 2``, with draws e from Student's t density q. What is
averaged is 0 where the integrand is normal, and draws come in opposite pairs, so that few are needed.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import gammaln

from ...basics.compiled import compiled
from .conditional import condition, work_conditional
from .propagation import by_person, evaluate, first_guess, work_sites
from .proposal import log_joint, prepare, work_proposal
from .responses import LatentArrays
from .tables import tabulate

__all__ = ["Correction", "Integrals", "by_importance", "corrections", "integrals_at"]

LOG_2_PI = math.log(2 * math.pi)
DEGREES = 8.0  # of Student's t: tails above the posterior's, and nearly as efficient as the normal about its centre
MOST_BLOCKS = 1000  # people with random numbers of their own; these are 1000 x draws x latent numbers in memory
LEAST_TOTAL = -0.8  # below which 1 + total loses digits, and the plain average of the weights serves better


@dataclass(frozen=True, eq=False)
class Integrals:
    """Log marginal likelihood of each person, beside what expectation propagation gives."""

    log_likelihood: np.ndarray  # shape ``(person,)``; 0 for people without any value
    # Its Monte Carlo standard error, shape ``(person,)``; 0 where nothing was drawn. Errors of several cases of one
    # person are added up, which is on the safe side
    standard_error: np.ndarray
    propagated: np.ndarray  # the value by expectation propagation, shape ``(person,)``
    n_blocks: int  # how many people have random numbers of their own; beyond that they are used again

    @property
    def error(self) -> np.ndarray:
        """Propagated value less the integral, shape ``(person,)``."""
        return np.asarray(self.propagated - self.log_likelihood)

    @property
    def standard_error_of_sum(self) -> float:
        """Monte Carlo standard error of the sum over people."""
        block = np.arange(len(self.standard_error)) % self.n_blocks
        return float(np.sqrt((np.bincount(block, self.standard_error) ** 2).sum()))


@dataclass(frozen=True, eq=False)
class Correction:
    """What is to be added to the log-likelihood of each posterior draw, shape ``(draw,)``."""

    # Integral less propagated value, summed over people: the draw's logarithmic importance weight
    log_weight: np.ndarray
    # Monte Carlo standard error of `log_weight` at one draw. The same random numbers serve all draws, so that
    # differences between draws are known better
    standard_error: np.ndarray

    @property
    def effective_share(self) -> float:
        """Effective sample size of the weighted draws as a share of their number, in (0, 1]."""
        weights = np.exp(self.log_weight - self.log_weight.max())
        return float(weights.sum() ** 2 / (weights**2).sum() / len(weights))


@compiled
def _integrals(means, covariances, phi, data, size, nodes, log_weights, paired, ratio, error, propagated):
    """Integrals of cases with `size` latent numbers, over nodes of shape ``(block, node, size)``.

    Overwritten, shape ``(row,)``: logarithm of the integral over the propagated one; its standard
    error; the propagated log density. If `paired`, terms of a node and its mirror image are averaged.
    """
    n_values, n_nodes = means.shape[1], nodes.shape[1]
    sites, given, proposal = work_sites(n_values), work_conditional(n_values), work_proposal(n_values)
    table, guess, proper = tabulate(data, phi)
    starts = first_guess(guess, data)
    for pattern in range(len(data.cell)):
        if data.n_latent[pattern] != size:
            continue
        n_exact = data.n_exact[pattern]
        log_determinant = condition(pattern, means, covariances, data, given)
        constant = -0.5 * (n_exact * LOG_2_PI + log_determinant)
        for row in range(data.bounds[pattern], data.bounds[pattern + 1]):
            if log_determinant == math.inf or not proper:
                propagated[row] = -math.inf
                continue
            start, first = starts[data.site[row] :], data.first[data.site[row] :]
            integral, quadratic, _ = evaluate(
                n_exact, size, data.exact[row], first, data.kind, start, table, given, sites
            )
            propagated[row] = data.constant[row] + constant - 0.5 * quadratic + integral
            if size == 0 or integral == -math.inf:
                continue
            integral += prepare(size, first, data.kind, table, given.root, sites.state, proposal)
            plain, total, squares, block = 0.0, 0.0, 0.0, data.person[row] % len(nodes)
            for node in range(n_nodes):
                point, radius, term = nodes[block, node], 0.0, 0.0
                for number in range(size):
                    radius += point[number] * point[number]
                normal = math.exp(log_weights[block, node] - 0.5 * radius)
                for side in range(2 if paired else 1):
                    log_target = log_joint(size, point, 1.0 - 2.0 * side, given.root, sites.state, proposal)
                    term += math.exp(log_weights[block, node] + log_target - integral)
                if paired:
                    term *= 0.5
                plain += term
                total += term - normal
                squares += (term - normal) ** 2
            ratio[row] = math.log1p(total) if total > LEAST_TOTAL else math.log(plain)
            if n_nodes > 1:
                spread = max(n_nodes * squares - total * total, 0.0) / (n_nodes - 1)
                error[row] = math.sqrt(spread) / max(total + 1.0, plain)


def by_importance(
    means: np.ndarray,
    covariances: np.ndarray,
    phi: np.ndarray,
    data: LatentArrays,
    n_persons: int,
    *,
    draws: int = 200,
    seed: int = 1,
) -> Integrals:
    """Integrals by importance sampling around each propagated posterior.

    The first four arguments are those of `propagation.log_likelihood_and_gradient`; `draws` counts pairs of opposite
    draws.
    """
    nodes = _students(data, min(n_persons, MOST_BLOCKS), draws, seed)
    return integrals_at(means, covariances, phi, data, n_persons, nodes, paired=True)


def corrections(
    means: np.ndarray,
    covariances: np.ndarray,
    phis: np.ndarray,
    data: LatentArrays,
    n_persons: int,
    *,
    draws: int = 50,
    seed: int = 1,
) -> Correction:
    """Importance weights that take posterior draws of the propagated model to the exact one.

    Means, covariances and phis have a first dim of draws; the rest is as of `by_importance`.
    """
    integrals = [
        by_importance(mean, covariance, phi, data, n_persons, draws=draws, seed=seed)
        for mean, covariance, phi in zip(means, covariances, phis, strict=True)
    ]
    return Correction(
        np.array([-integral.error.sum() for integral in integrals]),
        np.array([integral.standard_error_of_sum for integral in integrals]),
    )


def _students(data: LatentArrays, n_blocks: int, draws: int, seed: int) -> dict[int, tuple[np.ndarray, np.ndarray]]:
    """Draws of Student's t with unit scale for each number of latent numbers, and logs of their weights."""
    rng = np.random.default_rng(seed)
    most = int(data.n_latent.max(initial=0))
    normals = rng.normal(size=(n_blocks, draws, most))
    divisor = np.sqrt(rng.chisquare(DEGREES, size=(n_blocks, draws, 1)) / DEGREES)
    nodes_of = {}
    for size in np.unique(data.n_latent).tolist():
        nodes = np.ascontiguousarray(normals[..., :size] / divisor)
        log_density = (
            gammaln((DEGREES + size) / 2)
            - gammaln(DEGREES / 2)
            - 0.5 * size * np.log(DEGREES * np.pi)
            - 0.5 * (DEGREES + size) * np.log1p((nodes**2).sum(axis=-1) / DEGREES)
        )
        nodes_of[size] = nodes, -log_density - 0.5 * size * LOG_2_PI - np.log(draws)
    return nodes_of


def integrals_at(
    means: np.ndarray,
    covariances: np.ndarray,
    phi: np.ndarray,
    data: LatentArrays,
    n_persons: int,
    nodes: dict[int, tuple[np.ndarray, np.ndarray]],
    *,
    paired: bool,
) -> Integrals:
    """Integrals over nodes of each number of latent numbers: points, and logarithms of their weights.

    If `paired`, terms of a node and its mirror image are averaged.
    """
    ratio, error, propagated = np.zeros((3, len(data.case)))
    for size, (points, log_weights) in nodes.items():
        _integrals(means, covariances, phi, data, size, points, log_weights, paired, ratio, error, propagated)
    integral = by_person(propagated + ratio, data, n_persons)
    share = np.exp(propagated + ratio - integral[data.person])
    return Integrals(
        integral,
        np.bincount(data.person, share * error, minlength=n_persons),
        by_person(propagated, data, n_persons),
        max((len(points) for points, _ in nodes.values()), default=1),
    )
