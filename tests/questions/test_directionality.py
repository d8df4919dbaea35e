"""Verdicts of draws made to deserve them, and what the printed answer says."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy.linalg import expm

import alliance_bayes as ab
from alliance_bayes.posterior.health import Health
from alliance_bayes.posterior.path_matrices import path_matrices
from alliance_bayes.posterior.settings import Settings
from alliance_bayes.posterior.without_prior import AtMaximum, Reweighted
from draws_of_a_share import SURE, UNSURE
from fabricated import DRIFT, fabricated_fit, made_fit

N_CHAINS, N_DRAWS = 4, 500


def made_up_fit(forward, backward, *, times=(0, 6, 12), measures=("alliance", "days"), sd=0.01, spec=None, icc_sd=0.02):
    """A fit whose lagged effects are normal about the given values, one for each interval."""
    rng = np.random.default_rng(7)
    panel = ab.Panel.from_arrays(
        rng.normal(size=(30, len(times), len(measures))), measures=measures, times=times, time_unit="months"
    )
    fitted = made_fit(
        spec or ab.RICLPM(measures, lags="free"), panel, xr.DataTree(), Settings(500, 1, 4, 1, 0.9, 1, "", 0, 0)
    )
    groups = {}
    for group, width in (("/posterior", sd), ("/prior", 0.2)):
        shape = (N_CHAINS, N_DRAWS)
        variables = {
            block.name: (
                ("chain", "draw", *block.dims),
                rng.normal(0.5, icc_sd if width == sd else 0.2, (*shape, *block.shape)),
            )
            for block in fitted.model.scale.blocks
        }
        paths, (first, second) = fitted.model.scale.coordinates["path"], measures[:2]
        effects = np.zeros((*shape, len(times) - 1, len(paths)))
        for interval in range(len(times) - 1):
            centre = (
                np.broadcast_to(forward, len(times) - 1)[interval],
                np.broadcast_to(backward, len(times) - 1)[interval],
            )
            if group == "/prior":
                centre = (0.0, 0.0)
            effects[:, :, interval, paths.index(f"{first} -> {second}")] = rng.normal(centre[0], width, shape)
            effects[:, :, interval, paths.index(f"{second} -> {first}")] = rng.normal(centre[1], width, shape)
        dims = ("chain", "draw", "interval", "path")
        variables |= {"lagged_standardized": (dims, effects), "lagged": (dims, 10 * effects)}
        labels = {name: list(labels) for name, labels in fitted.model.scale.coordinates.items()}
        groups[group] = xr.Dataset(variables).assign_coords(
            {name: labels[name] for name in ("interval", "path", "measure")}
        )
    statistics = {"diverging": np.zeros((N_CHAINS, N_DRAWS), bool), "energy": rng.normal(size=(N_CHAINS, N_DRAWS))}
    groups["/sample_stats"] = xr.Dataset({name: (("chain", "draw"), values) for name, values in statistics.items()})
    return made_fit(fitted.spec, panel, xr.DataTree.from_dict(groups), fitted.settings)


@pytest.mark.parametrize(
    ("forward", "backward", "verdict", "reasons"),
    [
        (0.25, 0.0, "alliance leads", ()),
        (-0.25, 0.02, "alliance leads", ()),
        (0.0, 0.25, "days leads", ()),
        (0.0, 0.0, "practically none", ()),
        (0.2, 0.2, "both", ("Neither is stronger with enough certainty.",)),
        (0.3, -0.15, "both", ("alliance -> days is the stronger.",)),
        (0.15, -0.3, "both", ("days -> alliance is the stronger.",)),
        (
            *(0.05, 0.02, "undecided"),
            ("Settled: alliance -> days is positive and days -> alliance is positive. The sizes are not.",),
        ),
        (-0.05, 0.0, "undecided", ("Settled: alliance -> days is negative. The sizes are not.",)),
    ],
)
def test_verdicts(forward, backward, verdict, reasons):
    answer = ab.directionality(made_up_fit(forward, backward), "alliance", "days")
    assert answer.verdict == verdict
    assert answer.reasons == reasons


def fit_of(forward, backward, *, times=(0, 6, 12)):
    """A healthy fit whose effects are these numbers or draws, dims ``(chain, draw)``, one for each interval."""
    fitted = made_up_fit(0.0, 0.0, times=times)
    groups = {name: fitted.draws[name].to_dataset() for name in ("posterior", "prior", "sample_stats")}
    shape, n_intervals = SURE.shape, len(times) - 1
    effects = np.zeros((*shape, n_intervals, 4))
    for path, given in ((2, forward), (1, backward)):
        each = given if isinstance(given, list) else [given] * n_intervals
        for interval, values in enumerate(each):
            effects[..., interval, path] = values
    coordinates = {name: groups["prior"][name] for name in ("interval", "path")}
    dims = ("chain", "draw", "interval", "path")
    variables = dict.fromkeys(("lagged_standardized", "lagged"), (dims, effects))
    fitted = made_fit(
        fitted.spec,
        fitted.panel,
        xr.DataTree.from_dict({**groups, "posterior": xr.Dataset(variables, coordinates)}),
        fitted.settings,
    )
    fitted.__dict__["health"] = Health(1.0, 900, 900, 0, 1.0, "", ())
    return fitted


@pytest.mark.parametrize(("holds", "sure"), [(SURE, True), (UNSURE, False)], ids=["sure", "unsure"])
@pytest.mark.parametrize(
    ("effects", "verdict"),
    [
        (lambda holds: (np.where(holds, -0.3, 0.02), 0.0), "alliance leads"),
        (lambda holds: (0.0, np.where(holds, -0.3, 0.02)), "days leads"),
        (lambda holds: (np.where(holds, 0.2, 0.02), -0.2), "both"),
        (lambda holds: (np.where(holds, -0.02, 0.04), 0.0), "practically none"),
    ],
    ids=["first", "second", "both", "none"],
)
def test_a_verdict_needs_its_monte_carlo_margin(holds, sure, effects, verdict):
    """Each verdict of the share .96, once .95 with two errors to spare and once not."""
    fitted = fit_of(*effects(holds))
    answer = ab.directionality(fitted, "alliance", "days")
    event = answer.evidence.loc[("average of intervals of 6", verdict)]
    assert event["probability"] == 0.96
    assert (event["probability"] - 2 * event["mcse"] >= 0.95) == sure
    assert answer.verdict == (verdict if sure else "undecided")


def test_an_effect_of_the_margin_is_neither_beyond_nor_within_it():
    answer = ab.directionality(fit_of(0.5, 0.25), "alliance", "days", margin=0.25)
    assert answer.verdict == "undecided"
    assert (answer.evidence["probability"] == 0).all()
    assert ab.directionality(fit_of(0.25, 0.5), "alliance", "days", margin=0.25).verdict == "undecided"
    assert ab.directionality(fit_of(-0.25, 0.0), "alliance", "days", margin=0.25).verdict == "undecided"
    assert ab.directionality(fit_of(0.5, 0.125), "alliance", "days", margin=0.25).verdict == "alliance leads"
    assert ab.directionality(fit_of(0.125, -0.5), "alliance", "days", margin=0.25).verdict == "days leads"
    assert ab.directionality(fit_of(0.375, 0.375), "alliance", "days", margin=0.25).verdict == "both"
    assert ab.directionality(fit_of(0.125, -0.125), "alliance", "days", margin=0.25).verdict == "practically none"


@pytest.mark.parametrize(
    ("holds", "reason"),
    [(SURE, "alliance -> days is the stronger."), (UNSURE, "Neither is stronger with enough certainty.")],
    ids=["sure", "unsure"],
)
def test_the_stronger_needs_its_monte_carlo_margin(holds, reason):
    answer = ab.directionality(fit_of(np.where(holds, 0.4, 0.2), 0.2), "alliance", "days")
    assert (answer.verdict, answer.reasons[0]) == ("both", reason)


@pytest.mark.parametrize(("holds", "sure"), [(SURE, True), (UNSURE, False)], ids=["sure", "unsure"])
def test_a_lead_needs_a_settled_sign(holds, sure):
    """The first is larger in every draw, and positive in the share .96 of them."""
    answer = ab.directionality(fit_of(np.where(holds, 0.3, -0.3), 0.0), "alliance", "days")
    assert answer.evidence.loc[("average of intervals of 6", "alliance leads"), "probability"] == 1
    assert answer.verdict == ("alliance leads" if sure else "undecided")
    assert ("No sign is settled." in answer.reasons) == (not sure)
    mirrored = ab.directionality(fit_of(0.0, np.where(holds, -0.3, 0.3)), "alliance", "days")
    assert mirrored.verdict == ("days leads" if sure else "undecided")


@pytest.mark.parametrize(("holds", "sure"), [(SURE, True), (UNSURE, False)], ids=["sure", "unsure"])
@pytest.mark.parametrize("second", [False, True])
def test_both_needs_two_settled_signs(holds, sure, second):
    effects = (np.where(holds, 0.3, -0.3), 0.3)
    answer = ab.directionality(fit_of(*(effects[::-1] if second else effects)), "alliance", "days")
    assert answer.evidence.loc[("average of intervals of 6", "both"), "probability"] == 1
    assert answer.verdict == ("both" if sure else "undecided")
    assert ("both larger than 0.03" in str(answer)) == sure
    settled = answer.evidence.loc["average of intervals of 6", "signs_settled"]
    assert settled.tolist() == [sure or second, sure or not second, sure, True]


def test_a_contest_of_effects_that_are_estimated_unequally_well():
    rng = np.random.default_rng(3)
    forward, backward = (rng.normal(0.0, sd, SURE.shape) for sd in (0.09, 0.03))
    answer = ab.directionality(fit_of(forward, backward), "alliance", "days")
    contest = answer.tables["contest"].loc["average of intervals of 6"]
    larger = (abs(forward) > abs(backward)).mean()
    assert contest["probability"] == larger
    assert contest["odds"] == pytest.approx(larger / (1 - larger))
    assert contest["ratio"] == pytest.approx(contest["odds"] / contest["prior_odds"])
    assert contest["odds"] > 2  # both are 0
    assert "alliance -> days would be the larger more often" in answer.reasons[-1]
    assert "both larger" not in str(answer)
    close = ab.directionality(fit_of(forward, 1.1 * forward[:, ::-1]), "alliance", "days")
    assert not any("unequally well" in reason for reason in close.reasons)


def test_the_verdict_is_about_the_shortest_interval_or_the_one_that_is_asked_about():
    fitted = made_up_fit([0.25, 0.25, 0.0], 0.0, times=(0, 3, 6, 12))
    short, long = (ab.directionality(fitted, "alliance", "days", lag=lag) for lag in (None, 6))
    assert (short.verdict, long.verdict) == ("alliance leads", "practically none")
    assert short.heading.endswith("; the verdict is about a lag of 3 months")
    assert long.heading.endswith("; the verdict is about a lag of 6 months")
    assert ab.directionality(fitted, "alliance", "days", lag=3).verdict == short.verdict
    pd.testing.assert_frame_equal(short.table, long.table)
    assert not any("depends on the lag" in reason for reason in short.reasons)  # it merely decays


def test_lengths_that_contradict_each_other_are_said():
    answer = ab.directionality(made_up_fit([0.3, -0.2], [0.0, 0.4], times=(0, 3, 9)), "alliance", "days")
    assert answer.verdict == "alliance leads"
    assert answer.reasons[-2:] == (
        "Which effect is the larger depends on the lag: alliance -> days over 3, days -> alliance over 6.",
        "The sign depends on the lag: alliance -> days is positive over 3 and negative over 6.",
    )


LAGS = {
    "continuous": {"drift": DRIFT},
    "equal": {"lagged": expm(2 * DRIFT)},
    "grid": {"lagged": [expm(2 * DRIFT), expm(4 * DRIFT)]},
}


@pytest.mark.parametrize("lags", LAGS)
def test_effects_over_a_lag_between_no_two_waves(lags):
    times = (0, 2, 6) if lags != "equal" else (0, 2, 4)
    spec = ab.RICLPM(("x", "m", "y"), lags=lags)
    within_sd = np.array([1.0, 2.0, 0.5])
    raw = {name: within_sd[:, None] * np.array(value) / within_sd for name, value in LAGS[lags].items()}
    fitted = fabricated_fit(**raw, times=times, spec=spec, within_sd=within_sd)
    lag = 2.5 if lags == "continuous" else 10
    answer = ab.directionality(fitted, "x", "y", lag=lag)
    want = expm(lag * DRIFT)[2, 0]
    row = answer.table.loc["x -> y", f"lag of {lag}"]
    assert row["mean"] == pytest.approx(want, rel=1e-9)
    assert row["raw_mean"] == pytest.approx(want * within_sd[2] / within_sd[0], rel=1e-9)
    assert answer.evidence.index.unique("over")[-1] == f"lag of {lag}"
    assert answer.heading.endswith(f"a lag of {lag} months")


def test_the_default_margin_grows_and_fades_with_the_priors_effects():
    fitted = fabricated_fit(drift=DRIFT, prior_sd=0.1, times=(0, 1, 2), shape=(4, 500), sd=0.01)
    margins = {lag: ab.directionality(fitted, "x", "y", lag=lag).arguments["margin"] for lag in (None, 0.2, 1, 3)}
    assert margins[None] == margins[1] == 0.03
    assert margins[0.2] < margins[1] < margins[3]
    prior = ab.directionality(fitted, "x", "y", lag=3)
    drifts = path_matrices(fitted.drawn("prior")["drift"], fitted.spec.measures).reshape(-1, 3, 3)
    effects = [np.array([expm(lag * one) for one in drifts])[:, [0, 2], [2, 0]] for lag in (1, 3)]
    spreads = [np.diff(np.percentile(of_lag, [15.87, 84.13])).item() for of_lag in effects]
    ratio = spreads[1] / spreads[0]
    assert prior.arguments["margin"] == pytest.approx(0.03 * ratio, rel=0.02)
    assert [axes.get_title(loc="left") for axes in prior.plot().axes[::2]] == [
        "Average of intervals of 1",
        f"Verdict: {prior.verdict} (lag of 3)",
    ]
    assert ab.directionality(fitted, "x", "y", lag=3, margin=0.05).arguments["margin"] == 0.05


def test_a_verdict_that_the_prior_has_already_is_said_to_be_its():
    fitted = fabricated_fit(drift=DRIFT, prior_sd=0.2, times=(0, 1, 2), shape=(4, 500), sd=0.001)
    answer = ab.directionality(fitted, "x", "y", margin=0.8)
    assert answer.evidence.loc[("average of intervals of 1", "practically none"), "probability"] == 1
    assert answer.verdict == "practically none"
    assert answer.reasons[0].startswith("Before the data P(practically none) was > 0.999 already: ")
    assert not any("Before the data" in reason for reason in ab.directionality(fitted, "x", "y").reasons)


@pytest.mark.parametrize(
    ("spec", "lag", "says"),
    [
        ({"lags": "free"}, 4, "lag=4 is not the length of an interval ('3', '6'), and this model (lags='free') "),
        ({"lags": "grid"}, 4, "lag=4 must be one of 1 to 1,000 steps of 3, over which this model (lags='grid') "),
        ({"lags": "continuous"}, -1, "lag must be a number above 0, in the panel's unit of time; got -1."),
        ({"lags": "continuous"}, "6", "lag must be a number above 0, in the panel's unit of time; got '6'."),
    ],
)
def test_lags_over_which_there_are_no_effects(spec, lag, says):
    fitted = fabricated_fit(np.zeros((3, 3)), times=(0, 3, 9), spec=ab.RICLPM(("x", "m", "y"), **spec))
    with pytest.raises(ab.SpecError) as error:
        ab.directionality(fitted, "x", "y", lag=lag)
    assert says in str(error.value)


@pytest.mark.parametrize(("holds", "said"), [(SURE, True), (UNSURE, False)], ids=["sure", "unsure"])
@pytest.mark.parametrize("sign", [1, -1])
def test_signs_of_intervals_need_their_monte_carlo_margin(holds, said, sign):
    """One interval surely of one sign, the other of the other sign with the share .96."""
    fitted = fit_of([sign * np.where(holds, 0.4, -0.01), -sign * 0.4], 0.0)
    reasons = ab.directionality(fitted, "alliance", "days").reasons
    assert (
        any(reason.startswith("Intervals disagree: alliance -> days is positive over ") for reason in reasons) == said
    )


def test_both_comes_before_leads_and_needs_the_margin():
    fitted = made_up_fit(0.25, 0.03)
    assert ab.directionality(fitted, "alliance", "days").verdict == "alliance leads"
    assert ab.directionality(fitted, "alliance", "days", margin=0.01).verdict == "both"
    assert ab.directionality(fitted, "alliance", "days", margin=0.35).verdict == "practically none"


def test_swapping_the_measures_swaps_the_answer():
    fitted = made_up_fit(0.25, 0.0)
    one, other = ab.directionality(fitted, "alliance", "days"), ab.directionality(fitted, "days", "alliance")
    assert (one.verdict, other.verdict) == ("alliance leads", "alliance leads")
    assert one.evidence["probability"].to_numpy()[[0, 1]] == pytest.approx(
        other.evidence["probability"].to_numpy()[[1, 0]]
    )


def test_numbers_are_those_of_the_draws():
    fitted = made_up_fit(0.1, 0.05, sd=0.05)
    answer = ab.directionality(fitted, "alliance", "days", margin=0.04)
    draws = fitted.posterior["lagged_standardized"].to_numpy()
    forward, backward = draws[..., 2], draws[..., 1]
    mean_forward, mean_backward = forward.mean(axis=-1), backward.mean(axis=-1)
    row = answer.table.loc["alliance -> days", "average of intervals of 6"]
    assert row["mean"] == pytest.approx(mean_forward.mean())
    assert (row["lower"], row["upper"]) == pytest.approx(tuple(np.quantile(mean_forward, [0.055, 0.945])), abs=1e-3)
    assert row["p_positive"] == (mean_forward > 0).mean()
    assert row["p_negligible"] == (abs(mean_forward) < 0.04).mean()
    assert row["raw_mean"] == pytest.approx(10 * mean_forward.mean())
    assert answer.table.loc["days -> alliance", "0 to 6"]["mean"] == pytest.approx(backward[..., 0].mean())
    evidence = answer.evidence.loc["average of intervals of 6"]
    assert evidence.loc["alliance leads", "probability"] == (abs(mean_forward) - abs(mean_backward) > 0.04).mean()
    both = (abs(mean_forward) > 0.04) & (abs(mean_backward) > 0.04)
    assert evidence.loc["both", "probability"] == both.mean()
    assert evidence.loc["both", "mcse"] == pytest.approx(np.sqrt(both.mean() * (1 - both.mean()) / both.size), rel=0.3)
    prior = fitted.draws["prior"]["lagged_standardized"].to_numpy()
    prior_forward, prior_backward = prior[..., 2].mean(axis=-1), prior[..., 1].mean(axis=-1)
    assert evidence.loc["days leads", "prior"] == (abs(prior_backward) - abs(prior_forward) > 0.04).mean()


def test_averages_never_cross_interval_lengths():
    answer = ab.directionality(made_up_fit([0.25, 0.25, 0.0], 0.0, times=(0, 3, 6, 12)), "alliance", "days")
    table = answer.table.loc["alliance -> days", "mean"]
    assert table["average of intervals of 3"] == pytest.approx(0.25, abs=0.01)
    assert table["average of intervals of 6"] == pytest.approx(0.0, abs=0.01)


def test_intervals_of_opposite_sign_are_said():
    answer = ab.directionality(made_up_fit([0.4, -0.2], 0.0), "alliance", "days")
    assert answer.verdict == "alliance leads"
    assert answer.reasons == (
        "Intervals disagree: alliance -> days is positive over '0 to 6' and negative over '6 to 12', "
        "so the average hides both.",
    )


def test_unhealthy_draws_give_no_verdict():
    fitted = made_up_fit(0.25, 0.0)
    fitted.draws["sample_stats"]["diverging"][0, :3] = True
    answer = ab.directionality(fitted, "alliance", "days")
    assert answer.verdict == "undecided"
    assert answer.reasons == (f"The draws cannot be trusted: {fitted.health.problems[0]}",)
    assert answer.reasons[0].startswith("The draws cannot be trusted: 3 divergent transitions (1.5 per 1,000 draws):")


def test_unhealthy_draws_are_not_read_further():
    """Neither contradictions nor both signs are said of draws that cannot be trusted."""
    fitted = fit_of([0.4, -0.3], 0.4)
    assert any(reason.startswith("Intervals disagree") for reason in ab.directionality(fitted).reasons)
    assert "both larger" in str(ab.directionality(fit_of(0.4, 0.4)))
    for unhealthy in (fitted, fit_of(0.4, 0.4)):
        unhealthy.__dict__["health"] = Health(1.5, 900, 900, 0, 1.0, "", ("The chains disagree.",))
        answer = ab.directionality(unhealthy)
        assert answer.reasons == ("The draws cannot be trusted: The chains disagree.",)
        assert "both larger" not in str(answer)


def test_a_rate_of_divergences_that_is_no_problem_is_said():
    fitted = fit_of(0.4, 0.0)
    fitted.__dict__["health"] = Health(1.0, 900, 900, 1, 1.0, "", ())
    assert f"Divergences: {1000 / SURE.size:.2g} per 1,000 draws." in str(ab.directionality(fitted))
    object.__setattr__(fitted, "sample", replace(fitted.sample, settings=replace(fitted.settings, thin=4)))
    assert f"Divergences: {250 / SURE.size:.2g} per 1,000 draws." in str(ab.directionality(fitted))


def reweighted(fitted, to, *, of_averages=False):
    """Draws of which the effect of alliance on days is this with a wide prior of the lags."""
    wide = fitted.posterior.copy(deep=True)
    wide["lagged_standardized"][..., 2] = to
    return Reweighted(wide, xr.ones_like(wide["lagged_standardized"][..., 0, 0]), 0.1, of_averages)


@pytest.mark.parametrize(
    ("wide", "of_averages", "which"),
    [
        (0.37, False, "0.37 with a prior SD of 1 for the lags: the prior of the lags moves it"),
        (0.30, False, "0.30 with a prior SD of 1 for the lags: other priors move it"),
        (0.05, False, "0.05 with a prior SD of 1 for the lags: other priors move it"),
        (0.37, True, "0.37 with a prior SD of 1 for average lags: the prior of average lags moves it"),
        (
            0.30,
            True,
            "0.30 with a prior SD of 1 for average lags: other priors, or that of differences from averages, move it",
        ),
        (0.8, False, "0.80 with a prior SD of 1 for the lags: the prior of the lags moves it, and so do other priors"),
        (None, False, "which prior moves it is not known"),
    ],
)
def test_which_prior_moves_an_effect_is_said(wide, of_averages, which):
    fitted = made_up_fit(0.25, 0.0, sd=0.2 * np.sqrt(2))
    at_maximum = fitted.posterior.isel(chain=[0], draw=[0, 1, 2]).copy(deep=True)
    at_maximum["lagged_standardized"][:] = [0, 0, 0.38, 0]
    fitted.__dict__["without_prior"] = AtMaximum(at_maximum, np.ones((1, 1)), np.ones((1, 1, 1)))
    fitted.__dict__["with_wide_prior"] = None if wide is None else reweighted(fitted, wide, of_averages=of_averages)
    answer = ab.directionality(fitted, "alliance", "days", margin=0.2)
    row = answer.table.loc["alliance -> days", "average of intervals of 6"]
    assert row["without_prior"] == 0.38
    if wide is None:
        assert (np.isnan(row["with_wide_prior"]), row["with_wide_prior_by"]) == (True, "")
    else:
        assert row["with_wide_prior"] == pytest.approx(wide)
        assert row["with_wide_prior_by"] == ("prior SD 1 of averages" if of_averages else "prior SD 1")
    assert "without any prior, ML (SE)" in str(answer)
    assert any(f"posterior SDs away; {which})" in reason for reason in answer.reasons)


def test_without_maximum_likelihood_the_wide_prior_is_what_is_said():
    fitted = made_up_fit(0.25, 0.0, sd=0.2 * np.sqrt(2))
    found = reweighted(fitted, 0.4)
    fitted.__dict__.update(without_prior=found, with_wide_prior=found)
    answer = ab.directionality(fitted, "alliance", "days", margin=0.2)
    assert "with prior SD 1 (SD)" in str(answer)
    said = "With a prior SD of 1 for lags between measures, alliance -> days"
    (reason,) = [reason for reason in answer.reasons if reason.startswith(said)]
    assert "move" not in reason


@pytest.mark.parametrize(("without", "said"), [(0.3, False), (0.38, True)])
def test_what_the_prior_takes_away_is_said_from_half_a_posterior_sd(without, said):
    fitted = made_up_fit(0.25, 0.0, sd=0.2 * np.sqrt(2))
    at_maximum = fitted.posterior.isel(chain=[0], draw=[0, 1, 2]).copy(deep=True)
    at_maximum["lagged_standardized"][:] = [0, 0, without, 0]
    fitted.__dict__["without_prior"] = AtMaximum(at_maximum, np.ones((1, 1)), np.ones((1, 1, 1)))
    answer = ab.directionality(fitted, "alliance", "days", margin=0.2)
    row = answer.table.loc["alliance -> days", "average of intervals of 6"]
    assert (row["without_prior"], row["without_prior_sd"], row["without_prior_by"]) == (
        without,
        0.0,
        "maximum likelihood",
    )
    assert f"{without:.2f} (0.00)" in str(answer)
    over, mean, distance = "average of intervals of 6", f"{row['mean']:.2f}", (without - row["mean"]) / row["sd"]
    assert (distance > 0.5) == said
    sentence = (
        f"Without any prior (maximum likelihood), alliance -> days, {over} is {without:.2f}, not {mean} "
        f"({distance:.1f} posterior SDs away; which prior moves it is not known)"
    )
    assert any(reason.startswith(sentence) for reason in answer.reasons) == said


def test_without_contraction_of_the_icc_the_effects_are_not_called_within():
    answer = ab.directionality(made_up_fit(0.25, 0.0, icc_sd=0.19), "alliance", "days")
    assert answer.heading.startswith("Lagged effects, SD per SD, 6 months apart; ")
    assert answer.reasons[-1].startswith(
        "The data hardly distinguish stable differences from carry-over in 'alliance', 'days'"
    )


def test_printed_answer():
    fitted = made_up_fit(0.25, 0.02, sd=0.05)
    spec = ab.RICLPM(["alliance", "days"], lags="equal", nonexistent="as_missing")
    fitted = made_fit(spec, fitted.panel, fitted.draws, fitted.settings)
    fitted.__dict__["health"] = Health(1.0, 900, 900, 0, 1.0, "", ())
    lines = str(ab.directionality(fitted, "alliance", "days")).splitlines()
    assert lines == [
        "Lagged effects within persons, SD per SD, 6 months apart; 30 people, 3 waves, 2000 draws",
        "                  mean  89 % interval  P(effect > 0)  prior  P(|effect| < margin)  without prior  raw units",
        "alliance -> days  0.25   [0.19, 0.31]        > 0.999  0.501               < 0.001  not to be had  "
        "2.52 [1.95, 3.07]",
        "days -> alliance  0.02  [-0.04, 0.07]          0.719  0.518                 0.506  not to be had  "
        "0.204 [-0.374, 0.746]",
        "|alliance -> days| larger than |days -> alliance|: posterior odds > 2000, prior odds 1.08, ratio > 1850; "
        "posterior SDs 0.036 and 0.036",
        "P(|alliance -> days| larger by more than 0.03) > 0.999 (all draws agree), prior 0.396",
        "P(|days -> alliance| larger by more than 0.03) < 0.001 (all draws agree), prior 0.366",
        "P(both smaller than 0.03 in size) < 0.001 (all draws agree), prior 0.032",
        "Verdict: alliance leads.",
        "Sampling: no problems.",
        "About prediction; about causes only under these assumptions:",
        *(f"  {place}. {sentence}" for place, sentence in enumerate(spec.assumptions[:-2], start=1)),
        "Further assumptions, printed with the fit: 1 on missing values and states and 1 on how the model is built "
        "(all in .assumptions).",
    ]
    assert spec.assumptions[1].startswith("A measure that does not exist for a person at a wave")


def test_free_lags_print_every_interval():
    lines = str(ab.directionality(made_up_fit([0.25, 0.1], 0.0), "alliance", "days")).splitlines()
    assert [line.split("  ")[0] for line in lines[2:8]] == [
        f"{path}, {over}"
        for path in ("alliance -> days", "days -> alliance")
        for over in ("average of intervals of 6", "0 to 6", "6 to 12")
    ]


def test_several_pairs_at_once():
    fitted = made_up_fit(0.25, 0.0, measures=("alliance", "days", "meetings"))
    answer = ab.directionality(fitted)
    assert answer.verdicts == {
        "alliance, days": "alliance leads",
        "alliance, meetings": "practically none",
        "days, meetings": "practically none",
    }
    assert answer.verdict is None
    assert len(answer.table) == 3 * 2 * 3
    assert answer.evidence.index.names == ["pair", "over", "event"]
    assert answer.draws["effect"].sizes["path"] == 6
    assert str(answer).count("Verdict:") == 3
    assert "3 questions were asked of this fit in one call; verdicts are not adjusted for their number." in str(answer)
    chosen = ab.directionality(fitted, "days", "meetings", "alliance")
    assert list(chosen.parts) == ["days, meetings", "days, alliance", "meetings, alliance"]
    one = ab.directionality(fitted, "days", "alliance")
    np.testing.assert_array_equal(chosen.parts["days, alliance"].draws["effect"], one.draws["effect"])


def test_figure_shows_every_effect():
    answer = ab.directionality(made_up_fit([0.25, 0.3, 0.2], 0.0, times=(0, 3, 6, 12)), "alliance", "days")
    figure = answer.plot()
    assert len(figure.axes) == 4
    assert figure.axes[0].get_title(loc="left").startswith("Verdict: ")
    labels = [[label.get_text() for label in side.get_yticklabels()] for side in figure.axes[1::2]]
    assert labels == [["0 to 3", "3 to 6"], ["6 to 12"]]
    for axes in figure.axes[::2]:
        figure.draw_without_rendering()
        lowest = axes.get_legend().get_window_extent().transformed(axes.transData.inverted()).y0
        assert lowest > max(line.get_ydata().max() for line in axes.get_lines() if len(line.get_xdata()) > 2)


def test_every_problem_of_a_question_in_one_message():
    spec = ab.RICLPM(["alliance", "days"], lags="free")
    fitted = made_up_fit(0.1, 0.1)
    with pytest.raises(ab.SpecError) as error:
        ab.directionality(fitted, "aliance", "aliance", margin=2, certainty=0.5)
    assert str(error.value) == (
        "This question of direction cannot be asked. 4 problems:\n"
        "  1. The model has no measure 'aliance'; did you mean 'alliance'? Measures: 'alliance', 'days'.\n"
        "  2. Direction needs two different measures; got 'aliance', 'aliance'.\n"
        "  3. margin must lie between 0 and 1, in SD per SD; got 2.\n"
        "  4. certainty must lie between 0.5 and 1; got 0.5."
    )
    restricted = made_fit(spec.without("days -> alliance"), fitted.panel, fitted.draws, fitted.settings)
    with pytest.raises(ab.SpecError) as error:
        ab.directionality(restricted, "alliance", "days")
    assert str(error.value) == (
        "This question of direction cannot be asked. 1 problem:\n"
        "  1. 'days -> alliance' is fixed at 0 in this model, so nothing can be compared with it. "
        "Take it out of remove, and fit the model with both paths."
    )
