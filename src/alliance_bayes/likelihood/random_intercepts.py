"""The test of whether random intercepts are needed, whose variances are 0 at the boundary of what they can be.

With b the variances of the tested intercepts and their covariances (with those that stay, too), the likelihood-ratio
statistic against b = 0 is, where these are 0, distributed as ``|P z|^2``: z normal with the covariance of the estimates
of b, P the projection in that metric onto the covariance matrices near 0: those whose block of tested intercepts is
positive semi-definite [1]_ [2]_. It is a mixture of chi-squares (chi-bar-square): for one intercept half of 0 and half
of 1 degree of freedom, or of k and k + 1 where k other intercepts stay.

References
----------
.. [1] Self & Liang (1987). Asymptotic properties of maximum likelihood estimators and likelihood ratio tests under
   nonstandard conditions. Journal of the American Statistical Association 82, 605-610.
.. [2] Stoel, Garre, Dolan & van den Wittenboer (2006). On the likelihood ratio test in structural equation modeling
   when parameters are subject to boundary constraints. Psychological Methods 11, 439-455.
   https://doi.org/10.1037/1082-989X.11.4.439
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import chdtrc

from ..engine.kernels.likelihood import log_likelihood_and_gradient
from ..engine.model_on_panel import PanelModel
from .information import expected_information
from .maximising import Maximum
from .maximum_likelihood import MaximumLikelihood

__all__ = ["ChiBarSquare", "Intercepts", "chi_bar_square", "intercepts_of"]

type FloatArray = npt.NDArray[np.float64]

TOLERANCE = 1e-6
FEW_ERRORS = 2.0  # standard errors from 0 within which a variance may be 0
MOST_ROUNDS = 500
OPTIONS = {"gtol": 1e-6, "maxiter": 2000}
LARGEST_GRADIENT = 1e-5  # per person, of a maximum


ROUNDING = 1e-12  # of the eigenvalues of a matrix with rows of 0


@dataclass(frozen=True, eq=False)
class Intercepts:
    """Where the tested variances and their covariances stand in theta.

    Attributes
    ----------
    blocks
        Positions of the covariance matrix of the tested intercepts of each group, shape ``(tested, tested)``.
    crossed
        Positions of their covariances with the intercepts that stay, which may be anything near 0.
    """

    blocks: tuple[npt.NDArray[np.int64], ...]
    crossed: npt.NDArray[np.int64]

    @property
    def positions(self) -> npt.NDArray[np.int64]:
        """All of them: the crossed ones, then the lower triangles of the blocks."""
        lower = [block[np.tril_indices(len(block))] for block in self.blocks]
        return np.concatenate([self.crossed, *lower])


@dataclass(frozen=True)
class ChiBarSquare:
    """The test.

    Attributes
    ----------
    statistic
        Twice the difference of log-likelihoods, covariance matrices of intercepts kept positive semi-definite.
    df
        Number of variances and covariances that are 0 where nobody differs.
    p_value, mcse
        Probability of a larger statistic where they are 0, and its Monte Carlo error, 0 in closed form.
    weights
        Weight of the chi-square with 0, 1, ... `df` degrees of freedom; empty where they have no simple estimate.
    naive_p
        Probability under the chi-square of `df` degrees of freedom, which is too large.
    converged
        Whether both constrained maxima were found.
    nested
        Whether the intercepts that stay have a proper covariance matrix where the tested ones are 0. If not, neither
        model is a special case of the other, and there is no `p_value` (NaN).
    near_zero
        Measures whose intercepts stay and have a variance within two standard errors of 0 where the tested ones are 0:
        the mixture takes them for well above 0, where their covariances with the tested ones may be anything.
    """

    statistic: float
    df: int
    p_value: float
    mcse: float
    weights: tuple[float, ...]
    naive_p: float
    converged: bool
    nested: bool = True
    near_zero: tuple[str, ...] = ()


def intercepts_of(model: PanelModel, tested: list[str]) -> Intercepts:
    """Find the variances of these measures' random intercepts, and their covariances, among the parameters."""
    chosen = {model.spec.measures.index(name) for name in tested}
    blocks: dict[int | None, dict[tuple[int, int], int]] = {}
    crossed = []
    for position, parameter in enumerate(model.system.parameters):
        if parameter.kind != "between":
            continue
        pair = parameter.measures
        if set(pair) <= chosen:
            blocks.setdefault(parameter.group, {})[pair[0], pair[1]] = position
        elif set(pair) & chosen:
            crossed.append(position)
    order = {measure: place for place, measure in enumerate(sorted(chosen))}
    arrays = []
    for entries in blocks.values():
        block = np.zeros((len(chosen), len(chosen)), dtype=np.int64)
        for (first, second), position in entries.items():
            block[order[first], order[second]] = block[order[second], order[first]] = position
        arrays.append(block)
    return Intercepts(tuple(arrays), np.array(crossed, dtype=np.int64))


