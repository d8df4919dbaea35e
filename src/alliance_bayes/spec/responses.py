"""Families of measures: how a value comes about, given the linear predictor whose dynamics are modelled."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from numbers import Integral
from typing import Any, ClassVar, Literal, Self

import numpy as np

from ..basics.given import entries, is_number, is_one_of, is_whole, shown
from ..basics.names import choices, in_words, number, quoted
from ..basics.problems import Problems, SpecError
from .priors import Beta, LogNormal, Normal, Prior, _options_to_mapping, _part, _prior_from_mapping, _problems_of

__all__ = [
    "BetaBinomial",
    "Count",
    "Days",
    "Family",
    "FamilyParameter",
    "Gaussian",
    "InducedDirichlet",
    "Items",
    "Ordinal",
    "YesNo",
    "family_from_mapping",
    "family_to_mapping",
]

LARGEST_AMOUNT = 10**9  # days, trials, exposure or lowest category; more are typing errors and lose digits
Link = Literal["logit", "probit"]


@dataclass(frozen=True)
class InducedDirichlet:
    """Prior on cut points: the categories' probabilities in all people at the first wave are Dirichlet.

    All with the same concentration. They are drawn and sampled as shares: share c is the probability of
    category c among categories c and above, so that shares are independent,
    ``share_c ~ Beta(a, (C - c) a)`` for c = 1, ..., C - 1. With F the distribution function of the link,

        cut_c = F^-1(1 - (1 - share_1) ... (1 - share_c)) sqrt(1 + k slope^2).

    The root turns Betancourt's prior [1]_, which speaks of somebody whose linear predictor is 0, into one about
    people whose linear predictors have mean 0 and variance 1, as they have at the first wave whatever the slope:
    with k = 1 exactly for the probit, with k = 0.346 to within 0.011 for the logit [2]_. Without it a slope
    (or loading) of 2 would make rare categories at the ends almost impossible before any answer is seen.

    References
    ----------
    .. [1] Betancourt (2019). Ordinal regression. Case study, section 2.2.
    .. [2] Zeger, Liang & Albert (1988). Models for longitudinal data: a generalized estimating equation
       approach. Biometrics, 44, 1049-1060. https://doi.org/10.2307/2531734

    Examples
    --------
    >>> InducedDirichlet(1.0).shares(4)
    (Beta(alpha=1.0, beta=3.0), Beta(alpha=1.0, beta=2.0), Beta(alpha=1.0, beta=1.0))
    """

    concentration: float = 1.0
    word: ClassVar[str] = "induced_dirichlet"

    def __str__(self) -> str:
        return f"InducedDirichlet({_part(self.concentration)})"

    def shares(self, n_categories: int) -> tuple[Beta, ...]:
        """Priors of the shares behind the cut points of so many categories."""
        a = self.concentration
        return tuple(Beta(a, (n_categories - category) * a) for category in range(1, n_categories))


@dataclass(frozen=True)
class FamilyParameter:
    """One number of a family, as it is sampled.

    Attributes
    ----------
    name
        Such as ``"slope"`` or ``"share 1"``.
    prior
        Prior of the sampled number.
    slope
        For a share: the name of the slope or loading of its scale; otherwise empty.
    """

    name: str
    prior: Prior
    slope: str = ""


def _shares(
    prior: InducedDirichlet, n_categories: int, slope: str = "slope", item: str = ""
) -> tuple[FamilyParameter, ...]:
    return tuple(
        FamilyParameter(f"share {cut}{item}", share, slope)
        for cut, share in enumerate(prior.shares(n_categories), start=1)
    )


@dataclass(frozen=True)
class _Family:
    word: ClassVar[str]

    def __post_init__(self) -> None:
        problems = Problems(f"This family '{self.word}' is not valid")
        for each in fields(self):
            value, allowed = getattr(self, each.name), _PRIORS.get(each.name)
            if allowed is InducedDirichlet:
                if not isinstance(value, InducedDirichlet) or not _above(value.concentration, 0):
                    problems.add(f"'{each.name}' needs InducedDirichlet(a) with a above 0; got {_prior_shown(value)}.")
            elif allowed is not None:
                for problem in _problems_of(each.name, value, (allowed,)):
                    problems.add(problem)
        self._check(problems)
        problems.raise_as(SpecError)

    def _check(self, problems: Problems) -> None:
        """Note what is not valid, priors apart."""

    @property
    def parameters(self) -> tuple[FamilyParameter, ...]:
        """What is sampled, in the order of the family's part of phi."""
        return self._parameters()

    @property
    def in_words(self) -> str:
        """What a value is, such as "days out of 30"."""
        return self._in_words()

    @property
    def priors(self) -> dict[str, "Prior | InducedDirichlet"]:
        """Its priors by option, those that are used."""
        used = {parameter.name.split()[0] for parameter in self.parameters} | {"cuts"}
        return {each.name: getattr(self, each.name) for each in fields(self) if each.name in used & set(_PRIORS)}

    @property
    def given_columns(self) -> tuple[str, ...]:
        """Measures of the panel that hold a window, trials or an exposure, which the likelihood is given."""
        amounts = (getattr(self, name, None) for name in ("window", "trials", "exposure"))
        return tuple(name for name in amounts if isinstance(name, str))

    def lasting(self, n_waves: int) -> Self:
        """The family for so many waves: an amount for each wave goes on as that of the last one.

        Examples
        --------
        >>> Days((90, 180)).lasting(4).window, Days("asked").lasting(4).window
        ((90, 180, 180, 180), 'asked')
        """
        by_wave = {
            name: (*amount, *[amount[-1]] * (n_waves - len(amount)))
            for name in ("window", "trials", "exposure")
            if isinstance(amount := getattr(self, name, None), tuple)
        }
        return replace(self, **by_wave)

    @property
    def codes(self) -> tuple[str, ...]:
        """Name of the log density behind each response of a cell, as `latent.families.CODES` has them."""
        return self._codes()

    def _parameters(self) -> tuple[FamilyParameter, ...]:
        return ()

    def _codes(self) -> tuple[str, ...]:
        return (self.word,)

    def _in_words(self) -> str:
        return self.word


