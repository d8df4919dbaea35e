"""Whether means and covariances identify the parameters, near points drawn from the prior."""

from collections.abc import Sequence

import numpy as np

from ..basics.memory import refuse_beyond_memory
from .design import Cell
from .histories import KEPT
from .kernels.interpreter import run, run_many
from .kernels.moments import moments, system_of
from .linear_system import PanelSystem
from .prior_scale import PriorScale

__all__ = ["indistinct_parameters"]

N_POINTS = 3
MOST_TRIES = 50
MOST_CELLS = 6
STEP = 1e-5
TOLERANCE = 1e-6
SHOWN = 0.2
COPIES = 3  # of the derivatives, while they are made triangular
PRIOR_ALONE = ("family", "state", "selection", "restart")  # whose data are not means and covariances


def indistinct_parameters(
    system: PanelSystem, scale: PriorScale, cells: Sequence[Cell], seed: int = 0
) -> tuple[str, ...]:
    """Names of parameters that means and covariances at this panel's times do not identify.

    The rank of the information is that of the Jacobian of the implied moments [1]_. It is taken at a few
    points drawn from the prior, since a model may be identified everywhere but in special places; a model
    that is identified at one of them is.

    The points are drawn from `scale`; of `cells`, a few of every group are enough. Empty where the model is identified.

    References
    ----------
    .. [1] Rothenberg (1971). Identification in parametric models. Econometrica 39, 577-591.
    """
    rng, indistinct, chosen = np.random.default_rng(seed), tuple[str, ...](), _some_of_every_group(cells)
    judged = [place for place, parameter in enumerate(system.parameters) if parameter.kind not in PRIOR_ALONE]
    _refuse_beyond_memory(system, len(judged))
    seen = 0
    for _ in range(MOST_TRIES):
        psi = scale.join(scale.draw(1, rng))
        thetas, proper = run_many(psi, scale.arrays)
        if not proper[0] or not np.isfinite(thetas).all():
            continue
        indistinct = _null_space(system, thetas[0], chosen, judged)
        seen += 1
        if not indistinct or seen == N_POINTS:
            break
    return indistinct


def _some_of_every_group(cells: Sequence[Cell]) -> list[int]:
    by_group: dict[int, list[int]] = {}
    for place in _informative(cells):
        by_group.setdefault(cells[place].group, []).append(place)
    return [
        places[int(share)]
        for places in by_group.values()
        for share in np.unique(np.linspace(0, len(places) - 1, min(len(places), MOST_CELLS)).astype(int))
    ]


def _informative(cells: Sequence[Cell]) -> list[int]:
    """All cells without a state; else, for each wave and each interval, one in which most of the state is kept there.

    What requires the state exists and carries over in these.
    """
    histories = [cell.history for cell in cells]
    spans = [slice(start, wave + 1) for wave in range(len(histories[0])) for start in {max(wave - 1, 0), wave}]
    if not spans:
        return list(range(len(cells)))
    kept = [sum(state == KEPT for state in history) for history in histories]
    chosen = set()
    for span in spans:
        there = [place for place, history in enumerate(histories) if set(history[span]) == {KEPT}]
        chosen.add(max(there or range(len(cells)), key=lambda place: kept[place]))
    return sorted(chosen)


def _null_space(system: PanelSystem, theta: np.ndarray, cells: Sequence[int], judged: Sequence[int]) -> tuple[str, ...]:
    triangle, lengths = np.zeros((0, len(judged))), np.zeros(len(judged))
    for cell in cells:
        slopes = _slopes(system, theta, cell, judged)
        if not np.isfinite(slopes).all():
            return ()
        lengths = np.hypot(lengths, np.linalg.norm(slopes, axis=0))
        triangle = np.linalg.qr(np.vstack([triangle, slopes]), mode="r")
    scaled = triangle / np.where(lengths > 0, lengths, 1.0)
    _, values, directions = np.linalg.svd(scaled, full_matrices=True)
    values = np.append(values, np.zeros(len(judged) - len(values)))
    loose = directions[values < TOLERANCE * values[0]]
    involved = np.abs(loose).max(axis=0, initial=0.0) > SHOWN
    return tuple(system.names[place] for place, shown in zip(judged, involved, strict=True) if shown)


def _slopes(system: PanelSystem, theta: np.ndarray, cell: int, judged: Sequence[int]) -> np.ndarray:
    """Derivatives of one cell's moments in the judged parameters, shape ``(moment, parameter)``."""
    slopes = np.empty((len(_moments_of(system, theta, cell)), len(judged)))
    for column, place in enumerate(judged):
        width = STEP * max(1.0, abs(theta[place]))
        step = np.zeros(len(theta))
        step[place] = width
        further, nearer = _moments_of(system, theta + step, cell), _moments_of(system, theta - step, cell)
        slopes[:, column] = (further - nearer) / (2 * width)
    return slopes


def _moments_of(system: PanelSystem, theta: np.ndarray, cell: int) -> np.ndarray:
    """Means and covariances of one cell's values with one another and with the covariates.

    Those of covariates among themselves are given, and with hundreds of covariates they would be most of the rows.
    """
    registers, _ = run(theta, system.structure_arrays)
    mean, covariance = moments(registers, system_of(system.arrays, cell))
    n_values = len(mean) - system.n_covariates
    among, with_covariates = covariance[:n_values, :n_values], covariance[n_values:, :n_values]
    return np.concatenate([mean[:n_values], among[np.tril_indices(n_values)], with_covariates.ravel()])


def _refuse_beyond_memory(system: PanelSystem, n_judged: int) -> None:
    n_values, n_covariates = system.n_values, system.n_covariates
    n_moments = n_values * (n_values + 3) // 2 + n_values * n_covariates
    refuse_beyond_memory(
        "This model cannot be examined",
        f"{n_judged:,} parameters and {n_moments:,} means and covariances that determine them",
        COPIES * n_judged * (n_moments + n_judged),
        "Use fewer measures, waves or covariates.",
    )
