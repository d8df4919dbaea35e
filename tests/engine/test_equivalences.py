"""Models that are one and the same where theory says so, and not where it does not."""

import numpy as np
import pytest
from scipy.linalg import expm, logm, solve_discrete_lyapunov

import alliance_bayes as ab
from alliance_bayes.engine.model_on_panel import panel_model
from helpers import random_panel
from textbook import Textbook, integrated

M = ["alliance", "days"]
B = np.array([[0.4, 0.15], [0.15, 0.6]])
PHI = np.array([[0.45, 0.06], [0.12, 0.5]])
PSI = np.array([[0.6, 0.2], [0.2, 0.5]])
WITHIN = solve_discrete_lyapunov(PHI, PSI)


def block(word, matrix, suffix=""):
    return {
        f"{word} variance {M[0]}{suffix}": matrix[0, 0],
        f"{word} covariance {M[0]}, {M[1]}{suffix}": matrix[0, 1],
        f"{word} variance {M[1]}{suffix}": matrix[1, 1],
    }


def crossing(word, matrix):
    return {f"{word} {M[row]}, {M[column]}": matrix[row, column] for row in range(2) for column in range(2)}


def effects(matrix, label="{}"):
    return {label.format(f"{M[column]} -> {M[row]}"): matrix[row, column] for row in range(2) for column in range(2)}


def means(times):
    return {f"mean {name}, {time:g}": 3.0 + place for time in times for place, name in enumerate(M)}


def a_panel(times, seed=1, **options):
    return random_panel(2, times, np.random.default_rng(seed), persons=40, missing=0.15, **options)


# ---- continuous time ----


def test_a_grid_is_continuous_time_with_its_logarithm_as_drift():
    times, step = (3, 6, 12, 21), 3
    drift = logm(PHI) / step
    lyapunov = np.kron(drift, np.eye(2)) + np.kron(np.eye(2), drift)
    diffusion = np.linalg.solve(np.linalg.solve(lyapunov, expm(lyapunov * step) - np.eye(4)), PSI.ravel()).reshape(2, 2)
    np.testing.assert_allclose(integrated(drift, diffusion, step), PSI, rtol=1e-10)
    shared = block("between", B) | block("within", WITHIN, ", 3") | means(times)
    panel = a_panel(times)
    grid = ab.log_likelihood(
        ab.RICLPM(M, lags="grid", residuals="equal"), panel, shared | effects(PHI) | block("innovation", PSI)
    )
    continuous = ab.log_likelihood(
        ab.RICLPM(M, lags="continuous"), panel, shared | effects(drift, "drift {}") | block("diffusion", diffusion)
    )
    np.testing.assert_allclose(continuous, grid, rtol=1e-9)


def test_a_grid_and_continuous_time_have_one_maximum():
    """Where the best Phi of a base step has a logarithm and a diffusion, both models reach it."""
    times = (3, 6, 12)
    shared = block("between", B) | block("within", WITHIN, ", 3") | means(times)
    spec = ab.RICLPM(M, lags="grid", residuals="equal")
    mean, covariance = Textbook(spec, times, shared | effects(PHI) | block("innovation", PSI)).moments()
    rng = np.random.default_rng(2)
    rows = rng.multivariate_normal(mean, covariance, size=400)
    rows[rng.random(rows.shape) < 0.1] = np.nan
    panel = ab.Panel.from_arrays(rows.reshape(400, 3, 2), measures=M, times=times)
    grid = ab.maximum_likelihood(spec, panel)
    continuous = ab.maximum_likelihood(ab.RICLPM(M, lags="continuous"), panel)
    assert grid.converged
    assert continuous.converged
    assert grid.n_parameters == continuous.n_parameters
    assert continuous.log_likelihood == pytest.approx(grid.log_likelihood, abs=1e-6)
    assert continuous.chi_square == pytest.approx(grid.chi_square, abs=1e-5)
    phi = np.array([[grid.table.loc[f"{a} -> {b}", "estimate"] for a in M] for b in M])
    drift = np.array([[continuous.table.loc[f"drift {a} -> {b}", "estimate"] for a in M] for b in M])
    np.testing.assert_allclose(expm(3 * drift), phi, atol=1e-5)


