"""What models of every kind can have besides: lags of two waves, moderators, covariates, indicators, error, groups."""

import numpy as np
import pytest
from scipy.linalg import expm
from test_kinds import agree, close, within

from alliance_bayes.basics.problems import SpecError
from alliance_bayes.simulation import GroupTruth, Missing, Truth, simulate
from alliance_bayes.spec.models import ALT, CLPM, DPM, LCMSR, RICLPM, STARTS

TWO = ["x", "y"]
EFFECTS = {"lagged": {"x -> y": 0.2, "y -> x": -0.1}, "carry_over": {"x": 0.4, "y": 0.3}, "within_correlation": 0.25}
TRAIT = EFFECTS | {"icc": 0.4, "between_correlation": 0.3, "sds": {"x": 1.0, "y": 3.0}}
PERSONS = 50_000


def blocks(covariance, n_waves, size=2):
    return covariance.reshape(n_waves, size, n_waves, size).swapaxes(1, 2)


# --- lags ---


@pytest.mark.parametrize("n_waves", [4, 6])
def test_lags_of_two_waves_solve_the_yule_walker_equations(n_waves):
    spec = CLPM(TWO, lags="free", lag_2=["x -> y", "y -> y"])
    truth = Truth(
        spec, times=list(range(n_waves)), lag_2={"x -> y": 0.15, "y -> y": 0.2}, sds={"x": 1, "y": 3}, **EFFECTS
    )
    first, second = truth.raw[0], np.array([[0, 0], [0.15 * 3, 0.2]])
    got = blocks(truth.covariance, n_waves)
    for wave in range(n_waves):
        np.testing.assert_allclose(got[wave, wave], truth.within_covariance, rtol=1e-12)
        for earlier in range(wave):
            further = second @ got[wave - 2, earlier] if wave > 1 else 0
            np.testing.assert_allclose(got[wave, earlier], first @ got[wave - 1, earlier] + further, atol=1e-12)
    agree(simulate(truth, persons=PERSONS, seed=4), truth)
    assert Truth.from_mapping(spec, truth.to_mapping()) == truth


def test_equal_standardised_lags_with_growing_within_person_sds():
    spec = RICLPM(TWO, lags="equal_standardized")
    truth = Truth(spec, times=[0, 1, 2, 3], within_scale={"x": [1.5, 2.0, 2.5], "y": 0.5}, **TRAIT)
    sds = np.sqrt(np.diagonal(truth.within_covariances, axis1=1, axis2=2))
    np.testing.assert_allclose(sds[:, 0] / sds[0, 0], [1, 1.5, 2, 2.5], rtol=1e-12)
    np.testing.assert_allclose(sds[:, 1] / sds[0, 1], [1, 0.5, 0.5, 0.5], rtol=1e-12)
    for wave in range(3):
        standard = truth.raw[wave] * sds[wave] / sds[wave + 1][:, None]
        np.testing.assert_allclose(standard, [[0.4, -0.1], [0.2, 0.3]], rtol=1e-12)
        state = truth.raw[wave] @ truth.within_covariances[wave] @ truth.raw[wave].T
        np.testing.assert_allclose(state + truth.innovation_covariances[wave], truth.within_covariances[wave + 1])
    own = np.diagonal(blocks(truth.covariance, 4), axis1=0, axis2=1).transpose(2, 0, 1)
    np.testing.assert_allclose(own, truth.within_covariances + truth.between_covariance, rtol=1e-12)
    agree(simulate(truth, persons=PERSONS, seed=6), truth)


def test_free_loadings_of_the_trait():
    spec = RICLPM(TWO, trait_loadings="free")
    truth = Truth(spec, times=[0, 1, 2], trait_loadings={"x": [0.8, 1.3], "y": 1.1}, **TRAIT)
    loadings = np.vstack([np.eye(2), np.diag([0.8, 1.1]), np.diag([1.3, 1.1])])
    np.testing.assert_allclose(
        truth.covariance, within(truth) + loadings @ truth.between_covariance @ loadings.T, rtol=1e-12
    )
    agree(simulate(truth, persons=PERSONS, seed=7), truth)


