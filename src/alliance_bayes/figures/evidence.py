"""Numbers to axes: the figures of the answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from textwrap import fill
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from .bars import Bar, draw_bars, mark_margin, name_rows, new_figure, offsets
from .colours import COLOURS, GREY

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "Curve",
    "EffectsRow",
    "EvidenceCurve",
    "Ranks",
    "bars_figure",
    "effects_figure",
    "evidence_curves_figure",
    "ranks_figure",
    "shares_figure",
]

LABEL_WIDTH = 60


@dataclass(frozen=True, eq=False)
class Curve:
    """One effect: the draws whose density is drawn, their interval, that of the prior, and bars beside them."""

    name: str
    colour: str
    draws: np.ndarray
    bar: Bar
    prior: Bar
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


def ranks_figure(panels: Sequence[Ranks], *, n_columns: int, title: str) -> "Figure":
    """Empirical distribution of shares minus the uniform one, with the band that holds 95 % of uniform samples."""
    from scipy.stats import kstwo

    n_rows = -(-len(panels) // n_columns)
    figure = new_figure(2.6 * n_columns, 2.2 * n_rows + 0.4, title)
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
    figure.supylabel("share of values below,\nminus uniform", fontsize=9)
    return figure


@dataclass(frozen=True, eq=False)
class EvidenceCurve:
    """Logarithms of Bayes factors over prior widths, their Monte Carlo errors, and which of them are sound."""

    width: np.ndarray
    log: np.ndarray
    error: np.ndarray
    sound: np.ndarray
    colour: str


def effects_figure(rows: Sequence[EffectsRow], *, unit: str, labels_title: str, prior_name: str) -> "Figure":
    """Densities of effects, intervals shaded, those of the prior dotted below, and bars; a band marks the margin."""
    figure = new_figure(11, 3.6 * len(rows))
    axes = figure.subplots(len(rows), 2, squeeze=False, sharex=True, width_ratios=(3, 2))
    for row, (left, right) in zip(rows, axes, strict=True):
        for side in (left, right):
            mark_margin(side, row.margin)
            side.set_xlabel(unit)
            side.tick_params(labelbottom=True)
            side.spines[["left", "right", "top"]].set_visible(False)
        _densities(left, row, prior_name)
        _bars(right, row, labels_title)
    return figure


def _densities(axes: "Axes", row: EffectsRow, prior_name: str) -> None:
    from arviz_stats.base import array_stats

    tallest = 0.0
    for curve in row.curves:
        grid, density, _ = array_stats.kde(curve.draws.ravel(), bound_correction=False, extend=True)
        inside = (grid >= curve.bar.lower) & (grid <= curve.bar.upper)
        tallest = max(tallest, float(density.max()))
        axes.plot(grid, density, color=curve.colour, linewidth=1.6)
        axes.fill_between(grid[inside], density[inside], color=curve.colour, alpha=0.25, linewidth=0)
        axes.plot([], [], color=curve.colour, linewidth=4, alpha=0.6, label=curve.name)
    for line, curve in enumerate(row.curves, start=1):
        height = -0.055 * tallest * line
        axes.plot([curve.prior.lower, curve.prior.upper], [height] * 2, ":", color=curve.colour, linewidth=1.6)
        axes.plot(curve.prior.mean, height, "o", color=curve.colour, markerfacecolor="white", markersize=4)
    axes.plot([], [], "o:", color=GREY, markerfacecolor="white", markersize=4, label=prior_name)
    axes.axhline(0, color="0.85", linewidth=0.8, zorder=1)
    axes.set_yticks([])
    axes.set_ylabel("posterior density", fontsize=9)
    n_lines = len(row.curves) + 2  # of the legend, which stands above the curves
    axes.set_ylim(-0.055 * tallest * (len(row.curves) + 1), tallest * (1.1 + 0.12 * n_lines))
    axes.set_title(row.title, loc="left", fontsize=11, fontweight="bold")
    axes.legend(frameon=False, loc="upper right", fontsize=9)


def _bars(axes: "Axes", row: EffectsRow, title: str) -> None:
    for offset, curve in zip(offsets(len(row.curves)), row.curves, strict=True):
        draw_bars(axes, curve.bars, [index + offset for index in range(len(curve.bars))], colour=curve.colour)
    name_rows(axes, row.labels)
    axes.set_title(title, loc="left", fontsize=10, color=GREY)


def bars_figure(
    rows: Mapping[str, Sequence[Bar]],
    *,
    title: str,
    unit: str,
    band: float = 0.0,
    series: Sequence[str] = ("",),
    notes: Sequence[str] = (),
    colours: Mapping[str, str] = MappingProxyType({}),
) -> "Figure":
    """Line by line an estimate with its interval for each series, and a note; a grey band marks the margin around 0.

    Colours are by the name of a line or of a series; where there is none, by the place of the series.
    """
    figure = new_figure(8 + bool(notes), 1.7 + (0.45 + 0.1 * (len(series) > 1)) * len(rows), title)
    axes = figure.subplots()
    mark_margin(axes, band)
    for side, (colour, offset, name) in enumerate(zip(COLOURS, offsets(len(series)), series, strict=False)):
        of_series = colours.get(name, colour)
        for index, (label, bars) in enumerate(rows.items()):
            draw_bars(axes, [bars[side]], [index + offset], colour=colours.get(label, of_series))
        if name:
            axes.plot([], [], "o-", color=of_series, linewidth=2, markersize=5, label=name)
    for index, note in enumerate(notes):
        axes.text(1.02, index, note, transform=axes.get_yaxis_transform(), va="center", fontsize=9, color=GREY)
    name_rows(axes, [fill(label, LABEL_WIDTH) for label in rows], unit=unit, fontsize=9)
    if len(series) > 1 or band:
        axes.legend(frameon=False, fontsize=9, loc="lower right", bbox_to_anchor=(1, 1), ncols=len(series) + 1)
    return figure


def evidence_curves_figure(curves: Mapping[str, EvidenceCurve], *, title: str, unit: str, chosen: float) -> "Figure":
    """Bayes factors on a log axis over the width of the prior, with two Monte Carlo errors; open marks are doubtful."""
    from matplotlib.ticker import LogLocator

    figure = new_figure(8, 4.3, title)
    axes = figure.subplots()
    axes.axhline(1, color="0.6", linewidth=0.8)
    axes.axvline(chosen, color="0.6", linewidth=0.8, linestyle=":")
    for name, curve in curves.items():
        colour = curve.colour
        factor, spread = np.exp(curve.log), 2 * curve.error
        axes.plot(curve.width, factor, color=colour, linewidth=1.6, label=name)
        axes.fill_between(
            curve.width, np.exp(curve.log - spread), np.exp(curve.log + spread), color=colour, alpha=0.25, linewidth=0
        )
        for sound, face in ((curve.sound, colour), (~curve.sound, "white")):
            axes.plot(curve.width[sound], factor[sound], "o", color=colour, markerfacecolor=face, markersize=5)
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter("")
    axes.set_xlabel("SD of the prior of cross-lagged effects, SD per SD (dotted: the prior of the fit)")
    axes.set_ylabel(unit)
    axes.spines[["right", "top"]].set_visible(False)
    axes.legend(frameon=False, fontsize=9)
    return figure


def shares_figure(
    shares: Mapping[str, tuple[float, float]], *, title: str, labels: tuple[str, str], unit: str
) -> "Figure":
    """Two shares in [0, 1] per line, one below the other."""
    figure = new_figure(9, 1.7 + 0.7 * len(shares), title)
    axes = figure.subplots()
    for side, (label, colour) in enumerate(zip(labels, (COLOURS[0], "0.75"), strict=True)):
        heights = [pair[side] for pair in shares.values()]
        indices = np.arange(len(shares)) + (side - 0.5) * 0.36
        axes.barh(indices, heights, height=0.34, color=colour, label=label)
        for index, height in zip(indices, heights, strict=True):
            text = f"{height:.2f}" if height >= 0.01 else "< 0.01"
            axes.text(height + 0.01, index, text, va="center", fontsize=8, color=GREY)
    name_rows(axes, [fill(label, LABEL_WIDTH) for label in shares], unit=unit, fontsize=9)
    axes.set_xlim(0, 1.08)
    axes.legend(frameon=False, fontsize=9, loc="lower right", bbox_to_anchor=(1, 1), ncols=2)
    return figure
