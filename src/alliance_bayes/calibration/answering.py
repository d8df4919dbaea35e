"""What many replicates come to: tables, a verdict, and a figure."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..basics.names import number, quoted
from ..basics.text_tables import TextTable
from ..batches import BatchResults
from ..figures.calibration import RanksPanel, ReliabilityPanel, calibration_figure
from ..questions.answer import LIMITS, Answer, Sampling
from .quantities import plain_names
from .reliability import Reliability, table_of_events, table_of_verdicts
from .replicating import RANKED
from .uniformity import LARGEST_FACTOR, LEVELS, band, holm, shape_in_words, smallest_found, table_of_ranks

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["FEWEST", "LEVEL", "answer_of"]

LEVEL = 0.01
"""Of all tests together, by Holm's procedure."""
UNDECIDED = "undecided"
WITHHELD = "not healthy"
FEWEST = 50
"""Replicates that a verdict needs."""
MOST_SHOWN = 12
MOST_DRAWN = 16
"""Panels of ranks in a figure, and half as many of events: those with the smallest p values."""


def answer_of(
    batch: BatchResults, *, question: str, arguments: Mapping[str, Any], heading: str, sentence: str, seed: int
) -> Answer:
    """The answer to a question about calibration.

    Parameters
    ----------
    batch
        What the replicates kept.
    question, arguments, heading
        As of an `Answer`.
    sentence
        What the ranks are conditional on.
    seed
        Of the null distributions.
    """
    table = batch.table
    done = table[table["status"] == "done"]
    rng = np.random.default_rng([seed, *b"calibration"])
    ranks, below = (_in_plain_names(_spread_out(done, "quantities", name)) for name in ("ranks", "below"))
    stated, holds = (_spread_out(done, "events", name) for name in ("probabilities", "holds"))
    stated = _inside(stated, done)
    of_ranks = table_of_ranks(ranks, below)
    of_events, diagrams = table_of_events(stated, holds, rng)
    given = _verdicts(done, stated, holds)
    of_verdicts = table_of_verdicts(given[~given["verdict"].isin([UNDECIDED, WITHHELD])], rng)
    tables = {"ranks": of_ranks, "events": of_events, "verdicts": of_verdicts}
    adjusted = holm([float(p) for part in tables.values() for p in part["p"]])
    starts = np.cumsum([0, *(len(part) for part in tables.values())])
    for start, (name, part) in zip(starts, list(tables.items()), strict=False):
        tables[name] = part.assign(p_holm=adjusted[start : start + len(part)])
    of_ranks, of_events, of_verdicts = tables.values()
    of_ranks["verdict"] = [shape_in_words(row) if row["p_holm"] < LEVEL else "" for _, row in of_ranks.iterrows()]
    wrong = [str(name) for part in tables.values() for name in part.index[part["p_holm"] < LEVEL]]
    counts = _counts(table, done, given)
    if len(done) > 1:
        shown = smallest_found(len(done), LEVEL / len(adjusted), RANKED)
        counts |= dict(zip(("too_narrow", "too_wide"), shown, strict=True))
    return Answer(
        question=question,
        arguments=arguments,
        heading=f"{heading}; {len(table)} replicates",
        table=of_ranks,
        body=(
            _counts_in_words(counts),
            *([_power_in_words(counts, len(done), len(adjusted))] if "too_wide" in counts else []),
            _ranks_in_words(of_ranks),
            *([_events_in_words(of_events)] if len(of_events) else []),
            *([_verdicts_in_words(of_verdicts, counts)] if len(given) else []),
        ),
        health=Sampling(_problems(table, done)),
        tables={
            "events": of_events,
            "verdicts": of_verdicts,
            "replicates": pd.DataFrame([counts]),
            "rank_of_each": ranks.reset_index(names="replicate"),
        },
        verdict=_verdict(wrong, len(done), len(adjusted)),
        reasons=tuple(f"{name}: {of_ranks.loc[name, 'verdict']}." for name in wrong if name in of_ranks.index),
        assumptions=(
            sentence,
            "Replicates that failed have no ranks. Where the data alone decide that (a category that nobody has), the "
            "others stay calibrated; where the sampler does, they need not.",
            "Fits that are not healthy are ranked with the others.",
        ),
        before_assumptions=LIMITS,
        computation="Fits",
        figure=partial(_figure, diagrams=diagrams),
    )


