"""Every kind of model: its population by the textbook, and persons drawn from it."""

import dataclasses

import numpy as np
import pytest
from truths import KINDS, NAMES, alt, dpm, dpm_at_equilibrium, lcmsr, riclpm, starts

from alliance_bayes.simulation import Truth, simulate
from alliance_bayes.spec.models import DPM, RICLPM

SIZES = [(2, 6), (3, 4)]


def within(truth):
    """Covariance of stationary within-person parts: Cov(w_t, w_s) is the product of the Phis between them times W."""
    waves, size = len(truth.times), len(truth.spec.measures)
    blocks = np.zeros((waves, waves, size, size))
    for wave in range(waves):
        later = truth.within_covariance
        for further in range(wave, waves):
            blocks[further, wave], blocks[wave, further] = later, later.T
            later = truth.raw[further] @ later if further + 1 < waves else later
    return blocks.swapaxes(1, 2).reshape(waves * size, waves * size)


def agree(panel, truth):
    """Empirical and population moments, within five standard errors."""
    close(panel.values.reshape(len(panel.values), -1), truth.covariance, truth.means_table.ravel())


def close(values, covariance, means):
    """Whether means and covariances of drawn rows are within five standard errors of these."""
    variances = np.diag(covariance)
    error = np.sqrt((np.outer(variances, variances) + covariance**2) / len(values))
    assert values.shape[1] == len(covariance)
    centred = values - values.mean(axis=0)
    empirical = np.einsum("pi,pj->ij", centred, centred) / len(values)
    assert np.all(np.abs(empirical - covariance) < 5 * error)
    assert np.all(np.abs(values.mean(axis=0) - means) < 5 * np.sqrt(variances / len(values)))


@pytest.mark.parametrize("make", KINDS)
@pytest.mark.parametrize(("n_measures", "n_waves"), SIZES)
def test_simulated_moments_are_those_of_the_truth(make, n_measures, n_waves):
    truth = make(n_measures, n_waves)
    panel = simulate(truth, persons=200_000, seed=n_measures)
    assert panel.values.shape == (200_000, n_waves, n_measures)
    agree(panel, truth)


@pytest.mark.parametrize("make", KINDS)
def test_a_truth_of_any_kind_goes_through_a_mapping_and_prints(make):
    truth = make(3, 4)
    assert Truth.from_mapping(truth.spec, truth.to_mapping()) == truth
    assert str(truth).startswith(f"True values of a {truth.spec.title} of x, y and z at times 0, 1, 3 and 4\n")


@pytest.mark.parametrize("make", KINDS)
def test_a_larger_panel_begins_with_the_persons_of_a_smaller_one(make):
    few, many, other = (simulate(make(2, 4), persons=n, seed=seed) for n, seed in ((20, 5), (90, 5), (20, 6)))
    np.testing.assert_array_equal(many.values[:20], few.values)
    assert not np.any(few.values == other.values)


# --- stable factors, by the textbook ---


@pytest.mark.parametrize(("n_measures", "n_waves"), SIZES)
def test_a_starts_model_is_an_riclpm_with_error(n_measures, n_waves):
    truth = starts(n_measures, n_waves)
    error = np.diag(np.tile(truth.error_sds**2, n_waves))
    want = within(truth) + np.tile(truth.between_covariance, (n_waves, n_waves)) + error
    np.testing.assert_allclose(truth.covariance, want, rtol=1e-10, atol=1e-12)
    total = np.diag(truth.covariance)[:n_measures]
    np.testing.assert_allclose(total, np.arange(1, n_measures + 1) ** 2.0, rtol=1e-12)
    shares = np.array([0.3, 0.2, 0.1])[:n_measures]
    np.testing.assert_allclose(truth.error_sds**2, shares * 0.6 * total, rtol=1e-12)
    np.testing.assert_allclose(np.diag(truth.between_covariance), 0.4 * total, rtol=1e-12)


