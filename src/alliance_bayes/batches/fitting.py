"""Fitting one model to many panels."""

import os
import pickle
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd

from ..basics.calls import checked
from ..basics.given import LARGEST_SEED, is_one_of, shown
from ..basics.names import quoted
from ..basics.problems import AllianceBayesError, Problems, SpecError
from ..engine.model_on_panel import PanelModel, panel_model
from ..likelihood.maximum_likelihood import MaximumLikelihood, maximum_likelihood_of
from ..panel import Panel
from ..posterior.fit import Fit
from ..posterior.one_of_many import fit_one_of_many, short_warm_up
from ..posterior.posterior import Posterior
from ..posterior.preview import preview_of
from ..posterior.quantity_tables import quantity_table
from ..posterior.settings import Settings, acceptance, check_settings
from ..questions.answer import Answer
from ..spec.cross_lagged import CrossLagged
from ..spec.mapping import spec_to_mapping
from .fits import ESTIMATES, Fits
from .manifest import OTHER_FOLDER
from .records import COLUMNS, Value
from .replicates import Replicate
from .results import read_batch
from .running import run_tasks

__all__ = ["fit_many"]

Method = Literal["sample", "preview", "maximum_likelihood"]

PANELS = "panels"
LAGS = "lagged_standardized"
_laid_out: dict[bytes, PanelModel] = {}
"""The last model of this process, whose layout serves the next panel too."""


@checked(apart=["panels", "seed", "draws", "tune", "chains", "target_accept", "workers"])
def fit_many(
    spec: CrossLagged,
    panels: Sequence[Panel] | Mapping[str, Sequence[Panel]],
    folder: str | os.PathLike[str],
    *,
    seed: int,
    method: Method = "sample",
    questions: Mapping[str, Callable[..., Answer]] | None = None,
    draws: int = 1000,
    tune: int | None = None,
    chains: int = 2,
    target_accept: float | None = None,
    workers: int | None = None,
    client: Any = None,
    progress: bool | None = None,
) -> Fits:
    """Fit one model to many panels, on all processors of this machine or on the workers of a cluster.

    What does not change between panels is made once. Each fit is kept in a file as soon as it is there, so that an
    interruption loses nothing: the same call goes on. Fits that fail, and fits that cannot be trusted, are results.

    Parameters
    ----------
    spec
        The model.
    panels
        A list of panels, or lists by the name of their cell, such as ``{"n=150": [...], "n=302": [...]}``.
    folder
        Where results are kept; the workers of a cluster share it.
    seed
        Seeds of each fit follow from it, its cell and its number there; who does it, and when, does not matter.
    method
        ``"sample"``: sampled, as `fit` does, from about the mode and in one thread. ``"preview"``: `preview`.
        ``"maximum_likelihood"``: `maximum_likelihood`.
    questions
        What is asked of each fit, by name: functions of a fit that return an `Answer`, such as
        ``{"direction": lambda fit: ab.directionality(fit, "x", "y")}``, or ``answer`` of a `Question`. Verdicts and
        tables are kept.
    draws, tune, chains, target_accept
        Of each sampling, as in `fit`. Two long chains tell as much about convergence as four short ones, and take less
        time; the warm-up is short by default (200, with families 100), since it begins about the mode. A second
        attempt, where that proves too coarse, is as in `fit`: with 2 x 1,000 draws, the default, only divergences lead
        to one.
    workers
        Processes of this machine; by default as many as processors, 1 for this process.
    client
        A ``dask.distributed.Client``, whose workers fit instead, one thread each (extra ``clusters``).
    progress
        Whether to say how many are done and how long the others take; by default in a terminal only.

    Returns
    -------
    Fits
        ``table`` with one row per panel, ``estimates``, ``evidence`` of questions. In ``table``: ``healthy``,
        ``problems``, ``seed``; of samples ``rhat``, ``ess_bulk`` and ``ess_tail`` (smallest of any parameter),
        ``ess_lags`` (smallest bulk one of any standardised lagged effect), ``divergences``; of previews ``k_hat``,
        ``n_effective``; of maximum likelihood ``log_likelihood``, ``chi_square``, ``df``, ``p_value``, ``cfi``,
        ``rmsea``, ``srmr``.

    Raises
    ------
    SpecError
        If a setting is invalid, or the model can be fitted to none of the panels.
    AllianceBayesError
        If the folder holds fits of other panels, another model or with other settings.
    """
    problems = Problems("These fits cannot be made")
    cells = _cells(panels, problems)
    if not is_one_of(method, get_args(Method)):
        problems.add(f"method must be one of {quoted(get_args(Method))}; got {shown(method)}.")
    asked = dict(questions or {})
    if asked and method == "maximum_likelihood":
        problems.add("Questions are about draws, and maximum likelihood has none. Use method='preview' or 'sample'.")
    for name in asked:
        if name in _OF_EVERY_FIT:
            problems.add(f"No question can be named '{name}', which is a column of every fit.")
    problems.raise_as(SpecError)
    check_settings(draws, 1 if tune is None else tune, chains, 1, acceptance(target_accept), seed, "nutpie")
    settings = {
        "draws": int(draws),
        "tune": short_warm_up(spec) if tune is None else int(tune),
        "chains": int(chains),
        "target_accept": None if target_accept is None else float(target_accept),
    }
    tasks = [
        (Replicate(method, cell, number), _FitOne(spec, panel, method, asked, settings))
        for cell, of_cell in cells.items()
        for number, panel in enumerate(of_cell)
    ]
    _check_that_any_can_be_fitted(spec, [work.panel for _, work in tasks])
    _check_panels_of_folder(tasks, Path(folder))
    about = {"spec": spec_to_mapping(spec), "questions": list(asked)} | (settings if method == "sample" else {})
    results = run_tasks(tasks, folder, seed=seed, workers=workers, client=client, about=about, progress=progress)
    return Fits(results.folder, results.replicates, results.records, tuple(asked))


