"""Expectation propagation: exact where it must be, near dense quadrature where it may not, its gradient its slope."""

import numpy as np
import pytest
from latent_panels import panel_of, random_case
from scipy.special import expit, logsumexp

from alliance_bayes.engine.histories import Cases
from alliance_bayes.engine.latent.propagation import case_log_likelihoods, log_likelihood_and_gradient, log_likelihoods
from alliance_bayes.engine.latent.responses import Responses, arrange
from alliance_bayes.families.registry import CODES
from engine_calls import one_case_each
from helpers import random_covariance, slope
from oracles.moments import log_likelihood_per_person
from textbook_families import log_likelihood_by_grid

MIXTURES = [
    (["normal", "days"], 3),
    (["normal", "days_probit"], 2),
    (["normal", "count", "yes_no"], 2),
    (["hurdle_count", "ordinal+"], 2),
    (["ordinal_probit", "normal", "occurrence"], 2),
    (["beta_binomial", "normal"], 4),
    (["normal", "proportion"], 2),
]
CASES = [pytest.param(measures, n_waves, id=f"{'-'.join(measures)}-{n_waves}") for measures, n_waves in MIXTURES]


def per_person(case):
    return log_likelihoods(*case.moments, len(case.exact))


def by_grid(case, n_points=61):
    return np.array(
        [
            log_likelihood_by_grid(case.mean, case.covariance, row, case.of_person(person), n_points)
            for person, row in enumerate(case.exact)
        ]
    )


def check_gradients(means, covariances, phi, data, rtol=1e-4):
    """Against slopes of the value: of the means, of every entry of the covariances (pairs together), of phi."""
    rows, columns = np.tril_indices(means.shape[1])
    shapes = means.size, len(means) * len(rows)

    def unpacked(point):
        first, second, rest = np.split(point, np.cumsum(shapes))
        matrices = np.zeros(covariances.shape)
        matrices[:, rows, columns] = second.reshape(len(means), -1)
        matrices[:, columns, rows] = matrices[:, rows, columns]
        return first.reshape(means.shape), matrices, rest

    point = np.concatenate([means.ravel(), covariances[:, rows, columns].ravel(), phi])
    _, means_bar, covariances_bar, phi_bar, unsettled = log_likelihood_and_gradient(means, covariances, phi, data)
    assert unsettled == 0
    np.testing.assert_allclose(covariances_bar, covariances_bar.swapaxes(1, 2), rtol=1e-9, atol=1e-9)
    folded = np.where(rows == columns, 1, 2) * covariances_bar[:, rows, columns]
    want = slope(lambda moved: log_likelihood_and_gradient(*unpacked(moved), data)[0], point)
    found = np.concatenate([means_bar.ravel(), folded.ravel(), phi_bar])
    np.testing.assert_allclose(found, want, rtol=rtol, atol=rtol * np.abs(want).max())


@pytest.mark.parametrize("n_waves", [2, 4])
def test_normal_measures_alone_have_their_normal_density(n_waves):
    case = random_case(["normal", "normal"], n_waves, 40, missing=0.4)
    want = log_likelihood_per_person(case.mean, case.covariance, case.exact)
    np.testing.assert_allclose(per_person(case), want, rtol=1e-9, atol=1e-10)
    total, *_, unsettled = log_likelihood_and_gradient(*case.moments)
    np.testing.assert_allclose(total, want.sum(), rtol=1e-10)
    assert unsettled == 0


@pytest.mark.parametrize(("measures", "n_waves"), CASES)
def test_the_sum_over_people_is_the_total(measures, n_waves):
    case = random_case(measures, n_waves, 25)
    total, *_, unsettled = log_likelihood_and_gradient(*case.moments)
    np.testing.assert_allclose(per_person(case).sum(), total, rtol=1e-12)
    assert unsettled == 0


@pytest.mark.parametrize(("measures", "n_waves"), CASES)
def test_gradients_are_slopes(measures, n_waves):
    check_gradients(*random_case(measures, n_waves, 25).moments)


