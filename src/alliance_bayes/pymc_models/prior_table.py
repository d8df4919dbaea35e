"""Blocks of priors as the table that one compiled function interprets: what a sampler draws, without a graph."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.special import betaln, ndtr

from ..basics.distributions import LKJ, Beta, HalfNormal, LogNormal, Normal
from ..engine.kernels.arrays import BETA, HALF_NORMAL, INTERVAL, LOG, LOG_NORMAL, NORMAL, UNTRANSFORMED, PriorTable
from ..engine.model_on_panel import PanelModel
from ..engine.prior_scale import Block

__all__ = ["coordinates_of", "prior_table"]

HALF_LOG_2_PI = 0.5 * np.log(2 * np.pi)


def prior_table(blocks: Sequence[Block]) -> PriorTable:
    """Families, transforms and parameters of the random variables, one row for each unconstrained number.

    A variable above 0 is sampled by its logarithm, one between bounds by its log-odds there, as PyMC does.
    """
    tables = [_rows(block) for block in blocks]
    return PriorTable(*(np.concatenate(columns) for columns in zip(*tables, strict=True)))


def _rows(block: Block) -> PriorTable:
    shape = block.shape
    first: Any = 0.0
    second: Any = 1.0
    lower, upper, transform = 0.0, 0.0, UNTRANSFORMED
    match block.prior:
        case Normal(mean, sd):
            family, first, second = NORMAL, mean, sd
            constant = -HALF_LOG_2_PI - np.log(sd)
            if block.bounds is not None:
                transform, (lower, upper) = INTERVAL, block.bounds
                constant = constant - np.log(ndtr((upper - mean) / sd) - ndtr((lower - mean) / sd))
        case HalfNormal(sd):
            family, transform, first = HALF_NORMAL, LOG, sd
            constant = np.log(2) - HALF_LOG_2_PI - np.log(sd)
        case LogNormal(mean, sd):
            family, transform, first, second = LOG_NORMAL, LOG, mean, sd
            constant = -HALF_LOG_2_PI - np.log(sd)
        case LKJ() | Beta():
            family, transform, (first, second) = BETA, INTERVAL, block.beta_shapes
            upper, constant = 1.0, -betaln(first, second)

    def column(values: object, kind: type) -> np.ndarray:
        return np.broadcast_to(np.asarray(values, dtype=kind), shape).ravel()

    return PriorTable(
        family=column(family, np.int64),
        transform=column(transform, np.int64),
        first=column(first, float),
        second=column(second, float),
        lower=column(lower, float),
        upper=column(upper, float),
        constant=column(constant, float),
    )


def coordinates_of(model: PanelModel) -> dict[str, list[Any]]:
    """Labels of every dim of the random variables and derived quantities, and of the measures."""
    every = (
        ("measure",),
        *(block.dims for block in model.scale.blocks),
        *(each.dims for each in model.derived.quantities),
    )
    used = {dim for dims in every for dim in dims}
    return {name: list(labels) for name, labels in model.scale.coordinates.items() if name in used}
