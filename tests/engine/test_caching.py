"""A kernel is compiled again when any kernel changes, not only its own file; kept where that is possible."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import alliance_bayes
from alliance_bayes.basics.caching import OBJECT_CODE, level

# Python would take the bytecode of a file that was changed in the same second, to the same length, for the new one's.
NO_BYTECODE = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
PACKAGE = Path(alliance_bayes.__file__).parent
SCRIPT = """
import numpy as np
from alliance_bayes.engine.kernels import arrays, prior_density
table = arrays.PriorTable(*(np.array([value]) for value in (0, 2, 0.0, 1.0, -1.0, 1.0, 0.0)))
print(prior_density.to_constrained(np.zeros(1), table)[0])
"""


def test_a_change_in_another_file_is_seen(tmp_path):
    """`to_constrained` is compiled with a helper moved to another file, whose change must reach it."""
    copy = tmp_path / "alliance_bayes"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__", "models"))
    density, other = copy / "engine" / "kernels" / "prior_density.py", copy / "engine" / "kernels" / "logistic.py"
    text = density.read_text()
    start, stop = text.index("@compiled\ndef _logistic"), text.index("@compiled\ndef to_constrained")
    other.write_text(f"import math\nfrom alliance_bayes.basics.compiled import compiled\n\n{text[start:stop]}")
    density.write_text(text[:start] + "from .logistic import _logistic\n\n\n" + text[stop:])
    assert [run(tmp_path), run(tmp_path)] == ["0.0", "0.0"]
    other.write_text(other.read_text().replace("1.0 / (1.0 + math.exp(-value))", "0.75"))
    assert run(tmp_path) == "0.5"


def run(folder):
    environment = {**NO_BYTECODE, "PYTHONPATH": str(folder), "NUMBA_CACHE_DIR": str(folder / "cache")}
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, env=environment, check=True)
    return done.stdout.strip()


def test_kernels_of_latent_numbers_do_not_touch_those_of_moments(tmp_path):
    """Stamps of one folder are made of that folder and of those its kernels call."""
    copy = tmp_path / "alliance_bayes"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__", "models"))
    before = stamps(tmp_path)
    special = copy / "families" / "special.py"
    special.write_text(special.read_text() + "\n# Another comment.\n")
    between = stamps(tmp_path)
    assert between["families"] != before["families"]
    assert between["kernels"] == before["kernels"]
    assert between["latent"] != before["latent"]
    kernel = copy / "engine" / "kernels" / "moments.py"
    kernel.write_text(kernel.read_text() + "\n# Another comment.\n")
    after = stamps(tmp_path)
    assert after["kernels"] != between["kernels"]
    assert after["latent"] != between["latent"]


def stamps(folder):
    script = (
        "from alliance_bayes.basics.caching import STAMPS\nprint({key.name: value for key, value in STAMPS.items()})"
    )
    environment = {**NO_BYTECODE, "PYTHONPATH": str(folder)}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment, check=True)
    return ast.literal_eval(done.stdout)


# ---- where nothing, or not everything, can be written ----

KERNELS = """
from numba import types

from alliance_bayes.basics.compiled import callback, compiled


@compiled
def more(value):
    return value + 1


@compiled
def twice(value):
    return 2 * more(value)


@callback(types.float64(types.float64))
def called(value):
    return twice(value)
"""
TRIED = """
import json
from alliance_bayes.engine.kernels import tried
try:
    open(tried.__file__ + ".new", "w").close()
    can_write = True
except OSError:
    can_write = False
answers = [tried.twice(1.5), tried.twice(1), tried.called.ctypes(2.5)]
stats = tried.twice.dispatcher.stats
print(json.dumps({
    "answers": answers, "can write": can_write, "read": sum(stats.cache_hits.values()),
    "compiled": sum(stats.cache_misses.values()), "callback read": tried.called._made.cache_hits,
}))
"""
# Root may write anywhere, unless that power is taken from it before another program starts.
AS_ANYBODY = """
import ctypes, os, sys
libc = ctypes.CDLL(None)
if hasattr(libc, "prctl"):
    PR_CAPBSET_DROP, CAP_DAC_OVERRIDE = 24, 1
    libc.prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, 0, 0, 0)
