"""What draws belong to: one panel, one group of it, or several imputed panels; and what these cannot answer."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np

from ..basics.problems import SpecError
from ..panel import Panel

__all__ = ["SharedPanel", "Source"]


@dataclass(frozen=True)
class Source:
    """What draws belong to: one panel where nothing is given.

    Attributes
    ----------
    group_of
        Groups of the fit that the draws of this one group are taken from; none where they are of all groups.
    n_panels
        How many imputed panels they are of.
    """

    group_of: tuple[str, ...] = ()
    n_panels: int = 1

    def require_one_panel(self, question: str, cure: str = "") -> None:
        """Refuse a question about the values of persons where panels were imputed."""
        if self.n_panels > 1:
            raise _one_panel_needed(question, self.n_panels, cure)

    def require_parameters(self) -> None:
        """Refuse what needs the fitted parameters, of which one group has a part only."""
        if self.group_of:
            raise SpecError(
                "Scores, forecasts and checks need the fit of all groups; use that fit, not one of its groups."
            )

    def require_file(self) -> None:
        """Refuse to be saved unless it is of one panel and all its groups."""
        self.require_one_panel("A file")
        if self.group_of:
            raise SpecError(
                "A file holds a fit of all groups, and this is one of its groups. Save the fit of all groups; later "
                f"ab.load_fit(path).of_group('{self.group_of[0]}') gives the group."
            )


def _one_panel_needed(question: str, n_panels: int, cure: str = "") -> SpecError:
    """Refusal of what belongs to one panel, by several imputed ones."""
    return SpecError(
        f"{question} belongs to one panel, and this fit is of {n_panels} imputed panels. Ask each of the single fits "
        f"in .fits, {cure or 'and combine their answers'}."
    )


class SharedPanel(Panel):
    """What imputed panels share; questions that read values are refused, not answered from one of the panels."""

    def __init__(self, panels: Sequence[Panel]) -> None:
        shared = {attribute.name: getattr(panels[0], attribute.name) for attribute in fields(Panel)}
        shared |= {"panels": tuple(panels), "source": f"{len(panels)} imputed panels"}
        for name, value in shared.items():
            if name not in ("values", "absence", "states"):
                object.__setattr__(self, name, value)

    panels: tuple[Panel, ...]

    @property
    def values(self) -> np.ndarray:
        """Refused."""
        raise _one_panel_needed("A person's value", len(self.panels))

    @property
    def absence(self) -> np.ndarray:
        """Refused."""
        raise _one_panel_needed("Who has a value", len(self.panels))

    @property
    def states(self) -> dict[str, np.ndarray]:
        """Refused."""
        raise _one_panel_needed("A person's state", len(self.panels))

    @property
    def has_persons(self) -> bool:
        """Whether the values of single persons are known: not the same in all panels."""
        return False

    @property
    def n_persons(self) -> int:
        """Number of persons, the same in every panel."""
        return self.panels[0].n_persons

    def require_persons(self, what: str) -> np.ndarray:
        """Refuse the values of persons."""
        raise _one_panel_needed(what, len(self.panels))

    def of_group(self, group: str) -> Self:
        """What the panels of one group share."""
        return type(self)([panel.of_group(group) for panel in self.panels])

    def __reduce__(self) -> tuple[Any, ...]:
        return SharedPanel, (self.panels,)

    def __str__(self) -> str:
        return f"{self.source} of {self.n_persons} persons"

    __repr__ = __str__
