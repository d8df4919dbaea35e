"""What is said of people: linear predictors given their answers, replicated panels, and densities."""

import gc
import weakref

import numpy as np
import pytest
from scipy.special import expit

import alliance_bayes as ab
from alliance_bayes.engine.kernels.interpreter import run_many
from alliance_bayes.engine.linear_system import Variable
from alliance_bayes.engine.model_on_panel import panel_model
from alliance_bayes.panel import Absence
from alliance_bayes.posterior.predictions.latent import LatentPeople, who_could_answer
from alliance_bayes.posterior.predictions.responses import observed_responses, response_statistics
from helpers import between_covariance, textbook_moments
from latent_people import NAMES, people

SIMPLE = ["alliance", "trust"]


def some_theta(model, seed=5, changed=None):
    """Theta near the middle of the prior, some numbers changed by name."""
    rng = np.random.default_rng(seed)
    drawn = model.scale.join(model.scale.draw(400, rng))
    middle = np.median(drawn, axis=0)
    theta = run_many((middle + 0.3 * (drawn[0] - middle))[None], model.scale.arrays)[0][0]
    for name, value in (changed or {}).items():
        theta[model.system.names.index(name)] = value
    return theta, dict(zip(model.system.names, theta.tolist(), strict=True))


def stacked(panel, model, measures):
    """Values in the model's unit, shape ``(person, wave * measure)``."""
    chosen = panel.values[:, :, [NAMES.index(name) for name in measures]]
    return ((chosen - model.centre) / model.unit).reshape(len(chosen), -1)


def conditional(spec, times, values, row, shift=(0.0, 0.0)):
    """Mean and covariance of random intercepts, then of all values, given those of one person."""
    mean, covariance = textbook_moments(spec, times, values)
    between, n_waves, size = between_covariance(spec, values), len(times), len(spec.measures)
    joint = np.block([[between, np.tile(between, n_waves)], [np.tile(between, (n_waves, 1)), covariance]])
    centre = np.concatenate([np.zeros(size), mean]) + np.tile(shift, n_waves + 1)
    known = size + np.flatnonzero(~np.isnan(row))
    weights = np.linalg.solve(joint[np.ix_(known, known)], joint[known]).T
    return centre + weights @ (row[known - size] - centre[known]), joint - weights @ joint[known]


def targets_of(model):
    return [model.system.systems[0].variables.index(Variable("intercept", name)) for name in model.spec.measures]


def test_random_intercepts_of_normal_measures_are_those_of_normal_conditioning():
    panel = people(15, 3, missing=0.3, seed=8, complete=["helper"])
    spec = ab.RICLPM(SIMPLE, lags="equal", covariates={"age": "intercepts"}, state=ab.State("helper"))
    model = panel_model(spec, panel)
    theta, values = some_theta(model, changed={"age -> intercept trust": 0.5})
    n_draws = 800
    drawn, _ = LatentPeople(model).variables_and_cases(
        targets_of(model), np.tile(theta, (n_draws, 1)), np.random.default_rng(3)
    )
    age = panel.covariates["age"]
    effects = np.array([values[f"age -> intercept {name}"] for name in SIMPLE])
    rows = stacked(panel, model, SIMPLE)
    for person, row in enumerate(rows):
        shift = (age[person] - age.mean()) / age.std() * effects
        mean, covariance = (part[:2] for part in conditional(spec, panel.times, values, row, shift))
        sds = np.sqrt(np.diag(covariance[:, :2]))
        assert (np.abs(drawn[:, person].mean(axis=0) - mean) < 4.5 * sds / np.sqrt(n_draws)).all()
        np.testing.assert_allclose(np.cov(drawn[:, person].T), covariance[:, :2], atol=0.2 * (sds**2).max())


