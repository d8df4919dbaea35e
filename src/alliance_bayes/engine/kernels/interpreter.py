"""The compiled interpreter of programs, and its adjoint."""

import math

import numpy as np
from numba import carray

from ...basics.compiled import callback, compiled
from .arrays import ProgramArrays
from .matrices import cholesky, inverse_in_place
from .steps import (
    ADD,
    COLUMNS,
    CORRELATIONS,
    COUNT,
    COVARIANCE,
    DIVIDE,
    EXPONENTIAL,
    FIRST,
    GATHER,
    INNER,
    INVERSE,
    LENGTHS,
    MULTIPLY,
    POSITIVE_DEFINITE,
    PRODUCT,
    RESULT,
    SECOND,
    SIZE,
    SQUARE_ROOT,
    SUBTRACT,
    TRANSITION,
)
from .transition import transitions, transitions_gradient

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
            shrink = math.sqrt(1.0 - partial * partial)
            left /= shrink
            units_bar[entry] += 2.0 * (factor_bar[row, column] * left - left_bar * left * partial / shrink)
            left_bar = factor_bar[row, column] * partial + left_bar * shrink


@compiled
def _square(registers, first, size):
    """The square matrix that begins at this register."""
    matrix = np.empty((size, size))
    for row in range(size):
        for column in range(size):
            matrix[row, column] = registers[first + row * size + column]
    return matrix


@compiled
def _write(registers, result, matrix):
    size = len(matrix)
    for row in range(size):
        for column in range(size):
            registers[result + row * size + column] = matrix[row, column]


# Steps of few models, which are compiled when one first takes them.


_numbers = "CPointer(float64)"


@callback(f"void({_numbers}, intp, intp, intp, intp)")
def _write_inverse(registers, length, first, size, result):
    numbers = carray(registers, (length,))
    matrix = _square(numbers, first, size)
    inverse_in_place(matrix)
    _write(numbers, result, matrix)


@callback(f"void({_numbers}, {_numbers}, intp, intp, intp, intp)")
def _add_inverse_gradient(registers, bars, length, first, size, result):
    """``-X' G X'`` with X the inverse."""
    numbers, slopes = carray(registers, (length,)), carray(bars, (length,))
    inverse, product = _square(numbers, result, size), np.zeros((size, size))
    for row in range(size):
        for inner in range(size):
            for column in range(size):
                product[row, column] += inverse[inner, row] * slopes[result + inner * size + column]
    for row in range(size):
        for column in range(size):
            value = 0.0
            for inner in range(size):
                value += product[row, inner] * inverse[column, inner]
            slopes[first + row * size + column] -= value


@callback(f"void({_numbers}, intp, intp, intp, intp, intp, intp, intp)")
def _write_transitions(registers, length, first, second, lengths, count, size, result):
    transitions(carray(registers, (length,)), first, second, lengths, count, size, result)


@callback(f"void({_numbers}, {_numbers}, intp, intp, intp, intp, intp, intp, intp)")
def _add_transitions_gradient(registers, bars, length, first, second, lengths, count, size, result):
    numbers, slopes = carray(registers, (length,)), carray(bars, (length,))
    transitions_gradient(numbers, slopes, first, second, lengths, count, size, result)


