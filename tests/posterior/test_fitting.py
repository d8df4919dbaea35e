"""One real fit: the same seed gives the same draws, and every answer is read off them as it says."""

import warnings
from dataclasses import asdict, replace

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy import stats

import alliance_bayes as ab
from alliance_bayes.basics.problems import AllianceBayesError, PanelError, SpecError
from alliance_bayes.engine.kernels.interpreter import run_many
from alliance_bayes.engine.model_on_panel import panel_model
from alliance_bayes.likelihood import persons as likelihood
from alliance_bayes.posterior import after_sampling, saving
from alliance_bayes.posterior.predictions.checking import chi_square_row, compared
from alliance_bayes.posterior.prior_draws import N_PRIOR_DRAWS, prior_draws, proper_draws, rejected_in_words
from fabricated import made_fit
from helpers import between_covariance, random_panel, textbook_moments

QUICK = {"draws": 150, "tune": 200, "chains": 2}


def draw_of(fit, chain, draw):
    """Raw parameter values by name at one draw, put together from the quantities that users see.

    Of equal effects and equal innovations, those of the first interval, which must be one base step.
    """
    here = fit.posterior.isel(chain=chain, draw=draw)
    names, intervals = list(here.measure.values), list(here.interval.values)
    times = [f"{time:g}" for time in here.time.values]
    values = {}

    def covariances(kind, suffix, sds, correlations):
        for row, name in enumerate(names):
            values[f"{kind} variance {name}{suffix}"] = float(sds[row]) ** 2
        first, second = names
        values[f"{kind} covariance {first}, {second}{suffix}"] = float(correlations[0] * sds[0] * sds[1])

    covariances("between", "", here.between_sd.values, here.between_correlation.values)
    covariances("within", f", {times[0]}", here.within_sd.values[0], here.within_correlation.values[0])
    for place, interval in enumerate(intervals if fit.spec.residuals == "free" else [""]):
        sds, correlations = here.innovation_sd.values[place], here.innovation_correlation.values[place]
        covariances("innovation", f", {interval}" if interval else "", sds, correlations)
    for predictor in names:
        for outcome in names:
            effects = here.lagged.sel(path=f"{predictor} -> {outcome}").values
            assert fit.spec.lags == "grid" or np.ptp(effects) == 0
            values[f"{predictor} -> {outcome}"] = float(effects[0])
    for place, time in enumerate(times):
        values |= {f"mean {name}, {time}": float(here["mean"].values[place, k]) for k, name in enumerate(names)}
    return values


@pytest.fixture(scope="module")
def some_draws(small_fit):
    """Parameter values by name of thirty draws."""
    return [draw_of(small_fit, draw % 2, 5 * draw) for draw in range(30)]


@pytest.fixture(scope="module")
def rows(small_panel):
    """Values of the model's measures, stacked wave by wave."""
    return small_panel.values[:, :, [2, 1]].reshape(60, 8)


# ---- sampling ----


def test_the_same_seed_gives_the_same_draws(small_fit, small_panel):
    again = ab.fit(small_fit.spec, small_panel, seed=5, **QUICK, cores=1)
    for group in small_fit.draws.children:
        if group != "sample_stats":
            xr.testing.assert_identical(
                again.draws[group].to_dataset().drop_attrs(), small_fit.draws[group].to_dataset().drop_attrs()
            )
    for name in ("energy", "diverging", "step_size"):
        np.testing.assert_array_equal(again.draws["sample_stats"][name], small_fit.draws["sample_stats"][name])
    for answer in ("person_scores", "check"):
        pd.testing.assert_frame_equal(getattr(again, answer)(), getattr(small_fit, answer)())
    pd.testing.assert_frame_equal(again.forecast(24), small_fit.forecast(24))


def test_another_seed_gives_other_draws(small_fit, small_panel):
    other = ab.fit(small_fit.spec, small_panel, seed=6, **QUICK)
    assert not np.isin(other.posterior["cross_lagged"], small_fit.posterior["cross_lagged"]).any()
    assert not np.isin(other.draws["prior"]["icc"], small_fit.draws["prior"]["icc"]).any()


def test_settings_reach_the_sampler(small_fit, small_panel):
    assert asdict(small_fit.settings) | {"compile_seconds": 0, "sampling_seconds": 0, "cores": 0} == {
        "draws": 150,
        "tune": 200,
        "chains": 2,
        "cores": 0,
        "target_accept": 0.8,
        "seed": 5,
        "sampler": "nutpie",
        "compile_seconds": 0,
        "sampling_seconds": 0,
        "latent": "integrate",
        "thin": 1,
    }
    assert small_fit.settings.cores >= 1
    assert small_fit.settings.sampling_seconds > 0
    assert small_fit.n_draws == 300
    careful = ab.fit(small_fit.spec, small_panel, seed=5, draws=40, tune=60, chains=1, target_accept=0.99)
    assert dict(careful.posterior.sizes)["chain"] == 1
    assert dict(careful.posterior.sizes)["draw"] == 40
    steps = [fit.draws["sample_stats"]["step_size_bar"].mean() for fit in (careful, small_fit)]
    assert steps[0] < 0.7 * steps[1]


