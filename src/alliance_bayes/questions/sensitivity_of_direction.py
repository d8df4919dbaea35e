"""What a hidden cause of two measures would have to be like to change an answer on their direction."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from ..basics.names import in_words, number
from ..basics.text_tables import TextTable
from ..figures.effects import Band, Marker, TippingPanel, tipping_figure
from ..posterior.path_matrices import path_matrices
from ..posterior.summaries import interval, interval_name
from .answer import Answer
from .cells import bounds, table_of
from .direction_dynamics import DirectionDynamics
from .directionality_effects import SIDES, Effects
from .directionality_verdict import verdict_on
from .dynamics import correlation_matrices, not_followed
from .hidden_causes import moved_by_common_cause
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
MOST_IMPOSSIBLE = 0.05
TRIED = 0.3
"""Strength at which is found in which sign a hidden cause speaks against the answer."""


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
    the start of each interval, dims ``(chain, draw, interval, measure, measure)``.
    """

    answer: Answer
    measures: Sequence[str]
    lagged: Array
    correlations: Array
    random_intercepts: bool

    @classmethod
    def of(cls, answer: Answer) -> "_Asked":
        """Read off the basis of the answer."""
        basis = answer.basis
        assert isinstance(basis, DirectionDynamics)
        draws, measures = basis.draws, basis.spec.measures
        intervals = [index for index, length in enumerate(basis.lengths) if length == answer.draws.attrs["asked"]]
        lagged = draws["lagged_standardized"].transpose("chain", "draw", "interval", "path").isel(interval=intervals)
        by_wave = [draws["within_correlation"].isel(time=index) for index in intervals]
        correlations = np.stack([correlation_matrices(wave, measures) for wave in by_wave], axis=2)
        return cls(answer, measures, path_matrices(lagged, measures), correlations, basis.spec.random_intercepts)

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

    def numbers(self, first: Array | float, second: Array | float) -> Array:
        """Numbers of the two measures, and 0 of all others, dims ``(chain, draw, interval, measure)``."""
        numbers = np.zeros(self.correlations.shape[:-1])
        for position, value in zip(self.positions, (first, second), strict=True):
            numbers[..., position] = np.asarray(value)[..., None] if np.ndim(value) else value
        return numbers

    def without(self, correlated: Array, moved: Callable[[Array], Array]) -> Effects | None:
        """Both effects without the share of a hidden cause, or None where there is no such cause.

        It correlates so with the measures at the start of an interval; `moved` says by how much it moves each at the
        end, from the share of its variance that the measures predict, which is below 1 in all but a few draws.
        """
        slopes = np.einsum("...jk,...k->...j", self.precision, correlated)
        predicted = np.einsum("...j,...j->...", slopes, correlated)
        if (predicted >= 1).mean() > MOST_IMPOSSIBLE:
            return None
        moves = moved(np.where(predicted < 1, predicted, np.nan)) + np.where(predicted < 1, 0.0, np.nan)[..., None]
        corrected = (self.lagged - moves[..., :, None] * slopes[..., None, :]).mean(axis=2)
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

    def without_common(self, correlated: Array, persistence: Array | float) -> Effects | None:
        """Both effects without the share of a cause that goes on and drives the measures at every wave."""
        return self.without(
            correlated, lambda predicted: moved_by_common_cause(self.lagged, correlated, predicted, persistence)
        )

    def verdict(self, effects: Effects) -> str:
        """The verdict of such effects by the rules of the answer."""
        return verdict_on(effects, self.answer.health)[0]

    @cached_property
    def estimate(self) -> Effects:
        """Both effects as they were estimated."""
        effects = self.without(self.numbers(0.0, 0.0), lambda _: np.zeros(1))
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
        return asked.without(start, lambda _: moved)


