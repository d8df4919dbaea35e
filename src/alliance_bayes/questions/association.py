"""Associations at the same time: as in published analyses, and within persons."""

from collections.abc import Iterable, Iterator, Mapping
from os import PathLike
from typing import TYPE_CHECKING, Annotated, Any

import pandas as pd
from pydantic import Field

from ..basics.calls import checked
from ..basics.declared import Column, Listed, Name, Text
from ..basics.given import check_seed, check_whole
from ..basics.names import in_words, number
from ..basics.problems import Problems, SpecError
from ..basics.text_tables import TextTable
from ..causal.random_intercepts import design_problems, fit_regression, prepared
from ..causal.rows import complete_rows
from ..figures.bars import Bar
from ..figures.estimates import EstimatesPanel, estimates_figure
from ..panel import read_frame
from ..posterior.settings import check_counts, check_memory_of_draws
from ..posterior.summaries import interval_name
from ..spec.association import BETWEEN, WITHIN, RandomInterceptRegression
from .answer import LIMITS, Answer
from .association_tables import associations_by_time, coefficients, draws_by_model, rows_used
from .cells import estimates, probabilities
from .registry import Arguments, Question, register
from .regression_sampling import sampling_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["association"]

N_QUANTITIES = 100  # for each draw: coefficients, and the products that they are drawn from
PUBLISHED, SPLIT = "as published", "within and between persons"
SERIES = {
    PUBLISHED: (PUBLISHED, ""),
    "within persons": (SPLIT, WITHIN),
    "between persons": (SPLIT, BETWEEN),
}


@checked(apart=["draws", "chains", "seed"])
def association(
    regression: RandomInterceptRegression,
    frame: pd.DataFrame | str | PathLike[str],
    *,
    draws: int = 1000,
    chains: int = 4,
    seed: int,
) -> Answer:
    r"""Associations of exposures and outcomes at the same time, adjusted, and within persons.

    For each outcome two regressions, built by Bambi from the formula [1]_. As in published analyses of such
    panels, exposures are centred at their mean:

    .. math:: y_{it} = \beta' x_{it} + u_i + e_{it},
        \quad u_i \sim N(0, \tau^2), \quad e_{it} \sim N(0, \sigma^2).

    Then each exposure is split into the person's mean over the rows used and the deviation from it, so that
    differences between persons are separated from associations within them. The posterior is
    that of Bambi's model, drawn from exactly (`causal.exact_posterior.draw_posterior`).

    Parameters
    ----------
    regression
        Outcomes, exposures, formula.
    frame
        One row per person and time, or the path of a file as in `Panel.from_long`.
    draws, chains
        Draws kept of each chain, and number of chains.
    seed
        Whole number; the same seed gives the same answer.

    Returns
    -------
    Answer
        ``table``, indexed by ``outcome``, ``model`` ("as published", or "within and between persons", where each
        exposure is split into the person's mean and the deviation from it) and ``term``: ``mean``, ``lower``,
        ``upper`` of the coefficient, ``p_positive``, the probability that it is above 0, with its Monte Carlo error
        ``p_positive_mcse``, and its ``unit``.

        ``tables["by_time"]``, indexed by ``outcome``, ``model``, ``exposure`` and ``time``: the association at that
        time, for exposures with a product with time; columns as in ``table``. ``tables["sizes"]``, indexed by
        ``outcome``: ``rows`` and ``persons`` used, ``repeated``, persons with two rows or more, whose rows alone hold
        change within persons, and ``rows_excluded`` for a missing value.

        ``draws``: a variable for each model, dims ``(chain, draw, outcome, term)``, of the second model ``split_term``
        in place of ``term``; NaN where an outcome's regression lacks a term. ``health``: a `SamplingOfRegressions`.

    Raises
    ------
    SpecError
        If a column is missing or holds no numbers, infinite ones, or has an SD below 1e-30 or above 1e30, an outcome
        includes an item on an exposure (detected in the data where the outcome is a sum of yes/no columns), too few
        persons remain, an exposure does not differ between persons (as one that was centred within them, even if
        rounded since, or centred over rows that are not used) or does not change within them, an outcome does not
        change within persons, or a design is rank-deficient.
    AllianceBayesError
        If Bambi is not installed.

    References
    ----------
    .. [1] Capretto et al. (2022). Bambi: a simple interface for fitting Bayesian linear models in Python.
       Journal of Statistical Software 103(15).
    """
    data = read_frame(frame, labels=[regression.person]) if isinstance(frame, str | PathLike) else frame
    used = complete_rows(regression, data)
    _check_settings(draws, chains, seed)
    _check_designs(regression, used, data)
    fitted = {
        (outcome, model): fit_regression(
            prepared(regression, outcome, rows, split), draws, chains, [seed, index, int(split)]
        )
        for index, (outcome, rows) in enumerate(used.items())
        for split, model in ((False, PUBLISHED), (True, SPLIT))
    }
    posterior = {key: regression_fit.draws for key, regression_fit in fitted.items()}
    health = sampling_of(fitted)
    table, by_time = coefficients(regression, posterior), associations_by_time(regression, posterior, used)
    sizes = rows_used(regression, data, used)
    return Answer(
        question="association",
        arguments={"regression": regression, "draws": draws, "chains": chains, "seed": seed},
        heading=(
            "Association at the same time, adjusted, units of the outcome per unit of the exposure"
            f"{_clock(regression) if len(by_time) else ''}; {draws * chains} draws of each regression"
        ),
        table=table,
        body=(
            *(f"{model.capitalize()}: {formula}" for model, formula in _formulas(regression).items()),
            *_coefficients_in_words(_of_exposures(regression, table), draws * chains),
            *_sizes_in_words(sizes),
            f"Draws: {health.numbers}.",
        ),
        tables={"by_time": by_time, "sizes": sizes},
        draws=draws_by_model(posterior, {PUBLISHED: "term", SPLIT: "split_term"}),
        assumptions=_assumptions(regression),
        before_assumptions=LIMITS,
        health=health,
        figure=_figure,
    )


