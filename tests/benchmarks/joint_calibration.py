"""Simulation-based calibration of the joint model of alliance, days and sponsor.

Parameters are drawn from the model's own prior, a study is simulated with them by the equations written here (nothing
of the package's is used for that), the model is fitted to the study, and the rank of every true parameter among
thinned posterior draws is noted [1]_. Over many studies ranks are uniform if simulator, likelihood and sampler belong
together. Two test quantities are ranked besides [2]_: the log-likelihood, and the difference of the two cross-lagged
effects.

The model: alliance, behind four items of four categories, exists only with a sponsor; days out of 90; a sponsor is
found the sooner and kept the longer by days and alliance, and acts on days. Nothing is divided by an SD of the data,
so that the prior is the same for every study. Priors of families and state are narrower than by default, or many
studies would be empty of sponsors or full of people with no days at all; see `SPEC`. Interviews after the first are
missed completely at random, and with them it is unknown whether there was a sponsor.

Each study is one line of a file, so that the run can be stopped and started again:
``python tests/benchmarks/joint_calibration.py --results FILE --studies 100 --figure ranks.png``.

References
----------
.. [1] Talts et al. (2018). Validating Bayesian inference algorithms with simulation-based calibration.
   https://arxiv.org/abs/1804.06788
.. [2] Modrak et al. (2023). Simulation-based calibration checking for Bayesian computation: the choice of test
   quantities shapes sensitivity. Bayesian Analysis. https://doi.org/10.1214/23-BA1404
"""

import argparse
import json
import math
import time
from pathlib import Path

import arviz_base
import arviz_stats
import numpy as np
import pandas as pd
import xarray as xr
from scipy.special import expit, gammaln, ndtri
from scipy.stats import chisquare, norm

import alliance_bayes as ab
from alliance_bayes.engine.kernels.interpreter import run_many
from alliance_bayes.engine.model_on_panel import PanelModel, panel_model
from alliance_bayes.posterior.fit import Fit
from alliance_bayes.posterior.predictions.latent import LatentPeople
from alliance_bayes.posterior.samplers import sample_posterior
from alliance_bayes.posterior.settings import Settings

TIMES = (0, 3, 6, 9)
WINDOW = 90
ITEMS = ("item_1", "item_2", "item_3", "item_4")
MISSED = 0.08
RANKED = 99
BINS = 10
COLUMNS = 6  # of the figure
SPEC = ab.RICLPM(
    ["alliance", "days"],
    lags="equal",
    residuals="equal",
    families={
        "alliance": ab.Items(ITEMS, 4, loading=ab.LogNormal(0.0, 0.3), cuts=ab.InducedDirichlet(12.0)),
        "days": ab.Days(
            WINDOW,
            cuts=ab.InducedDirichlet(3.0),
            slope=ab.LogNormal(0.0, 0.4),
            intercept=ab.Normal(0.0, 0.8),
            interior_slope=ab.Normal(0.5, 0.3),
            precision=ab.LogNormal(float(np.log(5)), 0.5),
        ),
    },
    state=ab.State(
        "sponsor",
        required_by=["alliance"],
        acquire=["days"],
        keep=["alliance", "days"],
        acts_on=["days"],
        intercept=ab.Normal(0.3, 0.8),
    ),
    priors=ab.Priors(mean=ab.Normal(0.0, 0.5)),
)

type Array = np.ndarray


