"""How near previews are to sampling, and how long they take: python tests/benchmarks/preview.py [--only PART].

Prints a table and writes it as JSON. Time: processor seconds of `ab.preview`, `ab.maximum_likelihood` and lavaan's
FIML (estimates alone, and as called with its defaults), in turn, kernels warm. Error: difference of posterior means in
SDs, and of SDs as a share, between each of several seeds and one long fit, the largest of all derived quantities and of
the standardised lagged effects: its median over seeds, and its largest of the seeds whose health has no problem.
"""

import argparse
import json
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from measuring import PEERS, machine
from panels import eight_patterns, help_panel

import alliance_bayes as ab

NAMES = ["y1", "y2"]
SEEDS = range(1, 9)
LONG = {"draws": 2000, "tune": 1000, "chains": 4, "target_accept": 0.95, "progress": False}
ROUNDS = 5


def simulated(persons: int, waves: int, *, icc: float = 0.5, seed: int = 1) -> ab.Panel:
    truth = ab.Truth(
        ab.RICLPM(NAMES),
        times=list(range(waves)),
        lagged={"y1 -> y2": 0.1},
        carry_over=0.4,
        icc=icc,
        within_correlation=0.3,
        between_correlation=0.4,
    )
    return ab.simulate(truth, persons=persons, seed=seed)


def two_groups() -> ab.Panel:
    """Of 60 and 150 people."""
    rows = []
    for group, persons, seed in (("a", 60, 1), ("b", 150, 2)):
        values = simulated(persons, 4, seed=seed).values
        for person, wave in np.ndindex(values.shape[:2]):
            rows.append((f"{group}{person}", wave, group, *values[person, wave]))
    frame = pd.DataFrame(rows, columns=["person", "time", "group", *NAMES])
    return ab.Panel.from_long(frame, person="person", time="time", measures=NAMES, group="group")


def timed_panels() -> dict[str, ab.Panel]:
    return {"HELP, alliance and days": help_panel(), "302 people, 2 measures, 4 waves": eight_patterns(2)}


def cases() -> dict[str, tuple[ab.RICLPM, ab.Panel]]:
    def of(panel: ab.Panel, model: type = ab.RICLPM, **options: str) -> tuple[ab.RICLPM, ab.Panel]:
        return model(list(panel.measures), **options), panel

    equal = {"lags": "equal"}
    return {
        **{name: of(panel, **equal) for name, panel in timed_panels().items()},
        "30 people, 3 waves": of(simulated(30, 3), **equal),
        "30 people, 3 waves, free lags": of(simulated(30, 3, seed=2), lags="free"),
        "30 people, 3 waves, continuous time": of(simulated(30, 3, seed=3), lags="continuous"),
        "302 people, ICC .02": of(simulated(302, 4, icc=0.02), **equal),
        "60 people, ICC .02": of(simulated(60, 4, icc=0.02, seed=2), **equal),
        "302 people, ICC .95": of(simulated(302, 4, icc=0.95, seed=3), **equal),
        "302 people, free lags": of(simulated(302, 4), lags="free"),
        "302 people, continuous time": of(simulated(302, 4), lags="continuous"),
        "80 people, 3 waves, continuous time": of(simulated(80, 3), lags="continuous"),
        "302 people, DPM": of(simulated(302, 4), ab.DPM, **equal),
        "302 people, STARTS": of(simulated(302, 5), ab.STARTS),
        "302 people, LCM-SR": of(simulated(302, 5), ab.LCMSR),
        "100 people, CLPM": of(simulated(100, 5), ab.CLPM, **equal),
        "60 and 150 people, free in groups": of(two_groups(), lags="equal", group_lags="free"),
        "302 people, 4 measures, 4 waves": of(eight_patterns(4), **equal),
    }


def derived(posterior, model) -> np.ndarray:
    """Draws of all derived quantities, shape (draw, quantity)."""
    arrays = [posterior[quantity.name].transpose("chain", "draw", ...) for quantity in model.derived.quantities]
    return np.concatenate(
        [array.to_numpy().reshape(array.sizes["chain"] * array.sizes["draw"], -1) for array in arrays], 1
    )


