"""One short fit of an alliance that needs a sponsor and of days, through everything that is read off a fit."""

from dataclasses import replace

import numpy as np
import pytest

import alliance_bayes as ab
from alliance_bayes.basics.problems import SpecError
from alliance_bayes.panel import Absence
from alliance_bayes.posterior.health import with_integration
from alliance_bayes.posterior.integration import IntegrationError
from alliance_bayes.posterior.predictions.latent import LatentPeople
from alliance_bayes.posterior.samplers import sample_posterior
from alliance_bayes.posterior.settings import Settings
from alliance_bayes.questions.scores import plain_scores
from latent_people import people

M = ["alliance", "days"]
STATE = ab.State("sponsor", ["alliance"], ["work"], ["days"], ["alliance"], ["days"])
SPEC = ab.RICLPM(M, lags="equal", families={"days": ab.Days("window")}, state=STATE)


@pytest.fixture(scope="module")
def panel():
    return people(50, 3, required=["alliance"], unknown=[3, 10], dropout=True, missing=0.05, seed=7)


@pytest.fixture(scope="module")
def fitted(panel):
    return ab.fit(SPEC, panel, seed=3, draws=50, tune=50, chains=2)


def test_comparisons_know_the_error_of_the_integral(fitted, monkeypatch):
    """Of whole people as in the health of the fit; of later waves given the earlier ones, their difference."""

    def without_importance(left_out, _):
        return plain_scores(left_out.log_density(left_out.fit, left_out.persons))

    for module in ("compare", "leave_future_out"):
        monkeypatch.setattr(f"alliance_bayes.questions.{module}.leave_out", without_importance)
    fits, integral = {"one": fitted, "again": fitted}, fitted.health.integration
    whole, later = ab.compare(fits), ab.leave_future_out(fits)
    assert whole.table["integration_error"].tolist() == [integral.mean] * 2
    assert whole.table["integration_error_sd"].tolist() == [integral.spread] * 2
    known = LatentPeople(fitted.model.before(2)).integration_error(fitted.thetas, fitted.settings.seed)
    assert later.table["integration_error"].tolist() == pytest.approx([integral.mean - known.mean] * 2)
    for answer in (whole, later):
        assert any(str(part).startswith("Integration error of the log density") for part in answer.body)
        spread = answer.table["integration_error_sd"].iloc[0]
        assert answer.tables["pairs"]["by_integration"].tolist() == pytest.approx([2 * np.sqrt(2) * spread])


def test_summary_has_the_names_of_the_field(fitted):
    table = fitted.summary()
    assert "lagged_standardized[0 to 3, alliance -> days]" in table.index
    assert np.isfinite(table["mean"]).all()
    assert (fitted.summary(["intraclass_correlation"])["mean"].between(0, 1)).all()
    effects = fitted.summary(["sponsor_kept_on", "sponsor_acquired_on", "sponsor_first_on", "sponsor_effect"])
    assert effects.index.tolist() == [
        "sponsor_kept_on[alliance -> sponsor kept]",
        "sponsor_acquired_on[days -> sponsor acquired]",
        "sponsor_first_on[work -> sponsor, 0]",
        "sponsor_effect[sponsor -> days]",
    ]
    first = fitted.posterior["mean"].sel(time=0.0)
    assert (first.sel(measure="days") == 0).all(), "the location of a linear predictor"
    assert abs(float(first.sel(measure="alliance").mean()) - 5) < 1.5, "in the measure's own unit"


def test_draws_are_in_the_units_of_the_measures(fitted):
    posterior, unit = fitted.posterior, fitted.model.unit[0]
    ratio = posterior["lagged"] / posterior["lagged_standardized"]
    within = posterior["within_sd"]
    into_days = ratio.sel(path="alliance -> days", interval="0 to 3")
    expected = within.sel(measure="days", time=3.0) / within.sel(measure="alliance", time=0.0)
    np.testing.assert_allclose(into_days, expected, rtol=1e-6)
    assert unit == pytest.approx(
        np.nanstd(fitted.panel.values[:, :, 0] - np.nanmean(fitted.panel.values[:, :, 0], axis=0)), rel=0.05
    )


def test_person_scores_are_of_linear_predictors_and_of_values(fitted, panel):
    scores = fitted.person_scores()
    assert len(scores) == 2 * 50
    assert np.isfinite(scores.to_numpy()).all()
    assert (scores["lower"] <= scores["upper"]).all()
    days = scores.xs("days", level="measure")["mean"].to_numpy()
    observed = np.nanmean(panel.values[:, :, panel.measures.index("days")], axis=1)
    assert np.corrcoef(days, observed)[0, 1] > 0.6
    assert 0.2 < scores.xs("alliance", level="measure")["sd"].mean() / fitted.model.unit[0] < 1.2


