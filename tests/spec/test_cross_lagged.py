"""Descriptions of cross-lagged models: paths, equality, printing, and refusals in full."""

import pickle
from dataclasses import FrozenInstanceError, replace

import pytest

from alliance_bayes.basics.distributions import Normal
from alliance_bayes.basics.problems import SpecError
from alliance_bayes.families.count import Count
from alliance_bayes.spec.models import CLPM, RICLPM, STARTS
from alliance_bayes.spec.priors import Priors

RI, PLAIN = "random-intercept cross-lagged panel model", "cross-lagged panel model"


def refusal(make):
    with pytest.raises(SpecError) as caught:
        make()
    return str(caught.value)


# ---- values ----


def test_paths_of_two_and_of_three_measures():
    two = RICLPM(["x", "y"])
    assert two.carry_over_paths == ("x -> x", "y -> y")
    assert two.cross_lagged_paths == ("y -> x", "x -> y")
    assert two.paths == ("x -> x", "y -> y", "y -> x", "x -> y")
    three = CLPM(["x", "y", "z"], remove=["z -> x", "y -> y"])
    assert three.carry_over_paths == ("x -> x", "z -> z")
    assert three.cross_lagged_paths == ("y -> x", "x -> y", "z -> y", "x -> z", "y -> z")


def test_without_takes_paths_out_and_leaves_the_model_alone():
    spec = RICLPM(["x", "y"], lags="free")
    smaller = spec.without("x->y", "y -> y")
    assert spec.remove == ()
    assert smaller == RICLPM(["x", "y"], lags="free", remove=["x -> y", "y -> y"])
    assert smaller.without() == smaller


def test_the_order_of_removing_does_not_matter():
    spec = RICLPM(["x", "y"])
    assert spec.without("x -> y").without("y -> x") == spec.without("y -> x", "x -> y")
    assert RICLPM(["y", "x"], remove=["x -> y", "y -> x"]).remove == ("x -> y", "y -> x")
    assert RICLPM(["x", "y"], remove={"x -> y", "y -> x", "y -> y"}).remove == ("y -> x", "x -> y", "y -> y")


def test_equality_and_hash():
    assert RICLPM(["x", "y"]) == RICLPM(("x", "y"), lags=None, priors=Priors())
    assert hash(RICLPM(["x", "y"])) == hash(RICLPM(("x", "y")))
    different = [
        CLPM(["x", "y"]),
        RICLPM(["y", "x"]),
        RICLPM(["x", "y"], lags="equal"),
        RICLPM(["x", "y"], residuals="equal"),
        RICLPM(["x", "y"], means="equal"),
        RICLPM(["x", "y"], remove=["x -> y"]),
        RICLPM(["x", "y"], nonexistent="as_missing"),
        RICLPM(["x", "y"], priors=Priors(mean=Normal(0, 2))),
    ]
    assert len({RICLPM(["x", "y"]), *different}) == 1 + len(different)


def test_frozen_copied_and_pickled():
    spec = RICLPM(["x", "y"], remove=["x -> y"])
    with pytest.raises(FrozenInstanceError):
        spec.lags = "free"
    assert pickle.loads(pickle.dumps(spec)) == spec
    assert replace(spec, lags="grid") == RICLPM(["x", "y"], lags="grid", remove=["x -> y"])


def test_printed():
    assert str(RICLPM(["alliance", "days"])) == (
        f"{RI} of alliance and days; lagged effects equal where intervals are, residual covariances free, means free"
    )
    spec = CLPM(["x", "y", "z"], lags="grid", residuals="equal", means="equal", remove=["z -> x", "x->y"])
    assert str(spec) == (
        f"{PLAIN} of x, y and z; lagged effects grid, residual covariances equal, means equal; fixed at 0: "
        "z -> x, x -> y"
    )


@pytest.mark.parametrize(("times", "lags"), [((0, 1), "equal"), ((6, 12, 18), "equal"), ((0, 0.1, 0.2, 0.3), "equal")])
def test_lags_left_open_are_equal_where_intervals_are(times, lags):
    assert RICLPM(["x", "y"]).lags_for(times) == lags


@pytest.mark.parametrize("lags", ["equal", "free", "grid"])
def test_lags_that_were_typed_hold(lags):
    assert RICLPM(["x", "y"], lags=lags).lags_for((0, 1, 3)) == lags


def test_lags_left_open_have_no_meaning_over_unequal_intervals():
    assert refusal(lambda: RICLPM(["x", "y"]).lags_for((0, 1, 3.5))) == (
        "The intervals between waves are unequal (1, 2.5), so one lagged effect for all of them has no single meaning. "
        "Choose lags='grid' (one effect per base step), lags='continuous' (one drift), lags='free' (one per interval), "
        "or give lags='equal' to accept this."
    )


def test_problems_with_times():
    assert RICLPM(["x", "y"]).problems_with((0, 1, 2)) == []
    assert CLPM(["x", "y"]).problems_with((0, 1)) == []
    assert CLPM(["x", "y"]).problems_with((0,)) == [
        f"A {PLAIN} needs at least 2 waves; there are 1. Without them its lagged effects are not identified."
    ]
    assert len(RICLPM(["x", "y"], lags="grid").problems_with((0, 2**0.5))) == 2


def test_assumptions_of_each_model():
    shared = RICLPM(["x", "y"]).assumptions[2:]
    assert CLPM(["x", "y"]).assumptions[2:] == shared
    assert len(shared) == 5
    assert RICLPM(["x", "y"]).assumptions[1].startswith("Stable differences between people act the same at every wave")
    assert CLPM(["x", "y"]).assumptions[1].startswith("People do not differ stably")
    assert all(sentence.endswith(".") for sentence in RICLPM(["x", "y"], nonexistent="as_missing").assumptions)
    assert len(RICLPM(["x", "y"], nonexistent="as_missing").assumptions) == 8


