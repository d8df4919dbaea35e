"""Figures of the data: who was observed when, and the values of some people."""

from collections.abc import Sequence

import numpy as np
from markupsafe import Markup

from ..basics.names import number
from ..panel import Absence, Panel
from .figure import Figure, Table, rows_of
from .svg import Scale, drawing, element, measure_colour, text, upright_axis

__all__ = ["coverage_figure", "patterns_figure", "states_figure", "trajectories_figure"]

WIDTH, LEFT, RIGHT = 400.0, 12.0, 388.0
KINDS = (
    (Absence.OBSERVED, "observed"),
    (Absence.ITEM_MISSING, "item missing"),
    (Absence.NOT_APPLICABLE, "not applicable"),
    (Absence.UNKNOWN, "not known whether applicable"),
    (Absence.WAVE_MISSING, "wave missing"),
)
CLASSES = {kind: f"k{place}" for place, (kind, _) in enumerate(KINDS)}
MOST_PATTERNS = 15


def coverage_figure(panel: Panel) -> Figure:
    """At each wave the share of people with a value of each measure, and why the others have none."""
    table = panel.coverage()
    columns = {kind: kind.name.lower() for kind, _ in KINDS}
    used = [kind for kind, _ in KINDS if table[columns[kind]].any()]
    y, parts = 18.0, list[Markup]()
    for name in panel.measures:
        parts.append(text(LEFT, y, name, most=52, class_="name"))
        y += 8
        for _, row in table[table["measure"] == name].iterrows():
            parts.append(text(LEFT + 44, y + 11, number(row["time"]), class_="tick", text_anchor="end"))
            counts = [(kind, int(row[columns[kind]])) for kind in used]
            parts += _stack(counts, panel.n_persons, y)
            y += 19
        y += 22
    unit = f"; times in {panel.time_unit}" if panel.time_unit else ""
    caption = f"Each bar is all {panel.n_persons:,} people at one wave{unit}."
    keys = tuple((words, CLASSES[kind]) for kind, words in KINDS if kind in used)
    shown = Table.of_frame(table, "Number of people by measure and time")
    title = "Who was observed when"
    return Figure(title, (drawing(WIDTH, y - 12, title, parts),), caption, (shown,), keys)


def _stack(counts: Sequence[tuple[Absence, int]], of: int, y: float) -> list[Markup]:
    x, parts, width = LEFT + 52, list[Markup](), RIGHT - LEFT - 52
    for kind, count in counts:
        length = width * count / max(of, 1)
        if not count:
            continue
        parts.append(element("rect", x=x, y=y, width=max(length - 0.8, 0.4), height=14, class_=f"cell {CLASSES[kind]}"))
        if length > 34:
            parts.append(text(x + 6, y + 11, f"{count:,}", class_=f"count on-{CLASSES[kind]}"))
        x += length
    return parts


def patterns_figure(panel: Panel) -> Figure | None:
    """The most frequent sequences of observed and absent values, and how many people have each."""
    if panel.absence is None:
        return None
    absence = np.asarray(panel.absence)
    flat = absence.transpose(0, 2, 1).reshape(len(absence), -1)
    patterns, counts = np.unique(flat, axis=0, return_counts=True)
    order = np.argsort(-counts, kind="stable")[:MOST_PATTERNS]
    n_times, cell = panel.n_times, 15.0
    block = n_times * cell + 14
    top = 30.0
    width = LEFT + panel.n_measures * block + 150
    parts = list[Markup]()
    for index, name in enumerate(panel.measures):
        parts.append(text(LEFT + index * block, 14, name, most=max(6, int(block / 6.5)), class_="name"))
    for line, place in enumerate(order):
        y = top + line * (cell + 3)
        for measure in range(panel.n_measures):
            for wave in range(n_times):
                kind = Absence(int(patterns[place][measure * n_times + wave]))
                x = LEFT + measure * block + wave * cell
                parts.append(element("rect", x=x, y=y, width=cell - 2, height=cell - 2, class_=f"cell {CLASSES[kind]}"))
        end = LEFT + panel.n_measures * block
        length = 84 * counts[place] / counts.max()
        parts.append(element("rect", x=end, y=y + 3, width=float(length), height=cell - 8, class_="cell people"))
        parts.append(text(end + float(length) + 6, y + 11, f"{counts[place]:,}", class_="tick"))
    words = dict(KINDS)
    used = {Absence(int(code)) for code in np.unique(patterns[order])}
    rows = [
        (
            int(counts[place]),
            *(
                ", ".join(
                    f"{number(time)} {words[Absence(int(patterns[place][measure * n_times + wave]))]}"
                    for wave, time in enumerate(panel.times)
                )
                for measure in range(panel.n_measures)
            ),
        )
        for place in order
    ]
    shown, of = int(counts[order].sum()), panel.n_persons
    which = (
        "All patterns are drawn."
        if len(order) == len(counts)
        else f"The {len(order)} most frequent of {len(counts)} patterns are drawn; {shown:,} of {of:,} have one."
    )
    caption = (
        f"Each line is one pattern, each square one wave; the bar and the number say how many people have it. {which}"
    )
    title = "Patterns of observed and absent values"
    table = Table(title, ("people", *panel.measures), rows_of(rows))
    keys = tuple((word, CLASSES[kind]) for kind, word in KINDS if kind in used)
    picture = drawing(width, top + len(order) * (cell + 3) + 6, title, parts, "plot fixed")
    return Figure(title, (picture,), caption, (table,), keys, wide=True)


