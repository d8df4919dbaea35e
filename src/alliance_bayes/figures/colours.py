"""Colours that all figures share."""

__all__ = ["COLOURS", "GREY"]

COLOURS = ("#1b6ca8", "#c8553d", "#5a8f3c", "#8a5a9e")
GREY = "#6b6b6b"
