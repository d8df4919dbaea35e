"""Distributions of priors as values: they print, compare, and go into a model file and back."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar, TypeGuard

import numpy as np

from .given import is_number, shown
from .names import choices, number
from .problems import SpecError

__all__ = [
    "DISTRIBUTIONS",
    "LKJ",
    "Beta",
    "HalfNormal",
    "LogNormal",
    "Normal",
    "Prior",
    "number_in_words",
    "options_to_mapping",
    "prior_from_mapping",
    "prior_problems",
    "prior_to_mapping",
]


@dataclass(frozen=True)
class _Printed:
    def __str__(self) -> str:
        numbers = (number_in_words(getattr(self, field.name)) for field in fields(self))
        return f"{type(self).__name__}({', '.join(numbers)})"


@dataclass(frozen=True)
class Normal(_Printed):
    """Normal prior with its mean and standard deviation."""

    mean: float
    sd: float
    word: ClassVar[str] = "normal"


@dataclass(frozen=True)
class HalfNormal(_Printed):
    """Normal prior about 0 with this standard deviation, positive half only."""

    sd: float
    word: ClassVar[str] = "half_normal"


@dataclass(frozen=True)
class LogNormal(_Printed):
    """Prior whose logarithm is normal, with the mean and standard deviation of that logarithm."""

    log_mean: float
    log_sd: float
    word: ClassVar[str] = "log_normal"


@dataclass(frozen=True)
class Beta(_Printed):
    """Beta prior on (0, 1)."""

    alpha: float
    beta: float
    word: ClassVar[str] = "beta"


@dataclass(frozen=True)
class LKJ(_Printed):
    """Prior on a correlation matrix with density proportional to ``det(R) ** (eta - 1)``.

    Drawn and sampled through its partial correlations, which are independent: for row i and
    column j of the Cholesky factor (counted from 1, j < i <= K) the partial correlation r has
    ``(r + 1) / 2 ~ Beta(a_j, a_j)`` with ``a_j = eta + (K - 1 - j) / 2`` [1]_.

    References
    ----------
    .. [1] Lewandowski, Kurowicka & Joe (2009). Generating random correlation matrices based on
       vines and extended onion method. Journal of Multivariate Analysis 100, 1989-2001.
       https://doi.org/10.1016/j.jmva.2009.04.008
    """

    eta: float
    word: ClassVar[str] = "lkj"

    def partial_shapes(self, size: int) -> np.ndarray:
        """Beta parameters of the partial correlations of a `size` x `size` matrix.

        Returns
        -------
        numpy.ndarray
            Shape ``(size * (size - 1) / 2,)``: rows 2, 3, ... of the strictly lower triangle,
            each from left to right.

        Examples
        --------
        >>> LKJ(2.0).partial_shapes(3)
        array([2.5, 2.5, 2. ])
        """
        return np.array(
            [self.eta + (size - 2 - column) / 2 for row in range(size) for column in range(row)],
            dtype=float,
        )


Prior = Normal | HalfNormal | LogNormal | Beta | LKJ
DISTRIBUTIONS: dict[str, type[Prior]] = {family.word: family for family in (Normal, HalfNormal, LogNormal, Beta, LKJ)}


def prior_problems(name: str, prior: object, allowed: tuple[type[Prior], ...]) -> list[str]:
    """What is wrong with the prior of an option: its kind, a number that is not finite or not above 0."""
    if not isinstance(prior, allowed):
        names = " or ".join(family.__name__ for family in allowed)
        return [f"'{name}' needs a prior of family {names}; got {prior if isinstance(prior, Prior) else shown(prior)}."]
    values = {field.name: getattr(prior, field.name) for field in fields(prior)}
    wrong = [
        f"'{name}': {part} of its {type(prior).__name__} prior must be a finite number; got {shown(value)}."
        for part, value in values.items()
        if not is_number(value)
    ]
    if wrong:
        return wrong
    positive = [part for part in values if part not in ("mean", "log_mean")]
    wrong = [f"'{name}' = {prior}: its {part} must be above 0." for part in positive if not values[part] > 0]
    if wrong:
        return wrong
    if isinstance(prior, LogNormal) and (abs(prior.log_mean) > 5 or prior.log_sd > 3):
        return [
            f"'{name}' = {prior} is not valid: its mean and SD are those of a logarithm, "
            "and must lie between -5 and 5 and not exceed 3."
        ]
    return []


def _is_real(value: object) -> TypeGuard[float]:
    """Whether this is a real number, be it infinite or NaN, which the priors refuse by name."""
    return is_number(value) or (isinstance(value, float) and not math.isfinite(value))


def number_in_words(value: object) -> str:
    """A number of a prior as it is printed."""
    return number(value) if _is_real(value) else shown(value)


def options_to_mapping(given: Any) -> dict[str, Any]:
    """Return the options of a dataclass as a model file writes them; those at their defaults are left out."""
    mapping: dict[str, Any] = {}
    for option in fields(given):
        value = getattr(given, option.name)
        if value == option.default:
            continue
        if hasattr(value, "word"):  # a prior
            mapping[option.name] = prior_to_mapping(value)
        else:
            mapping[option.name] = list(value) if isinstance(value, tuple) else value
    return mapping


def prior_to_mapping(prior: Prior) -> dict[str, float | list[float]]:
    """Return a prior as a model file writes it."""
    values = [float(getattr(prior, field.name)) for field in fields(prior)]
    return {prior.word: values[0] if len(values) == 1 else values}


def prior_from_mapping(name: str, text: object) -> Prior:
    """Read the prior of an option as a model file writes it, or raise a SpecError."""
    if not isinstance(text, Mapping) or len(text) != 1:
        raise SpecError(
            f"'{name}' must be one family with its numbers, such as {{ normal = [0.0, 0.15] }}; got {text}."
        )
    ((word, values),) = text.items()
    family = DISTRIBUTIONS.get(str(word))
    if family is None:
        raise SpecError(f"'{name}': no family is called '{word}'{choices(str(word), DISTRIBUTIONS, 'Families')}")
    numbers = values if isinstance(values, list | tuple) else [values]
    wanted = [field.name for field in fields(family)]
    if len(numbers) != len(wanted) or not all(map(_is_real, numbers)):
        raise SpecError(f"'{name}': {word} needs {len(wanted)} number(s) ({', '.join(wanted)}); got {values}.")
    return family(*(float(value) for value in numbers))