def _check_designs(regression: RandomInterceptRegression, used: Mapping[str, pd.DataFrame], data: pd.DataFrame) -> None:
    problems = Problems("This association cannot be asked of these data")
    for outcome, rows in used.items():
        for split in (False, True):
            problems.found += design_problems(regression, outcome, rows, data, split)
    problems.found = list(dict.fromkeys(problems.found))
    problems.raise_as(SpecError)


def _check_settings(draws: int, chains: int, seed: int) -> None:
    problems = Problems("This association cannot be sampled")
    for name, value, least in (("draws", draws, 4), ("chains", chains, 1)):
        check_whole(name, value, problems, expected=f"a whole number, at least {least}", least=least)
    check_seed(seed, problems)
    problems.raise_as(SpecError)
    check_counts({"draws": draws, "chains": chains}, problems)
    problems.raise_as(SpecError)
    check_memory_of_draws(draws, chains, N_QUANTITIES)


def _assumptions(regression: RandomInterceptRegression) -> tuple[str, ...]:
    exposures, outcomes = in_words(regression.exposures), in_words(regression.outcomes)
    sentences = [
        f"An association, not a cause: exposures ({exposures}) and outcomes ({outcomes}) belong to the same time, so "
        "that neither comes first; days counted back from an interview lie in part before its other questions.",
        "Persons differ in more than the formula adjusts for. As published, the slopes mix differences between persons "
        "with change within them, and take the random intercept as unrelated to the exposures.",
        "Within persons, constant differences are held constant; common causes that change with time are not. A "
        "person's mean of few values contains part of the change, so that 'between' is not free of 'within'.",
        "Residuals are normal with one variance; where many values lie at an end of the scale, slopes are averages.",
        "Rows with a missing value are excluded: missingness may depend on the variables of the formula alone.",
    ]
    if regression.rows_with is not None:
        sentences.append(
            f"Only rows with {regression.rows_with}: people who have it, and keep it, differ from the others."
        )
    if any(":" in term or "*" in term for term in regression.formula.split("+")):
        sentences.append(
            "An association that is larger later may be a constant effect that accumulates rather than one that grows."
        )
    return tuple(sentences)


