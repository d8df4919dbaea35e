"""Small panels of people with measures of every family, a state that comes and goes, and people who drop out."""

import numpy as np

import alliance_bayes as ab

HISTORIES = np.array([(1, 1, 0, 1), (0, 1, 1, 1), (1, 1, 1, 1), (0, 0, 1, 0), (1, 0, 0, 0), (1, 1, 1, 0)], dtype=float)
TIMES = (0, 3, 9, 21)
RANGES = {"days": 14, "few": 5, "yes": 1, "ordered": 4, "item1": 3, "item2": 3, "visits": 6, "passed": 6}
NAMES = ["alliance", "trust", "contact", *RANGES, "window", "helper"]


def responses(name, eta, rng):
    """Plausible responses, made without the package: whole numbers that rise with eta, both ends among them."""
    most = RANGES[name]
    return np.clip(np.round(most * (0.5 + 0.35 * eta + 0.2 * rng.normal(size=eta.shape))), 0, most)


def people(
    persons=30,
    n_waves=3,
    *,
    required=(),
    unknown=(),
    dropout=False,
    missing=0.0,
    complete=(),
    times=None,
    seed=3,
    histories=HISTORIES,
):
    """Panel of `NAMES`, the first three normal, with covariates "age" and "work" of persons.

    What is in `required` exists only while the state "sponsor" is on, which is also there as the measure "helper".
    The people at the positions `unknown` did not tell the state after the first wave. With `dropout` a few are not
    interviewed at later waves. Values are `missing` one by one, but not of what is `complete`.
    """
    rng = np.random.default_rng(seed)
    stable = rng.normal(size=(persons, 1, len(NAMES))) + rng.normal(size=(persons, 1, 1))
    eta = 0.6 * stable + 0.7 * rng.normal(size=(persons, n_waves, len(NAMES)))
    values = eta.copy()
    for name in RANGES:
        values[:, :, NAMES.index(name)] = responses(name, eta[:, :, NAMES.index(name)], rng)
    kept = [NAMES.index(name) for name in complete]
    whole, window = values[:, :, kept].copy(), rng.choice([14, 20, 30], size=(persons, n_waves))
    values[:, :, NAMES.index("window")] = window
    values[:, :, 0] = 5 + 2 * values[:, :, 0]
    values[:, :, 2] = 0.1 * values[:, :, 2] - 1
    states = histories[np.arange(persons) % len(histories), :n_waves].copy()
    values[rng.random(values.shape) < missing] = np.nan
    values[:, :, NAMES.index("window")], values[:, :, kept] = window, whole
    for name in required:
        values[states == 0, NAMES.index(name)] = np.nan
    for person in unknown:
        states[person, 1:] = np.nan
        values[person, 1:, [NAMES.index(name) for name in required]] = np.nan
    values[:, :, NAMES.index("helper")] = states
    interviewed = np.ones((persons, n_waves), dtype=bool)
    if dropout:
        interviewed[3::7, 2:] = interviewed[5::9, 1] = False
        values[~interviewed], states[~interviewed] = np.nan, np.nan
    return ab.Panel.from_arrays(
        values,
        measures=NAMES,
        times=TIMES[:n_waves] if times is None else times,
        requires=dict.fromkeys(required, "sponsor"),
        states={"sponsor": states} if required else None,
        interviewed=interviewed,
        covariates={"age": rng.normal(50, 12, size=persons), "work": rng.integers(0, 2, size=persons)},
    )
