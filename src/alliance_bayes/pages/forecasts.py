"""Predicted values of single people as a figure, beside those that were observed."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from markupsafe import Markup

from ..posterior.summaries import interval_name
from ..questions.answer import Answer
from .figure import Figure, Table
from .svg import Scale, drawing, element, measure_colour, text, upright_axis

__all__ = ["forecast_figure"]

WIDTH, LEFT, RIGHT = 400.0, 12.0, 388.0
TOP, BOTTOM, MARGIN = 34.0, 196.0, 48.0


def forecast_figure(answer: Answer, measures: Sequence[str], people: int) -> Figure | None:
    """For each measure some people in the order of their predictions, evenly chosen along it."""
    if not people:
        return None
    pictures, tables, chosen = list[Markup](), list[pd.DataFrame](), 0
    for name in answer.table.index.unique("measure"):
        rows = answer.table.xs(name, level="measure").sort_values("mean", kind="stable")
        rows = rows[np.isfinite(rows["mean"])]
        if rows.empty:
            continue
        chosen = max(chosen, min(people, len(rows)))
        rows = rows.iloc[np.unique(np.linspace(0, len(rows) - 1, min(people, len(rows))).round().astype(int))]
        pictures.append(_picture(str(name), rows, measure_colour(str(name), measures)))
        tables.append(pd.concat({name: rows}, names=["measure"]))
    if not pictures:
        return None
    caption = (
        f"Each line is the {interval_name()} of one person's predicted value, its point the mean; people in the order "
        f"of their predictions, {chosen} of them. Crosses are observed values, where there are some. These are values "
        "of single people: think before you pass this page on (people=0 leaves them out)."
    )
    numbers = Table.of_frame(pd.concat(tables), "Predicted values")
    return Figure("Predicted values of single people", tuple(pictures), caption, (numbers,))


def _picture(name: str, rows: pd.DataFrame, colour: str) -> Markup:
    across = Scale(-1.0, float(len(rows)), MARGIN, RIGHT)
    observed = rows["observed"].to_numpy(float) if "observed" in rows else np.full(len(rows), np.nan)
    up = Scale.around([*rows["lower"], *rows["upper"], *observed], BOTTOM, TOP)
    parts = [text(LEFT, 16, name, most=52, class_="name"), *upright_axis(up, MARGIN, RIGHT)]
    for place, (mean, lower, upper) in enumerate(rows[["mean", "lower", "upper"]].itertuples(index=False)):
        x = across(place)
        parts.append(element("line", x1=x, x2=x, y1=up(lower), y2=up(upper), class_=f"ray {colour}"))
        parts.append(element("circle", cx=x, cy=up(mean), r=2.2, class_=f"dot {colour}"))
        if np.isfinite(observed[place]):
            y = up(float(observed[place]))
            parts.append(element("path", d=f"M{x - 3:.1f},{y - 3:.1f}l6,6m-6,0l6,-6", class_="cross"))
    words = "people, by predicted value"
    parts.append(text((MARGIN + RIGHT) / 2, BOTTOM + 20, words, class_="unit", text_anchor="middle"))
    return drawing(WIDTH, BOTTOM + 30, f"{name}: predicted values of {len(rows)} people", parts)
