"""Whether there can be a population with these true values, and whether it is one of its model's."""

from dataclasses import fields

import numpy as np

from ..basics.names import choices, number
from ..basics.problems import Problems, SpecError
from ..spec.steps import base_step, interval_names
from .arguments import NEEDS, is_used
from .dynamics import unsound, unsound_drift
from .reading import SMALLEST_EIGENVALUE, by_name, correlations, plain
from .true_process import TrueProcess

__all__ = ["check_dynamics", "check_factors", "check_predictors", "check_state", "refuse_unused"]


def refuse_unused(truth: TrueProcess, problems: Problems) -> None:
    """Note arguments that have no meaning in this model, and the drift that continuous time needs."""
    spec = truth.spec
    for argument in fields(truth):
        value = getattr(truth, argument.name)
        if is_used(argument.name, spec, equilibrium=truth.equilibrium is True) or not value:
            continue
        if argument.name in ("icc", "between_correlation") and spec.stable == "none":
            problems.add(
                f"A {spec.title} has no random intercepts, hence no {argument.name}; got {value}. "
                "Leave it out, or use ab.RICLPM(...)."
            )
        else:
            problems.add(f"{argument.name} needs {NEEDS[argument.name]}; leave it out.")
    if truth.innovations is not None and truth.within_scale is not None:
        problems.add("innovations say how large within-person parts become; leave within_scale out.")
    if spec.lags == "continuous" and truth.drift is None:
        problems.add("drift is missing: effects per unit of time, such as {'x -> x': -0.3, 'x -> y': 0.08}.")


def check_dynamics(truth: TrueProcess, problems: Problems) -> None:
    """Whether the effects are those of the model, and leave something new at every wave."""
    for path in truth._own_paths:
        if path in truth.lagged:
            problems.add(f"'{path}' is given twice, in lagged and in carry_over; give it once.")
    _check_paths(truth, problems)
    if truth.innovations is not None:
        return
    effects, within = truth._effects, correlations(truth.within_correlation, truth.spec.measures)
    if truth.spec.lags == "continuous":
        if problem := unsound_drift(effects[0], within):
            problems.add(problem)
        return
    over_one_wave = effects if truth.lag_2 is None else effects[:1]
    for stretch, phi in zip(_stretches(truth), over_one_wave, strict=False):
        if problem := unsound(stretch, phi, within):
            problems.add(problem)
    if truth.lag_2 is not None:
        _check_second_lags(truth, problems)
    if truth.spec.residuals == "equal" and not truth.spec.is_stationary:
        _check_equal_residuals(truth, problems)


def _check_second_lags(truth: TrueProcess, problems: Problems) -> None:
    smallest = np.linalg.eigvalsh(truth._standard_innovations).min(axis=-1)
    for name, value in zip(interval_names(tuple(truth.times))[1:], smallest[1:], strict=True):
        if value <= SMALLEST_EIGENVALUE:
            problems.add(
                f"Over the interval {name} the lagged effects, those of two waves included, explain more "
                "variance than there is: the innovation covariance, in within-person SDs, must be positive definite "
                f"and has the smallest eigenvalue {value:.3g}. Move the effects towards 0."
            )


def _check_equal_residuals(truth: TrueProcess, problems: Problems) -> None:
    new, scale = truth._standard_innovations, truth._within_scale[1:]
    difference = float(np.ptp(new * scale[:, :, None] * scale[:, None, :], axis=0).max())
    if difference > SMALLEST_EIGENVALUE:
        reason = (
            "the within-person covariance is the same at every wave, so unequal lagged effects leave unequal "
            "innovations. Use residuals='free', or equal effects."
            if truth.within_scale is None and truth.lag_2 is None
            else "use residuals='free'."
        )
        problems.add(
            f"residuals='equal' in the model, but the innovation covariances differ between intervals, by up to "
            f"{difference:.3g} in within-person SDs: {reason}"
        )


