"""Designs that cannot tell their coefficients apart are refused before anything is drawn, at any scale and offset."""

import numpy as np
import nutpie
import pandas as pd
import pytest

import alliance_bayes as ab
from alliance_bayes.regressions import building
from alliance_bayes.regressions.designs import indistinct_columns
from alliance_bayes.regressions.families import fit_by_bambi

PERSONS, TIMES = 60, 4
ASKED = ab.RandomInterceptRegression(["y"], ["x"], "time + x")


def study(seed=1):
    """Rows of sixty persons at four times: x differs between and within persons, and y follows it."""
    rng = np.random.default_rng(seed)
    person = np.repeat(np.arange(PERSONS), TIMES)
    x = rng.normal(size=PERSONS)[person] + rng.normal(size=len(person))
    y = 0.4 * x + rng.normal(size=PERSONS)[person] + rng.normal(size=len(person))
    return pd.DataFrame({"person": person, "time": np.tile(np.arange(4.0), PERSONS), "x": x, "y": y})


def centred(frame):
    return frame["x"] - frame.groupby("person")["x"].transform("mean")


@pytest.fixture
def nothing_is_drawn(monkeypatch):
    monkeypatch.setattr(building, "draw_posterior", lambda *_, **__: pytest.fail("something was drawn"))
    monkeypatch.setattr(nutpie, "sample", lambda *_, **__: pytest.fail("something was sampled"))


def problems_of(frame, regression=ASKED):
    with pytest.raises(ab.SpecError) as caught:
        ab.association(regression, frame, seed=1)
    return caught.value.problems


@pytest.mark.usefixtures("nothing_is_drawn")
@pytest.mark.parametrize("scale", [1e-8, 1.0, 1e8])
@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_an_exposure_that_was_centred_within_persons_is_refused(scale, offset):
    frame = study()
    (problem,) = problems_of(frame.assign(x=scale * (centred(frame) + offset)))
    assert problem.startswith(
        "The exposure 'x' does not differ between persons over the rows of 'y': their means have an SD of "
    )
    assert "Give the column as it was measured, since it is split here." in problem


@pytest.mark.usefixtures("nothing_is_drawn")
@pytest.mark.parametrize(
    "rounded", [lambda x: x.round(4), lambda x: x.astype("float32"), lambda x: 1e6 + x.round(3)], ids=range(3)
)
def test_rounding_in_the_file_does_not_hide_it(rounded):
    frame = study()
    (problem,) = problems_of(frame.assign(x=rounded(centred(frame))))
    assert "'x' does not differ between persons" in problem


def test_one_person_who_deviates_is_a_difference_between_persons():
    frame = study()
    answer = ab.association(
        ASKED, frame.assign(x=centred(frame) + 2.0 * (frame["person"] == 7)), draws=100, chains=2, seed=1
    )
    row = answer.table.loc[[("y", "within and between persons", "x_between")]].iloc[0]
    assert np.abs(row[["mean", "lower", "upper"]].astype(float)).max() < 30


@pytest.mark.usefixtures("nothing_is_drawn")
@pytest.mark.parametrize("scale", [1e-8, 1.0, 1e8])
@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_an_exposure_that_does_not_change_within_persons_is_refused(scale, offset):
    frame = study()
    (problem,) = problems_of(frame.assign(x=scale * (frame.groupby("person")["x"].transform("mean") + offset)))
    assert problem == (
        "The exposure 'x' does not change within persons over the rows of 'y', so that it has no deviation from the "
        "person's mean. Leave it out of exposures; it may stay in the formula."
    )


def test_one_person_who_changes_is_change_within_persons():
    frame = study()
    stable = frame.groupby("person")["x"].transform("mean")
    moved = np.where(frame["person"] == 7, frame["time"], 0.0)
    answer = ab.association(ASKED, frame.assign(x=stable + moved), draws=100, chains=2, seed=1)
    row = answer.table.loc[[("y", "within and between persons", "x_within")]].iloc[0]
    assert np.abs(row[["mean", "lower", "upper"]].astype(float)).max() < 30


@pytest.mark.usefixtures("nothing_is_drawn")
def test_an_outcome_that_does_not_change_within_persons_is_refused():
    frame = study()
    (problem,) = problems_of(frame.assign(y=frame.groupby("person")["y"].transform("mean") + 1e6))
    assert problem.startswith("The outcome 'y' does not change within any person, so that nothing is left to the ")


