"""How well a model reproduces the data, and tests of what it holds equal: beside a verdict, never part of it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from ..basics.digits import p_in_words
from ..basics.names import in_words
from ..basics.problems import AllianceBayesError
from ..engine.model_on_panel import PanelModel
from ..likelihood.likelihood_ratio import likelihood_ratio
from ..likelihood.maximum_likelihood import MaximumLikelihood, maximum_likelihood
from ..panel import Panel, internal_consistency
from ..spec.cross_lagged import CrossLagged

__all__ = ["ModelFit", "maximum_of", "model_fit"]

type Checked = Callable[[], pd.DataFrame]
"""Gives the table of a posterior predictive check, which takes a while."""

REJECTED = 0.01
"""p-value below which a model misfits, or equality is rejected."""
LEAST_RMSEA = 0.03
"""RMSEA from which a small p-value is a misfit: with many people the smallest misfit has one."""
N_SHOWN = 3
MODEL = "model"
UNKNOWN = "Model fit: not known, for want of proper maximum likelihood and of an overall predictive check."


@dataclass(frozen=True, eq=False)
class ModelFit:
    """How well a model reproduces the data.

    Attributes
    ----------
    table
        Indexed by ``test``, "model", "equal lags" or "equal residuals" (against free ones): ``by``, "maximum
        likelihood" or "posterior predictive"; ``chi_square`` with its ``df``; ``p``; ``cfi`` and ``rmsea`` of the
        model; ``verdict``, "misfit" where p is below .01 and, by maximum likelihood, RMSEA is .03 or more, and
        "rejected" where p of equality is below .01.
    reliability
        Indexed by ``measure``, of measures with indicators, items or a known reliability: ``reliability`` and ``by``.
    doubts
        Sentences on misfit and rejected equality.
    notes
        Sentences on all that is not doubtful.
    """

    table: pd.DataFrame
    reliability: pd.DataFrame
    doubts: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """Both tables by name, for an answer."""
        return {"model_fit": self.table, "reliability": self.reliability}


def maximum_of(spec: CrossLagged, panel: Panel) -> MaximumLikelihood | None:
    """Maximum likelihood of a model on a panel; None where the model has none there."""
    if spec.is_latent:
        return None
    try:
        return maximum_likelihood(spec, panel)
    except (AllianceBayesError, np.linalg.LinAlgError):
        return None


def model_fit(model: PanelModel, maxima: Sequence[MaximumLikelihood], checked: Checked, *, n_panels: int) -> ModelFit:
    """Fit of a model by maximum likelihood where it converged inside its boundaries, otherwise posterior predictive.

    With likelihood-ratio tests of lags and residuals that are equal by assumption against free ones, and the
    reliability of measures that have items.
    """
    if n_panels > 1:
        return ModelFit(*_nothing(), (), ("Model fit: not known of imputed panels; see maximum likelihood of each.",))
    rows = {name: (row, sentence) for name, row, sentence in _tests(model, maxima, checked)}
    reliability = dict(_reliabilities(model.spec, model.panel))
    doubtful = [sentence for row, sentence in rows.values() if row["verdict"]]
    notes = [sentence for row, sentence in rows.values() if not row["verdict"]]
    if MODEL not in rows:
        notes.insert(0, UNKNOWN)
    if reliability:
        by_measure = [f"{name} {_without_zero(value)} ({by})" for name, (value, by) in reliability.items()]
        notes.append(f"Reliability: {in_words(by_measure)}.")
    table, none = _nothing()
    if rows:
        table = pd.DataFrame.from_dict({name: row for name, (row, _) in rows.items()}, orient="index")
        table = table.rename_axis("test")
    if reliability:
        none = pd.DataFrame.from_dict(reliability, orient="index", columns=["reliability", "by"]).rename_axis("measure")
    return ModelFit(table, none, tuple(doubtful), tuple(notes))


def _nothing() -> tuple[pd.DataFrame, pd.DataFrame]:
    return pd.DataFrame(), pd.DataFrame()


def _tests(
    model: PanelModel, maxima: Sequence[MaximumLikelihood], checked: Checked
) -> Iterator[tuple[str, dict[str, Any], str]]:
    maximum = next(iter(maxima), None)
    sound = maximum is not None and maximum.converged
    if maximum is not None and sound and not maximum.estimates.messages and maximum.df and maximum.chi_square >= 0:
        row = _row("maximum likelihood", maximum.chi_square, maximum.df, maximum.p_value, maximum.cfi, maximum.rmsea)
        misfit = maximum.p_value < REJECTED and maximum.rmsea >= LEAST_RMSEA
        row["verdict"] = "misfit" if misfit else ""
        yield MODEL, row, f"Model fit: {_chi_square(row)}, CFI {row['cfi']:.3f}, RMSEA {row['rmsea']:.3f}{_end(row)}"
    elif model.panel.has_persons:
        yield from _predictive(checked())
    if maximum is not None and sound:
        yield from _equalities(maximum)


def _equalities(smaller: MaximumLikelihood) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Tests of what is equal over intervals by assumption."""
    spec, times = smaller.spec, smaller.model.panel.times
    freed = {
        "equal lags": replace(spec, lags="free") if spec.lags_for(times) in ("equal", "equal_standardized") else None,
        "equal residuals": replace(spec, residuals="free") if spec.residuals == "equal" else None,
    }
    for said, spec_of_larger in freed.items() if len(times) > 2 else ():
        larger = None if spec_of_larger is None else maximum_of(spec_of_larger, smaller.model.panel)
        if larger is None or not larger.converged or larger.n_parameters <= smaller.n_parameters:
            continue
        test = likelihood_ratio(smaller, larger)
        row = _row("maximum likelihood", test.chi_square, test.df, test.p_value)
        row["verdict"] = "rejected" if test.p_value < REJECTED else ""
        yield said, row, f"{said.capitalize()} against free ones: {_chi_square(row)}{_end(row)}"