def simulated(psi: dict[str, xr.DataArray], persons: int, rng: np.random.Generator) -> pd.DataFrame:
    """One study, from the equations alone.

    Stable parts b and within-person parts w of the linear predictors of alliance a and days d have variances of
    ICC and 1 - ICC at the first wave, and innovations SDs relative to those with which w keeps its variance. With a
    sponsor at both ends of an interval ``w_t = Phi w_t-1 + e_t``; alliance acts on days as long as there was a sponsor
    before; with a new sponsor ``w_a = mean + sd e_a / sd(e_a)``, sd relative to that of w_a at the first wave. Then
    ``eta_a = mean_t + b_a + w_a`` and ``eta_d = mean_t + b_d + w_d + effect S_t``.
    """
    icc = psi["icc"].to_numpy()
    between = _correlated(np.sqrt(icc), psi["between_partial_unit"], persons, rng)
    within = _correlated(np.sqrt(1 - icc), psi["within_partial_unit"], persons, rng)
    own = psi["carry_over"]
    across = psi["cross_lagged"]
    a_on_a, d_on_d = (float(own.sel(carry_over_path=f"{name} -> {name}")) for name in ("alliance", "days"))
    unit = np.sqrt((1 - icc[1]) / (1 - icc[0]))  # within-person SD of days per one of alliance
    a_on_d = float(across.sel(cross_lagged_path="alliance -> days")) * unit
    d_on_a = float(across.sel(cross_lagged_path="days -> alliance")) / unit
    means = np.vstack([np.zeros(2), psi["latent_mean"].to_numpy()])
    effects = np.array([[a_on_a, d_on_a], [a_on_d, d_on_d]])
    correlation = 2 * float(psi["within_partial_unit"][0]) - 1
    covariance = np.outer(np.sqrt(1 - icc), np.sqrt(1 - icc)) * np.array([[1, correlation], [correlation, 1]])
    left = 1 - np.diag(effects @ covariance @ effects.T) / (1 - icc)
    least = (left + 0.05 + np.hypot(left - 0.05, 0.05)) / 2  # at least about a twentieth
    sd = psi["innovation_ratio"].to_numpy() * np.sqrt((1 - icc) * least)
    a, d = within.T
    sponsor = rng.random(persons) < expit(float(psi["sponsor_first_intercept"][0]))
    waves = []
    for wave, time_of_wave in enumerate(TIMES):
        if wave > 0:
            deviation_a, deviation_d = between[:, 0] + a, between[:, 1] + d
            found = float(psi["sponsor_acquired_intercept"][wave - 1])
            found = (
                found
                + float(psi["sponsor_acquired_on"].sel(sponsor_acquired_on_of="days -> sponsor acquired")) * deviation_d
            )
            kept = float(psi["sponsor_kept_intercept"][wave - 1])
            kept = kept + float(psi["sponsor_kept_on"].sel(sponsor_kept_on_of="days -> sponsor kept")) * deviation_d
            kept = kept + float(psi["sponsor_kept_on"].sel(sponsor_kept_on_of="alliance -> sponsor kept")) * deviation_a
            before = sponsor
            sponsor = rng.random(persons) < expit(np.where(before, kept, found))
            new = _correlated(sd, psi["innovation_partial_unit"], persons, rng)
            goes_on = a_on_a * a + d_on_a * d + new[:, 0]
            begins = float(psi["relative_restart_mean"][0])
            begins = begins + float(psi["relative_restart_sd"][0]) * math.sqrt(1 - icc[0]) * new[:, 0] / sd[0]
            d = d_on_d * d + np.where(before, a_on_d * a, 0.0) + new[:, 1]
            a = np.where(before, goes_on, begins)
        eta_a = means[wave, 0] + between[:, 0] + a
        eta_d = means[wave, 1] + between[:, 1] + d + float(psi["sponsor_effect"][0]) * sponsor
        columns = {"person": np.arange(persons), "time": time_of_wave, "sponsor": sponsor.astype(float)}
        columns["days"] = _days(psi, eta_d, rng)
        for item, answers in zip(ITEMS, _items(psi, eta_a, rng), strict=True):
            columns[item] = np.where(sponsor, answers, np.nan)
        seen = rng.random(persons) >= (MISSED if wave > 0 else 0.0)
        waves.append(pd.DataFrame(columns)[seen])
    return pd.concat(waves)


def _correlated(sds: Array, unit: xr.DataArray, persons: int, rng: np.random.Generator) -> Array:
    """Two normal numbers for each person; the correlation of two is its own partial correlation."""
    correlation = 2 * float(unit[0]) - 1
    first, second = rng.normal(size=(2, persons))
    second = correlation * first + math.sqrt(1 - correlation**2) * second
    return np.column_stack([sds[0] * first, sds[1] * second])


def _days(psi: dict[str, xr.DataArray], eta: Array, rng: np.random.Generator) -> Array:
    """None, all, or beta-binomial in between."""
    none, all_but_none = psi["share_days"].to_numpy()
    slope = float(psi["slope_days"][0])
    spread = math.sqrt(1 + 256 / (75 * math.pi**2) * slope**2)
    above = (1 - none) * (1 - all_but_none)
    lower, upper = spread * math.log(none / (1 - none)), spread * math.log((1 - above) / above)
    u = rng.random(len(eta))
    mean = expit(float(psi["intercept_days"][0]) + float(psi["interior_slope_days"][0]) * eta)[:, None]
    precision, d = float(psi["precision_days"][0]), np.arange(1, WINDOW)
    alpha, beta = mean * precision, (1 - mean) * precision
    weight = gammaln(alpha + d) + gammaln(beta + WINDOW - d) - gammaln(d + 1) - gammaln(WINDOW - d + 1)
    chances = np.exp(weight - weight.max(axis=1, keepdims=True)).cumsum(axis=1)
    between = 1 + (rng.random((len(eta), 1)) * chances[:, -1:] > chances).sum(axis=1)
    return np.where(u < expit(lower - slope * eta), 0, np.where(u < expit(upper - slope * eta), between, WINDOW))


