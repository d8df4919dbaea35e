"""Ranks and reliability to axes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .bars import new_figure
from .colours import COLOURS, GREY

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

__all__ = ["RanksPanel", "ReliabilityPanel", "calibration_figure"]

N_COLUMNS = 4


@dataclass(frozen=True, eq=False)
class RanksPanel:
    """Ranks in [0, 1] that should be uniform, the band of their distribution function, and whether they are not."""

    title: str
    ranks: np.ndarray
    points: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    wrong: bool


@dataclass(frozen=True, eq=False)
class ReliabilityPanel:
    """Stated probabilities in rising order, the frequency at each with the band of right ones, and whether it fails."""

    title: str
    stated: np.ndarray
    frequency: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    wrong: bool


def calibration_figure(ranks: Sequence[RanksPanel], events: Sequence[ReliabilityPanel], *, title: str) -> "Figure":
    """Rows of ECDF differences, then rows of reliability diagrams."""
    n_ranks, n_events = (-(-len(panels) // N_COLUMNS) for panels in (ranks, events))
    figure = new_figure(2.7 * N_COLUMNS, 0.6 + 2.0 * n_ranks + 2.7 * n_events, title)
    heights = [2.0 * n_ranks] * bool(ranks) + [2.7 * n_events] * bool(events)
    parts = iter(figure.subfigures(len(heights), 1, height_ratios=heights, squeeze=False).ravel())
    if ranks:
        words = ("rank of the truth among posterior draws, as a share", "share of ranks below, minus uniform")
        _draw_rows(next(parts), ranks, _draw_ranks, *words)
    if events:
        _draw_rows(next(parts), events, _draw_reliability, "stated probability", "frequency")
    return figure


def _draw_rows[P](
    part: "SubFigure", panels: Sequence[P], draw: Callable[["Axes", P], None], across: str, up: str
) -> None:
    """Panels of one kind in rows on one scale; sides that none is left for stay empty."""
    axes = part.subplots(-(-len(panels) // N_COLUMNS), N_COLUMNS, squeeze=False, sharex=True, sharey=True).ravel()
    for side, panel in zip(axes, panels, strict=False):
        draw(side, panel)
    for side in axes[len(panels) :]:
        side.set_visible(False)
    part.supxlabel(across, fontsize=9)
    part.supylabel(up, fontsize=9)


def _draw_ranks(axes: "Axes", panel: RanksPanel) -> None:
    n = len(panel.ranks)
    ordered = np.concatenate([[0.0], np.repeat(np.sort(panel.ranks), 2), [1.0]])
    levels = np.repeat(np.arange(n + 1) / n, 2)
    axes.fill_between(panel.points, panel.lower, panel.upper, color="0.92", step="mid", zorder=0)
    axes.axhline(0, color="0.6", linewidth=0.8, zorder=1)
    axes.plot(ordered, levels - ordered, color=COLOURS[panel.wrong], linewidth=1.2)
    _name(axes, panel.title, panel.wrong)


def _draw_reliability(axes: "Axes", panel: ReliabilityPanel) -> None:
    axes.fill_between(panel.stated, panel.lower, panel.upper, color="0.9", zorder=0)
    axes.plot([0, 1], [0, 1], color="0.6", linewidth=0.8, zorder=1)
    axes.plot(panel.stated, panel.frequency, color=COLOURS[panel.wrong], linewidth=1.4, drawstyle="steps-mid")
    axes.plot(panel.stated, np.full(len(panel.stated), -0.03), "|", color=GREY, markersize=3)
    axes.set_aspect("equal")
    _name(axes, panel.title, panel.wrong)


def _name(axes: "Axes", title: str, wrong: bool) -> None:
    axes.set_title(title, loc="left", fontsize=7, fontweight="bold" if wrong else "normal")
    axes.spines[["right", "top"]].set_visible(False)
    axes.tick_params(labelsize=7)
