"""Colours of lagged effects in the figures of answers."""

from collections.abc import Sequence

from ..basics.names import split_path
from ..figures.colours import GREY, colour_of
from .answer import Answer

__all__ = ["path_colour", "path_colours"]


def path_colour(path: str, measures: Sequence[str]) -> str:
    """Colour of a path, by the position of its predictor in the model; grey for what is no path."""
    ends = split_path(path)
    return GREY if ends is None else colour_of(measures.index(ends[0]))


def path_colours(answer: Answer) -> dict[str, str]:
    """Colour of each path of an answer's draws, by path."""
    measures = list(answer.draws.attrs["measures"])
    return {path: path_colour(path, measures) for path in map(str, answer.draws["path"].to_numpy())}
