"""Latent models as plain `pm.Model`: the density of what is sampled, in any coordinates."""

import numpy as np
import pymc as pm
import pytest
from pytensor.compile.mode import Mode
from test_compiling import as_point, evaluate, expanded

import alliance_bayes as ab
from alliance_bayes.basics.caching import PACKAGE, STAMPS
from alliance_bayes.engine.kernels.arrays import pack
from alliance_bayes.engine.latent.panel_likelihood import latent_log_density
from alliance_bayes.engine.model_on_panel import panel_model
from alliance_bayes.pymc_models.building import pymc_model_of
from alliance_bayes.pymc_models.compiling import compile_model
from alliance_bayes.pymc_models.operations import DerivedQuantities, LatentLogLikelihood, PanelLogLikelihood
from alliance_bayes.pymc_models.scaling import scaled
from helpers import slope
from latent_people import people

PLAIN = Mode(linker="py", optimizer="fast_compile")
M = ["alliance", "days"]
STATE = ab.State("sponsor", ["alliance"], ["work"], ["days"], ["alliance"], ["days"], same=0.8)
SPECS = {
    "days": ab.RICLPM(M, lags="equal", families={"days": ab.Days("window")}),
    "everything": ab.CLPM(
        ["alliance", "scale"],
        lags="grid",
        families={"scale": ab.Items(["item1", "item2"], 4, lowest=0)},
        covariates={"age": "first_wave"},
        state=ab.State("sponsor", ["alliance"], ["work"], ["scale"], ["alliance"], ["scale"], same=0.8),
        selection=[ab.Selection("interview", on=["scale"], effect=ab.Normal(0.2, 0.4))],
    ),
}


@pytest.fixture(scope="module", params=SPECS)
def both(request):
    required = ["alliance"] if SPECS[request.param].state else []
    panel = people(30, 3, required=required, dropout=True, seed=4)
    model = panel_model(SPECS[request.param], panel)
    return pymc_model_of(model), compile_model(model)


def test_it_is_a_plain_model_of_named_variables(both):
    model, _ = both
    assert type(model) is pm.Model
    assert set(model.coords["measure"]) >= {"alliance"}
    assert [potential.name for potential in model.potentials] == ["log_likelihood"]
    assert {"lagged", "lagged_standardized", "within_sd"} <= {variable.name for variable in model.deterministics}


def test_what_is_sampled_is_the_density_of_the_model(both):
    model, compiled = both
    assert compiled.compiled_logp_func is latent_log_density
    density, gradient = model.compile_logp(mode=PLAIN), model.compile_dlogp(mode=PLAIN)
    rng = np.random.default_rng(2)
    for _ in range(3):
        vector = rng.normal(0, 0.5, compiled.n_dim)
        status, value, found = evaluate(compiled, vector)
        assert status == 0
        np.testing.assert_allclose(value, density(as_point(model, vector)), rtol=1e-9)
        expected = gradient(as_point(model, vector))
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-8 * np.abs(expected).max())


def test_variables_are_those_of_the_model(both):
    model, compiled = both
    vector = np.random.default_rng(3).normal(0, 0.5, compiled.n_dim)
    found = expanded(compiled, vector)
    variables = [*model.free_RVs, *model.deterministics]
    want = model.compile_fn(
        model.replace_rvs_by_values(variables), inputs=model.value_vars, mode=PLAIN, on_unused_input="ignore"
    )(as_point(model, vector))
    for variable, values in zip(variables, want, strict=True):
        np.testing.assert_allclose(found[variable.name], values, rtol=1e-10, atol=1e-14, err_msg=variable.name)


def coordinates(compiled, original):
    """x0 and R of ``x = x0 + R u``, the last two arrays of a scaled model."""
    words = np.asarray(compiled.user_data)
    bounds = words[: words[0]].tolist()
    assert len(bounds) == len(original.user_data[: original.user_data[0]]) + 2
    mode, root = (words[first:last].view(np.float64) for first, last in zip(bounds[-3:-1], bounds[-2:], strict=True))
    return mode, root.reshape(len(mode), len(mode))


