"""Long-run effects against processes that are simply let run, and what is said where there is none."""

import numpy as np
import pytest
from scipy.linalg import expm
from scipy.optimize import brentq

import alliance_bayes as ab
from alliance_bayes.basics.declared import read
from alliance_bayes.basics.problems import Problems
from alliance_bayes.questions import registry
from alliance_bayes.questions.long_run_effects import half_life, held, pushed, settles
from fabricated import DRIFT, fabricated_fit

NAMES = ("x", "m", "y", "z")
STEP = np.array([[0.5, 0.0, 0.1], [0.2, 0.4, 0.0], [0.1, 0.1, 0.6]])


def process(size, seed, radius=0.9):
    """Effects of one step whose largest eigenvalue has this size."""
    effects = np.random.default_rng(seed).normal(size=(size, size))
    return effects * radius / np.abs(np.linalg.eigvals(effects)).max()


def iterated(effects, cause, *, keep, n_steps):
    """All measures after many steps in which the cause is kept at 1, or raised by 1 in each."""
    values = np.zeros(len(effects))
    for _ in range(n_steps):
        values = effects @ values
        values[cause] = 1.0 if keep else values[cause] + 1
    return values


@pytest.mark.parametrize("size", [2, 4])
@pytest.mark.parametrize("seed", range(4))
def test_steps_that_are_let_run_settle_there(size, seed):
    effects = process(size, seed)
    change = effects - np.eye(size)
    for cause in range(size):
        raised = pushed(change, cause, continuous=False)
        np.testing.assert_allclose(raised, iterated(effects, cause, keep=False, n_steps=600), rtol=1e-9)
        others = np.delete(np.delete(effects, cause, 0), cause, 1)
        kept = held(change, cause, continuous=False)
        if np.abs(np.linalg.eigvals(others)).max() < 0.97:
            np.testing.assert_allclose(kept, iterated(effects, cause, keep=True, n_steps=2000), rtol=1e-9)
            np.testing.assert_allclose(kept, raised / raised[cause], rtol=1e-9)


@pytest.mark.parametrize("size", [2, 4])
def test_a_process_in_continuous_time_settles_there(size):
    drift = process(size, 5) - 1.2 * np.eye(size)
    for cause in range(size):
        force = np.eye(size)[:, [cause]]
        run = expm(200 * np.block([[drift, force], [np.zeros((1, size + 1))]]))[:size, -1]
        np.testing.assert_allclose(pushed(drift, cause, continuous=True), run, rtol=1e-8)
        kept = drift.copy()
        kept[cause] = 0.0
        np.testing.assert_allclose(held(drift, cause, continuous=True), expm(200 * kept)[:, cause], rtol=1e-8)


@pytest.mark.parametrize(
    ("radius", "settled"), [(0.999999, True), (1 - 1e-12, True), (1.0, False), (1.000001, False), (-1.0, False)]
)
def test_a_process_near_a_trend(radius, settled):
    """The larger the eigenvalue, the longer the run; at 1 there is none."""
    change = np.array([[radius, 0.0], [0.2, 0.5]]) - np.eye(2)
    assert settles(change, continuous=False) == settled
    raised, kept = pushed(change, 0, continuous=False), held(change, 0, continuous=False)
    np.testing.assert_allclose(kept, [1.0, 0.4], err_msg="y settles although x would not")
    if settled:
        np.testing.assert_allclose(raised * (1 - radius), [1.0, 0.4], rtol=1e-3)
    else:
        assert np.isnan(raised).all()
    assert np.isnan(held(change[::-1, ::-1], 0, continuous=False)[1]) == (not settled)
    assert settles(np.array([[-1e-9, 0.0], [5.0, -1.0]]), continuous=True)
    assert not settles(np.array([[0.0, 0.0], [5.0, -1.0]]), continuous=True)


def test_half_lives_by_hand():
    times = np.arange(1.0, 6.0)
    response = np.array([[0.4, 0.3, 0.2, 0.1, 0.0], [-0.1, -0.4, 0.3, -0.2, 0.1], [0.1, 0.2, 0.3, 0.3, 0.2], [0.0] * 5])
    peak_time, peak, half = half_life(times, response)
    np.testing.assert_array_equal(peak_time, [1, 2, 3, np.nan])
    np.testing.assert_array_equal(peak, [0.4, -0.4, 0.3, np.nan])
    np.testing.assert_array_equal(half, [2, 2, 2, np.nan])


