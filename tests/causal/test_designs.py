"""Designs that cannot tell their coefficients apart are refused before anything is drawn, at any scale and offset."""

import numpy as np
import nutpie
import pandas as pd
import pytest
from scipy import stats

import alliance_bayes as ab
from alliance_bayes.causal import random_intercepts
from alliance_bayes.causal.bambi_fit import fit_by_bambi
from alliance_bayes.causal.designs import _PersonMeans, indistinct_columns

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
    monkeypatch.setattr(random_intercepts, "draw_posterior", lambda *_, **__: pytest.fail("something was drawn"))
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
    "rounded",
    [
        *(lambda x, decimals=decimals: x.round(decimals) for decimals in (1, 2, 3, 4)),
        lambda x: x.astype("float32"),
        lambda x: 1e6 + x.round(3),
    ],
    ids=range(6),
)
def test_rounding_in_the_file_does_not_hide_it(rounded):
    frame = study()
    (problem,) = problems_of(frame.assign(x=rounded(centred(frame))))
    assert "'x' does not differ between persons" in problem


@pytest.mark.usefixtures("nothing_is_drawn")
@pytest.mark.parametrize("share", [0.0, 0.1, 0.5])
def test_rows_left_out_after_centring_do_not_hide_it(share):
    """One y is missing, or many: then means over the rows used differ, and those over all rows do not."""
    frame = study()
    missing = np.random.default_rng(4).random(len(frame)) < share
    frame = frame.assign(x=centred(frame).round(2), y=frame["y"].mask(missing | (frame.index == 5)))
    (problem,) = problems_of(frame)
    place = "all rows of the data that hold it" if share else "the rows of 'y'"
    assert problem.startswith(f"The exposure 'x' does not differ between persons over {place}: their means have an SD ")


@pytest.mark.usefixtures("nothing_is_drawn")
def test_values_that_are_not_used_do_not_hide_it():
    frame = study()
    frame = frame.assign(x=centred(frame))
    unused = pd.DataFrame({"person": [5, 900, 901], "time": 9.0, "x": [np.inf, np.nan, -np.inf], "y": np.nan})
    (problem,) = problems_of(pd.concat([frame, unused], ignore_index=True))
    assert "'x' does not differ between persons over the rows of 'y'" in problem


def means_of(x, person):
    return _PersonMeans.of(pd.DataFrame({"person": person, "x": x}), "x", "person")


def test_the_sd_of_person_means_is_compared_with_chance():
    """Two rows of each of four persons: means 1, -1, 1, -1, variances 2, 2, 8 and 8 within."""
    person = np.repeat(np.arange(4), 2)
    means = means_of(np.array([2, 0, 0, -2, 3, -1, 1, -3.0]) + 1e3, person)
    assert means.sd == pytest.approx(1)
    assert means.sd_by_chance == pytest.approx(np.sqrt((2 + 2 + 8 + 8) / 2 / 4))
    freedom = 20**2 / (2 * 2**2 + 2 * 8**2)
    assert means.probability == pytest.approx(stats.f(freedom, freedom).cdf(4 / 10))
    alone = means_of(np.array([2, 0, 0, -2, 3, -1, 1, -3, 5.0]), [*person, 9])
    assert alone.sd > means.sd
    assert alone.sd_by_chance == pytest.approx(np.sqrt((2 + 2 + 8 + 8) / 2 / 5))


@pytest.mark.parametrize("persons", [10, 15, 40])
@pytest.mark.parametrize("sizes", ["2", "4", "unequal"])
@pytest.mark.parametrize("kind", ["normal", "heavy tails", "rare", "few change", "own variances", "swings"])
def test_persons_who_differ_by_chance_alone_are_taken(persons, sizes, kind):
    """No true variance between persons, 40 times: none is taken for a centred column."""
    rng = np.random.default_rng([persons, len(sizes), len(kind)])
    for _ in range(40):
        n = rng.integers(1, 5, persons) if sizes == "unequal" else np.full(persons, int(sizes))
        n[0] = 60 if sizes == "unequal" else n[0]
        person = np.repeat(np.arange(persons), n)
        noise = rng.normal(size=len(person))
        swings = noise.copy()
        for row in np.flatnonzero(np.diff(person) == 0) + 1:
            swings[row] = -0.5 * swings[row - 1] + np.sqrt(0.75) * noise[row]
        x = {
            "normal": noise,
            "heavy tails": rng.standard_cauchy(len(person)),
            "rare": (noise > 2).astype(float),
            "few change": noise * (person < 3),
            "own variances": noise * np.exp(1.5 * rng.normal(size=persons))[person],
            "swings": swings,
        }[kind]
        assert not means_of(x, person).equal


