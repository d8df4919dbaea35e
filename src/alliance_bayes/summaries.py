"""Draws in words: intervals of the width ArviZ's settings ask for, and probabilities with their error."""

from dataclasses import dataclass

import numpy as np
import xarray as xr

__all__ = ["Probability", "interval", "interval_name", "probability"]


@dataclass(frozen=True)
class Probability:
    """Share of draws for which something holds.

    Attributes
    ----------
    value
        In [0, 1].
    mcse
        Its Monte Carlo standard error; 0 when every draw agrees, although `value` is then known
        only to about ``1 / n_draws``.
    n_draws
        Draws it was counted over.
    n_imputations
        How many imputations `mcse` was found from; 0 where there are none.

    Examples
    --------
    >>> print(Probability(0.5124, 0.008, 4000), Probability(1.0, 0.0, 4000), Probability(0.0, 0.0, 200))
    0.512 > 0.999 < 0.01

    An error that was found from two imputations is itself hardly known.

    >>> [Probability(0.99, 0.01, 4000, n_imputations).reaches(0.95) for n_imputations in (0, 2, 50)]
    [True, False, True]
    """

    value: float
    mcse: float
    n_draws: int
    n_imputations: int = 0

    def __str__(self) -> str:
        least, digits = (0.001, 3) if self.n_draws >= 1000 else (0.01, 2)
        if self.value > 1 - least:
            return f"> {1 - least:.{digits}f}"
        return f"< {least:.{digits}f}" if self.value < least else f"{self.value:.{digits}f}"

    def reaches(self, certainty: float) -> bool:
        """Whether it is at least `certainty` even two Monte Carlo standard errors lower.

        Of a few imputations so many more as Student's t has it.
        """
        errors = 2.0
        if self.n_imputations:
            from scipy.special import ndtr, stdtrit

            errors = float(stdtrit(self.n_imputations - 1, ndtr(2.0)))
        return self.value - errors * self.mcse >= certainty


def probability(holds: xr.DataArray) -> Probability:
    """Share of draws, dims ``(chain, draw)``, for which a condition holds.

    Where chains belong to imputations (a coordinate ``imputation`` of the chains), the error is that of the mean of
    the imputations' shares, so that what differs between them is in it.
    """
    import arviz_stats

    indicator, n_imputations = holds.astype(float), 0
    value = float(indicator.mean())
    if value in (0.0, 1.0):
        mcse = 0.0
    elif "imputation" in holds.coords:
        shares = indicator.mean("draw").groupby("imputation").mean()
        mcse, n_imputations = float(shares.std(ddof=1)) / np.sqrt(shares.size), shares.size
    else:
        mcse = float(arviz_stats.mcse(indicator, method="mean"))
    if np.isnan(mcse):
        mcse = float(np.sqrt(value * (1 - value) / indicator.size))
    return Probability(value, mcse, indicator.size, n_imputations)


def interval(draws: xr.DataArray, *dims: str) -> tuple[xr.DataArray, xr.DataArray]:
    """Lower and upper bound over the named dims, of the draws that have a value; NaN where none has."""
    import arviz_base
    import arviz_stats

    kind = {"eti": arviz_stats.eti, "hdi": arviz_stats.hdi}[arviz_base.rcParams["stats.ci_kind"]]
    known = draws.notnull()
    some = known.any(dims)
    bounds = kind(draws.where(some, 0.0), dim=list(dims), skipna=not bool(known.all())).where(some)
    return bounds.sel(ci_bound="lower", drop=True), bounds.sel(ci_bound="upper", drop=True)


def interval_name() -> str:
    """Width of the interval in words, such as "89 % interval"."""
    import arviz_base

    return f"{100 * arviz_base.rcParams['stats.ci_prob']:.3g} % interval"
