"""Exact posterior draws of a normal regression with a random intercept per person, no graph and no gradient."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Draws", "NormalRegression", "draw_posterior"]

Array = NDArray[np.float64]
LogDensity = Callable[[Array], Array]

POINTS = 64  # cells along each SD: more than nine of ten proposals are then accepted
NEGLIGIBLE = -30.0  # log density relative to the highest: cells below it are excluded from the finer grid
LEAST, MOST = 0.02, 4.0  # SDs where the first grid begins (the residual SD) and ends, in SDs of the outcome


@dataclass(frozen=True, eq=False)
class NormalRegression:
    """A normal regression with a random intercept, and its priors."""

    outcome: Array  # y, (row,)
    design: Array  # X, (row, coefficient)
    person: NDArray[np.int64]  # number of each row's person, from 0, (row,)
    prior_mean: Array  # of independent normal priors, (coefficient,)
    prior_sd: Array
    residual_sd_prior: LogDensity  # up to a constant
    person_sd_prior: LogDensity


class Draws(NamedTuple):
    """Posterior draws, shape ``(chain, draw)`` and then coefficients, and the share of proposals accepted."""

    coefficients: Array
    residual_sd: Array
    person_sd: Array
    accepted: float


def draw_posterior(regression: NormalRegression, *, draws: int, chains: int, seed: int) -> Draws:
    r"""Draw from the posterior of a random-intercept regression.

    .. math:: y = X \beta + u_{person} + e, \quad u \sim N(0, \tau^2), \; e \sim N(0, \sigma^2),
        \; \beta \sim N(m, S).

    Given the two SDs, :math:`\beta` is normal and integrates out, so that only the density of
    :math:`(\sigma, \tau)` is left. It is tabulated on a grid, whose cells propose; a Metropolis step
    accepts, so that the draws come from the density itself and not from its table. Then
    :math:`\beta` is drawn from its normal distribution.
    """
    random = np.random.default_rng(seed)
    sums = _Sums.of(regression)
    grid = _Grid(*_bounds(regression, sums))
    size = draws * chains
    sds, log_proposal = grid.draw(size + chains, random)
    log_target = _log_density(regression, sums, sds)
    log_ratio = (log_target - log_proposal).reshape(chains, draws + 1)
    uniform = np.log(random.random((chains, draws)))
    kept = np.zeros((chains, draws), dtype=np.int64)
    n_accepted = 0
    for chain in range(chains):
        current = 0
        for draw in range(draws):
            if uniform[chain, draw] < log_ratio[chain, draw + 1] - log_ratio[chain, current]:
                current = draw + 1
                n_accepted += 1
            kept[chain, draw] = current
    chosen = np.take_along_axis(sds.reshape(chains, draws + 1, 2), kept[:, :, None], axis=1)
    coefficients = _coefficients(regression, sums, chosen.reshape(-1, 2), random)
    return Draws(coefficients.reshape(chains, draws, -1), chosen[..., 0], chosen[..., 1], n_accepted / size)


class _Sums(NamedTuple):
    """Sums of squares and products of all rows, and of the sums of persons with the same number of rows."""

    rows: Array
    sizes: NDArray[np.int64]
    counts: NDArray[np.int64]
    by_size: Array

    @classmethod
    def of(cls, regression: NormalRegression) -> "_Sums":
        joined = np.column_stack([regression.design, regression.outcome])
        n_rows = np.bincount(regression.person)
        totals = np.zeros((len(n_rows), joined.shape[1]))
        np.add.at(totals, regression.person, joined)
        sizes, counts = np.unique(n_rows[n_rows > 0], return_counts=True)
        by_size = np.array([totals[n_rows == size].T @ totals[n_rows == size] for size in sizes])
        return cls(joined.T @ joined, sizes, counts, by_size)

    def products(self, sds: Array) -> Array:
        """[X y]' V^-1 [X y] for each pair of SDs, shape ``(pair, coefficient + 1, coefficient + 1)``."""
        residual, person = sds[:, :1] ** 2, sds[:, 1:] ** 2
        weights = person / (residual * (residual + self.sizes * person))
        return self.rows / residual[:, :, None] - np.tensordot(weights, self.by_size, axes=1)

    def log_determinant(self, sds: Array) -> Array:
        """Log determinant of V for each pair of SDs."""
        residual, person = sds[:, :1] ** 2, sds[:, 1:] ** 2
        by_size = (self.sizes - 1) * np.log(residual) + np.log(residual + self.sizes * person)
        return np.asarray(by_size @ self.counts)


