"""Lagged effects as curves: golden peak, matrix powers, and what is not known in between."""

from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr
from scipy.linalg import expm

import alliance_bayes as ab
from alliance_bayes.questions import lag_curve as module
from draws_of_a_share import holding
from fabricated import DRIFT, MEASURES, fabricated_fit

TWO = np.array([[-0.30, 0.02], [0.08, -0.20]])


def two_measures(**options):
    return fabricated_fit(measures=("x", "y"), times=(3, 6, 12), **options)


def test_golden_peak():
    answer = ab.lag_curve(two_measures(drift=TWO))
    peak = answer.tables["peak"].loc["x -> y"]
    assert peak["lag"] == pytest.approx(4.091079, abs=5e-7)
    assert peak["effect"] == pytest.approx(0.119042, abs=5e-7)
    assert peak["p_beyond"] == 0
    assert answer.tables["peak"].loc["y -> x", "effect"] == pytest.approx(0.119042 / 4, abs=5e-7)
    assert "x -> y is largest at a lag of 4.1 [4.1, 4.1] months (medians): 0.12 [0.12, 0.12]" in str(answer)


FAST = np.array([[-2.5, 0.0], [1.5, -3.0]])


def test_a_process_far_faster_than_the_longest_interval_has_its_own_peak():
    fit = fabricated_fit(drift=FAST, measures=("x", "y"), times=(0, 0.3, 0.6, 1, 52, 52.4), sd=0.05, shape=(2, 60))
    answer = ab.lag_curve(fit, ["x -> y"])
    drifts = fit.posterior["drift"].to_numpy().reshape(-1, 2, 2)
    grid = np.linspace(0.2, 0.7, 251)
    highest = [grid[np.argmax([expm(drift * lag)[1, 0] for lag in grid])] for drift in drifts[::4]]
    peak = answer.tables["peak"].loc["x -> y"]
    assert peak["lag"] == pytest.approx(np.median(highest), abs=0.01)
    assert peak["lower"] < np.log(3 / 2.5) / 0.5 < peak["upper"]
    assert peak["p_beyond"] == 0
    assert "x -> y is largest at a lag of 0.36 [0.3" in str(answer)
    curve = answer.table.loc["x -> y"]
    assert curve["mean"].max() == pytest.approx(peak["effect"], rel=0.02)
    assert (curve.index < 0.3).sum() > 10
    assert curve.loc[(curve.index > 0) & (curve.index < 0.3), "extrapolated"].all()
    assert curve.index.is_monotonic_increasing
    assert curve.index.is_unique
    assert {0.3, 0.4, 51.0, 102.0} <= set(curve.index)
    for lag in curve.index[1:40:6]:
        wanted = np.mean([expm(drift * lag)[1, 0] for drift in drifts])
        assert curve.loc[lag, "mean"] == pytest.approx(wanted, rel=1e-9)


@pytest.mark.parametrize("speed", [1e-6, 1e6])
def test_peaks_scale_with_time(speed):
    fit = fabricated_fit(drift=FAST * speed, measures=("x", "y"), times=(0, 1, 2))
    answer = ab.lag_curve(fit, ["x -> y"])
    wanted = min(np.log(3 / 2.5) / 0.5 / speed, 2.0)
    assert answer.tables["peak"].loc["x -> y", "lag"] == pytest.approx(wanted, rel=1e-7)
    assert answer.tables["peak"].loc["x -> y", "p_beyond"] == (speed < 1)
    assert "at a lag of 0.0 " not in str(answer)


def test_an_effect_of_0_at_every_lag_has_no_peak():
    answer = ab.lag_curve(fabricated_fit(drift=FAST, measures=("x", "y")), ["y -> x"])
    assert answer.tables["peak"].loc["y -> x"].drop("p_beyond").isna().all()
    assert "y -> x has no largest effect: it is 0 at every lag in every draw." in str(answer)


def test_a_removed_path_is_fixed_at_0():
    fit = two_measures(drift=TWO, spec=ab.RICLPM(["x", "y"], lags="continuous", remove=["y -> x"]))
    with pytest.raises(ab.SpecError, match=r"'y -> x' is fixed at 0 in this model \(remove\), so"):
        ab.lag_curve(fit, ["y->x"])


