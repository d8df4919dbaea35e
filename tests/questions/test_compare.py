"""Leaving out persons beside exact refits and scipy, and what a comparison says and decides."""

from dataclasses import replace
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy.special import logsumexp
from scipy.stats import multivariate_normal

import alliance_bayes as ab
from alliance_bayes.panel import unseen_from
from alliance_bayes.posterior.health import Health
from alliance_bayes.posterior.integration import IntegrationError
from alliance_bayes.pymc_models import densities
from alliance_bayes.pymc_models.densities import log_density_of
from alliance_bayes.questions import compare as comparison, scores as scores_module
from alliance_bayes.questions.compare import compared
from alliance_bayes.questions.scores import (
    LeftOut,
    Scores,
    importance_scores,
    leave_out,
    moment_matched,
    plain_scores,
    refitted,
    without_person,
)
from fabricated import made_fit

HEALTHY = Health(1.0, 900, 900, 0, 1.0, "", ())


def moments_from_names(fit, draw):
    """Mean and covariance of a person's waves at one draw of the last chain, from the quantities a reader knows."""
    one = fit.posterior.isel(chain=-1, draw=draw)
    size, n_waves = one.sizes["measure"], one.sizes["time"]

    def covariance(sd, correlation):
        matrix = np.eye(size)
        matrix[np.tril_indices(size, -1)] = correlation
        matrix = matrix + matrix.T - np.eye(size)
        return matrix * np.outer(sd, sd)

    between = np.zeros((size, size))
    if fit.spec.random_intercepts:
        between = covariance(one["between_sd"].values, one["between_correlation"].values)
    within = [
        covariance(sd, r) for sd, r in zip(one["within_sd"].values, one["within_correlation"].values, strict=True)
    ]
    lagged = one["lagged"].transpose("interval", "path").values.reshape(-1, size, size)
    blocks = np.empty((n_waves, size, n_waves, size))
    for earlier in range(n_waves):
        block = within[earlier]
        for later in range(earlier, n_waves):
            block = block if later == earlier else lagged[later - 1] @ block
            blocks[later, :, earlier], blocks[earlier, :, later] = between + block, (between + block).T
    return one["mean"].values.ravel(), blocks.reshape(n_waves * size, -1)


def stacked_values(fit):
    chosen = [fit.panel.measures.index(name) for name in fit.spec.columns]
    return fit.panel.values[:, :, chosen].reshape(fit.panel.n_persons, -1)


@pytest.fixture(scope="module")
def outlying_panel(small_panel):
    """The small panel with one person so far out that their weights fail, and one whom moved draws can score."""
    values = small_panel.values.copy()
    values[10, :, 1] += [0, 0, 45, 0]
    values[30, :, 2] += [2.2, -1.0, 2.2, -1.0]
    return replace(small_panel, values=values)


@pytest.fixture(scope="module")
def outlying_fit(outlying_panel):
    return ab.fit(ab.RICLPM(["alliance", "days"]), outlying_panel, seed=6, draws=400, tune=300, chains=2)


@pytest.fixture(scope="module")
def clpm_fit(small_panel):
    return ab.fit(ab.CLPM(["alliance", "days"], lags="free"), small_panel, seed=7, draws=400, tune=200, chains=2)


def test_models_of_direction_are_nested_in_one():
    spec = ab.RICLPM(["alliance", "days", "contact"], remove=["contact -> days"])
    models = ab.direction_models(spec, "alliance", "days")
    assert list(models) == ["both", "alliance leads", "days leads", "neither"]
    assert models["both"] is spec
    assert set(models["alliance leads"].remove) == {"contact -> days", "days -> alliance"}
    assert set(models["days leads"].remove) == {"contact -> days", "alliance -> days"}
    assert set(models["neither"].remove) == {"contact -> days", "days -> alliance", "alliance -> days"}


