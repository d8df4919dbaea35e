"""One bad input: what is done, and what the one message must say."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

import alliance_bayes as ab
from alliance_bayes.cli import app

__all__ = ["Case", "command"]


@dataclass(frozen=True)
class Case:
    """A bad input.

    Attributes
    ----------
    name
        Short and unique in its table.
    call
        Does it, given an empty folder.
    says
        Parts of the message: the column, person or setting, the value, the cure.
    kind
        Class of the error.
    """

    name: str
    call: Callable[[Path], object]
    says: tuple[str, ...]
    kind: type[ab.AllianceBayesError] = ab.AllianceBayesError

    def __post_init__(self) -> None:
        assert self.says, self.name


def command(*arguments: Any) -> None:
    """Run the command line; what it refuses with exit code 2 on stderr becomes an `AllianceBayesError` again."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 2, (result.exit_code, result.output)
    raise ab.AllianceBayesError(result.stderr)
