"""Functions from numbers to numbers as data: a list of small matrix steps that a compiled interpreter runs.

Models differ in how lagged effects, covariances and everything else follow from their parameters.
Written as a program, that difference is data, so that one compiled interpreter with its adjoint
(`kernels.interpreter`) serves every model and nothing is compiled per model.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .kernels import steps
from .kernels.arrays import ProgramArrays

__all__ = ["Program", "Step", "Writer"]

type Addresses = npt.NDArray[np.int64]

NOTHING = -1


@dataclass(frozen=True)
class Step:
    """One step of a program, with its registers."""

    code: int  # which step, one of those in `kernels.steps`, where its operands are listed too
    size: int  # length of its vectors, or rows of its matrix
    result: int  # register of its first result
    operands: tuple[int, ...]  # what follows, in the order of `kernels.steps`

    def __post_init__(self) -> None:
        if not 0 <= self.code < len(steps.NAMES):
            raise ValueError(f"there is no step {self.code}")

    @property
    def words(self) -> tuple[int, ...]:
        """The step for the compiled interpreter, which always reads a first operand."""
        return self.code, self.size, self.result, *(self.operands or (NOTHING,))


@dataclass(frozen=True, eq=False)
class Program:
    """Steps that fill registers, from the inputs on."""

    steps: tuple[Step, ...]
    constants: tuple[float, ...]  # numbers in the registers after the inputs
    # Length of the input, and of all registers
    n_inputs: int
    n_registers: int
    output: range

    @property
    def arrays(self) -> ProgramArrays:
        """The program for the compiled interpreter."""
        words = [step.words for step in self.steps]
        starts = np.cumsum([0, *map(len, words)])[:-1]
        return ProgramArrays(
            code=np.array([word for each in words for word in each], dtype=np.int64),
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
        self._steps: list[Step] = []
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
        return self._elementwise(steps.ADD, left, right)

    def subtract(self, left: Addresses, right: Addresses) -> Addresses:
        """Element by element, shapes broadcast."""
        return self._elementwise(steps.SUBTRACT, left, right)

    def multiply(self, left: Addresses, right: Addresses) -> Addresses:
        """Element by element, shapes broadcast."""
        return self._elementwise(steps.MULTIPLY, left, right)

    def divide(self, left: Addresses, right: Addresses) -> Addresses:
        """Element by element, shapes broadcast."""
        return self._elementwise(steps.DIVIDE, left, right)

    def square_root(self, values: Addresses) -> Addresses:
        """Element by element."""
        return self._elementwise(steps.SQUARE_ROOT, values)

    def exponential(self, values: Addresses) -> Addresses:
        """Element by element."""
        return self._elementwise(steps.EXPONENTIAL, values)

    def product(self, left: Addresses, right: Addresses) -> Addresses:
        """Matrix product."""
        (rows, inner), columns = left.shape, right.shape[1]
        return self._step(steps.PRODUCT, (rows, columns), rows, left, right, sizes=(inner, columns))

    def covariance(self, sds: Addresses, partial_units: Addresses) -> Addresses:
        """``sd_j sd_k r_jk``, with the correlation matrix whose partial correlations are ``2 u - 1``.

        See `LKJ.partial_shapes` for their order.
        """
        return self._step(steps.COVARIANCE, (len(sds), len(sds)), len(sds), sds, partial_units)

    def transitions(self, drift: Addresses, noise: Addresses, lengths: Sequence[float]) -> tuple[Addresses, Addresses]:
        """``exp(A d)`` and ``int_0^d exp(A s) Q exp(A' s) ds`` of every length d.

        A is square, of Q the symmetric part counts; dims (length, row, column).
        """
        every, shape = np.array([self.constant(length) for length in lengths]), (2, len(lengths), *drift.shape)
        operands = map(self._block, (drift, noise, every))
        effects, innovations = self._note(steps.TRANSITION, shape, len(drift), *operands, sizes=(len(lengths),))
        return effects, innovations

    def inverse(self, matrix: Addresses) -> Addresses:
        """Inverse of a square matrix."""
        return self._step(steps.INVERSE, matrix.shape, len(matrix), matrix)

    def correlations(self, covariance: Addresses) -> Addresses:
        """Correlations below the diagonal, row by row; for output alone, without a gradient."""
        size = len(covariance)
        return self._step(steps.CORRELATIONS, (size * (size - 1) // 2,), size, covariance)

    def require_positive_definite(self, matrix: Addresses) -> None:
        """Whether the result means anything; where the matrix is not, the density is 0."""
        self._step(steps.POSITIVE_DEFINITE, (0,), len(matrix), matrix)

    def quadratic_form(self, effects: Addresses, covariance: Addresses) -> Addresses:
        """``F C F'``."""
        return self.product(self.product(effects, covariance), effects.T)

    def sds(self, covariance: Addresses) -> Addresses:
        """Square roots of the diagonal."""
        return self.square_root(np.diagonal(covariance))

    def program(self, output: Addresses | None = None) -> Program:
        """Return the program; its output are these addresses, or all registers when left open."""
        first = None if output is None else self._gather(output.ravel())
        settled = tuple(
            Step(step.code, step.size, self._settled(step.result), tuple(map(self._settled, step.operands)))
            for step in self._steps
        )
        n_registers = self.n_inputs + len(self._constants) + self._length
        written = range(n_registers)
        if first is not None:
            start = int(self.settled(first[0])) if len(first) else 0
            written = range(start, start + len(first))
        return Program(settled, tuple(self._constants), self.n_inputs, n_registers, written)

    def settled(self, addresses: Addresses) -> Addresses:
        """Registers of addresses, once the program is complete; `NOTHING` stays."""
        addresses = np.asarray(addresses)
        after = self.n_inputs + len(self._constants)
        results = np.where(addresses >= RESULTS, addresses - RESULTS + after, addresses)
        return np.where(addresses <= -2, self.n_inputs - 2 - addresses, results)

    def _settled(self, address: int) -> int:
        if address >= RESULTS:
            return address - RESULTS + self.n_inputs + len(self._constants)
        return self.n_inputs - 2 - address if address <= -2 else address

    def _elementwise(self, code: int, *operands: Addresses) -> Addresses:
        spread = np.broadcast_arrays(*operands)
        shape, size = spread[0].shape, spread[0].size
        return self._step(code, shape, size, *spread) if size else np.zeros(shape, dtype=np.int64)

    def _gather(self, addresses: Addresses) -> Addresses:
        return self._note(steps.GATHER, addresses.shape, addresses.size, *map(int, addresses))

    def _step(
        self, code: int, shape: tuple[int, ...], size: int, *operands: Addresses, sizes: tuple[int, ...] = ()
    ) -> Addresses:
        return self._note(code, shape, size, *map(self._block, operands), sizes=sizes)

    def _note(
        self, code: int, shape: tuple[int, ...], size: int, *operands: int, sizes: tuple[int, ...] = ()
    ) -> Addresses:
        """Note a step, and return the addresses of its results."""
        result = RESULTS + self._length
        count = int(np.prod(shape))
        self._length += count
        self._steps.append(Step(code, size, result, (*operands, *sizes)))
        return result + np.arange(count).reshape(shape)

    def _block(self, addresses: Addresses) -> int:
        """First address of registers in a row that hold these numbers."""
        flat = np.ravel(addresses)
        if (flat < 0).any() or (np.diff(flat) != 1).any():
            flat = self._gather(flat)
        return int(flat[0]) if flat.size else 0