def test_every_problem_of_models_of_direction():
    with pytest.raises(ab.SpecError) as error:
        ab.direction_models(ab.RICLPM(["alliance", "days"], remove=["days -> alliance"]), "alliance", "days")
    assert error.value.problems == (
        "'days -> alliance' is fixed at 0 in this model, so nothing can be compared with it. "
        "Take it out of remove, and fit the model with both paths.",
    )
    with pytest.raises(ab.SpecError) as error:
        ab.direction_models(ab.RICLPM(["alliance", "days"]), "dayz", "dayz")
    assert error.value.problems == (
        "The model has no measure 'dayz'; did you mean 'days'? Measures: 'alliance', 'days'.",
        "Direction needs two different measures; got 'dayz', 'dayz'.",
    )


@pytest.mark.parametrize("name", ["small_fit", "clpm_fit"])
def test_densities_of_persons_are_scipys_normals(name, request):
    fit = request.getfixturevalue(name)
    values = stacked_values(fit)
    assert values.shape == (60, 8)
    found = LeftOut(fit).log_density(fit, np.arange(60))
    for draw in (0, 137):
        mean, covariance = moments_from_names(fit, draw)
        for person in (0, 3, 17, 59):
            seen = ~np.isnan(values[person])
            want = 0.0
            if seen.any():
                want = multivariate_normal.logpdf(values[person, seen], mean[seen], covariance[np.ix_(seen, seen)])
            assert found.isel(chain=-1, draw=draw, person=person).item() == pytest.approx(want, rel=1e-8)
    assert (found.isel(person=17) == 0).all()


@pytest.mark.parametrize(
    "spec",
    [
        ab.DPM(["alliance", "days"]),
        ab.RICLPM(["alliance", "days"], lags="continuous"),
        ab.STARTS(["alliance", "days"]),
        ab.RICLPM(["alliance", "days"], covariates={"commitment": "intercepts"}),
    ],
    ids=lambda spec: f"{spec.kind}-{spec.lags}-{len(spec.covariates)}",
)
def test_densities_of_the_whole_family_are_those_of_the_fit(spec, small_panel):
    if spec.covariates:
        small_panel = with_commitment(small_panel)
    fit = ab.fit(spec, small_panel, seed=1, draws=10, tune=30, chains=1)
    want = fit.log_likelihood()["log_likelihood"]["values"]
    places = np.flatnonzero(np.isin(small_panel.persons, want["person"]))
    np.testing.assert_allclose(LeftOut(fit).log_density(fit, places), want, atol=1e-8)


def with_commitment(panel):
    frame = pd.DataFrame(panel.values.reshape(-1, 3), columns=list(panel.measures))
    frame["person"], frame["time"] = np.repeat(panel.persons, 4), np.tile(panel.times, 60)
    frame["commitment"] = np.repeat(np.random.default_rng(2).normal(size=60), 4)
    return ab.Panel.from_long(
        frame, person="person", time="time", measures=list(panel.measures), covariates=["commitment"]
    )


def test_draws_of_a_part_score_people_of_the_whole(small_fit):
    """A refit standardises by other constants; the density is of the values in their own units all the same."""
    again = refitted(small_fit, without_person(small_fit.panel, 3), seed=12)
    assert not np.allclose(again.model.statistics.centre, small_fit.model.statistics.centre, rtol=1e-12)
    found = LeftOut(small_fit).log_density(again, np.array([3]))
    mean, covariance = moments_from_names(again, 20)
    values = stacked_values(small_fit)[3]
    seen = ~np.isnan(values)
    want = multivariate_normal.logpdf(values[seen], mean[seen], covariance[np.ix_(seen, seen)])
    assert found.isel(chain=-1, draw=20, person=0).item() == pytest.approx(want, rel=1e-8)


def test_draws_of_a_part_know_covariates_by_the_scale_of_that_part():
    """Somebody with an extreme covariate is left out: the others are as likely wherever they are scored."""
    rng = np.random.default_rng(2)
    dose = np.append(rng.normal(size=50), 40.0)
    panel = ab.Panel.from_arrays(
        rng.normal(size=(51, 3, 2)), measures=["x", "y"], times=[0, 1, 2], covariates={"dose": dose}
    )
    spec = ab.RICLPM(["x", "y"], covariates={"dose": "intercepts"})
    fit = ab.fit(spec, panel, seed=1, draws=50, tune=150, chains=2)
    part = refitted(fit, without_person(panel, 50), seed=2)
    there = part.log_likelihood()["log_likelihood"]["values"].to_numpy()
    np.testing.assert_allclose(LeftOut(fit).log_density(part, np.arange(50)).to_numpy(), there, rtol=1e-8)


