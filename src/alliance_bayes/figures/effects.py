"""Numbers to axes: effects over time, and effects under hidden causes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from textwrap import fill
from typing import TYPE_CHECKING, Self

import numpy as np

from .bars import Bar, draw_bars, mark_margin, name_rows, new_figure
from .colours import COLOURS, GREY

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "Band",
    "Histogram",
    "Marker",
    "TippingPanel",
    "bands_figure",
    "bars_and_bands_figure",
    "bars_and_histograms_figure",
    "hidden_cause_figure",
    "tipping_figure",
]

LINE_CHARACTERS, LEGEND_CHARACTERS = 70, 44
TITLE_CHARACTERS = (110, 55, 36)  # what fits above one, two or three panels beside each other


@dataclass(frozen=True, eq=False)
class Band:
    """An effect along an axis with its interval; points with bars where nothing is known in between.

    Without a colour it has that of its place.
    """

    name: str
    x: np.ndarray
    mean: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    points: bool = False
    colour: str = ""

    @classmethod
    def of(cls, name: str, table: "pd.DataFrame", *, points: bool = False, colour: str = "") -> Self:
        """Read the band from columns ``mean``, ``lower`` and ``upper`` of a table indexed by the axis."""
        mean, lower, upper = (table[column].to_numpy() for column in ("mean", "lower", "upper"))
        return cls(name, table.index.to_numpy(float), mean, lower, upper, points, colour)


@dataclass(frozen=True)
class Marker:
    """A value on the horizontal axis with a name."""

    name: str
    x: float


@dataclass(frozen=True, eq=False)
class TippingPanel:
    """Effects along an assumed quantity, probabilities, and for each probability where something changes."""

    title: str
    effects: Sequence[Band]
    probabilities: Sequence[Band]
    markers: Sequence[Sequence[Marker]]


@dataclass(frozen=True, eq=False)
class Histogram:
    """Values whose distribution is drawn."""

    name: str
    values: np.ndarray


def bands_figure(
    titles: Sequence[str],
    panels: Sequence[Sequence[Band]],
    *,
    title: str,
    x_label: str,
    y_label: str,
    shaded: Sequence[tuple[float, float]] = (),
    shaded_name: str = "",
) -> "Figure":
    """Panels of curves with bands on common axes; shaded stretches lie outside the data."""
    from matplotlib.patches import Patch

    n_columns = min(3, len(panels))
    n_rows = -(-len(panels) // n_columns)
    size = (1.5 + 4.2 * n_columns + 1.5 * (n_columns == 1), 0.9 + 3.2 * n_rows)
    figure = new_figure(*size, title)
    grid = figure.subplots(n_rows, n_columns, squeeze=False, sharex=True, sharey=True).ravel()
    for axes in grid[len(panels) :]:
        axes.set_visible(False)
    for name, bands, axes in zip(titles, panels, grid, strict=False):
        _frame(axes, x_label, y_label)
        for stretch in shaded:
            axes.axvspan(*stretch, color="0.9", zorder=0, linewidth=0)
        _bands(axes, bands)
        axes.label_outer()
        axes.set_xlim(left=0)
        _title_and_legend(axes, name, [band.name for band in bands])
    if shaded:
        patches = [Patch(color="0.9", linewidth=0, label=shaded_name)]
        figure.legend(handles=patches, frameon=False, fontsize=9, loc="outside lower center")
    return figure


def bars_and_bands_figure(
    bars: Sequence[tuple[str, Bar]], bands: Sequence[Band], *, title: str, unit: str, x_label: str
) -> "Figure":
    """Effects with their intervals on the left, their course on the right."""
    figure = new_figure(11.5, max(3.6, 1.2 + 0.5 * len(bars)))
    left, right = figure.subplots(1, 2, width_ratios=(3, 4))
    colours = {band.name: colour for band, colour in zip(bands, COLOURS, strict=False)}  # as `_bands` draws them
    _bars(left, bars, colours, title=title, unit=unit)
    _frame(right, x_label, unit)
    _bands(right, bands)
    right.legend(frameon=False, fontsize=9)
    return figure


def bars_and_histograms_figure(
    bars: Sequence[tuple[str, Bar]],
    panels: Sequence[tuple[str, Sequence[Histogram]]],
    *,
    title: str,
    unit: str,
) -> "Figure":
    """Effects with their intervals, and below them how far the compared worlds and the data overlap."""
    n_columns = min(3, max(1, len(panels)))
    n_rows = -(-len(panels) // n_columns)
    heights = [max(2.4, 1.0 + 0.45 * len(bars)), *[2.4] * n_rows]
    figure = new_figure(10, sum(heights))
    if not panels:
        _bars(figure.subplots(), bars, {}, title=title, unit=unit)
        return figure
    halves = figure.add_gridspec(2, 1, height_ratios=(heights[0], sum(heights[1:])))
    above, below = (figure.add_subfigure(halves[row, 0]) for row in range(2))
    _bars(above.subplots(), bars, {}, title=title, unit=unit)
    grid = below.add_gridspec(n_rows, n_columns)
    for index, (name, histograms) in enumerate(panels):
        axes = below.add_subplot(grid[index // n_columns, index % n_columns])
        _histograms(axes, histograms)
        said = fill(f"Overlap: {name}", width=TITLE_CHARACTERS[n_columns - 1])
        axes.set_title(said, loc="left", fontsize=10, color=GREY)
    return figure


def hidden_cause_figure(
    effect: Band,
    certainty: tuple[np.ndarray, np.ndarray],
    *,
    asked: float,
    markers: Sequence[Marker],
    title: str,
    unit: str,
    x_label: str,
    probability_label: str,
) -> "Figure":
    """An effect by the size of a hidden cause's bias, and below it how certain its sign remains."""
    figure = new_figure(8.5, 6)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
    _frame(upper, "", unit)
    _bands(upper, [effect])
    upper.set_title(fill(title, LINE_CHARACTERS), loc="left", fontsize=11, fontweight="bold")
    _frame(lower, x_label, probability_label)
    lower.plot(*certainty, color=COLOURS[0], linewidth=1.6)
    lower.axhline(asked, color=GREY, linewidth=0.8, linestyle="--")
    lower.set_ylim(-0.02, 1.02)
    for index, marker in enumerate(markers):
        for axes in (upper, lower):
            axes.axvline(marker.x, color=COLOURS[1], linewidth=0.9, linestyle=":")
        _name(upper, marker, 0.95 - 0.08 * index, COLOURS[1], leftwards=marker.x > np.mean(upper.get_xlim()))
    return figure


