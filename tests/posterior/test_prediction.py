"""Conditional draws, longer systems and replicated panels against the textbook's conditional normal."""

import numpy as np
import pandas as pd
import pytest

import alliance_bayes as ab
from alliance_bayes.basics.problems import SpecError
from alliance_bayes.engine.design import plain_design
from alliance_bayes.engine.layout import lay_out
from alliance_bayes.engine.model_on_panel import panel_model
from alliance_bayes.posterior.predictions.forecasting import continued
from alliance_bayes.posterior.predictions.normal import draw_unobserved, lower_factor, replicate
from alliance_bayes.posterior.predictions.responses import statistic_table
from alliance_bayes.spec.models import RICLPM
from engine_calls import in_order, system_at
from helpers import (
    TIMES,
    between_covariance,
    every_spec,
    label,
    measure_names,
    random_values,
    specs_without,
    textbook_moments,
)


class Given:
    """A source of the normal numbers that it was given."""

    def __init__(self, numbers):
        self.numbers = numbers

    def standard_normal(self, shape):
        assert self.numbers.shape == shape
        return self.numbers


def a_model(spec, times, seed):
    rng = np.random.default_rng(seed)
    values = random_values(spec, times, rng)
    system = system_at(spec, times)
    return system, values, in_order(system, values), rng


def drawn_moments(system, targets, theta, rows):
    """Mean of the draws and their covariance, person by person, from chosen normal numbers."""
    size = len(targets)
    normals = np.concatenate([np.zeros((1, size)), np.eye(size)])[:, None].repeat(len(rows), axis=1)
    drawn = draw_unobserved(system, targets, np.tile(theta, (size + 1, 1)), rows, Given(normals))
    factors = (drawn[1:] - drawn[0]).transpose(1, 2, 0)
    return drawn[0], factors @ factors.transpose(0, 2, 1)


def conditional(mean, covariance, row, targets, first):
    """Of the targets given the seen values of a row that starts at position `first` of the joint vector."""
    seen = [first + place for place in range(len(row)) if not np.isnan(row[place])]
    cross = covariance[np.ix_(targets, seen)]
    weights = np.linalg.solve(covariance[np.ix_(seen, seen)], cross.T).T
    deviation = row[~np.isnan(row)] - mean[seen]
    return mean[targets] + weights @ deviation, covariance[np.ix_(targets, targets)] - weights @ cross.T


def some_rows(n_values, rng):
    rows = rng.normal(size=(12, n_values))
    rows[4:][rng.random((8, n_values)) < 0.5] = np.nan
    rows[7] = np.nan
    return rows


