"""Where PyTensor keeps what it compiles: it makes a folder when it is imported, and stops where it cannot."""

import atexit
import os
import shutil
import sys
import tempfile
from pathlib import Path

__all__ = ["use_a_folder_that_can_be_written"]

FLAGS, NAME = "PYTENSOR_FLAGS", "base_compiledir"


def use_a_folder_that_can_be_written() -> None:
    """Let PyTensor, before it is imported, use a folder of this process where the home cannot be written; say so once.

    A folder that somebody chose by its own flags is left to PyTensor.
    """
    flags = os.environ.get(FLAGS, "")
    if "pytensor" in sys.modules or NAME in flags or sys.platform == "win32":
        return
    try:
        folder = Path(os.environ.get("HOME") or Path.home()) / ".pytensor"
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return
    except (OSError, RuntimeError):  # no home at all
        temporary = tempfile.mkdtemp(prefix="alliance-bayes-pytensor-")
    atexit.register(shutil.rmtree, temporary, ignore_errors=True)
    os.environ[FLAGS] = ",".join(filter(None, [flags, f"{NAME}={temporary}"]))
    sys.stderr.write(
        "PyTensor cannot write to the home folder, so what it compiles is kept for this process alone. Set "
        f"{FLAGS}={NAME}=FOLDER to a folder that can be written.\n"
    )
