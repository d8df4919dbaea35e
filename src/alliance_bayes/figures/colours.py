"""Colours of measures, by their position in the model; a lagged effect has that of its predictor, in every figure."""

__all__ = ["COLOURS", "DARK_COLOURS", "GREY", "colour_of"]

COLOURS = ("#0a5c99", "#b34700", "#1f7a4d", "#8a3a86", "#7a6400", "#4a5a8a")
DARK_COLOURS = ("#7dbff2", "#f5a36b", "#74cf9f", "#dd9ad9", "#d8c35f", "#a9b6e8")
"""The same on a dark page."""
GREY = "#6b6b6b"


def colour_of(position: int) -> str:
    """Return the colour of a measure by its position, the first again after the last."""
    return COLOURS[position % len(COLOURS)]
