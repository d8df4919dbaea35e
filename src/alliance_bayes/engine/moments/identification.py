"""Whether a model can be meant, identified and fitted on a panel, before anything is compiled."""

import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ...basics.names import choices, in_words, lagged_path, number, quoted
from ...basics.problems import Problems, SpecError
from ...panel import Panel, PanelWarning, reported_states
from ...spec.cross_lagged import CrossLagged
from ...spec.latent_options import LATENT_KINDS, latent_options
from ...spec.steps import interval_names
from .dependence import dependent_covariates, exact_relations

__all__ = ["check_spec_against_panel"]

PACKAGE = str(Path(__file__).parents[2])


def check_spec_against_panel(spec: CrossLagged, panel: Panel) -> None:
    """Refuse a model that this panel cannot identify, with every reason at once.

    Raises
    ------
    SpecError
        If a measure of the model is not in the panel, if there are too few waves, if intervals
        are unequal and the lags left open, if a measure can be non-existent and the model does
        not say what that means, if a state is not what the panel holds, or if nobody was observed
        on both ends of a lagged effect; if there are too few people, or a measure is an exact linear
        function of others at every time, or at one in many people.

    Warns
    -----
    PanelWarning
        If measures that are not normal are exact linear functions of one another at every time, or normal ones in
        a few people at one.
    """
    problems = Problems(f"This {spec.title} cannot be fitted to this panel")
    needed = dict.fromkeys([*spec.response_columns, *spec.given_columns])
    missing = [name for name in needed if name not in panel.measures]
    for name in missing:
        problems.add(f"The panel has no measure '{name}'{choices(name, panel.measures, 'Measures')}")
    for problem in spec.problems_with(panel.times):
        problems.add(problem)
    for problem in (
        *_unusable_studies(spec, panel),
        *_unusable_extras(spec, panel),
        *_unlike_the_panel(spec, panel),
        *_unusable_state(spec, panel),
    ):
        problems.add(problem)
    if not missing and not spec.indicators:
        for problem in _unseen_paths(spec, panel):
            problems.add(problem)
    problems.raise_as(SpecError)
    for problem in (*_too_few_people(spec, panel), *_without_variation(spec, panel)):
        problems.add(problem)
    problems.raise_as(SpecError)


def _too_few_people(spec: CrossLagged, panel: Panel) -> Iterator[str]:
    """Whether there are people enough for any covariance matrix of the measures."""
    columns = [panel.measures.index(name) for name in spec.response_columns]
    if panel.moments is None:
        seen = ~np.isnan(panel.require_persons("A number of people"))
        people = np.ones(len(seen), dtype=np.int64)
    else:
        seen, people = panel.moments.observed, panel.moments.n
    n_people = int((seen[:, :, columns].any(axis=(1, 2)) * people).sum())
    fewest = len(spec.measures) + 1
    if n_people < fewest:
        yield (
            f"{n_people} {'person has' if n_people == 1 else 'people have'} values of this model. How "
            f"{len(spec.measures)} measures go together cannot be seen in fewer than {fewest} people, and even then "
            "nearly all of the answer is the prior; many more people than parameters are needed."
        )


def _without_variation(spec: CrossLagged, panel: Panel) -> Iterator[str]:
    """Exact relations that ruin a fit, and collinear covariates; warns of relations that need not."""
    counted = {column for name in spec.random_families for column in spec.columns_of(name)}
    for relation in exact_relations(spec, panel):
        # Innovations of one variance at all waves cannot vanish at one, and a probability has no density without bound.
        pooled, is_counted = spec.residuals == "equal" and 0 not in relation.coefficients, relation.measures & counted
        if not relation.everywhere and (pooled or is_counted):
            continue
        sentence = relation.sentence(
            panel.times, list(panel.covariates), fewest_waves=spec.fewest_waves, families=panel.moments is None
        )
        if relation.ruins_a_fit and not is_counted:
            yield sentence
        else:
            warnings.warn(sentence, PanelWarning, skip_file_prefixes=(PACKAGE,))
    if panel.moments is None:
        yield from dependent_covariates(spec, panel)


def _no_state(name: str, panel: Panel) -> str:
    known = [*panel.states, *panel.measures]
    return (
        f"The panel has no state '{name}'{choices(name, known, 'States and measures')} Read it as a measure, or name "
        "it in requires= where a measure exists only while it is on."
    )


