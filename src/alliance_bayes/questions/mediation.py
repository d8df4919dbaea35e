"""Through what does one measure act on another: total, direct, indirect and path-specific effects."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
import xarray as xr

from ..basics.calls import checked
from ..basics.names import ARROW, in_words, number
from ..basics.problems import Problems
from ..figures.effects import Band, bars_and_bands_figure
from ..posterior.fitting import Fit
from ..posterior.health import Health
from ..posterior.summaries import Probability, above, below, indicator, interval, interval_name, probability
from .arguments import CERTAINTY, MARGIN
from .cells import known_draws
from .dynamics import (
    Dynamics,
    Timing,
    effects_of,
    hardly_within,
    in_group,
    sample_in_words,
    units_in_words,
    within_in_words,
)
from .lengths import time_in_words
from .mediation_plan import Plan, dynamics_of, fixed_of, plan_of
from .structure import FIXED, labelled_bars, sign_in_words, sign_width, signless, with_fixed

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Mediation", "mediation"]

Change = Literal["pulse", "sustained"]

MOST_NEGLIGIBLE = 0.05
PROBABILITIES = ("p_positive", "p_positive_mcse", "p_positive_prior")
OPPOSITE = "direct and indirect effects of opposite sign"


@dataclass(frozen=True, eq=False, repr=False)
class Mediation:
    """Effect of one measure on another, split by what it runs through.

    Attributes
    ----------
    treatment, mediators, outcome
        The measures.
    table
        Indexed by ``effect``: ``total``, ``direct``, ``indirect`` (all mediators together), with
        several mediators ``through <mediator> alone`` and ``through several mediators`` (which
        add up to ``indirect``), then the paths asked for and ``all other ways`` (which add up to
        ``total``). ``mean``, ``lower``, ``upper``: within-person SDs of the outcome per
        within-person SD of the treatment, both at the start. ``p_positive`` with its Monte Carlo
        error ``p_positive_mcse``, and ``p_positive_prior``, the prior's probability of the same; ``no_sign`` and
        ``no_sign_prior``: shares of draws that are exactly 0 or without a value, and left out of them. All NaN
        where the effect is ``fixed``: 0 by construction, since no way leads along the model's paths.
        ``raw_mean``, ``raw_lower``, ``raw_upper``: units of the outcome per unit of the treatment.
        A product of two lagged effects is small: two of .12, large as published ones go, make .014.
    evidence
        Indexed by ``event``: ``probability``, ``mcse``, and ``prior``, the probability of the same
        event before the data. Distrust a probability whose ``mcse`` is not small against its
        distance to the certainty asked for.
    draws
        Each effect, standardised, computed draw by draw; dims ``(chain, draw)``.
    raw_draws
        The same in raw units.
    curve
        Indexed by ``effect`` and ``time`` since the change: ``mean``, ``lower``, ``upper``,
        standardised. Intervals hold at each time, not for the whole curve.
    proportion
        Share of the total effect that is indirect: ``median``, ``lower``, ``upper``; None where
        it is not defined.
    proportion_in_words
        The share, or why there is none.
    verdict
        "indirect effect positive", "indirect effect negative" or "undecided".
    warnings
        What to distrust.
    estimand
        What is changed, what is held, and when.
    timing, change, horizon, start
        As asked for, or as chosen where left open.
    dynamics
        The lagged effects or drift that the answer was computed from.
    paths
        Paths asked for, each from treatment to outcome.
    certainty, margin
        Probability that a verdict needs; size below which a total effect is not divided by.
    assumptions
        What must hold before this is mediation and not only prediction.
    health
        Of the sampling.
    heading
        Question, scale and sample, in words.
    time_unit
        The panel's.
    """

    treatment: str
    mediators: tuple[str, ...]
    outcome: str
    table: pd.DataFrame
    evidence: pd.DataFrame
    draws: xr.Dataset
    raw_draws: xr.Dataset
    curve: pd.DataFrame
    proportion: Mapping[str, float] | None
    proportion_in_words: str
    verdict: str
    warnings: tuple[str, ...]
    estimand: str
    timing: Timing
    change: Change
    horizon: float
    start: float
    dynamics: Dynamics
    paths: tuple[str, ...]
    certainty: float
    margin: float
    assumptions: tuple[str, ...]
    health: Health
    heading: str
    time_unit: str | None

    @property
    def n_draws(self) -> int:
        """Posterior draws over all chains."""
        return self.draws.sizes["chain"] * self.draws.sizes["draw"]

    def plot(self) -> "Figure":
        """Draw all effects with their intervals, and total, direct and indirect over the horizon."""
        unit = f", {self.time_unit}" if self.time_unit else ""
        return bars_and_bands_figure(
            labelled_bars(self.table),
            [self._band(name) for name in ("total", "direct", "indirect")],
            title=f"{self.treatment}{ARROW}{self.outcome}: {self.verdict}",
            unit="effect, SD per SD",
            x_label=f"time since the change{unit}",
        )

    def _band(self, effect: str) -> Band:
        rows = self.curve.loc[effect]
        mean, lower, upper = (rows[name].to_numpy() for name in ("mean", "lower", "upper"))
        return Band(effect, rows.index.to_numpy(float), mean, lower, upper, points=self.timing == "waves")

    def __str__(self) -> str:
        healthy = "no problems" if self.health.healthy else "PROBLEMS, see above"
        numbered = [f"  {place}. {sentence}" for place, sentence in enumerate(self.assumptions, start=1)]
        return "\n".join(
            [
                self.heading,
                self.estimand,
                *_effects_in_words(self),
                self.proportion_in_words,
                f"Verdict: {self.verdict}.",
                *self.warnings,
                f"Sampling: {healthy}. About prediction; about mediation only under these assumptions:",
                *numbered,
            ]
        )

    __repr__ = __str__


@checked(apart=["margin", "certainty"])
def mediation(
    fit: Fit,
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
) -> Mediation:
    """Split the effect of one measure on another by what it runs through, draw by draw.

    With lagged effects ``Phi_t``, treatment x, outcome y and mediators D, after n steps:

    - total ``(Phi_n ... Phi_1)_yx``;
    - direct: the same with ``J Phi_t J``, J zero for D, so that the mediators stay on their
      expected course whatever happens;
    - indirect: total less direct.

    In continuous time ``exp(A h)`` takes the place of the product, and the mediators are held at
    every moment instead of at the waves [1]_ [2]_: another estimand, with other numbers. A
    sustained change keeps the treatment where it was put (row of x in Phi: that of the identity;
    in A: zero). A single path counts its edges and the carry-over of the measures on it.

    Parameters
    ----------
    fit
        A fitted cross-lagged model of three or more measures.
    treatment, mediators, outcome
        Different measures of it. Whatever runs through measures that are not named is direct.
    horizon
        Time from the change to the outcome, in the panel's units; for discrete models a whole
        number of steps and at least two, since over one step nothing is indirect.
    start
        Wave at which the change happens; the first one when left open. With one effect for each
        interval it says which effects are used, and the horizon must end at a wave. Its
        within-person SDs are the unit of standardised effects.
    group
        Which group, where the fit has groups.
    change
        ``"pulse"``: one SD more at the start, then left to itself; ``"sustained"``: kept there.
    timing
        ``"waves"`` or ``"continuous"``; left open, as the model's lags are. A continuous model can
        be asked at waves, in base steps; a discrete one has nothing to say between its waves.
    paths
        Single paths such as ``"sponsor -> contact -> abstinence"``, through mediators.
    margin
        Size of a total effect, in SD per SD, below which it is not divided by; in (0, 1).
    certainty
        Probability that a verdict needs, in (0.5, 1).

    Returns
    -------
    Mediation
        Table, draws, curve, assumptions, text and figure.

    Raises
    ------
    SpecError
        If a measure or path is not in the model, the horizon cannot be reached, an effect is zero
        by construction, or a number makes no sense; all problems at once.

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
    named = (mediators,) if isinstance(mediators, str) else tuple(mediators)
    asked = (paths,) if isinstance(paths, str) else tuple(paths)
    health, problems = fit.health, Problems("This question of mediation cannot be asked")
    fit = in_group(fit, group, problems)
    plan = plan_of(problems, fit, treatment, named, outcome, horizon, start, change, timing, asked, margin, certainty)
    dynamics = dynamics_of(fit, plan, "posterior")
    sustained = change == "sustained"
    curves = effects_of(dynamics, treatment, named, outcome, sustained=sustained, paths=plan.paths)
    draws = curves.isel(time=-1, drop=True)
    unit = xr.DataArray(
        dynamics.sds[..., dynamics.measures.index(outcome)] / dynamics.sds[..., dynamics.measures.index(treatment)],
        dims=("chain", "draw"),
    )
    raw_draws = draws * unit
    prior = _prior_draws(fit, plan, treatment, named, outcome, sustained)
    fixed = fixed_of(fit, plan, treatment, named, outcome, sustained)
    proportion, said = _proportion(draws["indirect"], draws["total"], draws["direct"], margin)
    if "direct" in fixed:
        proportion, said = None, f"Share that is indirect: all of it, since the direct effect is {FIXED}."
    verdict = _verdict(draws["indirect"], certainty, health)
    table = with_fixed(_table(draws, raw_draws, prior), np.isin([str(name) for name in draws], fixed), PROBABILITIES)
    return Mediation(
        treatment=treatment,
        mediators=named,
        outcome=outcome,
        table=table,
        evidence=_evidence(draws, prior, margin, fixed),
        draws=draws,
        raw_draws=raw_draws,
        curve=_curve(curves),
        proportion=proportion,
        proportion_in_words=said,
        verdict=verdict,
        warnings=_warnings(fit, health, plan, treatment, named, outcome)
        + _without_value(prior)
        + _no_sign(draws, prior, fixed),
        estimand=_estimand(fit, plan, treatment, named, outcome, change),
        timing=plan.timing,
        change=change,
        horizon=float(horizon),
        start=plan.start,
        dynamics=dynamics,
        paths=plan.paths,
        certainty=certainty,
        margin=margin,
        assumptions=_assumptions(fit, plan, treatment, named, outcome),
        health=health,
        heading=_heading(fit, plan, treatment, named, outcome) + (f", group {group}" if group else ""),
        time_unit=fit.panel.time_unit,
    )