@dataclass(frozen=True)
class Gaussian(_Family):
    """A measure that is its linear predictor: ``y = eta``."""

    word: ClassVar[str] = "normal"

    def _codes(self) -> tuple[str, ...]:
        return ()


@dataclass(frozen=True)
class Days(_Family):
    """Days d out of a window of W, often none or all.

    With F the logistic (or standard normal) distribution function and BB the beta-binomial
    probability with parameters ``m f`` and ``(1 - m) f``,

    - ``P(d = 0) = F(cut_1 - slope eta)``, ``P(d = W) = 1 - F(cut_2 - slope eta)``,
    - in between ``P(d) = (F(cut_2 - slope eta) - F(cut_1 - slope eta)) BB(d) / (1 - BB(0) - BB(W))``,
      ``logit m = intercept + interior_slope eta``.

    Parameters
    ----------
    window
        Days that were asked about, 2 or more; or so many at each wave; or the name of the measure that
        holds them for each person and time, less days in a controlled environment, for instance.
    link
        Of the three-way cut.
    cuts, slope, intercept, interior_slope, precision
        Priors. The slope is above 0, which says that a higher predictor is more days. `precision` is f.
    """

    window: int | str | Sequence[int]
    link: Link = field(default="logit", kw_only=True)
    cuts: InducedDirichlet = field(default=InducedDirichlet(), kw_only=True)
    slope: LogNormal = field(default=LogNormal(0.5, 0.5), kw_only=True)
    intercept: Normal = field(default=Normal(0.0, 1.5), kw_only=True)
    interior_slope: Normal = field(default=Normal(0.5, 0.5), kw_only=True)
    precision: LogNormal = field(default=LogNormal(float(np.log(5)), 1.0), kw_only=True)
    word: ClassVar[str] = "days"

    def _check(self, problems: Problems) -> None:
        _read_amount(self, "window", 2, "a whole number of days, 2 or more", problems)
        _check_link(self.link, problems)

    def _parameters(self) -> tuple[FamilyParameter, ...]:
        return (
            *_shares(self.cuts, 3),
            FamilyParameter("slope", self.slope),
            FamilyParameter("intercept", self.intercept),
            FamilyParameter("interior_slope", self.interior_slope),
            FamilyParameter("precision", self.precision),
        )

    def _codes(self) -> tuple[str, ...]:
        return ("days" if self.link == "logit" else "days_probit",)

    def _in_words(self) -> str:
        return f"days out of {_amount_in_words(self.window)}"


