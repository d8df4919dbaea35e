"""Files as they come from practice: what a new user's first data look like, made from a known truth."""

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

import alliance_bayes as ab

PERSONS, WAVES = 250, (0, 1, 3, 6, 12)


@cache
def _true_panel(persons: int, times: tuple[float, ...], seed: int) -> pd.DataFrame:
    """Alliance from 1 to 7 and days from 0 to 30 of people at some waves."""
    truth = ab.Truth(
        ab.RICLPM(["alliance", "days"], lags="equal"),
        times=list(times),
        lagged={"alliance -> days": 0.25, "days -> alliance": 0.0},
        carry_over=0.4,
        icc=0.5,
        within_correlation=0.1,
        between_correlation=0.3,
        means={"alliance": 4.6, "days": 18.0},
        sds={"alliance": 1.1, "days": 7.0},
    )
    frame = ab.simulate(truth, persons=persons, seed=seed).to_frame()
    return frame.assign(alliance=frame["alliance"].clip(1, 7).round(2), days=frame["days"].clip(0, 30).round()).drop(
        columns="interviewed"
    )


def german(folder: Path, *, twice: bool = True) -> Path:
    """Semicolons, Latin-1, decimal commas, -99, dates, dropout, a category, clinics; unequal waves; a row twice."""
    rng = np.random.default_rng(8)
    frame = _true_panel(PERSONS, WAVES, 5)
    n_people = frame["person"].nunique()
    leaves_after = rng.choice(len(WAVES) + 1, size=n_people, p=[0, 0.08, 0.07, 0.05, 0.1, 0.7])
    kept = frame[np.tile(np.arange(len(WAVES)), n_people) < np.repeat(leaves_after, len(WAVES))]
    person = kept["person"].astype(int).to_numpy()
    start = pd.Timestamp("2021-02-01") + pd.to_timedelta(rng.integers(0, 200, n_people), unit="D")
    date = start[person] + pd.to_timedelta(kept["time"].to_numpy() * 30.4375 + rng.integers(0, 6, len(kept)), unit="D")
    messy = pd.DataFrame(
        {
            "Nr": [f"P{each + 1:03d}" for each in person],
            "Monat": kept["time"].astype(int).to_numpy(),
            "Datum": date.strftime("%d.%m.%Y"),
            "Klinik": np.array(["Köln", "Mainz", "Trier"])[rng.integers(0, 3, n_people)][person],
            "Bildung": np.array(["niedrig", "mittel", "hoch"])[rng.integers(0, 3, n_people)][person],
            "Alter": rng.integers(18, 60, n_people)[person],
            "Bündnis (WAI)": kept["alliance"].to_numpy(),
            "Tage abst.": kept["days"].to_numpy(),
            "Rückfall": (kept["days"] < 15).astype(int).to_numpy(),
        }
    )
    for name, share in {"Bündnis (WAI)": 0.07, "Tage abst.": 0.04, "Alter": 0}.items():
        messy.loc[rng.random(len(messy)) < share, name] = -99
    if twice:
        messy = pd.concat([messy, messy.iloc[[3]]])
    path = folder / "Daten.csv"
    messy.to_csv(path, sep=";", decimal=",", encoding="latin-1", index=False)
    return path


def french(folder: Path) -> Path:
    """One row per person, tabs, French names, 9 on a scale from 1 to 5 and 999 of days where nothing was answered."""
    rng = np.random.default_rng(9)
    frame = _true_panel(120, (0, 3, 6), 6)
    wide = frame.pivot_table(index="person", columns="time", values=["alliance", "days"])
    table = pd.DataFrame({"identifiant": [f"{each:04d}" for each in wide.index]})
    table["sexe"] = rng.choice(["femme", "homme"], len(table))
    for wave, time in enumerate((0, 3, 6), start=1):
        scale = ((wide["alliance", time] - 1) / 6 * 4 + 1).round().clip(1, 5)
        table[f"alliance_t{wave}"] = scale.astype(int).to_numpy()
        table[f"jours_t{wave}"] = wide["days", time].astype(int).to_numpy()
        table.loc[rng.random(len(table)) < 0.06, f"alliance_t{wave}"] = 9
        table.loc[rng.random(len(table)) < 0.06, f"jours_t{wave}"] = 999
    path = folder / "donnees.tsv"
    table.to_csv(path, sep="\t", encoding="utf-8-sig", index=False)
    return path
