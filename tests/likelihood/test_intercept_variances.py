"""The chi-bar-square test: closed forms, its level where nobody differs, and projections beside a general optimiser."""

import sys

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import chi2

import alliance_bayes as ab
from alliance_bayes.basics.problems import SpecError
from alliance_bayes.likelihood import random_intercepts
from alliance_bayes.likelihood.random_intercepts import chi_bar_square, intercepts_of
from helpers import REFERENCES, improper_panel

sys.path.insert(0, str(REFERENCES))
from family_models import family_panel, family_spec


def fitted(key, **options):
    return ab.maximum_likelihood(family_spec(key), family_panel(key.split("/")[0]), **options)


@pytest.fixture(scope="module")
def help_study():
    return fitted("help/riclpm/equal")


def test_one_intercept_is_half_and_half(help_study):
    """One variance with its covariance with the intercept that stays: half 1, half 2 degrees of freedom."""
    answer = ab.random_intercept_test(help_study, ["days"])
    row = answer.table.iloc[0]
    assert row["p"] == pytest.approx((chi2.sf(row["statistic"], 1) + chi2.sf(row["statistic"], 2)) / 2)
    assert row["mcse"] == 0
    assert answer.tables["weights"]["weight"].tolist() == [0, 0.5, 0.5]


def test_the_statistic_is_that_of_the_clpm(help_study):
    row = ab.random_intercept_test(help_study).table.iloc[0]
    assert ab.random_intercept_test(help_study).reasons == ()
    gain = 2 * (help_study.log_likelihood - fitted("help/clpm/equal").log_likelihood)
    assert row["statistic"] == pytest.approx(gain, abs=1e-4)
    assert row["naive_df"] == 3
    assert row["naive_p"] == pytest.approx(chi2.sf(gain, 3), rel=1e-4)
    assert row["p"] < row["naive_p"]


def test_simulated_weights_give_the_simulated_p(help_study):
    answer = ab.random_intercept_test(help_study, simulations=40_000, seed=2)
    weights, row = answer.tables["weights"]["weight"], answer.table.iloc[0]
    assert weights.sum() == pytest.approx(1)
    assert weights[[0, 2]].sum() == pytest.approx(0.5)
    mixed = sum(weight * chi2.sf(row["statistic"], df) for df, weight in weights.items() if df)
    assert mixed == pytest.approx(row["p"], rel=0.03)


def test_projections_are_eigenvalues_cut_at_0_in_the_plain_norm():

    metric = np.diag([1.0, 2.0, 1.0])  # Frobenius norm of a 2 x 2 matrix by its lower triangle
    blocks = (np.array([[0, 1], [1, 2]]),)
    z = np.random.default_rng(3).normal(size=(200, 3))
    distances = random_intercepts._distances(z, metric, blocks)
    for triangle, distance in zip(z, distances, strict=True):
        matrix = np.array([[triangle[0], triangle[1]], [triangle[1], triangle[2]]])
        values = np.linalg.eigvalsh(matrix)
        assert distance == pytest.approx((np.minimum(values, 0) ** 2).sum(), abs=1e-6)


@pytest.mark.parametrize("size", [2, 3])
def test_projections_are_those_of_a_general_optimiser(size):
    rng = np.random.default_rng(size)
    n = size * (size + 1) // 2
    root = rng.normal(size=(n, 2 * n))
    metric = root @ root.T
    block = np.zeros((size, size), dtype=int)
    rows, columns = np.tril_indices(size)
    block[rows, columns] = block[columns, rows] = np.arange(n)
    z = rng.normal(size=(6, n))
    found = random_intercepts._distances(z, metric, (block,))

    def distance(factor, target):
        matrix = np.zeros((size, size))
        matrix[rows, columns] = factor
        away = (matrix @ matrix.T)[rows, columns] - target
        return away @ metric @ away

    for target, ours in zip(z, found, strict=True):
        starts = rng.normal(size=(12, n))
        best = min(minimize(distance, start, args=(target,), options={"gtol": 1e-9}).fun for start in starts)
        assert ours == pytest.approx(best, rel=1e-4, abs=1e-6)


