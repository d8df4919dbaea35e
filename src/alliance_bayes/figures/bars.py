"""Estimates with their intervals as bars: the one way in which all figures draw them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from textwrap import fill
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from .colours import COLOURS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["Bar", "draw_bars", "mark_margin", "name_rows", "new_figure", "offsets"]

HEIGHT = 0.28


@dataclass(frozen=True)
class Bar:
    """An estimate with its interval."""

    mean: float
    lower: float
    upper: float

    @classmethod
    def of(cls, row: Mapping[str, Any], before: str = "") -> Self:
        """Read the bar from columns ``mean``, ``lower`` and ``upper`` of a table's row, with a text before each."""
        return cls(*(float(row[f"{before}{name}"]) for name in ("mean", "lower", "upper")))


def new_figure(width: float, height: float, title: str = "") -> "Figure":
    """An empty figure whose parts find room for their labels, below its title."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    if title:
        figure.suptitle(fill(title, int(11 * width)), x=0.01, ha="left", fontsize=11, fontweight="bold")
    return figure


def draw_bars(axes: "Axes", bars: Sequence[Bar], heights: Sequence[float], *, colour: str = COLOURS[0]) -> None:
    """Draw one horizontal interval at each height, with a point at its mean."""
    for height, bar in zip(heights, bars, strict=True):
        axes.plot([bar.lower, bar.upper], [height, height], color=colour, linewidth=2)
        axes.plot(bar.mean, height, "o", color=colour, markersize=5)


def offsets(n_series: int, height: float = HEIGHT) -> list[float]:
    """Distances of several series from the middle of their row."""
    return [0.0] if n_series == 1 else np.linspace(-height / 2, height / 2, n_series).tolist()


def name_rows(axes: "Axes", labels: Sequence[str], *, unit: str = "", **style: Any) -> None:
    """Label the rows from the top, and name the unit of the other axis."""
    axes.set_yticks(range(len(labels)), labels=list(labels), **style)
    axes.set_ylim(len(labels) - 0.5, -0.5)
    if unit:
        axes.set_xlabel(unit)
    axes.spines[["left", "right", "top"]].set_visible(False)


def mark_margin(axes: "Axes", margin: float = 0.0) -> None:
    """Mark 0 by a line, and effects smaller than a margin by a grey band, which a legend names."""
    if margin:
        axes.axvspan(-margin, margin, color="0.92", zorder=0, linewidth=0, label=f"within the margin of {margin:g}")
    axes.axvline(0, color="0.6", linewidth=0.8, zorder=1)
