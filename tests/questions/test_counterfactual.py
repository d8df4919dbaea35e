"""Counterfactual effects by simulation, against closed forms, quadrature and enumeration."""

import resource
import time
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

import alliance_bayes as ab
from alliance_bayes.questions import counterfactual_answer as module
from causal_truths import least_squares, normal, over_normal, people, yes_or_no
from draws_of_a_share import SURE, UNSURE
from fabricated import MEASURES, fabricated_fit

ON, OFF = {"a": 1}, {"a": 0}
MANY = ab.MonteCarlo(copies=40)
TEN = ab.MonteCarlo(copies=10)
FEW = ab.MonteCarlo(copies=2)


def natural(equations, *, n=50_000, monte_carlo=MANY):
    order = ab.CausalOrder(people(n), equations, randomised="a")
    return ab.natural_effects(
        order, treated=ON, control=OFF, mediators=["m"], outcome="y", seed=3, monte_carlo=monte_carlo
    )


def check_natural(answer, y_mean):
    """`y_mean(a, b)` is E[Y(a, M(b))]; every effect to 1e-3 and within four Monte Carlo errors."""
    wanted = {
        "total": y_mean(1, 1) - y_mean(0, 0),
        "direct": y_mean(1, 0) - y_mean(0, 0),
        "indirect": y_mean(1, 1) - y_mean(1, 0),
        "total direct": y_mean(1, 1) - y_mean(0, 1),
        "pure indirect": y_mean(0, 1) - y_mean(0, 0),
    }
    for effect, value in wanted.items():
        row = answer.table.loc[effect]
        assert row["mean"] == pytest.approx(value, abs=1e-3)
        assert abs(row["mean"] - value) <= 4 * row["simulation_error"] + 1e-12


def test_natural_effects_of_linear_models_with_interaction():
    answer = natural(
        [
            normal("m", ["a"], lambda v: 0.2 + 0.5 * v["a"], sd=0.6),
            normal("y", ["a", "m"], lambda v: 1 + 0.3 * v["a"] + 0.4 * v["m"] + 0.5 * v["a"] * v["m"]),
        ]
    )
    check_natural(answer, lambda a, b: 1 + 0.3 * a + (0.4 + 0.5 * a) * (0.2 + 0.5 * b))


def test_natural_effects_of_a_linear_mediator_and_a_logistic_outcome():
    answer = natural(
        [
            normal("m", ["a"], lambda v: 0.2 + 0.8 * v["a"]),
            yes_or_no("y", ["a", "m"], lambda v: -1 + 0.4 * v["a"] + 0.7 * v["m"] + 0.5 * v["a"] * v["m"]),
        ]
    )
    check_natural(answer, lambda a, b: over_normal(lambda m: expit(-1 + 0.4 * a + (0.7 + 0.5 * a) * m), 0.2 + 0.8 * b))


def test_natural_effects_as_ratios_and_odds_ratios():
    """Risk and odds ratios of a logistic outcome, by quadrature; total is direct times indirect on both scales."""
    answer = natural(
        [
            normal("m", ["a"], lambda v: 0.2 + 0.8 * v["a"]),
            yes_or_no("y", ["a", "m"], lambda v: -1 + 0.4 * v["a"] + 0.7 * v["m"] + 0.5 * v["a"] * v["m"]),
        ]
    )

    def y_mean(a, b):
        return over_normal(lambda m: expit(-1 + 0.4 * a + (0.7 + 0.5 * a) * m), 0.2 + 0.8 * b)

    pairs = {
        "total": ((1, 1), (0, 0)),
        "direct": ((1, 0), (0, 0)),
        "indirect": ((1, 1), (1, 0)),
        "total direct": ((1, 1), (0, 1)),
        "pure indirect": ((0, 1), (0, 0)),
    }
    ratios = answer.tables["ratios"]["median"]
    for effect, (first, second) in pairs.items():
        one, other = y_mean(*first), y_mean(*second)
        assert ratios[effect, "ratio"] == pytest.approx(one / other, rel=5e-3)
        odds_ratio = one / (1 - one) * (1 - other) / other
        assert ratios[effect, "odds ratio"] == pytest.approx(odds_ratio, rel=1e-2)
    for scale in ("ratio", "odds ratio"):
        assert ratios["total", scale] == pytest.approx(ratios["direct", scale] * ratios["indirect", scale])
        other_way = ratios["total direct", scale] * ratios["pure indirect", scale]
        assert ratios["total", scale] == pytest.approx(other_way)
    worlds = answer.draws["world_means"]
    assert worlds.dims == ("chain", "draw", "world")
    difference = worlds.sel(world="treated") - worlds.sel(world="control")
    np.testing.assert_allclose(difference, answer.draws["total"], atol=1e-12)
    assert "total, odds ratio" in str(answer)


