"""Maximum likelihoods side by side: information criteria, and likelihood-ratio tests of those that are nested."""

from collections.abc import Mapping
from itertools import permutations
from typing import Any

import numpy as np
import pandas as pd

from ..basics.digits import p_in_words
from ..basics.names import in_words
from ..basics.text_tables import TextTable
from ..likelihood.likelihood_ratio import likelihood_ratio, nesting
from ..likelihood.maximum_likelihood import MaximumLikelihood
from .answer import LIMITS, Answer
from .likelihood_ratio_test import doubts_about
from .likelihoods import Maximisation

__all__ = ["compared_likelihoods"]


def compared_likelihoods(answers: Mapping[str, MaximumLikelihood]) -> Answer:
    """`compare` of maximum likelihoods."""
    order = sorted(answers, key=lambda name: answers[name].bic)
    table = _table({name: answers[name] for name in order})
    pairs, reasons = _tests(answers)
    tests = TextTable.of(
        {
            "": [f"{larger} instead of {smaller}" for larger, smaller in pairs.index],
            "chi-square": [f"{value:.3f}" for value in pairs["chi_square"]],
            "df": [str(df) for df in pairs["df"]],
            "p": [p_in_words(p) for p in pairs["p"]],
        }
    )
    some = next(iter(answers.values()))
    return Answer(
        question="compare",
        arguments={"fits": tuple(answers)},
        heading=f"Maximum likelihoods of {len(answers)} models, the lowest BIC first; {some.n_persons} people",
        table=table,
        body=(_in_words(table), *(("Likelihood-ratio tests of nested models:", tests) if len(pairs) else ())),
        health=Maximisation.of(answers),
        computation="Maximisation",
        tables={"tests": pairs} if len(pairs) else {},
        reasons=reasons,
        assumptions=(
            "AIC estimates how well a model predicts new people; BIC approximates how probable it is, with as much "
            "prior information as one person has. Weights are for these models alone, all of which may be wrong.",
            "Models that are not nested have no likelihood-ratio test; that one is nested in another is checked by the "
            "moments they imply.",
        ),
        before_assumptions=LIMITS,
    )


def _table(answers: Mapping[str, MaximumLikelihood]) -> pd.DataFrame:
    rows: dict[str, dict[str, Any]] = {
        name: {
            "log_likelihood": answer.log_likelihood,
            "n_parameters": answer.n_parameters,
            "aic": answer.aic,
            "bic": answer.bic,
            "chi_square": answer.chi_square,
            "df": answer.df,
            "p": answer.p_value,
            "cfi": answer.cfi,
            "rmsea": answer.rmsea,
        }
        for name, answer in answers.items()
    }
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("model")
    for criterion in ("aic", "bic"):
        difference = table[criterion] - table[criterion].min()
        table[f"{criterion}_difference"] = difference
        table[f"{criterion}_weight"] = np.exp(-difference / 2) / np.exp(-difference / 2).sum()
    return table


def _tests(answers: Mapping[str, MaximumLikelihood]) -> tuple[pd.DataFrame, tuple[str, ...]]:
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    doubted: dict[str, list[str]] = {}
    for larger, smaller in permutations(answers, 2):
        relation = nesting(answers[smaller], answers[larger])
        if not relation.nested:
            continue
        test = likelihood_ratio(answers[smaller], answers[larger])
        rows[larger, smaller] = {
            "chi_square": test.chi_square,
            "df": test.df,
            "p": test.p_value,
            "scaling": test.scaling,
            "on_boundary": bool(relation.at_zero),
        }
        for doubt in doubts_about(test, relation):
            doubted.setdefault(doubt, []).append(f"'{larger}' instead of '{smaller}'")
    reasons = tuple(f"{in_words(tests)}: {doubt}" for doubt, tests in doubted.items())
    columns = ["chi_square", "df", "p", "scaling", "on_boundary"]
    index = pd.MultiIndex.from_tuples(list(rows), names=["larger", "smaller"]) if rows else None
    return pd.DataFrame(list(rows.values()), columns=columns, index=index), reasons


def _in_words(table: pd.DataFrame) -> TextTable:
    return TextTable.of(
        {
            "": [str(name) for name in table.index],
            "-2LL": [f"{-2 * value:.3f}" for value in table["log_likelihood"]],
            "parameters": [str(count) for count in table["n_parameters"]],
            "AIC": [f"{value:.1f}" for value in table["aic"]],
            "AIC difference": [f"{value:.1f}" for value in table["aic_difference"]],
            "AIC weight": [f"{value:.2f}" for value in table["aic_weight"]],
            "BIC": [f"{value:.1f}" for value in table["bic"]],
            "BIC difference": [f"{value:.1f}" for value in table["bic_difference"]],
            "BIC weight": [f"{value:.2f}" for value in table["bic_weight"]],
            "chi-square": [
                f"{row.chi_square:.1f} / {row.df}" if np.isfinite(row.chi_square) else "none"
                for row in table.itertuples()
            ],
            "p": [p_in_words(p) for p in table["p"]],
            "CFI": [f"{value:.3f}" for value in table["cfi"]],
            "RMSEA": [f"{value:.3f}" for value in table["rmsea"]],
        }
    )
