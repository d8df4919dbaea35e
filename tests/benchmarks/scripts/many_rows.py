"""Rows of people at four waves, from Parquet to moments: python many_rows.py FOLDER ROWS [WORKERS].

Writes the folder in pieces of a million people where it does not hold them yet. The last line on stdout is JSON:
seconds of a plain scan (every column read by pyarrow, batch by batch, with the same number of threads), and of the sums
of all columns by DuckDB; seconds of `Panel.from_parquet` in this process and its peak of resident memory in megabytes,
less what it was before; and, with WORKERS, seconds with as many workers of a local Dask cluster, and whether the
moments are the same bit for bit.
"""

import json
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from million_people import give_back, reset_peak, resident
from pyarrow.dataset import dataset

import alliance_bayes as ab
from alliance_bayes.panel.segments import connected

MEASURES = ["alliance", "days"]
TIMES = [6, 12, 18, 24]
PERSONS_OF_A_PIECE = 1_000_000


def write_pieces(folder: Path, n_persons: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for piece, first in enumerate(range(0, n_persons, PERSONS_OF_A_PIECE)):
        file = folder / f"piece-{piece:04d}.parquet"
        if not file.exists():
            n = min(PERSONS_OF_A_PIECE, n_persons - first)
            part = file.with_suffix(".part")
            piece_of(first, n, np.random.default_rng([1, piece])).to_parquet(part, row_group_size=500_000)
            part.rename(file)


def piece_of(first: int, n: int, rng: np.random.Generator) -> pd.DataFrame:
    persons = np.repeat(np.arange(first, first + n), len(TIMES))
    frame = pd.DataFrame({"person": persons, "time": np.tile(TIMES, n)})
    trait = np.repeat(rng.normal(size=(n, len(MEASURES))), len(TIMES), axis=0)
    frame[MEASURES] = trait + rng.normal(size=trait.shape)
    frame.loc[rng.random(len(frame)) < 0.1, MEASURES] = np.nan
    return frame


def scan(folder: Path) -> int:
    """How many rows are read."""
    files = [str(file) for file in sorted(folder.glob("*.parquet"))]
    return sum(batch.num_rows for batch in dataset(files).scanner().to_batches())


def sums(folder: Path) -> None:
    with connected([str(file) for file in sorted(folder.glob("*.parquet"))]) as connection:
        connection.sql(
            "SELECT " + ", ".join(f"sum({name})" for name in ["person", "time", *MEASURES]) + " FROM file"
        ).fetchall()


def panel_of(folder: Path, client: Any = None) -> ab.Panel:
    return ab.Panel.from_parquet(folder, person="person", time="time", measures=MEASURES, client=client)


def timed[Result](run: Callable[[], Result]) -> tuple[Result, dict[str, float]]:
    """What it returns, and its seconds by the clock and of processors."""
    before, started = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    result = run()
    wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_SELF)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return result, {"seconds": round(wall, 1), "processor seconds": round(processor, 1)}


def by_workers(folder: Path, n_workers: int) -> tuple[ab.Panel, float]:
    from distributed import Client

    with Client(n_workers=n_workers, threads_per_worker=1, dashboard_address=":0") as client:
        panel, spent = timed(lambda: panel_of(folder, client))
    return panel, spent["seconds"]


def main(folder: Path, n_rows: int, n_workers: int) -> None:
    write_pieces(folder, n_rows // len(TIMES))
    scan(folder)  # into the system's cache, where it fits
    _, scanned = timed(lambda: scan(folder))
    _, summed = timed(lambda: sums(folder))
    panel_of_few = folder / "few"
    write_pieces(panel_of_few, 1000)
    panel_of(panel_of_few)  # imports
    (panel_of_few / "piece-0000.parquet").unlink()
    give_back()
    before = resident("VmRSS")
    reset_peak()
    panel, reduced = timed(lambda: panel_of(folder))
    answer = {
        "rows": n_rows,
        "bytes": sum(file.stat().st_size for file in folder.glob("*.parquet")),
        "plain scan": scanned,
        "sums": summed,
        "to moments": reduced,
        "ratio": reduced["seconds"] / scanned["seconds"],
        "ratio, processor": reduced["processor seconds"] / scanned["processor seconds"],
        "peak MB": round(resident("VmHWM") - before),
        "patterns": len(panel.moments.n),
    }
    if n_workers:
        spread, answer[f"seconds with {n_workers} workers"] = by_workers(folder, n_workers)
        answer["the same bits"] = all(
            np.array_equal(getattr(spread.moments, each.name), getattr(panel.moments, each.name), equal_nan=True)
            for each in fields(panel.moments)
        )
    print(json.dumps(answer))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 0)