def _predictive(checked: pd.DataFrame) -> Iterator[tuple[str, dict[str, Any], str]]:
    p = float(checked["p"].iloc[0])
    if np.isnan(p):  # too few people, or no common means and covariances
        return
    row = _row("posterior predictive", p=p)
    row["verdict"] = "misfit" if p < REJECTED else ""
    sentence = f"Model fit, posterior predictive: p {p_in_words(p)}{_end(row)}"
    if row["verdict"]:
        misfits = checked.iloc[1:].query("verdict != ''")
        distance = (misfits["completed"] - misfits["mean"]).abs() / (misfits["upper"] - misfits["lower"])
        worst = misfits.loc[distance.sort_values(ascending=False).index[:N_SHOWN]]
        named = [
            f"{statistic} of {what} ({found:.3g}, predicted {low:.3g} to {high:.3g})"
            for (statistic, what), found, low, high in zip(
                worst.index, worst["completed"], worst["lower"], worst["upper"], strict=True
            )
        ]
        sentence += f" Most in {in_words(named)}." if named else ""
    yield MODEL, row, sentence


def _reliabilities(spec: CrossLagged, panel: Panel) -> Iterator[tuple[str, tuple[float, str]]]:
    for name in spec.measures:
        columns = spec.columns_of(name)
        if name in spec.reliability:
            yield name, (spec.reliability[name], "assumed")
        elif len(columns) > 1 and panel.has_persons:
            try:
                alpha = internal_consistency(panel, columns).alpha
            except AllianceBayesError:  # nobody answered all items at one time
                continue
            yield name, (alpha, f"Cronbach's alpha of {len(columns)} items")


def _row(
    by: str,
    chi_square: float = np.nan,
    df: float = np.nan,
    p: float = np.nan,
    cfi: float = np.nan,
    rmsea: float = np.nan,
) -> dict[str, Any]:
    return {"by": by, "chi_square": chi_square, "df": df, "p": p, "cfi": cfi, "rmsea": rmsea}


def _chi_square(row: dict[str, Any]) -> str:
    return f"chi-square {row['chi_square']:.1f} on {row['df']} df, p {p_in_words(row['p'])}"


def _end(row: dict[str, Any]) -> str:
    return f": {row['verdict']}." if row["verdict"] else "."


def _without_zero(value: float) -> str:
    return f"{value:.2f}".removeprefix("0")