def test_leaving_out_changes_nothing_else(small_panel):
    less = without_person(small_panel, 3)
    assert list(less.persons) == [name for name in small_panel.persons if name != "P03"]
    np.testing.assert_array_equal(less.values, np.delete(small_panel.values, 3, axis=0))
    with_covariate = with_commitment(small_panel)
    commitment = with_covariate.background.covariates["commitment"]
    less = without_person(with_covariate, 3).background.covariates["commitment"]
    np.testing.assert_array_equal(less, np.delete(commitment, 3))
    unseen = unseen_from(small_panel, 2, 5)
    assert np.isnan(unseen.values[5, 2:]).all()
    np.testing.assert_array_equal(unseen.values[5, :2], small_panel.values[5, :2])
    np.testing.assert_array_equal(np.delete(unseen.values, 5, axis=0), np.delete(small_panel.values, 5, axis=0))


def test_what_is_not_observed_stays_what_it_is():
    """Of the waves left out observed values and states are unseen; what does not exist still does not."""
    doctor = np.array([[1.0, 0.0, 1.0], [0.0, 1.0, 0.0], [1.0, 1.0, 1.0]])
    alliance = np.where(doctor == 1, [[4.0, 0, 5], [0, 3, 0], [1, 2, 3]], np.nan)
    days = np.arange(9.0).reshape(3, 3)
    panel = ab.Panel.from_arrays(
        np.stack([alliance, days], axis=2),
        measures=["alliance", "days"],
        times=[0, 1, 2],
        requires={"alliance": "doctor"},
        states={"doctor": doctor},
    )
    unseen = unseen_from(panel, 1)
    kinds = ab.Absence
    assert unseen.absence[0].tolist() == [
        [kinds.OBSERVED, kinds.OBSERVED],
        [kinds.NOT_APPLICABLE, kinds.WAVE_MISSING],
        [kinds.WAVE_MISSING, kinds.WAVE_MISSING],
    ]
    assert np.isnan(unseen.values[:, 1:]).all()
    assert np.isnan(unseen.states["doctor"][:, 1:]).all()
    np.testing.assert_array_equal(unseen.values[:, 0], panel.values[:, 0])
    np.testing.assert_array_equal(unseen.states["doctor"][:, 0], doctor[:, 0])
    one = unseen_from(panel, 2, 1, ["days"])
    assert one.absence[1, 2].tolist() == [kinds.NOT_APPLICABLE, kinds.WAVE_MISSING]
    np.testing.assert_array_equal(one.values[[0, 2]], panel.values[[0, 2]])


def test_the_log_density_is_the_samplers(small_fit):
    """Points come back to the draws they were made from, and prior and likelihood add up."""
    target = log_density_of(small_fit.model)
    points = target.points(small_fit.posterior)
    back = target.draws(points, small_fit.posterior)
    for name in (block.name for block in target.blocks):
        xr.testing.assert_allclose(back[name], small_fit.posterior[name])
    sampled = small_fit.draws["sample_stats"]["logp"].to_numpy().ravel()
    np.testing.assert_allclose(target(points), sampled, rtol=1e-9)
    priors, likelihood = target.parts(points)
    per_person = small_fit.log_likelihood()["log_likelihood"]["values"].sum("person").to_numpy().ravel()
    np.testing.assert_allclose(likelihood - likelihood[0], per_person - per_person[0], atol=1e-8)
    effects = small_fit.posterior["cross_lagged"].to_numpy().reshape(-1, 2)
    want = multivariate_normal([0, 0], small_fit.spec.priors.cross_lagged.sd**2).logpdf(effects)
    np.testing.assert_allclose(priors["cross_lagged"], want, rtol=1e-9)
    assert not np.isfinite(target(np.full((1, points.shape[1]), 1e6)))[0]


