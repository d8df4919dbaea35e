"""Effects in the outcome's own unit: beside simulated people, closed forms, and the simulator's own responses."""

import numpy as np
import pytest
import xarray as xr
from scipy.stats import norm

import alliance_bayes as ab
from alliance_bayes.basics.problems import SpecError
from alliance_bayes.engine.model_on_panel import panel_model
from alliance_bayes.families.expectations import expectations, ratio_of_a_person
from alliance_bayes.posterior.prior_draws import prior_draws
from alliance_bayes.posterior.settings import Settings
from alliance_bayes.simulation.responses import _drawn
from fabricated import HEALTHY, made_fit

FAMILIES = {
    "days": (ab.Days(30), [-1.0, 0.8, 0.9, 0.2, 0.7, 6.0]),
    "days by probit": (ab.Days(90, link="probit"), [-0.5, 1.0, 0.6, -0.3, 0.5, 3.0]),
    "few days": (ab.Days(4), [-1.5, 1.2, 0.7, 1.2, 0.9, 0.8]),
    "share": (ab.Proportion(), [-1.5, 1.5, 0.8, 0.1, 5.0]),
    "meetings": (ab.BetaBinomial(14), [-0.4, 0.9, 4.0]),
    "visits": (ab.Count(2.0), [0.3, 0.6, 2.0]),
    "hurdle": (ab.Count(1.0, hurdle=True), [0.8, 0.5, 1.5, -0.2, 0.9]),
    "sponsor": (ab.YesNo(), [-0.3, 1.1]),
    "rating": (ab.Ordinal(5, lowest=1), [0.9, -1.5, -0.4, 0.5, 1.6]),
    "items": (ab.Items(["i1", "i2"], 3, lowest=0), [0.8, -0.7, 0.6, 1.2, -0.2, 1.1]),
}


def numbers_of(family, phi):
    """The family's numbers by the names that the simulator has for them."""
    match family:
        case ab.Days():
            keys = ["slope", "intercept", "interior_slope", "precision"]
            return {"cuts": phi[:2], **dict(zip(keys, phi[2:], strict=True))}
        case ab.Proportion():
            return {"cuts": phi[:2], **dict(zip(["slope", "intercept", "precision"], phi[2:], strict=True))}
        case ab.Ordinal():
            return {"slope": phi[0], "cuts": phi[1:]}
        case ab.Items():
            return {"loading i1": phi[0], "cuts i1": phi[1:3], "loading i2": phi[3], "cuts i2": phi[4:]}
    return dict(zip([parameter.name for parameter in family.parameters], phi, strict=True))


def simulated(family, phi, eta, seed):
    """Values that the simulator draws, in the sum of their columns."""
    uniforms = np.random.default_rng(seed).random((6, *eta.shape))
    return np.sum(_drawn(family, numbers_of(family, phi), eta, uniforms), axis=0)


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("eta", [-1.2, 0.4])
def test_expectations_are_means_of_simulated_responses(name, eta):
    family, phi = FAMILIES[name]
    predictors = np.full(40_000, eta)
    values = simulated(family, phi, predictors, seed=7)
    amount = family.amount if isinstance(family.amount, int | float) else 0.0
    expected = expectations(family, np.array(phi), np.array([eta]), np.array([float(amount)]))
    top = 1.0 if name == "share" else amount
    wanted = {"P(none)": values == 0, "P(all)": values == top, "P(any)": values > 0, "mean": values, "P(yes)": values}
    for part, value in expected.items():
        sample = wanted[part].astype(float)
        assert value[0] == pytest.approx(sample.mean(), abs=4.5 * sample.std() / 200 + 1e-12), part


def test_days_keep_their_mean_where_nearly_all_is_at_the_ends():
    expected = expectations(ab.Days(30), [-1.0, 1.0, 1.0, 0.0, 3.0, 1e-9], np.array([-8.0, 0.0, 8.0]), np.full(3, 30.0))
    assert np.isfinite(expected["mean"]).all()
    assert ((expected["mean"] >= 0) & (expected["mean"] <= 30)).all()


