"""Several ordered items behind one linear predictor, each with the density of `ordinal`."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from ..basics.distributions import LogNormal
from ..basics.given import entries, shown
from ..basics.problems import Problems
from .cut_points import InducedDirichlet
from .family import FamilyParameter, shares
from .links import Link, draw_category
from .ordinal import CategoryFamily

__all__ = ["Items"]


@dataclass(frozen=True)
class Items(CategoryFamily):
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
        super()._check(problems)

    @property
    def parameters(self) -> tuple[FamilyParameter, ...]:
        """Of each item its loading, and the shares behind its cuts."""
        of_item = InducedDirichlet(self.cuts.concentration / len(self.items))
        return tuple(
            parameter
            for item in self.items
            for parameter in (
                FamilyParameter(f"loading {item}", self.loading),
                *shares(of_item, self.categories, self.link, f"loading {item}", f" {item}"),
            )
        )

    @property
    def densities(self) -> tuple[str, ...]:
        """That of ordered categories for each item."""
        return super().densities * len(self.items)

    @property
    def in_words(self) -> str:
        """What a value is."""
        return f"{len(self.items)} items of {self.categories} ordered categories"

    @property
    def has_one_size(self) -> bool:
        """A measure of items is no single column."""
        return False

    def columns(self, measure: str) -> tuple[str, ...]:
        """The items."""
        return tuple(self.items)

    def _draw(
        self, phi: Sequence[float] | np.ndarray, eta: np.ndarray, sizes: np.ndarray, rng: np.random.Generator
    ) -> list[np.ndarray]:
        of_items = np.reshape(phi, (len(self.items), self.categories))
        return [draw_category(item[0], item[1:], eta, self.link, rng) + self.lowest for item in of_items]
