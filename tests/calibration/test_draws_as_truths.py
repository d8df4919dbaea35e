"""A draw of the parameters as a truth: population moments and numbers of families by two programs."""

import numpy as np
import pytest

import alliance_bayes as ab
from alliance_bayes.calibration.truths import truth_of
from alliance_bayes.engine.kernels.interpreter import run_many
from alliance_bayes.engine.model_on_panel import panel_model
from alliance_bayes.simulation.drawing import population
from engine_calls import moments

N_PERSONS = 40
INDICATORS = {"x": ["x1", "x2", "x3"]}


def panel_of(columns, times, seed=1, **more):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(N_PERSONS, len(times), len(columns)))
    unlike = 1.0 + np.arange(len(columns))
    return ab.Panel.from_arrays(values * unlike + 5 / unlike, measures=columns, times=times, **more)


def thetas_of(model, n, seed=2):
    rng = np.random.default_rng(seed)
    thetas, proper = run_many(model.scale.join(model.scale.draw(100, rng)), model.scale.arrays)
    assert proper.sum() >= n
    return thetas[proper][:n]


COVARIATE = {"covariates": {"c": np.random.default_rng(3).normal(2.0, 3.0, N_PERSONS)}}
GROUPS = {"groups": np.repeat(["a", "b"], N_PERSONS // 2)}
XY, XYZ = ["x", "y"], ["x", "y", "z"]
CASES = {
    "RICLPM equal": (ab.RICLPM(XY, lags="equal"), panel_of(XY, [0, 1, 2])),
    "RICLPM stationary": (ab.RICLPM(XY, lags="equal", stationary=True), panel_of(XY, [0, 1, 2])),
    "RICLPM free": (ab.RICLPM(XYZ, lags="free", means="equal"), panel_of(XYZ, [0, 1, 2])),
    "RICLPM grid": (ab.RICLPM(XY, lags="grid"), panel_of(XY, [0, 1, 3])),
    "RICLPM continuous": (ab.RICLPM(XY, lags="continuous"), panel_of(XY, [0, 1, 3])),
    "RICLPM without a path": (ab.RICLPM(XY, lags="equal", remove=["y -> x"]), panel_of(XY, [0, 1, 2])),
    "CLPM": (ab.CLPM(XYZ, lags="equal", residuals="equal"), panel_of(XYZ, [0, 1, 2])),
    "DPM": (ab.DPM(XY, lags="equal"), panel_of(XY, [0, 1, 2, 3])),
    "DPM on a grid": (ab.DPM(XY, lags="grid", residuals="equal"), panel_of(XY, [0, 1, 3, 4])),
    "STARTS": (ab.STARTS(XY, lags="equal"), panel_of(XY, [0, 1, 2, 3])),
    "LCMSR": (ab.LCMSR(XY, lags="equal"), panel_of(XY, [0, 1, 2, 3])),
    "ALT": (ab.ALT(XY, lags="equal"), panel_of(XY, [0, 1, 2, 3, 4])),
    "second lag": (ab.RICLPM(XY, lags="equal", lag_2=["x -> y"]), panel_of(XY, [0, 1, 2, 3])),
    "loadings": (ab.RICLPM(XY, lags="equal", trait_loadings="free"), panel_of(XY, [0, 1, 2, 3])),
    "loadings of a DPM": (ab.DPM(XY, lags="equal", trait_loadings="free"), panel_of(XY, [0, 1, 2, 3])),
    "covariate": (
        ab.RICLPM(XY, lags="equal", covariates={"c": ["intercepts", "first_wave"]}),
        panel_of(XY, [0, 1, 2], **COVARIATE),
    ),
    "covariate of values": (
        ab.CLPM(XY, lags="equal", covariates={"c": ["each_wave"]}),
        panel_of(XY, [0, 1, 2], **COVARIATE),
    ),
    "weak": (
        ab.RICLPM(XY, lags="equal", indicators=INDICATORS, invariance="weak"),
        panel_of([*INDICATORS["x"], "y"], [0, 1, 2]),
    ),
    "strong": (
        ab.RICLPM(XY, lags="equal", indicators=INDICATORS, invariance="strong"),
        panel_of([*INDICATORS["x"], "y"], [0, 1, 2]),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_population_is_that_of_the_engine(name):
    spec, panel = CASES[name]
    model = panel_model(spec, panel)
    centre, unit = (np.tile(each, len(panel.times)) for each in model.column_units)
    for theta in thetas_of(model, 5):
        truth = truth_of(model, theta)
        mean, covariance = moments(model.system, theta)
        n = len(unit)
        np.testing.assert_allclose(truth.covariance, covariance[:n, :n] * np.outer(unit, unit), rtol=1e-8, atol=1e-9)
        np.testing.assert_allclose(truth.means_table.ravel(), centre + unit * mean[:n], rtol=1e-8, atol=1e-9)


def test_derived_quantities_are_the_truth_s():
    spec, panel = CASES["RICLPM equal"]
    model = panel_model(spec, panel)
    theta = thetas_of(model, 1)
    truth, derived = truth_of(model, theta[0]), model.derive(theta)[0]
    np.testing.assert_allclose(derived[model.derived["lagged"].where], truth.raw.ravel(), rtol=1e-9)
    icc = derived[model.derived["intraclass_correlation"].where][:2]
    np.testing.assert_allclose(icc, list(truth.icc.values()), rtol=1e-9)


@pytest.mark.parametrize("lags", ["equal", "continuous"])
def test_moderated_effects_are_the_engine_s_at_each_moderator(lags):
    times = [0, 1, 2]
    panel = panel_of(XY, times, covariates={"c": np.repeat([0.0, 1.0], N_PERSONS // 2)})
    model = panel_model(ab.RICLPM(XY, lags=lags, moderated={"x -> y": "c"}), panel)
    unit = np.tile(model.column_units[1], len(times))
    theta = thetas_of(model, 1)[0]
    truth = truth_of(model, theta)
    for cell, described in enumerate(model.design.cells):
        covariance = moments(model.system, theta, cell)[1][: len(unit), : len(unit)]
        want = truth.covariance_at({"c": described.moderators[0]})
        np.testing.assert_allclose(want, covariance * np.outer(unit, unit), rtol=1e-8, atol=1e-9)


def test_each_group_has_its_population():
    model = panel_model(ab.RICLPM(XY, lags="equal", group_lags="pooled"), panel_of(XY, [0, 1, 2], **GROUPS))
    unit = np.tile(model.column_units[1], 3)
    theta = thetas_of(model, 1)[0]
    truths = truth_of(model, theta).truths
    assert list(truths) == ["a", "b"]
    for cell, truth in enumerate(truths.values()):
        covariance = moments(model.system, theta, cell)[1]
        np.testing.assert_allclose(truth.covariance, covariance * np.outer(unit, unit), rtol=1e-8, atol=1e-9)


FAMILIES = {
    "days": ab.Days(30),
    "days, probit": ab.Days(30, link="probit"),
    "count": ab.Count(),
    "count with a hurdle": ab.Count(hurdle=True),
    "yes or no": ab.YesNo(),
    "ordinal": ab.Ordinal(4),
    "proportion": ab.Proportion(),
    "beta-binomial": ab.BetaBinomial(10),
    "items": ab.Items(("y1", "y2", "y3"), 3),
}


@pytest.mark.parametrize("name", FAMILIES)
def test_numbers_of_a_family_are_the_kernel_s(name):
    family = FAMILIES[name]
    spec = ab.RICLPM(XY, lags="equal", families={"y": family})
    columns = ["x", *spec.columns_of("y")]
    values = np.random.default_rng(1).normal(size=(N_PERSONS, 3, len(columns)))
    values[..., 1:] = np.random.default_rng(1).integers(0, 2, size=values[..., 1:].shape)
    if name in ("ordinal", "items"):
        values[..., 1:] = np.random.default_rng(1).integers(1, 4, size=values[..., 1:].shape)
    model = panel_model(spec, ab.Panel.from_arrays(values, measures=columns, times=[0, 1, 2]))
    unit = np.tile([model.unit[0], 1.0], 3)
    for theta in thetas_of(model, 20):
        truth = truth_of(model, theta)
        _, covariances, phi = model.predictor_moments(theta)
        numbers = {key: list(np.atleast_1d(value)) for key, value in truth.responses["y"].items()}
        scales = [each.slope.replace("loading", "cuts").replace("slope", "cuts") for each in family.parameters]
        keys = [scale or each.name for scale, each in zip(scales, family.parameters, strict=True)]
        want = [numbers[key].pop(0) for key in keys]
        np.testing.assert_allclose(phi, want, rtol=1e-9)
        if name != "items":
            np.testing.assert_allclose(
                population(truth)[0], covariances[0] * np.outer(unit, unit), rtol=1e-8, atol=1e-9
            )


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"lags": "equal_standardized"}, "lags='equal_standardized'"),
        ({"reliability": {"x": 0.8}}, "The known reliability of 'x'"),
    ],
)
def test_what_the_simulator_cannot_draw(change, sentence):
    model = panel_model(ab.RICLPM(XY, **{"lags": "equal", **change}), panel_of(XY, [0, 1, 2]))
    with pytest.raises(ab.SpecError, match=sentence):
        truth_of(model, thetas_of(model, 1)[0])
