"""Truths and the persons drawn from them: equations, moments, missingness, refusals."""

import ast
import dataclasses
from pathlib import Path

import numpy as np
import pytest
import tomlkit
from scipy.linalg import expm, solve_continuous_lyapunov

from alliance_bayes import simulation
from alliance_bayes.basics.problems import SpecError
from alliance_bayes.panel import Absence
from alliance_bayes.simulation import Missing, Truth, missing as missing_values, simulate
from alliance_bayes.spec.models import CLPM, RICLPM

TWO = ["x", "y"]
THREE = ["x", "y", "z"]


def small(**changes):
    """Two measures, three waves, equal lags."""
    values = {
        "times": [0, 3, 6],
        "lagged": {"x -> y": 0.12, "y -> x": -0.05},
        "carry_over": 0.3,
        "icc": {"x": 0.5, "y": 0.3},
        "within_correlation": 0.26,
        "between_correlation": 0.35,
        "means": {"x": [1, 2, 3], "y": -4},
        "sds": {"x": 2, "y": 0.5},
    }
    return Truth(RICLPM(TWO), **(values | changes))


def large():
    """Three measures, five waves, lags free."""
    return Truth(
        RICLPM(THREE, lags="free", remove=["z -> x"]),
        times=[0, 1, 2, 4, 8],
        lagged={"x -> y": [0.2, 0.1, 0.0, -0.1], "y->z": 0.15, "z -> z": [0.5, 0.4, 0.3, 0.2]},
        carry_over={"x": 0.4, "y": [0.3, 0.3, 0.2, 0.1]},
        icc=0.4,
        within_correlation={"x, y": 0.3, "z, x": 0.1, "y, z": -0.2},
        between_correlation=[[1, 0.5, 0.2], [0.5, 1, 0.3], [0.2, 0.3, 1]],
        sds={"x": 1, "y": 3, "z": 10},
    )


def without_intercepts():
    return Truth(
        CLPM(TWO, means="equal"),
        times=[0, 6],
        lagged={"x -> y": 0.2},
        carry_over={"x": 0.5},
        within_correlation=-0.4,
        means=5,
        sds=2,
    )


def on_a_grid():
    return Truth(
        RICLPM(THREE, lags="grid"),
        times=[3, 6, 12],
        lagged={"x -> y": 0.2, "y -> z": 0.1, "z -> x": -0.1},
        carry_over={"x": 0.6, "y": 0.5, "z": 0.4},
        icc=0.5,
        within_correlation=0.2,
        between_correlation=0.3,
    )


TRUTHS = [small, large, without_intercepts, on_a_grid]


# --- the population ---


@pytest.mark.parametrize(
    ("truth", "n_measures", "n_waves"), [(small(), 2, 3), (large(), 3, 5), (without_intercepts(), 2, 2)]
)
def test_the_sum_over_shocks_is_the_recursion(truth, n_measures, n_waves):
    """P_t = Phi P Phi' + Psi stays at W, and Cov(w_t, w_s) is the product of the Phis between them times P_s."""
    blocks = truth.covariance.reshape(n_waves, n_measures, n_waves, n_measures).swapaxes(1, 2)
    state = truth.within_covariance
    for wave in range(n_waves):
        np.testing.assert_allclose(state, truth.within_covariance, rtol=1e-12, atol=1e-14)
        later = state
        for further in range(wave, n_waves):
            want = later + truth.between_covariance
            np.testing.assert_allclose(blocks[further, wave], want, rtol=1e-12, atol=1e-14)
            np.testing.assert_allclose(blocks[wave, further], want.T, rtol=1e-12, atol=1e-14)
            if further + 1 < n_waves:
                later = truth.raw[further] @ later
        if wave + 1 < n_waves:
            state = truth.raw[wave] @ state @ truth.raw[wave].T + truth.innovation_covariances[wave]


