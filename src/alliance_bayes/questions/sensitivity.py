"""What a hidden cause would have to be like to change an answer on direction, mediation or regimes."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray
from pydantic import Field

from ..basics.calls import checked
from ..basics.declared import Certainty, Listed, Measure, Name, Positive, Seed
from ..basics.given import check_seed, shown
from ..basics.names import choices, in_words, lagged_path, number, quoted
from ..basics.problems import Problems, SpecError
from ..basics.text_tables import TextTable
from ..figures.effects import Band, Marker, hidden_cause_figure
from ..posterior.summaries import indicator, interval, interval_name
from .answer import Answer
from .arguments import check_certainty
from .cells import estimates, probabilities
from .counterfactual_answer import SimulatedRegimes
from .hidden_causes import direct_path_at, e_value, risk_ratio_of_difference
from .mediated_effects import MediatedDynamics
from .observed_strength import benchmarks_of_counterfactual, benchmarks_of_dynamics, outcome_sd
from .registry import Arguments, Question, register
from .sensitivity_of_direction import direction_problems, sensitivity_of_direction
from .structure import FIXED

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["SensitivityArguments", "sensitivity"]

type Array = NDArray[np.float64]
type EffectAt = Callable[[Any, Any], xr.DataArray]

STRENGTHS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)
CORRELATIONS = (-0.3, -0.2, -0.1, 0.0, 0.1, 0.2, 0.3)
EFFECT = "indirect"
PERSISTENCE = 0.5
PRIOR_SD = 0.2
GRID = np.round(np.linspace(0, 0.9, 46), 10)
LARGEST_CORRELATION = 0.95


@checked(apart=["seed"])
def sensitivity(
    answer: Answer,
    *,
    effect: str = EFFECT,
    mediator: str | None = None,
    hidden_cause: Sequence[float] = STRENGTHS,
    persistence: float = PERSISTENCE,
    rho: Sequence[float] = CORRELATIONS,
    prior_sd: float = PRIOR_SD,
    seed: int = 1,
    certainty: float | None = None,
) -> Answer:
    """How strong a hidden cause must be to change an answer on direction, mediation or regimes.

    Of direction: a hidden cause Z of both measures, which correlates with each by its strength s within persons at
    every wave and by the persistence rho with itself one interval later, makes lagged effects that do not exist [2]_
    [3]_. With ``c = (s, s)`` its correlations, R those of the measures, and Phi the effects as estimated, those without
    it are ``A = Phi - rho (c - rho Phi c) c' R^-1 / (1 - rho^2 c' R^-1 c)``, draw by draw; the verdict follows by the
    rules of the answer. Two more causes do not go on, and drive one measure and, one interval later, the other by s, as
    below: ``A = Phi - g c' R^-1`` with c = (s, 0) and g = (0, s). All in the sign that speaks against the answer; in
    both signs where it is undecided.

    For mediation in panel models a hidden cause U that correlates r with the mediator, given the other measures at
    that wave, and moves the outcome one step later by g adds ``g (R^-1)_k r`` to the effect of each
    measure k, R the within-person correlations; with these biases taken off, the effect is computed
    again, draw by draw. For simulated effects the bias is ``gamma delta`` [1]_: what U does to the outcome,
    times the difference in U that the regimes make, given mediators and covariates; of direct and
    indirect effects it has opposite signs.

    Parameters
    ----------
    answer
        Of `directionality` about one pair, or of `mediation`, `interventional_effects`, `natural_effects` and others.
    effect
        Row of the answer's table; not of direction, where both effects and the verdict are in question.
    mediator
        The mediator that the hidden cause drives; the first one when left open. For mediation in panel models.
    hidden_cause
        Strengths to be tabled, in [0, 0.95).
    persistence
        Correlation of the hidden cause with itself one interval later, in (0, 1). For direction.
    rho
        Correlations of innovations to be tabled, in (-1, 1). For mediation in panel models.
    prior_sd
        SD of the prior of both strengths, above 0.
    seed
        Of the draws from that prior.
    certainty
        Probability that the sign needs; the answer's when left open, and of direction always.

    Returns
    -------
    Answer
        A hidden cause of strength s correlates s with what it drives at the start (the mediator, or, of simulated
        effects, differs by s of its SDs between the regimes) and moves the outcome by s of the outcome's SDs, in the
        direction that makes the effect smaller.

        ``table``, indexed by ``strength``: ``mean``, ``lower``, ``upper`` of the effect without the hidden cause's
        share, in the answer's unit, and ``p_same_sign``, the probability that it has the sign of its estimate.
        ``tables["curve"]`` has the same over fine strengths.

        ``tables["tipping"]``, indexed by ``lost``: ``strength`` at which the ``sign`` (its certainty falls below the
        one asked for) and the ``effect`` (its mean reaches 0) are lost, NaN where the sign was never certain, or above
        .9; and for panel models ``rho``, the correlation of innovations at which the effect would be 0, NaN where there
        is none.

        ``tables["benchmarks"]``, indexed by ``measured``: the two strengths of something that was measured, ``start``
        and ``outcome``; the one ``strength`` with the same product; and what a hidden cause just like it would leave of
        the effect.

        ``tables["with_prior"]``, indexed by ``prior_sd``: the effect averaged over hidden causes whose two strengths
        are independent normal with mean 0 and this SD. The data do not inform these strengths.

        ``tables["e_values"]``, indexed by ``effect``: ``risk_ratio`` that goes with the effect, ``e_value`` of the
        estimate and ``e_value_of_limit`` of the interval's limit nearest to no effect (1 where it includes it).

        ``tables["by_correlation"]``, for panel models, indexed by ``rho``, the correlation of the innovations of
        mediator and next outcome: columns as in ``table``.

        Of direction, ``table`` is indexed by ``cause`` ("x and y" at once; "x, then y" one interval later) and
        ``strength``: ``forward`` (first -> second) and ``backward``, means of the effects without the cause, with
        ``..._lower``, ``..._upper`` and ``..._positive``, the probability of a positive sign; ``p_first_larger`` in
        size, with its Monte Carlo error; ``p_first_leads`` and ``p_second_leads`` by more than the margin; ``verdict``,
        which is "impossible" where in more than 5 % of the draws a cause so strong would be predicted by the measures
        entirely, or bring more to the next wave than the innovations vary. ``tipping``, indexed by ``cause`` and
        ``lost``: the ``strength`` from which the ``verdict`` is another one, what it ``becomes``, the ``largest``
        possible strength, and strengths at which the ``order`` of sizes and the sign of each effect lose the certainty
        (NaN where they never had or never lose it). ``by_persistence``: the strength that changes the verdict, for
        other persistences. ``unequal``, of an undecided answer, indexed by ``with_first`` and ``with_second``: the
        verdict under a cause of both by these strengths. ``benchmarks``: other measures of the model, with their
        correlations and persistence, and a cause of all of the correlation of the two; ``with_prior``: strengths on
        both sides independent normal, those of causes that cannot be left out. The correction is exact without random
        intercepts only; with them it can miss in either direction, at high carry-over, few waves or a persistence from
        about .8.

        ``basis``: the answer that was asked about.

    Raises
    ------
    SpecError
        If the effect or mediator is not in the answer, or a number is invalid.

    References
    ----------
    .. [1] VanderWeele (2010). Bias formulas for sensitivity analysis for direct and indirect effects.
       Epidemiology 21, 540-551.
    .. [2] Cinelli & Hazlett (2020). Making sense of sensitivity: extending omitted variable bias. Journal of the Royal
       Statistical Society B 82, 39-67. https://doi.org/10.1111/rssb.12348
    .. [3] Yu & Finkel (2026). Controlling for time-varying confounding in the longitudinal fixed-effects model.
       Methodology 22, 27-51. https://doi.org/10.5964/meth.16875
    """
    if answer.question == "directionality":
        _check_direction(answer, effect, mediator, hidden_cause, persistence, rho, prior_sd, certainty, seed)
        return sensitivity_of_direction(answer, hidden_cause, persistence, prior_sd, seed)
    basis = _basis_of(answer)
    asked = _check(answer, basis, effect, mediator, hidden_cause, rho, prior_sd, certainty, seed)
    outcome = answer.arguments["outcome"]
    if isinstance(basis, MediatedDynamics):
        chosen, scale = mediator or basis.change.mediators[0], 1.0
        at = _of_dynamics(basis, effect, chosen)
        measured = benchmarks_of_dynamics(basis, chosen)
        by_correlation, zero = _by_rho(basis, effect, chosen, rho, float(np.sign(at(0.0, 0.0).mean())) or 1.0)
    else:
        chosen, scale, by_correlation, zero = "", outcome_sd(basis.plan), None, np.nan
        at = _of_counterfactual(answer.draws[effect], scale)
        measured = benchmarks_of_counterfactual(basis.plan)
    estimate = at(0.0, 0.0)
    sign = float(np.sign(estimate.mean())) or 1.0
    adverse = 1.0 if abs(float(at(0.1, 0.1).mean())) <= abs(float(at(-0.1, 0.1).mean())) else -1.0

    def remaining(strengths: Sequence[float] | Array) -> pd.DataFrame:
        return _rows({float(size): at(adverse * size, size) for size in strengths}, sign, "strength")

    table, curve = remaining(hidden_cause), remaining(GRID)
    tipping, benchmarks = _tipping(curve, asked, sign, zero), _benchmarks(measured, at, adverse, sign)
    rng = np.random.default_rng([seed, *b"hidden cause"])
    start, on_outcome = prior_sd * rng.standard_normal((2, *estimate.shape))
    averaged = at(np.clip(start, -LARGEST_CORRELATION, LARGEST_CORRELATION), on_outcome)
    tables = {
        "curve": curve,
        "tipping": tipping,
        "benchmarks": benchmarks,
        "with_prior": _rows({prior_sd: averaged}, sign, "prior_sd"),
        "e_values": _e_values(answer, scale),
        **({} if by_correlation is None else {"by_correlation": by_correlation}),
    }
    return Answer(
        question="sensitivity",
        arguments={
            "effect": effect,
            "mediator": chosen or None,
            "hidden_cause": tuple(hidden_cause),
            "rho": tuple(rho),
            "prior_sd": prior_sd,
            "seed": seed,
            "certainty": asked,
        },
        heading=_heading(basis, outcome, effect),
        table=table,
        body=(*_in_words(table, tables, answer.n_draws), _sentence(effect, tipping["strength"], benchmarks, asked)),
        health=answer.health,
        tables=tables,
        assumptions=_assumptions(outcome, chosen),
        before_assumptions="Assumptions:",
        basis=answer,
        figure=_figure,
    )


def _in_words(table: pd.DataFrame, tables: Mapping[str, pd.DataFrame], n_draws: int) -> Iterator[str | TextTable]:
    benchmarks, with_prior = tables["benchmarks"], tables["with_prior"]
    labels = [
        *(f"strength {number(float(str(strength)))}" for strength in table.index),
        *(f"as {name}" for name in benchmarks.index),
        "averaged over the prior",
    ]
    shown = pd.concat([part[table.columns] for part in (table, benchmarks, with_prior) if len(part)])
    yield _effects_in_words("hidden cause", labels, shown, n_draws)
    if "by_correlation" in tables:
        by_correlation, zero = tables["by_correlation"], float(tables["tipping"].loc["effect", "rho"])
        labels = [number(float(str(rho))) for rho in by_correlation.index]
        yield _effects_in_words("rho", labels, by_correlation, n_draws)
        where = "at no correlation" if np.isnan(zero) else f"if they correlated {zero:.2f}"
        yield f"With correlated innovations the effect would be 0 {where}."
    for name, row in tables["e_values"].iterrows():
        yield (
            f"E-value of the {name} effect: {row['e_value']:.2f}, of its interval's limit nearest to no effect: "
            f"{row['e_value_of_limit']:.2f}"
        )


def _effects_in_words(head: str, labels: Sequence[str], effects: pd.DataFrame, n_draws: int) -> TextTable:
    return TextTable.of(
        {
            head: labels,
            **estimates(effects, ".3g"),
            "P(same sign)": probabilities(effects["p_same_sign"], n_draws),
        }
    )


def _figure(answer: Answer) -> "Figure":
    """The effect and the certainty of its sign by the strength of a hidden cause."""
    curve, benchmarks, asked_about = answer.tables["curve"], answer.tables["benchmarks"], answer.basis
    assert isinstance(asked_about, Answer)
    of_panel = isinstance(asked_about.basis, MediatedDynamics)
    strengths = curve.index.to_numpy(float)
    markers = [
        Marker(f"like {name}", float(row["strength"]))
        for name, row in benchmarks.iterrows()
        if row["strength"] <= strengths[-1]
    ]
    return hidden_cause_figure(
        Band.of(f"{answer.arguments['effect']} effect, {interval_name()}", curve),
        (strengths, curve["p_same_sign"].to_numpy()),
        asked=answer.arguments["certainty"],
        markers=markers,
        title=answer.heading,
        unit="effect, SD per SD" if of_panel else f"difference in {asked_about.arguments['outcome']}",
        x_label="strength of a hidden cause, in SDs on both sides",
        probability_label="P(same sign)",
    )


def _basis_of(answer: Answer) -> MediatedDynamics | SimulatedRegimes:
    if not isinstance(answer.basis, MediatedDynamics | SimulatedRegimes):
        raise SpecError(
            "answer must be one of ab.directionality(...), ab.mediation(...), or of simulated effects such as "
            f"ab.interventional_effects(...); got one of '{answer.question}'."
        )
    return answer.basis


def _check(
    answer: Answer,
    basis: MediatedDynamics | SimulatedRegimes,
    effect: str,
    mediator: str | None,
    strengths: Sequence[float],
    rho: Sequence[float],
    prior_sd: float,
    certainty: float | None,
    seed: object,
) -> float:
    problems = Problems("This sensitivity cannot be computed")
    known = [str(name) for name in answer.table.index]
    if effect not in known:
        problems.add(f"The answer has no effect '{effect}'{choices(effect, known, 'Effects')}")
    elif answer.table.loc[effect, "fixed"]:
        problems.add(
            f"The effect '{effect}' is {FIXED} in this answer, so that it has no sign which a hidden cause could "
            "change. Ask about another effect."
        )
    if isinstance(basis, SimulatedRegimes):
        if mediator is not None:
            problems.add("mediator is for answers of ab.mediation; simulated effects take all mediators together.")
    elif mediator is not None and mediator not in basis.change.mediators:
        problems.add(f"'{mediator}' is not a mediator of this answer. Mediators: {quoted(basis.change.mediators)}.")
    problems.found += _of_strengths(strengths, prior_sd)
    if not all(-1 < value < 1 for value in rho):
        problems.add(f"rho must lie between -1 and 1; got {shown(list(rho))}.")
    check_seed(seed, problems)
    asked: float = answer.arguments["certainty"] if certainty is None else certainty
    check_certainty(asked, problems)
    if isinstance(basis, SimulatedRegimes) and not np.isfinite(outcome_sd(basis.plan)):
        outcome = answer.arguments["outcome"]
        problems.add(f"'{outcome}' was observed for nobody, so that strengths in its SDs are undefined.")
    problems.raise_as(SpecError)
    return asked


def _of_strengths(strengths: Sequence[float], prior_sd: float) -> Iterator[str]:
    if not all(0 <= size < LARGEST_CORRELATION for size in strengths):
        yield f"hidden_cause must lie from 0 to below {LARGEST_CORRELATION}; got {shown(list(strengths))}."
    if not 0 < prior_sd < 1:
        yield f"prior_sd must lie between 0 and 1; got {shown(prior_sd)}."


def _check_direction(
    answer: Answer,
    effect: str,
    mediator: str | None,
    strengths: Sequence[float],
    persistence: float,
    rho: Sequence[float],
    prior_sd: float,
    certainty: float | None,
    seed: object,
) -> None:
    problems = Problems("This sensitivity cannot be computed")
    if (effect, mediator, certainty) != (EFFECT, None, None) or tuple(rho) != CORRELATIONS:
        problems.add(
            "effect, mediator, rho and certainty are for answers on mediation and regimes; of direction both effects "
            "and the verdict are in question, with the certainty of the answer. Omit them."
        )
    problems.found += [*direction_problems(answer), *_of_strengths(strengths, prior_sd)]
    if not 0 < persistence < 1:
        problems.add(f"persistence must lie between 0 and 1; got {shown(persistence)}.")
    check_seed(seed, problems)
    problems.raise_as(SpecError)


def _of_dynamics(basis: MediatedDynamics, effect: str, mediator: str) -> EffectAt:
    dynamics, change = basis.dynamics, basis.change
    inverse = np.linalg.inv(dynamics.correlations)[..., dynamics.measures.index(mediator)]

    def at(start: Any, on_outcome: Any) -> xr.DataArray:
        biases: dict[tuple[str, str], Array | float] = {
            (name, change.outcome): start * on_outcome * inverse[..., k] for k, name in enumerate(dynamics.measures)
        }
        return change.effects_at_end(dynamics.shifted(biases))[effect]

    return at


def _of_counterfactual(draws: xr.DataArray, scale: float) -> EffectAt:
    return lambda start, on_outcome: draws - start * on_outcome * scale


def _by_rho(
    basis: MediatedDynamics, effect: str, mediator: str, rho: Sequence[float], sign: float
) -> tuple[pd.DataFrame, float]:
    dynamics, change = basis.dynamics, basis.change
    from_mediator, to_outcome = (dynamics.measures.index(name) for name in (mediator, change.outcome))
    path = dynamics.path_effects.sel(path=lagged_path(mediator, change.outcome)).to_numpy()
    precision = np.linalg.inv(dynamics.innovations)
    mediator_sd = 1 / np.sqrt(precision[..., from_mediator, from_mediator])
    outcome_innovation = np.sqrt(dynamics.innovations[..., to_outcome, to_outcome])

    def at(value: float) -> xr.DataArray:
        bias = path - direct_path_at(value, path, mediator_sd, outcome_innovation)
        return change.effects_at_end(dynamics.shifted({(mediator, change.outcome): bias}))[effect]

    zero = _zero_nearest_to_0(lambda value: float(at(value).mean()))
    return _rows({float(value): at(value) for value in rho}, sign, "rho"), zero


def _zero_nearest_to_0(function: Callable[[float], float]) -> float:
    """Correlation nearest to 0 at which a function is 0; NaN where it has the same sign everywhere."""
    from scipy.optimize import brentq

    grid = np.linspace(-0.95, 0.95, 20)
    signs = np.sign([function(value) for value in grid])
    crossings = np.flatnonzero(signs[:-1] != signs[1:])
    if not len(crossings):
        return np.nan
    before = crossings[np.abs(grid[crossings] + grid[crossings + 1]).argmin()]
    return float(brentq(function, grid[before], grid[before + 1], xtol=1e-4))


def _rows(effects: Mapping[Any, xr.DataArray], sign: float, name: str) -> pd.DataFrame:
    """One row for each effect: mean, interval, and the probability that it has the estimate's sign."""
    stacked = xr.concat(list(effects.values()), dim=pd.Index(list(effects), name=name))
    lower, upper = interval(stacked, "chain", "draw")
    columns = {
        "mean": stacked.mean(("chain", "draw")),
        "lower": lower,
        "upper": upper,
        "p_same_sign": indicator(stacked * sign > 0, stacked).mean(("chain", "draw")),
    }
    index = pd.Index(list(effects), name=name)
    return pd.DataFrame({column: values.to_numpy() for column, values in columns.items()}, index=index)


