"""Fixtures that several test files share: one panel, and one real fit of it."""

import numpy as np
import pytest

import alliance_bayes as ab


@pytest.fixture(scope="session")
def small_panel():
    """Sixty people at four times, a seventh of the values missing, one person without any, one measure too many."""
    truth = ab.Truth(
        ab.RICLPM(["alliance", "days"]),
        times=[0, 6, 12, 18],
        lagged={"alliance -> days": 0.2},
        carry_over=0.3,
        icc=0.5,
        within_correlation=0.2,
        between_correlation=0.3,
        means={"alliance": [4, 4.2, 4.1, 4.3], "days": 20},
        sds={"alliance": 0.9, "days": 8},
    )
    simulated = ab.simulate(truth, persons=60, seed=11, missing=ab.Missing(share=0.2, unit="value"))
    values = np.concatenate([simulated.values, np.random.default_rng(12).normal(size=(60, 4, 1))], axis=2)
    values[17, :, :2] = np.nan
    assert values.shape == (60, 4, 3)
    return ab.Panel.from_arrays(
        values[:, :, [2, 1, 0]],
        measures=["contact", "days", "alliance"],
        times=truth.times,
        persons=[f"P{person:02d}" for person in range(60)],
        time_unit="months",
    )


@pytest.fixture(scope="session")
def small_fit(small_panel):
    """Two chains of 150 draws: enough for wiring, too few to be believed."""
    return ab.fit(ab.RICLPM(["alliance", "days"]), small_panel, seed=5, draws=150, tune=200, chains=2)