@dataclass(frozen=True)
class _FitOne:
    """The work of one fit."""

    spec: CrossLagged
    panel: Panel
    method: Method
    questions: Mapping[str, Callable[..., Answer]] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)

    def __call__(self, _: Replicate, rng: np.random.Generator) -> Mapping[str, Value]:
        """Fit the model, and keep what is asked for."""
        seed = int(rng.integers(LARGEST_SEED))
        model = _model_of(self.spec, self.panel)
        fitted = self._fitted(model, seed)
        values: dict[str, Value] = {"panel": self.digest, "seed": seed, **_kept(fitted)}
        for name, ask in self.questions.items():
            answer = ask(fitted)
            values[name] = answer.verdict
            values |= {f"{name} {kind}": table for kind, table in answer.every_table.items()}
        return values

    def _fitted(self, model: PanelModel, seed: int) -> Posterior | MaximumLikelihood:
        if self.method == "maximum_likelihood":
            return maximum_likelihood_of(model)
        if self.method == "preview":
            return preview_of(model, seed, with_prior=bool(self.questions))
        accept = self.settings["target_accept"]
        given = {**self.settings, "target_accept": acceptance(accept)}
        settings = Settings(**given, cores=1, seed=seed, sampler="nutpie")
        return fit_one_of_many(model, settings, until_explored=accept is None, with_prior=bool(self.questions))

    @cached_property
    def digest(self) -> str:
        """Checksum of the panel."""
        from joblib import hash as digest_of

        return str(digest_of(self.panel))


_OF_SAMPLES = ("rhat", "ess_bulk", "ess_tail", "divergences")
_OF_PREVIEWS = ("k_hat", "n_effective")
_OF_MAXIMA = ("log_likelihood", "chi_square", "df", "p_value", "cfi", "rmsea", "srmr")
_OF_EVERY_FIT = (
    *(*COLUMNS, "panel", "seed", "healthy", "problems", "ess_lags", ESTIMATES),
    *(*_OF_SAMPLES, *_OF_PREVIEWS, *_OF_MAXIMA),
)


def _kept(fitted: Posterior | MaximumLikelihood) -> dict[str, Value]:
    """Health and estimates of a fit."""
    if isinstance(fitted, MaximumLikelihood):
        numbers = {name: getattr(fitted, name) for name in _OF_MAXIMA}
        return _healthy(fitted.converged, fitted.messages) | numbers | {ESTIMATES: fitted.summary()}
    health = fitted.health
    numbers = {name: getattr(health, name) for name in (_OF_SAMPLES if isinstance(fitted, Fit) else _OF_PREVIEWS)}
    if isinstance(fitted, Fit):
        numbers["ess_lags"] = _ess_of_lags(fitted)
    return _healthy(health.healthy, health.problems) | numbers | {ESTIMATES: _estimates(fitted)}


def _healthy(healthy: bool, problems: Sequence[str]) -> dict[str, Value]:
    return {"healthy": healthy, "problems": " ".join(problems)}


def _estimates(fitted: Posterior) -> pd.DataFrame:
    return quantity_table(fitted.model.derived.quantities, fitted.posterior)


def _ess_of_lags(fit: Fit) -> float:
    import arviz_stats

    return float(arviz_stats.ess(fit.posterior[LAGS], method="bulk").min())


def _model_of(spec: CrossLagged, panel: Panel) -> PanelModel:
    """The model on its panel, laid out as on the panel before where that can be."""
    key = pickle.dumps(spec)
    model = panel_model(spec, panel, like=_laid_out.get(key))
    if key not in _laid_out:
        _laid_out.clear()
        _laid_out[key] = model
    return model


def _cells(panels: Any, problems: Problems) -> Mapping[str, Sequence[Panel]]:
    """The panels by cell; none where they are no panels."""
    cells: dict[str, Any] = dict(panels) if isinstance(panels, Mapping) else {PANELS: panels}
    for name, of_cell in cells.items():
        if not isinstance(of_cell, Sequence) or not all(isinstance(panel, Panel) for panel in of_cell):
            problems.add(
                "panels must be a list of panels, or a dict from names of cells to lists of panels; got "
                f"{shown(of_cell)}{f' for {shown(name)}' if isinstance(panels, Mapping) else ''}."
            )
    if not problems.found and not any(map(len, cells.values())):
        problems.add("There are no panels.")
    return cells


def _check_that_any_can_be_fitted(spec: CrossLagged, panels: Sequence[Panel]) -> None:
    """Raise what is wrong with the first panel where the model can be fitted to none."""
    first: AllianceBayesError | None = None
    for panel in panels:
        try:
            panel_model(spec, panel)
        except AllianceBayesError as error:
            first = first or error
        else:
            return
    assert first is not None
    raise first


def _check_panels_of_folder(tasks: Sequence[tuple[Replicate, _FitOne]], folder: Path) -> None:
    """Refuse a folder that holds fits of other panels under the same numbers."""
    digests = {replicate: work.digest for replicate, work in tasks}
    results = read_batch(list(digests), folder)
    different = [
        str(replicate)
        for replicate, record in zip(results.replicates, results.records, strict=True)
        if record.values.get("panel", digests[replicate]) != digests[replicate]
    ]
    if different:
        raise AllianceBayesError(f"{folder} holds fits of other panels: {quoted(different, most=3)}. {OTHER_FOLDER}")
