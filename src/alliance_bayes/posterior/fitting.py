"""Fitting: spec and panel to draws, and everything that is read off the draws of one fit."""

import os
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import xarray as xr

from ..basics.calls import checked
from ..basics.interrupts import Interrupts, held_interrupts
from ..basics.json_records import read_record
from ..basics.memory import refuse_beyond_memory
from ..basics.names import choices, in_words, number, quoted
from ..basics.problems import AllianceBayesError, InterruptionError, Problems, SpecError
from ..engine.model_on_panel import Latent, PanelModel, check_latent, panel_model
from ..engine.moments.derived import Derived
from ..engine.moments.linear_system import PanelSystem
from ..engine.moments.prior_scale import PriorScale
from ..engine.moments.program_kernel import run_many
from ..engine.moments.statistics import PatternStatistics
from ..likelihood.maximum_likelihood import per_person
from ..panel import Panel, reported_states
from ..spec.cross_lagged import CrossLagged
from ..spec.mapping import spec_from_mapping, spec_to_mapping
from .health import Health, examine, with_integration, with_problem
from .predictions.discrepancy import chi_squares, completed_and_replicated
from .predictions.forecasting import amounts, foretold, model_until
from .predictions.latent_predictions import (
    completed_responses,
    draw_of_people,
    integration_error,
    latent_per_person,
    latent_statistics,
    observed_responses,
    replicate_responses,
)
from .predictions.prediction import draw_unobserved, replicate, statistic_table
from .saving import FitRecord, read_fit, readable, write_fit
from .settings import Sampler, check_memory_of_draws, check_settings
from .summaries import indicator, interval

__all__ = [
    "Fit",
    "FitWarning",
    "Settings",
    "check_settings",
    "fit",
    "load_fit",
    "sampled",
    "warm_up",
    "without_interruption_warnings",
]

TUNE, SCALED_TUNE = 400, 100
MOST_STORED_VALUES = 10_000_000
N_PRIOR_DRAWS = 4000
MOST_PRIOR_DRAWS = 100 * N_PRIOR_DRAWS
N_REPLICATES = 200
N_PERSON_DRAWS, N_LATENT_DRAWS = 1000, 400
N_CHECKS = 500
MOST_LOW_RANK = 100
FEWEST_DRAWS = 20  # of a chain after an interruption: with fewer, not even diagnostics say anything
STOPPED = "Interrupted"
KEEPING = "Interrupted; keeping the draws so far, which takes a few seconds ..."
POLL_SECONDS = 1.0  # a Ctrl-C ends the wait at once; this bounds it where signals reach no thread that waits
PACKAGE = str(Path(__file__).parents[1])  # warnings name the line that called it
GROUPS = {
    "posterior": "posterior draws",
    "sample_stats": "statistics of the sampler",
    "prior": "prior draws",
    "observed_data": "observed values",
    "log_likelihood": "log-likelihoods of persons",
    "posterior_predictive": "posterior predictive draws",
}


class FitWarning(UserWarning):
    """A fit that holds its posterior but is not whole: interrupted, or something after sampling failed."""


@dataclass(frozen=True)
class Settings:
    """How a fit was sampled.

    Attributes
    ----------
    draws, tune
        Draws kept of each chain, and warm-up draws before them.
    chains, cores
        Chains, and how many run at once.
    target_accept
        Acceptance probability that the step size aims at, in (0, 1).
    seed
        Seed of all random numbers.
    sampler
        ``"nutpie"`` or ``"pymc"``.
    compile_seconds, sampling_seconds
        Wall-clock time.
    latent
        ``"integrate"`` or ``"sample"``: what was done with linear predictors.
    """

    draws: int
    tune: int
    chains: int
    cores: int
    target_accept: float
    seed: int
    sampler: str
    compile_seconds: float
    sampling_seconds: float
    latent: Latent = "integrate"

    @property
    def options(self) -> dict[str, Any]:
        """What `fit` takes to sample another model, or another panel, in the same way."""
        return {name: value for name, value in asdict(self).items() if not name.endswith("_seconds")}


@checked(apart=["seed", "draws", "tune", "chains", "cores", "target_accept", "sampler"])
def fit(
    spec: CrossLagged,
    panel: Panel,
    *,
    seed: int,
    draws: int = 1000,
    tune: int | None = None,
    chains: int = 4,
    cores: int | None = None,
    target_accept: float = 0.8,
    sampler: Sampler = "nutpie",
    latent: Latent = "integrate",
    progress: bool | None = None,
) -> "Fit":
    """Sample the posterior of a model on a panel.

    Parameters
    ----------
    spec
        The model.
    panel
        The data, or published moments.
    seed
        The same seed gives the same draws.
    draws, tune
        Draws kept of each chain, and warm-up draws before them; left open, the warm-up has 400, or 100 where linear
        predictors are integrated out, since the scale of the posterior is found before it then.
    chains, cores
        Number of chains, and how many run at once (all processors when left open).
    target_accept
        Raise it towards 1 when there are divergences.
    sampler
        ``"nutpie"``, or ``"pymc"`` for PyMC's own NUTS on the same model.
    latent
        ``"integrate"``: linear predictors of measures that are not normal, of a state or of selection are
        integrated out. ``"sample"``: each of them is sampled, which takes many times as long and has no error
        of integration (see `to_pymc`); a check of the other where the health of a fit doubts it.
    progress
        Whether to show a progress bar; left open, it is shown in a terminal.

    Returns
    -------
    Fit
        Draws, diagnostics, and what is read off them. After an interruption (Ctrl-C) it holds the draws
        made so far, and says so; what fails after sampling is missing from it, and said in `Fit.incomplete`.

    Raises
    ------
    SpecError
        If the model is not identified at these times, does not fit the panel's measures, its prior hardly ever gives
        a proper model, or a setting makes no sense; before anything is sampled.
    InterruptionError
        If sampling is interrupted before there are draws enough to keep.

    Warns
    -----
    FitWarning
        If the fit was interrupted, or something after sampling failed.
    """
    tune = warm_up(spec, sampler, latent) if tune is None else tune
    check_settings(draws, tune, chains, cores, target_accept, seed, sampler)
    check_latent(spec, latent)
    whole = panel_model(spec, panel)
    check_memory_of_draws(draws, chains, whole.scale.size + whole.derived.size)
    n_cores = int(cores or min(chains, os.cpu_count() or 1))
    show = sys.stderr.isatty() if progress is None else progress
    settings = Settings(
        int(draws), int(tune), int(chains), n_cores, float(target_accept), int(seed), sampler, 0.0, 0.0, latent
    )
    prior = _prior(whole, settings.seed)
    with held_interrupts():
        fitted = _with_other_groups(sampled(whole, settings, progress=show), prior)
        goes_on = f"{fitted.interrupted} The script goes on with these draws." if fitted.interrupted else ""
        for sentence in (goes_on, *fitted.incomplete):
            if sentence:
                warnings.warn(sentence, FitWarning, skip_file_prefixes=(PACKAGE,))
    return fitted


