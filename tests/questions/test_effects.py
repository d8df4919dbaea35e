"""Effects over time, against scipy's matrix exponential and enumeration of ways."""

from itertools import product

import numpy as np
import pytest
from scipy.linalg import expm

from alliance_bayes.questions.effects_over_time import (
    along_path,
    held_at_expectation,
    matrix_exponential,
    own_lags,
    peak_of_lag,
    responses,
    sustained_drift,
    sustained_transitions,
)
from fabricated import DRIFT


@pytest.mark.parametrize(("size", "spread"), [(2, 0.01), (3, 1.0), (5, 6.0)])
def test_matrix_exponential_equals_scipys(size, spread):
    matrices = np.random.default_rng(size).normal(0, spread, (20, size, size))
    wanted = np.array([expm(matrix) for matrix in matrices])
    np.testing.assert_allclose(matrix_exponential(matrices), wanted, rtol=1e-9, atol=1e-9 * abs(wanted).max())


def test_a_slow_process_keeps_its_digits_beside_fast_ones():
    """Each is squared as often as it needs, whatever the longest of them needs."""
    slow, turned = np.array([[-0.3, 0.1], [0.2, -0.5]]), np.array([[-1.0, 3.0], [-3.0, -1.0]])
    together = np.stack([slow, 1e3 * turned, 1e9 * slow, 1e-3 * slow])
    wanted = np.stack([expm(slow), expm(1e3 * turned), np.zeros((2, 2)), expm(1e-3 * slow)])
    np.testing.assert_allclose(matrix_exponential(together), wanted, rtol=0, atol=1e-15)
    growing = np.stack([np.diag([5.0, -1.0]), np.diag([-1e6, -1e6])])
    np.testing.assert_allclose(matrix_exponential(growing)[0], np.diag(np.exp([5.0, -1.0])), rtol=1e-13)


def test_matrix_exponential_of_zero_is_the_identity_and_of_infinity_refused():
    assert (matrix_exponential(np.zeros((2, 3, 3))) == np.eye(3)).all()
    with pytest.raises(ValueError, match="finite"):
        matrix_exponential(np.full((2, 2), np.inf))


@pytest.mark.parametrize("n_steps", [1, 2, 4])
def test_responses_are_sums_over_all_ways(n_steps):
    transitions = np.random.default_rng(1).normal(0, 0.4, (n_steps, 3, 3))
    found = responses(transitions, 0)
    for outcome in range(3):
        total = 0.0
        for between in product(range(3), repeat=n_steps - 1):
            way = (0, *between, outcome)
            total += np.prod([transitions[step, way[step + 1], way[step]] for step in range(n_steps)])
        assert found[n_steps, outcome] == pytest.approx(total, abs=1e-14)


def test_responses_keep_leading_dims():
    transitions = np.random.default_rng(2).normal(0, 0.4, (4, 5, 3, 2, 2))
    found = responses(transitions, 1)
    assert found.shape == (4, 5, 4, 2)
    last = transitions[1, 2, 2] @ transitions[1, 2, 1] @ transitions[1, 2, 0]
    np.testing.assert_allclose(found[1, 2, 3], last[:, 1])


def test_held_measures_have_no_way_in_or_out():
    kept = held_at_expectation(np.ones((3, 3)), [1])
    np.testing.assert_array_equal(kept, [[1, 0, 1], [0, 0, 0], [1, 0, 1]])


def test_a_path_keeps_its_edges_and_carry_over():
    kept = along_path(np.ones((4, 4)), [0, 2, 3])
    np.testing.assert_array_equal(kept, [[1, 0, 0, 0], [0, 0, 0, 0], [1, 0, 1, 0], [0, 0, 1, 1]])


def test_sustained_changes_are_the_limit_of_repeated_pulses():
    transitions = np.random.default_rng(3).normal(0, 0.3, (3, 3, 3))
    held = responses(sustained_transitions(transitions, 0), 0)
    state = np.array([1.0, 0.0, 0.0])
    for step in range(3):
        state = transitions[step] @ state
        state[0] = 1.0
        np.testing.assert_allclose(held[step + 1], state)
    steps = 2**16
    state = np.array([1.0, 0.0, 0.0])
    for _ in range(steps):
        state = state + DRIFT @ state * (12 / steps)
        state[0] = 1.0
    found = matrix_exponential(sustained_drift(DRIFT, 0) * 12)[:, 0]
    np.testing.assert_allclose(found, state, rtol=1e-3)


def test_golden_effects_of_drift():
    """Digits worked out elsewhere for this drift: total, direct, indirect at 3, 6 and 12 months."""
    golden = {3: (0.103066, 0.071121, 0.031945), 6: (0.128646, 0.067948, 0.060698), 12: (0.087100, 0.031697, 0.055403)}
    for months, (total, direct, indirect) in golden.items():
        found_total = matrix_exponential(DRIFT * months)[2, 0]
        found_direct = matrix_exponential(held_at_expectation(DRIFT, [1]) * months)[2, 0]
        assert found_total == pytest.approx(total, abs=5e-7)
        assert found_direct == pytest.approx(direct, abs=5e-7)
        assert found_total - found_direct == pytest.approx(indirect, abs=1e-6)


