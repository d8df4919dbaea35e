"""One million people at four waves, from frame to moments: python million_people.py sorted|shuffled.

The last line on stdout is JSON: seconds, seconds of pandas' pivot, and megabytes of the frame and at the peak. The
peak is the process's resident memory, less what it was before the frame was made; the frame itself counts.
"""

import ctypes
import gc
import json
import resource
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

import alliance_bayes as ab
from alliance_bayes.engine.statistics import pattern_statistics

MEASURES = ["alliance", "days"]
STATUS = Path("/proc/self/status")


def frame_of(n_persons: int, *, shuffled: bool) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"person": np.repeat(np.arange(n_persons), 4), "time": np.tile([6, 12, 18, 24], n_persons)})
    for name in MEASURES:
        frame[name] = rng.normal(size=len(frame))
    missed = rng.random(len(frame)) < 0.1
    frame.loc[missed, MEASURES] = np.nan
    return frame.sample(frac=1, random_state=2).reset_index(drop=True) if shuffled else frame


def moments(frame: pd.DataFrame):
    panel = ab.Panel.from_long(frame, person="person", time="time", measures=MEASURES)
    return pattern_statistics(panel, MEASURES)


def resident(field: str) -> float:
    """Megabytes of this process now ("VmRSS") or at its peak ("VmHWM"), where Linux says so."""
    if not STATUS.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith(field))
    return int(line.split()[1]) / 1024


def give_back() -> None:
    """Return to the system what was freed, so that it is not used again unseen."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def reset_peak() -> str:
    """Forget the peak so far, and say how the next one is measured."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return "resident memory by ru_maxrss, at most, the making of the frame included"
    return "resident memory by VmHWM, reset before"


def main(order: str) -> None:
    moments(frame_of(100, shuffled=False))  # everything is imported
    give_back()
    before = resident("VmRSS")
    frame = frame_of(1_000_000, shuffled=order == "shuffled")
    megabytes = frame.memory_usage(index=True).sum() / 2**20
    give_back()
    held = resident("VmRSS") - before
    how = reset_peak()
    started = time.perf_counter()
    statistics = moments(frame)
    seconds = time.perf_counter() - started
    peak = resident("VmHWM") - before
    assert statistics.n_persons > 999_000
    started = time.perf_counter()
    frame.pivot(index="person", columns="time", values=MEASURES)  # noqa: PD010 -- it refuses repeated cells, as we do
    pivot = time.perf_counter() - started
    answer = {"seconds": seconds, "pivot": pivot, "frame": megabytes, "peak": peak, "held": held, "how": how}
    print(json.dumps(answer))


if __name__ == "__main__":
    main(sys.argv[1])
