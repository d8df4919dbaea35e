"""Programs as data: every step against numpy, its adjoint against finite differences."""

import numpy as np
import pytest
from scipy.linalg import expm

from alliance_bayes.engine.kernels import steps
from alliance_bayes.engine.kernels.interpreter import run
from alliance_bayes.engine.program import NOTHING, Step, Writer
from engine_calls import output, pulled_back
from helpers import random_covariance, slope
from oracles.moments import output_of

SIZES = pytest.mark.parametrize("size", [2, 3])
LENGTHS = [0.5, 1.0, 1.7]


def matrix(start, rows, columns):
    return start + np.arange(rows * columns).reshape(rows, columns)


def square(name):
    def write(writer, size):
        return getattr(writer, name)(matrix(0, size, size))

    return write


def elementwise(name, n_operands):
    def write(writer, size):
        operands = [place * size + np.arange(size) for place in range(n_operands)]
        return getattr(writer, name)(*operands)

    return write


def transitions(writer, drift, noise, lengths):
    """Effects, then innovation covariances, dims (which, length, row, column)."""
    return np.stack(writer.transitions(drift, noise, lengths))


def exponential(writer, matrix):
    return writer.transitions(matrix, np.full(matrix.shape, NOTHING), [1.0])[0][0]


def exponential_of(values):
    size = len(values)
    writer = Writer(values.size)
    return output(writer.program(exponential(writer, matrix(0, size, size))), values.ravel()).reshape(size, size)