@pytest.mark.parametrize("lags", ["equal", "free"])
def test_free_loadings_of_accumulating_factors(lags):
    """s_t = Phi s_t-1 + Lambda_t alpha + z_t with Lambda of 1 at the second wave, written out wave by wave."""
    spec = DPM(TWO, lags=lags, trait_loadings="free")
    truth = Truth(
        spec,
        times=[0, 1, 2, 3],
        trait_loadings={"x": [0.7, 1.4], "y": 1.2},
        accumulating_sds={"x": 0.5, "y": 1.5},
        accumulating_correlation=0.3,
        first_accumulating_correlation=0.4,
        sds={"x": 1.0, "y": 3.0},
        **EFFECTS,
    )
    phi, alpha = truth.raw[0], truth.factor_covariance
    new = truth.within_covariance - phi @ truth.within_covariance @ phi.T
    strengths = [np.eye(2), np.diag([0.7, 1.2]), np.diag([1.4, 1.2])]
    of_factors, of_first = [np.zeros((2, 2))], [np.eye(2)]
    noise = [[np.zeros((2, 2))] * 3]
    for wave, strength in enumerate(strengths):
        of_factors.append(phi @ of_factors[-1] + strength)
        of_first.append(phi @ of_first[-1])
        noise.append([phi @ each for each in noise[-1]])
        noise[-1][wave] = np.eye(2)
    stacked = np.hstack([np.vstack(of_factors), np.vstack(of_first), np.vstack([np.hstack(row) for row in noise])])
    cross = truth.first_with_factors
    sources = np.zeros((10, 10))
    sources[:4, :4] = np.block([[alpha, cross.T], [cross, truth.first_covariance]])
    sources[4:, 4:] = np.kron(np.eye(3), new)
    np.testing.assert_allclose(truth.covariance, stacked @ sources @ stacked.T, rtol=1e-12)
    agree(simulate(truth, persons=PERSONS, seed=8), truth)
    assert Truth.from_mapping(spec, truth.to_mapping()) == truth


# --- moderators ---


@pytest.mark.parametrize("lags", ["equal", "grid"])
def test_a_moderator_changes_the_effect_and_not_the_innovations(lags):
    """A covariate that is 0 or 1 makes two populations, whose Phi differ."""
    spec = RICLPM(TWO, lags=lags, moderated={"x -> y": "arm"})
    truth = Truth(spec, times=[0, 1, 3], moderation={"x -> y": 0.2}, covariates={"arm": {"probability": 0.3}}, **TRAIT)
    panel = simulate(truth, persons=PERSONS, seed=5)
    arm = panel.covariates["arm"]
    assert set(np.unique(arm)) == {0, 1}
    assert arm.mean() == pytest.approx(0.3, abs=5 * np.sqrt(0.21 / PERSONS))
    values = panel.values.reshape(PERSONS, -1)
    for value in (0, 1):
        standard = (value - 0.3) / np.sqrt(0.21)
        phi = truth.step_effects[0].copy()
        within_sds = np.sqrt(np.diag(truth.within_covariance))
        phi[1, 0] += 0.2 * standard * within_sds[1] / within_sds[0]
        new = truth._step_innovations[0]
        states = [truth.within_covariance]
        steps = 3 if lags == "grid" else 2
        for _ in range(steps):
            states.append(phi @ states[-1] @ phi.T + new)
        places = [0, 1, 3] if lags == "grid" else [0, 1, 2]
        want = np.zeros((3, 3, 2, 2))
        for later in range(3):
            for earlier in range(later + 1):
                power = np.linalg.matrix_power(phi, places[later] - places[earlier])
                want[later, earlier] = power @ states[places[earlier]]
                want[earlier, later] = want[later, earlier].T
        covariance = want.swapaxes(1, 2).reshape(6, 6) + np.tile(truth.between_covariance, (3, 3))
        np.testing.assert_allclose(truth.covariance_at({"arm": standard}), covariance, rtol=1e-10, atol=1e-12)
        close(values[arm == value], covariance, np.zeros(6))
    assert Truth.from_mapping(spec, truth.to_mapping()) == truth


