"""How strong measured things are, as a yardstick for hidden ones."""

import numpy as np
import pandas as pd

from ..basics.names import lagged_path
from .counterfactual_plan import CounterfactualPlan
from .mediated_effects import MediatedDynamics

__all__ = ["benchmarks_of_counterfactual", "benchmarks_of_dynamics", "outcome_sd"]

N_DRAWS = 50


def benchmarks_of_dynamics(basis: MediatedDynamics, mediator: str) -> dict[str, tuple[float, float]]:
    """Each other measure's correlation with the mediator, and its lagged effect on the outcome; posterior means."""
    dynamics, outcome = basis.dynamics, basis.change.outcome
    place = dynamics.measures.index(mediator)
    correlations = dynamics.correlations.mean(axis=(0, 1))[place]
    effects = dynamics.path_effects.mean(("chain", "draw"))
    others = [name for name in dynamics.measures if name not in (mediator, outcome)]
    on_outcome = {name: float(effects.sel(path=lagged_path(name, outcome))) for name in others}
    return {name: (float(correlations[dynamics.measures.index(name)]), on_outcome[name]) for name in others}


def benchmarks_of_counterfactual(plan: CounterfactualPlan) -> dict[str, tuple[float, float]]:
    """Each measured covariate's difference between the regimes and its effect on the outcome, per SD of both.

    The difference is that of the covariate, in its SDs, per unit of treatment given the mediators and
    the other covariates, by least squares among the people with all of them; only for one treatment
    that people have. The effect is the change of the outcome's expectation, in its SDs, when the
    covariate alone is one SD higher.
    """
    order, outcome = plan.simulation.order, plan.simulation.outcome
    treatments, mediators = plan.treatments, plan.mediators
    frame = order.data_of(outcome)
    if frame is None or len(treatments) != 1 or treatments[0] not in frame:
        return {}
    needed = [treatments[0], *(name for name in mediators if name in frame)]
    equation = order.equation_of(outcome)
    assert equation is not None
    found = {}
    covariates = [
        name
        for name in equation.parents_of(outcome)
        if name in order.people and name not in needed and pd.api.types.is_numeric_dtype(frame[name])
    ]
    for name in covariates:
        values = frame[name].to_numpy(float)
        others = [other for other in covariates if other != name]
        design = np.column_stack([np.ones(len(frame)), frame[[*needed, *others]].to_numpy(float)])
        difference = np.linalg.lstsq(design, (values - values.mean()) / values.std(), rcond=None)[0][1]
        effect = order.effect_of_raising(name, float(values.std()), outcome, frame, N_DRAWS)
        found[name] = (float(difference), effect / outcome_sd(plan))
    return found


def outcome_sd(plan: CounterfactualPlan) -> float:
    """SD of the observed outcome; NaN where there is none."""
    observed = plan.simulation.order.observed(plan.simulation.outcome)
    return float(np.nanstd(observed)) if observed is not None else np.nan