def _items(psi: dict[str, xr.DataArray], eta: Array, rng: np.random.Generator) -> list[Array]:
    """Answers from 1 to 4 to each item."""
    shares, answers = psi["share_alliance"].to_numpy().reshape(len(ITEMS), 3), []
    for share, loading in zip(shares, psi["loading_alliance"].to_numpy(), strict=True):
        cuts = ndtri(1 - np.cumprod(1 - share)) * math.sqrt(1 + loading**2)
        latent = loading * eta + rng.normal(size=len(eta))
        answers.append(1.0 + (latent[:, None] > cuts).sum(axis=1))
    return answers


def panel_of(frame: pd.DataFrame) -> ab.Panel:
    """The study as the package reads it."""
    required = dict.fromkeys(ITEMS, "sponsor")
    return ab.Panel.from_long(
        frame, person="person", time="time", times=TIMES, measures=["days", *ITEMS], requires=required
    )


def template() -> PanelModel:
    """The model on some panel of these waves, for its prior."""
    rng, n = np.random.default_rng(0), 60 * len(TIMES)
    frame = pd.DataFrame({"person": np.repeat(np.arange(60), len(TIMES)), "time": np.tile(TIMES, 60)})
    frame["sponsor"] = (rng.random(n) < 0.6).astype(float)
    frame["days"] = rng.integers(0, WINDOW + 1, n)
    for item in ITEMS:
        frame[item] = np.where(frame["sponsor"] == 1, rng.integers(1, 5, n), np.nan)
    return panel_model(SPEC, panel_of(frame))


def study(prior: PanelModel, seed: int, persons: int, draws: int, tune: int, chains: int) -> dict[str, object]:
    """Draw, simulate, fit and rank once."""
    rng = np.random.default_rng([seed, *b"joint calibration"])
    truth = _proper(prior, rng)
    frame = simulated(truth, persons, rng)
    started = time.perf_counter()
    try:
        model = panel_model(SPEC, panel_of(frame))
    except ab.AllianceBayesError as refused:
        return {"seed": seed, "persons": persons, "refused": str(refused)}
    assert model.scale.blocks == prior.scale.blocks
    settings = Settings(draws, tune, chains, 1, 0.8, seed, "nutpie", 0.0, 0.0)
    fitted = Fit(model, sample_posterior(model, settings))
    ranks = _ranks(fitted, model, truth, rng)
    summary = arviz_stats.summary(fitted.posterior, var_names=[block.name for block in model.scale.blocks])
    statistics = fitted.draws["sample_stats"].to_dataset()
    return {
        "seed": seed,
        "persons": persons,
        "ranks": ranks,
        "fewest_effective": float(pd.to_numeric(summary["ess_bulk"]).min()),
        "divergences": int(statistics["diverging"].sum()),
        "steps": float(statistics["n_steps"].mean()),
        "sponsored": float(frame["sponsor"].mean()),
        "none": float((frame["days"] == 0).mean()),
        "all": float((frame["days"] == WINDOW).mean()),
        "seconds": time.perf_counter() - started,
    }


def _proper(prior: PanelModel, rng: np.random.Generator) -> dict[str, xr.DataArray]:
    """One draw of the prior that gives a proper model, with the labels of its dims."""
    scale = prior.scale
    while True:
        drawn = scale.draw(1, rng)
        if run_many(scale.join(drawn), scale.arrays)[1][0]:
            break
    return {
        block.name: xr.DataArray(
            drawn[block.name][0], dims=block.dims, coords={dim: list(scale.coordinates[dim]) for dim in block.dims}
        )
        for block in scale.blocks
    }


def _ranks(
    fitted: Fit, model: PanelModel, truth: dict[str, xr.DataArray], rng: np.random.Generator
) -> dict[str, float]:
    """Number of thinned draws below the truth, by quantity."""
    blocks = {block.name: block for block in model.scale.blocks}
    places = np.linspace(0, fitted.n_draws - 1, RANKED).astype(int)
    every = {}
    for name, block in blocks.items():
        drawn = fitted.posterior[name].transpose("chain", "draw", *block.dims).to_numpy().reshape(-1, *block.shape)
        every[name] = np.concatenate([drawn[places], truth[name].to_numpy()[None]])
    thetas = run_many(model.scale.join(every), model.scale.arrays)[0]
    seen = np.arange(model.panel.n_persons)
    quantities = {"log-likelihood": LatentPeople(model).log_densities(thetas, seen).sum(axis=1)}
    paths = list(truth["cross_lagged"]["cross_lagged_path"].to_numpy())
    forward, backward = (every["cross_lagged"][:, paths.index(path)] for path in SPEC.cross_lagged_paths)
    quantities[f"{SPEC.cross_lagged_paths[0]} less {SPEC.cross_lagged_paths[1]}"] = forward - backward
    for name, values in every.items():
        labels = [" ".join(map(str, each)) for each in _labels(truth[name])]
        for label, column in zip(labels, values.reshape(len(values), -1).T, strict=True):
            quantities[f"{name} {label}"] = column
    # Ties, which only a log-likelihood at the limits of its numbers could have, are broken at random.
    jitter = rng.random(RANKED) < 0.5
    return {
        name: int(np.sum((column[:-1] < column[-1]) | ((column[:-1] == column[-1]) & jitter)))
        for name, column in quantities.items()
    }


