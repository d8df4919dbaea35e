"""Draws that the page's script counts when the reader moves the margin or the lag."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from markupsafe import Markup

from ..basics.names import split_path
from ..posterior.summaries import Probability
from ..questions.answer import Answer
from .of_direction import margin_of

__all__ = ["Moving", "moving_direction", "moving_lag"]

MOST_DRAWS = 4000
MOST_NUMBERS = 60_000
DIGITS = 6
DIGITS_BY_LAG = 4


@dataclass(frozen=True)
class Moving:
    """What one control of the page moves: its name, the draws kept of all, and the data of the script."""

    name: str
    kept: int
    of: int
    data: Markup
    lags: Sequence[str]
    margin: float
    most: float
    by_lag: bool = False


def moving_direction(answer: Answer, name: str) -> Moving:
    """Both effects draw by draw, for each length, with the probabilities that the answer prints."""
    draws = answer.draws["effect"].transpose("path", "length", "chain", "draw")
    kept = _kept(answer.n_draws, MOST_DRAWS)
    lengths = [str(length) for length in draws["length"].to_numpy()]
    overs = [str(over) for over in answer.evidence.index.unique("over")]
    paths = [str(path) for path in draws["path"].to_numpy()]
    cases = []
    for length, over in zip(lengths, overs, strict=True):
        values = draws.sel(length=length).to_numpy().reshape(len(paths), -1)[:, kept]
        events = answer.evidence.xs(over, level="over")
        margin = margin_of(answer, over)
        cases.append(
            {
                "over": over,
                "margin": margin,
                "draws": _rounded(values),
                "shown": [bool(event != "both" or row["signs_settled"]) for event, row in events.iterrows()],
                "printed": {str(event): float(row["probability"]) for event, row in events.iterrows()},
                "words": {
                    str(event): str(Probability(row["probability"], 0.0, answer.n_draws))
                    for event, row in events.iterrows()
                },
            }
        )
    asked = str(answer.draws.attrs.get("asked", lengths[0]))
    data = {
        "kind": "direction",
        "paths": paths,
        "cases": cases,
        "start": lengths.index(asked),
        "certainty": answer.arguments["certainty"],
    }
    margin = cases[data["start"]]["margin"]
    return Moving(name, len(kept), answer.n_draws, _json(data), overs, margin, max(0.2, 4 * margin))


def moving_lag(answer: Answer, name: str) -> Moving:
    """Effects draw by draw at each lag, with the means and intervals that the answer prints."""
    draws = answer.draws["effect"].transpose("path", "lag", "chain", "draw")
    lags = draws["lag"].to_numpy()
    paths = [str(path) for path in draws["path"].to_numpy()]
    chosen = np.unique(np.linspace(0, len(lags) - 1, min(len(lags), 41)).round().astype(int))
    observed = np.flatnonzero(np.isin(np.round(lags, 9), np.round(answer.draws.attrs["observed"], 9)))
    chosen = np.union1d(chosen, observed)
    kept = _kept(answer.n_draws, max(100, min(MOST_DRAWS, MOST_NUMBERS // (len(paths) * len(chosen)))))
    values = draws.to_numpy().reshape(len(paths), len(lags), -1)[:, chosen][:, :, kept]
    columns = [column for column in ("mean", "lower", "upper", "p_positive") if column in answer.table]
    table = [
        [[_number(answer.table.loc[(path, lags[place]), column]) for column in columns] for place in chosen]
        for path in paths
    ]
    pairs = [
        [paths.index(path), paths.index(back)]
        for path in paths
        if (back := " -> ".join(reversed(split_path(path) or ()))) in paths and paths.index(path) < paths.index(back)
    ]
    data: dict[str, Any] = {
        "kind": "lag",
        "paths": paths,
        "pairs": pairs,
        "lags": [float(f"{lag:.6g}") for lag in lags[chosen]],
        "draws": [_rounded(path, DIGITS_BY_LAG) for path in values],
        "table": table,
        "n": answer.n_draws,
        "margin": float(answer.arguments["margin"]),
        "start": int(np.searchsorted(chosen, observed[0])) if len(observed) else 0,
    }
    margin = float(answer.arguments["margin"])
    return Moving(
        name,
        len(kept),
        answer.n_draws,
        _json(data),
        [f"{lag:.4g}" for lag in lags[chosen]],
        margin,
        max(0.2, 4 * margin),
        True,
    )


def _kept(n_draws: int, most: int) -> np.ndarray:
    """Positions of at most so many draws, evenly chosen over all chains."""
    return np.unique(np.linspace(0, n_draws - 1, min(n_draws, most)).round().astype(int))


def _rounded(values: np.ndarray, digits: int = DIGITS) -> list[list[float | None]]:
    return [[_number(value, digits) for value in row] for row in values]


def _number(value: float, digits: int = DIGITS) -> float | None:
    return float(f"{value:.{digits}g}") if np.isfinite(value) else None


def _json(data: object) -> Markup:
    """JSON that can stand inside a script element."""
    words = json.dumps(data, separators=(",", ":"), allow_nan=False)
    for character in "<>&\u2028\u2029":
        words = words.replace(character, f"\\u{ord(character):04x}")
    return Markup(words)
