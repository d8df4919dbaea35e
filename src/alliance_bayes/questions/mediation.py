"""Mediation: total, direct, indirect and path-specific effects of one measure on another."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import numpy as np
import pandas as pd
import xarray as xr
from pydantic import Field

from ..basics.calls import checked
from ..basics.declared import Certainty, Listed, Margin, Measure, Name
from ..basics.given import shown
from ..basics.names import ARROW, in_words, number
from ..basics.problems import Problems, SpecError
from ..figures.effects import Band, bars_and_bands_figure
from ..posterior.health import Diagnostics
from ..posterior.posterior import Posterior
from ..posterior.summaries import above, below, indicator, interval, probability
from ..spec.cross_lagged import CrossLagged
from .answer import Answer
from .arguments import CERTAINTY, MARGIN, Group, Length, check_certainty, check_margin, group_problems, population
from .cells import mean_and_interval, sign, stated
from .dynamics import Timing, not_followed
from .horizons import Horizon, dynamics_over, horizon_of
from .mediated_effects import (
    MediatedChange,
    MediatedDynamics,
    canonical_paths,
    mediated_path_problems,
    role_problems,
)
from .mediation_words import assumptions, doubts, effects_in_words, estimand, heading
from .registry import Arguments, Question, register
from .structure import FIXED, labelled_bars, signless, with_fixed

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["mediation"]

Change = Literal["pulse", "sustained"]

MOST_NEGLIGIBLE = 0.05
PROBABILITIES = ("p_positive", "p_positive_mcse", "p_positive_prior")
OPPOSITE = "direct and indirect effects of opposite sign"
NOT_DEFINED = (
    "'{mediator}' exists only where there is '{state}', so its value without '{state}' is undefined, and so are the "
    "direct and indirect effect of '{state}' through '{mediator}'. Ask ab.split_by_existence, which holds '{mediator}' "
    "at reference values among those who have it, and shifts it."
)


@checked(apart=["margin", "certainty"])
def mediation(
    fit: Posterior,
    *,
    treatment: str,
    mediators: Sequence[str],
    outcome: str,
    horizon: float,
    start: float | None = None,
    group: str | None = None,
    change: Change = "pulse",
    timing: Timing | None = None,
    paths: Sequence[str] = (),
    margin: float = MARGIN,
    certainty: float = CERTAINTY,
) -> Answer:
    """Split the effect of one measure on another by its mediators, draw by draw.

    With lagged effects ``Phi_t``, treatment x, outcome y and mediators D, after n steps:

    - total ``(Phi_n ... Phi_1)_yx``;
    - direct: the same with ``J Phi_t J``, J zero for D, so that the mediators stay on their
      expected course;
    - indirect: total minus direct.

    In continuous time ``exp(A h)`` takes the place of the product, and the mediators are held at
    every moment instead of at the waves [1]_ [2]_: another estimand, with other numbers. A
    sustained change keeps the treatment at its new value (row of x in Phi: that of the identity;
    in A: zero). A single path includes its edges and the carry-over of the measures on it.

    Parameters
    ----------
    fit
        A fitted cross-lagged model of three or more measures.
    treatment, mediators, outcome
        Different measures of it. Effects through measures that are not named are direct.
    horizon
        Time from the change to the outcome, in the panel's units; for discrete models a whole
        number of steps and at least two, since over one step no effect is indirect.
    start
        Wave at which the change happens; the first one when left open. With one effect for each
        interval it selects the effects, and the horizon must end at a wave. Its within-person SDs
        are the unit of standardised effects.
    group
        Which group, where the fit has groups.
    change
        ``"pulse"``: one SD more at the start, then left to itself; ``"sustained"``: kept there.
    timing
        ``"waves"`` or ``"continuous"``; left open, as the model's lags are. A continuous model can
        be asked at waves, in base steps; a discrete one has no effects between its waves.
    paths
        Single paths such as ``"sponsor -> contact -> abstinence"``, through mediators.
    margin
        Size of a total effect, in SD per SD, below which no share of it is computed; in (0, 1).
    certainty
        Probability that a verdict needs, in (0.5, 1).

    Returns
    -------
    Answer
        ``table``, indexed by ``effect``: ``total``, ``direct``, ``indirect`` (all mediators together), with several
        mediators ``through <mediator> alone`` and ``through several mediators`` (which add up to ``indirect``), then
        the paths asked for and ``other paths`` (which add up to ``total``). ``mean``, ``lower``, ``upper``:
        within-person SDs of the outcome per within-person SD of the treatment, both at the start. ``p_positive`` with
        its Monte Carlo error ``p_positive_mcse``, and ``p_positive_prior``, the prior's probability of the same;
        ``no_sign`` and ``no_sign_prior``: shares of draws that are exactly 0 or undefined, and excluded from
        them. All NaN where the effect is ``fixed``: 0 by construction, since no path of the model leads to it.
        ``raw_mean``, ``raw_lower``, ``raw_upper``: units of the outcome per unit of the treatment. A product of two
        lagged effects is small: two of .12, large as published ones go, make .014.

        ``evidence``, indexed by ``event``: ``probability``, ``mcse``, and ``prior``, the probability of the same event
        before the data. Distrust a probability whose ``mcse`` is not small against its distance to the certainty
        asked for.

        ``tables["curve"]``, indexed by ``effect`` and ``time`` since the change: ``mean``, ``lower``, ``upper``,
        standardised. Intervals hold at each time, not for the whole curve. ``tables["share"]``: ``median``, ``lower``
        and ``upper`` of the indirect effect's share of the total one; missing where it is undefined, which the text
        explains.

        ``draws``: each effect by its name, standardised, and in raw units with ``raw_`` before its name, computed draw
        by draw; dims ``(chain, draw)``.

        ``verdict``: "indirect effect positive", "indirect effect negative" or "undecided".

    Raises
    ------
    SpecError
        If a measure or path is not in the model, the horizon is no whole number of steps, an effect
        is 0 by construction, or a number is invalid; all problems at once.

    Notes
    -----
    The share that is indirect is only given where the total effect has a sign, ``max(P(> 0),
    P(< 0)) > .95``, and a size, ``P(|total| < margin) < .05``. In a linear model without
    interactions these effects are also the interventional ones, which need no assumption across
    worlds [3]_.

    References
    ----------
    .. [1] Deboeck & Preacher (2016). No need to be discrete: a method for continuous time
       mediation analysis. Structural Equation Modeling 23, 61-75.
    .. [2] Albert et al. (2019). Continuous-time causal mediation analysis. Statistics in Medicine
       38, 4334-4347. https://doi.org/10.1002/sim.8300
    .. [3] VanderWeele & Tchetgen Tchetgen (2017). Mediation analysis with time varying exposures
       and mediators. Journal of the Royal Statistical Society B 79, 917-938.
       https://doi.org/10.1111/rssb.12194
    """
    health, problems = fit.health, Problems("This question of mediation cannot be asked")
    fit = population(fit, group, problems)
    asked = MediatedChange(
        treatment=treatment,
        mediators=(mediators,) if isinstance(mediators, str) else tuple(mediators),
        outcome=outcome,
        sustained=change == "sustained",
        paths=canonical_paths([paths] if isinstance(paths, str) else paths),
    )
    until = _checked(fit, asked, horizon, start, change, timing, margin, certainty, problems)
    dynamics = dynamics_over(fit, until, "posterior")
    curves = asked.effects(dynamics)
    draws = curves.isel(time=-1, drop=True)
    basis = MediatedDynamics(asked, dynamics)
    raw_draws = draws * basis.raw_unit
    prior = _prior_draws(fit, asked, until, draws)
    fixed = asked.fixed(fit.spec, until.steps)
    table = _table(draws, raw_draws, prior, fixed)
    share, share_in_words = _share(draws["indirect"], draws["total"], draws["direct"], margin)
    if "direct" in fixed:
        share, share_in_words = {}, f"Share that is indirect: 1, since the direct effect is {FIXED}."
    return Answer(
        question="mediation",
        arguments={
            "treatment": treatment,
            "mediators": asked.mediators,
            "outcome": outcome,
            "horizon": float(horizon),
            "start": until.start,
            "group": group,
            "change": change,
            "timing": until.timing,
            "paths": asked.paths,
            "margin": margin,
            "certainty": certainty,
        },
        heading=heading(fit, asked, until) + (f", group {group}" if group else ""),
        table=table,
        body=(
            estimand(fit, asked, until),
            effects_in_words(table, draws.sizes["chain"] * draws.sizes["draw"]),
            share_in_words,
        ),
        evidence=_evidence(draws, prior, margin, fixed),
        tables={"curve": _curve(curves)} | ({"share": pd.DataFrame(share, index=["indirect"])} if share else {}),
        draws=draws.merge(raw_draws.rename({name: f"raw_{name}" for name in raw_draws})),
        verdict=_verdict(draws["indirect"], certainty, health),
        reasons=(*doubts(fit, health, asked, until), *_without_value(prior), *_no_sign(draws, prior, fixed)),
        assumptions=assumptions(fit, asked, until),
        before_assumptions="About prediction; about mediation only under these assumptions:",
        health=health,
        basis=basis,
        figure=partial(_figure, time_unit=fit.panel.time_unit),
    )


def _checked(
    fit: Posterior,
    asked: MediatedChange,
    horizon: float,
    start: float | None,
    change: str,
    timing: str | None,
    margin: float,
    certainty: float,
    problems: Problems,
) -> Horizon:
    """Steps from the change to the outcome, or one `SpecError` with all problems, earlier ones included."""
    problems.found += not_followed(fit.spec)
    undefined = [name for name in asked.mediators if fit.panel.requires.get(name) == asked.treatment]
    problems.found += [NOT_DEFINED.format(mediator=name, state=asked.treatment) for name in undefined]
    if not undefined:
        problems.found += role_problems(fit.spec, asked.treatment, asked.mediators, asked.outcome)
    problems.found += mediated_path_problems(asked)
    valid_so_far = not problems.found
    if change not in ("pulse", "sustained"):
        problems.add(f"change must be 'pulse' or 'sustained'; got {shown(change)}.")
    check_margin(margin, problems)
    check_certainty(certainty, problems)
    until = horizon_of(fit, horizon, start, timing, problems)
    if until is not None and valid_so_far:
        problems.found += _fixed_problems(fit.spec, asked, until.steps)
    problems.raise_as(SpecError)
    assert until is not None
    return until


def _fixed_problems(spec: CrossLagged, asked: MediatedChange, n_steps: int | None) -> Iterator[str]:
    """Reasons why an effect in question is 0 by construction."""
    fixed = asked.fixed(spec, n_steps)
    why = f"over this horizon (fixed at 0: {', '.join(spec.remove) or 'nothing'})"
    if "indirect" in fixed:
        yield (
            f"No path leads from '{asked.treatment}' through {in_words([f"'{name}'" for name in asked.mediators])} to "
            f"'{asked.outcome}' {why}, so the indirect effect is {FIXED}. Free the paths, or name other mediators."
        )
    for path in asked.paths:
        if path in fixed:
            yield f"The path '{path}' is {FIXED} {why}. It needs {path.count(ARROW)} steps, all free."


def _prior_draws(fit: Posterior, asked: MediatedChange, until: Horizon, posterior: xr.Dataset) -> xr.Dataset:
    """Effects before the data; all NaN where the fit has no draws of its prior."""
    if "prior" not in fit.draws.children:
        return posterior * np.nan
    with np.errstate(over="ignore", invalid="ignore"):  # a prior may allow explosive dynamics
        return asked.effects_at_end(dynamics_over(fit, until, "prior"))


def _without_value(prior: xr.Dataset) -> tuple[str, ...]:
    """A sentence where an effect is undefined in some prior draws, which explode."""
    share = max(float(np.isnan(effect).mean()) for effect in prior.values())
    if not 0 < share < 1:
        return ()
    return (
        f"In {100 * share:.2g} % of prior draws the dynamics explode and an effect is undefined; the prior's "
        "probabilities are those of the other draws.",
    )


def _no_sign(draws: xr.Dataset, prior: xr.Dataset, fixed: Sequence[str]) -> tuple[str, ...]:
    def zero(effect: xr.DataArray) -> float:
        return float((effect == 0).mean())

    return signless({str(name): (zero(draws[name]), zero(prior[name])) for name in draws if name not in fixed})


def _table(draws: xr.Dataset, raw: xr.Dataset, prior: xr.Dataset, fixed: Sequence[str]) -> pd.DataFrame:
    rows = {
        str(name): mean_and_interval(effect) | sign(effect, prior[name]) | mean_and_interval(raw[name], "raw_")
        for name, effect in draws.items()
    }
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("effect")
    return with_fixed(table, table.index.isin(fixed), PROBABILITIES)


def _evidence(draws: xr.Dataset, prior: xr.Dataset, margin: float, fixed: Sequence[str]) -> pd.DataFrame:
    rows = {}
    before = _events(prior, margin)
    for event, holds in _events(draws, margin).items():
        after = probability(holds)
        prior_share = probability(before[event]).value
        rows[event] = {"probability": after.value, "mcse": after.mcse, "prior": prior_share}
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("event")
    return table.drop(index=OPPOSITE) if "direct" in fixed else table


def _events(draws: xr.Dataset, margin: float) -> dict[str, xr.DataArray]:
    size, indirect, total = number(margin), draws["indirect"], draws["total"]
    return {
        "indirect effect above 0": above(indirect, 0),
        "indirect effect below 0": below(indirect, 0),
        f"indirect effect smaller than {size} in size": indicator(abs(indirect) < margin, indirect),
        "total effect above 0": above(total, 0),
        f"total effect smaller than {size} in size": indicator(abs(total) < margin, total),
        OPPOSITE: _opposed(draws["direct"], indirect),
    }


def _opposed(direct: xr.DataArray, indirect: xr.DataArray) -> xr.DataArray:
    # Of the signs, since the product of two small effects may be smaller than any number.
    product = xr.apply_ufunc(np.sign, direct) * xr.apply_ufunc(np.sign, indirect)
    return below(product, 0)


def _curve(curves: xr.Dataset) -> pd.DataFrame:
    stacked = curves.to_dataarray("effect")
    lower, upper = interval(stacked, "chain", "draw")
    columns = {"mean": stacked.mean(("chain", "draw")), "lower": lower, "upper": upper}
    return xr.Dataset(columns).to_dataframe(["effect", "time"])[list(columns)]


def _share(
    indirect: xr.DataArray, total: xr.DataArray, direct: xr.DataArray, margin: float
) -> tuple[dict[str, float], str]:
    """The share of the total effect that is indirect, empty where it is undefined, and a sentence about it."""
    signed = max((probability(side(total, 0)) for side in (above, below)), key=lambda side: side.value)
    small = probability(indicator(abs(total) < margin, total))
    reasons = []
    if not signed.value > CERTAINTY:
        reasons.append(f"the sign of the total effect is uncertain ({stated('the more probable sign', signed)})")
    if small.value >= MOST_NEGLIGIBLE:
        reasons.append(f"the total effect may be practically 0 ({stated(f'|total| < {number(margin)}', small)})")
    if reasons:
        return {}, f"Share that is indirect: undefined, since {' and '.join(reasons)}."
    share = indirect / total.where(total != 0)
    lower, upper = (float(bound) for bound in interval(share, "chain", "draw"))
    median = float(share.median())
    opposed = probability(_opposed(direct, indirect))
    text = f"Share that is indirect: {median:.2f} [{lower:.2f}, {upper:.2f}] of the total effect."
    if opposed.value > 1 - CERTAINTY:
        text += (
            f" {stated('direct and indirect effects have opposite signs', opposed)}; where they do, the share lies "
            "outside 0 to 1 and is no share."
        )
    return {"median": median, "lower": lower, "upper": upper}, text


def _verdict(indirect: xr.DataArray, certainty: float, health: Diagnostics) -> str:
    if health.healthy and probability(above(indirect, 0)).reaches(certainty):
        return "indirect effect positive"
    if health.healthy and probability(below(indirect, 0)).reaches(certainty):
        return "indirect effect negative"
    return "undecided"


def _figure(answer: Answer, time_unit: str | None) -> "Figure":
    asked, curve = answer.arguments, answer.tables["curve"]
    return bars_and_bands_figure(
        labelled_bars(answer.table),
        [Band.of(name, curve.loc[name], points=asked["timing"] == "waves") for name in ("total", "direct", "indirect")],
        title=f"{asked['treatment']}{ARROW}{asked['outcome']}: {answer.verdict}",
        unit="effect, SD per SD",
        x_label=f"time since the change{f', {time_unit}' if time_unit else ''}",
    )


class MediationArguments(Arguments):
    """Keys of a question of mediation."""

    named_first: ClassVar[tuple[str, ...]] = ("treatment", "mediators", "outcome")
    treatment: Measure
    mediators: Listed[Name] = Field(min_length=1, description="a list of names, such as ['contact']")
    outcome: Measure
    horizon: Length
    start: Annotated[float, Field(description="a number, the time of a wave")] | None = None
    group: Group | None = None
    change: Change = "pulse"
    timing: Timing | None = None
    paths: Listed[Name] = Field((), description="a list of paths, such as ['x -> m -> y']")
    margin: Margin = MARGIN
    certainty: Certainty = CERTAINTY

    def about(self) -> str:
        """The effect and its mediators."""
        return f"of {self.treatment}{ARROW}{self.outcome} through {in_words(self.mediators)}"


def _against(given: MediationArguments, spec: CrossLagged) -> Iterator[str]:
    yield from not_followed(spec)
    yield from role_problems(spec, given.treatment, given.mediators, given.outcome)
    paths = canonical_paths(given.paths)
    yield from mediated_path_problems(MediatedChange(given.treatment, given.mediators, given.outcome, paths=paths))
    yield from group_problems(spec, given.group)


register(Question("mediation", MediationArguments, lambda fit, given: mediation(fit, **given.given()), _against))
