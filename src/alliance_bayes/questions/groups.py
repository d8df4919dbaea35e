"""Do lagged effects differ between groups: each group's effect, and every difference."""

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import pandas as pd
import xarray as xr

from ..basics.calls import checked
from ..basics.names import number, quoted, split_path
from ..basics.problems import Problems, SpecError
from ..figures.bars import Bar
from ..figures.evidence import bars_figure
from ..posterior.fitting import Fit
from ..posterior.health import Health
from ..posterior.summaries import Probability, above, indicator, interval, interval_name, probability
from .arguments import CERTAINTY, MARGIN, check_certainty, check_margin
from .cells import known_draws
from .structure import check_free, check_path, signless

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["GroupContrast", "group_contrast"]


@dataclass(frozen=True, eq=False, repr=False)
class GroupContrast:
    """One lagged effect in each group of a fit, and how far the groups differ.

    Attributes
    ----------
    path
        The lagged effect, averaged over intervals of equal length.
    table
        Indexed by ``group``: ``mean``, ``lower``, ``upper`` in within-person SDs of the outcome per
        within-person SD of the predictor, and ``p_positive``, of the draws that have a sign (``no_sign``: share of
        those that have none, exactly 0 since smaller than any number).
    differences
        Indexed by ``first`` and ``second``: ``mean``, ``lower``, ``upper`` of first less second;
        ``p_positive``; ``p_negligible``, the probability that it is smaller in size than the margin; and
        ``verdict``: "larger", "smaller", "practically equal" or "undecided". Not adjusted for their number.
    pooled
        Where lags are partially pooled: ``mean`` and ``spread`` over groups, on the scale of priors, each with
        ``lower`` and ``upper``; otherwise None.
    draws
        The effect, dims ``(chain, draw, group)``.
    margin, certainty
        Smallest difference that counts; probability that a verdict needs, two Monte Carlo errors below its estimate.
    assumptions
        What must hold before the effects mean more than prediction.
    health
        Of the sampling.
    heading
        Estimand, scale and sample, in words.
    """

    path: str
    table: pd.DataFrame
    differences: pd.DataFrame
    pooled: pd.DataFrame | None
    draws: xr.DataArray
    margin: float
    certainty: float
    assumptions: tuple[str, ...]
    health: Health
    heading: str

    def plot(self) -> "Figure":
        """Draw each group's effect with its interval."""
        bars = {str(name): Bar(row["mean"], row["lower"], row["upper"]) for name, row in self.table.iterrows()}
        return bars_figure(bars, unit=f"{self.path}, SD per SD", band=self.margin)

    def __str__(self) -> str:
        width, n_draws = interval_name(), self.draws.sizes["chain"] * self.draws.sizes["draw"]
        n_characters = max(len(str(name)) for name in self.table.index)
        lines = [self.heading, f"{'':{n_characters}}   mean  {width:^16}  P(effect > 0)"]
        for name, row in self.table.iterrows():
            positive = Probability(row["p_positive"], 0.0, known_draws(n_draws, row["no_sign"]))
            lines.append(f"{name:{n_characters}}  {row['mean']:5.2f}  {_bounds(row):^16}  {positive!s:>13}")
        if self.pooled is not None:
            mean, spread = self.pooled.loc["mean"], self.pooled.loc["spread"]
            lines.append(
                f"Over groups: mean {mean['mean']:.2f} {_bounds(mean)}, SD {spread['mean']:.2f} {_bounds(spread)}"
            )
        for (first, second), row in self.differences.iterrows():
            negligible = Probability(row["p_negligible"], 0.0, n_draws)
            small = f"P(|difference| < {number(self.margin)}) = {negligible}".replace("= >", ">").replace("= <", "<")
            lines.append(f"{first} less {second}: {row['mean']:.2f} {_bounds(row)}, {small}: {row['verdict']}")
        lines += signless({str(name): (row["no_sign"], 0.0) for name, row in self.table.iterrows()})
        healthy = "no problems" if self.health.healthy else "PROBLEMS: " + " ".join(self.health.problems)
        lines.append(f"Sampling: {healthy}. About prediction; about causes only under these assumptions:")
        return "\n".join([*lines, *(f"  {place}. {text}" for place, text in enumerate(self.assumptions, start=1))])

    __repr__ = __str__