def test_nothing_is_printed_without_a_terminal(small_panel, capfd):
    ab.fit(ab.CLPM(["alliance", "days"]), small_panel, seed=1, draws=20, tune=20, chains=1)
    assert capfd.readouterr() == ("", "")


# ---- draws ----

DIMS = {
    "carry_over": ("carry_over_path",),
    "cross_lagged": ("cross_lagged_path",),
    "relative_total_sd": ("measure",),
    "icc": ("measure",),
    "between_partial_unit": ("pair",),
    "within_partial_unit": ("pair",),
    "innovation_ratio": ("interval", "measure"),
    "innovation_partial_unit": ("interval", "pair"),
    "relative_mean": ("time", "measure"),
    "lagged": ("interval", "path"),
    "lagged_standardized": ("interval", "path"),
    "mean": ("time", "measure"),
    "between_sd": ("measure",),
    "between_correlation": ("pair",),
    "within_sd": ("time", "measure"),
    "within_correlation": ("time", "pair"),
    "innovation_sd": ("interval", "measure"),
    "innovation_correlation": ("interval", "pair"),
    "intraclass_correlation": ("time", "measure"),
    "within_r_squared": ("interval", "measure"),
}
COORDINATES = {
    "measure": ["alliance", "days"],
    "path": ["alliance -> alliance", "days -> alliance", "alliance -> days", "days -> days"],
    "time": [0, 6, 12, 18],
    "interval": ["0 to 6", "6 to 12", "12 to 18"],
    "pair": ["alliance, days"],
    "carry_over_path": ["alliance -> alliance", "days -> days"],
    "cross_lagged_path": ["days -> alliance", "alliance -> days"],
}


def test_groups(small_fit):
    assert list(small_fit.draws.children) == [
        "posterior",
        "sample_stats",
        "prior",
        "observed_data",
        "log_likelihood",
        "posterior_predictive",
    ]
    assert {"diverging", "energy"} <= set(small_fit.draws["sample_stats"].data_vars)


@pytest.mark.parametrize(("group", "chains", "draws"), [("posterior", 2, 150), ("prior", 1, 4000)])
def test_variables_dims_and_labels(small_fit, group, chains, draws):
    data = small_fit.draws[group].to_dataset()
    assert {name: array.dims for name, array in data.data_vars.items()} == {
        name: ("chain", "draw", *dims) for name, dims in DIMS.items()
    }
    assert (data.sizes["chain"], data.sizes["draw"]) == (chains, draws)
    for name, labels in COORDINATES.items():
        assert data[name].values.tolist() == labels
    assert all(np.isfinite(array).all() for array in data.data_vars.values())


def test_observed_data_are_the_models_measures_in_its_order(small_fit, small_panel):
    observed = small_fit.draws["observed_data"]["values"]
    assert observed.dims == ("person", "time", "measure")
    assert observed.person.values.tolist() == small_panel.persons.tolist()
    assert observed.measure.values.tolist() == ["alliance", "days"]
    np.testing.assert_array_equal(observed, small_panel.values[:, :, [2, 1]])


def test_quantities_of_a_draw_imply_one_another(small_fit):
    """Derived by the engine; taken together by hand they are one model."""
    posterior = small_fit.posterior
    lagged, sd = posterior["lagged"], posterior["within_sd"]
    for path in lagged["path"].values:
        predictor, outcome = path.split(" -> ")
        before, after = sd.sel(measure=predictor)[..., :-1].values, sd.sel(measure=outcome)[..., 1:].values
        found = posterior["lagged_standardized"].sel(path=path)
        np.testing.assert_allclose(found, lagged.sel(path=path) * before / after, rtol=1e-10)
    variance = posterior["between_sd"] ** 2 + sd**2
    np.testing.assert_allclose(
        posterior["intraclass_correlation"],
        (posterior["between_sd"] ** 2 / variance).transpose("chain", "draw", "time", "measure"),
        rtol=1e-10,
    )
    np.testing.assert_allclose(
        posterior["intraclass_correlation"].isel(time=0), posterior["icc"], rtol=1e-10, atol=1e-12
    )
    np.testing.assert_allclose(posterior["between_correlation"], 2 * posterior["between_partial_unit"] - 1, atol=1e-12)
    innovations = posterior["innovation_sd"].values
    np.testing.assert_allclose(
        posterior["within_r_squared"], 1 - (innovations / sd.values[:, :, 1:]) ** 2, rtol=1e-9, atol=1e-12
    )


def test_prior_draws_have_the_specs_distributions(small_fit):
    prior = small_fit.draws["prior"].to_dataset()
    for name, distribution in {
        "cross_lagged": stats.norm(0, small_fit.spec.priors.cross_lagged.sd),
        "icc": stats.beta(2, 2),
        "relative_total_sd": stats.halfnorm(),
        "innovation_partial_unit": stats.beta(2, 2),
        "relative_mean": stats.norm(),
    }.items():
        for column in prior[name].values.reshape(4000, -1).T:
            assert stats.kstest(column, distribution.cdf).pvalue > 1e-4, name
    statistics = small_fit.model.statistics
    np.testing.assert_allclose(prior["mean"], prior["relative_mean"] * statistics.scale + statistics.centre)
    assert float((prior["lagged"].sel(path="alliance -> days") > 0).mean()) == pytest.approx(0.5, abs=0.03)


