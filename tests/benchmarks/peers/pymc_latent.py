"""The RI-CLPM in plain PyMC as it is usually written: python pymc_latent.py LONG.csv DRAWS SEED ANSWER.npz.

Random intercepts are sampled (non-centred), missing values too, and what remains is a vector autoregression. Priors
and parameterisation are the package's defaults; the data are centred and scaled as there. Sampled by nutpie. The
last line on stdout is JSON: seconds of sampling (warm-up counted, compiling not) and divergences.
"""

import json
import sys
import time

import numpy as np
import nutpie
import pandas as pd
import pymc as pm
import pytensor.tensor as pt


def model_of(values: np.ndarray) -> pm.Model:
    """Model of two standardised measures, dims (person, wave, measure), NaN where missing."""
    n_persons, n_waves, _ = values.shape
    missing = np.isnan(values)

    def factor(sds, unit):
        correlation = 2 * unit - 1
        rest = pt.sqrt(1 - correlation**2)
        return pt.stacklists([[sds[0], 0.0], [sds[1] * correlation, sds[1] * rest]])

    def log_density(rows, chol):
        first = rows[:, 0] / chol[0, 0]
        second = (rows[:, 1] - chol[1, 0] * first) / chol[1, 1]
        log_determinant = pt.log(chol[0, 0]) + pt.log(chol[1, 1])
        return -0.5 * (first**2 + second**2).sum() - rows.shape[0] * (log_determinant + np.log(2 * np.pi))

    with pm.Model() as model:
        carry_over = pm.TruncatedNormal("carry_over", 0.4, 0.25, lower=-1, upper=1, shape=2)
        cross_lagged = pm.Normal("cross_lagged", 0, 0.2, shape=2)
        total_sd = pm.HalfNormal("total_sd", 1, shape=2)
        icc = pm.Beta("icc", 2, 2, shape=2)
        between = pm.Beta("between", 2, 2)
        within = pm.Beta("within", 2, 2)
        innovation_ratio = pm.LogNormal("innovation_ratio", 0, 0.2, shape=(n_waves - 1, 2))
        innovation = pm.Beta("innovation", 2, 2, shape=n_waves - 1)
        mean = pm.Normal("mean", 0, 1, shape=(n_waves, 2))

        within_sd = total_sd * pt.sqrt(1 - icc)
        crossed = cross_lagged * within_sd / within_sd[::-1]
        lagged = pt.stacklists([[carry_over[0], crossed[0]], [crossed[1], carry_over[1]]])
        first = factor(within_sd, within)
        left = 1 - pt.diag(lagged @ first @ first.T @ lagged.T) / within_sd**2
        steady_sd = within_sd * pt.sqrt((left + 0.05 + pt.sqrt((left - 0.05) ** 2 + 0.05**2)) / 2)
        standard = pm.Normal("standard", 0, 1, shape=(n_persons, 2))
        intercepts = standard @ factor(total_sd * pt.sqrt(icc), between).T
        filled = pt.as_tensor(np.nan_to_num(values))
        if missing.any():
            filled = filled[missing].set(pm.Flat("missing", shape=int(missing.sum()), initval=np.zeros(missing.sum())))
        state = filled - mean - intercepts[:, None, :]
        total = log_density(state[:, 0], first)
        for wave in range(1, n_waves):
            new = state[:, wave] - state[:, wave - 1] @ lagged.T
            total += log_density(new, factor(innovation_ratio[wave - 1] * steady_sd, innovation[wave - 1]))
        pm.Potential("log_likelihood", total)
    return model


def main(frame_file: str, n_draws: str, seed: str, answer_file: str) -> None:
    frame = pd.read_csv(frame_file)
    measures = list(frame.columns[2:])
    values = frame[measures].to_numpy().reshape(frame["person"].nunique(), -1, len(measures))
    scale = np.sqrt(np.nanmean((values - np.nanmean(values, axis=0)) ** 2, axis=(0, 1)))
    values = (values - np.nanmean(values, axis=(0, 1))) / scale

    options = {"tune": 500, "seed": int(seed), "progress_bar": False}
    compiled = nutpie.compile_pymc_model(model_of(values))
    started = time.perf_counter()
    tree = nutpie.sample(compiled, draws=int(n_draws), chains=4, cores=2, **options)
    seconds = time.perf_counter() - started
    names = ("carry_over", "cross_lagged", "mean")
    np.savez(answer_file, **{name: tree["posterior"][name].to_numpy() for name in names})
    print(json.dumps({"seconds": seconds, "divergences": int(tree["sample_stats"]["diverging"].sum())}))


if __name__ == "__main__":
    main(*sys.argv[1:])