@contextmanager
def without_interruption_warnings() -> Iterator[None]:
    """Keep fits whose sampling was interrupted from warning of it, where the answer that asked for them says it."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=rf"{STOPPED} after (\d|sampling\. Missing)", category=FitWarning)
        yield


def sampled(whole: PanelModel, settings: Settings, *, progress: bool = False) -> "Fit":
    """A fit with its posterior draws and the sampler's statistics alone.

    Parameters
    ----------
    whole
        The model on its panel.
    settings
        How to sample it; the seconds in them are not read.
    progress
        Whether to show a progress bar.

    Raises
    ------
    InterruptionError
        If sampling is interrupted before there are draws enough to keep.
    """
    with held_interrupts() as interrupts:
        tree, settings = _sample(whole, settings, progress, interrupts)
        return _laid_out(Fit(whole.spec, whole.panel, _cut(tree, settings), settings), whole)


@dataclass(frozen=True, eq=False, repr=False)
class Fit:
    """A posterior, with the model and the data it came from.

    Attributes
    ----------
    spec, panel
        What was fitted to what.
    draws
        Groups ``posterior``, ``prior``, ``sample_stats``, ``observed_data``, ``log_likelihood``
        (per person, marginal over random intercepts and states) and ``posterior_predictive``.
        In posterior and prior, in the measures' own units (with a family: those of its linear predictor) unless said
        otherwise:

        - ``lagged`` (interval, path): effect of one unit of the predictor, one interval later, on the outcome;
          a path is labelled "predictor -> outcome", such as ``"alliance -> days"``;
          ``lagged_standardized``: in within-person SDs of the outcome at the end of the interval
          per within-person SD of the predictor at its start (CLPM: SDs);
          ``drift`` (path), in continuous time: effect on the change per unit of time;
        - ``mean``, ``within_sd`` (time, measure), ``within_correlation`` (time, pair);
        - ``innovation_sd`` (interval, measure), ``innovation_correlation`` (interval, pair):
          of what is new over the whole interval;
        - ``between_sd`` (measure), ``between_correlation`` (pair): of the random intercepts;
        - ``intraclass_correlation`` (time, measure), ``within_r_squared`` (interval, measure);
        - the random variables themselves, on the scale of `Priors`.
    settings
        How it was sampled.
    incomplete
        What of `draws` is missing, why, and what to do, one sentence each; empty where nothing failed.
    """

    spec: CrossLagged
    panel: Panel
    draws: xr.DataTree
    settings: Settings
    whole: "Fit | None" = None
    """The fit of all groups, where this is one of them (see `of_group`)."""
    incomplete: tuple[str, ...] = ()

    @property
    def groups(self) -> tuple[str, ...]:
        """Groups whose effects the draws hold apart; empty where there are none."""
        return self.model.design.groups if self.whole is None else ()

    @checked()
    def of_group(self, group: str) -> "Fit":
        """What was fitted of one group, for questions about a single population.

        Parameters
        ----------
        group
            One of the panel's groups.

        Returns
        -------
        Fit
            The same draws, those of this group alone, with its people and the health of the whole fit.

        Raises
        ------
        SpecError
            If there is no such group.
        """
        if group not in self.groups:
            raise SpecError(f"The fit has no group '{group}'{choices(group, self.groups, 'Groups')}")
        chosen = {}
        for name in ("posterior", "prior"):
            if name in self.draws.children:
                draws = self.drawn(name)
                chosen[f"/{name}"] = draws.sel(group=group, drop=True) if "group" in draws.dims else draws
        chosen["/sample_stats"] = self.drawn("sample_stats")
        spec = replace(self.spec, group_lags=None, equal_across_groups=())
        panel, draws_of_group = self.panel.of_group(group), xr.DataTree.from_dict(chosen)
        return Fit(spec, panel, draws_of_group, self.settings, self, self.incomplete)

    def drawn(self, group: str) -> xr.Dataset:
        """One group of `draws`, for what cannot be answered without it.

        Raises
        ------
        SpecError
            If the fit does not hold it; says why.
        """
        if group not in self.draws.children:
            why = " ".join(self.incomplete) or "It was not drawn, or was left out of a file."
            raise SpecError(f"This needs {GROUPS.get(group, group)}, which this fit does not hold. {why}")
        return self.draws[group].to_dataset()

    @property
    def interrupted(self) -> str:
        """One sentence where sampling was interrupted, on how many draws there are of those asked for; or nothing."""
        chains, asked = self.posterior.sizes["chain"], self.settings.chains
        if self.n_draws >= self.settings.draws * asked:
            return ""
        of_chains = f", in {chains} of {asked} chains" if chains < asked else ""
        return f"Interrupted after {self.n_draws:,} of {self.settings.draws * asked:,} draws{of_chains}."

    @property
    def stopped(self) -> bool:
        """Whether somebody interrupted it, while it was sampled or after."""
        return bool(self.interrupted) or any(sentence.startswith(STOPPED) for sentence in self.incomplete)

    @property
    def draws_in_words(self) -> str:
        """Number of posterior draws, and whether they are all that were asked for."""
        if not self.interrupted:
            return f"{self.n_draws} draw{'s' * (self.n_draws != 1)}"
        chains, asked = self.posterior.sizes["chain"], self.settings.chains
        of_chains = f" ({chains} of {asked} chains)" if chains < asked else ""
        return f"{self.n_draws:,} of {self.settings.draws * asked:,} draws{of_chains}, interrupted"

    def require_one_population(self, question: str) -> None:
        """Refuse a question whose answer would differ between the groups of this fit.

        Raises
        ------
        SpecError
            If the draws hold groups apart.
        """
        if self.groups:
            raise SpecError(
                f"{question} is about one population, and this fit has the groups {quoted(self.groups)}. Ask "
                f"fit.of_group('{self.groups[0]}'), or compare them by ab.group_contrast."
            )

    def require_one_panel(self, question: str, cure: str = "") -> None:
        """Refuse a question about the values of persons where panels differ in them; this fit has one panel."""

    @cached_property
    def model(self) -> PanelModel:
        """The model on its panel."""
        return panel_model(self.spec, self.panel)

    @property
    def system(self) -> PanelSystem:
        """The model as linear systems."""
        return self.model.system

    @property
    def scale(self) -> PriorScale:
        """The random variables."""
        return self.model.scale

    @property
    def derived(self) -> Derived:
        """The derived quantities."""
        return self.model.derived

    @property
    def statistics(self) -> PatternStatistics:
        """The panel in the model's unit."""
        return self.model.statistics

    @property
    def n_persons(self) -> int:
        """How many people have any value of the model."""
        return self.model.n_persons

    @cached_property
    def health(self) -> Health:
        """Whether the draws can be trusted, in words, with what to do when they cannot."""
        if self.whole is not None:
            return self.whole.health
        found = examine(self.draws, [block.name for block in self.scale.blocks])
        if self.interrupted:
            found = with_problem(
                found,
                f"{self.interrupted} All numbers use only these draws. Run it again without interruption for a final "
                "answer.",
            )
        if not self.spec.is_latent or self.settings.latent == "sample":
            return found
        try:
            error = integration_error(self.model, self.thetas, self.settings.seed)
        except (MemoryError, ArithmeticError, np.linalg.LinAlgError) as failure:
            return with_problem(
                found,
                f"How far the approximate integral over the linear predictors is off is not known, since finding it "
                f'failed ({_error_in_words(failure)}). Hold the answer against latent="sample".',
            )
        return with_integration(found, error)

    @property
    def posterior(self) -> xr.Dataset:
        """The posterior draws."""
        return self.drawn("posterior")

    @property
    def n_draws(self) -> int:
        """Posterior draws over all chains."""
        return self.posterior.sizes["chain"] * self.posterior.sizes["draw"]

    @checked()
    def summary(self, names: list[str] | None = None) -> pd.DataFrame:
        """Posterior means, SDs, intervals and diagnostics, from ArviZ.

        Parameters
        ----------
        names
            Quantities of `draws`; all that carry the field's names when left open.

        Returns
        -------
        pandas.DataFrame
            One row per number; width and kind of the interval are those of ArviZ's settings.

        Raises
        ------
        SpecError
            If the draws have no quantity of that name.
        """
        import arviz_stats

        chosen = names or [quantity.name for quantity in self.derived.quantities]
        known = [str(name) for name in self.posterior.data_vars]
        problems = Problems("These quantities cannot be summarised")
        for name in chosen:
            if name not in known:
                problems.add(f"The draws have no '{name}'{choices(name, known, 'Quantities')}")
        problems.raise_as(SpecError)
        with np.errstate(invalid="ignore", divide="ignore"):
            table: pd.DataFrame = arviz_stats.summary(self.posterior, var_names=chosen, round_to="none")
        return table

    def person_scores(self) -> pd.DataFrame:
        """Random intercepts: each person's stable difference from the wave means (growth: where their line starts).

        Returns
        -------
        pandas.DataFrame
            Indexed by person and measure: ``mean``, ``sd`` and the interval's ``lower`` and
            ``upper`` of the posterior, in the measure's unit. A person with few values is
            shrunk towards 0, and says so by a wide interval.

        Raises
        ------
        SpecError
            If the model has no random intercepts.
        PanelError
            If the panel holds moments alone.
        """
        if not self.spec.random_intercepts:
            raise SpecError(f"A {self.spec.title} has no random intercepts, so there are no person scores.")
        variables = self.system.systems[0].variables
        targets = [variables.index(f"intercept {name}") for name in self.spec.measures]
        rng = self._rng("person scores")
        if self.spec.is_latent:
            drawn, _ = draw_of_people(self.model, targets, self._some_thetas(N_REPLICATES), rng)
        else:
            values, thetas = self._values("A person score"), self._some_thetas(N_PERSON_DRAWS)
            drawn = draw_unobserved(self.system, targets, thetas, values, rng, self.model.design.person_cell)
        centre = self.model.centre if self.spec.growth else 0.0
        return self._table_of_persons(drawn * self.model.unit + centre, self.spec.measures)

    @checked(apart=["time"])
    def forecast(self, time: float) -> pd.DataFrame:
        """Predict every person's values at one time from what was observed of them before it.

        Parameters
        ----------
        time
            A wave of the panel after the first, or a time beyond the last wave that whole
            intervals as long as the last one (on a grid: base steps; in continuous time: any) lead to. Beyond the panel
            the last interval's effects and innovations, and the last wave's means and windows, go on.

        Returns
        -------
        pandas.DataFrame
            Indexed by person and measure (with items: by item): ``mean``, ``sd``, ``lower``, ``upper`` of the
            predictive distribution, in the measure's unit, and ``observed`` where the panel has
            the value. With a state it has rows too, its mean being the probability that it is on; what exists
            only then is predicted for the case that it exists. With families also ``out_of``, the window, trials or
            exposure that a value is predicted for: where it is not known at `time`, the person's last known one; where
            there is none, there is no forecast. With a selection forecasts are of everybody, seen or not.

        Raises
        ------
        SpecError
            If `time` is none of these.
        PanelError
            If the panel holds moments alone.
        """
        observed = self.panel.require_persons("A forecast")
        thetas = self._some_thetas(N_LATENT_DRAWS if self.spec.is_latent else N_PERSON_DRAWS)
        model, thetas, wave = model_until(self.model, time, thetas)
        values, states = foretold(model, wave, thetas, self._rng("forecast"))
        columns, state = list(self.spec.response_columns), self.spec.state
        seen = np.full((self.panel.n_persons, len(columns)), np.nan)
        if wave < len(self.panel.times):
            seen = observed[:, wave, [self.panel.measures.index(name) for name in columns]]
        if state is not None:
            told = (
                reported_states(state.name, self.panel)[:, wave]
                if wave < len(self.panel.times)
                else seen[:, 0] * np.nan
            )
            values, seen = np.dstack([values, states]), np.column_stack([seen, told])
            columns.append(state.name)
        table = self._table_of_persons(values, columns).assign(observed=seen.ravel())
        if not self.spec.random_families:
            return table
        out_of = amounts(model, wave)
        return table.assign(out_of=np.column_stack([out_of, seen[:, out_of.shape[1] :] * np.nan]).ravel())

    def check(self) -> pd.DataFrame:
        """Posterior predictive check of the whole, and of means, SDs, and correlations within and across waves.

        Returns
        -------
        pandas.DataFrame
            Indexed by ``statistic`` and ``of``: ``observed``, of the values there are; ``completed``, the mean over
            draws where absent values are drawn given the person's own others; the predicted ``mean``, ``lower`` and
            ``upper`` of replicated panels, which are complete; ``p``, the share of draws in which the replicated
            statistic is larger than the completed one; and ``verdict``, "misfit" where p is below .025 or above .975.
            With many statistics some misfit by chance. The first row is the chi-square against the saturated model,
            observed only as completed: its ``p`` is the posterior predictive p-value, and only a small one is a misfit;
            it is NaN where people have no common means and covariances (own times, moderators) or are fewer than these
            need.
            With families or a state statistics are those of the responses and of the state, and there is no
            chi-square.

        Raises
        ------
        PanelError
            If the panel holds moments alone.

        Notes
        -----
        The chi-square of a draw is twice the log-likelihood that the saturated model gains on it. People who leave
        need not be like those who stay: what was observed is compared after it was completed [1]_, or the means of
        those who stay would count as misfit. The posterior predictive p-value is not uniform where the model is right:
        it gathers near .5, the more so the more values are absent.

        References
        ----------
        .. [1] Gelman, Van Mechelen, Verbeke, Heitjan & Meulders (2005). Multiple imputation for model checking:
           completed-data plots with missing and latent data. Biometrics 61, 74-85.
        """
        if self.spec.is_latent:
            return self._latent_check()
        values, rng, n_values = self._values("A posterior predictive check"), self._rng("check"), self.system.n_values
        both = [
            [self._statistics_of(panel[:, :n_values]) for panel in panels]
            for panels in completed_and_replicated(self.model, self._some_thetas(N_CHECKS), values, rng)
        ]
        return pd.concat([self._overall_check(), _compared(self._statistics_of(values[:, :n_values]), both)])

    def _latent_check(self) -> pd.DataFrame:
        """Statistics of responses as they are, shares at either end among them, and of the state's transitions."""
        model, rng = self.model, self._rng("check")
        both = [
            [latent_statistics(model, *panel) for panel in (completed_responses(model, theta, rng), new)]
            for theta in self._some_thetas(N_REPLICATES)
            for new in [replicate_responses(model, theta, rng, whole=True)]
        ]
        return _compared(latent_statistics(model, *observed_responses(model)), both)

    def _overall_check(self) -> pd.DataFrame:
        values = self._values("A posterior predictive check")
        completed, replicated = chi_squares(self.model, self._some_thetas(N_CHECKS), values, self._rng("overall check"))
        first, second = (xr.DataArray(part, dims="sample") for part in (completed, replicated))
        larger = float(indicator(second > first, first, second).mean())
        lower, upper = interval(second, "sample")
        row = {
            "observed": float(first.mean()),
            "completed": float(first.mean()),
            "mean": float(second.mean()),
            "lower": float(lower),
            "upper": float(upper),
            "p": larger,
            "verdict": "misfit" if larger < 0.025 else "",
        }
        index = pd.MultiIndex.from_tuples([("chi-square", "means and covariances")], names=["statistic", "of"])
        return pd.DataFrame([row], index=index)

    @checked()
    def log_likelihood(self, persons: slice | None = None) -> xr.DataArray:
        """Log density of each person's values per draw, dims ``(chain, draw, person)``.

        Of people with at least one value, marginal over random intercepts and states, in the values'
        own units; the one that leaving out whole persons needs. Computed anew where the draws do not
        hold it.

        Parameters
        ----------
        persons
            Which of these people, counted from 0; all when left open. Where 8 bytes for each draw
            of each person are too many for memory, ask for some at a time.

        Raises
        ------
        PanelError
            If the panel holds moments alone.
        """
        self.panel.require_persons("The log-likelihood per person")
        if "log_likelihood" in self.draws.children:
            return self.drawn("log_likelihood")["values"].isel(person=persons or slice(None))
        n_persons = len(range(self.n_persons)[persons or slice(None)])
        refuse_beyond_memory(
            "The log-likelihood per person cannot be held",
            f"{self.n_draws:,} draws of {n_persons:,} people",
            2.0 * self.n_draws * n_persons,
            "Ask for some people at a time, such as persons=slice(0, 1000).",
        )
        return _log_likelihood(self, persons)

    @checked()
    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write draws, spec, panel and settings to one netCDF file, for `load_fit`; xarray and ArviZ read it too.

        Parameters
        ----------
        path
            File to write; an older fit there is replaced once the new one is on the disk.

        Returns
        -------
        pathlib.Path
            The path.

        Raises
        ------
        AllianceBayesError
            If it cannot be written, this is one group of a fit, or a file is there that no fit was saved to; the fit
            and an older file are as they were.
        """
        if self.whole is not None:
            raise SpecError(
                "A file holds a whole fit, and this is one of its groups. Save the fit of all groups, and ask for the "
                f"group again: ab.load_fit(path).of_group('{self.whole.groups[0]}')."
            )
        record = FitRecord(spec_to_mapping(self.spec), asdict(self.settings), self.incomplete)
        return write_fit(path, record, self.panel, self.draws)

    @property
    def thetas(self) -> np.ndarray:
        """All posterior draws of the linear system's parameters, shape ``(draw, parameter)``."""
        if self.whole is not None:
            raise SpecError("Scores, forecasts and checks are those of the whole fit; ask it, not one of its groups.")
        return _thetas(self.scale, self.posterior)

    def _some_thetas(self, most: int) -> np.ndarray:
        thetas = self.thetas
        return np.ascontiguousarray(thetas[np.linspace(0, len(thetas) - 1, min(most, len(thetas))).astype(int)])

    def _rng(self, purpose: str) -> np.random.Generator:
        return _rng_for(self.settings.seed, purpose)

    def _values(self, what: str) -> np.ndarray:
        """Values in the model's unit, then covariates."""
        self.panel.require_persons(what)
        return self.model.values()

    def _statistics_of(self, values: np.ndarray) -> pd.Series:
        waves = [number(time) for time in self.panel.times]
        unit, centre = (np.tile(part, len(waves)) for part in (self.statistics.scale, self.statistics.centre))
        return statistic_table(values * unit + centre, self.spec.columns, waves)

    def _table_of_persons(self, drawn: np.ndarray, columns: Sequence[str]) -> pd.DataFrame:
        array = xr.DataArray(drawn, dims=("sample", "person", "measure"))
        lower, upper = interval(array, "sample")
        parts = {"mean": array.mean("sample"), "sd": array.std("sample"), "lower": lower, "upper": upper}
        index = pd.MultiIndex.from_product([self.panel.persons, columns], names=["person", "measure"])
        return pd.DataFrame({name: part.to_numpy().ravel() for name, part in parts.items()}, index=index)

    def __str__(self) -> str:
        settings = self.settings
        return (
            f"{self.spec.title} of {', '.join(self.spec.measures)}: {self.n_persons} people, "
            f"{len(self.panel.times)} waves, {self.draws_in_words} {'after' if self.interrupted else 'in'} "
            f"{settings.sampling_seconds:.1f} s "
            f"(compiled in {settings.compile_seconds:.1f} s), seed {settings.seed}\n{self.health}\n"
            + "\n".join([*self.incomplete, *self.notes])
        )

    @property
    def notes(self) -> tuple[str, ...]:
        """How the likelihood was computed, and what to know of these data before the numbers are read."""
        if self.settings.latent == "sample":
            return ("Linear predictors of all people were sampled.", *self.model.notes[1:])
        return self.model.notes

    __repr__ = __str__