def test_log_likelihood_of_every_person_at_a_draw(small_fit, small_panel):
    stored = small_fit.log_likelihood()["log_likelihood"]["values"]
    assert stored.dims == ("chain", "draw", "person")
    assert stored.shape == (2, 150, 59)
    xr.testing.assert_identical(stored, small_fit.draws["log_likelihood"]["values"])
    for chain, draw in [(0, 0), (1, 77), (1, 149)]:
        want = ab.log_likelihood(small_fit.spec, small_panel, draw_of(small_fit, chain, draw)).drop("P17")
        found = stored.isel(chain=chain, draw=draw)
        assert found.person.values.tolist() == want.index.tolist()
        np.testing.assert_allclose(found, want, rtol=1e-8, atol=1e-10)
    assert "P17" not in stored.person


def test_log_likelihoods_too_many_to_keep_are_computed_on_demand(small_fit, small_panel, monkeypatch):
    monkeypatch.setattr(after_sampling, "MOST_STORED_VALUES", 1000)
    frugal = ab.fit(small_fit.spec, small_panel, seed=5, **QUICK)
    assert "log_likelihood" not in frugal.draws.children
    np.testing.assert_array_equal(
        frugal.log_likelihood()["log_likelihood"]["values"], small_fit.log_likelihood()["log_likelihood"]["values"]
    )
    assert frugal.draws["posterior_predictive"].sizes["draw"] == 2


@pytest.mark.parametrize("most_persons", [7, 50_000])
def test_log_likelihoods_of_some_persons_at_a_time(most_persons, small_fit, monkeypatch):
    monkeypatch.setattr(likelihood, "MOST_PERSONS", most_persons)
    stored = small_fit.log_likelihood()["log_likelihood"]["values"]
    groups = {name: group for name, group in small_fit.draws.to_dict().items() if name != "/log_likelihood"}
    bare = small_fit.with_draws(xr.DataTree.from_dict(groups))
    xr.testing.assert_identical(bare.log_likelihood()["log_likelihood"]["values"], stored)
    for some in (slice(0, 20), slice(20, None), slice(50, 20, -3), slice(0, 0)):
        for fit in (small_fit, bare):
            xr.testing.assert_identical(fit.log_likelihood(some)["log_likelihood"]["values"], stored.isel(person=some))


def test_posterior_predictive_draws_miss_what_the_data_miss(small_fit, small_panel):
    replicated = small_fit.draws["posterior_predictive"]["values"]
    assert replicated.dims == ("chain", "draw", "person", "time", "measure")
    assert replicated.shape == (2, 100, 60, 4, 2)
    assert set(replicated.draw.values) <= set(range(150))
    seen = ~np.isnan(small_panel.values[:, :, [2, 1]])
    assert (np.isfinite(replicated) == seen).all()
    centre, spread = np.nanmean(replicated, axis=(0, 1, 2)), np.nanstd(replicated, axis=(0, 1, 2))
    observed = small_panel.values[:, :, [2, 1]]
    np.testing.assert_array_less(np.abs(centre - np.nanmean(observed, axis=0)), 0.4 * spread)
    np.testing.assert_array_less(spread, 1.5 * np.nanstd(observed, axis=0))


@pytest.mark.filterwarnings("ignore:Estimated shape parameter of Pareto")
def test_arviz_takes_the_draws_as_they_are(small_fit, small_panel):
    """Leaving out whole persons, in plain ArviZ."""
    import arviz

    seen = small_panel.persons != "P17"
    panel = ab.Panel.from_arrays(
        small_panel.values[seen],
        measures=small_panel.measures,
        times=small_panel.times,
        persons=small_panel.persons[seen],
    )
    fit = ab.fit(small_fit.spec, panel, seed=2, draws=500, tune=300)
    loo = arviz.loo(fit.draws)
    assert (loo.n_data_points, loo.n_samples) == (59, 2000)
    lppd = float(np.log(np.exp(fit.log_likelihood()["log_likelihood"]["values"]).mean(("chain", "draw"))).sum())
    assert lppd - 60 < loo.elpd < lppd
    assert len(arviz.summary(fit.draws, var_names=["lagged"])) == 12


def test_arviz_leaves_out_persons_where_one_has_no_value(small_fit):
    import arviz

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # high Pareto k of so few draws
        assert arviz.loo(small_fit.draws).n_data_points == 59


# ---- persons ----


def conditional(mean, covariance, row, targets, given):
    """Mean and covariance of some stacked values given those of `given` that a row has."""
    seen = [place for place in given if not np.isnan(row[place])]
    cross = covariance[np.ix_(targets, seen)]
    weights = np.linalg.solve(covariance[np.ix_(seen, seen)], cross.T).T
    return mean[targets] + weights @ (row[seen] - mean[seen]), covariance[np.ix_(targets, targets)] - weights @ cross.T


