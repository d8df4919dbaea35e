"""The `pm.Model`: names, dims, priors, and one density whichever way the likelihood is written."""

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import pytest
from pytensor.compile.mode import Mode
from scipy import stats

from alliance_bayes.basics.distributions import LKJ, Beta, HalfNormal, LogNormal, Normal
from alliance_bayes.basics.problems import PanelError, SpecError
from alliance_bayes.engine.program import Writer
from alliance_bayes.panel import Panel
from alliance_bayes.pymc_models.building import to_pymc
from alliance_bayes.pymc_models.symbolic import _Registers
from alliance_bayes.spec.models import CLPM, RICLPM
from alliance_bayes.spec.priors import Priors
from engine_calls import derive, derived_at, output, scale_at
from helpers import TIMES, label, measure_names, panel_of, random_panel

PLAIN = Mode(linker="py", optimizer="fast_compile")
AS_WRITTEN = Mode(linker="py", optimizer=None)  # costs less where no slope is taken
TWO, THREE = measure_names(2), measure_names(3)


def few_patterns(n_measures, n_waves, seed):
    """A panel with three missing patterns, so that one distribution for each can be compiled."""
    rows = np.random.default_rng(seed).normal(size=(24, n_measures * n_waves))
    rows[10:17, 1] = np.nan
    rows[17:, -2:] = np.nan
    return panel_of(rows * 2 + 1, n_measures, TIMES[n_waves])


def random_points(model, seed, n_points=3):
    rng = np.random.default_rng(seed)
    initial = model.initial_point()
    return [{name: value + rng.normal(0, 0.5, value.shape) for name, value in initial.items()} for _ in range(n_points)]


# ---- names ----


def dims_of(model):
    return {name: model.named_vars_to_dims.get(name) for name in model.named_vars}


def test_names_dims_and_coordinates():
    spec = RICLPM(TWO, lags="equal")
    model = to_pymc(spec, random_panel(2, (0, 6, 12), np.random.default_rng(1)))
    assert {name: list(labels) for name, labels in model.coords.items()} == {
        "interval": ["0 to 6", "6 to 12"],
        "time": [0, 6, 12],
        "measure": TWO,
        "path": ["alliance -> alliance", "days -> alliance", "alliance -> days", "days -> days"],
        "carry_over_path": ["alliance -> alliance", "days -> days"],
        "cross_lagged_path": ["days -> alliance", "alliance -> days"],
        "pair": ["alliance, days"],
    }
    assert [variable.name for variable in model.free_RVs] == [
        "carry_over",
        "cross_lagged",
        "relative_total_sd",
        "icc",
        "between_partial_unit",
        "within_partial_unit",
        "innovation_ratio",
        "innovation_partial_unit",
        "relative_mean",
    ]
    assert [variable.name for variable in model.deterministics] == [
        "lagged",
        "lagged_standardized",
        "mean",
        "between_sd",
        "between_correlation",
        "within_sd",
        "within_correlation",
        "innovation_sd",
        "innovation_correlation",
        "intraclass_correlation",
        "within_r_squared",
    ]
    assert [variable.name for variable in model.potentials] == ["log_likelihood"]
    dims = dims_of(model)
    assert {name: dims[name] for name in ("lagged", "lagged_standardized")} == dict.fromkeys(
        ("lagged", "lagged_standardized"), ("interval", "path")
    )
    assert dims["carry_over"] == ("carry_over_path",)
    assert dims["cross_lagged"] == ("cross_lagged_path",)
    assert dims["innovation_ratio"] == ("interval", "measure")
    assert dims["innovation_partial_unit"] == ("interval", "pair")
    assert dims["relative_mean"] == dims["mean"] == dims["within_sd"] == ("time", "measure")
    assert dims["between_correlation"] == ("pair",)
    assert dims["centre"] == dims["scale"] == ("measure",)


