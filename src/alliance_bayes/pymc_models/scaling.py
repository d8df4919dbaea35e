"""Coordinates in which a posterior is roughly standard normal.

A sampler that starts from nothing has to find out scales and correlations. On the latent path, where a gradient costs
milliseconds, that is most of its time; with hundreds of parameters it does not learn their correlations at all, such
as those of the means of all waves, which stable differences between people move together. The mode x0 of the
unconstrained log density and the curvature H there give both at the price of a few gradients for each parameter:
sampled is u with ``x = x0 + R u``, ``R R' = H^-1``. The density is the same, only its coordinates are others.
"""

from dataclasses import replace
from typing import Any

import numpy as np
from scipy.optimize import minimize

from ..engine.kernels.arrays import pack, unpack
from ..engine.kernels.entry_points import log_density
from ..engine.kernels.scaled import scaled_expand, scaled_log_density
from ..engine.latent.panel_likelihood import latent_log_density, scaled_latent_log_density
from .curvature import Density, curvature_at, principal
from .unconstrained import Unconstrained

__all__ = ["scaled"]

MOST_ITERATIONS = 500  # of the search for the mode, each about one gradient
NO_DENSITY = 1e10  # what a search for the mode sees where there is none
SPREAD = 1.0  # of starts about the mode, in posterior SDs

_SCALED = {log_density: scaled_log_density, latent_log_density: scaled_latent_log_density}


def scaled(compiled: Any, seed: int = 0) -> Any:
    """What `compile_model` returned, in coordinates about the mode."""
    density = Unconstrained(compiled).log_density
    mode = _mode(density, compiled.initial_point_func(seed))
    return replace(
        compiled,
        compiled_logp_func=_SCALED[compiled.compiled_logp_func],
        compiled_expand_func=scaled_expand,
        initial_point_func=_start(compiled.n_dim),
        user_data=pack(unpack(np.ascontiguousarray(compiled.user_data)), (mode, _root_of_inverse(density, mode))),
    )


def _mode(density: Density, start: np.ndarray) -> np.ndarray:
    def descent(point: np.ndarray) -> tuple[float, np.ndarray]:
        (value,), (gradient,) = density(point[None])
        return (-float(value) if np.isfinite(value) else NO_DENSITY), -gradient

    options = {"maxiter": MOST_ITERATIONS, "maxcor": 30, "gtol": 1e-3, "ftol": 1e-10}
    return np.asarray(minimize(descent, start, jac=True, method="L-BFGS-B", options=options).x)


def _root_of_inverse(density: Density, mode: np.ndarray) -> np.ndarray:
    """R with ``R R' = H^-1``."""
    curvature = curvature_at(density, mode)
    if not np.isfinite(curvature).all():
        return np.eye(len(mode))
    precisions, directions = principal(curvature)
    return np.asarray(directions / np.sqrt(precisions))


def _start(size: int) -> Any:
    def start(seed: int) -> np.ndarray:
        return np.random.default_rng(seed).uniform(-SPREAD, SPREAD, size)

    return start
