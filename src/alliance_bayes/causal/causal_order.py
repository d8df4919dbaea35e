"""Equations in causal order: who comes before whom, and for which people."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..basics.calls import checked
from ..basics.given import entries, shown
from ..basics.names import choices, in_words, quoted
from ..basics.problems import Problems, SpecError
from ..posterior.fit import Fit
from .equations import Array, CausalEquation, Values
from .regression import Regression
from .waves import KINDS, Version, occasion, wave_equations

__all__ = ["CausalOrder", "causal_order"]


@checked(apart=["people", "randomised"])
@dataclass(frozen=True, eq=False)
class CausalOrder:
    """Conditional models in causal order, and the people to simulate.

    Parameters
    ----------
    people
        One row per person: baseline covariates, and treatments where people have them.
    equations
        Equations in causal order, from `regression` or `Equation`; each may read columns of
        `people`, treatments that a regime sets, and variables of earlier equations.
    requires
        Variables that exist only while a state is on, such as ``{"alliance": "doctor"}``. Where
        the state is off the variable has no value, and no later equation may depend on it: write
        its effect as ``doctor:alliance``. Every question checks this.
    randomised
        Treatments that were assigned at random.
    new_people
        Whether `people` only says how many people there are, because the first equation draws new
        ones; set by `causal_order`.
    imputation
        Imputation of each chain of the posterior, where the equations were fitted to several; set by `causal_order`.

    Raises
    ------
    SpecError
        If an equation reads what nothing before it provides, two equations provide the same
        variable, or a column has missing values; all problems at once.
    """

    people: pd.DataFrame
    equations: Sequence[CausalEquation]
    requires: Mapping[str, str] = field(default_factory=dict, kw_only=True)
    randomised: Sequence[str] = field(default=(), kw_only=True)
    new_people: bool = field(default=False, kw_only=True)
    imputation: NDArray[np.int64] | None = field(default=None, kw_only=True)
    measures: Mapping[str, tuple[str, ...]] = field(default_factory=dict, kw_only=True, repr=False)
    model_assumptions: tuple[str, ...] = field(default=(), kw_only=True, repr=False)

    def __post_init__(self) -> None:
        problems = Problems("These equations are not in a causal order")
        if not isinstance(self.people, pd.DataFrame) or not len(self.people):
            problems.add("people must be a data frame with one row per person.")
            problems.raise_as(SpecError)
        for number, equation in enumerate(self.equations, start=1):
            if not hasattr(equation, "variables"):
                problems.add(
                    f"Equation {number} must be ab.Equation(...) or ab.regression(...); got {shown(equation)}."
                )
        problems.raise_as(SpecError)
        object.__setattr__(self, "equations", tuple(self.equations))
        randomised = (self.randomised,) if isinstance(self.randomised, str) else entries(self.randomised)
        if randomised is None or not all(isinstance(name, str) for name in randomised):
            problems.add(f"randomised must be a list of names; got {shown(self.randomised)}.")
            randomised = ()
        object.__setattr__(self, "randomised", randomised)
        problems.found += self._order_problems()
        problems.raise_as(SpecError)

    def _order_problems(self) -> Iterator[str]:
        made = self.variables
        for name in sorted({name for name in made if made.count(name) > 1}):
            yield f"Two equations make '{name}'."
        later: set[str] = set(made)
        for equation in self.equations:
            for variable in equation.variables:
                for parent in equation.parents_of(variable):
                    if parent in later and parent not in equation.variables:
                        yield f"'{variable}' reads '{parent}', which comes after it in the causal order."
            later -= set(equation.variables)
        for name in self.people.columns:
            if name in self.exogenous and self.people[name].isna().any():
                count = int(self.people[name].isna().sum())
                yield f"'{name}' is missing for {count} of {len(self.people)} people; drop or impute them."
        for name, state in self.requires.items():
            for required in (name, state):
                if required not in (*made, *self.people.columns, *self.exogenous):
                    yield f"requires names '{required}'{choices(required, made, 'Variables')}"

    @property
    def variables(self) -> tuple[str, ...]:
        """Variables that the equations make, in causal order."""
        return tuple(name for equation in self.equations for name in equation.variables)

    @cached_property
    def exogenous(self) -> tuple[str, ...]:
        """Variables that the equations read and none of them makes: covariates and treatments."""
        made = set(self.variables)
        read = dict.fromkeys(
            parent for equation in self.equations for name in equation.variables for parent in equation.parents_of(name)
        )
        return tuple(name for name in read if name not in made)

    @property
    def posterior(self) -> tuple[int, int]:
        """Chains and draws that all equations have: flattened to one chain where they differ."""
        shapes = [equation.posterior for equation in self.equations if equation.posterior is not None]
        if not shapes:
            return (1, 1)
        if len(set(shapes)) == 1:
            return shapes[0]
        if len({chains for chains, _ in shapes}) == 1:
            return shapes[0][0], min(draws for _, draws in shapes)
        return 1, min(chains * draws for chains, draws in shapes)

    def draws_of(self, equation: CausalEquation, chains: int, draws: int) -> NDArray[np.int64]:
        """Positions of evenly spaced posterior draws of one equation, ``chains * draws`` of them."""
        if equation.posterior is None:
            return np.zeros(chains * draws, dtype=np.int64)
        available_chains, available = equation.posterior
        if available_chains != chains:
            return np.linspace(0, available_chains * available - 1, chains * draws).astype(np.int64)
        within_chain = np.linspace(0, available - 1, draws).astype(np.int64)
        return np.asarray((np.arange(chains)[:, None] * available + within_chain).ravel())

    def equation_of(self, variable: str) -> CausalEquation | None:
        """The equation that makes a variable, or None for a covariate or treatment."""
        return next((equation for equation in self.equations if variable in equation.variables), None)

    def position(self, variable: str) -> int:
        """Position of a variable's equation; -1 before all of them."""
        return next((index for index, equation in enumerate(self.equations) if variable in equation.variables), -1)

    def descendants(self, sources: Iterable[str], without: Iterable[str] = ()) -> set[str]:
        """Variables whose value or existence any of `sources` affects, along paths that avoid `without`."""
        affected, blocked = set(sources), set(without)
        for equation in self.equations:
            for name in equation.variables:
                if name not in blocked and affected & {*equation.parents_of(name), self.requires.get(name)}:
                    affected.add(name)
        return affected - set(sources)

    def confounders_that_treatment_changes(
        self, treatments: Sequence[str], mediators: Sequence[str], outcome: str
    ) -> tuple[str, ...]:
        """Variables that treatment affects and that connect a mediator with the outcome on another path.

        With one of them natural effects are not identified: it is a recanting witness, or, where
        its noise is shared with a mediator's, has to be adjusted for although treatment changes it.
        """
        changed = self.descendants(treatments) - {*mediators, *treatments, outcome}
        return tuple(
            name
            for equation in self.equations
            for name in equation.variables
            if name in changed
            and {*mediators} & {*self.descendants([name]), *equation.variables}
            and outcome in self.descendants([name], without=mediators)
        )

    def observed(self, variable: str) -> Array | None:
        """Observed values of a variable, in any order, or None where there are no data."""
        equation = self.equation_of(variable)
        if equation is not None:
            return equation.observed(variable)
        return self.people[variable].to_numpy(float) if variable in self.people else None

    def data_of(self, variable: str) -> pd.DataFrame | None:
        """Rows that a variable's regression was fitted to, or None where it is no regression."""
        equation = self.equation_of(variable)
        return equation.people if isinstance(equation, Regression) else None

    def effect_of_raising(self, cause: str, by: float, outcome: str, frame: pd.DataFrame, most_draws: int) -> float:
        """Mean change of an outcome's expectation in a frame when one column alone is raised; mean over draws."""
        equation = self.equation_of(outcome)
        assert equation is not None
        chains, n_draws = equation.posterior or (1, 1)
        draws = np.unique(np.linspace(0, chains * n_draws - 1, most_draws).astype(np.int64))
        shape = (len(draws), 1, len(frame))
        arrays = {str(name): frame[name].to_numpy() for name in frame.columns}
        before = equation.expectation(outcome, Values(shape, arrays), draws)
        after = equation.expectation(outcome, Values(shape, {**arrays, cause: arrays[cause] + by}), draws)
        assert before is not None
        assert after is not None
        return float(np.mean(after - before))

    @cached_property
    def sampling(self) -> tuple[str, ...]:
        """Problems of the posterior draws of any equation."""
        return tuple(dict.fromkeys(problem for equation in self.equations for problem in equation.sampling))

    def resolved(self, name: str) -> tuple[str, ...]:
        """Variables a name stands for: itself, or a measure at every wave."""
        return self.measures.get(name, (name,))

    @property
    def known_names(self) -> tuple[str, ...]:
        """Every name a question can use."""
        return tuple(dict.fromkeys((*self.measures, *self.variables, *self.exogenous)))

    def __str__(self) -> str:
        lines = [f"{len(self.people)} people; in causal order:"]
        given = [name for name in self.exogenous if name in self.people]
        set_by_regime = [name for name in self.exogenous if name not in self.people]
        if given:
            lines.append(f"  given: {in_words(given)}")
        if set_by_regime:
            lines.append(f"  set by a regime: {in_words(set_by_regime)}")
        lines += [f"  {number}. {equation.in_words}" for number, equation in enumerate(self.equations, start=1)]
        return "\n".join(lines)


