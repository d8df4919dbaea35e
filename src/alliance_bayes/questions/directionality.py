"""Which way does it run: evidence on who leads whom, with "undecided" as a normal answer."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import xarray as xr

from ..basics.calls import checked
from ..basics.declared import Certainty, Margin
from ..basics.names import in_words, lagged_path, quoted
from ..basics.problems import Problems, SpecError
from ..figures.bars import Bar
from ..figures.evidence import Curve, EffectsRow, effects_figure
from ..posterior.health import Diagnostics
from ..posterior.posterior import Posterior
from ..posterior.summaries import Probability, above, average_by_length, below, indicator, probability
from ..spec.steps import interval_names
from .answer import Answer, untrusted
from .arguments import (
    CERTAINTY,
    MARGIN,
    BetweenArguments,
    Group,
    Length,
    check_certainty,
    check_margin,
    check_pair,
    population,
)
from .at_lag import effects_at_lag, lag_problems
from .cells import mean_and_interval, sign, table_of
from .directionality_words import contest_in_words, effects_in_words, evidence_in_words, heading_of
from .lengths import average_over, lag_label, length_labels
from .ratios import odds_of
from .registry import Question, register
from .structure import signless

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["SIDES", "directionality", "paths_of"]

SIDES = ("forward", "backward")
UNEQUAL = 0.15
"""Relative difference of two posterior SDs from which a contest of sizes is not a fair one."""
NO_SPREAD = 1e-12
PERCENTILES = (100 * 0.1587, 100 * 0.8413)
"""One SD below and above the mean of a normal distribution."""
LARGEST_MARGIN = 0.99


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
    within-person SDs, without which their sizes cannot be compared [1]_.

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
        over a lag that is no interval's length, SDs of the first wave). ``p_positive`` with its Monte Carlo error
        ``p_positive_mcse``, and ``p_positive_prior``, the prior's probability of the same; ``no_sign`` and
        ``no_sign_prior``, shares of draws that are exactly 0 or without a value, and excluded from them.
        ``p_negligible``: probability that the effect is smaller in size than ``margin``, that of its length.
        ``raw_mean``, ``raw_lower``, ``raw_upper``: in units of the outcome per unit of the predictor.

        ``evidence``, indexed by ``over`` and ``event``: ``probability``, ``mcse``, and ``prior``, the probability of
        the same event before the data. Distrust a probability whose ``mcse`` is not small against its distance to
        the certainty asked for.

        ``tables["contest"]``, indexed by ``over``: ``probability`` that the effect of the first measure is the larger
        in size, its ``mcse``, and ``prior``, the same before the data; ``odds``, ``prior_odds`` and their ``ratio``,
        the Bayes factor of this order, with the Monte Carlo standard error ``log_error`` of its logarithm (NaN where
        the draws give only a bound). Where the two effects are estimated unequally well, the less certain one is
        more often the larger even where both are 0; then a warning says so.

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
    .. [2] Orth et al. Effect size guidelines for cross-lagged effects. Psychological Methods.
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
    return answers[0] if len(answers) == 1 else _together(answers, asked)


@dataclass(frozen=True, eq=False)
class _Effects:
    """Draws of both directions over one length, after and before the data, and the margin there."""

    over: str
    pair: tuple[str, str]
    posterior: xr.Dataset
    prior: xr.Dataset
    margin: float
    certainty: float

    @property
    def paths(self) -> tuple[str, str]:
        """Both paths."""
        return lagged_path(*self.pair), lagged_path(*reversed(self.pair))

    @cached_property
    def events(self) -> Mapping[str, tuple[Probability, Probability]]:
        """Probabilities of each event after and before the data, those of leads first."""
        after, before = (_events(draws, self.pair, self.margin) for draws in (self.posterior, self.prior))
        return {event: (after[event], before[event]) for event in after}

    @cached_property
    def contest(self) -> tuple[Probability, Probability]:
        """Probability that the first effect is the larger in size, after and before the data."""
        after, before = (
            probability(above(abs(draws["forward"]), abs(draws["backward"]))) for draws in (self.posterior, self.prior)
        )
        return after, before

    @cached_property
    def sds(self) -> tuple[float, float]:
        """Posterior SDs of both effects."""
        forward, backward = (float(self.posterior[side].std()) for side in SIDES)
        return forward, backward

    @cached_property
    def signs(self) -> Mapping[str, str]:
        """Paths whose sign is settled, with it."""
        settled = {}
        for side, path in zip(SIDES, self.paths, strict=True):
            effect = self.posterior[side]
            for word, holds in (("positive", above(effect, 0)), ("negative", below(effect, 0))):
                if probability(holds).reaches(self.certainty):
                    settled[path] = word
        return settled


def _events(effects: xr.Dataset, pair: tuple[str, str], margin: float) -> dict[str, Probability]:
    forward, backward = abs(effects["forward"]), abs(effects["backward"])
    holds = {
        f"{pair[0]} leads": forward - backward > margin,
        f"{pair[1]} leads": backward - forward > margin,
        "both": (forward > margin) & (backward > margin),
        "practically none": (forward < margin) & (backward < margin),
    }
    return {event: probability(indicator(draws, forward, backward)) for event, draws in holds.items()}


def _of_pair(
    fit: Posterior, pair: tuple[str, str], lag: float | None, margin: float | None, certainty: float, group: str | None
) -> Answer:
    lengths = length_labels(fit)
    lag = min(fit.panel.intervals) if lag is None else lag
    shortest, chosen = lag_label(min(fit.panel.intervals)), lag_label(lag)
    names = ("posterior", "prior")
    by_interval = [_both(fit.drawn(name), *pair) for name in names]
    averages = [
        average_by_length(
            draws, lengths, {chosen: _both(effects_at_lag(fit, lag, name), *pair)} if chosen not in lengths else {}
        )
        for draws, name in zip(by_interval, names, strict=True)
    ]
    spread = {length: _spread(averages[1], by_interval[1], lengths, length) for length in averages[1]["length"].values}
    effects = {
        str(length): _Effects(
            average_over(length) if length in lengths else f"lag of {length}",
            pair,
            averages[0].sel(length=length),
            averages[1].sel(length=length),
            margin if margin is not None else _margin(spread[length], spread[shortest]),
            certainty,
        )
        for length in averages[0]["length"].values
    }
    asked = effects[chosen]
    table = _table(fit, effects, by_interval, lengths)
    verdict, reasons = _verdict(asked, fit.health)
    reasons += (
        *_known_before(asked, verdict),
        *_opposite_intervals(asked, by_interval[0]),
        *_opposite_lengths(effects, asked.paths),
        *_unequal(asked),
    )
    of_lengths = table[table.index.get_level_values("over").isin([one.over for one in effects.values()])]
    reasons += signless(
        {", ".join(path): (row["no_sign"], row["no_sign_prior"]) for path, row in of_lengths.iterrows()}
    )
    heading, doubt = heading_of(fit, pair, chosen if len(effects) > 1 else None)
    evidence, contest = _evidence_table(effects), _contest_table(effects)
    shown = table if fit.spec.lags_for(fit.panel.times) == "free" else of_lengths
    return Answer(
        question="directionality",
        arguments={"between": pair, "lag": lag, "margin": asked.margin, "certainty": certainty, "group": group},
        heading=heading + (f", group {group}" if group else ""),
        table=table,
        body=(
            effects_in_words(shown, fit.n_draws),
            contest_in_words(asked.contest, asked.paths, asked.sds),
            *evidence_in_words(
                evidence.loc[asked.over], pair, asked.margin, fit.n_draws, both=len(asked.signs) == len(SIDES)
            ),
        ),
        evidence=evidence,
        tables={"contest": contest},
        draws=_by_path(
            averages[0], by_interval[0].assign_coords(interval_length=("interval", lengths)), pair
        ).assign_attrs(asked=chosen),
        verdict=verdict,
        reasons=reasons + doubt,
        assumptions=fit.spec.assumptions,
        health=fit.health,
        figure=_figure,
    )


def _spread(average: xr.Dataset, by_interval: xr.Dataset, lengths: Sequence[str], length: str) -> float:
    """How widely an effect over one length is spread before the data, of single intervals, not of their average.

    Half of the distance of the 16th and the 84th percentile, both directions pooled: an SD, but of most draws, since
    few unstable ones would decide over that of a long lag.
    """
    if length in lengths:
        draws = by_interval.isel(interval=[index for index, label in enumerate(lengths) if label == length])
    else:
        draws = average.sel(length=length)
    pooled = np.concatenate([draws[side].to_numpy().ravel() for side in SIDES])
    lower, upper = np.nanpercentile(pooled, PERCENTILES) if np.isfinite(pooled).any() else (np.nan, np.nan)
    return float(upper - lower) / 2


def _margin(spread: float, at_shortest: float) -> float:
    """The default margin where prior effects have this SD, and that over the shortest interval."""
    ratio = spread / at_shortest if at_shortest > 0 and np.isfinite(spread) else 1.0
    return min(float(f"{MARGIN * ratio:.2g}"), LARGEST_MARGIN) or MARGIN


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
    lengths = answer.draws["interval_length"]
    names = tuple(str(name) for name in lengths["interval"][lengths == length].to_numpy())
    over = average_over(length) if names else f"lag of {length}"
    curves = tuple(
        Curve(
            path,
            answer.draws["effect"].sel(path=path, length=length).to_numpy(),
            Bar.of(answer.table.loc[(path, over)]),
            tuple(Bar.of(answer.table.loc[(path, name)]) for name in names or (over,)),
        )
        for path in answer.draws["path"].to_numpy()
    )
    title = f"Verdict: {answer.verdict}"
    if answer.draws.sizes["length"] > 1:
        title = f"{title} ({over})" if length == answer.draws.attrs["asked"] else over[0].upper() + over[1:]
    return EffectsRow(title, answer.table.loc[(curves[0].name, over), "margin"], curves, names or (over,))


def _both(draws: xr.Dataset, first: str, second: str) -> xr.Dataset:
    effects = {}
    for suffix, name in (("", "lagged_standardized"), ("_raw", "lagged")):
        effects[f"forward{suffix}"] = draws[name].sel(path=lagged_path(first, second), drop=True)
        effects[f"backward{suffix}"] = draws[name].sel(path=lagged_path(second, first), drop=True)
    return xr.Dataset(effects)


def _evidence_table(effects: Mapping[str, _Effects]) -> pd.DataFrame:
    rows = {
        (one.over, event): {"probability": after.value, "mcse": after.mcse, "prior": before.value}
        for one in effects.values()
        for event, (after, before) in one.events.items()
    }
    return table_of(rows, "over", "event")


def _contest_table(effects: Mapping[str, _Effects]) -> pd.DataFrame:
    rows = {}
    for one in effects.values():
        after, before = one.contest
        odds, prior_odds = odds_of(after), odds_of(before)
        ratio = odds.times(prior_odds.inverse)
        rows[one.over] = {
            "probability": after.value,
            "mcse": after.mcse,
            "prior": before.value,
            "odds": odds.value,
            "prior_odds": prior_odds.value,
            "ratio": ratio.value,
            "log_error": ratio.error,
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("over")


def _table(
    fit: Posterior, effects: Mapping[str, _Effects], by_interval: Sequence[xr.Dataset], lengths: Sequence[str]
) -> pd.DataFrame:
    """Rows of lengths and of intervals, from draws of the posterior and of the prior."""
    rows: dict[tuple[str, str], dict[str, float]] = {}
    for side, path in zip(SIDES, next(iter(effects.values())).paths, strict=True):
        for one in effects.values():
            rows[path, one.over] = _row(one.posterior, one.prior, side, one.margin)
        for name, length in zip(interval_names(fit.panel.times), lengths, strict=True):
            after, before = (draws.sel(interval=name) for draws in by_interval)
            rows[path, name] = _row(after, before, side, effects[length].margin)
    return table_of(rows, "path", "over")


def _row(effects: xr.Dataset, prior: xr.Dataset, side: str, margin: float) -> dict[str, float]:
    effect = effects[side]
    return {
        **mean_and_interval(effect),
        "sd": float(effect.std()),
        **sign(effect, prior[side]),
        "margin": margin,
        "p_negligible": probability(indicator(abs(effect) < margin, effect)).value,
        **mean_and_interval(effects[f"{side}_raw"], "raw_"),
    }


def _verdict(effects: _Effects, health: Diagnostics) -> tuple[str, tuple[str, ...]]:
    if not health.healthy:
        return "undecided", untrusted(health)
    signs = effects.signs
    reached = {event for event, (after, _) in effects.events.items() if after.reaches(effects.certainty)}
    if "practically none" in reached:
        return "practically none", ()
    leads = dict(zip(list(effects.events)[:2], effects.paths, strict=True))
    if "both" in reached and len(signs) == len(SIDES):
        stronger = tuple(f"{path} is the stronger." for event, path in leads.items() if event in reached)
        return "both", stronger or ("Neither is stronger with enough certainty.",)
    for event, path in leads.items():
        if event in reached and path in signs:
            return event, ()
    if not signs:
        return "undecided", ("No sign is settled.",)
    settled = in_words([f"{path} is {word}" for path, word in signs.items()])
    return "undecided", (f"Settled: {settled}. The sizes are not.",)


def _known_before(effects: _Effects, verdict: str) -> tuple[str, ...]:
    """A warning where the prior alone gives the verdict's event the certainty that was asked for."""
    before = effects.events[verdict][1] if verdict in effects.events else None
    if before is None or not before.value >= effects.certainty:
        return ()
    return (
        f"Before the data P({verdict}) was {before} already: at this lag and margin the verdict is hardly the data's.",
    )


