"""The response families: which there are, and their compiled log densities by code.

A new family adds its class, its densities, their codes, and a branch of each kernel that leads to its own. Every kernel
reads the family's own parameters, at the beginning of the `phi` that it is given.
"""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from ..basics.compiled import compiled
from ..basics.distributions import Prior, options_to_mapping, prior_from_mapping
from ..basics.names import choices
from ..basics.problems import Problems, SpecError
from . import beta_binomial, count, days, occurrence, ordinal, proportion, yes_no
from .cut_points import InducedDirichlet
from .family import Density, ResponseFamily
from .items import Items
from .normal import Gaussian

__all__ = [
    "CODES",
    "DENSITIES",
    "FAMILIES",
    "OCCURRENCE",
    "add_phi_gradients",
    "family_from_mapping",
    "family_to_mapping",
    "log_densities",
    "steepness",
]

FAMILIES: dict[str, type[ResponseFamily]] = {
    family.word: family
    for family in (
        Gaussian,
        days.Days,
        beta_binomial.BetaBinomial,
        count.Count,
        proportion.Proportion,
        yes_no.YesNo,
        ordinal.Ordinal,
        Items,
    )
}
DENSITIES: dict[str, Density] = (
    days.DENSITIES
    | beta_binomial.DENSITIES
    | count.DENSITIES
    | proportion.DENSITIES
    | yes_no.DENSITIES
    | ordinal.DENSITIES
    | occurrence.DENSITIES
)
CODES = {name: code for code, name in enumerate(DENSITIES)}

DAYS, DAYS_PROBIT = CODES["days"], CODES["days_probit"]
BETA_BINOMIAL = CODES["beta_binomial"]
COUNT, HURDLE_COUNT = CODES["count"], CODES["hurdle_count"]
PROPORTION, PROPORTION_PROBIT = CODES["proportion"], CODES["proportion_probit"]
YES_NO = CODES["yes_no"]
ORDINAL, ORDINAL_PROBIT = CODES["ordinal"], CODES["ordinal_probit"]
OCCURRENCE = CODES["occurrence"]


@compiled
def log_densities(code, size, values, phi, eta, result):
    """Log density of each of a group's values at each linear predictor, without `Density.log_constant`.

    Parameters
    ----------
    code, size
        Code of the density, and size, the same for the whole group.
    values
        Responses, shape ``(value,)``.
    phi
        The family's parameters, and whatever comes after them; shape ``(phi,)``.
    eta
        Linear predictors, shape ``(node,)``.
    result
        Overwritten, shape ``(value, node)``. Minus infinity or not a number where phi is not allowed.
    """
    if code in (DAYS, DAYS_PROBIT):
        days.log_densities(size, values, phi, eta, result, code == DAYS_PROBIT)
    elif code == BETA_BINOMIAL:
        beta_binomial.log_densities(size, values, phi, eta, result)
    elif code in (COUNT, HURDLE_COUNT):
        count.log_densities(size, values, phi, eta, result, code == HURDLE_COUNT)
    elif code in (PROPORTION, PROPORTION_PROBIT):
        proportion.log_densities(values, phi, eta, result, code == PROPORTION_PROBIT)
    elif code == YES_NO:
        yes_no.log_densities(values, phi, eta, result)
    elif code in (ORDINAL, ORDINAL_PROBIT):
        ordinal.log_densities(size, values, phi, eta, result, code == ORDINAL_PROBIT)
    elif code == OCCURRENCE:
        occurrence.log_densities(values, eta, result)
    else:
        raise ValueError("No density has this code.")


