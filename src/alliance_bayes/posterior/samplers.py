"""Running a sampler on a model, and keeping its draws after an interruption."""

import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import xarray as xr

from ..basics.collector import collector_paused
from ..basics.interrupts import Interrupts, held_interrupts
from ..basics.problems import InterruptionError
from ..engine.model_on_panel import Latent, PanelModel
from ..spec.mapping import spec_to_mapping
from .examining import examine_chains
from .health import too_coarse
from .interruption import FEWEST_DRAWS, equal_lengths, too_few_draws, without_keeping
from .keeping import KeptChains, kept_now
from .nutpie_chains import draw_chains, tree_of
from .sample import STOPPED, Sample
from .settings import Settings, fit_into_memory
from .thinning import every

__all__ = ["compiled_for_nutpie", "kept_chains", "sample_posterior", "sample_until_explored", "with_more_care"]

# Up to so many parameters the sampler learns their correlations by itself; up to so many the curvature, which takes
# two gradients for each of them and then makes a gradient dearer, is worth its price.
MOST_LOW_RANK, MOST_SCALED = 100, 1000

SMALL_STEPS = 0.95
"""Acceptance probability at which steps are about half as long as at the default."""
LONGER = 2.5
"""Times the warm-up, so that the metric is learnt where steps of the first length do not lead."""
MORE = 2
"""Times the draws, of which as many are kept as are asked for."""


def sample_posterior(model: PanelModel, settings: Settings, *, progress: bool = False) -> Sample:
    """Posterior draws and the sampler's statistics; InterruptionError where there are too few draws to keep."""
    run = _run_pymc if settings.sampler == "pymc" else _run_nutpie
    with held_interrupts() as interrupts:
        tree, compiling, sampling = run(model, settings.of_all_draws, progress, interrupts)
        sample = Sample(
            every(settings.thin, tree), replace(settings, compile_seconds=compiling, sampling_seconds=sampling)
        )
        if sample.posterior.sizes["draw"] < min(settings.draws, FEWEST_DRAWS):
            raise too_few_draws(sample.n_draws, settings)
        return sample


def with_more_care(settings: Settings) -> Settings:
    """Settings of a second attempt, where chains reach a part of the posterior badly or slowly."""
    tune = round(LONGER * settings.tune)
    return replace(settings, target_accept=SMALL_STEPS, tune=tune, thin=MORE * settings.thin)


def sample_until_explored(model: PanelModel, settings: Settings, *, progress: bool = False) -> Sample:
    """As `sample_posterior`, and where it was too coarse, once more with more care, with the seconds of both.

    Where the second attempt is interrupted or does not fit into memory, it is the first, which says so.
    """
    first = sample_posterior(model, settings, progress=progress)
    if first.interrupted:
        return first
    health = examine_chains(model, first)
    first = replace(first, examined=health)
    reasons = ", ".join(too_coarse(health, first.n_draws, settings.thin))
    if not reasons:
        return first
    careful = with_more_care(settings)
    too_many = f"A second attempt in smaller steps, of {careful.thin} times as many draws, did not fit into memory."
    n_quantities = sum(array.size for array in first.posterior.data_vars.values()) // first.n_draws
    if not fit_into_memory(careful.of_all_draws.draws, careful.chains, n_quantities):
        return _first_after_all(first, too_many, reasons)
    if progress:
        again = f"sampling again in smaller steps (target_accept={SMALL_STEPS}), keeping 1 of {careful.thin} draws"
        sys.stderr.write(f"{reasons}; {again}.\n")
    interrupted = f"{STOPPED} in a second attempt in smaller steps."
    try:
        second = sample_posterior(model, careful, progress=progress)
        ended = interrupted if second.interrupted else ""
    except InterruptionError:
        if kept_now() is not None:
            raise
        ended = interrupted
    except MemoryError:
        ended = too_many
    if ended:
        return _first_after_all(first, ended, reasons)
    used = second.settings
    seconds = {
        name: getattr(first.settings, name) + getattr(used, name) for name in ("compile_seconds", "sampling_seconds")
    }
    return replace(second, settings=replace(used, **seconds))


