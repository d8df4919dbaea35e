"""Shares of draws: those without a value are never an answer."""

import numpy as np
import pytest
import xarray as xr

from alliance_bayes.summaries import Probability, indicator, interval, probability


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
