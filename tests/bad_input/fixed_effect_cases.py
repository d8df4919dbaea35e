"""Questions about effects that a model fixes at 0."""

import numpy as np
from case import Case

import alliance_bayes as ab
from fabricated import fabricated_fit


def _fit(lags, remove, times=(0, 3, 6, 9)):
    def made():
        spec = ab.RICLPM(["x", "m", "y"], lags=lags, remove=remove)
        return fabricated_fit(np.zeros((3, 3)), times=times, spec=spec)

    return made


WITHOUT_MEDIATION = _fit("equal", ["x -> m"])
WITHOUT_CARRY_OVER = _fit("grid", ["x -> x", "y -> y", "m -> m", "x -> m", "m -> x", "m -> y"], (0, 1, 3, 4))

CASES = [
    Case(
        "indirect effect without a way",
        lambda _: ab.mediation(WITHOUT_MEDIATION(), treatment="x", mediators=["m"], outcome="y", horizon=6),
        ("No path leads from 'x' through 'm' to 'y'", "the indirect effect is 0 by construction", "x -> m"),
        ab.SpecError,
    ),
    Case(
        "path without a way",
        lambda _: ab.mediation(
            WITHOUT_MEDIATION(), treatment="x", mediators=["m"], outcome="y", horizon=6, paths=["x -> m -> y"]
        ),
        ("The path 'x -> m -> y' is 0 by construction", "It needs 2 steps, all free"),
        ab.SpecError,
    ),
    Case(
        "direction over an interval without a way",
        lambda _: ab.directionality(WITHOUT_CARRY_OVER(), "x", "y"),
        ("'x -> y' is 0 by construction over '1 to 3'", "'y -> x' is 0 by construction", "x -> x"),
        ab.SpecError,
    ),
    Case(
        "Bayes factor of a path that is fixed",
        lambda _: ab.bayes_factors(WITHOUT_MEDIATION(), "x", "m"),
        ("'x -> m' is fixed at 0 in this model",),
        ab.SpecError,
    ),
]
