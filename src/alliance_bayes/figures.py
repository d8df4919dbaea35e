"""Numbers to axes: the figures of the answers."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from .questions.directionality import Directionality

__all__ = ["directionality_figure"]

COLOURS = ("#1b6ca8", "#c8553d")
GREY = "#6b6b6b"


def directionality_figure(*answers: "Directionality") -> "Figure":
    """Posterior densities of both averaged effects, and every interval's effect beside them.

    One row for each answer and interval length; the shaded band is the margin around 0.
    """
    from matplotlib.figure import Figure

    rows = [(answer, str(length)) for answer in answers for length in answer.draws["length"].values]
    figure = Figure(figsize=(11, 3.6 * len(rows)), layout="constrained")
    axes = figure.subplots(len(rows), 2, squeeze=False, width_ratios=(3, 2))
    for (answer, length), (left, right) in zip(rows, axes, strict=True):
        _densities(left, answer, length)
        _intervals(right, answer)
    return figure


def _densities(axes: "Axes", answer: "Directionality", length: str) -> None:
    from arviz_stats.base import array_stats

    over = f"average of intervals of {length}"
    axes.axvspan(-answer.margin, answer.margin, color="0.92", zorder=0)
    axes.axvline(0, color="0.6", linewidth=0.8, zorder=1)
    for colour, path, side in zip(COLOURS, answer.paths, ("forward", "backward"), strict=True):
        draws = answer.draws[side].sel(length=length)
        grid, density, _ = array_stats.kde(draws.to_numpy().ravel())
        row = answer.table.loc[(path, over)]
        inside = (grid >= row["lower"]) & (grid <= row["upper"])
        axes.plot(grid, density, color=colour, linewidth=1.6)
        axes.fill_between(grid[inside], density[inside], color=colour, alpha=0.25, linewidth=0)
        axes.plot([], [], color=colour, linewidth=4, alpha=0.6, label=path)
    axes.set(yticks=[], xlabel="lagged effect, SD per SD")
    axes.set_ylim(bottom=0)
    axes.set_title(f"Verdict: {answer.verdict}", loc="left", fontsize=11, fontweight="bold")
    axes.legend(frameon=False, loc="upper right", fontsize=9)
    for side in ("left", "right", "top"):
        axes.spines[side].set_visible(False)


def _intervals(axes: "Axes", answer: "Directionality") -> None:
    names = [str(name) for name in answer.by_interval["interval"].values]
    axes.axvspan(-answer.margin, answer.margin, color="0.92", zorder=0)
    axes.axvline(0, color="0.6", linewidth=0.8, zorder=1)
    for offset, colour, path in zip((-0.14, 0.14), COLOURS, answer.paths, strict=True):
        for place, name in enumerate(names):
            row = answer.table.loc[(path, name)]
            axes.plot([row["lower"], row["upper"]], [place + offset] * 2, color=colour, linewidth=2)
            axes.plot(row["mean"], place + offset, "o", color=colour, markersize=5)
    axes.set(yticks=range(len(names)), yticklabels=names, xlabel="lagged effect, SD per SD")
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_title("Each interval", loc="left", fontsize=10, color=GREY)
    for side in ("left", "right", "top"):
        axes.spines[side].set_visible(False)
