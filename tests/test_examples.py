"""Every example runs, says its verdict and draws its figure."""

import importlib.util
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"


def main_of(name):
    location = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(location)
    location.loader.exec_module(module)
    return module.main


def test_every_example_is_tested():
    assert {file.stem for file in EXAMPLES.glob("*.py")} == {
        *("help_clinic", "help_direction", "help_mediation", "sponsor_association", "wages")
    }


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
    assert "'sponsor', of those who told it at both ends of the interval:" in printed
    for name in ("figure.png", "figure_transitions.png"):
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow  # three regressions, which Bambi compiles
@pytest.mark.filterwarnings("ignore")
def test_example_with_regressions(tmp_path, capsys):
    figure = tmp_path / "figure.png"
    main_of("help_clinic")(draws=50, tune=100, chains=2, figure=str(figure))
    printed = capsys.readouterr().out
    assert printed.count("Verdict: ") == 2
    assert "(c) the assignment acts through doctor alone" in printed
    assert figure.read_bytes().startswith(b"\x89PNG")
