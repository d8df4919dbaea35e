"""The kernels as PyTensor operations: evaluated, compiled and differentiated, they are scipy's densities.

The layout of a model and the statistics of a panel are inputs, so one compiled function serves every
model here.
"""

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest
from pytensor.compile.mode import Mode

from alliance_bayes.engine.kernels.arrays import PatternArrays, pack
from alliance_bayes.engine.kernels.entry_points import unpack_derived, unpack_likelihood
from alliance_bayes.engine.statistics import by_pattern
from alliance_bayes.pymc_models.operations import DerivedQuantities, PanelLogLikelihood
from engine_calls import derive, derived_at, output, scale_at, system_at
from helpers import TIMES, densities, every_spec, label, slope, specs_without, textbook_moments, with_every_pattern

SIZES = [(2, 3), (2, 5), (3, 4)]
SPECS = [
    pytest.param(n_measures, n_waves, spec, id=f"{n_measures}x{n_waves}-{label(spec)}")
    for n_measures, n_waves in SIZES
    for spec in [*every_spec(n_measures)[:: 1 if n_measures * n_waves < 12 else 4], *specs_without(n_measures)]
]
MODES = {"perform": Mode(linker="py", optimizer="fast_compile"), "numba": "NUMBA"}


@pytest.fixture(scope="module", params=list(MODES))
def log_likelihood_and_slope(request):
    """A function of psi, layout and statistics, made without or with numba."""
    psi, layout = pt.dvector("psi"), pt.lvector("layout")
    kinds = {
        "people": pt.dvector,
        "mean": pt.dmatrix,
        "factor": pt.dtensor3,
        "position": pt.lmatrix,
        "scatter": pt.dtensor3,
        "given": pt.dvector,
    }
    statistics = [kinds.get(name, pt.lvector)(name) for name in PatternArrays._fields]
    value, _ = PanelLogLikelihood()(psi, layout, *statistics)
    return pytensor.function([psi, layout, *statistics], [value, pytensor.grad(value, psi)], mode=MODES[request.param])


def a_model(spec, times, seed):
    """A point drawn from the prior, the layout of the model, and its parameters by name."""
    system, scale = system_at(spec, times), scale_at(spec, times)
    psi = scale.join(scale.draw(1, np.random.default_rng(seed)))[0]
    values = dict(zip(system.names, output(scale.to_theta, psi), strict=True))
    return psi, pack(scale.arrays, system.structure_arrays, system.arrays), values


@pytest.mark.parametrize(("n_measures", "n_waves", "spec"), SPECS[::4])  # all of them: tests of the kernel
def test_log_likelihood_with_every_missing_pattern(log_likelihood_and_slope, n_measures, n_waves, spec):
    psi, layout, values = a_model(spec, TIMES[n_waves], seed=1)
    rows = with_every_pattern(n_measures * n_waves, np.random.default_rng(2), extra=20)
    patterns, _ = by_pattern(rows)
    found, _ = log_likelihood_and_slope(psi, layout, *patterns)
    want = densities(*textbook_moments(spec, TIMES[n_waves], values), rows).sum()
    np.testing.assert_allclose(found, want, rtol=1e-9)


@pytest.mark.parametrize(("n_measures", "n_waves", "spec"), SPECS[::3])
def test_gradient(log_likelihood_and_slope, n_measures, n_waves, spec):
    psi, layout, _ = a_model(spec, TIMES[n_waves], seed=3)
    rows = with_every_pattern(n_measures * n_waves, np.random.default_rng(4), extra=20)[-60:]
    patterns, _ = by_pattern(rows)
    _, gradient = log_likelihood_and_slope(psi, layout, *patterns)
    want = slope(lambda point: log_likelihood_and_slope(point, layout, *patterns)[0], psi, width=1e-4)
    np.testing.assert_allclose(gradient, want, rtol=1e-6, atol=1e-7 * np.abs(want).max())


def test_a_point_without_likelihood(log_likelihood_and_slope):
    spec = every_spec(2)[0]
    psi, layout, _ = a_model(spec, TIMES[3], seed=5)
    psi[4:6] = 0.0
    patterns, _ = by_pattern(np.random.default_rng(6).normal(size=(10, 6)))
    assert log_likelihood_and_slope(psi, layout, *patterns)[0] == -np.inf


@pytest.mark.parametrize("order", ["Fortran", "every other"])
def test_statistics_laid_out_otherwise_in_memory(log_likelihood_and_slope, order):
    spec = every_spec(2)[0]
    psi, layout, _ = a_model(spec, TIMES[3], seed=5)
    patterns, _ = by_pattern(with_every_pattern(6, np.random.default_rng(6), extra=20))

    def laid_out(array):
        if order == "Fortran":
            return np.asfortranarray(array)
        return np.repeat(array, 2, axis=0)[::2]

    found, gradient = log_likelihood_and_slope(psi, layout, *(laid_out(array) for array in patterns))
    want, want_gradient = log_likelihood_and_slope(psi, layout, *patterns)
    np.testing.assert_allclose(found, want, rtol=1e-12)
    np.testing.assert_allclose(gradient, want_gradient, rtol=1e-10)


@pytest.mark.parametrize("spec", [every_spec(2)[1], every_spec(3)[-1], specs_without(2)[2]], ids=label)
@pytest.mark.parametrize("mode", list(MODES))
def test_derived_quantities(spec, mode):
    times = TIMES[4]
    scale, derived = scale_at(spec, times), derived_at(spec, times)
    psi, layout, centre, unit = pt.dvector(), pt.lvector(), pt.dvector(), pt.dvector()
    vector = DerivedQuantities(derived.size)(psi, layout, centre, unit)
    function = pytensor.function([psi, layout, centre, unit], vector, mode=MODES[mode])
    rng = np.random.default_rng(7)
    for row in scale.join(scale.draw(3, rng)):
        constants = rng.normal(size=len(spec.measures)), rng.uniform(0.5, 2, len(spec.measures))
        found = function(row, pack(scale.arrays, derived.arrays), *constants)
        want = derive(derived, output(scale.to_theta, row), *constants)
        np.testing.assert_array_equal(found, want)


def test_derived_quantities_have_no_gradient():
    psi = pt.dvector("psi")
    vector = DerivedQuantities(3)(psi, pt.lvector(), pt.dvector(), pt.dvector())
    with pytest.raises(NotImplementedError):
        pytensor.grad(vector.sum(), psi)


@pytest.mark.parametrize("spec", [*every_spec(2), *specs_without(3)], ids=label)
def test_layouts_are_unpacked_as_they_were_packed(spec):
    times = TIMES[4]
    system, scale = system_at(spec, times), scale_at(spec, times)
    derived = derived_at(spec, times)
    for packed, unpack, parts in [
        (
            pack(scale.arrays, system.structure_arrays, system.arrays),
            unpack_likelihood,
            (scale.arrays, system.structure_arrays, system.arrays),
        ),
        (pack(scale.arrays, derived.arrays), unpack_derived, (scale.arrays, derived.arrays)),
    ]:
        for found, want in zip(unpack(packed), parts, strict=True):
            assert type(found) is type(want)
            for left, right in zip(found, want, strict=True):
                np.testing.assert_array_equal(left, right)


def test_numbers_are_packed_bit_for_bit():
    numbers = np.array([0.1, -np.inf, np.nan, 5e-324])
    packed = pack([np.array([3, 4])], [numbers])
    np.testing.assert_array_equal(packed[packed[0] :][:2], [3, 4])
    np.testing.assert_array_equal(packed[packed[1] : packed[2]].view(float), numbers)
