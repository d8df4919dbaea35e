"""Continuous time: how far effects and innovations are off, and what a gradient costs. Run as a script.

Errors are those of the kernel and of the block exponential that it had before (Van Loan 1978), against 90 digits. With
``--before CHECKOUT``, gradients are timed there too, in processes of their own that alternate.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np
from gradients import microseconds

import alliance_bayes as ab

TESTS = Path(__file__).parents[1]
sys.path.append(str(TESTS))
MEASURES = ["x", "y", "z", "u"]


def by_van_loan(drift, noise):
    from scipy.linalg import expm

    size = len(drift)
    whole = expm(np.block([[-drift, noise], [np.zeros((size, size)), drift.T]]))
    effects = whole[size:, size:].T
    return effects, effects @ whole[:size, size:]


def error_table():
    from alliance_bayes.engine.kernels.transition import transitions
    from continuous_processes import errors, exact, grid

    def by_doubling(drift, noise):
        size, count = len(drift), drift.size
        registers = np.concatenate([drift.ravel(), noise.ravel(), [1.0], np.empty(2 * count)])
        transitions(registers, 0, count, 2 * count, 1, size, 2 * count + 1)
        return registers[2 * count + 1 :].reshape(2, size, size)

    found = defaultdict(list)
    with np.errstate(all="ignore"):
        for name, drift, diffusion, length in grid():
            want = exact(drift, diffusion, length)
            pairs = [errors(by(drift * length, diffusion * length), want) for by in (by_van_loan, by_doubling)]
            found[name.split(", ")[1], length].append(np.nan_to_num(np.ravel(pairs), nan=np.inf))
    print("Largest error, K = 2 to 4: effects absolute, innovation covariances relative to sqrt(Psi_ii Psi_jj)")
    heads = f"{'block: effects':>16}{'covariances':>13}{'now: effects':>14}{'covariances':>13}"
    print(f"{'drift':18}{'decay x interval':>17}{heads}")
    for (kind, length), rows in found.items():
        cells = np.max(rows, axis=0)
        print(f"{kind:18}{length:17g}{cells[0]:16.1e}{cells[1]:13.1e}{cells[2]:14.1e}{cells[3]:13.1e}")
    before, _, now, _ = whole = np.max([row for rows in found.values() for row in rows], axis=0)
    print(f"{'all':35}{before:16.1e}{whole[1]:13.1e}{now:14.1e}{whole[3]:13.1e}", flush=True)


def panel_of(n_measures, n_waves, times, persons=100, own_times=None):
    rng = np.random.default_rng(1)
    values = rng.normal(size=(persons, n_waves, n_measures)) + rng.normal(size=(persons, 1, n_measures))
    for wave in range(1, n_waves):
        values[:, wave] += 0.4 * values[:, wave - 1]
    options = {} if own_times is None else {"own_times": own_times}
    return ab.Panel.from_arrays(values, measures=MEASURES[:n_measures], times=times, **options)


def models():
    rng = np.random.default_rng(2)
    days = np.cumsum(rng.integers(30, 90, size=(100, 4)), axis=1) / 30.4375
    whenever = np.cumsum(rng.uniform(1.0, 3.0, size=(100, 4)), axis=1)
    for size in (2, 4):
        spec, panel = ab.RICLPM(MEASURES[:size], lags="continuous"), panel_of(size, 4, [0, 1, 3, 7])
        yield f"{size} measures, 3 different intervals", spec, panel
        yield f"{size} measures, stationary", replace(spec, stationary=True), panel
    yield (
        "2 measures, interval of 50 shortest",
        ab.RICLPM(MEASURES[:2], lags="continuous"),
        panel_of(2, 5, [0, 1, 2, 52, 53]),
    )
    for name, own in (("days", days), ("any moment", whenever)):
        planned = np.round(own.mean(axis=0), 6)
        spec = ab.RICLPM(MEASURES[:2], lags="continuous")
        yield f"2 measures, 100 people's own times, {name}", spec, panel_of(2, 4, planned, own_times=own)


def timed():
    """Microseconds of a processor for a gradient of each model, the least of five batches, by name."""
    runs = {name: microseconds(panel, spec, time.process_time) for name, spec, panel in models()}
    return {name: min(run(batch) for batch in range(5)) for name, run in runs.items()}


def in_checkout(source):
    environment = {**os.environ, "PYTHONPATH": str(source), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, __file__, "--times-as-json"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def cost_table(before, rounds):
    here = Path(ab.__file__).parents[1]
    runs = [(in_checkout(here), in_checkout(before / "src")) for _ in range(rounds)]
    print(f"\nMicroseconds of a processor for a gradient, median of {rounds} runs that alternate")
    print(f"{'model':50}{'now':>10}{'before':>10}{'ratio':>8}")
    for name in runs[0][0]:
        now, then = (statistics.median(run[place][name] for run in runs) for place in (0, 1))
        print(f"{name:50}{now:10.1f}{then:10.1f}{now / then:8.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--before", type=Path, metavar="CHECKOUT", help="of the package, to time gradients in too")
    parser.add_argument("--rounds", type=int, default=5, help="processes for each checkout")
    parser.add_argument("--times-as-json", action="store_true", help="time gradients alone")
    arguments = parser.parse_args()
    if arguments.times_as_json:
        print(json.dumps(timed()))
        return
    error_table()
    if arguments.before is not None:
        cost_table(arguments.before.resolve(), arguments.rounds)


if __name__ == "__main__":
    main()
