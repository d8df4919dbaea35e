"""Figures of effects: intervals, draws as dots, curves over the lag, and stacked shares of a total."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from markupsafe import Markup

from ..basics.names import number
from ..figures.bars import Bar
from .figure import Figure, Table, rows_of
from .svg import Scale, drawing, element, path_colour, shortened, text, upright_axis

__all__ = ["IntervalRow", "curves_picture", "dots_figure", "intervals_figure", "stacked_figure"]

WIDTH, LEFT, RIGHT = 400.0, 12.0, 388.0
N_DOTS = 100
MOST_LAGS = 8
DOT = 3.1


@dataclass(frozen=True)
class IntervalRow:
    """A name, an estimate with its interval, and classes of its colour and of how it is drawn.

    A label stands for the name where the picture says the other part of it.
    """

    name: str
    bar: Bar
    colour: str
    drawn: str = ""
    label: str = ""

    @property
    def numbers(self) -> tuple[float, float, float]:
        """Mean and ends of the interval."""
        return self.bar.mean, self.bar.lower, self.bar.upper


def intervals_figure(
    rows: Sequence[IntervalRow],
    *,
    title: str,
    unit: str,
    caption: str,
    margin: float = 0.0,
    beside: Sequence[IntervalRow] = (),
) -> Figure:
    """Estimates with intervals, one below the other, each with its name above it; a band marks the margin.

    The scale also holds the rows of a figure that stands beside this one.
    """
    top, step = (26.0 if margin else 10.0), 38.0
    bottom = top + step * len(rows)
    ends = [end for row in (*rows, *beside) for end in row.numbers]
    scale = Scale.around([*ends, -margin, margin] if margin else ends, LEFT, RIGHT, zero=True)
    parts = [*_margin(scale, margin, top, bottom), *_axis(scale, bottom, unit, zero_from=top)]
    for index, row in enumerate(rows):
        y = top + step * index + 27
        parts.append(text(LEFT, y - 11, row.label or row.name, most=52, class_="name"))
        if not np.isfinite(row.numbers).all():
            parts.append(text(LEFT, y + 4, "no value", class_="note"))
            continue
        parts += [
            element("line", x1=scale(row.bar.lower), x2=scale(row.bar.upper), y1=y, y2=y, class_=_classes("bar", row)),
            element("circle", cx=scale(row.bar.mean), cy=y, r=4.5, class_=_classes("dot", row)),
        ]
    cells = rows_of([(row.name, *row.numbers) for row in rows])
    table = Table(f"{title}: {unit}", ("", "mean", "lower", "upper"), cells)
    return Figure(title, (drawing(WIDTH, bottom + 44, title, parts),), caption, (table,))


def _classes(mark: str, row: IntervalRow) -> str:
    return " ".join(filter(None, (mark, row.colour, row.drawn)))


def dots_figure(
    effects: Sequence[tuple[str, np.ndarray, str]], *, margin: float, title: str, unit: str, caption: str
) -> Figure:
    """Each effect as a hundred dots, the quantiles of its draws, piled up; those within the margin are hollow."""
    levels = (np.arange(N_DOTS) + 0.5) / N_DOTS
    quantiles = [np.quantile(draws[np.isfinite(draws)], levels) for _, draws, _ in effects]
    scale = Scale.around([margin, -margin, *np.concatenate(quantiles)], LEFT + DOT, RIGHT - DOT, zero=True)
    heights = [_piles(scale, dots) for dots in quantiles]
    y, parts = 26.0, list[Markup]()
    for (name, _, colour), dots, piles in zip(effects, quantiles, heights, strict=True):
        base = y + 18 + 2 * DOT * (piles.max() + 1)
        parts.append(text(LEFT, y + 10, name, most=52, class_="name"))
        parts.append(element("line", x1=LEFT, x2=RIGHT, y1=base + 1, y2=base + 1, class_="base"))
        for value, height in zip(dots, piles, strict=True):
            parts.append(
                element(
                    "circle",
                    cx=LEFT + DOT + 2 * DOT * _pile(scale, value),
                    cy=float(base - DOT - 2 * DOT * height),
                    r=DOT - 0.5,
                    class_=f"draw {colour}{' small' if abs(value) < margin else ''}",
                    data_value=f"{value:.5f}",
                )
            )
        y = base + 14
    band = _margin(scale, margin, 22, y - 8, movable=True)
    axis = _axis(scale, y - 6, unit, zero_from=22)
    rows = [
        (name, *(float(np.quantile(dots, level)) for level in (0.05, 0.25, 0.5, 0.75, 0.95)))
        for (name, _, _), dots in zip(effects, quantiles, strict=True)
    ]
    heads = ("", "5 %", "25 %", "median", "75 %", "95 %")
    table = Table(f"{title}: quantiles of the dots", heads, rows_of(rows))
    picture = drawing(WIDTH, y + 38, title, [*band, *axis, *parts], "plot dots")
    scaled = Markup('<div data-zero="{}" data-unit="{}">{}</div>').format(
        f"{scale(0):.3f}", f"{scale(1) - scale(0):.3f}", picture
    )
    return Figure(title, (scaled,), caption, (table,))


def _pile(scale: Scale, value: float) -> int:
    return int((scale(value) - LEFT) // (2 * DOT))


def _piles(scale: Scale, values: np.ndarray) -> np.ndarray:
    """Height of each dot on those already in its column."""
    columns, counts = [_pile(scale, value) for value in values], dict[int, int]()
    heights = []
    for column in columns:
        heights.append(counts.get(column, 0))
        counts[column] = heights[-1] + 1
    return np.array(heights)


def curves_picture(
    table: pd.DataFrame,
    paths: Sequence[str],
    measures: Sequence[str],
    *,
    unit: str,
    observed: tuple[float, float],
    points: bool,
    up: tuple[float, float],
) -> Markup:
    """Effects of a pair over the lag, with bands; lags outside the observed intervals are shaded."""
    top, bottom, left = 20.0 + 17 * len(paths), 210.0, 44.0
    lags = table.index.unique("lag").to_numpy(float)
    across = Scale(0.0, max(float(lags.max()), 1e-9) * 1.03, left, RIGHT)
    height = Scale.around(up, bottom, top, zero=True)
    outside = [(0.0, observed[0])] if lags.min() < observed[0] else []
    outside += [(observed[1], across.highest)] if lags.max() > observed[1] else []
    parts = [
        element(
            "rect",
            x=across(start),
            y=top,
            width=across(end) - across(start),
            height=bottom - top,
            class_="outside",
        )
        for start, end in outside
    ]
    parts += upright_axis(height, left, RIGHT)
    parts.append(element("line", x1=left, x2=RIGHT, y1=height(0), y2=height(0), class_="zero"))
    parts += [
        text(across(value), bottom + 16, number(value), class_="tick", text_anchor="middle")
        for value in (lags if points and len(lags) <= MOST_LAGS else across.ticks())
    ]
    for index, path in enumerate(paths):
        rows, colour = table.loc[path], path_colour(path, measures)
        parts.append(text(LEFT, 14 + 17 * index, path, most=52, class_=f"name {colour}"))
        x = [across(lag) + (2.5 * (2 * index - 1) if points else 0) for lag in rows.index]
        mean, lower, upper = ([height(value) for value in rows[name]] for name in ("mean", "lower", "upper"))
        if points:
            for place, middle, low, high in zip(x, mean, lower, upper, strict=True):
                parts.append(element("line", x1=place, x2=place, y1=low, y2=high, class_=f"bar {colour}"))
                parts.append(element("circle", cx=place, cy=middle, r=4.0, class_=f"dot {colour}"))
        else:
            outline = [*zip(x, upper, strict=True), *reversed(list(zip(x, lower, strict=True)))]
            parts.append(element("polygon", points=_points(outline), class_=f"band {colour}"))
            parts.append(element("polyline", points=_points(zip(x, mean, strict=True)), class_=f"curve {colour}"))
    per_lag = f"{across(1) - across(0):.4f}"
    marker = element("line", x1=left, x2=left, y1=top, y2=bottom, class_="at-lag", data_left=left, data_scale=per_lag)
    name = text((left + RIGHT) / 2, bottom + 34, unit, class_="unit", text_anchor="middle")
    return drawing(WIDTH, bottom + 44, f"{' and '.join(paths)} over the lag", [*parts, marker, name])


def stacked_figure(rows: Sequence[IntervalRow], total: IntervalRow, *, title: str, unit: str, caption: str) -> Figure:
    """The mean of a total as one bar, and its parts laid end to end below it, each with its own sign."""
    top, height = 22.0, 26.0
    ends = np.cumsum([0.0, *(row.bar.mean for row in rows)])
    scale = Scale.around([*ends, *total.numbers], LEFT, RIGHT, zero=True)
    parts = [text(LEFT, top - 8, total.name, class_="name")]
    parts += [_block(scale, 0.0, total.bar.mean, top, height, "ink")]
    parts += [
        element(
            "line",
            x1=scale(total.bar.lower),
            x2=scale(total.bar.upper),
            y1=top + height / 2,
            y2=top + height / 2,
            class_="whisker",
        )
    ]
    y = top + height + 30
    parts.append(text(LEFT, y - 8, "made up of", class_="name"))
    for index, row in enumerate(rows):
        parts.append(_block(scale, float(ends[index]), float(ends[index + 1]), y, 18.0, row.colour))
        if index + 1 < len(rows):
            parts.append(
                element(
                    "line",
                    x1=scale(float(ends[index + 1])),
                    x2=scale(float(ends[index + 1])),
                    y1=y,
                    y2=y + 40,
                    class_="joint",
                )
            )
        y += 22
    parts += _axis(scale, y + 4, unit, zero_from=top)
    cells = rows_of([(row.name, *row.numbers) for row in (total, *rows)])
    table = Table(f"{title}: {unit}", ("", "mean", "lower", "upper"), cells)
    keys = tuple((row.name, row.colour) for row in rows)
    return Figure(title, (drawing(WIDTH, y + 50, title, parts),), caption, (table,), keys)


def _block(scale: Scale, start: float, end: float, y: float, height: float, colour: str) -> Markup:
    left, right = sorted((scale(start), scale(end)))
    return element("rect", x=left, y=y, width=max(right - left, 0.8), height=height, class_=f"block {colour}")


def _margin(scale: Scale, margin: float, top: float, bottom: float, *, movable: bool = False) -> list[Markup]:
    if not margin and not movable:
        return []
    left, right = scale(-margin), scale(margin)
    words = f"within the margin of {number(margin)}"
    half = 3.1 * len(words)
    middle = min(max((left + right) / 2, LEFT + half), RIGHT - half)
    return [
        element("rect", x=left, y=top, width=right - left, height=bottom - top, class_="margin"),
        text(middle, top - 6, words, class_="margin-name", text_anchor="middle"),
    ]


def _axis(scale: Scale, y: float, unit: str, *, zero_from: float) -> list[Markup]:
    parts = [element("line", x1=LEFT, x2=RIGHT, y1=y, y2=y, class_="axis")]
    parts.append(element("line", x1=scale(0), x2=scale(0), y1=zero_from, y2=y, class_="zero"))
    for value in scale.ticks():
        parts.append(element("line", x1=scale(value), x2=scale(value), y1=y, y2=y + 4, class_="axis"))
        parts.append(text(scale(value), y + 16, number(value), class_="tick", text_anchor="middle"))
    return [*parts, text((LEFT + RIGHT) / 2, y + 34, shortened(unit, 64), class_="unit", text_anchor="middle")]


def _points(pairs: Iterable[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in pairs)
