"""What every response family says: options with their priors, how values of a panel are read, and how they are drawn.

A family is one file with

- a frozen class that derives from `ResponseFamily`: what users write, in Python and in model files;
- ``DENSITIES``, its log densities by name: what numpy and PyTensor need of them;
- the kernels ``log_densities``, ``add_gradient`` and ``steepness``, to which `registry` leads by the density's code.

`registry` lists the families. Kernels read a family's parameters ``phi`` in the order of `ResponseFamily.parameters`,
cut points in the place of shares.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import MISSING, dataclass, fields, replace
from numbers import Integral
from typing import Any, ClassVar, Self

import numpy as np

from ..basics.distributions import Prior, prior_problems
from ..basics.given import entries, is_number, shown
from ..basics.names import in_words, number
from ..basics.problems import Problems, SpecError
from .cut_points import InducedDirichlet

__all__ = [
    "LARGEST_AMOUNT",
    "AmountFamily",
    "Density",
    "FamilyParameter",
    "Numbers",
    "Parts",
    "ResponseFamily",
    "is_above_0",
    "is_count",
    "shares",
]

LARGEST_AMOUNT = (
    10**9
)  # days, trials, exposure, counts or lowest category: differences of log-gammas lose digits beyond

type Numbers = Callable[[int | np.ndarray], Any]
"""A family's parameters in PyTensor by position: a number where all responses share it, else one for each."""
type Parts = Iterator[tuple[np.ndarray, Callable[[np.ndarray, np.ndarray, Numbers, Any], Any]]]
"""Which responses, and a function of their values, sizes, parameters and linear predictors: their log densities."""


@dataclass(frozen=True)
class Density:
    """One log density of a response given its linear predictor, beside its kernels.

    Attributes
    ----------
    symbolic
        The same density in PyTensor, for the model whose linear predictors are sampled: of all values and sizes to
        parts, each with an expression of its own.
    log_constant
        Of all values and sizes to the terms of the log density that depend on nothing else, which the kernels leave
        out; shape ``(response,)``.
    """

    symbolic: Callable[[np.ndarray, np.ndarray], Parts]
    log_constant: Callable[[np.ndarray, np.ndarray], np.ndarray] = lambda value, size: np.zeros(len(value))


@dataclass(frozen=True)
class FamilyParameter:
    """One number of a family, as it is sampled.

    Attributes
    ----------
    name
        Such as ``"slope"`` or ``"share 1"``.
    prior
        Prior of the sampled number.
    slope, link
        For a share behind a cut point: the name of the slope or loading of its scale, and its link; otherwise empty.
    """

    name: str
    prior: Prior
    slope: str = ""
    link: str = ""


def shares(
    prior: InducedDirichlet, n_categories: int, link: str, slope: str = "slope", item: str = ""
) -> tuple[FamilyParameter, ...]:
    """The sampled shares behind the cut points between so many categories."""
    return tuple(
        FamilyParameter(f"share {cut}{item}", share, slope, link)
        for cut, share in enumerate(prior.shares(n_categories), start=1)
    )


