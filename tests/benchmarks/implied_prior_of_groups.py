"""The prior of an answer on direction in each group, with unequal intervals and with effects equal when standardised.

For every model 10,000 draws of its prior: smallest and largest SD, over groups and both directions, of the standardised
effects over the shortest interval averaged over all of that length; SD of their average over groups; 99th percentile of
their sizes; and the share of draws that are no model.

``python tests/benchmarks/implied_prior_of_groups.py``

prints the second table of docs/priors.md.
"""

import numpy as np

import alliance_bayes as ab
from alliance_bayes.engine.kernels.interpreter import run_many
from alliance_bayes.engine.model_on_panel import panel_model

N_DRAWS = 10_000
MEASURES = ["y1", "y2"]
FOUR = (0, 1, 2, 3)
LATE = (0, 1, 3, 5, 7, 9)

type Options = dict[str, object]

MODELS: dict[str, tuple[Options, tuple[int, ...], int]] = {
    "equal in 2 groups": ({"group_lags": "equal"}, FOUR, 2),
    "equal in 6 groups": ({"group_lags": "equal"}, FOUR, 6),
    "equal in 2 groups, lags free": ({"group_lags": "equal", "lags": "free"}, FOUR, 2),
    "equal in 2 groups, continuous time": ({"group_lags": "equal", "lags": "continuous"}, FOUR, 2),
    "equal in 2 groups, variances too": ({"group_lags": "equal", "equal_across_groups": ["variances"]}, FOUR, 2),
    "equal in 2 groups, residuals too": ({"group_lags": "equal", "equal_across_groups": ["residuals"]}, FOUR, 2),
    "equal in 2 groups, variances and residuals too": (
        {"group_lags": "equal", "equal_across_groups": ["variances", "residuals"]},
        FOUR,
        2,
    ),
    "free in 2 groups": ({"group_lags": "free"}, FOUR, 2),
    "free in 2 groups, residuals equal": ({"group_lags": "free", "equal_across_groups": ["residuals"]}, FOUR, 2),
    "pooled, 2 groups": ({"group_lags": "pooled"}, FOUR, 2),
    "pooled, 6 groups": ({"group_lags": "pooled"}, FOUR, 6),
    "no groups, lags free, times 0, 1, 3, 5, 7, 9": ({"lags": "free"}, LATE, 1),
    "no groups, lags equal when standardised": ({"lags": "equal_standardized"}, FOUR, 1),
}


def effects_of(options: Options, times: tuple[int, ...], n_groups: int) -> tuple[np.ndarray, float]:
    """Averaged standardised effects, shape ``(draw, group, path)``, and the share of draws that are no model."""
    values = np.random.default_rng(0).normal(size=(30 * n_groups, len(times), len(MEASURES)))
    groups = {"groups": np.repeat([f"group {g}" for g in range(n_groups)], 30)} if n_groups > 1 else {}
    options = {"lags": "equal"} | options
    panel = ab.Panel.from_arrays(values, measures=MEASURES, times=list(times), **groups)
    model = panel_model(ab.RICLPM(MEASURES, **options), panel)
    thetas, proper = run_many(model.scale.join(model.scale.draw(N_DRAWS, np.random.default_rng(1))), model.scale.arrays)
    quantity = model.derived["lagged_standardized"]
    every = model.derive(thetas[proper])[:, quantity.where].reshape(-1, n_groups, *quantity.shape[-2:])
    every = every[~np.isnan(every).any(axis=(1, 2, 3))]
    lengths, paths = np.diff(times), list(model.scale.coordinates["path"])
    chosen = [paths.index(path) for path in model.spec.cross_lagged_paths]
    shortest = np.isclose(lengths, lengths.min())
    return every[:, :, shortest][..., chosen].mean(axis=2), 1 - len(every) / N_DRAWS


def main() -> None:
    print(
        "| model | SD in a group and direction | SD of the average over groups | 99th percentile of sizes | rejected |"
    )
    print("|---|---|---|---|---|")
    for name, (options, times, n_groups) in MODELS.items():
        effects, rejected = effects_of(options, times, n_groups)
        sds = effects.std(axis=0)
        average = f"{effects.mean(axis=1).std(axis=0).mean():.3f}" if n_groups > 1 else ""
        share = f"{rejected:.1%}" if rejected else "none"
        span = f"{sds.min():.3f} to {sds.max():.3f}"
        print(f"| {name} | {span} | {average} | {np.quantile(np.abs(effects), 0.99):.2f} | {share} |")


if __name__ == "__main__":
    main()
