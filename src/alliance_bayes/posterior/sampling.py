"""Fitting a model to a panel: prior draws, posterior draws, and what follows from them."""

import os
import sys
from pathlib import Path

from ..basics.calls import checked
from ..basics.interrupts import held_interrupts
from ..basics.problems import InterruptionError
from ..basics.warning import warn
from ..engine.model_on_panel import Latent, check_latent, panel_model
from ..panel import Panel
from ..spec.cross_lagged import CrossLagged
from .after_sampling import with_other_groups
from .fit import Fit
from .interruption import FitWarning
from .keeping import AGAIN, Kept, keeping, kept_now, versions
from .prior_draws import prior_draws
from .samplers import kept_chains, sample_posterior, sample_until_explored, with_more_care
from .settings import Sampler, Settings, acceptance, check_memory_of_draws, check_settings, warm_up

__all__ = ["fit"]


@checked(apart=["seed", "draws", "tune", "chains", "cores", "target_accept", "sampler", "thin"])
def fit(
    spec: CrossLagged,
    panel: Panel,
    *,
    seed: int,
    draws: int = 1000,
    tune: int | None = None,
    chains: int = 4,
    cores: int | None = None,
    target_accept: float | None = None,
    sampler: Sampler = "nutpie",
    latent: Latent = "integrate",
    progress: bool | None = None,
    folder: str | os.PathLike[str] | None = None,
    thin: int = 1,
) -> Fit:
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
        Draws kept of each chain, and warm-up draws before them. By default the warm-up has 400 draws, or 100 where
        linear predictors are integrated out, since the scale of the posterior is then known in advance.
    chains, cores
        Number of chains, and how many run at once (by default on all processors).
    target_accept
        Acceptance probability that the step size aims at: nearer to 1, steps are smaller. By default 0.8, and where
        that proves too coarse the model is sampled once more with 0.95, 2.5 times the warm-up and twice the draws, of
        which every second is kept; such a fit takes about 4 times as long. Too coarse: more than one draw per 1,000
        diverges or, where 4,000 draws or more were asked for, R-hat is above 1.01 or fewer than 400 draws are
        effective. `Fit.settings` says which it was.
    sampler
        ``"nutpie"``, or ``"pymc"`` for PyMC's own NUTS on the same model.
    latent
        ``"integrate"``: linear predictors of measures that are not normal, of a state or of selection are
        integrated out. ``"sample"``: each of them is sampled, which takes many times as long and has no error
        of integration (see `to_pymc`); it checks the integral where `Fit.health` reports problems with it.
    progress
        Whether to show how far it is and how long it will take: bars in a terminal or notebook, else a line every half
        minute. By default in a terminal only, or where there is a `folder`.
    folder
        Where finished chains are kept until all are done; they are removed then. After a Ctrl-C, a kill or a power cut
        the same call goes on from them, and its draws are those without a break: each chain has a seed of its own,
        from `seed` and its number. A chain that was not finished is drawn again, and so are all where model, data,
        seed, settings or versions differ. Chains of ``sampler="pymc"`` depend on each other and are not kept.
    thin
        Of so many draws one is kept, so that `draws` are kept of `thin` times as many; divergences are counted among
        all of them.

    Returns
    -------
    Fit
        Draws, diagnostics, and methods for both. After an interruption (Ctrl-C) without a `folder` it holds the draws
        made so far (`Fit.interrupted`); groups of draws whose computation fails after sampling are listed in
        `Fit.incomplete`.

    Raises
    ------
    SpecError
        If the model is not identified at these times, does not fit the panel's measures, its prior hardly ever gives
        a proper model, or a setting is invalid; before anything is sampled.
    InterruptionError
        If it is interrupted before there are enough draws to keep, or, with a `folder`, before it is complete.

    Warns
    -----
    FitWarning
        If the fit was interrupted, or a computation after sampling failed.
    """
    tune = warm_up(spec, sampler, latent) if tune is None else tune
    accept = acceptance(target_accept)
    check_settings(draws, tune, chains, cores, accept, seed, sampler, thin)
    check_latent(spec, latent)
    model = panel_model(spec, panel)
    check_memory_of_draws(thin * draws, chains, model.scale.size + model.derived.size)
    n_cores = int(cores or min(chains, os.cpu_count() or 1))
    settings = Settings(
        *(int(draws), int(tune), int(chains), n_cores, float(accept), int(seed)), sampler, latent=latent, thin=int(thin)
    )
    sample_it = sample_until_explored if target_accept is None else sample_posterior
    prior = prior_draws(model, settings.rng("prior"))
    with held_interrupts(), keeping(None if folder is None else Kept(Path(folder), versions())):
        kept = kept_now()
        shown = (kept is not None or sys.stderr.isatty()) if progress is None else progress
        sample = with_other_groups(model, sample_it(model, settings, progress=shown), prior)
        if sample.stopped and kept is not None:
            raise InterruptionError(f"Interrupted after sampling. {AGAIN}")
        continues = [f"{sample.interrupted} The script continues with these draws."] if sample.interrupted else []
        for sentence in (*continues, *sample.incomplete):
            warn(sentence, FitWarning)
        if folder is not None:
            for attempt in (settings, with_more_care(settings)):
                if finished := kept_chains(model, attempt):
                    finished.remove(attempt.chains)
    return Fit(model, sample)