# How a step is written, how many inputs it has, and what numpy makes of them.
WRITTEN = {
    "gather": (
        lambda writer, size: np.array([size - 1, NOTHING, 0, 0]),
        0,
        lambda x, n: np.array([x[n - 1], 0, x[0], x[0]]),
    ),
    "add": (elementwise("add", 2), 2, lambda x, n: x[:n] + x[n:]),
    "subtract": (elementwise("subtract", 2), 2, lambda x, n: x[:n] - x[n:]),
    "multiply": (elementwise("multiply", 2), 2, lambda x, n: x[:n] * x[n:]),
    "divide": (elementwise("divide", 2), 2, lambda x, n: x[:n] / x[n:]),
    "square_root": (elementwise("square_root", 1), 1, lambda x, n: np.sqrt(x)),
    "exponential": (elementwise("exponential", 1), 1, lambda x, n: np.exp(x)),
    "product": (
        lambda writer, size: writer.product(matrix(0, size, size + 1), matrix(size * (size + 1), size + 1, 2)),
        None,
        lambda x, n: x[: n * (n + 1)].reshape(n, n + 1) @ x[n * (n + 1) :].reshape(n + 1, 2),
    ),
    "covariance": (
        lambda writer, size: writer.covariance(np.arange(size), size + np.arange(size * (size - 1) // 2)),
        None,
        lambda x, n: covariance_by_hand(x[:n], 2 * x[n:] - 1),
    ),
    "transition": (
        lambda writer, size: transitions(writer, matrix(0, size, size), matrix(size * size, size, size), LENGTHS),
        None,
        lambda x, n: np.stack([transition_by_van_loan(*(x.reshape(2, n, n) * d)) for d in LENGTHS], axis=1),
    ),
    "inverse": (square("inverse"), None, lambda x, n: np.linalg.inv(x.reshape(n, n))),
}
N_INPUTS = {
    "gather": lambda n: n,
    "product": lambda n: n * (n + 1) + 2 * (n + 1),
    "covariance": lambda n: n + n * (n - 1) // 2,
    "transition": lambda n: 2 * n * n,
    "inverse": lambda n: n * n,
}


def covariance_by_hand(sd, partial):
    """Of two or three variables: the third correlation from the partial one given the first."""
    correlation = np.eye(len(sd))
    correlation[1, 0] = correlation[0, 1] = partial[0]
    if len(sd) == 3:
        correlation[2, 0] = correlation[0, 2] = partial[1]
        rest = np.sqrt((1 - partial[0] ** 2) * (1 - partial[1] ** 2))
        correlation[2, 1] = correlation[1, 2] = partial[2] * rest + partial[0] * partial[1]
    return correlation * np.outer(sd, sd)


def transition_by_van_loan(drift, noise):
    """From the blocks of one exponential, which is exact enough while nothing decays far (Van Loan 1978)."""
    size = len(drift)
    whole = expm(np.block([[-drift, (noise + noise.T) / 2], [np.zeros((size, size)), drift.T]]))
    return np.stack([whole[size:, size:].T, whole[size:, size:].T @ whole[:size, size:]])


def a_program(name, size):
    write, n_operands, by_numpy = WRITTEN[name]
    n_inputs = N_INPUTS[name](size) if name in N_INPUTS else n_operands * size
    writer = Writer(n_inputs)
    program = writer.program(write(writer, size))
    inputs = np.random.default_rng(size).uniform(0.15, 0.85, n_inputs)
    return program, inputs, by_numpy


def test_every_step_is_tested():
    assert set(WRITTEN) == set(steps.NAMES) - {"correlations", "positive_definite"}


@SIZES
@pytest.mark.parametrize("name", WRITTEN)
def test_a_step_is_numpys(name, size):
    program, inputs, by_numpy = a_program(name, size)
    want = by_numpy(inputs, size).ravel()
    np.testing.assert_allclose(output(program, inputs), want, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(output_of(program, inputs), want, rtol=1e-12, atol=1e-14)


@SIZES
@pytest.mark.parametrize("name", WRITTEN)
def test_the_adjoint_of_a_step_is_its_transposed_jacobian(name, size):
    program, inputs, by_numpy = a_program(name, size)
    jacobian = slope(lambda point: by_numpy(point, size).ravel(), inputs, width=1e-4)
    weights = np.random.default_rng(1).normal(size=len(jacobian))
    found = pulled_back(program, inputs, weights)
    np.testing.assert_allclose(found, weights @ jacobian, rtol=1e-7, atol=1e-8)


@SIZES
def test_correlations(size):
    writer = Writer(size * size)
    program = writer.program(writer.correlations(matrix(0, size, size)))
    covariance = random_covariance(size, np.random.default_rng(2))
    sd = np.sqrt(np.diag(covariance))
    want = (covariance / np.outer(sd, sd))[np.tril_indices(size, -1)]
    np.testing.assert_allclose(output(program, covariance.ravel()), want, rtol=1e-12)
    np.testing.assert_allclose(output_of(program, covariance.ravel()), want, rtol=1e-12)


@SIZES
def test_a_matrix_that_must_be_positive_definite(size):
    writer = Writer(size * size)
    writer.require_positive_definite(matrix(0, size, size))
    program = writer.program(np.arange(size))
    proper = random_covariance(size, np.random.default_rng(3))
    improper = proper - (np.linalg.eigvalsh(proper)[0] + 1e-6) * np.eye(size)
    assert run(proper.ravel(), program.arrays)[1]
    assert not run(improper.ravel(), program.arrays)[1]
    assert not run(np.full(size * size, np.nan), program.arrays)[1]
    with pytest.raises(np.linalg.LinAlgError):
        output_of(program, improper.ravel())


def test_a_chain_of_steps_with_constants_and_numbers_used_twice():
    """``exp(F C F' / 3) X`` with C from its SDs, F used on both sides, and a row of X that is 0."""
    size, rng = 2, np.random.default_rng(4)
    writer = Writer(9)
    effects, covariance = matrix(3, 2, 2), writer.covariance(np.arange(2), np.array([2]))
    third = writer.divide(writer.quadratic_form(effects, covariance), writer.constant(3.0))
    padded = np.vstack([np.array([7, 8]), np.full(2, NOTHING)])
    program = writer.program(writer.product(exponential(writer, third), padded))

    def by_numpy(x):
        inside = x[3:7].reshape(2, 2) @ covariance_by_hand(x[:2], 2 * x[2:3] - 1) @ x[3:7].reshape(2, 2).T
        return (expm(inside / 3) @ np.vstack([x[7:9], np.zeros(size)])).ravel()

    inputs, weights = rng.uniform(0.2, 0.8, 9), rng.normal(size=4)
    np.testing.assert_allclose(output(program, inputs), by_numpy(inputs), rtol=1e-12)
    jacobian = slope(by_numpy, inputs, width=1e-3)
    np.testing.assert_allclose(pulled_back(program, inputs, weights), weights @ jacobian, rtol=1e-7)


@pytest.mark.parametrize("norm", [0.0, 1e-12, 0.5, 0.96, 5.0, 40.0])
@pytest.mark.parametrize("size", [1, 2, 4, 6])
def test_effects_are_scipys_matrix_exponential(size, norm):
    values = np.random.default_rng(5).normal(size=(size, size))
    values *= norm / np.abs(values).sum(axis=0).max()
    want = expm(values)
    np.testing.assert_allclose(exponential_of(values), want, rtol=1e-11, atol=1e-14 * max(1.0, np.abs(want).max()))


def test_effects_of_fast_decay_and_of_a_defective_drift():
    np.testing.assert_allclose(exponential_of(np.diag([-800.0, -0.5])), np.diag([0.0, np.exp(-0.5)]), atol=1e-13)
    np.testing.assert_allclose(
        exponential_of(np.array([[-0.3, 1.0], [0.0, -0.3]])), np.exp(-0.3) * np.array([[1, 1], [0, 1]]), rtol=1e-13
    )
    assert np.isnan(exponential_of(np.array([[np.inf, 0.0], [0.0, 1.0]]))).all()


def test_the_inverse_exchanges_rows():
    writer = Writer(4)
    program = writer.program(writer.inverse(matrix(0, 2, 2)))
    np.testing.assert_allclose(output(program, [0.0, 2.0, 4.0, 1.0]), [-0.125, 0.25, 0.5, 0.0], atol=1e-15)
    assert not np.isfinite(output(program, [1.0, 2.0, 2.0, 4.0])).all()


def test_a_step_that_there_is_not_is_refused():
    with pytest.raises(ValueError, match="there is no step 13"):
        Step(len(steps.NAMES), 1, 0, (0,))
    writer = Writer(2)
    program = writer.program(writer.add(np.array([0]), np.array([1]))).arrays
    assert run(np.ones(2), program)[1]
    program.code[0] = len(steps.NAMES)
    assert not run(np.ones(2), program)[1]
