"""Do hours of work lead wages, or wages hours?

The wage panel of Vella & Verbeek (1998): 545 young men, every year from 1980 to 1987.
Run: python examples/wages.py (needs: pip install ".[examples]")
"""

import typer
from linearmodels.datasets import wage_panel

import alliance_bayes as ab

MEASURES = ["hours", "lwage"]  # hours worked in the year; logarithm of the hourly wage


def main(draws: int = 1000, tune: int = 500, chains: int = 4, figure: str = "wages.png") -> None:
    """Print the maximum-likelihood estimates and the evidence on direction, and draw it."""
    panel = ab.Panel.from_long(wage_panel.load(), person="nr", time="year", measures=MEASURES)
    print(panel, end="\n\n")

    spec = ab.RICLPM(MEASURES, lags="equal")
    estimates = ab.maximum_likelihood(spec, panel)
    print(estimates, end="\n\n")

    fit = ab.fit(spec, panel, seed=20, draws=draws, tune=tune, chains=chains)
    answer = ab.directionality(fit, "hours", "lwage")
    print(fit, answer, sep="\n\n")
    answer.plot().savefig(figure, dpi=150)


if __name__ == "__main__":
    typer.run(main)
