"""What a fitted model of the latent path says of people: densities, linear predictors, replicated panels, errors."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import expit

from ...basics.names import number
from ...engine.latent.conditional import JITTER
from ...engine.latent.known_cases import left_to_integrate
from ...engine.latent.measures import response_sizes
from ...engine.latent.people import draw_linear_predictors
from ...engine.latent.propagation import case_log_likelihoods, log_likelihoods
from ...engine.latent.quadrature import corrections
from ...engine.latent.replicating import draw_responses
from ...engine.model_on_panel import PanelModel
from ...engine.moments.design import design_of
from ...engine.moments.histories import KEPT, NEW, OFF
from ...engine.moments.kernel import moments
from ...engine.moments.linear_system import LinearSystem
from ...engine.moments.program_kernel import run
from ...engine.moments.structure import structural_matrices
from ...panel import Absence, Panel, reported_states
from ...spec.responses import BetaBinomial, Days, Family, Items, Ordinal, YesNo
from .prediction import statistic_table

__all__ = [
    "IntegrationError",
    "completed_responses",
    "draw_of_people",
    "foretold_responses",
    "imputed_responses",
    "integration_error",
    "latent_per_person",
    "latent_statistics",
    "observed_responses",
    "replicate_responses",
    "who_could_answer",
]

type FloatArray = npt.NDArray[np.float64]

N_CORRECTED = 50


@dataclass(frozen=True)
class IntegrationError:
    """How far the log-likelihood with linear predictors integrated out is from the exact one, over posterior draws.

    Attributes
    ----------
    mean, sd
        Mean and SD over draws of the exact log-likelihood less the approximate one, found by importance sampling.
        A mean that is the same everywhere does not move the posterior; the SD is what could.
    monte_carlo_error
        Standard error of one such difference.
    effective_share
        Effective number of draws, weighted as the exact posterior would weigh them, as a share of all.
    unsettled
        Share of cases (people, or possible histories of people) in whom something is integrated out, averaged over
        draws, whose approximation did not settle.
    """

    mean: float
    sd: float
    monte_carlo_error: float
    effective_share: float
    unsettled: float

    def __str__(self) -> str:
        return (
            f"integration error of the log-likelihood {self.mean:+.2f} (SD over draws {self.sd:.2f}, Monte Carlo "
            f"{self.monte_carlo_error:.2f}), effective share {self.effective_share:.2f}, "
            f"unsettled {100 * self.unsettled:.1f} %"
        )


def integration_error(model: PanelModel, thetas: FloatArray, seed: int) -> IntegrationError:
    """Hold the approximate log-likelihood against importance sampling at evenly spaced draws."""
    kept = thetas[np.linspace(0, len(thetas) - 1, min(N_CORRECTED, len(thetas))).astype(int)]
    means, covariances, phis = (
        np.stack(each) for each in zip(*(model.predictor_moments(theta) for theta in kept), strict=True)
    )
    data, n_persons = model.latent_data, model.panel.n_persons
    found = corrections(means, covariances, phis, data, n_persons, seed=seed)
    unsettled = [case_log_likelihoods(*model.predictor_moments(theta), data)[1] for theta in kept]
    return IntegrationError(
        float(found.log_weight.mean()),
        float(found.log_weight.std()),
        float(np.mean(found.standard_error)),
        found.effective_share,
        float(np.mean(unsettled)) / max(1, int(left_to_integrate(means[0], covariances[0], data).sum())),
    )


def latent_per_person(model: PanelModel, thetas: FloatArray, persons: npt.NDArray[np.int64]) -> FloatArray:
    """Log density at many theta of the persons at these positions, in the values' own units; ``(draw, person)``."""
    data = model.latent_data_of(persons)
    n_measured = len(model.panel.times) * len(model.spec.measures)
    exact = ~np.isnan(model.values(persons)[:, :n_measured])
    jacobian = exact @ np.tile(np.log(model.unit), len(model.panel.times))
    found = [log_likelihoods(*model.predictor_moments(theta), data, len(persons)) for theta in thetas]
    return np.asarray(np.array(found) - jacobian)


