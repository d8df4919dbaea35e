"""The questions of the sponsor study, one by one, with their cautions, and what is true.

A synthetic study of known truth: 302 young adults after treatment, 3, 6 and 12 months later.
Run: python examples/sponsor_questions.py [--draws 1000] [--questions sponsor alliance ...]
(needs: pip install ".[regressions]"; asks about participation unless questions are named)
"""

import argparse
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache

import numpy as np
import pandas as pd

import alliance_bayes as ab

DAYS = "percent_days_abstinent"
AT_ENTRY = ("sponsor_at_entry", "severity", "commitment", "self_efficacy", "dual_diagnosis")
AT_ENTRY += ("percent_days_abstinent_at_entry", "attendance_at_entry")
MANY = 50_000  # persons in whom a true effect is read off
SAME = (1.0, 0.8, 0.6)
PAIRS = [("alliance", 3, DAYS, 6), ("alliance", 6, DAYS, 12), (DAYS, 3, "alliance", 6), (DAYS, 6, "alliance", 12)]


@dataclass
class Report:
    """What is printed: each question in words, its estimand, numbers with their truth, and cautions.

    Assumptions are printed where they are needed first.
    """

    study: ab.SponsorStudy
    sampling: dict[str, int]
    studies: int
    said: set[str] = field(default_factory=set)

    def question(self, words: str, estimand: str) -> None:
        """Start a question."""
        print(f"\n{'=' * 100}\n{words}\nEstimand: {estimand}")

    def number(self, label: str, row: pd.Series, truth: str = "", *, per: float = 1.0, unit: str = "") -> None:
        """Print one estimate with its interval, divided by `per`, beside what is true."""
        mean, lower, upper = (row[name] / per for name in ("mean", "lower", "upper"))
        line = f"  {label:44} {mean:6.2f} [{lower:6.2f}, {upper:6.2f}] {unit:22} P(> 0) {_share(row['p_positive'])}"
        print(f"{line}   true: {truth}" if truth else line)

    def cautions(self, sentences: Iterable[str]) -> None:
        """Print what was not printed before."""
        new = [sentence for sentence in dict.fromkeys(sentences) if sentence not in self.said]
        self.said.update(new)
        print("\n".join(f"  - {sentence}" for sentence in new))

    def cautions_of(self, answer: ab.Answer, *more: str) -> None:
        """Print what a simulated effect warns of and rests on."""
        self.cautions([*more, *answer.reasons, *answer.health.problems, *answer.assumptions])

    def ask(self, name: str) -> dict[str, ab.Answer]:
        """Put the questions of a causal file to the study."""
        return ab.packaged_model(name).ask(self.study.frame, **self.sampling)

    def fit(self, name: str) -> tuple[ab.ModelFile, ab.Fit]:
        """Fit the panel model of a model file to the study."""
        file = ab.packaged_model(name)
        return file, ab.fit(file.spec, file.panel(self.study.frame), **self.sampling_of(file))

    def sampling_of(self, file: ab.ModelFile) -> dict[str, int]:
        """As asked, but with the warm-up of the file: panel models need less than regressions."""
        return {**file.sampling, **self.sampling, "tune": file.sampling["tune"]}


def _share(probability: float) -> str:
    """A probability from draws, never 0 or 1."""
    return "< 0.01" if probability < 0.005 else "> 0.99" if probability > 0.995 else f"= {probability:.2f}"


@cache
def many(truth: str, sponsor: tuple[tuple[int, bool], ...] = (), alliance: int | None = None) -> pd.DataFrame:
    """Many persons of the same truth, some things being set or moved, one row per person."""
    moved = {} if alliance is None else {alliance: 1.0}
    complete = ab.sponsor_study(truth, persons=MANY, seed=1, sponsor=dict(sponsor), alliance=moved).complete
    return complete.set_index(["person", "time"]).unstack()  # noqa: PD010


def true_effect_of_sponsor(truth: str, column: str, whom: Callable[[pd.DataFrame], pd.Series] | None = None) -> float:
    """Mean difference at 6 months that a sponsor at 3 makes, in everybody or in some."""
    on, off = (many(truth, sponsor=((3, value),)) for value in (True, False))
    difference = on[column, 6] - off[column, 6]
    return float((difference if whom is None else difference[whom(on.xs(0, level="time", axis=1))]).mean())


def adjusted_in_many(truth: str, column: str) -> float:
    """Coefficient of a sponsor at 3 months on an outcome at 6, adjusted for the answers at entry alone."""
    people = many(truth)
    known = [people[name, 0] for name in AT_ENTRY]
    design = np.column_stack([people["sponsor", 3], np.ones(len(people)), *known])
    return float(np.linalg.lstsq(design, people[column, 6], rcond=None)[0][0])