def test_a_moderated_drift_keeps_its_diffusion():
    spec = RICLPM(TWO, lags="continuous", moderated={"x -> y": "arm", "y -> y": "dose"})
    truth = Truth(
        spec,
        times=[0, 1, 3],
        drift={"x -> x": -0.5, "y -> y": -0.6, "x -> y": 0.2},
        moderation={"x -> y": 0.1, "y -> y": -0.05},
        icc=0.4,
        within_correlation=0.2,
        covariates={"dose": {"mean": 10, "sd": 2}},
    )
    drift = truth.raw_drift + np.array([[0, 0], [0.1 * 1.5, -0.05 * -2]])
    got = blocks(truth.covariance_at({"arm": 1.5, "dose": -2.0}) - np.tile(truth.between_covariance, (3, 3)), 3)
    np.testing.assert_allclose(got[1, 0], expm(drift) @ truth.within_covariance, rtol=1e-10)
    np.testing.assert_allclose(got[2, 1], expm(2 * drift) @ got[1, 1], rtol=1e-10)
    minutes = np.linspace(0, 1, 2001)
    carried = np.array([expm(drift * minute) @ truth.diffusion @ expm(drift * minute).T for minute in minutes[::20]])
    integral = np.trapezoid(carried, minutes[::20], axis=0)
    np.testing.assert_allclose(got[1, 1], expm(drift) @ truth.within_covariance @ expm(drift).T + integral, rtol=1e-4)
    panel = simulate(truth, persons=500, seed=1, own_times=0.2)
    assert panel.own_times.shape == (500, 3)
    assert panel.covariates["dose"].mean() == pytest.approx(10, abs=5 * 2 / np.sqrt(500))


# --- covariates ---


def regressions(outcome, predictors):
    """Least squares with an intercept: slopes, and their standard errors."""
    design = np.column_stack([np.ones(len(outcome)), *predictors])
    gram = np.einsum("pi,pj->ij", design, design)
    slopes = np.linalg.solve(gram, np.einsum("pi,p->i", design, outcome))
    noise = np.var(outcome - np.einsum("pi,i->p", design, slopes))
    return slopes[1:], np.sqrt(np.diag(np.linalg.inv(gram))[1:] * noise)


@pytest.mark.parametrize("n_waves", [3, 5])
def test_covariates_of_persons_act_where_they_should(n_waves):
    """On intercepts: at each wave alike; on the first wave: by the powers of Phi; at waves: only there."""
    spec = RICLPM(TWO, covariates={"trait": ["intercepts", "first_wave"], "arm": ["each_wave"], "age": "every_wave"})
    given = {
        "trait": {"mean": 5, "sd": 2, "intercepts": {"x": 0.3, "y": -0.2}, "first_wave": {"y": 0.4}},
        "arm": {"probability": 0.5, "each_wave": {"x": [0.0, 1.0, 2.0, 3.0, 4.0][:n_waves]}},
        "age": {"every_wave": {"y": 0.5}},
    }
    truth = Truth(spec, times=list(range(n_waves)), covariates=given, means=10, **TRAIT)
    panel = simulate(truth, persons=PERSONS, seed=2)
    agree(panel, truth)
    assert panel.measures == ("x", "y")
    assert panel.covariates["trait"].mean() == pytest.approx(5, abs=5 * 2 / np.sqrt(PERSONS))
    assert panel.covariates["trait"].std() == pytest.approx(2, rel=0.02)
    predictors = [panel.covariates[name] for name in ("trait", "arm", "age")]
    for wave in range(n_waves):
        carried = np.linalg.matrix_power(truth.raw[0], wave) @ [0.0, 0.4]
        wants = [[0.3 + carried[0], wave, 0], [-0.2 + carried[1], 0, 0.5]]
        for measure, want in enumerate(wants):
            slopes, errors = regressions(panel.values[:, wave, measure], predictors)
            assert np.all(np.abs(slopes - want) < 5 * errors)
    assert Truth.from_mapping(spec, truth.to_mapping()) == truth


