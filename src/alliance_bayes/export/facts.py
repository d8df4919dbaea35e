"""What must be known of the data before a model can be written for another program."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ..basics.given import shown
from ..basics.names import in_words, number
from ..basics.problems import Problems, SpecError
from ..engine.design import Covariate, Design, design_of, plain_design
from ..panel import Panel
from ..spec.cross_lagged import CrossLagged

__all__ = ["Facts", "facts_of"]


@dataclass(frozen=True)
class Facts:
    """What a model needs to know of a panel."""

    design: Design  # its times, groups and covariates
    # Of the measures, by which known reliabilities become variances of measurement error; empty without a panel
    variances: Mapping[str, float] = field(default_factory=dict)


def facts_of(spec: CrossLagged, panel: Panel | Sequence[float], program: str) -> Facts:
    """Gather what the model needs, or say why the program cannot fit it.

    Raises
    ------
    SpecError
        If the model is not defined at these times, if the program cannot express a part of it, or if the times alone
        do not say enough; with every reason and its cure.
    """
    problems = Problems(f"This {spec.title} cannot be written for {program}")
    times = _times(panel, problems)
    with problems.collecting():
        spec.require_normal(f"A program of {program}")
    problems.raise_as(SpecError)
    for problem in (*spec.problems_with(times), *_out_of_reach(spec, program)):
        problems.add(problem)
    if isinstance(panel, Panel):
        _check_panel(spec, panel, problems)
    else:
        for problem in _unknown_from_times(spec):
            problems.add(problem)
    problems.raise_as(SpecError)
    if not isinstance(panel, Panel):
        return Facts(replace(plain_design(times), covariates=tuple(Covariate(name, None) for name in spec.covariates)))
    _, scales = panel.pooled_scale()
    variances = {name: float(scale) ** 2 for name, scale in zip(panel.measures, scales, strict=True)}
    return Facts(design_of(spec, panel), variances)


def _times(panel: Panel | Sequence[float], problems: Problems) -> tuple[float, ...]:
    if isinstance(panel, Panel):
        return panel.times
    try:
        times = tuple(float(time) for time in panel)
    except (TypeError, ValueError, OverflowError):
        problems.add(f"Give a panel, or the times of its waves such as [0, 6, 12]; got {shown(panel)}.")
        return ()
    if len(times) < 2 or not np.isfinite(times).all() or not (np.diff(times) > 0).all():
        problems.add(
            f"Times of waves must increase, two or more of them; got {', '.join(map(number, times)) or 'none'}."
        )
    return times


def _out_of_reach(spec: CrossLagged, program: str) -> list[str]:
    """Parts of a model that neither program can express, each with the nearest thing that it can fit."""
    reasons = []
    if spec.lags == "continuous":
        reasons.append(
            f"lags='continuous' needs matrix exponentials, which {program} does not have. Write lags='grid', which is "
            "the same model wherever the drift exists, or lags='free'."
        )
    if spec.group_lags == "pooled":
        reasons.append(
            "group_lags='pooled' draws the groups' lags from a distribution, which needs priors. Write "
            "group_lags='free' and group_lags='equal', the two extremes."
        )
    if spec.invariance == "approximate" and spec.indicators:
        reasons.append(
            "invariance='approximate' rests on priors of small differences. Write 'strong' and 'weak' or 'configural', "
            "the models on either side of it."
        )
    if spec.moderated:
        reasons.append(
            f"moderated: {in_words(list(spec.moderated))} changes with a covariate, which takes a product of it with a "
            "latent variable. Split the people into groups by the covariate, and give group_lags='free'."
        )
    if spec.predetermined:
        reasons.append(
            f"predetermined: {in_words(list(spec.predetermined))} may depend on earlier waves, while {program} takes "
            "covariates as given at all waves at once. Make it a measure, or take it as exogenous."
        )
    if spec.lags == "equal_standardized" and "residuals" in spec.equal_across_groups:
        reasons.append(
            "lags='equal_standardized' is written with innovations in within-person SDs, which cannot be held equal "
            "across groups in the measures' own units. Leave 'residuals' out of equal_across_groups."
        )
    return reasons


def _check_panel(spec: CrossLagged, panel: Panel, problems: Problems) -> None:
    for name in spec.columns:
        if name not in panel.measures:
            problems.add(f"The panel has no measure '{name}'; it has {in_words(panel.measures)}.")
    for name in spec.covariates:
        if name not in panel.measures and name not in panel.covariates:
            problems.add(f"The panel has no covariate '{name}'; name it in covariates=[...] where the panel is made.")
    if spec.group_lags and not panel.background.group_labels:
        problems.add("group_lags needs a panel with groups; name their column in group=... where the panel is made.")
    if spec.group_lags and len({panel.times, *panel.background.group_times.values()}) > 1:
        problems.add(
            "Groups have waves of their own, while all must have the same columns here. Write them one by one."
        )


def _unknown_from_times(spec: CrossLagged) -> list[str]:
    reasons = []
    if spec.reliability:
        reasons.append("reliability is a share of the measure's variance, which times do not say; give the panel.")
    if spec.wave_covariates:
        reasons.append("Times do not say whether a covariate varies over time; give the panel.")
    if spec.group_lags:
        reasons.append("Times do not say which groups there are; give the panel.")
    return reasons
