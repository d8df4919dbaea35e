"""Both lagged effects of a pair in the rows of a table, and such rows printed and drawn."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..figures.effects import Band, Marker, TippingPanel, tipping_figure
from ..posterior.summaries import interval_name
from .answer import Answer
from .cells import bounds
from .directionality_effects import SIDES

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["curves_figure", "curves_panel", "effects_in_words", "effects_over", "larger_in_words"]


def effects_over(answer: Answer, paths: Sequence[str], over: str) -> dict[str, object]:
    """Estimates of an answer on direction, ``forward`` with ``forward_lower`` and ``forward_upper``, and backward."""
    row: dict[str, object] = {}
    for side, path in zip(SIDES, paths, strict=True):
        effect = answer.table.loc[(path, over)]
        row |= {side: effect["mean"], f"{side}_lower": effect["lower"], f"{side}_upper": effect["upper"]}
    return row


def effects_in_words(rows: pd.DataFrame, paths: Sequence[str]) -> dict[str, list[str]]:
    """Printed columns of both effects with their intervals; a dash where there are none."""
    return {
        f"{path} ({interval_name()})": [
            "-" if pd.isna(row[side]) else f"{row[side]:.2f} {bounds(row, f'{side}_')}" for _, row in rows.iterrows()
        ]
        for side, path in zip(SIDES, paths, strict=True)
    }


def larger_in_words(rows: pd.DataFrame, paths: Sequence[str]) -> dict[str, list[str]]:
    """Printed column of the probability that the first effect is the larger in size; a dash where there is none."""
    return {_larger(paths): ["-" if pd.isna(value) else f"{value:.2f}" for value in rows["p_first_larger"]]}


def curves_panel(title: str, rows: pd.DataFrame, colours: Mapping[str, str], markers: Sequence[Marker]) -> TippingPanel:
    """Both effects along the index of the rows, and how probably the first is the larger; colours by path."""
    x, paths = rows.index.to_numpy(float), tuple(colours)

    def column(name: str) -> np.ndarray:
        values: np.ndarray = rows[name].to_numpy(float)
        return values

    effects = [
        Band(path, x, column(side), column(f"{side}_lower"), column(f"{side}_upper"), colour=colours[path])
        for side, path in zip(SIDES, paths, strict=True)
    ]
    larger, error = column("p_first_larger"), column("p_first_larger_mcse")
    chance = Band(f"|{paths[0]}| larger", x, larger, larger - 2 * error, larger + 2 * error, colour=colours[paths[0]])
    return TippingPanel(title, effects, [chance], [markers])


def curves_figure(
    panels: Sequence[TippingPanel], paths: Sequence[str], *, title: str, certainty: float, along: str, origin: bool
) -> "Figure":
    """Panels of `curves_panel` along an assumed quantity, with a line at its origin if it has one."""
    return tipping_figure(
        panels,
        title=title,
        asked=certainty,
        x_label=along,
        unit="lagged effect, SD per SD",
        probability_label=_larger(paths),
        origin=origin,
    )


def _larger(paths: Sequence[str]) -> str:
    return f"P(|{paths[0]}| larger)"
