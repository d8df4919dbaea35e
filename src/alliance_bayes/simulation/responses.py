"""Values that are not normal: what a truth says of their families, and how they are drawn from linear predictors."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.special import betaincinv, expit, ndtr

from ..basics.given import shown
from ..basics.names import choices, quoted
from ..basics.problems import Problems
from ..families.beta_binomial import BetaBinomial
from ..families.count import Count
from ..families.days import Days
from ..families.family import ResponseFamily
from ..families.items import Items
from ..families.ordinal import Ordinal
from ..families.proportion import Proportion
from ..families.yes_no import YesNo
from .reading import NUMBER, SD, Array, Entry, Reader
from .true_values import TrueValues

__all__ = ["drawn_responses", "read_responses"]

_NUMBERS: Mapping[type, Mapping[str, Entry]] = {
    Days: {"slope": SD, "intercept": NUMBER, "interior_slope": NUMBER, "precision": SD},
    BetaBinomial: {"intercept": NUMBER, "slope": SD, "precision": SD},
    Count: {"intercept": NUMBER, "slope": SD, "dispersion": SD},
    Proportion: {"slope": SD, "intercept": NUMBER, "precision": SD},
    YesNo: {"intercept": NUMBER, "slope": SD},
    Ordinal: {"slope": SD},
    Items: {},
}
_OF_A_HURDLE = {"any_intercept": NUMBER, "any_slope": NUMBER}


def read_responses(truth: TrueValues, problems: Problems) -> dict[str, dict[str, Any]]:
    """Read the numbers of every family, noting all problems."""
    families, given = truth.spec.random_families, truth.responses or {}
    if not isinstance(given, Mapping) or not all(isinstance(entries, Mapping) for entries in given.values()):
        problems.add(f"responses must be a table from measures to tables of numbers; got {shown(given)}.")
        return {}
    for name in given:
        if name not in families:
            problems.add(f"responses: '{name}' has no family in the model{choices(str(name), families, 'It has')}")
    numbers = {}
    for name, family in families.items():
        reader = Reader(truth.spec.measures, problems)
        numbers[name] = _read(f"responses '{name}'", family, given.get(name, {}), reader)
        if family.given_columns:
            problems.add(
                f"The amount of '{name}' is in the column '{family.given_columns[0]}', which a truth does not have; "
                "give the model a number, or one for each wave."
            )
    return numbers


def _read(where: str, family: ResponseFamily, entries: Mapping[str, Any], reader: Reader) -> dict[str, Any]:
    expected = _expected(family)
    for key in entries:
        if key not in expected:
            reader.problems.add(f"{where} has no '{key}'{choices(str(key), expected, 'Its keys')}")
    if absent := [key for key in expected if key not in entries]:
        reader.problems.add(f"{where} leaves out {quoted(absent)}.")
    numbers = {key: reader.entry(f"{where} {key}", entries[key], expected[key]) for key in expected if key in entries}
    for key, value in numbers.items():
        if "cuts" in key and isinstance(value, tuple) and np.any(np.diff(value) <= 0):
            reader.problems.add(f"{where} {key} must rise; got {list(value)}.")
    return numbers


def _expected(family: ResponseFamily) -> dict[str, Entry]:
    numbers = dict(_NUMBERS[type(family)])
    match family:
        case Days() | Proportion():
            return {"cuts": _cuts(2), **numbers}
        case Ordinal(categories=categories):
            return {"cuts": _cuts(categories - 1), **numbers}
        case Items(items=items, categories=categories):
            of_items = {f"loading {item}": SD for item in items}
            return of_items | {f"cuts {item}": _cuts(categories - 1) for item in items}
        case Count(hurdle=True):
            return numbers | _OF_A_HURDLE
    return numbers


def _cuts(count: int) -> Entry:
    if count == 1:
        return Entry("one number, or a list of it", 1)
    return Entry(f"a list of {count} rising numbers", count)


def drawn_responses(truth: TrueValues, predictors: Array, random: np.random.Generator) -> Array:
    """Values of the columns of a panel at linear predictors, dims (person, wave, column), NaN where these are.

    `predictors` of normal measures are their values; dims (person, wave, measure), NaN where one does not exist.
    Everybody takes the same number of random numbers.
    """
    persons, waves, _ = predictors.shape
    columns: list[Array] = []
    for index, name in enumerate(truth.spec.measures):
        eta, family = predictors[..., index], truth.spec.random_families.get(name)
        if family is None:
            columns.append(eta)
            continue
        numbers = (truth.responses or {})[name]
        # So that a person's numbers do not depend on how many people come after.
        uniforms = random.random((persons, waves, 3 * len(truth.spec.columns_of(name))))
        filled = np.where(np.isnan(eta), 0.0, eta)
        drawn = _drawn(family, numbers, filled, np.moveaxis(uniforms, 2, 0))
        columns += [np.where(np.isnan(eta), np.nan, column) for column in drawn]
    return np.stack(columns, axis=2)


def _drawn(family: ResponseFamily, numbers: Mapping[str, Any], eta: Array, u: Array) -> list[Array]:
    match family:
        case Days(link=link):
            window = _by_wave(family.window, eta)
            low, high = (_below(cut - numbers["slope"] * eta, link) for cut in numbers["cuts"])
            mean = expit(numbers["intercept"] + numbers["interior_slope"] * eta)
            inside = _beta_binomial(window, mean, numbers["precision"], u[1], ends=False)
            return [np.where(u[0] < low, 0.0, np.where(u[0] >= high, window, inside))]
        case BetaBinomial():
            mean = expit(numbers["intercept"] + numbers["slope"] * eta)
            return [_beta_binomial(_by_wave(family.trials, eta), mean, numbers["precision"], u[0], ends=True)]
        case Count(hurdle=hurdle):
            mean = _by_wave(family.exposure, eta) * np.exp(numbers["intercept"] + numbers["slope"] * eta)
            if not hurdle:
                return [_negative_binomial(mean, numbers["dispersion"], u[0])]
            some = expit(numbers["any_intercept"] + numbers["any_slope"] * eta)
            none = (1 + mean / numbers["dispersion"]) ** -numbers["dispersion"]
            above = _negative_binomial(mean, numbers["dispersion"], none + (1 - none) * u[1])
            return [np.where(u[0] < some, np.maximum(above, 1.0), 0.0)]
        case Proportion(link=link):
            low, high = (_below(cut - numbers["slope"] * eta, link) for cut in numbers["cuts"])
            mean, precision = expit(numbers["intercept"] + numbers["slope"] * eta), numbers["precision"]
            inside = _beta(mean * precision, (1 - mean) * precision, u[1])
            return [np.where(u[0] < low, 0.0, np.where(u[0] >= high, 1.0, inside))]
        case YesNo():
            return [(u[0] < expit(numbers["intercept"] + numbers["slope"] * eta)).astype(float)]
        case Ordinal(link=link, lowest=lowest):
            return [lowest + _category(numbers["cuts"], numbers["slope"] * eta, link, u[0])]
        case Items(items=items, link=link, lowest=lowest):
            return [
                lowest + _category(numbers[f"cuts {item}"], numbers[f"loading {item}"] * eta, link, u[index])
                for index, item in enumerate(items)
            ]
    raise NotImplementedError(type(family))


def _by_wave(amount: Any, eta: Array) -> Array:
    return np.broadcast_to(np.asarray(amount, dtype=float), eta.shape)


def _below(cut: Array, link: str) -> Array:
    return np.asarray(expit(cut) if link == "logit" else ndtr(cut))


def _category(cuts: Any, shift: Array, link: str, u: Array) -> Array:
    return np.asarray(sum((u >= _below(cut - shift, link)).astype(float) for cut in np.atleast_1d(cuts)))


def _beta_binomial(trials: Array, mean: Array, precision: float, u: Array, *, ends: bool) -> Array:
    """By inversion: the first value whose cumulative probability exceeds u, among all or those between the ends."""
    from scipy.stats import betabinom

    drawn = np.zeros(mean.shape)
    first, second = np.maximum(mean * precision, 1e-12), np.maximum((1 - mean) * precision, 1e-12)
    for size in np.unique(trials):
        of_size = trials == size
        values = np.arange(0 if ends else 1, int(size) + (1 if ends else 0))
        mass = betabinom.pmf(values, int(size), first[of_size][:, None], second[of_size][:, None])
        cumulative = np.cumsum(mass, axis=1)
        reached = (cumulative <= u[of_size][:, None] * cumulative[:, -1:]).sum(axis=1)
        drawn[of_size] = values[np.minimum(reached, len(values) - 1)]
    return drawn


def _beta(first: Array, second: Array, u: Array) -> Array:
    """By inversion, strictly between 0 and 1."""
    return np.asarray(np.clip(betaincinv(np.maximum(first, 1e-12), np.maximum(second, 1e-12), u), 1e-12, 1 - 1e-12))


def _negative_binomial(mean: Array, dispersion: float, u: Array) -> Array:
    from scipy.stats import nbinom

    return np.asarray(nbinom.ppf(u, dispersion, dispersion / (dispersion + mean)), dtype=float)