def _unlike_the_panel(spec: CrossLagged, panel: Panel) -> Iterator[str]:
    """Where panel and model differ in which measures exist only while which state is on."""
    state = spec.state
    as_missing = "to treat values that do not exist as unseen, and read the first assumption of the answer."
    for name in spec.measures if spec.nonexistent is None else ():
        for column in [column for column in spec.columns_of(name) if column in panel.requires]:
            required = panel.requires[column]
            start = f"'{column}' exists only while '{required}' is on, and"
            if state is None and spec.kind in LATENT_KINDS:
                states = {each: {panel.requires.get(one) for one in spec.columns_of(each)} for each in spec.measures}
                together = [each for each in spec.measures if required in states[each]]
                yield (
                    f"{start} this model has no states. Give state=ab.State('{required}', required_by={together}) to "
                    f"model it, or pass nonexistent='as_missing' {as_missing}"
                )
            elif state is None:
                yield f"{start} this model has no states. Pass nonexistent='as_missing' {as_missing}"
            elif state.name != required:
                yield f"{start} this model's only state is '{state.name}'; name '{required}' as its state instead."
            elif name not in state.required_by:
                yield f"{start} this model's state does not say so. Put '{name}' in its required_by."
    for name in () if state is None else state.required_by:
        assert state is not None
        for column in [each for each in spec.columns_of(name) if each in panel.measures and each not in panel.requires]:
            yield (
                f"'{name}' is in required_by of the state '{state.name}', and the panel does not know that '{column}' "
                f"exists only while it is on. Make the panel with requires={{'{column}': '{state.name}'}}, which tells "
                "what does not exist from what is missing."
            )


def _unusable_state(spec: CrossLagged, panel: Panel) -> Iterator[str]:
    """What is wrong with the values of the state."""
    if spec.state is None or not panel.has_persons:
        return
    name = spec.state.name
    if name not in panel.states and name not in panel.measures:
        yield _no_state(name, panel)
        return
    values = reported_states(name, panel)
    told = values[~np.isnan(values)]
    other = told[(told != 0) & (told != 1)]
    if len(other):
        found = f"{len(other)} value(s) are not, such as {number(other[0])}"
        yield f"The state '{name}' must be 1 (on) or 0 (off); {found}."
    elif not (told == 1).any() or not (told == 0).any():
        word = "on" if (told == 1).any() else "off"
        yield (
            f"The state '{name}' is {word} wherever it was told, so there is nothing to model; leave it out, and make "
            "the panel without requires=."
        )


def _unusable_extras(spec: CrossLagged, panel: Panel) -> Iterator[str]:
    """What is wrong with covariates, moderators, groups and own times."""
    given = in_words(latent_options(spec)) if spec.is_latent else ""
    if panel.moments is not None and spec.is_latent:
        yield f"A model with {given} needs each person's values, and this panel holds moments alone."
    elif panel.moments is not None and (spec.covariates or spec.moderated):
        yield "Covariates need each person's values, and this panel holds moments alone."
    of_model = spec.response_columns
    varying = [] if panel.moments is not None else [name for name in panel.measures if name not in of_model]
    known = [*panel.covariates, *varying]
    for name in spec.predetermined:
        yield (
            f"'{name}' may be moved by earlier waves of the measures, so it is no covariate to be conditioned on, but "
            "a measure with an equation of its own. Name it among the measures, and remove the paths you do not want."
        )
    for name, targets in spec.covariates.items():
        if name not in known:
            yield f"The panel has no covariate '{name}'{choices(name, known, 'Covariates')}"
            continue
        if name in varying and set(targets) - {"each_wave", "every_wave"}:
            yield f"'{name}' varies over time, so it acts on 'each_wave' or 'every_wave'; got {quoted(targets)}."
            continue
        values = panel.covariates.get(name)
        if values is None:
            values = panel.require_persons("A covariate")[:, :, panel.measures.index(name)]
        yield from _unusable_values(name, values, panel)
    for name in spec.conditioned_on[len(spec.covariates) :]:
        if name not in panel.covariates:
            of_persons = [*spec.measures, *panel.covariates]
            yield (
                f"The state's regressions name '{name}', which is no measure of the model and no covariate of the "
                f"panel's persons{choices(name, of_persons, 'Measures and covariates')}"
            )
        elif panel.moments is None:
            yield from _unusable_values(name, panel.covariates[name], panel)
    for name in [] if spec.state is None else [each for each in spec.state.predictors if each in spec.covariates]:
        if name in varying and name not in panel.covariates:
            yield f"'{name}' varies over time, and the state's regressions take covariates of persons alone."
    for name in dict.fromkeys(spec.moderated.values()):
        if name not in panel.covariates:
            yield f"The panel has no covariate of persons '{name}'{choices(name, list(panel.covariates), 'Covariates')}"
        else:
            yield from _unusable_values(name, panel.covariates[name], panel)
    if panel.background.group_labels and spec.is_latent:
        yield (
            f"The panel has groups ({quoted(panel.background.group_labels)}), and a model with {given} is of one "
            "population. Make the panel without group=, or fit each group's, panel.of_group(...)."
        )
    elif panel.background.group_labels and spec.group_lags is None:
        yield (
            f"The panel has groups ({quoted(panel.background.group_labels)}), and this model does not say what differs "
            "between them. Choose group_lags='free', 'equal' or 'pooled', or make the panel without group=."
        )
    if spec.group_lags is not None and not panel.background.group_labels:
        yield f"group_lags='{spec.group_lags}' needs groups; make the panel with group=, or leave the option out."
    if panel.own_times is not None and spec.is_latent:
        yield (
            f"The panel holds each person's own times, and a model with {given} goes by the planned ones. Make the "
            "panel without own_time=."
        )
    elif panel.own_times is not None and spec.lags not in ("continuous", None):
        yield (
            f"The panel holds each person's own times, and lags='{spec.lags}' goes by the planned ones. "
            "Use lags='continuous', or make the panel without own_time=."
        )


