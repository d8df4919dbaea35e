"""The figure of an answer on direction: both effects over each length, and over single intervals."""

from typing import TYPE_CHECKING

from ..figures.bars import Bar
from ..figures.evidence import Curve, EffectsRow, effects_figure
from ..posterior.summaries import interval_name
from .answer import Answer
from .lengths import average_over
from .path_colours import path_colours

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["direction_figure"]


def direction_figure(answer: Answer) -> "Figure":
    """Draws of both effects of each pair over each length beside the prior, the margin, and single intervals."""
    answers = list(answer.parts.values()) or [answer]
    rows = [_figure_row(part, str(length)) for part in answers for length in part.draws["length"].to_numpy()]
    return effects_figure(
        rows, unit="lagged effect, SD per SD", labels_title="Each interval", prior_name=f"prior, {interval_name()}"
    )


def _figure_row(answer: Answer, length: str) -> EffectsRow:
    lengths = answer.draws["interval_length"]
    names = tuple(str(name) for name in lengths["interval"][lengths == length].to_numpy())
    over = average_over(length) if names else f"lag of {length}"
    colours = path_colours(answer)
    curves = tuple(
        Curve(
            path,
            colours[path],
            answer.draws["effect"].sel(path=path, length=length).to_numpy(),
            Bar.of(answer.table.loc[(path, over)]),
            Bar.of(answer.table.loc[(path, over)], "prior_"),
            tuple(Bar.of(answer.table.loc[(path, name)]) for name in names or (over,)),
        )
        for path in map(str, answer.draws["path"].to_numpy())
    )
    title = f"Verdict: {answer.verdict}"
    if answer.draws.sizes["length"] > 1:
        title = f"{title} ({over})" if length == answer.draws.attrs["asked"] else over[0].upper() + over[1:]
    return EffectsRow(title, answer.table.loc[(curves[0].name, over), "margin"], curves, names or (over,))
