"""Calibration of every kind of model, made again: what it will cost first, then replicates, then a page of results.

Each replicate is a file of its own, so that the run can be stopped and started again:
``python tests/benchmarks/calibration.py`` does what is not yet in the folder, and writes ``docs/calibration.json`` and,
with its hash and the version in git, ``docs/calibration.md``. `--replicates 20` does so many of each kind, which finds
gross faults alone; `--kinds "CLPM" "days"` does these alone and writes nothing; `--what-is-done` writes the results of
what is in the folder.
"""

import argparse
import hashlib
import json
import subprocess
import sys
import time
from bisect import bisect_right
from pathlib import Path

import numpy as np
from calibration_kinds import KINDS
from scipy.stats import binomtest

import alliance_bayes as ab
from alliance_bayes.batches import Replicate, read_batch
from alliance_bayes.calibration.answering import FEWEST
from alliance_bayes.calibration.calibrate import CELL, PLANS

ROOT = Path(__file__).resolve().parents[2]
HEAD = Path(__file__).with_name("calibration_head.md")
RESULTS, PAGE = ROOT / "docs" / "calibration.json", ROOT / "docs" / "calibration.md"
SEED = 17
SAMPLING = {"draws": 1000, "chains": 2}
FIRST = 2
"""Replicates of each kind that tell what the others cost; the first of them may compile."""
LEVEL = 0.01
SAID = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0)
"""Bins of the probability with which one effect is said to be the larger."""


def runs(chosen, replicates):
    """Name, kind, scale and number of replicates of everything to be done."""
    for name, kind in KINDS.items():
        if chosen and name not in chosen:
            continue
        for scale in kind.scales:
            yield name, kind, scale, min(kind.replicates, replicates or kind.replicates)


def what_is_done(asked, folder):
    """As `runs`, with the replicates that the folder holds."""
    for name, kind, scale, replicates in asked:
        where = folder / name.replace(",", "") / PLANS[scale] / CELL
        done = {int(file.stem) for file in where.glob("*.npz")}
        yield name, kind, scale, min({*range(replicates + 1)} - (done - {replicates}))


def calibrated(name, kind, scale, replicates, folder, workers):
    """The answer of a kind, the mean processor seconds of its fits, and more that their table says.

    That is how many have too many divergences, and what they say of the larger effect.
    """
    where = folder / name.replace(",", "")
    answer = ab.calibrate(
        kind.spec,
        kind.panel,
        replicates=replicates,
        folder=where,
        seed=SEED,
        scale=scale,
        ask=kind.ask,
        workers=workers,
        progress=True,
        **SAMPLING,
    )
    batch = read_batch([Replicate(PLANS[scale], CELL, number) for number in range(replicates)], where)
    divergent = int(batch.table["health"].str.contains("divergent transition").sum())
    return answer, float(batch.seconds.iloc[1:].mean()), {"divergent": divergent, "larger": larger_of(batch.table)}


def larger_of(table):
    """Of each bin of `SAID`: replicates, sum of what is said of the effect that seems the larger, and how often it is.

    Of one pair and one length of each replicate, so that replicates are independent.
    """
    done = table[table["status"] == "done"]
    counts = [{"n": 0, "said": 0.0, "true": 0} for _ in SAID[1:]]
    for _, row in done.iterrows():
        at = next(index for index, name in enumerate(row["events"]) if "| larger, " in name)
        first, holds = float(row["probabilities"][at]), bool(row["holds"][at] > 0.5)
        said = max(first, 1 - first)
        of_bin = counts[min(bisect_right(SAID, said), len(counts)) - 1]
        of_bin["n"] += 1
        of_bin["said"] += said
        of_bin["true"] += int(holds == (first > 0.5))
    return counts


