"""Summaries of draws: intervals as in ArviZ's settings, and probabilities with their Monte Carlo error.

Draws in which a quantity is undefined (NaN) are excluded, and their share is reported. So are draws in which both sides
of a comparison are exactly equal: free effects are equal only where they are smaller than any floating-point number.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr

from ..basics.names import choices, number
from ..basics.problems import Problems, SpecError

__all__ = [
    "Probability",
    "above",
    "average_by_length",
    "below",
    "check_quantities",
    "indicator",
    "interval",
    "interval_name",
    "probability",
    "share",
    "standard_errors",
    "undefined",
    "with_plain_times",
]

LEAST_KNOWN = 0.05  # share of draws with a value; below it they do not represent the others


@dataclass(frozen=True)
class Probability:
    """Share of draws for which something holds.

    Attributes
    ----------
    value
        In [0, 1]; NaN where fewer than 5 % of draws have a value.
    mcse
        Its Monte Carlo standard error; 0 when every draw agrees, although `value` is then known
        only to about ``1 / n_draws``.
    n_draws
        Draws with a value, over which it was counted.
    n_imputations
        Number of imputations that `mcse` was estimated from; 0 without imputations.
    undefined
        Share of all draws that have no value and are not counted, in [0, 1].

    Examples
    --------
    >>> print(Probability(0.5124, 0.008, 4000), Probability(1.0, 0.0, 4000), Probability(0.0, 0.0, 200))
    0.512 > 0.999 < 0.01
    >>> print(Probability(0.5124, 0.008, 3000, undefined=0.25))
    0.512 (of the 75 % of draws that have a value)

    An error estimated from two imputations is itself very uncertain.

    >>> [Probability(0.99, 0.01, 4000, n_imputations).reaches(0.95) for n_imputations in (0, 2, 50)]
    [True, False, True]
    """

    value: float
    mcse: float
    n_draws: int
    n_imputations: int = 0
    undefined: float = 0.0

    def __str__(self) -> str:
        if np.isnan(self.value):
            return "undefined"
        if self.undefined:
            known = replace(self, undefined=0.0)
            return f"{known} (of the {100 * (1 - self.undefined):.3g} % of draws that have a value)"
        least, digits = (0.001, 3) if self.n_draws >= 1000 else (0.01, 2)
        if self.value > 1 - least:
            return f"> {1 - least:.{digits}f}"
        return f"< {least:.{digits}f}" if self.value < least else f"{self.value:.{digits}f}"

    def reaches(self, certainty: float) -> bool:
        """Whether `value` minus two Monte Carlo standard errors is at least `certainty`.

        With m imputations, two standard errors are replaced by the same quantile of Student's t with m - 1 df.
        """
        errors = 2.0
        if self.n_imputations:
            from scipy.special import ndtr, stdtrit

            errors = float(stdtrit(self.n_imputations - 1, ndtr(2.0)))
        return self.value - errors * self.mcse >= certainty


def indicator(holds: xr.DataArray, compared: xr.DataArray, *others: xr.DataArray) -> xr.DataArray:
    """1 in draws for which a condition holds, 0 in the others, and NaN where a quantity that it compares is NaN.

    A comparison with NaN is false, so the share of a plain condition would count undefined draws.

    Parameters
    ----------
    holds
        The condition of each draw.
    compared, others
        The quantities that it compares.

    Examples
    --------
    >>> effect = xr.DataArray([0.2, -0.1, np.nan, 0.3], dims="draw")
    >>> indicator(effect > 0, effect).values
    array([ 1.,  0., nan,  1.])
    """
    known = compared.notnull()
    for other in others:
        known = known & other.notnull()
    return holds.astype(float).where(known)


def above(one: xr.DataArray | float, other: xr.DataArray | float) -> xr.DataArray:
    """1 in draws in which one side is larger, 0 in which it is smaller, NaN in which both are equal or one is NaN.

    Free effects are equal, or exactly 0, only where they are smaller than any floating-point number: they have an order
    and a sign, but these draws do not show it.

    Parameters
    ----------
    one, other
        Draws; one of them may be a number.

    Examples
    --------
    >>> above(xr.DataArray([0.2, -0.1, np.nan, 0.0], dims="draw"), 0).values
    array([ 1.,  0., nan, nan])
    """
    larger = xr.DataArray(one > other)
    return larger.astype(float).where(larger | (one < other))


def below(one: xr.DataArray | float, other: xr.DataArray | float) -> xr.DataArray:
    """1 in draws in which one side is smaller, 0 in which it is larger, NaN in which both are equal or one is NaN.

    Examples
    --------
    >>> below(xr.DataArray([0.2, -0.1, np.nan, 0.0], dims="draw"), 0).values
    array([ 0.,  1., nan, nan])
    """
    return above(other, one)


def undefined(holds: xr.DataArray, *dims: str) -> xr.DataArray:
    """Share of all draws that have no value, over the named dims."""
    return holds.isnull().mean(dims)


def share(holds: xr.DataArray, *dims: str) -> xr.DataArray:
    """Share of the draws with a value for which a condition holds, over the named dims.

    Parameters
    ----------
    holds
        As of `indicator`.
    dims
        Such as chains and draws.

    Returns
    -------
    xarray.DataArray
        NaN where fewer than a twentieth of the draws have a value.
    """
    return holds.mean(dims).where(undefined(holds, *dims) <= 1 - LEAST_KNOWN)


def probability(holds: xr.DataArray) -> Probability:
    """Share of the draws with a value, dims ``(chain, draw)``, for which a condition holds.

    Where chains belong to imputations (a coordinate ``imputation`` of the chains), the error is that of the mean of
    the imputations' shares, so that it includes the variation between them.

    Parameters
    ----------
    holds
        As of `indicator`.
    """
    import arviz_stats

    if holds.dtype == bool:
        raise TypeError("probability takes an indicator, which keeps draws without a value apart; got a condition.")
    values = holds.to_numpy()
    has_value = ~np.isnan(values)
    n_known, n_imputations = int(has_value.sum()), 0
    known = n_known / holds.size
    if known < LEAST_KNOWN:
        return Probability(np.nan, np.nan, n_known, undefined=1 - known)
    value = float(values[has_value].mean())
    if value in (0.0, 1.0):
        mcse = 0.0
    elif "imputation" in holds.coords:
        shares = holds.mean("draw").groupby("imputation").mean()
        mcse, n_imputations = float(shares.std(ddof=1)) / np.sqrt(shares.size), shares.size
    else:
        # Of a ratio, by the delta method: how often it holds over how often there is a value.
        filled = np.where(has_value, values, value)
        mcse = float(arviz_stats.mcse(filled, method="mean")) / known
    if np.isnan(mcse):
        mcse = float(np.sqrt(value * (1 - value) / n_known))
    return Probability(value, mcse, n_known, n_imputations, 1 - known)


def average_by_length[Draws: (xr.DataArray, xr.Dataset)](
    draws: Draws, lengths: list[str], also: Mapping[str, Draws] | None = None
) -> Draws:
    """Signed average over the intervals of each length, and draws over other lags; dimension ``length``."""
    parts = {
        length: draws.isel(interval=[index for index, label in enumerate(lengths) if label == length]).mean("interval")
        for length in dict.fromkeys(lengths)
    } | dict(also or {})
    names = xr.DataArray(np.array(list(parts), dtype=object), dims="length", name="length")
    return xr.concat(list(parts.values()), dim=names, coords="minimal", compat="override")


def interval(draws: xr.DataArray, *dims: str) -> tuple[xr.DataArray, xr.DataArray]:
    """Lower and upper bound over the named dims, of the draws that have a value; NaN where none has."""
    import arviz_base
    import arviz_stats

    kind = {"eti": arviz_stats.eti, "hdi": arviz_stats.hdi}[arviz_base.rcParams["stats.ci_kind"]]
    known = draws.notnull()
    if known.all():
        bounds = kind(draws, dim=list(dims))
    else:
        some = known.any(dims)
        bounds = kind(draws.where(some, 0.0), dim=list(dims), skipna=True).where(some)
    return bounds.sel(ci_bound="lower", drop=True), bounds.sel(ci_bound="upper", drop=True)


def interval_name() -> str:
    """Width of the interval in words, such as "89 % interval"."""
    import arviz_base

    return f"{100 * arviz_base.rcParams['stats.ci_prob']:.3g} % interval"


def standard_errors() -> float:
    """Standard errors to each side of a normal estimate that make an interval of the same width."""
    import arviz_base
    from scipy.special import ndtri

    return float(ndtri(0.5 + arviz_base.rcParams["stats.ci_prob"] / 2))


def check_quantities(posterior: xr.Dataset, names: Iterable[str], heading: str) -> None:
    """Refuse, under a heading, names that no quantity of the draws has."""
    known, problems = [str(name) for name in posterior.data_vars], Problems(heading)
    for name in names:
        if name not in known:
            problems.add(f"The draws have no '{name}'{choices(name, known, 'Quantities')}")
    problems.raise_as(SpecError)


def with_plain_times(draws: xr.Dataset) -> xr.Dataset:
    """The same draws, times among their coordinates as texts, so that a label says 6 and not 6.0."""
    times = {
        str(name): [number(value) for value in coordinate.to_numpy()]
        for name, coordinate in draws.coords.items()
        if coordinate.dims == (name,) and coordinate.dtype.kind == "f"
    }
    return draws.assign_coords(times)
