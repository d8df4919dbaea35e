"""Names that R and Mplus accept, one for each variable and parameter."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from .statements import Variable

__all__ = ["labels", "long_names", "short_names"]

MOST_CHARACTERS = 8  # of a name in Mplus


def long_names(variables: Sequence[Variable]) -> dict[Variable, str]:
    """Names for lavaan: ``days_6`` of an observed value, ``w_days_6`` of the deviation behind it.

    Whatever is neither letter, digit, dot nor underscore becomes an underscore, a minus sign ``m``; a name that another
    variable has already gets a number.

    Examples
    --------
    >>> long_names([Variable("observed", "days off", "-6"), Variable("intercept", "days off")]).values()
    dict_values(['days_off_m6', 'i_days_off'])
    """

    def wanted(variable: Variable) -> str:
        first = "" if variable.in_data else f"{variable.role[0]}_"
        return _valid(first + "_".join(filter(None, (variable.name, variable.time.replace("-", "m")))))

    return _distinct(variables, wanted)


def short_names(variables: Sequence[Variable]) -> dict[Variable, str]:
    """Names for Mplus: eight characters at most, distinct whatever their case.

    Long names are cut and get the number of their wave in place of its time.

    Examples
    --------
    >>> short_names([Variable("observed", "alliance", "6"), Variable("within", "alliance", "6")]).values()
    dict_values(['allianc1', 'wallian1'])
    >>> short_names([Variable("observed", "x", "6"), Variable("within", "x", "6")]).values()
    dict_values(['x_6', 'w_x_6'])
    """
    plain = long_names(variables)
    if all(len(name) <= MOST_CHARACTERS and "." not in name for name in plain.values()):
        return plain
    times = sorted({float(variable.time) for variable in variables if variable.time})

    def wanted(variable: Variable) -> str:
        first = "" if variable.in_data else variable.role[0]
        last = str(times.index(float(variable.time)) + 1) if variable.time else ""
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


def _valid(name: str) -> str:
    kept = re.sub(r"[^A-Za-z0-9.]+", "_", name).strip("_") or "v"
    return kept if kept[0].isalpha() else f"v_{kept}"


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


def renamed(names: Mapping[Variable, str]) -> list[tuple[str, str]]:
    """Columns of the data whose name here is not simply measure and time: name, and what it is."""
    return [
        (name, str(variable))
        for variable, name in names.items()
        if variable.in_data and name != "_".join(filter(None, (variable.name, variable.time)))
    ]
