"""What a key of a model file may hold: tables of keys, and reading a section by one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..basics.given import check_seed, is_number, is_whole, shown
from ..basics.names import choices
from ..basics.problems import Problems
from ..posterior.settings import MOST, check_counts

__all__ = [
    "CERTAINTY",
    "COLUMN",
    "MARGIN",
    "MEASURES",
    "WHOLE",
    "Key",
    "Table",
    "are_lists_of_texts",
    "are_operands",
    "are_times",
    "is_count",
    "is_table",
    "is_tables",
    "is_text",
    "is_text_table",
    "is_texts",
    "read_keys",
    "read_sampling",
]

type Table = Mapping[str, Any]


@dataclass(frozen=True)
class Key:
    """What one key may hold, and whether it must be there."""

    expected: str
    accepts: Callable[[Any], bool]
    required: bool = False


def is_text(value: object) -> bool:
    """Whether this is a text that is not empty."""
    return isinstance(value, str) and bool(value)


def is_texts(value: object, *, least: int = 1) -> bool:
    """Whether this is a list of so many texts."""
    return isinstance(value, list) and len(value) >= least and all(map(is_text, value))


def are_lists_of_texts(value: object) -> bool:
    """Whether this is a list of lists of texts."""
    return isinstance(value, list) and all(map(is_texts, value))


def is_text_table(value: object) -> bool:
    """Whether this is a table of texts."""
    return isinstance(value, dict) and all(map(is_text, value.values()))


def is_count(value: object) -> bool:
    """Whether this is a whole number above 0."""
    return is_whole(value, least=1)


def is_table(value: object) -> bool:
    """Whether this is a table."""
    return isinstance(value, dict)


def is_tables(value: object) -> bool:
    """Whether this is a list of tables."""
    return isinstance(value, list) and all(map(is_table, value))


def are_times(value: object) -> bool:
    """Whether these are numbers, listed or by label."""
    given = list(value.values()) if isinstance(value, dict) else value
    return isinstance(given, list) and bool(given) and all(map(is_number, given))


def are_operands(value: object) -> bool:
    """Whether these are two columns, or a column and a number."""
    return (
        isinstance(value, list)
        and len(value) == 2
        and all(is_text(part) or is_number(part) for part in value)
        and any(map(is_text, value))
    )


COLUMN = "the name of a column"
MEASURES = "a list of two or more names, such as ['alliance', 'days']"
WHOLE = "a whole number above 0"
MARGIN = Key("a number between 0 and 1", lambda value: is_number(value) and 0 < value < 1)
CERTAINTY = Key("a number between 0.5 and 1", lambda value: is_number(value) and 0.5 < value < 1)


def read_sampling(table: Table, keys: Mapping[str, Key], problems: Problems) -> dict[str, Any]:
    """Those entries of [sampling] that can be used."""
    good = read_keys("[sampling]", table, keys, problems)
    check_counts({name: value for name, value in good.items() if name in MOST}, problems, "[sampling] ")
    if "seed" in good:
        check_seed(good["seed"], problems, "[sampling] seed")
    return good


def read_keys(where: str, table: Table, keys: Mapping[str, Key], problems: Problems) -> dict[str, Any]:
    """Those entries of a table that are what its keys may hold."""
    good: dict[str, Any] = {}
    for name, value in table.items():
        if name not in keys:
            problems.add(f"{where} has no key '{name}'{choices(name, keys, 'Keys')}")
        elif not keys[name].accepts(value):
            problems.add(f"{where} {name} must be {keys[name].expected}; got {shown(value)}.")
        else:
            good[name] = value
    for name, key in keys.items():
        if key.required and name not in table:
            problems.add(f"{where} needs '{name}': {key.expected}.")
    return good