def test_forecasts_are_of_answers_and_of_the_state(fitted, panel):
    table = fitted.forecast(9)
    assert list(table.index.get_level_values("measure")[:3]) == ["alliance", "days", "sponsor"]
    assert len(table) == 3 * 50
    days, state = (table.xs(name, level="measure") for name in ("days", "sponsor"))
    assert days["mean"].between(0, 30).all()
    assert state["mean"].between(0, 1).all()
    np.testing.assert_array_equal(state["observed"], panel.states["sponsor"][:, 2])
    np.testing.assert_array_equal(days["observed"], panel.values[:, 2, panel.measures.index("days")])
    window = panel.values[:, :, panel.measures.index("window")]
    known = np.where(np.isnan(window[:, 1]), window[:, 0], window[:, 1])
    np.testing.assert_array_equal(days["out_of"], np.where(np.isnan(window[:, 2]), known, window[:, 2]))
    later = fitted.forecast(15)
    assert later["observed"].isna().all()
    np.testing.assert_array_equal(later["out_of"], table["out_of"])
    assert np.isfinite(later.drop(columns=["observed", "out_of"])).all(axis=None)
    with pytest.raises(SpecError, match="A forecast needs a time, such as 9; got 'soon'"):
        fitted.forecast("soon")


def test_shares_of_left_out_people_are_of_answers_and_of_the_state(fitted):
    answer = ab.loo_pit(fitted)
    assert list(answer.table.index.unique("measure")) == ["alliance", "days", "sponsor"]
    assert answer.tables["shares"]["share"].between(0, 1).all()
    assert answer.table["mean"].between(0.3, 0.7).all()
    days = fitted.panel.values[:, :, fitted.panel.measures.index("days")]
    assert answer.table.loc["days", "n"].tolist() == (~np.isnan(days)).sum(axis=0).tolist()


def test_later_answers_are_left_out(fitted):
    answer = ab.leave_future_out({"one": fitted, "again": fitted}, most_refits=0)
    one, again = answer.table["elpd"]
    assert one == again
    assert one > float(fitted.log_likelihood()["log_likelihood"]["values"].mean(("chain", "draw")).sum()), (
        "a part of what is foretold there"
    )
    told = ~np.isnan(fitted.panel.values[:, 2]).all(axis=1) | ~np.isnan(fitted.panel.states["sponsor"][:, 2])
    assert answer.basis.sizes["person"] == told.sum()


def test_check_compares_responses_ends_and_transitions(fitted):
    table = fitted.check()
    statistics = set(table.index.get_level_values("statistic"))
    assert {"share lowest", "share highest", "share on", "acquired", "kept", "mean", "sd"} <= statistics
    known = table["observed"].notna()
    assert known.mean() > 0.9
    assert np.isfinite(table.loc[known, ["mean", "p"]].to_numpy()).all()
    assert (table.loc[known, "verdict"] == "").mean() > 0.7


def test_log_likelihood_is_per_person_with_any_value(fitted):
    stored = fitted.log_likelihood()["log_likelihood"]["values"]
    seen = np.flatnonzero(fitted.model.has_value)
    assert dict(stored.sizes) == {"chain": 2, "draw": 50, "person": len(seen)}
    again = LatentPeople(fitted.model).log_densities(fitted.thetas[[0, 70]], seen)
    np.testing.assert_allclose(stored.to_numpy().reshape(100, -1)[[0, 70]], again, rtol=1e-10)
    assert fitted.log_likelihood(slice(3, 6))["log_likelihood"].sizes["person"] == 3


def test_posterior_predictive_is_what_might_have_been_observed(fitted, panel):
    drawn = fitted.draws["posterior_predictive"]["values"]
    assert drawn.dims == ("chain", "draw", "person", "time", "measure")
    assert list(drawn["measure"].values) == M
    days = drawn.sel(measure="days")
    gone = panel.absence[:, :, panel.measures.index("days")] == Absence.WAVE_MISSING
    assert days.isnull().to_numpy()[:, :, gone].all()
    assert ((days >= 0) & (days <= 30) | days.isnull()).all()
    assert (days == np.round(days)).where(days.notnull(), True).all()