def test_person_scores_are_the_closed_form_averaged_over_draws(small_fit, some_draws, rows):
    """E[b | y] = B (1' 0) Sigma^-1 (y - mu), and its variance."""
    spec, times, table = small_fit.spec, small_fit.panel.times, small_fit.person_scores()
    assert list(table.columns) == ["mean", "sd", "lower", "upper"]
    assert table.index.names == ["person", "measure"]
    assert table.index.tolist() == [(f"P{person:02d}", name) for person in range(60) for name in spec.measures]
    for person in (0, 3, 17, 42):
        scores, variances = [], []
        for values in some_draws:
            mean, covariance = textbook_moments(spec, times, values)
            between = between_covariance(spec, values)
            joint = np.block([[between, np.tile(between, 4)], [np.tile(between, 4).T, covariance]])
            row = np.concatenate([np.full(2, np.nan), rows[person]])
            score, rest = conditional(np.concatenate([np.zeros(2), mean]), joint, row, [0, 1], range(2, 10))
            scores.append(score)
            variances.append(np.diag(rest))
        found = table.loc[f"P{person:02d}"]
        sd = np.sqrt(np.mean(variances, axis=0) + np.var(scores, axis=0))
        error = np.sqrt(np.array(found["sd"]) ** 2 / 300 + np.var(scores, axis=0) / 30)
        np.testing.assert_array_less(np.abs(found["mean"] - np.mean(scores, axis=0)), 5 * error)
        np.testing.assert_allclose(found["sd"], sd, rtol=0.25)
        np.testing.assert_array_less(found["lower"], found["mean"])
        np.testing.assert_array_less(found["mean"], found["upper"])
    alone = table.loc["P17"]
    np.testing.assert_array_less(np.abs(alone["mean"]), 5 * alone["sd"] / np.sqrt(300))


def extended(values, interval, wave, earlier_interval, earlier_wave):
    """Parameter values with one more wave, in which the last interval and the last means go on."""
    more = {name.replace(earlier_interval, interval): value for name, value in values.items()}
    more |= {
        name.replace(f", {earlier_wave}", f", {wave}"): value
        for name, value in values.items()
        if name.startswith("mean ") and name.endswith(f", {earlier_wave}")
    }
    return values | more


@pytest.mark.parametrize(("time", "wave"), [(6, 1), (18, 3), (24, 4)])
def test_forecasts_are_the_closed_form_averaged_over_draws(small_fit, some_draws, rows, time, wave):
    table = small_fit.forecast(time)
    assert list(table.columns) == ["mean", "sd", "lower", "upper", "observed"]
    times = (*small_fit.panel.times, 24)
    padded = np.concatenate([rows, np.full((60, 2), np.nan)], axis=1)
    targets = [2 * wave, 2 * wave + 1]
    for person in (0, 3, 17, 42):
        means, variances = [], []
        for values in some_draws:
            longer = extended(values, "18 to 24", "24", "12 to 18", "18")
            moments = textbook_moments(small_fit.spec, times, longer)
            mean, rest = conditional(*moments, padded[person], targets, range(2 * wave))
            means.append(mean)
            variances.append(np.diag(rest))
        found = table.loc[f"P{person:02d}"]
        error = np.sqrt(np.array(found["sd"]) ** 2 / 300 + np.var(means, axis=0) / 30)
        np.testing.assert_array_less(np.abs(found["mean"] - np.mean(means, axis=0)), 5 * error)
        np.testing.assert_allclose(found["sd"], np.sqrt(np.mean(variances, axis=0) + np.var(means, axis=0)), rtol=0.25)
    want = padded[:, targets].ravel()
    np.testing.assert_allclose(table["observed"], want, rtol=1e-12)


def test_a_forecast_of_an_observed_wave_uses_earlier_waves_only(small_fit):
    """Later values dealt out anew among people, which leaves every wave's mean and SD as it was."""
    panel = small_fit.panel
    values = panel.values.copy()
    for wave in (2, 3):
        values[:, wave] = values[np.random.default_rng(wave).permutation(60), wave]
    dealt = ab.Panel.from_arrays(values, measures=panel.measures, times=panel.times, persons=panel.persons)
    other = made_fit(small_fit.spec, dealt, small_fit.draws, small_fit.settings)
    columns = ["mean", "sd", "lower", "upper"]
    left, right = small_fit.forecast(12)[columns], other.forecast(12)[columns]
    np.testing.assert_allclose(left, right, rtol=1e-9)
    assert not np.allclose(small_fit.forecast(18)[columns], other.forecast(18)[columns], rtol=0.01)
    assert not np.allclose(small_fit.forecast(24)[columns], other.forecast(24)[columns], rtol=0.01)


