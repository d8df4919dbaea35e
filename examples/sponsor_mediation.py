"""What explains the effect of a sponsor: contact and involvement, and what of the alliance, which has no "without"?

A synthetic study of known truth: 302 young adults after treatment, 3, 6 and 12 months later.
Run: python examples/sponsor_mediation.py (needs: pip install ".[regressions]")
"""

from pathlib import Path

import numpy as np
import typer
from matplotlib.figure import Figure

import alliance_bayes as ab


def main(draws: int = 1000, tune: int = 1000, chains: int = 4, figure: str = "sponsor_mediation.png") -> None:
    """Print the effects through contact and involvement, the split by the alliance, and the truth; draw both."""
    study = ab.sponsor_study("default", seed=1)
    file = ab.packaged_model("sponsor-mediation")
    print(study, file, sep="\n\n", end="\n\n")

    # Without a sponsor there are no contacts with one, so that contact under "no sponsor" is known: 0.
    through, split = file.ask(study.frame, draws=draws, tune=tune, chains=chains).values()
    print(through, end="\n\n")
    through.plot().savefig(figure, dpi=150)
    print(ab.sensitivity(through, effect="total"), end="\n\n")

    # Without a sponsor there is no alliance, not even a poor one: the split depends on the reference, hence several.
    print(split)
    split_figure(split).savefig(Path(figure).with_stem(f"{Path(figure).stem}_alliance"), dpi=150)

    with_sponsor, without = (ab.sponsor_study(persons=50_000, seed=2, sponsor={3: on}).complete for on in (True, False))
    total = (with_sponsor["days"] - without["days"])[with_sponsor["time"] == 6].mean()
    print(f"\nTrue: a sponsor at 3 months adds {total:.1f} days by 6 months. Of the processes behind, contact acts on")
    print("abstinence only through alliance and participation. SD of abstinence per SD:")
    acting = [f"{name} -> abstinence" for name in ("contact", "alliance", "participation")]
    print(study.truth.effects.loc[acting].round(2).to_string())


def split_figure(split: ab.Answer) -> Figure:
    """Draw the two parts of the effect over the reference: they add up to the total effect at every reference."""
    table = split.table
    with_reference = table[[" with alliance" in name for name in table.index]]
    above = table[[" above percentile" in name for name in table.index]]
    references = np.array([float(name.rpartition("(")[2][:-1]) for name in with_reference.index])
    figure = Figure(figsize=(8, 4.8), layout="constrained")
    axes = figure.subplots()
    parts = {"a sponsor with this alliance": with_reference, "the alliance as it is, above it": above}
    for (label, rows), colour in zip(parts.items(), ("#1b6ca8", "#c8553d"), strict=True):
        axes.fill_between(references, rows["lower"], rows["upper"], color=colour, alpha=0.18, linewidth=0)
        axes.plot(references, rows["mean"], "o-", color=colour, label=label)
    total = table.loc["sponsor_at_3, all"]
    axes.axhline(total["mean"], color="0.3", linestyle="--", label="both together: a sponsor")
    axes.axhline(0, color="0.6", linewidth=0.8)
    axes.set_xticks(references, [f"{reference:.1f}" for reference in references])
    axes.set_xlabel("reference: alliance, 1 to 7, at its 10th, 25th, 50th, 75th and 90th percentile")
    axes.set_ylabel("days of 90 by 6 months")
    axes.set_title("A sponsor, split by the alliance", loc="left", fontsize=11, fontweight="bold")
    axes.spines[["right", "top"]].set_visible(False)
    axes.legend(edgecolor="none", fontsize=9, loc="upper left")
    return figure


if __name__ == "__main__":
    typer.run(main)