@checked()
def load_fit(path: str | os.PathLike[str]) -> Fit:
    """Read a fit that `Fit.save` wrote.

    Parameters
    ----------
    path
        The netCDF file.

    Raises
    ------
    AllianceBayesError
        If the file is missing, was not written by `Fit.save`, or was changed or cut off since: every byte is held
        against the checksum at its end before anything else is read.
    """
    record, panel, draws = read_fit(path)
    with readable(path) as problems:
        settings = read_record(Settings, record.settings, "The settings", problems)
        if settings is not None:
            with problems.collecting():
                check_settings(
                    *(settings.draws, settings.tune, settings.chains, settings.cores),
                    *(settings.target_accept, settings.seed, settings.sampler),
                )
        spec = None
        with problems.collecting():
            spec = spec_from_mapping(record.spec)
        problems.raise_as(AllianceBayesError)
        assert spec is not None
        assert settings is not None
        model = panel_model(spec, panel)
        _check_draws(draws, model, settings, problems)
        _check_people(draws, model, problems)
        problems.raise_as(AllianceBayesError)
        return _laid_out(Fit(spec, panel, draws, settings, incomplete=record.incomplete), model)


def _check_draws(draws: xr.DataTree, model: PanelModel, settings: Settings, problems: Problems) -> None:
    """Whether draws are those of the model's parameters at these measures and times, and no more than asked for."""
    for group in ("posterior", "sample_stats"):
        if group not in draws.children:
            problems.add(f"The group '{group}' is missing.")
    problems.raise_as(AllianceBayesError)
    posterior, labels = draws["posterior"].to_dataset(), model.scale.coordinates
    sizes, of_statistics = (dict(draws[group].to_dataset().sizes) for group in ("posterior", "sample_stats"))
    for dim in ("chain", "draw"):
        if not sizes.get(dim) or sizes[dim] != of_statistics.get(dim):
            problems.add(f"posterior has {sizes.get(dim, 0)} along '{dim}', sample_stats {of_statistics.get(dim, 0)}.")
        labels_of_draws = posterior[dim].to_numpy().tolist() if dim in posterior.coords else []
        if len(set(labels_of_draws)) < len(labels_of_draws):
            problems.add(f"Along '{dim}' the draws have {quoted(labels_of_draws)}; expected each once.")
    for dim, asked in (("chain", settings.chains), ("draw", settings.draws)):
        if sizes.get(dim, 0) > asked:
            problems.add(f"posterior has {sizes[dim]:,} along '{dim}'; the settings ask for {asked:,}.")
    expected = {block.name: block.dims for block in model.scale.blocks}
    expected |= {quantity.name: quantity.dims for quantity in model.derived.quantities}
    for name, own in expected.items():
        dims = ("chain", "draw", *own)
        if name not in posterior or set(posterior[name].dims) != set(dims):
            problems.add(f"posterior has no '{name}' of the dims {quoted(dims)}.")
        elif posterior[name].dtype.kind != "f":
            problems.add(f"posterior: '{name}' is of the type {posterior[name].dtype}; expected numbers.")
    for dim in sorted(map(str, set(sizes) & set(labels))):
        found = posterior[dim].to_numpy().tolist() if dim in posterior.coords else []
        if found != list(labels[dim]):
            problems.add(f"Along '{dim}' the draws have {quoted(found)}; the model has {quoted(labels[dim])}.")


