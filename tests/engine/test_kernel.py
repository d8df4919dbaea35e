"""The compiled kernel, the plain reference and scipy's densities give one number; gradients are exact."""

import numpy as np
import pytest

from alliance_bayes.engine.linear_system import saturated_system
from alliance_bayes.engine.statistics import by_pattern, people_by_pattern
from engine_calls import (
    in_order,
    log_likelihood,
    log_likelihood_and_gradient,
    log_likelihoods_per_person,
    moments,
    system_at,
)
from helpers import (
    TIMES,
    densities,
    every_spec,
    label,
    random_values,
    slope,
    specs_without,
    textbook_moments,
    with_every_pattern,
)
from oracles.moments import implied_moments, log_likelihood_per_person

SIZES = [(2, 3), (2, 5), (3, 4)]
EVERY = [
    pytest.param(n_measures, n_waves, spec, id=f"{n_measures}x{n_waves}-{label(spec)}")
    for n_measures, n_waves in SIZES
    for spec in [*every_spec(n_measures), *specs_without(n_measures)]
]
SOME = [
    pytest.param(n_measures, n_waves, spec, id=f"{n_measures}x{n_waves}-{label(spec)}")
    for n_measures, n_waves in SIZES
    for spec in [*every_spec(n_measures)[::5], *specs_without(n_measures)[:3]]
]


def at_random(spec, n_waves, seed):
    """A system, the values of its parameters by name, and the same as theta."""
    rng = np.random.default_rng(seed)
    values = random_values(spec, TIMES[n_waves], rng)
    system = system_at(spec, TIMES[n_waves])
    return system, values, in_order(system, values), rng


