"""A panel becomes a data set and comes back with everything it held, bit for bit, through a file too."""

from dataclasses import fields

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from alliance_bayes.panel import Panel
from alliance_bayes.panel.dataset import panel_from_dataset, panel_to_dataset
from helpers import random_panel


def with_states(persons):
    """Values of which some do not exist, some contradict their state, and some rows are left out."""
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"id": np.repeat(persons, 4), "month": np.tile([0, 3, 6, 12], len(persons))})
    frame["alliance"], frame["days"] = rng.normal(4, 1 / 3, len(frame)), rng.integers(0, 31, len(frame)).astype(float)
    frame["sponsor"] = rng.choice([0.0, 1.0, np.nan], len(frame), p=[0.2, 0.7, 0.1])
    frame.loc[rng.random(len(frame)) < 0.1, "days"] = np.nan
    frame = frame[rng.random(len(frame)) < 0.95]
    return Panel.from_long(
        frame,
        person="id",
        time="month",
        times=[3, 6, 12],
        measures=["alliance", "days"],
        requires={"alliance": "sponsor"},
        contradictions="drop_value",
        time_unit="months",
    )


def one_absent(values):
    values[1, 1] = np.nan
    return values


PANELS = {
    "ids in words": lambda: with_states([f"P{person:03d}" for person in range(40)]),
    "ids in words of Unicode": lambda: with_states([f"Ä{person:03d}" for person in range(40)]),
    "numbered ids": lambda: with_states(list(range(1000, 1040))),
    "fractional ids": lambda: with_states([person + 0.5 for person in range(40)]),
    "ids in numbers and words": lambda: with_states([7, 1000, 1.5, 2**70, '"P"', "30", "Ä b", *range(2000, 2030)]),
    "ids in numbers of numpy and words": lambda: with_states(
        np.array([np.int64(7), np.float64(7.5), np.str_("P7"), *np.arange(2000, 2030)], dtype=object)
    ),
    "plain": lambda: random_panel(3, (0, 0.5, 2.5), np.random.default_rng(2), persons=12, missing=0.3),
    "covariates": lambda: Panel.from_arrays(
        one_absent(np.random.default_rng(3).normal(size=(5, 2, 2))),
        measures=["x", "y"],
        times=[0, 6],
        covariates={"commitment": [1 / 3, 2, 3, np.nan, 5]},
        groups=["B", "A", "A", "B", "B"],
        own_times=[[0, 6], [0.1, np.nan], [0.2, 5.5], [0, 7], [0, 6]],
    ),
    "published": lambda: Panel.from_moments(
        measures=["x", "y"], times=[0, 1 / 3], n=50, means=[1 / 3, 2, 3, 4], covariance=np.eye(4) + 1 / 7
    ),
}


def _kind(one):
    return next(kind for kind in (str, int, float) if isinstance(one.item() if hasattr(one, "item") else one, kind))


def assert_same(left, right):
    for attribute in fields(Panel):
        ours, theirs = getattr(left, attribute.name), getattr(right, attribute.name)
        match attribute.name:
            case "contradictions":
                pd.testing.assert_frame_equal(ours, theirs, check_exact=True)
            case "states":
                assert list(ours) == list(theirs)
                for name in ours:
                    np.testing.assert_array_equal(ours[name], theirs[name])
            case "background":
                assert list(ours.covariates) == list(theirs.covariates)
                for name in ours.covariates:
                    np.testing.assert_array_equal(ours.covariates[name], theirs.covariates[name])
                for part in ("groups", "own_times"):
                    np.testing.assert_array_equal(getattr(ours, part), getattr(theirs, part))
            case "persons":
                np.testing.assert_array_equal(ours, theirs)
                assert ours is None or ours.dtype == theirs.dtype
                assert ours is None or list(map(_kind, ours)) == list(map(_kind, theirs))
            case "values" | "absence":
                np.testing.assert_array_equal(ours, theirs)
                assert ours is None or ours.dtype == theirs.dtype
            case "moments":
                assert (ours is None) == (theirs is None)
                for part in fields(ours) if ours is not None else ():
                    np.testing.assert_array_equal(getattr(ours, part.name), getattr(theirs, part.name))
            case _:
                assert ours == theirs, attribute.name
    assert str(left) == str(right)


@pytest.mark.parametrize("name", PANELS)
@pytest.mark.parametrize("through_a_file", [False, True])
def test_there_and_back(name, through_a_file, tmp_path):
    panel = PANELS[name]()
    dataset = panel_to_dataset(panel)
    if through_a_file:
        dataset.to_netcdf(tmp_path / "panel.nc", engine="h5netcdf")
        with xr.open_dataset(tmp_path / "panel.nc", engine="h5netcdf") as opened:
            dataset = opened.load()
    assert_same(panel_from_dataset(dataset), panel)


def test_what_was_decided_is_kept():
    panel = PANELS["ids in words"]()
    assert len(panel.contradictions) > 3
    assert panel.left_out
    back = panel_from_dataset(panel_to_dataset(panel))
    assert (back.decision, back.time_unit, dict(back.requires)) == ("drop_value", "months", {"alliance": "sponsor"})
    assert not back.values.flags.writeable
