"""Rank-deficient designs, whose coefficients cannot be distinguished, detected before sampling."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import fdtr

from ..basics.names import in_words
from ..spec.association import WITHIN, RandomInterceptRegression

__all__ = ["Clock", "indistinct_columns", "split_problems"]

Array = NDArray[np.float64]

# Bambi's priors allow a coefficient 2.5 SDs of the outcome per SD of its column. What the other columns leave of one
# can then move the outcome by 2.5 of its SDs times the share that is left: with a thousandth, priors alone decide.
LEAST_LEFT = 1e-3
# The mean of n values differs between people by chance by 1 / sqrt(n) of the SD within them. Less than a quarter of
# that, in enough people for that to be no chance, is what rounding leaves of a column that was centred within persons.
LEAST_BETWEEN = 0.25
IMPOSSIBLE = 1e-5
ROUNDING = 1e-12  # of the largest value: what differences of equal numbers may leave in double precision
SMALL = 0.01  # of the largest contribution to a linear combination: not worth naming
FAR = 0.01  # SD of a factor per distance of its mean from 0: a product with it is nearly a multiple of the other


def split_problems(
    regression: RandomInterceptRegression, outcome: str, rows: pd.DataFrame, data: pd.DataFrame
) -> list[str]:
    """Exposures that cannot be split into the person's mean and the deviation from it, one sentence each.

    Columns may have been centred over all rows of the data, before incomplete ones were excluded.
    """
    problems = []
    for name in regression.exposures:
        if np.abs(rows[name + WITHIN]).max() <= ROUNDING * np.abs(rows[name]).max():
            problems.append(
                f"The exposure '{name}' does not change within persons over the rows of '{outcome}', so that it has no "
                f"deviation from the person's mean. Leave it out of exposures; it may stay in the formula."
            )
            continue
        for rows_in_words, table in ((f"the rows of '{outcome}'", rows), ("all rows of the data that hold it", data)):
            means = _PersonMeans.of(table, name, regression.person)
            if means.equal:
                problems.append(
                    f"The exposure '{name}' does not differ between persons over {rows_in_words}: their means have an "
                    f"SD of {means.sd:.2g}, where chance alone would leave {means.sd_by_chance:.2g}, as in a column "
                    "that was centred within persons. Give the column as it was measured, since it is split here. One "
                    "whose person means are equal by design may be in the formula, but not among the exposures."
                )
                break
    return problems


class _PersonMeans(NamedTuple):
    """SD of the persons' means, its expectation if persons did not differ, and the probability of one as small."""

    sd: float
    sd_by_chance: float
    probability: float

    @property
    def equal(self) -> bool:
        """Whether they are more alike than chance allows, as after centring within persons."""
        return self.sd < LEAST_BETWEEN * self.sd_by_chance and self.probability < IMPOSSIBLE

    @classmethod
    def of(cls, rows: pd.DataFrame, name: str, person: str) -> "_PersonMeans":
        """Of a column over the rows in which it is finite.

        Means have by chance a variance of s_i^2 / n_i, with a variance s_i^2 of each person's own, since exposures may
        change in few persons. The ratio of the observed to the expected sum of squares is F distributed with
        Satterthwaite's degrees of freedom [1]_. Persons with one row, who have no s_i, only add to what is observed.

        .. [1] Brown & Forsythe (1974). The small sample behavior of some statistics which test the equality of several
           means. Technometrics 16, 129-132.
        """
        finite = rows[[person, name]].dropna()
        finite = finite[np.isfinite(finite[name].to_numpy(float))]
        codes = pd.factorize(finite[person])[0]
        values = finite[name].to_numpy(float)
        unit = float(np.abs(values).max()) or 1.0
        values = values / unit
        values -= values.mean()
        n = np.bincount(codes)
        means = np.bincount(codes, values) / n
        squares = np.bincount(codes, (values - means[codes]) ** 2)
        more = n > 1
        by_chance = squares[more] / (n[more] - 1) / n[more]
        if not by_chance.any():
            return cls(unit * float(means.std()), 0.0, 1.0)
        between = by_chance.sum() ** 2 / (by_chance**2).sum()
        within = by_chance.sum() ** 2 / (by_chance**2 / (n[more] - 1)).sum()
        ratio = ((means - means.mean()) ** 2).sum() / by_chance.sum()
        sd_by_chance = unit * float(np.sqrt(by_chance.sum() / len(n)))
        return cls(unit * float(means.std()), sd_by_chance, float(fdtr(between, within, ratio)))


class Clock(NamedTuple):
    """The column of time in a design, its values ``(row,)``, and how to count it from a time in the data."""

    name: str
    steps: Array
    cure: str


def indistinct_columns(
    names: Sequence[str], design: Array, *, intercept: bool, clock: Clock | None = None
) -> list[str]:
    """Columns that are constant, or nearly a linear combination of columns before them, one sentence each.

    The design, shape ``(row, column)``, is without its intercept. Time is not centred but counted from another time.
    """
    columns = dict(zip(names, design.T, strict=True))
    if clock is not None:
        columns[clock.name] = clock.steps
    largest = np.abs(design).max(axis=0, initial=0.0)
    scaled = design / np.where(largest > 0, largest, 1.0)
    if intercept:
        scaled = scaled - scaled.mean(axis=0)
    sizes = np.sqrt((scaled**2).mean(axis=0))
    problems, kept = [], np.zeros((len(design), 0))
    of_kept: list[str] = []
    for name, column, size in zip(names, scaled.T, sizes, strict=True):
        if np.abs(column).max(initial=0.0) <= ROUNDING:
            problems.append(f"'{name}' is {'the same in all rows' if intercept else '0 in all rows'}. Leave it out.")
            continue
        column = column / size
        weights = np.linalg.lstsq(kept, column)[0] if of_kept else np.zeros(0)
        remaining_sd = float(np.sqrt(((column - kept @ weights) ** 2).mean()))
        if remaining_sd >= LEAST_LEFT:
            kept, of_kept = np.column_stack([kept, column]), [*of_kept, name]
            continue
        parts = [
            part
            for part, weight in zip(of_kept, np.abs(weights), strict=True)
            if weight > SMALL * np.abs(weights).max()
        ]
        of_parts = in_words([f"'{part}'" for part in parts])
        far = _factor_far_from_0(name, parts, columns)
        if far is not None:
            like = "a multiple" if len(parts) == 1 else "a linear combination"
            problems.append(
                f"'{name}' is nearly {like} of {of_parts}, because '{far}' lies far from 0 and varies little beside "
                f"that: {remaining_sd:.1g} of its SD is left, so their coefficients cannot be distinguished. "
                f"{clock.cure if clock is not None and far == clock.name else f"Centre '{far}' first."}"
            )
            continue
        problems.append(
            f"'{name}' is nearly a linear combination of {of_parts}: without it "
            f"{remaining_sd:.1g} of its SD is left, so their coefficients cannot be distinguished. Leave one of "
            "them out, or, of powers and products, centre the variables first (time by time_zero)."
        )
    return problems


def _factor_far_from_0(name: str, parts: Sequence[str], columns: Mapping[str, Array]) -> str | None:
    """The nearly constant factor that makes a product a combination of its factors, if that is why it is one."""
    factors = name.split(":")
    if set(parts) <= set(factors):
        for factor in factors:
            if factor in columns and columns[factor].std() < FAR * abs(columns[factor].mean()):
                return factor
    return None