@pytest.mark.parametrize(("truth", "n_measures", "n_waves"), [(small(), 2, 3), (large(), 3, 5)])
def test_simulated_moments_are_those_of_the_truth(truth, n_measures, n_waves):
    persons = 200_000
    panel = simulate(truth, persons=persons, seed=20)
    assert panel.values.shape == (persons, n_waves, n_measures)

    values = panel.values.reshape(persons, -1)
    covariance = truth.covariance
    variances = np.diag(covariance)
    error = np.sqrt((np.outer(variances, variances) + covariance**2) / persons)
    assert np.all(np.abs(np.cov(values.T) - covariance) < 5 * error)
    assert np.all(np.abs(values.mean(axis=0) - truth.means_table.ravel()) < 5 * np.sqrt(variances / persons))


def test_total_sds_shares_and_correlations_are_as_given():
    truth = small()
    np.testing.assert_allclose(np.sqrt(np.diag(truth.covariance)), [2, 0.5] * 3, rtol=1e-12)
    np.testing.assert_allclose(np.diag(truth.between_covariance), [4 * 0.5, 0.25 * 0.3], rtol=1e-12)
    for covariance, correlation in ((truth.between_covariance, 0.35), (truth.within_covariance, 0.26)):
        assert covariance[0, 1] / np.sqrt(covariance[0, 0] * covariance[1, 1]) == pytest.approx(correlation, rel=1e-12)
    np.testing.assert_array_equal(truth.means_table, [[1, -4], [2, -4], [3, -4]])


def test_effects_are_predictor_to_outcome_in_within_person_sds():
    truth = small()
    np.testing.assert_array_equal(truth.standardized, [[[0.3, -0.05], [0.12, 0.3]]] * 2)
    within_x, within_y = 2 * np.sqrt(0.5), 0.5 * np.sqrt(0.7)
    np.testing.assert_allclose(truth.raw[:, 1, 0], 0.12 * within_y / within_x, rtol=1e-12)
    np.testing.assert_allclose(truth.raw[:, 0, 1], -0.05 * within_x / within_y, rtol=1e-12)
    np.testing.assert_array_equal(truth.raw[:, 0, 0], 0.3)


def test_lists_hold_one_effect_for_each_interval():
    effects = large().standardized
    assert effects.shape == (4, 3, 3)
    np.testing.assert_array_equal(effects[:, 1, 0], [0.2, 0.1, 0.0, -0.1])
    np.testing.assert_array_equal(effects[:, 2, 1], [0.15] * 4)
    np.testing.assert_array_equal(effects[:, 2, 2], [0.5, 0.4, 0.3, 0.2])
    np.testing.assert_array_equal(effects[:, 0, 2], [0.0] * 4)


def test_matrices_and_pairs_are_the_same_correlations():
    matrix = np.array([[1, 0.5, 0.2], [0.5, 1, 0.3], [0.2, 0.3, 1]])
    truth = dataclasses.replace(large(), within_correlation=matrix)
    pairs = dataclasses.replace(truth, within_correlation={"y, x": 0.5, "y,z": 0.3, "x, z": 0.2})
    assert truth == pairs
    np.testing.assert_allclose(
        truth.within_covariance / np.sqrt(np.outer(*[np.diag(truth.within_covariance)] * 2)), matrix, rtol=1e-12
    )


def test_the_published_power_design():
    """Mulder (2023): within variances 1, between variances ICC / (1 - ICC), Psi = W - Phi W Phi'."""
    icc = 0.3
    truth = Truth(
        RICLPM(TWO),
        times=[0, 1, 2, 3],
        lagged={"x -> x": 0.2, "y -> x": 0.15, "x -> y": 0.1, "y -> y": 0.3},
        icc=icc,
        within_correlation=0.26,
        between_correlation=0.35,
        sds=np.sqrt(1 / (1 - icc)),
    )
    variance = 1 / (1 - icc) - 1
    np.testing.assert_allclose(truth.between_covariance, variance * np.array([[1, 0.35], [0.35, 1]]), rtol=1e-12)
    np.testing.assert_allclose(truth.within_covariance, [[1, 0.26], [0.26, 1]], rtol=1e-12)
    np.testing.assert_allclose(truth.raw, [[[0.2, 0.15], [0.1, 0.3]]] * 3, rtol=1e-12)
    innovations = [[0.9219, 0.1755], [0.1755, 0.8844]]
    np.testing.assert_allclose(truth.innovation_covariances, [innovations] * 3, rtol=1e-12)


