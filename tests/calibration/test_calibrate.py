"""Calibration from end to end, with few replicates: what is kept, counted, said and drawn, and how it goes on."""

import json
from dataclasses import replace

import numpy as np
import pytest

import alliance_bayes as ab
from alliance_bayes.batches import Replicate
from alliance_bayes.calibration.calibrate import CELL, PLANS
from alliance_bayes.calibration.quantities import events_of, log_likelihoods
from alliance_bayes.calibration.replicated_panels import drawn_like, joined
from alliance_bayes.calibration.replicating import FromPrior, _said
from alliance_bayes.engine.model_on_panel import panel_model

SPEC = ab.RICLPM(["alliance", "days"], lags="equal", residuals="equal")
FEW = {"replicates": 6, "seed": 3, "workers": 1, "draws": 150, "chains": 2, "progress": False}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("calibration")


@pytest.fixture(scope="module")
def answer(small_panel, folder):
    return ab.calibrate(SPEC, small_panel, folder=folder, **FEW)


def test_the_answer(answer):
    table = answer.table
    assert answer.verdict == "too few replicates: 6 were fitted, and a verdict on calibration needs 50"
    assert (table["n"] == 6).all()
    for name in (
        "lagged effect: alliance -> days, 0 to 6",
        "|alliance -> days| - |days -> alliance|: 0 to 6",
        "ICC: days, 0",
        "between-person correlation: alliance, days",
        "log-likelihood",
    ):
        assert name in table.index
    events = answer.tables["events"]
    assert "alliance, days: |alliance -> days| larger, average of intervals of 6" in events.index
    assert any("by Bayes factor" in name for name in events.index)
    assert ((events["stated"] > 0) & (events["stated"] < 1)).all()
    counts = answer.tables["replicates"].iloc[0]
    assert (counts["asked"], counts["failed"]) == (6, 0)
    assert counts["least_effective"] >= 99
    assert f"6 replicates: 0 failed, {counts['unhealthy']:.0f} fits not healthy" in str(answer)
    assert counts["verdicts"] == counts["undecided"] + counts["withheld"] + answer.tables["verdicts"]["n"].sum()
    assert counts["withheld"] == counts["unhealthy"]
    assert "So few replicates (6, with " in str(answer)
    assert {"mean: days, 6", "total SD: days"} <= set(table.index)
    assert answer.health.healthy == (counts["unhealthy"] == 0)


def test_events_are_those_of_the_answer_on_direction(small_fit):
    answer, events = ab.directionality(small_fit, "alliance", "days"), events_of(small_fit)
    expected = {
        f"{path} > 0, {over}": row["p_positive"]
        for (path, over), row in answer.table.iterrows()
        if over in answer.evidence.index.unique("over")
    }
    expected |= {f"{event}, {over}": row["probability"] for (over, event), row in answer.evidence.iterrows()}
    for over, row in answer.tables["contest"].iterrows():
        expected[f"|alliance -> days| larger, {over}"] = row["probability"]
    found = {name.removeprefix("alliance, days: "): value for name, value in events.probabilities.items()}
    assert {name: found[name] for name in expected} == expected
    assert {name for name in found if name not in expected and "by Bayes factor" not in name} == set()
    ((about, (verdict, event)),) = events.verdicts.items()
    assert (about, verdict) == ("alliance, days", answer.verdict)
    assert event == f"alliance, days: {answer.verdict}, average of intervals of 6"


def test_it_is_plain_values_and_a_figure(answer):
    told = json.loads(json.dumps(answer.to_dict()))
    assert told["question"] == "calibrate"
    assert len(told["tables"]["rank_of_each"]) == 6
    figure = answer.plot()
    titles = [axes.get_title(loc="left") for part in figure.subfigs for axes in part.axes]
    assert sum(title != "" for title in titles) == 16 + 8


def test_the_same_call_goes_on_and_changes_nothing(answer, small_panel, folder):
    file = Replicate(PLANS["held"], CELL, 3).path(folder)
    with np.load(file) as kept:
        before = {name: kept[name] for name in kept.files if name != "record"}  # which holds seconds
    file.unlink()
    again = ab.calibrate(SPEC, small_panel, folder=folder, **FEW)
    np.testing.assert_array_equal(again.table["mean"], answer.table["mean"])
    with np.load(file) as made:
        for name, array in before.items():
            np.testing.assert_array_equal(made[name], array)
    with pytest.raises(ab.AllianceBayesError, match="results of another plan"):
        ab.calibrate(SPEC.without("days -> alliance"), small_panel, folder=folder, **FEW)


def test_as_shipped_ranks_what_has_no_unit(small_panel, folder):
    answer = ab.calibrate(SPEC, small_panel, folder=folder, scale="as_shipped", **{**FEW, "replicates": 2})
    assert not any(name.startswith(("mean: ", "total SD: ")) for name in answer.table.index)
    assert "log-likelihood" in answer.table.index


def failing(fit):
    raise ArithmeticError("this quantity has no value")


def test_failures_are_counted_and_said(small_panel, tmp_path):
    answer = ab.calibrate(SPEC, small_panel, folder=tmp_path, ask=failing, **{**FEW, "replicates": 2})
    assert answer.verdict == "no replicate could be fitted"
    assert answer.tables["replicates"].loc[0, "failed"] == 2
    assert "2 of 2 replicates failed, ArithmeticError: this quantity has no value" in str(answer)