def test_forecasts_far_ahead_return_to_the_mean_with_all_the_spread(small_fit):
    far, near = small_fit.forecast(18 + 6 * 20), small_fit.forecast(24)
    assert (far["sd"].groupby("measure").mean() > near["sd"].groupby("measure").mean()).all()
    scores, posterior = small_fit.person_scores(), small_fit.posterior
    last = posterior["mean"].isel(time=-1).mean(("chain", "draw"))
    for name in small_fit.spec.measures:
        want = scores.xs(name, level="measure")["mean"] + float(last.sel(measure=name))
        error = far.xs(name, level="measure")["sd"] / np.sqrt(300)
        assert (np.abs(far.xs(name, level="measure")["mean"] - want) < 6 * error).all()


@pytest.mark.parametrize("time", [0, 15, 21, -6, 18.1, np.nan])
def test_times_that_no_forecast_leads_to(small_fit, time):
    with pytest.raises(SpecError) as caught:
        small_fit.forecast(time)
    assert str(caught.value) == (
        f"No forecast for {time:g}: choose one of the later waves 6, 12, 18, or a time that whole steps of 6 lead to "
        "from 18."
    )


def test_forecasts_on_a_grid_take_base_steps():
    panel = random_panel(2, (0, 1, 3, 6), np.random.default_rng(1), persons=40, missing=0.1)
    spec = ab.RICLPM(["alliance", "days"], lags="grid", residuals="equal")
    fit = ab.fit(spec, panel, seed=1, **QUICK)
    rows = np.concatenate([panel.values.reshape(40, 8), np.full((40, 2), np.nan)], axis=1)
    draws = [draw_of(fit, draw % 2, 5 * draw) for draw in range(30)]
    for time in (7, 9):
        table = fit.forecast(time)
        for person in (0, 5):
            means = []
            for values in draws:
                longer = values | {f"mean {name}, {time}": values[f"mean {name}, 6"] for name in spec.measures}
                moments = textbook_moments(spec, (*panel.times, time), longer)
                means.append(conditional(*moments, rows[person], [8, 9], range(8))[0])
            error = np.sqrt(np.array(table.loc[person, "sd"]) ** 2 / 300 + np.var(means, axis=0) / 30)
            np.testing.assert_array_less(np.abs(table.loc[person, "mean"] - np.mean(means, axis=0)), 5 * error)
    with pytest.raises(SpecError) as caught:
        fit.forecast(7.5)
    assert str(caught.value) == (
        "No forecast for 7.5: choose one of the later waves 1, 3, 6, or a time that whole steps of 1 lead to from 6."
    )


def test_forecasts_with_free_lags_go_on_as_the_last_interval():
    panel = random_panel(2, (0, 1, 3, 6), np.random.default_rng(2), persons=40, missing=0.1)
    fit = ab.fit(ab.CLPM(["alliance", "days"], lags="free"), panel, seed=1, **QUICK)
    assert np.isfinite(fit.forecast(12)["mean"]).all()
    with pytest.raises(SpecError, match="whole steps of 3 lead to from 6"):
        fit.forecast(7)


def test_a_clpm_has_no_person_scores(small_panel):
    fit = ab.fit(ab.CLPM(["alliance", "days"]), small_panel, seed=1, draws=20, tune=50, chains=1)
    with pytest.raises(SpecError) as caught:
        fit.person_scores()
    assert str(caught.value) == "A cross-lagged panel model has no random intercepts, so there are no person scores."


# ---- the posterior predictive check ----


def test_check_compares_observed_with_replicated(small_fit, rows):
    table = small_fit.check()
    assert list(table.columns) == ["observed", "completed", "mean", "lower", "upper", "p", "verdict"]
    assert table.index.names == ["statistic", "of"]
    assert table.index[0] == ("chi-square", "means and covariances")
    overall, table = table.iloc[0], table.iloc[1:]
    assert overall["lower"] < overall["mean"] < overall["upper"]
    assert 0.025 < overall["p"] < 1
    assert overall["verdict"] == ""
    assert table.index.get_level_values("statistic").value_counts().to_dict() == {
        "mean": 8,
        "sd": 8,
        "correlation": 4,
        "lagged correlation": 12,
    }
    frame = pd.DataFrame(rows, columns=[f"{name}, {time}" for time in (0, 6, 12, 18) for name in ("alliance", "days")])
    observed = table["observed"]
    np.testing.assert_allclose(observed["mean"], frame.mean())
    np.testing.assert_allclose(observed["sd"], frame.std())
    for statistic in ("mean", "sd"):
        for column in ("completed", "mean"):
            np.testing.assert_allclose(table.loc[statistic, column], observed[statistic], rtol=0.25)
    correlations = frame.corr()
    for kind in ("correlation", "lagged correlation"):
        for pair, value in observed[kind].items():
            first, second = pair.split(" and ")
            assert value == pytest.approx(correlations.loc[first, second])
    assert table["p"].between(0, 1).all()
    assert ((table["verdict"] == "misfit") == ((table["p"] < 0.025) | (table["p"] > 0.975))).all()
    assert (table["lower"] < table["upper"]).all()
    assert (table.loc[["mean", "sd"], "verdict"] == "").all()