def say_cost(asked, folder, workers):
    """Do the first replicates of each kind, and print how long all will take."""
    total = 0.0
    print(f"{'kind':40s} {'replicates':>10s} {'seconds each':>13s} {'processor minutes':>18s}")
    for name, kind, scale, replicates in asked:
        _, seconds, _ = calibrated(name, kind, scale, min(FIRST, replicates), folder, 1)
        total += seconds * replicates
        print(
            f"{name + ', ' + scale:40s} {replicates:10d} {seconds:13.1f} {seconds * replicates / 60:18.0f}", flush=True
        )
    hours = total / 3600 / (workers or 1)
    print(
        f"About {total / 3600:.1f} processor hours, {hours:.1f} hours with {workers or 1} processes, less what is done."
    )


def result_of(answer, kind, scale, seconds, more):
    """What is kept of an answer: all its tables but the ranks."""
    told = answer.to_dict()
    tables = {name: _rounded(rows) for name, rows in told["tables"].items() if name != "rank_of_each"}
    counts = {key: value for key, value in tables["replicates"][0].items() if key != "least_effective"}
    p = [row["p_holm"] for name in ("table", "events", "verdicts") for row in tables.get(name, [])]
    return {
        "model": str(kind.spec.title),
        "scale": scale,
        "persons": kind.panel.n_persons,
        "waves": len(kind.panel.times),
        "expected": kind.replicates,
        **counts,
        "seconds": round(seconds, 1),
        "tests": len(p),
        "smallest_p_holm": min(p, default=1.0),
        "verdict": told["verdict"],
        "problems": told["sampling"]["problems"],
        "divergent": more["divergent"],
        "larger": [of_bin | {"said": round(of_bin["said"], 4)} for of_bin in more["larger"]],
        "tables": {name: rows for name, rows in tables.items() if name != "replicates"},
    }


def _rounded(rows):
    return [
        {key: float(f"{value:.4g}") if isinstance(value, float) else value for key, value in row.items()}
        for row in rows
    ]


def git_version():
    """The commit, and whether files differ from it."""
    told = [
        subprocess.run(["git", "-C", ROOT, *command], capture_output=True, text=True, check=True).stdout.strip()
        for command in (["rev-parse", "HEAD"], ["status", "--porcelain", "--untracked-files=no"])
    ]
    return told[0] + (" with changes" if told[1] else "")


def write(results):
    """Results, then the page about them with their hash."""
    record = {
        "version": ab.__version__,
        "git": git_version(),
        "date": time.strftime("%Y-%m-%d"),
        "seed": SEED,
        "sampling": SAMPLING,
        "kinds": results,
    }
    text = json.dumps(record, indent=1, ensure_ascii=False) + "\n"
    RESULTS.write_text(text)
    PAGE.write_text(page(record, hashlib.sha256(text.encode()).hexdigest()))


def page(record, digest):
    """The page of results, in Markdown."""
    few = [name for name, result in record["kinds"].items() if result["asked"] < result["expected"]]
    preliminary = (
        [
            f"**Preliminary**: {len(few)} of {len(record['kinds'])} rows have fewer replicates than planned, "
            "so that only gross faults would show.",
            "",
        ]
        if few
        else []
    )
    rows = [
        f"| {name} | {result['persons']} × {result['waves']} | {_replicates(result)} | {_worst(result)} | "
        f"{_coverage(result)} | {_p(result['smallest_p_holm'])} | {result['tests']} | {result['failed']} | "
        f"{result['unhealthy']} | {result['divergent']} | {result['seconds']:.1f} |"
        for name, result in record["kinds"].items()
    ]
    parts = HEAD.read_text(), *preliminary, *TABLE, *rows, "", *_larger(record), "", *_end(record, digest), ""
    return "\n".join(parts)


def _replicates(result):
    return (
        str(result["asked"]) if result["asked"] == result["expected"] else f"{result['asked']} of {result['expected']}"
    )


