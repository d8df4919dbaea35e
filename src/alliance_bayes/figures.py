"""Numbers to axes: the figures of the answers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["Bar", "Curve", "EffectsRow", "Ranks", "effects_figure", "ranks_figure"]

COLOURS = ("#1b6ca8", "#c8553d", "#5a8f3c", "#8a5a9e")
GREY = "#6b6b6b"


@dataclass(frozen=True)
class Bar:
    """An estimate with its interval."""

    mean: float
    lower: float
    upper: float


@dataclass(frozen=True, eq=False)
class Curve:
    """One effect: its name, the draws whose density is drawn, their interval, and bars beside them."""

    name: str
    draws: np.ndarray
    bar: Bar
    bars: tuple[Bar, ...]


@dataclass(frozen=True, eq=False)
class EffectsRow:
    """Effects to lay beside each other: densities on the left, one bar per effect and label on the right."""

    title: str
    margin: float
    curves: tuple[Curve, ...]
    labels: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Ranks:
    """Shares in [0, 1] that should be uniform, and whether they are not."""

    title: str
    shares: np.ndarray
    wrong: bool


def ranks_figure(panels: Sequence[Ranks], *, n_columns: int) -> "Figure":
    """Empirical distribution of shares less the uniform one, with the band that holds 95 % of uniform samples."""
    from matplotlib.figure import Figure
    from scipy.stats import kstwo

    n_rows = -(-len(panels) // n_columns)
    figure = Figure(figsize=(2.6 * n_columns, 2.2 * n_rows), layout="constrained")
    axes = figure.subplots(n_rows, n_columns, squeeze=False, sharex=True, sharey=True)
    for side, panel in zip(axes.ravel(), panels, strict=False):
        n, colour = len(panel.shares), COLOURS[1] if panel.wrong else COLOURS[0]
        band = float(kstwo.ppf(0.95, n))
        ordered = np.concatenate([[0.0], np.repeat(np.sort(panel.shares), 2), [1.0]])
        levels = np.repeat(np.arange(n + 1) / n, 2)
        side.axhspan(-band, band, color="0.92", zorder=0)
        side.axhline(0, color="0.6", linewidth=0.8, zorder=1)
        side.plot(ordered, levels - ordered, color=colour, linewidth=1.4)
        side.set_title(panel.title, loc="left", fontsize=9, fontweight="bold" if panel.wrong else "normal")
        side.spines[["right", "top"]].set_visible(False)
    for side in axes.ravel()[len(panels) :]:
        side.set_visible(False)
    figure.supxlabel("probability given to less than the observed value", fontsize=9)
    figure.supylabel("share of values below, less uniform", fontsize=9)
    return figure


def effects_figure(rows: Sequence[EffectsRow], *, unit: str, labels_title: str) -> "Figure":
    """Densities of effects, intervals shaded, and their bars; a band marks the margin around 0."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 3.6 * len(rows)), layout="constrained")
    axes = figure.subplots(len(rows), 2, squeeze=False, width_ratios=(3, 2))
    for row, (left, right) in zip(rows, axes, strict=True):
        for side in (left, right):
            side.axvspan(-row.margin, row.margin, color="0.92", zorder=0)
            side.axvline(0, color="0.6", linewidth=0.8, zorder=1)
            side.set_xlabel(unit)
            side.spines[["left", "right", "top"]].set_visible(False)
        _densities(left, row)
        _bars(right, row, labels_title)
    return figure


def _densities(axes: "Axes", row: EffectsRow) -> None:
    from arviz_stats.base import array_stats

    for colour, curve in zip(COLOURS, row.curves, strict=False):
        grid, density, _ = array_stats.kde(curve.draws.ravel())
        inside = (grid >= curve.bar.lower) & (grid <= curve.bar.upper)
        axes.plot(grid, density, color=colour, linewidth=1.6)
        axes.fill_between(grid[inside], density[inside], color=colour, alpha=0.25, linewidth=0)
        axes.plot([], [], color=colour, linewidth=4, alpha=0.6, label=curve.name)
    axes.set_yticks([])
    axes.set_ylim(bottom=0)
    axes.set_title(row.title, loc="left", fontsize=11, fontweight="bold")
    axes.legend(frameon=False, loc="upper right", fontsize=9)


def _bars(axes: "Axes", row: EffectsRow, title: str) -> None:
    offsets = np.linspace(-0.14, 0.14, len(row.curves))
    for colour, offset, curve in zip(COLOURS, offsets, row.curves, strict=False):
        for place, bar in enumerate(curve.bars):
            axes.plot([bar.lower, bar.upper], [place + offset] * 2, color=colour, linewidth=2)
            axes.plot(bar.mean, place + offset, "o", color=colour, markersize=5)
    axes.set_yticks(range(len(row.labels)), labels=row.labels)
    axes.set_ylim(len(row.labels) - 0.5, -0.5)
    axes.set_title(title, loc="left", fontsize=10, color=GREY)
