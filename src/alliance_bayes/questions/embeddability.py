"""Whether lagged effects at waves can be those of a process in continuous time."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from ..basics.calls import checked
from ..basics.problems import Problems, SpecError
from ..posterior.mixing import imputation_of_chains
from ..posterior.path_matrices import by_path
from ..posterior.posterior import Posterior
from ..posterior.summaries import Probability, indicator, probability
from ..spec.cross_lagged import CrossLagged
from .answer import Answer
from .arguments import CERTAINTY, Group, group_problems, population
from .cells import stated
from .dynamics import base_effects, common_step, lags_of, sample_in_words, standardized_innovations
from .lengths import time_in_words
from .registry import Arguments, Question, register

__all__ = ["drift_and_diffusion", "embeddability"]

EVENTS = {
    "real drift": "the effects of one step have a real drift",
    "valid diffusion": "they have, and a valid diffusion",
}

type Array = NDArray[np.float64]


@checked()
def embeddability(fit: Posterior, *, group: str | None = None) -> Answer:
    """Ask whether effects and innovations of one step can be those of a process in continuous time.

    ``Phi(d) = exp(A d)`` has a real A only where no eigenvalue of Phi is negative or 0, as where a measure swings
    from wave to wave; and ``Psi(d) = int_0^d exp(A s) Q exp(A' s) ds`` must have a Q that is positive semi-definite
    [1]_. A is the principal logarithm; with complex eigenvalues others may exist.

    Parameters
    ----------
    fit
        A fit in discrete time, with one effect for steps of one length (``lags="equal"`` over equal intervals, or
        ``"grid"``) and ``residuals="equal"`` or innovations of the first interval.
    group
        Which group, where the fit has groups.

    Returns
    -------
    Answer
        ``table``, indexed by ``event``: ``probability`` and its Monte Carlo error ``mcse``. "real drift": the effects
        of one step have a real logarithm, no eigenvalue that is negative or 0; "valid diffusion": they have, and the
        innovations of one step can come from a diffusion covariance, positive semi-definite, along the way.

        ``draws``: ``drift`` per unit of time, dims ``(chain, draw, path)``, raw units, NaN where there is no real one;
        ``embeddable``, dims ``(chain, draw)``.

    Raises
    ------
    SpecError
        If the fit is in continuous time already, or its lags have no common step.

    References
    ----------
    .. [1] Driver, Oud & Voelkle (2017). Continuous time structural equation modeling with R package
       ctsem. Journal of Statistical Software 77(5).
    """
    problems = Problems("Embeddability cannot be assessed")
    fit = population(fit, group, problems)
    problems.raise_as(SpecError)
    if lags_of(fit) == "continuous":
        raise SpecError("This fit is in continuous time: every draw has a drift and a diffusion.")
    if common_step(fit) is None:
        raise SpecError(
            f"lags='{lags_of(fit)}' over these intervals has no effects of one common step. Fit lags='grid', or "
            "lags='equal' over equal intervals."
        )
    base = base_effects(fit)
    assert base is not None
    effects, step = base
    innovation = _innovation(fit, step)
    drift, diffusion = drift_and_diffusion(effects, innovation, step)
    real = np.isfinite(drift).all(axis=(-2, -1))
    smallest = np.linalg.eigvalsh(np.where(np.isfinite(diffusion), diffusion, -1.0))[..., 0]
    largest = np.abs(np.where(np.isfinite(diffusion), diffusion, 0.0)).max(axis=(-2, -1))
    valid = real & (smallest >= -1e-9 * largest)
    chains = imputation_of_chains(fit.posterior)
    known = xr.DataArray(effects.sum(axis=(-2, -1)), chains, dims=("chain", "draw"))
    events = tuple(
        probability(indicator(xr.DataArray(holds, chains, dims=("chain", "draw")), known)) for holds in (real, valid)
    )
    names = list(fit.spec.measures)
    named = dict(zip(EVENTS, events, strict=True))
    rows = {name: {"probability": event.value, "mcse": event.mcse} for name, event in named.items()}
    return Answer(
        question="embeddability",
        arguments={"group": group},
        heading=f"One step is {time_in_words(fit, step)}; {sample_in_words(fit, group)}",
        table=pd.DataFrame.from_dict(rows, orient="index").rename_axis("event"),
        body=(*(stated(EVENTS[name], event) for name, event in named.items()), *_in_words(*events)),
        health=fit.health,
        draws=xr.Dataset(
            {
                "drift": by_path(drift, names, "chain", "draw"),
                "embeddable": (("chain", "draw"), valid),
            },
            coords=chains,
        ),
    )


def drift_and_diffusion(effects: Array, innovation: Array, step: float) -> tuple[Array, Array]:
    """Drift and diffusion covariance of many steps at once; NaN where the principal logarithm is not real.

    With ``Phi = V diag(l) V^-1``, ``A = V diag(log l) V^-1 / d``; in that basis each entry of the innovation covariance
    Psi is that of the diffusion times ``(exp((a_i + a_j) d) - 1) / (a_i + a_j)``. Shapes ``(..., measure, measure)``.

    Examples
    --------
    >>> effects = np.array([[0.409817, 0.028517], [0.114066, 0.552400]])
    >>> innovation = np.array([[0.704625, 0.233282], [0.233282, 0.566684]])
    >>> drift, diffusion = drift_and_diffusion(effects, innovation, 3.0)
    >>> drift.round(4), diffusion.round(4)
    (array([[-0.3 ,  0.02],
           [ 0.08, -0.2 ]]), array([[0.5, 0.1],
           [0.1, 0.3]]))
    """
    values, vectors = np.linalg.eig(effects)
    inverse = np.linalg.inv(vectors)
    known = ~((np.abs(values.imag) < 1e-12) & (values.real <= 0)).any(axis=-1)
    rates = np.log(np.where(values == 0, np.nan, values.astype(complex))) / step
    sums = rates[..., :, None] + rates[..., None, :]
    with np.errstate(invalid="ignore", divide="ignore"):
        growth = np.where(np.abs(sums * step) < 1e-9, step, np.expm1(sums * step) / sums)
    transposed = np.swapaxes(vectors, -2, -1)
    rotated = inverse @ innovation @ np.swapaxes(inverse, -2, -1)
    drift = ((vectors * rates[..., None, :]) @ inverse).real
    diffusion = (vectors @ (rotated / growth) @ transposed).real
    unknown = ~known[..., None, None]
    return np.where(unknown, np.nan, drift), np.where(unknown, np.nan, diffusion)


def _innovation(fit: Posterior, step: float) -> Array:
    """Innovation covariance of the first interval that is one step long, raw units."""
    indices = [index for index, length in enumerate(fit.panel.intervals) if np.isclose(length, step)]
    if not indices:
        raise SpecError("No interval of this panel is one base step long, so its innovations are not among the draws.")
    names = fit.spec.measures
    return standardized_innovations(fit.posterior, names, np.ones(len(names)), indices[:1])


def _in_words(real: Probability, valid: Probability) -> tuple[str, ...]:
    if valid.reaches(CERTAINTY):
        return ("These effects can be those of a continuous process; lags='continuous' fits the same dynamics.",)
    if real.value < 1 - CERTAINTY:
        return (
            "Some effect has a negative eigenvalue: the measures swing from wave to wave, which no real drift gives. "
            "Stay in discrete time (lags='grid' over unequal intervals).",
        )
    if not real.reaches(CERTAINTY):
        return (
            "In part of the posterior an eigenvalue is negative or near 0, as where little carries over: the data do "
            "not say whether a drift exists. A continuous fit depends on its prior there; compare it with lags='grid'.",
        )
    return (
        "A real drift exists, but in part of the posterior no diffusion along the way gives these innovations: "
        "something faster than the step is at work, or the innovations differ between intervals. Compare "
        "lags='continuous' with lags='grid'.",
    )


class EmbeddabilityArguments(Arguments):
    """Keys of a question about continuous time."""

    group: Group | None = None

    def against(self, model: CrossLagged) -> Iterator[str]:
        """Its group, and continuous time."""
        yield from group_problems(model, self.group)
        if model.lags == "continuous":
            yield "This model is in continuous time: every draw has a drift and a diffusion. Ask it of a discrete one."


register(Question.of(embeddability, EmbeddabilityArguments))
