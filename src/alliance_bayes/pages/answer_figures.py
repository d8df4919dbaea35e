"""The figures of an answer, by its question."""

import base64
import io
from collections.abc import Collection, Sequence
from itertools import product, zip_longest

from markupsafe import Markup

from ..basics.names import in_words, lagged_path, number, split_path
from ..figures.bars import Bar
from ..posterior.summaries import interval_name, standard_errors
from ..posterior.without_prior import IN_WORDS
from ..questions.answer import Answer
from .effects import IntervalRow, curves_picture, dots_figure, intervals_figure, stacked_figure
from .figure import Figure, Table
from .forecasts import forecast_figure
from .of_direction import asked_over, has_estimates_without_prior, margin_of
from .svg import measure_colour, path_colour

__all__ = ["answer_figures", "mediation_figure"]

MOST_ROWS = 40
ENDS = {"mean", "lower", "upper"}
DOTS_IN_WORDS = (
    "Each dot is one of a hundred equally probable values. Hollow dots lie within the margin: effects too small to "
    "count."
)


IMPOSSIBLE = {
    "sensitivity": (
        "“impossible”: a hidden cause so strong would be predicted by the measures entirely, so there can be none."
    ),
    "robustness": (
        "“impossible”: measurement error so large would exceed the variance within persons, so it cannot be."
    ),
}


def answer_figures(
    answer: Answer, measures: Sequence[str], people: int, latent: Collection[str] = ()
) -> tuple[Figure, ...]:
    """Figures of one answer, in colours of the measures, with values of so many people; none without intervals.

    Effects of and on measures in `latent` are those of their linear predictors.
    """
    match answer.question:
        case "directionality" if not answer.parts:
            sources = (_sources_of(answer, measures),) if has_estimates_without_prior(answer) else ()
            return _intervals_of(answer, measures, latent), *_dots_of(answer, measures), *sources
        case "lag_curve":
            return (_curves_of(answer, measures),)
        case "robustness":
            curve = (_drawn(answer),) if "reliability" in answer.tables else ()
            return (_robustness_figure(answer, measures), *curve)
        case "forecast":
            return tuple(filter(None, [forecast_figure(answer, measures, people)]))
    if answer.figure is not None and (answer.table.index.nlevels > 1 or not set(answer.table.columns) >= ENDS):
        return (_drawn(answer),)
    if set(answer.table.columns) >= ENDS and len(answer.table) <= MOST_ROWS:
        return (_plain_intervals(answer, measures, latent),)
    return ()


def _drawn(answer: Answer) -> Figure:
    """The figure that the answer draws by matplotlib, as an image below its title."""
    import matplotlib as mpl

    image = io.BytesIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": answer.question}):
        figure = answer.plot()
        title = figure.get_suptitle().replace("\n", " ") or answer.question.replace("_", " ").capitalize()
        figure.suptitle("")
        figure.savefig(image, format="svg", transparent=True, metadata={"Date": None})
    source = f"data:image/svg+xml;base64,{base64.b64encode(image.getvalue()).decode()}"
    picture = Markup('<img class="drawn" alt="{}" src="{}">').format(f"{title}; its numbers follow", source)
    tables = tuple(
        Table.of_frame(
            table.rename(columns=_heads(answer)),
            "quantities in question" if name == "table" else name.replace("_", " "),
        )
        for name, table in answer.every_table.items()
    )
    verdicts = [table["verdict"] for table in answer.every_table.values() if "verdict" in table]
    caption = IMPOSSIBLE.get(answer.question, "") if any((each == "impossible").any() for each in verdicts) else ""
    return Figure(title, (picture,), caption, tables, wide=True)


def _heads(answer: Answer) -> dict[str, str]:
    """Columns of an answer on a pair of measures, by the names of the measures."""
    pair = tuple(map(str, answer.arguments.get("between", ())))
    if len(pair) != 2:
        return {}
    first, second = pair
    heads = {f"p_{place}_leads": f"P({name} leads)" for place, name in (("first", first), ("second", second))}
    ends = ("", "_lower", "_upper")
    for side, path in (("forward", lagged_path(first, second)), ("backward", lagged_path(second, first))):
        heads |= {f"{side}{end}": f"{path}{end.replace('_', ' ')}" for end in ends}
        heads |= {f"{side}_positive": f"P({path} > 0)"}
    larger = f"P(|{lagged_path(first, second)}| larger)"
    return heads | {"p_first_larger": larger, "p_first_larger_mcse": f"MCSE of {larger}"}


