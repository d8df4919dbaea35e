"""Short ways into the engine for tests at plain times: one system, its scale of priors, its derived quantities."""

import numpy as np

from alliance_bayes.engine.design import plain_design
from alliance_bayes.engine.kernels import likelihood, moments as implied, persons
from alliance_bayes.engine.kernels.interpreter import pull_back, run
from alliance_bayes.engine.layout import lay_out


def system_at(spec, times):
    return lay_out(spec, plain_design(times)).system


def scale_at(spec, times):
    return lay_out(spec, plain_design(times)).scale


def derived_at(spec, times):
    return lay_out(spec, plain_design(times)).derived


def one_case_each(n_persons):
    return plain_design([0, 1]).cases(n_persons)


def in_order(system, values):
    """Parameter values by name as the vector theta; they must be the system's parameters and no others."""
    assert set(values) == set(system.names)
    return np.array([values[name] for name in system.names])


def output(program, inputs):
    """Output of a program by the compiled interpreter."""
    registers, _ = run(np.asarray(inputs, dtype=float), program.arrays)
    return registers[list(program.output)]


def pulled_back(program, inputs, output_bar):
    """Gradient in the inputs of ``output_bar @ output``, by the compiled adjoint."""
    registers, _ = run(inputs, program.arrays)
    bars = np.zeros(len(registers))
    bars[list(program.output)] = output_bar
    pull_back(registers, bars, program.arrays)
    return bars[: program.n_inputs]


def derive(derived, theta, centre, scale):
    """Derived vector at one theta."""
    return output(derived.program, np.concatenate([theta, centre, scale]))


def moments(system, theta, cell=0):
    """Mean and covariance by the compiled kernel."""
    registers, _ = run(theta, system.structure_arrays)
    return implied.moments(registers, system.systems[cell].arrays)


def log_likelihood_and_gradient(system, theta, patterns):
    return likelihood.log_likelihood_and_gradient(theta, system.structure_arrays, system.arrays, patterns)


def log_likelihood(system, theta, patterns):
    return log_likelihood_and_gradient(system, theta, patterns)[0]


def log_likelihoods_per_person(system, thetas, patterns, rows, order, bounds, result):
    persons.log_likelihoods_per_person(
        thetas, system.structure_arrays, system.arrays, patterns, rows, order, bounds, result
    )


def evaluate(compiled, point):
    """Status, log density and gradient at an unconstrained point, as nutpie asks for them."""
    point = np.ascontiguousarray(point)
    gradient, value, words = np.empty(len(point)), np.empty(1), np.ascontiguousarray(compiled.user_data)
    addresses = [array.ctypes.data for array in (point, gradient, value, words)]
    status = as_function(compiled.compiled_logp_func, "PPPP")(len(point), *addresses)
    return status, value[0], gradient


def as_function(compiled, signature):
    from ctypes import CFUNCTYPE, c_int64, c_uint64, c_void_p

    kinds = {"P": c_void_p, "N": c_uint64}
    return CFUNCTYPE(c_int64, c_uint64, *(kinds[letter] for letter in signature))(compiled.address)
