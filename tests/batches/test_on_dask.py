"""Batches on a local cluster of processes: the same bits, whatever dies."""

import os
import signal
import threading
import time
from types import SimpleNamespace

import pandas as pd
import pytest

import alliance_bayes as ab
from alliance_bayes.batches import Replicate, read_batch, run_batch

REPLICATES = [Replicate("trial", cell, number) for cell in ("small", "large") for number in range(10)]


def work(replicate, rng):
    time.sleep(0.2)
    if replicate.number == 3:
        raise ValueError("three")
    return {"mean": rng.normal(), "draws": rng.normal(size=3)}


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    return run_batch(work, REPLICATES, tmp_path_factory.mktemp("alone"), seed=1, workers=1).table


@pytest.fixture(scope="module")
def client():
    with new_client() as client:
        yield client


def new_client():
    from distributed import Client

    return Client(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0", silence_logs=50)


def test_a_cluster_changes_nothing(alone, client, tmp_path):
    results = run_batch(work, REPLICATES, tmp_path, seed=1, client=client)
    pd.testing.assert_frame_equal(results.table, alone, check_exact=True)


@pytest.mark.slow
def test_killed_workers_lose_only_what_was_under_way(alone, tmp_path):
    with new_client() as client:
        killed, results = run_and_kill(client, tmp_path)
    assert killed
    pd.testing.assert_frame_equal(results.table, alone, check_exact=True)


def run_and_kill(client, folder):
    ended, killed = threading.Event(), []

    def kill_again_and_again():
        while not ended.wait(1.0):
            nanny = next(iter(client.cluster.workers.values()))
            if nanny.pid is not None:
                os.kill(nanny.pid, signal.SIGKILL)
                killed.append(nanny.pid)

    killer = threading.Thread(target=kill_again_and_again)
    killer.start()
    try:
        return killed, run_batch(work, REPLICATES, folder, seed=1, client=client)
    finally:
        ended.set()
        killer.join()


@pytest.mark.slow
def test_a_replicate_that_dies_with_its_worker_is_tried_again(alone, tmp_path):
    import dask

    def deadly(replicate, rng):
        once = tmp_path / f"killed {replicate}"
        if replicate.number == 5 and not once.exists():
            once.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return work(replicate, rng)

    with dask.config.set({"distributed.scheduler.allowed-failures": 0}), new_client() as client:
        results = run_batch(deadly, REPLICATES, tmp_path / "batch", seed=1, client=client)
    pd.testing.assert_frame_equal(results.table, alone, check_exact=True)


def test_workers_with_several_threads_are_refused(tmp_path):
    cluster = SimpleNamespace(nthreads=lambda: {"first": 1, "second": 2}, scheduler_info=None)
    with pytest.raises(ab.AllianceBayesError, match="1 workers of the cluster have more than one thread"):
        run_batch(work, REPLICATES, tmp_path, seed=1, client=cluster)


def test_errors_of_a_machine_end_the_batch(client, tmp_path):
    def broken(replicate, rng):
        raise OSError("no disk")

    with pytest.raises(OSError, match="no disk"):
        run_batch(broken, REPLICATES, tmp_path, seed=1, client=client)
    assert len(read_batch(REPLICATES, tmp_path).table) == 0
