"""Savage-Dickey Bayes factors beside closed forms of conjugate models, ArviZ's kernels and nested fits."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import gammaln
from scipy.stats import multivariate_normal

import alliance_bayes as ab
from alliance_bayes.posterior.health import Health
from alliance_bayes.questions import bayes_factors as module
from alliance_bayes.questions.bayes_factors import DensityRatio, savage_dickey
from alliance_bayes.questions.ratios import Ratio
from latent_people import people

N_CHAINS, N_DRAWS = 4, 1000


class ConjugateRegression:
    """``y = X b + e`` with known or unknown error variance; three slopes with a normal prior of one width."""

    def __init__(self, slopes, seed, *, n=80, width=0.5):
        rng = np.random.default_rng(seed)
        self.x = rng.normal(size=(n, len(slopes))) @ np.array([[1, 0.6, 0], [0, 1, 0], [0, 0.4, 1]])
        self.y = self.x @ slopes + rng.normal(size=n)
        self.width, self.rng = width, rng

    def evidence(self, kept, width):
        """Log marginal likelihood with error variance 1 of the model with these slopes alone."""
        x = self.x[:, kept]
        return multivariate_normal(np.zeros(len(self.y)), np.eye(len(self.y)) + width**2 * x @ x.T).logpdf(self.y)

    def draws(self):
        precision = self.x.T @ self.x + np.eye(3) / self.width**2
        covariance = np.linalg.inv(precision)
        mean = covariance @ self.x.T @ self.y
        return self.rng.multivariate_normal(mean, covariance, size=(N_CHAINS, N_DRAWS))

    def log_density(self, points):
        residuals = self.y - points @ self.x.T
        return -0.5 * (residuals**2).sum(axis=1) - 0.5 * (points**2).sum(axis=1) / self.width**2


@pytest.mark.parametrize("absent", [[0], [1], [2], [0, 1], [0, 1, 2]], ids=str)
@pytest.mark.parametrize("slopes", [(0.0, 0.3, 0.05), (0.45, -0.2, 0.0)], ids=str)
def test_bayes_factors_of_a_conjugate_regression(slopes, absent):
    """At every prior width, within 4 of its own Monte Carlo errors, however far 0 is from the posterior."""
    regression = ConjugateRegression(slopes, seed=3)
    widths = (0.5, 0.2, 1.0)
    kept = np.setdiff1d(np.arange(3), absent)
    draws = regression.draws()
    found = savage_dickey(
        draws,
        regression.log_density(draws.reshape(-1, 3)),
        regression.log_density,
        np.array(absent),
        np.arange(3),
        ab.Normal(0.0, regression.width),
        widths,
    )
    for width, ratio in zip(widths, found, strict=True):
        want = regression.evidence(kept, width) - regression.evidence(np.arange(3), width)
        assert abs(ratio.log - want) < 4 * ratio.error + 1e-9, (width, ratio, want)
        assert ratio.sound or width == 0.2


def test_bayes_factors_with_an_unknown_variance():
    """Normal-inverse-gamma: slopes' prior SD 0.5 error SDs, so the posterior of the slopes is a t."""
    regression = ConjugateRegression((0.0, 0.25, 0.4), seed=5, n=20)
    x, y, width, shape, rate = regression.x, regression.y, 0.5, 3.0, 3.0

    def evidence(kept):
        part = x[:, kept]
        spread = np.eye(len(y)) + width**2 * part @ part.T
        quadratic = y @ np.linalg.solve(spread, y)
        return -0.5 * np.linalg.slogdet(spread)[1] - (shape + len(y) / 2) * np.log(rate + quadratic / 2)

    precision = x.T @ x + np.eye(3) / width**2
    mean = np.linalg.solve(precision, x.T @ y)
    posterior_rate = rate + 0.5 * (y @ y - mean @ precision @ mean)
    rng = np.random.default_rng(6)
    variance = 1 / rng.gamma(shape + len(y) / 2, 1 / posterior_rate, size=(N_CHAINS, N_DRAWS))
    noise = rng.multivariate_normal(np.zeros(3), np.linalg.inv(precision), size=(N_CHAINS, N_DRAWS))
    slopes = mean + noise * np.sqrt(variance)[..., None]
    # In units of the error SD the slopes have the prior that Savage-Dickey needs: independent of the variance.
    draws = np.concatenate([slopes / np.sqrt(variance)[..., None], np.log(variance)[..., None]], axis=-1)

    def log_density(points):
        scaled, log_variance = points[:, :3], points[:, 3]
        residuals = y - np.exp(log_variance / 2)[:, None] * (scaled @ x.T)
        likelihood = -0.5 * len(y) * log_variance - 0.5 * (residuals**2).sum(axis=1) * np.exp(-log_variance)
        prior = -0.5 * (scaled**2).sum(axis=1) / width**2 - shape * log_variance - rate * np.exp(-log_variance)
        return likelihood + prior + gammaln(shape)

    for absent in ([0], [2], [0, 1]):
        kept = np.setdiff1d(np.arange(3), absent)
        arguments = (log_density, np.array(absent), np.arange(3), ab.Normal(0.0, width), [width])
        (ratio,) = savage_dickey(draws, log_density(draws.reshape(-1, 4)), *arguments)
        want = evidence(kept) - evidence(np.arange(3))
        assert abs(ratio.log - want) < 4 * ratio.error, (absent, ratio, want)
        assert ratio.error < 0.05
        assert ratio.k_hat < 0.7


