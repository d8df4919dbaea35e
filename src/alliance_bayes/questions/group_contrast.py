"""Do lagged effects differ between groups: each group's effect, and every difference."""

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import combinations
from typing import TYPE_CHECKING

import pandas as pd
import xarray as xr

from ..basics.calls import checked
from ..basics.declared import Certainty, Margin, Path
from ..basics.names import number, quoted, split_path
from ..basics.problems import Problems, SpecError
from ..basics.text_tables import TextTable
from ..figures.bars import Bar
from ..figures.evidence import bars_figure
from ..posterior.posterior import Posterior
from ..posterior.summaries import above, average_by_length, indicator, probability
from ..spec.cross_lagged import CrossLagged
from .answer import Answer
from .arguments import CERTAINTY, MARGIN, canonical_path, check_certainty, check_margin, path_problems
from .cells import bounds, estimates, mean_and_interval, probabilities, sign, table_of
from .lengths import length_labels, time_in_words
from .path_colours import path_colour
from .registry import Arguments, Question, register
from .structure import check_free, signless

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["group_contrast"]


@checked(apart=["margin", "certainty"])
def group_contrast(fit: Posterior, path: str, *, margin: float = MARGIN, certainty: float = CERTAINTY) -> Answer:
    """Compare one lagged effect between the groups of a fit.

    Groups differ in composition, so that a difference in effects is a difference between these people, not
    of what the grouping stands for, unless groups were randomised.

    Parameters
    ----------
    fit
        A fit whose lags differ between groups (``group_lags="free"`` or ``"pooled"``).
    path
        A lagged path such as ``"alliance -> days"``.
    margin
        Smallest difference that counts, in SD per SD; in (0, 1).
    certainty
        Probability that a verdict needs, in (0.5, 1).

    Returns
    -------
    Answer
        ``table``, indexed by ``group``: ``mean``, ``lower``, ``upper`` of the effect, averaged over the intervals of
        the first one's length, in within-person SDs of the outcome per within-person SD of the predictor;
        ``p_positive`` with its Monte Carlo error ``p_positive_mcse``, of the draws that have a sign (``no_sign``: share
        of those that have none, exactly 0 since smaller than any number).

        ``tables["differences"]``, indexed by ``first`` and ``second``: ``mean``, ``lower``, ``upper`` of first minus
        second; ``p_positive``; ``p_negligible``, the probability that it is smaller in size than the margin; and
        ``verdict``: "larger", "smaller", "practically equal" or "undecided". Not adjusted for their number.

        ``tables["pooled"]``, where lags are partially pooled: ``mean`` and ``spread`` over groups, on the scale of
        priors, each with ``lower`` and ``upper``.

        ``draws``: ``effect``, dims ``(chain, draw, group)``.

    Raises
    ------
    SpecError
        If the fit has no groups, or one lag for all, the path is not in the model, or a number is invalid.
    """
    problems = Problems("These groups cannot be compared")
    if not fit.groups:
        problems.add(
            "The fit has no groups; make the panel with group=, and the model with group_lags='free' or 'pooled'."
        )
    elif fit.spec.group_lags == "equal":
        problems.add("This model has one lagged effect for all groups (group_lags='equal'); fit 'free' or 'pooled'.")
    name = canonical_path(path)
    problems.found += path_problems(fit.spec, [path])
    check_margin(margin, problems)
    check_certainty(certainty, problems)
    predictor, outcome = split_path(name) or ("", "")
    if name in fit.spec.paths:
        check_free(fit, (predictor, outcome), problems)
    problems.raise_as(SpecError)
    effects = fit.posterior["lagged_standardized"].sel(path=name, drop=True)
    lengths = length_labels(fit)
    draws = average_by_length(effects, lengths).sel(length=lengths[0], drop=True).transpose("chain", "draw", "group")
    table, differences = _table(draws), _differences(draws, margin, certainty, fit.health.healthy)
    pooled = _pooled(fit, name)
    return Answer(
        question="group_contrast",
        arguments={"path": name, "margin": margin, "certainty": certainty},
        heading=(
            f"{name} over intervals of {time_in_words(fit, lengths[0])}, in within-person SDs, in each of "
            f"{len(fit.groups)} groups ({quoted(fit.groups)}); {fit.n_persons} people, {fit.draws_in_words}"
        ),
        table=table,
        body=_in_words(table, differences, pooled, margin, fit.n_draws),
        health=fit.health,
        tables={"differences": differences} | ({} if pooled.empty else {"pooled": pooled}),
        draws=draws.to_dataset(name="effect"),
        assumptions=(
            *fit.spec.assumptions,
            "Groups differ in nothing but what is compared, which only randomising ensures.",
        ),
        figure=partial(_figure, measures=fit.spec.measures),
    )