def _tipping(curve: pd.DataFrame, asked: float, sign: float, zero: float) -> pd.DataFrame:
    lost = {
        "sign": (_first(curve["p_same_sign"] < asked) if curve["p_same_sign"].iloc[0] >= asked else np.nan, np.nan),
        "effect": (_first(curve["mean"] * sign <= 0), zero),
    }
    return pd.DataFrame.from_dict(lost, orient="index", columns=["strength", "rho"]).rename_axis("lost")


def _first(holds: pd.Series) -> float:
    first = holds.index[holds.to_numpy(bool)]
    return float(first[0]) if len(first) else np.nan


def _benchmarks(measured: Mapping[str, tuple[float, float]], at: EffectAt, adverse: float, sign: float) -> pd.DataFrame:
    if not measured:
        columns = ["start", "outcome", "strength", "mean", "lower", "upper", "p_same_sign"]
        return pd.DataFrame(columns=columns, index=pd.Index([], name="measured"), dtype=float)
    sizes = pd.DataFrame.from_dict(measured, orient="index", columns=["start", "outcome"])
    sizes["strength"] = np.sqrt(abs(sizes["start"] * sizes["outcome"]))
    like = {name: at(adverse * abs(start), abs(on_outcome)) for name, (start, on_outcome) in measured.items()}
    return sizes.rename_axis("measured").join(_rows(like, sign, "measured"))