def _unusable_studies(spec: CrossLagged, panel: Panel) -> Iterator[str]:
    """What several studies with waves of their own do not allow."""
    times = panel.background.group_times
    if not times:
        return
    lengths = {round(float(length), 9) for each in times.values() for length in np.diff(each)}
    if spec.lags is None and len(lengths) > 1:
        yield (
            f"The studies have intervals of {', '.join(map(number, sorted(lengths)))}, so one lagged effect "
            "has no single meaning. Choose lags='continuous' or 'grid', or type lags='equal' if you mean it."
        )
    if spec.lags == "free" or getattr(spec, "free_loadings", False) or spec.growth:
        yield "Studies with waves of their own need lags='equal', 'grid' or 'continuous', fixed loadings and no growth."
    for name, each in times.items():
        if len(each) < spec.fewest_waves:
            yield f"The study '{name}' has {len(each)} waves; a {spec.title} needs {spec.fewest_waves}."


def _unusable_values(name: str, values: np.ndarray, panel: Panel) -> Iterator[str]:
    seen = ~np.isnan(panel.require_persons("A covariate")).all(axis=(1, 2))
    unknown = np.isnan(values[seen]).reshape(int(seen.sum()), -1).any(axis=1)
    if unknown.any():
        assert panel.persons is not None
        cases = quoted(panel.persons[seen][unknown].tolist(), most=3)
        yield (
            f"The covariate '{name}' is missing for {int(unknown.sum())} people, such as {cases}. The likelihood is "
            "given the covariates, so they must be complete: leave these people out, impute the covariate, or model "
            "it as a measure."
        )
    elif np.nanstd(values[seen]) == 0:
        yield f"The covariate '{name}' is the same for everybody; leave it out."


def _unseen_paths(spec: CrossLagged, panel: Panel) -> list[str]:
    """Lagged effects whose predictor and outcome nobody has on both ends of any interval they act in."""
    moments = panel.moments
    seen = ~np.isnan(panel.require_persons("A lagged effect")) if moments is None else moments.observed
    columns = [[panel.measures.index(column) for column in spec.columns_of(name)] for name in spec.measures]
    seen = np.stack([seen[:, :, of_measure].any(axis=2) for of_measure in columns], axis=2)
    before, after = seen[:, :-1].astype(float), seen[:, 1:].astype(float)
    together = np.einsum("ntp,nto->top", before, after, optimize=True)
    intervals = interval_names(panel.times)
    found = []
    for outcome in spec.measures:
        for predictor in spec.measures:
            path = lagged_path(predictor, outcome)
            counts = together[:, spec.measures.index(outcome), spec.measures.index(predictor)]
            if path in spec.remove:
                continue
            if spec.lags == "free":
                found += [
                    f"Nobody has '{predictor}' and later '{outcome}' over {interval}, so '{path}' has no data there. "
                    "Leave that wave out, or use lags='equal'."
                    for interval, count in zip(intervals, counts, strict=True)
                    if count == 0
                ]
            elif not counts.any():
                found.append(
                    f"Nobody has '{predictor}' and one wave later '{outcome}', so '{path}' has no data at all."
                )
    return found
