"""Probabilities of draws: how sure they are, their Monte Carlo errors, and how they are printed."""

import numpy as np
import pytest
import xarray as xr
from scipy.stats import norm
from scipy.stats import t as student

from alliance_bayes.summaries import Probability, probability
from draws_of_a_share import SURE, UNSURE, holding

BITS = 2.0**-20  # so that sums are exact


@pytest.mark.parametrize(
    ("value", "mcse", "certainty", "reaches"),
    [
        (0.75, 0.0625, 0.625, True),
        (0.75, 0.0625, 0.625 + BITS, False),
        (0.75, 0.0625 + BITS, 0.625, False),
        (0.75, 0.0, 0.75, True),
        (0.75, 0.0, 0.75 + BITS, False),
        (0.5, 0.25, 0.75, False),
        (1.0, 0.0, 0.95, True),
    ],
)
def test_sure_is_two_errors_above_the_certainty(value, mcse, certainty, reaches):
    assert Probability(value, mcse, 4000).reaches(certainty) is reaches


@pytest.mark.parametrize("n_imputations", [2, 3, 20])
def test_of_imputations_so_many_errors_as_students_t_has(n_imputations):
    errors = student.ppf(norm.cdf(2), n_imputations - 1)
    assert errors > 2
    found = Probability(0.9, 0.01, 4000, n_imputations)
    assert found.reaches(0.9 - 0.01 * errors - 1e-9)
    assert not found.reaches(0.9 - 0.01 * errors + 1e-9)


@pytest.mark.parametrize(
    ("value", "n_draws", "text"),
    [
        (1.0, 1000, "> 0.999"),
        (0.9991, 1000, "> 0.999"),
        (0.999, 1000, "0.999"),
        (0.001, 1000, "0.001"),
        (0.0009, 1000, "< 0.001"),
        (0.0, 1000, "< 0.001"),
        (1.0, 999, "> 0.99"),
        (0.99, 999, "0.99"),
        (0.9912, 1000, "0.991"),
        (0.9912, 999, "> 0.99"),
        (0.01, 999, "0.01"),
        (0.0099, 999, "< 0.01"),
        (0.5126, 999, "0.51"),
    ],
)
def test_no_more_is_printed_than_the_draws_can_say(value, n_draws, text):
    assert str(Probability(value, 0.001, n_draws)) == text


def test_draws_that_hang_together_have_the_larger_error():
    free, clumped = probability(SURE), probability(UNSURE)
    independent = np.sqrt(0.96 * 0.04 / 4000)
    assert (free.value, clumped.value, free.n_draws) == (0.96, 0.96, 4000)
    assert free.mcse == pytest.approx(independent, rel=0.2)
    assert clumped.mcse > 3 * independent
    assert free.reaches(0.95)
    assert not clumped.reaches(0.95)
    assert probability(holding(1.0, clumped=False)) == Probability(1.0, 0.0, 4000)


def test_errors_of_imputations_are_between_them():
    holds = xr.DataArray(np.zeros((6, 10), dtype=bool), dims=("chain", "draw"))
    holds = holds.assign_coords(imputation=("chain", [7, 7, 8, 8, 9, 9]))
    holds[:2, :4], holds[2:4, :7] = True, True  # shares of .4, .7 and 0
    found = probability(holds)
    assert found.value == pytest.approx(1.1 / 3)
    assert found.mcse == pytest.approx(np.std([0.4, 0.7, 0.0], ddof=1) / np.sqrt(3))
    assert found.n_imputations == 3