def test_a_diffusion_that_no_innovation_has_tells_them_apart():
    times = (3, 6, 12)
    panel, drift = a_panel(times), logm(PHI) / 3
    shared = block("between", B) | block("within", WITHIN, ", 3") | means(times)
    grid = ab.log_likelihood(
        ab.RICLPM(M, lags="grid", residuals="equal"), panel, shared | effects(PHI) | block("innovation", PSI)
    )
    other = ab.log_likelihood(
        ab.RICLPM(M, lags="continuous"), panel, shared | effects(drift, "drift {}") | block("diffusion", PSI)
    )
    assert np.abs(grid - other).max() > 1e-3


def test_own_times_as_planned_change_nothing():
    times = (0, 1, 2.5, 4)
    panel = a_panel(times)
    own = ab.Panel.from_arrays(panel.values, measures=M, times=times, own_times=np.tile(times, (40, 1)))
    spec = ab.RICLPM(M, lags="continuous")
    theirs, ours = ab.maximum_likelihood(spec, panel), ab.maximum_likelihood(spec, own)
    assert len(panel_model(spec, own).design.cells) == 1
    assert ours.log_likelihood == theirs.log_likelihood
    np.testing.assert_array_equal(ours.table["estimate"], theirs.table["estimate"])
    assert ours.chi_square == theirs.chi_square


def test_everybody_a_week_late_is_nobody_late():
    times = np.array([0, 1, 2.5, 4])
    panel = a_panel(tuple(times))
    late = ab.Panel.from_arrays(panel.values, measures=M, times=times, own_times=times + np.linspace(0, 3, 40)[:, None])
    spec = ab.RICLPM(M, lags="continuous")
    values = block("between", B) | block("within", WITHIN, ", 0") | means(times)
    values |= effects(logm(PHI), "drift {}") | block("diffusion", PSI)
    np.testing.assert_allclose(ab.log_likelihood(spec, late, values), ab.log_likelihood(spec, panel, values), rtol=1e-9)


# ---- accumulating factors ----


def dpm_of(b, phi, *, times, covariance=None):
    """A DPM whose factors are at equilibrium with the trait b at the first wave: it is that RI-CLPM."""
    rest = np.eye(2) - phi
    crossed = rest @ b if covariance is None else covariance
    return (
        effects(phi)
        | block("accumulating", rest @ b @ rest.T)
        | crossing("accumulating with first", crossed)
        | block("first", b + WITHIN, f", {times[0]:g}")
        | {
            name: value
            for interval in ("0 to 1", "1 to 2", "2 to 3")
            for name, value in block("innovation", PSI, f", {interval}").items()
        }
        | means(times)
    )


def riclpm_of(b, phi, *, times):
    return (
        effects(phi)
        | block("between", b)
        | block("within", WITHIN, f", {times[0]:g}")
        | {
            name: value
            for interval in ("0 to 1", "1 to 2", "2 to 3")
            for name, value in block("innovation", PSI, f", {interval}").items()
        }
        | means(times)
    )


def test_a_dpm_at_equilibrium_is_an_riclpm():
    times = (0, 1, 2, 3)
    panel = a_panel(times)
    want = ab.log_likelihood(ab.RICLPM(M), panel, riclpm_of(B, PHI, times=times))
    found = ab.log_likelihood(ab.DPM(M), panel, dpm_of(B, PHI, times=times))
    np.testing.assert_allclose(found, want, rtol=1e-9)
    other = dpm_of(B, PHI, times=times, covariance=0.8 * (np.eye(2) - PHI) @ B)
    assert np.abs(ab.log_likelihood(ab.DPM(M), panel, other) - want).max() > 1e-3


