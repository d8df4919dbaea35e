"""Draws that are kept after an interruption, and messages about it."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import xarray as xr

from ..basics.interrupts import Interrupts
from ..basics.problems import InterruptionError
from .sample import STOPPED
from .settings import Settings

__all__ = [
    "FitWarning",
    "equal_chains",
    "too_few_draws",
    "without_interruption_warnings",
    "without_keeping",
]

FEWEST_DRAWS = 20  # of a chain after an interruption: with fewer, not even diagnostics say anything


class FitWarning(UserWarning):
    """A fit has its posterior but is not complete: it was interrupted, or a computation after sampling failed."""


@contextmanager
def without_interruption_warnings() -> Iterator[None]:
    """Silence warnings of interrupted fits, where the answer made of these fits reports the interruption itself."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=rf"{STOPPED} after (\d|sampling\. Missing)", category=FitWarning)
        yield


@contextmanager
def without_keeping(interrupts: Interrupts, when: str) -> Iterator[None]:
    """Let a Ctrl-C end a step that has nothing to keep, as an InterruptionError."""
    try:
        with interrupts.let_through():
            yield
    except KeyboardInterrupt:
        raise InterruptionError(f"Interrupted {when}. Nothing was kept. Run it again.") from None


def equal_chains(tree: xr.DataTree, settings: Settings) -> xr.DataTree:
    """Chains of one length, of chains that an interruption left padded with NaN.

    The first n draws of the chains that have at least n, for the n that keeps most draws.
    """
    posterior = tree["posterior"].to_dataset() if "posterior" in tree.children else xr.Dataset()
    lengths = _lengths(posterior)
    if not lengths.any():
        raise too_few_draws(0, settings)
    longest_first = np.sort(lengths)[::-1]
    n_draws = int(longest_first[(longest_first * np.arange(1, len(lengths) + 1)).argmax()])
    kept = np.flatnonzero(lengths >= n_draws)
    if n_draws < settings.draws and n_draws < FEWEST_DRAWS:
        raise too_few_draws(n_draws * len(kept), settings)
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
    has_value = np.zeros((posterior.sizes.get("chain", 0), posterior.sizes.get("draw", 0)), dtype=bool)
    for array in posterior.data_vars.values():
        if has_value.all():
            break
        if array.dtype.kind != "f":  # padded with 0
            continue
        values = array.transpose("chain", "draw", ...).to_numpy()
        has_value |= ~np.isnan(values).reshape(*has_value.shape, -1).all(axis=-1)
    return np.asarray((has_value * np.arange(1, has_value.shape[1] + 1)).max(axis=1, initial=0))


def too_few_draws(n_draws: int, settings: Settings) -> InterruptionError:
    """Error that says that there are not enough draws to keep."""
    when = f"after {n_draws:,} of {settings.draws * settings.chains:,} draws" if n_draws else "in the warm-up"
    return InterruptionError(
        f"Sampling was interrupted {when}, before each chain had {FEWEST_DRAWS} draws, the fewest that can be used. "
        "Nothing was kept. Run it again; if it takes too long, use fewer draws or a shorter warm-up (tune)."
    )
