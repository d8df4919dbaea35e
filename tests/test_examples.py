"""Every example runs, says its verdict and draws its figure."""

import dataclasses
import functools
import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

import alliance_bayes as ab

EXAMPLES = Path(__file__).parents[1] / "examples"


def module_of(name):
    location = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(location)
    location.loader.exec_module(module)
    return module


def main_of(name):
    return module_of(name).main


def test_every_example_is_tested():
    assert {file.stem for file in EXAMPLES.glob("*.py")} == {
        *("help_clinic", "help_direction", "help_mediation", "wages"),
        *("sponsor_association", "sponsor_joint", "sponsor_mediation", "sponsor_questions"),
    }


@pytest.mark.parametrize("file", sorted(EXAMPLES.glob("*.py")), ids=lambda file: file.stem)
def test_every_example_says_its_options(file):
    """As text, since starting each costs seconds: options are those of typer or argparse, --draws among them."""
    text = file.read_text()
    assert "typer.run(main)" in text or "ArgumentParser" in text
    assert "def main(draws: int = " in text or '"--draws", type=int' in text


@pytest.mark.slow  # eight processes
@pytest.mark.parametrize("file", sorted(EXAMPLES.glob("*.py")), ids=lambda file: file.stem)
def test_every_example_prints_its_help(file):
    done = subprocess.run([sys.executable, file, "--help"], capture_output=True, text=True, check=True)
    assert "--draws" in done.stdout


@pytest.mark.parametrize(
    ("name", "n_fits", "n_persons"), [("help_direction", 2, 399), ("help_mediation", 2, 400), ("wages", 1, 545)]
)
def test_example(name, n_fits, n_persons, tmp_path, capsys):
    figure = tmp_path / "figure.png"
    main_of(name)(draws=50, tune=100, chains=2, figure=str(figure))
    printed = capsys.readouterr().out
    assert printed.count("Verdict: ") == n_fits
    assert printed.count(f"{n_persons} people") >= n_fits
    assert figure.read_bytes().startswith(b"\x89PNG")


def test_the_sponsor_example(tmp_path, capsys):
    figure = tmp_path / "figure.png"
    main_of("sponsor_association")(draws=150, chains=2, figure=str(figure))
    printed = capsys.readouterr().out
    assert printed.count("Association at the same time") == 2
    assert printed.count("An association, not a cause") == 2
    assert "'sponsor', of those who reported it at both ends of the interval:" in printed
    for name in ("figure.png", "figure_transitions.png"):
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow  # four processes of 302 people
def test_the_joint_model_of_the_sponsor_study(capsys):
    main_of("sponsor_joint")(["--draws", "30", "--tune", "30", "--chains", "2"])
    printed = capsys.readouterr().out
    assert printed.count("Verdict: ") == 2  # on direction, and on mediation
    for words in (
        "acquired",
        "sponsor_kept_on[alliance -> sponsor kept]",
        "integration error",
        "summed over",
        "indirect",
        "replicated",
    ):
        assert words in printed


@pytest.fixture
def made_up_regressions(monkeypatch):
    """Regressions of causal files with made-up draws: what is printed is wrong, but it is printed."""
    from alliance_bayes.files.kinds import causal_order
    from made_up import made_up_by_bambi

    monkeypatch.setattr(causal_order, "fit_by_bambi", made_up_by_bambi)


ANSWERED = {
    "sponsor": ("days, of people with commitment 1 SD lower ", "always against never "),
    "alliance": ("6 to 12 months ", "compared: constant effect, which accumulates; an effect of each interval"),
    "participation": ("association at 12 months", "contact -> attendance is largest"),
    "precedence": ("alliance is the stronger: |alliance -> ",),
    "changed": ("alliance -> days, the same in 80 % ",),
    "explanation": ("alliance above percentile 90 ",),
    "design": ("Of 2 studies of 153 people, all observed three times",),
}