def test_the_state_and_who_was_seen_tell_of_random_intercepts():
    """Against draws from the conditional normal, weighted by the probability of what was told."""
    panel = people(12, 3, missing=0.4, seed=9, complete=["helper"])
    state = ab.State("helper", acquire=["trust"], keep=["trust"])
    answered = ab.Selection("trust", on=["trust"], effect=ab.Normal(1, 0.5))
    spec = ab.RICLPM(SIMPLE, lags="equal", state=state, selection=[answered])
    model = panel_model(spec, panel)
    changed = {"trust -> helper acquired": 1.5, "trust -> helper kept": -1.5, "trust -> trust seen": 1.2}
    theta, values = some_theta(model, changed=changed)
    n_draws, n_weighted, rng = 800, 40_000, np.random.default_rng(4)
    drawn = LatentPeople(model).variables_and_cases(targets_of(model), np.tile(theta, (n_draws, 1)), rng)[0][:, :, 1]
    states = panel.values[:, :, NAMES.index("helper")]
    means = np.array([values[f"mean trust, {time:g}"] for time in panel.times])
    moved = []
    for person, row in enumerate(stacked(panel, model, SIMPLE)):
        mean, covariance = conditional(spec, panel.times, values, row)
        eigenvalues, directions = np.linalg.eigh(covariance)
        root = directions * np.sqrt(np.maximum(eigenvalues, 0))
        points = mean + rng.normal(size=(n_weighted, len(mean))) @ root.T
        deviation = points[:, 3::2] - means
        logits = [values["intercept trust seen, 0"] + 1.2 * deviation[:, 0]]
        told = [not np.isnan(row[1])]
        for wave, time in enumerate(panel.times[1:], start=1):
            on = states[person, wave - 1] == 1
            word, slope = ("kept", -1.5) if on else ("acquired", 1.5)
            logits.append(values[f"intercept helper {word}, {time:g}"] + slope * deviation[:, wave - 1])
            told.append(states[person, wave] == 1)
            logits.append(values[f"intercept trust seen, {time:g}"] + 1.2 * deviation[:, wave])
            told.append(not np.isnan(row[2 * wave + 1]))
        weights = np.prod([expit(logit if yes else -logit) for logit, yes in zip(logits, told, strict=True)], axis=0)
        weights /= weights.sum()
        expected = weights @ points[:, 1]
        sd = np.sqrt(weights @ (points[:, 1] - expected) ** 2)
        moved.append(abs(expected - mean[1]) / sd)
        error = sd * np.sqrt(1 / n_draws + 1 / (1 / (weights**2).sum()))
        assert abs(drawn[:, person].mean() - expected) < 4.5 * error + 0.01 * sd
        assert drawn[:, person].std() == pytest.approx(sd, rel=0.14)
    assert max(moved) > 0.2, "or the test tells nothing"


def sponsored():
    state = ab.State("sponsor", ["alliance"], ["age"], ["trust"], ["alliance", "trust"], ["trust"], same=0.7)
    return ab.CLPM(SIMPLE, lags="equal", residuals="equal", state=state)


def simulated(values, age, rng):
    """People from the equations of `State`, one wave after the other; values in the model's unit."""
    n, size = len(age), 2
    within = np.array([[values["within variance alliance, 0"], values["within covariance alliance, trust, 0"]]] * 2)
    within[1] = within[0, 1], values["within variance trust, 0"]
    noise = np.array([[values["innovation variance alliance"], values["innovation covariance alliance, trust"]]] * 2)
    noise[1] = noise[0, 1], values["innovation variance trust"]
    effects = np.array([[values[f"{a} -> {b}"] for a in SIMPLE] for b in SIMPLE])
    state = rng.random(n) < expit(values["intercept sponsor, 0"] + values["age -> sponsor, 0"] * age)
    w = rng.multivariate_normal(np.zeros(size), within, size=n)
    w[~state, 0] = 0
    states, parts = [state], [w]
    for time in ("3", "9"):
        kept = values[f"intercept sponsor kept, {time}"] + w @ [values[f"{m} -> sponsor kept"] for m in SIMPLE]
        acquired = values[f"intercept sponsor acquired, {time}"] + values["trust -> sponsor acquired"] * w[:, 1]
        on = rng.random(n) < expit(np.where(state, kept, acquired))
        same = on & state & (rng.random(n) < 0.7)
        e = rng.multivariate_normal(np.zeros(size), noise, size=n)
        new = w @ effects.T + e
        anew = np.sqrt(values["restart variance alliance"] / noise[0, 0]) * e[:, 0] + values["restart mean alliance"]
        new[:, 0] = np.where(same, new[:, 0], np.where(on, anew, 0.0))
        state, w = on, new
        states.append(state)
        parts.append(w)
    states, scores = np.stack(states, axis=1), np.stack(parts, axis=1)
    for wave, time in enumerate(("0", "3", "9")):
        scores[:, wave] += [values[f"mean {name}, {time}"] for name in SIMPLE]
    scores[:, :, 1] += values["sponsor -> trust"] * states
    scores[:, :, 0] = np.where(states, scores[:, :, 0], np.nan)
    return scores, states.astype(float)