def tipping_figure(
    panels: Sequence[TippingPanel],
    *,
    title: str,
    asked: float,
    x_label: str,
    unit: str,
    probability_label: str,
    origin: bool = True,
) -> "Figure":
    """Effects along what is assumed, and beside them how probable something is; dashed where that is certain.

    A line marks the origin of what is assumed.
    """
    figure = new_figure(11, 0.6 + 3.3 * len(panels), title)
    grid = figure.subplots(len(panels), 2, squeeze=False, sharex=True, sharey="col", width_ratios=(3, 2))
    for panel, (left, right) in zip(panels, grid, strict=True):
        _frame(left, x_label, unit)
        _bands(left, panel.effects)
        _title_and_legend(left, panel.title, [band.name for band in panel.effects])
        _frame(right, x_label, probability_label)
        _bands(right, panel.probabilities)
        for level in (asked, 1 - asked):
            right.axhline(level, color=GREY, linewidth=0.8, linestyle="--")
        right.set_ylim(-0.03, 1.03)
        for axes in (left, right):
            if origin:
                axes.axvline(0, color="0.6", linewidth=0.8, zorder=1)
            axes.tick_params(labelbottom=True)
        low, high = right.get_xlim()
        marked = [
            (band.colour or COLOURS[index], marker, np.interp(marker.x, band.x, band.mean) < 0.5)
            for index, (band, markers) in enumerate(zip(panel.probabilities, panel.markers, strict=True))
            for marker in markers
        ]
        for index, (colour, marker, above) in enumerate(marked):
            right.axvline(marker.x, color=colour, linewidth=0.9, linestyle=":")
            height = 0.14 + 0.12 * (index % 6)
            _name(right, marker, 1 - height if above else height, colour, leftwards=marker.x > (low + high) / 2)
    return figure


