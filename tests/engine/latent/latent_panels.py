"""Small panels of several families at once, of one linear system and one case for each person."""

from typing import NamedTuple

import numpy as np
from scipy.special import expit

from alliance_bayes.engine.latent.responses import LatentArrays, Responses, arrange
from alliance_bayes.families.registry import CODES
from engine_calls import one_case_each
from helpers import random_covariance

PHI = {
    "normal": [],
    "days": [-1.5, 0.3, 1.2, 0.6, 0.7, 4.0],
    "days_probit": [-1.2, 0.3, 0.9, 0.6, 0.7, 2.0],
    "beta_binomial": [0.3, 0.9, 5.0],
    "count": [1.0, 0.8, 2.0],
    "hurdle_count": [1.0, 0.8, 2.0, 0.5, 1.1],
    "proportion": [-1.2, 1.4, 1.1, 0.2, 4.0],
    "yes_no": [0.4, 1.3],
    "ordinal": [1.3, -1.0, 0.2, 1.1],
    "ordinal_probit": [0.9, -1.0, -0.4, 0.5],
    "occurrence": [],
}
SIZE = {"days": 14.0, "days_probit": 5.0, "beta_binomial": 6.0, "count": 0.4, "ordinal": 4.0, "ordinal_probit": 4.0}


class Case(NamedTuple):
    """A panel with its moments and family parameters; a measure "ordinal+" has three items."""

    mean: np.ndarray
    covariance: np.ndarray
    phi: np.ndarray
    exact: np.ndarray
    responses: Responses
    families: list[tuple[str, int]]  # each measure and where its parameters begin, once for each item

    @property
    def moments(self):
        """Means and covariances as the kernel takes them, family parameters and data."""
        return self.mean[None], self.covariance[None], self.phi, self.data

    @property
    def data(self) -> LatentArrays:
        return arrange(self.exact, self.responses, one_case_each(len(self.exact)))

    def of_person(self, person):
        """Responses of one person as `reference.log_likelihood_by_grid` takes them."""
        rows = np.flatnonzero(self.responses.case == person)
        names = {code: name for name, code in CODES.items()}
        return [
            (
                int(self.responses.position[row]),
                names[int(self.responses.code[row])],
                self.responses.value[row],
                self.responses.size[row],
                self.phi[self.responses.start[row] :][: len(PHI[names[int(self.responses.code[row])]])],
            )
            for row in rows
        ]


def panel_of(mean, covariance, phi, exact, responses):
    """A panel made by hand."""
    return Case(mean, covariance, phi, exact, responses, [])


def draw(family, eta, rng):
    """A plausible response, made without the density: what a test needs is that nothing is special about it."""
    if family in ("count", "hurdle_count"):
        return float(rng.poisson(np.exp(1.0 + 0.8 * eta)))
    if family == "proportion":
        return float(np.clip(rng.beta(0.8 + 2 * expit(eta), 0.8 + 2 * expit(-eta)) * 1.6 - 0.3, 0.0, 1.0))
    most = {"yes_no": 1, "occurrence": 1, "ordinal": 3, "ordinal_probit": 3}.get(family) or int(SIZE[family])
    return float(rng.binomial(most, rng.beta(0.3 + expit(eta), 0.3 + expit(-eta))))


def random_case(measures, n_waves, persons, *, missing=0.2, seed=1):
    """People whose measures have these families; values missing one by one."""
    rng = np.random.default_rng(seed)
    size = len(measures) * n_waves
    mean, covariance = rng.normal(0, 0.3, size), random_covariance(size, rng, scale=1.0) + 0.3
    eta = rng.multivariate_normal(mean, covariance, size=persons)
    phi, families = [], []
    for measure in measures:
        name = measure.removesuffix("+")
        for _ in range(3 if measure.endswith("+") else 1):
            families.append((measure, len(phi)))
            phi += [number * rng.uniform(0.9, 1.1) for number in PHI[name]]
    exact, rows = np.full((persons, size), np.nan), []
    for person in range(persons):
        for position in range(size):
            measure = measures[position % len(measures)]
            name = measure.removesuffix("+")
            if rng.random() < missing:
                continue
            if name == "normal":
                exact[person, position] = eta[person, position]
                continue
            for start in [start for each, start in families if each == measure]:
                value = draw(name, eta[person, position], rng)
                rows.append((person, position, CODES[name], start, value, SIZE.get(name, 0.0)))
    columns = zip(*rows, strict=True) if rows else [()] * 6
    arrays = [np.array(column) for column in columns]
    responses = Responses(*[each.astype(int) for each in arrays[:4]], *[each.astype(float) for each in arrays[4:]])
    return Case(mean, covariance, np.array(phi), exact, responses, families)
