"""Functions from numbers to numbers as data: a list of small matrix steps that a compiled interpreter runs.

Models differ in how lagged effects, covariances and everything else follow from their parameters.
Written as a program, that difference is data, so that one compiled interpreter with its adjoint
(`program_kernel`) serves every model and nothing is compiled per model. `evaluate` runs the same steps
in numpy, or symbolically in PyTensor.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

__all__ = ["STEPS", "Backend", "Program", "ProgramArrays", "Writer", "evaluate"]

type Addresses = npt.NDArray[np.int64]

STEPS = {
    name: code
    for code, name in enumerate(
        (
            "gather",
            "add",
            "subtract",
            "multiply",
            "divide",
            "square_root",
            "exponential",
            "product",
            "covariance",
            "matrix_exponential",
            "inverse",
            "correlations",
            "positive_definite",
            "transition",
        )
    )
}
NOTHING = -1


class ProgramArrays(NamedTuple):
    """A program as the compiled interpreter reads it.

    Attributes
    ----------
    code
        The steps one after the other, each its code and operands.
    start
        Where each step starts in `code`, shape ``(step,)``.
    constants
        Numbers that follow the inputs among the registers.
    n_inputs, n_registers
        Length of the input, and of everything.
    output, n_outputs
        First register of the output, and its length.
    """

    code: npt.NDArray[np.int64]
    start: npt.NDArray[np.int64]
    constants: npt.NDArray[np.float64]
    n_inputs: int
    n_registers: int
    output: int
    n_outputs: int


@dataclass(frozen=True, eq=False)
class Program:
    """Steps that fill registers, from the inputs on.

    Attributes
    ----------
    steps
        Name of each step, with its operands: the register of its first result, then what `Writer` gave it.
    constants
        Numbers in the registers after the inputs.
    n_inputs, n_registers
        Length of the input, and of all registers.
    output
        Registers of the output.
    """

    steps: tuple[tuple[str, tuple[int, ...]], ...]
    constants: tuple[float, ...]
    n_inputs: int
    n_registers: int
    output: range

    @property
    def arrays(self) -> ProgramArrays:
        """The program for the compiled interpreter."""
        codes = [[STEPS[name], *operands] for name, operands in self.steps]
        starts = np.cumsum([0, *map(len, codes)])[:-1]
        return ProgramArrays(
            code=np.array([entry for code in codes for entry in code], dtype=np.int64),
            start=starts.astype(np.int64),
            constants=np.array(self.constants, dtype=float),
            n_inputs=self.n_inputs,
            n_registers=self.n_registers,
            output=self.output.start,
            n_outputs=len(self.output),
        )


RESULTS = 1 << 40
"""Results are numbered from here until the number of constants before them is known."""


class Writer:
    """Writes a program step by step; its methods take and return addresses of registers.

    Addresses are integer arrays of any shape; `NOTHING` stands for a 0 that is stored nowhere.

    Parameters
    ----------
    n_inputs
        Length of the input; its addresses are 0, 1, ...
    """

    def __init__(self, n_inputs: int) -> None:
        self.n_inputs = n_inputs
        self._steps: list[tuple[str, tuple[int, ...], tuple[int, ...]]] = []
        self._constants: list[float] = []
        self._places: dict[str, int] = {}
        self._length = 0

    def constant(self, value: float) -> Addresses:
        """Address of a number, shape ``()``."""
        key = repr(float(value))  # nan equals itself there
        if key not in self._places:
            self._places[key] = len(self._constants)
            self._constants.append(float(value))
        return np.array(-2 - self._places[key])

    def add(self, left: Addresses, right: Addresses) -> Addresses:
        """Element by element, shapes broadcast."""
        return self._elementwise("add", left, right)

    def subtract(self, left: Addresses, right: Addresses) -> Addresses:
        """Element by element, shapes broadcast."""
        return self._elementwise("subtract", left, right)

    def multiply(self, left: Addresses, right: Addresses) -> Addresses:
        """Element by element, shapes broadcast."""
        return self._elementwise("multiply", left, right)

    def divide(self, left: Addresses, right: Addresses) -> Addresses:
        """Element by element, shapes broadcast."""
        return self._elementwise("divide", left, right)

    def square_root(self, values: Addresses) -> Addresses:
        """Element by element."""
        return self._elementwise("square_root", values)

    def exponential(self, values: Addresses) -> Addresses:
        """Element by element."""
        return self._elementwise("exponential", values)

    def product(self, left: Addresses, right: Addresses) -> Addresses:
        """Matrix product."""
        (rows, inner), columns = left.shape, right.shape[1]
        return self._step("product", (rows, columns), (rows, inner, columns), left, right)

    def covariance(self, sds: Addresses, partial_units: Addresses) -> Addresses:
        """``sd_j sd_k r_jk``, with the correlation matrix whose partial correlations are ``2 u - 1``.

        See `LKJ.partial_shapes` for their order.
        """
        return self._step("covariance", (len(sds), len(sds)), (len(sds),), sds, partial_units)

    def matrix_exponential(self, matrix: Addresses) -> Addresses:
        """``exp(M)`` of a square matrix."""
        return self._step("matrix_exponential", matrix.shape, (len(matrix),), matrix)

    def transition(self, drift: Addresses, noise: Addresses) -> tuple[Addresses, Addresses]:
        """``exp(M)`` and ``int_0^1 exp(M s) N exp(M' s) ds`` of a square M and the symmetric part of N."""
        effects, innovation = self._step("transition", (2, *drift.shape), (len(drift),), drift, noise)
        return effects, innovation

    def inverse(self, matrix: Addresses) -> Addresses:
        """Inverse of a square matrix."""
        return self._step("inverse", matrix.shape, (len(matrix),), matrix)

    def correlations(self, covariance: Addresses) -> Addresses:
        """Correlations below the diagonal, row by row; for output alone, without a gradient."""
        size = len(covariance)
        return self._step("correlations", (size * (size - 1) // 2,), (size,), covariance)

    def require_positive_definite(self, matrix: Addresses) -> None:
        """Whether the result means anything; where the matrix is not, the density is 0."""
        self._step("positive_definite", (0,), (len(matrix),), matrix)

    def quadratic_form(self, effects: Addresses, covariance: Addresses) -> Addresses:
        """``F C F'``."""
        return self.product(self.product(effects, covariance), effects.T)

    def sds(self, covariance: Addresses) -> Addresses:
        """Square roots of the diagonal."""
        return self.square_root(np.diagonal(covariance))

    def program(self, output: Addresses | None = None) -> Program:
        """Return the program; its output are these addresses, or all registers when left open."""
        first = None if output is None else self._step("gather", (output.size,), (output.size,), *output.ravel())
        steps = tuple(
            (name, (*sizes, *(int(self.settled(np.array(address))) for address in addresses)))
            for name, sizes, addresses in self._steps
        )
        n_registers = self.n_inputs + len(self._constants) + self._length
        whole = range(n_registers)
        if first is not None:
            start = int(self.settled(first[0])) if len(first) else 0
            whole = range(start, start + len(first))
        return Program(steps, tuple(self._constants), self.n_inputs, n_registers, whole)

    def settled(self, addresses: Addresses) -> Addresses:
        """Registers of addresses, once the program is complete; `NOTHING` stays."""
        addresses = np.asarray(addresses)
        after = self.n_inputs + len(self._constants)
        results = np.where(addresses >= RESULTS, addresses - RESULTS + after, addresses)
        return np.where(addresses <= -2, self.n_inputs - 2 - addresses, results)

    def _elementwise(self, name: str, *operands: Addresses) -> Addresses:
        spread = np.broadcast_arrays(*operands)
        size = spread[0].size
        return (
            self._step(name, spread[0].shape, (size,), *spread) if size else np.zeros(spread[0].shape, dtype=np.int64)
        )

    def _step(self, name: str, shape: tuple[int, ...], sizes: tuple[int, ...], *operands: Addresses) -> Addresses:
        """Note a step; the register of its first result comes after the sizes, then those of its operands."""
        starts = operands if name == "gather" else [self._block(operand) for operand in operands]
        result = RESULTS + self._length
        count = int(np.prod(shape))
        self._length += count
        self._steps.append((name, sizes, (result, *map(int, starts))))
        return result + np.arange(count).reshape(shape)

    def _block(self, addresses: Addresses) -> int:
        """First address of registers in a row that hold these numbers."""
        flat = np.ravel(addresses)
        if (flat < 0).any() or (np.diff(flat) != 1).any():
            flat = self._step("gather", (flat.size,), (flat.size,), *flat)
        return int(flat[0]) if flat.size else 0


class Backend(Protocol):
    """What `evaluate` needs of an array library."""

    def stack(self, values: list[Any], /) -> Any:
        """One vector of numbers."""

    def square_root(self, values: Any, /) -> Any:
        """Element by element."""

    def exponential(self, values: Any, /) -> Any:
        """Element by element."""

    def matrix_exponential(self, matrix: Any, /) -> Any:
        """``exp(M)``."""

    def transition(self, drift: Any, noise: Any, /) -> tuple[Any, Any]:
        """``exp(M)`` and ``int_0^1 exp(M s) N exp(M' s) ds``, N counting by its symmetric part."""

    def inverse(self, matrix: Any, /) -> Any:
        """``M^-1``."""

    def require_positive_definite(self, matrix: Any, /) -> None:
        """Make the density 0 where the matrix is not."""


def evaluate(program: Program, inputs: Sequence[Any], backend: Backend) -> list[Any]:
    """Registers of a program, number by number: the reference for the compiled interpreter."""
    registers: list[Any] = [*inputs, *program.constants, *([None] * (program.n_registers - program.n_inputs))]
    registers = registers[: program.n_registers]

    def block(start: int, *shape: int) -> Any:
        return backend.stack(registers[start : start + int(np.prod(shape))]).reshape(shape)

    def put(start: int, values: Any, count: int) -> None:
        flat = values.reshape((count,))
        registers[start : start + count] = [flat[place] for place in range(count)]

    elementwise: dict[str, Callable[..., Any]] = {
        "add": lambda left, right: left + right,
        "subtract": lambda left, right: left - right,
        "multiply": lambda left, right: left * right,
        "divide": lambda left, right: left / right,
        "square_root": backend.square_root,
        "exponential": backend.exponential,
    }
    for name, operands in program.steps:
        match name:
            case "gather":
                size, result, *sources = operands
                registers[result : result + size] = [registers[place] if place >= 0 else 0.0 for place in sources]
            case "product":
                rows, inner, columns, result, left, right = operands
                put(result, block(left, rows, inner) @ block(right, inner, columns), rows * columns)
            case "covariance":
                size, result, sds, units = operands
                sd, unit = registers[sds : sds + size], registers[units : units + size * (size - 1) // 2]
                put(result, _covariance(sd, unit, backend), size * size)
            case "matrix_exponential":
                size, result, start = operands
                put(result, backend.matrix_exponential(block(start, size, size)), size * size)
            case "transition":
                size, result, drift, noise = operands
                effects, innovation = backend.transition(block(drift, size, size), block(noise, size, size))
                put(result, effects, size * size)
                put(result + size * size, innovation, size * size)
            case "inverse":
                size, result, start = operands
                put(result, backend.inverse(block(start, size, size)), size * size)
            case "correlations":
                size, result, start = operands
                covariance = block(start, size, size)
                registers[result : result + size * (size - 1) // 2] = [
                    covariance[row, column] / backend.square_root(covariance[row, row] * covariance[column, column])
                    for row in range(size)
                    for column in range(row)
                ]
            case "positive_definite":
                size, _, start = operands
                backend.require_positive_definite(block(start, size, size))
            case _:
                size, result, *starts = operands
                put(result, elementwise[name](*(block(start, size) for start in starts)), size)
    return registers


def _covariance(sds: Sequence[Any], units: Sequence[Any], backend: Backend) -> Any:
    size = len(sds)
    factor: list[list[Any]] = []
    entry = 0
    for row in range(size):
        left: Any = 1.0
        entries: list[Any] = []
        for _ in range(row):
            partial = 2.0 * units[entry] - 1.0
            entries.append(sds[row] * partial * left)
            left = left * backend.square_root(1.0 - partial**2)
            entry += 1
        factor.append([*entries, sds[row] * left, *([0.0] * (size - row - 1))])
    lower = backend.stack([value for row in factor for value in row]).reshape((size, size))
    return lower @ lower.T