def test_a_dpm_finds_the_moments_of_an_riclpm_and_not_the_other_way_round():
    times = (0, 1, 2, 3)
    _, traits = Textbook(ab.RICLPM(M), times, riclpm_of(B, PHI, times=times)).moments()
    _, factors = Textbook(ab.DPM(M), times, dpm_of(B, PHI, times=times, covariance=np.zeros((2, 2)))).moments()

    def fitted(model, covariance):
        panel = ab.Panel.from_moments(
            measures=M, times=times, n=500, means=np.zeros(8), covariance=covariance, divisor="n"
        )
        return ab.maximum_likelihood(model(M), panel)

    found = fitted(ab.DPM, traits)
    assert found.chi_square == pytest.approx(0, abs=1e-5)
    for name, value in effects(PHI).items():
        assert found.table.loc[name, "estimate"] == pytest.approx(value, abs=1e-4)
    assert fitted(ab.RICLPM, factors).chi_square > 0.1


# ---- other models within models ----


def test_an_lcmsr_without_slopes_is_an_riclpm_with_its_means_on_a_line():
    times = (0, 1, 2, 3)
    panel = a_panel(times)
    line = {f"mean {name}, {time:g}": 2.0 + 0.3 * time for time in times for name in M}
    want = ab.log_likelihood(ab.RICLPM(M), panel, riclpm_of(B, PHI, times=times) | line)
    grown = {name: value for name, value in riclpm_of(B, PHI, times=times).items() if not name.startswith("mean")}
    grown |= block("slope", np.zeros((2, 2))) | crossing("between with slope", np.zeros((2, 2)))
    grown |= {f"mean intercept {name}": 2.0 for name in M} | {f"mean slope {name}": 0.9 for name in M}
    np.testing.assert_allclose(ab.log_likelihood(ab.LCMSR(M), panel, grown), want, rtol=1e-9)


def test_an_alt_without_slopes_is_a_dpm():
    times = (0, 1, 2, 3)
    panel, dpm = a_panel(times), dpm_of(B, PHI, times=times)
    first, drive, overall = np.array([3.0, 4.0]), np.array([0.5, -0.2]), panel.pooled_scale()[0]
    centres = [first]
    for _ in times[1:]:
        centres.append(overall + PHI @ (centres[-1] - overall) + drive)
    line = {
        f"mean {name}, {time:g}": centre[place]
        for time, centre in zip(times, centres, strict=True)
        for place, name in enumerate(M)
    }
    want = ab.log_likelihood(ab.DPM(M), panel, dpm | line)
    alt = {name: value for name, value in dpm.items() if not name.startswith("mean")}
    alt |= block("accumulating slope", np.zeros((2, 2)))
    alt |= crossing("accumulating with accumulating slope", np.zeros((2, 2)))
    alt |= crossing("accumulating slope with first", np.zeros((2, 2)))
    for place, name in enumerate(M):
        alt |= {f"mean {name}, 0": first[place], f"mean accumulating {name}": drive[place]}
        alt[f"mean accumulating slope {name}"] = 0.0
    np.testing.assert_allclose(ab.log_likelihood(ab.ALT(M), panel, alt), want, rtol=1e-9)


def test_starts_without_error_is_a_stationary_riclpm():
    times = (0, 1, 2, 3)
    panel = a_panel(times)
    values = effects(PHI) | block("between", B) | block("within", WITHIN, ", 0") | means(times)
    want = ab.log_likelihood(ab.RICLPM(M, stationary=True), panel, values)
    errors = {f"error variance {name}": 0.0 for name in M}
    np.testing.assert_allclose(ab.log_likelihood(ab.STARTS(M), panel, values | errors), want, rtol=1e-9)
    np.testing.assert_allclose(ab.log_likelihood(ab.RICLPM(M), panel, riclpm_of(B, PHI, times=times)), want, rtol=1e-9)


def test_equal_standardised_effects_are_equal_effects_where_sds_do_not_change():
    times = (0, 1, 2, 3)
    panel = a_panel(times)
    sd = np.sqrt(np.diag(WITHIN))
    values = riclpm_of(B, PHI, times=times)
    want = ab.log_likelihood(ab.RICLPM(M), panel, values)
    moved = {name: value for name, value in values.items() if "->" not in name}
    moved |= effects(PHI * sd[None, :] / sd[:, None], "standardized {}")
    found = ab.log_likelihood(ab.RICLPM(M, lags="equal_standardized"), panel, moved)
    np.testing.assert_allclose(found, want, rtol=1e-8)


