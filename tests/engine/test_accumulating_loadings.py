"""Free loadings of the accumulating factors of a DPM: of 1 at the second wave, free after it."""

import numpy as np
import pytest

import alliance_bayes as ab
from alliance_bayes.engine.design import plain_design
from alliance_bayes.engine.kernels.interpreter import run_many
from alliance_bayes.engine.layout import lay_out
from alliance_bayes.spec.mapping import spec_from_mapping, spec_to_mapping
from oracles.moments import implied_moments

TWO, THREE = ["x", "y"], ["x", "y", "z"]
SIZES = pytest.mark.parametrize(("names", "n_waves"), [(TWO, 4), (THREE, 6)])


@SIZES
def test_names_and_random_variable(names, n_waves):
    layout = lay_out(ab.DPM(names, trait_loadings="free"), plain_design(range(n_waves)))
    loadings = [parameter for parameter in layout.table.parameters if parameter.kind == "loading"]
    later = range(2, n_waves)
    assert [parameter.name for parameter in loadings] == [f"loading {name}, {time}" for time in later for name in names]
    assert {(parameter.units, parameter.per, parameter.start) for parameter in loadings} == {((), (), 1.0)}
    (block,) = [block for block in layout.scale.blocks if block.name == "trait_loading"]
    assert (block.dims, block.shape) == (("loading_time", "measure"), (n_waves - 2, len(names)))
    assert layout.scale.coordinates["loading_time"] == tuple(map(float, later))
    assert block.prior == ab.Priors().trait_loading


@SIZES
def test_loadings_of_1_are_the_dpm(names, n_waves):
    fixed, free = (
        lay_out(ab.DPM(names, trait_loadings=kind), plain_design(range(n_waves))) for kind in ("fixed", "free")
    )
    psi = fixed.scale.join(fixed.scale.draw(1, np.random.default_rng(1)))
    values = dict(zip(fixed.table.names, run_many(psi, fixed.scale.arrays)[0][0], strict=True))
    theta = np.array([values.get(name, 1.0) for name in free.table.names])
    for one, other in zip(
        implied_moments(fixed.system, np.array(list(values.values()))), implied_moments(free.system, theta), strict=True
    ):
        np.testing.assert_allclose(one, other, rtol=1e-12)


@SIZES
def test_the_prior_knows_no_direction(names, n_waves):
    """Measures in another order with their numbers in that order: the same covariances, in that order."""
    times = range(n_waves)
    layout, turned = (
        lay_out(ab.DPM(order, trait_loadings="free"), plain_design(times)) for order in (names, names[::-1])
    )
    assert [(block.name, block.prior, block.shape) for block in layout.scale.blocks] == [
        (block.name, block.prior, block.shape) for block in turned.scale.blocks
    ]
    psi = layout.scale.join(layout.scale.draw(40_000, np.random.default_rng(2)))
    theta = run_many(psi, layout.scale.arrays)[0]
    units = np.tile(np.repeat([0.0, 1.0], len(names)), (len(theta), 1))
    derived = run_many(np.hstack([theta, units]), layout.derived.arrays)[0]
    effects = np.abs(derived[:, layout.derived["lagged_standardized"].where]).reshape(
        len(theta), -1, len(names), len(names)
    )
    stronger = (effects[:, :, 1, 0] > effects[:, :, 0, 1]).mean(axis=0)
    np.testing.assert_allclose(stronger, 0.5, atol=4 * np.sqrt(0.25 / len(theta)))


@pytest.mark.parametrize("lags", ["equal", "free"])
def test_maximum_likelihood_finds_the_loadings_of_a_population(lags):
    spec = ab.DPM(TWO, lags=lags, trait_loadings="free")
    truth = ab.Truth(
        spec,
        times=[0, 1, 2, 3, 4],
        lagged={"x -> y": 0.2, "y -> x": 0.1},
        carry_over=0.4,
        within_correlation=0.3,
        trait_loadings={"x": [0.7, 1.4, 1.1], "y": 1.2},
        accumulating_sds={"x": 0.6, "y": 1.4},
        accumulating_correlation=0.3,
        first_accumulating_correlation=0.4,
        sds={"x": 1.0, "y": 3.0},
    )
    panel = ab.Panel.from_moments(
        measures=TWO, times=truth.times, n=2_000, means=truth.means_table, covariance=truth.covariance
    )
    found = ab.maximum_likelihood(spec, panel)
    estimates = found.table["estimate"]
    want = {"x": [0.7, 1.4, 1.1], "y": [1.2, 1.2, 1.2]}
    for name, loadings in want.items():
        np.testing.assert_allclose([estimates[f"loading {name}, {time}"] for time in (2, 3, 4)], loadings, atol=1e-3)
    assert found.chi_square == pytest.approx(0.0, abs=1e-3)


def test_exported_syntax_fixes_the_first_loading():
    text = ab.to_lavaan(ab.DPM(TWO, lags="equal", trait_loadings="free"), [0, 1, 2, 3])
    assert "i_x =~ 1*w_x_1 + loading_x_2*w_x_2 + loading_x_3*w_x_3" in text.splitlines()


def test_a_model_file_has_the_option():
    spec = ab.DPM(TWO, trait_loadings="free")
    assert spec_from_mapping(spec_to_mapping(spec)) == spec
    assert "with a strength that changes from wave to wave" in spec.assumptions[1]
