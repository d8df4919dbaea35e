"""Integrals over latent numbers by adaptive Gauss-Hermite quadrature: exact as the points grow many.

With the posterior of expectation propagation as the place of the points [1]_.

References
----------
.. [1] Pinheiro & Bates (1995). Approximations to the log-likelihood function in the nonlinear
   mixed-effects model. Journal of Computational and Graphical Statistics 4, 12-35.
"""

from dataclasses import replace

import numpy as np

from alliance_bayes.engine.latent.importance import Integrals, integrals_at
from alliance_bayes.engine.latent.responses import LatentArrays

__all__ = ["by_quadrature"]

MOST_POINTS = 200_000


def by_quadrature(
    means: np.ndarray,
    covariances: np.ndarray,
    phi: np.ndarray,
    data: LatentArrays,
    n_persons: int,
    *,
    points: int = 9,
) -> Integrals:
    """Integrals by adaptive Gauss-Hermite quadrature with `points` points along each latent number.

    Raises
    ------
    ValueError
        If somebody's grid would have more than 200,000 points; use `by_importance` then.
    """
    most = int(data.n_latent.max(initial=0))
    if points**most > MOST_POINTS:
        raise ValueError(
            f"{points} points along each of {most} latent numbers are {points**most:,} points a person; "
            "take fewer, or by_importance(...)."
        )
    nodes, weights = np.polynomial.hermite_e.hermegauss(points)
    along = np.log(weights) + 0.5 * nodes**2 - 0.5 * np.log(2 * np.pi)
    grids = {}
    for size in np.unique(data.n_latent).tolist():
        mesh = np.meshgrid(*[nodes] * size, indexing="ij")
        log_weights = np.meshgrid(*[along] * size, indexing="ij")
        grid = np.stack(mesh, axis=-1).reshape(-1, size) if size else np.zeros((1, 0))
        grids[size] = grid[None], np.sum(log_weights, axis=0).reshape(1, -1) if size else np.zeros((1, 1))
    found = integrals_at(means, covariances, phi, data, n_persons, grids, paired=False)
    return replace(found, standard_error=np.zeros(n_persons))
