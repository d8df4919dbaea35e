"""Batches: the same table whatever did the work, and nothing lost."""

import json
import os
import signal
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import alliance_bayes as ab
from alliance_bayes.batches import Replicate, read_batch, run_batch, running
from alliance_bayes.batches.replicates import run_replicate

REPLICATES = [Replicate("trial", cell, number) for cell in ("small", "large") for number in range(6)]


def work(replicate, rng):
    if replicate.number == 3:
        raise ValueError("three")
    if replicate.number == 4:
        warnings.warn("doubtful", UserWarning, stacklevel=1)
    return {
        "mean": rng.normal(),
        "n": np.int64(replicate.number),
        "leads": bool(rng.random() < 0.5),
        "verdict": "undecided",
        "nothing": None,
        "unknown": float("nan"),
        "draws": rng.normal(size=(2, 3)),
    }


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """The batch in this process."""
    return run_batch(work, REPLICATES, tmp_path_factory.mktemp("alone"), seed=1, workers=1)


def assert_same(table, expected):
    pd.testing.assert_frame_equal(table, expected, check_exact=True)


def test_a_row_for_each_replicate(alone):
    table = alone.table
    assert list(table[["plan", "cell", "number"]].itertuples(index=False, name=None)) == [
        (each.plan, each.cell, each.number) for each in REPLICATES
    ]
    assert list(table["status"]) == ["done", "done", "done", "failed", "done", "done"] * 2
    assert list(table["error"][table["status"] == "failed"]) == ["ValueError"] * 2
    assert list(table["warnings"]) == ["", "", "", "", "doubtful", ""] * 2
    assert alone.n_failed == 2
    assert "2 failed: ValueError: three" in alone.text
    assert "2 warned: doubtful" in alone.text


def test_values_come_back_to_the_last_bit(alone):
    for index in (0, 11):
        row, rng = alone.table.iloc[index], REPLICATES[index].rng(1)
        assert row["mean"] == rng.normal()
        assert bool(row["leads"]) == (rng.random() < 0.5)
        np.testing.assert_array_equal(row["draws"], rng.normal(size=(2, 3)))


def test_seeds_are_of_cell_and_number_alone():
    streams = [each.rng(seed).random() for seed in (1, 2) for each in REPLICATES]
    assert len(set(streams)) == len(streams)
    assert Replicate("other", "small", 0).rng(1).random() == streams[0]


def test_processes_and_another_order_change_nothing(alone, tmp_path):
    results = run_batch(work, REPLICATES[::-1], tmp_path, seed=1, workers=2)
    assert_same(read_batch(REPLICATES, tmp_path).table, alone.table)
    assert_same(results.table.iloc[::-1].reset_index(drop=True), alone.table)


def test_what_is_there_is_done(alone, tmp_path):
    run_batch(work, REPLICATES[:5], tmp_path, seed=1, workers=1)
    calls = []

    def counted(replicate, rng):
        calls.append(replicate)
        return work(replicate, rng)

    assert_same(run_batch(counted, REPLICATES, tmp_path, seed=1, workers=1).table, alone.table)
    assert calls == REPLICATES[5:]


@pytest.mark.parametrize("content", [b"", b"half a ", "half", "other"], ids=["empty", "text", "half", "other"])
def test_damaged_files_are_named_before_anything_is_run(content, alone, tmp_path):
    run_batch(work, REPLICATES[:3], tmp_path, seed=1, workers=1)
    other = tmp_path / "other.npz"
    np.savez(other, x=np.zeros(2))
    for replicate in REPLICATES[1:3]:
        path = replicate.path(tmp_path)
        whole = {"half": path.read_bytes()[:-40], "other": other.read_bytes()}
        path.write_bytes(whole.get(content, content))
    with pytest.raises(ab.AllianceBayesError) as caught:
        run_batch(work, REPLICATES, tmp_path, seed=1, workers=1)
    assert str(caught.value) == (
        f"2 of the results in {tmp_path} cannot be read: 'trial/small/000001.npz', 'trial/small/000002.npz'. The "
        "files are damaged, as after a power failure. Delete them, and the same call computes them again."
    )
    assert not REPLICATES[5].path(tmp_path).exists()
    for replicate in REPLICATES[1:3]:
        replicate.path(tmp_path).unlink()
    assert_same(run_batch(work, REPLICATES, tmp_path, seed=1, workers=1).table, alone.table)


def test_whole_numbers_keep_their_digits_beside_failures(alone, tmp_path):
    seed = 2**63 - 2

    def seeded(replicate, _):
        if replicate.number == 1:
            raise ValueError("one")
        return {"seed": seed, "larger": 2**64, "mixed": replicate.number if replicate.number else 0.5}

    table = run_batch(seeded, REPLICATES[:3], tmp_path, seed=1, workers=1).table
    assert table["seed"].tolist() == [seed, pd.NA, seed]
    assert table["larger"].tolist()[::2] == [2**64, 2**64]
    assert table["mixed"].dtype == float
    assert alone.table["n"].dropna().dtype == "Int64"


