"""A batch on the workers of a Dask cluster."""

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING
from uuid import uuid4

from ..basics.problems import AllianceBayesError

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["check_threads", "done_by_cluster", "one_worker_of_each_machine"]

MOST_DEATHS = 100
"""How often a task may be lost with a worker, beyond what the scheduler allows: another task may have killed it."""
LOST = "The same call goes on once the cluster is there again."


def done_by_cluster(client: "Client", tasks: Sequence[Callable[[], object]]) -> Iterator[None]:
    """All tasks, one on each machine first, so that what it compiles is on the disk before others start."""
    check_threads(client)
    machines = one_worker_of_each_machine(client)
    call = uuid4().hex
    for before, part in ((0, tasks[: len(machines)]), (len(machines), tasks[len(machines) :])):
        futures = [
            client.submit(
                task,
                key=f"replicate-{call}-{before + index}",
                workers=machines[index : index + 1] or None if before == 0 else None,
                allow_other_workers=before == 0,
                pure=False,
            )
            for index, task in enumerate(part)
        ]
        yield from _as_completed(futures)


def check_threads(client: "Client") -> None:
    """Refuse workers with several threads, which share what a batch sets for one task."""
    several = [name for name, n in client.nthreads().items() if n > 1]
    if several:
        raise AllianceBayesError(
            f"{len(several)} workers of the cluster have more than one thread; start them with one each, such as "
            "LocalCluster(n_workers=4, threads_per_worker=1) or `dask worker --nthreads 1`."
        )


def one_worker_of_each_machine(client: "Client") -> list[str]:
    """Addresses of workers, one for each machine; waits for the first worker."""
    client.wait_for_workers(1)
    workers = client.scheduler_info(n_workers=-1)["workers"]
    return list({worker["host"]: address for address, worker in workers.items()}.values())


def _as_completed(futures: Sequence[object]) -> Iterator[None]:
    from distributed import KilledWorker, as_completed

    n_deaths = dict.fromkeys(futures, 0)
    waiting = as_completed(futures)
    for future in waiting:
        error = future.exception() if future.status == "error" else None
        if isinstance(error, KilledWorker) and n_deaths[future] < MOST_DEATHS:
            n_deaths[future] += 1
            future.retry()
            waiting.add(future)
        elif isinstance(error, KilledWorker):
            raise AllianceBayesError(f"Workers died again and again with one replicate: {error}") from error
        elif error is not None:
            raise error
        elif future.status != "finished":
            raise AllianceBayesError(f"The cluster was lost. What is done is kept. {LOST}")
        else:
            yield
