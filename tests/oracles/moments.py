"""The textbook formulas in plain numpy: slow, obvious, and what every fast path must equal."""

from collections.abc import Callable

import numpy as np
from scipy.linalg import expm

from alliance_bayes.engine.kernels import steps
from alliance_bayes.engine.linear_system import PanelSystem
from alliance_bayes.engine.program import Program, Step

ELEMENTWISE = {
    steps.ADD: np.add,
    steps.SUBTRACT: np.subtract,
    steps.MULTIPLY: np.multiply,
    steps.DIVIDE: np.divide,
    steps.SQUARE_ROOT: np.sqrt,
    steps.EXPONENTIAL: np.exp,
}


def output_of(program: Program, inputs: np.ndarray) -> np.ndarray:
    """Output of a program; LinAlgError where a matrix is not positive definite that must be."""
    registers = np.full(program.n_registers, np.nan)
    given = np.concatenate([inputs, program.constants])
    registers[: len(given)] = given

    def block(start: int, *shape: int) -> np.ndarray:
        return registers[start : start + int(np.prod(shape))].reshape(shape)

    for step in program.steps:
        values = _values(step, block, registers)
        registers[step.result : step.result + values.size] = values.ravel()
    return registers[program.output]


def _values(step: Step, block: Callable[..., np.ndarray], registers: np.ndarray) -> np.ndarray:
    """Results of one step."""
    size, operands = step.size, step.operands
    match step.code:
        case steps.GATHER:
            return np.array([registers[source] if source >= 0 else 0.0 for source in operands])
        case code if code in ELEMENTWISE:
            return ELEMENTWISE[code](*(block(operand, size) for operand in operands))
        case steps.PRODUCT:
            left, right, inner, columns = operands
            return block(left, size, inner) @ block(right, inner, columns)
        case steps.COVARIANCE:
            sds, units = operands
            return _covariance(block(sds, size), block(units, size * (size - 1) // 2))
        case steps.TRANSITION:
            drift, noise = (block(operand, size, size) for operand in operands[:2])
            each = [_transition(drift * length, noise * length) for length in block(*operands[2:])]
            return np.stack([np.stack(part) for part in zip(*each, strict=True)])
        case steps.INVERSE:
            return np.linalg.inv(block(operands[0], size, size))
        case steps.CORRELATIONS:
            covariance = block(operands[0], size, size)
            sds = np.sqrt(np.diag(covariance))
            return (covariance / np.outer(sds, sds))[np.tril_indices(size, -1)]
        case steps.POSITIVE_DEFINITE:
            np.linalg.cholesky(block(operands[0], size, size))
            return np.zeros(0)
        case code:
            raise ValueError(f"'{steps.NAMES[code]}' cannot be evaluated")


def _covariance(sds: np.ndarray, units: np.ndarray) -> np.ndarray:
    """From partial correlations ``2 u - 1``, row by row of the correlations' Cholesky factor."""
    factor, partial = np.zeros((len(sds), len(sds))), iter(2.0 * units - 1.0)
    for row in range(len(sds)):
        left = 1.0
        for column in range(row):
            correlation = next(partial)
            factor[row, column] = correlation * left
            left *= np.sqrt(1.0 - correlation**2)
        factor[row, row] = left
    return np.outer(sds, sds) * (factor @ factor.T)


def _transition(drift: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """Both as exponentials: the integral is ``vec N`` carried by ``M (x) I + I (x) M``, of which nothing grows."""
    size, identity = len(drift), np.eye(len(drift))
    unit = np.abs(noise).max() or 1.0  # or its size would decide over how finely the drift is cut up
    generator = np.zeros((size**2 + 1, size**2 + 1))
    generator[:-1, :-1] = np.kron(drift, identity) + np.kron(identity, drift)
    generator[:-1, -1] = (noise + noise.T).ravel() / (2 * unit)
    return np.stack([expm(drift), unit * expm(generator)[:-1, -1].reshape(size, size)])


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
    effects, disturbances, intercepts = linear.matrices(output_of(system.structure, theta))
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
