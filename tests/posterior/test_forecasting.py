"""What is foretold of people with families and a state: beside the textbook, and beside people like them."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import kstest, multivariate_normal
from test_latent_predictions import SIMPLE, conditional, some_theta, stacked

import alliance_bayes as ab
from alliance_bayes.engine.design import design_of
from alliance_bayes.engine.layout import lay_out
from alliance_bayes.engine.model_on_panel import PanelModel, panel_model
from alliance_bayes.posterior.predictions.forecasting import model_until
from alliance_bayes.posterior.predictions.latent import LatentPeople
from latent_people import NAMES, people

ALONE = ab.RICLPM(SIMPLE, lags="equal", state=ab.State("helper"))
"""Normal measures beside a state that has nothing to do with them."""


@pytest.mark.parametrize("wave", [0, 1, 2])
def test_normal_measures_beside_a_state_are_foretold_as_the_textbook_says(wave):
    panel = people(12, 3, missing=0.25, seed=8, complete=["helper"])
    model = panel_model(ALONE, panel)
    theta, values = some_theta(model)
    n_draws, rng = 1500, np.random.default_rng(3)
    drawn, states = LatentPeople(model.before(wave, until=wave)).predicted(wave, np.tile(theta, (n_draws, 1)), rng)
    drawn = (drawn - model.centre) / model.unit
    helper = panel.values[:, :, NAMES.index("helper")]
    for person, row in enumerate(stacked(panel, model, SIMPLE)):
        row[2 * wave :] = np.nan
        mean, covariance = conditional(ALONE, panel.times, values, row)
        chosen = slice(2 + 2 * wave, 4 + 2 * wave)
        sds = np.sqrt(np.diag(covariance)[chosen])
        assert (np.abs(drawn[:, person].mean(axis=0) - mean[chosen]) < 4.5 * sds / np.sqrt(n_draws)).all()
        np.testing.assert_allclose(np.cov(drawn[:, person].T), covariance[chosen, chosen], atol=0.15 * (sds**2).max())
        word = "helper, 0" if not wave else f"helper {'kept' if helper[person, wave - 1] else 'acquired'}, {3**wave:g}"
        chance = expit(values[f"intercept {word}"])
        assert abs(states[:, person].mean() - chance) < 4.5 * np.sqrt(chance * (1 - chance) / n_draws)


def test_answers_and_state_are_foretold_as_they_are_in_people_alike():
    """Of 150,000 replicated people those with the same two answers and states before: what they did next."""
    rng, n_alike = np.random.default_rng(1), 150_000
    first = rng.integers(0, 2, size=(16, 3, 3)).astype(float)
    first[:, :2] = np.array(np.meshgrid(*[[0, 1]] * 4)).reshape(4, 16).T.reshape(16, 2, 2)[:, :, [0, 1, 0]]
    first[:, :, 2] = rng.integers(0, 2, size=(16, 3))
    state = ab.State("helper", acquire=["yes"], keep=["yes"], acts_on=["yes"])
    spec = ab.RICLPM(["yes", "more"], lags="equal", families={"yes": ab.YesNo(), "more": ab.YesNo()}, state=state)
    measures, times = ["yes", "helper", "more"], [0, 3, 9]
    model = panel_model(spec, ab.Panel.from_arrays(first, measures=measures, times=times))
    changed = {"slope yes": 2.0, "helper -> yes": 0.8, "yes -> helper acquired": 1.5, "yes -> helper kept": -1.0}
    theta, _ = some_theta(model, changed=changed)
    many = ab.Panel.from_arrays(np.tile(first, (n_alike // 16, 1, 1)), measures=measures, times=times)
    raw, states = LatentPeople(PanelModel(lay_out(spec, design_of(spec, many)), many)).replicated(theta, rng)
    yes = raw.reshape(-1, 3, 2)[:, :, 0]
    unknown = np.concatenate([first, first[:2]])
    unknown[:16, :, 2], unknown[16:, :, 2] = np.nan, [[0], [1]]  # so that of the first 16 only answers and states tell
    asked = ab.Panel.from_arrays(unknown, measures=measures, times=times)
    model = PanelModel(lay_out(spec, design_of(spec, asked)), asked)
    n_draws = 2000
    drawn, on = LatentPeople(model.before(2, until=2)).predicted(2, np.tile(theta, (n_draws, 1)), rng)
    differences = []
    for person in range(16):
        alike = (yes[:, :2] == first[person, :2, 0]).all(axis=1) & (states[:, :2] == first[person, :2, 1]).all(axis=1)
        assert alike.sum() > 300
        for ours, theirs in ((drawn[:, person, 0], yes[alike, 2]), (on[:, person], states[alike, 2])):
            chance = theirs.mean()
            error = np.sqrt(chance * (1 - chance) * (1 / n_draws + 1 / alike.sum()))
            assert abs(ours.mean() - chance) < 4.5 * error
            differences.append(abs(chance - yes[:, 2].mean()) / error)
    assert max(differences) > 10, "or the test tells nothing"


def test_what_needs_a_state_is_foretold_where_the_state_is_on():
    panel = people(20, 3, required=["alliance"], unknown=[4], missing=0.1, seed=7)
    spec = ab.RICLPM(["alliance", "days"], lags="equal", families={"days": ab.Days(30)}, state=sponsor())
    model = panel_model(spec, panel)
    theta, _ = some_theta(model)
    drawn, on = LatentPeople(model.before(1, until=1)).predicted(1, np.tile(theta, (60, 1)), np.random.default_rng(2))
    np.testing.assert_array_equal(np.isnan(drawn[:, :, 0]), on == 0)
    assert not np.isnan(drawn[:, :, 1]).any()
    assert 0.05 < on.mean() < 0.95


def sponsor(**more):
    return ab.State("sponsor", ["alliance"], acquire=["days"], keep=["alliance"], **more)


def test_nothing_later_is_known_before_a_wave_and_units_stay():
    panel = people(30, 3, required=["alliance"], unknown=[4], dropout=True, missing=0.1, seed=7)
    chosen = [ab.Selection("interview", on=["days"], effect=ab.Normal(0.3, 0.3)), ab.Selection("alliance")]
    families = {"days": ab.Days("window")}
    spec = ab.RICLPM(["alliance", "days"], lags="equal", families=families, state=sponsor(), selection=chosen)
    model = panel_model(spec, panel)
    before = model.before(1, until=2)
    np.testing.assert_array_equal(before.column_units, model.column_units)
    assert before.has_value_from(0).all()
    n_measures, n_waves = 2, 3
    responses = before.responses
    of_selection = responses.position >= n_measures * n_waves + n_waves
    assert of_selection.any()
    assert ((responses.position[of_selection] - n_measures * n_waves) % n_waves == 0).all()
    of_days = responses.position < n_measures * n_waves
    assert set(responses.position[of_days]) == {1}
    assert np.isnan(before.values()[:, 2:]).all()
    counted = before.design.histories.counted
    assert counted.all(), "the state of all waves is drawn"
    assert not model.before(1).design.histories.counted[:, 1:].any()
    np.testing.assert_array_equal(
        before.panel.values[:, :, NAMES.index("window")], panel.values[:, :, NAMES.index("window")]
    )


def test_beyond_the_panel_parameters_and_windows_go_on():
    panel = people(30, 3, required=["alliance"], missing=0.1, seed=7)
    values = panel.values.copy()
    values[0, 2, NAMES.index("window")] = values[0, 2, NAMES.index("days")] = np.nan
    panel = replace(panel, values=values)
    families = {"days": ab.Days("window"), "passed": ab.BetaBinomial((6, 6, 8))}
    spec = ab.RICLPM(["alliance", "days", "passed"], lags="equal", families=families, state=sponsor())
    model = panel_model(spec, panel)
    theta, known = some_theta(model)
    longer, thetas, wave = model_until(model, 21, theta[None])
    assert (wave, longer.panel.times) == (4, (0, 3, 9, 15, 21))
    found = dict(zip(longer.system.names, thetas[0].tolist(), strict=True))
    for name, value in found.items():
        last = name.replace("15 to 21", "3 to 9").replace("9 to 15", "3 to 9")
        last = last[:-2] + "9" if last.endswith((", 15", ", 21")) else last
        assert value == known[last], name
    assert found["intercept sponsor acquired, 21"] != found["intercept sponsor kept, 21"]
    window = longer.panel.values[:, :, NAMES.index("window")]
    assert (window[1:, 3:] == panel.values[1:, [2], NAMES.index("window")]).all()
    assert (window[0, 2:] == panel.values[0, 1, NAMES.index("window")]).all()
    assert longer.spec.families["passed"].trials == (6, 6, 8, 8, 8)
    drawn, _ = LatentPeople(longer).predicted(wave, np.repeat(thetas, 200, axis=0), np.random.default_rng(4))
    assert np.nanmax(drawn[:, :, 2]) == 8
    assert (drawn[:, :, 1] <= window[:, 4]).all()


@pytest.mark.parametrize("time", [15, 27])
def test_waves_that_nobody_has_reached_say_nothing_of_those_before(time):
    """Not being interviewed there is no refusal: the density of what is known is the same whatever the horizon."""
    panel = people(20, 3, dropout=True, missing=0.1, seed=7)
    chosen = ab.Selection("interview", on=["trust"], effect=ab.Normal(1, 0.3))
    model = panel_model(ab.RICLPM(SIMPLE, lags="equal", selection=[chosen]), panel)
    theta, _ = some_theta(model, changed={"trust -> interview seen": 2.0})
    longer, thetas, _ = model_until(model, time, theta[None])
    everyone = np.arange(20)
    np.testing.assert_allclose(
        LatentPeople(longer).log_densities(thetas, everyone),
        LatentPeople(model).log_densities(theta[None], everyone),
        rtol=1e-4,
    )


def test_densities_of_later_waves_beside_a_state_are_the_textbooks():
    """The conditional normal of what comes later times the chances of the later states."""
    panel = people(12, 3, missing=0.25, seed=8, complete=["helper"])
    model = panel_model(ALONE, panel)
    theta, values = some_theta(model)
    everyone = np.arange(12)
    whole, before = (LatentPeople(each).log_densities(theta[None], everyone)[0] for each in (model, model.before(1)))
    found = whole - before
    helper = panel.values[:, :, NAMES.index("helper")]
    for person, row in enumerate(stacked(panel, model, SIMPLE)):
        known, later = row.copy(), np.flatnonzero(~np.isnan(row[2:])) + 2
        known[2:] = np.nan
        mean, covariance = conditional(ALONE, panel.times, values, known)
        want = multivariate_normal.logpdf(row[later], mean[2 + later], covariance[np.ix_(2 + later, 2 + later)])
        want -= np.log(model.unit[later % 2]).sum()
        for wave, time in ((1, "3"), (2, "9")):
            word = "kept" if helper[person, wave - 1] else "acquired"
            logit = values[f"intercept helper {word}, {time}"]
            want += np.log(expit(logit if helper[person, wave] else -logit))
        assert found[person] == pytest.approx(want, rel=1e-8)


def test_shares_of_people_from_the_model_are_uniform_and_of_others_are_not():
    panel = people(250, 3, required=["alliance"], seed=7)
    spec = ab.RICLPM(["alliance", "days"], lags="equal", families={"days": ab.Days(30)}, state=sponsor())
    model = panel_model(spec, panel)
    theta, _ = some_theta(model, changed={"mean alliance, 3": 0.3, "days -> alliance": 0.2})
    raw, states = LatentPeople(model).replicated(theta, np.random.default_rng(5))
    drawn = ab.Panel.from_arrays(
        raw.reshape(250, 3, 2), measures=["alliance", "days"], times=panel.times,
        requires={"alliance": "sponsor"}, states={"sponsor": states},
    )  # fmt: skip
    there = PanelModel(lay_out(spec, design_of(spec, drawn)), drawn, units=model.column_units)
    n_draws = 200
    equal = np.full((n_draws, 250), 1 / n_draws)

    def shares_at(theta):
        rng = np.random.default_rng(1)
        return LatentPeople(there).predictive_shares(np.tile(theta, (n_draws, 1)), equal, rng).reshape(250, 3, 3)

    shares = shares_at(theta)
    seen = ~np.isnan(shares)
    np.testing.assert_array_equal(seen[:, :, 0], states == 1)
    assert seen[:, :, 1:].all()
    p_values = [kstest(shares[seen[:, wave, column], wave, column], "uniform").pvalue
                for wave in range(3) for column in range(3)]  # fmt: skip
    assert min(p_values) > 0.001
    wrong = theta.copy()
    wrong[model.system.names.index("mean alliance, 3")] -= 0.6
    shares = shares_at(wrong)
    assert np.nanmean(shares[:, 1, 0]) > 0.6, "predictions are too low"
