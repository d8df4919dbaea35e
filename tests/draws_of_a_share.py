"""Draws in which something holds with one share, counted well or hardly: 4 chains of 1,000."""

import numpy as np
import xarray as xr

N_CHAINS, N_DRAWS = 4, 1000


def holding(share, *, clumped):
    """Where it holds, dims ``(chain, draw)``.

    Draws one by one in random order have the error of independent ones. Clumped, those in which it does not hold are
    the first of each chain: the share is the same, and its Monte Carlo error several times as large.
    """
    n_others = round((1 - share) * N_DRAWS)
    holds = np.ones((N_CHAINS, N_DRAWS), dtype=bool)
    holds[:, :n_others] = False
    if not clumped:
        rng = np.random.default_rng(1)
        holds = np.array([rng.permutation(chain) for chain in holds])
    return xr.DataArray(holds, dims=("chain", "draw"))


SURE, UNSURE = holding(0.96, clumped=False), holding(0.96, clumped=True)
"""Both hold with the share .96; only the first reaches .95 with two Monte Carlo errors to spare."""