def test_a_posterior_far_from_a_narrow_prior_is_marked():
    regression = ConjugateRegression((1.5, 0.0, 0.0), seed=4)
    draws = regression.draws()
    arguments = (regression.log_density, np.array([0]), np.arange(3), ab.Normal(0.0, regression.width))
    at_width, narrow = savage_dickey(draws, regression.log_density(draws.reshape(-1, 3)), *arguments, [0.5, 0.02])
    assert at_width.log < -20
    assert not narrow.sound


@pytest.fixture(scope="module")
def fit(small_panel):
    return ab.fit(ab.RICLPM(["alliance", "days"]), small_panel, seed=5, draws=500, tune=300, chains=2)


def test_table_and_curve_of_a_fit(fit):
    answer = ab.bayes_factors(fit, "alliance", "days", widths=(0.1, 0.3), refit=False)
    assert list(answer.table.index) == [
        ("alliance -> days", "every interval"),
        ("days -> alliance", "every interval"),
        ("both paths", "every interval"),
    ]
    np.testing.assert_allclose(answer.table["bf01"] * answer.table["bf10"], 1)
    own = fit.spec.priors.cross_lagged.sd
    assert list(answer.tables["curve"].index.unique("width")) == [0.1, own, 0.3]
    at_prior = answer.tables["curve"].xs(own, level="width")["bf01"]
    np.testing.assert_allclose(at_prior, answer.table["bf01"])
    single = answer.table.dropna(subset="z")
    assert len(single) == 2
    effects = fit.posterior["cross_lagged"].sel(cross_lagged_path="alliance -> days")
    assert single["z"].iloc[0] == pytest.approx(float(effects.mean() / effects.std()))


def test_another_prior_width_is_another_fit(fit):
    """Weighted draws, and a fit at that width, give the same within 4 Monte Carlo errors."""
    weighted = (
        ab.bayes_factors(fit, "alliance", "days", widths=(0.3,), refit=False).tables["curve"].xs(0.3, level="width")
    )
    spec = ab.RICLPM(["alliance", "days"], priors=ab.Priors(cross_lagged=ab.Normal(0.0, 0.3)))
    other = ab.fit(spec, fit.panel, seed=10, draws=2000, tune=500, chains=2, target_accept=0.95)
    exact = ab.bayes_factors(other, "alliance", "days", widths=(0.3,)).table
    difference = np.log(weighted["bf01"].to_numpy()) - np.log(exact["bf01"].to_numpy())
    error = np.hypot(weighted["log_error"].to_numpy(), exact["log_error"].to_numpy())
    assert (abs(difference) < 4 * error).all(), (difference, error)
    assert (error < 0.3).all()


