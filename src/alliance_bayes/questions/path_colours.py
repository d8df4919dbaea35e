"""Colours of lagged effects in the figures of answers."""

from ..basics.names import split_path
from ..figures.colours import colour_of
from .answer import Answer

__all__ = ["path_colours"]


def path_colours(answer: Answer) -> dict[str, str]:
    """Colour of each path of an answer's draws, by the position of its predictor in the model."""
    measures = list(answer.draws.attrs["measures"])
    paths = {str(path): split_path(str(path)) for path in answer.draws["path"].to_numpy()}
    return {path: colour_of(measures.index(ends[0])) for path, ends in paths.items() if ends is not None}