def _prior_draws(
    fit: Fit, plan: Plan, treatment: str, mediators: tuple[str, ...], outcome: str, sustained: bool
) -> xr.Dataset | None:
    if "prior" not in fit.draws.children:
        return None
    dynamics = dynamics_of(fit, plan, "prior")
    if plan.timing == "continuous":
        dynamics = dynamics.at(0.0, plan.horizon)
    with np.errstate(over="ignore", invalid="ignore"):  # a prior may allow explosive dynamics
        effects = effects_of(dynamics, treatment, mediators, outcome, sustained=sustained, paths=plan.paths)
    return effects.isel(time=-1, drop=True)


def _without_value(prior: xr.Dataset | None) -> tuple[str, ...]:
    """A sentence where some prior draws explode so that an effect has no value in them."""
    if prior is None or not (share := max(float(np.isnan(effect).mean()) for effect in prior.values())):
        return ()
    return (
        f"In {100 * share:.2g} % of prior draws the dynamics explode and an effect has no value; the prior's "
        "probabilities are those of the other draws.",
    )


def _no_sign(draws: xr.Dataset, prior: xr.Dataset | None, fixed: Sequence[str]) -> tuple[str, ...]:
    def of(effects: xr.Dataset | None, name: str) -> float:
        return 0.0 if effects is None else float((effects[name] == 0).mean())

    free = [name for name in map(str, draws) if name not in fixed]
    return signless({name: (of(draws, name), of(prior, name)) for name in free})