def test_ratios_need_values_without_a_negative_one():
    counts = natural(
        [
            normal("m", ["a"], lambda v: v["a"]),
            ab.Equation(
                "y",
                ["a", "m"],
                draw=lambda v, p, rng: rng.poisson(np.exp(0.5 * v["a"] + 0.2 * v["m"])).astype(float),
                mean=lambda v, p: np.exp(0.5 * v["a"] + 0.2 * v["m"]),
            ),
        ],
        n=2000,
    )
    ratios = counts.tables["ratios"]["median"]
    assert set(ratios.index.get_level_values("scale")) == {"ratio"}
    assert ratios["direct", "ratio"] == pytest.approx(np.exp(0.5), rel=1e-6)
    assert ratios["indirect", "ratio"] == pytest.approx(np.exp(0.2), rel=0.01)
    numbers = natural(
        [normal("m", ["a"], lambda v: v["a"]), normal("y", ["a", "m"], lambda v: 0.4 + 0.1 * v["m"] + 0.1 * v["a"])],
        n=2000,
    )
    assert "ratios" not in numbers.tables


def test_natural_effects_of_a_logistic_mediator_and_a_linear_outcome():
    answer = natural(
        [
            yes_or_no("m", ["a"], lambda v: -0.5 + 1.2 * v["a"]),
            normal("y", ["a", "m"], lambda v: 2 + 0.3 * v["a"] + v["m"] - 0.6 * v["a"] * v["m"]),
        ]
    )
    check_natural(answer, lambda a, b: 2 + 0.3 * a + (1 - 0.6 * a) * expit(-0.5 + 1.2 * b))


def test_controlled_direct_effects_differ_with_the_level():
    order = ab.CausalOrder(
        people(100),
        [
            normal("m", ["a"], lambda v: v["a"]),
            normal("y", ["a", "m"], lambda v: 0.3 * v["a"] + 0.4 * v["m"] + 0.5 * v["a"] * v["m"]),
        ],
    )
    answer = ab.controlled_direct_effects(
        order, treated=ON, control=OFF, levels={"m": [0, 2]}, outcome="y", seed=1, monte_carlo=FEW
    )
    assert answer.table["mean"].to_dict() == pytest.approx({"direct, m = 0": 0.3, "direct, m = 2": 1.3})
    assert answer.tables["means"].loc["treated, m = 2", "mean"] == pytest.approx(2.1)


def confounded():
    """Treatment changes l, which drives m and y: natural effects are not identified, interventional ones are."""
    return [
        normal("l", ["a"], lambda v: 0.8 * v["a"]),
        normal("m", ["a", "l"], lambda v: 0.5 * v["a"] + 0.6 * v["l"]),
        normal("y", ["a", "l", "m"], lambda v: 0.2 * v["a"] + 0.7 * v["l"] + 0.4 * v["m"] + 0.3 * v["a"] * v["m"]),
    ]


