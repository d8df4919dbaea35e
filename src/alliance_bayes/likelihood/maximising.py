"""Maximising a panel's likelihood, and the curvature at its maximum."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import minimize

from ..engine.kernels.arrays import PatternArrays
from ..engine.kernels.likelihood import log_likelihood_and_gradient
from ..engine.linear_system import PanelSystem

__all__ = ["Maximum", "hessian_of", "inverse_information", "maximise", "wave_means"]

GRADIENT_TOLERANCE = 1e-7  # per person; a solution within 100 times of it counts as converged
MOST_DENSE_PARAMETERS = 300  # beyond, products with the Hessian are cheaper than the Hessian


@dataclass(frozen=True, eq=False)
class Maximum:
    """Where the likelihood is largest, in the model's unit, and whether the gradient vanishes there."""

    theta: np.ndarray
    log_likelihood: float
    converged: bool


def maximise(system: PanelSystem, patterns: PatternArrays, start: np.ndarray) -> Maximum:
    """Maximise the log-likelihood from a start."""
    n_persons = float(patterns.people.sum())
    objective, hessian = _objective(system, patterns)
    dense = system.n_parameters <= MOST_DENSE_PARAMETERS
    curvature: dict[str, Any] = {"hess": hessian} if dense else {"hessp": _hessian_product(objective)}
    solution = minimize(
        objective,
        start,
        jac=True,
        method="trust-exact" if dense else "trust-krylov",
        options={"gtol": GRADIENT_TOLERANCE, "maxiter": 500, "initial_trust_radius": 0.5},
        **curvature,
    )
    return Maximum(solution.x, -solution.fun * n_persons, float(np.abs(solution.jac).max()) < 100 * GRADIENT_TOLERANCE)


def inverse_information(system: PanelSystem, patterns: PatternArrays, theta: np.ndarray) -> tuple[np.ndarray, bool]:
    """Inverse of the observed information, and whether that is positive definite; NaN where not."""
    information = hessian_of(system, patterns, theta)
    values = np.linalg.eigvalsh(information) if np.isfinite(information).all() else np.array([np.nan, np.nan])
    if not values[0] > 1e-9 * values[-1]:
        return np.full_like(information, np.nan), False
    return np.linalg.inv(information), True


def hessian_of(system: PanelSystem, patterns: PatternArrays, theta: np.ndarray) -> np.ndarray:
    """Minus the second derivatives of the log-likelihood, shape ``(parameter, parameter)``."""
    _, hessian = _objective(system, patterns)
    return hessian(theta) * float(patterns.people.sum())


def wave_means(patterns: PatternArrays) -> np.ndarray:
    """Mean of everybody's values, shape ``(value,)``."""
    sums, counts = np.zeros(patterns.position.shape[1]), np.zeros(patterns.position.shape[1])
    for count, size, index, mean in zip(patterns.people, patterns.size, patterns.position, patterns.mean, strict=True):
        sums[index[:size]] += count * mean[:size]
        counts[index[:size]] += count
    return np.asarray(sums / np.maximum(counts, 1))


def _objective(
    system: PanelSystem, patterns: PatternArrays
) -> tuple[Callable[[np.ndarray], tuple[float, np.ndarray]], Callable[[np.ndarray], np.ndarray]]:
    """Minus the log-likelihood per person with its gradient, and its Hessian by central differences."""
    structure, arrays, n_persons = system.structure_arrays, system.arrays, float(patterns.people.sum())

    def objective(theta: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient = log_likelihood_and_gradient(theta, structure, arrays, patterns)
        return -value / n_persons, -gradient / n_persons

    def hessian(theta: np.ndarray) -> np.ndarray:
        result = np.empty((len(theta), len(theta)))
        for position in range(len(theta)):
            width = 1e-5 * max(1.0, abs(theta[position]))
            step = np.zeros(len(theta))
            step[position] = width
            result[position] = (objective(theta + step)[1] - objective(theta - step)[1]) / (2 * width)
        return (result + result.T) / 2

    return objective, hessian


def _hessian_product(
    objective: Callable[[np.ndarray], tuple[float, np.ndarray]],
) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    def product(theta: np.ndarray, direction: np.ndarray) -> np.ndarray:
        length = float(np.linalg.norm(direction))
        step = direction * (1e-5 / length)
        slope = (objective(theta + step)[1] - objective(theta - step)[1]) / 2e-5
        return np.asarray(slope * length)

    return product
