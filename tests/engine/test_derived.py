"""Derived quantities against plain numpy: standardised effects, SDs, correlations, ICC, R squared."""

import numpy as np
import pytest

from alliance_bayes.engine.kernels.interpreter import run_many
from alliance_bayes.spec.models import CLPM, RICLPM
from engine_calls import derive, derived_at, in_order, system_at
from helpers import (
    TIMES,
    between_covariance,
    dynamics,
    every_spec,
    label,
    random_values,
    specs_without,
    within_covariances,
)

SPECS = [
    pytest.param(n_measures, n_waves, spec, id=f"{n_measures}x{n_waves}-{label(spec)}")
    for n_measures, n_waves in [(2, 3), (3, 4)]
    for spec in [*every_spec(n_measures), *specs_without(n_measures)]
]


def lower(matrix):
    """Correlations below the diagonal, row by row, as the pairs (x, y), (x, z), (y, z) stand."""
    sd = np.sqrt(np.diag(matrix))
    return [matrix[row, column] / (sd[row] * sd[column]) for row in range(len(matrix)) for column in range(row)]


def by_path(effects):
    """Matrices (outcome, predictor) in the order of paths: all that lead to the first outcome, and so on."""
    return effects.reshape(len(effects), -1)


def by_hand(spec, times, values, centre, scale):
    effects, innovations = dynamics(spec, times, values)
    within, between = within_covariances(spec, times, values), between_covariance(spec, values)
    sds = np.sqrt(np.array([np.diag(matrix) for matrix in within]))
    found = {
        "lagged": by_path(effects * scale[:, None] / scale[None, :]),
        "lagged_standardized": by_path(effects * sds[:-1, None, :] / sds[1:, :, None]),
        "mean": [
            [
                centre[place]
                + scale[place] * values[f"mean {name}, {time}" if spec.means == "free" else f"mean {name}"]
                for place, name in enumerate(spec.measures)
            ]
            for time in times
        ],
        "within_sd": sds * scale,
        "within_correlation": [lower(matrix) for matrix in within],
        "innovation_sd": [np.sqrt(np.diag(matrix)) * scale for matrix in innovations],
        "innovation_correlation": [lower(matrix) for matrix in innovations],
        "within_r_squared": [
            np.diag(phi @ before @ phi.T) / np.diag(after)
            for phi, before, after in zip(effects, within[:-1], within[1:], strict=True)
        ],
    }
    if spec.random_intercepts:
        found["between_sd"] = np.sqrt(np.diag(between)) * scale
        found["between_correlation"] = lower(between)
        found["intraclass_correlation"] = np.diag(between) / (np.diag(between) + sds**2)
    return found


@pytest.mark.parametrize(("n_measures", "n_waves", "spec"), SPECS)
def test_by_hand(n_measures, n_waves, spec):
    times, rng = TIMES[n_waves], np.random.default_rng(1)
    values = random_values(spec, times, rng)
    system = system_at(spec, times)
    derived = derived_at(spec, times)
    centre, scale = rng.normal(size=n_measures), rng.uniform(0.3, 4, n_measures)
    theta = in_order(system, values)
    vector = derive(derived, theta, centre, scale)
    want = by_hand(spec, times, values, centre, scale)
    assert {quantity.name for quantity in derived.quantities} == set(want)
    assert len(vector) == derived.size == sum(np.size(part) for part in want.values())
    for quantity in derived.quantities:
        assert np.shape(want[quantity.name]) == quantity.shape
        found = vector[quantity.where].reshape(quantity.shape)
        np.testing.assert_allclose(found, want[quantity.name], rtol=1e-10, atol=1e-13, err_msg=quantity.name)
    np.testing.assert_array_equal(
        run_many(np.stack([[*each, *centre, *scale] for each in (theta, 0.9 * theta)]), derived.arrays)[0],
        [vector, derive(derived, 0.9 * theta, centre, scale)],
    )


def test_dims_of_three_measures():
    spec, times = RICLPM(["a", "b", "c"]), (0, 1, 2, 3)
    derived = derived_at(spec, times)
    assert {quantity.name: (quantity.dims, quantity.shape) for quantity in derived.quantities} == {
        "lagged": (("interval", "path"), (3, 9)),
        "lagged_standardized": (("interval", "path"), (3, 9)),
        "mean": (("time", "measure"), (4, 3)),
        "between_sd": (("measure",), (3,)),
        "between_correlation": (("pair",), (3,)),
        "within_sd": (("time", "measure"), (4, 3)),
        "within_correlation": (("time", "pair"), (4, 3)),
        "innovation_sd": (("interval", "measure"), (3, 3)),
        "innovation_correlation": (("interval", "pair"), (3, 3)),
        "intraclass_correlation": (("time", "measure"), (4, 3)),
        "within_r_squared": (("interval", "measure"), (3, 3)),
    }
    assert derived["between_sd"].where == slice(66, 69)


def test_a_clpm_has_nothing_between_persons():
    spec, times = CLPM(["a", "b"]), (0, 1)
    derived = derived_at(spec, times)
    assert [quantity.name for quantity in derived.quantities] == [
        "lagged",
        "lagged_standardized",
        "mean",
        "within_sd",
        "within_correlation",
        "innovation_sd",
        "innovation_correlation",
        "within_r_squared",
    ]


def test_effects_on_the_published_scale():
    """Methods' example: standardised by the within-person SDs, phi*_21(3) is .111430 and phi*_12(3) .029191."""
    spec, times = RICLPM(["x", "y"], lags="equal"), (0, 3, 6)
    within = np.array([[0.8582191781, 0.3732876712], [0.3732876712, 0.8993150685]])
    phi = np.array([[0.409817, 0.028517], [0.114066, 0.552400]])
    psi = within - phi @ within @ phi.T
    values = dict(zip(["x -> x", "y -> x", "x -> y", "y -> y"], phi.ravel(), strict=True))
    for kind, matrix, suffixes in [
        ("between", np.eye(2), [""]),
        ("within", within, [", 0"]),
        ("innovation", psi, [", 0 to 3", ", 3 to 6"]),
    ]:
        for suffix in suffixes:
            values[f"{kind} variance x{suffix}"] = matrix[0, 0]
            values[f"{kind} covariance x, y{suffix}"] = matrix[0, 1]
            values[f"{kind} variance y{suffix}"] = matrix[1, 1]
    values |= {f"mean {name}, {time}": 0.0 for time in times for name in "xy"}
    system = system_at(spec, times)
    derived = derived_at(spec, times)
    theta = in_order(system, values)
    vector = derive(derived, theta, np.zeros(2), np.array([3.0, 0.1]))
    effects = vector[derived["lagged_standardized"].where].reshape(2, 2, 2)
    for interval in range(2):
        assert effects[interval, 1, 0] == pytest.approx(0.111430, abs=2e-6)
        assert effects[interval, 0, 1] == pytest.approx(0.029191, abs=2e-6)


def test_a_negative_variance_has_no_sd():
    spec, times = RICLPM(["x", "y"]), (0, 1, 2)
    system = system_at(spec, times)
    derived = derived_at(spec, times)
    values = random_values(spec, times, np.random.default_rng(2)) | {"between variance x": -0.1}
    theta = in_order(system, values)
    vector = derive(derived, theta, np.zeros(2), np.ones(2))
    sd, correlation = (vector[derived[name].where] for name in ("between_sd", "between_correlation"))
    np.testing.assert_array_equal(np.isnan(sd), [True, False])
    assert np.isnan(correlation).all()
    assert np.isfinite(vector[derived["lagged_standardized"].where]).all()
