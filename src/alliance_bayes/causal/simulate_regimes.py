"""Simulation of worlds, in blocks of posterior draws, with common random numbers."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..basics.problems import SpecError
from ..basics.progress import shown
from .causal_order import CausalOrder
from .equations import Array, CausalEquation, Values
from .regimes import Regime, applied, is_set

__all__ = [
    "Simulation",
    "Source",
    "World",
    "depends_on_undefined_values",
    "expected_values",
    "may_differ",
    "simulate_worlds",
    "simulated_values",
]

CELLS = 400_000  # values of one variable in a block: a few dozen such arrays are in memory at once


@dataclass(frozen=True)
class Source:
    """Where the joint history of some mediators comes from.

    They are ``"set"`` to a level, have the person's ``"own"`` values under a regime, or are ``"drawn"``: the values of
    another person of the same stratum under a regime.
    """

    variables: tuple[str, ...]
    kind: Literal["set", "own", "drawn"]
    regime: str = ""
    level: tuple[float, ...] = ()
    pool: int = 1  # of random numbers for drawn values; sources with different pools are independent


@dataclass(frozen=True)
class World:
    """One potential outcome: a regime, and mediators whose values come from elsewhere."""

    regime: str
    sources: tuple[Source, ...] = ()


@dataclass(frozen=True, eq=False)
class Simulation:
    """Equations, people, regimes and sizes of a simulation of an outcome's mean."""

    order: CausalOrder
    regimes: Mapping[str, Regime]
    outcome: str
    strata: NDArray[np.int64] | None  # mediator histories are drawn within them; None: everybody is a stratum
    bootstrap: bool  # whether people get Dirichlet weights, one set per draw (Bayesian bootstrap)
    chains: int
    draws: int  # of each chain
    copies: int  # of every person in each draw
    seed: int
    progress: bool
    placeholder: float = 0.0  # value of variables that do not exist, on which nothing may depend


def simulate_worlds(simulation: Simulation, worlds: Sequence[World]) -> Array:
    """Mean outcome of each world, dims ``(world, draw, copy)``.

    Each copy is one simulated cohort, so that copies are independent given the parameters and
    their spread is the simulation's error.
    """
    n_draws = simulation.chains * simulation.draws
    result = np.empty((len(worlds), n_draws, simulation.copies))
    blocks = list(_blocks(n_draws, simulation.copies, len(simulation.order.people)))
    for number, (draws, copies) in enumerate(shown(blocks, "Simulating worlds", simulation.progress)):
        block = _Block(simulation, number, draws, copies)
        for index, world in enumerate(worlds):
            result[index, draws, copies] = block.mean(world)
    return result


def may_differ(simulation: Simulation, one: World, other: World) -> bool:
    """Whether the outcome can differ between two worlds, judged by their differences and the equations' parents."""
    order = simulation.order
    changed, same_in_both = _changed(simulation, one.regime, other.regime)
    sources = [{name: source for source in world.sources for name in source.variables} for world in (one, other)]
    for name in dict.fromkeys([*sources[0], *sources[1]]):
        first, second = (
            source.get(name) or _as_it_is(world, name) for source, world in zip(sources, (one, other), strict=True)
        )
        alike = first == second or _alike(simulation, first, second, name)
        (same_in_both if alike else changed).add(name)
    return simulation.outcome in changed | order.descendants(changed, without=same_in_both)


def _as_it_is(world: World, name: str) -> Source | None:
    """A variable under the regime of a world without sources, as a source."""
    return None if world.sources else Source((name,), "own", regime=world.regime)


def _alike(simulation: Simulation, first: Source | None, second: Source | None, name: str) -> bool:
    """Whether two sources give a variable the same values although they differ in their regimes."""
    if first is None or second is None or first.kind == "set" or first.kind != second.kind:
        return False
    if first.kind == "drawn" and replace(first, regime="") != replace(second, regime=""):
        return False
    changed, same_in_both = _changed(simulation, first.regime, second.regime)
    return name not in changed | simulation.order.descendants(changed, without=same_in_both)


def _changed(simulation: Simulation, one: str, other: str) -> tuple[set[str], set[str]]:
    """Treatments whose policies differ, or may differ as functions; and those that both set to the same number."""
    first, second = simulation.regimes[one], simulation.regimes[other]
    names = {*first, *second} if one != other else set()
    same = {name for name in names if first.get(name) == second.get(name) and not callable(first.get(name))}
    return names - same, {name for name in same if is_set(first.get(name))}


