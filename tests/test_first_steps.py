"""From a file as it comes to an answer, by the three commands of the README; what a new user meets on the way."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import alliance_bayes as ab
from alliance_bayes.cli import app
from messy_files import french, german

FEW = ["--draws", "40", "--tune", "100", "--chains", "2", "--seed", "3"]
README = (Path(__file__).parents[1] / "README.md").read_text("utf-8")


def invoke(*arguments, text=None):
    return CliRunner().invoke(app, [str(argument) for argument in arguments], input=text)


@pytest.fixture(scope="module")
def german_answer(tmp_path_factory):
    """The three commands on the German file, and their folder."""
    folder = tmp_path_factory.mktemp("german")
    data, model = german(folder), folder / "klinik.toml"
    chosen = ["--measures", "Bündnis (WAI), Tage abst.", "--time-unit", "months"]
    results = [invoke("init", data, "--out", model, *chosen), invoke("check", model, data)]
    return [*results, invoke("run", model, data, "--out", folder / "results", *FEW)], folder


def test_a_messy_file_is_answered_with_three_commands(german_answer):
    (init, check, run), folder = german_answer
    assert [result.exit_code for result in (init, check, run)] == [0, 0, 0]
    assert "Next: alliance-bayes check" in init.stdout
    assert "'Nr', and time, 'Monat': 0, 1, 3, 6, 12" in init.stdout
    assert "32 free parameters can be fitted, with 1 warning below." in check.stdout
    assert 'If they are, its family is "Tage abst." = { family = "days", window = 30 }' in check.stdout
    assert "Read: -99 is missing: 57 of Bündnis (WAI) and 39 of Tage abst." in check.stdout
    text = (folder / "results" / "answer.txt").read_text("utf-8")
    assert "Verdict: " in text
    assert "Read: fields separated by semicolons, decimal commas and encoding Latin-1" in text
    assert "Question 2: maximum_likelihood" in text
    assert "chi-square" in text
    assert pd.read_csv(folder / "results" / "2-maximum-likelihood.csv")["estimate"].notna().all()


def test_the_drafted_file_says_what_was_decided(german_answer):
    _, folder = german_answer
    text = (folder / "klinik.toml").read_text("utf-8")
    assert 'missing = [-99]\nidentical_rows = "drop"  # 1 repeat another in every column' in text
    assert "-99 in Bündnis (WAI) (57 times) and -99 in Tage abst. (39 times)" in text
    assert '# factor = { Klinik = ["Köln", "Mainz", "Trier"], Bildung = ["hoch", "mittel", "niedrig"] }' in text
    assert ab.load(folder / "klinik.toml").spec.lags == "grid"  # 0, 1, 3, 6, 12 months


def test_a_wide_french_file_is_answered_with_the_same_commands(tmp_path):
    data, model = french(tmp_path), tmp_path / "clinique.toml"
    init = invoke("init", data, "--out", model, "--times", "0,3,6", "--time-unit", "months")
    check, run = invoke("check", model, data), invoke("run", model, data, "--out", tmp_path / "r", *FEW)
    assert [result.exit_code for result in (init, check, run)] == [0, 0, 0]
    assert "9 in alliance (17 times) and 999 in jours (19 times)" in model.read_text("utf-8")
    assert "Read: 9 is missing: " in check.stdout
    assert "22 free parameters can be fitted, with 1 warning below." in check.stdout
    assert "Verdict: " in run.stdout


def test_the_readme_shows_these_commands():
    for command in ("alliance-bayes init", "alliance-bayes check", "alliance-bayes run", "alliance-bayes describe"):
        assert command in README


def test_describe_prints_what_it_saw(tmp_path):
    result = invoke("describe", german(tmp_path))
    assert result.exit_code == 0
    assert "Rückfall       two-valued" in result.stdout
    assert "Do not vary within persons: 'Alter', 'Klinik', 'Bildung'" in result.stdout
    told = invoke("describe", german(tmp_path), "--missing", "-99", "--delimiter", ";", "--encoding", "latin-1")
    assert "-99 is missing: 57 of Bündnis (WAI) and 39 of Tage abst." in told.stdout
    assert "Tage abst.        numbers   1,034" in told.stdout


def test_the_version_is_printed():
    assert invoke("--version").stdout.startswith(f"alliance-bayes {ab.__version__}, Python 3.")


def test_a_choice_that_the_data_leave_open_is_asked_for_or_refused(tmp_path, monkeypatch):
    data, model = german(tmp_path), tmp_path / "model.toml"
    refused = invoke("init", data, "--out", model)
    assert refused.exit_code == 2
    assert "these vary within persons: 'Bündnis (WAI)', 'Tage abst.', 'Rückfall'" in refused.stderr
    assert not model.exists()
    monkeypatch.setattr("alliance_bayes.cli._at_a_terminal", lambda: True)
    asked = invoke("init", data, "--out", model, text="Rückfall, Bündnis (WAI)\n")
    assert asked.exit_code == 0
    assert ab.load(model).spec == ab.RICLPM(
        ["Rückfall", "Bündnis (WAI)"], lags="grid", families={"Rückfall": ab.YesNo()}
    )
    assert "exists. Name another file with --out" in invoke("init", data, "--out", model).stderr


def test_a_draft_with_groups_asks_about_one_of_them(tmp_path):
    data = german(tmp_path)
    text = ab.draft(data, measures=["Bündnis (WAI)", "Tage abst."], group="Klinik")
    (tmp_path / "g.toml").write_text(text, encoding="utf-8")
    assert "free parameters can be fitted" in ab.load(tmp_path / "g.toml").check(data)


def uncommented(text, *keys):
    """The draft with the comments off these keys."""
    return "\n".join(
        line[2:] if line.startswith(tuple(f"# {key}" for key in keys)) else line for line in text.splitlines()
    )


FAMILY = ("[model.families", "family =", "window =")


@pytest.mark.parametrize(
    ("keys", "n_parameters"),
    [(("time",), 32), (("covariates =", "factor ="), 42), (("group =", "group_lags ="), 88), (FAMILY, 37)],
)
def test_each_comment_of_a_draft_can_be_taken_off(tmp_path, keys, n_parameters):
    data = german(tmp_path)
    text = uncommented(ab.draft(data, measures=["Bündnis (WAI)", "Tage abst."]), *keys)
    if keys == FAMILY:  # as its comment says
        text = text.replace('[[question]]\nask = "maximum_likelihood"', "#")
    (tmp_path / "m.toml").write_text(text, encoding="utf-8")
    assert f"{n_parameters} free parameters can be fitted" in ab.load(tmp_path / "m.toml").check(data)


def rows_of(values):
    """Four times of two measures, the second with these values."""
    n_persons = len(values) // 4
    frame = pd.DataFrame({"id": np.repeat(np.arange(n_persons), 4), "month": np.tile(range(4), n_persons)})
    return frame.assign(x=np.random.default_rng(1).normal(size=len(frame)), y=values)


@pytest.mark.parametrize(
    ("values", "family", "why"),
    [
        (
            np.repeat([0, 1, 2, 3, 5, 7], [120, 60, 40, 15, 4, 1]),
            "count",
            "whole numbers from 0, most of them small, 50 % 0",
        ),
        (np.repeat([0, 2, 5, 7], [60, 60, 60, 60]), "days", "25 % are 0 and 25 % are 7, the end of a window"),
        (np.repeat([0, 12, 25, 30], [60, 60, 100, 20]), "days", "25 % are 0 and 8 % are 30"),
    ],
)
def test_the_family_of_a_draft_says_what_shows_it_and_what_else_it_may_be(values, family, why):
    text = ab.draft(rows_of(np.random.default_rng(3).permutation(values)))
    assert f'[model.families.y]\nfamily = "{family}"  # ' in text
    assert why in text
    assert {"count": '"days", with window', "days": '"count", without window'}[family] in text


def test_a_family_in_a_warning_can_be_pasted_and_groups_are_minded(tmp_path):
    data = german(tmp_path)
    for options, words in ({}, "If they are, its family is"), ({"group": "Klinik"}, "without groups it would be"):
        (tmp_path / "m.toml").write_text(
            ab.draft(data, measures=["Bündnis (WAI)", "Tage abst."], **options), encoding="utf-8"
        )
        warned = ab.load(tmp_path / "m.toml").check(data).splitlines()[-1]
        assert f'{words} "Tage abst." = {{ family = "days", window = 30 }}' in warned


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"measures": ["Bündnis", "Tage abst."]}, "'Bündnis' is no column of numbers; did you mean 'Bündnis (WAI)'"),
        ({"measures": ["Alter"]}, "Two or more different measures are needed"),
        ({"group": "Clinic"}, "No column 'Clinic' for the groups"),
    ],
)
def test_a_draft_that_cannot_be_made_says_why(tmp_path, change, problem):
    with pytest.raises(ab.ModelFileError) as caught:
        ab.draft(german(tmp_path), **({"measures": ["Bündnis (WAI)", "Tage abst."]} | change))
    assert problem in str(caught.value)


def test_times_that_are_labels_or_dates_are_drafted_for_correction(tmp_path):
    rows = pd.read_csv(german(tmp_path), sep=";", decimal=",", encoding="latin-1").drop(columns="Monat")
    measures = ["Bündnis (WAI)", "Tage abst."]
    text = ab.draft(rows, measures=measures, times=[0, 1, 3, 6, 12])
    assert 'time = "Datum"\ndates_from = "person"' in text
    with pytest.raises(ab.ModelFileError, match=r"'Datum' holds dates; say the planned times"):
        ab.draft(rows, measures=measures)
    labelled = pd.DataFrame({"id": [1, 1, 2, 2, 3, 3], "wave": ["T1", "T2"] * 3, "x": [1.5] * 6, "y": range(6)})
    labelled["x"] += labelled["y"]
    assert "times = { T1 = 0, T2 = 1 }  # write the real time of each label" in ab.draft(labelled)


# ---- every question from a file ----

FILE = """
format = 1
title = "Everything"
[panel]
person = "person"
time = "time"
measures = ["x", "m", "y"]
[model]
kind = "clpm"
lags = "equal"
residuals = "equal"
means = "equal"
[sampling]
draws = 60
tune = 100
chains = 2
[[question]]
ask = "mediation"
treatment = "x"
mediators = ["m"]
outcome = "y"
horizon = 2
[[question]]
ask = "sensitivity"
of = "mediation"
[[question]]
ask = "check"
[[question]]
ask = "forecast"
time = 5
[[question]]
ask = "maximum_likelihood"
standard_errors = "robust"
[[question]]
ask = "compare"
between = ["x", "y"]
[[question]]
ask = "leave_future_out"
models = { separate = { residuals = "free" } }
most_refits = 0
[[question]]
ask = "loo_pit"
"""


def test_every_question_is_asked_from_a_file(tmp_path):
    spec = ab.CLPM(["x", "m", "y"], lags="equal")
    truth = ab.Truth(
        spec, times=[0, 1, 2, 3], lagged={"x -> m": 0.3, "m -> y": 0.3}, carry_over=0.4, within_correlation=0.2
    )
    frame = ab.simulate(truth, persons=80, seed=4).to_frame()
    (tmp_path / "all.toml").write_text(FILE)
    file = ab.load(tmp_path / "all.toml")
    assert ab.load(file.save(tmp_path / "again.toml")) == file
    answers = file.ask(frame)
    assert list(answers) == list(file.names)
    assert all(answer.question == file.questions[i].ask for i, answer in enumerate(answers.values()))
    assert answers["sensitivity"].basis is answers["mediation"]
    assert set(answers["compare"].table.index) == set(ab.direction_models(file.spec, "x", "y"))
    assert set(answers["leave_future_out"].table.index) == {"original model", "separate"}
    likelihood = ab.maximum_likelihood(file.spec, file.panel(frame), standard_errors="robust")
    assert answers["maximum_likelihood"].table["estimate"].tolist() == likelihood.table["estimate"].tolist()
    assert answers["forecast"].table.index.get_level_values("person").nunique() == 80
    assert "statistics deviate" in answers["check"].verdict


LIKELIHOODS = """
format = 1
title = "No priors"
[panel]
person = "Nr"
time = "Monat"
measures = ["Bündnis (WAI)", "Tage abst."]
missing = [-99]
identical_rows = "drop"
covariates = ["Alter"]
factor = ["Klinik"]
[model]
kind = "riclpm"
lags = "grid"
[[question]]
ask = "maximum_likelihood"
cluster = "Klinik"
weights = "Alter"
[[question]]
ask = "likelihood_ratio_test"
other = { lags = "free" }
[[question]]
ask = "modification_indices"
[[question]]
ask = "random_intercept_test"
measures = ["Tage abst."]
"""


def test_another_model_without_a_closed_likelihood_is_named_with_its_question(tmp_path):
    data, model = german(tmp_path), tmp_path / "m.toml"
    days = '{ "Tage abst." = { family = "days", window = 30 } }'
    model.write_text(LIKELIHOODS.replace('other = { lags = "free" }', f"other = {{ families = {days} }}"), "utf-8")
    said = invoke("check", model, data).stderr
    assert (
        "[[question]] 2: other: This model has families, a state or a selection, so it has no closed likelihood" in said
    )


def test_a_file_that_asks_only_for_maximum_likelihood_samples_nothing(tmp_path):
    data, model = german(tmp_path), tmp_path / "m.toml"
    model.write_text(LIKELIHOODS, encoding="utf-8")
    result = invoke("run", model, data, "--out", tmp_path / "r")
    assert result.exit_code == 0
    assert not (tmp_path / "r" / "draws.nc").exists()
    assert "Tables and the full text are in" in result.stdout
    assert "Robust standard errors, 3 clusters, sampling weights" in result.stdout
    file = ab.load(model)
    assert ab.load(file.save(tmp_path / "again.toml")) == file
    panel, answers = file.panel(data), file.ask(data)
    models = [ab.maximum_likelihood(ab.RICLPM(panel.measures, lags=lags), panel) for lags in ("grid", "free")]
    tested = ab.likelihood_ratio_test(*models)
    assert answers["likelihood_ratio_test"].table.equals(tested.table)
    assert answers["likelihood_ratio_test"].arguments == {"other": {"lags": "free"}}
    assert answers["modification_indices"].table.equals(ab.modification_indices(models[0]).table)
    alone = ab.random_intercept_test(models[0], ["Tage abst."])
    assert answers["random_intercept_test"].table.equals(alone.table)
    rows = pd.read_csv(data, sep=";", decimal=",", encoding="latin-1").drop_duplicates("Nr").set_index("Nr")
    weighted = ab.maximum_likelihood(models[0].spec, panel, cluster=rows["Klinik"], weights=rows["Alter"])
    assert answers["maximum_likelihood"].table.equals(weighted.table)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (('weights = "Alter"', 'weights = "Gewicht"'), "weights names 'Gewicht', which the panel does not hold"),
        (('cluster = "Klinik"', 'cluster = "Ort"'), "cluster names 'Ort', .* or in factor where it holds categories"),
        (('"free"', '"wild"'), "other: lags must be one of"),
        (('lags = "free"', 'lags = "equal"'), "Both models have 32 parameters"),
        (
            ('\nmeasures = ["Tage abst."]', '\nmeasures = ["Tage"]'),
            "The model has no 'Tage'. Measures: 'Bündnis",
        ),
    ],
)
def test_questions_about_maximum_likelihood_are_refused_before_anything_is_done(tmp_path, change, problem):
    (tmp_path / "m.toml").write_text(LIKELIHOODS.replace(*change), encoding="utf-8")
    with pytest.raises(ab.AllianceBayesError, match=problem):
        ab.load(tmp_path / "m.toml").check(german(tmp_path))


def test_the_tables_of_a_run_are_exported_from_the_command_line(german_answer):
    _, folder = german_answer
    run = folder / "results"
    made = invoke("table", run, "--to", "md", "--only", "1-directionality, summary")
    assert made.exit_code == 0
    assert made.stdout.splitlines() == [
        str(folder / "results-tables" / name) for name in ("1-directionality.md", "summary.md")
    ]
    lines = (folder / "results-tables" / "1-directionality.md").read_text("utf-8").splitlines()
    assert lines[0].startswith("| path | over | mean |")
    assert len(lines) == 2 + len(pd.read_csv(run / "1-directionality.csv"))
    again = invoke("table", run, "--only", "summary")
    assert "exists. Name another folder with --out, or pass --overwrite" in again.stderr
    everything = invoke("table", run, "--to", "xlsx", "--out", folder / "excel")
    assert len(everything.stdout.splitlines()) == len(list(run.glob("*.csv")))
    refusals = {("table", folder): "holds no tables", ("table", run, "--only", "sumary"): "did you mean 'summary'?"}
    refusals[("table", run, "--to", "doc", "--overwrite")] = "ends in .csv, .md, .tex, .xlsx or .html"
    for arguments, words in refusals.items():
        refused = invoke(*arguments)
        assert refused.exit_code == 2
        assert words in refused.stderr
