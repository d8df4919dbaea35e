"""What README and docs say can be run, and names that exist."""

import re
from functools import partial
from pathlib import Path

import pytest

import alliance_bayes as ab

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
FEW = {"draws": 300, "tune": 200, "chains": 2, "cores": 1}


def blocks(page, language):
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(), flags=re.DOTALL)


@pytest.mark.slow  # a dozen small fits
@pytest.mark.filterwarnings("default")
def test_the_python_of_the_readme_runs(tmp_path, monkeypatch, capsys):
    run_blocks(blocks(ROOT / "README.md", "python"), tmp_path, monkeypatch)
    printed = capsys.readouterr().out
    assert "Verdict: " in printed
    assert (tmp_path / "direction.png").read_bytes().startswith(b"\x89PNG")
    for word in ("by lag", "Hypotheses about", "Bayes factors of", "variants of the model", "elpd", "=~"):
        assert word in printed


def test_the_first_answer_of_the_readme_runs(tmp_path, monkeypatch, capsys):
    run_blocks(blocks(ROOT / "README.md", "python")[:1], tmp_path, monkeypatch)
    assert "Verdict: " in capsys.readouterr().out


def run_blocks(texts, folder, monkeypatch):
    """Run blocks one after the other in a folder with the data they read, with few draws."""
    spec = ab.RICLPM(["alliance", "days"], lags="equal")
    truth = ab.Truth(spec, times=[0, 6, 12, 18], lagged={"alliance -> days": 0.2}, icc=0.4, carry_over=0.3)
    frame = ab.simulate(truth, persons=200, seed=2).to_frame()
    frame.rename(columns={"person": "patient", "time": "month"}).to_csv(folder / "clinic.csv", index=False)
    monkeypatch.chdir(folder)
    for name in ("fit", "robustness"):
        monkeypatch.setattr(ab, name, partial(getattr(ab, name), **FEW), raising=False)
    names = {}
    for text in texts:
        exec(compile(text, "README.md", "exec"), names)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_public_names_in_the_pages_exist(page):
    named = set(re.findall(r"\bab\.([A-Za-z_]\w*)", page.read_text()))
    assert named
    assert named <= set(ab.__all__)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_named_in_the_pages_exist(page):
    named = re.findall(r"\b((?:models|docs|examples)/[\w./-]+\.\w+)", page.read_text())
    assert [name for name in named if not (ROOT / name).is_file()] == []


def test_the_readme_names_every_model_and_every_question_of_a_file():
    from alliance_bayes.questions.registry import questions
    from alliance_bayes.spec.mapping import KINDS

    text = (ROOT / "README.md").read_text()
    assert [kind for kind in KINDS.values() if f"`ab.{kind.__name__}`" not in text] == []
    assert [ask for ask in questions() if f"`{ask}`" not in text] == []


def test_the_priors_of_the_page_are_the_defaults():
    text = (ROOT / "docs" / "models.md").read_text()
    for name in ("cross_lagged", "icc"):
        assert f"| `{name}` | {getattr(ab.Priors(), name)} |" in text