def test_importance_sampling_agrees_with_a_refit(small_fit):
    """Within four Monte Carlo errors, and 1 / 60 for the standardising constants; twenty persons in a slow test."""
    left_out = LeftOut(small_fit)
    scores = leave_out(left_out, 0)
    place = left_out.persons[4]
    again = refitted(small_fit, without_person(small_fit.panel, place), seed=99)
    assert again.n_draws == small_fit.n_draws
    exact = plain_scores(left_out.log_density(again, np.array([place])))
    allowed = 4 * np.sqrt(2) * exact.mcse + 1 / 60
    assert allowed < 0.5
    assert float(exact.elpd[0]) == pytest.approx(float(scores.elpd[4]), abs=allowed)
    assert scores.elpd.sizes["person"] == 59  # one has no value to leave out


@pytest.mark.slow
def test_importance_sampling_agrees_with_exact_refits_of_twenty_persons(small_panel):
    """Total within 4 Monte Carlo errors and 20 / 60 for the standardising constants; each person within 0.1."""
    fit = ab.fit(ab.RICLPM(["alliance", "days"]), small_panel, seed=5, draws=1000, tune=500)
    left_out = LeftOut(fit)
    scores = leave_out(left_out, 0)
    exact = []
    for place in left_out.persons[:20]:
        again = refitted(fit, without_person(small_panel, place), seed=100 + int(place))
        exact.append(plain_scores(left_out.log_density(again, np.array([place]))))
    difference = np.array([float(each.elpd[0]) for each in exact]) - scores.elpd.to_numpy()[:20]
    error = np.hypot(np.linalg.norm([each.mcse for each in exact]), scores.mcse)
    print(
        f"sum of differences {difference.sum():.3f}, largest {abs(difference).max():.3f}, Monte Carlo error {error:.3f}"
    )
    assert abs(difference).max() < 0.1
    assert abs(difference.sum()) < 4 * error + 20 / 60


def test_high_shapes_are_matched_or_refitted(outlying_fit):
    """People too far out: where draws cannot be moved for them they are left out in truth, at most so many."""
    left_out = LeftOut(outlying_fit)
    by_weights = importance_scores(left_out.log_density(outlying_fit, left_out.persons))[0]
    scores = leave_out(left_out, 20)
    high = np.flatnonzero(by_weights.k_hat > by_weights.good_k)
    exact = np.flatnonzero(np.isnan(scores.k_hat))
    assert len(exact) >= 1
    assert scores.n_high == 0
    assert (scores.n_matched, scores.n_refitted) == (len(high) - len(exact), len(exact))
    place = int(left_out.persons[exact[0]])
    again = refitted(outlying_fit, without_person(outlying_fit.panel, place), outlying_fit.settings.seed + 1 + place)
    refit = plain_scores(left_out.log_density(again, np.array([place])))
    assert float(scores.elpd[exact[0]]) == pytest.approx(float(refit.elpd[0]), abs=1e-9)
    untouched = np.setdiff1d(np.arange(scores.elpd.size), high)
    np.testing.assert_array_equal(scores.elpd[untouched], by_weights.elpd[untouched])


def test_moved_draws_agree_with_weights_that_can_be_trusted(outlying_fit):
    """Moment matching forced by a low threshold where weights alone are reliable: the same score by another way."""
    left_out = LeftOut(outlying_fit)
    density = left_out.log_density(outlying_fit, left_out.persons)
    by_weights = importance_scores(density)[0]
    target = log_density_of(outlying_fit.model)
    order = np.argsort(-by_weights.k_hat.to_numpy())
    trusted = [each for each in order.tolist() if by_weights.k_hat[each] < 0.5][:4]
    found = {
        each: moment_matched(left_out, target, density, each, float(by_weights.k_hat[each]) - 0.1) for each in trusted
    }
    matched = {each: score for each, score in found.items() if score is not None}
    assert matched
    for each, (elpd, k_hat, error) in matched.items():
        assert k_hat < by_weights.k_hat[each] - 0.1
        assert 0 < error < 0.2
        assert elpd == pytest.approx(float(by_weights.elpd[each]), abs=6 * error)


