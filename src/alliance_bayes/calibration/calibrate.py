"""Calibration of a model over its prior, and conditional on a panel."""

import os
from collections.abc import Callable, Mapping
from typing import Any, get_args

import numpy as np
import xarray as xr

from ..basics.calls import checked
from ..basics.given import check_count, check_seed, is_one_of, shown
from ..basics.names import quoted
from ..basics.problems import Problems, SpecError
from ..batches import Replicate, run_batch
from ..engine.model_on_panel import panel_model
from ..panel import Panel
from ..posterior.fit import Fit
from ..posterior.settings import acceptance, check_settings, warm_up
from ..questions.answer import Answer
from ..spec.cross_lagged import CrossLagged
from ..spec.mapping import spec_to_mapping
from .answering import answer_of
from .replicating import FromPosterior, FromPrior, Scale
from .truths import untranslatable

__all__ = ["CELL", "PLANS", "calibrate", "posterior_calibration"]

MOST_REPLICATES = 10**6
DRAWS, CHAINS = 500, 4
PLANS = {
    "held": "calibration, scale held",
    "as_shipped": "calibration, scale as shipped",
    "posterior": "posterior calibration",
}
"""Names of plans, and of the folders of their results."""
CELL = "all"


@checked(apart=["replicates", "seed", "scale", "draws", "tune", "chains", "target_accept"])
def calibrate(
    spec: CrossLagged,
    panel_like: Panel,
    *,
    replicates: int,
    folder: str | os.PathLike[str],
    seed: int,
    scale: Scale = "held",
    ask: Callable[[Fit], Mapping[str, xr.DataArray]] | None = None,
    workers: int | None = None,
    client: Any = None,
    draws: int = DRAWS,
    tune: int | None = None,
    chains: int = CHAINS,
    target_accept: float | None = None,
    progress: bool | None = None,
) -> Answer:
    """Check whether intervals, probabilities and verdicts of a model mean what they say, over its prior.

    Simulation-based calibration [1]_: true values are drawn from the prior, people from them by `simulate`, which
    shares no code with the likelihood, and the model is fitted to these people. If simulator, likelihood, prior and
    sampler belong together, the rank of a truth among posterior draws is uniform, and an event with posterior
    probability p happens in a share p of the replicates. What is ranked decides which faults can be found [2]_:
    lagged effects, the difference of their sizes, ICCs, correlations, all random variables, and the log-likelihood.
    Ranks say little of probabilities near 0 and 1, so these have reliability diagrams of their own [3]_.

    Parameters
    ----------
    spec
        The model, with its priors.
    panel_like
        A panel with the waves, people and missing values that the model is to be calibrated for; its values matter for
        their unit alone. Covariates of the replicates are normal with its means and SDs, or 0 or 1 as often.
    replicates
        How many; below 50 there is no verdict. With 300 and 50 tests, ranks show in 4 of 5 calibrations a posterior
        whose SD is 0.75 or 1.4 times what it should be; one that is off by a sixth they show in 2 to 6 of 100 (with
        1,000, in 50 to 70). The answer says it for its own number. Probabilities need as many.
    folder
        Where results are kept. The same call goes on where it was interrupted, and more replicates are added to those
        that are there.
    seed
        The same seed gives the same replicates, whatever does the work.
    scale
        ``"held"``: measures are centred and divided by the constants of `panel_like` in all replicates, so that the
        prior is the same in all and calibration exact. ``"as_shipped"``: by constants of each replicate's values, as
        `fit` does. The truths' total SDs are then such that their values have the unit of `panel_like` (about so
        where covariates, groups, accumulating factors or growth add variation of their own): means are as the prior has
        them, in SDs of the values, and total SDs are not, so that calibration is approximate and small panels may show
        it.
    ask
        Further quantities to be ranked: called with a fit, it returns draws by name, dims ``(chain, draw)``. With
        `workers` or `client` a function of a module.
    workers, client
        Processes of this machine, or a ``dask.distributed.Client``, as in `run_batch`.
    draws, tune, chains, target_accept
        As in `fit`. A fit with fewer than 99 effective draws of a quantity is sampled again with 4 times as many
        draws, twice at most.
    progress
        Whether to say how many are done and how long the others take; by default in a terminal only.

    Returns
    -------
    Answer
        With a verdict that allows for the number of tests (Holm's procedure, .01 for all together), and from 50
        replicates on; and:

        ``table``, indexed by quantity: ``n``; ``mean`` of the ranks as shares of all (.5); their ``spread`` relative
        to a uniform's SD (1; above it posteriors are too narrow); ``p`` of uniformity and ``p_holm``; ``cover_50``,
        ``cover_80``, ``cover_95``, the shares of central intervals that hold the truth, each with the ``_lower`` and
        ``_upper`` end of its exact 95 % interval; ``verdict``, empty where nothing is wrong.

        ``tables["events"]``, indexed by event: of directions, of which effect is larger, of what verdicts state and
        of hypotheses, mean probability ``stated`` and ``frequency``, ``miscalibration`` (Brier score that
        recalibration gains), ``z`` (Spiegelhalter's), ``p`` and ``p_holm`` of miscalibration.

        ``tables["verdicts"]``: verdicts of `directionality` that were given, how often (``n``), with which probability
        (``stated``) and how often they were ``right``.

        ``tables["replicates"]``: how many were asked for, failed and were not healthy; how many ``verdicts`` could have
        been given, of how many fits were ``undecided`` though healthy, and of how many they were ``withheld`` because
        the fit is not; ``too_narrow`` and ``too_wide``, the SD of a posterior, as a multiple of the right one, that the
        ranks of one quantity show with probability .8. ``tables["rank_of_each"]``: all ranks.

    Raises
    ------
    SpecError
        If the model does not fit the panel, the simulator cannot draw it, or a setting is invalid; before anything
        is sampled.
    AllianceBayesError
        If the folder holds another calibration.

    References
    ----------
    .. [1] Talts, Betancourt, Simpson, Vehtari & Gelman (2018). Validating Bayesian inference algorithms with
       simulation-based calibration. https://arxiv.org/abs/1804.06788
    .. [2] Modrak et al. (2023). Simulation-based calibration checking for Bayesian computation: the choice of test
       quantities shapes sensitivity. Bayesian Analysis. https://doi.org/10.1214/23-BA1404
    .. [3] Dimitriadis, Gneiting & Jordan (2021). Stable reliability diagrams for probabilistic classifiers.
       Proceedings of the National Academy of Sciences 118, e2016191118. https://doi.org/10.1073/pnas.2016191118
    """
    tune = warm_up(spec, "nutpie") if tune is None else tune
    problems = Problems("This calibration cannot run")
    check_count("replicates", replicates, problems, most=MOST_REPLICATES, cure="A few hundred are enough.")
    check_seed(seed, problems)
    if not is_one_of(scale, get_args(Scale)):
        problems.add(f"scale must be one of {quoted(get_args(Scale))}; got {shown(scale)}.")
    problems.found += untranslatable(spec, panel_like)
    problems.raise_as(SpecError)
    settings = _settings(draws, tune, chains, target_accept, seed)
    panel_model(spec, panel_like)
    work = FromPrior(settings, ask, True, spec, panel_like, scale)
    about = {"spec": spec_to_mapping(spec), "panel": _described(panel_like), **work.settings}
    asked = [Replicate(PLANS[scale], CELL, index) for index in range(replicates)]
    batch = run_batch(work, asked, folder, seed=seed, workers=workers, client=client, about=about, progress=progress)
    return answer_of(
        batch,
        question="calibrate",
        arguments={"replicates": replicates, "seed": seed, "scale": scale},
        heading=(
            f"Calibration of a {spec.title} of {', '.join(spec.measures)} over its prior, for "
            f"{panel_like.n_persons:,} people and {len(panel_like.times)} waves, scale {scale.replace('_', ' ')}"
        ),
        sentence=(
            "About data that the model and its prior generate, averaged over the prior; that real data come from "
            "the model is not shown."
        ),
        seed=seed,
    )