def _unequal(effects: _Effects) -> tuple[str, ...]:
    """A warning where a contest of sizes is not a fair one."""
    small, large = sorted(effects.sds)
    if not large > max((1 + UNEQUAL) * small, NO_SPREAD):
        return ()
    vague = effects.paths[effects.sds.index(large)]
    return (
        f"The effects are estimated unequally well (posterior SDs {effects.sds[0]:.2g} and {effects.sds[1]:.2g}): even "
        f"if both were 0, {vague} would be the larger more often. Read the signs before the contest of sizes.",
    )


def _opposite_intervals(asked: _Effects, posterior: xr.Dataset) -> Iterator[str]:
    if posterior.sizes["interval"] == 1:
        return
    for side, path in zip(SIDES, asked.paths, strict=True):
        effect = posterior[side]
        shares = {str(name): effect.sel(interval=name) for name in effect["interval"].values}
        positive = [name for name, of in shares.items() if probability(above(of, 0)).reaches(asked.certainty)]
        negative = [name for name, of in shares.items() if probability(below(of, 0)).reaches(asked.certainty)]
        if positive and negative:
            yield (
                f"Intervals disagree: {path} is positive over {quoted(positive)} and negative over {quoted(negative)}, "
                "so the average hides both."
            )


def _opposite_lengths(effects: Mapping[str, _Effects], paths: tuple[str, str]) -> Iterator[str]:
    """Sentences where lengths contradict each other, in the order of sizes or in a sign."""
    leads = {
        length: [
            path for path, event in zip(paths, one.events, strict=False) if one.events[event][0].reaches(one.certainty)
        ]
        for length, one in effects.items()
    }
    larger = [in_words([length for length, of in leads.items() if path in of]) for path in paths]
    if all(larger):
        yield (
            f"Which effect is the larger depends on the lag: {paths[0]} over {larger[0]}, {paths[1]} over {larger[1]}."
        )
    for path in paths:
        positive, negative = (
            in_words([length for length, one in effects.items() if one.signs.get(path) == word])
            for word in ("positive", "negative")
        )
        if positive and negative:
            yield f"The sign depends on the lag: {path} is positive over {positive} and negative over {negative}."


class DirectionalityArguments(BetweenArguments):
    """Keys of a question of direction."""

    lag: Length | None = None
    margin: Margin | None = None
    certainty: Certainty = CERTAINTY
    group: Group | None = None


register(Question.of(directionality, DirectionalityArguments))