def test_interventional_effects_with_a_confounder_that_treatment_changes():
    """E[Y(a, G_b)] = .2 a + .7 * .8 a + (.4 + .3 a) * (.5 + .6 * .8) b."""
    order = ab.CausalOrder(people(20_000), confounded(), randomised="a")
    answer = ab.interventional_effects(
        order, treated=ON, control=OFF, mediators=["m"], outcome="y", seed=2, monte_carlo=ab.MonteCarlo(copies=20)
    )
    wanted = {"direct": 0.2 + 0.56, "indirect": 0.7 * 0.98, "overall": 0.76 + 0.7 * 0.98}
    for effect, value in wanted.items():
        row = answer.table.loc[effect]
        assert abs(row["mean"] - value) < 4 * row["simulation_error"] + 1e-9
        assert row["simulation_error"] < 3e-3
    with pytest.raises(ab.SpecError, match=r"Natural effects are not identified: treatment changes 'l', which also"):
        ab.natural_effects(order, treated=ON, control=OFF, mediators=["m"], outcome="y", seed=2)


def test_the_naive_product_of_coefficients_is_biased_where_interventional_effects_are_not():
    """Least squares without l gives the product .98 * (coefficient of m without l), far from the truth."""
    rng = np.random.default_rng(5)
    n = 200_000
    a = rng.integers(0, 2, n)
    hidden = 0.8 * a + rng.normal(size=n)
    m = 0.5 * a + 0.6 * hidden + rng.normal(size=n)
    y = 0.2 * a + 0.7 * hidden + 0.4 * m + rng.normal(size=n)
    first = np.linalg.lstsq(np.column_stack([np.ones(n), a]), m, rcond=None)[0][1]
    second = np.linalg.lstsq(np.column_stack([np.ones(n), a, m]), y, rcond=None)[0][2]
    truth = 0.98 * 0.4
    bias = 0.7 * 0.6 / (1 + 0.6**2)  # of the coefficient of m, by the formula for an omitted variable
    assert first * second - truth == pytest.approx(0.98 * bias, abs=0.01)
    assert bias > 0.3
    outcome = normal("y", ["a", "l", "m"], lambda v: 0.2 * v["a"] + 0.7 * v["l"] + 0.4 * v["m"])
    order = ab.CausalOrder(people(20_000), [*confounded()[:2], outcome])
    answer = ab.interventional_effects(order, treated=ON, control=OFF, mediators=["m"], outcome="y", seed=2)
    row = answer.table.loc["indirect"]
    assert abs(row["mean"] - truth) < 4 * row["simulation_error"] + 1e-9


def test_interventional_effects_are_recovered_from_data_where_the_product_of_coefficients_is_not():
    """Regressions fitted to 2,000 people; truth .2 + .56 direct and .98 * .4 indirect."""
    rng = np.random.default_rng(8)
    n = 2000
    frame = pd.DataFrame({"a": rng.integers(0, 2, n)})
    frame["l"] = 0.8 * frame["a"] + rng.normal(size=n)
    frame["m"] = 0.5 * frame["a"] + 0.6 * frame["l"] + rng.normal(size=n)
    frame["y"] = 0.2 * frame["a"] + 0.7 * frame["l"] + 0.4 * frame["m"] + rng.normal(size=n)
    fitted = [
        least_squares(frame, "l ~ a", ["a"], draws=200, seed=1),
        least_squares(frame, "m ~ a + l", ["a", "l"], draws=200, seed=2),
        least_squares(frame, "y ~ a + l + m", ["a", "l", "m"], draws=200, seed=3),
    ]
    order = ab.CausalOrder(frame[["a"]], [ab.regression(model, draws) for model, draws, _ in fitted], randomised="a")
    answer = ab.interventional_effects(order, treated=ON, control=OFF, mediators=["m"], outcome="y", seed=1)
    for effect, truth in {"direct": 0.76, "indirect": 0.98 * 0.4}.items():
        row = answer.table.loc[effect]
        assert abs(row["mean"] - truth) < 4 * row["sd"]
        assert row["sd"] < 0.08
    first = least_squares(frame, "m ~ a", ["a"])[2]["a"]
    second = least_squares(frame, "y ~ a + m", ["a", "m"])[2]["m"]
    assert first * second - 0.98 * 0.4 > 5 * answer.table.loc["indirect", "sd"]