def chi_bar_square(answer: MaximumLikelihood, intercepts: Intercepts, *, simulations: int, seed: int) -> ChiBarSquare:
    """Test intercepts, by the closed form for one of them and by simulated projections for several."""
    model, positions = answer.model, intercepts.positions
    without, proper = _restricted(model, answer.theta, positions), _largest_proper(answer)
    statistic = max(2 * (proper.log_likelihood - without.log_likelihood), 0.0)
    converged = without.converged and proper.converged
    df, free = len(positions), len(intercepts.crossed)
    naive = float(chdtrc(df, statistic))
    if not _is_proper(model, without.theta, least=-ROUNDING):
        return ChiBarSquare(np.nan, df, np.nan, 0.0, (), np.nan, converged, nested=False)
    near_zero = _near_zero(model, without.theta, positions)
    if len(intercepts.blocks) == 1 and len(intercepts.blocks[0]) == 1:
        p = 0.5 * (_tail(statistic, free) + _tail(statistic, free + 1))
        weights = tuple(0.5 if size in (free, free + 1) else 0.0 for size in range(df + 1))
        return ChiBarSquare(statistic, df, p, 0.0, weights, naive, converged, near_zero=near_zero)
    information = _efficient(model, without.theta, positions)
    tails = np.ones(simulations)
    if statistic > 0:
        shares = np.maximum(_shares(information, intercepts, simulations, seed), 1e-12)
        tails = chdtrc(df, statistic / shares)
    mcse = float(tails.std(ddof=1) / np.sqrt(simulations))
    weights = _weights(information, intercepts, simulations, seed)
    return ChiBarSquare(statistic, df, float(tails.mean()), mcse, weights, naive, converged, near_zero=near_zero)


def _near_zero(model: PanelModel, theta: FloatArray, zero: npt.NDArray[np.int64]) -> tuple[str, ...]:
    """Measures whose intercepts stay with a variance that may be 0, the boundary of what it can be."""
    parameters = model.system.parameters
    kept = [
        position
        for position, parameter in enumerate(parameters)
        if parameter.kind == "between" and parameter.is_variance and position not in zero
    ]
    free = np.setdiff1d(np.arange(len(theta)), zero)
    information = expected_information(model.system, model.statistics.arrays, theta)[np.ix_(free, free)]
    errors = dict(zip(free.tolist(), np.sqrt(np.diag(np.linalg.inv(information))), strict=True))
    near = (parameters[position].measures[0] for position in kept if theta[position] < FEW_ERRORS * errors[position])
    return tuple(dict.fromkeys(model.spec.measures[measure] for measure in near))


def _tail(statistic: float, df: int) -> float:
    return float(chdtrc(df, statistic)) if df else float(statistic <= 0)


def _objective(model: PanelModel) -> Callable[[FloatArray], tuple[float, FloatArray]]:
    structure, arrays, patterns = model.system.structure_arrays, model.system.arrays, model.statistics.arrays

    def objective(theta: FloatArray) -> tuple[float, FloatArray]:
        value, gradient = log_likelihood_and_gradient(theta, structure, arrays, patterns)
        return (-value, -gradient) if np.isfinite(value) else (np.inf, np.zeros_like(theta))

    return objective


