"""What goes together in the sponsor study, as published analyses ask it, and what that does not say.

A synthetic study of known truth: 302 young adults after treatment, 3, 6 and 12 months later.
Run: python examples/sponsor_association.py (needs: pip install ".[regressions]")
"""

from dataclasses import replace
from pathlib import Path

import typer

import alliance_bayes as ab


def main(draws: int = 1000, chains: int = 4, figure: str = "sponsor_association.png") -> None:
    """Print who acquired and kept a sponsor, the associations with their cautions, and what is true."""
    study = ab.sponsor_study("default", seed=1)
    print(study, end="\n\n")

    panel = study.panel(["alliance", "days"], times=(0, 3, 6, 12))
    moves = panel.transitions("sponsor")
    print(moves, end="\n\n")
    moves.plot().savefig(Path(figure).with_stem(f"{Path(figure).stem}_transitions"), dpi=150)

    file = ab.packaged_model("association-kelly-2016")
    answers = file.ask(study.frame, draws=draws, chains=chains)
    for name, answer in answers.items():
        print(f"{name.upper()}\n{answer}", end="\n\n")
    answers["alliance beyond contact"].plot().savefig(figure, dpi=150)

    print("An association at the same time does not show what leads; one that grows does not show a growing effect.")
    print("Percent of days per unit of alliance, as published, in 4,000 persons where this is true:")
    days = replace(file.spec["alliance beyond contact"], outcomes=["percent_days_abstinent"])
    for truth in ("default", "null"):
        larger = ab.sponsor_study(truth, persons=4000, seed=8)
        by_time = ab.association(days, larger.frame, seed=2, draws=draws, chains=chains).tables["by_time"]
        shown = by_time.xs("as published", level="model").xs("alliance", level="exposure").droplevel("outcome")
        print(f"{truth}: {larger.truth.summary}")
        print(shown[["mean", "lower", "upper"]].round(2).to_string())


if __name__ == "__main__":
    typer.run(main)
