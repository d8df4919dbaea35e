"""Files are written whole or not at all, and what cannot be written is said in one sentence."""

import os
import re
import resource
import signal
import subprocess
import sys
import textwrap
from contextlib import contextmanager
from pathlib import Path

import pytest

import alliance_bayes as ab
from alliance_bayes.basics import writing
from alliance_bayes.basics.writing import write_file, write_text
from saved_fits import made_up_fit, whole_file


@contextmanager
def longest_file(size):
    """No file may grow beyond this many bytes, as on a disk that is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def names(folder):
    return sorted(file.name for file in folder.iterdir())


def refusal(path, *parts):
    with pytest.raises(ab.AllianceBayesError) as caught:
        write_file(path, *parts)
    return str(caught.value)


def test_parts_follow_one_another_and_nothing_else_is_left(tmp_path):
    path = tmp_path / "a.bin"
    assert write_file(str(path), b"one", memoryview(b" two"), b"") == path
    assert write_text(path, "zwölf\n") == path
    assert path.read_bytes() == "zwölf\n".encode()
    assert names(tmp_path) == ["a.bin"]


def test_a_new_file_has_the_usual_permissions_and_a_replaced_one_keeps_its_own(tmp_path):
    plain, path = tmp_path / "plain", tmp_path / "a"
    plain.write_text("")
    assert write_text(path, "1").stat().st_mode == plain.stat().st_mode
    path.chmod(0o640)
    assert write_text(path, "2").stat().st_mode & 0o777 == 0o640


def test_a_link_goes_on_to_point_at_its_file(tmp_path):
    (tmp_path / "deep").mkdir()
    target, link = tmp_path / "deep" / "file", tmp_path / "link"
    target.write_text("older")
    link.symlink_to(target)
    write_text(link, "newer")
    assert link.is_symlink()
    assert (target.read_text(), names(tmp_path), names(tmp_path / "deep")) == ("newer", ["deep", "link"], ["file"])


def test_a_file_that_grows_too_large_leaves_the_older_one(tmp_path):
    path = tmp_path / "a"
    path.write_text("older")
    with longest_file(2000):
        message = refusal(path, b"x" * 1500, b"y" * 1500)
    assert message == (
        f"{path} cannot be written: the file would exceed the size limit of this account (ulimit -f); raise it, or "
        "save to another disk; the older file there is as it was."
    )
    assert (path.read_text(), names(tmp_path)) == ("older", ["a"])


@pytest.mark.parametrize("stage", ["open", "fsync", "replace"])
@pytest.mark.parametrize("older", [False, True])
def test_a_full_disk_at_each_stage(stage, older, tmp_path, monkeypatch):
    path = tmp_path / "a"
    if older:
        path.write_text("older")

    def fail(*_, **__):
        raise OSError(28, "No space left on device")

    owner = {"open": writing.Path, "fsync": writing.os, "replace": writing.Path}[stage]
    monkeypatch.setattr(owner, stage, fail)
    message = refusal(path, b"newer")
    monkeypatch.undo()
    end = "; the older file there is as it was." if older else "."
    assert message == f"{path} cannot be written: the disk is full; make room, or name a path on another disk{end}"
    assert names(tmp_path) == (["a"] if older else [])
    assert not older or path.read_text() == "older"


def test_an_interruption_leaves_the_older_file_and_no_other(tmp_path, monkeypatch):
    path = tmp_path / "a"
    path.write_text("older")

    def interrupt(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(writing.os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_file(path, b"newer")
    assert (path.read_text(), names(tmp_path)) == ("older", ["a"])


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_to(tmp_path):
    tmp_path.chmod(0o500)
    assert "you have no permission to write there; choose a folder where you may write" in refusal(tmp_path / "a", b"1")


@pytest.mark.parametrize(("number", "says"), [(1, "no permission"), (13, "no permission"), (30, "can only be read")])
def test_what_the_system_refuses(number, says, tmp_path, monkeypatch):
    def fail(*_, **__):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(writing.Path, "open", fail)
    message = refusal(tmp_path / "a", b"1")
    assert message.startswith(f"{tmp_path / 'a'} cannot be written: ")
    assert says in message


def test_a_fit_that_cannot_be_saved_stays_in_hand(tmp_path):
    path = made_up_fit().save(tmp_path / "fit.nc")
    with (
        longest_file(len(whole_file()) // 2),
        pytest.raises(ab.AllianceBayesError, match=r"the older file there is as"),
    ):
        made_up_fit().save(path)
    assert names(tmp_path) == ["fit.nc"]
    assert path.read_bytes() == whole_file()
    assert ab.load_fit(made_up_fit().save(path)).settings == made_up_fit().settings


def test_saves_that_fail_do_not_end_the_process(tmp_path):
    """HDF5 writing to a full disk did: then, when what the failures left was collected, or at the end.

    In a process of its own, so that the test outlives it.
    """
    (tmp_path / "fit.nc").write_bytes(whole_file())
    program = textwrap.dedent(
        f"""\
        import gc, resource
        import alliance_bayes as ab

        fit = ab.load_fit({str(tmp_path / "fit.nc")!r})
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
        try:
            fit.save({str(tmp_path / "fit.nc")!r})
        except ab.AllianceBayesError as error:
            print(error)

        def save(name):
            try:
                fit.save({str(tmp_path)!r} + "/" + name)
            except ab.AllianceBayesError as error:
                try:
                    save(name + "-again") if len(name) < 20 else None
                finally:
                    raise ab.AllianceBayesError(name) from error

        for name in ("a", "b"):
            try:
                save(name)
            except ab.AllianceBayesError as error:
                held = error
                held.itself = held
            del held
            gc.collect()
        print("alive")
        """
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, signal.Signals(-done.returncode) if done.returncode < 0 else done.stderr
    first, last = done.stdout.splitlines()
    assert first.startswith(f"{tmp_path / 'fit.nc'} cannot be written: the file would exceed the size limit")
    assert (last, done.stderr) == ("alive", "")
    assert names(tmp_path) == ["fit.nc"]
    assert (tmp_path / "fit.nc").read_bytes() == whole_file()


def test_a_fit_replaces_a_fit_and_nothing_else(tmp_path):
    foreign = {
        "precious.csv": b"person,month\n1,3\n",
        "notes": b"alliance_bayes",
        "other.nc": b"\x89HDF\r\n\x1a\n" + bytes(100),
    }
    for name, content in foreign.items():
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(ab.AllianceBayesError) as caught:
            made_up_fit().save(path)
        assert str(caught.value) == (
            f"{path} exists and was not written by Fit.save; it was left unchanged. Name another file, or remove that "
            "one."
        )
        assert path.read_bytes() == content
    whole = whole_file()
    for content in (whole, whole[:-3], whole[: len(whole) // 2], whole[:-1] + b"x", b""):
        path.write_bytes(content)
        assert made_up_fit().save(path).read_bytes() == whole


def test_every_file_of_the_package_goes_through_one_place():
    """Or a failure would leave half a file somewhere."""
    to_a_path = re.compile(r"\.(write_text|write_bytes|to_netcdf|to_csv|to_parquet|savefig)\((?!\)|\*\*|\w+=|image,)")
    lines = [
        f"{file.name}: {line.strip()}"
        for file in Path(ab.__file__).parent.rglob("*.py")
        for line in file.read_text().splitlines()
    ]
    assert [line for line in lines if to_a_path.search(line) and "..." not in line] == []
    assert sum("to_csv(" in line for line in lines) > 2
