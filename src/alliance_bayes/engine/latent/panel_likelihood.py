"""The log-likelihood of a panel whose measures are not all normal, from the scale on which priors are stated.

The counterpart of `kernels.entry_points` for the latent path: the same packed layout, with the latent
data where the pattern statistics would be.
"""

import numpy as np
from numba import carray, types

from ...basics.compiled import callback, compiled, inlined
from ...families.cut_points import to_phi, to_sampled_gradient
from ..kernels.arrays import floats_at, integers_at, priors_at, program_at, system_at
from ..kernels.entry_points import DATA, PRIORS, STRUCTURE, SYSTEMS, TO_THETA, all_finite, all_words
from ..kernels.interpreter import pull_back, run
from ..kernels.moments import moments_of_cells, pull_back_moments
from ..kernels.prior_density import log_prior_and_gradient, to_constrained
from ..kernels.scaled import straightened
from .propagation import log_likelihood_and_gradient
from .responses import LatentArrays

__all__ = [
    "AFTER_SYSTEM",
    "LATENT_SYMBOL",
    "latent_likelihood_and_gradient",
    "latent_log_density",
    "latent_log_likelihood",
    "moments_at",
    "scaled_latent_log_density",
    "unpack_latent_likelihood",
]

LATENT_SYMBOL = "alliance_bayes_latent_log_likelihood"
AFTER_SYSTEM = PRIORS  # where the links are packed if no sampler reads it
PLACES = LatentArrays(*range(len(LatentArrays._fields)))


@compiled
def moments_at(theta, structure, systems, links):
    """Means and covariances of the linear predictors of every cell, and phi, at a vector theta.

    Parameters
    ----------
    theta
        Parameters, the last of them the families' numbers as they are sampled.
    structure, systems
        The model as linear systems.
    links
        Links of the families' numbers, as `cut_points.to_phi` reads them.

    Returns
    -------
    tuple
        Means ``(cell, value)``, covariances ``(cell, value, value)``, phi ``(phi,)``, the registers, and whether
        every matrix is proper.
    """
    registers, proper = run(theta, structure)
    means, covariances = moments_of_cells(registers, systems)
    return means, covariances, to_phi(theta[len(theta) - len(links) :].copy(), links), registers, proper


@inlined
def latent_likelihood_and_gradient(psi, to_theta, structure, systems, links, data):
    """Log-likelihood at a prior-scale vector, and its gradient there; minus infinity outside the model's range."""
    inner, proper = run(psi, to_theta)
    first, last = to_theta.output, to_theta.output + to_theta.n_outputs
    theta = inner[first:last].copy()
    means, covariances, phi, registers, proper_too = moments_at(theta, structure, systems, links)
    nothing = np.zeros(len(psi))
    if not (proper and proper_too):
        return -np.inf, nothing
    value, means_bar, covariances_bar, phi_bar, _ = log_likelihood_and_gradient(means, covariances, phi, data)
    if not value > -np.inf:
        return -np.inf, nothing
    bars = np.zeros(len(registers))
    pull_back_moments(registers, bars, systems, means_bar, covariances_bar)
    pull_back(registers, bars, structure)
    inner_bars = np.zeros(len(inner))
    inner_bars[first:last] = bars[: len(theta)]
    sampled = theta[len(theta) - len(links) :].copy()
    inner_bars[last - len(links) : last] += to_sampled_gradient(sampled, phi, phi_bar, links)
    pull_back(inner, inner_bars, to_theta)
    return value, inner_bars[: len(psi)].copy()


