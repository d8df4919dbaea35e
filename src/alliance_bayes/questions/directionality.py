"""Which way does it run: evidence on who leads whom, with "undecided" as a normal answer."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import xarray as xr

from ..basics.calls import checked
from ..basics.names import choices, lagged_path, number, quoted
from ..basics.problems import Problems, SpecError
from ..figures.evidence import Bar, Curve, EffectsRow, effects_figure
from ..posterior.fitting import Fit
from ..posterior.health import Health
from ..posterior.summaries import Probability, above, below, indicator, interval, interval_name, probability
from ..spec.cross_lagged import CrossLagged, Lags
from ..spec.steps import interval_names
from .dynamics import hardly_within, sample_in_words, units_in_words
from .structure import check_free, known_draws, signless
from .thresholds import CERTAINTY, MARGIN, check_certainty, check_margin

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Directionality", "DirectionalityOfPairs", "check_pairs", "directionality", "directionality_of_pairs"]


@dataclass(frozen=True, eq=False, repr=False)
class Directionality:
    """Evidence on which of two measures leads the other.

    Attributes
    ----------
    first, second
        The two measures.
    table
        Indexed by ``path`` and ``over``, which is one interval or the average of all intervals of
        one length. ``mean``, ``lower``, ``upper``: lagged effect in within-person SDs of the
        outcome at the end of the interval per within-person SD of the predictor at its start
        (CLPM: SDs). ``p_positive`` with its Monte Carlo error ``p_positive_mcse``, and
        ``p_positive_prior``, the prior's probability of the same; ``no_sign`` and ``no_sign_prior``, shares of draws
        that are exactly 0 or without a value, and left out of them. ``p_negligible``: probability
        that the effect is smaller in size than the margin. ``raw_mean``, ``raw_lower``,
        ``raw_upper``: in units of the outcome per unit of the predictor.
    evidence
        Indexed by ``over`` and ``event``: ``probability``, ``mcse``, and ``prior``, the
        probability of the same event before the data. Distrust a probability whose ``mcse`` is
        not small against its distance to the certainty asked for.
    draws
        ``forward`` (first -> second) and ``backward``, averaged over intervals of one length;
        dims ``(chain, draw, length)``.
    by_interval
        The same for each interval, dims ``(chain, draw, interval)``, with the length of each interval.
    verdict
        "<first> leads", "<second> leads", "both", "practically none" or "undecided".
    reasons
        Why the verdict is not more, or what it hides: unhealthy sampling, intervals that disagree.
    margin
        Smallest size, and smallest difference in size, that counts.
    certainty
        Probability that an event needs, two Monte Carlo errors below its estimate.
    assumptions
        What must hold before the effects mean more than prediction.
    health
        Of the sampling.
    heading
        Estimand, scale and sample, in words.
    lags
        How the model's effects depend on the interval; with "free", each interval is printed too.
    """

    first: str
    second: str
    table: pd.DataFrame
    evidence: pd.DataFrame
    draws: xr.Dataset
    by_interval: xr.Dataset
    verdict: str
    reasons: tuple[str, ...]
    margin: float
    certainty: float
    assumptions: tuple[str, ...]
    health: Health
    heading: str
    lags: Lags

    @property
    def paths(self) -> tuple[str, str]:
        """First to second, and second to first."""
        return lagged_path(self.first, self.second), lagged_path(self.second, self.first)

    @property
    def n_draws(self) -> int:
        """Posterior draws over all chains."""
        return self.draws.sizes["chain"] * self.draws.sizes["draw"]

    def plot(self) -> "Figure":
        """Draw both effects: posterior densities of the averages, and each interval beside them."""
        return _figure([self])

    def __str__(self) -> str:
        healthy = "no problems" if self.health.healthy else "PROBLEMS, see the verdict"
        numbered = [f"  {place}. {sentence}" for place, sentence in enumerate(self.assumptions, start=1)]
        return "\n".join(
            [
                self.heading,
                *_effects_in_words(self),
                *_evidence_in_words(self),
                f"Verdict: {self.verdict}. {' '.join(self.reasons)}".rstrip(),
                f"Sampling: {healthy}. About prediction; about causes only under these assumptions:",
                *numbered,
            ]
        )

    __repr__ = __str__


@dataclass(frozen=True, eq=False, repr=False)
class DirectionalityOfPairs:
    """Evidence on direction for several pairs of measures of one fit.

    Attributes
    ----------
    answers
        One `Directionality` for each pair. Verdicts are not adjusted for their number.
    """

    answers: tuple[Directionality, ...]

    @cached_property
    def table(self) -> pd.DataFrame:
        """Effects of all pairs, as in `Directionality.table`."""
        return pd.concat([answer.table for answer in self.answers])

    @cached_property
    def evidence(self) -> pd.DataFrame:
        """Evidence of all pairs, as in `Directionality.evidence`, with the pair before it."""
        return pd.concat(
            {f"{answer.first}, {answer.second}": answer.evidence for answer in self.answers}, names=["pair"]
        )

    @property
    def verdicts(self) -> Mapping[tuple[str, str], str]:
        """Verdict of each pair."""
        return {(answer.first, answer.second): answer.verdict for answer in self.answers}

    def plot(self) -> "Figure":
        """Draw all pairs below each other."""
        return _figure(self.answers)

    def __str__(self) -> str:
        return "\n\n".join(map(str, self.answers))

    __repr__ = __str__


@checked(apart=["margin", "certainty"])
def directionality(
    fit: Fit, first: str, second: str, *, margin: float = MARGIN, certainty: float = CERTAINTY
) -> Directionality:
    """Weigh the evidence on which of two measures leads the other.

    Per draw, the standardised lagged effects of both directions are averaged (signed) over all
    intervals of equal length and compared in size. With a and b the two effects and m the margin,
    the verdict is the first of these events whose probability, less two Monte Carlo standard
    errors, reaches the certainty: "practically none" (|a| < m and |b| < m), "both" (|a| > m and
    |b| > m), "<first> leads" (|a| - |b| > m), "<second> leads" (|b| - |a| > m); otherwise, or
    when the sampling is not healthy, "undecided". Effects are standardised by within-person SDs,
    without which their sizes cannot be compared [1]_.

    Parameters
    ----------
    fit
        A fitted cross-lagged model with both paths free.
    first, second
        Two of its measures.
    margin
        Smallest size, and smallest difference in size, that counts, in SD per SD; in (0, 1). The
        default is the 25th percentile of published cross-lagged effects [2]_.
    certainty
        Probability that an event needs, in (0.5, 1).

    Returns
    -------
    Directionality
        Table, evidence, draws, verdict, assumptions, text and figure.

    Raises
    ------
    SpecError
        If a measure is not in the model, both are the same, a path between them is fixed at 0,
        or the margin or certainty make no sense.

    References
    ----------
    .. [1] Schuurman, Ferrer, de Boer-Sonnenschein & Hamaker (2016). How to compare cross-lagged
       associations in a multilevel autoregressive model. Psychological Methods 21, 206-221.
       https://doi.org/10.1037/met0000062
    .. [2] Orth et al. Effect size guidelines for cross-lagged effects. Psychological Methods.
    """
    _check(fit, [(first, second)], margin, certainty)
    lengths = _length_labels(fit)
    posterior, prior = (_both(fit.drawn(group), first, second) for group in ("posterior", "prior"))
    average, prior_average = _by_length(posterior, lengths), _by_length(prior, lengths)
    overall = {length: _evidence(average, prior_average, length, margin) for length in average["length"].values}
    table = _table(fit, first, second, posterior, prior, average, prior_average, margin)
    verdict, reasons = _verdict(overall, first, second, certainty, fit.health)
    reasons += _disagreements(posterior, first, second, certainty)
    averages = table[table.index.get_level_values("over").isin([_over(length) for length in overall])]
    reasons += signless({", ".join(name): (row["no_sign"], row["no_sign_prior"]) for name, row in averages.iterrows()})
    heading, note = _heading(fit, lengths, (first, second))
    return Directionality(
        first=first,
        second=second,
        table=table,
        evidence=_evidence_table(overall, first, second),
        draws=average[["forward", "backward"]],
        by_interval=posterior[["forward", "backward"]].assign_coords(length=("interval", lengths)),
        verdict=verdict,
        reasons=reasons + note,
        margin=margin,
        certainty=certainty,
        assumptions=fit.spec.assumptions,
        health=fit.health,
        heading=heading,
        lags=fit.spec.lags_for(fit.panel.times),
    )


@checked(apart=["margin", "certainty"])
def directionality_of_pairs(
    fit: Fit,
    pairs: Iterable[tuple[str, str]] | None = None,
    *,
    margin: float = MARGIN,
    certainty: float = CERTAINTY,
) -> DirectionalityOfPairs:
    """`directionality` for several pairs of measures at once.

    Parameters
    ----------
    fit
        A fitted cross-lagged model.
    pairs
        Pairs of measures; every pair of the model when left open.
    margin, certainty
        As in `directionality`. The certainty holds for each pair, not for all together.

    Raises
    ------
    SpecError
        As in `directionality`, for all pairs at once.
    """
    chosen = list(combinations(fit.spec.measures, 2)) if pairs is None else list(pairs)
    _check(fit, chosen, margin, certainty)
    return DirectionalityOfPairs(
        tuple(directionality(fit, *pair, margin=margin, certainty=certainty) for pair in chosen)
    )


def _figure(answers: Sequence[Directionality]) -> "Figure":
    rows = [_figure_row(answer, str(length)) for answer in answers for length in answer.draws["length"].to_numpy()]
    return effects_figure(rows, unit="lagged effect, SD per SD", labels_title="Each interval")


def _figure_row(answer: Directionality, length: str) -> EffectsRow:
    def bar(path: str, over: str) -> Bar:
        row = answer.table.loc[(path, over)]
        return Bar(row["mean"], row["lower"], row["upper"])

    intervals = answer.by_interval["interval"]
    names = tuple(str(name) for name in intervals[intervals["length"] == length].to_numpy())
    curves = tuple(
        Curve(
            path,
            answer.draws[side].sel(length=length).to_numpy(),
            bar(path, _over(length)),
            tuple(bar(path, name) for name in names),
        )
        for path, side in zip(answer.paths, ("forward", "backward"), strict=True)
    )
    title = f"Verdict: {answer.verdict}"
    if answer.draws.sizes["length"] > 1:
        title += f" ({_over(length)})"
    return EffectsRow(title, answer.margin, curves, names)


def _check(fit: Fit, pairs: Sequence[tuple[str, str]], margin: float, certainty: float) -> None:
    fit.require_one_population("A question of direction")
    problems = Problems("This question of direction cannot be asked")
    check_pairs(fit.spec, pairs, problems)
    if not problems.found:
        for first, second in pairs:
            check_free(fit, (first, second), problems)
            check_free(fit, (second, first), problems)
    check_margin(margin, problems)
    check_certainty(certainty, problems)
    problems.raise_as(SpecError)


def check_pairs(spec: CrossLagged, pairs: Iterable[tuple[str, str]], problems: Problems) -> None:
    """Note pairs of measures whose direction this model cannot be asked."""
    for pair in pairs:
        for name in dict.fromkeys(pair):
            if name not in spec.measures:
                problems.add(f"The model has no measure '{name}'{choices(name, spec.measures, 'Measures')}")
        if len(set(pair)) != 2:
            problems.add(f"Direction needs two different measures; got {quoted(pair)}.")
        for path in (lagged_path(*pair), lagged_path(*reversed(pair))):
            if path in spec.remove:
                problems.add(
                    f"'{path}' is fixed at 0 in this model, so nothing can be compared with it. "
                    "Fit the model with both paths."
                )


def _length_labels(fit: Fit) -> list[str]:
    return [number(round(length, 9)) for length in fit.panel.intervals]


def _both(draws: xr.Dataset, first: str, second: str) -> xr.Dataset:
    effects = {}
    for suffix, name in (("", "lagged_standardized"), ("_raw", "lagged")):
        effects[f"forward{suffix}"] = draws[name].sel(path=lagged_path(first, second), drop=True)
        effects[f"backward{suffix}"] = draws[name].sel(path=lagged_path(second, first), drop=True)
    return xr.Dataset(effects)


def _by_length(effects: xr.Dataset, lengths: list[str]) -> xr.Dataset:
    labelled = effects.assign_coords(length=("interval", lengths))
    parts = [
        labelled.isel(interval=[place for place, label in enumerate(lengths) if label == length]).mean("interval")
        for length in dict.fromkeys(lengths)
    ]
    return xr.concat(parts, dim=pd.Index(list(dict.fromkeys(lengths)), name="length"))


EVENTS = ("first leads", "second leads", "both", "practically none")


def _events(effects: xr.Dataset, margin: float) -> dict[str, Probability]:
    forward, backward = abs(effects["forward"]), abs(effects["backward"])
    holds = {
        "first leads": forward - backward > margin,
        "second leads": backward - forward > margin,
        "both": (forward > margin) & (backward > margin),
        "practically none": (forward < margin) & (backward < margin),
    }
    return {event: probability(indicator(draws, forward, backward)) for event, draws in holds.items()}


def _evidence(
    average: xr.Dataset, prior: xr.Dataset, length: str, margin: float
) -> dict[str, tuple[Probability, Probability]]:
    after, before = (_events(effects.sel(length=length), margin) for effects in (average, prior))
    return {event: (after[event], before[event]) for event in EVENTS}


def _evidence_table(
    overall: dict[str, dict[str, tuple[Probability, Probability]]], first: str, second: str
) -> pd.DataFrame:
    rows = {
        (_over(length), _event_name(event, first, second)): {
            "probability": after.value,
            "mcse": after.mcse,
            "prior": before.value,
        }
        for length, events in overall.items()
        for event, (after, before) in events.items()
    }
    table = pd.DataFrame.from_dict(rows, orient="index")
    table.index = pd.MultiIndex.from_tuples(rows, names=["over", "event"])
    return table


def _over(length: str) -> str:
    return f"average of intervals of {length}"


def _event_name(event: str, first: str, second: str) -> str:
    return {"first leads": f"{first} leads", "second leads": f"{second} leads"}.get(event, event)


def _table(
    fit: Fit,
    first: str,
    second: str,
    posterior: xr.Dataset,
    prior: xr.Dataset,
    average: xr.Dataset,
    prior_average: xr.Dataset,
    margin: float,
) -> pd.DataFrame:
    rows: dict[tuple[str, str], dict[str, float]] = {}
    for side, path in (("forward", lagged_path(first, second)), ("backward", lagged_path(second, first))):
        for length in average["length"].values:
            rows[path, _over(length)] = _row(average.sel(length=length), prior_average.sel(length=length), side, margin)
        for name in interval_names(fit.panel.times):
            rows[path, name] = _row(posterior.sel(interval=name), prior.sel(interval=name), side, margin)
    table = pd.DataFrame.from_dict(rows, orient="index")
    table.index = pd.MultiIndex.from_tuples(rows, names=["path", "over"])
    return table


def _row(effects: xr.Dataset, prior: xr.Dataset, side: str, margin: float) -> dict[str, float]:
    effect, raw = effects[side], effects[f"{side}_raw"]
    lower, upper = interval(effect, "chain", "draw")
    raw_lower, raw_upper = interval(raw, "chain", "draw")
    positive, before = probability(above(effect, 0)), probability(above(prior[side], 0))
    return {
        "mean": float(effect.mean()),
        "lower": float(lower),
        "upper": float(upper),
        "p_positive": positive.value,
        "p_positive_mcse": positive.mcse,
        "p_positive_prior": before.value,
        "no_sign": positive.undefined,
        "no_sign_prior": before.undefined,
        "p_negligible": probability(indicator(abs(effect) < margin, effect)).value,
        "raw_mean": float(raw.mean()),
        "raw_lower": float(raw_lower),
        "raw_upper": float(raw_upper),
    }


def _verdict(
    overall: dict[str, dict[str, tuple[Probability, Probability]]],
    first: str,
    second: str,
    certainty: float,
    health: Health,
) -> tuple[str, tuple[str, ...]]:
    if not health.healthy:
        return "undecided", (f"The draws cannot be trusted: {' '.join(health.problems)}",)
    verdicts = {length: _verdict_of(events, certainty) for length, events in overall.items()}
    distinct = set(verdicts.values())
    if len(distinct) > 1:
        said = "; ".join(
            f"over {length}, {_event_name(verdict, first, second)}" for length, verdict in verdicts.items()
        )
        return "undecided", (f"Intervals of different length disagree: {said}.",)
    verdict = distinct.pop()
    reasons: tuple[str, ...] = ()
    if verdict == "both":
        stronger = [
            name
            for event, name in (
                ("first leads", lagged_path(first, second)),
                ("second leads", lagged_path(second, first)),
            )
            if all(events[event][0].reaches(certainty) for events in overall.values())
        ]
        reasons = tuple(f"{path} is the stronger." for path in stronger) or (
            "Neither is stronger with enough certainty.",
        )
    return _event_name(verdict, first, second), reasons


def _verdict_of(events: dict[str, tuple[Probability, Probability]], certainty: float) -> str:
    for event in ("practically none", "both", "first leads", "second leads"):
        if events[event][0].reaches(certainty):
            return event
    return "undecided"


def _disagreements(posterior: xr.Dataset, first: str, second: str, certainty: float) -> tuple[str, ...]:
    found = []
    for side, path in (("forward", lagged_path(first, second)), ("backward", lagged_path(second, first))):
        effect = posterior[side]
        names = [str(name) for name in effect["interval"].values]
        shares = {name: effect.sel(interval=name) for name in names}
        positive = [name for name, of in shares.items() if probability(above(of, 0)).reaches(certainty)]
        negative = [name for name, of in shares.items() if probability(below(of, 0)).reaches(certainty)]
        if positive and negative:
            found.append(
                f"Intervals disagree: {path} is positive over {quoted(positive)} and negative over {quoted(negative)}, "
                "so the average hides both."
            )
    return tuple(found)


def _heading(fit: Fit, lengths: list[str], pair: tuple[str, str]) -> tuple[str, tuple[str, ...]]:
    unit = f" {fit.panel.time_unit}" if fit.panel.time_unit else ""
    apart = f"{' and '.join(dict.fromkeys(lengths))}{unit.removesuffix('s') if set(lengths) == {'1'} else unit} apart"
    sample = sample_in_words(fit) + units_in_words(fit, pair)
    if not fit.spec.random_intercepts:
        return f"Lagged effects, within and between persons mixed, SD per SD, {apart}; {sample}", ()
    note = hardly_within(fit, pair)
    if not note:
        return f"Lagged effects within persons, SD per SD, {apart}; {sample}", ()
    return f"Lagged effects, SD per SD, {apart}; {sample}", note


def _effects_in_words(answer: Directionality) -> list[str]:
    width, table = interval_name(), answer.table
    averages = [_over(str(length)) for length in answer.draws["length"].to_numpy()]
    overs = list(table.index.unique("over")) if answer.lags == "free" else averages
    shown = table[table.index.get_level_values("over").isin(overs)]
    labels = [f"{path}, {over}" if len(overs) > 1 else path for path, over in shown.index]
    n_characters = max(map(len, labels))
    lines = [f"{'':{n_characters}}    mean  {width:^17}  P(effect > 0)  prior  P(|effect| < margin)  raw units"]
    for label, (_, row) in zip(labels, shown.iterrows(), strict=True):
        bounds = f"[{row['lower']:.2f}, {row['upper']:.2f}]"
        positive, prior, small = (
            str(Probability(row[name], 0.0, known_draws(answer.n_draws, unknown)))
            for name, unknown in (
                ("p_positive", row["no_sign"]),
                ("p_positive_prior", row["no_sign_prior"]),
                ("p_negligible", 0.0),
            )
        )
        raw = f"{row['raw_mean']:.3g} [{row['raw_lower']:.3g}, {row['raw_upper']:.3g}]"
        lines.append(
            f"{label:{n_characters}}  {row['mean']:6.2f}  {bounds:^17}  {positive:>13}  {prior:>5}  {small:>20}  {raw}"
        )
    return lines


def _evidence_in_words(answer: Directionality) -> list[str]:
    margin = number(answer.margin)
    meaning = {
        f"{answer.first} leads": f"|{answer.paths[0]}| larger by more than {margin}",
        f"{answer.second} leads": f"|{answer.paths[1]}| larger by more than {margin}",
        "both": f"both larger than {margin} in size",
        "practically none": f"both smaller than {margin} in size",
    }
    several = answer.draws.sizes["length"] > 1
    lines = []
    for (over, event), row in answer.evidence.iterrows():
        where = f", {over}" if several else ""
        value = Probability(row["probability"], row["mcse"], answer.n_draws)
        error = f"MCSE {np.ceil(row['mcse'] * 1000) / 1000:.3f}" if row["mcse"] else "all draws agree"
        prior = Probability(row["prior"], 0.0, answer.n_draws)
        lines.append(f"P({meaning[event]}{where}) = {value} ({error}), prior {prior}")
    return [line.replace("= >", ">").replace("= <", "<") for line in lines]
