"""What several tests share: the textbook moments of a cross-lagged model, and panels to try it on.

Nothing here reads the engine: parameters are found by their names, moments are block matrices as a
textbook writes them, and densities are scipy's.
"""

import importlib.util
from functools import reduce
from itertools import combinations, pairwise
from math import gcd
from pathlib import Path

import numpy as np
from scipy.stats import multivariate_normal

from alliance_bayes.panel import Panel
from alliance_bayes.spec.models import CLPM, RICLPM

REFERENCES = Path(__file__).parent / "references"
TIMES = {3: (3, 6, 12), 4: (0, 1, 2, 4), 5: (0, 1, 3, 4, 6)}


def measure_names(n_measures):
    return ["alliance", "days", "contact", "craving"][:n_measures]


def every_spec(n_measures):
    """Models of every kind, lags, residuals and means."""
    return [
        model(measure_names(n_measures), lags=lags, residuals=residuals, means=means)
        for model in (RICLPM, CLPM)
        for lags in ("equal", "free", "grid")
        for residuals in ("free", "equal")
        for means in ("free", "equal")
    ]


def specs_without(n_measures):
    """Models with lagged paths removed: one across, one of a measure on itself, nearly all."""
    names = measure_names(n_measures)
    across, own = f"{names[0]} -> {names[1]}", f"{names[1]} -> {names[1]}"
    everything = [f"{first} -> {second}" for first in names for second in names]
    return [
        RICLPM(names, lags="equal", remove=[across]),
        RICLPM(names, lags="free", residuals="equal", remove=[own]),
        CLPM(names, lags="grid", means="equal", remove=[across, own]),
        RICLPM(names, lags="equal", remove=everything[1:]),
        CLPM(names, lags="free", remove=everything),
    ]


def label(spec):
    """Short name of a model for test ids."""
    removed = f"-without{len(spec.remove)}" if spec.remove else ""
    return f"{spec.kind}-{spec.lags}-{spec.residuals}-{spec.means}{removed}"


def interval_labels(times):
    return [f"{earlier:g} to {later:g}" for earlier, later in pairwise(times)]


def random_covariance(size, rng, scale=1.0):
    root = rng.normal(size=(size, size + 2)) * np.sqrt(scale / (size + 2))
    return root @ root.T + 0.05 * scale * np.eye(size)


def random_values(spec, times, rng):
    """A value for every parameter, keyed by its name, with proper covariances."""
    values = {}
    intervals = interval_labels(times)
    for predictor in spec.measures:
        for outcome in spec.measures:
            path = f"{predictor} -> {outcome}"
            if path in spec.remove:
                continue
            for name in [f"{path}, {interval}" for interval in intervals] if spec.lags == "free" else [path]:
                values[name] = rng.normal(0.35 if predictor == outcome else 0.0, 0.15)
    blocks = [("between", "")] if spec.random_intercepts else []
    blocks += [("within", f", {times[0]:g}")]
    blocks += [("innovation", f", {each}") for each in intervals] if spec.residuals == "free" else [("innovation", "")]
    for kind, suffix in blocks:
        matrix = random_covariance(len(spec.measures), rng)
        for row, name in enumerate(spec.measures):
            values[f"{kind} variance {name}{suffix}"] = matrix[row, row]
        for first, second in combinations(range(len(spec.measures)), 2):
            values[f"{kind} covariance {spec.measures[first]}, {spec.measures[second]}{suffix}"] = matrix[first, second]
    for name in spec.measures:
        for key in [f"mean {name}, {time:g}" for time in times] if spec.means == "free" else [f"mean {name}"]:
            values[key] = rng.normal(0, 0.5)
    return values


def covariance_block(spec, values, kind, suffix=""):
    """A covariance matrix of the model, from parameter values by name; dims (measure, measure)."""
    size = len(spec.measures)
    matrix = np.zeros((size, size))
    for row, name in enumerate(spec.measures):
        matrix[row, row] = values[f"{kind} variance {name}{suffix}"]
    for first, second in combinations(range(size), 2):
        name = f"{kind} covariance {spec.measures[first]}, {spec.measures[second]}{suffix}"
        matrix[first, second] = matrix[second, first] = values[name]
    return matrix