def simulated_values(simulation: Simulation, regime: str, variable: str, most_draws: int) -> Array:
    """Values of one variable under a regime, from at most `most_draws` draws and one copy of everyone.

    NaN where the variable does not exist.
    """
    state = simulation.order.requires.get(variable)
    simulated = []
    for block in _few_blocks(simulation, most_draws):
        values = block.run(regime, 0, variable)
        exists = True if state is None else values[state] == 1
        simulated.append(np.where(exists, values[variable], np.nan).ravel())
    return np.concatenate(simulated)


def expected_values(simulation: Simulation, variable: str, most_draws: int) -> Array | None:
    """Each person's expectation of a variable as things are, averaged over draws; None where it is not known."""
    as_is = replace(simulation, regimes={"as it is": {}}, copies=1)
    equation, means = as_is.order.equation_of(variable), []
    if equation is None or any(name not in as_is.order.people for name in as_is.order.exogenous):
        return None
    for block in _few_blocks(as_is, most_draws):
        values = block.run("as it is", 0, variable)
        expected = equation.expectation(variable, values, block.draws[as_is.order.position(variable)])
        if expected is None:
            return None
        means.append(np.broadcast_to(expected, values.shape)[0, 0])
    return np.asarray(np.mean(means, axis=0))


def _few_blocks(simulation: Simulation, most: int) -> Iterator["_Block"]:
    """At most so many blocks, each of one draw and one copy of everyone."""
    for number, draw in enumerate(np.unique(np.linspace(0, simulation.chains * simulation.draws - 1, most, dtype=int))):
        yield _Block(simulation, number, slice(int(draw), int(draw) + 1), slice(0, 1))


def depends_on_undefined_values(simulation: Simulation) -> bool:
    """Whether the outcome changes with the placeholder of variables that do not exist."""
    few = replace(simulation, chains=1, draws=1, copies=1, progress=False)
    worlds = [World(regime) for regime in simulation.regimes]
    one, other = (simulate_worlds(replace(few, placeholder=value), worlds) for value in (0.0, 1.0))
    return not np.allclose(one, other, rtol=1e-9, atol=1e-12)


