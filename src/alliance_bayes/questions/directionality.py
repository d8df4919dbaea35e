"""Which way does it run: evidence on who leads whom, with "undecided" as a normal answer."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

import pandas as pd
import xarray as xr

from ..basics.calls import checked
from ..basics.declared import Certainty, Margin
from ..basics.names import in_words, quoted
from ..basics.problems import Problems, SpecError
from ..posterior.posterior import Posterior
from .answer import Answer
from .arguments import (
    CERTAINTY,
    BetweenArguments,
    Group,
    Length,
    check_certainty,
    check_margin,
    check_pair,
    population,
)
from .at_lag import lag_problems
from .direction_dynamics import DirectionDynamics
from .directionality_effects import SIDES, by_path, effects_by_length
from .directionality_figure import direction_figure
from .directionality_tables import contest_table, effects_table, evidence_table
from .directionality_verdict import doubts_about_sizes, verdict_on
from .directionality_words import (
    contest_in_words,
    divergences_in_words,
    effects_in_words,
    evidence_in_words,
    heading_of,
)
from .lengths import lag_label
from .number_of_questions import in_one_call
from .registry import Question, register
from .structure import signless
from .without_prior import differences_in_words, with_estimates_without_prior

__all__ = ["SIDES", "directionality", "paths_of"]


@checked(apart=["lag", "margin", "certainty"])
def directionality(
    fit: Posterior,
    *measures: str,
    lag: float | None = None,
    margin: float | None = None,
    certainty: float = CERTAINTY,
    group: str | None = None,
) -> Answer:
    """Assess the evidence on which of two measures leads the other.

    Per draw, the standardised lagged effects of both directions are averaged (signed) over all intervals of the
    length asked about. With a and b the two effects and m the margin, the verdict is the first of these events
    whose probability, minus two Monte Carlo standard errors, reaches the certainty: "practically none" (``|a| < m``
    and ``|b| < m``); "both" (``|a| > m`` and ``|b| > m``, where the signs of a and b are settled too: positive or
    negative with that certainty); "<first> leads" (``|a| - |b| > m``, where the sign of a is settled), "<second>
    leads" (``|b| - |a| > m``, where that of b is). Otherwise, or where the sampling is not healthy, it is
    "undecided". Where the prior alone gives the event that certainty, a reason says so. Effects are standardised by
    within-person SDs, as is advised for comparing their sizes [1]_.

    Parameters
    ----------
    fit
        A fitted cross-lagged model with both paths free.
    measures
        Two of its measures; of more, every pair is asked about; all of the model where none is named. Verdicts are
        not adjusted for the number of pairs.
    lag
        Over which lag, in the panel's unit of time; the shortest interval when left open. A length of the panel's
        intervals; beyond these, a whole number of intervals where all effects and intervals are equal, a whole number
        of steps on a grid, and any in continuous time.
    margin
        Smallest size, and smallest difference in size, that counts, in SD per SD; in (0, 1). When left open, .03 over
        the shortest interval, the 25th percentile of published cross-lagged effects [2]_; over another lag, .03 times
        the spread of the effects over that lag before the data (half of the distance of the 16th and the 84th
        percentile), divided by that over the shortest interval, to two digits.
    certainty
        Probability that an event needs, two Monte Carlo errors below its estimate; in (0.5, 1). It holds for each
        pair, not for all together.
    group
        Which group, where the fit has groups.

    Returns
    -------
    Answer
        With the verdict "<first> leads", "<second> leads", "both", "practically none" or "undecided", and:

        ``table``, indexed by ``path`` and ``over``, which is one interval, the average of all intervals of one length,
        or a lag between which no two waves lie. ``mean``, ``sd``, ``lower``, ``upper``: lagged effect in within-person
        SDs of the outcome at the end of the interval per within-person SD of the predictor at its start (CLPM: SDs;
        over a lag that is no interval's length, SDs of the first wave), as published ones are; `lag_curve` has SDs of
        one wave, so that lags can be compared. ``p_positive`` with its Monte Carlo error
        ``p_positive_mcse``, and ``p_positive_prior``, the prior's probability of the same; ``prior_mean``,
        ``prior_lower``, ``prior_upper``: the effect before the data; ``no_sign`` and
        ``no_sign_prior``, shares of draws that are exactly 0 or without a value, and excluded from them.
        ``p_negligible``: probability that the effect is smaller in size than ``margin``, that of its length.
        ``raw_mean``, ``raw_lower``, ``raw_upper``: in units of the outcome per unit of the predictor.
        ``without_prior``, with its standard error or SD ``without_prior_sd``; by ``without_prior_by``, "maximum
        likelihood", without any prior, where it converged inside the boundaries of variances and correlations,
        otherwise as the next. ``with_wide_prior``, ``with_wide_prior_sd`` and ``with_wide_prior_by``: "prior SD 1", the
        draws weighted as if lags between measures had that prior, all other priors kept, where the Pareto shape k-hat
        of the weights is below 0.7 ("prior SD 1 of averages" of ``lags="free"``: the prior of how single intervals
        differ from their average is kept, too). NaN where not sound. Where maximum likelihood is more than half a
        posterior SD away, a sentence says so: the prior of the lags moves the effect where the wide prior alone moves
        it by more than that to the same side; other priors where it does not, and where more than that is left.

        ``evidence``, indexed by ``over`` and ``event``: ``probability``, ``mcse``, and ``prior``, the probability of
        the same event before the data; ``signs_settled``, whether the signs are that a verdict of this event needs
        (of the effect that leads, or of both). Distrust a probability whose ``mcse`` is not small against its
        distance to the certainty asked for.

        ``tables["contest"]``, indexed by ``over``: ``probability`` that the effect of the first measure is the larger
        in size, its ``mcse``, and ``prior``, the same before the data; ``odds``, ``prior_odds`` and their ``ratio``,
        the Bayes factor of this order, with the Monte Carlo standard error ``log_error`` of its logarithm (NaN where
        the draws give only a bound). Where the two effects are estimated unequally well, the less certain one is
        more often the larger even where both are 0; then a warning says so.

        ``tables["model_fit"]``, indexed by ``test``, of the fit and never part of the verdict: how well the ``"model"``
        reproduces the data, and tests of ``"equal lags"`` and ``"equal residuals"`` against free ones. ``by``:
        "maximum likelihood" (``chi_square``, ``df``, ``p``, ``cfi``, ``rmsea``, those of the model with Swain's
        correction for few people [3]_; "misfit" where p < .01 and the RMSEA is .03 or more), or "posterior
        predictive" where there is no proper maximum, or values are missing and the correction is more than a fifth of
        the SD of chi-square (``p``, as of `Fit.check`; "misfit" below .01); ``verdict``: "misfit", "rejected" (p of
        equality below .01) or nothing.
        ``tables["reliability"]``, indexed by ``measure``: Cronbach's alpha of its items, or the known reliability.

        ``draws``: ``effect``, averaged over intervals of one length, dims ``(chain, draw, path, length)``, and
        ``effect_by_interval``, dims ``(chain, draw, path, interval)``, with the length of each interval.

        Of several pairs, ``parts`` holds the answer to each by its name, such as "alliance, days", and table,
        evidence and contest (indexed by ``pair`` too) and draws are those of all pairs.

    Raises
    ------
    SpecError
        If a measure is not in the model, two are the same, a path between them is fixed at 0, the group is not one of
        the fit's, the model has no effects over the lag, or the margin or certainty is invalid.

    References
    ----------
    .. [1] Schuurman, Ferrer, de Boer-Sonnenschein & Hamaker (2016). How to compare cross-lagged
       associations in a multilevel autoregressive model. Psychological Methods 21, 206-221.
       https://doi.org/10.1037/met0000062
    .. [2] Orth et al. (2024). Effect size guidelines for cross-lagged effects. Psychological Methods 29, 421-433.
       https://doi.org/10.1037/met0000499
    .. [3] Herzog & Boomsma (2009). Small-sample robust estimators of noncentrality-based and incremental model fit.
       Structural Equation Modeling 16, 1-27.
    """
    problems = Problems("This question of direction cannot be asked")
    fit = population(fit, group, problems)
    asked = measures or fit.spec.measures
    if len(asked) == 1:
        problems.add(f"Direction needs two different measures; got {quoted(asked)}.")
    for first, second in combinations(asked, 2):
        check_pair(fit, first, second, problems)
    if lag is not None:
        problems.found += lag_problems(fit, lag)
    if margin is not None:
        check_margin(margin, problems)
    check_certainty(certainty, problems)
    problems.raise_as(SpecError)
    answers = [_of_pair(fit, pair, lag, margin, certainty, group) for pair in combinations(asked, 2)]
    return _beside_the_fit(answers[0] if len(answers) == 1 else _together(answers, asked), fit)


def _of_pair(
    fit: Posterior, pair: tuple[str, str], lag: float | None, margin: float | None, certainty: float, group: str | None
) -> Answer:
    found = effects_by_length(fit, pair, lag, margin, certainty)
    effects, lengths, (by_interval, _) = found.by_length, found.lengths, found.by_interval
    lag, asked = found.lag, found.asked
    table = with_estimates_without_prior(
        effects_table(fit, effects, found.by_interval, lengths), fit, pair, lag, list(effects.values())
    )
    of_lengths = table[table.index.get_level_values("over").isin([one.over for one in effects.values()])]
    shown = table if fit.spec.lags_for(fit.panel.times) == "free" else of_lengths
    verdict, reasons = verdict_on(asked, fit.health)
    if fit.health.healthy:
        reasons += (
            *doubts_about_sizes(effects, asked, by_interval, verdict),
            *differences_in_words(shown),
        )
    reasons += signless(
        {", ".join(path): (row["no_sign"], row["no_sign_prior"]) for path, row in of_lengths.iterrows()}
    )
    heading, doubt = heading_of(fit, pair, lag_label(lag) if len(effects) > 1 else None)
    evidence = evidence_table(effects, healthy=fit.health.healthy)
    return Answer(
        question="directionality",
        basis=DirectionDynamics.of(fit),
        arguments={"between": pair, "lag": lag, "margin": asked.margin, "certainty": certainty, "group": group},
        heading=heading + (f", group {group}" if group else ""),
        table=table,
        body=(
            effects_in_words(shown, fit.n_draws),
            contest_in_words(asked.contest, asked.paths, asked.sds),
            *evidence_in_words(evidence.loc[asked.over], pair, asked.margin, fit.n_draws),
        ),
        evidence=evidence,
        tables={"contest": contest_table(effects)},
        draws=by_path(
            found.averages, by_interval.assign_coords(interval_length=("interval", lengths)), pair
        ).assign_attrs(asked=lag_label(lag), measures=list(fit.spec.measures)),
        verdict=verdict,
        reasons=reasons + doubt,
        assumptions=fit.spec.assumptions,
        health=fit.health,
        figure=direction_figure,
    )


def _beside_the_fit(answer: Answer, fit: Posterior) -> Answer:
    """The answer with how well the model fits, once for all of its pairs."""
    found = fit.model_fit
    return replace(
        answer,
        body=(*answer.body, *found.notes, *divergences_in_words(fit.health, fit.n_drawn)),
        tables={**answer.tables, **found.tables},
        reasons=(*answer.reasons, *found.doubts),
    )


def _together(answers: Sequence[Answer], measures: Sequence[str]) -> Answer:
    """Answers about several pairs as one."""
    first = answers[0]
    parts = {", ".join(answer.arguments["between"]): answer for answer in answers}
    body = [part for name, answer in parts.items() for part in (f"{name}:", *answer.body, *answer.conclusion())]
    draws = [answer.draws for answer in answers]
    return replace(
        first,
        arguments={**first.arguments, "between": tuple(measures)},
        heading=f"Direction between {in_words(measures)}, pair by pair ({len(parts)} questions). {first.heading}",
        table=pd.concat([answer.table for answer in answers]),
        evidence=pd.concat({name: answer.evidence for name, answer in parts.items()}, names=["pair"]),
        tables={
            "contest": pd.concat({name: answer.tables["contest"] for name, answer in parts.items()}, names=["pair"])
        },
        draws=xr.concat(draws, "path", coords="minimal", compat="override", join="exact"),
        body=(*body, in_one_call(len(parts))),
        verdict=None,
        reasons=(),
        parts=parts,
    )


def paths_of(answer: Answer) -> tuple[str, str]:
    """The two paths of an answer about one pair: first to second, second to first."""
    first, second = map(str, answer.draws["path"].to_numpy())
    return first, second


class DirectionalityArguments(BetweenArguments):
    """Keys of a question of direction."""

    lag: Length | None = None
    margin: Margin | None = None
    certainty: Certainty = CERTAINTY
    group: Group | None = None


register(Question.of(directionality, DirectionalityArguments))
