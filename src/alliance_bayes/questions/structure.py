"""Effects that are 0 by construction: no way along the paths of the model leads from one measure to the other."""

from collections.abc import Callable, Hashable, Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..basics.names import ARROW, lagged_path, quoted
from ..basics.problems import Problems
from ..figures.bars import Bar
from ..posterior.posterior import Posterior
from ..spec.cross_lagged import CrossLagged
from ..spec.steps import interval_names, steps_per_interval
from .cells import probabilities

__all__ = [
    "FIXED",
    "check_free",
    "fixed_intervals",
    "free_paths",
    "labelled_bars",
    "leads",
    "signless",
    "signs",
    "some_way",
    "with_fixed",
]

type Flags = NDArray[np.bool_]

FIXED = "0 by construction"


def free_paths(spec: CrossLagged) -> Flags:
    """Which lagged paths the model has, shape ``(outcome, predictor)``."""
    paths, measures = set(spec.paths), spec.measures
    return np.array([[f"{cause}{ARROW}{effect}" in paths for cause in measures] for effect in measures])


def leads(free: Flags, n_steps: int | None) -> Flags:
    """Whether some way of exactly so many steps leads from a predictor to an outcome, shape ``(outcome, predictor)``.

    None stands for the paths of a drift, which act at every moment, so that ways have any number of steps.

    Examples
    --------
    >>> free = np.array([[True, False, False], [True, False, False], [False, True, False]])
    >>> leads(free, 1)[2].tolist(), leads(free, 2)[2].tolist(), leads(free, None)[2].tolist()
    ([False, True, False], [True, False, False], [True, True, True])
    """
    size = len(free)
    step = free | np.eye(size, dtype=bool) if n_steps is None else free
    reached = np.eye(size, dtype=bool)
    for _ in range(size if n_steps is None else n_steps):
        reached = step @ reached
    return reached


def some_way[Seen: Hashable](
    free: Flags,
    cause: int,
    effect: int,
    n_steps: int | None,
    start: Seen,
    follow: Callable[[Seen, int, int], Seen],
    counts: Callable[[Seen], bool],
) -> bool:
    """Whether some way of so many steps, as in `leads`, counts for an effect.

    What is known of a way begins with `start`; `follow` says what is known after one more step, given what was known, a
    predictor and an outcome; and `counts` whether a complete way counts.
    """
    step = free | np.eye(len(free), dtype=bool) if n_steps is None else free
    after = {at: np.flatnonzero(step[:, at]).tolist() for at in range(len(free))}
    reached, n_taken = {(cause, start)}, 0
    while n_steps is None or n_taken < n_steps:
        further = {(to, follow(seen, at, to)) for at, seen in reached for to in after[at]}
        if further == reached:
            break  # every further step leads to the same
        reached, n_taken = further, n_taken + 1
    return any(at == effect and counts(seen) for at, seen in reached)


def fixed_intervals(fit: Posterior, path: tuple[str, str]) -> tuple[str, ...]:
    """Intervals over which the effect of a predictor on an outcome is 0 by construction."""
    spec, times = fit.spec, fit.panel.times
    lags, free = spec.lags_for(times), free_paths(spec)
    steps: list[int | None] = [1] * len(fit.panel.intervals)
    if lags == "continuous":
        steps = [None] * len(steps)
    elif lags == "grid":
        steps = list(steps_per_interval(times))
    predictor, outcome = (spec.measures.index(name) for name in path)
    led = [bool(leads(free, n_steps)[outcome, predictor]) for n_steps in steps]
    return tuple(name for name, way in zip(interval_names(times), led, strict=True) if not way)


def check_free(fit: Posterior, path: tuple[str, str], problems: Problems) -> None:
    """Note an effect that is 0 by construction over some interval although the model has its path."""
    fixed = fixed_intervals(fit, path)
    if fixed and lagged_path(*path) in fit.spec.paths:
        problems.add(
            f"'{lagged_path(*path)}' is {FIXED} over {quoted(fixed)}, since no path of that many steps connects them "
            f"(fixed at 0: {', '.join(fit.spec.remove)}). Free paths of a measure on itself."
        )


def with_fixed(table: pd.DataFrame, fixed: Flags, columns: tuple[str, ...]) -> pd.DataFrame:
    """The table with a column ``fixed``, and without the probabilities of effects that are 0 by construction."""
    blanked = table.assign(**{name: table[name].mask(fixed) for name in columns})
    return blanked.assign(fixed=fixed)


def labelled_bars(table: pd.DataFrame) -> list[tuple[str, Bar]]:
    """Effects with their intervals for a figure, which says of those that are 0 by construction that they are."""
    return [
        (f"{name}, {FIXED}" if row["fixed"] else str(name), Bar(row["mean"], row["lower"], row["upper"]))
        for name, row in table.iterrows()
    ]


def signs(table: pd.DataFrame, n_draws: int) -> list[str]:
    """Probability that each effect of a table is positive, or that it is 0 by construction."""
    without = table["no_sign"] if "no_sign" in table else [0.0] * len(table)
    cells = probabilities(table["p_positive"], n_draws, without)
    return [FIXED if fixed else cell for fixed, cell in zip(table["fixed"], cells, strict=True)]


def signless(shares: Mapping[str, tuple[float, float]]) -> tuple[str, ...]:
    """A sentence where effects have no sign in some draws: shares of the posterior's and the prior's, by effect."""
    sentences = [
        f"{name} in {100 * after:.3g} % of the posterior's"
        + (f" and {100 * before:.3g} % of the prior's" if before else "")
        for name, (after, before) in shares.items()
        if after > 0 or before > 0
    ]
    if not sentences:
        return ()
    return (
        "No sign is known in draws where an effect is exactly 0 (smaller than any number) or has no value: "
        f"{'; '.join(sentences)}. P(effect > 0) is that of the other draws, and undefined where they are hardly any.",
    )
