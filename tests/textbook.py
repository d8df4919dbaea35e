"""Means and covariances of every model of the family, written out wave by wave as a textbook does.

Nothing here reads the engine. Parameters are found by their names; states are moving averages of the first
wave and of the innovations, ``w_t = sum_s G_ts u_s``, so that covariances are sums of ``G C G'``.
"""

from dataclasses import dataclass, field
from functools import reduce
from itertools import pairwise
from math import gcd

import numpy as np
from scipy.linalg import block_diag, expm

from helpers import interval_labels


@dataclass(frozen=True)
class Person:
    """What sets one person apart: group, own times, and standardised covariates (one value, or one per wave)."""

    group: str | None = None
    times: tuple[float, ...] | None = None
    covariates: dict = field(default_factory=dict)


class Textbook:
    """One person's model, from parameter values by name."""

    def __init__(self, spec, times, values, person=None):
        self.spec, self.times, self.values = spec, tuple(times), values
        self.person = person or Person()
        self.names, self.size = list(spec.measures), len(spec.measures)

    # ---- numbers by name ----

    def value(self, name):
        own = f"{self.person.group}: {name}"
        return self.values[own] if own in self.values else self.values[name]

    def has(self, name):
        return name in self.values or f"{self.person.group}: {name}" in self.values

    def effects(self, label):
        matrix = np.zeros((self.size, self.size))
        for row, outcome in enumerate(self.names):
            for column, predictor in enumerate(self.names):
                name = label(f"{predictor} -> {outcome}")
                if self.has(name):
                    matrix[row, column] = self.value(name)
        return matrix

    def covariance(self, word, suffix=""):
        matrix = np.diag([self.value(f"{word} variance {name}{suffix}") for name in self.names])
        for column, first in enumerate(self.names):
            for row in range(column + 1, self.size):
                found = self.value(f"{word} covariance {first}, {self.names[row]}{suffix}")
                matrix[row, column] = matrix[column, row] = found
        return matrix

    def crossing(self, word):
        return np.array([[self.value(f"{word} {row}, {column}") for column in self.names] for row in self.names])

    def vector(self, word, suffix=""):
        return np.array([self.value(f"{word} {name}{suffix}") for name in self.names])

    # ---- dynamics ----

    def moderated(self, effects):
        for path, name in self.spec.moderated.items():
            predictor, outcome = (self.names.index(end) for end in path.split(" -> "))
            change = self.value(f"{path} by {name}")
            effects[outcome, predictor] += change * self.person.covariates[name]
        return effects

    def steps(self):
        """``(Phi, Psi)`` of every step of every interval; Psi is None where stationarity says what it is."""
        spec, labels = self.spec, interval_labels(self.times)
        stationary = spec.is_stationary
        if spec.lags == "continuous":
            drift = self.moderated(self.effects(lambda path: f"drift {path}"))
            diffusion = None if stationary else self.covariance("diffusion")
            lengths = np.diff(self.person.times or self.times)
            return [[(expm(drift * d), None if stationary else integrated(drift, diffusion, d))] for d in lengths]
        same = {path: group[0] for group in spec.equal for path in group}
        lengths = [round(later - earlier) for earlier, later in pairwise(self.times)]
        n_steps = [d // reduce(gcd, lengths) for d in lengths] if spec.lags == "grid" else [1] * len(lengths)
        found = []
        for label, count in zip(labels, n_steps, strict=True):
            if spec.lags == "free":
                phi = self.effects(lambda path, label=label: same.get(f"{path}, {label}", f"{path}, {label}"))
            else:
                phi = self.effects(lambda path: path)
            psi = None
            if not stationary:
                psi = self.covariance("innovation", f", {label}" if spec.residuals == "free" else "")
            found.append([(self.moderated(phi), psi)] * count)
        return found

    def first(self):
        """Covariance of the first wave."""
        return self.covariance("first" if self.spec.accumulating else "within", f", {self.times[0]:g}")

    def states(self):
        """``G``, the innovations' covariances, and for each interval its steps; positions of the waves."""
        steps = self.standardized_steps() if self.spec.lags == "equal_standardized" else self.steps()
        flat = [step for interval in steps for step in interval]
        waves = np.cumsum([0, *map(len, steps)])
        lag_2 = self.effects(lambda path: f"{path}, lag 2")
        if self.spec.is_stationary:
            within = self.first()
            flat = [(phi, within - phi @ within @ phi.T) for phi, _ in flat]
        n_states, size = len(flat) + 1, self.size
        responses = np.zeros((n_states, n_states, size, size))
        for start in range(n_states):
            responses[start, start] = np.eye(size)
            for place in range(start + 1, n_states):
                responses[place, start] = flat[place - 1][0] @ responses[place - 1, start]
                if place - 2 >= start:
                    responses[place, start] += lag_2 @ responses[place - 2, start]
        return responses, [psi for _, psi in flat], waves, flat

    def standardized_steps(self):
        """SDs after each interval by iterating ``D = sqrt(diag(D S R S' D + Psi))``."""
        standardized, within, found = self.effects(lambda path: f"standardized {path}"), self.first(), []
        for label in interval_labels(self.times):
            psi = self.covariance("innovation", f", {label}" if self.spec.residuals == "free" else "")
            before = np.sqrt(np.diag(within))
            explained = standardized @ (within / np.outer(before, before)) @ standardized.T
            after = np.ones(self.size)
            for _ in range(1000):
                before_that, after = after, np.sqrt(after**2 * np.diag(explained) + np.diag(psi))
                if np.allclose(after, before_that, rtol=1e-14, atol=0):
                    break
            phi = after[:, None] * standardized / before
            within = phi @ within @ phi.T + psi
            found.append([(phi, psi)])
        return found

    # ---- covariates ----

    def shift(self, target, wave=None):
        """What the covariates add to a vector over measures."""
        total = np.zeros(self.size)
        for name, targets in self.spec.covariates.items():
            if target not in targets:
                continue
            given = np.atleast_1d(self.person.covariates[name])
            suffix = f", {self.times[wave]:g}" if target == "each_wave" else ""
            factor = "accumulating" if self.spec.accumulating else "intercept"
            word = {"intercepts": f"{factor} ", "slopes": "slope ", "first_wave": "within "}.get(target, "")
            x = given[wave] if len(given) > 1 else given[0]
            total += x * np.array([self.value(f"{name} -> {word}{measure}{suffix}") for measure in self.names])
        return total

    # ---- moments ----

    def along(self, time):
        return (time - self.times[0]) / (self.times[-1] - self.times[0])

    def step_times(self, flat, waves):
        found = [self.times[0]]
        for interval, (earlier, later) in enumerate(pairwise(self.times)):
            count = waves[interval + 1] - waves[interval]
            found += [earlier + (step + 1) / count * (later - earlier) for step in range(count)]
        return found

    def moments(self):
        """Mean and covariance of the stacked columns of the panel, wave by wave."""
        responses, psis, waves, flat = self.states()
        size, n_waves = self.size, len(self.times)
        picked = responses[waves]
        noise = block_diag(*psis)
        later = picked[:, 1:].transpose(0, 2, 1, 3).reshape(n_waves * size, -1)
        covariance = later @ noise @ later.T
        start = picked[:, 0].reshape(n_waves * size, size)
        mean = start @ self.shift("first_wave")
        if self.spec.accumulating:
            more_mean, more = self.accumulated(responses, start, waves, flat)
            mean, covariance = mean + more_mean, covariance + more
        else:
            covariance += start @ self.first() @ start.T
            more_mean, more = self.stable()
            mean, covariance = mean + more_mean, covariance + more
        mean += np.concatenate([self.at_wave(wave) for wave in range(n_waves)])
        error = np.zeros(size)
        if self.spec.error:
            error = self.vector("error variance")
        for name, reliability in self.spec.reliability.items():
            error[self.names.index(name)] = 1 - reliability
        covariance += np.diag(np.tile(error, n_waves))
        return self.measured(mean, covariance)

    def at_wave(self, wave):
        shift = self.shift("each_wave", wave) + self.shift("every_wave", wave)
        if self.spec.growth:
            return shift
        keys = [(f"mean {name}", f"mean {name}, {self.times[wave]:g}") for name in self.names]
        return shift + [sum(self.value(key) for key in pair if self.has(key)) for pair in keys]

    def stable(self):
        """Traits and lines, added to every wave."""
        spec, size, n_waves = self.spec, self.size, len(self.times)
        if not spec.random_intercepts:
            return np.zeros(n_waves * size), np.zeros((n_waves * size,) * 2)
        between, loadings = self.covariance("between"), [np.eye(size)] * n_waves
        centre = self.shift("intercepts")
        if spec.free_loadings:
            loadings[1:] = [np.diag(self.vector("loading", f", {time:g}")) for time in self.times[1:]]
        if spec.growth:
            cross = self.crossing("between with slope")
            between = np.block([[between, cross], [cross.T, self.covariance("slope")]])
            loadings = [np.hstack([np.eye(size), self.along(time) * np.eye(size)]) for time in self.times]
            centre = np.concatenate(
                [centre + self.vector("mean intercept"), self.shift("slopes") + self.vector("mean slope")]
            )
        stacked = np.vstack(loadings)
        return stacked @ centre, stacked @ between @ stacked.T

    def accumulated(self, responses, start, waves, flat):
        """Factors that act anew at every step, and the first wave they covary with."""
        size, times = self.size, self.step_times(flat, waves)
        alpha = self.covariance("accumulating")
        joint = np.block([[alpha, self.crossing("accumulating with first")], [np.zeros((size, size)), self.first()]])
        centre = self.shift("intercepts")
        strengths = np.ones((len(times) - 1, size))
        if self.spec.free_loadings:
            strengths[1:] = [self.vector("loading", f", {time:g}") for time in times[2:]]
        steady = (responses[waves][:, 1:] * strengths[:, None, :]).sum(axis=1).reshape(-1, size)
        loadings = np.hstack([steady, start])
        if self.spec.growth:
            zero = np.zeros((size, size))
            joint = np.block(
                [
                    [
                        alpha,
                        self.crossing("accumulating with accumulating slope"),
                        self.crossing("accumulating with first"),
                    ],
                    [
                        zero,
                        self.covariance("accumulating slope"),
                        self.crossing("accumulating slope with first"),
                    ],
                    [zero, zero, self.first()],
                ]
            )
            rising = np.einsum("tsij,s->tij", responses[waves][:, 1:], [self.along(time) for time in times[1:]])
            loadings = np.hstack([steady, rising.reshape(-1, size), start])
            centre = np.concatenate(
                [
                    centre + self.vector("mean accumulating"),
                    self.shift("slopes") + self.vector("mean accumulating slope"),
                    self.vector("mean", f", {self.times[0]:g}"),
                ]
            )
        else:
            centre = np.concatenate([centre, np.zeros(size)])
        joint = np.triu(joint) + np.triu(joint, 1).T
        return loadings @ centre, loadings @ joint @ loadings.T

    def measured(self, mean, covariance):
        """Measures with indicators replaced by these."""
        spec, n_waves = self.spec, len(self.times)
        if not spec.indicators:
            return mean, covariance
        rows, shifts, uniques = [], [], []
        for wave, time in enumerate(self.times):
            for place, name in enumerate(self.names):
                for item in spec.indicators.get(name, (name,)):
                    row = np.zeros(n_waves * self.size)
                    row[wave * self.size + place] = 1.0
                    known = {}
                    for what in ("loading", "item intercept", "unique variance"):
                        for key in (f"{what} {item}, {time:g}", f"{what} {item}"):
                            if self.has(key):
                                known[what] = self.value(key)
                    rows.append(row * known.get("loading", 1.0))
                    shifts.append(known.get("item intercept", 0.0))
                    uniques.append(known.get("unique variance", 0.0))
        loadings = np.array(rows)
        return loadings @ mean + shifts, loadings @ covariance @ loadings.T + np.diag(uniques)


def integrated(drift, diffusion, length):
    """``int_0^d exp(As) Q exp(A's) ds`` by ``(A (+) A)^-1 (exp((A (+) A) d) - I) vec Q``."""
    size = len(drift)
    both = np.kron(drift, np.eye(size)) + np.kron(np.eye(size), drift)
    grown = expm(both * length) - np.eye(size**2)
    return np.linalg.solve(both, grown @ diffusion.ravel()).reshape(size, size)
