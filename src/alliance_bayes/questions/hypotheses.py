"""Informative hypotheses about lagged effects, evaluated by encompassing priors, and practical equivalence."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

import numpy as np
import pandas as pd
import xarray as xr
from pydantic import Field

from ..basics.calls import checked
from ..basics.declared import Listed, Margin, Text
from ..basics.names import lagged_path, number
from ..basics.problems import Problems, SpecError
from ..basics.text_tables import TextTable
from ..figures.evidence import shares_figure
from ..posterior.health import Diagnostics
from ..posterior.posterior import Posterior
from ..posterior.summaries import Probability, indicator, interval_name, probability
from ..spec.cross_lagged import CrossLagged
from .answer import LIMITS, Answer, untrusted
from .arguments import MARGIN, Group, PairArguments, check_margin, check_pair, population
from .cells import labels, probabilities, table_of
from .dynamics import sample_in_words
from .lengths import average_over, length_labels, spacing_in_words
from .ratios import Ratio, odds_of
from .registry import Question, register
from .statements import Statement, effects_of, fixed_effects, read_statements, statement_problems

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["bf_complement", "bf_unconstrained", "hypotheses", "undecidable"]

Statements = Annotated[
    Annotated[Listed[Text], Field(min_length=1)] | Annotated[dict[str, Text], Field(min_length=1)],
    Field(description="a list of texts, such as ['|x -> y| > |y -> x|'], or a table from names to them"),
]


@checked(apart=["statements", "margin"])
def hypotheses(
    fit: Posterior,
    first: str,
    second: str,
    *,
    statements: Sequence[str] | Mapping[str, str] | None = None,
    margin: float = MARGIN,
    group: str | None = None,
) -> Answer:
    """Evaluate inequality hypotheses about the lagged effects between two measures by Bayes factors.

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
        (``x -> y``), their sizes (``|x -> y|``) and numbers, chained or joined by ``&``; and ``x leads y``, that
        ``|x -> y|`` is larger than ``|y -> x|`` by more than the margin. With
        several intervals ``x -> y`` is the average over all of them, and ``x -> y, 0 to 6`` one of them;
        with intervals of different length the average needs its name, ``x -> y, average of intervals
        of 6``. Left open: either effect larger in size, both above and both below the margin, and, with free
        lags, each effect rising or falling from interval to interval.
    margin
        Half-width of the region of practical equivalence, and by how much an effect must be larger to lead, in SD per
        SD; in (0, 1).
    group
        Which group, where the fit has groups.

    Returns
    -------
    Answer
        ``table``, indexed by ``hypothesis``. ``statement``: its text. ``posterior`` and ``prior``: its probability
        after and before the data, with their Monte Carlo errors ``posterior_mcse`` and ``prior_mcse``. Draws in which
        both sides of a comparison are equal are no answers: ``posterior_undefined`` and ``prior_undefined``, their
        shares, are excluded from the probabilities. ``bf_unconstrained``: Bayes factor against the unconstrained
        model, at most ``1 / prior``; ``bf_complement``: against the complement, that the hypothesis is false. Each
        with ``..._log_error``, the Monte Carlo standard error of its logarithm, and ``..._bound``: "<" or ">" where no
        draw or every draw satisfies the hypothesis, so that the factor is known only to lie below or above its value.

        ``tables["rope"]``, indexed by ``path`` and ``over``: ``below``, ``inside`` and ``above``, probabilities that
        the effect lies below, within and above the region of practical equivalence, -margin to margin, with the Monte
        Carlo error ``inside_mcse`` and the prior's ``inside_prior``; ``interval_inside``, share of the interval's draws
        in the region (`arviz_stats.ci_in_rope`); ``verdict``: "practically none" where all of the interval is inside,
        "not negligible" where none of it is, else "undecided".

    Raises
    ------
    SpecError
        If a measure is not in the model, both are the same, a path is fixed at 0, the margin is invalid,
        or a statement cannot be read or compares nothing but effects that are 0 by construction, with all
        problems at once.

    References
    ----------
    .. [1] Klugkist, Laudy & Hoijtink (2005). Inequality constrained analysis of variance: a Bayesian
       approach. Psychological Methods 10, 477-493.
    """
    problems = Problems("These hypotheses cannot be evaluated")
    fit = population(fit, group, problems)
    check_pair(fit, first, second, problems)
    check_margin(margin, problems)
    problems.raise_as(SpecError)
    after, before = (effects_of(fit, name) for name in ("posterior", "prior"))
    texts = _default_statements(fit, first, second, margin) if statements is None else statements
    read = read_statements(texts, after, fixed_effects(fit), problems, margin=margin)
    rows = {name: _row(statement, after, before) for name, statement in read.items()}
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("hypothesis")
    rope = _rope(fit, (lagged_path(first, second), lagged_path(second, first)), after, before, margin)
    named = {name: statement.text for name, statement in read.items()}
    n_draws, n_prior_draws = fit.n_draws, next(iter(before.values())).size
    within = "within persons" if fit.spec.random_intercepts else "within and between persons mixed"
    return Answer(
        question="hypotheses",
        arguments={"between": (first, second), "statements": named, "margin": margin, "group": group},
        heading=(
            f"Hypotheses about lagged effects {within}, SD per SD, {spacing_in_words(fit)}; "
            f"{sample_in_words(fit, group)}"
        ),
        table=table,
        body=(
            *_hypotheses_in_words(table, n_draws, n_prior_draws),
            f"Practically none, effects between -{number(margin)} and {number(margin)}:",
            _rope_in_words(rope, n_draws, n_prior_draws),
        ),
        health=fit.health,
        tables={"rope": rope},
        reasons=untrusted(fit.health) + undecidable(table),
        assumptions=(
            "A Bayes factor compares a hypothesis with the unconstrained model (any effects), or with its complement "
            "(the hypothesis is false), under the priors of the fit; it is no probability that the hypothesis is true. "
            "Brackets: two Monte Carlo errors to each side.",
            "Against the unconstrained model no hypothesis can gain more than one over its prior probability.",
            *fit.spec.assumptions,
        ),
        before_assumptions=LIMITS,
        figure=_figure,
    )


def _figure(answer: Answer) -> "Figure":
    shares = {str(name): (row["posterior"], row["prior"]) for name, row in answer.table.iterrows()}
    return shares_figure(
        shares, title="How probable each hypothesis is", labels=("after the data", "before (prior)"), unit="probability"
    )


def bf_unconstrained(after: Probability, before: Probability) -> Ratio:
    """Bayes factor of an event against the unconstrained model, ``f / c``.

    Examples
    --------
    >>> print(bf_unconstrained(Probability(0.9, 0.003, 4000), Probability(0.5, 0.008, 4000)))
    1.8
    >>> print(bf_unconstrained(Probability(0.0, 0.0, 4000), Probability(0.5, 0.008, 4000)))
    < 0.0005
    """
    return _share(after).times(_share(before).inverse)


def bf_complement(after: Probability, before: Probability) -> Ratio:
    """Bayes factor of an event against its complement, ``[f / (1 - f)] / [c / (1 - c)]``.

    Examples
    --------
    >>> print(bf_complement(Probability(0.9, 0.003, 4000), Probability(0.5, 0.008, 4000)))
    9
    """
    return odds_of(after).times(odds_of(before).inverse)


def _share(event: Probability) -> Ratio:
    if not event.value:
        return Ratio(-float(np.log(event.n_draws)), np.nan, "<")
    return Ratio(float(np.log(event.value)), event.mcse / event.value)


def _default_statements(fit: Posterior, first: str, second: str, margin: float) -> list[str]:
    forward, backward, least = lagged_path(first, second), lagged_path(second, first), number(margin)
    lengths = length_labels(fit)
    distinct = list(dict.fromkeys(lengths))
    statements = []
    for length in distinct:
        suffix = f", {average_over(length)}" if len(distinct) > 1 else ""
        one, other = f"|{forward}{suffix}|", f"|{backward}{suffix}|"
        statements += [f"{one} > {other}", f"{other} > {one}"]
        statements += [f"{one} {sign} {least} & {other} {sign} {least}" for sign in (">", "<")]
    if fit.spec.lags_for(fit.panel.times) != "free":
        return statements
    intervals = [str(name) for name in fit.posterior["interval"].to_numpy()]
    for length in distinct:
        alike = [name for name, other in zip(intervals, lengths, strict=True) if other == length]
        if len(alike) > 1:
            statements += [
                sign.join(f"{path}, {name}" for name in alike)
                for path in (forward, backward)
                for sign in (" < ", " > ")
            ]
    return statements


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
        ("bf_unconstrained", bf_unconstrained(posterior, prior)),
        ("bf_complement", bf_complement(posterior, prior)),
    ):
        row |= {name: ratio.value, f"{name}_log_error": ratio.error, f"{name}_bound": ratio.bound}
    return row


def undecidable(table: pd.DataFrame) -> tuple[str, ...]:
    """A sentence where some draws neither satisfy nor contradict a hypothesis."""
    shares = [
        f"'{name}' in {100 * row['posterior_undefined']:.3g} % of the posterior's and "
        f"{100 * row['prior_undefined']:.3g} % of the prior's"
        for name, row in table.iterrows()
        if row["posterior_undefined"] or row["prior_undefined"]
    ]
    if not shares:
        return ()
    return (
        "Some draws have no answer, since both sides of a comparison are exactly equal (effects smaller than any "
        f"number) or an effect has no value: {'; '.join(shares)}. Probabilities and Bayes factors are those of the "
        "other draws, and undefined where they are hardly any.",
    )


def _rope(
    fit: Posterior,
    paths: tuple[str, str],
    after: Mapping[str, xr.DataArray],
    before: Mapping[str, xr.DataArray],
    margin: float,
) -> pd.DataFrame:
    import arviz_stats

    overs = [average_over(length) for length in dict.fromkeys(length_labels(fit))]
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
    return table_of(rows, "path", "over")


def _verdict(share: float, health: Diagnostics) -> str:
    if not health.healthy or 0 < share < 1:
        return "undecided"
    return "practically none" if share else "not negligible"


def _hypotheses_in_words(table: pd.DataFrame, n_draws: int, n_prior_draws: int) -> tuple[str | TextTable, ...]:
    factors = {
        head: [
            Ratio(float(np.log(row[kind])), row[f"{kind}_log_error"], row[f"{kind}_bound"]).with_error()
            for _, row in table.iterrows()
        ]
        for kind, head in (
            ("bf_unconstrained", "BF against unconstrained [MC error]"),
            ("bf_complement", "BF against complement [MC error]"),
        )
    }
    shown = TextTable.of(
        {
            "": [str(name) for name in table.index],
            "posterior": probabilities(table["posterior"], n_draws, table["posterior_undefined"]),
            "prior": probabilities(table["prior"], n_prior_draws, table["prior_undefined"]),
            **factors,
        }
    )
    named = table.loc[table.index != table["statement"], "statement"]
    return (shown, *(f"{name}: {statement}" for name, statement in named.items()))


def _rope_in_words(rope: pd.DataFrame, n_draws: int, n_prior_draws: int) -> TextTable:
    inside = zip(rope["interval_inside"], rope["verdict"], strict=True)
    return TextTable.of(
        {
            "": labels(rope),
            "P(below)": probabilities(rope["below"], n_draws),
            "P(inside)": probabilities(rope["inside"], n_draws),
            "prior": probabilities(rope["inside_prior"], n_prior_draws),
            "P(above)": probabilities(rope["above"], n_draws),
            f"{interval_name()} inside": [f"{share:.0%}: {verdict}" for share, verdict in inside],
        },
        left={f"{interval_name()} inside"},
    )


class HypothesesArguments(PairArguments):
    """Keys of hypotheses about lagged effects."""

    statements: Statements | None = None
    margin: Margin = MARGIN
    group: Group | None = None

    def against(self, model: CrossLagged) -> Iterator[str]:
        """Also the statements, but for their intervals, which are known once the data are."""
        yield from super().against(model)
        yield from statement_problems(self.statements or (), model)


register(Question.of(hypotheses, HypothesesArguments))
