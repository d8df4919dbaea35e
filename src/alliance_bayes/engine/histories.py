"""Which histories of a state each person of a panel may have: one where it is known, several where it is not."""

from itertools import product
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..basics.names import number, quoted
from ..basics.problems import SpecError
from ..panel import Panel, reported_states
from ..spec.cross_lagged import CrossLagged

__all__ = ["KEPT", "NEW", "OFF", "Cases", "Histories", "possible_histories"]

OFF, KEPT, NEW = 0, 1, 2
"""The state at one wave: off; on; on, and a new one in the place of one that was there (a new sponsor)."""
MOST_CASES = 100_000


class Cases(NamedTuple):
    """Possible cases of people; a person's likelihood is the sum over the cases of that person."""

    person: npt.NDArray[np.int64]  # position of the person, shape ``(case,)``, in ascending order
    cell: npt.NDArray[np.int64]  # position of the linear system that holds then, shape ``(case,)``
    log_weight: npt.NDArray[np.float64]  # log prior probability of this case, shape ``(case,)``


class Histories(NamedTuple):
    """Possible histories of all people."""

    person: npt.NDArray[np.int64]  # position of the person, shape ``(case,)``, in ascending order
    state: npt.NDArray[np.int64]  # `OFF`, `KEPT` or `NEW` at each wave, shape ``(case, wave)``
    # Whether the state at that wave has a probability in the likelihood, shape ``(case, wave)``: not after the last
    # wave with information, where summing over it leaves the likelihood unchanged
    counted: npt.NDArray[np.bool_]
    # Logarithm of the probability that what was kept is the same, or new, as the case has it; shape ``(case,)``
    log_weight: npt.NDArray[np.float64]


def possible_histories(spec: CrossLagged, panel: Panel, *, until: int | None = None) -> Histories:
    """Histories that agree with what is known of the state and with values that exist only while it is on.

    The state has a probability up to the last wave that anything is known of, or up to the one at position `until`
    where that is later; with selection, up to the last wave of all where `until` is left open.

    Raises
    ------
    SpecError
        If they are too many, with the people who have most.
    """
    known = _known_states(spec, panel)
    n_persons, n_waves = known.shape
    if until is None:
        until = n_waves - 1 if spec.selection else -1
    last = np.maximum(_last_known(spec, panel), until)
    counted = np.arange(n_waves) <= last[:, None]
    options = np.where(counted, known, OFF)
    distinct, which = np.unique(np.column_stack([options, counted]), axis=0, return_inverse=True)
    assert spec.state is not None
    same = spec.state.same
    counts = np.array([_how_many(row[:n_waves], same) for row in distinct])[which.ravel()]
    if counts.sum() - n_persons > MOST_CASES:
        assert panel.persons is not None
        most = panel.persons[np.argsort(-counts, kind="stable")[:3]]
        cure = f", or use same=1 instead of {number(same)}" if same < 1 else ""
        raise SpecError(
            f"The state '{spec.state.name}' leaves {int(counts.sum()):,} possible histories of {n_persons} people, up "
            f"to {int(counts.max())} of one ({quoted(most.tolist())}), and each is summed over; there may be at most "
            f"{MOST_CASES:,} more than people. Leave out people or waves whose state is unknown{cure}."
        )
    histories = [_expanded(row[:n_waves], same) for row in distinct]
    person = np.repeat(np.arange(n_persons), counts)
    state = np.concatenate([histories[each] for each in which.ravel()])
    kept = (state[:, 1:] == KEPT) & (state[:, :-1] != OFF)
    weights = np.where(state[:, 1:] == NEW, np.log1p(-same) if same < 1 else 0.0, np.where(kept, np.log(same), 0.0))
    return Histories(person, state, counted[person], weights.sum(axis=1))


def _known_states(spec: CrossLagged, panel: Panel) -> npt.NDArray[np.int64]:
    """1 where the state is on, 0 where it is off, -1 where it is not known; shape ``(person, wave)``."""
    assert spec.state is not None
    values, reported = panel.require_persons("A state"), reported_states(spec.state.name, panel)
    columns = [panel.measures.index(name) for measure in spec.state.required_by for name in spec.columns_of(measure)]
    exists = (~np.isnan(values[:, :, columns])).any(axis=2)
    return np.where(np.isnan(reported), np.where(exists, 1, -1), reported).astype(np.int64)


def _last_known(spec: CrossLagged, panel: Panel) -> npt.NDArray[np.int64]:
    """The last wave at which a value or the state is known; -1 for nobody."""
    assert spec.state is not None
    chosen = [panel.measures.index(name) for measure in spec.measures for name in spec.columns_of(measure)]
    seen = (~np.isnan(panel.require_persons("A state")[:, :, chosen])).any(axis=2)
    seen |= ~np.isnan(reported_states(spec.state.name, panel))
    n_waves = seen.shape[1]
    return np.where(seen.any(axis=1), n_waves - 1 - np.argmax(seen[:, ::-1], axis=1), -1)


def _how_many(options: npt.NDArray[np.int64], same: float) -> int:
    """Number of histories that one row of known states allows, without listing them."""
    off, on = 1, 0
    for known in options:
        off, on = (off + on) * int(known <= 0), (off + (2 if same < 1 else 1) * on) * int(known != 0)
    return off + on


def _expanded(options: npt.NDArray[np.int64], same: float) -> npt.NDArray[np.int64]:
    """Every history that one row of known states allows, shape ``(history, wave)``."""
    options_by_wave = [(OFF, KEPT) if known < 0 else (int(known),) for known in options]
    histories = []
    for states in product(*options_by_wave):
        ways = [
            (KEPT, NEW) if same < 1 and wave > 0 and on and states[wave - 1] else (on,)
            for wave, on in enumerate(states)
        ]
        histories += list(product(*ways))
    return np.array(histories, dtype=np.int64)
