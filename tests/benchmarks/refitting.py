"""A new data set of the same design: our posterior against lavaan's maximum likelihood."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
from measuring import CORES, PEERS, Figure, Options, seconds_of, side_by_side
from panels import N_PERSONS, spec_of, truth

import alliance_bayes as ab

FIGURE = {
    "benchmark": "refit",
    "name": "302 people, 2 measures, 4 waves; 2 x 400 draws",
    "unit": "s",
    "ratio_is": "ours / peer",
}


def our_refit(panel: ab.Panel, seed: int) -> ab.Fit:
    """The fastest public way to fit another panel of the same design."""
    return ab.fit(spec_of(panel), panel, seed=seed, draws=400, chains=2, cores=CORES, progress=False)


class LavaanSession:
    """One R session that fits file after file."""

    def __init__(self) -> None:
        command = ["Rscript", PEERS / "lavaan_times.R"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def fit(self, file: Path) -> dict[str, float]:
        """Seconds and -2LL; see the script."""
        self._process.stdin.write(f"{file}\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def close(self) -> None:
        self._process.stdin.close()
        self._process.wait()


def refit(options: Options) -> Iterator[Figure]:
    """Each round is another simulated panel."""
    missing, rounds = ab.Missing(share=0.2), range(options.repeats(9, 3))
    panels = [ab.simulate(truth(2, 4), persons=N_PERSONS, seed=100 + each, missing=missing) for each in rounds]
    files = [options.folder / f"wide-{number}.csv" for number in rounds]
    for panel, file in zip(panels, files, strict=True):
        columns = [f"{measure}_{time:g}" for time in panel.times for measure in panel.measures]
        pd.DataFrame(panel.values.reshape(N_PERSONS, -1), columns=columns).to_csv(file, index=False)
    our_refit(panels[-1], 0)

    def ours(number: int) -> float:
        return seconds_of(lambda: our_refit(panels[number], number + 1))

    if why := _missing():
        measured = side_by_side({"ours": ours}, len(rounds))
        yield Figure(**FIGURE, peer="lavaan", target="ratio <= 4", measured=measured, missing=why)
        return
    session, answers = LavaanSession(), []
    session.fit(files[-1])  # R compiles lavaan's code at first use

    def lavaan(number: int) -> float:
        answers.append(session.fit(files[number]))
        return answers[-1]["fit"]

    measured = side_by_side({"ours": ours, "peer": lavaan}, len(rounds))
    session.close()
    likelihood = side_by_side({"ours": lambda number: seconds_of(lambda: _minus_2ll(panels[number]))}, len(rounds))
    note = f"the same -2LL within {_largest_difference(panels, answers):.0e}"
    for peer, which, target in (("lavaan() by default", "fit", "ratio <= 4"), ("lavaan, estimate alone", "point", "")):
        seconds = {"ours": measured["ours"], "peer": [answer[which] for answer in answers]}
        yield Figure(**FIGURE, peer=peer, target=target, measured=seconds, note=note, details={"lavaan": answers})
    alike = FIGURE | {"name": "302 people, 2 measures, 4 waves; maximum likelihood"}
    yield Figure(**alike, peer="lavaan() by default", measured=likelihood | {"peer": measured["peer"]}, note=note)


def _missing() -> str:
    if shutil.which("Rscript") is None:
        return "missing: install R (r-base-core)"
    found = subprocess.run(["Rscript", "-e", "library(lavaan)"], capture_output=True)
    return "missing: install lavaan in R (r-cran-lavaan)" if found.returncode else ""


def _largest_difference(panels: list[ab.Panel], answers: list[dict[str, float]]) -> float:
    """Between our -2LL and lavaan's, where lavaan says that it converged."""
    return max(
        abs(_minus_2ll(panel) - answer["minus 2 log likelihood"])
        for panel, answer in zip(panels, answers, strict=True)
        if answer["converged"]
    )


def _minus_2ll(panel: ab.Panel) -> float:
    return -2 * ab.maximum_likelihood(spec_of(panel), panel).log_likelihood
