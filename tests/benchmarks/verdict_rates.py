"""How often verdicts on direction are right, wrong or withheld, before and after a change of the package.

Studies are drawn by numpy alone: `draw_study` shares nothing with the package. The same studies are fitted by each
checkout, one row of a CSV file per study and checkout, and what is in the file is done:

    python tests/benchmarks/verdict_rates.py run --checkout . --name after --studies 100
    python tests/benchmarks/verdict_rates.py run --checkout OLD --name before --studies 100
    python tests/benchmarks/verdict_rates.py table
"""

import argparse
import csv
import hashlib
import math
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy.stats import binomtest

FOLDER = Path(__file__).parent / "verdict_rates"
FIELDS = ("cell", "study", "verdict", "healthy", "larger", "both", "forward", "backward", "sd_forward", "sd_backward")
MARGIN = 0.03


@dataclass(frozen=True)
class Cell:
    """What studies are drawn from: a first measure x and a second one y."""

    forward: float = 0.0  # x -> y, within-person SD per SD
    backward: float = 0.0
    persons: int = 302
    waves: int = 4
    icc: tuple[float, float] = (0.5, 0.5)
    carry_over: tuple[float, float] = (0.4, 0.4)
    reliability: tuple[float, float] = (1.0, 1.0)

    @property
    def name(self) -> str:
        """Truth and, where they differ from the usual, circumstances."""
        usual = Cell()
        unlike = [
            f"{field} {getattr(self, field)}"
            for field in ("persons", "waves", "icc", "carry_over", "reliability")
            if getattr(self, field) != getattr(usual, field)
        ]
        return "; ".join([f"{self.forward:g}/{self.backward:g}", *unlike])

    @property
    def has_leader(self) -> bool:
        """Whether one effect is larger than the other by more than the margin."""
        return abs(abs(self.forward) - abs(self.backward)) > MARGIN

    @property
    def circumstances(self) -> str:
        """What is unlike the usual."""
        return self.name.partition("; ")[2] or "302 people, 4 waves"


SYMMETRIC = [Cell(), Cell(persons=150), Cell(persons=1000), Cell(waves=3)]
UNLIKE = [Cell(icc=(0.7, 0.3)), Cell(carry_over=(0.6, 0.1)), Cell(reliability=(0.6, 1.0))]
ONE_WAY = [(0.0, 0.0), (0.15, 0.0), (0.25, 0.0), (0.1, 0.1)]
BOTH_WAYS = [*ONE_WAY, (0.0, 0.15), (0.0, 0.25)]
CELLS = {
    cell.name: cell
    for circumstances, truths in ((SYMMETRIC, ONE_WAY), (UNLIKE, BOTH_WAYS))
    for each in circumstances
    for forward, backward in truths
    for cell in [replace(each, forward=forward, backward=backward)]
}


def draw_study(cell: Cell, study: int) -> np.ndarray:
    """Values, shape (person, wave, 2): a stationary process about stable traits, and errors of measurement.

    Within-person SDs are 1 and their correlation .3 at every wave, that of the traits .4.
    """
    seed = int.from_bytes(hashlib.sha256(cell.name.encode()).digest()[:4], "little")
    rng = np.random.default_rng([seed, study])
    lagged = np.array([[cell.carry_over[0], cell.backward], [cell.forward, cell.carry_over[1]]])
    within = np.array([[1.0, 0.3], [0.3, 1.0]])
    innovation = np.linalg.cholesky(within - lagged @ within @ lagged.T)
    icc = np.array(cell.icc)
    trait_sd = np.sqrt(icc / (1 - icc))
    traits = rng.standard_normal((cell.persons, 2)) @ np.linalg.cholesky([[1.0, 0.4], [0.4, 1.0]]).T * trait_sd
    state = rng.standard_normal((cell.persons, 2)) @ np.linalg.cholesky(within).T
    reliability = np.array(cell.reliability)
    error_sd = np.sqrt((1 + trait_sd**2) * (1 - reliability) / reliability)
    values = np.empty((cell.persons, cell.waves, 2))
    for wave in range(cell.waves):
        if wave:
            state = state @ lagged.T + rng.standard_normal((cell.persons, 2)) @ innovation.T
        values[:, wave] = traits + state + rng.standard_normal((cell.persons, 2)) * error_sd
    return values