def nearness(spec: ab.RICLPM, panel: ab.Panel) -> dict[str, float | list[float]]:
    """Errors of previews with several seeds against a long fit."""
    fit = ab.fit(spec, panel, seed=5, **LONG)
    draws = derived(fit.posterior, fit.model)
    mean, sd = draws.mean(0), draws.std(0)
    varies = sd > 1e-9
    lagged = np.concatenate(
        [np.full(int(np.prod(each.shape)), each.name == "lagged_standardized") for each in fit.model.derived.quantities]
    )[varies]
    previews = [ab.preview(spec, panel, seed=seed) for seed in SEEDS]
    nears = [derived(previewed.posterior, previewed.model) for previewed in previews]
    of_means = np.array([np.abs((near.mean(0) - mean) / sd)[varies] for near in nears])
    of_sds = np.array([np.abs(near.std(0) / sd - 1)[varies] for near in nears])
    trusted = np.array([previewed.health.healthy for previewed in previews])
    k_hats = [previewed.k_hat for previewed in previews]
    errors = {}
    for name, kept in (("all", slice(None)), ("lagged", lagged)):
        for what, each in (("means", of_means[:, kept]), ("SDs", of_sds[:, kept])):
            errors[f"{what}, {name}, median of seeds"] = float(np.median(each.max(1)))
            errors[f"{what}, {name}, largest trusted"] = float(each[trusted].max(initial=0.0))
    halves = np.split(draws, 2)
    return {
        "parameters": fit.model.scale.size,
        "trusted seeds": int(trusted.sum()),
        "k-hat": [min(k_hats), float(np.median(k_hats)), max(k_hats)],
        "effective draws": float(np.median([previewed.importance.n_effective for previewed in previews])),
        "fit healthy": fit.health.healthy,
        "SDs, two halves of the fit": float(np.abs(halves[0].std(0) / halves[1].std(0) - 1)[varies].max()),
        **errors,
    }


def processor_seconds(run) -> float:
    started = time.process_time()
    run()
    return time.process_time() - started


def times(panel: ab.Panel, lavaan: subprocess.Popen | None) -> Mapping[str, list[float]]:
    spec = ab.RICLPM(list(panel.measures), lags="equal")
    measured: dict[str, list[float]] = {"preview": [], "maximum_likelihood": []}
    ab.preview(spec, panel), ab.maximum_likelihood(spec, panel)  # kernels from disk
    for number in range(ROUNDS):
        measured["preview"].append(processor_seconds(lambda number=number: ab.preview(spec, panel, seed=number)))
        measured["maximum_likelihood"].append(processor_seconds(lambda: ab.maximum_likelihood(spec, panel)))
        if lavaan is not None:
            for name, seconds in lavaan_seconds(panel, lavaan).items():
                measured.setdefault(name, []).append(seconds)
    return measured


def lavaan_seconds(panel: ab.Panel, process: subprocess.Popen) -> dict[str, float]:
    """Processor seconds of lavaan on the same values."""
    values = panel.values
    columns = [f"y{measure + 1}_{wave}" for wave in range(values.shape[1]) for measure in range(2)]
    with tempfile.NamedTemporaryFile(suffix=".csv") as file:
        pd.DataFrame(values.reshape(len(values), -1), columns=columns).dropna(how="all").to_csv(file.name, index=False)
        process.stdin.write(f"{file.name}\n")
        process.stdin.flush()
        answer = json.loads(process.stdout.readline())
    return {"lavaan, estimates alone": answer["point, processor"], "lavaan": answer["fit, processor"]}


def start_lavaan() -> subprocess.Popen | None:
    try:
        return subprocess.Popen(
            ["Rscript", PEERS / "lavaan_times.R"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
    except OSError:
        return None


def main() -> None:
    parser = argparse.ArgumentParser(prog="python tests/benchmarks/preview.py", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_suffix(".json"), help="JSON file to write")
    parser.add_argument("--only", choices=["seconds", "errors"], help="measure one; the file keeps the other")
    given = parser.parse_args()
    kept = json.loads(given.out.read_text()) if given.only and given.out.exists() else {}
    answer: dict = {**kept, "machine": machine()}
    if given.only != "errors":
        answer["seconds"] = all_seconds()
    if given.only != "seconds":
        answer["errors"] = all_errors()
    given.out.write_text(json.dumps(answer, indent=1) + "\n")


def all_seconds() -> dict:
    answer, lavaan = {}, start_lavaan()
    for name, panel in timed_panels().items():
        measured = times(panel, lavaan)
        answer[name] = {who: sorted(round(each, 4) for each in seconds) for who, seconds in measured.items()}
        medians = {who: float(np.median(seconds)) for who, seconds in measured.items()}
        shown = ", ".join(f"{who} {each:.3f} s" for who, each in medians.items())
        print(f"{name}: {shown}; ratio {medians['preview'] / medians['maximum_likelihood']:.2f}", flush=True)
    if lavaan is not None:
        lavaan.stdin.close()
    return answer


def all_errors() -> dict:
    answer = {}
    for name, (spec, panel) in cases().items():
        answer[name] = found = nearness(spec, panel)
        k_hats = " ".join(f"{k_hat:.2f}" for k_hat in found["k-hat"])
        shown = "; ".join(f"{what} {error:.3f}" for what, error in found.items() if what.startswith(("means", "SDs")))
        print(f"{name}: {found['trusted seeds']} of {len(SEEDS)} trusted, k-hat {k_hats}; {shown}", flush=True)
    return answer


if __name__ == "__main__":
    main()