def _blocks(n_draws: int, n_copies: int, n_people: int) -> Iterator[tuple[slice, slice]]:
    copies = min(n_copies, max(1, CELLS // n_people))
    draws = min(n_draws, max(1, CELLS // (n_people * copies)))
    for draw in range(0, n_draws, draws):
        for copy in range(0, n_copies, copies):
            yield slice(draw, min(draw + draws, n_draws)), slice(copy, min(copy + copies, n_copies))


class _Block:
    """Some draws and some copies of everyone, in all worlds, with the same random numbers in each."""

    def __init__(self, simulation: Simulation, number: int, draws: slice, copies: slice) -> None:
        self.simulation, self.number = simulation, number
        self.order = simulation.order
        self.shape = (draws.stop - draws.start, copies.stop - copies.start, len(self.order.people))
        self.draws = {
            position: self.order.draws_of(equation, simulation.chains, simulation.draws)[draws]
            for position, equation in enumerate(self.order.equations)
        }
        self.weights = self._weights(draws)
        self.baseline = self._baseline()
        self._runs: dict[tuple[str, int], Values] = {}
        self._donors: dict[int, NDArray[np.int64]] = {}

    def mean(self, world: World) -> Array:
        """Mean outcome, dims ``(draw, copy)``."""
        replaced: dict[str, Array] = {}
        for source in world.sources:
            replaced |= self._from(source)
        outcome, policies = self.simulation.outcome, self.simulation.regimes[world.regime]
        equation = self.order.equation_of(outcome)
        assert equation is not None
        values = self._before(outcome, world.regime, 0, replaced)
        position = self.order.position(outcome)
        expected = None if outcome in policies else equation.expectation(outcome, values, self.draws[position])
        if expected is None:
            self._add(values, position, equation, 0, policies, replaced)
            expected = values[outcome]
        if not np.isfinite(expected).all():
            raise SpecError(f"The simulated '{outcome}' is not finite in every world; check its equation's parents.")
        return np.asarray(np.einsum("dcp,dp->dc", expected, self.weights))

    def run(self, regime: str, stream: int, last: str) -> Values:
        """All variables up to and with `last` under a regime."""
        values = self._before(last, regime, stream, {})
        position = self.order.position(last)
        if position >= 0:
            self._add(values, position, self.order.equations[position], stream, self.simulation.regimes[regime], {})
        return values

    def _before(self, last: str, regime: str, stream: int, replaced: Mapping[str, Array]) -> Values:
        """All variables before the equation of `last`, some replaced by given values."""
        policies = self.simulation.regimes[regime]
        values = self.baseline.copy()
        for name, policy in policies.items():
            if self.order.equation_of(name) is None:
                values[name] = applied(policy, values, values.get(name))
        for position, equation in enumerate(self.order.equations[: max(0, self.order.position(last))]):
            self._add(values, position, equation, stream, policies, replaced)
        return values

    def _add(
        self,
        values: Values,
        position: int,
        equation: CausalEquation,
        stream: int,
        policies: Regime,
        replaced: Mapping[str, Array],
    ) -> None:
        drawn: Mapping[str, Array] = {}
        if equation.at_baseline:
            drawn = {name: self.baseline[name] for name in equation.variables}
        elif not all(name in replaced or is_set(policies.get(name)) for name in equation.variables):
            drawn = equation.simulate(values, self.draws[position], self._rng(stream, position))
        for name in equation.variables:
            if name in replaced:
                values[name] = replaced[name]
            elif name in policies:
                values[name] = applied(policies[name], values, drawn.get(name))
            else:
                values[name] = drawn[name]
            state = self.order.requires.get(name)
            if state is not None:
                values[name] = np.where(values[state] == 1, values[name], self.simulation.placeholder)

    def _from(self, source: Source) -> dict[str, Array]:
        if source.kind == "set":
            return {name: np.asarray(level) for name, level in zip(source.variables, source.level, strict=True)}
        stream = 0 if source.kind == "own" else source.pool
        key = (source.regime, stream)
        last = max(source.variables, key=self.order.position)
        if key not in self._runs or any(name not in self._runs[key] for name in source.variables):
            self._runs[key] = self.run(source.regime, stream, last)
        values = {name: self._runs[key][name] for name in source.variables}
        if source.kind == "own" or self.simulation.strata is None:
            return values
        donors = self._donors_of(source.pool)
        return {name: np.take_along_axis(array, donors, axis=2) for name, array in values.items()}

    def _donors_of(self, pool: int) -> NDArray[np.int64]:
        """Whose history each simulated person is given: anyone of the stratum, by the people's weights."""
        if pool not in self._donors:
            strata = self.simulation.strata
            assert strata is not None
            rng = self._rng(pool, len(self.order.equations))
            uniform = rng.random(self.shape)
            donors = np.empty(self.shape, dtype=np.int64)
            for stratum in np.unique(strata):
                members = np.flatnonzero(strata == stratum)
                cumulative = np.cumsum(self.weights[:, members], axis=1)
                for draw in range(self.shape[0]):
                    edges = cumulative[draw] / cumulative[draw, -1]
                    positions = np.searchsorted(edges, uniform[draw][:, members], side="right")
                    donors[draw][:, members] = members[np.minimum(positions, len(members) - 1)]
            self._donors[pool] = donors
        return self._donors[pool]

    def _weights(self, draws: slice) -> Array:
        n_people = self.shape[2]
        if not self.simulation.bootstrap:
            return np.broadcast_to(1 / n_people, (self.shape[0], n_people))
        weights = [
            np.random.default_rng([self.simulation.seed, 1, draw]).dirichlet(np.ones(n_people))
            for draw in range(draws.start, draws.stop)  # by draw, so that blocks of copies share them
        ]
        return np.array(weights)

    def _baseline(self) -> Values:
        values = Values(self.shape)
        for name in self.order.exogenous:
            if name in self.order.people:
                values[name] = self.order.people[name].to_numpy()
        for position, equation in enumerate(self.order.equations):
            if not equation.at_baseline:
                continue
            for name, array in equation.simulate(values, self.draws[position], self._rng(0, position)).items():
                values[name] = array
        return values

    def _rng(self, stream: int, position: int) -> np.random.Generator:
        return np.random.default_rng([self.simulation.seed, 2, self.number, stream, position])
