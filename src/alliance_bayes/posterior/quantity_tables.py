"""Every derived quantity of a posterior as one row of a table."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import xarray as xr

from ..engine.quantities import Quantity
from .summaries import interval

__all__ = ["quantity_table"]


def quantity_table(quantities: Sequence[Quantity], posterior: xr.Dataset) -> pd.DataFrame:
    """Mean, SD, and bounds of the interval of every number of these quantities, by its label."""
    arrays = [posterior.variables[each.name].transpose("chain", "draw", *each.dims) for each in quantities]
    coordinates = {str(name): labels.to_numpy().tolist() for name, labels in posterior.coords.items()}
    labels = [label for quantity in quantities for label in quantity.labels(coordinates)]
    values = np.concatenate([array.to_numpy().reshape(*array.shape[:2], -1) for array in arrays], axis=2)
    draws = xr.DataArray(values, dims=("chain", "draw", "quantity"))
    lower, upper = interval(draws, "chain", "draw")
    return pd.DataFrame(
        {
            "mean": values.mean(axis=(0, 1)),
            "sd": values.std(axis=(0, 1), ddof=1),
            "lower": lower.to_numpy(),
            "upper": upper.to_numpy(),
        },
        index=pd.Index(labels, name="quantity"),
    )