def _figure(answer: Answer, measures: Sequence[str]) -> "Figure":
    path = answer.arguments["path"]
    bars = {str(name): [Bar.of(row)] for name, row in answer.table.iterrows()}
    return bars_figure(
        bars,
        title=f"{path} by group",
        unit="lagged effect, SD per SD",
        band=answer.arguments["margin"],
        colours=dict.fromkeys(bars, path_colour(path, measures)),
    )


def _table(draws: xr.DataArray) -> pd.DataFrame:
    groups = {str(group): draws.sel(group=group, drop=True) for group in draws["group"].to_numpy()}
    rows = {group: mean_and_interval(effect) | sign(effect) for group, effect in groups.items()}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("group")


def _differences(draws: xr.DataArray, margin: float, certainty: float, healthy: bool) -> pd.DataFrame:
    rows = {}
    for first, second in combinations(map(str, draws["group"].to_numpy()), 2):
        difference = draws.sel(group=first, drop=True) - draws.sel(group=second, drop=True)
        events = {
            "larger": probability(indicator(difference > margin, difference)),
            "smaller": probability(indicator(difference < -margin, difference)),
            "practically equal": probability(indicator(abs(difference) < margin, difference)),
        }
        sure = [name for name, event in events.items() if event.reaches(certainty)]
        rows[first, second] = mean_and_interval(difference) | {
            "p_positive": probability(above(difference, 0)).value,
            "p_negligible": events["practically equal"].value,
            "verdict": sure[0] if sure and healthy else "undecided",
        }
    return table_of(rows, "first", "second")


def _pooled(fit: Posterior, path: str) -> pd.DataFrame:
    """Mean and spread over groups of a partially pooled effect; empty where lags are free, or a drift's decay."""
    kind = "carry_over" if path in fit.spec.carry_over_paths else "cross_lagged"
    if f"{kind}_mean" not in fit.posterior:
        return pd.DataFrame()
    parts = {
        part: fit.posterior[f"{kind}_{part}"].sel({f"{kind}_path": path}, drop=True) for part in ("mean", "spread")
    }
    rows = {part: mean_and_interval(draws) for part, draws in parts.items()}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("over_groups")


def _in_words(
    table: pd.DataFrame, differences: pd.DataFrame, pooled: pd.DataFrame, margin: float, n_draws: int
) -> tuple[str | TextTable, ...]:
    effects = TextTable.of(
        {
            "": [str(name) for name in table.index],
            **estimates(table),
            "P(effect > 0)": probabilities(table["p_positive"], n_draws, table["no_sign"]),
        }
    )
    contrasts = TextTable.of(
        {
            "": [f"{first} minus {second}" for first, second in differences.index],
            **estimates(differences),
            f"P(|difference| < {number(margin)})": probabilities(differences["p_negligible"], n_draws),
            "verdict": list(differences["verdict"]),
        },
        left={"verdict"},
    )
    over = [f"{part} {row['mean']:.2f} {bounds(row)}" for part, row in pooled.iterrows()]
    pooled_in_words = [f"Over groups: {', '.join(over).replace('spread', 'SD')}"] if over else []
    without = signless({str(name): (share, 0.0) for name, share in table["no_sign"].items()})
    return (effects, *pooled_in_words, contrasts, *without)


class GroupContrastArguments(Arguments):
    """Keys of a contrast of groups."""

    named_first = ("path",)
    path: Path
    margin: Margin = MARGIN
    certainty: Certainty = CERTAINTY

    def about(self) -> str:
        """The path."""
        return f"of {self.path}"

    def against(self, model: CrossLagged) -> Iterator[str]:
        """Its path, and effects that are the same in all groups."""
        yield from path_problems(model, [self.path])
        if model.group_lags not in ("free", "pooled"):
            yield (
                "Groups are compared, and this model has no effects that differ between them. Say group_lags = 'free' "
                "or 'pooled' in [model], and name the column of the groups in [panel] group."
            )


register(Question.of(group_contrast, GroupContrastArguments))
