"""A state that comes and goes: its regressions, what restarts with it, and what it shifts."""

from collections.abc import Iterator, Sequence

import numpy as np

from ...basics.names import choices, number
from ...panel import Panel, reported_states
from ...spec.cross_lagged import CrossLagged
from ...spec.latent_options import LATENT_KINDS
from ...spec.occurrence import State as StateSpec
from ..histories import OFF
from ..keys import Key
from ..parameters import TableBuilder
from ..prior_scale import PriorBuilder
from ..systems import SystemBuilder
from .covariates import unusable_values
from .part import Part
from .regressions import regress

__all__ = ["RESTART_VARIANCE", "State"]

RESTART_MEAN = Key("restart", "restart mean")
RESTART_VARIANCE = Key("restart", "restart variance")
SHIFT = Key("state", of=("shift",))
FIRST, ACQUIRED, KEPT = "first", "acquired", "kept"
INTERCEPT = {word: Key("state", "intercept", (word,)) for word in (FIRST, ACQUIRED, KEPT)}
EFFECTS = {word: Key("state", of=(word,)) for word in (FIRST, ACQUIRED, KEPT)}


class State(Part):
    """Logits of the state at every wave, and what the state does to measures."""

    def belongs_to(self, spec: CrossLagged) -> bool:
        """Where the model has a state."""
        return spec.state is not None

    def parameters(self, table: TableBuilder, group: int) -> None:
        """Where what requires the state restarts, the regressions, and the shifts."""
        state, times = _state_of(table.spec), table.design.times
        required, acted_on = (
            [table.names.index(name) for name in names] for names in (state.required_by, state.acts_on)
        )
        if required:
            table.vector(RESTART_MEAN, group, None, measures=required)
            table.vector(RESTART_VARIANCE, group, None, measures=required, is_variance=True, start=0.5)
        table.put(INTERCEPT[FIRST], group, None, [table.add(INTERCEPT[FIRST], state.name, times=times[:1])])
        table.effects_on(EFFECTS[FIRST], state.first, f"-> {state.name}", times[:1])
        for word, predictors in _transitions(state):
            for wave, time in enumerate(times[1:], start=1):
                intercept = table.add(INTERCEPT[word], f"{state.name} {word}", occasion=wave, times=(time,))
                table.put(INTERCEPT[word], group, wave, [intercept])
            table.effects_on(EFFECTS[word], predictors, f"-> {state.name} {word}")
        table.vector(SHIFT, group, None, measures=acted_on, word=f"{state.name} ->")

    def priors(self, priors: PriorBuilder) -> None:
        """Restarts in SDs of the first wave, log odds, and shifts."""
        state, table, names = _state_of(priors.spec), priors.table, list(priors.spec.measures)
        required = [names.index(name) for name in state.required_by]
        if required:
            dim = priors.dim("restarting_measure", state.required_by)
            sds = priors.add("relative_restart_sd", priors.spec.priors.restart_sd, dim)[0]
            means = priors.add("relative_restart_mean", state.effect, dim)[0]
            sds = priors.writer.multiply(sds, priors.within[0][required])
            priors.let(table.at(RESTART_VARIANCE, 0)[required], priors.writer.multiply(sds, sds))
            priors.let(table.at(RESTART_MEAN, 0)[required], priors.in_first_sds(means, required))
        name = state.name
        priors.numbers(f"{name}_first_intercept", state.intercept, INTERCEPT[FIRST])
        priors.numbers(f"{name}_first_on", state.slope, EFFECTS[FIRST])
        for word in (ACQUIRED, KEPT):
            values = priors.add(f"{name}_{word}_intercept", state.intercept, "later_time")[0]
            for wave, value in enumerate(values, start=1):
                priors.let(table.at(INTERCEPT[word], 0, wave), value)
            priors.numbers(f"{name}_{word}_on", state.slope, EFFECTS[word])
        priors.numbers(f"{name}_effect", state.effect, SHIFT)

    def system(self, system: SystemBuilder) -> None:
        """Logits of the state, means where something restarts, and shifts while the state is on."""
        state, history = _state_of(system.spec), system.cell.history
        for wave, time in enumerate(system.design.times):
            word = FIRST if wave == 0 else KEPT if history[wave - 1] != OFF else ACQUIRED
            predictors = {FIRST: state.first, **dict(_transitions(state))}[word]
            logit = system.regression("state", state.name, time)
            system.intercept(logit, int(system.at(INTERCEPT[word], wave)[0]))
            regress(system, logit, EFFECTS[word], predictors, wave - 1)
        for step in system.steps:
            for measure in step.restarts:
                system.intercept(step.after[measure], int(system.at(RESTART_MEAN)[measure]))
        shifts = system.at(SHIFT).tolist()
        for wave, values in enumerate(system.values):
            for measure in system.exists(wave) if history[wave] != OFF else ():
                system.intercept(values[measure], shifts[measure])

    def problems(self, spec: CrossLagged, panel: Panel) -> Iterator[str]:
        """Where panel and model differ in what exists while the state is on, and values that are no states."""
        yield from _unlike_the_panel(spec, panel)
        if spec.state is not None:
            yield from _unusable_predictors(spec, spec.state, panel)
            if panel.has_persons:
                yield from _unusable_values_of(spec.state.name, panel)


