"""PyTensor works where the home cannot be written, and says so once."""

import os
import subprocess
import sys
from pathlib import Path

import alliance_bayes

PROGRAM = """
import sys
from pathlib import Path
from alliance_bayes.pymc_models import operations
from pytensor.configdefaults import config
print(config.base_compiledir)
assert Path(config.base_compiledir).is_dir()
"""


def tried(home, **more):
    environment = os.environ | {"PYTHONPATH": str(Path(alliance_bayes.__file__).parents[1]), "HOME": str(home)} | more
    environment.pop("PYTENSOR_FLAGS", None) if "PYTENSOR_FLAGS" not in more else None
    return subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, env=environment, check=True)


def test_a_home_that_cannot_be_written(tmp_path):
    file = tmp_path / "home"
    file.write_text("A file, in which nobody can make a folder.")
    done = tried(file / "nobody", TMPDIR=str(tmp_path), MPLCONFIGDIR=str(tmp_path))
    folder = Path(done.stdout.strip())
    assert folder.parent == tmp_path
    assert not folder.exists()  # it was of that process alone
    said = [line for line in done.stderr.splitlines() if "PyTensor" in line]
    assert len(said) == 1
    assert "Set PYTENSOR_FLAGS=base_compiledir=FOLDER" in said[0]


def test_a_home_that_can_be_written_and_a_folder_that_was_chosen(tmp_path):
    assert Path(tried(tmp_path).stdout.strip()) == tmp_path / ".pytensor"
    chosen = tmp_path / "chosen"
    assert Path(tried("/dev/null/none", PYTENSOR_FLAGS=f"base_compiledir={chosen}").stdout.strip()) == chosen
