"""Parameters in order and under their names, paths, and the way back to raw units."""

import numpy as np
import pytest

from alliance_bayes.engine.linear_system import saturated_system
from alliance_bayes.engine.model_on_panel import panel_model
from alliance_bayes.spec.models import CLPM, RICLPM
from engine_calls import in_order, system_at
from helpers import TIMES, every_spec, label, measure_names, random_panel, random_values, textbook_moments
from oracles.moments import implied_moments


def test_names_of_two_measures_with_equal_lags():
    system = system_at(RICLPM(["a", "b"], lags="equal"), (3, 6, 12.5))
    assert system.names == (
        "a -> a",
        "b -> b",
        "b -> a",
        "a -> b",
        "between variance a",
        "between covariance a, b",
        "between variance b",
        "within variance a, 3",
        "within covariance a, b, 3",
        "within variance b, 3",
        "innovation variance a, 3 to 6",
        "innovation covariance a, b, 3 to 6",
        "innovation variance b, 3 to 6",
        "innovation variance a, 6 to 12.5",
        "innovation covariance a, b, 6 to 12.5",
        "innovation variance b, 6 to 12.5",
        "mean a, 3",
        "mean b, 3",
        "mean a, 6",
        "mean b, 6",
        "mean a, 12.5",
        "mean b, 12.5",
    )


def test_names_of_three_measures_with_free_lags_and_everything_else_equal():
    spec = CLPM(["a", "b", "c"], lags="free", residuals="equal", means="equal", remove=["c->a", "b -> b"])
    system = system_at(spec, (0, 1, 2))
    assert system.names == (
        *(f"{path}, {interval}" for interval in ("0 to 1", "1 to 2") for path in ("a -> a", "c -> c")),
        *(
            f"{path}, {interval}"
            for interval in ("0 to 1", "1 to 2")
            for path in ("b -> a", "a -> b", "c -> b", "a -> c", "b -> c")
        ),
        *("within variance a, 0", "within covariance a, b, 0", "within covariance a, c, 0"),
        *("within variance b, 0", "within covariance b, c, 0", "within variance c, 0"),
        *("innovation variance a", "innovation covariance a, b", "innovation covariance a, c"),
        *("innovation variance b", "innovation covariance b, c", "innovation variance c"),
        *("mean a", "mean b", "mean c"),
    )


@pytest.mark.parametrize(
    ("n_measures", "n_waves", "with_intercepts", "n_parameters"),
    [(2, 3, True, 26), (2, 4, True, 35), (2, 5, True, 44), (3, 3, True, 51), (3, 4, True, 69), (2, 3, False, 23)],
)
def test_free_parameters_are_counted_as_in_a_textbook(n_measures, n_waves, with_intercepts, n_parameters):
    """K(K + 1) of traits and first wave, K² + K(K + 1)/2 for each interval, KT means."""
    model = RICLPM if with_intercepts else CLPM
    system = system_at(model(measure_names(n_measures), lags="free"), tuple(range(n_waves)))
    assert system.n_parameters == len(system.parameters) == n_parameters


@pytest.mark.parametrize("spec", every_spec(3), ids=label)
def test_variables_stand_in_causal_order(spec):
    whole = system_at(spec, TIMES[4])
    (system,), n_parameters = whole.systems, whole.n_parameters
    assert all(column < row for row, column, _ in system.paths)
    assert [str(system.variables[place]) for place in system.observed] == [
        f"{name}, {time}" for time in TIMES[4] for name in spec.measures
    ]
    registers = {entry[-1] for part in (system.paths, system.covariances, system.intercepts) for entry in part}
    assert registers - {-1} == set(range(n_parameters))


def test_a_grid_has_waves_nobody_observed():
    (system,) = system_at(RICLPM(["a", "b"], lags="grid"), (0, 1, 4)).systems
    within = [variable for variable in system.variables if variable.role == "within" and variable.name == "a"]
    assert [variable.time for variable in within] == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert str(within[2]) == "within a, 2"


@pytest.mark.parametrize("n_measures", [2, 3])
@pytest.mark.parametrize("model", [RICLPM, CLPM])
def test_raw_units_of_every_parameter(n_measures, model):
    """Values c + s y have the mean and covariance that raw parameters imply."""
    rng = np.random.default_rng(3)
    spec = model(measure_names(n_measures), lags="free")
    panel = random_panel(n_measures, TIMES[4], rng)
    whole = panel_model(spec, panel)
    system, (centre, scale) = whole.system, panel.pooled_scale()
    theta = in_order(system, random_values(spec, TIMES[4], rng))
    raw = whole.to_raw(theta)
    np.testing.assert_allclose(whole.from_raw(raw), theta, rtol=1e-12, atol=1e-14)
    mean, covariance = textbook_moments(spec, TIMES[4], dict(zip(system.names, raw, strict=True)))
    model_mean, model_covariance = implied_moments(system, theta)
    unit = np.tile(scale, 4)
    np.testing.assert_allclose(mean, np.tile(centre, 4) + unit * model_mean, rtol=1e-12)
    np.testing.assert_allclose(covariance, model_covariance * np.outer(unit, unit), rtol=1e-11)


@pytest.mark.parametrize("spec", [*every_spec(2)[:2], *every_spec(3)[-2:]], ids=label)
def test_variances_are_told_from_covariances_and_effects(spec):
    parameters = system_at(spec, TIMES[4]).parameters
    assert {parameter.is_variance for parameter in parameters} == {False, True}
    assert all(parameter.is_variance == (" variance " in parameter.name) for parameter in parameters)


@pytest.mark.parametrize("size", [1, 4])
def test_saturated_system_restricts_nothing(size):
    rng = np.random.default_rng(4)
    theta = rng.normal(size=size * (size + 3) // 2)
    mean, covariance = implied_moments(saturated_system(size), theta)
    np.testing.assert_array_equal(mean, theta[-size:])
    np.testing.assert_array_equal(covariance[np.triu_indices(size)], theta[:-size])