def two_mediators(coefficient):
    return [
        normal("m1", ["a"], lambda v: 0.5 * v["a"]),
        normal("m2", ["a", "m1"], lambda v: 0.3 * v["a"] + 0.6 * v["m1"]),
        normal("y", ["a", "m1", "m2"], lambda v: 0.4 * v["m1"] + 0.5 * v["m2"] + coefficient * v["m1"] * v["m2"]),
    ]


@pytest.mark.parametrize("interaction", [0.0, 0.8])
def test_several_mediators_and_what_they_do_jointly(interaction):
    """Without interaction nothing is joint; with one, E[m1 m2] under both less what separate moves give."""
    order = ab.CausalOrder(people(20_000), two_mediators(interaction))
    answer = ab.interventional_effects(
        order,
        treated=ON,
        control=OFF,
        mediators=["m1", "m2"],
        outcome="y",
        seed=4,
        monte_carlo=ab.MonteCarlo(copies=10),
    )
    table = answer.table
    mean_2 = 0.3 + 0.6 * 0.5
    wanted = {
        "through m1 alone": 0.4 * 0.5,
        "through m2 alone": 0.5 * mean_2,
        "jointly": interaction * 0.5 * mean_2,
    }
    for effect, value in wanted.items():
        row = table.loc[effect]
        assert abs(row["mean"] - value) < 4 * row["simulation_error"] + 1e-9
        assert row["simulation_error"] < 0.01
    parts = table.loc[list(wanted), "mean"].sum()
    assert parts == pytest.approx(table.loc["indirect", "mean"])


def test_strata_draw_from_anyone_in_the_stratum():
    """With a covariate that drives m and interacts, marginal draws and conditional ones differ."""
    covariate = np.repeat([-1.0, 1.0], 5000)
    order = ab.CausalOrder(
        people(10_000, c=covariate),
        [
            normal("m", ["a", "c"], lambda v: v["a"] * (1 + 0.5 * v["c"])),
            normal("y", ["m", "c"], lambda v: v["m"] * (1 + 0.8 * v["c"])),
        ],
    )
    asked = {"treated": ON, "control": OFF, "mediators": ["m"], "outcome": "y", "seed": 1}
    conditional = ab.interventional_effects(order, **asked)
    within = ab.interventional_effects(order, **asked, strata=list(covariate))
    anyone = ab.interventional_effects(order, **asked, strata=["all"] * 10_000)
    for answer, value in ((conditional, 1 + 0.4), (within, 1 + 0.4), (anyone, 1.0)):
        row = answer.table.loc["indirect"]
        assert abs(row["mean"] - value) < 4 * row["simulation_error"] + 1e-9


def test_the_linear_g_formula_of_a_panel_equals_the_matrix_formula():
    rng = np.random.default_rng(6)
    phi = rng.normal(0.2, 0.15, (3, 3, 3))
    fit = fabricated_fit(
        phi, spec=ab.RICLPM(MEASURES, lags="free"), within_sd=2.0, innovation_sd=1.5, innovation_correlation=0.3,
        within_correlation=0.2, between_correlation=0.4, values=rng.normal(size=(400, 4, 3)), sd=0.03, shape=(2, 20),
    )  # fmt: skip
    matrix = ab.mediation(fit, treatment="x", mediators=["m"], outcome="y", horizon=12).draws
    for version in ("sample", "population"):
        order = ab.causal_order(fit, version=version)
        answer = ab.interventional_effects(
            order,
            treated={"x, 0": ab.Shift(1)},
            control={"x, 0": ab.Shift(0)},
            mediators=["m"],
            outcome="y, 12",
            seed=7,
            monte_carlo=ab.MonteCarlo(copies=10),
        )
        for effect in ("total", "direct", "indirect"):
            row, truth = answer.table.loc[effect], matrix[f"raw_{effect}"]
            assert abs(row["mean"] - float(truth.mean())) < 4 * row["simulation_error"] + 1e-9
        np.testing.assert_allclose(answer.draws["total"], matrix["raw_total"], atol=1e-9)
        np.testing.assert_allclose(answer.draws["direct"], matrix["raw_direct"], atol=1e-9)
        assert answer.table.loc["indirect", "simulation_error"] < 0.01


