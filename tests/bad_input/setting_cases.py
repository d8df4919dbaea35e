"""Settings that cannot be used."""

from case import Case

import alliance_bayes as ab

PANEL = ab.Panel.from_moments(
    measures=["x", "y"],
    times=[0, 1, 2],
    n=200,
    means=[[0, 0]] * 3,
    covariance=[[1 + 0.5 * (i == j) for j in range(6)] for i in range(6)],
)
SPEC = ab.RICLPM(["x", "y"])


def _fit(**settings):
    return lambda _: ab.fit(SPEC, PANEL, **({"seed": 1} | settings))


CASES = [
    Case("draws 0", _fit(draws=0), ("draws must be a whole number above 0; got 0",), ab.SpecError),
    Case("target_accept 1", _fit(target_accept=1), ("target_accept must lie between 0 and 1; got 1",), ab.SpecError),
]
