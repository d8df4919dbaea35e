"""The prior of an answer on direction: what the stated priors say of standardised effects, averaged over waves.

For every model 12,000 draws of its prior: SD of the standardised effects over the shortest interval, averaged over all
intervals of that length; the same for both directions where the ICC of one measure is .9 and that of another .3; growth
of the within-person SD from the first wave to the last; and the share of draws that are no model, such as unstable
drifts. Each row is one line of a file, so that a run can be stopped and started again:

``python tests/benchmarks/implied_prior.py --results FILE --before FOLDER``

prints the table of docs/priors.md, with FOLDER a checkout of an older commit (the docs: f1698c9) whose rows come from a
process of its own; without it the table has the present state alone.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

import alliance_bayes as ab
from alliance_bayes.engine.kernels.interpreter import run_many
from alliance_bayes.engine.model_on_panel import PanelModel, panel_model

N_DRAWS = 12_000
UNLIKE = (0.9, 0.3)  # ICC of the first two measures
WAVES = (3, 4, 6, 10)
OTHERS = ("unpooled", "CLPM", "DPM", "LCMSR", "ALT", "STARTS", "stationary")

type Row = dict[str, float]


def names() -> Iterator[str]:
    """What is tabulated, as text, such as ``"equal, normal, 2 measures, 4 waves"``."""
    for lags in ("equal", "free", "grid", "continuous"):
        for family in ("normal", "days"):
            for n_measures in (2, 4):
                for n_waves in WAVES:
                    yield f"{lags}, {family}, {n_measures} measures, {n_waves} waves"
    for kind in OTHERS:
        for n_waves in (4, 10):
            yield f"{kind}, normal, 2 measures, {n_waves} waves"


def model_of(name: str) -> PanelModel:
    """The model of a row, on a panel that its prior does not depend on."""
    kind, family, measures, waves = name.split(", ")
    n_measures, n_waves = int(measures.split()[0]), int(waves.split()[0])
    columns = [f"y{place}" for place in range(1, n_measures + 1)]
    times = [*range(n_waves - 1), n_waves - 1 + (kind == "grid")]
    values = np.random.default_rng(0).normal(size=(200, n_waves, n_measures))
    options: dict[str, object] = {"stationary": True} if kind == "stationary" else {}
    if kind in ("equal", "free", "unpooled", "grid", "continuous"):
        options["lags"] = kind
    if family == "days":
        options["families"] = {"y1": ab.Days(30)}
        values[:, :, 0] = np.random.default_rng(1).integers(0, 31, values.shape[:2])
    model = getattr(ab, kind if kind.isupper() else "RICLPM")
    return panel_model(model(columns, **options), ab.Panel.from_arrays(values, measures=columns, times=times))


def row_of(model: PanelModel, n_draws: int = N_DRAWS, seed: int = 1) -> Row:
    """SDs, growth and the share of draws that are no model."""
    drawn = model.scale.draw(n_draws, np.random.default_rng(seed))
    effects, within, share = _implied(model, drawn)
    growth = within[:, -1] / within[:, 0]
    row = {
        "sd": float(effects.std(axis=0).mean()),
        "growth": float(np.median(growth)),
        "growth_95": float(np.quantile(growth, 0.95)),
        "rejected": 1 - share,
    }
    if "icc" in drawn:
        drawn["icc"][..., :2] = UNLIKE
        effects, *_ = _implied(model, drawn)
        paths = list(model.spec.cross_lagged_paths)
        first, second = (effects[:, paths.index(path)].std() for path in ("y1 -> y2", "y2 -> y1"))
        row |= {"unlike_first": float(first), "unlike_second": float(second)}
    return row


def _implied(model: PanelModel, drawn: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray, float]:
    """Averaged standardised effects, shape ``(draw, path)``; within-person SDs; the share of proper draws."""
    thetas, proper = run_many(model.scale.join(drawn), model.scale.arrays)
    vectors, derived = model.derive(thetas[proper]), model.derived
    every, within = (
        vectors[:, derived[name].where].reshape(-1, *derived[name].shape)
        for name in ("lagged_standardized", "within_sd")
    )
    lengths, paths = np.diff(model.panel.times), list(model.scale.coordinates["path"])
    chosen = [paths.index(path) for path in model.spec.cross_lagged_paths]
    shortest = np.isclose(lengths, lengths.min())
    return every[:, shortest][:, :, chosen].mean(axis=1), within, float(proper.mean())


def rows(results: Path) -> dict[str, Row]:
    """All rows, those in the file already and those added to it now."""
    known = dict(map(json.loads, results.read_text().splitlines())) if results.exists() else {}
    with results.open("a") as file:
        for name in names():
            if name in known or (name.startswith("unpooled") and "unpooled" not in ab.RICLPM.__doc__):
                continue
            known[name] = row_of(model_of(name))
            file.write(json.dumps([name, known[name]]) + "\n")
            file.flush()
    return known


def table(after: dict[str, Row], before: dict[str, Row]) -> str:
    """Markdown."""
    heads = ["model", "SD before", "SD", "SD, ICC .9 and .3", "growth before", "growth", "95th percentile", "rejected"]
    lines = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    for name, row in after.items():
        old = before.get(name.replace("unpooled", "free"), {}) if name.startswith("unpooled") else before.get(name, {})
        unlike = [row[key] for key in ("unlike_first", "unlike_second") if key in row]
        cells = [
            name,
            f"{old['sd']:.3f}" if old else "",
            f"{row['sd']:.3f}",
            " / ".join(f"{sd:.3f}" for sd in unlike),
            f"{old['growth']:.2f} (to {old['growth_95']:.1f})" if old else "",
            f"{row['growth']:.2f}",
            f"{row['growth_95']:.2f}",
            f"{row['rejected']:.1%}" if row["rejected"] else "none",
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, required=True, help="file with one line for each row")
    parser.add_argument("--before", type=Path, help="checkout of an older commit")
    arguments = parser.parse_args()
    before: dict[str, Row] = {}
    if arguments.before is not None:
        older = arguments.results.with_suffix(".before" + arguments.results.suffix)
        environment = os.environ | {"PYTHONPATH": str(arguments.before.resolve() / "src")}
        subprocess.run(
            [sys.executable, __file__, "--results", str(older)],
            env=environment,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        before = dict(map(json.loads, older.read_text().splitlines()))
    print(table(rows(arguments.results), before))


if __name__ == "__main__":
    main()
