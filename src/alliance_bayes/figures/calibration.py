"""Ranks and reliability to axes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .bars import new_figure
from .colours import COLOURS, GREY

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

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
        part = next(parts)
        axes = part.subplots(n_ranks, N_COLUMNS, squeeze=False, sharex=True, sharey=True).ravel()
        for side, panel in zip(axes, ranks, strict=False):
            _draw_ranks(side, panel)
        for side in axes[len(ranks) :]:
            side.set_visible(False)
        part.supxlabel("rank of the truth among posterior draws, as a share", fontsize=9)
        part.supylabel("share of ranks below, minus uniform", fontsize=9)
    if events:
        part = next(parts)
        axes = part.subplots(n_events, N_COLUMNS, squeeze=False, sharex=True, sharey=True).ravel()
        for side, diagram in zip(axes, events, strict=False):
            _draw_reliability(side, diagram)
        for side in axes[len(events) :]:
            side.set_visible(False)
        part.supxlabel("stated probability", fontsize=9)
        part.supylabel("frequency", fontsize=9)
    return figure


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
