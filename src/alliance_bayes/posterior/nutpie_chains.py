"""Chains drawn by nutpie one by one, each from a seed of its own, so that each can be kept and drawn again alone."""

import sys
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from ..basics.collector import collector_paused
from ..basics.interrupts import Interrupts
from ..basics.problems import InterruptionError
from .interruption import equal_lengths
from .keeping import AGAIN, Arrays, KeptChains
from .sampling_progress import SamplingProgress
from .settings import Settings

__all__ = ["chain_seed", "draw_chains", "tree_of"]

KEEPING = "Interrupted; keeping the draws so far, which takes a few seconds ..."
POLL_SECONDS = 0.2  # so long a Ctrl-C may wait; the end of a chain is acted upon at once
NOT_OF_A_DRAW = ("chain", "draw")


class Chain(NamedTuple):
    """Draws of one chain after its warm-up, and the sampler's statistics of each, by name."""

    posterior: Mapping[str, np.ndarray]
    statistics: Mapping[str, np.ndarray]

    @property
    def n_draws(self) -> int:
        """How many there are."""
        return len(next(iter(self.statistics.values()), ()))


NO_DRAWS = Chain({}, {})


def chain_seed(seed: int, chain: int) -> int:
    """Seed of a chain, of the fit's seed and the chain's number alone."""
    return int(np.random.SeedSequence(seed, spawn_key=(chain,)).generate_state(1, np.uint64)[0])


def draw_chains(
    compiled: Any,
    adaptation: str,
    settings: Settings,
    interrupts: Interrupts,
    *,
    progress: bool,
    kept: KeptChains | None,
) -> tuple[list[Chain], float]:
    """All chains in order, and seconds of sampling: as many at once as there are cores, and none that is kept.

    After a Ctrl-C chains may be short or empty; where finished ones are kept, it is an InterruptionError.
    """
    with collector_paused():
        import nutpie

    earlier = {chain: held for chain in range(settings.chains) if kept and (held := kept.load(chain))}
    done = {chain: Chain(posterior, statistics) for chain, (posterior, statistics, _) in earlier.items()}
    before = max((seconds for *_, seconds in earlier.values()), default=0.0)
    started, stop = perf_counter(), threading.Event()

    def draw(chain: int) -> Chain:
        if stop.is_set():
            return NO_DRAWS
        sampler = nutpie.sample(
            compiled,
            draws=settings.draws,
            tune=settings.tune,
            chains=1,
            cores=1,
            target_accept=settings.target_accept,
            seed=chain_seed(settings.seed, chain),
            progress_bar=False,
            progress_callback=shown.callback_of(chain),
            adaptation=adaptation,
            return_raw_trace=True,
            blocking=False,
        )
        while not stop.is_set():
            with suppress(TimeoutError):
                return _chain_of(sampler.wait(timeout=POLL_SECONDS))
        sampler.cancel()  # stops the chain; only `abort` hands over what it has
        return _chain_of(sampler.abort())

    remaining = [chain for chain in range(settings.chains) if chain not in done]
    running: dict[Future[Chain], int] = {}
    with SamplingProgress(settings, [*done], shown=progress) as shown, ThreadPoolExecutor(settings.cores) as threads:
        try:
            for chain in remaining:
                running[threads.submit(draw, chain)] = chain
            while running and not interrupts.taken():
                finished, _ = wait(running, timeout=POLL_SECONDS, return_when=FIRST_COMPLETED)
                for future in finished:
                    chain = running.pop(future)
                    done[chain] = future.result()
                    if kept is not None:
                        kept.save(chain, *done[chain], before + perf_counter() - started)
                    shown.finished(chain)
                shown.update()
        except KeyboardInterrupt:  # where somebody handles Ctrl-C in a way of their own
            pass
        finally:
            stop.set()
    if running and kept is not None:
        raise InterruptionError(f"Interrupted after {len(done)} of {settings.chains} chains. {AGAIN}")
    if running:
        sys.stderr.write(f"\n{KEEPING}\n" if sys.stderr.isatty() else f"{KEEPING}\n")
        sys.stderr.flush()
        done |= {chain: future.result() for future, chain in running.items()}
    return [done[chain] for chain in range(settings.chains)], before + perf_counter() - started


def _chain_of(trace: Any) -> Chain:
    """The draws after the warm-up of what nutpie returns for one chain."""
    (draws,), (statistics,) = trace.get_arrow_trace()
    first = int(np.count_nonzero(statistics.column("tuning").to_numpy()))
    return Chain(_arrays(draws, first), _arrays(statistics, first))


def _arrays(batch: Any, first: int) -> dict[str, np.ndarray]:
    """Numbers by name from this row on; neither texts nor vectors that are not there at every draw."""
    import pyarrow

    arrays = {}
    for name in batch.column_names:
        column = batch.column(name)
        values, shape = pyarrow.array(column).slice(first), column.field.metadata.get(b"shape", b"")
        if name in NOT_OF_A_DRAW or values.type == pyarrow.string() or (shape and values.null_count):
            continue
        flat = values.flatten() if shape else values
        if flat.null_count:
            flat = flat.fill_null(np.nan if pyarrow.types.is_floating(flat.type) else 0)
        sizes = [int(size) for size in shape.split(b",") if size]
        arrays[name] = flat.to_numpy(zero_copy_only=False).reshape(len(values), *sizes)
    return arrays


def tree_of(chains: Sequence[Chain], compiled: Any, settings: Settings) -> xr.DataTree:
    """All chains side by side, cut to one length where an interruption left some short."""
    n_draws, whole = equal_lengths([chain.n_draws for chain in chains], settings)
    indices = {"chain": whole, "draw": np.arange(n_draws)}

    def joined(groups: Sequence[Arrays], dims: Mapping[str, Sequence[str]]) -> xr.Dataset:
        stacked = {name: np.stack([group[name][:n_draws] for group in groups]) for name in groups[0]}
        variables = {name: (("chain", "draw", *dims.get(name, ())), array) for name, array in stacked.items()}
        used = {dim for names, _ in variables.values() for dim in names}
        labels = {dim: values for dim, values in compiled.coords.items() if dim in used}
        return xr.Dataset(variables, coords={**indices, **labels})

    posterior, statistics = (
        [group for chain, group in enumerate(groups) if chain in whole] for groups in zip(*chains, strict=True)
    )
    return xr.DataTree.from_dict(
        {"/posterior": joined(posterior, compiled.dims), "/sample_stats": joined(statistics, {})}
    )
