"""One truth of each kind, of any size, for the tests of simulation."""

from alliance_bayes.simulation import Truth
from alliance_bayes.spec.models import ALT, CLPM, DPM, LCMSR, RICLPM, STARTS

NAMES = ("x", "y", "z")


def dynamics(n_measures, n_waves):
    """Measures, times, and effects and correlations that every kind can have."""
    names = list(NAMES[:n_measures])
    return names, {
        "times": [0, 1, 3, 4, 6, 7][:n_waves],
        "lagged": {"x -> y": 0.2, "y -> x": -0.1} | ({"y -> z": 0.15} if n_measures == 3 else {}),
        "carry_over": {name: 0.5 - 0.1 * place for place, name in enumerate(names)},
        "within_correlation": 0.25,
        "sds": {name: 1.0 + place for place, name in enumerate(names)},
    }


def riclpm(n_measures, n_waves, **changes):
    names, given = dynamics(n_measures, n_waves)
    given |= {"icc": 0.45, "between_correlation": 0.3, "means": 2}
    return Truth(RICLPM(names, lags="grid"), **(given | changes))


def clpm(n_measures, n_waves, **changes):
    names, given = dynamics(n_measures, n_waves)
    return Truth(CLPM(names, lags="grid"), **(given | changes))


def dpm_at_equilibrium(n_measures, n_waves, **changes):
    names, given = dynamics(n_measures, n_waves)
    given |= {"icc": 0.45, "between_correlation": 0.3, "means": 2, "equilibrium": True}
    return Truth(DPM(names, lags="grid"), **(given | changes))


def dpm(n_measures, n_waves, **changes):
    names, given = dynamics(n_measures, n_waves)
    given |= {
        "accumulating_sds": {name: 0.4 * (1 + place) for place, name in enumerate(names)},
        "accumulating_correlation": 0.2,
        "first_accumulating_correlation": {"x, x": 0.3, "y, y": 0.4, "x, y": 0.1},
        "means": {name: list(range(n_waves)) for name in names},
    }
    return Truth(DPM(names, lags="grid"), **(given | changes))


def starts(n_measures, n_waves, **changes):
    names, given = dynamics(n_measures, n_waves)
    given |= {
        "icc": 0.4,
        "between_correlation": 0.3,
        "error_share": {"x": 0.3, "y": 0.2} | ({"z": 0.1} if n_measures == 3 else {}),
    }
    return Truth(STARTS(names, lags="grid"), **(given | changes))


def lcmsr(n_measures, n_waves, **changes):
    names, given = dynamics(n_measures, n_waves)
    given |= {
        "icc": 0.4,
        "between_correlation": 0.3,
        "means": {name: float(place) for place, name in enumerate(names)},
        "slope_sds": 0.6,
        "slope_means": {name: 1.5 - place for place, name in enumerate(names)},
        "slope_correlation": 0.2,
        "intercept_slope_correlation": {"x, x": -0.3, "x, y": 0.1},
    }
    return Truth(LCMSR(names, lags="grid"), **(given | changes))


def alt(n_measures, n_waves, **changes):
    names, given = dynamics(n_measures, n_waves)
    given |= {
        "means": 3,
        "accumulating_sds": 0.5,
        "accumulating_correlation": 0.2,
        "accumulating_means": {name: 1.0 + place for place, name in enumerate(names)},
        "first_accumulating_correlation": 0.3,
        "slope_sds": 0.3,
        "slope_means": -0.5,
        "slope_correlation": 0.1,
        "intercept_slope_correlation": -0.2,
        "first_slope_correlation": {"x, x": 0.2, "y, x": 0.1},
    }
    return Truth(ALT(names, lags="grid"), **(given | changes))


KINDS = [riclpm, clpm, dpm_at_equilibrium, dpm, starts, lcmsr, alt]
