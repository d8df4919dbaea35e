"""What a structural equation model consists of, in no program's words."""

from dataclasses import dataclass
from typing import Literal

from ..engine.linear_system import Variable

__all__ = ["Entry", "Equation", "Kind", "Layout", "Product", "Section"]

Kind = Literal["loading", "effect", "covariance", "mean"]


@dataclass(frozen=True)
class Entry:
    """One number of the model: where it stands, and its value or its name."""

    # ``"loading"``: of `first` on the factor `second`; ``"effect"``: on `first` of `second`; ``"covariance"``: of the
    # two, or the (residual) variance where they are the same; ``"mean"``: the mean or intercept of `first`
    kind: Kind
    # Its variables; a mean has one
    first: Variable
    second: Variable | None
    values: tuple[float | str, ...]  # in each group, what it is fixed at, or the name of its parameter

    @property
    def roles(self) -> tuple[str, ...]:
        """Roles of its variables."""
        return tuple(variable.role for variable in (self.first, self.second) if variable is not None)

    @property
    def is_shared(self) -> bool:
        """Whether it is the same in all groups."""
        return len(set(self.values)) == 1


@dataclass(frozen=True)
class Product:
    """A number times parameters."""

    factor: float
    parameters: tuple[str, ...]


@dataclass(frozen=True)
class Equation:
    """A constraint: a product of parameters equals a sum of products.

    Attributes
    ----------
    left
        Parameters whose product is constrained.
    terms
        The sum it equals.
    auxiliary
        Whether `left` is one new quantity, which stands nowhere in the model but in later equations.
    """

    left: tuple[str, ...]
    terms: tuple[Product, ...]
    auxiliary: bool = False


@dataclass(frozen=True)
class Section:
    """Entries that belong together, under a heading."""

    title: str
    entries: tuple[Entry, ...]


@dataclass(frozen=True)
class Layout:
    """A model for another program."""

    title: str  # the model in words
    sections: tuple[Section, ...]  # its entries. Whatever is not named is 0
    equations: tuple[Equation, ...]  # constraints among its parameters, none twice
    groups: tuple[str, ...]  # labels of the groups, in order; empty where there is one
    observed: frozenset[Variable]  # variables that are columns of the data

    @property
    def entries(self) -> tuple[Entry, ...]:
        """Entries of all sections."""
        return tuple(entry for section in self.sections for entry in section.entries)

    @property
    def variables(self) -> tuple[Variable, ...]:
        """Variables in the order of their first appearance."""
        used = (variable for entry in self.entries for variable in (entry.first, entry.second) if variable is not None)
        return tuple(dict.fromkeys(used))

    @property
    def columns(self) -> tuple[Variable, ...]:
        """Variables that are columns of the data, wave by wave, covariates last."""
        return tuple(
            sorted(
                (variable for variable in self.variables if variable in self.observed),
                key=lambda variable: (variable.role == "covariate", variable.time or 0.0),
            )
        )

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the parameters of the model, in all groups."""
        every = (value for entry in self.entries for value in entry.values)
        return tuple(dict.fromkeys(value for value in every if isinstance(value, str)))

    @property
    def auxiliary(self) -> tuple[str, ...]:
        """Names of the quantities that stand in equations alone."""
        return tuple(equation.left[0] for equation in self.equations if equation.auxiliary)

    @property
    def n_free(self) -> int:
        """Number of free parameters: those of the model less the constraints among them."""
        return len(self.parameters) - sum(not equation.auxiliary for equation in self.equations)