@pytest.mark.parametrize(
    "spec",
    [
        RICLPM(THREE, lags="free", remove=["contact -> days"]),
        CLPM(THREE, lags="grid", residuals="equal", means="equal"),
        RICLPM(TWO, lags="free", means="equal", remove=["days -> alliance", "alliance -> days"]),
    ],
    ids=label,
)
def test_every_variable_has_dims_and_its_shape_has_their_lengths(spec):
    model = to_pymc(spec, random_panel(len(spec.measures), TIMES[4], np.random.default_rng(2), missing=0.1))
    dims = dims_of(model)
    for variable in [*model.free_RVs, *model.deterministics]:
        lengths = tuple(len(model.coords[dim]) for dim in dims[variable.name])
        assert variable.type.shape == lengths or tuple(variable.shape.eval()) == lengths, variable.name
    assert ("cross_lagged" in dims) == bool(spec.cross_lagged_paths)
    assert ("between_sd" in dims) == ("icc" in dims) == spec.random_intercepts


def test_the_models_order_of_measures_is_kept():
    panel = random_panel(3, (0, 1, 2), np.random.default_rng(3))
    model = to_pymc(RICLPM(["contact", "alliance"]), panel)
    assert list(model.coords["measure"]) == ["contact", "alliance"]
    centre, _ = panel.pooled_scale()
    np.testing.assert_allclose(model["centre"].get_value(), centre[[2, 0]])


# ---- one density ----

PAIRS = [
    pytest.param(
        RICLPM(TWO, lags="equal"), random_panel(2, TIMES[3], np.random.default_rng(4), missing=0.3), id="missing"
    ),
    pytest.param(
        RICLPM(TWO, lags="grid", remove=["alliance -> days"]), few_patterns(2, 4, seed=5), id="grid without a path"
    ),
    pytest.param(
        CLPM(TWO, lags="free", residuals="equal", remove=["days -> days"], means="equal"),
        random_panel(2, TIMES[5], np.random.default_rng(6), missing=0.05),
        id="clpm free",
    ),
    pytest.param(RICLPM(THREE, lags="free"), few_patterns(3, 3, seed=7), id="three measures"),
    pytest.param(
        CLPM(THREE, lags="grid", remove=[f"{a} -> {b}" for a in THREE for b in THREE]),
        few_patterns(3, 4, seed=8),
        id="three measures without a path",
    ),
]


@pytest.mark.parametrize(("spec", "panel"), PAIRS)
def test_moments_and_persons_are_one_density(spec, panel):
    by_moments, by_persons = to_pymc(spec, panel), to_pymc(spec, panel, likelihood="persons")
    assert len(by_persons.observed_RVs) == panel.n_patterns
    assert not by_persons.potentials
    fast, slow = by_moments.compile_logp(mode=AS_WRITTEN), by_persons.compile_logp(mode=AS_WRITTEN)
    for point in random_points(by_moments, seed=9):
        want = slow(point)
        assert np.isfinite(want)
        np.testing.assert_allclose(fast(point), want, rtol=1e-9)


@pytest.mark.parametrize(
    ("spec", "panel"),
    [
        (RICLPM(TWO, lags="grid", residuals="equal", remove=["days -> alliance"]), few_patterns(2, 3, seed=11)),
        (CLPM(THREE, lags="equal", means="equal"), few_patterns(3, 3, seed=12)),
    ],
    ids=["grid without a path", "three measures"],
)
def test_the_kernels_gradient_is_pymcs_own(spec, panel):
    by_moments, by_persons = to_pymc(spec, panel), to_pymc(spec, panel, likelihood="persons")
    fast, slow = by_moments.compile_dlogp(mode=PLAIN), by_persons.compile_dlogp(mode=PLAIN)
    for point in [by_moments.initial_point(), *random_points(by_moments, seed=13)]:
        want = slow(point)
        np.testing.assert_allclose(fast(point), want, rtol=1e-6, atol=1e-8 * np.abs(want).max())