def _check_people(draws: xr.DataTree, model: PanelModel, problems: Problems) -> None:
    """Whether what is held of single people is held of those of the panel."""
    persons = model.panel.persons
    nobody = np.empty(0, dtype=object)
    for name, group in draws.children.items():
        if "person" not in group.dims:
            continue
        held = group["person"].to_numpy() if "person" in group.coords else nobody
        known = nobody if persons is None else persons[model.has_value] if name == "log_likelihood" else persons
        if not np.array_equal(held, known):  # dates come back in another unit
            problems.add(
                f"{name} is of the people {quoted(held.tolist(), most=5)}; expected those of the panel, "
                f"{quoted(known.tolist(), most=5)}."
            )


def warm_up(spec: CrossLagged, sampler: str, latent: str = "integrate") -> int:
    """Draws of a warm-up that nobody chose: fewer where the scale of the posterior is found before it."""
    return SCALED_TUNE if spec.is_latent and latent == "integrate" and sampler == "nutpie" else TUNE


def _rng_for(seed: int, purpose: str) -> np.random.Generator:
    return np.random.default_rng([seed, *purpose.encode()])


def _laid_out(fitted: "Fit", whole: PanelModel) -> "Fit":
    """The fit with its model put where `Fit.model` looks, so that it is not laid out and examined again."""
    fitted.__dict__["model"] = whole
    return fitted