def _causes(asked: _Asked, persistence: float) -> list[_Cause]:
    """Each kind of hidden cause, in the sign that speaks against the answer."""
    first, second = asked.pair
    kinds = [
        [_Cause(f"{first} and {second}", (1.0, sign)) for sign in (1.0, -1.0)],
        [_Cause(f"{first}, then {second}", (1.0, 0.0), (0.0, sign)) for sign in (1.0, -1.0)],
        [_Cause(f"{second}, then {first}", (0.0, 1.0), (sign, 0.0)) for sign in (1.0, -1.0)],
    ]
    return [
        min(signed, key=lambda cause: _support(asked, cause.without(asked, TRIED, persistence))) for signed in kinds
    ]


def _support(asked: _Asked, effects: Effects | None) -> float:
    """How far mean effects support the verdict of the answer; where it is undecided, which of them is the larger."""
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
    tables = {
        "curve": curve,
        "tipping": tipping,
        "by_persistence": _by_persistence(asked, persistence, tipping),
        "benchmarks": benchmarks,
        "with_prior": _averaged(asked, persistence, prior_sd, seed),
    }
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
            *(_sentence(asked, cause, tipping.loc[cause]["strength"]) for cause in tipping.index.unique("cause")),
            *_benchmarks_in_words(benchmarks),
        ),
        health=answer.health,
        tables=tables,
        assumptions=_assumptions(asked, persistence),
        before_assumptions="Assumptions:",
        basis=answer,
        figure=_figure,
    )


def _row(asked: _Asked, effects: Effects | None) -> dict[str, object]:
    if effects is None:
        return {"verdict": "impossible"}
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
    rows = {}
    for cause in curve.index.unique("cause"):
        along = curve.loc[cause].dropna(subset=["forward"])
        larger = along["p_first_larger"] if order > 0 else 1 - along["p_first_larger"]
        rows[cause, "verdict"] = {"strength": _first(along["verdict"] != asked.answer.verdict)}
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

    def changes(cause: _Cause, value: float, strengths: Array) -> float:
        for strength in strengths.tolist():
            effects = cause.without(asked, strength, value)
            if effects is None:
                break
            if asked.verdict(effects) != asked.answer.verdict:
                return float(strength)
        return np.nan

    known = tipping.xs("verdict", level="lost")["strength"].iloc[0]
    rows = {persistence: float(known)}
    for value in PERSISTENCES:
        if value != persistence:
            cause = _causes(asked, value)[0]
            about = changes(cause, value, FINE[::5])
            rows[value] = changes(cause, value, FINE[(about - 0.1 < FINE) & (about >= FINE)])
    return pd.DataFrame({"strength": rows}).rename_axis("persistence").sort_index()


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
    """Both effects averaged over hidden causes whose two strengths are independent normal."""
    rng = np.random.default_rng([seed, *b"hidden cause"])
    strengths = prior_sd * rng.standard_normal((2, *asked.lagged.shape[:2]))
    drawn = np.clip(strengths, -LARGEST_CORRELATION, LARGEST_CORRELATION)
    effects = asked.without_common(asked.numbers(*drawn), persistence)
    return pd.DataFrame.from_dict({prior_sd: _row(asked, effects)}, orient="index").rename_axis("prior_sd")


def _in_words(asked: _Asked, table: pd.DataFrame, benchmarks: pd.DataFrame, with_prior: pd.DataFrame) -> TextTable:
    labels = [
        *(f"{cause}: {number(strength)}" for cause, strength in table.index),
        *map(str, benchmarks.index),
        "averaged over the prior",
    ]
    shown = pd.concat([part[table.columns] for part in (table, benchmarks, with_prior)])
    known, paths = shown["forward"].notna(), asked.estimate.paths

    rows = [row if fitted else None for fitted, (_, row) in zip(known, shown.iterrows(), strict=True)]
    effects = {
        f"{path} ({interval_name()})": [
            "-" if row is None else f"{row[side]:.2f} {bounds(row, f'{side}_')}" for row in rows
        ]
        for side, path in zip(SIDES, paths, strict=True)
    }
    larger = ["-" if row is None else f"{row['p_first_larger']:.2f}" for row in rows]
    return TextTable.of(
        {"hidden cause of": labels, **effects, f"P(|{paths[0]}| larger)": larger, "verdict": list(shown["verdict"])},
        left={"hidden cause of", "verdict"},
    )