@pytest.mark.parametrize(("n_measures", "n_waves", "spec"), EVERY)
def test_moments_are_the_textbook_blocks(n_measures, n_waves, spec):
    system, values, theta, _ = at_random(spec, n_waves, seed=1)
    mean, covariance = textbook_moments(spec, TIMES[n_waves], values)
    assert covariance.shape == (n_measures * n_waves,) * 2
    for found in (implied_moments(system, theta), moments(system, theta)):
        np.testing.assert_allclose(found[0], mean, rtol=1e-12, atol=1e-14)
        np.testing.assert_allclose(found[1], covariance, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize(("n_measures", "n_waves", "spec"), EVERY[::3])  # moments of the others: above
def test_log_likelihood_is_that_of_one_normal_per_person_with_every_missing_pattern(n_measures, n_waves, spec):
    system, values, theta, rng = at_random(spec, n_waves, seed=2)
    rows = with_every_pattern(n_measures * n_waves, rng, extra=20)
    assert len(rows) == 2 ** (n_measures * n_waves) - 1 + 20
    want = densities(*textbook_moments(spec, TIMES[n_waves], values), rows)
    np.testing.assert_allclose(
        log_likelihood_per_person(*implied_moments(system, theta), rows), want, rtol=1e-9, atol=1e-11
    )

    patterns, person_pattern = by_pattern(rows)
    assert patterns.people.sum() == len(rows)
    assert len(patterns.people) == 2 ** (n_measures * n_waves) - 1
    assert set(patterns.completed.tolist()) == {0, 1}
    np.testing.assert_allclose(log_likelihood(system, theta, patterns), want.sum(), rtol=1e-9)
    value, _ = log_likelihood_and_gradient(system, theta, patterns)
    np.testing.assert_allclose(value, want.sum(), rtol=1e-9)

    order, bounds = people_by_pattern(person_pattern, len(patterns.people))
    each = np.zeros((1, len(rows)))
    log_likelihoods_per_person(system, theta[None], patterns, rows, order, bounds, each)
    np.testing.assert_allclose(each[0], want, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize(("n_measures", "n_waves", "spec"), SOME)
@pytest.mark.parametrize("persons", [1, 2, 5, 40])
def test_complete_data_of_few_and_many_persons(n_measures, n_waves, spec, persons):
    system, values, theta, rng = at_random(spec, n_waves, seed=3)
    rows = rng.normal(size=(persons, n_measures * n_waves))
    patterns, _ = by_pattern(rows)
    want = densities(*textbook_moments(spec, TIMES[n_waves], values), rows).sum()
    np.testing.assert_allclose(log_likelihood(system, theta, patterns), want, rtol=1e-9)


@pytest.mark.parametrize(("n_measures", "n_waves", "spec"), EVERY)
def test_gradient_is_the_slope_of_the_log_likelihood(n_measures, n_waves, spec):
    system, _, theta, rng = at_random(spec, n_waves, seed=4)
    rows = with_every_pattern(n_measures * n_waves, rng, extra=20)
    rows = rows[np.r_[rng.permutation(len(rows) - 20)[:60], -20:0]]
    patterns, _ = by_pattern(rows)
    _, gradient = log_likelihood_and_gradient(system, theta, patterns)
    want = slope(lambda point: log_likelihood(system, point, patterns), theta)
    np.testing.assert_allclose(gradient, want, rtol=1e-6, atol=1e-6 * np.abs(want).max())


@pytest.mark.parametrize(("carry_over", "noise"), [(0.99, 1e-3), (0.5, 1e-6), (-0.9, 10.0)])
def test_many_waves_of_a_process_that_hardly_changes(carry_over, noise):
    """Condition numbers up to a million leave the log-likelihood and its slope right."""
    spec, times = every_spec(2)[0], tuple(range(10))
    rng = np.random.default_rng(8)
    values = random_values(spec, times, rng)
    values |= dict.fromkeys(("alliance -> alliance", "days -> days"), carry_over)
    values |= {name: 0.05 * noise for name in values if "innovation covariance" in name}
    values |= {name: noise for name in values if "innovation variance" in name}
    system = system_at(spec, times)
    theta = in_order(system, values)
    mean, covariance = textbook_moments(spec, times, values)
    rows = rng.multivariate_normal(mean, covariance, size=300)
    rows[:200][rng.random((200, 20)) < 0.3] = np.nan
    patterns, _ = by_pattern(rows)
    want = log_likelihood_per_person(mean, covariance, rows).sum()
    value, gradient = log_likelihood_and_gradient(system, theta, patterns)
    np.testing.assert_allclose(value, want, rtol=1e-9)

    def along(step):
        return log_likelihood(system, theta + step[0] * gradient / np.linalg.norm(gradient), patterns)

    length = 1e-2 * noise if noise < 1 else 1e-3  # shorter ones drown in rounding
    np.testing.assert_allclose(slope(along, np.zeros(1), width=length), np.linalg.norm(gradient), rtol=1e-5)


@pytest.mark.parametrize("n_values", [2, 5])
def test_saturated_system_has_its_own_sample_moments_at_the_top(n_values):
    rng = np.random.default_rng(5)
    rows = rng.normal(size=(50, n_values)) @ rng.normal(size=(n_values, n_values))
    system = saturated_system(n_values)
    assert system.n_parameters == n_values * (n_values + 3) // 2
    covariance = np.cov(rows, rowvar=False, ddof=0)
    theta = np.array(
        [
            rows.mean(axis=0)[parameter.measures[0]] if parameter.kind == "mean" else covariance[parameter.measures]
            for parameter in system.parameters
        ]
    )
    value, gradient = log_likelihood_and_gradient(system, theta, by_pattern(rows)[0])
    np.testing.assert_allclose(value, densities(rows.mean(axis=0), covariance, rows).sum(), rtol=1e-10)
    np.testing.assert_allclose(gradient, 0, atol=1e-6)


def test_a_covariance_that_is_not_positive_definite_has_no_likelihood():
    spec = every_spec(2)[0]
    system, _, theta, rng = at_random(spec, 3, seed=6)
    theta[system.names.index("between variance alliance")] = -5.0
    rows = with_every_pattern(6, rng)
    patterns, person_pattern = by_pattern(rows)
    assert log_likelihood(system, theta, patterns) == -np.inf
    value, gradient = log_likelihood_and_gradient(system, theta, patterns)
    assert value == -np.inf
    np.testing.assert_array_equal(gradient, 0)

    order, bounds = people_by_pattern(person_pattern, len(patterns.people))
    each = np.zeros((1, len(rows)))
    log_likelihoods_per_person(system, theta[None], patterns, rows, order, bounds, each)
    has_alliance = ~np.isnan(rows[:, ::2]).all(axis=1)
    np.testing.assert_array_equal(each[0][has_alliance], -np.inf)
    assert np.isfinite(each[0][~has_alliance]).all()


def test_people_without_any_value_count_for_nothing():
    system, values, theta, rng = at_random(every_spec(2)[0], 3, seed=7)
    rows = rng.normal(size=(6, 6))
    rows[[0, 3]] = np.nan
    patterns, person_pattern = by_pattern(rows)
    np.testing.assert_array_equal(person_pattern, [-1, 0, 0, -1, 0, 0])
    want = densities(*textbook_moments(every_spec(2)[0], TIMES[3], values), rows)
    np.testing.assert_allclose(log_likelihood(system, theta, patterns), want.sum(), rtol=1e-9)
    order, bounds = people_by_pattern(person_pattern, len(patterns.people))
    each = np.full((1, 6), 7.0)
    log_likelihoods_per_person(system, theta[None], patterns, rows, order, bounds, each)
    np.testing.assert_array_equal(each[0][[0, 3]], 7.0)
    np.testing.assert_allclose(each[0][[1, 2, 4, 5]], want[[1, 2, 4, 5]], rtol=1e-9)
