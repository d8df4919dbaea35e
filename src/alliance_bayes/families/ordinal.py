"""One of a few ordered categories."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar

import numpy as np

from ..basics.compiled import in_place
from ..basics.distributions import LogNormal
from ..basics.given import is_whole, shown
from ..basics.problems import Problems
from .cut_points import InducedDirichlet
from .family import LARGEST_AMOUNT, Density, FamilyParameter, Numbers, Parts, ResponseFamily, is_count, shares
from .links import INFINITE, Link, add_category_gradient, check_link, draw_category, log_category

__all__ = ["DENSITIES", "CategoryFamily", "Ordinal", "add_gradient", "log_densities", "steepness"]

SLOPE = 0
"""Position in phi; cut c stands at position c, from 1 on."""
MOST_CATEGORIES = 20
FEWEST = 5  # answers in a category, below which the prior of the cut point beside it outweighs them


class CategoryFamily(ResponseFamily):
    """What `Ordinal` and `Items` share: C ordered categories, whole numbers from `lowest`."""

    categories: int
    lowest: int
    link: Link

    def _check(self, problems: Problems) -> None:
        """Keep numbers of categories as plain Python has them."""
        if not is_whole(self.categories) or not 2 <= self.categories <= MOST_CATEGORIES:
            problems.add(
                f"categories must be a whole number from 2 to {MOST_CATEGORIES}; got {shown(self.categories)}."
            )
        else:
            object.__setattr__(self, "categories", int(self.categories))
        if not is_whole(self.lowest, least=-LARGEST_AMOUNT, most=LARGEST_AMOUNT):
            problems.add(f"lowest must be a whole number; got {shown(self.lowest)}.")
        else:
            object.__setattr__(self, "lowest", int(self.lowest))
        check_link(self.link, problems)

    @property
    def densities(self) -> tuple[str, ...]:
        """By the link."""
        return ("ordinal" if self.link == "logit" else "ordinal_probit",)

    @property
    def size(self) -> float | str | tuple[float, ...]:
        """Number of categories."""
        return self.categories

    def coded(self, values: np.ndarray) -> np.ndarray:
        """Categories from 0."""
        return values - self.lowest

    def misfits(self, values: np.ndarray, sizes: np.ndarray) -> Iterator[tuple[np.ndarray, str]]:
        """Values that are none of the categories."""
        highest = self.lowest + self.categories - 1
        yield ~(is_count(values) & (values < sizes)), f"must be whole numbers from {self.lowest} to {highest}"

    def sparse(self, column: str, values: np.ndarray) -> tuple[str, ...]:
        """Categories with fewer than 5 answers."""
        counts = np.bincount(values.astype(int), minlength=self.categories)
        few = np.flatnonzero(counts < FEWEST)
        if not len(few):
            return ()
        listed = ", ".join(f"{category + self.lowest} ({counts[category]})" for category in few)
        return (
            f"'{column}': fewer than {FEWEST} answers in category {listed}. The cut points beside it rest on "
            "their prior; joining it with its neighbour loses little.",
        )

    def ends(self, sizes: np.ndarray) -> tuple[np.ndarray | None, np.ndarray | None]:
        """Lowest and highest category."""
        return np.asarray(float(self.lowest)), np.asarray(float(self.lowest + self.categories - 1))


@dataclass(frozen=True)
class Ordinal(CategoryFamily):
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

    @property
    def parameters(self) -> tuple[FamilyParameter, ...]:
        """The slope, and the shares behind the cuts."""
        return FamilyParameter("slope", self.slope), *shares(self.cuts, self.categories, self.link)

    @property
    def in_words(self) -> str:
        """What a value is."""
        return f"{self.categories} ordered categories"

    def _draw(
        self, phi: Sequence[float] | np.ndarray, eta: np.ndarray, sizes: np.ndarray, rng: np.random.Generator
    ) -> list[np.ndarray]:
        return [draw_category(phi[SLOPE], phi[1:], eta, self.link, rng) + self.lowest]


# ---- density ----


@in_place
def _cuts_beside(value, size):
    """Positions in phi of the cuts below and above a category."""
    below = int(value)
    return below if value > 0.0 else INFINITE, below + 1 if value < size - 1.0 else INFINITE


@in_place
def log_densities(size, values, phi, eta, result, probit):
    """Log density of each value, from 0, at each linear predictor; `size` is the number of categories.

    See `registry`.
    """
    for row in range(len(values)):
        lower, upper = _cuts_beside(values[row], size)
        for node in range(len(eta)):
            result[row, node] = log_category(lower, upper, phi, phi[SLOPE] * eta[node], probit)


@in_place
def add_gradient(size, values, phi, eta, weights, phi_bar, probit):
    """Add the gradient in phi of the weighted sum of `log_densities`; see `registry`."""
    for row in range(len(values)):
        lower, upper = _cuts_beside(values[row], size)
        for node in range(len(eta)):
            weight = weights[row, node]
            if weight != 0.0:
                shift = phi[SLOPE] * eta[node]
                by_shift = add_category_gradient(lower, upper, phi, shift, probit, weight, phi_bar)
                phi_bar[SLOPE] += by_shift * eta[node]


@in_place
def steepness(phi):
    """Slope in size; see `registry`."""
    return abs(phi[SLOPE])


# ---- density in PyTensor ----


def _symbolic(value: np.ndarray, size: np.ndarray, link: Link) -> Parts:
    from .symbolic import below, between

    def lowest(value: np.ndarray, size: np.ndarray, number: Numbers, eta: Any) -> Any:
        return below(number(1) - number(SLOPE) * eta, link)

    def highest(value: np.ndarray, size: np.ndarray, number: Numbers, eta: Any) -> Any:
        return below(number(SLOPE) * eta - number(value.astype(int)), link)

    def middle(value: np.ndarray, size: np.ndarray, number: Numbers, eta: Any) -> Any:
        category, shift = value.astype(int), number(SLOPE) * eta
        return between(number(category) - shift, number(category + 1) - shift, link)

    yield value == 0, lowest
    yield value == size - 1, highest
    yield (value > 0) & (value < size - 1), middle


DENSITIES = {
    "ordinal": Density(partial(_symbolic, link="logit")),
    "ordinal_probit": Density(partial(_symbolic, link="probit")),
}
