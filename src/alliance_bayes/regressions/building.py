"""From a formula to a model: built by Bambi, whose design and priors the exact posterior takes over."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import xarray as xr

from ..calls import checked
from ..names import choices
from ..problems import AllianceBayesError, SpecError
from ..spec.association import RandomInterceptRegression
from .posterior import Draws, Regression, draw_posterior
from .rows import complete_rows

__all__ = ["Fitted", "bambi_model", "fit_regression"]

INSTALL = 'The regressions are built by the package bambi. Run: pip install "alliance-bayes[regressions]"'


class Fitted(NamedTuple):
    """Draws of one regression, dims ``(chain, draw, term)``, and the share of proposals accepted."""

    draws: xr.DataArray
    accepted: float


@checked()
def bambi_model(
    regression: RandomInterceptRegression, frame: pd.DataFrame, outcome: str, *, split: bool = False
) -> Any:
    """Bambi's model of one outcome, to go on with in Bambi and PyMC.

    Priors are Bambi's own, scaled by the data, but for the SD of the random intercept, which is half-normal
    with the SD of the outcome instead of one that is wide beyond reason.

    Parameters
    ----------
    regression
        Outcomes, exposures, formula.
    frame
        One row per person and time.
    outcome
        One of its outcomes.
    split
        Whether exposures are split into within and between persons.

    Returns
    -------
    bambi.Model
        Not yet fitted.
    """
    if outcome not in regression.outcomes:
        raise SpecError(f"The regression has no outcome '{outcome}'{choices(outcome, regression.outcomes, 'Outcomes')}")
    return _built(regression, outcome, complete_rows(regression, frame)[outcome], split)


def _bambi() -> Any:
    try:
        import bambi
    except ImportError:
        raise AllianceBayesError(INSTALL) from None
    return bambi


def _built(regression: RandomInterceptRegression, outcome: str, rows: pd.DataFrame, split: bool) -> Any:
    bambi = _bambi()
    person_sd = bambi.Prior("HalfNormal", sigma=float(rows[outcome].std()))
    formula = f"{outcome} ~ {regression.right_side(split=split)} + (1|{regression.person})"
    priors = {f"1|{regression.person}": bambi.Prior("Normal", mu=0, sigma=person_sd)}
    try:
        return bambi.Model(formula, rows, priors=priors)
    except Exception as error:
        raise SpecError(f"Bambi cannot read {formula}: {error}") from error


def fit_regression(
    regression: RandomInterceptRegression,
    outcome: str,
    rows: pd.DataFrame,
    split: bool,
    draws: int,
    chains: int,
    seed: list[int],
) -> Fitted:
    """Build one regression with Bambi and draw from its posterior.

    Parameters
    ----------
    regression, outcome
        What is asked.
    rows
        Its `complete_rows`.
    split
        Whether exposures are split into within and between persons.
    draws, chains, seed
        Draws kept of each chain, number of chains, and entropy of the seed.
    """
    model = _built(regression, outcome, rows, split)
    names, design, means, sds = _terms(model, len(rows))
    centres = design.mean(axis=0)
    centres[0] = 0.0
    parameters = model.conditional_parameters["mu"]
    residual = model.marginal_parameters["sigma"].prior
    (intercepts,) = parameters.group_specific_terms.values()
    drawn = draw_posterior(
        Regression(
            outcome=rows[outcome].to_numpy(float),
            design=design - centres,
            person=pd.factorize(rows[regression.person])[0].astype(np.int64),
            prior_mean=means,
            prior_sd=sds,
            residual_sd_prior=_half_t(float(residual.args["nu"]), float(residual.args["sigma"])),
            person_sd_prior=_half_normal(float(intercepts.prior.args["sigma"].args["sigma"])),
        ),
        draws=draws,
        chains=chains,
        seed=int(np.random.SeedSequence(seed).generate_state(1)[0]),
    )
    return Fitted(_labelled(drawn, names, centres, regression.person), drawn.accepted)


def _terms(model: Any, n_rows: int) -> tuple[list[str], np.ndarray, np.ndarray, np.ndarray]:
    """Names, columns, prior means and prior SDs of the coefficients, the intercept first."""
    parameters = model.conditional_parameters["mu"]
    intercept = parameters.intercept_term
    if intercept is None:
        raise SpecError("The formula leaves out the intercept ('0 +' or '- 1'); keep it.")
    names, columns = ["Intercept"], [np.ones((n_rows, 1))]
    means, sds = [[float(intercept.prior.args["mu"])]], [[float(intercept.prior.args["sigma"])]]
    for name, term in parameters.common_terms.items():
        values = np.asarray(term.data, dtype=float).reshape(n_rows, -1)
        columns.append(values)
        names += [name] if term.levels is None else [f"{name}[{level}]" for level in term.levels]
        means.append(list(np.broadcast_to(term.prior.args["mu"], values.shape[1])))
        sds.append(list(np.broadcast_to(term.prior.args["sigma"], values.shape[1])))
    return names, np.hstack(columns), np.concatenate(means).astype(float), np.concatenate(sds).astype(float)


def _half_t(degrees: float, scale: float) -> Callable[[np.ndarray], np.ndarray]:
    return lambda sd: np.asarray(-(degrees + 1) / 2 * np.log1p((sd / scale) ** 2 / degrees))


def _half_normal(scale: float) -> Callable[[np.ndarray], np.ndarray]:
    return lambda sd: np.asarray(-0.5 * (sd / scale) ** 2)


def _labelled(drawn: Draws, names: list[str], centres: np.ndarray, person: str) -> xr.DataArray:
    """Draws by name, the intercept where all predictors are 0, and the two SDs behind them."""
    coefficients = drawn.coefficients.copy()
    coefficients[:, :, 0] -= coefficients[:, :, 1:] @ centres[1:]
    joined = np.concatenate([coefficients, drawn.residual_sd[:, :, None], drawn.person_sd[:, :, None]], axis=2)
    return xr.DataArray(joined, dims=("chain", "draw", "term"), coords={"term": [*names, "sigma", f"1|{person}_sigma"]})