@dataclass(frozen=True)
class ResponseFamily:
    """What the families share; use one of them, such as `Days`.

    An option whose default is a prior takes priors of that kind.
    """

    word: ClassVar[str]
    """Its name in model files."""
    amount_option: ClassVar[str] = ""
    """Name of the option that holds a window, trials or an exposure; empty where there is none."""
    is_normal: ClassVar[bool] = False
    tells_variance: ClassVar[bool] = True
    """Whether values of one wave tell the variance of the linear predictor apart from its mean."""

    def __post_init__(self) -> None:
        problems = Problems(f"This family '{self.word}' is not valid")
        for option in fields(self):
            value = getattr(self, option.name)
            if isinstance(option.default, InducedDirichlet):
                if not isinstance(value, InducedDirichlet):
                    found = str(value) if isinstance(value, Prior) else shown(value)
                    problems.add(f"'{option.name}' needs InducedDirichlet(a) with a above 0; got {found}.")
                elif value.problem:
                    problems.add(f"'{option.name}' {value.problem}")
            elif isinstance(option.default, Prior):
                for problem in prior_problems(option.name, value, (type(option.default),)):
                    problems.add(problem)
        self._check(problems)
        problems.raise_as(SpecError)

    def _check(self, problems: Problems) -> None:
        """Note which options are not valid, priors apart."""

    # ---- what is fitted ----

    @property
    def parameters(self) -> tuple[FamilyParameter, ...]:
        """What is sampled, in the order of the family's part of phi."""
        return ()

    @property
    def densities(self) -> tuple[str, ...]:
        """Name of the log density behind each column of values."""
        return (self.word,)

    @property
    def in_words(self) -> str:
        """What a value is, such as "days out of 30"."""
        return self.word

    @property
    def priors(self) -> dict[str, Prior | InducedDirichlet]:
        """Its priors by option, those that are used."""
        used = {parameter.name.split()[0] for parameter in self.parameters} | {"cuts"}
        found = {option.name: getattr(self, option.name) for option in fields(self) if option.name in used}
        return {name: prior for name, prior in found.items() if isinstance(prior, Prior | InducedDirichlet)}

    @classmethod
    def required_options(cls) -> list[str]:
        """Options without a default."""
        return [option.name for option in fields(cls) if option.default is MISSING]

    # ---- what it reads of a panel ----

    @property
    def amount(self) -> float | str | tuple[float, ...] | None:
        """Window, trials or exposure: a number, one for each wave, or the name of the measure that holds it."""
        return getattr(self, self.amount_option) if self.amount_option else None

    @property
    def size(self) -> float | str | tuple[float, ...]:
        """What the density needs beside a value: the amount, the number of categories, or 0 where it needs nothing."""
        return 0.0 if self.amount is None else self.amount

    @property
    def given_columns(self) -> tuple[str, ...]:
        """Measures of the panel that hold a window, trials or an exposure, which the likelihood is given."""
        return (self.amount,) if isinstance(self.amount, str) else ()

    @property
    def has_one_size(self) -> bool:
        """Whether each measure is one column whose values have the same range for everybody at every wave."""
        return not isinstance(self.amount, str | tuple)

    def lasting(self, n_waves: int) -> Self:
        """The family for so many waves: an amount for each wave continues with that of the last one.

        Examples
        --------
        >>> from alliance_bayes import Days
        >>> Days((90, 180)).lasting(4).window, Days("asked").lasting(4).window
        ((90, 180, 180, 180), 'asked')
        """
        if not isinstance(self.amount, tuple):
            return self
        more = [self.amount[-1]] * (n_waves - len(self.amount))
        options: dict[str, Any] = {self.amount_option: (*self.amount, *more)}
        return replace(self, **options)

    def columns(self, measure: str) -> tuple[str, ...]:
        """Measures of the panel that hold its values."""
        return (measure,)

    def coded(self, values: np.ndarray) -> np.ndarray:
        """Values as the density takes them."""
        return values

    def density_size(self, sizes: np.ndarray) -> np.ndarray:
        """Sizes as the density takes them."""
        return sizes

    def misfits(self, values: np.ndarray, sizes: np.ndarray) -> Iterator[tuple[np.ndarray, str]]:
        """Which coded values cannot be of this family, and what values must be or need."""
        yield from ()

    def sparse(self, column: str, values: np.ndarray) -> tuple[str, ...]:
        """Sentences about parameters that hardly any of a column's coded values inform."""
        return ()

    def ends(self, sizes: np.ndarray) -> tuple[np.ndarray | None, np.ndarray | None]:
        """Lowest and highest possible value whose shares describe a panel, None where there is none."""
        return np.asarray(0.0), None

    # ---- drawing ----

    def draw(
        self, phi: Sequence[float] | np.ndarray, eta: np.ndarray, sizes: np.ndarray, rng: np.random.Generator
    ) -> list[np.ndarray]:
        """Draw the values of each column at linear predictors.

        Parameters
        ----------
        phi
            The family's numbers, cut points in the place of shares, in the order of `parameters`.
        eta
            Linear predictors, any shape.
        sizes
            Of the same shape, as `size` says.
        rng
            Source of the random numbers.

        Returns
        -------
        list of numpy.ndarray
            One array of the shape of eta for each column; NaN where eta or the size is.
        """
        unknown = np.isnan(eta) | np.isnan(sizes)
        drawn = self._draw(phi, np.where(unknown, 0.0, eta), np.where(unknown, 2.0, sizes), rng)
        return [np.where(unknown, np.nan, values) for values in drawn]

    def _draw(
        self, phi: Sequence[float] | np.ndarray, eta: np.ndarray, sizes: np.ndarray, rng: np.random.Generator
    ) -> list[np.ndarray]:
        """`draw` at known linear predictors and sizes."""
        return [eta]


@dataclass(frozen=True)
class AmountFamily(ResponseFamily):
    """A family whose values are out of a window or trials, or per exposure: its `amount_option`."""

    amount_in_words: ClassVar[str]
    """What each amount must be."""

    @classmethod
    def is_amount(cls, value: object) -> bool:
        """Whether this is an amount."""
        raise NotImplementedError

    def _check(self, problems: Problems) -> None:
        """Keep a number, one for each wave or the name of a measure as plain Python has it."""
        given: Any = self.amount
        if isinstance(given, str) and given:
            return
        by_wave = entries(given)
        amounts = (given,) if by_wave is None else by_wave
        if not amounts or not all(self.is_amount(value) and value <= LARGEST_AMOUNT for value in amounts):
            problems.add(
                f"{self.amount_option} must be {self.amount_in_words}, one for each wave, or the name of a measure "
                f"that holds it; got {shown(given)}."
            )
            return
        plain = tuple(int(value) if isinstance(value, Integral) else float(value) for value in amounts)
        object.__setattr__(self, self.amount_option, plain[0] if by_wave is None else plain)

    @property
    def _amount_shown(self) -> str:
        amount: Any = self.amount
        if isinstance(amount, str):
            return f"'{amount}'"
        return in_words([number(value) for value in (amount if isinstance(amount, tuple) else (amount,))])


def is_count(values: np.ndarray) -> np.ndarray:
    """Which values are whole numbers, 0 or more."""
    return np.asarray((values >= 0) & (values == np.floor(values)))


def is_above_0(value: object) -> bool:
    """Whether this is a number above 0."""
    return is_number(value) and value > 0