# ---- covariates and groups ----


def test_a_covariate_without_effect_changes_nothing():
    times, rng = (0, 1, 2, 3), np.random.default_rng(3)
    panel = a_panel(times)
    known = ab.Panel.from_arrays(panel.values, measures=M, times=times, covariates={"c": rng.normal(5, 2, 40)})
    spec = ab.RICLPM(M, covariates={"c": ["intercepts", "first_wave"]})
    values = riclpm_of(B, PHI, times=times)
    nothing = {f"c -> {word} {name}": 0.0 for word in ("intercept", "within") for name in M}
    found = ab.log_likelihood(spec, known, values | nothing)
    np.testing.assert_allclose(found, ab.log_likelihood(ab.RICLPM(M), panel, values), rtol=1e-9)


def test_where_a_covariate_has_its_origin_moves_nothing():
    """Its unit changes the effects alone, and its origin nothing: it is centred."""
    times, rng = (0, 1, 2, 3), np.random.default_rng(4)
    given = rng.normal(size=40)
    panel = a_panel(times)
    spec = ab.RICLPM(M, covariates={"c": "intercepts"})
    first, second = (
        ab.maximum_likelihood(
            spec, ab.Panel.from_arrays(panel.values, measures=M, times=times, covariates={"c": covariate})
        )
        for covariate in (given, 100 + 4 * given)
    )
    assert second.log_likelihood == pytest.approx(first.log_likelihood, abs=1e-8)
    covariate = first.table["kind"] == "covariate"
    np.testing.assert_allclose(
        second.table["estimate"][covariate], first.table["estimate"][covariate] / 4, rtol=1e-4, atol=1e-6
    )
    np.testing.assert_allclose(second.table["estimate"][~covariate], first.table["estimate"][~covariate], atol=1e-5)


def test_groups_that_share_everything_are_no_groups():
    times = (0, 1, 2, 3)
    panel = a_panel(times)
    groups = np.array(["A", "B"])[np.arange(40) % 2]
    grouped = ab.Panel.from_arrays(panel.values, measures=M, times=times, groups=groups)
    spec = ab.RICLPM(M, group_lags="equal", equal_across_groups=["variances", "residuals", "means"])
    ours, theirs = ab.maximum_likelihood(spec, grouped), ab.maximum_likelihood(ab.RICLPM(M), panel)
    assert list(ours.table.index) == list(theirs.table.index)
    assert ours.log_likelihood == pytest.approx(theirs.log_likelihood, abs=1e-8)
    np.testing.assert_allclose(ours.table["estimate"], theirs.table["estimate"], atol=1e-5)


def test_groups_that_share_nothing_are_fitted_one_by_one():
    times = (0, 1, 2, 3)
    panels = [a_panel(times, seed=seed) for seed in (5, 6)]
    values = np.concatenate([panel.values for panel in panels])
    scale = np.nanstd(values - np.nanmean(values, axis=0), axis=(0, 1))
    assert (scale > 0).all()
    whole = ab.Panel.from_arrays(values, measures=M, times=times, groups=np.repeat(["A", "B"], 40))
    found = ab.maximum_likelihood(ab.CLPM(M, group_lags="free"), whole)
    alone = [ab.maximum_likelihood(ab.CLPM(M), panel) for panel in panels]
    assert found.log_likelihood == pytest.approx(sum(each.log_likelihood for each in alone), abs=1e-6)
    assert found.chi_square == pytest.approx(sum(each.chi_square for each in alone), abs=1e-4)
    assert found.df == sum(each.df for each in alone)
    for group, each in zip("AB", alone, strict=True):
        estimates = found.table["estimate"][[f"{group}: {name}" for name in each.table.index]]
        np.testing.assert_allclose(estimates, each.table["estimate"], rtol=1e-4, atol=1e-4)