# ---- the question ----


def fit_of(families, *, measures=("alliance", "y"), kind=ab.RICLPM, more=None, draws=4, **options):
    """A fit with draws from the prior, each of which stands for a truth."""
    rng = np.random.default_rng(3)
    names, columns = [], []
    for measure in measures:
        family = families.get(measure)
        for column in [measure] if family is None else family.columns(measure):
            names.append(column)
            top = 2 if family is None else {ab.YesNo: 2, ab.Items: 3, ab.Ordinal: 5}.get(type(family), 10)
            column_values = rng.normal(10, 3, size=(30, 3)) if family is None else rng.integers(0, top, (30, 3))
            columns.append(column_values + (family.lowest if isinstance(family, ab.Ordinal) else 0))
    for name, values in (more or {}).items():
        names.append(name)
        columns.append(values)
    panel = ab.Panel.from_arrays(
        np.dstack(columns).astype(float), measures=names, times=[0, 6, 12], **options.pop("panel", {})
    )
    spec = kind(list(measures), lags="equal", families=families, **options)
    settings = Settings(draws, 5, 1, 1, 0.8, 3, "nutpie", 0.1, 0.2)
    prior = prior_draws(panel_model(spec, panel), settings.rng("prior")).isel(draw=slice(draws))
    return made_fit(spec, panel, xr.DataTree.from_dict({"/posterior": prior}), settings, examined=HEALTHY)


@pytest.fixture(scope="module")
def days_fit():
    return fit_of({"y": ab.Days(30)})


@pytest.mark.parametrize("kind", [ab.RICLPM, ab.CLPM])
def test_days_are_those_of_simulated_people(kind):
    """A process of 40,000 people in plain numpy, from the draw's own quantities, with and without the raise."""
    fit = fit_of({"y": ab.Days(30)}, kind=kind)
    answer = ab.effect_in_units(fit, "alliance -> y")
    families, draws = fit.model.families, fit.posterior.isel(chain=0)
    n_compared = 0
    for draw in range(draws.sizes["draw"]):
        one = draws.isel(draw=draw)
        phi = fit.model.predictor_moments(fit.thetas[draw])[2][families.starts[1][0] :][:6]
        worlds = simulated_worlds(one, kind, np.random.default_rng(draw), phi)
        for world, name in ((worlds[0], "as_it_is"), (worlds[1], "raised")):
            want = answer.draws[name].isel(chain=0, draw=draw).sel(over="0 to 6")
            error = world.std() / np.sqrt(world.size)
            assert float(want.sel(expected="mean")) == pytest.approx(world.mean(), abs=5 * error)
            assert float(want.sel(expected="P(none)")) == pytest.approx((world == 0).mean(), abs=0.01)
            assert float(want.sel(expected="P(all)")) == pytest.approx((world == 30).mean(), abs=0.01)
        difference = worlds[1] - worlds[0]
        ours = answer.draws["raised"] - answer.draws["as_it_is"]
        ours = float(ours.isel(chain=0, draw=draw).sel(over="0 to 6", expected="mean"))
        assert ours == pytest.approx(difference.mean(), abs=5 * difference.std() / np.sqrt(difference.size) + 1e-3)
        n_compared += abs(ours) > 0.05
    assert n_compared >= 2