def test_a_sustained_change_of_a_panel_equals_the_matrix_formula():
    phi = np.array([[0.4, 0.1, 0.1], [0.3, 0.4, 0.0], [0.2, 0.3, 0.3]])
    fit = fabricated_fit(phi, times=(0, 3, 6), values=np.random.default_rng(1).normal(size=(50, 3, 3)))
    wanted = ab.mediation(fit, treatment="x", mediators=["m"], outcome="y", horizon=6, change="sustained")
    answer = ab.contrast_of_regimes(
        ab.causal_order(fit),
        regimes={"low": {"x": 0.0}, "high": {"x": 1.0}},
        outcome="y, 6",
        seed=1,
        monte_carlo=FEW,
    )
    row = answer.table.loc["high against low"]
    assert row["mean"] == pytest.approx(wanted.table.loc["total", "raw_mean"], abs=1e-9)
    assert answer.body[0].endswith("low: x at 0; high: x at 1.")


def test_natural_effects_of_a_panel_are_refused_where_an_earlier_outcome_is_a_witness():
    fit = fabricated_fit(np.full((3, 3), 0.2))
    with pytest.raises(ab.SpecError) as error:
        ab.natural_effects(
            ab.causal_order(fit), treated={"x, 0": 1}, control={"x, 0": 0}, mediators=["m"], outcome="y, 12", seed=1
        )
    assert "Natural effects are not identified: treatment changes" in str(error.value)
    assert "Ask ab.interventional_effects." in str(error.value)


def test_posterior_draws_are_used_draw_by_draw_and_simulation_noise_is_told_apart():
    slopes = np.random.default_rng(1).normal(0.5, 0.1, (2, 100))
    outcome = ab.Equation(
        "y",
        ["a"],
        draw=lambda v, p, rng: p["b"] * v["a"] + rng.standard_normal(v.shape),
        mean=lambda v, p: p["b"] * v["a"],
        parameters={"b": slopes},
    )
    order = ab.CausalOrder(people(50), [outcome])
    regimes = {"off": OFF, "on": ON}
    answer = ab.contrast_of_regimes(order, regimes=regimes, outcome="y", seed=1, monte_carlo=FEW)
    np.testing.assert_allclose(answer.draws["on against off"], slopes)
    row = answer.table.loc["on against off"]
    assert (row["mean"], row["sd"], row["simulation_error"]) == pytest.approx((slopes.mean(), slopes.std(ddof=1), 0))
    assert answer.table["verdict"].to_dict() == {"on against off": "positive"}
    assert answer.verdict == "on against off: positive"


def test_resampled_people_add_the_uncertainty_of_a_sample():
    covariate = np.random.default_rng(2).normal(size=200)
    order = ab.CausalOrder(
        people(200, c=covariate),
        [
            ab.Equation(
                "y",
                ["a", "c"],
                draw=lambda v, p, rng: p["b"] * v["a"] * v["c"],
                mean=lambda v, p: p["b"] * v["a"] * v["c"],
                parameters={"b": np.ones(500)},
            )
        ],
    )
    asked = {"regimes": {"off": OFF, "on": ON}, "outcome": "y", "seed": 1}
    sample = ab.contrast_of_regimes(order, **asked, monte_carlo=FEW)
    population = ab.contrast_of_regimes(order, **asked, monte_carlo=ab.MonteCarlo(copies=2, resample=True))
    assert sample.table["sd"].item() == pytest.approx(0, abs=1e-12)
    assert sample.table["mean"].item() == pytest.approx(covariate.mean())
    assert population.table["sd"].item() == pytest.approx(covariate.std() / np.sqrt(200), rel=0.15)


