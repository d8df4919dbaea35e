"""One gradient of the log posterior, as the sampler calls it: other numbers of people, other missing patterns."""

import ctypes
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from measuring import Figure, Options, side_by_side
from panels import eight_patterns, help_panel, n_patterns, random_masks, repeated, spec_of, with_patterns

import alliance_bayes as ab
from alliance_bayes.engine.model_on_panel import panel_model
from alliance_bayes.pymc_models.compiling import compile_model

BATCH_SECONDS = 0.2


def microseconds(
    panel: ab.Panel, spec: Any = None, clock: Callable[[], float] = time.perf_counter
) -> Callable[[int], float]:
    """A function that times the gradient of this panel's log posterior, averaged over a batch of calls."""
    compiled: Any = compile_model(panel_model(spec or spec_of(panel), panel))
    point = compiled.initial_point_func(1)
    gradient, value = np.empty_like(point), np.empty(1)
    call = compiled.compiled_logp_func.ctypes
    arrays = (point, gradient, value, compiled.user_data)
    pointers = [ctypes.cast(array.ctypes.data, kind) for array, kind in zip(arrays, call.argtypes[1:], strict=True)]
    arguments = [len(point), *pointers]

    def seconds(n_calls: int) -> float:
        started = clock()
        for _ in range(n_calls):
            call(*arguments)
        return clock() - started

    if call(*arguments) != 0 or not np.isfinite(value[0]):
        raise RuntimeError(f"The log density is {value[0]} at the initial point.")
    n_calls = max(10, int(BATCH_SECONDS / (seconds(20) / 20)))

    def run(_: int) -> float:
        assert arrays  # kept alive
        return seconds(n_calls) / n_calls * 1e6

    return run


def by_people(options: Options) -> Iterator[Figure]:
    """A million people against 302 in the same missing patterns."""
    small = eight_patterns(2)
    large = repeated(small, 1_000_000)
    runs = {"ours": microseconds(large), "peer": microseconds(small)}
    yield _figure("1,000,000 people, 8 patterns", "302 people", "ratio <= 1.1", runs, options)


def by_patterns(options: Options) -> Iterator[Figure]:
    """Many missing patterns against complete data."""
    complete = np.ones((1, 20), dtype=bool)
    whole = microseconds(with_patterns(complete, 2, 10))
    for by in ("value", "wave"):
        panel = with_patterns(random_masks(106, 2, 10, by=by), 2, 10)
        name = f"{n_patterns(panel)} patterns, 2 measures, 10 waves, a fifth missing by {by}"
        yield _figure(name, "complete data", "ratio <= 12", {"ours": microseconds(panel), "peer": whole}, options)
    whole = microseconds(with_patterns(complete[:, :8], 2, 4))
    yield _figure(
        "HELP, 78 patterns, 2 measures, 4 waves",
        "complete data",
        "",
        {"ours": microseconds(help_panel()), "peer": whole},
        options,
    )


def by_own_times(options: Options) -> Iterator[Figure]:
    """People's own times that never repeat against times in days, of which many have the same intervals."""
    rng, n_persons = np.random.default_rng(2), 2000
    for n_measures, n_waves in ((2, 4), (2, 10), (4, 6)):
        whenever = np.cumsum(rng.uniform(1.0, 3.0, (n_persons, n_waves)), axis=1)
        values = rng.normal(size=(n_persons, n_waves, n_measures)) + rng.normal(size=(n_persons, 1, n_measures))
        names = [f"y{number}" for number in range(1, n_measures + 1)]
        spec, runs = ab.RICLPM(names, lags="continuous"), {}
        for who, own in (("ours", whenever), ("peer", np.round(whenever * 30.4375) / 30.4375)):
            times = np.round(own.mean(axis=0), 6)
            panel = ab.Panel.from_arrays(values, measures=names, times=times, own_times=own)
            runs[who] = microseconds(panel, spec, time.process_time)
        name = f"2,000 people's own times, {n_measures} measures, {n_waves} waves"
        yield _figure(name, "times in days", "ratio <= 2.2", runs, options)


def _figure(name: str, peer: str, target: str, runs: dict[str, Callable[[int], float]], options: Options) -> Figure:
    return Figure(
        benchmark="gradient",
        name=name,
        unit="us",
        peer=peer,
        ratio_is="ours / peer",
        target=target,
        measured=side_by_side(runs, options.repeats(15, 5)),
    )
