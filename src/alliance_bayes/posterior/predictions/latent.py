"""People with latent linear predictors: of measures that are not normal, a state or a selection."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from ...engine.design import design_of
from ...engine.histories import KEPT, NEW, OFF
from ...engine.kernels.interpreter import run
from ...engine.kernels.moments import moments
from ...engine.latent.conditional import JITTER
from ...engine.latent.family_layout import response_sizes
from ...engine.latent.predictor_draws import draw_linear_predictors
from ...engine.latent.propagation import log_likelihoods
from ...engine.layout import lay_out
from ...engine.linear_system import LinearSystem
from ...engine.model_on_panel import PanelModel
from ...panel import Absence, reported_states
from ..integration import IntegrationError, integration_error
from .responses import Responses, observed_responses

__all__ = ["LatentPeople", "who_could_answer"]

type FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class LatentPeople:
    """`People` whose linear predictors and states are drawn, and their responses given these."""

    model: PanelModel

    n_draws: ClassVar[int] = 400
    n_checks: ClassVar[int] = 200

    def log_densities(self, thetas: FloatArray, persons: npt.NDArray[np.int64], *, n_known: int = 0) -> FloatArray:
        """As of `People`, with what is latent integrated out."""
        density = _log_densities(self.model, thetas, persons)
        return density - _log_densities(self.model.before(n_known), thetas, persons) if n_known else density

    def variables(self, targets: Sequence[int], thetas: FloatArray, rng: np.random.Generator) -> FloatArray:
        """As of `People`."""
        return self.variables_and_cases(targets, thetas, rng)[0]

    def variables_and_cases(
        self, targets: Sequence[int], thetas: FloatArray, rng: np.random.Generator
    ) -> tuple[FloatArray, npt.NDArray[np.int64]]:
        """Draw variables of the linear system, and the case of each person that they belong to.

        Values have the shape ``(draw, person, target)``, in the model's unit; cases, ``(draw, person)``, are rows of
        the model's cases.
        """
        model = self.model
        exact, cases, n_persons = model.values(), model.cases, model.panel.n_persons
        joint = [replace(linear, observed=(*targets, *linear.observed)) for linear in model.system.systems]
        result = np.empty((len(thetas), n_persons, len(targets)))
        drawn_cases = np.empty((len(thetas), n_persons), dtype=np.int64)
        first_case = np.unique(cases.person, return_index=True)[1]
        for drawn, drawn_case, theta in zip(result, drawn_cases, thetas, strict=True):
            case, eta = draw_linear_predictors(*model.predictor_moments(theta), model.latent_data, n_persons, rng)
            drawn_case[:] = np.where(case < 0, first_case, case)  # of people whose only case holds nothing
            values = exact.copy()
            values[:, : eta.shape[1]] = np.where(np.isnan(eta), values[:, : eta.shape[1]], eta)
            registers, _ = run(theta, model.system.structure_arrays)
            for members, known, linear in _groups(values, cases.cell[drawn_case], joint):
                mean, covariance = moments(registers, linear.arrays)
                observed = values[np.ix_(members, known)]
                drawn[members] = _conditional(mean, covariance, len(targets), observed, known, rng)
        return result, drawn_cases

    def replicated(self, theta: FloatArray, rng: np.random.Generator, *, complete: bool = False) -> Responses:
        """As of `People`: the state is drawn wave by wave, and with it what exists.

        A value is present where the measure exists and the real person was interviewed and answered, or could not have
        answered.
        """
        spec, panel = self.model.spec, self.model.panel
        eta, history = _simulated(self.model, theta, rng)
        predictors = eta[:, : len(spec.measures) * len(panel.times)]
        values = self._existing(predictors, history != OFF, self.model.predictor_moments(theta)[2], rng)
        if not complete:
            answered = np.stack([_answered(self.model, column) for column in spec.response_columns], axis=2)
            values = np.where(answered, values, np.nan)
        values = values.reshape(panel.n_persons, -1)
        if spec.state is None:
            return Responses(values, np.zeros((panel.n_persons, 0)))
        known = complete | ~np.isnan(reported_states(spec.state.name, panel))
        return Responses(values, np.where(known, history != OFF, np.nan))

    def completed(self, theta: FloatArray, rng: np.random.Generator) -> Responses:
        """The panel with missing values and states drawn given the same person's observed ones.

        NaN where a measure does not exist, or its window is not known.
        """
        spec, panel, n_waves = self.model.spec, self.model.panel, len(self.model.panel.times)
        observed = observed_responses(self.model)
        people = self._with_state_throughout()
        targets = people.model.system.systems[0].observed[: len(spec.measures) * n_waves]
        (predictors,), (cases,) = people.variables_and_cases(targets, theta[None], rng)
        phi, histories = people.model.predictor_moments(theta)[2], people.model.design.histories
        on = np.zeros((panel.n_persons, 0), dtype=bool) if histories is None else histories.state[cases] != OFF
        drawn = people._existing(predictors, on, phi, rng).reshape(panel.n_persons, -1)
        values = np.where(np.isnan(observed.values), drawn, observed.values)
        return Responses(values, observed.state if histories is None else on.astype(float))

    def completed_and_replicated(
        self, thetas: FloatArray, rng: np.random.Generator
    ) -> Iterator[tuple[Responses, Responses]]:
        """As of `People`."""
        for theta in thetas:
            replicated = self.replicated(theta, rng, complete=True)
            yield self.completed(theta, rng), replicated

    def chi_squares(self, thetas: FloatArray, rng: np.random.Generator) -> None:
        """None: responses and states have no saturated model."""

    def predicted(self, wave: int, thetas: FloatArray, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
        """As of `People`: NaN in draws in which a measure does not exist, and where its window is not known."""
        n_measures, at_wave = len(self.model.spec.measures), slice(wave, wave + 1)
        targets = self.model.system.systems[0].observed[wave * n_measures : (wave + 1) * n_measures]
        predictors, cases = self.variables_and_cases(targets, thetas, rng)
        histories = self.model.design.histories
        on = np.zeros((len(thetas), 0)) if histories is None else histories.state[cases, wave] != OFF
        result = np.empty((*predictors.shape[:2], len(self.model.spec.response_columns)))
        for values, predictor, theta, exists in zip(result, predictors, thetas, on, strict=True):
            phi = self.model.predictor_moments(theta)[2]
            values[:] = self._existing(predictor, exists[:, None], phi, rng, at_wave)[:, 0]
        return result, on.astype(float)

    def imputed(self, measure: str, theta: FloatArray, rng: np.random.Generator) -> Callable[[float], FloatArray]:
        """As of `People`: linear predictors are drawn once, jointly with the state of every wave."""
        people, spec, panel = self._with_state_throughout(), self.model.spec, self.model.panel
        n_waves, n_measures = len(panel.times), len(spec.measures)
        position = spec.measures.index(measure)
        targets = people.model.system.systems[0].observed[position : n_measures * n_waves : n_measures]
        (predictor,) = people.variables(targets, theta[None], rng)
        phi, seed = people.model.predictor_moments(theta)[2], int(rng.integers(2**31))
        observed = observed_responses(self.model).values.reshape(panel.n_persons, n_waves, -1)
        columns = [spec.response_columns.index(column) for column in spec.columns_of(measure)]

        def at(shift: float) -> FloatArray:
            values = observed.copy()
            drawn = people._responses_at(measure, predictor + shift, phi, np.random.default_rng(seed))
            values[:, :, columns] = np.stack(drawn, axis=2)
            return values

        return at

    def predictive_shares(self, thetas: FloatArray, weights: FloatArray, rng: np.random.Generator) -> FloatArray:
        """As of `People`: from responses drawn wave by wave, each observed one taken as one more draw among them.

        A random share of the draws that are equal to it counts as less.
        """
        model, observed_person = self.model, self.model.has_value
        responses, state = observed_responses(model)
        observed = responses.reshape(len(responses), len(model.panel.times), -1)
        if model.spec.state is not None:
            observed = np.dstack([observed, state])
        observed = observed[observed_person]
        shares = np.empty(observed.shape)
        for wave in range(observed.shape[1]):
            drawn, states = LatentPeople(model.before(wave, until=wave)).predicted(wave, thetas, rng)
            if model.spec.state is not None:
                drawn = np.dstack([drawn, states])
            drawn, values = drawn[:, observed_person], observed[:, wave]
            counted = np.where(np.isnan(drawn), 0.0, weights[:, :, None])
            n_drawn, total = (~np.isnan(drawn)).sum(axis=0), counted.sum(axis=0)
            with np.errstate(invalid="ignore"):
                less, same = ((counted * holds).sum(axis=0) / total for holds in (drawn < values, drawn == values))
                share = (n_drawn * less + rng.uniform(size=values.shape) * (n_drawn * same + 1)) / (n_drawn + 1)
            shares[:, wave] = np.where(np.isnan(values) | (total == 0), np.nan, share)
        return shares.reshape(len(shares), -1)

    def integration_error(self, thetas: FloatArray, seed: int, *, n_known: int = 0) -> IntegrationError:
        """As of `People`."""
        return integration_error(self.model, thetas, seed, n_known=n_known)

    def _with_state_throughout(self) -> "LatentPeople":
        """The same people, whose state has a probability up to the last wave."""
        spec, panel = self.model.spec, self.model.panel
        return LatentPeople(
            replace(self.model, layout=lay_out(spec, design_of(spec, panel, until=len(panel.times) - 1)))
        )

    def _existing(
        self,
        predictors: FloatArray,
        on: npt.NDArray[np.bool_],
        phi: FloatArray,
        rng: np.random.Generator,
        waves: slice = slice(None),
    ) -> FloatArray:
        """Values of all columns at stacked linear predictors, NaN where they do not exist; ``(person, wave, column)``.

        Predictors are those of all measures, wave by wave; `on`, shape ``(person, wave)``, is not read without a state.
        """
        spec, columns = self.model.spec, list[FloatArray]()
        for position, name in enumerate(spec.measures):
            drawn = self._responses_at(name, predictors[:, position :: len(spec.measures)], phi, rng, waves)
            columns += [np.where(on, values, np.nan) if spec.needs_state(name) else values for values in drawn]
        return np.stack(columns, axis=2)

    def _responses_at(
        self,
        measure: str,
        predictor: FloatArray,
        phi: FloatArray,
        rng: np.random.Generator,
        waves: slice = slice(None),
    ) -> list[FloatArray]:
        """Values of each column of a measure at linear predictors, in their own units; shapes ``(person, wave)``.

        The predictor of a normal measure is its value in the model's unit; `waves` are those of the predictor.
        """
        model = self.model
        position = model.spec.measures.index(measure)
        family = model.families.families[position]
        if measure not in model.spec.random_families:
            return [predictor * model.unit[position] + model.centre[position]]
        numbers = phi[model.families.starts[position][0] :][: len(family.parameters)]
        return family.draw(numbers, predictor, response_sizes(measure, family, model.panel)[:, waves], rng)


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


def _log_densities(model: PanelModel, thetas: FloatArray, persons: npt.NDArray[np.int64]) -> FloatArray:
    """Of all that was observed of the persons at these positions, in the values' own units; ``(draw, person)``."""
    data = model.latent_data_of(persons)
    n_measured = len(model.panel.times) * len(model.spec.measures)
    exact = ~np.isnan(model.values(persons)[:, :n_measured])
    log_jacobian = exact @ np.tile(np.log(model.unit), len(model.panel.times))
    densities = [log_likelihoods(*model.predictor_moments(theta), data, len(persons)) for theta in thetas]
    return np.asarray(np.array(densities) - log_jacobian)


