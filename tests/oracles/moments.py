"""The textbook formulas in plain numpy: slow, obvious, and what every fast path must equal."""

import numpy as np

from alliance_bayes.engine.moments.linear_system import PanelSystem
from alliance_bayes.engine.moments.program import Program, evaluate
from alliance_bayes.engine.moments.structure import structural_matrices


class _Plain:
    """Programs in numpy."""

    def stack(self, values: list[float]) -> np.ndarray:
        return np.array(values, dtype=float)

    def square_root(self, values: np.ndarray) -> np.ndarray:
        return np.sqrt(values)

    def exponential(self, values: np.ndarray) -> np.ndarray:
        return np.exp(values)

    def inverse(self, matrix: np.ndarray) -> np.ndarray:
        return np.linalg.inv(matrix)

    def matrix_exponential(self, matrix: np.ndarray) -> np.ndarray:
        from scipy.linalg import expm

        return np.asarray(expm(matrix))

    def transition(self, drift: np.ndarray, noise: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Both as exponentials: the integral is ``vec N`` carried by ``M (x) I + I (x) M``, of which nothing grows."""
        size, identity = len(drift), np.eye(len(drift))
        unit = np.abs(noise).max() or 1.0  # or its size would decide over how finely the drift is cut up
        whole = np.zeros((size**2 + 1, size**2 + 1))
        whole[:-1, :-1] = np.kron(drift, identity) + np.kron(identity, drift)
        whole[:-1, -1] = (noise + noise.T).ravel() / (2 * unit)
        return self.matrix_exponential(drift), unit * self.matrix_exponential(whole)[:-1, -1].reshape(size, size)

    def require_positive_definite(self, matrix: np.ndarray) -> None:
        np.linalg.cholesky(matrix)


def output_of(program: Program, inputs: np.ndarray) -> np.ndarray:
    """Output of a program; LinAlgError where a matrix is not positive definite that must be."""
    registers = evaluate(program, list(inputs), _Plain())
    return np.array([registers[place] for place in program.output], dtype=float)


def implied_moments(system: PanelSystem, theta: np.ndarray, cell: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Mean and covariance of the stacked waves of one cell's people.

    ``(I - A)^-1 alpha`` and ``(I - A)^-1 S (I - A)^-T``, rows and columns of the observed
    variables.

    Parameters
    ----------
    system
        The model.
    theta
        Values of `system.parameters`, shape ``(parameter,)``.
    cell
        Which cell.

    Returns
    -------
    tuple of numpy.ndarray
        Shapes ``(value,)`` and ``(value, value)``, wave-major.
    """
    linear = system.systems[cell]
    effects, disturbances, intercepts = structural_matrices(linear, output_of(system.structure, theta))
    total = np.linalg.inv(np.eye(len(effects)) - effects)
    seen = list(linear.observed)
    return (total @ intercepts)[seen], (total @ disturbances @ total.T)[np.ix_(seen, seen)]


def log_likelihood_per_person(mean: np.ndarray, covariance: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Log density of each person's observed values under one multivariate normal.

    Parameters
    ----------
    mean, covariance
        Moments of the stacked waves, shapes ``(value,)`` and ``(value, value)``.
    values
        Shape ``(person, value)``, NaN where nothing was observed.

    Returns
    -------
    numpy.ndarray
        Shape ``(person,)``; 0 for a person without any value.
    """
    result = np.zeros(len(values))
    for person, row in enumerate(values):
        seen = ~np.isnan(row)
        deviation = (row - mean)[seen]
        sub = covariance[np.ix_(seen, seen)]
        _, log_determinant = np.linalg.slogdet(sub)
        quadratic = deviation @ np.linalg.solve(sub, deviation)
        result[person] = -0.5 * (seen.sum() * np.log(2 * np.pi) + log_determinant + quadratic)
    return result