def _sample(
    whole: PanelModel, settings: Settings, progress: bool, interrupts: Interrupts
) -> tuple[xr.DataTree, Settings]:
    from ..pymc_models.building import pymc_model_of

    started = time.perf_counter()
    with _stopping(interrupts, "before sampling began"):
        model = pymc_model_of(whole, latent=settings.latent)
    options = {
        "draws": settings.draws,
        "tune": settings.tune,
        "chains": settings.chains,
        "cores": settings.cores,
        "target_accept": settings.target_accept,
    }
    if settings.sampler == "pymc":
        import pymc

        with model, _few_draws_are_fine():
            try:
                # PyMC itself acts upon a Ctrl-C while it draws.
                with _stopping(interrupts, "before PyMC handed over any draws"):
                    tree = pymc.sample(**options, nuts_sampler="pymc", random_seed=settings.seed, progressbar=progress)
            except ValueError as error:
                if "Not enough samples to build a trace" not in str(error):
                    raise
                raise _too_few(0, settings) from None
        return tree, replace(settings, sampling_seconds=time.perf_counter() - started)
    import nutpie

    from ..pymc_models.compiling import compile_model
    from ..pymc_models.scaling import scaled

    with _stopping(interrupts, "before sampling began"):
        compiled = scaled(compile_model(model))
    ready = time.perf_counter()
    # Where coordinates are about right already, directions of a low-rank metric are noise; beyond so many parameters
    # finding them costs more than it saves.
    adaptation = "low_rank" if not whole.spec.is_latent and compiled.n_dim <= MOST_LOW_RANK else "diag"
    with _few_draws_are_fine():
        sampler = nutpie.sample(
            compiled,
            **options,
            seed=settings.seed,
            progress_bar=progress,
            adaptation=adaptation,
            save_warmup=False,
            blocking=False,
        )
        tree = _drawn(sampler, interrupts)
    done = time.perf_counter()
    return tree, replace(settings, compile_seconds=ready - started, sampling_seconds=done - ready)


