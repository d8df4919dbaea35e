"""Set up the peers that need environments of their own: python tests/benchmarks/set_up.py [stan] [pathmc].

lavaan comes with R: install r-base-core and r-cran-lavaan by the system's means.
"""

import subprocess
import sys

from measuring import PEERS, ROOT

PEERS_BY_PIP = ("stan", "pathmc")


def set_up(name: str) -> None:
    folder = ROOT / f".venv-{name}"
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    (folder / ".gitignore").write_text("*\n")
    pip = [folder / "bin" / "python", "-m", "pip", "install", "--disable-pip-version-check", "--quiet"]
    subprocess.run([*pip, "--requirement", PEERS / f"{name}.txt"], check=True)
    print(f"{folder.name} is ready.")


if __name__ == "__main__":
    for peer in sys.argv[1:] or PEERS_BY_PIP:
        set_up(peer)