@pytest.mark.parametrize(("measures", "n_waves"), CASES)
def test_the_order_of_people_and_responses_changes_nothing(measures, n_waves):
    case = random_case(measures, n_waves, 25)
    rng = np.random.default_rng(3)
    people, rows = rng.permutation(25), rng.permutation(len(case.responses.case))
    shuffled = Responses(*[each[rows] for each in case.responses])
    moved = shuffled._replace(case=np.argsort(people)[shuffled.case])
    other = case._replace(exact=case.exact[people], responses=moved)
    np.testing.assert_allclose(per_person(other), per_person(case)[people], rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize(
    "measure", ["days", "days_probit", "count", "hurdle_count", "proportion", "yes_no", "ordinal+"]
)
def test_one_latent_number_is_integrated_exactly(measure):
    case = random_case([measure, "normal"], 1, 30, missing=0.2)
    np.testing.assert_allclose(per_person(case), by_grid(case, 161), atol=2e-6)


@pytest.mark.parametrize(
    ("measure", "allowed"),
    [
        ("days", 2e-4),
        ("days_probit", 2e-4),
        ("count", 1e-4),
        ("hurdle_count", 5e-4),
        ("proportion", 5e-4),
        ("yes_no", 1e-3),
        ("ordinal+", 2e-4),
        ("occurrence", 1e-3),
    ],
)
def test_two_latent_numbers_are_near_dense_quadrature(measure, allowed):
    case = random_case([measure, "normal"], 2, 30, missing=0.3)
    error = per_person(case) - by_grid(case)
    assert 1e-7 < np.abs(error).max() < allowed


def test_many_responses_make_a_nearly_normal_posterior():
    """The more answers to a latent number, the nearer the sum over two of them is to the integral."""
    errors, covariance = [], np.array([[1.0, 0.6], [0.6, 1.2]])
    for number in (1, 5, 25, 125):
        each = np.arange(2 * number)
        position, value = each % 2, (each % 5 < 3).astype(float)
        responses = Responses(0 * each, position, 0 * each + CODES["yes_no"], 0 * each, value, 0.0 * each)
        case = panel_of(np.zeros(2), covariance, np.array([0.0, 1.0]), np.full((1, 2), np.nan), responses)
        errors.append(abs(per_person(case) - by_grid(case, 201))[0])
    assert errors[0] < 2e-3
    assert errors[1] < 2e-4
    assert max(errors[2:]) < 1e-5


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
    wider = panel_of(
        mean, covariance, case.phi, np.hstack([case.exact, np.full((20, len(measures)), np.nan)]), case.responses
    )
    found, want = log_likelihood_and_gradient(*wider.moments), log_likelihood_and_gradient(*case.moments)
    np.testing.assert_allclose(found[0], want[0], rtol=1e-12)
    np.testing.assert_allclose(found[1][0], np.append(want[1], np.zeros(len(measures))), rtol=1e-9, atol=1e-10)
    np.testing.assert_allclose(found[2][:, :size, :size], want[2], rtol=1e-9, atol=1e-10)
    np.testing.assert_array_equal(found[2][:, size:], 0)


def test_people_without_any_value_count_for_nothing():
    case = random_case(["normal", "days"], 3, 10, missing=0.0)
    exact, kept = case.exact.copy(), ~np.isin(case.responses.case, [0, 7])
    exact[[0, 7]] = np.nan
    fewer = case._replace(exact=exact, responses=Responses(*[each[kept] for each in case.responses]))
    want = np.where(np.isin(np.arange(10), [0, 7]), 0, per_person(case))
    np.testing.assert_allclose(per_person(fewer), want, rtol=1e-12)
    assert len(fewer.data.case) == 8


def test_a_value_that_is_exact_and_a_response_is_refused():
    case = random_case(["normal", "days"], 2, 5)
    with pytest.raises(ValueError, match="exact and a response at once"):
        arrange(np.zeros_like(case.exact), case.responses, one_case_each(5))


def test_the_answer_does_not_depend_on_what_was_computed_before():
    case = random_case(["normal", "days"], 3, 25)
    first = log_likelihood_and_gradient(*case.moments)
    log_likelihood_and_gradient(case.mean[None] + 2, 3 * case.covariance[None], 0.7 * case.phi, case.data)
    again = log_likelihood_and_gradient(*case.moments)
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("scale", "far"), [(1e-8, 0.0), (1e-8, 8.0), (1e-3, 0.0), (1e-3, 8.0), (30.0, 0.0), (30.0, 4.0)]
)
def test_hardly_any_and_very_much_variance(scale, far):
    """A nearly singular covariance, a very wide one, and responses far from what was expected."""
    case = random_case(["normal", "days", "count"], 2, 25, missing=0.2)
    mean = case.mean + far * np.array([0, 1, -1, 0, 1, -1])
    exact = case.mean + (case.exact - case.mean) * np.sqrt(scale)
    data, covariance = arrange(exact, case.responses, one_case_each(25)), scale * case.covariance[None]
    total, means_bar, covariances_bar, phi_bar, unsettled = log_likelihood_and_gradient(
        mean[None], covariance, case.phi, data
    )
    assert unsettled == 0
    assert np.isfinite(total)
    assert np.isfinite(means_bar).all()
    want = slope(lambda phi: log_likelihood_and_gradient(mean[None], covariance, phi, data)[0], case.phi)
    np.testing.assert_allclose(phi_bar, want, rtol=1e-3, atol=1e-3 * np.abs(want).max())

    def wider(step):
        return log_likelihood_and_gradient(mean[None], (1 + step[0]) * covariance, case.phi, data)[0]

    np.testing.assert_allclose((covariances_bar * covariance).sum(), slope(wider, np.zeros(1))[0], rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("steeper", [2.0, 5.0])
def test_steep_densities_are_summed_finely(steeper):
    """Slopes of 2.6 and 6.5 make answers nearly step functions of the linear predictor."""
    case = random_case(["normal", "ordinal"], 2, 25, missing=0.1)
    steep = case._replace(phi=case.phi * np.array([steeper, 1, 1, 1]))
    np.testing.assert_allclose(per_person(steep), by_grid(steep, 241), atol=0.003)
    check_gradients(*steep.moments, rtol=1e-3)


def test_cases_that_do_not_settle_are_counted():
    """Hundreds of SDs of latent variance and steps of almost no width."""
    case = random_case(["days", "ordinal+"], 3, 25, seed=5)
    counts = []
    for steeper, wider in ((1, 1), (100, 1e6)):
        phi = case.phi.copy()
        phi[[2, 4, 6, 10, 14]] *= steeper
        *_, unsettled = log_likelihood_and_gradient(case.mean[None], wider * case.covariance[None], phi, case.data)
        counts.append(unsettled)
        assert case_log_likelihoods(case.mean[None], wider * case.covariance[None], phi, case.data)[1] == unsettled
    assert counts[0] == 0
    assert 0 < counts[1] <= 25


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
    total, *gradients, _ = log_likelihood_and_gradient(case.mean[None], covariance[None], phi, case.data)
    assert total == -np.inf
    for gradient in gradients:
        np.testing.assert_array_equal(gradient, 0)


def test_two_names_of_one_latent_number_are_one():
    """Perfectly correlated linear predictors, whose covariance has no inverse."""
    case = random_case(["yes_no"], 3, 30, missing=0.2, seed=4)
    covariance = np.full((3, 3), 1.3)
    twice = case._replace(mean=np.full(3, 0.2), covariance=covariance)
    together = case.responses._replace(position=0 * case.responses.position)
    once = panel_of(np.array([0.2]), covariance[:1, :1], case.phi, np.full((30, 1), np.nan), together)
    np.testing.assert_allclose(per_person(twice), per_person(once), atol=0.005)
    _, *gradients, unsettled = log_likelihood_and_gradient(*twice.moments)
    assert unsettled == 0
    for gradient in gradients:
        assert np.isfinite(gradient).all()
    means = twice.mean[None]
    want = slope(
        lambda step: log_likelihood_and_gradient(means, (1 + step) * covariance[None], *twice.moments[2:])[0], [0]
    )
    np.testing.assert_allclose((gradients[1] * covariance).sum(), want[0], rtol=1e-4)


def test_a_state_that_follows_from_what_is_known_has_its_logistic_probability():
    """The predictor is ``0.4 + 1.5 (y - m)`` without a rest: a plain logistic regression."""
    rng = np.random.default_rng(8)
    y, state = rng.normal(0.3, 1.2, size=40), rng.integers(0, 2, size=40).astype(float)
    moments = np.array([0.3, 0.4]), 1.2**2 * np.array([[1.0, 1.5], [1.5, 1.5**2]])
    each = np.arange(40)
    responses = Responses(each, 0 * each + 1, 0 * each + CODES["occurrence"], 0 * each, state, 0.0 * each)
    case = panel_of(*moments, np.zeros(0), np.column_stack([y, np.full(40, np.nan)]), responses)
    normal = log_likelihood_per_person(case.mean[:1], case.covariance[:1, :1], y[:, None])
    eta = 0.4 + 1.5 * (y - 0.3)
    np.testing.assert_allclose(per_person(case), normal + np.log(expit(np.where(state > 0, eta, -eta))), atol=1e-9)
    means_bar = log_likelihood_and_gradient(*case.moments)[1]
    np.testing.assert_allclose(means_bar[0, 1], (state - expit(eta)).sum(), rtol=1e-9)


class Rivals:
    """Ten people with one to three possible histories each, of two linear systems."""

    def __init__(self, seed=6):
        self.base = random_case(["normal", "days", "occurrence"], 2, 10, missing=0.2, seed=seed)
        rng = np.random.default_rng(seed)
        size = len(self.base.mean)
        self.means = np.stack([self.base.mean, self.base.mean + 0.3])
        self.covariances = np.stack([self.base.covariance, random_covariance(size, rng) + 0.3])
        person = np.repeat(np.arange(10), rng.integers(1, 4, size=10))
        self.cases = Cases(person, rng.integers(0, 2, size=len(person)), rng.normal(size=len(person)))
        of_person = [np.flatnonzero(self.base.responses.case == one) for one in person]
        rows = np.concatenate(of_person)
        value = self.base.responses.value[rows]
        predicted = self.base.responses.code[rows] == CODES["occurrence"]
        value[predicted] = rng.integers(0, 2, size=predicted.sum())
        of_case = np.repeat(np.arange(len(person)), [len(each) for each in of_person])
        responses = Responses(*[each[rows] for each in self.base.responses])
        self.responses = responses._replace(case=of_case, value=value)
        self.data = arrange(self.base.exact, self.responses, self.cases)

    @property
    def moments(self):
        return self.means, self.covariances, self.base.phi, self.data

    def alone(self, case):
        """One case as the only one of a panel of one person."""
        kept = self.responses.case == case
        responses = Responses(*[each[kept] for each in self.responses])
        cell, person = self.cases.cell[case], self.cases.person[case]
        return panel_of(
            self.means[cell],
            self.covariances[cell],
            self.base.phi,
            self.base.exact[person : person + 1],
            responses._replace(case=0 * responses.case),
        )


def test_densities_of_one_person_s_cases_are_added():
    rivals = Rivals()
    each = np.array([per_person(rivals.alone(case))[0] for case in range(len(rivals.cases.person))])
    want = [logsumexp((each + rivals.cases.log_weight)[rivals.cases.person == person]) for person in range(10)]
    np.testing.assert_allclose(log_likelihoods(*rivals.moments, 10), want, rtol=1e-10)
    total, *_ = log_likelihood_and_gradient(*rivals.moments)
    np.testing.assert_allclose(total, np.sum(want), rtol=1e-10)


@pytest.mark.parametrize("seed", [6, 7])
def test_gradients_over_several_cases_and_systems_are_slopes(seed):
    check_gradients(*Rivals(seed).moments)


def test_covariates_are_conditioned_on():
    """The last positions, independent and standard normal, leave no density of their own."""
    case = random_case(["normal", "days"], 2, 15, missing=0.2)
    rng = np.random.default_rng(2)
    covariates, loadings = rng.normal(size=(15, 2)), rng.normal(size=(4, 2)) * 0.3
    covariance = np.block([[case.covariance + loadings @ loadings.T, loadings], [loadings.T, np.eye(2)]])
    mean, exact = np.append(case.mean, [0, 0]), np.hstack([case.exact, covariates])
    data = arrange(exact, case.responses, one_case_each(15), n_given=2)
    found = log_likelihoods(mean[None], covariance[None], case.phi, data, 15)
    for person in range(15):
        shifted = case._replace(mean=case.mean + loadings @ covariates[person])
        np.testing.assert_allclose(found[person], per_person(shifted)[person], rtol=1e-8)


def test_unanswered_cases_of_a_person_still_count():
    """A person of whom nothing is known but two possible histories has the sum of their weights."""
    nothing = Responses(*[np.zeros(0, dtype=int)] * 4, *[np.zeros(0)] * 2)
    cases = Cases(np.array([0, 1, 1]), np.zeros(3, dtype=int), np.log([1.0, 0.2, 0.3]))
    data = arrange(np.full((2, 2), np.nan), nothing, cases)
    found = log_likelihoods(np.zeros((1, 2)), np.eye(2)[None], np.zeros(0), data, 2)
    np.testing.assert_allclose(found, [0, np.log(0.5)], atol=1e-12)
