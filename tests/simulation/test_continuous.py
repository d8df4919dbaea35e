"""Continuous time: the golden numbers, grids that are the same process, and persons with their own times."""

import dataclasses

import numpy as np
import pytest
from scipy.integrate import quad_vec
from scipy.linalg import expm
from test_kinds import agree, close

from alliance_bayes.basics.problems import SpecError
from alliance_bayes.simulation import Missing, Truth, simulate
from alliance_bayes.spec.models import CLPM, LCMSR, RICLPM

DRIFT = {"x -> x": -0.30, "y -> x": 0.02, "x -> y": 0.08, "y -> y": -0.20}
A = np.array([[-0.30, 0.02], [0.08, -0.20]])
Q = np.array([[0.50, 0.10], [0.10, 0.30]])
B = np.array([[0.40, 0.15], [0.15, 0.60]])


def golden(**changes):
    given = {"times": [3, 6, 12], "drift": DRIFT, "diffusion": Q, "between_covariance": B}
    return Truth.from_diffusion(RICLPM(["x", "y"], lags="continuous"), **(given | changes))


def test_the_golden_numbers():
    truth = golden()
    np.testing.assert_allclose(truth.raw_drift, A, rtol=1e-12)
    np.testing.assert_allclose(truth.diffusion, Q, rtol=1e-12)
    np.testing.assert_allclose(truth.between_covariance, B, rtol=1e-12)
    within = [[0.8582191781, 0.3732876712], [0.3732876712, 0.8993150685]]
    np.testing.assert_allclose(truth.within_covariance, within, atol=1e-10)
    np.testing.assert_allclose(truth.raw[0], [[0.409817, 0.028517], [0.114066, 0.552400]], atol=1e-6)
    np.testing.assert_allclose(truth.raw[1], [[0.171203, 0.027439], [0.109757, 0.308399]], atol=1e-6)
    new = [[[0.704625, 0.233282], [0.233282, 0.566684]], [[0.828880, 0.328718], [0.328718, 0.778172]]]
    np.testing.assert_allclose(truth.innovation_covariances, new, atol=1e-6)
    np.testing.assert_allclose(truth.standardized[0, [1, 0], [0, 1]], [0.111430, 0.029191], atol=1e-6)
    first_row = [1.258219, 0.523288, 0.762358, 0.454098, 0.470381, 0.283555]
    np.testing.assert_allclose(truth.covariance[0], first_row, atol=1e-6)
    assert np.linalg.slogdet(truth.covariance)[1] == pytest.approx(-0.583113, abs=1e-6)


def test_a_grid_is_the_same_process():
    """Where the drift is log(Phi) / step, nothing differs."""
    truth = golden(means={"x": [1, 2, 3], "y": 0})
    step, sds = expm(3 * A), np.sqrt(np.diag(truth.within_covariance))
    effects = step * sds / sds[:, None]
    grid = dataclasses.replace(
        truth,
        spec=RICLPM(["x", "y"], lags="grid"),
        drift=None,
        lagged={f"{'xy'[k]} -> {'xy'[j]}": effects[j, k] for j in range(2) for k in range(2)},
    )
    np.testing.assert_allclose(grid.covariance, truth.covariance, rtol=1e-12)
    np.testing.assert_allclose(grid.means_table, truth.means_table)
    panels = [simulate(each, persons=40, seed=2) for each in (grid, truth)]
    np.testing.assert_allclose(panels[0].values, panels[1].values, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("n_measures", "n_waves"), [(2, 4), (3, 6)])
def test_simulated_moments_are_those_of_the_truth(n_measures, n_waves):
    names = list("xyz"[:n_measures])
    truth = Truth(
        CLPM(names, lags="continuous"),
        times=[0, 1, 1.7, 4, 5, 9][:n_waves],
        drift={f"{name} -> {name}": -0.3 for name in names} | {"x -> y": 0.1, "y -> x": -0.05},
        within_correlation=0.2,
        means=4,
        sds=3,
    )
    agree(simulate(truth, persons=200_000, seed=1), truth)


def test_standardised_drift_is_scaled_by_within_person_sds():
    truth = Truth(
        RICLPM(["x", "y"], lags="continuous"),
        times=[0, 1, 2],
        drift={"x -> x": -0.4, "y -> y": -0.5, "x -> y": 0.1},
        icc={"x": 0.5, "y": 0.36},
        sds={"x": 2, "y": 10},
    )
    assert truth.raw_drift[1, 0] == pytest.approx(0.1 * (10 * 0.8) / (2 * np.sqrt(0.5)))
    np.testing.assert_allclose(truth.raw, np.stack([expm(truth.raw_drift)] * 2), rtol=1e-12)
    integral = quad_vec(lambda s: expm(truth.raw_drift * s) @ truth.diffusion @ expm(truth.raw_drift * s).T, 0, 1)[0]
    np.testing.assert_allclose(truth.innovation_covariances[0], integral, rtol=1e-9)
    assert Truth.from_mapping(truth.spec, truth.to_mapping()) == truth


# --- own times ---


def test_own_times_that_are_the_plan_give_the_planned_panel():
    truth = golden()
    planned = simulate(truth, persons=30, seed=8)
    own = simulate(truth, persons=30, seed=8, own_times=np.tile([3.0, 6.0, 12.0], (30, 1)))
    np.testing.assert_allclose(own.values, planned.values, rtol=1e-12, atol=1e-12)
    assert planned.own_times is None
    np.testing.assert_array_equal(own.own_times, np.tile([3.0, 6.0, 12.0], (30, 1)))


