"""The model as a path diagram on the grid of waves and measures."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, product

import numpy as np
from markupsafe import Markup

from ..basics.names import lagged_path, number
from ..posterior.fit import Fit
from ..posterior.summaries import interval, interval_name
from .figure import Figure, Table, rows_of
from .svg import colour_class, drawing, element, text

__all__ = ["path_diagram"]

TOP, NODE = 24.0, 16.0
MOST_OF_NAME, OF_LETTER = 22, 8.4
LINE = 17.0  # height that one label needs
ARC = 40.0  # width that one label needs

type Point = tuple[float, float]


@dataclass(frozen=True)
class _Arrow:
    interval: int
    predictor: int
    outcome: int
    mean: float
    lower: float
    upper: float

    @property
    def settled(self) -> bool:
        return self.lower > 0 or self.upper < 0

    @property
    def colour(self) -> str:
        return "carry" if self.predictor == self.outcome else colour_class(self.predictor)


def path_diagram(fit: Fit, title: str) -> Figure:
    """Measures in rows, waves in columns, and every free lagged effect as an arrow with its estimate.

    Stable parts stand left of the waves; their correlations are arcs further left, one step for each row between the
    two, so that no two labels share a column and a height.

    An arrow's label stands near its start, at a height of its own: arrow (i, j) of K rows is labelled where it has
    covered 1 / (K + 1) of its way, at the height ``(K i + j) / (K + 1)`` rows, which no two arrows share.
    """
    measures, times = fit.spec.measures, fit.panel.times
    size = len(measures)
    row, column = max(96.0, LINE * (size + 1)), 70.0 + 38.0 * (size + 1)
    stable = "between_correlation" in fit.posterior
    stable_x = (ARC * (size - 1) + 8 if stable else 0.0) + OF_LETTER * min(MOST_OF_NAME, max(map(len, measures))) + 34
    left = stable_x + (68.0 if stable else -10.0)
    width, height = left + column * (len(times) - 1) + 2 * NODE + 64, TOP + row * (size - 1) + 68

    def node(wave: int, measure: int) -> Point:
        return left + NODE + column * wave, TOP + 28 + row * measure

    unit = f" {fit.panel.time_unit}" if fit.panel.time_unit else ""
    parts, labels = list[Markup](), list[Markup]()
    if stable:
        between = _stable_parts(fit, [node(0, measure)[1] for measure in range(size)], stable_x)
        parts += between[0]
        labels += between[1]
    for wave, time in enumerate(times):
        x, _ = node(wave, 0)
        parts.append(text(x, 14, f"{number(time)}{unit}", class_="wave", text_anchor="middle", most=18))
    arrows = _arrows(fit)
    for arrow in arrows:
        ends = node(arrow.interval, arrow.predictor), node(arrow.interval + 1, arrow.outcome)
        parts += _line_and_head(arrow, *ends)
        labels.append(_estimate(arrow, *ends, share=1 / (size + 1)))
    for wave, measure in product(range(len(times)), range(size)):
        x, y = node(wave, measure)
        labels.append(element("circle", cx=x, cy=y, r=NODE, class_=f"node {colour_class(measure)}"))
    for measure, name in enumerate(measures):
        _, y = node(0, measure)
        classes = f"measure {colour_class(measure)}"
        right = stable_x - NODE - 8 if stable else left - 10
        labels.append(text(right, y + 4, name, most=MOST_OF_NAME, class_=classes, text_anchor="end"))
    tables = (_effects(fit, arrows), _others(fit))
    picture = drawing(width, height, title, [*parts, *labels], "plot fixed")
    return Figure(title, (picture,), _caption(stable=stable), tables, wide=True)


def _line_and_head(arrow: _Arrow, start: Point, end: Point) -> list[Markup]:
    """The arrow from one node to another, thicker where the effect is larger."""
    (x1, y1), (x2, y2) = start, end
    length = float(np.hypot(x2 - x1, y2 - y1))
    along = ((x2 - x1) / length, (y2 - y1) / length)
    tail = (x1 + (NODE + 3) * along[0], y1 + (NODE + 3) * along[1])
    tip = (x2 - (NODE + 9) * along[0], y2 - (NODE + 9) * along[1])
    classes = f"path {arrow.colour}{'' if arrow.settled else ' open'}"
    weight = min(1.2 + 7 * abs(arrow.mean), 5.0)
    line = element("line", x1=tail[0], y1=tail[1], x2=tip[0], y2=tip[1], class_=classes, stroke_width=weight)
    return [line, _head(tip, along, arrow.colour, arrow.settled)]


def _estimate(arrow: _Arrow, start: Point, end: Point, *, share: float) -> Markup:
    """The label of an arrow, where it has covered this share of its way."""
    (x1, y1), (x2, y2) = start, end
    x, y = x1 + NODE + share * (x2 - x1 - 2 * NODE) + 8, y1 + share * (y2 - y1) + 4
    return text(x, y, f"{arrow.mean:.2f}", class_=f"estimate {arrow.colour}", text_anchor="middle")


def _caption(*, stable: bool) -> str:
    of_stable = (
        "Squares are stable differences between people, with their share of the variance at the first wave, arcs "
        "the correlations between them. "
    )
    return (
        "Rows are measures, columns are waves. Each arrow is a lagged effect in SD per SD, coloured by its predictor "
        f"(grey: a measure on itself), thicker where it is larger; dashed where its {interval_name()} holds 0. "
        f"{of_stable if stable else ''}Correlations within waves are in the second table."
    )


def _effects(fit: Fit, arrows: Sequence[_Arrow]) -> Table:
    measures, times = fit.spec.measures, list(map(number, fit.panel.times))
    rows = [
        (
            lagged_path(measures[arrow.predictor], measures[arrow.outcome]),
            f"{times[arrow.interval]} to {times[arrow.interval + 1]}",
            arrow.mean,
            arrow.lower,
            arrow.upper,
        )
        for arrow in arrows
    ]
    return Table("Lagged effects, SD per SD", ("path", "interval", "mean", "lower", "upper"), rows_of(rows), 2)


def _stable_parts(fit: Fit, heights: list[float], x: float) -> tuple[list[Markup], list[Markup]]:
    """Squares with the stable share of the variance, and arcs with correlations: lines, then nodes and labels."""
    lines, labels = list[Markup](), list[Markup]()
    shares = fit.posterior["intraclass_correlation"].mean(("chain", "draw")).isel(time=0).to_numpy()
    draws = fit.posterior["between_correlation"]
    means, (lower, upper) = draws.mean(("chain", "draw")).to_numpy(), interval(draws, "chain", "draw")
    names = OF_LETTER * min(MOST_OF_NAME, max(map(len, fit.spec.measures))) + NODE + 18
    for place, (first, second) in enumerate(combinations(range(len(heights)), 2)):
        y1, y2 = heights[first], heights[second]
        depth = x - names - ARC * (second - first) + ARC / 2
        settled = float(lower[place]) > 0 or float(upper[place]) < 0
        start = x - names + 6
        bend = start - (start - depth) * 4 / 3  # so that the middle of the curve lies at its depth
        curve = f"M{start:.1f},{y1:.1f}C{bend:.1f},{y1:.1f} {bend:.1f},{y2:.1f} {start:.1f},{y2:.1f}"
        lines.append(element("path", d=curve, class_=f"path carry{'' if settled else ' open'}", stroke_width=1.4))
        middle, words = (y1 + y2) / 2 + 4, f"{means[place]:.2f}"
        labels.append(text(depth, middle, words, class_="estimate carry", text_anchor="middle"))
    for measure, (y, share) in enumerate(zip(heights, shares, strict=True)):
        square = {"x": x - NODE - 2, "y": y - NODE + 2, "width": 2 * NODE + 4, "height": 2 * NODE - 4, "rx": 3.0}
        labels.append(element("rect", **square, class_=f"node {colour_class(measure)}"))
        labels.append(text(x, y + 4, f"{100 * share:.0f} %", class_="count", text_anchor="middle"))
    labels.append(text(x, 14, "stable", class_="wave", text_anchor="middle"))
    return lines, labels


def _arrows(fit: Fit) -> list[_Arrow]:
    draws = fit.posterior["lagged_standardized"]
    means = draws.mean(("chain", "draw"))
    lower, upper = interval(draws, "chain", "draw")
    arrows, measures = [], fit.spec.measures
    for position, (i, predictor), (j, outcome) in product(
        range(len(fit.panel.times) - 1), enumerate(measures), enumerate(measures)
    ):
        where = {"path": lagged_path(predictor, outcome)}
        of_path = draws.sel(where).isel(interval=position)
        if bool(np.asarray(of_path == 0).all()):  # fixed at 0
            continue
        values = (float(array.sel(where).isel(interval=position)) for array in (means, lower, upper))
        arrows.append(_Arrow(position, i, j, *values))
    return arrows


def _others(fit: Fit) -> Table:
    rows = list[tuple[object, ...]]()
    for name, words in (
        ("intraclass_correlation", "stable share of the variance (ICC)"),
        ("between_correlation", "correlation of stable parts"),
        ("within_correlation", "correlation within a wave"),
        ("innovation_correlation", "correlation of innovations"),
    ):
        if name not in fit.posterior:
            continue
        draws = fit.posterior[name]
        lower, upper = interval(draws, "chain", "draw")
        means = draws.mean(("chain", "draw"))
        for index in np.ndindex(*means.shape):
            of = ", ".join(_label(means[dim].to_numpy()[place]) for dim, place in zip(means.dims, index, strict=True))
            rows.append((words, of, *(float(array.to_numpy()[index]) for array in (means, lower, upper))))
    heads = ("quantity", "of", "mean", "lower", "upper")
    return Table("Stable parts and correlations", heads, rows_of(rows), 2)


def _label(coordinate: object) -> str:
    return number(float(coordinate)) if isinstance(coordinate, float | np.floating) else str(coordinate)


def _head(end: Point, along: Point, colour: str, settled: bool) -> Markup:
    (x, y), across = end, (-along[1], along[0])
    tip = (x + 6 * along[0], y + 6 * along[1])
    corners = [tip] + [
        (x - 3 * along[0] + side * 4.5 * across[0], y - 3 * along[1] + side * 4.5 * across[1]) for side in (1, -1)
    ]
    points = " ".join(f"{px:.1f},{py:.1f}" for px, py in corners)
    return element("polygon", points=points, class_=f"head {colour}{'' if settled else ' open'}")
