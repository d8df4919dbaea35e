"""From the scale of the priors to the linear system: formulas by hand, slopes, and the LKJ prior."""

import itertools

import numpy as np
import pytest
from scipy import stats

from alliance_bayes.basics.distributions import LKJ, Beta, HalfNormal, LogNormal, Normal
from alliance_bayes.engine.kernels.interpreter import run_many
from alliance_bayes.spec.models import CLPM, RICLPM
from alliance_bayes.spec.priors import Priors
from engine_calls import output, pulled_back, scale_at, system_at
from helpers import TIMES, between_covariance, covariance_block, every_spec, label, measure_names, slope, specs_without

SPECS = [
    pytest.param(n_measures, n_waves, spec, id=f"{n_measures}x{n_waves}-{label(spec)}")
    for n_measures, n_waves in [(2, 3), (3, 4), (4, 3)]
    for spec in [*every_spec(n_measures)[::3], *specs_without(n_measures)]
]


def drawn(spec, times, seed):
    scale = scale_at(spec, times)
    blocks = scale.draw(1, np.random.default_rng(seed))
    return scale, blocks, scale.join(blocks)[0]


def correlation_of(units, size):
    """Correlation matrix from partial correlations given the columns before, by the recursion of Joe (2006)."""
    partial = np.eye(size)
    entry = 0
    for row in range(size):
        for column in range(row):
            partial[row, column] = partial[column, row] = 2 * units[entry] - 1
            entry += 1
    correlation = np.eye(size)
    for row in range(size):
        for column in range(row):
            value = partial[row, column]
            for given in range(column - 1, -1, -1):
                first, second = partial[given, row], partial[given, column]
                value = value * np.sqrt((1 - first**2) * (1 - second**2)) + first * second
            correlation[row, column] = correlation[column, row] = value
    return correlation


def larger(share):
    """The larger of a share and 0.05, with the corner rounded off."""
    return (share + 0.05 + np.hypot(share - 0.05, 0.05)) / 2


def keeping(sds, effects, correlation):
    """Innovation variances that keep variances, with effects in the SDs at the first wave."""
    return sds**2 * larger(1 - np.diag(effects @ correlation @ effects.T))


@pytest.mark.parametrize(("n_measures", "n_waves", "spec"), SPECS)
def test_theta_by_hand(n_measures, n_waves, spec):
    times = TIMES[n_waves]
    scale, blocks, psi = drawn(spec, times, seed=1)
    system = system_at(spec, times)
    values = dict(zip(system.names, output(scale.to_theta, psi), strict=True))

    total = blocks["relative_total_sd"][0]
    share = blocks["icc"][0] if spec.random_intercepts else np.zeros(n_measures)
    within_sd = total * np.sqrt(1 - share)
    if spec.random_intercepts:
        want = np.outer(total, total) * np.sqrt(np.outer(share, share))
        want *= correlation_of(blocks["between_partial_unit"][0], n_measures)
        np.testing.assert_allclose(between_covariance(spec, values), want, rtol=1e-10, atol=1e-14)
    within = np.outer(within_sd, within_sd) * correlation_of(blocks["within_partial_unit"][0], n_measures)
    np.testing.assert_allclose(
        covariance_block(spec, values, "within", f", {times[0]}"), within, rtol=1e-10, atol=1e-14
    )

    intervals = [f"{earlier} to {later}" for earlier, later in itertools.pairwise(times)]
    by_interval = [f", {interval}" for interval in intervals] if spec.lags_by_interval else [""]
    standardized = np.zeros((len(by_interval), n_measures, n_measures))
    for kind in ("carry_over", "cross_lagged"):
        paths = getattr(spec, f"{kind}_paths")
        if not paths:
            assert kind not in blocks
            continue
        found = np.empty((len(by_interval), len(paths)))
        for place, path in enumerate(paths):
            predictor, outcome = (spec.measures.index(name) for name in path.split(" -> "))
            for occasion, suffix in enumerate(by_interval):
                found[occasion, place] = values[path + suffix] * within_sd[predictor] / within_sd[outcome]
            standardized[:, outcome, predictor] = found[:, place]
        if spec.lags == "free":
            np.testing.assert_allclose(found.mean(axis=0), blocks[kind][0], rtol=1e-12, atol=1e-14)
            coordinates = blocks[f"{kind}_deviation"][0].reshape(len(paths), -1)
            lengths = blocks[f"{kind}_interval_spread"][0] * np.linalg.norm(coordinates, axis=1)
            assert coordinates.shape[1] == len(intervals) - 1
            np.testing.assert_allclose(np.linalg.norm(found - found.mean(axis=0), axis=0), lengths, rtol=1e-10)
        else:
            np.testing.assert_allclose(found, np.atleast_2d(blocks[kind][0]), rtol=1e-12)

    ratios = np.atleast_2d(blocks["innovation_ratio"][0])
    units = np.atleast_2d(blocks["innovation_partial_unit"][0])
    suffixes = [f", {interval}" for interval in intervals] if spec.residuals == "free" else [""]
    assert ratios.shape == (len(suffixes), n_measures)
    correlation = correlation_of(blocks["within_partial_unit"][0], n_measures)
    kept = [keeping(within_sd, effects, correlation) for effects in standardized]
    kept = np.broadcast_to(kept, (len(intervals), n_measures))
    for suffix, ratio, unit, keep in zip(
        suffixes, ratios, units, kept if len(suffixes) > 1 else [kept.mean(axis=0)], strict=True
    ):
        sd = ratio * np.sqrt(keep)
        want = np.outer(sd, sd) * correlation_of(unit, n_measures)
        np.testing.assert_allclose(covariance_block(spec, values, "innovation", suffix), want, rtol=1e-10, atol=1e-14)

    means = np.atleast_2d(blocks["relative_mean"][0])
    suffixes = [f", {time}" for time in times] if spec.means == "free" else [""]
    assert means.shape == (len(suffixes), n_measures)
    for suffix, row in zip(suffixes, means, strict=True):
        assert [values[f"mean {name}{suffix}"] for name in spec.measures] == row.tolist()