def _state_of(spec: CrossLagged) -> StateSpec:
    assert spec.state is not None
    return spec.state


def _transitions(state: StateSpec) -> tuple[tuple[str, Sequence[str]], ...]:
    return (ACQUIRED, state.acquire), (KEPT, state.keep)


def _unlike_the_panel(spec: CrossLagged, panel: Panel) -> Iterator[str]:
    """Where panel and model differ in which measures exist only while which state is on."""
    state = spec.state
    as_missing = "to treat values that do not exist as unseen, which answers print among their assumptions."
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


def _unusable_predictors(spec: CrossLagged, state: StateSpec, panel: Panel) -> Iterator[str]:
    """Predictors that are neither measures of the model nor complete covariates of persons."""
    varying = (
        [] if panel.moments is not None else [name for name in panel.measures if name not in spec.response_columns]
    )
    for name in spec.conditioned_on[len(spec.covariates) :]:
        if name not in panel.covariates:
            of_persons = [*spec.measures, *panel.covariates]
            yield (
                f"The state's regressions name '{name}', which is no measure of the model and no covariate of the "
                f"panel's persons{choices(name, of_persons, 'Measures and covariates')}"
            )
        elif panel.moments is None:
            yield from unusable_values(name, panel.covariates[name], panel)
    for name in (each for each in state.predictors if each in spec.covariates):
        if name in varying and name not in panel.covariates:
            yield f"'{name}' varies over time, and the state's regressions take covariates of persons alone."


def _unusable_values_of(name: str, panel: Panel) -> Iterator[str]:
    """What is wrong with the values of the state."""
    if name not in panel.states and name not in panel.measures:
        known = [*panel.states, *panel.measures]
        yield (
            f"The panel has no state '{name}'{choices(name, known, 'States and measures')} Read it as a measure, or "
            "name it in requires= where a measure exists only while it is on."
        )
        return
    values = reported_states(name, panel)
    reported = values[~np.isnan(values)]
    other = reported[(reported != 0) & (reported != 1)]
    if len(other):
        yield (
            f"The state '{name}' must be 1 (on) or 0 (off); {len(other)} value(s) are not, such as {number(other[0])}."
        )
    elif not (reported == 1).any() or not (reported == 0).any():
        word = "on" if (reported == 1).any() else "off"
        yield (
            f"The state '{name}' is {word} wherever it was reported, so there is nothing to model; leave it out, and "
            "make the panel without requires=."
        )
