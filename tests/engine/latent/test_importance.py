"""Importance sampling and adaptive quadrature agree with dense quadrature, and say how far propagation is off."""

import numpy as np
import pytest
from latent_panels import panel_of, random_case
from scipy.special import expit, logsumexp

from alliance_bayes.engine.histories import Cases
from alliance_bayes.engine.latent.importance import by_importance, corrections
from alliance_bayes.engine.latent.propagation import log_likelihood_and_gradient
from alliance_bayes.engine.latent.responses import Responses, arrange
from alliance_bayes.families.registry import CODES
from quadrature_of_latents import by_quadrature
from textbook_families import log_likelihood_by_grid

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


# ---- a predictor that follows from other latent numbers ----

LEANING = 0.4, 1.5
PHI = np.array([0.3, 1.5])


def answers_and_states(persons=30):
    """People who answer yes or no, and are in a state whose predictor is ``0.4 + 1.5 eta`` without a rest."""
    rng = np.random.default_rng(3)
    eta = rng.normal(size=persons)
    answer = (rng.random(persons) < expit(PHI[0] + PHI[1] * eta)).astype(float)
    state = (rng.random(persons) < expit(LEANING[0] + LEANING[1] * eta)).astype(float)
    row = np.repeat(np.arange(persons), 2)
    code = np.tile([CODES["yes_no"], CODES["occurrence"]], persons)
    value = np.column_stack([answer, state]).ravel()
    responses = Responses(row, np.tile([0, 1], persons), code, 0 * code, value, 0.0 * value)
    covariance = np.array([[1.0, LEANING[1]], [LEANING[1], LEANING[1] ** 2]])
    return panel_of(np.array([0.0, LEANING[0]]), covariance, PHI, np.full((persons, 2), np.nan), responses)


def along_one_number(case):
    """The same integrals over the one number that both depend on, by a dense sum."""
    eta = np.linspace(-9, 9, 4001)
    linear = PHI[0] + PHI[1] * eta, LEANING[0] + LEANING[1] * eta
    log_prior = -0.5 * eta**2 - 0.5 * np.log(2 * np.pi) + np.log(eta[1] - eta[0])
    pairs = case.responses.value.reshape(-1, 2)
    return np.array(
        [
            logsumexp(
                log_prior
                + sum(np.log(expit(each if value else -each)) for each, value in zip(linear, pair, strict=True))
            )
            for pair in pairs
        ]
    )


def test_integrals_over_a_predictor_that_follows_from_others_are_of_the_model_without_jitter():
    case = answers_and_states()
    want = along_one_number(case)
    found = by_quadrature(*case.moments, 30, points=25)
    np.testing.assert_allclose(found.log_likelihood, want, atol=2e-7)
    np.testing.assert_allclose(found.error, found.propagated - want, atol=2e-7)
    drawn = by_importance(*case.moments, 30, draws=400)
    assert (np.abs(drawn.log_likelihood - want) < 4.5 * drawn.standard_error).all()


def test_the_jitter_changes_the_propagated_value_by_nothing_that_matters():
    """Against the same case with ten thousand times as much noise, which is what was added once."""
    case = answers_and_states()
    noisy = answers_and_states()
    noisy.covariance[1, 1] += 1e-4
    plain, with_noise = (by_quadrature(*each.moments, 30, points=25) for each in (case, noisy))
    moved = with_noise.log_likelihood - plain.log_likelihood
    assert 1e-6 < np.abs(moved).max() < 1e-4
    np.testing.assert_allclose(with_noise.propagated - plain.propagated, moved, atol=0.1 * np.abs(moved).max())
