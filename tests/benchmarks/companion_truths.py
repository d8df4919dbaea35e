"""Whether the answers on direction are right where it is known what is true: companions of the sponsor study.

Four parts, each study of which is one line of a file, so that the run can be stopped and started again:
``python tests/benchmarks/companion_truths.py --results FILE [--parts gaussian joint confounded mnar] [--studies 100]
[--first 1] [--quick]``.

- ``gaussian``: 3,000 complete people of a Gaussian truth. A lead of 0.25 against 0, and 0.15 both ways, should be named
  in at least 85 of 100 studies.
- ``joint``: the sponsor study under the truths "null", "reverse" and "both", by the model with days of a window and the
  sponsor as a state. The opposite of the truth should be named in at most 5 of 100: under "null" that either leads or
  both, under "reverse" that alliance leads, under "both" that either leads or there is practically nothing. A verdict
  is "undecided" where the sampling is not healthy, so that it is counted too what the draws would have said.
- ``confounded``: 3,000 people, the Gaussian model that knows nothing of the hidden cause. It should be fooled, and
  `sensitivity` should say that a hidden cause no stronger than the true one takes all of the effect.
- ``mnar``: 3,000 people whose interviews depend on abstinence then. The Gaussian model's mean of days is off, and
  `delta_adjustment` shows at which delta it is right, and what happens to both effects there.
"""

import argparse
import json
import math
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

import alliance_bayes as ab

type Found = dict[str, object]

PARTS = {
    "gaussian": ("lead", "both"),
    "joint": ("null", "reverse", "both"),
    "confounded": ("confounded",),
    "mnar": ("mnar",),
}
LAGGED = {"lead": {"x -> y": 0.25}, "both": {"x -> y": 0.15, "y -> x": 0.15}}
NAMED = {"lead": "x leads", "both": "both"}
OPPOSITE = {
    "null": ("alliance leads", "days leads", "both"),
    "reverse": ("alliance leads",),
    "both": ("alliance leads", "days leads", "practically none"),
}
PERSONS = 3000
SAMPLING = {"cores": 1, "progress": False}  # as a user would: 4 chains of 1,000 draws
ABSTINENT = "percent_days_abstinent"
CAUSE = "hidden cause"
DELTAS = (-0.25, -0.5, -0.75, -1.0)


def gaussian(which: str, seed: int) -> Found:
    """Four waves, half of the variance stable."""
    truth = ab.Truth(
        ab.RICLPM(["x", "y"]),
        times=[0, 6, 12, 18],
        lagged=LAGGED[which],
        carry_over=0.3,
        icc=0.5,
        within_correlation=0.3,
        between_correlation=0.3,
    )
    panel = ab.simulate(truth, persons=PERSONS, seed=seed)
    fit = ab.fit(ab.RICLPM(["x", "y"], lags="equal", residuals="equal"), panel, seed=seed, **SAMPLING)
    return said(ab.directionality(fit, "x", "y"))


def joint(which: str, seed: int) -> Found:
    """The sponsor study as it was seen, by the model that knows what it is made of."""
    panel = ab.sponsor_study(which, seed=seed).panel(["alliance", "days"])
    fit = ab.fit(joint_spec(), panel, seed=seed, draws=600, tune=100, chains=2, **SAMPLING)
    integration = fit.health.integration
    return said(ab.directionality(fit, "alliance", "days")) | {
        "sampling_seconds": fit.settings.sampling_seconds,
        "effective_share": getattr(integration, "effective_share", math.nan),
    }


def joint_spec() -> ab.RICLPM:
    """Days of 90, 90 and 180; 6 to 12 months is two steps of three."""
    return ab.RICLPM(
        ["alliance", "days"],
        lags="grid",
        residuals="equal",
        families={"days": ab.Days((90, 90, 180))},
        state=ab.State(
            "sponsor",
            required_by=["alliance"],
            acquire=["days"],
            keep=["alliance", "days"],
            acts_on=["days"],
        ),
    )


