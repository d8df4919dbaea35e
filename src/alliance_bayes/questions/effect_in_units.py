"""What a higher measure means for the next values of another, in their unit: days, probabilities, counts."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import xarray as xr

from ..basics.calls import checked
from ..basics.declared import Text
from ..basics.given import is_number, shown
from ..basics.names import ARROW, lagged_path, number, quoted, split_path
from ..basics.problems import Problems, SpecError
from ..basics.text_tables import TextTable
from ..engine.expected_responses import Raised, raised_expectations
from ..figures.bars import Bar
from ..figures.evidence import bars_figure
from ..posterior.fit import Fit
from ..posterior.summaries import above, interval_name, probability
from ..spec.cross_lagged import CrossLagged
from ..spec.steps import interval_names
from .answer import Answer, untrusted
from .arguments import Group, group_problems, measure_problems, population
from .cells import bounds, median_and_interval, probabilities
from .dynamics import hardly_within, sample_in_words
from .path_colours import path_colour
from .registry import Arguments, Question, register
from .structure import FIXED, fixed_intervals

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["effect_in_units"]

KINDS = ("riclpm", "clpm")
MOST_DRAWS = 1000
OF_A_PERSON = "of one person"


@checked(apart=["raised_by"])
def effect_in_units(fit: Fit, path: str, *, raised_by: float | None = None, group: str | None = None) -> Answer:
    """Expected next values of a measure, in their own unit, were another measure higher at the wave before.

    By g-computation from the fit, draw by draw: with eta the outcome's linear predictor at the end of an interval,
    normal over people as the model implies given their covariates, ``E f(eta)`` and ``E f(eta + phi d)`` are averaged
    over the people of the panel, f the mean (or a probability) of the outcome's family, phi the lagged effect and d
    what the predictor is raised by [1]_. Random intercepts, all other measures at the wave before and what happens on
    the way stay as they are.

    Parameters
    ----------
    fit
        A fitted RI-CLPM or CLPM.
    path
        From which measure to which, such as ``"alliance -> days"``; a measure on itself, too.
    raised_by
        What the predictor is raised by, in its own unit, which only a normal measure has; left open, by one
        within-person SD at that wave (of the linear predictor, where it has a family; in a CLPM by one SD).
    group
        Which group, where the fit has groups.

    Returns
    -------
    Answer
        ``table``, indexed by ``over`` (the interval), ``expected`` (``"mean"`` in the unit of the values, of items of
        their sum; ``"P(yes)"``; ``"P(none)"``, ``"P(all)"`` of days and shares; ``"P(any)"`` of counts with a hurdle)
        and ``scale``: ``"as it is"``, ``"raised"``; their ``"difference"``; their ``"ratio"`` (of counts a rate ratio),
        except for scales without a 0 (ordered categories, normal measures); of probabilities their ``"odds ratio"``;
        and ``"odds ratio of one person"``, ``"cumulative odds ratio of one person"`` or ``"rate ratio of one person"``,
        where that is the same for everybody: it is farther from 1 than that of averages, unless it is a rate ratio.
        Columns ``median``, ``lower``, ``upper`` and, of differences and ratios, ``p_above`` the value of no effect (0,
        or 1) with its Monte Carlo error ``p_above_mcse``; NaN where the effect is ``fixed``: 0 by construction.

        ``draws``: ``as_it_is`` and ``raised``, dims ``(chain, draw, over, expected)``, and the ratio of one person.

    Raises
    ------
    SpecError
        If the model is of another kind or has a state, indicators or moderated paths, the path is not one between two
        of its measures, or `raised_by` is given for a measure with a family.

    References
    ----------
    .. [1] Keil, Daza, Engel, Buckley & Edwards (2018). A Bayesian approach to the g-formula. Statistical Methods in
       Medical Research 27, 3183-3204. https://doi.org/10.1177/0962280217694665
    """
    problems = Problems("This effect cannot be given in the outcome's unit")
    health, fitted = fit.health, fit
    fit.require_one_panel("An effect in the outcome's unit")
    fit = population(fit, group, problems)
    problems.found += _problems(fit.spec, path, raised_by)
    if len(fit.model.system.systems) > 1:
        problems.add("Effects differ from person to person (own times), so that there is no one interval to ask about.")
    problems.raise_as(SpecError)
    predictor, outcome = split_path(path) or ("", "")
    draws = _draws(fit, (predictor, outcome), raised_by)
    fixed = fixed_intervals(fit, (predictor, outcome))
    table = _table(draws, fixed)
    amount = f"one {_sd_in_words(fit.spec, predictor)}" if raised_by is None else number(raised_by)
    return Answer(
        question="effect_in_units",
        arguments={"path": lagged_path(predictor, outcome), "raised_by": raised_by, "group": group},
        heading=f"{outcome} in its own unit, were {predictor} higher the wave before; {sample_in_words(fitted, group)}",
        table=table,
        body=(
            f"Expected {outcome} at the end of the interval, averaged over people, as it is and if {predictor} were "
            f"higher by {amount} at its start, all else at that wave the same.",
            _in_words(table, draws.sizes["chain"] * draws.sizes["draw"]),
        ),
        health=health,
        draws=draws,
        reasons=(*untrusted(health), *hardly_within(fit, (predictor, outcome))),
        assumptions=(
            f"Given the wave before{' and the random intercepts' if fit.spec.random_intercepts else ''}, nothing "
            f"unmeasured drives both {predictor} and the next {outcome}.",
            *fit.spec.assumptions,
        ),
        figure=partial(_figure, measures=fit.spec.measures),
    )


def _problems(spec: CrossLagged, path: str, raised_by: object) -> Iterator[str]:
    pair = split_path(path)
    if pair is None:
        yield f"'{path}' is not a path; write one such as 'x {ARROW.strip()} y', from one measure to another."
    else:
        yield from measure_problems(spec, pair)
    if spec.kind not in KINDS:
        yield (
            f"A {spec.title} is not followed here: fit one of {quoted(KINDS)}. Its measures are normal, so the raw "
            "effects of ab.directionality(fit, ...) are in their units already."
        )
    if spec.state is not None:
        yield (
            "With a state a higher measure changes who is in it, too, so that there is no one effect on the outcome's "
            "values. Compare worlds instead: ab.contrast_of_regimes and ab.interventional_effects of "
            "ab.causal_order(fit), or ab.split_by_existence."
        )
    if spec.indicators:
        yield (
            "With indicators the outcome is latent and has no unit of its own; ab.directionality(fit, ...) has its "
            "effects in SDs. Fit a single measure, or ab.Items, whose unit is their sum."
        )
    if spec.moderated:
        yield "With moderated paths the effect differs with the covariate. Fit one without, or its levels as groups."
    if raised_by is None:
        return
    if not is_number(raised_by) or raised_by == 0:
        yield f"raised_by must be a number other than 0, in the predictor's own unit; got {shown(raised_by)}."
    if pair is not None and pair[0] in spec.random_families:
        yield (
            f"'{pair[0]}' acts through its linear predictor, which has no unit of its own. Omit raised_by, which "
            "raises it by one within-person SD."
        )


def _sd_in_words(spec: CrossLagged, predictor: str) -> str:
    within = "within-person SD" if spec.random_intercepts else "SD"
    return f"{within} of its linear predictor" if predictor in spec.random_families else within


def _draws(fit: Fit, path: tuple[str, str], raised_by: float | None) -> xr.Dataset:
    """Draws of all expectations, evenly spaced, dims ``(chain, draw, over, expected)``."""
    model, sizes = fit.model, fit.posterior.sizes
    by_chain = fit.thetas.reshape(sizes["chain"], sizes["draw"], -1)
    kept = by_chain[:, :: int(np.ceil(sizes["chain"] * sizes["draw"] / MOST_DRAWS))]
    unit = dict(zip(fit.spec.measures, model.unit.tolist(), strict=True))[path[0]]
    amount = None if raised_by is None else raised_by / unit
    intervals = [
        raised_expectations(model, kept.reshape(-1, kept.shape[-1]), path, (wave, wave + 1), amount)
        for wave in range(len(fit.panel.times) - 1)
    ]
    names = list(intervals[0][0].as_it_is)
    over = list(interval_names(fit.panel.times))

    def array(values: Sequence[Sequence[Mapping[str, float]]]) -> xr.DataArray:
        numbers = np.array([[[each[name] for name in names] for each in interval] for interval in values])
        return xr.DataArray(
            np.moveaxis(numbers, 0, 1).reshape(*kept.shape[:2], len(over), len(names)),
            dims=("chain", "draw", "over", "expected"),
            coords={"over": over, "expected": names},
        )

    draws = {
        "as_it_is": array([[each.as_it_is for each in interval] for interval in intervals]),
        "raised": array([[each.raised for each in interval] for interval in intervals]),
    }
    ratios = _ratios_of_a_person(intervals, kept.shape[:2], over)
    return xr.Dataset(draws | ratios, attrs={"has_zero": intervals[0][0].has_zero})


def _ratios_of_a_person(
    intervals: Sequence[Sequence[Raised]], shape: tuple[int, ...], over: Sequence[str]
) -> dict[str, xr.DataArray]:
    some = intervals[0][0].of_a_person
    if some is None:
        return {}
    numbers = np.array([[each.of_a_person[1] for each in interval if each.of_a_person] for interval in intervals])
    values = numbers.T.reshape(*shape, len(over))
    return {f"{some[0]} {OF_A_PERSON}": xr.DataArray(values, dims=("chain", "draw", "over"), coords={"over": over})}


def _table(draws: xr.Dataset, fixed: Sequence[str]) -> pd.DataFrame:
    rows: dict[tuple[str, str, str], dict[str, float]] = {}
    for over in draws["over"].to_numpy().tolist():
        for name in draws["expected"].to_numpy().tolist():
            before, after = (draws[world].sel(over=over, expected=name, drop=True) for world in ("as_it_is", "raised"))
            rows[over, name, "as it is"] = median_and_interval(before, "median")
            rows[over, name, "raised"] = median_and_interval(after, "median")
            effects = {"difference": (after - before, 0.0)}
            if name.startswith("P(") or draws.attrs["has_zero"]:
                effects["ratio"] = after / before, 1.0
            if name.startswith("P("):
                effects["odds ratio"] = after / (1 - after) * (1 - before) / before, 1.0
            if name == draws["expected"].to_numpy()[0]:
                people = [word for word in draws.data_vars if str(word).endswith(OF_A_PERSON)]
                effects |= {str(word): (draws[word].sel(over=over, drop=True), 1.0) for word in people}
            for scale, (effect, none) in effects.items():
                share = probability(above(effect, none))
                known = {"p_above": share.value, "p_above_mcse": share.mcse} if over not in fixed else {}
                rows[over, name, scale] = {**median_and_interval(effect, "median"), "no_effect": none, **known}
    table = pd.DataFrame.from_dict(rows, orient="index")
    table.index = pd.MultiIndex.from_tuples(rows, names=["over", "expected", "scale"])
    for column in ("p_above", "p_above_mcse"):
        if column not in table:
            table[column] = np.nan
    effects_rows = table["no_effect"].notna()
    return table.assign(fixed=effects_rows & table.index.get_level_values("over").isin(list(fixed)))


def _in_words(table: pd.DataFrame, n_draws: int) -> TextTable:
    cells = [
        FIXED if fixed else probabilities([share], n_draws)[0] if not np.isnan(share) else ""
        for share, fixed in zip(table["p_above"], table["fixed"], strict=True)
    ]
    return TextTable.of(
        {
            "over": [over for over, _, _ in table.index],
            "expected": [name for _, name, _ in table.index],
            "": [scale for _, _, scale in table.index],
            "median": [f"{median:.3g}" for median in table["median"]],
            interval_name(): [bounds(row, form=".3g") for _, row in table.iterrows()],
            "P(above no effect)": cells,
        },
        left=["expected", ""],
    )


def _figure(answer: Answer, measures: Sequence[str]) -> "Figure":
    rows = answer.table.xs("difference", level="scale")
    several = len(rows.index.unique("expected")) > 1
    bars = {
        f"{over}{f', {name}' if several else ''}": [Bar(row["median"], row["lower"], row["upper"])]
        for (over, name), row in rows.iterrows()
    }
    path = answer.arguments["path"]
    outcome = split_path(path)[1]  # type: ignore[index]
    return bars_figure(
        bars,
        title=f"{path}, in the unit of {outcome}",
        unit=f"difference in {outcome}, its own unit",
        colours=dict.fromkeys(bars, path_colour(path, measures)),
    )


class EffectInUnitsArguments(Arguments):
    """Keys of an effect in the outcome's unit."""

    named_first = ("path",)
    path: Text
    raised_by: float | None = None
    group: Group | None = None

    def about(self) -> str:
        """The path."""
        return f"of {self.path}"

    def against(self, model: CrossLagged) -> Iterator[str]:
        """Its group, path and parts that are not followed."""
        yield from group_problems(model, self.group)
        yield from _problems(model, self.path, self.raised_by)


register(Question.of(effect_in_units, EffectInUnitsArguments))
