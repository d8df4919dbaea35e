"""Derived SDs, correlations and effects, with standard errors by the delta method."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.special import ndtri

from ..engine.model_on_panel import PanelModel
from .estimates import Estimates

__all__ = ["derived_estimates"]

# Central differences: the rounding error, 1e-16 / width, and the truncation error, width squared, are below 1e-9.
WIDTH = 1e-5


def derived_estimates(model: PanelModel, estimates: Estimates, names: Sequence[str]) -> pd.DataFrame:
    """`MaximumLikelihood.summary` of these derived quantities."""
    theta = estimates.theta
    widths = WIDTH * np.maximum(1.0, np.abs(theta))
    moved = model.derive(np.concatenate([theta + np.diag(widths), theta - np.diag(widths)]))
    jacobian = (moved[: len(theta)] - moved[len(theta) :]) / (2 * widths[:, None])
    values = model.derive(theta[None])[0]
    errors = np.sqrt(np.sum(jacobian * (estimates.covariance @ jacobian), axis=0))
    margin = ndtri(0.975) * errors
    table = pd.DataFrame(
        {"estimate": values, "se": errors, "lower": values - margin, "upper": values + margin},
        index=pd.Index(
            [label for quantity in model.derived.quantities for label in quantity.labels(model.scale.coordinates)],
            name="quantity",
        ),
    )
    chosen = [np.arange(model.derived.size)[model.derived[name].where] for name in names]
    return table.iloc[np.concatenate(chosen)]
