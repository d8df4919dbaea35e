"""Priors under which hardly any draw of the parameters is a model."""

from case import Case

import alliance_bayes as ab

PANEL = ab.Panel.from_moments(
    measures=["x", "y"],
    times=[0, 1, 2, 3],
    n=200,
    means=[[0, 0]] * 4,
    covariance=[[1 + 0.5 * (i == j) for j in range(8)] for i in range(8)],
)


def _fit(**priors):
    return lambda _: ab.fit(ab.STARTS(["x", "y"], priors=ab.Priors(**priors)), PANEL, seed=1)


CASES = [
    Case(
        "a prior that is never proper",
        _fit(cross_lagged=ab.Normal(5, 0.01)),
        ("The prior hardly ever gives a proper model: 0 of 400,000 draws", "narrower and nearer 0"),
        ab.SpecError,
    ),
]
