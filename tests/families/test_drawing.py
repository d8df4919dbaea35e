"""Responses drawn from every family have its probabilities."""

import numpy as np
import pytest
from scipy.stats import chisquare

import alliance_bayes as ab
from alliance_bayes.families.normal import Gaussian
from textbook_families import log_density

N = 20_000
CASES = {
    "days": (ab.Days(7), "days", [-1.0, 0.8, 1.2, 0.4, 0.7, 3.0], 7),
    "days probit": (ab.Days(5, link="probit"), "days_probit", [-0.8, 0.9, 0.6, -0.4, 0.7, 1.5], 5),
    "days out of two": (ab.Days(2), "days", [-1.0, 0.8, 1.2, 0.4, 0.7, 3.0], 2),
    "days hardly inside": (ab.Days(6), "days", [-0.5, 0.5, 1.0, 3.0, 0.5, 0.05], 6),
    "beta binomial": (ab.BetaBinomial(6), "beta_binomial", [0.3, 0.9, 4.0], 6),
    "count": (ab.Count(1.5), "count", [0.6, 0.8, 2.0], 1.5),
    "count with a hurdle": (ab.Count(1.5, hurdle=True), "hurdle_count", [0.6, 0.8, 2.0, 0.3, 1.1], 1.5),
    "yes or no": (ab.YesNo(), "yes_no", [0.4, 1.3], 0),
    "ordinal": (ab.Ordinal(4), "ordinal", [1.3, -1.0, 0.2, 1.1], 4),
    "ordinal probit from 0": (ab.Ordinal(4, lowest=0, link="probit"), "ordinal_probit", [0.9, -1.0, -0.4, 0.5], 4),
}


def shares(word, value_of_most, size, phi, eta):
    """Probability of every value, the last one together with all above it."""
    log_size = np.log(size) if word in ("count", "hurdle_count") else size
    each = [np.exp(log_density(word, value, log_size, phi, np.array([eta])))[0] for value in range(value_of_most)]
    return np.append(each, 1 - np.sum(each))


@pytest.mark.parametrize("eta", [-1.1, 0.7])
@pytest.mark.parametrize("name", CASES)
def test_values_come_as_often_as_their_density_says(name, eta):
    family, word, phi, size = CASES[name]
    rng = np.random.default_rng(20)
    (drawn,) = family.draw(phi, np.full((N // 2, 2), eta), np.full((N // 2, 2), float(size)), rng)
    assert drawn.shape == (N // 2, 2)
    most = {"yes_no": 1, "ordinal": 3, "ordinal_probit": 3}.get(word, 9 if "count" in word else size)
    values = drawn.ravel() - getattr(family, "lowest", 0)
    assert (values == np.round(values)).all()
    assert (values >= 0).all()
    if "count" not in word:
        assert (values <= most).all()
    expected = shares(word, most, size, phi, eta) * N
    kept = expected > 1e-6 * N
    counts = np.bincount(np.minimum(values, most).astype(int), minlength=most + 1)
    assert counts[~kept].sum() == 0
    assert chisquare(counts[kept], expected[kept] * counts.sum() / expected[kept].sum()).pvalue > 1e-3


def test_items_are_drawn_each_with_its_own_numbers_and_independent_given_eta():
    family = ab.Items(["a", "b"], 3, lowest=2)
    phi = [0.9, -0.5, 0.8, 1.6, 0.0, 1.0]
    eta, rng = np.full((N,), 0.4), np.random.default_rng(3)
    drawn = family.draw(phi, eta, np.full(N, 3.0), rng)
    together = np.zeros((3, 3))
    np.add.at(together, (drawn[0].astype(int) - 2, drawn[1].astype(int) - 2), 1)
    each = [shares("ordinal_probit", 2, 3, phi[start : start + 3], 0.4) for start in (0, 3)]
    assert chisquare(together.ravel(), (N * np.outer(*each)).ravel()).pvalue > 1e-3


def test_windows_differ_between_people_and_nothing_is_drawn_where_there_is_none():
    sizes = np.array([[2.0, 30.0], [np.nan, 14.0], [30.0, 30.0]] * 200)
    eta = np.random.default_rng(1).normal(size=sizes.shape)
    eta[2, 1] = np.nan
    for family, word in ((ab.Days("window"), "days"), (ab.BetaBinomial("window"), "beta binomial")):
        (drawn,) = family.draw(CASES[word][2], eta, sizes, np.random.default_rng(4))
        unknown = np.isnan(sizes) | np.isnan(eta)
        np.testing.assert_array_equal(np.isnan(drawn), unknown)
        assert (drawn[~unknown] <= sizes[~unknown]).all()
        assert (drawn[sizes == 30] > 14).any()


def test_counts_above_a_hurdle_are_at_least_1_however_small_their_mean():
    family, phi = ab.Count(hurdle=True), [-30.0, 5.0, 2.0, 40.0, 0.0]
    (drawn,) = family.draw(phi, np.linspace(-3, 3, 50), np.ones(50), np.random.default_rng(2))
    assert (drawn == 1).all()


def test_a_normal_measure_is_its_linear_predictor():
    eta = np.random.default_rng(1).normal(size=(3, 4))
    (drawn,) = Gaussian().draw([], eta, np.zeros((3, 4)), np.random.default_rng(2))
    np.testing.assert_array_equal(drawn, eta)
