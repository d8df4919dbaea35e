"""Linear predictors of people drawn given everything they answered, for one set of parameters."""

import math

import numpy as np

from ...basics.compiled import compiled
from .conditional import condition, work_conditional
from .propagation import case_log_likelihoods, evaluate, first_guess, work_sites
from .proposal import log_joint, prepare, work_proposal
from .responses import LatentArrays
from .tables import tabulate

__all__ = ["draw_linear_predictors"]

N_PROPOSALS = 20  # from which one is drawn by its importance weight, so that it hardly differs from the posterior


@compiled
def _draw(means, covariances, phi, data, chosen, normals, uniforms, eta):
    """Overwrite the latent numbers of the chosen rows in `eta`, shape ``(person, value)``.

    One of the points of shape ``(row, proposal, value)`` with normal numbers is taken, with
    probabilities proportional to its importance weight.
    """
    n_values, n_proposals = means.shape[1], normals.shape[1]
    sites, given, proposal = work_sites(n_values), work_conditional(n_values), work_proposal(n_values)
    table, guess, _ = tabulate(data, phi)
    starts, weights = first_guess(guess, data), np.empty(n_proposals)
    for pattern in range(len(data.cell)):
        first_row, last_row = data.bounds[pattern], data.bounds[pattern + 1]
        n_exact, size = data.n_exact[pattern], data.n_latent[pattern]
        if size == 0 or not chosen[first_row:last_row].any():
            continue
        if condition(pattern, means, covariances, data, given) == math.inf:
            continue
        for row in range(first_row, last_row):
            if not chosen[row]:
                continue
            start, first = starts[data.site[row] :], data.first[data.site[row] :]
            evaluate(n_exact, size, data.exact[row], first, data.kind, start, table, given, sites)
            prepare(size, first, data.kind, table, given.root, sites.state, proposal)
            peak = -math.inf
            for draw in range(n_proposals):
                point, radius = normals[row, draw], 0.0
                for number in range(size):
                    radius += point[number] * point[number]
                log_target = log_joint(size, point, 1.0, given.root, sites.state, proposal)
                weights[draw] = log_target + 0.5 * radius
                peak = max(peak, weights[draw])
            total = 0.0
            for draw in range(n_proposals):
                total += math.exp(weights[draw] - peak)
            remainder, taken = uniforms[row] * total, 0
            for draw in range(n_proposals):
                remainder -= math.exp(weights[draw] - peak)
                taken = draw
                if remainder < 0.0:
                    break
            log_joint(size, normals[row, taken], 1.0, given.root, sites.state, proposal)
            for number in range(size):
                eta[data.person[row], data.position[pattern, n_exact + number]] = proposal.eta[number]


def draw_linear_predictors(
    means: np.ndarray,
    covariances: np.ndarray,
    phi: np.ndarray,
    data: LatentArrays,
    n_persons: int,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Draw each person's case and linear predictors from their posterior at one set of parameters.

    The case is drawn with its posterior probability; its linear predictors are one of 20 draws of
    the propagated normal posterior, taken by their importance weights.

    Parameters
    ----------
    means, covariances, phi, data
        As of `propagation.log_likelihood_and_gradient`.
    n_persons
        Rows of the panel.
    rng
        Of the random numbers.

    Returns
    -------
    tuple of numpy.ndarray
        Case of each person, a row of `Cases`, shape ``(person,)``, -1 for people who have but one
        case that holds nothing; linear predictors of the positions with responses in that case,
        shape ``(person, value)``, NaN elsewhere.
    """
    values, _ = case_log_likelihoods(means, covariances, phi, data)
    n_rows, n_values = len(data.case), means.shape[1]
    order = np.lexsort((values + rng.gumbel(size=n_rows), data.person))
    rows = order[np.flatnonzero(np.diff(data.person[order], append=-1))]
    chosen = np.zeros(n_rows, dtype=bool)
    chosen[rows] = True
    case = np.full(n_persons, -1)
    case[data.person[rows]] = data.case[rows]
    eta = np.full((n_persons, n_values), np.nan)
    most = int(data.n_latent.max(initial=0))
    normals, uniforms = rng.normal(size=(n_rows, N_PROPOSALS, most)), rng.random(n_rows)
    _draw(means, covariances, phi, data, chosen, normals, uniforms, eta)
    return case, eta
