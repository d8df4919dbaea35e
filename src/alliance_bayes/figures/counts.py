"""Counts to axes: shares with the numbers they are made of."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from .bars import new_figure
from .colours import COLOURS, GREY

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["counted_shares_figure"]


def counted_shares_figure(
    groups: Mapping[str, Sequence[tuple[int, int]]], *, labels: Sequence[str], title: str, unit: str
) -> "Figure":
    """Bars side by side in each group, one for each label, with "k of n" above them; none where n is 0."""
    figure = new_figure(max(5.5, 1.2 + 1.1 * len(labels) * len(groups)), 4.4, title)
    axes = figure.subplots()
    width = 0.8 / len(labels)
    for side, (label, colour) in enumerate(zip(labels, COLOURS, strict=False)):
        for index, counts in enumerate(groups.values()):
            count, of = counts[side]
            x = index + (side - (len(labels) - 1) / 2) * width
            percent = 100 * count / of if of else 0.0
            axes.bar(x, percent, width=0.92 * width, color=colour, label=label if index == 0 else None)
            text = f"{percent:.0f} %\n{count:,} of {of:,}" if of else "nobody"
            axes.text(x, percent + 1.5, text, ha="center", va="bottom", fontsize=8.5, color=GREY)
    axes.set_xticks(np.arange(len(groups)), labels=list(groups))
    axes.set_ylim(0, 118)
    axes.set_yticks(range(0, 101, 25))
    axes.set_ylabel(unit)
    axes.spines[["right", "top"]].set_visible(False)
    figure.legend(frameon=False, fontsize=9, loc="outside lower center", ncols=len(labels))
    return figure