def test_innovations_with_a_lag_of_two_by_hand():
    """Were the covariance the same at all waves, ``F P F' + G P G' + F F P G' + (F F P G')'`` would be carried over."""
    spec, times = CLPM(["a", "b"], lag_2=["a -> a", "b -> a"]), (0, 1, 2)
    scale, blocks, psi = drawn(spec, times, seed=10)
    values = dict(zip(system_at(spec, times).names, output(scale.to_theta, psi), strict=True))
    sds = blocks["relative_total_sd"][0]
    within = np.outer(sds, sds) * correlation_of(blocks["within_partial_unit"][0], 2)
    once, twice = (
        np.array([[values.get(f"{before} -> {after}{lag}", 0.0) for before in "ab"] for after in "ab"])
        for lag in ("", ", lag 2")
    )
    both = once @ once @ within @ twice.T
    carried = [once @ within @ once.T, once @ within @ once.T + twice @ within @ twice.T + both + both.T]
    for occasion, each in enumerate(carried):
        want = blocks["innovation_ratio"][0, occasion] ** 2 * sds**2 * larger(1 - np.diag(each) / sds**2)
        found = [values[f"innovation variance {name}, {occasion} to {occasion + 1}"] for name in "ab"]
        np.testing.assert_allclose(found, want)


@pytest.mark.parametrize("n_measures", [2, 3])
def test_theta_of_continuous_time_by_hand(n_measures):
    """Decay, cross drift and diffusion are over the shortest interval, 2; effects are in within-person SDs."""
    names, times = measure_names(n_measures), (0, 3, 5)
    spec = RICLPM(names, lags="continuous")
    scale, blocks, psi = drawn(spec, times, seed=6)
    values = dict(zip(system_at(spec, times).names, output(scale.to_theta, psi), strict=True))
    within_sd = blocks["relative_total_sd"][0] * np.sqrt(1 - blocks["icc"][0])
    for name, decay in zip(names, blocks["decay"][0], strict=True):
        assert values[f"drift {name} -> {name}"] == pytest.approx(-decay / 2)
        assert decay > 0
    for path, effect in zip(spec.cross_lagged_paths, blocks["cross_drift"][0], strict=True):
        predictor, outcome = (names.index(name) for name in path.split(" -> "))
        assert values[f"drift {path}"] == pytest.approx(effect / 2 * within_sd[outcome] / within_sd[predictor])
    effects = np.array(
        [[0.0 if row == column else values[f"drift {column} -> {row}"] for column in names] for row in names]
    )
    within = np.outer(within_sd, within_sd) * correlation_of(blocks["within_partial_unit"][0], n_measures)
    decay = blocks["decay"][0] / 2
    kept = 2 * decay * within_sd**2 * larger(1 - np.diag(effects @ within) / (decay * within_sd**2))
    sd = blocks["innovation_ratio"][0] * np.sqrt(kept)
    want = np.outer(sd, sd) * correlation_of(blocks["innovation_partial_unit"][0], n_measures)
    np.testing.assert_allclose(covariance_block(spec, values, "diffusion"), want)


