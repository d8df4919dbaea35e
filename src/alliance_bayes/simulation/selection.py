"""Who is interviewed, and who answers, where that depends on the measures themselves."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from ..basics.given import shown
from ..basics.names import choices
from ..basics.problems import Problems
from ..spec.occurrence import INTERVIEW
from .reading import NUMBER, Array, Entry, Reader
from .true_process import TrueProcess

__all__ = ["read_selection", "unseen"]


def read_selection(truth: TrueProcess, problems: Problems) -> dict[str, dict[str, Any]]:
    """Read what a truth says of its selections, noting all problems."""
    spec, given = truth.spec, truth.selection
    expected = {each.of: each for each in spec.selection}
    if not isinstance(given, Mapping) or not all(isinstance(entries, Mapping) for entries in given.values()):
        problems.add(f"selection must be a table such as {{'interview': {{'chance': 0.8}}}}; got {shown(given)}.")
        return {}
    for of in given:
        if of not in expected:
            problems.add(f"selection: the model has none of '{of}'{choices(str(of), list(expected), 'It has')}")
    read, entries_read = Reader(spec.measures, problems), dict[str, dict[str, Any]]()
    for of, selection in expected.items():
        entries, n_waves = given.get(of, {}), len(truth.times) - selection.first_wave
        where, known = f"selection of '{of}'", ("chance", "on", "before")
        for key in entries:
            if key not in known:
                problems.add(f"{where} has no '{key}'{choices(str(key), known, 'Its keys')}")
        if "chance" not in entries:
            problems.add(f"{where} needs a 'chance': of being seen where all predictors are at their means.")
        chance = Entry(
            f"a number between 0 and 1, or a list of {n_waves}, one for each wave", n_waves, lambda value: 0 < value < 1
        )
        entries_read[of] = {"chance": read.entry(f"{where} chance", entries.get("chance", 0.5), chance)}
        for key in ("on", "before"):
            entries_read[of][key] = _effects(f"{where} {key}", entries.get(key, {}), getattr(selection, key), read)
    return entries_read


def _effects(where: str, given: object, names: Sequence[str], read: Reader) -> dict[str, Any]:
    if not isinstance(given, Mapping):
        read.problems.add(f"{where} must be a table from measures to log odds per SD; got {shown(given)}.")
        return {}
    for name in given:
        if name not in names:
            read.problems.add(f"{where} has no '{name}'{choices(str(name), names, 'The model has')}")
    return {name: read.entry(f"{where} {name}", given[name], NUMBER) for name in names if name in given}


def unseen(
    truth: TrueProcess, deviations: Array, random: np.random.Generator
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Who is not interviewed, dims (person, wave), and which columns are not answered, (person, wave, column).

    ``logit P(there) = logit(chance_t) + on' d_t + before' d_t-1``; `deviations` d are those of the measures from their
    means (random intercept and within-person part), raw units, dims (person, wave, measure), NaN where there is none.
    """
    spec = truth.spec
    persons, waves, _ = deviations.shape
    standard = np.nan_to_num(deviations / truth._total_sds)
    missed, unanswered = (
        np.zeros((persons, waves), dtype=bool),
        np.zeros((persons, waves, len(spec.response_columns)), bool),
    )
    columns = list(spec.response_columns)
    for selection in spec.selection:
        entries, uniform = (truth.selection or {})[selection.of], random.random((persons, waves))
        log_odds = np.full((persons, waves), np.inf)
        log_odds[:, selection.first_wave :] = logit(np.broadcast_to(entries["chance"], waves - selection.first_wave))
        for name, effect in entries["on"].items():
            log_odds += effect * standard[..., spec.measures.index(name)]
        for name, effect in entries["before"].items():
            log_odds[:, 1:] += effect * standard[:, :-1, spec.measures.index(name)]
        absent = uniform >= expit(log_odds)
        if selection.of == INTERVIEW:
            missed |= absent
            continue
        for column in spec.columns_of(selection.of):
            unanswered[..., columns.index(column)] |= absent
    return missed, unanswered