def test_replicated_people_are_those_of_the_equations():
    panel = people(4000, 3, required=["alliance"], seed=2)
    model = panel_model(sponsored(), panel)
    changed = {"trust -> sponsor acquired": 0.8, "alliance -> sponsor kept": 0.9, "sponsor -> trust": 0.7}
    changed |= {"restart mean alliance": -0.8, "trust -> alliance": 0.3, "alliance -> trust": 0.35}
    theta, values = some_theta(model, changed=changed)
    raw, states = LatentPeople(model).replicated(theta, np.random.default_rng(7))
    scores = (raw.reshape(4000, 3, 2) - model.centre) / model.unit
    age = panel.covariates["age"]
    expected, expected_states = simulated(values, np.tile((age - age.mean()) / age.std(), 15), np.random.default_rng(8))

    def alike(ours, theirs, most=4.5):
        n = (~np.isnan(ours)).sum()
        assert n > 100
        assert abs(np.nanmean(ours) - np.nanmean(theirs)) < most * np.nanstd(theirs) * np.sqrt(1 / n + 1 / 60_000)

    np.testing.assert_array_equal(np.isnan(scores[:, :, 0]), states == 0)
    for wave in range(3):
        alike(states[:, wave], expected_states[:, wave])
        for measure in range(2):
            ours, theirs = scores[:, wave, measure], expected[:, wave, measure]
            alike(ours, theirs)
            alike((ours - np.nanmean(theirs)) ** 2, (theirs - np.nanmean(theirs)) ** 2)
        for before in (0, 1):
            if wave:
                chosen, there = states[:, wave - 1] == before, expected_states[:, wave - 1] == before
                alike(states[chosen, wave], expected_states[there, wave])
                alike(scores[chosen, wave, 1], expected[there, wave, 1])
    both, theirs = scores[:, 1, 0] * scores[:, 2, 0], expected[:, 1, 0] * expected[:, 2, 0]
    alike(both, theirs)
    alike(scores[:, 1, 0] * scores[:, 2, 1], expected[:, 1, 0] * expected[:, 2, 1])


EVERYTHING = ab.RICLPM(
    ["alliance", "days", "scale"],
    lags="equal",
    families={"days": ab.Days("window"), "scale": ab.Items(["item1", "item2"], 4, lowest=0)},
    covariates={"work": "intercepts"},
    state=ab.State("sponsor", ["alliance", "scale"], ["work"], ["days"], ["alliance"], ["days"]),
    selection=[ab.Selection("interview", on=["days"], effect=ab.Normal(0.3, 0.3)), ab.Selection("alliance")],
)
COLUMNS = ["alliance", "days", "item1", "item2"]


@pytest.fixture(scope="module")
def everything():
    panel = people(60, 3, required=["alliance", "item1", "item2"], unknown=[4, 8], dropout=True, missing=0.1, seed=5)
    return panel_model(EVERYTHING, panel)


def test_replicated_values_are_absent_where_people_were_not_seen_or_what_was_asked_does_not_exist(everything):
    model, panel = everything, everything.panel
    theta, _ = some_theta(model)
    raw, states = LatentPeople(model).replicated(theta, np.random.default_rng(1))
    values, told = raw.reshape(60, 3, 4), panel.states["sponsor"]
    np.testing.assert_array_equal(np.isnan(states), np.isnan(told))
    for place, column in enumerate(COLUMNS):
        absence = panel.absence[:, :, NAMES.index(column)]
        gone = np.isin(absence, [Absence.WAVE_MISSING, Absence.ITEM_MISSING])
        assert np.isnan(values[:, :, place][gone]).all()
        if column == "days":
            assert not np.isnan(values[:, :, place][~gone]).any()
            continue
        known = ~gone & ~np.isnan(states)
        np.testing.assert_array_equal(np.isnan(values[:, :, place])[known], (states == 0)[known])
    window = panel.values[:, :, NAMES.index("window")]
    days, seen = values[:, :, 1], ~np.isnan(values[:, :, 1])
    assert ((days >= 0) & (days <= window))[seen].all()
    assert set(np.unique(values[:, :, 2:][~np.isnan(values[:, :, 2:])])) == {0.0, 1.0, 2.0, 3.0}


