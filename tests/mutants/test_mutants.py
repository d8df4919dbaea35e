"""The table of rules that are broken on purpose fits the package and its tests."""

import ast
from collections import Counter

import pytest
from mutant import SOURCE, TESTS
from rules import MUTANTS


def test_a_rule_is_broken_once():
    assert [name for name, count in Counter(each.name for each in MUTANTS).items() if count > 1] == []
    changes = Counter((each.file, each.old, each.new) for each in MUTANTS)
    assert [change for change, count in changes.items() if count > 1] == []


@pytest.mark.parametrize("file", sorted({each.file for each in MUTANTS}))
def test_every_change_is_of_text_that_stands_once(file):
    text = (SOURCE / file).read_text()
    mutants = [each for each in MUTANTS if each.file == file]
    assert {each.rule: text.count(each.old) for each in mutants} == {each.rule: 1 for each in mutants}
    for mutant in mutants:
        changed = text.replace(mutant.old, mutant.new)
        assert changed != text
        ast.parse(changed)


def test_tests_that_must_notice_are_there():
    for test in sorted({test for mutant in MUTANTS for test in mutant.tests}):
        path, _, name = test.partition("::")
        assert (TESTS / path).exists(), test
        if name:
            assert f"def {name.partition('[')[0]}(" in (TESTS / path).read_text(), test