def test_all_three_of_a_model_of_steps():
    sds = np.array([[1.0, 1.0, 1.0], [9.0, 9.0, 9.0], [9.0, 9.0, 9.0], [2.0, 3.0, 5.0]])
    answer = ab.long_run_effects(fabricated_fit(STEP, times=(0, 3, 6, 9), within_sd=sds, prior_sd=0.05))
    assert len(answer.table) == 2 * len(answer.tables["impulse"]) == 12
    scaled = STEP * sds[-1] / sds[-1][:, None]
    for path, cause, outcome in (("x -> y", 0, 2), ("y -> m", 2, 1)):
        rows = answer.table.xs((path, "every step"), level=("path", "over"))
        for estimand, keep in (("held", True), ("pushed", False)):
            wanted = iterated(scaled, cause, keep=keep, n_steps=500)[outcome]
            assert rows.loc[estimand, ["median", "lower", "upper"]].tolist() == pytest.approx([wanted] * 3)
            raw = iterated(STEP, cause, keep=keep, n_steps=500)[outcome]
            assert rows.loc[estimand, "raw_median"] == pytest.approx(raw)
        response = [np.linalg.matrix_power(scaled, n)[outcome, cause] for n in range(1, 400)]
        assert rows.loc["pushed", "median"] == pytest.approx(sum(response))
        top = int(np.argmax(response))
        after = next(n for n in range(top, 400) if response[n] <= response[top] / 2) - top
        impulse = answer.tables["impulse"].loc[(path, "every step")]
        assert impulse[["peak", "peak_time", "half_life"]].tolist() == pytest.approx(
            [response[top], 3.0 * (top + 1), 3.0 * after]
        )
    assert (answer.table["unsettled"] == 0).all()
    assert answer.table["p_positive"].eq(1).all()
    assert answer.table["p_positive_prior"].between(0.2, 0.8).all()
    lines = str(answer).splitlines()
    scale = "SD per SD with the SDs of the last wave, from which the process goes on"
    assert lines[0].startswith(f"Long-run effects within persons, {scale}; 30 people, ")
    assert sum(line.startswith("x -> y, held ") for line in lines) == 1
    assert len(answer.plot().axes[0].get_yticklabels()) == 12


def test_all_three_of_a_drift():
    """Of two measures the response to a push is (exp(l1 t) - exp(l2 t)) a / (l1 - l2), l1 and l2 the eigenvalues."""
    drift = np.array([[-0.3, 0.0], [0.15, -0.2]])
    answer = ab.long_run_effects(fabricated_fit(drift=drift, measures=("x", "y"), prior_sd=0.05), ["x -> y"])
    rows = answer.table.xs(("x -> y", "every step"), level=("path", "over"))
    assert rows["median"].tolist() == pytest.approx([0.15 / 0.2, 0.15 / (0.3 * 0.2)])

    def response(time):
        return 0.15 * (np.exp(-0.2 * time) - np.exp(-0.3 * time)) / 0.1

    top = np.log(0.3 / 0.2) / 0.1
    half = brentq(lambda time: response(time) - response(top) / 2, top, 50) - top
    impulse = answer.tables["impulse"].iloc[0]
    wanted = {"peak": response(top), "peak_time": top, "half_life": half}
    assert impulse[list(wanted)].tolist() == pytest.approx(list(wanted.values()), rel=1e-6)
    assert "it is raised by one SD again in every month" in str(answer)
    more = ab.long_run_effects(fabricated_fit(drift=DRIFT, sd=0.01)).draws
    assert np.isfinite(more["half_life"]).all()
    curves = [np.stack([expm(DRIFT * t)[2, 0] for t in np.linspace(0, 60, 4001)])]
    top = curves[0].argmax() * 60 / 4000
    assert float(more["peak_time"].sel(path="x -> y").median()) == pytest.approx(top, rel=0.05)


def test_each_interval_could_go_on():
    effects = np.stack([STEP, 0.8 * STEP, 1.2 * STEP])
    answer = ab.long_run_effects(
        fabricated_fit(effects, spec=ab.RICLPM(["x", "m", "y"], lags="free"), prior_sd=0.05), ["x -> y"]
    )
    assert list(answer.table.index.unique("over")) == ["0 to 3", "3 to 6", "6 to 12"]
    for over, step in zip(answer.table.index.unique("over"), effects, strict=True):
        wanted = iterated(step, 0, keep=True, n_steps=500)[2]
        assert answer.table.loc[("x -> y", over, "held"), "median"] == pytest.approx(wanted)
    times = answer.tables["impulse"]["peak_time"]
    assert (times / [3, 3, 6]).tolist() == pytest.approx(np.round(times / [3, 3, 6]).tolist())
    assert "x -> y, if 6 to 12 went on, held" in str(answer)
    assert "if one interval's went on" in " ".join(answer.assumptions)


