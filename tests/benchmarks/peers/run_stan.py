"""Stan through pystan, in an environment of its own: python run_stan.py MODEL.stan REQUEST.json ANSWER.npz.

The request holds "data", "seed", "points" (constrained values at which the log density is wanted) and "sampling"
(num_chains, num_warmup, num_samples), null when nothing is to be sampled. The last line on stdout is JSON: the seconds
it took, with Stan's own clock of every chain, which leaves out what pystan adds around it.
"""

import json
import re
import sys
import time
from pathlib import Path

import numpy as np
import stan

ELAPSED = re.compile(rb"([0-9.]+) seconds \(Total\)")


def main(model_file: str, request_file: str, answer_file: str) -> None:
    request = json.loads(Path(request_file).read_text())
    sampling = request.get("sampling")
    arrays = {}

    started = time.perf_counter()
    model = stan.build(Path(model_file).read_text(), data=request["data"], random_seed=request["seed"])
    seconds = {"build": time.perf_counter() - started}

    arrays["log_density"] = np.array(
        [model.log_prob(model.unconstrain_pars(point), adjust_transform=True) for point in request["points"]]
    )
    if sampling:
        started = time.perf_counter()
        # Progress cut in two by the socket ends the chain (httpstan 4.17).
        fit = model.sample(**sampling, refresh=0)
        seconds["sample"] = time.perf_counter() - started
        seconds["chains"] = [float(ELAPSED.search(output)[1]) for output in fit.stan_outputs]
        seconds["divergences"] = int(fit["divergent__"].sum())
        seconds["leapfrogs"] = int(fit["n_leapfrog__"].sum())
        n_chains = sampling["num_chains"]
        for name in fit.param_names:
            values = fit[name]  # dims (..., draw and chain), chains varying fastest
            arrays[name] = np.moveaxis(values.reshape(*values.shape[:-1], -1, n_chains), (-1, -2), (0, 1))
    np.savez(answer_file, **arrays)
    print("\n" + json.dumps(seconds))


if __name__ == "__main__":
    main(*sys.argv[1:])
