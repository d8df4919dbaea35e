"""How often 90 % intervals of an indirect effect cover zero where it is zero, in simulated studies.

Each study is one line of a file, so that the run can be stopped and started again:
``python tests/benchmarks/mediation_coverage.py [FILE] [STUDIES]``. With one of the two paths null and
the other at least five standard errors large, 82 to 97 of 100 should cover zero; with both null at least 95.
"""

import json
import sys
from pathlib import Path

import arviz_base
import numpy as np

import alliance_bayes as ab

MEASURES = ["x", "m", "y"]
TIMES = [0, 6, 12, 18]
PERSONS = 1000
STRONG = 0.25
SCENARIOS = {
    "first path null": {"m -> y": STRONG},
    "second path null": {"x -> m": STRONG},
    "both paths null": {},
}


def study(scenario: str, seed: int) -> dict[str, float | str | int]:
    """Simulate, fit and ask once."""
    spec = ab.RICLPM(MEASURES, lags="equal", residuals="equal")
    truth = ab.Truth(
        ab.RICLPM(MEASURES),
        times=TIMES,
        lagged=SCENARIOS[scenario],
        carry_over=0.3,
        icc=0.4,
        within_correlation=0.2,
        between_correlation=0.3,
        means=0,
        sds=1,
    )
    panel = ab.simulate(truth, persons=PERSONS, seed=seed)
    fit = ab.fit(spec, panel, seed=seed, draws=400, tune=300, chains=2, cores=1, progress=False)
    answer = ab.mediation(fit, treatment="x", mediators=["m"], outcome="y", horizon=12)
    lower, upper = answer.table.loc["indirect", ["lower", "upper"]]
    effects = answer.basis.dynamics.path_effects
    ratios = {}
    for predictor, outcome in (("x", "m"), ("m", "y")):
        path = effects.sel(path=f"{predictor} -> {outcome}")
        ratios[f"{predictor} -> {outcome}"] = float(abs(path.mean()) / path.std())
    return {"scenario": scenario, "seed": seed, "lower": float(lower), "upper": float(upper), **ratios}


def main(file: str = "mediation-coverage.jsonl", studies: str = "100") -> None:
    """Do what is not yet in the file, then print the counts."""
    arviz_base.rcParams["stats.ci_prob"] = 0.9
    path = Path(file)
    done = [json.loads(line) for line in path.read_text().splitlines()] if path.is_file() else []
    known = {(each["scenario"], each["seed"]) for each in done}
    for seed in range(1, int(studies) + 1):
        for scenario in SCENARIOS:
            if (scenario, seed) in known:
                continue
            found = study(scenario, seed)
            done.append(found)
            with path.open("a") as lines:
                lines.write(json.dumps(found) + "\n")
    for scenario in SCENARIOS:
        chosen = [each for each in done if each["scenario"] == scenario]
        covered = sum(each["lower"] <= 0 <= each["upper"] for each in chosen)
        sizes = {name: np.median([each[name] for each in chosen]) for name in ("x -> m", "m -> y")}
        words = ", ".join(f"{name} {size:.1f}" for name, size in sizes.items())
        print(f"{scenario}: {covered} of {len(chosen)} cover zero; median size in posterior SDs: {words}")


if __name__ == "__main__":
    main(*sys.argv[1:])
