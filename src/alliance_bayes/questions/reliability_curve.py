"""One question of direction at several reliabilities of its measures: what measurement error would do to the answer."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..basics.given import is_number, shown
from ..basics.names import in_words, number, quoted
from ..basics.text_tables import TextTable
from ..figures.effects import Marker
from ..posterior.posterior import Posterior
from ..spec.cross_lagged import CrossLagged
from .answer import Answer
from .both_effects import curves_figure, curves_panel, effects_in_words, effects_over, larger_in_words
from .cells import table_of
from .directionality import SIDES, paths_of
from .lengths import average_over

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = [
    "UNTRUSTED",
    "ErrorVariant",
    "curve_in_words",
    "curve_sentences",
    "error_variants",
    "impossible",
    "reliability_curve",
    "reliability_figure",
    "reliability_problems",
]

IMPOSSIBLE = "impossible"
NOT_FITTED = "not fitted"
UNTRUSTED = "cannot be trusted"
MUCH = 0.5
"""Change of a probability that is said although it was and is uncertain."""


@dataclass(frozen=True)
class ErrorVariant:
    """The model with a known reliability of one measure or of both."""

    of: str
    value: float
    measures: tuple[str, ...]
    spec: CrossLagged

    @property
    def name(self) -> str:
        """Name of the variant."""
        return f"reliability of {self.of} {number(self.value)}"


def reliability_problems(spec: CrossLagged, pair: Sequence[str], values: Sequence[float]) -> Iterator[str]:
    """Reasons why direction cannot be asked at these reliabilities."""
    if not all(is_number(value) and 0 < value <= 1 for value in values):
        yield f"reliability must lie above 0 and at most 1; got {shown(list(values))}."
    if len(set(values)) < len(values):
        yield f"reliability must not repeat a value; got {shown(list(values))}."
    if values and not _with_known(spec, pair):
        yield (
            f"reliability: {quoted(pair)} have measurement error in this model already, from a family, indicators or a "
            "STARTS model. Omit reliability."
        )


def _with_known(spec: CrossLagged, pair: Sequence[str]) -> tuple[str, ...]:
    """Those of the pair whose reliability can be set: measures without error, or with a known one."""
    return tuple(name for name in pair if name in spec.without_error or name in spec.reliability)


def error_variants(spec: CrossLagged, pair: Sequence[str], values: Sequence[float]) -> tuple[ErrorVariant, ...]:
    """The model at each reliability of each measure of a pair, then of both; a measure with its own error stays."""
    names = _with_known(spec, pair)
    chosen = {name: (name,) for name in names} | ({in_words(names): names} if len(names) > 1 else {})
    return tuple(
        ErrorVariant(of, value, measures, _at(spec, measures, value))
        for of, measures in chosen.items()
        for value in sorted(values, reverse=True)
    )


def _at(spec: CrossLagged, measures: Sequence[str], value: float) -> CrossLagged:
    others = {name: known for name, known in spec.reliability.items() if name not in measures}
    return replace(spec, reliability=others | (dict.fromkeys(measures, value) if value < 1 else {}))


def impossible(fit: Posterior, variants: Sequence[ErrorVariant]) -> dict[str, str]:
    """Why variants cannot be, by name: their error would be larger than all that is within persons.

    The within-person share of a measure at reliability 1 is the posterior mean of its within-person variance over its
    variance about the wave means, averaged over waves, and the share of error that the model knows already.
    """
    reasons = {}
    for variant in variants:
        shares = {name: _within_share(fit, name) for name in variant.measures}
        exceeding = [name for name, share in shares.items() if 1 - variant.value > share]
        if exceeding:
            within = in_words([f"{100 * shares[name]:.0f} % of '{name}'" for name in exceeding])
            reasons[variant.name] = (
                f"Impossible: {100 * (1 - variant.value):.0f} % of the variance would be error, and within persons "
                f"there is no more than {within}."
            )
    return reasons


def _within_share(fit: Posterior, name: str) -> float:
    unit = fit.model.unit[fit.spec.measures.index(name)]
    within = (fit.posterior["within_sd"].sel(measure=name) / unit) ** 2
    return float(within.mean()) + 1 - fit.spec.reliability.get(name, 1.0)


def reliability_curve(
    answers: Mapping[str, Answer],
    variants: Sequence[ErrorVariant],
    names: Mapping[str, str],
    reasons: Mapping[str, str],
) -> pd.DataFrame:
    """Effects, contest and verdict of each variant, given the answers by the variants' names."""
    rows = {}
    for variant in variants:
        answer = answers.get(names[variant.name])
        if answer is not None:
            rows[variant.of, variant.value] = _row(answer)
        else:
            verdict = IMPOSSIBLE if variant.name in reasons else NOT_FITTED
            rows[variant.of, variant.value] = {"verdict": verdict}
    some = _row(next(iter(answers.values())))
    return table_of(rows, "of", "reliability").reindex(columns=list(some))


