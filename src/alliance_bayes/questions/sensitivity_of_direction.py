"""What a hidden cause of two measures would have to be like to change an answer on their direction."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from ..basics.names import in_words, number
from ..basics.text_tables import TextTable
from ..figures.effects import Marker
from ..posterior.path_matrices import path_matrices
from ..posterior.summaries import interval
from .answer import Answer, untrusted
from .both_effects import curves_figure, curves_panel, effects_in_words, larger_in_words
from .cells import table_of
from .direction_dynamics import DirectionDynamics
from .directionality_effects import SIDES, Effects
from .directionality_verdict import verdict_on
from .dynamics import correlation_matrices, not_followed
from .hidden_causes import loadings_on_common_cause
from .lengths import average_over
from .path_colours import path_colours

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["direction_problems", "sensitivity_of_direction"]

type Array = NDArray[np.float64]
type Weights = tuple[float, float]

FINE = np.round(np.linspace(0, 0.9, 46), 10)
PERSISTENCES = (0.2, 0.4, 0.6, 0.8)
LARGEST_CORRELATION = 0.95
COARSE = 5
"""Steps between the fine strengths that are tried first where only the one that changes the verdict is looked for."""
MOST_IMPOSSIBLE = 0.05
"""Share of draws in which there may be no such hidden cause."""
MOST_IMPOSSIBLE_DRAWN = 0.5
"""The same where strengths are drawn from a prior, which is truncated to possible causes."""
TRIED = 0.1
"""Strength at which is found in which sign a hidden cause speaks against the answer."""
UNEQUAL = np.round(np.linspace(-0.9, 0.9, 19), 10)
UNDECIDED = "undecided"
IMPOSSIBLE = "impossible"


def direction_problems(answer: Answer) -> Iterator[str]:
    """Reasons why an answer on direction cannot be asked what a hidden cause would do."""
    if answer.parts:
        some = next(iter(answer.parts))
        yield f"answer is about {len(answer.parts)} pairs; ask about one of them, such as answer.parts['{some}']."
        return
    basis, lag = answer.basis, answer.draws.attrs["asked"]
    assert isinstance(basis, DirectionDynamics)
    if lag not in basis.lengths:
        yield (
            f"answer is about a lag of {lag}, which is no interval between waves, and a hidden cause is followed from "
            "one wave to the next. Ask directionality with the length of an interval as its lag."
        )
    yield from not_followed(basis.spec)


@dataclass(frozen=True, eq=False)
class _Asked:
    """An answer on direction, with the dynamics over each interval of the length in question.

    Standardised lagged effects, dims ``(chain, draw, interval, outcome, predictor)``, and within-person correlations at
    the start and at the end of each interval, dims ``(chain, draw, interval, measure, measure)``.
    """

    answer: Answer
    measures: Sequence[str]
    lagged: Array
    correlations: Array
    at_end: Array
    random_intercepts: bool

    @classmethod
    def of(cls, answer: Answer) -> "_Asked":
        """Read off the basis of the answer."""
        basis = answer.basis
        assert isinstance(basis, DirectionDynamics)
        draws, measures = basis.draws, basis.spec.measures
        intervals = [index for index, length in enumerate(basis.lengths) if length == answer.draws.attrs["asked"]]
        lagged = draws["lagged_standardized"].transpose("chain", "draw", "interval", "path").isel(interval=intervals)

        def at(waves: Sequence[int]) -> Array:
            by_wave = [draws["within_correlation"].isel(time=wave) for wave in waves]
            return np.stack([correlation_matrices(wave, measures) for wave in by_wave], axis=2)

        start, end = at(intervals), at([index + 1 for index in intervals])
        return cls(answer, measures, path_matrices(lagged, measures), start, end, basis.spec.random_intercepts)

    @property
    def pair(self) -> tuple[str, str]:
        """The two measures."""
        first, second = self.answer.arguments["between"]
        return first, second

    @cached_property
    def positions(self) -> tuple[int, int]:
        """Their positions among all measures."""
        first, second = (self.measures.index(name) for name in self.pair)
        return first, second

    @cached_property
    def precision(self) -> Array:
        """Inverse of the correlations."""
        return np.asarray(np.linalg.inv(self.correlations))

    @cached_property
    def innovation_precision(self) -> Array:
        """Inverse of the covariance of innovations, in SDs at the end of the interval."""
        carried = np.einsum("...jk,...kl,...ml->...jm", self.lagged, self.correlations, self.lagged)
        return np.asarray(np.linalg.inv(self.at_end - carried))

    def numbers(self, first: Array | float, second: Array | float) -> Array:
        """Numbers of the two measures, and 0 of all others, dims ``(chain, draw, interval, measure)``."""
        numbers = np.zeros(self.correlations.shape[:-1])
        for position, value in zip(self.positions, (first, second), strict=True):
            numbers[..., position] = np.asarray(value)[..., None] if np.ndim(value) else value
        return numbers

    def without(
        self,
        correlated: Array,
        persistence: Array | float,
        loadings: Callable[[Array], Array],
        most_impossible: float = MOST_IMPOSSIBLE,
    ) -> Effects | None:
        """Both effects without the share of a hidden cause, or None where there is no such cause.

        It correlates so with the measures at the start of an interval and by the persistence with itself at the end,
        where it moves them by the loadings, given the share of its variance that the measures at the start predict. In
        all but a few draws that share is below 1, and the innovations vary by more than what it brings to them.
        """
        slopes = np.einsum("...jk,...k->...j", self.precision, correlated)
        predicted = np.einsum("...j,...j->...", slopes, correlated)
        moved = loadings(np.where(predicted < 1, predicted, 0.0))
        of_innovations = np.einsum("...j,...jk,...k->...", moved, self.innovation_precision, moved)
        brought = of_innovations * (1 - np.square(persistence) * predicted)
        possible = ((predicted < 1) & (brought < 1)).all(axis=2)
        if 1 - possible.mean() > most_impossible:
            return None
        biases = persistence * moved[..., :, None] * slopes[..., None, :]
        corrected = np.where(possible[..., None, None], (self.lagged - biases).mean(axis=2), np.nan)
        first, second = self.positions
        like = self.answer.draws["effect"].isel(path=0, length=0, drop=True).transpose("chain", "draw")
        draws = xr.Dataset(
            {
                "forward": like.copy(data=corrected[..., second, first]),
                "backward": like.copy(data=corrected[..., first, second]),
            }
        )
        given, over = self.answer.arguments, average_over(self.answer.draws.attrs["asked"])
        return Effects(over, self.pair, draws, draws, given["margin"], given["certainty"])

    def without_common(
        self, correlated: Array, persistence: float, most_impossible: float = MOST_IMPOSSIBLE
    ) -> Effects | None:
        """Both effects without the share of a cause that goes on and drives the measures at every wave."""
        return self.without(
            correlated,
            persistence,
            lambda predicted: loadings_on_common_cause(self.lagged, correlated, predicted, persistence),
            most_impossible,
        )

    def turned(self, effects: Effects | None) -> str:
        """The verdict of such effects where it is another one than the answer's."""
        verdict = "" if effects is None else self.verdict(effects)
        return "" if verdict == self.answer.verdict else verdict

    def verdict(self, effects: Effects) -> str:
        """The verdict of such effects by the rules of the answer."""
        return verdict_on(effects, self.answer.health)[0]

    @cached_property
    def estimate(self) -> Effects:
        """Both effects as they were estimated."""
        effects = self.without_common(self.numbers(0.0, 0.0), 0.0)
        assert effects is not None
        return effects


