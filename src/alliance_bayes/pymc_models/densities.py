"""The log posterior density of a model at points the sampler never visited."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import xarray as xr

from ..engine.model_on_panel import PanelModel
from ..engine.moments.prior_density import FAMILIES, TRANSFORMS, PriorTable, to_constrained
from .building import pymc_model_of
from .compiling import NotTabularError, compile_model, floats_of, prior_table, words_of

__all__ = ["LogDensity", "NotTabularError", "log_density_of"]


@dataclass(frozen=True, eq=False)
class LogDensity:
    """Log posterior density on the sampler's unconstrained scale, Jacobians included, up to a constant.

    Attributes
    ----------
    names
        Random variables, in the order in which they make one point.
    dims
        Names of each one's dims.
    shapes
        Their lengths.
    table
        Priors and transforms of each number.
    compiled
        What nutpie samples.
    """

    names: tuple[str, ...]
    dims: tuple[tuple[str, ...], ...]
    shapes: tuple[tuple[int, ...], ...]
    table: PriorTable
    compiled: Any

    def __call__(self, points: np.ndarray) -> np.ndarray:
        """Log density at each row of `points`, shape ``(draw,)``; minus infinity where it is not finite."""
        function, data = self.compiled.compiled_logp_func.ctypes, np.ascontiguousarray(self.compiled.user_data)
        gradient, value = np.empty(points.shape[1]), np.empty(1)
        found = np.full(len(points), -np.inf)
        for place, point in enumerate(np.ascontiguousarray(points, dtype=float)):
            refused = function(len(point), floats_of(point), floats_of(gradient), floats_of(value), words_of(data))
            if not refused:
                found[place] = value[0]
        return found

    def points(self, draws: xr.Dataset) -> np.ndarray:
        """Unconstrained points of draws, shape ``(draw, number)``, over all chains."""
        psi = np.concatenate(
            [
                draws[name].transpose("chain", "draw", *dims).to_numpy().reshape(-1, int(np.prod(shape)))
                for name, dims, shape in zip(self.names, self.dims, self.shapes, strict=True)
            ],
            axis=1,
        )
        logs, bounded = (self.table.transform == TRANSFORMS[name] for name in ("log", "interval"))
        psi[:, logs] = np.log(psi[:, logs])
        lower, upper = self.table.lower[bounded], self.table.upper[bounded]
        share = (psi[:, bounded] - lower) / (upper - lower)
        psi[:, bounded] = np.log(share) - np.log1p(-share)
        return psi

    def draws(self, points: np.ndarray, like: xr.Dataset) -> xr.Dataset:
        """The random variables at these points, with the chains, draws and labels of `like`."""
        psi = np.array([to_constrained(point, self.table) for point in np.ascontiguousarray(points)])
        bounds = np.cumsum([0, *(int(np.prod(shape)) for shape in self.shapes)])
        sample = (like.sizes["chain"], like.sizes["draw"])
        return xr.Dataset(
            {
                name: (("chain", "draw", *dims), psi[:, slice(*pair)].reshape(*sample, *shape))
                for name, dims, shape, pair in zip(self.names, self.dims, self.shapes, pairwise(bounds), strict=True)
            },
            coords={name: like[name] for name in {"chain", "draw"}.union(*self.dims) if name in like.coords},
        )

    def parts(self, points: np.ndarray) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """Log prior density of each random variable on its own scale, and log-likelihood, shape ``(draw,)``."""
        table = self.table
        psi = np.array([to_constrained(point, table) for point in np.ascontiguousarray(points)])
        half, log_normal, beta = (table.family == FAMILIES[name] for name in ("half_normal", "log_normal", "beta"))
        logs, bounded = (table.transform == TRANSFORMS[name] for name in ("log", "interval"))
        logged = np.log(np.where(log_normal, psi, 1.0))
        centre, sd = np.where(half, 0.0, table.first), np.where(half, table.first, np.where(beta, 1.0, table.second))
        normal = -0.5 * ((np.where(log_normal, logged, psi) - centre) / sd) ** 2 - logged
        share = np.where(beta, psi, 0.5)
        of_share = (table.first - 1) * np.log(share) + (table.second - 1) * np.log1p(-share)
        prior = table.constant + np.where(beta, of_share, normal)
        width = np.where(bounded, table.upper - table.lower, 1.0)
        share = np.where(bounded, (psi - table.lower) / width, 0.5)
        jacobian = np.where(bounded, np.log(width * share * (1 - share)), np.where(logs, points, 0.0))
        by_name = {name: prior[:, np.ravel(self.positions(name))].sum(axis=1) for name in self.names}
        return by_name, self(points) - prior.sum(axis=1) - jacobian.sum(axis=1)

    def positions(self, name: str) -> np.ndarray:
        """Where the numbers of a random variable stand in a point, in its own shape."""
        place = self.names.index(name)
        start = sum(int(np.prod(shape)) for shape in self.shapes[:place])
        return start + np.arange(int(np.prod(self.shapes[place]))).reshape(self.shapes[place])


def log_density_of(whole: PanelModel) -> LogDensity:
    """Log posterior density of a model on a panel.

    Raises
    ------
    NotTabularError
        If a random variable's prior or transform is not one of the table's.
    """
    model = pymc_model_of(whole)
    names = tuple(variable.name for variable in model.free_RVs)
    dims = tuple(tuple(model.named_vars_to_dims[name]) for name in names)
    shapes = tuple(tuple(len(model.coords[dim]) for dim in each) for each in dims)
    return LogDensity(names, dims, shapes, prior_table(model), compile_model(model))
