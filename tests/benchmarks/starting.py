"""From nothing to an answer in a fresh process, and what the import alone costs."""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from measuring import Figure, Options, how_to_set_up, peer_python, run_process, seconds_of, side_by_side
from panels import eight_patterns, long_frame
from stan_peer import run_stan

SCRIPT = Path(__file__).parent / "scripts" / "which_way.py"


def cold_start(options: Options) -> Iterator[Figure]:
    """A script from file to printed answer, kernels cached, against building and sampling in Stan."""
    panel = eight_patterns(2)
    data = options.folder / "cold.csv"
    long_frame(panel).to_csv(data, index=False)
    run_process([sys.executable, SCRIPT, data])  # fills the caches

    def ours(number: int) -> float:
        return seconds_of(lambda: run_process([sys.executable, SCRIPT, data]))

    def stan(number: int) -> float:
        cache = options.folder / f"stan-cache-{number}"
        seconds = seconds_of(lambda: run_stan(panel, options, seed=1, warmup=500, XDG_CACHE_HOME=str(cache)))
        shutil.rmtree(cache)
        return seconds

    present = peer_python("stan") is not None
    measured = side_by_side({"ours": ours, "peer": stan} if present else {"ours": ours}, options.repeats(3))
    sampler = side_by_side({"ours": ours, "peer": _import_of_sampler}, options.repeats(9, 3))
    figure = {
        "benchmark": "cold start",
        "unit": "s",
        "measured": measured,
        "missing": "" if present else how_to_set_up("stan"),
        "ratio_is": "ours / peer",
        "peer": "Stan, built and sampled",
    }
    yield Figure(**figure, name="fresh process, script to printed answer", target="ratio <= 0.1")
    alone = {"measured": {"ours": measured["ours"]}, "peer": "", "missing": ""}
    yield Figure(**figure | alone, name="the same in seconds", target="ours <= 5")
    yield Figure(
        **figure | {"measured": sampler, "peer": "import nutpie", "missing": ""},
        name="the same beside importing the sampler alone",
        target="ratio <= 2",
        note="nutpie imports all of ArviZ with matplotlib and scipy.stats",
    )


def _import_of_sampler(number: int) -> float:
    return seconds_of(lambda: run_process([sys.executable, "-c", "import nutpie"]))


def importing(options: Options) -> Iterator[Figure]:
    """The import, less what an empty Python process costs; then the heavier first uses."""
    programs = {
        "import alliance_bayes": ("import alliance_bayes", "ours <= 0.3"),
        "from alliance_bayes import Panel, RICLPM": ("from alliance_bayes import Panel, RICLPM", ""),
        "from alliance_bayes import fit": ("from alliance_bayes import fit", ""),
        "from alliance_bayes import to_pymc": ("from alliance_bayes import to_pymc", ""),
    }
    for name, (program, target) in programs.items():

        def run(program: str) -> float:
            return seconds_of(lambda: run_process([sys.executable, "-c", program]))

        run(program)
        runs = {"with": lambda _, program=program: run(program), "empty": lambda _: run("pass")}
        measured = side_by_side(runs, options.repeats(11, 3))
        differences = [first - second for first, second in zip(measured["with"], measured["empty"], strict=True)]
        yield Figure(
            benchmark="import",
            name=name,
            unit="s",
            peer="an empty process",
            ratio_is="ours / peer",
            target=target,
            measured={"ours": differences, "peer": measured["empty"]},
            note="ours is what it adds to an empty process",
        )
