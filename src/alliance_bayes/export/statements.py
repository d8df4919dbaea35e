"""What a structural equation model consists of, in no program's words."""

from dataclasses import dataclass
from typing import Literal

__all__ = ["Entry", "Equation", "Layout", "Part", "Product", "Section", "Variable"]

Part = Literal["lags", "variances", "residuals", "means", "items", "other"]
Role = Literal["observed", "latent", "within", "intercept", "slope", "covariate"]


@dataclass(frozen=True)
class Variable:
    """A variable of the model.

    Attributes
    ----------
    role
        What it is. ``"observed"`` and ``"covariate"`` are columns of the data; ``"latent"`` is a measure at a wave that
        indicators measure; ``"within"`` is its deviation there, also at a wave that nobody observed.
    name
        Name of the measure, indicator or covariate.
    time
        Its wave, as printed; empty where it has none.
    """

    role: Role
    name: str
    time: str = ""

    @property
    def in_data(self) -> bool:
        """Whether it is a column of the data."""
        return self.role in ("observed", "covariate")

    def __str__(self) -> str:
        when = f", {self.time}" if self.time else ""
        return f"{'' if self.in_data else self.role + ' '}{self.name}{when}"


@dataclass(frozen=True)
class Entry:
    """One number of the model: where it stands, and its value or its name.

    Attributes
    ----------
    kind
        ``"loading"``: of `first` on the factor `second`; ``"effect"``: on `first` of `second`; ``"covariance"``: of the
        two, or the (residual) variance where they are the same; ``"mean"``: the mean or intercept of `first`.
    first, second
        Its variables; a mean has one.
    value
        What it is fixed at, or the name of its parameter.
    part
        Part of the model, as far as groups can have it in common.
    """

    kind: Literal["loading", "effect", "covariance", "mean"]
    first: Variable
    second: Variable | None
    value: float | str
    part: Part = "other"


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
    """A whole model for another program.

    Attributes
    ----------
    title
        The model in words.
    sections
        Its entries. Whatever is not named is 0.
    equations
        Constraints among its parameters.
    groups
        Labels of the groups, in order; empty where there is one.
    shared
        Names of parameters that are the same in all groups.
    """

    title: str
    sections: tuple[Section, ...]
    equations: tuple[Equation, ...]
    groups: tuple[str, ...]
    shared: frozenset[str]

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
                (variable for variable in self.variables if variable.in_data),
                key=lambda variable: (variable.role == "covariate", float(variable.time or 0)),
            )
        )

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the parameters of the model, in all groups."""
        one = tuple(dict.fromkeys(entry.value for entry in self.entries if isinstance(entry.value, str)))
        return tuple(dict.fromkeys(self.in_group(name, group) for name in one for group in self.groups or ("",)))

    @property
    def equations_by_group(self) -> tuple[Equation, ...]:
        """Equations with the names that their parameters have in each group; none twice."""
        return tuple(
            dict.fromkeys(
                self._in_group(equation, group) for group in self.groups or ("",) for equation in self.equations
            )
        )

    @property
    def n_free(self) -> int:
        """Number of free parameters: those of the model less the constraints among them."""
        return len(self.parameters) - sum(not equation.auxiliary for equation in self.equations_by_group)

    def in_group(self, parameter: str, group: str) -> str:
        """Name of a parameter in one of the groups."""
        return parameter if not self.groups or parameter in self.shared else f"{group}: {parameter}"

    def _in_group(self, equation: Equation, group: str) -> Equation:
        def named(parameters: tuple[str, ...]) -> tuple[str, ...]:
            return tuple(self.in_group(name, group) for name in parameters)

        terms = tuple(Product(term.factor, named(term.parameters)) for term in equation.terms)
        return Equation(named(equation.left), terms, equation.auxiliary)