def true_effect_of_alliance(truth: str, at: int, later: int) -> float:
    """Days of 90 for each point of the rated alliance that everyone's alliance is higher, of those with a sponsor."""
    moved, left = many(truth, alliance=at), many(truth)
    with_sponsor = left["sponsor", at] == 1
    days = (moved["days", later] - left["days", later])[with_sponsor].mean() * 90 / left["window", later].iloc[0]
    return float(days / (moved["alliance", at] - left["alliance", at])[with_sponsor].mean())


def sponsor(report: Report) -> None:
    """Is a sponsor related to abstinence, attendance and involvement, and for whom?"""
    truth = report.study.truth.name
    report.question(
        "What does a sponsor do to days without alcohol and drugs, to meetings, to involvement? For whom?",
        "the mean at 6 months if everyone had a sponsor at 3 months, minus the mean if no one had (g-formula)",
    )
    whom = {
        "days, of people with commitment 1 SD lower": lambda who: who["commitment"].between(-1.5, -0.5),
        "days, of people 1 SD more severe": lambda who: who["severity"].between(0.5, 1.5),
        "days, of people with a dual diagnosis": lambda who: who["dual_diagnosis"] == 1,
    }
    outcomes = {
        "days": ("days", "days per 90"),
        "meetings": ("meetings", "meetings in 90 days"),
        "activities": ("involvement_without_sponsor", "of 6"),
    }
    answers = report.ask("sponsor-outcomes")
    for name, answer in answers.items():
        column, unit = outcomes.get(name, outcomes["days"])
        true = true_effect_of_sponsor(truth, column, whom.get(name))
        report.number(name, answer.table.iloc[0], f"{true:.2f}", unit=unit)
    bias = ", ".join(f"{adjusted_in_many(truth, column):.1f} {unit}" for column, unit in outcomes.values())
    print(f"  The same adjustment in {MANY:,} people of this truth, linear, gives {bias}: it is biased.")
    lower = answers["days, of people with commitment 1 SD lower"]
    difference = (lower.draws - answers["days"].draws).to_array().squeeze()
    print(f"  P(it does less for the less committed) = {float((difference < 0).mean()):.2f}")
    print(answers["days"].tables["overlap"].round(2).to_string())
    report.cautions_of(
        answers["days"],
        "People with a sponsor go to more meetings and did so before; the answers at entry may not cover all of that.",
        "Involvement is counted without the items on the sponsor, which would make it partly arithmetic.",
        "For people unlike these, as the less committed, the regressions extrapolate.",
    )
    always = report.ask("sponsor-always")["always against never"]
    regimes = [tuple((time, on) for time in (3, 6, 12)) for on in (True, False)]
    on, off = (many(truth, sponsor=regime)["days", 12].mean() for regime in regimes)
    report.question(
        "And a sponsor all the time?",
        "mean days of the 90 before 12 months with a sponsor at 3, 6 and 12 months, minus the mean with none at any",
    )
    report.number("always against never", always.table.iloc[0], f"{(on - off) / 2:.2f}", per=2, unit="days per 90")
    report.cautions_of(always, "There are no data beyond 12 months, and no answer.")


def alliance(report: Report) -> None:
    """Does the alliance do anything beyond contact, and more so later?"""
    truth = report.study.truth.name
    report.question(
        "Does the alliance act on abstinence beyond contact and what was known, and is it stronger later?",
        "mean days if everyone's alliance were a point higher (of 1 to 7), contact, meetings and days as they are; "
        "people with a sponsor",
    )
    answers = report.ask("sponsor-alliance")
    draws = {}
    for (name, answer), (at, later, windows) in zip(answers.items(), ((3, 6, 1), (6, 12, 2)), strict=True):
        true = true_effect_of_alliance(truth, at, later)
        report.number(name, answer.table.iloc[0], f"{true:.2f}", per=windows, unit="days per 90")
        draws[name] = answer.draws.to_array().squeeze().to_numpy().ravel() / windows
    first, second = draws.values()
    print(f"  P(more than 3 days), 3 to 6 months = {(first > 3).mean():.2f}, 6 to 12 = {(second > 3).mean():.2f}")
    print(f"  P(larger from 6 to 12 months) = {(second > first).mean():.2f}")
    report.cautions_of(
        answers["3 to 6 months"],
        "A higher rating need not be a better relationship: the items may hold the person's mood.",
        "A quarter of those with a sponsor never rated the alliance; they are excluded.",
    )

    report.question(
        "Stronger later, or merely accumulated?",
        "(a) the published association with percent of days by time; (b) lagged effects of each interval, within "
        "persons",
    )
    published = ab.packaged_model("association-kelly-2016").spec["alliance beyond contact"]
    associations = ab.association(published, report.study.frame, seed=2, draws=report.sampling["draws"], chains=2)
    for time in published.times:
        row = associations.tables["by_time"].loc[DAYS, "as published", "alliance", time]
        report.number(f"(a) association at {time:g} months", row, unit="% of days per point")
    file, free = report.fit("sponsor-later")
    print(next(iter(file.ask(free).values())))
    _, constant = report.fit("sponsor-precedence")
    print(ab.compare({"constant effect, which accumulates": constant, "an effect of each interval": free}))
    report.cautions(
        [
            "An association that grows is not an effect that grows: in this study the effect is the same at all times "
            "and acts on from when the sponsor was found (examples/sponsor_association.py shows it in 4,000 persons).",
            "The second interval is twice as long: effects of the two are not of one length.",
        ]
    )


