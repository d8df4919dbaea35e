"""From a formula to a model: built by Bambi, whose design and priors the exact posterior takes over."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import xarray as xr

from ..basics.calls import checked
from ..basics.names import choices, number
from ..basics.problems import AllianceBayesError, Problems, SpecError
from ..spec.association import RandomInterceptRegression
from .designs import Clock, indistinct_columns, split_problems
from .exact_posterior import Draws, NormalRegression, draw_posterior
from .rows import complete_rows

__all__ = [
    "Fitted",
    "Prepared",
    "bambi_model",
    "common_columns",
    "design_problems",
    "fit_regression",
    "imported_bambi",
    "prepared",
]

INSTALL = 'The regressions are built by the package bambi. Run: pip install "alliance-bayes[regressions]"'


class Fitted(NamedTuple):
    """Draws of one regression, dims ``(chain, draw, term)``, and the share of proposals accepted."""

    draws: xr.DataArray
    accepted: float


class Prepared(NamedTuple):
    """One regression on the standardised scale, and the way back."""

    names: list[str]  # of the coefficients, the intercept first
    centres: np.ndarray  # mean of each column, and 0 of the intercept
    spreads: np.ndarray  # SD of each column, and 1 of the intercept
    origin: float  # mean of the outcome
    unit: float  # SD of the outcome
    regression: NormalRegression
    person: str  # column of the person's id


@checked()
def bambi_model(
    regression: RandomInterceptRegression, frame: pd.DataFrame, outcome: str, *, split: bool = False
) -> Any:
    """Bambi's model of one outcome, for further use in Bambi and PyMC.

    Priors are Bambi's own, scaled by the data, except that of the SD of the random intercept, which is half-normal
    with the SD of the outcome, since Bambi's is unreasonably wide.

    Parameters
    ----------
    regression
        Outcomes, exposures, formula.
    frame
        One row per person and time.
    outcome
        One of the regression's outcomes.
    split
        Whether exposures are split into within and between persons.

    Returns
    -------
    bambi.Model
        Not yet fitted.

    Raises
    ------
    SpecError
        If a column is missing, or the coefficients of the design cannot be distinguished.
    """
    if outcome not in regression.outcomes:
        raise SpecError(f"The regression has no outcome '{outcome}'{choices(outcome, regression.outcomes, 'Outcomes')}")
    rows = complete_rows(regression, frame)[outcome]
    problems = Problems("This regression cannot be asked of these data")
    problems.found += design_problems(regression, outcome, rows, frame, split)
    problems.raise_as(SpecError)
    return _built(regression, outcome, rows, split)


def imported_bambi() -> Any:
    """The package bambi, or an error that says how to install it."""
    try:
        import bambi
    except ImportError:
        raise AllianceBayesError(INSTALL) from None
    return bambi


def _built(regression: RandomInterceptRegression, outcome: str, rows: pd.DataFrame, split: bool) -> Any:
    bambi = imported_bambi()
    person_sd = bambi.Prior("HalfNormal", sigma=float(rows[outcome].std()))
    formula = f"{outcome} ~ {regression.right_side(split=split)} + (1|{regression.person})"
    priors = {f"1|{regression.person}": bambi.Prior("Normal", mu=0, sigma=person_sd)}
    try:
        with np.errstate(divide="ignore", invalid="ignore"):  # the prior of a constant column, which is refused
            return bambi.Model(formula, rows, priors=priors)
    except Exception as error:
        raise SpecError(f"Bambi cannot read {formula}: {error}") from error


def design_problems(
    regression: RandomInterceptRegression, outcome: str, rows: pd.DataFrame, data: pd.DataFrame, split: bool
) -> list[str]:
    """Why these complete rows, of all the data, cannot distinguish the coefficients of one regression."""
    problems = split_problems(regression, outcome, rows, data) if split else []
    if problems:
        return problems
    parameters = _built(regression, outcome, rows, split).conditional_parameters["mu"]
    steps = rows[regression.time].to_numpy(float)
    first = number(float(steps.min()) * regression.time_step + regression.time_zero)
    clock = Clock(
        regression.time, steps, f"Count '{regression.time}' from a time in the data, such as time_zero={first}."
    )
    indistinct = indistinct_columns(*common_columns(parameters, len(rows)), intercept=True, clock=clock)
    return [f"Over the rows of '{outcome}', {problem}" for problem in indistinct]


def prepared(regression: RandomInterceptRegression, outcome: str, rows: pd.DataFrame, split: bool) -> Prepared:
    """Design and priors of one regression, read from Bambi, for its complete rows."""
    model = _built(regression, outcome, rows, split)
    names, design, means, sds = _terms(model, len(rows))
    # Columns and outcome are centred and scaled, priors with them: squares of numbers far from 0, or of columns in very
    # different units, would leave few digits to the residuals.
    centres, spreads = design.mean(axis=0), design.std(axis=0)
    centres[0], spreads[0] = 0.0, 1.0
    observed = rows[outcome].to_numpy(float)
    origin, unit = float(observed.mean()), float(observed.std())
    means[0] -= origin
    residual = model.marginal_parameters["sigma"].prior
    (intercepts,) = model.conditional_parameters["mu"].group_specific_terms.values()
    return Prepared(
        names,
        centres,
        spreads,
        origin,
        unit,
        NormalRegression(
            outcome=(observed - origin) / unit,
            design=(design - centres) / spreads,
            person=pd.factorize(rows[regression.person])[0].astype(np.int64),
            prior_mean=means * spreads / unit,
            prior_sd=sds * spreads / unit,
            residual_sd_prior=_half_t(float(residual.args["nu"]), float(residual.args["sigma"]) / unit),
            person_sd_prior=_half_normal(float(intercepts.prior.args["sigma"].args["sigma"]) / unit),
        ),
        regression.person,
    )


def fit_regression(ready: Prepared, draws: int, chains: int, seed: list[int]) -> Fitted:
    """Draw from the posterior of one regression, seeded by all numbers of `seed`."""
    entropy = int(np.random.SeedSequence(seed).generate_state(1)[0])
    drawn = draw_posterior(ready.regression, draws=draws, chains=chains, seed=entropy)
    return Fitted(_labelled(drawn, ready), drawn.accepted)


def _terms(model: Any, n_rows: int) -> tuple[list[str], np.ndarray, np.ndarray, np.ndarray]:
    """Names, columns, prior means and prior SDs of the coefficients, the intercept first."""
    parameters = model.conditional_parameters["mu"]
    intercept = parameters.intercept_term
    if intercept is None:
        raise SpecError("The formula excludes the intercept ('0 +' or '- 1'); keep it.")
    others, design = common_columns(parameters, n_rows)
    means, sds = [[float(intercept.prior.args["mu"])]], [[float(intercept.prior.args["sigma"])]]
    for term in parameters.common_terms.values():
        n_columns = np.asarray(term.data).reshape(n_rows, -1).shape[1]
        means.append(list(np.broadcast_to(term.prior.args["mu"], n_columns)))
        sds.append(list(np.broadcast_to(term.prior.args["sigma"], n_columns)))
    names, columns = ["Intercept", *others], np.column_stack([np.ones(n_rows), design])
    return names, columns, np.concatenate(means).astype(float), np.concatenate(sds).astype(float)


def common_columns(parameters: Any, n_rows: int) -> tuple[list[str], np.ndarray]:
    """Names and columns ``(row, column)`` of the coefficients of a Bambi parameter, without its intercept."""
    names: list[str] = []
    columns = [np.zeros((n_rows, 0))]
    for name, term in parameters.common_terms.items():
        columns.append(np.asarray(term.data, dtype=float).reshape(n_rows, -1))
        names += [name] if term.levels is None else [f"{name}[{level}]" for level in term.levels]
    return names, np.hstack(columns)


def _half_t(degrees: float, scale: float) -> Callable[[np.ndarray], np.ndarray]:
    return lambda sd: np.asarray(-(degrees + 1) / 2 * np.log1p((sd / scale) ** 2 / degrees))


def _half_normal(scale: float) -> Callable[[np.ndarray], np.ndarray]:
    return lambda sd: np.asarray(-0.5 * (sd / scale) ** 2)


def _labelled(drawn: Draws, ready: Prepared) -> xr.DataArray:
    """Draws by name, the intercept where all predictors are 0, and the two SDs behind them."""
    coefficients = drawn.coefficients * (ready.unit / ready.spreads)
    coefficients[:, :, 0] += ready.origin - coefficients[:, :, 1:] @ ready.centres[1:]
    sds = ready.unit * np.stack([drawn.residual_sd, drawn.person_sd], axis=2)
    joined = np.concatenate([coefficients, sds], axis=2)
    terms = [*ready.names, "sigma", f"1|{ready.person}_sigma"]
    return xr.DataArray(joined, dims=("chain", "draw", "term"), coords={"term": terms})
