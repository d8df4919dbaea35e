"""Effects split by what they run through: golden numbers, the draws themselves, and what the answer says."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy.linalg import expm

import alliance_bayes as ab
from alliance_bayes.posterior.health import Health
from alliance_bayes.posterior.path_matrices import path_matrices
from alliance_bayes.questions import mediation as module
from alliance_bayes.questions.dynamics import standardized_innovations
from draws_of_a_share import SURE, UNSURE, holding
from fabricated import DRIFT, HEALTHY, MEASURES, fabricated_fit, made_fit

PHI = expm(DRIFT * 3)


def ask(fit, **options):
    chosen = {"treatment": "x", "mediators": ["m"], "outcome": "y", "horizon": 6} | options
    return ab.mediation(fit, **chosen)


@pytest.mark.parametrize(
    ("horizon", "total", "direct", "indirect"),
    [(3, 0.103066, 0.071121, 0.031945), (6, 0.128646, 0.067948, 0.060698), (12, 0.087100, 0.031697, 0.055403)],
)
def test_golden_effects_in_continuous_time(horizon, total, direct, indirect):
    table = ask(fabricated_fit(drift=DRIFT), horizon=horizon).table
    assert table["mean"].to_numpy() == pytest.approx([total, direct, indirect], abs=1e-6)
    assert table["raw_mean"].to_numpy() == pytest.approx(table["mean"].to_numpy())


@pytest.mark.parametrize(("horizon", "indirect"), [(6, 0.030179), (12, 0.041166)])
def test_golden_effects_on_the_grid(horizon, indirect):
    fit = fabricated_fit(PHI, spec=ab.RICLPM(MEASURES, lags="grid"))
    assert ask(fit, horizon=horizon).table.loc["indirect", "mean"] == pytest.approx(indirect, abs=5e-7)


def test_golden_effects_of_a_sustained_change():
    table = ask(fabricated_fit(drift=DRIFT), horizon=12, change="sustained").table
    assert table.loc["total", "mean"] == pytest.approx(0.451, abs=5e-4)
    assert table.loc["indirect", "mean"] == pytest.approx(0.224, abs=5e-4)


def test_continuous_effects_and_grid_effects_of_one_model_differ_and_say_so():
    fit = fabricated_fit(drift=DRIFT)
    moment, waves = ask(fit, timing="continuous"), ask(fit, timing="waves")
    assert moment.table.loc["total", "mean"] == pytest.approx(waves.table.loc["total", "mean"])
    assert moment.table.loc["indirect", "mean"] == pytest.approx(0.060698, abs=1e-6)
    assert waves.table.loc["indirect", "mean"] == pytest.approx(0.030179, abs=1e-6)
    assert "held on the expected course at every moment (continuous-time effects)" in moment.body[0]
    assert "held on the expected course at each step (wave-by-wave effects: 2 steps of 3 months)" in waves.body[0]
    assert [answer.arguments["timing"] for answer in (moment, waves)] == ["continuous", "waves"]


def test_effects_are_computed_draw_by_draw():
    fit = fabricated_fit(PHI, spec=ab.RICLPM(MEASURES, lags="grid"), sd=0.1, within_sd=[[2.0, 1.0, 5.0]] * 4)
    answer = ask(fit, horizon=6)
    phi = path_matrices(fit.posterior["lagged"], fit.spec.measures)[:, :, 0]
    indirect = phi[..., 2, 1] * phi[..., 1, 0]
    total = (phi @ phi)[..., 2, 0]
    np.testing.assert_allclose(answer.draws["raw_indirect"], indirect, atol=1e-12)
    np.testing.assert_allclose(answer.draws["raw_total"], total, atol=1e-12)
    np.testing.assert_allclose(answer.draws["indirect"], indirect * 2 / 5, atol=1e-12)
    row = answer.table.loc["indirect"]
    assert row["mean"] == pytest.approx(indirect.mean() * 2 / 5)
    assert row["mean"] != pytest.approx(phi[..., 2, 1].mean() * phi[..., 1, 0].mean() * 2 / 5, abs=1e-6)
    assert row["p_positive"] == (indirect > 0).mean()
    assert answer.evidence.loc["indirect effect above 0", "probability"] == (indirect > 0).mean()
    assert answer.evidence.loc["indirect effect smaller than 0.03 in size", "probability"] == pytest.approx(
        (abs(indirect * 2 / 5) < 0.03).mean()
    )


def test_evidence_is_counted_draw_by_draw():
    fit = fabricated_fit(0.2 * PHI, spec=ab.RICLPM(MEASURES, lags="grid"), sd=0.2, shape=(2, 500))
    answer = ask(fit, margin=0.05)
    total, direct, indirect = (answer.draws[name].to_numpy() for name in ("total", "direct", "indirect"))
    wanted = {
        "indirect effect above 0": indirect > 0,
        "indirect effect below 0": indirect < 0,
        "indirect effect smaller than 0.05 in size": abs(indirect) < 0.05,
        "total effect above 0": total > 0,
        "total effect smaller than 0.05 in size": abs(total) < 0.05,
        "direct and indirect effects of opposite sign": np.sign(direct) == -np.sign(indirect),
    }
    assert answer.evidence["probability"].to_dict() == {event: holds.mean() for event, holds in wanted.items()}
    assert answer.evidence["probability"].between(0.05, 0.95).all()
    assert answer.evidence["probability"].iloc[-1] != pytest.approx(0.5, abs=0.01)
    assert answer.evidence.loc["total effect above 0", "prior"] == answer.table.loc["total", "p_positive_prior"]


def test_the_curve_ends_in_the_table():
    answer = ask(fabricated_fit(drift=DRIFT, sd=0.02), horizon=12)
    curve = answer.tables["curve"]
    assert curve.loc[("total", 0.0), "mean"] == 0
    for effect in ("total", "direct", "indirect"):
        assert curve.loc[(effect, 12.0), ["mean", "lower", "upper"]].to_numpy() == pytest.approx(
            answer.table.loc[effect, ["mean", "lower", "upper"]].to_numpy().astype(float)
        )
    at_six = ask(fabricated_fit(drift=DRIFT, sd=0.02), horizon=6).table.loc["indirect", "mean"]
    assert curve.loc[("indirect", 6.0), "mean"] == pytest.approx(at_six)


def test_effects_of_several_mediators_add_up():
    rng = np.random.default_rng(3)
    phi = rng.normal(0.2, 0.1, (5, 5))
    names = ("x", "a", "b", "other", "y")
    fit = fabricated_fit(phi, measures=names, times=(0, 1, 2, 3, 4), sd=0.02)
    answer = ask(fit, mediators=["a", "b"], horizon=3, paths=["x -> a -> y", "x->b->y", "x -> a -> b -> y", "x -> y"])
    means = answer.table["mean"]
    assert means["direct"] + means["indirect"] == pytest.approx(means["total"])
    assert means["through a alone"] + means["through b alone"] + means["through several mediators"] == pytest.approx(
        means["indirect"]
    )
    paths = means[["x -> a -> y", "x -> b -> y", "x -> a -> b -> y", "x -> y", "other paths"]]
    assert paths.sum() == pytest.approx(means["total"])
    draws = path_matrices(fit.posterior["lagged"], fit.spec.measures)[:, :, 0]
    step = [draws[..., second, first] for first, second in ((0, 1), (1, 2), (2, 4))]
    assert means["x -> a -> b -> y"] == pytest.approx((step[0] * step[1] * step[2]).mean())
    assert "Paths through other are direct." in answer.body[0]


def test_through_one_mediator_alone_is_the_product_along_its_path():
    """Over two steps ``Phi_ya Phi_ax``; over three what passes from a to b and on is through several."""
    phi = np.diag([0.3, 0.2, 0.4, 0.5])
    phi[1, 0], phi[2, 0], phi[3, 1], phi[3, 2], phi[3, 0], phi[2, 1] = 0.5, 0.3, 0.4, 0.2, 0.1, 0.6
    fit = fabricated_fit(phi, measures=("x", "a", "b", "y"), times=(0, 1, 2, 3))
    two = ask(fit, mediators=["a", "b"], horizon=2).table["mean"]
    assert two["through a alone"] == pytest.approx(0.4 * 0.5)
    assert two["through b alone"] == pytest.approx(0.2 * 0.3)
    assert two["through several mediators"] == 0
    assert two["indirect"] == pytest.approx(0.2 + 0.06)
    three = ask(fit, mediators=["a", "b"], horizon=3).table["mean"]
    assert three["through a alone"] == pytest.approx(0.4 * 0.5 * (0.3 + 0.2 + 0.5))
    assert three["through b alone"] == pytest.approx(0.2 * 0.3 * (0.3 + 0.4 + 0.5))
    assert three["through several mediators"] == pytest.approx(0.2 * 0.6 * 0.5)
    assert three["total"] == pytest.approx(np.linalg.matrix_power(phi, 3)[3, 0])
    assert three["direct"] == pytest.approx(three["total"] - three["indirect"])


def test_innovations_are_in_sds_of_the_measures():
    fit = fabricated_fit(
        PHI, times=(0, 3, 6), innovation_sd=[[1.0, 0.8, 3.0]] * 2, innovation_correlation=[[0.5, 0.0, 0.25]] * 2
    )
    found = standardized_innovations(fit.posterior, MEASURES, np.array([2.0, 0.5, 4.0]), [0, 1])
    sds = np.array([0.5, 1.6, 0.75])
    wanted = np.array([[1, 0.5, 0], [0.5, 1, 0.25], [0, 0.25, 1]]) * np.outer(sds, sds)
    np.testing.assert_allclose(found, np.broadcast_to(wanted, found.shape))


def test_free_lags_use_the_intervals_from_the_start():
    phis = np.random.default_rng(4).normal(0.2, 0.2, (3, 3, 3))
    fit = fabricated_fit(phis, spec=ab.RICLPM(MEASURES, lags="free"))
    later = ask(fit, start=3, horizon=9)
    assert later.table.loc["total", "mean"] == pytest.approx((phis[2] @ phis[1])[2, 0])
    assert later.table.loc["indirect", "mean"] == pytest.approx(phis[2][2, 1] * phis[1][1, 0])
    assert "2 steps, waves 3, 6 and 12" in later.body[0]
    assert ask(fit, horizon=6).table.loc["indirect", "mean"] == pytest.approx(phis[1][2, 1] * phis[0][1, 0])


def test_the_share_is_only_given_where_the_total_effect_has_a_sign_and_a_size():
    strong = np.array([[0.3, 0, 0], [0.5, 0.2, 0], [0.2, 0.5, 0.3]])
    answer = ask(fabricated_fit(strong, times=(0, 3, 6), sd=0.02))
    share = answer.draws["indirect"] / answer.draws["total"]
    assert answer.tables["share"].loc["indirect", "median"] == pytest.approx(float(share.median()))
    assert answer.body[-1].startswith("Share that is indirect: 0.6")
    weak = ask(fabricated_fit(0.1 * strong, times=(0, 3, 6), sd=0.1))
    assert "share" not in weak.tables
    assert weak.body[-1].startswith(
        "Share that is indirect: undefined, since the sign of the total effect is uncertain"
    )
    assert "practically 0" in weak.body[-1]
    opposed = ask(fabricated_fit(strong * [[1, 1, 1], [1, 1, 1], [-4, 1, 1]], times=(0, 3, 6), sd=0.02))
    assert opposed.tables["share"].loc["indirect", "median"] < 0
    assert "opposite signs" in opposed.body[-1]


def test_verdicts_need_healthy_draws():
    strong = np.array([[0.3, 0, 0], [0.5, 0.2, 0], [0.2, 0.5, 0.3]])
    assert ask(fabricated_fit(strong, times=(0, 3, 6), sd=0.02)).verdict == "indirect effect positive"
    negative = strong * [[1, 1, 1], [-1, 1, 1], [1, 1, 1]]
    assert ask(fabricated_fit(negative, times=(0, 3, 6), sd=0.02)).verdict == "indirect effect negative"
    assert ask(fabricated_fit(0.0 * strong, times=(0, 3, 6), sd=0.1)).verdict == "undecided"
    sick = Health(1.2, 10.0, 10.0, 3, 1.0, "", ("Three divergences.",))
    answer = ask(fabricated_fit(strong, times=(0, 3, 6), sd=0.02, health=sick))
    assert answer.verdict == "undecided"
    assert answer.reasons[0] == "The draws cannot be trusted: Three divergences."


@pytest.mark.parametrize(("sign", "verdict"), [(1, "indirect effect positive"), (-1, "indirect effect negative")])
def test_a_verdict_needs_its_monte_carlo_margin_and_healthy_draws(sign, verdict):
    sick = Health(1.2, 10.0, 10.0, 3, 1.0, "", ("Three divergences.",))
    sure, unsure = (sign * xr.where(holds, 0.1, -0.1) for holds in (SURE, UNSURE))
    assert module._verdict(sure, 0.95, HEALTHY) == verdict
    assert module._verdict(unsure, 0.95, HEALTHY) == "undecided"
    assert module._verdict(sure, 0.95, sick) == "undecided"


def share_given(total):
    return module._share(0.5 * total, total, 0.5 * total, 0.03)


def test_there_is_no_share_at_the_limits_themselves():
    """A sign with a share of .95 is uncertain, and one in twenty within the margin may be practically 0."""
    signed = [xr.where(holding(share, clumped=False), 0.5, -0.5) for share in (0.95, 0.951)]
    assert share_given(signed[0])[1].startswith(
        "Share that is indirect: undefined, since the sign of the total effect is uncertain"
    )
    assert share_given(signed[1])[0]["median"] == pytest.approx(0.5)
    small = [xr.where(holding(share, clumped=False), 0.5, 0.02) for share in (0.95, 0.951)]
    assert share_given(small[0])[1].startswith(
        "Share that is indirect: undefined, since the total effect may be practically 0"
    )
    assert share_given(small[1])[0]["median"] == pytest.approx(0.5)


def test_a_mediator_that_requires_the_treatment_is_refused_with_the_reason():
    state = np.ones((30, 3))
    spec = ab.RICLPM(["alliance", "days", "contact"], lags="equal", nonexistent="as_missing")
    fit = fabricated_fit(
        np.full((3, 3), 0.2),
        measures=("alliance", "days", "contact"),
        times=(0, 3, 6),
        spec=spec,
        requires={"alliance": "doctor"},
        states={"doctor": state},
    )
    with pytest.raises(ab.SpecError) as error:
        ab.mediation(fit, treatment="doctor", mediators=["alliance"], outcome="days", horizon=6)
    assert str(error.value) == (
        "This question of mediation cannot be asked. 1 problem:\n"
        "  1. 'alliance' exists only where there is 'doctor', so its value without 'doctor' is undefined, and so are "
        "the direct and indirect effect of 'doctor' through 'alliance'. Ask ab.split_by_existence, which holds "
        "'alliance' at reference values among those who have it, and shifts it."
    )
    answer = ab.mediation(fit, treatment="alliance", mediators=["contact"], outcome="days", horizon=6)
    assert any("does not exist" in sentence for sentence in answer.assumptions)


def test_every_problem_of_a_question_in_one_message():
    fit = fabricated_fit(np.full((3, 3), 0.2), times=(0, 3, 6))
    with pytest.raises(ab.SpecError) as error:
        ask(fit, treatment="xx", mediators=["m", "m"], horizon=4, change="push", margin=2, certainty=0.4, start=1)
    assert str(error.value) == (
        "This question of mediation cannot be asked. 7 problems:\n"
        "  1. The model has no measure 'xx'; did you mean 'x'? Measures: 'x', 'm', 'y'.\n"
        "  2. Treatment, mediators and outcome must all differ; named twice: 'm'.\n"
        "  3. change must be 'pulse' or 'sustained'; got 'push'.\n"
        "  4. margin must lie between 0 and 1, in SD per SD; got 2.\n"
        "  5. certainty must lie between 0.5 and 1; got 0.4.\n"
        "  6. start=1 is not a wave. Waves: '0', '3', '6'.\n"
        "  7. horizon=4 is not a whole number of steps of 3; try 6."
    )


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"horizon": 3}, "every indirect effect is 0 by construction, since a mediator needs a step of its own"),
        ({"horizon": -1}, "horizon must be a time above 0"),
        ({"timing": "continuous"}, "has no effects between its steps"),
        ({"timing": "daily"}, "timing must be 'waves' or 'continuous'"),
        ({"mediators": []}, "No mediator was named"),
        ({"paths": ["x -> z -> y"]}, "runs through 'z', not named as a mediator"),
        ({"paths": ["m -> y"]}, "must lead from 'x' to 'y'"),
        ({"paths": ["x -> m -> x -> y"]}, "contains a measure twice"),
        ({"paths": ["x -> m -> y", "x->m->y"]}, "is repeated"),
    ],
)
def test_questions_that_cannot_be_asked(options, said):
    with pytest.raises(ab.SpecError) as error:
        ask(fabricated_fit(np.full((3, 3), 0.2), times=(0, 3, 6)), **options)
    assert said in str(error.value)


def test_free_lags_end_at_waves_and_name_them():
    fit = fabricated_fit(np.full((3, 3), 0.2), spec=ab.RICLPM(MEASURES, lags="free"))
    with pytest.raises(ab.SpecError, match="From the wave at 0, horizons are 6, 12"):
        ask(fit, horizon=5)
    with pytest.raises(ab.SpecError, match="no two intervals follow"):
        ask(fit, start=6, horizon=6)


def test_effects_that_are_zero_by_construction_are_refused():
    spec = ab.RICLPM(MEASURES, lags="equal", remove=["x -> m"])
    with pytest.raises(ab.SpecError, match=r"No path leads from 'x' through 'm' to 'y'.*fixed at 0: x -> m"):
        ask(fabricated_fit(np.full((3, 3), 0.2), times=(0, 3, 6), spec=spec))


@pytest.mark.parametrize(
    ("remove", "horizon", "said"),
    [
        (["m -> n"], 9, "The path 'x -> m -> n -> y' is 0 by construction over this horizon (fixed at 0: m -> n)."),
        ([], 6, "The path 'x -> m -> n -> y' is 0 by construction over this horizon (fixed at 0: nothing)."),
    ],
)
def test_paths_that_are_zero_by_construction_are_refused(remove, horizon, said):
    """One of its effects is not in the model, or it is longer than the horizon."""
    names = ("x", "m", "n", "y")
    spec = ab.RICLPM(names, lags="equal", remove=remove)
    fit = fabricated_fit(np.full((4, 4), 0.2), measures=names, times=(0, 3, 6, 9), spec=spec)
    with pytest.raises(ab.SpecError) as error:
        ask(fit, mediators=["m", "n"], horizon=horizon, paths=["x -> m -> n -> y"])
    assert error.value.problems == (f"{said} It needs 3 steps, all free.",)


def test_standardised_effects_are_in_sds_at_the_start():
    phis = np.random.default_rng(4).normal(0.2, 0.2, (3, 3, 3))
    sds = [[9.0, 9.0, 9.0], [2.0, 3.0, 5.0], [9.0, 9.0, 9.0], [9.0, 9.0, 9.0]]
    fit = fabricated_fit(phis, spec=ab.RICLPM(MEASURES, lags="free"), within_sd=sds)
    row = ask(fit, start=3, horizon=9).table.loc["total"]
    assert row["raw_mean"] == pytest.approx((phis[2] @ phis[1])[2, 0])
    assert row["mean"] == pytest.approx((phis[2] @ phis[1])[2, 0] * 2 / 5)


def test_two_measures_cannot_have_a_mediator():
    fit = fabricated_fit(np.full((2, 2), 0.2), measures=("x", "y"), times=(0, 3, 6))
    with pytest.raises(ab.SpecError, match="with two measures there is no mediator"):
        ab.mediation(fit, treatment="x", mediators=["m"], outcome="y", horizon=6)


def test_horizons_beyond_the_data_warn():
    answer = ask(fabricated_fit(np.full((3, 3), 0.2), times=(0, 3, 6)), horizon=12)
    assert answer.reasons == (
        "The horizon of 12 months is longer than the panel's 6: the same dynamics are assumed to go on beyond "
        "the data.",
    )


def test_clpm_is_not_called_within():
    fit = fabricated_fit(np.full((3, 3), 0.2), times=(0, 3, 6), spec=ab.CLPM(MEASURES, lags="equal"))
    assert "within and between persons mixed" in ask(fit).heading


def test_printed_answer():
    strong = np.array([[0.3, 0, 0], [0.5, 0.2, 0], [0.2, 0.5, 0.3]])
    answer = ask(fabricated_fit(strong, times=(0, 3, 6), shape=(2, 600)))
    lines = str(answer).splitlines()
    prior = answer.table["p_positive_prior"]
    assert lines[0] == "x -> y through m within persons, SD per SD with the SDs at 0; 30 people, 3 waves, 1200 draws"
    assert [line.split() for line in lines[3:6]] == [
        ["total", "0.370", "[0.370,", "0.370]", ">", "0.999", f"{prior['total']:.3f}", "0.37", "[0.37,", "0.37]"],
        ["direct", "0.120", "[0.120,", "0.120]", ">", "0.999", f"{prior['direct']:.3f}", "0.12", "[0.12,", "0.12]"],
        ["indirect", "0.250", "[0.250,", "0.250]", ">", "0.999", f"{prior['indirect']:.3f}", "0.25", "[0.25,", "0.25]"],
    ]
    assert lines[6:10] == [
        "Share that is indirect: 0.68 [0.68, 0.68] of the total effect.",
        "Verdict: indirect effect positive.",
        "Sampling: no problems.",
        "About prediction; about mediation only under these assumptions:",
    ]
    assert len(lines) == 10 + len(answer.assumptions) - 2 + 1  # two are printed with the fit, and one line says so


def test_figure_shows_every_effect_and_its_course():
    answer = ask(fabricated_fit(drift=DRIFT, sd=0.02), horizon=12, paths=["x -> m -> y"])
    figure = answer.plot()
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == list(answer.table.index)
    assert [text.get_text() for text in figure.axes[1].get_legend().get_texts()] == ["total", "direct", "indirect"]
    assert figure.axes[1].get_xlabel() == "time since the change, months"


def two_groups():
    """A fit whose second group has twice the effects of the first."""
    fit = fabricated_fit(np.full((3, 3), 0.2), times=(0, 3, 6))
    groups = {"sample_stats": xr.Dataset()}
    for name in ("posterior", "prior"):
        draws = fit.draws[name].to_dataset()
        twice = draws.assign(lagged=2 * draws["lagged"])
        groups[name] = xr.concat([draws, twice], dim=pd.Index(["clinic", "control"], name="group"))
    panel = ab.Panel.from_arrays(
        fit.panel.values, measures=MEASURES, times=fit.panel.times, groups=["clinic", "control"] * 15
    )
    spec = replace(fit.spec, group_lags="free")
    grouped = made_fit(spec, panel, xr.DataTree.from_dict(groups), fit.settings)
    grouped.__dict__["health"] = fit.health
    return fit, grouped


def test_groups_are_asked_one_by_one():
    fit, grouped = two_groups()
    single = ask(fit).table.loc["indirect", "mean"]
    assert ask(grouped, group="clinic").table.loc["indirect", "mean"] == pytest.approx(single)
    control = ask(grouped, group="control")
    assert control.table.loc["indirect", "mean"] == pytest.approx(4 * single)
    assert control.heading.endswith(", group control")
    curve = ab.lag_curve(grouped, ["x -> y"], group="control")
    assert curve.table.loc[("x -> y", 3.0), "mean"] == pytest.approx(0.4)
    for group, said in ((None, "group= one of 'clinic', 'control'"), ("clinc", "did you mean 'clinic'")):
        with pytest.raises(ab.SpecError, match=said):
            ask(grouped, group=group)
        with pytest.raises(ab.SpecError, match=said):
            ab.lag_curve(grouped, group=group)
    with pytest.raises(ab.SpecError, match="this fit has no groups"):
        ask(fit, group="clinic")


def test_effects_over_two_waves_are_not_followed():
    fit = fabricated_fit(np.full((3, 3), 0.2), times=(0, 3, 6), spec=ab.RICLPM(MEASURES, lag_2=["x -> y"]))
    with pytest.raises(ab.SpecError, match=r"effects over two waves \('x -> y'\), which are not followed here"):
        ask(fit)
