"""Residuals of means and covariances: beside lavaan's, and beside the moments of complete data."""

import sys

import numpy as np
import pandas as pd
import pytest

import alliance_bayes as ab
from helpers import REFERENCES, grouped_panel, random_panel

sys.path.insert(0, str(REFERENCES))
from family_models import family_panel

LAVAAN_Z = {  # lavResiduals of lavaan 0.6-14 for the CLPM with equal lags
    "wages5": {
        ("covariance", "hours, 1980 and hours, 1981"): -0.73764,
        ("variance", "hours, 1981"): -0.71964,
        ("covariance", "hours, 1980 and hours, 1982"): 1.00899,
        ("covariance", "hours, 1980 and hours, 1983"): 4.37862,
        ("covariance", "hours, 1980 and hours, 1984"): 3.46869,
        ("covariance", "lwage, 1980 and hours, 1981"): 0.91879,
        ("variance", "hours, 1983"): 3.24612,
        ("mean", "hours, 1983"): np.nan,
    },
    "wages5_missing": {
        ("covariance", "hours, 1980 and hours, 1981"): -0.70930,
        ("variance", "hours, 1981"): -0.71473,
        ("covariance", "hours, 1980 and hours, 1982"): 1.45343,
        ("covariance", "hours, 1980 and hours, 1983"): 4.05463,
        ("variance", "hours, 1983"): 3.19278,
        ("mean", "hours, 1981"): 1.758,
        ("mean", "hours, 1983"): 2.924,
        ("mean", "lwage, 1984"): -3.605,
    },
}


@pytest.mark.parametrize("data", LAVAAN_Z)
def test_residuals_as_lavaan_has_them(data):
    panel = family_panel(data)
    found = ab.maximum_likelihood(ab.CLPM(panel.measures), panel).residuals
    assert len(found) == 65
    want = pd.Series(LAVAAN_Z[data])
    np.testing.assert_allclose(found.loc[want.index, "z"], want, atol=6e-4)
    assert (np.diff(found["residual"].abs()) <= 0).all()


def test_residuals_of_complete_data_are_those_of_its_moments():
    panel = random_panel(2, (0, 1, 2), np.random.default_rng(10), persons=60)
    found = ab.maximum_likelihood(ab.CLPM(["alliance", "days"], means="equal"), panel)
    table = found.residuals
    stacked = panel.values.reshape(60, -1)
    names = [f"{measure}, {time}" for time in (0, 1, 2) for measure in ("alliance", "days")]
    covariance, sd = np.cov(stacked.T, ddof=0), stacked.std(axis=0)
    for place, name in enumerate(names):
        row = table.loc[("mean", name)]
        mean = found.table.loc[f"mean {name.split(',')[0]}", "estimate"]
        assert row["observed"] == pytest.approx(stacked[:, place].mean())
        assert row["implied"] == pytest.approx(mean)
        assert row["residual"] == pytest.approx((stacked[:, place].mean() - mean) / sd[place])
        for later in range(place + 1, 6):
            row = table.loc[("covariance", f"{name} and {names[later]}")]
            assert row["observed"] == pytest.approx(covariance[place, later])
            difference = row["observed"] - row["implied"]
            assert row["residual"] == pytest.approx(difference / (sd[place] * sd[later]))
    assert found.srmr == pytest.approx(np.sqrt(np.mean(table["residual"] ** 2)))
    first = table.iloc[0]
    kind, of = table.index[0]
    assert f"\n  {kind} of {of}: {first['residual']:+.3f} (z {first['z']:+.1f})\n" in str(found)
    assert str(found).count(" (z ") == 5


def test_residuals_of_groups_and_of_nothing():
    grouped = ab.maximum_likelihood(ab.RICLPM(["x", "y"], group_lags="equal"), grouped_panel(200))
    assert len(grouped.residuals) == 2 * 44
    assert {name.split(":")[0] for _, name in grouped.residuals.index} == {"a", "b"}
    assert np.abs(grouped.residuals["z"].dropna()).max() < 5
    covariate = ab.maximum_likelihood(
        ab.RICLPM(["x", "y"], covariates={"age": ["intercepts"]}, group_lags="pooled"), grouped_panel(200)
    )
    assert covariate.residuals["z"].isna().all()
    assert covariate.residuals["residual"].notna().all()
    rows = np.random.default_rng(4).normal(size=(60, 3, 2))
    rows[:30, 0] = np.nan
    rows[30:, 2] = np.nan
    apart = ab.maximum_likelihood(ab.CLPM(["x", "y"]), ab.Panel.from_arrays(rows, measures=["x", "y"], times=[0, 1, 2]))
    assert apart.residuals.empty
    assert "Largest residuals" not in str(apart)


def family_two(rng, persons, *, heavy):
    """Two measures at four times from a CLPM, normal or t with 6 degrees of freedom."""
    values = np.empty((persons, 4, 2))
    scale = np.sqrt(rng.chisquare(6, size=(persons, 1)) / 6) if heavy else 1.0
    values[:, 0] = rng.normal(size=(persons, 2))
    for wave in range(1, 4):
        values[:, wave] = values[:, wave - 1] @ np.array([[0.4, 0.1], [0.2, 0.3]]) + rng.normal(size=(persons, 2))
    return ab.Panel.from_arrays(values / np.reshape(scale, (-1, 1, 1)), measures=["x", "y"], times=[0, 1, 2, 3])


@pytest.mark.slow
def test_z_of_residuals_are_standard_normal():
    """In samples of the model itself, normal or with heavy tails (robust)."""
    for heavy, kind in ((False, "observed"), (True, "robust")):
        found = [
            ab.maximum_likelihood(
                ab.CLPM(["x", "y"]),
                family_two(np.random.default_rng([12, seed]), 500, heavy=heavy),
                standard_errors=kind,
            ).residuals["z"]
            for seed in range(150)
        ]
        z = pd.concat(found).dropna()
        assert z.mean() == pytest.approx(0, abs=0.1)
        assert z.std() == pytest.approx(1, abs=0.07)