def _normal(regression: NormalRegression, products: Array) -> tuple[Array, Array]:
    """Precision and precision times mean of the coefficients."""
    precision = products[:, :-1, :-1] + np.diag(regression.prior_sd**-2)
    return precision, products[:, :-1, -1] + regression.prior_mean / regression.prior_sd**2


def _log_density(regression: NormalRegression, sums: _Sums, sds: Array) -> Array:
    """Log posterior density of the two SDs, coefficients integrated out, up to a constant; shape ``(pair,)``."""
    products = sums.products(sds)
    precision, shift = _normal(regression, products)
    factor = np.linalg.cholesky(precision)
    scaled = np.linalg.solve(factor, shift[:, :, None])[:, :, 0]
    log_root = np.log(np.diagonal(factor, axis1=1, axis2=2)).sum(axis=1)
    quadratic = products[:, -1, -1] - (scaled**2).sum(axis=1)
    likelihood = -0.5 * (sums.log_determinant(sds) + quadratic) - log_root
    return np.asarray(likelihood + regression.residual_sd_prior(sds[:, 0]) + regression.person_sd_prior(sds[:, 1]))


class _Grid(NamedTuple):
    """A grid over the two SDs: edges of its cells and their probabilities."""

    residual: Array
    person: Array
    probability: Array

    def draw(self, size: int, random: np.random.Generator) -> tuple[Array, Array]:
        """Points uniform within cells, shape ``(size, 2)``, and the log density they were drawn with."""
        cells = random.choice(self.probability.size, size, p=self.probability.ravel())
        rows, columns = np.unravel_index(cells, self.probability.shape)
        shares = random.random((size, 2))
        widths = self.residual[1] - self.residual[0], self.person[1] - self.person[0]
        points = np.column_stack(
            [self.residual[rows] + shares[:, 0] * widths[0], self.person[columns] + shares[:, 1] * widths[1]]
        )
        return points, np.log(self.probability.ravel()[cells] / (widths[0] * widths[1]))


def _bounds(regression: NormalRegression, sums: _Sums) -> tuple[Array, Array, Array]:
    """Narrow a grid twice to where the density is, and tabulate it there."""
    scale = float(regression.outcome.std())
    low, high = np.array([LEAST * scale, 0.0]), np.array([MOST * scale, MOST * scale])
    for final in (False, False, True):
        edges = [np.linspace(*ends, POINTS + 1) for ends in zip(low, high, strict=True)]
        middles = [(edge[1:] + edge[:-1]) / 2 for edge in edges]
        pairs = np.stack(np.meshgrid(*middles, indexing="ij"), axis=-1).reshape(-1, 2)
        log_density = _log_density(regression, sums, pairs).reshape(POINTS, POINTS)
        log_density -= log_density.max()
        if final:
            break
        for axis, edge in enumerate(edges):
            inside = np.flatnonzero(log_density.max(axis=1 - axis) > NEGLIGIBLE)
            low[axis] = edge[max(inside[0] - 1, 0)]
            high[axis] = edge[min(inside[-1] + 2, POINTS)]
    probability = np.exp(log_density)
    probability = np.maximum(probability, np.exp(NEGLIGIBLE))
    return edges[0], edges[1], probability / probability.sum()


def _coefficients(regression: NormalRegression, sums: _Sums, sds: Array, random: np.random.Generator) -> Array:
    """One draw of the coefficients for each pair of SDs, shape ``(pair, coefficient)``."""
    precision, shift = _normal(regression, sums.products(sds))
    factor = np.linalg.cholesky(precision)
    mean = np.linalg.solve(precision, shift[:, :, None])
    noise = np.linalg.solve(factor.transpose(0, 2, 1), random.standard_normal((*shift.shape, 1)))
    return np.asarray((mean + noise)[:, :, 0])
