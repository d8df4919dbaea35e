"""The log-likelihood of every person at every draw, as leaving people out needs it."""

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import xarray as xr
from measuring import CORES, Figure, Options, seconds_of, side_by_side
from panels import help_panel, spec_of
from scipy.linalg import solve_triangular
from threadpoolctl import threadpool_limits

import alliance_bayes as ab

sys.path.append(str(Path(__file__).parents[1]))
from oracles.moments import implied_moments

N_REFERENCE_DRAWS = 20


def log_likelihood(options: Options) -> Iterator[Figure]:
    """4,000 draws of HELP's 400 people, against numpy pattern by pattern (on a few draws, scaled up)."""
    panel = help_panel()
    fit = ab.fit(spec_of(panel), panel, seed=1, draws=1000, chains=4, cores=CORES, progress=False)
    groups = {name: group for name, group in fit.draws.to_dict().items() if name != "/log_likelihood"}
    bare = fit.with_draws(xr.DataTree.from_dict(groups))
    found = []

    def ours(_: int) -> float:
        return seconds_of(lambda: found.append(bare.log_likelihood()["log_likelihood"]["values"]))

    def numpys(_: int) -> float:
        with threadpool_limits(1):  # threads only get in the way of matrices of 8 x 8
            seconds = seconds_of(lambda: reference.append(_by_numpy(fit, N_REFERENCE_DRAWS)))
        return seconds * fit.n_draws / N_REFERENCE_DRAWS

    reference: list[np.ndarray] = []
    measured = side_by_side({"ours": ours, "peer": numpys}, options.repeats(5, 2))
    values = found[0].transpose("chain", "draw", "person").values.reshape(fit.n_draws, -1)
    with_values = reference[0][:, fit.model.statistics.person_pattern >= 0]
    np.testing.assert_allclose(values[:N_REFERENCE_DRAWS], with_values, rtol=1e-9, atol=1e-9)
    yield Figure(
        benchmark="log-likelihood",
        name=f"{fit.n_draws:,} draws x {values.shape[1]} people, 78 patterns",
        unit="s",
        peer="numpy, pattern by pattern",
        ratio_is="ours / peer",
        target="ours <= 2",
        measured=measured,
        note="equal to 1e-9",
    )


def _by_numpy(fit: ab.Fit, n_draws: int) -> np.ndarray:
    values = fit.panel.values.reshape(len(fit.panel.values), -1)
    n_waves = len(fit.panel.times)
    centre, scale = np.tile(fit.model.statistics.centre, n_waves), np.tile(fit.model.statistics.scale, n_waves)
    masks, codes = np.unique(~np.isnan(values), axis=0, return_inverse=True)
    found = np.zeros((n_draws, len(values)))
    for draw, theta in enumerate(fit.thetas[:n_draws]):
        mean, covariance = implied_moments(fit.model.system, theta)
        mean, covariance = centre + scale * mean, covariance * np.outer(scale, scale)
        for pattern, mask in enumerate(masks):
            if mask.any():
                people = codes.ravel() == pattern
                factor = np.linalg.cholesky(covariance[np.ix_(mask, mask)])
                scores = solve_triangular(factor, (values[people][:, mask] - mean[mask]).T, lower=True)
                constant = mask.sum() * np.log(2 * np.pi) + 2 * np.log(np.diag(factor)).sum()
                found[draw, people] = -0.5 * (constant + (scores**2).sum(axis=0))
    return found
