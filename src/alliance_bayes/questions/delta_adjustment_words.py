"""An answer on missing values that are not missing at random, in words."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from ..basics.names import in_words, quoted
from ..basics.text_tables import TextTable
from ..panel import Absence
from ..posterior.fit import Fit
from ..posterior.summaries import Probability, interval_name
from ..spec.cross_lagged import MISSING_AT_RANDOM
from .answer import Answer
from .cells import bounds
from .directionality import paths_of
from .shifted_panels import Cells
from .tipping_points import shift_in_words

__all__ = ["AS_FITTED", "assumptions", "effects_in_words", "heading", "verdicts_in_words"]

AS_FITTED = "as fitted"
IN_WORDS = {
    "wave_missing": "at interviews that did not take place",
    "item_missing": "of unanswered questions",
    "unknown": "of which it is not known whether they exist",
}


def heading(fit: Fit, cells: Cells, n_imputations: int, unit: float) -> tuple[str, str]:
    """The shifted values and the sample; and the measure's unit, mean and range."""
    name = fit.spec.response_columns[cells.columns[0]]
    column = fit.panel.require_persons("A delta adjustment")[:, :, fit.panel.measures.index(name)]
    kinds = in_words([f"{count} {kind.replace('_', ' ')}" for kind, count in cells.shifted_by_kind.items()])
    measure = f"the {len(cells.columns)} columns of {cells.measure}" if len(cells.columns) > 1 else cells.measure
    unit_in_words = f"of the linear predictor of {cells.measure} at the first wave" if np.isnan(unit) else f"{unit:.4g}"
    others = (
        "" if fit.spec.is_latent else f" {cells.counts['imputed']} other missing values are imputed without a shift."
    )
    return (
        f"Lagged effects, SD per SD, if {cells.counts['shifted']} missing values of {measure} ({kinds}) deviate by "
        f"delta SDs from the prediction under missing at random; {fit.n_persons} people, {len(fit.panel.times)} waves, "
        f"{n_imputations} imputations",
        f"1 SD of {name} is {unit_in_words}; its {int((~np.isnan(column)).sum())} observed values have mean "
        f"{np.nanmean(column):.4g} and lie from {np.nanmin(column):.4g} to {np.nanmax(column):.4g}.{others}",
    )


def effects_in_words(
    table: pd.DataFrame, scenarios: pd.DataFrame, as_fitted: Answer, n_draws: int
) -> Iterator[str | TextTable]:
    """One table for each length of the intervals: effects, their signs and the verdict by delta."""
    overs = list(table.index.unique("over"))
    for over in overs:
        if len(overs) > 1:
            yield f"{over}:"
        columns = {
            "delta": [AS_FITTED, *(shift_in_words(float(str(delta))) for delta in scenarios.index)],
            "raw": ["", *("" if np.isnan(raw) else f"{raw:.3g}" for raw in scenarios["raw"])],
            "mean of imputed": ["", *(f"{mean:.4g}" for mean in scenarios["imputed_mean"])],
        }
        for path in paths_of(as_fitted):
            fitted, rows = as_fitted.table.loc[(path, over)], table.xs((path, over), level=("path", "over"))
            columns[f"{path}, {interval_name()}"] = [_effect(row) for row in (fitted, *_rows_of(rows))]
            columns[f"P({path} > 0) (MCSE)"] = [
                _positive(fitted, as_fitted.n_draws),
                *(_positive(row, n_draws) for row in _rows_of(rows)),
            ]
        columns["verdict"] = [str(as_fitted.verdict), *scenarios["verdict"]]
        yield TextTable.of(columns, left={"verdict"})


def _rows_of(table: pd.DataFrame) -> list["pd.Series[float]"]:
    return [row for _, row in table.iterrows()]


def _effect(row: "pd.Series[float]") -> str:
    return f"{row['mean']:.2f} {bounds(row)}"


def _positive(row: "pd.Series[float]", n_draws: int) -> str:
    chance = Probability(float(row["p_positive"]), float(row["p_positive_mcse"]), n_draws)
    error = f" ({np.ceil(chance.mcse * 1000) / 1000:.3f})" if chance.mcse else ""  # without: all draws agree
    return f"{chance}{error}"


def verdicts_in_words(verdicts: pd.Series) -> str:
    """Verdicts by delta."""
    if len(set(verdicts)) == 1:
        return f"{verdicts.iloc[0]}, at every delta"
    by_verdict: dict[str, list[str]] = {}
    for delta, verdict in verdicts.items():
        by_verdict.setdefault(str(verdict), []).append(shift_in_words(float(str(delta))))
    return "; ".join(f"{verdict} at delta {in_words(deltas)}" for verdict, deltas in by_verdict.items())


def assumptions(fit: Fit, cells: Cells) -> tuple[str, ...]:
    """Assumptions about missing values, and of the model."""
    spec, measure = fit.spec, cells.measure
    kinds = in_words([IN_WORDS[name] for name in cells.shifted_by_kind])
    assumptions = [
        f"Given all observed values of a person, missing values of '{measure}' {kinds} are distributed as the model "
        "predicts under missing at random but for delta, which is the same for every person and wave. The data are no "
        "evidence for one delta or another.",
        "All other missing values, of other measures too, are distributed as the model predicts"
        + (", given the shifted ones." if spec.is_latent else "; they do not move with the shifted ones."),
        "Values are imputed by the model as it was fitted, with values missing at random. Fitted again to shifted "
        "values, it agrees with that at delta 0 alone; at others it describes a mixture of people observed and missing "
        "by normal means and covariances.",
        f"Imputed values of '{measure}' are drawn from its family, at linear predictors that are shifted."
        if measure in spec.random_families
        else "Imputed values are normal and are not kept within the range of a measure.",
        *_existence_assumptions(fit, cells),
    ]
    if cells.n_without_values:
        people = "one person" if cells.n_without_values == 1 else f"{cells.n_without_values} people"
        assumptions.append(f"Without any value, and excluded as in the fit: {people}.")
    return (*assumptions, *(sentence for sentence in spec.assumptions if sentence != MISSING_AT_RANDOM))


def _existence_assumptions(fit: Fit, cells: Cells) -> Iterator[str]:
    """How values that may not exist are treated."""
    panel, spec, measure = fit.panel, fit.spec, cells.measure
    if (cells.kinds == Absence.NOT_APPLICABLE).any():
        names = [name for name in spec.response_columns if name in panel.requires]
        yield (
            f"Values of {quoted(names)} that do not exist because a state is off are not missing: they are neither "
            "imputed nor shifted."
        )
    required = [name for name in spec.columns_of(measure) if name in panel.requires]
    if spec.state is not None and spec.needs_state(measure):
        yield (
            f"Where '{spec.state.name}' is not known, it is not known whether '{measure}' existed; it is neither "
            "imputed nor shifted there."
        )
    elif required and {"wave_missing", "unknown"} & set(cells.shifted_by_kind):
        states = quoted(dict.fromkeys(panel.requires[name] for name in required))
        yield (
            f"Where {states} is not known, it is not known whether '{measure}' existed; it is imputed and shifted as "
            "if it had."
        )
