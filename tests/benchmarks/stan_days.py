"""Stan's side of `latent_reference`: a normal measure and days of a window, by `peers/riclpm_days.stan`."""

import json
from pathlib import Path
from typing import Any

import arviz_stats
import numpy as np
import pandas as pd
import xarray as xr
from measuring import PEERS, answer_of, peer_python
from stan_peer import NAMES as NAMES_WITHOUT_DAYS

from alliance_bayes.engine.model_on_panel import PanelModel

__all__ = ["sampled_by_stan"]

MODEL = PEERS / "riclpm_days.stan"
NAMES = {  # ours to Stan's, each flattened in the same order
    **NAMES_WITHOUT_DAYS,
    "latent_mean": "latent_mean",
    "share_days": "share",
    "slope_days": "slope",
    "intercept_days": "intercept",
    "interior_slope_days": "interior_slope",
    "precision_days": "precision",
}


def sampled_by_stan(
    whole: PanelModel, folder: Path, *, draws: int, tune: int, chains: int
) -> tuple[dict, pd.DataFrame]:
    """Seconds of the chains on Stan's own clock, and a summary with our names."""
    interpreter = peer_python("stan")
    if interpreter is None:
        raise RuntimeError("Stan is missing: python tests/benchmarks/set_up.py stan")
    files = folder / "stan-request.json", folder / "stan-answer.npz"
    sampling = {"num_chains": chains, "num_samples": draws, "num_warmup": tune}
    files[0].write_text(json.dumps({"data": _data(whole), "points": [], "seed": 1, "sampling": sampling}))
    seconds = answer_of([interpreter, PEERS / "run_stan.py", MODEL, *files])
    with np.load(files[1]) as arrays:
        named = _by_our_names(whole, dict(arrays))
    summary = arviz_stats.summary(named, round_to="none")
    used = float(sum(seconds["chains"]))
    smallest = float(summary["ess_bulk"].min())
    return {
        "persons": whole.n_persons,
        "parameters": len(summary),
        "smallest_ess": smallest,
        "largest_r_hat": float(summary["r_hat"].max()),
        "divergences": seconds["divergences"],
        "compile_seconds": seconds["build"],
        "placing_seconds": 0.0,
        "sampling_seconds": used,
        "steps_of_draws": seconds["leapfrogs"],
        "ess_per_second": smallest / used,
    }, summary


def _data(whole: PanelModel) -> dict[str, Any]:
    """Values in the model's unit, by pattern of what is there."""
    values, (exact_at, days_at) = whole.values(), (slice(0, None, 2), slice(1, None, 2))
    days = whole.panel.values[:, :, whole.panel.measures.index("days")]
    there = np.zeros(values.shape, dtype=bool)
    there[:, exact_at], there[:, days_at] = ~np.isnan(values[:, exact_at]), ~np.isnan(days)
    kept = there.any(axis=1)
    masks, codes, people = np.unique(there[kept], axis=0, return_inverse=True, return_counts=True)
    n_waves, position, exact, answers = days.shape[1], [], [], []
    of_days = np.arange(2 * n_waves) % 2 == 1
    for pattern, mask in enumerate(masks):
        rows = np.flatnonzero(kept)[codes.ravel() == pattern]
        seen, counted = np.flatnonzero(mask & ~of_days), np.flatnonzero(mask & of_days)
        block = np.zeros((2 * n_waves, people.max()))
        block[: len(seen), : len(rows)] = values[rows][:, seen].T
        exact.append(block.tolist())
        position.append([*(seen + 1), *(counted + 1), *[1] * int((~mask).sum())])
        answers.extend(days[rows][:, counted // 2].astype(int).ravel().tolist())
    return {
        "n_waves": n_waves,
        "window": 30,
        "n_patterns": len(masks),
        "people": people.tolist(),
        "n_exact": (masks & ~of_days).sum(axis=1).tolist(),
        "n_latent": (masks & of_days).sum(axis=1).tolist(),
        "position": np.array(position, dtype=int).tolist(),
        "exact": exact,
        "n_responses": len(answers),
        "days": answers,
    }


def _by_our_names(whole: PanelModel, draws: dict[str, np.ndarray]) -> xr.Dataset:
    found = {}
    for block in whole.scale.blocks:
        dims = ("chain", "draw", *block.dims)
        if block.name in NAMES:
            flat = draws[NAMES[block.name]]
            found[block.name] = (dims, flat.reshape(*flat.shape[:2], *block.shape))
        else:  # partial correlations of two measures, as (1 + correlation) / 2
            factors = draws[block.name.removesuffix("_partial_unit")]
            found[block.name] = (dims, (1 + factors[..., 1, 0].reshape(*factors.shape[:2], *block.shape)) / 2)
    coordinates = {dim: list(whole.scale.coordinates[dim]) for block in whole.scale.blocks for dim in block.dims}
    return xr.Dataset(found, coords=coordinates)
