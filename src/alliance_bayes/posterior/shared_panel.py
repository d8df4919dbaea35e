"""What imputed panels share."""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any, Self

import numpy as np

from ..panel import Panel
from .source import one_panel_needed

__all__ = ["SharedPanel"]


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
        raise one_panel_needed("A person's value", len(self.panels))

    @property
    def absence(self) -> np.ndarray:
        """Refused."""
        raise one_panel_needed("Who has a value", len(self.panels))

    @property
    def states(self) -> dict[str, np.ndarray]:
        """Refused."""
        raise one_panel_needed("A person's state", len(self.panels))

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
        raise one_panel_needed(what, len(self.panels))

    def of_group(self, group: str) -> Self:
        """What the panels of one group share."""
        return type(self)([panel.of_group(group) for panel in self.panels])

    def __reduce__(self) -> tuple[Any, ...]:
        return SharedPanel, (self.panels,)

    def __str__(self) -> str:
        return f"{self.source} of {self.n_persons} persons"

    __repr__ = __str__
