"""How well a model reproduces the data, and tests of what it holds equal: beside a verdict, never part of it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import chdtrc

from ..basics.digits import p_in_words
from ..basics.names import in_words
from ..basics.problems import AllianceBayesError
from ..engine.model_on_panel import PanelModel
from ..likelihood.likelihood_ratio import likelihood_ratio
from ..likelihood.maximum_likelihood import MaximumLikelihood, maximum_likelihood
from ..likelihood.saturated import cell_patterns
from ..likelihood.small_samples import swain_factor
from ..panel import Panel, internal_consistency
from ..spec.cross_lagged import CrossLagged

__all__ = ["ModelFit", "maximum_of", "model_fit"]

type Checked = Callable[[], pd.DataFrame]
"""Gives the table of a posterior predictive check, which takes a while."""

REJECTED = 0.01
"""p-value below which a model misfits, or equality is rejected."""
LEAST_RMSEA = 0.03
"""RMSEA from which a small p-value is a misfit: with many people the smallest misfit has one."""
LARGEST_SHIFT = 0.2
"""SDs of a chi-square that the correction for few people may take off it where values are missing.

Then the correction is too small by about as much again: simulated, true models misfit in 8 to 13 % of panels."""
N_SHOWN = 3
MODEL, LIKELIHOOD, PREDICTIVE = "model", "maximum likelihood", "posterior predictive"
UNKNOWN = "Model fit: not known, for want of proper maximum likelihood and of an overall predictive check."
SATURATED = "Model fit: nothing to test, since the model has as many parameters as there are means and covariances."
OF_IMPUTED_PANELS = "Model fit: not known of imputed panels; see maximum likelihood of each."


@dataclass(frozen=True, eq=False)
class ModelFit:
    """How well a model reproduces the data.

    Attributes
    ----------
    table
        Indexed by ``test``, "model", "equal lags" or "equal residuals" (against free ones): ``by``, "maximum
        likelihood" or "posterior predictive"; ``chi_square`` with its ``df``, that of the model with Swain's correction
        for few people, as are its ``p``, ``cfi`` (independent values uncorrected) and ``rmsea``; ``verdict``, "misfit"
        where p is below .01 and, by maximum likelihood, RMSEA is .03 or more, and "rejected" where p of equality is
        below .01 (uncorrected: true equality was rejected in 0 to 3 % of simulated small panels).
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

    Posterior predictive, too, where values are missing and people so few that the correction of chi-square is large.
    With likelihood-ratio tests of lags and residuals that are equal by assumption against free ones, and the
    reliability of measures that have items.
    """
    if n_panels > 1:
        return ModelFit(pd.DataFrame(), pd.DataFrame(), (), (OF_IMPUTED_PANELS,))
    maximum = maxima[0] if maxima and maxima[0].converged else None
    overall, unknown = _overall(model, maximum, checked)
    tests = [*([overall] if overall else []), *(_equalities(maximum) if maximum else ())]
    reliability = dict(_reliabilities(model.spec, model.panel))
    notes = [*([unknown] if unknown else []), *(test.sentence for test in tests if not test.verdict)]
    if reliability:
        by_measure = [f"{name} {value:.2f} ({by})" for name, (value, by) in reliability.items()]
        notes.append(f"Reliability: {in_words(by_measure)}.")
    return ModelFit(
        _indexed("test", {test.name: {**test.numbers, "verdict": test.verdict} for test in tests}),
        _indexed("measure", {name: {"reliability": value, "by": by} for name, (value, by) in reliability.items()}),
        tuple(test.sentence for test in tests if test.verdict),
        tuple(notes),
    )


def _indexed(name: str, rows: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis(name) if rows else pd.DataFrame()


@dataclass(frozen=True)
class _Test:
    """One test: its numbers, and what it says, "misfit" or "rejected" where that is what it comes to."""

    name: str
    by: str
    said: str
    verdict: str
    chi_square: float = np.nan
    df: float = np.nan
    p: float = np.nan
    cfi: float = np.nan
    rmsea: float = np.nan
    where: str = ""

    @property
    def numbers(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("by", "chi_square", "df", "p", "cfi", "rmsea")}

    @property
    def sentence(self) -> str:
        numbers = f"p {p_in_words(self.p)}"
        if self.df > 0:
            corrected = " (Swain's correction)" if self.name == MODEL else ""
            numbers = f"chi-square {self.chi_square:.1f} on {self.df} df{corrected}, {numbers}"
        if np.isfinite(self.rmsea):
            numbers += f", CFI {self.cfi:.3f}, RMSEA {self.rmsea:.3f}"
        return f"{self.said}: {numbers}{f': {self.verdict}{self.where}' if self.verdict else ''}."


def _overall(model: PanelModel, maximum: MaximumLikelihood | None, checked: Checked) -> tuple[_Test | None, str]:
    """The test of the model, or a sentence on why there is none."""
    by_likelihood = None
    if maximum is not None and not maximum.estimates.messages:
        if not np.isfinite(maximum.p_value):
            return None, maximum.messages[0] if maximum.messages else SATURATED
        by_likelihood, is_good = _corrected(maximum)
        if is_good:
            return by_likelihood, ""
    if not model.panel.has_persons:
        return by_likelihood, "" if by_likelihood else UNKNOWN
    table = checked()
    p = float(table["p"].iloc[0])
    if np.isnan(p):  # too few people, or no common means and covariances
        return by_likelihood, "" if by_likelihood else UNKNOWN
    misfit = p < REJECTED
    where = _where(table.iloc[1:]) if misfit else ""
    return _Test(MODEL, PREDICTIVE, f"Model fit, {PREDICTIVE}", "misfit" if misfit else "", p=p, where=where), ""


def _corrected(maximum: MaximumLikelihood) -> tuple[_Test, bool]:
    """The test corrected for few people, and whether the correction is good: all is observed, or it is small."""
    factor, df = swain_factor(maximum), maximum.df
    chi_square = factor * maximum.chi_square
    p, shift = float(chdtrc(df, chi_square)), (1 - factor) * np.sqrt(df / 2)
    excess = maximum.chi_square - df
    remaining = max(chi_square - df, 0.0) / excess if excess > 0 else 1.0
    cfi, rmsea = 1 - (1 - maximum.cfi) * remaining, maximum.rmsea * np.sqrt(remaining)
    misfit = "misfit" if p < REJECTED and rmsea >= LEAST_RMSEA else ""
    test = _Test(MODEL, LIKELIHOOD, "Model fit", misfit, chi_square, df, p, cfi, rmsea)
    return test, shift <= LARGEST_SHIFT or not _has_missing(maximum.model)


def _has_missing(model: PanelModel) -> bool:
    observed = [cell_patterns(model, cell).size.min() for cell in range(len(model.design.cells))]
    return any(size < len(linear.observed) for size, linear in zip(observed, model.system.systems, strict=True))


def _where(table: pd.DataFrame) -> str:
    """The statistics that misfit most, of those outside the range that the model predicts."""
    away = (table["completed"] - table["mean"]).abs() / (table["upper"] - table["lower"])
    outside = (table["completed"] < table["lower"]) | (table["completed"] > table["upper"])
    worst = table.loc[away[outside].sort_values(ascending=False).index[:N_SHOWN]]
    if worst.empty:
        return ", though no statistic by itself is outside its predicted range"
    named = [
        f"{statistic} of {what} ({row['completed']:.3g}, predicted {row['lower']:.3g} to {row['upper']:.3g})"
        for (statistic, what), row in worst.iterrows()
    ]
    return f", most in {in_words(named)}"


def _equalities(smaller: MaximumLikelihood) -> Iterator[_Test]:
    """Tests of what is equal over intervals by assumption."""
    spec, panel = smaller.spec, smaller.model.panel
    freed: dict[str, CrossLagged] = {}
    if spec.lags_for(panel.times) in ("equal", "equal_standardized"):
        freed["equal lags"] = replace(spec, lags="free")
    if spec.residuals == "equal":
        freed["equal residuals"] = replace(spec, residuals="free")
    for name, of_larger in freed.items() if len(panel.intervals) > 1 else ():
        larger = maximum_of(of_larger, panel)
        if larger is not None and larger.converged and larger.n_parameters > smaller.n_parameters:
            test = likelihood_ratio(smaller, larger)
            verdict = "rejected" if test.p_value < REJECTED else ""
            said = f"{name.capitalize()} against free ones"
            yield _Test(name, LIKELIHOOD, said, verdict, test.chi_square, test.df, test.p_value)


def _reliabilities(spec: CrossLagged, panel: Panel) -> Iterator[tuple[str, tuple[float, str]]]:
    for name in spec.measures:
        columns = spec.columns_of(name)
        if name in spec.reliability:
            yield name, (spec.reliability[name], "assumed")
        elif len(columns) > 1 and panel.has_persons:
            with suppress(AllianceBayesError):  # nobody answered all items at one time
                yield name, (internal_consistency(panel, columns).alpha, f"Cronbach's alpha of {len(columns)} items")