@pytest.mark.parametrize(
    ("icc", "within", "between", "carry_over", "cross_lagged"),
    [(0.5, 0.0, 0.5, 0.6267, 0.0933), (0.5, 0.26, 0.35, None, 0.0174), (0.7, 0.26, 0.5, None, 0.0432)],
)
def test_the_clpm_implied_by_an_riclpm(icc, within, between, carry_over, cross_lagged):
    """Regressing wave 2 on wave 1 gives (B + Phi P)(B + P)^-1: spurious cross-lagged effects."""
    truth = Truth(
        RICLPM(TWO),
        times=[0, 1, 2],
        carry_over=0.3,
        icc=icc,
        within_correlation=within,
        between_correlation=between,
        sds=1 / np.sqrt(1 - icc),
    )
    regression = truth.covariance[2:4, :2] @ np.linalg.inv(truth.covariance[:2, :2])

    between_covariance, state = truth.between_covariance, truth.within_covariance
    closed = (between_covariance + 0.3 * state) @ np.linalg.inv(between_covariance + state)
    np.testing.assert_allclose(regression, closed, rtol=1e-12)
    np.testing.assert_allclose([regression[0, 1], regression[1, 0]], cross_lagged, atol=5e-5)
    if carry_over is not None:
        np.testing.assert_allclose(np.diag(regression), carry_over, atol=5e-5)


def test_a_grid_is_a_product_of_steps():
    truth = on_a_grid()
    step = np.array([[0.6, 0.0, -0.1], [0.2, 0.5, 0.0], [0.0, 0.1, 0.4]])
    np.testing.assert_array_equal(truth.standardized[0], step)
    np.testing.assert_allclose(truth.standardized[1], step @ step, rtol=1e-12)

    one, within = truth.raw[0], truth.within_covariance
    per_step = within - one @ within @ one.T
    np.testing.assert_allclose(truth.innovation_covariances[1], per_step + one @ per_step @ one.T, rtol=1e-12)


def test_a_grid_equals_a_wave_that_nobody_observed():
    everywhere = dataclasses.replace(on_a_grid(), times=[3, 6, 9, 12])
    observed = np.r_[0:6, 9:12]
    np.testing.assert_allclose(on_a_grid().covariance, everywhere.covariance[np.ix_(observed, observed)], rtol=1e-12)


def test_a_grid_equals_a_process_in_continuous_time():
    """dw = A w dt + noise at 3, 6 and 12 months, sampled exactly by powers of exp(3 A)."""
    drift, noise = np.array([[-0.30, 0.02], [0.08, -0.20]]), np.array([[0.50, 0.10], [0.10, 0.30]])
    between = np.array([[0.40, 0.15], [0.15, 0.60]])
    within = solve_continuous_lyapunov(drift, -noise)
    phi, sds = expm(3 * drift), np.sqrt(np.diag(within))
    effects = phi * sds[None, :] / sds[:, None]
    total = np.diag(between) + np.diag(within)
    truth = Truth(
        RICLPM(TWO, lags="grid"),
        times=[3, 6, 12],
        lagged={f"{TWO[k]} -> {TWO[j]}": effects[j, k] for j in range(2) for k in range(2)},
        icc=dict(zip(TWO, np.diag(between) / total, strict=True)),
        within_correlation=within[0, 1] / np.prod(sds),
        between_correlation=between[0, 1] / np.sqrt(between[0, 0] * between[1, 1]),
        sds=dict(zip(TWO, np.sqrt(total), strict=True)),
    )
    np.testing.assert_allclose(truth.standardized[0, [1, 0], [0, 1]], [0.111430, 0.029191], atol=1e-6)
    np.testing.assert_allclose(truth.raw[1], expm(6 * drift), rtol=1e-12)
    want = [1.258219, 0.523288, 0.762358, 0.454098, 0.470381, 0.283555]
    np.testing.assert_allclose(truth.covariance[0], want, atol=1e-6)


