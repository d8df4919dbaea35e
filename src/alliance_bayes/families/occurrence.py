"""Whether something occurs whose linear predictor is a logit: a state, an interview, an answer. No family of measures.

Its density has no parameters: ``P(1) = logistic(eta)``.
"""

from typing import Any

import numpy as np

from ..basics.compiled import in_place
from .family import Density, Numbers, Parts
from .special import log_logistic

__all__ = ["DENSITIES", "log_densities"]


@in_place
def log_densities(values, eta, result):
    """Log density of each value, 0 or 1, at each linear predictor; see `registry`."""
    for row in range(len(values)):
        sign = 1.0 if values[row] > 0.0 else -1.0
        for node in range(len(eta)):
            result[row, node] = log_logistic(sign * eta[node])


def _symbolic(value: np.ndarray, size: np.ndarray) -> Parts:
    import pytensor.tensor as pt

    def density(value: np.ndarray, size: np.ndarray, number: Numbers, eta: Any) -> Any:
        return -pt.softplus((1 - 2 * value) * eta)

    yield value >= 0, density


DENSITIES = {"occurrence": Density(_symbolic)}
