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
from .compiling import floats_of, words_of

__all__ = ["scaled"]

MOST_ITERATIONS = 500  # of the search for the mode, each about one gradient
STEP = 1e-3  # of unconstrained numbers, whose posterior SDs are .05 to 2: curvature to six digits or so
LEAST_PRECISION = 0.05  # of a direction: no normal of the mode is wider than an SD of 4.5, whatever the curvature says
SPREAD = 1.0  # of starts about the mode, in posterior SDs

_SCALED = {log_density: scaled_log_density, latent_log_density: scaled_latent_log_density}


def scaled(compiled: Any, seed: int = 0) -> Any:
    """What `compile_model` returned, in coordinates about the mode."""
    function, data = compiled.compiled_logp_func.ctypes, np.ascontiguousarray(compiled.user_data)
    words = words_of(data)
    size = compiled.n_dim

    def slope(point: np.ndarray) -> tuple[float, np.ndarray]:
        """Negative log density and its gradient; infinity where there is none."""
        gradient, value, at = np.zeros(size), np.zeros(1), np.ascontiguousarray(point, dtype=float)
        refused = function(size, floats_of(at), floats_of(gradient), floats_of(value), words)
        return (np.inf, np.zeros(size)) if refused else (-float(value[0]), -gradient)

    mode = _mode(slope, compiled.initial_point_func(seed))
    root = _root_of_inverse(_curvature(slope, mode))
    return replace(
        compiled,
        compiled_logp_func=_SCALED[compiled.compiled_logp_func],
        compiled_expand_func=scaled_expand,
        initial_point_func=_start(size),
        user_data=pack(unpack(data), (mode, root)),
    )


def _mode(slope: Any, start: np.ndarray) -> np.ndarray:
    result = minimize(
        lambda point: _finite(*slope(point)),
        start,
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": MOST_ITERATIONS, "maxcor": 30, "gtol": 1e-3, "ftol": 1e-10},
    )
    return np.asarray(result.x)


def _finite(value: float, gradient: np.ndarray) -> tuple[float, np.ndarray]:
    return (value, gradient) if np.isfinite(value) else (1e10, gradient)


def _curvature(slope: Any, mode: np.ndarray) -> np.ndarray:
    """Second derivatives of the negative log density, from central differences of its gradient."""
    size = len(mode)
    curvature = np.empty((size, size))
    for row in range(size):
        step = np.zeros(size)
        step[row] = STEP
        curvature[row] = (slope(mode + step)[1] - slope(mode - step)[1]) / (2 * STEP)
    return np.asarray((curvature + curvature.T) / 2)


def _root_of_inverse(curvature: np.ndarray) -> np.ndarray:
    """R with ``R R' = H^-1``, directions that the curvature says nothing of held to a wide normal."""
    if not np.isfinite(curvature).all():
        return np.eye(len(curvature))
    values, directions = np.linalg.eigh(curvature)
    return np.asarray(directions / np.sqrt(np.maximum(values, LEAST_PRECISION)))


def _start(size: int) -> Any:
    def start(seed: int) -> np.ndarray:
        return np.random.default_rng(seed).uniform(-SPREAD, SPREAD, size)

    return start