def test_blocks_do_not_change_what_is_estimated(monkeypatch):
    order = ab.CausalOrder(people(300), confounded())
    asked = {"treated": ON, "control": OFF, "mediators": ["m"], "outcome": "y", "seed": 2}
    whole = ab.interventional_effects(order, **asked, monte_carlo=ab.MonteCarlo(copies=40))
    monkeypatch.setattr("alliance_bayes.causal.simulate_regimes.CELLS", 900)
    blocks = ab.interventional_effects(order, **asked, monte_carlo=ab.MonteCarlo(copies=40))
    row, other = whole.tables["means"].loc["treated"], blocks.tables["means"].loc["treated"]
    assert row["mean"] != other["mean"]
    assert abs(row["mean"] - other["mean"]) < 4 * np.hypot(row["simulation_error"], other["simulation_error"])


@pytest.mark.parametrize(("sign", "verdict"), [(1, "positive"), (-1, "negative")])
def test_a_verdict_needs_its_monte_carlo_margin_and_healthy_draws(sign, verdict):
    sure, unsure = (sign * (0.2 * holds.astype(float) - 0.1) for holds in (SURE, UNSURE))
    assert module._verdict(sure, 0.95, ()) == verdict
    assert module._verdict(unsure, 0.95, ()) == "undecided"
    assert module._verdict(sure, 0.95, ("3 divergent transitions.",)) == "undecided"


def test_simulation_noise_is_taken_off_the_uncertainty():
    """The variance of means over copies holds that of a copy over their number."""
    rng = np.random.default_rng(3)
    by_copy = rng.normal(size=(40, 1)) + 2 * rng.normal(size=(40, 5))
    simulation = SimpleNamespace(chains=2, draws=20, order=SimpleNamespace(imputation=None))
    table, noise = module._table({"total": by_copy}, simulation)
    between, within = by_copy.mean(axis=1).var(ddof=1), by_copy.var(axis=1, ddof=1).mean() / 5
    row = table.loc["total"]
    assert within > 0.3
    assert row["sd"] == pytest.approx(np.sqrt(between - within))
    assert noise == {"total": pytest.approx(within / between)}
    assert row["simulation_error"] == pytest.approx(np.sqrt(within / 40))


def test_values_outside_the_data_are_said():
    fit = fabricated_fit(np.full((3, 3), 0.2), times=(0, 3, 6))
    answer = ab.contrast_of_regimes(
        ab.causal_order(fit),
        regimes={"own": {"x, 0": ab.Shift(0)}, "far": {"x, 0": ab.Shift(10)}},
        outcome="y, 6",
        seed=1,
        monte_carlo=FEW,
    )
    assert answer.tables["overlap"].loc[("x, 0", "far"), "outside"] == 1
    assert answer.tables["overlap"].loc[("x, 0", "own"), "outside"] == 0
    assert answer.reasons[-1] == (
        "100 % of the simulated 'x, 0' under far lie outside the observed range: there the answer rests on the "
        "equations alone."
    )


