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
from ..engine.model_on_panel import Latent, PanelModel
from .interruption import equal_chains, too_few_draws, without_keeping
from .sample import Sample
from .settings import Settings

__all__ = ["compiled_for_nutpie", "sample_posterior"]

# Up to so many parameters the sampler learns their correlations by itself; up to so many the curvature, which takes
# two gradients for each of them and then makes a gradient dearer, is worth its price.
MOST_LOW_RANK, MOST_SCALED = 100, 1000
KEEPING = "Interrupted; keeping the draws so far, which takes a few seconds ..."
POLL_SECONDS = 1.0  # a Ctrl-C ends the wait at once; this bounds it where signals reach no thread that waits


def sample_posterior(model: PanelModel, settings: Settings, *, progress: bool = False) -> Sample:
    """Posterior draws and the sampler's statistics; InterruptionError where there are too few draws to keep."""
    run = _run_pymc if settings.sampler == "pymc" else _run_nutpie
    with held_interrupts() as interrupts, _few_draws_are_fine():
        started = time.perf_counter()
        tree, ready = run(model, settings, progress, interrupts)
        done = time.perf_counter()
        settings = replace(settings, compile_seconds=ready - started, sampling_seconds=done - ready)
        return Sample(equal_chains(tree, settings), settings)


def _options(settings: Settings) -> dict[str, Any]:
    return {name: getattr(settings, name) for name in ("draws", "tune", "chains", "cores", "target_accept")}


def _run_pymc(
    model: PanelModel, settings: Settings, progress: bool, interrupts: Interrupts
) -> tuple[xr.DataTree, float]:
    """Draws of PyMC's own NUTS, and when it began."""
    import pymc

    from ..pymc_models.building import pymc_model_of

    with without_keeping(interrupts, "before sampling began"):
        pymc_model = pymc_model_of(model, latent=settings.latent)
    ready = time.perf_counter()
    seeds = {"random_seed": settings.seed, "progressbar": progress}
    with pymc_model:
        try:
            # PyMC itself acts upon a Ctrl-C while it draws.
            with without_keeping(interrupts, "before PyMC returned any draws"):
                return pymc.sample(**_options(settings), nuts_sampler="pymc", **seeds), ready
        except ValueError as error:
            if "Not enough samples to build a trace" not in str(error):
                raise
            raise too_few_draws(0, settings) from None


def _run_nutpie(
    model: PanelModel, settings: Settings, progress: bool, interrupts: Interrupts
) -> tuple[xr.DataTree, float]:
    """Draws of nutpie, and when the model was compiled."""
    with collector_paused():
        import nutpie

    with without_keeping(interrupts, "before sampling began"):
        compiled, adaptation = compiled_for_nutpie(model, settings.latent)
    ready = time.perf_counter()
    sampler = nutpie.sample(
        compiled,
        **_options(settings),
        seed=settings.seed,
        progress_bar=progress,
        adaptation=adaptation,
        save_warmup=False,
        blocking=False,
    )
    return _drawn(sampler, interrupts), ready


def compiled_for_nutpie(model: PanelModel, latent: Latent = "integrate") -> tuple[Any, str]:
    """What `nutpie.sample` takes, and how it adapts its metric."""
    if latent == "sample":
        import nutpie

        from ..pymc_models.building import pymc_model_of

        return nutpie.compile_pymc_model(pymc_model_of(model, latent="sample")), "diag"
    with collector_paused():
        from ..pymc_models.compiling import compile_model
        from ..pymc_models.scaling import scaled

    compiled = compile_model(model)
    if model.spec.is_latent or MOST_LOW_RANK < compiled.n_dim <= MOST_SCALED:
        # Where coordinates are about right already, directions of a low-rank metric are noise.
        return scaled(compiled), "diag"
    return compiled, "low_rank" if compiled.n_dim <= MOST_LOW_RANK else "diag"


def _drawn(sampler: Any, interrupts: Interrupts) -> xr.DataTree:
    """All draws of a sampler that runs in threads of its own, or those it has at a Ctrl-C.

    nutpie's own waiting loses all draws at a Ctrl-C that comes while it hands them over.
    """
    try:
        while True:
            try:
                complete: xr.DataTree = sampler.wait(timeout=POLL_SECONDS)
                return complete
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
    """Silence ArviZ's suspicion that fewer draws than chains, as after an interruption, are swapped dims."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Found chain dimension to be longer than draw dimension")
        yield