def _groups(
    values: FloatArray, cell: npt.NDArray[np.int64], systems: Sequence[LinearSystem]
) -> Iterator[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], LinearSystem]]:
    """People of the same cell with the same values known."""
    keys, group = np.unique(np.column_stack([cell, ~np.isnan(values)]), axis=0, return_inverse=True)
    for index, key in enumerate(keys):
        yield np.flatnonzero(group.ravel() == index), np.flatnonzero(key[1:]), systems[int(key[0])]


def _conditional(
    mean: FloatArray,
    covariance: FloatArray,
    n_targets: int,
    values: FloatArray,
    known: npt.NDArray[np.int64],
    rng: np.random.Generator,
) -> FloatArray:
    """Draw the first variables given some of the others; a little noise keeps sums of others apart from them."""
    positions = n_targets + known
    inner = covariance[np.ix_(positions, positions)] + JITTER * np.eye(len(positions))
    crossing = covariance[:n_targets, positions]
    weights = np.linalg.solve(inner, crossing.T).T if len(positions) else np.zeros((n_targets, 0))
    residual_covariance = covariance[:n_targets, :n_targets] - weights @ crossing.T
    eigenvalues, directions = np.linalg.eigh((residual_covariance + residual_covariance.T) / 2)
    root = directions * np.sqrt(np.maximum(eigenvalues, 0.0))
    centre = mean[:n_targets] + (values - mean[positions]) @ weights.T
    return np.asarray(centre + rng.standard_normal(centre.shape) @ root.T)


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
    alike = np.array([cells.index(cell) for cell in cells])  # the same whatever the history
    first_case = np.unique(model.cases.person, return_index=True)[1]
    cell_of_person = alike[model.cases.cell[first_case]]
    keys, group = np.unique(np.column_stack([cell_of_person, history]), axis=0, return_inverse=True)
    result = np.empty((len(noise), model.system.n_values))
    covariates = model.design.covariate_values
    for index, (cell, *states) in enumerate(keys.tolist()):
        members = group.ravel() == index
        system = model.system_of(replace(cells[cell], history=tuple(states)))
        registers, _ = run(theta, system.structure_arrays)
        result[members] = _variables(
            registers, system.systems[0], noise[members], None if covariates is None else covariates[members]
        )
    return result