def participation(report: Report) -> None:
    """Does contact lead to participation?"""
    report.question(
        "Does contact with the sponsor lead to more meetings?",
        "lagged effect within persons of contacts on meetings per week, over the lag, SD per SD",
    )
    file, fit = report.fit("sponsor-participation")
    curve, direction = file.ask(fit).values()
    true = report.study.truth.lagged(3).loc["participation", "contact"]
    published = ab.packaged_model("association-kelly-2016").spec["alliance beyond contact"]
    associations = ab.association(published, report.study.frame, seed=2, draws=report.sampling["draws"], chains=2)
    for time in published.times:
        row = associations.tables["by_time"].loc["attendance", "as published", "contact", time]
        report.number(f"association at {time:g} months, as published", row, unit="meetings per contact")
    print(curve)
    print(f"Verdict: {direction.verdict}. True, of the processes behind: {true:.2f} over 3 months.")
    report.cautions(["Counts of meetings and contacts are noisy measures, which makes effects over a lag smaller."])


def precedence(report: Report) -> None:
    """Which comes first?"""
    report.question(
        "Does the alliance come before abstinence, and is the reverse unlikely?",
        "lagged effects within persons, SD per SD, 3 months apart; which one is larger in size, by more than 0.03",
    )
    file, fit = report.fit("sponsor-precedence")
    for question, answer in zip(file.questions, file.ask(fit).values(), strict=True):
        print(f"\n{question}\n{answer}")
    leads = report.study.truth.effects.round(2).loc[[*LEADS]]
    print(f"\nTrue, of the processes behind, while there is a sponsor:\n{leads}")


LEADS = ("alliance -> abstinence", "abstinence -> alliance")


def changed(report: Report) -> None:
    """What if some have changed their sponsor?"""
    report.question(
        "What if some of those who kept a sponsor have a new one, with whom the alliance restarts?",
        "lagged effects within persons while there is the same sponsor, SD per SD, 3 months apart, by the probability "
        "that a sponsor kept over an interval is the same person",
    )
    file = ab.packaged_model("sponsor-precedence")
    assert file.spec.state is not None
    panel, named = file.panel(report.study.frame), report.study.truth.effects.loc[[*LEADS], "3 months"]
    for same in SAME:
        spec = replace(file.spec, state=replace(file.spec.state, same=same))
        fit = ab.fit(spec, panel, **report.sampling_of(file))
        answer = ab.directionality(fit, "alliance", DAYS)
        for path, true in zip((f"alliance -> {DAYS}", f"{DAYS} -> alliance"), named, strict=True):
            label = f"{path.replace(DAYS, 'days')}, the same in {100 * same:.0f} %"
            report.number(label, answer.table.loc[path, "3 to 6"], f"{true:.2f}, of the processes", unit="SD")
        print("\n".join((f"  Verdict: {answer.verdict}", *(f"  {problem}" for problem in fit.health.problems))))
    report.cautions(
        [
            "The study did not ask whether the sponsor is the same, so no data choose among these lines. In this "
            "synthetic study nobody changes sponsors without a time without one.",
            *answer.assumptions,
        ]
    )


