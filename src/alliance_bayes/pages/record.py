"""What someone needs to run the same again: versions, settings, and fingerprints of model and data."""

import hashlib
import platform
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..basics.names import number
from ..panel import Panel
from ..posterior.fit import Fit

__all__ = ["panel_fingerprint", "run_record"]

PACKAGES = ("pymc", "nutpie", "arviz", "numpy")


def run_record(fit: Fit | None) -> dict[str, str]:
    """Names and values, in words."""
    record = {"alliance-bayes": version("alliance-bayes"), "Python": platform.python_version()}
    record |= {name: version(name) for name in PACKAGES}
    if fit is None:
        return record
    settings = asdict(fit.settings)
    record |= {
        name.replace("_", " "): number(value) if isinstance(value, int | float) else str(value)
        for name, value in settings.items()
        if not name.endswith("seconds")
    }
    return record | {"data": fit.panel.source} | _fingerprints(fit)


def _fingerprints(fit: Fit) -> dict[str, str]:
    if not fit.fits:
        return {"SHA-256 of the panel": panel_fingerprint(fit.panel)}
    return {
        f"SHA-256 of imputed panel {place}": panel_fingerprint(one.panel) for place, one in enumerate(fit.fits, start=1)
    }


def panel_fingerprint(panel: Panel) -> str:
    """SHA-256 of what a panel holds: names, times, and the values with their reasons for absence, or the moments."""
    digest = hashlib.sha256(repr((panel.measures, panel.times, sorted(panel.requires.items()))).encode())
    held = panel.moments
    arrays: tuple[NDArray[Any] | None, ...] = (
        (panel.values, panel.absence, *(panel.states[name] for name in sorted(panel.states)))
        if held is None
        else (held.n, held.observed, held.means, held.covariance)
    )
    for array in arrays:
        if array is not None:
            digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
