"""Curvature of an unconstrained log density at its mode, and its principal directions."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

__all__ = ["Density", "curvature_at", "principal"]

type FloatArray = npt.NDArray[np.float64]
type Density = Callable[[FloatArray], tuple[FloatArray, FloatArray]]
"""Log densities of points, shape ``(point,)``, and their gradients, shape ``(point, parameter)``."""

STEP = 1e-3  # of unconstrained numbers, whose posterior SDs are .05 to 2: curvature to six digits or so
LEAST_PRECISION = 0.05  # of a direction: no normal of the mode is wider than an SD of 4.5, whatever the curvature says


def curvature_at(density: Density, mode: FloatArray) -> FloatArray:
    """Minus the second derivatives, from central differences of the gradient."""
    steps = STEP * np.eye(len(mode))
    below, above = np.split(density(np.concatenate([mode - steps, mode + steps]))[1], 2)
    curvature = (below - above) / (2 * STEP)
    return np.asarray((curvature + curvature.T) / 2)


def principal(curvature: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Precisions and directions, those that the curvature says nothing of held to a wide normal."""
    values, directions = np.linalg.eigh(curvature)
    return np.maximum(values, LEAST_PRECISION), directions