@checked(apart=["replicates", "seed", "draws", "tune", "chains", "target_accept"])
def posterior_calibration(
    fit: Fit,
    *,
    replicates: int,
    folder: str | os.PathLike[str],
    seed: int,
    ask: Callable[[Fit], Mapping[str, xr.DataArray]] | None = None,
    workers: int | None = None,
    client: Any = None,
    draws: int = DRAWS,
    tune: int | None = None,
    chains: int = CHAINS,
    target_accept: float | None = None,
    progress: bool | None = None,
) -> Answer:
    """Check whether intervals, probabilities and verdicts mean what they say for data such as those of a fit.

    Posterior simulation-based calibration [1]_: a truth is drawn from the posterior, as many people as the panel has
    are simulated from it, with the same values missing, and the model is fitted to the observed and the simulated
    people together. The truth is then a draw from this posterior too, so that its ranks are uniform if the inference
    works where these data lie. Calibration over the prior can hide faults there, or find some that do not matter.

    Parameters
    ----------
    fit
        A healthy fit of one panel; the units of its measures are kept.
    replicates, folder, seed, ask, workers, client, draws, tune, chains, target_accept, progress
        As in `calibrate`.

    Returns
    -------
    Answer
        As of `calibrate`.

    Raises
    ------
    SpecError
        If the fit is of several panels or of one group, its draws cannot be trusted, the simulator cannot draw the
        model, or a setting is invalid.
    AllianceBayesError
        If the folder holds another calibration.

    References
    ----------
    .. [1] Saeilynoja, Schmitt, Buerkner & Vehtari (2025). Posterior SBC: Simulation-based calibration checking
       conditional on data. https://arxiv.org/abs/2502.03279
    """
    spec, panel = fit.spec, fit.panel
    fit.require_one_panel("Posterior calibration")
    fit.source.require_parameters()
    tune = warm_up(spec, "nutpie") if tune is None else tune
    problems = Problems("This calibration cannot run")
    check_count("replicates", replicates, problems, most=MOST_REPLICATES, cure="A few hundred are enough.")
    check_seed(seed, problems)
    problems.found += untranslatable(spec, panel)
    if not fit.health.healthy:
        problems.add(f"The draws of the fit cannot be trusted: {' '.join(fit.health.problems)}")
    if panel.moments is not None and (len(panel.moments.n) > 1 or panel.background.group_labels):
        problems.add("The panel holds moments of several patterns or groups; calibrate with a panel of persons.")
    problems.raise_as(SpecError)
    settings = _settings(draws, tune, chains, target_accept, seed)
    work = FromPosterior(settings, ask, True, fit.model, _psis(fit))
    about = {"spec": spec_to_mapping(spec), "panel": _described(panel), "fit": fit.settings.options, **work.settings}
    asked = [Replicate(PLANS["posterior"], CELL, index) for index in range(replicates)]
    batch = run_batch(work, asked, folder, seed=seed, workers=workers, client=client, about=about, progress=progress)
    return answer_of(
        batch,
        question="posterior_calibration",
        arguments={"replicates": replicates, "seed": seed},
        heading=(
            f"Calibration of a {spec.title} of {', '.join(spec.measures)} conditional on the panel, for its "
            f"{fit.n_persons:,} people and as many simulated ones"
        ),
        sentence=(
            "About data that the model generates near these data, conditional on them; that these data come from the "
            "model is not shown."
        ),
        seed=seed,
    )


def _settings(draws: int, tune: int, chains: int, target_accept: float | None, seed: int) -> dict[str, Any]:
    """What is valid of these, as plain values."""
    check_settings(draws, tune, chains, 1, acceptance(target_accept), seed, "nutpie")
    accept = None if target_accept is None else float(target_accept)
    return {"draws": int(draws), "tune": int(tune), "chains": int(chains), "target_accept": accept}


def _described(panel: Panel) -> dict[str, Any]:
    """What of a panel decides the replicates, as plain values."""
    described = {"persons": panel.n_persons, "times": list(panel.times), "measures": list(panel.measures)}
    if panel.values is not None:
        centre, scale = panel.pooled_scale()
        described |= {
            "values": int(np.sum(~np.isnan(panel.values))),
            "centre": centre.tolist(),
            "scale": scale.tolist(),
        }
    return described


def _psis(fit: Fit) -> np.ndarray:
    """Posterior draws of the random variables, shape ``(draw, psi)``."""
    scale = fit.model.scale
    blocks = {
        block.name: fit.posterior[block.name].transpose("chain", "draw", *block.dims).to_numpy()
        for block in scale.blocks
    }
    return np.asarray(scale.join(blocks).reshape(-1, scale.size))
