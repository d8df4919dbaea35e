"""Ranks, coverage and reliability: uniform where all is right, and named where it is not."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest, norm

from alliance_bayes.calibration.reliability import reliability, spiegelhalter, table_of_events, table_of_verdicts
from alliance_bayes.calibration.uniformity import band, holm, rank, shape_in_words, smallest_found, table_of_ranks

N = 300


def posteriors(n=N, width=1.0, shift=0.0, n_draws=99, seed=1):
    """Ranks in a normal model whose posterior is known; its SD and mean can be off."""
    rng = np.random.default_rng(seed)
    truths = rng.normal(size=n)
    means = (truths + rng.normal(size=n)) / 2
    draws = means[:, None] + shift + width * np.sqrt(0.5) * rng.normal(size=(n, n_draws))
    return pd.DataFrame({"q": [rank(one, truth, rng) for one, truth in zip(draws, truths, strict=True)]})


def test_the_right_posterior_is_uniform_and_covers():
    ranks = posteriors()
    row = table_of_ranks(ranks, ranks).loc["q"]
    assert row["n"] == N
    assert row["p"] > 0.05
    for level in (50, 80, 95):
        assert row[f"cover_{level}_lower"] < level / 100 < row[f"cover_{level}_upper"]
        exact = binomtest(round(row[f"cover_{level}"] * N), N).proportion_ci(0.95)
        assert (row[f"cover_{level}_lower"], row[f"cover_{level}_upper"]) == (exact.low, exact.high)


def test_central_intervals_are_cut_off_on_both_sides():
    below = pd.DataFrame({"q": [0.05, 0.3, 0.5, 0.85, 0.99]})
    row = table_of_ranks(below, below).loc["q"]
    assert [row[f"cover_{level}"] for level in (50, 80, 95)] == [0.4, 0.6, 0.8]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"width": 0.7}, "posteriors too narrow"),
        ({"width": 1.4}, "posteriors too wide"),
        ({"shift": 0.4}, "posteriors too high"),
        ({"shift": -0.4}, "posteriors too low"),
    ],
)
def test_what_is_wrong_is_found_and_named(change, words):
    ranks = posteriors(**change)
    row = table_of_ranks(ranks, ranks).loc["q"]
    assert row["p"] < 0.001
    assert shape_in_words(row) == words


@pytest.mark.parametrize(("n", "narrow", "wide"), [(100, 0.6, 2.0), (N, 0.74, 1.41)])
def test_the_error_that_so_many_replicates_show(n, narrow, wide):
    """And by ranks of another simulation, in which what is found is found in about 4 of 5 and a sixth hardly ever."""
    found = smallest_found(n, 0.01 / 50, 99)
    np.testing.assert_allclose(found, (narrow, wide), rtol=0.06)
    for multiple, low, high in ((found[0], 0.6, 0.99), (found[1], 0.6, 0.99), (7 / 6, 0, 0.15), (6 / 7, 0, 0.2)):
        truths = norm.cdf(np.random.default_rng(5).normal(size=(n, 100)) / multiple)
        ranks = pd.DataFrame(truths, columns=[str(column) for column in range(100)])
        assert low <= (table_of_ranks(ranks, ranks)["p"] < 0.01 / 50).mean() <= high


def test_p_values_have_their_level():
    rng = np.random.default_rng(2)
    ranks = pd.DataFrame(rng.random((N, 2000)), columns=[str(column) for column in range(2000)])
    p = table_of_ranks(ranks.iloc[:, :2000], ranks.iloc[:, :2000])["p"]
    for level in (0.05, 0.01):
        assert abs((p < level).mean() - level) < 4 * np.sqrt(level * (1 - level) / 2000)


def test_ties_have_no_order():
    rng = np.random.default_rng(3)
    ranks = np.array([rank(np.zeros(9), 0.0, rng) for _ in range(4000)])
    assert abs(ranks.mean() - 0.5) < 4 * np.sqrt(1 / 12 / 4000)
    assert rank(np.arange(9.0), 100.0, rng) > 0.9


def test_the_band_holds_whole_curves():
    """As many uniform samples as it says stay inside at every point."""
    points, lower, upper = band(50)
    rng, inside = np.random.default_rng(4), 0
    for _ in range(1000):
        ecdf = np.searchsorted(np.sort(rng.random(50)), points, side="right") / 50 - points
        inside += bool(np.all((ecdf >= lower - 1e-9) & (ecdf <= upper + 1e-9)))
    assert 0.92 < inside / 1000 < 0.98


def test_holm_steps_down():
    np.testing.assert_allclose(holm([0.04, 0.01, 0.02]), [0.04, 0.03, 0.04])
    np.testing.assert_allclose(holm([0.9, 0.5]), [1.0, 1.0])


def events(n=2000, sharpen=1.0, seed=5):
    """Probabilities that are right, or too near 0 and 1."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 1.5, n)
    right = 1 / (1 + np.exp(-logits))
    return 1 / (1 + np.exp(-sharpen * logits)), (rng.random(n) < right).astype(float)


