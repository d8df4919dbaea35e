"""Who was asked what, when, and what they answered: data frames, Parquet files and published moments as panels."""

from .consistency import InternalConsistency, internal_consistency
from .horizon import longer, unseen_from
from .panel import Panel
from .reading import read_frame
from .records import Absence, Background, LeftOut, Moments, PanelWarning
from .transitions import Transitions, reported_states

__all__ = [
    "Absence",
    "Background",
    "InternalConsistency",
    "LeftOut",
    "Moments",
    "Panel",
    "PanelWarning",
    "Transitions",
    "internal_consistency",
    "longer",
    "read_frame",
    "reported_states",
    "unseen_from",
]
