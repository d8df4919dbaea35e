"""Names that R and Mplus accept, one for each variable and parameter."""

import re
from collections.abc import Callable, Container, Iterable, Mapping, Sequence

from ..basics.names import number
from ..engine.linear_system import Variable

__all__ = ["labels", "long_names", "renamed", "short_names"]

MOST_CHARACTERS = 8  # of a name in Mplus
RESERVED = (
    "if",
    "else",
    "repeat",
    "while",
    "function",
    "for",
    "next",
    "break",
    "TRUE",
    "FALSE",
    "NULL",
    "Inf",
    "NaN",
    "NA",
)
LETTERS = {"within": "w", "intercept": "i", "accumulating": "i", "slope": "s", "value": "l"}  # of latent variables


def long_names(
    variables: Sequence[Variable], observed: Container[Variable], columns: Mapping[Variable, str] | None = None
) -> dict[Variable, str]:
    """Names for lavaan: ``days_6`` of an observed value, or its name among `columns`; ``w_days_6`` of its deviation.

    Whatever is neither letter, digit, dot nor underscore becomes an underscore, a minus sign ``m``; a name that another
    variable has already gets a number.

    Examples
    --------
    >>> value = Variable("value", "days off", -6.0)
    >>> long_names([value, Variable("intercept", "days off")], observed={value}).values()
    dict_values(['days_off_m6', 'i_days_off'])
    """
    columns = columns or {}

    def wanted(variable: Variable) -> str:
        if variable in columns:
            return columns[variable] if _is_valid(columns[variable]) else _valid(columns[variable])
        first = "" if variable in observed else f"{LETTERS[variable.role]}_"
        return _valid(first + "_".join(filter(None, (variable.name, _time(variable).replace("-", "m")))))

    chosen = [variable for variable in variables if variable in columns and _is_valid(columns[variable])]
    names = _distinct([*chosen, *(variable for variable in variables if variable not in chosen)], wanted)
    return {variable: names[variable] for variable in variables}


def short_names(variables: Sequence[Variable], observed: Container[Variable]) -> dict[Variable, str]:
    """Names for Mplus: eight characters at most, distinct whatever their case.

    Long names are cut and get the number of their wave in place of its time.

    Examples
    --------
    >>> value, deviation = Variable("value", "alliance", 6.0), Variable("within", "alliance", 6.0)
    >>> short_names([value, deviation], observed={value}).values()
    dict_values(['allianc1', 'wallian1'])
    >>> value, deviation = Variable("value", "x", 6.0), Variable("within", "x", 6.0)
    >>> short_names([value, deviation], observed={value}).values()
    dict_values(['x_6', 'w_x_6'])
    """
    plain = long_names(variables, observed)
    if all(len(name) <= MOST_CHARACTERS and "." not in name for name in plain.values()):
        return plain
    times = sorted({variable.time for variable in variables if variable.time is not None})

    def wanted(variable: Variable) -> str:
        first = "" if variable in observed else LETTERS[variable.role]
        last = "" if variable.time is None else str(times.index(variable.time) + 1)
        stem = _valid(variable.name).replace(".", "_")
        return first + stem[: MOST_CHARACTERS - len(first) - len(last)] + last

    return _distinct(variables, wanted, most=MOST_CHARACTERS)


def labels(parameters: Iterable[str]) -> dict[str, str]:
    """Labels of parameters for R.

    Examples
    --------
    >>> labels(["alliance -> days, 6 to 12", "between variance days"]).values()
    dict_values(['alliance_to_days_6_to_12', 'between_variance_days'])
    """
    return _distinct(tuple(parameters), lambda name: _valid(name.replace("->", "to").replace(" -", " m")))


def _is_valid(name: str) -> bool:
    """Whether R reads it as a name, and lavaan as no operator."""
    return re.fullmatch(r"[A-Za-z][A-Za-z0-9._]*", name) is not None and name not in RESERVED


def _valid(name: str) -> str:
    kept = re.sub(r"[^A-Za-z0-9.]+", "_", name).strip("_") or "v"
    return kept if kept[0].isalpha() and kept not in RESERVED else f"v_{kept}"


def _distinct[Key](keys: Sequence[Key], wanted: Callable[[Key], str], *, most: int | None = None) -> dict[Key, str]:
    """A name for each key, of `most` characters, no two of them alike whatever their case."""
    names: dict[Key, str] = {}
    taken: set[str] = set()
    for key in keys:
        name, repeat = wanted(key), 1
        while name.lower() in taken:
            repeat += 1
            ending = f"_{repeat}"
            name = wanted(key)[: None if most is None else most - len(ending)] + ending
        taken.add(name.lower())
        names[key] = name
    return names


def _time(variable: Variable) -> str:
    return "" if variable.time is None else number(variable.time)


def renamed(names: Mapping[Variable, str], observed: Container[Variable]) -> list[tuple[str, str]]:
    """Columns of the data whose name here is not simply measure and time: name, and what it is."""
    return [
        (name, str(variable))
        for variable, name in names.items()
        if variable in observed and name != "_".join(filter(None, (variable.name, _time(variable))))
    ]