def test_every_problem_of_a_call(small_panel, tmp_path):
    spec = replace(SPEC, lags="equal_standardized")
    with pytest.raises(ab.SpecError) as raised:
        ab.calibrate(spec, small_panel, replicates=0, folder=tmp_path, seed=-1, scale="mine")
    for words in ("replicates", "seed", "scale must be one of 'held', 'as_shipped'", "equal_standardized"):
        assert words in str(raised.value)


# --- units, missing values, and the truth as a fit ---


def work(panel, spec=SPEC):
    return FromPrior({"draws": 50, "tune": 50, "chains": 2, "target_accept": 0.8}, None, True, spec, panel, "held")


def test_units_are_held(small_panel):
    """The log-likelihood of a replicate in the panel's units is that of the same model in its own."""
    of_prior = work(small_panel)
    drawn = of_prior.drawn(np.random.default_rng(1))
    np.testing.assert_array_equal(drawn.model.column_units[1], of_prior.template.column_units[1])
    np.testing.assert_array_equal(drawn.model.statistics.scale, of_prior.template.column_units[1])
    own = panel_model(SPEC, drawn.model.panel)
    assert not np.allclose(own.unit, drawn.model.unit)
    theirs = own.from_raw(drawn.model.to_raw(drawn.theta))
    np.testing.assert_allclose(log_likelihoods(drawn.model, drawn.theta[None]), log_likelihoods(own, theirs[None]))


def test_values_are_missing_where_the_panel_has_none(small_panel):
    drawn = work(small_panel).drawn(np.random.default_rng(2)).model.panel
    for name in SPEC.measures:
        ours, theirs = (each.absence[..., each.measures.index(name)] for each in (drawn, small_panel))
        np.testing.assert_array_equal(ours, theirs)


def test_a_truth_answers_as_a_fit_does(small_panel):
    of_prior = work(small_panel)
    drawn = of_prior.drawn(np.random.default_rng(3))
    truth = _said(of_prior.template, drawn, of_prior.prior)
    answer = ab.directionality(truth, "alliance", "days")
    effects = truth.posterior["lagged_standardized"].isel(chain=0, draw=0)
    forward = float(effects.sel(path="alliance -> days").mean())
    assert set(answer.evidence["probability"]) <= {0.0, 1.0}
    np.testing.assert_allclose(answer.table.loc[("alliance -> days", "average of intervals of 6"), "mean"], forward)


# --- conditional on a panel ---


def test_moments_of_two_panels_are_those_of_all(small_panel):
    truth = ab.Truth(SPEC, times=[0, 6, 12, 18], icc=0.5)
    one, other = (ab.simulate(truth, persons=80, seed=seed) for seed in (1, 2))
    flat = one.values.reshape(80, -1)
    moments = ab.Panel.from_moments(
        measures=one.measures, times=one.times, n=80, means=flat.mean(axis=0), covariance=np.cov(flat.T)
    )
    together, everybody = joined(moments, other), joined(one, other)
    assert (together.n_persons, everybody.n_persons) == (160, 160)
    both = everybody.values.reshape(160, -1)
    np.testing.assert_allclose(together.moments.means[0].ravel(), both.mean(axis=0), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(together.moments.covariance[0], np.cov(both.T, ddof=0), rtol=1e-10, atol=1e-12)


def test_people_of_groups_keep_their_group():
    spec = ab.RICLPM(["x", "y"], lags="equal", group_lags="free")
    values = np.random.default_rng(1).normal(size=(60, 3, 2))
    groups = np.random.default_rng(2).choice(["a", "b"], 60)
    panel = ab.Panel.from_arrays(values, measures=["x", "y"], times=[0, 1, 2], groups=groups)
    truth = ab.Truth(spec, times=[0, 1, 2], icc=0.5)
    both = ab.GroupTruth
    drawn = drawn_like(panel, both({"a": truth, "b": truth}), np.random.default_rng(3))
    assert {label: int(np.sum(drawn.groups == label)) for label in "ab"} == {
        label: int(np.sum(groups == label)) for label in "ab"
    }


def test_posterior_calibration(small_panel, tmp_path):
    fit = ab.fit(SPEC, small_panel, seed=1, draws=500, chains=4, target_accept=0.95, progress=False)
    few = {**FEW, "replicates": 3}
    if not fit.health.healthy:
        with pytest.raises(ab.SpecError, match="cannot be trusted"):
            ab.posterior_calibration(fit, folder=tmp_path, **few)
    fine = replace(fit, examined=replace(fit.health, problems=()))
    answer = ab.posterior_calibration(fine, folder=tmp_path, **few)
    assert (answer.table["n"] == 3).all()
    assert "conditional on the panel, for its 59 people and as many simulated ones; 3 replicates" in str(answer)


@pytest.mark.parametrize("index", range(4))
def test_truths_as_shipped_are_in_sds_of_their_values(small_panel, index):
    """Whatever total SDs the prior gives: else wave means could be hundreds of SDs apart."""
    as_shipped = replace(work(small_panel), scale="as_shipped")
    drawn = as_shipped.drawn(np.random.default_rng(index))
    np.testing.assert_allclose(drawn.model.unit, as_shipped.template.unit, rtol=1e-9)
    held = work(small_panel).drawn(np.random.default_rng(index))
    names, start = as_shipped.template.scale.blocks, 0
    for block in names:
        of_block = slice(start, start + block.size)
        same = np.allclose(drawn.psi[of_block], held.psi[of_block])
        assert same == (block.name != "relative_total_sd"), block.name
        start += block.size
