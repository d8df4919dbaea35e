"""Whether data drawn from the prior are sampled well: studies of few people, fitted with the defaults of ``ab.fit``.

Parameters are drawn from the stated priors and studies simulated with them by the equations written here (nothing of
the package's engine is used for that). A study counts as healthy where ``fit.health`` says so. Each is one line of a
file, so that a run can be stopped and started again:

``python tests/benchmarks/healthy_prior_data.py --results FILE --studies 100 [--first 200]``
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
from scipy.linalg import expm
from scipy.stats import truncnorm

import alliance_bayes as ab

N_PERSONS = 150
NAMES = ["x", "y"]
KINDS = {"equal, 3 waves": ("equal", 3), "equal, 4 waves": ("equal", 4), "free, 4 waves": ("free", 4)}
KINDS |= {"continuous, 4 waves": ("continuous", 4), "CLPM, 3 waves": ("CLPM", 3)}

type Array = np.ndarray


def simulated(kind: str, n_waves: int, priors: ab.Priors, rng: np.random.Generator) -> Array:
    """Values of one study, shape ``(person, wave, measure)``, in SDs of a measure."""
    while (drawn := _process(kind, n_waves, priors, rng)) is None:
        pass
    first, steps, between = drawn
    stable = rng.multivariate_normal(np.zeros(2), between, N_PERSONS)
    within = [rng.multivariate_normal(np.zeros(2), first, N_PERSONS)]
    for effects, innovation in steps:
        within.append(within[-1] @ effects.T + rng.multivariate_normal(np.zeros(2), innovation, N_PERSONS))
    about_means = np.stack(within, axis=1) + stable[:, None, :]
    unit = np.sqrt(np.mean(about_means**2, axis=(0, 1)))  # means are in SDs of the measure about its wave means
    return about_means + unit * rng.normal(priors.mean.mean, priors.mean.sd, (n_waves, 2))


def _process(kind: str, n_waves: int, priors: ab.Priors, rng: np.random.Generator) -> tuple[Array, list, Array] | None:
    """First within-person covariance, effects and innovations of each interval, and the stable covariance."""
    total = np.abs(rng.normal(0, priors.total_sd.sd, 2))
    icc = np.zeros(2) if kind == "CLPM" else rng.beta(priors.icc.alpha, priors.icc.beta, 2)
    sds = total * np.sqrt(1 - icc)
    between = _covariance(total * np.sqrt(icc), priors.between_correlation, rng)
    first = _covariance(sds, priors.within_correlation, rng)
    ratios = [
        rng.lognormal(priors.innovation_ratio.log_mean, priors.innovation_ratio.log_sd, 2) for _ in range(n_waves)
    ]
    units = sds[:, None] / sds[None, :]
    if kind == "continuous":
        drift = _across(rng.normal(priors.cross_drift.mean, priors.cross_drift.sd, 2))
        decay = rng.lognormal(priors.decay.log_mean, priors.decay.log_sd, 2)
        drift = (drift - np.diag(decay)) * units
        if np.linalg.eigvals(drift).real.max() >= 0:
            return None
        gone = 1 - np.diag((drift + np.diag(decay)) @ first) / (decay * sds**2)
        diffusion = _covariance(ratios[0] * np.sqrt(2 * decay * _least(gone)) * sds, priors.innovation_correlation, rng)
        effects = expm(drift)
        noise = _integrated(drift, diffusion)
        return first, [(effects, noise)] * (n_waves - 1), between
    steps = []
    lower, upper = ((bound - priors.carry_over.mean) / priors.carry_over.sd for bound in (-1, 1))
    own = truncnorm.rvs(lower, upper, priors.carry_over.mean, priors.carry_over.sd, size=2, random_state=rng)
    average = np.diag(own) + _across(rng.normal(priors.cross_lagged.mean, priors.cross_lagged.sd, 2))
    about = np.zeros((n_waves - 1, 2, 2))
    if kind == "free":
        noise = rng.normal(size=about.shape)
        about = (noise - noise.mean(axis=0)) * np.abs(rng.normal(0, priors.interval_spread.sd, (2, 2)))
    for ratio, deviation in zip(ratios[1:], about, strict=True):
        effects = (average + deviation) * units
        gone = 1 - np.diag(effects @ first @ effects.T) / sds**2
        innovation = _covariance(ratio * np.sqrt(_least(gone)) * sds, priors.innovation_correlation, rng)
        steps.append((effects, innovation))
    return first, steps, between


def _least(share: Array) -> Array:
    return (share + 0.05 + np.hypot(share - 0.05, 0.05)) / 2


def _across(values: Array) -> Array:
    return np.array([[0.0, values[0]], [values[1], 0.0]])


def _covariance(sds: Array, prior: ab.LKJ, rng: np.random.Generator) -> Array:
    """Of two numbers, whose correlation has a Beta distribution on (-1, 1)."""
    correlation = 2 * rng.beta(prior.eta, prior.eta) - 1
    return np.outer(sds, sds) * np.array([[1.0, correlation], [correlation, 1.0]])


def _integrated(drift: Array, diffusion: Array) -> Array:
    """``int_0^1 exp(A s) Q exp(A' s) ds`` by 2,000 steps of the midpoint rule."""
    step = expm(drift / 2000)
    moved, total = expm(drift / 4000), np.zeros((2, 2))
    for _ in range(2000):
        total += moved @ diffusion @ moved.T / 2000
        moved = step @ moved
    return total


def study(name: str, seed: int) -> dict[str, object]:
    """Draw, simulate and fit once."""
    kind, n_waves = KINDS[name]
    rng, priors = np.random.default_rng([seed, *name.encode()]), ab.Priors()
    values = simulated(kind, n_waves, priors, rng)
    spec = ab.CLPM(NAMES, lags="equal") if kind == "CLPM" else ab.RICLPM(NAMES, lags=kind)
    panel = ab.Panel.from_arrays(values, measures=NAMES, times=list(range(n_waves)))
    started = time.process_time()
    fit = ab.fit(spec, panel, seed=seed, progress=False)
    return {
        "kind": name,
        "seed": seed,
        "healthy": fit.health.healthy,
        "target_accept": fit.settings.target_accept,
        "divergences": fit.health.divergences,
        "rhat": fit.health.rhat,
        "ess_bulk": fit.health.ess_bulk,
        "ess_tail": fit.health.ess_tail,
        "problems": fit.health.problems,
        "seconds": time.process_time() - started,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, required=True, help="file with one line for each study")
    parser.add_argument("--studies", type=int, default=100, help="of all kinds together")
    parser.add_argument("--first", type=int, default=0, help="number of the first of them, counted from 0")
    arguments = parser.parse_args()
    lines = arguments.results.read_text().splitlines() if arguments.results.exists() else []
    known = [json.loads(line) for line in lines]
    done = {(row["kind"], row["seed"]) for row in known}
    with arguments.results.open("a") as file:
        for number in range(arguments.first, arguments.first + arguments.studies):
            name, seed = list(KINDS)[number % len(KINDS)], number // len(KINDS)
            if (name, seed) not in done:
                known.append(study(name, seed))
                file.write(json.dumps(known[-1]) + "\n")
                file.flush()
    for name in KINDS:
        rows = [row for row in known if row["kind"] == name]
        if rows:
            print(f"{name}: {sum(row['healthy'] for row in rows)} of {len(rows)} healthy")
    print(f"all: {sum(row['healthy'] for row in known)} of {len(known)} healthy")


if __name__ == "__main__":
    main()