def confounded(which: str, seed: int) -> Found:
    """Direction and mediation by a model without the hidden cause, and what `sensitivity` says of the latter."""
    study = ab.sponsor_study(which, persons=PERSONS, seed=seed)
    fit = ab.fit(plain_spec("contact"), study.panel(["contact", "alliance", ABSTINENT]), seed=seed, **SAMPLING)
    answer = ab.mediation(fit, treatment="contact", mediators=["alliance"], outcome=ABSTINENT, horizon=6, start=6)
    asked = ab.sensitivity(answer)
    with_true_cause = (
        asked.tables["curve"].loc[:strength].iloc[-1] if (strength := true_strength(study.truth)) < 0.9 else None
    )
    return said(ab.directionality(fit, "alliance", ABSTINENT)) | {
        "true_strength": strength,
        "indirect": float(asked.table.loc[0.0, "mean"]),
        "certain": float(asked.table.loc[0.0, "p_same_sign"]),
        "tips_sign": float(asked.tables["tipping"].loc["sign", "strength"]),
        "tips_effect": float(asked.tables["tipping"].loc["effect", "strength"]),
        "left": math.nan if with_true_cause is None else float(with_true_cause["mean"]),
        "sentence": asked.body[-1],
    }


def true_strength(truth: object) -> float:
    """Strength of a hidden cause as `sensitivity` counts it: root of its correlation with alliance times its effect.

    Partial correlation and regression would be of the model's scale; the correlation within persons and the effect
    over three months are what a reader of the truth would name.
    """
    within = pd.DataFrame(truth.within, index=truth.processes, columns=truth.processes)
    return math.sqrt(within.loc["alliance", CAUSE] * truth.lagged(3.0).loc["abstinence", CAUSE])


def plain_spec(*more: str) -> ab.RICLPM:
    """A Gaussian model to which alliance without a sponsor is missing."""
    return ab.RICLPM([*more, "alliance", ABSTINENT], lags="grid", residuals="equal", nonexistent="as_missing")


def mnar(which: str, seed: int) -> Found:
    """Means of days and effects if values are taken to be missing at random, and at every delta."""
    study = ab.sponsor_study(which, persons=PERSONS, seed=seed)
    panel = study.panel(["alliance", ABSTINENT])
    fit = ab.fit(plain_spec(), panel, seed=seed, **SAMPLING)
    adjusted = ab.delta_adjustment(
        fit,
        "alliance",
        ABSTINENT,
        measure=ABSTINENT,
        deltas=DELTAS,
        imputations=3,
        seed=seed,
        draws=200,
        tune=250,
        cores=1,
        progress=False,
    )
    whole = study.complete.merge(
        study.frame[["person", "time", "interviewed"]], on=["person", "time"], suffixes=("_", "")
    )
    later = whole[(whole["time"] > 0) & (whole["interviewed"] == 0)]
    true_mean = float(later[ABSTINENT].mean())
    imputed = adjusted.tables["scenarios"]["imputed_mean"].sort_index()
    return said(adjusted.parts["as fitted"]) | {
        "true_mean_of_unseen": true_mean,
        "imputed": {str(delta): float(mean) for delta, mean in imputed.items()},
        "right_delta": float(np.interp(true_mean, imputed.to_numpy(), imputed.index.to_numpy(float))),
        "verdicts": {str(delta): verdict for delta, verdict in adjusted.tables["scenarios"]["verdict"].items()},
        "tips_at": adjusted.tables["tipping"]["delta"].dropna().tolist(),
        "sentences": [*filter(lambda part: isinstance(part, str), adjusted.body[1:]), *adjusted.conclusion()],
    }


def said(answer: ab.Answer) -> Found:
    """Verdict, what the draws would have said whatever their health, and both effects."""
    events, certainty = answer.evidence, answer.arguments["certainty"]
    reached = events["probability"] - 2 * events["mcse"] >= certainty
    by_length = []
    for over in events.index.unique("over"):
        order = ["practically none", "both", *(f"{name} leads" for name in answer.arguments["between"])]
        by_length.append(next((event for event in order if reached[(over, event)]), "undecided"))
    return {
        "verdict": answer.verdict,
        "whatever_health": by_length[0] if len(set(by_length)) == 1 else "undecided",
        "healthy": answer.health.healthy,
        "problems": list(answer.health.problems),
        "effects": {f"{path}, {over}": float(row["mean"]) for (path, over), row in answer.table.iterrows()},
        "positive": {f"{path}, {over}": float(row["p_positive"]) for (path, over), row in answer.table.iterrows()},
        "effective": answer.health.ess_bulk,
    }