@pytest.mark.usefixtures("made_up_regressions")
@pytest.mark.filterwarnings("default")  # imputed panels of so few draws
@pytest.mark.parametrize(
    "question", [pytest.param(name, marks=[pytest.mark.slow] * (name == "alliance")) for name in ANSWERED]
)
def test_a_question_of_the_sponsor_study(question, monkeypatch, capsys):
    questions = module_of("sponsor_questions")
    assert set(ANSWERED) == set(questions.QUESTIONS)
    monkeypatch.setattr(questions, "MANY", 400)
    monkeypatch.setattr(questions, "SAME", (0.8,))
    monkeypatch.setattr(ab, "packaged_model", functools.partial(without_refits, ab.packaged_model))
    # Of so few draws hardly a person's weights can be trusted, and each such person takes long; below, it is asked.
    monkeypatch.setattr(ab, "compare", lambda fits: f"compared: {'; '.join(fits)}")
    questions.main(draws=24, tune=16, chains=2, studies=3, questions=[question])
    printed = capsys.readouterr().out
    assert printed.count("Estimand: ") == 1 + (question in ("sponsor", "alliance"))
    for words in ANSWERED[question]:
        assert words in printed
    cautioned = question in ("sponsor", "alliance", "explanation")
    assert printed.count("However treatments and mediators come about") == cautioned


def without_refits(packaged, name):
    """A packaged file without its questions that fit other models or panels."""
    file = packaged(name)
    kept = [question for question in file.questions if question.ask not in ("robustness", "delta_adjustment")]
    return dataclasses.replace(file, questions=kept)


@pytest.mark.slow  # some twenty fits
@pytest.mark.filterwarnings("ignore")
def test_what_comes_first_in_the_sponsor_study(capsys):
    main_of("sponsor_questions")(draws=300, chains=2, questions=["precedence", "changed"])
    printed = capsys.readouterr().out
    panel = ab.packaged_model("sponsor-precedence").panel(ab.sponsor_study("default", seed=1).frame)
    unanswered = panel.coverage().query("measure == 'alliance'")["item_missing"].sum()
    assert printed.count("Estimand: ") == 2
    for words in (
        "under 6 variants of the model?",
        "sponsor not modelled, average of intervals of 3",
        f"if {unanswered} missing values of alliance ({unanswered} item missing) deviate by delta SDs",
        "alliance -> days, the same in 60 % ",
    ):
        assert words in printed


@pytest.mark.usefixtures("made_up_regressions")
def test_the_mediation_of_the_sponsor_study(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(ab, "sponsor_study", functools.partial(few_persons, ab.sponsor_study), raising=False)
    main_of("sponsor_mediation")(draws=20, tune=20, chains=2, figure=str(tmp_path / "figure.png"))
    printed = capsys.readouterr().out
    assert printed.count("Verdict: ") == 2
    assert "through contact_at_3 alone" in printed
    assert "True: a sponsor at 3 months adds " in printed
    for name in ("figure.png", "figure_alliance.png"):
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")


def few_persons(drawn, *arguments, persons=302, **options):
    return drawn(*arguments, persons=min(persons, 302), **options)


@pytest.mark.slow  # sixteen regressions, which Bambi compiles
@pytest.mark.filterwarnings("ignore")
def test_the_questions_of_the_sponsor_study_with_real_regressions(capsys):
    main_of("sponsor_questions")(draws=300, tune=300, chains=2, questions=["sponsor", "alliance", "explanation"])
    assert capsys.readouterr().out.count("Estimand: ") == 5


@pytest.mark.slow  # three regressions, which Bambi compiles
@pytest.mark.filterwarnings("ignore")
def test_example_with_regressions(tmp_path, capsys):
    figure = tmp_path / "figure.png"
    main_of("help_clinic")(draws=50, tune=100, chains=2, figure=str(figure))
    printed = capsys.readouterr().out
    assert printed.count("Verdict: ") == 2
    assert "(c) the assignment acts through doctor alone" in printed
    assert figure.read_bytes().startswith(b"\x89PNG")
