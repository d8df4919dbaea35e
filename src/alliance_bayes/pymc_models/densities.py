"""The log posterior density of a model at points the sampler never visited."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import xarray as xr

from ..engine.kernels.arrays import BETA, HALF_NORMAL, INTERVAL, LOG, LOG_NORMAL, PriorTable
from ..engine.kernels.prior_density import to_constrained
from ..engine.model_on_panel import PanelModel
from ..engine.prior_scale import Block
from .packed import packed_model
from .prior_table import prior_table
from .unconstrained import Unconstrained

__all__ = ["LogDensity", "log_density_of"]


@dataclass(frozen=True, eq=False)
class LogDensity:
    """Log posterior density on the sampler's unconstrained scale, Jacobians included, up to a constant."""

    blocks: tuple[Block, ...]  # random variables, in the order in which they make one point
    table: PriorTable  # priors and transforms of each number
    unconstrained: Unconstrained

    def __call__(self, points: np.ndarray) -> np.ndarray:
        """Log density at each row of `points`, shape ``(draw,)``; minus infinity where it is not finite."""
        return self.unconstrained.log_density(points)[0]

    def points(self, draws: xr.Dataset) -> np.ndarray:
        """Unconstrained points of draws, shape ``(draw, number)``, over all chains."""
        psi = np.concatenate(
            [
                draws[block.name].transpose("chain", "draw", *block.dims).to_numpy().reshape(-1, block.size)
                for block in self.blocks
            ],
            axis=1,
        )
        logs, bounded = (self.table.transform == code for code in (LOG, INTERVAL))
        psi[:, logs] = np.log(psi[:, logs])
        lower, upper = self.table.lower[bounded], self.table.upper[bounded]
        share = (psi[:, bounded] - lower) / (upper - lower)
        psi[:, bounded] = np.log(share) - np.log1p(-share)
        return psi

    def draws(self, points: np.ndarray, like: xr.Dataset) -> xr.Dataset:
        """The random variables at these points, with the chains, draws and labels of `like`."""
        psi = np.array([to_constrained(point, self.table) for point in np.ascontiguousarray(points)])
        bounds = np.cumsum([0, *(block.size for block in self.blocks)])
        sample = (like.sizes["chain"], like.sizes["draw"])
        dims = {"chain", "draw"}.union(*(block.dims for block in self.blocks))
        return xr.Dataset(
            {
                block.name: (("chain", "draw", *block.dims), psi[:, slice(*pair)].reshape(*sample, *block.shape))
                for block, pair in zip(self.blocks, pairwise(bounds), strict=True)
            },
            coords={name: like[name] for name in dims if name in like.coords},
        )

    def parts(self, points: np.ndarray) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """Log prior density of each random variable on its own scale, and log-likelihood, shape ``(draw,)``."""
        table = self.table
        psi = np.array([to_constrained(point, table) for point in np.ascontiguousarray(points)])
        half, log_normal, beta = (table.family == code for code in (HALF_NORMAL, LOG_NORMAL, BETA))
        logs, bounded = (table.transform == code for code in (LOG, INTERVAL))
        logged = np.log(np.where(log_normal, psi, 1.0))
        centre, sd = np.where(half, 0.0, table.first), np.where(half, table.first, np.where(beta, 1.0, table.second))
        normal = -0.5 * ((np.where(log_normal, logged, psi) - centre) / sd) ** 2 - logged
        share = np.where(beta, psi, 0.5)
        of_share = (table.first - 1) * np.log(share) + (table.second - 1) * np.log1p(-share)
        prior = table.constant + np.where(beta, of_share, normal)
        width = np.where(bounded, table.upper - table.lower, 1.0)
        share = np.where(bounded, (psi - table.lower) / width, 0.5)
        jacobian = np.where(bounded, np.log(width * share * (1 - share)), np.where(logs, points, 0.0))
        by_name = {block.name: prior[:, np.ravel(self.positions(block.name))].sum(axis=1) for block in self.blocks}
        return by_name, self(points) - prior.sum(axis=1) - jacobian.sum(axis=1)

    def positions(self, name: str) -> np.ndarray:
        """Where the numbers of a random variable stand in a point, in its own shape."""
        place = [block.name for block in self.blocks].index(name)
        start, block = sum(block.size for block in self.blocks[:place]), self.blocks[place]
        return start + np.arange(block.size).reshape(block.shape)


def log_density_of(model: PanelModel) -> LogDensity:
    """Log posterior density of a model on a panel."""
    blocks = model.scale.blocks
    return LogDensity(blocks, prior_table(blocks), Unconstrained(packed_model(model)))