@checked(apart=["margin", "certainty"])
def group_contrast(fit: Fit, path: str, *, margin: float = MARGIN, certainty: float = CERTAINTY) -> GroupContrast:
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
    GroupContrast
        Effects, differences, text and figure.

    Raises
    ------
    SpecError
        If the fit has no groups, or one lag for all, the path is not in the model, or a number makes no sense.
    """
    problems = Problems("These groups cannot be compared")
    if not fit.groups:
        problems.add(
            "The fit has no groups; make the panel with group=, and the model with group_lags='free' or 'pooled'."
        )
    elif fit.spec.group_lags == "equal":
        problems.add("This model has one lagged effect for all groups (group_lags='equal'); fit 'free' or 'pooled'.")
    name = check_path(fit.spec, path, problems)
    check_margin(margin, problems)
    check_certainty(certainty, problems)
    predictor, outcome = split_path(name) or ("", "")
    if name in fit.spec.paths:
        check_free(fit, (predictor, outcome), problems)
    problems.raise_as(SpecError)
    effects = fit.posterior["lagged_standardized"].sel(path=name, drop=True)
    lengths = [number(round(length, 9)) for length in fit.panel.intervals]
    same = [place for place, length in enumerate(lengths) if length == lengths[0]]
    draws = effects.isel(interval=same).mean("interval").transpose("chain", "draw", "group")
    return GroupContrast(
        path=name,
        table=_table(draws),
        differences=_differences(draws, margin, certainty, fit.health.healthy),
        pooled=_pooled(fit, name),
        draws=draws,
        margin=margin,
        certainty=certainty,
        assumptions=(
            *fit.spec.assumptions,
            "Groups differ in nothing but what is compared, which only randomising ensures.",
        ),
        health=fit.health,
        heading=(
            f"{name} over intervals of {lengths[0]}, in within-person SDs, in each of {len(fit.groups)} groups "
            f"({quoted(fit.groups)}); {fit.n_persons} people, {fit.draws_in_words}"
        ),
    )


def _row(draws: xr.DataArray) -> dict[str, float]:
    lower, upper = interval(draws, "chain", "draw")
    return {"mean": float(draws.mean()), "lower": float(lower), "upper": float(upper)}


def _table(draws: xr.DataArray) -> pd.DataFrame:
    rows = {}
    for group in draws["group"].to_numpy():
        effect = draws.sel(group=group, drop=True)
        positive = probability(above(effect, 0))
        rows[str(group)] = _row(effect) | {"p_positive": positive.value, "no_sign": positive.undefined}
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
        rows[first, second] = _row(difference) | {
            "p_positive": probability(above(difference, 0)).value,
            "p_negligible": events["practically equal"].value,
            "verdict": sure[0] if sure and healthy else "undecided",
        }
    table = pd.DataFrame.from_dict(rows, orient="index")
    table.index = pd.MultiIndex.from_tuples(rows, names=["first", "second"])
    return table


def _pooled(fit: Fit, path: str) -> pd.DataFrame | None:
    """Mean and spread over groups of a partially pooled effect; None where lags are free, or a drift's decay."""
    own = path in fit.spec.carry_over_paths
    kind = "carry_over" if own else "cross_lagged"
    if f"{kind}_mean" not in fit.posterior:
        return None
    parts = {
        part: fit.posterior[f"{kind}_{part}"].sel({f"{kind}_path": path}, drop=True) for part in ("mean", "spread")
    }
    return pd.DataFrame.from_dict({part: _row(draws) for part, draws in parts.items()}, orient="index")


def _bounds(row: pd.Series) -> str:
    return f"[{row['lower']:.2f}, {row['upper']:.2f}]"
