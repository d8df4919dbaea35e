"""Many fits of many data sets beside lavaan: python tests/benchmarks/throughput.py --folder FOLDER [--panels 1000].

RI-CLPM of 302 people, 2 measures, 4 waves and 8 missing patterns: `ab.fit_many` by sampling and by previews, and
lavaan's FIML with standard errors, of the same data sets, two processes each, block by block in turn. Everything is
kept in the folder; the same call goes on after an interruption, and with a larger number does the rest. Prints
processor seconds of the work per data set, and the effective draws of lags. The first fits of our processes, which load
kernels, count with the others in the mean, and not in the median; of R, which compiles lavaan's code, never.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import count, islice
from pathlib import Path

import numpy as np
import pandas as pd
from measuring import seconds_of
from panels import N_PERSONS, n_patterns, spec_of, truth
from refitting import LavaanSession

import alliance_bayes as ab

WORKERS = 2
FEWEST_EFFECTIVE = 400
OURS = {"sample": {}, "preview": {"method": "preview"}}
TARGETS = {"sample": 3.0, "preview": 1.0}


def eight_patterns_each(n_panels: int) -> list[ab.Panel]:
    """Simulated panels in which every one of the 8 patterns occurs."""
    missing = ab.Missing(share=0.2)
    simulated = (ab.simulate(truth(2, 4), persons=N_PERSONS, seed=seed, missing=missing) for seed in count(1000))
    return list(islice((panel for panel in simulated if n_patterns(panel) == 8), n_panels))


def lavaan_of(panels: Sequence[ab.Panel], numbers: Sequence[int], folder: Path) -> None:
    """Fit those that are not done yet, in one session for each process."""
    folder.mkdir(parents=True, exist_ok=True)
    left = [number for number in numbers if not (folder / f"{number}.json").exists()]

    def session(part: Sequence[int]) -> None:
        if not part:
            return
        lavaan = LavaanSession()
        for position, number in enumerate((part[0], *part)):  # R compiles lavaan's code at first use
            panel, file = panels[number], folder / f"{number}.csv"
            columns = [f"{measure}_{time:g}" for time in panel.times for measure in panel.measures]
            pd.DataFrame(panel.values.reshape(N_PERSONS, -1), columns=columns).to_csv(file, index=False)
            answer = lavaan.fit(file)
            file.unlink()
            if position:
                (folder / f"{number}.json").write_text(json.dumps(answer))
        lavaan.close()

    with ThreadPoolExecutor(WORKERS) as sessions:
        list(sessions.map(session, [left[start::WORKERS] for start in range(WORKERS)]))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python tests/benchmarks/throughput.py", description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="where results are kept")
    parser.add_argument("--panels", type=int, default=1000, help="data sets; by default 1,000")
    parser.add_argument("--block", type=int, default=50, help="data sets that each fits in turn")
    given = parser.parse_args()
    panels = eight_patterns_each(given.panels)
    spec, walls = spec_of(panels[0]), {name: list[float]() for name in (*OURS, "lavaan")}

    blocks = {f"from {start}": panels[start : start + given.block] for start in range(0, len(panels), given.block)}

    def ours(method: str, chosen: Mapping[str, Sequence[ab.Panel]]) -> ab.Fits:
        return ab.fit_many(spec, chosen, given.folder, seed=1, workers=WORKERS, progress=False, **OURS[method])

    stop = 0
    for name, part in blocks.items():
        start, stop = stop, stop + len(part)
        for method in OURS:
            walls[method].append(seconds_of(lambda method=method, block={name: part}: ours(method, block)))
        numbers, folder = range(start, stop), given.folder / "lavaan"
        walls["lavaan"].append(seconds_of(lambda numbers=numbers, folder=folder: lavaan_of(panels, numbers, folder)))
        print(f"{stop} of {len(panels)} data sets", flush=True)

    fits = {method: ours(method, blocks) for method in OURS}
    answers = [json.loads((given.folder / "lavaan" / f"{number}.json").read_text()) for number in range(len(panels))]
    lavaan = float(np.mean([answer["fit, processor"] for answer in answers]))
    print(f"lavaan: {lavaan:.3f} processor seconds a fit, {sum(answer['converged'] for answer in answers)} converged")
    for method, results in fits.items():
        mean, median = results.seconds.mean(), results.seconds.median()
        met = "yes" if mean / lavaan <= TARGETS[method] else "NO"
        print(f"{method}: {mean:.3f} processor seconds, {mean / lavaan:.2f} times lavaan's, target {met};")
        largest = ", ".join(f"{seconds:.2f}" for seconds in results.seconds.nlargest(WORKERS + 3))
        print(f"  median {median:.3f}, {median / lavaan:.2f} times; largest {largest}")
        print(f"  {results.n_healthy} of {len(panels)} healthy, {results.n_failed} failed")
    lags = fits["sample"].table["ess_lags"]
    print(f"effective draws of lags: smallest {lags.min():.0f}, {(lags < FEWEST_EFFECTIVE).sum()} below 400")
    print("wall seconds of this run: " + ", ".join(f"{name} {sum(each):.0f}" for name, each in walls.items()))


if __name__ == "__main__":
    main()