def _spread_out(done: pd.DataFrame, names: str, values: str) -> pd.DataFrame:
    """A row for each replicate and a column for each name, from arrays of names and of values."""
    if names not in done:
        return pd.DataFrame()
    rows = [
        dict(zip(map(str, of_names), of_values, strict=True))
        for of_names, of_values in zip(done[names], done[values], strict=True)
    ]
    return pd.DataFrame(rows, index=done["number"].to_numpy(), dtype=float)


def _in_plain_names(ranks: pd.DataFrame) -> pd.DataFrame:
    return ranks.rename(columns=plain_names(ranks.columns))


def _inside(stated: pd.DataFrame, done: pd.DataFrame) -> pd.DataFrame:
    """Probabilities as finite samples know them: that of 0 of n draws is about 0.5 / (n + 1)."""
    if stated.empty:
        return stated
    n = done["effective"].to_numpy(float)[:, None]
    return (stated * n + 0.5) / (n + 1)


def _verdicts(done: pd.DataFrame, stated: pd.DataFrame, holds: pd.DataFrame) -> pd.DataFrame:
    """Every verdict with the probability of what it states, and whether that holds; unhealthy fits give none."""
    columns = ["verdict", "stated", "holds"]
    rows = []
    for _, row in done.iterrows():
        for about, verdict, event in zip(row["pairs"], row["verdicts"], row["verdict_events"], strict=True):
            if verdict == UNDECIDED:
                rows.append((UNDECIDED if row["healthy"] else WITHHELD, np.nan, np.nan))
            else:
                at = row["number"], str(event)
                rows.append((f"{about}: {verdict}", stated.loc[at], holds.loc[at]))
    return pd.DataFrame(rows, columns=columns)


def _counts(table: pd.DataFrame, done: pd.DataFrame, given: pd.DataFrame) -> dict[str, float]:
    healthy = done["healthy"].astype(bool) if len(done) else pd.Series(dtype=bool)
    return {
        "asked": len(table),
        "failed": len(table) - len(done),
        "unhealthy": int((~healthy).sum()),
        "least_effective": float(done["effective"].min()) if len(done) else np.nan,
        "verdicts": len(given),
        "undecided": int((given["verdict"] == UNDECIDED).sum()),
        "withheld": int((given["verdict"] == WITHHELD).sum()),
    }


def _problems(table: pd.DataFrame, done: pd.DataFrame) -> tuple[str, ...]:
    problems = []
    failed = table[table["status"] == "failed"]
    for (error, message), group in failed.groupby(["error", "message"], sort=False):
        problems.append(f"{len(group)} of {len(table)} replicates failed, {error}: {str(message).splitlines()[0]}")
    if len(done):
        unhealthy = done.loc[~done["healthy"].astype(bool), "health"]
        if len(unhealthy):
            first = str(unhealthy.iloc[0])
            problems.append(f"{len(unhealthy)} of {len(table)} fits are not healthy, such as: {first}")
    return tuple(problems)


def _verdict(wrong: Sequence[str], n_done: int, n_tests: int) -> str:
    if not n_done:
        return "no replicate could be fitted"
    if n_done < FEWEST:
        return f"too few replicates: {n_done} were fitted, and a verdict on calibration needs {FEWEST}"
    if wrong:
        return f"miscalibrated in {len(wrong)} of {n_tests} tests: {quoted(wrong, most=5)}"
    return (
        f"no evidence of miscalibration in {n_tests} tests of {n_done} fits, at {number(LEVEL)} for all tests together"
    )


def _counts_in_words(counts: Mapping[str, float]) -> str:
    return (
        f"{counts['asked']:,.0f} replicates: {counts['failed']:,.0f} failed, {counts['unhealthy']:,.0f} fits not "
        f"healthy, at least {counts['least_effective']:,.0f} effective draws of each quantity."
    )