@compiled
def add_phi_gradients(code, size, values, phi, eta, weights, phi_bar):
    """Add to `phi_bar` the gradient in phi of the sum of weights times `log_densities`.

    Parameters
    ----------
    code, size, values, phi, eta
        As of `log_densities`.
    weights
        Shape ``(value, node)``.
    phi_bar
        Shape ``(phi,)``.
    """
    if code in (DAYS, DAYS_PROBIT):
        days.add_gradient(size, values, phi, eta, weights, phi_bar, code == DAYS_PROBIT)
    elif code == BETA_BINOMIAL:
        beta_binomial.add_gradient(size, values, phi, eta, weights, phi_bar)
    elif code in (COUNT, HURDLE_COUNT):
        count.add_gradient(size, values, phi, eta, weights, phi_bar, code == HURDLE_COUNT)
    elif code in (PROPORTION, PROPORTION_PROBIT):
        proportion.add_gradient(values, phi, eta, weights, phi_bar, code == PROPORTION_PROBIT)
    elif code == YES_NO:
        yes_no.add_gradient(values, phi, eta, weights, phi_bar)
    elif code in (ORDINAL, ORDINAL_PROBIT):
        ordinal.add_gradient(size, values, phi, eta, weights, phi_bar, code == ORDINAL_PROBIT)
    elif code != OCCURRENCE:  # which has no parameters
        raise ValueError("No density has this code.")


@compiled
def steepness(code, phi):
    """Largest slope in size of a density: it is analytic up to about pi over it off the real axis."""
    if code in (DAYS, DAYS_PROBIT):
        return days.steepness(phi)
    if code == BETA_BINOMIAL:
        return beta_binomial.steepness(phi)
    if code in (COUNT, HURDLE_COUNT):
        return count.steepness(phi, code == HURDLE_COUNT)
    if code in (PROPORTION, PROPORTION_PROBIT):
        return proportion.steepness(phi)
    if code == YES_NO:
        return yes_no.steepness(phi)
    if code in (ORDINAL, ORDINAL_PROBIT):
        return ordinal.steepness(phi)
    if code == OCCURRENCE:
        return 1.0
    raise ValueError("No density has this code.")


def family_to_mapping(family: ResponseFamily) -> dict[str, Any]:
    """Return a family as a model file writes it; options at their defaults are left out.

    Examples
    --------
    >>> from alliance_bayes import Days, LogNormal
    >>> family_to_mapping(Days(30, precision=LogNormal(1.0, 0.5)))
    {'family': 'days', 'window': 30, 'precision': {'log_normal': [1.0, 0.5]}}
    """
    return {"family": family.word} | options_to_mapping(family)


def family_from_mapping(measure: str, mapping: Mapping[str, Any] | str) -> ResponseFamily:
    """Read the family of a measure as a model file writes it; a word alone is a family without options.

    Raises
    ------
    SpecError
        If the family or an option is unknown, missing or not usable; all problems at once.

    Examples
    --------
    >>> from alliance_bayes import Days
    >>> family_from_mapping("days", {"family": "days", "window": 30}) == Days(30)
    True
    """
    options: dict[str, Any] = {"family": mapping} if isinstance(mapping, str) else dict(mapping)
    word = options.pop("family", None)
    kind = FAMILIES.get(str(word))
    if kind is None:
        unknown = f"No family is called '{word}'{choices(str(word), FAMILIES, 'Families')}"
        raise SpecError(f"The family of '{measure}' cannot be read: {unknown}", [unknown])
    problems = Problems(f"The family '{word}' of '{measure}' cannot be read")
    known = {option.name: option.default for option in fields(kind)}
    for name in [name for name in options if name not in known]:
        problems.add(f"No option is called '{name}'{choices(name, known, 'Options')}")
        del options[name]
    for name in [name for name in kind.required_options() if name not in options]:
        problems.add(f"{name} is missing.")
    for name, value in options.items():
        with problems.collecting():
            if isinstance(known[name], InducedDirichlet):
                options[name] = InducedDirichlet.from_mapping(name, value)
            elif isinstance(known[name], Prior):
                options[name] = prior_from_mapping(name, value)
    problems.raise_as(SpecError)
    return kind(**options)