def test_three_intercepts_and_groups():
    three = ab.random_intercept_test(fitted("three/riclpm/equal"), simulations=2000)
    assert three.tables == {}
    assert 0 < three.table["p"].iloc[0] < three.table["naive_p"].iloc[0]
    sites = fitted("sites2/riclpm/equal/groups/lags equal")
    intercepts = intercepts_of(sites.model, ["x", "y"])
    assert len(intercepts.blocks) == 3
    assert len(intercepts.positions) == 9
    assert ab.random_intercept_test(sites, simulations=1000).table["naive_df"].iloc[0] == 9


def test_an_improper_solution_is_brought_back_to_the_boundary():
    """A negative variance gains log-likelihood that no proper covariance matrix has."""
    panel = improper_panel()
    found = ab.maximum_likelihood(ab.RICLPM(["x", "y"]), panel)
    answer = ab.random_intercept_test(found)
    clpm = ab.maximum_likelihood(ab.CLPM(["x", "y"]), panel)
    statistic = answer.table["statistic"].iloc[0]
    assert 0 < statistic < 2 * (found.log_likelihood - clpm.log_likelihood) - 1
    alone = ab.random_intercept_test(found, ["x"]).table.iloc[0]
    assert alone["statistic"] < 0.5
    assert alone["p"] > 0.5
    assert not answer.health.healthy
    assert answer.reasons == ()


def test_an_intercept_that_stays_and_may_be_0_is_said(help_study):
    """Nobody differs stably, so that the variance of the intercept that stays is at its boundary as well."""
    rng = np.random.default_rng(1)
    values = rng.normal(size=(200, 4, 2))
    for wave in range(1, 4):
        values[:, wave] += values[:, wave - 1] @ np.array([[0.3, 0.1], [0.1, 0.3]])
    panel = ab.Panel.from_arrays(values, measures=["x", "y"], times=[0, 1, 2, 3])
    answer = ab.random_intercept_test(ab.maximum_likelihood(ab.RICLPM(["x", "y"], lags="equal"), panel), ["y"])
    assert answer.table["p"].notna().all()
    assert "The variance of the random intercept of x, which stays, lies within two standard errors of 0" in str(answer)
    assert ab.random_intercept_test(help_study, ["days"]).reasons == ()


def test_what_cannot_be_tested(help_study):
    with pytest.raises(SpecError, match="no random intercepts with loadings of 1"):
        ab.random_intercept_test(fitted("help/clpm/equal"))
    with pytest.raises(SpecError, match="distribution of the statistic is not known"):
        ab.random_intercept_test(fitted("help/riclpm/equal", standard_errors="robust"))
    with pytest.raises(SpecError, match="The model has no 'day'; did you mean 'days'"):
        ab.random_intercept_test(help_study, ["day"])
    with pytest.raises(SpecError, match="simulations must be a whole number of 1000 or more"):
        ab.random_intercept_test(help_study, simulations=10)


@pytest.mark.slow
def test_the_test_keeps_its_level_where_nobody_differs():
    """400 panels of a CLPM: rejections at .05 and .25 within their binomial errors, and too few of the plain test."""
    rng = np.random.default_rng(5)
    p, naive = [], []
    lags = np.array([[0.3, 0.1], [0.05, 0.3]])
    for _ in range(400):
        values = np.empty((500, 4, 2))
        values[:, 0] = rng.normal(size=(500, 2))
        for wave in range(1, 4):
            values[:, wave] = values[:, wave - 1] @ lags.T + rng.normal(size=(500, 2))
        panel = ab.Panel.from_arrays(values, measures=["x", "y"], times=[0, 1, 2, 3])
        found = ab.maximum_likelihood(ab.RICLPM(["x", "y"], residuals="equal"), panel)
        test = chi_bar_square(found, intercepts_of(found.model, ["x", "y"]), simulations=1000, seed=1)
        p.append(test.p_value)
        naive.append(test.naive_p)
    p, naive = np.array(p), np.array(naive)
    for level in (0.05, 0.25):
        error = np.sqrt(level * (1 - level) / len(p))
        assert abs((p < level).mean() - level) < 3 * error
    assert (naive < 0.05).mean() < 0.03