def answer_to(values: np.ndarray, seed: int) -> tuple[str | float, ...]:
    """Verdict and probabilities of the package that can be imported."""
    import alliance_bayes as ab

    panel = ab.Panel.from_arrays(values, measures=["x", "y"], times=list(range(values.shape[1])))
    spec = ab.RICLPM(["x", "y"], lags="equal")
    fit = ab.fit(spec, panel, seed=seed, chains=2, draws=500, cores=1, progress=False)
    answer = ab.directionality(fit, "x", "y", margin=MARGIN)
    forward, backward = effects_of(answer.draws)
    larger = np.mean(abs(forward) > abs(backward))
    both = np.mean((abs(forward) > MARGIN) & (abs(backward) > MARGIN))
    moments = (forward.mean(), backward.mean(), forward.std(), backward.std())
    return answer.verdict, int(fit.health.healthy), *(f"{value:.4f}" for value in (larger, both, *moments))


def effects_of(draws: object) -> tuple[np.ndarray, np.ndarray]:
    """Draws of both effects, of this version of the package or an earlier one."""
    if "forward" in draws:
        return draws["forward"].to_numpy().ravel(), draws["backward"].to_numpy().ravel()
    effects = draws["effect"]
    return tuple(effects.sel(path=path).to_numpy().ravel() for path in ("x -> y", "y -> x"))


def done_in(file: Path) -> set[tuple[str, int]]:
    if not file.exists():
        return set()
    with file.open() as lines:
        return {(row["cell"], int(row["study"])) for row in csv.DictReader(lines)}


def work(name: str, studies: range) -> None:
    """Fit what is not in the file yet, study by study, all cells in turn."""
    FOLDER.mkdir(exist_ok=True)
    file = FOLDER / f"{name}.csv"
    done = done_in(file)
    todo = [(cell, study) for study in studies for cell in CELLS if (cell, study) not in done]
    started = time.monotonic()
    with file.open("a", newline="") as lines:
        rows = csv.writer(lines, lineterminator="\n")
        if not lines.tell():
            rows.writerow(FIELDS)
        for number, (cell, study) in enumerate(todo, 1):
            rows.writerow((cell, study, *answer_to(draw_study(CELLS[cell], study), seed=study)))
            lines.flush()
            if number % 20 == 0:
                left = (time.monotonic() - started) / number * (len(todo) - number) / 60
                print(f"{number} of {len(todo)}, {left:.0f} minutes left", file=sys.stderr, flush=True)


def rows_of(name: str) -> dict[tuple[str, int], dict[str, str]]:
    with (FOLDER / f"{name}.csv").open() as lines:
        return {(row["cell"], int(row["study"])): row for row in csv.DictReader(lines)}


def outcome(cell: Cell, verdict: str) -> str:
    """Whether what a verdict says is right or wrong, and "undecided" where it says nothing."""
    if verdict == "undecided":
        return verdict
    sizes = (abs(cell.forward), abs(cell.backward))
    holds = {
        "x leads": sizes[0] - sizes[1] > MARGIN,
        "y leads": sizes[1] - sizes[0] > MARGIN,
        "both": min(sizes) > MARGIN,
        "practically none": max(sizes) < MARGIN,
    }
    return "right" if holds[verdict] else "wrong"