def _clock(regression: RandomInterceptRegression) -> str:
    """Time of the associations, and unit of their change with time."""
    unit = f" {regression.time_unit}" if regression.time_unit else ""
    return (
        f" at {number(regression.time_zero)}{unit}, and with ':{regression.time}' how much more for each "
        f"{number(regression.time_step)}{unit} later"
    )


def _formulas(regression: RandomInterceptRegression) -> dict[str, str]:
    return {
        model: f"{regression.right_side(split=split)} + (1 | {regression.person})"
        for split, model in ((False, PUBLISHED), (True, SPLIT))
    }


def _of_exposures(regression: RandomInterceptRegression, table: pd.DataFrame) -> pd.DataFrame:
    """Rows of terms that hold an exposure."""
    names = {name + end for name in regression.exposures for end in ("", WITHIN, BETWEEN)}
    return table[[bool(set(str(term).split(":")) & names) for term in table.index.get_level_values("term")]]


def _coefficients_in_words(table: pd.DataFrame, n_draws: int) -> Iterator[str | TextTable]:
    for (outcome, model), rows in table.groupby(level=["outcome", "model"], sort=False):
        yield f"{outcome}, {model}:"
        yield TextTable.of(
            {
                "": [str(term) for term in rows.index.get_level_values("term")],
                **estimates(rows, ".3g"),
                "P(> 0)": probabilities(rows["p_positive"], n_draws),
            }
        )


def _sizes_in_words(sizes: pd.DataFrame) -> Iterator[str]:
    for outcome, row in sizes.iterrows():
        yield (
            f"{outcome}: {row['rows']:,} rows of {row['persons']:,} persons, {row['repeated']:,} of them with two or "
            f"more; {row['rows_excluded']:,} rows excluded for a missing value"
        )


def _figure(answer: Answer) -> "Figure":
    regression: RandomInterceptRegression = answer.arguments["regression"]
    grid = [[_panel(answer, exposure, outcome) for outcome in regression.outcomes] for exposure in regression.exposures]
    return estimates_figure(grid, series=list(SERIES), title=f"Association at the same time, {interval_name()}s")


def _panel(answer: Answer, exposure: str, outcome: str) -> EstimatesPanel:
    """Estimates of one exposure and outcome, at each time where they may change with time."""
    by_time = answer.tables["by_time"]
    unit = answer.arguments["regression"].time_unit
    changes = (outcome, PUBLISHED, exposure) in by_time.index.droplevel("time")
    lines: dict[str, dict[str, Bar]] = {}
    for series, (model, end) in SERIES.items():
        for key, row in (by_time if changes else answer.table).iterrows():
            if key[:3] == (outcome, model, exposure + end):
                label = f"{number(key[3])}{f' {unit}' if unit else ''}" if changes else "all times"
                lines.setdefault(label, {})[series] = Bar.of(row)
    return EstimatesPanel(f"{_plain(exposure)}: {_plain(outcome)}", f"{_plain(outcome)} per unit", lines)


def _plain(name: str) -> str:
    return name.replace("_", " ")


type Asked = tuple[Mapping[str, Any], pd.DataFrame, Mapping[str, int]]
"""Columns and times that the regressions of a model file share, the data, and sampling."""

Columns = Annotated[Listed[Name], Field(min_length=1, description="a list of columns, such as ['alliance']")]


class AssociationArguments(Arguments):
    """Keys of a regression in a model file."""

    outcomes: Columns
    exposures: Columns
    formula: Text
    rows_with: Column | None = None
    parts: dict[str, Columns] = Field({}, description="a table from outcomes to lists of columns")

    def regression(self, shared: Mapping[str, Any]) -> RandomInterceptRegression:
        """The regression, with the columns and times that all of a file share."""
        return RandomInterceptRegression(**self.given(), **shared)


def _against(given: AssociationArguments, shared: Mapping[str, Any]) -> Iterable[str]:
    problems = Problems("This association cannot be asked")
    with problems.collecting():
        given.regression(shared)
    return problems.found


def _answer(asked: Asked, given: AssociationArguments) -> Answer:
    shared, frame, sampling = asked
    return association(given.regression(shared), frame, **sampling)


register(Question("association", AssociationArguments, _answer, _against, subject="associations"))