def draw_of_people(
    model: PanelModel, targets: Sequence[int], thetas: FloatArray, rng: np.random.Generator
) -> tuple[FloatArray, npt.NDArray[np.int64]]:
    """Draw variables of the linear system for every person given all that was observed of them.

    Parameters
    ----------
    model
        The model on its panel.
    targets
        Positions of the variables to draw.
    thetas
        One draw of the parameters per row, in the model's unit.
    rng
        Source of the random numbers.

    Returns
    -------
    tuple
        Values, shape ``(draw, person, target)``, in the model's unit; and the case that was drawn of each person, a row
        of the model's cases, shape ``(draw, person)``.
    """
    exact, cases = model.values(), model.cases
    joint = [replace(each, observed=(*targets, *each.observed)) for each in model.system.systems]
    n_targets, n_persons = len(targets), model.panel.n_persons
    result = np.empty((len(thetas), n_persons, n_targets))
    drawn_cases = np.empty((len(thetas), n_persons), dtype=np.int64)
    one_case = np.unique(cases.person, return_index=True)[1]
    for drawn, drawn_case, theta in zip(result, drawn_cases, thetas, strict=True):
        case, eta = draw_linear_predictors(*model.predictor_moments(theta), model.latent_data, n_persons, rng)
        drawn_case[:] = np.where(case < 0, one_case, case)  # whose only case holds nothing
        cell = cases.cell[drawn_case]
        values = exact.copy()
        values[:, : eta.shape[1]] = np.where(np.isnan(eta), values[:, : eta.shape[1]], eta)
        registers, _ = run(theta, model.system.structure_arrays)
        for members, known, linear in _groups(values, cell, joint):
            mean, covariance = moments(registers, linear.arrays)
            drawn[members] = _conditional(mean, covariance, n_targets, values[np.ix_(members, known)], known, rng)
    return result, drawn_cases


def _groups(
    values: FloatArray, cell: npt.NDArray[np.int64], systems: Sequence[LinearSystem]
) -> Iterator[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], LinearSystem]]:
    """People of the same cell with the same values known."""
    keys, group = np.unique(np.column_stack([cell, ~np.isnan(values)]), axis=0, return_inverse=True)
    for place, key in enumerate(keys):
        yield np.flatnonzero(group.ravel() == place), np.flatnonzero(key[1:]), systems[int(key[0])]


def _conditional(
    mean: FloatArray,
    covariance: FloatArray,
    n_targets: int,
    values: FloatArray,
    known: npt.NDArray[np.int64],
    rng: np.random.Generator,
) -> FloatArray:
    """Draw the first variables given some of the rest; a little noise keeps sums of others apart from them."""
    places = n_targets + known
    inner = covariance[np.ix_(places, places)] + JITTER * np.eye(len(places))
    crossing = covariance[:n_targets, places]
    weights = np.linalg.solve(inner, crossing.T).T if len(places) else np.zeros((n_targets, 0))
    left = covariance[:n_targets, :n_targets] - weights @ crossing.T
    eigenvalues, directions = np.linalg.eigh((left + left.T) / 2)
    root = directions * np.sqrt(np.maximum(eigenvalues, 0.0))
    centre = mean[:n_targets] + (values - mean[places]) @ weights.T
    return np.asarray(centre + rng.standard_normal(centre.shape) @ root.T)


def replicate_responses(
    model: PanelModel, theta: FloatArray, rng: np.random.Generator, *, whole: bool = False
) -> tuple[FloatArray, FloatArray]:
    """One panel of new people from the model, with the same covariates, windows and interviews.

    The state is drawn anew at each wave, and with it what exists. Unless `whole`, values are missing where the real
    person was not interviewed or did not answer; what the real person could not have answered is given wherever it
    exists.

    Parameters
    ----------
    model
        The model on its panel.
    theta
        One draw of the parameters, in the model's unit.
    rng
        Source of the random numbers.

    Returns
    -------
    tuple
        Values of the model's `response_columns` in their own units, shape ``(person, wave * column)``, and the
        state at each wave, shape ``(person, wave)`` (without columns where there is none), NaN where nobody told it.
    """
    spec, panel = model.spec, model.panel
    eta, history = _simulated(model, theta, rng)
    predictors = eta[:, : len(spec.measures) * len(panel.times)]
    drawn = _responses_that_exist(model, predictors, history != OFF, model.predictor_moments(theta)[2], rng)
    if not whole:
        answered = np.stack([_answered(model, column) for column in spec.response_columns], axis=2)
        drawn = np.where(answered, drawn, np.nan)
    values = drawn.reshape(panel.n_persons, -1)
    if spec.state is None:
        return values, np.zeros((panel.n_persons, 0))
    told = whole | ~np.isnan(reported_states(spec.state.name, panel))
    return values, np.where(told, history != OFF, np.nan)


