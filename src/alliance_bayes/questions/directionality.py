"""Which way does it run: evidence on who leads whom, with "undecided" as a normal answer."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import xarray as xr

from ..basics.calls import checked
from ..basics.declared import Certainty, Margin
from ..basics.names import in_words, lagged_path, number, quoted
from ..basics.problems import Problems, SpecError
from ..basics.text_tables import TextTable
from ..figures.bars import Bar
from ..figures.evidence import Curve, EffectsRow, effects_figure
from ..posterior.fit import Fit
from ..posterior.health import Health
from ..posterior.summaries import Probability, above, average_by_length, below, indicator, probability
from ..spec.steps import interval_names
from .answer import Answer, untrusted
from .arguments import (
    CERTAINTY,
    MARGIN,
    BetweenArguments,
    Group,
    check_certainty,
    check_margin,
    check_pair,
    population,
)
from .cells import estimates, intervals, labels, mean_and_interval, probabilities, sign, stated, table_of
from .dynamics import hardly_within, sample_in_words, units_in_words
from .lengths import average_over, length_labels, spacing_in_words
from .registry import Question, register
from .structure import signless

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["SIDES", "directionality", "paths_of"]

type Evidence = dict[str, tuple[Probability, Probability]]
"""Probabilities of events after and before the data, those of leads first."""

SIDES = ("forward", "backward")


@checked(apart=["margin", "certainty"])
def directionality(
    fit: Fit,
    *measures: str,
    margin: float = MARGIN,
    certainty: float = CERTAINTY,
    group: str | None = None,
) -> Answer:
    """Assess the evidence on which of two measures leads the other.

    Per draw, the standardised lagged effects of both directions are averaged (signed) over all
    intervals of equal length and compared in size. With a and b the two effects and m the margin,
    the verdict is the first of these events whose probability, minus two Monte Carlo standard
    errors, reaches the certainty: "practically none" (|a| < m and |b| < m), "both" (|a| > m and
    |b| > m), "<first> leads" (|a| - |b| > m), "<second> leads" (|b| - |a| > m); otherwise, or
    when the sampling is not healthy, "undecided". Effects are standardised by within-person SDs,
    without which their sizes cannot be compared [1]_.

    Parameters
    ----------
    fit
        A fitted cross-lagged model with both paths free.
    measures
        Two of its measures; of more, every pair is asked about; all of the model where none is named. Verdicts are
        not adjusted for the number of pairs.
    margin
        Smallest size, and smallest difference in size, that counts, in SD per SD; in (0, 1). The
        default is the 25th percentile of published cross-lagged effects [2]_.
    certainty
        Probability that an event needs, two Monte Carlo errors below its estimate; in (0.5, 1). It holds for each
        pair, not for all together.
    group
        Which group, where the fit has groups.

    Returns
    -------
    Answer
        With the verdict "<first> leads", "<second> leads", "both", "practically none" or "undecided", and:

        ``table``, indexed by ``path`` and ``over``, which is one interval or the average of all intervals of
        one length. ``mean``, ``lower``, ``upper``: lagged effect in within-person SDs of the outcome at the end of
        the interval per within-person SD of the predictor at its start (CLPM: SDs). ``p_positive`` with its Monte
        Carlo error ``p_positive_mcse``, and ``p_positive_prior``, the prior's probability of the same; ``no_sign``
        and ``no_sign_prior``, shares of draws that are exactly 0 or without a value, and excluded from them.
        ``p_negligible``: probability that the effect is smaller in size than the margin. ``raw_mean``,
        ``raw_lower``, ``raw_upper``: in units of the outcome per unit of the predictor.

        ``evidence``, indexed by ``over`` and ``event``: ``probability``, ``mcse``, and ``prior``, the probability of
        the same event before the data. Distrust a probability whose ``mcse`` is not small against its distance to
        the certainty asked for.

        ``draws``: ``effect``, averaged over intervals of one length, dims ``(chain, draw, path, length)``, and
        ``effect_by_interval``, dims ``(chain, draw, path, interval)``, with the length of each interval.

        Of several pairs, ``parts`` holds the answer to each by its name, such as "alliance, days", and table,
        evidence (indexed by ``pair`` too) and draws are those of all pairs.

    Raises
    ------
    SpecError
        If a measure is not in the model, two are the same, a path between them is fixed at 0, the group is not one of
        the fit's, or the margin or certainty is invalid.

    References
    ----------
    .. [1] Schuurman, Ferrer, de Boer-Sonnenschein & Hamaker (2016). How to compare cross-lagged
       associations in a multilevel autoregressive model. Psychological Methods 21, 206-221.
       https://doi.org/10.1037/met0000062
    .. [2] Orth et al. Effect size guidelines for cross-lagged effects. Psychological Methods.
    """
    problems = Problems("This question of direction cannot be asked")
    fit = population(fit, group, problems)
    asked = measures or fit.spec.measures
    if len(asked) == 1:
        problems.add(f"Direction needs two different measures; got {quoted(asked)}.")
    for first, second in combinations(asked, 2):
        check_pair(fit, first, second, problems)
    check_margin(margin, problems)
    check_certainty(certainty, problems)
    problems.raise_as(SpecError)
    answers = [_of_pair(fit, pair, margin, certainty, group) for pair in combinations(asked, 2)]
    return answers[0] if len(answers) == 1 else _together(answers, asked)


def _of_pair(fit: Fit, pair: tuple[str, str], margin: float, certainty: float, group: str | None) -> Answer:
    first, second = pair
    lengths = length_labels(fit)
    posterior, prior = (_both(fit.drawn(name), first, second) for name in ("posterior", "prior"))
    average, prior_average = average_by_length(posterior, lengths), average_by_length(prior, lengths)
    overall = _evidence(average, prior_average, pair, margin)
    paths = lagged_path(first, second), lagged_path(second, first)
    table = _table(fit, paths, (posterior, prior), (average, prior_average), margin)
    verdict, reasons = _verdict(overall, paths, certainty, fit.health)
    reasons += _disagreements(posterior, paths, certainty)
    averages = [average_over(length) for length in overall]
    of_averages = table[table.index.get_level_values("over").isin(averages)]
    reasons += signless(
        {", ".join(path): (row["no_sign"], row["no_sign_prior"]) for path, row in of_averages.iterrows()}
    )
    heading, doubt = _heading(fit, pair)
    evidence = _evidence_table(overall)
    shown = table if fit.spec.lags_for(fit.panel.times) == "free" else of_averages
    return Answer(
        question="directionality",
        arguments={"between": pair, "margin": margin, "certainty": certainty, "group": group},
        heading=heading + (f", group {group}" if group else ""),
        table=table,
        body=(_effects_in_words(shown, fit.n_draws), *_evidence_in_words(evidence, pair, margin, fit.n_draws)),
        evidence=evidence,
        draws=_by_path(average, posterior.assign_coords(interval_length=("interval", lengths)), pair),
        verdict=verdict,
        reasons=reasons + doubt,
        assumptions=fit.spec.assumptions,
        health=fit.health,
        figure=_figure,
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
        heading=f"Direction between {in_words(measures)}, pair by pair. {first.heading}",
        table=pd.concat([answer.table for answer in answers]),
        evidence=pd.concat({name: answer.evidence for name, answer in parts.items()}, names=["pair"]),
        draws=xr.concat(draws, "path", coords="minimal", compat="override", join="exact"),
        body=tuple(body),
        verdict=None,
        reasons=(),
        parts=parts,
    )


def _by_path(average: xr.Dataset, by_interval: xr.Dataset, pair: tuple[str, str]) -> xr.Dataset:
    """Draws of both effects, averages and intervals, with a dimension ``path``."""
    paths = [lagged_path(*pair), lagged_path(*reversed(pair))]
    draws = {
        name: effects[["forward", "backward"]].to_dataarray("path").assign_coords(path=paths)
        for name, effects in (("effect", average), ("effect_by_interval", by_interval))
    }
    return xr.Dataset(draws).transpose("chain", "draw", "path", ...)


def paths_of(answer: Answer) -> tuple[str, str]:
    """The two paths of an answer about one pair: first to second, second to first."""
    first, second = map(str, answer.draws["path"].to_numpy())
    return first, second


def _figure(answer: Answer) -> "Figure":
    answers = list(answer.parts.values()) or [answer]
    rows = [_figure_row(part, str(length)) for part in answers for length in part.draws["length"].to_numpy()]
    return effects_figure(rows, unit="lagged effect, SD per SD", labels_title="Each interval")


def _figure_row(answer: Answer, length: str) -> EffectsRow:
    def bar(path: str, over: str) -> Bar:
        return Bar.of(answer.table.loc[(path, over)])

    lengths = answer.draws["interval_length"]
    names = tuple(str(name) for name in lengths["interval"][lengths == length].to_numpy())
    curves = tuple(
        Curve(
            path,
            answer.draws["effect"].sel(path=path, length=length).to_numpy(),
            bar(path, average_over(length)),
            tuple(bar(path, name) for name in names),
        )
        for path in answer.draws["path"].to_numpy()
    )
    title = f"Verdict: {answer.verdict}"
    if answer.draws.sizes["length"] > 1:
        title += f" ({average_over(length)})"
    return EffectsRow(title, answer.arguments["margin"], curves, names)


def _both(draws: xr.Dataset, first: str, second: str) -> xr.Dataset:
    effects = {}
    for suffix, name in (("", "lagged_standardized"), ("_raw", "lagged")):
        effects[f"forward{suffix}"] = draws[name].sel(path=lagged_path(first, second), drop=True)
        effects[f"backward{suffix}"] = draws[name].sel(path=lagged_path(second, first), drop=True)
    return xr.Dataset(effects)


def _events(effects: xr.Dataset, first: str, second: str, margin: float) -> dict[str, Probability]:
    forward, backward = abs(effects["forward"]), abs(effects["backward"])
    holds = {
        f"{first} leads": forward - backward > margin,
        f"{second} leads": backward - forward > margin,
        "both": (forward > margin) & (backward > margin),
        "practically none": (forward < margin) & (backward < margin),
    }
    return {event: probability(indicator(draws, forward, backward)) for event, draws in holds.items()}


def _evidence(average: xr.Dataset, prior: xr.Dataset, pair: tuple[str, str], margin: float) -> dict[str, Evidence]:
    evidence = {}
    for length in average["length"].values:
        after, before = (_events(effects.sel(length=length), *pair, margin) for effects in (average, prior))
        evidence[length] = {event: (after[event], before[event]) for event in after}
    return evidence


def _evidence_table(overall: dict[str, Evidence]) -> pd.DataFrame:
    rows = {
        (average_over(length), event): {"probability": after.value, "mcse": after.mcse, "prior": before.value}
        for length, events in overall.items()
        for event, (after, before) in events.items()
    }
    return table_of(rows, "over", "event")


def _table(
    fit: Fit,
    paths: tuple[str, str],
    by_interval: tuple[xr.Dataset, xr.Dataset],
    averages: tuple[xr.Dataset, xr.Dataset],
    margin: float,
) -> pd.DataFrame:
    """Rows of averages and intervals, from draws of the posterior and of the prior."""
    rows: dict[tuple[str, str], dict[str, float]] = {}
    for side, path in zip(SIDES, paths, strict=True):
        for length in averages[0]["length"].values:
            after, before = (effects.sel(length=length) for effects in averages)
            rows[path, average_over(length)] = _row(after, before, side, margin)
        for name in interval_names(fit.panel.times):
            after, before = (effects.sel(interval=name) for effects in by_interval)
            rows[path, name] = _row(after, before, side, margin)
    return table_of(rows, "path", "over")


def _row(effects: xr.Dataset, prior: xr.Dataset, side: str, margin: float) -> dict[str, float]:
    effect = effects[side]
    return {
        **mean_and_interval(effect),
        **sign(effect, prior[side]),
        "p_negligible": probability(indicator(abs(effect) < margin, effect)).value,
        **mean_and_interval(effects[f"{side}_raw"], "raw_"),
    }


def _verdict(
    overall: dict[str, Evidence], paths: tuple[str, str], certainty: float, health: Health
) -> tuple[str, tuple[str, ...]]:
    if not health.healthy:
        return "undecided", untrusted(health)
    verdicts = {length: _verdict_of(events, certainty) for length, events in overall.items()}
    distinct = set(verdicts.values())
    if len(distinct) > 1:
        said = "; ".join(f"over {length}, {verdict}" for length, verdict in verdicts.items())
        return "undecided", (f"Intervals of different length disagree: {said}.",)
    verdict = distinct.pop()
    if verdict != "both":
        return verdict, ()
    leads = list(next(iter(overall.values())))[:2]
    stronger = [
        path
        for event, path in zip(leads, paths, strict=True)
        if all(events[event][0].reaches(certainty) for events in overall.values())
    ]
    reasons = tuple(f"{path} is the stronger." for path in stronger)
    return verdict, reasons or ("Neither is stronger with enough certainty.",)


def _verdict_of(events: Evidence, certainty: float) -> str:
    for event in ("practically none", "both", *events):
        if events[event][0].reaches(certainty):
            return event
    return "undecided"


def _disagreements(posterior: xr.Dataset, paths: tuple[str, str], certainty: float) -> tuple[str, ...]:
    sentences: list[str] = []
    if posterior.sizes["interval"] == 1:
        return ()
    for side, path in zip(SIDES, paths, strict=True):
        effect = posterior[side]
        names = [str(name) for name in effect["interval"].values]
        shares = {name: effect.sel(interval=name) for name in names}
        positive = [name for name, of in shares.items() if probability(above(of, 0)).reaches(certainty)]
        negative = [name for name, of in shares.items() if probability(below(of, 0)).reaches(certainty)]
        if positive and negative:
            sentences.append(
                f"Intervals disagree: {path} is positive over {quoted(positive)} and negative over {quoted(negative)}, "
                "so the average hides both."
            )
    return tuple(sentences)


def _heading(fit: Fit, pair: tuple[str, str]) -> tuple[str, tuple[str, ...]]:
    scale = f"SD per SD, {spacing_in_words(fit)}; {sample_in_words(fit)}{units_in_words(fit, pair)}"
    if not fit.spec.random_intercepts:
        return f"Lagged effects, within and between persons mixed, {scale}", ()
    doubt = hardly_within(fit, pair)
    return f"Lagged effects{'' if doubt else ' within persons'}, {scale}", doubt


def _effects_in_words(shown: pd.DataFrame, n_draws: int) -> TextTable:
    raw = zip(shown["raw_mean"], intervals(shown, "raw_", ".3g"), strict=True)
    return TextTable.of(
        {
            "": labels(shown),
            **estimates(shown),
            "P(effect > 0)": probabilities(shown["p_positive"], n_draws, shown["no_sign"]),
            "prior": probabilities(shown["p_positive_prior"], n_draws, shown["no_sign_prior"]),
            "P(|effect| < margin)": probabilities(shown["p_negligible"], n_draws),
            "raw units": [f"{mean:.3g} {inside}" for mean, inside in raw],
        },
        left={"raw units"},
    )


def _evidence_in_words(evidence: pd.DataFrame, pair: tuple[str, str], margin: float, n_draws: int) -> list[str]:
    first, second = pair
    least = number(margin)
    meaning = {
        f"{first} leads": f"|{lagged_path(first, second)}| larger by more than {least}",
        f"{second} leads": f"|{lagged_path(second, first)}| larger by more than {least}",
        "both": f"both larger than {least} in size",
        "practically none": f"both smaller than {least} in size",
    }
    several = len(evidence.index.unique("over")) > 1
    lines = []
    for (over, event), row in evidence.iterrows():
        error = f"MCSE {np.ceil(row['mcse'] * 1000) / 1000:.3f}" if row["mcse"] else "all draws agree"
        value, prior = (Probability(row[name], 0.0, n_draws) for name in ("probability", "prior"))
        lines.append(f"{stated(meaning[event] + (f', {over}' if several else ''), value)} ({error}), prior {prior}")
    return lines


class DirectionalityArguments(BetweenArguments):
    """Keys of a question of direction."""

    margin: Margin = MARGIN
    certainty: Certainty = CERTAINTY
    group: Group | None = None


register(Question.of(directionality, DirectionalityArguments))
