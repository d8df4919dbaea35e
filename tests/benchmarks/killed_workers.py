"""A cluster whose workers are killed, and whose scheduler is: python tests/benchmarks/killed_workers.py [--panels N].

RI-CLPM fits by `ab.fit_many` in one process; on a local cluster of two processes, of which one is killed every 20
seconds; and once more with a scheduler that is killed when a third is done, and started again. The three tables must be
the same, bit for bit. There must be so many panels that several workers are killed; 1,000 take some minutes.
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import cycle
from pathlib import Path

import pandas as pd
from panels import spec_of
from throughput import eight_patterns_each

import alliance_bayes as ab

WORKERS = 2
FEWEST_KILLED = 5


@contextmanager
def scheduler(folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """A process of `dask scheduler`, and the file that says where it is."""
    file = folder / f"scheduler-{time.monotonic_ns()}.json"
    options = ["--scheduler-file", file, "--port", "0", "--no-dashboard"]
    process = subprocess.Popen([sys.executable, "-m", "distributed.cli.dask_scheduler", *options], stderr=-3)
    try:
        yield process, file
    finally:
        process.kill()
        process.wait()


@contextmanager
def workers(file: Path) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Processes of `dask worker` with one thread each, each started again by its nanny."""
    options = ["--scheduler-file", file, "--nthreads", "1", "--no-dashboard", "--death-timeout", "60"]
    command = [sys.executable, "-m", "distributed.cli.dask_worker", *options]
    processes = [subprocess.Popen(command, stderr=-3, start_new_session=True) for _ in range(WORKERS)]
    try:
        yield processes
    finally:
        for process in processes:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def kill_in_turn(nannies: list[subprocess.Popen[bytes]], seconds: float, ended: threading.Event) -> int:
    """Kill the worker of one nanny every so many seconds, until it is over; returns how many were killed."""
    import psutil

    n_killed = 0
    for process in cycle(nannies):
        if ended.wait(seconds):
            return n_killed
        for child in psutil.Process(process.pid).children(recursive=True):
            if "spawn_main" in " ".join(child.cmdline()):
                child.kill()
                n_killed += 1
    raise AssertionError("there are nannies")


def kill_when(process: subprocess.Popen[bytes], ready: Callable[[], bool]) -> None:
    while not ready():
        time.sleep(0.1)
    process.kill()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python tests/benchmarks/killed_workers.py", description=__doc__)
    parser.add_argument("--panels", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=20.0, help="between two kills")
    given = parser.parse_args()
    panels = eight_patterns_each(given.panels)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)

        def fitted(where: str, **how: object) -> ab.Fits:
            return ab.fit_many(spec_of(panels[0]), panels, folder / where, seed=1, progress=False, **how)

        started = time.perf_counter()
        alone = fitted("alone", workers=1).table
        print(f"one process: {time.perf_counter() - started:.0f} s", flush=True)
        with_killed_workers(fitted, folder, given.seconds, alone)
        with_killed_scheduler(fitted, folder, alone)


def with_killed_workers(fitted, folder: Path, seconds: float, alone: pd.DataFrame) -> None:
    from distributed import Client

    ended, counted = threading.Event(), []
    started = time.perf_counter()
    with scheduler(folder) as (_, file), workers(file) as nannies, Client(scheduler_file=str(file)) as client:
        killer = threading.Thread(target=lambda: counted.append(kill_in_turn(nannies, seconds, ended)))
        killer.start()
        try:
            table = fitted("workers", client=client).table
        finally:
            ended.set()
            killer.join()
    pd.testing.assert_frame_equal(table, alone, check_exact=True)
    print(f"{counted[0]} workers killed: the same table, {time.perf_counter() - started:.0f} s", flush=True)
    if counted[0] < FEWEST_KILLED:
        sys.exit(f"Fewer than {FEWEST_KILLED} were killed; give more --panels.")


def with_killed_scheduler(fitted, folder: Path, alone: pd.DataFrame) -> None:
    """Killed once a third of the fits is done."""
    from distributed import Client

    def n_done() -> int:
        return len(list((folder / "scheduler").rglob("*.npz")))

    with scheduler(folder) as (process, file), workers(file), Client(scheduler_file=str(file)) as client:
        killer = threading.Thread(target=kill_when, args=(process, lambda: n_done() >= len(alone) // 3))
        killer.start()
        try:
            fitted("scheduler", client=client)
        except ab.AllianceBayesError as error:
            print(f"scheduler killed with {n_done()} of {len(alone)} done: {error}", flush=True)
        killer.join()
    with scheduler(folder) as (_, file), workers(file), Client(scheduler_file=str(file)) as client:
        table = fitted("scheduler", client=client).table
    pd.testing.assert_frame_equal(table, alone, check_exact=True)
    print("scheduler started again: the same table", flush=True)


if __name__ == "__main__":
    main()
