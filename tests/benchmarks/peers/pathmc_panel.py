"""What pathmc can fit to the same panel: python pathmc_panel.py LONG.csv DRAWS SEED ANSWER.npz.

No RI-CLPM: a vector autoregression of the values themselves with sampled random intercepts, one mean for all waves
and 0 before the first; a residual covariance (x ~~ y) is accepted and, in 0.4.0, not in the posterior of a panel.
Missing values are sampled. Its own priors. The last line on stdout is JSON: seconds of sampling, by nutpie's clock
(warm-up counted, compiling not), and divergences.
"""

import json
import sys

import numpy as np
import pandas as pd
import pathmc


def main(frame_file: str, n_draws: str, seed: str, answer_file: str) -> None:
    frame = pd.read_csv(frame_file)
    first, second = frame.columns[2:]
    model = pathmc.model(
        f"{first} ~ lag({first}) + lag({second})\n{second} ~ lag({second}) + lag({first})\n{first} ~~ {second}",
        data=frame,
        panel={"unit": "person", "time": "time"},
        pooling="partial",
    )
    options = {"chains": 4, "cores": 2, "nuts_sampler": "nutpie", "progressbar": False}
    tree = model.fit(draws=int(n_draws), tune=500, random_seed=int(seed), compute_log_likelihood=False, **options)
    posterior = tree["posterior"]
    names = [f"{name}_{measure}" for name in ("beta", "mu_alpha") for measure in (first, second)]
    np.savez(answer_file, **{name: posterior[name].to_numpy() for name in names})
    divergences = int(tree["sample_stats"]["diverging"].sum())
    print(json.dumps({"seconds": posterior.attrs["sampling_time"], "divergences": divergences}))


if __name__ == "__main__":
    main(*sys.argv[1:])
