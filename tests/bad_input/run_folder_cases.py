"""Places where a run or a simulated file cannot go."""

from pathlib import Path

from case import Case, command

import alliance_bayes as ab
from alliance_bayes.files.run_folder import Asked, run_folder

MODEL = Path(__file__).parents[2] / "models" / "riclpm-alliance-abstinence.toml"
OTHER = Asked("another.toml", "a" * 64, "old.csv", "b" * 64, {"seed": 1})


def _ran(prepare, out="out"):
    """Run the model into a folder after something was put there."""

    def call(folder):
        ab.load(MODEL).simulate(persons=12, seed=1).to_csv(folder / "study.csv", index=False)
        prepare(folder)
        command("run", MODEL, folder / "study.csv", "--out", folder / out, "--seed", 1)

    return call


def _holding(**files):
    def prepare(folder):
        (folder / "out").mkdir()
        for name, text in files.items():
            (folder / "out" / f"{name}.txt").write_text(text)

    return prepare


def _holding_a_run(finish):
    def prepare(folder):
        with run_folder(folder / "out", OTHER, {}, overwrite=False) as run:
            run.write("draws.nc", b"draws")
            if finish:
                run.finish()

    return prepare


def _holding_a_damaged_manifest(folder):
    _holding_a_run(True)(folder)
    (folder / "out" / "run.json").write_text("{")


def _simulate(out, prepare=lambda folder: None):
    def call(folder):
        prepare(folder)
        command("simulate", MODEL, "--persons", 12, "--seed", 1, "--out", folder / out)

    return call


CASES = [
    Case("run: a file in the place of the folder", _ran(lambda folder: (folder / "out").write_text("")),
         ("out is a file, and a run needs a folder", "Name another folder with --out")),
    Case("run: a folder below a file", _ran(lambda folder: (folder / "taken").write_text(""), "taken/out"),
         ("taken/out cannot be made: Not a directory", "choose a folder where you may write")),
    Case("run: a folder with files of others", _ran(_holding(notes="", thoughts="")),
         ("holds files that are not of this run: 'notes.txt', 'thoughts.txt'", "--overwrite to write beside them")),
    Case("run: a folder with a finished run of other files", _ran(_holding_a_run(True)),
         ("holds another run (finished, ", "the model file was another.toml, and is riclpm-",
          "the data file was old.csv, and is study.csv now", "pass --overwrite to replace that run")),
    Case("run: a folder with an unfinished run of other files", _ran(_holding_a_run(False)),
         ("holds another run (unfinished, ", "pass --overwrite to replace that run")),
    Case("run: a folder whose manifest is damaged", _ran(_holding_a_damaged_manifest),
         ("out/run.json, which describes a run, cannot be read; beside it are 'draws.nc'", "pass --overwrite",
          "this run would replace 'draws.nc', 'run.json'")),
    Case("run: a name of 300 letters", _ran(lambda _: None, "x" * 300), ("cannot be made: File name too long",)),
    Case("simulate: onto a folder", _simulate("study.csv", lambda folder: (folder / "study.csv").mkdir()),
         ("study.csv cannot be written: it is a folder; name a file in it",)),
    Case("simulate: below a file", _simulate("taken/study.csv", lambda folder: (folder / "taken").write_text("")),
         ("taken cannot be made: File exists", "choose a folder where you may write")),
    Case("simulate: a file of another kind", _simulate("study.xlsx"), ("ending in '.xlsx'", "Use .csv or .parquet")),
    Case("simulate: a name of 300 letters", _simulate("x" * 300 + ".csv"), ("its name is too long",)),
]  # fmt: skip
