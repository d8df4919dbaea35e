"""Commits, pushes and pull requests are held to the checks of `make test`, which stand in the Makefile alone."""

import re
from pathlib import Path

import pytest
import yaml

from test_layers import ROOMS

ROOT = Path(__file__).parents[1]
MAKEFILE = (ROOT / "Makefile").read_text()
WORKFLOW = yaml.safe_load((ROOT / ".github" / "workflows" / "test.yml").read_text())
HOOKS = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
TOOLS = ("ruff check", "ruff format --check", "mypy", "pytest", "--doctest-modules")


def rule(target):
    """Targets that a target of the Makefile needs, and its commands."""
    needs, recipe = re.search(rf"^{target}:([^#\n]*).*\n((?:\t.*\n)*)", MAKEFILE, flags=re.MULTILINE).groups()
    return needs.split(), recipe.splitlines()


def commands(target):
    """Everything that is run for a target."""
    needs, recipe = rule(target)
    return [command for need in needs if re.fullmatch(r"[a-z]+", need) for command in commands(need)] + recipe


def steps():
    return [step for job in WORKFLOW["jobs"].values() for step in job["steps"]]


def test_all_checks_are_made_by_make_test():
    together = " ".join(commands("test"))
    assert [tool for tool in TOOLS if tool not in together] == []


def test_the_workflow_runs_make_test_and_nothing_else():
    assert [step["run"] for step in steps() if "run" in step] == ["make test"]


def test_hooks_run_make_and_before_a_push_all_of_it():
    entries = {hook["id"]: hook["entry"] for repository in HOOKS for hook in repository["hooks"]}
    assert entries == {target: f"make {target}" for target in ("lint", "types", "test")}
    assert set(entries) - {"test"} == {need for need in rule("test")[0] if not need.startswith("$")}
    before_push = [hook["id"] for repository in HOOKS for hook in repository["hooks"] if "pre-push" in hook["stages"]]
    assert before_push == ["test"]


@pytest.mark.parametrize("path", [".github/workflows/test.yml", ".pre-commit-config.yaml"])
def test_no_second_list_of_commands(path):
    text = (ROOT / path).read_text()
    assert [tool for tool in ("ruff", "mypy", "pytest") if tool in text] == []


def test_versions_of_python_are_those_that_the_package_names():
    project = (ROOT / "pyproject.toml").read_text()
    named = re.findall(r"Programming Language :: Python :: (3\.\d+)", project)
    assert WORKFLOW["jobs"]["test"]["strategy"]["matrix"]["python"] == named


def test_actions_are_pinned_to_a_commit():
    used = [step["uses"] for step in steps() if "uses" in step]
    assert used
    assert [name for name in used if not re.fullmatch(r"[\w.-]+/[\w.-]+@[0-9a-f]{40}", name)] == []


def test_the_page_for_contributors_has_the_rooms_and_what_they_import():
    """In the order of the list that holds them."""
    rows = re.findall(r"^\| `(\w+)` \|[^|]*\|([^|]*)\|$", (ROOT / "CONTRIBUTING.md").read_text(), flags=re.MULTILINE)
    documented = {room: set(re.findall(r"`(\w+)`", imported)) & set(ROOMS) for room, imported in rows if room in ROOMS}
    assert documented == ROOMS
    assert list(documented) == list(ROOMS)
