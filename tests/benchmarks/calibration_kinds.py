"""Every kind of model that the package ships, on a small panel: what `calibration.py` calibrates."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

import alliance_bayes as ab

XY, XYZ = ["x", "y"], ["x", "y", "z"]
EVEN, FOUR, UNEVEN = (0, 1, 2), (0, 1, 2, 3), (0, 1, 3)
PERSONS = 60
MISSED = 0.15
ITEMS = ("item_1", "item_2", "item_3")
NORMAL_REPLICATES, LATENT_REPLICATES = 300, 100


@dataclass(frozen=True)
class Kind:
    """A model, the panel it is calibrated for, how often, and what is ranked besides the field's quantities."""

    spec: Any
    panel: ab.Panel
    ask: Callable[[Any], Mapping[str, xr.DataArray]] | None = None
    scales: tuple[str, ...] = ("held",)

    @property
    def replicates(self):
        return LATENT_REPLICATES if self.spec.is_latent else NORMAL_REPLICATES


def panel(columns, times=EVEN, *, persons=PERSONS, whole=False, latent=(), **more):
    """A panel whose values matter for their unit alone: normal, or 0 and 1 where they are not."""
    rng = np.random.default_rng(17)
    values = rng.normal(size=(persons, len(times), len(columns)))
    for column, values_of in latent:
        values[..., columns.index(column)] = rng.choice(values_of, size=values.shape[:2])
    interviewed = np.ones(values.shape[:2], dtype=bool)
    if not whole:
        interviewed[:, 1:] = rng.random((persons, len(times) - 1)) >= MISSED
    values[~interviewed] = np.nan
    return ab.Panel.from_arrays(
        values, measures=columns, times=times, interviewed=interviewed, source="a panel for calibration", **more
    )


def own_times():
    """Interviews up to a tenth of an interval early or late."""
    rng = np.random.default_rng(18)
    complete = panel(XY, UNEVEN, whole=True)
    times = np.array(UNEVEN) + 0.1 * (2 * rng.random((PERSONS, len(UNEVEN))) - 1)
    return ab.Panel.from_arrays(complete.values, measures=XY, times=UNEVEN, own_times=times)


def with_covariate(times=EVEN):
    return panel(XY, times, covariates={"age": np.random.default_rng(19).normal(40, 10, PERSONS)})


def in_groups():
    return panel(XY, groups=np.repeat(["a", "b", "c"], PERSONS // 3))


def with_a_state(alliance=("alliance",), latent=()):
    """A sponsor who comes and goes, and an alliance that exists only with one."""
    rng = np.random.default_rng(20)
    complete = panel([*alliance, "days"], FOUR, whole=True, latent=latent)
    sponsor = (rng.random((PERSONS, len(FOUR))) < 0.6).astype(float)
    values = complete.values.copy()
    values[..., :-1] = np.where(sponsor[..., None] == 1, values[..., :-1], np.nan)
    return ab.Panel.from_arrays(
        values,
        measures=complete.measures,
        times=FOUR,
        requires=dict.fromkeys(alliance, "sponsor"),
        states={"sponsor": sponsor},
        interviewed=np.ones(sponsor.shape, dtype=bool),
    )


def indirect_effect(fit):
    """The indirect effect of x on y through z over two waves, by `mediation`."""
    answer = ab.mediation(fit, treatment="x", mediators=["z"], outcome="y", horizon=2)
    return {f"mediation {name}": draws for name, draws in answer.draws.data_vars.items() if draws.ndim == 2}


def of_family(family, values, columns=("y",)):
    """One measure of this family beside a normal one."""
    spec = ab.RICLPM(XY, lags="equal", residuals="equal", families={"y": family})
    return Kind(spec, panel(["x", *columns], latent=[(column, values) for column in columns]))


# Narrower than by default, or many panels would be empty of sponsors or full of people with no days at all.
SPONSORED = ab.RICLPM(
    ["alliance", "days"],
    lags="equal",
    residuals="equal",
    families={
        "alliance": ab.Items(ITEMS, 4, loading=ab.LogNormal(0.0, 0.3), cuts=ab.InducedDirichlet(12.0)),
        "days": ab.Days(
            90,
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

KINDS = {
    "RI-CLPM, equal lags": Kind(ab.RICLPM(XY, lags="equal"), panel(XY), scales=("held", "as_shipped")),
    "RI-CLPM, free lags": Kind(ab.RICLPM(XY, lags="free"), panel(XY, FOUR)),
    "RI-CLPM on a grid": Kind(ab.RICLPM(XY, lags="grid", residuals="equal"), panel(XY, UNEVEN)),
    "RI-CLPM in continuous time": Kind(ab.RICLPM(XY, lags="continuous"), panel(XY, UNEVEN)),
    "RI-CLPM at own times": Kind(ab.RICLPM(XY, lags="continuous"), own_times()),
    "CLPM": Kind(ab.CLPM(XY, lags="equal"), panel(XY), scales=("held", "as_shipped")),
    "DPM": Kind(ab.DPM(XY, lags="equal"), panel(XY, FOUR)),
    "STARTS": Kind(ab.STARTS(XY, lags="equal"), panel(XY, FOUR)),
    "LCM-SR": Kind(ab.LCMSR(XY, lags="equal", residuals="equal"), panel(XY, FOUR)),
    "ALT": Kind(ab.ALT(XY, lags="equal", residuals="equal"), panel(XY, FOUR)),
    "covariates and moderation": Kind(
        ab.RICLPM(XY, lags="equal", covariates={"age": ["intercepts"]}, moderated={"x -> y": "age"}), with_covariate()
    ),
    "groups, pooled lags": Kind(ab.RICLPM(XY, lags="equal", residuals="equal", group_lags="pooled"), in_groups()),
    "indicators": Kind(
        ab.RICLPM(XY, lags="equal", residuals="equal", indicators={"y": ITEMS}, invariance="strict"),
        panel(["x", *ITEMS]),
    ),
    "mediation effects": Kind(ab.RICLPM(XYZ, lags="equal", residuals="equal"), panel(XYZ), indirect_effect),
    "days": of_family(ab.Days(30), range(31)),
    "count": of_family(ab.Count(), range(6)),
    "yes or no": of_family(ab.YesNo(), (0, 1)),
    "ordinal": of_family(ab.Ordinal(4), (1, 2, 3, 4)),
    "items": of_family(ab.Items(ITEMS, 3), (1, 2, 3), ITEMS),
    "state": Kind(
        ab.RICLPM(
            ["alliance", "days"],
            lags="equal",
            residuals="equal",
            state=ab.State("sponsor", ["alliance"], acquire=["days"], keep=["alliance", "days"], acts_on=["days"]),
        ),
        with_a_state(),
    ),
    "selection": Kind(
        ab.RICLPM(
            XY,
            lags="equal",
            residuals="equal",
            selection=[ab.Selection("interview", on=["y"], before=["x"], effect=ab.Normal(0.0, 0.5))],
        ),
        panel(XY),
    ),
    "items, days and a state": Kind(
        SPONSORED, with_a_state(ITEMS, [*((item, (1, 2, 3, 4)) for item in ITEMS), ("days", range(91))])
    ),
}