def explanation(report: Report) -> None:
    """What explains the effect of a sponsor?"""
    truth = report.study.truth
    report.question(
        "What explains the effect of a sponsor: contact, involvement, the alliance?",
        "interventional effects on days of 90 through contact and involvement at 3 months; without a sponsor there is "
        "no alliance, hence no effect through it, but a split by a reference",
    )
    answers = report.ask("sponsor-mediation")
    for answer in answers.values():
        for name, row in answer.table.iterrows():
            report.number(str(name).replace("_at_3", ""), row, unit="days per 90")
        report.cautions_of(answer)
    total, through = true_effect_of_sponsor(truth.name, "days"), truth.effects
    print(
        f"True: total {total:.2f} days. Of the processes behind, contact acts on abstinence by "
        f"{through.loc['contact -> abstinence', 'direct']:g} directly and by "
        f"{through.loc['contact -> abstinence', '3 months']:.2f} SD over 3 months through others; the alliance by "
        f"{through.loc['alliance -> abstinence', '3 months']:.2f}, participation by "
        f"{through.loc['participation -> abstinence', '3 months']:.2f}."
    )
    print(ab.sensitivity(answers["through contact and involvement"], effect="total").body[-1])


def design(report: Report) -> None:
    """What could a study like this one see?"""
    report.question(
        "What could this design see?",
        f"shares of {report.studies} studies of this size, in which what is true is known",
    )
    n = report.studies
    rows = {}
    for truth in ("default", "null", "reverse", "both", "confounded"):
        patterns = np.array([significant(ab.sponsor_study(truth, seed=1000 + study).frame) for study in range(n)])
        forward, reverse = patterns[:, :2], patterns[:, 2:]
        rows[truth] = {
            "forward, both": forward.all(axis=1).mean(),
            "reverse, any": reverse.any(axis=1).mean(),
            "as published": (forward.all(axis=1) & ~reverse.any(axis=1)).mean(),
        }
    print("Correlations over a lag with p < .05; as published: alliance before days twice, the reverse never")
    print(pd.DataFrame(rows).T.round(2).to_string())
    few = max(2, n // 5)
    file = ab.packaged_model("riclpm-alliance-abstinence")
    options = {"draws": 300, "tune": 300, "chains": 2, "cores": 1, "progress": False}
    sure = 0
    for study in range(few):
        panel = ab.simulate(file.truth, persons=153, seed=study)
        table = ab.directionality(ab.fit(file.spec, panel, seed=study, **options), "alliance", "abstinence").table
        sure += bool(table.loc["alliance -> abstinence", "p_positive"].iloc[0] > 0.95)
    print(
        f"Of {few} studies of 153 people, all observed three times, in which the alliance leads by .12 over 3 months "
        f"and the reverse is 0, an RI-CLPM has P(effect > 0) above 0.95 in {sure}."
    )
    report.cautions(
        [
            "The published pattern of correlations is rare under every truth, so that seeing it says less than it "
            "seems: divide the shares of two truths.",
            f"Shares of {n} studies have a standard error of up to {0.5 / np.sqrt(n):.2f}.",
        ]
    )


def significant(frame: pd.DataFrame) -> list[bool]:
    """Whether each correlation over a lag is above 0 with p < .05 two-sided."""
    wide = frame.set_index(["person", "time"])[["alliance", DAYS]].unstack()  # noqa: PD010
    above = []
    for earlier, before, later, after in PAIRS:
        both = wide[[(earlier, before), (later, after)]].dropna()
        z = np.arctanh(np.corrcoef(both.T)[0, 1]) * np.sqrt(len(both) - 3)
        above.append(bool(z > 1.96))
    return above


# Each question is a function of the report; add another one to this table to ask it.
QUESTIONS: dict[str, Callable[[Report], None]] = {
    "sponsor": sponsor,
    "alliance": alliance,
    "participation": participation,
    "precedence": precedence,
    "changed": changed,
    "explanation": explanation,
    "design": design,
}


def main(
    draws: int = 1000,
    tune: int = 1000,
    chains: int = 2,
    questions: Sequence[str] = ("participation",),
    truth: str = "default",
    studies: int = 50,
) -> None:
    """Ask questions of the synthetic cohort and print the answers."""
    study = ab.sponsor_study(truth, seed=1)
    print(study)
    report = Report(study, {"draws": draws, "tune": tune, "chains": chains}, studies)
    for name in questions:
        QUESTIONS[name](report)


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--draws", type=int, default=1000)
    arguments.add_argument("--tune", type=int, default=1000)
    arguments.add_argument("--chains", type=int, default=2)
    arguments.add_argument("--questions", nargs="+", choices=QUESTIONS, default=["participation"])
    arguments.add_argument("--truth", default="default")
    arguments.add_argument("--studies", type=int, default=50, help="simulated studies of what the design could see")
    main(**vars(arguments.parse_args()))