def simulated_worlds(one, kind, rng, phi, n=40_000):
    """Days at the second wave with and without alliance one SD higher at the first, with the same random numbers."""
    lagged = {str(path): float(one["lagged"].sel(interval="0 to 6", path=path)) for path in one["path"].to_numpy()}

    def covariance(name, **where):
        sds = one[f"{name}_sd"].sel(where).to_numpy()
        r = float(one[f"{name}_correlation"].sel(where).squeeze())
        return np.outer(sds, sds) * np.array([[1, r], [r, 1]])

    within = rng.multivariate_normal([0, 0], covariance("within", time=0.0), size=n)
    innovation = rng.multivariate_normal([0, 0], covariance("innovation", interval="0 to 6"), size=n)
    between = rng.multivariate_normal([0, 0], covariance("between"), size=n) if kind is ab.RICLPM else np.zeros((n, 2))
    mean = float(one["mean"].sel(time=6.0, measure="y"))
    uniforms = rng.random((6, n))
    worlds = []
    for raised in (0.0, float(one["within_sd"].sel(time=0.0, measure="alliance"))):
        deviation = (
            lagged["alliance -> y"] * (within[:, 0] + raised) + lagged["y -> y"] * within[:, 1] + innovation[:, 1]
        )
        eta = mean + between[:, 1] + deviation
        worlds.append(_drawn(ab.Days(30), numbers_of(ab.Days(30), list(phi)), eta, uniforms)[0])
    return worlds


def test_yes_and_no_by_a_closed_form():
    """A logistic curve averaged over a normal, by a fine sum; the odds ratio of one person is farther from 1."""
    fit = fit_of({"y": ab.YesNo()})
    answer = ab.effect_in_units(fit, "alliance -> y")
    theta = fit.thetas[0]
    means, covariances, phi = fit.model.predictor_moments(theta)
    place = 1 * 2 + 1
    grid = np.linspace(-9, 9, 20_001)
    weights = norm.pdf(grid) * (grid[1] - grid[0])
    eta = means[0, place] + np.sqrt(covariances[0, place, place]) * grid
    want = (weights / (1 + np.exp(-(phi[0] + phi[1] * eta)))).sum()
    found = answer.draws["as_it_is"].isel(chain=0, draw=0).sel(over="0 to 6", expected="P(yes)")
    assert float(found) == pytest.approx(want, abs=1e-6)
    table = answer.table.loc["0 to 6"].loc["P(yes)"]
    assert table.index.tolist() == [
        "as it is",
        "raised",
        "difference",
        "ratio",
        "odds ratio",
        "odds ratio of one person",
    ]
    draws = answer.draws.isel(chain=0, over=0, expected=0)
    averages = draws["raised"] / (1 - draws["raised"]) * (1 - draws["as_it_is"]) / draws["as_it_is"]
    own = draws["odds ratio of one person"]
    assert (np.sign(np.log(own)) == np.sign(np.log(averages))).all()
    assert (np.abs(np.log(own)) >= np.abs(np.log(averages)) - 1e-12).all()


def test_rate_ratios_of_averages_are_those_of_each_person():
    answer = ab.effect_in_units(fit_of({"y": ab.Count(1.0)}), "alliance -> y")
    ratio = (answer.draws["raised"] / answer.draws["as_it_is"]).sel(expected="mean")
    np.testing.assert_allclose(ratio, answer.draws["rate ratio of one person"], rtol=1e-6)
    assert "odds ratio" not in answer.table.index.get_level_values("scale")


def test_a_normal_outcome_is_the_raw_effect():
    fit = fit_of({})
    answer = ab.effect_in_units(fit, "alliance -> y", raised_by=2.0)
    raw = fit.posterior["lagged"].sel(path="alliance -> y")
    difference = (answer.draws["raised"] - answer.draws["as_it_is"]).sel(expected="mean")
    np.testing.assert_allclose(difference, 2 * raw.transpose("chain", "draw", "interval"), atol=1e-9)
    means = fit.posterior["mean"].sel(measure="y").isel(time=slice(1, None))
    np.testing.assert_allclose(answer.draws["as_it_is"].sel(expected="mean"), means, rtol=1e-9)
    assert answer.table.index.get_level_values("scale").unique().tolist() == ["as it is", "raised", "difference"]