def test_draws_that_do_not_settle_are_excluded_and_counted():
    fit = fabricated_fit(STEP, times=(0, 3, 6, 9), prior_sd=0.05)
    lagged = fit.draws["posterior"]["lagged"]
    lagged[0, :15, :, 0] = 1.1  # x on itself, in 15 of 100 draws
    answer = ab.long_run_effects(fit, ["x -> y", "y -> m"])
    shares = answer.table["unsettled"].unstack("estimand").loc[(slice(None), "every step"), :]
    assert shares["pushed"].tolist() == [0.15, 0.15]
    assert shares.loc["x -> y", "held"].tolist() == [0.0]
    wanted = iterated(STEP, 0, keep=False, n_steps=500)[2]
    assert answer.table.loc[("x -> y", "every step", "pushed"), ["median", "upper"]].tolist() == pytest.approx(
        [wanted] * 2
    )
    (said,) = (reason for reason in answer.reasons if reason.startswith("In many draws the process does not settle"))
    assert "x -> y, pushed (15 %)" in said
    assert "x -> y, held" not in said


def test_no_draw_settles():
    answer = ab.long_run_effects(fabricated_fit(2 * STEP, times=(0, 3, 6, 9), prior_sd=0.05), ["x -> y"])
    assert answer.table["unsettled"].tolist() == [1, 1]
    assert answer.table[["median", "lower", "upper", "p_positive"]].isna().all(axis=None)
    assert answer.tables["impulse"].isna().all(axis=None)
    (line,) = (line for line in str(answer).splitlines() if line.startswith("x -> y, pushed"))
    assert "none settles" in line
    assert "undefined" in line
    assert "x -> y, held (100 %) and x -> y, pushed (100 %)" in answer.reasons[0]
    answer.plot()
    assert answer.to_dict()["tables"]["table"][0]["median"] is None


def test_what_no_way_leads_to_is_0_by_construction():
    step = STEP * [[1, 0, 0], [1, 1, 0], [0, 1, 1]]  # x -> m -> y, and nothing back
    spec = ab.RICLPM(["x", "m", "y"], lags="equal", remove=["m -> x", "y -> x", "y -> m", "x -> y"])
    answer = ab.long_run_effects(fabricated_fit(step, spec=spec, times=(0, 3, 6, 9), prior_sd=0.0))
    fixed = answer.table["fixed"]
    assert fixed[fixed].index.unique("path").tolist() == ["m -> x", "y -> x", "y -> m"]
    assert (answer.table.loc[fixed, "median"] == 0).all()
    assert answer.table.loc[("x -> y", "every step", "held"), "median"] == pytest.approx(0.2 / 0.6 * 0.1 / 0.4)
    assert str(answer).count("0 by construction") == 12
    with pytest.raises(ab.SpecError) as caught:
        ab.long_run_effects(fabricated_fit(step), ["x", "x -> x", "x -> w"], group="north")
    assert caught.value.problems == (
        "group='north' was asked for, and this fit has no groups. Leave group open.",
        "'x' is not a path; write one such as 'x -> y', from one measure to another.",
        "'x -> x' leads from a measure to itself; a long-run effect is one on another measure.",
        "The model has no measure 'w'. Measures: 'x', 'm', 'y'.",
    )


def test_a_real_fit(small_fit):
    answer = ab.long_run_effects(small_fit, ["alliance -> days"])
    assert len(answer.table) == 2
    draws = small_fit.posterior
    last = draws["within_sd"].isel(time=-1)
    effects = draws["lagged"].isel(interval=0)
    wanted = effects.sel(path="alliance -> days") / (1 - effects.sel(path="days -> days"))
    wanted = wanted * last.sel(measure="alliance") / last.sel(measure="days")
    got = answer.draws["held"].isel(over=0, path=0)
    settled = abs(effects.sel(path="days -> days")) < 1
    np.testing.assert_allclose(got, wanted.where(settled), rtol=1e-9)


def test_a_model_file_can_ask_for_them():
    question, problems = registry.questions()["long_run_effects"], Problems("no")
    given = read(question.arguments, {"paths": ["x -> y"]}, "[[question]] 1", problems)
    assert str(given) == "of x -> y"
    spec = ab.RICLPM(["x", "y"], remove=["x -> y"])
    assert list(question.check(given, spec)) == []
    assert list(question.check(question.arguments(paths=("x -> x",)), spec)) == [
        "'x -> x' leads from a measure to itself; a long-run effect is one on another measure."
    ]
    answer = question.answer(fabricated_fit(STEP, prior_sd=0.05), given)
    assert answer.arguments["paths"] == ("x -> y",)
