"""What all answers can do, and the questions that register themselves."""

import json
import pickle
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

import alliance_bayes as ab
from alliance_bayes.basics.assumptions import Assumption
from alliance_bayes.basics.declared import read
from alliance_bayes.basics.problems import Problems
from alliance_bayes.basics.text_tables import TextTable
from alliance_bayes.posterior.health import Health
from alliance_bayes.questions import registry
from alliance_bayes.questions.answer import Answer, Sampling

HEALTHY = Health(1.0, 900, 900, 0, 1.0, "", ())
TABLE = pd.DataFrame({"mean": [0.25, np.nan], "n": [3, 4]}, index=pd.Index(["x -> y", "y -> x"], name="path"))


def answer(**fields):
    texts = TextTable.of({"": ["x -> y", "<b>"], "mean": ["0.25", "< 0.01"], "note": ["", "a & b"]}, left={"note"})
    given = {"question": "directionality", "arguments": {"between": ("x", "y")}, "heading": "Effects", "table": TABLE}
    return Answer(**{**given, "body": (texts, "A sentence."), "health": HEALTHY, **fields})


class Texts(HTMLParser):
    def __init__(self, html):
        super().__init__()
        self.open, self.texts = [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


def test_measurement_error_is_the_first_assumption_whatever_order_they_come_in():
    error = Assumption("No error.", "error")
    some = answer(assumptions=("One.", Assumption("Normal.", "model"), error, "Two."))
    assert some.assumptions == (error, "One.", "Normal.", "Two.")
    assert str(some).splitlines()[-4:-1] == ["  1. No error.", "  2. One.", "  3. Two."]


def test_text_and_page_say_the_same():
    some = answer(verdict="x leads", reasons=("But <weakly>.",), assumptions=("One.", "Two."))
    assert str(some).splitlines() == [
        "Effects",
        "          mean  note",
        "x -> y    0.25",
        "<b>     < 0.01  a & b",
        "A sentence.",
        "Verdict: x leads.",
        "But <weakly>.",
        "Sampling: no problems.",
        "About prediction; about causes only under these assumptions:",
        "  1. One.",
        "  2. Two.",
    ]
    page = Texts(some._repr_html_())
    assert page.open == []
    assert page.texts == [
        *("Effects", "mean", "note", "x -> y", "0.25", "<b>", "< 0.01", "a & b", "A sentence.", "Verdict: x leads."),
        *("But <weakly>.", "Sampling: no problems.", "About prediction; about causes only under these assumptions:"),
        *("One.", "Two."),
    ]


def test_answers_print_what_an_effect_means_and_where_the_other_assumptions_are():
    others = [Assumption("At random.", "missing"), Assumption("Normal.", "model"), Assumption("Linear.", "model")]
    some = answer(assumptions=("One.", *others, "Two."))
    further = (
        "Further assumptions, printed with the fit: 1 on missing values and states and 2 on how the model is built "
        "(all in .assumptions)."
    )
    assert str(some).splitlines()[-3:] == ["  1. One.", "  2. Two.", further]
    assert Texts(some._repr_html_()).texts[-3:] == ["One.", "Two.", further]
    assert some.to_dict()["assumptions"] == ["One.", "At random.", "Normal.", "Linear.", "Two."]
    assert pickle.loads(pickle.dumps(others[0])).about == "missing"
    assert str(answer(assumptions=tuple(others[:1]))).splitlines()[-2:] == [
        "Sampling: no problems.",
        "Further assumptions, printed with the fit: 1 on missing values and states (all in .assumptions).",
    ]


def test_problems_of_sampling_are_said_once():
    sick = replace(HEALTHY, problems=("Too few draws.",))
    assert "Sampling: PROBLEMS: Too few draws." in str(answer(health=sick)).splitlines()
    said = answer(health=sick, reasons=("The draws cannot be trusted: Too few draws.",))
    assert str(said).splitlines()[-2:] == [
        "Warning: The draws cannot be trusted: Too few draws.",
        "Sampling: PROBLEMS, see above.",
    ]
    several = Sampling.of({"one": HEALTHY, "other": sick})
    assert (several.healthy, several.problems) == (False, ("other: Too few draws.",))
    assert Sampling.of({"one": HEALTHY}).healthy


def test_an_answer_as_plain_values():
    part = answer(verdict="undecided")
    plain = answer(parts={"one": part}, tables={"empty": pd.DataFrame()}, verdict="x leads").to_dict()
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain
    assert plain["arguments"] == {"between": ["x", "y"]}
    assert plain["tables"] == {
        "table": [{"path": "x -> y", "mean": 0.25, "n": 3}, {"path": "y -> x", "mean": None, "n": 4}]
    }
    assert plain["parts"]["one"]["verdict"] == "undecided"
    assert answer(parts={"one": part}).verdicts == {"one": "undecided"}


def test_an_answer_without_a_figure_says_so():
    with pytest.raises(ab.AllianceBayesError, match=r"^There is no figure of 'directionality'; print its answer\.$"):
        answer().plot()


@pytest.mark.parametrize("question", registry.questions().values(), ids=lambda question: question.name)
def test_questions_have_the_names_of_public_functions_or_of_methods_of_a_fit(question):
    assert callable(getattr(ab, question.name, None) or getattr(ab.Fit, question.name))


def test_a_question_is_read_by_its_declaration():
    problems = Problems("model.toml cannot be used")
    question = registry.questions()["directionality"]
    table = {"between": ["x", "y", "z"], "margin": 0.1}
    given = read(question.arguments, table, "[[question]] 1", problems)
    assert (problems.found, given.given("between")) == ([], {"margin": 0.1})
    assert str(given) == "between x, y and z, margin 0.1"
    assert read(question.arguments, {"between": ["x"], "margn": 1}, "[[question]] 2", problems) is None
    assert problems.found == [
        "[[question]] 2 between must be a list of two or more names, such as ['alliance', 'days']; got ['x'].",
        "[[question]] 2 has no key 'margn'; did you mean 'margin'? "
        "Keys: 'between', 'lag', 'margin', 'certainty', 'group'.",
    ]


def test_a_question_is_held_against_the_model_before_it_is_asked():
    question = registry.questions()["directionality"]
    spec = ab.RICLPM(["x", "y"], remove=["y -> x"])
    given = question.arguments(between=("x", "z"), group="north")
    assert list(question.check(given, spec)) == [
        "group 'north' was asked for, and this model has no groups. Leave group open.",
        "The model has no measure 'z'. Measures: 'x', 'y'.",
    ]
    assert list(question.check(question.arguments(between=("x", "y")), spec)) == [
        "'y -> x' is fixed at 0 in this model, so nothing can be compared with it. "
        "Take it out of remove, and fit the model with both paths."
    ]


class Other(registry.Arguments):
    """Keys of a question that takes the name of another."""


def test_two_questions_of_one_name_are_refused():
    question = registry.question("directionality")
    registry.register(question)
    with pytest.raises(ValueError, match=r"^Two questions are named 'directionality'\.$"):
        registry.register(replace(question, arguments=Other))
    assert registry.questions()["directionality"] is question


def test_a_model_file_imports_no_question_that_it_does_not_ask():
    code = (
        "import sys, alliance_bayes as ab; ab.packaged_model('help-direction')\n"
        "names = [name for name in sys.modules if name.startswith('alliance_bayes.questions.')]\n"
        "assert 'alliance_bayes.questions.directionality' in names, names\n"
        "assert not {'alliance_bayes.questions.robustness', 'alliance_bayes.questions.mediation'} & {*names}, names\n"
        "assert 'arviz' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