def test_covariates_on_slopes_and_on_accumulating_factors():
    growing = Truth(
        LCMSR(TWO, covariates={"age": "slopes"}),
        times=[0, 1, 2, 3],
        slope_sds=0.3,
        covariates={"age": {"slopes": {"x": 0.9}}},
        **TRAIT,
    )
    panel = simulate(growing, persons=PERSONS, seed=3)
    agree(panel, growing)
    for wave in range(4):
        slopes, errors = regressions(panel.values[:, wave, 0], [panel.covariates["age"]])
        assert np.all(np.abs(slopes - 0.3 * wave) < 5 * errors)

    adding = Truth(
        DPM(TWO, covariates={"age": "intercepts"}),
        times=[0, 1, 2],
        accumulating_sds=0.3,
        covariates={"age": {"intercepts": {"x": 0.5}}},
        **EFFECTS,
    )
    panel = simulate(adding, persons=PERSONS, seed=3)
    agree(panel, adding)
    phi = adding.raw[0]
    for wave, want in enumerate([[0, 0], [0.5, 0], phi @ [0.5, 0] + [0.5, 0]]):
        for measure in range(2):
            slopes, errors = regressions(panel.values[:, wave, measure], [panel.covariates["age"]])
            assert np.all(np.abs(slopes - want[measure]) < 5 * errors)


def test_covariates_that_vary_over_time():
    spec = RICLPM(TWO, covariates={"stress": "every_wave", "craving": "each_wave"}, predetermined=["craving"])
    given = {
        "stress": {"varies": True, "mean": 3, "sd": 2, "carry_over": 0.6, "icc": 0.25, "every_wave": {"x": -0.3}},
        "craving": {"sd": 0.5, "each_wave": {"y": [0.0, 0.5, 1.0]}, "follows": {"x": 0.2, "y": -0.1}},
    }
    truth = Truth(spec, times=[0, 1, 2], covariates=given, means={"x": 20, "y": -4}, **TRAIT)
    panel = simulate(truth, persons=PERSONS, seed=9)
    agree(type("Measures", (), {"values": panel.values[..., :2]}), truth)
    assert panel.measures == ("x", "y", "stress", "craving")
    assert truth.means_table.tolist() == [[20, -4]] * 3
    stress, craving = panel.values[..., 2], panel.values[..., 3]
    course = 0.25 + 0.75 * 0.6 ** np.abs(np.subtract.outer(range(3), range(3)))
    close(stress, 4 * course, np.full(3, 3.0))
    for wave in (1, 2):
        before = panel.values[:, wave - 1]
        slopes, errors = regressions(craving[:, wave], [before[:, 0], before[:, 1]])
        assert np.all(np.abs(slopes - [0.2, -0.1]) < 5 * errors)
    assert np.abs(craving.mean(axis=0)).max() < 5 * 1.0 / np.sqrt(PERSONS)
    assert Truth.from_mapping(spec, truth.to_mapping()) == truth

    holed = simulate(truth, persons=500, seed=9, missing=Missing(share=0.4))
    assert not np.isnan(holed.values[..., 2:]).any()
    assert np.isnan(holed.values[:, 1:, :2]).mean() == pytest.approx(0.4, abs=0.06)


# --- measurement ---


