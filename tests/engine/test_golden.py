"""Numbers worked out elsewhere: a continuous-time process seen at 3, 6 and 12 months."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.linalg import expm, solve_continuous_lyapunov

import alliance_bayes as ab
from alliance_bayes.engine.statistics import by_pattern
from engine_calls import derive, derived_at, in_order, log_likelihood, moments, system_at
from helpers import densities
from oracles.moments import implied_moments, log_likelihood_per_person

TIMES = (3, 6, 12)
DRIFT = np.array([[-0.30, 0.02], [0.08, -0.20]])
DIFFUSION = np.array([[0.50, 0.10], [0.10, 0.30]])
BETWEEN = np.array([[0.4, 0.15], [0.15, 0.6]])
PERSON = np.array([0.5, -0.2, 0.3, 0.1, -0.4, 0.2])
FIRST_ROW = [1.258219, 0.523288, 0.762358, 0.454098, 0.470381, 0.283555]

WITHIN = solve_continuous_lyapunov(DRIFT, -DIFFUSION)
PHI = {length: expm(DRIFT * length) for length in (3, 6)}
PSI = {length: WITHIN - PHI[length] @ WITHIN @ PHI[length].T for length in (3, 6)}

FREE = ab.RICLPM(["x", "y"], lags="free")
GRID = ab.RICLPM(["x", "y"], lags="grid", residuals="equal")


def block(kind, matrix, suffix=""):
    return {
        f"{kind} variance x{suffix}": matrix[0, 0],
        f"{kind} covariance x, y{suffix}": matrix[0, 1],
        f"{kind} variance y{suffix}": matrix[1, 1],
    }


def lags(matrix, suffix=""):
    names = ["x", "y"]
    return {f"{names[k]} -> {names[j]}{suffix}": matrix[j, k] for j in range(2) for k in range(2)}


STABLE = (
    block("between", BETWEEN) | block("within", WITHIN, ", 3") | {f"mean {m}, {t}": 0.0 for t in TIMES for m in "xy"}
)
VALUES = {
    "free": STABLE
    | lags(PHI[3], ", 3 to 6")
    | lags(PHI[6], ", 6 to 12")
    | block("innovation", PSI[3], ", 3 to 6")
    | block("innovation", PSI[6], ", 6 to 12"),
    "grid": STABLE | lags(PHI[3]) | block("innovation", PSI[3]),
}


def theta_of(spec):
    system = system_at(spec, TIMES)
    return system, in_order(system, VALUES[spec.lags])


def test_the_process_has_the_published_dynamics():
    np.testing.assert_allclose(WITHIN, [[0.8582191781, 0.3732876712], [0.3732876712, 0.8993150685]], atol=1e-10)
    np.testing.assert_allclose(PHI[3], [[0.409817, 0.028517], [0.114066, 0.552400]], atol=1e-6)
    np.testing.assert_allclose(PSI[3], [[0.704625, 0.233282], [0.233282, 0.566684]], atol=1e-6)
    np.testing.assert_allclose(PHI[6], [[0.171203, 0.027439], [0.109757, 0.308399]], atol=1e-6)
    np.testing.assert_allclose(PSI[6], [[0.828880, 0.328718], [0.328718, 0.778172]], atol=1e-6)


@pytest.mark.parametrize("spec", [FREE, GRID], ids=["free", "grid with a wave nobody observed"])
@pytest.mark.parametrize("engine", ["reference", "kernel"])
def test_covariance_of_three_waves(spec, engine):
    system, theta = theta_of(spec)
    mean, covariance = implied_moments(system, theta) if engine == "reference" else moments(system, theta)
    np.testing.assert_array_equal(mean, 0)
    np.testing.assert_allclose(covariance[0], FIRST_ROW, atol=1e-6)
    np.testing.assert_allclose(np.linalg.slogdet(covariance), [1, -0.583113], atol=1e-6)
    np.testing.assert_allclose(densities(mean, covariance, PERSON[None]), -5.706909, atol=1e-6)


def test_free_lags_and_a_grid_are_the_same_process():
    free, grid = (implied_moments(*theta_of(spec))[1] for spec in (FREE, GRID))
    np.testing.assert_allclose(grid, free, rtol=1e-12)


@pytest.mark.parametrize("spec", [FREE, GRID], ids=["free", "grid"])
@pytest.mark.parametrize(("unseen", "want"), [([], -5.706909), ([2, 3], -4.388945)], ids=["complete", "wave 6 missing"])
def test_density_of_one_person(spec, unseen, want):
    system, theta = theta_of(spec)
    row = PERSON[None].copy()
    row[0, unseen] = np.nan
    assert log_likelihood_per_person(*implied_moments(system, theta), row) == pytest.approx(want, abs=1e-6)
    assert log_likelihood(system, theta, by_pattern(row)[0]) == pytest.approx(want, abs=1e-6)


@pytest.mark.parametrize("spec", [FREE, GRID], ids=["free", "grid"])
def test_density_of_persons_in_a_panel_whatever_its_scale(spec):
    rows = np.tile(PERSON, (4, 1))
    rows[1, 2:4] = np.nan
    rows[2:] = np.random.default_rng(1).normal(5, 3, (2, 6))
    panel = ab.Panel.from_arrays(rows.reshape(4, 3, 2), measures=["x", "y"], times=TIMES)
    found = ab.log_likelihood(spec, panel, VALUES[spec.lags])
    np.testing.assert_allclose(found[:2], [-5.706909, -4.388945], atol=1e-6)


# ---- the same process by its drift ----

CONTINUOUS = ab.RICLPM(["x", "y"], lags="continuous")
DRIFT_VALUES = STABLE | {f"drift {path}": value for path, value in lags(DRIFT).items()} | block("diffusion", DIFFUSION)


def test_the_drift_has_the_published_dynamics_in_the_engine():
    derived, system = derived_at(CONTINUOUS, TIMES), system_at(CONTINUOUS, TIMES)
    vector = derive(derived, in_order(system, DRIFT_VALUES), np.zeros(2), np.ones(2))

    def found(name):
        quantity = derived[name]
        return vector[quantity.where].reshape(quantity.shape)

    np.testing.assert_allclose(found("drift"), DRIFT.ravel(), atol=1e-12)
    np.testing.assert_allclose(found("lagged")[0], [0.409817, 0.028517, 0.114066, 0.552400], atol=1e-6)
    np.testing.assert_allclose(found("lagged")[1], [0.171203, 0.027439, 0.109757, 0.308399], atol=1e-6)
    np.testing.assert_allclose(found("innovation_sd")[0] ** 2, [0.704625, 0.566684], atol=1e-6)
    np.testing.assert_allclose(found("innovation_sd")[1] ** 2, [0.828880, 0.778172], atol=1e-6)
    assert found("innovation_correlation")[0, 0] == pytest.approx(0.233282 / np.sqrt(0.704625 * 0.566684), abs=2e-6)
    assert found("innovation_correlation")[1, 0] == pytest.approx(0.328718 / np.sqrt(0.828880 * 0.778172), abs=2e-6)
    assert found("lagged_standardized")[0, 2] == pytest.approx(0.111430, abs=1e-6)
    assert found("lagged_standardized")[0, 1] == pytest.approx(0.029191, abs=1e-6)


@pytest.mark.parametrize("spec", [CONTINUOUS, replace(CONTINUOUS, stationary=True)], ids=["diffusion", "stationary"])
@pytest.mark.parametrize(("unseen", "want"), [([], -5.706909), ([2, 3], -4.388945)], ids=["complete", "wave 6 missing"])
def test_density_of_one_person_in_continuous_time(spec, unseen, want):
    values = {name: value for name, value in DRIFT_VALUES.items() if not (spec.stationary and "diffusion" in name)}
    system = system_at(spec, TIMES)
    theta = in_order(system, values)
    row = PERSON[None].copy()
    row[0, unseen] = np.nan
    assert log_likelihood_per_person(*implied_moments(system, theta), row) == pytest.approx(want, abs=1e-6)
    assert log_likelihood(system, theta, by_pattern(row)[0]) == pytest.approx(want, abs=1e-6)
    np.testing.assert_allclose(moments(system, theta)[1][0], FIRST_ROW, atol=1e-6)