def test_health_prints_how_far_the_integral_is_off(fitted):
    health = fitted.health
    assert "integration error of the log-likelihood" in str(health)
    assert str(health) in str(fitted)
    assert 0 < health.integration.effective_share <= 1
    assert health.integration.unsettled < 0.02
    assert any(problem.startswith("Too few effective draws") for problem in health.problems)


def test_a_saved_fit_is_the_same(fitted, tmp_path):
    loaded = ab.load_fit(fitted.save(tmp_path / "fit.nc"))
    assert loaded.spec == SPEC
    np.testing.assert_array_equal(loaded.thetas, fitted.thetas)
    np.testing.assert_array_equal(loaded.panel.states["sponsor"], fitted.panel.states["sponsor"])
    np.testing.assert_array_equal(
        loaded.log_likelihood()["log_likelihood"]["values"], fitted.log_likelihood()["log_likelihood"]["values"]
    )
    assert str(loaded.health) == str(fitted.health)


def test_an_answer_on_direction_says_what_it_rests_on(fitted):
    answer = ab.directionality(fitted, "alliance", "days")
    without = ("without_prior", "with_wide_prior")  # so few draws cannot be reweighted
    known = answer.table.drop(columns=[*without, *(f"{name}_sd" for name in without)])
    assert np.isfinite(known.select_dtypes("number")).all(axis=None)
    assert set(SPEC.assumptions) <= set(answer.assumptions)
    for words in (
        "While 'sponsor' is off there is no 'alliance'",
        "Given a normal linear predictor",
        "missing at random",
    ):
        assert any(words in sentence for sentence in answer.assumptions)
    assert "alliance -> days" in str(answer)


def test_the_same_seed_gives_the_same_draws(fitted):
    settings = Settings(5, 10, 1, 1, 0.8, 9, "nutpie", 0.0, 0.0)
    first, second = (sample_posterior(fitted.model, settings).thetas(fitted.model) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_what_knows_only_normal_measures_refuses(fitted, panel):
    with pytest.raises(SpecError, match=r"^maximum_likelihood"):
        ab.maximum_likelihood(SPEC, panel)
    with pytest.raises(SpecError, match=r"^log_likelihood"):
        ab.log_likelihood(SPEC, panel, {})


def test_an_integral_that_is_off_is_a_problem_with_a_cure(fitted):
    sampling = replace(fitted.health, problems=(), integration=None)
    good = IntegrationError(-0.2, 0.1, 0.01, 0.95, 0.0)
    assert with_integration(sampling, good).healthy
    assert str(with_integration(sampling, good)).endswith(
        "; integration error of the log-likelihood -0.20 (SD over draws 0.10, Monte Carlo error 0.01), 95 % "
        "of draws effective under the exact likelihood, 0.0 % of integrals not converged."
    )
    bad = with_integration(sampling, replace(good, effective_share=0.3, unsettled=0.05))
    assert [problem.split(".")[0] for problem in bad.problems] == [
        "The approximate integral over the linear predictors changes the posterior: weighted by the exact likelihood, "
        "only 30 % of draws are effective",
        "The integral did not converge for 5",
    ]
    assert all('latent="sample"' in problem for problem in bad.problems)
    assert not with_integration(sampling, replace(good, effective_share=np.nan)).healthy


@pytest.mark.slow
def test_a_true_selection_is_no_misfit():
    """Interviews depend on the value then: means of those seen are far off, and the model knows why."""
    truth = ab.Truth(ab.RICLPM(["x", "y"], lags="equal"), times=[0, 1, 2, 3], carry_over=0.4, icc=0.5)
    values = ab.simulate(truth, persons=300, seed=5).values.copy()
    chance = 1 / (1 + np.exp(-0.3 - 1.5 * values[:, 1:, 1]))
    values[:, 1:][np.random.default_rng(1).random(chance.shape) > chance] = np.nan
    panel = ab.Panel.from_arrays(values, measures=["x", "y"], times=[0, 1, 2, 3])
    seen = ab.Selection("interview", on=["y"], effect=ab.Normal(1.5, 0.1))
    fit = ab.fit(replace(truth.spec, selection=[seen]), panel, seed=1, draws=200, chains=2)
    table = fit.check()
    means = table.loc["mean"]
    later = ["y, 1", "y, 2", "y, 3"]
    assert (means.loc[later, "observed"] > means.loc[later, "upper"]).all()
    assert (means["verdict"] == "").all()
    with pytest.raises(SpecError, match="loo_pit compares observed values with predictions for all people"):
        ab.loo_pit(fit)
