"""People with their own times: log-likelihood and gradient are those of normal densities with 50 digits."""

from itertools import pairwise

import mpmath
import numpy as np
import pytest

import alliance_bayes as ab
from alliance_bayes.engine.model_on_panel import panel_model
from continuous_processes import in_digits
from engine_calls import log_likelihood_and_gradient

M = ["x", "y"]
SPEC = ab.RICLPM(M, lags="continuous")
PLANNED = [0.0, 1.0, 2.5, 4.0]
STEP = 1e-20
DRIFTS = {
    "plain": [[-1.0, 0.3], [0.2, -0.5]],
    "nearly defective": [[-0.8, 1.0], [1e-9, -0.8 - 1e-7]],
    "fast and slow": [[-40.0, 8.0], [0.01, -0.02]],
    "turning": [[-0.3, 2.0], [-2.0, -0.3]],
}


@pytest.fixture(scope="module")
def model():
    """Nearly equal and equal times, one value or wave alone, very short and very long intervals, an item missing."""
    rng = np.random.default_rng(1)
    times = np.cumsum(rng.uniform(0.3, 2.0, (12, 4)), axis=1)
    times[1] = times[0] + np.array([0.0, 0.0, 1e-9, 1e-9])
    times[2] = times[3]
    times[5] = [0.0, 1e-6, 1.0, 1.0 + 1e-4]
    times[6] = [0.0, 300.0, 301.0, 1500.0]
    values = rng.normal(size=(12, 4, 2)) + rng.normal(size=(12, 1, 2))
    values[7, :, 0], values[7, 1:, 1] = np.nan, np.nan
    values[8, [0, 1, 3]] = np.nan
    values[9, 2, 1] = values[9, 3, 0] = np.nan
    return panel_model(SPEC, ab.Panel.from_arrays(values, measures=M, times=PLANNED, own_times=times))


def theta_of(model, drift):
    values = {"drift": np.array(drift), "diffusion": [[2.0, 0.4], [0.4, 1.0]], "between": [[0.5, 0.1], [0.1, 0.4]]}
    values |= {"within": [[0.9, 0.2], [0.2, 0.8]], "mean": np.linspace(-0.2, 0.3, 8).reshape(4, 2)}
    found = []
    for parameter in model.system.parameters:
        kind = parameter.name.split()[0]
        wave = (
            [float(time) for time in PLANNED].index(float(parameter.name.split(", ")[-1])) if kind == "mean" else None
        )
        places = parameter.measures if wave is None else (wave, *parameter.measures)
        found.append(np.asarray(values[kind])[places])
    return np.array(found, dtype=float)


def in_50_digits(model, theta):
    """The sum over persons, from a vector of mpmath numbers."""
    numbers: dict = {}
    for parameter, value in zip(model.system.parameters, theta, strict=True):
        numbers.setdefault(parameter.name.split()[0], []).append((parameter, value))

    def square(kind):
        result = mpmath.zeros(2, 2)
        for parameter, value in numbers[kind]:
            row, column = parameter.measures
            result[row, column] = value
            if kind != "drift":
                result[column, row] = value
        return result

    drift, diffusion, between, within = map(square, ("drift", "diffusion", "between", "within"))
    mean = [value for _, value in numbers["mean"]]
    total = mpmath.mpf(0)
    for row, cell in zip(model.values(), model.design.person_cell, strict=True):
        times, waves, effects = model.design.cells[cell].times, [within], []
        for earlier, later in pairwise(times):
            phi, psi = in_digits(drift, diffusion, mpmath.mpf(later) - mpmath.mpf(earlier))
            effects.append(phi)
            waves.append(phi * waves[-1] * phi.T + psi)
        seen = np.flatnonzero(~np.isnan(row)).tolist()
        covariance = mpmath.zeros(len(seen), len(seen))
        for place, first in enumerate(seen):
            for other, second in enumerate(seen[: place + 1]):
                carried = waves[second // 2]
                for phi in effects[second // 2 : first // 2]:
                    carried = phi * carried
                value = carried[first % 2, second % 2] + between[first % 2, second % 2]
                covariance[place, other] = covariance[other, place] = value
        deviation = mpmath.matrix([mpmath.mpf(float(row[place])) - mean[place] for place in seen])
        quadratic = (deviation.T * mpmath.lu_solve(covariance, deviation))[0]
        total -= (len(seen) * mpmath.log(2 * mpmath.pi) + mpmath.log(mpmath.det(covariance)) + quadratic) / 2
    return total


@pytest.mark.parametrize("kind", DRIFTS)
def test_log_likelihood_and_gradient_are_exact(model, kind):
    theta = theta_of(model, DRIFTS[kind])
    value, gradient = log_likelihood_and_gradient(model.system, theta, model.statistics.arrays)
    direction = np.random.default_rng(2).normal(size=len(theta)) * np.maximum(np.abs(theta), 0.1)
    with mpmath.workdps(50):
        at, along = ([mpmath.mpf(float(number)) for number in vector] for vector in (theta, direction))
        low, want, high = (
            in_50_digits(model, [x + move * d for x, d in zip(at, along, strict=True)])
            for move in (-mpmath.mpf(STEP), 0, mpmath.mpf(STEP))
        )
        slope = float((high - low) / (2 * mpmath.mpf(STEP)))
    assert value == pytest.approx(float(want), rel=1e-9)
    assert gradient @ direction == pytest.approx(slope, abs=1e-9 * np.abs(gradient * direction).sum())


def test_people_with_equal_times_are_one_cell(model):
    cells = model.design.person_cell
    assert cells[2] == cells[3]
    assert len(np.unique(cells)) == 11


def test_intervals_of_all_people_are_one_step(model):
    codes = [step.code for step in model.system.structure.steps]
    assert len(codes) < 10


def test_nobody_alone_with_their_times_is_completed(model):
    """Nor where values are missing; everybody at the same times still is."""
    assert not model.statistics.arrays.completed.any()
    planned = ab.Panel.from_arrays(model.panel.values, measures=M, times=PLANNED)
    assert panel_model(SPEC, planned).statistics.arrays.completed.any()