@compiled
def run(inputs: np.ndarray, program: ProgramArrays):
    """All registers of a program, and whether every matrix that must be positive definite is."""
    registers = np.empty(program.n_registers)
    n_inputs = program.n_inputs
    for entry in range(n_inputs):
        registers[entry] = inputs[entry]
    for entry in range(len(program.constants)):
        registers[n_inputs + entry] = program.constants[entry]
    words, length, proper = program.code, len(registers), True
    for step in range(len(program.start)):
        at = program.start[step]
        code, size, result, first = words[at], words[at + SIZE], words[at + RESULT], words[at + FIRST]
        if code == GATHER:
            for entry in range(size):
                source = words[at + FIRST + entry]
                registers[result + entry] = registers[source] if source >= 0 else 0.0
        elif ADD <= code <= DIVIDE:
            second = words[at + SECOND]
            for entry in range(size):
                left, right = registers[first + entry], registers[second + entry]
                if code == ADD:
                    registers[result + entry] = left + right
                elif code == SUBTRACT:
                    registers[result + entry] = left - right
                elif code == MULTIPLY:
                    registers[result + entry] = left * right
                else:
                    registers[result + entry] = left / right
        elif code == SQUARE_ROOT:
            for entry in range(size):
                registers[result + entry] = math.sqrt(registers[first + entry])
        elif code == EXPONENTIAL:
            for entry in range(size):
                registers[result + entry] = math.exp(registers[first + entry])
        elif code == PRODUCT:
            second, inner, columns = words[at + SECOND], words[at + INNER], words[at + COLUMNS]
            for row in range(size):
                for column in range(columns):
                    value = 0.0
                    for k in range(inner):
                        value += registers[first + row * inner + k] * registers[second + k * columns + column]
                    registers[result + row * columns + column] = value
        elif code == COVARIANCE:
            second, n_units = words[at + SECOND], size * (size - 1) // 2
            _write_covariance(
                registers[first : first + size],
                registers[second : second + n_units],
                registers[result : result + size * size],
            )
        elif code == INVERSE:
            _write_inverse(registers.ctypes, length, first, size, result)
        elif code == CORRELATIONS:
            for row in range(size):
                for column in range(row):
                    variances = registers[first + row * size + row] * registers[first + column * size + column]
                    registers[result] = registers[first + row * size + column] / math.sqrt(variances)
                    result += 1
        elif code == POSITIVE_DEFINITE:
            proper = proper and cholesky(_square(registers, first, size), size)
        elif code == TRANSITION:
            lengths, count = words[at + LENGTHS], words[at + COUNT]
            _write_transitions(registers.ctypes, length, first, words[at + SECOND], lengths, count, size, result)
        else:
            proper = False
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
        The program, without a step `CORRELATIONS`.
    """
    words, length = program.code, len(registers)
    for step in range(len(program.start) - 1, -1, -1):
        at = program.start[step]
        code, size, result, first = words[at], words[at + SIZE], words[at + RESULT], words[at + FIRST]
        if code == GATHER:
            for entry in range(size):
                source = words[at + FIRST + entry]
                if source >= 0:
                    bars[source] += bars[result + entry]
        elif ADD <= code <= DIVIDE:
            second = words[at + SECOND]
            for entry in range(size):
                bar = bars[result + entry]
                if code == ADD:
                    bars[first + entry] += bar
                    bars[second + entry] += bar
                elif code == SUBTRACT:
                    bars[first + entry] += bar
                    bars[second + entry] -= bar
                elif code == MULTIPLY:
                    left, right = registers[first + entry], registers[second + entry]
                    bars[first + entry] += bar * right
                    bars[second + entry] += bar * left
                else:
                    slope = bar / registers[second + entry]
                    bars[first + entry] += slope
                    bars[second + entry] -= slope * registers[result + entry]
        elif code == SQUARE_ROOT:
            for entry in range(size):
                bars[first + entry] += 0.5 * bars[result + entry] / registers[result + entry]
        elif code == EXPONENTIAL:
            for entry in range(size):
                bars[first + entry] += bars[result + entry] * registers[result + entry]
        elif code == PRODUCT:
            second, inner, columns = words[at + SECOND], words[at + INNER], words[at + COLUMNS]
            for row in range(size):
                for column in range(columns):
                    bar = bars[result + row * columns + column]
                    for k in range(inner):
                        bars[first + row * inner + k] += bar * registers[second + k * columns + column]
                        bars[second + k * columns + column] += bar * registers[first + row * inner + k]
        elif code == COVARIANCE:
            second, n_units = words[at + SECOND], size * (size - 1) // 2
            _covariance_gradient(
                registers[first : first + size],
                registers[second : second + n_units],
                bars[result : result + size * size],
                bars[first : first + size],
                bars[second : second + n_units],
            )
        elif code == INVERSE:
            _add_inverse_gradient(registers.ctypes, bars.ctypes, length, first, size, result)
        elif code == TRANSITION:
            second, lengths, count = words[at + SECOND], words[at + LENGTHS], words[at + COUNT]
            _add_transitions_gradient(
                registers.ctypes, bars.ctypes, length, first, second, lengths, count, size, result
            )


@compiled
def run_many(inputs: np.ndarray, program: ProgramArrays):
    """Output of a program at many inputs, shape ``(draw, output)``, and at which of them every matrix is proper."""
    result, proper = np.empty((len(inputs), program.n_outputs)), np.empty(len(inputs), dtype=np.bool_)
    for draw in range(len(inputs)):
        registers, proper[draw] = run(inputs[draw], program)
        for entry in range(program.n_outputs):
            result[draw, entry] = registers[program.output + entry]
    return result, proper