@dataclass(frozen=True)
class Found:
    """Verdicts and what they are worth, each of shape (study, 2), before and after."""

    cell: Cell
    verdicts: np.ndarray
    given: np.ndarray
    named: np.ndarray
    wrong: np.ndarray
    healthy: np.ndarray

    @classmethod
    def of(cls, cell: Cell, pairs: list[tuple[dict[str, str], dict[str, str]]]) -> "Found":
        """Those of the studies of one cell."""
        verdicts = np.array([[row["verdict"] for row in pair] for pair in pairs])
        outcomes = np.array([[outcome(cell, verdict) for verdict in pair] for pair in verdicts])
        healthy = np.array([[row["healthy"] == "1" for row in pair] for pair in pairs])
        right, leads = outcomes == "right", np.char.endswith(verdicts, "leads")
        return cls(cell, verdicts, outcomes != "undecided", right & leads, outcomes == "wrong", healthy)

    @classmethod
    def joined(cls, parts: "list[Found]") -> "Found":
        """Those of several cells."""
        names = ("verdicts", "given", "named", "wrong", "healthy")
        return cls(Cell(), *(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def in_errors(right: np.ndarray) -> str:
    """Mean change of the second column from the first over its standard error, study by study."""
    change = right[:, 1].astype(float) - right[:, 0]
    return f"{change.mean() / (change.std(ddof=1) / math.sqrt(len(change))):+.1f}" if change.any() else "0"


def table() -> Iterator[str]:
    """The committed table, in Markdown, and what it comes to."""
    before, after = rows_of("before"), rows_of("after")
    shared = sorted(before.keys() & after.keys())
    heads = (
        "circumstances",
        "x -> y / y -> x",
        "studies",
        "verdicts",
        "leader named",
        "difference in SE",
        "false",
        "mean P(both)",
    )
    yield f"| {' | '.join(heads)} |"
    yield "|" + "---|" * len(heads)
    of_cells = []
    for name, cell in CELLS.items():
        pairs = [(before[key], after[key]) for key in shared if key[0] == name]
        if not pairs:
            continue
        found = Found.of(cell, pairs)
        of_cells.append(found)
        both = np.mean([[float(row["both"]) for row in pair] for pair in pairs], axis=0)
        yield (
            f"| {cell.circumstances} | {cell.forward:g} / {cell.backward:g} | {len(pairs)} | {_both(found.given)} | "
            f"{_both(found.named) if cell.has_leader else 'none leads'} | "
            f"{in_errors(found.named) if cell.has_leader else ''} | {_both(found.wrong)} | "
            f"{both[0]:.2f} / {both[1]:.2f} |"
        )
    yield ""
    everywhere, led = Found.joined(of_cells), Found.joined([found for found in of_cells if found.cell.has_leader])
    fine = led.named[led.healthy.all(axis=1)]
    shares = " and ".join(f"{100 * share:.0f} %" for share in led.healthy.mean(axis=0))
    yield (
        f"Healthy: {_both(everywhere.healthy)} of {len(everywhere.healthy):,}; verdicts: {_both(everywhere.given)}, "
        f"of which false: {_both(everywhere.wrong)} ({_shares(everywhere)})."
    )
    for verdict in ("leads", "both", "practically none"):
        stated = np.char.endswith(everywhere.verdicts, verdict)
        yield f"'{verdict}': {_both(stated)}, of which false: {_both(stated & everywhere.wrong)}."
    yield (
        f"True leader named: {_both(led.named)} of {len(led.named):,} ({in_errors(led.named)} SE); of these fits "
        f"{shares} healthy; named where both fits are healthy: {_both(fine)} of {len(fine):,} ({in_errors(fine)} SE)."
    )


def _shares(found: Found) -> str:
    """False verdicts in % of those given, with Wilson's intervals."""
    parts = []
    for column in range(2):
        wrong, given = int(found.wrong[:, column].sum()), int(found.given[:, column].sum())
        low, high = binomtest(wrong, given).proportion_ci(method="wilson")
        parts.append(f"{100 * wrong / given:.1f} % [{100 * low:.1f}, {100 * high:.1f}]")
    return " / ".join(parts)


def _both(holds: np.ndarray) -> str:
    return " / ".join(str(count) for count in holds.sum(axis=0))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run")
    run.add_argument("--checkout", type=Path, required=True)
    run.add_argument("--name", choices=["before", "after"], required=True)
    run.add_argument("--studies", type=int, default=100)
    inside = commands.add_parser("work")
    inside.add_argument("name")
    inside.add_argument("studies", type=int)
    commands.add_parser("table")
    given = parser.parse_args()
    if given.command == "table":
        print("\n".join(table()))
    elif given.command == "work":
        work(given.name, range(given.studies))
    else:
        threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        environment = os.environ | threads | {"PYTHONPATH": str(given.checkout.resolve() / "src")}
        subprocess.run([sys.executable, __file__, "work", given.name, str(given.studies)], env=environment, check=True)


if __name__ == "__main__":
    main()
