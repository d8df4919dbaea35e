"""Models of the whole family as `pm.Model`: persons and moments, interpreted and plain, are one density."""

import numpy as np
import pytest
from pytensor.compile.mode import Mode
from scipy import stats
from test_compiling import as_point, evaluate, expanded, start_of

import alliance_bayes as ab
from alliance_bayes.engine.model_on_panel import panel_model
from alliance_bayes.pymc_models.building import pymc_model_of, to_pymc
from alliance_bayes.pymc_models.compiling import compile_model
from family_cases import CASES

PLAIN = Mode(linker="py", optimizer="fast_compile")
AS_WRITTEN = Mode(linker="py", optimizer=None)  # costs less where no slope is taken
PERSONS = [
    "riclpm continuous",
    "riclpm stationary",
    "equal standardized",
    "dpm",
    "covariate of persons",
    "groups pooled",
    *(
        pytest.param(name, marks=pytest.mark.slow)
        for name in ("starts", "lcmsr", "alt", "moderated", "indicators, strong")
    ),
]


def small(name):
    """A case with few persons and few patterns, so that one distribution for each can be written."""
    spec, panel = CASES[name]
    if name == "moderated":
        covariates = {"c": np.where(np.arange(12) % 2, 1.0, -1.0)}
    else:
        covariates = {key: values[:12] for key, values in panel.covariates.items()}
    groups = None if panel.groups is None else np.array(["A", "B", "C"])[np.arange(12) % 3]
    values = panel.values[:12].copy()
    filled = np.where(np.isnan(values), np.nanmean(panel.values, axis=0), values)
    filled[:4, 1, 0] = np.nan
    return spec, ab.Panel.from_arrays(
        filled, measures=panel.measures, times=panel.times, covariates=covariates, groups=groups
    )


def points_with_density(model, density, n_points=2):
    """Unconstrained points, the first ones at which every matrix is proper."""
    rng, found = np.random.default_rng(1), []
    for _ in range(100):
        vector = rng.normal(0, 0.6, sum(value.size for value in start_of(model).values()))
        if np.isfinite(density(as_point(model, vector))):
            found.append(vector)
        if len(found) == n_points:
            return found
    raise AssertionError("no point has a density")


@pytest.mark.parametrize("name", PERSONS)
def test_moments_and_persons_are_one_density(name):
    spec, panel = small(name)
    by_moments, by_persons = to_pymc(spec, panel), to_pymc(spec, panel, likelihood="persons")
    fast, slow = by_moments.compile_logp(mode=AS_WRITTEN), by_persons.compile_logp(mode=AS_WRITTEN)
    for vector in points_with_density(by_moments, fast):
        point = as_point(by_moments, vector)
        np.testing.assert_allclose(fast(point), slow(point), rtol=1e-8)


def test_moments_and_persons_are_one_density_and_slope_where_a_process_decays_fast():
    """Where a block exponential has no digits left: decay of 30 and more over an interval."""
    spec, panel = small("riclpm continuous")
    by_moments, by_persons = to_pymc(spec, panel), to_pymc(spec, panel, likelihood="persons")
    point = by_moments.initial_point()
    point["decay_log__"] = np.log([40.0, 3.0])
    vector = np.concatenate([point[value.name].ravel() for value in by_moments.value_vars])
    status, value, slope = evaluate(compile_model(panel_model(spec, panel)), vector)
    slow = by_persons.compile_fn([by_persons.logp(), by_persons.dlogp()], mode=PLAIN)
    want, want_slope = slow(point)
    assert status == 0
    np.testing.assert_allclose(value, want, rtol=1e-9)
    np.testing.assert_allclose(slope, want_slope, rtol=1e-7, atol=1e-8 * np.abs(want_slope).max())


@pytest.mark.parametrize("name", [name for name in CASES if name not in ("own times",)])
def test_the_interpreted_density_is_pymcs(name):
    on_panel = panel_model(*CASES[name])
    model, compiled = pymc_model_of(on_panel), compile_model(on_panel)
    density = model.compile_logp(mode=AS_WRITTEN)
    for vector in points_with_density(model, density, n_points=1):
        point = as_point(model, vector)
        status, value, slope = evaluate(compiled, vector)
        assert status == 0
        assert np.isfinite(slope).all()
        np.testing.assert_allclose(value, density(point), rtol=1e-9)
        found = expanded(compiled, vector)
        assert list(found) == [variable.name for variable in [*model.free_RVs, *model.deterministics]]
        assert all(np.isfinite(values).all() for values in found.values())


@pytest.mark.parametrize("name", CASES)
def test_every_variable_has_dims_with_labels_for_its_length(name):
    model = to_pymc(*CASES[name])
    for variable in [*model.free_RVs, *model.deterministics]:
        lengths = tuple(len(model.coords[dim]) for dim in model.named_vars_to_dims[variable.name])
        assert tuple(variable.shape.eval(mode=AS_WRITTEN)) == lengths, variable.name


def test_improper_points_have_no_density():
    """Where ``P - Phi P Phi'`` is not positive definite, neither way of writing the likelihood has one."""
    spec, panel = small("riclpm stationary")
    models = [to_pymc(spec, panel, likelihood=likelihood) for likelihood in ("moments", "persons")]
    point = models[0].initial_point()
    point["cross_lagged"] = np.full_like(point["cross_lagged"], 3.0)
    for model in models:
        assert model.compile_logp(mode=PLAIN)(point) == -np.inf


DISTRIBUTIONS = {
    "riclpm continuous": {
        "decay": stats.lognorm(0.6, scale=0.9),
        "cross_drift": stats.norm(0, 0.53),
        "innovation_ratio": stats.lognorm(0.2),
    },
    "starts": {"error_share": stats.beta(2, 3)},
    "dpm": {"relative_accumulating_sd": stats.halfnorm(0, 0.5), "factor_partial_unit": stats.beta(2, 2)},
    "lcmsr": {"relative_slope_sd": stats.halfnorm(0, 0.5)},
    "trait loadings": {"trait_loading": stats.lognorm(0.3)},
    "covariate of persons": {"c_on_intercepts": stats.norm(0, 0.5)},
    "moderated": {"moderation": stats.norm(0, 0.1)},
    "groups pooled": {"cross_lagged_spread": stats.halfnorm(0, 0.1), "cross_lagged_of_group": stats.norm(0, 1)},
    "indicators, strong": {"loading": stats.lognorm(0.5), "relative_unique_sd": stats.halfnorm(0, 1)},
}


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_draws_have_their_priors_distribution(name):
    draws = panel_model(*CASES[name]).scale.draw(2000, np.random.default_rng(2))
    for block, distribution in DISTRIBUTIONS[name].items():
        column = draws[block].reshape(2000, -1)[:, -1]
        assert stats.kstest(column, distribution.cdf).pvalue > 0.001, block
