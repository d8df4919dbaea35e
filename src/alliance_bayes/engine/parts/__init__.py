"""The parts of a model: each says everything about one of them."""

from .accumulating_factors import AccumulatingFactors
from .covariates import Covariates
from .families import Families
from .first_wave import FirstWave
from .groups import Groups
from .indicators import Indicators
from .innovations import Innovations
from .lagged_effects import LaggedEffects
from .loadings import Loadings
from .means import Means
from .measurement_error import MeasurementError
from .moderation import Moderation
from .part import Part
from .random_intercepts import RandomIntercepts
from .second_lag import SecondLag
from .selection import Selections
from .state import State

__all__ = ["PARTS", "Part"]

PARTS: tuple[Part, ...] = (
    Groups(),
    LaggedEffects(),
    SecondLag(),
    Moderation(),
    RandomIntercepts(),
    AccumulatingFactors(),
    FirstWave(),
    Innovations(),
    MeasurementError(),
    Loadings(),
    Indicators(),
    Covariates(),
    Means(),
    State(),
    Selections(),
    Families(),
)
"""In the order of their parameters and of their random variables."""
