"""A model on a panel: everything that follows from the two before a number is tried."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from ..names import quoted
from ..panel import Panel
from ..problems import SpecError
from ..spec.cross_lagged import CrossLagged
from .cross_lagged_system import cross_lagged_system
from .derived import Derived, derived_quantities
from .design import Design, design_of
from .identification import check_spec_against_panel
from .linear_system import PanelSystem
from .prior_scale import PriorScale, prior_scale
from .program_kernel import run_many
from .rank import indistinct_parameters
from .statistics import PatternStatistics, pattern_statistics, standardized_values

__all__ = ["PanelModel", "panel_model"]

type FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class PanelModel:
    """A model on a panel, made by `panel_model`.

    Attributes
    ----------
    spec, panel
        The two.
    design
        What the model knows of the panel besides its values.
    weights
        How often each person counts, shape ``(person,)``; None where all count once.
    """

    spec: CrossLagged
    panel: Panel
    design: Design
    weights: FloatArray | None = None

    @cached_property
    def system(self) -> PanelSystem:
        """The model as linear systems."""
        return cross_lagged_system(self.spec, self.design)

    @cached_property
    def scale(self) -> PriorScale:
        """The random variables."""
        return prior_scale(self.spec, self.design)

    @cached_property
    def derived(self) -> Derived:
        """The derived quantities."""
        return derived_quantities(self.spec, self.design)

    @cached_property
    def statistics(self) -> PatternStatistics:
        """The panel in the model's unit, as moments."""
        return pattern_statistics(self.panel, self.spec.columns, self.design, self.weights)

    @cached_property
    def centre(self) -> FloatArray:
        """Centre of each measure, or of its first indicator; shape ``(measure,)``."""
        return self.statistics.centre[self._units]

    @cached_property
    def unit(self) -> FloatArray:
        """SD that divides each measure, or its first indicator; shape ``(measure,)``."""
        return self.statistics.scale[self._units]

    @property
    def _units(self) -> list[int]:
        spec = self.spec
        return [spec.columns.index(spec.indicators.get(name, (name,))[0]) for name in spec.measures]

    def values(self, persons: npt.NDArray[np.int64] | None = None) -> FloatArray:
        """Values in the model's unit, then covariates, shape ``(person, value)``, of all persons or some positions."""
        statistics = self.statistics
        return standardized_values(
            self.panel, self.spec.columns, statistics.centre, statistics.scale, persons, self.design
        )

    def derive(self, thetas: FloatArray) -> FloatArray:
        """Derived vectors at many theta, shape ``(draw, derived)``."""
        constants = np.concatenate([self.centre, self.unit])
        inputs = np.hstack([thetas, np.broadcast_to(constants, (len(thetas), len(constants)))])
        return np.asarray(run_many(inputs, self.derived.arrays)[0])

    @cached_property
    def raw_factors(self) -> FloatArray:
        """What each parameter is multiplied by to come to the measures' own units, shape ``(parameter,)``."""
        own = zip(self.statistics.columns, self.statistics.scale.tolist(), strict=True)
        scales = {**dict(own), **self.design.scales}
        return np.array(
            [
                np.prod([scales[name] for name in parameter.times]) / np.prod([scales[name] for name in parameter.per])
                for parameter in self.system.parameters
            ]
        )

    def to_raw(self, theta: FloatArray) -> FloatArray:
        """Parameters in the measures' own units."""
        raw = theta * self.raw_factors
        return raw + self._shifts(raw)

    def from_raw(self, raw: FloatArray) -> FloatArray:
        """Parameters in the model's unit; the inverse of `to_raw`."""
        return (raw - self._shifts(raw)) / self.raw_factors

    def _shifts(self, raw: FloatArray) -> FloatArray:
        """Centres of what has a location; of an indicator, less what its measure's centre makes of it."""
        centres = dict(zip(self.statistics.columns, self.statistics.centre.tolist(), strict=True))
        names = self.system.names
        shifts = np.zeros(len(names))
        for place, parameter in enumerate(self.system.parameters):
            if parameter.located is None:
                continue
            shifts[place] = centres[parameter.located]
            if parameter.kind == "item" and self.spec.invariance not in ("configural", "weak"):
                first = self.spec.indicators[self.spec.measures[parameter.measures[0]]][0]
                loading = parameter.name.replace("item intercept", "loading")
                shifts[place] -= raw[names.index(loading)] * centres[first]
        return shifts


def panel_model(spec: CrossLagged, panel: Panel) -> PanelModel:
    """Put a model and a panel together.

    Raises
    ------
    SpecError
        If the model is not identified at these times or does not fit the panel's measures.
    """
    check_spec_against_panel(spec, panel)
    model = PanelModel(spec, panel, design_of(spec, panel))
    if spec.indicators and spec.invariance == "approximate":
        return model  # identified by its priors alone
    indistinct = indistinct_parameters(model.system, model.scale, model.design.cells)
    if indistinct:
        raise SpecError(
            f"This {spec.title} is not identified by {len(panel.times)} waves of {len(spec.measures)} measures: means "
            f"and covariances do not tell apart {quoted(indistinct, most=8)}. Use fewer free parameters "
            "(residuals='equal', lags='equal', fewer options) or more waves."
        )
    return model
