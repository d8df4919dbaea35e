"""Responses of all people of a panel: observed ones, and those that a model predicts in their place."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ...engine.model_on_panel import PanelModel
from ...panel import reported_states

__all__ = ["Responses", "observed_responses"]


class Responses(NamedTuple):
    """Responses and states of people.

    Attributes
    ----------
    values
        Of the spec's `response_columns` in their own units, shape ``(person, wave * column)``; NaN where absent.
    state
        1 where the state is on, 0 where it is off, NaN where it is not known, shape ``(person, wave)``; without columns
        where the model has none.
    """

    values: npt.NDArray[np.float64]
    state: npt.NDArray[np.float64]


def observed_responses(model: PanelModel) -> Responses:
    """Responses of the panel itself."""
    spec, panel = model.spec, model.panel
    columns = [panel.measures.index(name) for name in spec.response_columns]
    values = panel.require_persons("A posterior predictive check")[:, :, columns].reshape(panel.n_persons, -1)
    state = np.zeros((panel.n_persons, 0)) if spec.state is None else reported_states(spec.state.name, panel)
    return Responses(np.asarray(values), state)