def peaks(drift, lags):
    """Of the effect of the first measure on the second, looked for at these lags."""
    effects = np.stack([matrix_exponential(drift * lag)[:, 1, 0] for lag in lags], axis=1)
    return peak_of_lag(drift, 0, 1, lags, effects)


def test_golden_peak_of_lag():
    drift = np.array([[-0.30, 0.02], [0.08, -0.20]])
    lags = np.linspace(0, 12, 121)
    peak = peaks(np.stack([drift, drift * 2]), lags)
    assert peak[0] == pytest.approx(4.091079, abs=5e-7)
    assert peak[1] == pytest.approx(4.091079 / 2, abs=5e-7)
    assert matrix_exponential(drift * peak[0])[1, 0] == pytest.approx(0.119042, abs=5e-7)


def random_drifts(kind, seed=0, n=30):
    rng = np.random.default_rng(seed)
    if kind == "complex":
        drifts = np.array([[-0.3, 2.0], [-2.0, -0.3]]) + rng.normal(0, 0.2, (n, 2, 2))
    elif kind == "hardly damped":
        drifts = np.array([[-0.06, 2.0, 0.1], [-2.0, -0.06, 0.3], [0.0, 0.2, -0.05]]) + rng.normal(0, 0.01, (n, 3, 3))
    elif kind == "defective":
        drifts = np.broadcast_to(np.array([[-1.0, 0.0], [0.5, -1.0]]), (n, 2, 2)) * rng.uniform(0.5, 2, (n, 1, 1))
    else:
        size = {"two": 2, "four": 4, "stiff": 3}[kind]
        rates = np.exp(rng.normal(0, 4 if kind == "stiff" else 1, (n, size)))
        drifts = rng.normal(0, 0.2, (n, size, size)) * np.sqrt(rates[:, :, None] * rates[:, None, :])
        drifts[:, range(size), range(size)] = -rates
    stable = drifts[np.linalg.eigvals(drifts).real.max(axis=1) < 0]
    assert len(stable) > n / 3
    return stable


@pytest.mark.parametrize("speed", [1e-5, 1.0, 1e5])
@pytest.mark.parametrize("kind", ["two", "four", "stiff", "complex", "hardly damped", "defective"])
def test_peaks_are_the_highest_points_of_scipys_curves(kind, speed):
    """Against a fine grid of lags: as high, and where the curve falls before the end, level there."""
    longest = 24.0
    drifts = random_drifts(kind) * speed
    found = peaks(drifts, own_lags(drifts, longest))
    for drift, lag in zip(drifts, found, strict=True):
        shortest = 1e-3 * min(longest, 1 / abs(drift).sum(axis=0).max())
        grid = np.concatenate([np.linspace(0, longest, 200)[1:], np.geomspace(shortest, longest, 400)])
        best = max(abs(expm(drift * one)[1, 0]) for one in grid[abs(np.log(grid / lag)) < 3])
        level = expm(drift * lag)
        assert abs(level[1, 0]) >= best * (1 - 1e-9)
        slope = (drift @ level)[1, 0]
        if lag < longest:
            assert abs(slope) <= 1e-6 * abs(drift).max() * abs(level[1, 0])
        else:
            assert slope * level[1, 0] > 0


def test_golden_peaks_do_not_depend_on_the_longest_lag():
    """ln(l2 / l1) / (l1 - l2), however much longer the longest lag is."""
    drift = np.array([[-2.5, 0.0], [1.5, -3.0]])
    wanted = np.log(3 / 2.5) / 0.5
    for longest in (0.4, 1.0, 50.0, 1600.0, 1e6):
        found = peaks(drift[None], own_lags(drift[None], longest))
        np.testing.assert_allclose(found, min(wanted, longest) if longest > 0.4 else wanted, rtol=1e-7)


def test_a_peak_within_the_last_cell_or_the_first_is_no_end_of_it():
    drift = np.array([[-2.5, 0.0], [1.5, -3.0]])[None]
    wanted = np.log(3 / 2.5) / 0.5
    for lags in ([0, 0.3, 0.38], [0, 0.36, 8.0], [0, 0.9, 1.8], [0, 0.2, 40.0]):
        np.testing.assert_allclose(peaks(drift, np.array(lags, dtype=float)), wanted, rtol=1e-7)


def test_an_effect_that_is_0_at_every_lag_has_no_peak():
    apart = np.array([[-0.5, 0.3], [0.0, -0.4]])
    assert np.isnan(peaks(apart[None], own_lags(apart[None], 10.0))).all()
    still = np.zeros((1, 2, 2))
    assert np.isnan(peaks(still, own_lags(still, 10.0))).all()


def test_an_explosive_effect_grows_to_the_end():
    drift = np.array([[400.0, 0.0], [0.5, -1.0]])[None]
    with np.errstate(over="ignore", invalid="ignore"):
        assert peaks(drift, np.array([0.0, 1.0, 2.0, 4.0])) == 4
    assert peaks(drift / 400, own_lags(drift / 400, 4.0)) == 4


def test_peak_beyond_the_longest_lag_is_the_longest_lag():
    drift = np.array([[-0.30, 0.02], [0.08, -0.20]])
    assert peaks(drift[None], np.linspace(0, 3, 31)) == 3
