"""People's values predicted at one time from their earlier values."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from ...basics.given import is_number, shown
from ...basics.names import number
from ...basics.problems import SpecError
from ...engine.latent.family_layout import response_sizes
from ...engine.model_on_panel import PanelModel
from ...engine.parameters import ParameterTable
from ...panel import Panel, longer, reported_states
from ...spec.cross_lagged import CrossLagged
from ...spec.steps import MOST_AHEAD, base_step, whole_steps
from .people import people_of
from .person_tables import table_of_persons

__all__ = ["continued", "forecast", "model_until", "times_until"]

type FloatArray = npt.NDArray[np.float64]


def forecast(model: PanelModel, time: float, thetas: FloatArray, rng: np.random.Generator) -> pd.DataFrame:
    """`Fit.forecast`, from one draw of the parameters per row."""
    spec, panel = model.spec, model.panel
    model_then, thetas, wave = model_until(model, time, thetas)
    values, states = people_of(model_then).predicted(wave, thetas, rng)
    columns, observed = list(spec.response_columns), _observed_at(model, wave)
    if spec.state is not None:
        values = np.dstack([values, states])
        columns.append(spec.state.name)
    table = table_of_persons(panel, values, columns).assign(observed=observed.ravel())
    if not spec.random_families:
        return table
    out_of = np.full(observed.shape, np.nan)
    out_of[:, : len(spec.response_columns)] = _amounts(model_then, wave)
    return table.assign(out_of=out_of.ravel())


def _observed_at(model: PanelModel, wave: int) -> FloatArray:
    """Responses at a wave, then the state where there is one, shape ``(person, column)``; NaN beyond the panel."""
    spec, panel = model.spec, model.panel
    n_columns = len(spec.response_columns) + (spec.state is not None)
    if wave >= len(panel.times):
        return np.full((panel.n_persons, n_columns), np.nan)
    chosen = [panel.measures.index(name) for name in spec.response_columns]
    observed = panel.require_persons("A forecast")[:, wave, chosen]
    return (
        observed
        if spec.state is None
        else np.column_stack([observed, reported_states(spec.state.name, panel)[:, wave]])
    )


def model_until(model: PanelModel, time: float, thetas: FloatArray) -> tuple[PanelModel, FloatArray, int]:
    """The model with nothing observed from a time on, its panel continued until then; its parameters; and its wave.

    In the parameters the last interval and the last wave continue beyond the panel. Raises a SpecError where `time` is
    not one of those `Fit.forecast` names, or is beyond the panel of covariates that act at each wave.
    """
    spec, panel = model.spec, model.panel
    times = times_until(spec, panel.times, time)
    wave = times.index(time)
    if len(times) > len(panel.times):
        if spec.wave_covariates:
            raise SpecError(
                "No forecast beyond the panel: its covariates act at each wave, and later ones are unknown."
            )
        families = {name: family.lasting(len(times)) for name, family in spec.families.items()}
        spec, panel = replace(spec, families=families), longer(panel, times)
    continued_model = replace(model, n_asked=len(model.panel.times)).on(_amounts_filled(spec, panel), spec=spec)
    if len(times) > len(model.panel.times):
        thetas = continued(model.layout.table, continued_model.layout.table, thetas)
    return continued_model.before(wave, until=wave), thetas, wave


def continued(table: ParameterTable, longer: ParameterTable, thetas: np.ndarray) -> np.ndarray:
    """Parameters of the same model with more waves, ``(draw, parameter)``, whose last interval and wave go on."""
    result = np.zeros((len(thetas), len(longer)))
    for (key, group, occasion), positions in longer.arrays.items():
        before = table.arrays.get((key, group, occasion))
        if before is None:
            last = max(wave for of, part, wave in table.arrays if (of, part) == (key, group) and wave is not None)
            before = table.arrays[key, group, last]
        free = positions >= 0
        result[:, positions[free]] = np.where(before >= 0, thetas[:, before], 0.0)[:, free]
    return result


def _amounts(model: PanelModel, wave: int) -> FloatArray:
    """Window, trials or exposure of each response column at a wave, or NaN; shape ``(person, column)``."""
    spec, panel = model.spec, model.panel
    sizes = []
    for name in spec.measures:
        family = spec.random_families.get(name)
        size = np.full(panel.n_persons, np.nan)
        if family is not None and family.amount is not None:
            size = response_sizes(name, family, panel)[:, wave]
        sizes += [size] * len(spec.columns_of(name))
    return np.stack(sizes, axis=1)


def _amounts_filled(spec: CrossLagged, panel: Panel) -> Panel:
    """The panel where a window, trials or exposure that is not known is the last known one of that person."""
    if not spec.given_columns:
        return panel
    values = panel.require_persons("A forecast").copy()
    for name in spec.given_columns:
        column = values[:, :, panel.measures.index(name)]
        for wave in range(1, column.shape[1]):
            unknown = np.isnan(column[:, wave])
            column[unknown, wave] = column[unknown, wave - 1]
    return replace(panel, values=values)


def times_until(spec: CrossLagged, times: tuple[float, ...], time: float) -> tuple[float, ...]:
    """Return the waves up to `time`, the panel's own and as many more as lead there."""
    if not (is_number(time) or isinstance(time, float)):
        raise SpecError(f"A forecast needs a time, such as {number(times[-1])}; got {shown(time)}.")
    if time in times[1:]:
        return times
    length = times[-1] - times[-2]
    if spec.lags == "continuous" and np.isfinite(time) and time > times[-1]:
        return (*times, time)
    step = (base_step(times) or length) if spec.lags == "grid" else length
    n_more = whole_steps(time - times[-1], step)
    if n_more is None:
        raise SpecError(
            f"No forecast for {number(time)}: choose one of the later waves {', '.join(map(number, times[1:]))}, or a "
            f"time that whole steps of {number(step)} lead to from {number(times[-1])}."
        )
    if n_more > MOST_AHEAD:
        raise SpecError(
            f"No forecast for {number(time)}: it is {n_more:.3g} steps of {number(step)} beyond the last wave, and at "
            f"most {MOST_AHEAD:,} can be predicted."
        )
    if spec.lags == "grid":
        return (*times, time)
    return (*times, *(times[-1] + step * ahead for ahead in range(1, n_more)), time)