def test_measurement_error_comes_first_where_the_model_has_none():
    """Families, indicators, a known reliability and a STARTS model have their own."""
    first = [
        spec.assumptions[0].partition(". ")[0]
        for spec in (
            RICLPM(["x", "y"], nonexistent="as_missing"),
            RICLPM(["x", "y"], families={"x": Count()}),
            CLPM(["x", "y", "z"], reliability={"x": 0.8}, indicators={"y": ["a", "b"]}),
        )
    ]
    assert first == [f"{names} measured without error" for names in ("'x', 'y' are", "'y' is", "'z' is")]
    for spec in (STARTS(["x", "y"]), RICLPM(["x", "y"], reliability={"x": 0.8, "y": 0.9})):
        assert not any("without error" in sentence for sentence in spec.assumptions)


def test_hidden_causes_are_of_as_many_measures_as_there_are():
    two, three = ("".join(CLPM(["x", "y", "z"][:size]).assumptions) for size in (2, 3))
    assert "drives both measures" in two
    assert "drives two of the measures" in three


# ---- refusals ----


@pytest.mark.parametrize(
    ("measures", "problem"),
    [
        ("xy", "measures must be a list of names; got 'xy'."),
        (None, "measures must be a list of names; got None."),
        (5, "measures must be a list of names; got 5."),
        (["x", 3], "measures must be a list of names; got ['x', 3]."),
        (["x", ""], "measures must be a list of names; got ['x', '']."),
        ([], "A cross-lagged model needs two or more measures; got 0: -."),
        (["x"], "A cross-lagged model needs two or more measures; got 1: 'x'."),
        (["x", "y", "x"], "Measures named twice: 'x'."),
        (["x", "a->b"], "The measure name 'a->b' contains '->' or ',', which separate names here; rename it."),
        (["x", "a, b"], "The measure name 'a, b' contains '->' or ',', which separate names here; rename it."),
        (["x", "days "], "The measure name 'days ' begins or ends with a space; rename it."),
    ],
)
@pytest.mark.parametrize("model", [RICLPM, CLPM])
def test_measures_that_cannot_be_meant(model, measures, problem):
    assert refusal(lambda: model(measures)) == f"This {model.title} is not valid. 1 problem:\n  1. {problem}"


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (
            {"lags": "fre"},
            "lags must be one of 'equal', 'free', 'unpooled', 'grid', 'continuous', 'equal_standardized'; got 'fre'.",
        ),
        (
            {"lags": ["equal"]},
            "lags must be one of 'equal', 'free', 'unpooled', 'grid', 'continuous', 'equal_standardized'; got "
            "['equal'].",
        ),
        ({"residuals": None}, "residuals must be one of 'equal', 'free'; got None."),
        ({"means": "grid"}, "means must be one of 'equal', 'free'; got 'grid'."),
        ({"nonexistent": "drop"}, "nonexistent must be one of 'as_missing'; got 'drop'."),
        ({"priors": {"icc": 1}}, "priors must be ab.Priors(...); got {'icc': 1}."),
        ({"remove": "x -> y"}, "remove must be a list of paths, such as ['x -> y']; got 'x -> y'."),
        ({"remove": None}, "remove must be a list of paths, such as ['x -> y']; got None."),
        ({"remove": ["x"]}, "remove: 'x' is not a lagged path; write 'predictor -> outcome'."),
        ({"remove": ["x -> y -> x"]}, "remove: 'x -> y -> x' is not a lagged path; write 'predictor -> outcome'."),
        ({"remove": [3]}, "remove: 3 is not a lagged path; write 'predictor -> outcome'."),
        ({"remove": ["x -> y", "x->y"]}, "remove: 'x -> y' is removed twice."),
        ({"remove": ["x -> z"]}, "remove: 'x -> z' names 'z', which is not a measure. Measures: 'x', 'y'."),
    ],
)
def test_options_that_cannot_be_meant(options, problem):
    assert refusal(lambda: RICLPM(["x", "y"], **options)) == f"This {RI} is not valid. 1 problem:\n  1. {problem}"


def test_every_problem_at_once():
    assert refusal(
        lambda: CLPM(["alliance", "days", "days"], lags="grids", means=1, remove=["aliance -> days", "day -> day"])
    ) == (
        f"This {PLAIN} is not valid. 5 problems:\n"
        "  1. Measures named twice: 'days'.\n"
        "  2. lags must be one of 'equal', 'free', 'unpooled', 'grid', 'continuous', 'equal_standardized'; got "
        "'grids'.\n"
        "  3. means must be one of 'equal', 'free'; got 1.\n"
        "  4. remove: 'aliance -> days' names 'aliance', which is not a measure; did you mean 'alliance'? Measures: "
        "'alliance', 'days', 'days'.\n"
        "  5. remove: 'day -> day' names 'day', which is not a measure; did you mean 'days'? Measures: 'alliance', "
        "'days', 'days'."
    )


def test_without_a_path_that_is_not_there():
    assert refusal(lambda: RICLPM(["x", "y"]).without("y -> q")) == (
        f"This {RI} is not valid. 1 problem:\n"
        "  1. remove: 'y -> q' names 'q', which is not a measure. Measures: 'x', 'y'."
    )
    assert "'x -> y' is removed twice." in refusal(lambda: RICLPM(["x", "y"], remove=["x -> y"]).without("x -> y"))
