"""Predicting later waves from earlier ones, beside the textbook's conditional normal."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal
from test_compare import moments_from_names, stacked_values

import alliance_bayes as ab
from alliance_bayes.panel import unseen_from
from alliance_bayes.questions.scores import LeftOut, leave_out, plain_scores, refitted


@pytest.fixture(scope="module")
def equal_fit(small_panel):
    """Everything equal over waves, so that the past says something about the future."""
    spec = ab.RICLPM(["alliance", "days"], lags="equal", residuals="equal", means="equal")
    return ab.fit(spec, small_panel, seed=8, draws=100, tune=200, chains=2)


@pytest.mark.parametrize("n_given", [1, 2, 3])
def test_densities_of_later_waves_are_the_textbooks(small_fit, n_given):
    """``N(mu_f + S_fp S_pp^-1 (y_p - mu_p), S_ff - S_fp S_pp^-1 S_pf)`` over what was seen of each part."""
    left_out = LeftOut(small_fit, n_given)
    found = left_out.log_density(small_fit, left_out.persons)
    values = stacked_values(small_fit)
    given = np.arange(values.shape[1]) < 2 * n_given
    assert (~np.isnan(values[left_out.persons, 2 * n_given :])).any(axis=1).all()
    assert 17 not in left_out.persons
    mean, covariance = moments_from_names(small_fit, 31)
    for position, person in enumerate(left_out.persons[:12]):
        seen = ~np.isnan(values[person])
        past, future = seen & given, seen & ~given
        slopes = covariance[np.ix_(future, past)] @ np.linalg.inv(covariance[np.ix_(past, past)])
        centre = mean[future] + slopes @ (values[person, past] - mean[past])
        spread = covariance[np.ix_(future, future)] - slopes @ covariance[np.ix_(past, future)]
        want = multivariate_normal.logpdf(values[person, future], centre, spread)
        assert found.isel(chain=-1, draw=31, person=position).item() == pytest.approx(want, rel=1e-7)


def test_scores_from_others_agree_with_a_refit(small_fit):
    left_out = LeftOut(small_fit, 3)
    scores = leave_out(left_out, 0)
    place = int(left_out.persons[2])
    again = refitted(small_fit, left_out.panel_without(place), seed=12)
    assert np.isnan(again.panel.values[place, 3:, 1:]).all(), "what the model does not know stays"
    exact = plain_scores(left_out.log_density(again, np.array([place])))
    allowed = 4 * np.sqrt(2) * exact.mcse + 1 / 60
    assert allowed < 0.5
    assert float(exact.elpd[0]) == pytest.approx(float(scores.elpd[2]), abs=allowed)


def test_the_future_is_scored_for_people_who_have_one(small_fit, equal_fit):
    answer = ab.leave_future_out({"free": small_fit, "equal": equal_fit})
    n_seen = int((~np.isnan(small_fit.panel.values[:, 3, 1:])).any(axis=1).sum())
    assert answer.basis.sizes["person"] == n_seen
    assert answer.heading == (
        "Each person's wave at 18 predicted from their own values at 0, 6 and 12, parameters estimated from "
        f"other people at all waves (leave one person's future out); {n_seen} people"
    )
    later = ab.leave_future_out({"free": small_fit, "equal": equal_fit}, time=6)
    assert later.heading.startswith("Each person's waves at 6, 12 and 18 predicted from their own values at 0, ")
    assert later.table.loc["equal", "elpd"] < answer.table.loc["equal", "elpd"]


def test_the_past_alone_is_a_refit_without_the_future(equal_fit):
    answer = ab.leave_future_out({"one": equal_fit, "again": equal_fit}, training="past", time=18)
    left_out = LeftOut(equal_fit, 3)
    unseen = unseen_from(equal_fit.panel, 3, measures=equal_fit.spec.reported_columns)
    past = refitted(equal_fit, unseen, equal_fit.settings.seed + 1)
    assert np.isnan(past.panel.values[:, 3:, 1:]).all()
    want = plain_scores(left_out.log_density(past, left_out.persons)).elpd
    np.testing.assert_allclose(answer.basis["elpd"].sel(model="one"), want)
    assert "leave the future out; exact refits" in answer.heading
    assert answer.body[1].startswith("'one' and 'again': undecided, for the reasons below; elpd difference 0.0")
    assert answer.reasons[0].startswith("The draws of 'one' cannot be trusted: ")
    assert answer.assumptions[1].startswith("The parameters come from the earlier waves alone")


def test_every_problem_of_leaving_the_future_out(small_fit, equal_fit):
    fits = {"free": small_fit, "equal": equal_fit}
    with pytest.raises(ab.SpecError) as error:
        ab.leave_future_out(fits, time=0, training="all")
    assert error.value.problems == (
        "time must be one of the waves after the first, 6, 12, 18; got 0.",
        "training must be one of 'others', 'past'; got 'all'.",
    )
    with pytest.raises(ab.SpecError) as error:
        ab.leave_future_out(fits, time=12, training="past")
    assert error.value.problems == (
        "'free' has parameters of the later waves alone, about which the earlier ones say nothing: 'innovation "
        "variance alliance, 6 to 12', 'innovation covariance alliance, days, 6 to 12', 'innovation variance days, 6 to "
        "12', 'innovation variance alliance, 12 to 18' and 6 more. Fit it with what is the same at all waves (lags "
        "'equal' or 'grid', residuals, means and loadings 'equal', no state), or ask with training='others'.",
        "'free': 2 earlier waves do not identify a random-intercept cross-lagged panel model, which needs 3. Choose a "
        "later time, or ask with training='others'.",
        "'equal': 2 earlier waves do not identify a random-intercept cross-lagged panel model, which needs 3. Choose a "
        "later time, or ask with training='others'.",
    )


def test_a_covariate_that_varies_stays_known_where_a_person_is_left_out():
    values = np.random.default_rng(1).normal(size=(60, 4, 3))
    panel = ab.Panel.from_arrays(values, measures=["x", "y", "dose"], times=[0, 1, 2, 3])
    spec = ab.RICLPM(["x", "y"], means="equal", residuals="equal", covariates={"dose": "every_wave"})
    fit = ab.fit(spec, panel, seed=1, draws=100, tune=200, chains=2)
    left_out = LeftOut(fit, 2)
    without = left_out.panel_without(7)
    np.testing.assert_array_equal(without.values[:, :, 2], values[:, :, 2])
    assert np.isnan(without.values[7, 2:, :2]).all()
    again = refitted(fit, without, seed=3)
    assert np.isfinite(left_out.log_density(again, np.array([7]))).all()
    answer = ab.leave_future_out({"one": fit, "again": fit}, training="past", time=3)
    assert np.isfinite(answer.table["elpd"]).all()
