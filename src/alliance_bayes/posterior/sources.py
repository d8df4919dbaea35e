"""What draws belong to: one panel, one group of it, or several imputed panels. Each refuses what it cannot answer."""

from dataclasses import dataclass
from typing import NoReturn, Protocol

from ..basics.problems import SpecError

__all__ = ["ONE_PANEL", "ImputedPanels", "OneGroup", "OnePanel", "Source"]


class Source(Protocol):
    """What draws belong to."""

    def of_group(self, groups: tuple[str, ...]) -> "Source":
        """What the draws of one of the groups belong to."""

    def require_one_panel(self, question: str, cure: str = "") -> None:
        """Refuse a question about the values of persons where panels differ in them."""

    def require_parameters(self) -> None:
        """Refuse what needs the parameters that were fitted, where draws are a part of these."""

    def require_file(self) -> None:
        """Refuse to be saved, where a file does not hold what the draws belong to."""


@dataclass(frozen=True)
class OnePanel:
    """A panel, or published moments, with all its groups: it refuses nothing."""

    def of_group(self, groups: tuple[str, ...]) -> "OneGroup":
        """One of its groups."""
        return OneGroup(groups)

    def require_one_panel(self, question: str, cure: str = "") -> None:
        """There is one."""

    def require_parameters(self) -> None:
        """There are all."""

    def require_file(self) -> None:
        """A file holds a panel."""


ONE_PANEL = OnePanel()


@dataclass(frozen=True)
class OneGroup:
    """One group of a panel, by draws of a fit of all its groups.

    Attributes
    ----------
    groups
        All groups of that fit.
    """

    groups: tuple[str, ...]

    def of_group(self, groups: tuple[str, ...]) -> "OneGroup":
        """The same group."""
        return self

    def require_one_panel(self, question: str, cure: str = "") -> None:
        """There is one."""

    def require_parameters(self) -> NoReturn:
        """Refused."""
        raise SpecError(
            "Scores, forecasts and checks are those of the fit of all groups; ask it, not one of its groups."
        )

    def require_file(self) -> NoReturn:
        """Refused."""
        raise SpecError(
            "A file holds a fit of all groups, and this is one of them. Save the fit of all groups, and ask for the "
            f"group again: ab.load_fit(path).of_group('{self.groups[0]}')."
        )


@dataclass(frozen=True)
class ImputedPanels:
    """Several imputed panels, whose draws are mixed.

    Attributes
    ----------
    n_panels
        How many there are.
    """

    n_panels: int

    def of_group(self, groups: tuple[str, ...]) -> "ImputedPanels":
        """The group of each panel."""
        return self

    def require_one_panel(self, question: str, cure: str = "") -> NoReturn:
        """Refused."""
        raise SpecError(
            f"{question} belongs to one panel, and this fit is of {self.n_panels} imputed panels. Ask each of the "
            f"single fits in .fits, {cure or 'and combine what they say'}."
        )

    def require_parameters(self) -> None:
        """Each fit has its own."""

    def require_file(self) -> NoReturn:
        """Refused."""
        self.require_one_panel("A file")