os.execv(sys.executable, [sys.executable, "-c", sys.argv[1]])
"""
RIGHT = [5.0, 4, 7.0]
COMPILING = "alliance_bayes compiles its numerical code once for this machine, up to about # s.\n"


@pytest.fixture
def installed(tmp_path):
    """A copy of the package with a few small kernels, and a home; made writable again afterwards."""
    copy, home = tmp_path / "site" / "alliance_bayes", tmp_path / "home"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__", "models", "sponsor_cohort"))
    (copy / "engine" / "kernels" / "tried.py").write_text(KERNELS)
    home.mkdir()
    yield tmp_path
    for folder in (tmp_path / "site", home):
        writable(folder, True)


def writable(folder, can):
    for path in [folder, *folder.rglob("*")]:
        path.chmod((0o755 if path.is_dir() else 0o644) if can else (0o555 if path.is_dir() else 0o444))


def started(installed, **environment):
    inherited = {
        name: value for name, value in NO_BYTECODE.items() if name not in ("NUMBA_CACHE_DIR", "XDG_CACHE_HOME")
    }
    whole = {**inherited, "PYTHONPATH": str(installed / "site"), "HOME": str(installed / "home"), **environment}
    command = [sys.executable, "-c", AS_ANYBODY, TRIED]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=whole)


def ended(process):
    output, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    return json.loads(output), re.sub(r"about \d+ s", "about # s", errors)


def tried(installed, **environment):
    return ended(started(installed, **environment))


def kept_in(folder):
    return sorted(path.name for path in folder.rglob("tried.*.nbc"))


def test_an_installation_that_cannot_be_written_serves_what_was_compiled_in_it(installed):
    first, said = tried(installed)
    assert (first["answers"], first["read"], first["compiled"], said) == (RIGHT, 0, 2, COMPILING)
    writable(installed / "site", False)
    writable(installed / "home", False)
    again, said = tried(installed)
    assert again == {"answers": RIGHT, "can write": False, "read": 2, "compiled": 0, "callback read": 1}
    assert said == ""


def test_what_an_installation_lacks_is_kept_in_the_home(installed):
    writable(installed / "site", False)
    first, said = tried(installed)
    assert (first["answers"], first["read"], first["compiled"], said) == (RIGHT, 0, 2, COMPILING)
    assert kept_in(installed / "home")
    assert not kept_in(installed / "site")
    again, said = tried(installed)
    assert (again["answers"], again["read"], again["compiled"], said) == (RIGHT, 2, 0, "")


def test_where_nothing_can_be_written_it_is_said_once_and_everything_works(installed):
    writable(installed / "site", False)
    writable(installed / "home", False)
    for _ in range(2):
        found, said = tried(installed)
        assert found == {"answers": RIGHT, "can write": False, "read": 0, "compiled": 2, "callback read": 0}
        assert said.count("\n") == 2
        places = [installed / "site" / "alliance_bayes" / "engine" / "kernels" / "__pycache__", installed / "home"]
        assert all(str(place) in said for place in places)
        assert said.startswith(f"{COMPILING}alliance_bayes cannot keep compiled code: neither ")
        assert said.endswith(
            " can be written. It is compiled again in every process, which takes minutes. Set NUMBA_CACHE_DIR to a "
            "folder that can be written.\n"
        )
    chosen = installed / "chosen"
    first, said = tried(installed, NUMBA_CACHE_DIR=str(chosen))
    again, _ = tried(installed, NUMBA_CACHE_DIR=str(chosen))
    assert (first["compiled"], again["compiled"], again["read"], said) == (2, 0, 2, COMPILING)


def test_two_processes_may_compile_at_once(installed):
    both = [ended(process) for process in [started(installed), started(installed)]]
    assert [found["answers"] for found, _ in both] == [RIGHT, RIGHT]
    assert all(said in ("", COMPILING) for _, said in both)  # the second may find what the first has kept
    after, _ = tried(installed)
    assert after["answers"] == RIGHT
    assert not list((installed / "site").rglob("*.tmp.*"))


MANY_STEPS = "\n".join(f"    value = value * 0.5 + 0.{step}" for step in range(40))
NESTED = f"""
from alliance_bayes.basics.compiled import compiled


@compiled
def large(value):
{MANY_STEPS}
    return value


@compiled
def small(value):
    return large(value) + 1


@compiled
def caller(value):
    return small(value) + 1
