"""Probabilities of draws: how sure they are, which draws count, their Monte Carlo errors, and how they are printed."""

import numpy as np
import pytest
import xarray as xr
from scipy.stats import norm, t as student

from alliance_bayes.posterior.summaries import Probability, indicator, interval, probability
from draws_of_a_share import SURE, UNSURE, holding

BITS = 2.0**-20  # so that sums are exact


def draws(values):
    return xr.DataArray(np.asarray(values, dtype=float), dims=("chain", "draw"))


def test_the_share_of_the_draws_that_have_a_value():
    effect = draws([[0.2, -0.1, np.nan, 0.3], [0.1, np.nan, np.nan, -0.4]])
    found = probability(indicator(effect > 0, effect))
    assert (found.value, found.n_draws, found.undefined) == (3 / 5, 5, 3 / 8)
    assert str(found) == "0.60 (of the 62.5 % of draws that have a value)"


def test_every_quantity_that_is_compared_must_have_a_value():
    first, second = draws([[1, np.nan, 3, 4]]), draws([[0, 1, np.nan, 5]])
    found = indicator(first > second, first, second)
    np.testing.assert_array_equal(found, [[1, np.nan, np.nan, 0]])
    assert probability(found).value == 0.5


def test_no_draw_with_a_value_is_no_answer():
    nothing = draws([[np.nan, np.nan]])
    found = probability(indicator(nothing > 0, nothing))
    assert np.isnan(found.value)
    assert (found.n_draws, found.undefined) == (0, 1.0)
    assert str(found) == "undefined"
    assert not found.reaches(0.5)
    assert not Probability(np.nan, 0.0, 100).reaches(0.0)


def test_a_condition_that_may_hide_draws_without_a_value_is_refused():
    effect = draws([[0.2, np.nan]])
    with pytest.raises(TypeError, match="takes an indicator"):
        probability(effect > 0)


def test_whole_draws_give_what_they_did():
    effect = draws(np.random.default_rng(1).normal(0.5, 1, size=(4, 500)))
    found = probability(indicator(effect > 0, effect))
    assert found.value == float((effect > 0).mean())
    assert (found.n_draws, found.undefined) == (2000, 0.0)
    assert found.mcse == pytest.approx(np.sqrt(found.value * (1 - found.value) / 2000), rel=0.15)


@pytest.mark.parametrize("share", [0.1, 0.6])
def test_the_error_is_that_of_the_draws_with_a_value(share):
    """Against many samples: the standard deviation of the share over them."""
    rng, found, errors = np.random.default_rng(2), [], []
    for _ in range(300):
        effect = rng.normal(0.5, 1, size=(2, 400))
        effect[rng.random(effect.shape) < share] = np.nan
        one = probability(indicator(draws(effect) > 0, draws(effect)))
        found.append(one.value)
        errors.append(one.mcse)
    assert np.mean(errors) == pytest.approx(np.std(found), rel=0.15)


def test_intervals_are_of_the_draws_with_a_value():
    rng = np.random.default_rng(3)
    whole = rng.normal(size=(1, 900))
    padded = draws(np.concatenate([whole, np.full((1, 100), np.nan)], axis=1))
    for one, other in zip(interval(padded, "chain", "draw"), interval(draws(whole), "chain", "draw"), strict=True):
        assert float(one) == pytest.approx(float(other), rel=1e-12)


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
    free, clumped = (probability(indicator(holds, holds)) for holds in (SURE, UNSURE))
    independent = np.sqrt(0.96 * 0.04 / 4000)
    assert (free.value, clumped.value, free.n_draws) == (0.96, 0.96, 4000)
    assert free.mcse == pytest.approx(independent, rel=0.2)
    assert clumped.mcse > 3 * independent
    assert free.reaches(0.95)
    assert not clumped.reaches(0.95)
    everywhere = holding(1.0, clumped=False)
    assert probability(indicator(everywhere, everywhere)) == Probability(1.0, 0.0, 4000)


def test_errors_of_imputations_are_between_them():
    holds = xr.DataArray(np.zeros((6, 10), dtype=bool), dims=("chain", "draw"))
    holds = holds.assign_coords(imputation=("chain", [7, 7, 8, 8, 9, 9]))
    holds[:2, :4], holds[2:4, :7] = True, True  # shares of .4, .7 and 0
    found = probability(indicator(holds, holds))
    assert found.value == pytest.approx(1.1 / 3)
    assert found.mcse == pytest.approx(np.std([0.4, 0.7, 0.0], ddof=1) / np.sqrt(3))
    assert found.n_imputations == 3
