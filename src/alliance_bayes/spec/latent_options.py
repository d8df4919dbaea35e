"""Families, a state and selections as options of a model: what goes together, and what a model with them assumes."""

from collections.abc import Iterable

from ..basics.assumptions import Assumption
from ..basics.names import choices, in_words, number, with_article
from .model_options import ModelOptions
from .occurrence import INTERVIEW, Selection, State

__all__ = ["LATENT_KINDS", "latent_assumptions", "latent_contradictions", "latent_options", "priors_of_options"]

LATENT_KINDS = ("riclpm", "clpm")


def latent_options(spec: ModelOptions) -> list[str]:
    """Which of the options families, state and selection make this model latent."""
    given = {"families": spec.random_families, "state": spec.state, "selection": spec.selection}
    return [name for name, value in given.items() if value]


def latent_contradictions(spec: ModelOptions) -> Iterable[str]:
    """Which options cannot be combined with families, a state or selection or with each other, each with its cure."""
    yield from _of_families(spec)
    if spec.state is not None:
        yield from _of_state(spec, spec.state)
    yield from _of_selection(spec)
    if spec.is_latent:
        yield from _of_all(spec)


def latent_assumptions(spec: ModelOptions) -> Iterable[str]:
    """What families, a state and selection assume."""
    for name, family in spec.random_families.items():
        yield Assumption(
            f"Given a normal linear predictor, on which effects act, '{name}' is {family.in_words}: independent "
            "between waves and measures, with the same family parameters at every wave.",
            "model",
        )
        if not family.tells_variance and (spec.means, spec.residuals) == ("free", "free"):
            yield Assumption(
                "The share of yes at a wave does not identify both mean and variance of the linear predictor of "
                f"'{name}': after the first wave its variance rests on priors, unless residuals='equal' or "
                "means='equal'.",
                "model",
            )
    if spec.state is not None:
        yield from _assumptions_of_state(spec.state)
    for each in spec.selection:
        yield from _assumptions_of_selection(each)


def priors_of_options(spec: ModelOptions) -> dict[str, str]:
    """Priors that stand with families, state and selection rather than in `Priors`, by what they are of."""
    priors = {
        f"{prior} of {name}": str(value)
        for name, family in spec.random_families.items()
        for prior, value in family.priors.items()
    }
    if spec.state is not None:
        priors |= {f"{name} of {spec.state.name}": str(prior) for name, prior in spec.state.priors.items()}
    for each in spec.selection:
        priors |= {f"{name} of selection of {each.in_words}": str(prior) for name, prior in each.priors.items()}
    return priors


def _of_families(spec: ModelOptions) -> Iterable[str]:
    columns = {name: family.columns(name) for name, family in spec.families.items()}
    items = [item for name, others in columns.items() if others != (name,) for item in others]
    of_indicators = [item for given in spec.indicators.values() for item in given]
    for name in dict.fromkeys(items):
        if name in spec.measures or name in of_indicators or items.count(name) > 1:
            yield f"families: the item '{name}' is also a measure, an indicator or another's item; name it once."
    for name, family in spec.families.items():
        for column in family.given_columns:
            if column in spec.measures:
                yield f"families: '{column}' holds window, trials or exposure of '{name}'; it cannot be a measure too."
    for name in spec.random_families:
        if name in spec.indicators:
            yield f"'{name}' has indicators and a family; choose one. Ordered items are ab.Items([...], categories)."
        if name in spec.reliability:
            yield f"'{name}' has a family, which defines the variance of its values; leave its reliability out."


def _of_state(spec: ModelOptions, state: State) -> Iterable[str]:
    name = state.name
    if name in spec.measures:
        yield f"'{name}' is both a measure and the state; choose one."
    if name in spec.covariates or name in spec.moderated.values():
        yield f"'{name}' is both a covariate and the state; choose one."
    if name in state.predictors:
        yield (
            f"The state '{name}' is among its own predictors. Whether it was on one wave before is what "
            "distinguishes acquire from keep; leave it out."
        )
    for option in ("required_by", "acts_on"):
        for each in getattr(state, option):
            if each not in spec.measures:
                yield f"state {option}: '{each}' is not a measure{choices(each, spec.measures, 'Measures')}"
    for each in state.first:
        if each in spec.measures:
            yield (
                f"state first: '{each}' is a measure, and none comes before the first wave; name covariates of "
                "persons there."
            )
    for each in state.required_by:
        if each in state.acquire:
            yield f"state acquire: '{each}' does not exist while '{name}' is off; leave it out, or put it in keep."
        if each in state.acts_on:
            yield (
                f"state acts_on: '{each}' exists only while '{name}' is on, so that a shift while it is on is its "
                "mean; leave it out."
            )
    if spec.nonexistent == "as_missing" and state.required_by:
        yield (
            f"nonexistent='as_missing' treats {in_words(state.required_by)} as existing while '{name}' is off, and "
            "the state says that it does not exist then; leave one of the two out."
        )
    if spec.lags in ("continuous", "equal_standardized"):
        yield (
            f"lags='{spec.lags}' is not defined with a state that changes between waves; use lags='equal', 'free' "
            "or 'grid'."
        )
    if spec.is_stationary:
        yield "Within-person covariances cannot be stationary while a state comes and goes; leave stationary out."


