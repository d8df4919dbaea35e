"""The prior of an answer is the stated one: standardised effects averaged over waves, whatever else the model has."""

from dataclasses import replace

import numpy as np
import pytest

import alliance_bayes as ab
from alliance_bayes.engine.design import Cell, Design, plain_design
from alliance_bayes.engine.kernels.interpreter import run_many
from alliance_bayes.engine.layout import lay_out
from engine_calls import output, pulled_back, scale_at
from helpers import measure_names, slope

N_DRAWS = 4000
TWO, FOUR = measure_names(2), measure_names(4)
DAYS = {TWO[0]: ab.Days(30)}


def implied(spec, times, design=None, **fixed):
    """Effects averaged over the shortest intervals, and within-person SDs, of proper draws.

    Shapes ``(draw, path)`` and ``(draw, time, measure)``, with groups ``(draw, group, ...)``.
    """
    layout = lay_out(spec, plain_design(times) if design is None else design)
    drawn = layout.scale.draw(N_DRAWS, np.random.default_rng(1))
    for name, value in fixed.items():
        drawn[name][:] = value
    thetas, proper = run_many(layout.scale.join(drawn), layout.scale.arrays)
    units = np.tile(np.repeat([0.0, 1.0], len(spec.measures)), (int(proper.sum()), 1))
    vectors = run_many(np.hstack([thetas[proper], units]), layout.derived.arrays)[0]
    effects, within = (
        vectors[:, each.where].reshape(-1, *each.shape)
        for each in (layout.derived["lagged_standardized"], layout.derived["within_sd"])
    )
    paths, lengths = list(layout.scale.coordinates["path"]), np.diff(times)
    chosen = [paths.index(path) for path in spec.cross_lagged_paths]
    return effects[..., np.isclose(lengths, lengths.min()), :][..., chosen].mean(axis=-2), within


@pytest.mark.parametrize(
    ("spec", "times"),
    [
        (ab.RICLPM(TWO), range(3)),
        (ab.RICLPM(TWO), range(10)),
        (ab.RICLPM(FOUR), range(10)),
        (ab.RICLPM(TWO, lags="free"), range(3)),
        (ab.RICLPM(TWO, lags="free", residuals="equal"), range(10)),
        (ab.RICLPM(FOUR, lags="grid"), (0, 1, 2, 4)),
        (ab.RICLPM(TWO, lags="continuous"), range(10)),
        (ab.RICLPM(FOUR, lags="continuous"), (0, 3, 6, 12)),
        (ab.RICLPM(FOUR, lags="continuous"), range(3)),
        (ab.RICLPM(TWO, families=DAYS), range(4)),
        (ab.RICLPM(TWO, lags="continuous", families=DAYS), range(4)),
        (ab.RICLPM(TWO, lag_2=[f"{TWO[0]} -> {TWO[0]}"]), range(6)),
        (ab.CLPM(TWO), range(6)),
        (ab.DPM(TWO), range(6)),
        (ab.ALT(TWO), range(6)),
        (ab.LCMSR(TWO), range(6)),
        (ab.RICLPM(TWO, stationary=True), range(6)),
    ],
    ids=str,
)
def test_the_prior_of_the_answer_is_the_stated_one(spec, times):
    effects, within = implied(spec, tuple(times))
    sds = effects.std(axis=0)
    np.testing.assert_allclose(sds, sds.mean(), rtol=0.05)
    assert sds.mean() == pytest.approx(spec.priors.cross_lagged.sd, rel=0.1)
    growth = np.median(within[:, -1] / within[:, 0])
    assert 0.85 < growth < 1.2


@pytest.mark.parametrize("lags", ["equal", "free", "continuous"])
def test_neither_direction_is_wider_where_one_measure_is_more_stable(lags):
    effects, _ = implied(ab.RICLPM(TWO, lags=lags), tuple(range(4)), icc=[0.9, 0.3])
    assert effects[:, 0].std() == pytest.approx(effects[:, 1].std(), rel=0.05)


def groups_design(times, groups):
    waves = tuple(map(float, times))
    return Design(waves, groups, cells=tuple(Cell(group, waves) for group in range(len(groups))))


