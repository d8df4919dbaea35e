"""The item model by maximum likelihood in plain numpy and scipy: python items_by_quadrature.py.

One factor behind ordered items (Samejima's graded response model with a probit link),

    P(y_j <= c | eta) = Phi(cut_jc - loading_j eta),  eta ~ N(mean_g, sd_g^2),  mean 0 and SD 1 in the first group,

items independent given eta, loadings and cuts the same in all groups. The integral over eta is a sum over equally
spaced nodes (Gauss-Hermite's lie too far apart for the sharp peaks of ten items with large loadings). It shares no
code with the package, nor with lavaan: a witness for both. Besides the likelihood of all answers together there is
that of pairs of items, which is what lavaan's PML maximises.
"""

from itertools import combinations
from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize
from scipy.stats import norm

__all__ = ["FittedItems", "ItemModel", "fit_items", "fit_pairs", "gradient", "log_likelihoods", "pair_log_likelihood"]

NODES = 141
FARTHEST = 7.0


class ItemModel(NamedTuple):
    """Loadings and cuts of the items, and how eta is spread in each group."""

    loadings: np.ndarray
    """Shape (item,)."""
    cuts: np.ndarray
    """Shape (item, category - 1), rising."""
    means: np.ndarray = np.zeros(1)
    """Of eta, shape (group,); the first is 0."""
    sds: np.ndarray = np.ones(1)
    """Of eta, shape (group,); the first is 1."""

    @property
    def standardised(self) -> np.ndarray:
        """Correlation of each latent answer with eta in the first group."""
        return self.loadings / np.sqrt(1 + self.loadings**2)


class FittedItems(NamedTuple):
    """Estimates and their standard errors, laid out alike; 0 for what is fixed."""

    estimate: ItemModel
    se: ItemModel
    log_likelihood: float
    largest_gradient: float


class _Table(NamedTuple):
    """Answers to some of the items, and how often they were given."""

    items: np.ndarray
    answers: np.ndarray
    group: np.ndarray
    weight: np.ndarray


def log_likelihoods(
    model: ItemModel, answers: np.ndarray, group: np.ndarray | None = None, nodes: int = NODES
) -> np.ndarray:
    """Log marginal probability of every row of answers, shape ``(row,)``; answers count from 0."""
    return _with_scores(model, answers, _groups(answers, group), nodes)[0]


def gradient(model: ItemModel, answers: np.ndarray, nodes: int = NODES) -> tuple[np.ndarray, np.ndarray]:
    """Gradient of the sum of `log_likelihoods` in the loadings and in the cuts, one group."""
    scores = _with_scores(model, answers, _groups(answers, None), nodes)[1]
    return scores[0].sum(axis=0), scores[1].sum(axis=0)


def pair_log_likelihood(model: ItemModel, answers: np.ndarray, nodes: int = NODES) -> float:
    """Log probability of the answers to two items, summed over rows and over all pairs."""
    tables = _pairs(answers)
    return float(sum(table.weight @ _with_scores(_part(model, table), *table[1:3], nodes)[0] for table in tables))


def fit_items(
    answers: np.ndarray,
    n_categories: int,
    *,
    group: np.ndarray | None = None,
    cluster: np.ndarray | None = None,
    nodes: int = NODES,
) -> FittedItems:
    """Maximise the likelihood; standard errors from the Hessian, or its sandwich when there are clusters."""
    group = _groups(answers, group)
    n_items, n_groups = answers.shape[1], int(group.max()) + 1
    table = _Table(np.arange(n_items), answers, group, np.ones(len(answers)))
    model, value, largest = _maximised([table], answers, n_categories, n_groups, nodes)
    places = np.cumsum([n_items, model.cuts.size, n_groups - 1])

    def scores(numbers: np.ndarray) -> np.ndarray:
        loadings, cuts, means, sds = np.split(numbers, places)
        moved = ItemModel(loadings, cuts.reshape(n_items, -1), np.append(0.0, means), np.append(1.0, sds))
        rows = _with_scores(moved, answers, group, nodes)[1]
        return np.column_stack([rows[0], rows[1].reshape(len(answers), -1), rows[2][:, 1:], rows[3][:, 1:]])

    numbers = np.concatenate([model.loadings, model.cuts.ravel(), model.means[1:], model.sds[1:]])
    width = 1e-4
    moved = [
        scores(numbers + step).sum(axis=0) - scores(numbers - step).sum(axis=0) for step in width * np.eye(len(numbers))
    ]
    hessian = np.stack(moved) / (2 * width)
    covariance = np.linalg.inv(-(hessian + hessian.T) / 2)
    if cluster is not None:
        rows = scores(numbers)
        sums = np.stack([rows[cluster == each].sum(axis=0) for each in np.unique(cluster)])
        covariance = covariance @ (sums.T @ sums) @ covariance
    loadings, cuts, means, sds = np.split(np.sqrt(np.diag(covariance)), places)
    errors = ItemModel(loadings, cuts.reshape(n_items, -1), np.append(0.0, means), np.append(0.0, sds))
    return FittedItems(model, errors, value, largest)