@pytest.mark.parametrize(("spec", "panel"), PAIRS)
def test_the_gradient_at_the_start_is_finite_and_reaches_every_parameter(spec, panel):
    model = to_pymc(spec, panel)
    point = model.initial_point()
    density_and_slope = model.compile_fn([model.logp(), model.dlogp()], mode=PLAIN)
    value, gradient = density_and_slope(point)
    assert np.isfinite(value)
    assert gradient.shape == (sum(value.size for value in point.values()),)
    assert np.isfinite(gradient).all()
    # At the start itself means of centred values may have no slope.
    assert (density_and_slope(random_points(model, seed=21, n_points=1)[0])[1] != 0).all()


def test_published_moments_are_the_density_of_their_persons():
    rows = np.random.default_rng(14).normal(size=(40, 9)) * 3 + 5
    published = Panel.from_moments(
        measures=THREE, times=TIMES[3], n=40, means=rows.mean(axis=0), covariance=np.cov(rows, rowvar=False)
    )
    for spec in (RICLPM(THREE, lags="grid"), CLPM(["days", "contact"], lags="free")):
        fast, slow = (
            to_pymc(spec, data).compile_logp(mode=AS_WRITTEN) for data in (published, panel_of(rows, 3, TIMES[3]))
        )
        for point in random_points(to_pymc(spec, published), seed=15):
            np.testing.assert_allclose(fast(point), slow(point), rtol=1e-9)


def test_published_moments_have_no_persons():
    panel = Panel.from_moments(measures=TWO, times=TIMES[3], n=40, means=np.zeros(6), covariance=np.eye(6))
    with pytest.raises(PanelError) as caught:
        to_pymc(RICLPM(TWO, lags="equal"), panel, likelihood="persons")
    assert str(caught.value) == (
        "The likelihood of each person needs each person's values, and this panel was made from published moments; "
        "make it with Panel.from_long or Panel.from_wide."
    )


def test_a_likelihood_there_is_not():
    with pytest.raises(SpecError) as caught:
        to_pymc(RICLPM(TWO), random_panel(2, (0, 1, 2), np.random.default_rng(1)), likelihood="person")
    assert str(caught.value) == "likelihood must be one of 'moments', 'persons'; got 'person'."


# ---- priors ----

OTHER = Priors(
    carry_over=Normal(-0.2, 0.5),
    cross_lagged=Normal(0.1, 0.3),
    total_sd=LogNormal(0.3, 0.4),
    icc=Beta(1.5, 3),
    innovation_ratio=HalfNormal(0.7),
    interval_spread=LogNormal(-2, 0.3),
    between_correlation=LKJ(1.0),
    within_correlation=LKJ(3.0),
    innovation_correlation=LKJ(0.5),
    mean=Normal(0.5, 2),
)


def truncated(mean, sd):
    return stats.truncnorm((-1 - mean) / sd, (1 - mean) / sd, mean, sd)


def unit(eta, n_measures):
    shapes = LKJ(eta).partial_shapes(n_measures)
    return stats.beta(shapes, shapes)


OF_INTERVALS = {
    f"{kind}_{block}" for kind in ("carry_over", "cross_lagged") for block in ("interval_spread", "deviation")
}
EXPECTED = {
    "default": {
        "carry_over": truncated(0.4, 0.25),
        "carry_over_interval_spread": stats.halfnorm(scale=0.1),
        "carry_over_deviation": stats.norm(),
        "cross_lagged": stats.norm(0, Priors().cross_lagged.sd),
        "cross_lagged_interval_spread": stats.halfnorm(scale=0.1),
        "cross_lagged_deviation": stats.norm(),
        "relative_total_sd": stats.halfnorm(scale=1),
        "icc": stats.beta(2, 2),
        "between_partial_unit": unit(2.0, 3),
        "within_partial_unit": unit(2.0, 3),
        "innovation_ratio": stats.lognorm(0.2),
        "innovation_partial_unit": unit(2.0, 3),
        "relative_mean": stats.norm(0, 1),
    },
    "other": {
        "carry_over": truncated(-0.2, 0.5),
        "carry_over_interval_spread": stats.lognorm(0.3, scale=np.exp(-2)),
        "carry_over_deviation": stats.norm(),
        "cross_lagged": stats.norm(0.1, 0.3),
        "cross_lagged_interval_spread": stats.lognorm(0.3, scale=np.exp(-2)),
        "cross_lagged_deviation": stats.norm(),
        "relative_total_sd": stats.lognorm(0.4, scale=np.exp(0.3)),
        "icc": stats.beta(1.5, 3),
        "between_partial_unit": unit(1.0, 3),
        "within_partial_unit": unit(3.0, 3),
        "innovation_ratio": stats.halfnorm(scale=0.7),
        "innovation_partial_unit": unit(0.5, 3),
        "relative_mean": stats.norm(0.5, 2),
    },
}