def _e_values(answer: Answer, scale: float) -> pd.DataFrame:
    rows = {}
    for name in ("total", "direct", "indirect"):
        if name not in answer.table.index:
            continue
        row = answer.table.loc[name, ["mean", "lower", "upper"]].astype(float) / scale
        nearest = 0.0 if row["lower"] <= 0 <= row["upper"] else min(row["lower"], row["upper"], key=abs)
        ratio = risk_ratio_of_difference(row["mean"])
        rows[name] = {
            "risk_ratio": ratio,
            "e_value": e_value(ratio),
            "e_value_of_limit": e_value(risk_ratio_of_difference(nearest)),
        }
    columns = ["risk_ratio", "e_value", "e_value_of_limit"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("effect")


def _sentence(effect: str, tipping: "pd.Series[float]", benchmarks: pd.DataFrame, certainty: float) -> str:
    if np.isnan(tipping["sign"]):
        first = f"The sign of the {effect} effect is not certain even without a hidden cause"
        if not np.isnan(tipping["effect"]):
            first += f"; one of strength {tipping['effect']:.2f} would take all of it"
    else:
        first = (
            f"A hidden cause of strength {tipping['sign']:.2f} would take the certainty of the {effect} effect's sign "
            f"below {number(certainty)}"
        )
        if not np.isnan(tipping["effect"]):
            first += f", and one of {tipping['effect']:.2f} all of the effect"
    if not len(benchmarks):
        return f"{first}."
    measured = [f"'{name}' is as strong as {row['strength']:.2f}" for name, row in benchmarks.iterrows()]
    return f"{first}; {in_words(measured)}."


def _assumptions(outcome: str, mediator: str) -> tuple[str, ...]:
    if not mediator:
        return (
            "One hidden cause, whose effect on the outcome does not differ between regimes or with the mediators.",
            "Everything that the answer itself assumes, but for that hidden cause.",
        )
    return (
        f"One hidden cause, which drives {mediator} and, one step later, {outcome}, and no other measure; it acts "
        "linearly and at every step alike.",
        f"Correlations rho are those of the innovations of {mediator}, given the other measures, and of the next "
        f"{outcome}.",
        "Everything that the answer itself assumes, but for that hidden cause.",
    )


def _heading(basis: MediatedDynamics | SimulatedRegimes, outcome: str, effect: str) -> str:
    if isinstance(basis, SimulatedRegimes):
        return f"{effect} effect on {outcome} under hidden causes, in its own unit"
    return (
        f"{effect} effect of {basis.change.treatment} on {outcome} through {in_words(basis.change.mediators)} under "
        "hidden causes, SD per SD"
    )


class SensitivityArguments(Arguments):
    """Keys of sensitivity: the name of an earlier question, and how strong hidden causes are."""

    named_first = ("of", "effect")
    of: Name
    effect: Name = EFFECT
    mediator: Measure | None = None
    hidden_cause: Listed[float] = Field(STRENGTHS, min_length=1, description="a list of numbers from 0 to below 0.95")
    persistence: Annotated[float, Field(gt=0, lt=1, description="a number between 0 and 1")] = PERSISTENCE
    rho: Listed[float] = Field(CORRELATIONS, min_length=1, description="a list of numbers between -1 and 1")
    prior_sd: Positive = PRIOR_SD
    seed: Seed = 1
    certainty: Certainty | None = None

    def about(self) -> str:
        """The answer, and its effect where one is named."""
        return f"of '{self.of}'" + (f", {self.effect} effect" if "effect" in self.model_fields_set else "")


register(
    Question(
        "sensitivity",
        SensitivityArguments,
        lambda answer, given: sensitivity(answer, **given.given("of")),
        subject=None,
        of_an_answer=True,
    )
)
