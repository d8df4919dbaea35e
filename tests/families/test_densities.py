"""Each family's log density is scipy's, sums to 1, and has the gradient that differences give."""

import numpy as np
import pytest
from scipy import special

from alliance_bayes.engine.latent.exponentials import exponentials
from alliance_bayes.engine.latent.tables import LOWEST, N_GRID, STEP, interpolated, scatter
from alliance_bayes.families.registry import CODES, DENSITIES, add_phi_gradients, log_densities, steepness
from alliance_bayes.families.special import add_logarithms, digamma, log_rising, rising_slope
from helpers import slope
from textbook_families import log_density

PARAMETERS = {
    "days": [[-1.5, 0.4, 1.2, 0.8, 0.7, 4.0], [-0.1, 0.1, 2.5, -1.0, 1.5, 0.6]],
    "days_probit": [[-1.5, 0.4, 1.2, 0.8, 0.7, 4.0], [-0.1, 0.1, 2.5, -1.0, 1.5, 0.6]],
    "beta_binomial": [[0.3, 0.9, 5.0], [-1.0, 1.4, 0.5]],
    "count": [[1.0, 0.8, 2.0], [-0.5, 0.3, 40.0]],
    "hurdle_count": [[1.0, 0.8, 2.0, 0.5, 1.1], [-1.5, 0.3, 0.4, -1.0, 0.6]],
    "proportion": [[-1.5, 0.4, 1.2, 0.8, 4.0], [-0.1, 0.1, 2.0, -1.0, 0.6]],
    "proportion_probit": [[-1.5, 0.4, 1.2, 0.8, 4.0], [-0.1, 0.1, 1.6, -1.0, 0.6]],
    "yes_no": [[0.4, 1.3], [-2.0, 0.5]],
    "ordinal": [[1.3, -1.0, 0.2, 1.1], [0.6, -2.0, -1.9, -1.5, 0.0, 2.0]],
    "ordinal_probit": [[1.3, -1.0, 0.2, 1.1], [0.6, -2.0, -1.9, -1.5, 0.0, 2.0]],
    "occurrence": [[]],
}
SIZES = {
    "days": [2, 30, 90],
    "beta_binomial": [1, 6],
    "count": [0.0, np.log(12.0)],
    "proportion": [0.0],
    "proportion_probit": [0.0],
    "yes_no": [0.0],
    "occurrence": [0.0],
}
SIZES |= {"days_probit": SIZES["days"], "hurdle_count": SIZES["count"]}
ETA = np.array([-2.3, -0.4, 0.0, 0.9, 2.8])


def sizes(family, phi):
    return SIZES.get(family, [len(phi)])


def support(family, size):
    if family in ("count", "hurdle_count"):
        return np.arange(4000)
    if family.startswith("proportion"):  # some of it
        return np.array([0.0, 0.004, 0.2, 0.5, 0.93, 1.0])
    return np.arange({"yes_no": 2, "occurrence": 2, "ordinal": size, "ordinal_probit": size}.get(family, size + 1))


CASES = [
    pytest.param(family, size, np.array(phi), id=f"{family}-{size:.3g}-{number}")
    for family, parameters in PARAMETERS.items()
    for number, phi in enumerate(parameters)
    for size in sizes(family, phi)
]


