"""Blocks of README and pages, and how they are run: one after the other, with the names of one page in common."""

import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from alliance_bayes.cli import app

__all__ = ["DOCS", "PAGES", "README", "ROOT", "Block", "blocks_of", "close", "printed_by", "run_block", "shown_output"]

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
README = ROOT / "README.md"
PAGES = sorted(DOCS.glob("*.md"))
FENCE = re.compile(r"^```(\{code-cell\}|\w*)\n(.*?)^```$", flags=re.DOTALL | re.MULTILINE)
OPTIONS = re.compile(r"\A(?:---\n.*?^---\n|(?::.*\n)+)", flags=re.DOTALL | re.MULTILINE)
NUMBER = re.compile(r"-?\d+(?:,\d{3})*(?:\.\d+)?(?:e[-+]?\d+)?")


@dataclass(frozen=True)
class Block:
    """A block of code: its language ("{code-cell}" where sphinx executes it) and its text."""

    language: str
    text: str


def blocks_of(page: Path) -> list[Block]:
    """Every fenced block of a page, without the options of a cell."""
    return [Block(language, OPTIONS.sub("", text)) for language, text in FENCE.findall(page.read_text("utf-8"))]


def run_block(block: Block, names: dict[str, Any]) -> None:
    """Run a block of Python, or commands of the package in this process; other programs are refused."""
    lines = [line for line in block.text.splitlines() if line and not line.startswith("%")]
    if block.language == "shell" or block.text.startswith("%%bash"):
        names["printed"] = "".join(run_command(line) for line in lines)
    else:
        exec(compile("\n".join(lines), "block", "exec"), names)


def run_command(line: str) -> str:
    """What a command of the package prints when it is run in this process; `make` is only looked up."""
    program, *arguments = shlex.split(line, comments=True)
    if program == "make":
        assert re.search(rf"^{arguments[0]}:", (ROOT / "Makefile").read_text(), flags=re.MULTILINE), line
        return ""
    assert program == "alliance-bayes", line
    return printed_by(arguments)


def printed_by(arguments: list[str]) -> str:
    """What a command of the package prints."""
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, f"alliance-bayes {shlex.join(arguments)}\n{result.output}"
    return result.stdout


def shown_output(command: str) -> re.Match[str]:
    """Where README shows the output of a command: its last group is the text."""
    pattern = rf"(?<=<!-- output: {re.escape(command)} -->\n```text\n)(.*?)(?=```)"
    found = re.search(pattern, README.read_text("utf-8"), flags=re.DOTALL)
    assert found, f"README shows no output of {command}"
    return found


def close(shown: str, printed: str) -> bool:
    """Whether two outputs have the same words, and numbers as near as draws on two processors are."""
    if NUMBER.split(shown) != NUMBER.split(printed):
        return False
    pairs = zip(NUMBER.findall(shown), NUMBER.findall(printed), strict=True)
    return all(near(one, other) for one, other in pairs)


def near(one: str, other: str) -> bool:
    first, second = (float(text.replace(",", "")) for text in (one, other))
    decimals = len(one.partition(".")[2])
    return first == pytest.approx(second, rel=0.1, abs=5 * 10**-decimals if decimals else 0)
