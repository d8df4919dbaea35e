"""Rubin's rules: maximum likelihood of one model on several imputed panels as one."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import stdtr, stdtrit

from ..basics.calls import checked
from ..basics.digits import p_in_words, to_the_error
from ..basics.given import is_number, shown
from ..basics.names import in_words
from ..basics.problems import Problems, SpecError
from ..basics.text_tables import TextTable
from ..basics.whole_tables import WholeTable
from ..spec.cross_lagged import CrossLagged
from .maximum_likelihood import MaximumLikelihood

__all__ = ["PooledMaximumLikelihood", "pool"]


@dataclass(frozen=True, eq=False)
class PooledMaximumLikelihood:
    """Maximum likelihood over imputed panels, by Rubin's rules.

    Attributes
    ----------
    spec
        The model.
    table
        One row per free parameter, indexed by its name, in the measures' own units: ``kind``; ``estimate``, the mean
        over panels; ``se``, the root of ``W + (1 + 1/m) B``, W the mean squared standard error and B the variance
        of the estimates; ``df`` of Barnard and Rubin [1]_; ``t`` and ``p`` against 0; ``lower`` and ``upper`` of the
        95 % interval; ``between_share``, ``(1 + 1/m) B / (W + (1 + 1/m) B)``, in [0, 1].
    n_panels, n_persons
        Panels, and people in each.
    complete_df
        Degrees of freedom that complete data would have had.
    messages
        What to know before trusting the numbers, in words.

    References
    ----------
    .. [1] Barnard & Rubin (1999). Small-sample degrees of freedom with multiple imputation. Biometrika 86, 948-955.
    """

    spec: CrossLagged
    table: pd.DataFrame
    n_panels: int
    n_persons: int
    complete_df: float
    messages: tuple[str, ...]

    def __str__(self) -> str:
        rows = list(self.table.itertuples())
        table = TextTable.of(
            {
                "": [str(row.Index) for row in rows],
                "estimate": [to_the_error(row.estimate, row.se) for row in rows],
                "se": [to_the_error(row.se, row.se) for row in rows],
                "95 % interval": [
                    f"[{to_the_error(row.lower, row.se)}, {to_the_error(row.upper, row.se)}]" for row in rows
                ],
                "df": [f"{row.df:.1f}" for row in rows],
                "t": [f"{row.t:.2f}" for row in rows],
                "p": [p_in_words(row.p) for row in rows],
                "between panels": [f"{row.between_share:.2f}" for row in rows],
            }
        )
        head = (
            f"Maximum likelihood of a {self.spec}\n{self.n_panels} imputed panels of {self.n_persons} people, "
            "pooled by Rubin's rules"
        )
        return "\n".join([head, str(table), *self.messages])


@checked(apart=["complete_df"])
def pool(answers: Sequence[MaximumLikelihood], *, complete_df: float | None = None) -> PooledMaximumLikelihood:
    """Pool maximum likelihood of one model on several imputed panels by Rubin's rules.

    Parameters
    ----------
    answers
        At least two answers of `maximum_likelihood`, of one spec, on imputations of one panel.
    complete_df
        Degrees of freedom that complete data would have had; left open, people (or clusters) minus 1.

    Returns
    -------
    PooledMaximumLikelihood
        Estimates with standard errors that hold the uncertainty about what is missing.

    Raises
    ------
    SpecError
        If there are fewer than two answers, or they differ in spec, parameters, people or kind of standard errors.

    Notes
    -----
    With ``l`` the share between imputations, m panels and v degrees of freedom of complete data,
    ``df = 1 / (1 / old + 1 / observed)``, ``old = (m - 1) / l^2`` and ``observed = (v + 1) / (v + 3) v (1 - l)``.
    Tests of fit are not pooled; look at those of each panel.
    """
    _check_answers(answers, complete_df)
    first, m = answers[0], len(answers)
    estimates = np.array([answer.table["estimate"].to_numpy() for answer in answers])
    within = np.mean([answer.table["se"].to_numpy() ** 2 for answer in answers], axis=0)
    between = (1 + 1 / m) * estimates.var(axis=0, ddof=1)
    known = float((first.n_clusters or first.n_persons) - 1) if complete_df is None else float(complete_df)
    share = between / (within + between)
    df = _degrees_of_freedom(share, m, known)
    estimate, se = estimates.mean(axis=0), np.sqrt(within + between)
    width = stdtrit(df, 0.975) * se
    table = WholeTable(
        {
            "kind": first.table["kind"],
            "estimate": estimate,
            "se": se,
            "df": df,
            "t": estimate / se,
            "p": 2 * stdtr(df, -np.abs(estimate / se)),
            "lower": estimate - width,
            "upper": estimate + width,
            "between_share": share,
        },
        index=first.table.index,
    )
    messages = [
        f"Panel {index}: {message}" for index, answer in enumerate(answers, start=1) for message in answer.messages
    ]
    return PooledMaximumLikelihood(first.spec, table, m, first.n_persons, known, tuple(messages))


def _degrees_of_freedom(share: np.ndarray, m: int, known: float) -> np.ndarray:
    """Barnard and Rubin's, of the share between m imputations and the degrees of freedom of complete data."""
    with np.errstate(divide="ignore"):
        old = (m - 1) / share**2
    observed = known * (1 - share) if np.isinf(known) else (known + 1) / (known + 3) * known * (1 - share)
    return np.asarray(1 / (1 / old + 1 / observed))


def _check_answers(answers: Sequence[MaximumLikelihood], complete_df: float | None) -> None:
    problems = Problems("These answers cannot be pooled")
    if len(answers) < 2:
        problems.add(f"There are {len(answers)} answers; give at least two, one for each imputed panel.")
    for index, answer in enumerate(answers[1:], start=2):
        differing = [
            words
            for words, one, other in (
                ("spec", answers[0].spec, answer.spec),
                ("parameters", list(answers[0].table.index), list(answer.table.index)),
                ("number of people", answers[0].n_persons, answer.n_persons),
                ("standard errors", answers[0].standard_errors, answer.standard_errors),
                ("clusters", answers[0].n_clusters, answer.n_clusters),
            )
            if one != other
        ]
        if differing:
            problems.add(f"Answer {index} differs from answer 1 in {in_words(differing)}.")
    if (
        complete_df is not None
        and not (isinstance(complete_df, float) and complete_df == np.inf)
        and not (is_number(complete_df) and complete_df > 0)
    ):
        problems.add(f"complete_df must be above 0; got {shown(complete_df)}.")
    problems.raise_as(SpecError)
