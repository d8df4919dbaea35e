"""`make dist` in a copy of the project, and what it built in fresh environments: a first preview runs from either."""

import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PREVIEW = """
import alliance_bayes as ab
truth = ab.Truth(ab.RICLPM(["x", "y"]), times=[0, 1, 2, 3], lagged={"x -> y": 0.2}, icc=0.4, carry_over=0.3)
panel = ab.simulate(truth, persons=300, seed=1)
print(ab.directionality(ab.preview(ab.RICLPM(["x", "y"], lags="equal"), panel)))
print(ab.__file__)
"""


def run(*command, folder, **environment):
    """What a command prints; where it fails, all that it said."""
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV", "MAKEFLAGS")}
    done = subprocess.run(
        [str(part) for part in command], cwd=folder, env=kept | environment, capture_output=True, text=True
    )
    assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The folder dist of a copy of what git knows, made by `make dist` with the packages of this environment."""
    folder = tmp_path_factory.mktemp("project")
    known = run("git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", folder=ROOT)
    for name in filter(None, known.split("\0")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, folder / name, follow_symlinks=False)
    venv.create(folder / ".venv", with_pip=True)
    home = folder / ".venv" / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
    (home / "packages.pth").write_text(sysconfig.get_paths()["purelib"])
    run("make", "dist", "-o", ".venv/bin/.installed-test", folder=folder, PYTHONPATH=str(folder / "src"))
    return folder / "dist"


def names_in(file):
    if file.suffix == ".whl":
        with zipfile.ZipFile(file) as wheel:
            return wheel.namelist()
    with tarfile.open(file) as sdist:
        return sdist.getnames()


@pytest.mark.slow  # compiles all kernels, and installs everything twice
@pytest.mark.parametrize("kind", ["*.whl", "*.tar.gz"])
def test_what_was_built_can_be_installed_and_answers(built, kind, tmp_path):
    (file,) = built.glob(kind)
    names = names_in(file)
    assert any(name.endswith("alliance_bayes/py.typed") for name in names)
    assert any(name.endswith("models/help-direction.toml") for name in names)
    assert any("object_code" in name for name in names) is (kind == "*.whl")

    venv.create(tmp_path / "fresh", with_pip=True)
    python = tmp_path / "fresh" / "bin" / "python"
    run(python, "-m", "pip", "install", "--quiet", "--constraint", ROOT / "constraints.txt", file, folder=tmp_path)
    printed = run(python, "-c", PREVIEW, folder=tmp_path)
    assert "Approximate:" in printed
    assert str(tmp_path / "fresh") in printed.splitlines()[-1]
    assert "alliance-bayes 0" in run(python.with_name("alliance-bayes"), "--version", folder=tmp_path)