def _p(value):
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def _worst(result):
    if result["asked"] - result["failed"] < FEWEST:
        return "too few replicates to say"
    if result["smallest_p_holm"] >= LEVEL:
        return "none"
    tables = (result["tables"].get(name, []) for name in ("table", "events", "verdicts"))
    named = [
        str(row.get("quantity") or row.get("event") or row.get("verdict"))
        for rows in tables
        for row in rows
        if row["p_holm"] < LEVEL
    ]
    return f"{len(named)}: {', '.join(named[:3])}"


def _coverage(result):
    """Mean coverage of the three intervals over the quantities, in %."""
    rows = result["tables"].get("table", [])
    return " / ".join(f"{100 * np.mean([row[f'cover_{level}'] for row in rows]):.0f}" for level in (50, 80, 95))


def _larger(record):
    """What is said of which effect is larger, beside how often it is, of all models whose scale is held."""
    kinds = [result["larger"] for result in record["kinds"].values() if result["scale"] == "held"]
    bins = [
        {key: sum(kind[index][key] for kind in kinds) for key in ("n", "said", "true")}
        for index in range(len(SAID) - 1)
    ]
    rows = []
    for low, high, of_bin in zip(SAID[:-1], SAID[1:], bins, strict=True):
        if of_bin["n"]:
            found = binomtest(of_bin["true"], of_bin["n"])
            lower, upper = found.proportion_ci(method="wilson")
            shares = f"{of_bin['said'] / of_bin['n']:.3f} | {found.statistic:.3f} | {lower:.3f} to {upper:.3f}"
            rows.append(f"| {low:g} to {high:g} | {of_bin['n']:,} | {shares} |")
    return [*LARGER, *rows]


def _end(record, digest):
    return [
        f"alliance_bayes {record['version']}, git {record['git']}, {record['date']}, seed {record['seed']}; "
        f"{record['sampling']['chains']} chains of {record['sampling']['draws']:,} draws.",
        "",
        f"SHA-256 of `calibration.json`, which has every quantity, event and verdict: `{digest}`",
    ]


LARGER = [
    "## Which effect is larger: said against true",
    "",
    "Truths are drawn from the stated prior, in which neither direction is favoured, and the model says with some "
    "probability which of two effects is the larger in size. How often that is so, of one pair and the shortest "
    "interval of each replicate, all rows above together but those as shipped; intervals are Wilson's:",
    "",
    "| probability said | replicates | mean said | true | 95 % interval |",
    "|---|---|---|---|---|",
]
TABLE = [
    "| kind | people × waves | replicates | miscalibrated | mean coverage of 50 / 80 / 95 % intervals | smallest p, "
    "adjusted | tests | failed | not healthy | of these divergent | seconds per replicate |",
    "|---|---|---|---|---|---|---|---|---|---|---|",
]


def main():
    """Say what it costs, do what is missing, write the results."""
    parser = argparse.ArgumentParser(description="Calibrate every kind of model.")
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "calibration")
    parser.add_argument("--replicates", type=int)
    parser.add_argument("--kinds", nargs="*", choices=list(KINDS), default=[])
    parser.add_argument("--workers", type=int)
    parser.add_argument("--cost", action="store_true", help="say what it costs, and stop")
    parser.add_argument("--what-is-done", action="store_true", help="sample no more, and write results")
    given = parser.parse_args()
    asked = list(runs(given.kinds, given.replicates))
    if given.what_is_done:
        asked = list(what_is_done(asked, given.folder))
    else:
        say_cost(asked, given.folder, given.workers)
    if given.cost:
        return
    results = {}
    for name, kind, scale, replicates in asked:
        answer, seconds, more = calibrated(name, kind, scale, replicates, given.folder, given.workers)
        label = name if scale == "held" else f"{name}, as shipped"
        results[label] = result_of(answer, kind, scale, seconds, more)
        print(f"{label}: {answer.verdict}", flush=True)
        if results[label]["smallest_p_holm"] < LEVEL:
            print(answer, flush=True)
    if not given.kinds:
        write(results)
        print(f"Written: {RESULTS}, {PAGE}")


if __name__ == "__main__":
    sys.exit(main())
