"""Who was asked what, when, and what they answered: data frames, Parquet files and published moments as panels."""

from .panel import Panel
from .reading import read_frame
from .records import Absence, Background, LeftOut, Moments, PanelWarning
from .transitions import Transitions

__all__ = ["Absence", "Background", "LeftOut", "Moments", "Panel", "PanelWarning", "Transitions", "read_frame"]
