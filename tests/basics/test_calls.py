"""The check at the door of every public call: what it lets through, what it says, what it costs, and what it leaves."""

import copy
import dataclasses
import inspect
import pickle
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Literal

import numpy as np
import pandas as pd
import pytest

import alliance_bayes as ab
from alliance_bayes.basics.calls import answering_in_words, checked
from alliance_bayes.basics.given import Numbers

SPEC = ab.RICLPM(["x", "y"])


def refusal(function, *arguments, **options):
    with pytest.raises(ab.SpecError) as caught:
        function(*arguments, **options)
    return str(caught.value)


@checked()
def every_kind(
    whole: int = 1,
    number: float = 0.5,
    text: str = "x",
    yes: bool = True,
    word: Literal["one", "two"] = "one",
    texts: Sequence[str] = (),
    some: Iterable[str] | None = None,
    pair: tuple[str, str] = ("x", "y"),
    table: Mapping[str, float | Sequence[float]] | None = None,
    values: Numbers | None = None,
    spec: "ab.spec.cross_lagged.CrossLagged | None" = None,
    noted: Annotated[int, "counted"] = 1,
) -> str:
    """Say that it was reached."""
    return "reached"


GOOD = [
    {"whole": np.int64(3)},
    {"whole": 0},
    {"number": 1},
    {"number": np.float32(0.5)},
    {"text": np.str_("x")},
    {"yes": np.True_},
    {"word": "three"},  # which words there are is said by the function
    {"texts": ["x"]},
    {"texts": ("x", "y")},
    {"texts": np.array(["x", "y"])},
    {"texts": pd.Index(["x"])},
    {"some": {"x", "y"}},
    {"some": (name for name in "xy")},
    {"pair": ["x", "y"]},
    {"table": {"x": 1, "y": [0.5, 2]}},
    {"values": [[1, 2], [3, 4]]},
    {"values": np.ma.masked_array([1.0, 2.0], [True, False])},
    {"values": pd.DataFrame({"x": [1.0]})},
    {"values": [None, 1.0]},
    {"spec": SPEC},
]
BAD = [
    ({"whole": 1.0}, "whole must be a whole number; got 1.0."),
    ({"whole": True}, "whole must be a whole number; got True."),
    ({"number": float("nan")}, "number must be a finite number; got nan."),
    ({"number": 10**400}, "number must be a finite number; got a whole number of about 10^400."),
    ({"number": np.array(0.5)}, "number must be a finite number; got array(0.5), an array."),
    ({"text": b"x"}, "text must be a text; got b'x'."),
    ({"yes": 1}, "yes must be True or False; got 1."),
    ({"word": ["one"]}, "word must be one of 'one', 'two'; got ['one']."),
    ({"texts": "xy"}, "texts is the text 'xy'; pass a list, texts=['xy']."),
    ({"texts": {"x"}}, "texts must be a list of texts; got {'x'}."),
    ({"texts": ["x", 3]}, "texts must be a list of texts; got ['x', 3]."),
    ({"texts": np.array([["x"]])}, "texts must be a list of texts; got an array of shape (1, 1) and type <U1."),
    ({"some": "xy"}, "some is the text 'xy'; pass a list, some=['xy']."),
    ({"pair": ("x",)}, "pair must be a list of texts; got ('x',)."),
    ({"table": {1: 1.0}}, "table must be a dict from texts to numbers or lists of numbers or None; got {1: 1.0}."),
    (
        {"table": {"x": ["a"]}},
        "table must be a dict from texts to numbers or lists of numbers or None; got {'x': ['a']}.",
    ),
    (
        {"values": [[1, 2], [3]]},
        "values must be an array of numbers, or lists of equal lengths or None; got [[1, 2], [3]].",
    ),
    ({"values": "text"}, "values must be an array of numbers, or lists of equal lengths or None; got 'text'."),
    (
        {"values": np.array([1j])},
        "values must be an array of numbers, or lists of equal lengths or None; "
        "got an array of shape (1,) and type complex128.",
    ),
    ({"spec": ab.RICLPM}, "spec must be a model, such as ab.RICLPM(['x', 'y']) or None; got the class RICLPM."),
    ({"noted": 0.5}, "noted must be a whole number; got 0.5."),
]


@pytest.mark.parametrize("given", GOOD)
def test_what_fits_is_let_through(given):
    assert every_kind(**given) == "reached"


@pytest.mark.parametrize(("given", "problem"), BAD, ids=[problem for _, problem in BAD])
def test_what_does_not_fit_is_named(given, problem):
    assert refusal(every_kind, **given) == f"ab.every_kind cannot use these arguments. 1 problem:\n  1. {problem}"