def _variables(
    registers: FloatArray, linear: LinearSystem, noise: FloatArray, covariates: FloatArray | None
) -> FloatArray:
    """Observed variables of people under one system, from their noise and covariates."""
    effects, disturbances, intercepts = linear.matrices(registers)
    shocks = noise @ _semidefinite_root(disturbances).T
    n_covariates = 0 if covariates is None else covariates.shape[1]
    if covariates is not None:
        shocks[:, list(linear.observed[-n_covariates:])] = covariates
    variables = np.linalg.solve(np.eye(len(effects)) - effects, (intercepts + shocks).T).T
    return np.asarray(variables[:, list(linear.observed[: len(linear.observed) - n_covariates])])


def _semidefinite_root(matrix: FloatArray) -> FloatArray:
    """Lower triangular root, row by row, with empty columns where a variable follows from those before it."""
    size = len(matrix)
    root = np.zeros((size, size))
    for column in range(size):
        variance = matrix[column, column] - root[column, :column] @ root[column, :column]
        if variance > 1e-12:  # rounding of variances near 1
            root[column, column] = np.sqrt(variance)
            below = slice(column + 1, size)
            covariances = matrix[below, column] - root[below, :column] @ root[column, :column]
            root[below, column] = covariances / root[column, column]
    return root
