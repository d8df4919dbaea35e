"""Likelihood-ratio tests of nested models, and whether one model is a special case of another."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import chdtrc

from ..engine.kernels.interpreter import run
from ..engine.kernels.moments import moments
from ..engine.statistics import patterns_of_moments
from .estimates import start_of
from .maximising import hessian_of, maximise
from .maximum_likelihood import MaximumLikelihood

__all__ = ["LikelihoodRatio", "Nesting", "likelihood_ratio", "nesting"]

type FloatArray = npt.NDArray[np.float64]

SAME_MOMENTS = 1e-7  # Kullback-Leibler divergence per person below which implied moments are the same
NO_VARIANCE = 1e-3  # share of a measure's variance below which a variance counts as 0


@dataclass(frozen=True)
class Nesting:
    """Whether the larger of two models can imply whatever the smaller one implies."""

    nested: bool | None  # None where it is not known: people have no common moments, or the covariates differ
    at_zero: tuple[str, ...] = ()  # variances of the larger model that are 0 there, a boundary of what variances can be


@dataclass(frozen=True)
class LikelihoodRatio:
    """Test of a model against a larger one.

    Attributes
    ----------
    chi_square
        Twice the difference of log-likelihoods, divided by `scaling`.
    df
        Difference of the numbers of parameters.
    p_value
        Probability of a larger chi-square where the smaller model is right; NaN where `scaling` is not above 0.
    scaling
        1, or with robust standard errors ``(df_0 c_0 - df_1 c_1) / (df_0 - df_1)``, c the scaling of each model's own
        test (Satorra and Bentler 2001).
    """

    chi_square: float
    df: int
    p_value: float
    scaling: float


def likelihood_ratio(smaller: MaximumLikelihood, larger: MaximumLikelihood) -> LikelihoodRatio:
    """Test the smaller of two nested models, scaled where standard errors are robust."""
    df = larger.n_parameters - smaller.n_parameters
    statistic = max(2 * (larger.log_likelihood - smaller.log_likelihood), 0.0)
    scaling = 1.0
    if smaller.sampling is not None:
        scaling = (_trace(larger) - _trace(smaller)) / df
    if not scaling > 0:
        return LikelihoodRatio(np.nan, df, np.nan, scaling)
    return LikelihoodRatio(statistic / scaling, df, float(chdtrc(df, statistic / scaling)), scaling)


def _trace(answer: MaximumLikelihood) -> float:
    """``tr(A^-1 B)`` of the sandwich; that of the saturated model less this is df times the scaling of its test."""
    model = answer.model
    information = hessian_of(model.system, model.statistics.arrays, answer.theta)
    return float(np.sum(information * answer.estimates.covariance))


def nesting(smaller: MaximumLikelihood, larger: MaximumLikelihood) -> Nesting:
    """Fit the larger model to the moments that the smaller one implies at its estimates [1]_.

    References
    ----------
    .. [1] Bentler & Satorra (2010). Testing model nesting and equivalence. Psychological Methods 15, 111-123.
       https://doi.org/10.1037/a0019625
    """
    if not smaller.n_parameters < larger.n_parameters:
        return Nesting(False)
    small, large = smaller.model, larger.model
    given = small.system.n_covariates
    if (
        small.design.cells != large.design.cells
        or len(large.design.cells) > large.design.n_groups
        or given not in (0, large.system.n_covariates)
        or (given and small.spec.covariates != large.spec.covariates)
    ):
        return Nesting(None)
    registers, _ = run(smaller.theta, small.system.structure_arrays)
    implied = [_reordered(smaller, larger, moments(registers, linear.arrays)) for linear in small.system.systems]
    if not all(np.linalg.eigvalsh(covariance)[0] > 0 for _, covariance in implied):
        return Nesting(None)
    people = np.add.reduceat(large.statistics.arrays.people, large.statistics.arrays.cell_start[:-1])
    arrays = patterns_of_moments(people, implied)
    most = float(
        sum(
            -0.5 * count * (len(mean) * (np.log(2 * np.pi) + 1) + np.linalg.slogdet(covariance)[1])
            for count, (mean, covariance) in zip(people, implied, strict=True)
        )
    )
    maxima = [maximise(large.system, arrays, start) for start in (start_of(large), larger.theta)]
    best = max(maxima, key=lambda maximum: maximum.log_likelihood)
    if most - best.log_likelihood > SAME_MOMENTS * float(people.sum()):
        return Nesting(False)
    return Nesting(
        True,
        tuple(
            parameter.name
            for parameter, value in zip(large.system.parameters, best.theta, strict=True)
            if parameter.is_variance and value < NO_VARIANCE
        ),
    )


def _reordered(
    smaller: MaximumLikelihood, larger: MaximumLikelihood, implied: tuple[FloatArray, FloatArray]
) -> tuple[FloatArray, FloatArray]:
    """Moments with the larger model's order of columns, and its covariates where the smaller one has none."""
    mean, covariance = implied
    ours, theirs = list(larger.spec.columns), list(smaller.spec.columns)
    n_waves = (len(mean) - smaller.model.system.n_covariates) // len(theirs)
    order = [wave * len(theirs) + theirs.index(name) for wave in range(n_waves) for name in ours]
    order += range(len(order), len(mean))
    added = larger.model.system.n_covariates - smaller.model.system.n_covariates
    extended = np.eye(len(mean) + added)  # covariates of a linear system are independent standard normals
    extended[: len(mean), : len(mean)] = covariance[np.ix_(order, order)]
    return np.append(mean[order], np.zeros(added)), extended
