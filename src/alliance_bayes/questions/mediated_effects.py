"""The effect of one measure on another, split by mediators: draw by draw, or 0 by construction."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import xarray as xr

from ..basics.names import ARROW, quoted
from ..spec.cross_lagged import CrossLagged
from .arguments import measure_problems
from .dynamics import Dynamics
from .structure import free_paths, some_way

__all__ = [
    "OTHER_PATHS",
    "SEVERAL",
    "MediatedChange",
    "MediatedDynamics",
    "canonical_paths",
    "mediated_path_problems",
    "role_problems",
    "through_alone",
]

ROUNDING = 1e-12
SEVERAL = "through several mediators"
OTHER_PATHS = "other paths"


def through_alone(mediator: str) -> str:
    """Name of the effect through one of several mediators and no other."""
    return f"through {mediator} alone"


@dataclass(frozen=True)
class MediatedChange:
    """A change of one measure, and the mediators and paths that its effect on another is split by.

    The treatment is kept at its new value (sustained) or left to itself. Paths are such as ``"x -> m -> y"``.
    """

    treatment: str
    mediators: tuple[str, ...]
    outcome: str
    sustained: bool = False
    paths: tuple[str, ...] = ()

    @property
    def measures(self) -> tuple[str, ...]:
        """All of them, in causal order."""
        return (self.treatment, *self.mediators, self.outcome)

    def effects(self, dynamics: Dynamics) -> xr.Dataset:
        """Total, direct, indirect and path-specific effects over time, dims ``(chain, draw, time)``."""

        def response(held: Sequence[str] = (), along: Sequence[str] | None = None) -> xr.DataArray:
            return dynamics.response(self.treatment, self.outcome, sustained=self.sustained, held=held, along=along)

        total, direct = response(), response(held=self.mediators)
        effects = {"total": total, "direct": direct, "indirect": total - direct}
        if len(self.mediators) > 1:
            others = {name: [other for other in self.mediators if other != name] for name in self.mediators}
            alone = {through_alone(name): response(held=held) - direct for name, held in others.items()}
            effects |= alone | {SEVERAL: _remainder(effects["indirect"], alone.values())}
        if self.paths:
            along = {path: response(along=path.split(ARROW)) for path in self.paths}
            effects |= along | {OTHER_PATHS: _remainder(total, along.values())}
        return xr.Dataset(effects)

    def effects_at_end(self, dynamics: Dynamics) -> xr.Dataset:
        """`effects` at the last time alone, dims ``(chain, draw)``."""
        return self.effects(dynamics.at_end()).isel(time=-1, drop=True)

    def fixed(self, spec: CrossLagged, n_steps: int | None) -> list[str]:
        """Names of effects that are 0 by construction after so many steps, None in continuous time: no path counts."""
        measures, free = spec.measures, free_paths(spec)
        cause, effect = measures.index(self.treatment), measures.index(self.outcome)
        if self.sustained:  # the treatment stays, whatever the other measures
            free[cause] = np.arange(len(measures)) == cause
        mediating = [measures.index(name) for name in self.mediators]
        edges = {path: _edges([measures.index(name) for name in path.split(ARROW)]) for path in self.paths}

        def visited(passed: frozenset[Any], _: int, end: int) -> frozenset[Any]:
            return passed | {end} if end in mediating else passed

        def kept(passed: frozenset[Any], start: int, end: int) -> frozenset[Any]:
            return frozenset(path for path in passed if (start, end) in edges[path])

        def none(counts: Callable[[frozenset[Any]], bool], paths: Sequence[str] = ()) -> bool:
            follow = kept if paths else visited
            return not some_way(free, cause, effect, n_steps, frozenset(paths), follow, counts)

        fixed = {"total": none(lambda _: True), "direct": none(lambda passed: not passed), "indirect": none(bool)}
        if len(self.mediators) > 1:
            alone = [frozenset([index]) for index in mediating]
            fixed |= {through_alone(name): none(one.__eq__) for name, one in zip(self.mediators, alone, strict=True)}
            fixed[SEVERAL] = none(lambda passed: len(passed) > 1)
        if self.paths:
            fixed |= {path: none(bool, [path]) for path in self.paths}
            fixed[OTHER_PATHS] = none(lambda passed: not passed, self.paths)
        return [name for name, holds in fixed.items() if holds]


@dataclass(frozen=True, eq=False)
class MediatedDynamics:
    """Basis of an answer on mediation: the change in question, and draws of the dynamics."""

    change: MediatedChange
    dynamics: Dynamics

    @property
    def raw_unit(self) -> xr.DataArray:
        """Raw units of the outcome per raw unit of the treatment in one SD per SD, dims ``(chain, draw)``."""
        sds, index_of = self.dynamics.sds, self.dynamics.measures.index
        return xr.DataArray(
            sds[..., index_of(self.change.outcome)] / sds[..., index_of(self.change.treatment)], dims=("chain", "draw")
        )


def _remainder(total: xr.DataArray, parts: Iterable[xr.DataArray]) -> xr.DataArray:
    """The total minus its parts, exactly 0 where the difference is one of rounding."""
    subtracted = list(parts)
    remainder = total - sum(subtracted)
    return remainder.where(abs(remainder) > ROUNDING * (abs(total) + sum(map(abs, subtracted))), 0.0)


def _edges(path: Sequence[int]) -> set[tuple[int, int]]:
    """Steps that a path allows: its own, and the carry-over of the measures on it."""
    return {*pairwise(path), *((measure, measure) for measure in path)}


def role_problems(spec: CrossLagged, treatment: str, mediators: Sequence[str], outcome: str) -> Iterator[str]:
    """Reasons why these cannot be treatment, mediators and outcome in this model."""
    if len(spec.measures) < 3:
        yield (
            f"The model has only {quoted(spec.measures)}: with two measures there is no mediator. Fit a model of three "
            "or more."
        )
    named = (treatment, *mediators, outcome)
    yield from measure_problems(spec, named)
    if not mediators:
        yield "No mediator was named; pass mediators=['...']."
    if repeated := sorted({name for name in named if named.count(name) > 1}):
        yield f"Treatment, mediators and outcome must all differ; named twice: {quoted(repeated)}."


def canonical_paths(paths: Iterable[str]) -> tuple[str, ...]:
    """Paths as answers name them."""
    return tuple(ARROW.join(part.strip() for part in path.split("->")) for path in paths)


def mediated_path_problems(change: MediatedChange) -> Iterator[str]:
    """Reasons why the paths of a change do not lead from its treatment through its mediators to its outcome."""
    for index, path in enumerate(change.paths):
        nodes = path.split(ARROW)
        if len(nodes) < 2 or nodes[0] != change.treatment or nodes[-1] != change.outcome:
            example = ARROW.join((change.treatment, *change.mediators[:1], change.outcome))
            yield f"The path '{path}' must lead from '{change.treatment}' to '{change.outcome}', such as '{example}'."
        elif len(set(nodes)) < len(nodes):
            yield f"The path '{path}' contains a measure twice; carry-over is counted without being written."
        elif strangers := [name for name in nodes[1:-1] if name not in change.mediators]:
            yield (
                f"The path '{path}' runs through {quoted(strangers)}, not named as a mediator. "
                f"Mediators: {quoted(change.mediators)}."
            )
        elif path in change.paths[:index]:
            yield f"The path '{path}' is repeated."
