"""What README and the pages say runs, is what is printed, and names what exists."""

import os
import re
import sys

import nbformat
import pytest

import alliance_bayes as ab
from alliance_bayes.questions.registry import questions
from alliance_bayes.spec.mapping import KINDS
from documentation import DOCS, PAGES, README, ROOT, blocks_of, close, printed_by, run_block, shown_output

WRITE = "WRITE_OUTPUTS" in os.environ  # set by `make outputs`
SAID = [README, ROOT / "CONTRIBUTING.md", *PAGES]
NOTEBOOK = ROOT / "examples" / "first_answer.ipynb"
FEW = {"draws": 300, "tune": 200, "chains": 2, "cores": 1}
SLOW = {"robustness", "state"}  # `make docs` executes every page, with all draws
ELSEWHERE = {"calibration", "clusters"}  # hours, or a cluster: their blocks are compiled only
CODE = ("{code-cell}", "python", "shell")
RUN = [page for page in PAGES if any(block.language in CODE for block in blocks_of(page))]


@pytest.fixture
def few_draws(monkeypatch):
    for name, options in {"fit": FEW, "robustness": FEW, "delta_adjustment": {"imputations": 2}}.items():
        call = getattr(ab, name)
        monkeypatch.setattr(ab, name, lambda *given, _call=call, _few=options, **named: _call(*given, **named | _few))
    monkeypatch.setattr(sys, "path", [*sys.path])


@pytest.fixture
def clinic(tmp_path, monkeypatch):
    """A folder with the file that README reads."""
    spec = ab.RICLPM(["alliance", "days"], lags="equal")
    truth = ab.Truth(spec, times=[0, 6, 12, 18], lagged={"alliance -> days": 0.2}, icc=0.4, carry_over=0.3)
    frame = ab.simulate(truth, persons=200, seed=2).to_frame()
    frame.rename(columns={"person": "patient", "time": "month"}).to_csv(tmp_path / "clinic.csv", index=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.filterwarnings("default")
@pytest.mark.usefixtures("few_draws")
def test_what_the_readme_shows_runs(clinic, capsys):
    names = {}
    for block in blocks_of(README):
        if block.language in ("shell", "python"):
            run_block(block, names)
    assert "Next: alliance-bayes check clinic.toml clinic.csv" in names["printed"]
    assert "Verdict: " in names["printed"]
    assert capsys.readouterr().out.count("Verdict: ") == 2
    for page in ("report.html", "results/report.html"):
        assert "<!doctype html>" in (clinic / page).read_text("utf-8")


def test_the_output_of_the_demo_is_what_the_readme_shows(tmp_path):
    printed = printed_by(["demo", "--out", str(tmp_path / "demo")])
    start = printed.index("Lagged effects within persons, ")
    answer = printed[start : printed.index("Sampling: ", printed.index("Verdict: "))]
    found = shown_output("alliance-bayes demo")
    if WRITE:
        text = README.read_text("utf-8")
        README.write_text(text[: found.start()] + answer + text[found.end() :], "utf-8")
    else:
        assert close(found[0], answer), f"{answer}\nWrite it with `make outputs`."


@pytest.mark.parametrize(
    ("printed", "same"),
    [
        ("P(effect > 0) = 0.441 (MCSE 0.008)\n", True),
        ("P(effect > 0) = 0.445 (MCSE 0.008)\n", True),
        ("P(effect > 0) = 0.541 (MCSE 0.008)\n", False),
        ("P(effect < 0) = 0.441 (MCSE 0.008)\n", False),
    ],
)
def test_outputs_are_compared_by_words_and_by_numbers(printed, same):
    assert close("P(effect > 0) = 0.441 (MCSE 0.008)\n", printed) is same


@pytest.mark.filterwarnings("default")
@pytest.mark.usefixtures("few_draws")
@pytest.mark.parametrize(
    "page", [pytest.param(page, id=page.stem, marks=[pytest.mark.slow] * (page.stem in SLOW)) for page in RUN]
)
def test_a_page_runs(page, clinic, monkeypatch):
    if "execution_in_temp: false" in page.read_text("utf-8"):
        monkeypatch.chdir(DOCS)
    names = {}
    for block in blocks_of(page):
        if page.stem in ELSEWHERE and block.language == "python":
            compile(block.text, page.name, "exec")
        elif block.language in CODE:
            run_block(block, names)


def test_the_notebook_is_the_first_page():
    from myst_nb.core.read import read_myst_markdown_notebook

    notebook = read_myst_markdown_notebook((DOCS / "first_answer.md").read_text("utf-8"))
    for cell in notebook.cells:
        cell.metadata = {}
        cell.source = re.sub(r"\[([^]]+)\]\(\w+\.md\)", r"\1", cell.source)  # links lead to the site alone
        cell.id = f"cell-{notebook.cells.index(cell)}"
    notebook.metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    text = nbformat.writes(notebook, version=4) + "\n"
    if WRITE:
        NOTEBOOK.write_text(text, "utf-8")
    assert NOTEBOOK.read_text("utf-8") == text, "Write it with `make outputs`."
    nbformat.validate(nbformat.reads(text, as_version=4))


def test_the_reference_has_every_public_name_once():
    page = (DOCS / "api.md").read_text("utf-8")
    listed = re.findall(r"^   ([A-Za-z_]\w*)$", page, flags=re.MULTILINE)
    assert sorted(listed) == sorted(name for name in ab.__all__ if not name.startswith("__"))


@pytest.mark.parametrize("page", SAID, ids=lambda page: page.name)
def test_public_names_in_the_pages_exist(page):
    named = set(re.findall(r"\bab\.([A-Za-z_]\w*)", page.read_text("utf-8")))
    assert named <= set(ab.__all__)


@pytest.mark.parametrize("page", SAID, ids=lambda page: page.name)
def test_files_named_in_the_pages_exist(page):
    named = re.findall(r"\b((?:models|docs|examples|tests)/[\w./-]+\.\w+)", page.read_text("utf-8"))
    assert [name for name in named if "_build" not in name and not (ROOT / name).is_file()] == []


def test_the_pages_name_every_model_and_every_question_of_a_file():
    models = (DOCS / "choosing_a_model.md").read_text("utf-8")
    asked = (DOCS / "questions.md").read_text("utf-8")
    assert [kind for kind in KINDS.values() if f"`ab.{kind.__name__}`" not in models] == []
    assert [ask for ask in questions() if f"`{ask}`" not in asked] == []


def test_the_priors_of_the_page_are_the_defaults():
    text = (DOCS / "models.md").read_text("utf-8")
    for name in ("cross_lagged", "icc"):
        assert f"| `{name}` | {getattr(ab.Priors(), name)} |" in text


def test_a_readme_of_one_screen():
    assert len(README.read_text("utf-8").splitlines()) < 100


def test_the_paper_cites_what_it_lists_and_each_has_a_doi():
    entries = (ROOT / "paper.bib").read_text("utf-8").split("\n@")
    listed = {re.search(r"\{(\w+),", entry)[1] for entry in entries}
    assert listed == set(re.findall(r"@(\w+)", (ROOT / "paper.md").read_text("utf-8")))
    assert all("doi = {10." in entry for entry in entries)