def _on_its_scale(measure: str, latent: Collection[str]) -> str:
    return f"linear predictor of {measure}" if measure in latent else measure


def _intervals_of(answer: Answer, measures: Sequence[str], latent: Collection[str]) -> Figure:
    overs = answer.evidence.index.unique("over")
    pictures, tables = list[Markup](), list[Table]()
    for path, over in product(map(str, answer.draws["path"].to_numpy()), overs):  # each outcome has a unit of its own
        predictor, outcome = split_path(path) or ("the predictor", path)
        where = f"{over}: " if len(overs) > 1 else ""
        row = IntervalRow(path, Bar.of(answer.table.loc[(path, over)], "raw_"), path_colour(path, measures))
        unit = f"{where}{_on_its_scale(outcome, latent)} per unit of {_on_its_scale(predictor, latent)}"
        one = intervals_figure([row], title=path, unit=unit, caption="")
        pictures += one.pictures
        tables += one.tables
    caption = (
        f"Posterior mean and {interval_name()}. Each effect is in the unit of its own outcome, so compare sizes in the "
        "next figure."
    )
    concerned = [name for name in latent if name in answer.arguments.get("between", ())]
    if not concerned:
        return Figure("The effects in the units of the measures", tuple(pictures), caption, tuple(tables), column=True)
    caption += (
        f" A unit of {in_words(concerned)} is one of its linear predictor, on which effects act, not of its values; "
        "effect_in_units gives the effect in those."
    )
    title = "The effects in units of linear predictors"
    return Figure(title, tuple(pictures), caption, tuple(tables), column=True)


def _sources_of(answer: Answer, measures: Sequence[str]) -> Figure:
    """Each effect after the data, before them, and without any prior or with a wide one, all on one scale."""
    over, ses, rows, by = asked_over(answer), standard_errors(), list[IntervalRow](), ""
    for path in map(str, answer.draws["path"].to_numpy()):
        row, colour = answer.table.loc[(path, over)], path_colour(path, measures)
        by = str(row["without_prior_by"])
        without, spread = float(row["without_prior"]), ses * float(row["without_prior_sd"])
        bar = Bar(without, without - spread, without + spread)
        rows += [
            IntervalRow(path, Bar.of(row), colour),
            IntervalRow(f"{path}, prior", Bar.of(row, "prior_"), colour, "prior", "its prior, before the data"),
            IntervalRow(f"{path}, without the prior", bar, colour, "data", IN_WORDS.get(by, "not to be had")),
        ]
    caption = (
        f"For each effect: after the data, mean and {interval_name()}; dotted, the prior, before the data; hollow, "
        f"the effect {IN_WORDS.get(by, 'without the prior, not to be had')}, with {ses:.1f} standard "
        "errors, or SDs, to each side. Where the last lies far from the first, priors have a say in the answer."
    )
    title = "What the data say without the prior"
    if answer.draws.sizes["length"] > 1:
        title += f", {over}"
    unit = "lagged effect, SD per SD"
    return intervals_figure(rows, title=title, unit=unit, caption=caption, margin=margin_of(answer, over))


def _dots_of(answer: Answer, measures: Sequence[str]) -> list[Figure]:
    figures = []
    draws = answer.draws["effect"].transpose("path", "length", "chain", "draw")
    overs = [str(over) for over in answer.evidence.index.unique("over")]
    for place, over in enumerate(overs):
        margin = margin_of(answer, over)
        effects = [
            (str(path), draws.isel(path=row, length=place).to_numpy().ravel(), path_colour(str(path), measures))
            for row, path in enumerate(draws["path"].to_numpy())
        ]
        figures.append(
            dots_figure(
                effects,
                margin=margin,
                title="How large each effect may be" + (f", {over}" if len(overs) > 1 else ""),
                unit="lagged effect, SD per SD",
                caption=DOTS_IN_WORDS,
            )
        )
    return figures


