"""The chi-square against the saturated model, corrected for few people."""

import numpy as np

from .maximum_likelihood import MaximumLikelihood
from .saturated import cell_patterns, sizes_of

__all__ = ["swain_factor"]


def swain_factor(maximum: MaximumLikelihood) -> float:
    """What a chi-square is multiplied by so that it has about its mean where the model is right [1]_.

    ``1 - (p (2 p^2 + 3 p - 1) - q (2 q^2 + 3 q - 1)) / (12 df n)``: p values of a person, q how many would have as many
    variances and covariances as the model has parameters for them (every degree of freedom counts as one of these), n
    people less one and less the covariates. Of people with missing values their observed share counts [2]_. Groups
    share the degrees of freedom equally.

    References
    ----------
    .. [1] Swain (1975), see Herzog & Boomsma (2009). Small-sample robust estimators of noncentrality-based and
       incremental model fit. Structural Equation Modeling 16, 1-27.
    .. [2] McNeish & Harring (2017). Correcting model fit criteria for small sample latent growth models with incomplete
       data. Educational and Psychological Measurement 77, 990-1018. https://doi.org/10.1177/0013164416661824
    """
    model, sizes = maximum.model, sizes_of(maximum.model)
    df, n_covariates = maximum.df / len(sizes), model.system.n_covariates
    excesses = []
    for cell, p in enumerate(sizes):
        patterns = cell_patterns(model, cell)
        n = float(patterns.people @ (patterns.size - n_covariates)) / p - 1 - n_covariates
        q = (np.sqrt(max(1 + 4 * p * (p + 1) - 8 * df, 1)) - 1) / 2
        excesses.append((_cubic(p) - _cubic(q)) / (12 * df * n))
    return 1 - float(np.mean(excesses))


def _cubic(size: float) -> float:
    return size * (2 * size**2 + 3 * size - 1)