def _power_in_words(counts: Mapping[str, float], n_done: int, n_tests: int) -> str:
    narrow, wide = counts["too_narrow"], counts["too_wide"]
    found = [
        *([f"{narrow:.2f} times what it should be or less"] if np.isfinite(narrow) else []),
        *([f"{wide:.1f} times or more"] if np.isfinite(wide) else []),
    ]
    size = f"{n_done:,}, with {n_tests} tests"
    if not found:
        return (
            f"So few replicates ({size}) hardly ever show a wrong posterior of one quantity, even where its SD is off "
            f"by a factor of {LARGEST_FACTOR:.0f}."
        )
    return (
        f"So many replicates ({size}) show a wrong posterior of one quantity in 4 of 5 calibrations where its SD is "
        f"{', or '.join(found)}; smaller errors are mostly missed."
    )


def _ranks_in_words(table: pd.DataFrame) -> TextTable:
    shown = table.nsmallest(MOST_SHOWN, "p")
    covers = {
        f"in {100 * level:.0f} % interval": [
            f"{row[f'cover_{100 * level:.0f}']:.0%} [{row[f'cover_{100 * level:.0f}_lower']:.0%}, "
            f"{row[f'cover_{100 * level:.0f}_upper']:.0%}]"
            for _, row in shown.iterrows()
        ]
        for level in LEVELS
    }
    return TextTable.of(
        {
            f"quantity ({len(shown)} of {len(table)}, the least uniform first)": [str(name) for name in shown.index],
            "mean rank": [f"{value:.2f}" for value in shown["mean"]],
            "spread": [f"{value:.2f}" for value in shown["spread"]],
            "p": list(map(_p, shown["p"])),
            "adjusted": list(map(_p, shown["p_holm"])),
            **covers,
        },
        left={f"quantity ({len(shown)} of {len(table)}, the least uniform first)"},
    )


def _events_in_words(table: pd.DataFrame) -> TextTable:
    shown = table.nsmallest(MOST_SHOWN, "p")
    heading = f"probability of ({len(shown)} of {len(table)}, the least reliable first)"
    return TextTable.of(
        {
            heading: [str(name) for name in shown.index],
            "stated": [f"{value:.2f}" for value in shown["stated"]],
            "frequency": [f"{value:.2f}" for value in shown["frequency"]],
            "z": [f"{value:.1f}" for value in shown["z"]],
            "p": list(map(_p, shown["p"])),
            "adjusted": list(map(_p, shown["p_holm"])),
        },
        left={heading},
    )


def _verdicts_in_words(table: pd.DataFrame, counts: Mapping[str, float]) -> TextTable:
    heading = (
        f"verdict (of {counts['verdicts']:.0f}: {counts['undecided']:.0f} undecided, {counts['withheld']:.0f} withheld "
        "as the fit is not healthy)"
    )
    return TextTable.of(
        {
            heading: [str(name) for name in table.index],
            "given": [str(int(n)) for n in table["n"]],
            "stated": [f"{value:.2f}" for value in table["stated"]],
            "right": [f"{value:.2f}" for value in table["right"]],
            "p": list(map(_p, table["p"])),
            "adjusted": list(map(_p, table["p_holm"])),
        },
        left={heading},
    )


def _p(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def _figure(answer: Answer, *, diagrams: Mapping[str, Reliability]) -> "Figure":
    ranks, events = answer.tables["rank_of_each"], answer.tables["events"].nsmallest(MOST_DRAWN // 2, "p")
    table = answer.table[answer.table["n"] > 1].nsmallest(MOST_DRAWN, "p")
    bands = {int(n): band(int(n)) for n in table["n"].unique()}
    return calibration_figure(
        [
            RanksPanel(str(name), ranks[name].dropna().to_numpy(), *bands[int(row["n"])], bool(row["verdict"]))
            for name, row in table.iterrows()
        ],
        [
            ReliabilityPanel(
                name,
                each.stated,
                each.recalibrated,
                each.lower,
                each.upper,
                bool(events.loc[name, "p_holm"] < LEVEL),
            )
            for name, each in ((str(name), diagrams[str(name)]) for name in events.index)
        ],
        title=str(answer.verdict)[:90],
    )
