"""Linear processes in continuous time, and what they do over an interval with 90 digits."""

from collections.abc import Iterator

import mpmath
import numpy as np

DIGITS = 90
LENGTHS = [1e-3, 0.1, 1.0, 7.0, 28.0, 100.0, 1e3]
SHORT = 10.0  # over which what grows is looked at


def exact(drift, diffusion, length):
    """``exp(A d)``, and the solution Psi of ``A Psi + Psi A' = Phi Q Phi' - Q``, which loses digits and has enough."""
    with mpmath.workdps(DIGITS):
        effects, innovation = in_digits(mpmath.matrix(np.asarray(drift).tolist()), diffusion, length)
        return as_floats(effects), as_floats(innovation)


def in_digits(drift, diffusion, length):
    """The same as matrices of mpmath, from a drift in as many digits as are set."""
    size = drift.rows
    diffusion = diffusion if isinstance(diffusion, mpmath.matrix) else mpmath.matrix(np.asarray(diffusion).tolist())
    effects = mpmath.expm(drift * mpmath.mpf(length), method="taylor")
    right = effects * diffusion * effects.T - diffusion
    carried, column = mpmath.zeros(size**2), mpmath.zeros(size**2, 1)
    for row in range(size):
        for other in range(size):
            column[row * size + other] = right[row, other]
            for inner in range(size):
                carried[row * size + other, inner * size + other] += drift[row, inner]
                carried[row * size + other, row * size + inner] += drift[other, inner]
    solved = mpmath.lu_solve(carried, column)
    innovation = mpmath.matrix(size, size)
    for place in range(size**2):
        innovation[place // size, place % size] = solved[place]
    return effects, innovation


def as_floats(matrix):
    return np.array(matrix.tolist(), dtype=float).reshape(matrix.rows, matrix.cols)


def errors(found, want):
    """Largest error of the effects, absolute, and of the innovation covariance, relative to the two variances."""
    sds = np.sqrt(np.diag(want[1]))
    effects, innovation = (np.abs(first - second) for first, second in zip(found, want, strict=True))
    return float(np.max(effects)), float(np.max(innovation / np.outer(sds, sds)))


def drifts(size: int) -> Iterator[tuple[str, np.ndarray]]:
    """Drifts of every kind whose fastest decay is 1 (of those in other units: near 1), by name."""
    rng = np.random.default_rng(size)
    mixed, turned = np.eye(size) + 0.25 * rng.normal(size=(size, size)), np.linalg.qr(rng.normal(size=(size, size)))[0]
    plain = -np.diag(np.linspace(1.0, 0.5, size)) + 0.1 * rng.normal(size=(size, size))
    yield "plain", plain
    rates = -np.logspace(0, -4, size)
    yield "stiff", mixed @ np.diag(rates) @ np.linalg.inv(mixed)
    yield "stiff and turned", turned @ np.diag(rates) @ turned.T
    yield "defective", -np.eye(size) + np.diag(np.ones(size - 1), -1)
    turning = -np.eye(size)
    turning[:2, :2] = [[-1.0, 3.0], [-3.0, -1.0]]
    yield "complex", turned @ turning @ turned.T
    units = np.logspace(0, 3, size)
    yield "other units", units[:, None] * plain / units
    yield "growing", turned @ np.diag([0.3, *-np.linspace(1, 0.5, size - 1)]) @ turned.T


def diffusions(size):
    root = np.random.default_rng(10 + size).normal(size=(size, size))
    return root @ root.T + 0.1 * np.eye(size)


def grid(sizes=(2, 3, 4)):
    """Name, drift, diffusion and length of every process over every interval."""
    for size in sizes:
        for name, drift in drifts(size):
            units = np.logspace(0, 3, size) if name == "other units" else np.ones(size)
            for length in LENGTHS:
                if name != "growing" or length <= SHORT:
                    yield f"{size}, {name}, {length:g}", drift, diffusions(size) * np.outer(units, units), length