def made_up_scores(elpd, *, mcse=0.25, k_hat=0.3, n_refitted=0, integration=None):
    person = {"person": [f"P{place}" for place in range(len(elpd))]}
    elpd = xr.DataArray(np.asarray(elpd, dtype=float), dims="person", coords=person)
    return Scores(elpd, xr.full_like(elpd, k_hat), 0.67, mcse, 7.0, 0, n_refitted, integration)


def made_up_comparison(scores, *, health=HEALTHY, **options):
    fits = {name: SimpleNamespace(health=health) for name in scores}
    given = {
        "method": "stacking",
        "least_difference": 4.0,
        "least_errors": 2.0,
        "most_refits": 20,
        "heading": "All 3 waves of one person predicted from all other people",
        "predicted": "a new person",
        "assumptions": ("About prediction.",),
    }
    return compared("compare", fits, scores, **(given | options))


def test_printed_comparison():
    """The weight of the second is ``-(a + b) / (2 a b) = .25`` with ``a = exp(-.21) - 1, b = exp(.19) - 1``."""
    base = -10 - np.arange(120) % 7
    answer = made_up_comparison(
        {
            "neither": made_up_scores(base - 0.2 - 0.1 * (np.arange(120) % 2), n_refitted=2),
            "both": made_up_scores(base),
            "alliance leads": made_up_scores(base - np.tile([0.21, -0.19], 60)),
        }
    )
    assert str(answer).splitlines() == [
        "All 3 waves of one person predicted from all other people",
        "                     elpd (SE)  to the best (SE)  weight  k-hat at most  matched  refitted",
        "both            -1557.0 (22.1)              best    0.75           0.30     none      none",
        "alliance leads  -1558.2 (22.2)        -1.2 (2.2)    0.25           0.30     none      none",
        "neither         -1587.0 (22.1)       -30.0 (0.6)    0.00           0.30     none         2",
        "'both' and 'alliance leads' are not distinguishable: elpd difference 1.2 (SE 2.2, Monte Carlo error 0.4), "
        "less than 4.",
        "'both' predicts a new person better than 'neither': elpd difference 30.0 (SE 0.6, Monte Carlo error 0.4).",
        "Sampling: no problems.",
        "What this says, and what it does not:",
        "  1. About prediction.",
    ]
    assert answer.tables["pairs"]["verdict"].to_dict() == {
        ("both", "alliance leads"): "not distinguishable",
        ("both", "neither"): "predicts better",
        ("alliance leads", "neither"): "predicts better",
    }
    assert answer.basis["elpd"].dims == ("model", "person")
    assert answer.table["weight"].sum() == pytest.approx(1)


@pytest.mark.parametrize(
    ("better", "worse", "explained", "verdict"),
    [
        ((0.0, 0.0, 0.0), None, 0.0, "predicts better"),
        (None, (1.0, 0.0, 0.0), 1.0, "predicts better"),
        (None, (5.0, 0.0, 0.0), 5.0, "not distinguishable"),
        (None, (-5.0, 0.0, 0.0), 0.0, "predicts better"),
        ((-5.0, 0.0, 0.0), None, 5.0, "not distinguishable"),
        ((-5.0, 0.0, 0.0), (-5.0, 0.0, 0.0), 0.0, "predicts better"),
        ((-5.0, 1.8, 0.0), (-5.0, 2.4, 0.0), 6.0, "not distinguishable"),
        ((0.0, 0.0, 2.25), None, 4.5, "not distinguishable"),
        (None, (4.0, 0.0, 0.0), 4.0, "predicts better"),
    ],
)
def test_a_difference_that_integration_error_could_explain_is_none(better, worse, explained, verdict):
    """Of 8 nats: what the errors' means and two SDs could explain is subtracted before the rule is applied."""
    errors = [given and IntegrationError(*given, 1.0, 0.0) for given in (better, worse)]
    both, neither = (
        made_up_scores(np.full(128, of), integration=error) for of, error in zip((0, -8 / 128), errors, strict=True)
    )
    answer = made_up_comparison({"both": both, "neither": neither})
    pair = answer.tables["pairs"].loc[("both", "neither")]
    assert pair["by_integration"] == pytest.approx(explained)
    assert pair["verdict"] == verdict
    if verdict == "not distinguishable":
        assert f"8.0 (SE 0.0, Monte Carlo error 0.4), of which integration error could explain {explained:.1f}." in str(
            answer
        )


