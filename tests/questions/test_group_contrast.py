"""Groups of one panel, several studies at once, and the contrast between them."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import alliance_bayes as ab
from alliance_bayes.posterior.settings import Settings
from alliance_bayes.questions import group_contrast as module
from draws_of_a_share import SURE, UNSURE
from fabricated import HEALTHY, made_fit

MEASURES = ["x", "y"]
EFFECTS = {"A": 0.05, "B": 0.35}


def panel_of_two_groups(persons=400):
    """Two groups that differ in the effect of x on y, and one panel of both."""
    panels = {
        label: ab.simulate(truth_with(effect), persons=persons, seed=place)
        for place, (label, effect) in enumerate(EFFECTS.items())
    }
    values = np.concatenate([panel.values for panel in panels.values()])
    return ab.Panel.from_arrays(values, measures=MEASURES, times=[0, 1, 2, 3], groups=np.repeat(list(panels), persons))


def truth_with(effect, times=(0, 1, 2, 3)):
    return ab.Truth(
        ab.RICLPM(MEASURES),
        times=times,
        lagged={"x -> y": effect, "y -> x": 0.05},
        carry_over=0.35,
        icc=0.4,
        within_correlation=0.25,
        between_correlation=0.3,
    )


@pytest.fixture(scope="module")
def fit():
    spec = ab.RICLPM(MEASURES, group_lags="free")
    return ab.fit(spec, panel_of_two_groups(), seed=1, draws=300, tune=300, chains=2)


def test_the_contrast_finds_the_difference(fit):
    answer = ab.group_contrast(fit, "x -> y")
    np.testing.assert_allclose(answer.table["mean"], list(EFFECTS.values()), atol=0.12)
    difference = answer.tables["differences"].loc[("A", "B")]
    assert difference["verdict"] == ("smaller" if fit.health.healthy else "undecided")
    draws = fit.posterior["lagged_standardized"].sel(path="x -> y").mean("interval")
    assert difference["mean"] == pytest.approx(float((draws.sel(group="A") - draws.sel(group="B")).mean()))
    assert "pooled" not in answer.tables
    assert "A minus B  -0" in str(answer)
    assert "Groups differ in nothing but what is compared" in answer.assumptions[-1]
    assert answer.plot().axes[0].get_xlabel() == "lagged effect, SD per SD"


def difference_of(first, second, *, margin=0.03, healthy=True):
    """Row of the difference between two groups with these draws, dims ``(chain, draw)``, or numbers."""
    groups = [xr.zeros_like(SURE, dtype=float) + each for each in (first, second)]
    draws = xr.concat(groups, dim="group").assign_coords(group=["A", "B"])
    return module._differences(draws, margin, 0.95, healthy).loc[("A", "B")]


@pytest.mark.parametrize(
    ("then", "otherwise", "verdict"), [(0.3, 0.0, "larger"), (-0.3, 0.0, "smaller"), (-0.02, 0.1, "practically equal")]
)
def test_a_difference_needs_its_monte_carlo_margin_and_healthy_draws(then, otherwise, verdict):
    sure, unsure = (0.1 + xr.where(holds, then, otherwise) for holds in (SURE, UNSURE))
    assert difference_of(sure, 0.1)["verdict"] == verdict
    assert difference_of(unsure, 0.1)["verdict"] == "undecided"
    assert difference_of(sure, 0.1, healthy=False)["verdict"] == "undecided"
    assert difference_of(sure, 0.1)["mean"] == pytest.approx(0.96 * then + 0.04 * otherwise)


@pytest.mark.parametrize(
    ("first", "verdict"),
    [
        (0.5, "undecided"),
        (0.5625, "larger"),
        (0.4375, "practically equal"),
        (-0.5, "undecided"),
        (-0.5625, "smaller"),
        (-0.4375, "practically equal"),
    ],
)
def test_a_difference_of_the_margin_is_neither_beyond_nor_within_it(first, verdict):
    assert difference_of(first, 0.0, margin=0.5)["verdict"] == verdict


def test_groups_are_compared_over_intervals_of_one_length():
    """Of those of 3 months, .1 and .3, and not of that of 6."""
    spec = ab.RICLPM(MEASURES, lags="free", group_lags="free")
    panel = ab.Panel.from_arrays(
        np.random.default_rng(1).normal(size=(40, 4, 2)), measures=MEASURES, times=[0, 3, 6, 12], groups=["A", "B"] * 20
    )
    effects = np.zeros((2, 50, 2, 3, 4))
    effects[:, :, 0, :, 2] = 0.1, 0.3, 0.9
    coordinates = {"group": ["A", "B"], "path": ["x -> x", "y -> x", "x -> y", "y -> y"]}
    dims = ("chain", "draw", "group", "interval", "path")
    posterior = xr.Dataset({"lagged_standardized": (dims, effects)}, coordinates)
    settings = Settings(50, 1, 2, 1, 0.9, 1, "", 0, 0)
    fit = made_fit(spec, panel, xr.DataTree.from_dict({"/posterior": posterior}), settings)
    fit.__dict__["health"] = HEALTHY
    answer = ab.group_contrast(fit, "x -> y")
    assert answer.table["mean"].tolist() == pytest.approx([0.2, 0.0])
    assert answer.tables["differences"].loc[("A", "B"), ["mean", "verdict"]].tolist() == [pytest.approx(0.2), "larger"]
    assert answer.heading.startswith("x -> y over intervals of 3, ")


def test_one_group_can_be_asked_by_itself(fit):
    alone = fit.of_group("B")
    assert alone.panel.n_persons == 400
    assert alone.health is fit.health
    redrawn = fit.with_draws(fit.draws)  # of which nobody has examined the health yet
    assert redrawn.of_group("B").health is redrawn.health
    answer = ab.directionality(alone, "x", "y")
    expected = fit.posterior["lagged_standardized"].sel(group="B", path="x -> y").mean()
    assert float(answer.draws["effect"].sel(path="x -> y").mean()) == pytest.approx(float(expected))
    named = ab.directionality(fit, "x", "y", group="B")
    assert named.heading.endswith(", group B")
    pd.testing.assert_frame_equal(named.table, answer.table)
    with pytest.raises(ab.SpecError, match=r"^Scores, forecasts and checks need the fit of all groups; use that fit"):
        alone.person_scores()


def test_a_question_about_one_population_is_refused(fit):
    with pytest.raises(ab.SpecError) as caught:
        ab.directionality(fit, "x", "y")
    assert str(caught.value) == (
        "This question of direction cannot be asked. 1 problem:\n"
        "  1. This fit has groups; say which one is asked about: group= one of 'A', 'B'. "
        "ab.group_contrast compares them."
    )
    with pytest.raises(ab.SpecError, match=r"^The fit has no group 'C'"):
        fit.of_group("C")


def test_contrasts_that_cannot_be_asked(fit):
    with pytest.raises(ab.SpecError) as caught:
        ab.group_contrast(fit, "x -> z", margin=2, certainty=0.4)
    assert caught.value.problems == (
        "The model has no lagged path 'x -> z'; did you mean 'x -> y'? Paths: 'x -> x', 'y -> y', 'y -> x', 'x -> y'.",
        "margin must lie between 0 and 1, in SD per SD; got 2.",
        "certainty must lie between 0.5 and 1; got 0.4.",
    )
    with pytest.raises(ab.SpecError, match="The fit has no groups; make the panel with group="):
        ab.group_contrast(fit.of_group("A"), "x -> y")


def test_a_panel_with_groups_needs_a_word_about_them():
    panel = panel_of_two_groups(persons=30)
    with pytest.raises(ab.SpecError, match=r"The panel has groups \('A', 'B'\), and this model does not say"):
        ab.maximum_likelihood(ab.RICLPM(MEASURES), panel)
    with pytest.raises(ab.SpecError, match="group_lags='free' needs groups"):
        ab.maximum_likelihood(ab.RICLPM(MEASURES, group_lags="free"), panel.of_group("A"))


def test_groups_with_nothing_in_common_are_fitted_as_if_alone():
    panel = panel_of_two_groups(persons=150)
    whole = ab.maximum_likelihood(ab.RICLPM(MEASURES, group_lags="free"), panel)
    parts = [ab.maximum_likelihood(ab.RICLPM(MEASURES), panel.of_group(label)) for label in "AB"]
    assert whole.n_parameters == sum(part.n_parameters for part in parts)
    assert whole.log_likelihood == pytest.approx(sum(part.log_likelihood for part in parts), abs=1e-5)
    assert whole.chi_square == pytest.approx(sum(part.chi_square for part in parts), abs=1e-5)
    estimates = whole.table["estimate"].filter(like="B: ").rename(lambda name: name.removeprefix("B: "))
    np.testing.assert_allclose(estimates, parts[1].table.loc[estimates.index, "estimate"], atol=1e-5)


def test_every_one_of_many_groups_is_looked_at_before_a_model_is_refused():
    rng = np.random.default_rng(1)
    panel = ab.Panel.from_arrays(
        rng.normal(size=(180, 4, 2)), measures=MEASURES, times=[0, 1, 2, 3], groups=[f"g{k % 9}" for k in range(180)]
    )
    found = ab.maximum_likelihood(ab.CLPM(MEASURES, group_lags="free"), panel)
    assert found.n_parameters == 9 * ab.maximum_likelihood(ab.CLPM(MEASURES), panel.of_group("g0")).n_parameters


def test_a_model_that_no_moments_identify_is_refused():
    panel = ab.Panel.from_arrays(np.random.default_rng(2).normal(size=(90, 3, 2)), measures=MEASURES, times=[0, 1, 2])
    with pytest.raises(ab.SpecError, match="is not identified by 3 waves of 2 measures: means and covariances do not"):
        ab.maximum_likelihood(ab.RICLPM(MEASURES, lags="free", trait_loadings="free"), panel)


# ---- several studies ----


def study(effect, times, persons, seed):
    values = ab.simulate(truth_with(effect, times), persons=persons, seed=seed).values.reshape(persons, -1)
    return ab.Panel.from_moments(
        measures=MEASURES, times=times, n=persons, means=values.mean(axis=0), covariance=np.cov(values.T)
    )


@pytest.fixture(scope="module")
def studies():
    return {
        "Smith": study(0.1, (0, 1, 2), 300, 1),
        "Jones": study(0.2, (0, 1, 2, 3), 500, 2),
        "Brown": study(0.3, (0, 1, 2, 3, 4), 200, 3),
    }


def test_studies_are_fitted_as_if_alone_where_nothing_is_shared(studies):
    whole = ab.maximum_likelihood(ab.RICLPM(MEASURES, group_lags="free"), ab.Panel.from_studies(studies))
    parts = {name: ab.maximum_likelihood(ab.RICLPM(MEASURES), panel) for name, panel in studies.items()}
    assert whole.log_likelihood == pytest.approx(sum(part.log_likelihood for part in parts.values()), abs=1e-5)
    assert whole.df == sum(part.df for part in parts.values())
    assert whole.chi_square == pytest.approx(sum(part.chi_square for part in parts.values()), abs=1e-5)
    for name, part in parts.items():
        assert whole.table.loc[f"{name}: x -> y", "estimate"] == pytest.approx(
            part.table.loc["x -> y", "estimate"], abs=1e-5
        )


@pytest.mark.parametrize("lags", ["pooled", "free"])
def test_studies_with_fewer_waves_than_others_have_a_prior_and_are_sampled(studies, lags):
    """Waves that a study does not have are no reason to reject a draw, and stay without a value."""
    spec = ab.RICLPM(MEASURES, lags="equal", group_lags=lags)
    fit = ab.fit(spec, ab.Panel.from_studies(studies), seed=1, draws=20, tune=20, chains=1, progress=False)
    assert fit.draws["prior"].attrs["share_rejected"] < 0.01
    for group in ("prior", "posterior"):
        unknown = np.isnan(fit.draws[group]["within_sd"]).all(("chain", "draw", "measure"))
        assert unknown.sum("time").to_numpy().tolist() == [0, 1, 2]  # Brown, Jones, Smith
        assert (unknown == np.isnan(fit.draws[group]["within_sd"]).any(("chain", "draw", "measure"))).all()


def test_studies_whose_intervals_differ_share_a_drift(studies):
    truth = ab.Truth(
        ab.RICLPM(MEASURES, lags="continuous"),
        times=[0, 1, 2],
        drift={"x -> x": -0.5, "y -> y": -0.6, "x -> y": 0.2, "y -> x": 0.0},
        icc=0.4,
    )
    panels = {}
    for place, times in enumerate([(0, 1, 2), (0, 2, 4), (0, 0.5, 1.5, 3)]):
        panel = ab.simulate(ab.Truth(truth.spec, times=times, drift=truth.drift, icc=0.4), persons=20_000, seed=place)
        values = panel.values.reshape(20_000, -1)
        panels[f"study {place}"] = ab.Panel.from_moments(
            measures=MEASURES, times=times, n=20_000, means=values.mean(axis=0), covariance=np.cov(values.T)
        )
    panel = ab.Panel.from_studies(panels)
    ml = ab.maximum_likelihood(ab.RICLPM(MEASURES, lags="continuous", group_lags="equal"), panel)
    assert ml.converged
    for path, effect in truth.drift.items():
        row = ml.table.loc[f"drift {path}"]
        assert abs(row["estimate"] - effect) < 4 * row["se"] < 0.3
    with pytest.raises(ab.SpecError, match=r"The studies have intervals of 0\.5, 1, 1\.5, 2, so one lagged effect"):
        ab.maximum_likelihood(ab.RICLPM(MEASURES, group_lags="equal"), panel)


def test_studies_that_cannot_be_joined(studies):
    other = ab.Panel.from_moments(measures=["x", "z"], times=[0, 1, 2], n=50, means=np.zeros(6), covariance=np.eye(6))
    with pytest.raises(ab.PanelError) as caught:
        ab.Panel.from_studies({"Smith": studies["Smith"], "Other": other})
    assert caught.value.problems == (
        "'Other' has the measures 'x', 'z', and 'Smith' 'x', 'y'; give the same constructs the same names.",
    )
    with pytest.raises(ab.PanelError, match="studies must map two or more names to their panels"):
        ab.Panel.from_studies({"Smith": studies["Smith"]})


# ---- what pooling is good for ----


@pytest.mark.slow
def test_partial_pooling_beats_both_extremes_over_eight_sites():
    """Mean squared error of the sites' cross-lagged effects, over four simulated studies of 8 sites."""
    labels, errors = [f"site {place}" for place in range(8)], {"free": 0.0, "equal": 0.0, "pooled": 0.0}
    for seed in range(4):
        rng = np.random.default_rng([5, seed])
        effects = rng.normal(0.15, 0.08, 8)
        panels = [ab.simulate(truth_with(float(e)), persons=120, seed=10 * seed + k) for k, e in enumerate(effects)]
        panel = ab.Panel.from_arrays(
            np.concatenate([each.values for each in panels]),
            measures=MEASURES,
            times=[0, 1, 2, 3],
            groups=np.repeat(labels, 120),
        )
        for kind in errors:
            spec = ab.RICLPM(
                MEASURES, group_lags=kind, residuals="equal", equal_across_groups=["variances", "residuals"]
            )
            fit = ab.fit(spec, panel, seed=seed, draws=500, tune=400)
            found = fit.posterior["lagged_standardized"].sel(path="x -> y").mean(("chain", "draw", "interval"))
            errors[kind] += float(((found.to_numpy() - effects) ** 2).mean()) / 4
    print(errors)
    assert errors["pooled"] < min(errors["free"], errors["equal"])


@pytest.mark.slow
def test_a_meta_analysis_recovers_mean_and_spread():
    """Six tables of studies that differ in size, waves and effect."""
    rng = np.random.default_rng(11)
    effects = rng.normal(0.15, 0.1, 6)
    sizes, waves = [4000, 8000, 3000, 6000, 9000, 5000], [3, 4, 5, 4, 3, 6]
    tables = {f"study {k}": study(float(effects[k]), tuple(range(waves[k])), sizes[k], seed=k) for k in range(6)}
    spec = ab.RICLPM(MEASURES, lags="equal", group_lags="pooled")
    fit = ab.fit(spec, ab.Panel.from_studies(tables), seed=1, draws=1000, tune=600, target_accept=0.95)
    pooled = ab.group_contrast(fit, "x -> y").tables["pooled"]
    print(fit.health, pooled, effects.mean(), effects.std(ddof=1))
    assert pooled.loc["mean", "lower"] < effects.mean() < pooled.loc["mean", "upper"]
    assert pooled.loc["spread", "lower"] < effects.std(ddof=1) < pooled.loc["spread", "upper"]
    assert abs(pooled.loc["mean", "mean"] - effects.mean()) < 0.05