@pytest.fixture(scope="module")
def straightened(both):
    return scaled(both[1], seed=1)


def test_other_coordinates_are_of_the_same_density(both, straightened):
    _, compiled = both
    mode, root = coordinates(straightened, compiled)
    rng = np.random.default_rng(5)
    for _ in range(3):
        u = rng.normal(0, 0.7, compiled.n_dim)
        status, value, gradient = evaluate(straightened, u)
        _, expected, inner = evaluate(compiled, mode + root @ u)
        assert status == 0
        assert value == pytest.approx(expected, rel=1e-12)
        np.testing.assert_allclose(gradient, root.T @ inner, rtol=1e-9, atol=1e-9 * np.abs(inner).max())
        want = expanded(compiled, mode + root @ u)
        for name, values in expanded(straightened, u).items():
            np.testing.assert_allclose(values, want[name], rtol=1e-12, err_msg=name)
    numeric = slope(lambda u: evaluate(straightened, u)[1], u, width=1e-3)
    np.testing.assert_allclose(gradient, numeric, rtol=1e-3, atol=2e-3)


def test_about_the_mode_the_density_is_nearly_standard_normal(both, straightened):
    n = both[1].n_dim
    assert np.abs(evaluate(straightened, np.zeros(n))[2]).max() < 0.1
    curvature = -slope(lambda u: evaluate(straightened, u)[2], np.zeros(n), width=1e-2)
    np.testing.assert_allclose(curvature, np.eye(n), atol=0.1)
    starts = [straightened.initial_point_func(seed) for seed in range(20)]
    assert all(evaluate(straightened, start)[0] == 0 for start in starts)
    assert np.abs(starts).max() <= 1


def test_a_point_without_density_says_so(both, straightened):
    for compiled in (both[1], straightened):
        assert evaluate(compiled, np.full(compiled.n_dim, np.nan))[0] == 3
        assert evaluate(compiled, np.full(compiled.n_dim, 1e3))[0] == 3


def test_compiled_and_plain_operations_agree():
    import pytensor
    import pytensor.tensor as pt

    whole = panel_model(SPECS["days"], people(30, 3, seed=4))
    scale, system = whole.scale, whole.system
    packed = pack(scale.arrays, system.structure_arrays, system.arrays, (whole.families.links,), whole.latent_data)
    psi = pt.dvector()
    outputs = LatentLogLikelihood()(psi, packed)
    point = np.median(scale.join(scale.draw(100, np.random.default_rng(1))), axis=0)
    plain, compiled = (pytensor.function([psi], outputs, mode=mode)(point) for mode in (PLAIN, "NUMBA"))
    assert np.isfinite(plain[0])
    for first, second in zip(plain, compiled, strict=True):
        np.testing.assert_allclose(first, second, rtol=1e-12)


def test_the_density_of_each_person_written_out_is_for_normal_measures():
    with pytest.raises(ab.SpecError, match=r'^likelihood="persons" '):
        ab.to_pymc(SPECS["days"], people(30, 3), likelihood="persons")


@pytest.mark.parametrize(
    ("operation", "folder"),
    [
        (PanelLogLikelihood(), "engine/kernels"),
        (LatentLogLikelihood(), "engine/latent"),
        (DerivedQuantities(3), "engine/kernels"),
    ],
)
def test_what_pytensor_keeps_is_not_used_with_other_kernels(monkeypatch, operation, folder):
    from pytensor.link.numba.dispatch.basic import numba_funcify_and_cache_key

    def key():
        return numba_funcify_and_cache_key(operation)[1]

    first = key()
    assert key() == first
    monkeypatch.setitem(STAMPS, PACKAGE / folder, "of other sources")
    assert key() != first
