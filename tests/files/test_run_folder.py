"""The folder of a run: never taken for finished before it is, never a mix of two runs."""

import json
import os
import pickle
import subprocess
import sys
import textwrap
from contextlib import suppress
from pathlib import Path

import pytest

import alliance_bayes as ab
from alliance_bayes.basics.writing import write_file
from alliance_bayes.files import run_folder as run_folder_module
from alliance_bayes.files.run_folder import Asked, already_finished, finished, read_manifest, run_folder
from alliance_bayes.posterior.keeping import Kept

VERSIONS = {"alliance-bayes": "0"}
ASKED = Asked("model.toml", "a" * 64, "study.csv", "b" * 64, {"seed": 1, "draws": 50})
FILES = {"draws.nc": b"draws", "1-directionality.csv": b"table", "answer.txt": b"answer"}


def run(folder, asked=ASKED, *, overwrite=False, files=FILES, incomplete=()):
    with run_folder(folder, asked, VERSIONS, overwrite=overwrite) as opened:
        for name, content in files.items():
            opened.write(name, content)
        opened.finish(incomplete)


def contents(folder):
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def refusal(folder, asked=ASKED, **options):
    before = contents(folder) if folder.is_dir() else None
    with pytest.raises(ab.AllianceBayesError) as caught:
        run(folder, asked, **options)
    assert before == (contents(folder) if folder.is_dir() else None)
    return str(caught.value)


@pytest.fixture
def folder(tmp_path):
    """A finished run."""
    run(tmp_path / "out")
    return tmp_path / "out"


def test_the_manifest_says_what_was_asked_and_what_was_written(folder):
    manifest = json.loads((folder / "run.json").read_text())
    assert manifest["status"] == "finished"
    assert manifest["asked"] == {
        "model": "model.toml", "model_sha256": "a" * 64, "data": "study.csv", "data_sha256": "b" * 64,
        "settings": {"seed": 1, "draws": 50},
    }  # fmt: skip
    assert list(manifest["files"]) == list(FILES)
    assert {len(digest) for digest in manifest["files"].values()} == {64}
    assert manifest["started"] <= manifest["ended"]
    assert manifest["versions"] == {"alliance-bayes": "0"}
    assert finished(folder)


def _other_answer(folder):
    (folder / "answer.txt").write_bytes(b"another")


def _no_answer(folder):
    (folder / "answer.txt").unlink()


def _other_status(folder):
    text = (folder / "run.json").read_text()
    (folder / "run.json").write_text(text.replace('"finished"', '"unfinished"', 1))


def _half_manifest(folder):
    (folder / "run.json").write_text((folder / "run.json").read_text()[:100])


def _no_manifest(folder):
    (folder / "run.json").unlink()


def _path_as_name(folder):
    text = (folder / "run.json").read_text()
    (folder / "run.json").write_text(text.replace('"answer.txt"', '"../answer.txt"'))


def _file_without_checksum(folder):
    manifest = json.loads((folder / "run.json").read_text())
    manifest["files"]["more.csv"] = None
    (folder / "run.json").write_text(json.dumps(manifest))


@pytest.mark.parametrize(
    "change",
    [_other_answer, _no_answer, _other_status, _half_manifest, _no_manifest, _path_as_name, _file_without_checksum],
)
def test_a_folder_that_was_changed_is_not_finished(change, folder):
    change(folder)
    assert not finished(folder)


def test_what_is_no_folder_of_a_run_is_not_finished(tmp_path):
    assert not finished(tmp_path)
    assert not finished(tmp_path / "none")