@dataclass(frozen=True)
class BetaBinomial(_Family):
    """Successes d of W trials, beta-binomial.

    With parameters ``m f`` and ``(1 - m) f``, ``logit m = intercept + slope eta``. The rival of `Days`
    without ends of their own, and what fits the sum of a few binary items.

    Parameters
    ----------
    trials
        W, 1 or more; or one for each wave; or the name of the measure that holds it for each person and
        time.
    intercept, slope, precision
        Priors. The slope is above 0; `precision` is f.
    """

    trials: int | str | Sequence[int]
    intercept: Normal = field(default=Normal(0.0, 1.5), kw_only=True)
    slope: LogNormal = field(default=LogNormal(0.0, 0.5), kw_only=True)
    precision: LogNormal = field(default=LogNormal(float(np.log(5)), 1.0), kw_only=True)
    word: ClassVar[str] = "beta_binomial"

    def _check(self, problems: Problems) -> None:
        _read_amount(self, "trials", 1, "a whole number, 1 or more", problems)

    def _parameters(self) -> tuple[FamilyParameter, ...]:
        names = ("intercept", "slope", "precision")
        return tuple(FamilyParameter(name, getattr(self, name)) for name in names)

    def _in_words(self) -> str:
        return f"beta-binomial, out of {_amount_in_words(self.trials)}"


@dataclass(frozen=True)
class Count(_Family):
    """A count y, overdispersed: negative binomial.

    ``log mean = log exposure + intercept + slope eta``, variance ``mean + mean^2 / dispersion``. With a
    hurdle, ``P(y > 0) = logistic(any_intercept + any_slope eta)`` whatever the exposure, and counts
    above 0 are negative binomial, truncated there.

    Parameters
    ----------
    exposure
        Time or number at risk, above 0; or one for each wave; or the name of the measure that holds it.
    hurdle
        Whether none is a matter of its own.
    intercept, slope, dispersion, any_intercept, any_slope
        Priors. The slope is above 0. The last two are used with a hurdle only.
    """

    exposure: float | str | Sequence[float] = 1.0
    hurdle: bool = field(default=False, kw_only=True)
    intercept: Normal = field(default=Normal(0.0, 2.0), kw_only=True)
    slope: LogNormal = field(default=LogNormal(0.0, 0.5), kw_only=True)
    dispersion: LogNormal = field(default=LogNormal(float(np.log(5)), 1.0), kw_only=True)
    any_intercept: Normal = field(default=Normal(0.0, 1.5), kw_only=True)
    any_slope: Normal = field(default=Normal(0.5, 0.5), kw_only=True)
    word: ClassVar[str] = "count"

    def _check(self, problems: Problems) -> None:
        _read_amount(self, "exposure", 0, "a number above 0", problems)
        if not isinstance(self.hurdle, bool):
            problems.add(f"hurdle must be True or False; got {shown(self.hurdle)}.")

    def _parameters(self) -> tuple[FamilyParameter, ...]:
        names = ["intercept", "slope", "dispersion", *(["any_intercept", "any_slope"] if self.hurdle else [])]
        return tuple(FamilyParameter(name, getattr(self, name)) for name in names)

    def _codes(self) -> tuple[str, ...]:
        return ("hurdle_count" if self.hurdle else "count",)

    def _in_words(self) -> str:
        exposure = "" if self.exposure == 1 else f", exposure {_amount_in_words(self.exposure)}"
        return f"a count{' with a hurdle' if self.hurdle else ''}{exposure}"


@dataclass(frozen=True)
class YesNo(_Family):
    """Yes (1) or no (0): ``P(yes) = logistic(intercept + slope eta)``.

    Parameters
    ----------
    intercept, slope
        Priors. The slope is above 0.
    """

    intercept: Normal = field(default=Normal(0.0, 1.5), kw_only=True)
    slope: LogNormal = field(default=LogNormal(0.0, 0.5), kw_only=True)
    word: ClassVar[str] = "yes_no"

    def _parameters(self) -> tuple[FamilyParameter, ...]:
        return FamilyParameter("intercept", self.intercept), FamilyParameter("slope", self.slope)

    def _in_words(self) -> str:
        return "yes or no"