@pytest.mark.parametrize(
    ("n_larger", "verdict"),
    [(0, "misfit"), (24, "misfit"), (25, ""), (500, ""), (975, ""), (976, "misfit"), (1000, "misfit")],
)
def test_misfit_is_in_either_tail_and_not_at_its_limit(n_larger, verdict):
    """Of a thousand replicated statistics so many are larger than that of the completed panel; p is their share."""
    index = pd.MultiIndex.from_tuples([("mean", "x, 0")], names=["statistic", "of"])
    both = [
        [pd.Series([value], index) for value in (10.0, 10.0 + (1 if place < n_larger else -1))] for place in range(1000)
    ]
    (row,) = compared(pd.Series([9.5], index), both).to_dict("records")
    assert (row["observed"], row["completed"]) == (9.5, 10.0)
    assert row["mean"] == pytest.approx(9 + 2 * n_larger / 1000)
    assert (row["p"], row["verdict"]) == (n_larger / 1000, verdict)


@pytest.mark.parametrize(("n_larger", "verdict"), [(0, "misfit"), (4, "misfit"), (5, ""), (100, ""), (200, "")])
def test_overall_misfit_is_a_chi_square_larger_than_replicated_ones(n_larger, verdict):
    """Of two hundred replicated panels so many have the larger one; a small one is no misfit."""
    completed = np.full(200, 30.0)
    replicated = completed + np.where(np.arange(200) < n_larger, 1.0, -1.0)
    (row,) = chi_square_row(completed, replicated).to_dict("records")
    assert (row["completed"], row["p"], row["verdict"]) == (30.0, n_larger / 200, verdict)


def test_prior_draws_are_those_whose_moments_are_proper():
    """Where a stationary process asks more of its innovations than there is, a draw is drawn again."""
    model = panel_model(
        ab.STARTS(["x", "y"]),
        ab.Panel.from_arrays(np.random.default_rng(1).normal(size=(30, 5, 2)), measures=["x", "y"], times=range(5)),
    )
    _, proper = run_many(model.scale.join(model.scale.draw(500, np.random.default_rng(2))), model.scale.arrays)
    assert 0 < proper.sum() < 500
    blocks, thetas, n_tried = proper_draws(model, np.random.default_rng(2))
    again, proper = run_many(model.scale.join(blocks), model.scale.arrays)
    assert proper.all()
    tried = run_many(model.scale.join(model.scale.draw(20_000, np.random.default_rng(3))), model.scale.arrays)[1]
    assert N_PRIOR_DRAWS / n_tried == pytest.approx(tried.mean(), abs=0.02)
    prior = xr.DataTree.from_dict({"prior": prior_draws(model, np.random.default_rng(2))})
    (sentence,) = rejected_in_words(prior)
    assert sentence.startswith(f"{100 * (1 - N_PRIOR_DRAWS / n_tried):.2g} % of prior draws were left out: ")
    assert thetas.shape == (N_PRIOR_DRAWS, model.system.n_parameters)
    np.testing.assert_array_equal(again, thetas)


def test_prior_draws_whose_effects_explain_more_than_all_of_a_variance_are_replaced():
    panel = ab.Panel.from_arrays(np.random.default_rng(1).normal(size=(30, 4, 2)), measures=["x", "y"], times=range(4))
    model = panel_model(ab.RICLPM(["x", "y"], lags="equal_standardized"), panel)
    draws = prior_draws(model, np.random.default_rng(2))
    assert np.isfinite(draws["lagged_standardized"]).all()
    assert 0.005 < draws.attrs["share_rejected"] < 0.03


def test_people_who_leave_because_of_what_they_said_are_no_misfit():
    """Missing at random, the highest half gone at the later waves: means of those who stay are not the model's."""
    truth = ab.Truth(ab.RICLPM(["x", "y"]), times=[0, 1, 2], carry_over=0.5, icc=0.5, within_correlation=0.3)
    values = ab.simulate(truth, persons=400, seed=3).values.copy()
    values[values[:, 0, 0] > 0, 1:] = np.nan
    panel = ab.Panel.from_arrays(values, measures=["x", "y"], times=[0, 1, 2])
    fit = ab.fit(truth.spec, panel, seed=1, draws=200, tune=300, chains=2)
    table = fit.check()
    later = table.loc["mean"].loc["x, 2"]
    assert later["observed"] < later["lower"], "what would be a misfit of those who stay"
    assert later["lower"] < later["completed"] < later["upper"]
    assert (table.loc["mean", "verdict"] == "").all()


def test_check_finds_means_that_are_not_equal():
    panel = random_panel(2, (0, 1, 2), np.random.default_rng(3), persons=60)
    values = panel.values.copy()
    values[:, 2, 0] += 4
    moved = ab.Panel.from_arrays(values, measures=panel.measures, times=panel.times)
    table = ab.fit(ab.RICLPM(["alliance", "days"], means="equal"), moved, seed=1, **QUICK).check()
    assert table.loc[("mean", "alliance, 2"), "verdict"] == "misfit"


