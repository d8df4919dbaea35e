"""The compiled kernels behind plain C addresses, so that no model has to be compiled.

A sampler would compile the log density of each model, kernels and all, which takes far
longer than sampling it. Everything that differs between models is therefore data: layout,
statistics and priors are packed into one vector, and the same few functions, compiled once and
cached on disk, read it. As external symbols they also serve the PyTensor operations, so that
whoever compiles those does not optimise the kernels a second time.
"""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
from numba import carray, types

from ...basics.compiled import callback, compiled, inlined
from .arrays import (
    PROGRAM,
    SYSTEM,
    PatternArrays,
    PriorTable,
    ProgramArrays,
    SystemArrays,
    floats_at,
    pack,
    patterns_at,
    priors_at,
    program_at,
    system_at,
)
from .interpreter import pull_back, run
from .likelihood import log_likelihood_and_gradient
from .prior_density import log_prior_and_gradient, to_constrained

__all__ = [
    "CENTRE",
    "DATA",
    "DENSITY_SYMBOL",
    "DERIVED_SYMBOL",
    "LIKELIHOOD_SYMBOL",
    "PRIORS",
    "STRUCTURE",
    "SYSTEMS",
    "TO_THETA",
    "UNIT",
    "all_finite",
    "all_words",
    "derived_quantities",
    "derived_vector",
    "expand",
    "expand_into",
    "likelihood_and_gradient",
    "log_density",
    "log_likelihood",
    "pack_model",
    "unpack_derived",
    "unpack_likelihood",
]

LIKELIHOOD_SYMBOL = "alliance_bayes_log_likelihood"
DERIVED_SYMBOL = "alliance_bayes_derived"
DENSITY_SYMBOL = "alliance_bayes_log_density"


TO_THETA = 0
STRUCTURE = TO_THETA + len(PROGRAM)
SYSTEMS = STRUCTURE + len(PROGRAM)
PRIORS = SYSTEMS + len(SYSTEM)
DERIVED = PRIORS + len(PriorTable._fields)
CENTRE = DERIVED + len(PROGRAM)
UNIT = CENTRE + 1
DATA = UNIT + 1
"""Number of the first array of each part of a packed model; the data may be of any kind."""


def pack_model(
    *,
    to_theta: ProgramArrays,
    structure: ProgramArrays,
    systems: SystemArrays,
    priors: PriorTable,
    derived: ProgramArrays,
    centre: npt.NDArray[np.float64],
    unit: npt.NDArray[np.float64],
    data: Iterable[np.ndarray],
) -> npt.NDArray[np.int64]:
    """A model with its data in one vector, as `log_density` and `expand` read it."""
    return pack(to_theta, structure, systems, priors, derived, (centre,), (unit,), data)


@inlined
def likelihood_and_gradient(psi, to_theta, structure, system, patterns):
    """Log-likelihood at a prior-scale vector, and its gradient there; minus infinity outside the model's range."""
    registers, proper = run(psi, to_theta)
    first, last = to_theta.output, to_theta.output + to_theta.n_outputs
    value, theta_bar = log_likelihood_and_gradient(registers[first:last], structure, system, patterns)
    bars = np.zeros(len(registers))
    if not proper or not value > -np.inf:
        return -np.inf, bars[: len(psi)].copy()
    for entry in range(first, last):
        bars[entry] = theta_bar[entry - first]
    pull_back(registers, bars, to_theta)
    return value, bars[: len(psi)].copy()


@compiled
def derived_vector(psi, to_theta, derived, centre, unit):
    """Derived quantities at a prior-scale vector, shape ``(derived,)``."""
    registers, _ = run(psi, to_theta)
    theta = registers[to_theta.output : to_theta.output + to_theta.n_outputs]
    n_theta, n_units = len(theta), len(unit)
    inputs = np.empty(n_theta + 2 * n_units)
    for entry in range(n_theta):
        inputs[entry] = theta[entry]
    for entry in range(n_units):
        inputs[n_theta + entry], inputs[n_theta + n_units + entry] = centre[entry], unit[entry]
    results, _ = run(inputs, derived)
    return results[derived.output : derived.output + derived.n_outputs].copy()


@compiled
def unpack_likelihood(packed):
    """The parts of ``pack(to_theta, structure, systems)``."""
    return program_at(packed, TO_THETA), program_at(packed, STRUCTURE), system_at(packed, SYSTEMS)


@compiled
def unpack_derived(packed):
    """The parts of ``pack(to_theta, derived)``, the second standing where the structure does in a packed model."""
    return program_at(packed, TO_THETA), program_at(packed, STRUCTURE)


_word, _number, _length = types.CPointer(types.int64), types.CPointer(types.float64), types.intp


