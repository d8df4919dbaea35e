"""Warnings that name the line outside the package which led to them."""

import warnings
from pathlib import Path

__all__ = ["warn"]

PACKAGE = str(Path(__file__).parents[1])


def warn(sentence: str, kind: type[Warning]) -> None:
    """Warn users, at the line of theirs that called the package."""
    warnings.warn(sentence, kind, skip_file_prefixes=(PACKAGE,))
