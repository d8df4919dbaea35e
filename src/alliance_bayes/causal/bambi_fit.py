"""Regressions of any of Bambi's families, fitted by Bambi itself."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pandas as pd

from ..basics.problems import AllianceBayesError, InterruptionError, Problems, SpecError
from .designs import indistinct_columns
from .random_intercepts import INSTALL, common_columns

__all__ = ["fit_by_bambi"]


def fit_by_bambi(
    formula: str, family: str, rows: pd.DataFrame, *, draws: int, tune: int, chains: int, seed: int
) -> tuple[Any, Any]:
    """Fit one regression by Bambi and nutpie, with Bambi's own priors, which are scaled by the data.

    Parameters
    ----------
    formula, family
        As Bambi reads them.
    rows
        Complete rows.
    draws, tune, chains, seed
        Draws kept and thrown away of each chain, number of chains, and seed.

    Returns
    -------
    tuple
        The ``bambi.Model`` and what its ``fit`` returned.

    Raises
    ------
    SpecError
        If Bambi cannot read the formula, or the coefficients of the design cannot be distinguished.
    InterruptionError
        If sampling is interrupted: answers that need several regressions cannot rest on part of one.
    AllianceBayesError
        If Bambi is not installed.
    """
    try:
        import bambi
    except ImportError:
        raise AllianceBayesError(INSTALL) from None
    with _quiet("bambi", "pymc"):
        try:
            model = bambi.Model(formula, rows, family=family)
        except Exception as error:
            raise SpecError(f"Bambi cannot read {formula} ({family}): {error}") from error
        _check_designs(model, formula, family)
        options = {"draws": draws, "tune": tune, "chains": chains, "random_seed": seed, "progressbar": False}
        found = model.fit(inference_method="nutpie", **options)
    posterior = found["posterior"]
    padded = any(pd.isna(array.to_numpy()).any() for array in posterior.data_vars.values())
    if padded or posterior.sizes["draw"] < draws:
        raise InterruptionError(f"The regression {formula} was interrupted; sample again.")
    return model, found


def _check_designs(model: Any, formula: str, family: str) -> None:
    """Refuse coefficients that cannot be distinguished, of any parameter of the response."""
    problems = Problems(f"The regression {formula} ({family}) cannot be fitted to these data")
    for parameter in model.conditional_parameters.values():
        names, design = common_columns(parameter, len(model.data))
        problems.found += indistinct_columns(names, design, intercept=parameter.intercept_term is not None)
    problems.raise_as(SpecError)


@contextmanager
def _quiet(*names: str) -> Iterator[None]:
    """Keep what packages log at every fit from filling the page; what is wrong is said by the answer."""
    loggers = [logging.getLogger(name) for name in names]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)