@pytest.mark.parametrize(
    "spec",
    [
        ab.RICLPM(TWO, group_lags="equal"),
        ab.RICLPM(TWO, group_lags="equal", lags="free"),
        ab.RICLPM(TWO, group_lags="equal", lags="continuous"),
        ab.DPM(TWO, group_lags="equal"),
        ab.RICLPM(TWO, group_lags="equal", lag_2=[f"{TWO[0]} -> {TWO[1]}"]),
    ],
    ids=str,
)
def test_effects_that_groups_share_have_the_stated_prior_in_each(spec):
    """Although their SDs differ: neither the order of the groups nor the direction matters."""
    times = tuple(range(4))
    effects, _ = implied(spec, times, groups_design(times, ("a", "b", "c")))
    assert effects.shape[1:] == (3, 2)
    assert np.std(effects[:, 0] - effects[:, 1], axis=0).min() > 0.05, "SDs of groups differ"
    narrower = 0.2 if spec.lags == "continuous" else 0.1  # effects level off in a drift
    np.testing.assert_allclose(effects.std(axis=0), spec.priors.cross_lagged.sd, rtol=narrower)


def test_neither_group_nor_direction_is_wider_where_groups_share_innovations_too():
    spec = ab.RICLPM(TWO, group_lags="equal", equal_across_groups=["residuals"])
    effects, _ = implied(spec, tuple(range(4)), groups_design(range(4), ("a", "b")))
    sds = effects.std(axis=0)
    np.testing.assert_allclose(sds, sds.mean(), rtol=0.05)


def test_a_moderation_that_groups_share_is_in_the_units_of_all():
    spec = ab.CLPM(TWO, group_lags="equal", moderated={f"{TWO[0]} -> {TWO[1]}": "age"})
    times = tuple(range(3))
    design = groups_design(times, ("a", "b"))
    design = replace(design, cells=tuple(replace(cell, moderators=(0.0,)) for cell in design.cells))
    layout = lay_out(spec, design)
    drawn = layout.scale.draw(2, np.random.default_rng(1))
    drawn["relative_total_sd"] = np.array([[[1.0, 2.0], [3.0, 0.5]], [[3.0, 0.5], [1.0, 2.0]]])
    thetas, _ = run_many(layout.scale.join(drawn), layout.scale.arrays)
    position = next(place for place, name in enumerate(layout.table.names) if " by age" in name)
    mean_square = ((1 / 2) ** 2 + (3 / 0.5) ** 2) / 2
    np.testing.assert_allclose(thetas[:, position], drawn["moderation"][:, 0] / np.sqrt(mean_square))


def test_effects_equal_when_standardised_have_the_stated_prior_at_every_wave():
    spec = ab.RICLPM(TWO, lags="equal_standardized")
    effects, within = implied(spec, tuple(range(6)))
    defined = np.isfinite(within).all(axis=(1, 2))  # not where effects would explain more than all of a variance
    assert defined.mean() > 0.95
    assert effects[defined].std(axis=0) == pytest.approx(spec.priors.cross_lagged.sd, rel=0.1)
    assert 0.85 < np.median(within[defined][:, -1] / within[defined][:, 0]) < 1.2


@pytest.mark.parametrize("n_measures", [2, 3, 4])
def test_a_drift_has_a_density_where_its_process_does_not_explode(n_measures):
    names = measure_names(n_measures)
    priors = ab.Priors(cross_drift=ab.Normal(0, 0.8))
    layout = lay_out(ab.CLPM(names, lags="continuous", priors=priors), plain_design((0, 1, 3)))
    thetas, proper = run_many(layout.scale.join(layout.scale.draw(500, np.random.default_rng(2))), layout.scale.arrays)
    places = [layout.table.names.index(f"drift {before} -> {after}") for after in names for before in names]
    drifts = thetas[:, places].reshape(-1, n_measures, n_measures)
    np.testing.assert_array_equal(proper, np.linalg.eigvals(drifts).real.max(axis=1) < 0)
    assert 0.05 < proper.mean() < 0.95


EDGES = {"carry_over": 0.95, "cross_lagged": 0.5, "icc": 0.98, "within_partial_unit": 0.95}


@pytest.mark.parametrize(
    "spec", [ab.RICLPM(TWO), ab.RICLPM(TWO, lags="free"), ab.RICLPM(TWO, residuals="equal", families=DAYS)], ids=str
)
def test_gradient_at_the_edges(spec):
    """Where effects carry over more than all of the variance, and hardly any variance is within people."""
    times = (0, 1, 2)
    scale = scale_at(spec, times)
    drawn = scale.draw(1, np.random.default_rng(3))
    for name, value in EDGES.items():
        drawn[name][:] = value
    psi = scale.join(drawn)[0]
    theta_bar = np.random.default_rng(4).normal(size=len(scale.to_theta.output))
    want = theta_bar @ slope(lambda point: output(scale.to_theta, point), psi, width=1e-4)
    np.testing.assert_allclose(
        pulled_back(scale.to_theta, psi, theta_bar), want, rtol=1e-5, atol=1e-6 * np.abs(want).max()
    )