def some_values(family, size):
    every = support(family, size)
    return sorted({*every[:3], every[len(every) // 2], *every[-2:]} - {*every[41:]} | {*every[:1]})


def compiled(family, values, size, phi, eta):
    """Log densities of several values at several eta, nothing left out; shape ``(value, eta)``."""
    values, eta = np.asarray(values, dtype=float), np.asarray(eta, dtype=float)
    result = np.empty((len(values), len(eta)))
    log_densities(CODES[family], float(size), values, phi, eta, result)
    return result + DENSITIES[family].log_constant(values, np.full(len(values), float(size)))[:, None]


def gradient(family, values, size, phi, eta, weights):
    found = np.zeros(len(phi))
    values = np.asarray(values, dtype=float)
    add_phi_gradients(CODES[family], float(size), values, phi, np.asarray(eta), weights, found)
    return found


@pytest.mark.parametrize(("family", "size", "phi"), CASES)
def test_log_density_is_that_of_scipy(family, size, phi):
    near, values = ETA / 2, some_values(family, size)
    want = [log_density(family, value, size, phi, near) for value in values]
    np.testing.assert_allclose(compiled(family, values, size, phi, near), want, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize(("family", "size", "phi"), [case for case in CASES if not case.id.startswith("proportion")])
def test_probabilities_sum_to_1(family, size, phi):
    total = np.exp(compiled(family, support(family, size), size, phi, [-1.7, 0.6])).sum(axis=0)
    np.testing.assert_allclose(total, 1, rtol=1e-9)


@pytest.mark.parametrize(("family", "size", "phi"), [case for case in CASES if not case.id.startswith("occurrence")])
def test_gradient_in_phi_is_the_slope_of_the_weighted_sum(family, size, phi):
    values = some_values(family, size)
    weights = np.random.default_rng(1).random((len(values), len(ETA)))
    weights[0, 1] = 0

    def weighted(point):
        return (weights * compiled(family, values, size, point, ETA)).sum()

    found = gradient(family, values, size, phi, ETA, weights)
    np.testing.assert_allclose(found, slope(weighted, phi, width=1e-4), rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize(("family", "size", "phi"), CASES)
def test_far_out_nothing_overflows(family, size, phi):
    values, far = some_values(family, size), np.array([-150.0, -60.0, -25.0, 25.0, 60.0, 150.0])
    assert np.isfinite(compiled(family, values, size, phi, far)).all()
    assert np.isfinite(gradient(family, values, size, phi, far, np.ones((len(values), len(far))))).all()


@pytest.mark.parametrize(("family", "size", "phi"), CASES)
def test_tables_hold_between_and_beyond_their_points(family, size, phi):
    """To the sixth order within the grid, and a smooth continuation beyond it."""
    value = float(some_values(family, size)[-2])
    row = compiled(family, [value], size, phi, LOWEST + STEP * np.arange(N_GRID))[0]
    inside = np.linspace(-9.99, 9.99, 301)
    found = np.array([interpolated(row, eta) for eta in inside])
    np.testing.assert_allclose(found, compiled(family, [value], size, phi, inside)[0], atol=1e-4)
    np.testing.assert_allclose(found[50:-50], compiled(family, [value], size, phi, inside)[0, 50:-50], atol=2e-6)
    beyond = np.array([-11.0, 11.0])
    found = [interpolated(row, eta) for eta in beyond]
    np.testing.assert_allclose(found, compiled(family, [value], size, phi, beyond)[0], rtol=0.01, atol=0.01)


@pytest.mark.parametrize("eta", [-13.0, -10.0, -9.97, -0.04, 3.0, 9.99, 10.0, 12.0])
def test_gradients_of_tables_are_spread_over_their_points(eta):
    rng = np.random.default_rng(2)
    row, row_bar = rng.normal(size=N_GRID), np.zeros(N_GRID)
    scatter(eta, 0.7, row_bar)
    np.testing.assert_allclose(row_bar @ row, 0.7 * interpolated(row, eta), rtol=1e-10)
    np.testing.assert_allclose(row_bar.sum(), 0.7, rtol=1e-10)


def test_exponentials_are_those_of_numpy():
    values = np.concatenate([np.linspace(-40, 0.5, 100), [-800.0, -np.inf, -1e-300, 0.0]])
    found = values.copy()
    assert exponentials(found, len(values), np.empty(len(values))) == 0.5
    np.testing.assert_allclose(found, np.exp(np.maximum(values - 0.5, -700)), rtol=1e-13)


def test_logarithms_are_those_of_numpy():
    values = np.concatenate([np.linspace(0.5, 2.0, 101), np.geomspace(1e-300, 1e300, 60), [1 - 1e-9, 1 + 1e-12]])
    found = np.ones(len(values))
    add_logarithms(values.copy(), found, np.empty(len(values)))
    np.testing.assert_allclose(found, 1.0 + np.log(values), rtol=1e-15, atol=1e-15)


@pytest.mark.parametrize("x", [1e-12, 0.3, 1.0, 6.9, 7.0, 45.0, 1e6])
def test_digamma_is_that_of_scipy(x):
    np.testing.assert_allclose(digamma(x), special.digamma(x), rtol=1e-12)
    for count in (0, 3, 8, 30):
        np.testing.assert_allclose(rising_slope(count, x), special.digamma(x + count) - special.digamma(x), rtol=1e-8)
        want = special.gammaln(x + count) - special.gammaln(x)
        np.testing.assert_allclose(log_rising(count, x), want, rtol=1e-8, atol=1e-9)


def test_unknown_codes_are_refused():
    phi, eta, values = np.ones(6), np.zeros(1), np.zeros(1)
    with pytest.raises(ValueError, match="No density has this code"):
        log_densities(len(CODES), 1.0, values, phi, eta, np.empty((1, 1)))
    with pytest.raises(ValueError, match="No density has this code"):
        add_phi_gradients(len(CODES), 1.0, values, phi, eta, np.ones((1, 1)), np.zeros(6))
    with pytest.raises(ValueError, match="No density has this code"):
        steepness(len(CODES), phi)