"""


def test_code_that_was_read_passes_on_what_it_needs(installed):
    """A caller compiled in the process that read a small kernel, and not made it, is read by a third one."""
    module = installed / "site" / "alliance_bayes" / "engine" / "kernels" / "nested.py"
    module.write_text(NESTED)
    whole = {**NO_BYTECODE, "PYTHONPATH": str(installed / "site"), "NUMBA_CACHE_DIR": str(installed / "cache")}
    said = []
    for name in ("small", "caller", "caller"):
        script = (
            "from alliance_bayes.engine.kernels import nested\n"
            "from alliance_bayes.basics.compiled import LARGE\n"
            "assert len(nested.large.py_func.__code__.co_code) > LARGE\n"
            f"print(nested.{name}(0.0) - nested.large.py_func(0.0))"
        )
        done = subprocess.run([sys.executable, "-c", script], env=whole, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        said.append(float(done.stdout))
    assert said == pytest.approx([1, 2, 2])


def test_an_index_beside_what_it_does_not_speak_of_is_not_believed(installed):
    """As a process leaves it that is killed after the index, or two that number their overloads alike."""
    source = installed / "site" / "alliance_bayes" / "engine" / "kernels" / "tried.py"
    tried(installed)
    older = {path: path.read_bytes() for path in source.parent.rglob("tried.*.nbc")}
    source.write_text(KERNELS.replace("value + 1", "value + 3"))
    assert tried(installed)[0]["answers"] == [9.0, 8, 11.0]
    for path, text in older.items():
        path.write_bytes(text)
    assert tried(installed)[0]["answers"] == [9.0, 8, 11.0]
    first, second = sorted(source.parent.rglob("tried.twice*.nbc"))
    texts = first.read_bytes(), second.read_bytes()
    first.write_bytes(texts[1])
    second.write_bytes(texts[0])
    assert tried(installed)[0]["answers"] == [9.0, 8, 11.0]


def test_what_cannot_be_read_counts_as_not_kept(installed):
    """As after a class that an index names has moved, or where a file was cut off."""
    tried(installed)
    files = sorted((installed / "site").rglob("tried.*.nb?"))
    assert files
    for path in files:
        path.write_bytes(path.read_bytes().replace(b"numba.core.types", b"numba.core.typos"))
    again, _ = tried(installed)
    assert (again["answers"], again["compiled"]) == (RIGHT, 2)
    for suffix in (".nbi", ".nbc"):
        for path in files:
            if path.suffix == suffix:
                path.write_bytes(path.read_bytes()[:-40])
        again, _ = tried(installed)
        assert (again["answers"], again["compiled"]) == (RIGHT, 2)
    assert tried(installed)[0]["compiled"] == 0


# ---- what a wheel brings, and what a first use compiles ----


def test_object_code_of_a_wheel_is_used_and_nothing_compiled(installed):
    folder = installed / "built"
    tried(installed, NUMBA_CACHE_DIR=str(folder), NUMBA_CPU_NAME=level(), NUMBA_CPU_FEATURES="")
    shipped = installed / "site" / "alliance_bayes" / "engine" / "kernels" / OBJECT_CODE / level()
    shipped.mkdir(parents=True)
    for path in folder.rglob("tried.*.nb?"):
        shutil.copy(path, shipped)
    found, said = tried(installed)
    assert (found["answers"], found["compiled"], found["callback read"], said) == (RIGHT, 0, 1, "")
    source = installed / "site" / "alliance_bayes" / "engine" / "kernels" / "tried.py"
    source.write_text(KERNELS.replace("value + 1", "value + 3"))  # a wheel's code of other sources is not believed
    found, said = tried(installed)
    assert (found["answers"], found["compiled"], said) == ([9.0, 8, 11.0], 2, COMPILING)


FIRST_FIT = """
import numpy as np
import alliance_bayes as ab
rng = np.random.default_rng(1)
values = rng.normal(size=(80, 4, 2)) + rng.normal(size=(80, 1, 2))
values[:5, 3] = np.nan
panel = ab.Panel.from_arrays(values, measures=["x", "y"], times=range(4))
ab.maximum_likelihood(ab.RICLPM(["x", "y"]), panel)
"""


def kept_of(folder):
    return sorted(path.name.split("-")[0] for path in folder.rglob("*.nbc"))


@pytest.mark.slow
def test_a_first_fit_of_normal_measures_compiles_what_it_uses_and_that_once(tmp_path):
    copy = tmp_path / "site" / "alliance_bayes"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__", "models", OBJECT_CODE))
    environment = {
        **NO_BYTECODE,
        "PYTHONPATH": str(tmp_path / "site"),
        "NUMBA_CACHE_DIR": str(tmp_path / "cache"),
    }
    subprocess.run([sys.executable, "-c", FIRST_FIT], env=environment, check=True, capture_output=True)
    assert [path.name.split("_")[0] for path in (tmp_path / "cache").iterdir()] == ["kernels"]
    kernels = kept_of(tmp_path / "cache")
    assert len(kernels) <= 40
    assert not [name for name in kernels if "transition" in name or "exponential" in name]
    # One kernel has two layouts: parts of a larger array are not known to be contiguous.
    assert {name for name in kernels if kernels.count(name) > 1} <= {
        f"matrices.{name}" for name in ("inverse_and_log_determinant", "cholesky", "_inverse_of_factor")
    }


@pytest.mark.slow
def test_two_processes_compile_ahead_of_time_at_once(tmp_path):
    copy, cache = tmp_path / "site" / "alliance_bayes", tmp_path / "cache"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__", OBJECT_CODE))
    environment = {**NO_BYTECODE, "PYTHONPATH": str(tmp_path / "site"), "NUMBA_CACHE_DIR": str(cache)}
    command = [sys.executable, "-m", "alliance_bayes.compile", "--normal"]

    def run():
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)

    for process in [run(), run()]:
        said, errors = process.communicate(timeout=500)
        assert process.returncode == 0, errors
        assert re.fullmatch(rf"Compiled code is in {re.escape(str(cache))}/kernels_\w+\nThat took \d+ s\.\n", said)
        assert re.sub(r"about \d+ s", "about # s", errors) == COMPILING
    said, errors = run().communicate(timeout=500)
    assert (said.splitlines()[0], errors) == ("Nothing was left to compile.", "")
