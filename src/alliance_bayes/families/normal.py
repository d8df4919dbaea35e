"""A measure that is its linear predictor."""

from dataclasses import dataclass
from typing import ClassVar

from .family import ResponseFamily

__all__ = ["Gaussian"]


@dataclass(frozen=True)
class Gaussian(ResponseFamily):
    """A measure that is its linear predictor: ``y = eta``."""

    word: ClassVar[str] = "normal"
    is_normal: ClassVar[bool] = True

    @property
    def densities(self) -> tuple[str, ...]:
        """None: its values are observed exactly."""
        return ()
