"""Figures, repeated measurements side by side, processes of their own, and the machine's name."""

import json
import os
import platform
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import arviz_stats
import numpy as np
import xarray as xr

ROOT = Path(__file__).parents[2]
PEERS = Path(__file__).parent / "peers"
EARLIER = ROOT / ".earlier"
"""A checkout of `EARLIER_COMMIT`, to be beaten."""
EARLIER_COMMIT = "f1698c9"
CORES = 2
PACKAGES = ["alliance-bayes", "numpy", "scipy", "pandas", "numba", "pytensor", "pymc", "nutpie", "arviz-stats"]


@dataclass(frozen=True)
class Options:
    """How thoroughly to measure."""

    quick: bool
    folder: Path

    def repeats(self, full: int, quick: int = 1) -> int:
        return quick if self.quick else full


@dataclass(frozen=True)
class Figure:
    """One line of the table: ours beside a peer's, and what was aimed at.

    `measured` holds every single measurement by who was measured; the line shows their medians. `ratio` is
    "ours / peer" or "peer / ours"; the target, such as "ratio >= 6" or "ours <= 0.3", is about one of the two.
    """

    benchmark: str
    name: str
    unit: str
    peer: str
    ratio_is: str
    target: str = ""
    measured: Mapping[str, Sequence[float]] = field(default_factory=dict)
    missing: str = ""
    note: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def ours(self) -> float:
        return _median(self.measured.get("ours", ()))

    @property
    def peers(self) -> float:
        return _median(self.measured.get("peer", ()))

    @property
    def ratio(self) -> float:
        pair = (self.ours, self.peers)
        return pair[0] / pair[1] if self.ratio_is == "ours / peer" else pair[1] / pair[0]

    @property
    def verdict(self) -> str:
        """Whether the target is met: "yes", "NO", "missing", or nothing where there is none."""
        if not self.target:
            return ""
        what, relation, bound = self.target.split()
        value = self.ratio if what == "ratio" else self.ours
        if np.isnan(value):
            return "missing"
        met = value >= float(bound) if relation == ">=" else value <= float(bound)
        return "yes" if met else "NO"

    def as_mapping(self) -> dict[str, Any]:
        found = {"ours": self.ours, "peers": self.peers, "ratio": self.ratio, "met": self.verdict}
        return asdict(self) | {name: None if value != value else value for name, value in found.items()}


def _median(values: Sequence[float]) -> float:
    return statistics.median(values) if values else float("nan")


def side_by_side(runs: Mapping[str, Callable[[int], float]], repeats: int) -> dict[str, list[float]]:
    """Call each in turn, A B C A B C ..., with the number of the round; what each returned, by name."""
    measured: dict[str, list[float]] = {name: [] for name in runs}
    for number in range(repeats):
        for name, run in runs.items():
            measured[name].append(run(number))
    return measured


def seconds_of(run: Callable[[], object]) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def run_process(command: Sequence[str | Path], **environment: str) -> str:
    """Standard output of a process in the project's root; its standard error is shown when it fails."""
    done = subprocess.run(
        [str(part) for part in command], cwd=ROOT, env=os.environ | environment, capture_output=True, text=True
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))} failed:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
    return done.stdout


def answer_of(command: Sequence[str | Path], **environment: str) -> dict[str, Any]:
    """Return the JSON in the last line that a process prints."""
    found: dict[str, Any] = json.loads(run_process(command, **environment).rstrip().splitlines()[-1])
    return found


def smallest_bulk_ess(draws: Mapping[str, np.ndarray]) -> float:
    """Smallest bulk effective sample size of arrays with dims (chain, draw, ...), by ArviZ for everybody."""
    found = [
        arviz_stats.ess(xr.Dataset({name: (("chain", "draw", *_dims(array)), array)}), method="bulk")[name].min()
        for name, array in draws.items()
    ]
    return float(min(found))


def _dims(array: np.ndarray) -> list[str]:
    return [f"dim {axis}" for axis in range(2, array.ndim)]


def peer_python(name: str) -> Path | None:
    """Return the interpreter of a peer's own environment, or None where it was not set up."""
    interpreter = ROOT / f".venv-{name}" / "bin" / "python"
    return interpreter if interpreter.exists() else None


def how_to_set_up(name: str) -> str:
    return f"missing: python tests/benchmarks/set_up.py {name}"


def machine() -> dict[str, Any]:
    """Return what the figures depend on besides the code."""
    return {
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "memory GB": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": platform.platform(),
        "python": sys.version.split()[0],
        "packages": {name: version(name) for name in PACKAGES},
        "peers": {name: _peer_versions(name, packages) for name, packages in PEER_PACKAGES.items()},
        "lavaan": _lavaan_version(),
        "compiler": _first_line(["g++", "--version"]),
        "load": [round(load, 2) for load in os.getloadavg()],
    }


PEER_PACKAGES = {"stan": ["pystan", "httpstan"], "pathmc": ["pathmc", "pymc", "nutpie"]}


def _peer_versions(name: str, packages: list[str]) -> dict[str, str] | str:
    if (interpreter := peer_python(name)) is None:
        return "missing"
    program = f"import json, importlib.metadata as m; print(json.dumps({{n: m.version(n) for n in {packages}}}))"
    return answer_of([interpreter, "-c", program])


def _lavaan_version() -> str:
    program = "cat(as.character(packageVersion('lavaan')), 'on', R.version.string)"
    return _first_line(["Rscript", "-e", program])


def _first_line(command: list[str]) -> str:
    try:
        return run_process(command).splitlines()[0]
    except (OSError, RuntimeError):
        return "missing"


def _cpu() -> str:
    try:
        return re.findall(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())[0]
    except (OSError, IndexError):
        return platform.processor() or platform.machine()


def installed(package: str) -> bool:
    try:
        version(package)
    except PackageNotFoundError:
        return False
    return True
