"""A model on a panel: everything that follows from the two before a number is tried."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from ..basics.given import is_one_of, shown
from ..basics.names import number, quoted
from ..basics.problems import SpecError
from ..panel import Panel, unseen_from
from ..spec.cross_lagged import CrossLagged
from .design import Cell, Design, design_of
from .far_means import far_means
from .histories import Cases
from .identification import check_identified, check_spec_against_panel
from .kernels.interpreter import run_many
from .latent.cases import responses_of_cases
from .latent.determined import rows_to_integrate
from .latent.family_layout import FamilyLayout, family_layout, panel_responses, sparse_categories
from .latent.panel_likelihood import moments_at
from .latent.responses import LatentArrays, Responses, arrange, of_persons
from .layout import Layout, lay_out
from .linear_system import PanelSystem
from .prior_scale import PriorScale
from .quantities import Derived
from .statistics import PatternStatistics, pattern_statistics, standardized_values

__all__ = ["Latent", "PanelModel", "check_latent", "panel_model"]

Latent = Literal["integrate", "sample"]

type FloatArray = npt.NDArray[np.float64]

MOST_TRIES = 50
MOST_SYSTEMS = 4096


@dataclass(frozen=True, eq=False)
class PanelModel:
    """A model on a panel, made by `panel_model`."""

    layout: Layout  # the model laid out for the panel's design
    panel: Panel
    weights: FloatArray | None = None  # how often each person counts, shape ``(person,)``; None where all count once
    # Centre and scale of each of the spec's columns; those of the panel where left open
    units: tuple[FloatArray, FloatArray] | None = None
    # First wave at which nobody was interviewed yet, so that selection does not apply; none where left open
    n_asked: int | None = None

    @property
    def spec(self) -> CrossLagged:
        """The model."""
        return self.layout.spec

    @property
    def design(self) -> Design:
        """What the model knows of the panel besides its values."""
        return self.layout.design

    @property
    def system(self) -> PanelSystem:
        """The model as linear systems."""
        return self.layout.system

    @property
    def scale(self) -> PriorScale:
        """The random variables."""
        return self.layout.scale

    @property
    def derived(self) -> Derived:
        """The derived quantities."""
        return self.layout.derived

    def system_of(self, cell: Cell) -> PanelSystem:
        """The model for people of one cell alone, who need not be in the panel; those asked for last are kept."""
        system = self._system_of.pop(cell, None)
        if system is None:
            system = self.layout.system_of([cell])
        self._system_of[cell] = system
        if len(self._system_of) > MOST_SYSTEMS:
            del self._system_of[next(iter(self._system_of))]
        return system

    @cached_property
    def _system_of(self) -> dict[Cell, PanelSystem]:
        return {}

    @cached_property
    def statistics(self) -> PatternStatistics:
        """The panel in the model's unit, as moments."""
        return pattern_statistics(self.panel, self.spec.columns, self.design, self.weights, self.units)

    @cached_property
    def centre(self) -> FloatArray:
        """Centre of each measure, or of its first indicator; 0 of a linear predictor; shape ``(measure,)``."""
        return self.column_units[0][self._units]

    @cached_property
    def unit(self) -> FloatArray:
        """SD that divides each measure, or its first indicator; 1 of a linear predictor; shape ``(measure,)``."""
        return self.column_units[1][self._units]

    @property
    def _units(self) -> list[int]:
        spec = self.spec
        return [spec.columns.index(spec.indicators.get(name, (name,))[0]) for name in spec.measures]

    @cached_property
    def column_units(self) -> tuple[FloatArray, FloatArray]:
        """Centre and scale of each of the spec's columns, shapes ``(column,)``; 0 and 1 of a linear predictor."""
        if self.units is not None:
            return self.units
        if not self.spec.is_latent:
            return self.statistics.centre, self.statistics.scale
        known = dict(zip(self.panel.measures, zip(*self.panel.pooled_scale(), strict=True), strict=True))
        units = [(0.0, 1.0) if name in self.spec.random_families else known[name] for name in self.spec.columns]
        return np.array([centre for centre, _ in units]), np.array([scale for _, scale in units])

    def values(self, persons: npt.NDArray[np.int64] | None = None) -> FloatArray:
        """Values in the model's unit, then covariates, shape ``(person, value)``, of all persons or some positions.

        Of a model with families, a state or selection: NaN for what is not normal, and for every linear predictor.
        """
        centre, scale = self.column_units
        if not self.spec.is_latent:
            return standardized_values(self.panel, self.spec.columns, centre, scale, persons, self.design)
        raw = self.panel.require_persons("The likelihood of measures that are not normal")
        values = np.full((len(raw), self.system.n_values + self.system.n_covariates), np.nan)
        n_measures, n_waves = len(self.spec.measures), raw.shape[1]
        for place, name in enumerate(self.spec.measures):
            if name not in self.spec.random_families:
                column = raw[:, :, self.panel.measures.index(name)]
                values[:, place : n_measures * n_waves : n_measures] = (column - centre[place]) / scale[place]
        if self.design.covariate_values is not None:
            values[:, self.system.n_values :] = self.design.covariate_values
        return values if persons is None else values[persons]

    @cached_property
    def families(self) -> FamilyLayout:
        """The numbers of the families, and where each response finds them."""
        return family_layout(self.spec.measures, self.spec.families)

    @cached_property
    def cases(self) -> Cases:
        """What each person may be a case of."""
        return self.design.cases(self.panel.n_persons)

    @cached_property
    def responses(self) -> Responses:
        """Responses of all cases, those of the state and of selection among them."""
        return responses_of_cases(self.spec, self.panel, self.design, self.families, self.n_asked)

    @cached_property
    def latent_data(self) -> LatentArrays:
        """Exact values and responses as the kernel of the latent path reads them."""
        return arrange(self.values(), self.responses, self.cases, n_given=self.system.n_covariates)

    def before(self, n_waves: int, *, until: int | None = None) -> "PanelModel":
        """The model with all that comes after the first waves missing: values, states, and who is observed.

        Parameters
        ----------
        n_waves
            How many waves are known. Units, covariates and windows stay what they are.
        until
            Position of a later wave up to which the state has a probability.
        """
        panel = unseen_from(self.panel, n_waves, measures=self.spec.reported_columns)
        asked = n_waves if self.n_asked is None else min(n_waves, self.n_asked)
        return replace(self.on(panel, until=n_waves - 1 if until is None else until), n_asked=asked)

    def on(self, panel: Panel, *, until: int | None = None, spec: CrossLagged | None = None) -> "PanelModel":
        """The model on another panel, in the same units, with covariates standardised alike.

        Parameters
        ----------
        panel
            Of the same measures.
        until
            Position of the wave up to which the state has a probability at least.
        spec
            The same model of more waves; this one where left open.
        """
        spec = self.spec if spec is None else spec
        design = design_of(spec, panel, until=until, like=self.design)
        return replace(self, layout=lay_out(spec, design), panel=panel, weights=None, units=self.column_units)

    def latent_data_of(self, persons: npt.NDArray[np.int64]) -> LatentArrays:
        """The same of the persons at these different positions alone, who become 0, 1, 2 and so on."""
        fewer = of_persons(persons, self.values(), self.responses, self.cases)
        return arrange(*fewer, n_given=self.system.n_covariates)

    def predictor_moments(self, theta: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Means and covariances of all linear predictors and exact values, by linear system, and the families' numbers.

        Shapes ``(cell, value)``, ``(cell, value, value)`` and ``(phi,)``.
        """
        structure, systems = self.system.structure_arrays, self.system.arrays
        means, covariances, phi, *_ = moments_at(np.ascontiguousarray(theta), structure, systems, self.families.links)
        return means, covariances, phi

    @cached_property
    def is_integrated(self) -> npt.NDArray[np.bool_]:
        """Whose linear predictors are integrated out, shape ``(person,)``.

        Not those of a person whose values are normal, and in whom all that a state or selection depends on was
        observed.
        """
        psi = self.scale.join(self.scale.draw(MOST_TRIES, np.random.default_rng(0)))
        thetas, proper = run_many(psi, self.scale.arrays)
        theta = thetas[np.argmax(proper & np.isfinite(thetas).all(axis=1))]
        means, covariances, _ = self.predictor_moments(theta)
        integrated = np.zeros(self.panel.n_persons, dtype=bool)
        integrated[self.latent_data.person[rows_to_integrate(means, covariances, self.latent_data)]] = True
        return integrated

    @cached_property
    def has_value(self) -> npt.NDArray[np.bool_]:
        """Who has any value of the model, shape ``(person,)``."""
        if not self.spec.is_latent:
            assert self.statistics.person_pattern is not None
            return self.statistics.person_pattern >= 0
        return self.has_value_from(0)

    def has_value_from(self, n_waves: int) -> npt.NDArray[np.bool_]:
        """Who has any value of the model after the first waves, shape ``(person,)``."""
        n_values, n_all = self.system.n_values, len(self.panel.times)
        n_columns = n_values // n_all if not self.spec.is_latent else len(self.spec.measures)
        place = np.arange(n_values)
        of_measures = n_columns * n_all
        wave = np.where(place < of_measures, place // n_columns, (place - of_measures) % n_all)
        later = wave >= n_waves
        has_value = (~np.isnan(self.values()[:, :n_values][:, later])).any(axis=1)
        if self.spec.is_latent:
            responses = self.responses
            has_value[self.cases.person[responses.case[later[responses.position]]]] = True
        return has_value

    @property
    def notes(self) -> tuple[str, ...]:
        """How the likelihood is computed, and cautions about these data."""
        if not self.spec.is_latent:
            path = "Moments path: the likelihood is computed from means and covariances of all people, exactly."
            return (path, *self.doubts)
        notes = list(self._paths())
        state, histories = self.spec.state, np.bincount(self.cases.person)
        several = int((histories > 1).sum())
        if state is not None and several:
            new = f", or may be a new one (same={number(state.same)})" if state.same < 1 else ""
            notes.append(
                f"{several} {'person has' if several == 1 else 'people have'} several possible histories, up to "
                f"{int(histories.max())} of one person, which are summed over: '{state.name}' was not reported at "
                f"every time{new}."
            )
        sparse = sparse_categories(panel_responses(self.panel, self.families), self.families)
        return (*notes, *self.doubts, *sparse)

    @property
    def doubts(self) -> tuple[str, ...]:
        """Sentences where there are no more people than parameters, and on means that the prior hardly allows."""
        return (*self._few_people(), *far_means(self.spec, self.panel, self.design.groups))

    def _few_people(self) -> Iterator[str]:
        n_parameters = self.system.n_parameters
        if self.n_persons <= n_parameters:
            yield (
                f"{self.n_persons} people for {n_parameters} parameters: the prior determines much of the result, and "
                "estimates of maximum likelihood may not exist. Use a smaller model (residuals='equal', means='equal') "
                "or more people."
            )

    def _paths(self) -> Iterator[str]:
        """Which people's likelihood is that of moments, and whose linear predictors are integrated out."""
        n_integrated = int(self.is_integrated.sum())
        n_known = self.n_persons - n_integrated
        if n_known:
            state = () if self.spec.state is None else (self.spec.state.name,)
            regressions = [*state, *(each.of for each in self.spec.selection)]
            known = f", with all predictors of {quoted(regressions)} among them" if regressions else ""
            of = f"{n_known:,} of {self.n_persons:,}" if n_integrated else f"all {n_known:,}"
            yield (
                f"Moments path for {of} people, whose observed values are normal{known}: their likelihood is computed "
                "from means and covariances, exactly."
            )
        if n_integrated:
            whose = f" for {n_integrated:,} people: their" if n_known else ": each person's"
            yield f"Latent path{whose} linear predictors are integrated out of the likelihood."

    @property
    def n_persons(self) -> int:
        """How many people have any value of the model."""
        return int(self.has_value.sum()) if self.spec.is_latent else self.statistics.n_persons

    def derive(self, thetas: FloatArray) -> FloatArray:
        """Derived vectors at many theta, shape ``(draw, derived)``."""
        constants = np.concatenate([self.centre, self.unit])
        inputs = np.hstack([thetas, np.broadcast_to(constants, (len(thetas), len(constants)))])
        return np.asarray(run_many(inputs, self.derived.arrays)[0])

    @cached_property
    def raw_factors(self) -> FloatArray:
        """What each parameter is multiplied by to come to the measures' own units, shape ``(parameter,)``."""
        of_columns = zip(self.spec.columns, self.column_units[1].tolist(), strict=True)
        scales = {**dict(of_columns), **self.design.scales}
        return np.array(
            [
                np.prod([scales[name] for name in parameter.units]) / np.prod([scales[name] for name in parameter.per])
                for parameter in self.system.parameters
            ]
        )

    def to_raw(self, theta: FloatArray) -> FloatArray:
        """Parameters in the measures' own units."""
        raw = theta * self.raw_factors
        return raw + self._shifts(raw)

    def from_raw(self, raw: FloatArray) -> FloatArray:
        """Parameters in the model's unit; the inverse of `to_raw`."""
        return (raw - self._shifts(raw)) / self.raw_factors

    def _shifts(self, raw: FloatArray) -> FloatArray:
        """Centres of what has a location; of an indicator, less what its measure's centre makes of it."""
        centres = dict(zip(self.spec.columns, self.column_units[0].tolist(), strict=True))
        shifts = np.zeros(len(raw))
        for position, parameter in enumerate(self.system.parameters):
            if parameter.located is not None:
                shifts[position] = centres[parameter.located]
            if parameter.less is not None:
                loading, column = parameter.less
                shifts[position] -= raw[loading] * centres[column]
        return shifts


def panel_model(spec: CrossLagged, panel: Panel, *, like: PanelModel | None = None) -> PanelModel:
    """Put a model and a panel together.

    Parameters
    ----------
    spec, panel
        The model and the panel.
    like
        The same model on another panel; it is not laid out again where it knows the same of both.

    Raises
    ------
    SpecError
        If the model is not identified at these times or does not fit the panel's measures.
    PanelError
        If values do not fit the family of their measure.
    """
    check_spec_against_panel(spec, panel)
    design = design_of(spec, panel)
    if like is not None and design.knows_what(like.design):
        return PanelModel(like.layout, panel)
    model = PanelModel(lay_out(spec, design), panel)
    if spec.is_latent:
        model.responses  # noqa: B018  # values that do not fit their family are refused by this
    check_identified(model.layout, panel)
    return model


def check_latent(spec: CrossLagged, latent: str) -> None:
    """Refuse what cannot be done with the linear predictors of a model."""
    if not is_one_of(latent, get_args(Latent)):
        raise SpecError(f"latent must be one of {quoted(get_args(Latent))}; got {shown(latent)}.")
    if latent == "sample" and not spec.is_latent:
        raise SpecError(
            f"latent='sample' samples the linear predictors of families, a state or selection, and this {spec.title} "
            "has none of them. Leave latent out."
        )
