"""Panels that end earlier, or go on for longer, than what was asked."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from .panel import Panel
from .records import Absence

__all__ = ["longer", "unseen_from"]


def unseen_from(
    panel: Panel, n_waves: int, places: slice | int = slice(None), measures: Sequence[str] | None = None
) -> Panel:
    """The panel of persons with the waves after the first `n_waves` missing; its times stay.

    `places` are positions of persons, `measures` names of measures, or of states too, which are always missing then;
    all where left open.
    """
    values = panel.require_persons("Leaving out later waves").copy()
    assert panel.absence is not None
    absence = panel.absence.copy()
    for column, name in enumerate(panel.measures):
        if measures is not None and name not in measures:
            continue
        kinds = absence[places, n_waves:, column]
        absence[places, n_waves:, column] = np.where(kinds == Absence.OBSERVED, Absence.WAVE_MISSING, kinds)
        values[places, n_waves:, column] = np.nan
    states = {name: state.copy() for name, state in panel.states.items()}
    for state in states.values():
        state[places, n_waves:] = np.nan
    return replace(panel, values=values, absence=absence, states=states, source=f"{panel.source}, later waves missing")


def longer(panel: Panel, times: Sequence[float]) -> Panel:
    """The panel of persons with more waves, all missing; `times` are its own, then later ones."""
    n_more = len(times) - len(panel.times)
    assert panel.absence is not None
    own_times = panel.background.own_times

    def padded(array: np.ndarray, fill: float) -> np.ndarray:
        widths = [(0, 0), (0, n_more), *[(0, 0)] * (array.ndim - 2)]
        return np.pad(array, widths, constant_values=fill)

    return replace(
        panel,
        times=tuple(times),
        values=padded(panel.require_persons("More waves"), np.nan),
        absence=padded(panel.absence, Absence.WAVE_MISSING),
        states={name: padded(state, np.nan) for name, state in panel.states.items()},
        background=panel.background
        if own_times is None
        else replace(panel.background, own_times=padded(own_times, np.nan)),
        source=f"{panel.source}, continued",
    )