def test_observed_statistics_are_those_of_the_panel(everything):
    panel = everything.panel
    observed = observed_responses(everything)
    values, state = observed
    np.testing.assert_array_equal(state, panel.states["sponsor"])
    by_wave = values.reshape(60, 3, 4)
    table = response_statistics(everything, observed)
    assert table.index.is_unique
    days, window = by_wave[:, 1, 1], panel.values[:, 1, NAMES.index("window")]
    seen = ~np.isnan(days)
    assert table["share lowest", "days, 3"] == pytest.approx((days[seen] == 0).mean())
    assert table["share highest", "days, 3"] == pytest.approx((days[seen] == window[seen]).mean())
    item = by_wave[:, 2, 3]
    assert table["share highest", "item2, 9"] == pytest.approx((item[~np.isnan(item)] == 3).mean())
    assert table["share on", "3"] == pytest.approx(np.nanmean(state[:, 1]))
    pairs = [(before, after) for before, after in state[:, :2] if not np.isnan(before + after)]
    for word, which in (("acquired", 0), ("kept", 1)):
        expected = np.mean([after for before, after in pairs if before == which])
        assert table[word, "0 to 3"] == pytest.approx(expected)
    replicated = response_statistics(
        everything, LatentPeople(everything).replicated(some_theta(everything)[0], np.random.default_rng(2))
    )
    assert replicated.index.equals(table.index)


def test_densities_of_people_are_in_the_units_of_their_values(everything):
    panel = everything.panel
    theta, _ = some_theta(everything)
    everyone = np.arange(60)
    found = LatentPeople(everything).log_densities(np.stack([theta, theta]), everyone)
    assert found.shape == (2, 60)
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_allclose(
        LatentPeople(everything).log_densities(theta[None], everyone[10:20])[0], found[0, 10:20], rtol=1e-12
    )
    scaled = panel.values.copy()
    scaled[:, :, 0] = 100 - 7 * scaled[:, :, 0]
    other = ab.Panel.from_arrays(
        scaled,
        measures=panel.measures,
        times=panel.times,
        requires=dict(panel.requires),
        states=dict(panel.states),
        interviewed=(panel.absence != Absence.WAVE_MISSING).any(axis=2),
        covariates=dict(panel.covariates),
    )
    turned = panel_model(EVERYTHING, other)
    np.testing.assert_allclose(turned.unit, everything.unit * [7, 1, 1])
    signs = np.array([(-1) ** sum("alliance" in part for part in parts_of(name)) for name in everything.system.names])
    there = LatentPeople(turned).log_densities((signs * theta)[None], everyone)[0]
    n_values = (~np.isnan(scaled[:, :, 0])).sum(axis=1)
    np.testing.assert_allclose(there, found[0] - n_values * np.log(7), atol=2e-4)


def parts_of(name):
    """Where a measure that is turned around changes the sign of a parameter: once for each time it is named.

    Not in "restart variance", a share of answers, or a carry-over, where it is named twice or its size is meant.
    """
    if " variance " in name or "seen, " in name or name == "alliance -> alliance":
        return []
    return name.replace(",", " ,").split(" ")


def test_the_integral_is_held_against_importance_sampling(everything):
    thetas = np.stack([some_theta(everything, seed=seed)[0] for seed in range(3)])
    error = LatentPeople(everything).integration_error(thetas, seed=1)
    assert abs(error.mean) < 1.5
    assert error.sd < 1.0
    assert 0 < error.monte_carlo_error < 0.5
    assert 1 / 3 <= error.effective_share <= 1
    assert error.unsettled == 0
    assert str(error).startswith("integration error of the log-likelihood ")


