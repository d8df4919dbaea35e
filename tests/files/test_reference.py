"""The reference of model files is what the reader reads: up to date, complete, and a schema of every file there is."""

import dataclasses
import json
import tomllib
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from alliance_bayes.basics.declared import Declared
from alliance_bayes.families.registry import FAMILIES
from alliance_bayes.files.kinds import association, causal_order, panel_model
from alliance_bayes.files.questions import CAUSAL, PANEL
from alliance_bayes.files.reference import page, schema, sections
from alliance_bayes.questions.registry import questions
from alliance_bayes.spec.mapping import KINDS
from alliance_bayes.spec.occurrence import Selection, State
from alliance_bayes.spec.priors import Priors

ROOT = Path(__file__).parents[2]
MODELS = sorted((ROOT / "models").glob("*.toml"))


@pytest.fixture(scope="module")
def validator():
    Draft202012Validator.check_schema(schema())
    return Draft202012Validator(schema())


def test_the_reference_is_up_to_date():
    """`make reference` writes it anew."""
    assert (ROOT / "docs" / "model_file.md").read_text("utf-8") == page()
    assert json.loads((ROOT / "docs" / "model_file.schema.json").read_text("utf-8")) == schema()


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_every_model_file_fits_the_schema(validator, path):
    assert [error.message for error in validator.iter_errors(tomllib.loads(path.read_text("utf-8")))] == []


@pytest.mark.parametrize(
    ("changed", "where"),
    [
        ({"panel": {"person": "id", "tme": "t", "measures": ["x", "y"]}}, ["panel"]),
        ({"model": {"kind": "riclpm", "lags": "equall"}}, ["model", "lags"]),
        ({"model": {"kind": "riclpm", "families": {"x": {"family": "days"}}}}, ["model", "families", "x"]),
        ({"question": [{"ask": "directionality"}]}, ["question", 0]),
        ({"priors": {"icc": {"normal": [0, 1]}}}, ["priors", "icc"]),
        ({"sampling": {"draws": 0}}, ["sampling", "draws"]),
        ({"model": {"kind": "mlm"}}, ["model", "kind"]),
    ],
)
def test_the_schema_refuses_what_the_reader_refuses(validator, changed, where):
    file = {
        "format": 1, "title": "?", "panel": {"person": "id", "time": "t", "measures": ["x", "y"]},
        "model": {"kind": "riclpm"},
    }  # fmt: skip
    assert list(validator.iter_errors(file)) == []
    assert where in [list(error.absolute_path) for error in validator.iter_errors(file | changed)]


def keys(subject, head):
    """Keys of the sections whose head begins so."""
    return {key.name for section in sections(subject) if section.head.startswith(head) for key in section.keys}


def declared(module):
    """Classes of a kind of file that are read from a file."""
    found = [each for each in vars(module).values() if isinstance(each, type) and issubclass(each, Declared)]
    return [each for each in found if each.__module__ == module.__name__]


@pytest.mark.parametrize(
    ("module", "subject"), [(panel_model, PANEL), (causal_order, CAUSAL), (association, "associations")]
)
def test_every_key_of_every_declared_section_is_there(module, subject):
    everything = keys(subject, "")
    assert len(declared(module)) > 2
    for section in declared(module):
        assert set(section.model_fields) <= everything, section


def test_every_option_of_models_families_states_priors_and_questions_is_there():
    options = {option.name for model in KINDS.values() for option in dataclasses.fields(model)} - {"priors"}
    assert keys(PANEL, "[model]") == options | {"kind"}
    for word, family in FAMILIES.items():
        named = {option.name for option in dataclasses.fields(family)}
        assert keys(PANEL, f'[model.families.MEASURE] family = "{word}"') == named | {"family"}
    for kind, head in ((State, "[model.state]"), (Selection, "[[model.selection]]"), (Priors, "[priors]")):
        assert keys(PANEL, head) == {option.name for option in dataclasses.fields(kind)}
    for subject in (PANEL, CAUSAL):
        for name, question in questions(subject).items():
            assert set(question.arguments.model_fields) <= keys(subject, f'[[question]] ask = "{name}"')


@pytest.mark.parametrize(
    ("subject", "defaults", "warm_up"),
    [
        (PANEL, {"draws": "`1000`", "chains": "`4`"}, "100 where linear predictors are integrated out"),
        (CAUSAL, {"draws": "`1000`", "tune": "`1000`", "chains": "`4`"}, "warm-up draws before them."),
        ("associations", {"draws": "`1000`", "chains": "`4`"}, None),  # drawn exactly
    ],
)
def test_sampling_is_that_of_each_kind_of_file(subject, defaults, warm_up):
    (found,) = [section.keys for section in sections(subject) if section.head == "[sampling]"]
    assert {key.name: key.default for key in found if key.default} == defaults
    said = " ".join(key.meaning for key in found)
    assert all(key.meaning for key in found)
    assert warm_up in said if warm_up else "warm-up" not in said
    assert ("linear predictors" in said) is (subject == PANEL)


def test_every_key_says_what_it_holds_and_those_of_questions_what_they_mean():
    for subject in (PANEL, CAUSAL, "associations"):
        for section in sections(subject):
            for key in section.keys:
                assert key.holds not in ("", "a value") or section.head == "[truth]", (section.head, key.name)
