"""Equations: one or more variables as functions of the variables before them."""

from collections import UserDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from ..basics.calls import checked
from ..basics.given import entries, shown
from ..basics.names import quoted
from ..basics.problems import Problems, SpecError

__all__ = ["Array", "CausalEquation", "Equation", "Parameters", "Values"]

Array = NDArray[Any]
Parameters = Mapping[str, Array]
Draw = Callable[["Values", Parameters, np.random.Generator], Array]
Mean = Callable[["Values", Parameters], Array]


class Values(UserDict[str, Array]):
    """Values simulated so far: arrays by variable, each of ``shape``, dims ``(draw, copy, person)``."""

    def __init__(self, shape: tuple[int, int, int], arrays: Mapping[str, Array] | None = None) -> None:
        self.shape = shape
        super().__init__(arrays or {})

    def __setitem__(self, name: str, array: Array) -> None:
        super().__setitem__(name, np.broadcast_to(array, self.shape))

    def copy(self) -> "Values":
        """A copy that can be added to; the arrays themselves are shared."""
        return Values(self.shape, self)


class CausalEquation(Protocol):
    """One equation of a simulation."""

    @property
    def variables(self) -> tuple[str, ...]:
        """Variables it makes together: their noise may be correlated, and none causes another."""

    @property
    def posterior(self) -> tuple[int, int] | None:
        """Chains and draws of its parameters, or None where they are known numbers."""

    @property
    def at_baseline(self) -> bool:
        """Whether it comes before every regime, so that all worlds share its values."""

    @property
    def in_words(self) -> str:
        """Model form, for the list of assumptions."""

    @property
    def sampling(self) -> tuple[str, ...]:
        """Problems of its posterior draws."""

    def parents_of(self, variable: str) -> tuple[str, ...]:
        """Variables that the conditional law of `variable` depends on."""

    def simulate(self, values: Values, draws: NDArray[np.int64], rng: np.random.Generator) -> Mapping[str, Array]:
        """Draw the variables given their parents, for these posterior draws (counted over all chains)."""

    def expectation(self, variable: str, values: Values, draws: NDArray[np.int64]) -> Array | None:
        """Conditional mean of a variable given its parents, or None where it is not known."""

    def observed(self, variable: str) -> Array | None:
        """Observed values of a variable, in any order, or None where there are no data."""


@checked(apart=["parents"])
@dataclass(frozen=True, eq=False)
class Equation:
    """One variable as a function of the variables before it.

    For known truths, models fitted in other software, and variables determined by others without noise.

    Parameters
    ----------
    variable
        The variable it makes.
    parents
        Variables it depends on: baseline covariates, treatments, and variables of earlier equations.
    draw
        ``draw(values, parameters, rng)`` returns one draw of the variable for every entry of
        ``values.shape``, dims ``(draw, copy, person)``. `values` maps each variable to an array of
        that shape, `parameters` each parameter to an array that broadcasts against it. Use `rng`
        for all noise: worlds that are compared are given the same numbers.
    mean
        ``mean(values, parameters)``, the conditional mean. With it, an outcome adds no noise of
        its own to the answer; without it the draws themselves are averaged.
    parameters
        Known numbers, or posterior draws of shape ``(draw,)`` or ``(chain, draw)``.

    Raises
    ------
    SpecError
        If the parameters' draws differ in number, or are not finite numbers.

    Examples
    --------
    >>> visits = Equation(
    ...     "visits",
    ...     ["doctor"],
    ...     draw=lambda values, p, rng: rng.poisson(p["rate"] * (1 + values["doctor"])),
    ...     mean=lambda values, p: p["rate"] * (1 + values["doctor"]),
    ...     parameters={"rate": 2.0},
    ... )
    >>> visits.variables, visits.posterior
    (('visits',), None)
    """

    variable: str
    parents: Sequence[str] = ()
    draw: Draw = field(kw_only=True, repr=False)
    mean: Mean | None = field(default=None, kw_only=True, repr=False)
    parameters: Mapping[str, Any] = field(default_factory=dict, kw_only=True, repr=False)
    at_baseline: ClassVar[bool] = False
    sampling: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        arrays = {name: np.asarray(value, dtype=float) for name, value in self.parameters.items()}
        problems = Problems(f"The equation of '{self.variable}' cannot be used")
        parents = entries(self.parents)
        if parents is None or not all(isinstance(name, str) for name in parents):
            problems.add(f"parents must be a list of names; got {shown(self.parents)}.")
        for name, array in arrays.items():
            if array.ndim > 2 or not np.isfinite(array).all():
                problems.add(
                    f"The parameter '{name}' must be a finite number, or draws of shape (draw,) or (chain, draw); "
                    f"got shape {array.shape}{'' if np.isfinite(array).all() else ' with values that are not finite'}."
                )
        shapes = {array.shape for array in arrays.values() if array.ndim}
        if len(shapes) > 1:
            problems.add(f"The parameters have draws of different shapes: {quoted(sorted(shapes))}.")
        problems.raise_as(SpecError)
        object.__setattr__(self, "parents", parents)
        object.__setattr__(self, "parameters", arrays)

    @property
    def variables(self) -> tuple[str, ...]:
        """The one variable it makes."""
        return (self.variable,)

    @property
    def posterior(self) -> tuple[int, int] | None:
        """Chains and draws of the parameters, or None where they are known numbers."""
        shapes = [array.shape for array in self.parameters.values() if array.ndim]
        return (1, *shapes[0])[-2:] if shapes else None

    @property
    def in_words(self) -> str:
        """Model form."""
        return f"{self.variable}: a given function of {', '.join(self.parents) or 'nothing'}"

    def parents_of(self, variable: str) -> tuple[str, ...]:
        """Variables it depends on."""
        return tuple(self.parents)

    def simulate(self, values: Values, draws: NDArray[np.int64], rng: np.random.Generator) -> Mapping[str, Array]:
        """Draw the variable."""
        return {self.variable: self._filled(self.draw(values, self._at(draws), rng), values)}

    def expectation(self, variable: str, values: Values, draws: NDArray[np.int64]) -> Array | None:
        """Conditional mean, where it was given."""
        return None if self.mean is None else self._filled(self.mean(values, self._at(draws)), values)

    def observed(self, variable: str) -> Array | None:
        """None: it was not fitted to data."""
        return None

    def _at(self, draws: NDArray[np.int64]) -> dict[str, Array]:
        return {
            name: array.reshape(-1)[draws][:, None, None] if array.ndim else array
            for name, array in self.parameters.items()
        }

    def _filled(self, array: Array, values: Values) -> Array:
        try:
            return np.broadcast_to(array, values.shape)
        except ValueError:
            raise SpecError(
                f"The equation of '{self.variable}' returned shape {np.shape(array)}; expected {values.shape}, dims "
                "(draw, copy, person)."
            ) from None