def dynamics(spec, times, values):
    """Phi and Psi of every interval as a whole, dims (interval, outcome, predictor)."""
    lengths = [round(later - earlier) for earlier, later in pairwise(times)]
    steps = [length // reduce(gcd, lengths) for length in lengths] if spec.lags == "grid" else [1] * len(lengths)
    effects, innovations = [], []
    for interval, n_steps in zip(interval_labels(times), steps, strict=True):
        lag_suffix = f", {interval}" if spec.lags == "free" else ""
        phi = np.array(
            [
                [values.get(f"{predictor} -> {outcome}{lag_suffix}", 0.0) for predictor in spec.measures]
                for outcome in spec.measures
            ]
        )
        psi = covariance_block(spec, values, "innovation", f", {interval}" if spec.residuals == "free" else "")
        powers = [np.linalg.matrix_power(phi, power) for power in range(n_steps)]
        effects.append(np.linalg.matrix_power(phi, n_steps))
        innovations.append(sum(power @ psi @ power.T for power in powers))
    return np.array(effects), np.array(innovations)


def within_covariances(spec, times, values):
    """Within-person covariance P_t of every wave, dims (time, measure, measure)."""
    effects, innovations = dynamics(spec, times, values)
    found = [covariance_block(spec, values, "within", f", {times[0]:g}")]
    for phi, psi in zip(effects, innovations, strict=True):
        found.append(phi @ found[-1] @ phi.T + psi)
    return np.array(found)


def between_covariance(spec, values):
    size = len(spec.measures)
    return covariance_block(spec, values, "between") if spec.random_intercepts else np.zeros((size, size))


def textbook_moments(spec, times, values):
    """Mean and covariance of the stacked waves, block by block: ``B + Phi(t <- s) P_s``."""
    effects, _ = dynamics(spec, times, values)
    within, between = within_covariances(spec, times, values), between_covariance(spec, values)
    size, n_waves = len(spec.measures), len(times)
    covariance = np.empty((n_waves * size, n_waves * size))
    for earlier in range(n_waves):
        block = within[earlier]
        for later in range(earlier, n_waves):
            if later > earlier:
                block = effects[later - 1] @ block
            rows, columns = slice(later * size, (later + 1) * size), slice(earlier * size, (earlier + 1) * size)
            covariance[rows, columns] = between + block
            covariance[columns, rows] = (between + block).T
    means = [
        values[f"mean {name}, {time:g}" if spec.means == "free" else f"mean {name}"]
        for time in times
        for name in spec.measures
    ]
    return np.array(means), covariance


def densities(mean, covariance, values):
    """Log density of every row by scipy's multivariate normal, 0 for an empty one."""
    found = np.zeros(len(values))
    for person, row in enumerate(values):
        seen = ~np.isnan(row)
        if seen.any():
            found[person] = multivariate_normal.logpdf(row[seen], mean[seen], covariance[np.ix_(seen, seen)])
    return found


def with_every_pattern(n_values, rng, *, extra=0):
    """Rows of random values, one with each set of values observed, then `extra` with all of them."""
    masks = (np.arange(1, 2**n_values)[:, None] >> np.arange(n_values)) & 1
    values = rng.normal(size=(len(masks) + extra, n_values))
    values[: len(masks)][masks == 0] = np.nan
    return values


def panel_of(values, n_measures, times):
    """Panel of rows of stacked waves."""
    return Panel.from_arrays(
        np.reshape(values, (len(values), len(times), n_measures)), measures=measure_names(n_measures), times=times
    )


def random_panel(n_measures, times, rng, *, persons=30, missing=0.0):
    """Correlated values about different wave means, some missing one by one, in odd units."""
    size = n_measures * len(times)
    covariance = 0.5 * np.eye(size) + 0.5 * random_covariance(size, rng)
    values = rng.multivariate_normal(rng.normal(size=size), covariance, size=persons)
    values = values * np.tile([2.0, 0.5, 10.0, 1.0][:n_measures], len(times)) + 3
    values[rng.random(values.shape) < missing] = np.nan
    return panel_of(values, n_measures, times)


def grouped_panel(persons=40, seed=3):
    """Two groups, a covariate, values missing, and one person without any."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(persons, 4, 1)) + rng.normal(size=(persons, 4, 2)) + 3
    values[rng.random(values.shape) < 0.1] = np.nan
    values[5] = np.nan
    return Panel.from_arrays(
        values,
        measures=["x", "y"],
        times=[0, 1, 2, 3],
        covariates={"age": rng.normal(size=persons)},
        groups=np.where(np.arange(persons) % 2, "a", "b"),
    )


def slope(function, point, width=1e-3):
    """Gradient by central differences of the fourth order; last axis of the answer is the point's."""
    columns = []
    for position in range(len(point)):
        step = np.zeros(len(point))
        step[position] = width
        far = function(point + 2 * step) - function(point - 2 * step)
        near = function(point + step) - function(point - step)
        columns.append((8 * near - far) / (12 * width))
    return np.stack(columns, axis=-1)


def reference_data():
    """The module that makes the data of lavaan.json."""
    return reference_module("export_data")


def reference_module(name):
    """One of the programs that made the references."""
    location = importlib.util.spec_from_file_location(name, REFERENCES / f"{name}.py")
    module = importlib.util.module_from_spec(location)
    location.loader.exec_module(module)
    return module


def improper_panel():
    """Published moments whose variance of the first random intercept is below 0."""
    lags = np.abs(np.subtract.outer(range(4), range(4)))
    within, between = np.array([[1.0, 0.2], [0.2, 1.0]]), np.array([[-0.1, 0.0], [0.0, 0.5]])
    covariance = np.kron(np.ones((4, 4)), between) + np.kron(0.3**lags, within)
    return Panel.from_moments(
        measures=["x", "y"], times=range(4), n=400, means=np.zeros((4, 2)), covariance=covariance, divisor="n"
    )
