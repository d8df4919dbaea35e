"""Draws of cases and linear predictors have the moments of their posterior."""

import numpy as np
import pytest
from latent_panels import panel_of, random_case
from scipy.special import expit

from alliance_bayes.engine.histories import Cases
from alliance_bayes.engine.latent.predictor_draws import draw_linear_predictors
from alliance_bayes.engine.latent.propagation import case_log_likelihoods
from alliance_bayes.engine.latent.responses import Responses, arrange
from alliance_bayes.families.registry import CODES
from textbook_families import log_density

COPIES = 4000


def copies(exact, responses, person):
    """One person many times over."""
    rows = np.flatnonzero(responses.case == person)
    repeated = Responses(*[np.tile(each[rows], COPIES) for each in responses])
    return np.tile(exact[person], (COPIES, 1)), repeated._replace(case=np.repeat(np.arange(COPIES), len(rows)))


@pytest.mark.parametrize(("measures", "person"), [(["days", "normal"], 3), (["yes_no", "normal"], 0), (["count"], 5)])
def test_draws_have_the_moments_of_the_posterior(measures, person):
    case = random_case(measures, 2, 10, missing=0.0, seed=9)
    many = panel_of(case.mean, case.covariance, case.phi, *copies(case.exact, case.responses, person))
    chosen, eta = draw_linear_predictors(*many.moments, COPIES, np.random.default_rng(1))
    np.testing.assert_array_equal(chosen, np.arange(COPIES))
    step = len(measures)
    assert np.isnan(eta).all(axis=0).tolist() == [position % step != 0 for position in range(2 * step)]
    found = eta[:, ::step]

    seen, latent = np.flatnonzero(~np.isnan(case.exact[person])), np.arange(0, 2 * step, step)
    weights = case.covariance[np.ix_(latent, seen)] @ np.linalg.inv(case.covariance[np.ix_(seen, seen)])
    centre = case.mean[latent] + weights @ (case.exact[person] - case.mean)[seen]
    spread = case.covariance[np.ix_(latent, latent)] - weights @ case.covariance[np.ix_(seen, latent)]
    axis = np.linspace(-7, 7, 281)
    grid = np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1).reshape(-1, 2)
    away = grid - centre
    log_joint = -0.5 * np.einsum("gi,ij,gj->g", away, np.linalg.inv(spread), away)
    for position, family, value, size, phi in case.of_person(person):
        log_joint += log_density(family, value, size, phi, grid[:, position // step])
    density = np.exp(log_joint - log_joint.max())
    density /= density.sum()
    mean = density @ grid
    covariance = (density[:, None] * (grid - mean)).T @ (grid - mean)
    errors = np.sqrt(np.diag(covariance) / COPIES)
    assert (np.abs(found.mean(axis=0) - mean) < 4.5 * errors).all()
    np.testing.assert_allclose(np.cov(found.T), covariance, atol=0.12 * np.diag(covariance).max())
    third = density @ (grid - mean) ** 3 / np.diag(covariance) ** 1.5
    np.testing.assert_allclose(((found - mean) ** 3).mean(axis=0) / np.diag(covariance) ** 1.5, third, atol=0.35)


def test_cases_are_drawn_with_their_posterior_probability():
    """A state that may have been on or off, of which a normal measure tells; and people of whom nothing is known."""
    rng = np.random.default_rng(3)
    each = np.arange(COPIES)
    exact = np.column_stack([np.full(COPIES, 0.8), np.full(COPIES, np.nan)])
    exact[-5:] = np.nan
    cases = Cases(np.concatenate([each, each[:-5]]), np.repeat([0, 1], [COPIES, COPIES - 5]), np.zeros(2 * COPIES - 5))
    state = (cases.cell == 1).astype(float)
    row = np.flatnonzero(cases.person < COPIES - 5)
    responses = Responses(row, 0 * row + 1, 0 * row + CODES["occurrence"], 0 * row, state[row], 0.0 * row)
    means, covariances = np.array([[0.0, -0.4], [1.0, -0.4]]), np.stack([np.diag([1.0, 0.3])] * 2)
    data = arrange(exact, responses, cases)
    chosen, eta = draw_linear_predictors(means, covariances, np.zeros(0), data, COPIES, rng)
    np.testing.assert_array_equal(chosen[-5:], -1)
    assert np.isnan(eta[-5:]).all()
    on = cases.cell[chosen[:-5]] == 1
    np.testing.assert_array_equal(cases.person[chosen[:-5]], each[:-5])
    values, _ = case_log_likelihoods(means, covariances, np.zeros(0), data)
    odds = np.exp(np.diff([values[data.cell[_pattern(data)] == cell][0] for cell in (0, 1)])[0])
    np.testing.assert_allclose(odds, np.exp(0.5 * (0.8**2 - 0.2**2)) * _share() / (1 - _share()), rtol=1e-4)
    assert abs(on.mean() - odds / (1 + odds)) < 4.5 * np.sqrt(0.25 / COPIES)
    assert eta[:-5, 1][on].mean() > eta[:-5, 1][~on].mean() + 0.1


def _pattern(data):
    return np.searchsorted(data.bounds, np.arange(len(data.case)), side="right") - 1


def _share():
    """Mean of the logistic function over a normal of mean -0.4 and variance 0.3."""
    points, weights = np.polynomial.hermite_e.hermegauss(40)
    return weights @ expit(-0.4 + np.sqrt(0.3) * points) / weights.sum()
