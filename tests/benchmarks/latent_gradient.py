"""One gradient of the latent path: 400 people, 4 waves, one normal measure and one of days. Run as a script.

And of a state that normal measures predict, by the number of people: with those in whom nothing is left to integrate
taken together, and one by one.
"""

import sys
import time
from pathlib import Path

import numpy as np
from latent_reference import help_study
from measuring import seconds_of
from panels import truth
from scipy.special import expit

import alliance_bayes as ab
from alliance_bayes.engine.kernels.interpreter import run_many
from alliance_bayes.engine.latent.importance import by_importance
from alliance_bayes.engine.latent.panel_likelihood import latent_likelihood_and_gradient
from alliance_bayes.engine.latent.propagation import log_likelihood_and_gradient
from alliance_bayes.engine.latent.responses import LatentArrays, Responses, arrange
from alliance_bayes.engine.latent.tables import tabulate
from alliance_bayes.engine.model_on_panel import panel_model
from alliance_bayes.families.registry import CODES

sys.path.append(str(Path(__file__).parents[1]))

from engine_calls import one_case_each
from quadrature_of_latents import by_quadrature
from textbook_families import log_density

PHI = {
    "days": np.array([-1.9, 0.0, 1.3, 0.8, 0.7, 4.0]),
    "count": np.array([1.0, 0.8, 2.0]),
    "yes_no": np.array([0.3, 1.5]),
    "ordinal": np.array([1.7, -2.0, -0.7, 0.7, 2.0]),
}
SIZE = {"days": 30.0, "count": 0.0, "yes_no": 0.0, "ordinal": 5.0}


def moments(n_waves: int, n_measures: int) -> tuple[np.ndarray, np.ndarray]:
    """Means and covariances, of one linear system, of predictors of variance 1, a stable half and carry-over of 0.4."""
    apart = np.abs(np.subtract.outer(np.arange(n_waves), np.arange(n_waves)))
    across = np.where(np.eye(n_measures) > 0, 1.0, 0.3)
    return np.zeros((1, n_waves * n_measures)), np.kron(0.5 + 0.5 * 0.4**apart, across)[None]


def probabilities(family: str, eta: np.ndarray) -> np.ndarray:
    """Probability of every response from 0 on, by `eta`; shape ``(..., response)``."""
    most = {"days": 31, "count": 200, "yes_no": 2, "ordinal": 5}[family]
    every = [np.exp(log_density(family, value, SIZE[family], PHI[family], eta)) for value in range(most)]
    return np.stack(every, axis=-1)


def simulated(family: str, *, persons: int, waves: int, missing: float, seed: int) -> LatentArrays:
    """A normal measure and one of `family`, some values missing one by one."""
    rng = np.random.default_rng(seed)
    mean, covariance = moments(waves, 2)
    eta = rng.multivariate_normal(mean[0], covariance[0], size=persons)
    seen = rng.random(eta.shape) >= missing
    exact = np.where(seen, eta, np.nan)
    exact[:, 1::2] = np.nan
    person, wave = np.nonzero(seen[:, 1::2])
    cumulative = probabilities(family, eta[person, 2 * wave + 1]).cumsum(axis=-1)
    value = (rng.random((len(person), 1)) * cumulative[:, -1:] > cumulative).sum(axis=-1)
    code, size = np.full(len(person), CODES[family]), np.full(len(person), SIZE[family])
    return arrange(exact, Responses(person, 2 * wave + 1, code, 0 * code, value, size), one_case_each(persons))


def milliseconds(family: str, *, persons: int = 400, waves: int = 4, missing: float = 0.0, repeats: int = 300) -> float:
    """Shortest time of one gradient, of many."""
    data = simulated(family, persons=persons, waves=waves, missing=missing, seed=1)
    mean, covariance = moments(waves, 2)
    log_likelihood_and_gradient(mean, covariance, PHI[family], data)
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        log_likelihood_and_gradient(mean, covariance, PHI[family], data)
        times.append((time.perf_counter() - started) * 1e3)
    return min(times)