def test_the_integral_of_later_waves_is_that_of_all_less_that_of_the_first(everything):
    thetas = np.stack([some_theta(everything, seed=seed)[0] for seed in range(3)])
    later = LatentPeople(everything).integration_error(thetas, seed=1, n_known=2)
    every, first = (
        LatentPeople(model).integration_error(thetas, seed=1) for model in (everything, everything.before(2))
    )
    assert later.mean == pytest.approx(every.mean - first.mean, abs=1e-9)
    assert later.monte_carlo_error == pytest.approx(np.hypot(every.monte_carlo_error, first.monte_carlo_error), rel=0.1)
    assert later.spread == pytest.approx(np.hypot(later.sd, later.monte_carlo_error))


def test_imputed_values_of_a_normal_measure_have_its_conditional_distribution():
    panel = people(10, 3, missing=0.35, seed=8, complete=["helper"])
    spec = ab.RICLPM(SIMPLE, lags="equal", state=ab.State("helper"))
    model = panel_model(spec, panel)
    theta, values = some_theta(model)
    rng, n_draws = np.random.default_rng(3), 250
    drawn = np.array([LatentPeople(model).imputed("trust", theta, rng)(0.0)[:, :, 1] for _ in range(n_draws)])
    drawn = (drawn - model.centre[1]) / model.unit[1]
    absent = 0
    for person, row in enumerate(stacked(panel, model, SIMPLE)):
        mean, covariance = conditional(spec, panel.times, values, row)
        for wave in np.flatnonzero(np.isnan(row[1::2])):
            place = 2 + 2 * wave + 1
            sd = np.sqrt(covariance[place, place])
            assert abs(drawn[:, person, wave].mean() - mean[place]) < 4.5 * sd / np.sqrt(n_draws)
            assert drawn[:, person, wave].std() == pytest.approx(sd, rel=0.25)
            absent += 1
    assert absent > 5


def test_imputed_days_are_as_probable_as_their_family_says_at_what_is_left_of_their_predictor():
    """Of people who told no days: given exact values alone, so that the linear predictor is normal."""
    panel = people(6, 2, seed=8)
    values = panel.values.copy()
    values[2:, :, NAMES.index("days")] = np.nan  # the first two did
    panel = ab.Panel.from_arrays(values, measures=NAMES, times=panel.times)
    spec = ab.CLPM(["alliance", "days"], lags="equal", families={"days": ab.Days(14)})
    model = panel_model(spec, panel)
    theta, _ = some_theta(model)
    means, covariances, phi = model.predictor_moments(theta)
    exact = model.values()
    rng, n_draws = np.random.default_rng(3), 1500
    by_shift = {0.0: [], 1.0: []}
    for _ in range(n_draws):
        drawn = LatentPeople(model).imputed("days", theta, rng)
        for shift, found in by_shift.items():
            found.append(drawn(shift)[:, :, 1])
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    known = [0, 2]
    for person in range(2, 6):
        gains = np.linalg.solve(covariances[0][np.ix_(known, known)], covariances[0][known]).T
        mean = means[0] + gains @ (exact[person, known] - means[0][known])
        left = covariances[0] - gains @ covariances[0][known]
        for shift, found in by_shift.items():
            shares = np.mean([each == 0 for each in found], axis=0)[person]
            for wave, place in enumerate([1, 3]):
                eta = mean[place] + shift + np.sqrt(left[place, place]) * nodes
                want = weights @ expit(phi[0] - phi[2] * eta) / weights.sum()
                assert abs(shares[wave] - want) < 4.5 * np.sqrt(want * (1 - want) / n_draws)
        assert (np.array(by_shift[1.0])[:, person] >= np.array(by_shift[0.0])[:, person]).mean() > 0.8


