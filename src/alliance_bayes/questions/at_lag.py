"""Lagged effects over one lag, whether two waves are that far apart or not."""

from collections.abc import Iterator

import numpy as np
import xarray as xr

from ..basics.given import is_number, shown
from ..basics.names import number, quoted
from ..posterior.path_matrices import by_path
from ..posterior.posterior import Posterior
from ..spec.steps import MOST_AHEAD, whole_steps
from .dynamics import base_effects, common_step, drift_effects, lags_of, not_followed, sds_at, standardized
from .effects_over_time import matrix_exponential
from .lengths import lag_label, length_labels

__all__ = ["effects_at_lag", "lag_problems"]


def lag_problems(fit: Posterior, lag: object) -> Iterator[str]:
    """Reasons why this model has no effect over this lag."""
    if not is_number(lag) or not lag > 0:
        yield f"lag must be a number above 0, in the panel's unit of time; got {shown(lag)}."
        return
    lengths = dict.fromkeys(length_labels(fit))
    if lag_label(lag) in lengths:
        return
    lags = lags_of(fit)
    if lags != "continuous":
        step = common_step(fit)
        if step is None:
            yield (
                f"lag={number(lag)} is not the length of an interval ({quoted(lengths)}), and this model "
                f"(lags='{lags}') has effects for these alone. Ask for one of them, or fit lags='continuous'."
            )
            return
        steps = whole_steps(lag, step)
        if steps is None or steps > MOST_AHEAD:
            yield (
                f"lag={number(lag)} must be one of 1 to {MOST_AHEAD:,} steps of {number(step)}, over which this "
                f"model (lags='{lags}') has effects; or fit lags='continuous'."
            )
            return
    yield from not_followed(fit.spec)


def effects_at_lag(fit: Posterior, lag: float, group: str) -> xr.Dataset:
    """Effects of all paths over a lag, ``exp(A lag)`` of a drift or ``Phi^n`` of a step's effects.

    Parameters
    ----------
    fit
        A fit for which `lag_problems` finds none.
    lag
        In the panel's unit of time.
    group
        ``"posterior"`` or ``"prior"``.

    Returns
    -------
    xarray.Dataset
        ``lagged``, in raw units, and ``lagged_standardized``, in within-person SDs of the first wave; dims
        ``(chain, draw, path)``.
    """
    draws, measures = fit.drawn(group), fit.spec.measures
    base = None if lags_of(fit) == "continuous" else base_effects(fit, group)
    if base is None:
        raw = matrix_exponential(drift_effects(fit, group) * lag)
    else:
        raw = np.linalg.matrix_power(base[0], round(lag / base[1]))
    sds, _ = sds_at(draws, measures, 0)
    coordinates = {name: draws[name] for name in ("chain", "draw")}
    named = {"lagged": raw, "lagged_standardized": standardized(raw, sds)}
    return xr.Dataset({name: by_path(of, measures, "chain", "draw", **coordinates) for name, of in named.items()})
