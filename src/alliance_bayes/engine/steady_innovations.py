"""Innovation variances that would keep the within-person variances of the first wave, as program steps.

The prior of innovations is relative to them. If variances grew or shrank from wave to wave in the prior, a standardised
effect, whose prior is stated at the first wave, would have another prior at every later one.
"""

from collections.abc import Sequence
from functools import reduce
from itertools import combinations_with_replacement

import numpy as np

from .dynamics import Dynamics
from .keys import DRIFT, LAGGED, SECOND_LAG
from .parameters import Addresses, Workspace
from .program import NOTHING

__all__ = ["SteadyInnovations", "require_stable"]

LEAST_SHARE = 0.05
"""What innovations have at least, where the wave before carries over nearly all of the variance or more."""


class SteadyInnovations:
    """Innovation variances of each group and interval, of people with average moderators.

    Parameters
    ----------
    workspace
        The program, in which lagged effects and covariances of the first wave are known.
    """

    def __init__(self, workspace: Workspace) -> None:
        self.at, self.table, self.writer = workspace.at, workspace.table, workspace.writer
        self.design, self.lags = workspace.design, workspace.lags
        self._first = Dynamics(workspace).first
        self._known: dict[bytes, Addresses] = {}

    def average(self, arrays: Sequence[tuple[int, int | None]]) -> Addresses:
        """Variances by measure, averaged over groups and occasions; an occasion of None stands for all of a group's."""
        variances = [variance for array in arrays for variance in self._of(*array)]
        if len({variance.tobytes() for variance in variances}) == 1:
            return variances[0]
        return self.writer.multiply(reduce(self.writer.add, variances), self.writer.constant(1 / len(variances)))

    def _of(self, group: int, occasion: int | None) -> list[Addresses]:
        if self.lags == "continuous":
            return [self._diffusion(group)]
        occasions = range(len(self.design.times_of(group)) - 1) if occasion is None else [occasion]
        return [self._innovation(group, each) for each in occasions]

    def _innovation(self, group: int, occasion: int) -> Addresses:
        """``P_kk max(1 - (F P F')_kk / P_kk, least)``, P and F the first wave's covariance and the lagged effects."""
        effects = self.at(LAGGED, group, occasion)
        twice = self.at(SECOND_LAG, group) if occasion and self.table.has(SECOND_LAG, group) else np.array(())
        before = self.at(LAGGED, group, occasion - 1) if twice.size else twice
        key = b"".join(each.tobytes() for each in (np.array(group), effects, twice, before))
        if key not in self._known:
            writer, first = self.writer, self._first(group)
            variances = np.diagonal(first)
            if self.lags == "equal_standardized":
                sds = writer.square_root(variances)
                effects = writer.divide(writer.multiply(effects, sds[:, None]), sds[None, :])
            carried = np.diagonal(writer.quadratic_form(effects, first))
            if twice.size:
                over_both = writer.product(writer.product(writer.product(effects, before), first), twice.T)
                of_both = np.diagonal(writer.add(over_both, over_both))
                alone = np.diagonal(writer.quadratic_form(twice, first))
                carried = writer.add(carried, writer.add(alone, of_both))
            self._known[key] = self._floored(variances, carried)
        return self._known[key]

    def _diffusion(self, group: int) -> Addresses:
        """``2 d_k P_kk max(1 - (C P)_kk / (d_k P_kk), least)``, the drift A being C - diag(d).

        Where a measure does not decay, the diffusion is a share of its variance over the shortest interval.
        """
        writer, drift, first = self.writer, self.at(DRIFT, group), self._first(group)
        decays = np.diagonal(drift)
        lost = writer.subtract(np.full(len(decays), NOTHING), decays)
        lost = np.where(decays == NOTHING, writer.constant(1 / min(self.design.intervals)), lost)
        across = np.where(np.eye(len(drift), dtype=bool), NOTHING, drift)
        variances = writer.multiply(lost, np.diagonal(first))
        floored = self._floored(variances, np.diagonal(writer.product(across, first)))
        return writer.add(floored, floored)

    def _floored(self, whole: Addresses, carried: Addresses) -> Addresses:
        """``whole max(x, least)`` with x the share that is not carried over.

        The larger of two numbers as ``(x + least + sqrt((x - least)^2 + least^2)) / 2``, since a kink would disturb
        samplers: 0.001 more than x where x is 0.8, and 1.5 times the least where both are equal.
        """
        writer, least, half = self.writer, self.writer.constant(LEAST_SHARE), self.writer.constant(0.5)
        share = writer.subtract(writer.constant(1.0), writer.divide(carried, whole))
        above = writer.subtract(share, least)
        root = writer.square_root(writer.add(writer.multiply(above, above), writer.multiply(least, least)))
        larger = writer.multiply(half, writer.add(writer.add(share, least), root))
        return writer.multiply(whole, larger)


def require_stable(workspace: Workspace, drift: Addresses) -> None:
    """Density only where a process with this drift has a stationary distribution: every eigenvalue's real part below 0.

    That is where the solution X of ``A X + X A' = -1`` is positive definite (Lyapunov).
    """
    writer, size = workspace.writer, len(drift)
    pairs = list(combinations_with_replacement(range(size), 2))
    place = {pair: entry for entry, (row, column) in enumerate(pairs) for pair in ((row, column), (column, row))}
    weights = np.zeros((len(pairs), len(pairs), size, size))
    for (row, column), k in ((pair, k) for pair in pairs for k in range(size)):
        weights[place[row, column], place[k, column], row, k] += 1.0
        weights[place[row, column], place[row, k], column, k] += 1.0
    constants = {value: int(writer.constant(value)) for value in np.unique(weights).tolist()}
    addresses = np.vectorize(constants.__getitem__, otypes=[np.int64])(weights).reshape(-1, size * size)
    system = writer.product(addresses, drift.reshape(-1, 1)).reshape(len(pairs), len(pairs))
    target = np.array([[int(writer.constant(-1.0)) if row == column else NOTHING] for row, column in pairs])
    solution = writer.product(writer.inverse(system), target)[:, 0]
    writer.require_positive_definite(solution[[place[pair] for pair in np.ndindex(size, size)]].reshape(size, size))