def test_a_state_on_which_nothing_depends_changes_no_bayes_factor():
    panel, spec = people(80, 3, seed=8), ab.RICLPM(["alliance", "trust"], lags="equal")
    found = [
        ab.bayes_factors(ab.fit(each, panel, seed=3, draws=500, chains=2), *spec.measures, refit=False)
        for each in (spec, replace(spec, state=ab.State("helper")))
    ]
    alone, beside = (np.log(answer.table["bf01"]) for answer in found)
    errors = np.hypot(*(answer.table["log_error"] for answer in found))
    assert (abs(alone - beside) < 4 * errors).all()
    assert (errors < 0.2).all()


def test_lags_about_an_average_are_absent_on_average(small_panel):
    free = ab.fit(ab.RICLPM(["alliance", "days"], lags="free"), small_panel, seed=5, draws=200, tune=200, chains=2)
    answer = ab.bayes_factors(free, "days", "alliance", widths=(0.2,), refit=False)
    over = "on average over intervals"
    assert list(answer.table.index) == [("days -> alliance", over), ("alliance -> days", over), ("both paths", over)]
    assert "no lagged effect on average over intervals" in answer.heading
    assert len(answer.plot().axes[0].get_legend().get_texts()) == 3


def test_unpooled_lags_have_a_row_for_each_interval(small_panel):
    free = ab.fit(ab.RICLPM(["alliance", "days"], lags="unpooled"), small_panel, seed=5, draws=200, tune=200, chains=2)
    answer = ab.bayes_factors(free, "days", "alliance", widths=(0.2,), refit=False)
    assert len(answer.table) == 3 + 2 * 3
    assert ("days -> alliance", "6 to 12") in answer.table.index
    z = answer.table["z"]
    assert z[("days -> alliance", "every interval")] != z[("days -> alliance", "every interval")]
    assert np.isfinite(z[("days -> alliance", "6 to 12")])
    figure = answer.plot()
    assert [text.get_text() for text in figure.axes[0].get_legend().get_texts()] == [
        "no days -> alliance",
        "no alliance -> days",
        "neither path",
    ]


def test_printed_bayes_factors(fit):
    answer = ab.bayes_factors(fit, "alliance", "days", widths=(0.1, 0.3), refit=False)
    lines = str(answer).splitlines()
    assert lines[0] == (
        f"Bayes factors of no lagged effect against one with prior {fit.spec.priors.cross_lagged}, "
        "within-person SD per SD; 59 people, 4 waves, 1000 draws"
    )
    assert lines[1].split("  ")[-1].strip() == "BF01 at prior SD 0.1 to 0.3"
    row = answer.table.loc[("alliance -> days", "every interval")]
    ratio = Ratio(float(np.log(row["bf01"])), row["log_error"])
    assert lines[2].startswith("no alliance -> days, every interval  ")
    assert f" {ratio.with_error()}  " in lines[2]
    assert f" {ratio.inverse}  " in lines[2]
    assert lines[4].startswith("neither path, every interval ")
    assert lines[-len(fit.spec.assumptions) - 3] == "What this says, and what it does not:"


@pytest.mark.parametrize(
    ("k_hat", "error", "sound"),
    [
        (0.7, 0.25, True),
        (0.7 + 1e-12, 0.0, False),
        (0.0, 0.25 + 1e-12, False),
        (-np.inf, 0.0, True),
        (np.nan, 0.0, False),
        (0.0, np.nan, False),
    ],
)
def test_limits_of_what_is_sound(k_hat, error, sound):
    ratio = DensityRatio(0.0, error, k_hat)
    assert ratio.sound == sound
    assert module._row(ratio, True)["sound"] == sound
    assert not module._row(ratio, False)["sound"]