def _first_after_all(first: Sample, why: str, reasons: str) -> Sample:
    return replace(first, incomplete=(f"{why} The draws are those of the first ({reasons}).",))


def _run_pymc(
    model: PanelModel, settings: Settings, progress: bool, interrupts: Interrupts
) -> tuple[xr.DataTree, float, float]:
    """Draws of PyMC's own NUTS, and seconds of compiling and sampling."""
    started = time.perf_counter()
    import pymc

    from ..pymc_models.building import pymc_model_of

    with without_keeping(interrupts, "before sampling began"):
        pymc_model = pymc_model_of(model, latent=settings.latent)
    ready = time.perf_counter()
    options = {name: getattr(settings, name) for name in ("draws", "tune", "chains", "cores", "target_accept")}
    with pymc_model, _few_draws_are_fine():
        try:
            # PyMC itself acts upon a Ctrl-C while it draws.
            with without_keeping(interrupts, "before PyMC returned any draws"):
                tree = pymc.sample(**options, nuts_sampler="pymc", random_seed=settings.seed, progressbar=progress)
        except ValueError as error:
            if "Not enough samples to build a trace" not in str(error):
                raise
            raise too_few_draws(0, settings) from None
    sizes = tree["posterior"].sizes
    equal_lengths([sizes["draw"]] * sizes["chain"], settings)
    return tree, ready - started, time.perf_counter() - ready


def _run_nutpie(
    model: PanelModel, settings: Settings, progress: bool, interrupts: Interrupts
) -> tuple[xr.DataTree, float, float]:
    """Draws of nutpie, and seconds of compiling and sampling, the latter with those of chains that were kept."""
    started = time.perf_counter()
    with without_keeping(interrupts, "before sampling began"):
        compiled, adaptation = compiled_for_nutpie(model, settings.latent)
    ready = time.perf_counter()
    kept = kept_chains(model, settings)
    chains, seconds = draw_chains(compiled, adaptation, settings, interrupts, progress=progress, kept=kept)
    return tree_of(chains, compiled, settings), ready - started, seconds


def compiled_for_nutpie(model: PanelModel, latent: Latent = "integrate", *, at_mode: bool = False) -> tuple[Any, str]:
    """What `nutpie.sample` takes, and how it adapts its metric; with `at_mode` in coordinates about the mode."""
    if latent == "sample":
        import nutpie

        from ..pymc_models.building import pymc_model_of

        return nutpie.compile_pymc_model(pymc_model_of(model, latent="sample")), "diag"
    with collector_paused():
        from ..pymc_models.compiling import compile_model
        from ..pymc_models.scaling import scaled

    compiled = compile_model(model)
    # Of linear predictors directions of a low-rank metric are noise, where coordinates are about right already.
    learns = compiled.n_dim <= MOST_LOW_RANK and not model.spec.is_latent
    scales = model.spec.is_latent or ((at_mode or not learns) and compiled.n_dim <= MOST_SCALED)
    return scaled(compiled) if scales else compiled, "low_rank" if learns else "diag"


def kept_chains(model: PanelModel, settings: Settings) -> KeptChains | None:
    """The finished chains of the same density, data and settings, where chains are kept."""
    kept = kept_now()
    if kept is None or settings.sampler == "pymc":  # whose chains depend on each other
        return None
    from ..pymc_models.compiling import compile_model

    options = settings.of_all_draws.options
    of_a_chain = {name: value for name, value in options.items() if name not in ("chains", "cores")}
    what_the_density_reads = compile_model(model).user_data.tobytes()
    return kept.chains_of([spec_to_mapping(model.spec), of_a_chain], what_the_density_reads)


@contextmanager
def _few_draws_are_fine() -> Iterator[None]:
    """Silence ArviZ's suspicion that fewer draws than chains, as after an interruption, are swapped dims."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Found chain dimension to be longer than draw dimension")
        yield