def test_integration_error_is_printed_of_models_that_have_one():
    error = IntegrationError(0.4, 0.3, 0.4, 1.0, 0.0)
    answer = made_up_comparison(
        {"days": made_up_scores(np.zeros(120), integration=error), "normal": made_up_scores(-np.ones(120))}
    )
    assert "Integration error of the log density, exact minus approximate: 'days' +0.40 (SD 0.50)." in answer.body
    assert answer.table["integration_error"].tolist() == pytest.approx([0.4, np.nan], nan_ok=True)
    assert "Integration error" not in str(made_up_comparison({name: made_up_scores(np.zeros(120)) for name in "ab"}))


@pytest.mark.parametrize(
    ("step", "spread", "verdict", "why"),
    [
        (0.1, 0.01, "predicts better", None),
        (0.03, 0.01, "not distinguishable", "less than 4."),
        (0.1, 1.0, "not distinguishable", "too few SEs."),
    ],
)
def test_two_models_need_a_large_difference_of_several_errors(step, spread, verdict, why):
    noise = np.tile([spread, -spread], 60)
    answer = made_up_comparison({"one": made_up_scores(np.zeros(120)), "other": made_up_scores(noise - step)})
    assert list(answer.tables["pairs"]["verdict"]) == [verdict]
    assert why is None or answer.body[1].endswith(why)


