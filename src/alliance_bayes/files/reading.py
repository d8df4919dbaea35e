"""The text and the TOML of a model file, or one sentence on why it cannot be read."""

import re
import tomllib
from importlib import resources
from importlib.resources.abc import Traversable
from os import PathLike
from pathlib import Path
from typing import Any

from ..basics.given import shown
from ..basics.names import choices
from ..basics.problems import ModelFileError
from ..panel.reading import READERS

__all__ = ["LARGEST", "document_of", "packaged_text", "text_at"]

LARGEST = 2_000_000
"""Bytes; the longest sensible model file has some thousands."""
CURES = {
    "Invalid value": "Put texts in quotes and lists in [...]; truth values are true and false.",
    "Invalid statement": "A line is 'key = value', a [section], or a # comment.",
    "Expected '='": "A line is 'key = value', a [section], or a # comment.",
    "Expected newline": "Write each key on its own line, and put a text that holds quotes in the other kind of quotes.",
    "Cannot overwrite a value": "A section holds a key once; remove one of the two.",
    "Duplicate inline table key": "A table holds a key once; remove one of the two.",
    "Cannot declare": "A file holds a section once; put its keys together. Several questions are written [[question]].",
    "Cannot mutate": "A table written as { ... } is complete; put the key inside the braces.",
    "Cannot redefine": "A file holds a section once; put its keys together.",
    "Unterminated string": "Close the quotes; a text over several lines needs three quotes.",
    "Illegal character": "Close the quotes on the same line; a text over several lines needs three quotes.",
    "Unescaped": "Write a backslash twice, or put the text in single quotes.",
    "Unclosed": "Close the bracket or brace, and put commas between entries.",
    "Expected ']": "Close the brackets of the section on its line.",
    "Invalid initial character": "Put names with characters other than letters, digits, - and _ in quotes.",
    "Found invalid character": "Save the file as plain text.",
}
DECIMAL_COMMA = re.compile(r"=\s*[+-]?\d+,\d+\s*(#.*)?$")
DEEPEST = 20
"""Levels of tables and lists; model files need five."""


def text_at(path: str | PathLike[str]) -> tuple[str, str]:
    """Text and name of the model file at a path, without a byte order mark."""
    file = Path(path)
    try:
        if file.is_dir():
            raise ModelFileError(f"'{file}' is a folder. Name the model file in it.")
        if not file.is_file():
            packaged = f" One of this name comes with the package: ab.packaged_model('{file}')."
            raise ModelFileError(f"No model file '{file}'.{packaged if str(file) in _packaged() else ''}")
        if file.suffix.lower() in READERS:
            raise ModelFileError(f"{file.name} is a data file; a model file ends in .toml and reads the data itself.")
        size = file.stat().st_size
        if size > LARGEST:
            raise ModelFileError(
                f"{file.name} has {size:,} bytes, and a model file has at most {LARGEST:,}. Is it the data file?"
            )
        return file.read_text("utf-8-sig"), file.name
    except ModelFileError:
        raise
    except UnicodeDecodeError as error:
        raise ModelFileError(
            f"{file.name} is not text in UTF-8: byte {error.object[error.start]:#04x} at position {error.start:,}. "
            "Save it as UTF-8, or name the model file if this is a different one."
        ) from None
    except (OSError, ValueError) as error:
        reason = (isinstance(error, OSError) and error.strerror) or error
        raise ModelFileError(f"The model file {shown(str(file))} cannot be read: {reason}.") from None


def packaged_text(name: str) -> str:
    """Text of a model file that comes with the package."""
    texts, stem = _packaged(), name.removesuffix(".toml")
    if stem not in texts:
        raise ModelFileError(f"No packaged model '{name}'{choices(stem, sorted(texts), 'Packaged models')}")
    return texts[stem].read_text("utf-8")


def _packaged() -> dict[str, Traversable]:
    """Model files that come with the package, by name."""
    files = (resources.files("alliance_bayes") / "models").iterdir()
    return {Path(file.name).stem: file for file in files if file.name.endswith(".toml")}


def document_of(text: str, name: str) -> dict[str, Any]:
    """The TOML of a model file as plain values."""
    if not text.strip():
        raise ModelFileError(f"{name} is empty. A model file begins with 'format = 1'.")
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ModelFileError(_not_toml(str(error), text, name)) from None
    except RecursionError:
        raise ModelFileError(_too_deep(name)) from None
    except ValueError:  # Python limits the digits of a whole number
        raise ModelFileError(
            f"{name} holds a number with thousands of digits, which no setting of a model needs."
        ) from None
    if _depth(document) > DEEPEST:
        raise ModelFileError(_too_deep(name))
    return document


def _not_toml(error: str, text: str, name: str) -> str:
    """The parser's message with its line, and the cure."""
    what, _, where = error.removesuffix(")").partition(" (at ")
    position = re.match(r"line (\d+), column (\d+)", where)
    if position:
        where += f", in {shown(text.splitlines()[int(position[1]) - 1].strip())}"
    if position and DECIMAL_COMMA.search(text.splitlines()[int(position[1]) - 1]):
        return f"{name} is not valid TOML ({where}). Write numbers with a point, such as 0.03."
    cure = next((cure for beginning, cure in CURES.items() if what.startswith(beginning)), "See toml.io for its rules.")
    return f"{name} is not valid TOML: {what} ({where or 'somewhere'}). {cure}"


def _too_deep(name: str) -> str:
    return f"{name} nests tables or lists more than {DEEPEST} levels deep, which no section of a model file needs."


def _depth(document: dict[str, Any]) -> int:
    """Levels of tables and lists, counted without recursion, up to one more than are allowed."""
    level: list[dict[str, Any] | list[Any]] = [document]
    for depth in range(DEEPEST + 2):
        entries = (entry for node in level for entry in (node.values() if isinstance(node, dict) else node))
        level = [entry for entry in entries if isinstance(entry, dict | list)]
        if not level:
            return depth
    return DEEPEST + 1
