"""Frozen dataclasses read from plain JSON values, every field's presence and type checked."""

import types
import typing
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from typing import Any

from .names import choices
from .problems import Problems

__all__ = ["read_record"]

WORDS = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}
MOST_SHOWN = 60


def read_record[Record](kind: type[Record], values: object, what: str, problems: Problems) -> Record | None:
    """An instance of a dataclass with the values of a JSON object.

    Its fields are text, numbers, booleans, literals, tuples, mappings of text, such records, or one of several of
    these. `what` begins each sentence, such as "The settings"; the result is None where anything is wrong.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Wave:
    ...     name: str
    ...     time: float
    >>> problems = Problems("It cannot be read")
    >>> read_record(Wave, {"name": "first", "time": "late"}, "The wave", problems)
    >>> problems.found
    ["The wave: 'time' must be a number; got 'late'."]
    """
    before = len(problems.found)
    if not isinstance(values, Mapping):
        problems.add(f"{what} must be a JSON object; got {_shown(values)}.")
        return None
    hints = typing.get_type_hints(kind)
    required = [field.name for field in fields(kind) if field.default is field.default_factory is MISSING]  # type: ignore[arg-type]
    problems.found += [f"{what}: '{name}' is missing." for name in required if name not in values]
    given = {}
    for name, value in values.items():
        if name not in hints:
            problems.add(f"{what}: '{name}' is unknown{choices(str(name), hints, 'Known')}")
            continue
        try:
            given[name] = _read(value, hints[name])
        except TypeError:
            problems.add(f"{what}: '{name}' must be {_words(hints[name])}; got {_shown(value)}.")
    return kind(**given) if len(problems.found) == before else None


def _read(value: Any, hint: Any) -> Any:
    """The value as its type asks for it; a `TypeError` where it is of another."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any:
        return value
    if origin is typing.Literal and isinstance(value, str) and value in arguments:
        return value
    if origin in (typing.Union, types.UnionType):
        fitting = next((part for part in arguments if _fits(value, part)), None)
        return _read(value, fitting)
    if origin is tuple and isinstance(value, list):
        return tuple(_read(part, arguments[0]) for part in value)
    if isinstance(origin, type) and issubclass(origin, Mapping) and isinstance(value, dict):
        return {_read(name, str): _read(part, arguments[1]) for name, part in value.items()}
    if is_dataclass(hint):
        problems = Problems("")
        record = read_record(typing.cast(Any, hint), value, "", problems)
        if record is not None:
            return record
    if hint is float and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if hint in (str, int, bool, types.NoneType) and type(value) is hint:
        return value
    raise TypeError


def _fits(value: Any, hint: Any) -> bool:
    try:
        _read(value, hint)
    except TypeError:
        return False
    return True


def _words(hint: Any) -> str:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Literal:
        return "one of " + ", ".join(f"'{part}'" for part in arguments)
    if origin in (typing.Union, types.UnionType):
        return " or ".join("null" if part is types.NoneType else _words(part) for part in arguments)
    if origin is tuple:
        return f"a list, each {_words(arguments[0])}"
    if origin is not None and arguments[1] is Any:
        return "a JSON object"
    if origin is not None:
        return f"a JSON object, each value {_words(arguments[1])}"
    return WORDS.get(hint) or "a JSON object of " + ", ".join(field.name for field in fields(hint))


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}..."
