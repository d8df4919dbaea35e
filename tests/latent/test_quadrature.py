"""Importance sampling and adaptive quadrature agree with dense quadrature, and say how far propagation is off."""

import numpy as np
import pytest
from latent_panels import random_case

from alliance_bayes.latent.propagation import log_likelihood_and_gradient
from alliance_bayes.latent.quadrature import by_importance, by_quadrature, corrections
from alliance_bayes.latent.reference import log_likelihood_by_grid
from alliance_bayes.latent.responses import Cases, Responses, arrange

MIXTURES = [(["days", "normal"], 2), (["yes_no", "normal"], 3), (["count", "ordinal+"], 1), (["days_probit"], 2)]
CASES = [pytest.param((measures, waves), id=f"{'-'.join(measures)}-{waves}") for measures, waves in MIXTURES]


def by_grid(case, n_points):
    return np.array(
        [
            log_likelihood_by_grid(case.mean, case.covariance, row, case.of_person(person), n_points)
            for person, row in enumerate(case.exact)
        ]
    )


@pytest.fixture(scope="module", params=CASES)
def case(request):
    measures, waves = request.param
    return random_case(measures, waves, 25, missing=0.2, seed=2)


@pytest.fixture(scope="module")
def exact(case):
    """Dense quadrature whose own error, seen by taking other points, is below 1e-5."""
    most = int(case.data.n_latent.max())
    found = by_grid(case, 41 if most == 3 else 141)
    np.testing.assert_allclose(by_grid(case, 33 if most == 3 else 111), found, atol=1e-5)
    return found


def test_adaptive_quadrature_is_dense_quadrature(case, exact):
    found = by_quadrature(*case.moments, 25, points=15)
    np.testing.assert_allclose(found.log_likelihood, exact, atol=1e-4)
    np.testing.assert_array_equal(found.standard_error, 0)


def test_importance_sampling_is_dense_quadrature_within_its_error(case, exact):
    found = by_importance(*case.moments, 25, draws=400, seed=3)
    latent = found.standard_error > 0
    assert latent.sum() > 15
    scores = (found.log_likelihood - exact)[latent] / found.standard_error[latent]
    assert np.abs(scores).max() < 4.5
    assert found.standard_error.max() < 0.01
    np.testing.assert_allclose(found.log_likelihood[~latent], exact[~latent], atol=1e-9)


def test_what_is_propagated_is_the_kernel_s_and_its_error_is_told(case, exact):
    found = by_quadrature(*case.moments, 25, points=15)
    total = log_likelihood_and_gradient(*case.moments)[0]
    np.testing.assert_allclose(found.propagated.sum(), total, rtol=1e-12)
    np.testing.assert_allclose(found.error, found.propagated - exact, atol=2e-4)
    assert 1e-8 < np.abs(found.error).max() < 1e-3


def test_the_same_seed_gives_the_same_answer(case):
    arguments = *case.moments, 25
    first, again, other = (by_importance(*arguments, draws=20, seed=seed).log_likelihood for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_weights_of_draws_are_the_corrections_of_their_people():
    case = random_case(["days", "normal"], 2, 25, seed=4)
    rng = np.random.default_rng(5)
    means = case.mean + 0.1 * rng.normal(size=(6, len(case.mean)))
    covariances, phis = np.stack([case.covariance] * 6), np.stack([case.phi] * 6)
    found = corrections(means[:, None], covariances[:, None], phis, case.data, 25, draws=100, seed=6)
    assert found.log_weight.shape == found.standard_error.shape == (6,)
    for draw in range(6):
        each = by_importance(means[draw][None], *case.moments[1:], 25, draws=100, seed=6)
        np.testing.assert_allclose(found.log_weight[draw], -each.error.sum(), rtol=1e-10)
    assert 0.9 < found.effective_share <= 1
    dense = by_quadrature(means[:1], *case.moments[1:], 25, points=15)
    assert abs(found.log_weight[0] + dense.error.sum()) < 4 * found.standard_error[0] < 0.1


def test_a_grid_too_large_is_refused():
    case = random_case(["days"], 6, 5, missing=0.0)
    with pytest.raises(ValueError, match="9 points along each of 6 latent numbers are 531,441 points a person"):
        by_quadrature(*case.moments, 5)


@pytest.mark.parametrize("steeper", [1.0, 3.0, 6.0])
def test_no_steepness_of_days_is_flattered(steeper):
    """Laplace approximations gain hundreds of nats where slopes are steep; propagation loses less than one."""
    case = random_case(["normal", "days"], 4, 60, missing=0.3, seed=5)
    phi = case.phi * np.array([steeper, steeper, steeper, 1, 1, 1])
    found = by_importance(case.mean[None], case.covariance[None], phi, case.data, 60, draws=400)
    assert -0.3 < found.error.sum() < 4 * found.standard_error_of_sum < 0.8


def test_several_cases_of_a_person_are_integrated_together():
    case = random_case(["days", "normal"], 2, 12, seed=8)
    twice = Responses(*[np.concatenate([each, each]) for each in case.responses])
    n_responses = len(case.responses.case)
    twice.case[n_responses:] += 12
    people = np.tile(np.arange(12), 2)
    cases = Cases(people, np.repeat([0, 1], 12), np.log(np.repeat([0.3, 0.7], 12)))
    means, covariances = np.stack([case.mean, case.mean + 0.5]), np.stack([case.covariance] * 2)
    data = arrange(case.exact, twice, cases)
    together = by_quadrature(means, covariances, case.phi, data, 12, points=15)
    alone = [
        by_quadrature(mean[None], case.covariance[None], case.phi, case.data, 12, points=15).log_likelihood
        for mean in means
    ]
    seen = np.isin(np.arange(12), case.data.person)
    want = np.logaddexp(alone[0] + np.log(0.3), alone[1] + np.log(0.7))
    np.testing.assert_allclose(together.log_likelihood[seen], want[seen], rtol=1e-10)
    drawn = by_importance(means, covariances, case.phi, data, 12, draws=200)
    assert (np.abs(drawn.log_likelihood - want)[seen] < 4.5 * drawn.standard_error[seen] + 1e-9).all()