def test_the_state_of_waves_that_nothing_is_known_of_is_drawn_too():
    """Of people seen once, the last values hold the effect of a sponsor as often as they have one."""
    panel, n_waves = people(40, 3, required=["alliance"], seed=8), 3
    values, states = panel.values.copy(), panel.states["sponsor"].copy()
    values[12:, 1:], states[12:, 1:] = np.nan, np.nan
    seen = np.ones((40, n_waves), dtype=bool)
    seen[12:, 1:] = False
    panel = ab.Panel.from_arrays(
        values, measures=NAMES, times=panel.times, requires={"alliance": "sponsor"}, states={"sponsor": states},
        interviewed=seen, covariates=dict(panel.covariates),
    )  # fmt: skip
    state = ab.State("sponsor", ["alliance"], acts_on=["trust"])
    model = panel_model(ab.CLPM(SIMPLE, lags="equal", state=state), panel)
    intercepts = {f"intercept sponsor {word}, {time:g}": 1.0 for word in ("acquired", "kept") for time in (3, 9)}
    theta, named = some_theta(model, changed={"sponsor -> trust": 3.0} | intercepts)
    without, _ = some_theta(model, changed={"sponsor -> trust": 0.0} | intercepts)
    rng = np.random.default_rng(3)
    last = [
        np.array([LatentPeople(model).imputed("trust", each, rng)(0.0)[12:, 2, 1] for _ in range(150)]).mean()
        for each in (theta, without)
    ]
    carried = named["trust -> trust"]
    # What it added at first is no deviation, and does not carry over.
    expected = 3 * (expit(1.0) - carried**2 * states[12:, 0].mean())
    assert (last[0] - last[1]) / model.unit[1] == pytest.approx(expected, abs=0.15)


def test_where_a_value_may_be_drawn():
    panel = people(20, 3, required=["alliance"], unknown=[3], dropout=True, seed=8)
    families = {"days": ab.Days("window")}
    spec = ab.RICLPM(["alliance", "days"], lags="equal", families=families, state=ab.State("sponsor", ["alliance"]))
    model = panel_model(spec, panel)
    exists, drawable = who_could_answer(model, "alliance")
    np.testing.assert_array_equal(exists, panel.states["sponsor"] == 1)
    np.testing.assert_array_equal(exists, drawable)
    exists, drawable = who_could_answer(model, "days")
    assert exists.all()
    np.testing.assert_array_equal(drawable, ~np.isnan(panel.values[:, :, NAMES.index("window")]))
    assert not drawable.all()


def test_some_persons_have_the_density_that_they_have_among_all():
    panel = people(25, 3, required=["alliance"], unknown=[3, 9], dropout=True, missing=0.1, seed=8)
    families = {"days": ab.Days(14)}
    spec = ab.RICLPM(["alliance", "days"], lags="equal", families=families, state=ab.State("sponsor", ["alliance"]))
    model = panel_model(spec, panel)
    thetas = np.array([some_theta(model, seed)[0] for seed in (1, 2)])
    everybody = LatentPeople(model).log_densities(thetas, np.arange(25))
    some = np.array([9, 3, 20, 0])
    np.testing.assert_allclose(LatentPeople(model).log_densities(thetas, some), everybody[:, some], rtol=1e-12)


def test_nothing_keeps_a_model_and_its_panel_after_its_last_use():
    panel = people(8, 3, missing=0.2, seed=9, complete=["helper"])
    model = panel_model(ab.RICLPM(SIMPLE, lags="equal", state=ab.State("helper")), panel)
    theta, _ = some_theta(model)
    first = LatentPeople(model).replicated(theta, np.random.default_rng(1))
    again = LatentPeople(model).replicated(theta, np.random.default_rng(1))  # by systems that were made before
    np.testing.assert_array_equal(first[0], again[0])
    gone = weakref.ref(model), weakref.ref(panel)
    del model, panel
    gc.collect()
    assert [each() for each in gone] == [None, None]


def test_systems_of_more_cells_than_are_kept(monkeypatch):
    from alliance_bayes.engine import model_on_panel

    model = panel_model(ab.RICLPM(SIMPLE, lags="equal", state=ab.State("helper")), people(8, 3, seed=9))
    ((first, second, third),) = [model.design.cells[:3]]
    monkeypatch.setattr(model_on_panel, "MOST_SYSTEMS", 2)
    systems = [model.system_of(cell) for cell in (first, second, first, third)]
    assert systems[0] is systems[2]
    assert model.system_of(first) is systems[0]
    assert model.system_of(second) is not systems[1]
    assert len(model._system_of) == 2
