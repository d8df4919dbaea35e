"""Error of the log-likelihood where linear predictors are integrated out."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..engine.latent.determined import rows_to_integrate
from ..engine.latent.importance import Correction, corrections
from ..engine.latent.propagation import case_log_likelihoods
from ..engine.model_on_panel import PanelModel

__all__ = ["IntegrationError", "integration_error"]

type FloatArray = npt.NDArray[np.float64]

N_CORRECTED = 50


@dataclass(frozen=True)
class IntegrationError:
    """Error of the log-likelihood with linear predictors integrated out, over posterior draws.

    Attributes
    ----------
    mean, sd
        Mean and SD over draws of the exact log-likelihood minus the approximate one, estimated by importance sampling.
        A constant difference does not change the posterior; one that varies over draws (SD) can.
    monte_carlo_error
        Standard error of one such difference.
    effective_share
        Effective number of draws when they are weighted by the exact likelihood, as a share of all.
    unsettled
        Share of cases (people, or possible histories of people) in whom something is integrated out, averaged over
        draws, whose approximation did not converge.
    """

    mean: float
    sd: float
    monte_carlo_error: float
    effective_share: float
    unsettled: float

    @property
    def spread(self) -> float:
        """How far differences vary over draws, and over the random numbers that estimate them."""
        return float(np.hypot(self.sd, self.monte_carlo_error))

    def __str__(self) -> str:
        return (
            f"integration error of the log-likelihood {self.mean:+.2f} (SD over draws {self.sd:.2f}, Monte Carlo error "
            f"{self.monte_carlo_error:.2f}), {100 * self.effective_share:.0f} % of draws effective under the exact "
            f"likelihood, {100 * self.unsettled:.1f} % of integrals not converged"
        )


def integration_error(model: PanelModel, thetas: FloatArray, seed: int, *, n_known: int = 0) -> IntegrationError:
    """Compare the approximate log-likelihood with importance sampling at evenly spaced draws.

    With `n_known` it is that of the later waves given the first so many, ``log p(all) - log p(first)``.
    """
    kept = thetas[np.linspace(0, len(thetas) - 1, min(N_CORRECTED, len(thetas))).astype(int)]
    integrals = _corrections(model, kept, seed)
    if n_known:
        known = _corrections(model.before(n_known), kept, seed)
        integrals = Correction(
            integrals.log_weight - known.log_weight, np.hypot(integrals.standard_error, known.standard_error)
        )
    means, covariances, _ = model.predictor_moments(kept[0])
    unsettled = [case_log_likelihoods(*model.predictor_moments(theta), model.latent_data)[1] for theta in kept]
    return IntegrationError(
        float(integrals.log_weight.mean()),
        float(integrals.log_weight.std()),
        float(np.mean(integrals.standard_error)),
        integrals.effective_share,
        float(np.mean(unsettled)) / max(1, int(rows_to_integrate(means, covariances, model.latent_data).sum())),
    )


def _corrections(model: PanelModel, thetas: FloatArray, seed: int) -> Correction:
    means, covariances, phis = (
        np.stack(part) for part in zip(*(model.predictor_moments(theta) for theta in thetas), strict=True)
    )
    return corrections(means, covariances, phis, model.latent_data, model.panel.n_persons, seed=seed)