@pytest.mark.parametrize("lags", ["free", "unpooled", "continuous"])
def test_every_block_has_the_prior_of_its_name(lags):
    priors = Priors(
        carry_over=Normal(0.3, 0.2),
        cross_lagged=Normal(0.01, 0.2),
        decay=LogNormal(-0.2, 0.5),
        cross_drift=Normal(0.02, 0.3),
        total_sd=HalfNormal(1.1),
        icc=Beta(2, 3),
        innovation_ratio=LogNormal(-0.3, 0.4),
        interval_spread=HalfNormal(0.2),
        between_correlation=LKJ(1.5),
        within_correlation=LKJ(2.5),
        innovation_correlation=LKJ(3.5),
        mean=Normal(0.1, 1.1),
    )
    effects = {"carry_over": priors.carry_over, "cross_lagged": priors.cross_lagged}
    if lags == "free":
        effects |= {f"{kind}_interval_spread": priors.interval_spread for kind in tuple(effects)}
        effects |= {f"{kind}_deviation": Normal(0, 1) for kind in ("carry_over", "cross_lagged")}
    if lags == "continuous":
        effects = {"decay": priors.decay, "cross_drift": priors.cross_drift}
    found = {
        block.name: block.prior for block in scale_at(RICLPM(["x", "y"], lags=lags, priors=priors), (0, 1, 2)).blocks
    }
    assert found == effects | {
        "relative_total_sd": priors.total_sd,
        "icc": priors.icc,
        "between_partial_unit": priors.between_correlation,
        "within_partial_unit": priors.within_correlation,
        "innovation_ratio": priors.innovation_ratio,
        "innovation_partial_unit": priors.innovation_correlation,
        "relative_mean": priors.mean,
    }


@pytest.mark.parametrize(("n_measures", "n_waves", "spec"), SPECS)
def test_gradient_is_the_transposed_jacobian(n_measures, n_waves, spec):
    scale, _, psi = drawn(spec, TIMES[n_waves], seed=2)
    theta_bar = np.random.default_rng(3).normal(size=system_at(spec, TIMES[n_waves]).n_parameters)
    jacobian = slope(lambda point: output(scale.to_theta, point), psi, width=1e-4)
    assert jacobian.shape == (len(theta_bar), scale.size)
    want = theta_bar @ jacobian
    found = pulled_back(scale.to_theta, psi, theta_bar)
    np.testing.assert_allclose(found, want, rtol=1e-6, atol=1e-7 * np.abs(want).max())


def test_many_draws_are_mapped_one_by_one():
    scale = scale_at(RICLPM(["x", "y"]), (0, 1, 2))
    psis = scale.join(scale.draw(5, np.random.default_rng(4)))
    found = run_many(psis, scale.arrays)[0]
    np.testing.assert_array_equal(found, [output(scale.to_theta, psi) for psi in psis])


def test_blocks_dims_and_labels_of_unpooled_lags():
    scale = scale_at(RICLPM(["a", "b", "c"], lags="unpooled", remove=["c -> a"]), (0, 6, 18))
    assert {block.name: (block.dims, block.shape) for block in scale.blocks} == {
        "carry_over": (("interval", "carry_over_path"), (2, 3)),
        "cross_lagged": (("interval", "cross_lagged_path"), (2, 5)),
        "relative_total_sd": (("measure",), (3,)),
        "icc": (("measure",), (3,)),
        "between_partial_unit": (("pair",), (3,)),
        "within_partial_unit": (("pair",), (3,)),
        "innovation_ratio": (("interval", "measure"), (2, 3)),
        "innovation_partial_unit": (("interval", "pair"), (2, 3)),
        "relative_mean": (("time", "measure"), (3, 3)),
    }
    labels = {
        "interval": ("0 to 6", "6 to 18"),
        "time": (0, 6, 18),
        "measure": ("a", "b", "c"),
        "path": ("a -> a", "b -> a", "c -> a", "a -> b", "b -> b", "c -> b", "a -> c", "b -> c", "c -> c"),
        "carry_over_path": ("a -> a", "b -> b", "c -> c"),
        "cross_lagged_path": ("b -> a", "a -> b", "c -> b", "a -> c", "b -> c"),
        "pair": ("a, b", "a, c", "b, c"),
    }
    assert {name: scale.coordinates[name] for name in labels} == labels


