"""Every bad input ends in one message, and before anything is sampled."""

import importlib
import pkgutil
from collections import Counter
from pathlib import Path

import call_cases
import nutpie
import pytest

import alliance_bayes as ab

TABLES = [
    importlib.import_module(module.name)
    for module in pkgutil.iter_modules([str(Path(__file__).parent)])
    if module.name.endswith("_cases")
]
CASES = [case for table in TABLES for case in table.CASES]
LONGEST = 3000
ANSWERS = {  # made by the package alone, from what these calls were given
    *(
        "Absence",
        "AllianceBayesError",
        "FitWarning",
        "InterruptionError",
        "ModelFileError",
        "Moments",
        "PanelError",
        "PanelWarning",
        "SpecError",
    ),
    *("Answer", "InternalConsistency", "MaximumLikelihood", "Overview", "PooledMaximumLikelihood", "Preview"),
    *("Regression", "SamplingOfRegressions", "SponsorStudy", "SponsorTruth", "Transitions"),
    "BatchResults",
    "Fits",
}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_bad_input_is_one_message_before_anything_is_sampled(case, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(nutpie, "sample", lambda *_, **__: pytest.fail("something was sampled"))
    with pytest.raises(case.kind) as caught:
        case.call(tmp_path)
    message = str(caught.value)
    missing = [part for part in case.says if part not in message]
    assert not missing, f"{missing} is not in:\n{message}"
    assert "Traceback" not in message
    assert len(message) < LONGEST


def test_every_public_function_and_constructor_is_called_badly():
    made_by_the_package = {name for name in ab.__all__ if name in ANSWERS}
    public = {name for name in ab.__all__ if callable(getattr(ab, name))} - made_by_the_package
    assert len(public) > 70
    assert public - call_cases.TRIED == set()


def test_the_names_of_cases_tell_them_apart():
    assert [name for name, count in Counter(case.name for case in CASES).items() if count > 1] == []
