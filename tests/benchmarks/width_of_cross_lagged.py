"""The default width of the prior of cross-lagged effects: errors and coverage of candidates over true effects.

Studies with a true effect of x on y (none of y on x; ICC .5, carry-over .4) are fitted once, with the widest candidate,
and the draws reweighted to the others by Pareto-smoothed importance sampling; k-hat says where that cannot be trusted.
The winner has the smallest root mean squared error of the posterior mean, averaged over true effects and cells, among
those whose 89 % intervals cover each true effect at least .85 of the time in every cell. Studies go round all cells, so
that the run can be stopped at any time and started again; each is one line of a file:

``python tests/benchmarks/width_of_cross_lagged.py --results FILE --studies 400 --workers 2``
"""

import argparse
import json
import multiprocessing
import time
from pathlib import Path

import numpy as np
import pandas as pd
from arviz_stats.base import array_stats
from scipy import stats

import alliance_bayes as ab

WIDEST = "Normal(0, 0.3)"
CANDIDATES = {
    "Normal(0, 0.15)": stats.norm(0, 0.15),
    "Normal(0, 0.2)": stats.norm(0, 0.2),
    "Normal(0, 0.25)": stats.norm(0, 0.25),
    WIDEST: stats.norm(0, 0.3),
    "StudentT(4, 0, 0.15)": stats.t(4, 0, 0.15),
}
EFFECTS = (0.0, 0.03, 0.07, 0.12, 0.25)
CELLS = [(persons, waves, effect) for persons in (150, 302, 1000) for waves in (3, 4) for effect in EFFECTS]
PATH, PROBABILITY, LEAST_COVERAGE = "x -> y", 0.89, 0.85


def study(persons: int, waves: int, effect: float, seed: int) -> dict[str, object]:
    """Simulate, fit once, and reweight."""
    spec = ab.RICLPM(["x", "y"], lags="equal", priors=ab.Priors(cross_lagged=ab.Normal(0, 0.3)))
    truth = ab.Truth(
        spec,
        times=list(range(waves)),
        lagged={PATH: effect},
        carry_over=0.4,
        icc=0.5,
        within_correlation=0.3,
        between_correlation=0.4,
    )
    panel = ab.simulate(truth, persons=persons, seed=1000 * seed + CELLS.index((persons, waves, effect)))
    fit = ab.fit(spec, panel, seed=seed, draws=500, chains=2, cores=1, progress=False)
    stated = fit.posterior["cross_lagged"].to_numpy().reshape(-1, 2)
    effects = fit.posterior["lagged_standardized"].sel(path=PATH).mean("interval").to_numpy().ravel()
    found = {}
    for name, prior in CANDIDATES.items():
        ratios = (prior.logpdf(stated) - CANDIDATES[WIDEST].logpdf(stated)).sum(axis=1)
        smoothed, k_hat = array_stats.psislw(-ratios) if name != WIDEST else (np.zeros(len(ratios)), -np.inf)
        weights = np.exp(smoothed - smoothed.max())
        weights /= weights.sum()
        order = np.argsort(effects)
        shares = np.cumsum(weights[order])
        lower, upper = (
            float(effects[order][np.searchsorted(shares, share)])
            for share in ((1 - PROBABILITY) / 2, (1 + PROBABILITY) / 2)
        )
        found[name] = {"mean": float(weights @ effects), "lower": lower, "upper": upper, "k_hat": float(k_hat)}
    return {"persons": persons, "waves": waves, "effect": effect, "seed": seed, "found": found}


def _study(cell: tuple[int, int, float, int]) -> dict[str, object]:
    return study(*cell)


def tables(studies: list[dict]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Root mean squared error and coverage, by candidate and cell; and a summary of each candidate."""
    rows = [
        {
            "prior": name,
            "error": each["mean"] - row["effect"],
            "covered": each["lower"] <= row["effect"] <= each["upper"],
        }
        | {"k_hat": each["k_hat"]}
        | {key: row[key] for key in ("persons", "waves", "effect")}
        for row in studies
        for name, each in row["found"].items()
    ]
    groups = pd.DataFrame(rows).groupby(["prior", "persons", "waves", "effect"], sort=False)
    cells = pd.DataFrame(
        {
            "rmse": groups["error"].apply(lambda errors: float(np.sqrt(np.mean(errors**2)))),
            "mean_error": groups["error"].mean(),
            "coverage": groups["covered"].mean(),
            "k_hat": groups["k_hat"].max(),
            "studies": groups.size(),
        }
    )
    by_prior = cells.groupby(level="prior", sort=False)
    summary = pd.DataFrame(
        {
            "rmse": by_prior["rmse"].mean(),
            "least_coverage": by_prior["coverage"].min(),
            "coverage": by_prior["coverage"].mean(),
            "k_hat": by_prior["k_hat"].max(),
        }
    )
    for persons in (150, 302, 1000):
        summary[f"rmse_{persons}"] = (
            cells.xs(persons, level="persons").groupby(level="prior", sort=False)["rmse"].mean()
        )
    for effect in EFFECTS:
        summary[f"error_at_{effect:g}"] = (
            cells.xs(effect, level="effect").groupby(level="prior", sort=False)["mean_error"].mean()
        )
    return cells, summary


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, required=True, help="file with one line for each study")
    parser.add_argument("--studies", type=int, default=100, help="of each cell")
    parser.add_argument("--seconds", type=float, default=np.inf, help="stop after so many")
    parser.add_argument("--workers", type=int, default=1, help="processes")
    arguments = parser.parse_args()
    lines = arguments.results.read_text().splitlines() if arguments.results.exists() else []
    known = [json.loads(line) for line in lines]
    done, started = {(row["persons"], row["waves"], row["effect"], row["seed"]) for row in known}, time.monotonic()
    to_do = [(*cell, seed) for seed in range(arguments.studies) for cell in CELLS if (*cell, seed) not in done]
    processes = multiprocessing.get_context("spawn").Pool(arguments.workers)
    with arguments.results.open("a") as file, processes:
        for row in processes.imap_unordered(_study, to_do):
            known.append(row)
            file.write(json.dumps(row) + "\n")
            file.flush()
            if time.monotonic() - started > arguments.seconds:
                break
    cells, summary = tables(known)
    sound = summary[summary["least_coverage"] >= LEAST_COVERAGE]
    with pd.option_context("display.width", 200, "display.max_columns", None, "display.float_format", "{:.4f}".format):
        print(
            cells.reset_index().pivot_table("coverage", ["prior", "persons", "waves"], "effect", sort=False).to_string()
        )
        print(summary.to_string())
    fewest, most = int(cells["studies"].min()), int(cells["studies"].max())
    print(f"{fewest} to {most} studies a cell; candidates that cover: {', '.join(sound.index) or 'none'}")
    if len(sound):
        print(f"smallest error among them: {sound['rmse'].idxmin()}")


if __name__ == "__main__":
    main()