def _row(answer: Answer) -> dict[str, object]:
    over, paths = average_over(answer.draws.attrs["asked"]), paths_of(answer)
    row = effects_over(answer, paths, over)
    row |= {
        f"{side}_positive": answer.table.loc[(path, over), "p_positive"]
        for side, path in zip(SIDES, paths, strict=True)
    }
    contest = answer.tables["contest"].loc[over]
    leads = answer.evidence.loc[over, "probability"]
    first, second = answer.arguments["between"]
    return row | {
        "p_first_larger": contest["probability"],
        "p_first_larger_mcse": contest["mcse"],
        "p_first_leads": leads[f"{first} leads"],
        "p_second_leads": leads[f"{second} leads"],
        "verdict": answer.verdict if answer.health.healthy else UNTRUSTED,
    }


def curve_in_words(curve: pd.DataFrame, paths: tuple[str, str]) -> TextTable:
    """The curve as a printed table."""
    return TextTable.of(
        {
            "reliability": [f"{of} {number(value)}" for of, value in curve.index],
            **effects_in_words(curve, paths),
            **larger_in_words(curve, paths),
            "verdict": list(curve["verdict"]),
        },
        left={"reliability", "verdict"},
    )


def curve_sentences(curve: pd.DataFrame, original: Answer) -> Iterator[str]:
    """At which reliabilities the verdict, the order of sizes or a sign is another one, for each measure and for both.

    Beside the answer under the original model. What cannot be trusted is named, and compared with nothing.
    """
    if not original.health.healthy:
        yield "The draws of the original model cannot be trusted, so no reliability is compared with it."
        return
    asked = _row(original)
    for of, values in curve.groupby(level="of", sort=False):
        cells = values.droplevel("of")
        fitted = cells[~cells["verdict"].isin([IMPOSSIBLE, NOT_FITTED, UNTRUSTED])]
        doubtful = [number(float(value)) for value in cells.index[cells["verdict"] == UNTRUSTED]]
        if doubtful:
            yield f"The draws at reliability {in_words(doubtful)} of {of} cannot be trusted."
        if fitted.index.min() < 1:
            yield _compared(str(of), fitted, asked, original)


def _compared(of: str, fitted: pd.DataFrame, asked: Mapping[str, Any], original: Answer) -> str:
    other = fitted["verdict"][fitted["verdict"] != asked["verdict"]]
    changed = "; ".join(f"'{verdict}' at {number(float(value))}" for value, verdict in other.items())
    moved = list(_moved(fitted, asked, original))
    least = number(float(fitted.index.min()))
    if changed:
        return f"With measurement error in {of} the verdict is {changed}.{f' {_listed(moved)}' if moved else ''}"
    if moved:
        return f"With measurement error in {of} the verdict stays down to reliability {least}. {_listed(moved)}"
    return (
        f"Measurement error in {of} does not change the verdict, the order of sizes or a sign down to reliability "
        f"{least}."
    )


def _listed(moved: Sequence[str]) -> str:
    return f"But {'; '.join(moved)}."


def _moved(fitted: pd.DataFrame, asked: Mapping[str, Any], original: Answer) -> Iterator[str]:
    """Probabilities of the order of sizes and of each sign that become certain, uncertain or much different."""
    paths, certainty = paths_of(original), original.arguments["certainty"]
    probabilities = {f"P(|{paths[0]}| larger)": "p_first_larger"} | {
        f"P({path} > 0)": f"{side}_positive" for side, path in zip(SIDES, paths, strict=True)
    }
    for name, column in probabilities.items():
        before, after = asked[column], fitted[column]
        other = (_certain(after, certainty) != _certain(before, certainty)) | (abs(after - before) >= MUCH)
        if other.any():
            values = in_words([f"{value:.2f} at {number(float(at))}" for at, value in after[other].items()])
            yield f"{name} is {values}, and {before:.2f} under the original model"


def _certain(probability: Any, certainty: float) -> Any:
    """1 where an event is certain enough, -1 where its opposite is, otherwise 0."""
    return np.greater_equal(probability, certainty) * 1 - np.less_equal(probability, 1 - certainty) * 1


def reliability_figure(curve: pd.DataFrame, colours: Mapping[str, str], certainty: float) -> "Figure":
    """Both effects by reliability, and how probably the first is the larger, with the verdict where it changes.

    Colours are by path, forwards then backwards.
    """
    panels = []
    for of, rows in curve.droplevel("of").groupby(curve.index.get_level_values("of"), sort=False):
        fitted = rows[rows["forward"].notna()].sort_index()
        if fitted.empty:
            continue
        turns = fitted["verdict"][fitted["verdict"] != fitted["verdict"].shift()]
        markers = [Marker(str(verdict), float(value)) for value, verdict in turns.items()]
        panels.append(curves_panel(f"Reliability of {of}", fitted, colours, markers))
    title = "What measurement error would do to the answer"
    return curves_figure(panels, tuple(colours), title=title, certainty=certainty, along="reliability", origin=False)
