"""Joint probabilities beside counts by hand."""

import numpy as np
import pytest

import alliance_bayes as ab
from alliance_bayes.files.questions import Question, answers
from fabricated import fabricated_fit

STATEMENTS = {"one": "x leads y", "two": "m -> y > 0.05", "three": "|x -> m| < 0.1 & y -> x < 0"}


@pytest.fixture(scope="module")
def fitted():
    lags = np.array([[0.3, 0.05, -0.05], [0.08, 0.3, 0.0], [0.12, 0.1, 0.3]])
    return fabricated_fit(lags, times=(0, 1, 2), sd=0.08, prior_sd=0.15, shape=(4, 500))


def counted(draws, margin):
    """Averages over both intervals, row by row of `STATEMENTS`."""
    averages = draws["lagged_standardized"].mean("interval")
    effect = {str(path): averages.sel(path=path).values for path in draws["path"].values}
    return [
        abs(effect["x -> y"]) - abs(effect["y -> x"]) > margin,
        effect["m -> y"] > 0.05,
        (abs(effect["x -> m"]) < 0.1) & (effect["y -> x"] < 0),
    ]


@pytest.mark.parametrize("margin", [0.03, 0.1])
def test_probabilities_are_counts(fitted, margin):
    answer = ab.joint_probability(fitted, STATEMENTS, margin=margin)
    assert list(answer.table.index) == [*STATEMENTS, "all of them"]
    for group, name in (("posterior", "posterior"), ("prior", "prior")):
        holds = counted(fitted.drawn(group), margin)
        wanted = [*holds, np.logical_and.reduce(holds)]
        np.testing.assert_allclose(answer.table[name], [each.mean() for each in wanted])
        p = wanted[-1].mean()
        error = answer.table.loc["all of them", f"{name}_mcse"]
        assert error == pytest.approx(np.sqrt(p * (1 - p) / wanted[-1].size), rel=0.3)  # draws are independent
    assert "all of them" in str(answer)
    assert answer.plot().axes


def test_a_lead_is_the_event_of_direction(fitted):
    evidence = ab.directionality(fitted, "x", "y", margin=0.03).evidence
    row = ab.joint_probability(fitted, ["x leads y", "y leads x"]).table
    over = "average of intervals of 1"
    assert row.loc["x leads y", "posterior"] == evidence.loc[(over, "x leads"), "probability"]
    assert row.loc["y leads x", "prior"] == evidence.loc[(over, "y leads"), "prior"]
    assert row.loc["all of them", "posterior"] == 0


def test_leads_over_one_interval_are_named(fitted):
    named = ab.joint_probability(fitted, ["x leads y, 0 to 1", "x leads y, 1 to 2"]).table
    effect = fitted.posterior["lagged_standardized"]
    for place, name in enumerate(("0 to 1", "1 to 2")):
        forward, backward = (abs(effect.sel(path=path, interval=name)) for path in ("x -> y", "y -> x"))
        assert named["posterior"].iloc[place] == float((forward - backward > 0.03).mean())


def test_a_run_says_how_many_questions_on_direction_it_asked(fitted):
    asked = [Question("directionality", {"between": pair}) for pair in (["x", "y"], ["x", "m"])]
    several = Question("directionality", {"between": ["x", "m", "y"]})
    curve = Question("lag_curve")
    found = answers([*asked, several, curve], lambda name, position: fitted)
    sentence = "5 questions on direction were asked of this fit in the same run"
    assert [sentence in str(answer) for answer in found.values()] == [True, True, True, False]
    (alone,) = answers(asked[:1], lambda name, position: fitted).values()
    assert "questions on direction" not in str(alone)
    (together,) = answers([several], lambda name, position: fitted).values()
    assert "3 questions were asked of this fit in one call" in str(together)
    assert "in the same run" not in str(together)


def test_what_cannot_be_read_is_refused(fitted):
    with pytest.raises(ab.SpecError, match="Give two or more different statements"):
        ab.joint_probability(fitted, ["x leads y"])
    with pytest.raises(ab.SpecError) as caught:
        ab.joint_probability(fitted, ["x leads z", "x leads x", "x y"])
    said = str(caught.value)
    assert said.startswith("This joint probability cannot be computed. 4 problems:")
    assert "'x leads z': 'x -> z' is neither a number nor an effect" in said
    assert "'x leads x': '|x -> x| leads |x -> x|' compares an effect with itself" in said
    assert "'x y': 'x y' compares nothing" in said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x leads y & y leads x", "it says '|x -> y|' < '|y -> x|' < '|x -> y|'; no effects satisfy that."),
        ("x -> y > y -> x & x -> y < y -> x", "no effects satisfy that."),
        ("x -> y > y -> x > x -> m & x -> m > x -> y", "no effects satisfy that."),
    ],
)
def test_an_order_that_no_effects_have_is_refused(fitted, text, said):
    with pytest.raises(ab.SpecError) as caught:
        ab.joint_probability(fitted, [text, "m -> y > 0"])
    assert said in str(caught.value)
    assert len(caught.value.problems) == 1


def test_hypotheses_read_leads_too(fitted):
    row = ab.hypotheses(fitted, "x", "y", statements=["x leads y & m -> y > 0.05"]).table.iloc[0]
    together = ab.joint_probability(fitted, ["x leads y", "m -> y > 0.05"]).table.loc["all of them"]
    assert (row["posterior"], row["prior"]) == (together["posterior"], together["prior"])
