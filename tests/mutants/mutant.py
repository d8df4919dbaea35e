"""A rule that users rely on, broken on purpose, and the tests that must notice."""

from dataclasses import dataclass
from pathlib import Path

TESTS = Path(__file__).parents[1]
ROOT = TESTS.parent
SOURCE = ROOT / "src" / "alliance_bayes"


@dataclass(frozen=True)
class Mutant:
    """One change of one file.

    Attributes
    ----------
    rule
        What holds, in words.
    file
        Below `SOURCE`.
    old, new
        Text that stands in the file once, and what takes its place.
    tests
        Files or tests below `TESTS`, of which one must fail.
    compiles
        Whether the file is part of the compiled kernels, so that all of them are compiled again.
    """

    rule: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]
    compiles: bool = False

    @property
    def name(self) -> str:
        return f"{self.file}: {self.rule}"

    def n_places(self, source: Path = SOURCE) -> int:
        return (source / self.file).read_text().count(self.old)

    def changed(self, source: Path = SOURCE) -> str:
        return (source / self.file).read_text().replace(self.old, self.new)


def rules_of(file: str, tests: str, *rows: tuple[str, ...], compiles: bool = False) -> list[Mutant]:
    """Rules of one file: rows of rule, old text, new text and, where they are not those of the file, tests."""
    return [
        Mutant(rule, file, old, new, tuple((" ".join(own) or tests).split()), compiles) for rule, old, new, *own in rows
    ]
