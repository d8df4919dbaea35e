"""Effective draws of lags and means per second: ours, hand-written Stan, sampled random intercepts, pathmc."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from measuring import (
    CORES,
    PEERS,
    Figure,
    Options,
    answer_of,
    how_to_set_up,
    peer_python,
    side_by_side,
    smallest_bulk_ess,
)
from panels import eight_patterns, help_panel, long_frame, spec_of
from stan_peer import LAGS_AND_MEANS, StanRun, check_same_means, check_same_posterior, run_stan

import alliance_bayes as ab

UNIT = "ESS/s"
WARM_UPS = (1000, 500)
SAMPLED = "the same model, random intercepts and missing values sampled"
NOT_THE_MODEL = "not an RI-CLPM, which it cannot express: lags of values, sampled intercepts, equal means, own priors"


def our_fit(panel: ab.Panel, seed: int) -> ab.Fit:
    return ab.fit(spec_of(panel), panel, seed=seed, draws=1000, chains=4, cores=CORES, progress=False)


def our_ess_per_second(fit: ab.Fit) -> float:
    """Smallest bulk effective sample size of lags and means per second of sampling, warm-up counted."""
    draws = {name: fit.posterior[name].transpose("chain", "draw", ...).values for name in LAGS_AND_MEANS}
    return smallest_bulk_ess(draws) / fit.settings.sampling_seconds


def against_stan(options: Options) -> Iterator[Figure]:
    """The three panels against Stan."""
    panels: list[tuple[str, Callable[[], ab.Panel], int]] = [
        ("302 people, 2 measures, 4 waves, 8 patterns", lambda: eight_patterns(2), 6),
        ("302 people, 4 measures, 4 waves, 8 patterns", lambda: eight_patterns(4), 5),
        ("HELP, 2 measures, 4 waves, 78 patterns", help_panel, 4),
    ]
    for name, make, target in panels:
        yield _against_stan(name, make(), f"ratio >= {target}", options)


def _against_stan(name: str, panel: ab.Panel, target: str, options: Options) -> Figure:
    figure = {"benchmark": "sampling", "name": name, "unit": UNIT, "ratio_is": "ours / peer", "target": target}
    if peer_python("stan") is None:
        ours = [our_ess_per_second(our_fit(panel, seed)) for seed in range(1, 1 + options.repeats(5))]
        return Figure(**figure, peer="Stan", measured={"ours": ours}, missing=how_to_set_up("stan"))
    density = check_same_posterior(panel, options)
    fits: list[ab.Fit] = []
    runs: dict[int, list[StanRun]] = {warmup: [] for warmup in WARM_UPS}
    our_fit(panel, 0)  # kernels from disk

    def ours(number: int) -> float:
        fits.append(our_fit(panel, number + 1))
        return our_ess_per_second(fits[-1])

    def stan(warmup: int) -> Callable[[int], float]:
        def run(number: int) -> float:
            runs[warmup].append(run_stan(panel, options, seed=number + 1, warmup=warmup))
            return runs[warmup][-1].ess_per_second

        return run

    measured = side_by_side({"ours": ours, **{str(each): stan(each) for each in WARM_UPS}}, options.repeats(5))
    best = max(WARM_UPS, key=lambda warmup: np.median(measured[str(warmup)]))
    means = check_same_means(fits[-1], runs[best][-1].draws)
    return Figure(
        **figure,
        peer=f"Stan, {best} warm-up",
        measured={"ours": measured["ours"], "peer": measured[str(best)]},
        note=f"the same density to {density:.0e}, means within {means:.1f} MCSE",
        details={
            "ESS/s of Stan by warm-up": {str(each): measured[str(each)] for each in WARM_UPS},
            "our seconds": [fit.settings.sampling_seconds for fit in fits],
            "our gradients after warm-up": [int(fit.draws["sample_stats"]["n_steps"].sum()) for fit in fits],
            "our divergences": [fit.health.divergences for fit in fits],
            "our smallest ESS of any parameter": [[fit.health.ess_bulk, fit.health.worst] for fit in fits],
            "Stan's seconds": {str(each): [run.seconds for run in runs[each]] for each in WARM_UPS},
        },
    )


def against_sampled_intercepts(options: Options) -> Iterator[Figure]:
    """The first panel against models that sample every person's random intercepts and missing values."""
    panel = eight_patterns(2)
    frame_file = options.folder / "two.csv"
    long_frame(panel).to_csv(frame_file, index=False)
    draws = 300 if options.quick else 1000
    peers = [
        ("plain PyMC", Path(sys.executable), "pymc_latent.py", SAMPLED),
        ("pathmc", peer_python("pathmc"), "pathmc_panel.py", NOT_THE_MODEL),
    ]
    fit = our_fit(panel, 0)
    for peer, interpreter, script, note in peers:
        figure = {
            "benchmark": "intercepts",
            "name": "302 people, 2 measures, 4 waves, 8 patterns",
            "unit": UNIT,
            "peer": peer,
            "ratio_is": "ours / peer",
        }
        if interpreter is None:
            yield Figure(**figure, missing=how_to_set_up(peer))
            continue
        answers = []

        def theirs(number: int, peer=peer, command=(interpreter, PEERS / script), answers=answers) -> float:
            answer_file = options.folder / "intercepts.npz"
            answers.append(answer_of([*command, frame_file, str(draws), str(number + 1), answer_file]))
            with np.load(answer_file) as arrays:
                answers[-1]["ESS"] = {name: smallest_bulk_ess({name: arrays[name]}) for name in arrays}
                if peer == "plain PyMC":
                    check_same_means(fit, arrays, {name: name.removeprefix("relative_") for name in LAGS_AND_MEANS})
            return min(answers[-1]["ESS"].values()) / answers[-1]["seconds"]

        def ours(number: int) -> float:
            return our_ess_per_second(our_fit(panel, number + 1))

        measured = side_by_side({"ours": ours, "peer": theirs}, options.repeats(3))
        yield Figure(**figure, measured=measured, note=note, details={"draws": draws, "peer": answers})