@pytest.mark.parametrize("persons", [10, 40])
@pytest.mark.parametrize("sizes", [2, 4, 12])
def test_a_rounded_centred_column_is_found_in_few_persons(persons, sizes):
    person = np.repeat(np.arange(persons), sizes)
    frame = pd.DataFrame({"person": person, "x": np.random.default_rng(persons + sizes).normal(size=len(person))})
    assert not means_of(frame["x"], person).equal
    assert means_of(centred(frame).round(2), person).equal


@pytest.mark.parametrize(("share", "equal"), [(0.0, True), (0.2, True), (0.3, False), (1.0, False)])
def test_a_quarter_of_chance_is_the_limit(share, equal):
    """Means that are shrunk towards each other, to a share of the SD that chance leaves."""
    frame = study()
    deviation = centred(frame)
    means = np.where(frame["person"] % 2, 1.0, -1.0) * means_of(deviation, frame["person"]).sd_by_chance
    shrunk = means_of(deviation + share * means, frame["person"])
    assert shrunk.sd == pytest.approx(share * shrunk.sd_by_chance, abs=1e-12)
    assert shrunk.equal is equal


@pytest.mark.usefixtures("nothing_is_drawn")
def test_an_exposure_that_is_time_is_refused():
    frame = study().assign(dose=lambda each: 2 * each["time"] + (each["time"] > 2))
    (problem,) = problems_of(frame, ab.RandomInterceptRegression(["y"], ["dose"], "time + dose"))
    assert "'dose' does not differ between persons over the rows of 'y'" in problem
    assert "One whose person means are equal by design may be in the formula, but not among the exposures." in problem


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
    assert problem.startswith("The outcome 'y' does not change within any person, so that the residual SD ")


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


@pytest.mark.usefixtures("nothing_is_drawn")
@pytest.mark.parametrize("formula", ["time + x + x:time", "x + x:time"])
def test_products_with_years_are_refused_with_the_cure_and_counted_ones_taken(formula):
    frame = study().assign(time=lambda each: 2015 + 0.5 * each["time"])
    asked = {"outcomes": ["y"], "exposures": ["x"], "formula": formula, "time_step": 0.5}
    published, within, between = problems_of(frame, ab.RandomInterceptRegression(**asked))
    for problem, end in ((published, ""), (within, "_within"), (between, "_between")):
        start, _, rest = problem.partition(" varies little beside that: ")
        assert start == (
            f"Over the rows of 'y', 'x{end}:time' is nearly a multiple of 'x{end}', because 'time' lies far from 0 and"
        )
        assert rest.endswith(
            " of its SD is left, so their coefficients cannot be distinguished. Count 'time' from a time in the "
            "data, such as time_zero=2015."
        )
    ab.bambi_model(ab.RandomInterceptRegression(**asked, time_zero=2015), frame, "y", split=True)


def test_a_product_is_like_its_factors_only_where_one_lies_far_from_0():
    rng = np.random.default_rng(5)
    x, age = rng.normal(size=200), 1e5 + 10 * rng.normal(size=200)
    names = ["x", "age", "x:age"]
    (far,) = indistinct_columns(names, np.column_stack([x, age, x * age]), intercept=True)
    assert far.startswith(
        "'x:age' is nearly a multiple of 'x', because 'age' lies far from 0 and varies little beside "
    )
    assert far.endswith("cannot be distinguished. Centre 'age' first.")
    (both,) = indistinct_columns(names, np.column_stack([1e5 + x, age, (1e5 + x) * age]), intercept=True)
    assert both.startswith("'x:age' is nearly a linear combination of 'x' and 'age', because 'x' lies far from 0 and ")
    rare = np.where(np.arange(200) < 20, 1.0, 0.0)
    steps = np.where(rare > 0, 3.0, rng.integers(0, 4, 200))
    (once,) = indistinct_columns(["x", "time", "x:time"], np.column_stack([rare, steps, rare * steps]), intercept=True)
    assert once.startswith("'x:time' is nearly a linear combination of 'x': without it ")
    assert once.endswith(
        "Leave one of them out, or, of powers and products, centre the variables first (time by time_zero)."
    )