@checked()
def causal_order(fit: Fit, *, version: Version = "sample") -> CausalOrder:
    """Equations in causal order of a fitted RI-CLPM or CLPM.

    A measure at one wave is named as in the tables, ``"days, 12"``. All measures of a wave depend
    together on the wave before and on the stable parts ``"stable days"``, with correlated
    innovations: setting one measure at a wave leaves the others of that wave as they are.

    Parameters
    ----------
    fit
        A fitted RI-CLPM or CLPM.
    version
        ``"sample"``: the panel's persons, whose stable parts and first wave are drawn from their
        posterior, given all that was observed of them; ``"population"``: as many new people, with
        stable parts and first wave drawn again from the model.

    Returns
    -------
    CausalOrder
        For counterfactual questions, such as `contrast_of_regimes`.

    Raises
    ------
    SpecError
        If the model is of another kind, or ``"sample"`` is asked of a panel of moments or of imputed panels.
    """
    problems = Problems("This fit cannot be simulated forward")
    spec = fit.spec
    if spec.kind not in KINDS:
        problems.add(f"A {spec.title} has no equations here; fit one of {quoted(KINDS)}, or use ab.Equation.")
    extensions = {
        "covariates": spec.covariates,
        "moderated": spec.moderated,
        "lag_2": spec.lag_2,
        "reliability": spec.reliability,
        "indicators": spec.indicators,
        "free trait loadings": spec.free_loadings,
        "groups": "group" in fit.posterior["lagged"].dims,
    }
    problems.found += [
        f"Models with {name} are not simulated forward here. Fit one without, or write it as ab.Equation."
        for name, used in extensions.items()
        if used
    ]
    with problems.collecting():
        spec.require_normal("causal_order")
    if version not in ("sample", "population"):
        problems.add(f"version must be 'sample' or 'population'; got {shown(version)}.")
    if version == "sample":
        fit.require_one_panel("A sample of persons", "or ask version='population'")
    if version == "sample" and not fit.panel.has_persons:
        problems.add("The panel holds moments alone, so there is no sample of persons. Ask version='population'.")
    problems.raise_as(SpecError)
    n_persons = fit.panel.n_persons if fit.panel.moments is None else fit.model.statistics.n_persons
    persons = pd.RangeIndex(n_persons) if version == "population" else fit.panel.persons
    coordinates = fit.posterior.coords
    return CausalOrder(
        pd.DataFrame(index=pd.Index(persons, name="person")),
        wave_equations(fit, version),
        new_people=version == "population",
        measures={name: tuple(occasion(name, time) for time in fit.panel.times) for name in spec.measures},
        model_assumptions=spec.assumptions,
        imputation=coordinates["imputation"].to_numpy() if "imputation" in coordinates else None,
    )
