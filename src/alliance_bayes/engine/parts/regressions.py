"""Linear predictors of what is yes or no: a state, an interview, an answer."""

from collections.abc import Sequence

import numpy as np

from ..keys import Key
from ..linear_system import Variable
from ..systems import SystemBuilder
from .loadings import loading_of

__all__ = ["regress"]


def regress(system: SystemBuilder, outcome: Variable, key: Key, predictors: Sequence[str], wave: int) -> None:
    """Add effects of covariates, and of measures' deviations from their means at a wave where they exist.

    A deviation is the random intercept and the within-person part together.

    `wave` is the position of the wave of the deviations.
    """
    constant = {variable.name: variable for variable in system.covariates if variable.time is None}
    for name, effect in zip(predictors, system.at(key).tolist(), strict=True):
        if name not in system.names:
            system.path(outcome, constant[name], effect)
            continue
        measure = system.names.index(name)
        if measure not in system.exists(wave):
            continue
        system.path(outcome, system.within[wave][measure], effect)
        if "intercept" in system.factors:
            loading = loading_of(system, measure, wave)
            effect = effect if loading is None else system.writer.multiply(np.array(effect), np.array(loading))
            system.path(outcome, system.factors["intercept"][measure], int(effect))