def _check_paths(truth: TrueProcess, problems: Problems) -> None:
    """Whether effects are 0 and equal where the model says so."""
    paths, intervals = truth._paths, interval_names(tuple(truth.times))

    def over(path: str) -> float:
        effect_path, _, interval = path.partition(", ")
        return float(np.broadcast_to(paths.get(effect_path, 0.0), len(intervals))[intervals.index(interval)])

    for path in truth.spec.remove:
        effect = over(path) if "," in path else paths.get(path, 0.0)
        if np.any(np.asarray(effect)):
            problems.add(
                f"'{path}' is removed from the model, so its effect must be 0; got {plain(effect)}. "
                "Leave the effect out, or keep the path in the model."
            )
    for group in truth.spec.equal:
        effects = [over(path) for path in group]
        if min(effects) < max(effects):
            got = ", ".join(f"'{path}' {number(effect)}" for path, effect in zip(group, effects, strict=True))
            problems.add(f"The model has these effects equal, and they differ: {got}.")
    for name, among in (("lag_2", truth.spec.lag_2), ("moderation", tuple(truth.spec.moderated))):
        for path in getattr(truth, name) or {}:
            if path not in among:
                where = name if name == "lag_2" else "moderated"
                problems.add(f"{name}: the model has no '{path}' in its {where}{choices(path, among, 'It has')}")


def check_predictors(truth: TrueProcess, problems: Problems) -> None:
    """Whether linear predictors have mean 0 and SD 1 at the first wave, which identifies their families' numbers."""
    given = by_name(1.0 if truth.sds is None else truth.sds, truth.spec.measures)
    for name in truth.spec.random_families:
        if given.get(name) not in (1.0, None):
            problems.add(f"sds of '{name}' is that of its linear predictor, which is 1; got {plain(given[name])}.")
    means = by_name(0.0 if truth.means is None else truth.means, truth.spec.measures)
    for name in truth.spec.random_families:
        if np.ravel(means.get(name) or 0.0)[0] != 0:
            problems.add(
                f"means of '{name}' are those of its linear predictor, which begin with 0; got {plain(means[name])}."
            )


def check_state(truth: TrueProcess, problems: Problems) -> None:
    """Whether people with a state that comes and goes can be drawn."""
    if truth.spec.lag_2:
        problems.add("A truth with a state has no effects over two waves; leave lag_2 out of the model.")
    if truth.spec.reliability:
        problems.add("A truth with a state has no known measurement error; leave reliability out of the model.")


def check_factors(truth: TrueProcess, problems: Problems) -> None:
    """Whether the stable factors and what they explain leave a population."""
    spec, measures = truth.spec, truth.spec.measures
    for name, reliability in spec.reliability.items():
        share = truth._each(truth.icc)[measures.index(name)]
        if share >= reliability:
            problems.add(
                f"icc of '{name}' is {number(share)}, and its reliability {number(reliability)} leaves no more "
                "than that for stable and within-person parts together; lower the icc."
            )
    if truth.equilibrium and np.ptp(truth._effects, axis=0).max() > 0:
        problems.add("equilibrium=True needs the same lagged effects over every interval.")
    if truth.equilibrium and spec.moderated:
        problems.add("equilibrium=True needs the same lagged effects in everybody; leave it or moderated out.")
    problems.raise_as(SpecError)
    try:
        truth.factors  # noqa: B018
    except np.linalg.LinAlgError:
        problems.add(
            "The stable factors have no covariance matrix: the correlations of intercepts and slopes are together "
            "not positive definite. Move intercept_slope_correlation towards 0."
        )
        return
    if spec.accumulating and not truth.equilibrium:
        explained = np.diag(truth.factors.first_covariance) / truth._true_sds**2
        for name, share in zip(measures, explained, strict=True):
            if share >= 1 - SMALLEST_EIGENVALUE:
                problems.add(
                    f"The accumulating factors explain {number(round(float(share), 3))} of the variance of "
                    f"'{name}' at the first wave, which must be below 1. Move the correlations with the first "
                    "wave towards 0."
                )


def _stretches(truth: TrueProcess) -> list[str]:
    """What each of the effects that can differ acts over, in words."""
    times = tuple(truth.times)
    if truth.spec.lags_by_interval:
        return [f"the interval {name}" for name in interval_names(times)]
    if truth.spec.lags == "grid":
        return [f"the base step of {number(base_step(times) or 0)}"]
    return ["every interval"]