def test_all_arguments_are_named_at_once():
    assert "3 problems" in refusal(every_kind, 1.5, "half", 3)


def test_arguments_in_the_wrong_order_are_put_right(small_panel):
    for function in (ab.fit, ab.to_pymc, ab.maximum_likelihood):
        message = refusal(function, small_panel, SPEC, **({"seed": 1} if function is ab.fit else {}))
        assert f"Write ab.{function.__name__}(spec, panel): the model comes first." in message
    assert "comes first" not in refusal(ab.fit, small_panel, small_panel, seed=1)


WRONG = [
    (
        lambda panel: ab.fit(SPEC, panel),
        ["seed is missing.", "Its arguments: ab.fit(spec, panel, *, seed, draws=1000,"],
    ),
    (lambda panel: ab.fit(SPEC, panel, sed=1), ["'sed' is no argument; did you mean 'seed'?", "seed is missing."]),
    (
        lambda panel: ab.effect_in_units(),
        [
            "fit is missing; it must be a fit, such as ab.fit(spec, panel, seed=1) or ab.load_fit(path).",
            "path is missing; it must be a text.",
            "Its arguments: ab.effect_in_units(fit, path, *, raised_by=None, group=None)",
        ],
    ),
    (
        lambda panel: ab.group_contrast(1, "x -> y", 0.1, 0.9),
        ["fit must be a fit", "0.1 and 0.9 stand without a name."],
    ),
    (lambda panel: ab.fit(SPEC, panel, spec=SPEC, seed=1), ["spec is given twice, by its position and by its name."]),
    (lambda panel: ab.RICLPM(), ["measures is missing. Its arguments: ab.RICLPM(measures, *, lags=None,"]),
    (lambda panel: ab.RICLPM(["x", "y"], lag="equal"), ["'lag' is no argument; did you mean 'lags'?"]),
    (lambda panel: ab.Days(), ["window is missing. Its arguments: ab.Days(window, *, link='logit',"]),
    (lambda panel: ab.YesNo(3), ["3 stands without a name."]),
    (lambda panel: ab.Truth(SPEC), ["times is missing."]),
]


@pytest.mark.parametrize(("call", "sentences"), WRONG, ids=[sentences[0] for _, sentences in WRONG])
def test_missing_unknown_and_surplus_arguments_are_said_with_the_signature(small_panel, call, sentences):
    with pytest.raises(ab.SpecError) as caught:
        call(small_panel)
    assert all(sentence in str(caught.value) for sentence in sentences)


def test_every_public_function_and_class_answers_wrong_calls_in_words():
    for name in ab.__all__:
        public = getattr(ab, name)
        if inspect.isfunction(public):
            assert hasattr(public, "__wrapped__"), name
        elif inspect.isclass(public) and inspect.isfunction(vars(public).get("__init__")):
            assert issubclass(public, Exception) or hasattr(public.__init__, "__wrapped__"), name


def test_an_error_within_a_constructor_is_left_alone():
    @dataclasses.dataclass
    class Made:
        value: int

        def __post_init__(self) -> None:
            self.value + "x"

    with pytest.raises(TypeError, match="unsupported operand"):
        answering_in_words(Made)(1)
    assert pickle.loads(pickle.dumps(SPEC)) == copy.copy(SPEC) == SPEC


def test_a_function_keeps_its_signature_name_and_text():
    assert list(inspect.signature(ab.fit).parameters)[:3] == ["spec", "panel", "seed"]
    assert "Sample the posterior" in inspect.getdoc(ab.fit)
    assert pickle.loads(pickle.dumps(ab.fit)) is ab.fit
    assert str(inspect.signature(ab.Shift)) == "(by: float) -> None"


def test_it_costs_microseconds():
    arguments = {"whole": 1, "texts": ["x", "y"], "table": {"x": 1.0}, "spec": SPEC}
    every_kind(**arguments)
    times = []
    for _ in range(5):
        started = time.perf_counter()
        for _ in range(200):
            every_kind(**arguments)
        times.append((time.perf_counter() - started) / 200)
    assert min(times) < 500e-6


def test_a_value_in_a_message_is_short_whatever_it_is(small_fit):
    from alliance_bayes.basics.given import shown

    values = [small_fit, [small_fit] * 100, {"a": small_fit}, 10**9999, "x" * 10_000, np.zeros((1000, 1000)), range(9)]
    texts = [shown(value) for value in [*values, pd.DataFrame({"x": range(10**5)}), object(), lambda: None]]
    assert max(map(len, texts)) <= 400
    assert texts[0] == "a Fit"
    assert texts[3] == "a whole number of about 10^9999"