@pytest.mark.parametrize("spec", [spec for spec in every_spec(2) if spec.random_intercepts][::2], ids=label)
def test_random_intercepts_given_the_values(spec):
    system, values, theta, rng = a_model(spec, TIMES[4], seed=1)
    rows = some_rows(8, rng)
    mean, covariance = textbook_moments(spec, TIMES[4], values)
    between = between_covariance(spec, values)
    joint_mean = np.concatenate([np.zeros(2), mean])
    joint = np.block([[between, np.tile(between, 4)], [np.tile(between, 4).T, covariance]])
    found = drawn_moments(system, [0, 1], theta, rows)
    assert [str(system.systems[0].variables[place]) for place in (0, 1)] == ["intercept alliance", "intercept days"]
    for person, row in enumerate(rows):
        want = conditional(joint_mean, joint, row, [0, 1], 2)
        np.testing.assert_allclose(found[0][person], want[0], rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(found[1][person], want[1], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("spec", [*every_spec(3)[::5], specs_without(3)[1]], ids=label)
@pytest.mark.parametrize("wave", [1, 3])
def test_a_wave_given_those_before_it(spec, wave):
    system, values, theta, rng = a_model(spec, TIMES[4], seed=2)
    targets = list(range(3 * wave, 3 * wave + 3))
    rows = some_rows(3 * wave, rng)
    found = drawn_moments(system, [system.systems[0].observed[place] for place in targets], theta, rows)
    moments = textbook_moments(spec, TIMES[4], values)
    for person, row in enumerate(rows):
        want = conditional(*moments, row, targets, 0)
        np.testing.assert_allclose(found[0][person], want[0], rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(found[1][person], want[1], rtol=1e-9, atol=1e-12)


def test_nobody_with_any_value():
    spec = every_spec(2)[0]
    system, values, theta, _ = a_model(spec, TIMES[3], seed=3)
    found = drawn_moments(system, [0, 1], theta, np.full((3, 6), np.nan))
    np.testing.assert_allclose(found[0], 0, atol=1e-14)
    for covariance in found[1]:
        np.testing.assert_allclose(covariance, between_covariance(spec, values), rtol=1e-12)


def test_a_trait_that_does_not_vary_is_drawn_without_noise():
    spec = every_spec(2)[0]
    system, values, theta, rng = a_model(spec, TIMES[3], seed=4)
    values |= {"between variance days": 0.0, "between covariance alliance, days": 0.0}
    theta = in_order(system, values)
    mean, covariance = drawn_moments(system, [0, 1], theta, some_rows(6, rng))
    assert (mean[:, 1] == 0).all()
    assert (covariance[:, 1] == 0).all()
    assert (covariance[:, 0, 0] > 0).all()


def continued_by_name(spec, times, longer_times, theta):
    table, longer = (lay_out(spec, plain_design(each)).table for each in (times, longer_times))
    return dict(zip(longer.names, continued(table, longer, theta[None])[0].tolist(), strict=True))


def counted(spec):
    """Parameters that count 1, 2, 3, by name; and how they go on for one more wave."""
    table = lay_out(spec, plain_design((0, 1, 2, 4))).table
    theta = np.arange(1.0, 1 + len(table))
    values = dict(zip(table.names, theta.tolist(), strict=True))
    return values, continued_by_name(spec, (0, 1, 2, 4), (0, 1, 2, 4, 6), theta)


def test_the_last_interval_goes_on_with_what_is_removed_from_it_or_equal_in_it():
    last, before = "alliance -> days, 2 to 4", "alliance -> days, 1 to 2"
    removed = RICLPM(["alliance", "days"], lags="free", remove=[last], lag_2=["alliance -> days"])
    values, found = counted(removed)
    assert found["alliance -> days, 4 to 6"] == 0
    assert found["days -> alliance, 4 to 6"] == values["days -> alliance, 2 to 4"]
    assert found["days -> days, 4 to 6"] == values["days -> days, 2 to 4"] != values["alliance -> days, lag 2"]
    equal = RICLPM(["alliance", "days"], lags="free", equal=[["alliance -> days, 0 to 1", last]])
    values, found = counted(equal)
    assert found["alliance -> days, 4 to 6"] == values["alliance -> days, 0 to 1"] != values[before]


@pytest.mark.parametrize("spec", [*every_spec(2), *specs_without(2)[:3]], ids=label)
def test_a_longer_system_goes_on_as_the_last_interval(spec):
    times, longer_times = (0, 1, 2, 4), (0, 1, 2, 4, 6, 8)
    _, values, theta, _ = a_model(spec, times, seed=5)
    found = continued_by_name(spec, times, longer_times, theta)
    for name, value in found.items():
        last = name
        for later in ("6 to 8", "4 to 6"):
            last = last.replace(later, "2 to 4")
        if name.startswith("mean ") and name.endswith((", 6", ", 8")):
            last = name[:-1] + "4"
        assert value == values[last], name


def test_replicated_people_have_the_models_moments():
    spec = every_spec(3)[4]
    system, values, theta, rng = a_model(spec, TIMES[4], seed=6)
    seen = np.ones((40_000, 12), dtype=bool)
    seen[:100, 3] = False
    rows = replicate(system, theta, np.where(seen, 0.0, np.nan), rng)
    np.testing.assert_array_equal(np.isnan(rows), ~seen)
    mean, covariance = textbook_moments(spec, TIMES[4], values)
    complete = rows[100:]
    sd = np.sqrt(np.diag(covariance))
    np.testing.assert_array_less(np.abs(complete.mean(axis=0) - mean), 5 * sd / np.sqrt(len(complete)))
    np.testing.assert_allclose(np.cov(complete.T) / np.outer(sd, sd), covariance / np.outer(sd, sd), atol=0.03)


# ---- covariances that are singular, or none ----


@pytest.mark.parametrize("size", [3, 8])
def test_the_factor_of_a_positive_definite_covariance_is_choleskys(size):
    root = np.random.default_rng(size).normal(size=(size, size + 2))
    np.testing.assert_array_equal(lower_factor(root @ root.T), np.linalg.cholesky(root @ root.T))


@pytest.mark.parametrize("size", [4, 9])
def test_the_factor_of_a_singular_covariance(size):
    """Of rank 2, in units a million apart: lower triangular, and a root to rounding."""
    rng = np.random.default_rng(size)
    root = rng.normal(size=(size, 2)) * 10.0 ** rng.integers(-3, 4, size=size)[:, None]
    covariance = root @ root.T
    covariance[-1, -1] *= 1 - 1e-12  # as rounding leaves it
    factor = lower_factor(covariance)
    assert (np.triu(factor, 1) == 0).all()
    sds = np.sqrt(np.diagonal(covariance))
    np.testing.assert_allclose(factor @ factor.T / np.outer(sds, sds), covariance / np.outer(sds, sds), atol=1e-10)


@pytest.mark.parametrize(
    ("covariance", "said"),
    [
        ([[1.0, 2.0], [2.0, 1.0]], "an eigenvalue of its correlations is -1."),
        ([[1.0, np.nan], [np.nan, 1.0]], "is not finite"),
        ([[-1.0, 0.0], [0.0, 1.0]], "an eigenvalue of its correlations is -1."),
    ],
)
def test_what_is_no_covariance_is_refused(covariance, said):
    with pytest.raises(SpecError) as caught:
        lower_factor(np.array(covariance))
    assert said in str(caught.value)


def test_waves_that_follow_exactly_from_those_before():
    """Nothing stable, and no innovations in the last interval: they can be drawn all the same."""
    spec = RICLPM(["alliance", "days"], lags="equal")
    system, values, _, rng = a_model(spec, (0, 1, 2), seed=8)
    for name in ("variance alliance", "variance days", "covariance alliance, days"):
        values |= {f"innovation {name}, 1 to 2": 0.0, f"between {name}": 0.0}
    rows = replicate(system, in_order(system, values), np.zeros((500, 6)), rng)
    mean, _ = textbook_moments(spec, (0, 1, 2), values)
    effects = np.array([[values[f"{cause} -> {effect}"] for cause in spec.measures] for effect in spec.measures])
    want = mean[4:] + (rows[:, 2:4] - mean[2:4]) @ effects.T
    np.testing.assert_allclose(rows[:, 4:], want, atol=1e-4)
    assert rows[:, 2:4].std(axis=0).min() > 0.1


def test_replicated_people_keep_their_covariates():
    """Without noise they are at their means, to which a covariate of the intercepts adds the same at every wave."""
    panel = ab.Panel.from_arrays(
        np.random.default_rng(7).normal(size=(30, 3, 2)),
        measures=["x", "y"],
        times=[0, 1, 2],
        covariates={"age": np.random.default_rng(8).normal(50, 9, size=30)},
    )
    model = panel_model(ab.RICLPM(["x", "y"], covariates={"age": "intercepts"}), panel)
    names, values = list(model.system.names), model.values()
    theta = np.array([parameter.start for parameter in model.system.parameters])
    effects = 0.4, -0.3
    theta[[names.index(f"age -> intercept {name}") for name in "xy"]] = effects
    theta[[names.index(f"mean {name}, {time}") for time in range(3) for name in "xy"]] = np.arange(6)
    found = replicate(model.system, theta, values, Given(np.zeros((30, 6))))
    age = values[:, 6]
    assert abs(age.mean()) < 1e-12
    np.testing.assert_allclose(found, np.arange(6) + np.outer(age, np.tile(effects, 3)), atol=1e-12)


# ---- statistics of a panel ----


@pytest.mark.parametrize(("n_measures", "n_waves"), [(2, 3), (3, 4)])
def test_statistics_are_pandas_own(n_measures, n_waves):
    rng = np.random.default_rng(7)
    rows = rng.normal(size=(50, n_measures * n_waves)) @ rng.normal(size=(n_measures * n_waves,) * 2) + 100
    rows[rng.random(rows.shape) < 0.3] = np.nan
    measures, waves = measure_names(n_measures), [str(wave) for wave in range(n_waves)]
    found = statistic_table(rows, measures, waves)
    frame = pd.DataFrame(rows, columns=[f"{name}, {wave}" for wave in waves for name in measures])
    assert found.index.names == ["statistic", "of"]
    np.testing.assert_allclose(found["mean"], frame.mean(), rtol=1e-12)
    np.testing.assert_allclose(found["sd"], frame.std(), rtol=1e-12)
    correlations = frame.corr()
    within, across = n_measures * (n_measures - 1) // 2 * n_waves, n_measures**2 * (n_waves - 1)
    assert (len(found["correlation"]), len(found["lagged correlation"])) == (within, across)
    for kind, gap in (("correlation", 0), ("lagged correlation", 1)):
        for pair, value in found[kind].items():
            first, second = pair.split(" and ")
            assert int(second.split(", ")[1]) - int(first.split(", ")[1]) == gap
            assert value == pytest.approx(correlations.loc[first, second], rel=1e-9)


def test_measures_far_from_0_keep_their_correlations():
    """Years, say: the mean is a million SDs away."""
    rng = np.random.default_rng(8)
    rows = rng.multivariate_normal(np.zeros(4), 0.5 * np.eye(4) + 0.5, size=200)
    rows[:50, 0] = np.nan
    near, far = (statistic_table(rows + shift, ["x", "y"], ["0", "1"]) for shift in (0.0, 1e6))
    np.testing.assert_allclose(far["correlation"], near["correlation"], atol=1e-6)
    np.testing.assert_allclose(far["lagged correlation"], near["lagged correlation"], atol=1e-6)
    np.testing.assert_allclose(far["sd"], near["sd"], rtol=1e-6)


def test_fewer_than_three_pairs_have_no_correlation():
    rows = np.random.default_rng(9).normal(size=(10, 4))
    rows[2:, 0] = np.nan
    found = statistic_table(rows, ["x", "y"], ["0", "1"])
    assert np.isnan(found["correlation", "x, 0 and y, 0"])
    assert np.isfinite(found["correlation", "x, 1 and y, 1"])
    assert np.isfinite(found["sd", "x, 0"])


def test_a_value_that_only_one_person_has():
    rows = np.random.default_rng(10).normal(size=(10, 4))
    rows[1:, 0] = np.nan
    found = statistic_table(rows, ["x", "y"], ["0", "1"])
    assert found["mean", "x, 0"] == rows[0, 0]
    assert np.isnan(found["sd", "x, 0"])


def test_intercepts_are_the_first_variables():
    system = system_at(RICLPM(["a", "b", "c"]), (0, 1, 2))
    assert tuple(map(str, system.systems[0].variables[:3])) == ("intercept a", "intercept b", "intercept c")


def test_nothing_is_drawn_given_values_whose_covariance_is_singular():
    """Nobody differs at the first wave, where values were observed all the same."""
    spec = RICLPM(["alliance", "days"], lags="equal")
    system, values, _, rng = a_model(spec, (0, 1, 2), seed=8)
    for name in ("variance alliance", "variance days", "covariance alliance, days"):
        values |= {f"within {name}, 0": 0.0, f"between {name}": 0.0}
    observed = np.full((4, 6), np.nan)
    observed[:, :2] = rng.normal(size=(4, 2))
    thetas = in_order(system, values)[None]
    with pytest.raises(SpecError, match="At 1 of 1 draws of the parameters the covariance of the values is singular"):
        draw_unobserved(system, [0], thetas, observed, rng)