@dataclass(frozen=True)
class _Cause:
    """A kind of hidden cause: how it weighs on each of the two measures at the start, and one interval later.

    Without later weights it is one that goes on, and drives both measures at every wave.
    """

    name: str
    start: Weights
    later: Weights | None = None

    def without(self, asked: _Asked, strength: float, persistence: float) -> Effects | None:
        """Both effects without the share of such a cause of this strength."""
        start = strength * asked.numbers(*self.start)
        if self.later is None:
            return asked.without_common(start, persistence)
        moved = strength * asked.numbers(*self.later)
        return asked.without(start, 1.0, lambda _: moved)


def _causes(asked: _Asked, persistence: float) -> list[_Cause]:
    """Each kind of hidden cause, in the sign that speaks against the answer; where it is undecided, in both signs."""
    first, second = asked.pair
    undecided = asked.answer.verdict == UNDECIDED

    def signed(name: str, cause: Callable[[float], tuple[Weights, Weights | None]]) -> list[_Cause]:
        opposite = f"{name}, opposite signs" if undecided else name
        both = [_Cause(name, *cause(1.0)), _Cause(opposite, *cause(-1.0))]
        if undecided:
            return both
        return [min(both, key=lambda cause: _support(asked, cause.without(asked, TRIED, persistence)))]

    return [
        *signed(f"{first} and {second}", lambda sign: ((1.0, sign), None)),
        *signed(f"{first}, then {second}", lambda sign: ((1.0, 0.0), (0.0, sign))),
        *signed(f"{second}, then {first}", lambda sign: ((0.0, 1.0), (sign, 0.0))),
    ]


