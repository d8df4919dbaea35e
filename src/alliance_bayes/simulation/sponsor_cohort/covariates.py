"""Who persons are at entry: age, sex, schooling, diagnoses, motives."""

import numpy as np
from scipy.special import expit

from .processes import Persons

__all__ = ["EDUCATION", "OCCUPATIONS", "OPIOIDS", "draw_covariates"]

EDUCATION = {"less than high school": 0.169, "high school": 0.434, "some college": 0.397}
OCCUPATIONS = {"employed": 0.238, "student": 0.318, "neither": 0.444}
OPIOIDS = {"none": 0.55, "misuse": 0.20, "dependence": 0.25}
AGES = range(18, 25)
AGE_PEAK, AGE_SPREAD = 20.2, 1.9
FEMALE = 0.262
WHITE = 0.947
DUAL_DIAGNOSIS = 0.04  # log odds, so that .51 have one
CONTROLLED = 0.12


def draw_covariates(persons: Persons, random: np.random.Generator) -> dict[str, np.ndarray]:
    """Characteristics at entry, each of shape ``(person,)``.

    Dual diagnosis and opioids go with severity, self-efficacy with commitment and stable abstinence;
    all else is independent of everything.
    """
    n = len(persons.severity)
    age = np.exp(-0.5 * ((np.array(AGES) - AGE_PEAK) / AGE_SPREAD) ** 2)
    by_severity = 0.35 * persons.severity + np.sqrt(1 - 0.35**2) * random.standard_normal(n)
    rank = np.argsort(np.argsort(by_severity)) / n
    controlled = np.where(random.random(n) < CONTROLLED, np.minimum(1 + random.geometric(1 / 20, n), 90), 0)
    return {
        "age": random.choice(np.array(AGES), n, p=age / age.sum()),
        "female": (random.random(n) < FEMALE).astype(int),
        "white": (random.random(n) < WHITE).astype(int),
        "education": random.choice(list(EDUCATION), n, p=list(EDUCATION.values())),
        "occupation": random.choice(list(OCCUPATIONS), n, p=list(OCCUPATIONS.values())),
        "dual_diagnosis": (random.random(n) < expit(DUAL_DIAGNOSIS + 0.5 * persons.severity)).astype(int),
        "opioids": np.array(list(OPIOIDS))[np.searchsorted(np.cumsum(list(OPIOIDS.values()))[:-1], rank)],
        "severity": persons.severity,
        "commitment": persons.commitment,
        "self_efficacy": persons.self_efficacy,
        "controlled_days": controlled,
    }
