"""Models of every kind with every option, each on a small panel made for it."""

import numpy as np

import alliance_bayes as ab

RNG = np.random.default_rng(0)
PERSONS = 60
COVARIATE = RNG.normal(size=PERSONS)
GROUPS = np.array(["A", "B", "C"])[RNG.integers(0, 3, PERSONS)]
OWN = np.cumsum(RNG.uniform(0.7, 1.3, size=(PERSONS, 5)), axis=1)
OWN[3, 2] = OWN[7, 0] = OWN[9, 4] = np.nan
OWN[11, [1, 2]] = np.nan
M, M3 = ["x", "y"], ["x", "y", "z"]
UNEQUAL = [0, 1, 2, 4]


def panel(n_measures, n_waves, times=None, *, complete=(), **options):
    """Random panel in odd units, a tenth of its values missing, without any where a person has no own time."""
    rng = np.random.default_rng(n_measures + 10 * n_waves)
    values = rng.normal(size=(PERSONS, n_waves, n_measures))
    for wave in range(1, n_waves):
        values[:, wave] += 0.4 * values[:, wave - 1]
    values = (values + rng.normal(size=(PERSONS, 1, n_measures))) * [2.0, 0.5, 10.0, 1.0][:n_measures] + 3
    holes = rng.random(values.shape) < 0.1
    holes[:, :, list(complete)] = False
    holes |= np.isnan(options["own_times"])[:, :, None] if "own_times" in options else False
    values[holes] = np.nan
    return ab.Panel.from_arrays(
        values, measures=["x", "y", "z", "u"][:n_measures], times=times or range(n_waves), **options
    )


def with_covariate(n_measures=2, n_waves=4, times=None, **options):
    return panel(n_measures, n_waves, times, covariates={"c": COVARIATE}, **options)


CASES = {
    "riclpm continuous": (ab.RICLPM(M, lags="continuous"), panel(2, 4, UNEQUAL)),
    "clpm of three, continuous": (ab.CLPM(M3, lags="continuous"), panel(3, 4, UNEQUAL)),
    "continuous without a path": (ab.RICLPM(M3, lags="continuous", remove=["x -> y"]), panel(3, 4, UNEQUAL)),
    "riclpm continuous and stationary": (ab.RICLPM(M, lags="continuous", stationary=True), panel(2, 4, UNEQUAL)),
    "riclpm stationary": (ab.RICLPM(M, stationary=True), panel(2, 4)),
    "equal standardized": (ab.RICLPM(M, lags="equal_standardized"), panel(2, 4)),
    "equal standardized of three": (ab.RICLPM(M3, lags="equal_standardized", remove=["z -> x"]), panel(3, 5)),
    "clpm equal standardized": (ab.CLPM(M, lags="equal_standardized", residuals="equal"), panel(2, 3)),
    "trait loadings": (ab.RICLPM(M, trait_loadings="free"), panel(2, 5)),
    "lag 2": (ab.RICLPM(M, lag_2=["x -> x", "x -> y"]), panel(2, 5)),
    "paths of one interval": (
        ab.RICLPM(M, lags="free", remove=["x -> y, 0 to 1"], equal=[["y -> x, 0 to 1", "y -> x, 1 to 2"]]),
        panel(2, 5),
    ),
    "dpm": (ab.DPM(M), panel(2, 5)),
    "dpm of three, free": (ab.DPM(M3, lags="free", means="equal"), panel(3, 4)),
    "dpm on a grid": (ab.DPM(M, lags="grid"), panel(2, 4, UNEQUAL)),
    "dpm with lag 2": (ab.DPM(M, lag_2=["y -> y"]), panel(2, 5)),
    "dpm with loadings": (ab.DPM(M, trait_loadings="free"), panel(2, 4)),
    "dpm of three with loadings": (ab.DPM(M3, lags="free", trait_loadings="free", residuals="equal"), panel(3, 5)),
    "starts": (ab.STARTS(M), panel(2, 5)),
    "starts of three": (ab.STARTS(M3, means="equal"), panel(3, 4)),
    "lcmsr": (ab.LCMSR(M), panel(2, 5)),
    "lcmsr of three": (ab.LCMSR(M3, residuals="equal"), panel(3, 6)),
    "lcmsr continuous": (ab.LCMSR(M, lags="continuous"), panel(2, 5, [0, 1, 3, 4, 6])),
    "alt": (ab.ALT(M), panel(2, 6)),
    "alt on a grid": (ab.ALT(M, lags="grid", residuals="equal"), panel(2, 5, [0, 1, 3, 4, 6])),
    "reliability": (ab.RICLPM(M, reliability={"x": 0.8}), panel(2, 4)),
    "covariate of persons": (ab.RICLPM(M, covariates={"c": ["intercepts", "first_wave"]}), with_covariate()),
    "covariate of slopes": (ab.LCMSR(M, covariates={"c": ["intercepts", "slopes"]}), with_covariate(n_waves=5)),
    "covariate of a dpm": (ab.DPM(M, covariates={"c": ["intercepts", "first_wave"]}), with_covariate(n_waves=5)),
    "covariates of waves": (
        ab.CLPM(M, covariates={"c": "each_wave", "z": "every_wave"}),
        with_covariate(3, complete=[2]),
    ),
    "groups free": (ab.RICLPM(M, group_lags="free"), panel(2, 4, groups=GROUPS)),
    "groups pooled": (
        ab.RICLPM(M, group_lags="pooled", equal_across_groups=["variances", "residuals"]),
        panel(2, 4, groups=GROUPS),
    ),
    "groups pooled, continuous": (ab.RICLPM(M, lags="continuous", group_lags="pooled"), panel(2, 4, groups=GROUPS)),
    "groups equal": (ab.DPM(M, group_lags="equal", equal_across_groups=["means"]), panel(2, 4, groups=GROUPS)),
    "own times": (ab.RICLPM(M, lags="continuous"), panel(2, 5, own_times=OWN)),
    "moderated": (ab.RICLPM(M, moderated={"x -> y": "c"}), with_covariate()),
    "moderated drift": (ab.RICLPM(M, lags="continuous", moderated={"x -> y": "c"}), with_covariate(times=UNEQUAL)),
    **{
        f"indicators, {ladder}": (
            ab.RICLPM(["f", "y"], indicators={"f": ["x", "z", "u"]}, invariance=ladder),
            panel(4, 4),
        )
        for ladder in ("configural", "weak", "strong", "strict")
    },
}