@contextmanager
def _stopping(interrupts: Interrupts, when: str) -> Iterator[None]:
    """What a Ctrl-C ends at once, since there is nothing to keep.

    Raises
    ------
    InterruptionError
        If there was one.
    """
    try:
        with interrupts.let_through():
            yield
    except KeyboardInterrupt:
        raise InterruptionError(f"Interrupted {when}. Nothing was kept. Run it again.") from None


def _drawn(sampler: Any, interrupts: Interrupts) -> xr.DataTree:
    """All draws of a sampler that runs in threads of its own, or those it has at a Ctrl-C.

    nutpie's own waiting loses all draws at a Ctrl-C that comes while it hands them over.
    """
    try:
        while True:
            try:
                whole: xr.DataTree = sampler.wait(timeout=POLL_SECONDS)
                return whole
            except TimeoutError:
                if interrupts.taken():
                    break
    except KeyboardInterrupt:  # where somebody handles Ctrl-C in a way of their own
        pass
    sampler.cancel()  # stops the chains; only `abort` hands over what they have, and progress bars would hide the words
    sys.stderr.write(f"\n{KEEPING}\n" if sys.stderr.isatty() else f"{KEEPING}\n")
    sys.stderr.flush()
    stopped: xr.DataTree = sampler.abort()
    return stopped


