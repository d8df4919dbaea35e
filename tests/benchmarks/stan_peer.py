"""Stan's side: the data of `peers/riclpm.stan`, its runs, and the proof that it is the same model."""

import heapq
import json
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import arviz_stats
import numpy as np
from measuring import CORES, PEERS, Options, answer_of, peer_python, smallest_bulk_ess
from panels import spec_of, standardized

import alliance_bayes as ab

__all__ = ["StanRun", "check_same_posterior", "run_stan", "stan_data"]

MODEL = PEERS / "riclpm.stan"
SAMPLING = {"num_chains": 4, "num_samples": 1000}
NAMES = {  # ours to Stan's
    "carry_over": "carry_over",
    "cross_lagged": "cross_lagged",
    "relative_total_sd": "total_sd",
    "icc": "icc",
    "innovation_ratio": "innovation_ratio",
    "relative_mean": "average_at",
}
FACTORS = {"between_partial_unit": "between", "within_partial_unit": "within", "innovation_partial_unit": "innovation"}
LAGS_AND_MEANS = ("carry_over", "cross_lagged", "relative_mean")
_numbers = count()


@dataclass(frozen=True)
class StanRun:
    """Draws by Stan's names, dims (chain, draw, ...), and the seconds they took."""

    draws: dict[str, np.ndarray]
    log_density: np.ndarray
    seconds: dict[str, Any]

    @property
    def own_seconds(self) -> float:
        """Seconds of the chains on Stan's own clock, as many at once as there are cores.

        Leaves out what pystan adds: starting processes, passing draws on as text, reading them.
        """
        busy = [0.0] * CORES
        for chain in self.seconds["chains"]:
            heapq.heapreplace(busy, busy[0] + chain)
        return max(busy)

    @property
    def ess_per_second(self) -> float:
        """Smallest bulk effective sample size of lags and means, per second."""
        return smallest_bulk_ess({NAMES[name]: self.draws[NAMES[name]] for name in LAGS_AND_MEANS}) / self.own_seconds


def run_stan(
    panel: ab.Panel,
    options: Options,
    *,
    seed: int,
    warmup: int | None,
    points: tuple[Any, ...] = (),
    **environment: str,
) -> StanRun:
    """Build (or take from pystan's cache) and, unless `warmup` is None, sample, in a process of its own."""
    sampling = None if warmup is None else SAMPLING | {"num_warmup": warmup}
    request = {"data": stan_data(panel), "points": points, "seed": seed, "sampling": sampling}
    number = next(_numbers)
    files = [options.folder / f"request-{number}.json", options.folder / f"answer-{number}.npz"]
    files[0].write_text(json.dumps(request))
    seconds = answer_of(stan_command(files), **environment)
    with np.load(files[1]) as arrays:
        draws = dict(arrays)
    return StanRun(draws, draws.pop("log_density"), seconds)


def stan_command(files: list[Path]) -> list[str | Path]:
    interpreter = peer_python("stan")
    assert interpreter is not None
    return [interpreter, PEERS / "run_stan.py", MODEL, *files]


def stan_data(panel: ab.Panel) -> dict[str, Any]:
    """Counts, means and factors of the scatter per missing pattern, in SDs about wave means."""
    rows = standardized(panel)
    size = rows.shape[1]
    masks, codes, people = np.unique(~np.isnan(rows), axis=0, return_inverse=True, return_counts=True)
    position, mean = np.ones((len(masks), size), dtype=int), np.zeros((len(masks), size))
    factor, rank = np.zeros((len(masks), size, size)), np.zeros(len(masks), dtype=int)
    for pattern, mask in enumerate(masks):
        seen = np.flatnonzero(mask)
        values = rows[codes.ravel() == pattern][:, seen]
        deviations = values - values.mean(axis=0)
        if people[pattern] > len(seen):  # as few columns as carry the scatter
            deviations = np.linalg.qr(deviations, mode="r")
        rank[pattern] = 0 if people[pattern] == 1 else len(deviations)
        position[pattern, : len(seen)] = seen + 1
        mean[pattern, : len(seen)] = values.mean(axis=0)
        factor[pattern, : len(seen), : rank[pattern]] = deviations[: rank[pattern]].T
    return {
        "n_measures": len(panel.measures),
        "n_waves": len(panel.times),
        "n_patterns": len(masks),
        "people": people.tolist(),
        "size": masks.sum(axis=1).tolist(),
        "position": position.tolist(),
        "average": mean.tolist(),
        "rank": rank.tolist(),
        "factor": factor.tolist(),
    }


