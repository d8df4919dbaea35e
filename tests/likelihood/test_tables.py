"""The tables users of lavaan look for, beside lavaan's own: standardised solutions, fit and R-squared."""

import json
import sys

import numpy as np
import pytest

import alliance_bayes as ab
from alliance_bayes.export.names import long_names
from alliance_bayes.likelihood.standardized import Solution, standardized_entries
from helpers import REFERENCES, improper_panel

sys.path.insert(0, str(REFERENCES))
from family_models import family_panel, family_spec

FITS = json.loads((REFERENCES / "lavaan_tables.json").read_text())["fits"]
OPERATORS = {"effect": "~", "loading": "=~", "variance": "~~", "covariance": "~~", "mean": "~1"}


def fitted(key, **options):
    return ab.maximum_likelihood(family_spec(key), family_panel(key.split("/")[0]), **options)


def having(what):
    return [key for key, tables in FITS.items() if what in tables]


def names_in_lavaan(linear):
    return long_names(linear.variables, {linear.variables[row] for row in linear.observed})


@pytest.mark.parametrize("key", having("standardized"))
def test_lavaans_standardised_solution(key):
    found, want = fitted(key), FITS[key]["standardized"]
    entries, _ = standardized_entries(found.model)
    several = len(found.model.system.systems) > 1
    for entry, (name, row) in zip(entries, found.standardized.iterrows(), strict=True):
        names = names_in_lavaan(found.model.system.systems[entry.cell])
        sides = [names[entry.first], *([names[entry.second]] if entry.second else [])]
        if entry.kind == "loading":
            sides.reverse()
        group = f", group {entry.cell + 1}" if several else ""
        ways = [f"{' '.join([a, OPERATORS[entry.kind], *b])}{group}" for a, *b in (sides, sides[::-1])]
        theirs = next(want[way] for way in ways if way in want)
        np.testing.assert_allclose(row[["estimate", "se"]].astype(float), theirs, atol=2e-5, err_msg=name)


@pytest.mark.parametrize("key", having("R-squared"))
def test_lavaans_r_squared(key):
    found = fitted(key)
    for cell, linear in enumerate(found.model.system.systems):
        scope = found.model.design.scope(found.model.design.cells[cell].group)
        names, theirs = names_in_lavaan(linear), FITS[key]["R-squared"][f"group {cell + 1}"]
        ours = {
            names[variable]: found.r_squared.loc[f"{scope}{variable}", "estimate"]
            for variable in linear.variables
            if f"{scope}{variable}" in found.r_squared.index
        }
        assert ours
        np.testing.assert_allclose(list(ours.values()), [theirs[name] for name in ours], atol=2e-5)


def indices_of(found):
    return {
        "cfi": found.cfi,
        "tli": found.tli,
        "rmsea": found.rmsea,
        "rmsea.ci.lower": found.rmsea_interval[0],
        "rmsea.ci.upper": found.rmsea_interval[1],
        "rmsea.pvalue": found.close_fit,
    }


@pytest.mark.parametrize("key", having("measures ML"))
def test_lavaans_measures_of_fit(key):
    found, want = fitted(key), FITS[key]["measures ML"]
    ours = {
        "chisq": found.chi_square,
        "srmr": found.srmr,
        **indices_of(found),
    }
    for name, value in ours.items():
        assert value == pytest.approx(want[name], abs=1e-4), name
    robust = fitted(key, standard_errors="robust")
    assert robust.scaling == pytest.approx(FITS[key]["measures MLR"]["chisq.scaling.factor"], abs=1e-5)
    assert robust.chi_square == pytest.approx(FITS[key]["measures MLR"]["chisq.scaled"], abs=1e-3)
    for name, value in indices_of(robust).items():
        assert value == pytest.approx(FITS[key]["measures MLR"][f"{name}.robust"], abs=2e-6), name
    assert "; CFI, TLI and RMSEA as in Zhang & Savalei (2023)" in str(robust)


def test_names_say_which_way_and_over_which_interval():
    names = set(fitted("help/riclpm/equal").standardized.index)
    assert {
        "alliance -> days, 6 to 12",
        "intercept days -> days, 24",
        "correlation of intercept alliance and intercept days",
        "residual correlation of within alliance, 12 and within days, 12",
        "residual variance of within days, 12",
        "mean of days, 6",
    } <= names


def test_covariates_count_with_their_own_covariance():
    """The implied variance of the values is theirs in the sample, whose regression on the covariate is free."""
    found = fitted("covariates2/clpm/equal/c1 on each wave")
    linear = found.model.system.systems[0]
    solution = Solution(found.model, found.theta, 0)
    rows = [linear.variables.index(variable) for variable in linear.variables if variable.role == "covariate"]
    known = found.model.design.covariate_values
    np.testing.assert_allclose(solution.variances[rows], known.var(axis=0))
    values = found.model.values()[:, :2]
    first = list(linear.observed[:2])
    np.testing.assert_allclose(solution.variances[first], values.var(axis=0), rtol=1e-4)
    assert found.standardized["estimate"].filter(like="c1 ->").abs().max() < 1


def test_units_leave_the_standardised_solution_alone():
    from export_data import wages

    frame = wages()
    frame = frame[frame["time"] < 1984]
    moved = frame.assign(hours=3 + 1000 * frame["hours"])
    spec = ab.RICLPM(["hours", "lwage"])
    one, other = (
        ab.maximum_likelihood(spec, ab.Panel.from_long(each, person="person", time="time", measures=["hours", "lwage"]))
        for each in (frame, moved)
    )
    same = ~one.standardized.index.str.startswith("mean of hours")
    columns = ["estimate", "se"]
    np.testing.assert_allclose(one.standardized.loc[same, columns], other.standardized.loc[same, columns], atol=1e-5)
    ratio = one.standardized["estimate"].filter(like="mean of hours") / other.standardized["estimate"].filter(
        like="mean of hours"
    )
    assert (ratio < 1).all()


def test_no_variance_below_0_has_a_standardised_effect():
    """Beside a negative variance there are neither SDs nor their errors, and nothing is taken as certain."""
    panel = improper_panel()
    found = ab.maximum_likelihood(ab.RICLPM(["x", "y"]), panel)
    row = found.standardized.loc["intercept x -> x, 0"]
    assert np.isnan(row["estimate"])
    assert np.isnan(row["se"])
    assert "nan" in str(found)
    known = found.standardized.loc["intercept y -> y, 0"]
    assert known["se"] > 0


def test_people_with_times_of_their_own_have_no_standardised_solution():
    rng = np.random.default_rng(1)
    values = rng.normal(size=(60, 1, 2)) + 0.5 * rng.normal(size=(60, 3, 2)).cumsum(axis=1)
    times = np.arange(3) + rng.integers(0, 3, (60, 3)) / 10
    panel = ab.Panel.from_arrays(values, measures=["x", "y"], times=[0, 1, 2], own_times=times)
    found = ab.maximum_likelihood(ab.CLPM(["x", "y"], lags="continuous"), panel)
    assert found.standardized.empty
    assert found.r_squared.empty
    assert str(found).startswith("Maximum likelihood of a cross-lagged panel model")
