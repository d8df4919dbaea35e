"""A state that comes and goes: what a truth says of it, and people's courses where something exists only in it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from ..basics.given import shown
from ..basics.names import choices, quoted
from ..basics.problems import Problems
from .covariates import covariates_of
from .dynamics import steps_of
from .reading import NUMBER, SD, Array, Entry, Reader
from .true_process import TrueProcess

__all__ = ["Course", "RandomNumbers", "course", "read_state", "shifted"]

_CHANCE = "a number between 0 and 1"


@dataclass(frozen=True, eq=False)
class RandomNumbers:
    """Random numbers of persons besides the shocks of their first wave."""

    steps: Array  # normal, for the innovations of every step, dims (person, step, measure)
    states: Array  # uniform, dims (person, wave, 2): whether the state is on, and whether one that was kept is new

    @classmethod
    def drawn(
        cls, truth: TrueProcess, persons: int, random: tuple[np.random.Generator, np.random.Generator]
    ) -> "RandomNumbers":
        """Numbers of so many persons."""
        steps, waves = sum(steps_of(truth)), len(truth.times)
        return cls(
            random[0].standard_normal((persons, steps, len(truth.spec.measures))), random[1].random((persons, waves, 2))
        )


@dataclass(frozen=True, eq=False)
class Course:
    """Within-person parts, 0 where they do not exist, dims (person, wave, measure); and the state, (person, wave)."""

    within: Array
    on: NDArray[np.bool_]


def read_state(truth: TrueProcess, problems: Problems) -> dict[str, Any]:
    """Read what a truth says of its state, noting all problems."""
    spec, given, waves = truth.spec, truth.state, len(truth.times)
    state = spec.state
    assert state is not None
    keys = ["first", "acquire", "keep", *(["acts_on"] if state.acts_on else [])]
    keys += ["restart"] if state.required_by else []
    if not isinstance(given, Mapping):
        problems.add(
            f"state is missing: the chances of '{state.name}', such as "
            f"{{'first': 0.5, 'acquire': 0.2, 'keep': 0.8}}; got {shown(given)}."
        )
        return {}
    for key in given:
        if key not in keys:
            problems.add(f"state has no '{key}'{choices(str(key), keys, 'Its keys')}")
    if absent := [key for key in ("first", "acquire", "keep") if key not in given]:
        problems.add(f"state leaves out {quoted(absent)}: chances where all predictors are at their means.")
    read = Reader(spec.measures, problems)
    entries: dict[str, Any] = {}
    for key, predictors in (("first", state.first), ("acquire", state.acquire), ("keep", state.keep)):
        if key in given:
            entries[key] = _regression(f"state {key}", given[key], predictors, 1 if key == "first" else waves - 1, read)
    if state.acts_on and "acts_on" in given:
        shifts = _named("state acts_on", given["acts_on"], state.acts_on, problems)
        entries["acts_on"] = {
            name: read.entry(f"state acts_on '{name}'", value, NUMBER) for name, value in shifts.items()
        }
    if state.required_by and "restart" in given:
        places = _named("state restart", given["restart"], state.required_by, problems)
        entries["restart"] = {
            name: _mean_and_sd(f"state restart '{name}'", value, read) for name, value in places.items()
        }
    return entries


def _regression(where: str, given: object, predictors: Sequence[str], n: int, read: Reader) -> dict[str, Any]:
    several = f", or a list of {n}, one for each interval" if n > 1 else ""
    chance = Entry(f"{_CHANCE}{several}", n if n > 1 else 0, accepts=lambda value: 0 < value < 1)
    entries = given if isinstance(given, Mapping) else {"chance": given}
    known = ["chance", *predictors]
    for key in entries:
        if key not in known:
            read.problems.add(f"{where} has no '{key}'{choices(str(key), known, 'Its keys')}")
    if "chance" not in entries:
        read.problems.add(f"{where} needs a 'chance', {chance.expected}.")
    return {
        key: read.entry(f"{where} {key}", entries[key], chance if key == "chance" else NUMBER)
        for key in known
        if key in entries
    }


def _named(where: str, given: object, names: Sequence[str], problems: Problems) -> dict[str, object]:
    """What is given of each measure; nothing of those that have no place here."""
    if not isinstance(given, Mapping):
        problems.add(f"{where} must be a table from measures to their values; got {shown(given)}.")
        return {}
    for name in given:
        if name not in names:
            problems.add(f"{where}: the model has no '{name}' there{choices(str(name), names, 'It has')}")
    return {str(name): value for name, value in given.items() if name in names}


def _mean_and_sd(where: str, given: object, read: Reader) -> dict[str, Any]:
    known = {"mean": NUMBER, "sd": SD}
    if not isinstance(given, Mapping) or set(given) - set(known):
        read.problems.add(f"{where} must be a table with {quoted(known)} or one of them; got {shown(given)}.")
        return {}
    return {key: read.entry(f"{where} {key}", given[key], known[key]) for key in given}


def course(
    truth: TrueProcess,
    first: Array,
    stable: Array,
    covariates: Mapping[str, Array],
    numbers: RandomNumbers,
    added: Array,
) -> Course:
    """What happens to persons wave by wave, as `spec.State` says.

    `first` are the within-person parts at the first wave, were the state on, dims (person, measure); `stable` the
    stable parts, dims (person, wave, measure); `covariates` the deviations from their means, raw units; `added` an
    experiment, as in `drawing.draw`.
    """
    spec = truth.spec
    assert spec.state is not None
    required = np.isin(spec.measures, spec.state.required_by)
    spreads = {covariate.name: covariate.sd for covariate in covariates_of(truth)}
    standard = {name: values / spreads[name] for name, values in covariates.items()}
    on = numbers.states[:, 0, 0] < _chance(truth, "first", 0, standard)
    within = np.where(required & ~on[:, None], 0.0, first)
    parts, states, step = [within], [on], 0
    for interval, n_steps in enumerate(steps_of(truth)):
        deviation = dict(zip(spec.measures, ((within + stable[:, interval]) / truth._total_sds).T, strict=True))
        chances = [_chance(truth, key, interval, standard | deviation) for key in ("acquire", "keep")]
        later = numbers.states[:, interval + 1, 0] < np.where(on, chances[1], chances[0])
        same = on & later & (numbers.states[:, interval + 1, 1] < spec.state.same)
        for n in range(1, n_steps + 1):
            new = within @ truth.step_effects[interval].T
            noise = numbers.steps[:, step] @ np.linalg.cholesky(truth._step_innovations[interval]).T
            step, moved = step + 1, new + noise
            if n == n_steps:
                moved = np.where(required & (later & ~same)[:, None], _restart(truth, noise, interval), moved)
                within = np.where(required & ~later[:, None], 0.0, moved + added[interval + 1])
            else:
                within = np.where(required & ~(on & later)[:, None], 0.0, moved)
        on = later
        parts.append(within)
        states.append(on)
    return Course(np.stack(parts, axis=1), np.stack(states, axis=1))


def shifted(truth: TrueProcess, values: Array, on: NDArray[np.bool_]) -> Array:
    """Values with what the state adds while it is on, without those that exist only then elsewhere; raw units."""
    spec, shifts = truth.spec, (truth.state or {}).get("acts_on", {})
    assert spec.state is not None
    added = np.array([shifts.get(name, 0.0) for name in spec.measures]) * truth._total_sds
    required = np.isin(spec.measures, spec.state.required_by)
    return np.where(required & ~on[:, :, None], np.nan, values + on[:, :, None] * added)


def _chance(truth: TrueProcess, key: str, interval: int, predictors: Mapping[str, Array]) -> Array:
    entries: Mapping[str, Any] = (truth.state or {})[key]
    chance = entries["chance"]
    log_odds = logit(chance[interval] if isinstance(chance, tuple) else chance)
    return np.asarray(
        expit(log_odds + sum(slope * predictors[name] for name, slope in entries.items() if name != "chance"))
    )


def _restart(truth: TrueProcess, noise: Array, interval: int) -> Array:
    """Where what requires the state begins: the noise scaled to the SD it has there, about its mean; raw units."""
    sds, scale = truth._within_sds, np.sqrt(np.diag(truth._step_innovations[interval]))
    entries: Mapping[str, Any] = (truth.state or {}).get("restart", {})
    means = np.array([entries.get(name, {}).get("mean", 0.0) for name in truth.spec.measures])
    spreads = np.array([entries.get(name, {}).get("sd", 1.0) for name in truth.spec.measures])
    return np.asarray(means * truth._total_sds + noise * (spreads * sds / scale))