def test_a_task_that_comes_twice_is_done_once(tmp_path):
    """As where a worker dies between writing and saying so."""
    assert run_replicate(work, REPLICATES[3], 1, tmp_path) == "failed"
    assert run_replicate(work, REPLICATES[0], 1, tmp_path) == "done"
    assert run_replicate(lambda *_: pytest.fail("done again"), REPLICATES[3], 1, tmp_path) == "failed"
    assert run_replicate(lambda *_: pytest.fail("done again"), REPLICATES[0], 1, tmp_path) == "done"


def test_errors_of_the_machine_end_the_batch(alone, tmp_path):
    def broken(replicate, rng):
        if replicate.number == 1:
            raise OSError("no disk")
        return work(replicate, rng)

    with pytest.raises(OSError, match="no disk"):
        run_batch(broken, REPLICATES, tmp_path, seed=1, workers=1)
    assert len(read_batch(REPLICATES, tmp_path).table) == 1
    assert_same(run_batch(work, REPLICATES, tmp_path, seed=1, workers=1).table, alone.table)


def test_another_plan_is_refused(tmp_path):
    run_batch(work, REPLICATES[:1], tmp_path, seed=1, workers=1, about={"draws": 100})
    with pytest.raises(ab.AllianceBayesError, match="seed was 1 and is 2 now; draws was 100 and is 50 now"):
        run_batch(work, REPLICATES[:1], tmp_path, seed=2, workers=1, about={"draws": 50})
    manifest = tmp_path / "trial" / "plan.json"
    values = json.loads(manifest.read_text())
    manifest.write_text(json.dumps(values | {"versions": values["versions"] | {"numpy": "1.0"}}))
    with pytest.raises(ab.AllianceBayesError, match=r'numpy was "1.0" and is'):
        run_batch(work, REPLICATES[:1], tmp_path, seed=1, workers=1, about={"draws": 100})


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"seed": -1}, "seed must be a whole number"),
        ({"workers": 0}, "workers must be a whole number above 0"),
        ({"replicates": [REPLICATES[0], REPLICATES[0]]}, "'trial, small, 0' is there twice"),
        ({"replicates": [REPLICATES[0], Replicate("other", "small", 0)]}, "of one plan; got 'trial', 'other'"),
    ],
)
def test_bad_batches_are_refused(given, problem, tmp_path):
    with pytest.raises(ab.SpecError, match=problem):
        run_batch(work, **{"replicates": REPLICATES, "folder": tmp_path, "seed": 1} | given)


@pytest.mark.parametrize("given", [("a/b", "c", 0), ("..", "c", 0), ("a", "c ", 0), ("a", "c", -1), ("a", "c", 1.5)])
def test_bad_replicates_are_refused(given):
    with pytest.raises(ab.SpecError, match="This is no replicate"):
        Replicate(*given)


@pytest.mark.parametrize("returned", [3, {"x": object()}, {"status": "done"}])
def test_what_is_no_result_fails(returned, tmp_path):
    results = run_batch(lambda *_: returned, REPLICATES[:1], tmp_path, seed=1, workers=1)
    assert results.n_failed == 1


def test_a_killed_process_loses_only_what_was_under_way(alone, tmp_path):
    def deadly(replicate, rng):
        once = tmp_path / "killed"
        if replicate == REPLICATES[5] and not once.exists():
            once.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return work(replicate, rng)

    assert_same(run_batch(deadly, REPLICATES, tmp_path / "batch", seed=1, workers=2).table, alone.table)


def test_a_folder_that_workers_do_not_share_is_noticed(tmp_path, monkeypatch):
    monkeypatch.setattr(running, "run_replicate", lambda *_: "done")
    with pytest.raises(ab.AllianceBayesError, match="12 results were written, but not into"):
        run_batch(work, REPLICATES, tmp_path, seed=1, workers=1)


def test_ctrl_c_keeps_no_part_of_a_result(alone, tmp_path):
    def interrupted(replicate, rng):
        if replicate.number == 2:
            try:
                os.kill(os.getpid(), signal.SIGINT)
            except KeyboardInterrupt:
                return {"mean": 0.0}  # as a fit returns the draws that it has
        return work(replicate, rng)

    with pytest.raises(KeyboardInterrupt):
        run_batch(interrupted, REPLICATES, tmp_path, seed=1, workers=1)
    assert len(read_batch(REPLICATES, tmp_path).table) == 2
    assert_same(run_batch(work, REPLICATES, tmp_path, seed=1, workers=1).table, alone.table)


def test_importing_the_package_imports_no_cluster():
    code = "import sys, alliance_bayes.batches; sys.exit('dask' in sys.modules or 'joblib' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parent)