@pytest.mark.parametrize(
    ("scale", "offset"), [(1e-8, 0.0), (1e-29, 0.0), (1e29, 0.0), (1e8, 0.0), (1.0, 1e6), (1e-8, 1e-2), (1e8, 1e14)]
)
def test_the_answer_does_not_hang_on_unit_and_origin(scale, offset):
    """Of exposure and outcome alike: x in another unit, y in another one and far from 0."""
    frame = study()
    plain, other = (
        ab.association(ASKED, each, draws=200, chains=2, seed=3).draws["within and between persons"].sel(outcome="y")
        for each in (frame, frame.assign(x=scale * frame["x"] + offset, y=scale * frame["y"] + offset))
    )
    for term, unit in (("x_within", 1.0), ("x_between", 1.0), ("time", scale), ("sigma", scale)):
        one, same = (each.sel(split_term=term) for each in (plain, other))
        assert float(same.mean()) / unit == pytest.approx(float(one.mean()), abs=0.2 * float(one.std()))
        assert float(same.std()) / unit == pytest.approx(float(one.std()), rel=0.1)


@pytest.mark.parametrize(("x", "y"), [(1e29, 1e-29), (1e-29, 1e29)])
def test_units_of_exposure_and_outcome_may_be_far_apart(x, y):
    """Every coefficient and SD, of a product and a power as well, is that of plain units in the new ones."""
    frame = study().assign(age=lambda each: 40 + each["person"] % 7)
    asked = ab.RandomInterceptRegression(["y"], ["x"], "time + x + I(x ** 3) + x:age + age")
    plain, other = (
        ab.association(asked, each, draws=50, chains=2, seed=3)
        for each in (frame, frame.assign(x=x * frame["x"], y=y * frame["y"]))
    )
    powers = {"x": 1, "I(x ** 3)": 3, "x:age": 1, "age": 0, "sigma": 0, "1|person_sigma": 0, "Intercept": 0}
    for term, power in powers.items():
        one, same = (each.draws["as published"].sel(outcome="y", term=term).to_numpy() for each in (plain, other))
        np.testing.assert_allclose(same * x**power / y, one, rtol=1e-6, err_msg=term)
    assert other.health.accepted == plain.health.accepted


@pytest.mark.usefixtures("nothing_is_drawn")
@pytest.mark.parametrize(("name", "scale"), [("x", 1e-160), ("y", 1e-160), ("x", 1e31), ("y", 1e200), ("z", 1e-40)])
def test_units_beyond_double_precision_are_refused(name, scale):
    frame = study().assign(z=lambda each: each["person"] * 0.1)
    spread = scale * frame[name].std(ddof=0)
    frame[name] *= scale
    (problem,) = problems_of(frame, ab.RandomInterceptRegression(["y"], ["x"], "time + x + z"))
    size = frame[name].abs()
    assert problem == (
        f"'{name}' has an SD of {spread:.2g} over the rows of 'y', and its largest value in size is {size.max():.2g}, "
        f"of person {frame['person'][size.idxmax()]}. SDs from 1e-30 to 1e+30 can be used: give it in another unit."
    )


@pytest.mark.usefixtures("nothing_is_drawn")
def test_infinite_values_and_steps_beyond_use_are_refused():
    frame = study()
    frame.loc[[13, 40], "x"] = np.inf
    asked = ab.RandomInterceptRegression(["y"], ["x"], "time + x", time_step=1e-40)
    infinite, steps = sorted(problems_of(frame, asked), reverse=True)
    assert infinite == (
        "'x' is infinite in 2 of the rows of 'y', first of person 3. Give the value, or leave it missing."
    )
    assert steps == (
        "'time' has an SD of 1.1e+40 time steps over the rows of 'y', and its largest value in size is 3, of person 0. "
        "SDs from 1e-30 to 1e+30 can be used: give it in another unit or time_step."
    )


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
