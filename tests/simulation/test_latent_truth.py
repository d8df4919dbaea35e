"""Families and a state in a truth: beside the families' densities, and beside people drawn by the model itself."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.special import expit, logit
from scipy.stats import norm

import alliance_bayes as ab
from alliance_bayes.calibration.truths import truth_of
from alliance_bayes.engine.model_on_panel import panel_model
from alliance_bayes.families.cut_points import LOGIT, SPREAD
from alliance_bayes.families.registry import CODES
from alliance_bayes.posterior.predictions.latent import LatentPeople
from alliance_bayes.simulation.responses import drawn_responses
from textbook_families import log_density

DAYS = {"cuts": [-1.2, 0.9], "slope": 1.5, "intercept": 0.3, "interior_slope": 0.7, "precision": 5.0}
TRAIT = {"icc": 0.45, "within_correlation": 0.25, "between_correlation": 0.3}
LAGS = {"lagged": {"alliance -> days": 0.25, "days -> alliance": -0.1}, "carry_over": {"alliance": 0.5, "days": 0.4}}

FAMILIES = {
    "days": (ab.Days(14), DAYS, 14, ["cuts", "slope", "intercept", "interior_slope", "precision"]),
    "days_probit": (ab.Days(10, link="probit"), DAYS, 10, list(DAYS)),
    "beta_binomial": (ab.BetaBinomial(6), {"intercept": 0.2, "slope": 0.8, "precision": 3.0}, 6, None),
    "count": (ab.Count(2.5), {"intercept": 0.4, "slope": 0.7, "dispersion": 1.5}, np.log(2.5), None),
    "hurdle_count": (
        ab.Count(hurdle=True),
        {"intercept": 0.4, "slope": 0.7, "dispersion": 1.5, "any_intercept": 0.3, "any_slope": 1.1},
        0.0,
        None,
    ),
    "yes_no": (ab.YesNo(), {"intercept": -0.4, "slope": 1.2}, 0.0, None),
    "ordinal": (ab.Ordinal(4), {"slope": 1.3, "cuts": [-1.0, 0.2, 1.4]}, 4, ["slope", "cuts"]),
    "ordinal_probit": (
        ab.Ordinal(3, link="probit", lowest=0),
        {"slope": 0.8, "cuts": [-0.5, 0.6]},
        3,
        ["slope", "cuts"],
    ),
}


@pytest.mark.parametrize("code", FAMILIES)
@pytest.mark.parametrize("eta", [-0.8, 0.6])
def test_values_have_the_probabilities_of_their_family(code, eta):
    family, numbers, size, order = FAMILIES[code]
    spec = ab.CLPM(["x", "y"], families={"y": family})
    truth = ab.Truth(spec, times=[0, 1, 2], responses={"y": numbers})
    n = 20_000
    predictors = np.full((n, 3, 2), eta)
    drawn = drawn_responses(truth, predictors, np.random.default_rng(1))
    assert (drawn[..., 0] == eta).all(), "a normal measure is its linear predictor"
    phi = np.concatenate([np.ravel(numbers[key]) for key in order or numbers])
    lowest = getattr(family, "lowest", 0)
    for value in range(int(drawn[..., 1].max()) - lowest + 1):
        chance = float(np.exp(log_density(code, float(value), float(size), phi, np.array([eta]))[0]))
        share = (drawn[..., 1] == value + lowest).mean()
        assert abs(share - chance) < 4.5 * np.sqrt(max(chance, 1e-5) / (3 * n)), value


def test_items_are_ordered_answers_of_one_predictor():
    spec = ab.CLPM(["x", "trust"], families={"trust": ab.Items(["A1", "A2"], 3, lowest=0)})
    numbers = {"loading A1": 1.2, "cuts A1": [-0.5, 0.5], "loading A2": 0.6, "cuts A2": [0.0, 1.0]}
    truth = ab.Truth(spec, times=[0, 1, 2], responses={"trust": numbers})
    assert truth.columns == ("x", "A1", "A2")
    panel = ab.simulate(truth, persons=20_000, seed=1)
    assert panel.measures == ("x", "A1", "A2")
    for item, loading, cuts in (("A1", 1.2, [-0.5, 0.5]), ("A2", 0.6, [0.0, 1.0])):
        values = panel.values[:, 0, panel.measures.index(item)]
        for category, cut in enumerate(cuts):
            want = norm.cdf(cut / np.sqrt(1 + loading**2))
            if spec.families["trust"].link == "logit":
                grid, weights = np.polynomial.hermite_e.hermegauss(60)
                want = weights @ expit(cut - loading * grid) / weights.sum()
            assert abs((values <= category).mean() - want) < 4.5 * 0.5 / np.sqrt(20_000)


def sponsored(**more):
    spec = ab.RICLPM(
        ["alliance", "days"],
        families={"days": ab.Days((30, 30, 60))},
        state=ab.State("sponsor", ["alliance"], ["work"], ["days"], ["alliance", "days"], ["days"], same=0.7),
        **more,
    )
    given = {
        "means": {"alliance": [5, 5.4, 5.8], "days": [0, 0.2, 0.3]},
        "sds": {"alliance": 2, "days": 1},
        "responses": {"days": DAYS},
        "state": {
            "first": {"chance": 0.6, "work": 0.5},
            "acquire": {"chance": [0.3, 0.4], "days": 0.5},
            "keep": {"chance": 0.7, "alliance": 0.8, "days": -0.3},
            "acts_on": {"days": 0.4},
            "restart": {"alliance": {"mean": -0.4, "sd": 1.2}},
        },
        "covariates": {"work": {"probability": 0.4}},
    }
    return ab.Truth(spec, times=[3, 6, 12], **TRAIT, **LAGS, **given)


def theta_of(truth, model):
    """Parameters of the model that say what the truth says."""
    measures, names = truth.spec.measures, model.system.names
    within, between, new = truth.within_covariance, truth.between_covariance, truth._step_innovations
    total, waves = truth._total_sds, [f"{time:g}" for time in truth.times]
    intervals = [f"{one} to {two}" for one, two in pairwise(waves)]
    found = {}
    for row, outcome in enumerate(measures):
        for column, predictor in enumerate(measures):
            for place, interval in enumerate(intervals):
                effect = truth.step_effects[place][row, column]
                found[f"{predictor} -> {outcome}"] = found[f"{predictor} -> {outcome}, {interval}"] = effect
            word = f"variance {outcome}" if row == column else f"covariance {predictor}, {outcome}"
            found[f"between {word}"], found[f"within {word}, {waves[0]}"] = between[row, column], within[row, column]
            for place, interval in enumerate(intervals):
                found[f"innovation {word}"] = found[f"innovation {word}, {interval}"] = new[place][row, column]
        for wave, label in enumerate(waves):
            found[f"mean {outcome}, {label}"] = truth._wave_means[wave, row]
    state = truth.state
    restart = state["restart"]["alliance"]
    found["restart mean alliance"] = restart["mean"] * total[0]
    found["restart variance alliance"] = restart["sd"] ** 2 * within[0, 0]
    found[f"intercept sponsor, {waves[0]}"] = logit(state["first"]["chance"])
    spread = np.sqrt(0.4 * 0.6)
    found[f"work -> sponsor, {waves[0]}"] = state["first"]["work"] / spread
    for key, word in (("acquire", "acquired"), ("keep", "kept")):
        for wave, chance in enumerate(np.broadcast_to(state[key]["chance"], 2)):
            found[f"intercept sponsor {word}, {waves[wave + 1]}"] = logit(chance)
        for place, name in enumerate(measures):
            found[f"{name} -> sponsor {word}"] = state[key].get(name, 0.0) / total[place]
    found["sponsor -> days"] = state["acts_on"]["days"] * total[1]
    numbers = truth.responses["days"]
    left = 1 - expit(np.array(numbers["cuts"]) / np.sqrt(1 + SPREAD[LOGIT] * numbers["slope"] ** 2))
    found["share 1 days"], found["share 2 days"] = 1 - left[0], 1 - left[1] / left[0]
    found |= {f"{key} days": numbers[key] for key in ("slope", "intercept", "interior_slope", "precision")}
    return model.from_raw(np.array([found[name] for name in names]))


def test_a_truth_goes_to_parameters_and_back():
    truth = sponsored(lags="free")
    model = panel_model(truth.spec, ab.simulate(truth, persons=300, seed=4))
    theta = theta_of(truth, model)
    again = truth_of(model, theta)
    # `theta_of` knows the population's SD of 'work', and the model the sample's.
    alike = ["work" not in name for name in model.system.names]
    np.testing.assert_allclose(theta_of(again, model)[alike], theta[alike], rtol=1e-9, atol=1e-12)
    assert set(again.state) == set(truth.state)
    np.testing.assert_allclose(again.state["keep"]["alliance"], 0.8, rtol=1e-9)


def statistics_of(values, states):
    """Numbers with their standard errors, for complete people; values ``(person, wave, measure)``."""
    found = {}

    def add(name, numbers):
        numbers = numbers[~np.isnan(numbers)]
        assert len(numbers) > 500, name
        found[name] = numbers.mean(), numbers.std() / np.sqrt(len(numbers))

    for wave in range(3):
        add(f"on {wave}", states[:, wave])
        for measure in range(2):
            here = values[:, wave, measure]
            add(f"mean {measure} {wave}", here)
            add(f"variance {measure} {wave}", (here - np.nanmean(here)) ** 2)
        add(f"none {wave}", (values[:, wave, 1] == 0).astype(float))
        add(f"across {wave}", (values[:, wave, 0] - 5) * values[:, wave, 1])
        if wave:
            for before in (0, 1):
                chosen = states[:, wave - 1] == before
                add(f"later {before} {wave}", states[chosen, wave])
                add(f"alliance after {before} {wave}", values[chosen, wave, 0])
                add(f"days after {before} {wave}", values[chosen, wave, 1])
            add(f"kept by alliance {wave}", (values[:, wave - 1, 0] - 5) * states[:, wave])
            add(f"kept by days {wave}", values[:, wave - 1, 1] * states[:, wave])
            for one in range(2):
                for two in range(2):
                    add(f"lag {one} {two} {wave}", (values[:, wave - 1, one] - 5) * (values[:, wave, two] - 5))
    add("first and last", (values[:, 0, 0] - 5) * values[:, 2, 1])
    return found


@pytest.mark.parametrize("options", [{"lags": "free"}, {"lags": "grid", "residuals": "free"}], ids=["free", "grid"])
def test_people_with_a_state_are_those_of_the_model(options):
    """Shares, transitions, means, variances and products over waves: two programs without a line in common."""
    truth, persons = sponsored(**options), 30_000
    panel = ab.simulate(truth, persons=persons, seed=4)
    model = panel_model(truth.spec, panel)
    raw, states = LatentPeople(model).replicated(theta_of(truth, model), np.random.default_rng(5))
    ours = statistics_of(panel.values, panel.states["sponsor"])
    theirs = statistics_of(raw.reshape(persons, 3, 2), states)
    off = {name: (mean - theirs[name][0]) / np.hypot(error, theirs[name][1]) for name, (mean, error) in ours.items()}
    assert len(off) > 40
    assert max(map(abs, off.values())) < 4.5, off
    assert np.sqrt(np.mean(np.square(list(off.values())))) < 1.5


@pytest.mark.slow
def test_a_fit_finds_the_truth():
    truth = sponsored(lags="grid", residuals="equal")
    panel = ab.simulate(truth, persons=1000, seed=6)
    fit = ab.fit(truth.spec, panel, seed=1, draws=300, chains=2, progress=False)
    wanted = theta_of(truth, fit.model)
    drawn = fit.thetas
    off = (drawn.mean(axis=0) - wanted) / drawn.std(axis=0)
    assert np.abs(off).max() < 4, dict(zip(fit.model.system.names, off.round(1).tolist(), strict=True))
    assert np.sqrt(np.mean(off**2)) < 1.5


def test_more_persons_begin_with_the_same():
    truth = sponsored(lags="grid")
    few, more = (ab.simulate(truth, persons=persons, seed=2) for persons in (20, 50))
    np.testing.assert_array_equal(more.values[:20], few.values)
    np.testing.assert_array_equal(more.states["sponsor"][:20], few.states["sponsor"])
    again = ab.Truth.from_mapping(truth.spec, truth.to_mapping())
    assert again == truth
    np.testing.assert_array_equal(ab.simulate(again, persons=20, seed=2).values, few.values)
    assert "State: first chance 0.6; work 0.5" in str(truth)
    assert "Families: days cuts -1.2, 0.9; slope 1.5" in str(truth)


@pytest.mark.parametrize("unit", ["wave", "value"])
def test_who_is_not_seen_does_not_tell_the_state(unit):
    missing = ab.Missing(share=0.3, mechanism="at_random", unit=unit)
    panel = ab.simulate(sponsored(lags="grid"), persons=400, seed=2, missing=missing)
    gone = np.isnan(panel.values[:, 1:, 1])
    assert gone.mean() == pytest.approx(0.3, abs=0.06)
    told = ~np.isnan(panel.states["sponsor"][:, 1:])
    assert (told == ~gone).all() if unit == "wave" else told.all()


def test_a_state_that_nothing_needs_is_a_measure():
    spec = ab.CLPM(["x", "y"], state=ab.State("helper", acts_on=["y"]))
    state = {"first": 0.5, "acquire": 0.3, "keep": 0.8, "acts_on": {"y": 1.0}}
    panel = ab.simulate(ab.Truth(spec, times=[0, 1, 2], state=state), persons=5000, seed=1)
    assert panel.measures == ("x", "y", "helper")
    on = panel.values[:, 1, 2] == 1
    assert on.mean() == pytest.approx(0.5 * 0.8 + 0.5 * 0.3, abs=0.03)
    assert panel.values[on, 1, 1].mean() - panel.values[~on, 1, 1].mean() == pytest.approx(1, abs=0.13)


def test_every_problem_of_families_and_a_state():
    truth = sponsored(lags="grid")
    state = {"firs": 0.2, "acquire": {"chance": 2, "z": 1}, "keep": {"alliance": 0.1}, "restart": {"days": {"mean": 1}}}
    with pytest.raises(ab.SpecError) as caught:
        ab.Truth(
            truth.spec, times=[3, 6, 12], **TRAIT, sds=2, means={"alliance": 0, "days": [1, 1, 1]}, state=state,
            responses={"x": {}, "days": {"cuts": [1, 0], "slop": 2, "precision": 0}},
        )  # fmt: skip
    problems = "\n".join(caught.value.problems)
    for words in (
        "responses: 'x' has no family in the model. It has: 'days'.",
        "responses 'days' has no 'slop'; did you mean 'slope'?",
        "responses 'days' leaves out 'slope', 'intercept', 'interior_slope'.",
        "responses 'days' precision must be a number above 0; got 0.",
        "responses 'days' cuts must rise; got [1.0, 0.0].",
        "sds of 'days' is that of its linear predictor, which is 1; got 2.0.",
        "means of 'days' are those of its linear predictor, which begin with 0; got [1.0, 1.0, 1.0].",
        "state has no 'firs'; did you mean 'first'?",
        "state leaves out 'first': chances where all predictors are at their means.",
        "state acquire has no 'z'. Its keys: 'chance', 'days'.",
        "state acquire chance must be a number between 0 and 1, or a list of 2, one for each interval; got 2.",
        "state keep needs a 'chance'",
        "state restart: the model has no 'days' there. It has: 'alliance'.",
    ):
        assert words in problems
    with pytest.raises(ab.SpecError, match="state is missing: the chances of 'sponsor'"):
        ab.Truth(truth.spec, times=[3, 6, 12], **TRAIT, responses={"days": DAYS})
    chosen = ab.RICLPM(["x", "y"], selection=[ab.Selection("interview", on=["y"], effect=ab.Normal(0, 0.5))])
    with pytest.raises(ab.SpecError, match="selection is missing: chances of being seen"):
        ab.Truth(chosen, times=[0, 1, 2], **TRAIT)
    with pytest.raises(
        ab.SpecError, match="The amount of 'days' is in the column 'window', which a truth does not have"
    ):
        ab.Truth(ab.CLPM(["x", "days"], families={"days": ab.Days("window")}), times=[0, 1], responses={"days": DAYS})
    with pytest.raises(ab.SpecError, match="state needs a state in the model"):
        ab.Truth(ab.CLPM(["x", "y"]), times=[0, 1], state={"first": 0.5})


def test_every_family_is_among_these():
    assert set(CODES) - {"occurrence", "proportion", "proportion_probit"} == set(FAMILIES), (
        "that of shares has a file of its own"
    )