def test_check_has_no_verdict_where_nothing_was_observed():
    values = np.random.default_rng(4).normal(size=(40, 3, 2))
    values[:38, 0, 0] = np.nan
    panel = ab.Panel.from_arrays(values, measures=["x", "y"], times=[0, 1, 2])
    table = ab.fit(ab.RICLPM(["x", "y"]), panel, seed=1, **QUICK).check()
    unseen = table[table["observed"].isna()]
    assert len(unseen) == 3
    assert (unseen["verdict"] == "").all()
    assert unseen["p"].isna().all()


# ---- tables and words ----


def test_summary(small_fit):
    table = small_fit.summary(["lagged", "between_sd"])
    assert table.index[:2].tolist() == ["lagged[0 to 6, alliance -> alliance]", "lagged[0 to 6, days -> alliance]"]
    assert len(table) == 12 + 2
    posterior = small_fit.posterior["lagged"].sel(interval="0 to 6", path="alliance -> days")
    assert table.loc["lagged[0 to 6, alliance -> days]", "mean"] == pytest.approx(float(posterior.mean()))
    assert table.loc["lagged[0 to 6, alliance -> days]", "sd"] == pytest.approx(float(posterior.std(ddof=1)))
    everything = small_fit.summary()
    assert ab.maximum_likelihood(small_fit.spec, small_fit.panel).summary().index.tolist() == everything.index.tolist()
    names = [name for name in DIMS if name not in {block.name for block in small_fit.model.scale.blocks}]
    assert list(dict.fromkeys(label.split("[")[0] for label in everything.index)) == names


def test_an_effect_fixed_at_0_is_0_in_every_draw_and_table(small_panel):
    spec = ab.RICLPM(["alliance", "days"]).without("alliance -> days")
    fit = ab.fit(spec, small_panel, seed=1, draws=50, tune=50, chains=2)
    assert (fit.posterior["lagged"].sel(path="alliance -> days") == 0).all()
    assert (fit.summary(["lagged"]).loc["lagged[0 to 6, alliance -> days]", ["mean", "sd"]] == 0).all()
    assert fit.posterior["cross_lagged_path"].values.tolist() == ["days -> alliance"]


def test_printed(small_fit):
    head, *_ = str(small_fit).splitlines()
    settings = small_fit.settings
    assert head == (
        "random-intercept cross-lagged panel model of alliance, days: 59 people, 4 waves, 300 draws in "
        f"{settings.sampling_seconds:.1f} s (compiled in {settings.compile_seconds:.1f} s), "
        "target acceptance 0.8, seed 5"
    )
    path = "Moments path: the likelihood is computed from means and covariances of all people, exactly."
    assert f"\n{small_fit.health}\n{path}\n" in str(small_fit)
    assert repr(small_fit) == str(small_fit)
    careful = replace(settings, target_accept=0.95, thin=2)
    head, *_ = str(replace(small_fit, sample=replace(small_fit.sample, settings=careful))).splitlines()
    assert head.endswith(" s), 1 of every 2 drawn, target acceptance 0.95, seed 5")


def test_three_measures_and_a_path_removed():
    panel = random_panel(3, (0, 1, 2), np.random.default_rng(5), persons=50, missing=0.1)
    spec = ab.RICLPM(["alliance", "days", "contact"], lags="free", remove=["contact -> days"])
    fit = ab.fit(spec, panel, seed=1, **QUICK)
    assert fit.posterior["pair"].values.tolist() == ["alliance, days", "alliance, contact", "days, contact"]
    assert fit.posterior["lagged"].shape == (2, 150, 2, 9)
    assert (fit.posterior["lagged"].sel(path="contact -> days") == 0).all()
    assert np.isfinite(fit.log_likelihood()["log_likelihood"]["values"]).all()
    assert len(fit.person_scores()) == 150


# ---- published moments ----


def published():
    return ab.Panel.from_moments(
        measures=["x", "y"], times=[0, 1, 2], n=200, means=np.zeros(6), covariance=0.7 * np.eye(6) + 0.3
    )


def test_published_moments_are_fitted_and_have_no_persons():
    fit = ab.fit(ab.RICLPM(["x", "y"]), published(), seed=1, **QUICK)
    assert list(fit.draws.children) == ["posterior", "sample_stats", "prior"]
    assert "200 people" in str(fit)
    tail = (
        " each person's values, and this panel was made from published moments; make it with Panel.from_long or "
        "Panel.from_wide."
    )
    for ask, start in [
        (fit.person_scores, "A person score needs"),
        (fit.check, "A posterior predictive check needs"),
        (fit.log_likelihood, "The log-likelihood per person needs"),
        (lambda: fit.forecast(2), "A forecast needs"),
    ]:
        with pytest.raises(PanelError) as caught:
            ask()
        assert str(caught.value).replace("Person scores needs", "A person score needs") == start + tail


# ---- refusals ----


def refusal(**options):
    with pytest.raises(SpecError) as caught:
        ab.fit(ab.RICLPM(["x", "y"]), published(), **({"seed": 1} | options))
    return str(caught.value)


