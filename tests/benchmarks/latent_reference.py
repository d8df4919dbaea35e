"""Linear predictors integrated out against the same model with all of them sampled: posteriors and ESS per second.

The other model is the package's own ``latent="sample"`` and, of a normal measure and days, one written in Stan.

python tests/benchmarks/latent_reference.py --folder FOLDER [--draws 1000] [--tune 500] [--longer 6] [--only NAME ...]

What was sampled is kept in the folder, so that an interrupted run goes on where it stopped.
"""

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import arviz_stats
import numpy as np
import nutpie
import pandas as pd
from measuring import CORES, peer_python
from panels import help_panel, truth
from scipy.special import expit
from stan_days import sampled_by_stan

import alliance_bayes as ab
from alliance_bayes.engine.model_on_panel import panel_model
from alliance_bayes.families.count import Count
from alliance_bayes.families.days import Days
from alliance_bayes.families.yes_no import YesNo
from alliance_bayes.posterior.settings import SCALED_TUNE
from alliance_bayes.pymc_models.building import pymc_model_of
from alliance_bayes.pymc_models.compiling import compile_model
from alliance_bayes.pymc_models.scaling import scaled
from alliance_bayes.spec.occurrence import State

CHAINS = 4
WAYS = ("integrate", "sample", "stan")
DAYS = Days(window=30)
DAYS_PHI = [-1.0, 1.0, 1.5, 0.2, 0.7, 5.0]


def help_study() -> tuple[ab.RICLPM, ab.Panel]:
    """HELP: alliance beside days without alcohol out of 30."""
    return ab.RICLPM(["alliance", "days"], lags="equal", families={"days": DAYS}), help_panel()


def alliance_and_days() -> tuple[ab.RICLPM, ab.Panel]:
    """300 people, 4 waves, a sixth of the values missing."""
    eta, rng = _linear_predictors(300, 4, seed=1)
    days = _drawn(DAYS, DAYS_PHI, eta[:, :, 1], 30.0, rng)
    panel = _panel({"alliance": 4.0 + eta[:, :, 0], "days": days}, rng, missing=1 / 6)
    return ab.RICLPM(["alliance", "days"], lags="equal", families={"days": DAYS}), panel


def visits_and_help() -> tuple[ab.RICLPM, ab.Panel]:
    """250 people, 4 waves: a count, and yes or no; nothing normal."""
    eta, rng = _linear_predictors(250, 4, seed=2)
    visits = _drawn(Count(), [0.8, 0.7, 3.0], eta[:, :, 0], 1.0, rng)
    asked = _drawn(YesNo(), [0.2, 1.5], eta[:, :, 1], 1.0, rng)
    families = {"visits": Count(), "help": YesNo()}
    return ab.RICLPM(["visits", "help"], lags="equal", families=families), _panel(
        {"visits": visits, "help": asked}, rng
    )


def sponsor_and_days() -> tuple[ab.RICLPM, ab.Panel]:
    """250 people, 3 waves: an alliance that exists only while there is a sponsor, which is known, and days."""
    eta, rng = _linear_predictors(250, 3, seed=3)
    days = _drawn(DAYS, DAYS_PHI, eta[:, :, 1], 30.0, rng)
    on = np.empty((250, 3))
    before, leaning = np.zeros(250), np.zeros(250)
    for wave in range(3):
        on[:, wave] = rng.uniform(size=250) < expit(0.2 + 0.8 * before + 0.4 * leaning)
        before, leaning = on[:, wave], eta[:, wave, 1]
    alliance = np.where(on == 1, 4.0 + eta[:, :, 0], np.nan)
    panel = _panel({"alliance": alliance, "days": days}, rng, states={"sponsor": on}, requires={"alliance": "sponsor"})
    state = State("sponsor", required_by=["alliance"], acquire=["days"], keep=["alliance", "days"], acts_on=["days"])
    return ab.RICLPM(["alliance", "days"], lags="equal", families={"days": DAYS}, state=state), panel


STUDIES: dict[str, Callable[[], tuple[ab.RICLPM, ab.Panel]]] = {
    "HELP, alliance and days": help_study,
    "alliance and days": alliance_and_days,
    "count and yes or no": visits_and_help,
    "sponsor, alliance and days": sponsor_and_days,
}
IN_STAN = ("HELP, alliance and days", "alliance and days")


def _linear_predictors(persons: int, n_waves: int, *, seed: int) -> tuple[np.ndarray, np.random.Generator]:
    panel = ab.simulate(truth(2, n_waves), persons=persons, seed=seed)
    return panel.values, np.random.default_rng(seed)


def _drawn(family: Any, phi: list[float], eta: np.ndarray, size: float, rng: np.random.Generator) -> np.ndarray:
    return np.asarray(family.draw(phi, eta, np.full(eta.shape, size), rng)[0], dtype=float)


def _panel(columns: dict[str, np.ndarray], rng: np.random.Generator, missing: float = 0.1, **more: Any) -> ab.Panel:
    values = np.stack(list(columns.values()), axis=2)
    values[rng.uniform(size=values.shape) < missing] = np.nan
    return ab.Panel.from_arrays(values, measures=list(columns), times=list(range(values.shape[1])), **more)


