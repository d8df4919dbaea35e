"""Fitting: spec and panel to draws, and everything that is read off the draws of one fit."""

import json
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from .calls import checked
from .discrepancy import chi_squares, completed_and_replicated
from .forecasting import amounts, foretold, model_until
from .health import Health, examine, with_integration
from .latent_predictions import (
    completed_responses,
    draw_of_people,
    integration_error,
    latent_per_person,
    latent_statistics,
    observed_responses,
    replicate_responses,
)
from .likelihood import per_person
from .memory import refuse_beyond_memory
from .model_on_panel import Latent, PanelModel, check_latent, panel_model
from .moments.derived import Derived
from .moments.linear_system import PanelSystem
from .moments.prior_scale import PriorScale
from .moments.program_kernel import run_many
from .moments.statistics import PatternStatistics
from .names import choices, number, quoted
from .panel import Panel, told_states
from .prediction import draw_unobserved, replicate, statistic_table
from .problems import AllianceBayesError, Problems, SpecError
from .saving import panel_from_dataset, panel_to_dataset
from .settings import Sampler, check_memory_of_draws, check_settings
from .spec.cross_lagged import CrossLagged
from .spec.mapping import spec_from_mapping, spec_to_mapping
from .summaries import interval

__all__ = ["Fit", "Sampler", "Settings", "check_settings", "fit", "load_fit", "sampled", "warm_up"]

