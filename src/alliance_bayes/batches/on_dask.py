"""A batch on the workers of a Dask cluster."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..basics.problems import AllianceBayesError
from .replicates import Replicate

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["done_by_cluster"]

MOST_DEATHS = 100
"""How often workers may die with the same replicate, which they need not have killed."""


def done_by_cluster(
    client: "Client", tasks: Sequence[Callable[[], object]], replicates: Sequence[Replicate], folder: Path
) -> Iterator[None]:
    """All tasks, one for each machine first, so that each machine compiles once."""
    from distributed import KilledWorker, as_completed

    _check_threads(client)
    futures = [
        client.submit(task, key=f"{replicate}, {folder}", pure=False)
        for task, replicate in zip(tasks, replicates, strict=True)
    ]
    of = dict(zip(futures, replicates, strict=True))
    n_deaths = dict.fromkeys(futures, 0)
    waiting = as_completed(futures)
    for future in waiting:
        error = future.exception() if future.status == "error" else None
        if isinstance(error, KilledWorker) and n_deaths[future] < MOST_DEATHS:
            n_deaths[future] += 1
            future.retry()
            waiting.add(future)
            continue
        if future.status != "finished":
            raise AllianceBayesError(f"The cluster did not finish '{of[future]}': {error or future.status}.") from error
        yield


def _check_threads(client: "Client") -> None:
    several = [name for name, n in client.nthreads().items() if n > 1]
    if several:
        raise AllianceBayesError(
            f"{len(several)} workers of the cluster have more than one thread; start them with one each, such as "
            "LocalCluster(n_workers=4, threads_per_worker=1) or `dask worker --nthreads 1`."
        )
