"""Specs as plain mappings and back: what model files and saved fits hold."""

from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any

from ..basics.distributions import options_to_mapping
from ..basics.given import shown
from ..basics.names import choices, did_you_mean, quoted
from ..basics.problems import Problems, SpecError
from ..families.registry import family_from_mapping, family_to_mapping
from .cross_lagged import CrossLagged
from .models import ALT, CLPM, DPM, LCMSR, RICLPM, STARTS
from .occurrence import Selection, State, occurrence_from_mapping
from .priors import Priors

__all__ = ["KINDS", "spec_from_mapping", "spec_to_mapping"]

KINDS: dict[str, type[CrossLagged]] = {model.kind: model for model in (RICLPM, CLPM, DPM, STARTS, LCMSR, ALT)}


def spec_to_mapping(spec: CrossLagged) -> dict[str, Any]:
    """Return a spec as plain values; options at their defaults are left out.

    Examples
    --------
    >>> spec_to_mapping(RICLPM(["alliance", "days"], lags="free"))
    {'kind': 'riclpm', 'measures': ['alliance', 'days'], 'lags': 'free'}
    """
    mapping: dict[str, Any] = {"kind": spec.kind, "measures": list(spec.measures)}
    for option in fields(spec):
        value = getattr(spec, option.name)
        if option.name in ("measures", "priors") or value == option.default or value == {}:
            continue
        match option.name:
            case "families":
                mapping["families"] = {name: family_to_mapping(family) for name, family in spec.families.items()}
            case "state":
                assert spec.state is not None
                mapping["state"] = options_to_mapping(spec.state)
            case "selection":
                mapping["selection"] = [options_to_mapping(each) for each in spec.selection]
            case _:
                mapping[option.name] = _plain(value)
    if spec.priors != Priors():
        default = Priors().to_mapping()
        mapping["priors"] = {name: prior for name, prior in spec.priors.to_mapping().items() if prior != default[name]}
    return mapping


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(entry) for name, entry in value.items()}
    return [_plain(entry) for entry in value] if isinstance(value, tuple) else value


def spec_from_mapping(mapping: Mapping[str, Any], kinds: Iterable[str] = KINDS) -> CrossLagged:
    """Read a spec from plain values; the inverse of `spec_to_mapping`.

    Parameters
    ----------
    mapping
        Kind of the model, and its options.
    kinds
        What the kind may be, where models of other kinds are read elsewhere.

    Raises
    ------
    SpecError
        If the kind or an option is unknown, or a value is not usable; all problems at once.

    Examples
    --------
    >>> spec_from_mapping({"kind": "clpm", "measures": ["x", "y"]}) == CLPM(["x", "y"])
    True
    """
    problems = Problems("[model] cannot be read")
    kind = mapping.get("kind")
    known = isinstance(kind, str) and kind in KINDS
    if not known:
        problems.add(f"kind must be one of {quoted(kinds)}; got {shown(kind)}{did_you_mean(kind, kinds) or '.'}")
    model = KINDS[str(kind)] if known else RICLPM
    options = [option.name for option in fields(model) if option.name != "priors"]
    anywhere = {option.name for each in KINDS.values() for option in fields(each)}
    for name in mapping:
        if name not in ("kind", "priors") and name not in (options if known else anywhere):
            problems.add(f"No option is called '{name}'{choices(name, ['kind', *options], 'Options')}")
    if "measures" not in mapping:
        problems.add("measures is missing: the names of two or more measures.")
    given = {name: value for name, value in mapping.items() if name in options}
    _read_occurrence(given, problems)
    with problems.collecting():
        given["priors"] = Priors.from_mapping(mapping.get("priors", {}))
    spec = None
    if "measures" in mapping:
        with problems.collecting():
            spec = model(**given)
    problems.raise_as(SpecError)
    assert spec is not None
    return spec


def _read_occurrence(given: dict[str, Any], problems: Problems) -> None:
    """Turn the tables of families, state and selection into what they describe."""
    families, selection = given.pop("families", {}), given.pop("selection", [])
    if isinstance(families, Mapping):
        given["families"] = {}
        for name, table in families.items():
            with problems.collecting(f"family of '{name}': "):
                if not isinstance(table, str | Mapping):
                    raise SpecError(f"must be a table such as {{ family = 'days', window = 30 }}; got {shown(table)}.")
                given["families"][name] = family_from_mapping(name, table)
    else:
        problems.add(
            f"families must be a table such as {{ days = {{ family = 'days', window = 30 }} }}; got {shown(families)}."
        )
    if "state" in given:
        table = given.pop("state")
        with problems.collecting("state: "):
            given["state"] = occurrence_from_mapping(State, table)
    if isinstance(selection, list | tuple):
        given["selection"] = []
        for place, table in enumerate(selection, start=1):
            with problems.collecting(f"selection {place}: "):
                given["selection"].append(occurrence_from_mapping(Selection, table))
    else:
        problems.add(f"selection must be a list of tables, such as {{ of = 'interview' }}; got {shown(selection)}.")