def test_what_does_not_exist_is_not_computed():
    equations = [
        yes_or_no("doctor", ["a"], lambda v: v["a"]),
        normal("alliance", [], lambda v: 4.0),
        normal("days", ["doctor", "alliance"], lambda v: v["doctor"] * (1 + v["alliance"])),
    ]
    requires = {"alliance": "doctor"}
    order = ab.CausalOrder(people(50), equations, requires=requires)
    asked = {"mediators": ["alliance"], "outcome": "days", "seed": 1, "monte_carlo": FEW}
    for effects in (ab.natural_effects, ab.interventional_effects):
        with pytest.raises(ab.SpecError) as error:
            effects(order, treated={"doctor": 1}, control={"doctor": 0}, **asked)
        assert str(error.value) == (
            "This counterfactual question cannot be asked. 1 problem:\n"
            "  1. 'alliance' exists only where there is 'doctor', which the regimes change, so its value without "
            "'doctor' is undefined, and so is this effect. Ask ab.split_by_existence."
        )
    with pytest.raises(ab.SpecError, match="or name 'doctor' as a mediator too"):
        ab.interventional_effects(order, treated=ON, control=OFF, **asked)
    asked["mediators"] = ["doctor", "alliance"]
    assert ab.interventional_effects(order, treated=ON, control=OFF, **asked).table.loc["indirect", "mean"] > 0
    careless = [*equations[:2], normal("days", ["doctor", "alliance"], lambda v: v["doctor"] + v["alliance"])]
    with pytest.raises(ab.SpecError) as error:
        ab.contrast_of_regimes(
            ab.CausalOrder(people(50), careless, requires=requires),
            regimes={"off": {"doctor": 0}, "on": {"doctor": 1}},
            outcome="days",
            seed=1,
        )
    assert str(error.value) == (
        "This counterfactual question cannot be asked. 1 problem:\n"
        "  1. 'days' depends on 'alliance' where it does not exist. Write its effect as a product with its state, such "
        "as doctor:alliance, in every equation after it."
    )


def test_every_problem_of_a_question_in_one_message():
    order = ab.CausalOrder(people(20), confounded())
    with pytest.raises(ab.SpecError) as error:
        ab.interventional_effects(
            order,
            treated={"b": 1, "l": "high", "a": 1},
            control={"a": ab.Shift(1)},
            mediators=["mm"],
            outcome="z",
            seed=-1,
            strata=[1],
            monte_carlo=ab.MonteCarlo(copies=1, draws=0),
        )
    lines = str(error.value).splitlines()
    assert lines[0] == "This counterfactual question cannot be asked. 9 problems:"
    assert lines[1] == "  1. No equation makes the outcome 'z'. Variables: 'l', 'm', 'y'."
    assert "No variable 'b' can be set" in lines[2]
    assert "'l' must be set to a number, ab.Shift(...) or a function; got 'high'." in lines[3]
    assert "copies must be a whole number of 2 or more; got 1." in str(error.value)


def test_printed_answer_and_figure():
    order = ab.CausalOrder(people(100), confounded(), randomised="a")
    answer = ab.interventional_effects(order, treated=ON, control=OFF, mediators=["m"], outcome="y", seed=2)
    lines = str(answer).splitlines()
    assert lines[0] == "Effects on y, in its own unit; 100 people, 1 draws, 4 simulated copies of each person"
    assert [line.split("  ")[0] for line in lines[3:9]] == [
        "mean under treated",
        "mean under control",
        "total",
        "overall",
        "direct",
        "indirect",
    ]
    assert "  2. 'a' was assigned at random." in lines
    titles = [axes.get_title(loc="left") for axes in answer.plot().axes]
    assert titles == ["Effects on y", "Overlap: m"]


@pytest.mark.slow
def test_a_thousand_people_four_waves_and_a_thousand_draws_take_seconds_and_little_memory():
    fit = fabricated_fit(
        np.full((3, 3), 0.2),
        values=np.random.default_rng(1).normal(size=(1000, 4, 3)),
        sd=0.02,
        shape=(4, 250),
        between_correlation=0.3,
    )
    before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
    answer = ab.interventional_effects(
        ab.causal_order(fit),
        treated={"x, 0": ab.Shift(1)},
        control={"x, 0": ab.Shift(0)},
        mediators=["m"],
        outcome="y, 12",
        seed=1,
    )
    assert answer.n_draws == 1000
    assert time.perf_counter() - started < 20
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 500_000  # kilobytes
