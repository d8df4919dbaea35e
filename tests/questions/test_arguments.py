"""Margin and certainty where none is given, and which can be asked for."""

import math

import pytest

from alliance_bayes.basics.problems import Problems
from alliance_bayes.questions.arguments import CERTAINTY, MARGIN, check_certainty, check_margin


def test_defaults():
    assert (MARGIN, CERTAINTY) == (0.03, 0.95)


@pytest.mark.parametrize(
    ("check", "value", "n_problems"),
    [
        (check_margin, 0.0, 1),
        (check_margin, math.nextafter(0, 1), 0),
        (check_margin, math.nextafter(1, 0), 0),
        (check_margin, 1.0, 1),
        (check_certainty, 0.5, 1),
        (check_certainty, math.nextafter(0.5, 1), 0),
        (check_certainty, math.nextafter(1, 0), 0),
        (check_certainty, 1.0, 1),
        (check_certainty, math.nan, 1),
    ],
)
def test_limits_are_no_margin_and_no_certainty(check, value, n_problems):
    problems = Problems("none")
    check(value, problems)
    assert len(problems.found) == n_problems