def _of_selection(spec: ModelOptions) -> Iterable[str]:
    named = [each.of for each in spec.selection]
    for of in dict.fromkeys(named):
        if named.count(of) > 1:
            yield f"selection: '{of}' has {named.count(of)} selections; put what acts on it into one."
        if of == INTERVIEW and of in spec.measures:
            yield "selection: 'interview' is whether people are interviewed, and a measure here; rename it."
        elif of != INTERVIEW and of not in spec.measures:
            yield f"selection: '{of}' is not 'interview' nor a measure{choices(of, spec.measures, 'Measures')}"
    for each in spec.selection:
        for option in ("on", "before"):
            for name in getattr(each, option):
                if name not in spec.measures:
                    yield (
                        f"selection of {each.of}, {option}: '{name}' is not a measure"
                        f"{choices(name, spec.measures, 'Measures')}"
                    )


def _of_all(spec: ModelOptions) -> Iterable[str]:
    given = in_words(latent_options(spec))
    title = with_article(spec.title)
    title = title[0].upper() + title[1:]
    if spec.kind not in LATENT_KINDS:
        yield f"{title} takes no {given}; use an RICLPM or a CLPM."
    if spec.group_lags is not None:
        yield f"group_lags do not go with {given}; leave them out and fit each group by itself, panel.of_group(...)."
    if set(spec.indicators) - set(spec.random_families):
        yield f"indicators do not go with {given}; ordered items are a family, ab.Items([...], categories)."
    if spec.moderated:
        yield f"moderated lags do not go with {given}; leave one of the two out."


def _assumptions_of_state(state: State) -> Iterable[str]:
    name = state.name
    if state.required_by:
        required = [f"'{each}'" for each in state.required_by]
        yield Assumption(
            f"While '{name}' is off there is no {' and no '.join(required)}, which is not missing. What needs it "
            f"restarts where '{name}' comes on, from the same random intercept, and acts once more where it "
            "goes off; effects of and on it are those while it exists.",
            "missing",
        )
        if state.same < 1:
            yield Assumption(
                f"A '{name}' that is kept is the same one with probability {number(state.same)}, else a new one, with "
                f"which a new {' and a new '.join(required)} begins; this number is assumed, not estimated.",
                "missing",
            )
        else:
            yield Assumption(f"A '{name}' that is kept is the same one, never a new one.", "missing")
    if state.acts_on:
        acted_on = in_words([f"'{each}'" for each in state.acts_on])
        yield Assumption(
            f"While it is on, '{name}' shifts {acted_on} at the same wave by the same amount for everybody.", "model"
        )
    yield (
        f"Nothing unmeasured drives both '{name}' and the measures, beyond what its regressions name; of its own past "
        "the last wave alone matters."
    )
    yield Assumption(
        f"Where it is not known whether '{name}' was on, both possibilities are averaged (missing at random).",
        "missing",
    )


def _assumptions_of_selection(selection: Selection) -> Iterable[str]:
    what = selection.in_words
    if selection.on:
        on = in_words([f"'{name}'" for name in selection.on])
        yield Assumption(
            f"{what[0].upper()}{what[1:]} depend on {on} at the same wave, observed or not: not missing at random. The "
            f"data do not identify how strongly; the prior {selection.effect} (log odds per SD) decides.",
            "missing",
        )
    if selection.before:
        before = in_words([f"'{name}'" for name in selection.before])
        yield Assumption(f"{what[0].upper()}{what[1:]} depend on {before} one wave before, observed or not.", "missing")
    if not selection.on and not selection.before:
        yield Assumption(f"{what[0].upper()}{what[1:]} depend on the wave alone.", "missing")