TUNE, SCALED_TUNE = 400, 100
MOST_STORED_VALUES = 10_000_000
N_PRIOR_DRAWS = 4000
N_REPLICATES = 200
N_PERSON_DRAWS, N_LATENT_DRAWS = 1000, 400
N_CHECKS = 500
MOST_LOW_RANK = 100
FORMAT = 1


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
        Draws, diagnostics, and what is read off them. After an interruption it holds the draws
        made so far.

    Raises
    ------
    SpecError
        If the model is not identified at these times, does not fit the panel's measures, or a
        setting makes no sense; before anything is compiled.
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
    unfinished = sampled(whole, settings, progress=show)
    return _laid_out(replace(unfinished, draws=_with_other_groups(unfinished)), whole)


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
    """
    tree, settings = _sample(whole, settings, progress)
    return _laid_out(Fit(whole.spec, whole.panel, tree, settings), whole)


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

        - ``lagged`` (interval, outcome, predictor): effect of one unit of the predictor;
          ``lagged_standardized``: in within-person SDs of the outcome at the end of the interval
          per within-person SD of the predictor at its start (CLPM: SDs);
        - ``mean``, ``within_sd`` (time, measure), ``within_correlation`` (time, pair);
        - ``innovation_sd`` (interval, measure), ``innovation_correlation`` (interval, pair):
          of what is new over the whole interval;
        - ``between_sd`` (measure), ``between_correlation`` (pair): of the random intercepts;
        - ``intraclass_correlation`` (time, measure), ``within_r_squared`` (interval, measure);
        - the random variables themselves, on the scale of `Priors`.
    settings
        How it was sampled.
    """

    spec: CrossLagged
    panel: Panel
    draws: xr.DataTree
    settings: Settings
    whole: "Fit | None" = None
    """The fit of all groups, where this is one of them (see `of_group`)."""

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
            draws = self.draws[name].to_dataset()
            chosen[f"/{name}"] = draws.sel(group=group, drop=True) if "group" in draws.dims else draws
        chosen["/sample_stats"] = self.draws["sample_stats"].to_dataset()
        spec = replace(self.spec, group_lags=None, equal_across_groups=())
        return Fit(spec, self.panel.of_group(group), xr.DataTree.from_dict(chosen), self.settings, self)

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
        if not self.spec.is_latent or self.settings.latent == "sample":
            return found
        return with_integration(found, integration_error(self.model, self.thetas, self.settings.seed))

    @property
    def posterior(self) -> xr.Dataset:
        """The posterior draws."""
        return self.draws["posterior"].to_dataset()

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
            only then is foretold for the case that it is. With families also ``out_of``, the window, trials or exposure
            that a value is foretold for: where it is not known at `time`, the person's last known one; where there is
            none, there is no forecast. With a selection forecasts are of everybody, seen or not.

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
            told = told_states(state.name, self.panel)[:, wave] if wave < len(self.panel.times) else seen[:, 0] * np.nan
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
        larger = float((replicated > completed).mean()) if np.isfinite(completed).all() else np.nan
        lower, upper = interval(xr.DataArray(replicated, dims="sample"), "sample")
        row = {
            "observed": completed.mean(),
            "completed": completed.mean(),
            "mean": replicated.mean(),
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
            return self.draws["log_likelihood"].to_dataset()["values"].isel(person=persons or slice(None))
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
        """Write draws, spec, panel and settings to one netCDF file, for `load_fit`.

        Parameters
        ----------
        path
            File to write; an existing file is replaced.
        """
        tree = xr.DataTree.from_dict({**self.draws.to_dict(), "/panel": panel_to_dataset(self.panel)})
        tree.attrs["alliance_bayes"] = json.dumps(
            {"format": FORMAT, "spec": spec_to_mapping(self.spec), "settings": asdict(self.settings)}
        )
        tree.to_netcdf(Path(path), engine="h5netcdf")
        return Path(path)

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
        return np.random.default_rng([self.settings.seed, *purpose.encode()])

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
            f"{len(self.panel.times)} waves, {self.n_draws} draws in {settings.sampling_seconds:.1f} s "
            f"(compiled in {settings.compile_seconds:.1f} s), seed {settings.seed}\n{self.health}\n"
            + "\n".join(self.notes)
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
        If the file is missing or was not written by `Fit.save`.
    """
    if not Path(path).is_file():
        raise AllianceBayesError(f"There is no file {path}.")
    try:
        with xr.open_datatree(Path(path), engine="h5netcdf") as opened:
            tree = opened.load()
    except OSError:  # not a netCDF file
        tree = xr.DataTree()
    if "alliance_bayes" not in tree.attrs:
        raise AllianceBayesError(f"{path} was not written by Fit.save.")
    meta = json.loads(tree.attrs.pop("alliance_bayes"))
    if meta["format"] != FORMAT:
        raise AllianceBayesError(f"{path} has format {meta['format']}; this version reads {FORMAT}.")
    panel = panel_from_dataset(tree["panel"].to_dataset())
    groups = {name: group for name, group in tree.to_dict().items() if name != "/panel"}
    return Fit(spec_from_mapping(meta["spec"]), panel, xr.DataTree.from_dict(groups), Settings(**meta["settings"]))


def warm_up(spec: CrossLagged, sampler: str, latent: str = "integrate") -> int:
    """Draws of a warm-up that nobody chose: fewer where the scale of the posterior is found before it."""
    return SCALED_TUNE if spec.is_latent and latent == "integrate" and sampler == "nutpie" else TUNE


def _laid_out(fitted: "Fit", whole: PanelModel) -> "Fit":
    """The fit with its model put where `Fit.model` looks, so that it is not laid out and examined again."""
    fitted.__dict__["model"] = whole
    return fitted


def _sample(whole: PanelModel, settings: Settings, progress: bool) -> tuple[xr.DataTree, Settings]:
    from .pymc_models.building import pymc_model_of

    started = time.perf_counter()
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

        with model:
            tree = pymc.sample(**options, nuts_sampler="pymc", random_seed=settings.seed, progressbar=progress)
        return tree, replace(settings, sampling_seconds=time.perf_counter() - started)
    import nutpie

    from .pymc_models.compiling import compile_model
    from .pymc_models.scaling import scaled

    compiled = scaled(compile_model(model))
    ready = time.perf_counter()
    # Where coordinates are about right already, directions of a low-rank metric are noise; beyond so many parameters
    # finding them costs more than it saves.
    adaptation = "low_rank" if not whole.spec.is_latent and compiled.n_dim <= MOST_LOW_RANK else "diag"
    tree = nutpie.sample(
        compiled, **options, seed=settings.seed, progress_bar=progress, adaptation=adaptation, save_warmup=False
    )
    done = time.perf_counter()
    return tree, replace(settings, compile_seconds=ready - started, sampling_seconds=done - ready)


def _with_other_groups(fitted: Fit) -> xr.DataTree:
    statistics = fitted.draws["sample_stats"].to_dataset()
    in_words = [name for name, array in statistics.data_vars.items() if array.dtype == object]
    groups = {"/posterior": fitted.posterior, "/sample_stats": statistics.drop_vars(in_words)}
    groups["/prior"] = _prior(fitted)
    if fitted.panel.values is None:
        return xr.DataTree.from_dict(groups)
    columns = fitted.spec.response_columns
    chosen = [fitted.panel.measures.index(name) for name in columns]
    coordinates = {"person": fitted.panel.persons, "time": list(fitted.panel.times), "measure": list(columns)}
    dims = ("person", "time", "measure")
    groups["/observed_data"] = xr.Dataset({"values": (dims, fitted.panel.values[:, :, chosen])}, coords=coordinates)
    if fitted.n_draws * len(fitted.panel.values) <= MOST_STORED_VALUES:
        groups["/log_likelihood"] = _log_likelihood(fitted).to_dataset(name="values")
    groups["/posterior_predictive"] = _posterior_predictive(fitted, coordinates)
    return xr.DataTree.from_dict(groups)


def _thetas(scale: PriorScale, draws: xr.Dataset) -> np.ndarray:
    blocks = {
        block.name: draws[block.name].transpose("chain", "draw", *block.dims).to_numpy() for block in scale.blocks
    }
    return np.asarray(run_many(scale.join(blocks).reshape(-1, scale.size), scale.arrays)[0])


def _prior(fitted: Fit) -> xr.Dataset:
    """Prior draws of every random variable and derived quantity, named as in the posterior."""
    blocks, thetas = _proper_draws(fitted.scale, fitted._rng("prior"))
    vectors = fitted.model.derive(thetas)
    variables: dict[str, Any] = {
        block.name: (("chain", "draw", *block.dims), blocks[block.name][None]) for block in fitted.scale.blocks
    }
    for quantity in fitted.derived.quantities:
        array = vectors[:, quantity.where].reshape(1, -1, *quantity.shape)
        variables[quantity.name] = (("chain", "draw", *quantity.dims), array)
    used = {dim for dims, _ in variables.values() for dim in dims}
    coordinates = {name: list(labels) for name, labels in fitted.scale.coordinates.items() if name in used}
    return xr.Dataset(variables, coords={"chain": [0], "draw": np.arange(N_PRIOR_DRAWS), **coordinates})


def _proper_draws(scale: PriorScale, rng: np.random.Generator) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Prior draws of every random variable, and their theta; those that give no proper model are drawn anew."""
    kept: list[tuple[dict[str, np.ndarray], np.ndarray]] = []
    while sum(len(thetas) for _, thetas in kept) < N_PRIOR_DRAWS:
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


def _posterior_predictive(fitted: Fit, coordinates: dict[str, Any]) -> xr.Dataset:
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
        coords={**coordinates, **_sample_coordinates(fitted), "draw": kept},
    )


def _compared(observed: pd.Series, both: list[list[pd.Series]]) -> pd.DataFrame:
    """Observed statistics beside completed and replicated ones, draw by draw."""
    completed, replicated = (
        xr.DataArray(np.array(part), dims=("sample", "statistic")) for part in zip(*both, strict=True)
    )
    with np.errstate(invalid="ignore"):
        lower, upper = interval(replicated, "sample")
        larger = (replicated > completed).mean("sample").to_numpy()
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