def _support(asked: _Asked, effects: Effects | None) -> float:
    """How far mean effects support the verdict of the answer."""
    if effects is None:
        return np.inf
    sizes = _sizes(effects)
    if asked.answer.verdict == "practically none":
        return -max(sizes)
    if asked.answer.verdict == "both":
        return min(sizes)
    return _order(asked) * (sizes[0] - sizes[1])


def _sizes(effects: Effects) -> tuple[float, float]:
    forward, backward = (float(abs(effects.posterior[side].mean())) for side in SIDES)
    return forward, backward


def _order(asked: _Asked) -> int:
    """1 where the first effect is estimated as the larger, -1 where the second is."""
    forward, backward = _sizes(asked.estimate)
    return 1 if forward >= backward else -1


def sensitivity_of_direction(
    answer: Answer, strengths: Sequence[float], persistence: float, prior_sd: float, seed: int
) -> Answer:
    """See `sensitivity`."""
    asked = _Asked.of(answer)
    causes = _causes(asked, persistence)
    table = _along(asked, causes, strengths, persistence)
    curve = _along(asked, causes, FINE, persistence)
    tipping, benchmarks = _tipping(asked, curve), _benchmarks(asked)
    unequal = _unequal(asked, persistence) if answer.verdict == UNDECIDED and answer.health.healthy else pd.DataFrame()
    tables = {
        "curve": curve,
        "tipping": tipping,
        "by_persistence": _by_persistence(asked, persistence, tipping),
        "benchmarks": benchmarks,
        "with_prior": _averaged(asked, persistence, prior_sd, seed),
        **({} if unequal.empty else {"unequal": unequal}),
    }
    sentences = (
        *(_sentence(asked, cause, tipping.loc[cause]) for cause in tipping.index.unique("cause")),
        *(() if unequal.empty else (_unequal_in_words(asked, unequal),)),
    )
    first, second = asked.pair
    return Answer(
        question="sensitivity",
        arguments={
            "between": asked.pair,
            "hidden_cause": tuple(strengths),
            "persistence": persistence,
            "prior_sd": prior_sd,
            "seed": seed,
            "certainty": answer.arguments["certainty"],
        },
        heading=(
            f"Direction between {first} and {second} under hidden causes, SD per SD over "
            f"{answer.draws.attrs['asked']}; without one the verdict is '{answer.verdict}'"
        ),
        table=table,
        body=(
            _in_words(asked, table, benchmarks, tables["with_prior"]),
            *(sentences if answer.health.healthy else ()),
            *_benchmarks_in_words(benchmarks),
        ),
        health=answer.health,
        tables=tables,
        reasons=untrusted(answer.health),
        assumptions=_assumptions(asked, persistence),
        before_assumptions="Assumptions:",
        basis=answer,
        figure=_figure,
    )