STUDIES: dict[str, Callable[[str, int], Found]] = {
    "gaussian": gaussian,
    "joint": joint,
    "confounded": confounded,
    "mnar": mnar,
}


def summary(part: str, which: str, chosen: list[Found]) -> str:
    """Counts of what was said."""
    counts = {
        name: pd.Series([each[name] for each in chosen]).value_counts().to_dict()
        for name in ("verdict", "whatever_health")
    }
    seconds = np.array([each["seconds"] for each in chosen])
    healthy = sum(bool(each["healthy"]) for each in chosen)
    effects = pd.DataFrame([each["effects"] for each in chosen]).mean().round(3).to_dict()
    words = [
        f"{part}, {which}: {len(chosen)} studies, {healthy} healthy, median {np.median(seconds):.0f} s, "
        f"at most {seconds.max():.0f} s",
        f"  verdicts {counts['verdict']}; whatever the health {counts['whatever_health']}",
        f"  mean effects {effects}",
    ]
    if part == "gaussian":
        words.append(f"  named: {sum(each['verdict'] == NAMED[which] for each in chosen)} of {len(chosen)}")
    if part == "joint":
        wrong = {name: sum(each[name] in OPPOSITE[which] for each in chosen) for name in counts}
        words.append(f"  opposite of the truth: {wrong['verdict']} ({wrong['whatever_health']}) of {len(chosen)}")
    if part == "confounded":
        path = f"alliance -> {ABSTINENT}"
        fooled = sum(min(p for name, p in each["positive"].items() if name.startswith(path)) > 0.95 for each in chosen)
        flagged = sum(each["tips_effect"] <= each["true_strength"] for each in chosen)
        words.append(
            f"  {path} positive with probability above 0.95 over every interval, though it is 0: {fooled} of "
            f"{len(chosen)}; indirect effect gone with a hidden cause of at most the true strength "
            f"{chosen[0]['true_strength']:.2f}: {flagged} of {len(chosen)}; median tipping strength "
            f"{np.nanmedian([each['tips_effect'] for each in chosen]):.2f}"
        )
    if part == "mnar":
        off = np.mean([each["imputed"]["0.0"] - each["true_mean_of_unseen"] for each in chosen])
        right = np.mean([each["right_delta"] for each in chosen])
        tips = sum(any(place >= each["right_delta"] for place in each["tips_at"]) for each in chosen)
        words.append(
            f"  unseen days are believed {off:+.1f} percentage points too many; right at delta {right:.2f}; some sign "
            f"becomes uncertain on the way there: {tips} of {len(chosen)}"
        )
    return "\n".join(words)


def main() -> None:
    """Do what is not yet in the file, then print the counts."""
    parser = argparse.ArgumentParser(description="Verdicts on direction where it is known what is true.")
    parser.add_argument("--results", type=Path, default=Path("companion-truths.jsonl"))
    parser.add_argument("--parts", nargs="+", choices=list(PARTS), default=list(PARTS))
    parser.add_argument("--first", type=int, default=1, help="seed to begin with, to share the work")
    parser.add_argument("--studies", type=int, default=100, help="the last seed")
    parser.add_argument("--quick", action="store_true", help="one study of each")
    given = parser.parse_args()
    done = [json.loads(line) for line in given.results.read_text().splitlines()] if given.results.is_file() else []
    known = {(each["part"], each["truth"], each["seed"]) for each in done}
    for part in given.parts:
        for seed in range(given.first, (given.first + 1 if given.quick else given.studies) + 1):
            for which in PARTS[part]:
                if (part, which, seed) in known:
                    continue
                started = time.perf_counter()
                found = STUDIES[part](which, seed)
                done.append(
                    {"part": part, "truth": which, "seed": seed, "seconds": time.perf_counter() - started, **found}
                )
                with given.results.open("a") as lines:
                    lines.write(json.dumps(done[-1]) + "\n")
    for part in given.parts:
        for which in PARTS[part]:
            chosen = [each for each in done if (each["part"], each["truth"]) == (part, which)]
            if chosen:
                print(summary(part, which, chosen))


if __name__ == "__main__":
    main()
