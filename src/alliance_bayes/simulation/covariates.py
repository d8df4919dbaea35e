"""Covariates of a truth: how they are distributed, and where and how strongly they act."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..basics.given import shown
from ..basics.names import choices, quoted
from ..basics.problems import Problems
from ..spec.cross_lagged import CrossLagged
from .reading import NUMBER, SD, SHARE, Array, Entry, Plain, Reader, table
from .true_values import TrueValues

__all__ = ["Covariate", "covariates_of", "read_covariates"]

_PROBABILITY = Entry("a number between 0 and 1", accepts=lambda value: 0 < value < 1)
_CARRY_OVER = Entry("a number between -1 and 1", accepts=lambda value: -1 < value < 1)
_OF_PERSONS = {"mean": NUMBER, "sd": SD, "probability": _PROBABILITY}
_OVER_TIME = {"mean": NUMBER, "sd": SD, "carry_over": _CARRY_OVER, "icc": SHARE}
_AT_A_WAVE = ("each_wave", "every_wave")


@dataclass(frozen=True, eq=False)
class Covariate:
    """A covariate, ready to be drawn."""

    name: str
    mean: float  # at every wave, raw units, without what `follows` adds; `sd` alike
    sd: float
    probability: float | None  # of a 1, where it is 0 or 1; None where it is normal
    varies: bool  # whether it has a value at each wave
    carry_over: float  # autoregression from wave to wave, of one that varies
    icc: float  # stable share of its variance, of one that varies
    effects: Mapping[str, Array]  # by target, raw units per raw unit, dims (wave, measure)
    follows: Array  # effect of a measure's deviation one wave later, raw units, shape (measure,)


def covariates_of(truth: TrueValues) -> tuple[Covariate, ...]:
    """All covariates of a truth, also those it says nothing about."""
    spec, waves = truth.spec, len(truth.times)
    given: Mapping[str, Mapping[str, Any]] = truth.covariates or {}

    def effects(values: object) -> Array:
        named = dict.fromkeys(spec.measures, 0.0) | (values if isinstance(values, dict) else {})
        return table(named, spec.measures, waves)

    covariates = []
    for name in _names(spec):
        entries = given.get(name, {})
        chance = entries.get("probability")
        covariates.append(
            Covariate(
                name,
                mean=chance if chance is not None else entries.get("mean", 0.0),
                sd=math.sqrt(chance * (1 - chance)) if chance is not None else entries.get("sd", 1.0),
                probability=chance,
                varies=_varies(spec, name, entries),
                carry_over=entries.get("carry_over", 0.0),
                icc=entries.get("icc", 0.0),
                effects={target: effects(entries.get(target)) for target in spec.covariates.get(name, ())},
                follows=effects(entries.get("follows"))[0],
            )
        )
    return tuple(covariates)


def read_covariates(spec: CrossLagged, given: object, waves: int, problems: Problems) -> dict[str, dict[str, Any]]:
    """Read the covariates of a truth, noting all problems."""
    names = _names(spec)
    if not isinstance(given, Mapping) or not all(isinstance(entries, Mapping) for entries in given.values()):
        example = f"{{'{names[0]}': {{'mean': 3.0, 'sd': 0.5}}}}"
        problems.add(f"covariates must be a table of tables, such as {example}; got {shown(given)}.")
        return {}
    tables = {}
    for name, entries in given.items():
        if name not in names:
            problems.add(f"covariates: '{name}' is not in the model{choices(str(name), names, 'It has')}")
        else:
            tables[name] = _read(spec, name, entries, waves, Reader(spec.measures, problems))
    return tables


def _names(spec: CrossLagged) -> list[str]:
    of_state = [name for name in spec.conditioned_on if name not in spec.covariates]
    return list(dict.fromkeys([*spec.covariates, *spec.moderated.values(), *of_state]))


def _varies(spec: CrossLagged, name: str, entries: Mapping[str, Any]) -> bool:
    return name in spec.predetermined or entries.get("varies") is True


def _read(
    spec: CrossLagged, name: str, entries: Mapping[str, Any], waves: int, reader: Reader
) -> dict[str, Plain | bool | dict[str, Plain]]:
    targets: Sequence[str] = spec.covariates.get(name, ())
    varies, where = _varies(spec, name, entries), f"covariates '{name}'"
    numbers = _OVER_TIME if varies else _OF_PERSONS
    known = [*numbers, "varies", *targets, *(["follows"] if name in spec.predetermined else [])]
    kept: dict[str, Plain | bool | dict[str, Plain]] = {}
    for key, value in entries.items():
        if key not in known:
            reader.problems.add(f"{where} has no '{key}'{choices(str(key), known, 'Its keys')}")
        elif key == "varies":
            if not isinstance(value, bool):
                reader.problems.add(f"{where} varies must be true or false; got {shown(value)}.")
            kept[key] = bool(value)
        elif key in numbers:
            kept[key] = reader.entry(f"{where} {key}", value, numbers[key])
        elif not isinstance(value, Mapping):
            reader.problems.add(
                f"{where} {key} must be a table from measures to effects, such as {{'x': 0.2}}; got {shown(value)}."
            )
        else:
            kept[key] = dict(_effects(reader, f"{where} {key}", value, waves if key == "each_wave" else 0))
    if "probability" in entries and {"mean", "sd"} & set(entries):
        reader.problems.add(f"{where} has a probability, so it is 0 or 1; leave its mean and sd out.")
    if varies and (elsewhere := [target for target in targets if target not in _AT_A_WAVE]):
        reader.problems.add(
            f"{where} varies over time and acts on {quoted(elsewhere)}, which belong to persons; in the model, let it "
            f"act on {quoted(_AT_A_WAVE)}."
        )
    if varies and name in spec.moderated.values():
        reader.problems.add(f"{where} varies over time and moderates a lagged effect; a moderator does not change.")
    return kept


def _effects(reader: Reader, where: str, value: Mapping[Any, Any], waves: int) -> dict[str, Plain]:
    entry = Entry(f"a number, or a list of {waves}, one for each wave", waves) if waves else NUMBER
    read = reader.by_measure(where, value, entry, complete=False)
    return {str(name): effect for name, effect in read.items()} if isinstance(read, dict) else {}
