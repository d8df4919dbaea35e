"""A mediator that exists only in a state, and a random assignment that pushes a state."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from scipy.stats import norm

import alliance_bayes as ab
from alliance_bayes.questions import randomised_push as module
from causal_truths import normal, people, yes_or_no
from draws_of_a_share import SURE, UNSURE

TEN = ab.MonteCarlo(copies=10)


def sponsored(n=20_000):
    """Days: 2 for the sponsor, 1.5 for each unit of an alliance ~ N(4, .5) above 4."""
    equations = [
        yes_or_no("sponsor", [], lambda v: 0.2),
        normal("alliance", [], lambda v: 4.0, sd=0.5),
        normal("days", ["sponsor", "alliance"], lambda v: 20 + v["sponsor"] * (2 + 1.5 * (v["alliance"] - 4))),
    ]
    return ab.CausalOrder(people(n), equations, requires={"alliance": "sponsor"})


def test_split_over_reference_alliances_and_the_shift():
    answer = ab.split_by_existence(
        sponsored(), state="sponsor", mediator="alliance", outcome="days", percentiles=(10, 50), seed=1, monte_carlo=TEN
    )
    table = answer.table
    assert list(table.index.str.replace(r" \(.*\)", "", regex=True)) == [
        "sponsor, all",
        "sponsor with alliance at percentile 10",
        "alliance above percentile 10",
        "sponsor with alliance at percentile 50",
        "alliance above percentile 50",
        "alliance moved by 1 SD",
    ]
    low = 1.5 * 0.5 * norm.ppf(0.1)
    for place, value in enumerate([2, 2 + low, -low, 2, 0, 0.75]):
        assert table["mean"].iloc[place] == pytest.approx(value, abs=0.01)
    assert table["mean"].iloc[1] + table["mean"].iloc[2] == pytest.approx(table["mean"].iloc[0])
    assert table["mean"].iloc[3] + table["mean"].iloc[4] == pytest.approx(table["mean"].iloc[0])
    assert "does not exist otherwise" in answer.body[0]


def test_splits_that_make_no_sense():
    with pytest.raises(ab.SpecError) as error:
        ab.split_by_existence(
            sponsored(10), state="days", mediator="alliance", outcome="days", percentiles=(0,), shift=0, seed=1
        )
    assert str(error.value) == (
        "This effect cannot be split. 3 problems:\n"
        "  1. 'alliance' does not require 'days' in these equations, so ordinary effects are defined: ask "
        "ab.interventional_effects, or declare requires in the CausalOrder.\n"
        "  2. percentiles must lie between 0 and 100; got [0].\n"
        "  3. shift must be a number of SDs other than 0; got 0."
    )


def pushed(n=20_000, direct=0.0):
    frame = pd.DataFrame({"group": np.arange(n) % 2, "c": np.random.default_rng(1).normal(size=n)})
    equations = [
        yes_or_no("doctor", ["group", "c"], lambda v: -0.2 + 0.9 * v["group"] + 0.5 * v["c"]),
        normal("days", ["group", "doctor", "c"], lambda v: 20 + direct * v["group"] + 2 * v["doctor"] + v["c"]),
    ]
    return frame, ab.CausalOrder(frame, equations, randomised="group")


def test_randomised_push_side_by_side():
    frame, order = pushed()
    answer = ab.randomised_push(order, assigned="group", state="doctor", outcome="days", seed=2, monte_carlo=TEN)
    push = float((expit(0.7 + 0.5 * frame["c"]) - expit(-0.2 + 0.5 * frame["c"])).mean())
    wanted = {
        "intention to treat": 2 * push,
        "assignment through doctor": 2 * push,
        "assignment not through doctor": 0.0,
        "having doctor": 2.0,
    }
    for effect, value in wanted.items():
        row = answer.table.loc[effect]
        assert abs(row["mean"] - value) < 4 * row["simulation_error"] + 1e-9
    assert answer.tables["push"].loc["doctor", "mean"] == pytest.approx(push, abs=0.005)
    assert answer.tables["instrument"]["mean"].item() == pytest.approx(2, abs=0.02)
    assert answer.tables["needs"].loc["intention to treat"].tolist() == [True, False, False, False]
    assert answer.tables["needs"].loc["doctor in those whom the assignment moves"].tolist() == [True, False, True, True]
    assert not any("sequential exchangeability" in sentence for sentence in answer.assumptions)
    printed = str(answer)
    assert "  (c) the assignment acts through doctor alone" in printed
    assert "intention to treat                         needs" not in printed
    assert [axes.get_title(loc="left") for axes in answer.plot().axes] == ["Effects on days", "Overlap: doctor"]


def test_an_effect_around_the_state_goes_to_the_instrument_as_bias():
    _, order = pushed(direct=1.0)
    answer = ab.randomised_push(order, assigned="group", state="doctor", outcome="days", seed=2, monte_carlo=TEN)
    assert answer.table.loc["assignment not through doctor", "mean"] == pytest.approx(1.0)
    assert answer.tables["instrument"]["mean"].item() == pytest.approx(
        2 + 1 / answer.tables["push"].loc["doctor", "mean"], abs=0.02
    )


def test_an_assignment_that_moves_nobody_is_no_instrument():
    frame = pd.DataFrame({"group": [0, 1] * 50})
    slopes = np.random.default_rng(3).normal(0, 0.5, 200)
    doctor = ab.Equation(
        "doctor",
        ["group"],
        draw=lambda v, p, rng: (rng.random(v.shape) < expit(p["b"] * v["group"])).astype(float),
        mean=lambda v, p: expit(p["b"] * v["group"]),
        parameters={"b": slopes},
    )
    order = ab.CausalOrder(frame, [doctor, normal("days", ["doctor"], lambda v: v["doctor"])], randomised="group")
    answer = ab.randomised_push(order, assigned="group", state="doctor", outcome="days", seed=1)
    assert "instrument" not in answer.tables
    assert answer.body[3].startswith(
        "Effect of doctor in those whom the assignment moves: undefined, since the assignment may not move anybody"
    )


def test_a_push_needs_its_monte_carlo_margin():
    """The ratio of effect and push only where the push is surely above 0."""
    sure, unsure = (0.5 * holds.astype(float) - 0.1 for holds in (SURE, UNSURE))
    found, said = module._instrument(0.6 * sure, sure, "doctor", "days", 0.95)
    assert found["mean"] == pytest.approx(0.6)
    assert "divided by push: 0.6" in said
    found, said = module._instrument(0.6 * unsure, unsure, "doctor", "days", 0.95)
    assert not found
    assert said.endswith("the assignment may not move anybody (P(push > 0) = 0.960).")


def test_an_assignment_must_be_declared_as_random():
    frame, order = pushed(100)
    order = ab.CausalOrder(frame, order.equations)
    with pytest.raises(ab.SpecError, match="'group' is not declared as assigned at random"):
        ab.randomised_push(order, assigned="group", state="doctor", outcome="days", seed=1)