def _row(asked: _Asked, effects: Effects | None) -> dict[str, object]:
    if effects is None:
        return {"verdict": IMPOSSIBLE}
    row: dict[str, object] = {}
    for side in SIDES:
        draws = effects.posterior[side]
        lower, upper = interval(draws, "chain", "draw")
        row |= {side: float(draws.mean()), f"{side}_lower": float(lower), f"{side}_upper": float(upper)}
        row[f"{side}_positive"] = float((draws > 0).mean())
    larger = effects.contest[0]
    first, second = (effects.events[f"{name} leads"][0].value for name in asked.pair)
    return row | {
        "p_first_larger": larger.value,
        "p_first_larger_mcse": larger.mcse,
        "p_first_leads": first,
        "p_second_leads": second,
        "verdict": asked.verdict(effects),
    }


def _along(
    asked: _Asked, causes: Sequence[_Cause], strengths: Sequence[float] | Array, persistence: float
) -> pd.DataFrame:
    rows = {
        (cause.name, float(strength)): _row(asked, cause.without(asked, float(strength), persistence))
        for cause in causes
        for strength in strengths
    }
    return table_of(rows, "cause", "strength").reindex(columns=list(_row(asked, asked.estimate)))


def _tipping(asked: _Asked, curve: pd.DataFrame) -> pd.DataFrame:
    """Least strengths at which the verdict, the order of sizes and each sign are lost, by cause."""
    certainty, order = asked.answer.arguments["certainty"], _order(asked)
    rows: dict[tuple[str, str], dict[str, object]] = {}
    for cause in curve.index.unique("cause"):
        along = curve.loc[cause].dropna(subset=["forward"])
        larger = along["p_first_larger"] if order > 0 else 1 - along["p_first_larger"]
        changes = _first(along["verdict"] != asked.answer.verdict)
        becomes = "" if np.isnan(changes) else str(along["verdict"].loc[changes])
        rows[cause, "verdict"] = {"strength": changes, "becomes": becomes, "largest": float(along.index.max())}
        rows[cause, "order"] = {"strength": _first_below(larger, certainty)}
        for side, path in zip(SIDES, asked.estimate.paths, strict=True):
            positive = along[f"{side}_positive"]
            same = positive if positive.iloc[0] >= 0.5 else 1 - positive
            rows[cause, f"sign of {path}"] = {"strength": _first_below(same, certainty)}
    return table_of(rows, "cause", "lost")


def _first(lost: "pd.Series[bool]") -> float:
    return float(lost.index[lost.to_numpy().argmax()]) if lost.any() else np.nan


def _first_below(probability: "pd.Series[float]", certainty: float) -> float:
    """Where a probability falls below the certainty, NaN where it never has it or never loses it."""
    return _first(probability < certainty) if probability.iloc[0] >= certainty else np.nan


def _by_persistence(asked: _Asked, persistence: float, tipping: pd.DataFrame) -> pd.DataFrame:
    """Least strengths that change the verdict, of a cause of both that goes on more or less long."""

    def changes(cause: _Cause, value: float) -> float:
        """By coarse strengths until one changes the verdict or is impossible; by fine ones from the one before it."""
        coarse = FINE[::COARSE].tolist()
        ends = (
            strength
            for strength in coarse
            if (effects := cause.without(asked, strength, value)) is None or asked.turned(effects)
        )
        end = next(ends, float(FINE[-1]))
        before = max((strength for strength in coarse if strength < end), default=0.0)
        fine = FINE[(before < FINE) & (end >= FINE)].tolist()
        return next((each for each in fine if asked.turned(cause.without(asked, each, value))), np.nan)

    def least(strengths: Iterable[float]) -> float:
        return min((each for each in strengths if not np.isnan(each)), default=np.nan)

    def of_both(value: float) -> list[_Cause]:
        return [cause for cause in _causes(asked, value) if cause.later is None]

    known = [tipping.loc[(cause.name, "verdict"), "strength"] for cause in of_both(persistence)]
    rows = {persistence: least(known)}
    for value in PERSISTENCES:
        if value != persistence:
            rows[value] = least(changes(cause, value) for cause in of_both(value))
    return pd.DataFrame({"strength": rows}).rename_axis("persistence").sort_index()