@pytest.mark.usefixtures("nothing_is_drawn")
def test_all_problems_of_all_outcomes_come_at_once():
    frame = study()
    frame = frame.assign(centred=centred(frame), z=frame["y"] + 1, months=3 * frame["time"] + 1)
    asked = ab.RandomInterceptRegression(["y", "z"], ["x", "centred"], "time + x + centred + months")
    months = "Over the rows of '{}', 'months' is nearly a linear combination of 'time': "
    split = "The exposure 'centred' does not differ between persons over the rows of '{}': "
    found = problems_of(frame, asked)
    wanted = [sentence.format(outcome) for outcome in "yz" for sentence in (months, split)]
    assert [problem[: len(start)] for problem, start in zip(found, wanted, strict=True)] == wanted


@pytest.mark.usefixtures("nothing_is_drawn")
@pytest.mark.parametrize("scale", [1e-8, 1.0, 1e8])
def test_a_linear_combination_is_named(scale):
    frame = study()
    rng = np.random.default_rng(2)
    frame["a"], frame["b"] = rng.normal(size=(2, len(frame)))
    frame["total"] = scale * (1e6 + 2 * frame["a"] - frame["b"])
    asked = ab.RandomInterceptRegression(["y"], ["x"], "time + x + a + b + total")
    (problem,) = problems_of(frame, asked)
    assert problem.startswith(
        "Over the rows of 'y', 'total' is nearly a linear combination of 'a' and 'b': without it "
    )


@pytest.mark.parametrize(("noise", "refused"), [(0.0, True), (1e-9, True), (1e-4, True), (0.01, False), (0.1, False)])
def test_nearly_a_linear_combination(noise, refused):
    rng = np.random.default_rng(3)
    a, b, e = rng.normal(size=(3, 500))
    found = indistinct_columns(["a", "b", "c"], np.column_stack([a, b, a + b + noise * e]), intercept=True)
    assert bool(found) is refused
    assert all(each.startswith("'c' is ") and "'a' and 'b'" in each for each in found)


def test_a_constant_is_a_column_of_its_own_without_an_intercept():
    design = np.column_stack([np.full(50, 3.0), np.arange(50.0)])
    assert indistinct_columns(["one", "x"], design, intercept=False) == []
    assert indistinct_columns(["one", "x"], design, intercept=True) == ["'one' is the same in all rows. Leave it out."]
    assert indistinct_columns(["none"], 0 * design[:, :1], intercept=False) == [
        "'none' is 0 in all rows. Leave it out."
    ]


@pytest.mark.usefixtures("nothing_is_drawn")
def test_powers_of_years_are_refused_and_centred_ones_taken():
    frame = study().assign(time=lambda each: each["time"] + 2001)
    asked = {"outcomes": ["y"], "exposures": ["x"], "formula": "time + x + I(time ** 2)"}
    (problem,) = problems_of(frame, ab.RandomInterceptRegression(**asked))
    assert "'I(time ** 2)' is nearly a linear combination of 'time'" in problem
    assert "centre the variables first (time by time_zero)" in problem
    ab.bambi_model(ab.RandomInterceptRegression(**asked, time_zero=2002), frame, "y")


@pytest.mark.parametrize(("scale", "offset"), [(1e-8, 0.0), (1e8, 0.0), (1.0, 1e6), (1e-8, 1e-2), (1e8, 1e14)])
def test_the_answer_does_not_hang_on_unit_and_origin(scale, offset):
    """Of exposure and outcome alike: x in another unit, y in another one and far from 0."""
    frame = study()
    plain, other = (
        ab.association(ASKED, each, draws=200, chains=2, seed=3).draws["y", "within and between persons"]
        for each in (frame, frame.assign(x=scale * frame["x"] + offset, y=scale * frame["y"] + offset))
    )
    for term, unit in (("x_within", 1.0), ("x_between", 1.0), ("time", scale), ("sigma", scale)):
        one, same = (each.sel(term=term) for each in (plain, other))
        assert float(same.mean()) / unit == pytest.approx(float(one.mean()), abs=0.2 * float(one.std()))
        assert float(same.std()) / unit == pytest.approx(float(one.std()), rel=0.1)


@pytest.mark.usefixtures("nothing_is_drawn")
def test_bambis_own_models_are_checked_as_well():
    frame = study()
    with pytest.raises(ab.SpecError, match="'x' does not differ between persons"):
        ab.bambi_model(ASKED, frame.assign(x=centred(frame)), "y", split=True)
    rows = frame.assign(z=lambda each: 3 * each["x"] + 1, yes=(frame["y"] > 0).astype(int))
    with pytest.raises(ab.SpecError) as caught:
        fit_by_bambi("yes ~ time + x + z", "bernoulli", rows, draws=10, tune=10, chains=1, seed=1)
    assert str(caught.value).startswith("The regression yes ~ time + x + z (bernoulli) cannot be fitted to these data.")
    assert "'z' is nearly a linear combination of 'x'" in str(caught.value)