def test_a_finished_run_is_not_replaced_in_silence(folder):
    ended = read_manifest(folder).ended
    assert already_finished(folder, ASKED, VERSIONS) == (
        f"{folder} already holds exactly this run (finished, {ended}); its answer is in {folder}/answer.txt. Nothing "
        "was done; --overwrite does it again."
    )
    assert already_finished(folder, ASKED, {"alliance-bayes": "1"}) == ""
    _other_answer(folder)
    assert already_finished(folder, ASKED, VERSIONS) == ""
    assert refusal(folder) == (
        f"{folder} already holds exactly this run (finished, {ended}), but its files were changed since. Name another "
        "folder with --out, or pass --overwrite to do it again."
    )
    run(folder, overwrite=True, files={"draws.nc": b"again"})
    assert finished(folder)
    assert sorted(contents(folder)) == ["draws.nc", "run.json"]


def test_other_versions_are_another_run(folder):
    with pytest.raises(ab.AllianceBayesError) as caught, run_folder(folder, ASKED, {"numpy": "2"}, overwrite=False):
        pytest.fail("the run began")
    assert (
        "): the version of alliance-bayes was 0, and is not installed now; the version of numpy was not installed, and "
        "is 2 now. Name another folder with --out"
    ) in str(caught.value)


def killed(folder, asked=ASKED, versions=VERSIONS, *, overwrite=False):
    """A run that ends after its first result, as a kill would end it."""
    made = []
    with suppress(KeyError), run_folder(folder, asked, versions, overwrite=overwrite) as opened:
        opened.kept.result("first", lambda: made.append(1) or "result")
        assert opened.kept.in_words == "1 finished result"
        raise KeyError
    return len(made)


def test_what_is_kept_is_of_one_run_alone(tmp_path):
    """Found by the same run, refused to another, removed where another replaces it, gone at the end."""
    folder = tmp_path / "out"
    assert [killed(folder), killed(folder)] == [1, 0]
    assert read_manifest(folder / ".run.kept").status == "unfinished"
    other = Asked("model.toml", "a" * 64, "study.csv", "b" * 64, {"seed": 2, "draws": 50})
    assert "holds another run (unfinished, " in refusal_beside_kept(folder, other)
    assert "seed was 1, and is 2 now" in refusal_beside_kept(folder, other)
    with pytest.raises(ab.AllianceBayesError, match="the version of alliance-bayes was 0, and is 1 now"):
        killed(folder, versions={"alliance-bayes": "1"})
    assert [killed(folder, other, overwrite=True), killed(folder, other), killed(folder, overwrite=True)] == [1, 0, 1]
    run(folder)
    assert sorted(contents(folder)) == sorted([*FILES, "run.json"])


def refusal_beside_kept(folder, asked):
    with pytest.raises(ab.AllianceBayesError) as caught:
        run(folder, asked)
    return str(caught.value)


def test_a_run_that_lacks_something_keeps_what_is_finished(tmp_path):
    folder = tmp_path / "out"
    assert killed(folder) == 1
    with run_folder(folder, ASKED, VERSIONS, overwrite=False) as opened:
        opened.write("answer.txt", b"answer")
        opened.finish(("Log-likelihoods are missing.",))
    assert killed(folder) == 0


