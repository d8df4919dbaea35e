"""Targets of the synthetic sponsor study beside what a population of it gives."""

import numpy as np
import pandas as pd

from alliance_bayes.simulation.sponsor_cohort.truths import TIMES

ENROLLED = 302


def targets(study):
    """Table of ``target``, ``found``, ``error`` (standard error of ``found``) and ``rounding`` (of ``target``)."""
    n = study.n_persons
    wide = {name: study.frame[name].to_numpy(dtype=float).reshape(n, len(TIMES)) for name in NEEDED}
    seen, sponsor, alliance = wide["interviewed"] == 1, wide["sponsor"], wide["alliance"]
    days, meetings = wide["percent_days_abstinent"], wide["attendance"]
    items = study.frame[[f"alliance_{item}" for item in range(1, 11)]].to_numpy().reshape(n, len(TIMES), 10)
    complete_days = study.complete["percent_days_abstinent"].to_numpy().reshape(n, len(TIMES))
    everybody = study.complete["sponsor"].to_numpy().reshape(n, len(TIMES)) == 1
    rows = {}

    def share(label, holds, among, target, rounding=0.0005):
        value = holds[among].mean()
        rows[label] = (target, value, np.sqrt(value * (1 - value) / among.sum()), rounding)

    def mean(label, values, target, rounding):
        values = values[~np.isnan(values)]
        rows[label] = (target, values.mean(), values.std() / np.sqrt(values.size), rounding)

    def correlation(label, first, second, target):
        both = ~np.isnan(first) & ~np.isnan(second)
        value = np.corrcoef(first[both], second[both])[0, 1]
        rows[label] = (target, value, (1 - value**2) / np.sqrt(both.sum()), 0.005)

    def persons(label, holds, target, rounding=0.5):
        value = holds.mean()
        rows[label] = (target, ENROLLED * value, ENROLLED * np.sqrt(value * (1 - value) / n), rounding)

    for wave, target in enumerate((0.137, 0.686, 0.583, 0.469)):
        share(f"sponsor, {TIMES[wave]}", everybody[:, wave], np.ones(n, dtype=bool), target)
    for wave, acquired, kept in ((1, 0.665, 0.823), (2, 0.162, 0.775), (3, 0.136, 0.708)):
        share(f"acquired, {TIMES[wave]}", everybody[:, wave], ~everybody[:, wave - 1], acquired)
        share(f"kept, {TIMES[wave]}", everybody[:, wave], everybody[:, wave - 1], kept)
    ever = (sponsor[:, 1:] == 1).any(axis=1)
    persons("ever with a sponsor, of 302", ever, 209)
    rated = (~np.isnan(alliance[:, 1:])).any(axis=1)
    share("alliance rated, of these", rated, ever, 153 / 208)
    for wave, target in ((1, 0.83), (2, 0.74), (3, 0.70)):
        share(f"interviewed, {TIMES[wave]}", seen[:, wave], np.ones(n, dtype=bool), target, 0.005)
    for wave, anyone, weekly in ((0, 0.36, 0.6), (1, 0.89, 3.0), (2, 0.82, 2.0), (3, 0.76, 1.2)):
        share(f"any meeting, {TIMES[wave]}", meetings[:, wave] > 0, seen[:, wave], anyone, 0.005)
        mean(f"meetings per week, {TIMES[wave]}", meetings[:, wave], weekly, 0.05)
    for wave, with_one, without in ((0, 40, 32), (1, 88, 77), (2, 83, 68), (3, 79, 63)):
        complete = complete_days[:, wave]
        mean(f"% days, with a sponsor, {TIMES[wave]}", complete[everybody[:, wave]], with_one, 0.5)
        mean(f"% days, without, {TIMES[wave]}", complete[~everybody[:, wave]], without, 0.5)
    for wave, target, none, whole in (
        (0, 33, 0.32, 0.01),
        (1, 85, 0.02, 0.60),
        (2, 77, 0.06, 0.50),
        (3, 71, 0.10, 0.42),
    ):
        complete = complete_days[:, wave]
        mean(f"% days, all, {TIMES[wave]}", complete, target, 1.0)
        share(f"no abstinent day, {TIMES[wave]}", complete == 0, np.ones(n, dtype=bool), none, 0.005)
        share(f"only abstinent days, {TIMES[wave]}", complete == 100, np.ones(n, dtype=bool), whole, 0.005)
    for wave, same_time in ((1, 0.10), (2, 0.13), (3, 0.15)):
        correlation(f"r(alliance, days), {TIMES[wave]}", alliance[:, wave], days[:, wave], same_time)
    for wave, forward, backward in ((2, 0.18, 0.09), (3, 0.20, 0.09)):
        correlation(f"r(alliance before, days), {TIMES[wave]}", alliance[:, wave - 1], days[:, wave], forward)
        correlation(f"r(days before, alliance), {TIMES[wave]}", days[:, wave - 1], alliance[:, wave], backward)
    for wave, forward, backward in ((2, 140, 119), (3, 106, 86)):
        persons(f"pairs alliance before, {TIMES[wave]}", (sponsor[:, wave - 1] == 1) & seen[:, wave], forward, 3)
        persons(f"pairs days before, {TIMES[wave]}", (sponsor[:, wave] == 1) & seen[:, wave - 1], backward, 3)
    for wave, time in enumerate(TIMES):
        answered = items[:, wave][~np.isnan(items[:, wave]).any(axis=1)]
        covariance = np.cov(answered, rowvar=False)
        alpha = 10 / 9 * (1 - np.trace(covariance) / covariance.sum())
        rows[f"Cronbach's alpha, {time}"] = (0.953, alpha, 0.002, 0.002)
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["target", "found", "error", "rounding"])
    return table.assign(deviation=table["found"] - table["target"])


NEEDED = ("interviewed", "sponsor", "alliance", "percent_days_abstinent", "attendance")