def test_own_units_of_the_predictor_count_in_its_sds(days_fit):
    """As many units as a within-person SD has raise as much as one SD."""
    sd = days_fit.posterior["within_sd"].sel(time=0.0, measure="alliance").isel(chain=0, draw=0)
    by_sd, by_units = (
        ab.effect_in_units(days_fit, "alliance -> y", raised_by=amount).draws["raised"].isel(chain=0, draw=0, over=0)
        for amount in (None, float(sd))
    )
    np.testing.assert_allclose(by_sd, by_units, rtol=1e-9)


def test_windows_and_covariates_of_the_people_are_averaged_over():
    """Windows of each person, in a column; the mean is that over people of their own expected days."""
    rng = np.random.default_rng(5)
    windows = rng.integers(10, 40, size=(30, 3)).astype(float)
    fit = fit_of({"y": ab.Days("window")}, more={"window": windows}, draws=2)
    answer = ab.effect_in_units(fit, "alliance -> y")
    means, covariances, phi = fit.model.predictor_moments(fit.thetas[0])
    eta = means[0, 3] + np.sqrt(covariances[0, 3, 3]) * rng.normal(size=2000)
    each = [expectations(ab.Days(30), phi[-6:], eta, np.full(2000, window))["mean"].mean() for window in windows[:, 1]]
    found = float(answer.draws["as_it_is"].isel(chain=0, draw=0).sel(over="0 to 6", expected="mean"))
    assert found == pytest.approx(np.mean(each), rel=0.05)


def test_a_removed_path_is_0_by_construction():
    answer = ab.effect_in_units(fit_of({"y": ab.YesNo()}, remove=["alliance -> y"]), "alliance -> y")
    effects = answer.table[answer.table["no_effect"].notna()]
    assert effects["fixed"].all()
    assert effects["p_above"].isna().all()
    assert "0 by construction" in str(answer)


def test_printed_with_its_estimand(days_fit):
    lines = str(ab.effect_in_units(days_fit, "alliance -> y", raised_by=1.5)).splitlines()
    assert lines[0].startswith("y in its own unit, were alliance higher the wave before; 30 people, 3 waves, 4 draws")
    assert lines[1] == (
        "Expected y at the end of the interval, averaged over people, as it is and if alliance were higher by 1.5 at "
        "its start, all else at that wave the same."
    )


def test_what_cannot_be_asked(days_fit):
    with pytest.raises(SpecError) as caught:
        ab.effect_in_units(days_fit, "y -> alliance", raised_by=2.0)
    assert "'y' acts through its linear predictor, which has no unit of its own" in str(caught.value)
    with pytest.raises(SpecError, match="The model has no measure 'z'"):
        ab.effect_in_units(days_fit, "z -> y")
    with pytest.raises(SpecError, match="not a path"):
        ab.effect_in_units(days_fit, "alliance")
    with pytest.raises(SpecError, match="raised_by must be a number other than 0"):
        ab.effect_in_units(days_fit, "alliance -> y", raised_by=0)


def test_which_families_have_one_ratio_for_everybody():
    having = {name: ratio_of_a_person(family, phi) for name, (family, phi) in FAMILIES.items()}
    assert {name: ratio[0] for name, ratio in having.items() if ratio is not None} == {
        "meetings": "odds ratio",
        "visits": "rate ratio",
        "sponsor": "odds ratio",
        "rating": "cumulative odds ratio",
    }


def test_both_ways_to_the_mean_between_the_ends_agree():
    from alliance_bayes.families.expectations import _mean_by_values, _mean_inside

    sizes, mean = np.array([2.0, 4.0, 30.0]), np.array([0.3, 0.9, 0.6])
    for precision in (0.5, 3.0, 40.0):
        by_values = _mean_by_values(sizes, mean * precision, (1 - mean) * precision)
        np.testing.assert_allclose(_mean_inside(sizes, mean, precision), by_values, rtol=1e-9)
