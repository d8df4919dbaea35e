"""From the scale on which priors are stated to the parameters of the linear system, and back.

Priors speak of standardised lagged effects, SDs, the ICC and partial correlations; the linear
system of raw effects and covariances. ``Phi = D Phi* D^-1`` with D the within-person SDs of the
first wave; a covariance is ``sd_j sd_k r_jk``, with the correlation matrix built from its partial
correlations row by row of its Cholesky factor (Lewandowski, Kurowicka & Joe 2009,
https://doi.org/10.1016/j.jmva.2009.04.008).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ..names import split_path
from ..spec.cross_lagged import CrossLagged
from ..spec.priors import LKJ, Beta, HalfNormal, LogNormal, Normal, Prior
from ..spec.steps import interval_names
from .kernel import compiled

__all__ = [
    "Block",
    "PriorScale",
    "PriorScaleArrays",
    "prior_scale",
    "to_prior_scale_gradient",
    "to_theta",
    "to_theta_many",
]


@dataclass(frozen=True)
class Block:
    """One random variable of the model: a named array of parameters with one prior.

    Attributes
    ----------
    name
        Name of the random variable.
    prior
        Its prior; an `LKJ` stands for the Beta priors of ``(partial correlation + 1) / 2``.
    dims
        Names of its dimensions.
    shape
        Their lengths.
    """

    name: str
    prior: Prior
    dims: tuple[str, ...]
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """Number of parameters."""
        return math.prod(self.shape)


class PriorScaleArrays(NamedTuple):
    """Layout of the prior-scale vector for the compiled functions."""

    outcome: np.ndarray
    predictor: np.ndarray
    n_measures: int
    n_innovations: int
    random_intercepts: bool


@dataclass(frozen=True, eq=False)
class PriorScale:
    """The random variables of a model, in the order in which they make one vector psi.

    Attributes
    ----------
    blocks
        Random variables, in order.
    coordinates
        Labels of every dimension the blocks use.
    arrays
        The layout, for the compiled functions.
    """

    blocks: tuple[Block, ...]
    coordinates: Mapping[str, tuple[str, ...] | tuple[float, ...]]
    arrays: PriorScaleArrays

    @property
    def size(self) -> int:
        """Length of psi."""
        return sum(block.size for block in self.blocks)

    def join(self, values: Mapping[str, np.ndarray]) -> np.ndarray:
        """Join values of the blocks, each with leading dims in common, into psi along the last axis."""
        lead = np.shape(values[self.blocks[0].name])[: -len(self.blocks[0].shape)]
        return np.concatenate(
            [np.asarray(values[block.name], dtype=float).reshape(*lead, block.size) for block in self.blocks], axis=-1
        )

    def draw(self, n_draws: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
        """Independent draws of every block from its prior, shape ``(draw, *block shape)``."""
        return {block.name: _draw(block, n_draws, rng, self.arrays.n_measures) for block in self.blocks}


def prior_scale(spec: CrossLagged, times: tuple[float, ...]) -> PriorScale:
    """Lay out the random variables of a model for waves at these times."""
    lags, priors, size = spec.lags_for(times), spec.priors, len(spec.measures)
    n_intervals, n_pairs = len(times) - 1, size * (size - 1) // 2
    free_lags = ((n_intervals, "interval"),) if lags == "free" else ()
    free_residuals = ((n_intervals, "interval"),) if spec.residuals == "free" else ()
    free_means = ((len(times), "time"),) if spec.means == "free" else ()
    blocks: list[Block] = []

    def add(name: str, prior: Prior, *dims: tuple[int, str]) -> None:
        if all(length for length, _ in dims):
            blocks.append(Block(name, prior, tuple(dim for _, dim in dims), tuple(length for length, _ in dims)))

    add("carry_over", priors.carry_over, *free_lags, (len(spec.carry_over_paths), "carry_over_path"))
    add("cross_lagged", priors.cross_lagged, *free_lags, (len(spec.cross_lagged_paths), "cross_lagged_path"))
    add("relative_total_sd", priors.total_sd, (size, "measure"))
    if spec.random_intercepts:
        add("icc", priors.icc, (size, "measure"))
        add("between_partial_unit", priors.between_correlation, (n_pairs, "pair"))
    add("within_partial_unit", priors.within_correlation, (n_pairs, "pair"))
    add("relative_innovation_sd", priors.innovation_sd, *free_residuals, (size, "measure"))
    add("innovation_partial_unit", priors.innovation_correlation, *free_residuals, (n_pairs, "pair"))
    add("relative_mean", priors.mean, *free_means, (size, "measure"))

    names = list(spec.measures)
    lagged = [
        split_path(path) or ("", "")
        for group in (spec.carry_over_paths, spec.cross_lagged_paths)
        for _ in range(n_intervals if lags == "free" else 1)
        for path in group
    ]
    return PriorScale(
        tuple(blocks),
        {
            "interval": interval_names(times),
            "time": times,
            "measure": tuple(names),
            "outcome": tuple(names),
            "predictor": tuple(names),
            "carry_over_path": spec.carry_over_paths,
            "cross_lagged_path": spec.cross_lagged_paths,
            "pair": tuple(f"{names[column]}, {names[row]}" for row in range(size) for column in range(row)),
        },
        PriorScaleArrays(
            outcome=np.array([names.index(outcome) for _, outcome in lagged], dtype=np.int64),
            predictor=np.array([names.index(predictor) for predictor, _ in lagged], dtype=np.int64),
            n_measures=size,
            n_innovations=n_intervals if spec.residuals == "free" else 1,
            random_intercepts=spec.random_intercepts,
        ),
    )


def _draw(block: Block, n_draws: int, rng: np.random.Generator, n_measures: int) -> np.ndarray:
    shape = (n_draws, *block.shape)
    match block.prior:
        case Normal(mean, sd) if block.name == "carry_over":
            return _draw_inside(mean, sd, shape, rng)
        case Normal(mean, sd):
            return rng.normal(mean, sd, shape)
        case HalfNormal(sd):
            return np.abs(rng.normal(0.0, sd, shape))
        case LogNormal(log_mean, log_sd):
            return np.exp(rng.normal(log_mean, log_sd, shape))
        case Beta(alpha, beta):
            return rng.beta(alpha, beta, shape)
        case LKJ() as lkj:
            shapes = np.broadcast_to(lkj.partial_shapes(n_measures), shape)
            return np.asarray(rng.beta(shapes, shapes))


def _draw_inside(mean: float, sd: float, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    from scipy.special import ndtr, ndtri

    lower, upper = ndtr((-1 - mean) / sd), ndtr((1 - mean) / sd)
    return np.asarray(mean + sd * ndtri(rng.uniform(lower, upper, shape)))


@compiled
def _factor_of(units, size):
    """Cholesky factor of the correlation matrix with these partial correlations, mapped to (0, 1)."""
    factor = np.zeros((size, size))
    entry = 0
    for row in range(size):
        left = 1.0
        for column in range(row):
            partial = 2.0 * units[entry] - 1.0
            factor[row, column] = partial * left
            left *= math.sqrt(1.0 - partial * partial)
            entry += 1
        factor[row, row] = left
    return factor


@compiled
def _write_covariance(sd, factor, theta, start):
    """Covariances sd_j sd_k r_jk in the order (0, 0), (0, 1), ..., (1, 1), ..."""
    size = len(sd)
    entry = start
    for first in range(size):
        for second in range(first, size):
            correlation = 0.0
            for inner in range(first + 1):
                correlation += factor[first, inner] * factor[second, inner]
            theta[entry] = sd[first] * sd[second] * (1.0 if first == second else correlation)
            entry += 1
    return entry


@compiled
def _covariance_gradient(sd, units, factor, theta_bar, start, sd_bar, units_bar):
    """Gradient of `_write_covariance` after `_factor_of`, added to `sd_bar` and `units_bar`."""
    size = len(sd)
    factor_bar = np.zeros((size, size))
    entry = start
    for first in range(size):
        sd_bar[first] += 2.0 * theta_bar[entry] * sd[first]
        entry += 1
        for second in range(first + 1, size):
            correlation = 0.0
            for inner in range(first + 1):
                correlation += factor[first, inner] * factor[second, inner]
            slope = theta_bar[entry]
            sd_bar[first] += slope * sd[second] * correlation
            sd_bar[second] += slope * sd[first] * correlation
            slope *= sd[first] * sd[second]
            for inner in range(first + 1):
                factor_bar[first, inner] += slope * factor[second, inner]
                factor_bar[second, inner] += slope * factor[first, inner]
            entry += 1
    entry = len(units)
    for row in range(size - 1, -1, -1):
        left_bar = factor_bar[row, row]
        left = factor[row, row]
        for column in range(row - 1, -1, -1):
            entry -= 1
            partial = 2.0 * units[entry] - 1.0
            rest = math.sqrt(1.0 - partial * partial)
            left /= rest
            units_bar[entry] += 2.0 * (factor_bar[row, column] * left - left_bar * left * partial / rest)
            left_bar = factor_bar[row, column] * partial + left_bar * rest
    return 0


@compiled
def to_theta(psi: np.ndarray, layout: PriorScaleArrays):
    """Parameters of the linear system, from the prior-scale vector.

    Parameters
    ----------
    psi
        Blocks of `PriorScale`, joined; shape ``(psi,)``.
    layout
        `PriorScale.arrays`.

    Returns
    -------
    numpy.ndarray
        theta in the model's unit, shape ``(parameter,)``.
    """
    size, n_lagged = layout.n_measures, len(layout.outcome)
    n_pairs, n_covariances = size * (size - 1) // 2, size * (size + 1) // 2
    n_blocks = layout.n_innovations + (2 if layout.random_intercepts else 1)
    fixed = n_lagged + size + n_pairs + layout.n_innovations * (size + n_pairs)
    if layout.random_intercepts:
        fixed += size + n_pairs
    n_means = len(psi) - fixed
    theta = np.empty(n_lagged + n_blocks * n_covariances + n_means)

    read = n_lagged
    within = psi[read : read + size].copy()
    read += size
    write = n_lagged
    if layout.random_intercepts:
        between = np.empty(size)
        for measure in range(size):
            share = psi[read + measure]
            between[measure] = within[measure] * math.sqrt(share)
            within[measure] *= math.sqrt(1.0 - share)
        read += size
        write = _write_covariance(between, _factor_of(psi[read : read + n_pairs], size), theta, write)
        read += n_pairs
    write = _write_covariance(within, _factor_of(psi[read : read + n_pairs], size), theta, write)
    read += n_pairs
    partials = read + layout.n_innovations * size
    for _ in range(layout.n_innovations):
        factor = _factor_of(psi[partials : partials + n_pairs], size)
        write = _write_covariance(psi[read : read + size], factor, theta, write)
        read += size
        partials += n_pairs
    for mean in range(n_means):
        theta[write + mean] = psi[partials + mean]
    for lag in range(n_lagged):
        theta[lag] = psi[lag] * within[layout.outcome[lag]] / within[layout.predictor[lag]]
    return theta


@compiled
def to_prior_scale_gradient(psi: np.ndarray, theta_bar: np.ndarray, layout: PriorScaleArrays):
    """Gradient in psi, from the gradient in theta: the transpose of the Jacobian of `to_theta`."""
    size, n_lagged = layout.n_measures, len(layout.outcome)
    n_pairs, n_covariances = size * (size - 1) // 2, size * (size + 1) // 2
    psi_bar = np.zeros(len(psi))
    total = psi[n_lagged : n_lagged + size]
    within = total.copy()
    if layout.random_intercepts:
        for measure in range(size):
            within[measure] *= math.sqrt(1.0 - psi[n_lagged + size + measure])
    within_bar = np.zeros(size)
    for lag in range(n_lagged):
        outcome, predictor = layout.outcome[lag], layout.predictor[lag]
        slope = theta_bar[lag] / within[predictor]
        psi_bar[lag] = slope * within[outcome]
        within_bar[outcome] += slope * psi[lag]
        within_bar[predictor] -= slope * psi[lag] * within[outcome] / within[predictor]

    read, entry = n_lagged + size, n_lagged
    between_bar = np.zeros(size)
    if layout.random_intercepts:
        between = np.empty(size)
        for measure in range(size):
            between[measure] = total[measure] * math.sqrt(psi[read + measure])
        read += size
        units = psi[read : read + n_pairs]
        units_bar = psi_bar[read : read + n_pairs]
        _covariance_gradient(between, units, _factor_of(units, size), theta_bar, entry, between_bar, units_bar)
        read += n_pairs
        entry += n_covariances
    units = psi[read : read + n_pairs]
    _covariance_gradient(
        within, units, _factor_of(units, size), theta_bar, entry, within_bar, psi_bar[read : read + n_pairs]
    )
    read += n_pairs
    entry += n_covariances
    for measure in range(size):
        if layout.random_intercepts:
            share = psi[n_lagged + size + measure]
            root, rest = math.sqrt(share), math.sqrt(1.0 - share)
            psi_bar[n_lagged + measure] = between_bar[measure] * root + within_bar[measure] * rest
            psi_bar[n_lagged + size + measure] = (
                0.5 * total[measure] * (between_bar[measure] / root - within_bar[measure] / rest)
            )
        else:
            psi_bar[n_lagged + measure] = within_bar[measure]

    partials = read + layout.n_innovations * size
    for _ in range(layout.n_innovations):
        units = psi[partials : partials + n_pairs]
        _covariance_gradient(
            psi[read : read + size],
            units,
            _factor_of(units, size),
            theta_bar,
            entry,
            psi_bar[read : read + size],
            psi_bar[partials : partials + n_pairs],
        )
        read += size
        partials += n_pairs
        entry += n_covariances
    for mean in range(len(psi) - partials):
        psi_bar[partials + mean] = theta_bar[entry + mean]
    return psi_bar


@compiled
def to_theta_many(psis: np.ndarray, layout: PriorScaleArrays):
    """`to_theta` of every row; shape ``(draw, parameter)``."""
    first = to_theta(psis[0], layout)
    result = np.empty((len(psis), len(first)))
    for draw in range(len(psis)):
        result[draw] = to_theta(psis[draw], layout)
    return result
