"""Random-intercept regressions as values: formulas, the split, and every problem at once."""

import dataclasses

import pytest

from alliance_bayes.basics.problems import SpecError
from alliance_bayes.spec.association import RandomInterceptRegression


def test_the_split_replaces_exposures_wherever_they_stand_and_nothing_else():
    regression = RandomInterceptRegression(["y"], ["x", "z"], "time*x + z + log(x2) + x_2 + x:z")
    assert regression.variables == ("time", "x", "z", "x2", "x_2")
    split_x, split_z = "(x_within + x_between)", "(z_within + z_between)"
    assert regression.right_side(split=True) == f"time*{split_x} + {split_z} + log(x2) + x_2 + {split_x}:{split_z}"
    assert regression.right_side(split=False) == "time*x + z + log(x2) + x_2 + x:z"


def test_columns_are_all_that_is_read():
    regression = RandomInterceptRegression("y", "x", "time + x + age", person="id", rows_with="sponsor")
    assert regression.columns == ("id", "time", "sponsor", "y", "x", "age")
    assert dataclasses.replace(regression, outcomes=["w"]).columns == ("id", "time", "sponsor", "w", "x", "age")


def test_mappings_lead_back():
    regression = RandomInterceptRegression(
        ["y"], ["x"], "time + x", times=[3, 6], time_zero=3, parts={"y": ["z"]}, time_unit="months"
    )
    mapping = regression.to_mapping()
    assert mapping == {
        "outcomes": ["y"],
        "exposures": ["x"],
        "formula": "time + x",
        "times": [3.0, 6.0],
        "time_zero": 3,
        "time_unit": "months",
        "parts": {"y": ["z"]},
    }
    assert RandomInterceptRegression(**mapping) == regression
    assert hash(RandomInterceptRegression(**mapping)) == hash(regression)


def test_a_regression_prints_what_is_asked():
    regression = RandomInterceptRegression(
        ["y", "w"], ["x"], "time + x", time_zero=3, time_step=3, time_unit="months", rows_with="sponsor"
    )
    assert str(regression) == (
        "y and w ~ time + x + (1 | person), rows with sponsor; time counts from 3 in steps of 3 months"
    )


def test_every_problem_is_told_at_once():
    with pytest.raises(SpecError) as error:
        RandomInterceptRegression(["y", "age"], ["x", "my alliance"], "y ~ time + alliance + age | person", time_step=0)
    assert str(error.value) == (
        "This association cannot be asked for. 8 problems:\n"
        "  1. exposures holds 'my alliance', which a formula cannot name; use letters, digits and _.\n"
        "  2. formula holds '~', hence an outcome; name outcomes in outcomes. Give the right-hand side alone.\n"
        "  3. formula holds '|', hence a random effect; it is added. Give the right-hand side alone.\n"
        "  4. The exposure 'x' is not in the formula. It holds: 'y', 'time', 'alliance', 'age', 'person'.\n"
        "  5. The exposure 'my alliance' is not in the formula; did you mean 'alliance'? It holds: 'y', 'time', "
        "'alliance', 'age', 'person'.\n"
        "  6. The outcome 'y' is also in the formula; leave it out of one of them.\n"
        "  7. The outcome 'age' is also in the formula; leave it out of one of them.\n"
        "  8. time_step must be above 0; got 0."
    )
    with pytest.raises(SpecError, match="formula must be a text such as"):
        RandomInterceptRegression(["y"], ["x"], "")
    with pytest.raises(SpecError, match="exposures is empty; name at least one column"):
        RandomInterceptRegression(["y"], [], "time")