def check_same_posterior(panel: ab.Panel, options: Options, n_points: int = 5) -> float:
    """Largest difference of the two log densities over posterior points, less what is the same at all of them.

    Ours is that of the `pm.Model`; both are on the unconstrained scale, Jacobians included.
    """
    model = ab.to_pymc(spec_of(panel), panel)
    fit = ab.fit(spec_of(panel), panel, seed=1, draws=n_points, tune=200, chains=1, progress=False)
    log_density = model.compile_logp(mode="FAST_COMPILE")
    ours, points = [], []
    for draw in range(n_points):
        point = {variable.name: fit.posterior[variable.name].values[0, draw] for variable in model.free_RVs}
        ours.append(float(log_density(_unconstrained(model, point))))
        points.append(_stan_point(point))
    theirs = run_stan(panel, options, seed=1, warmup=None, points=tuple(points)).log_density
    difference = np.array(ours) - theirs
    largest = float(np.ptp(difference))
    if not largest < 1e-8 * np.abs(theirs).max():
        raise RuntimeError(f"Stan's log density is not ours: they differ by {difference} at {n_points} points.")
    return largest


def check_same_means(fit: ab.Fit, draws: Mapping[str, np.ndarray], names: Mapping[str, str] = NAMES) -> float:
    """Largest difference of posterior means in Monte Carlo standard errors; more than 5 is an error."""
    largest = 0.0
    for ours, theirs in names.items():
        first, second = fit.posterior[ours].values, draws[theirs]
        error = np.hypot(*(_error_of_mean(array) for array in (first, second)))
        largest = max(largest, float(np.abs((first.mean((0, 1)) - second.mean((0, 1))) / error).max()))
    if largest > 5:
        raise RuntimeError(f"The peer's posterior means are not ours: they differ by {largest:.1f} MCSE.")
    return largest


def _error_of_mean(array: np.ndarray) -> np.ndarray:
    return np.asarray(arviz_stats.mcse(array, chain_axis=0, draw_axis=1, method="mean"))


def _unconstrained(model: Any, point: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    found = {}
    for variable in model.free_RVs:
        transform, value = model.rvs_to_transforms[variable], point[variable.name]
        if transform is not None:
            value = transform.forward(value, *variable.owner.inputs).eval()
        found[model.rvs_to_values[variable].name] = np.asarray(value)
    return found


def _stan_point(point: dict[str, np.ndarray]) -> dict[str, Any]:
    found = {NAMES[name]: value.tolist() for name, value in point.items() if name in NAMES}
    for ours, theirs in FACTORS.items():
        units = point[ours]
        size = len(point["icc"])
        factors = [_factor(row, size).tolist() for row in units.reshape(-1, units.shape[-1])]
        found[theirs] = factors if units.ndim == 2 else factors[0]
    return found


def _factor(units: np.ndarray, size: int) -> np.ndarray:
    """Cholesky factor of the correlation matrix with partial correlations 2 u - 1, row by row."""
    factor, entries = np.eye(size), iter(2 * units - 1)
    for row in range(1, size):
        left = 1.0
        for column in range(row):
            partial = next(entries)
            factor[row, column] = partial * np.sqrt(left)
            left *= 1 - partial**2
        factor[row, row] = np.sqrt(left)
    return factor
