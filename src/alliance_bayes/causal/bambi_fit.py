"""Regressions of any of Bambi's families, fitted by Bambi itself."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pandas as pd

from ..basics.problems import InterruptionError, Problems, SpecError
from .designs import indistinct_columns
from .random_intercepts import common_columns, imported_bambi

__all__ = ["fit_by_bambi"]


def fit_by_bambi(
    formula: str,
    family: str,
    rows: pd.DataFrame,
    *,
    draws: int = 1000,
    tune: int = 1000,
    chains: int = 4,
    seed: int,
) -> tuple[Any, Any]:
    """Fit one regression to complete rows by Bambi and nutpie: the ``bambi.Model``, and what its ``fit`` returned.

    Priors are Bambi's own, which are scaled by the data. An interruption raises `InterruptionError`: answers that need
    several regressions cannot rest on part of one.

    Parameters
    ----------
    formula, family
        In Bambi's language, and Bambi's name of the family.
    rows
        Those with all variables of the formula.
    draws, tune
        Draws kept of each chain, and warm-up draws before them.
    chains
        Number of chains.
    seed
        The same seed gives the same draws.
    """
    bambi = imported_bambi()
    with _quiet("bambi", "pymc"):
        try:
            model = bambi.Model(formula, rows, family=family)
        except Exception as error:
            raise SpecError(f"Bambi cannot read {formula} ({family}): {error}") from error
        _check_designs(model, formula, family)
        options = {"draws": draws, "tune": tune, "chains": chains, "random_seed": seed, "progressbar": False}
        draws_of_all = model.fit(inference_method="nutpie", **options)
    posterior = draws_of_all["posterior"]
    padded = any(pd.isna(array.to_numpy()).any() for array in posterior.data_vars.values())
    if padded or posterior.sizes["draw"] < draws:
        raise InterruptionError(f"The regression {formula} was interrupted; sample again.")
    return model, draws_of_all


def _check_designs(model: Any, formula: str, family: str) -> None:
    """Refuse a rank-deficient design of any parameter of the response."""
    problems = Problems(f"The regression {formula} ({family}) cannot be fitted to these data")
    for parameter in model.conditional_parameters.values():
        names, design = common_columns(parameter, len(model.data))
        problems.found += indistinct_columns(names, design, intercept=parameter.intercept_term is not None)
    problems.raise_as(SpecError)


@contextmanager
def _quiet(*names: str) -> Iterator[None]:
    """Silence what packages log at every fit; problems are reported by the answer."""
    levels = {logger: logger.level for logger in map(logging.getLogger, names)}
    for logger in levels:
        logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        for logger, level in levels.items():
            logger.setLevel(level)