def fit_pairs(answers: np.ndarray, n_categories: int, nodes: int = NODES) -> tuple[ItemModel, float]:
    """Maximise `pair_log_likelihood`: the estimates and the largest gradient there."""
    model, _, largest = _maximised(_pairs(answers), answers, n_categories, 1, nodes)
    return model, largest


def _groups(answers: np.ndarray, group: np.ndarray | None) -> np.ndarray:
    return np.zeros(len(answers), dtype=int) if group is None else group


def _pairs(answers: np.ndarray) -> list[_Table]:
    tables = []
    for pair in combinations(range(answers.shape[1]), 2):
        cells, counts = np.unique(answers[:, pair], axis=0, return_counts=True)
        tables.append(_Table(np.array(pair), cells, np.zeros(len(cells), dtype=int), counts.astype(float)))
    return tables


def _part(model: ItemModel, table: _Table) -> ItemModel:
    return model._replace(loadings=model.loadings[table.items], cuts=model.cuts[table.items])


def _maximised(
    tables: list[_Table], answers: np.ndarray, n_categories: int, n_groups: int, nodes: int
) -> tuple[ItemModel, float, float]:
    """Over log loadings, first cuts, log steps between cuts, means and log SDs; a mean log-likelihood."""
    n_items, n_steps = answers.shape[1], n_categories - 2
    shares = np.stack([(answers <= category).mean(axis=0) for category in range(n_categories - 1)], axis=1)
    cuts = norm.ppf(np.clip(shares, 0.5 / len(answers), 1 - 0.5 / len(answers))) * 2.0
    steps = np.log(np.maximum(np.diff(cuts, axis=1), 0.05))
    start = np.concatenate([np.log(np.full(n_items, 1.8)), cuts[:, 0], steps.ravel(), np.zeros(2 * (n_groups - 1))])

    def unpacked(free: np.ndarray) -> ItemModel:
        loadings, firsts, steps, means, log_sds = np.split(
            free, np.cumsum([n_items, n_items, n_items * n_steps, n_groups - 1])
        )
        cuts = np.cumsum(np.column_stack([firsts, np.exp(steps).reshape(n_items, n_steps)]), axis=1)
        return ItemModel(np.exp(loadings), cuts, np.append(0.0, means), np.exp(np.append(0.0, log_sds)))

    def loss(free: np.ndarray) -> tuple[float, np.ndarray]:
        model, total = unpacked(free), 0.0
        loading_bar, cut_bar = np.zeros(n_items), np.zeros((n_items, n_categories - 1))
        mean_bar, sd_bar = np.zeros(n_groups), np.zeros(n_groups)
        for table in tables:
            values, scores = _with_scores(_part(model, table), table.answers, table.group, nodes)
            total += float(table.weight @ values)
            for whole, part in zip((loading_bar, cut_bar), scores[:2], strict=True):
                whole[table.items] += np.tensordot(table.weight, part, 1)
            mean_bar += table.weight @ scores[2]
            sd_bar += table.weight @ scores[3]
        later = np.cumsum(cut_bar[:, ::-1], axis=1)[:, ::-1]  # a step moves every cut above it
        slopes = [
            loading_bar * model.loadings,
            later[:, 0],
            (later[:, 1:] * np.diff(model.cuts, axis=1)).ravel(),
            mean_bar[1:],
            (sd_bar * model.sds)[1:],
        ]
        return -total / len(answers), -np.concatenate(slopes) / len(answers)

    found = minimize(loss, start, jac=True, method="BFGS", options={"gtol": 1e-7, "maxiter": 2000})
    return unpacked(found.x), -float(found.fun) * len(answers), float(np.abs(found.jac).max())


