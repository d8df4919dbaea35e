"""A kernel is compiled anew when any kernel changes, not only its own file."""

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import alliance_bayes

PACKAGE = Path(alliance_bayes.__file__).parent
SCRIPT = """
import numpy as np
from alliance_bayes.moments import caching, prior_density
table = prior_density.PriorTable(*(np.array([value]) for value in (0, 2, 0.0, 1.0, -1.0, 1.0, 0.0)))
print(prior_density.to_constrained(np.zeros(1), table)[0])
"""


def test_a_change_in_another_file_is_seen(tmp_path):
    """`to_constrained` is compiled with a helper moved to another file, whose change must reach it."""
    copy = tmp_path / "alliance_bayes"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__", "models"))
    density, other = copy / "moments" / "prior_density.py", copy / "moments" / "logistic.py"
    text = density.read_text()
    start, stop = text.index("@compiled\ndef _logistic"), text.index("@compiled\ndef to_constrained")
    other.write_text(f"import math\nfrom .kernel import compiled\n\n{text[start:stop]}")
    density.write_text(text[:start] + "from .logistic import _logistic\n\n\n" + text[stop:])
    assert [run(tmp_path), run(tmp_path)] == ["0.0", "0.0"]
    other.write_text(other.read_text().replace("1.0 / (1.0 + math.exp(-value))", "0.75"))
    assert run(tmp_path) == "0.5"


def run(folder):
    environment = {**os.environ, "PYTHONPATH": str(folder), "NUMBA_CACHE_DIR": str(folder / "cache")}
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, env=environment, check=True)
    return done.stdout.strip()


def test_kernels_of_latent_numbers_do_not_touch_those_of_moments(tmp_path):
    """Stamps of one folder are made of that folder and of those its kernels call."""
    copy = tmp_path / "alliance_bayes"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__", "models"))
    before = stamps(tmp_path)
    special = copy / "latent" / "special.py"
    special.write_text(special.read_text() + "\n# Another comment.\n")
    between = stamps(tmp_path)
    assert between["moments"] == before["moments"]
    assert between["latent"] != before["latent"]
    kernel = copy / "moments" / "kernel.py"
    kernel.write_text(kernel.read_text() + "\n# Another comment.\n")
    after = stamps(tmp_path)
    assert after["moments"] != between["moments"]
    assert after["latent"] != between["latent"]


def stamps(folder):
    script = (
        "from alliance_bayes.moments.caching import STAMPS\nprint({key.name: value for key, value in STAMPS.items()})"
    )
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment, check=True)
    return ast.literal_eval(done.stdout)