@pytest.mark.parametrize(("n_measures", "n_waves"), SIZES)
def test_lines_are_loadings_times_their_covariance(n_measures, n_waves):
    truth = lcmsr(n_measures, n_waves)
    tau = (np.array(truth.times) - truth.times[0]) / (truth.times[-1] - truth.times[0])
    loadings = np.vstack([np.hstack([np.eye(n_measures), each * np.eye(n_measures)]) for each in tau])
    factors = truth.factor_covariance
    want = loadings @ factors @ loadings.T + within(truth)
    np.testing.assert_allclose(truth.covariance, want, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(np.sqrt(np.diag(factors)[n_measures:]), 0.6, rtol=1e-12)
    np.testing.assert_allclose(np.diag(truth.covariance)[:n_measures], np.arange(1, n_measures + 1) ** 2, rtol=1e-12)
    np.testing.assert_allclose(factors[0, n_measures], -0.3 * 0.6 * np.sqrt(0.4), rtol=1e-12)
    np.testing.assert_allclose(factors[0, n_measures + 1], 0.1 * 0.6 * np.sqrt(0.4), rtol=1e-12)
    start, change = np.arange(n_measures), 1.5 - np.arange(n_measures)
    np.testing.assert_allclose(truth.means_table, start + tau[:, None] * change, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("make", [dpm, alt])
@pytest.mark.parametrize(("n_measures", "n_waves"), SIZES)
def test_accumulating_factors_by_recursion_over_base_steps(make, n_measures, n_waves):
    """The state of (s_t, factors) step by step: its covariance, and that of s_t with earlier waves."""
    truth = make(n_measures, n_waves)
    factors, size = truth.factor_covariance, n_measures
    phi = truth.step_effects[0]
    per_step = truth.within_covariance - phi @ truth.within_covariance @ phi.T
    slopes = truth.spec.growth
    joint = np.block([[truth.first_covariance, truth.first_with_factors], [truth.first_with_factors.T, factors]])
    mean = np.concatenate([truth.means_table[0], truth.factors.means])
    carried = np.eye(len(joint))
    covariances, transfers, means = [joint], [carried], [mean]
    for time in range(truth.times[0].__int__() + 1, int(truth.times[-1]) + 1):
        along = time / truth.times[-1]
        step = np.eye(len(joint))
        step[:size, :size] = phi
        step[:size, size : 2 * size] = np.eye(size)
        if slopes:
            step[:size, 2 * size :] = along * np.eye(size)
        new = np.zeros_like(joint)
        new[:size, :size] = per_step
        joint, carried, mean = step @ joint @ step.T + new, step @ carried, step @ mean
        covariances, transfers, means = [*covariances, joint], [*transfers, carried], [*means, mean]
    places = [int(time) for time in truth.times]
    for later, place in enumerate(places):
        for earlier in range(later + 1):
            before = places[earlier]
            want = (transfers[place] @ np.linalg.inv(transfers[before]) @ covariances[before])[:size, :size]
            got = truth.covariance[later * size : (later + 1) * size, earlier * size : (earlier + 1) * size]
            np.testing.assert_allclose(got, want, rtol=1e-8, atol=1e-10)
        if slopes:
            np.testing.assert_allclose(truth.means_table[later], means[place][:size], rtol=1e-10)


@pytest.mark.parametrize("make", [dpm, alt])
def test_correlations_with_the_first_wave_are_as_given(make):
    truth = make(2, 4)
    first, factors = np.sqrt(np.diag(truth.first_covariance)), np.sqrt(np.diag(truth.factor_covariance))
    np.testing.assert_allclose(first, [1, 2], rtol=1e-12)
    correlation = truth.first_with_factors / np.outer(first, factors)
    if make is dpm:
        np.testing.assert_allclose(correlation, [[0.3, 0.1], [0.0, 0.4]], rtol=1e-12, atol=1e-14)
    else:
        np.testing.assert_allclose(correlation, [[0.3, 0, 0.2, 0], [0, 0.3, 0.1, 0]], rtol=1e-12, atol=1e-14)
    given = truth.first_covariance - truth.first_with_factors @ np.linalg.solve(
        truth.factor_covariance, truth.first_with_factors.T
    )
    np.testing.assert_allclose(given, truth.within_covariance, rtol=1e-10)
    assert given[0, 1] / np.sqrt(given[0, 0] * given[1, 1]) == pytest.approx(0.25, rel=1e-10)


# --- DPM and RI-CLPM ---


@pytest.mark.parametrize(("n_measures", "n_waves"), SIZES)
def test_at_equilibrium_a_dpm_is_an_riclpm_person_by_person(n_measures, n_waves):
    """alpha = (I - Phi) b and Cov(s_1, alpha) = B (I - Phi)'."""
    dynamic, trait = dpm_at_equilibrium(n_measures, n_waves), riclpm(n_measures, n_waves)
    np.testing.assert_allclose(dynamic.covariance, trait.covariance, rtol=1e-10, atol=1e-12)
    rest = np.eye(n_measures) - trait.step_effects[0]
    between = trait.between_covariance
    np.testing.assert_allclose(dynamic.factor_covariance, rest @ between @ rest.T, rtol=1e-10)
    np.testing.assert_allclose(dynamic.first_with_factors, between @ rest.T, rtol=1e-10)
    panels = [simulate(truth, persons=50, seed=3) for truth in (dynamic, trait)]
    np.testing.assert_allclose(panels[0].values, panels[1].values, rtol=1e-9, atol=1e-9)


def test_elsewhere_it_is_not():
    """The same factors with other first waves: stable differences grow or shrink from wave to wave."""
    equal = dpm_at_equilibrium(2, 4)
    sds, first = np.sqrt(np.diag(equal.factor_covariance)), np.sqrt(np.diag(equal.first_covariance))
    correlation = equal.first_with_factors / np.outer(first, sds)
    rebuilt = dataclasses.replace(
        equal,
        icc=None,
        between_correlation=0.0,
        equilibrium=None,
        accumulating_sds=dict(zip(NAMES, sds, strict=False)),
        accumulating_correlation=equal.factor_covariance[0, 1] / np.prod(sds),
        first_accumulating_correlation={
            f"{NAMES[row]}, {NAMES[column]}": correlation[row, column] for row in range(2) for column in range(2)
        },
    )
    np.testing.assert_allclose(rebuilt.covariance, riclpm(2, 4).covariance, rtol=1e-9)

    apart = dataclasses.replace(rebuilt, first_accumulating_correlation=0.0)
    variances = np.diag(apart.covariance).reshape(4, 2)
    assert np.all(np.diff(variances, axis=0) > 0.01)
    assert np.abs(apart.covariance - riclpm(2, 4).covariance).max() > 0.1


def test_equilibrium_needs_one_phi():
    with pytest.raises(ValueError, match="needs the same lagged effects over every interval"):
        Truth(DPM(["x", "y"], lags="free"), times=[0, 1, 2], carry_over=[0.3, 0.4], icc=0.3, equilibrium=True)
    same = Truth(DPM(["x", "y"], lags="free"), times=[0, 1, 2], carry_over=[0.3, 0.3], icc=0.3, equilibrium=True)
    trait = Truth(RICLPM(["x", "y"]), times=[0, 1, 2], carry_over=0.3, icc=0.3)
    np.testing.assert_allclose(same.covariance, trait.covariance, rtol=1e-10, atol=1e-12)
