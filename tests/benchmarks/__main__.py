"""How fast the package is beside its peers: python tests/benchmarks [--only NAME ...] [--quick] [--out FILE]."""

import argparse
import json
import sys
import tempfile
import traceback
from datetime import UTC, datetime
from pathlib import Path

from first_use import first_use
from gradients import by_own_times, by_patterns, by_people
from large_data import large_data
from measuring import CORES, Figure, Options, machine
from person_likelihood import log_likelihood
from refitting import refit
from sampling import against_sampled_intercepts, against_stan
from starting import cold_start, importing

BENCHMARKS = {
    "import": importing,
    "gradient-people": by_people,
    "gradient-patterns": by_patterns,
    "gradient-own-times": by_own_times,
    "log-likelihood": log_likelihood,
    "large-data": large_data,
    "refit": refit,
    "sampling": against_stan,
    "intercepts": against_sampled_intercepts,
    "cold-start": cold_start,
    "first-use": first_use,
}
SETTINGS = f"""\
Medians of runs that alternate with the peer's. Sampling: 4 chains x 1,000 draws of both on {CORES} cores; ours by the
defaults of ab.fit, Stan by its own with 1,000 or 500 warm-up, the better of the two. ESS: the smallest bulk effective
sample size of lags and wave means, by ArviZ for both, per second of sampling, warm-up counted and compiling not. Stan's
seconds are its own clock's, without what pystan adds; in the cold start everything counts."""
COLUMNS = ("figure", "ours", "peer", "against", "ratio", "target", "met")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python tests/benchmarks", description=__doc__)
    parser.add_argument(
        "--only", nargs="+", choices=BENCHMARKS, default=list(BENCHMARKS), metavar="NAME", help=", ".join(BENCHMARKS)
    )
    parser.add_argument("--quick", action="store_true", help="few repeats: for trying the benchmarks, not for figures")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results.json", help="JSON file to write")
    arguments = parser.parse_args()
    named = machine()
    print(_named(named), flush=True)
    figures: list[Figure] = []
    failed: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        for name in arguments.only:
            try:
                for figure in BENCHMARKS[name](Options(arguments.quick, Path(folder))):
                    figures.append(figure)
                    print(" ... " + "  ".join(_cells(figure)), flush=True)
            except Exception:  # the others still count
                failed.append(name)
                traceback.print_exc()
    print("\n" + _table(figures))
    print("\n" + SETTINGS)
    for figure in figures:
        if figure.note or figure.missing:
            print(f"  {figure.name}, {figure.peer}: {'; '.join(filter(None, (figure.missing, figure.note)))}")
    answer = {
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "quick": arguments.quick,
        "machine": named,
        "settings": SETTINGS,
        "failed": failed,
        "figures": [figure.as_mapping() for figure in figures],
    }
    arguments.out.write_text(json.dumps(answer, indent=1, allow_nan=False) + "\n")
    print(f"\nWritten to {arguments.out}.")
    if failed:
        sys.exit(f"Failed: {', '.join(failed)}.")


def _named(machine: dict) -> str:
    peers = {name: each if isinstance(each, str) else _versions(each) for name, each in machine["peers"].items()}
    return (
        f"{machine['cpu']}, {machine['cores']} cores, {machine['memory GB']} GB, {machine['system']}, "
        f"load {machine['load'][0]}\nPython {machine['python']}, {_versions(machine['packages'])}\n"
        f"Peers: {'; '.join(f'{name}: {each}' for name, each in peers.items())}; lavaan: {machine['lavaan']}; "
        f"{machine['compiler']}"
    )


def _versions(packages: dict[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in packages.items())


def _cells(figure: Figure) -> list[str]:
    ratio = "-" if figure.ratio != figure.ratio else f"{figure.ratio:.3g}"
    against = figure.peer + (" (missing)" if figure.missing else "")
    amounts = [_amount(value, figure.unit) for value in (figure.ours, figure.peers)]
    return [f"{figure.benchmark}: {figure.name}", *amounts, against, ratio, figure.target, figure.verdict]


def _amount(value: float, unit: str) -> str:
    if value != value:
        return "-"
    return f"{value:.3g} {unit}" if abs(value) < 1000 else f"{value:,.0f} {unit}"


def _table(figures: list[Figure]) -> str:
    rows = [list(COLUMNS), *map(_cells, figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
    rows.insert(1, ["-" * width for width in widths])
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


if __name__ == "__main__":
    main()
