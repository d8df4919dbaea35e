"""What is sampled without compiling is the density and the quantities of the `pm.Model`, made from the same blocks."""

from functools import lru_cache

import numpy as np
import pytest
from pytensor.compile.mode import Mode

from alliance_bayes.basics.distributions import LKJ, Beta, HalfNormal, LogNormal, Normal
from alliance_bayes.engine.kernels.arrays import BETA, HALF_NORMAL, LOG_NORMAL, NORMAL
from alliance_bayes.engine.model_on_panel import panel_model
from alliance_bayes.panel import Panel
from alliance_bayes.pymc_models.building import pymc_model_of
from alliance_bayes.pymc_models.compiling import compile_model
from alliance_bayes.pymc_models.prior_table import prior_table
from alliance_bayes.spec.models import CLPM, RICLPM
from alliance_bayes.spec.priors import Priors
from engine_calls import as_function, evaluate
from helpers import TIMES, label, random_panel, specs_without

PLAIN = Mode(linker="py", optimizer="fast_compile")
AS_WRITTEN = Mode(linker="py", optimizer=None)  # costs less where no slope is taken
OTHER_PRIORS = Priors(
    carry_over=Normal(-0.3, 0.6),
    cross_lagged=Normal(0.2, 0.4),
    total_sd=LogNormal(0.2, 0.7),
    icc=Beta(0.8, 3.0),
    innovation_ratio=HalfNormal(0.7),
    between_correlation=LKJ(1.0),
    within_correlation=LKJ(0.6),
    innovation_correlation=LKJ(5.0),
    mean=Normal(-1.0, 3.0),
)
TWO, THREE = ["alliance", "days"], ["alliance", "days", "contact"]
CASES = [
    (RICLPM(TWO, lags="equal"), 3),
    (RICLPM(TWO, lags="free", priors=OTHER_PRIORS), 4),
    (CLPM(THREE, lags="free", residuals="equal", priors=OTHER_PRIORS), 3),
    (RICLPM(THREE, lags="grid", means="equal", priors=Priors(total_sd=HalfNormal(0.4))), 4),
    *((spec, 3) for spec in specs_without(2)),
]
EACH = pytest.mark.parametrize(("spec", "n_waves"), [pytest.param(*case, id=label(case[0])) for case in CASES])


def model_of(spec, n_waves):
    panel = random_panel(len(spec.measures), TIMES[n_waves], np.random.default_rng(1), persons=20, missing=0.2)
    return panel_model(spec, panel)


def expanded(compiled, point):
    """Variables by name at an unconstrained point, as nutpie stores them."""
    point, result = np.ascontiguousarray(point), np.empty(compiled.n_expanded)
    words = np.ascontiguousarray(compiled.user_data)
    addresses = [array.ctypes.data for array in (point, result, words)]
    as_function(compiled.compiled_expand_func, "NPPP")(len(point), len(result), *addresses)
    names, places, shapes = compiled.shape_info
    return {name: result[place].reshape(shape) for name, place, shape in zip(names, places, shapes, strict=True)}


@lru_cache(maxsize=4)
def start_of(model):
    """Its initial point, which PyMC compiles whenever it is asked for."""
    return model.initial_point()


def as_point(model, vector):
    """Values of the model's value variables, from one vector in the order of its random variables."""
    point, start = {}, 0
    initial = start_of(model)
    for variable in model.free_RVs:
        name = model.rvs_to_values[variable].name
        size = initial[name].size
        point[name] = vector[start : start + size].reshape(initial[name].shape)
        start += size
    assert start == len(vector)
    return point


@EACH
def test_density_and_gradient_are_those_of_the_model(spec, n_waves):
    on_panel = model_of(spec, n_waves)
    compiled, model = compile_model(on_panel), pymc_model_of(on_panel)
    density_and_slope = model.compile_fn([model.logp(), model.dlogp()], mode=PLAIN)
    rng = np.random.default_rng(2)
    for _ in range(4):
        vector = rng.normal(0, 0.7, compiled.n_dim)
        point = as_point(model, vector)
        status, value, slope = evaluate(compiled, vector)
        assert status == 0
        want, want_slope = density_and_slope(point)
        np.testing.assert_allclose(value, want, rtol=1e-9)
        np.testing.assert_allclose(slope, want_slope, rtol=1e-6, atol=1e-8 * np.abs(slope).max())


@EACH
def test_variables_are_those_of_the_model(spec, n_waves):
    on_panel = model_of(spec, n_waves)
    compiled, model = compile_model(on_panel), pymc_model_of(on_panel)
    vector = np.random.default_rng(3).normal(0, 0.7, compiled.n_dim)
    found = expanded(compiled, vector)
    variables = [*model.free_RVs, *model.deterministics]
    assert list(found) == [variable.name for variable in variables]
    want = model.compile_fn(
        model.replace_rvs_by_values(variables), inputs=model.value_vars, mode=PLAIN, on_unused_input="ignore"
    )(as_point(model, vector))
    for variable, values in zip(variables, want, strict=True):
        np.testing.assert_allclose(found[variable.name], values, rtol=1e-10, atol=1e-14, err_msg=variable.name)
        assert compiled.dims[variable.name] == model.named_vars_to_dims[variable.name]
    for dim, labels in model.coords.items():
        assert list(compiled.coords[dim]) == list(labels)


@EACH
def test_every_start_has_a_density(spec, n_waves):
    compiled = compile_model(model_of(spec, n_waves))
    starts = [compiled.initial_point_func(seed) for seed in range(50)]
    assert all(evaluate(compiled, start)[0] == 0 for start in starts)
    assert len({start.tobytes() for start in starts}) == 50
    np.testing.assert_array_equal(compiled.initial_point_func(3), starts[3])


def test_a_point_without_density_says_so():
    compiled = compile_model(model_of(*CASES[0]))
    assert evaluate(compiled, np.full(compiled.n_dim, np.nan))[0] == 3
    assert evaluate(compiled, np.full(compiled.n_dim, 1e3))[0] == 3
    assert evaluate(compiled, np.full(compiled.n_dim, -1e3))[0] == 3


def test_published_moments():
    rows = np.random.default_rng(5).normal(size=(30, 6))
    panel = Panel.from_moments(
        measures=TWO, times=TIMES[3], n=30, means=rows.mean(axis=0), covariance=np.cov(rows, rowvar=False)
    )
    same = Panel.from_arrays(rows.reshape(30, 3, 2), measures=TWO, times=TIMES[3])
    compiled, by_persons = (compile_model(panel_model(CASES[0][0], data)) for data in (panel, same))
    vector = np.random.default_rng(6).normal(0, 0.5, compiled.n_dim)
    np.testing.assert_allclose(evaluate(compiled, vector)[1], evaluate(by_persons, vector)[1], rtol=1e-10)


def test_the_table_of_priors():
    table = prior_table(model_of(CLPM(TWO, lags="equal", residuals="equal", means="equal"), 3).scale.blocks)
    assert table.family.tolist() == [*[NORMAL] * 4, *[HALF_NORMAL] * 2, BETA, *[LOG_NORMAL] * 2, BETA, *[NORMAL] * 2]
    np.testing.assert_array_equal(table.first, [0.4, 0.4, 0, 0, 1, 1, 2, 0, 0, 2, 0, 0])
    np.testing.assert_array_equal(table.second[[0, 2, 6, 9, 10]], [0.25, 0.2, 2, 2, 1])
    np.testing.assert_array_equal(table.lower[:2], [-1, -1])
    np.testing.assert_array_equal(table.upper[:2], [1, 1])