def _name(axes: "Axes", marker: Marker, height: float, colour: str, *, leftwards: bool) -> None:
    """The marker's name beside its line, at a height that is a share of the axes."""
    axes.annotate(
        marker.name,
        (marker.x, height),
        xycoords=("data", "axes fraction"),
        xytext=(-3 if leftwards else 3, 0),
        textcoords="offset points",
        ha="right" if leftwards else "left",
        fontsize=8.5,
        color=colour,
    )


def _title_and_legend(axes: "Axes", title: str, names: Sequence[str]) -> None:
    """A title above the legend above the axes, where neither covers a curve."""
    n_columns = len(names) if sum(map(len, names)) <= LEGEND_CHARACTERS else 1
    lines = -(-len(names) // n_columns)
    axes.set_title(title, loc="left", fontsize=11, fontweight="bold", pad=8 + 13 * lines)
    axes.legend(
        frameon=False, fontsize=8.5, loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.3, ncols=n_columns
    )


def _bars(axes: "Axes", bars: Sequence[tuple[str, Bar]], colours: Mapping[str, str], *, title: str, unit: str) -> None:
    mark_margin(axes)
    for index, (name, bar) in enumerate(bars):
        draw_bars(axes, [bar], [index], colour=colours.get(name, GREY))
    name_rows(axes, [name for name, _ in bars], unit=unit)
    axes.set_title(title, loc="left", fontsize=11, fontweight="bold")


def _histograms(axes: "Axes", histograms: Sequence[Histogram]) -> None:
    """Outlines of shares; whole numbers, as of a count or a yes/no, each have a bin of their own."""
    from matplotlib.ticker import MaxNLocator

    together = np.concatenate([histogram.values for histogram in histograms])
    low, high = np.quantile(together, [0.001, 0.999])
    whole_numbers = bool((together == np.round(together)).all()) and high - low <= 60
    n_bins = int(np.clip(np.sqrt(len(together)), 10, 30))
    edges = (
        np.arange(np.floor(low), np.ceil(high) + 2) - 0.5
        if whole_numbers
        else np.linspace(low, high + 1e-9, n_bins + 1)
    )
    for index, histogram in enumerate(histograms):
        shares, _ = np.histogram(histogram.values, bins=edges)
        colour = GREY if histogram.name == "observed" else COLOURS[index % len(COLOURS)]
        axes.stairs(
            shares / max(1, len(histogram.values)),
            edges,
            color=colour,
            linewidth=1.4,
            fill=histogram.name == "observed",
            alpha=0.35 if histogram.name == "observed" else 1,
            label=histogram.name,
        )
    if whole_numbers:
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.spines[["left", "right", "top"]].set_visible(False)
    axes.set_yticks([])
    axes.set_xlabel("value", fontsize=8)
    axes.set_ylabel("share", fontsize=8)
    axes.set_ylim(0, axes.get_ylim()[1] * (1.1 + 0.16 * len(histograms)))  # the legend stands above the outlines
    axes.legend(fontsize=8, edgecolor="none", framealpha=0.85, loc="upper left")


def _frame(axes: "Axes", x_label: str, y_label: str) -> None:
    axes.axhline(0, color="0.6", linewidth=0.8, zorder=1)
    axes.spines[["right", "top"]].set_visible(False)
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)


def _bands(axes: "Axes", bands: Sequence[Band]) -> None:
    spread = np.min([np.diff(band.x).min(initial=np.inf) for band in bands])
    nudges = np.linspace(-0.06, 0.06, len(bands)) * (spread if np.isfinite(spread) else 1.0)
    for place, (nudge, band) in enumerate(zip(nudges if len(bands) > 1 else [0.0], bands, strict=True)):
        colour = band.colour or COLOURS[place]
        if band.points:
            axes.plot([band.x + nudge] * 2, [band.lower, band.upper], color=colour, linewidth=1.8)
            axes.plot(band.x + nudge, band.mean, "o--", color=colour, markersize=5, linewidth=0.6, label=band.name)
        else:
            axes.fill_between(band.x, band.lower, band.upper, color=colour, alpha=0.18, linewidth=0)
            axes.plot(band.x, band.mean, color=colour, linewidth=1.8, label=band.name)
