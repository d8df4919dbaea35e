"""The posterior predictive check as a figure: what was observed, beside what the model predicts."""

import numpy as np
import pandas as pd
from markupsafe import Markup

from ..basics.names import number
from ..posterior.summaries import interval_name
from .figure import Figure, Table
from .svg import Scale, drawing, element, text

__all__ = ["check_figure"]

WIDTH, LEFT, MIDDLE, RIGHT = 400.0, 12.0, 200.0, 388.0
MOST_ROWS = 24


def check_figure(table: pd.DataFrame) -> Figure:
    """One small picture for each statistic that has a common scale; misfits are marked."""
    rows = table[np.isfinite(table["mean"]) & (table.index.get_level_values("statistic") != "chi-square")]
    statistics = rows.index.get_level_values("statistic")
    of = rows.index.get_level_values("of").astype(str)
    pairs = np.array(["correlation" in statistic for statistic in statistics], dtype=bool)
    groups = pd.Index(
        [
            statistic if pair else f"{statistic} of {label.rpartition(', ')[0] or label}"
            for statistic, label, pair in zip(statistics, of, pairs, strict=True)
        ]
    )
    pictures, left_out = list[Markup](), 0
    for group in groups.unique():
        part = rows[groups == group]
        if len(part) > MOST_ROWS:
            worst = np.argsort(-np.abs(part["p"].to_numpy() - 0.5), kind="stable")[:MOST_ROWS]
            left_out += len(part) - MOST_ROWS
            part = part.iloc[np.sort(worst)]
        pictures.append(_picture(str(group), part))
    caption = (
        f"Bars are the {interval_name()} of each statistic in data predicted by the model; points are the observed "
        "data, with missing values drawn from the model. A ring around a point marks a misfit (p below .025 or above "
        ".975); of many statistics, some misfit by chance."
    )
    caption += f" Of each group the {MOST_ROWS} farthest from p = .5 are drawn; the table has all." if left_out else ""
    numbers = Table.of_frame(table, "Posterior predictive check")
    return Figure("Observed data beside predicted data", tuple(pictures), caption, (numbers,))


def _picture(group: str, part: pd.DataFrame) -> Markup:
    top, step = 30.0, 19.0
    bottom = top + step * len(part)
    scale = Scale.around(part[["lower", "upper", "completed"]].to_numpy().ravel(), MIDDLE, RIGHT)
    parts = [text(LEFT, 16, group.replace("sd of", "SD of", 1), most=52, class_="name")]
    for value in scale.ticks(4):
        parts.append(element("line", x1=scale(value), x2=scale(value), y1=top - 4, y2=bottom, class_="grid"))
        parts.append(text(scale(value), bottom + 14, number(value), class_="tick", text_anchor="middle"))
    for place, ((_, label), row) in enumerate(part.iterrows()):
        y = top + step * (place + 0.5)
        shown = str(label) if "correlation" in group else str(label).rpartition(", ")[2]
        parts.append(text(MIDDLE - 10, y + 4, shown, most=30, class_="tick", text_anchor="end"))
        parts.append(element("line", x1=scale(row["lower"]), x2=scale(row["upper"]), y1=y, y2=y, class_="predicted"))
        if row["verdict"]:
            parts.append(element("circle", cx=scale(row["completed"]), cy=y, r=7, class_="misfit"))
        parts.append(element("circle", cx=scale(row["completed"]), cy=y, r=3.4, class_="dot ink"))
    return drawing(WIDTH, bottom + 22, f"{group}: observed and predicted", parts)