def _unequal(asked: _Asked, persistence: float) -> pd.DataFrame:
    """The verdict under causes of both whose strengths differ, on a coarse grid; the sign of the first is no matter."""
    rows = {}
    for first in UNEQUAL[UNEQUAL > 0].tolist():
        for second in UNEQUAL.tolist():
            effects = asked.without_common(asked.numbers(first, second), persistence)
            rows[first, second] = {"verdict": IMPOSSIBLE if effects is None else asked.verdict(effects)}
    return table_of(rows, "with_first", "with_second")


def _benchmarks(asked: _Asked) -> pd.DataFrame:
    """What hidden causes like the other measures would leave, and one of all of the correlation of the two.

    A measure's correlations with the two at the same wave, and its own over one interval; posterior means.
    """
    first, second = asked.positions
    correlations = asked.correlations.mean(axis=(0, 1, 2))
    over_time = np.einsum("...jk,...kl->...jl", asked.lagged, asked.correlations).mean(axis=(0, 1, 2))
    measured = {
        f"like {name}": (correlations[index, first], correlations[index, second], over_time[index, index])
        for index, name in enumerate(asked.measures)
        if name not in asked.pair
    }
    between = correlations[first, second]
    root, own = np.sqrt(abs(between)), float(np.mean([over_time[index, index] for index in asked.positions]))
    measured["all of their correlation"] = (root, np.sign(between) * root, own)
    rows = {}
    for name, (with_first, with_second, persistence) in measured.items():
        effects = asked.without_common(asked.numbers(with_first, with_second), persistence)
        rows[name] = {
            "strength": float(np.sqrt(abs(with_first * with_second))),
            "with_first": float(with_first),
            "with_second": float(with_second),
            "persistence": float(persistence),
            **_row(asked, effects),
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("measured")


def _averaged(asked: _Asked, persistence: float, prior_sd: float, seed: int) -> pd.DataFrame:
    """Both effects averaged over hidden causes whose two strengths are independent normal, of those that can be."""
    rng = np.random.default_rng([seed, *b"hidden cause"])
    strengths = prior_sd * rng.standard_normal((2, *asked.lagged.shape[:2]))
    drawn = np.clip(strengths, -LARGEST_CORRELATION, LARGEST_CORRELATION)
    effects = asked.without_common(asked.numbers(*drawn), persistence, MOST_IMPOSSIBLE_DRAWN)
    return pd.DataFrame.from_dict({prior_sd: _row(asked, effects)}, orient="index").rename_axis("prior_sd")


def _in_words(asked: _Asked, table: pd.DataFrame, benchmarks: pd.DataFrame, with_prior: pd.DataFrame) -> TextTable:
    labels = [
        *(f"{cause}: {number(strength)}" for cause, strength in table.index),
        *map(str, benchmarks.index),
        "averaged over the prior",
    ]
    shown = pd.concat([part[table.columns] for part in (table, benchmarks, with_prior)])
    columns = effects_in_words(shown, asked.estimate.paths) | larger_in_words(shown, asked.estimate.paths)
    return TextTable.of(
        {"hidden cause of": labels, **columns, "verdict": list(shown["verdict"])}, left={"hidden cause of", "verdict"}
    )


def _sentence(asked: _Asked, cause: str, tipping: pd.DataFrame) -> str:
    verdict, changed = asked.answer.verdict, tipping.loc["verdict"]
    lost = tipping["strength"].drop("verdict").dropna()
    certain = [f"of the {'order of sizes' if name == 'order' else name} at {at:.2f}" for name, at in lost.items()]
    if np.isnan(changed["strength"]):
        largest = changed["largest"]
        end = ", beyond which none is possible" if largest < FINE[-1] else ""
        kept = (
            f"No hidden cause of {cause}, of equal strength with both, changes the verdict '{verdict}' up to strength "
            f"{largest:.2f}{end}"
        )
        return f"{kept}{f'; it takes the certainty {in_words(certain)}' if certain else ''}."
    return (
        f"A hidden cause of {cause}, of equal strength with both, changes the verdict '{verdict}' at strength "
        f"{changed['strength']:.2f} to '{changed['becomes']}'"
        f"{f', and takes the certainty {in_words(certain)}' if certain else ''}."
    )


def _unequal_in_words(asked: _Asked, unequal: pd.DataFrame) -> str:
    """The weakest cause that settles the verdict, by the larger of its two strengths, for each verdict."""
    first, second = asked.pair
    other = unequal["verdict"][~unequal["verdict"].isin([asked.answer.verdict, IMPOSSIBLE])]
    step = number(float(UNEQUAL[1] - UNEQUAL[0]))
    if other.empty:
        return f"Nor does one of {first} and {second} of unequal strengths, in steps of {step}, change the verdict."
    weakest = {}
    for verdict, causes in other.groupby(other):
        largest, with_first, with_second = min((max(one, abs(two)), one, two) for one, two in causes.index)
        weakest[largest, verdict] = f"'{verdict}' by {number(with_first)} and {number(with_second)}"
    said = "; ".join(weakest[key] for key in sorted(weakest))
    return (
        f"Of strengths that differ, in steps of {step}, the weakest with {first} and {second} that change the "
        f"verdict: {said}."
    )


def _benchmarks_in_words(benchmarks: pd.DataFrame) -> Iterator[str]:
    *measured, (_, everything) = benchmarks["strength"].items()
    for name, strength in measured:
        yield f"'{str(name).removeprefix('like ')}' is as strong as {strength:.2f}."
    yield f"A hidden cause of all of the correlation of the two has strength {everything:.2f}."


def _assumptions(asked: _Asked, persistence: float) -> tuple[str, ...]:
    first, second = asked.pair
    others = " and with no other measure," if len(asked.measures) > 2 else ""
    sign = "in both signs" if asked.answer.verdict == UNDECIDED else "in the sign that speaks against the answer"
    exact = (
        " The correction is exact without random intercepts only; with them it can miss in either direction, at high "
        "carry-over, few waves or a persistence from about 0.8."
        if asked.random_intercepts
        else ""
    )
    return (
        f"A hidden cause of {first} and {second} correlates by its strength with each of them within persons at every "
        f"wave,{others} and by {number(persistence)} with itself one interval later.",
        f'One of "{first}, then {second}" correlates so with {first} alone and moves {second}, one interval later, by '
        "as many SDs; it does not go on.",
        f"It acts linearly, over every interval alike, {sign}.{exact}",
        "Everything that the answer itself assumes, but for that hidden cause.",
    )


def _figure(answer: Answer) -> "Figure":
    """Both effects by the strength of each kind of hidden cause, and how probably the first is the larger."""
    curve, asked_about = answer.tables["curve"], answer.basis
    assert isinstance(asked_about, Answer)
    colours = path_colours(asked_about)
    panels = []
    for cause in curve.index.unique("cause"):
        along = curve.loc[cause].dropna(subset=["forward"])
        changes = answer.tables["tipping"].loc[(cause, "verdict"), "strength"]
        markers = [] if np.isnan(changes) else [Marker(str(along["verdict"].loc[changes]), float(changes))]
        panels.append(curves_panel(f"Hidden cause of {cause}", along, colours, markers))
    return curves_figure(
        panels,
        tuple(colours),
        title="What a hidden cause would do to the answer",
        certainty=answer.arguments["certainty"],
        along="strength of a hidden cause",
        origin=True,
    )