def test_golden_effects_along_the_curve_and_their_constant_ratio():
    answer = ab.lag_curve(two_measures(drift=TWO))
    mean = answer.table["mean"]
    assert mean[("x -> y", 3.0)] == pytest.approx(0.114066, abs=5e-7)
    assert mean[("x -> y", 6.0)] == pytest.approx(0.109757, abs=5e-7)
    assert mean[("y -> x", 3.0)] == pytest.approx(0.028517, abs=5e-7)
    ratio = mean["x -> y"].to_numpy()[1:] / mean["y -> x"].to_numpy()[1:]
    np.testing.assert_allclose(ratio, 4, rtol=1e-9)
    assert any("does not depend on the lag" in warning for warning in answer.reasons)


def test_golden_standardised_effects():
    """With the process's own within-person SDs, .111430 and .029191 over three months."""
    sds = np.sqrt([0.8582191781, 0.8993150685])
    answer = ab.lag_curve(two_measures(drift=TWO, within_sd=np.tile(sds, (3, 1))))
    assert answer.table.loc[("x -> y", 3.0), "mean"] == pytest.approx(0.111430, abs=5e-7)
    assert answer.table.loc[("y -> x", 3.0), "mean"] == pytest.approx(0.029191, abs=5e-7)
    assert answer.table.loc[("x -> y", 3.0), "raw_mean"] == pytest.approx(0.114066, abs=5e-7)


@pytest.mark.parametrize("times", [(3, 6, 12), (0, 0.5, 2, 3.5)])
def test_observed_intervals_are_on_the_curve_and_others_beyond_are_marked(times):
    answer = ab.lag_curve(fabricated_fit(drift=DRIFT, times=times), ["x -> y"])
    lags = answer.table.loc["x -> y"].index.to_numpy()
    lengths = np.diff(times)
    assert set(lengths) <= set(lags)
    assert lags[-1] == 2 * max(lengths)
    beyond = answer.table.loc["x -> y", "extrapolated"]
    np.testing.assert_array_equal(beyond.to_numpy(), (lags < min(lengths)) | (lags > max(lengths)))
    for length in lengths:
        assert answer.table.loc[("x -> y", length), "mean"] == pytest.approx(expm(DRIFT * length)[2, 0])


def test_a_grid_knows_whole_steps():
    phi = np.array([[0.4, 0.1, 0.0], [0.2, 0.5, 0.1], [0.1, 0.3, 0.4]])
    answer = ab.lag_curve(fabricated_fit(phi, spec=ab.RICLPM(MEASURES, lags="grid")), ["m -> y"], longest=9)
    assert answer.draws.attrs["between"] == "whole steps"
    assert list(answer.draws["lag"].to_numpy()) == [3, 6, 9]
    wanted = [np.linalg.matrix_power(phi, power)[2, 1] for power in (1, 2, 3)]
    assert answer.table["mean"].to_numpy() == pytest.approx(wanted)
    assert "at whole steps of 3 months (matrix powers)" in answer.heading


def test_free_lags_know_the_observed_intervals_alone():
    phis = np.random.default_rng(1).normal(0.2, 0.2, (3, 3, 3))
    fit = fabricated_fit(phis, spec=ab.RICLPM(MEASURES, lags="free"))
    answer = ab.lag_curve(fit, ["x -> y"])
    assert answer.draws.attrs["between"] == "observed only"
    assert answer.table.loc[("x -> y", 3.0), "mean"] == pytest.approx(phis[:2, 2, 0].mean())
    assert answer.table.loc[("x -> y", 6.0), "mean"] == pytest.approx(phis[2, 2, 0])
    assert answer.tables["peak"].empty
    with pytest.raises(ab.SpecError, match=r"lies beyond the observed intervals"):
        ab.lag_curve(fit, longest=9)