def test_blocks_dims_and_labels_of_lags_about_their_averages():
    spec = CLPM(
        ["a", "b"],
        lags="free",
        equal=[["a -> a, 0 to 6", "a -> a, 6 to 18"]],
        remove=["a -> b, 0 to 6", "a -> b, 6 to 18", "b -> a, 6 to 18"],
    )
    scale = scale_at(spec, (0, 6, 18, 20))
    found = {block.name: (block.dims, block.shape) for block in scale.blocks}
    assert {name: found[name] for name in found if name.startswith(("carry", "cross"))} == {
        "carry_over": (("carry_over_path",), (2,)),
        "carry_over_interval_spread": (("carry_over_varying_path",), (2,)),
        "carry_over_deviation": (("carry_over_deviation_of",), (3,)),
        "cross_lagged": (("cross_lagged_path",), (2,)),
        "cross_lagged_interval_spread": (("cross_lagged_varying_path",), (1,)),
        "cross_lagged_deviation": (("cross_lagged_deviation_of",), (1,)),
    }
    labels = {
        "carry_over_deviation_of": ("a -> a, 1", "b -> b, 1", "b -> b, 2"),
        "cross_lagged_path": ("b -> a", "a -> b"),
        "cross_lagged_varying_path": ("b -> a",),
        "cross_lagged_deviation_of": ("b -> a, 1",),
    }
    assert {name: scale.coordinates[name] for name in labels} == labels
    scale, blocks, psi = drawn(spec, (0, 6, 18, 20), seed=8)
    values = dict(zip(system_at(spec, (0, 6, 18, 20)).names, output(scale.to_theta, psi), strict=True))
    average = (2 * values["a -> a, 0 to 6"] + values["a -> a, 18 to 20"]) / 3
    assert average == pytest.approx(blocks["carry_over"][0, 0])


@pytest.mark.parametrize("n_waves", [3, 8])
def test_prior_of_an_average_does_not_depend_on_the_number_of_intervals(n_waves):
    spec, times = CLPM(["a", "b"], lags="free"), tuple(range(n_waves))
    scale, names = scale_at(spec, times), system_at(spec, times).names
    thetas, _ = run_many(scale.join(scale.draw(4000, np.random.default_rng(9))), scale.arrays)
    sds = np.array([np.sqrt(thetas[:, names.index(f"within variance {name}, 0")]) for name in spec.measures])
    raw = [thetas[:, names.index(f"a -> b, {time} to {time + 1}")] for time in times[:-1]]
    stated = stats.norm(spec.priors.cross_lagged.mean, spec.priors.cross_lagged.sd)
    assert stats.kstest(np.mean(raw, axis=0) * sds[0] / sds[1], stated.cdf).pvalue > 0.001


def test_blocks_and_dims_when_everything_is_equal_and_paths_are_gone():
    spec = CLPM(["a", "b"], lags="equal", residuals="equal", means="equal", remove=["a -> b", "b -> a"])
    scale = scale_at(spec, (0, 1))
    assert {block.name: (block.dims, block.shape) for block in scale.blocks} == {
        "carry_over": (("carry_over_path",), (2,)),
        "relative_total_sd": (("measure",), (2,)),
        "within_partial_unit": (("pair",), (1,)),
        "innovation_ratio": (("measure",), (2,)),
        "innovation_partial_unit": (("pair",), (1,)),
        "relative_mean": (("measure",), (2,)),
    }


# ---- draws from the priors ----

