"""Whether panels drawn from the posterior look like the observed one, and what comes next, as questions of a file."""

from collections.abc import Iterator
from typing import Annotated

import pandas as pd
from pydantic import Field

from ..basics.names import number
from ..basics.problems import Problems, SpecError
from ..basics.text_tables import TextTable
from ..posterior.fit import Fit
from ..posterior.predictions.forecasting import times_until
from ..spec.cross_lagged import CrossLagged
from .answer import LIMITS, Answer
from .arguments import Group, group_problems, population
from .registry import Arguments, Question, register

__all__ = ["CheckArguments", "ForecastArguments"]

MISFIT = "misfit"
MOST_SHOWN = 12
READING = (
    "observed: of the observed values alone; missing drawn: with missing values drawn from the model, which is what is "
    "compared; predicted: mean over new panels from the model; p: share of draws in which the new panel has more."
)
Time = Annotated[float, Field(description="a number, the time of a later wave or one beyond the last")]


class _OfAPopulation(Arguments):
    """Keys of a question about one population."""

    group: Group | None = None

    def against(self, model: CrossLagged) -> Iterator[str]:
        """Its group."""
        yield from group_problems(model, self.group)


class CheckArguments(_OfAPopulation):
    """Keys of a posterior predictive check."""


class ForecastArguments(_OfAPopulation):
    """Keys of forecasts."""

    time: Time

    def about(self) -> str:
        """The time."""
        return f"at time {number(self.time)}"

    named_first = ("time",)


def _one_population(fit: Fit, group: str | None, heading: str) -> Fit:
    problems = Problems(heading)
    chosen = population(fit, group, problems)
    problems.raise_as(SpecError)
    return chosen


def _check(fit: Fit, given: CheckArguments) -> Answer:
    chosen = _one_population(fit, given.group, "This model cannot be checked")
    table = chosen.check()
    misfits = table[table["verdict"] == MISFIT]
    return Answer(
        question="check",
        arguments=given.given(),
        heading=f"Posterior predictive check of a {fit.spec}; {chosen.n_persons} people",
        table=table,
        body=(_rows_in_words(misfits if len(misfits) else table), READING),
        health=fit.health,
        verdict=f"{len(misfits)} of {len(table)} statistics deviate from what the model predicts",
        reasons=("The statistics shown are those that deviate; all are in the table.",) if len(misfits) else (),
        assumptions=(
            "Values are missing at random given the observed ones; missing values are drawn before panels compare.",
            f"With many statistics some deviate by chance, {number(0.05 * len(table))} of these on average.",
        ),
        before_assumptions=LIMITS,
    )


def _forecast(fit: Fit, given: ForecastArguments) -> Answer:
    chosen = _one_population(fit, given.group, "These people's values cannot be predicted")
    table = chosen.forecast(given.time)
    means = table.groupby(level="measure", sort=False)[["mean", "sd"]].mean()
    shown = {"": [str(name) for name in means.index]}
    shown |= {f"average {name}": [f"{value:.4g}" for value in means[name]] for name in means}
    unit = f" {chosen.panel.time_unit}" if chosen.panel.time_unit else ""
    return Answer(
        question="forecast",
        arguments=given.given(),
        heading=f"Each person's values at {number(given.time)}{unit}, predicted from their own earlier ones; "
        f"{table.index.get_level_values('person').nunique()} people",
        table=table,
        body=(TextTable.of(shown), "Each person's mean, SD and interval are in the table."),
        health=fit.health,
        assumptions=(
            "The same people under the same circumstances: a forecast does not say what an intervention would do.",
            "Beyond the panel the last interval's effects and innovations, and the last wave's means, go on.",
        ),
        before_assumptions=LIMITS,
    )


def _rows_in_words(table: pd.DataFrame) -> TextTable:
    rows = table.head(MOST_SHOWN)
    cells = {"": [" of ".join(filter(None, map(str, name))) for name in rows.index]}
    heads = {"observed": "observed", "completed": "missing drawn", "mean": "predicted", "p": "p"}
    cells |= {head: [f"{value:.4g}" for value in rows[name]] for name, head in heads.items()}
    return TextTable.of(cells | {"": [str(verdict) or "as predicted" for verdict in rows["verdict"]]}, left={""})


register(Question("check", CheckArguments, _check))


def _rehearse_forecast(fit: Fit, given: ForecastArguments) -> None:
    chosen = _one_population(fit, given.group, "These people's values cannot be predicted")
    chosen.panel.require_persons("A forecast")
    times_until(chosen.spec, chosen.panel.times, given.time)


register(Question("forecast", ForecastArguments, _forecast, rehearse=_rehearse_forecast))
