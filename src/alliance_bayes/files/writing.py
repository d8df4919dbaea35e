"""Plain values as the text of a model file."""

import json
import re
from collections.abc import Mapping
from typing import Any

import tomlkit
from tomlkit.items import AoT, InlineTable, Table

from ..causal.regimes import Shift

__all__ = ["as_toml", "key_of", "plain"]

BARE = re.compile(r"[A-Za-z0-9_-]+")
BY_NAME = ("families",)
SECTIONS = ("state", *BY_NAME)
"""Tables in [model] that are written as sections."""


def plain(value: Any) -> Any:
    """Mappings as dicts, tuples as lists, shifts as tables and whole numbers without a point, at every level."""
    if isinstance(value, Shift):
        return {"shift": value.by}
    if isinstance(value, Mapping):
        return {name: plain(entry) for name, entry in value.items()}
    if isinstance(value, tuple | list):
        return [plain(entry) for entry in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def key_of(name: str) -> str:
    """A name as the key of a table, in quotes where it needs them.

    Examples
    --------
    >>> key_of("days"), key_of("Tage abst.")
    ('days', '"Tage abst."')
    """
    return name if BARE.fullmatch(name) else json.dumps(name, ensure_ascii=False)


def as_toml(sections: Mapping[str, Any]) -> str:
    """The text of a model file: tables as sections, tables within them on one line.

    Examples
    --------
    >>> print(as_toml({"format": 1, "panel": {"times": {"w1": 0}}, "question": [{"ask": "directionality"}]}))
    format = 1
    <BLANKLINE>
    [panel]
    times = {w1 = 0}
    <BLANKLINE>
    [[question]]
    ask = "directionality"
    <BLANKLINE>
    """
    document = tomlkit.document()
    for name, value in plain(sections).items():
        document.add(name, _section(value))
    return tomlkit.dumps(document)


def _section(value: Any) -> Any:
    if isinstance(value, dict):
        return _table(value)
    return _tables(value) if _are_tables(value) else tomlkit.item(value)


def _are_tables(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(entry, dict) for entry in value)


def _tables(values: list[dict[str, Any]]) -> AoT:
    tables = tomlkit.aot()
    for value in values:
        tables.append(_table(value))
    return tables


def _table(values: dict[str, Any]) -> Table:
    """A section, its subsections last."""
    table = tomlkit.table()
    sections = {name: value for name, value in values.items() if name in SECTIONS or _are_tables(value)}
    for name, value in values.items():
        if name not in sections:
            table.add(name, _inline(value) if isinstance(value, dict) else value)
    for name, value in sections.items():
        table.add(name, _section(value) if name not in BY_NAME else _by_name(value))
    return table


def _by_name(values: dict[str, dict[str, Any]]) -> Table:
    table = tomlkit.table(is_super_table=True)
    for name, value in values.items():
        table.add(name, _table(value))
    return table


def _inline(values: dict[str, Any]) -> InlineTable:
    table = tomlkit.inline_table()
    table.update(values)
    return table