def _restricted(model: PanelModel, start: FloatArray, zero: npt.NDArray[np.int64]) -> Maximum:
    """Maximum with these parameters at 0."""
    objective, free = _objective(model), np.setdiff1d(np.arange(len(start)), zero)

    def of_free(values: FloatArray) -> tuple[float, FloatArray]:
        theta = np.zeros(len(start))
        theta[free] = values
        value, gradient = objective(theta)
        return value, gradient[free]

    solution = minimize(of_free, start[free], jac=True, method="BFGS", options=OPTIONS)
    theta = np.zeros(len(start))
    theta[free] = solution.x
    return Maximum(theta, -float(solution.fun), _vanishes(solution.jac, model))


def _vanishes(gradient: FloatArray, model: PanelModel) -> bool:
    return float(np.abs(gradient).max()) < LARGEST_GRADIENT * model.n_persons


def _is_proper(model: PanelModel, theta: FloatArray, *, least: float = 0.0) -> bool:
    """Whether the covariance matrices of all random intercepts have no eigenvalue below the least."""
    blocks = intercepts_of(model, list(model.spec.measures)).blocks
    return all(np.linalg.eigvalsh(theta[block])[0] >= least for block in blocks)


def _largest_proper(answer: MaximumLikelihood) -> Maximum:
    """Maximum with proper covariance matrices of all intercepts together; its theta is not worked out."""
    model = answer.model
    everything = intercepts_of(model, list(model.spec.measures))
    if _is_proper(model, answer.theta):
        return Maximum(answer.theta, answer.estimates.log_likelihood, True)
    objective = _objective(model)
    lower = np.tril_indices(len(model.spec.measures))
    where = [block[lower] for block in everything.blocks]
    others = np.setdiff1d(np.arange(len(answer.theta)), everything.positions)

    def of_factors(values: FloatArray) -> tuple[float, FloatArray]:
        theta, gradient = np.zeros(len(answer.theta)), np.zeros(len(values))
        theta[others] = values[: len(others)]
        parts = np.split(values[len(others) :], len(where))
        factors = []
        for part, positions in zip(parts, where, strict=True):
            factor = np.zeros((len(model.spec.measures),) * 2)
            factor[lower] = part
            theta[positions] = (factor @ factor.T)[lower]
            factors.append(factor)
        value, of_theta = objective(theta)
        gradient[: len(others)] = of_theta[others]
        slopes = []
        for factor, positions in zip(factors, where, strict=True):
            bar = np.zeros_like(factor)
            bar[lower] = of_theta[positions]
            slopes.append(((bar + bar.T) @ factor)[lower])
        gradient[len(others) :] = np.concatenate(slopes)
        return value, gradient

    starts = []
    for matrix in (answer.theta[block] for block in everything.blocks):
        values, vectors = np.linalg.eigh(matrix)
        starts.append(np.linalg.cholesky((vectors * np.maximum(values, 0.02)) @ vectors.T)[lower])
    start = np.concatenate([answer.theta[others], *starts])
    solution = minimize(of_factors, start, jac=True, method="BFGS", options=OPTIONS)
    return Maximum(answer.theta, -float(solution.fun), _vanishes(solution.jac, model))


def _efficient(model: PanelModel, theta: FloatArray, positions: npt.NDArray[np.int64]) -> FloatArray:
    """Information of the tested parameters where all others are estimated."""
    information = expected_information(model.system, model.statistics.arrays, theta)
    others = np.setdiff1d(np.arange(len(theta)), positions)
    ordered = np.concatenate([others, positions])
    return _given(information[np.ix_(ordered, ordered)], len(others))


def _given(information: FloatArray, n_estimated: int) -> FloatArray:
    """Information of the later numbers where the first ones are estimated."""
    first, crossed = information[:n_estimated, :n_estimated], information[:n_estimated, n_estimated:]
    return np.asarray(information[n_estimated:, n_estimated:] - crossed.T @ np.linalg.solve(first, crossed))


