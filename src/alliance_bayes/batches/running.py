"""Running a batch: in this process, in processes of this machine, or on the workers of a Dask cluster."""

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from ..basics.calls import checked
from ..basics.given import check_count, check_seed, shown
from ..basics.names import quoted
from ..basics.problems import AllianceBayesError, Problems, SpecError
from .manifest import Manifest, agree, versions
from .progress import followed
from .records import Record
from .replicates import Replicate, Work, run_replicate
from .results import BatchResults, read_batch

__all__ = ["run_batch", "run_tasks"]

type Task = Callable[[], object]

MOST_WORKERS = 10_000
MOST_LOSSES = 3
"""How often workers may die on this machine with no replicate done in between."""


@checked(apart=["seed", "workers"])
def run_batch(
    work: Work,
    replicates: Iterable[Replicate],
    folder: str | os.PathLike[str],
    *,
    seed: int,
    workers: int | None = None,
    client: Any = None,
    about: Mapping[str, Any] | None = None,
    progress: bool | None = None,
) -> BatchResults:
    """Do the same work for many replicates, and keep each result in a file as soon as it is there.

    Parameters
    ----------
    work
        Called with a replicate and its random numbers, ``work(replicate, rng)``; it returns a mapping of names to
        numbers, texts, None or arrays. A `Replicate` is ``plan``, ``cell`` and ``number``. What is random takes its
        seeds from ``rng`` alone, such as ``seed=int(rng.integers(2**63))``; fits run with ``cores=1``.
    replicates
        All of one plan, each once.
    folder
        Where results are kept, ``folder/plan/cell/number.npz``; a replicate whose file exists is done. Machines of a
        cluster share it.
    seed
        Of the plan. Seeds of a replicate follow from it, the cell and the number.
    workers
        Processes of this machine; by default as many as processors, 1 for this process.
    client
        A ``dask.distributed.Client``, whose workers do the work instead, one thread each.
    about
        What the work does, as plain JSON values: kept with the plan, and a folder where it was another is refused.
    progress
        Whether to say how many are done and how long the others take; by default in a terminal only.

    Returns
    -------
    BatchResults
        A table with one row per replicate, in the order given, the same bits whatever did the work. An error of the
        work is a result with status ``"failed"``; errors of the machine (files, memory, missing packages) are not, and
        end the batch. Ctrl-C, killed workers and a restart lose only what was under way: the same call goes on.

    Raises
    ------
    AllianceBayesError
        If the folder holds another plan, seed, work or other versions, or damaged files; or if workers die again and
        again.
    """
    chosen = tuple(replicates)
    return run_tasks(
        [(replicate, work) for replicate in chosen],
        folder,
        seed=seed,
        workers=workers,
        client=client,
        about=about,
        progress=progress,
    )


def run_tasks(
    tasks: Sequence[tuple[Replicate, Work]],
    folder: str | os.PathLike[str],
    *,
    seed: int,
    workers: int | None,
    client: Any,
    about: Mapping[str, Any] | None,
    progress: bool | None,
) -> BatchResults:
    """`run_batch` with work of its own for each replicate, such as a fit to a panel of its own."""
    replicates = [replicate for replicate, _ in tasks]
    _check(replicates, seed, workers, client)
    where = Path(folder).absolute()
    if not tasks:
        return BatchResults(where, (), ())
    agree(where, Manifest(replicates[0].plan, int(seed), dict(about or {}), versions()))
    done = _read(replicates, where)
    pending = [
        partial(run_replicate, work, replicate, int(seed), where) for replicate, work in tasks if replicate not in done
    ]
    n_workers = min(len(pending), workers or os.cpu_count() or 1)
    if client is not None:
        from .on_dask import done_by_cluster

        steps = done_by_cluster(client, pending)
    else:
        steps = _done_here(pending) if n_workers < 2 else _done_by_processes(pending, n_workers)
    try:
        for _ in followed(steps, len(pending), replicates[0].plan, progress):
            pass
    except KeyboardInterrupt:
        n_done = sum(replicate.path(where).exists() for replicate in replicates)
        sys.stderr.write(
            f"Interrupted: {n_done:,} of {len(replicates):,} replicates are done. The same call goes on.\n"
        )
        raise
    done |= _read([replicate for replicate in replicates if replicate not in done], where)
    if n_lacking := len(replicates) - len(done):
        raise AllianceBayesError(
            f"{n_lacking:,} results were written, but not into {where} as this process sees it. Name a folder on a "
            "disk that all machines share."
        )
    return BatchResults(where, tuple(replicates), tuple(done[replicate] for replicate in replicates))


def _read(replicates: Iterable[Replicate], folder: Path) -> dict[Replicate, Record]:
    results = read_batch(replicates, folder)
    return dict(zip(results.replicates, results.records, strict=True))


def _check(replicates: Sequence[Replicate], seed: object, workers: object, client: object) -> None:
    problems = Problems("This batch cannot run")
    check_seed(seed, problems)
    if workers is not None:
        check_count("workers", workers, problems, most=MOST_WORKERS, cure="Leave workers out to use all processors.")
    if workers is not None and client is not None:
        problems.add("workers are processes of this machine, and client is a cluster: pass one of them.")
    if client is not None and not hasattr(client, "scheduler_info"):
        problems.add(
            f"client must be a dask.distributed.Client; got {shown(client)}. "
            "It comes with pip install 'alliance-bayes[clusters]'."
        )
    plans = dict.fromkeys(replicate.plan for replicate in replicates)
    if len(plans) > 1:
        problems.add(f"All replicates of a batch are of one plan; got {quoted(list(plans))}.")
    if len(set(replicates)) < len(replicates):
        twice = next(each for index, each in enumerate(replicates) if each in replicates[:index])
        problems.add(f"Each replicate can be given once; '{twice}' is there twice.")
    problems.raise_as(SpecError)


def _done_here(tasks: Iterable[Task]) -> Iterator[None]:
    for task in tasks:
        task()
        yield


def _done_by_processes(tasks: Sequence[Task], n_workers: int) -> Iterator[None]:
    """All tasks, the first of them in this process, so that what it compiles is on the disk before workers start."""
    from joblib import Parallel, delayed
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    tasks[0]()
    yield
    left, n_losses = list(tasks[1:]), 0
    while left:
        pool = Parallel(n_workers, backend="loky", return_as="generator_unordered", batch_size=1, max_nbytes=None)
        done = set[int]()
        try:
            for index in pool(delayed(_numbered)(index, task) for index, task in enumerate(left)):
                done.add(index)
                yield
        except TerminatedWorkerError as error:
            n_losses = 1 if done else n_losses + 1
            if n_losses > MOST_LOSSES:
                raise AllianceBayesError(
                    f"Processes died {n_losses} times with no replicate done; the memory may be too small for "
                    f"{n_workers} at once. The same call with fewer workers goes on."
                ) from error
        left = [task for index, task in enumerate(left) if index not in done]


def _numbered(index: int, task: Task) -> int:
    task()
    return index