def _responses_that_exist(
    model: PanelModel,
    predictors: FloatArray,
    on: npt.NDArray[np.bool_],
    phi: FloatArray,
    rng: np.random.Generator,
    waves: slice = slice(None),
) -> FloatArray:
    """Values of all columns at stacked linear predictors, NaN where they do not exist; ``(person, wave, column)``.

    Parameters
    ----------
    model, phi, rng, waves
        As of `_responses_at`.
    predictors
        Of all measures, wave by wave, shape ``(person, wave * measure)``.
    on
        Whether the state is on, shape ``(person, wave)``; not read where there is none.
    """
    spec, columns = model.spec, list[FloatArray]()
    for place, name in enumerate(spec.measures):
        drawn = _responses_at(model, name, predictors[:, place :: len(spec.measures)], phi, rng, waves)
        columns += [np.where(on, values, np.nan) if spec.needs_state(name) else values for values in drawn]
    return np.stack(columns, axis=2)


def _responses_at(
    model: PanelModel,
    measure: str,
    predictor: FloatArray,
    phi: FloatArray,
    rng: np.random.Generator,
    waves: slice = slice(None),
) -> list[FloatArray]:
    """Values of each column of a measure at linear predictors, in their own units; shapes ``(person, wave)``.

    Parameters
    ----------
    model
        The model on its panel, whose windows and exposures are used.
    measure
        One of its measures.
    predictor
        Shape ``(person, wave)``; of a normal measure its values in the model's unit.
    phi
        Numbers of the families.
    rng
        Source of the random numbers.
    waves
        Which waves the predictor has; all where left open.
    """
    place = model.spec.measures.index(measure)
    family = model.families.families[place]
    if measure not in model.spec.random_families:
        return [predictor * model.unit[place] + model.centre[place]]
    numbers = phi[model.families.starts[place][0] :][: len(family.parameters)]
    return draw_responses(family, numbers, predictor, response_sizes(measure, family, model.panel)[:, waves], rng)


