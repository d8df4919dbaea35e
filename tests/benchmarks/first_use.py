"""What a first use costs, and a fresh process after it, beside an earlier commit of the package."""

import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from measuring import EARLIER, ROOT, Figure, Options, how_to_set_up, side_by_side
from panels import eight_patterns, long_frame

SCRIPTS = Path(__file__).parent / "scripts"
PEER = "the earlier commit"


def first_use(options: Options) -> Iterator[Figure]:
    """A first fit with nothing compiled, then a fresh process; seconds of processors, children included."""
    scores = long_frame(eight_patterns(2))
    days = scores.assign(y1=(15 + 8 * scores["y1"]).round().clip(0, 30)).rename(columns={"y1": "days"})
    scripts = {"which_way.py": scores, "which_way_days.py": days[days["person"] < 150]}
    for script, frame in scripts.items():
        frame.to_csv(options.folder / f"{script}.csv", index=False)
    sources = {"ours": ROOT / "src", "peer": EARLIER / "src"}
    present = {who: source for who, source in sources.items() if source.exists()}

    def measured(run: Callable[[Path], float], repeats: int) -> dict[str, list[float]]:
        return side_by_side({who: lambda _, source=source: run(source) for who, source in present.items()}, repeats)

    def run_of(script: str) -> Callable[[Path], float]:
        return lambda source: _seconds([sys.executable, SCRIPTS / script, options.folder / f"{script}.csv"], source)

    def cold(script: str) -> Callable[[Path], float]:
        return lambda source: _without_kernels(run_of(script), source, options.folder / "copy")

    repeats = options.repeats(3)
    yield _figure("first fit of normal measures, empty cache", "ratio <= 0.2", measured(cold("which_way.py"), repeats))
    yield _figure("first fit with days, empty cache", "ratio <= 0.4", measured(cold("which_way_days.py"), repeats))
    measured(run_of("which_way.py"), 1)
    warm = measured(run_of("which_way.py"), options.repeats(9, 3))
    note = "of the earlier time nearly half is `import nutpie`, which imports all of ArviZ"
    yield _figure("fresh process, caches filled", "ratio <= 0.5", warm, note)


def _figure(name: str, target: str, measured: dict[str, list[float]], note: str = "") -> Figure:
    missing = "" if EARLIER.exists() else how_to_set_up("earlier")
    return Figure("first use", name, "CPU s", PEER, "ours / peer", target, measured, missing, note)


def _without_kernels(run: Callable[[Path], float], source: Path, folder: Path) -> float:
    """Seconds of a run on a copy of the package without what was compiled for it."""
    shutil.copytree(source, folder, ignore=shutil.ignore_patterns("*.nbi", "*.nbc", "object_code"))
    seconds = run(folder)
    shutil.rmtree(folder)
    return seconds


def _seconds(command: Sequence[str | Path], source: Path) -> float:
    """Seconds of processors that a process takes, its children's included."""
    environment = os.environ | {"PYTHONPATH": str(source)}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([str(part) for part in command], env=environment, cwd=source, capture_output=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