def test_right_probabilities_are_reliable():
    stated, holds = events(400)
    diagram = reliability(stated, holds, np.random.default_rng(6))
    assert diagram.p > 0.05
    assert np.all(np.diff(diagram.recalibrated) >= 0)
    assert np.all(np.diff(diagram.stated) >= 0)
    inside = (diagram.recalibrated >= diagram.lower) & (diagram.recalibrated <= diagram.upper)
    assert inside.mean() > 0.8


def test_p_values_of_reliability_have_their_level():
    rng = np.random.default_rng(7)
    stated = rng.beta(1, 1, (60, 100))
    p = np.array([reliability(one, (rng.random(100) < one).astype(float), rng).p for one in stated])
    assert abs((p < 0.25).mean() - 0.25) < 4 * np.sqrt(0.25 * 0.75 / 60)


def test_overconfident_probabilities_are_found():
    stated, holds = events(400, sharpen=2.0)
    assert reliability(stated, holds, np.random.default_rng(8)).p < 0.005
    assert spiegelhalter(stated, holds) > norm.ppf(0.999)
    stated, holds = events(400, sharpen=0.4)
    assert spiegelhalter(stated, holds) < -norm.ppf(0.99)


def test_frequencies_are_isotonic_means():
    """Two probabilities with three events each: their shares, or one share where these fall."""
    rng = np.random.default_rng(9)
    rising = reliability(np.repeat([0.2, 0.7], 3), np.array([0, 0, 1, 1, 1, 0.0]), rng)
    np.testing.assert_allclose(rising.recalibrated, np.repeat([1 / 3, 2 / 3], 3))
    falling = reliability(np.repeat([0.2, 0.7], 3), np.array([1, 1, 0, 0, 0, 1.0]), rng)
    np.testing.assert_allclose(falling.recalibrated, 0.5)


def test_tables_of_events_and_verdicts():
    stated, holds = events(300)
    missing = np.where(np.arange(300) < 10, np.nan, stated)
    table, diagrams = table_of_events(
        pd.DataFrame({"e": missing, "never asked": np.nan}),
        pd.DataFrame({"e": holds, "never asked": np.nan}),
        np.random.default_rng(10),
    )
    assert list(table.index) == ["e"] == list(diagrams)
    assert table.loc["e", "n"] == 290
    given = pd.DataFrame({"verdict": ["x leads"] * 40, "stated": 0.97, "holds": [1.0] * 20 + [0.0] * 20})
    row = table_of_verdicts(given, np.random.default_rng(11)).loc["x leads"]
    assert (row["n"], row["right"]) == (40, 0.5)
    assert row["p"] < 0.001
    assert table_of_verdicts(given.iloc[:0], np.random.default_rng(11)).empty
