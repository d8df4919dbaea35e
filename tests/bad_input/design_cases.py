"""Regressions whose coefficients no data of these columns can tell apart."""

import numpy as np
import pandas as pd
from case import Case

import alliance_bayes as ab


def _asked(change, formula="time + x", exposures=("x",)):
    rng = np.random.default_rng(1)
    person, time = np.repeat(np.arange(40), 3), np.tile(np.arange(3.0), 40)
    frame = pd.DataFrame({"person": person, "time": time, "x": rng.normal(size=120), "y": rng.normal(size=120)})
    return lambda _: ab.association(
        ab.RandomInterceptRegression(["y"], exposures, formula), frame.assign(**change), seed=1
    )


def _mean(frame):
    return frame.groupby("person")["x"].transform("mean")


CASES = [
    Case(
        "exposure centred within persons",
        _asked({"x": lambda frame: frame["x"] - _mean(frame)}),
        ("'x' does not differ between persons", "'y'", "Give the column as it was measured"),
        ab.SpecError,
    ),
    Case(
        "exposure centred within persons, two decimals, one outcome missing",
        _asked(
            {
                "x": lambda frame: (frame["x"] - _mean(frame)).round(2),
                "y": lambda frame: frame["y"].mask(frame.index == 4),
            }
        ),
        ("'x' does not differ between persons", "chance alone would leave", "Give the column as it was measured"),
        ab.SpecError,
    ),
    Case(
        "exposure of a unit beyond double precision",
        _asked({"x": lambda frame: frame["x"] * 1e-160}),
        ("'x' has an SD of", "e-160", "SDs from 1e-30 to 1e+30 can be used", "give it in another unit"),
        ab.SpecError,
    ),
    Case(
        "outcome of a unit beyond double precision",
        _asked({"y": lambda frame: frame["y"] * 1e170}),
        ("'y' has an SD of", "e+170", "SDs from 1e-30 to 1e+30 can be used", "give it in another unit"),
        ab.SpecError,
    ),
    Case(
        "exposure with an infinite value",
        _asked({"x": lambda frame: frame["x"].mask(frame.index == 7, np.inf)}),
        ("'x' is infinite in 1 of the rows of 'y'", "person 2", "leave it missing"),
        ab.SpecError,
    ),
    Case(
        "product with calendar years",
        _asked({"time": lambda frame: 2015 + frame["time"]}, "time + x + x:time"),
        ("'x:time' is nearly a multiple of 'x'", "'time' lies far from 0", "time_zero=2015"),
        ab.SpecError,
    ),
    Case(
        "exposure constant within persons",
        _asked({"x": _mean}),
        ("'x' does not change within persons", "'y'", "Leave it out of exposures"),
        ab.SpecError,
    ),
    Case(
        "outcome constant within persons",
        _asked({"y": _mean}),
        ("'y' does not change within any person", "one row for each person"),
        ab.SpecError,
    ),
    Case(
        "exposures that add up",
        _asked({"z": lambda frame: 10 - 2 * frame["x"]}, "time + x + z", ("x", "z")),
        ("'z' is nearly a linear combination of 'x'", "'z_within'", "Leave one of them out"),
        ab.SpecError,
    ),
]
