"""Questions of mediation, missing values, regimes and association as a model file asks them."""

from types import SimpleNamespace

import pandas as pd
import pytest

import alliance_bayes as ab
from alliance_bayes.basics.declared import read
from alliance_bayes.basics.problems import Problems
from alliance_bayes.questions.registry import questions
from causal_truths import normal, people

REGIMES = "regressions in causal order"
CAUSAL, PANEL = questions(REGIMES), questions("panel model")
FORMULAS = SimpleNamespace(variables=["sponsor", "alliance", "days", "age"], responses=["alliance", "days"])


def given(question, **table):
    problems = Problems("model.toml cannot be used")
    arguments = read(question.arguments, table, "[[question]] 1", problems)
    problems.raise_as(ab.ModelFileError)
    return arguments


@pytest.mark.parametrize("subject", [REGIMES, "associations"])
def test_every_question_has_the_name_of_a_public_function(subject):
    assert questions(subject)
    assert all(callable(getattr(ab, name)) for name in questions(subject))


def test_roles_paths_and_groups_of_mediation_are_checked_on_the_model_alone():
    question = PANEL["mediation"]
    asked = given(question, treatment="x", mediators=["m"], outcome="m", horizon=6, paths=["x -> z -> m"])
    assert str(asked) == "of x -> m through m, horizon 6, paths x -> z -> m"
    assert list(question.check(asked, ab.RICLPM(["x", "m", "y"], lag_2=["x -> y"]))) == [
        "The model has effects over two waves ('x -> y'), which are not followed here. Fit it without lag_2.",
        "Treatment, mediators and outcome must all differ; named twice: 'm'.",
        "The path 'x -> z -> m' runs through 'z', not named as a mediator. Mediators: 'm'.",
    ]
    fine = given(question, treatment="x", mediators=["m"], outcome="y", horizon=6)
    assert list(question.check(fine, ab.RICLPM(["x", "m", "y"]))) == []
    (without_group,) = question.check(fine, ab.RICLPM(["x", "m", "y"], group_lags="free"))
    assert without_group.startswith("This model has groups; say with group which one is asked about")


def test_missing_values_that_cannot_be_shifted_are_said_on_the_model_alone():
    question = PANEL["delta_adjustment"]
    asked = given(question, between=["x", "y"], measure="z", deltas=[-0.5, -1.0], absences=["item_missing"])
    assert str(asked) == ("between x and y, missing values of z shifted, deltas -0.5 and -1, absences item_missing")
    grouped = ab.RICLPM(["x", "y"], remove=["y -> x"], group_lags="free")
    assert [sentence.split(";")[0].split(",")[0] for sentence in question.check(asked, grouped)] == [
        "This model is of several groups",
        "'y -> x' is fixed at 0 in this model",
        "The model has no measure 'z'. Measures: 'x'",
    ]
    for wrong in ({"deltas": [0]}, {"absences": ["never"]}, {"imputations": 1}):
        with pytest.raises(ab.ModelFileError, match=next(iter(wrong))):
            given(question, between=["x", "y"], measure="x", **wrong)


def test_regimes_are_numbers_or_shifts():
    question = CAUSAL["contrast_of_regimes"]
    asked = given(
        question,
        outcome="days",
        regimes={"none": {"sponsor": 0}, "better": {"alliance": {"shift": 0.5}}},
        certainty=0.9,
    )
    assert str(asked) == "on days, certainty 0.9"
    assert asked.interventions == ({"sponsor": 0}, {"alliance": ab.Shift(0.5)})
    assert list(question.check(asked, FORMULAS)) == []
    again = question.arguments.model_validate(asked.given())
    assert again == asked
    for regime in ({"sponsor": "all"}, {"alliance": {"move": 1}}, 1):
        with pytest.raises(ab.ModelFileError):
            given(question, outcome="days", regimes={"none": {"sponsor": 0}, "other": regime})


def test_names_that_no_formula_holds_are_said_before_regressions_are_sampled():
    effects = given(
        CAUSAL["interventional_effects"],
        outcome="days",
        treated={"sponsr": 1},
        control={"sponsor": 0},
        mediators=["age"],
    )
    assert list(CAUSAL["interventional_effects"].check(effects, FORMULAS)) == [
        "'sponsr' is in no formula; did you mean 'sponsor'? Formulas hold: 'sponsor', 'alliance', 'days', 'age'.",
        "No regression makes the mediator 'age'. They make: 'alliance', 'days'.",
    ]
    split = given(
        CAUSAL["split_by_existence"], outcome="days", state="sponsor", mediator="alliance", percentiles=[0], shift=0
    )
    assert list(CAUSAL["split_by_existence"].check(split, FORMULAS)) == [
        "percentiles must lie between 0 and 100; got [0.0].",
        "shift must be a number of SDs other than 0; got 0.0.",
    ]
    levels = given(
        CAUSAL["controlled_direct_effects"],
        outcome="days", treated={"sponsor": 1}, control={"sponsor": 0}, levels={"alliance": [3, 5], "days": [1]},
    )  # fmt: skip
    assert list(CAUSAL["controlled_direct_effects"].check(levels, FORMULAS)) == [
        "All mediators need equally many levels: the first of each are set together, then the second."
    ]


def test_a_declared_question_is_put_to_equations():
    order = ab.CausalOrder(people(30), [normal("y", ["a"], lambda v: 2.0 * v["a"])])
    asked = given(CAUSAL["contrast_of_regimes"], outcome="y", regimes={"off": {"a": 0}, "on": {"a": 1}})
    answer = CAUSAL["contrast_of_regimes"].answer((order, 3, ab.MonteCarlo(copies=2)), asked)
    assert answer.table["mean"].to_dict() == pytest.approx({"on against off": 2})
    assert answer.arguments == {
        "regimes": {"off": {"a": 0}, "on": {"a": 1}},
        "outcome": "y",
        "seed": 3,
        "monte_carlo": ab.MonteCarlo(copies=2),
        "certainty": 0.95,
    }


def test_an_association_is_held_against_its_formula():
    question = questions("associations")["association"]
    asked = given(question, outcomes=["days"], exposures=["alliance"], formula="time + age")
    assert list(question.check(asked, {"person": "id"})) == [
        "The exposure 'alliance' is not in the formula. It holds: 'time', 'age'."
    ]
    fine = given(question, outcomes=["days"], exposures=["alliance"], formula="time + alliance")
    assert list(question.check(fine, {"person": "id"})) == []
    rows = pd.DataFrame({"id": [1], "time": [0], "days": [1.0]})
    with pytest.raises(ab.SpecError, match="alliance"):
        question.answer(({"person": "id"}, rows, {"seed": 1}), fine)
