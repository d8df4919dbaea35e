"""Every bad input ends in one message, and before anything is sampled."""

import importlib
import pkgutil
from collections import Counter
from pathlib import Path

import nutpie
import pytest

TABLES = [
    importlib.import_module(module.name)
    for module in pkgutil.iter_modules([str(Path(__file__).parent)])
    if module.name.endswith("_cases")
]
CASES = [case for table in TABLES for case in table.CASES]
LONGEST = 3000


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


def test_the_names_of_cases_tell_them_apart():
    assert [name for name, count in Counter(case.name for case in CASES).items() if count > 1] == []
