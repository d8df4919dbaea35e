"""How a question of mediation will be answered: checked against the fit, its effects over which steps."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..basics.given import shown
from ..basics.names import ARROW, choices, in_words, number, quoted
from ..basics.problems import Problems, SpecError
from ..posterior.fitting import Fit
from ..posterior.imputations import imputation_of_chains
from ..spec.steps import MOST_AHEAD
from .arguments import check_certainty, check_margin
from .dynamics import (
    OTHER_WAYS,
    SEVERAL,
    Dynamics,
    Timing,
    base_effects,
    drift_effects,
    interval_effects,
    lags_of,
    not_followed,
    sds_at,
    standardized,
    standardized_innovations,
    through_alone,
    wave_of,
)
from .structure import FIXED, free_paths, some_way

__all__ = ["Plan", "dynamics_of", "fixed_of", "plan_of"]

N_TIMES = 61

type Array = NDArray[np.float64]


@dataclass(frozen=True)
class Plan:
    """How a question will be answered: which effects, over how many steps, from which wave."""

    timing: Timing
    step: float
    n_steps: int
    intervals: tuple[int, ...] | None
    wave: int
    start: float
    horizon: float
    paths: tuple[str, ...]


def plan_of(
    problems: Problems,
    fit: Fit,
    treatment: str,
    mediators: tuple[str, ...],
    outcome: str,
    horizon: float,
    start: float | None,
    change: str,
    timing: str | None,
    paths: tuple[str, ...],
    margin: float,
    certainty: float,
) -> Plan:
    """Settle how the question is answered, or raise one `SpecError` with all problems, those found so far too."""
    for problem in not_followed(fit):
        problems.add(problem)
    _check_measures(fit, treatment, mediators, outcome, problems)
    measures_are_known = not problems.found
    canonical = _canonical(paths, treatment, mediators, outcome, problems)
    if change not in ("pulse", "sustained"):
        problems.add(f"change must be 'pulse' or 'sustained'; got {shown(change)}.")
    check_margin(margin, problems)
    check_certainty(certainty, problems)
    wave = 0 if start is None else wave_of(fit, start)
    if wave is None:
        problems.add(f"start={start!r} is not a wave. Waves: {quoted(map(number, fit.panel.times))}.")
    plan = _steps(fit, horizon, wave or 0, timing, canonical, problems)
    if plan is not None and measures_are_known and len(canonical) == len(paths):
        _check_structure(fit, plan, treatment, mediators, outcome, change == "sustained", problems)
    problems.raise_as(SpecError)
    assert plan is not None
    return plan


_NOT_DEFINED = (
    "'{mediator}' exists only where there is '{state}', so what it would be without it, and with it the direct and "
    "indirect effect of '{state}' through '{mediator}', is not defined. Ask ab.split_by_existence, which holds "
    "'{mediator}' at reference values among those who have it, and shifts it."
)


def _check_measures(fit: Fit, treatment: str, mediators: tuple[str, ...], outcome: str, problems: Problems) -> None:
    measures = fit.spec.measures
    if len(measures) < 3:
        problems.add(
            f"The model has only {quoted(measures)}: with two measures nothing can lie between them. "
            "Fit a model of three or more."
        )
    named = (treatment, *mediators, outcome)
    undefined = [name for name in mediators if fit.panel.requires.get(name) == treatment]
    for name in undefined:
        problems.add(_NOT_DEFINED.format(mediator=name, state=treatment))
    for name in dict.fromkeys(named):
        if name not in measures and not (undefined and name == treatment):
            problems.add(f"The model has no measure '{name}'{choices(name, measures, 'Measures')}")
    if not mediators:
        problems.add("No mediator was named; pass mediators=['...'].")
    repeated = sorted({name for name in named if named.count(name) > 1})
    if repeated:
        problems.add(f"Treatment, mediators and outcome must all differ; named twice: {quoted(repeated)}.")


def _canonical(
    paths: tuple[str, ...], treatment: str, mediators: tuple[str, ...], outcome: str, problems: Problems
) -> tuple[str, ...]:
    canonical = []
    for path in paths:
        nodes = [part.strip() for part in path.split("->")]
        if len(nodes) < 2 or nodes[0] != treatment or nodes[-1] != outcome:
            problems.add(
                f"The path '{path}' must lead from '{treatment}' to '{outcome}', such as "
                f"'{ARROW.join((treatment, *mediators[:1], outcome))}'."
            )
        elif len(set(nodes)) < len(nodes):
            problems.add(f"The path '{path}' visits a measure twice; carry-over is counted without being written.")
        elif strangers := [name for name in nodes[1:-1] if name not in mediators]:
            problems.add(
                f"The path '{path}' runs through {quoted(strangers)}, not named as a mediator. "
                f"Mediators: {quoted(mediators)}."
            )
        elif ARROW.join(nodes) in canonical:
            problems.add(f"The path '{path}' is asked for twice.")
        else:
            canonical.append(ARROW.join(nodes))
    return tuple(canonical)


def _steps(
    fit: Fit, horizon: float, wave: int, timing: str | None, paths: tuple[str, ...], problems: Problems
) -> Plan | None:
    times, lags = fit.panel.times, lags_of(fit)
    kind: Timing = (
        "continuous" if (timing or ("continuous" if lags == "continuous" else "waves")) != "waves" else "waves"
    )
    if timing not in (None, "waves", "continuous"):
        problems.add(f"timing must be 'waves' or 'continuous'; got {shown(timing)}.")
        return None
    if kind == "continuous" and lags != "continuous":
        problems.add(
            f"This model (lags='{lags}') says nothing between its steps, so mediators cannot be held at every moment. "
            "Leave timing open, or fit lags='continuous'."
        )
        return None
    if horizon <= 0:
        problems.add(f"horizon must be a time above 0, in the panel's units; got {shown(horizon)}.")
        return None
    start = times[wave]
    if kind == "continuous":
        step = min(fit.panel.intervals)
        return Plan(kind, step, N_TIMES - 1, None, wave, start, float(horizon), paths)
    base = base_effects(fit)
    if base is None and lags == "continuous":
        problems.add("The intervals have no common step, so there is no grid of waves. Ask with timing='continuous'.")
        return None
    if base is None:
        return _observed_steps(fit, horizon, wave, paths, problems)
    step = base[1]
    n_steps = round(horizon / step)
    if n_steps < 1 or not np.isclose(n_steps * step, horizon, rtol=1e-9):
        near = sorted({max(2, int(horizon // step)) * step, max(2, int(horizon // step) + 1) * step})
        problems.add(
            f"horizon={number(horizon)} is not a whole number of steps of {number(step)}; "
            f"try {' or '.join(map(number, near))}."
        )
        return None
    if n_steps > MOST_AHEAD:
        problems.add(
            f"horizon={number(horizon)} is {n_steps:.3g} steps of {number(step)}; ask for at most {MOST_AHEAD:,} of "
            "them."
        )
        return None
    if n_steps == 1:
        problems.add(_ONE_STEP.format(horizon=number(horizon), try_=f"Ask for {number(2 * step)} or more."))
        return None
    return Plan(kind, step, n_steps, None, wave, start, float(horizon), paths)


_ONE_STEP = (
    "horizon={horizon} is one step: over it every indirect effect is 0 by construction, since a mediator needs a step "
    "of its own. {try_}"
)


def _observed_steps(fit: Fit, horizon: float, wave: int, paths: tuple[str, ...], problems: Problems) -> Plan | None:
    times = fit.panel.times
    start = times[wave]
    end = wave_of(fit, start + horizon)
    reachable = [number(time - start) for time in times[wave + 2 :]]
    hint = (
        f"From the wave at {number(start)}, horizons are {', '.join(reachable)}."
        if reachable
        else f"From the wave at {number(start)} no two intervals follow; choose an earlier start."
    )
    if end is None or end <= wave:
        problems.add(
            f"horizon={number(horizon)} does not end at a wave, and this model has effects for the observed intervals "
            f"alone. {hint}"
        )
        return None
    if end == wave + 1:
        problems.add(_ONE_STEP.format(horizon=number(horizon), try_=hint))
        return None
    intervals = tuple(range(wave, end))
    return Plan("waves", 0.0, len(intervals), intervals, wave, start, float(horizon), paths)


def _check_structure(
    fit: Fit,
    plan: Plan,
    treatment: str,
    mediators: tuple[str, ...],
    outcome: str,
    sustained: bool,
    problems: Problems,
) -> None:
    fixed = fixed_of(fit, plan, treatment, mediators, outcome, sustained)
    why = f"over this horizon (fixed at 0: {', '.join(fit.spec.remove) or 'nothing'})"
    if "indirect" in fixed:
        problems.add(
            f"No way leads from '{treatment}' through {in_words([f"'{name}'" for name in mediators])} to '{outcome}' "
            f"{why}, so the indirect effect is {FIXED}. Free the paths, or name other mediators."
        )
    for path in plan.paths:
        if path in fixed:
            problems.add(f"The path '{path}' is {FIXED} {why}. It needs {path.count(ARROW)} steps, all free.")


def fixed_of(
    fit: Fit, plan: Plan, treatment: str, mediators: tuple[str, ...], outcome: str, sustained: bool
) -> list[str]:
    """Effects, named as by `effects_of`, that are 0 by construction at the horizon: no way counts for them."""
    measures, free = fit.spec.measures, free_paths(fit.spec)
    cause, effect = measures.index(treatment), measures.index(outcome)
    if sustained:  # nothing moves the treatment, which stays
        free[cause] = np.arange(len(measures)) == cause
    mediating = [measures.index(name) for name in mediators]
    edges = {path: _edges([measures.index(name) for name in path.split(ARROW)]) for path in plan.paths}
    n_steps = plan.n_steps if plan.timing == "waves" else None

    def visited(seen: frozenset[Any], _: int, there: int) -> frozenset[Any]:
        return seen | {there} if there in mediating else seen

    def kept(seen: frozenset[Any], here: int, there: int) -> frozenset[Any]:
        return frozenset(path for path in seen if (here, there) in edges[path])

    def no_way(counts: Callable[[frozenset[Any]], bool], paths: Sequence[str] = ()) -> bool:
        follow = kept if paths else visited
        return not some_way(free, cause, effect, n_steps, frozenset(paths), follow, counts)

    found = {"total": no_way(lambda _: True), "direct": no_way(lambda seen: not seen), "indirect": no_way(bool)}
    if len(mediators) > 1:
        alone = [frozenset([place]) for place in mediating]
        found |= {through_alone(name): no_way(one.__eq__) for name, one in zip(mediators, alone, strict=True)}
        found[SEVERAL] = no_way(lambda seen: len(seen) > 1)
    found |= {path: no_way(bool, [path]) for path in plan.paths}
    if plan.paths:
        found[OTHER_WAYS] = no_way(lambda seen: not seen, plan.paths)
    return [name for name, fixed in found.items() if fixed]


def _edges(path: Sequence[int]) -> set[tuple[int, int]]:
    """Steps that a path allows: its own, and the carry-over of the measures on it."""
    return {*pairwise(path), *((place, place) for place in path)}


def dynamics_of(fit: Fit, plan: Plan, group: str) -> Dynamics:
    """Draws of the dynamics that a plan needs, of the posterior or the prior."""
    draws, measures = fit.drawn(group), fit.spec.measures
    sds, correlations = sds_at(draws, measures, plan.wave)
    matrices: Array
    elapsed: Array
    if plan.timing == "continuous":
        matrices = standardized(drift_effects(fit, group), sds)
        elapsed = np.linspace(0.0, plan.horizon, plan.n_steps + 1)
    elif plan.intervals is not None:
        matrices = standardized(interval_effects(fit, plan.intervals, group), sds)
        elapsed = np.array(fit.panel.times[plan.wave : plan.wave + plan.n_steps + 1]) - plan.start
    else:
        base = base_effects(fit, group)
        assert base is not None
        step = standardized(base[0], sds)
        matrices = np.repeat(step[:, :, None], plan.n_steps, axis=2)
        elapsed = np.linspace(0.0, plan.n_steps * plan.step, plan.n_steps + 1)
    return Dynamics(
        measures=tuple(measures),
        timing=plan.timing,
        matrices=matrices,
        elapsed=elapsed,
        unit_step=plan.step,
        sds=sds,
        correlations=correlations,
        innovations=standardized_innovations(draws, measures, sds, _shortest(fit, plan)),
        chains=imputation_of_chains(draws),
    )


def _shortest(fit: Fit, plan: Plan) -> Sequence[int]:
    """Intervals whose innovations go with one unit step: those asked about, or the shortest ones."""
    if plan.intervals is not None:
        return plan.intervals
    lengths = fit.panel.intervals
    return [place for place, length in enumerate(lengths) if np.isclose(length, min(lengths), rtol=1e-9)]