def sampled(
    spec: ab.RICLPM, panel: ab.Panel, latent: Any, draws: int, tune: int
) -> tuple[dict[str, Any], pd.DataFrame]:
    """Seconds of one fit, and its summary; seconds are the processors', so that other work does not count."""
    whole = panel_model(spec, panel)
    started = time.process_time()
    compiled = (
        nutpie.compile_pymc_model(pymc_model_of(whole, latent=latent)) if latent == "sample" else compile_model(whole)
    )
    ready = time.process_time()
    compiled = scaled(compiled)
    placed = time.process_time()
    tree = nutpie.sample(
        compiled, draws=draws, tune=SCALED_TUNE if latent == "integrate" else tune, chains=CHAINS, cores=CORES, seed=1,
        progress_bar=False, save_warmup=True, adaptation="diag",
    )  # fmt: skip
    seconds = time.process_time() - placed
    steps = {name: int(tree[name]["n_steps"].sum()) for name in ("sample_stats", "warmup_sample_stats")}
    names = [block.name for block in whole.scale.blocks]
    summary = arviz_stats.summary(tree["posterior"].to_dataset(), var_names=names, round_to="none")
    smallest = float(summary["ess_bulk"].min())
    figures = {
        "persons": whole.n_persons,
        "dimensions": int(compiled.n_dim),
        "parameters": len(summary),
        "smallest_ess": smallest,
        "largest_r_hat": float(summary["r_hat"].max()),
        "divergences": int(tree["sample_stats"]["diverging"].sum()),
        "compile_seconds": ready - started,
        "placing_seconds": placed - ready,
        "sampling_seconds": seconds,
        "steps_of_draws": steps["sample_stats"],
        "steps_of_warm_up": steps["warmup_sample_stats"],
        "ess_per_second": smallest / (placed - ready + seconds),
    }
    return figures, summary


def compared(summaries: list[pd.DataFrame]) -> dict[str, Any]:
    """Differences of means and SDs in Monte Carlo standard errors, and of means in posterior SDs."""
    first, second = summaries
    found: dict[str, Any] = {}
    for what in ("mean", "sd"):
        error = np.hypot(first[f"mcse_{what}"], second[f"mcse_{what}"])
        found[what] = (first[what] - second[what]) / error
    found["in_sds"] = (first["mean"] - second["mean"]) / second["sd"]
    found["sd_ratio"] = first["sd"] / second["sd"]
    return found


def report(folder: Path, names: list[str]) -> str:
    """What is integrated out beside every other way that is complete, study by study."""
    lines = []
    for name in names:
        paths = {way: _place(folder, name, way) for way in WAYS}
        done = {way: path for way, path in paths.items() if path.with_suffix(".json").exists()}
        if "integrate" not in done:
            continue
        figures = {way: json.loads(path.with_suffix(".json").read_text()) for way, path in done.items()}
        summaries = {way: pd.read_csv(path.with_suffix(".csv"), index_col=0) for way, path in done.items()}
        ours = figures["integrate"]
        lines.append(f"{name}: {ours['persons']} people, {ours['parameters']} parameters")
        lines += [f"  {way}: {_in_words(figures[way])}" for way in done]
        for way in [way for way in done if way != "integrate"]:
            found = compared([summaries["integrate"], summaries[way].loc[summaries["integrate"].index]])
            for what, label in (("mean", "means"), ("sd", "SDs")):
                z = found[what]
                lines.append(
                    f"  against {way}: |difference| of {label} above 3 MCSE in {(z.abs() > 3).mean():.1%}, root mean "
                    f"square {np.sqrt((z**2).mean()):.2f} MCSE, largest {z.abs().max():.1f} ({z.abs().idxmax()})"
                )
            lines.append(
                f"  against {way}, in posterior SDs: means differ by at most {found['in_sds'].abs().max():.3f} "
                f"({found['in_sds'].abs().idxmax()}); SDs by a factor of {found['sd_ratio'].min():.3f} to "
                f"{found['sd_ratio'].max():.3f}"
            )
            ratio = ours["ess_per_second"] / figures[way]["ess_per_second"]
            lines.append(f"  smallest ESS per processor second: {ratio:.1f} times that of {way}")
    return "\n".join(lines)


def _in_words(figures: dict[str, Any]) -> str:
    seconds = ", ".join(f"{what} {figures[f'{what}_seconds']:.0f} s" for what in ("compile", "placing", "sampling"))
    return (
        f"smallest ESS {figures['smallest_ess']:.0f}, {figures['ess_per_second']:.2f} a second, largest R-hat "
        f"{figures['largest_r_hat']:.3f}, {figures['divergences']} divergences, {figures['steps_of_draws']} gradients "
        f"of draws, {seconds}"
    )


def _place(folder: Path, name: str, way: str) -> Path:
    return folder / f"{name.replace(',', '').replace(' ', '-')}-{way}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="where what was sampled is kept")
    parser.add_argument("--draws", type=int, default=1000, help=f"of each of {CHAINS} chains")
    parser.add_argument("--tune", type=int, default=500, help="warm-up draws")
    parser.add_argument("--longer", type=int, default=6, help="how many times as many draws where all is sampled")
    parser.add_argument("--only", nargs="+", choices=STUDIES, default=list(STUDIES), metavar="NAME")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    for name in arguments.only:
        for way in WAYS if name in IN_STAN and peer_python("stan") else WAYS[:2]:
            path = _place(arguments.folder, name, way)
            if path.with_suffix(".json").exists():
                continue
            spec, panel = STUDIES[name]()
            draws, tune = arguments.draws * (1 if way == "integrate" else arguments.longer), arguments.tune
            if way == "stan":
                figures, summary = sampled_by_stan(
                    panel_model(spec, panel), arguments.folder, draws=draws, tune=tune, chains=CHAINS
                )
            else:
                figures, summary = sampled(spec, panel, way, draws, tune)
            summary.to_csv(path.with_suffix(".csv"))
            path.with_suffix(".json").write_text(json.dumps(figures, indent=1))
            print(f" ... {name}, {way}: {figures}", flush=True)
    print("\n" + report(arguments.folder, list(STUDIES)))


if __name__ == "__main__":
    main()