def _with_scores(
    model: ItemModel, answers: np.ndarray, group: np.ndarray, nodes: int
) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
    """Log probability of every row, and its derivatives in loadings, cuts, means and SDs, one row each."""
    points, spacing = np.linspace(-FARTHEST, FARTHEST, nodes, retstep=True)
    rows, items = np.arange(len(answers)), np.arange(answers.shape[1])
    n_groups, n_cuts = len(model.means), model.cuts.shape[1]
    eta = model.means[:, None] + model.sds[:, None] * points  # group, node
    bounds = np.column_stack([np.full(len(items), -np.inf), model.cuts, np.full(len(items), np.inf)])
    place = bounds[None, None] - model.loadings[:, None] * eta[:, :, None, None]  # group, node, item, bound
    below, above, density = norm.cdf(place), norm.sf(place), norm.pdf(place)
    # A category far above eta is a difference of upper tails, which keep their digits there.
    probability = np.where(place[..., :-1] > 0, above[..., :-1] - above[..., 1:], below[..., 1:] - below[..., :-1])
    probability = np.maximum(probability, 1e-300)  # group, node, item, category
    upper, lower = density[..., 1:] / probability, density[..., :-1] / probability
    logs = np.log(probability)

    chosen = np.zeros((len(answers), nodes)) + norm.logpdf(points) + np.log(spacing)
    for item in items:
        chosen += logs[group, :, item, answers[:, item]]
    values = np.logaddexp.reduce(chosen, axis=1)
    posterior = np.exp(chosen - values[:, None])  # row, node

    loading_bar = np.zeros((len(answers), len(items)))
    cut_bar = np.zeros((len(answers), len(items), n_cuts + 2))
    eta_bar = np.zeros((len(answers), nodes))
    for item in items:
        category = answers[:, item]
        up, down = upper[group, :, item, category], lower[group, :, item, category]
        slope = (down - up) * posterior
        loading_bar[:, item] = (slope * eta[group]).sum(axis=1)
        eta_bar += slope * model.loadings[item]
        cut_bar[rows, item, category + 1] += (posterior * up).sum(axis=1)
        cut_bar[rows, item, category] -= (posterior * down).sum(axis=1)
    mean_bar, sd_bar = np.zeros((len(answers), n_groups)), np.zeros((len(answers), n_groups))
    mean_bar[rows, group] = eta_bar.sum(axis=1)
    sd_bar[rows, group] = (eta_bar * points).sum(axis=1)
    return values, (loading_bar, cut_bar[..., 1:-1], mean_bar, sd_bar)


def _main() -> None:
    from export_data import ALLIANCE_ITEMS, help_items

    rows = help_items()
    answers = rows[ALLIANCE_ITEMS].to_numpy() - 1
    joined = np.maximum(answers - 2, 0)
    at_24, wave = rows["time"].to_numpy() == 24, rows["time"].to_numpy() // 6 - 1
    person = rows["person"].to_numpy()
    for title, found in {
        "24 months, lowest three categories joined": fit_items(joined[at_24], 4),
        "all follow-ups": fit_items(answers, 6, cluster=person),
        "by wave, lowest three categories joined": fit_items(joined, 4, group=wave, cluster=person),
        "by wave": fit_items(answers, 6, group=wave, cluster=person),
    }.items():
        print(f"{title}: log-likelihood {found.log_likelihood:.4f}, gradient {found.largest_gradient:.1e}")
        print("means", found.estimate.means.round(3), "SDs", found.estimate.sds.round(3))
        for item, name in enumerate(ALLIANCE_ITEMS):
            print(
                f"{name} {found.estimate.loadings[item]:.3f} ({found.se.loadings[item]:.3f})",
                found.estimate.cuts[item].round(3),
            )


if __name__ == "__main__":
    _main()
