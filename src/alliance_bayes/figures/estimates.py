"""Estimates to axes: intervals beside each other, one panel for each outcome."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .bars import Bar, draw_bars, mark_margin, new_figure, offsets
from .colours import COLOURS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["EstimatesPanel", "estimates_figure"]


@dataclass(frozen=True, eq=False)
class EstimatesPanel:
    """One pair of axes: line by line an estimate for each series."""

    title: str
    unit: str
    lines: Mapping[str, Mapping[str, Bar]]


def estimates_figure(grid: Sequence[Sequence[EstimatesPanel]], *, series: Sequence[str], title: str) -> "Figure":
    """Panels in rows and columns; each series has its colour, and 0 a grey line. All panels have the same lines."""
    from matplotlib.lines import Line2D

    labels = list(grid[0][0].lines)
    n_columns = max(map(len, grid))
    figure = new_figure(1.6 + 3.1 * n_columns, 1.2 + (0.9 + 0.42 * len(labels)) * len(grid), title)
    rows = figure.subplots(len(grid), n_columns, squeeze=False, sharey=True, sharex="col")
    by_series = dict(zip(series, offsets(len(series), 0.44), strict=True))
    colours = dict(zip(series, COLOURS, strict=False))
    for panels, row in zip(grid, rows, strict=True):
        for panel, axes in zip(panels, row, strict=True):
            mark_margin(axes)
            for index, estimates in enumerate(panel.lines.values()):
                for name, estimate in estimates.items():
                    draw_bars(axes, [estimate], [index + by_series[name]], colour=colours[name])
            axes.set_title(panel.title, loc="left", fontsize=9.5)
            axes.spines[["left", "right", "top"]].set_visible(False)
            axes.tick_params(axis="y", length=0)
    for panel, axes in zip(grid[-1], rows[-1], strict=True):
        axes.set_xlabel(panel.unit, fontsize=9)
    rows[0][0].set_yticks(range(len(labels)), labels=labels)
    rows[0][0].set_ylim(len(labels) - 0.5, -0.5)
    keys = [Line2D([], [], color=colours[name], linewidth=2, marker="o", markersize=5, label=name) for name in series]
    figure.legend(handles=keys, frameon=False, fontsize=9, loc="outside lower center", ncols=len(series))
    return figure