@pytest.mark.parametrize(
    ("difference", "spread", "verdict"),
    [
        (4.0, 0.0, "predicts better"),
        (4.0 - 2**-20, 0.0, "not distinguishable"),
        (2**-4, 2**-4, "predicts better"),
    ],
)
def test_exactly_the_least_difference_and_so_many_errors_are_enough(difference, spread, verdict):
    """128 people: of four errors' size where all differ by +- 2^-4, so that the SE is about .71."""
    n = 128
    noise = spread * np.tile([1.0, -1.0], n // 2)
    scores = {"one": made_up_scores(np.zeros(n)), "other": made_up_scores(-np.full(n, difference / n) + noise)}
    pairs = made_up_comparison(scores).tables["pairs"]
    if not spread:
        assert pairs["verdict"].tolist() == [verdict]
        return
    error, total = pairs["se"].iloc[0], pairs["elpd_difference"].iloc[0]
    assert error == pytest.approx(np.sqrt(n) * np.std(noise, ddof=1))
    limits = {"least_difference": 0.0, "least_errors": total / error}
    assert made_up_comparison(scores, **limits).tables["pairs"]["verdict"].tolist() == [verdict]
    limits["least_errors"] *= 1 + 1e-9
    assert made_up_comparison(scores, **limits).tables["pairs"]["verdict"].tolist() == ["not distinguishable"]


def test_defaults_of_a_comparison():
    assert (comparison.LEAST_DIFFERENCE, comparison.LEAST_ERRORS) == (4.0, 2.0)


@pytest.mark.parametrize(("n_persons", "few"), [(99, True), (100, False)])
def test_fewer_than_a_hundred_people_are_few(n_persons, few):
    scores = {name: made_up_scores(np.full(n_persons, each)) for name, each in (("one", 0.0), ("other", -1.0))}
    reasons = made_up_comparison(scores).reasons
    assert [reason.startswith(f"With {n_persons} people (fewer than 100) the SEs") for reason in reasons] == [
        True
    ] * few


def test_the_worst_are_left_out_in_truth_first(monkeypatch):
    """Two of three people whose weights fail, in the order of their shapes; the third stays a doubt."""
    density = xr.DataArray(
        np.random.default_rng(1).normal(size=(2, 50, 5)),
        {"person": [f"P{place}" for place in range(5)]},
        ("chain", "draw", "person"),
    )
    made_up = made_up_scores(np.zeros(5))
    made_up = replace(made_up, k_hat=made_up.k_hat.copy(data=[0.9, 0.2, 1.3, 0.8, 0.67]))
    refits = []

    def exact(left_out, place):
        refits.append(place)
        return made_up_scores([-3.0])

    monkeypatch.setattr(scores_module, "importance_scores", lambda density: (made_up, 0 * density))
    monkeypatch.setattr(densities, "log_density_of", lambda model: None)
    monkeypatch.setattr(scores_module, "moment_matched", lambda *_: None)
    monkeypatch.setattr(scores_module, "_refitted_score", exact)
    left_out = SimpleNamespace(
        fit=SimpleNamespace(model=None), persons=np.arange(10, 15), log_density=lambda fit, persons: density
    )
    found = leave_out(left_out, 2)
    assert refits == [12, 10]
    assert (found.n_refitted, found.n_matched, found.n_high) == (2, 0, 1)
    assert found.elpd.values.tolist() == [-3.0, 0.0, -3.0, 0.0, 0.0]
    np.testing.assert_array_equal(found.k_hat, [np.nan, 0.2, np.nan, 0.8, 0.67])
    assert found.mcse == pytest.approx(0.25 * np.sqrt(2))
    lpd = np.log(np.exp(density).mean(("chain", "draw")))
    assert found.p == pytest.approx(float(lpd.sum()) + 6.0)


@pytest.mark.parametrize("doubtful", ["one", "other"])
def test_a_doubt_about_either_decides_nothing(doubtful):
    scores = {name: made_up_scores(np.full(120, each)) for name, each in (("one", 0.0), ("other", -1.0))}
    assert made_up_comparison(scores).tables["pairs"]["verdict"].tolist() == ["predicts better"]
    scores[doubtful].k_hat[3] = 0.67 + 1e-12
    assert made_up_comparison(scores).tables["pairs"]["verdict"].tolist() == ["undecided"]
    scores[doubtful].k_hat[3] = 0.67
    assert made_up_comparison(scores).tables["pairs"]["verdict"].tolist() == ["predicts better"]


def test_weights_are_of_the_method_asked_for():
    """Two people for whom the other model is better: stacking shares, pseudo-BMA hardly does."""
    elpd = np.zeros(120)
    elpd[:2] = -8.0
    scores = {"one": made_up_scores(elpd), "other": made_up_scores(np.full(120, -0.6))}
    weights = {
        method: made_up_comparison(scores, method=method).table.loc["other", "weight"]
        for method in ("stacking", "pseudo-BMA")
    }
    assert weights["pseudo-BMA"] == pytest.approx(1 / (1 + np.exp(72 - 16)))
    assert weights["stacking"] > 0.01


def test_the_error_of_a_pair_is_of_paired_people_and_monte_carlo_errors_add():
    base = -10 - np.arange(120) % 7
    other = base - 0.1 - 0.01 * (np.arange(120) % 2)
    row = (
        made_up_comparison({"one": made_up_scores(base, mcse=0.3), "other": made_up_scores(other, mcse=0.4)})
        .tables["pairs"]
        .iloc[0]
    )
    assert row["elpd_difference"] == pytest.approx(120 * 0.105)
    assert row["se"] == pytest.approx(np.sqrt(120 * np.var(base - other, ddof=1)))
    assert row["mcse"] == pytest.approx(0.5)


def test_fits_of_other_things_are_refused(small_fit, small_panel):
    """Values of one measure as numbers in one model and as answers of a family in the other."""
    spec = replace(small_fit.spec, families={"days": ab.Count()})
    counted = made_fit(spec, small_fit.panel, small_fit.draws, small_fit.settings)
    with pytest.raises(ab.SpecError) as error:
        ab.compare({"one": small_fit, "other": counted})
    assert error.value.problems == (
        "'one' gives a probability to alliance as numbers and days as numbers, 'other' to alliance as numbers and days "
        "as responses: only densities of the same things can be compared. Give the same measures families other than "
        "the normal in both, the same state, and selection of the same.",
    )


def test_what_cannot_be_trusted_decides_nothing():
    scores = {"one": made_up_scores(np.zeros(60)), "other": made_up_scores(np.full(60, -1.0), k_hat=0.9)}
    answer = made_up_comparison(scores)
    assert list(answer.tables["pairs"]["verdict"]) == ["undecided"]
    assert answer.reasons == (
        "'other': 60 people have a Pareto k-hat above 0.67, so its elpd is unreliable; raise most_refits, or draws.",
        "With 60 people (fewer than 100) the SEs of differences are too small.",
    )
    sick = replace(HEALTHY, problems=("1 divergent transitions.",))
    answer = made_up_comparison({"one": scores["one"], "two": made_up_scores(np.full(60, -1.0))}, health=sick)
    assert list(answer.tables["pairs"]["verdict"]) == ["undecided"]
    assert answer.reasons[0] == "The draws of 'one' cannot be trusted: 1 divergent transitions."


def test_many_models_that_cannot_be_told_apart_are_said_to_be_so():
    answer = made_up_comparison({str(place): made_up_scores(np.full(120, -0.001 * place)) for place in range(3)})
    assert answer.body[1] == "No two of these models are distinguishable."
    assert len(answer.body) == 4
    assert len(answer.tables["pairs"]) == 3


def test_a_comparison_of_fits(small_fit, clpm_fit):
    answer = ab.compare({"RI-CLPM": small_fit, "CLPM": clpm_fit}, most_refits=1)
    assert set(answer.table.index) == {"RI-CLPM", "CLPM"}
    assert answer.heading == (
        "All 4 waves of one person predicted from all other people (leave one person out); 59 people, 300 and 800 draws"
    )
    lppd = logsumexp(
        small_fit.log_likelihood()["log_likelihood"]["values"].to_numpy().reshape(300, -1), axis=0
    ) - np.log(300)
    row = answer.table.loc["RI-CLPM"]
    assert row["p"] == pytest.approx(lppd.sum() - row["elpd"])
    assert row["elpd"] == pytest.approx(float(answer.basis["elpd"].sel(model="RI-CLPM").sum()))
    figure = answer.plot()
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == list(answer.table.index)


def test_every_problem_of_a_comparison_in_one_message(small_fit, small_panel):
    with pytest.raises(ab.SpecError, match="fits must be a dict of two or more fits by their names"):
        ab.compare({"one": small_fit})
    drawn = (small_fit.draws, small_fit.settings)
    other = made_fit(small_fit.spec, without_person(small_panel, 0), *drawn)
    third = made_fit(ab.RICLPM(["alliance", "contact"]), small_panel, *drawn)
    with pytest.raises(ab.SpecError) as error:
        ab.compare(
            {"one": small_fit, "other": other, "third": third}, method="best", least_difference=-1, most_refits=True
        )
    assert error.value.problems == (
        "'one' and 'other' were fitted to different panels. Fit both to the same panel.",
        "'one' is about 'alliance', 'days', 'third' about 'alliance', 'contact': densities of different values cannot "
        "be compared. Fit the same measures.",
        "method must be one of 'stacking', 'BB-pseudo-BMA', 'pseudo-BMA'; got 'best'.",
        "least_difference must be a number of 0 or more; got -1.",
        "most_refits must be a whole number of 0 or more; got True.",
    )


def test_too_few_draws_to_weigh(small_panel):
    few = ab.fit(ab.CLPM(["alliance", "days"]), small_panel, seed=1, draws=12, tune=20, chains=2)
    with pytest.raises(ab.SpecError, match="'few' has 24 draws, too few for a comparison: sample 25 or more"):
        ab.compare({"few": few, "again": few})


def test_moments_alone_have_no_persons(small_panel):
    assert small_panel.values.shape == (60, 4, 3)
    intervals = [later - earlier for earlier, later in pairwise(small_panel.times)]
    assert intervals == [6, 6, 6]
    moments = ab.Panel.from_moments(
        measures=["x", "y"], times=[0, 1, 2], n=100, means=np.zeros((3, 2)), covariance=np.eye(6) + 0.3
    )
    fit = ab.fit(ab.CLPM(["x", "y"]), moments, seed=1, draws=20, tune=20, chains=1)
    with pytest.raises(ab.PanelError):
        ab.compare({"one": fit, "other": fit})
