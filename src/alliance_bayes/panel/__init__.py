"""Who was asked what, when, and what they answered: data frames and published moments as panels."""

from .panel import Panel
from .reading import read_frame
from .records import Absence, LeftOut, PanelWarning, PublishedMoments

__all__ = ["Absence", "LeftOut", "Panel", "PanelWarning", "PublishedMoments", "read_frame"]