# --- the draws ---


def test_the_same_seed_gives_the_same_panel():
    first, again, other = (simulate(small(), persons=50, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.values, again.values)
    assert not np.any(first.values == other.values)


def test_panels_carry_names_and_times():
    panel = simulate(large(), persons=7, seed=1)
    assert panel.measures == ("x", "y", "z")
    assert panel.times == (0, 1, 2, 4, 8)
    assert panel.values.shape == (7, 5, 3)
    assert np.all(panel.absence == Absence.OBSERVED)


def test_a_larger_panel_begins_with_the_persons_of_a_smaller_one():
    missing = Missing(share=0.3)
    few, many = (simulate(large(), persons=persons, seed=5, missing=missing) for persons in (20, 90))
    np.testing.assert_array_equal(many.values[:20], few.values)


@pytest.mark.parametrize("mechanism", ["completely_at_random", "at_random"])
def test_missing_removes_values_and_changes_none(mechanism):
    whole = simulate(small(), persons=400, seed=3).values
    holed = simulate(small(), persons=400, seed=3, missing=Missing(share=0.4, mechanism=mechanism)).values
    seen = ~np.isnan(holed)
    assert not seen.all()
    np.testing.assert_array_equal(holed[seen], whole[seen])


@pytest.mark.parametrize("unit", ["wave", "value"])
@pytest.mark.parametrize("missing", [{}, {"mechanism": "at_random"}, {"mechanism": "at_random", "slope": -2.5}])
@pytest.mark.parametrize(("truth", "share"), [(small(), 0.2), (large(), [0.1, 0.2, 0.0, 0.6])])
def test_the_expected_share_is_missed(truth, share, missing, unit):
    persons = 20_000
    panel = simulate(truth, persons=persons, seed=8, missing=Missing(share=share, unit=unit, **missing))
    absent = np.isnan(panel.values)
    assert not absent[:, 0].any()
    shares = np.broadcast_to(share, len(truth.times) - 1)
    error = np.sqrt(shares * (1 - shares) / persons)
    assert np.all(np.abs(absent[:, 1:].mean(axis=0) - shares[:, None]) <= 5 * error[:, None])


def test_missed_waves_and_missed_values_are_different_absences():
    waves = simulate(small(), persons=500, seed=4, missing=Missing(share=0.5)).absence
    assert set(np.unique(waves)) == {Absence.OBSERVED, Absence.WAVE_MISSING}
    np.testing.assert_array_equal(waves[..., 0], waves[..., 1])

    values = simulate(small(), persons=500, seed=4, missing=Missing(share=0.5, unit="value")).absence
    assert set(np.unique(values)) == {Absence.OBSERVED, Absence.ITEM_MISSING}
    assert np.any(values[..., 0] != values[..., 1])


@pytest.mark.parametrize("unit", ["wave", "value"])
@pytest.mark.parametrize(("n_measures", "n_waves"), [(2, 3), (3, 5)])
def test_missing_at_random_looks_at_observed_values_alone(n_measures, n_waves, unit):
    """Whatever stands in the unobserved cells, the same cells go missing."""
    values = np.random.default_rng(1).standard_normal((300, n_waves, n_measures))
    missing = Missing(share=0.4, mechanism="at_random", slope=2.0, unit=unit)
    absent = missing_values.absent_values(values, missing, np.random.default_rng(2))
    assert absent.shape == (300, n_waves, n_measures)

    other = np.where(absent, 99.0, values)
    np.testing.assert_array_equal(missing_values.absent_values(other, missing, np.random.default_rng(2)), absent)

    seen = np.where(absent, values, values + np.linspace(-5, 5, 300)[:, None, None])
    assert np.any(missing_values.absent_values(seen, missing, np.random.default_rng(2)) != absent)


def test_the_slope_acts_on_the_last_value_observed():
    """Missed at wave 2 by wave 1; at wave 3 by wave 2, or by wave 1 where wave 2 was missed."""
    truth, persons = small(), 100_000
    missing = Missing(share=0.3, mechanism="at_random", slope=1.5)
    values = simulate(truth, persons=persons, seed=9, missing=missing).values
    standardized = (values - truth.means_table) / [2, 0.5]
    absent = np.isnan(standardized[..., 0])
    last_seen = np.where(absent[:, 1, None], standardized[:, 0], standardized[:, 1])
    for wave, seen in ((1, standardized[:, 0]), (2, last_seen)):
        predictor = seen.mean(axis=1)
        design = np.column_stack([np.ones(persons), predictor])
        estimate = np.zeros(2)
        for _ in range(10):
            fitted = 1 / (1 + np.exp(-design @ estimate))
            information = (design * (fitted * (1 - fitted))[:, None]).T @ design
            estimate = estimate + np.linalg.solve(information, design.T @ (absent[:, wave] - fitted))
        assert abs(estimate[1] - 1.5) < 5 * np.sqrt(np.linalg.inv(information)[1, 1])


@pytest.mark.parametrize("share", [0.01, 0.3, 0.9])
def test_probabilities_have_the_share_as_mean_and_the_log_odds_as_given(share):
    log_odds = 3 * np.random.default_rng(1).standard_normal(1000)
    probabilities = missing_values.probabilities_with_share(log_odds, share)
    assert probabilities.mean() == pytest.approx(share, rel=1e-12)
    got = np.log(probabilities / (1 - probabilities))
    np.testing.assert_allclose(np.diff(got), np.diff(log_odds), atol=1e-8)


def test_nothing_of_the_engine_is_used():
    files = sorted(Path(simulation.__file__).parent.glob("*.py"))
    assert len(files) > 8
    nodes = [node for file in files for node in ast.walk(ast.parse(file.read_text()))]
    imports = [node for node in nodes if isinstance(node, ast.ImportFrom) and node.level == 2]
    assert {node.module.split(".")[0] for node in imports} == {"basics", "families", "panel", "spec"}
    assert {node.module.split(".")[0] for node in nodes if isinstance(node, ast.ImportFrom) and not node.level} == {
        *("collections", "dataclasses", "functools", "itertools", "numbers", "numpy", "scipy", "typing")
    }


# --- to and from a model file ---


@pytest.mark.parametrize("make", TRUTHS)
def test_a_truth_goes_through_toml_unchanged(make):
    truth = make()
    text = tomlkit.dumps(truth.to_mapping())
    assert Truth.from_mapping(truth.spec, tomlkit.parse(text)) == truth
    assert Truth.from_mapping(truth.spec, truth.to_mapping()) == truth


def test_the_mapping_is_plain():
    assert small().to_mapping() == {
        "times": [0.0, 3.0, 6.0],
        "lagged": {"x -> y": 0.12, "y -> x": -0.05},
        "carry_over": 0.3,
        "icc": {"x": 0.5, "y": 0.3},
        "within_correlation": 0.26,
        "between_correlation": 0.35,
        "means": {"x": [1.0, 2.0, 3.0], "y": -4.0},
        "sds": {"x": 2.0, "y": 0.5},
    }


def test_unknown_names_in_a_mapping_are_refused():
    with pytest.raises(SpecError) as error:
        Truth.from_mapping(RICLPM(TWO), {"lags": {}, "iccs": 0.5})
    assert str(error.value) == (
        "[truth] cannot be read. 3 problems:\n"
        "  1. A truth has no 'lags'; did you mean 'lagged'? Its keys: 'times', 'lagged', 'carry_over', 'icc', "
        "'within_correlation', 'between_correlation', 'means', 'sds', 'innovations'.\n"
        "  2. A truth has no 'iccs'; did you mean 'icc'? Its keys: 'times', 'lagged', 'carry_over', 'icc', "
        "'within_correlation', 'between_correlation', 'means', 'sds', 'innovations'.\n"
        "  3. 'times' is missing: the times of the waves, such as times = [0, 3, 6]."
    )


def test_a_truth_prints_itself():
    assert str(without_intercepts()) == (
        "True values of a cross-lagged panel model of x and y at times 0 and 6\n"
        "Lagged effects, in SDs of the outcome per SD of the predictor:\n"
        "       0 to 6\n"
        "x -> x    0.5\n"
        "y -> x      0\n"
        "x -> y    0.2\n"
        "y -> y      0\n"
        "Measures, in raw units:\n"
        "  SD mean\n"
        "x  2    5\n"
        "y  2    5\n"
        "Correlations at every wave: x, y -0.4"
    )
    assert str(small()).splitlines()[8:] == [
        "   ICC   SD mean at 0 mean at 3 mean at 6",
        "x  0.5    2         1         2         3",
        "y  0.3  0.5        -4        -4        -4",
        "Correlations within persons: x, y 0.26",
        "Correlations between persons: x, y 0.35",
    ]


def test_truths_are_frozen_and_keep_their_own_copy():
    lagged = {"x -> y": 0.12}
    truth = small(lagged=lagged)
    lagged["x -> y"] = 0.5
    assert truth.lagged == {"x -> y": 0.12}
    with pytest.raises(dataclasses.FrozenInstanceError):
        truth.icc = 0.1


# --- refusals ---


def refusal(make, *arguments, **values):
    with pytest.raises(SpecError) as error:
        make(*arguments, **values)
    return str(error.value)


def problems(*sentences, heading="This truth cannot be simulated"):
    count = f"{len(sentences)} problem" + "s" * (len(sentences) != 1)
    return "\n".join([f"{heading}. {count}:", *(f"  {i}. {text}" for i, text in enumerate(sentences, start=1))])


def test_spec_and_times_must_be_known_before_anything_else():
    assert refusal(Truth, "riclpm", times=[0, 2, 2]) == problems(
        "spec must be a model, such as ab.RICLPM(...); got 'riclpm'.",
        "times must be two or more increasing numbers; got [0, 2, 2].",
    )


def test_the_models_own_demands_on_times_are_passed_on():
    spec = RICLPM(TWO)
    assert refusal(Truth, spec, times=[3, 6, 12], icc=0.5) == problems(*spec.problems_with((3, 6, 12)))
    assert refusal(Truth, spec, times=[3, 6], icc=0.5) == problems(*spec.problems_with((3, 6)))


def test_every_value_is_checked_and_all_are_told_at_once():
    got = refusal(
        small,
        lagged={"x -> Y": 0.1, "x": 0.1, "x -> y": [0.1, 0.2], "y->x": "strong", "y -> x": 0.1},
        carry_over={"q": 0.1, "x": float("nan")},
        icc={"x": 1},
        within_correlation={"x": 0.1, "x, q": 0.1, "x, y": 0.1, "y, x": True},
        between_correlation=[[1, 0.2], [0.3, 1]],
        means={"x": [1, 2], "y": 0},
        sds=-1,
    )
    once = "one number, for every interval alike (lags='free' takes one for each)"
    assert got == problems(
        "lagged names 'Y', which is not a measure. Measures: 'x', 'y'.",
        "lagged: 'x' is not a lagged path; write 'predictor -> outcome'.",
        f"lagged 'x -> y' must be {once}; got [0.1, 0.2].",
        f"lagged 'y -> x' must be {once}; got 'strong'.",
        "lagged: 'y -> x' is given twice; give it once.",
        "carry_over names 'q', which is not a measure. Measures: 'x', 'y'.",
        f"carry_over of 'x' must be {once}; got nan.",
        "within_correlation: 'x' is not a pair of measures; write 'x, y'.",
        "within_correlation names 'q', which is not a measure. Measures: 'x', 'y'.",
        "within_correlation: 'x, y' is given twice; give it once.",
        "within_correlation of 'x, y' must be a number; got True.",
        "icc leaves out 'y'; name every measure, or give one number for all.",
        "icc of 'x' must be a number at least 0 and below 1; got 1.",
        "between_correlation must be a number, a table of pairs such as {'x, y': 0.3}, or a symmetric 2 x 2 matrix "
        "with ones on its diagonal; got [[1, 0.2], [0.3, 1]].",
        "means of 'x' must be a number, or a list of 3, one for each wave; got [1, 2].",
        "sds must be a number above 0; got -1.",
    )


@pytest.mark.parametrize(
    ("spec", "times", "expected"),
    [
        (RICLPM(TWO, lags="free"), [0, 1, 2], "a number, or a list of 2, one for each interval"),
        (RICLPM(TWO, lags="grid"), [0, 1, 3], "one number, for a base step (lags='free' takes one for each interval)"),
    ],
)
def test_lists_must_fit_the_lags(spec, times, expected):
    got = refusal(Truth, spec, times=times, icc=0.5, carry_over=[0.1, 0.2, 0.3])
    assert got == problems(f"carry_over must be {expected}; got [0.1, 0.2, 0.3].")


def test_equal_means_take_no_list():
    got = refusal(Truth, RICLPM(TWO, means="equal"), times=[0, 1, 2], icc=0.5, means=[1, 2, 3])
    assert got == problems(
        "means must be one number, for every wave alike (means='free' takes one for each); got [1, 2, 3]."
    )


def test_lagged_must_be_a_table():
    assert refusal(small, lagged=0.1) == problems("lagged must be a table of paths, such as {'x -> y': 0.1}; got 0.1.")


def test_pairs_must_all_be_named():
    got = refusal(dataclasses.replace, large(), within_correlation={"x, y": 0.1})
    assert got == problems("within_correlation leaves out 'x, z', 'y, z'; name every pair, or give one number for all.")


def test_an_effect_is_given_once():
    assert refusal(small, lagged={"x -> x": 0.2}) == problems(
        "'x -> x' is given twice, in lagged and in carry_over; give it once."
    )


def test_removed_paths_must_be_zero():
    spec = RICLPM(TWO, lags="free", remove=["y -> x", "x -> x"])
    assert Truth(spec, times=[0, 1, 2], icc=0.5, lagged={"y -> x": [0, 0]}).standardized.sum() == 0
    got = refusal(Truth, spec, times=[0, 1, 2], icc=0.5, lagged={"y -> x": [0, 0.1]}, carry_over=0.3)
    tail = "Leave the effect out, or keep the path in the model."
    assert got == problems(
        f"'x -> x' is removed from the model, so its effect must be 0; got 0.3. {tail}",
        f"'y -> x' is removed from the model, so its effect must be 0; got [0.0, 0.1]. {tail}",
    )


def test_an_riclpm_needs_an_icc_and_a_clpm_has_none():
    assert refusal(Truth, RICLPM(TWO), times=[0, 1, 2]) == problems(
        "icc is missing: the share of variance that is stable between persons, a number at least 0 and below 1."
    )
    assert Truth(CLPM(TWO), times=[0, 1], icc=0).between_covariance.sum() == 0
    tail = "Leave it out, or use ab.RICLPM(...)."
    assert refusal(Truth, CLPM(TWO), times=[0, 1], icc=0.5, between_correlation=0.3) == problems(
        f"A cross-lagged panel model has no random intercepts, hence no icc; got 0.5. {tail}",
        f"A cross-lagged panel model has no random intercepts, hence no between_correlation; got 0.3. {tail}",
    )


def test_correlations_must_be_positive_definite():
    got = refusal(
        dataclasses.replace, large(), within_correlation=-0.6, between_correlation=[[1, 2, 0], [2, 1, 0], [0, 0, 1]]
    )
    tail = "Move them towards 0."
    assert got == problems(
        "within_correlation must be positive definite, and no measures have these correlations (smallest eigenvalue "
        f"-0.2): x, y -0.6; x, z -0.6; y, z -0.6. {tail}",
        "between_correlation must be positive definite, and no measures have these correlations (smallest eigenvalue "
        f"-1): x, y 2; x, z 0; y, z 0. {tail}",
    )


@pytest.mark.parametrize(
    ("spec", "times", "stretch"),
    [
        (RICLPM(TWO), [0, 6, 12], "every interval"),
        (RICLPM(TWO, lags="grid"), [3, 6, 12], "the base step of 3"),
        (CLPM(TWO, lags="free"), [0, 1.5], "the interval 0 to 1.5"),
    ],
)
def test_the_unstable_is_refused(spec, times, stretch):
    icc = 0.5 if spec.random_intercepts else None
    got = refusal(Truth, spec, times=times, lagged={"x -> y": 0.6, "y -> x": 0.6}, carry_over=0.5, icc=icc)
    assert got == problems(
        f"Over {stretch} the lagged effects are unstable: their spectral radius is 1.1 and must be below 1, or "
        "deviations do not die away. Lagged effects up to 0.9 times these are possible."
    )
    possible = {"x -> y": 0.6 * 0.9, "y -> x": 0.6 * 0.9}
    Truth(spec, times=times, lagged=possible, carry_over=0.5 * 0.9, icc=icc)


def test_effects_that_leave_no_innovation_are_refused():
    """Stable, yet with unit variances more of y would be explained than there is: 0.5^2 + 0.9^2 > 1."""
    got = refusal(
        Truth, RICLPM(TWO, lags="free"), times=[0, 1, 2], icc=0.3, carry_over=0.5, lagged={"x -> y": [0.9, 0.1]}
    )
    assert got == problems(
        "Over the interval 0 to 1 the lagged effects explain more variance than there is: the innovation covariance "
        "W - Phi W Phi', in within-person SDs, must be positive definite and has the smallest eigenvalue -0.26. "
        "Lagged effects up to 0.89 times these are possible."
    )


def test_equal_residuals_need_equal_effects():
    spec = RICLPM(TWO, lags="free", residuals="equal")
    got = refusal(Truth, spec, times=[0, 1, 2], icc=0.5, carry_over=[0.5, 0.3])
    assert got == problems(
        "residuals='equal' in the model, but the innovation covariances differ between intervals, by up to 0.16 in "
        "within-person SDs: the within-person covariance is the same at every wave, so unequal lagged effects leave "
        "unequal innovations. Use residuals='free', or equal effects."
    )
    Truth(spec, times=[0, 1, 2], icc=0.5, carry_over=[0.3, 0.3])


def test_missing_is_checked():
    heading = "Values cannot go missing in this way"
    got = refusal(Missing, share=[0.1, 1], mechanism="mar", slope="steep", unit="person")
    assert got == problems(
        "share must be a number at least 0 and below 1, or a list with one for each later wave; got [0.1, 1].",
        "mechanism must be one of 'completely_at_random', 'at_random'; got 'mar'.",
        "unit must be one of 'wave', 'value'; got 'person'.",
        "slope must be a number; got 'steep'.",
        heading=heading,
    )
    assert refusal(Missing, share=0.1, slope=2) == problems(
        "slope=2 needs mechanism='at_random'; add that, or leave the slope out.", heading=heading
    )


def test_what_simulate_is_asked_is_checked():
    got = refusal(simulate, small(), persons=1, seed=None, missing=Missing(share=[0.1, 0.2, 0.3]))
    assert got == problems(
        "persons must be a whole number, at least 2; got 1.",
        "seed must be a whole number of 0 or more; got None.",
        "missing has 3 shares; name 2, one for each wave after the first.",
        heading="No panel can be simulated",
    )