def _curves_of(answer: Answer, measures: Sequence[str]) -> Figure:
    table, attributes = answer.table, answer.draws.attrs
    pairs: dict[frozenset[str], list[str]] = {}
    for path in map(str, table.index.unique("path")):
        pairs.setdefault(frozenset(split_path(path) or (path,)), []).append(path)
    first, last = attributes["observed"]
    up = float(table["lower"].min()), float(table["upper"].max())
    pictures = [
        curves_picture(
            table,
            paths,
            measures,
            unit=f"lag, {attributes['time_unit']}" if attributes.get("time_unit") else "lag",
            observed=(first, last),
            points=attributes["between"] != "continuous",
            up=up,
        )
        for paths in pairs.values()
    ]
    caption = f"Lagged effect, SD per SD: mean and {interval_name()} at each lag, all pictures on one scale."
    if table["extrapolated"].any():
        caption += " Shaded lags are shorter or longer than every interval between waves."
    columns = [name for name in ("mean", "lower", "upper", "p_positive", "extrapolated") if name in table]
    numbers = Table.of_frame(table[columns], "Lagged effects by lag, SD per SD")
    return Figure("Lagged effects by lag", tuple(pictures), caption, (numbers,))


def _plain_intervals(answer: Answer, measures: Sequence[str], latent: Collection[str]) -> Figure:
    raw = {"raw_mean", "raw_lower", "raw_upper"} <= set(answer.table.columns)
    before = "raw_" if raw else ""
    rows = []
    for label, row in answer.table.iterrows():
        name = ", ".join(map(str, label)) if isinstance(label, tuple) else str(label)
        rows.append(IntervalRow(name, Bar.of(row, before), path_colour(name.partition(", ")[0], measures)))
    outcome = answer.arguments.get("outcome", "the outcome")
    scale = "on the scale of its linear predictor" if outcome in latent else "in its own unit"
    unit = f"{outcome}, {scale}" if raw else "as in the table"
    return intervals_figure(rows, title="Estimates", unit=unit, caption=f"Posterior mean and {interval_name()}.")


def _robustness_figure(answer: Answer, measures: Sequence[str]) -> Figure:
    pair = answer.arguments.get("between") or ("", "")
    margin = float(answer.arguments.get("margin", 0.0))
    over = asked_over(next(iter(answer.parts.values())))
    asked = answer.table[answer.table.index.get_level_values("over") == over]
    table = answer.table if asked.empty else asked
    pictures, tables = list[Markup](), list[Table]()
    sides = {"forward": " -> ".join(pair), "backward": " -> ".join(reversed(pair))}
    rows = {
        side: [
            IntervalRow(
                f"{label[0]}: {row['verdict']}" if side == "forward" else str(label[0]),
                Bar(float(row[side]), float(row[f"{side}_lower"]), float(row[f"{side}_upper"])),
                path_colour(path, measures),
            )
            for label, row in table.iterrows()
        ]
        for side, path in sides.items()
    }
    every = [row for of_side in rows.values() for row in of_side]
    for side, path in sides.items():
        one = intervals_figure(
            rows[side], title=path, unit=f"{path}, SD per SD", caption="", margin=margin, beside=every
        )
        pictures += one.pictures
        tables += one.tables
    return Figure(
        "The same question under other models",
        tuple(pictures),
        f"With the verdict of each model: {sides['forward']}; then the reverse, on the same scale.",
        tuple(tables),
    )


def mediation_figure(answer: Answer, measures: Sequence[str], time_unit: str) -> Figure:
    """The total effect of a mediation and its parts, coloured by where each starts."""
    table, given = answer.table, answer.arguments
    several = [name for name in table.index if str(name).startswith("through ")]
    parts = ["direct", *(several or ["indirect"])]
    sources = [given["treatment"], *(given["mediators"] if several else given["mediators"][:1])]
    classes = [measure_colour(name, measures) for name in sources]
    rows = [
        IntervalRow(str(name), Bar.of(table.loc[name]), colour)
        for name, colour in zip_longest(parts, classes, fillvalue="carry")
    ]
    total = IntervalRow("total", Bar.of(table.loc["total"]), "ink")
    caption = (
        "Means of the total effect and of its parts, laid end to end; a part of the other sign runs backwards. The "
        f"thin line is the {interval_name()} of the total; those of the parts are in the table."
    )
    later = " ".join(filter(None, [number(given["horizon"]), time_unit]))
    title = f"{given['treatment']} -> {given['outcome']}, {later} later"
    return stacked_figure(rows, total, title=title, unit="effect, SD per SD", caption=caption)