def test_bf01_is_the_density_at_0_after_the_data_over_that_before():
    row = module._row(DensityRatio(np.log(3.0), 0.1, 0.2), True)
    assert (row["bf01"], row["bf10"]) == (pytest.approx(3.0), pytest.approx(1 / 3))
    sick = replace(Health(1.0, 900, 900, 0, 1.0, "", ()), problems=("3 divergent transitions.",))
    assert module._row(DensityRatio(0.0, 0.0, 0.0), sick.healthy)["sound"] is False


def test_the_weights_that_are_worse_tell_the_shape():
    """Draws far from a prior changed to be narrow: those that change the prior have the heavier tail."""
    rng = np.random.default_rng(2)
    draws = rng.normal(0.6, 0.1, size=(N_CHAINS, N_DRAWS, 1))

    def log_density(points):
        return -0.5 * ((points[:, 0] - 0.6) / 0.1) ** 2

    flat = draws.reshape(-1, 1)
    arguments = (log_density, np.array([0]), np.array([0]), ab.Normal(0.0, 0.5))
    (narrow,) = savage_dickey(draws, log_density(flat), *arguments, [0.05])
    change = module._prior_change(flat, ab.Normal(0.0, 0.5), 0.05)
    above = module._conditional(flat, np.array([0])) + log_density(0 * flat) - log_density(flat)
    shapes = [module._shape(each.reshape(N_CHAINS, -1)) for each in (above + change[0] * 0, change)]
    assert narrow.k_hat == pytest.approx(max(shapes))
    assert shapes[1] > shapes[0] + 0.3


@pytest.mark.parametrize("sound", [True, False])
def test_only_what_is_not_sound_is_fitted_again(fit, monkeypatch, sound):
    """And at other widths than that of the fit, whose draws are at hand."""
    fitted = []

    def refitted(fit, panel, seed, spec):
        fitted.append(spec.priors.cross_lagged.sd)
        return fit

    monkeypatch.setattr(module, "refitted", refitted)
    monkeypatch.setattr(module, "MOST_SHAPE", np.inf if sound else -np.inf)
    monkeypatch.setattr(module, "MOST_ERROR", np.inf)
    answer = ab.bayes_factors(fit, "alliance", "days", widths=(0.1, 0.3))
    assert fitted == ([] if sound else [0.1, 0.3])
    assert answer.tables["curve"].groupby(level="width")["refitted"].all().to_dict() == {
        0.1: not sound,
        fit.spec.priors.cross_lagged.sd: False,
        0.3: not sound,
    }
    assert ab.bayes_factors(fit, "alliance", "days", widths=(0.1,), refit=False).tables["curve"]["refitted"].sum() == 0


def test_every_problem_of_bayes_factors_in_one_message(fit):
    with pytest.raises(ab.SpecError) as error:
        ab.bayes_factors(fit, "dayz", "dayz", widths=(0, "wide"))
    assert error.value.problems == (
        "The model has no measure 'dayz'; did you mean 'days'? Measures: 'alliance', 'days'.",
        "Direction needs two different measures; got 'dayz', 'dayz'.",
        "widths must be numbers above 0; got 0.",
        "widths must be numbers above 0; got 'wide'.",
    )


def test_ratios_in_words():
    assert str(Ratio(np.log(3.21654), 0.01)) == "3.22"
    assert Ratio(np.log(3.21654), 0.01).with_error() == "3.22 [3.15, 3.28]"
    assert str(Ratio(50.0, 0.1)) == "> 10000"
    assert str(Ratio(-50.0, 0.1)) == "< 0.0001"
    bounded = Ratio(np.log(0.02), np.nan, "<")
    assert str(bounded) == "< 0.02"
    assert str(bounded.inverse) == "> 50"
    assert str(bounded.times(Ratio(np.log(2), 0.1))) == "< 0.04"
    assert str(bounded.times(bounded.inverse)) == "unknown"
    assert Ratio(0.0, 0.3).times(Ratio(0.0, 0.4)).error == pytest.approx(0.5)