def test_persons_with_other_times_are_another_truth():
    """Half of them are asked at 3, 4 and 12: their moments are those of these times."""
    persons = 100_000
    own = np.tile([3.0, 6.0, 12.0], (persons, 1))
    own[::2, 1] = 4.0
    values = simulate(golden(), persons=persons, seed=3, own_times=own).values.reshape(persons, -1)
    for start, times in ((0, [3, 4, 12]), (1, [3, 6, 12])):
        close(values[start::2], golden(times=times).covariance, np.zeros(6))


def test_own_times_are_spread_about_the_plan_and_absent_without_an_interview():
    panel = simulate(golden(), persons=5000, seed=1, own_times=1.2, missing=Missing(share=0.3))
    off = panel.own_times - np.array([3, 6, 12])
    assert np.nanmax(np.abs(off)) < 1.2
    assert np.nanstd(off) == pytest.approx(1.2 / np.sqrt(3), rel=0.05)
    np.testing.assert_array_equal(np.isnan(panel.own_times), np.isnan(panel.values[..., 0]))


def test_lines_run_along_own_times():
    """Without spread in slopes or chance, what is left of a person is the line through real time."""
    truth = Truth(
        LCMSR(["x", "y"], lags="continuous"),
        times=[0, 2, 4, 8],
        drift={"x -> x": -0.5, "y -> y": -0.5},
        icc=0.5,
        sds=1e-6,
        slope_sds=1e-6,
        slope_means={"x": 8.0, "y": -4.0},
        means=1,
    )
    own = np.array([[0.0, 3.0, 4.0, 8.0], [1.0, 3.0, 5.0, 7.0]])
    values = simulate(truth, persons=2, seed=1, own_times=own).values
    elapsed = own - own[:, :1]
    np.testing.assert_allclose(values[..., 0], 1 + elapsed, atol=1e-4)
    np.testing.assert_allclose(values[..., 1], 1 - elapsed / 2, atol=1e-4)


# --- refusals ---


def refusal(make, *arguments, **given):
    with pytest.raises(SpecError) as error:
        make(*arguments, **given)
    return str(error.value)


def test_continuous_time_takes_a_drift_and_nothing_else():
    spec = RICLPM(["x", "y"], lags="continuous")
    assert refusal(Truth, spec, times=[0, 1, 2], icc=0.5, lagged={"x -> y": 0.2}, carry_over=0.3) == (
        "This truth cannot be simulated. 3 problems:\n"
        "  1. lagged needs lags other than 'continuous', which have a drift instead; leave it out.\n"
        "  2. carry_over needs lags other than 'continuous', which have a drift instead; leave it out.\n"
        "  3. drift is missing: effects per unit of time, such as {'x -> x': -0.3, 'x -> y': 0.08}."
    )
    assert refusal(Truth, RICLPM(["x", "y"]), times=[0, 1, 2], icc=0.5, drift={"x -> y": 0.2}) == (
        "This truth cannot be simulated. 1 problem:\n  1. drift needs lags='continuous' in the model; leave it out."
    )


def test_drifts_that_no_stationary_process_has():
    spec = RICLPM(["x", "y"], lags="continuous", remove=["y -> x"])
    unstable = refusal(Truth, spec, times=[0, 1, 2], icc=0.5, drift={"x -> x": 0.1, "y -> y": -0.3, "y -> x": 0.2})
    assert unstable == (
        "This truth cannot be simulated. 2 problems:\n"
        "  1. 'y -> x' is removed from the model, so its effect must be 0; got 0.2. "
        "Leave the effect out, or keep the path in the model.\n"
        "  2. The drift is unstable: the largest real part of its eigenvalues is 0.1 and must be below 0, or "
        "deviations do not die away. Make the effects of measures on themselves more negative, or move those "
        "between measures towards 0."
    )
    too_much = refusal(Truth, spec, times=[0, 1, 2], icc=0.5, drift={"x -> x": -0.1, "y -> y": -0.1, "x -> y": 0.5})
    assert too_much == (
        "This truth cannot be simulated. 1 problem:\n"
        "  1. The drift explains more variance than there is: the diffusion -(A W + W A'), in within-person SDs, must "
        "be positive definite and has the smallest eigenvalue -0.3. Make the effects of measures on themselves more "
        "alike or more negative, or move those between measures and within_correlation towards 0."
    )


def test_matrices_of_a_diffusion_are_checked():
    assert refusal(golden, diffusion=[[1, 0.2], [0.3, 1]], drift={"x -> q": 1}) == (
        "This truth cannot be simulated. 2 problems:\n"
        "  1. diffusion must be a 2 x 2 covariance matrix; got [[1.0, 0.2], [0.3, 1.0]].\n"
        "  2. drift names 'q', which is not a measure. Measures: 'x', 'y'."
    )


def test_own_times_are_checked():
    heading = "No panel can be simulated. 1 problem:\n  1. "
    discrete = Truth(RICLPM(["x", "y"]), times=[0, 1, 2], icc=0.5)
    assert refusal(simulate, discrete, persons=5, seed=1, own_times=0.1) == heading + (
        "own_times need lags='continuous': no other lags say what happens over intervals of any length."
    )
    assert refusal(simulate, golden(), persons=5, seed=1, own_times=1.5) == heading + (
        "own_times must be at least 0 and below 1.5, half the shortest interval, so that waves keep their "
        "order; got 1.5."
    )
    assert refusal(simulate, golden(), persons=5, seed=1, own_times=np.ones((5, 2))) == heading + (
        "own_times has shape (5, 2); expected (5, 3), (person, wave)."
    )
    assert refusal(simulate, golden(), persons=2, seed=1, own_times=[[1, 2, 3], [2, 1, 3]]) == heading + (
        "own_times must increase from wave to wave in every person."
    )
