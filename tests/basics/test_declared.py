"""Tables of files read by their declaration: what is wrong with them is said at once and hides nothing else."""

import datetime
from typing import Literal

import pytest
from pydantic import Field

from alliance_bayes.basics.declared import Column, Count, Declared, Listed, Margin, Measures, read, read_partly
from alliance_bayes.basics.problems import Problems


class Clinic(Declared):
    person: Column
    measures: Measures
    margin: Margin = 0.03
    draws: Count = 1000
    change: Literal["pulse", "sustained"] = "pulse"
    group: Column | None = None
    most: Count | float | None = None
    times: Listed[float] | dict[str, float] | None = Field(None, description="a list of numbers, or a table of them")
    refit: bool = False


GOOD = {"person": "id", "measures": ["x", "y"]}


def problems_of(table):
    problems = Problems("clinic.toml")
    return read(Clinic, table, "[panel]", problems), problems.found


def test_what_is_given_is_kept_as_it_is():
    section, problems = problems_of({**GOOD, "times": [0, 1.5], "margin": 0.5})
    assert problems == []
    assert section.given() == {"person": "id", "measures": ("x", "y"), "margin": 0.5, "times": (0.0, 1.5)}
    assert section.draws == 1000


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"person": ""}, "[panel] person must be the name of a column; got ''."),
        (
            {"person": datetime.date(2020, 1, 1)},
            "[panel] person must be the name of a column; got the date 2020-01-01.",
        ),
        ({"margin": float("nan")}, "[panel] margin must be a number between 0 and 1; got nan."),
        ({"margin": True}, "[panel] margin must be a number between 0 and 1; got True."),
        ({"margin": 10**400}, "[panel] margin must be a number between 0 and 1; got a whole number of about 10^400."),
        ({"draws": 3.0}, "[panel] draws must be a whole number above 0; got 3.0."),
        ({"draws": "3"}, "[panel] draws must be a whole number above 0; got '3'."),
        (
            {"change": "puls"},
            "[panel] change must be one of 'pulse', 'sustained'; got 'puls'; did you mean 'pulse'?",
        ),
        ({"change": ["pulse"]}, "[panel] change must be one of 'pulse', 'sustained'; got ['pulse']."),
        ({"times": {"w1": True}}, "[panel] times must be a list of numbers, or a table of them; got {'w1': True}."),
        ({"group": 3}, "[panel] group must be the name of a column; got 3."),
        ({"most": "x"}, "[panel] most must be a whole number above 0 or a number; got 'x'."),
        ({"refit": 1}, "[panel] refit must be true or false; got 1."),
        (
            {"peron": "id"},
            "[panel] has no key 'peron'; did you mean 'person'? Keys: 'person', 'measures', 'margin', 'draws', "
            "'change', 'group', 'most', 'times', 'refit'.",
        ),
    ],
)
def test_one_sentence_says_where_what_and_the_cure(changes, problem):
    assert problems_of({**GOOD, **changes})[1] == [problem]


def test_wrong_keys_hide_nothing_else():
    section, problems = problems_of({"measures": ["x"], "margin": 2, "draws": 5})
    assert section is None
    assert problems == [
        "[panel] measures must be a list of two or more names, such as ['alliance', 'days']; got ['x'].",
        "[panel] margin must be a number between 0 and 1; got 2.",
        "[panel] needs 'person': the name of a column.",
    ]
    partly = read_partly(Clinic, {"measures": ["x"], "draws": 5}, "[panel]", Problems("clinic.toml"))
    assert (partly.person, partly.measures, partly.margin, partly.draws) == (None, None, 0.03, 5)
    section, problems = problems_of({**GOOD, "margin": 2, "draws": 5})
    assert (section.margin, section.draws, len(problems)) == (0.03, 5, 1)


def test_what_is_no_table_is_said():
    section, problems = problems_of([1])
    assert section is None
    assert problems[0].startswith("[panel] must be a table with the keys 'person', 'measures'")