def test_known_reliability_is_a_share_of_the_variance_about_wave_means():
    spec = RICLPM(TWO, reliability={"x": 0.8}, covariates={"age": "every_wave"})
    plain = Truth(RICLPM(TWO, reliability={"x": 0.8}), times=[0, 1, 2], **TRAIT)
    np.testing.assert_allclose(np.diag(plain.covariance), np.tile([1, 9], 3), rtol=1e-12)
    np.testing.assert_allclose(plain.error_sds, [np.sqrt(0.2), 0], rtol=1e-12)
    np.testing.assert_allclose(np.diag(plain.between_covariance), [0.4, 3.6], rtol=1e-12)

    truth = Truth(spec, times=[0, 1, 2], covariates={"age": {"every_wave": {"x": 0.7}}}, **TRAIT)
    variance = np.diag(truth.covariance)[0]
    assert truth.error_sds[0] ** 2 == pytest.approx(0.2 * variance, rel=1e-12)
    agree(simulate(truth, persons=PERSONS, seed=1), truth)


@pytest.mark.parametrize("invariance", ["configural", "strict"])
def test_indicators_are_loadings_times_the_measure(invariance):
    items = {"x": ["x1", "x2", "x3"]}
    spec = RICLPM(TWO, indicators=items, invariance=invariance)
    each_wave = invariance == "configural"
    given = {
        "loadings": {"x2": [0.8, 0.9, 1.0] if each_wave else 0.9, "x3": 1.2},
        "item_intercepts": {"x2": [1.0, 2.0, 3.0] if each_wave else 2.0},
        "unique_sds": {"x1": 0.5, "x2": 0.6, "x3": [0.5, 0.6, 0.7] if each_wave else 0.7},
    }
    truth = Truth(spec, times=[0, 1, 2], means={"x": 1, "y": 4}, **given, **TRAIT)
    assert truth.columns == ("x1", "x2", "x3", "y")
    plain = Truth(RICLPM(TWO), times=[0, 1, 2], means={"x": 1, "y": 4}, **TRAIT)
    loadings, intercepts, unique = np.zeros((12, 6)), np.zeros((3, 4)), np.zeros((3, 4))
    for wave in range(3):
        block = loadings[4 * wave : 4 * wave + 4, 2 * wave : 2 * wave + 2]
        block[:3, 0] = [1, [0.8, 0.9, 1.0][wave] if each_wave else 0.9, 1.2]
        block[3, 1] = 1
        intercepts[wave, 1] = wave + 1 if each_wave else 2
        unique[wave, :3] = [0.5, 0.6, [0.5, 0.6, 0.7][wave] if each_wave else 0.7]
    want = loadings @ plain.covariance @ loadings.T + np.diag(unique.ravel() ** 2)
    np.testing.assert_allclose(truth.covariance, want, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(truth.means_table.ravel(), intercepts.ravel() + loadings @ plain.means_table.ravel())
    panel = simulate(truth, persons=PERSONS, seed=1)
    assert panel.measures == ("x1", "x2", "x3", "y")
    agree(panel, truth)
    assert Truth.from_mapping(spec, truth.to_mapping()) == truth


# --- groups ---


def groups(**changes):
    spec = RICLPM(TWO, group_lags="free", equal_across_groups=["variances"])
    north = Truth(spec, times=[0, 1, 2], **TRAIT)
    south = Truth(spec, times=[0, 1, 2], **(TRAIT | {"lagged": {"y -> x": 0.3}, "means": 7.0} | changes))
    return GroupTruth({"north": north, "south": south})


def test_groups_are_drawn_each_from_its_own_truth():
    both = groups()
    panel = simulate(both, persons={"north": PERSONS, "south": PERSONS // 2}, seed=1)
    assert panel.groups.shape == (PERSONS * 3 // 2,)
    for label, count in (("north", PERSONS), ("south", PERSONS // 2)):
        members = panel.groups == label
        assert members.sum() == count
        truth = both.truths[label]
        close(panel.values[members].reshape(count, -1), truth.covariance, truth.means_table.ravel())
    again = simulate(both, persons=10, seed=1)
    assert len(again.persons) == 20
    assert not np.any(again.values[:10] == again.values[10:])


def test_groups_go_through_a_mapping_and_may_share_entries():
    both = groups()
    assert GroupTruth.from_mapping(both.spec, both.to_mapping()) == both
    short = {"times": [0, 1, 2], **TRAIT, "groups": {"north": {}, "south": {"lagged": {"y -> x": 0.3}, "means": 7.0}}}
    assert GroupTruth.from_mapping(both.spec, short) == both
    assert str(both).startswith("Group north\nTrue values of a random-intercept")


def test_pooled_lags_spread_about_their_mean():
    spec = RICLPM(TWO, group_lags="pooled")
    mean = Truth(spec, times=[0, 1, 2], **TRAIT)
    labels = [f"site {number}" for number in range(400)]
    sites = GroupTruth.pooled(mean, labels, spread=0.05, seed=3)
    effects = np.array([site.standardized[0] for site in sites.truths.values()])
    assert np.all(np.abs(effects.mean(axis=0) - mean.standardized[0]) < 5 * 0.05 / np.sqrt(400))
    assert np.all(np.abs(effects.std(axis=0) / 0.05 - 1) < 5 / np.sqrt(800))
    assert GroupTruth.pooled(mean, labels[:3], spread=0.05, seed=3).truths == dict(list(sites.truths.items())[:3])


# --- refusals ---


def refusal(make, *arguments, **given):
    with pytest.raises(SpecError) as error:
        make(*arguments, **given)
    return str(error.value)


def problems(*sentences, heading="This truth cannot be simulated"):
    count = f"{len(sentences)} problem" + "s" * (len(sentences) != 1)
    return "\n".join([f"{heading}. {count}:", *(f"  {i}. {text}" for i, text in enumerate(sentences, start=1))])


def test_every_kind_says_what_it_lacks():
    times = [0, 1, 2, 3]
    icc = "icc is missing: the share of variance that is stable between persons, a number at least 0 and below 1."
    slopes = "slope_sds is missing: SDs of the slopes from the first wave to the last, numbers above 0."
    assert refusal(Truth, STARTS(TWO), times=times) == problems(
        icc,
        "error_share is missing: the share of the other variance that is measurement error, a number at least 0 and "
        "below 1.",
    )
    assert refusal(Truth, LCMSR(TWO), times=times) == problems(icc, slopes)
    assert refusal(Truth, ALT(TWO), times=times) == problems(
        "accumulating_sds is missing: SDs of the accumulating factors, numbers above 0.", slopes
    )
    assert refusal(Truth, DPM(TWO), times=times) == problems(
        "accumulating_sds is missing: SDs of the accumulating factors, numbers above 0 (or equilibrium=True and icc)."
    )
    assert refusal(Truth, DPM(TWO), times=times, equilibrium=True) == problems(icc)


def test_what_says_nothing_in_a_model_is_refused():
    got = refusal(
        Truth,
        DPM(TWO),
        times=[0, 1, 2],
        icc=0.5,
        accumulating_sds=1,
        slope_sds=1,
        error_share=0.2,
        trait_loadings=1.2,
        covariates={"age": {}},
        within_scale=2,
    )
    assert got == problems(
        "icc needs random intercepts, or in a DPM equilibrium=True; leave it out.",
        "within_scale needs lags='free' or 'equal_standardized' in a model that is not stationary; leave it out.",
        "trait_loadings needs trait_loadings='free' in the model; leave it out.",
        "error_share needs a STARTS model; leave it out.",
        "slope_sds needs an LCMSR or ALT; leave it out.",
        "covariates needs covariates or moderated paths in the model; leave it out.",
    )


def test_loadings_that_change_have_no_equilibrium():
    spec = DPM(TWO, trait_loadings="free")
    assert refusal(Truth, spec, times=[0, 1, 2, 3], equilibrium=True, icc=0.5, trait_loadings=[1, 2, 3]) == problems(
        "equilibrium needs a DPM whose trait loadings are fixed; leave it out.",
        "trait_loadings must be a number above 0, or a list of 2, one for each wave after the second; got [1, 2, 3].",
    )


def test_factors_that_cannot_be_are_refused():
    times = [0, 1, 2, 3]
    got = refusal(Truth, LCMSR(TWO), times=times, icc=0.5, slope_sds=1, intercept_slope_correlation=1.0)
    assert got == problems(
        "The stable factors have no covariance matrix: the correlations of intercepts and slopes are together not "
        "positive definite. Move intercept_slope_correlation towards 0."
    )
    got = refusal(Truth, DPM(TWO), times=times, accumulating_sds=1, first_accumulating_correlation={"x, x": 1.1})
    assert got == problems(
        "The accumulating factors explain 1.21 of the variance of 'x' at the first wave, which must be below 1. "
        "Move the correlations with the first wave towards 0."
    )
    got = refusal(Truth, DPM(TWO), times=times, accumulating_sds=1, first_accumulating_correlation={"x": 1, "q, x": 0})
    assert got == problems(
        "first_accumulating_correlation: 'x' is not a pair of measures; write 'x, y'.",
        "first_accumulating_correlation names 'q', which is not a measure. Measures: 'x', 'y'.",
    )
    got = refusal(Truth, RICLPM(TWO, reliability={"x": 0.5}), times=times, icc=0.6)
    assert got == problems(
        "icc of 'x' is 0.6, and its reliability 0.5 leaves no more than that for stable and within-person parts "
        "together; lower the icc."
    )


def test_the_models_equalities_hold_in_a_truth():
    spec = RICLPM(TWO, lags="free", remove=["y -> x, 0 to 1"], equal=[["x -> y, 0 to 1", "x -> y, 1 to 2"]])
    Truth(spec, times=[0, 1, 2], icc=0.3, lagged={"y -> x": [0, 0.2], "x -> y": [0.1, 0.1]})
    got = refusal(Truth, spec, times=[0, 1, 2], icc=0.3, lagged={"y -> x": 0.2, "x -> y": [0.1, 0.3]})
    assert got == problems(
        "'y -> x, 0 to 1' is removed from the model, so its effect must be 0; got 0.2. "
        "Leave the effect out, or keep the path in the model.",
        "The model has these effects equal, and they differ: 'x -> y, 0 to 1' 0.1, 'x -> y, 1 to 2' 0.3.",
    )


def test_lags_of_two_waves_and_moderation_are_checked():
    spec = CLPM(TWO, lag_2=["x -> y"], moderated={"x -> y": "arm"})
    got = refusal(
        Truth, spec, times=[0, 1, 2], carry_over=0.5, lag_2={"x -> y": 0.9, "y -> x": 0.1}, moderation={"y -> x": 0.2}
    )
    assert got == problems(
        "lag_2: the model has no 'y -> x' in its lag_2; did you mean 'x -> y'? It has: 'x -> y'.",
        "moderation: the model has no 'y -> x' in its moderated; did you mean 'x -> y'? It has: 'x -> y'.",
        "Over the interval 1 to 2 the lagged effects, those of two waves included, explain more variance than there "
        "is: the innovation covariance, in within-person SDs, must be positive definite and has the smallest "
        "eigenvalue -0.132. Move the effects towards 0.",
    )
    assert "moderated lags differ between people" in refusal(STARTS, TWO, moderated={"x -> y": "arm"})


def test_covariates_are_checked():
    spec = RICLPM(TWO, covariates={"age": "intercepts", "craving": "every_wave"}, predetermined=["craving"])
    given = {
        "age": {"probability": 0.5, "sd": 2, "intercepts": {"q": 1}, "every_wave": {"x": 1}},
        "craving": {"carry_over": 1.5, "every_wave": 0.3, "follows": {"x": "much"}},
        "agee": {},
    }
    got = refusal(Truth, spec, times=[0, 1, 2], icc=0.3, covariates=given)
    assert got == problems(
        "covariates 'age' intercepts names 'q', which is not a measure. Measures: 'x', 'y'.",
        "covariates 'age' has no 'every_wave'. Its keys: 'mean', 'sd', 'probability', 'varies', 'intercepts'.",
        "covariates 'age' has a probability, so it is 0 or 1; leave its mean and sd out.",
        "covariates 'craving' carry_over must be a number between -1 and 1; got 1.5.",
        "covariates 'craving' every_wave must be a table from measures to effects, such as {'x': 0.2}; got 0.3.",
        "covariates 'craving' follows of 'x' must be a number; got 'much'.",
        "covariates: 'agee' is not in the model; did you mean 'age'? It has: 'age', 'craving'.",
    )
    spec = RICLPM(TWO, covariates={"age": "intercepts"}, moderated={"x -> y": "age"})
    got = refusal(Truth, spec, times=[0, 1, 2], icc=0.3, covariates={"age": {"varies": True, "intercepts": {}}})
    assert got == problems(
        "covariates 'age' varies over time and acts on 'intercepts', which belong to persons; in the model, let it act "
        "on 'each_wave', 'every_wave'.",
        "covariates 'age' varies over time and moderates a lagged effect; a moderator does not change.",
    )
    assert refusal(Truth, spec, times=[0, 1, 2], icc=0.3, covariates={"age": 3}) == problems(
        "covariates must be a table of tables, such as {'age': {'mean': 3.0, 'sd': 0.5}}; got {'age': 3}."
    )


def test_indicators_are_checked():
    spec = RICLPM(TWO, indicators={"x": ["x1", "x2"]}, invariance="strict")
    got = refusal(
        Truth,
        spec,
        times=[0, 1, 2],
        icc=0.3,
        loadings={"x1": 1, "x2": [1, 2, 3]},
        item_intercepts={"x1": 2, "x4": 1},
        unique_sds={"x1": 0.5, "x2": -1},
    )
    alike = "a number, for every wave alike (strict invariance)"
    assert got == problems(
        f"loadings of 'x2' must be {alike}; got [1, 2, 3].",
        "loadings: those of the first indicators are fixed at 1; leave out 'x1'.",
        "item_intercepts names 'x4', which is not an indicator. Indicators: 'x1', 'x2'.",
        "item_intercepts: those of the first indicators are fixed at 0; leave out 'x1'.",
        "unique_sds of 'x2' must be a number above 0, for every wave alike (strict invariance); got -1.",
    )
    assert refusal(Truth, spec, times=[0, 1, 2], icc=0.3) == problems(
        "unique_sds is missing: SDs of what is unique to each indicator, numbers above 0."
    )


def test_groups_are_checked():
    heading = "These groups cannot be simulated"
    assert refusal(groups, icc=0.2) == problems(
        "The model has variances equal in all groups, and the truths differ in them.", heading=heading
    )
    one = Truth(RICLPM(TWO, group_lags="equal"), times=[0, 1, 2], **TRAIT)
    other = Truth(RICLPM(TWO, group_lags="equal"), times=[0, 1, 2], **(TRAIT | {"carry_over": 0.1}))
    assert refusal(GroupTruth, {"a": one, "b": other}) == problems(
        "The model has lagged effects equal in all groups, and the truths differ in them.", heading=heading
    )
    plain = Truth(RICLPM(TWO), times=[0, 1, 2], **TRAIT)
    assert refusal(GroupTruth, {"a": one, "b": plain}) == problems(
        "Group 'b' has another model or other times than 'a'.", heading=heading
    )
    assert refusal(GroupTruth, {"a": plain, "b": plain}) == problems(
        "The model has no groups; say group_lags='free', 'equal' or 'pooled' in it.", heading=heading
    )
    assert refusal(GroupTruth, {"a": one}).startswith(f"{heading}. 1 problem:\n  1. truths must be a table from two")
    got = refusal(simulate, groups(), persons={"north": 10, "sout": 5}, seed=1)
    assert got == problems(
        "persons: there is no group 'sout'; did you mean 'south'? Groups: 'north', 'south'.",
        "persons of 'south' must be a whole number, at least 2; got None.",
        heading="No panel can be simulated",
    )