@pytest.mark.parametrize("lags", ["free", "equal"])
@pytest.mark.parametrize(("name", "priors"), [("default", Priors()), ("other", OTHER)])
def test_priors_are_those_of_the_spec(name, priors, lags):
    """Densities exactly scipy's; draws of the model and of `PriorScale` from the same distributions."""
    spec = RICLPM(THREE, lags=lags, priors=priors)
    expected = {block: each for block, each in EXPECTED[name].items() if lags == "free" or block not in OF_INTERVALS}
    model = to_pymc(spec, random_panel(3, TIMES[3], np.random.default_rng(16)))
    drawn = scale_at(spec, TIMES[3]).draw(400, np.random.default_rng(17))
    sampled = pm.draw([model[block] for block in drawn], draws=400, random_seed=18, mode=PLAIN)
    assert set(drawn) == set(expected) == {variable.name for variable in model.free_RVs}
    for (block, values), from_model in zip(drawn.items(), sampled, strict=True):
        distribution = expected[block]
        assert values.shape == from_model.shape
        density = pm.logp(model[block], values[0]).eval(mode=AS_WRITTEN)
        # PyMC's truncated normal is normalised to 1e-8 only
        np.testing.assert_allclose(density, distribution.logpdf(values[0]), rtol=1e-9, atol=1e-8, err_msg=block)
        for draws in (values, from_model):
            uniform = distribution.cdf(draws).reshape(400, -1)
            for column in uniform.T:
                assert stats.kstest(column, "uniform").pvalue > 1e-4, block


# ---- deterministics ----


@pytest.mark.parametrize(
    "spec", [RICLPM(TWO, lags="grid"), CLPM(THREE, lags="free", remove=["days -> days"])], ids=label
)
def test_deterministics_are_the_derived_quantities(spec):
    panel = random_panel(len(spec.measures), TIMES[4], np.random.default_rng(19), missing=0.1)
    model = to_pymc(spec, panel)
    scale, derived = scale_at(spec, panel.times), derived_at(spec, panel.times)
    blocks = {name: values[0] for name, values in scale.draw(1, np.random.default_rng(20)).items()}
    names = [quantity.name for quantity in derived.quantities]
    function = model.compile_fn([model[name] for name in names], inputs=list(model.free_RVs), mode=PLAIN)
    found = dict(zip(names, function(blocks), strict=True))
    theta = output(scale.to_theta, scale.join(blocks))
    vector = derive(derived, theta, model["centre"].get_value(), model["scale"].get_value())
    for quantity in derived.quantities:
        want = vector[quantity.where].reshape(quantity.shape)
        np.testing.assert_allclose(found[quantity.name], want, rtol=1e-12, err_msg=quantity.name)
    for path in spec.remove:
        assert (found["lagged"][:, model.coords["path"].index(path)] == 0).all()


def test_a_step_that_pytensor_lacks_is_refused():
    """Correlations are for output alone; no density has them."""
    writer = Writer(4)
    program = writer.program(writer.correlations(np.arange(4).reshape(2, 2)))
    with pytest.raises(ValueError, match="'correlations' is not written in PyTensor"):
        _Registers(program, pt.dvector())
