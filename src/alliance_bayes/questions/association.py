"""How things go together at the same time, as published analyses ask, and within persons, as they do not."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr

from ..basics.calls import checked
from ..basics.given import check_seed, check_whole
from ..basics.names import in_words, number
from ..basics.problems import Problems, SpecError
from ..causal.random_intercepts import Fitted, design_problems, fit_regression, prepared
from ..causal.rows import complete_rows, eligible_rows
from ..figures.bars import Bar
from ..figures.estimates import EstimatesPanel, estimates_figure
from ..panel import read_frame
from ..posterior.health import LARGEST_RHAT, SMALLEST_ESS, in_words_of
from ..posterior.settings import check_counts, check_memory_of_draws
from ..posterior.summaries import Probability, indicator, interval, interval_name
from ..spec.association import BETWEEN, WITHIN, RandomInterceptRegression

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Association", "SamplingOfRegressions", "association"]

N_QUANTITIES = 100  # for each draw: coefficients, and the products that they are drawn from
PUBLISHED, SPLIT = "as published", "within and between persons"
SERIES = {
    PUBLISHED: (PUBLISHED, ""),
    "within persons": (SPLIT, WITHIN),
    "between persons": (SPLIT, BETWEEN),
}


@dataclass(frozen=True)
class SamplingOfRegressions:
    """Whether the draws of several regressions can be trusted.

    Attributes
    ----------
    rhat
        Largest rank-normalised split R-hat of any coefficient or SD of any regression.
    ess
        Smallest effective sample size, for means or for tails.
    accepted
        Smallest share of proposals accepted; each proposal is independent of the draw before.
    problems
        What is wrong and what to do; empty where nothing is.
    """

    rhat: float
    ess: float
    accepted: float
    problems: tuple[str, ...]

    @property
    def healthy(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems

    def __str__(self) -> str:
        numbers = (
            f"R-hat at most {self.rhat:.3f}, effective sample size at least {self.ess:.0f}, independent proposals "
            f"accepted at least {100 * self.accepted:.0f} % of the time"
        )
        return in_words_of(numbers, self.problems)


@dataclass(frozen=True, eq=False, repr=False)
class Association:
    """How exposures and outcomes go together at the same time.

    Attributes
    ----------
    regression
        What was asked.
    table
        Indexed by ``outcome``, ``model`` ("as published", or "within and between persons", where each
        exposure is split into the person's mean and the deviation from it) and ``term``: ``mean``,
        ``lower``, ``upper`` of the coefficient, ``p_positive``, the probability that it is above 0, with
        its Monte Carlo error ``p_positive_mcse``, and its ``unit``.
    by_time
        Indexed by ``outcome``, ``model``, ``exposure`` and ``time``: the association at that time, for
        exposures with a product with time; columns as in `table`.
    sizes
        Indexed by ``outcome``: ``rows`` and ``persons`` used, ``repeated``, persons with two rows or more,
        who alone tell about change within persons, and ``rows_left_out`` for a missing value.
    draws
        Outcome and model to the posterior draws, dims ``(chain, draw, term)``.
    health
        Of the sampling.
    assumptions
        What must hold, and what an association does not say.
    formulas
        Model to its formula, and the priors.
    """

    regression: RandomInterceptRegression
    table: pd.DataFrame
    by_time: pd.DataFrame
    sizes: pd.DataFrame
    draws: Mapping[tuple[str, str], xr.DataArray]
    health: SamplingOfRegressions
    assumptions: tuple[str, ...]
    formulas: Mapping[str, str]

    @property
    def n_draws(self) -> int:
        """Posterior draws of each regression over all chains."""
        one = next(iter(self.draws.values()))
        return one.sizes["chain"] * one.sizes["draw"]

    def plot(self) -> "Figure":
        """Draw the association of each exposure with each outcome, at each time where it may change with time."""
        grid = [[self._panel(exposure, outcome) for outcome in self.regression.outcomes] for exposure in self.exposures]
        return estimates_figure(grid, series=list(SERIES), title=f"Association at the same time, {interval_name()}s")

    @property
    def exposures(self) -> tuple[str, ...]:
        """The exposures, in the order asked for."""
        return self.regression.exposures

    def _panel(self, exposure: str, outcome: str) -> EstimatesPanel:
        unit = f" {self.regression.time_unit}" if self.regression.time_unit else ""
        asked = self.by_time.index.get_level_values
        changes = bool(((asked("outcome") == outcome) & (asked("exposure") == exposure)).any())
        lines: dict[str, dict[str, Bar]] = {}
        for series, (model, end) in SERIES.items():
            for key, row in (self.by_time if changes else self.table).iterrows():
                if key[:3] == (outcome, model, exposure + end):
                    label = f"{number(key[3])}{unit}" if changes else "all times"
                    lines.setdefault(label, {})[series] = Bar(row["mean"], row["lower"], row["upper"])
        title = f"{_plain(exposure)}: {_plain(outcome)}"
        return EstimatesPanel(title, f"{_plain(outcome)} per unit", lines)

    def _of_exposures(self) -> pd.DataFrame:
        terms = self.table.index.get_level_values("term")
        names = [name + end for name in self.regression.exposures for end in ("", WITHIN, BETWEEN)]
        asked = [bool(set(str(term).split(":")) & set(names)) for term in terms]
        return self.table[asked]

    def __str__(self) -> str:
        shown = self._of_exposures()
        lines = [
            f"Association at the same time, adjusted, units of the outcome per unit of the exposure{_clock(self)}; "
            f"{self.n_draws} draws of each regression",
            *(f"{model.capitalize()}: {formula}" for model, formula in self.formulas.items()),
            *_block(shown, self.n_draws),
        ]
        for outcome, row in self.sizes.iterrows():
            lines.append(
                f"{outcome}: {row['rows']:,} rows of {row['persons']:,} persons, {row['repeated']:,} of them with two "
                f"or more; {row['rows_left_out']:,} rows left out for a missing value"
            )
        numbered = [f"  {place}. {sentence}" for place, sentence in enumerate(self.assumptions, start=1)]
        return "\n".join([*lines, str(self.health), "What this rests on, and what it does not say:", *numbered])

    __repr__ = __str__


@checked(apart=["draws", "chains", "seed"])
def association(
    regression: RandomInterceptRegression,
    frame: pd.DataFrame | str | PathLike[str],
    *,
    draws: int = 1000,
    chains: int = 4,
    seed: int,
) -> Association:
    r"""How exposures and outcomes of the same time go together, adjusted, and within persons.

    For each outcome two regressions, built by Bambi from the formula [1]_. As published analyses of such
    panels do it, exposures are centred at their mean:

    .. math:: y_{it} = \beta' x_{it} + u_i + e_{it},
        \quad u_i \sim N(0, \tau^2), \quad e_{it} \sim N(0, \sigma^2).

    Then each exposure is split into the person's mean over the rows used and the deviation from it, so that
    what differs between persons is not taken for what goes together within them. The posterior is
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
    Association
        Table, associations at each time, draws, sampling health, assumptions, text and figure.

    Raises
    ------
    SpecError
        If a column is missing or holds no numbers, infinite ones, or such of an SD below 1e-30 or above 1e30, an
        outcome holds an item on an exposure (found by arithmetic in the data where the outcome is a sum of yes/no
        columns), too few persons are left, an exposure does not differ between persons (as one that was centred within
        them, even if rounded since, or centred over rows that are not used) or does not change within them, an outcome
        does not change within persons, or a column of a design is a linear combination of others.
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
    found: dict[tuple[str, str], Fitted] = {}
    for place, (outcome, rows) in enumerate(used.items()):
        for split, model in ((False, PUBLISHED), (True, SPLIT)):
            ready = prepared(regression, outcome, rows, split)
            found[outcome, model] = fit_regression(ready, draws, chains, [seed, place, int(split)])
    posterior = {key: fitted.draws for key, fitted in found.items()}
    return Association(
        regression=regression,
        table=_table(regression, posterior),
        by_time=_by_time(regression, posterior, used),
        sizes=_sizes(regression, data, used),
        draws=posterior,
        health=_health(found),
        assumptions=_assumptions(regression),
        formulas={
            model: f"{regression.right_side(split=split)} + (1 | {regression.person})"
            for split, model in ((False, PUBLISHED), (True, SPLIT))
        },
    )


def _summaries(draws: xr.DataArray, units: list[str]) -> list[dict[str, Any]]:
    """One row of the table for each entry along the last dim."""
    import arviz_stats

    (dim,) = set(draws.dims) - {"chain", "draw"}
    lower, upper = interval(draws, "chain", "draw")
    positive = indicator(draws > 0, draws)
    share = positive.mean(("chain", "draw"))
    differing = (share > 0) & (share < 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        error = arviz_stats.mcse(positive, method="mean").where(differing, 0.0)
    columns = {"mean": draws.mean(("chain", "draw")), "lower": lower, "upper": upper}
    columns |= {"p_positive": share, "p_positive_mcse": error}
    arrays = {name: column.to_numpy() for name, column in columns.items()}
    return [
        {name: float(array[place]) for name, array in arrays.items()} | {"unit": units[place]}
        for place in range(draws.sizes[dim])
    ]


def _unit(regression: RandomInterceptRegression, outcome: str, term: str) -> str:
    if term in ("Intercept", "sigma", f"1|{regression.person}_sigma"):
        return outcome
    step = f"{number(regression.time_step)} {regression.time_unit or 'of ' + regression.time}"
    others = [part for part in term.split(":") if part != regression.time]
    per = "".join(f" per {part}" for part in others)
    return f"{outcome}{per}" + (f" per {step}" if len(others) < len(term.split(":")) else "")


def _frame(rows: dict[Any, dict[str, Any]], names: list[str]) -> pd.DataFrame:
    columns = ["mean", "lower", "upper", "p_positive", "p_positive_mcse", "unit"]
    empty = pd.MultiIndex.from_arrays([[]] * len(names), names=names)
    index = pd.MultiIndex.from_tuples(rows, names=names) if rows else empty
    return pd.DataFrame(list(rows.values()), columns=columns, index=index)


def _table(regression: RandomInterceptRegression, posterior: Mapping[tuple[str, str], xr.DataArray]) -> pd.DataFrame:
    rows: dict[Any, dict[str, Any]] = {}
    for (outcome, model), draws in posterior.items():
        terms = [str(term) for term in draws["term"].to_numpy()]
        found = _summaries(draws, [_unit(regression, outcome, term) for term in terms])
        rows |= {(outcome, model, term): row for term, row in zip(terms, found, strict=True)}
    return _frame(rows, ["outcome", "model", "term"])


def _by_time(
    regression: RandomInterceptRegression,
    posterior: Mapping[tuple[str, str], xr.DataArray],
    used: Mapping[str, pd.DataFrame],
) -> pd.DataFrame:
    rows: dict[Any, dict[str, Any]] = {}
    for (outcome, model), draws in posterior.items():
        times = _times(regression, used[outcome])
        steps = xr.DataArray((np.array(times) - regression.time_zero) / regression.time_step, dims="time")
        for exposure, product in _changing(regression, [str(term) for term in draws["term"].to_numpy()]):
            slopes = draws.sel(term=exposure, drop=True) + draws.sel(term=product, drop=True) * steps
            found = _summaries(slopes, [f"{outcome} per {exposure}"] * len(times))
            rows |= {(outcome, model, exposure, time): row for time, row in zip(times, found, strict=True)}
    return _frame(rows, ["outcome", "model", "exposure", "time"])


def _times(regression: RandomInterceptRegression, rows: pd.DataFrame) -> list[float]:
    steps = np.unique(rows[regression.time])
    return [round(float(step) * regression.time_step + regression.time_zero, 9) for step in steps]


def _changing(regression: RandomInterceptRegression, terms: list[str]) -> Iterator[tuple[str, str]]:
    """Exposures, split or not, whose only other term is a product with time, and that term."""
    for exposure in (name + end for name in regression.exposures for end in ("", WITHIN, BETWEEN)):
        holding = [term for term in terms if exposure in term.split(":")]
        products = [f"{exposure}:{regression.time}", f"{regression.time}:{exposure}"]
        found = [term for term in holding if term in products]
        if len(holding) == 2 and exposure in holding and found:
            yield exposure, found[0]


def _sizes(regression: RandomInterceptRegression, data: pd.DataFrame, used: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    eligible = len(eligible_rows(regression, data))
    rows = {
        outcome: {
            "rows": len(rows),
            "persons": rows[regression.person].nunique(),
            "repeated": int((rows[regression.person].value_counts() > 1).sum()),
            "rows_left_out": eligible - len(rows),
        }
        for outcome, rows in used.items()
    }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("outcome")


def _health(found: Mapping[tuple[str, str], Fitted]) -> SamplingOfRegressions:
    import arviz_stats

    rhat, ess, problems = 1.0, np.inf, []
    for (outcome, model), fitted in found.items():
        draws = fitted.draws.to_dataset(name="values")
        one_chain = draws.sizes["chain"] == 1
        each = np.nan if one_chain else float(arviz_stats.rhat(draws)["values"].max(skipna=False))
        sizes = [arviz_stats.ess(draws, method=method)["values"].min(skipna=False) for method in ("bulk", "tail")]
        smallest = float(np.min(sizes))  # of a term that never moves not a number, which is no size
        if one_chain:
            problems.append("Only one chain: whether chains agree cannot be checked. Use chains=4.")
        elif not each <= LARGEST_RHAT:
            problems.append(f"{outcome}, {model}: the chains disagree (R-hat {each:.3f}). Use more draws.")
        if not smallest >= SMALLEST_ESS:
            problems.append(f"{outcome}, {model}: too few effective draws ({smallest:.0f}). Use more draws.")
        rhat, ess = np.fmax(rhat, each), min(ess, smallest)
    accepted = min(fitted.accepted for fitted in found.values())
    return SamplingOfRegressions(float(rhat), ess, accepted, tuple(dict.fromkeys(problems)))


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
        "that neither comes first; days counted back from an interview lie in part before what it asks about now.",
        "Persons differ in more than the formula adjusts for. As published, the slopes mix differences between persons "
        "with change within them, and take the random intercept as unrelated to the exposures.",
        "Within persons, what does not change with time is held constant; common causes that change are not. A "
        "person's mean of few values holds part of the change, so that 'between' is not free of 'within'.",
        "Residuals are taken as normal with one variance; where many sit at an end of the scale, slopes are averages.",
        "Rows with a missing value are left out: what is missing may depend on what is in the formula alone.",
    ]
    if regression.rows_with is not None:
        sentences.append(
            f"Only rows with {regression.rows_with}: who has it then, and keeps it, is not like the others."
        )
    if any(":" in term or "*" in term for term in regression.formula.split("+")):
        sentences.append(
            "An association that is larger later may be a constant effect that accumulates rather than one that grows."
        )
    return tuple(sentences)


def _clock(answer: Association) -> str:
    """At which time, and per how much time, where associations may change with time."""
    if not len(answer.by_time):
        return ""
    asked = answer.regression
    unit = f" {asked.time_unit}" if asked.time_unit else ""
    return (
        f" at {number(asked.time_zero)}{unit}, and with ':{asked.time}' how much more for each "
        f"{number(asked.time_step)}{unit} later"
    )


def _plain(name: str) -> str:
    return name.replace("_", " ")


def _block(shown: pd.DataFrame, n_draws: int) -> list[str]:
    width = interval_name()
    labels = [str(term) for term in shown.index.get_level_values("term")]
    n_characters = max(map(len, labels), default=0) + 2
    lines = [f"{'':{n_characters}}     mean  {width:^20}  P(> 0)"]
    before: tuple[str, str] | None = None
    for label, (key, row) in zip(labels, shown.iterrows(), strict=True):
        if (key[0], key[1]) != before:
            before = (key[0], key[1])
            lines.append(f"{key[0]}, {key[1]}")
        bounds = f"[{row['lower']:.3g}, {row['upper']:.3g}]"
        positive = str(Probability(row["p_positive"], 0.0, n_draws))
        lines.append(f"  {label:{n_characters - 2}} {row['mean']:8.3g}  {bounds:^20}  {positive:>7}".rstrip())
    return lines
