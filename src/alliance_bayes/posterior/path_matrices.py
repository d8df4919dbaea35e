"""Lagged effects by path as matrices of outcome and predictor, and back."""

from collections.abc import Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..basics.names import lagged_paths

__all__ = ["by_path", "path_matrices"]

type Array = NDArray[np.float64]


def path_matrices(effects: xr.DataArray, measures: Sequence[str]) -> Array:
    """Effects of the dim ``path`` as matrices, shape ``(*other dims, outcome, predictor)``.

    Examples
    --------
    >>> effects = xr.DataArray([1.0, 2.0, 3.0, 4.0], {"path": ["x -> x", "x -> y", "y -> x", "y -> y"]}, "path")
    >>> path_matrices(effects, ["x", "y"])
    array([[1., 3.],
           [2., 4.]])
    """
    ordered = effects.sel(path=list(lagged_paths(measures))).transpose(..., "path")
    values: Array = ordered.to_numpy()
    return values.reshape(*values.shape[:-1], len(measures), len(measures))


def by_path(matrices: Array, measures: Sequence[str], *dims: str, **coordinates: object) -> xr.DataArray:
    """Matrices with the dims ``(*dims, outcome, predictor)`` as effects with the dims ``(*dims, path)``.

    Examples
    --------
    >>> by_path(np.array([[[1.0, 3.0], [2.0, 4.0]]]), ["x", "y"], "draw").sel(path="x -> y").to_numpy()
    array([2.])
    """
    flat = matrices.reshape(*matrices.shape[:-2], len(measures) ** 2)
    return xr.DataArray(flat, {**coordinates, "path": list(lagged_paths(measures))}, (*dims, "path"))
