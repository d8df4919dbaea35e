"""Variants of a model that a claim about direction should survive: other models, lags, priors and covariates."""

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

from ..basics.calls import checked
from ..basics.distributions import Normal
from ..basics.names import number, quoted
from ..basics.problems import SpecError
from ..panel import Panel
from ..spec.cross_lagged import CrossLagged
from ..spec.mapping import KINDS
from ..spec.steps import equal_intervals
from .dynamics import CROSS_EFFECTS

__all__ = ["LAGS", "MODELS", "ORIGINAL", "PRIOR_WIDTHS", "Variant", "robustness_variants"]

ORIGINAL = "original model"
MODELS = ("CLPM", "DPM", "RICLPM")
LAGS = ("equal", "free", "grid", "continuous")
PRIOR_WIDTHS = (0.5, 2.0)

type Variant = tuple[CrossLagged, Panel]


@checked()
def robustness_variants(
    spec: CrossLagged,
    panel: Panel,
    *,
    models: Sequence[str] = MODELS,
    lags: Sequence[str] = LAGS,
    prior_widths: Sequence[float] = PRIOR_WIDTHS,
) -> dict[str, Variant]:
    """Return variants of a model that a claim about direction should survive.

    Parameters
    ----------
    spec
        The original model; it comes first.
    panel
        The data, the same for all.
    models
        Names of classes of the cross-lagged family.
    lags
        How lagged effects may depend on the interval; "grid" is excluded where intervals are equal,
        since it is the same model.
    prior_widths
        Factors on the SD of the prior of cross-lagged effects.

    Returns
    -------
    dict
        Name to spec and panel: other models, other lags, other priors, and without each covariate; each measure of
        another family as normal, where its values are of one size (of one window, one exposure); the state not
        modelled, what requires it being taken as missing; and, without selection, values missing at random. An option
        that a model does not know, or that contradicts another, is no variant; in a CLPM, covariates of the intercepts
        act on every wave alike.

    Raises
    ------
    SpecError
        If a name is no model of the family.

    Examples
    --------
    >>> import numpy as np
    >>> from alliance_bayes import RICLPM, Panel
    >>> panel = Panel.from_arrays(np.random.default_rng(1).normal(size=(9, 3, 2)), measures=["x", "y"], times=[0, 1, 2])
    >>> list(robustness_variants(RICLPM(["x", "y"], lags="equal"), panel, models=["CLPM"], lags=["free"]))
    ['original model', 'CLPM', 'lags free', 'prior SD x 0.5', 'prior SD x 2']
    """
    family = {model.__name__: model for model in KINDS.values()}
    unknown = [name for name in models if name not in family]
    if unknown:
        raise SpecError(f"models: {quoted(unknown)} is not in the family; choose from {quoted(family)}.")
    variants: dict[str, Variant] = {ORIGINAL: (spec, panel)}

    def add(name: str, changed: CrossLagged | None) -> None:
        if changed is not None and changed != spec:
            variants[name] = (changed, panel)

    for name in models:
        if family[name] is not type(spec):
            add(name, _converted(spec, family[name]))
    asked = spec.lags_for(panel.times)
    for option in lags:
        if option != asked and not (option == "grid" and asked == "equal" and equal_intervals(panel.times)):
            add(f"lags {option}", _changed(spec, lags=option))
    for factor in prior_widths:
        add(f"prior SD x {number(factor)}", _with_prior_width(spec, factor))
    for name in spec.covariates:
        add(f"without {name}", _without_covariate(spec, name))
    for name, of_family in spec.random_families.items():
        if of_family.has_one_size:
            others = {other: given for other, given in spec.families.items() if other != name}
            add(f"{name} normal", _changed(spec, families=others))
    if spec.state is not None:
        as_missing = "as_missing" if panel.requires else None
        add(f"{spec.state.name} not modelled", _changed(spec, state=None, nonexistent=as_missing))
    if spec.selection:
        add("missing at random", _changed(spec, selection=()))
    return variants


def _converted(spec: CrossLagged, model: type[CrossLagged]) -> CrossLagged | None:
    shared = {field.name: getattr(spec, field.name) for field in fields(model) if hasattr(spec, field.name)}
    if model.stable == "none":
        # Without intercepts, a covariate of theirs acts on every wave alike.
        shared["covariates"] = {
            name: list(dict.fromkeys("every_wave" if target == "intercepts" else target for target in targets))
            for name, targets in spec.covariates.items()
        }
    try:
        return model(**shared)
    except SpecError:
        return None


def _changed(spec: CrossLagged, **options: Any) -> CrossLagged | None:
    try:
        return replace(spec, **options)
    except SpecError:
        return None


def _with_prior_width(spec: CrossLagged, factor: float) -> CrossLagged | None:
    priors = {name: getattr(spec.priors, name) for name in CROSS_EFFECTS if hasattr(spec.priors, name)}
    scaled: Any = {name: Normal(prior.mean, prior.sd * factor) for name, prior in priors.items()}
    try:
        return replace(spec, priors=replace(spec.priors, **scaled))
    except SpecError:  # of priors that are too wide to be meant
        return None


def _without_covariate(spec: CrossLagged, name: str) -> CrossLagged | None:
    return _changed(
        spec,
        covariates={other: targets for other, targets in spec.covariates.items() if other != name},
        predetermined=tuple(other for other in spec.predetermined if other != name),
        moderated={path: other for path, other in spec.moderated.items() if other != name},
    )
