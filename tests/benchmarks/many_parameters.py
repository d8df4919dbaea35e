"""How models of many parameters mix at the defaults of `ab.fit`. Run as a script.

Prints, for each model and seed, R-hat and effective sample sizes of all that is reported, gradients and seconds of a
processor, and writes them to ``many_parameters.json``. With ``--before CHECKOUT``, that is measured too.
"""

import argparse
import json
import resource
import sys
from pathlib import Path

from measuring import answer_of
from panels import N_PERSONS, spec_of, truth

import alliance_bayes as ab

MODELS = [(2, 4), (12, 4), (2, 30)]
HEADS = ("measures", "waves", "seed", "R-hat", "ESS bulk", "ESS tail", "divergences", "gradients", "CPU s", "healthy")


def one(n_measures: int, n_waves: int, seed: int) -> dict:
    """One fit, its chains one after the other."""
    panel = ab.simulate(truth(n_measures, n_waves), persons=N_PERSONS, seed=3)
    spec = spec_of(panel)
    ab.fit(spec, panel, seed=0, draws=10, tune=10, progress=False)  # kernels compiled or loaded
    before = resource.getrusage(resource.RUSAGE_SELF).ru_utime
    fit = ab.fit(spec, panel, seed=seed, cores=1, progress=False)
    seconds = resource.getrusage(resource.RUSAGE_SELF).ru_utime - before
    health = fit.health
    values = (
        round(health.rhat, 4),
        round(health.ess_bulk),
        round(health.ess_tail),
        health.divergences,
        int(fit.draws["sample_stats"]["n_steps"].sum()),
        round(seconds, 1),
        health.healthy,
    )
    return dict(zip(HEADS, (n_measures, n_waves, seed, *values), strict=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--before", type=Path, metavar="CHECKOUT", help="of the package, to measure too")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--one", nargs=3, type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(one(*arguments.one)))
        return
    sources = {"now": Path(ab.__file__).parents[1]}
    if arguments.before is not None:
        sources["before"] = arguments.before.resolve() / "src"
    rows = []
    print("  ".join(("which", *HEADS)))
    for n_measures, n_waves in MODELS:
        for seed in range(1, arguments.seeds + 1):
            for which, source in sources.items():
                command = [sys.executable, __file__, "--one", *map(str, (n_measures, n_waves, seed))]
                row = {"which": which} | answer_of(command, PYTHONPATH=str(source), OMP_NUM_THREADS="1")
                print("  ".join(map(str, row.values())), flush=True)
                rows.append(row)
    Path(__file__).with_suffix(".json").write_text("[\n" + ",\n".join(map(json.dumps, rows)) + "\n]\n")


if __name__ == "__main__":
    main()