@dataclass(frozen=True)
class Ordinal(_Family):
    """One of C ordered categories: ``P(y <= c) = F(cut_c - slope eta)``, the same cuts at every wave.

    Parameters
    ----------
    categories
        C, from 2 to 20. Values are whole numbers from `lowest`.
    lowest
        Value of the lowest category.
    link
        F is the logistic or the standard normal distribution function.
    slope, cuts
        Priors. The slope is above 0.
    """

    categories: int
    lowest: int = field(default=1, kw_only=True)
    link: Link = field(default="logit", kw_only=True)
    slope: LogNormal = field(default=LogNormal(0.0, 0.5), kw_only=True)
    cuts: InducedDirichlet = field(default=InducedDirichlet(), kw_only=True)
    word: ClassVar[str] = "ordinal"

    def _check(self, problems: Problems) -> None:
        _read_categories(self, problems)
        _check_link(self.link, problems)

    def _parameters(self) -> tuple[FamilyParameter, ...]:
        return FamilyParameter("slope", self.slope), *_shares(self.cuts, self.categories)

    def _codes(self) -> tuple[str, ...]:
        return ("ordinal" if self.link == "logit" else "ordinal_probit",)

    def _in_words(self) -> str:
        return f"{self.categories} ordered categories"


@dataclass(frozen=True)
class Items(_Family):
    """Several ordered items behind one linear predictor: ``P(y_j <= c) = F(cut_jc - loading_j eta)``.

    Loadings and cuts are the same at every wave (strong invariance); items are independent given eta.

    Parameters
    ----------
    items
        Names of the measures that hold the items, 2 or more.
    categories, lowest, link
        As of `Ordinal`, the same for all items.
    loading, cuts
        Priors. Loadings are above 0. The concentration of `cuts` is that of the whole scale: each of J items gets
        its J-th part, so that the items together pull at the first wave's location, which they share, no more
        than a single one would.
    """

    items: Sequence[str]
    categories: int
    lowest: int = field(default=1, kw_only=True)
    link: Link = field(default="probit", kw_only=True)
    loading: LogNormal = field(default=LogNormal(0.3, 0.7), kw_only=True)
    cuts: InducedDirichlet = field(default=InducedDirichlet(), kw_only=True)
    word: ClassVar[str] = "items"

    def _check(self, problems: Problems) -> None:
        names = entries(self.items) or ()
        named = all(isinstance(item, str) and item for item in names)
        if not named or len(set(names)) != len(names) or len(names) < 2:
            problems.add(f"items must be a list of 2 or more different names; got {shown(self.items)}.")
        else:
            object.__setattr__(self, "items", names)
        _read_categories(self, problems)
        _check_link(self.link, problems)

    def _parameters(self) -> tuple[FamilyParameter, ...]:
        of_item = InducedDirichlet(self.cuts.concentration / len(self.items))
        return tuple(
            each
            for item in self.items
            for each in (
                FamilyParameter(f"loading {item}", self.loading),
                *_shares(of_item, self.categories, f"loading {item}", f" {item}"),
            )
        )

    def _codes(self) -> tuple[str, ...]:
        return ("ordinal" if self.link == "logit" else "ordinal_probit",) * len(self.items)

    def _in_words(self) -> str:
        return f"{len(self.items)} items of {self.categories} ordered categories"


Family = Gaussian | Days | BetaBinomial | Count | YesNo | Ordinal | Items
FAMILIES: dict[str, type[Any]] = {
    family.word: family for family in (Gaussian, Days, BetaBinomial, Count, YesNo, Ordinal, Items)
}
_PRIORS: dict[str, Any] = {
    "cuts": InducedDirichlet,
    "slope": LogNormal,
    "loading": LogNormal,
    "intercept": Normal,
    "interior_slope": Normal,
    "any_intercept": Normal,
    "any_slope": Normal,
    "precision": LogNormal,
    "dispersion": LogNormal,
}


def family_to_mapping(family: Family) -> dict[str, Any]:
    """Return a family as a model file writes it; options at their defaults are left out.

    Examples
    --------
    >>> family_to_mapping(Days(30, precision=LogNormal(1.0, 0.5)))
    {'family': 'days', 'window': 30, 'precision': {'log_normal': [1.0, 0.5]}}
    """
    return {"family": family.word} | _options_to_mapping(family)