@contextmanager
def _few_draws_are_fine() -> Iterator[None]:
    """Keep what ArviZ suspects of fewer draws than chains, as after an interruption, from being more than that."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Found chain dimension to be longer than draw dimension")
        yield


def _cut(tree: xr.DataTree, settings: Settings) -> xr.DataTree:
    """Chains that are of one length, where an interruption left chains that are padded with NaN.

    The first n draws of the chains that have as many, for the n that keeps most.
    """
    posterior = tree["posterior"].to_dataset() if "posterior" in tree.children else xr.Dataset()
    lengths = _lengths(posterior)
    if not lengths.any():
        raise _too_few(0, settings)
    longest_first = np.sort(lengths)[::-1]
    n_draws = int(longest_first[(longest_first * np.arange(1, len(lengths) + 1)).argmax()])
    kept = np.flatnonzero(lengths >= n_draws)
    if n_draws < settings.draws and n_draws < FEWEST_DRAWS:
        raise _too_few(n_draws * len(kept), settings)
    if n_draws == posterior.sizes["draw"] and len(kept) == len(lengths):
        return tree
    return xr.DataTree.from_dict(
        {
            f"/{name}": tree[name].to_dataset().isel(chain=kept, draw=slice(n_draws))
            for name in ("posterior", "sample_stats")
        }
    )


def _lengths(posterior: xr.Dataset) -> np.ndarray:
    """Draws that each chain holds, shape ``(chain,)``: up to the last in which any quantity has a value."""
    held = np.zeros((posterior.sizes.get("chain", 0), posterior.sizes.get("draw", 0)), dtype=bool)
    for array in posterior.data_vars.values():
        if held.all():
            break
        if array.dtype.kind != "f":  # padded with 0
            continue
        values = array.transpose("chain", "draw", ...).to_numpy()
        held |= ~np.isnan(values).reshape(*held.shape, -1).all(axis=-1)
    return np.asarray((held * np.arange(1, held.shape[1] + 1)).max(axis=1, initial=0))


def _too_few(n_draws: int, settings: Settings) -> InterruptionError:
    when = f"after {n_draws:,} of {settings.draws * settings.chains:,} draws" if n_draws else "in the warm-up"
    return InterruptionError(
        f"Sampling was interrupted {when}, before each chain had {FEWEST_DRAWS} draws, the fewest that can be used. "
        "Nothing was kept. Run it again; if it takes too long, use fewer draws or a shorter warm-up (tune)."
    )


def _error_in_words(error: BaseException) -> str:
    """Kind of an error and its first line."""
    lines = str(error).splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


class _Stage(NamedTuple):
    """A part of the draws that is found once there is a posterior.

    Attributes
    ----------
    group
        Its name in `Fit.draws`.
    draw
        Finds it; None where it has no place in this fit.
    cure
        Where it can be had all the same.
    """

    group: str
    draw: Callable[[Fit], xr.Dataset | None]
    cure: str


def _with_other_groups(fitted: Fit, prior: xr.Dataset) -> Fit:
    """The fit with all groups of its draws, or with a sentence on each that could not be found."""
    statistics = fitted.drawn("sample_stats")
    texts = [name for name, array in statistics.data_vars.items() if array.dtype == object]
    groups = {"/posterior": fitted.posterior, "/sample_stats": statistics.drop_vars(texts), "/prior": prior}
    missing: list[str] = []
    stages = STAGES if fitted.panel.values is not None else ()
    kept = "" if fitted.interrupted else " The draws of the parameters are complete."
    with held_interrupts() as interrupts:
        for place, stage in enumerate(stages):
            try:
                with interrupts.let_through():
                    found = stage.draw(fitted)
            except KeyboardInterrupt:
                unfound = in_words([f"{GROUPS[each.group]} ({each.cure})" for each in stages[place:]])
                missing.append(f"{STOPPED} after sampling.{kept} Missing: {unfound}.")
                break
            except Exception as error:  # whatever it is, the posterior stays in the user's hands
                missing.append(
                    f"{GROUPS[stage.group].capitalize()} are missing, since finding them failed "
                    f"({_error_in_words(error)}).{kept} {stage.cure}."
                )
            else:
                if found is not None:
                    groups[f"/{stage.group}"] = found
        return _laid_out(replace(fitted, draws=xr.DataTree.from_dict(groups), incomplete=tuple(missing)), fitted.model)


def _coordinates(fitted: Fit) -> dict[str, Any]:
    times, columns = list(fitted.panel.times), list(fitted.spec.response_columns)
    return {"person": fitted.panel.persons, "time": times, "measure": columns}


def _observed_data(fitted: Fit) -> xr.Dataset:
    values = fitted.panel.require_persons("What was observed")
    chosen = [fitted.panel.measures.index(name) for name in fitted.spec.response_columns]
    return xr.Dataset({"values": (("person", "time", "measure"), values[:, :, chosen])}, coords=_coordinates(fitted))


def _stored_log_likelihood(fitted: Fit) -> xr.Dataset | None:
    if fitted.n_draws * fitted.panel.n_persons > MOST_STORED_VALUES:
        return None
    return _log_likelihood(fitted).to_dataset(name="values")


def _thetas(scale: PriorScale, draws: xr.Dataset) -> np.ndarray:
    blocks = {
        block.name: draws[block.name].transpose("chain", "draw", *block.dims).to_numpy() for block in scale.blocks
    }
    return np.asarray(run_many(scale.join(blocks).reshape(-1, scale.size), scale.arrays)[0])


def _prior(whole: PanelModel, seed: int) -> xr.Dataset:
    """Prior draws of every random variable and derived quantity, named as in the posterior."""
    blocks, thetas = _proper_draws(whole.scale, _rng_for(seed, "prior"))
    vectors = whole.derive(thetas)
    variables: dict[str, Any] = {
        block.name: (("chain", "draw", *block.dims), blocks[block.name][None]) for block in whole.scale.blocks
    }
    for quantity in whole.derived.quantities:
        array = vectors[:, quantity.where].reshape(1, -1, *quantity.shape)
        variables[quantity.name] = (("chain", "draw", *quantity.dims), array)
    used = {dim for dims, _ in variables.values() for dim in dims}
    coordinates = {name: list(labels) for name, labels in whole.scale.coordinates.items() if name in used}
    return xr.Dataset(variables, coords={"chain": [0], "draw": np.arange(N_PRIOR_DRAWS), **coordinates})


def _proper_draws(scale: PriorScale, rng: np.random.Generator) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Prior draws of every random variable, and their theta; those that give no proper model are drawn again.

    Raises
    ------
    SpecError
        If next to none gives a proper model.
    """
    kept: list[tuple[dict[str, np.ndarray], np.ndarray]] = []
    while (n_proper := sum(len(thetas) for _, thetas in kept)) < N_PRIOR_DRAWS:
        if len(kept) * N_PRIOR_DRAWS >= MOST_PRIOR_DRAWS:
            raise SpecError(
                f"The prior hardly ever gives a proper model: {n_proper:,} of {MOST_PRIOR_DRAWS:,} draws of its "
                "parameters have covariance matrices that are positive definite. Make the priors of lagged effects "
                "narrower and nearer 0."
            )
        blocks = scale.draw(N_PRIOR_DRAWS, rng)
        thetas, proper = run_many(scale.join(blocks), scale.arrays)
        kept.append(({name: block[proper] for name, block in blocks.items()}, thetas[proper]))
    joined = {name: np.concatenate([blocks[name] for blocks, _ in kept])[:N_PRIOR_DRAWS] for name in kept[0][0]}
    return joined, np.concatenate([thetas for _, thetas in kept])[:N_PRIOR_DRAWS]


