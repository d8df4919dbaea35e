"""The Laplace integral: exact where it must be, near dense quadrature where it may not, its gradient its slope."""

from functools import partial

import numpy as np
import pytest
from latent_panels import random_case
from scipy.special import logsumexp
from scipy.stats import norm

from alliance_bayes.latent.families import CODES
from alliance_bayes.latent.laplace import log_likelihood_and_gradient, log_likelihoods_per_person, modes
from alliance_bayes.latent.reference import log_density, log_likelihood_by_grid
from alliance_bayes.latent.responses import Responses, arrange
from alliance_bayes.moments.reference import log_likelihood_per_person
from helpers import slope

MIXTURES = [
    (["normal", "days"], 3),
    (["normal", "days_probit"], 2),
    (["normal", "count", "yes_no"], 2),
    (["hurdle_count", "ordinal+"], 2),
    (["ordinal_probit", "normal", "normal"], 3),
    (["beta_binomial", "normal"], 4),
]
CASES = [pytest.param(measures, n_waves, id=f"{'-'.join(measures)}-{n_waves}") for measures, n_waves in MIXTURES]


def per_person(case, persons=None):
    result, failed = np.zeros((1, len(case.exact) if persons is None else persons)), np.zeros(1, dtype=np.int64)
    log_likelihoods_per_person(case.mean[None], case.covariance[None], case.phi[None], case.data, result, failed)
    assert failed[0] == 0
    return result[0]


@pytest.mark.parametrize("n_waves", [2, 4])
def test_normal_measures_alone_have_their_normal_density(n_waves):
    case = random_case(["normal", "normal"], n_waves, 40, missing=0.4)
    want = log_likelihood_per_person(case.mean, case.covariance, case.exact)
    np.testing.assert_allclose(per_person(case), want, rtol=1e-9, atol=1e-10)
    total, *_, failed = log_likelihood_and_gradient(case.mean, case.covariance, case.phi, case.data)
    np.testing.assert_allclose(total, want.sum(), rtol=1e-10)
    assert failed == 0


@pytest.mark.parametrize(("measures", "n_waves"), CASES)
def test_the_sum_over_people_is_the_total(measures, n_waves):
    case = random_case(measures, n_waves, 25)
    total, *_, failed = log_likelihood_and_gradient(case.mean, case.covariance, case.phi, case.data)
    np.testing.assert_allclose(per_person(case).sum(), total, rtol=1e-12)
    assert failed == 0


@pytest.mark.parametrize(("measures", "n_waves"), CASES)
def test_gradients_are_slopes(measures, n_waves):
    """Of the mean, of every entry of the covariance (pairs together), and of the family parameters."""
    case = random_case(measures, n_waves, 25)
    size, data = len(case.mean), case.data
    lower = np.tril_indices(size)

    def unpacked(point):
        covariance = np.zeros((size, size))
        covariance[lower] = point[size : size + len(lower[0])]
        covariance += np.tril(covariance, -1).T
        return point[:size], covariance, point[size + len(lower[0]) :]

    def value(point):
        return log_likelihood_and_gradient(*unpacked(point), data)[0]

    point = np.concatenate([case.mean, case.covariance[lower], case.phi])
    _, mean_bar, covariance_bar, phi_bar, _ = log_likelihood_and_gradient(*unpacked(point), data)
    np.testing.assert_allclose(covariance_bar, covariance_bar.T, rtol=1e-9, atol=1e-9)
    folded = covariance_bar + covariance_bar.T - np.diag(np.diag(covariance_bar))
    want = slope(value, point, width=1e-4)
    found = np.concatenate([mean_bar, folded[lower], phi_bar])
    np.testing.assert_allclose(found, want, rtol=1e-6, atol=1e-6 * np.abs(want).max())