@compiled
def _data(packed, first):
    bounds, cell = integers_at(packed, first + PLACES.bounds), integers_at(packed, first + PLACES.cell)
    position = integers_at(packed, first + PLACES.position)
    n_values = len(position) // max(len(cell), 1)
    return LatentArrays(
        case=integers_at(packed, first + PLACES.case),
        person=integers_at(packed, first + PLACES.person),
        bounds=bounds,
        several=integers_at(packed, first + PLACES.several) != 0,
        cell=cell,
        n_exact=integers_at(packed, first + PLACES.n_exact),
        n_latent=integers_at(packed, first + PLACES.n_latent),
        n_occurrences=integers_at(packed, first + PLACES.n_occurrences),
        position=position.reshape(len(cell), n_values),
        exact=floats_at(packed, first + PLACES.exact).reshape(bounds[-1], n_values),
        constant=floats_at(packed, first + PLACES.constant),
        site=integers_at(packed, first + PLACES.site),
        first=integers_at(packed, first + PLACES.first),
        kind=integers_at(packed, first + PLACES.kind),
        group=integers_at(packed, first + PLACES.group),
        code=integers_at(packed, first + PLACES.code),
        start=integers_at(packed, first + PLACES.start),
        size=floats_at(packed, first + PLACES.size),
        value=floats_at(packed, first + PLACES.value),
        group_of=integers_at(packed, first + PLACES.group_of),
        moments_start=integers_at(packed, first + PLACES.moments_start),
        moments=floats_at(packed, first + PLACES.moments),
        rival=integers_at(packed, first + PLACES.rival),
        rival_start=integers_at(packed, first + PLACES.rival_start),
    )


@compiled
def unpack_latent_likelihood(packed, start=AFTER_SYSTEM):
    """The parts of ``pack(to_theta, structure, systems, ..., (links,), data)``, of which `links` is number `start`."""
    return (
        program_at(packed, TO_THETA),
        program_at(packed, STRUCTURE),
        system_at(packed, SYSTEMS),
        integers_at(packed, start).reshape(-1, 2),
        _data(packed, start + 1),
    )


_word, _number, _length = types.CPointer(types.int64), types.CPointer(types.float64), types.intp


@callback(types.float64(_number, _length, _word, _length, _length, _number), symbol=LATENT_SYMBOL)
def latent_log_likelihood(psi, n_psi, packed, n_packed, start, gradient):
    """Log-likelihood at a prior-scale vector, and its gradient; `start` is where the links are packed."""
    words = carray(packed, (n_packed,))
    to_theta, structure, systems, links, data = unpack_latent_likelihood(words, start)
    value, slope = latent_likelihood_and_gradient(carray(psi, (n_psi,)), to_theta, structure, systems, links, data)
    carray(gradient, (n_psi,))[:] = slope
    return value


# As an external symbol the kernel is compiled once, and not again inside everything that calls it.
_opaque = types.ExternalFunction(
    LATENT_SYMBOL, types.float64(types.voidptr, _length, types.voidptr, _length, _length, types.voidptr)
)


@compiled
def _log_density(unconstrained, words, slope):
    table = priors_at(words, PRIORS)
    psi, psi_bar = to_constrained(unconstrained, table), np.empty(len(unconstrained))
    likelihood = _opaque(psi.ctypes, psi.size, words.ctypes, words.size, DATA, psi_bar.ctypes)
    return likelihood + log_prior_and_gradient(unconstrained, psi, psi_bar, table, slope)


@callback(types.int64(types.uint64, _number, _number, _number, _word), needs=(latent_log_likelihood,))
def latent_log_density(n_point, point, gradient, value, packed):
    """Log posterior density and its gradient at an unconstrained point, as nutpie calls it.

    `packed` is what `pack_model` makes of a model, the links of its families and its data. Returns 0, or 3 where
    density or gradient is not finite.
    """
    slope = carray(gradient, (n_point,))
    total = _log_density(carray(point, (n_point,)), all_words(packed), slope)
    carray(value, (1,))[0] = total
    return 0 if all_finite(total, slope) else 3


@callback(types.int64(types.uint64, _number, _number, _number, _word), needs=(latent_log_likelihood,))
def scaled_latent_log_density(n_point, point, gradient, value, packed):
    """`latent_log_density` in the coordinates u of ``x = x0 + R u``; x0 and R are the last two packed arrays."""
    words, slope = all_words(packed), carray(gradient, (n_point,))
    unconstrained, root = straightened(carray(point, (n_point,)), words)
    inner = np.empty(n_point)
    total = _log_density(unconstrained, words, inner)
    slope[:] = inner @ root
    carray(value, (1,))[0] = total
    return 0 if all_finite(total, slope) else 3