def completed_responses(
    model: PanelModel, theta: FloatArray, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """The panel with what is absent drawn given all that was observed of the same person, the state with it.

    Parameters
    ----------
    model
        The model on its panel.
    theta
        One draw of the parameters, in the model's unit.
    rng
        Source of the random numbers.

    Returns
    -------
    tuple
        As of `replicate_responses`; NaN where a measure does not exist, or its window is not known.
    """
    spec, panel, n_waves, n_measures = model.spec, model.panel, len(model.panel.times), len(model.spec.measures)
    observed, told = observed_responses(model)
    model = replace(model, design=design_of(spec, panel, until=n_waves - 1))
    targets = model.system.systems[0].observed[: n_measures * n_waves]
    (predictors,), (cases,) = draw_of_people(model, targets, theta[None], rng)
    phi, histories = model.predictor_moments(theta)[2], model.design.histories
    on = np.zeros((panel.n_persons, 0), dtype=bool) if histories is None else histories.state[cases] != OFF
    filled = _responses_that_exist(model, predictors, on, phi, rng).reshape(panel.n_persons, -1)
    return np.where(np.isnan(observed), filled, observed), told if histories is None else on.astype(float)


def imputed_responses(
    model: PanelModel, measure: str, theta: FloatArray, rng: np.random.Generator
) -> Callable[[float], FloatArray]:
    """Draw every person's values of one measure given all that was observed of them, wherever it was not.

    Its linear predictors are drawn once, jointly with the state of every wave.

    Parameters
    ----------
    model
        The model on its panel.
    measure
        One of its measures.
    theta
        One draw of the parameters, in the model's unit.
    rng
        Source of the random numbers.

    Returns
    -------
    Callable
        Of a shift of the linear predictor (of a normal measure, in its SDs) to values in their own units, shape
        ``(person, wave, column)``: the same but for the shift, as if the measure existed everywhere.
    """
    n_waves, n_measures = len(model.panel.times), len(model.spec.measures)
    model = replace(model, design=design_of(model.spec, model.panel, until=n_waves - 1))
    place = model.spec.measures.index(measure)
    targets = model.system.systems[0].observed[place : n_measures * n_waves : n_measures]
    (predictor,), _ = draw_of_people(model, targets, theta[None], rng)
    phi, seed = model.predictor_moments(theta)[2], int(rng.integers(2**31))
    return lambda shift: np.stack(
        _responses_at(model, measure, predictor + shift, phi, np.random.default_rng(seed)), axis=2
    )


def foretold_responses(
    model: PanelModel, wave: int, thetas: FloatArray, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Draw everybody's responses at one wave of which nothing is known, given what is known of them.

    Parameters
    ----------
    model
        The model on its panel, whose state has a probability up to this wave (see `PanelModel.before`).
    wave
        Position of the wave.
    thetas
        One draw of the parameters per row, in the model's unit.
    rng
        Source of the random numbers.

    Returns
    -------
    tuple
        Values of the model's `response_columns` in their own units, shape ``(draw, person, column)``, NaN in draws in
        which they do not exist, and where the window or exposure is not known; and the state, 0 or 1, shape
        ``(draw, person)`` (without persons where there is none).
    """
    spec, here = model.spec, slice(wave, wave + 1)
    n_measures = len(spec.measures)
    targets = model.system.systems[0].observed[wave * n_measures : (wave + 1) * n_measures]
    predictors, cases = draw_of_people(model, targets, thetas, rng)
    histories = model.design.histories
    on = np.zeros((len(thetas), 0)) if histories is None else histories.state[cases, wave] != OFF
    drawn = np.empty((*predictors.shape[:2], len(spec.response_columns)))
    for values, predictor, theta, exists in zip(drawn, predictors, thetas, on, strict=True):
        phi = model.predictor_moments(theta)[2]
        values[:] = _responses_that_exist(model, predictor, exists[:, None], phi, rng, here)[:, 0]
    return drawn, on.astype(float)


def who_could_answer(model: PanelModel, measure: str) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Where a measure is known to exist, and where a value of it can be drawn too; shapes ``(person, wave)``.

    None can be drawn where its window, number of trials or exposure is not known.
    """
    spec, panel = model.spec, model.panel
    exists = np.ones((panel.n_persons, len(panel.times)), dtype=bool)
    if spec.state is not None and spec.needs_state(measure):
        exists = reported_states(spec.state.name, panel) == 1
    if measure not in spec.random_families:
        return exists, exists
    return exists, exists & ~np.isnan(response_sizes(measure, spec.random_families[measure], panel))


def observed_responses(model: PanelModel) -> tuple[FloatArray, FloatArray]:
    """What was observed, as `replicate_responses` gives what might have been."""
    spec, panel = model.spec, model.panel
    chosen = [panel.measures.index(name) for name in spec.response_columns]
    values = panel.require_persons("A posterior predictive check")[:, :, chosen].reshape(panel.n_persons, -1)
    state = np.zeros((panel.n_persons, 0)) if spec.state is None else reported_states(spec.state.name, panel)
    return np.asarray(values), state


def latent_statistics(model: PanelModel, values: FloatArray, state: FloatArray) -> pd.Series:
    """Means, SDs and correlations of responses, shares at their lowest and highest, and transitions of the state.

    Parameters
    ----------
    model
        The model on its panel.
    values, state
        As of `replicate_responses`.

    Returns
    -------
    pandas.Series
        As of `statistic_table`, then ``share lowest`` and ``share highest`` of what is not normal, and
        ``share on``, ``acquired`` and ``kept`` of the state.
    """
    spec, panel = model.spec, model.panel
    waves, columns = [number(time) for time in panel.times], spec.response_columns
    table = statistic_table(values, columns, waves)
    rows: dict[tuple[str, str], float] = {}
    by_wave = values.reshape(len(values), len(waves), len(columns))
    with np.errstate(invalid="ignore", divide="ignore"):
        for name, family in spec.random_families.items():
            lowest, highest = _ends(name, family, panel)
            for column in spec.columns_of(name):
                here = by_wave[:, :, columns.index(column)]
                known = (~np.isnan(here)).sum(axis=0)
                for words, ends in (("share lowest", lowest), ("share highest", highest)):
                    for wave, label in enumerate(waves):
                        if ends is not None:
                            rows[words, f"{column}, {label}"] = (here == ends)[:, wave].sum() / known[wave]
        for wave in range(state.shape[1]):
            rows["share on", waves[wave]] = np.nanmean(state[:, wave]) if (state[:, wave] >= 0).any() else np.nan
        for wave in range(1, state.shape[1]):
            before, after = state[:, wave - 1], state[:, wave]
            for word, which in (("acquired", 0.0), ("kept", 1.0)):
                told = (before == which) & ~np.isnan(after)
                rows[word, f"{waves[wave - 1]} to {waves[wave]}"] = after[told].mean() if told.any() else np.nan
    if not rows:
        return table
    index = pd.MultiIndex.from_tuples(rows, names=table.index.names)
    return pd.concat([table, pd.Series(list(rows.values()), index=index, name=table.name)])


def _ends(name: str, family: Family, panel: Panel) -> tuple[FloatArray | None, FloatArray | None]:
    """Lowest and highest possible response; None where there is no highest."""
    lowest = np.asarray(float(getattr(family, "lowest", 0)))
    match family:
        case Days() | BetaBinomial():
            return lowest, response_sizes(name, family, panel)
        case Ordinal() | Items():
            return lowest, lowest + family.categories - 1
        case YesNo():
            return None, lowest + 1
    return lowest, None


def _answered(model: PanelModel, column: str) -> npt.NDArray[np.bool_]:
    panel = model.panel
    assert panel.absence is not None
    absence = panel.absence[:, :, panel.measures.index(column)]
    return np.isin(absence, [Absence.OBSERVED, Absence.NOT_APPLICABLE, Absence.UNKNOWN])


def _simulated(
    model: PanelModel, theta: FloatArray, rng: np.random.Generator
) -> tuple[FloatArray, npt.NDArray[np.int64]]:
    """Stacked linear predictors of new people, and their histories, wave by wave.

    Variables up to a wave are the same whatever comes later, so that each wave's state can be drawn from the
    predictor under any history that begins alike.
    """
    n_persons, n_waves = model.panel.n_persons, len(model.panel.times)
    noise = rng.standard_normal((n_persons, len(model.system.systems[0].variables)))
    history = np.zeros((n_persons, n_waves), dtype=np.int64)
    state = model.spec.state
    if state is None:
        return _stacked(model, theta, noise, history[:, :0]), history
    first = len(model.spec.measures) * n_waves
    for wave in range(n_waves):
        predictor = _stacked(model, theta, noise, history)[:, first + wave]
        on = rng.uniform(size=n_persons) < expit(predictor)
        new = on & (rng.uniform(size=n_persons) > state.same) if wave else np.zeros(n_persons, dtype=bool)
        new &= history[:, wave - 1] != OFF
        history[:, wave] = np.where(new, NEW, np.where(on, KEPT, OFF))
    return _stacked(model, theta, noise, history), history


def _stacked(model: PanelModel, theta: FloatArray, noise: FloatArray, history: npt.NDArray[np.int64]) -> FloatArray:
    """Stacked linear predictors of everybody with these histories, from the same noise whatever the history."""
    cells = [replace(cell, history=()) for cell in model.design.cells]
    which = np.array([cells.index(cell) for cell in cells])  # the same whatever the history
    first_case = np.unique(model.cases.person, return_index=True)[1]
    own = which[model.cases.cell[first_case]]
    keys, group = np.unique(np.column_stack([own, history]), axis=0, return_inverse=True)
    found = np.empty((len(noise), model.system.n_values))
    given = model.design.covariate_values
    for place, (cell, *states) in enumerate(keys.tolist()):
        members = group.ravel() == place
        system = model.system_of(replace(cells[cell], history=tuple(states)))
        registers, _ = run(theta, system.structure_arrays)
        found[members] = _variables(
            registers, system.systems[0], noise[members], None if given is None else given[members]
        )
    return found


def _variables(registers: FloatArray, linear: LinearSystem, noise: FloatArray, given: FloatArray | None) -> FloatArray:
    """Observed variables of people under one system, from their noise and covariates."""
    effects, disturbances, intercepts = structural_matrices(linear, registers)
    shocks = noise @ _semidefinite_root(disturbances).T
    n_given = 0 if given is None else given.shape[1]
    if given is not None:
        shocks[:, list(linear.observed[-n_given:])] = given
    variables = np.linalg.solve(np.eye(len(effects)) - effects, (intercepts + shocks).T).T
    return np.asarray(variables[:, list(linear.observed[: len(linear.observed) - n_given])])


def _semidefinite_root(matrix: FloatArray) -> FloatArray:
    """Lower triangular root, row by row, with empty columns where nothing is new."""
    size = len(matrix)
    root = np.zeros((size, size))
    for column in range(size):
        left = matrix[column, column] - root[column, :column] @ root[column, :column]
        if left > 1e-12:
            root[column, column] = np.sqrt(left)
            rest = slice(column + 1, size)
            root[rest, column] = (matrix[rest, column] - root[rest, :column] @ root[column, :column]) / root[
                column, column
            ]
    return root