def _labels(array: xr.DataArray) -> list[tuple[object, ...]]:
    return list(pd.MultiIndex.from_product([array[dim].to_numpy() for dim in array.dims]))


def table(done: list[dict]) -> pd.DataFrame:
    """Uniformity of the ranks of every quantity.

    ``mean`` of the ranks as shares (0.5 if calibrated) and ``z``, its distance from it in standard errors; ``sd``
    (0.289 if calibrated; smaller: posteriors too wide); ``chi_square``, p value in ten bins; ``uniform``, p value of
    ArviZ's test of the probability integral transforms.
    """
    ranks = pd.DataFrame([each["ranks"] for each in done])
    transforms = (ranks + 0.5) / (RANKED + 1)
    rows = {}
    for name, values in transforms.items():
        counts = np.histogram(values, bins=BINS, range=(0, 1))[0]
        rows[name] = {
            "mean": values.mean(),
            "z": (values.mean() - 0.5) * math.sqrt(12 * len(values)),
            "sd": values.std(),
            "chi_square": chisquare(counts).pvalue,
            "uniform": float(_uniformity(values.to_numpy())),
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def _uniformity(values: Array) -> float:
    return float(np.asarray(xr.DataArray(values, dims=["sample"]).azstats.uniformity_test(dim="sample")[0]))


def figure(done: list[dict], file: Path) -> None:
    """Differences of the ranks' distribution functions from the uniform one, by ArviZ."""
    import arviz_plots
    import matplotlib

    matplotlib.use("agg")
    ranks = pd.DataFrame([each["ranks"] for each in done])
    transforms = xr.Dataset(
        {name: (("chain", "draw"), (ranks[name].to_numpy()[None] + 0.5) / (RANKED + 1)) for name in ranks}
    )
    tree = xr.DataTree.from_dict({"/prior_sbc": transforms})
    rows = math.ceil(len(transforms) / COLUMNS)
    with arviz_base.rc_context({"plot.max_subplots": len(transforms)}):
        drawn = arviz_plots.plot_ecdf_pit(
            tree, group="prior_sbc", col_wrap=COLUMNS, figure_kwargs={"figsize": (5 * COLUMNS, 3 * rows)}
        )
    drawn.savefig(file)


def main() -> None:
    """Do what is not yet in the file, then print what the ranks say."""
    parser = argparse.ArgumentParser(description="Simulation-based calibration of the joint model.")
    parser.add_argument("--results", type=Path, default=Path("joint-calibration.jsonl"))
    parser.add_argument("--studies", type=int, default=100)
    parser.add_argument("--persons", type=int, default=100)
    parser.add_argument("--draws", type=int, default=250)
    parser.add_argument("--tune", type=int, default=100)
    parser.add_argument("--chains", type=int, default=1)
    parser.add_argument("--figure", type=Path)
    given = parser.parse_args()
    done = [json.loads(line) for line in given.results.read_text().splitlines()] if given.results.is_file() else []
    known, prior = {each["seed"] for each in done}, template()
    for seed in (seed for seed in range(1, given.studies + 1) if seed not in known):
        done.append(study(prior, seed, given.persons, given.draws, given.tune, given.chains))
        with given.results.open("a") as lines:
            lines.write(json.dumps(done[-1]) + "\n")
    fitted = [each for each in done if "ranks" in each]
    print(f"{len(fitted)} studies of {sorted({each['persons'] for each in done})} persons ranked, {RANKED} draws each")
    for each in done:
        if "refused" in each:
            print(f"seed {each['seed']} refused: {each['refused']}")
    if not fitted:
        return
    for name in ("fewest_effective", "divergences", "steps", "sponsored", "none", "all", "seconds"):
        values = np.array([each[name] for each in fitted])
        print(f"{name}: median {np.median(values):.3g}, from {values.min():.3g} to {values.max():.3g}")
    found = table(fitted)
    print(found.round(3).to_string())
    n, smallest = len(found), found[["chi_square", "uniform"]].min()
    print(f"Smallest p values of {n} quantities, times {n}: {(smallest * n).round(3).to_dict()}")
    z = found["z"]
    print(f"z: largest size {z.abs().max():.2f}, expected about {norm.isf(0.5 / n):.2f}; SD {z.std():.2f}")
    if given.figure:
        figure(fitted, given.figure)


if __name__ == "__main__":
    main()