def family_from_mapping(measure: str, mapping: Mapping[str, Any] | str) -> Family:
    """Read the family of a measure as a model file writes it; a word alone is a family without options.

    Raises
    ------
    SpecError
        If the family or an option is unknown, missing or not usable; all problems at once.

    Examples
    --------
    >>> family_from_mapping("days", {"family": "days", "window": 30}) == Days(30)
    True
    """
    given = {"family": mapping} if isinstance(mapping, str) else dict(mapping)
    word = given.pop("family", None)
    kind = FAMILIES.get(str(word))
    if kind is None:
        unknown = f"No family is called '{word}'{choices(str(word), FAMILIES, 'Families')}"
        raise SpecError(f"The family of '{measure}' cannot be read: {unknown}", [unknown])
    problems = Problems(f"The family '{word}' of '{measure}' cannot be read")
    known = {option.name: option for option in fields(kind)}
    for name in [name for name in given if name not in known]:
        problems.add(f"No option is called '{name}'{choices(name, known, 'Options')}")
        del given[name]
    required = list(known)[: {"days": 1, "beta_binomial": 1, "ordinal": 1, "items": 2}.get(kind.word, 0)]
    for name in [name for name in required if name not in given]:
        problems.add(f"{name} is missing.")
    options: dict[str, Any] = given
    for name in [name for name in given if name in _PRIORS]:
        with problems.collecting():
            options[name] = _cuts_from(given[name]) if name == "cuts" else _prior_from_mapping(name, given[name])
    problems.raise_as(SpecError)
    family: Family = kind(**options)
    return family


def _cuts_from(text: object) -> InducedDirichlet:
    if not isinstance(text, Mapping) or list(text) != [InducedDirichlet.word] or not _above(text[next(iter(text))], 0):
        raise SpecError(f"'cuts' must be {{ induced_dirichlet = a }} with a number a above 0; got {text}.")
    return InducedDirichlet(float(text[InducedDirichlet.word]))


def _above(value: object, bound: float) -> bool:
    return is_number(value) and bound < value


def _read_amount(
    family: "Days | BetaBinomial | Count", name: str, least: int, expected: str, problems: Problems
) -> None:
    """Keep a number, one for each wave or the name of a measure as plain Python has it; least 0 means above 0."""
    given = getattr(family, name)
    if isinstance(given, str) and given:
        return
    by_wave = entries(given)
    amounts = (given,) if by_wave is None else by_wave
    usable = [
        (_above(each, 0) if least == 0 else is_whole(each, least=least)) and each <= LARGEST_AMOUNT for each in amounts
    ]
    if not all(usable) or not usable:
        problems.add(
            f"{name} must be {expected}, one for each wave, or the name of a measure that holds it; got {shown(given)}."
        )
        return
    plain = tuple(int(each) if isinstance(each, Integral) else float(each) for each in amounts)
    object.__setattr__(family, name, plain[0] if by_wave is None else plain)


def _amount_in_words(amount: float | str | Sequence[float]) -> str:
    if isinstance(amount, str):
        return f"'{amount}'"
    return in_words([number(each) for each in ([amount] if isinstance(amount, int | float) else amount)])


def _prior_shown(value: object) -> str:
    return str(value) if isinstance(value, Prior | InducedDirichlet) else shown(value)


def _check_link(link: str, problems: Problems) -> None:
    if not is_one_of(link, ("logit", "probit")):
        problems.add(f"link must be one of {quoted(['logit', 'probit'])}; got {shown(link)}.")


def _read_categories(family: "Ordinal | Items", problems: Problems) -> None:
    if not is_whole(family.categories) or not 2 <= family.categories <= 20:
        problems.add(f"categories must be a whole number from 2 to 20; got {shown(family.categories)}.")
    else:
        object.__setattr__(family, "categories", int(family.categories))
    if not is_whole(family.lowest, least=-LARGEST_AMOUNT, most=LARGEST_AMOUNT):
        problems.add(f"lowest must be a whole number; got {shown(family.lowest)}.")
    else:
        object.__setattr__(family, "lowest", int(family.lowest))
