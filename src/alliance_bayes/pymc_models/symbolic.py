"""What models are made of, written in PyTensor: programs, and the moments of linear systems."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from pytensor.gradient import disconnected_grad

from ..engine.kernels import steps
from ..engine.linear_system import ONE, LinearSystem, PanelSystem
from ..engine.prior_scale import PriorScale
from ..engine.program import Program, Step

__all__ = ["implied_moments", "theta_and_registers"]


class _Registers:
    """Registers of a program in PyTensor, kept as the vectors that its steps leave, for few nodes in the graph."""

    def __init__(self, program: Program, inputs: pt.TensorVariable) -> None:
        constants = pt.as_tensor(np.array(program.constants, dtype=float))
        self.vectors = [inputs, constants, pt.zeros(1)]
        n_inputs, n_constants = program.n_inputs, len(program.constants)
        self.vector = np.zeros(program.n_registers, dtype=int)
        self.vector[n_inputs:] = 1
        self.place = np.arange(program.n_registers) - n_inputs * self.vector
        assert self.place[n_inputs:][:n_constants].tolist() == list(range(n_constants))
        for step in program.steps:
            self.run(step)

    def at(self, registers: Sequence[int] | np.ndarray) -> pt.TensorVariable:
        """Numbers of these registers, 0 for negative ones."""
        registers = np.asarray(registers, dtype=int)
        if not len(registers):
            return pt.zeros(0)
        vector = np.where(registers < 0, 2, self.vector[registers])
        place = np.where(registers < 0, 0, self.place[registers])
        used = np.unique(vector)
        if len(used) == 1:
            return _chosen(self.vectors[used[0]], place)
        lengths = [self.vectors[each].type.shape[0] for each in used]
        starts = np.concatenate([[0], np.cumsum(lengths)])[:-1]
        joined = pt.concatenate([self.vectors[each] for each in used])
        return _chosen(joined, starts[np.searchsorted(used, vector)] + place)

    def block(self, start: int, *shape: int) -> pt.TensorVariable:
        """Registers in a row."""
        return self.at(start + np.arange(int(np.prod(shape)))).reshape(shape)

    def put(self, start: int, values: pt.TensorVariable, count: int) -> None:
        """Keep the result of a step."""
        self.vector[start : start + count] = len(self.vectors)
        self.place[start : start + count] = np.arange(count)
        self.vectors.append(pt.specify_shape(values.reshape((count,)), (count,)))

    def run(self, step: Step) -> None:
        """One step."""
        size, result, operands = step.size, step.result, step.operands
        match step.code:
            case steps.GATHER:
                self.put(result, self.at(operands), size)
            case code if code in _ELEMENTWISE:
                self.put(result, _ELEMENTWISE[code](*(self.block(first, size) for first in operands)), size)
            case steps.PRODUCT:
                left, right, inner, columns = operands
                self.put(result, self.block(left, size, inner) @ self.block(right, inner, columns), size * columns)
            case steps.COVARIANCE:
                sds, units = operands
                pairs = size * (size - 1) // 2
                self.put(result, _covariance(self.block(sds, size), self.block(units, pairs), size), size * size)
            case steps.TRANSITION:
                drift, noise = (self.block(operand, size, size) for operand in operands[:2])
                first, count = operands[2:]
                lengths = self.block(first, count)
                each = [_transition(drift * lengths[place], noise * lengths[place], size) for place in range(count)]
                # Effects of all lengths come before innovation covariances.
                self.put(result, pt.stack(each).reshape((count, 2, -1)).swapaxes(0, 1).ravel(), 2 * count * size * size)
            case steps.INVERSE:
                self.put(result, pt.linalg.inv(self.block(operands[0], size, size)), size * size)
            case steps.POSITIVE_DEFINITE:
                smallest = pt.linalg.eigh(self.block(operands[0], size, size))[0][0]
                count = len(pm.modelcontext(None).potentials)
                pm.Potential(f"proper_{count}", pt.switch(smallest > 0, 0.0, -np.inf))
            case code:
                raise ValueError(f"the step '{steps.NAMES[code]}' is not written in PyTensor")


_ELEMENTWISE: dict[int, Callable[..., Any]] = {
    steps.ADD: pt.add,
    steps.SUBTRACT: pt.sub,
    steps.MULTIPLY: pt.mul,
    steps.DIVIDE: pt.true_div,
    steps.SQUARE_ROOT: pt.sqrt,
    steps.EXPONENTIAL: pt.exp,
}


def _chosen(vector: pt.TensorVariable, places: np.ndarray) -> pt.TensorVariable:
    first, count = int(places[0]), len(places)
    if (np.diff(places) == 1).all():
        return vector if count == vector.type.shape[0] else vector[first : first + count]
    return vector[places]


def _covariance(sds: pt.TensorVariable, units: pt.TensorVariable, size: int) -> pt.TensorVariable:
    """``sd_j sd_k r_jk`` of partial correlations ``2 u - 1``, row by row of the correlations' Cholesky factor.

    Entry k of row j is ``p_jk`` times the root of ``(1 - p_j1^2) ... (1 - p_j,k-1^2)``, with ``p_jj = 1``.
    """
    rows, columns = np.tril_indices(size, -1)
    partial = pt.as_tensor(np.eye(size))[rows, columns].set(2.0 * units - 1.0)
    earlier = np.triu(np.ones((size, size)), 1)
    below = np.tril(np.ones((size, size)), -1)
    log_left = 0.5 * (pt.log1p(-((partial * below) ** 2)) @ earlier)
    factor = sds[:, None] * partial * pt.exp(log_left)
    return factor @ factor.T


def _transition(drift: pt.TensorVariable, noise: pt.TensorVariable, size: int) -> pt.TensorVariable:
    """``exp(M)``, then ``int_0^1 exp(M s) N exp(M' s) ds``, as one vector.

    The integral is ``vec N`` carried by ``M (x) I + I (x) M``, the last column of the exponential of both beside each
    other, in which nothing grows that does not grow in the process.
    """
    identity, n_pairs = np.eye(size), size * size
    largest = disconnected_grad(pt.abs(noise).max())  # or it would decide over how finely the drift is cut up
    unit = pt.switch(largest > 0.0, largest, 1.0)
    carried = pt.linalg.kron(drift, identity) + pt.linalg.kron(identity, drift)
    column = ((noise + noise.T) / (2.0 * unit)).reshape((n_pairs, 1))
    generator = pt.concatenate([pt.concatenate([carried, column], axis=1), np.zeros((1, n_pairs + 1))], axis=0)
    integral = unit * pt.linalg.expm(generator)[:n_pairs, n_pairs]
    return pt.concatenate([pt.linalg.expm(drift).reshape((n_pairs,)), integral])


def theta_and_registers(
    scale: PriorScale, system: PanelSystem, psi: pt.TensorVariable
) -> tuple[pt.TensorVariable, Callable[[Sequence[int]], pt.TensorVariable]]:
    """Parameters as a vector, and a function from registers to what linear systems read there.

    Inside a `pm.Model`, which gets a Potential for every matrix that has to be positive definite.
    """
    inside = _Registers(scale.to_theta, pt.specify_shape(psi, (scale.size,)))
    theta = inside.at(np.array(scale.to_theta.output))
    return theta, _Registers(system.structure, theta).at


def implied_moments(
    systems: Sequence[LinearSystem], registers: Callable[[Sequence[int]], pt.TensorVariable]
) -> tuple[pt.TensorVariable, pt.TensorVariable]:
    """Means ``(cell, value)`` and covariances ``(cell, value, value)`` of the values of linear systems.

    ``E y = P (I - A)^-1 alpha`` and ``Cov y = P (I - A)^-1 S (I - A)^-T P'``, P choosing what is observed; systems
    with fewer variables or values than others are filled up with zeros.
    """
    size = max(len(each.variables) for each in systems)
    effects, disturbances = np.zeros((2, len(systems), size, size), dtype=int)
    intercepts = np.zeros((len(systems), size), dtype=int)
    chosen = np.zeros((len(systems), max(len(each.observed) for each in systems), size))
    places = {ONE: 1}  # in the vector of 0, 1, and the registers in the order in which they occur

    def place(register: int) -> int:
        return places.setdefault(register, len(places) + 1)

    for cell, linear in enumerate(systems):
        for row, column, register in linear.paths:
            effects[cell, row, column] = place(register)
        for row, column, register in linear.covariances:
            disturbances[cell, row, column] = disturbances[cell, column, row] = place(register)
        for row, register in linear.intercepts:
            intercepts[cell, row] = place(register)
        chosen[cell, np.arange(len(linear.observed)), list(linear.observed)] = 1.0
    numbers = pt.concatenate([np.array([0.0, 1.0]), registers(list(places)[1:])])

    def filled(places: np.ndarray) -> Any:
        return numbers[places.ravel()].reshape(places.shape)

    total = pt.as_tensor(chosen) @ pt.linalg.inv(pt.eye(size) - filled(effects))
    means = (total @ filled(intercepts)[:, :, None])[:, :, 0]
    return means, total @ filled(disturbances) @ total.mT