def test_settings_that_make_no_sense():
    assert refusal(seed=-1, draws=0, tune=1.5, chains="4", cores=0, target_accept=1) == (
        "This fit cannot be sampled. 6 problems:\n"
        "  1. draws must be a whole number above 0; got 0.\n"
        "  2. tune must be a whole number above 0; got 1.5.\n"
        "  3. chains must be a whole number above 0; got '4'.\n"
        "  4. cores must be a whole number above 0; got 0.\n"
        "  5. seed must be a whole number of 0 or more; got -1.\n"
        "  6. target_accept must lie between 0 and 1; got 1."
    )


def test_a_sampler_there_is_not():
    assert "sampler must be one of 'nutpie', 'pymc'; got 'stan'." in refusal(sampler="stan", draws=10, tune=10)


def test_true_is_not_a_number():
    assert "chains must be a whole number above 0; got True." in refusal(chains=True, draws=10, tune=10)


def test_whole_numbers_of_numpy():
    fit = ab.fit(ab.RICLPM(["x", "y"]), published(), seed=np.int64(1), draws=np.int32(10), tune=10, chains=1)
    assert (fit.n_draws, fit.settings.seed) == (10, 1)


def test_a_target_that_is_no_number():
    assert "target_accept must lie between 0 and 1; got 'high'." in refusal(target_accept="high")


# ---- files ----


def test_saved_and_loaded(small_fit, tmp_path):
    path = small_fit.save(tmp_path / "fit.nc")
    loaded = ab.load_fit(path)
    assert loaded.spec == small_fit.spec
    assert loaded.settings == small_fit.settings
    assert list(loaded.draws.children) == list(small_fit.draws.children)
    for group in small_fit.draws.children:
        xr.testing.assert_equal(loaded.draws[group].to_dataset(), small_fit.draws[group].to_dataset())
    assert str(loaded) == str(small_fit)
    assert str(loaded.panel) == str(small_fit.panel)
    for answer in ("summary", "person_scores", "check"):
        pd.testing.assert_frame_equal(getattr(loaded, answer)(), getattr(small_fit, answer)())
    pd.testing.assert_frame_equal(loaded.forecast(24), small_fit.forecast(24))
    assert str(ab.directionality(loaded, "alliance", "days")) == str(ab.directionality(small_fit, "alliance", "days"))


def test_a_loaded_fit_can_be_saved_over_its_own_file(small_fit, tmp_path):
    path = small_fit.save(str(tmp_path / "fit.nc"))
    ab.load_fit(path).save(path)
    np.testing.assert_array_equal(ab.load_fit(path).posterior["icc"], small_fit.posterior["icc"])


def test_published_moments_are_saved_and_loaded(tmp_path):
    fit = ab.fit(ab.CLPM(["x", "y"]), published(), seed=1, draws=20, tune=20, chains=1)
    loaded = ab.load_fit(fit.save(tmp_path / "fit.nc"))
    assert loaded.panel.moments.n == 200
    np.testing.assert_array_equal(loaded.panel.moments.covariance, fit.panel.moments.covariance)
    assert str(loaded) == str(fit)


def load_refusal(path):
    with pytest.raises(AllianceBayesError) as caught:
        ab.load_fit(path)
    return str(caught.value)


def test_files_that_are_not_there(tmp_path):
    path = tmp_path / "fit.nc"
    assert load_refusal(path) == f"There is no file {path}."
    assert load_refusal(tmp_path) == (
        f"{tmp_path} is a folder without draws.nc; name that of a finished run, or a file that Fit.save wrote."
    )


def test_files_of_others(tmp_path):
    path = tmp_path / "other.nc"
    xr.Dataset({"x": ("draw", [1.0, 2.0])}).to_netcdf(path, engine="h5netcdf")
    assert load_refusal(path) == f"{path} was not written by Fit.save."


def test_files_that_are_no_netcdf(tmp_path):
    path = tmp_path / "notes.nc"
    path.write_text("not a fit")
    assert load_refusal(path) == f"{path} was not written by Fit.save."


def test_files_of_another_format(small_fit, tmp_path, monkeypatch):
    monkeypatch.setattr(saving, "FORMAT", 4)
    path = small_fit.save(tmp_path / "fit.nc")
    monkeypatch.undo()
    assert load_refusal(path).startswith(f"{path} has format 4; this version reads 3. ")


# ---- PyMC's own sampler ----


@pytest.mark.slow
def test_pymcs_sampler_finds_the_same(small_fit, small_panel):
    options = {"draws": 1000, "tune": 1000, "chains": 2, "progress": False}
    ours, theirs = (
        ab.fit(small_fit.spec, small_panel, seed=3, sampler=sampler, **options) for sampler in ("nutpie", "pymc")
    )
    assert list(theirs.draws.children) == list(ours.draws.children)
    assert theirs.settings.sampler == "pymc"
    assert np.isfinite(theirs.health.bfmi)
    for name in ("lagged", "mean", "between_sd", "icc"):
        left, right = (fit.summary([name]) for fit in (ours, theirs))
        error = np.hypot(left["mcse_mean"], right["mcse_mean"])
        assert (np.abs(left["mean"] - right["mean"]) < 5 * error).all(), name