@pytest.mark.parametrize(("measures", "n_waves"), CASES)
def test_the_order_of_people_and_responses_changes_nothing(measures, n_waves):
    case = random_case(measures, n_waves, 25)
    rng = np.random.default_rng(3)
    people, rows = rng.permutation(25), rng.permutation(len(case.responses.person))
    shuffled = Responses(*[each[rows] for each in case.responses])
    moved = shuffled._replace(person=np.argsort(people)[shuffled.person])
    other = case._replace(exact=case.exact[people], responses=moved)
    np.testing.assert_allclose(per_person(other), per_person(case)[people], rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize(
    ("measure", "allowed"),
    [
        ("days", 0.002),
        ("days_probit", 0.001),
        ("count", 0.001),
        ("hurdle_count", 0.002),
        ("yes_no", 0.006),
        ("ordinal+", 0.002),
    ],
)
def test_one_and_two_latent_numbers_are_near_dense_quadrature(measure, allowed):
    case = random_case([measure, "normal"], 2, 30, missing=0.3)
    want = [
        log_likelihood_by_grid(case.mean, case.covariance, row, case.of_person(person))
        for person, row in enumerate(case.exact)
    ]
    error = per_person(case) - want
    assert 1e-6 < np.abs(error).max() < allowed


def test_the_error_falls_with_the_number_of_responses_to_a_latent_number():
    """As one over its square at least: what is left is the third term of the expansion."""
    errors, eta = [], np.linspace(-8, 8, 20_001)
    for number in (25, 100, 400):
        zeros = np.zeros(number, dtype=int)
        value = (np.arange(number) % 5 < 3).astype(float)
        responses = Responses(zeros, zeros, zeros + CODES["yes_no"], zeros, value, zeros.astype(float))
        data, phi = arrange(np.full((1, 1), np.nan), responses), np.array([0.0, 1.0])
        total = log_likelihood_and_gradient(np.zeros(1), np.eye(1), phi, data)[0]
        logs = norm.logpdf(eta) + sum(log_density("yes_no", each, 0.0, phi, eta) for each in value)
        errors.append(total - logsumexp(logs) - np.log(eta[1] - eta[0]))
    assert (np.abs(errors) < 0.5 / np.array([25, 100, 400]) ** 2).all()


@pytest.mark.parametrize(("measures", "n_waves"), CASES[:3])
def test_missing_cells_are_dropped(measures, n_waves):
    """A wave nobody answered changes nothing, whatever its moments."""
    case = random_case(measures, n_waves, 20, missing=0.3)
    size, more = len(case.mean), len(case.mean) + len(measures)
    rng = np.random.default_rng(5)
    root = rng.normal(size=(more, more)) * 0.2
    mean, covariance = np.append(case.mean, rng.normal(size=len(measures))), root @ root.T + np.eye(more)
    covariance[:size, :size] = case.covariance
    covariance[size:, :size] *= 0.1
    covariance[:size, size:] *= 0.1
    exact = np.hstack([case.exact, np.full((20, len(measures)), np.nan)])
    found = log_likelihood_and_gradient(mean, covariance, case.phi, arrange(exact, case.responses))
    want = log_likelihood_and_gradient(case.mean, case.covariance, case.phi, case.data)
    np.testing.assert_allclose(found[0], want[0], rtol=1e-12)
    np.testing.assert_allclose(found[1], np.append(want[1], np.zeros(len(measures))), rtol=1e-9, atol=1e-10)
    np.testing.assert_allclose(found[2][:size, :size], want[2], rtol=1e-9, atol=1e-10)
    np.testing.assert_array_equal(found[2][size:], 0)


def test_people_without_any_value_count_for_nothing():
    case = random_case(["normal", "days"], 3, 10, missing=0.0)
    exact, kept = case.exact.copy(), ~np.isin(case.responses.person, [0, 7])
    exact[[0, 7]] = np.nan
    fewer = case._replace(exact=exact, responses=Responses(*[each[kept] for each in case.responses]))
    want = np.where(np.isin(np.arange(10), [0, 7]), 0, per_person(case))
    np.testing.assert_allclose(per_person(fewer), want, rtol=1e-12)
    assert len(fewer.data.person) == 8


def test_a_value_that_is_exact_and_a_response_is_refused():
    case = random_case(["normal", "days"], 2, 5)
    with pytest.raises(ValueError, match="exact and a response at once"):
        arrange(np.zeros_like(case.exact), case.responses)


def test_the_answer_does_not_depend_on_what_was_computed_before():
    case = random_case(["normal", "days"], 3, 25)
    first = log_likelihood_and_gradient(case.mean, case.covariance, case.phi, case.data)
    log_likelihood_and_gradient(case.mean + 2, 3 * case.covariance, 0.7 * case.phi, case.data)
    again = log_likelihood_and_gradient(case.mean, case.covariance, case.phi, case.data)
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("scale", [1e-8, 1e-3, 30.0])
@pytest.mark.parametrize("far", [0.0, 8.0])
def test_hardly_any_and_very_much_variance(scale, far):
    """A nearly singular covariance, a very wide one, and responses far from what was expected."""
    case = random_case(["normal", "days", "count"], 2, 25, missing=0.2)
    exact = case.mean + (case.exact - case.mean) * np.sqrt(scale)
    data = arrange(exact, case.responses)
    mean = case.mean.copy()
    mean[1::3] += far
    mean[2::3] -= far
    total, mean_bar, covariance_bar, phi_bar, failed = log_likelihood_and_gradient(
        mean, scale * case.covariance, case.phi, data
    )
    assert failed == 0
    assert np.isfinite(total)
    want = slope(lambda phi: log_likelihood_and_gradient(mean, scale * case.covariance, phi, data)[0], case.phi, 1e-4)
    np.testing.assert_allclose(phi_bar, want, rtol=1e-5, atol=1e-5 * np.abs(want).max())
    along = slope(
        lambda step: log_likelihood_and_gradient(mean, scale * (1 + step[0]) * case.covariance, case.phi, data)[0],
        np.zeros(1),
        1e-3,
    )[0]
    np.testing.assert_allclose((covariance_bar * scale * case.covariance).sum(), along, rtol=1e-6, atol=1e-6)
    assert np.isfinite(mean_bar).all()


@pytest.mark.parametrize("broken", ["covariance", "latent covariance", "cuts"])
def test_what_is_not_allowed_has_no_likelihood(broken):
    case = random_case(["normal", "days"], 2, 10)
    covariance, phi = case.covariance.copy(), case.phi.copy()
    if broken == "covariance":
        covariance[0, 0] = -1
    elif broken == "latent covariance":
        covariance[1, 1] = 1e-9
    else:
        phi[0] = phi[1] + 1
    total, *gradients, _ = log_likelihood_and_gradient(case.mean, covariance, phi, case.data)
    assert total == -np.inf
    for gradient in gradients:
        np.testing.assert_array_equal(gradient, 0)


def test_modes_have_no_slope_left():
    """At the mode ``l'(eta) = S^-1 (eta - m)`` for one latent measure, and the variance is the inverse curvature."""
    case = random_case(["days"], 3, 20, missing=0.0)
    eta, variance = np.full((20, 3), np.nan), np.full((20, 3), np.nan)
    modes(case.mean, case.covariance, case.phi, case.data, eta, variance)
    assert not np.isnan(eta).any()
    precision = np.linalg.inv(case.covariance)

    def log_joint(point, person):
        terms = [log_density(*response[1:], point[response[0]]) for response in case.of_person(person)]
        return np.sum(terms) - 0.5 * (point - case.mean) @ precision @ (point - case.mean)

    for person in range(20):
        np.testing.assert_allclose(slope(partial(log_joint, person=person), eta[person]), 0, atol=1e-7)
        curvature = slope(lambda point: slope(partial(log_joint, person=person), point), eta[person])  # noqa: B023
        np.testing.assert_allclose(variance[person], np.diag(np.linalg.inv(-curvature)), rtol=1e-5)