def states_figure(panel: Panel) -> Figure | None:
    """Share of people whose state is on, off or not reported, at each wave."""
    if not panel.states:
        return None
    y, parts, rows = 18.0, list[Markup](), list[tuple[object, ...]]()
    kinds = (Absence.OBSERVED, Absence.NOT_APPLICABLE, Absence.WAVE_MISSING)
    for name, state in panel.states.items():
        parts.append(text(LEFT, y, name, most=52, class_="name"))
        y += 8
        for wave, time in enumerate(panel.times):
            of_wave = state[:, wave]
            counts = [int((of_wave == 1).sum()), int((of_wave == 0).sum()), int(np.isnan(of_wave).sum())]
            parts.append(text(LEFT + 44, y + 11, number(time), class_="tick", text_anchor="end"))
            parts += _stack(list(zip(kinds, counts, strict=True)), len(of_wave), y)
            rows.append((name, time, *counts))
            y += 19
        y += 22
    title = "States at each wave"
    heads = ("state", "time", "on", "off", "not reported")
    keys = tuple((word, CLASSES[kind]) for word, kind in zip(heads[2:], kinds, strict=True))
    requires = "; ".join(f"{measure} applies only while {state} is on" for measure, state in panel.requires.items())
    caption = f"Each bar is all {panel.n_persons:,} people at one wave. {requires[:1].upper()}{requires[1:]}."
    return Figure(
        title, (drawing(WIDTH, y - 12, title, parts),), caption, (Table(title, heads, rows_of(rows), 2),), keys
    )


def trajectories_figure(panel: Panel, measures: Sequence[str], people: int) -> Figure | None:
    """Values of some people as lines, and the mean of all at each wave."""
    if panel.values is None or not people:
        return None
    seen = np.flatnonzero(~np.isnan(panel.values).all(axis=(1, 2)))
    chosen = seen[np.unique(np.linspace(0, len(seen) - 1, min(people, len(seen))).round().astype(int))]
    unit = panel.time_unit or "time"
    pictures, rows = list[Markup](), list[tuple[object, ...]]()
    for name in measures:
        place = panel.measures.index(name)
        values = panel.values[:, :, place]
        means = [float(np.nanmean(of)) if (~np.isnan(of)).any() else np.nan for of in values.T]
        title = f"{name}: values of {len(chosen)} people"
        pictures.append(_lines(values[chosen], panel.times, means, title, name, unit, measure_colour(name, measures)))
        rows += [
            (name, time, int((~np.isnan(of)).sum()), mean, *(_ends(of)))
            for time, of, mean in zip(panel.times, values.T, means, strict=True)
        ]
    caption = (
        f"Thin lines are {len(chosen)} of {len(seen):,} people with a value, evenly chosen along the order of their "
        "ids; a line breaks where a value is absent. The thick line is the mean of all observed values. These are "
        "values of single people: think before you pass this page on (people=0 leaves them out)."
    )
    heads = ("measure", "time", "people", "mean", "lowest", "highest")
    table = Table("Observed values at each wave", heads, rows_of(rows), 2)
    return Figure("Raw values", tuple(pictures), caption, (table,))


def _ends(values: np.ndarray) -> tuple[float, float]:
    known = values[~np.isnan(values)]
    return (float(known.min()), float(known.max())) if len(known) else (np.nan, np.nan)


def _lines(
    values: np.ndarray, times: Sequence[float], means: Sequence[float], title: str, name: str, unit: str, colour: str
) -> Markup:
    top, bottom, left = 34.0, 196.0, 48.0
    across = Scale(times[0], times[-1], left + 8, RIGHT - 8)
    up = Scale.around([*values.ravel(), *means], bottom, top)
    parts = [text(LEFT, 16, name, most=52, class_="name"), *upright_axis(up, left, RIGHT)]
    parts += [
        text(across(time), bottom + 16, number(time), class_="tick", text_anchor="middle")
        for time in (times if len(times) <= 8 else across.ticks(6))
    ]
    for person in values:
        for stretch in _stretches(person):
            points = [(across(times[wave]), up(float(person[wave]))) for wave in stretch]
            if len(points) == 1:
                (x, y), *_ = points
                parts.append(element("circle", cx=x, cy=y, r=1.4, class_="thread-end"))
            else:
                joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
                parts.append(element("polyline", points=joined, class_="thread"))
    joined = " ".join(f"{across(t):.1f},{up(m):.1f}" for t, m in zip(times, means, strict=True) if np.isfinite(m))
    parts.append(element("polyline", points=joined, class_=f"curve {colour}"))
    parts.append(text((left + RIGHT) / 2, bottom + 34, unit, class_="unit", text_anchor="middle"))
    return drawing(WIDTH, bottom + 42, title, parts)


def _stretches(person: np.ndarray) -> list[list[int]]:
    """Positions of successive observed values."""
    stretches, current = list[list[int]](), list[int]()
    for wave, value in enumerate(person):
        if np.isnan(value):
            stretches, current = [*stretches, current], []
        else:
            current = [*current, wave]
    return [stretch for stretch in (*stretches, current) if stretch]
