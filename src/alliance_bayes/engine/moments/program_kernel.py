"""The compiled interpreter of programs, and its adjoint."""

import math

import numpy as np

from ...basics.compiled import compiled
from .matrices import cholesky, inverse_in_place, matrix_exponential
from .program import ProgramArrays
from .transition import transition, transition_gradient

__all__ = ["pull_back", "run", "run_many"]


@compiled
def _factor_of(units, size):
    """Cholesky factor of the correlation matrix with these partial correlations, mapped to (0, 1)."""
    factor = np.zeros((size, size))
    entry = 0
    for row in range(size):
        left = 1.0
        for column in range(row):
            partial = 2.0 * units[entry] - 1.0
            factor[row, column] = partial * left
            left *= math.sqrt(1.0 - partial * partial)
            entry += 1
        factor[row, row] = left
    return factor


@compiled
def _write_covariance(sd, units, result):
    size = len(sd)
    factor = _factor_of(units, size)
    for first in range(size):
        for second in range(first, size):
            correlation = 1.0
            if second > first:
                correlation = 0.0
                for inner in range(first + 1):
                    correlation += factor[first, inner] * factor[second, inner]
            value = sd[first] * sd[second] * correlation
            result[first * size + second] = result[second * size + first] = value


@compiled
def _covariance_gradient(sd, units, bar, sd_bar, units_bar):
    """Add the gradient of `_write_covariance`, whose result has the gradient `bar`."""
    size = len(sd)
    factor = _factor_of(units, size)
    factor_bar = np.zeros((size, size))
    for first in range(size):
        sd_bar[first] += 2.0 * bar[first * size + first] * sd[first]
        for second in range(first + 1, size):
            correlation = 0.0
            for inner in range(first + 1):
                correlation += factor[first, inner] * factor[second, inner]
            slope = bar[first * size + second] + bar[second * size + first]
            sd_bar[first] += slope * sd[second] * correlation
            sd_bar[second] += slope * sd[first] * correlation
            slope *= sd[first] * sd[second]
            for inner in range(first + 1):
                factor_bar[first, inner] += slope * factor[second, inner]
                factor_bar[second, inner] += slope * factor[first, inner]
    entry = len(units)
    for row in range(size - 1, -1, -1):
        left_bar = factor_bar[row, row]
        left = factor[row, row]
        for column in range(row - 1, -1, -1):
            entry -= 1
            partial = 2.0 * units[entry] - 1.0
            rest = math.sqrt(1.0 - partial * partial)
            left /= rest
            units_bar[entry] += 2.0 * (factor_bar[row, column] * left - left_bar * left * partial / rest)
            left_bar = factor_bar[row, column] * partial + left_bar * rest


@compiled
def _is_positive_definite(values, size):
    matrix = values.copy().reshape(size, size)
    return cholesky(matrix, size)


@compiled
def run(inputs: np.ndarray, program: ProgramArrays):
    """All registers of a program, and whether every matrix that must be positive definite is."""
    registers = np.empty(program.n_registers)
    n_inputs = program.n_inputs
    registers[:n_inputs] = inputs
    registers[n_inputs : n_inputs + len(program.constants)] = program.constants
    code, proper = program.code, True
    for step in range(len(program.start)):
        here = program.start[step]
        name, size = code[here], code[here + 1]
        result = code[here + 2]
        if name == 0:
            for entry in range(size):
                source = code[here + 3 + entry]
                registers[result + entry] = registers[source] if source >= 0 else 0.0
        elif name <= 4:
            left, right = code[here + 3], code[here + 4]
            for entry in range(size):
                first, second = registers[left + entry], registers[right + entry]
                if name == 1:
                    registers[result + entry] = first + second
                elif name == 2:
                    registers[result + entry] = first - second
                elif name == 3:
                    registers[result + entry] = first * second
                else:
                    registers[result + entry] = first / second
        elif name == 5:
            for entry in range(size):
                registers[result + entry] = math.sqrt(registers[code[here + 3] + entry])
        elif name == 6:
            for entry in range(size):
                registers[result + entry] = math.exp(registers[code[here + 3] + entry])
        elif name == 7:
            inner, columns = code[here + 2], code[here + 3]
            result, left, right = code[here + 4], code[here + 5], code[here + 6]
            for row in range(size):
                for column in range(columns):
                    value = 0.0
                    for k in range(inner):
                        value += registers[left + row * inner + k] * registers[right + k * columns + column]
                    registers[result + row * columns + column] = value
        elif name == 8:
            sds, units, n_units = code[here + 3], code[here + 4], size * (size - 1) // 2
            _write_covariance(
                registers[sds : sds + size],
                registers[units : units + n_units],
                registers[result : result + size * size],
            )
        elif name == 9:
            start = code[here + 3]
            matrix = registers[start : start + size * size].copy().reshape(size, size)
            registers[result : result + size * size] = matrix_exponential(matrix).ravel()
        elif name == 10:
            start = code[here + 3]
            matrix = registers[start : start + size * size].copy().reshape(size, size)
            inverse_in_place(matrix)
            registers[result : result + size * size] = matrix.ravel()
        elif name == 11:
            start = code[here + 3]
            for row in range(size):
                for column in range(row):
                    variances = registers[start + row * size + row] * registers[start + column * size + column]
                    registers[result] = registers[start + row * size + column] / math.sqrt(variances)
                    result += 1
        elif name == 12:
            start = code[here + 3]
            proper = proper and _is_positive_definite(registers[start : start + size * size], size)
        else:
            transition(registers, code[here + 3], code[here + 4], size, result)
    return registers, proper