def test_only_what_this_user_wrote_is_read(tmp_path, monkeypatch):
    """A result runs as a program when it is read, so that one without this user's signature is made again."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    kept, made = Kept(tmp_path / "kept", VERSIONS), []
    make = lambda: made.append(1) or len(made)  # noqa: E731
    assert [kept.result("first", make), kept.result("first", make), kept.result("second", make)] == [1, 1, 2]
    assert Kept(tmp_path / "kept", {"alliance-bayes": "1"}).result("first", make) == 3
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "another"))
    assert kept.result("first", make) == 4
    assert kept.result("first", make) == 4
    (part,) = {file for file in (tmp_path / "kept").iterdir() if file.read_bytes()[32:] == pickle.dumps(4)}
    part.write_bytes(part.read_bytes()[:32] + pickle.dumps(5))
    assert kept.result("first", make) == 5
    assert len(made) == 5
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert [kept.result("first", make), kept.result("first", make)] == [6, 7]


def test_what_cannot_be_kept_is_made_again(tmp_path):
    kept, made = Kept(tmp_path, VERSIONS), []
    for _ in range(2):
        assert kept.result("first", lambda: made.append(1) or (lambda: 3))() == 3
    assert len(made) == 2


@pytest.mark.parametrize("incomplete", [(), ("chains stopped after 20 draws",)])
def test_another_run_is_not_replaced_in_silence(incomplete, tmp_path):
    folder = tmp_path / "out"
    run(folder, incomplete=incomplete)
    other = Asked("model.toml", "c" * 64, "new.csv", "d" * 64, {"seed": 2, "chains": 4, "draws": 50})
    assert (
        "): the model file (model.toml) has changed since then; the data file was study.csv, and is new.csv now; "
        "chains was not set, and is 4 now; seed was 1, and is 2 now. Name another folder with --out, or pass "
        "--overwrite to replace that run."
    ) in refusal(folder, other)
    run(folder, other, overwrite=True)
    assert read_manifest(folder).asked == other


def test_the_same_files_under_other_names_are_the_same_run(folder):
    asked = Asked("m.toml", "a" * 64, "s.csv", "b" * 64, ASKED.settings)
    assert "already holds exactly this run" in already_finished(folder, asked, VERSIONS)


def test_an_incomplete_run_may_be_done_again(tmp_path):
    folder = tmp_path / "out"
    run(folder, incomplete=("chains stopped after 20 draws",))
    assert not finished(folder)
    assert read_manifest(folder).incomplete == ("chains stopped after 20 draws",)
    run(folder)
    assert finished(folder)


def test_files_of_others_are_never_removed(tmp_path):
    for name in ("notes.txt", "answer.txt", ".hidden"):
        (tmp_path / name).write_bytes(b"mine")
    assert refusal(tmp_path) == (
        f"{tmp_path} holds files that are not of this run: 'answer.txt', 'notes.txt'. Name another folder with --out, "
        "or pass --overwrite to write beside them; this run would replace 'answer.txt' if it writes files of "
        "these names."
    )
    run(tmp_path, overwrite=True)
    run(tmp_path, overwrite=True, files={"draws.nc": b"again"})
    assert contents(tmp_path)["notes.txt"] == contents(tmp_path)[".hidden"] == b"mine"
    assert sorted(contents(tmp_path)) == [".hidden", "draws.nc", "notes.txt", "run.json"]


def test_a_file_in_the_place_of_the_folder(tmp_path):
    (tmp_path / "taken").write_text("")
    assert refusal(tmp_path / "taken") == (
        f"{tmp_path / 'taken'} is a file, and a run needs a folder. Name another folder with --out."
    )
    assert refusal(tmp_path / "taken" / "deep").startswith(f"The folder {tmp_path / 'taken' / 'deep'} cannot be made: ")


def test_a_run_that_fails_before_its_first_file_leaves_things_as_they_were(folder, tmp_path):
    before = contents(folder)
    for out in (folder, tmp_path / "new"):
        with pytest.raises(KeyboardInterrupt), run_folder(out, ASKED, VERSIONS, overwrite=True):
            raise KeyboardInterrupt
    assert contents(folder) == before
    assert not (tmp_path / "new").exists()


def test_a_disk_that_takes_nothing_is_said_before_anything_is_sampled(folder, tmp_path, monkeypatch):
    def fail(_):
        raise OSError(28, "No space left on device")

    before = contents(folder)
    monkeypatch.setattr(os, "fsync", fail)
    for out in (folder, tmp_path / "new"):
        with (
            pytest.raises(ab.AllianceBayesError, match="the disk is full"),
            run_folder(out, ASKED, VERSIONS, overwrite=True),
        ):
            pytest.fail("the run began")
    assert contents(folder) == before
    assert not (tmp_path / "new").exists()


def failing_after(folder, **options):
    """A run that fails after its first file; where the file is."""

    def fail(opened):
        assert opened.write("draws.nc", b"newer") == folder / "draws.nc"
        kept.append(opened.where("draws.nc"))
        raise KeyError

    kept: list[Path] = []
    with pytest.raises(KeyError), run_folder(folder, ASKED, VERSIONS, **options) as opened:
        fail(opened)
    assert kept[0].read_bytes() == b"newer"
    return kept[0]


def test_a_run_that_fails_between_two_files_is_unfinished_and_can_be_done_again(tmp_path):
    folder = tmp_path / "new"
    assert failing_after(folder, overwrite=False) == folder / "draws.nc"
    assert sorted(contents(folder)) == ["draws.nc", "run.json"]
    assert read_manifest(folder).status == "unfinished"
    assert not finished(folder)
    run(folder)
    assert finished(folder)


def test_a_run_that_fails_beside_a_finished_one_leaves_it_whole(folder):
    before = contents(folder)
    kept = failing_after(folder, overwrite=True)
    assert kept.parent.parent == folder
    assert read_manifest(kept.parent).status == "unfinished"
    assert {name: (folder / name).read_bytes() for name in before} == before
    assert finished(folder)
    assert "already holds exactly this run" in already_finished(folder, ASKED, VERSIONS)
    run(folder, overwrite=True, files={"draws.nc": b"again"})
    assert contents(folder).keys() == {"draws.nc", "run.json"}
    assert finished(folder)


@pytest.mark.parametrize("stage", ["draws.nc", "1-directionality.csv", "answer.txt", "finish", "in their places"])
def test_a_disk_that_is_full_at_any_file_leaves_the_finished_run_whole(stage, folder, monkeypatch):
    before, older = contents(folder), folder / "run.json"

    def fails(path, *parts):
        if stage in (path.name, "finish" * (b'"ended": "' in parts[0]), "in their places" * (path == older)):
            raise ab.AllianceBayesError(f"{path} cannot be written: the disk is full.")
        return write_file(path, *parts)

    monkeypatch.setattr(run_folder_module, "write_file", fails)
    monkeypatch.setattr(run_folder_module, "write_text", lambda path, text: fails(path, text.encode()))
    with pytest.raises(ab.AllianceBayesError, match="the disk is full"):
        run(folder, overwrite=True, files=dict.fromkeys(FILES, b"new"))
    assert {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()} == before
    assert finished(folder)
    assert (folder / ".run.unfinished").exists() is (stage != "draws.nc")


def test_a_second_run_at_the_same_time_is_refused(tmp_path):
    folder = tmp_path / "out"
    with run_folder(folder, ASKED, VERSIONS, overwrite=False) as opened:
        for overwrite in (False, True):
            assert refusal(folder, overwrite=overwrite) == (
                f"Another run (process {os.getpid()}) is writing to {folder}. Wait until it has ended, or name another "
                "folder with --out."
            )
        opened.write("answer.txt", b"answer")
        opened.finish()
    assert finished(folder)
    assert sorted(contents(folder)) == ["answer.txt", "run.json"]


def test_a_lock_that_a_killed_run_left_is_taken_over(tmp_path):
    folder = tmp_path / "out"
    killed = textwrap.dedent(
        f"""\
        import os, signal
        from pathlib import Path
        from alliance_bayes.files.run_folder import Asked, run_folder

        with run_folder(Path({str(folder)!r}), Asked("m", "a", "d", "b", {{}}), {{}}, overwrite=False):
            os.kill(os.getpid(), signal.SIGKILL)
        """
    )
    assert subprocess.run([sys.executable, "-c", killed], check=False).returncode == -9
    assert list(contents(folder)) == [".run.lock"]
    run(folder)
    assert sorted(contents(folder)) == sorted([*FILES, "run.json"])


def test_a_manifest_that_is_damaged_or_missing_is_said(folder):
    (folder / "run.json").write_text("{")
    files = "'1-directionality.csv', 'answer.txt', 'draws.nc'"
    assert refusal(folder) == (
        f"{folder}/run.json, which describes a run, cannot be read; beside it are {files}. Name another "
        f"folder with --out, or pass --overwrite to write beside them; this run would replace {files}, "
        "'run.json' if it writes files of these names."
    )
    (folder / "run.json").unlink()
    assert refusal(folder).startswith(
        f"{folder} holds files without the run.json that says which run they are of: {files}. Name another folder"
    )


def test_a_folder_that_takes_no_file_is_named(folder, monkeypatch):
    def fail(*_, **__):
        raise PermissionError(13, "Permission denied")

    before = contents(folder)
    monkeypatch.setattr(os, "open", fail)
    monkeypatch.setattr(Path, "open", fail)
    with pytest.raises(ab.AllianceBayesError) as caught, run_folder(folder, ASKED, VERSIONS, overwrite=True):
        pytest.fail("the run began")
    monkeypatch.undo()
    assert str(caught.value) == (
        f"No file can be written in the folder {folder}: you have no permission to write there; choose a folder where "
        "you may write."
    )
    assert contents(folder) == before


KILLED = textwrap.dedent(
    """\
    import json, os, shutil, signal, sys
    from pathlib import Path

    from alliance_bayes.basics import writing
    from alliance_bayes.files.run_folder import Asked, finished, read_manifest, run_folder

    NAMES = ("draws.nc", "summary.csv", "answer.txt")
    os.fsync = lambda _: None  # a process that is killed loses nothing that the system has



    def run(folder, word, seed, overwrite):
        asked = Asked("m", "a" * 64, "d", "b" * 64, {"seed": seed})
        with run_folder(folder, asked, {}, overwrite=overwrite) as opened:
            for name in NAMES:
                opened.write(name, word * 1000)
            opened.finish()


    def dies_at(step, owner, name):
        original = getattr(owner, name)

        def counted(*arguments, **options):
            global count
            if count == step:
                os.kill(os.getpid(), signal.SIGKILL)
            count += 1
            return original(*arguments, **options)

        setattr(owner, name, counted)


    def killed_at(step, folder, overwrite):
        child = os.fork()
        if child:
            return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
        for owner, name in [(Path, "open"), (Path, "replace"), (Path, "unlink"), (Path, "mkdir"), (os, "fsync")]:
            dies_at(step, owner, name)
        run(folder, b"new", 2, overwrite)
        os._exit(0)


    root, found, count = Path(sys.argv[1]), [], 0
    for older in (False, True):
        step, killed = 0, True
        while killed:
            folder = root / f"{older}-{step}"
            if older:
                folder.mkdir()
                run(folder, b"old", 1, False)
                (folder / "notes.txt").write_bytes(b"mine")
            killed = killed_at(step, folder, older)
            there = {file.name: file.read_bytes() for file in folder.glob("[!.]*")}
            words = sorted({there[name][:3].decode() for name in NAMES if name in there})
            state = {"older": older, "killed": killed, "finished": finished(folder), "words": words}
            state["whole"] = all(there.get(name) in (b"old" * 1000, b"new" * 1000, None) for name in NAMES)
            state["all"] = set(NAMES) <= set(there)
            manifest = read_manifest(folder)
            state["says"] = manifest is not None and manifest.status == "finished"
            if not state["finished"] or words == ["old"] or any(folder.glob(".run.*")):
                run(folder, b"new", 2, older or state["finished"])
            state["again"] = finished(folder)
            state["foreign"] = ["notes.txt"] if older else []
            state["left"] = sorted(file.name for file in folder.iterdir())
            found.append(state)
            step += 1
    print(json.dumps(found))
    """
)


def test_a_run_killed_at_any_step_is_not_taken_for_finished_and_leaves_no_mix(tmp_path):
    """Killed before each operation on a file, in a new folder and over a finished run."""
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    states = json.loads(done.stdout)
    killed = [state for state in states if state["killed"]]
    assert min(sum(state["older"] is older for state in killed) for older in (False, True)) > 20
    for state in states:
        assert state["whole"], state
        assert len(state["words"]) < 2, state
        assert state["all"] or not state["finished"], state
        assert state["says"] == state["finished"], state
        assert state["again"], state
        assert state["left"] == sorted(["answer.txt", "draws.nc", "run.json", "summary.csv", *state["foreign"]]), state
    assert [state["finished"] for state in states if not state["killed"]] == [True, True]
    of_new, of_old = (
        [state["finished"] for state in killed if state["older"] is older and state["words"] != ["old"]]
        for older in (False, True)
    )
    assert (any(of_new[:-3]), any(of_old[:-3])) == (False, False)  # the manifest is renamed at the very end


KILLED_AT_RANDOM = textwrap.dedent(
    """\
    import json, os, random, shutil, signal, sys, time
    from pathlib import Path

    import alliance_bayes as ab
    from alliance_bayes import cli
    from alliance_bayes.files.run_folder import finished, read_manifest
    from alliance_bayes.engine.model_on_panel import panel_model
    from alliance_bayes.pymc_models.compiling import compile_model

    root, model = Path(sys.argv[1]), Path(sys.argv[2])
    data, file = root / "study.csv", ab.load(model)
    file.simulate(persons=60, seed=8).to_csv(data, index=False)
    # Everything is imported and compiled once; nothing is sampled, as threads do not outlive a fork.
    compile_model(panel_model(file.spec, file.panel(data)))
    import matplotlib.pyplot, arviz_stats, nutpie, pymc

    def start(folder, seed):
        child = os.fork()
        if child == 0:
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, 1)
            sys.argv = ["alliance-bayes", "run", str(model), str(data), "--out", str(folder), "--draws", "50",
                        "--tune", "50", "--chains", "2", "--seed", str(seed), "--overwrite"]
            try:
                cli.main()
            finally:
                os._exit(1)
        return child

    def whole(seed, folder):
        started = time.perf_counter()
        os.waitpid(start(folder, seed), 0)
        return time.perf_counter() - started

    older = root / "older"
    whole(1, older)
    seconds = whole(1, older)
    assert finished(older)
    rng, found = random.Random(int(sys.argv[3])), []
    for k in range(10):
        folder = root / f"out-{k}"
        if k % 2:
            shutil.copytree(older, folder)
        child = start(folder, 2)
        time.sleep(seconds * rng.uniform(0.05, 1.0))
        os.kill(child, signal.SIGKILL)
        killed = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
        state = {"older": bool(k % 2), "killed": killed, "finished": finished(folder)}
        if state["finished"]:
            asked = read_manifest(folder).asked.settings["seed"]
            state["seeds"] = [asked, ab.load_fit(folder / "draws.nc").settings.seed]
            state["in words"] = f", seed {asked}, " in (folder / "answer.txt").read_text()
        found.append(state)
    print(json.dumps({"seconds": seconds, "found": found}))
    """
)


@pytest.mark.slow
def test_the_command_line_killed_at_ten_random_moments_leaves_nothing_taken_for_finished(tmp_path):
    """Five times in a new folder, five times over a finished run, which then stands whole or is no run."""
    model = Path(__file__).parents[2] / "models" / "riclpm-alliance-abstinence.toml"
    done = subprocess.run(
        [sys.executable, "-c", KILLED_AT_RANDOM, str(tmp_path), str(model), "7"],
        timeout=400,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    states = json.loads(done.stdout)["found"]
    assert sum(state["killed"] for state in states) > 5
    for state in states:
        if state["finished"]:
            assert state["seeds"][0] == state["seeds"][1], state
            assert state["in words"], state
            assert state["older"] or state["seeds"][0] == 2, state
    assert not all(state["finished"] for state in states if not state["older"])
