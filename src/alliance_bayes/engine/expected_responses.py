"""G-computation in a panel model: expected responses, averaged over people, as they are and with a measure raised."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..families.expectations import expectations, has_zero, ratio_of_a_person
from .kernels.interpreter import run
from .latent.family_layout import response_sizes
from .linear_system import Variable
from .model_on_panel import PanelModel

__all__ = ["Raised", "raised_expectations"]

type FloatArray = npt.NDArray[np.float64]

NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(61)
WEIGHTS = WEIGHTS / WEIGHTS.sum()


@dataclass(frozen=True)
class Raised:
    """Expectations of one outcome at one wave, for one set of parameters.

    Attributes
    ----------
    as_it_is, raised
        Each expectation by its name, averaged over people.
    of_a_person
        Name and value of the ratio that is the same for everybody, where the family has one.
    has_zero
        Whether values have a natural 0, so that ratios of means mean something.
    """

    as_it_is: Mapping[str, float]
    raised: Mapping[str, float]
    of_a_person: tuple[str, float] | None
    has_zero: bool


class People:
    """Covariates and window of the people of a panel at one wave, alike ones once with their share."""

    def __init__(self, model: PanelModel, outcome: str, wave: int) -> None:
        known = model.design.covariate_values
        rows = np.zeros((model.panel.n_persons, 0)) if known is None else known
        family = model.spec.random_families.get(outcome)
        sizes = np.zeros(len(rows)) if family is None else response_sizes(outcome, family, model.panel)[:, wave]
        rows = np.column_stack([sizes, rows])[~np.isnan(sizes)]
        alike, counts = np.unique(rows, axis=0, return_counts=True)
        self.sizes, self.covariates, self.shares = alike[:, 0], alike[:, 1:], counts / counts.sum()


class Expectations:
    """What a measure raised at one wave does to the expectation of another at a later one."""

    def __init__(self, model: PanelModel, predictor: str, outcome: str, waves: tuple[int, int]) -> None:
        self.model, self.people = model, People(model, outcome, waves[1])
        (linear,) = model.system.systems
        index, times = model.spec.measures.index(outcome), model.design.cells[0].times
        self.linear, self.index = linear, index
        self.cause = linear.variables.index(Variable("within", predictor, times[waves[0]]))
        self.effect = linear.observed[waves[1] * len(model.spec.measures) + index]
        self.covariates = list(linear.observed[len(linear.observed) - model.system.n_covariates :])
        self.centre, self.unit = float(model.centre[index]), float(model.unit[index])

    def at(self, theta: FloatArray, amount: float | None) -> Raised:
        """At one theta, the measure raised by an amount in the model's unit, or by its within-person SD."""
        registers, _ = run(theta, self.model.system.structure_arrays)
        paths, disturbances, intercepts = self.linear.matrices(registers)
        spread = np.linalg.inv(np.eye(len(paths)) - paths)
        cause, effect = spread[self.cause], spread[self.effect]
        raised_by = float(np.sqrt(cause @ disturbances @ cause)) if amount is None else amount
        shift = float(effect[self.cause]) * raised_by
        given = effect[self.covariates]
        means = effect @ intercepts + self.people.covariates @ given
        sd = np.sqrt(max(effect @ disturbances @ effect - given @ given, 0.0))
        predictors = means[:, None] + sd * NODES
        over_people = self.people.shares[:, None] * WEIGHTS
        family = self.model.spec.random_families.get(self.model.spec.measures[self.index])
        if family is None:
            mean = float((over_people * predictors).sum())
            in_units = {"mean": self.centre + self.unit * mean}, {"mean": self.centre + self.unit * (mean + shift)}
            return Raised(*in_units, None, False)
        families = self.model.families
        phi = self.model.predictor_moments(theta)[2][families.starts[self.index][0] :][: len(family.parameters)]
        sizes = np.broadcast_to(self.people.sizes[:, None], predictors.shape)
        as_it_is, raised = (
            {
                name: float((over_people * values).sum())
                for name, values in expectations(family, phi, eta, sizes).items()
            }
            for eta in (predictors, predictors + shift)
        )
        ratio = ratio_of_a_person(family, phi)
        of_a_person = None if ratio is None else (ratio[0], float(np.exp(ratio[1] * shift)))
        return Raised(as_it_is, raised, of_a_person, has_zero(family))


def raised_expectations(
    model: PanelModel, thetas: FloatArray, path: tuple[str, str], waves: tuple[int, int], amount: float | None
) -> list[Raised]:
    """Expectations of an outcome at a wave, were a predictor higher at an earlier one, at many theta.

    With eta the outcome's linear predictor, normal over people given their covariates as the model implies,
    ``E f(eta)`` and ``E f(eta + F d)`` are worked out by Gauss-Hermite quadrature, f the family's expectation, F the
    total effect of the predictor's within-person part, and d what it is raised by; then averaged over the covariates,
    windows and exposures of the people of the panel.
    """
    expected = Expectations(model, *path, waves)
    return [expected.at(theta, amount) for theta in thetas]