def test_which_effect_is_larger_may_flip_with_the_lag():
    drift = np.array([[-0.9, 0.0, 0.0], [0.5, -0.5, 0.45], [0.2, 0.9, -0.9]])
    answer = ab.lag_curve(fabricated_fit(drift=drift), longest=12)
    curve = answer.draws["effect"].mean(("chain", "draw"))
    difference = abs(curve.sel(path="x -> m")) - abs(curve.sel(path="m -> x"))
    assert (difference > -1e-12).all()
    drift = np.array([[-0.5, 0.02, 0.4], [0.3, -0.5, 0.0], [0.0, 0.4, -0.5]])
    flipping = ab.lag_curve(fabricated_fit(drift=drift), longest=12)
    curve = flipping.draws.mean(("chain", "draw"))
    difference = abs(curve.sel(path="x -> m")) - abs(curve.sel(path="m -> x"))
    flips = bool((difference > 0.03).any() and (difference < -0.03).any())
    said = any("Which of 'x' and 'm' leads depends on the lag" in warning for warning in flipping.reasons)
    assert flips
    assert said


@pytest.mark.parametrize(
    ("forward", "backward", "share", "said"),
    [
        ((0.5, 0.0), (0.0, 0.5), 1.0, True),
        ((-0.5, 0.0), (0.0, 0.5), 1.0, True),
        ((0.0, 0.5), (-0.5, 0.0), 1.0, True),
        ((0.5, 0.0), (0.0, 0.25), 1.0, False),
        ((0.25, 0.0), (0.0, 0.5), 1.0, False),
        ((0.5, 0.5), (0.0, 0.0), 1.0, False),
        ((0.0, 0.0), (0.5, 0.5), 1.0, False),
        ((0.5, 0.0), (0.0, 0.5), 0.1, True),
        ((0.5, 0.0), (0.0, 0.5), 0.099, False),
    ],
)
def test_who_leads_flips_beyond_the_margin_both_ways(forward, backward, share, said):
    """Sizes of two effects at two lags, in this share of the draws; a lag of 0 says nothing."""
    holds = holding(share, clumped=False)
    paths = [f"{predictor} -> {outcome}" for outcome in MEASURES for predictor in MEASURES]
    effects = np.zeros((*holds.shape, 3, len(paths)))
    effects[..., 1:, paths.index("x -> m")], effects[..., 1:, paths.index("m -> x")] = forward, backward
    coordinates = {"lag": [0.0, 1.0, 2.0], "path": paths}
    curves = xr.DataArray(effects, coordinates, ("chain", "draw", "lag", "path")).where(holds, 0.0)
    found = module._who_leads(curves, SimpleNamespace(spec=SimpleNamespace(measures=MEASURES)), "continuous", 0.25)
    assert len(found) == said
    assert all(warning.startswith("Which of 'x' and 'm' leads depends on the lag: with") for warning in found)


def test_the_curve_is_in_sds_of_the_first_wave():
    sds = [[2.0, 4.0], [9.0, 9.0], [9.0, 9.0]]
    curve = ab.lag_curve(two_measures(drift=TWO, within_sd=sds)).table
    assert curve.loc[("x -> y", 3.0), "mean"] == pytest.approx(0.114066 * 2 / 4, abs=5e-7)
    assert curve.loc[("x -> y", 3.0), "raw_mean"] == pytest.approx(0.114066, abs=5e-7)


def test_peaks_that_still_grow_are_said():
    answer = ab.lag_curve(two_measures(drift=TWO), ["x -> y"], longest=3.5)
    assert answer.tables["peak"].loc["x -> y", "p_beyond"] == 1
    assert "P(still growing at the longest lag) > 0.99" in str(answer)


def test_every_problem_of_a_curve_in_one_message():
    with pytest.raises(ab.SpecError) as error:
        ab.lag_curve(two_measures(drift=TWO), ["x -> z"], longest=-1, margin=3)
    assert str(error.value) == (
        "This lag curve cannot be drawn. 3 problems:\n"
        "  1. The model has no lagged path 'x -> z'; did you mean 'x -> y'? Paths: 'x -> x', 'y -> y', 'y -> x', "
        "'x -> y'.\n"
        "  2. longest must be a lag of at least 0 and above 0; got -1.\n"
        "  3. margin must lie between 0 and 1, in SD per SD; got 3."
    )


def test_figure_shows_a_panel_for_each_pair():
    figure = ab.lag_curve(fabricated_fit(drift=DRIFT, sd=0.02)).plot()
    assert [axes.get_title(loc="left") for axes in figure.axes if axes.get_visible()] == [
        "m and x",
        "x and y",
        "m and y",
    ]
