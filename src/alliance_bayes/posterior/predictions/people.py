"""People of a panel under a model: one interface for normal measures and for latent linear predictors."""

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from ...engine.model_on_panel import PanelModel
from ..integration import IntegrationError
from .latent import LatentPeople
from .normal import NormalPeople
from .responses import Responses

__all__ = ["People", "people_of"]

type FloatArray = npt.NDArray[np.float64]


def people_of(model: PanelModel) -> "People":
    """The people of a model on a panel: normal ones, or ones with latent linear predictors."""
    return LatentPeople(model) if model.spec.is_latent else NormalPeople(model)


class People(Protocol):
    """People of a panel, as a model with known parameters sees them.

    In all methods `thetas` holds one draw of the parameters per row, in the model's unit, and `rng` is the source of
    the random numbers.
    """

    @property
    def model(self) -> PanelModel:
        """The model on its panel."""

    @property
    def n_draws(self) -> int:
        """Draws of the parameters that tables of persons use at most."""

    @property
    def n_checks(self) -> int:
        """Draws of the parameters that posterior predictive checks use at most."""

    def log_densities(self, thetas: FloatArray, persons: npt.NDArray[np.int64], *, n_known: int = 0) -> FloatArray:
        """Log density of the values of persons, in their own units, given those of their first waves.

        `persons` are positions in the panel, `n_known` the number of waves that are conditioned on; the result is
        ``log p(all) - log p(known)``, shape ``(draw, person)``.
        """

    def variables(self, targets: Sequence[int], thetas: FloatArray, rng: np.random.Generator) -> FloatArray:
        """Draw variables of the linear system for every person given all their values.

        `targets` are positions of variables; the result has the shape ``(draw, person, target)``, in the model's unit.
        """

    def replicated(self, theta: FloatArray, rng: np.random.Generator, *, complete: bool = False) -> Responses:
        """Responses of new people from the model, with the same covariates, windows and interviews.

        Values are absent where those of the real person are, unless they are `complete`.
        """

    def completed_and_replicated(
        self, thetas: FloatArray, rng: np.random.Generator
    ) -> Iterator[tuple[Responses, Responses]]:
        """The panel and a replicated one at each of many theta, both complete.

        Missing values are drawn given the person's other values [1]_: a statistic of the observed values alone would
        differ from that of new people unless values are missing completely at random.

        References
        ----------
        .. [1] Gelman, Van Mechelen, Verbeke, Heitjan & Meulders (2005). Multiple imputation for model checking:
           completed-data plots with missing and latent data. Biometrics 61, 74-85.
        """

    def chi_squares(self, thetas: FloatArray, rng: np.random.Generator) -> tuple[FloatArray, FloatArray] | None:
        """Chi-squares against the saturated model [1]_, of the completed panel and of a replicated one.

        Both of shape ``(draw,)``; NaN where people have no common means and covariances, or are fewer than these need.
        None where there is no saturated model.

        References
        ----------
        .. [1] Gelman, Meng & Stern (1996). Posterior predictive assessment of model fitness via realized discrepancies.
           Statistica Sinica 6, 733-807.
        """

    def predicted(self, wave: int, thetas: FloatArray, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
        """Draw everybody's responses at an unobserved wave, given their other values.

        The state has a probability up to this wave (see `PanelModel.before`). Values are those of the spec's
        `response_columns` in their own units, shape ``(draw, person, column)``, NaN in draws in which they do not
        exist; then the state, 0 or 1, shape ``(draw, person)``, without persons where the model has none.
        """

    def imputed(self, measure: str, theta: FloatArray, rng: np.random.Generator) -> Callable[[float], FloatArray]:
        """Values of all columns, those of one measure drawn given all values of a person, and shifted.

        The result is a function of a shift in SDs (of a linear predictor: on its scale). It gives values in their own
        units, shape ``(person, wave, column)``, for one set of random numbers, as if the measure existed everywhere;
        where a value was observed, that is the one to use. Other normal measures are drawn jointly with it; with latent
        linear predictors, values of other measures are the observed ones.
        """

    def predictive_shares(self, thetas: FloatArray, weights: FloatArray, rng: np.random.Generator) -> FloatArray:
        """Predictive probability of less than each value, given the person's values at earlier waves and covariates.

        Weights are those of each draw for each person with any value, shape ``(draw, person)``, of sum 1 over draws.
        The result is of these people, shape ``(person, wave * column)``, the state being the last column where there
        is one; in [0, 1], NaN where nothing was observed.
        """

    def integration_error(self, thetas: FloatArray, seed: int, *, n_known: int = 0) -> IntegrationError | None:
        """Error of the log-likelihood, where linear predictors are integrated out; None where it is exact.

        With `n_known` it is that of all later waves given the first so many.
        """
