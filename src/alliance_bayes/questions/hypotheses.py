"""Informative hypotheses about lagged effects, weighed by encompassing priors, and practical equivalence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import xarray as xr

from ..basics.calls import checked
from ..basics.given import entries, shown
from ..basics.names import choices, lagged_path, number, quoted
from ..basics.problems import Problems, SpecError
from ..figures.evidence import shares_figure
from ..posterior.fitting import Fit
from ..posterior.health import Health
from ..posterior.summaries import Probability, indicator, interval_name, probability
from .arguments import MARGIN, check_margin
from .cells import known_draws
from .ratios import Ratio
from .statements import Statement, average_over, effects_of, fixed_effects, parse
from .structure import FIXED, check_free

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Hypotheses", "against_any", "against_rest", "hypotheses"]


@dataclass(frozen=True, eq=False, repr=False)
class Hypotheses:
    """Evidence for hypotheses about standardised lagged effects.

    Attributes
    ----------
    table
        Indexed by ``hypothesis``. ``statement``: its text. ``posterior`` and ``prior``: its probability
        after and before the data, with their Monte Carlo errors ``posterior_mcse`` and ``prior_mcse``. Draws in which
        both sides of a comparison are equal are no answers: ``posterior_undefined`` and ``prior_undefined``, their
        shares, are left out of the probabilities.
        ``against_any``: Bayes factor against the model without the constraint, at most
        ``1 / prior``; ``against_rest``: against the hypothesis being false. Each with ``..._log_error``,
        the Monte Carlo standard error of its logarithm, and ``..._bound``: "<" or ">" where no draw or every
        draw satisfies the hypothesis, so that the factor is known only to lie below or above its value.
    rope
        Indexed by ``path`` and ``over``: ``below``, ``inside`` and ``above``, probabilities that the effect
        lies below, within and above the region of practical equivalence, -margin to margin, with the Monte Carlo
        error ``inside_mcse`` and the prior's ``inside_prior``; ``interval_inside``, share of the interval's draws
        in the region (`arviz_stats.ci_in_rope`); ``verdict``: "practically none" where the whole interval is
        inside, "not negligible" where none of it is, else "undecided".
    margin
        Half-width of the region, in SD per SD.
    heading
        Estimand, scale and sample.
    reasons
        What makes numbers doubtful.
    assumptions
        What the numbers are about, and what they are not.
    health
        Of the sampling.
    n_draws, n_prior_draws
        Draws that the probabilities were counted over.
    """

    table: pd.DataFrame
    rope: pd.DataFrame
    margin: float
    heading: str
    reasons: tuple[str, ...]
    assumptions: tuple[str, ...]
    health: Health
    n_draws: int
    n_prior_draws: int

    def plot(self) -> "Figure":
        """Draw the probability of each hypothesis after and before the data."""
        shares = {str(name): (row["posterior"], row["prior"]) for name, row in self.table.iterrows()}
        return shares_figure(shares, labels=("after the data", "before (prior)"), unit="probability")

    def __str__(self) -> str:
        healthy = "no problems" if self.health.healthy else "PROBLEMS, see above"
        return "\n".join(
            [
                self.heading,
                *_hypotheses_in_words(self),
                *_rope_in_words(self),
                *(f"Beware: {reason}" for reason in self.reasons),
                f"Sampling: {healthy}. What this says, and what it does not:",
                *(f"  {place}. {sentence}" for place, sentence in enumerate(self.assumptions, start=1)),
            ]
        )

    __repr__ = __str__


@checked(apart=["statements", "margin"])
def hypotheses(
    fit: Fit,
    first: str,
    second: str,
    *,
    statements: Sequence[str] | Mapping[str, str] | None = None,
    margin: float = MARGIN,
) -> Hypotheses:
    """Weigh inequality hypotheses about the lagged effects between two measures.

    A hypothesis that is a region of the parameters, such as ``|x -> y| > |y -> x|``, has posterior
    probability f and prior probability c. Its Bayes factor against the unconstrained model is
    ``f / c`` and against its complement ``[f / (1 - f)] / [c / (1 - c)]`` [1]_: the same event counted
    among the draws of the posterior and of the prior.

    Parameters
    ----------
    fit
        A fitted cross-lagged model.
    first, second
        Two of its measures.
    statements
        Hypotheses as text, or as names with texts: comparisons by ``<`` and ``>`` of effects
        (``x -> y``), their sizes (``|x -> y|``) and numbers, chained or joined by ``&``. With
        several intervals ``x -> y`` is the average over all of them, and ``x -> y, 0 to 6`` one of them;
        with intervals of different length the average needs its name, ``x -> y, average of intervals
        of 6``. Left open: either effect larger in size, both above and both below the margin, and, with free
        lags, each effect rising or falling from interval to interval.
    margin
        Half-width of the region of practical equivalence, in SD per SD; in (0, 1).

    Returns
    -------
    Hypotheses
        Table, region of practical equivalence, text and figure.

    Raises
    ------
    SpecError
        If a measure is not in the model, both are the same, a path is fixed at 0, the margin makes no
        sense, or a statement cannot be read or compares nothing but effects that are 0 by construction, with all
        problems at once.

    References
    ----------
    .. [1] Klugkist, Laudy & Hoijtink (2005). Inequality constrained analysis of variance: a Bayesian
       approach. Psychological Methods 10, 477-493.
    """
    _check(fit, first, second, margin)
    after, before = (effects_of(fit, group) for group in ("posterior", "prior"))
    problems = Problems("These hypotheses cannot be weighed")
    texts = _default_statements(fit, first, second, margin) if statements is None else statements
    given = list(texts.values()) if isinstance(texts, Mapping) else entries(texts)
    if not given or not all(isinstance(text, str) for text in given):
        raise SpecError(
            f"statements must be a list of texts, such as ['|x -> y| > |y -> x|']; got {shown(statements)}."
        )
    named = dict(texts) if isinstance(texts, Mapping) else {text: text for text in given}
    read = {name: parse(text, after, problems) for name, text in named.items()}
    fixed = fixed_effects(fit)
    for statement in read.values():
        _check_free_sides(statement, fixed, problems)
    problems.raise_as(SpecError)
    rows = {name: _row(statement, after, before) for name, statement in read.items()}
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("hypothesis")
    return Hypotheses(
        table=table,
        rope=_rope(fit, (lagged_path(first, second), lagged_path(second, first)), after, before, margin),
        margin=margin,
        heading=_heading(fit),
        reasons=(*(f"The draws cannot be trusted: {problem}" for problem in fit.health.problems), *_undecidable(table)),
        assumptions=(
            "A Bayes factor compares a hypothesis with the model without it (any effects), or with its being false, "
            "under the priors of the fit; it is no probability that the hypothesis is true. Brackets: two Monte Carlo "
            "errors to each side.",
            "Against any effects no hypothesis can gain more than one over its prior probability.",
            *fit.spec.assumptions,
        ),
        health=fit.health,
        n_draws=fit.n_draws,
        n_prior_draws=next(iter(before.values())).size,
    )


def against_any(after: Probability, before: Probability) -> Ratio:
    """Bayes factor of an event against the unconstrained model, ``f / c``.

    Examples
    --------
    >>> print(against_any(Probability(0.9, 0.003, 4000), Probability(0.5, 0.008, 4000)))
    1.8
    >>> print(against_any(Probability(0.0, 0.0, 4000), Probability(0.5, 0.008, 4000)))
    < 0.0005
    """
    return _share(after).times(_share(before).inverse)


def against_rest(after: Probability, before: Probability) -> Ratio:
    """Bayes factor of an event against its complement, ``[f / (1 - f)] / [c / (1 - c)]``.

    Examples
    --------
    >>> print(against_rest(Probability(0.9, 0.003, 4000), Probability(0.5, 0.008, 4000)))
    9
    """
    return _odds(after).times(_odds(before).inverse)


def _share(event: Probability) -> Ratio:
    if not event.value:
        return Ratio(-float(np.log(event.n_draws)), np.nan, "<")
    return Ratio(float(np.log(event.value)), event.mcse / event.value)


def _odds(event: Probability) -> Ratio:
    if event.value in (0.0, 1.0):
        bound = Ratio(-float(np.log(event.n_draws)), np.nan, "<")
        return bound if not event.value else bound.inverse
    rest = 1 - event.value
    return Ratio(float(np.log(event.value / rest)), event.mcse / (event.value * rest))


def _check(fit: Fit, first: str, second: str, margin: float) -> None:
    problems = Problems("These hypotheses cannot be weighed")
    for name in dict.fromkeys((first, second)):
        if name not in fit.spec.measures:
            problems.add(f"The model has no measure '{name}'{choices(name, fit.spec.measures, 'Measures')}")
    if first == second:
        problems.add(f"Direction needs two different measures; got '{first}' twice.")
    for path in (lagged_path(first, second), lagged_path(second, first)):
        if path in fit.spec.remove:
            problems.add(f"'{path}' is fixed at 0 in this model. Fit the model with both paths.")
    if not problems.found:
        check_free(fit, (first, second), problems)
        check_free(fit, (second, first), problems)
    check_margin(margin, problems)
    problems.raise_as(SpecError)


def _check_free_sides(statement: Statement, fixed: set[str], problems: Problems) -> None:
    """Note comparisons of effects that are 0 by construction with nothing that could differ from draw to draw."""
    for left, _, right in statement.comparisons:
        known = [side.text for side in (left, right) if side.text in fixed]
        if known and all(side.text in fixed or side.value is not None for side in (left, right)):
            problems.add(
                f"'{statement.text}': {quoted(known)} {'is' if len(known) == 1 else 'are'} {FIXED}, so that this holds "
                "or not without any data. Compare effects that the model has."
            )


def _default_statements(fit: Fit, first: str, second: str, margin: float) -> list[str]:
    forward, backward, least = lagged_path(first, second), lagged_path(second, first), number(margin)
    lengths = [number(round(length, 9)) for length in fit.panel.intervals]
    distinct = list(dict.fromkeys(lengths))
    found = []
    for length in distinct:
        suffix = f", {average_over(length)}" if len(distinct) > 1 else ""
        one, other = f"|{forward}{suffix}|", f"|{backward}{suffix}|"
        found += [f"{one} > {other}", f"{other} > {one}"]
        found += [f"{one} {sign} {least} & {other} {sign} {least}" for sign in (">", "<")]
    if fit.spec.lags_for(fit.panel.times) != "free":
        return found
    intervals = [str(name) for name in fit.posterior["interval"].to_numpy()]
    for length in distinct:
        alike = [name for name, each in zip(intervals, lengths, strict=True) if each == length]
        if len(alike) > 1:
            found += [
                sign.join(f"{path}, {name}" for name in alike)
                for path in (forward, backward)
                for sign in (" < ", " > ")
            ]
    return found


def _row(
    statement: Statement, after: Mapping[str, xr.DataArray], before: Mapping[str, xr.DataArray]
) -> dict[str, float | str]:
    posterior, prior = (probability(statement.holds(effects)) for effects in (after, before))
    row: dict[str, float | str] = {
        "statement": statement.text,
        "posterior": posterior.value,
        "posterior_mcse": posterior.mcse,
        "prior": prior.value,
        "prior_mcse": prior.mcse,
        "posterior_undefined": posterior.undefined,
        "prior_undefined": prior.undefined,
    }
    for name, ratio in (
        ("against_any", against_any(posterior, prior)),
        ("against_rest", against_rest(posterior, prior)),
    ):
        row |= {name: ratio.value, f"{name}_log_error": ratio.error, f"{name}_bound": ratio.bound}
    return row


def _undecidable(table: pd.DataFrame) -> tuple[str, ...]:
    """A sentence where some draws neither satisfy nor contradict a hypothesis."""
    found = [
        f"'{name}' in {100 * row['posterior_undefined']:.3g} % of the posterior's and "
        f"{100 * row['prior_undefined']:.3g} % of the prior's"
        for name, row in table.iterrows()
        if row["posterior_undefined"] or row["prior_undefined"]
    ]
    if not found:
        return ()
    return (
        "Some draws have no answer, since both sides of a comparison are exactly equal (effects smaller than any "
        f"number) or an effect has no value: {'; '.join(found)}. Probabilities and Bayes factors are those of the "
        "other draws, and undefined where they are hardly any.",
    )


def _rope(
    fit: Fit,
    paths: tuple[str, str],
    after: Mapping[str, xr.DataArray],
    before: Mapping[str, xr.DataArray],
    margin: float,
) -> pd.DataFrame:
    import arviz_stats

    overs = [average_over(number(length)) for length in dict.fromkeys(round(each, 9) for each in fit.panel.intervals)]
    if fit.spec.lags_for(fit.panel.times) == "free":
        overs += [str(name) for name in fit.posterior["interval"].to_numpy()]
    rows = {}
    for path in paths:
        for over in overs:
            effect, prior = (effects[f"{path}, {over}"] for effects in (after, before))
            inside = probability(indicator(abs(effect) < margin, effect))
            share = arviz_stats.ci_in_rope(xr.Dataset({"effect": effect}), rope=(-margin, margin))["effect"]
            rows[path, over] = {
                "below": probability(indicator(effect <= -margin, effect)).value,
                "inside": inside.value,
                "inside_mcse": inside.mcse,
                "above": probability(indicator(effect >= margin, effect)).value,
                "inside_prior": probability(indicator(abs(prior) < margin, prior)).value,
                "interval_inside": float(share) / 100,
                "verdict": _verdict(float(share) / 100, fit.health),
            }
    table = pd.DataFrame.from_dict(rows, orient="index")
    table.index = pd.MultiIndex.from_tuples(rows, names=["path", "over"])
    return table


def _verdict(share: float, health: Health) -> str:
    if not health.healthy or 0 < share < 1:
        return "undecided"
    return "practically none" if share else "not negligible"


def _heading(fit: Fit) -> str:
    unit = f" {fit.panel.time_unit}" if fit.panel.time_unit else ""
    lengths = " and ".join(number(length) for length in dict.fromkeys(round(each, 9) for each in fit.panel.intervals))
    within = "within persons" if fit.spec.random_intercepts else "within and between persons mixed"
    return (
        f"Hypotheses about lagged effects {within}, SD per SD, {lengths}{unit} apart; "
        f"{fit.n_persons} people, {len(fit.panel.times)} waves, {fit.draws_in_words}"
    )


def _hypotheses_in_words(answer: Hypotheses) -> list[str]:
    n_characters = max(len(str(name)) for name in answer.table.index)
    heads = f"{'against any [MC error]':>24}  {'against its being false':>24}"
    lines = [f"{'':{n_characters}}  posterior    prior  {heads}"]
    for name, row in answer.table.iterrows():
        posterior, prior = (
            Probability(row[group], 0.0, known_draws(n_draws, row[f"{group}_undefined"]))
            for group, n_draws in (("posterior", answer.n_draws), ("prior", answer.n_prior_draws))
        )
        factors = [
            Ratio(float(np.log(row[kind])), row[f"{kind}_log_error"], row[f"{kind}_bound"]).with_error()
            for kind in ("against_any", "against_rest")
        ]
        lines.append(f"{name:{n_characters}}  {posterior!s:>9}  {prior!s:>7}  {factors[0]:>24}  {factors[1]:>24}")
    named = answer.table[answer.table.index != answer.table["statement"]]
    return [*lines, *(f"{name}: {statement}" for name, statement in named["statement"].items())]


def _rope_in_words(answer: Hypotheses) -> list[str]:
    margin, table = number(answer.margin), answer.rope
    several = len(table.index.unique("over")) > 1
    labels = [f"{path}, {over}" if several else path for path, over in table.index]
    n_characters = max(map(len, labels))
    lines = [
        f"Practically none, effects between -{margin} and {margin}:",
        f"{'':{n_characters}}  P(below)  P(inside)  prior  P(above)  {interval_name()} inside",
    ]
    for label, (_, row) in zip(labels, table.iterrows(), strict=True):
        below, inside, above = (
            str(Probability(row[name], 0.0, answer.n_draws)) for name in ("below", "inside", "above")
        )
        prior = str(Probability(row["inside_prior"], 0.0, answer.n_prior_draws))
        lines.append(
            f"{label:{n_characters}}  {below:>8}  {inside:>9}  {prior:>5}  {above:>8}  "
            f"{row['interval_inside']:>6.0%}: {row['verdict']}"
        )
    return lines