def _sentence(asked: _Asked, cause: str, strengths: "pd.Series[float]") -> str:
    verdict, lost = asked.answer.verdict, strengths.drop("verdict").dropna()
    changes = strengths["verdict"]
    kept = (
        f"does not change the verdict '{verdict}' at any strength"
        if np.isnan(changes)
        else f"changes the verdict '{verdict}' at strength {changes:.2f}"
    )
    certain = [f"of the {'order of sizes' if name == 'order' else name} at {at:.2f}" for name, at in lost.items()]
    return f"A hidden cause of {cause} {kept}{f', and takes the certainty {in_words(certain)}' if certain else ''}."


def _benchmarks_in_words(benchmarks: pd.DataFrame) -> Iterator[str]:
    *measured, (_, everything) = benchmarks["strength"].items()
    for name, strength in measured:
        yield f"'{str(name).removeprefix('like ')}' is as strong as {strength:.2f}."
    yield f"A hidden cause of all of the correlation of the two has strength {everything:.2f}."


def _assumptions(asked: _Asked, persistence: float) -> tuple[str, ...]:
    first, second = asked.pair
    others = " and with no other measure," if len(asked.measures) > 2 else ""
    absorbed = (
        " Random intercepts absorb part of a cause that hardly changes (0.9), for which the correction is too large."
        if asked.random_intercepts
        else ""
    )
    return (
        f"A hidden cause of {first} and {second} correlates by its strength with each of them within persons at every "
        f"wave,{others} and by {number(persistence)} with itself one interval later.",
        f'One of "{first}, then {second}" correlates so with {first} alone and moves {second}, one interval later, by '
        "as many SDs; it does not go on.",
        f"It acts linearly, over every interval alike, in the sign that speaks against the answer.{absorbed}",
        "Everything that the answer itself assumes, but for that hidden cause.",
    )


def _figure(answer: Answer) -> "Figure":
    """Both effects by the strength of each kind of hidden cause, and how probably the first is the larger."""
    curve, asked_about = answer.tables["curve"], answer.basis
    assert isinstance(asked_about, Answer)
    colours = path_colours(asked_about)
    paths = list(colours)
    panels = []
    for cause in curve.index.unique("cause"):
        along = curve.loc[cause].dropna(subset=["forward"])
        x = along.index.to_numpy(float)
        effects = [
            Band(path, x, *_columns(along, side), colour=colours[path]) for side, path in zip(SIDES, paths, strict=True)
        ]
        larger, error = (along[name].to_numpy(float) for name in ("p_first_larger", "p_first_larger_mcse"))
        chance = Band(
            f"|{paths[0]}| larger", x, larger, larger - 2 * error, larger + 2 * error, colour=colours[paths[0]]
        )
        changes = answer.tables["tipping"].loc[(cause, "verdict"), "strength"]
        markers = [] if np.isnan(changes) else [Marker(str(along["verdict"].loc[changes]), float(changes))]
        panels.append(TippingPanel(f"Hidden cause of {cause}", effects, [chance], [markers]))
    return tipping_figure(
        panels,
        title="What a hidden cause would do to the answer",
        asked=answer.arguments["certainty"],
        x_label="strength of a hidden cause",
        unit="lagged effect, SD per SD",
        probability_label=f"P(|{paths[0]}| larger)",
    )


def _columns(rows: pd.DataFrame, side: str) -> tuple[Array, Array, Array]:
    mean, lower, upper = (rows[f"{side}{bound}"].to_numpy(float) for bound in ("", "_lower", "_upper"))
    return mean, lower, upper
