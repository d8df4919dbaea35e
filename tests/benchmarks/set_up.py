"""Set up the peers that need an environment or a checkout: python tests/benchmarks/set_up.py [stan] [pathmc] [earlier].

lavaan comes with R: install r-base-core and r-cran-lavaan by the system's means.
"""

import subprocess
import sys

from measuring import EARLIER, EARLIER_COMMIT, PEERS, ROOT

PEERS_BY_PIP = ("stan", "pathmc")


def set_up(name: str) -> None:
    if name == "earlier":
        subprocess.run(["git", "worktree", "add", "--force", "--detach", EARLIER, EARLIER_COMMIT], cwd=ROOT, check=True)
        return
    folder = ROOT / f".venv-{name}"
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    (folder / ".gitignore").write_text("*\n")
    pip = [folder / "bin" / "python", "-m", "pip", "install", "--disable-pip-version-check", "--quiet"]
    subprocess.run([*pip, "--requirement", PEERS / f"{name}.txt"], check=True)
    print(f"{folder.name} is ready.")


if __name__ == "__main__":
    for peer in sys.argv[1:] or (*PEERS_BY_PIP, "earlier"):
        set_up(peer)
