"""Names and order of parameters of every model, in two sizes."""

from itertools import combinations_with_replacement

import pytest

import alliance_bayes as ab
from engine_calls import system_at

TWO, THREE = ["a", "b"], ["a", "b", "c"]
EACH = pytest.mark.parametrize("names", [TWO, THREE], ids=["two", "three"])
TIMES = (0, 1, 2.5, 4)
INTERVALS = ("0 to 1", "1 to 2.5", "2.5 to 4")


def paths(names, label="{}"):
    own = [f"{name} -> {name}" for name in names]
    across = [f"{predictor} -> {outcome}" for outcome in names for predictor in names if predictor != outcome]
    return [label.format(path) for path in own + across]


def triangle(names, word, suffix=""):
    return [
        f"{word} variance {first}{suffix}" if first == second else f"{word} covariance {first}, {second}{suffix}"
        for first, second in combinations_with_replacement(names, 2)
    ]


def square(names, word):
    return [f"{word} {row}, {column}" for row in names for column in names]


def innovations(names):
    return [name for interval in INTERVALS for name in triangle(names, "innovation", f", {interval}")]


def means(names):
    return [f"mean {name}, {time:g}" for time in TIMES for name in names]


def names_of(spec):
    return list(system_at(spec, TIMES).names)


@EACH
def test_continuous_time(names):
    assert names_of(ab.RICLPM(names, lags="continuous")) == [
        *paths(names, "drift {}"),
        *triangle(names, "between"),
        *triangle(names, "within", ", 0"),
        *triangle(names, "diffusion"),
        *means(names),
    ]


@EACH
def test_standardised_effects(names):
    assert names_of(ab.CLPM(names, lags="equal_standardized")) == [
        *paths(names, "standardized {}"),
        *triangle(names, "within", ", 0"),
        *innovations(names),
        *means(names),
    ]


@EACH
def test_starts(names):
    assert names_of(ab.STARTS(names, lags="equal")) == [
        *paths(names),
        *triangle(names, "between"),
        *triangle(names, "within", ", 0"),
        *(f"error variance {name}" for name in names),
        *means(names),
    ]


@EACH
def test_dpm(names):
    assert names_of(ab.DPM(names, lags="equal", lag_2=["b -> a"])) == [
        *paths(names),
        "b -> a, lag 2",
        *triangle(names, "accumulating"),
        *square(names, "accumulating with first"),
        *triangle(names, "first", ", 0"),
        *innovations(names),
        *means(names),
    ]


@EACH
def test_lcmsr(names):
    assert names_of(ab.LCMSR(names, lags="equal")) == [
        *paths(names),
        *triangle(names, "between"),
        *triangle(names, "slope"),
        *square(names, "between with slope"),
        *triangle(names, "within", ", 0"),
        *innovations(names),
        *(f"mean {part} {name}" for part in ("intercept", "slope") for name in names),
    ]


@EACH
def test_alt(names):
    assert names_of(ab.ALT(names, lags="equal", residuals="equal")) == [
        *paths(names),
        *triangle(names, "accumulating"),
        *square(names, "accumulating with first"),
        *triangle(names, "accumulating slope"),
        *square(names, "accumulating with accumulating slope"),
        *square(names, "accumulating slope with first"),
        *triangle(names, "first", ", 0"),
        *triangle(names, "innovation"),
        *(f"mean {name}, 0" for name in names),
        *(f"mean accumulating {name}" for name in names),
        *(f"mean accumulating slope {name}" for name in names),
    ]


@EACH
def test_trait_loadings_and_reliability(names):
    assert names_of(ab.RICLPM(names, lags="equal", trait_loadings="free", reliability={"a": 0.8})) == [
        *paths(names),
        *triangle(names, "between"),
        *triangle(names, "within", ", 0"),
        *innovations(names),
        *(f"loading {name}, {time:g}" for time in TIMES[1:] for name in names),
        *means(names),
    ]


def test_effects_of_one_interval_removed_and_made_equal():
    spec = ab.CLPM(
        TWO, lags="free", remove=["a -> b, 0 to 1"], equal=[["b -> a, 0 to 1", "b -> a, 2.5 to 4"]], residuals="equal"
    )
    assert names_of(spec)[:10] == [
        *(f"{name} -> {name}, {interval}" for interval in INTERVALS for name in TWO),
        "b -> a, 0 to 1",
        "b -> a, 1 to 2.5",
        "a -> b, 1 to 2.5",
        "a -> b, 2.5 to 4",
    ]


@pytest.mark.parametrize(
    ("ladder", "n_loadings", "n_intercepts", "n_uniques", "n_means"),
    [("configural", 8, 12, 12, 0), ("weak", 2, 12, 12, 0), ("strong", 2, 2, 12, 8), ("strict", 2, 2, 3, 8)],
)
def test_indicators(ladder, n_loadings, n_intercepts, n_uniques, n_means):
    """Three indicators at four waves; the first one's loading is 1, and its intercept 0 once others are equal."""
    names = names_of(ab.RICLPM(["f", "y"], lags="equal", indicators={"f": ["a", "b", "c"]}, invariance=ladder))
    counts = [
        sum(name.startswith(word) for name in names) for word in ("loading", "item intercept", "unique", "mean f")
    ]
    assert counts == [n_loadings, n_intercepts, n_uniques, n_means // 2]
    assert not any(name.startswith("loading a") for name in names)