WIDE = Priors(carry_over=Normal(0.6, 0.8), total_sd=LogNormal(-0.5, 0.4), icc=Beta(1, 3), mean=Normal(0.5, 2))
DISTRIBUTIONS = {
    "default": {
        "carry_over": stats.truncnorm((-1 - 0.4) / 0.25, (1 - 0.4) / 0.25, 0.4, 0.25),
        "cross_lagged": stats.norm(0, Priors().cross_lagged.sd),
        "relative_total_sd": stats.halfnorm(0, 1),
        "icc": stats.beta(2, 2),
        "innovation_ratio": stats.lognorm(0.2),
        "relative_mean": stats.norm(0, 1),
        "within_partial_unit": stats.beta(2, 2),
    },
    "wide": {
        "carry_over": stats.truncnorm((-1 - 0.6) / 0.8, (1 - 0.6) / 0.8, 0.6, 0.8),
        "relative_total_sd": stats.lognorm(0.4, scale=np.exp(-0.5)),
        "icc": stats.beta(1, 3),
        "relative_mean": stats.norm(0.5, 2),
    },
}


@pytest.mark.parametrize(("name", "priors"), [("default", Priors()), ("wide", WIDE)])
def test_draws_have_their_priors_distribution(name, priors):
    scale = scale_at(RICLPM(["x", "y"], priors=priors), (0, 1, 2))
    draws = scale.draw(4000, np.random.default_rng(5))
    for block, distribution in DISTRIBUTIONS[name].items():
        column = draws[block].reshape(4000, -1)[:, -1]
        assert stats.kstest(column, distribution.cdf).pvalue > 0.001, block


# ---- the partial correlations make an LKJ prior ----


@pytest.mark.parametrize(("size", "eta"), [(2, 2.0), (3, 2.0), (3, 1.0), (4, 1.5), (5, 4.0)])
def test_every_correlation_has_the_margin_of_an_lkj_prior(size, eta):
    names = ["a", "b", "c", "d", "e"][:size]
    scale = scale_at(CLPM(names, priors=Priors(within_correlation=LKJ(eta))), (0, 1))
    units = scale.draw(3000, np.random.default_rng(6))["within_partial_unit"]
    correlations = np.array([correlation_of(row, size) for row in units])
    margin = stats.beta(eta + (size - 2) / 2, eta + (size - 2) / 2, loc=-1, scale=2)
    for row in range(size):
        for column in range(row):
            assert stats.kstest(correlations[:, row, column], margin.cdf).pvalue > 0.001, (row, column)


@pytest.mark.parametrize(("size", "eta"), [(2, 2.0), (3, 2.0), (3, 0.7), (4, 1.0), (4, 3.0)])
def test_density_is_a_power_of_the_determinant(size, eta):
    """log p(R) = (eta - 1) log det R + constant, with p(R) from the Beta densities and dR/du."""
    shapes = LKJ(eta).partial_shapes(size)
    lower = np.tril_indices(size, -1)
    rng = np.random.default_rng(7)
    constants = []
    for _ in range(6):
        units = rng.uniform(0.2, 0.8, len(shapes))
        jacobian = slope(lambda point: correlation_of(point, size)[lower], units, width=1e-4)
        density = stats.beta.logpdf(units, shapes, shapes).sum() - np.linalg.slogdet(jacobian)[1]
        constants.append(density - (eta - 1) * np.linalg.slogdet(correlation_of(units, size))[1])
    np.testing.assert_allclose(constants, constants[0], atol=1e-7)


@pytest.mark.parametrize("size", [2, 3, 4])
def test_factor_in_the_engine_is_that_correlation_matrix(size):
    spec = CLPM(measure_names(size))
    scale, blocks, psi = drawn(spec, (0, 1), seed=8)
    values = dict(zip(system_at(spec, (0, 1)).names, output(scale.to_theta, psi), strict=True))
    covariance = covariance_block(spec, values, "within", ", 0")
    sd = np.sqrt(np.diag(covariance))
    want = correlation_of(blocks["within_partial_unit"][0], size)
    np.testing.assert_allclose(covariance / np.outer(sd, sd), want, rtol=1e-10, atol=1e-14)


def test_half_normal_and_log_normal_are_positive():
    for prior in (HalfNormal(0.3), LogNormal(0, 1)):
        spec = RICLPM(["x", "y"], priors=Priors(innovation_ratio=prior))
        draws = scale_at(spec, (0, 1, 2)).draw(500, np.random.default_rng(9))
        assert (draws["innovation_ratio"] > 0).all()
