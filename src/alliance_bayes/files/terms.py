"""Messages about arguments of Python, in the terms of a model file."""

import re

__all__ = ["as_in_a_file"]

TERMS = (
    (
        r"(?:state=)?ab\.State\(('[^']*'), required_by=(\[[^]]*\])\)",
        r"a section [model.state] with name = \1 and required_by = \2",
    ),
    (r"ab\.Normal\(([^)]*)\)", r"{ normal = [\1] }"),
    (r"ab\.Items\(\[\.\.\.\], categories\)", "{ family = 'items', items = [...], categories = ... }"),
    (r"\bpass (?=\w+=)", "write "),
    (r"\{'(\w+)': ([^{}]*)\}", r"{ \1 = \2 }"),
    (r"\{('[^']+'): ([^{}]*)\}", r"{ \1 = \2 }"),
    (r"(?<![\w.'])([a-z][a-z_0-9]*)=(?=['\[{\d-])", r"\1 = "),
)
"""Patterns and their replacements, in order."""


def as_in_a_file(message: str) -> str:
    """The message with keywords, tables and classes of Python as keys, tables and sections of TOML.

    Examples
    --------
    >>> as_in_a_file("'x' has no state; pass nonexistent='as_missing', or give effect=ab.Normal(mean, sd).")
    "'x' has no state; write nonexistent = 'as_missing', or give effect = { normal = [mean, sd] }."
    """
    for pattern, written in TERMS:
        message = re.sub(pattern, written, message)
    return message
