"""Each family's log density is scipy's, sums to 1, and has the derivatives that differences give."""

import numpy as np
import pytest

from alliance_bayes.latent.families import CODES, constants, derivatives, log_of_counting, phi_gradient
from alliance_bayes.latent.reference import log_density
from helpers import slope

PARAMETERS = {
    "days": [[-1.5, 0.4, 1.2, 0.8, 0.7, 4.0], [-0.1, 0.1, 2.5, -1.0, 1.5, 0.6]],
    "days_probit": [[-1.5, 0.4, 1.2, 0.8, 0.7, 4.0], [-0.1, 0.1, 2.5, -1.0, 1.5, 0.6]],
    "beta_binomial": [[0.3, 0.9, 5.0], [-1.0, 1.4, 0.5]],
    "count": [[1.0, 0.8, 2.0], [-0.5, 0.3, 40.0]],
    "hurdle_count": [[1.0, 0.8, 2.0, 0.5, 1.1], [-1.5, 0.3, 0.4, -1.0, 0.6]],
    "yes_no": [[0.4, 1.3], [-2.0, 0.5]],
    "ordinal": [[1.3, -1.0, 0.2, 1.1], [0.6, -2.0, -1.9, -1.5, 0.0, 2.0]],
    "ordinal_probit": [[1.3, -1.0, 0.2, 1.1], [0.6, -2.0, -1.9, -1.5, 0.0, 2.0]],
}
SIZES = {"days": [2, 30, 90], "beta_binomial": [1, 6], "count": [0.0, np.log(12.0)], "yes_no": [0.0]}
SIZES |= {"days_probit": SIZES["days"], "hurdle_count": SIZES["count"]}
ETA = np.array([-2.3, -0.4, 0.0, 0.9, 2.8])


def sizes(family, phi):
    return SIZES.get(family, [len(phi)])


def support(family, size):
    if family in ("count", "hurdle_count"):
        return np.arange(4000)
    return np.arange({"yes_no": 2, "ordinal": size, "ordinal_probit": size}.get(family, size + 1))


CASES = [
    pytest.param(family, size, np.array(phi), id=f"{family}-{size:.3g}-{number}")
    for family, parameters in PARAMETERS.items()
    for number, phi in enumerate(parameters)
    for size in sizes(family, phi)
]


def some_values(family, size):
    every = support(family, size)
    return sorted({*every[:3], every[len(every) // 2], *every[-2:]} - {*every[41:]} | {*every[:1]})


def compiled(family, value, size, phi, eta):
    response = CODES[family], 0, float(value), float(size)
    constant, added, _ = constants(*response, phi)
    total, *slopes = derivatives(*response, constant, phi, eta, True)
    low = derivatives(*response, constant, phi, eta, False)
    np.testing.assert_allclose(low[:4], [total, *slopes[:3]], rtol=1e-10, atol=1e-12)
    return np.array([total + added, *slopes])


def weighted_gradient(family, value, size, phi, eta, weights):
    response = CODES[family], 0, float(value), float(size)
    constant, _, scale_slope = constants(*response, phi)
    gradient = np.zeros(len(phi))
    phi_gradient(*response, constant, scale_slope, phi, eta, np.array(weights), gradient)
    return gradient


def whole(family, value, size, phi, eta):
    counting = log_of_counting(CODES[family], np.array([float(value)]), np.array([float(size)]))[0]
    return compiled(family, value, size, phi, eta)[0] + counting


@pytest.mark.parametrize(("family", "size", "phi"), CASES)
def test_log_density_is_that_of_scipy(family, size, phi):
    near = ETA / 2
    for value in some_values(family, size):
        want = log_density(family, value, size, phi, near)
        found = [whole(family, value, size, phi, eta) for eta in near]
        np.testing.assert_allclose(found, want, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize(("family", "size", "phi"), CASES)
@pytest.mark.parametrize("eta", [-1.7, 0.6])
def test_probabilities_sum_to_1(family, size, phi, eta):
    total = sum(np.exp(whole(family, value, size, phi, eta)) for value in support(family, size))
    np.testing.assert_allclose(total, 1, rtol=1e-9)


@pytest.mark.parametrize(("family", "size", "phi"), CASES)
def test_derivatives_in_eta_are_slopes(family, size, phi):
    for value in some_values(family, size):
        for eta in ETA:
            found = compiled(family, value, size, phi, eta)
            want = slope(lambda point: compiled(family, value, size, phi, point[0])[:5], np.array([eta]))  # noqa: B023
            np.testing.assert_allclose(found[1:4], want[:3, 0], rtol=1e-7, atol=1e-8)
            np.testing.assert_allclose(found[4:], want[3:, 0], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("family", "size", "phi"), CASES)
@pytest.mark.parametrize("weights", [np.zeros(4), *np.eye(4), (0.7, -0.4, 0.2, 0.3)])
def test_gradient_in_phi_is_the_slope_of_weighted_derivatives(family, size, phi, weights):
    combination = np.array([1.0, *weights])
    for value in some_values(family, size):
        for eta in ETA[1:4]:
            found = weighted_gradient(family, value, size, phi, eta, weights)

            def weighted(point):
                return combination @ compiled(family, value, size, point, eta)[:5]  # noqa: B023

            np.testing.assert_allclose(found, slope(weighted, phi, width=1e-4), rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize(("family", "size", "phi"), CASES)
@pytest.mark.parametrize("eta", [-150.0, -60.0, -25.0, 25.0, 60.0, 150.0])
def test_far_out_nothing_overflows(family, size, phi, eta):
    for value in some_values(family, size):
        found = compiled(family, value, size, phi, eta)
        assert np.isfinite(found).all()
        assert np.isfinite(weighted_gradient(family, value, size, phi, eta, [0.3, 0.3, 0.1, 0.1])).all()
        nearby = slope(lambda point: compiled(family, value, size, phi, point[0])[:2], np.array([eta]))  # noqa: B023
        np.testing.assert_allclose(found[1:3], nearby[:, 0], rtol=1e-5, atol=1e-5)