def of_a_state(persons: int, *, missing: float, repeats: int = 100) -> tuple[float, float, float]:
    """Share of people who are integrated over; milliseconds of one gradient, and of one that takes them one by one."""
    eta, rng = ab.simulate(truth(2, 3), persons=persons, seed=1).values, np.random.default_rng(1)
    on, values = np.empty((persons, 3)), eta.copy()
    before, leaning = np.zeros(persons), np.zeros(persons)
    for wave in range(3):
        on[:, wave] = rng.uniform(size=persons) < expit(0.2 + 0.8 * before + 0.4 * leaning)
        before, leaning = on[:, wave], eta[:, wave, 1]
    values[:, :, 0] = np.where(on == 1, values[:, :, 0], np.nan)
    values[rng.uniform(size=values.shape) < missing] = np.nan
    measures = ["alliance", "abstinence"]
    panel = ab.Panel.from_arrays(
        values, measures=measures, times=[0, 1, 2], states={"sponsor": on}, requires={"alliance": "sponsor"}
    )
    state = ab.State("sponsor", ["alliance"], acquire=["abstinence"], keep=measures, acts_on=["abstinence"])
    model = panel_model(ab.RICLPM(measures, lags="equal", state=state), panel)
    psi = model.scale.join(model.scale.draw(400, rng))
    middle = np.median(psi, axis=0)
    parts = model.scale.arrays, model.system.structure_arrays, model.system.arrays, model.families.links
    data = model.latent_data
    one_by_one = data._replace(moments_start=np.zeros_like(data.moments_start))
    times = []
    for each in (data, one_by_one):
        latent_likelihood_and_gradient(middle, *parts, each)
        found = []
        for _ in range(repeats):
            started = time.perf_counter()
            latent_likelihood_and_gradient(middle, *parts, each)
            found.append((time.perf_counter() - started) * 1e3)
        times.append(min(found))
    return float(model.is_integrated.mean()), *times


def of_a_study(spec: ab.RICLPM, panel: ab.Panel, *, repeats: int = 300) -> tuple[float, float]:
    """Milliseconds of one gradient, in the middle of the prior, and of the tables of its densities alone."""
    model = panel_model(spec, panel)
    scale, data = model.scale, model.latent_data
    middle = np.median(scale.join(scale.draw(400, np.random.default_rng(1))), axis=0)
    parts = scale.arrays, model.system.structure_arrays, model.system.arrays, model.families.links
    phi = model.predictor_moments(run_many(middle[None], scale.arrays)[0][0])[2]
    runs = lambda: latent_likelihood_and_gradient(middle, *parts, data), lambda: tabulate(data, phi)
    gradient, tables = (min(seconds_of(run) for _ in range(repeats)) * 1e3 for run in runs)
    return gradient, tables


def errors(family: str, *, persons: int = 400, waves: int = 4) -> tuple[float, float, float, float, float]:
    """Expectation propagation less adaptive quadrature, per person: mean, SD, largest; change of the sum with
    10 % more latent variance; and the standard error of the sum by importance sampling with 50 pairs."""
    data = simulated(family, persons=persons, waves=waves, missing=0.0, seed=1)
    mean, covariance = moments(waves, 2)
    here = by_quadrature(mean, covariance, PHI[family], data, persons, points=9).error
    wider = covariance.copy()
    wider[0, 1::2, 1::2] *= 1.1
    there = by_quadrature(mean, wider, PHI[family], data, persons, points=9).error
    drawn = by_importance(mean, covariance, PHI[family], data, persons, draws=50)
    return here.mean(), here.std(), np.abs(here).max(), (there - here).sum(), drawn.standard_error_of_sum


def main() -> None:
    print("milliseconds per gradient, a normal measure and one of the family, 400 people, 4 waves")
    for family in PHI:
        complete, gaps = (milliseconds(family, missing=missing) for missing in (0.0, 0.4))
        print(f"{family:8} complete {complete:5.2f}, 40 % missing {gaps:5.2f}")
    file = ab.packaged_model("sponsor-joint")
    for name, spec, panel in (
        ("HELP, alliance and days", *help_study()),
        ("sponsor study, joint model", file.spec, file.panel(ab.sponsor_study("default", seed=1).frame)),
    ):
        gradient, tables = of_a_study(spec, panel)
        print(f"{name}: {gradient:.2f} milliseconds per gradient, of which tables {tables:.3f}")
    print("milliseconds per gradient, a state and two normal measures, 3 waves: together, one by one")
    for persons in (302, 3_000, 30_000):
        for missing in (0.0, 0.1):
            share, together, alone = of_a_state(persons, missing=missing)
            print(f"{persons:6,} people, {100 * share:3.0f} % integrated over: {together:7.2f}, {alone:7.2f}")
    print("log-likelihood by expectation propagation less that by quadrature")
    for family in PHI:
        for waves in (3, 4):
            average, spread, most, change, left = errors(family, waves=waves)
            print(
                f"{family:8} {waves} waves: mean {average:+.6f} a person, SD {spread:.6f}, largest {most:.5f}; "
                f"sum over 400 changes by {change:+.3f} with 10 % more latent variance; MCSE of the sum {left:.2f}"
            )


if __name__ == "__main__":
    main()