def _log_likelihood(fitted: Fit, persons: slice | None = None) -> xr.DataArray:
    """Per draw and person with any value: a person without one has density 1, which no one can leave out."""
    assert fitted.panel.persons is not None
    seen = np.flatnonzero(fitted.model.has_value)[persons or slice(None)]
    of_persons = latent_per_person if fitted.spec.is_latent else per_person
    values = of_persons(fitted.model, fitted.thetas, seen)
    sizes = fitted.posterior.sizes
    return xr.DataArray(
        values.reshape(sizes["chain"], sizes["draw"], -1),
        dims=("chain", "draw", "person"),
        coords={**_sample_coordinates(fitted), "person": fitted.panel.persons[seen]},
        name="values",
    )


def _sample_coordinates(fitted: Fit) -> dict[str, Any]:
    return {dim: fitted.posterior[dim].to_numpy() for dim in ("chain", "draw")}


def _posterior_predictive(fitted: Fit) -> xr.Dataset:
    """Replicated panels from evenly spaced draws, as many as the space for them allows."""
    model, rng, sizes = fitted.model, fitted._rng("posterior predictive"), fitted.posterior.sizes
    shape = (len(fitted.panel.times), len(fitted.spec.response_columns))
    most = MOST_STORED_VALUES // (fitted.panel.n_persons * int(np.prod(shape)))
    per_chain = max(1, min(sizes["draw"], N_REPLICATES // sizes["chain"], most))
    kept = np.linspace(0, sizes["draw"] - 1, per_chain).astype(int)
    thetas = fitted.thetas.reshape(sizes["chain"], sizes["draw"], -1)[:, kept].reshape(-1, fitted.thetas.shape[1])
    if fitted.spec.is_latent:
        raw = np.stack([replicate_responses(model, theta, rng)[0] for theta in thetas])
    else:
        values, cells = fitted._values("Posterior predictive draws"), model.design.person_cell
        drawn = np.stack([replicate(model.system, theta, values, rng, cells) for theta in thetas])
        raw = drawn.reshape(*drawn.shape[:2], *shape) * model.statistics.scale + model.statistics.centre
    dims = ("chain", "draw", "person", "time", "measure")
    return xr.Dataset(
        {"values": (dims, raw.reshape(sizes["chain"], per_chain, fitted.panel.n_persons, *shape))},
        coords={**_coordinates(fitted), **_sample_coordinates(fitted), "draw": kept},
    )


# In the order in which they are found, the cheapest first.
STAGES = (
    _Stage("observed_data", _observed_data, "fit.panel.values holds them"),
    _Stage("log_likelihood", _stored_log_likelihood, "fit.log_likelihood(persons) computes them"),
    _Stage("posterior_predictive", _posterior_predictive, "fit.check() makes its own"),
)


def _compared(observed: pd.Series, both: list[list[pd.Series]]) -> pd.DataFrame:
    """Observed statistics beside completed and replicated ones, draw by draw."""
    completed, replicated = (
        xr.DataArray(np.array(part), dims=("sample", "statistic")) for part in zip(*both, strict=True)
    )
    with np.errstate(invalid="ignore"):
        lower, upper = interval(replicated, "sample")
        larger = indicator(replicated > completed, replicated, completed).mean("sample").to_numpy()
        larger = np.where(observed.isna(), np.nan, larger)  # nobody has both values
    return pd.DataFrame(
        {
            "observed": observed,
            "completed": completed.mean("sample").to_numpy(),
            "mean": replicated.mean("sample").to_numpy(),
            "lower": lower.to_numpy(),
            "upper": upper.to_numpy(),
            "p": larger,
            "verdict": np.where((larger < 0.025) | (larger > 0.975), "misfit", ""),
        },
        index=observed.index,
    )