@compiled
def all_words(packed):
    """All words behind a pointer; the first says where the last start is, which is their number."""
    n_starts = carray(packed, (1,))[0]
    return carray(packed, (carray(packed, (n_starts,))[n_starts - 1],))


@compiled
def all_finite(total, slope):
    """Whether a density and its gradient are numbers."""
    finite = np.isfinite(total)
    for entry in range(len(slope)):
        finite = finite and np.isfinite(slope[entry])
    return finite


@callback(types.int64(types.uint64, _number, _number, _number, _word), symbol=DENSITY_SYMBOL)
def log_density(n_point, point, gradient, value, packed):
    """Log posterior density and its gradient at an unconstrained point, as nutpie calls it.

    `packed` is what `pack_model` makes of a model and the arrays of `PatternArrays`. Returns 0, or 3 where density or
    gradient is not finite.
    """
    words = all_words(packed)
    table = priors_at(words, PRIORS)
    unconstrained, slope = carray(point, (n_point,)), carray(gradient, (n_point,))
    psi = to_constrained(unconstrained, table)
    likelihood, psi_bar = likelihood_and_gradient(
        psi,
        program_at(words, TO_THETA),
        program_at(words, STRUCTURE),
        system_at(words, SYSTEMS),
        patterns_at(words, DATA),
    )
    carray(value, (1,))[0] = total = likelihood + log_prior_and_gradient(unconstrained, psi, psi_bar, table, slope)
    return 0 if all_finite(total, slope) else 3


@inlined
def expand_into(point, words, result):
    """Write random variables and derived quantities at an unconstrained point into `result`."""
    n_point = len(point)
    psi = to_constrained(point, priors_at(words, PRIORS))
    for entry in range(n_point):
        result[entry] = psi[entry]
    vector = derived_vector(
        psi,
        program_at(words, TO_THETA),
        program_at(words, DERIVED),
        floats_at(words, CENTRE),
        floats_at(words, UNIT),
    )
    for entry in range(len(vector)):
        result[n_point + entry] = vector[entry]


@callback(types.int64(types.uint64, types.uint64, _number, _number, _word))
def expand(n_point, n_expanded, point, expanded, packed):
    """Random variables and derived quantities at an unconstrained point, as nutpie calls it."""
    expand_into(carray(point, (n_point,)), all_words(packed), carray(expanded, (n_expanded,)))
    return 0


@callback(
    types.float64(
        _number, _length, _word, _length, _number, _length, _word, _word, _number, _length, _word, _number, _word,
        _number, _word, _length, _number, _number,
    ),
    symbol=LIKELIHOOD_SYMBOL,
)  # fmt: skip
def log_likelihood(
    psi, n_psi, packed, n_packed, people, n_patterns, size, position, mean, n_values, rank, factor, completed,
    scatter, cell_start, n_cells, given, gradient,
):  # fmt: skip
    """Log-likelihood of pattern statistics at a prior-scale vector, and its gradient, as PyTensor's code calls it."""
    words = carray(packed, (n_packed,))
    patterns = PatternArrays(
        people=carray(people, (n_patterns,)),
        size=carray(size, (n_patterns,)),
        position=carray(position, (n_patterns, n_values)),
        mean=carray(mean, (n_patterns, n_values)),
        rank=carray(rank, (n_patterns,)),
        factor=carray(factor, (n_patterns, n_values, n_values)),
        completed=carray(completed, (n_patterns,)),
        scatter=carray(scatter, (n_cells, n_values, n_values)),
        cell_start=carray(cell_start, (n_cells + 1,)),
        given=carray(given, (1,)),
    )
    value, slope = likelihood_and_gradient(
        carray(psi, (n_psi,)),
        program_at(words, TO_THETA),
        program_at(words, STRUCTURE),
        system_at(words, SYSTEMS),
        patterns,
    )
    result = carray(gradient, (n_psi,))
    for entry in range(n_psi):
        result[entry] = slope[entry]
    return value


@callback(
    types.void(_number, _length, _word, _length, _number, _number, _length, _number, _length), symbol=DERIVED_SYMBOL
)
def derived_quantities(psi, n_psi, packed, n_packed, centre, unit, n_measures, result, n_result):
    """Derived quantities at a prior-scale vector, as PyTensor's code calls them."""
    words = carray(packed, (n_packed,))
    vector = derived_vector(
        carray(psi, (n_psi,)),
        program_at(words, TO_THETA),
        program_at(words, STRUCTURE),
        carray(centre, (n_measures,)),
        carray(unit, (n_measures,)),
    )
    written = carray(result, (n_result,))
    for entry in range(n_result):
        written[entry] = vector[entry]
