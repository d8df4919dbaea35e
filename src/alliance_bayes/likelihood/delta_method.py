"""SDs, correlations and effects that follow from the estimates, with standard errors by the delta method."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.special import ndtri

from ..engine.model_on_panel import PanelModel

__all__ = ["derived_estimates"]

# Central differences: the error of rounding, 1e-16 over the width, and that of the curve, its square, are below 1e-9.
WIDTH = 1e-5


def derived_estimates(
    model: PanelModel, theta: np.ndarray, covariance: np.ndarray, names: Sequence[str]
) -> pd.DataFrame:
    """Estimates, standard errors and normal 95 % intervals of derived quantities.

    Parameters
    ----------
    model
        The model on its panel.
    theta, covariance
        Estimates in the model's unit, and their covariance.
    names
        Derived quantities.

    Returns
    -------
    pandas.DataFrame
        Indexed by quantity and coordinates, as in draws; ``estimate``, ``se``, ``lower``, ``upper``. NaN where a
        variance is below 0, which has no SD.
    """
    widths = WIDTH * np.maximum(1.0, np.abs(theta))
    moved = model.derive(np.concatenate([theta + np.diag(widths), theta - np.diag(widths)]))
    jacobian = (moved[: len(theta)] - moved[len(theta) :]) / (2 * widths[:, None])
    estimates = model.derive(theta[None])[0]
    errors = np.sqrt(np.sum(jacobian * (covariance @ jacobian), axis=0))
    margin = ndtri(0.975) * errors
    table = pd.DataFrame(
        {"estimate": estimates, "se": errors, "lower": estimates - margin, "upper": estimates + margin},
        index=pd.Index(
            [label for each in model.derived.quantities for label in each.labels(model.scale.coordinates)],
            name="quantity",
        ),
    )
    chosen = [np.arange(model.derived.size)[model.derived[name].where] for name in names]
    return table.iloc[np.concatenate(chosen)]