def _shares(information: FloatArray, intercepts: Intercepts, simulations: int, seed: int) -> FloatArray:
    """Share of each simulated squared length that the projection keeps, shape ``(simulation,)``.

    Direction and length of z are independent, so that the p-value is a mean over directions of chi-square tails.
    """
    draws = np.random.default_rng(seed).standard_normal((simulations, len(information)))
    z = np.linalg.solve(np.linalg.cholesky(information).T, draws.T).T
    n_free = len(intercepts.crossed)
    metric = _given(information, n_free)
    return np.asarray(1 - _distances(z[:, n_free:], metric, intercepts.blocks) / (draws**2).sum(axis=1))


def _distances(z: FloatArray, metric: FloatArray, blocks: tuple[npt.NDArray[np.int64], ...]) -> FloatArray:
    """Squared distance, in a metric, of lower triangles from positive semi-definite matrices, by projection."""
    size = len(blocks[0])
    rows, columns = np.tril_indices(size)
    root = np.tile(np.where(rows == columns, 1.0, np.sqrt(2.0)), len(blocks))  # makes the Frobenius norm a plain one
    metric, z = metric / np.outer(root, root), z * root
    step = 1 / np.linalg.eigvalsh(metric)[-1]
    result = np.empty(len(z))
    active, point = np.arange(len(z)), _proper(z, size, len(blocks))
    momentum, previous, weight = point, point, 1.0
    for _ in range(MOST_ROUNDS):
        point = _proper(momentum - step * (momentum - z[active]) @ metric, size, len(blocks))
        following = (1 + np.sqrt(1 + 4 * weight**2)) / 2
        momentum = point + (weight - 1) / following * (point - previous)
        moving = ((point - previous) ** 2).sum(axis=1) > TOLERANCE**2 * (z[active] ** 2).sum(axis=1)
        away = point - z[active]
        result[active] = np.einsum("ij,jk,ik->i", away, metric, away)
        active, previous, momentum, weight = active[moving], point[moving], momentum[moving], following
        if not len(active):
            break
    return result


def _proper(triangles: FloatArray, size: int, n_blocks: int) -> FloatArray:
    """Nearest positive semi-definite matrices, as triangles whose plain norm is the Frobenius norm."""
    rows, columns = np.tril_indices(size)
    root = np.where(rows == columns, 1.0, np.sqrt(2.0))
    matrices = np.zeros((len(triangles), n_blocks, size, size))
    matrices[..., rows, columns] = triangles.reshape(len(triangles), n_blocks, -1) / root
    values, vectors = np.linalg.eigh(matrices)  # reads the lower triangle
    nearest = (vectors * np.maximum(values, 0.0)[..., None, :]) @ vectors.swapaxes(-1, -2)
    return np.asarray((nearest[..., rows, columns] * root).reshape(len(triangles), -1))


def _weights(information: FloatArray, intercepts: Intercepts, simulations: int, seed: int) -> tuple[float, ...]:
    """Weights for two intercepts of one group; those of more have no simple estimate.

    Projections keep all 3 degrees of freedom with the probability of a proper matrix, none with that of its polar;
    weights of odd and of even degrees of freedom add up to a half each.
    """
    if len(intercepts.blocks) > 1 or len(intercepts.blocks[0]) > 2:
        return ()
    n_free = len(intercepts.crossed)
    metric = _given(information, n_free)
    z = np.random.default_rng(seed).standard_normal((simulations, 3))
    z = np.linalg.solve(np.linalg.cholesky(metric).T, z.T).T
    all_kept = float(np.mean((z[:, 0] > 0) & (z[:, 0] * z[:, 2] > z[:, 1] ** 2)))
    pulled = -z @ metric
    none_kept = float(np.mean((pulled[:, 0] > 0) & (pulled[:, 0] * pulled[:, 2] > pulled[:, 1] ** 2 / 4)))
    return (*[0.0] * n_free, none_kept, 0.5 - all_kept, 0.5 - none_kept, all_kept)
