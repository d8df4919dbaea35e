"""A run on the command line that is killed goes on: draws and answers are those of a run without a break."""

import json
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

MODEL = Path(__file__).parents[1] / "models" / "riclpm-alliance-abstinence.toml"
REFITS = """
[[question]]
ask = "robustness"
between = ["alliance", "abstinence"]
models = ["clpm"]
lags = []
prior_widths = [0.5]

[[question]]
ask = "lag_curve"
"""

KILLED = textwrap.dedent(
    """\
    import json, os, random, signal, sys, time
    from pathlib import Path

    import alliance_bayes as ab
    from alliance_bayes import cli
    from alliance_bayes.engine.model_on_panel import panel_model
    from alliance_bayes.files.run_folder import finished
    from alliance_bayes.pymc_models.compiling import compile_model

    root, model, data = (Path(argument) for argument in sys.argv[1:4])
    moments = json.loads(sys.argv[4])
    # Everything is imported and compiled once; nothing is sampled, as threads do not outlive a fork.
    file = ab.load(model)
    compile_model(panel_model(file.spec, file.panel(data)))
    import matplotlib.pyplot, arviz_stats, nutpie, pymc, xarray, h5netcdf, h5py

    def start(folder):
        child = os.fork()
        if child == 0:
            said = os.open(root / f"{folder.name}.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            os.dup2(said, 1)
            os.dup2(said, 2)
            sys.argv = ["alliance-bayes", "run", str(model), str(data), "--out", str(folder), "--draws", "400",
                        "--tune", "100", "--chains", "4"]
            code = 1
            try:
                cli.main()
            except SystemExit as error:
                code = error.code or 0
            finally:
                sys.stdout.flush()
                os._exit(code)
        return child

    def ended(child):
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

    began = time.perf_counter()
    assert ended(start(root / "unbroken")) == 0
    seconds, found = time.perf_counter() - began, []
    for number, moment in enumerate(moments):
        folder = root / f"killed-{number}"
        child = start(folder)
        if moment is None:  # as soon as something is kept
            while not any(folder.glob(".run.kept/*.chain.npz")):
                time.sleep(0.002)
        else:
            time.sleep(moment * seconds)
        os.kill(child, signal.SIGKILL)
        killed = ended(child) == -signal.SIGKILL
        kept = {file.name: file.stat().st_ino for file in folder.glob(".run.kept/*.*.*")}
        went_on = ended(start(folder))
        found.append({"killed": killed, "kept": len(kept), "code": went_on, "finished": finished(folder),
                      "hidden": [file.name for file in folder.glob(".*")]})
    print(json.dumps({"seconds": seconds, "found": found}))
    """
)
TIMES = re.compile(r"in [0-9.]+ s \(compiled in [0-9.]+ s\)|(compile|sampling)_seconds [0-9.e-]+|started.*|ended.*")


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    import alliance_bayes as ab

    root = tmp_path_factory.mktemp("study")
    ab.load(MODEL).simulate(persons=80, seed=8).to_csv(root / "study.csv", index=False)
    text = MODEL.read_text()
    (root / "model.toml").write_text(text.replace("[truth]", f"{REFITS}\n[truth]", 1))
    return root


def killed_at(study, root, moments, model):
    """Kill a run at each of these moments, as shares of its length, and go on; what came of it."""
    program = [sys.executable, "-c", KILLED, root, model, study / "study.csv", json.dumps(moments)]
    done = subprocess.run(
        [str(word) for word in program], timeout=500, capture_output=True, text=True, check=False, cwd=root
    )
    assert done.returncode == 0, done.stderr
    states = json.loads(done.stdout)["found"]
    for number, state in enumerate(states):
        said = (root / f"killed-{number}.txt").read_text()
        assert (state["code"], state["finished"], state["hidden"]) == (0, True, []), (state, said)
        equal(root / "unbroken", root / f"killed-{number}")
    return states


def equal(unbroken, killed):
    """Every file, but for the times in texts: draws group by group, tables and figures byte by byte."""
    import alliance_bayes as ab

    names = [file.name for file in sorted(unbroken.iterdir())]
    assert names == [file.name for file in sorted(killed.iterdir())]
    for name in names:
        if name.endswith((".csv", ".png")):
            assert (unbroken / name).read_bytes() == (killed / name).read_bytes(), name
    texts = [TIMES.sub("", (folder / "answer.txt").read_text()) for folder in (unbroken, killed)]
    assert texts[0] == texts[1]
    one, other = (ab.load_fit(folder / "draws.nc").draws for folder in (unbroken, killed))
    assert list(one.children) == list(other.children)
    for name in one.children:
        assert one[name].to_dataset().identical(other[name].to_dataset()), name


def test_a_run_that_is_killed_after_its_first_chain_goes_on(study, tmp_path):
    (state,) = killed_at(study, tmp_path, [None], MODEL)
    assert state["killed"]
    assert state["kept"]
    assert re.search(
        r"^\S+killed-0 holds this run, unfinished: it goes on from [1-4] finished chains?\.$",
        (tmp_path / "killed-0.txt").read_text(),
        re.MULTILINE,
    )


@pytest.mark.slow
def test_a_run_that_is_killed_at_five_random_moments_goes_on_five_times_of_five(study, tmp_path):
    import random

    rng = random.Random(20)
    states = killed_at(study, tmp_path, [rng.uniform(0.02, 0.75) for _ in range(5)], study / "model.toml")
    assert all(state["killed"] for state in states)
    assert any(state["kept"] for state in states)