def _table(draws: xr.Dataset, raw: xr.Dataset, prior: xr.Dataset | None) -> pd.DataFrame:
    rows = {}
    for name, effect in draws.items():
        lower, upper = interval(effect, "chain", "draw")
        raw_lower, raw_upper = interval(raw[name], "chain", "draw")
        positive = probability(above(effect, 0))
        before = None if prior is None else probability(above(prior[name], 0))
        rows[str(name)] = {
            "mean": float(effect.mean()),
            "lower": float(lower),
            "upper": float(upper),
            "p_positive": positive.value,
            "p_positive_mcse": positive.mcse,
            "p_positive_prior": np.nan if before is None else before.value,
            "no_sign": positive.undefined,
            "no_sign_prior": np.nan if before is None else before.undefined,
            "raw_mean": float(raw[name].mean()),
            "raw_lower": float(raw_lower),
            "raw_upper": float(raw_upper),
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("effect")


def _evidence(draws: xr.Dataset, prior: xr.Dataset | None, margin: float, fixed: Sequence[str]) -> pd.DataFrame:
    after, before = _events(draws, margin), {} if prior is None else _events(prior, margin)
    rows = {}
    for event, holds in after.items():
        share = probability(holds)
        known = probability(before[event]).value if event in before else np.nan
        rows[event] = {"probability": share.value, "mcse": share.mcse, "prior": known}
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
    index = pd.MultiIndex.from_product(
        [stacked["effect"].to_numpy(), stacked["time"].to_numpy()], names=["effect", "time"]
    )
    values = {name: part.transpose("effect", "time").to_numpy().ravel() for name, part in columns.items()}
    return pd.DataFrame(values, index=index)


def _proportion(
    indirect: xr.DataArray, total: xr.DataArray, direct: xr.DataArray, margin: float
) -> tuple[dict[str, float] | None, str]:
    signed = max((probability(side(total, 0)) for side in (above, below)), key=lambda side: side.value)
    small = probability(indicator(abs(total) < margin, total))
    reasons = []
    if not signed.value > CERTAINTY:
        reasons.append(f"the sign of the total effect is not settled ({_p('the more probable sign', signed)})")
    if small.value >= MOST_NEGLIGIBLE:
        reasons.append(f"the total effect may be next to nothing ({_p(f'|total| < {number(margin)}', small)})")
    if reasons:
        return None, f"Share that is indirect: not defined, since {' and '.join(reasons)}."
    share = indirect / total.where(total != 0)
    lower, upper = (float(bound) for bound in interval(share, "chain", "draw"))
    median = float(share.median())
    opposed = probability(_opposed(direct, indirect))
    text = f"Share that is indirect: {median:.2f} [{lower:.2f}, {upper:.2f}] of the total effect."
    if opposed.value > 1 - CERTAINTY:
        text += (
            f" {_p('direct and indirect effects have opposite signs', opposed)}; where they do, the share lies "
            "outside 0 to 1 and is no share."
        )
    return {"median": median, "lower": lower, "upper": upper}, text


def _p(event: str, value: Probability) -> str:
    return f"P({event}) = {value}".replace("= >", ">").replace("= <", "<")


def _verdict(indirect: xr.DataArray, certainty: float, health: Health) -> str:
    if health.healthy and probability(above(indirect, 0)).reaches(certainty):
        return "indirect effect positive"
    if health.healthy and probability(below(indirect, 0)).reaches(certainty):
        return "indirect effect negative"
    return "undecided"


def _warnings(
    fit: Fit, health: Health, plan: Plan, treatment: str, mediators: tuple[str, ...], outcome: str
) -> tuple[str, ...]:
    found = []
    if not health.healthy:
        found.append(f"The draws cannot be trusted: {' '.join(health.problems)}")
    found += hardly_within(fit, (treatment, *mediators, outcome))
    found += [
        f"{path} is its effect where '{name}', which changes it, is 0." for path, name in fit.spec.moderated.items()
    ]
    span = fit.panel.times[-1] - fit.panel.times[0]
    if plan.horizon > span * (1 + 1e-9):
        found.append(
            f"The horizon of {time_in_words(fit, plan.horizon)} is longer than the panel's {number(span)}: beyond the "
            "data the same dynamics are assumed to go on."
        )
    return tuple(found)


def _estimand(fit: Fit, plan: Plan, treatment: str, mediators: tuple[str, ...], outcome: str, change: str) -> str:
    kept = "and leaving it to itself (pulse)" if change == "pulse" else "and keeping it there (sustained)"
    held = in_words(mediators)
    if plan.timing == "continuous":
        how = f"with {held} held on the expected course at every moment (continuous-time effects)"
        other = "Held at the waves only, the numbers would differ."
    else:
        if plan.intervals is not None:
            times = [number(time) for time in fit.panel.times[plan.wave : plan.wave + plan.n_steps + 1]]
            steps = f"{plan.n_steps} steps, waves {in_words(times)}"
        else:
            steps = f"{plan.n_steps} steps of {time_in_words(fit, plan.step)}"
        how = f"with {held} held on the expected course at each step (wave-by-wave effects: {steps})"
        other = "Held at every moment in continuous time, the numbers would differ."
    rest = [name for name in fit.spec.measures if name not in (treatment, *mediators, outcome)]
    through = f" Ways through {in_words(rest)} count as direct." if rest else ""
    return (
        f"What raising {treatment} by one SD at {number(plan.start)} {kept} does to {outcome} "
        f"{time_in_words(fit, plan.horizon)} later; direct: {how}; indirect: the rest.{through} {other}"
    )


def _heading(fit: Fit, plan: Plan, treatment: str, mediators: tuple[str, ...], outcome: str) -> str:
    within = within_in_words(fit, (treatment, *mediators, outcome))
    return (
        f"{treatment}{ARROW}{outcome} through {in_words(mediators)}{within}, SD per SD with the SDs at "
        f"{number(plan.start)}; {sample_in_words(fit)}{units_in_words(fit, (treatment, outcome))}"
    )


def _assumptions(fit: Fit, plan: Plan, treatment: str, mediators: tuple[str, ...], outcome: str) -> tuple[str, ...]:
    named = in_words(mediators)
    order = (
        "Causes act from moment to moment with one drift that does not change with time."
        if plan.timing == "continuous"
        else "Causes take exactly one step to act: what happens between the waves, or at once, is not counted as an "
        "effect."
    )
    exact = [name for name in mediators if name not in fit.spec.random_families]
    error = "There is no measurement error in {}; error hides part of an indirect effect in the direct one."
    return (
        f"However {treatment} or {named} come to change, the same consequences follow (consistency), and such changes "
        "occur (positivity).",
        f"Given the measured past{' and stable differences between people' if fit.spec.random_intercepts else ''}, "
        f"nothing unmeasured that changes with time drives two of {in_words((treatment, *mediators, outcome))} "
        "(sequential exchangeability); see ab.sensitivity.",
        order,
        f"There are no interactions: {treatment} and {named} do not modify each other's effects.",
        *([error.format(in_words(exact))] if exact else []),
        *fit.spec.assumptions,
    )


def _effects_in_words(answer: Mediation) -> list[str]:
    width, n_characters, n_sign = interval_name(), max(map(len, answer.table.index)), sign_width(answer.table)
    lines = [f"{'':{n_characters}}     mean  {width:^17}  {'P(effect > 0)':>{n_sign}}  prior  raw units"]
    for name, row in answer.table.iterrows():
        bounds = f"[{row['lower']:.3f}, {row['upper']:.3f}]"
        positive = sign_in_words(row, known_draws(answer.n_draws, row["no_sign"]))
        prior = "-" if np.isnan(row["p_positive_prior"]) else f"{row['p_positive_prior']:.3f}"
        raw = f"{row['raw_mean']:.3g} [{row['raw_lower']:.3g}, {row['raw_upper']:.3g}]"
        lines.append(
            f"{name:{n_characters}}  {row['mean']:7.3f}  {bounds:^17}  {positive:>{n_sign}}  {prior:>5}  {raw}"
        )
    return lines