@compiled
def pull_back(registers: np.ndarray, bars: np.ndarray, program: ProgramArrays):
    """Carry the gradient of a number in the registers back to the inputs, step by step.

    Parameters
    ----------
    registers
        As `run` left them.
    bars
        Gradient in every register, changed in place: from the direct one to the total one. Its
        first `n_inputs` entries are then the gradient in the inputs.
    program
        The program, without a step "correlations".
    """
    code = program.code
    for step in range(len(program.start) - 1, -1, -1):
        here = program.start[step]
        name, size, result = code[here], code[here + 1], code[here + 2]
        if name == 0:
            for entry in range(size):
                source = code[here + 3 + entry]
                if source >= 0:
                    bars[source] += bars[result + entry]
        elif name <= 4:
            left, right = code[here + 3], code[here + 4]
            for entry in range(size):
                bar = bars[result + entry]
                if name == 1:
                    bars[left + entry] += bar
                    bars[right + entry] += bar
                elif name == 2:
                    bars[left + entry] += bar
                    bars[right + entry] -= bar
                elif name == 3:
                    first, second = registers[left + entry], registers[right + entry]
                    bars[left + entry] += bar * second
                    bars[right + entry] += bar * first
                else:
                    slope = bar / registers[right + entry]
                    bars[left + entry] += slope
                    bars[right + entry] -= slope * registers[result + entry]
        elif name == 5:
            for entry in range(size):
                bars[code[here + 3] + entry] += 0.5 * bars[result + entry] / registers[result + entry]
        elif name == 6:
            for entry in range(size):
                bars[code[here + 3] + entry] += bars[result + entry] * registers[result + entry]
        elif name == 7:
            inner, columns = code[here + 2], code[here + 3]
            result, left, right = code[here + 4], code[here + 5], code[here + 6]
            for row in range(size):
                for column in range(columns):
                    bar = bars[result + row * columns + column]
                    for k in range(inner):
                        bars[left + row * inner + k] += bar * registers[right + k * columns + column]
                        bars[right + k * columns + column] += bar * registers[left + row * inner + k]
        elif name == 8:
            sds, units, n_units = code[here + 3], code[here + 4], size * (size - 1) // 2
            _covariance_gradient(
                registers[sds : sds + size],
                registers[units : units + n_units],
                bars[result : result + size * size],
                bars[sds : sds + size],
                bars[units : units + n_units],
            )
        elif name == 9:
            _matrix_exponential_gradient(registers, bars, code[here + 3], result, size)
        elif name == 10:
            _inverse_gradient(registers, bars, code[here + 3], result, size)
        elif name == 13:
            transition_gradient(registers, bars, code[here + 3], code[here + 4], size, result)


@compiled
def _matrix_exponential_gradient(registers, bars, start, result, size):
    """The Frechet derivative at the transpose: the upper right block of ``exp([[M', G], [0, M']])``."""
    largest = 0.0
    for entry in range(size * size):
        largest = max(largest, abs(bars[result + entry]))
    if largest == 0.0:
        return
    block = np.zeros((2 * size, 2 * size))
    for row in range(size):
        for column in range(size):
            value = registers[start + column * size + row]
            block[row, column] = block[size + row, size + column] = value
            block[row, size + column] = bars[result + row * size + column] / largest
    derivative = matrix_exponential(block)
    for row in range(size):
        for column in range(size):
            bars[start + row * size + column] += largest * derivative[row, size + column]


@compiled
def _inverse_gradient(registers, bars, start, result, size):
    """``-X' G X'`` with X the inverse."""
    inverse = registers[result : result + size * size].copy().reshape(size, size)
    bar = bars[result : result + size * size].copy().reshape(size, size)
    gradient = inverse.T.copy() @ bar @ inverse.T.copy()
    for row in range(size):
        for column in range(size):
            bars[start + row * size + column] -= gradient[row, column]


@compiled
def run_many(inputs: np.ndarray, program: ProgramArrays):
    """Output of a program at many inputs, shape ``(draw, output)``, and at which of them every matrix is proper."""
    result, proper = np.empty((len(inputs), program.n_outputs)), np.empty(len(inputs), dtype=np.bool_)
    for draw in range(len(inputs)):
        registers, proper[draw] = run(inputs[draw], program)
        result[draw] = registers[program.output : program.output + program.n_outputs]
    return result, proper
